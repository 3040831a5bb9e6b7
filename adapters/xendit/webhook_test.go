package xendit

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/jarcoal/httpmock"

	"switchyard/adapters"
	"switchyard/adapters/wire"
	"switchyard/payments"
)

const hookToken = "token-4mRw9KdS1cVb"

// listening returns an adapter with a callback token, which may be empty.
func listening(t testing.TB, token string) *adapter {
	t.Helper()
	config := Provider().NewConfig().(*Config)
	config.APIKey, config.CallbackToken = payments.NewSecret("xnd_development_4mRw"), payments.NewSecret(token)
	opened, err := config.Open(adapters.Deps{Transport: httpmock.NewMockTransport()})
	if err != nil {
		t.Fatal(err)
	}
	return opened.(*adapter)
}

func delivered(token, body string) payments.WebhookDelivery {
	return payments.WebhookDelivery{Header: map[string][]string{callbackHeader: {token}}, Body: []byte(body)}
}

func TestWebhookWithoutTokenIsForged(t *testing.T) {
	t.Parallel()
	_, err := listening(t, "").ParseWebhook(t.Context(), delivered("", `{"event":"payment.capture"}`))
	if !errors.Is(err, payments.ErrForged) || !strings.Contains(err.Error(), "callback_token is not configured") {
		t.Errorf("%v, want a forgery that names the missing token", err)
	}
}

func TestLongWebhooksAreForged(t *testing.T) {
	t.Parallel()
	a, body := listening(t, hookToken), strings.Repeat(" ", wire.MaxNotice)
	if _, err := a.ParseWebhook(t.Context(), delivered(hookToken, body)); err != nil {
		t.Errorf("the longest: %v", err)
	}
	if _, err := a.ParseWebhook(t.Context(), delivered(hookToken, body+" ")); !errors.Is(err, payments.ErrForged) {
		t.Errorf("longer: %v", err)
	}
}

func TestWrappingEnds(t *testing.T) {
	t.Parallel()
	const event = `{"event":"payment.capture","data":{"payment_id":"py-1"}}`
	wrapped := func(times int) string {
		return strings.Repeat(`{"value":`, times) + event + strings.Repeat(`}`, times)
	}
	if n := readEvent([]byte(wrapped(maxWrapping))); n.Refs.Charge != "py-1" {
		t.Errorf("%+v, want the payment", n)
	}
	if n := readEvent([]byte(wrapped(maxWrapping + 1))); n != (payments.Notice{}) {
		t.Errorf("%+v out of what is wrapped too often", n)
	}
	if n := readEvent([]byte(`{"other":1,"value":` + event + `}`)); n != (payments.Notice{}) {
		t.Errorf("%+v out of something else", n)
	}
}

// FuzzWebhook delivers anything: with another token it is forged, with the right one it is a notice.
func FuzzWebhook(f *testing.F) {
	for _, body := range []string{
		`{"event":"payment.capture","data":{"payment_id":"py-1","payment_request_id":"pr-1","reference_id":"r"}}`,
		`{"paymentCapture":{"value":{"event":"payment.capture","data":{"payment_id":"py-1"}}}}`,
		`{"event":"refund.failed","data":{"data":{"id":"rfd-1"}}}`, `{"event":"payment_token.expiry","data":{"payment_token_id":7}}`,
		``, `null`, `[]`, `{}`, `{"event":{},"data":[]}`, `{"a":{"b":{"c":{"d":{"e":{}}}}}}`, "\xff",
	} {
		f.Add(hookToken+" ", body)
		f.Add("", body)
	}
	a := listening(f, hookToken)
	f.Fuzz(func(t *testing.T, token, body string) {
		ctx := context.Background()
		if token != hookToken {
			if n, err := a.ParseWebhook(ctx, delivered(token, body)); !errors.Is(err, payments.ErrForged) || n != (payments.Notice{}) {
				t.Errorf("%+v, %v; want a forgery", n, err)
			}
		}
		n, err := a.ParseWebhook(ctx, delivered(hookToken, body))
		if long := len(body) > wire.MaxNotice; (err != nil) != long {
			t.Errorf("of %d bytes: %v", len(body), err)
		}
		if n.EventID != "" {
			t.Error("Xendit's events have no id")
		}
		for _, s := range []string{n.Type, n.Reference, n.Refs.Session, n.Refs.Charge, n.Refs.Operation, n.Refs.Method, n.Refs.Customer} {
			if len(s) > wire.MaxName {
				t.Error("a notice with a text that is too long")
			}
		}
		if again, _ := a.ParseWebhook(ctx, delivered(hookToken, body)); again != n {
			t.Errorf("%+v, then %+v", n, again)
		}
	})
}
