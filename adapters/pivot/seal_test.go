package pivot

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"switchyard/payments"
)

// unsealed is an encrypted card, taken apart as Pivot would.
type unsealed struct {
	Key        []byte `json:"encryptedKey"`
	Nonce      []byte `json:"nonce"`
	Ciphertext []byte `json:"ciphertext"`

	aesKey []byte
	plain  string
}

func (v vector) open(t *testing.T, encrypted string) unsealed {
	t.Helper()
	private, err := x509.ParsePKCS8PrivateKey(v.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := base64.StdEncoding.DecodeString(encrypted)
	if err != nil {
		t.Fatal(err)
	}
	var u unsealed
	if err := json.Unmarshal(whole, &u); err != nil {
		t.Fatal(err)
	}
	if u.aesKey, err = rsa.DecryptOAEP(sha256.New(), nil, private.(*rsa.PrivateKey), u.Key, nil); err != nil {
		t.Fatal(err)
	}
	block, err := aes.NewCipher(u.aesKey)
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := gcm.Open(nil, u.Nonce, u.Ciphertext, nil)
	if err != nil {
		t.Fatal(err)
	}
	u.plain = string(plain)
	return u
}

func TestSealAgainstTheVector(t *testing.T) {
	t.Parallel()
	v := readVector(t)
	if got := v.open(t, v.EncryptedCard); got.plain != v.Plaintext {
		t.Fatal("the recorded card does not decrypt")
	}
	key, err := parseKey(v.EncryptionKey)
	if err != nil {
		t.Fatal(err)
	}
	encrypted, err := seal(bytes.NewReader(append(v.AESKey, v.Nonce...)), key, []byte(v.Plaintext))
	if err != nil {
		t.Fatal(err)
	}
	got := v.open(t, encrypted)
	if !bytes.Equal(got.Ciphertext, v.ExpectedCiphertext) || !bytes.Equal(got.Nonce, v.Nonce) || !bytes.Equal(got.aesKey, v.AESKey) {
		t.Error("the encryption differs from the recorded one")
	}
}

func TestSealCardWritesTheDocumentedText(t *testing.T) {
	t.Parallel()
	v := readVector(t)
	card := payments.CardData{
		Number: payments.NewSecret("4440000112290002"), CVC: payments.NewSecret("123"), ExpMonth: 1, ExpYear: 2039, Name: "Test Shopper",
	}
	encrypted, err := sealCard(v.EncryptionKey, card, payments.Payer{CountryCode: "ID"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(v.Plaintext, v.open(t, encrypted).plain); diff != "" {
		t.Errorf("plain text (-want +got):\n%s", diff)
	}
}

// TestEveryEncryptionIsFresh: under GCM a nonce must never serve one key twice.
func TestEveryEncryptionIsFresh(t *testing.T) {
	t.Parallel()
	v := readVector(t)
	seen := map[string]bool{}
	for range 50 {
		encrypted, err := sealCard(v.EncryptionKey, payments.CardData{Number: payments.NewSecret("4440000112290002")}, payments.Payer{})
		if err != nil {
			t.Fatal(err)
		}
		u := v.open(t, encrypted)
		if len(u.aesKey) != aesKeySize || len(u.Nonce) != nonceSize {
			t.Fatalf("a key of %d and a nonce of %d bytes", len(u.aesKey), len(u.Nonce))
		}
		for _, part := range []string{string(u.aesKey), string(u.Nonce), string(u.Key), string(u.Ciphertext)} {
			if seen[part] {
				t.Fatal("a part of an earlier encryption came again")
			}
			seen[part] = true
		}
	}
}

func TestSessionKeysThatAreRefused(t *testing.T) {
	t.Parallel()
	encode := func(key any) string {
		der, err := x509.MarshalPKIXPublicKey(key)
		if err != nil {
			t.Fatal(err)
		}
		return base64.StdEncoding.EncodeToString(der)
	}
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	good := readVector(t).EncryptionKey
	for name, key := range map[string]string{
		"none": "", "the documentation's dummy": "Eykc6QYeUuG5aKcPMrUsaZq0bWWCGLJY", "no base64": "-----BEGIN PUBLIC KEY-----",
		"cut": good[:len(good)-8], "too short": encode(&short.PublicKey), "no RSA": encode(&curve.PublicKey),
	} {
		if _, err := sealCard(key, payments.CardData{Number: payments.NewSecret("4440000112290002")}, payments.Payer{}); err == nil {
			t.Errorf("%s: the key was taken", name)
		} else if key != "" && strings.Contains(err.Error(), key) {
			t.Errorf("%s: the error shows the key", name)
		}
	}
}

// TestConfirmCarriesTheCard decrypts what a confirmation had in it: the suite cannot.
func TestConfirmCarriesTheCard(t *testing.T) {
	t.Parallel()
	v := readVector(t)
	fake, a := newFake(t, func(c *Config) { c.ThreeDS, c.SubMerchantID = threeDSChallenge, "SUB-9" })
	fake.on(postSessions, 200, sessionAnswer(statusNeedsConfirm, `"encryptionKey":"`+v.EncryptionKey+`"`))
	fake.on(postConfirm, 200, sessionAnswer(statusProcessing, ""))
	o, err := a.Authorize(context.Background(), payments.AuthorizeRequest{
		Reference: fakeReference, Amount: fakeAmount, Capture: true, ReturnURL: "https://shop.test/return",
		StatementDescriptor: "A descriptor that is far too long",
		Source: payments.Source{Card: &payments.CardData{
			Number: payments.NewSecret("4242424242424242"), CVC: payments.NewSecret("917"), ExpMonth: 9, ExpYear: 2031, Name: "Siti Aminah",
		}},
		Payer: payments.Payer{
			Email: "siti@shop.test", Phone: "+628123456789", IPAddress: "203.0.113.7", UserAgent: "Browser/1.0", CountryCode: "ID",
		},
		Note: func(context.Context, payments.ProviderRefs) error { return nil },
	})
	if err != nil || o.Status != payments.Pending {
		t.Fatalf("%v, %v", o.Status, err)
	}
	create, confirm := fake.made(postSessions)[0], fake.made(postConfirm)[0]
	if create.at("customer.phoneNumber.number") != "8123456789" || create.at("statementDescriptor") != "A descriptor that is" {
		t.Errorf("the session was made with %v and %v", create.at("customer.phoneNumber"), create.at("statementDescriptor"))
	}
	if create.header.Get("X-Request-Id") != fakeReference || create.header.Get("X-Submerchant-Id") != "SUB-9" {
		t.Error("the session was made without its key, or for somebody else")
	}
	if confirm.at("paymentMethodOptions.card.threeDsMethod") != "CHALLENGE" {
		t.Error("the kind of 3-D Secure is not sent")
	}
	encrypted, _ := confirm.at("paymentMethod.card.encryptedCard").(string)
	want := `{"card":{"number":"4242424242424242","expiryMonth":"09","expiryYear":"31","cvc":"917","nameOnCard":"Siti Aminah"},` +
		`"deviceInformations":{"userAgent":"Browser/1.0","ipAddress":"203.0.113.7","country":"ID"},"metadata":{}}`
	if diff := cmp.Diff(want, v.open(t, encrypted).plain); diff != "" {
		t.Errorf("plain text (-want +got):\n%s", diff)
	}
	for _, s := range []sent{create, confirm} {
		if strings.Contains(s.raw, "4242424242424242") || strings.Contains(s.raw, `"917"`) {
			t.Error("the card is sent in the open")
		}
	}
}
