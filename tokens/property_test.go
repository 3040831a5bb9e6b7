package tokens_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"switchyard/payments"
	"switchyard/tokens"
)

// TestAnyHistory runs tokens through random histories and checks after each step what must hold in every state.
func TestAnyHistory(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		h := &history{bundle: setup(t), t: t}
		for range 2 {
			h.customers = append(h.customers, h.customer(t).ID)
		}
		rt.Repeat(map[string]func(*rapid.T){
			"card":            func(*rapid.T) { h.cards = append(h.cards, h.card(t).ID) },
			"create":          h.create,
			"assign":          h.assign,
			"verified":        h.endVerification,
			"delete token":    h.deleteToken,
			"delete card":     h.deleteCard,
			"delete customer": h.deleteCustomer,
			"":                h.check,
		})
	})
}

type history struct {
	bundle
	t         *testing.T
	customers []string
	cards     []string
	tokens    []string
	verify    []string // tokens that were to be verified once
}

func (h *history) pick(rt *rapid.T, from []string, what string) string {
	if len(from) == 0 {
		rt.Skip("none")
	}
	return rapid.SampledFrom(from).Draw(rt, what)
}

// source is a card or nothing.
func (h *history) source(rt *rapid.T) string {
	return rapid.SampledFrom(append([]string{""}, h.cards...)).Draw(rt, "source")
}

func (h *history) create(rt *rapid.T) {
	r := tokens.Request{
		Token:  payments.Token{ProjectID: project, CustomerID: h.pick(rt, h.customers, "customer")},
		Source: h.source(rt), Verify: rapid.Bool().Draw(rt, "verify"), SetDefault: rapid.Bool().Draw(rt, "default"),
	}
	if p, err := h.Create(h.t.Context(), r); err == nil {
		h.tokens = append(h.tokens, p.Token.ID)
		h.write(p)
	} else if payments.ErrorCode(err) == "" {
		rt.Fatalf("create: %v", err)
	}
}

func (h *history) assign(rt *rapid.T) {
	r := tokens.Request{
		Source: h.source(rt), Verify: rapid.Bool().Draw(rt, "verify"), SetDefault: rapid.Bool().Draw(rt, "default"), Public: rapid.Bool().Draw(rt, "public"),
	}
	if p, err := h.Assign(h.t.Context(), project, "", h.pick(rt, h.tokens, "token"), r); err == nil {
		h.write(p)
	} else if payments.ErrorCode(err) == "" {
		rt.Fatalf("assign: %v", err)
	}
}

func (h *history) write(p tokens.Prepared) {
	if token := h.written(h.t, p); token.Verify {
		h.verify = append(h.verify, token.ID)
	}
}

func (h *history) endVerification(rt *rapid.T) {
	token, err := h.Token(h.t.Context(), project, "", h.pick(rt, h.tokens, "token"))
	if err != nil || token.Verification != payments.VerificationPending || token.CardID == "" {
		rt.Skip("none")
	}
	h.verified(h.t, token, rapid.SampledFrom([]payments.VerificationStatus{
		payments.VerificationSuccess, payments.VerificationFailed, payments.VerificationUnknown,
	}).Draw(rt, "status"))
}

func (h *history) deleteToken(rt *rapid.T) {
	if _, err := h.Delete(h.t.Context(), project, "", h.pick(rt, h.tokens, "token"), nil); err != nil && payments.ErrorCode(err) != payments.CodeTokenNotFound {
		rt.Fatalf("delete token: %v", err)
	}
}

func (h *history) deleteCard(rt *rapid.T) {
	if _, err := h.vault.Delete(h.t.Context(), project, h.pick(rt, h.cards, "card"), nil); err != nil && payments.ErrorCode(err) == "" {
		rt.Fatalf("delete card: %v", err)
	}
}

func (h *history) deleteCustomer(rt *rapid.T) {
	if _, err := h.DeleteCustomer(h.t.Context(), project, h.pick(rt, h.customers, "customer"), nil); err != nil && payments.ErrorCode(err) != payments.CodeCustomerNotFound {
		rt.Fatalf("delete customer: %v", err)
	}
}

func (h *history) check(rt *rapid.T) {
	for key, token := range h.store.tokens {
		if !token.DeletedAt.IsZero() {
			continue
		}
		if card := h.store.cards[id{project, token.CardID}]; token.CardID != "" && (card.UsedBy != token.ID || !card.DeletedAt.IsZero()) {
			rt.Errorf("token %+v has card %+v", token, card)
		}
		if (token.Type == payments.TokenCard) != (token.CardID != "") || token.Chargeable() && token.CardID == "" {
			rt.Errorf("token %+v", token)
		}
		if token.Verify == (token.Verification == payments.VerificationNotRequested) || slices.Contains(h.verify, key.id) && !token.Verify {
			rt.Errorf("verification was switched off: %+v", token)
		}
		if owner := h.store.customers[id{project, token.CustomerID}]; !owner.DeletedAt.IsZero() {
			rt.Errorf("token %s has outlived its customer", token.ID)
		}
		_, err := h.Resolve(h.t.Context(), project, token.ID)
		if token.Chargeable() != (err == nil) {
			rt.Errorf("token %+v resolves with %v", token, err)
		}
	}
	for key, card := range h.store.cards {
		if _, sealed := h.store.sealed[key]; sealed != card.DeletedAt.IsZero() {
			rt.Errorf("card %+v, its number is kept: %v", card, sealed)
		}
		if strings.HasPrefix(card.UsedBy, payments.PrefixToken) && card.DeletedAt.IsZero() && h.store.tokens[id{project, card.UsedBy}].CardID != card.ID {
			rt.Errorf("card %+v is on no token", card)
		}
	}
	for _, c := range h.store.customers {
		if owner := h.store.tokens[id{project, c.DefaultTokenID}]; c.DefaultTokenID != "" && (owner.CustomerID != c.ID || !owner.DeletedAt.IsZero()) {
			rt.Errorf("customer %+v has default token %+v", c, owner)
		}
	}
	for _, move := range h.store.transitions {
		if !payments.VerificationStatus(move.From).CanBecome(payments.VerificationStatus(move.To)) {
			rt.Errorf("an illegal transition %+v", move)
		}
	}
}
