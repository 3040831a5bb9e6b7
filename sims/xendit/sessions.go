package xendit

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"switchyard/sims/psp"
	"switchyard/sims/testcard"
)

// The statuses of a session.
const (
	sessionActive    = "ACTIVE"
	sessionCompleted = "COMPLETED"
	sessionExpired   = "EXPIRED"
	sessionCanceled  = "CANCELED"
)

const (
	sessionPay, sessionSave = "PAY", "SAVE"
	modeLink                = "PAYMENT_LINK"
	modeComponents          = "COMPONENTS"
	maxSessionReference     = 64
	sessionIDLength         = 24
	sessionLives            = 30 * time.Minute
)

// session is a page on which the payer pays or saves a card. The simulated page asks for no card: it has a button
// that pays with one that is approved.
type session struct {
	id, status, paymentRequest, payment, token string
	in                                         sessionInput
	amount                                     int64
	link                                       string
	created, updated                           string
	expires                                    time.Time
}

type sessionInput struct {
	Reference  string          `json:"reference_id"`
	Type       string          `json:"session_type"`
	Mode       string          `json:"mode"`
	Amount     json.RawMessage `json:"amount"`
	Currency   string          `json:"currency"`
	Country    string          `json:"country"`
	Customer   string          `json:"customer_id"`
	NewOne     json.RawMessage `json:"customer"`
	Save       string          `json:"allow_save_payment_method"`
	Capture    string          `json:"capture_method"`
	SuccessURL string          `json:"success_return_url"`
	CancelURL  string          `json:"cancel_return_url"`
	Metadata   json.RawMessage `json:"metadata"`
}

func (s *Sim) createSession(r *psp.Request, _ []string, _ psp.Orders) psp.Answer {
	var in sessionInput
	if bad, ok := decode(r.Body, &in); !ok {
		return bad
	}
	saves := in.Type == sessionSave || in.Save == "OPTIONAL" || in.Save == "FORCED"
	switch {
	case in.Reference == "" || len(in.Reference) > maxSessionReference:
		return invalid("reference_id must have 1 to 64 characters")
	case in.Type != sessionPay && in.Type != sessionSave:
		return wrongValue("SESSION_TYPE_NOT_SUPPORTED", "session_type must be PAY or SAVE")
	case in.Mode != modeLink && in.Mode != modeComponents:
		return wrongValue("MODE_NOT_SUPPORTED", "mode must be PAYMENT_LINK or COMPONENTS")
	case !slices.Contains([]string{"ID", "PH", "VN", "TH", "SG", "MY"}, in.Country):
		return wrongValue("INVALID_COUNTRY", "country is not supported")
	case !slices.Contains([]string{"IDR", "PHP", "VND", "THB", "SGD", "MYR", "USD"}, in.Currency):
		return wrongValue("INVALID_CURRENCY", "currency is not supported")
	case saves && in.Customer == "" && len(in.NewOne) == 0:
		return wrongValue("MISSING_CUSTOMER", "a customer is required")
	case in.Customer != "" && s.customers[in.Customer] == nil:
		return wrongValue("INVALID_CUSTOMER_ID", "customer_id is unknown")
	}
	amount, bad := readAmount(in.Amount, in.Currency, "amount")
	switch {
	case bad != nil:
		return *bad
	case (in.Type == sessionSave) != (amount == 0):
		return wrongValue(codeAmount, "amount must be 0 to save and more than 0 to pay")
	}
	for _, other := range s.sessions {
		if other.in.Reference == in.Reference {
			return problem(http.StatusConflict, codeDuplicate, "A session with this reference_id already exists")
		}
	}
	if in.Customer == "" {
		if in.Customer, bad = s.customerIn(in.NewOne); bad != nil {
			return *bad
		}
	}
	at := now()
	p := &session{
		id: "ps-" + s.deps.Random.Alphanumeric(sessionIDLength), status: sessionActive, in: in, amount: amount,
		created: at, updated: at, expires: time.Now().Add(sessionLives),
	}
	s.sessions[p.id] = p
	if in.Mode == modeLink {
		p.link = s.deps.Challenges.Open(func(passed bool) string { return s.finishSession(p.id, passed) })
	}
	return psp.JSON(http.StatusCreated, p.resource())
}

// finishSession is the payer's choice on the page.
func (s *Sim) finishSession(id string, paid bool) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, known := s.sessions[id]
	if !known || p.present() != sessionActive {
		return ""
	}
	if !paid {
		return webAddress(p.in.CancelURL) // the session goes on: the payer may come back
	}
	rq := s.requestOf(p)
	if p.in.Type == sessionPay {
		rec := s.store(rq, psp.Orders{})
		s.charge(rec, psp.Orders{})
		rq = rec.Live
		p.paymentRequest, p.payment = rq.id, rq.payment.id
		if rq.status == statusFailed { // by its amount: the payer may try again
			p.link = s.deps.Challenges.Open(func(passed bool) string { return s.finishSession(p.id, passed) })
			return p.link
		}
	} else {
		s.save(&rq, 0)
	}
	p.token, p.status, p.updated = rq.token, sessionCompleted, now()
	s.tellSession(p)
	return webAddress(p.in.SuccessURL)
}

// requestOf is the payment request behind a session.
func (s *Sim) requestOf(p *session) request {
	number := testcard.Approved
	paidBy := card{
		Card: testcard.Describe(number, s.cardKey), acts: behaviourOf(number),
		masked: number[:4] + "XXXXXXXX" + number[12:], hasCVN: true,
	}
	paidBy.ExpMonth, paidBy.ExpYear = 12, time.Now().Year()+2
	rq := request{
		id: s.newID("pr-"), reference: p.in.Reference, kind: typePay, country: p.in.Country, currency: p.in.Currency,
		capture: p.in.Capture, customer: p.in.Customer, amount: p.amount, metadata: p.in.Metadata, card: paidBy,
		created: now(), updated: now(),
	}
	if p.in.Type == sessionSave || p.in.Save == "FORCED" || p.in.Save == "OPTIONAL" {
		rq.kind = typePayAndSave
	}
	if rq.capture == "" {
		rq.capture = captureAuto
	}
	return rq
}

func (s *Sim) getSession(_ *psp.Request, ids []string, _ psp.Orders) psp.Answer {
	p, known := s.sessions[ids[0]]
	if !known {
		return notFound("Session")
	}
	return psp.JSON(http.StatusOK, p.resource())
}

// cancelSession is the fence of a session that is not paid.
func (s *Sim) cancelSession(_ *psp.Request, ids []string, _ psp.Orders) psp.Answer {
	p, known := s.sessions[ids[0]]
	switch {
	case !known:
		return notFound("Session")
	case p.present() != sessionActive:
		return ineligible(p.present())
	}
	p.status, p.updated = sessionCanceled, now()
	return psp.JSON(http.StatusOK, p.resource())
}

// present is the session's status at this moment.
func (p *session) present() string {
	if p.status == sessionActive && time.Now().After(p.expires) {
		return sessionExpired
	}
	return p.status
}

func (p *session) resource() psp.Object {
	out := psp.Object{
		"payment_session_id": p.id, "reference_id": p.in.Reference, "session_type": p.in.Type, "mode": p.in.Mode,
		"amount": number(p.amount, p.in.Currency), "currency": p.in.Currency, "country": p.in.Country, "status": p.present(),
		"business_id": businessID, "expires_at": p.expires.UTC().Format(timeFormat), "metadata": rawOrNull(p.in.Metadata),
		"created": p.created, "updated": p.updated,
	}
	for field, value := range map[string]string{
		"customer_id": p.in.Customer, "allow_save_payment_method": p.in.Save, "capture_method": p.in.Capture,
		"success_return_url": p.in.SuccessURL, "cancel_return_url": p.in.CancelURL, "payment_link_url": p.link,
		"payment_request_id": p.paymentRequest, "payment_id": p.payment, "payment_token_id": p.token,
	} {
		if value != "" {
			out[field] = value
		}
	}
	if p.in.Mode == modeComponents {
		out["components_sdk_key"] = "session-" + p.id
	}
	return out
}
