package flow

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"switchyard/payments"
)

// PrefixContinuation begins the source with which a payer's device goes on after a step. What follows is the device's own
// and proves nothing: the PSP is asked.
const PrefixContinuation = "gway_req_"

// continues says whether a call with this source goes on with the payer's step of an attempt: with the step's result, or, as
// the vendor's browser SDK does, with the original source once more.
func continues(a *payments.Attempt, source string) bool {
	if a == nil || !a.Operation.Charges() {
		return false
	}
	same := source != "" && (source == a.CardID || source == a.TokenID)
	return strings.HasPrefix(source, PrefixContinuation) || same && (a.State == payments.AttemptAction || a.Returned)
}

// lastCharge is the newest attempt to charge, or nil.
func lastCharge(attempts []payments.Attempt) *payments.Attempt {
	for i := range slices.Backward(attempts) {
		if attempts[i].Operation.Charges() {
			return &attempts[i]
		}
	}
	return nil
}

// goOn asks the PSP what became of the payer's step, unless that is known already, and answers with what is true then.
func (e *Engine) goOn(ctx context.Context, s *subject, id string) (payments.Snapshot, error) {
	ctx = context.WithoutCancel(ctx)
	a := s.pay.Attempt(id)
	if a.State != payments.AttemptAction {
		var final payments.Snapshot
		settling{final: &final}.answer(s, a)
		return final, nil
	}
	r, news := e.ask(ctx, s, question{id: id, until: e.now().Add(e.limits.PayerBudget)})
	final := s.snapshot()
	final.Action = openAction(a)
	if !news {
		return final, nil
	}
	err := e.settle(ctx, s, id, r, settling{last: true, askAt: e.now().Add(questionInterval), final: &final})
	if errors.Is(err, payments.ErrConflict) {
		return final, nil // somebody else is settling it
	}
	return final, err
}

// ContinueVerification goes on with the verification of a token after the payer's step. ok is false when the call is not one
// that goes on: the token waits for no step, or the source is another card.
func (e *Engine) ContinueVerification(ctx context.Context, t payments.Token, source string) (s payments.Snapshot, ok bool, err error) {
	attempts, err := e.ledger.AttemptsOfToken(ctx, t.ProjectID, t.ID)
	if err != nil {
		return payments.Snapshot{}, false, err
	}
	a := lastCharge(attempts)
	if !continues(a, source) {
		return payments.Snapshot{}, false, nil
	}
	sub, err := e.subjectOf(ctx, t.ProjectID, a.ID)
	if err != nil {
		return payments.Snapshot{}, true, err
	}
	s, err = e.goOn(ctx, sub, a.ID)
	return s, true, err
}

// Returned is called when a PSP has sent the payer back to us. It asks the PSP once, and returns where the payer goes on:
// the merchant's own return address, empty when there is none. That the payer came back proves nothing.
func (e *Engine) Returned(ctx context.Context, projectID, attemptID string) (string, error) {
	s, err := e.subjectOf(ctx, projectID, attemptID)
	if err != nil {
		return "", err
	}
	var address string
	if s.token != nil {
		address = cmp.Or(s.token.InvoiceReturnURL, s.token.ReturnURL)
	} else {
		address = s.pay.Invoice.ReturnURL
	}
	a := s.pay.Attempt(attemptID)
	if a == nil || a.State != payments.AttemptAction || a.Returned {
		return address, nil // the return is used up: nothing is asked twice for it
	}
	d := e.draft(s)
	a.Returned = true
	d.attempts[a.ID] = true
	if err := d.commit(ctx, e); errors.Is(err, payments.ErrConflict) {
		return address, nil // the other caller asks
	} else if err != nil {
		return "", err
	}
	_, err = e.goOn(ctx, s, attemptID)
	return address, err
}

// returnAddress is where a PSP sends the payer after a step: to us, or, without an address of ours, to the merchant.
func (e *Engine) returnAddress(a *payments.Attempt, merchants string) string {
	if e.returns == nil {
		return merchants
	}
	return e.returns(a.ProjectID, a.ID)
}
