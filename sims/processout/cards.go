package processout

import (
	"strconv"
	"strings"

	"switchyard/sims/psp"
	"switchyard/sims/testcard"
)

// card is a card without its number and CVC. It can be used once: for a payment, or for a token.
type card struct {
	testcard.Card
	id, holder string
	acts       behaviour
	hasCVC     bool
	used       bool
	uses       int // payments and verifications tried
	metadata   map[string]string
	created    string
}

// cardInput is a request for a card after its number has become facts.
type cardInput struct {
	made    card
	problem *psp.Answer
}

// readCard checks a request for a card and drops its number and CVC.
func (s *Sim) readCard(body []byte) any {
	read, ok := readFields(body).(decoded)
	if !ok {
		return nil
	}
	if read.problem != nil {
		return cardInput{problem: read.problem}
	}
	fail := func(code, message string) any {
		bad := invalid(code, message)
		return cardInput{problem: &bad}
	}
	in := read.fields
	number := strings.ReplaceAll(in.text("number"), " ", "")
	month, monthErr := strconv.Atoi(in.text("exp_month"))
	year, yearErr := strconv.Atoi(in.text("exp_year"))
	cvc := in.text("cvc2")
	switch {
	case number == "":
		return fail("card.missing-number", "The card's number is missing.")
	case !testcard.Valid(number):
		return fail("card.invalid-number", "The card's number is invalid.")
	case monthErr != nil || month < 1 || month > 12:
		return fail("card.invalid-expiry-month", "The card's expiry month is invalid.")
	case yearErr != nil || year < 0:
		return fail("card.invalid-expiry-year", "The card's expiry year is invalid.")
	case !goodCVC(cvc):
		return fail("card.invalid-cvc", "The card's CVC is invalid.")
	}
	if year < 100 {
		year += 2000
	}
	c := card{
		Card: testcard.Describe(number, s.cardKey), holder: in.text("name"), acts: behaviourOf(number),
		hasCVC: cvc != "", metadata: in.texts("metadata"),
	}
	c.ExpMonth, c.ExpYear = month, year // the sandbox does not look at them
	return cardInput{made: c}
}

func (s *Sim) createCard(r *psp.Request, _ []string, _ psp.Orders) psp.Answer {
	in := r.Decoded.(cardInput)
	if in.problem != nil {
		return *in.problem
	}
	c := in.made
	c.id, c.created = s.newID("card_"), now()
	s.cards[c.id] = &c
	return success("card", c.resource())
}

// goodCVC lets an absent one pass.
func goodCVC(cvc string) bool {
	return cvc == "" || (len(cvc) == 3 || len(cvc) == 4) && strings.Trim(cvc, "0123456789") == ""
}

func (s *Sim) getCard(_ *psp.Request, ids []string, _ psp.Orders) psp.Answer {
	c, known := s.cards[ids[0]]
	if !known {
		return notFound("card")
	}
	return success("card", c.resource())
}

// updateCard takes a new CVC, under either of its names.
func (s *Sim) updateCard(r *psp.Request, ids []string, _ psp.Orders) psp.Answer {
	c, known := s.cards[ids[0]]
	if !known {
		return notFound("card")
	}
	in := input(r)
	cvc := in.text("cvc2") + in.text("cvc")
	if !goodCVC(cvc) {
		return invalid("card.invalid-cvc", "The card's CVC is invalid.")
	}
	c.hasCVC = c.hasCVC || cvc != ""
	return success("card", c.resource())
}

func (s *Sim) deleteCard(_ *psp.Request, ids []string, _ psp.Orders) psp.Answer {
	if _, known := s.cards[ids[0]]; !known {
		return notFound("card")
	}
	delete(s.cards, ids[0])
	return success("", nil)
}

// checks are the results of the CVC and address checks.
func (c *card) checks() (cvc, avs string) {
	cvc, avs = "unchecked", "unavailable"
	if c.hasCVC {
		cvc = "passed"
	}
	if c.acts.failsCVC {
		cvc = "failed"
	}
	if c.acts.failsAVS != "" {
		avs = c.acts.failsAVS
	}
	return cvc, avs
}

func (c *card) resource() psp.Object {
	cvc, avs := c.checks()
	return psp.Object{
		"id": c.id, "project_id": nil, "scheme": string(c.Brand), "co_scheme": nil, "preferred_scheme": nil,
		"type": "credit", "bank_name": "Simulated Bank", "brand": nil, "category": "consumer", "iin": c.First6,
		"last_4_digits": c.Last4, "exp_month": c.ExpMonth, "exp_year": c.ExpYear, "cvc_check": cvc, "avs_check": avs,
		"name": orNull(c.holder), "fingerprint": c.Fingerprint, "token_type": nil, "used": c.used,
		"has_been_authorized": c.uses > 0, "metadata": orEmpty(c.metadata), "expires_soon": false, "sandbox": true,
		"created_at": c.created,
	}
}
