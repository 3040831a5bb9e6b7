// Package all lists the PSPs that Switchyard speaks to. Only the command and tests import it.
package all

import (
	"switchyard/adapters"
	"switchyard/adapters/dojo"
	"switchyard/adapters/paymongo"
	"switchyard/adapters/pivot"
	"switchyard/adapters/processout"
	"switchyard/adapters/xendit"
)

// Providers returns every PSP, in alphabetical order.
func Providers() []adapters.Provider {
	return []adapters.Provider{
		dojo.Provider(),
		paymongo.Provider(),
		pivot.Provider(),
		processout.Provider(),
		xendit.Provider(),
	}
}
