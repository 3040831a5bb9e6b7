package processout

import (
	"switchyard/sims/ledger"
	"switchyard/sims/psp"
	"switchyard/sims/shown"
)

// try is one try to charge an invoice.
type try struct {
	// source is as the caller gave it, card what it comes down to.
	source, card, token string
	// sale takes the money at once, and of it `take` minor units.
	sale bool
	take int64
	// verifies is the token that the try is to prove.
	verifies string
	// keepsHold leaves the hold of a verification to the merchant.
	keepsHold, incremental bool
	// takesSteps says that the payer's client can do the steps of 3-D Secure 2.
	takesSteps bool
}

func (s *Sim) authorize(r *psp.Request, ids []string, o psp.Orders) psp.Answer {
	return s.pay(r, ids[0], false, o)
}

// capture takes a hold, or, with a source, sells in one step.
func (s *Sim) capture(r *psp.Request, ids []string, o psp.Orders) psp.Answer {
	if input(r).text("source") == "" {
		return s.captureHold(r, ids[0], o)
	}
	return s.pay(r, ids[0], !input(r).flag("authorize_only"), o)
}

// pay charges an invoice with a source, or goes on with a payment whose payer has taken a step.
func (s *Sim) pay(r *psp.Request, id string, sale bool, o psp.Orders) psp.Answer {
	rec, known := s.live(id)
	if !known {
		return notFound("invoice")
	}
	iv := &rec.Live
	t := readTry(input(r), iv, sale)
	switch {
	case t.source == "":
		return invalid(codeMissingSource, "The source is missing.")
	case resumed(t.source) && iv.tx.step.repeats:
	case resumed(t.source), iv.tx.resumable && t.source == iv.tx.source:
		return s.resume(rec)
	case !iv.open():
		return invalid(codeValidation, "The invoice is "+iv.tx.status+".")
	default:
		if bad := s.resolve(&t, iv); bad != nil {
			return *bad
		}
	}
	if bad := t.readPart(input(r), iv); bad != nil {
		return *bad
	}
	action, code, bad := s.tryOrBring(rec, t, o)
	switch {
	case bad != nil:
		return *bad
	case code != "":
		return declined(code)
	}
	answer := s.paid(rec, action)
	s.endVerification(iv, o)
	return answer
}

// readTry reads how an invoice is to be charged.
func readTry(in fields, iv *invoice, sale bool) try {
	return try{
		source: in.text("source"), sale: sale && !iv.verification, take: iv.amount,
		incremental: in.flag("incremental"), takesSteps: in.flag("enable_three_d_s_2"),
	}
}

// readPart reads how much a sale takes, if that is not all. When it cannot, the answer says why.
func (t *try) readPart(in fields, iv *invoice) *psp.Answer {
	text := in.text("capture_amount")
	if text == "" || !t.sale {
		return nil
	}
	var bad *psp.Answer
	if t.take, bad = readAmount(text, iv.currency); bad != nil {
		return bad
	}
	if t.take == 0 || t.take > iv.amount {
		exceeded := invalid(codeAmount, "The amount is not within the invoice's.")
		return &exceeded
	}
	return nil
}

// paid is the answer to what was not declined.
func (s *Sim) paid(rec *shown.Record[invoice], action psp.Object) psp.Answer {
	if action != nil {
		return success("customer_action", action)
	}
	return success("transaction", s.transactionResource(&rec.Live, expansions{"operations"}))
}

// resolve finds the card behind a source. When it cannot, the answer says why.
func (s *Sim) resolve(t *try, iv *invoice) *psp.Answer {
	fail := func(a psp.Answer) *psp.Answer { return &a }
	source := t.source
	if c, known := s.customers[source]; known { // a customer pays with its default token
		source = c.defaultToken
	}
	if rec, known := s.tokens[source]; known {
		tok := &rec.Live
		if !tok.chargeable() || iv.customer != "" && iv.customer != tok.customer {
			return fail(invalid(codeSource, "The token cannot be charged."))
		}
		if iv.customer == "" {
			iv.customer = tok.customer
		}
		t.card, t.token = tok.card, tok.id
	} else {
		t.card = source
		if c, known := s.cards[source]; known && c.used {
			return fail(invalid(codeCardUsed, "The card was already used."))
		}
	}
	if s.cards[t.card] == nil {
		return fail(invalid(codeSource, "The source is invalid."))
	}
	return nil
}

// tryOrBring charges an invoice, or brings it the result of the payer's step. The answer, if there is one, refuses the result.
func (s *Sim) tryOrBring(rec *shown.Record[invoice], t try, o psp.Orders) (action psp.Object, code string, bad *psp.Answer) {
	if resumed(t.source) {
		return s.bring(rec, t, o)
	}
	rec.Freeze(rec.Live, o.HideFor)
	action, code = s.attempt(rec, t, o)
	return action, code, nil
}

// attempt charges an invoice. It returns what the payer has to do first, or the code of a decline, or neither.
func (s *Sim) attempt(rec *shown.Record[invoice], t try, o psp.Orders) (action psp.Object, code string) {
	iv := &rec.Live
	c := s.cards[t.card]
	code = c.fate(t, iv)
	c.uses++
	if o.Decline != psp.NoDecline {
		code = orderedDecline(o.Decline)
	}
	iv.tx.begin(t)
	switch {
	case code != "":
		s.decline(iv, t, code, o)
	case c.acts.fingerprint && t.takesSteps && !iv.merchantInitiated:
		return s.askDevice(iv, t, c.acts), ""
	case c.acts.challenge != "" && !iv.merchantInitiated:
		return s.askPayer(iv, t, step{kind: c.acts.challenge}), ""
	default:
		s.approve(iv, t, o)
	}
	return nil, code
}

// orderedDecline is the code of a decline that a fault has ordered.
func orderedDecline(d psp.Decline) string {
	if d == psp.HardDecline {
		return "card.stolen"
	}
	return "card.declined"
}

// fate is the code with which the card declines the try, or "".
func (c *card) fate(t try, iv *invoice) string {
	switch {
	case c.acts.decline != "":
		return c.acts.decline
	case c.acts.afterwards != "" && c.uses > 0:
		return c.acts.afterwards
	case c.acts.failsPayments && t.verifies == "" && !iv.verification:
		return "card.declined"
	case c.acts.challenge != "" && iv.merchantInitiated && !c.acts.unlessMIT:
		return "card.needs-authentication"
	}
	return ""
}

func (s *Sim) approve(iv *invoice, t try, o psp.Orders) {
	if c, known := s.cards[t.card]; known {
		c.used = true
	}
	tx := &iv.tx
	tx.status, tx.authorized, tx.authorizedAt = txAuthorized, iv.amount, now()
	tx.incremental = t.incremental
	tx.schemeID = s.deps.Random.Alphanumeric(15)
	s.record(iv, "authorization", iv.amount, "")
	s.book(iv, ledger.Authorized)
	if t.sale {
		s.settle(iv, t.take, o)
	} else {
		s.tellTransaction("transaction.authorized", iv, o)
	}
	if t.verifies != "" {
		s.concludeToken(t.verifies, "", o)
	}
}

// endVerification gives back what a verification holds, unless that is left to the merchant.
func (s *Sim) endVerification(iv *invoice, o psp.Orders) {
	if iv.tx.status == txAuthorized && iv.verifies() {
		s.release(iv, iv.held(), o)
	}
}

func (s *Sim) decline(iv *invoice, t try, code string, o psp.Orders) {
	tx := &iv.tx
	tx.status, tx.errorCode = txFailed, code
	if c, known := s.cards[t.card]; known {
		tx.advice = c.acts.advice
	}
	failed := s.record(iv, "authorization", iv.amount, code)
	s.deps.Ledger.Put(ledger.Charge{
		PSP: name, ID: failed, Reference: iv.ledgerReference(), AmountMinor: iv.amount, Currency: iv.currency,
		State: ledger.Declined, Verification: iv.verifies(),
	})
	s.tellTransaction("transaction.failed", iv, o)
	if t.verifies != "" {
		s.concludeToken(t.verifies, code, o)
	}
}
