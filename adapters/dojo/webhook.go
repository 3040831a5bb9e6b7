package dojo

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"

	"switchyard/payments"
)

// signatureHeader is the canonical name of dojo-signature.
const signatureHeader = "Dojo-Signature"

// ParseWebhook verifies a delivery and reads which intent it is about. The signature covers the body and no time, so that an old
// delivery is as good as a new one: repeats are told by the event's id, and of what an event claims nothing is believed.
func (a *adapter) ParseWebhook(_ context.Context, d payments.WebhookDelivery) (payments.Notice, error) {
	if !a.signed(d) {
		return payments.Notice{}, payments.ErrForged
	}
	var event struct {
		ID   string `json:"id"`
		Type string `json:"event"`
		Data struct {
			IntentID string `json:"paymentIntentId"`
			SetupID  string `json:"setupIntentId"`
		} `json:"data"`
	}
	if json.Unmarshal(d.Body, &event) != nil {
		return payments.Notice{}, rejected("", "a signed webhook is not the JSON that was expected")
	}
	session := event.Data.IntentID
	if session == "" {
		session = event.Data.SetupID
	}
	return payments.Notice{EventID: event.ID, Type: event.Type, Refs: payments.ProviderRefs{Session: session}}, nil
}

// signed says whether the delivery's one signature was made with one of the secrets. Every secret is tried, whichever fits.
func (a *adapter) signed(d payments.WebhookDelivery) bool {
	values := d.Header[signatureHeader]
	if len(values) != 1 {
		return false
	}
	told, ok := readSignature(values[0])
	if !ok {
		return false
	}
	good := false
	for _, secret := range a.webhookSecrets {
		mac := hmac.New(sha256.New, []byte(secret.Reveal()))
		mac.Write(d.Body)
		if hmac.Equal(mac.Sum(nil), told) && !secret.IsZero() {
			good = true
		}
	}
	return good
}

// readSignature reads "sha256=4B-49-…": hexadecimal bytes with dashes between them.
func readSignature(text string) ([]byte, bool) {
	encoded, prefixed := strings.CutPrefix(text, "sha256=")
	sum, err := hex.DecodeString(strings.ReplaceAll(encoded, "-", ""))
	return sum, prefixed && err == nil && len(sum) == sha256.Size
}
