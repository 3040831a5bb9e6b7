package tokens

import (
	"context"

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
