package flow

import (
	"context"
	"errors"
	"fmt"

	"switchyard/payments"
)

// Verdicts of an operator about an attempt without certainty.
const (
	VerdictDone    = "done"     // the PSP did it
	VerdictNotDone = "not-done" // the PSP did not and will not do it
)

// Resolution is what an operator says of an attempt whose outcome could not be found out.
type Resolution struct {
	ProjectID, AttemptID string
	Verdict              string // VerdictDone or VerdictNotDone
	ChargeRef            string // the PSP's id of the charge, refund or capture; needed to capture, void or refund a charge later
	By, Because          string // who decided, and what the PSP said; both are kept
}

// Resolve ends an open attempt by an operator's word, through the same conditional transition as a PSP's answer: whichever
// comes first counts. Codes of its errors: CodeValidation, CodeTransactionNotFound, CodeStillProcessing while the call itself
// runs.
func (e *Engine) Resolve(ctx context.Context, r Resolution) error {
	if r.By == "" || r.Because == "" || r.Verdict != VerdictDone && r.Verdict != VerdictNotDone {
		return payments.NewError(payments.CodeValidation, `Give the verdict "done" or "not-done", and say who decided (by) and what the PSP said (because).`)
	}
	s, err := e.subjectOf(ctx, r.ProjectID, r.AttemptID)
	if errors.Is(err, payments.ErrNotFound) {
		return payments.NewError(payments.CodeTransactionNotFound, "There is no such attempt.")
	}
	if err != nil {
		return err
	}
	a := s.pay.Attempt(r.AttemptID)
	switch {
	case a == nil || !a.State.Open():
		return payments.NewError(payments.CodeValidation, "This attempt has ended already: see its state.")
	case a.State == payments.AttemptSent && e.now().Sub(a.SentAt) < e.gateways[a.GatewayConfigurationID].Timeout+leaseGrace:
		return stillProcessing()
	}
	if r.Verdict == VerdictNotDone && a.Operation.Charges() {
		// An operator may be told of what is not there yet: where the PSP can shut its door, it does so first.
		if g, ok := e.gateways[a.GatewayConfigurationID]; ok && e.fence(ctx, g, a) == payments.FenceBroken {
			return payments.Errorf(payments.CodeValidation, "%s says that it can no longer be stopped: it has charged, or is about to. Ask it again before you resolve this attempt.", a.PSP)
		}
	}
	result := payments.Result{Outcome: payments.Outcome{Status: payments.Approved, Refs: payments.ProviderRefs{Charge: r.ChargeRef}}}
	if !a.Operation.Charges() {
		result.Outcome.Refs = payments.ProviderRefs{Operation: r.ChargeRef}
	}
	if r.Verdict == VerdictNotDone {
		result = payments.Result{Fault: &payments.Fault{Kind: payments.NeverSent, Code: payments.PaymentDeclined, Err: errOperator}}
	}
	e.log.WarnContext(ctx, "an operator resolves an attempt", "attempt", a.ID, "verdict", r.Verdict, "by", r.By, "because", r.Because)
	if err := e.settle(context.WithoutCancel(ctx), s, a.ID, result, settling{last: true, why: fmt.Sprintf("%s by %s: %s", r.Verdict, r.By, r.Because)}); err != nil {
		return err
	}
	return e.CloseAlert(ctx, payments.AlertID(payments.AlertReview, r.AttemptID), r.By, r.Because)
}

// CloseAlert says that an operator has dealt with an alert. An alert that is not there, or is closed, is no error.
func (e *Engine) CloseAlert(ctx context.Context, id, by, because string) error {
	alert, err := e.ledger.Alert(ctx, id)
	if errors.Is(err, payments.ErrNotFound) || err == nil && !alert.ClosedAt.IsZero() {
		return nil
	}
	if err != nil {
		return err
	}
	alert.Version++
	alert.ClosedAt, alert.ClosedBy, alert.ClosedBecause = e.now(), by, because
	err = e.ledger.Apply(ctx, payments.Change{Alerts: []payments.Alert{alert}})
	if errors.Is(err, payments.ErrConflict) {
		return nil // another operator was faster
	}
	return err
}

// LookAgain asks the PSP once more about an attempt that ended as not done, as the scheduled rechecks do: should the PSP have
// done it after all, the money goes back. It returns the attempt's state then. Codes of its errors: CodeTransactionNotFound,
// CodeValidation when the attempt has not ended as not done.
func (e *Engine) LookAgain(ctx context.Context, projectID, attemptID string) (payments.AttemptState, error) {
	s, err := e.subjectOf(ctx, projectID, attemptID)
	if errors.Is(err, payments.ErrNotFound) {
		return "", payments.NewError(payments.CodeTransactionNotFound, "There is no such attempt.")
	}
	if err != nil {
		return "", err
	}
	a := s.pay.Attempt(attemptID)
	if a == nil || !mayBeLate(a) {
		return "", payments.NewError(payments.CodeValidation, "Only an attempt that ended as not done can turn out to be late: see its state.")
	}
	if err := e.lookForLate(ctx, s, attemptID); err != nil {
		return "", err
	}
	return s.pay.Attempt(attemptID).State, nil
}
