package vault

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"errors"
	"fmt"

	"switchyard/payments"
)

// keySize is the size of data keys and of local key-encryption keys in bytes: AES-256.
const keySize = 32

// Keys wraps data keys with key-encryption keys that never leave it: a KMS, or LocalKeys. It is safe for concurrent use.
type Keys interface {
	// Wrap seals a data key with the current key-encryption key and names that key.
	Wrap(ctx context.Context, key, aad []byte) (keyID string, wrapped []byte, err error)
	// Unwrap opens what Wrap returned under that key id. It fails when aad is not what Wrap was given.
	Unwrap(ctx context.Context, keyID string, wrapped, aad []byte) ([]byte, error)
}

// LocalKeys returns Keys held in memory: base64 text of 32 bytes each, by key id. New data keys are wrapped with the
// current one; the others open what they wrapped before, until Vault.Rewrap has moved it to the current one.
func LocalKeys(current string, keys map[string]payments.Secret) (Keys, error) {
	k := &localKeys{current: current, aeads: make(map[string]cipher.AEAD, len(keys))}
	for id, secret := range keys {
		raw, err := base64.StdEncoding.DecodeString(secret.Reveal())
		if err != nil || len(raw) != keySize { // the decoder's error would repeat a byte of the key
			return nil, fmt.Errorf("vault: key %q must be the base64 text of %d bytes", id, keySize)
		}
		aead, err := newAEAD(raw)
		clear(raw)
		if err != nil {
			return nil, fmt.Errorf("vault: key %q: %w", id, err)
		}
		k.aeads[id] = aead
	}
	if k.aeads[current] == nil {
		return nil, fmt.Errorf("vault: the current key %q is not among the keys", current)
	}
	return k, nil
}

// localKeys uses a random nonce for each wrap, so that one key may wrap 2^32 data keys; cards are fewer.
type localKeys struct {
	current string
	aeads   map[string]cipher.AEAD
}

func (k *localKeys) Wrap(_ context.Context, key, aad []byte) (string, []byte, error) {
	return k.current, k.aeads[k.current].Seal(nil, nil, key, aad), nil
}

func (k *localKeys) Unwrap(_ context.Context, keyID string, wrapped, aad []byte) ([]byte, error) {
	aead, ok := k.aeads[keyID]
	if !ok {
		return nil, fmt.Errorf("vault: there is no key %q", keyID)
	}
	key, err := aead.Open(nil, nil, wrapped, aad)
	if err != nil {
		return nil, errors.New("vault: the data key does not open: wrong key, or the record was changed")
	}
	return key, nil
}

// newAEAD returns AES-256-GCM that puts a random nonce before what it seals.
func newAEAD(key []byte) (cipher.AEAD, error) {
	if len(key) != keySize {
		return nil, fmt.Errorf("vault: a key of %d bytes, want %d", len(key), keySize)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("vault: cipher: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("vault: cipher: %w", err)
	}
	return aead, nil
}
