package flow

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"switchyard/adapters"
	"switchyard/payments"
	"switchyard/tokens"
)

// PrefixContinuation begins the source with which a payer's device goes on after a step. What follows is the device's own
// and proves nothing: the PSP is asked.
const PrefixContinuation = "gway_req_"

// EmptyContinuation is a result that says nothing: base64 of {}.
const EmptyContinuation = PrefixContinuation + "e30"

// sdkPatience is how long after a step has ended its source is taken for the browser SDK's question; later it is a new try.
const sdkPatience = 2 * time.Minute

// continues says whether a call with this source goes on with the payer's step of an attempt: with the step's result, or, as
// the vendor's browser SDK does, with the original source once more.
func continues(a *payments.Attempt, source string, now time.Time) bool {
	if a == nil || !a.Operation.Charges() {
		return false
	}
	page := a.OnPage() && (source == tokens.AnyPage || source == a.GatewayConfigurationID)
	same := source != "" && (source == a.CardID || source == a.TokenID || page)
	waits := a.State == payments.AttemptAction || a.Returned && (a.State.Open() || now.Sub(a.EndedAt) < sdkPatience)
	return strings.HasPrefix(source, PrefixContinuation) || same && waits
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

// goOn asks the PSP what became of the payer's step, unless that is known already, and answers with what is true then. A PSP
// that has to be told the step's result is told it first.
func (e *Engine) goOn(ctx context.Context, s *subject, id, result string) (payments.Snapshot, error) {
	ctx = context.WithoutCancel(ctx)
	a := s.pay.Attempt(id)
	if a.State == payments.AttemptAction && strings.HasPrefix(result, PrefixContinuation) && result != EmptyContinuation {
		if final, done, err := e.carry(ctx, s, id, result); done || err != nil {
			return final, err
		}
		a = s.pay.Attempt(id)
	}
	if a == nil || a.State != payments.AttemptAction {
		var final payments.Snapshot
		settling{final: &final}.answer(s, a)
		return final, nil
	}
	r, news := e.ask(ctx, s, question{id: id, until: e.now().Add(e.limits.PayerBudget)})
	final := s.snapshot()
	final.Action = e.openAction(ctx, a)
	if !news {
		return final, nil
	}
	err := e.settle(ctx, s, id, r, settling{last: true, askAt: e.now().Add(questionInterval), final: &final})
	if errors.Is(err, payments.ErrConflict) {
		return final, nil // somebody else is settling it
	}
	return final, err
}

// claimStep keeps what a call that goes on with a payer's step was answered, for its idempotency key: the final answer, or, while
// there is none, the attempt that decides it.
func (e *Engine) claimStep(ctx context.Context, r ChargeRequest, id string, s payments.Snapshot, err error) error {
	claim := claimOf(r.ProjectID, r.Claim, id, e.now())
	if err != nil || claim == nil {
		return err
	}
	for _, a := range s.Attempts {
		if a.ID == id && !a.State.Open() {
			claim.Snapshot = &s
		}
	}
	return e.ledger.Apply(context.WithoutCancel(ctx), payments.Change{Claim: claim})
}

// carry brings the result of the payer's step to the PSP. done is false when the PSP takes no results, or did not take this
// one: what became of the step is asked then. The call may charge, and is treated like the one before it.
func (e *Engine) carry(ctx context.Context, s *subject, id, result string) (final payments.Snapshot, done bool, err error) {
	a := s.pay.Attempt(id)
	gateway := e.gateways[a.GatewayConfigurationID]
	continuer, ok := gateway.Adapter.(adapters.Continuer)
	if !ok {
		return payments.Snapshot{}, false, nil
	}
	payer, err := e.payerOf(ctx, a.ProjectID, a.CustomerID)
	if err != nil {
		return payments.Snapshot{}, false, err
	}
	payer.CustomerRef = a.Refs.Customer
	request := payments.ContinueRequest{
		Operation: askedAs(gateway, a), Reference: a.Reference, Amount: a.Amount, Capture: a.Operation == payments.OpSale,
		Incremental: s.token == nil && s.pay.Transaction.Incremental, Refs: a.Refs, Payer: payer, ReturnURL: e.returnAddress(a, ""), Result: result,
	}
	deadline := e.now().Add(e.limits.PayerBudget)
	r := e.guarded(ctx, a, gateway.Timeout, func(ctx context.Context) (payments.Outcome, error) { return continuer.Continue(ctx, request) })
	if r.Fault != nil && r.Fault.Kind != payments.Unknown {
		e.log.WarnContext(ctx, "a PSP did not take the result of a payer's step", "attempt", a.ID, "psp", a.PSP, "error", r.Fault)
		return payments.Snapshot{}, false, nil
	}
	if err := e.settle(ctx, s, id, r, settling{last: true, askAt: e.firstAsked(a, r, deadline), final: &final}); err != nil || r.Fault == nil {
		return final, true, err
	}
	if r, known := e.resolve(ctx, s, id, deadline, nil); known {
		err = e.settle(ctx, s, id, r, settling{last: true, askAt: e.now().Add(questionInterval), final: &final})
		if errors.Is(err, payments.ErrConflict) {
			err = nil // somebody else is settling it
		}
	}
	return final, true, err
}

// ContinueVerification goes on with the verification of a token after the payer's step. ok is false when the call is not one
// that goes on: the token waits for no step, or the source is another card.
func (e *Engine) ContinueVerification(ctx context.Context, t payments.Token, source string) (s payments.Snapshot, ok bool, err error) {
	attempts, err := e.ledger.AttemptsOfToken(ctx, t.ProjectID, t.ID)
	if err != nil {
		return payments.Snapshot{}, false, err
	}
	a := lastCharge(attempts)
	if !continues(a, source, e.now()) {
		return payments.Snapshot{}, false, nil
	}
	sub, err := e.subjectOf(ctx, t.ProjectID, a.ID)
	if err != nil {
		return payments.Snapshot{}, true, err
	}
	s, err = e.goOn(ctx, sub, a.ID, source)
	return s, true, err
}

// Returned is called when a PSP has sent the payer back to us. It brings the PSP the step's result, if the payer came with one,
// asks it once, and returns where the payer goes on: the merchant's own address for what became of the payment, empty when
// there is none. That the payer came back proves nothing.
func (e *Engine) Returned(ctx context.Context, projectID, attemptID, result string) (string, error) {
	result = cmp.Or(result, EmptyContinuation)
	for try := 0; ; try++ {
		s, err := e.subjectOf(ctx, projectID, attemptID)
		if err != nil {
			return "", err
		}
		a := s.pay.Attempt(attemptID)
		if a == nil || a.State != payments.AttemptAction || a.Returned && result == EmptyContinuation {
			return s.goesOn(attemptID), nil // the return is used up: nothing is asked twice for it
		}
		if !a.Returned { // else the call before may have died before the PSP got its result: the PSP tells repeats apart
			d := e.draft(s)
			a.Returned = true
			d.attempts[a.ID] = true
			if err := d.commit(ctx, e); errors.Is(err, payments.ErrConflict) && try < maxConflicts {
				continue // another return, or a webhook, has brought the outcome meanwhile: the payer goes where that leads
			} else if err != nil {
				return "", err
			}
		}
		_, err = e.goOn(ctx, s, attemptID, result)
		return s.goesOn(attemptID), err
	}
}

// goesOn is where the payer goes on after a step: to the merchant's return address, or, when it came to nothing and the
// merchant has one for that, to the cancel address.
func (s *subject) goesOn(attemptID string) string {
	back, cancel := s.pay.Invoice.ReturnURL, s.pay.Invoice.CancelURL
	if s.token != nil {
		back, cancel = cmp.Or(s.token.InvoiceReturnURL, s.token.ReturnURL), s.token.CancelURL
	}
	a := s.pay.Attempt(attemptID)
	if a != nil && cancel != "" && (a.State == payments.AttemptDeclined || a.State == payments.AttemptFailed) {
		return cancel
	}
	return back
}

// returnAddress is where a PSP sends the payer after a step: to us, or, without an address of ours, to the merchant.
func (e *Engine) returnAddress(a *payments.Attempt, merchants string) string {
	if e.returns == nil {
		return merchants
	}
	return e.returns(a.ProjectID, a.ID)
}
