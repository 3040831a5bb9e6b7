package flow_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"switchyard/payments"
)

// replayingPSP gives the first answer to a reference again and again, and finds operations by their reference only.
type replayingPSP struct {
	*fakePSP
	answers map[string]payments.Outcome // of voids and refunds, by reference
	refuse  int                         // so many references
	lose    int                         // so many answers, of operations that were done
	done    int
}

func (p *replayingPSP) answer(reference string) (payments.Outcome, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if o, ok := p.answers[reference]; ok {
		return o, nil
	}
	o := payments.Outcome{Status: payments.Declined, Code: payments.PaymentDeclined}
	switch {
	case p.refuse > 0:
		p.refuse--
	case p.done == 0: // there is only so much to give back
		o = payments.Outcome{Status: payments.Approved}
		p.done++
	}
	p.answers[reference] = o
	if o.Status == payments.Approved && p.lose > 0 {
		p.lose--
		return payments.Outcome{}, unknown()
	}
	return o, nil
}

func (p *replayingPSP) Void(_ context.Context, r payments.VoidRequest) (payments.Outcome, error) {
	return p.answer(r.Reference)
}

func (p *replayingPSP) Refund(_ context.Context, r payments.RefundRequest) (payments.Outcome, error) {
	return p.answer(r.Reference)
}

func (p *replayingPSP) Abandon(_ context.Context, _ payments.AbandonRequest) (payments.Fence, error) {
	return payments.Fenced, nil
}

func (p *replayingPSP) Lookup(ctx context.Context, r payments.LookupRequest) (payments.Finding, error) {
	if r.Operation.Charges() {
		f, err := p.fakePSP.Lookup(ctx, r)
		if f.Kind == payments.FoundTotals { // as a PSP that does not show what was given back
			f = payments.Finding{Kind: payments.FoundOutcome, Outcome: payments.Outcome{Status: payments.Approved}, Refs: f.Refs}
		}
		return f, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if o, ok := p.answers[r.Reference]; ok {
		return payments.Finding{Kind: payments.FoundOutcome, Outcome: o}, nil
	}
	return payments.Finding{Kind: payments.NotFound}, nil
}

// TestMoneyIsGivenBackThoughRefusedOrUnheard: the hold of a verification and a late charge go back once, also when a PSP refuses
// at first and gives the same answer to the same reference for ever, and when its answer is lost.
func TestMoneyIsGivenBackThoughRefusedOrUnheard(t *testing.T) {
	for name, tc := range map[string]struct{ refuse, lose int }{
		"at once":                 {},
		"refused at first":        {refuse: 2},
		"not answered":            {lose: 1},
		"refused, then unheard":   {refuse: 1, lose: 1},
		"refused for a long time": {refuse: 12},
	} {
		t.Run(name+", a verification", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				first := newFakePSP()
				psp := &replayingPSP{fakePSP: first, answers: map[string]payments.Outcome{}, refuse: tc.refuse, lose: tc.lose}
				w := newWorld(t, worldOptions{adapter: psp, first: first, second: newFakePSP()})
				defer w.close()
				w.engine.Start()
				s, err := w.verifying()
				if err != nil {
					t.Fatal(err)
				}
				lapse(6 * time.Hour)
				attempts, err := w.store.AttemptsOfToken(t.Context(), project, s.Token.ID)
				if err != nil || len(attempts) != 1 {
					t.Fatal(attempts, err)
				}
				entries, err := w.store.Entries(t.Context(), project, attempts[0].ID)
				if err != nil || psp.done != 1 || len(entries) != 2 || entries[1].Kind != payments.EntryVoided {
					t.Errorf("given back %d times, booked as %+v, %v", psp.done, entries, err)
				}
			})
		})
		t.Run(name+", a late charge", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				first := newFakePSP()
				psp := &replayingPSP{fakePSP: first, answers: map[string]payments.Outcome{}, refuse: tc.refuse, lose: tc.lose}
				w := newWorld(t, worldOptions{adapter: psp, first: first, second: newFakePSP()})
				defer w.close()
				w.engine.Start()
				first.script(payments.OpAuthorize, script{err: unknown()})
				invoice := w.invoice("100.00")
				w.charge(invoice, w.card())
				late := w.expect(invoice, payments.StatusCompleted).Attempts[0]
				first.mu.Lock()
				first.charges[late.Reference] = &fakeCharge{totals: payments.Totals{Authorized: 100_00, Captured: 100_00}}
				first.mu.Unlock()
				lapse(30 * time.Hour)
				if a := w.payment(invoice).Attempts[0]; a.State != payments.AttemptReversed || psp.done != 1 {
					t.Errorf("the late attempt is %s, given back %d times", a.State, psp.done)
				}
				alerts, err := w.store.Alerts(t.Context(), true, 10)
				stuck := slices.ContainsFunc(alerts, func(a payments.Alert) bool { return a.Kind == payments.AlertStuck })
				if err != nil || stuck != (tc.refuse > 10) {
					t.Errorf("alerts %+v, %v", alerts, err)
				}
			})
		})
	}
}
