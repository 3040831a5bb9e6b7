package paymongo

import (
	"net/url"
	"slices"
	"time"

	"switchyard/sims/ledger"
	"switchyard/sims/psp"
	"switchyard/sims/shown"
)

// attach charges an intent with a payment method: the one call that does.
func (s *Sim) attach(r *psp.Request, ids []string, o psp.Orders) psp.Answer {
	rec, known := s.intents[ids[0]]
	if !known {
		return notFound("payment_intent", ids[0])
	}
	var in struct {
		Method    string `json:"payment_method"`
		ReturnURL string `json:"return_url"`
	}
	if bad, ok := attributes(r, &in); !ok {
		return bad
	}
	pi := &rec.Live
	m := s.methods[in.Method]
	switch {
	case in.Method == "":
		return required("payment_method")
	case m == nil:
		return notFound("payment_method", in.Method)
	case pi.status != statusAwaitingMethod:
		return wrongState(pi.status)
	case !slices.Contains(pi.allowed, "card"):
		return badParameter("payment_method_not_allowed", "payment_method", "The payment method type card is not allowed.")
	case m.paid && m.savedBy == "":
		return badParameter(codeInvalid, "payment_method", "The payment method was already used for a payment.")
	case !m.hasCVC:
		// On-session cards need the payer's CVC, written to the payment method before each charge. What an attach without
		// it is told is not documented: a missing attribute is told so, and the CVC is one of the payment method (pointer
		// "cvc", as in the update's own errors).
		return badParameter(codeRequired, "cvc", "cvc is required.")
	case m.acts.challenge && in.ReturnURL == "":
		return required("return_url")
	}
	if m.savedBy != "" {
		m.hasCVC = false // for one try, whatever comes of it (inferred: a CVC is not kept after it was sent to the bank)
	}
	pi.returnURL = in.ReturnURL
	return s.charge(rec, m, o)
}

func (s *Sim) charge(rec *shown.Record[intent], m *method, o psp.Orders) psp.Answer {
	rec.Freeze(rec.Live.clone(), o.HideFor)
	pi := &rec.Live
	pi.method = m.id
	subCode := m.acts.decline
	if o.Decline != psp.NoDecline {
		subCode = orderedDecline(o.Decline)
	}
	switch {
	case subCode != "":
		s.decline(pi, subCode, o.HideFor)
		return failedState(subCode, declineText(subCode))
	case m.acts.challenge:
		pi.status = statusAwaitingAction
		pi.touch()
		pi.challengeURL = s.deps.Challenges.Open(func(passed bool) string { return s.challenged(pi.id, passed) })
	default:
		s.approve(pi, m, o.HideFor)
	}
	return answer(pi.resource())
}

// orderedDecline is the reason of a decline that a fault has ordered.
func orderedDecline(d psp.Decline) string {
	if d == psp.HardDecline {
		return "stolen_card"
	}
	return "generic_decline"
}

// challenged goes on when the payer has passed the challenge or failed it, and says where the payer goes next.
func (s *Sim) challenged(id string, passed bool) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	rec, known := s.intents[id]
	if !known {
		return ""
	}
	pi := &rec.Live
	m := s.methods[pi.method]
	if pi.status == statusAwaitingAction { // a cancelled intent stays so, whatever the payer does
		switch {
		case m == nil || !passed:
			s.decline(pi, "authentication_error", 0)
		case m.acts.declineAfter != "":
			s.decline(pi, m.acts.declineAfter, 0)
		default:
			s.approve(pi, m, 0)
		}
	}
	return backTo(pi.returnURL, pi.id)
}

// backTo is the payer's way back, with the intent's id as PayMongo appends it.
func backTo(returnURL, id string) string {
	u, err := url.Parse(returnURL)
	if err != nil || returnURL == "" {
		return ""
	}
	query := u.Query()
	query.Set("payment_intent_id", id)
	u.RawQuery = query.Encode()
	return u.String()
}

// approve takes the money of an automatic intent, and holds it for a manual one.
func (s *Sim) approve(pi *intent, m *method, hideFor time.Duration) {
	pi.charge = s.newID("pay_")
	pi.lastError, pi.challengeURL = nil, ""
	m.paid, m.hasCVC = true, false
	s.save(pi, m)
	if pi.captureType == captureManual {
		pi.status = statusAwaitingCapture
		pi.touch()
		s.book(pi, ledger.Authorized, 0, 0)
		return // PayMongo has no event for it
	}
	s.settle(pi, pi.amount, hideFor)
}

// save leaves the payment method with the customer that the intent names. It is called once the money is taken or, as is inferred
// from the documents, held; a card that is declined after the payer's authentication is never saved.
func (s *Sim) save(pi *intent, m *method) {
	c, known := s.customers[pi.saveFor]
	if !known || m.savedBy != "" {
		return
	}
	m.savedBy = c.id
	c.saved = append(c.saved, savedMethod{id: s.newID("cus_pm_"), method: m.id, created: time.Now().Unix()})
}

// settle takes the money that is captured, at once or from a hold.
func (s *Sim) settle(pi *intent, amount int64, hideFor time.Duration) {
	p := s.newPayment(pi, pi.charge, amount)
	p.status, p.paidAt = paymentPaid, p.created
	pi.payments = append(slices.Clip(pi.payments), p)
	pi.status = statusSucceeded
	pi.touch()
	s.payments[p.id] = pi.id
	s.paymentOrder = append(s.paymentOrder, p.id)
	s.book(pi, ledger.Captured, amount, 0)
	s.tell(pi, p, eventPaid, hideFor)
}

// decline leaves the intent waiting for another payment method, with a failed payment. m is nil if the card was
// deleted meanwhile.
func (s *Sim) decline(pi *intent, subCode string, hideFor time.Duration) {
	p := s.newPayment(pi, s.newID("pay_"), pi.amount)
	p.status, p.failedCode = paymentFailed, subCode
	pi.payments = append(slices.Clip(pi.payments), p)
	pi.status, pi.challengeURL = statusAwaitingMethod, ""
	pi.lastError = psp.Object{
		"payment": p.id, "failed_code": subCode, "failed_message": declineText(subCode), "payment_method": pi.method,
	}
	pi.touch()
	s.payments[p.id] = pi.id
	s.paymentOrder = append(s.paymentOrder, p.id)
	s.deps.Ledger.Put(ledger.Charge{
		PSP: name, ID: p.id, Reference: pi.metadata["reference"], AmountMinor: pi.amount, Currency: "PHP", State: ledger.Declined,
	})
	s.tell(pi, p, eventFailed, hideFor)
}
