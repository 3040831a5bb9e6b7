package flow_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"switchyard/flow"
	"switchyard/payments"
)

// turnsUp is a charge that a PSP has made although it said that it would not.
func (p *fakePSP) turnsUp(capture bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.charges {
		c.totals.Authorized = 100_00
		if capture {
			c.totals.Captured = 100_00
		}
	}
}

// lies makes the PSP confirm fences that do not hold.
func (p *fakePSP) lies() {
	p.fences = func(*fakeCharge) (payments.Fence, error) { return payments.Fenced, nil }
}

// TestALateChargeIsGivenBack: a charge that turns up after its attempt had ended as not done, while another PSP was paid or the
// payment was called failed, is given back by itself, once, and raised to operators. It is noticed by asking once more, or by
// the PSP's webhook.
func TestALateChargeIsGivenBack(t *testing.T) {
	for name, tc := range map[string]struct {
		hold, alone bool
		lost        []script // what giving back meets first
	}{
		"a sale, and another PSP was paid": {},
		"a hold, and another PSP holds":    {hold: true},
		"a sale of a failed payment":       {alone: true},
		"giving back is not answered":      {lost: []script{{act: true, err: unknown()}}},
		"giving back is refused at first":  {lost: []script{{err: payments.Faultf(payments.NeverSent, "refused")}, {err: payments.Faultf(payments.Throttled, "429")}}},
		"a hold, not answered":             {hold: true, lost: []script{{act: true, err: unknown()}}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, worldOptions{})
				defer w.close()
				w.engine.Start()
				w.first.lies()
				w.first.script(payments.OpAuthorize, script{err: unknown()})
				w.first.script(payments.OpRefund, tc.lost...)
				w.first.script(payments.OpVoid, tc.lost...)
				status := payments.StatusCompleted
				if tc.alone {
					w.second.script(payments.OpAuthorize, script{outcome: payments.Outcome{Status: payments.Declined, Code: payments.CardDeclined}})
					status = payments.StatusFailed
				}
				invoice, request := w.invoice("100.00"), flow.ChargeRequest{ProjectID: project, Source: w.card()}
				request.InvoiceID = invoice
				charge := w.engine.Capture
				if tc.hold {
					charge, status = w.engine.Authorize, payments.StatusAuthorized
				}
				if _, err := charge(t.Context(), request); err != nil {
					t.Fatal(err)
				}
				w.expect(invoice, status)
				w.first.turnsUp(!tc.hold)
				lapse(30 * time.Minute)
				p := w.expect(invoice, status)
				if a := p.Attempts[0]; a.State != payments.AttemptReversed {
					t.Fatalf("the late attempt is %s", a.State)
				}
				if _, authorized, captured, refunded := w.first.held(); captured != refunded || tc.hold && authorized != 0 {
					t.Errorf("the PSP that was late holds %d, has taken %d and given back %d", authorized, captured, refunded)
				}
				alerts, err := w.store.Alerts(t.Context(), true, 10)
				if err != nil || len(alerts) != 1 || alerts[0].Kind != payments.AlertLate || alerts[0].AttemptID != p.Attempts[0].ID {
					t.Errorf("alerts %+v, %v", alerts, err)
				}
				entries, err := w.store.Entries(t.Context(), project, p.Attempts[0].ID)
				if err != nil || len(tc.lost) == 0 && len(entries) != 2 {
					t.Errorf("entries %+v, %v", entries, err)
				}
			})
		})
	}
}

// TestALateChargeIsLookedForAgain: what shows only a day later is found, too.
func TestALateChargeIsLookedForAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		defer w.close()
		w.engine.Start()
		w.first.lies()
		w.first.script(payments.OpAuthorize, script{err: unknown()})
		invoice := w.invoice("100.00")
		w.charge(invoice, w.card())
		lapse(time.Hour)
		w.first.turnsUp(true)
		lapse(25 * time.Hour)
		if a := w.expect(invoice, payments.StatusCompleted).Attempts[0]; a.State != payments.AttemptReversed {
			t.Errorf("the late attempt is %s", a.State)
		}
	})
}

// TestAnOperatorResolves: an attempt without certainty comes under review after 72 hours, visibly; an operator's word ends it
// like a PSP's answer; and what the PSP does against that word is given back.
func TestAnOperatorResolves(t *testing.T) {
	for verdict, status := range map[string]payments.TransactionStatus{flow.VerdictDone: payments.StatusCompleted, flow.VerdictNotDone: payments.StatusFailed} {
		t.Run(verdict, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, worldOptions{noFence: true})
				defer w.close()
				w.engine.Start()
				w.first.script(payments.OpAuthorize, script{err: unknown()})
				w.first.lookups = func() (payments.Finding, error) { return payments.Finding{}, errors.New("no answer") }
				invoice := w.invoice("100.00")
				w.charge(invoice, w.card())
				lapse(71 * time.Hour)
				w.expect(invoice, payments.StatusPending)
				lapse(3 * time.Hour)
				p := w.expect(invoice, payments.StatusReview)
				alerts, err := w.store.Alerts(t.Context(), true, 10)
				if err != nil || len(alerts) != 1 || alerts[0].Kind != payments.AlertReview {
					t.Fatalf("alerts %+v, %v", alerts, err)
				}
				events, err := w.store.Events(t.Context(), project, payments.Page{Limit: 10})
				if err != nil || len(events.Items) != 1 || events.Items[0].Name != payments.EventTransactionInReview {
					t.Errorf("events %+v, %v", events, err)
				}
				r := flow.Resolution{ProjectID: project, AttemptID: p.Attempts[0].ID, Verdict: verdict, ChargeRef: "pay-1", By: "ada", Because: "their dashboard"}
				for _, bad := range []flow.Resolution{
					{ProjectID: project, AttemptID: "tr_op_none", Verdict: verdict, By: "ada", Because: "x"},
					{ProjectID: project, AttemptID: r.AttemptID, Verdict: "perhaps", By: "ada", Because: "x"},
					{ProjectID: project, AttemptID: r.AttemptID, Verdict: verdict, Because: "x"},
				} {
					if err := w.engine.Resolve(t.Context(), bad); payments.ErrorCode(err) == "" {
						t.Errorf("%+v: %v", bad, err)
					}
				}
				if err := w.engine.Resolve(t.Context(), r); err != nil {
					t.Fatal(err)
				}
				p = w.expect(invoice, status)
				if verdict == flow.VerdictDone && p.Attempts[0].Refs.Charge != "pay-1" {
					t.Errorf("attempt %+v", p.Attempts[0])
				}
				if err := w.engine.Resolve(t.Context(), r); payments.ErrorCode(err) != payments.CodeValidation {
					t.Errorf("resolved twice: %v", err)
				}
				if alerts, err = w.store.Alerts(t.Context(), true, 10); err != nil || len(alerts) != 0 {
					t.Errorf("alerts %+v, %v", alerts, err)
				}
				steps, err := w.store.Transitions(t.Context(), project, "attempt", r.AttemptID)
				if last := steps[len(steps)-1]; err != nil || last.Why != verdict+" by ada: their dashboard" {
					t.Errorf("history %+v, %v", steps, err)
				}
			})
		})
	}
}

// TestAnOperatorCanBeWrong: "not done" is refused while the PSP says that it can no longer be stopped, and a charge that turns
// up later goes back.
func TestAnOperatorCanBeWrong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		defer w.close()
		w.engine.Start()
		w.first.script(payments.OpAuthorize, script{err: unknown()})
		w.first.lookups = func() (payments.Finding, error) { return payments.Finding{}, errors.New("no answer") }
		w.first.fences = func(*fakeCharge) (payments.Fence, error) { return payments.FenceBroken, nil }
		invoice := w.invoice("100.00")
		w.charge(invoice, w.card())
		r := flow.Resolution{ProjectID: project, AttemptID: w.payment(invoice).Attempts[0].ID, Verdict: flow.VerdictNotDone, By: "ada", Because: "not in their list"}
		lapse(time.Hour)
		if err := w.engine.Resolve(t.Context(), r); payments.ErrorCode(err) != payments.CodeValidation {
			t.Fatalf("resolved while the PSP is charging: %v", err)
		}
		w.expect(invoice, payments.StatusPending)
		w.first.fences = func(*fakeCharge) (payments.Fence, error) { return payments.FenceAbsent, nil }
		if err := w.engine.Resolve(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		w.expect(invoice, payments.StatusFailed)
		w.first.lookups = nil
		w.first.mu.Lock()
		w.first.charges[w.payment(invoice).Attempts[0].Reference] = &fakeCharge{totals: payments.Totals{Authorized: 100_00, Captured: 100_00}}
		w.first.mu.Unlock()
		lapse(time.Hour)
		if a := w.payment(invoice).Attempts[0]; a.State != payments.AttemptReversed {
			t.Errorf("the late attempt is %s", a.State)
		}
	})
}

// TestALaterCaptureIsNotCalledLate: a capture that was proven absent and then made again is not the earlier attempt's, whatever a
// webhook makes us look at.
func TestALaterCaptureIsNotCalledLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := newFakePSP()
		psp := noticingPSP{fencingPSP{first}, map[string]payments.Notice{}}
		w := newWorld(t, worldOptions{adapter: psp, first: first, second: newFakePSP()})
		defer w.close()
		w.engine.Start()
		invoice := w.authorized("100.00")
		first.script(payments.OpCapture, script{err: unknown()})
		capture := func() {
			if _, err := w.engine.Capture(t.Context(), flow.ChargeRequest{ProjectID: project, InvoiceID: invoice}); err != nil {
				t.Fatal(err)
			}
		}
		capture()
		lapse(5 * time.Minute)
		if a := w.expect(invoice, payments.StatusAuthorized).Attempts[1]; a.State != payments.AttemptFailed {
			t.Fatalf("the first capture is %s", a.State)
		}
		capture()
		p := w.expect(invoice, payments.StatusCompleted)
		psp.notices["captured"] = payments.Notice{EventID: "evt_1", Type: "captured", Refs: payments.ProviderRefs{Session: p.Attempts[0].Refs.Session}}
		for i := range w.payment(invoice).Attempts { // all of the payment's attempts are named, as at PSPs with one id for all
			psp.notices["captured"] = payments.Notice{EventID: "evt_" + p.Attempts[i].ID, Reference: p.Attempts[i].Reference}
			if err := w.engine.Receive(t.Context(), "gway_conf_first", payments.WebhookDelivery{Body: []byte("captured"), ReceivedAt: time.Now()}); err != nil {
				t.Fatal(err)
			}
		}
		lapse(time.Minute)
		if a := w.payment(invoice).Attempts[1]; a.State != payments.AttemptFailed {
			t.Errorf("the first capture is %s", a.State)
		}
		if alerts, err := w.store.Alerts(t.Context(), true, 10); err != nil || len(alerts) != 0 {
			t.Errorf("alerts %+v, %v", alerts, err)
		}
	})
}
