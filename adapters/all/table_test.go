package all_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"switchyard/adapters"
	"switchyard/adapters/all"
	"switchyard/payments"
)

var update = flag.Bool("update", false, "write docs/psps.md anew")

const tablePath = "../../docs/psps.md"

// TestCapabilityTable holds docs/psps.md against the declarations. `go test ./adapters/all -run CapabilityTable -update`
// writes it anew.
func TestCapabilityTable(t *testing.T) {
	t.Parallel()
	want := table(t, all.Providers())
	if *update {
		if err := os.WriteFile(tablePath, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(tablePath)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("docs/psps.md is not what the PSPs declare; write it anew with: go test ./adapters/all -run CapabilityTable -update")
	}
}

// row is one line of the table: what is asked of each PSP.
type row struct {
	name string
	of   func(payments.Capabilities, adapters.Adapter) string
}

func rows() []row {
	able := func(ask func(adapters.Adapter) bool) func(payments.Capabilities, adapters.Adapter) string {
		return func(_ payments.Capabilities, a adapters.Adapter) string { return yes(ask(a)) }
	}
	declared := func(ask func(payments.Capabilities) bool) func(payments.Capabilities, adapters.Adapter) string {
		return func(c payments.Capabilities, _ adapters.Adapter) string { return yes(ask(c)) }
	}
	return []row{
		{"currencies", func(c payments.Capabilities, _ adapters.Adapter) string {
			return orEvery(c.Currencies, func(x payments.Currency) string { return string(x) })
		}},
		{"card schemes", func(c payments.Capabilities, _ adapters.Adapter) string {
			return orEvery(c.Schemes, func(x payments.Scheme) string { return string(x) })
		}},
		{"cards of ours", declared(func(c payments.Capabilities) bool { return !c.HostedOnly })},
		{"checkout on its own page", able(func(a adapters.Adapter) bool { _, ok := a.(adapters.SessionStarter); return ok })},
		{"hold, capture later", declared(func(c payments.Capabilities) bool { return c.ManualCapture })},
		{"capture in part", declared(func(c payments.Capabilities) bool { return c.PartialCapture })},
		{"several captures", declared(func(c payments.Capabilities) bool { return c.MultiCapture })},
		{"a hold lasts", func(c payments.Capabilities, _ adapters.Adapter) string {
			return fmt.Sprintf("%.0f days", c.CaptureWindow.Hours()/24)
		}},
		{"void", able(func(a adapters.Adapter) bool { _, ok := a.(adapters.Voider); return ok })},
		{"raise a hold", able(func(a adapters.Adapter) bool { _, ok := a.(adapters.Incrementer); return ok })},
		{"refund in part", declared(func(c payments.Capabilities) bool { return c.PartialRefund })},
		{"verify without money", declared(func(c payments.Capabilities) bool { return c.ZeroVerify })},
		{"save a card", func(c payments.Capabilities, a adapters.Adapter) string {
			if _, ok := a.(adapters.Tokenizer); ok {
				return "yes"
			}
			if c.SavesInline {
				return "with a payment"
			}
			return "no"
		}},
		{"list saved methods", able(func(a adapters.Adapter) bool { _, ok := a.(adapters.MethodLister); return ok })},
		{"delete saved methods", able(func(a adapters.Adapter) bool { _, ok := a.(adapters.MethodDeleter); return ok })},
		{"merchant-initiated", declared(func(c payments.Capabilities) bool { return c.MerchantInitiated })},
		{"needs the CVC", func(c payments.Capabilities, _ adapters.Adapter) string {
			switch {
			case c.NeedsCVC && c.NeedsCVCSaved:
				return "always"
			case c.NeedsCVC:
				return "for cards"
			case c.NeedsCVCSaved:
				return "for saved cards"
			}
			return "no"
		}},
		{"fence after an unknown charge", func(c payments.Capabilities, _ adapters.Adapter) string {
			return yes(c.Recovery[payments.OpSale].Fence)
		}},
		{"a resend is the same charge", func(c payments.Capabilities, _ adapters.Adapter) string {
			return yes(c.Recovery[payments.OpSale].Resend)
		}},
		{"webhooks", able(func(a adapters.Adapter) bool { _, ok := a.(adapters.WebhookParser); return ok })},
		{"idempotency at the PSP", func(c payments.Capabilities, _ adapters.Adapter) string { return c.Idempotency }},
		{"amounts on the wire", func(c payments.Capabilities, _ adapters.Adapter) string { return c.Units + " units" }},
	}
}

func table(t *testing.T, providers []adapters.Provider) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("# What each PSP can do\n\nMade from the PSPs' declarations and code; a test fails when it is stale. The router filters on the same declarations,\nand says so in the decision.\n\n|")
	for _, p := range providers {
		b.WriteString(" | " + p.DisplayName)
	}
	b.WriteString(" |\n|---" + strings.Repeat("|---", len(providers)) + "|\n")
	opened := make([]adapters.Adapter, len(providers))
	for i, p := range providers {
		a, err := p.NewConfig().Open(adapters.Deps{})
		if err != nil {
			t.Fatal(err)
		}
		opened[i] = a
	}
	for _, r := range rows() {
		b.WriteString("| " + r.name)
		for i, p := range providers {
			b.WriteString(" | " + r.of(p.Capabilities, opened[i]))
		}
		b.WriteString(" |\n")
	}
	return b.String()
}

func yes(ok bool) string {
	if ok {
		return "yes"
	}
	return "no"
}

func orEvery[T any](list []T, text func(T) string) string {
	if list == nil {
		return "every"
	}
	var names []string
	for _, x := range list {
		names = append(names, text(x))
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
