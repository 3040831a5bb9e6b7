package example

import (
	"context"
	"net/url"

	"switchyard/adapters/wire"
	"switchyard/payments"
)

// Capture takes a hold's money. What is not captured is released: Acme Pay captures a hold once.
func (a *adapter) Capture(ctx context.Context, r payments.CaptureRequest) (payments.Outcome, error) {
	body := struct {
		Amount int64 `json:"amount"`
	}{r.Amount.Minor}
	return a.step(ctx, r.Refs, "capture", r.Reference, body, statusCaptured)
}

// Void releases a hold.
func (a *adapter) Void(ctx context.Context, r payments.VoidRequest) (payments.Outcome, error) {
	return a.step(ctx, r.Refs, "void", r.Reference, nil, statusCanceled)
}

// step sends one step of a charge, after which it has the status done.
func (a *adapter) step(ctx context.Context, refs payments.ProviderRefs, name, key string, body any, done string) (payments.Outcome, error) {
	if refs.Charge == "" {
		return payments.Outcome{}, payments.Faultf(payments.Rejected, "acme: no id of the charge is known")
	}
	answer, err := a.post(ctx, chargesPath+"/"+url.PathEscape(refs.Charge)+"/"+name, key, body)
	if err != nil {
		return payments.Outcome{}, err
	}
	var c charge
	if err := answer.JSON(&c); err != nil {
		return payments.Outcome{}, err
	}
	o := payments.Outcome{Refs: payments.ProviderRefs{Charge: c.ID}}
	switch {
	case c.ID != refs.Charge:
		return payments.Outcome{}, payments.Faultf(payments.Unknown, "acme: the answer is not about this charge")
	case c.Status == done:
		o.Status = payments.Approved
		if done == statusCaptured {
			o.Amount = c.money(c.Captured)
		}
	case c.Status == statusProcessing:
		o.Status = payments.Pending
	default:
		return payments.Outcome{}, payments.Faultf(payments.Unknown, "acme: the charge has the status %q", answer.Redact(c.Status))
	}
	return o, nil
}

// refund is a refund as Acme Pay shows it.
type refund struct {
	ID          string            `json:"id"`
	Charge      string            `json:"charge"`
	Reference   string            `json:"reference"`
	Status      string            `json:"status"`
	DeclineCode string            `json:"decline_code"`
	Currency    payments.Currency `json:"currency"`
	Amount      int64             `json:"amount"`
}

// Refund gives captured money back.
func (a *adapter) Refund(ctx context.Context, r payments.RefundRequest) (payments.Outcome, error) {
	if r.Refs.Charge == "" {
		return payments.Outcome{}, payments.Faultf(payments.Rejected, "acme: no id of the charge is known")
	}
	answer, err := a.post(ctx, refundsPath, r.Reference, struct {
		Charge    string `json:"charge"`
		Reference string `json:"reference"`
		Amount    int64  `json:"amount"`
	}{r.Refs.Charge, r.Reference, r.Amount.Minor})
	if err != nil {
		return payments.Outcome{}, err
	}
	var made refund
	if err := answer.JSON(&made); err != nil {
		return payments.Outcome{}, err
	}
	if made.ID == "" || made.Reference != r.Reference {
		return payments.Outcome{}, payments.Faultf(payments.Unknown, "acme: the answer is not about this refund")
	}
	return made.outcome(answer)
}

// outcome says what became of the refund.
func (r *refund) outcome(answer *wire.Response) (payments.Outcome, error) {
	o := payments.Outcome{Refs: payments.ProviderRefs{Charge: r.Charge, Operation: r.ID}}
	switch r.Status {
	case statusSucceeded:
		o.Status, o.Amount = payments.Approved, payments.Money{Minor: r.Amount, Currency: r.Currency}
	case statusProcessing:
		o.Status = payments.Pending
	case statusDeclined:
		o.Status, o.Code, o.RawCode = payments.Declined, declineCode(r.DeclineCode), answer.Redact(r.DeclineCode)
	default:
		return payments.Outcome{}, payments.Faultf(payments.Unknown, "acme: the refund has the status %q", answer.Redact(r.Status))
	}
	return o, nil
}
