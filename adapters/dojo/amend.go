package dojo

import (
	"context"
	"net/http"
	"slices"

	"switchyard/payments"
)

// Capture takes a hold's money, or a part of it. That Dojo has taken the capture does not say how it ended, so the intent is
// read once more.
func (a *adapter) Capture(ctx context.Context, r payments.CaptureRequest) (payments.Outcome, error) {
	if r.Refs.Session == "" {
		return payments.Outcome{}, noIntent()
	}
	var done struct {
		ID string `json:"captureId"`
	}
	err := a.ask(ctx, call{method: http.MethodPost, path: below(intentsPath, r.Refs.Session, "captures"), body: struct {
		Amount int64 `json:"amount"`
	}{r.Amount.Minor}}, &done)
	switch {
	case err != nil:
		return payments.Outcome{}, err
	case done.ID == "":
		return payments.Outcome{}, unexpected("the capture")
	}
	i, err := a.getIntent(ctx, r.Refs.Session)
	if err != nil {
		f := payments.AsFault(err)
		return payments.Outcome{}, &payments.Fault{Kind: payments.Unknown, RawCode: f.RawCode, RawMessage: f.RawMessage, Err: f}
	}
	refs := payments.ProviderRefs{Session: i.ID, Operation: done.ID}
	at := slices.IndexFunc(i.Captures, func(c capture) bool { return c.ID == done.ID })
	if at < 0 { // an intent that was captured as a whole need not list it
		t, err := i.totals(r.Amount.Currency)
		if err != nil || t.Captured < r.Before.Captured+r.Amount.Minor {
			return payments.Outcome{}, unexpected("the capture that was made")
		}
		return payments.Outcome{Status: payments.Approved, Refs: refs}, nil
	}
	o, err := outcome(captureOutcomes, i.Captures[at].Status)
	o.Refs = refs
	if o.Status == payments.Approved && i.Captures[at].Amount != r.Amount.Minor {
		return payments.Outcome{}, unexpected("a capture of the amount that was asked")
	}
	return o, err
}

// Void releases a hold. Dojo reverses a hold as a whole: one of which a part is captured is left alone, for the vendor does not
// say what a reversal would do to that part. It is released by itself.
func (a *adapter) Void(ctx context.Context, r payments.VoidRequest) (payments.Outcome, error) {
	if r.Refs.Session == "" {
		return payments.Outcome{}, noIntent()
	}
	if r.Before.Captured > 0 {
		return payments.Outcome{}, rejected(payments.GatewayNotAllowed, "the rest of a hold cannot be voided after a capture")
	}
	var done struct {
		ID    string `json:"reversalId"`
		Other string `json:"id"` // as in the vendor's example
	}
	if err := a.ask(ctx, call{method: http.MethodPost, path: below(intentsPath, r.Refs.Session, "reversal")}, &done); err != nil {
		return payments.Outcome{}, err
	}
	if done.ID == "" {
		done.ID = done.Other
	}
	if done.ID == "" {
		return payments.Outcome{}, unexpected("the reversal")
	}
	return payments.Outcome{
		Status: payments.Approved, Refs: payments.ProviderRefs{Session: r.Refs.Session, Operation: done.ID},
	}, nil
}

// Refund gives captured money back. It is the one call with an idempotency key: sent again, it is the same refund. A refund has
// no state at Dojo: once taken, it is made.
func (a *adapter) Refund(ctx context.Context, r payments.RefundRequest) (payments.Outcome, error) {
	if r.Refs.Session == "" {
		return payments.Outcome{}, noIntent()
	}
	if r.Reference == "" {
		return payments.Outcome{}, rejected("", "a refund needs a reference, by which it is made once")
	}
	var done struct {
		ID       string `json:"refundId"`
		IntentID string `json:"paymentIntentId"` // older versions leave it out
	}
	err := a.ask(ctx, call{
		method: http.MethodPost, path: below(intentsPath, r.Refs.Session, "refunds"), once: r.Reference,
		body: struct {
			Amount int64  `json:"amount"`
			Reason string `json:"refundReason,omitempty"`
			Notes  string `json:"notes"`
		}{r.Amount.Minor, r.Reason, r.Reference},
	}, &done)
	switch {
	case err != nil:
		return payments.Outcome{}, err
	case done.ID == "" || done.IntentID != "" && done.IntentID != r.Refs.Session:
		return payments.Outcome{}, unexpected("the refund")
	}
	return payments.Outcome{
		Status: payments.Approved, Refs: payments.ProviderRefs{Session: r.Refs.Session, Operation: done.ID},
	}, nil
}

func noIntent() error { return rejected("", "the payment's intent is not known") }
