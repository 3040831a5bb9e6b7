package xendit

import (
	"context"
	"encoding/json"
	"net/http"

	"switchyard/adapters/wire"
	"switchyard/payments"
)

// Capture takes a hold's money. What is not captured is released: Xendit captures a hold once.
func (a *adapter) Capture(ctx context.Context, r payments.CaptureRequest) (payments.Outcome, error) {
	if err := wholeAmount(r.Amount); err != nil {
		return payments.Outcome{}, err
	}
	id, err := a.paymentOf(ctx, r.Refs)
	if err != nil {
		return payments.Outcome{}, preparing(err)
	}
	body := struct {
		Amount json.Number `json:"capture_amount"`
	}{r.Amount.Major()}
	c, answer, o, err := a.settle(ctx, id, "capture", body)
	if c == nil {
		return o, err
	}
	o.Refs = c.refs()
	keepSession(r.Refs, &o.Refs)
	switch c.Status {
	case statusSucceeded:
		o.Status = payments.Approved
		if taken := c.captured(); taken > 0 {
			o.Amount = payments.Money{Minor: taken, Currency: payments.Currency(c.Currency)}
		}
	case statusPending, statusAuthorized:
		o.Status = payments.Pending
	default:
		return payments.Outcome{}, unexpected(answer, "captured payment", c.Status)
	}
	return o, nil
}

// Void releases a hold.
func (a *adapter) Void(ctx context.Context, r payments.VoidRequest) (payments.Outcome, error) {
	id, err := a.paymentOf(ctx, r.Refs)
	if err != nil {
		return payments.Outcome{}, preparing(err)
	}
	c, answer, o, err := a.settle(ctx, id, "cancel", nil)
	if c == nil {
		return o, err
	}
	o.Refs = c.refs()
	keepSession(r.Refs, &o.Refs)
	switch c.Status {
	case statusCanceled:
		o.Status = payments.Approved
	case statusPending, statusAuthorized:
		o.Status = payments.Pending
	default:
		return payments.Outcome{}, unexpected(answer, "voided payment", c.Status)
	}
	return o, nil
}

// settle sends one step of a payment. It returns the payment as it is then, or nil and what the step has come to.
func (a *adapter) settle(ctx context.Context, id, step string, body any) (*charge, *wire.Response, payments.Outcome, error) {
	answer, err := a.do(ctx, call{method: http.MethodPost, path: below(paymentsPath, id, step), body: body})
	if err != nil {
		return nil, nil, payments.Outcome{}, err
	}
	if !ok(answer) {
		o, err := refused(answer)
		return nil, nil, o, err
	}
	c := &charge{}
	if err := answer.JSON(c); err != nil {
		return nil, nil, payments.Outcome{}, err
	}
	if c.PaymentID != "" && c.PaymentID != id {
		return nil, nil, payments.Outcome{}, payments.Faultf(payments.Unknown, "xendit: the answer is not about this payment")
	}
	return c, answer, payments.Outcome{}, nil
}

// paymentOf returns the id that captures and voids go by. A request that was approved after an action is known by its own id
// alone.
func (a *adapter) paymentOf(ctx context.Context, refs payments.ProviderRefs) (string, error) {
	if refs.Charge != "" {
		return refs.Charge, nil
	}
	request := refs.Session
	if isSession(request) {
		s, err := a.getSession(ctx, request)
		if err != nil {
			return "", err
		}
		if s.PaymentID != "" {
			return s.PaymentID, nil
		}
		request = s.RequestID
	}
	if request == "" {
		return "", payments.Faultf(payments.Rejected, "xendit: no id of the payment is known")
	}
	c, _, err := a.getCharge(ctx, requestsPath, request)
	switch {
	case err != nil:
		return "", err
	case c.LatestPaymentID == "":
		return "", payments.Faultf(payments.Unknown, "xendit: the payment request shows no payment")
	}
	return c.LatestPaymentID, nil
}

// requestOf returns the id that refunds go by. A payment that was found by its reference may be known by its own id alone, and
// one that was made on a page by the page's session.
func (a *adapter) requestOf(ctx context.Context, refs payments.ProviderRefs) (string, error) {
	onPage := isSession(refs.Session)
	switch {
	case refs.Session != "" && !onPage:
		return refs.Session, nil
	case refs.Charge == "" && onPage:
		s, err := a.getSession(ctx, refs.Session)
		if err != nil {
			return "", err
		}
		if s.RequestID != "" {
			return s.RequestID, nil
		}
		refs.Charge = s.PaymentID
	}
	if refs.Charge == "" {
		return "", payments.Faultf(payments.Rejected, "xendit: no id of the payment is known")
	}
	c, _, err := a.getCharge(ctx, paymentsPath, refs.Charge)
	switch {
	case err != nil:
		return "", err
	case c.RequestID == "":
		return "", payments.Faultf(payments.Unknown, "xendit: the payment does not name its request")
	}
	return c.RequestID, nil
}

// refundReasons translates our reasons; any other is "OTHERS".
var refundReasons = map[string]string{
	"customer_request": "REQUESTED_BY_CUSTOMER",
	"duplicate":        "DUPLICATE",
	"fraud":            "FRAUDULENT",
}

// refund is a refund as Xendit shows it.
type refund struct {
	ID          string      `json:"id"`
	RequestID   string      `json:"payment_request_id"`
	PaymentID   string      `json:"payment_id"`
	Reference   string      `json:"reference_id"`
	Status      string      `json:"status"`
	FailureCode string      `json:"failure_code"`
	Currency    string      `json:"currency"`
	Amount      json.Number `json:"amount"`
	Fee         json.Number `json:"refund_fee_amount"`
}

// Refund gives captured money back. The idempotency key is known from the vendor's libraries only, so that nothing relies on
// it.
func (a *adapter) Refund(ctx context.Context, r payments.RefundRequest) (payments.Outcome, error) {
	if err := wholeAmount(r.Amount); err != nil {
		return payments.Outcome{}, err
	}
	id, err := a.requestOf(ctx, r.Refs)
	if err != nil {
		return payments.Outcome{}, preparing(err)
	}
	reason, known := refundReasons[r.Reason]
	if !known {
		reason = "OTHERS"
	}
	answer, err := a.do(ctx, call{method: http.MethodPost, path: refundsPath, key: r.Reference, body: struct {
		RequestID string      `json:"payment_request_id"`
		Reference string      `json:"reference_id"`
		Currency  string      `json:"currency"`
		Amount    json.Number `json:"amount"`
		Reason    string      `json:"reason"`
	}{id, r.Reference, string(r.Amount.Currency), r.Amount.Major(), reason}})
	switch {
	case err != nil:
		return payments.Outcome{}, err
	case !ok(answer):
		return refused(answer)
	}
	var made refund
	if err := answer.JSON(&made); err != nil {
		return payments.Outcome{}, err
	}
	if made.ID == "" || made.Reference != "" && made.Reference != r.Reference {
		return payments.Outcome{}, payments.Faultf(payments.Unknown, "xendit: the answer is not about this refund")
	}
	o, err := made.outcome(answer)
	if err != nil {
		return payments.Outcome{}, err
	}
	keepSession(r.Refs, &o.Refs)
	return o, nil
}

// outcome says what became of the refund.
func (r *refund) outcome(answer *wire.Response) (payments.Outcome, error) {
	o := payments.Outcome{Refs: payments.ProviderRefs{Session: r.RequestID, Charge: r.PaymentID, Operation: r.ID}}
	switch r.Status {
	case statusSucceeded:
		o.Status = payments.Approved
		o.Amount, o.Fee = r.money(r.Amount), r.money(r.Fee)
	case statusPending:
		o.Status = payments.Pending
	case statusFailed, statusCancelled, statusCanceled:
		o.Status, o.Code, o.RawCode = payments.Declined, payments.GatewayDeclined, answer.Redact(cleanCode(r.FailureCode))
		if code, known := refundFailures[cleanCode(r.FailureCode)]; known {
			o.Code = code
		}
		if o.Code.MeansUnknown() {
			return payments.Outcome{}, &payments.Fault{Kind: payments.Unknown, Code: o.Code, RawCode: o.RawCode}
		}
	default:
		return payments.Outcome{}, unexpected(answer, "refund", r.Status)
	}
	return o, nil
}

// money reads an amount of the refund; the zero value stands for one that is not told or cannot be read.
func (r *refund) money(n json.Number) payments.Money {
	m, err := payments.ParseMajorNumber(n, payments.Currency(r.Currency))
	if err != nil || m.Minor == 0 {
		return payments.Money{}
	}
	return m
}
