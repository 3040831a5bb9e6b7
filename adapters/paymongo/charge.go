package paymongo

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

// Suffixes that make one idempotency key per step out of an attempt's reference.
const (
	stepMethod  = "-pm"
	stepIntent  = "-pi"
	stepSaving  = "-pi-save" // an intent that saves the card: the same payment may be tried without saving next
	stepAttach  = "-attach"
	stepCapture = "-capture"
	stepCancel  = "-cancel"
	stepRefund  = "-refund"
)

// billing is what PayMongo may be told of a payer. Everything is optional for cards; the phone number is left out, because
// one in a form that PayMongo does not like would cost the payment.
type billing struct {
	Name    string   `json:"name,omitempty"`
	Email   string   `json:"email,omitempty"`
	Address *address `json:"address,omitempty"`
}

type address struct {
	Country string `json:"country"`
}

type metadata struct {
	Reference string `json:"reference"`
}

// Authorize makes a payment method and an intent, makes the intent's id durable, and attaches the one to the other, which
// charges. A card is saved only for a customer that PayMongo knows, and reported as saved only when it is on the customer's
// list.
func (a *adapter) Authorize(ctx context.Context, r payments.AuthorizeRequest) (payments.Outcome, error) {
	return settle(a.authorize(ctx, r))
}

func (a *adapter) authorize(ctx context.Context, r payments.AuthorizeRequest) (payments.Outcome, error) {
	method, err := a.prepareMethod(ctx, r)
	if err != nil {
		return payments.Outcome{}, err
	}
	session := r.Refs.Session
	resend := session != ""
	if !resend {
		if session, err = a.prepareIntent(ctx, r, method); err != nil {
			return payments.Outcome{}, err
		}
	}
	if err := durable(ctx, r, session); err != nil {
		return payments.Outcome{}, err
	}
	i, err := a.attach(ctx, r, session, method)
	switch {
	case err != nil && resend:
		return payments.Outcome{}, about(repeated(err), session)
	case err != nil && r.Source.Method != "":
		return payments.Outcome{}, about(judge(methodGone(err)), session)
	case err != nil:
		return payments.Outcome{}, about(judge(err), session)
	}
	o, ok, err := i.charge(r.Capture)
	if err == nil && !ok {
		err = payments.Faultf(payments.Unknown, "paymongo: the attach was answered with an intent that is %q and has no failed payment", wire.Redact(i.Status, i.secrets...))
	}
	if saves(r) {
		a.addVaulted(ctx, &o, r.Payer.CustomerRef, method)
	}
	return o, err
}

// prepareMethod returns the payment method to attach: a new one for the card, or the saved one with its CVC renewed.
func (a *adapter) prepareMethod(ctx context.Context, r payments.AuthorizeRequest) (string, error) {
	if card := r.Source.Card; card != nil {
		return a.createMethod(ctx, r, card)
	}
	if r.Source.Method == "" {
		return "", payments.Faultf(payments.Rejected, "paymongo: the request has neither a card nor a saved method")
	}
	if r.Source.CVC.IsZero() {
		return "", rejected(payments.CardMissingCVC, "a vaulted card is charged with its CVC only, which has to be asked for each time")
	}
	_, err := fetch[struct{}](ctx, a, call{
		method:     http.MethodPut,
		path:       "/payment_methods/" + url.PathEscape(r.Source.Method),
		attributes: renewedCVC{Type: "card", CVC: r.Source.CVC.Reveal()},
		secrets:    secretsOf(r.Source),
	}, r.Source.Method)
	return r.Source.Method, preparing(methodGone(err))
}

// renewedCVC is the update of a payment method. The vendor's texts disagree about its shape; this one is known to work in
// PayMongo's test mode.
type renewedCVC struct {
	Type string `json:"type"`
	CVC  string `json:"cvc"`
}

func (a *adapter) createMethod(ctx context.Context, r payments.AuthorizeRequest, card *payments.CardData) (string, error) {
	type details struct {
		CardNumber string `json:"card_number"`
		ExpMonth   int    `json:"exp_month"`
		ExpYear    int    `json:"exp_year"`
		CVC        string `json:"cvc,omitempty"`
	}
	payer := billing{Email: r.Payer.Email, Name: strings.TrimSpace(r.Payer.FirstName + " " + r.Payer.LastName)}
	if payer.Name == "" {
		payer.Name = card.Name
	}
	if r.Payer.CountryCode != "" {
		payer.Address = &address{Country: r.Payer.CountryCode}
	}
	method, err := fetch[struct{}](ctx, a, call{
		method: http.MethodPost,
		path:   "/payment_methods",
		key:    r.Reference + stepMethod,
		attributes: struct {
			Type    string  `json:"type"`
			Details details `json:"details"`
			Billing billing `json:"billing"`
		}{"card", details{card.Number.Reveal(), card.ExpMonth, card.ExpYear, card.CVC.Reveal()}, payer},
		secrets: secretsOf(r.Source),
	}, "")
	return method.ID, preparing(err)
}

// prepareIntent makes the intent, for a payment method, and returns its id.
func (a *adapter) prepareIntent(ctx context.Context, r payments.AuthorizeRequest, method string) (string, error) {
	type card struct {
		RequestThreeDSecure string `json:"request_three_d_secure"`
	}
	type options struct {
		Card card `json:"card"`
	}
	descriptor, capture := r.StatementDescriptor, "manual"
	if descriptor == "" {
		descriptor = a.descriptor
	}
	if r.Capture {
		capture = "automatic"
	}
	step, labels, setup := stepIntent, intentLabels{Reference: r.Reference}, (*futureUsage)(nil)
	if saves(r) {
		step, labels.Method, setup = stepSaving, method, &futureUsage{onSession, r.Payer.CustomerRef}
	}
	i, err := a.intent(ctx, call{
		method: http.MethodPost,
		path:   "/payment_intents",
		key:    r.Reference + step,
		attributes: struct {
			Amount      int64             `json:"amount"`
			Currency    payments.Currency `json:"currency"`
			Allowed     []string          `json:"payment_method_allowed"`
			Options     options           `json:"payment_method_options"`
			CaptureType string            `json:"capture_type"`
			Description string            `json:"description,omitempty"`
			Descriptor  string            `json:"statement_descriptor,omitempty"`
			Setup       *futureUsage      `json:"setup_future_usage,omitempty"`
			Metadata    intentLabels      `json:"metadata"`
		}{r.Amount.Minor, r.Amount.Currency, []string{"card"}, options{card{a.threeDSecure(r)}}, capture, r.Description, descriptor, setup, labels},
	}, "")
	switch {
	case err != nil && setup != nil:
		return "", preparing(saveRefused(err))
	case err != nil:
		return "", preparing(err)
	}
	return i.id, nil
}

// threeDSecure is when PayMongo is to authenticate the payer.
func (a *adapter) threeDSecure(r payments.AuthorizeRequest) string {
	if r.StepUp {
		return threeDSAny
	}
	return a.threeDS
}

// StepsUp says whether a charge can ask for more than every charge does.
func (a *adapter) StepsUp() bool { return a.threeDS != threeDSAny }

// durable makes the intent's id durable; nothing may be charged when that fails.
func durable(ctx context.Context, r payments.AuthorizeRequest, session string) error {
	if r.Note == nil {
		return payments.Faultf(payments.NeverSent, "paymongo: no way to make the intent's id durable was given")
	}
	if err := r.Note(ctx, payments.ProviderRefs{Session: session}); err != nil {
		return payments.NewFault(payments.NeverSent, fmt.Errorf("paymongo: making the intent's id durable: %w", err))
	}
	return nil
}

// attach is the charging call.
func (a *adapter) attach(ctx context.Context, r payments.AuthorizeRequest, session, method string) (*intent, error) {
	return a.intent(ctx, call{
		method: http.MethodPost,
		path:   intentPath(session, "/attach"),
		key:    r.Reference + stepAttach,
		attributes: struct {
			PaymentMethod string `json:"payment_method"`
			ReturnURL     string `json:"return_url,omitempty"`
		}{method, r.ReturnURL},
		secrets: secretsOf(r.Source),
	}, session)
}

// intent sends a call that is answered with an intent, which must be the one with the given id, if there is one yet.
func (a *adapter) intent(ctx context.Context, c call, id string) (*intent, error) {
	found, err := fetch[intent](ctx, a, c, id)
	if err != nil {
		return nil, err
	}
	i := &found.Attributes
	i.id, i.secrets = found.ID, append(c.secrets, a.key.Reveal(), a.webhookSecret.Reveal())
	return i, nil
}

func intentPath(id, action string) string { return "/payment_intents/" + url.PathEscape(id) + action }

// secretsOf lists what of a source must never show.
func secretsOf(s payments.Source) []string {
	secrets := []string{s.CVC.Reveal()}
	if s.Card != nil {
		secrets = append(secrets, s.Card.Number.Reveal(), s.Card.CVC.Reveal())
	}
	return secrets
}

// methodGone marks the refusal of a saved method that PayMongo does not have (any more).
func methodGone(err error) error {
	if !missing(err) {
		return err
	}
	err = judge(err)
	if f, ok := errors.AsType[*payments.Fault](err); ok {
		f.MethodGone = true
	}
	return err
}

// about adds the intent's id to a decline.
func about(err error, session string) error {
	if d, ok := errors.AsType[*decline](err); ok {
		d.outcome.Refs.Session = session
	}
	return err
}

// charge says what the intent tells of its charge. ok is false when it tells of none: nothing happened, or not yet.
func (i *intent) charge(sale bool) (o payments.Outcome, ok bool, err error) {
	o.Refs = i.refs()
	switch i.Status {
	case intentSucceeded:
		o.Status, o.Amount = payments.Approved, i.money(i.Amount)
		if p, ok := i.paid(); ok {
			o.Fee = i.money(p.Attributes.Fee)
			if sale { // of a hold, the payment is what was captured of it
				o.Amount = i.money(p.Attributes.Amount)
			}
		}
	case intentAwaitingCapture:
		o.Status, o.Amount = payments.Approved, i.money(i.Amount)
		if sale { // it captures by itself
			o.Status, o.Amount = payments.Pending, payments.Money{}
		}
	case intentProcessing:
		o.Status = payments.Pending
	case intentAwaitingAction:
		to := i.redirect()
		if to == "" {
			return payments.Outcome{}, false, payments.Faultf(payments.Unknown, "paymongo: the intent waits for the payer and does not say where")
		}
		o.Status, o.Action = payments.ActionRequired, &payments.CustomerAction{Type: "url", Value: to}
	case intentCancelled:
		if !i.touched() { // cancelled before anything was charged: the fence confirms it
			return payments.Outcome{}, false, nil
		}
		// A hold that was released: no money is held, and none will be.
		o.Status, o.Code, o.RawCode = payments.Declined, payments.GatewayExpired, intentCancelled
	case intentAwaitingMethod:
		reason, message := i.failure()
		code := codeOf(reason)
		if reason == "" || code.MeansUnknown() {
			// A try that timed out inside PayMongo and left the intent open is no final word: it ends by the fence.
			return payments.Outcome{}, false, nil
		}
		o.Status, o.Code = payments.Declined, code
		o.RawCode, o.RawMessage = wire.Redact(reason, i.secrets...), wire.Redact(message, i.secrets...)
	default:
		return payments.Outcome{}, false, payments.Faultf(payments.Unknown, "paymongo: the intent has the unknown status %q", wire.Redact(i.Status, i.secrets...))
	}
	return o, true, nil
}
