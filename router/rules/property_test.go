package rules_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"switchyard/payments"
	"switchyard/router/rules"
)

// The values that random policies name, and that random payments have; payments have some that no policy names.
var (
	someSchemes    = []string{"visa", "mastercard", "jcb", "unknown"}
	someCountries  = []string{"DE", "FR", "PH", "US", "EEA", "SEA", "unknown"}
	someCurrencies = []string{"EUR", "USD", "PHP"}
	someIINs       = []string{"4", "41", "411111", "5", "555555", "41111122"}
	someTiers      = []string{"gold", "silver", ""}
	someGateways   = []string{"gway_conf_alpha", "gway_conf_bravo", "gway_conf_manila", "gway_conf_dojo"}
	someAmounts    = []int64{0, 1, 50, 100, 101}
)

// How many kinds of conditions leaf draws from: those over the facts of grid, or all.
const (
	gridFacts = 8
	allFacts  = 11
)

// leaf draws what is asked of one fact: the key and its value.
func leaf(t *rapid.T, facts int) (string, any) {
	values := func(from []string) any {
		list := rapid.SliceOfNDistinct(rapid.SampledFrom(from), 1, 3, rapid.ID).Draw(t, "values")
		if rapid.Bool().Draw(t, "not") {
			return map[string]any{"not": list}
		}
		return list
	}
	switch rapid.IntRange(0, facts-1).Draw(t, "fact") {
	case 0:
		return "scheme", values(someSchemes)
	case 1:
		return "currency", values(someCurrencies)
	case 2:
		return "metadata.tier", values(someTiers)
	case 3:
		return "method", values([]string{"card", "page", "token"})
	case 4:
		return "saved", rapid.Bool().Draw(t, "saved")
	case 5:
		return "initiation", rapid.SampledFrom([]string{"cit", "mit"}).Draw(t, "initiation")
	case 8:
		return "issuer_country", values(someCountries)
	case 9:
		return "iin", values(someIINs)
	case 10:
		return "operation", values([]string{"authorize", "sale", "verify"})
	}
	currency := rapid.SampledFrom(someCurrencies).Draw(t, "currency")
	bound := func() string {
		return payments.MinorText(rapid.SampledFrom(someAmounts).Draw(t, "amount"), payments.Currency(currency)) + " " + currency
	}
	switch rapid.IntRange(0, 3).Draw(t, "bound") {
	case 0:
		return "amount", map[string]string{"gte": bound()}
	case 1:
		return "amount", map[string]string{"lte": bound()}
	case 2:
		return "amount", map[string]string{"eq": bound()}
	}
	return "amount", []any{map[string]string{"gt": bound()}, map[string]string{"eq": bound()}}
}

func when(t *rapid.T, facts, depth int) map[string]any {
	made := map[string]any{}
	for range rapid.IntRange(1, 3).Draw(t, "parts") {
		kind := "leaf"
		if depth < 3 {
			kind = rapid.SampledFrom([]string{"leaf", "leaf", "leaf", "any", "all", "not"}).Draw(t, "kind")
		}
		switch kind {
		case "leaf":
			key, value := leaf(t, facts)
			made[key] = value
		case "not":
			made["not"] = when(t, facts, depth+1)
		default:
			made[kind] = []any{when(t, facts, depth+1), when(t, facts, depth+1)}
		}
	}
	return made
}

func route(t *rapid.T) map[string]any {
	ids := rapid.SliceOfNDistinct(rapid.SampledFrom(someGateways), 1, 3, rapid.ID).Draw(t, "gateways")
	switch rapid.IntRange(0, 3).Draw(t, "route") {
	case 0:
		return map[string]any{"block": map[string]string{"message": "no"}}
	case 1:
		weight := rapid.IntRange(0, 100).Draw(t, "weight")
		return map[string]any{"split": map[string]int{"gway_conf_alpha": weight, "gway_conf_bravo": 100 - weight}}
	case 2:
		return map[string]any{"smart": ids}
	}
	return map[string]any{"priority": ids}
}

// policyText draws a policy as a file.
func policyText(t *rapid.T, facts int) string {
	var b strings.Builder
	b.WriteString("default: {priority: [gway_conf_alpha]}\nrules:\n")
	for i := range rapid.IntRange(1, 6).Draw(t, "rules") {
		line := func(v any) string {
			text, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			return string(text)
		}
		fmt.Fprintf(&b, "  - name: r%d\n    when: %s\n    route: %s\n", i, line(when(t, facts, 0)), line(route(t)))
		if rapid.Bool().Draw(t, "fail") {
			b.WriteString("    on_ineligible: fail\n")
		}
	}
	return b.String()
}

// policy compiles a random policy. A file that asks for an amount that cannot be is drawn anew.
func policy(t *rapid.T, facts int) (*rules.Policy, string) {
	text := policyText(t, facts)
	doc, _ := rules.Decode("routing.yaml", []byte(text))
	p, faults := rules.Compile(doc, gateways())
	for _, fault := range faults {
		if fault.Code != rules.CodeRange && fault.Code != rules.CodeTooLarge {
			t.Fatalf("%s\n%s", faults.Error(), text)
		}
	}
	if p == nil {
		t.Skip("no such amount")
	}
	return p, text
}

func facts(t *rapid.T) rules.Facts {
	draw := func(label string, from []string) string {
		value := rapid.SampledFrom(append([]string{"", "else"}, from...)).Draw(t, label)
		if value == "unknown" {
			return ""
		}
		return value
	}
	f := rules.Facts{
		ProjectID: "proj_acme", InvoiceID: rapid.StringN(0, 4, 8).Draw(t, "invoice"),
		Operation:     rapid.SampledFrom([]payments.Operation{payments.OpAuthorize, payments.OpSale, payments.OpVerify}).Draw(t, "operation"),
		Method:        rapid.SampledFrom([]rules.Method{rules.MethodCard, rules.MethodPage, rules.MethodToken}).Draw(t, "method"),
		Scheme:        payments.Scheme(draw("scheme", someSchemes)),
		IssuerCountry: draw("country", someCountries[:4]),
		IIN:           rapid.SampledFrom([]string{"", "4", "40", "411111", "41111122", "411112", "555555", "6"}).Draw(t, "iin"),
		Amount: payments.Money{
			Minor:    rapid.SampledFrom([]int64{-1, 0, 1, 2, 49, 50, 51, 99, 100, 101, 102, 5000}).Draw(t, "minor"),
			Currency: payments.Currency(rapid.SampledFrom([]string{"EUR", "USD", "PHP", "GBP"}).Draw(t, "currency")),
		},
		Initiation: rapid.SampledFrom([]payments.Initiation{"", "cit", "mit"}).Draw(t, "initiation"),
		Saved:      rapid.Bool().Draw(t, "saved"),
	}
	if tier := draw("tier", someTiers); tier != "" {
		f.Metadata = map[string]string{"tier": tier}
	}
	return f
}

// possible makes random facts those of a payment that there can be.
func possible(f rules.Facts) rules.Facts {
	if f.Method == rules.MethodPage {
		f.Scheme, f.Funding, f.IssuerCountry, f.IIN, f.Initiation = "", "", "", "", ""
	}
	f.Saved = f.Saved && f.Method == rules.MethodToken
	f.Amount.Minor = max(f.Amount.Minor, 0)
	return f
}

// naive is the first rule that holds as it is written, behind one.
func naive(p *rules.Policy, f *rules.Facts, after int) int {
	for i := after + 1; i < len(p.Document().Rules); i++ {
		if p.Rule(i).When.Holds(f) {
			return i
		}
	}
	return -1
}

func TestMatchIsTheFirstRuleThatHolds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p, text := policy(t, allFacts)
		for range 30 {
			f := facts(t)
			var walk rules.Walk
			walk.Start(p, &f)
			for after, ended := -1, 0; ended < 2; {
				got, r := walk.Next()
				if want := naive(p, &f, after); got != want {
					t.Fatalf("behind rule %d, rule %d matches; the first that holds is %d\n%+v\n%s", after, got, want, f, text)
				}
				if r == nil || got >= 0 && r != &p.Rule(got).Route {
					t.Fatalf("rule %d has the route of another", got)
				}
				if after = got; got < 0 {
					after = len(p.Document().Rules)
					ended++
				}
			}
			trace := rules.Explain(p, &f)
			if i, _ := p.Match(&f); i >= 0 && trace.Rule != p.Rule(i).Name || i < 0 && trace.Rule != "" {
				t.Fatalf("Match says %d, Explain %q", i, trace.Rule)
			}
		}
	})
}

// unreached are the rules that the analysis says no payment reaches first.
func unreached(p *rules.Policy) map[string]rules.Code {
	named := map[string]rules.Code{}
	for _, f := range rules.Analyse(p, rules.World{Gateways: gateways(), Now: noon}) {
		switch f.Code {
		case rules.CodeUnreachable, rules.CodeShadowed, rules.CodeNeverMatches:
			named[f.Rule] = f.Code
		default:
		}
	}
	return named
}

func TestUnreachableRulesNeverMatch(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p, text := policy(t, allFacts)
		named := unreached(p)
		for range 60 {
			f := facts(t)
			if i, _ := p.Match(&f); i >= 0 && named[p.Rule(i).Name] != "" {
				t.Fatalf("rule %d is called %s and matches\n%+v\n%s", i, named[p.Rule(i).Name], f, text)
			}
		}
	})
}

// TestReachableRulesMatch holds the analysis to be exact, over policies so small that every kind of payment can be tried.
func TestReachableRulesMatch(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p, text := policy(t, gridFacts)
		named, reached := unreached(p), map[string]bool{}
		for f := range grid {
			if i, _ := p.Match(&f); i >= 0 {
				reached[p.Rule(i).Name] = true
			}
		}
		for _, f := range rules.Analyse(p, rules.World{Gateways: gateways(), Now: noon}) {
			if f.Code == rules.CodeImpossible { // of which more is not said
				named[f.Rule] = f.Code
			}
		}
		for _, r := range p.Document().Rules {
			if !reached[r.Name] && named[r.Name] == "" {
				t.Fatalf("no payment reaches %s, and nothing is said of it\n%s", r.Name, text)
			}
		}
	})
}

func grid(yield func(rules.Facts) bool) {
	for _, scheme := range []payments.Scheme{"", "visa", "mastercard", "jcb", "else"} {
		for _, method := range []rules.Method{rules.MethodCard, rules.MethodPage, rules.MethodToken} {
			for _, tier := range []string{"", "gold", "silver", "else"} {
				for _, currency := range []payments.Currency{"EUR", "USD", "PHP", "GBP"} {
					for _, minor := range []int64{-1, 0, 1, 2, 49, 50, 51, 99, 100, 101, 102} {
						for flags := range 4 {
							f := rules.Facts{Scheme: scheme, Method: method, Amount: payments.Money{Minor: minor, Currency: currency}, Saved: flags&1 > 0}
							f.Metadata = map[string]string{"tier": tier}
							if flags&2 > 0 {
								f.Initiation = payments.MerchantInitiated
							}
							if !yield(f) {
								return
							}
						}
					}
				}
			}
		}
	}
}

// canTake is what a gateway configuration declares, asked of one payment.
func canTake(g *rules.Gateway, f *rules.Facts) bool {
	caps := &g.Capabilities
	switch {
	case f.Method == rules.MethodPage && !g.Page, f.Method == rules.MethodCard && caps.HostedOnly,
		caps.Currencies != nil && !slices.Contains(caps.Currencies, f.Amount.Currency),
		caps.Schemes != nil && f.Scheme != "" && !slices.Contains(caps.Schemes, f.Scheme),
		f.Initiation == payments.MerchantInitiated && !caps.MerchantInitiated,
		f.Operation == payments.OpAuthorize && !caps.ManualCapture:
		return false
	case f.Operation == payments.OpVerify && f.Amount.Minor == 0:
		return true
	}
	least, limited := caps.MinAmount[f.Amount.Currency]
	return !limited || f.Amount.Minor >= least
}

// TestDeadPathsTakeNothing: what the analysis calls dead takes no payment that there can be, and a method and currency
// without a route finds none.
func TestDeadPathsTakeNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p, text := policy(t, allFacts)
		all := gateways()
		world := rules.World{Gateways: all, Now: noon, Currencies: []payments.Currency{"EUR", "USD", "PHP", "GBP"}}
		findings := rules.Analyse(p, world)
		for range 60 {
			f := possible(facts(t))
			var walk rules.Walk
			walk.Start(p, &f)
			for range len(p.Document().Rules) + 1 {
				i, r := walk.Next()
				name := ""
				if i >= 0 {
					name = p.Rule(i).Name
				}
				taken := r.Kind == rules.RouteBlock
				for _, id := range p.Order(r, &f, noon, nil) {
					g := &all[slices.IndexFunc(all, func(g rules.Gateway) bool { return g.ID == id })]
					if !canTake(g, &f) {
						continue
					}
					taken = true
					for _, finding := range findings {
						dead := finding.Code == rules.CodeDeadPath || finding.Code == rules.CodeDeadTarget && strings.HasPrefix(finding.Message, g.Display)
						if finding.Rule == name && dead {
							t.Fatalf("%s takes %+v\n%s\n%s", id, f, finding, text)
						}
					}
				}
				if taken {
					for _, finding := range findings {
						if finding.Code == rules.CodeNoRoute && strings.Contains(finding.Message, "by "+string(f.Method)+" ") && strings.Contains(finding.Message, string(f.Amount.Currency)) {
							t.Fatalf("%+v has a route\n%s\n%s", f, finding, text)
						}
					}
				}
				if taken || i < 0 || p.Rule(i).Fail {
					break
				}
			}
		}
	})
}
