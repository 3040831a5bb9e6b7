package xendit

import (
	"encoding/json"
	"net/http"
	"slices"

	"switchyard/sims/psp"
	"switchyard/sims/shown"
)

// The statuses of requests and of payments.
const (
	statusRequiresAction = "REQUIRES_ACTION"
	statusAuthorized     = "AUTHORIZED"
	statusSucceeded      = "SUCCEEDED"
	statusFailed         = "FAILED"
	statusCanceled       = "CANCELED"
)

const (
	typePay        = "PAY"
	typePayAndSave = "PAY_AND_SAVE"
	captureManual  = "MANUAL"
	captureAuto    = "AUTOMATIC"
	channelCards   = "CARDS"
	maxReference   = 255
)

// request is a payment request with all that hangs on it.
type request struct {
	id, reference, kind, country, currency, capture, customer, description string
	page                                                                   string // the session's id when it was made there
	amount                                                                 int64  // minor units by ISO 4217
	metadata                                                               json.RawMessage
	props                                                                  properties
	card                                                                   card
	token, status, failure, challengeURL                                   string
	payment                                                                payment
	refunds                                                                []refund
	created, updated                                                       string
}

// properties are the channel properties that are shown again.
type properties struct {
	MIDLabel   string `json:"mid_label,omitempty"`
	SkipThreeD bool   `json:"skip_three_ds"`
	OnFile     string `json:"card_on_file_type,omitempty"`
	Sequence   string `json:"transaction_sequence,omitempty"`
	Descriptor string `json:"statement_descriptor,omitempty"`
	SuccessURL string `json:"success_return_url,omitempty"`
	FailureURL string `json:"failure_return_url,omitempty"`
}

// merchantInitiated says that there is no payer to ask.
func (p properties) merchantInitiated() bool {
	return p.OnFile == "MERCHANT_UNSCHEDULED" || p.OnFile == "RECURRING"
}

// payInput is a request for a payment after its card number has become facts.
type payInput struct {
	Reference   string          `json:"reference_id"`
	Type        string          `json:"type"`
	Country     string          `json:"country"`
	Currency    string          `json:"currency"`
	Amount      json.RawMessage `json:"request_amount"`
	Capture     string          `json:"capture_method"`
	Channel     string          `json:"channel_code"`
	Token       string          `json:"payment_token_id"`
	Customer    string          `json:"customer_id"`
	NewCustomer json.RawMessage `json:"customer"`
	Description string          `json:"description"`
	Metadata    json.RawMessage `json:"metadata"`
	Props       struct {
		properties
		Card json.RawMessage `json:"card_details"`
	} `json:"channel_properties"`

	minor    int64
	card     *card
	problem  *psp.Answer
	reserved bool
}

// readPayment checks a payment request and drops the card's number and CVN.
func (s *Sim) readPayment(body []byte) any {
	in := &payInput{}
	if bad, ok := decode(body, in); !ok {
		in.problem = &bad
		return in
	}
	if in.problem = in.check(); in.problem != nil {
		return in
	}
	if in.minor, in.problem = readAmount(in.Amount, in.Currency, "request_amount"); in.problem != nil {
		return in
	}
	if in.minor == 0 {
		zero := wrongValue(codeAmount, "request_amount must be more than 0")
		in.problem = &zero
		return in
	}
	if in.Token == "" {
		in.card, in.problem = s.readCard(in.Props.Card)
	}
	in.Props.Card = nil
	return in
}

func (in *payInput) check() *psp.Answer {
	fail := func(a psp.Answer) *psp.Answer { return &a }
	switch {
	case in.Reference == "":
		return fail(invalid("reference_id is required"))
	case len(in.Reference) > maxReference:
		return fail(invalid("reference_id may have up to 255 characters"))
	case in.Type != typePay && in.Type != typePayAndSave:
		return fail(invalid("type must be PAY or PAY_AND_SAVE"))
	case !slices.Contains(countries(), in.Country):
		return fail(wrongValue(codeValue, "country "+in.Country+" is not supported"))
	case in.Capture != "" && in.Capture != captureAuto && in.Capture != captureManual:
		return fail(invalid("capture_method must be AUTOMATIC or MANUAL"))
	case in.Channel != channelCards && (in.Channel != "" || in.Token == ""):
		return fail(invalid("channel_code must be CARDS, the one channel of the simulated account"))
	case in.Token == "" && len(in.Props.Card) == 0:
		return fail(invalid("channel_properties.card_details is required"))
	}
	return nil
}

// reserve takes the reference id for a request that is or will be processed.
func (s *Sim) reserve(in *payInput) {
	if in.problem != nil || in.reserved {
		return
	}
	if _, taken := s.references[in.Reference]; taken {
		duplicate := problem(http.StatusConflict, codeDuplicate, "A payment request with this reference_id already exists")
		in.problem = &duplicate
		return
	}
	s.references[in.Reference] = struct{}{}
	in.reserved = true
}

// pay makes a payment request and charges it: the one call that does.
func (s *Sim) pay(r *psp.Request, _ []string, o psp.Orders) psp.Answer {
	in := r.Decoded.(*payInput)
	if in.problem != nil {
		return *in.problem
	}
	if bad := s.complete(in); bad != nil {
		if in.reserved {
			delete(s.references, in.Reference)
		}
		return *bad
	}
	if s.reserve(in); in.problem != nil {
		return *in.problem
	}
	rec := s.store(s.newRequest(in), o)
	s.charge(rec, o)
	return psp.JSON(http.StatusCreated, rec.Live.resource())
}

// complete finds the token and the customer that a request names. When it cannot, the answer says why.
func (s *Sim) complete(in *payInput) *psp.Answer {
	if in.Token != "" {
		t, known := s.tokens[in.Token]
		if !known || t.status != tokenActive {
			bad := wrongValue("INVALID_TOKEN", "The payment token is not active")
			return &bad
		}
		in.card = &t.card
		if in.Customer == "" {
			in.Customer = t.customer
		}
	}
	var bad *psp.Answer
	if in.Customer == "" {
		in.Customer, bad = s.customerIn(in.NewCustomer)
	}
	return bad
}

func (s *Sim) newRequest(in *payInput) request {
	at := now()
	rq := request{
		id: s.newID("pr-"), reference: in.Reference, kind: in.Type, country: in.Country, currency: in.Currency,
		capture: in.Capture, customer: in.Customer, description: in.Description, amount: in.minor,
		metadata: in.Metadata, props: in.Props.properties, card: *in.card, token: in.Token, created: at, updated: at,
	}
	if rq.capture == "" {
		rq.capture = captureAuto
	}
	return rq
}

// store keeps a new request and has it found.
func (s *Sim) store(rq request, o psp.Orders) *shown.Record[request] {
	rec := shown.New(rq, o.HideFor)
	s.requests[rq.id] = rec
	s.order = append(s.order, rq.id)
	s.index(rq.reference, rq.id)
	return rec
}

func (s *Sim) index(reference, requestID string) {
	if reference != "" && !slices.Contains(s.byReference[reference], requestID) {
		s.byReference[reference] = append(s.byReference[reference], requestID)
	}
}

// seen finds a request as look-ups show it.
func (s *Sim) seen(id string) (request, bool) {
	rec, known := s.requests[id]
	if !known {
		return request{}, false
	}
	return rec.View()
}

func (s *Sim) getRequest(_ *psp.Request, ids []string, _ psp.Orders) psp.Answer {
	rq, found := s.seen(ids[0])
	if !found {
		return notFound("Payment request")
	}
	return psp.JSON(http.StatusOK, rq.resource())
}

// cancelRequest is the fence of a request that waits for the payer. What is charged, held included, is refused.
func (s *Sim) cancelRequest(_ *psp.Request, ids []string, o psp.Orders) psp.Answer {
	rec, known := s.requests[ids[0]]
	if !known {
		return notFound("Payment request")
	}
	rq := &rec.Live
	switch rq.status {
	case statusRequiresAction:
	case statusAuthorized, statusSucceeded:
		return ineligible(rq.status)
	default:
		return problem(http.StatusBadRequest, codeInactive, "The payment request is "+rq.status)
	}
	if o.Decline != psp.NoDecline {
		return problem(http.StatusBadRequest, "TEMPORARILY_UNAVAILABLE", "The payment request cannot be canceled now")
	}
	rec.Freeze(rq.clone(), o.HideFor)
	rq.status, rq.challengeURL, rq.updated = statusCanceled, "", now()
	return psp.JSON(http.StatusOK, rq.resource())
}

// clone shares nothing with rq that changes.
func (rq *request) clone() request {
	out := *rq
	out.refunds = slices.Clone(rq.refunds)
	out.payment.captures = slices.Clone(rq.payment.captures)
	return out
}

func (rq *request) resource() psp.Object {
	actions := []psp.Object{}
	if rq.status == statusRequiresAction {
		actions = append(actions, psp.Object{"type": "REDIRECT_CUSTOMER", "descriptor": "WEB_URL", "value": rq.challengeURL})
	}
	out := rq.shared()
	out["actions"] = actions
	out["status"] = rq.status
	if rq.payment.id != "" {
		out["latest_payment_id"] = rq.payment.id
	}
	return out
}

// shared is what a request and its payment show alike.
func (rq *request) shared() psp.Object {
	out := psp.Object{
		"business_id": businessID, "reference_id": rq.reference, "payment_request_id": rq.id, "type": rq.kind,
		"country": rq.country, "currency": rq.currency, "request_amount": number(rq.amount, rq.currency),
		"capture_method": rq.capture, "channel_code": channelCards, "channel_properties": rq.channelProperties(),
		"created": rq.created, "updated": rq.updated, "metadata": rawOrNull(rq.metadata),
	}
	for field, value := range map[string]string{
		"customer_id": rq.customer, "description": rq.description, "payment_token_id": rq.token, "failure_code": rq.failure,
	} {
		if value != "" {
			out[field] = value
		}
	}
	return out
}

func (rq *request) channelProperties() any {
	return struct {
		properties
		Card psp.Object `json:"card_details"`
	}{rq.props, rq.card.details()}
}
