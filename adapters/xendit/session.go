package xendit

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"switchyard/adapters/wire"
	"switchyard/payments"
)

const (
	sessionsPath  = "/sessions"
	sessionPrefix = "ps-"

	typeSave      = "SAVE"
	modeLink      = "PAYMENT_LINK"
	saveDisabled  = "DISABLED"
	saveOptional  = "OPTIONAL"
	onFileByPayer = "CUSTOMER_UNSCHEDULED"

	// minLifetime is a little more than the ten minutes that a session has to live by Xendit's own clock.
	minLifetime = 11 * time.Minute
)

// sessionBody is a new session: a page on which the payer pays, or saves a card.
type sessionBody struct {
	Reference   string            `json:"reference_id"`
	Type        string            `json:"session_type"`
	Mode        string            `json:"mode"`
	Amount      json.Number       `json:"amount"`
	Currency    string            `json:"currency"`
	Country     string            `json:"country"`
	Customer    string            `json:"customer_id,omitempty"`
	NewCustomer *customerBody     `json:"customer,omitempty"`
	Save        string            `json:"allow_save_payment_method,omitempty"`
	Capture     string            `json:"capture_method,omitempty"`
	Channels    []string          `json:"allowed_payment_channels"`
	Properties  sessionProperties `json:"channel_properties,omitzero"`
	Description string            `json:"description,omitempty"`
	SuccessURL  string            `json:"success_return_url,omitempty"`
	CancelURL   string            `json:"cancel_return_url,omitempty"`
	ExpiresAt   string            `json:"expires_at,omitempty"`
}

type sessionProperties struct {
	Cards struct {
		OnFile      string `json:"card_on_file_type,omitempty"`
		SkipThreeDS bool   `json:"skip_three_ds,omitempty"`
	} `json:"cards"`
}

// StartSession makes a session and returns the link to its page. Over the amount zero the payer saves a card and pays nothing.
// Until the link is given away nobody can pay, so whatever fails here certainly did not charge.
func (a *adapter) StartSession(ctx context.Context, r payments.SessionRequest) (payments.Outcome, error) {
	if r.Refs.Session != "" {
		return a.resumeSession(ctx, r)
	}
	if err := wholeAmount(r.Amount); err != nil {
		return payments.Outcome{}, err
	}
	answer, err := a.openSession(ctx, r)
	switch {
	case err != nil:
		return payments.Outcome{}, preparing(err)
	case !ok(answer):
		o, err := refused(answer)
		if err != nil {
			return payments.Outcome{}, preparing(err)
		}
		return o, nil
	}
	var s session
	if err := answer.JSON(&s); err != nil {
		return payments.Outcome{}, preparing(err)
	}
	if !s.made(r) {
		return payments.Outcome{}, payments.Faultf(payments.NeverSent, "xendit: the answer is not about the session that was to be made")
	}
	if r.Note == nil {
		return payments.Outcome{}, payments.Faultf(payments.NeverSent, "xendit: no way to make the session's id durable was given")
	}
	if err := r.Note(ctx, s.refs()); err != nil {
		return payments.Outcome{}, payments.NewFault(payments.NeverSent, fmt.Errorf("xendit: making the session's id durable: %w", err))
	}
	return s.waiting(), nil
}

// resumeSession gives the link of a session that was made before, unless the payer has used it meanwhile.
func (a *adapter) resumeSession(ctx context.Context, r payments.SessionRequest) (payments.Outcome, error) {
	op := payments.OpAuthorize
	switch {
	case r.Amount.Minor == 0:
		op = payments.OpVerify
	case r.Capture:
		op = payments.OpSale
	}
	found, err := a.Lookup(ctx, payments.LookupRequest{Operation: op, Reference: r.Reference, Refs: r.Refs, Amount: r.Amount})
	switch {
	case err != nil:
		return payments.Outcome{}, err
	case found.Outcome.Status == "":
		return payments.Outcome{Status: payments.Pending, Refs: found.Refs}, nil
	}
	return found.Outcome, nil
}

// openSession makes a session. A customer that Xendit refuses, because there is one with the reference already or because the one
// that was named is gone, is replaced once by one of this session alone. A customer who is found at Xendit is never named instead:
// that may be somebody else, whose saved cards the page would offer.
func (a *adapter) openSession(ctx context.Context, r payments.SessionRequest) (*wire.Response, error) {
	body := a.sessionBody(r)
	answer, err := a.postSession(ctx, body)
	if err != nil || ok(answer) {
		return answer, err
	}
	code, _ := errorOf(answer)
	taken := answer.Status == http.StatusConflict && body.NewCustomer != nil && body.NewCustomer.Reference != r.Reference
	gone := code == "INVALID_CUSTOMER_ID" && body.Customer != ""
	if !taken && !gone {
		return answer, nil
	}
	body.Customer, body.NewCustomer = "", newCustomer(r.Payer, r.Reference)
	return a.postSession(ctx, body)
}

func (a *adapter) postSession(ctx context.Context, body sessionBody) (*wire.Response, error) {
	return a.do(ctx, call{method: http.MethodPost, path: sessionsPath, body: body})
}

// sessionBody builds a session. A customer is needed wherever a card may be saved.
func (a *adapter) sessionBody(r payments.SessionRequest) sessionBody {
	body := sessionBody{
		Reference: r.Reference, Type: typePay, Mode: modeLink, Amount: r.Amount.Major(), Currency: string(r.Amount.Currency),
		Country: a.countryFor(r.Amount.Currency), Customer: r.Payer.CustomerRef, Save: saveDisabled, Capture: captureManual,
		Channels: []string{channelCards}, Description: r.Description,
		SuccessURL: a.wayBack(r.ReturnURL), CancelURL: a.wayBack(cmp.Or(r.CancelURL, r.ReturnURL)),
	}
	if r.Capture {
		body.Capture = captureAuto
	}
	if r.Save {
		body.Save = saveOptional
	}
	saves := r.Save
	if r.Amount.Minor == 0 {
		body.Type, body.Save, body.Capture = typeSave, "", ""
		saves = true
	}
	if saves {
		body.Properties.Cards.OnFile = onFileByPayer
	}
	body.Properties.Cards.SkipThreeDS = a.skipThreeDS
	switch {
	case body.Customer != "":
	case r.Payer.CustomerID != "":
		body.NewCustomer = newCustomer(r.Payer, customerReference(r.Payer.CustomerID))
	case saves: // for somebody who is no customer of ours
		body.NewCustomer = newCustomer(r.Payer, r.Reference)
	}
	if !r.ExpiresAt.IsZero() {
		at := r.ExpiresAt
		if soonest := a.now().Add(minLifetime); at.Before(soonest) {
			at = soonest
		}
		body.ExpiresAt = at.UTC().Format(time.RFC3339)
	}
	return body
}

// wayBack is the address if Xendit takes it, else "": the payer then stays on the page after the payment, instead of not
// paying at all. Xendit wants https; the simulator takes this machine's own addresses, too.
func (a *adapter) wayBack(address string) string {
	u, err := url.Parse(address)
	switch {
	case err != nil || !webAddress(address):
		return ""
	case u.Scheme == "https", a.plain && loopback(u.Hostname()):
		return address
	}
	return ""
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// session is a session as Xendit shows it.
type session struct {
	ID         string      `json:"payment_session_id"`
	Reference  string      `json:"reference_id"`
	Type       string      `json:"session_type"`
	Status     string      `json:"status"`
	Amount     json.Number `json:"amount"`
	Currency   string      `json:"currency"`
	Link       string      `json:"payment_link_url"`
	CustomerID string      `json:"customer_id"`
	RequestID  string      `json:"payment_request_id"`
	PaymentID  string      `json:"payment_id"`
	TokenID    string      `json:"payment_token_id"`
}

// isSession says whether a reference is a session's id, and not that of a payment request.
func isSession(ref string) bool { return strings.HasPrefix(ref, sessionPrefix) }

// made says whether the answer is about the session that was to be made, and leads to a page.
func (s *session) made(r payments.SessionRequest) bool {
	amount, err := payments.ParseMajorNumber(s.Amount, r.Amount.Currency)
	return isSession(s.ID) && s.Status == statusActive && webAddress(s.Link) &&
		(s.Reference == "" || s.Reference == r.Reference) && (s.Amount == "" || err == nil && amount == r.Amount)
}

func (s *session) refs() payments.ProviderRefs {
	return payments.ProviderRefs{Session: s.ID, Customer: s.CustomerID}
}

// waiting sends the payer to the page. Whoever has its address can pay there, so it is for the payer alone.
func (s *session) waiting() payments.Outcome {
	return payments.Outcome{
		Status: payments.ActionRequired, Refs: s.refs(), Action: &payments.CustomerAction{Type: "redirect", Value: s.Link},
	}
}
