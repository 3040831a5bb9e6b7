package tokens

import (
	"context"
	"strings"

	"switchyard/payments"
)

// AnyPage as a source is the page of whichever PSP the router chooses. The id of a gateway configuration is the page of that
// one.
const AnyPage = payments.PrefixGateway + "any"

// Resolved is a source that can be charged.
type Resolved struct {
	Page       bool            // the payer chooses or enters the method on a PSP's own page
	PageAt     string          // the gateway configuration of the page; empty: any that has one
	Card       payments.Card   // zero when the token exists only at a PSP
	Token      *payments.Token // nil when a card pays
	CustomerID string
	Mappings   map[string]payments.Mapping // of the token, by gateway configuration id
}

// Resolve says what a source is: a card that nothing has used yet, a customer token, a customer, who stands for the default
// token, or a PSP's own page: a gateway configuration's id, or AnyPage. Codes of its errors: CodeMissingSource, CodeSourceInvalid, CodeSourceCardAlreadyUsed, card.expired.
//
// A saved card that has expired is let through: issuers replace cards on file at the schemes and the PSPs.
func (s *Service) Resolve(ctx context.Context, projectID, source string) (Resolved, error) {
	switch {
	case source == "":
		return Resolved{}, payments.NewError(payments.CodeMissingSource, "A source is required: a card, a customer token or a customer.")
	case strings.HasPrefix(source, payments.PrefixCard):
		card, err := s.freshCard(ctx, projectID, source)
		if err != nil {
			return Resolved{}, err
		}
		return Resolved{Card: card}, nil
	case strings.HasPrefix(source, payments.PrefixToken):
		return s.resolveToken(ctx, projectID, "", source)
	case strings.HasPrefix(source, payments.PrefixGateway):
		at, err := s.pageOf(projectID, source)
		return Resolved{Page: true, PageAt: at}, err
	case suppliedID(source): // a customer's id may be the merchant's own
		return s.resolveCustomer(ctx, projectID, source)
	}
	return Resolved{}, invalidSource("The source must be the id of a card, a customer token, a customer or a gateway configuration.")
}

// pageOf returns the gateway configuration whose page a source names; empty for AnyPage.
func (s *Service) pageOf(projectID, source string) (string, error) {
	if source == AnyPage {
		return "", nil
	}
	for _, g := range s.gateways {
		if g.ID != source || g.ProjectID != "" && g.ProjectID != projectID {
			continue
		}
		if !g.Page {
			return "", invalidSource(g.label() + " has no page of its own: give a card or a customer token.")
		}
		return g.ID, nil
	}
	return "", invalidSource("There is no gateway configuration with the id that was given as the source.")
}

func (s *Service) resolveCustomer(ctx context.Context, projectID, customerID string) (Resolved, error) {
	c, err := s.Customer(ctx, projectID, customerID)
	switch {
	case payments.ErrorCode(err) == payments.CodeCustomerNotFound:
		return Resolved{}, invalidSource("There is no card, customer token or customer with the id that was given as the source.")
	case err != nil:
		return Resolved{}, err
	case c.DefaultTokenID == "":
		return Resolved{}, invalidSource("The customer has no default token.")
	}
	return s.resolveToken(ctx, projectID, c.ID, c.DefaultTokenID)
}

func (s *Service) resolveToken(ctx context.Context, projectID, customerID, tokenID string) (Resolved, error) {
	t, err := s.Token(ctx, projectID, customerID, tokenID)
	switch {
	case payments.ErrorCode(err) == payments.CodeTokenNotFound:
		return Resolved{}, invalidSource("There is no customer token with the id that was given as the source.")
	case err != nil:
		return Resolved{}, err
	case !t.Chargeable():
		return Resolved{}, invalidSource(whyNotChargeable(t))
	}
	r := Resolved{Token: &t, CustomerID: t.CustomerID}
	if t.CardID != "" {
		r.Card, err = s.vault.Card(ctx, projectID, t.CardID)
		if payments.ErrorCode(err) == payments.CodeCardNotFound {
			return Resolved{}, invalidSource("The token's card was deleted.")
		}
		if err != nil {
			return Resolved{}, err
		}
	}
	if r.Mappings, err = s.Mappings(ctx, projectID, t.ID); err != nil {
		return Resolved{}, err
	}
	return r, nil
}

// whyNotChargeable says in a sentence what is missing of a token that cannot pay.
func whyNotChargeable(t payments.Token) string {
	switch t.Verification {
	case payments.VerificationPending:
		if t.CardID == "" {
			return "The token waits for a source to verify."
		}
		return "The token's card is being verified."
	case payments.VerificationFailed:
		return "The token's verification failed. Put another source on it."
	case payments.VerificationUnknown:
		return "What came of the token's verification could not be found out. Put another source on it."
	case payments.VerificationNotRequested, payments.VerificationSuccess:
	}
	return "The token has no source yet."
}

func invalidSource(message string) error {
	return payments.NewError(payments.CodeSourceInvalid, message)
}
