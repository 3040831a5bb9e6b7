package example

import (
	"context"
	"net/url"

	"switchyard/adapters/wire"
	"switchyard/payments"
)

var nothing = payments.Finding{Kind: payments.NotFound}

// Lookup asks what became of an operation.
func (a *adapter) Lookup(ctx context.Context, r payments.LookupRequest) (payments.Finding, error) {
	switch r.Operation {
	case payments.OpCapture, payments.OpVoid:
		return a.findTotals(ctx, r.Refs)
	case payments.OpRefund:
		return a.findRefund(ctx, r.Reference)
	default:
		return a.findCharge(ctx, r)
	}
}

func (a *adapter) findCharge(ctx context.Context, r payments.LookupRequest) (payments.Finding, error) {
	c, answer, err := findOne[charge](ctx, a, chargesPath, r.Reference)
	switch {
	case err != nil:
		return payments.Finding{}, err
	case c == nil, c.Status == statusCanceled: // by a fence whose answer was lost: fence again
		return nothing, nil
	case c.Reference != r.Reference:
		return payments.Finding{}, payments.Faultf(payments.Unknown, "acme: the answer is not about this charge")
	}
	return finding(c.outcome(r.Operation == payments.OpSale, answer))
}

func (a *adapter) findRefund(ctx context.Context, reference string) (payments.Finding, error) {
	one, answer, err := findOne[refund](ctx, a, refundsPath, reference)
	switch {
	case err != nil:
		return payments.Finding{}, err
	case one == nil:
		return nothing, nil
	case one.Reference != reference:
		return payments.Finding{}, payments.Faultf(payments.Unknown, "acme: the answer is not about this refund")
	}
	return finding(one.outcome(answer))
}

// findOne asks for what has a reference, which is unique at Acme Pay; nil is nothing. A list that does not come is no empty list.
func findOne[T any](ctx context.Context, a *adapter, path, reference string) (*T, *wire.Response, error) {
	var list struct {
		Data *[]T `json:"data"`
	}
	answer, err := a.get(ctx, path, url.Values{"reference": {reference}}, &list)
	switch {
	case err != nil:
		return nil, nil, err
	case list.Data == nil:
		return nil, nil, payments.Faultf(payments.Unknown, "acme: the answer is no list")
	case len(*list.Data) == 0:
		return nil, answer, nil
	}
	return &(*list.Data)[0], answer, nil
}

// finding tells an outcome that is final from one that is not.
func finding(o payments.Outcome, err error) (payments.Finding, error) {
	switch {
	case err != nil:
		return payments.Finding{}, err
	case o.Status == payments.Pending, o.Status == payments.ActionRequired:
		return payments.Finding{Kind: payments.Processing, Outcome: o, Refs: o.Refs}, nil
	}
	return payments.Finding{Kind: payments.FoundOutcome, Outcome: o, Refs: o.Refs}, nil
}

// findTotals asks the charge for its totals, from which the effect of a capture or a void follows.
func (a *adapter) findTotals(ctx context.Context, refs payments.ProviderRefs) (payments.Finding, error) {
	var c charge
	_, err := a.get(ctx, chargesPath+"/"+url.PathEscape(refs.Charge), nil, &c)
	switch {
	case err != nil:
		return payments.Finding{}, err
	case c.ID == "" || c.ID != refs.Charge:
		return payments.Finding{}, payments.Faultf(payments.Unknown, "acme: the answer is not about this charge")
	case c.Status == statusProcessing:
		return payments.Finding{Kind: payments.Processing}, nil
	}
	totals := payments.Totals{Authorized: c.Amount, Captured: c.Captured, Refunded: c.Refunded}
	if c.Status == statusCanceled {
		totals.Voided = c.Amount - c.Captured
	}
	return payments.Finding{Kind: payments.FoundTotals, Totals: totals, Refs: payments.ProviderRefs{Charge: c.ID}}, nil
}

// Abandon has Acme Pay refuse the reference for ever, whether or not its charge has arrived. It is refused itself when the charge
// has taken or held money.
func (a *adapter) Abandon(ctx context.Context, r payments.AbandonRequest) (payments.Fence, error) {
	answer, err := a.post(ctx, cancellationsPath, "cancel-"+r.Reference, struct {
		Reference string `json:"reference"`
	}{r.Reference})
	if err != nil {
		if payments.AsFault(err).RawCode == "already_charged" {
			return payments.FenceBroken, nil
		}
		return "", err
	}
	var c struct {
		Reference string `json:"reference"`
		Status    string `json:"status"`
	}
	switch err := answer.JSON(&c); {
	case err != nil:
		return "", err
	case c.Reference != r.Reference || c.Status != statusCanceled:
		return "", payments.Faultf(payments.Unknown, "acme: the answer does not say that the reference is canceled")
	}
	return payments.Fenced, nil
}
