package rules_test

import (
	"fmt"
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"switchyard/router/rules"
)

// splitPolicy sends everything through one split with a salt, so that policies with other weights are alike otherwise.
func splitPolicy(t testing.TB, weights map[string]int, more string) *rules.Policy {
	t.Helper()
	text := "default:\n  salt: s\n"
	if more != "" {
		text += "  " + more + "\n"
	}
	text += "  split:\n"
	for id, weight := range weights {
		text += fmt.Sprintf("    %s: %d\n", id, weight)
	}
	return mustCompile(t, text)
}

func pickOf(p *rules.Policy, f *rules.Facts) string {
	_, r := p.Match(f)
	return p.Order(r, f, noon, nil)[0]
}

const manyPayments = 20_000

// TestSplitShares: each part gets its share, within what chance allows.
func TestSplitShares(t *testing.T) {
	t.Parallel()
	weights := map[string]int{"gway_conf_alpha": 60, "gway_conf_bravo": 30, "gway_conf_manila": 9, "gway_conf_dojo": 1}
	p := splitPolicy(t, weights, "")
	got := map[string]int{}
	for i := range manyPayments {
		f := visa()
		f.InvoiceID = "iv_" + strconv.Itoa(i)
		got[pickOf(p, &f)]++
	}
	for id, weight := range weights {
		want := weight * manyPayments / 100
		if diff := got[id] - want; diff < -300 || diff > 300 { // more than four standard deviations of the largest
			t.Errorf("%s got %d payments of %d, not about %d", id, got[id], manyPayments, want)
		}
	}
}

// TestSplitIsStable: a payment goes to one place on every machine and in every version of the program.
func TestSplitIsStable(t *testing.T) {
	t.Parallel()
	p := splitPolicy(t, map[string]int{"gway_conf_alpha": 50, "gway_conf_bravo": 30, "gway_conf_manila": 20}, "")
	got := ""
	for i := range 40 {
		f := visa()
		f.InvoiceID = "iv_" + strconv.Itoa(i)
		got += pickOf(p, &f)[len("gway_conf_"):][:1]
	}
	if want := "abambbbbbaaabmmamamabbaaaaambmaabmabbmaa"; got != want {
		t.Errorf("payments go to %s, and went to %s", got, want)
	}
}

// TestSplitMovesLittle: when a weight goes from one part to another, only payments between these two move, and no more of
// them than the weight.
func TestSplitMovesLittle(t *testing.T) {
	t.Parallel()
	before := splitPolicy(t, map[string]int{"gway_conf_alpha": 50, "gway_conf_bravo": 30, "gway_conf_manila": 20}, "")
	after := splitPolicy(t, map[string]int{"gway_conf_alpha": 45, "gway_conf_bravo": 35, "gway_conf_manila": 20}, "")
	moved := 0
	for i := range manyPayments {
		f := visa()
		f.InvoiceID = "iv_" + strconv.Itoa(i)
		was, is := pickOf(before, &f), pickOf(after, &f)
		if was == is {
			continue
		}
		moved++
		if is == "gway_conf_alpha" || was == "gway_conf_bravo" {
			t.Fatalf("%s moved from %s to %s", f.InvoiceID, was, is)
		}
	}
	if most := manyPayments * 7 / 100; moved == 0 || moved > most {
		t.Errorf("%d of %d payments moved for 5 %%", moved, manyPayments)
	}
}

func TestSplitBy(t *testing.T) {
	t.Parallel()
	half := map[string]int{"gway_conf_alpha": 50, "gway_conf_bravo": 50}
	places := func(p *rules.Policy, change func(f *rules.Facts, i int)) map[string]bool {
		seen := map[string]bool{}
		for i := range 50 {
			f := visa()
			change(&f, i)
			seen[pickOf(p, &f)] = true
		}
		return seen
	}
	for _, tc := range []struct {
		name, by string
		change   func(f *rules.Facts, i int)
		together bool
	}{
		{"invoices", "", func(f *rules.Facts, i int) { f.InvoiceID = strconv.Itoa(i) }, false},
		{"one invoice", "", func(f *rules.Facts, i int) { f.CustomerID = strconv.Itoa(i) }, true},
		{"one customer", "by: customer", func(f *rules.Facts, i int) { f.CustomerID, f.InvoiceID = "cust_1", strconv.Itoa(i) }, true},
		{"customers", "by: customer", func(f *rules.Facts, i int) { f.CustomerID = strconv.Itoa(i) }, false},
		{"verifications, which have no invoice", "", func(f *rules.Facts, i int) { f.InvoiceID, f.CustomerID = "", strconv.Itoa(i) }, false},
		{"no customer", "by: customer", func(f *rules.Facts, i int) { f.InvoiceID = strconv.Itoa(i) }, false},
		{"one order", "by: metadata.order", func(f *rules.Facts, i int) {
			f.Metadata, f.InvoiceID = map[string]string{"order": "7"}, strconv.Itoa(i)
		}, true},
	} {
		if got := places(splitPolicy(t, half, tc.by), tc.change); (len(got) == 1) != tc.together {
			t.Errorf("%s: %v", tc.name, got)
		}
	}
}

// TestOrderOfSplits: nobody twice, nobody without weight, the fallback behind.
func TestOrderOfSplits(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		a := rapid.IntRange(0, 100).Draw(rt, "a")
		b := rapid.IntRange(0, 100-a).Draw(rt, "b")
		weights := map[string]int{"gway_conf_alpha": a, "gway_conf_bravo": b, "gway_conf_manila": 100 - a - b}
		f := facts(rt)
		p := splitPolicy(t, weights, "")
		_, r := p.Match(&f)
		order := p.Order(r, &f, noon, nil)
		for id, weight := range weights {
			if slices.Contains(order, id) != (weight > 0) {
				rt.Fatalf("%v of %v", order, weights)
			}
		}
		behind := splitPolicy(t, weights, "fallback: [gway_conf_dojo]")
		_, r = behind.Match(&f)
		if got := behind.Order(r, &f, noon, nil); len(got) != 2 || got[0] != order[0] || got[1] != "gway_conf_dojo" {
			rt.Fatalf("%v, and with a fallback %v", order, got)
		}
	})
}

func TestCanary(t *testing.T) {
	t.Parallel()
	in := func(percent int) map[int]bool {
		p := mustCompile(t, fmt.Sprintf("default: {smart: all}\ncanary: {file: c.yaml, percent: %d}", percent))
		took := map[int]bool{}
		for i := range manyPayments {
			f := visa()
			f.InvoiceID = strconv.Itoa(i)
			if p.InCanary(&f) {
				took[i] = true
			}
		}
		return took
	}
	five, ten := in(5), in(10)
	if want := manyPayments / 20; len(five) < want-200 || len(five) > want+200 {
		t.Errorf("%d of %d payments for 5 %%", len(five), manyPayments)
	}
	for i := range five {
		if !ten[i] {
			t.Fatalf("payment %d left the canary when it grew", i)
		}
	}
	f := visa()
	if mustCompile(t, "default: {smart: all}").InCanary(&f) {
		t.Error("a payment is in a canary that is not there")
	}
}
