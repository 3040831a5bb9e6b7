package flow

import (
	"context"
	"time"

	"switchyard/adapters"
	"switchyard/payments"
	"switchyard/router"
)

// How long a payer may take on a PSP's own page.
const (
	pageLifetime    = 15 * time.Minute // unless the invoice says when it expires
	maxPageLifetime = 24 * time.Hour   // an open page keeps its payment pending
	minPageLifetime = time.Minute
	pageGrace       = time.Minute // for the PSP to close its page by itself, before it is asked to
)

// pageEnds is when the page of an attempt that begins now closes.
func (e *Engine) pageEnds(c *course) time.Time {
	now := e.now().Truncate(time.Second)
	if c.token != nil || c.pay.Invoice.ExpiresAt.IsZero() {
		return now.Add(pageLifetime)
	}
	left := c.pay.Invoice.ExpiresAt.Sub(now)
	return now.Add(min(maxPageLifetime, max(minPageLifetime, left)))
}

// startSession opens the PSP's own page for an attempt. Nothing is charged before the payer acts there.
func (e *Engine) startSession(ctx context.Context, c *course, a *payments.Attempt, gateway Gateway, note func(context.Context, payments.ProviderRefs) error) (payments.Outcome, error) {
	starter, ok := gateway.Adapter.(adapters.SessionStarter)
	if !ok {
		return payments.Outcome{}, payments.Faultf(payments.NeverSent, "flow: %s has no page", gateway.PSP)
	}
	back := e.returnAddress(a, c.returnURL())
	r := payments.SessionRequest{
		Reference: a.Reference, Amount: a.Amount, Capture: c.operation == payments.OpSale, Save: a.SaveSource || c.operation == payments.OpVerify,
		Payer: c.payer, Description: c.description(), StatementDescriptor: c.descriptor(),
		ReturnURL: back, CancelURL: back, ExpiresAt: a.PageEndsAt, Refs: a.Refs, Note: note,
	}
	if preferred := c.preferred[gateway.ID]; preferred.MethodRef != "" {
		r.PreferredMethod, r.Payer.CustomerRef = preferred.MethodRef, preferred.CustomerRef
	}
	if r.Payer.CustomerRef == "" {
		r.Payer.CustomerRef = e.customerAt(ctx, c, gateway, r.Save)
	}
	r.ShowSaved = r.Payer.CustomerRef != "" && c.operation != payments.OpVerify
	return starter.StartSession(ctx, r)
}

// returnURL is the merchant's own address for the payer's return.
func (c *course) returnURL() string {
	if c.token != nil {
		return c.token.InvoiceReturnURL
	}
	return c.pay.Invoice.ReturnURL
}

func (c *course) description() string {
	if c.token != nil {
		return "Card verification"
	}
	return c.pay.Invoice.Name
}

func (c *course) descriptor() string {
	if c.token != nil {
		return c.token.VerifyStatementDescriptor
	}
	return c.pay.Invoice.StatementDescriptor
}

// customerAt returns what the PSP calls the payer. Somebody whom it does not know yet is made known when that is wanted for
// saving a method: once per customer, and never twice at the same time. Whatever goes wrong, the payment goes on without.
func (e *Engine) customerAt(ctx context.Context, c *course, gateway Gateway, create bool) string {
	p := c.payer
	if p.CustomerID == "" {
		return ""
	}
	projectID := c.request.ProjectID
	failed := func(err error) string {
		e.log.WarnContext(ctx, "a customer cannot be made known to a PSP; nothing is saved there", "customer", p.CustomerID, "gateway_configuration", gateway.ID, "error", err)
		return ""
	}
	link, known, err := e.tokens.Link(ctx, projectID, p.CustomerID, gateway.ID)
	if err != nil {
		return failed(err)
	}
	syncer, ok := gateway.Adapter.(adapters.CustomerSyncer)
	if known || !create || !ok {
		return link.Ref
	}
	unlock, err := e.locks.lock(ctx, "customer/"+projectID+"/"+p.CustomerID+"/"+gateway.ID)
	if err != nil {
		return failed(err)
	}
	defer unlock()
	if link, known, err = e.tokens.Link(ctx, projectID, p.CustomerID, gateway.ID); err != nil || known {
		return link.Ref // another payment has done it meanwhile
	}
	p.CustomerRef = ""
	ref, err := router.Do(ctx, e.router, gateway.ID, payments.OpTokenize, gateway.Timeout, answered[string], func(ctx context.Context) (string, error) {
		return syncer.SyncCustomer(ctx, p)
	})
	if err == nil {
		err = e.link(ctx, projectID, p.CustomerID, gateway, ref)
	}
	if err != nil {
		return failed(err)
	}
	return ref
}

// link remembers what a PSP calls a customer. A PSP's customer who is another customer's already is refused: nobody may be
// offered another's cards.
func (e *Engine) link(ctx context.Context, projectID, customerID string, gateway Gateway, ref string) error {
	return e.ledger.Apply(context.WithoutCancel(ctx), payments.Change{Links: []payments.CustomerLink{{
		ProjectID: projectID, CustomerID: customerID, GatewayConfigurationID: gateway.ID, PSP: gateway.PSP, Ref: ref, CreatedAt: e.now(),
	}}})
}

// unlink forgets what a PSP called the payer.
func (e *Engine) unlink(ctx context.Context, c *course, gatewayID string) {
	err := e.ledger.Apply(context.WithoutCancel(ctx), payments.Change{Unlinks: []payments.CustomerLink{{
		ProjectID: c.request.ProjectID, CustomerID: c.payer.CustomerID, GatewayConfigurationID: gatewayID,
	}}})
	if err != nil {
		e.log.WarnContext(ctx, "a customer whom a PSP has forgotten is still linked to it", "customer", c.payer.CustomerID, "gateway_configuration", gatewayID, "error", err)
	}
}

// learnCustomer remembers what the PSP of an approved attempt calls the payer. It has a commit of its own, once per customer:
// the payment's outcome does not depend on it.
func (e *Engine) learnCustomer(ctx context.Context, a *payments.Attempt) {
	if a.State != payments.AttemptApproved || a.CustomerID == "" || a.Refs.Customer == "" || !a.Operation.Charges() {
		return
	}
	known, ok, err := e.tokens.Link(ctx, a.ProjectID, a.CustomerID, a.GatewayConfigurationID)
	if err == nil && (!ok || known.Ref != a.Refs.Customer) {
		if _, err := e.tokens.Customer(ctx, a.ProjectID, a.CustomerID); payments.ErrorCode(err) == payments.CodeCustomerNotFound {
			return // deleted meanwhile: nothing is to be remembered
		}
		err = e.link(ctx, a.ProjectID, a.CustomerID, e.gateways[a.GatewayConfigurationID], a.Refs.Customer)
	}
	if err != nil {
		e.log.WarnContext(ctx, "what a PSP calls a customer is not remembered", "customer", a.CustomerID, "gateway_configuration", a.GatewayConfigurationID, "error", err)
	}
}

// sealAction returns an attempt's action as the store may have it: links open payers' saved cards and pages.
func (e *Engine) sealAction(ctx context.Context, a *payments.Attempt) (*payments.CustomerAction, error) {
	if a.Action == nil || a.Action.Value == "" {
		return a.Action, nil
	}
	sealed := *a.Action
	var err error
	sealed.Sealed, err = e.vault.SealText(ctx, a.ProjectID, a.ID, sealed.Value)
	sealed.Value = ""
	return &sealed, err
}

// openAction returns the step that the payer of an open attempt has to take, or nil.
func (e *Engine) openAction(ctx context.Context, a *payments.Attempt) *payments.CustomerAction {
	if a.State != payments.AttemptAction || a.Action == nil {
		return nil
	}
	action := *a.Action
	if action.Value == "" && len(action.Sealed) > 0 {
		value, err := e.vault.OpenText(ctx, a.ProjectID, a.ID, action.Sealed)
		if err != nil {
			e.log.ErrorContext(ctx, "where a payer has to go cannot be opened; are the vault's keys those of this store?", "attempt", a.ID, "error", err)
			return nil
		}
		action.Value = value
	}
	action.Sealed = nil
	return &action
}
