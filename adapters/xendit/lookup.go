package xendit

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"switchyard/adapters/wire"
	"switchyard/payments"
)

var nothing = payments.Finding{Kind: payments.NotFound}

// Lookup asks what became of an operation.
func (a *adapter) Lookup(ctx context.Context, r payments.LookupRequest) (payments.Finding, error) {
	f, err := a.find(ctx, r)
	if err != nil {
		return payments.Finding{}, err
	}
	keepSession(r.Refs, &f.Refs)
	keepSession(r.Refs, &f.Outcome.Refs)
	return f, nil
}

func (a *adapter) find(ctx context.Context, r payments.LookupRequest) (payments.Finding, error) {
	switch r.Operation {
	case payments.OpCapture, payments.OpVoid:
		return a.findTotals(ctx, r)
	case payments.OpRefund:
		return a.findRefund(ctx, r)
	default: // a charge, if only a small one to verify a card
		return a.findCharge(ctx, r)
	}
}

// findCharge asks for a payment by the best of its names that is known.
func (a *adapter) findCharge(ctx context.Context, r payments.LookupRequest) (payments.Finding, error) {
	sale := r.Operation == payments.OpSale
	switch {
	case isSession(r.Refs.Session):
		return a.findSession(ctx, r)
	case r.Operation == payments.OpVerify && r.Refs.Session == "":
		// The session's id is durable before the payer gets its link: without one nobody has saved anything.
		return nothing, nil
	case r.Refs.Session != "":
		return a.findRequest(ctx, r.Refs.Session, sale)
	case r.Refs.Charge != "":
		return a.findPayment(ctx, r.Refs.Charge, sale)
	}
	return a.findByReference(ctx, r, sale)
}

// found turns a charge into a finding.
func (c *charge) found(sale bool, answer *wire.Response) (payments.Finding, error) {
	if c.Status == statusCanceled {
		return payments.Finding{Kind: payments.NotFound, Refs: c.refs()}, nil // by a fence whose answer was lost: fence again
	}
	o, err := c.outcome(sale, answer)
	switch {
	case err != nil && c.Status == statusFailed:
		// Xendit itself does not know whether the money moved. Its answer may still change.
		return payments.Finding{Kind: payments.Processing, Refs: c.refs()}, nil
	case err != nil:
		return payments.Finding{}, err
	case o.Status == payments.Pending, o.Status == payments.ActionRequired:
		return payments.Finding{Kind: payments.Processing, Outcome: o, Refs: c.refs()}, nil
	}
	return payments.Finding{Kind: payments.FoundOutcome, Outcome: o, Refs: c.refs()}, nil
}

// findRequest asks a payment request, and when it is over its payment, which tells more.
func (a *adapter) findRequest(ctx context.Context, id string, sale bool) (payments.Finding, error) {
	c, answer, err := a.getCharge(ctx, requestsPath, id)
	if err != nil {
		return payments.Finding{}, err
	}
	over := c.Status == statusSucceeded || c.Status == statusAuthorized || c.Status == statusFailed
	if over && c.LatestPaymentID != "" {
		if p, _, err := a.getCharge(ctx, paymentsPath, c.LatestPaymentID); err == nil {
			c.Details = p.Details
			if c.FailureCode == "" {
				c.FailureCode = p.FailureCode
			}
		}
	}
	return c.found(sale, answer)
}

// findPayment asks a payment that was found by its reference.
func (a *adapter) findPayment(ctx context.Context, id string, sale bool) (payments.Finding, error) {
	c, answer, err := a.getCharge(ctx, paymentsPath, id)
	if err != nil {
		return payments.Finding{}, err
	}
	return c.found(sale, answer)
}

// transaction is a row of the list of money that moved or failed to.
type transaction struct {
	ProductID string      `json:"product_id"` // the payment's id, or the refund's
	Type      string      `json:"type"`
	Status    string      `json:"status"`
	Reference string      `json:"reference_id"`
	Currency  string      `json:"currency"`
	Amount    json.Number `json:"amount"`
	Fee       struct {
		Xendit json.Number `json:"xendit_fee"`
		Tax    json.Number `json:"value_added_tax"`
	} `json:"fee"`
}

// The types and statuses of transactions.
const (
	typePayment        = "PAYMENT"
	typeRefund         = "REFUND"
	transactionSuccess = "SUCCESS"
	transactionPending = "PENDING"
)

// transactionOf finds our row of the list, nil when there is none. Of several the one that moved money counts.
func (a *adapter) transactionOf(ctx context.Context, reference, kind string) (*transaction, error) {
	var list struct {
		Data    *[]transaction `json:"data"`
		HasMore bool           `json:"has_more"`
	}
	answer, err := a.get(ctx, transactionsPath, url.Values{"reference_id": {reference}, "types": {kind}}, &list)
	switch {
	case err != nil:
		return nil, err
	case answer == nil, list.Data == nil:
		return nil, payments.Faultf(payments.Unknown, "xendit: the answer is no list of transactions")
	}
	var row *transaction
	for i := range *list.Data {
		t := &(*list.Data)[i]
		if t.Reference != reference || t.Type != kind {
			continue
		}
		if row == nil || t.Status == transactionSuccess || t.Status == transactionPending && row.Status != transactionSuccess {
			row = t
		}
	}
	if row == nil && list.HasMore {
		return nil, payments.Faultf(payments.Unknown, "xendit: the list of transactions goes on, so that absence cannot be told")
	}
	return row, nil
}

// findByReference asks for a charge of which no id is known. A hold does not show here.
func (a *adapter) findByReference(ctx context.Context, r payments.LookupRequest, sale bool) (payments.Finding, error) {
	row, err := a.transactionOf(ctx, r.Reference, typePayment)
	switch {
	case err != nil:
		return payments.Finding{}, err
	case row == nil:
		return nothing, nil
	case row.ProductID == "":
		return payments.Finding{}, payments.Faultf(payments.Unknown, "xendit: the transaction names no payment")
	}
	finding, err := a.findPayment(ctx, row.ProductID, sale)
	if err == nil {
		if finding.Outcome.Status == payments.Approved {
			finding.Outcome.Fee = row.fee()
		}
		return finding, nil
	}
	if row.Status != transactionSuccess {
		return payments.Finding{}, err
	}
	// The row alone says that the money was taken; what else there is to know can be asked for later.
	refs := payments.ProviderRefs{Charge: row.ProductID}
	o := payments.Outcome{Status: payments.Approved, Refs: refs, Fee: row.fee()}
	return payments.Finding{Kind: payments.FoundOutcome, Outcome: o, Refs: refs}, nil
}

// fee is what the payment has cost; the zero value when it is not told.
func (t *transaction) fee() payments.Money {
	currency := payments.Currency(t.Currency)
	fee, err := payments.ParseMajorNumber(t.Fee.Xendit, currency)
	if err != nil || fee.Minor == 0 {
		return payments.Money{}
	}
	if tax, err := payments.ParseMajorNumber(t.Fee.Tax, currency); err == nil {
		fee.Minor += tax.Minor
	}
	return fee
}

// findTotals asks the payment for its totals, from which the effect of a capture or a void follows. Refunds do not show in
// them, so those from before are repeated.
func (a *adapter) findTotals(ctx context.Context, r payments.LookupRequest) (payments.Finding, error) {
	id, err := a.paymentOf(ctx, r.Refs)
	if err != nil {
		return payments.Finding{}, err
	}
	c, answer, err := a.getCharge(ctx, paymentsPath, id)
	if err != nil {
		return payments.Finding{}, err
	}
	totals := payments.Totals{Authorized: c.money(c.Amount).Minor, Captured: c.captured(), Refunded: r.Before.Refunded}
	if totals.Authorized == 0 {
		totals.Authorized = r.Before.Authorized
	}
	if c.Status == statusSucceeded && totals.Captured == 0 {
		totals.Captured = totals.Authorized // taken at once: no capture is listed
	}
	switch c.Status {
	case statusPending:
		return payments.Finding{Kind: payments.Processing, Refs: c.refs()}, nil
	case statusAuthorized, statusSucceeded:
	case statusCanceled, statusExpired:
		totals.Voided = totals.Authorized - totals.Captured
	default:
		return payments.Finding{}, unexpected(answer, "payment", c.Status)
	}
	return payments.Finding{Kind: payments.FoundTotals, Totals: totals, Refs: c.refs()}, nil
}

// findRefund asks for a refund by its id, else by our reference among the refunds, else among the transactions.
func (a *adapter) findRefund(ctx context.Context, r payments.LookupRequest) (payments.Finding, error) {
	if r.Refs.Operation != "" {
		var one refund
		answer, err := a.get(ctx, below(refundsPath, r.Refs.Operation), nil, &one)
		switch {
		case err != nil:
			return payments.Finding{}, err
		case answer == nil, one.ID != r.Refs.Operation:
			return payments.Finding{}, payments.Faultf(payments.Unknown, "xendit: a refund that exists is not shown")
		}
		return one.found(answer)
	}
	var list struct {
		Data    *[]refund `json:"data"`
		HasMore bool      `json:"has_more"`
	}
	answer, err := a.get(ctx, refundsPath, url.Values{"reference_id": {r.Reference}}, &list)
	switch {
	case err != nil:
		return payments.Finding{}, err
	case answer == nil:
		return a.findRefundByTransaction(ctx, r.Reference)
	case list.Data == nil:
		return payments.Finding{}, payments.Faultf(payments.Unknown, "xendit: the answer is no list of refunds")
	}
	var ours *refund
	for i := range *list.Data {
		one := &(*list.Data)[i]
		if one.Reference != r.Reference {
			continue
		}
		if ours == nil || one.Status == statusSucceeded || one.Status == statusPending && ours.Status != statusSucceeded {
			ours = one
		}
	}
	switch {
	case ours == nil && list.HasMore:
		return payments.Finding{}, payments.Faultf(payments.Unknown, "xendit: the list of refunds goes on, so that absence cannot be told")
	case ours == nil:
		return a.findRefundByTransaction(ctx, r.Reference)
	}
	return ours.found(answer)
}

// found turns a refund into a finding.
func (r *refund) found(answer *wire.Response) (payments.Finding, error) {
	o, err := r.outcome(answer)
	refs := payments.ProviderRefs{Session: r.RequestID, Charge: r.PaymentID, Operation: r.ID}
	switch {
	case err != nil && r.Status == statusFailed:
		return payments.Finding{Kind: payments.Processing, Refs: refs}, nil
	case err != nil:
		return payments.Finding{}, err
	case o.Status == payments.Pending:
		return payments.Finding{Kind: payments.Processing, Outcome: o, Refs: refs}, nil
	}
	return payments.Finding{Kind: payments.FoundOutcome, Outcome: o, Refs: refs}, nil
}

func (a *adapter) findRefundByTransaction(ctx context.Context, reference string) (payments.Finding, error) {
	row, err := a.transactionOf(ctx, reference, typeRefund)
	switch {
	case err != nil:
		return payments.Finding{}, err
	case row == nil:
		return nothing, nil
	}
	refs := payments.ProviderRefs{Operation: row.ProductID}
	o := payments.Outcome{Refs: refs}
	switch row.Status {
	case transactionSuccess:
		o.Status = payments.Approved
	case statusFailed:
		o.Status, o.Code, o.RawCode = payments.Declined, payments.GatewayDeclined, statusFailed
	default:
		return payments.Finding{Kind: payments.Processing, Refs: refs}, nil
	}
	return payments.Finding{Kind: payments.FoundOutcome, Outcome: o, Refs: refs}, nil
}

// Abandon cancels a session or a payment request that has not charged; Xendit refuses that when it has. Without an id there is
// nothing that could be canceled.
func (a *adapter) Abandon(ctx context.Context, r payments.AbandonRequest) (payments.Fence, error) {
	switch {
	case isSession(r.Refs.Session):
		return a.cancelSession(ctx, r.Refs.Session)
	case r.Operation == payments.OpVerify && r.Refs.Session == "":
		// The session's id is durable before the payer gets its link: one without it, if there is any, nobody can use.
		return payments.Fenced, nil
	case r.Refs.Session == "":
		return payments.FenceAbsent, nil
	}
	answer, err := a.do(ctx, call{method: http.MethodPost, path: below(requestsPath, r.Refs.Session, "cancel")})
	if err != nil {
		return "", err
	}
	if ok(answer) {
		var c charge
		if err := answer.JSON(&c); err != nil {
			return "", err
		}
		return c.fence(r.Refs.Session), nil
	}
	if fault := unanswered(answer); fault != nil {
		return "", fault
	}
	// Refused: it has charged, or it is over already, perhaps by an earlier fence.
	var c charge
	shown, err := a.get(ctx, below(requestsPath, r.Refs.Session), nil, &c)
	switch {
	case err != nil:
		return "", err
	case shown == nil:
		return payments.FenceAbsent, nil
	}
	return c.fence(r.Refs.Session), nil
}

// fence says whether the request can still charge. One that failed is left to the next question, which tells why.
func (c *charge) fence(id string) payments.Fence {
	if c.RequestID == id && (c.Status == statusCanceled || c.Status == statusExpired) {
		return payments.Fenced
	}
	return payments.FenceBroken
}
