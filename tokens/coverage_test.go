package tokens_test

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"switchyard/payments"
	"switchyard/tokens"
)

func TestCoverage(t *testing.T) {
	t.Parallel()
	const usable, pending, failed, unusable = payments.MappingUsable, payments.MappingPending, payments.MappingFailed, payments.MappingUnusable
	all := func(s payments.MappingStatus) [3]payments.MappingStatus { return [3]payments.MappingStatus{s, s, s} }
	for _, tc := range []struct {
		name    string
		token   func(t *testing.T, b bundle, c payments.Customer) payments.Token
		hasCVC  bool
		want    [3]payments.MappingStatus // ProcessOut, PayMongo (needs the CVC), Xendit
		reasons []string                  // a part of each
	}{
		{"no source", func(t *testing.T, b bundle, c payments.Customer) payments.Token {
			return b.token(t, c, "", false)
		}, false, all(pending), []string{"no source", "no source", "no source"}},
		{"waits for a source to verify", func(t *testing.T, b bundle, c payments.Customer) payments.Token {
			return b.token(t, c, "", true)
		}, false, all(pending), []string{"waits for a source", "waits", "waits"}},
		{"being verified", func(t *testing.T, b bundle, c payments.Customer) payments.Token {
			return b.token(t, c, b.card(t).ID, true)
		}, true, all(pending), []string{"being verified", "being", "being"}},
		{"verification failed", func(t *testing.T, b bundle, c payments.Customer) payments.Token {
			return b.verified(t, b.token(t, c, b.card(t).ID, true), payments.VerificationFailed)
		}, true, all(failed), []string{"failed", "failed", "failed"}},
		{"a card", func(t *testing.T, b bundle, c payments.Customer) payments.Token {
			return b.token(t, c, b.card(t).ID, false)
		}, false, [3]payments.MappingStatus{usable, unusable, usable}, []string{
			"card in the vault", "PayMongo charges a card only with its CVC; give a new one with PUT /cards/card_", "card in the vault",
		}},
		{"a card and its CVC", func(t *testing.T, b bundle, c payments.Customer) payments.Token {
			return b.token(t, c, b.card(t).ID, false)
		}, true, all(usable), []string{"card in the vault", "card in the vault", "card in the vault"}},
		{"saved", func(t *testing.T, b bundle, c payments.Customer) payments.Token {
			token := b.token(t, c, b.card(t).ID, false)
			b.mapped(t, token, "gway_conf_po", "pm_1")
			b.mapped(t, token, "gway_conf_pm", "pm_2")
			b.mapped(t, token, "gway_conf_xe", "")
			return token
		}, false, [3]payments.MappingStatus{usable, unusable, usable}, []string{"saved at ProcessOut", "PayMongo charges a saved card only with its CVC", "charged at Xendit"}},
		{"a scheme that one does not take", func(t *testing.T, b bundle, c payments.Customer) payments.Token {
			card := b.card(t)
			card.Facts.Scheme, card.Version = payments.SchemeAmex, 2
			if err := b.store.Apply(t.Context(), payments.Change{Cards: []payments.Card{card}}); err != nil {
				t.Fatal(err)
			}
			return b.token(t, c, card.ID, false)
		}, true, [3]payments.MappingStatus{usable, usable, unusable}, []string{"", "", "Xendit does not take cards of this scheme"}},
		{"the customer's currency", func(t *testing.T, b bundle, c payments.Customer) payments.Token {
			if _, err := b.UpdateCustomer(t.Context(), project, c.ID, func(c *payments.Customer) error { c.Currency = "IDR"; return nil }, nil); err != nil {
				t.Fatal(err)
			}
			return b.token(t, c, b.card(t).ID, false)
		}, true, [3]payments.MappingStatus{usable, unusable, usable}, []string{"", "PayMongo does not take IDR", ""}},
		{"bound to one", func(t *testing.T, b bundle, c payments.Customer) payments.Token {
			token := b.token(t, c, "", false)
			token.Type, token.GatewayConfigurationID, token.Version = payments.TokenGatewayToken, "gway_conf_xe", 2
			if err := b.store.Apply(t.Context(), payments.Change{Tokens: []payments.Token{token}}); err != nil {
				t.Fatal(err)
			}
			b.mapped(t, token, "gway_conf_xe", "pm_3")
			return token
		}, true, [3]payments.MappingStatus{unusable, unusable, usable}, []string{"only at gateway configuration gway_conf_xe", "only at", "saved at Xendit"}},
		{"what was learnt", func(t *testing.T, b bundle, c payments.Customer) payments.Token {
			token := b.token(t, c, b.card(t).ID, false)
			err := b.store.Apply(t.Context(), payments.Change{Mappings: []payments.Mapping{
				{ProjectID: project, TokenID: token.ID, GatewayConfigurationID: "gway_conf_po", Status: failed, Reason: "The PSP does not take this card."},
				{ProjectID: project, TokenID: token.ID, GatewayConfigurationID: "gway_conf_xe", Status: pending},
				{ProjectID: project, TokenID: token.ID, GatewayConfigurationID: "gway_conf_gone", Status: usable},
			}})
			if err != nil {
				t.Fatal(err)
			}
			return token
		}, true, [3]payments.MappingStatus{failed, usable, pending}, []string{"The PSP does not take this card.", "", "pending at Xendit"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			token := tc.token(t, b, b.customer(t))
			rows, err := b.Coverage(t.Context(), token, tc.hasCVC)
			if err != nil || len(rows) != len(tc.want) {
				t.Fatalf("%d rows, %v", len(rows), err)
			}
			for i, row := range rows {
				if row.Status != tc.want[i] || row.Reason == "" || !strings.Contains(row.Reason, tc.reasons[i]) || row.PSP == "" || row.TokenID != token.ID || row.ProjectID != project {
					t.Errorf("%+v, want %s because of %q", row, tc.want[i], tc.reasons[i])
				}
			}
		})
	}
}

func TestCoverageShowsWhatIsMapped(t *testing.T) {
	t.Parallel()
	b := setup(t)
	token := b.token(t, b.customer(t), b.card(t).ID, false)
	b.mapped(t, token, "gway_conf_po", "pm_1")
	rows, err := b.Coverage(t.Context(), token, false)
	if err != nil {
		t.Fatal(err)
	}
	if row := rows[0]; row.MethodRef != "pm_1" || !row.LastSuccessAt.Equal(noon) || row.PSP != "processout" {
		t.Errorf("%+v", row)
	}
}

func TestResolve(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.customer(t)
	bare := b.customer(t)
	token := b.token(t, c, b.card(t).ID, false)
	b.mapped(t, token, "gway_conf_po", "pm_1")
	other, err := b.CreateCustomer(t.Context(), payments.Customer{ProjectID: project, ID: "acme-42"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	acme := b.token(t, *other.Customer, b.card(t).ID, false)
	verified := b.verified(t, b.token(t, c, b.card(t).ID, true), payments.VerificationSuccess)
	stale := b.card(t)
	stale.Facts.ExpYear, stale.Version = 2020, 2
	saved := b.card(t)
	onFile := b.token(t, c, saved.ID, false)
	saved = b.store.cards[id{project, saved.ID}]
	saved.Facts.ExpYear, saved.Version = 2020, saved.Version+1
	if err := b.store.Apply(t.Context(), payments.Change{Cards: []payments.Card{stale, saved}}); err != nil {
		t.Fatal(err)
	}
	deleted := b.token(t, c, "", false)
	if _, err := b.Delete(t.Context(), project, c.ID, deleted.ID, nil); err != nil {
		t.Fatal(err)
	}
	fresh := b.card(t)
	for _, tc := range []struct {
		name, source      string
		card, token, code string
	}{
		{"a card", fresh.ID, fresh.ID, "", ""},
		{"a token", token.ID, token.CardID, token.ID, ""},
		{"a verified token", verified.ID, verified.CardID, verified.ID, ""},
		{"a customer", c.ID, token.CardID, token.ID, ""},
		{"a customer under the merchant's own id", "acme-42", acme.CardID, acme.ID, ""},
		{"an expired card on file", onFile.ID, onFile.CardID, onFile.ID, ""},
		{"nothing", "", "", "", payments.CodeMissingSource},
		{"an expired card", stale.ID, "", "", string(payments.CardExpired)},
		{"a used card", token.CardID, "", "", payments.CodeSourceCardAlreadyUsed},
		{"no such card", "card_none", "", "", payments.CodeSourceInvalid},
		{"no such token", "tok_none", "", "", payments.CodeSourceInvalid},
		{"no such customer", "cust_none", "", "", payments.CodeSourceInvalid},
		{"a customer without tokens", bare.ID, "", "", payments.CodeSourceInvalid},
		{"a deleted token", deleted.ID, "", "", payments.CodeSourceInvalid},
		{"a step's continuation", "gway_req_e30=", "", "", payments.CodeSourceInvalid},
		{"no source on the token", b.token(t, c, "", false).ID, "", "", payments.CodeSourceInvalid},
		{"not verified yet", b.token(t, c, "", true).ID, "", "", payments.CodeSourceInvalid},
		{"being verified", b.token(t, c, b.card(t).ID, true).ID, "", "", payments.CodeSourceInvalid},
		{"not verifiable", b.verified(t, b.token(t, c, b.card(t).ID, true), payments.VerificationFailed).ID, "", "", payments.CodeSourceInvalid},
		{"unknown", b.verified(t, b.token(t, c, b.card(t).ID, true), payments.VerificationUnknown).ID, "", "", payments.CodeSourceInvalid},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := b.Resolve(t.Context(), project, tc.source)
			wantCode(t, err, tc.code)
			if err != nil {
				return
			}
			if got.Card.ID != tc.card || (got.Token != nil) != (tc.token != "") {
				t.Fatalf("got %+v", got)
			}
			if got.Token == nil {
				if got.Mappings != nil || got.CustomerID != "" {
					t.Errorf("a card with %+v", got)
				}
				return
			}
			if got.Token.ID != tc.token || got.CustomerID != got.Token.CustomerID || got.Mappings == nil || tc.token == token.ID && got.Mappings["gway_conf_po"].MethodRef != "pm_1" {
				t.Errorf("got %+v", got)
			}
		})
	}
	if _, err := b.Resolve(t.Context(), "proj_other", token.ID); payments.ErrorCode(err) != payments.CodeSourceInvalid {
		t.Errorf("another project's token: %v", err)
	}
}

// Nothing that tokens returns or writes may show a number or a CVC, in whatever way it is printed.
func TestNothingIsShown(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.customer(t)
	card := b.card(t)
	var shown strings.Builder
	show := func(values ...any) {
		for _, v := range values {
			fmt.Fprintf(&shown, "%v %+v %#v\n", v, v, v)
		}
	}
	p, err := b.Create(t.Context(), b.request(c, card.ID, true))
	show(p, p.Change, *p.Card, err)
	resolved, err := b.Resolve(t.Context(), project, card.ID)
	show(resolved, err)
	for _, source := range []string{pan, "card_" + pan, pan + " " + cvc} {
		_, err := b.Create(t.Context(), b.request(c, source, false))
		_, again := b.Resolve(t.Context(), project, source)
		for _, err := range []error{err, again} {
			for ; err != nil; err = errors.Unwrap(err) {
				show(err)
			}
		}
	}
	token := b.token(t, c, card.ID, false)
	rows, err := b.Coverage(t.Context(), token, true)
	show(rows, err, b.Service, *b.Service, b.store.events, b.store.cards, b.store.tokens, tokens.Options{Vault: b.vault})
	for _, secret := range []string{pan, `\b` + cvc + `\b`} { // three digits may be part of any number
		if found := regexp.MustCompile(secret).FindStringIndex(shown.String()); found != nil {
			t.Errorf("%q is shown: %q", secret, shown.String()[max(0, found[0]-40):found[1]])
		}
	}
}
