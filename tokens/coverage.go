package tokens

import (
	"context"
	"fmt"
	"slices"

	"switchyard/payments"
)

// Coverage says for each gateway configuration of the token's project whether the token can pay there, with the reason in
// a sentence. hasCVC says that the CVC of the token's card is held at the moment.
func (s *Service) Coverage(ctx context.Context, token payments.Token, hasCVC bool) ([]payments.Mapping, error) {
	mapped, err := s.Mappings(ctx, token.ProjectID, token.ID)
	if err != nil {
		return nil, err
	}
	view := coverage{token: token, hasCVC: hasCVC}
	if token.CardID != "" {
		card, err := s.vault.Card(ctx, token.ProjectID, token.CardID)
		switch {
		case err == nil:
			view.card = &card
		case payments.ErrorCode(err) != payments.CodeCardNotFound:
			return nil, err
		}
	}
	customer, err := s.Customer(ctx, token.ProjectID, token.CustomerID)
	if err != nil {
		return nil, err
	}
	view.currency = customer.Currency

	var rows []payments.Mapping
	for _, g := range s.gateways {
		if g.ProjectID != "" && g.ProjectID != token.ProjectID {
			continue
		}
		row, ok := mapped[g.ID]
		if !ok {
			row = payments.Mapping{GatewayConfigurationID: g.ID}
		}
		row.ProjectID, row.TokenID, row.PSP = token.ProjectID, token.ID, g.PSP
		row.Status, row.Reason = view.judge(g, row, ok)
		rows = append(rows, row)
	}
	return rows, nil
}

// coverage is what the rows of one token are judged by.
type coverage struct {
	token    payments.Token
	card     *payments.Card // nil when the token has none
	hasCVC   bool
	currency payments.Currency // the customer's, may be empty
}

// judge looks for reasons against the gateway configuration first; what is left is usable.
func (c coverage) judge(g GatewayInfo, m payments.Mapping, mapped bool) (payments.MappingStatus, string) {
	if status, reason := c.lifecycle(); status != "" {
		return status, reason
	}
	if bound := c.token.GatewayConfigurationID; bound != "" && bound != g.ID {
		return payments.MappingUnusable, fmt.Sprintf("The token exists only at gateway configuration %s.", bound)
	}
	if mapped && m.Status != "" && m.Status != payments.MappingUsable {
		return m.Status, orElse(m.Reason, fmt.Sprintf("The token is %s at %s.", m.Status, g.label()))
	}
	if m.MethodRef != "" {
		return c.judgeSaved(g, m)
	}
	if g.Capabilities.HostedOnly {
		return payments.MappingUnusable, fmt.Sprintf("%s charges only what the payer enters on its own page.", g.label())
	}
	return c.judgeCard(g, m, mapped)
}

// judgeSaved is about charging what the PSP has saved.
func (c coverage) judgeSaved(g GatewayInfo, m payments.Mapping) (payments.MappingStatus, string) {
	caps := g.Capabilities
	needsCVC := caps.NeedsCVCSaved && !c.hasCVC
	switch {
	case m.Only == payments.MerchantInitiated:
		return payments.MappingUsable, fmt.Sprintf("Agreed to at %s for merchant-initiated payments, and for no others.", g.label())
	case g.Page && (caps.HostedOnly || needsCVC && c.card == nil):
		return payments.MappingUsable, fmt.Sprintf("Saved at %s; the payer confirms each payment on its page.", g.label())
	case needsCVC:
		return payments.MappingUnusable, c.needsCVC(g, "a saved card")
	}
	return payments.MappingUsable, fmt.Sprintf("The card is saved at %s.", g.label())
}

// lifecycle returns the reason that holds at every gateway configuration, if there is one.
func (c coverage) lifecycle() (payments.MappingStatus, string) {
	if c.token.Chargeable() {
		return "", ""
	}
	switch c.token.Verification {
	case payments.VerificationFailed, payments.VerificationUnknown:
		return payments.MappingFailed, whyNotChargeable(c.token)
	case payments.VerificationNotRequested, payments.VerificationPending, payments.VerificationSuccess:
	}
	return payments.MappingPending, whyNotChargeable(c.token)
}

// judgeCard is about charging the card from the vault.
func (c coverage) judgeCard(g GatewayInfo, m payments.Mapping, mapped bool) (payments.MappingStatus, string) {
	caps := g.Capabilities
	switch {
	case c.card == nil:
		return payments.MappingUnusable, "The token has no card in the vault and is not saved here."
	case caps.NeedsCVC && !c.hasCVC:
		return payments.MappingUnusable, c.needsCVC(g, "a card")
	case mapped:
		return payments.MappingUsable, orElse(m.Reason, fmt.Sprintf("The card has been charged at %s; it is not saved there.", g.label()))
	case caps.Schemes != nil && !slices.Contains(caps.Schemes, c.card.Facts.Scheme):
		return payments.MappingUnusable, fmt.Sprintf("%s does not take cards of this scheme.", g.label())
	case c.currency != "" && caps.Currencies != nil && !slices.Contains(caps.Currencies, c.currency):
		return payments.MappingUnusable, fmt.Sprintf("%s does not take %s, the customer's currency.", g.label(), c.currency)
	}
	return payments.MappingUsable, "The card in the vault can be charged here."
}

func (c coverage) needsCVC(g GatewayInfo, what string) string {
	id := c.token.CardID
	if id == "" {
		id = "{card}"
	}
	return fmt.Sprintf("%s charges %s only with its CVC; give a new one with PUT /cards/%s.", g.label(), what, id)
}

func orElse(text, fallback string) string {
	if text != "" {
		return text
	}
	return fallback
}
