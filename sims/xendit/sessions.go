package xendit

import (
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"switchyard/sims/psp"
	"switchyard/sims/shown"
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
	saveDisabled            = "DISABLED"
	saveOptional            = "OPTIONAL"
	saveForced              = "FORCED"
	maxSessionReference     = 64
	sessionIDLength         = 24
	linkLength              = 24
	sessionLives            = 30 * time.Minute
	shortestSession         = 10 * time.Minute
)

// session is a page on which the payer pays, or saves a card. A try that is declined leaves it as it was.
type session struct {
	id, status, paymentRequest, payment, token string
	in                                         sessionInput
	amount                                     int64
	link                                       string
	created, updated                           string
	expires                                    time.Time
	// tries counts the cards that the payer has given. trying is the request or the token that waits for the challenge.
	tries     int
	trying    string
	challenge string
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
	Properties struct {
		Cards struct {
			OnFile     string `json:"card_on_file_type,omitempty"`
			SkipThreeD bool   `json:"skip_three_ds,omitempty"`
		} `json:"cards"`
	} `json:"channel_properties"`
	Channels    []string        `json:"allowed_payment_channels"`
	ExpiresAt   string          `json:"expires_at"`
	Locale      string          `json:"locale"`
	Description string          `json:"description"`
	SuccessURL  string          `json:"success_return_url"`
	CancelURL   string          `json:"cancel_return_url"`
	Metadata    json.RawMessage `json:"metadata"`
	Items       json.RawMessage `json:"items"`
	Components  json.RawMessage `json:"components_configuration"`

	expires time.Time
}

func (s *Sim) createSession(r *psp.Request, _ []string, _ psp.Orders) psp.Answer {
	var in sessionInput
	if bad, ok := decodeKnown(r.Body, &in); !ok {
		return bad
	}
	if bad := in.check(); bad != nil {
		return *bad
	}
	amount, bad := readAmount(in.Amount, in.Currency, "amount")
	switch {
	case bad != nil:
		return *bad
	case (in.Type == sessionSave) != (amount == 0):
		return wrongValue(codeAmount, "amount must be 0 to save and more than 0 to pay")
	case in.Customer != "" && s.customers[in.Customer] == nil:
		return wrongValue("INVALID_CUSTOMER_ID", "customer_id is unknown")
	}
	for _, other := range s.sessions {
		if other.Live.in.Reference == in.Reference {
			return problem(http.StatusConflict, codeDuplicate, "A session with this reference_id already exists")
		}
	}
	if in.Customer == "" {
		if in.Customer, bad = s.payerOf(in.NewOne); bad != nil {
			return *bad
		}
	}
	at := now()
	p := session{
		id: "ps-" + s.deps.Random.Alphanumeric(sessionIDLength), status: sessionActive, in: in, amount: amount,
		created: at, updated: at, expires: in.expires,
	}
	if in.Mode == modeLink {
		code := s.deps.Random.Alphanumeric(linkLength)
		s.pages[code] = p.id
		p.link = s.deps.BaseURL + "/" + pagePath + "/" + code
	}
	s.sessions[p.id] = shown.New(p, 0)
	s.later.After(time.Until(p.expires), func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.liveSession(p.id)
	})
	return psp.JSON(http.StatusCreated, p.resource())
}

// check looks at what needs no other object. It reads the expiry.
func (in *sessionInput) check() *psp.Answer {
	fail := func(a psp.Answer) *psp.Answer { return &a }
	saves := in.Type == sessionSave || in.Save == saveOptional || in.Save == saveForced
	hasNewOne := len(in.NewOne) > 0 && string(in.NewOne) != "null"
	switch {
	case in.Reference == "" || len(in.Reference) > maxSessionReference:
		return fail(invalid("reference_id must have 1 to 64 characters"))
	case in.Type != sessionPay && in.Type != sessionSave:
		return fail(wrongValue("SESSION_TYPE_NOT_SUPPORTED", "session_type must be PAY or SAVE"))
	case in.Mode != modeLink && in.Mode != modeComponents:
		return fail(wrongValue("MODE_NOT_SUPPORTED", "mode must be PAYMENT_LINK or COMPONENTS"))
	case !slices.Contains([]string{"ID", "PH", "VN", "TH", "SG", "MY"}, in.Country):
		return fail(wrongValue("INVALID_COUNTRY", "country is not supported"))
	case !slices.Contains([]string{"IDR", "PHP", "VND", "THB", "SGD", "MYR", "USD"}, in.Currency):
		return fail(wrongValue("INVALID_CURRENCY", "currency is not supported"))
	case saves && in.Customer == "" && !hasNewOne:
		return fail(wrongValue("MISSING_CUSTOMER", "a customer is required"))
	case in.Customer != "" && hasNewOne:
		return fail(invalid("customer_id and customer exclude each other"))
	case !slices.Contains([]string{"", saveDisabled, saveOptional, saveForced}, in.Save):
		return fail(invalid("allow_save_payment_method must be DISABLED, OPTIONAL or FORCED"))
	case !slices.Contains([]string{"", captureAuto, captureManual}, in.Capture):
		return fail(invalid("capture_method must be AUTOMATIC or MANUAL"))
	case !slices.Contains([]string{"", "CUSTOMER_UNSCHEDULED", "MERCHANT_UNSCHEDULED", "RECURRING"}, in.Properties.Cards.OnFile):
		return fail(invalid("channel_properties.cards.card_on_file_type is not one of the list"))
	case in.Channels != nil && !slices.Equal(in.Channels, []string{channelCards}):
		return fail(wrongValue("INVALID_PAYMENT_CHANNEL", "CARDS is the one channel of the simulated account"))
	case !goodReturn(in.SuccessURL) || !goodReturn(in.CancelURL):
		return fail(wrongValue("INVALID_URL", "success_return_url and cancel_return_url must be https"))
	}
	return in.readExpiry()
}

// readExpiry reads when the session ends, which is some minutes away.
func (in *sessionInput) readExpiry() *psp.Answer {
	in.expires = time.Now().Add(sessionLives)
	if in.ExpiresAt == "" {
		return nil
	}
	at, err := time.Parse(time.RFC3339, in.ExpiresAt)
	if err != nil || time.Until(at) < shortestSession {
		bad := wrongValue("INVALID_EXPIRY_DATE", "expires_at must be a time that is at least 10 minutes away")
		return &bad
	}
	in.expires = at
	return nil
}

// goodReturn says whether the payer may be sent back there: https only, but for this machine, where merchants develop.
func goodReturn(address string) bool {
	if address == "" {
		return true
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "https" || u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback())
}

// payerOf makes the customer whom a session brings along. Here, unlike with payments, one who exists already is refused.
func (s *Sim) payerOf(raw json.RawMessage) (string, *psp.Answer) {
	if len(raw) == 0 || string(raw) == "null" {
		return "", nil
	}
	var in struct {
		customerFields
		Individual *struct {
			GivenNames string `json:"given_names"`
		} `json:"individual_detail"`
	}
	fail := func(message string) (string, *psp.Answer) {
		bad := invalid(message)
		return "", &bad
	}
	if bad, ok := decode(raw, &in); !ok {
		return "", &bad
	}
	switch {
	case in.Type != "INDIVIDUAL":
		return fail("customer.type must be INDIVIDUAL")
	case in.Reference == "" || strings.ContainsFunc(in.Reference, notAlphanumeric):
		return fail("customer.reference_id must be alphanumeric")
	case in.Individual == nil || in.Individual.GivenNames == "":
		return fail("customer.individual_detail.given_names is required")
	case in.Email != "" && (len(in.Email) < 4 || len(in.Email) > 50):
		return fail("customer.email must have 4 to 50 characters")
	case in.Mobile != "" && !strings.HasPrefix(in.Mobile, "+"):
		return fail("customer.mobile_number must be in E.164 format")
	}
	made, bad := s.addCustomer(raw)
	if bad != nil {
		return "", bad
	}
	return made.id, nil
}

func notAlphanumeric(c rune) bool {
	return (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z')
}

// liveSession finds a session as it is. One whose time is over has ended.
func (s *Sim) liveSession(id string) (*shown.Record[session], bool) {
	rec, known := s.sessions[id]
	if known && rec.Live.status == sessionActive && !time.Now().Before(rec.Live.expires) {
		s.endSession(&rec.Live, sessionExpired)
		s.tellSession(&rec.Live, eventExpired, 0)
	}
	return rec, known
}

// endSession ends a session that was not paid, and the try that waits for its challenge: it can no longer be passed.
func (s *Sim) endSession(p *session, status string) {
	if rec, found := s.requests[p.trying]; found && rec.Live.status == statusRequiresAction {
		rec.Live.challengeURL = ""
		rec.Live.set(statusCanceled)
	}
	if t, found := s.tokens[p.trying]; found && t.status == tokenRequiresAction {
		t.status, t.challengeURL, t.updated = tokenExpired, "", now()
	}
	p.trying, p.challenge = "", ""
	p.status, p.updated = status, now()
}

func (s *Sim) getSession(_ *psp.Request, ids []string, _ psp.Orders) psp.Answer {
	if rec, known := s.liveSession(ids[0]); known {
		if p, found := rec.View(); found {
			return psp.JSON(http.StatusOK, p.resource())
		}
	}
	return notFound("Session")
}

// cancelSession is the fence of a session that is not paid.
func (s *Sim) cancelSession(_ *psp.Request, ids []string, o psp.Orders) psp.Answer {
	rec, known := s.liveSession(ids[0])
	switch {
	case !known:
		return notFound("Session")
	case rec.Live.status != sessionActive:
		return ineligible(rec.Live.status)
	case o.Decline != psp.NoDecline:
		return problem(http.StatusBadRequest, "TEMPORARILY_UNAVAILABLE", "The session cannot be canceled now")
	}
	rec.Freeze(rec.Live, o.HideFor)
	s.endSession(&rec.Live, sessionCanceled)
	return psp.JSON(http.StatusOK, rec.Live.resource())
}

func (p *session) resource() psp.Object {
	out := psp.Object{
		"payment_session_id": p.id, "reference_id": p.in.Reference, "session_type": p.in.Type, "mode": p.in.Mode,
		"amount": number(p.amount, p.in.Currency), "currency": p.in.Currency, "country": p.in.Country, "status": p.status,
		"business_id": businessID, "expires_at": p.expires.UTC().Format(timeFormat), "metadata": rawOrNull(p.in.Metadata),
		"channel_properties": p.in.Properties, "items": rawOrNull(p.in.Items), "created": p.created, "updated": p.updated,
	}
	if p.in.Channels != nil {
		out["allowed_payment_channels"] = p.in.Channels
	}
	for field, value := range map[string]string{
		"customer_id": p.in.Customer, "allow_save_payment_method": p.in.Save, "capture_method": p.in.Capture,
		"success_return_url": p.in.SuccessURL, "cancel_return_url": p.in.CancelURL, "payment_link_url": p.link,
		"payment_request_id": p.paymentRequest, "payment_id": p.payment, "payment_token_id": p.token,
		"locale": p.in.Locale, "description": p.in.Description,
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
