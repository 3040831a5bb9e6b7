package flow_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"switchyard/payments"
)

// timedPSP remembers when it was last asked to charge.
type timedPSP struct {
	*fakePSP
	last *time.Time
}

func (p timedPSP) Authorize(ctx context.Context, r payments.AuthorizeRequest) (payments.Outcome, error) {
	*p.last = time.Now()
	return p.fakePSP.Authorize(ctx, r)
}

// TestAbsenceCountsFromTheLastSending: a request that was sent again may act as long after that as any other, so that "not
// found" proves nothing before.
func TestAbsenceCountsFromTheLastSending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, last := newFakePSP(), time.Time{}
		w := newWorld(t, worldOptions{adapter: timedPSP{first, &last}, first: first, second: newFakePSP(), noFence: true, resend: true})
		defer w.close()
		w.engine.Start()
		for range 20 {
			first.script(payments.OpAuthorize, script{err: unknown()})
		}
		began, asked := time.Now(), 0
		first.lookups = func() (payments.Finding, error) {
			if asked++; asked > 1 && asked < 5 || time.Since(began) > 13*time.Second && time.Since(began) < time.Minute {
				return payments.Finding{}, unknown() // unanswered questions do not slow the next ones down
			}
			return payments.Finding{Kind: payments.NotFound}, nil
		}
		invoice := w.invoice("100.00")
		w.charge(invoice, w.card())
		if n := first.count(payments.OpAuthorize); n < 2 {
			t.Fatalf("the charge was sent %d times only", n)
		}
		lapse(10 * time.Minute)
		a := w.expect(invoice, payments.StatusFailed).Attempts[0]
		if waited := a.EndedAt.Sub(last); waited <= time.Minute {
			t.Errorf("declared absent %v after the last sending; the PSP may take a minute", waited)
		}
	})
}
