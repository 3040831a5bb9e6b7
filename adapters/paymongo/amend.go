package paymongo

import (
	"context"
	"net/http"
	"strings"

	"switchyard/payments"
)

// Capture takes a hold's money. What is not captured is released: PayMongo captures a hold once.
func (a *adapter) Capture(ctx context.Context, r payments.CaptureRequest) (payments.Outcome, error) {
	return settle(a.capture(ctx, r))
}

func (a *adapter) capture(ctx context.Context, r payments.CaptureRequest) (payments.Outcome, error) {
	if r.Refs.Session == "" {
		return payments.Outcome{}, noIntent()
	}
	i, err := a.intent(ctx, call{
		method: http.MethodPost,
		path:   intentPath(r.Refs.Session, "/capture"),
		key:    r.Reference + stepCapture,
		attributes: struct {
			Amount int64 `json:"amount"`
		}{r.Amount.Minor},
	}, r.Refs.Session)
	if err != nil {
		return payments.Outcome{}, judge(err)
	}
	o := payments.Outcome{Refs: i.refs()}
	switch i.Status {
	case intentSucceeded:
		o.Status = payments.Approved
		if p, ok := i.paid(); ok {
			o.Amount, o.Fee = i.money(p.Attributes.Amount), i.money(p.Attributes.Fee)
		}
	case intentProcessing:
		o.Status = payments.Pending
	default:
		return payments.Outcome{}, unexpected("capture", i.Status)
	}
	return o, nil
}

// Void releases a hold by cancelling its intent.
func (a *adapter) Void(ctx context.Context, r payments.VoidRequest) (payments.Outcome, error) {
	return settle(a.void(ctx, r))
}

func (a *adapter) void(ctx context.Context, r payments.VoidRequest) (payments.Outcome, error) {
	if r.Refs.Session == "" {
		return payments.Outcome{}, noIntent()
	}
	i, err := a.cancel(ctx, r.Refs.Session, r.Reference+stepCancel)
	if refused := asRefusal(err); refused != nil && refused.answer.Status == http.StatusBadRequest && refused.is("resource_failed_state") {
		// The bank did not release the hold; elsewhere this code is about a charge.
		fault := refused.answer.Fault(refused.rawCode(), refused.entry.Detail)
		return payments.Outcome{}, declineOr(fault, payments.GatewayDeclined)
	}
	switch {
	case err != nil:
		return payments.Outcome{}, judge(err)
	case i.Status != intentCancelled:
		return payments.Outcome{}, unexpected("cancellation", i.Status)
	}
	return payments.Outcome{Status: payments.Approved, Refs: i.refs()}, nil
}

func (a *adapter) cancel(ctx context.Context, session, key string) (*intent, error) {
	return a.intent(ctx, call{method: http.MethodPost, path: intentPath(session, "/cancel"), key: key}, session)
}

// refundReasons translates our reasons; any other is "others".
var refundReasons = map[string]string{
	"customer_request": "requested_by_customer",
	"duplicate":        "duplicate",
	"fraud":            "fraudulent",
}

// Refund gives captured money back.
func (a *adapter) Refund(ctx context.Context, r payments.RefundRequest) (payments.Outcome, error) {
	return settle(a.refund(ctx, r))
}

func (a *adapter) refund(ctx context.Context, r payments.RefundRequest) (payments.Outcome, error) {
	charge, err := a.chargeOf(ctx, r.Refs)
	switch {
	case err != nil:
		return payments.Outcome{}, preparing(err)
	case charge == "":
		return payments.Outcome{}, payments.Faultf(payments.Rejected, "paymongo: the intent has no paid payment to refund")
	}
	reason, ok := refundReasons[r.Reason]
	if !ok {
		reason = "others"
	}
	made, err := fetch[refundAttributes](ctx, a, call{
		method: http.MethodPost,
		path:   "/refunds",
		key:    r.Reference + stepRefund,
		attributes: struct {
			Amount    int64    `json:"amount"`
			PaymentID string   `json:"payment_id"`
			Reason    string   `json:"reason"`
			Metadata  metadata `json:"metadata"`
		}{r.Amount.Minor, charge, reason, metadata{r.Reference}},
	}, "")
	if err != nil {
		return payments.Outcome{}, judge(err)
	}
	o, err := refundOutcome(made)
	o.Refs.Charge = charge
	return o, err
}

// chargeOf returns the payment to refund. That of a hold which was captured later is known to the intent alone.
func (a *adapter) chargeOf(ctx context.Context, refs payments.ProviderRefs) (string, error) {
	switch {
	case refs.Charge != "":
		return refs.Charge, nil
	case refs.Session == "":
		return "", noIntent()
	}
	i, err := a.intent(ctx, call{method: http.MethodGet, path: intentPath(refs.Session, "")}, refs.Session)
	if err != nil {
		return "", err
	}
	p, _ := i.paid()
	return p.ID, nil
}

// refundOutcome says what a refund tells of itself.
func refundOutcome(r resource[refundAttributes]) (payments.Outcome, error) {
	o := payments.Outcome{Refs: payments.ProviderRefs{Operation: r.ID}}
	switch r.Attributes.Status {
	case refundSucceeded:
		o.Status = payments.Approved
	case refundPending, refundProcessing:
		o.Status = payments.Pending
	case refundFailed:
		o.Status, o.Code, o.RawCode = payments.Declined, payments.GatewayDeclined, refundFailed
	default:
		return payments.Outcome{}, unexpected("refund", r.Attributes.Status)
	}
	return o, nil
}

func noIntent() error {
	return payments.Faultf(payments.Rejected, "paymongo: the payment's intent is not known")
}

// unexpected is the fault for a good answer with a status that does not answer the question.
func unexpected(what, status string) error {
	if strings.Trim(status, "abcdefghijklmnopqrstuvwxyz_") != "" {
		status = "that is no word" // whatever it is, it need not be seen
	}
	return payments.Faultf(payments.Unknown, "paymongo: the %s was answered with the status %q", what, status)
}
