package paymongo

import (
	"encoding/json"
	"slices"
	"strings"

	"switchyard/payments"
)

// document and resource are PayMongo's envelope, in requests and answers.
type document[T any] struct {
	Data resource[T] `json:"data"`
}

type resource[T any] struct {
	ID         string `json:"id,omitempty"`
	Attributes T      `json:"attributes"`
}

// The statuses of an intent. There is none for a declined one: it goes back to awaiting_payment_method.
const (
	intentAwaitingMethod  = "awaiting_payment_method"
	intentAwaitingAction  = "awaiting_next_action"
	intentAwaitingCapture = "awaiting_capture"
	intentProcessing      = "processing"
	intentSucceeded       = "succeeded"
	intentCancelled       = "cancelled"
)

// intent is a payment intent.
type intent struct {
	id               string
	secrets          []string                      // of the call that it answers
	Status           string                        `json:"status"`
	Amount           int64                         `json:"amount"` // centavos, as it was made; a partial capture does not change it
	Currency         payments.Currency             `json:"currency"`
	Payments         []resource[paymentAttributes] `json:"payments"`
	NextAction       json.RawMessage               `json:"next_action"`        // read only where it counts: its shape varies
	LastPaymentError json.RawMessage               `json:"last_payment_error"` // ditto
	Setup            json.RawMessage               `json:"setup_future_usage"` // ditto
	Metadata         json.RawMessage               `json:"metadata"`           // ditto
}

// The statuses of a payment.
const (
	paymentPaid   = "paid"
	paymentFailed = "failed"
)

// paymentAttributes is one payment of an intent; a declined try leaves one too.
type paymentAttributes struct {
	Amount        int64             `json:"amount"` // centavos
	Fee           int64             `json:"fee"`    // centavos
	Status        string            `json:"status"`
	FailedCode    string            `json:"failed_code"`
	FailedMessage string            `json:"failed_message"`
	Source        json.RawMessage   `json:"source"` // read only where it counts
	Refunds       []json.RawMessage `json:"refunds"`
}

// The statuses of a refund.
const (
	refundPending    = "pending"
	refundProcessing = "processing"
	refundSucceeded  = "succeeded"
	refundFailed     = "failed"
)

// refundAttributes is a refund.
type refundAttributes struct {
	Amount   int64  `json:"amount"` // centavos
	Status   string `json:"status"`
	Metadata label  `json:"metadata"`
}

// label is our reference in an object's metadata; empty when there is none. Metadata that others gave may be of any shape.
type label string

// UnmarshalJSON takes whatever is there.
func (l *label) UnmarshalJSON(raw []byte) error {
	var m metadata
	if json.Unmarshal(raw, &m) == nil {
		*l = label(m.Reference)
	}
	return nil
}

// paid returns the payment that took the money; ok is false when there is none.
func (i *intent) paid() (p resource[paymentAttributes], ok bool) {
	at := slices.IndexFunc(i.Payments, func(p resource[paymentAttributes]) bool { return p.Attributes.Status == paymentPaid })
	if at < 0 {
		return p, false
	}
	return i.Payments[at], true
}

// touched says whether a payment of the intent did anything but fail.
func (i *intent) touched() bool {
	return slices.ContainsFunc(i.Payments, func(p resource[paymentAttributes]) bool { return p.Attributes.Status != paymentFailed })
}

// failure returns why the latest try was declined; the code is empty when there was none.
func (i *intent) failure() (code, message string) {
	var last struct {
		FailedCode    string `json:"failed_code"`
		FailedMessage string `json:"failed_message"`
	}
	if json.Unmarshal(i.LastPaymentError, &last) == nil && last.FailedCode != "" {
		return last.FailedCode, last.FailedMessage
	}
	for _, p := range slices.Backward(i.Payments) {
		if p.Attributes.Status == paymentFailed && p.Attributes.FailedCode != "" {
			return p.Attributes.FailedCode, p.Attributes.FailedMessage
		}
	}
	return "", ""
}

// redirect is where the payer has to go; empty when the intent does not say.
func (i *intent) redirect() string {
	var next struct {
		Redirect struct {
			URL string `json:"url"`
		} `json:"redirect"`
	}
	if json.Unmarshal(i.NextAction, &next) != nil || !strings.Contains(next.Redirect.URL, "://") {
		return ""
	}
	return next.Redirect.URL
}

// refs names what is known of the intent. With manual capture there may be a payment before the capture that is not the one
// which can be refunded, so only a paid one counts.
func (i *intent) refs() payments.ProviderRefs {
	refs := payments.ProviderRefs{Session: i.id}
	if p, ok := i.paid(); ok {
		refs.Charge = p.ID
	}
	return refs
}

// money is an amount in the intent's currency. The zero value stands for an amount that PayMongo did not tell.
func (i *intent) money(minor int64) payments.Money {
	if minor <= 0 || !i.Currency.Valid() {
		return payments.Money{}
	}
	return payments.Money{Minor: minor, Currency: i.Currency}
}

// totals returns the intent's amounts in centavos.
func (i *intent) totals() payments.Totals {
	var t payments.Totals
	for _, p := range i.Payments {
		if p.Attributes.Status != paymentPaid {
			continue
		}
		t.Captured += p.Attributes.Amount
		for _, raw := range p.Attributes.Refunds {
			if r, ok := readRefund(raw); ok && r.Attributes.Status == refundSucceeded {
				t.Refunded += r.Attributes.Amount
			}
		}
	}
	switch i.Status {
	case intentAwaitingCapture:
		t.Authorized = i.Amount
	case intentSucceeded:
		t.Authorized = i.Amount
		t.Voided = max(0, i.Amount-t.Captured) // a partial capture releases the rest
	case intentCancelled:
		t.Authorized, t.Voided = i.Amount, i.Amount
	}
	return t
}

// readRefund reads a refund that stands inside a payment: a resource, or its attributes beside the id. ok is false when it is
// neither.
func readRefund(raw json.RawMessage) (r resource[refundAttributes], ok bool) {
	if json.Unmarshal(raw, &r) == nil && r.Attributes.Status != "" {
		return r, true
	}
	var flat struct {
		ID string `json:"id"`
		refundAttributes
	}
	if json.Unmarshal(raw, &flat) != nil || flat.Status == "" {
		return resource[refundAttributes]{}, false
	}
	return resource[refundAttributes]{ID: flat.ID, Attributes: flat.refundAttributes}, true
}

// refundID returns the id of a refund that stands inside a payment in whatever form; empty when there is none.
func refundID(raw json.RawMessage) string {
	var object struct {
		ID string `json:"id"`
	}
	if json.Unmarshal(raw, &object) == nil {
		return object.ID
	}
	var id string
	if json.Unmarshal(raw, &id) == nil {
		return id
	}
	return ""
}
