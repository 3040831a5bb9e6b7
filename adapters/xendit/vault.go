package xendit

import (
	"context"
	"net/http"

	"switchyard/payments"
)

// Tokenize saves a card as a payment token.
func (a *adapter) Tokenize(ctx context.Context, r payments.TokenizeRequest) (payments.Outcome, error) {
	body := requestBody{
		Reference: r.Reference, Country: a.countryFor(r.Currency), Currency: string(r.Currency), Channel: channelCards,
		Customer: r.Payer.CustomerRef,
		Properties: properties{
			MIDLabel: a.midLabel, SkipThreeDS: a.skipThreeDS, Card: newCard(r.Card, r.Payer),
		},
	}
	answer, err := a.do(ctx, call{
		method: http.MethodPost, path: tokensPath, body: body, secrets: []string{r.Card.Number.Reveal(), r.Card.CVC.Reveal()},
	})
	switch {
	case err != nil:
		return payments.Outcome{}, err
	case !ok(answer):
		return refused(answer)
	}
	var c charge
	if err := answer.JSON(&c); err != nil {
		return payments.Outcome{}, err
	}
	switch {
	case c.TokenID == "" || c.Reference != "" && c.Reference != r.Reference:
		return payments.Outcome{}, payments.Faultf(payments.Unknown, "xendit: the answer is not about this token")
	case c.Status == statusActive:
		return payments.Outcome{Status: payments.Approved, Refs: c.refs()}, nil
	case c.Status == statusAuthorized, c.Status == statusSucceeded, c.Status == statusAccepting:
		return payments.Outcome{}, unexpected(answer, "payment token", c.Status)
	}
	return c.outcome(false, answer)
}

// DeleteMethod cancels a payment token. One that is over already, or unknown, is as good as deleted.
func (a *adapter) DeleteMethod(ctx context.Context, r payments.ForgetRequest) error {
	answer, err := a.do(ctx, call{method: http.MethodPost, path: below(tokensPath, r.MethodRef, "cancel")})
	switch {
	case err != nil:
		return err
	case answer.Status == http.StatusNotFound:
		return nil
	case ok(answer):
		var c charge
		if err := answer.JSON(&c); err != nil {
			return err
		}
		return c.gone(r.MethodRef)
	}
	fault := answer.Fault(errorOf(answer))
	if fault.Kind != payments.Rejected {
		return fault
	}
	var c charge
	shown, err := a.get(ctx, below(tokensPath, r.MethodRef), nil, &c)
	switch {
	case err != nil:
		return err
	case shown != nil && c.gone(r.MethodRef) != nil:
		return fault // it lives, and Xendit does not delete it
	}
	return nil
}

// gone returns a fault when the token can still be charged.
func (c *charge) gone(token string) error {
	over := c.Status == statusCanceled || c.Status == statusExpired || c.Status == statusFailed
	if c.TokenID == token && over {
		return nil
	}
	return payments.Faultf(payments.Unknown, "xendit: the payment token is not deleted")
}
