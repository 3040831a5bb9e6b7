package backtest_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"switchyard/payments"
	"switchyard/router/backtest"
)

// TestSupport: a verdict is given where the log can carry one, and refused with the reason where it cannot.
func TestSupport(t *testing.T) {
	t.Parallel()
	rich := mixed.log(1, 20000, 0.2)
	poor := mixed.log(1, 20000, 0.01)
	none := even.log(1, 5000, 0)
	for _, tt := range []struct {
		name string
		log  []payment
		to   target
		want []string // in the warnings, in order; none: supported
	}{
		{"the same again", poor, asLogged, nil},
		{"much exploration", rich, always(2), nil},
		{"little exploration", poor, always(2), []string{"Too little evidence"}},
		{"a small segment", rich, swap(5, 1, 3), []string{"Too little evidence"}},
		{"never tried", none, always(2), []string{"Too little evidence", "100.0 % of the new policy's choices were never tried"}},
		{"sometimes never tried", none, func(*payment) []float64 { return []float64{0.97, 0.03, 0, 0} }, []string{"3.0 % of the new policy's choices were never tried"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := replay(t, tt.log, tt.to)
			if r.Supported != (len(tt.want) == 0) {
				t.Fatalf("supported: %v, warnings %q", r.Supported, r.Warnings)
			}
			all := strings.Join(r.Warnings, "\n")
			for _, w := range tt.want {
				if !strings.Contains(all, w) {
					t.Errorf("%q is not in the warnings:\n%s", w, all)
				}
			}
			if !r.Supported && !strings.HasPrefix(r.Verdict(), "No verdict on approval.") {
				t.Errorf("verdict %q", r.Verdict())
			}
		})
	}
}

// TestUnknownOutcomes: outcomes that are not final are left out of approval, and many of them forbid a verdict.
func TestUnknownOutcomes(t *testing.T) {
	t.Parallel()
	p := backtest.New(backtest.Settings{})
	for i := range 100 {
		r := simple()
		r.Known, r.Approved = i >= 3, i >= 3
		add(t, p, r)
	}
	r := p.Report()
	if r.Unknown != 3 || r.Approval.Payments != 97 || r.Approval.Old.Rate != 1 || r.Supported {
		t.Fatalf("%+v", r)
	}
	if want := "3.0 % of the outcomes are not final"; !strings.Contains(r.Verdict(), want) {
		t.Errorf("%q is not in %q", want, r.Verdict())
	}
}

// TestUntriedIsNotGuessed: what the log cannot know widens the interval to all that is possible.
func TestUntriedIsNotGuessed(t *testing.T) {
	t.Parallel()
	p := backtest.New(backtest.Settings{})
	for range 80 {
		add(t, p, simple())
	}
	for range 10 { // opened
		r := simple()
		r.Gateway, r.Propensity, r.Blocked, r.Approved = "", 0, true, false
		add(t, p, r)
	}
	for range 10 { // moved to where nothing was tried
		r := simple()
		r.New[0].Gateway = "bravo"
		add(t, p, r)
	}
	a := p.Report().Approval
	if a.New.Low > 0.8 || a.New.High < 1 {
		t.Errorf("new approval %+v: 20 of 100 outcomes are anybody's guess", a.New)
	}
	if a.Difference.Low > -0.1 || a.Difference.High < 0.1 {
		t.Errorf("difference %+v: from 10 fewer to 10 more", a.Difference)
	}
}

// TestCutWeights: a bound on the weights is stated, and what it cuts off makes the interval wider.
func TestCutWeights(t *testing.T) {
	t.Parallel()
	log := mixed.log(1, 4000, 0.05)
	full, bounded := backtest.New(backtest.Settings{}), backtest.New(backtest.Settings{Bound: 10})
	for i := range log {
		var r backtest.Record
		log[i].record(always(2), &r)
		add(t, full, r)
		add(t, bounded, r)
	}
	a, b := full.Report().Approval, bounded.Report().Approval
	if a.Cut != 0 || a.Bound != 1000 || b.Cut == 0 || b.Bound != 10 {
		t.Fatalf("cut %v at %v and %v at %v", a.Cut, a.Bound, b.Cut, b.Bound)
	}
	if b.New.High-b.New.Low <= a.New.High-a.New.Low {
		t.Errorf("the interval %+v is no wider than without a bound, %+v", b.New, a.New)
	}
}

func simple() backtest.Record {
	return backtest.Record{
		Payment: "pay_1", Segment: "card/visa/DE", Amount: payments.Money{Minor: 1000, Currency: "EUR"},
		Gateway: "alpha", Propensity: 1, Cost: backtest.Cost{Minor: 25, Known: true}, Approved: true, Known: true,
		New: []backtest.Choice{{Gateway: "alpha", Propensity: 1, Cost: backtest.Cost{Minor: 20, Known: true}}},
	}
}

func add(t *testing.T, p *backtest.Replay, r backtest.Record) {
	t.Helper()
	if err := p.Add(&r); err != nil {
		t.Fatal(err)
	}
}

// TestText shows a report as an operator reads it.
func TestText(t *testing.T) {
	t.Parallel()
	p := backtest.New(backtest.Settings{})
	for i := range 100 {
		r := simple()
		r.Approved = i%10 > 0
		switch {
		case i < 6:
			r.New[0].Gateway = "bravo"
		case i < 8:
			r.New, r.NewBlocked = nil, true
		case i < 9:
			r.Cost.Known = false
		}
		add(t, p, r)
	}
	r := p.Report()
	want := `100 payments: 92 stay where they were, 8 move.
  alpha -> bravo: 6 payments, 60.00 EUR
  alpha -> (blocked): 2 payments, 20.00 EUR
Blocked that were not: 2. No longer blocked: 0.
Fees of 97 payments over 970.00 EUR: 24.25 EUR now, 19.40 EUR with the new policy (-4.85 EUR).
Payments without a known fee, left out: 1 (alpha 1).
Approval of 100 payments: 90.00 % (82.56 to 94.48) now, 88.00 % (75.43 to 93.87) with the new policy.
  difference: -2.00 points (95 %: -9.86 to 2.86)
  kept: 92 payments worth 92: 90.22 % (82.44 to 94.77) now, 90.22 % (82.44 to 94.77) with the new policy
  moved: 6 payments worth 0: 83.33 % (43.65 to 96.99) now, 83.33 % (0.00 to 100.00) with the new policy
  stopped: 2 payments worth 0: 100.00 % (34.24 to 100.00) now, 0.00 % (0.00 to 0.00) with the new policy
Never tried: bravo for 6 payments of card/visa/DE.
No verdict on approval. Too little evidence: for the 6 payments whose choice changes the log is worth 0; a verdict needs 500. 6.1 % of the new policy's choices were never tried for such payments (6.1 % never in their segment, 6.1 % never at all): approval there is unknown.
`
	if diff := cmp.Diff(want, r.String()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	out, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var back backtest.Report
	if err := json.Unmarshal(out, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r, back); diff != "" {
		t.Errorf("JSON does not hold all of it (-report +read)\n%s", diff)
	}
}

func TestVerdicts(t *testing.T) {
	t.Parallel()
	log := even.log(1, 20000, 0.4)
	for want, to := range map[string]target{
		"Supported: approval stays as it is.": asLogged,
		"Supported: approval would fall, by ": always(2),
	} {
		if got := replay(t, log, to); !strings.HasPrefix(got.Verdict(), want) {
			t.Errorf("verdict %q, want %q", got.Verdict(), want)
		}
	}
	nearly := func(*payment) []float64 { return []float64{0.6, 0.1, 0.1, 0.2} }
	got := replay(t, log[:4000], nearly)
	if want := "Supported: no difference in approval can be told; "; !strings.HasPrefix(got.Verdict(), want) {
		t.Errorf("verdict %q, want %q", got.Verdict(), want)
	}
	got = replay(t, mixed.log(1, 20000, 0.4), smart(&mixed))
	if want := "Supported: approval would rise, by "; !strings.HasPrefix(got.Verdict(), want) {
		t.Errorf("verdict %q, want %q", got.Verdict(), want)
	}
}

// TestNothing: a replay of nothing says so.
func TestNothing(t *testing.T) {
	t.Parallel()
	r := backtest.New(backtest.Settings{}).Report()
	if r.Supported || !strings.Contains(r.String(), "nothing can be said of approval") {
		t.Errorf("%s", r.String())
	}
}

// TestRefused: records that contradict themselves are refused with a word on what to do, and count nowhere.
func TestRefused(t *testing.T) {
	t.Parallel()
	two := []backtest.Chance{{Gateway: "alpha", Propensity: 0.5}, {Gateway: "bravo", Propensity: 0.5}}
	for _, tt := range []struct {
		name   string
		change func(*backtest.Record)
		want   string
	}{
		{"negative amount", func(r *backtest.Record) { r.Amount.Minor = -1 }, "must not be negative"},
		{"no currency", func(r *backtest.Record) { r.Amount.Currency = "" }, "needs a currency"},
		{"negative cost", func(r *backtest.Record) { r.Cost.Minor = -1 }, "cost of the old choice is negative"},
		{"negative new cost", func(r *backtest.Record) { r.New[0].Cost.Minor = -1 }, `cost at gateway "alpha" is negative`},
		{"blocked and sent", func(r *backtest.Record) { r.Blocked = true }, "leave Gateway empty"},
		{"nowhere and approved", func(r *backtest.Record) { r.Gateway = "" }, "name the gateway"},
		{"approved and not final", func(r *backtest.Record) { r.Known = false }, "has Known set"},
		{"chance without a distribution", func(r *backtest.Record) { r.Propensity = 0.5 }, "without Old it must be 1"},
		{"other propensity", func(r *backtest.Record) { r.Old, r.Propensity = two, 0.6 }, "Old says 0.5"},
		{"picked what was impossible", func(r *backtest.Record) { r.Old = []backtest.Chance{{Gateway: "bravo", Propensity: 1}} }, "Old says 0 "},
		{"old sum", func(r *backtest.Record) { r.Old, r.Propensity = two[:1], 0.5 }, "Old add up to 0.5"},
		{"old twice", func(r *backtest.Record) { r.Old = append(two[:1:1], two[0]) }, `"alpha" is twice in Old`},
		{"old not a probability", func(r *backtest.Record) { r.Old = []backtest.Chance{{Gateway: "alpha", Propensity: 2}} }, "must be from 0 to 1"},
		{"new sum", func(r *backtest.Record) { r.New[0].Propensity = 0.9 }, "New add up to 0.9"},
		{"new twice", func(r *backtest.Record) { r.New = append(r.New, r.New[0]) }, `"alpha" is twice in New`},
		{"new without a name", func(r *backtest.Record) { r.New[0].Gateway = "" }, "has no gateway"},
		{"new blocked and sent", func(r *backtest.Record) { r.NewBlocked = true }, "leave New empty"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p, r := backtest.New(backtest.Settings{}), simple()
			tt.change(&r)
			err := p.Add(&r)
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), `payment "pay_1"`) {
				t.Fatalf("error %v, want %q", err, tt.want)
			}
			if got := p.Report(); got.Payments != 0 {
				t.Errorf("it was counted: %+v", got)
			}
		})
	}
}

// TestTooMuchMoney: sums do not run over.
func TestTooMuchMoney(t *testing.T) {
	t.Parallel()
	p, r := backtest.New(backtest.Settings{}), simple()
	r.Amount.Minor = 1 << 62
	add(t, p, r)
	if err := p.Add(&r); err == nil || !strings.Contains(err.Error(), "replay a shorter time") {
		t.Fatalf("error %v", err)
	}
	if got := p.Report(); got.Payments != 1 || got.Costs[0].Amount != 1<<62 {
		t.Errorf("%+v", got)
	}
}
