// Package vault keeps card numbers: it seals them, opens them for one call, tells by a keyed fingerprint whether two cards
// have the same number, and holds the CVC, which is never stored, in memory for a few minutes.
//
// A card is sealed with a data key of its own, which is wrapped by a key-encryption key behind the Keys interface. Both
// layers are authenticated with the identity of the record, so that a record that was changed, or moved to another card
// or project, does not open.
package vault

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"switchyard/payments"
)

const (
	cvcTTL            = 15 * time.Minute // what a payer needs to finish a payment; card scheme rules forbid keeping it
	maxHeldCVCs       = 100_000          // about 20 MB
	minFingerprintKey = 16               // bytes
	fingerprintLength = 32               // hex digits: 128 bits do not collide by chance
	maxTries          = 8                // of a write that finds the card changed meanwhile
)

// Store is what the vault needs of the system of record.
type Store interface {
	Apply(ctx context.Context, c payments.Change) error
	Card(ctx context.Context, projectID, cardID string) (payments.Card, error)
	SealedCard(ctx context.Context, projectID, cardID string) (payments.SealedCard, error)
}

// Options are what a Vault is made of.
type Options struct {
	Store          Store
	Keys           Keys
	FingerprintKey payments.Secret  // of the HMAC over card numbers, 16 bytes or more; a new key makes all fingerprints new
	CVC            CVCHolder        // nil: in memory, at most 100,000
	Now            func() time.Time // nil: time.Now
	// Issuers tells what is known of all cards whose numbers begin with these digits, eight at most; nil: nothing.
	Issuers func(digits string) payments.IssuerFacts
}

// Vault is the only place where card numbers are sealed and opened. It is safe for concurrent use.
type Vault struct {
	store          Store
	keys           Keys
	fingerprintKey payments.Secret
	cvcs           CVCHolder
	own            *MemoryCVCs // the holder that New made, nil when it was given one
	issuers        func(digits string) payments.IssuerFacts
	now            func() time.Time
}

// New returns a vault.
func New(o Options) (*Vault, error) {
	switch {
	case o.Store == nil:
		return nil, errors.New("vault: no store")
	case o.Keys == nil:
		return nil, errors.New("vault: no keys")
	case len(o.FingerprintKey.Reveal()) < minFingerprintKey:
		return nil, fmt.Errorf("vault: the fingerprint key must have at least %d bytes", minFingerprintKey)
	}
	v := &Vault{store: o.Store, keys: o.Keys, fingerprintKey: o.FingerprintKey, cvcs: o.CVC, issuers: o.Issuers, now: o.Now}
	if v.now == nil {
		v.now = time.Now
	}
	if v.cvcs == nil {
		v.own = NewMemoryCVCs(maxHeldCVCs, v.now)
		v.cvcs = v.own
	}
	return v, nil
}

// Issuer returns what is known of all cards whose numbers begin with digits; nothing without a table of issuers.
func (v *Vault) Issuer(digits string) payments.IssuerFacts {
	if v.issuers == nil {
		return payments.IssuerFacts{}
	}
	return v.issuers(digits)
}

// issuerDigits is how much of a number is looked at to tell its issuer. What is kept of it is shorter.
const issuerDigits = 8

// tell fills in what the card's number tells of its issuer.
func (v *Vault) tell(facts *payments.CardFacts, number payments.Secret) {
	if facts.IIN != "" {
		facts.Fill(v.Issuer(number.Reveal()[:issuerDigits]))
	}
}

// Close overwrites the CVCs that New's own holder has in memory.
func (v *Vault) Close() {
	if v.own != nil {
		v.own.Close()
	}
}

// Card returns a card without its number. The error has the code CodeCardNotFound when there is none, or none any more.
func (v *Vault) Card(ctx context.Context, projectID, cardID string) (payments.Card, error) {
	card, err := v.store.Card(ctx, projectID, cardID)
	switch {
	case errors.Is(err, payments.ErrNotFound):
		return payments.Card{}, notFound()
	case err != nil:
		return payments.Card{}, fmt.Errorf("vault: read card %s: %w", cardID, err)
	}
	return card, nil
}

// Open returns the card with its number, and with its CVC while that is held. It is for one call at a PSP: do not keep it.
// The error has the code CodeCardNotFound when there is no such number (any more).
func (v *Vault) Open(ctx context.Context, projectID, cardID string) (payments.CardData, error) {
	sealed, err := v.sealed(ctx, projectID, cardID)
	if err != nil {
		return payments.CardData{}, err
	}
	data, err := v.unseal(ctx, projectID, cardID, sealed)
	if err != nil {
		return payments.CardData{}, err
	}
	if cvc := v.cvcs.Peek(ctx, projectID, cardID); cvc != nil {
		data.CVC = payments.NewSecret(string(cvc))
		clear(cvc)
	}
	return data, nil
}

func (v *Vault) sealed(ctx context.Context, projectID, cardID string) (payments.SealedCard, error) {
	sealed, err := v.store.SealedCard(ctx, projectID, cardID)
	switch {
	case errors.Is(err, payments.ErrNotFound):
		return payments.SealedCard{}, notFound()
	case err != nil:
		return payments.SealedCard{}, fmt.Errorf("vault: read the number of card %s: %w", cardID, err)
	}
	return sealed, nil
}

// HasCVC says whether the card's CVC is held.
func (v *Vault) HasCVC(ctx context.Context, projectID, cardID string) bool {
	cvc := v.cvcs.Peek(ctx, projectID, cardID)
	clear(cvc)
	return cvc != nil
}

// HoldCVC keeps a CVC of three or four digits in memory for 15 minutes. The error has the code card.invalid-cvc.
func (v *Vault) HoldCVC(ctx context.Context, projectID, cardID, cvc string) error {
	if !isCVC(cvc) {
		return invalidCVC("The card's security code must have 3 or 4 digits.")
	}
	return v.hold(ctx, projectID, cardID, cvc)
}

// WipeCVC forgets the card's CVC.
func (v *Vault) WipeCVC(ctx context.Context, projectID, cardID string) {
	v.cvcs.Wipe(ctx, projectID, cardID)
}

func (v *Vault) hold(ctx context.Context, projectID, cardID, cvc string) error {
	if cvc == "" {
		return nil
	}
	digits := []byte(cvc)
	defer clear(digits)
	if err := v.cvcs.Hold(ctx, projectID, cardID, digits, v.now().Add(cvcTTL)); err != nil {
		return fmt.Errorf("vault: hold the CVC of card %s: %w", cardID, err)
	}
	return nil
}

// Fingerprint is the same for two cards with the same number, in whatever project, and says nothing of the number to who
// has not the key.
func (v *Vault) Fingerprint(d payments.CardData) string {
	mac := hmac.New(sha256.New, []byte(v.fingerprintKey.Reveal()))
	mac.Write([]byte("switchyard card number v1\x00"))
	mac.Write([]byte(d.Number.Reveal()))
	return hex.EncodeToString(mac.Sum(nil))[:fingerprintLength]
}

// MethodKey is to a method that only a PSP has what Fingerprint is to a card: it says nothing of the PSP's name for the method.
func (v *Vault) MethodKey(gatewayID, methodRef string) string {
	mac := hmac.New(sha256.New, []byte(v.fingerprintKey.Reveal()))
	mac.Write([]byte("switchyard saved method v1\x00" + gatewayID + "\x00" + methodRef))
	return hex.EncodeToString(mac.Sum(nil))[:fingerprintLength]
}

func isCVC(cvc string) bool {
	if len(cvc) < 3 || len(cvc) > 4 {
		return false
	}
	for i := range len(cvc) {
		if cvc[i] < '0' || cvc[i] > '9' {
			return false
		}
	}
	return true
}

func notFound() error {
	return payments.NewError(payments.CodeCardNotFound, "There is no such card.")
}

func invalidCVC(message string) error {
	err := payments.NewError(string(payments.CardInvalidCVC), message)
	err.Fields = []payments.FieldFault{{Name: "cvc2", Message: message}}
	return err
}
