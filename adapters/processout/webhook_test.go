package processout

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"switchyard/adapters/wire"
	"switchyard/payments"
)

func delivered(body string) payments.WebhookDelivery {
	return payments.WebhookDelivery{Body: []byte(body)}
}

func TestLongWebhooksAreForged(t *testing.T) {
	t.Parallel()
	a := answering(t, http.StatusOK, `{"success":true,"event":{"id":"ev_1","name":"customer.created","data":null}}`)
	body := `{"event_id":"ev_1"}`
	body += strings.Repeat(" ", wire.MaxNotice-len(body))
	if _, err := a.ParseWebhook(t.Context(), delivered(body)); err != nil {
		t.Errorf("the longest: %v", err)
	}
	if _, err := a.ParseWebhook(t.Context(), delivered(body+" ")); !errors.Is(err, payments.ErrForged) {
		t.Errorf("longer: %v", err)
	}
}

func TestEventsAreNotMixedUp(t *testing.T) {
	t.Parallel()
	// Whatever else an event's data has, the transaction tells of the payment, and always the same one.
	const data = `{"invoice":{"id":"iv_2"},"token":{"id":"tok_1"},"b":{"id":"tr_2"},"a":{"id":"tr_1","invoice_id":"iv_1"}}`
	a := answering(t, http.StatusOK, `{"success":true,"event":{"id":"ev_1","name":"transaction.failed","data":`+data+`}}`)
	want := payments.Notice{
		EventID: "ev_1", Type: "transaction.failed", Refs: payments.ProviderRefs{Session: "iv_1", Charge: "tr_1"},
	}
	for range 20 { // the order of a map is another each time
		if n, err := a.ParseWebhook(t.Context(), delivered(`{"event_id":"ev_1"}`)); err != nil || n != want {
			t.Fatalf("%+v, %v; want %+v", n, err, want)
		}
	}
}

// FuzzWebhook delivers anything, and has ProcessOut answer anything: there is a notice only of the event that was asked for,
// in an answer that says that it succeeded.
func FuzzWebhook(f *testing.F) {
	const named = `{"event_id":"ev_1","event_type":"transaction.captured"}`
	for _, answer := range []string{
		`{"success":true,"event":{"id":"ev_1","name":"transaction.captured","data":{"transaction":{"id":"tr_1","invoice_id":"iv_1"}}}}`,
		`{"success":true,"event":{"id":"ev_1","name":"transaction.refunded","data":{"x":{"id":"tr_1","refunds":[{}]}}}}`,
		`{"success":true,"event":{"id":"ev_1","data":[]}}`, `{"success":true,"event":null}`, `{"success":true,"event":{"id":"ev_2"}}`,
		`{"success":false,"error_type":"resource.event.not-found"}`, `{"success":false}`, ``, `null`, `<html>`,
	} {
		f.Add(named, 200, answer)
		f.Add(named, 404, answer)
	}
	for _, body := range []string{``, `null`, `{}`, `[]`, `{"event_id":null}`, `{"event_id":"../cards"}`, `{"event_id":""}`, "\xff"} {
		f.Add(body, 200, `{"success":true,"event":{"id":"","name":"transaction.captured"}}`)
	}
	f.Fuzz(func(t *testing.T, body string, status int, answer string) {
		if status < 200 || status > 599 {
			t.Skip("not a final status")
		}
		a, ctx := answering(t, status, answer), context.Background()
		n, err := a.ParseWebhook(ctx, delivered(body))
		_, fault := errors.AsType[*payments.Fault](err)
		switch {
		case err == nil && (status > 299 || !succeeded(answer) || !strings.Contains(body, n.EventID) && !strings.Contains(body, `\u`)):
			t.Errorf("%+v out of %q, answered with %d %q", n, body, status, answer)
		case err != nil && (n != payments.Notice{} || fault == errors.Is(err, payments.ErrForged)):
			t.Errorf("%+v, %v", n, err)
		}
		for _, s := range []string{n.EventID, n.Type, n.Reference, n.Refs.Session, n.Refs.Charge, n.Refs.Operation} {
			if len(s) > wire.MaxName {
				t.Error("a notice with a text that is too long")
			}
		}
		if again, _ := a.ParseWebhook(ctx, delivered(body)); again != n {
			t.Errorf("%+v, then %+v", n, again)
		}
	})
}
