package vault_test

import (
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"switchyard/payments"
	"switchyard/vault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestPutAndOpen(t *testing.T) {
	t.Parallel()
	b := setup(t)
	claim := &payments.ClaimRequest{Scope: "private POST /cards", Key: "k1", Fingerprint: []byte{1}}
	answer, err := b.Put(t.Context(), vault.CardInput{
		ProjectID: project, Data: data(t, pan, cvc), PreferredScheme: "visa", Metadata: map[string]string{"a": "b"}, Sandbox: true,
	}, claim)
	if err != nil {
		t.Fatal(err)
	}
	card := answer.Card
	if !strings.HasPrefix(card.ID, payments.PrefixCard) || card.Version != 1 || !card.CreatedAt.Equal(noon) || !card.Sandbox || card.PreferredScheme != "visa" {
		t.Errorf("card %+v", card)
	}
	if card.Facts.Scheme != payments.SchemeVisa || card.Facts.Last4 != "4242" || len(card.Facts.Fingerprint) != 32 {
		t.Errorf("facts %+v", card.Facts)
	}
	kept := b.store.claims[payments.ClaimKey{ProjectID: project, Scope: claim.Scope, Key: claim.Key}]
	if kept.Snapshot == nil || kept.Snapshot.Card.ID != card.ID || string(kept.Fingerprint) != "\x01" || !kept.CreatedAt.Equal(noon) {
		t.Errorf("claim %+v", kept)
	}

	opened, err := b.Open(t.Context(), project, card.ID)
	if err != nil {
		t.Fatal(err)
	}
	if opened.Number.Reveal() != pan || opened.CVC.Reveal() != cvc || opened.ExpMonth != 12 || opened.ExpYear != 2031 || opened.Name != "Ada Lovelace" {
		t.Error("the opened card is not the one that was put")
	}
	if _, err := b.Put(t.Context(), vault.CardInput{ProjectID: project, Data: data(t, pan, "")}, claim); err != payments.ErrClaimed { //nolint:errorlint // as it is
		t.Errorf("the same key again: %v, want ErrClaimed itself", err)
	}
	if len(b.store.cards) != 1 {
		t.Errorf("%d cards after a replay", len(b.store.cards))
	}
}

func TestPutNeedsANumber(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if _, err := b.Put(t.Context(), vault.CardInput{ProjectID: project}, nil); payments.ErrorCode(err) != string(payments.CardMissingNumber) {
		t.Errorf("got %v", err)
	}
}

func TestCardNotFound(t *testing.T) {
	t.Parallel()
	b := setup(t)
	card := put(t, b, project, pan)
	for name, err := range map[string]error{
		"card":            second(b.Card(t.Context(), project, "card_none")),
		"open":            second(b.Open(t.Context(), project, "card_none")),
		"another project": second(b.Card(t.Context(), "proj_two", card.ID)),
		"open elsewhere":  second(b.Open(t.Context(), "proj_two", card.ID)),
		"update":          second(b.Update(t.Context(), project, "card_none", vault.CardEdit{}, nil)),
		"delete":          second(b.Delete(t.Context(), project, "card_none", nil)),
		"rewrap":          b.Rewrap(t.Context(), project, "card_none"),
	} {
		if payments.ErrorCode(err) != payments.CodeCardNotFound {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestFingerprint(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first, twin, other := put(t, b, project, pan), put(t, b, "proj_two", pan), put(t, b, project, otherPAN)
	if first.Facts.Fingerprint != twin.Facts.Fingerprint {
		t.Error("the same number has two fingerprints")
	}
	if first.Facts.Fingerprint == other.Facts.Fingerprint {
		t.Error("two numbers have the same fingerprint")
	}
	v, err := vault.New(vault.Options{Store: b.store, Keys: localKeys(t, "a", "a"), FingerprintKey: payments.NewSecret("another fingerprint key")})
	if err != nil {
		t.Fatal(err)
	}
	if v.Fingerprint(data(t, pan, "")) == first.Facts.Fingerprint {
		t.Error("the fingerprint does not depend on the key")
	}
}

func TestUpdate(t *testing.T) {
	t.Parallel()
	scheme := "mastercard"
	for _, tc := range []struct {
		name    string
		edit    vault.CardEdit
		code    string
		version int64
		cvc     string
	}{
		{"nothing", vault.CardEdit{}, "", 1, cvc},
		{"a new CVC alone is not stored", vault.CardEdit{CVC: new("123")}, "", 1, "123"},
		{"scheme and metadata", vault.CardEdit{PreferredScheme: &scheme, Metadata: map[string]string{"x": "y"}}, "", 2, cvc},
		{"an empty CVC changes nothing", vault.CardEdit{CVC: new("")}, "", 1, cvc},
		{"four digits on a Visa", vault.CardEdit{CVC: new("1234")}, string(payments.CardInvalidCVC), 1, cvc},
		{"letters", vault.CardEdit{CVC: new("12a")}, string(payments.CardInvalidCVC), 1, cvc},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			card := put(t, b, project, pan)
			_, err := b.Update(t.Context(), project, card.ID, tc.edit, nil)
			if payments.ErrorCode(err) != tc.code {
				t.Fatalf("error %v", err)
			}
			after, err := b.Card(t.Context(), project, card.ID)
			if err != nil {
				t.Fatal(err)
			}
			if after.Version != tc.version || tc.edit.Metadata != nil && after.Metadata["x"] != "y" {
				t.Errorf("card %+v", after)
			}
			opened, err := b.Open(t.Context(), project, card.ID)
			if err != nil || opened.CVC.Reveal() != tc.cvc {
				t.Errorf("the wrong CVC is held (%v)", err)
			}
		})
	}
}

func TestUpdateReadsAgainAfterAConflict(t *testing.T) {
	t.Parallel()
	b := setup(t)
	card := put(t, b, project, pan)
	b.store.before = func() {
		if _, err := b.Update(t.Context(), project, card.ID, vault.CardEdit{PreferredScheme: new("visa")}, nil); err != nil {
			t.Error(err)
		}
	}
	answer, err := b.Update(t.Context(), project, card.ID, vault.CardEdit{Metadata: map[string]string{"x": "y"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if answer.Card.Version != 3 || answer.Card.PreferredScheme != "visa" || answer.Card.Metadata["x"] != "y" {
		t.Errorf("an update was lost: %+v", answer.Card)
	}
}

func TestDelete(t *testing.T) {
	t.Parallel()
	b := setup(t)
	card := put(t, b, project, pan)
	if _, err := b.Delete(t.Context(), project, card.ID, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Open(t.Context(), project, card.ID); payments.ErrorCode(err) != payments.CodeCardNotFound {
		t.Errorf("a deleted card opens: %v", err)
	}
	if b.HasCVC(t.Context(), project, card.ID) || len(b.store.sealed) != 0 {
		t.Error("something of the card is left")
	}
	for _, kept := range b.store.cards {
		if kept.Facts.Name != "" || kept.DeletedAt.IsZero() {
			t.Errorf("kept %+v", kept)
		}
	}
}

func TestDeleteRefusesACardOnAToken(t *testing.T) {
	t.Parallel()
	b := setup(t)
	card := put(t, b, project, pan)
	card.UsedBy, card.Version = "tok_1", 2
	if err := b.store.Apply(t.Context(), payments.Change{Cards: []payments.Card{card}}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Delete(t.Context(), project, card.ID, nil); payments.ErrorCode(err) != payments.CodeValidation {
		t.Errorf("got %v", err)
	}
	if _, err := b.Open(t.Context(), project, card.ID); err != nil {
		t.Errorf("the card is gone: %v", err)
	}
}

func TestRewrap(t *testing.T) {
	t.Parallel()
	b := setup(t)
	card := put(t, b, project, pan)
	rotated := bundle{Vault: open(t, b, localKeys(t, "b", "a", "b")), store: b.store, clock: b.clock}
	if err := rotated.Rewrap(t.Context(), project, card.ID); err != nil {
		t.Fatal(err)
	}
	sealed, err := b.store.SealedCard(t.Context(), project, card.ID)
	if err != nil || sealed.KeyID != "b" {
		t.Fatalf("key %q, %v", sealed.KeyID, err)
	}
	retired := bundle{Vault: open(t, b, localKeys(t, "b", "b")), store: b.store, clock: b.clock}
	if opened, err := retired.Open(t.Context(), project, card.ID); err != nil || opened.Number.Reveal() != pan {
		t.Errorf("it does not open without the old key: %v", err)
	}
	if _, err := b.Open(t.Context(), project, card.ID); err == nil {
		t.Error("it opens without the new key")
	}
	before, _ := b.store.Card(t.Context(), project, card.ID)
	if err := rotated.Rewrap(t.Context(), project, card.ID); err != nil {
		t.Fatal(err)
	}
	if after, _ := b.store.Card(t.Context(), project, card.ID); after.Version != before.Version {
		t.Error("a card under the current key was written again")
	}
}

// A card that is deleted while it is being rewrapped must stay without its number.
func TestRewrapDoesNotBringADeletedCardBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	card := put(t, b, project, pan)
	rotated := bundle{Vault: open(t, b, localKeys(t, "b", "a", "b")), store: b.store, clock: b.clock}
	b.store.before = func() {
		if _, err := b.Delete(t.Context(), project, card.ID, nil); err != nil {
			t.Error(err)
		}
	}
	if err := rotated.Rewrap(t.Context(), project, card.ID); payments.ErrorCode(err) != payments.CodeCardNotFound {
		t.Errorf("got %v", err)
	}
	if len(b.store.sealed) != 0 {
		t.Error("the number is back")
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	keys, fingerprint := localKeys(t, "a", "a"), payments.NewSecret(fingerprintKey)
	for name, o := range map[string]vault.Options{
		"no store":              {Keys: keys, FingerprintKey: fingerprint},
		"no keys":               {Store: newMemory(), FingerprintKey: fingerprint},
		"no fingerprint key":    {Store: newMemory(), Keys: keys},
		"short fingerprint key": {Store: newMemory(), Keys: keys, FingerprintKey: payments.NewSecret("short")},
	} {
		if _, err := vault.New(o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	const shown = "c2hvcnQ="
	for name, k := range map[string]map[string]payments.Secret{
		"no current key": {"b": kek('b')},
		"short":          {"a": payments.NewSecret(shown)},
		"not base64":     {"a": payments.NewSecret("!" + shown)},
		"empty":          {"a": {}},
	} {
		_, err := vault.LocalKeys("a", k)
		if err == nil {
			t.Errorf("%s: accepted", name)
		} else if strings.Contains(err.Error(), shown) {
			t.Errorf("%s: the error shows the key: %v", name, err)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	v := setup(b)
	card := put(b, v, project, pan)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Open(b.Context(), project, card.ID); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPut(b *testing.B) {
	v := setup(b)
	in := vault.CardInput{ProjectID: project, Data: data(b, pan, "")}
	b.ReportAllocs()
	for b.Loop() {
		clear(v.store.cards)
		clear(v.store.sealed)
		if _, err := v.Put(b.Context(), in, nil); err != nil {
			b.Fatal(err)
		}
	}
}

var _ vault.CVCHolder = (*vault.MemoryCVCs)(nil)

func TestHoldCVC(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for given, want := range map[string]string{"123": "", "1234": "", "": "card.invalid-cvc", "12": "card.invalid-cvc", "12345": "card.invalid-cvc", "１２３": "card.invalid-cvc", "12 ": "card.invalid-cvc"} {
		if err := b.HoldCVC(t.Context(), project, "card_1", given); payments.ErrorCode(err) != want {
			t.Errorf("%q: %v", given, err)
		}
	}
	if !b.HasCVC(t.Context(), project, "card_1") || b.HasCVC(t.Context(), "proj_two", "card_1") {
		t.Error("held for the wrong card")
	}
	b.clock.forward(15*time.Minute - time.Nanosecond)
	if !b.HasCVC(t.Context(), project, "card_1") {
		t.Error("gone too early")
	}
	b.clock.forward(time.Nanosecond)
	if b.HasCVC(t.Context(), project, "card_1") {
		t.Error("held for longer than 15 minutes")
	}
	if err := b.HoldCVC(t.Context(), project, "card_1", "123"); err != nil {
		t.Fatal(err)
	}
	b.WipeCVC(t.Context(), project, "card_1")
	if b.HasCVC(t.Context(), project, "card_1") {
		t.Error("not wiped")
	}
}

// TestIssuers: a card is vaulted with what eight digits of its number tell, and keeps six. What is known already stays.
func TestIssuers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	edit, rotate := put(t, b, project, pan), put(t, b, project, pan)
	var asked []string
	known := payments.IssuerFacts{Scheme: payments.SchemeMaestro, Country: "GB", Funding: "debit", Bank: "Bank of Kent", Product: "classic"}
	now := known
	v, err := vault.New(vault.Options{
		Store: b.store, Keys: localKeys(t, "b", "a", "b"), FingerprintKey: payments.NewSecret(fingerprintKey), Now: b.clock.Now,
		Issuers: func(digits string) payments.IssuerFacts {
			asked = append(asked, digits)
			return now
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	b.Vault = v

	want := func(what string, got payments.CardFacts, digits string) {
		t.Helper()
		if got.Scheme != payments.SchemeVisa || got.Country != "GB" || got.Type != "debit" || got.Bank != "Bank of Kent" || got.Product != "classic" || got.IIN != "424242" {
			t.Errorf("%s: %+v", what, got)
		}
		if last := asked[len(asked)-1]; last != digits {
			t.Errorf("%s: asked for %s, not %s", what, last, digits)
		}
	}
	card := put(t, b, project, pan)
	want("put", card.Facts, "42424242")

	edited, err := b.Update(t.Context(), project, edit.ID, vault.CardEdit{Metadata: map[string]string{"a": "b"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	want("update", edited.Card.Facts, "424242")

	if err := b.Rewrap(t.Context(), project, rotate.ID); err != nil {
		t.Fatal(err)
	}
	rewrapped, err := b.Card(t.Context(), project, rotate.ID)
	if err != nil {
		t.Fatal(err)
	}
	want("rewrap", rewrapped.Facts, "42424242")

	now = payments.IssuerFacts{Country: "US", Funding: "credit", Bank: "Another"}
	if edited, err = b.Update(t.Context(), project, card.ID, vault.CardEdit{Metadata: map[string]string{"a": "b"}}, nil); err != nil {
		t.Fatal(err)
	}
	want("update of a known one", edited.Card.Facts, "424242")
}
