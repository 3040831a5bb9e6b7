package paymongo

import (
	"encoding/json"
	"time"

	"switchyard/sims/psp"
)

// The events that are sent. There is none for a hold, nor for a card that was saved.
const (
	eventPaid          = "payment.paid"
	eventFailed        = "payment.failed"
	eventRefunded      = "payment.refunded"
	eventRefundUpdated = "payment.refund.updated"
)

// tell sends an event about a payment.
func (s *Sim) tell(pi *intent, p payment, event string, hideFor time.Duration) {
	s.send(pi, p, event, p.resource(pi), hideFor)
}

func (s *Sim) tellRefund(pi *intent, p payment, made refund, hideFor time.Duration) {
	s.send(pi, p, eventRefundUpdated, made.resource(p.id), hideFor)
}

func (s *Sim) send(pi *intent, p payment, event string, data psp.Object, hideFor time.Duration) {
	owner := pi.clone()
	s.deps.Notify(psp.Notice{
		Body:  s.envelope(event, data),
		After: hideFor,
		Forged: func() []byte {
			p.status, p.paidAt = paymentPaid, p.created
			return s.envelope(eventPaid, p.resource(&owner))
		},
	})
}

func (s *Sim) envelope(event string, data psp.Object) []byte {
	now := time.Now().Unix()
	body, _ := json.Marshal(psp.Object{"data": resource(s.newID("evt_"), "event", psp.Object{ // plain values: cannot fail
		"type": event, "livemode": false, "data": data, "previous_data": psp.Object{},
		"pending_webhooks": 1, "created_at": now, "updated_at": now,
	})})
	return body
}
