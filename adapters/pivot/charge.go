package pivot

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"switchyard/adapters/wire"
	"switchyard/payments"
)

// The words of a session.
const (
	modeAPI       = "API"
	modeRedirect  = "REDIRECT"
	typeCard      = "CARD"
	captureAuto   = "automatic"
	captureManual = "manual"
	// expiryStrict: once the session has expired, a payer who comes back from the bank late is not charged any more.
	expiryStrict = "STRICT"

	maxReturnURL  = 255 // characters
	maxDescriptor = 20
	maxName       = 100 // of the product; Pivot names no limit
)

// sessionBody is a new session.
type sessionBody struct {
	Reference      string     `json:"clientReferenceId"`
	Amount         money      `json:"amount"`
	CustomerID     string     `json:"customerId,omitempty"`
	Customer       *customer  `json:"customer,omitempty"`
	Order          order      `json:"orderInformation"`
	Redirect       redirect   `json:"redirectUrl"`
	Mode           string     `json:"mode"`
	AutoConfirm    bool       `json:"autoConfirm"`
	PaymentType    string     `json:"paymentType"`
	Method         method     `json:"paymentMethod"`
	Options        *options   `json:"paymentMethodOptions,omitempty"`
	Save           bool       `json:"saveForFutureUse"`
	ShowSaved      bool       `json:"showSavedPayment,omitempty"`
	Descriptor     string     `json:"statementDescriptor,omitempty"`
	ExpirationMode string     `json:"expirationMode"`
	ExpiryAt       *time.Time `json:"expiryAt,omitempty"`
}

// money is an amount in whole rupiah.
type money struct {
	Value    json.Number `json:"value"`
	Currency string      `json:"currency"`
}

func newMoney(m payments.Money) money { return money{m.Major(), string(m.Currency)} }

type customer struct {
	GivenName string `json:"givenName,omitempty"`
	Surname   string `json:"surname,omitempty"`
	Email     string `json:"email"`
	Phone     *phone `json:"phoneNumber,omitempty"`
}

type phone struct {
	Country string `json:"countryCode"`
	Number  string `json:"number"`
}

type order struct {
	Products []product `json:"productDetails"`
}

type product struct {
	Type     string `json:"type"`
	Name     string `json:"name"`
	Quantity int    `json:"quantity"`
	Price    money  `json:"price"`
}

type redirect struct {
	Success string `json:"successReturnUrl"`
	Failure string `json:"failureReturnUrl"`
	Expired string `json:"expirationReturnUrl"`
}

type method struct {
	Type string      `json:"type"`
	Card *methodCard `json:"card,omitempty"`
}

type methodCard struct {
	Encrypted string `json:"encryptedCard,omitempty"`
	Token     string `json:"token,omitempty"`
	CVC       string `json:"cvc,omitempty"`
}

type options struct {
	Card cardOptions `json:"card"`
}

type cardOptions struct {
	Capture string `json:"captureMethod"`
	ThreeDS string `json:"threeDsMethod"`
}

// Authorize charges a card in two steps, the id of the session made durable in between, and a saved card in one.
func (a *adapter) Authorize(ctx context.Context, r payments.AuthorizeRequest) (payments.Outcome, error) {
	if err := wholeAmount(r.Amount); err != nil {
		return payments.Outcome{}, err
	}
	switch {
	case r.Source.Card == nil && r.Source.Method == "":
		return payments.Outcome{}, payments.Faultf(payments.Rejected, "pivot: the request has neither a card nor a saved method")
	case r.Refs.Session != "":
		return a.chargedBefore(ctx, r)
	}
	body, lack := a.newSession(terms{
		reference: r.Reference, amount: r.Amount, payer: r.Payer, description: r.Description, descriptor: r.StatementDescriptor,
		success: r.ReturnURL, failure: r.ReturnURL, save: r.Save,
	})
	switch {
	case lack != "":
		return unfit(lack), nil
	case r.Source.Card != nil:
		return a.chargeCard(ctx, r, body)
	}
	return a.chargeSaved(ctx, r, body)
}

// wholeAmount refuses what Pivot would refuse.
func wholeAmount(m payments.Money) error {
	if m.Currency != rupiah || m.Minor%rupiahStep != 0 {
		return &payments.Fault{Kind: payments.Rejected, Code: payments.CardInvalidAmount, Err: fmt.Errorf("pivot: amounts are whole rupiah")}
	}
	return nil
}

// unfit is the outcome of a payment that lacks what Pivot insists on. Nothing is sent, and another PSP may well take it.
func unfit(lack string) payments.Outcome {
	return payments.Outcome{Status: payments.Declined, Code: payments.GatewayValidationError, RawMessage: "Pivot needs " + lack}
}

// terms are what a session is made from.
type terms struct {
	reference        string
	amount           payments.Money
	payer            payments.Payer
	description      string
	descriptor       string
	success, failure string
	save             bool
}

// newSession is the body of a session, still without the mode and the method. It says what the payment lacks, if anything. When
// the session ends is left to Pivot unless somebody says so: a repeated request must be the same to the letter.
func (a *adapter) newSession(t terms) (body sessionBody, lack string) {
	body = sessionBody{
		Reference: t.reference, Amount: newMoney(t.amount), CustomerID: t.payer.CustomerRef, PaymentType: "SINGLE", Save: t.save,
		Mode: modeAPI, Method: method{Type: typeCard}, Descriptor: cut(t.descriptor, maxDescriptor), ExpirationMode: expiryStrict,
		Redirect: redirect{a.returnTo(t.success), a.returnTo(t.failure), a.returnTo(t.failure)},
		Order: order{[]product{{
			Type: a.productType, Name: cut(t.description, maxName), Quantity: 1, Price: newMoney(t.amount),
		}}},
	}
	if body.Order.Products[0].Name == "" {
		body.Order.Products[0].Name = "Payment"
	}
	if body.CustomerID == "" {
		body.Customer = newCustomer(t.payer)
		if body.Customer.Email == "" {
			// Whoever gives no address is the same customer to Pivot, so that nothing may be saved.
			body.Customer.Email, body.Save = a.guestEmail, false
		}
		if body.Customer.Email == "" {
			return body, "the payer's e-mail address"
		}
	}
	if !fitsReturn(body.Redirect.Success) || !fitsReturn(body.Redirect.Failure) {
		return body, "a URL to return to, of at most 255 characters"
	}
	return body, ""
}

func (a *adapter) returnTo(address string) string {
	if address == "" {
		return a.returnURL
	}
	return address
}

func fitsReturn(address string) bool { return len(address) <= maxReturnURL && webAddress(address) }

// newCustomer describes the payer. Only Indonesian mobile numbers have the form that Pivot wants; another would cost the payment.
func newCustomer(p payments.Payer) *customer {
	c := &customer{GivenName: p.FirstName, Surname: p.LastName, Email: p.Email}
	if number, ok := strings.CutPrefix(p.Phone, "+62"); ok && strings.HasPrefix(number, "8") {
		c.Phone = &phone{"+62", number}
	}
	return c
}

// cut shortens a text to so many characters.
func cut(s string, most int) string {
	s = strings.TrimSpace(s)
	if runes := []rune(s); len(runes) > most {
		return strings.TrimSpace(string(runes[:most]))
	}
	return s
}

func (a *adapter) cardOptions(capture, stepUp bool) *options {
	o := &options{cardOptions{Capture: captureManual, ThreeDS: a.threeDS}}
	if capture {
		o.Card.Capture = captureAuto
	}
	if stepUp {
		o.Card.ThreeDS = threeDSChallenge
	}
	return o
}

// StepsUp says whether a charge can ask for more than every charge does.
func (a *adapter) StepsUp() bool { return a.threeDS != threeDSChallenge }

// chargeCard makes a session, encrypts the card under its key, makes the session's id durable, and confirms, which charges.
func (a *adapter) chargeCard(ctx context.Context, r payments.AuthorizeRequest, body sessionBody) (payments.Outcome, error) {
	s, _, err := a.postSession(ctx, body, nil)
	if err != nil {
		return payments.Outcome{}, preparing(err)
	}
	encrypted, err := sealCard(string(s.EncryptionKey), *r.Source.Card, r.Payer)
	if err != nil {
		return payments.Outcome{}, payments.NewFault(payments.NeverSent, err)
	}
	if r.Note == nil {
		return payments.Outcome{}, payments.Faultf(payments.NeverSent, "pivot: no way to make the session's id durable was given")
	}
	if err := r.Note(ctx, s.refs()); err != nil {
		return payments.Outcome{}, payments.NewFault(payments.NeverSent, fmt.Errorf("pivot: making the session's id durable: %w", err))
	}
	confirmed, answer, err := a.session(ctx, s.ID, call{
		method: http.MethodPost, path: below(sessionsPath, s.ID, "confirm"),
		body: struct {
			Method  method   `json:"paymentMethod"`
			Options *options `json:"paymentMethodOptions"` // at the top: the sample that nests it contradicts its own table
		}{method{typeCard, &methodCard{Encrypted: encrypted}}, a.cardOptions(r.Capture, r.StepUp)},
		secrets: []string{
			encrypted, string(s.EncryptionKey), r.Source.Card.Number.Reveal(), r.Source.Card.CVC.Reveal(),
		},
	})
	if err != nil {
		return payments.Outcome{}, err
	}
	o, err := confirmed.outcome(r.Capture, answer)
	if err == nil && body.Save {
		a.addMethod(ctx, &o, confirmed)
	}
	return o, err
}

// chargeSaved makes a session that charges at once. The same request again is the same session.
func (a *adapter) chargeSaved(ctx context.Context, r payments.AuthorizeRequest, body sessionBody) (payments.Outcome, error) {
	body.AutoConfirm, body.Save, body.Options = true, false, a.cardOptions(r.Capture, r.StepUp)
	body.Method.Card = &methodCard{Token: r.Source.Method, CVC: r.Source.CVC.Reveal()}
	s, answer, err := a.postSession(ctx, body, []string{r.Source.Method, r.Source.CVC.Reveal()})
	switch {
	case err != nil && answer != nil:
		return payments.Outcome{}, methodGone(err, answer)
	case err != nil:
		return payments.Outcome{}, err
	}
	o, err := s.outcome(r.Capture, answer)
	if err != nil {
		return payments.Outcome{}, a.remember(ctx, r, s.refs(), err)
	}
	o.Refs.Method = r.Source.Method
	return o, nil
}

// remember makes the ids of a payment durable whose outcome is not known: with them it can be asked about and fenced, and a
// fault cannot carry them. When that fails, the reference is still left to ask by.
func (a *adapter) remember(ctx context.Context, r payments.AuthorizeRequest, refs payments.ProviderRefs, fault error) error {
	if r.Note == nil {
		return fault
	}
	if err := r.Note(ctx, refs); err != nil {
		f := *payments.AsFault(fault)
		f.Err = fmt.Errorf("pivot: session %s is not noted: %w", refs.Session, err)
		return &f
	}
	return fault
}

// chargedBefore is a repeated Authorize of a session that may have been confirmed. It asks, and confirms nothing: Pivot promises
// no idempotency there, and a session that is still open can be cancelled. Whatever goes wrong, the payment may have been made.
func (a *adapter) chargedBefore(ctx context.Context, r payments.AuthorizeRequest) (payments.Outcome, error) {
	s, answer, err := a.getSession(ctx, r.Refs.Session)
	if err != nil {
		f := *payments.AsFault(err)
		f.Kind, f.Code, f.RetryAfter = payments.Unknown, "", 0
		return payments.Outcome{}, &f
	}
	if s.abandoned() {
		return payments.Outcome{}, payments.Faultf(payments.Unknown, "pivot: the session was cancelled before it was charged")
	}
	return a.found(ctx, s, r.Capture, answer)
}

// postSession makes a session. The reference is the idempotency key, too.
func (a *adapter) postSession(ctx context.Context, body sessionBody, secrets []string) (*session, *wire.Response, error) {
	s, answer, err := a.session(ctx, "", call{
		method: http.MethodPost, path: sessionsPath, body: body, key: body.Reference, secrets: secrets,
	})
	if err == nil && s.Reference != "" && string(s.Reference) != body.Reference {
		return nil, nil, payments.Faultf(payments.Unknown, "pivot: the answer is not about this payment")
	}
	return s, answer, err
}

// session sends a call that is answered with a session: with the given one, if it has an id yet. The answer of a refusal comes
// with its fault.
func (a *adapter) session(ctx context.Context, id string, c call) (*session, *wire.Response, error) {
	answer, err := a.do(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	s, err := read[session](answer)
	switch {
	case err != nil:
		return nil, answer, err
	case s.ID == "", id != "" && s.ID != id:
		return nil, answer, payments.Faultf(payments.Unknown, "pivot: the answer is not about this session")
	}
	return s, answer, nil
}

// getSession reads a session that is known to exist. That it does not show is no answer to anything.
func (a *adapter) getSession(ctx context.Context, id string) (*session, *wire.Response, error) {
	s, answer, err := a.session(ctx, id, call{method: http.MethodGet, path: below(sessionsPath, id)})
	if err != nil && answer != nil && answer.Status == http.StatusNotFound {
		err = payments.Faultf(payments.Unknown, "pivot: the session is not shown")
	}
	return s, answer, err
}
