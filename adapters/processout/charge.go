package processout

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"switchyard/adapters/wire"
	"switchyard/payments"
)

// Suffixes that make one idempotency key per step out of an attempt's reference. A verification and a tokenization may come
// with the reference of a charge, and are other requests.
const (
	stepCard    = "-card"
	stepInvoice = "-invoice"
	stepCharge  = "-charge"
)

const (
	maxInvoiceName = 80 // characters
	maxDescriptor  = 25
	timeFormat     = "2006-01-02T15:04:05.000Z"
	// invoiceLifetime is when an invoice that nobody paid is gone by itself. A hold ends then too.
	invoiceLifetime = captureWindow
)

// Authorize makes a card and an invoice, makes the invoice's id durable, and authorizes or captures it, which charges.
func (a *adapter) Authorize(ctx context.Context, r payments.AuthorizeRequest) (payments.Outcome, error) {
	return settle(a.authorize(ctx, r))
}

func (a *adapter) authorize(ctx context.Context, r payments.AuthorizeRequest) (payments.Outcome, error) {
	source, err := a.prepareSource(ctx, r)
	if err != nil {
		return payments.Outcome{}, err
	}
	session := r.Refs.Session
	resend := session != ""
	if !resend {
		if session, err = a.prepareInvoice(ctx, r); err != nil {
			return payments.Outcome{}, err
		}
	}
	if err := durable(ctx, r.Note, payments.ProviderRefs{Session: session}); err != nil {
		return payments.Outcome{}, err
	}
	o, err := a.charge(ctx, r, session, source)
	if resend {
		err = repeated(err)
	}
	return o, about(err, session)
}

// prepareSource returns what is charged: a card made for this payment, or the saved method.
func (a *adapter) prepareSource(ctx context.Context, r payments.AuthorizeRequest) (string, error) {
	switch {
	case r.Source.Card != nil:
		return a.createCard(ctx, *r.Source.Card, r.Reference+stepCard)
	case r.Source.Method != "":
		return r.Source.Method, nil
	}
	return "", payments.Faultf(payments.Rejected, "processout: the request has neither a card nor a saved method")
}

// createCard makes a card, which pays once or is put on one token.
func (a *adapter) createCard(ctx context.Context, card payments.CardData, key string) (string, error) {
	e, err := a.do(ctx, call{
		method: http.MethodPost,
		path:   "/cards",
		key:    key,
		body: struct {
			Number   string `json:"number"`
			ExpMonth string `json:"exp_month"`
			ExpYear  string `json:"exp_year"`
			CVC      string `json:"cvc2,omitempty"`
			Name     string `json:"name,omitempty"`
		}{card.Number.Reveal(), fmt.Sprintf("%02d", card.ExpMonth), fmt.Sprint(card.ExpYear), card.CVC.Reveal(), card.Name},
		secrets: secretsOf(card),
	})
	if err == nil && (e.Card == nil || e.Card.ID == "") {
		err = incomplete("card")
	}
	if err != nil {
		return "", preparing(err)
	}
	return e.Card.ID, nil
}

// invoiceBody is a new invoice.
type invoiceBody struct {
	Name                  string              `json:"name"`
	Amount                string              `json:"amount"`
	Currency              payments.Currency   `json:"currency"`
	ReferenceID           string              `json:"reference_id"`
	CustomerID            string              `json:"customer_id,omitempty"`
	ReturnURL             string              `json:"return_url,omitempty"`
	StatementDescriptor   string              `json:"statement_descriptor,omitempty"`
	InitiationType        payments.Initiation `json:"initiation_type"`
	MerchantInitiatorType string              `json:"merchant_initiator_type,omitempty"` // the older word for it
	PaymentIntent         string              `json:"payment_intent,omitempty"`
	Metadata              metadata            `json:"metadata"`
	ExpiresAt             string              `json:"expires_at"`
}

type metadata struct {
	Reference string `json:"reference"`
}

// prepareInvoice makes the invoice and returns its id.
func (a *adapter) prepareInvoice(ctx context.Context, r payments.AuthorizeRequest) (string, error) {
	body := invoiceBody{
		Name:                first(cut(r.Description, maxInvoiceName), "Payment"),
		Amount:              r.Amount.String(),
		Currency:            r.Amount.Currency,
		ReferenceID:         r.Reference,
		ReturnURL:           r.ReturnURL,
		StatementDescriptor: descriptor(r.StatementDescriptor),
		InitiationType:      payments.CustomerInitiated,
		PaymentIntent:       r.PaymentIntent,
		Metadata:            metadata{r.Reference},
		ExpiresAt:           a.now().UTC().Add(invoiceLifetime).Format(timeFormat),
	}
	if r.Source.Method != "" { // a card needs no customer, and one that is gone would cost the payment
		body.CustomerID = r.Payer.CustomerRef
	}
	if r.Initiation == payments.MerchantInitiated {
		body.InitiationType, body.MerchantInitiatorType = payments.MerchantInitiated, "one-off"
		if strings.HasPrefix(r.PaymentIntent, "recurring") || r.PaymentIntent == "installment" {
			body.MerchantInitiatorType = "recurring"
		}
	}
	e, err := a.do(ctx, call{method: http.MethodPost, path: "/invoices", key: r.Reference + stepInvoice, body: body})
	if r.Source.Method != "" { // the customer may be gone with its methods
		err = methodGone(err)
	}
	if err == nil && (e.Invoice == nil || e.Invoice.ID == "") {
		err = incomplete("invoice")
	}
	if err != nil {
		return "", preparing(err)
	}
	return e.Invoice.ID, nil
}

// durable makes references durable before the charging call; nothing may be charged when it fails.
func durable(ctx context.Context, note func(context.Context, payments.ProviderRefs) error, refs payments.ProviderRefs) error {
	if note == nil {
		return payments.Faultf(payments.NeverSent, "processout: no way to make references durable was given")
	}
	if err := note(ctx, refs); err != nil {
		return payments.NewFault(payments.NeverSent, fmt.Errorf("processout: making references durable: %w", err))
	}
	return nil
}

// chargeBody asks for the money of an invoice.
type chargeBody struct {
	Source               string  `json:"source"`
	Incremental          bool    `json:"incremental,omitempty"`
	ThreeDS              bool    `json:"enable_three_d_s_2"` // the payer can be asked to authenticate
	NetworkTransactionID string  `json:"initial_scheme_transaction_id,omitempty"`
	Device               *device `json:"device,omitempty"`
}

type device struct {
	IPAddress string `json:"ip_address,omitempty"`
	UserAgent string `json:"user_agent,omitempty"`
}

func deviceOf(p payments.Payer) *device {
	if p.IPAddress == "" && p.UserAgent == "" {
		return nil
	}
	return &device{IPAddress: p.IPAddress, UserAgent: p.UserAgent}
}

// charge is the charging call.
func (a *adapter) charge(ctx context.Context, r payments.AuthorizeRequest, session, source string) (payments.Outcome, error) {
	body := chargeBody{Source: source, Incremental: r.Incremental, ThreeDS: true, Device: deviceOf(r.Payer)}
	if r.Initiation == payments.MerchantInitiated {
		body.ThreeDS, body.Device, body.NetworkTransactionID = false, nil, r.NetworkTransactionID
	}
	c := call{method: http.MethodPost, path: chargePath(session, r.Capture), key: r.Reference + stepCharge, body: body}
	if r.Source.Card != nil {
		c.secrets = secretsOf(*r.Source.Card)
	}
	e, err := a.do(ctx, c)
	if r.Source.Method != "" {
		err = methodGone(err)
	}
	if err != nil {
		return payments.Outcome{}, judge(err)
	}
	return e.charged(session, r.Capture, r.Amount.Currency)
}

// charged reads the answer to a charging call.
func (e *envelope) charged(session string, sale bool, c payments.Currency) (payments.Outcome, error) {
	todo, err := e.Action.outcome()
	if err != nil {
		return payments.Outcome{}, err
	}
	if todo != nil {
		o := payments.Outcome{Status: payments.ActionRequired, Action: todo, Refs: payments.ProviderRefs{Session: session}}
		if e.Transaction != nil {
			o.Refs.Charge = e.Transaction.ID
		}
		return o, nil
	}
	if e.Transaction == nil || e.Transaction.ID == "" {
		return payments.Outcome{}, incomplete("transaction")
	}
	o, ok, err := e.Transaction.charge(sale, c, e.redact)
	if err == nil && !ok {
		err = unexpected("charge", e.Transaction.Status)
	}
	o.Refs.Session = session
	return o, err
}

// charge says what the transaction tells of its charge. ok is false when it tells of none: nothing happened, or not yet.
func (t *transaction) charge(sale bool, c payments.Currency, redact func(string) string) (o payments.Outcome, ok bool, err error) {
	totals, err := t.totals(c)
	if err != nil {
		return payments.Outcome{}, false, err
	}
	o = payments.Outcome{
		Refs:     payments.ProviderRefs{Charge: t.ID},
		CVCCheck: redact(t.CVCCheck), AVSCheck: redact(t.AVSCheck),
	}
	held := t.Status == statusAuthorized || t.Status == statusPendingCapture
	switch {
	case t.captured(), held && !sale:
		o.Status, o.NetworkTransactionID = payments.Approved, t.networkID()
		o.Amount = money(totals.Authorized, c)
		if sale {
			o.Amount = money(totals.Captured, c)
		}
	case held, t.Status == statusPending, t.Status == statusInReview:
		o.Status = payments.Pending
	case t.Status == statusWaiting && t.begun():
		o.Status = payments.Pending
	case t.Status == statusWaiting:
		return payments.Outcome{}, false, nil
	case t.Status == statusFailed, t.Status == statusBlocked:
		return t.failed(o, redact)
	case t.Status == statusVoided: // no money is held, and none will be
		o.Status, o.Code, o.RawCode = payments.Declined, payments.GatewayExpired, statusVoided
	default:
		return payments.Outcome{}, false, unexpected("charge", t.Status)
	}
	return o, true, nil
}

// failed is the outcome of a transaction that did not come about. When its code leaves open whether the acquirer has taken the
// money after all, ProcessOut does not know either.
func (t *transaction) failed(o payments.Outcome, redact func(string) string) (payments.Outcome, bool, error) {
	word := t.ErrorCode
	if word == "" && t.Status == statusBlocked {
		word = string(payments.RequestTransactionBlocked)
	}
	o.Status, o.Code = payments.Declined, codeOf(word)
	o.RawCode, o.RawMessage, o.AdviceCode = redact(t.ErrorCode), redact(t.ErrorMessage), string(t.AdviceCode)
	if o.Code.MeansUnknown() {
		return payments.Outcome{}, false, &payments.Fault{Kind: payments.Unknown, Code: o.Code, RawCode: o.RawCode, RawMessage: o.RawMessage}
	}
	return o, true, nil
}

func invoicePath(id, action string) string { return "/invoices/" + url.PathEscape(id) + action }

// chargePath is the path of the charging call.
func chargePath(invoice string, sale bool) string {
	if sale {
		return invoicePath(invoice, "/capture")
	}
	return invoicePath(invoice, "/authorize")
}

// money is an amount that ProcessOut told; none is the zero value.
func money(minor int64, c payments.Currency) payments.Money {
	if minor <= 0 {
		return payments.Money{}
	}
	return payments.Money{Minor: minor, Currency: c}
}

// about adds the invoice's id to a decline.
func about(err error, session string) error {
	if d, ok := errors.AsType[*decline](err); ok {
		d.outcome.Refs.Session = session
	}
	return err
}

// unexpected is the fault for a good answer with a status that does not answer the question.
func unexpected(what, status string) error {
	if strings.Trim(status, "abcdefghijklmnopqrstuvwxyz-") != "" {
		status = "that is no word" // whatever it is, it need not be seen
	}
	return payments.Faultf(payments.Unknown, "processout: the %s was answered with the status %q", what, wire.Redact(status))
}

// secretsOf lists what of a card must never show.
func secretsOf(c payments.CardData) []string { return []string{c.Number.Reveal(), c.CVC.Reveal()} }

// descriptor is what may stand on a statement: letters, digits, space and . * /.
func descriptor(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', strings.ContainsRune(" .*/", r):
			return r
		}
		return -1
	}, text)
	return strings.TrimSpace(cut(text, maxDescriptor))
}

// cut shortens text to a number of characters.
func cut(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most])
	}
	return text
}

// first returns text, or the other one when it is empty.
func first(text, other string) string {
	if strings.TrimSpace(text) == "" {
		return other
	}
	return text
}
