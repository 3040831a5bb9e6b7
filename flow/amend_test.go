package flow_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"switchyard/flow"
	"switchyard/payments"
)

func (w *world) authorized(amount string) string {
	w.t.Helper()
	invoice := w.invoice(amount)
	s, err := w.engine.Authorize(w.t.Context(), flow.ChargeRequest{ProjectID: project, InvoiceID: invoice, Source: w.card()})
	if err != nil || s.Transaction.Status != payments.StatusAuthorized {
		w.t.Fatalf("authorize: %+v, %v", s.Transaction, err)
	}
	return invoice
}

func (w *world) refund(invoice, amount string) (payments.Snapshot, error) {
	return w.engine.Refund(w.t.Context(), flow.RefundRequest{ProjectID: project, InvoiceID: invoice, Amount: amount, Reason: "customer_request"})
}

func TestPartialCaptureAndRefunds(t *testing.T) {
	w := newWorld(t, worldOptions{})
	defer w.close()
	invoice := w.authorized("100.00")
	s, err := w.engine.Capture(t.Context(), flow.ChargeRequest{ProjectID: project, InvoiceID: invoice, Amount: "60.00"})
	if err != nil || s.Transaction.Status != payments.StatusCompleted || s.Transaction.Totals.Captured != 6000 {
		t.Fatalf("capture: %+v, %v", s.Transaction, err)
	}
	if _, err := w.refund(invoice, "60.01"); payments.ErrorCode(err) != payments.CodeInvalidAmount {
		t.Errorf("a refund of more than was captured: %v", err)
	}
	for _, part := range []string{"10.00", "0.01"} {
		if s, err := w.refund(invoice, part); err != nil || s.Refund == nil || s.Refund.Status != payments.RefundSucceeded {
			t.Errorf("refund of %s: %+v, %v", part, s.Refund, err)
		}
	}
	if s, err := w.refund(invoice, ""); err != nil || s.Refund.Amount.Minor != 4999 {
		t.Errorf("refund of the rest: %+v, %v", s.Refund, err)
	}
	if _, err := w.refund(invoice, ""); payments.ErrorCode(err) != payments.CodeInvalidAmount {
		t.Errorf("a refund of nothing: %v", err)
	}
	if _, _, captured, refunded := w.first.held(); captured != 6000 || refunded != 6000 {
		t.Errorf("the PSP captured %d and refunded %d", captured, refunded)
	}
}

func TestConcurrentRefundsNeverExceedTheCharge(t *testing.T) {
	w := newWorld(t, worldOptions{})
	defer w.close()
	invoice := w.invoice("25.50")
	w.charge(invoice, w.card())
	var wg sync.WaitGroup
	var mu sync.Mutex
	given := int64(0)
	for range 6 {
		wg.Go(func() {
			if s, err := w.refund(invoice, "10.00"); err == nil && s.Code == "" {
				mu.Lock()
				given += s.Refund.Amount.Minor
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if _, _, _, refunded := w.first.held(); refunded != given || refunded != 2000 {
		t.Errorf("the PSP gave back %d, callers were told %d", refunded, given)
	}
}

func TestVoid(t *testing.T) {
	w := newWorld(t, worldOptions{})
	defer w.close()
	invoice := w.authorized("100.00")
	s, err := w.engine.Void(t.Context(), flow.AmendRequest{ProjectID: project, InvoiceID: invoice})
	if err != nil || s.Transaction.Status != payments.StatusVoided || s.Transaction.Totals.Voided != 10000 {
		t.Fatalf("void: %+v, %v", s.Transaction, err)
	}
	if _, err := w.engine.Void(t.Context(), flow.AmendRequest{ProjectID: project, InvoiceID: invoice}); payments.ErrorCode(err) != payments.CodeValidation {
		t.Errorf("a second void: %v", err)
	}
	if _, err := w.engine.Increment(t.Context(), flow.AmendRequest{ProjectID: project, InvoiceID: w.authorized("5.00"), Amount: "1.00"}); payments.ErrorCode(err) != payments.CodeOperationNotSupported {
		t.Errorf("an increment that no PSP offers: %v", err)
	}
}

// TestUnknownAmendments: a capture, refund or void whose outcome is not known is asked about by totals, whether or not the
// PSP acted, and blocks further operations meanwhile.
func TestUnknownAmendments(t *testing.T) {
	type step struct {
		op    payments.Operation
		start func(w *world) string
		run   func(w *world, invoice string) (payments.Snapshot, error)
		done  payments.TransactionStatus
		undo  payments.TransactionStatus
	}
	for _, s := range []step{
		{
			payments.OpCapture, func(w *world) string { return w.authorized("100.00") },
			func(w *world, invoice string) (payments.Snapshot, error) {
				return w.engine.Capture(w.t.Context(), flow.ChargeRequest{ProjectID: project, InvoiceID: invoice})
			}, payments.StatusCompleted, payments.StatusAuthorized,
		},
		{
			payments.OpRefund, func(w *world) string { i := w.invoice("100.00"); w.charge(i, w.card()); return i },
			func(w *world, invoice string) (payments.Snapshot, error) { return w.refund(invoice, "40.00") },
			payments.StatusRefunded, payments.StatusCompleted,
		},
		{
			payments.OpVoid, func(w *world) string { return w.authorized("100.00") },
			func(w *world, invoice string) (payments.Snapshot, error) {
				return w.engine.Void(w.t.Context(), flow.AmendRequest{ProjectID: project, InvoiceID: invoice})
			}, payments.StatusVoided, payments.StatusAuthorized,
		},
	} {
		for _, acted := range []bool{true, false} {
			t.Run(string(s.op)+map[bool]string{true: " acted", false: " not acted"}[acted], func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t, worldOptions{})
					defer w.close()
					w.engine.Start()
					invoice := s.start(w)
					w.first.script(s.op, script{act: acted, err: unknown()})
					if _, err := s.run(w, invoice); err != nil {
						t.Fatal(err)
					}
					if p := w.payment(invoice); !acted && p.Transaction.InFlight == "" {
						t.Error("an operation of unknown outcome is not in flight any more")
					}
					if !acted {
						if _, err := s.run(w, invoice); payments.ErrorCode(err) != payments.CodeStillProcessing {
							t.Errorf("a second operation meanwhile: %v", err)
						}
						lapse(5 * time.Minute)
						w.expect(invoice, s.undo)
						if _, err := s.run(w, invoice); err != nil {
							t.Fatal(err)
						}
					}
					w.expect(invoice, s.done)
				})
			})
		}
	}
}

func TestTimedCapture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		defer w.close()
		w.engine.Start()
		invoice := w.invoice("100.00")
		if _, err := w.engine.Authorize(t.Context(), flow.ChargeRequest{ProjectID: project, InvoiceID: invoice, Source: w.card(), AutoCaptureAt: time.Now().Add(time.Hour)}); err != nil {
			t.Fatal(err)
		}
		lapse(59 * time.Minute)
		w.expect(invoice, payments.StatusAuthorized)
		lapse(2 * time.Minute)
		w.expect(invoice, payments.StatusCompleted)
	})
}
