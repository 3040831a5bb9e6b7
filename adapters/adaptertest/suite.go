// Package adaptertest is the suite that every adapter passes. It needs no code per adapter: a PSP brings its Provider, a
// testdata folder with one configuration (config.yaml) and recorded exchanges (*.json, each a Case), and the suite asks
// four tiers of questions.
//
// Behaviour: each fixture is played through the adapter, request and answer compared; which fixtures must exist follows from
// what the adapter declares and implements.
//
// Faults: the approving fixture of every operation is played again with a fault at each of its calls: refused connection, cut
// body, 500, HTML and so on. No fixture is needed for these. What the fault must be reported as depends on whether the
// call before it, the one that moves money, had been sent.
//
// Manners: what holds for every adapter, whatever its PSP: the reference is sent and stable, amounts are exact in every
// declared currency, nothing secret shows in errors, logs or values, contexts are honoured, bodies are closed, declared
// abilities are implemented.
//
// Webhooks, where the adapter takes them: each recorded delivery is about what it should be, however often it comes, and nothing
// that somebody else can make of it is taken for the PSP's.
//
// Checks return errors instead of failing a test, so that the suite itself can be tested with adapters that are broken on
// purpose.
package adaptertest

import (
	"fmt"
	"io/fs"
	"testing"

	"switchyard/adapters"
	"switchyard/payments"
)

// BaseURL is where config.yaml sends an adapter. Nothing listens there: the suite's transport answers.
const BaseURL = "https://psp.test"

// Suite is one PSP under test.
type Suite struct {
	Provider adapters.Provider
	// Fixtures is the adapter's testdata folder: os.DirFS("testdata").
	Fixtures fs.FS
}

// Run runs the whole suite.
func Run(t *testing.T, s Suite) {
	t.Helper()
	b, err := load(s)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range b.checks() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for _, err := range c.run() {
				t.Error(err)
			}
		})
	}
}

// check is one question. It returns what is wrong.
type check struct {
	name string
	run  func() []error
}

// checks lists every question for the adapter.
func (b *bench) checks() []check {
	list := []check{
		{"declared/provider", b.checkProvider},
		{"declared/capabilities", b.checkCapabilities},
		{"declared/recovery", b.checkRecovery},
		{"declared/config", b.checkConfig},
		{"behaviour/coverage", b.checkCoverage},
		{"behaviour/fixtures-hold-no-card-numbers", b.checkFixtures},
		{"manners/declines/secrets", b.checkDeclineSecrets},
	}
	for _, c := range b.cases {
		list = append(list, check{"behaviour/" + c.Name, func() []error { return b.checkCase(c) }})
	}
	inCurrencies := map[payments.Operation]bool{}
	for _, c := range b.approving() {
		list = append(list,
			check{"faults/" + c.Name, func() []error { return b.checkFaults(c) }},
			check{"manners/" + c.Name + "/context", func() []error { return b.checkContext(c) }},
			check{"manners/" + c.Name + "/secrets", func() []error { return b.checkSecrets(c) }},
			check{"manners/" + c.Name + "/reference", func() []error { return b.checkReference(c) }},
			check{"manners/" + c.Name + "/parallel", func() []error { return b.checkParallel(c) }},
			check{"manners/" + c.Name + "/note", func() []error { return b.checkNote(c) }},
		)
		if op := c.Operation; !inCurrencies[op] {
			inCurrencies[op] = true
			list = append(list, check{"manners/" + string(op) + "/currencies", func() []error { return b.checkCurrencies(op) }})
		}
	}
	for _, c := range b.lookups() {
		list = append(list,
			check{"faults/" + c.Name, func() []error { return b.checkLookupFaults(c) }},
			check{"manners/" + c.Name + "/secrets", func() []error { return b.checkSecrets(c) }},
		)
	}
	for _, c := range b.listings() {
		list = append(list,
			check{"faults/" + c.Name, func() []error { return b.checkListFaults(c) }},
			check{"manners/" + c.Name + "/secrets", func() []error { return b.checkSecrets(c) }},
		)
	}
	return append(list, b.webhookChecks()...)
}

// prefix puts the place before every error.
func prefix(place string, errs []error) []error {
	for i, err := range errs {
		errs[i] = fmt.Errorf("%s: %w", place, err)
	}
	return errs
}
