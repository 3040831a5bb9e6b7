package rules_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"switchyard/payments"
	"switchyard/router/rules"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// gateways are four that differ in everything that rules look at.
func gateways() []rules.Gateway {
	return []rules.Gateway{
		{
			ID: "gway_conf_alpha", Display: "Alpha", Enabled: true, Incremental: true, Page: true,
			Capabilities: payments.Capabilities{MerchantInitiated: true, ManualCapture: true},
		},
		{
			ID: "gway_conf_bravo", Display: "Bravo", Enabled: true,
			Capabilities: payments.Capabilities{
				Currencies: []payments.Currency{"EUR", "USD", "PHP"}, MerchantInitiated: true, ManualCapture: true,
				Schemes: []payments.Scheme{payments.SchemeVisa, payments.SchemeMastercard},
			},
		},
		{
			ID: "gway_conf_manila", Display: "Manila", Enabled: true,
			Capabilities: payments.Capabilities{
				Currencies: []payments.Currency{"PHP"}, Schemes: []payments.Scheme{payments.SchemeVisa, payments.SchemeMastercard, payments.SchemeJCB},
				MinAmount: map[payments.Currency]int64{"PHP": 20_00},
			},
		},
		{
			ID: "gway_conf_dojo", Display: "Dojo", Enabled: true, Page: true,
			Capabilities: payments.Capabilities{HostedOnly: true, Currencies: []payments.Currency{"GBP", "EUR"}, ManualCapture: true},
		},
	}
}

func mustCompile(t testing.TB, text string) *rules.Policy {
	t.Helper()
	doc, _ := rules.Decode("routing.yaml", []byte(text))
	p, faults := rules.Compile(doc, gateways())
	if len(faults) > 0 {
		t.Fatalf("the policy has faults:\n%s", faults.Error())
	}
	return p
}

func eur(minor int64) payments.Money { return payments.Money{Minor: minor, Currency: "EUR"} }

func visa() rules.Facts {
	return rules.Facts{
		ProjectID: "proj_acme", InvoiceID: "iv_1", Operation: payments.OpSale, Method: rules.MethodCard, Scheme: payments.SchemeVisa,
		IssuerCountry: "DE", IIN: "411111", Amount: eur(60_00),
	}
}

// TestHash: what means the same has the same hash, however it is written.
func TestHash(t *testing.T) {
	t.Parallel()
	const text = `
regions: {ALPS: [CH, LI, AT]}
gateways: {gway_conf_alpha: {labels: [a], currencies: [EUR, USD]}, gway_conf_bravo: {labels: [b]}}
fees: {gway_conf_alpha: [{valid_from: 2026-01-01, rows: [{blended: {bps: 1}}]}, {rows: [{blended: {bps: 2}}]}]}
rules:
  - {name: r, when: {scheme: [visa, jcb], issuer_country: ALPS, any: [{amount: {gt: "49.99 EUR"}}, {saved: true}]}, route: {priority: [gway_conf_alpha]}}
default: {split: {gway_conf_alpha: 70, gway_conf_bravo: 30}}
`
	same := []string{`
# a comment
default:
  split:
    gway_conf_bravo: 30
    gway_conf_alpha: 70
  by: invoice
rules:
  - route:
      priority: ["label:a"]
    name: 'r'
    on_ineligible: next
    when:
      any:
        - saved: true
        - amount: [{gte: "50.00 EUR"}]
      issuer_country:
        - LI
        - AT
        - CH
        - AT
      all: [{scheme: [jcb, visa]}]
retry: {budget: {per_day: 4}}
gateways:
  gway_conf_bravo: {labels: [b]}
  gway_conf_alpha: {currencies: [USD, EUR, EUR], labels: a}
fees:
  gway_conf_alpha:
    - rows: [{blended: {bps: 2}}]
    - rows: [{blended: {bps: 1}}]
      valid_from: 2026-01-01
`, strings.ReplaceAll(text, "[visa, jcb]", "[jcb, visa]"), strings.ReplaceAll(text, "\n", "\r\n")}
	want := mustCompile(t, text)
	for _, other := range same {
		if got := mustCompile(t, other); got.Hash != want.Hash {
			t.Errorf("another hash for\n%s\n%v", other, rules.Diff(want, got))
		}
	}
	for _, change := range [][2]string{
		{"visa, jcb", "visa"},
		{"ALPS: [CH,", "ALPS: [DE,"},
		{"49.99", "50"},
		{"saved: true", "saved: false"},
		{"70", "71"},
		{"bps: 2", "bps: 3"},
		{"name: r", "name: s"},
		{"[EUR, USD]", "[EUR]"},
		{"2026-01-01", "2026-01-02"},
		{"priority: [gway_conf_alpha]", "smart: [gway_conf_alpha]"},
		{"any: [", "all: ["},
	} {
		changed := strings.Replace(text, change[0], change[1], 1)
		if change[0] == "70" {
			changed = strings.Replace(changed, "30", "29", 1)
		}
		got := mustCompile(t, changed)
		if got.Hash == want.Hash || got.Version() == want.Version() || len(rules.Diff(want, got)) == 0 {
			t.Errorf("%s for %s changes nothing: %v", change[1], change[0], rules.Diff(want, got))
		}
	}
}

// TestWalk follows a payment through the rules that pass it on.
func TestWalk(t *testing.T) {
	t.Parallel()
	p := mustCompile(t, `
rules:
  - {name: a, when: {scheme: visa}, route: {priority: [gway_conf_manila]}}
  - {name: b, when: {scheme: jcb}, route: {priority: [gway_conf_manila]}}
  - {name: c, route: {priority: [gway_conf_bravo]}, on_ineligible: fail}
default: {priority: [gway_conf_alpha]}
`)
	f := visa()
	var path []int
	var walk rules.Walk
	walk.Start(p, &f)
	i, r := walk.Next()
	for ; i >= 0 && len(path) < 4; i, r = walk.Next() {
		path = append(path, i)
	}
	if !slices.Equal(path, []int{0, 2}) || p.Rule(0).Fail || !p.Rule(2).Fail {
		t.Errorf("the payment goes through the rules %v", path)
	}
	if i != -1 || r.Kind != rules.RoutePriority || r.Gateways[0] != "gway_conf_alpha" {
		t.Errorf("behind the last rule there is %d, %+v", i, r)
	}
}

func TestRefuse(t *testing.T) {
	t.Parallel()
	p := mustCompile(t, `
gateways:
  gway_conf_alpha:
    methods: [card, token]
    schemes: [visa, mastercard]
    countries: [EEA]
    currencies: [EUR, USD]
    min_amount: "5 EUR"
    max_amount: ["500 EUR", "600 USD"]
    methods_off: {token: 2026-11-20T13:00:00Z}
  gway_conf_bravo: {off_until: 2026-11-20T13:00:00+01:00, off_because: chargebacks}
default: {smart: all}
`)
	for _, tc := range []struct {
		name, gateway string
		change        func(f *rules.Facts)
		at            time.Time
		want          string
	}{
		{"taken", "gway_conf_alpha", func(*rules.Facts) {}, noon, ""},
		{"not in the file", "gway_conf_manila", func(*rules.Facts) {}, noon, ""},
		{"switched off", "gway_conf_bravo", func(*rules.Facts) {}, noon.Add(-time.Second), "switched off until 2026-11-20T12:00:00Z: chargebacks"},
		{"on again at that moment", "gway_conf_bravo", func(*rules.Facts) {}, noon, ""},
		{"a method switched off", "gway_conf_alpha", func(f *rules.Facts) { f.Method = rules.MethodToken }, noon, "switched off for payments by token until 2026-11-20T13:00:00Z"},
		{"a method on again", "gway_conf_alpha", func(f *rules.Facts) { f.Method = rules.MethodToken }, noon.Add(time.Hour), ""},
		{"another method", "gway_conf_alpha", func(f *rules.Facts) { f.Method = rules.MethodPage }, noon, "not used for payments by page"},
		{"another scheme", "gway_conf_alpha", func(f *rules.Facts) { f.Scheme = "jcb" }, noon, "not used for jcb"},
		{"unknown card", "gway_conf_alpha", func(f *rules.Facts) { f.Scheme, f.IssuerCountry = "", "" }, noon, ""},
		{"another country", "gway_conf_alpha", func(f *rules.Facts) { f.IssuerCountry = "US" }, noon, "not used for cards issued in US"},
		{"another currency", "gway_conf_alpha", func(f *rules.Facts) { f.Amount.Currency = "PHP" }, noon, "not used for PHP"},
		{"the least", "gway_conf_alpha", func(f *rules.Facts) { f.Amount.Minor = 5_00 }, noon, ""},
		{"too little", "gway_conf_alpha", func(f *rules.Facts) { f.Amount.Minor = 4_99 }, noon, "not used below 5.00 EUR"},
		{"the most", "gway_conf_alpha", func(f *rules.Facts) { f.Amount.Minor = 500_00 }, noon, ""},
		{"too much", "gway_conf_alpha", func(f *rules.Facts) { f.Amount = payments.Money{Minor: 600_01, Currency: "USD"} }, noon, "not used above 600.00 USD"},
		{"a verification for nothing", "gway_conf_alpha", func(f *rules.Facts) { f.Operation, f.Amount.Minor = payments.OpVerify, 0 }, noon, ""},
	} {
		f := visa()
		tc.change(&f)
		if got := p.Refuse(tc.gateway, &f, tc.at); got != tc.want {
			t.Errorf("%s: %q, not %q", tc.name, got, tc.want)
		}
	}
}

// TestLabels: a label stands for its gateway configurations in the order of the file, each once.
func TestLabels(t *testing.T) {
	t.Parallel()
	p := mustCompile(t, `
gateways:
  gway_conf_manila: {labels: [asia, all]}
  gway_conf_bravo: {labels: [all]}
  gway_conf_alpha: {labels: [all]}
default: {smart: ["label:asia", gway_conf_bravo, "label:asia"], fallback: ["label:all", gway_conf_dojo]}
rules:
  - {name: two labels, route: {priority: ["label:asia", gway_conf_dojo, "label:all"]}}
`)
	r := p.Document().Default
	if got := p.Rule(0).Route.Gateways; !slices.Equal(got, []string{"gway_conf_manila", "gway_conf_dojo", "gway_conf_bravo", "gway_conf_alpha"}) {
		t.Errorf("%v", got)
	}
	if !slices.Equal(r.Gateways, []string{"gway_conf_manila", "gway_conf_bravo"}) || !slices.Equal(r.Fallback, []string{"gway_conf_alpha", "gway_conf_dojo"}) {
		t.Errorf("%v, then %v", r.Gateways, r.Fallback)
	}
}

func TestMayMoveOn(t *testing.T) {
	t.Parallel()
	r := mustCompile(t, "retry: {classes: {A: 2, B: 0}}\ndefault: {smart: all}").Document().Retry
	for _, tc := range []struct {
		class payments.Class
		times int
		want  bool
	}{
		{payments.ClassCascade, 0, true},
		{payments.ClassCascade, 1, true},
		{payments.ClassCascade, 2, false},
		{payments.ClassCascadeOnce, 0, false},
		{payments.ClassConfig, 5, true},
	} {
		if got := r.MayMoveOn(tc.class, tc.times); got != tc.want {
			t.Errorf("class %s after %d times: %v", tc.class, tc.times, got)
		}
	}
}

// TestSchemeNobodyTakes: facts are impossible when no gateway configuration could take them.
func TestSchemeNobodyTakes(t *testing.T) {
	t.Parallel()
	doc, _ := rules.Decode("f.yaml", []byte("rules: [{name: amex, when: {scheme: american express}, route: {smart: all}}]\ndefault: {smart: all}"))
	w := world()
	w.Gateways = gateways()[1:3] // which name the schemes that they take
	p, faults := rules.Compile(doc, w.Gateways)
	if p == nil {
		t.Fatal(faults)
	}
	for _, f := range rules.Analyse(p, w) {
		if f.Code == rules.CodeImpossible && f.Message == "no payment has these facts: no gateway configuration takes the scheme" {
			return
		}
	}
	t.Errorf("%v", rules.Analyse(p, w))
}

func TestFactsOf(t *testing.T) {
	t.Parallel()
	usable := map[string]payments.Mapping{"a": {Status: payments.MappingFailed}, "b": {Status: payments.MappingUsable, MethodRef: "pm_1"}}
	for _, tc := range []struct {
		name   string
		facts  payments.Facts
		method rules.Method
		saved  bool
	}{
		{"a card", payments.Facts{HasCard: true}, rules.MethodCard, false},
		{"a token that is nowhere yet", payments.Facts{Mappings: map[string]payments.Mapping{}}, rules.MethodToken, false},
		{"a token", payments.Facts{Mappings: usable}, rules.MethodToken, true},
		{"a page", payments.Facts{Page: true}, rules.MethodPage, false},
	} {
		if got := rules.FactsOf(&tc.facts); got.Method != tc.method || got.Saved != tc.saved {
			t.Errorf("%s: %+v", tc.name, got)
		}
	}
	full := payments.Facts{
		ProjectID: "p", InvoiceID: "i", CustomerID: "c", Operation: payments.OpSale, Amount: eur(1), Scheme: payments.SchemeVisa, IIN: "411111",
		CardCountry: "DE", Initiation: payments.MerchantInitiated, Incremental: true, Metadata: map[string]string{"k": "v"},
	}
	want := rules.Facts{
		ProjectID: "p", InvoiceID: "i", CustomerID: "c", Operation: payments.OpSale, Method: rules.MethodCard, Amount: eur(1), Scheme: payments.SchemeVisa,
		IIN: "411111", IssuerCountry: "DE", Initiation: payments.MerchantInitiated, Incremental: true, Metadata: map[string]string{"k": "v"},
	}
	if diff := cmp.Diff(want, rules.FactsOf(&full)); diff != "" {
		t.Error(diff)
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	p := mustCompile(t, `
rules:
  - name: high
    when: {issuer_country: EEA, amount: {gte: "100 EUR", lt: "500 EUR"}}
    route: {priority: [gway_conf_alpha]}
  - name: odd
    when: {any: [{iin: ["5", "6"]}, {metadata.tier: gold}, {saved: true}]}
    route: {priority: [gway_conf_alpha]}
  - name: negated
    when: {not: {any: [{scheme: visa}, {currency: USD}]}}
    route: {priority: [gway_conf_alpha]}
  - name: not Europe
    when: {issuer_country: {not: [EEA, GB]}}
    route: {priority: [gway_conf_alpha]}
  - name: German
    when: {issuer_country: [DE, FR], all: [{initiation: cit}]}
    route: {split: {gway_conf_alpha: 70, gway_conf_bravo: 30}, fallback: [gway_conf_manila]}
default: {smart: all}
`)
	f := visa()
	want := `line 3: rule "high" does not match: the amount is 60 EUR, not from 100 to 499.99 EUR.
line 6: rule "odd" does not match: the IIN is 411111 and does not begin with 5 or 6, and metadata.tier is not known, not "gold", and it is not saved.
line 9: rule "negated" does not match: the scheme is visa.
line 12: rule "not Europe" does not match: the issuer's country is DE.
line 15: rule "German" matches: the issuer's country is DE, and the initiation is cit.
Route: split by invoice: 70 % to gway_conf_alpha, 30 % to gway_conf_bravo, then gway_conf_manila.
`
	if diff := cmp.Diff(want, rules.Explain(p, &f).String()); diff != "" {
		t.Error(diff)
	}
	f.IssuerCountry, f.Scheme = "", "jcb"
	if got := rules.Explain(p, &f); got.Rule != "negated" || got.Steps[2].Why != "the scheme is jcb, not visa, and the currency is EUR, not USD" {
		t.Errorf("%s", got)
	}
}

func TestDiff(t *testing.T) {
	t.Parallel()
	before := mustCompile(t, `
gateways: {gway_conf_alpha: {currencies: [EUR, USD], max_amount: "500 EUR"}}
fees: {gway_conf_alpha: [{rows: [{name: all, blended: {bps: 150, fixed: "0.25 EUR"}}]}], gway_conf_bravo: [{rows: [{blended: {bps: 1}}]}]}
rules:
  - {name: first, when: {scheme: visa}, route: {priority: [gway_conf_alpha]}}
  - {name: second, when: {currency: EUR}, route: {split: {gway_conf_alpha: 70, gway_conf_bravo: 30}}}
  - {name: third, when: {amount: {gte: "5 EUR"}}, route: {cheapest: [gway_conf_alpha, gway_conf_bravo]}}
  - {name: gone, when: {saved: true}, route: {block: {message: no}}}
retry: {max_attempts: 3}
default: {smart: all}
`)
	after := mustCompile(t, `
gateways: {gway_conf_alpha: {currencies: [EUR, GBP], max_amount: "600 EUR"}}
fees: {gway_conf_alpha: [{rows: [{name: all, blended: {bps: 140, fixed: "0.25 EUR"}}]}, {valid_from: 2027-01-01, rows: [{blended: {bps: 1}}]}]}
rules:
  - {name: third, when: {amount: {gte: "6 EUR"}}, route: {cheapest: [gway_conf_alpha, gway_conf_bravo]}}
  - {name: first, when: {scheme: visa}, route: {priority: [gway_conf_bravo, gway_conf_alpha]}, on_ineligible: fail}
  - {name: new, when: {method: token}, route: {smart: all}}
  - {name: second, when: {currency: EUR}, route: {split: {gway_conf_alpha: 60, gway_conf_manila: 40}}}
retry: {max_attempts: 2, classes: {B: 0}}
default: {smart: [gway_conf_alpha]}
`)
	want := `rule "gone" is removed: payments for which it is saved were blocked: no
rule "third" now matches payments for which the amount is at least 6 EUR; before, payments for which the amount is at least 5 EUR
rule "first": payments now go to gway_conf_bravo, then gway_conf_alpha; before, they went to gway_conf_alpha
rule "first" now refuses the payment when it leaves no candidate; before, it passes the payment on to the next rule
rule "new" is added after "first": payments for which the method is token go to the best of all
rule "second" now gives gway_conf_alpha 60 %; before, 70 %
rule "second" now gives gway_conf_manila 40 %; before, 0 %
rule "second" no longer gives gway_conf_bravo anything; before, 30 %
rule "third" is moved to the top
the default route: payments now go to the best of gway_conf_alpha; before, they went to the best of all
the fees of gway_conf_bravo are removed
the fees of gway_conf_alpha from 2027-01-01 are added
the fees of gway_conf_alpha: all.blended.bps is now 140; before, 150
`
	got := strings.Join(rules.Diff(before, after), "\n") + "\n"
	if !strings.HasPrefix(got, want) {
		t.Error(cmp.Diff(want, got))
	}
	for _, line := range []string{
		"gateways.gway_conf_alpha.currencies GBP is added", "gateways.gway_conf_alpha.currencies USD is removed",
		"gateways.gway_conf_alpha.max_amount[0].minor is now 60000; before, 50000", "retry.max_attempts is now 2; before, 3", "retry.classes.B is added: 0",
	} {
		if !strings.Contains(got, line+"\n") {
			t.Errorf("%q is not said:\n%s", line, got)
		}
	}
	if len(rules.Diff(before, before)) != 0 {
		t.Error("a policy differs from itself")
	}
}
