package xendit

import (
	"encoding/json"
	"time"

	"switchyard/sims/psp"
)

// The events that are sent. There is none for a void.
const (
	eventAuthorization = "payment.authorization"
	eventCapture       = "payment.capture"
	eventFailure       = "payment.failure"
	eventRefunded      = "refund.succeeded"
	eventRefundFailed  = "refund.failed"
	eventActivation    = "payment_token.activation"
	eventTokenFailure  = "payment_token.failure"
	eventCompleted     = "payment_session.completed"
	eventExpired       = "payment_session.expired"
)

func (s *Sim) tellPayment(rq *request, event string, hideFor time.Duration) {
	s.send(event, rq.paymentResource(), func() psp.Object { return rq.paymentResource() }, hideFor)
}

func (s *Sim) tellRefund(rq *request, made refund, event string, hideFor time.Duration) {
	s.send(event, made.resource(rq), func() psp.Object { return rq.paymentResource() }, hideFor)
}

func (s *Sim) tellToken(t *token, event string, hideFor time.Duration) {
	s.send(event, t.resource(), t.resource, hideFor)
}

func (s *Sim) tellSession(p *session, event string, hideFor time.Duration) {
	s.send(event, p.resource(), p.resource, hideFor)
}

// send sends an event with its data. claimed is what a forgery says is paid.
func (s *Sim) send(event string, data psp.Object, claimed func() psp.Object, hideFor time.Duration) {
	claim := claimed() // now, under the lock: a forgery is made later
	s.deps.Notify(psp.Notice{
		Body:  envelope(event, data),
		After: hideFor,
		Forged: func() []byte {
			claim["status"] = statusSucceeded
			delete(claim, "failure_code")
			return envelope(eventCapture, claim)
		},
	})
}

func envelope(event string, data psp.Object) []byte {
	body, _ := json.Marshal(psp.Object{ // plain values: cannot fail
		"event": event, "business_id": businessID, "created": now(), "api_version": "v3", "data": data,
	})
	return body
}
