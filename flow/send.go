package flow

import (
	"context"
	"errors"

	"switchyard/adapters"
	"switchyard/payments"
)

// charge speaks to the PSP.
func (e *Engine) charge(ctx context.Context, c *course, id string, source payments.Source) (payments.Outcome, error) {
	a := c.pay.Attempt(id)
	gateway := e.gateways[a.GatewayConfigurationID]
	payer := c.payer
	mapping := c.source.Mappings[gateway.ID]
	payer.CustomerRef = mapping.CustomerRef
	note := func(ctx context.Context, refs payments.ProviderRefs) error { return e.note(ctx, c.subject, id, refs) }
	if verifier, ok := gateway.Adapter.(adapters.Verifier); ok && c.operation == payments.OpVerify {
		return verifier.Verify(ctx, payments.VerifyRequest{
			Reference: a.Reference, Currency: a.Amount.Currency, Source: source, Payer: payer,
			ReturnURL: e.returnAddress(a, c.token.InvoiceReturnURL), Refs: a.Refs, Note: note,
		})
	}
	r := payments.AuthorizeRequest{
		Reference: a.Reference, Amount: a.Amount, Capture: c.operation == payments.OpSale, Incremental: c.incremental,
		Save: (a.TokenID != "" || a.SaveSource) && gateway.Capabilities.SavesInline && source.Method == "", Source: source, Payer: payer,
		Initiation: c.initiation, PaymentIntent: c.intent, NetworkTransactionID: networkTransaction(c.source.Mappings, mapping), Refs: a.Refs, Note: note,
	}
	if c.token == nil {
		r.Description, r.StatementDescriptor, r.ReturnURL = c.pay.Invoice.Name, c.pay.Invoice.StatementDescriptor, e.returnAddress(a, c.pay.Invoice.ReturnURL)
	} else {
		r.Description, r.StatementDescriptor, r.ReturnURL = "Card verification", c.token.VerifyStatementDescriptor, e.returnAddress(a, c.token.InvoiceReturnURL)
	}
	return gateway.Adapter.Authorize(ctx, r)
}

// networkTransaction is the scheme's id of the first payment with the token: the gateway's own, else any.
func networkTransaction(all map[string]payments.Mapping, here payments.Mapping) string {
	if here.NetworkTransactionID != "" {
		return here.NetworkTransactionID
	}
	for _, m := range all {
		if m.NetworkTransactionID != "" {
			return m.NetworkTransactionID
		}
	}
	return ""
}

// sourceAt is what is charged at a gateway: the method saved there, else the card, opened for this run.
func (e *Engine) sourceAt(ctx context.Context, c *course, gateway Gateway) (payments.Source, error) {
	mapping, card := c.source.Mappings[gateway.ID], c.source.Card
	saved := mapping.MethodRef != "" && mapping.Status == payments.MappingUsable
	if c.card == nil && card.ID != "" && (!saved || gateway.Capabilities.NeedsCVCSaved) {
		opened, err := e.vault.Open(ctx, card.ProjectID, card.ID)
		if err != nil {
			return payments.Source{}, err
		}
		c.card = &opened
	}
	if saved && (!gateway.Capabilities.NeedsCVCSaved || c.card != nil && c.card.HasCVC()) {
		s := payments.Source{Method: mapping.MethodRef}
		if c.card != nil {
			s.CVC = c.card.CVC
		}
		return s, nil
	}
	if c.card == nil {
		return payments.Source{}, errors.New("flow: the source has neither a card nor a method saved at this gateway")
	}
	return payments.Source{Card: c.card}, nil
}

// note makes references durable before the charging call: the third commit of those PSPs that need a step before it.
func (e *Engine) note(ctx context.Context, s *subject, id string, refs payments.ProviderRefs) error {
	a := s.pay.Attempt(id)
	merged := a.Refs.Merge(refs)
	if merged == a.Refs {
		return nil
	}
	a.Refs = merged
	d := e.draft(s)
	d.attempts[id] = true
	return d.commit(context.WithoutCancel(ctx), e)
}
