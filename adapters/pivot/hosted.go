package pivot

import (
	"context"
	"errors"
	"fmt"
	"time"

	"switchyard/payments"
)

// StartSession opens Pivot's own payment page for a card: a new one, which the payer may save, or one of those that Pivot keeps
// for the customer. The payer charges it there, so that the page's address is given away only when the session's id is durable.
// Its token lets anybody pay or, where saved cards are offered, see them: it is in the action's value and nowhere else.
// A repeated request finds the session that it made. Pivot cannot be told which card to offer first, and saves none without a
// payment.
func (a *adapter) StartSession(ctx context.Context, r payments.SessionRequest) (payments.Outcome, error) {
	if err := wholeAmount(r.Amount); err != nil {
		return payments.Outcome{}, err
	}
	if r.Amount.Minor <= 0 {
		return payments.Outcome{}, &payments.Fault{
			Kind: payments.Rejected, Code: payments.GatewayNotAllowed,
			Err: errors.New("pivot: a card is saved only by paying with it: the page needs an amount"),
		}
	}
	if r.Refs.Session != "" {
		s, answer, err := a.getSession(ctx, r.Refs.Session)
		if err != nil {
			return payments.Outcome{}, err
		}
		return a.found(ctx, s, r.Capture, answer)
	}
	failure := r.CancelURL
	if failure == "" {
		failure = r.ReturnURL
	}
	body, lack := a.newSession(terms{
		reference: r.Reference, amount: r.Amount, payer: r.Payer, description: r.Description, descriptor: r.StatementDescriptor,
		success: r.ReturnURL, failure: failure, save: r.Save,
	})
	if lack != "" {
		return unfit(lack), nil
	}
	body.Mode, body.AutoConfirm, body.Options = modeRedirect, true, a.cardOptions(r.Capture, false)
	body.ShowSaved = r.ShowSaved && body.CustomerID != ""
	if !r.ExpiresAt.IsZero() {
		at := r.ExpiresAt.UTC().Truncate(time.Second)
		body.ExpiryAt = &at
	}
	s, answer, err := a.postSession(ctx, body, nil)
	if err != nil {
		return payments.Outcome{}, err
	}
	if r.Note != nil {
		if err := r.Note(ctx, s.refs()); err != nil {
			return payments.Outcome{}, payments.NewFault(payments.NeverSent, fmt.Errorf("pivot: making the session's id durable: %w", err))
		}
	}
	s.Mode = modeRedirect
	return s.outcome(r.Capture, answer)
}
