package pivot

import (
	"context"
	"net/http"
	"net/url"
	"slices"

	"switchyard/adapters/wire"
	"switchyard/payments"
)

// Lookup asks what became of an operation.
func (a *adapter) Lookup(ctx context.Context, r payments.LookupRequest) (payments.Finding, error) {
	switch r.Operation {
	case payments.OpCapture:
		return a.findCapture(ctx, r)
	case payments.OpRefund:
		return a.findRefund(ctx, r)
	default: // a charge
		return a.findCharge(ctx, r)
	}
}

// finding is what an outcome amounts to.
func finding(o payments.Outcome) payments.Finding {
	f := payments.Finding{Kind: payments.FoundOutcome, Outcome: o, Refs: o.Refs}
	if o.Status == payments.Pending || o.Status == payments.ActionRequired {
		f.Kind = payments.Processing
	}
	return f
}

// findCharge asks for a session, by its id if that is known.
func (a *adapter) findCharge(ctx context.Context, r payments.LookupRequest) (payments.Finding, error) {
	var (
		s      *session
		answer *wire.Response
		err    error
	)
	if r.Refs.Session != "" {
		s, answer, err = a.getSession(ctx, r.Refs.Session)
	} else {
		s, answer, err = a.sessionByReference(ctx, r.Reference)
	}
	switch {
	case err != nil:
		return payments.Finding{}, err
	case s == nil:
		return payments.Finding{Kind: payments.NotFound}, nil
	case s.untouched(), s.abandoned():
		return payments.Finding{Kind: payments.NotFound, Refs: s.refs()}, nil // a fence makes sure
	}
	o, err := a.found(ctx, s, r.Operation == payments.OpSale, answer)
	if err != nil {
		return payments.Finding{}, err
	}
	return finding(o), nil
}

// found is the outcome of a session that was made before, with the card that it was to save.
func (a *adapter) found(ctx context.Context, s *session, sale bool, answer *wire.Response) (payments.Outcome, error) {
	o, err := s.outcome(sale, answer)
	if err == nil && s.Saves == "true" {
		a.addMethod(ctx, &o, s)
	}
	return o, err
}

// sessionByReference finds our session, nil when there is none. A reference is used once; should there be several sessions, one
// with a charge counts.
func (a *adapter) sessionByReference(ctx context.Context, reference string) (*session, *wire.Response, error) {
	rows, answer, err := search[session](ctx, a, sessionsPath, reference, func(s *session) string { return string(s.Reference) })
	if err != nil || len(rows) == 0 {
		return nil, nil, err
	}
	charged := slices.IndexFunc(rows, func(s session) bool { return len(s.Charges) > 0 || s.Status == statusPaid })
	s := &rows[max(charged, 0)]
	if s.ID == "" {
		return nil, nil, payments.Faultf(payments.Unknown, "pivot: the session has no id")
	}
	return s, answer, nil
}

// search lists the objects with our reference. That there is none is believed only of a list that is whole.
func search[T any](ctx context.Context, a *adapter, path, reference string, referenceOf func(*T) string) ([]T, *wire.Response, error) {
	answer, err := a.do(ctx, call{method: http.MethodGet, path: path, query: url.Values{"clientReferenceId": {reference}}})
	if err != nil {
		return nil, nil, err
	}
	rows, whole, err := list[T](answer)
	if err != nil {
		return nil, nil, err
	}
	ours := slices.DeleteFunc(rows, func(row T) bool { return referenceOf(&row) != reference })
	if len(ours) == 0 && !whole {
		return nil, nil, payments.Faultf(payments.Unknown, "pivot: the list is not about our reference")
	}
	return ours, answer, nil
}

// findCapture asks the session about a capture: by the capture's id, else by the totals. Refunds do not show in them, so those
// from before are repeated.
func (a *adapter) findCapture(ctx context.Context, r payments.LookupRequest) (payments.Finding, error) {
	if r.Refs.Session == "" {
		return payments.Finding{}, payments.Faultf(payments.Rejected, "pivot: no id of the payment is known")
	}
	s, answer, err := a.getSession(ctx, r.Refs.Session)
	if err != nil {
		return payments.Finding{}, err
	}
	c, refs := s.charge(), s.refs()
	processing := c.Status == statusProcessing
	for _, h := range c.Captures {
		if h.ID != "" && string(h.ID) == r.Refs.Operation {
			refs.Operation = string(h.ID)
			o, err := settled(refs, "capture", h.Status, amount{}, answer)
			if err != nil {
				return payments.Finding{}, err
			}
			o.Amount = h.money()
			return finding(o), nil
		}
		processing = processing || h.Status == statusPending || h.Status == statusProcessing
	}
	if processing {
		return payments.Finding{Kind: payments.Processing, Refs: refs}, nil
	}
	totals, err := c.totals(s, r.Before, answer)
	if err != nil {
		return payments.Finding{}, err
	}
	return payments.Finding{Kind: payments.FoundTotals, Totals: totals, Refs: refs}, nil
}

// totals are what the charge has held, taken and released.
func (c charge) totals(s *session, before payments.Totals, answer *wire.Response) (payments.Totals, error) {
	t := payments.Totals{Authorized: s.approved(c, false).Minor, Captured: c.Captured.money().Minor, Refunded: before.Refunded}
	if t.Authorized == 0 {
		t.Authorized = before.Authorized
	}
	var listed int64
	for _, h := range c.Captures {
		if h.Status == statusSuccess {
			listed += h.money().Minor
		}
	}
	t.Captured = max(t.Captured, listed)
	switch c.Status {
	case chargeWaitsForCapture:
		return t, nil
	case statusSuccess:
		if t.Captured == 0 {
			return payments.Totals{}, payments.Faultf(payments.Unknown, "pivot: the charge is captured, and does not say how much of it")
		}
	case statusExpired, statusFailed: // the hold has lapsed
	default:
		return payments.Totals{}, unexpected(answer, "charge", c.Status)
	}
	t.Voided = max(t.Authorized-t.Captured, 0)
	return t, nil
}

// findRefund asks for a refund by its id, else by our reference.
func (a *adapter) findRefund(ctx context.Context, r payments.LookupRequest) (payments.Finding, error) {
	var (
		found  *refund
		answer *wire.Response
		err    error
	)
	if id := r.Refs.Operation; id != "" {
		if answer, err = a.do(ctx, call{method: http.MethodGet, path: below(refundsPath, id)}); err != nil {
			return payments.Finding{}, err
		}
		if found, err = read[refund](answer); err == nil && string(found.ID) != id {
			err = payments.Faultf(payments.Unknown, "pivot: the answer is not about this refund")
		}
	} else {
		var rows []refund
		rows, answer, err = search[refund](ctx, a, refundsPath, r.Reference, func(r *refund) string { return string(r.Reference) })
		if err == nil && len(rows) == 0 {
			return payments.Finding{Kind: payments.NotFound}, nil
		}
		if err == nil {
			found = newest(rows)
		}
	}
	if err != nil {
		return payments.Finding{}, err
	}
	o, err := found.outcome(answer)
	if err != nil {
		return payments.Finding{}, err
	}
	return finding(o), nil
}

// newest is the one of several refunds with our reference that counts: one that was made, else one that may still be.
func newest(rows []refund) *refund {
	rank := map[text]int{statusSuccess: 2, statusFailed: -1, statusCancelled: -1}
	best := &rows[0]
	for i := range rows {
		if rank[rows[i].Status] > rank[best.Status] {
			best = &rows[i]
		}
	}
	return best
}

// Abandon cancels a session that has charged nothing; Pivot refuses that otherwise. Without the session's id there is nothing
// that could be cancelled.
func (a *adapter) Abandon(ctx context.Context, r payments.AbandonRequest) (payments.Fence, error) {
	if r.Refs.Session == "" {
		return payments.FenceAbsent, nil
	}
	s, answer, err := a.session(ctx, r.Refs.Session, call{
		method: http.MethodPost, path: below(sessionsPath, r.Refs.Session, "cancel"),
		body: struct {
			Reason string `json:"cancellationReason"`
		}{reasonAbandoned},
	})
	switch {
	case err == nil:
		return s.fence(), nil
	case answer == nil || !refusedState(answer):
		return "", err
	}
	// Refused: it has charged, or it is over already, perhaps by an earlier fence.
	if s, _, err = a.getSession(ctx, r.Refs.Session); err != nil {
		return "", err
	}
	return s.fence(), nil
}

// refusedState says that a request was understood and refused.
func refusedState(r *wire.Response) bool {
	return r.Status == http.StatusBadRequest || r.Status == http.StatusConflict || r.Status == http.StatusUnprocessableEntity ||
		r.Status == http.StatusNotFound
}

// fence says whether the session can still charge. One whose charge has failed is left to the next question, which tells why.
func (s *session) fence() payments.Fence {
	if s.over() && len(s.Charges) == 0 {
		return payments.Fenced
	}
	return payments.FenceBroken
}
