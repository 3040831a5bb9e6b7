package flow

import (
	"context"
	"errors"
	"math"

	"switchyard/adapters"
	"switchyard/payments"
	"switchyard/tokens"
)

// VerifyRequest asks to verify the card that was put on a customer token.
type VerifyRequest struct {
	Prepared            tokens.Prepared // what tokens.Create or tokens.Assign made ready; nothing of it is written yet
	ClientIP, UserAgent string
	Claim               *payments.ClaimRequest
}

// Verify checks a token's card with a real exchange at a PSP: without money where the PSP can, otherwise with the smallest
// hold, which a job written with the outcome releases. The answer carries the token, and an action or a code.
func (e *Engine) Verify(ctx context.Context, r VerifyRequest) (payments.Snapshot, error) {
	unlock, err := e.locks.lock(ctx, r.Prepared.Token.ProjectID+"/"+r.Prepared.Token.ID)
	if err != nil {
		return payments.Snapshot{}, err
	}
	defer unlock()
	for try := 0; ; try++ {
		c := e.verificationCourse(r)
		if err := e.decide(ctx, c, c.token.CustomerID, c.token.VerifyMetadata); err != nil {
			return payments.Snapshot{}, err
		}
		s, err := e.run(context.WithoutCancel(ctx), c)
		if errors.Is(err, errNothingSent) && try < maxConflicts {
			if r.Prepared, err = r.Prepared.Again(ctx); err != nil {
				return payments.Snapshot{}, err
			}
			continue
		}
		if errors.Is(err, payments.ErrConflict) {
			err = stillProcessing()
		}
		e.vault.WipeCVC(context.WithoutCancel(ctx), c.token.ProjectID, c.source.Card.ID)
		return s, err
	}
}

// verificationCourse gathers everything a verification's run needs.
func (e *Engine) verificationCourse(r VerifyRequest) *course {
	p := r.Prepared
	token := p.Token
	c := &course{
		subject:   &subject{pay: &payments.Payment{}, token: &token, customer: &p.Customer, card: p.Card},
		operation: payments.OpVerify, request: ChargeRequest{ProjectID: token.ProjectID}, claim: r.Claim, change: p.Change,
		amount:   payments.Money{Currency: e.verificationCurrency(p)}, // empty: the gateway configuration's
		source:   tokens.Resolved{Token: &token, CustomerID: token.CustomerID, Page: p.Page, PageAt: p.PageAt},
		noSaving: map[string]bool{},
		deadline: e.now().Add(e.limits.PayerBudget),
	}
	if p.Card != nil {
		c.source.Card = *p.Card
	}
	k := p.Customer
	c.payer = payments.Payer{CustomerID: k.ID, FirstName: k.FirstName, LastName: k.LastName, Email: k.Email, Phone: k.Phone, CountryCode: k.CountryCode, IPAddress: r.ClientIP, UserAgent: r.UserAgent}
	return c
}

// verificationCurrency is the customer's, else the project's, else left to the gateway configuration. On the page of one gateway
// configuration nothing is paid, and its own currency does when the customer has none.
func (e *Engine) verificationCurrency(p tokens.Prepared) payments.Currency {
	if p.Customer.Currency != "" {
		return p.Customer.Currency
	}
	if p.PageAt != "" {
		return ""
	}
	if project, ok := e.projects(p.Token.ProjectID); ok {
		return project.DefaultCurrency
	}
	return ""
}

// verificationAmount is zero at a PSP that verifies without money and on a PSP's own page, else the smallest amount that it
// takes.
func (e *Engine) verificationAmount(c *course, to payments.Candidate) payments.Money {
	gateway := e.gateways[to.GatewayConfigurationID]
	caps := gateway.Capabilities
	amount := payments.Money{Currency: c.amount.Currency}
	if amount.Currency == "" {
		amount.Currency = gateway.Currency
	}
	if amount.Currency == "" && len(caps.Currencies) > 0 {
		amount.Currency = caps.Currencies[0]
	}
	if amount.Currency == "" {
		amount.Currency = "USD"
	}
	if _, ok := gateway.Adapter.(adapters.Verifier); ok || to.Page {
		return amount
	}
	unit := int64(math.Pow10(amount.Currency.Exponent()))
	amount.Minor = max(unit, caps.MinAmount[amount.Currency], caps.AmountStep[amount.Currency])
	return amount
}
