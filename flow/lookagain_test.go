package flow_test

import (
	"testing"
	"testing/synctest"
	"time"

	"switchyard/flow"
	"switchyard/payments"
)

// TestLookAgain: an operator has the PSP asked about an attempt that ended as not done, before the next recheck is due.
func TestLookAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		defer w.close()
		w.engine.Start()
		w.first.lies()
		w.first.script(payments.OpAuthorize, script{err: unknown()})
		request := flow.ChargeRequest{ProjectID: project, Source: w.card(), InvoiceID: w.invoice("100.00")}
		if _, err := w.engine.Capture(t.Context(), request); err != nil {
			t.Fatal(err)
		}
		p := w.expect(request.InvoiceID, payments.StatusCompleted)
		failed, paid := p.Attempts[0], p.Attempts[1]
		state, err := w.engine.LookAgain(t.Context(), project, failed.ID)
		if err != nil || state != payments.AttemptFailed {
			t.Errorf("while the PSP has not charged: %s, %v", state, err)
		}
		w.first.turnsUp(true)
		state, err = w.engine.LookAgain(t.Context(), project, failed.ID)
		if err != nil || state != payments.AttemptLate {
			t.Errorf("once the PSP has charged: %s, %v", state, err)
		}
		lapse(time.Minute) // the job that gives the money back
		p = w.expect(request.InvoiceID, payments.StatusCompleted)
		if p.Attempts[0].State != payments.AttemptReversed {
			t.Errorf("the late attempt is %s", p.Attempts[0].State)
		}
		for id, code := range map[string]string{paid.ID: payments.CodeValidation, failed.ID: payments.CodeValidation, "tr_op_none": payments.CodeTransactionNotFound} {
			if _, err := w.engine.LookAgain(t.Context(), project, id); payments.ErrorCode(err) != code {
				t.Errorf("%s: %v, want %s", id, err, code)
			}
		}
	})
}
