package dojo

import (
	"context"
	"net/http"
	"strings"
	"time"

	"switchyard/payments"
)

const (
	maxDescription = 4096 // characters
	// chargeLifetime is when an intent that is to be charged at once is gone by itself.
	chargeLifetime = time.Hour
)

// intentBody is a new payment intent.
type intentBody struct {
	Amount           money           `json:"amount"`
	Reference        string          `json:"reference"`
	Description      string          `json:"description,omitempty"`
	CaptureMode      string          `json:"captureMode"`
	PaymentMethods   []string        `json:"paymentMethods,omitempty"`
	Customer         *intentCustomer `json:"customer,omitempty"`
	Config           *pageConfig     `json:"config,omitempty"`
	RequestSecurity  *device         `json:"requestSecurity,omitempty"`
	ExpireAt         string          `json:"expireAt"`
	AutoExpireIn     string          `json:"autoExpireIn,omitempty"`
	AutoExpireAction string          `json:"autoExpireAction,omitempty"`
	SetupIntentID    string          `json:"setupIntentId,omitempty"`
}

// Authorize charges a setup intent on the merchant's initiative: it makes a payment intent for it, makes the id durable, and
// sends the charge. Everything else is the payer's to do, on Dojo's page.
func (a *adapter) Authorize(ctx context.Context, r payments.AuthorizeRequest) (payments.Outcome, error) {
	if err := chargeable(r); err != nil {
		return payments.Outcome{}, err
	}
	session := r.Refs.Session
	resend := session != ""
	if !resend {
		made, o, err := a.prepareCharge(ctx, r)
		if err != nil || o.Status != "" {
			return o, err
		}
		session = made
	}
	if err := durable(ctx, r.Note, payments.ProviderRefs{Session: session}); err != nil {
		return payments.Outcome{}, err
	}
	o, err := a.charge(ctx, session)
	if f := payments.AsFault(err); resend && f != nil && f.Kind == payments.Rejected {
		f.Kind = payments.Unknown // what is refused now may be what was accepted before
	}
	return o, err
}

// chargeable says why Dojo cannot be asked to charge this. A card that was sent here by mistake may be charged elsewhere; what
// only Dojo knows cannot.
func chargeable(r payments.AuthorizeRequest) error {
	switch {
	case r.Source.Card != nil:
		f := payments.Faultf(payments.Misconfigured, "dojo: cards cannot be charged, only sessions started: the payer enters the card on Dojo's page")
		f.Code = payments.GatewayNotAllowed
		return f
	case !strings.HasPrefix(r.Source.Method, setupPrefix):
		return rejected(payments.GatewayNotAllowed, "a saved card is charged by its payer alone: start a session")
	case r.Initiation != payments.MerchantInitiated:
		return rejected(payments.GatewayNotAllowed, "a setup intent is charged on the merchant's initiative only: start a session")
	case !r.Capture:
		return rejected(payments.GatewayNotAllowed, "a setup intent is charged at once: it cannot hold money")
	}
	return nil
}

// prepareCharge makes the payment intent and returns its id, or the outcome when the setup intent cannot be charged any more.
func (a *adapter) prepareCharge(ctx context.Context, r payments.AuthorizeRequest) (string, payments.Outcome, error) {
	answer, err := a.do(ctx, call{method: http.MethodPost, path: intentsPath, body: intentBody{
		Amount:        moneyOf(r.Amount),
		Reference:     r.Reference,
		Description:   cut(r.Description, maxDescription),
		CaptureMode:   captureAuto,
		ExpireAt:      stamp(a.now().Add(chargeLifetime)),
		SetupIntentID: r.Source.Method,
	}})
	if err != nil {
		return "", payments.Outcome{}, preparing(err)
	}
	if !ok(answer) {
		fault := refused(answer)
		if fault.Kind != payments.Rejected {
			return "", payments.Outcome{}, preparing(fault)
		}
		o, err := a.withoutSetup(ctx, r.Source.Method, fault)
		return "", o, err
	}
	var made intent
	if err := answer.JSON(&made); err != nil {
		return "", payments.Outcome{}, preparing(err)
	}
	if !made.made(r.Reference, r.Amount) {
		return "", payments.Outcome{}, preparing(unexpected("the intent that was to be made"))
	}
	return made.ID, payments.Outcome{}, nil
}

// withoutSetup says what it means that no payment intent could be made for a setup intent: it may be over.
func (a *adapter) withoutSetup(ctx context.Context, id string, fault *payments.Fault) (payments.Outcome, error) {
	s, err := a.getSetup(ctx, id)
	if err != nil {
		return payments.Outcome{}, fault // which is about the request, whatever the question came to
	}
	switch o, err := outcome(setupOutcomes, s.Status); {
	case err != nil:
		return payments.Outcome{}, fault
	case s.Status == setupCanceled, s.Status == setupExpired, s.Status == setupCompleted:
		fault.MethodGone = true // never agreed to, or charged already
		return payments.Outcome{}, fault
	case o.Status == payments.Declined:
		return o, nil
	}
	return payments.Outcome{}, fault
}

// charge is the charging call.
func (a *adapter) charge(ctx context.Context, session string) (payments.Outcome, error) {
	answer, err := a.do(ctx, call{method: http.MethodPost, path: below(intentsPath, session, "charge")})
	switch {
	case err != nil:
		return payments.Outcome{}, err
	case !ok(answer):
		return payments.Outcome{}, refused(answer)
	}
	var done struct {
		ID      string `json:"paymentIntentId"`
		Status  string `json:"status"`
		Message string `json:"message"`
	}
	if err := answer.JSON(&done); err != nil {
		return payments.Outcome{}, err
	}
	if done.ID != session {
		return payments.Outcome{}, unexpected("the intent that was charged")
	}
	o, err := outcome(chargeOutcomes, done.Status)
	if f := payments.AsFault(err); f != nil {
		f.RawMessage = answer.Redact(withoutOpeners(done.Message))
		return payments.Outcome{}, f
	}
	o.Refs.Session = session
	if o.Status == payments.Declined {
		o.RawMessage = answer.Redact(withoutOpeners(done.Message))
	}
	return o, nil
}

// stamp is a time as Dojo writes it.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
