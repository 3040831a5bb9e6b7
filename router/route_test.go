package router

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"switchyard/payments"
	"switchyard/router/rules"
)

// tester is a test, a benchmark, or a case of rapid.
type tester interface {
	Helper()
	Fatalf(format string, args ...any)
}

// policyOf compiles a policy for some gateway configurations.
func policyOf(t tester, text string, list []Gateway) *rules.Policy {
	t.Helper()
	known := make([]rules.Gateway, 0, len(list))
	for _, g := range list {
		known = append(known, rules.Gateway{ID: g.ID, Enabled: true})
	}
	doc, _ := rules.Decode("routing.yaml", []byte(text))
	p, faults := rules.Compile(doc, known)
	if len(faults) > 0 {
		t.Fatalf("the policy has faults:\n%s\n%s", faults.Error(), text)
	}
	return p
}

// ruled is the usual configuration with a policy.
func ruled(t testing.TB, text string) *Config {
	t.Helper()
	return Compile(Config{Gateways: gateways(), Priority: []string{processout, xendit, paymongo}, MaxAttempts: 3, Policy: policyOf(t, text, gateways())})
}

// orderOf names the gateway configurations to try, in short.
func orderOf(d payments.Decision) string {
	var ids []string
	for _, c := range d.Order() {
		ids = append(ids, strings.TrimPrefix(c.GatewayConfigurationID, "gway_conf_"))
	}
	return strings.Join(ids, " ")
}

func TestDecideByPolicy(t *testing.T) {
	t.Parallel()
	const fees = `
fees:
  gway_conf_processout: [{rows: [{blended: {bps: 300}}]}]
  gway_conf_xendit: [{rows: [{blended: {bps: 100}}]}]
  gway_conf_paymongo: [{rows: [{blended: {bps: 200}}]}]
`
	sick := Health{xendit: {Reason: "it is ill"}}
	for name, test := range map[string]struct {
		policy  string
		change  func(*payments.Facts)
		health  Health
		rule    string
		order   string
		reasons map[string]string // by gateway configuration: a part of the reason
		blocked string
	}{
		"priority": {
			policy:  `{rules: [{name: r, route: {priority: [gway_conf_paymongo, gway_conf_xendit]}}], default: {smart: all}}`,
			rule:    "r",
			order:   "paymongo xendit",
			reasons: map[string]string{paymongo: "first in the route", xendit: "second in the route; tried if", processout: `rule "r" does not name it`},
		},
		"the first that matches": {
			policy: `{rules: [{name: usd, when: {currency: USD}, route: {priority: [gway_conf_xendit]}}, {name: php, when: {currency: PHP}, route: {priority: [gway_conf_paymongo]}},
			  {name: all, route: {priority: [gway_conf_xendit]}}], default: {smart: all}}`,
			rule: "php", order: "paymongo",
		},
		"default": {
			policy: `{rules: [{name: usd, when: {currency: USD}, route: {priority: [gway_conf_xendit]}}], default: {priority: [gway_conf_xendit]}}`,
			rule:   "default", order: "xendit", reasons: map[string]string{processout: "the default route does not name it"},
		},
		"smart takes the list": {
			policy: `{default: {smart: [gway_conf_xendit, gway_conf_processout], fallback: [gway_conf_paymongo]}}`,
			rule:   "default", order: "xendit processout paymongo", reasons: map[string]string{paymongo: "third in the route, as its fallback"},
		},
		"smart takes all": {
			policy: `{default: {smart: all}}`, rule: "default", order: "processout xendit paymongo", reasons: map[string]string{processout: "first in the priority list"},
		},
		"a rule may leave it to the router": {
			policy: `{rules: [{name: a, route: {smart: all}}], default: {block: {message: "no"}}}`, rule: "a", order: "processout xendit paymongo",
		},
		"cheapest": {
			policy: `default: {cheapest: [gway_conf_processout, gway_conf_paymongo], fallback: [gway_conf_xendit]}` + fees,
			rule:   "default", order: "paymongo processout xendit", reasons: map[string]string{paymongo: "first by estimated fee"},
		},
		"a split of one": {
			policy: `default: {split: {gway_conf_xendit: 100, gway_conf_processout: 0}, fallback: [gway_conf_paymongo]}`,
			rule:   "default", order: "xendit paymongo", reasons: map[string]string{xendit: "first by the split", processout: "the default route splits payments, and sends this one elsewhere"},
		},
		"block": {
			policy: `{rules: [{name: no pesos, when: {currency: PHP}, route: {block: {message: "Not in pesos."}}}], default: {smart: all}}`,
			change: func(f *payments.Facts) { f.HasCVC = false },
			rule:   "no pesos", blocked: "Not in pesos.",
			reasons: map[string]string{processout: `rule "no pesos" blocks this payment: Not in pesos.`, paymongo: `rule "no pesos" blocks this payment: Not in pesos.`},
		},
		"nobody can, next": {
			policy: `{rules: [{name: a, route: {priority: [gway_conf_paymongo]}}, {name: b, route: {priority: [gway_conf_paymongo]}}, {name: c, route: {priority: [gway_conf_xendit]}}], default: {smart: all}}`,
			change: func(f *payments.Facts) { f.Amount.Currency = "USD" },
			rule:   "c", order: "xendit",
			reasons: map[string]string{xendit: `first in the route; rule "a" left no candidate, nor did 1 more`, paymongo: "PayMongo takes PHP only"},
		},
		"nobody can, fail": {
			policy: `{rules: [{name: a, on_ineligible: fail, route: {priority: [gway_conf_paymongo]}}], default: {smart: all}}`,
			change: func(f *payments.Facts) { f.Amount.Currency = "USD" },
			rule:   "a", reasons: map[string]string{paymongo: "PayMongo takes PHP only", xendit: `rule "a" does not name it`},
		},
		"nobody is well, next": {
			policy: `{rules: [{name: a, route: {priority: [gway_conf_xendit]}}], default: {smart: all}}`,
			health: sick, rule: "default", order: "processout paymongo", reasons: map[string]string{xendit: "it is ill", processout: `rule "a" left no candidate`},
		},
		"kill switch": {
			policy: `{gateways: {gway_conf_xendit: {off_until: 2026-11-20T13:00:00Z, off_because: settlement is late}}, rules: [{name: a, route: {priority: [gway_conf_xendit, gway_conf_paymongo]}}], default: {smart: all}}`,
			rule:   "a", order: "paymongo", reasons: map[string]string{xendit: "Xendit is switched off until 2026-11-20T13:00:00Z: settlement is late"},
		},
		"kill switch whose time is over": {
			policy: `{gateways: {gway_conf_xendit: {off_until: 2026-11-20T12:00:00Z}}, default: {priority: [gway_conf_xendit]}}`,
			rule:   "default", order: "xendit",
		},
		"last resort": {
			policy: `{default: {priority: [gway_conf_xendit, gway_conf_paymongo]}}`,
			health: Health{xendit: {Available: true, LastResort: true}}, rule: "default", order: "paymongo xendit",
			reasons: map[string]string{xendit: "first in the route, but tried last"},
		},
		"most attempts": {
			policy: `{retry: {max_attempts: 1}, default: {priority: [gway_conf_xendit, gway_conf_paymongo]}}`,
			rule:   "default", order: "xendit", reasons: map[string]string{paymongo: "the payment may try only one candidate"},
		},
		"facts that only rules ask for": {
			policy: `{rules: [{name: a, when: {funding: debit, customer_country: PH, payment_intent: recurring, method: token, saved: true}, route: {priority: [gway_conf_xendit]}}], default: {smart: all}}`,
			change: func(f *payments.Facts) {
				f.Funding, f.CustomerCountry, f.Intent = "debit", "PH", "recurring"
				f.Mappings = map[string]payments.Mapping{xendit: {Status: payments.MappingUsable, MethodRef: "pm_1"}}
			},
			rule: "a", order: "xendit",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			facts := cardSale()
			if test.change != nil {
				test.change(&facts)
			}
			got := Decide(ruled(t, test.policy), facts, View{Health: test.health}, noon)
			if got.Rule != test.rule || orderOf(got) != test.order || got.Blocked != test.blocked {
				t.Errorf("rule %q, order %q, blocked %q; want %q, %q, %q", got.Rule, orderOf(got), got.Blocked, test.rule, test.order, test.blocked)
			}
			for id, want := range test.reasons {
				if c := candidate(t, got, id); !strings.Contains(c.Reason, want) || c.Unavailable != (want == "it is ill") {
					t.Errorf("%s: %+v; want %q", id, c, want)
				}
			}
		})
	}
}

// TestPolicyIsInTheVersion: a decision's version tells policies apart, and does not change with how a policy is written.
func TestPolicyIsInTheVersion(t *testing.T) {
	t.Parallel()
	versions := []string{
		config().Version, ruled(t, `{default: {smart: all}}`).Version, ruled(t, `{default: {priority: [gway_conf_xendit]}}`).Version,
		ruled(t, `{retry: {max_attempts: 3}, default: {smart: all}}`).Version,
	}
	if slices.Sort(versions); len(slices.Compact(slices.Clone(versions))) != len(versions) {
		t.Errorf("two of them are alike: %v", versions)
	}
	if a, b := ruled(t, "default: {smart: all}"), ruled(t, "# a comment\ndefault:\n  smart: all\n"); a.Version != b.Version || Decide(a, cardSale(), View{}, noon).ConfigVersion != a.Version {
		t.Errorf("%s and %s", a.Version, b.Version)
	}
}

func TestMayMoveOn(t *testing.T) {
	t.Parallel()
	free, strict := New(config(), Settings{}), New(ruled(t, `{retry: {classes: {A: 1, B: 0}}, default: {smart: all}}`), Settings{})
	if !free.MayMoveOn(&payments.Decision{}, payments.ClassCascade, 9) {
		t.Error("without a policy nothing is stricter")
	}
	for _, test := range []struct {
		class payments.Class
		times int
		want  bool
	}{{payments.ClassCascade, 0, true}, {payments.ClassCascade, 1, false}, {payments.ClassCascadeOnce, 0, false}, {payments.ClassConfig, 5, true}} {
		if got := strict.MayMoveOn(&payments.Decision{}, test.class, test.times); got != test.want {
			t.Errorf("after class %s, %d times: %v", test.class, test.times, got)
		}
	}
}

// TestSplitHoldsItsWeights: over many payments each part gets its share within five standard deviations of chance.
func TestSplitHoldsItsWeights(t *testing.T) {
	t.Parallel()
	const payers = 100_000
	c := ruled(t, `default: {split: {gway_conf_processout: 55, gway_conf_xendit: 30, gway_conf_paymongo: 15}}`)
	first, second := map[string]int{}, map[string]int{}
	f := cardSale()
	for i := range payers {
		f.InvoiceID = fmt.Sprint("iv_", i)
		d := Decide(c, f, View{}, noon)
		order := d.Order()
		if len(order) != 3 {
			t.Fatalf("%+v", d)
		}
		first[order[0].GatewayConfigurationID]++
		if order[0].GatewayConfigurationID == processout {
			second[order[1].GatewayConfigurationID]++
		}
	}
	check := func(got int, all, share float64) {
		t.Helper()
		if off, most := float64(got)-all*share, all*share*(1-share)*25; off*off > most {
			t.Errorf("%d of %.0f payments, want %.0f", got, all, all*share)
		}
	}
	check(first[processout], payers, 0.55)
	check(first[xendit], payers, 0.30)
	check(first[paymongo], payers, 0.15)
	check(second[xendit], float64(first[processout]), 30.0/45) // when one is out, the others share as their weights say
}

// drawPolicy draws a policy over ids that the configuration has.
func drawPolicy(t *rapid.T, ids []string) string {
	list := func(label string) string {
		return "[" + strings.Join(rapid.SliceOfNDistinct(rapid.SampledFrom(ids), 1, len(ids), rapid.ID).Draw(t, label), ", ") + "]"
	}
	route := func() string {
		switch rapid.IntRange(0, 5).Draw(t, "route") {
		case 0:
			return `{block: {message: "no"}}`
		case 1:
			return "{smart: all}"
		case 2:
			return "{smart: " + list("smart") + "}"
		case 3:
			return "{cheapest: " + list("cheapest") + "}"
		case 4:
			two := rapid.SliceOfNDistinct(rapid.SampledFrom(ids), 1, 2, rapid.ID).Draw(t, "split")
			if len(two) == 1 {
				return "{split: {" + two[0] + ": 100}}"
			}
			weight := rapid.IntRange(0, 100).Draw(t, "weight")
			return fmt.Sprintf("{split: {%s: %d, %s: %d}}", two[0], weight, two[1], 100-weight)
		}
		return "{priority: " + list("priority") + "}"
	}
	var b strings.Builder
	if rapid.Bool().Draw(t, "retry") {
		fmt.Fprintf(&b, "retry: {max_attempts: %d}\n", rapid.IntRange(1, 7).Draw(t, "attempts"))
	}
	fmt.Fprintf(&b, "gateways: {%s: {off_until: %s}, %s: {currencies: [PHP, JPY]}}\n", ids[0],
		time.Unix(rapid.Int64Range(1<<30, 1<<31).Draw(t, "off"), 0).UTC().Format(time.RFC3339), ids[1])
	fmt.Fprintf(&b, "fees: {%s: [{rows: [{blended: {bps: %d}}]}]}\nrules:\n", ids[2], rapid.IntRange(0, 500).Draw(t, "bps"))
	for i := range rapid.IntRange(1, 6).Draw(t, "rules") {
		when := rapid.SampledFrom([]string{
			"{currency: PHP}", "{operation: [sale, verify]}", "{method: {not: token}}", "{saved: true}", "{initiation: mit}",
			`{amount: {gte: "5 PHP"}}`, "{project: proj_a}", "{}", `{any: [{incremental: true}, {currency: [USD, JPY]}]}`,
		}).Draw(t, "when")
		if when == "{}" {
			when = "{project: {not: proj_nobody}}"
		}
		fmt.Fprintf(&b, "  - {name: r%d, when: %s, on_ineligible: %s, route: %s}\n", i, when, rapid.SampledFrom([]string{"next", "fail"}).Draw(t, "ineligible"), route())
	}
	return b.String() + "default: " + route() + "\n"
}

// TestPolicyProperties: whatever the policy, the decision names everybody once, is the same wherever it is taken, and tries only
// whom the rule names and the gateway configuration's own abilities allow.
func TestPolicyProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c, facts, health := drawConfig(t), drawFacts(t), drawHealth(t)
		known := make([]Gateway, 0, len(someIDs))
		for _, id := range someIDs {
			known = append(known, Gateway{ID: id})
		}
		facts.InvoiceID = rapid.SampledFrom([]string{"", "iv_1", "iv_2"}).Draw(t, "invoice")
		text := drawPolicy(t, someIDs)
		c.Policy = policyOf(t, text, known)
		now := time.Unix(rapid.Int64Range(1<<30, 1<<31).Draw(t, "now"), 0).UTC()
		compiled := Compile(c)
		decision := Decide(compiled, facts, View{Health: health}, now)

		elsewhere := c // another instance, which has read the same files
		elsewhere.Policy = policyOf(t, text, known)
		if diff := cmp.Diff(decision, Decide(Compile(elsewhere), facts, View{Health: health}, now)); diff != "" {
			t.Fatalf("two instances decide differently:\n%s\n%s", diff, text)
		}
		list := mayUse(&c, facts.ProjectID)
		if len(decision.Candidates) != len(list) {
			t.Fatalf("%d candidates of %d: %+v", len(decision.Candidates), len(list), decision)
		}
		limit := max(c.MaxAttempts, 1)
		if most := c.Policy.Document().Retry.MaxAttempts; most > 0 {
			limit = most
		}
		checkVerdicts(t, decision, limit)
		checkRoute(t, compiled, decision, facts, health, now)
	})
}

// checkRoute holds a decision against the one that is taken without rules, and against the route that decides.
func checkRoute(t *rapid.T, c *Config, d payments.Decision, f payments.Facts, h Health, now time.Time) {
	free := *c
	free.plan, free.Policy, free.MaxAttempts = nil, nil, 100
	able := map[string]bool{}
	without := Decide(&free, f, View{Health: h}, now)
	for _, x := range without.Order() {
		able[x.GatewayConfigurationID] = true
	}
	doc := c.Policy.Document()
	route := &doc.Default
	for i := range doc.Rules {
		if doc.Rules[i].Name == d.Rule {
			route = &doc.Rules[i].Route
			facts := rules.FactsOf(&f)
			if !doc.Rules[i].When.Holds(&facts) {
				t.Fatalf("rule %s decides and does not match: %+v", d.Rule, f)
			}
		}
	}
	named := slices.Concat(route.Gateways, route.Fallback)
	for _, x := range d.Order() {
		if !able[x.GatewayConfigurationID] || len(named) > 0 && !slices.Contains(named, x.GatewayConfigurationID) || route.Kind == rules.RouteBlock {
			t.Fatalf("%s is tried by %s: %+v", x.GatewayConfigurationID, d.Rule, d)
		}
	}
}

// TestSmartAllIsTheDefaultPriority: a policy without rules that leaves everything to the router changes nothing.
func TestSmartAllIsTheDefaultPriority(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c, facts, health := drawConfig(t), drawFacts(t), drawHealth(t)
		want := Decide(Compile(c), facts, View{Health: health}, noon)
		c.Policy = policyOf(t, "default: {smart: all}", nil)
		if diff := cmp.Diff(want, Decide(Compile(c), facts, View{Health: health}, noon), cmpopts.IgnoreFields(payments.Decision{}, "Rule", "ConfigVersion")); diff != "" {
			t.Fatal(diff)
		}
	})
}

// fiveGateways are enough for a payment to choose among.
func fiveGateways() []Gateway {
	list := make([]Gateway, 0, 5)
	for _, id := range []string{"alpha", "bravo", "charlie", "delta", "echo"} {
		list = append(list, Gateway{ID: "gway_conf_" + id, PSP: id, Enabled: true, Capabilities: payments.Capabilities{MerchantInitiated: true, ManualCapture: true}})
	}
	return list
}

// manyRules is a policy of which a payment matches the last rule.
func manyRules(n int, route string) string {
	var b strings.Builder
	b.WriteString("default: {smart: all}\nfees:\n")
	for i, g := range fiveGateways() {
		fmt.Fprintf(&b, "  %s: [{rows: [{blended: {bps: %d, fixed: \"0.25 EUR\"}}]}]\n", g.ID, 300-10*i)
	}
	b.WriteString("rules:\n")
	schemes, countries := []string{"visa", "mastercard", "jcb"}, []string{"[FR, IT]", "SEA", "US", "{not: EEA}"}
	for i := range n - 1 {
		fmt.Fprintf(&b, "  - {name: r%d, when: {scheme: %s, issuer_country: %s, amount: {gte: \"%d EUR\"}, metadata.tier: t%d, iin: \"%d\"}, route: {priority: [gway_conf_alpha]}}\n",
			i, schemes[i%len(schemes)], countries[i%len(countries)], i%100, i%7, 400000+i)
	}
	fmt.Fprintf(&b, "  - {name: last, when: {scheme: visa, issuer_country: DE}, route: %s}\n", route)
	return b.String()
}

var benchRoutes = map[string]string{
	"priority": "{priority: [gway_conf_echo, gway_conf_delta, gway_conf_charlie, gway_conf_bravo, gway_conf_alpha]}",
	"split":    "{split: {gway_conf_echo: 20, gway_conf_delta: 20, gway_conf_charlie: 20, gway_conf_bravo: 20, gway_conf_alpha: 20}}",
	"cheapest": "{cheapest: [gway_conf_alpha, gway_conf_bravo, gway_conf_charlie, gway_conf_delta, gway_conf_echo]}",
	"smart":    "{smart: all}",
}

func benchFacts() payments.Facts {
	f := cardSale()
	f.Amount, f.CardCountry, f.IIN, f.Metadata = payments.Money{Minor: 60_00, Currency: "EUR"}, "DE", "411111", map[string]string{"tier": "t1"}
	return f
}

func benchConfig(t testing.TB, policy string) *Config {
	c := Config{Gateways: fiveGateways(), MaxAttempts: 3}
	if policy != "" {
		c.Policy = policyOf(t, policy, c.Gateways)
	}
	return Compile(c)
}

func BenchmarkDecideByPolicy(b *testing.B) {
	run := func(name string, c *Config, rule string) {
		f := benchFacts()
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if d := Decide(c, f, View{}, noon); d.Rule != rule {
					b.Fatal(d)
				}
			}
		})
	}
	run("without a policy", benchConfig(b, ""), ruleDefaultPriority)
	for _, kind := range slices.Sorted(maps.Keys(benchRoutes)) {
		run("1,000 rules, "+kind, benchConfig(b, manyRules(1_000, benchRoutes[kind])), "last")
	}
	var passing strings.Builder // the worst: every rule matches, and none has a candidate
	passing.WriteString("gateways: {gway_conf_alpha: {currencies: [USD]}}\ndefault: {smart: all}\nrules:\n")
	for i := range 1_000 {
		fmt.Fprintf(&passing, "  - {name: r%d, when: {scheme: visa, iin: {not: \"%d\"}}, route: {priority: [gway_conf_alpha]}}\n", i, 500000+i)
	}
	run("1,000 rules, all passed over", benchConfig(b, passing.String()), ruleDefaultRoute)
}

// TestPolicyAllocations: rules leave hardly anything behind for a decision.
func TestPolicyAllocations(t *testing.T) {
	f := benchFacts()
	without := benchConfig(t, "")
	before := testing.AllocsPerRun(100, func() { Decide(without, f, View{}, noon) })
	for kind, route := range benchRoutes {
		c := benchConfig(t, manyRules(1_000, route))
		if n := testing.AllocsPerRun(100, func() { Decide(c, f, View{}, noon) }); n > before+5 {
			t.Errorf("%s: %v allocations, without a policy %v", kind, n, before)
		}
	}
}
