package flow

import (
	"context"
	"errors"
	"fmt"
	"time"

	"switchyard/adapters"
	"switchyard/crash"
	"switchyard/payments"
)

// When a PSP is asked once more about a charge that was concluded not to have happened: its word is enough to go on, and not
// enough to forget.
var rechecks = []time.Duration{10 * time.Minute, 24 * time.Hour}

func recheckJob(a *payments.Attempt, step int, now time.Time) payments.Job {
	return payments.Job{
		ProjectID: a.ProjectID, Key: "recheck:" + a.ID, Kind: payments.JobRecheck, SubjectID: a.ID,
		Payload: fmt.Appendf(nil, "%d", step), RunAt: now.Add(rechecks[step]), CreatedAt: now,
	}
}

func reverseJob(a *payments.Attempt, now time.Time) payments.Job {
	return payments.Job{ProjectID: a.ProjectID, Key: "reverse:" + a.ID, Kind: payments.JobReverse, SubjectID: a.ID, RunAt: now, CreatedAt: now}
}

// mayTurnUp says that a charge was ended by what was concluded, by an operator's word, or by the end of the PSP's page, on which
// somebody may have paid in the last moment: the PSP is asked once more later.
func mayTurnUp(a *payments.Attempt, r payments.Result) bool {
	return a.Operation.Charges() && (concluded(r) || r.Fault != nil && errors.Is(r.Fault, errOperator) || a.OnPage() && a.Code == payments.GatewayExpired)
}

// mayBeLate says that an attempt ended as not done, though the PSP may have had it: should it turn up after all, its money
// goes back.
func mayBeLate(a *payments.Attempt) bool { return a.State.CanBecome(payments.AttemptLate) }

// late takes note of what a PSP did after the attempt had ended as not done. The merchant has been told that it was not, and
// another PSP may have been paid: a charge is given back by a job, which is written here; other late steps are for an operator.
func (e *Engine) late(ctx context.Context, s *subject, id string, refs payments.ProviderRefs) error {
	a := s.pay.Attempt(id)
	if a == nil || !mayBeLate(a) {
		return nil
	}
	d := e.draft(s)
	a.Refs = a.Refs.Merge(refs)
	if err := d.moveAttempt(a, payments.AttemptLate, a.PSP+" did it all the same"); err != nil {
		return err
	}
	if a.Operation.Charges() {
		d.change.Alerts = append(d.change.Alerts, payments.NewAlert(payments.AlertLate, a,
			fmt.Sprintf("%s charged %s %s after this attempt had ended as not done. The money is being given back.", a.PSP, a.Amount, a.Amount.Currency), d.now))
		d.change.Jobs = append(d.change.Jobs, reverseJob(a, d.now))
	} else {
		d.change.Alerts = append(d.change.Alerts, payments.NewAlert(payments.AlertLateStep, a,
			fmt.Sprintf("%s did the %s of %s %s after it had ended here as not done. Compare the payment with the PSP, and put right what differs.", a.PSP, a.Operation, a.Amount, a.Amount.Currency), d.now))
	}
	e.log.ErrorContext(ctx, "a PSP did what had ended as not done", "attempt", a.ID, "operation", a.Operation, "invoice", a.InvoiceID, "psp", a.PSP)
	if err := d.commit(context.WithoutCancel(ctx), e); err != nil {
		return err
	}
	e.metrics.late.Add(ctx, 1, attributes(a))
	e.wake()
	return nil
}

// maxRechecks bounds the tries to ask once more: with the backoff of jobs some hours.
const maxRechecks = 40

// recheck asks once more about a charge that was concluded not to have happened.
func (e *Engine) recheck(ctx context.Context, j payments.Job) error {
	s, err := e.subjectOf(ctx, j.ProjectID, j.SubjectID)
	if errors.Is(err, payments.ErrNotFound) {
		return e.drop(ctx, j)
	}
	if err != nil {
		return err
	}
	if a := s.pay.Attempt(j.SubjectID); a == nil || !mayBeLate(a) {
		return e.drop(ctx, j)
	}
	if j.Tries > maxRechecks {
		e.log.ErrorContext(ctx, "a PSP could not be asked once more about what had ended as not done", "attempt", j.SubjectID)
		return e.drop(ctx, j)
	}
	if err := e.lookForLate(ctx, s, j.SubjectID); err != nil {
		return err
	}
	change := payments.Change{DoneJobs: held(j)}
	var step int
	if _, err := fmt.Sscan(string(j.Payload), &step); err == nil && step+1 < len(rechecks) {
		a := s.pay.Attempt(j.SubjectID)
		change.Jobs = []payments.Job{recheckJob(a, step+1, e.now())}
	}
	return e.ledger.Apply(context.WithoutCancel(ctx), change)
}

// lookForLate asks the PSP about an attempt that ended as not done, and takes note when it was done after all.
func (e *Engine) lookForLate(ctx context.Context, s *subject, id string) error {
	a := s.pay.Attempt(id)
	gateway, ok := e.gateways[a.GatewayConfigurationID]
	if !ok {
		return errors.New("flow: the gateway configuration of an attempt is gone; put it back to learn whether it was charged")
	}
	f, err := e.lookup(ctx, gateway, a)
	if err != nil {
		return err
	}
	done := f.Kind == payments.FoundOutcome && f.Outcome.Status == payments.Approved
	if f.Kind == payments.FoundTotals {
		_, done = effectOf(a, f)
		done = done && (a.Operation.Charges() || f.Totals != s.pay.Transaction.Totals) // else a later attempt has done it
	}
	if !done {
		return nil
	}
	return e.late(ctx, s, id, f.Refs.Merge(f.Outcome.Refs))
}

// giveBack voids or refunds a late charge. The job itself is the durable intent; every try asks first what the PSP still
// holds, so that a repeat gives nothing back twice.
func (e *Engine) giveBack(ctx context.Context, j payments.Job, a payments.Attempt) error {
	gateway, ok := e.gateways[a.GatewayConfigurationID]
	if !ok {
		return errors.New("flow: the gateway configuration of a late charge is gone; put it back so that the money can be given back")
	}
	before, err := e.stillHeld(ctx, gateway, &a)
	if err != nil {
		return err
	}
	given := a // the operation that gives it back, for whoever asks after it
	given.Reference, given.Before = backReference(&a, j), before
	left := payments.Money{Minor: before.Captured - before.Refunded, Currency: a.Amount.Currency}
	voider, voids := gateway.Adapter.(adapters.Voider)
	var call func(context.Context) (payments.Outcome, error)
	switch held := before.Authorized - before.Captured - before.Voided; {
	case left.Minor > 0:
		given.Operation = payments.OpRefund
		call = func(ctx context.Context) (payments.Outcome, error) {
			return gateway.Adapter.Refund(ctx, payments.RefundRequest{Reference: given.Reference, Refs: a.Refs, Amount: left, Before: before, Reason: "duplicate"})
		}
	case held > 0 && voids:
		left.Minor, given.Operation = held, payments.OpVoid
		call = func(ctx context.Context) (payments.Outcome, error) {
			return voider.Void(ctx, payments.VoidRequest{Reference: given.Reference, Refs: a.Refs, Amount: left, Before: before})
		}
	case held > 0:
		return e.lapses(ctx, j, a)
	default:
		return e.gaveBack(ctx, j, a, payments.Entry{})
	}
	given.Amount = left
	if e.wentBack(ctx, gateway, given, &a, j) {
		return e.gaveBack(ctx, j, a, entryOf(&given))
	}
	if err := e.leaseHolds(j); err != nil {
		return err
	}
	r := e.guarded(ctx, &given, gateway.Timeout, call)
	if r.Fault != nil || r.Outcome.Status != payments.Approved {
		return e.notGivenBack(ctx, j, &a, r)
	}
	return e.gaveBack(ctx, j, a, entryOf(&given))
}

// backReference names the operation that gives an attempt's money back. A try without an answer is repeated under the same
// name, so that it is the same operation; after a refusal the next try has another name, because a PSP may give the same
// answer to the same name for ever.
func backReference(a *payments.Attempt, j payments.Job) string { return nthBack(a, refusals(j)) }

func nthBack(a *payments.Attempt, n int) string { return fmt.Sprintf("r%02d", n%100) + a.Reference[3:] }

// wentBack says that an earlier try has worked without an answer. It may have had any of the names so far: a PSP refuses to give
// back what it has given back already.
func (e *Engine) wentBack(ctx context.Context, gateway Gateway, given payments.Attempt, a *payments.Attempt, j payments.Job) bool {
	if j.Tries < 2 {
		return false
	}
	for n := min(refusals(j), stubborn); n >= 0; n-- {
		given.Reference = nthBack(a, n)
		f, err := e.lookup(ctx, gateway, &given)
		if err != nil {
			continue
		}
		if f.Kind == payments.FoundOutcome && f.Outcome.Status == payments.Approved {
			return true
		}
		if f.Kind == payments.FoundTotals { // these are of the whole charge, whatever the name
			_, done := effectOf(&given, f)
			return done
		}
	}
	return false
}

// refusals is how often the PSP has refused to give the money back; the job keeps count.
func refusals(j payments.Job) (n int) {
	_, _ = fmt.Sscan(string(j.Payload), &n) // none yet: the job has no payload
	return n
}

// After so many refusals to give money back an operator has to look; it is tried all the same, less often.
const (
	stubborn     = 10
	stubbornWait = time.Hour
)

// notGivenBack puts off what gives an attempt's money back, after anything but an approval.
func (e *Engine) notGivenBack(ctx context.Context, j payments.Job, a *payments.Attempt, r payments.Result) error {
	if r.Fault != nil && r.Fault.Kind != payments.Rejected {
		return r.Fault
	}
	if r.Fault == nil && r.Outcome.Status != payments.Declined {
		return fmt.Errorf("flow: the money is not given back yet: %s", r.Outcome.Status)
	}
	code := r.Outcome.Code
	if r.Fault != nil {
		code = r.Fault.PublicCode()
	}
	e.log.WarnContext(ctx, "a PSP refuses to give money back; it is asked again, under another reference", "job", j.Key, "tries", j.Tries, "code", code)
	j.Payload = fmt.Appendf(nil, "%d", refusals(j)+1)
	if refusals(j) < stubborn {
		return e.postpone(ctx, j, backoff(j.Tries))
	}
	j.RunAt, j.LeaseUntil = e.now().Add(stubbornWait), time.Time{}
	change := payments.Change{Jobs: []payments.Job{j}, DoneJobs: held(j)}
	if refusals(j) == stubborn {
		change.Alerts = []payments.Alert{payments.NewAlert(payments.AlertStuck, a, fmt.Sprintf(
			"%s has refused %d times to give %s %s back. Give it back by hand there; it is tried again every hour.", a.PSP, stubborn, a.Amount, a.Amount.Currency), e.now())}
	}
	return e.ledger.Apply(context.WithoutCancel(ctx), change)
}

// stillHeld is what a PSP holds and has taken of a late charge.
func (e *Engine) stillHeld(ctx context.Context, gateway Gateway, a *payments.Attempt) (payments.Totals, error) {
	f, err := e.lookup(ctx, gateway, a)
	switch {
	case err != nil:
		return payments.Totals{}, err
	case f.Kind == payments.FoundTotals:
		return f.Totals, nil
	case f.Kind == payments.FoundOutcome && f.Outcome.Status == payments.Declined:
		return payments.Totals{}, nil // released or cancelled since
	case f.Kind != payments.FoundOutcome || f.Outcome.Status != payments.Approved:
		return payments.Totals{}, fmt.Errorf("flow: a late charge does not show clearly: %s %s", f.Kind, f.Outcome.Status)
	}
	amount := a.Amount.Minor
	if approved := f.Outcome.Amount.Minor; approved > 0 {
		amount = approved
	}
	t := payments.Totals{Authorized: amount}
	if a.Operation == payments.OpSale {
		t.Captured = amount
	}
	return t, nil
}

func entryOf(given *payments.Attempt) payments.Entry {
	kind := payments.EntryVoided
	if given.Operation == payments.OpRefund {
		kind = payments.EntryRefunded
	}
	return payments.Entry{Kind: kind, Amount: given.Amount}
}

// gaveBack writes that a late charge's money is back.
func (e *Engine) gaveBack(ctx context.Context, j payments.Job, a payments.Attempt, entry payments.Entry) error {
	s, err := e.subjectOf(ctx, a.ProjectID, a.ID)
	if err != nil {
		return err
	}
	d := e.draft(s)
	if err := d.moveAttempt(s.pay.Attempt(a.ID), payments.AttemptReversed, "given back at "+a.PSP); err != nil {
		return err
	}
	if entry.Amount.Minor > 0 {
		taken := payments.EntryAuthorized
		if entry.Kind == payments.EntryRefunded {
			taken = payments.EntryCaptured
		}
		for _, kind := range []payments.EntryKind{taken, entry.Kind} {
			d.change.Entries = append(d.change.Entries, payments.Entry{ // of the attempt: the payment's own amounts do not change
				ProjectID: a.ProjectID, AttemptID: a.ID, GatewayConfigurationID: a.GatewayConfigurationID, Kind: kind, Amount: entry.Amount, At: d.now,
			})
		}
	}
	d.change.DoneJobs = append(d.change.DoneJobs, held(j)...)
	crash.Point(crash.BeforeFollowUp)
	return d.commit(context.WithoutCancel(ctx), e)
}

// lapses is for a late hold at a PSP that cannot release one: it is left to an operator and to time.
func (e *Engine) lapses(ctx context.Context, j payments.Job, a payments.Attempt) error {
	alert := payments.NewAlert(payments.AlertLateStep, &a, fmt.Sprintf(
		"%s holds %s %s of a payment that had ended as not done, and cannot release a hold. It lapses by itself; ask the PSP to release it sooner.", a.PSP, a.Amount, a.Amount.Currency), e.now())
	return e.ledger.Apply(context.WithoutCancel(ctx), payments.Change{Alerts: []payments.Alert{alert}, DoneJobs: held(j)})
}
