package dojo

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"switchyard/payments"
)

// vector is one of the vendor's published signatures.
type vector struct {
	Secret    string `json:"secret"`
	Body      string `json:"body"`
	Signature string `json:"dojoSignatureHeader"`
}

func vectors(t testing.TB) []vector {
	t.Helper()
	text, err := os.ReadFile("testdata/webhooks/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Vectors []vector `json:"vectors"`
	}
	if err := json.Unmarshal(text, &file); err != nil || len(file.Vectors) < 2 {
		t.Fatalf("%d vectors, %v", len(file.Vectors), err)
	}
	return file.Vectors
}

// sign signs a body as the vendor says.
func sign(secret, body string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	var pairs []string
	for _, b := range mac.Sum(nil) {
		pairs = append(pairs, fmt.Sprintf("%02X", b))
	}
	return "sha256=" + strings.Join(pairs, "-")
}

func delivered(body, signature string) payments.WebhookDelivery {
	return payments.WebhookDelivery{Header: map[string][]string{signatureHeader: {signature}}, Body: []byte(body), ReceivedAt: testNow()}
}

func TestVectors(t *testing.T) {
	t.Parallel()
	list := vectors(t)
	both := func(c *Config) {
		c.WebhookSecret, c.WebhookSecretPrevious = payments.NewSecret(list[0].Secret), payments.NewSecret(list[1].Secret)
	}
	a := opened(t, nil, both)
	for i, v := range list {
		alone := opened(t, nil, func(c *Config) { c.WebhookSecret = payments.NewSecret(v.Secret) })
		other := opened(t, nil, func(c *Config) { c.WebhookSecret = payments.NewSecret(list[1-i].Secret) })
		for name, signature := range map[string]string{
			"as published": v.Signature,
			"lower case":   "sha256=" + strings.ToLower(strings.TrimPrefix(v.Signature, "sha256=")),
			"no dashes":    strings.ReplaceAll(v.Signature, "-", ""),
		} {
			d := delivered(v.Body, signature)
			for which, a := range map[string]*adapter{"the secret": alone, "both secrets": a} {
				n, err := a.ParseWebhook(t.Context(), d)
				if err != nil || n.EventID != "evt_hnnHxIKR_Uy6bhZCusCltw" || n.Type != "payment_intent.created" || n.Refs.Session != "pi_vpwd4ooAPEqyNAQe4z89WQ" {
					t.Errorf("vector %d, %s, with %s: %+v, %v", i, name, which, n, err)
				}
			}
			if _, err := other.ParseWebhook(t.Context(), d); !errors.Is(err, payments.ErrForged) {
				t.Errorf("vector %d, %s, with another secret: %v", i, name, err)
			}
		}
		for name, d := range map[string]payments.WebhookDelivery{
			"no prefix":   delivered(v.Body, strings.TrimPrefix(v.Signature, "sha256=")),
			"SHA-1":       delivered(v.Body, strings.Replace(v.Signature, "sha256", "sha1", 1)),
			"other body":  delivered(strings.Replace(v.Body, "Created", "created", 1), v.Signature),
			"more body":   delivered(v.Body+" ", v.Signature),
			"not hex":     delivered(v.Body, v.Signature[:len(v.Signature)-1]+"Z"),
			"prefix only": delivered(v.Body, "sha256="),
		} {
			if _, err := a.ParseWebhook(t.Context(), d); !errors.Is(err, payments.ErrForged) {
				t.Errorf("vector %d, %s: %v", i, name, err)
			}
		}
	}
}

// TestNoSecretNoWebhooks: without a secret, what is signed with the empty one is forged.
func TestNoSecretNoWebhooks(t *testing.T) {
	t.Parallel()
	const withEmptyKey = "sha256=B613679A0814D9EC772F95D778C35FC5FF1697C493715653C6C712144292C5AD" // of no body
	a := opened(t, nil, func(c *Config) { c.WebhookSecret = payments.Secret{} })
	if _, err := a.ParseWebhook(t.Context(), delivered("", withEmptyKey)); !errors.Is(err, payments.ErrForged) {
		t.Errorf("%v, want a forgery", err)
	}
}

// TestSignedNonsense: what Dojo has signed is not forged, and nothing to go by either.
func TestSignedNonsense(t *testing.T) {
	t.Parallel()
	a := opened(t, nil)
	for body, good := range map[string]bool{`{}`: true, `null`: true, `[]`: false, `{"data":7}`: false, ``: false, `{"id":`: false} {
		n, err := a.ParseWebhook(t.Context(), delivered(body, sign(testSecret, body)))
		if (err == nil) != good || n != (payments.Notice{}) {
			t.Errorf("%q: %+v, %v", body, n, err)
		}
		if !good {
			wantFault(t, body, err, payments.Rejected)
		}
	}
	body := `{"id":"evt_1","event":"setup_intent.status_updated","data":{"setupIntentId":"` + testSetup + `"}}`
	if n, err := a.ParseWebhook(t.Context(), delivered(body, sign(testSecret, body))); err != nil || n.Refs.Session != testSetup {
		t.Errorf("a setup intent's: %+v, %v", n, err)
	}
}
