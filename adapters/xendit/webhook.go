package xendit

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"switchyard/payments"
)

const (
	callbackHeader = "X-Callback-Token"
	// maxDelivery is the longest webhook that is looked at, in bytes.
	maxDelivery = 1 << 20
	// maxText is the longest text of an event that is taken for an id, in bytes.
	maxText = 255
	// maxWrapping is how many objects may stand around an event or its data.
	maxWrapping = 4
)

// ParseWebhook checks the account's callback token and reads which payment a webhook is about. The token is the only proof
// there is: the body is not signed, and Xendit's events have no id.
func (a *adapter) ParseWebhook(_ context.Context, d payments.WebhookDelivery) (payments.Notice, error) {
	if why := a.forgery(d); why != "" {
		return payments.Notice{}, fmt.Errorf("xendit: webhook: %s: %w", why, payments.ErrForged)
	}
	return readEvent(d.Body), nil
}

// forgery says why a delivery cannot be Xendit's; "" means that it is. It repeats nothing of the delivery.
func (a *adapter) forgery(d payments.WebhookDelivery) string {
	headers := http.Header(d.Header).Values(callbackHeader)
	switch {
	case a.callbackToken.IsZero():
		return "callback_token is not configured"
	case len(d.Body) > maxDelivery:
		return "it is longer than 1 MiB"
	case len(headers) != 1:
		return "it needs the header " + callbackHeader + " once"
	case !a.callbackToken.Equal(headers[0]):
		return "the token is not callback_token"
	}
	return ""
}

// readEvent reads what an event names. What is not there, or of another shape than expected, is left out: a notice that names
// too little costs nothing but a question later.
func readEvent(body []byte) payments.Notice {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber() // any number will do
	var v any
	if decoder.Decode(&v) != nil {
		return payments.Notice{} // it names nothing
	}
	event := unwrapEvent(v)
	data := unwrapData(at(event, "data"))
	n := payments.Notice{
		Type:      text(event, "event"),
		Reference: text(data, "reference_id"),
		Refs: payments.ProviderRefs{
			Session: cmp.Or(text(data, "payment_session_id"), text(data, "payment_request_id")),
			Charge:  cmp.Or(text(data, "payment_id"), text(data, "latest_payment_id")),
		},
	}
	switch {
	case strings.HasPrefix(n.Type, "refund."):
		n.Refs.Operation = text(data, "id")
	case strings.HasPrefix(n.Type, "payment_token."), strings.HasPrefix(n.Type, "payment_session."):
		n.Refs.Method, n.Refs.Customer = text(data, "payment_token_id"), text(data, "customer_id")
	}
	return n
}

// unwrapEvent finds the event inside objects that have nothing else in them. Xendit's own samples are wrapped:
// {"paymentCapture":{"value":{"event":…}}}.
func unwrapEvent(v any) any {
	for range maxWrapping {
		object, _ := v.(map[string]any)
		if object["event"] != nil || len(object) != 1 {
			break
		}
		for _, inner := range object {
			v = inner
		}
	}
	return v
}

// unwrapData finds the data of an event inside further ones: samples of refunds have data.data.
func unwrapData(v any) any {
	for range maxWrapping {
		inner, nested := at(v, "data").(map[string]any)
		if !nested {
			break
		}
		v = inner
	}
	return v
}

// at is the value at a path of names in decoded JSON, nil if there is none.
func at(v any, path ...string) any {
	for _, name := range path {
		object, _ := v.(map[string]any)
		v = object[name]
	}
	return v
}

// text is the text at a path, "" if there is none that could be a name or an id.
func text(v any, path ...string) string {
	s, _ := at(v, path...).(string)
	if len(s) > maxText {
		return ""
	}
	return s
}
