package dojo

import (
	"net/http"
	"slices"
	"time"

	"switchyard/sims/ledger"
	"switchyard/sims/psp"
	"switchyard/sims/shown"
)

// The types of what happens to an intent.
const eventChallenged, eventDeclined = "AuthChallenged", "Declined"

// The outcomes of a charge and of a capture.
const outcomeSuccessful, outcomeDeclined = "Successful", "Declined"

// The messages of a transaction. There is no code of a decline.
const (
	messageDeposited  = "DEPOSITED"
	messageAuthorized = "AUTHORIZED"
	messageDeclined   = "DECLINED"
	messageStolen     = "DECLINED: CARD REPORTED STOLEN"
	messageNoPayer    = "DECLINED: AUTHENTICATION FAILED"
)

// event is one thing that has happened to an intent.
type event struct {
	transaction, kind, authCode, method string
	at                                  time.Time
	card                                card
}

func (e event) resource() psp.Object {
	return psp.Object{
		"transactionId": e.transaction, "transactionDateTime": stamp(e.at), "eventType": e.kind, "authCode": e.authCode,
		"cardNumber": e.card.masked, "expiryDate": e.card.monthAndYear(), "cardType": e.card.scheme(),
		"cardholderName": e.card.holder, "paymentMethodId": e.method,
	}
}

// orderedMessage is the message of a decline that a fault has ordered, or "".
func orderedMessage(d psp.Decline) string {
	switch d {
	case psp.SoftDecline:
		return messageDeclined
	case psp.HardDecline:
		return messageStolen
	default:
		return ""
	}
}

// pay charges an intent with the card that its payer has given. The message is that of a decline, or "".
func (s *Sim) pay(rec *shown.Record[intent], with attempt, o psp.Orders) (message string) {
	rec.Freeze(rec.Live.clone(), o.HideFor)
	pi := &rec.Live
	message = orderedMessage(o.Decline)
	if message == "" && with.card.acts.declines {
		message = messageDeclined
	}
	switch {
	case message != "":
		s.decline(pi, with, message)
	case with.card.acts.challenge:
		pi.pending = with
		pi.challenge = s.deps.Challenges.Open(func(passed bool) string { return s.decided(pi.id, passed) })
	default:
		s.approve(rec, with, o.HideFor)
	}
	return message
}

// decided goes on when the payer has passed the challenge or failed it, and says where the payer goes next.
func (s *Sim) decided(id string, passed bool) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	rec, known := s.live(id)
	if !known {
		return ""
	}
	pi := &rec.Live
	if pi.status == statusCreated && pi.challenge != "" { // a canceled intent stays so, whatever the payer does
		pi.challenge = ""
		pi.record(event{transaction: s.deps.Random.UUID(), kind: eventChallenged, card: pi.pending.card})
		if passed {
			s.approve(rec, pi.pending, 0)
		} else {
			s.decline(pi, pi.pending, messageNoPayer)
		}
	}
	if pi.paid() && pi.in.Config.RedirectURL != "" {
		return pi.in.Config.RedirectURL
	}
	return s.link(pi)
}

// paid says whether the payer has done its part.
func (pi *intent) paid() bool { return pi.charge != "" }

// approve takes the money of an automatic intent, and holds it for a manual one.
func (s *Sim) approve(rec *shown.Record[intent], with attempt, hideFor time.Duration) {
	pi := &rec.Live
	pi.challenge = ""
	pi.charge, pi.authCode, pi.chargedAt = s.deps.Random.UUID(), s.deps.Random.Alphanumeric(6), now()
	pi.card, pi.method = with.card, with.method
	if with.save && pi.in.Customer != nil {
		pi.method = s.save(pi.in.Customer.ID, with.card)
	}
	if pi.method == "" {
		pi.method = s.newID(methodPrefix) // a card that is not kept has a name, too: it cannot be told from one that is
	}
	if !pi.manual() {
		pi.captured, pi.message = pi.total, messageDeposited
		s.end(pi, statusCaptured, ledger.Captured, hideFor)
		return
	}
	pi.message = messageAuthorized
	s.end(pi, statusAuthorized, ledger.Authorized, hideFor)
	if span, ok := timespan(pi.in.AutoExpireIn); ok {
		s.later.After(span, func() { s.lapse(rec) })
	}
}

// lapse ends a hold that nobody has captured in time, as the intent has it.
func (s *Sim) lapse(rec *shown.Record[intent]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	pi := &rec.Live
	if s.intents[pi.id] != rec || pi.status != statusAuthorized {
		return
	}
	if pi.in.AutoExpireAction == "Capture" {
		s.take(pi, pi.total, 0)
		return
	}
	s.end(pi, statusReversed, ledger.Voided, 0)
}

// end moves an intent on, and says so.
func (s *Sim) end(pi *intent, status string, state ledger.State, hideFor time.Duration) {
	changed := pi.status != status
	pi.set(status)
	pi.record(event{transaction: pi.charge, kind: status, authCode: pi.authCode, method: pi.method, card: pi.card})
	s.book(pi, state)
	if changed {
		s.tell(pi, hideFor)
	}
}

// decline leaves the intent as it was created: the payer may try again.
func (s *Sim) decline(pi *intent, with attempt, message string) {
	transaction := s.deps.Random.UUID()
	pi.message, pi.updated = message, now()
	pi.record(event{transaction: transaction, kind: eventDeclined, method: with.method, card: with.card})
	s.deps.Ledger.Put(ledger.Charge{
		PSP: name, ID: transaction, Reference: pi.in.Reference, AmountMinor: pi.total, Currency: pi.in.Amount.Currency,
		State: ledger.Declined,
	})
}

func (pi *intent) record(e event) {
	e.at = now()
	pi.events = append(slices.Clip(pi.events), e)
}

// book writes the intent's charge into the ledger.
func (s *Sim) book(pi *intent, state ledger.State) {
	s.deps.Ledger.Put(ledger.Charge{
		PSP: name, ID: pi.charge, Reference: pi.in.Reference, AmountMinor: pi.total, Currency: pi.in.Amount.Currency,
		State: state, CapturedMinor: pi.captured, RefundedMinor: pi.refunded(),
	})
}

// charge charges the card of an intent's setup intent: the one charge that a server can make.
func (s *Sim) charge(_ *psp.Request, ids []string, o psp.Orders) psp.Answer {
	rec, known := s.live(ids[0])
	if !known {
		return notFound("The payment intent was not found.")
	}
	pi := &rec.Live
	from, found := s.liveSetup(pi.in.Setup)
	switch {
	case pi.in.Setup == "":
		return problem(http.StatusForbidden, "Forbidden", "Only a payment intent with a setup intent can be charged.", nil)
	case pi.status != statusCreated:
		return badRequest("The payment intent is " + pi.status + ".")
	case !found || !from.Live.chargeable():
		return badRequest("The setup intent is not authorized.")
	}
	with := attempt{card: *from.Live.card, method: from.Live.method}
	with.card.acts.challenge = false // it was passed when the card was set up, and nobody is there to ask
	if message := s.pay(rec, with, o); message != "" {
		return psp.JSON(http.StatusOK, chargeAnswer(pi, outcomeDeclined, message))
	}
	from.Freeze(from.Live.clone(), o.HideFor)
	from.Live.set(setupCompleted)
	return psp.JSON(http.StatusOK, chargeAnswer(pi, outcomeSuccessful, pi.message))
}

func chargeAnswer(pi *intent, status, message string) psp.Object {
	return psp.Object{"paymentIntentId": pi.id, "status": status, "message": message}
}
