package pivot

import (
	"encoding/json"
	"time"

	"switchyard/sims/psp"
)

// The events that are sent. There is none for a failed charge but its session's end, and none for an expiry.
const (
	eventProcessing    = "PAYMENT.PROCESSING"
	eventPaid          = "PAYMENT.PAID"
	eventCancelled     = "PAYMENT.CANCELLED"
	eventRefundPending = "REFUND.PENDING"
	eventRefunded      = "REFUND.SUCCESS"
	eventRefundFailed  = "REFUND.FAILED"
	// eventRefundWaits is spelt as the vendor spells it.
	eventRefundWaits = "REFUND.WAITING_BANK_TRANFER"
)

func refundEvent(status string) string {
	switch status {
	case succeeded:
		return eventRefunded
	case waitsForTransfer:
		return eventRefundWaits
	}
	return eventRefundFailed
}

func (s *Sim) tell(event string, p *session, hideFor time.Duration) {
	s.send(event, s.resource(p), p, hideFor)
}

func (s *Sim) tellRefund(event string, p *session, made refund, hideFor time.Duration) {
	s.send(event, made.resource(p), p, hideFor)
}

// send sends an event with its data. A forgery says that the session is paid.
func (s *Sim) send(event string, data psp.Object, p *session, hideFor time.Duration) {
	claimed := p.clone()
	claimed.status, claimed.reason, claimed.cancelledAt = paid, "", ""
	claimed.charge.status, claimed.charge.failure = succeeded, failure{}
	claimed.charge.authorized, claimed.charge.captured = p.amount, p.amount
	claim := s.resource(&claimed) // now, under the lock: a forgery is made later
	s.deps.Notify(psp.Notice{
		Body:   envelope(event, data),
		After:  hideFor,
		Forged: func() []byte { return envelope(eventPaid, claim) },
	})
}

func envelope(event string, data psp.Object) []byte {
	body, _ := json.Marshal(psp.Object{"event": event, "data": data}) // plain values: cannot fail
	return body
}
