package vault_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"switchyard/payments"
	"switchyard/vault"
)

// TestCheckKnowsItsKeys: the right keys pass again and again, another key of the same id does not, and neither does an old key
// that was exchanged for another.
func TestCheckKnowsItsKeys(t *testing.T) {
	t.Parallel()
	store := newMemory()
	open := func(current string, keys map[string]string) *vault.Vault {
		t.Helper()
		secrets := map[string]payments.Secret{}
		for id, text := range keys {
			secrets[id] = payments.NewSecret(base64.StdEncoding.EncodeToString([]byte(strings.Repeat(text, 32))))
		}
		local, err := vault.LocalKeys(current, secrets)
		if err != nil {
			t.Fatal(err)
		}
		v, err := vault.New(vault.Options{Store: store, Keys: local, FingerprintKey: payments.NewSecret("a fingerprint key of some length")})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(v.Close)
		return v
	}
	for _, tc := range []struct {
		name    string
		current string
		keys    map[string]string
		ids     []string
		wrong   string
	}{
		{"the first start", "k1", map[string]string{"k1": "a"}, []string{"k1"}, ""},
		{"the next start", "k1", map[string]string{"k1": "a"}, []string{"k1"}, ""},
		{"another key of the same id", "k1", map[string]string{"k1": "b"}, []string{"k1"}, "k1"},
		{"a new key beside it", "k2", map[string]string{"k1": "a", "k2": "c"}, []string{"k1", "k2"}, ""},
		{"the old one exchanged", "k2", map[string]string{"k1": "b", "k2": "c"}, []string{"k1", "k2"}, "k1"},
		{"the old one gone", "k2", map[string]string{"k2": "c"}, []string{"k2"}, ""},
	} {
		err := open(tc.current, tc.keys).Check(t.Context(), tc.current, tc.ids)
		if tc.wrong == "" && err != nil || tc.wrong != "" && (err == nil || !strings.Contains(err.Error(), "vault.keys."+tc.wrong)) {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
}
