package processout

import (
	"context"
	"net/http"
	"net/url"
	"slices"

	"switchyard/payments"
)

var nothing = payments.Finding{Kind: payments.NotFound}

// Lookup asks what became of an operation: by the invoice with its transaction, for a verification by its token.
func (a *adapter) Lookup(ctx context.Context, r payments.LookupRequest) (payments.Finding, error) {
	if r.Refs.Session == "" {
		return nothing, nil // the id is durable before the charging call: that call was never sent
	}
	if r.Operation == payments.OpVerify {
		return a.findVerification(ctx, r.Refs)
	}
	e, err := a.do(ctx, call{
		method: http.MethodGet,
		path:   invoicePath(r.Refs.Session, ""),
		query:  url.Values{"expand[]": {"transaction", "transaction.operations", "transaction.refunds"}},
	})
	switch {
	case missing(err, "invoice"):
		return nothing, nil // a fence has deleted it
	case err != nil:
		return payments.Finding{}, asking(err)
	case e.Invoice == nil || e.Invoice.ID != r.Refs.Session || e.Invoice.Transaction == nil || e.Invoice.Transaction.ID == "":
		return payments.Finding{}, incomplete("transaction of the invoice that was asked for")
	}
	t := e.Invoice.Transaction
	refs := refsOf(r.Refs, t)
	switch r.Operation {
	case payments.OpCapture, payments.OpVoid, payments.OpIncrement:
		return t.findTotals(refs, r.Amount.Currency)
	case payments.OpRefund:
		return t.findRefund(refs, r)
	default: // a charge, if only one that verifies a card
		return e.findCharge(refs, r)
	}
}

func (e *envelope) findCharge(refs payments.ProviderRefs, r payments.LookupRequest) (payments.Finding, error) {
	o, ok, err := e.Invoice.Transaction.charge(r.Operation == payments.OpSale, r.Amount.Currency, e.redact)
	o.Refs = refs
	switch f := payments.AsFault(err); {
	case f != nil && f.Code != "":
		// Failed, with a code that says that nobody knows: the payment stays open until ProcessOut does.
		return payments.Finding{Kind: payments.Processing, Refs: refs}, nil
	case err != nil:
		return payments.Finding{}, err
	case !ok && e.Action.none():
		return payments.Finding{Kind: payments.NotFound, Refs: refs}, nil
	case !ok, o.Status == payments.Pending:
		return e.processing(refs), nil
	}
	return payments.Finding{Kind: payments.FoundOutcome, Outcome: o, Refs: refs}, nil
}

// processing is the finding that the operation has not ended. When ProcessOut shows the step for which it waits, the payer can be
// sent there.
func (e *envelope) processing(refs payments.ProviderRefs) payments.Finding {
	f := payments.Finding{Kind: payments.Processing, Refs: refs}
	if todo, err := e.Action.outcome(); err == nil && todo != nil {
		f.Outcome = payments.Outcome{Status: payments.ActionRequired, Action: todo, Refs: refs}
	}
	return f
}

// findTotals answers with the amounts, unless the transaction is on its way from one state to the next.
func (t *transaction) findTotals(refs payments.ProviderRefs, c payments.Currency) (payments.Finding, error) {
	if t.Status == statusPending || t.Status == statusPendingCapture {
		return payments.Finding{Kind: payments.Processing, Refs: refs}, nil
	}
	totals, err := t.totals(c)
	if err != nil {
		return payments.Finding{}, err
	}
	return payments.Finding{Kind: payments.FoundTotals, Totals: totals, Refs: refs}, nil
}

// findRefund looks for our reference among the refunds. Where ProcessOut does not list them, the totals have to tell.
func (t *transaction) findRefund(refs payments.ProviderRefs, r payments.LookupRequest) (payments.Finding, error) {
	if t.Refunds == nil {
		return t.findTotals(refs, r.Amount.Currency)
	}
	at := slices.IndexFunc(t.Refunds, func(made refund) bool {
		return made.ID != "" && (made.Metadata["reference"] == r.Reference || made.ID == r.Refs.Operation)
	})
	if at < 0 {
		f, err := t.findTotals(refs, r.Amount.Currency)
		if err == nil && f.Kind == payments.FoundTotals && f.Totals.Refunded == r.Before.Refunded {
			f = payments.Finding{Kind: payments.NotFound, Refs: refs}
		}
		return f, err // a refund may show without its reference: then the amounts have to tell
	}
	o := t.Refunds[at].outcome()
	o.Refs = refs.Merge(o.Refs)
	return payments.Finding{Kind: payments.FoundOutcome, Outcome: o, Refs: o.Refs}, nil
}

// Abandon deletes an invoice that has not been paid, so that it never will be. ProcessOut refuses to delete one that was
// paid: unlike a void, this cannot undo a charge.
func (a *adapter) Abandon(ctx context.Context, r payments.AbandonRequest) (payments.Fence, error) {
	if r.Refs.Session == "" {
		// The invoice's id is durable before the charging call is sent: without an id that call never was, and the attempt's
		// own call has ended before anyone asks. An invoice that nobody was asked to pay charges nobody. The same holds for
		// the token of a verification.
		return payments.Fenced, nil
	}
	if r.Operation == payments.OpVerify {
		return a.abandonVerification(ctx, r.Refs)
	}
	// Without an idempotency key, which would have ProcessOut repeat its first answer when it is asked again later.
	_, err := a.do(ctx, call{method: http.MethodDelete, path: invoicePath(r.Refs.Session, "")})
	switch refused := asRefusal(err); {
	case err == nil:
		return payments.Fenced, nil
	case missing(err, "invoice"):
		// An earlier fence has deleted it, or it does not show yet: not found is no proof.
		return payments.FenceAbsent, nil
	case refused != nil && (refused.answer.Status == http.StatusBadRequest || refused.answer.Status == http.StatusGone):
		return payments.FenceBroken, nil
	}
	return "", asking(err)
}
