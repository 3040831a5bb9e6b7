package processout

import (
	"encoding/base64"
	"net/url"
	"strings"

	"switchyard/sims/ledger"
	"switchyard/sims/psp"
	"switchyard/sims/shown"
)

// resumePrefix begins the source with which a client comes back from a challenge.
const resumePrefix = "gway_req_"

func resumed(source string) bool { return strings.HasPrefix(source, resumePrefix) }

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

// pay charges an invoice with a source.
func (s *Sim) pay(r *psp.Request, id string, sale bool, o psp.Orders) psp.Answer {
	rec, known := s.live(id)
	if !known {
		return notFound("invoice")
	}
	in := input(r)
	iv := &rec.Live
	source := in.text("source")
	if source == "" {
		return invalid(codeMissingSource, "The source is missing.")
	}
	if resumed(source) || iv.tx.resumable && source == iv.tx.source {
		return s.resume(rec)
	}
	if !iv.open() {
		return invalid(codeValidation, "The invoice is "+iv.tx.status+".")
	}
	t := try{source: source, sale: sale && !iv.verification, take: iv.amount, incremental: in.flag("incremental")}
	if bad := s.resolve(&t, iv); bad != nil {
		return *bad
	}
	if text := in.text("capture_amount"); text != "" && t.sale {
		var bad *psp.Answer
		if t.take, bad = readAmount(text, iv.currency); bad != nil {
			return *bad
		}
		if t.take == 0 || t.take > iv.amount {
			return invalid(codeAmount, "The amount is not within the invoice's.")
		}
	}
	rec.Freeze(*iv, o.HideFor)
	action, code := s.attempt(rec, t, o)
	if code != "" {
		return declined(code)
	}
	answer := s.paid(rec, action)
	s.endVerification(iv, o)
	return answer
}

// paid is the answer to what was not declined.
func (s *Sim) paid(rec *shown.Record[invoice], action string) psp.Answer {
	iv := &rec.Live
	if action != "" {
		return success("customer_action", customerAction(s.cards[iv.tx.card], action))
	}
	return success("transaction", s.transactionResource(iv, expansions{"operations"}))
}

// resume answers a payer's client that is back from a challenge.
func (s *Sim) resume(rec *shown.Record[invoice]) psp.Answer {
	iv := &rec.Live
	switch {
	case iv.tx.pending != nil:
		return s.paid(rec, iv.tx.challengeURL)
	case !iv.tx.resumable:
		return invalid(codeSource, "The source is invalid.")
	}
	iv.tx.resumable = false
	if iv.tx.status == txFailed {
		return declined(iv.tx.errorCode)
	}
	return s.paid(rec, "")
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

// attempt charges an invoice. It returns what the payer has to do first, or the code of a decline, or neither.
func (s *Sim) attempt(rec *shown.Record[invoice], t try, o psp.Orders) (action, code string) {
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
	case c.acts.challenge != "" && !iv.merchantInitiated:
		iv.tx.pending = &t
		iv.tx.challengeURL = s.deps.Challenges.Open(func(passed bool) string { return s.challenged(iv.id, passed) })
		return iv.tx.challengeURL, ""
	default:
		s.approve(iv, t, o)
	}
	return "", code
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

// challenged goes on when the payer has passed the challenge or failed it, and says where the payer goes next.
func (s *Sim) challenged(id string, passed bool) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	rec, known := s.live(id)
	if !known { // fenced meanwhile
		return ""
	}
	iv := &rec.Live
	t := iv.tx.pending
	if t == nil {
		return ""
	}
	iv.tx.pending, iv.tx.challengeURL, iv.tx.resumable = nil, "", true
	if passed {
		s.approve(iv, *t, psp.Orders{})
		s.endVerification(iv, psp.Orders{})
	} else {
		s.decline(iv, *t, "card.failed-3ds", psp.Orders{})
	}
	u, err := url.Parse(iv.returnURL)
	if err != nil || iv.returnURL == "" {
		return ""
	}
	query := u.Query()
	query.Set("token", resumePrefix+base64.RawURLEncoding.EncodeToString([]byte(`{"url":"`+s.deps.BaseURL+`"}`)))
	u.RawQuery = query.Encode()
	return u.String()
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

func customerAction(c *card, address string) psp.Object {
	kind := actionRedirect
	if c != nil && c.acts.challenge != "" {
		kind = c.acts.challenge
	}
	return psp.Object{"type": kind, "value": address, "metadata": psp.Object{}}
}
