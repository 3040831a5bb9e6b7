package processout

import (
	"context"
	"net/http"

	"switchyard/payments"
)

// Capture takes a hold's money. Without a source the call captures what was authorized before.
func (a *adapter) Capture(ctx context.Context, r payments.CaptureRequest) (payments.Outcome, error) {
	t, err := a.amend(ctx, r.Refs, "/capture", r.Reference+"-capture", struct {
		Amount   string   `json:"capture_amount"`
		Metadata metadata `json:"metadata"`
	}{r.Amount.String(), metadata{r.Reference}})
	if err != nil {
		return settle(payments.Outcome{}, err)
	}
	o := payments.Outcome{Refs: refsOf(r.Refs, t)}
	switch {
	case t.captured():
		o.Status = payments.Approved
	case t.Status == statusPendingCapture, t.Status == statusPending:
		o.Status = payments.Pending
	default:
		return payments.Outcome{}, unexpected("capture", t.Status)
	}
	return o, nil
}

// Void releases what is left of a hold.
func (a *adapter) Void(ctx context.Context, r payments.VoidRequest) (payments.Outcome, error) {
	t, err := a.amend(ctx, r.Refs, "/void", r.Reference+"-void", struct {
		Amount   string   `json:"amount"`
		Metadata metadata `json:"metadata"`
	}{r.Amount.String(), metadata{r.Reference}})
	if err != nil {
		return settle(payments.Outcome{}, err)
	}
	totals, err := t.totals(r.Amount.Currency)
	switch {
	case err != nil:
		return payments.Outcome{}, err
	case t.Status != statusVoided && totals.Voided <= r.Before.Voided:
		return payments.Outcome{}, unexpected("void", t.Status)
	}
	return payments.Outcome{Status: payments.Approved, Refs: refsOf(r.Refs, t)}, nil
}

// Increment raises a hold that was authorized as one that may be raised.
func (a *adapter) Increment(ctx context.Context, r payments.IncrementRequest) (payments.Outcome, error) {
	t, err := a.amend(ctx, r.Refs, "/increment_authorization", r.Reference+"-increment", struct {
		Amount   string   `json:"amount"`
		Metadata metadata `json:"metadata"`
	}{r.Amount.String(), metadata{r.Reference}})
	if err != nil {
		return settle(payments.Outcome{}, err)
	}
	if t.Status != statusAuthorized {
		return payments.Outcome{}, unexpected("increment", t.Status)
	}
	return payments.Outcome{Status: payments.Approved, Refs: refsOf(r.Refs, t)}, nil
}

// amend changes what was authorized and returns the transaction after it.
func (a *adapter) amend(ctx context.Context, refs payments.ProviderRefs, action, key string, body any) (*transaction, error) {
	if refs.Session == "" {
		return nil, noInvoice()
	}
	e, err := a.do(ctx, call{method: http.MethodPost, path: invoicePath(refs.Session, action), key: key, body: body})
	switch {
	case err != nil:
		return nil, judge(err)
	case e.Transaction == nil || e.Transaction.ID == "":
		return nil, incomplete("transaction")
	}
	return e.Transaction, nil
}

// Refund gives captured money back.
func (a *adapter) Refund(ctx context.Context, r payments.RefundRequest) (payments.Outcome, error) {
	return settle(a.refund(ctx, r))
}

func (a *adapter) refund(ctx context.Context, r payments.RefundRequest) (payments.Outcome, error) {
	if r.Refs.Session == "" {
		return payments.Outcome{}, noInvoice()
	}
	reason := r.Reason
	if reason != "customer_request" && reason != "duplicate" && reason != "fraud" {
		reason = "other"
	}
	e, err := a.do(ctx, call{
		method: http.MethodPost,
		path:   invoicePath(r.Refs.Session, "/refunds"),
		key:    r.Reference + "-refund",
		body: struct {
			Amount   string   `json:"amount"`
			Reason   string   `json:"reason"`
			Metadata metadata `json:"metadata"`
		}{r.Amount.String(), reason, metadata{r.Reference}},
	})
	switch {
	case err != nil:
		return payments.Outcome{}, judge(err)
	case e.Refund == nil || e.Refund.ID == "":
		return payments.Outcome{}, incomplete("refund")
	}
	return e.Refund.outcome(), nil
}

// outcome says what a refund tells of itself.
func (r *refund) outcome() payments.Outcome {
	o := payments.Outcome{Status: payments.Approved, Refs: payments.ProviderRefs{Operation: r.ID}}
	if r.Failed {
		o.Status, o.Code, o.RawCode = payments.Declined, payments.GatewayDeclined, "has_failed"
	}
	return o
}

// refsOf adds the transaction to the references of its payment.
func refsOf(refs payments.ProviderRefs, t *transaction) payments.ProviderRefs {
	return payments.ProviderRefs{Session: refs.Session, Charge: t.ID}
}

func noInvoice() error {
	return payments.Faultf(payments.Rejected, "processout: the payment's invoice is not known")
}
