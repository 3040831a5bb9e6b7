package vault

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"switchyard/payments"
)

// Purposes bind a ciphertext to what it is for: a wrapped data key cannot be passed off as a sealed card.
const (
	purposeCard    = "switchyard card v1"
	purposeDataKey = "switchyard card data key v1"
)

// identity is the associated data of a record: what it is for and whose it is. A record that is moved to another card or
// project does not open there. The parts carry their length, so that no two identities are the same bytes.
func identity(purpose, projectID, cardID string) []byte {
	aad := make([]byte, 0, 3*binary.MaxVarintLen16+len(purpose)+len(projectID)+len(cardID))
	for _, part := range []string{purpose, projectID, cardID} {
		aad = binary.AppendUvarint(aad, uint64(len(part)))
		aad = append(aad, part...)
	}
	return aad
}

// sealedCard is what is encrypted of a card. The CVC has no place in it.
type sealedCard struct {
	Number   string `json:"n"`
	ExpMonth int    `json:"m"`
	ExpYear  int    `json:"y"`
	Name     string `json:"h,omitempty"`
}

// seal encrypts a card under a data key of its own and wraps that key.
func (v *Vault) seal(ctx context.Context, projectID, cardID string, d payments.CardData) (payments.SealedCard, error) {
	plain, err := json.Marshal(sealedCard{Number: d.Number.Reveal(), ExpMonth: d.ExpMonth, ExpYear: d.ExpYear, Name: d.Name})
	if err != nil {
		return payments.SealedCard{}, errors.New("vault: a card cannot be encoded")
	}
	defer clear(plain)
	dataKey := make([]byte, keySize)
	defer clear(dataKey)
	if _, err := rand.Read(dataKey); err != nil {
		return payments.SealedCard{}, fmt.Errorf("vault: data key: %w", err)
	}
	aead, err := newAEAD(dataKey)
	if err != nil {
		return payments.SealedCard{}, err
	}
	keyID, wrapped, err := v.keys.Wrap(ctx, dataKey, identity(purposeDataKey, projectID, cardID))
	if err != nil {
		return payments.SealedCard{}, fmt.Errorf("vault: wrap the key of card %s: %w", cardID, err)
	}
	return payments.SealedCard{
		ProjectID: projectID,
		CardID:    cardID,
		KeyID:     keyID,
		Wrapped:   wrapped,
		Sealed:    aead.Seal(nil, nil, plain, identity(purposeCard, projectID, cardID)),
	}, nil
}

// unseal opens a record as the card that the caller asked for, whatever the record says it is.
func (v *Vault) unseal(ctx context.Context, projectID, cardID string, s payments.SealedCard) (payments.CardData, error) {
	dataKey, err := v.keys.Unwrap(ctx, s.KeyID, s.Wrapped, identity(purposeDataKey, projectID, cardID))
	if err != nil {
		return payments.CardData{}, fmt.Errorf("vault: open card %s: %w", cardID, err)
	}
	defer clear(dataKey)
	aead, err := newAEAD(dataKey)
	if err != nil {
		return payments.CardData{}, fmt.Errorf("vault: open card %s: %w", cardID, err)
	}
	plain, err := aead.Open(nil, nil, s.Sealed, identity(purposeCard, projectID, cardID))
	if err != nil {
		return payments.CardData{}, fmt.Errorf("vault: open card %s: the record was changed", cardID)
	}
	defer clear(plain)
	var c sealedCard
	if err := json.Unmarshal(plain, &c); err != nil { // its text would show what it stumbled over
		return payments.CardData{}, fmt.Errorf("vault: open card %s: not a card inside", cardID)
	}
	return payments.CardData{
		Number:   payments.NewSecret(c.Number),
		ExpMonth: c.ExpMonth,
		ExpYear:  c.ExpYear,
		Name:     c.Name,
	}, nil
}
