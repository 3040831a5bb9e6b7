package router

import (
	"context"
	"strings"
	"sync"
	"testing"

	"switchyard/payments"
)

// TestRoomAtAGateway: beyond what a gateway configuration may charge at once, a charge is not sent and the decision says why;
// questions, captures and refunds go on; and room that is left is there again.
func TestRoomAtAGateway(t *testing.T) {
	t.Parallel()
	c := config()
	c.Gateways[1].MaxInFlight = 2
	r := New(Compile(*c), settings())
	began, release := make(chan struct{}), make(chan struct{})
	var charging sync.WaitGroup
	for range 2 {
		charging.Go(func() {
			_, _ = Do(t.Context(), r, xendit, payments.OpSale, 0, classify, func(context.Context) (payments.Outcome, error) {
				began <- struct{}{}
				<-release
				return approved, nil
			})
		})
		<-began
	}
	sent := false
	call := func(context.Context) (payments.Outcome, error) {
		sent = true
		return approved, nil
	}
	if _, err := Do(t.Context(), r, xendit, payments.OpSale, 0, classify, call); sent || payments.AsFault(err) == nil || payments.AsFault(err).Kind != payments.NeverSent {
		t.Errorf("a third charge: sent %t, %v", sent, err)
	}
	left := candidate(t, r.Decide(cardSale()), xendit)
	if left.Verdict != payments.Excluded || !left.Unavailable || !strings.Contains(left.Reason, "2 charges are under way") {
		t.Errorf("the decision says %+v", left)
	}
	for _, op := range []payments.Operation{payments.OpLookup, payments.OpAbandon, payments.OpCapture, payments.OpRefund, payments.OpVoid} {
		sent = false
		if _, err := Do(t.Context(), r, xendit, op, 0, classify, call); err != nil || !sent {
			t.Errorf("%s: sent %t, %v", op, sent, err)
		}
	}
	close(release)
	charging.Wait()
	if got := candidate(t, r.Decide(cardSale()), xendit); got.Verdict == payments.Excluded {
		t.Errorf("with room again: %+v", got)
	}
	sent = false
	if _, err := Do(t.Context(), r, xendit, payments.OpSale, 0, classify, call); err != nil || !sent {
		t.Errorf("with room again: sent %t, %v", sent, err)
	}
	if b := r.current.Load().breakers[xendit]; b.charging.Load() != 0 {
		t.Errorf("%d charges are counted as under way", b.charging.Load())
	}
}
