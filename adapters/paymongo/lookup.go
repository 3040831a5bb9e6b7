package paymongo

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"switchyard/payments"
)

// maxRefundQuestions bounds the calls for refunds of which a payment tells nothing but the id.
const maxRefundQuestions = 20

var nothing = payments.Finding{Kind: payments.NotFound}

// Lookup asks what became of an operation: by the intent, or for a refund by the payment.
func (a *adapter) Lookup(ctx context.Context, r payments.LookupRequest) (payments.Finding, error) {
	if r.Refs.Session == "" && (r.Operation != payments.OpRefund || r.Refs.Charge == "") {
		return nothing, nil // the id is durable before the charging call: that call was never sent
	}
	if r.Operation == payments.OpRefund {
		return a.findRefund(ctx, r)
	}
	i, err := a.intent(ctx, call{method: http.MethodGet, path: intentPath(r.Refs.Session, "")}, r.Refs.Session)
	switch {
	case missing(err):
		return nothing, nil
	case err != nil:
		return payments.Finding{}, asking(err)
	}
	switch r.Operation {
	case payments.OpCapture:
		return i.findCapture(), nil
	case payments.OpVoid:
		return i.findVoid(), nil
	default: // a charge, if only a small one to verify a card
		f, err := i.findCharge(r.Operation == payments.OpSale)
		if f.Kind == payments.FoundOutcome {
			customer, method := i.vaults()
			a.addVaulted(ctx, &f.Outcome, customer, method)
			f.Refs = f.Outcome.Refs
		}
		return f, err
	}
}

func (i *intent) findCharge(sale bool) (payments.Finding, error) {
	o, ok, err := i.charge(sale)
	switch {
	case err != nil:
		return payments.Finding{}, err
	case !ok:
		return payments.Finding{Kind: payments.NotFound, Refs: i.refs()}, nil
	case o.Status == payments.Pending, o.Status == payments.ActionRequired:
		return payments.Finding{Kind: payments.Processing, Outcome: o, Refs: i.refs()}, nil
	}
	return payments.Finding{Kind: payments.FoundOutcome, Outcome: o, Refs: i.refs()}, nil
}

func (i *intent) findCapture() payments.Finding {
	if i.Status == intentProcessing {
		return payments.Finding{Kind: payments.Processing, Refs: i.refs()}
	}
	return payments.Finding{Kind: payments.FoundTotals, Totals: i.totals(), Refs: i.refs()}
}

func (i *intent) findVoid() payments.Finding {
	f := payments.Finding{Kind: payments.NotFound, Refs: i.refs()}
	switch i.Status {
	case intentCancelled:
		f.Kind, f.Outcome = payments.FoundOutcome, payments.Outcome{Status: payments.Approved, Refs: i.refs()}
	case intentSucceeded: // captured: it can no longer be voided
		f.Kind = payments.FoundOutcome
		f.Outcome = payments.Outcome{Status: payments.Declined, Code: payments.GatewayDeclined, RawCode: intentSucceeded, Refs: i.refs()}
	case intentProcessing:
		f.Kind = payments.Processing
	}
	return f
}

// findRefund looks for our reference among the payment's refunds.
func (a *adapter) findRefund(ctx context.Context, r payments.LookupRequest) (payments.Finding, error) {
	if strings.HasPrefix(r.Refs.Operation, "ref_") || strings.HasPrefix(r.Refs.Operation, "re_") {
		refund, err := a.getRefund(ctx, r.Refs.Operation)
		if err == nil {
			return findingOf(refund)
		}
		if !missing(err) {
			return payments.Finding{}, asking(err)
		}
	}
	charge, err := a.chargeOf(ctx, r.Refs)
	switch {
	case missing(err), err == nil && charge == "":
		return nothing, nil
	case err != nil:
		return payments.Finding{}, asking(err)
	}
	payment, err := fetch[paymentAttributes](ctx, a, call{method: http.MethodGet, path: "/payments/" + url.PathEscape(charge)}, charge)
	switch {
	case missing(err):
		return nothing, nil
	case err != nil:
		return payments.Finding{}, asking(err)
	}
	return a.amongRefunds(ctx, payment.Attributes.Refunds, r.Reference)
}

// amongRefunds finds the refund with our reference. One that does not show a reference is asked for by its id: taking it for
// somebody else's could mean to miss our own.
func (a *adapter) amongRefunds(ctx context.Context, refunds []json.RawMessage, reference string) (payments.Finding, error) {
	questions := 0
	for _, raw := range refunds {
		refund, ok := readRefund(raw)
		if !ok || refund.Attributes.Metadata == "" {
			id := refundID(raw)
			if questions++; id == "" || questions > maxRefundQuestions {
				return payments.Finding{}, payments.Faultf(payments.Unknown, "paymongo: the payment has refunds that cannot be told apart")
			}
			var err error
			if refund, err = a.getRefund(ctx, id); err != nil {
				return payments.Finding{}, asking(err)
			}
		}
		if string(refund.Attributes.Metadata) == reference {
			return findingOf(refund)
		}
	}
	return nothing, nil
}

func (a *adapter) getRefund(ctx context.Context, id string) (resource[refundAttributes], error) {
	return fetch[refundAttributes](ctx, a, call{method: http.MethodGet, path: "/refunds/" + url.PathEscape(id)}, id)
}

func findingOf(refund resource[refundAttributes]) (payments.Finding, error) {
	o, err := refundOutcome(refund)
	switch {
	case err != nil:
		return payments.Finding{}, err
	case o.Status == payments.Pending:
		return payments.Finding{Kind: payments.Processing, Refs: o.Refs}, nil
	}
	return payments.Finding{Kind: payments.FoundOutcome, Outcome: o, Refs: o.Refs}, nil
}

// Abandon cancels an intent that has not been charged, so that it never will be.
//
// PayMongo refuses to cancel an intent whose money was taken, but it does cancel one whose money is held: that is its void.
// So the intent is asked first, and one that was charged, or is being charged, is left alone. Between that answer and the
// cancellation a late attach may still be approved; the hold is then released, the payments of the cancelled intent give it
// away, and the fence counts as broken. Asked again, the charge is found to have ended with the cancelled intent, and it is
// not tried elsewhere.
func (a *adapter) Abandon(ctx context.Context, r payments.AbandonRequest) (payments.Fence, error) {
	session := r.Refs.Session
	if session == "" {
		// The intent's id is durable before the attach call is sent: without an id that call never was, and the attempt's own
		// call has ended before anyone asks. An intent that nothing was attached to charges nobody.
		return payments.Fenced, nil
	}
	i, err := a.intent(ctx, call{method: http.MethodGet, path: intentPath(session, "")}, session)
	switch {
	case missing(err):
		return payments.FenceAbsent, nil
	case err != nil:
		return "", asking(err)
	case i.Status == intentCancelled:
		return i.fence(), nil
	case i.Status != intentAwaitingMethod && i.Status != intentAwaitingAction:
		return payments.FenceBroken, nil
	}
	// Without an idempotency key, which would have PayMongo repeat its first answer when it is asked again later.
	i, err = a.cancel(ctx, session, "")
	if refused := asRefusal(err); refused != nil && refused.answer.Status == http.StatusBadRequest {
		return payments.FenceBroken, nil
	}
	if err != nil {
		return "", asking(err)
	}
	return i.fence(), nil
}

// fence says whether a cancelled intent proves that nobody was charged.
func (i *intent) fence() payments.Fence {
	if i.Status != intentCancelled || i.touched() {
		return payments.FenceBroken
	}
	return payments.Fenced
}
