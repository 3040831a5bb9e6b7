package reconcile

import (
	"context"

	"switchyard/adapters"
	"switchyard/payments"
)

// lookUp asks about the approved charges that the list does not show, and adds what the PSP says of them to the rows. It returns
// of how many.
func (r *reader) lookUp(ctx context.Context, in *Input) (int, error) {
	shown := map[int]bool{}
	names := namesOf(r.charges)
	for _, row := range in.Rows {
		ended := row.Status == payments.ListedAuthorized || row.Status == payments.ListedCaptured || row.Status == payments.ListedVoided
		if at, _, known := names.find(row); known && row.Kind == payments.ListedCharge && ended {
			shown[at] = true
		}
	}
	count := 0
	for i := range r.charges {
		c := &r.charges[i]
		if shown[i] || c.Open || c.Attempt.State != payments.AttemptApproved || !c.ChangedAt.Before(in.AsOf) {
			continue
		}
		row, found, err := r.evidence(ctx, c)
		switch {
		case ctx.Err() != nil:
			return 0, ctx.Err()
		case err != nil:
			in.Unanswered[c.Attempt.ID] = true
			continue
		case found:
			in.Rows = append(in.Rows, row)
		}
		count++
	}
	return count, nil
}

// evidence asks the PSP about a charge, and about each step of it that was approved.
func (r *reader) evidence(ctx context.Context, c *Charge) (Row, bool, error) {
	a := &c.Attempt
	f, err := r.lookup(ctx, a)
	if err != nil {
		return Row{}, false, err
	}
	row := Row{Listed: payments.Listed{
		Kind: payments.ListedCharge, Reference: a.Reference, Refs: a.Refs.Merge(f.Refs).Merge(f.Outcome.Refs), Amount: a.Amount, CreatedAt: a.SentAt,
	}}
	switch {
	case f.Kind == payments.NotFound:
		return Row{}, false, nil
	case f.Kind == payments.Processing:
		row.Status = payments.ListedPending
		return row, true, nil
	case f.Kind == payments.FoundOutcome && f.Outcome.Status == payments.Declined:
		row.Status = payments.ListedFailed
		return row, true, nil
	}
	shown := payments.Totals{Authorized: a.Amount.Minor}
	if approved := f.Outcome.Amount.Minor; approved > 0 {
		shown.Authorized = approved
	}
	if a.Operation == payments.OpSale {
		shown.Captured = shown.Authorized
	}
	if f.Kind == payments.FoundTotals {
		shown = f.Totals
	}
	for i := range c.Steps {
		if step := &c.Steps[i]; step.State == payments.AttemptApproved {
			if f, err = r.lookup(ctx, step); err != nil {
				return Row{}, false, err
			}
			shown = after(shown, step, f)
		}
	}
	row.Amount.Minor, row.Captured, row.Refunded = shown.Authorized, shown.Captured, shown.Refunded
	row.Status = payments.ListedAuthorized
	switch {
	case shown.Captured > 0:
		row.Status = payments.ListedCaptured
	case shown.Voided > 0:
		row.Status = payments.ListedVoided
	}
	return row, true, nil
}

// after is what the PSP shows of a charge once a step of it was asked about.
func after(shown payments.Totals, step *payments.Attempt, f payments.Finding) payments.Totals {
	learn := func(amount *int64, told int64) {
		switch {
		case f.Kind == payments.FoundTotals:
			*amount = told
		case f.Kind == payments.FoundOutcome && f.Outcome.Status == payments.Approved:
			*amount += step.Amount.Minor
		}
	}
	switch step.Operation {
	case payments.OpCapture:
		learn(&shown.Captured, f.Totals.Captured)
	case payments.OpVoid:
		learn(&shown.Voided, f.Totals.Voided)
	case payments.OpRefund:
		learn(&shown.Refunded, f.Totals.Refunded)
	case payments.OpIncrement:
		learn(&shown.Authorized, f.Totals.Authorized)
	case payments.OpAuthorize, payments.OpSale, payments.OpVerify, payments.OpTokenize, payments.OpLookup, payments.OpAbandon:
	}
	return shown
}

// lookup asks the PSP about one attempt.
func (r *reader) lookup(ctx context.Context, a *payments.Attempt) (f payments.Finding, err error) {
	operation := a.Operation
	if _, verifies := r.gateway.Adapter.(adapters.Verifier); operation == payments.OpVerify && !verifies && !a.OnPage() {
		operation = payments.OpAuthorize // the PSP saw a small hold
	}
	request := payments.LookupRequest{Operation: operation, Reference: a.Reference, Refs: a.Refs, Amount: a.Amount, Before: a.Before, SentAt: a.SentAt}
	err = r.ask(ctx, func(ctx context.Context) error {
		f, err = r.gateway.Adapter.Lookup(ctx, request)
		return err
	})
	return f, err
}
