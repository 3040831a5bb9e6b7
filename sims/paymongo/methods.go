package paymongo

import (
	"encoding/json"
	"strings"
	"time"

	"switchyard/sims/psp"
	"switchyard/sims/testcard"
)

// method is a payment method: one card, once, unless it is saved.
type method struct {
	id       string
	card     testcard.Card
	acts     behaviour
	billing  json.RawMessage
	metadata map[string]string
	// hasCVC is lost when the card pays: a saved card needs its CVC again each time.
	hasCVC bool
	// savedBy is the customer with whom the card is saved; paid says that an unsaved card is used up.
	savedBy          string
	paid             bool
	created, updated int64
}

// methodInput is a request for a payment method after its card number has become facts.
type methodInput struct {
	made    method
	problem *psp.Answer
}

// readMethod checks a request for a payment method and drops the card's number and CVC.
func (s *Sim) readMethod(body []byte) any {
	var in struct {
		Type    string `json:"type"`
		Details struct {
			Number *string `json:"card_number"`
			Month  *int    `json:"exp_month"`
			Year   *int    `json:"exp_year"`
			CVC    *string `json:"cvc"`
		} `json:"details"`
		Billing  json.RawMessage   `json:"billing"`
		Metadata map[string]string `json:"metadata"`
	}
	fail := func(a psp.Answer) methodInput { return methodInput{problem: &a} }
	if bad, ok := parseAttributes(body, &in); !ok {
		return fail(bad)
	}
	card := in.Details
	switch {
	case in.Type == "":
		return fail(required("type"))
	case in.Type != "card":
		return fail(badParameter(codeInvalid, "type", "The simulated account takes the type card only."))
	case card.Number == nil:
		return fail(required("details.card_number"))
	case card.Month == nil:
		return fail(required("details.exp_month"))
	case card.Year == nil:
		return fail(required("details.exp_year"))
	case card.CVC == nil:
		return fail(required("details.cvc"))
	case !testcard.Valid(*card.Number) && *card.Number != publishedTypo:
		return fail(badParameter(codeFormat, "details.card_number", "details.card_number format is invalid."))
	case *card.Month < 1 || *card.Month > 12:
		return fail(badParameter(codeInvalid, "details.exp_month", "details.exp_month must be between 1 and 12."))
	case !goodCVC(*card.CVC):
		return fail(badParameter(codeFormat, "details.cvc", "details.cvc format is invalid."))
	}
	year := *card.Year
	if year < 100 {
		year += 2000
	}
	now := time.Now()
	if testcard.Expired(*card.Month, year, now) {
		return fail(badParameter(codeInvalid, "details.exp_month", "The card is already expired."))
	}
	m := method{
		card: testcard.Describe(*card.Number, s.cardKey), acts: behaviourOf(*card.Number), hasCVC: true,
		billing: in.Billing, metadata: in.Metadata, created: now.Unix(), updated: now.Unix(),
	}
	m.card.ExpMonth, m.card.ExpYear = *card.Month, year
	return methodInput{made: m}
}

func goodCVC(cvc string) bool {
	return (len(cvc) == 3 || len(cvc) == 4) && strings.Trim(cvc, "0123456789") == ""
}

func (s *Sim) createMethod(r *psp.Request, _ []string, _ psp.Orders) psp.Answer {
	in := r.Decoded.(methodInput)
	if in.problem != nil {
		return *in.problem
	}
	m := in.made
	m.id = s.newID("pm_")
	s.methods[m.id] = &m
	return answer(m.resource())
}

func (s *Sim) getMethod(_ *psp.Request, ids []string, _ psp.Orders) psp.Answer {
	m, known := s.methods[ids[0]]
	if !known {
		return notFound("payment_method", ids[0])
	}
	return answer(m.resource())
}

// updateMethod takes a CVC, at the top level of the attributes, and billing and metadata: the card cannot change. A CVC among
// details is passed over like them: that it is taken there is not known.
func (s *Sim) updateMethod(r *psp.Request, ids []string, _ psp.Orders) psp.Answer {
	m, known := s.methods[ids[0]]
	if !known {
		return notFound("payment_method", ids[0])
	}
	var in struct {
		CVC      *string           `json:"cvc"`
		Billing  json.RawMessage   `json:"billing"`
		Metadata map[string]string `json:"metadata"`
	}
	if bad, ok := attributes(r, &in); !ok {
		return bad
	}
	if in.CVC != nil {
		if !goodCVC(*in.CVC) {
			return badParameter(codeFormat, "cvc", "cvc format is invalid.")
		}
		m.hasCVC = true
	}
	if in.Billing != nil {
		m.billing = in.Billing
	}
	if in.Metadata != nil {
		m.metadata = in.Metadata
	}
	m.updated = time.Now().Unix()
	return answer(m.resource())
}

func (m *method) resource() psp.Object {
	var billing any
	if len(m.billing) > 0 {
		billing = m.billing
	}
	return resource(m.id, "payment_method", psp.Object{
		"type": "card", "billing": billing, "livemode": false, "metadata": metadataOrNull(m.metadata),
		"details":    psp.Object{"last4": m.card.Last4, "exp_month": m.card.ExpMonth, "exp_year": m.card.ExpYear},
		"created_at": m.created, "updated_at": m.updated,
	})
}
