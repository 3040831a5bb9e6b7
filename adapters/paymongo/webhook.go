package paymongo

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"

	"switchyard/adapters/wire"
	"switchyard/payments"
)

const signatureHeader = "Paymongo-Signature"

// ParseWebhook checks the signature of an event and reads which payment it is about.
//
// The time in the signature is signed, but its age is not limited: PayMongo repeats an event for hours, and does not say
// that it signs it anew. A repeat is harmless, since an event is only the cause to ask.
func (a *adapter) ParseWebhook(_ context.Context, d payments.WebhookDelivery) (payments.Notice, error) {
	if why := a.forgery(d); why != "" {
		return payments.Notice{}, fmt.Errorf("paymongo: webhook: %s: %w", why, payments.ErrForged)
	}
	return readEvent(d.Body), nil
}

// forgery says why a delivery cannot be PayMongo's; "" means that it is. It repeats nothing of the delivery.
func (a *adapter) forgery(d payments.WebhookDelivery) string {
	headers := http.Header(d.Header).Values(signatureHeader)
	switch {
	case a.webhookSecret.IsZero(): // nothing is signed with no key
		return "webhook_secret is not configured"
	case len(d.Body) > wire.MaxNotice:
		return "it is longer than 1 MiB"
	case len(headers) != 1:
		return "it needs the header " + signatureHeader + " once"
	}
	stamp, test, live, ok := readSignature(headers[0])
	claimed := test
	if a.live {
		claimed = live
	}
	switch {
	case !ok:
		return "the header " + signatureHeader + " cannot be read"
	case claimed == "":
		return "it is not signed for the mode (test or live) of secret_key"
	case !hmac.Equal([]byte(a.sign(stamp, d.Body)), []byte(claimed)):
		return "the signature is not one by webhook_secret"
	}
	return ""
}

// readSignature takes the header apart: "t=1775037700,te=<hex>,li=". The signature of the other mode is empty.
func readSignature(header string) (stamp, test, live string, ok bool) {
	into := map[string]*string{"t": &stamp, "te": &test, "li": &live}
	for part := range strings.SplitSeq(header, ",") {
		name, value, found := strings.Cut(strings.TrimSpace(part), "=")
		if !found {
			return "", "", "", false
		}
		field, known := into[name]
		switch {
		case known && field == nil: // twice: which of them counts?
			return "", "", "", false
		case known:
			*field, into[name] = value, nil
		}
	}
	for _, field := range into {
		if field != nil { // all three are always there
			return "", "", "", false
		}
	}
	return stamp, test, live, stamp != ""
}

// sign is PayMongo's signature of a body sent at a time.
func (a *adapter) sign(stamp string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(a.webhookSecret.Reveal()))
	mac.Write([]byte(stamp))
	mac.Write([]byte("."))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

// readEvent reads what an event names. What is not there, or of another shape than expected, is left out: which events there
// are changes, and a notice that names too little costs nothing but a question later.
func readEvent(body []byte) payments.Notice {
	event, ok := wire.Decode(body)
	if !ok {
		return payments.Notice{} // signed, and still not JSON: it names nothing
	}
	object := wire.At(event, "data", "attributes", "data")
	id, kind := wire.Name(object, "id"), wire.Name(object, "type")
	n := payments.Notice{
		EventID: wire.Name(event, "data", "id"),
		Type:    wire.Name(event, "data", "attributes", "type"),
		// Ours when the object is; a payment need not repeat the metadata of its intent.
		Reference: wire.Name(object, "attributes", "metadata", "reference"),
	}
	switch {
	case kind == "payment", strings.HasPrefix(id, "pay_"):
		n.Refs.Charge, n.Refs.Session = id, wire.Name(object, "attributes", "payment_intent_id")
		if n.Type == eventRefunded {
			n.Refs.Operation = onlyRefund(object)
		}
	case kind == "payment_intent", strings.HasPrefix(id, "pi_"):
		n.Refs.Session = id
	case kind == "refund", strings.HasPrefix(id, "ref_"):
		n.Refs.Operation, n.Refs.Charge = id, wire.Name(object, "attributes", "payment_id")
	}
	return n
}

// eventRefunded is about a payment, with its refunds inside.
const eventRefunded = "payment.refunded"

// onlyRefund is the id of a payment's refund, when there is one only: the event does not say which of many it tells of.
func onlyRefund(payment any) string {
	refunds, _ := wire.At(payment, "attributes", "refunds").([]any)
	if len(refunds) != 1 {
		return ""
	}
	return cmp.Or(wire.Name(refunds[0], "id"), wire.Name(refunds[0])) // some versions list bare ids
}
