package tokens

import (
	"context"
	"fmt"

	"switchyard/payments"
)

// Keep prepares a token of a card that has just paid and that the payer asked to keep. The card stays as it is: it was
// claimed by the payment, and the token takes it over. The Change is written together with the payment's outcome. Codes of
// its errors: CodeCustomerNotFound, CodeCardNotFound.
func (s *Service) Keep(ctx context.Context, projectID, customerID, cardID, invoiceID string) (Prepared, error) {
	c, err := s.Customer(ctx, projectID, customerID)
	if err != nil {
		return Prepared{}, err
	}
	card, err := s.vault.Card(ctx, projectID, cardID)
	if err != nil {
		return Prepared{}, err
	}
	t := payments.Token{
		ProjectID: projectID, ID: payments.NewID(payments.PrefixToken), CustomerID: customerID, Version: 1, CardID: cardID, InvoiceID: invoiceID,
		Type: payments.TokenCard, Verification: payments.VerificationNotRequested, CreatedAt: s.now().UTC(),
	}
	card.UsedBy = t.ID
	card.Version++
	b := &builder{service: s, old: t, token: t, customer: c, card: &card}
	if c.DefaultTokenID == "" {
		b.customer.DefaultTokenID = t.ID
	}
	b.customer.Version++
	b.change.Customers, b.change.Cards = []payments.Customer{b.customer}, []payments.Card{card}
	return b.prepared(payments.EventTokenCreated, "kept"), nil
}

// KeepMethod prepares a token of a method that the payer has saved on a PSP's own page while paying. The token is bound to
// that gateway configuration. When a token of the customer stands for the method already, that is the answer, with nothing to
// write. Code of its errors: CodeCustomerNotFound.
func (s *Service) KeepMethod(ctx context.Context, projectID, customerID, gatewayID, methodRef, invoiceID string) (Prepared, error) {
	c, err := s.Customer(ctx, projectID, customerID)
	if err != nil {
		return Prepared{}, err
	}
	known, err := s.TokenOf(ctx, projectID, customerID, gatewayID, methodRef)
	if err != nil {
		return Prepared{}, err
	}
	if known != "" {
		t, err := s.Token(ctx, projectID, customerID, known)
		return Prepared{Token: t, Customer: c}, err
	}
	t := payments.Token{
		ProjectID: projectID, ID: payments.NewID(payments.PrefixToken), CustomerID: customerID, Version: 1, InvoiceID: invoiceID,
		Type: payments.TokenGatewayToken, GatewayConfigurationID: gatewayID, Verification: payments.VerificationNotRequested,
		CreatedAt: s.now().UTC(),
	}
	b := &builder{service: s, old: t, token: t, customer: c}
	if c.DefaultTokenID == "" {
		b.customer.DefaultTokenID = t.ID
	}
	b.customer.Version++
	b.change.Customers = []payments.Customer{b.customer}
	return b.prepared(payments.EventTokenCreated, "kept"), nil
}

// Link returns what a PSP calls a customer; ok is false when it knows none.
func (s *Service) Link(ctx context.Context, projectID, customerID, gatewayID string) (l payments.CustomerLink, ok bool, err error) {
	links, err := s.Links(ctx, projectID, customerID)
	for _, l := range links {
		if l.GatewayConfigurationID == gatewayID {
			return l, true, nil
		}
	}
	return payments.CustomerLink{}, false, err
}

// Links returns what PSPs call a customer.
func (s *Service) Links(ctx context.Context, projectID, customerID string) ([]payments.CustomerLink, error) {
	links, err := s.store.Links(ctx, projectID, customerID)
	if err != nil {
		return nil, fmt.Errorf("tokens: read what PSPs call a customer: %w", err)
	}
	return links, nil
}

// TokenOf returns the customer's token that stands for a method saved at a PSP; empty when there is none.
func (s *Service) TokenOf(ctx context.Context, projectID, customerID, gatewayID, methodRef string) (string, error) {
	rows, err := s.store.MappingsOfMethod(ctx, projectID, gatewayID, methodRef)
	if err != nil {
		return "", fmt.Errorf("tokens: read mappings of a method: %w", err)
	}
	for _, m := range rows {
		_, err := s.Token(ctx, projectID, customerID, m.TokenID)
		switch {
		case err == nil:
			return m.TokenID, nil
		case payments.ErrorCode(err) != payments.CodeTokenNotFound:
			return "", err
		}
	}
	return "", nil
}
