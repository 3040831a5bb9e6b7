package router

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"switchyard/payments"
	"switchyard/router/learn"
)

// knowing are beliefs after so many approvals and declines at each gateway configuration.
func knowing(approved map[string]int, of int) *learn.Learner {
	l := learn.New(learn.Settings{})
	f := cardSale()
	for i := range of {
		for _, id := range []string{processout, xendit, paymongo} {
			out := payments.Outcome{Status: payments.Declined, Code: payments.CardDoNotHonor}
			if i*79%of < approved[id] {
				out = payments.Outcome{Status: payments.Approved}
			}
			f.InvoiceID = fmt.Sprint(i)
			p := paymentOf(&f)
			l.Observe(learn.TicketOf(&p, uint64(3*i)), learn.Outcome{Gateway: id, Result: payments.Result{Outcome: out}}, noon)
		}
	}
	return l
}

func TestSmartOrder(t *testing.T) {
	t.Parallel()
	const certain = "exploration: {cap_bps: 0, floor_bps: 0}\n"
	const fees = `
fees:
  gway_conf_processout: [{rows: [{blended: {bps: 900}}]}]
  gway_conf_xendit: [{rows: [{blended: {bps: 100}}]}]
  gway_conf_paymongo: [{rows: [{blended: {bps: 200}}]}]
`
	better := knowing(map[string]int{processout: 130, xendit: 60, paymongo: 195}, 200)
	alike := learn.New(learn.Settings{})
	off := Switch{Until: noon.Add(time.Hour)}
	for _, test := range []struct {
		name, policy string
		view         View
		change       func(*payments.Facts)
		order        string
	}{
		{"nothing is known", certain + "default: {smart: all}", View{Beliefs: learn.New(learn.Settings{})}, nil, "processout xendit paymongo"},
		{"without beliefs", certain + "default: {smart: all}", View{}, nil, "processout xendit paymongo"},
		{"by approval", certain + "default: {smart: all}", View{Beliefs: better}, nil, "paymongo processout xendit"},
		{"among a list", certain + "default: {smart: [gway_conf_xendit, gway_conf_paymongo], fallback: [gway_conf_processout]}", View{Beliefs: better}, nil, "paymongo xendit processout"},
		{"other routes do not ask", "default: {priority: [gway_conf_xendit, gway_conf_paymongo]}", View{Beliefs: better}, nil, "xendit paymongo"},
		{
			"health comes first", certain + "default: {smart: all}",
			View{Beliefs: better, Health: Health{paymongo: {Reason: "its breaker is open"}}},
			nil, "processout xendit",
		},
		{
			"a last resort stays last", certain + "default: {smart: all}",
			View{Beliefs: better, Health: Health{paymongo: {Available: true, LastResort: true}}},
			nil, "processout xendit paymongo",
		},
		{"by value", certain + fees + "objective: {margin_bps: 1500}\ndefault: {smart: all}", View{Beliefs: alike}, nil, "xendit paymongo processout"},
		{
			"approval is not sold", certain + fees + "objective: {margin_bps: 1500, max_auth_loss_bps: 20}\ndefault: {smart: all}",
			View{Beliefs: better},
			nil, "paymongo xendit processout",
		},
		{
			"a fee is missing", certain + "fees:\n  gway_conf_xendit: [{rows: [{blended: {bps: 100}}]}]\ndefault: {smart: all}",
			View{Beliefs: alike},
			nil, "processout xendit paymongo",
		},
		{
			"the cost step is off", certain + fees + "objective: {margin_bps: 1500}\ndefault: {smart: all}",
			View{Beliefs: alike, Switches: &Switches{Cost: off}},
			nil, "processout xendit paymongo",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := cardSale()
			if test.change != nil {
				test.change(&f)
			}
			d := Decide(ruled(t, test.policy), f, test.view, noon)
			if got := orderOf(d); got != test.order {
				t.Errorf("order %q, want %q\n%+v", got, test.order, d.Candidates)
			}
		})
	}
}

// TestSmartRecord: the decision says what was believed, what the fee is, and with which probability it was taken.
func TestSmartRecord(t *testing.T) {
	t.Parallel()
	policy := `
fees:
  gway_conf_processout: [{attempt: "0.10 PHP", rows: [{blended: {bps: 300}}]}]
  gway_conf_xendit: [{rows: [{blended: {bps: 100}}]}]
  gway_conf_paymongo: [{rows: [{blended: {bps: 200}}]}]
default: {smart: all}
`
	f := cardSale()
	f.Amount = payments.Money{Minor: 100_00, Currency: "PHP"}
	f.Mappings = map[string]payments.Mapping{xendit: {Status: payments.MappingUsable, MethodRef: "pm-secret", CustomerRef: "cus-secret"}}
	d := Decide(ruled(t, policy), f, View{Beliefs: knowing(map[string]int{processout: 90, xendit: 80, paymongo: 70}, 100)}, noon)
	sum := 0.0
	for _, c := range d.Candidates {
		e := c.Estimate
		if e == nil || c.Score == nil || e.FeeMinor == nil {
			t.Fatalf("%+v", c)
		}
		sum += e.Propensity
		want := map[string]int64{processout: 310, xendit: 100, paymongo: 200}[c.GatewayConfigurationID]
		if *e.FeeMinor != want || e.Approval <= 0 || e.Approval >= 1 || e.SD <= 0 {
			t.Errorf("%s: fee %d, want %d; %+v", c.GatewayConfigurationID, *e.FeeMinor, want, e)
		}
	}
	if math.Abs(sum-1) > 1e-9 || d.Learned == 0 {
		t.Errorf("the probabilities are %v together, %d outcomes had been seen", sum, d.Learned)
	}
	if m := d.Facts.Mappings[xendit]; m.MethodRef != "saved" || m.CustomerRef != "" {
		t.Errorf("the record holds a PSP's reference: %+v", m)
	}
	if f.Mappings[xendit].MethodRef != "pm-secret" {
		t.Error("the facts themselves were changed")
	}
}

// TestExplorationIsBounded: over many payments, as many are explored as the probabilities say, and none that must not be.
func TestExplorationIsBounded(t *testing.T) {
	t.Parallel()
	beliefs := learn.New(learn.Settings{})
	off := &Switches{Exploration: Switch{Until: noon.Add(time.Hour)}}
	for _, test := range []struct {
		name, policy string
		view         View
		change       func(*payments.Facts)
		explores     bool
	}{
		{"as the policy says", "exploration: {cap_bps: 500, floor_bps: 20}", View{Beliefs: beliefs}, nil, true},
		{"forbidden", "exploration: {cap_bps: 0, floor_bps: 0}", View{Beliefs: beliefs}, nil, false},
		{"a kill switch", "exploration: {cap_bps: 500, floor_bps: 20}", View{Beliefs: beliefs, Switches: off}, nil, false},
		{"too large", `exploration: {cap_bps: 500, floor_bps: 20, max_amount: ["50 USD", "10 PHP"]}`, View{Beliefs: beliefs}, nil, false},
		{"another currency", `exploration: {cap_bps: 500, floor_bps: 20, max_amount: ["500000 JPY"]}`, View{Beliefs: beliefs}, nil, false},
		{"small enough", `exploration: {cap_bps: 500, floor_bps: 20, max_amount: ["5000 PHP"]}`, View{Beliefs: beliefs}, nil, true},
		{
			"by the merchant", "exploration: {cap_bps: 500, floor_bps: 20}",
			View{Beliefs: beliefs},
			func(f *payments.Facts) { f.Initiation = payments.MerchantInitiated }, false,
		},
		{
			"by the merchant, allowed", "exploration: {cap_bps: 500, floor_bps: 20, mit: true}",
			View{Beliefs: beliefs},
			func(f *payments.Facts) { f.Initiation = payments.MerchantInitiated }, true,
		},
		{"nowhere else to go on", "exploration: {cap_bps: 500, floor_bps: 20}\nretry: {max_attempts: 1}", View{Beliefs: beliefs}, nil, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := ruled(t, test.policy+"\ndefault: {smart: all}")
			f := cardSale()
			f.Amount = payments.Money{Minor: 100_00, Currency: "PHP"}
			if test.change != nil {
				test.change(&f)
			}
			const many = 20_000
			explored, expected := 0, 0.0
			for i := range many {
				f.InvoiceID = fmt.Sprint("iv_", i)
				d := Decide(c, f, test.view, noon)
				best := 0.0 // the probability of the one that is taken for certain when nothing is explored
				for _, candidate := range d.Candidates {
					if candidate.Estimate != nil {
						best = max(best, candidate.Estimate.Propensity)
					}
				}
				expected += 1 - best
				if d.Explored {
					explored++
				}
			}
			if !test.explores {
				if explored != 0 {
					t.Errorf("%d of %d were explored", explored, many)
				}
				return
			}
			if share := float64(explored) / many; share < 0.01 || share > 0.065 {
				t.Errorf("%.4f of the payments were explored", share)
			}
			if math.Abs(float64(explored)-expected) > 6*math.Sqrt(expected) {
				t.Errorf("%d were explored, and the probabilities add up to %.0f", explored, expected)
			}
		})
	}
}

// TestVerificationsExploreApart: a verification has no invoice, and is explored with by its own chance all the same.
func TestVerificationsExploreApart(t *testing.T) {
	t.Parallel()
	c, beliefs := ruled(t, "exploration: {cap_bps: 500, floor_bps: 20}\ndefault: {smart: [gway_conf_processout, gway_conf_xendit, gway_conf_paymongo]}"), learn.New(learn.Settings{})
	releaseHolds(c)
	c = Compile(*c)
	f := cardSale()
	f.Operation, f.InvoiceID = payments.OpVerify, ""
	const many = 5_000
	explored := 0
	for i := range many {
		f.CustomerID = fmt.Sprint("cust_", i)
		if d := Decide(c, f, View{Beliefs: beliefs}, noon); d.Explored {
			explored++
		}
	}
	if share := float64(explored) / many; share < 0.01 || share > 0.065 {
		t.Errorf("%.4f of the verifications were explored", share)
	}
}

// TestSmartProperties: whatever the configuration, the same question has the same answer; a smart route changes only the order of
// those that could take the payment anyway; and the probabilities are ones.
func TestSmartProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c, facts, health := drawConfig(t), drawFacts(t), drawHealth(t)
		c.Policy = policyOf(t, "default: {smart: all}", c.Gateways)
		beliefs := learn.New(learn.Settings{})
		for range rapid.IntRange(0, 60).Draw(t, "outcomes") {
			p := paymentOf(&facts)
			id := "gway_conf_none"
			if len(c.Gateways) > 0 {
				id = rapid.SampledFrom(c.Gateways).Draw(t, "gateway").ID
			}
			status := rapid.SampledFrom([]payments.OutcomeStatus{payments.Approved, payments.Declined}).Draw(t, "status")
			beliefs.Observe(learn.TicketOf(&p, 0), learn.Outcome{Gateway: id, Result: payments.Result{Outcome: payments.Outcome{Status: status, Code: payments.CardDoNotHonor}}}, noon)
		}
		compiled := Compile(c)
		view := View{Health: health, Beliefs: beliefs}
		d, without := Decide(compiled, facts, view, noon), Decide(compiled, facts, View{Health: health}, noon)
		if diff := cmp.Diff(d, Decide(compiled, facts, view, noon)); diff != "" {
			t.Fatalf("the same question has two answers:\n%s", diff)
		}
		ids := func(d payments.Decision, tried bool) []string {
			var list []string
			for _, c := range d.Candidates {
				if (c.Verdict != payments.Excluded) == tried {
					list = append(list, c.GatewayConfigurationID)
				}
			}
			slices.Sort(list)
			return list
		}
		if c.MaxAttempts >= len(c.Gateways) {
			if diff := cmp.Diff(ids(without, true), ids(d, true)); diff != "" {
				t.Fatalf("a smart route changes who is tried:\n%s", diff)
			}
		}
		sum, scored := 0.0, 0
		for _, c := range d.Candidates {
			if c.Estimate != nil {
				sum += c.Estimate.Propensity
				scored++
			}
		}
		if scored > 0 && math.Abs(sum-1) > 1e-9 {
			t.Fatalf("the probabilities of %d candidates are %v together", scored, sum)
		}
	})
}

// TestObserve: what is learnt follows from the facts of the decision, and from nothing that our own breaker did.
func TestObserve(t *testing.T) {
	t.Parallel()
	seen := func(r *Router) uint64 { return r.Beliefs().Inspect(noon).Outcomes }
	newRouter := func(policy string) *Router {
		return New(ruled(t, policy), Settings{Now: func() time.Time { return noon }})
	}
	approved := learn.Outcome{Gateway: xendit, Result: payments.Result{Outcome: payments.Outcome{Status: payments.Approved}}}
	r := newRouter("default: {smart: all}")
	d := r.Decide(cardSale())
	r.Observe(&d, approved)
	if n := seen(r); n != 1 {
		t.Errorf("%d outcomes were learnt, want 1", n)
	}
	refused := payments.Faultf(payments.NeverSent, "its breaker is open")
	refused.Local = true
	r.Observe(&d, learn.Outcome{Gateway: xendit, Result: payments.Result{Fault: refused}})
	r.Observe(nil, approved)
	r.Observe(&payments.Decision{}, approved) // stored before decisions kept their facts
	if n := seen(r); n != 1 {
		t.Errorf("%d outcomes were learnt, want still 1", n)
	}
	r.Throw(&Switches{Learning: Switch{Until: noon.Add(time.Second)}})
	if r.Observe(&d, approved); seen(r) != 1 {
		t.Error("learnt although learning is switched off")
	}
	r.Throw(nil)
	if r.Observe(&d, approved); seen(r) != 2 {
		t.Error("not learnt although learning is on again")
	}
	frozen := newRouter("smart: {freeze: true}\ndefault: {smart: all}")
	if frozen.Observe(&d, approved); seen(frozen) != 0 {
		t.Error("learnt although the policy freezes it")
	}
}

// TestOtherRoutesAreLearntFrom: what payments by other routes come to is learnt as well, after an illness too: it ends when they say so.
func TestOtherRoutesAreLearntFrom(t *testing.T) {
	t.Parallel()
	for _, policy := range []string{"default: {priority: [gway_conf_xendit]}", "default: {smart: [gway_conf_xendit]}"} {
		r := New(ruled(t, policy), Settings{Now: func() time.Time { return noon }})
		impaired := func() bool {
			for _, g := range r.Beliefs().Inspect(noon).Gateways {
				if g.Impairment != nil {
					return true
				}
			}
			return false
		}
		see := func(n int, result payments.Result) {
			for i := range n {
				f := cardSale()
				f.InvoiceID = fmt.Sprint("iv_", i)
				d := r.Decide(f)
				r.Observe(&d, learn.Outcome{Gateway: xendit, Result: result})
			}
		}
		well := payments.Result{Outcome: payments.Outcome{Status: payments.Approved}}
		see(300, well)
		see(50, payments.Result{Fault: payments.Faultf(payments.NeverSent, "it is down")})
		if !impaired() {
			t.Fatalf("%s: 50 failures are no illness", policy)
		}
		if see(300, well); impaired() {
			t.Errorf("%s: 300 approvals do not end the illness", policy)
		}
	}
}

// TestSmartAllocations: scoring costs a decision three pieces of memory, and five together.
func TestSmartAllocations(t *testing.T) {
	c := smartConfig(t, 1_000, 5)
	view, f := View{Beliefs: taught(c)}, benchFacts()
	if n := testing.AllocsPerRun(100, func() { Decide(c, f, view, noon) }); n > 5 {
		t.Errorf("%v allocations", n)
	}
}
