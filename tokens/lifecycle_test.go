package tokens_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"switchyard/payments"
	"switchyard/tokens"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestCreate(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name           string
		source, verify bool
		kind           payments.TokenType
		status         payments.VerificationStatus
		chargeable     bool
		toVerify       bool
	}{
		{"a source, no verify", true, false, payments.TokenCard, payments.VerificationNotRequested, true, false},
		{"nothing", false, false, payments.TokenPending, payments.VerificationNotRequested, false, false},
		{"verify, no source", false, true, payments.TokenPending, payments.VerificationPending, false, false},
		{"verify and a source", true, true, payments.TokenCard, payments.VerificationPending, false, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			c := b.customer(t)
			source := ""
			if tc.source {
				source = b.card(t).ID
			}
			r := b.request(c, source, tc.verify)
			r.Token.Metadata, r.Token.WebhookURL = map[string]string{"a": "b"}, "https://example.com/hook"
			r.Token.ID, r.Token.CardID, r.Token.Verification = "tok_forged", "card_forged", payments.VerificationSuccess
			before := len(b.store.events)
			p, err := b.Create(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			if len(b.store.events) != before || len(b.store.tokens) != 0 {
				t.Error("Create has written something")
			}
			token := p.Token
			if token.Type != tc.kind || token.Verification != tc.status || token.Chargeable() != tc.chargeable || p.Verify != tc.toVerify || token.Verify != tc.verify {
				t.Errorf("token %+v, verify %v", token, p.Verify)
			}
			if token.ID == "tok_forged" || !strings.HasPrefix(token.ID, payments.PrefixToken) || token.CardID != source || token.Version != 1 || !token.CreatedAt.Equal(noon) {
				t.Errorf("token %+v", token)
			}
			checkCreateChange(t, p, tc.source, tc.verify)

			if token = b.written(t, p); token.Metadata["a"] != "b" {
				t.Errorf("metadata %v", token.Metadata)
			}
			if tc.source && b.store.cards[id{project, source}].UsedBy != token.ID {
				t.Error("the card is not taken")
			}
			if held := b.vault.HasCVC(t.Context(), project, source); held != tc.toVerify {
				t.Errorf("CVC held %v: it is for the verification, and for nothing else", held)
			}
		})
	}
}

func checkCreateChange(t *testing.T, p tokens.Prepared, source, verify bool) {
	t.Helper()
	e := p.Change.Events[0]
	if len(p.Change.Events) != 1 || e.Name != payments.EventTokenCreated || e.WebhookURL != p.Token.WebhookURL || !e.Sandbox || !strings.HasPrefix(e.ID, payments.PrefixEvent) {
		t.Errorf("event %+v", e)
	}
	want := payments.Snapshot{Token: &p.Token, Customer: &p.Customer, Card: p.Card}
	if diff := cmp.Diff(want, e.Snapshot); diff != "" {
		t.Errorf("the event's snapshot: %s", diff)
	}
	if p.Customer.DefaultTokenID != p.Token.ID || len(p.Change.Customers) != 1 || p.Change.Customers[0].Version != 2 {
		t.Errorf("the first token is not its customer's default: %+v", p.Change.Customers)
	}
	if source != (p.Card != nil) || source != (len(p.Change.Cards) == 1) || p.Change.Claim != nil {
		t.Errorf("change %+v", p.Change)
	}
	if verify != (len(p.Change.Transitions) == 1) {
		t.Errorf("transitions %+v", p.Change.Transitions)
	}
}

func TestSources(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.customer(t)
	used, old, gone := b.card(t), b.card(t), b.card(t)
	b.token(t, c, used.ID, false)
	old.Facts.ExpYear, old.Facts.ExpMonth, old.Version = 2026, 10, 2
	if err := b.store.Apply(t.Context(), payments.Change{Cards: []payments.Card{old}}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.vault.Delete(t.Context(), project, gone.ID, nil); err != nil {
		t.Fatal(err)
	}
	empty := b.token(t, c, "", false)
	for source, code := range map[string]string{
		used.ID:            payments.CodeSourceCardAlreadyUsed,
		old.ID:             string(payments.CardExpired),
		gone.ID:            payments.CodeSourceInvalid,
		"card_none":        payments.CodeSourceInvalid,
		"tok_1":            payments.CodeSourceInvalid,
		"gway_req_e30=":    payments.CodeSourceInvalid,
		c.ID:               payments.CodeSourceInvalid,
		"4242424242424242": payments.CodeSourceInvalid,
	} {
		_, err := b.Create(t.Context(), b.request(c, source, false))
		wantCode(t, err, code)
		if strings.Contains(err.Error(), pan) {
			t.Error("the error repeats what was sent")
		}
		_, err = b.Assign(t.Context(), project, c.ID, empty.ID, tokens.Request{Source: source})
		wantCode(t, err, code)
	}
}

func TestWhoMayMakeAToken(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.request(b.customer(t), "", false)
	r.Public = true
	_, err := b.Create(t.Context(), r)
	wantCode(t, err, payments.CodeAuthenticationInvalid)
	_, err = b.Create(t.Context(), b.request(payments.Customer{ID: "cust_none"}, "", false))
	wantCode(t, err, payments.CodeCustomerNotFound)
}

// Every state of a token, and what a PUT of a source makes of it.
func TestAssignASource(t *testing.T) {
	t.Parallel()
	const (
		commit = "commit"
		verify = "verify"
	)
	type setUp func(t *testing.T, b bundle, c payments.Customer) payments.Token
	made := func(source, verify bool) setUp {
		return func(t *testing.T, b bundle, c payments.Customer) payments.Token {
			id := ""
			if source {
				id = b.card(t).ID
			}
			return b.token(t, c, id, verify)
		}
	}
	ended := func(status payments.VerificationStatus) setUp {
		return func(t *testing.T, b bundle, c payments.Customer) payments.Token {
			return b.verified(t, b.token(t, c, b.card(t).ID, true), status)
		}
	}
	for _, tc := range []struct {
		name    string
		token   setUp
		request tokens.Request
		private string // what happens: commit, verify or a code
		public  string
	}{
		{"no source", made(false, false), tokens.Request{}, commit, payments.CodeAuthenticationInvalid},
		{"no source, verify switched on", made(false, false), tokens.Request{Verify: true}, verify, payments.CodeAuthenticationInvalid},
		{"waits for a source to verify", made(false, true), tokens.Request{}, verify, verify},
		{"a card, not verified", made(true, false), tokens.Request{}, payments.CodeSourceInvalid, payments.CodeAuthenticationInvalid},
		{"being verified", made(true, true), tokens.Request{}, payments.CodeStillProcessing, payments.CodeStillProcessing},
		{"verified", ended(payments.VerificationSuccess), tokens.Request{}, payments.CodeSourceInvalid, payments.CodeAuthenticationInvalid},
		{"verification failed", ended(payments.VerificationFailed), tokens.Request{}, verify, verify},
		{"verification unknown", ended(payments.VerificationUnknown), tokens.Request{}, verify, payments.CodeAuthenticationInvalid},
	} {
		for _, public := range []bool{false, true} {
			want, name := tc.private, tc.name+"/private"
			if public {
				want, name = tc.public, tc.name+"/public"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				b := setup(t)
				c := b.customer(t)
				token := tc.token(t, b, c)
				card := b.card(t)
				r := tc.request
				r.Source, r.Public = card.ID, public
				p, err := b.Assign(t.Context(), project, c.ID, token.ID, r)
				if want != commit && want != verify {
					wantCode(t, err, want)
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				checkAssigned(t, b, p, token, card, want == verify)
			})
		}
	}
}

func checkAssigned(t *testing.T, b bundle, p tokens.Prepared, old payments.Token, card payments.Card, verify bool) {
	t.Helper()
	status := payments.VerificationNotRequested
	if verify {
		status = payments.VerificationPending
	}
	if p.Verify != verify || p.Token.CardID != card.ID || p.Token.Type != payments.TokenCard || p.Token.Verification != status || p.Token.Version != old.Version+1 || p.Token.Chargeable() == verify {
		t.Errorf("token %+v, verify %v", p.Token, p.Verify)
	}
	if p.Change.Events[0].Name != payments.EventTokenUpdated {
		t.Errorf("event %s", p.Change.Events[0].Name)
	}
	moved := len(p.Change.Transitions) == 1
	if moved != (old.Verification != status) || moved && !old.Verification.CanBecome(status) {
		t.Errorf("from %s to %s: %+v", old.Verification, status, p.Change.Transitions)
	}
	b.written(t, p)
	if kept, err := b.vault.Card(t.Context(), project, card.ID); err != nil || kept.UsedBy != old.ID {
		t.Errorf("the card is %+v, %v", kept, err)
	}
	if old.CardID != "" { // it is good for nothing any more
		if _, err := b.vault.Open(t.Context(), project, old.CardID); payments.ErrorCode(err) != payments.CodeCardNotFound {
			t.Errorf("the former card's number is still there: %v", err)
		}
	}
}

func TestAssignWithoutASource(t *testing.T) {
	t.Parallel()
	const none = payments.VerificationNotRequested
	for _, tc := range []struct {
		name                  string
		source, verify        bool // how the token was made
		request               tokens.Request
		code                  string
		toVerify, wantsVerify bool
		status                payments.VerificationStatus
	}{
		{"nothing at all", true, false, tokens.Request{}, payments.CodeMissingSource, false, false, none},
		{"from a payer's device", false, true, tokens.Request{Public: true, SetDefault: true}, payments.CodeMissingSource, false, false, none},
		{"metadata", true, false, tokens.Request{Token: payments.Token{Metadata: map[string]string{"x": "y"}}}, "", false, false, none},
		{"set default", true, false, tokens.Request{SetDefault: true}, "", false, false, none},
		{"metadata while it is being verified", true, true, tokens.Request{Token: payments.Token{Metadata: map[string]string{"x": "y"}}}, "", false, true, payments.VerificationPending},
		{"verify false does not switch it off", false, true, tokens.Request{SetDefault: true, Verify: false}, "", false, true, payments.VerificationPending},
		{"verify without a card", false, false, tokens.Request{Verify: true}, "", false, true, payments.VerificationPending},
		{"verify the card that it has", true, false, tokens.Request{Verify: true}, "", true, true, payments.VerificationPending},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			c := b.customer(t)
			b.token(t, c, "", false) // the default
			source := ""
			if tc.source {
				source = b.card(t).ID
			}
			token := b.token(t, c, source, tc.verify)
			p, err := b.Assign(t.Context(), project, "", token.ID, tc.request)
			wantCode(t, err, tc.code)
			if err != nil {
				return
			}
			if p.Verify != tc.toVerify || p.Token.Verify != tc.wantsVerify || p.Token.Verification != tc.status || len(p.Change.Cards) != 0 || (p.Card != nil) != tc.source {
				t.Errorf("token %+v, verify %v", p.Token, p.Verify)
			}
			if tc.request.SetDefault != (p.Customer.DefaultTokenID == token.ID) || tc.request.SetDefault != (len(p.Change.Customers) == 1) {
				t.Errorf("customer %+v", p.Customer)
			}
			b.written(t, p)
			if got, err := b.Token(t.Context(), project, c.ID, token.ID); err != nil || tc.request.Token.Metadata != nil && got.Metadata["x"] != "y" {
				t.Errorf("token %+v, %v", got, err)
			}
		})
	}
}

func TestAssignMergesFields(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.customer(t)
	r := b.request(c, "", true)
	r.Token.Description, r.Token.ReturnURL, r.Token.Extra = "old", "https://example.com/a", payments.Extra{"a": []byte(`1`), "b": []byte(`2`)}
	p, err := b.Create(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	token := b.written(t, p)
	given := payments.Token{Description: "new", WebhookURL: "https://example.com/w", Extra: payments.Extra{"b": []byte(`3`)}, CardID: "card_forged", CustomerID: "cust_forged", ManualInvoiceCancellation: true}
	if p, err = b.Assign(t.Context(), project, c.ID, token.ID, tokens.Request{Token: given}); err != nil {
		t.Fatal(err)
	}
	want := token
	want.Version, want.Description, want.WebhookURL, want.ManualInvoiceCancellation = 2, "new", "https://example.com/w", true
	want.Extra = payments.Extra{"a": []byte(`1`), "b": []byte(`3`)}
	if diff := cmp.Diff(want, p.Token); diff != "" {
		t.Error(diff)
	}
	if string(token.Extra["b"]) != "2" {
		t.Error("the token that was read was changed")
	}
	// A payer's device does not change the merchant's fields, nor its customer's default.
	p, err = b.Assign(t.Context(), project, c.ID, token.ID, tokens.Request{Token: given, Source: b.card(t).ID, SetDefault: true, Public: true})
	if err != nil || p.Token.Description != "old" || len(p.Change.Customers) != 0 {
		t.Errorf("token %+v, %v", p.Token, err)
	}
}

func TestTheTokenMustBeTheCustomers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	mine, theirs := b.customer(t), b.customer(t)
	token := b.token(t, mine, "", false)
	_, err := b.Token(t.Context(), project, theirs.ID, token.ID)
	wantCode(t, err, payments.CodeTokenNotFound)
	_, err = b.Assign(t.Context(), project, theirs.ID, token.ID, tokens.Request{SetDefault: true})
	wantCode(t, err, payments.CodeTokenNotFound)
	_, err = b.Delete(t.Context(), project, theirs.ID, token.ID, nil)
	wantCode(t, err, payments.CodeTokenNotFound)
	_, err = b.Token(t.Context(), "proj_other", mine.ID, token.ID)
	wantCode(t, err, payments.CodeTokenNotFound)
}

// A card that was released and may be on its way elsewhere does not go with the token that had it.
func TestACardThatIsNotTheTokensAnyMoreIsLeftAlone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.customer(t)
	for name, end := range map[string]func(payments.Token) error{
		"deleted": func(token payments.Token) error {
			_, err := b.Delete(t.Context(), project, "", token.ID, nil)
			return err
		},
		"given another card": func(token payments.Token) error {
			p, err := b.Assign(t.Context(), project, "", token.ID, tokens.Request{Source: b.card(t).ID})
			b.written(t, p)
			return err
		},
	} {
		token := b.verified(t, b.token(t, c, b.card(t).ID, true), payments.VerificationFailed)
		card := b.store.cards[id{project, token.CardID}]
		card.UsedBy, card.Version = "", card.Version+1
		if err := b.store.Apply(t.Context(), payments.Change{Cards: []payments.Card{card}}); err != nil {
			t.Fatal(err)
		}
		if err := end(token); err != nil {
			t.Fatal(err)
		}
		if _, err := b.vault.Open(t.Context(), project, card.ID); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A card that has paid and is kept goes over to its token.
func TestKeep(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.customer(t)
	card := b.card(t)
	card.UsedBy, card.Version = "tr_1", 2
	if err := b.store.Apply(t.Context(), payments.Change{Cards: []payments.Card{card}}); err != nil {
		t.Fatal(err)
	}
	p, err := b.Keep(t.Context(), project, c.ID, card.ID, "iv_1")
	if err != nil {
		t.Fatal(err)
	}
	if err := b.store.Apply(t.Context(), p.Change); err != nil {
		t.Fatal(err)
	}
	got, err := b.Resolve(t.Context(), project, c.ID)
	if err != nil || got.Card.ID != card.ID || got.Card.UsedBy != got.Token.ID || p.Verify || b.store.events[len(b.store.events)-1].Name != payments.EventTokenCreated {
		t.Errorf("resolved %+v, %v", got, err)
	}
}
