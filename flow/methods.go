package flow

import (
	"context"
	"sync"

	"switchyard/adapters"
	"switchyard/payments"
	"switchyard/router"
)

// KeptMethods is what one PSP keeps for a customer.
type KeptMethods struct {
	GatewayConfigurationID string
	PSP                    string
	Methods                []KeptMethod
	Unanswered             string // why the PSP's list could not be had, in a sentence; empty when it could
}

// KeptMethod is a payment method that a PSP keeps for a customer.
type KeptMethod struct {
	payments.SavedMethod
	TokenID string // the customer's token that stands for it; empty when there is none
}

// SavedMethods asks every PSP that knows the customer and can list, what it keeps for them. The rows are in the order of the
// gateway configurations' ids. Code of its error: CodeCustomerNotFound.
func (e *Engine) SavedMethods(ctx context.Context, projectID, customerID string) ([]KeptMethods, error) {
	if _, err := e.tokens.Customer(ctx, projectID, customerID); err != nil {
		return nil, err
	}
	links, err := e.tokens.Links(ctx, projectID, customerID)
	if err != nil {
		return nil, err
	}
	rows := make([]KeptMethods, 0, len(links))
	var listers []adapters.MethodLister
	var refs []string
	for _, l := range links {
		if lister, ok := e.gateways[l.GatewayConfigurationID].Adapter.(adapters.MethodLister); ok {
			rows = append(rows, KeptMethods{GatewayConfigurationID: l.GatewayConfigurationID, PSP: l.PSP})
			listers, refs = append(listers, lister), append(refs, l.Ref)
		}
	}
	var asking sync.WaitGroup
	failed := make([]error, len(rows))
	for i := range rows {
		asking.Go(func() { failed[i] = e.listMethods(ctx, projectID, customerID, &rows[i], listers[i], refs[i]) })
	}
	asking.Wait()
	for _, err := range failed {
		if err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// listMethods fills one row. A PSP that does not answer is said in the row; an error is our own store's.
func (e *Engine) listMethods(ctx context.Context, projectID, customerID string, row *KeptMethods, lister adapters.MethodLister, ref string) error {
	gateway := e.gateways[row.GatewayConfigurationID]
	methods, err := router.Do(ctx, e.router, gateway.ID, payments.OpLookup, gateway.Timeout, answered[[]payments.SavedMethod],
		func(ctx context.Context) ([]payments.SavedMethod, error) { return lister.ListMethods(ctx, ref) })
	if err != nil {
		e.log.WarnContext(ctx, "a PSP does not list what it keeps for a customer", "customer", customerID, "gateway_configuration", gateway.ID, "error", err)
		row.Unanswered = "The PSP could not be asked: " + payments.AsFault(err).PublicCode().Info().Message
		return nil
	}
	for _, m := range methods {
		token, err := e.tokens.TokenOf(ctx, projectID, customerID, gateway.ID, m.MethodRef)
		if err != nil {
			return err
		}
		row.Methods = append(row.Methods, KeptMethod{SavedMethod: m, TokenID: token})
	}
	return nil
}
