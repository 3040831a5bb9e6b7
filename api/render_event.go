package api

import (
	"strings"

	"switchyard/payments"
)

// event writes an event.
func (v *view) event(w *writer, ev *payments.Event, e expansion) {
	w.open()
	w.full("id", ev.ID)
	v.ofProject(w, e)
	w.full("name", ev.Name)
	w.name("data")
	v.eventData(w, ev)
	w.flag("sandbox", ev.Sandbox)
	w.at("fired_at", ev.FiredAt)
	w.null("webhooks")
	w.close()
}

// eventData writes what an event is about: the object as it was then, with its first level expanded. What was kept with the
// event is shown as it was kept. A payment's or a token's parties that were not are shown as they are now: they are who they
// were. Lists and a customer's token are not, since those would tell what has happened since.
func (v *view) eventData(w *writer, ev *payments.Event) {
	at := *v
	at.snapshot, at.live, at.configuration, at.now = &ev.Snapshot, false, true, ev.FiredAt
	s := &ev.Snapshot
	w.open()
	w.full("name", ev.Name)
	w.flag("sandbox", ev.Sandbox)
	switch {
	case strings.HasPrefix(ev.Name, "customer.token."):
		at.live = v.live
		object(w, "token", s.Token, at.token, firstLevel(kindToken))
	case strings.HasPrefix(ev.Name, "customer."):
		object(w, "customer", s.Customer, at.customer, firstLevel(kindCustomer))
	case strings.HasPrefix(ev.Name, "transaction."):
		at.live = v.live && s.Attempts != nil
		object(w, "transaction", s.Transaction, at.transaction, firstLevel(kindTransaction))
	case strings.HasPrefix(ev.Name, "webhook-endpoint."):
		object(w, "webhook_endpoint", s.Endpoint, at.webhookEndpoint, firstLevel(kindWebhookEndpoint))
	case strings.HasPrefix(ev.Name, "invoice."):
		object(w, "invoice", s.Invoice, at.invoice, firstLevel(kindInvoice))
	}
	w.close()
	v.err = firstOf(v.err, at.err)
}

func firstOf(a, b error) error {
	if a != nil {
		return a
	}
	return b
}
