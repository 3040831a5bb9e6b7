package rules_test

import (
	"fmt"
	"strings"
	"testing"

	"switchyard/payments"
	"switchyard/router/rules"
)

// manyRules is a policy as a large merchant has it, with rules of which a payment matches the last.
func manyRules(n int) string {
	var b strings.Builder
	b.WriteString("default: {priority: [gway_conf_alpha]}\nrules:\n")
	schemes := []string{"visa", "mastercard", "jcb", "discover"}
	countries := []string{"[FR, IT]", "SEA", "US", "{not: EEA}", "[GB, CH]"}
	for i := range n - 1 {
		fmt.Fprintf(&b, "  - {name: r%d, when: {scheme: [%s], issuer_country: %s, project: [proj_%d, proj_acme], amount: {gte: \"%d EUR\"}, metadata.tier: t%d, iin: \"%d\"}, route: {priority: [gway_conf_alpha]}}\n",
			i, schemes[i%len(schemes)], countries[i%len(countries)], i%50, i%100, i%7, 400000+i)
	}
	b.WriteString("  - {name: last, when: {scheme: visa, issuer_country: DE, any: [{amount: {lt: \"100 EUR\"}}, {saved: true}]}, route: {priority: [gway_conf_alpha]}}\n")
	return b.String()
}

func BenchmarkMatch(b *testing.B) {
	for _, n := range []int{10, 100, 1_000, 4_000} {
		p := mustCompile(b, manyRules(n))
		f := visa()
		f.Metadata = map[string]string{"tier": "t1"}
		b.Run(fmt.Sprint(n, " rules"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if i, _ := p.Match(&f); i != n-1 {
					b.Fatal(i)
				}
			}
		})
		b.Run(fmt.Sprint(n, " rules one by one"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if naive(p, &f, -1) != n-1 {
					b.Fatal("another rule")
				}
			}
		})
	}
}

func BenchmarkFees(b *testing.B) {
	p := mustCompile(b, feePolicy)
	f := visa()
	f.Funding = "debit"
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := p.Fees("gway_conf_alpha", &f, noon); !ok {
			b.Fatal("no fee")
		}
	}
}

func BenchmarkOrderOfSplit(b *testing.B) {
	p := splitPolicy(b, map[string]int{"gway_conf_alpha": 50, "gway_conf_bravo": 30, "gway_conf_manila": 20}, "")
	f := visa()
	_, r := p.Match(&f)
	ids := make([]string, 0, 8)
	b.ReportAllocs()
	for b.Loop() {
		ids = p.Order(r, &f, noon, ids[:0])
	}
}

func BenchmarkFactsOf(b *testing.B) {
	f := payments.Facts{Amount: eur(100), Mappings: map[string]payments.Mapping{"a": {}, "b": {}}}
	b.ReportAllocs()
	for b.Loop() {
		rules.FactsOf(&f)
	}
}

func BenchmarkLoad(b *testing.B) {
	for _, n := range []int{100, 1_000, 4_000} {
		text := []byte(manyRules(n))
		b.Run(fmt.Sprint("decode and compile ", n, " rules"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				doc, _ := rules.Decode("f.yaml", text)
				if p, _ := rules.Compile(doc, gateways()); p == nil {
					b.Fatal("faults")
				}
			}
		})
		p := mustCompile(b, string(text))
		b.Run(fmt.Sprint("analyse ", n, " rules"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				rules.Analyse(p, world())
			}
		})
	}
}

// TestNoAllocations: what is asked for every payment leaves nothing behind.
func TestNoAllocations(t *testing.T) {
	p, fees := mustCompile(t, manyRules(1_000)), mustCompile(t, feePolicy)
	f := visa()
	f.Metadata = map[string]string{"tier": "t1"}
	if n := testing.AllocsPerRun(100, func() { p.Match(&f) }); n != 0 {
		t.Errorf("Match allocates %v times", n)
	}
	if n := testing.AllocsPerRun(100, func() { fees.Fees("gway_conf_alpha", &f, noon) }); n != 0 {
		t.Errorf("Fees allocates %v times", n)
	}
}
