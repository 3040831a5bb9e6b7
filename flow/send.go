package flow

import (
	"context"
	"errors"
	"sync"
	"time"

	"switchyard/adapters"
	"switchyard/crash"
	"switchyard/payments"
)

// charge speaks to the PSP.
func (e *Engine) charge(ctx context.Context, c *course, id string, source payments.Source) (payments.Outcome, error) {
	a := c.pay.Attempt(id)
	gateway := e.gateways[a.GatewayConfigurationID]
	note := func(ctx context.Context, refs payments.ProviderRefs) error { return e.note(ctx, c.subject, id, refs) }
	if a.OnPage() {
		return e.startSession(ctx, c, a, gateway, note)
	}
	payer := c.payer
	mapping := c.source.Mappings[gateway.ID]
	payer.CustomerRef = mapping.CustomerRef
	save := (a.TokenID != "" || a.SaveSource) && gateway.Capabilities.SavesInline && source.Method == "" && !c.noSaving[gateway.ID] && !e.savesNot.holds(gateway.ID, e.now())
	if save && payer.CustomerRef == "" {
		payer.CustomerRef = e.customerAt(ctx, c, gateway, true)
	}
	if verifier, ok := gateway.Adapter.(adapters.Verifier); ok && c.operation == payments.OpVerify {
		if payer.CustomerRef == "" { // a verified card is saved under its customer
			payer.CustomerRef = e.customerAt(ctx, c, gateway, false)
		}
		return verifier.Verify(ctx, payments.VerifyRequest{
			Reference: a.Reference, Currency: a.Amount.Currency, Source: source, Payer: payer,
			ReturnURL: e.returnAddress(a, c.returnURL()), Refs: a.Refs, Note: note,
		})
	}
	return gateway.Adapter.Authorize(ctx, payments.AuthorizeRequest{
		Reference: a.Reference, Amount: a.Amount, Capture: c.operation == payments.OpSale, Incremental: c.incremental,
		Save: save, StepUp: a.StepUp, Source: source, Payer: payer, Description: c.description(), StatementDescriptor: c.descriptor(),
		ReturnURL: e.returnAddress(a, c.returnURL()), Initiation: c.initiation, PaymentIntent: c.intent,
		NetworkTransactionID: networkTransaction(c.source.Mappings, mapping), Refs: a.Refs, Note: note,
	})
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

// savesNotFor is how long a gateway configuration that cannot save methods is not asked to again.
const savesNotFor = 10 * time.Minute

// savesNot remembers which gateway configurations have refused to save methods. It is only to spare payments a call in vain.
type savesNot struct{ until sync.Map }

func (s *savesNot) remember(gatewayID string, now time.Time) {
	s.until.Store(gatewayID, now.Add(savesNotFor))
}

func (s *savesNot) holds(gatewayID string, now time.Time) bool {
	value, _ := s.until.Load(gatewayID)
	until, ok := value.(time.Time)
	return ok && now.Before(until)
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
	cvc := c.request.CVC
	if c.card != nil && cvc.IsZero() {
		cvc = c.card.CVC
	}
	if saved && (!gateway.Capabilities.NeedsCVCSaved || !cvc.IsZero()) {
		return payments.Source{Method: mapping.MethodRef, CVC: cvc}, nil
	}
	if c.card == nil {
		return payments.Source{}, errors.New("flow: the source has neither a card nor a method saved at this gateway")
	}
	opened := *c.card
	opened.CVC = cvc
	return payments.Source{Card: &opened}, nil
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
	crash.Point(crash.BeforeNote)
	if err := d.commit(context.WithoutCancel(ctx), e); err != nil {
		return err
	}
	crash.Point(crash.AfterNote)
	return nil
}
