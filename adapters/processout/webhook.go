package processout

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"switchyard/adapters/wire"
	"switchyard/payments"
)

// eventID is what may be asked for: anybody can send a webhook.
var eventID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// event is a webhook's event, as ProcessOut has it.
type event struct {
	ID   string          `json:"id"`
	Name string          `json:"name"`
	Data json.RawMessage `json:"data"` // read only as far as it can be: its keys are not all documented
}

// ParseWebhook asks ProcessOut for the event that a webhook names and reads which payment it is about. Webhooks are unsigned,
// so nothing else that a delivery says counts. An event that ProcessOut does not know is forged; one that cannot be asked for
// now is a fault.
func (a *adapter) ParseWebhook(ctx context.Context, d payments.WebhookDelivery) (payments.Notice, error) {
	if len(d.Body) > wire.MaxNotice {
		return payments.Notice{}, forged("it is longer than 1 MiB")
	}
	var named struct {
		EventID string `json:"event_id"`
	}
	if json.Unmarshal(d.Body, &named) != nil || !eventID.MatchString(named.EventID) {
		return payments.Notice{}, forged("it names no event")
	}
	e, err := a.do(ctx, call{method: http.MethodGet, path: "/events/" + url.PathEscape(named.EventID)})
	switch {
	case missing(err, "event"):
		return payments.Notice{}, forged("the event does not exist")
	case err != nil:
		return payments.Notice{}, asking(err)
	case e.Event == nil || e.Event.ID != named.EventID:
		return payments.Notice{}, incomplete("event that was asked for")
	}
	return e.Event.notice(), nil
}

// forged is the error for a delivery that is not ProcessOut's.
func forged(why string) error {
	return fmt.Errorf("processout: webhook: %s: %w", why, payments.ErrForged)
}

// notice reads what an event names. What is not there, or of another shape than expected, is left out: a notice that names
// too little costs nothing but a question later.
func (e *event) notice() payments.Notice {
	n := payments.Notice{EventID: e.ID, Type: wire.Name(e.Name)}
	decoded, _ := wire.Decode(e.Data)
	data, _ := decoded.(map[string]any) // of any other shape, it names nothing
	// The resource's key is told for transactions only; an id always tells what it is of.
	for _, kind := range []struct {
		prefix string
		read   func(resource any, n *payments.Notice)
	}{{"tr_", e.readTransaction}, {"iv_", readInvoice}, {"tok_", readToken}, {"cust_", readCustomer}} {
		for _, name := range slices.Sorted(maps.Keys(data)) {
			if strings.HasPrefix(wire.Name(data[name], "id"), kind.prefix) {
				kind.read(data[name], &n)
				return n
			}
		}
	}
	return n
}

func (e *event) readTransaction(t any, n *payments.Notice) {
	n.Refs.Charge = wire.Name(t, "id")
	n.Refs.Session = cmp.Or(wire.Name(t, "invoice_id"), wire.Name(t, "invoice", "id"))
	n.Reference = cmp.Or(wire.Name(t, "invoice", "reference_id"), wire.Name(t, "metadata", "reference"))
	if e.Name == eventRefunded {
		n.Refs.Operation = onlyRefund(t)
	}
}

func readInvoice(invoice any, n *payments.Notice) {
	n.Refs.Session = wire.Name(invoice, "id")
	n.Refs.Charge = cmp.Or(wire.Name(invoice, "transaction_id"), wire.Name(invoice, "transaction", "id"))
	n.Reference = cmp.Or(wire.Name(invoice, "reference_id"), wire.Name(invoice, "metadata", "reference"))
}

// readToken names a token twice: it is a saved method, and what its verification goes by.
func readToken(token any, n *payments.Notice) {
	n.Refs.Session, n.Refs.Method = wire.Name(token, "id"), wire.Name(token, "id")
	n.Refs.Customer = wire.Name(token, "customer_id")
	n.Reference = wire.Name(token, "metadata", "reference")
}

func readCustomer(customer any, n *payments.Notice) { n.Refs.Customer = wire.Name(customer, "id") }

// eventRefunded is about a transaction, with its refunds inside.
const eventRefunded = "transaction.refunded"

// onlyRefund is the id of a transaction's refund, when there is one only: the event does not say which of many it tells of.
func onlyRefund(transaction any) string {
	refunds, _ := wire.At(transaction, "refunds").([]any)
	if len(refunds) != 1 {
		return ""
	}
	return wire.Name(refunds[0], "id")
}
