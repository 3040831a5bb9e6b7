package xendit

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strings"

	"switchyard/adapters/wire"
	"switchyard/payments"
)

const (
	callbackHeader = "X-Callback-Token"
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
	case len(d.Body) > wire.MaxNotice:
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
	v, ok := wire.Decode(body)
	if !ok {
		return payments.Notice{} // it names nothing
	}
	event := unwrapEvent(v)
	data := unwrapData(wire.At(event, "data"))
	n := payments.Notice{
		Type:      wire.Name(event, "event"),
		Reference: wire.Name(data, "reference_id"),
		Refs: payments.ProviderRefs{
			Session: cmp.Or(wire.Name(data, "payment_session_id"), wire.Name(data, "payment_request_id")),
			Charge:  cmp.Or(wire.Name(data, "payment_id"), wire.Name(data, "latest_payment_id")),
		},
	}
	switch {
	case strings.HasPrefix(n.Type, "refund."):
		n.Refs.Operation = wire.Name(data, "id")
	case strings.HasPrefix(n.Type, "payment_token."), strings.HasPrefix(n.Type, "payment_session."):
		n.Refs.Method, n.Refs.Customer = wire.Name(data, "payment_token_id"), wire.Name(data, "customer_id")
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
		inner, nested := wire.At(v, "data").(map[string]any)
		if !nested {
			break
		}
		v = inner
	}
	return v
}
