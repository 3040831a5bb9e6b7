package dojo

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"switchyard/payments"
)

const (
	captureAuto   = "Auto"
	captureManual = "Manual"

	// sessionLifetime is how long a payer may take when the request does not say. Customer secrets live about as long.
	sessionLifetime = 30 * time.Minute
	// holdLifetime is captureWindow as Dojo writes it, days before hours. What is not captured by then is released.
	holdLifetime  = "6.00:00:00"
	holdThenGiven = "Release"

	maxUserAgent = 300 // characters
	maxIPAddress = 70
)

// intentCustomer is who pays. The secret opens the saved cards to the page.
type intentCustomer struct {
	ID          string `json:"id,omitempty"`
	Secret      string `json:"secret,omitempty"`
	SavedCardID string `json:"savedCardId,omitempty"`
	Email       string `json:"emailAddress,omitempty"`
	Phone       string `json:"phoneNumber,omitempty"`
}

// pageConfig is how the page behaves.
type pageConfig struct {
	RedirectURL string `json:"redirectUrl,omitempty"`
	CancelURL   string `json:"cancelUrl,omitempty"`
}

type device struct {
	UserAgent string `json:"userAgent,omitempty"`
	IPAddress string `json:"ipAddress,omitempty"`
}

// setupBody is a new setup intent.
type setupBody struct {
	Reference      string          `json:"reference"`
	Description    string          `json:"description,omitempty"`
	Type           string          `json:"merchantInitiatedTransactionType"`
	Terms          string          `json:"terms"`
	PaymentMethods []string        `json:"paymentMethods"`
	Customer       *intentCustomer `json:"customer,omitempty"`
	Config         *pageConfig     `json:"config,omitempty"`
	ExpireAt       string          `json:"expireAt"`
}

// StartSession makes a payment intent and returns the link to its page. Over the amount zero it makes a setup intent: the payer
// agrees to later charges and pays nothing. Until the link is given away nobody can pay, so whatever fails here certainly did not
// charge.
func (a *adapter) StartSession(ctx context.Context, r payments.SessionRequest) (payments.Outcome, error) {
	if r.Refs.Session != "" {
		return a.resumeSession(ctx, r)
	}
	refs, link, err := a.openSession(ctx, r)
	if err != nil {
		return payments.Outcome{}, preparing(err)
	}
	if err := durable(ctx, r.Note, refs); err != nil {
		return payments.Outcome{}, err
	}
	return onPage(refs, a.pageAt(link, refs.Session)), nil
}

// openSession makes what the payer pays, and returns its references and its link.
func (a *adapter) openSession(ctx context.Context, r payments.SessionRequest) (payments.ProviderRefs, string, error) {
	if r.Amount.Minor == 0 && a.terms == "" {
		return payments.ProviderRefs{}, "", rejected(payments.GatewayConfigurationError,
			"no terms are configured (mandate_terms) that a payer could agree to")
	}
	if r.Amount.Minor == 0 {
		return a.openSetup(ctx, r)
	}
	customer, secret, err := a.sessionCustomer(ctx, r)
	if err != nil {
		return payments.ProviderRefs{}, "", err
	}
	body := intentBody{
		Amount:          moneyOf(r.Amount),
		Reference:       r.Reference,
		Description:     cut(r.Description, maxDescription),
		CaptureMode:     captureAuto,
		PaymentMethods:  []string{"Card"},
		Customer:        customer,
		Config:          pageOf(r),
		RequestSecurity: deviceOf(r.Payer),
		ExpireAt:        a.expiry(r),
	}
	if !r.Capture {
		body.CaptureMode, body.AutoExpireIn, body.AutoExpireAction = captureManual, holdLifetime, holdThenGiven
	}
	if !secret.IsZero() {
		body.PaymentMethods = []string{"SavedCard", "Card"}
	}
	var made intent
	if err := a.ask(ctx, call{method: http.MethodPost, path: intentsPath, body: body, customer: secret}, &made); err != nil {
		return payments.ProviderRefs{}, "", err
	}
	if !made.made(r.Reference, r.Amount) {
		return payments.ProviderRefs{}, "", unexpected("the intent that was to be made")
	}
	return sessionRefs(made.ID, customer), made.PaymentLink, nil
}

// openSetup makes a setup intent. Saved cards are of no use to it.
func (a *adapter) openSetup(ctx context.Context, r payments.SessionRequest) (payments.ProviderRefs, string, error) {
	customer := guest(r.Payer)
	var made setup
	err := a.ask(ctx, call{method: http.MethodPost, path: setupsPath, body: setupBody{
		Reference:      r.Reference,
		Description:    cut(r.Description, maxDescription),
		Type:           a.mandate,
		Terms:          a.terms,
		PaymentMethods: []string{"Card"},
		Customer:       customer,
		Config:         pageOf(r),
		ExpireAt:       a.expiry(r),
	}}, &made)
	switch {
	case err != nil:
		return payments.ProviderRefs{}, "", err
	case !strings.HasPrefix(made.ID, setupPrefix) || made.Status != setupCreated || made.Reference != "" && made.Reference != r.Reference:
		return payments.ProviderRefs{}, "", unexpected("the setup intent that was to be made")
	}
	return sessionRefs(made.ID, customer), "", nil
}

// resumeSession gives the link of a session that was made before, unless the payer has used it meanwhile.
func (a *adapter) resumeSession(ctx context.Context, r payments.SessionRequest) (payments.Outcome, error) {
	op := payments.OpSale
	switch {
	case r.Amount.Minor == 0:
		op = payments.OpVerify
	case !r.Capture:
		op = payments.OpAuthorize
	}
	found, err := a.findCharge(ctx, payments.LookupRequest{Operation: op, Reference: r.Reference, Refs: r.Refs, Amount: r.Amount})
	switch {
	case err != nil:
		return payments.Outcome{}, err
	case found.Outcome.Status != "":
		return found.Outcome, nil
	}
	return payments.Outcome{Status: payments.Pending, Refs: found.Refs}, nil
}

// onPage sends the payer to the page. Its address may hold the customer's secret: it is for the payer alone.
func onPage(refs payments.ProviderRefs, page string) payments.Outcome {
	return payments.Outcome{
		Status: payments.ActionRequired, Refs: refs, Action: &payments.CustomerAction{Type: "redirect", Value: page},
	}
}

// pageAt is the page of a session: where the link leads, if there is a good one.
func (a *adapter) pageAt(link, session string) string {
	if webAddress(link) {
		return link
	}
	return a.checkout + below("/checkout", session)
}

// webAddress says whether a payer can be sent there.
func webAddress(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil
}

// sessionCustomer is who pays, and the fresh secret where the page is to offer or keep cards. A payer without an id of ours has
// nobody to keep cards for.
func (a *adapter) sessionCustomer(ctx context.Context, r payments.SessionRequest) (*intentCustomer, payments.Secret, error) {
	if !r.Save && !r.ShowSaved || r.Payer.CustomerRef == "" && r.Payer.CustomerID == "" {
		return guest(r.Payer), payments.Secret{}, nil
	}
	ref, payer := r.Payer.CustomerRef, r.Payer
	if ref != "" {
		secret, found, err := a.customerSecret(ctx, ref)
		if err != nil {
			return nil, payments.Secret{}, err
		}
		if found {
			return customerOf(ref, secret, r), secret, nil
		}
		payer.CustomerRef, r.PreferredMethod = "", "" // deleted at Dojo, with its cards
	}
	ref, err := a.SyncCustomer(ctx, payer)
	if err != nil {
		return nil, payments.Secret{}, err
	}
	secret, found, err := a.customerSecret(ctx, ref)
	switch {
	case err != nil:
		return nil, payments.Secret{}, err
	case !found:
		return nil, payments.Secret{}, unexpected("the customer that was made")
	}
	return customerOf(ref, secret, r), secret, nil
}

func customerOf(ref string, secret payments.Secret, r payments.SessionRequest) *intentCustomer {
	c := &intentCustomer{ID: ref, Secret: secret.Reveal()}
	if r.ShowSaved && !strings.HasPrefix(r.PreferredMethod, setupPrefix) { // which is no card that a page could offer
		c.SavedCardID = r.PreferredMethod
	}
	return c
}

// guest is a payer whose cards are not kept; nil when nothing is known of them. No customer is named: one that is gone at Dojo
// would cost the payment.
func guest(p payments.Payer) *intentCustomer {
	c := intentCustomer{}
	c.Email, c.Phone = contact(p)
	if c == (intentCustomer{}) {
		return nil
	}
	return &c
}

// sessionRefs are the references of a new session.
func sessionRefs(id string, customer *intentCustomer) payments.ProviderRefs {
	refs := payments.ProviderRefs{Session: id}
	if customer != nil {
		refs.Customer = customer.ID
	}
	return refs
}

func pageOf(r payments.SessionRequest) *pageConfig {
	if r.CancelURL == "" {
		r.CancelURL = r.ReturnURL
	}
	if r.CancelURL == "" && r.ReturnURL == "" {
		return nil
	}
	return &pageConfig{RedirectURL: r.ReturnURL, CancelURL: r.CancelURL}
}

func deviceOf(p payments.Payer) *device {
	d := device{UserAgent: cut(p.UserAgent, maxUserAgent), IPAddress: cut(p.IPAddress, maxIPAddress)}
	if d == (device{}) {
		return nil
	}
	return &d
}

// expiry is when the session ends by itself.
func (a *adapter) expiry(r payments.SessionRequest) string {
	if r.ExpiresAt.IsZero() {
		return stamp(a.now().Add(sessionLifetime))
	}
	return stamp(r.ExpiresAt)
}
