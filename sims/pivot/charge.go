package pivot

import (
	"time"

	"switchyard/sims/ledger"
	"switchyard/sims/psp"
	"switchyard/sims/shown"
)

// The statuses of a charge, beside those that it shares with sessions.
const (
	waitsForPayer   = "WAITING_FOR_USER_ACTION"
	waitsForCapture = "WAITING_FOR_CAPTURE"
	succeeded       = "SUCCESS"
	failed          = "FAILED"
	pending         = "PENDING" // of captures and refunds
)

// How a payer was authenticated.
const bypassed, challenged, frictionless = "BYPASSED", "CHALLENGE", "FRICTIONLESS"

// charge is the money side of a session, which has one at most.
type charge struct {
	id, status, created, updated, paidAt string
	card                                 *card // nil until the payer has given it
	method                               string
	failure                              failure
	authorized, captured                 int64
	captures                             []capture
	retrieval, stan, acquirerID          string
}

// openCharge gives a session its charge.
func (s *Sim) openCharge(p *session) {
	at := now()
	random := s.deps.Random
	p.charge = charge{
		id: s.newID(), status: waitsForPayer, created: at, updated: at,
		retrieval: random.Alphanumeric(12), stan: random.Alphanumeric(6), acquirerID: random.Alphanumeric(15),
	}
	s.charges[p.charge.id] = p.id
}

// chargeCard decides what becomes of a session that has its card.
func (s *Sim) chargeCard(rec *shown.Record[session], paidBy card, o psp.Orders) {
	p := &rec.Live
	if p.charge.id == "" {
		s.openCharge(p)
	}
	p.charge.card, p.charge.method = &paidBy, p.authentication(paidBy.acts)
	switch {
	case o.Decline != psp.NoDecline:
		s.fail(p, orderedFailure(o.Decline), o.HideFor)
	case paidBy.acts.foreign && !p.billed:
		s.fail(p, declinedByChannel(), o.HideFor)
	case p.charge.method == challenged:
		p.status = needsAction
		p.touch()
		p.challenge = s.deps.Challenges.Open(func(passed bool) string { return s.decided(p.id, passed) })
	default:
		s.conclude(p, o.HideFor)
	}
}

// authentication is how the payer is authenticated, by what the request wants and what the card does.
func (p *session) authentication(acts behaviour) string {
	wanted := p.options.Card.ThreeDS
	switch {
	case acts.always:
		return challenged
	case wanted == threeDSNever:
		return bypassed
	case acts.challenge, wanted == threeDSChallenge && !acts.frictionless:
		return challenged
	}
	return frictionless
}

// conclude charges the card, which has the last word.
func (s *Sim) conclude(p *session, hideFor time.Duration) {
	if f := p.charge.card.acts.failure; f.code != "" {
		s.fail(p, f, hideFor)
		return
	}
	s.approve(p, hideFor)
}

// decided goes on when the payer has passed the challenge or failed it, and says where the payer goes next.
func (s *Sim) decided(id string, passed bool) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	rec, known := s.live(id)
	if !known {
		return ""
	}
	p := &rec.Live
	if p.status == needsAction { // an expired session stays so, whatever the payer does
		p.challenge = ""
		if passed {
			s.conclude(p, 0)
		} else {
			s.fail(p, notAuthenticated(), 0)
		}
	}
	return p.wayBack()
}

// wayBack is where a payer goes from here.
func (p *session) wayBack() string {
	switch p.status {
	case paid, processing:
		return p.redirect.Success
	case expired:
		return p.redirect.Expiration
	}
	return p.redirect.Failure
}

// approve holds the money of a manual session and takes that of an automatic one.
func (s *Sim) approve(p *session, hideFor time.Duration) {
	c := &p.charge
	c.authorized = p.amount
	p.challenge = ""
	if p.options.Card.Capture == captureManual {
		p.set(processing, waitsForCapture)
		s.book(p, ledger.Authorized)
		s.tell(eventProcessing, p, hideFor)
		return
	}
	c.captured = p.amount
	s.settle(p, hideFor)
}

// settle ends a charge of which all that is wanted is captured.
func (s *Sim) settle(p *session, hideFor time.Duration) {
	p.set(paid, succeeded)
	p.charge.paidAt = p.updated
	s.book(p, ledger.Captured)
	if p.save && p.ticked {
		s.store(p.customer, *p.charge.card)
	}
	s.tell(eventPaid, p, hideFor)
}

// fail ends a charge, and the session with it.
func (s *Sim) fail(p *session, f failure, hideFor time.Duration) {
	p.charge.failure = f
	p.challenge = ""
	reason := reasonFailed
	if f.risk {
		reason = reasonFraud
	}
	p.end(reason)
	p.set(cancelled, failed)
	s.book(p, ledger.Declined)
	s.tell(eventCancelled, p, hideFor)
}

// set changes the statuses of a session and of its charge.
func (p *session) set(status, chargeStatus string) {
	p.status, p.charge.status = status, chargeStatus
	p.touch()
	p.charge.updated = p.updated
}

// book writes the session's charge into the ledger.
func (s *Sim) book(p *session, state ledger.State) {
	refunded := p.refunded(succeeded)
	if state == ledger.Captured && refunded == p.charge.captured {
		state = ledger.Refunded
	}
	s.deps.Ledger.Put(ledger.Charge{
		PSP: name, ID: p.charge.id, Reference: p.reference, AmountMinor: p.amount, Currency: rupiah,
		State: state, CapturedMinor: p.charge.captured, RefundedMinor: refunded,
	})
}
