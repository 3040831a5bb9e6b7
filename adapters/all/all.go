// Package all lists the PSPs that Switchyard speaks to. Only the command and tests import it.
package all

import (
	"switchyard/adapters"
	"switchyard/adapters/paymongo"
	"switchyard/adapters/processout"
	"switchyard/adapters/xendit"
)

// Providers returns every PSP, in alphabetical order.
func Providers() []adapters.Provider {
	return []adapters.Provider{
		paymongo.Provider(),
		processout.Provider(),
		xendit.Provider(),
	}
}
