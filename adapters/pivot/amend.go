package pivot

import (
	"context"
	"net/http"

	"switchyard/adapters/wire"
	"switchyard/payments"
)

// captureAnswer is a capture as Pivot takes it.
type captureAnswer struct {
	ID        text   `json:"id"`
	SessionID text   `json:"paymentSessionId"`
	Amount    amount `json:"amount"`
	Status    text   `json:"status"`
}

// Capture takes a hold's money, and releases what it does not take: nothing else could. Pivot captures later than it answers.
func (a *adapter) Capture(ctx context.Context, r payments.CaptureRequest) (payments.Outcome, error) {
	if err := wholeAmount(r.Amount); err != nil {
		return payments.Outcome{}, err
	}
	if r.Refs.Session == "" {
		return payments.Outcome{}, payments.Faultf(payments.Rejected, "pivot: no id of the payment is known")
	}
	answer, err := a.do(ctx, call{
		method: http.MethodPost, path: below(sessionsPath, r.Refs.Session, "capture"), key: r.Reference,
		body: struct {
			Release bool  `json:"releaseRemainingAmount"`
			Amount  money `json:"amount"`
		}{true, newMoney(r.Amount)},
	})
	if err != nil {
		return payments.Outcome{}, err
	}
	made, err := read[captureAnswer](answer)
	switch {
	case err != nil:
		return payments.Outcome{}, err
	case made.SessionID != "" && string(made.SessionID) != r.Refs.Session:
		return payments.Outcome{}, payments.Faultf(payments.Unknown, "pivot: the answer is not about this payment")
	}
	return settled(payments.ProviderRefs{Session: r.Refs.Session, Operation: string(made.ID)}, "capture", made.Status, made.Amount, answer)
}

// settled is the outcome of a capture or a refund.
func settled(refs payments.ProviderRefs, what string, status text, a amount, answer *wire.Response) (payments.Outcome, error) {
	o := payments.Outcome{Refs: refs}
	switch status {
	case statusSuccess:
		o.Status, o.Amount = payments.Approved, a.money()
	case statusPending, statusProcessing, statusWaitingBank:
		o.Status = payments.Pending
	case statusFailed, statusCancelled:
		o.Status, o.Code, o.RawCode = payments.Declined, payments.GatewayDeclined, string(status)
	default:
		return payments.Outcome{}, unexpected(answer, what, status)
	}
	return o, nil
}

// refundReasons translates our reasons; any other is "OTHERS".
var refundReasons = map[string]string{
	"customer_request": "REQUESTED_BY_CUSTOMER",
	"duplicate":        "DUPLICATE",
	"fraud":            "SUSPECT_FRAUDULENT",
}

// refundBody asks for a refund. Its amount is a text with decimals, unlike a payment's.
type refundBody struct {
	Reference string     `json:"clientReferenceId"`
	SessionID string     `json:"paymentSessionId"`
	Full      bool       `json:"isFullAmount"`
	Amount    textAmount `json:"amount"`
	Reason    string     `json:"reason"`
	Method    string     `json:"method"`
}

type textAmount struct {
	Value    string `json:"value"`
	Currency string `json:"currency"`
}

// refund is a refund as Pivot shows it.
type refund struct {
	ID        text   `json:"id"`
	Reference text   `json:"clientReferenceId"`
	SessionID text   `json:"paymentSessionId"`
	ChargeID  text   `json:"chargeId"`
	Amount    amount `json:"amount"`
	Status    text   `json:"status"`
}

// Refund gives captured money back, to the card. Nothing relies on the idempotency key here: a second refund of the same
// reference is refused as a duplicate.
func (a *adapter) Refund(ctx context.Context, r payments.RefundRequest) (payments.Outcome, error) {
	if err := wholeAmount(r.Amount); err != nil {
		return payments.Outcome{}, err
	}
	if r.Refs.Session == "" {
		return payments.Outcome{}, payments.Faultf(payments.Rejected, "pivot: no id of the payment is known")
	}
	reason, known := refundReasons[r.Reason]
	if !known {
		reason = "OTHERS"
	}
	answer, err := a.do(ctx, call{method: http.MethodPost, path: refundsPath, key: r.Reference, body: refundBody{
		Reference: r.Reference, SessionID: r.Refs.Session, Reason: reason, Method: "AUTO",
		Full:   r.Before.Captured > 0 && r.Before.Refunded == 0 && r.Amount.Minor == r.Before.Captured,
		Amount: textAmount{r.Amount.Decimal(), string(r.Amount.Currency)},
	}})
	if err != nil {
		return payments.Outcome{}, err
	}
	made, err := read[refund](answer)
	switch {
	case err != nil:
		return payments.Outcome{}, err
	case made.ID == "" || made.Reference != "" && string(made.Reference) != r.Reference:
		return payments.Outcome{}, payments.Faultf(payments.Unknown, "pivot: the answer is not about this refund")
	}
	return made.outcome(answer)
}

func (r *refund) refs() payments.ProviderRefs {
	return payments.ProviderRefs{Session: string(r.SessionID), Charge: string(r.ChargeID), Operation: string(r.ID)}
}

func (r *refund) outcome(answer *wire.Response) (payments.Outcome, error) {
	return settled(r.refs(), "refund", r.Status, r.Amount, answer)
}
