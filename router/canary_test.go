package router

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"switchyard/payments"
	"switchyard/router/trial"
)

// withCanary is a configuration whose canary prefers another gateway for a share of the customers.
func withCanary(t testing.TB, percent int) *Config {
	t.Helper()
	c := *ruled(t, fmt.Sprintf("canary: {file: careful.yaml, percent: %d, by: customer}\ndefault: {priority: [gway_conf_processout, gway_conf_xendit]}", percent))
	c.Canary = ruled(t, "default: {priority: [gway_conf_xendit, gway_conf_processout]}")
	return &c
}

// TestCanaryDecidesForItsOwn: the same customers always, as many as the policy says, and each decision tells its side.
func TestCanaryDecidesForItsOwn(t *testing.T) {
	t.Parallel()
	c := withCanary(t, 20)
	r := New(c, Settings{Now: func() time.Time { return noon }})
	canaries := 0
	for i := range 10_000 {
		f := cardSale()
		f.CustomerID, f.InvoiceID = fmt.Sprint("cust_", i/2), fmt.Sprint("iv_", i)
		d := r.Decide(f)
		first, version := processout, c.Version
		if d.Arm == payments.ArmCanary {
			canaries++
			first, version = xendit, c.Canary.Version
		} else if d.Arm != payments.ArmControl {
			t.Fatalf("the decision is on side %q", d.Arm)
		}
		if d.Candidates[0].GatewayConfigurationID != first || d.ConfigVersion != version {
			t.Fatalf("%s: %s by %s", d.Arm, d.Candidates[0].GatewayConfigurationID, d.ConfigVersion)
		}
		f.InvoiceID = "another"
		if again := r.Decide(f); again.Arm != d.Arm {
			t.Fatal("a customer is on both sides")
		}
	}
	if share := float64(canaries) / 10_000; share < 0.18 || share > 0.22 {
		t.Errorf("the canary decides for %.3f of the payments, want 0.2", share)
	}
}

// TestCanaryGovernsTheRest: a payment that the canary has decided goes on, or ends, by the canary's retries, fees and budget, and the
// others by those of the policy in force.
func TestCanaryGovernsTheRest(t *testing.T) {
	t.Parallel()
	c := *ruled(t, "canary: {file: careful.yaml, percent: 50, by: customer}\ndefault: {smart: all}")
	c.Budget = Budget{PerDay: 4, Per30Days: 10}
	careful := *ruled(t, `
objective: {margin_bps: 1000}
fees: {gway_conf_xendit: [{attempt: "9 PHP", rows: [{blended: {bps: 200}}]}]}
retry: {classes: {B: 0}, budget: {per_day: 1, per_30_days: 1}}
default: {smart: all}
`)
	careful.Budget = c.Budget
	c.Canary = Compile(careful)
	r := New(Compile(c), Settings{})
	after := Setback{Gateway: processout, Code: payments.CardDoNotHonor, Class: payments.ClassCascadeOnce}
	seen := map[payments.Arm]bool{}
	for i := range 50 {
		f := cardSale()
		f.CustomerID = fmt.Sprint("cust_", i)
		d := r.Decide(f)
		pays, _ := r.CascadePays(&d, &f, after, xendit)
		again, _ := r.MayTryAgain(&d, &payments.History{Day: 1, Month: 1})
		on, inForce := r.MayMoveOn(&d, after.Class, 0), d.Arm == payments.ArmControl
		if pays != inForce || again != inForce || on != inForce {
			t.Fatalf("%s: another try pays: %v, the budget leaves it: %v, the policy lets it: %v", d.Arm, pays, again, on)
		}
		seen[d.Arm] = true
	}
	if len(seen) != 2 {
		t.Errorf("sides: %v", seen)
	}
}

// TestTrialStopsAWorseCanary: a canary that loses approval is stopped by itself, once, and decides for nobody afterwards.
func TestTrialStopsAWorseCanary(t *testing.T) {
	t.Parallel()
	var told []TrialReport
	c := withCanary(t, 30)
	r := New(c, Settings{Now: func() time.Time { return noon }, OnTrial: func(x TrialReport) { told = append(told, x) }})
	dice := rand.New(rand.NewPCG(1, 2))
	approval := map[string]float64{processout: 0.9, xendit: 0.7}
	for i := range 20_000 {
		f := cardSale()
		f.CustomerID, f.InvoiceID = fmt.Sprint("cust_", i), fmt.Sprint("iv_", i)
		d := r.Decide(f)
		if len(told) > 0 && d.Arm != "" {
			t.Fatal("the canary decides although it was stopped")
		}
		first := d.Candidates[0].GatewayConfigurationID
		r.Conclude(Conclusion{Decision: &d, Tried: []string{first}, Approved: dice.Float64() < approval[first]})
	}
	if len(told) != 1 || !told[0].Stopped || told[0].Report.Decision != trial.Worse || told[0].Canary != c.Canary.Version || told[0].Control != c.Version {
		t.Fatalf("told %+v", told)
	}
	if n := told[0].Report.Canary.Payments; n > 3_000 {
		t.Errorf("it took %d payments of the canary", n)
	}
	if report, ok := r.Trial(); !ok || !report.Stopped {
		t.Errorf("the report: %+v, %v", report, ok)
	}
	r.Swap(withCanary(t, 30)) // the same again: it stays stopped
	if d := r.Decide(cardSale()); d.Arm != "" {
		t.Error("the same canary begins anew")
	}
	r.Swap(withCanary(t, 40)) // another policy in force: another trial
	if report, ok := r.Trial(); !ok || report.Stopped || report.Report.Control.Payments != 0 {
		t.Errorf("a new trial begins with %+v", report)
	}
	r.Swap(ruled(t, "default: {smart: all}"))
	if _, ok := r.Trial(); ok {
		t.Error("there is a trial without a canary")
	}
}

// TestTrialCountsItsOwn: payments that were decided by another policy, or without a trial, are not counted.
func TestTrialCountsItsOwn(t *testing.T) {
	t.Parallel()
	c := withCanary(t, 50)
	r := New(c, Settings{Now: func() time.Time { return noon }})
	facts := cardSale()
	for name, d := range map[string]*payments.Decision{
		"none":                nil,
		"without facts":       {Arm: payments.ArmCanary, ConfigVersion: c.Canary.Version},
		"without a side":      {Facts: &facts, ConfigVersion: c.Version},
		"of another canary":   {Facts: &facts, Arm: payments.ArmCanary, ConfigVersion: "other"},
		"of another in force": {Facts: &facts, Arm: payments.ArmControl, ConfigVersion: "other"},
		"control as canary":   {Facts: &facts, Arm: payments.ArmCanary, ConfigVersion: c.Version},
		"nowhere":             {Facts: &facts, Arm: payments.ArmControl, ConfigVersion: c.Version},
	} {
		tried := []string{processout}
		if name == "nowhere" {
			tried = nil
		}
		r.Conclude(Conclusion{Decision: d, Tried: tried, Approved: true})
		if report, _ := r.Trial(); report.Report.Control.Payments+report.Report.Canary.Payments != 0 {
			t.Fatalf("%s was counted", name)
		}
	}
	var callers sync.WaitGroup
	for i := range 8 {
		callers.Go(func() {
			for n := range 100 {
				f := cardSale()
				f.CustomerID = fmt.Sprint(i, "/", n)
				d := r.Decide(f)
				r.Conclude(Conclusion{Decision: &d, Tried: []string{xendit}, Approved: n%2 == 0})
			}
		})
	}
	callers.Wait()
	if report, _ := r.Trial(); report.Report.Control.Payments+report.Report.Canary.Payments != 800 {
		t.Errorf("%+v", report)
	}
}

// TestValueOfAPayment: the margin of what was approved, less every fee on the way, in the currency of the rates.
func TestValueOfAPayment(t *testing.T) {
	t.Parallel()
	const fees = `
objective: {margin_bps: 2000}
fees:
  gway_conf_processout: [{attempt: "0.10 EUR", rows: [{blended: {bps: 100}}]}]
  gway_conf_xendit: [{attempt: "0.30 EUR", rows: [{blended: {bps: 200}}]}]
canary: {file: x.yaml, percent: 10}
default: {smart: all}
`
	const rates = "rates: {as_of: 2026-11-01, base: EUR, per_base: {USD: \"2\"}}\n"
	for _, test := range []struct {
		name, policy string
		currency     payments.Currency
		tried        []string
		approved     bool
		want         int64
	}{
		{"approved", fees, "EUR", []string{processout}, true, 2000 - 100 - 10},
		{"declined", fees, "EUR", []string{processout}, false, -10},
		{"cascaded", fees, "EUR", []string{processout, xendit}, true, 2000 - 10 - 200 - 30},
		{"declined twice", fees, "EUR", []string{processout, xendit}, false, -40},
		{"without a known fee", "objective: {margin_bps: 2000}\ncanary: {file: x.yaml, percent: 10}\ndefault: {smart: all}", "EUR", []string{paymongo}, true, 2000},
		{"converted", rates + fees, "USD", []string{processout}, true, (2000 - 100 - 20) / 2},
		{"no rate", rates + fees, "GBP", []string{processout}, true, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := *ruled(t, test.policy)
			c.Canary = ruled(t, "default: {priority: [gway_conf_xendit]}")
			f := cardSale()
			f.Amount = payments.Money{Minor: 100_00, Currency: test.currency}
			d := payments.Decision{Facts: &f, DecidedAt: noon}
			if got := newCanary(&c, nil).value(&Conclusion{Decision: &d, Tried: test.tried, Approved: test.approved}, &c); got != test.want {
				t.Errorf("worth %d, want %d", got, test.want)
			}
		})
	}
}

// TestShadow: what another policy would have done is counted, and changes nothing.
func TestShadow(t *testing.T) {
	t.Parallel()
	const live = "shadow: {file: other.yaml}\ndefault: {priority: [gway_conf_processout, gway_conf_xendit]}"
	c := *ruled(t, live)
	c.Shadow = ruled(t, `
rules:
  - {name: elsewhere, when: {scheme: visa}, route: {priority: [gway_conf_xendit]}}
  - {name: other order, when: {scheme: mastercard}, route: {priority: [gway_conf_processout, gway_conf_paymongo]}}
  - {name: no more, when: {scheme: jcb}, route: {block: {message: "No."}}}
default: {priority: [gway_conf_processout, gway_conf_xendit]}
`)
	r := New(&c, Settings{Now: func() time.Time { return noon }})
	without := New(ruled(t, live), Settings{Now: func() time.Time { return noon }})
	for i := range 40 {
		for _, scheme := range []payments.Scheme{payments.SchemeVisa, payments.SchemeMastercard, payments.SchemeJCB, payments.SchemeAmex} {
			f := cardSale()
			f.Scheme, f.InvoiceID = scheme, fmt.Sprint(scheme, i)
			if a, b := orderOf(r.Decide(f)), orderOf(without.Decide(f)); a != b {
				t.Fatalf("the shadow decides: %s, not %s", a, b)
			}
		}
	}
	report, ok := r.Shadow()
	if !ok || report.Payments != 160 || report.Moved != 80 || report.Reranked != 40 || report.Shadow != c.Shadow.Version {
		t.Fatalf("%+v", report)
	}
	if len(report.Moves) != 2 || report.Moves[0] != (ShadowMove{processout, "", 40}) || report.Moves[1] != (ShadowMove{processout, xendit, 40}) {
		t.Errorf("moves: %+v", report.Moves)
	}
	if n := len(report.Samples); n != maxSamples || report.Samples[n-1].InvoiceID != "jcb39" || report.Samples[n-1].ShadowRule != "no more" || report.Samples[n-1].Rule != "default" {
		t.Errorf("samples: %d, the last %+v", n, report.Samples[n-1])
	}
	r.Swap(&c)
	if again, _ := r.Shadow(); again.Payments != 160 {
		t.Error("the same shadow counts anew")
	}
	r.Swap(ruled(t, live))
	if _, ok := r.Shadow(); ok {
		t.Error("there is a shadow although the policy names none")
	}
}
