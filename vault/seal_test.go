package vault_test

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"switchyard/payments"
	"switchyard/vault"
)

func TestRecordsOpenOnlyWhereTheyBelong(t *testing.T) {
	t.Parallel()
	b := setup(t)
	mine, theirs, elsewhere := put(t, b, project, pan), put(t, b, project, otherPAN), put(t, b, "proj_two", otherPAN)
	stored := func(c payments.Card) payments.SealedCard {
		return b.store.sealed[payments.CardKey{ProjectID: c.ProjectID, CardID: c.ID}]
	}
	for name, spoil := range map[string]func(*payments.SealedCard){
		"another card's record":     func(s *payments.SealedCard) { *s = stored(theirs) },
		"another project's record":  func(s *payments.SealedCard) { *s = stored(elsewhere) },
		"another card's key":        func(s *payments.SealedCard) { s.Wrapped = stored(theirs).Wrapped },
		"another card's ciphertext": func(s *payments.SealedCard) { s.Sealed = stored(theirs).Sealed },
		"key and ciphertext mixed":  func(s *payments.SealedCard) { s.Wrapped, s.Sealed = s.Sealed, s.Wrapped },
		"an unknown key":            func(s *payments.SealedCard) { s.KeyID = "z" },
		"no key":                    func(s *payments.SealedCard) { s.Wrapped = nil },
		"nothing":                   func(s *payments.SealedCard) { s.Sealed = nil },
		"a short ciphertext":        func(s *payments.SealedCard) { s.Sealed = s.Sealed[:len(s.Sealed)-1] },
	} {
		store := newMemory()
		s := stored(mine)
		spoil(&s)
		s.ProjectID, s.CardID = project, mine.ID // the row says that it belongs here
		store.sealed[payments.CardKey{ProjectID: project, CardID: mine.ID}] = s
		v := open(t, bundle{store: store, clock: b.clock}, localKeys(t, "a", "a"))
		opened, err := v.Open(t.Context(), project, mine.ID)
		if err == nil {
			t.Errorf("%s: opened", name)
		}
		if payments.ErrorCode(err) != "" || !opened.Number.IsZero() {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzOpen(f *testing.F) {
	b := setup(f)
	card := put(f, b, project, pan)
	s := b.store.sealed[payments.CardKey{ProjectID: project, CardID: card.ID}]
	f.Add(s.Wrapped, s.Sealed, 3, byte(1))
	f.Add(s.Wrapped, s.Sealed, len(s.Wrapped)+5, byte(0x80))
	f.Add(s.Sealed, s.Wrapped, 0, byte(0))
	f.Fuzz(func(t *testing.T, wrapped, sealed []byte, at int, flip byte) {
		both := append(append([]byte(nil), wrapped...), sealed...)
		if len(both) > 0 {
			both[((at%len(both))+len(both))%len(both)] ^= flip
		}
		changed := payments.SealedCard{ProjectID: project, CardID: card.ID, KeyID: "a", Wrapped: both[:len(wrapped)], Sealed: both[len(wrapped):]}
		store := newMemory()
		store.sealed[payments.CardKey{ProjectID: project, CardID: card.ID}] = changed
		v, err := vault.New(vault.Options{Store: store, Keys: localKeys(t, "a", "a"), FingerprintKey: payments.NewSecret(fingerprintKey)})
		if err != nil {
			t.Fatal(err)
		}
		opened, err := v.Open(t.Context(), project, card.ID)
		same := string(changed.Wrapped) == string(s.Wrapped) && string(changed.Sealed) == string(s.Sealed)
		if (err == nil) != same {
			t.Fatalf("unchanged %v, but %v", same, err)
		}
		if err != nil && !opened.Number.IsZero() {
			t.Error("a number beside an error")
		}
	})
}

// Nothing that the vault returns may show a number or a CVC, in whatever way it is printed.
func TestNothingIsShown(t *testing.T) {
	t.Parallel()
	b := setup(t)
	claim := &payments.ClaimRequest{Scope: "s", Key: "k"}
	answer, err := b.Put(t.Context(), vault.CardInput{ProjectID: project, Data: data(t, pan, cvc)}, claim)
	if err != nil {
		t.Fatal(err)
	}
	opened, err := b.Open(t.Context(), project, answer.Card.ID)
	if err != nil {
		t.Fatal(err)
	}
	var shown strings.Builder
	show := func(values ...any) {
		for _, v := range values {
			fmt.Fprintf(&shown, "%v %+v %#v %s\n", v, v, v, v)
		}
	}
	show(answer, *answer.Card, opened, b.Vault, *b.Vault, b.store.claims, b.store.cards, b.store.sealed)
	show(b.HoldCVC(t.Context(), project, answer.Card.ID, "7x3y7"), second(b.Update(t.Context(), project, answer.Card.ID, vault.CardEdit{CVC: new("73x7")}, nil)))
	broken := b.store.sealed[payments.CardKey{ProjectID: project, CardID: answer.Card.ID}]
	broken.Sealed[len(broken.Sealed)-1] ^= 1
	_, err = b.Open(t.Context(), project, answer.Card.ID)
	if err == nil {
		t.Fatal("opened")
	}
	for e := err; e != nil; e = errors.Unwrap(e) {
		show(e)
	}
	// Three digits may be part of any number, so that a CVC counts only where it stands alone.
	for _, secret := range []string{pan, pan[6:], `\b` + cvc + `\b`, "7x3y7", "73x7", fingerprintKey} {
		if found := regexp.MustCompile(secret).FindStringIndex(shown.String()); found != nil {
			t.Errorf("%q is shown: %q", secret, shown.String()[max(0, found[0]-40):found[1]])
		}
	}
}
