package simulation

import (
	"context"
	"time"

	"switchyard/flow"
	"switchyard/payments"
	"switchyard/tokens"
)

// customer makes a customer; empty when nobody answers.
func (c *client) customer() string {
	s, err := c.ask("customer", true, func(ctx context.Context, p *process, claim *payments.ClaimRequest) (payments.Snapshot, error) {
		return p.tokens.CreateCustomer(ctx, payments.Customer{ProjectID: project, FirstName: "Ada", Sandbox: true}, claim)
	})
	if err != nil {
		return ""
	}
	return s.Customer.ID
}

// token keeps a card as a token, verified or not, and pays with it a few times: the payer, and the merchant alone.
func (c *client) token() {
	customer := c.customer()
	source := c.card()
	if customer == "" || source == "" {
		return
	}
	verify := c.d.chance(0.5)
	s, err := c.ask("token", true, func(ctx context.Context, p *process, claim *payments.ClaimRequest) (payments.Snapshot, error) {
		prepared, err := p.tokens.Create(ctx, tokens.Request{Token: payments.Token{ProjectID: project, CustomerID: customer}, Source: source, Verify: verify})
		if err != nil {
			return payments.Snapshot{}, err
		}
		if prepared.Verify {
			return p.engine.Verify(ctx, flow.VerifyRequest{Prepared: prepared, Claim: claim})
		}
		return p.tokens.Commit(ctx, prepared, claim)
	})
	if err != nil || s.Token == nil {
		return
	}
	if s.Action != nil && c.d.chance(0.7) {
		time.Sleep(c.d.between(time.Second, 3*time.Minute))
		c.w.payerActs(s.Action.Value[len(actionLink):])
	}
	if !c.chargeable(s.Token.ID) {
		return
	}
	c.payWith(s.Token.ID, customer)
	if c.d.chance(0.2) {
		_, _ = c.ask("forget", true, func(ctx context.Context, p *process, claim *payments.ClaimRequest) (payments.Snapshot, error) {
			return p.tokens.Delete(ctx, project, customer, s.Token.ID, claim)
		})
	}
}

// chargeable waits for the end of a token's verification.
func (c *client) chargeable(tokenID string) bool {
	for range 30 {
		token, err := c.w.store.Token(context.Background(), project, tokenID)
		if err != nil || token.Chargeable() || token.Verification != payments.VerificationPending {
			return err == nil && token.Chargeable()
		}
		time.Sleep(c.d.between(5*time.Second, 2*time.Minute))
	}
	return false
}

// payWith pays a few invoices with a token.
func (c *client) payWith(tokenID, customer string) {
	for range 1 + c.d.IntN(3) {
		initiation := payments.CustomerInitiated
		if c.d.chance(0.3) {
			initiation = payments.MerchantInitiated
		}
		invoice := c.invoice(func(inv *payments.Invoice) { inv.CustomerID, inv.Initiation = customer, initiation })
		if invoice == "" {
			return
		}
		r := flow.ChargeRequest{InvoiceID: invoice, Source: tokenID, AuthorizeOnly: c.d.chance(0.3)}
		if initiation == payments.CustomerInitiated && c.d.chance(0.6) {
			r.CVC = payments.NewSecret(cardCode)
		}
		t := c.pay(r)
		if t.Status == payments.StatusAuthorized {
			c.captureHold(invoice, t)
		}
		c.refunds(invoice)
	}
}

// keep pays with a card that is kept for the next payments.
func (c *client) keep() {
	customer := c.customer()
	source := c.card()
	if customer == "" || source == "" {
		return
	}
	invoice := c.invoice(func(inv *payments.Invoice) { inv.CustomerID = customer })
	if invoice == "" {
		return
	}
	t := c.pay(flow.ChargeRequest{InvoiceID: invoice, Source: source, SaveSource: true})
	if t.Status == payments.StatusCompleted && t.TokenID != "" {
		c.payWith(t.TokenID, customer)
	}
}
