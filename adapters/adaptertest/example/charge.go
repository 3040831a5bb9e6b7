package example

import (
	"context"
	"net/http"
	"net/url"

	"switchyard/adapters/wire"
	"switchyard/payments"
)

// The paths of the API.
const (
	chargesPath       = "/v1/charges"
	refundsPath       = "/v1/refunds"
	cancellationsPath = "/v1/cancellations"
)

// The statuses of charges and refunds.
const (
	statusProcessing     = "processing"
	statusRequiresAction = "requires_action"
	statusAuthorized     = "authorized"
	statusCaptured       = "captured"
	statusDeclined       = "declined"
	statusCanceled       = "canceled"
	statusSucceeded      = "succeeded" // of a refund
)

// charge is a payment as Acme Pay shows it. Amounts are minor units.
type charge struct {
	ID          string            `json:"id"`
	Reference   string            `json:"reference"`
	Status      string            `json:"status"`
	DeclineCode string            `json:"decline_code"`
	Currency    payments.Currency `json:"currency"`
	Amount      int64             `json:"amount"`
	Captured    int64             `json:"amount_captured"`
	Refunded    int64             `json:"amount_refunded"`
	ActionURL   string            `json:"action_url"`
}

// card is a card on its way to Acme Pay.
type card struct {
	Number   string `json:"number"`
	ExpMonth int    `json:"exp_month"`
	ExpYear  int    `json:"exp_year"`
	CVC      string `json:"cvc,omitempty"`
	Name     string `json:"name,omitempty"`
}

// chargeBody is a new charge.
type chargeBody struct {
	Reference string            `json:"reference"`
	Amount    int64             `json:"amount"`
	Currency  payments.Currency `json:"currency"`
	Capture   bool              `json:"capture"`
	Card      card              `json:"card"`
	ReturnURL string            `json:"return_url,omitempty"`
}

// Authorize makes a charge. A resend is the same request again, and the same charge.
func (a *adapter) Authorize(ctx context.Context, r payments.AuthorizeRequest) (payments.Outcome, error) {
	if r.Source.Card == nil {
		return payments.Outcome{}, payments.Faultf(payments.Rejected, "acme: only cards can be charged: Acme Pay saves none")
	}
	number, cvc := r.Source.Card.Number.Reveal(), r.Source.Card.CVC.Reveal()
	answer, err := a.post(ctx, chargesPath, r.Reference, chargeBody{
		Reference: r.Reference, Amount: r.Amount.Minor, Currency: r.Amount.Currency, Capture: r.Capture,
		Card: card{
			Number: number, CVC: cvc, ExpMonth: r.Source.Card.ExpMonth, ExpYear: r.Source.Card.ExpYear, Name: r.Source.Card.Name,
		},
		ReturnURL: r.ReturnURL,
	}, number, cvc)
	if err != nil {
		return payments.Outcome{}, err
	}
	var c charge
	if err := answer.JSON(&c); err != nil {
		return payments.Outcome{}, err
	}
	if c.ID == "" || c.Reference != r.Reference {
		return payments.Outcome{}, payments.Faultf(payments.Unknown, "acme: the answer is not about this charge")
	}
	return c.outcome(r.Capture, answer)
}

// outcome says what became of the charge. The error is an Unknown fault: whatever this adapter cannot read may have charged.
func (c *charge) outcome(sale bool, answer *wire.Response) (payments.Outcome, error) {
	o := payments.Outcome{Refs: payments.ProviderRefs{Charge: c.ID}}
	switch c.Status {
	case statusCaptured:
		o.Status, o.Amount = payments.Approved, c.money(c.Amount)
	case statusAuthorized:
		o.Status, o.Amount = payments.Approved, c.money(c.Amount)
		if sale { // the capture is still to come
			o.Status, o.Amount = payments.Pending, payments.Money{}
		}
	case statusProcessing:
		o.Status = payments.Pending
	case statusRequiresAction:
		o.Status = payments.ActionRequired
		o.Action = &payments.CustomerAction{Type: "redirect", Value: c.ActionURL}
	case statusDeclined:
		o.Status, o.Code, o.RawCode = payments.Declined, declineCode(c.DeclineCode), answer.Redact(c.DeclineCode)
	default:
		return payments.Outcome{}, payments.Faultf(payments.Unknown, "acme: the charge has the status %q", answer.Redact(c.Status))
	}
	return o, nil
}

func (c *charge) money(minor int64) payments.Money {
	return payments.Money{Minor: minor, Currency: c.Currency}
}

// post sends a call that changes something, once. The error is a fault, also for every answer that is not one of success.
func (a *adapter) post(ctx context.Context, path, key string, body any, secrets ...string) (*wire.Response, error) {
	header := a.header()
	header.Set("Idempotency-Key", key)
	answer, err := a.wire.Do(ctx, wire.Request{Method: http.MethodPost, Path: path, Header: header, JSON: body, Secrets: secrets})
	return succeeded(answer, err)
}

// get asks a question.
func (a *adapter) get(ctx context.Context, path string, query url.Values, into any) (*wire.Response, error) {
	answer, err := succeeded(a.wire.Do(ctx, wire.Request{Method: http.MethodGet, Path: path, Query: query, Header: a.header()}))
	if err != nil {
		return nil, err
	}
	return answer, answer.JSON(into)
}

func (a *adapter) header() http.Header {
	return http.Header{"Authorization": {"Bearer " + a.key.Reveal()}}
}

func succeeded(answer *wire.Response, err error) (*wire.Response, error) {
	switch {
	case err != nil:
		return nil, err
	case answer.Status != http.StatusOK && answer.Status != http.StatusCreated:
		return nil, refusal(answer)
	}
	return answer, nil
}
