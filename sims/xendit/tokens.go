package xendit

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"switchyard/sims/psp"
)

// The statuses of a payment token.
const (
	tokenActive         = "ACTIVE"
	tokenRequiresAction = "REQUIRES_ACTION"
	tokenFailed         = "FAILED"
	tokenCanceled       = "CANCELED"
	tokenExpired        = "EXPIRED"
)

// token is a card that can be charged again.
type token struct {
	id, reference, country, currency, customer string
	card                                       card
	props                                      properties
	status, failure, challengeURL              string
	page                                       string // the session's id when it was made there
	created, updated                           string
}

// tokenInput is a request for a token after its card number has become facts.
type tokenInput struct {
	Reference string `json:"reference_id"`
	Country   string `json:"country"`
	Currency  string `json:"currency"`
	Channel   string `json:"channel_code"`
	Customer  string `json:"customer_id"`
	Props     struct {
		properties
		Card json.RawMessage `json:"card_details"`
	} `json:"channel_properties"`

	card    *card
	problem *psp.Answer
}

// readToken checks a request for a token and drops the card's number and CVN.
func (s *Sim) readToken(body []byte) any {
	in := &tokenInput{}
	fail := func(a psp.Answer) any {
		in.problem = &a
		return in
	}
	if bad, ok := decode(body, in); !ok {
		return fail(bad)
	}
	switch {
	case in.Reference == "":
		return fail(invalid("reference_id is required"))
	case !slices.Contains(countries(), in.Country):
		return fail(wrongValue(codeValue, "country "+in.Country+" is not supported"))
	case !slices.Contains(currencies(), in.Currency):
		return fail(wrongValue(codeValue, "currency "+in.Currency+" is not supported"))
	case in.Channel != channelCards:
		return fail(invalid("channel_code must be CARDS, the one channel of the simulated account"))
	case len(in.Props.Card) == 0:
		return fail(invalid("channel_properties.card_details is required"))
	}
	in.card, in.problem = s.readCard(in.Props.Card)
	in.Props.Card = nil
	return in
}

func (s *Sim) createToken(r *psp.Request, _ []string, o psp.Orders) psp.Answer {
	in := r.Decoded.(*tokenInput)
	if in.problem != nil {
		return *in.problem
	}
	at := now()
	t := &token{
		id: s.newID("pt-"), reference: in.Reference, country: in.Country, currency: in.Currency, customer: in.Customer,
		card: *in.card, props: in.Props.properties, created: at, updated: at,
	}
	s.openToken(t, o)
	return psp.JSON(http.StatusCreated, t.resource())
}

// openToken decides what becomes of a new token.
func (s *Sim) openToken(t *token, o psp.Orders) {
	s.tokens[t.id] = t
	acts := t.card.acts
	switch {
	case o.Decline != psp.NoDecline:
		s.endToken(t, tokenFailed, orderedFailure(o.Decline), o.HideFor)
	case acts.failure != "":
		s.endToken(t, tokenFailed, acts.failure, o.HideFor)
	case acts.always || acts.challenge && !t.props.SkipThreeD:
		t.status = tokenRequiresAction
		t.challengeURL = s.deps.Challenges.Open(func(passed bool) string { return s.tokenChallenged(t.id, passed) })
	default:
		s.endToken(t, tokenActive, "", o.HideFor)
	}
}

func (s *Sim) endToken(t *token, status, failure string, hideFor time.Duration) {
	t.status, t.failure, t.challengeURL, t.updated = status, failure, "", now()
	event := eventActivation
	if status == tokenFailed {
		event = eventTokenFailure
	}
	s.tellToken(t, event, hideFor)
}

func (s *Sim) tokenChallenged(id string, passed bool) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, known := s.tokens[id]
	if !known {
		return ""
	}
	page, onPage := s.liveSession(t.page)
	if t.status == tokenRequiresAction {
		if passed {
			s.endToken(t, tokenActive, "", 0)
		} else {
			s.endToken(t, tokenFailed, failAuthentic, 0)
		}
	}
	if onPage {
		return s.savedOnPage(&page.Live, t)
	}
	if t.status == tokenActive {
		return webAddress(t.props.SuccessURL)
	}
	return webAddress(t.props.FailureURL)
}

func (s *Sim) getToken(_ *psp.Request, ids []string, _ psp.Orders) psp.Answer {
	t, known := s.tokens[ids[0]]
	if !known {
		return notFound("Payment token")
	}
	return psp.JSON(http.StatusOK, t.resource())
}

// cancelToken ends a token; one that is over already stays as it is.
func (s *Sim) cancelToken(_ *psp.Request, ids []string, _ psp.Orders) psp.Answer {
	t, known := s.tokens[ids[0]]
	switch {
	case !known:
		return notFound("Payment token")
	case t.status == tokenFailed:
		return problem(http.StatusBadRequest, "INVALID_TOKEN", "The payment token is "+t.status)
	}
	t.status, t.updated = tokenCanceled, now()
	return psp.JSON(http.StatusOK, t.resource())
}

func (t *token) resource() psp.Object {
	actions := []psp.Object{}
	if t.status == tokenRequiresAction {
		actions = append(actions, psp.Object{"type": "REDIRECT_CUSTOMER", "descriptor": "WEB_URL", "value": t.challengeURL})
	}
	out := psp.Object{
		"business_id": businessID, "payment_token_id": t.id, "reference_id": t.reference, "country": t.country,
		"currency": t.currency, "channel_code": channelCards, "status": t.status, "actions": actions,
		"channel_properties": struct {
			properties
			Card psp.Object `json:"card_details"`
		}{t.props, t.card.details()},
		"created": t.created, "updated": t.updated,
	}
	for field, value := range map[string]string{"customer_id": t.customer, "failure_code": t.failure} {
		if value != "" {
			out[field] = value
		}
	}
	return out
}
