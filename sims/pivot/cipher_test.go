package pivot

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"testing"
)

type vector struct {
	PrivateKey    string `json:"testPrivateKeyPkcs8"`
	Plaintext     string `json:"plaintextUtf8"`
	EncryptedCard string `json:"encryptedCard"`
}

func readVector(t testing.TB) (vector, *rsa.PrivateKey) {
	t.Helper()
	raw, err := os.ReadFile("testdata/encrypted-card-vector.json")
	if err != nil {
		t.Fatal(err)
	}
	var v vector
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	der, err := base64.StdEncoding.DecodeString(v.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		t.Fatal(err)
	}
	return v, key.(*rsa.PrivateKey)
}

// The vector was made by another program.
func TestDecryptVector(t *testing.T) {
	t.Parallel()
	v, key := readVector(t)
	plain, err := decrypt(key, v.EncryptedCard)
	if err != nil || string(plain) != v.Plaintext {
		t.Fatalf("decrypted: %s, %v", plain, err)
	}
	raw, err := base64.StdEncoding.DecodeString(v.EncryptedCard)
	if err != nil {
		t.Fatal(err)
	}
	var parts map[string][]byte
	if err := json.Unmarshal(raw, &parts); err != nil {
		t.Fatal(err)
	}
	changed := func(name string, change func([]byte) []byte) string {
		copied := map[string][]byte{}
		for field, value := range parts {
			copied[field] = append([]byte{}, value...)
		}
		copied[name] = change(copied[name])
		text, _ := json.Marshal(copied)
		return base64.StdEncoding.EncodeToString(text)
	}
	flip := func(b []byte) []byte { b[len(b)-1] ^= 1; return b }
	none := func([]byte) []byte { return nil }
	for name, c := range map[string]struct {
		encrypted string
		want      error
	}{
		"wrapped key":   {changed("encryptedKey", flip), errNotOurKey},
		"no key":        {changed("encryptedKey", none), errNotWrapped},
		"nonce":         {changed("nonce", flip), errNotIntact},
		"short nonce":   {changed("nonce", func(b []byte) []byte { return b[1:] }), errNotWrapped},
		"tag":           {changed("ciphertext", flip), errNotIntact},
		"no ciphertext": {changed("ciphertext", none), errNotIntact},
		"no base64":     {"?", errNotWrapped},
		"no JSON":       {"e30=e", errNotWrapped},
		"empty":         {"", errNotWrapped},
	} {
		if plain, err := decrypt(key, c.encrypted); !errors.Is(err, c.want) || plain != nil {
			t.Errorf("%s: %q, %v, want %v", name, plain, err, c.want)
		}
	}
}

func FuzzDecrypt(f *testing.F) {
	v, key := readVector(f)
	f.Add(v.EncryptedCard)
	f.Add("e30=")
	f.Fuzz(func(_ *testing.T, encrypted string) {
		_, _ = decrypt(key, encrypted) // does not panic, whatever comes
	})
}

func TestKeysDifferFromSessionToSession(t *testing.T) {
	t.Parallel()
	k := &keyring{}
	one, two, three := k.next(), k.next(), k.next()
	if one == two || two == three || one.public == two.public || one.key.N.BitLen() != keyBits {
		t.Error("two sessions in a row have the same key")
	}
}
