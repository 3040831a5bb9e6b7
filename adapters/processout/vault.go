package processout

import (
	"context"
	"net/http"
	"net/url"

	"switchyard/payments"
)

// Suffixes of the idempotency keys of a tokenization. It comes with the reference of the charge before it.
const (
	stepSaveCustomer = "-save-customer"
	stepSaveCard     = "-save-card"
	stepSave         = "-save"
)

// Suffixes of the idempotency keys of a verification.
const (
	stepVerifyCustomer = "-verify-customer"
	stepVerifyCard     = "-verify-card"
	stepVerifyToken    = "-verify-token"
	stepVerify         = "-verify"
)

// tokenBody is a new token, or a new source for one.
type tokenBody struct {
	Source           string    `json:"source,omitempty"`
	Verify           bool      `json:"verify,omitempty"`
	VerifyMetadata   *metadata `json:"verify_metadata,omitempty"`
	ReturnURL        string    `json:"return_url,omitempty"`
	InvoiceReturnURL string    `json:"invoice_return_url,omitempty"`
	ThreeDS          bool      `json:"enable_three_d_s_2,omitempty"` // the payer can be asked to authenticate
	Device           *device   `json:"device,omitempty"`
	Metadata         *metadata `json:"metadata,omitempty"`
}

// Verify puts a card on a new token that is to be verified, and so saves it. The token is made empty first and its id made
// durable: then the call that verifies can be asked after. ProcessOut takes no money where the acquirer can do without, and
// gives it back by itself where it cannot.
func (a *adapter) Verify(ctx context.Context, r payments.VerifyRequest) (payments.Outcome, error) {
	return settle(a.verify(ctx, r))
}

func (a *adapter) verify(ctx context.Context, r payments.VerifyRequest) (payments.Outcome, error) {
	if r.Source.Card == nil {
		return payments.Outcome{}, payments.Faultf(payments.Rejected, "processout: only a card can be verified, not a saved method")
	}
	refs, resend := r.Refs, r.Refs.Session != "" && r.Refs.Customer != ""
	var err error
	if !resend {
		if refs, err = a.prepareToken(ctx, r); err != nil {
			return payments.Outcome{}, err
		}
	}
	if err := durable(ctx, r.Note, sessionOf(refs)); err != nil {
		return payments.Outcome{}, err
	}
	card, err := a.createCard(ctx, *r.Source.Card, r.Reference+stepVerifyCard)
	if err != nil {
		return payments.Outcome{}, err
	}
	e, err := a.do(ctx, call{
		method:  http.MethodPut,
		path:    tokenPath(refs.Customer, refs.Session),
		key:     r.Reference + stepVerify,
		body:    tokenBody{Source: card, Verify: true, ThreeDS: true, Device: deviceOf(r.Payer)},
		secrets: secretsOf(*r.Source.Card),
	})
	if err = judge(err); resend {
		err = repeated(err)
	}
	if err != nil {
		return payments.Outcome{}, err
	}
	return e.verified(refs)
}

// verified reads the answer to a verifying call.
func (e *envelope) verified(refs payments.ProviderRefs) (payments.Outcome, error) {
	todo, err := e.Action.outcome()
	switch {
	case err != nil:
		return payments.Outcome{}, err
	case todo != nil:
		return payments.Outcome{Status: payments.ActionRequired, Action: todo, Refs: sessionOf(refs)}, nil
	case e.Token == nil || e.Token.ID != refs.Session:
		return payments.Outcome{}, incomplete("token that was verified")
	}
	o, ok, err := e.Token.verification(refs)
	if err == nil && !ok {
		err = unexpected("verification", e.Token.Verification)
	}
	return o, err
}

// prepareToken makes the empty token, with a customer if ProcessOut has none yet, and returns their ids.
func (a *adapter) prepareToken(ctx context.Context, r payments.VerifyRequest) (payments.ProviderRefs, error) {
	customer, err := a.customer(ctx, r.Payer, r.Reference+stepVerifyCustomer)
	if err != nil {
		return payments.ProviderRefs{}, preparing(err)
	}
	made, err := a.createToken(ctx, customer, r.Reference+stepVerifyToken, tokenBody{
		Verify: true, VerifyMetadata: &metadata{r.Reference}, Metadata: &metadata{r.Reference},
		ReturnURL: r.ReturnURL, InvoiceReturnURL: r.ReturnURL,
	})
	if err != nil {
		return payments.ProviderRefs{}, preparing(err)
	}
	return payments.ProviderRefs{Session: made.ID, Customer: customer}, nil
}

// verification says what the token tells of its verification. ok is false when it tells of none: no card has come, or not yet.
func (t *token) verification(refs payments.ProviderRefs) (o payments.Outcome, ok bool, err error) {
	o.Refs = sessionOf(refs)
	switch {
	case t.Verification == verificationSuccess:
		o.Status, o.Refs.Method = payments.Approved, t.ID
	case t.Verification == verificationFailed:
		o.Status, o.Code, o.RawCode = payments.Declined, payments.CardDeclined, verificationFailed
	case t.Verification == verificationPending && t.Type == tokenEmpty:
		return payments.Outcome{}, false, nil
	case t.Verification == verificationPending, t.Verification == verificationUnknown:
		o.Status = payments.Pending
	default:
		return payments.Outcome{}, false, unexpected("verification", t.Verification)
	}
	return o, true, nil
}

func (a *adapter) findVerification(ctx context.Context, refs payments.ProviderRefs) (payments.Finding, error) {
	e, err := a.getToken(ctx, refs)
	switch {
	case missing(err, "token"), missing(err, "customer"):
		return nothing, nil
	case err != nil:
		return payments.Finding{}, asking(err)
	}
	o, ok, err := e.Token.verification(refs)
	switch {
	case err != nil:
		return payments.Finding{}, err
	case !ok && e.Action.none():
		return payments.Finding{Kind: payments.NotFound, Refs: sessionOf(refs)}, nil
	case !ok, o.Status == payments.Pending:
		return e.processing(sessionOf(refs)), nil
	}
	return payments.Finding{Kind: payments.FoundOutcome, Outcome: o, Refs: o.Refs}, nil
}

// abandonVerification deletes a token whose verification has not ended. Should it end between the two calls, a verified card
// is lost with its token, but no money: a verification keeps none.
func (a *adapter) abandonVerification(ctx context.Context, refs payments.ProviderRefs) (payments.Fence, error) {
	e, err := a.getToken(ctx, refs)
	switch {
	case missing(err, "token"), missing(err, "customer"):
		return payments.FenceAbsent, nil // deleted by an earlier fence, or not shown yet: not found is no proof
	case err != nil:
		return "", asking(err)
	case e.Token.Verification != verificationPending && e.Token.Verification != verificationUnknown:
		return payments.FenceBroken, nil
	}
	if err := a.deleteToken(ctx, refs.Customer, refs.Session); err != nil {
		return "", asking(err)
	}
	return payments.Fenced, nil
}

// Tokenize saves a card on a new token, without a verification.
func (a *adapter) Tokenize(ctx context.Context, r payments.TokenizeRequest) (payments.Outcome, error) {
	return settle(a.tokenize(ctx, r))
}

func (a *adapter) tokenize(ctx context.Context, r payments.TokenizeRequest) (payments.Outcome, error) {
	customer, err := a.customer(ctx, r.Payer, r.Reference+stepSaveCustomer)
	if err != nil {
		return payments.Outcome{}, preparing(err)
	}
	card, err := a.createCard(ctx, r.Card, r.Reference+stepSaveCard)
	if err != nil {
		return payments.Outcome{}, err
	}
	t, err := a.createToken(ctx, customer, r.Reference+stepSave, tokenBody{Source: card, Metadata: &metadata{r.Reference}})
	switch {
	case err != nil:
		return payments.Outcome{}, judge(err)
	case t.Type == tokenEmpty || !t.Chargeable:
		return payments.Outcome{}, unexpected("tokenization", t.Verification)
	}
	return payments.Outcome{Status: payments.Approved, Refs: payments.ProviderRefs{Customer: customer, Method: t.ID}}, nil
}

// DeleteMethod deletes a saved card's token.
func (a *adapter) DeleteMethod(ctx context.Context, r payments.ForgetRequest) error {
	if r.CustomerRef == "" {
		return payments.Faultf(payments.Rejected, "processout: a token is deleted from its customer, and no customer is known")
	}
	return asking(a.deleteToken(ctx, r.CustomerRef, r.MethodRef))
}

// customer returns ProcessOut's customer for a payer, a new one if there is none yet.
func (a *adapter) customer(ctx context.Context, p payments.Payer, key string) (string, error) {
	if p.CustomerRef != "" {
		return p.CustomerRef, nil
	}
	e, err := a.do(ctx, call{
		method: http.MethodPost,
		path:   "/customers",
		key:    key,
		body: struct {
			FirstName   string `json:"first_name,omitempty"`
			LastName    string `json:"last_name,omitempty"`
			Email       string `json:"email,omitempty"`
			CountryCode string `json:"country_code,omitempty"`
			IPAddress   string `json:"ip_address,omitempty"`
			ReferenceID string `json:"reference_id,omitempty"`
		}{cut(p.FirstName, maxCustomerName), cut(p.LastName, maxCustomerName), p.Email, p.CountryCode, p.IPAddress, p.CustomerID},
	})
	switch {
	case err != nil:
		return "", err
	case e.Customer == nil || e.Customer.ID == "":
		return "", incomplete("customer")
	}
	return e.Customer.ID, nil
}

// maxCustomerName is how long each of a customer's names may be, in characters.
const maxCustomerName = 80

func (a *adapter) createToken(ctx context.Context, customer, key string, body tokenBody) (*token, error) {
	e, err := withToken(a.do(ctx, call{method: http.MethodPost, path: tokensPath(customer), key: key, body: body}))
	if err != nil {
		return nil, err
	}
	return e.Token, nil
}

// getToken returns the answer that has the token of a verification.
func (a *adapter) getToken(ctx context.Context, refs payments.ProviderRefs) (*envelope, error) {
	e, err := withToken(a.do(ctx, call{method: http.MethodGet, path: tokenPath(refs.Customer, refs.Session)}))
	if err == nil && e.Token.ID != refs.Session {
		return nil, incomplete("token that was asked for")
	}
	return e, err
}

// withToken insists that an answer has a token.
func withToken(e *envelope, err error) (*envelope, error) {
	if err == nil && (e.Token == nil || e.Token.ID == "") {
		return nil, incomplete("token")
	}
	return e, err
}

// deleteToken deletes a token; one that is gone already is deleted.
func (a *adapter) deleteToken(ctx context.Context, customer, id string) error {
	_, err := a.do(ctx, call{method: http.MethodDelete, path: tokenPath(customer, id)})
	if missing(err, "token") || missing(err, "customer") {
		return nil
	}
	return err
}

func tokensPath(customer string) string { return "/customers/" + url.PathEscape(customer) + "/tokens" }

func tokenPath(customer, id string) string { return tokensPath(customer) + "/" + url.PathEscape(id) }

// sessionOf leaves of a verification's references those that name its token before it is proven.
func sessionOf(refs payments.ProviderRefs) payments.ProviderRefs {
	return payments.ProviderRefs{Session: refs.Session, Customer: refs.Customer}
}
