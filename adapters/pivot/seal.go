package pivot

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"switchyard/payments"
)

const (
	minKeyBits = 2048
	aesKeySize = 32 // bytes
	nonceSize  = 12 // bytes
)

// sealedCard is what a card is encrypted from.
type sealedCard struct {
	Card struct {
		Number string `json:"number"`
		Month  string `json:"expiryMonth"`
		Year   string `json:"expiryYear"` // two digits
		CVC    string `json:"cvc"`
		Name   string `json:"nameOnCard"`
	} `json:"card"`
	Device struct {
		UserAgent string `json:"userAgent,omitempty"`
		IPAddress string `json:"ipAddress,omitempty"`
		Country   string `json:"country,omitempty"`
	} `json:"deviceInformations"`
	Metadata struct{} `json:"metadata"`
}

// sealCard encrypts a card under the key of a session. No two results are alike.
func sealCard(sessionKey string, card payments.CardData, payer payments.Payer) (string, error) {
	key, err := parseKey(sessionKey)
	if err != nil {
		return "", err
	}
	var s sealedCard
	s.Card.Number, s.Card.CVC, s.Card.Name = card.Number.Reveal(), card.CVC.Reveal(), card.Name
	s.Card.Month, s.Card.Year = fmt.Sprintf("%02d", card.ExpMonth), fmt.Sprintf("%02d", card.ExpYear%100)
	s.Device.UserAgent, s.Device.IPAddress, s.Device.Country = payer.UserAgent, payer.IPAddress, payer.CountryCode
	plain, err := json.Marshal(s)
	if err != nil {
		return "", errors.New("pivot: the card cannot be written") // the cause may show it
	}
	defer clear(plain)
	return seal(rand.Reader, key, plain)
}

// parseKey reads the key of a session: a public key without armour.
func parseKey(text string) (*rsa.PublicKey, error) {
	der, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("pivot: the session's key is not base64: %w", err)
	}
	parsed, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, fmt.Errorf("pivot: the session's key is no public key: %w", err)
	}
	key, ok := parsed.(*rsa.PublicKey)
	if !ok || key.N.BitLen() < minKeyBits {
		return nil, errors.New("pivot: the session's key is no RSA key of at least 2048 bits")
	}
	return key, nil
}

// seal encrypts with AES-GCM, the tag behind the text, and the AES key with RSA-OAEP over SHA-256. The AES key and the nonce are
// taken from random, in this order.
func seal(random io.Reader, key *rsa.PublicKey, plain []byte) (string, error) {
	aesKey, nonce := make([]byte, aesKeySize), make([]byte, nonceSize)
	defer clear(aesKey)
	for _, part := range [][]byte{aesKey, nonce} {
		if _, err := io.ReadFull(random, part); err != nil {
			return "", fmt.Errorf("pivot: no random numbers: %w", err)
		}
	}
	block, err := aes.NewCipher(aesKey)
	if err != nil {
		return "", fmt.Errorf("pivot: cipher: %w", err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return "", fmt.Errorf("pivot: cipher: %w", err)
	}
	wrapped, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, key, aesKey, nil)
	if err != nil {
		return "", fmt.Errorf("pivot: wrapping the key: %w", err)
	}
	sealed, err := json.Marshal(struct {
		Key        []byte `json:"encryptedKey"` // base64, as are the others
		Nonce      []byte `json:"nonce"`
		Ciphertext []byte `json:"ciphertext"`
	}{wrapped, nonce, gcm.Seal(nil, nonce, plain, nil)})
	if err != nil {
		return "", fmt.Errorf("pivot: encrypted card: %w", err)
	}
	return base64.StdEncoding.EncodeToString(sealed), nil
}
