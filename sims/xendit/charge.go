package xendit

import (
	"net/url"
	"slices"
	"time"

	"switchyard/sims/currency"
	"switchyard/sims/ledger"
	"switchyard/sims/psp"
	"switchyard/sims/shown"
)

// charge decides what becomes of a new request.
func (s *Sim) charge(rec *shown.Record[request], o psp.Orders) {
	rq := &rec.Live
	failure := rq.fate()
	if o.Decline != psp.NoDecline {
		failure = orderedFailure(o.Decline)
	}
	switch {
	case failure != "":
		s.fail(rq, failure, o.HideFor)
	case rq.asksPayer():
		rq.status = statusRequiresAction
		rq.challengeURL = s.deps.Challenges.Open(func(passed bool) string { return s.challenged(rq.id, passed) })
	default:
		s.approve(rq, o.HideFor)
	}
}

// orderedFailure is the code of a decline that a fault has ordered.
func orderedFailure(d psp.Decline) string {
	if d == psp.HardDecline {
		return failStolen
	}
	return failDeclined
}

// fate is the failure that the card or the amount has chosen, or "".
func (rq *request) fate() string {
	switch {
	case rq.card.acts.failure != "":
		return rq.card.acts.failure
	case rq.currency == "IDR" && (rq.amount < minRupiah || rq.amount > maxRupiah):
		return failLimits
	case rq.card.acts.always && rq.props.merchantInitiated():
		return failAuthentic // there is nobody to ask
	}
	return failureByAmount(currency.Format(rq.amount, exponentOf(rq.currency)), rq.currency)
}

func (rq *request) asksPayer() bool {
	acts := rq.card.acts
	switch {
	case acts.always:
		return true
	case rq.props.SkipThreeD || rq.props.merchantInitiated():
		return false
	case acts.thai && rq.currency == "THB" && rq.amount < freeBaht:
		return false
	}
	return acts.challenge
}

// challenged goes on when the payer has passed the challenge or failed it, and says where the payer goes next.
func (s *Sim) challenged(id string, passed bool) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	rec, known := s.requests[id]
	if !known {
		return ""
	}
	rq := &rec.Live
	page, onPage := s.liveSession(rq.page)
	if rq.status == statusRequiresAction { // a canceled request stays so, whatever the payer does
		if passed {
			s.approve(rq, 0)
		} else {
			s.fail(rq, failAuthentic, 0)
		}
	}
	if onPage {
		return s.backOnPage(&page.Live, rq)
	}
	if rq.status == statusFailed || rq.status == statusCanceled {
		return webAddress(rq.props.FailureURL)
	}
	return webAddress(rq.props.SuccessURL)
}

// webAddress is the text if a browser can go there, else "".
func webAddress(text string) string {
	if u, err := url.Parse(text); err != nil || u.Host == "" {
		return ""
	}
	return text
}

// approve holds the money of a manual request and takes that of an automatic one.
func (s *Sim) approve(rq *request, hideFor time.Duration) {
	s.openPayment(rq)
	s.save(rq, hideFor)
	if rq.capture == captureManual {
		rq.set(statusAuthorized)
		s.book(rq, ledger.Authorized)
		s.tellPayment(rq, eventAuthorization, hideFor)
		return
	}
	s.settle(rq, rq.amount, hideFor)
}

// settle takes the money, at once or from a hold.
func (s *Sim) settle(rq *request, amount int64, hideFor time.Duration) {
	rq.set(statusSucceeded)
	rq.payment.captures = append(slices.Clip(rq.payment.captures), capture{id: s.newID("cap-"), amount: amount, at: rq.updated})
	s.book(rq, ledger.Captured)
	s.tellPayment(rq, eventCapture, hideFor)
}

func (s *Sim) fail(rq *request, failure string, hideFor time.Duration) {
	s.openPayment(rq)
	rq.failure = failure
	rq.set(statusFailed)
	s.book(rq, ledger.Declined)
	s.tellPayment(rq, eventFailure, hideFor)
}

func (s *Sim) openPayment(rq *request) {
	at := now()
	rq.payment = payment{
		id: s.newID("py-"), transaction: s.newID("txn_"), created: at,
		approval: s.deps.Random.Alphanumeric(6), networkID: s.deps.Random.Alphanumeric(15),
	}
	rq.challengeURL = ""
	s.payments[rq.payment.id] = rq.id
}

// save keeps the card of a request that pays and saves.
func (s *Sim) save(rq *request, hideFor time.Duration) {
	if rq.kind != typePayAndSave || rq.token != "" {
		return
	}
	t := &token{
		id: s.newID("pt-"), reference: rq.reference, country: rq.country, currency: rq.currency,
		customer: rq.customer, card: rq.card, status: tokenActive, created: now(), updated: now(),
	}
	s.tokens[t.id] = t
	rq.token = t.id
	s.tellToken(t, eventActivation, hideFor)
}

func (rq *request) set(status string) { rq.status, rq.updated = status, now() }

// book writes the request's charge into the ledger, under the reference that the merchant has given.
func (s *Sim) book(rq *request, state ledger.State) {
	reference := rq.reference
	if page, onPage := s.sessions[rq.page]; onPage {
		reference = page.Live.in.Reference
	}
	captured, refunded := rq.captured(), rq.refunded()
	if state == ledger.Captured && captured == refunded {
		state = ledger.Refunded
	}
	s.deps.Ledger.Put(ledger.Charge{
		PSP: name, ID: rq.payment.id, Reference: reference, AmountMinor: rq.amount, Currency: rq.currency,
		State: state, CapturedMinor: captured, RefundedMinor: refunded,
	})
}

func (rq *request) captured() int64 {
	var sum int64
	for _, c := range rq.payment.captures {
		sum += c.amount
	}
	return sum
}

func (rq *request) refunded() int64 {
	var sum int64
	for _, r := range rq.refunds {
		if r.failure == "" {
			sum += r.amount
		}
	}
	return sum
}
