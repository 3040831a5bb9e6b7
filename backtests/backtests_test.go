package backtests_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"switchyard/backtests"
	"switchyard/payments"
	"switchyard/router"
	"switchyard/router/drive"
	"switchyard/router/learn"
	"switchyard/router/rules"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

const gateways = "gateways: {alpha: {}, bravo: {}}\n"

func config(t testing.TB, text string) *router.Config {
	t.Helper()
	doc, _ := rules.Decode("p.yaml", []byte(gateways+text))
	c := router.Config{Gateways: drive.Gateways(doc), MaxAttempts: 2}
	policy, faults := rules.Compile(doc, []rules.Gateway{{ID: "alpha"}, {ID: "bravo"}})
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	c.Policy = policy
	return router.Compile(c)
}

// log is a store with payments whose truth is known: alpha approves 90 %, bravo 80 %.
type log struct {
	attempts map[string][]payments.Attempt
	payments map[string]*payments.Payment
	fails    error
}

func (l *log) AttemptsSent(_ context.Context, gatewayID string, since time.Time, after string, until time.Time, limit int) ([]payments.Attempt, error) {
	var list []payments.Attempt
	for _, a := range l.attempts[gatewayID] {
		if (a.SentAt.After(since) || a.SentAt.Equal(since) && a.ID > after) && a.SentAt.Before(until) && len(list) < limit {
			list = append(list, a)
		}
	}
	return list, l.fails
}

func (l *log) Payment(_ context.Context, _, invoiceID string) (*payments.Payment, error) {
	return l.payments[invoiceID], l.fails
}

func (l *log) add(p *payments.Payment) {
	l.payments[p.Invoice.ID] = p
	for _, a := range p.Attempts {
		l.attempts[a.GatewayConfigurationID] = append(l.attempts[a.GatewayConfigurationID], a)
	}
}

// routed lets a router decide many payments and keeps what they came to.
func routed(t testing.TB, policy string, many int) (*log, *router.Router) {
	t.Helper()
	l := &log{attempts: map[string][]payments.Attempt{}, payments: map[string]*payments.Payment{}}
	now := noon
	r := router.New(config(t, policy), router.Settings{Now: func() time.Time { return now }})
	dice := rand.New(rand.NewPCG(7, 11))
	truth := map[string]float64{"alpha": 0.9, "bravo": 0.8}
	for i := range many {
		now = noon.Add(time.Duration(i) * time.Second)
		invoice := fmt.Sprintf("iv_%05d", i)
		f := payments.Facts{
			ProjectID: "p", InvoiceID: invoice, Operation: payments.OpSale, Amount: payments.Money{Minor: 50_00, Currency: "EUR"},
			Scheme: payments.SchemeVisa, CardCountry: []string{"DE", "FR"}[i%2], HasCard: true, HasCVC: true,
		}
		d := r.Decide(f)
		a := payments.Attempt{
			ProjectID: "p", ID: "tr_" + invoice, InvoiceID: invoice, Operation: payments.OpSale, GatewayConfigurationID: d.Candidates[0].GatewayConfigurationID,
			Decision: &d, State: payments.AttemptDeclined, SentAt: now,
		}
		out := payments.Outcome{Status: payments.Declined, Code: payments.CardDoNotHonor}
		if dice.Float64() < truth[a.GatewayConfigurationID] {
			a.State, out = payments.AttemptApproved, payments.Outcome{Status: payments.Approved}
		}
		r.Observe(&d, learn.Outcome{Gateway: a.GatewayConfigurationID, Result: payments.Result{Outcome: out}})
		l.add(&payments.Payment{Invoice: payments.Invoice{ID: invoice}, Attempts: []payments.Attempt{a}})
	}
	return l, r
}

const smart = "exploration: {cap_bps: 2000, floor_bps: 1000}\ndefault: {smart: all}\n"

func run(t testing.TB, l *log, r backtests.Request) backtests.Result {
	t.Helper()
	if r.Until.IsZero() {
		r.Since, r.Until = noon, noon.Add(24*time.Hour)
	}
	if r.Most == 0 {
		r.Most = 100_000
	}
	result, err := backtests.Run(t.Context(), l, r)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// TestAnotherPolicy: how many move is exact, the fees are those of the table, and the interval covers the truth.
func TestAnotherPolicy(t *testing.T) {
	t.Parallel()
	const many = 8_000
	l, _ := routed(t, smart, many)
	toBravo := len(l.attempts["bravo"])
	result := run(t, l, backtests.Request{Candidate: config(t, "fees:\n  alpha: [{rows: [{blended: {bps: 200}}]}]\n  bravo: [{rows: [{blended: {bps: 100}}]}]\ndefault: {priority: [bravo]}")})
	report := &result.Report
	if report.Payments != many || len(report.Moves) != 1 || report.Moves[0].From != "alpha" || report.Moves[0].To != "bravo" || int(report.Moves[0].Payments) != many-toBravo {
		t.Errorf("%d went to bravo; %+v", toBravo, report)
	}
	if c := report.Costs[0]; c.Old != int64(100*(many-toBravo)+50*toBravo) || c.New != 50*many {
		t.Errorf("fees %+v", c)
	}
	if a := report.Approval; a.New.Low > 0.8 || a.New.High < 0.8 || a.New.Low < 0.7 || a.Old.Rate < 0.86 {
		t.Errorf("approval %+v", a)
	}
	if text := result.String(); !strings.Contains(text, "alpha -> bravo") || !strings.Contains(text, "2026-11-20T12:00:00Z") {
		t.Error(text)
	}
}

// TestNothingMoves: a policy that leaves nothing to chance moves nothing of its own log.
func TestNothingMoves(t *testing.T) {
	t.Parallel()
	l, _ := routed(t, "default: {split: {alpha: 60, bravo: 40}}", 2_000)
	result := run(t, l, backtests.Request{Candidate: config(t, "default: {split: {alpha: 60, bravo: 40}}")})
	if result.Report.Moved != 0 || result.Report.Kept != 2_000 {
		t.Errorf("%v payments move", result.Report.Moved)
	}
}

// TestUntried: what the log has never tried is said, and no verdict is given.
func TestUntried(t *testing.T) {
	t.Parallel()
	l, _ := routed(t, "default: {priority: [alpha]}", 1_000)
	result := run(t, l, backtests.Request{Candidate: config(t, "default: {priority: [bravo]}")})
	if result.Report.Supported || !strings.Contains(result.String(), "Never tried: bravo") {
		t.Errorf("%s", result)
	}
}

// TestSmartCandidate: a smart candidate is judged by the beliefs of now, as a distribution.
func TestSmartCandidate(t *testing.T) {
	t.Parallel()
	l, r := routed(t, smart, 6_000)
	result := run(t, l, backtests.Request{Candidate: config(t, smart), Beliefs: r.Beliefs()})
	if moved := result.Report.Moved / float64(result.Report.Payments); moved > 0.25 {
		t.Errorf("%.3f of the payments move under the same policy", moved)
	}
	if a := result.Report.Approval; a.New.High < a.Old.Rate-0.02 {
		t.Errorf("approval %+v", a)
	}
}

// TestWhatSaysNothing: payments that cannot be used are counted by the reason; a candidate's block and yesterday's illness hold.
func TestWhatSaysNothing(t *testing.T) {
	t.Parallel()
	l := &log{attempts: map[string][]payments.Attempt{}, payments: map[string]*payments.Payment{}}
	facts := payments.Facts{ProjectID: "p", Operation: payments.OpSale, Amount: payments.Money{Minor: 1, Currency: "EUR"}, HasCard: true}
	ill := payments.Candidate{GatewayConfigurationID: "bravo", Verdict: payments.Excluded, Unavailable: true, Reason: "its breaker was open"}
	for name, change := range map[string]func(p *payments.Payment){
		"good":         func(*payments.Payment) {},
		"old":          func(p *payments.Payment) { p.Attempts[0].Decision.Facts = nil },
		"verification": func(p *payments.Payment) { p.Attempts[0].Operation = payments.OpVerify },
		"open":         func(p *payments.Payment) { p.Attempts[0].State = payments.AttemptUnknown },
		"odd": func(p *payments.Payment) {
			p.Attempts[0].Decision.Candidates[0].Estimate = &payments.Estimate{Propensity: 7}
		},
		"cascaded": func(p *payments.Payment) {
			p.Attempts = append(p.Attempts, payments.Attempt{ID: "tr_second", Operation: payments.OpSale, GatewayConfigurationID: "bravo", State: payments.AttemptApproved, SentAt: noon})
			p.Attempts[0].State = payments.AttemptDeclined
		},
		"captured": func(p *payments.Payment) {
			p.Attempts = append(p.Attempts, payments.Attempt{ID: "tr_capture", Operation: payments.OpCapture, GatewayConfigurationID: "alpha", State: payments.AttemptDeclined, SentAt: noon})
		},
	} {
		own := facts
		d := &payments.Decision{Facts: &own, DecidedAt: noon, Candidates: []payments.Candidate{{GatewayConfigurationID: "alpha", Verdict: payments.Chosen}, ill}}
		p := &payments.Payment{Invoice: payments.Invoice{ID: name}, Attempts: []payments.Attempt{
			{ID: "tr_" + name, InvoiceID: name, Operation: payments.OpSale, GatewayConfigurationID: "alpha", State: payments.AttemptApproved, Decision: d, SentAt: noon},
		}}
		change(p)
		l.add(p)
	}
	result := run(t, l, backtests.Request{Candidate: config(t, "default: {priority: [bravo, alpha]}")})
	report := &result.Report
	if report.Payments != 4 || report.Moved != 0 || len(result.Skipped) != 3 {
		t.Errorf("%+v", result)
	}
	if a := report.Approval; a.Payments != 3 || a.Old.Rate != 1 {
		t.Errorf("%+v", a)
	}
	blocked := run(t, l, backtests.Request{Candidate: config(t, `default: {block: {message: "No."}}`)})
	if blocked.Report.Blocked != 4 {
		t.Errorf("%d are blocked, want 4", blocked.Report.Blocked)
	}
	few := run(t, l, backtests.Request{Candidate: config(t, "default: {smart: all}"), Most: 2})
	if !few.Cut || !strings.Contains(few.String(), "choose a shorter time") {
		t.Errorf("%+v", few)
	}
	l.fails = errors.New("disk")
	if _, err := backtests.Run(t.Context(), l, backtests.Request{Candidate: config(t, "default: {smart: all}"), Most: 1}); !errors.Is(err, l.fails) {
		t.Error(err)
	}
}
