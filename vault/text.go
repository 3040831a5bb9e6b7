package vault

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
)

const (
	purposeText    = "switchyard text v1"
	purposeTextKey = "switchyard text data key v1"
)

// sealedText is a text under a data key of its own.
type sealedText struct {
	KeyID   string `json:"k"`
	Wrapped []byte `json:"w"`
	Sealed  []byte `json:"s"`
}

// SealText encrypts a short text that must not lie in the store in the open, such as a link that opens a payer's saved cards.
// It opens only for the record that it was sealed for.
func (v *Vault) SealText(ctx context.Context, projectID, recordID, text string) ([]byte, error) {
	dataKey := make([]byte, keySize)
	defer clear(dataKey)
	if _, err := rand.Read(dataKey); err != nil {
		return nil, fmt.Errorf("vault: data key: %w", err)
	}
	aead, err := newAEAD(dataKey)
	if err != nil {
		return nil, err
	}
	keyID, wrapped, err := v.keys.Wrap(ctx, dataKey, identity(purposeTextKey, projectID, recordID))
	if err != nil {
		return nil, fmt.Errorf("vault: wrap the key of a text of %s: %w", recordID, err)
	}
	return json.Marshal(sealedText{keyID, wrapped, aead.Seal(nil, nil, []byte(text), identity(purposeText, projectID, recordID))})
}

// OpenText returns a text that SealText has sealed for the record.
func (v *Vault) OpenText(ctx context.Context, projectID, recordID string, sealed []byte) (string, error) {
	var s sealedText
	if err := json.Unmarshal(sealed, &s); err != nil {
		return "", errors.New("vault: this is no sealed text")
	}
	dataKey, err := v.keys.Unwrap(ctx, s.KeyID, s.Wrapped, identity(purposeTextKey, projectID, recordID))
	if err != nil {
		return "", fmt.Errorf("vault: open a text of %s: %w", recordID, err)
	}
	defer clear(dataKey)
	aead, err := newAEAD(dataKey)
	if err != nil {
		return "", fmt.Errorf("vault: open a text of %s: %w", recordID, err)
	}
	plain, err := aead.Open(nil, nil, s.Sealed, identity(purposeText, projectID, recordID))
	if err != nil {
		return "", fmt.Errorf("vault: open a text of %s: the record was changed", recordID)
	}
	return string(plain), nil
}
