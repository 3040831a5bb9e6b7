package example

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"

	"switchyard/payments"
)

// signatureHeader has the HMAC-SHA256 of the body under the webhook's secret, in hexadecimal digits.
const signatureHeader = "Acme-Signature"

// ParseWebhook checks the signature and reads what a webhook is about.
func (a *adapter) ParseWebhook(_ context.Context, d payments.WebhookDelivery) (payments.Notice, error) {
	values := http.Header(d.Header).Values(signatureHeader)
	if a.webhookSecret.IsZero() || len(values) != 1 {
		return payments.Notice{}, fmt.Errorf("acme: webhook: it needs %s once, and webhook_secret: %w", signatureHeader, payments.ErrForged)
	}
	given, err := hex.DecodeString(values[0])
	mac := hmac.New(sha256.New, []byte(a.webhookSecret.Reveal()))
	mac.Write(d.Body)
	if err != nil || !hmac.Equal(given, mac.Sum(nil)) {
		return payments.Notice{}, fmt.Errorf("acme: webhook: the signature is not that of webhook_secret: %w", payments.ErrForged)
	}
	return readEvent(d.Body), nil
}

// readEvent reads what an event names. One that cannot be read names nothing, which costs no more than a question later.
func readEvent(body []byte) payments.Notice {
	var event struct {
		ID   string `json:"id"`
		Type string `json:"type"`
		Data struct {
			Charge    string `json:"charge"`
			Refund    string `json:"refund"`
			Reference string `json:"reference"`
		} `json:"data"`
	}
	if json.Unmarshal(body, &event) != nil {
		return payments.Notice{}
	}
	return payments.Notice{
		EventID: event.ID, Type: event.Type, Reference: event.Data.Reference,
		Refs: payments.ProviderRefs{Charge: event.Data.Charge, Operation: event.Data.Refund},
	}
}
