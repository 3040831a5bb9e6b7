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
	"sync"
	"sync/atomic"
)

const (
	keyBits = 2048
	// keyPairs is how many key pairs sessions share, as making one is slow. Two in a row never have the same, so
	// that a card encrypted under another session's key is found out.
	keyPairs    = 2
	aesKeyBytes = 32
	nonceBytes  = 12
)

// The errors of decrypt.
var (
	errNotWrapped = errors.New("is not the base64 of a JSON object {encryptedKey, nonce, ciphertext} in base64")
	errNotOurKey  = errors.New("was not encrypted with the encryptionKey of this session")
	errNotIntact  = errors.New("does not decrypt: wrong nonce, tag or ciphertext")
)

// keyring makes the keys under which cards are encrypted. It is safe for concurrent use.
type keyring struct {
	turn  atomic.Uint64
	pairs [keyPairs]pair
}

type pair struct {
	once   sync.Once
	key    *rsa.PrivateKey
	public string
}

// give brings the key pair of a session that will be confirmed by API.
func (k *keyring) give(in *createInput) {
	if in.problem == nil && in.wantsKey() {
		in.key = k.next()
	}
}

// next is the next session's key pair, or nil if the machine makes none.
func (k *keyring) next() *pair {
	p := &k.pairs[k.turn.Add(1)%keyPairs]
	p.once.Do(func() {
		key, err := rsa.GenerateKey(rand.Reader, keyBits)
		if err != nil {
			return
		}
		der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
		if err != nil {
			return
		}
		p.key, p.public = key, base64.StdEncoding.EncodeToString(der)
	})
	if p.key == nil {
		return nil
	}
	return p
}

// decrypt opens an encrypted card: base64 of JSON that holds an AES key wrapped with RSA-OAEP, a nonce, and the card
// sealed with AES-GCM. The names of the fields may be in any case.
func decrypt(key *rsa.PrivateKey, encrypted string) ([]byte, error) {
	raw, err := base64.StdEncoding.DecodeString(encrypted)
	if err != nil {
		return nil, errNotWrapped
	}
	var in struct {
		Key        []byte `json:"encryptedKey"` // encoding/json reads []byte from standard base64
		Nonce      []byte `json:"nonce"`
		Ciphertext []byte `json:"ciphertext"`
	}
	if json.Unmarshal(raw, &in) != nil || len(in.Key) == 0 || len(in.Nonce) != nonceBytes {
		return nil, errNotWrapped
	}
	aesKey, err := rsa.DecryptOAEP(sha256.New(), nil, key, in.Key, nil)
	if err != nil || len(aesKey) != aesKeyBytes {
		return nil, errNotOurKey
	}
	block, err := aes.NewCipher(aesKey)
	if err != nil {
		return nil, errNotOurKey
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, errNotOurKey
	}
	plain, err := gcm.Open(nil, in.Nonce, in.Ciphertext, nil)
	if err != nil {
		return nil, errNotIntact
	}
	return plain, nil
}
