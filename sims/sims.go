// Package sims runs simulators of payment service providers that speak the providers' real wire formats, each on a
// listener of its own, with a ledger of what really happened to money and a table of faults to set. It is written
// from the providers' documents and shares no code with the adapters that talk to it, so that the two can disagree.
package sims

import (
	"switchyard/sims/dojo"
	"switchyard/sims/paymongo"
	"switchyard/sims/pivot"
	"switchyard/sims/processout"
	"switchyard/sims/psp"
	"switchyard/sims/xendit"
)

// maker makes the simulator of one PSP.
type maker struct {
	name string
	make func(psp.Deps) psp.Simulator
}

// makers is the list of the PSPs that are simulated.
func makers() []maker {
	return []maker{
		{"dojo", func(d psp.Deps) psp.Simulator { return dojo.New(d) }},
		{"paymongo", func(d psp.Deps) psp.Simulator { return paymongo.New(d) }},
		{"pivot", func(d psp.Deps) psp.Simulator { return pivot.New(d) }},
		{"processout", func(d psp.Deps) psp.Simulator { return processout.New(d) }},
		{"xendit", func(d psp.Deps) psp.Simulator { return xendit.New(d) }},
	}
}
