package pivot

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"switchyard/adapters/wire"
	"switchyard/payments"
)

// callbackHeader carries the key of callbacks, as net/http spells it.
const callbackHeader = "X-Api-Key"

// ParseWebhook checks the key of a callback and reads what it is about. There is no signature: whoever has the key can say
// anything. Callbacks have no id; the event, its object and the time of the object's change tell repeats apart.
func (a *adapter) ParseWebhook(_ context.Context, d payments.WebhookDelivery) (payments.Notice, error) {
	if why := a.forgery(d); why != "" {
		return payments.Notice{}, fmt.Errorf("pivot: callback: %s: %w", why, payments.ErrForged)
	}
	return readCallback(d.Body), nil
}

// forgery says why a delivery cannot be Pivot's; "" means that it is. It repeats nothing of the delivery.
func (a *adapter) forgery(d payments.WebhookDelivery) string {
	keys := d.Header[callbackHeader]
	switch {
	case a.callbackKey.IsZero():
		return "callback_key is not configured"
	case len(d.Body) > wire.MaxNotice:
		return "it is longer than 1 MiB"
	case len(keys) != 1:
		return "it needs the header X-API-Key once"
	case !a.callbackKey.Equal(keys[0]):
		return "the key is not callback_key"
	}
	return ""
}

// subject is what a callback is about: a whole session, charge or refund.
type subject struct {
	ID               text `json:"id"`
	Reference        text `json:"clientReferenceId"`
	CustomerID       text `json:"customerId"`
	UpdatedAt        text `json:"updatedAt"`
	SessionID        text `json:"paymentSessionId"`                // of a charge or a refund
	SessionReference text `json:"paymentSessionClientReferenceId"` // of a charge
	ChargeID         text `json:"chargeId"`                        // of a refund
}

// readCallback reads what a callback names. What is not there, or of another shape than expected, is left out: a notice that
// names too little costs nothing but a question later.
func readCallback(body []byte) payments.Notice {
	var c struct {
		Event text    `json:"event"`
		Data  subject `json:"data"`
	}
	if json.Unmarshal(body, &c) != nil {
		return payments.Notice{}
	}
	s := c.Data
	n := payments.Notice{Type: string(c.Event), Reference: string(s.Reference)}
	if c.Event != "" && s.ID != "" && s.UpdatedAt != "" {
		n.EventID = string(c.Event + ":" + s.ID + ":" + s.UpdatedAt)
	}
	switch {
	case strings.HasPrefix(n.Type, "REFUND."):
		n.Refs = payments.ProviderRefs{Session: string(s.SessionID), Charge: string(s.ChargeID), Operation: string(s.ID)}
	case s.SessionID != "":
		n.Reference = string(s.SessionReference)
		n.Refs = payments.ProviderRefs{Session: string(s.SessionID), Charge: string(s.ID)}
	default:
		n.Refs = payments.ProviderRefs{Session: string(s.ID), Customer: string(s.CustomerID)}
	}
	return n
}
