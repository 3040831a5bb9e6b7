package paymongo

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

const (
	hookSecret = "whsk_4mRw9KdS1cVb"
	hookStamp  = "1775037602"
	hookBody   = `{"data":{"id":"evt_1","type":"event","attributes":{"type":"payment.paid","data":{"id":"pay_1","type":"payment",` +
		`"attributes":{"payment_intent_id":"pi_1","metadata":{"reference":"r"}}}}}}`
)

// listening returns an adapter with a secret for webhooks, which may be empty.
func listening(t testing.TB, key, secret string) *adapter {
	t.Helper()
	config := Provider().NewConfig().(*Config)
	config.SecretKey, config.WebhookSecret = payments.NewSecret(key), payments.NewSecret(secret)
	opened, err := config.Open(adapters.Deps{Transport: httpmock.NewMockTransport()})
	if err != nil {
		t.Fatal(err)
	}
	return opened.(*adapter)
}

func delivered(signature, body string) payments.WebhookDelivery {
	return payments.WebhookDelivery{Header: map[string][]string{signatureHeader: {signature}}, Body: []byte(body)}
}

// signed is a header as PayMongo makes it.
func signed(a *adapter, live bool, body string) string {
	if live {
		return "t=" + hookStamp + ",te=,li=" + a.sign(hookStamp, []byte(body))
	}
	return "t=" + hookStamp + ",te=" + a.sign(hookStamp, []byte(body)) + ",li="
}

func TestWebhookIsSignedForTheMode(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		key       string
		live, not bool
	}{
		{"sk_test_4mRw", false, false}, {"sk_test_4mRw", true, true}, {"sk_live_4mRw", true, false}, {"sk_live_4mRw", false, true},
	} {
		a := listening(t, tt.key, hookSecret)
		_, err := a.ParseWebhook(t.Context(), delivered(signed(a, tt.live, hookBody), hookBody))
		if errors.Is(err, payments.ErrForged) != tt.not {
			t.Errorf("%s, signed live %t: %v", tt.key, tt.live, err)
		}
	}
}

func TestWebhookWithoutSecretIsForged(t *testing.T) {
	t.Parallel()
	a := listening(t, "sk_test_4mRw", "")
	_, err := a.ParseWebhook(t.Context(), delivered(signed(a, false, hookBody), hookBody)) // with an empty key
	if !errors.Is(err, payments.ErrForged) || !strings.Contains(err.Error(), "webhook_secret is not configured") {
		t.Errorf("%v, want a forgery that names the missing key", err)
	}
}

func TestLongWebhooksAreForged(t *testing.T) {
	t.Parallel()
	a := listening(t, "sk_test_4mRw", hookSecret)
	longest := hookBody + strings.Repeat(" ", wire.MaxNotice-len(hookBody))
	if _, err := a.ParseWebhook(t.Context(), delivered(signed(a, false, longest), longest)); err != nil {
		t.Errorf("the longest: %v", err)
	}
	longest += " "
	if _, err := a.ParseWebhook(t.Context(), delivered(signed(a, false, longest), longest)); !errors.Is(err, payments.ErrForged) {
		t.Errorf("longer: %v", err)
	}
}

func TestReadSignature(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]bool{
		"t=1,te=a,li=": true, "t=1,te=,li=b": true, " li=b , te=a, t=1": true, "t=1,te=a,li=,v2=c": true, "t=1,te=a=,li=": true,
		"": false, "t": false, "t=1": false, "t=1,te=a": false, "te=a,li=b": false, "t=,te=a,li=": false, "t=1,te=a,li": false,
		"t=1,te=a,te=b,li=": false, "t=1,t=2,te=a,li=": false, "t=1,te=a,li=,": false, "T=1,te=a,li=": false, "t =1,te=a,li=": false,
	} {
		if _, _, _, ok := readSignature(header); ok != want {
			t.Errorf("%q: read %t, want %t", header, ok, want)
		}
	}
}

func TestLongTextsAreNoIDs(t *testing.T) {
	t.Parallel()
	n := readEvent([]byte(strings.ReplaceAll(hookBody, "pi_1", strings.Repeat("p", wire.MaxName+1))))
	if n.Refs != (payments.ProviderRefs{Charge: "pay_1"}) {
		t.Errorf("%+v, want the charge alone", n.Refs)
	}
}

// FuzzWebhook delivers anything under any header: it is forged. Signed by PayMongo, anything is a notice.
func FuzzWebhook(f *testing.F) {
	for _, body := range []string{
		hookBody, ``, `null`, `[]`, `{"data":[]}`, `{"data":{"attributes":{"data":{"id":"ref_1","type":1}}}}`, "\xff",
		`{"data":{"id":"evt_1","attributes":{"type":"payment.refunded","data":{"id":"pay_1","attributes":{"refunds":[7]}}}}}`,
	} {
		f.Add("t="+hookStamp+",te=00,li=", body)
	}
	f.Add("", hookBody)
	f.Add(",=,t=,te=,li=", hookBody)
	a := listening(f, "sk_test_4mRw", hookSecret)
	f.Fuzz(func(t *testing.T, header, body string) {
		ctx := context.Background()
		if n, err := a.ParseWebhook(ctx, delivered(header, body)); !errors.Is(err, payments.ErrForged) || n != (payments.Notice{}) {
			t.Errorf("%+v, %v; want a forgery", n, err)
		}
		good := delivered(signed(a, false, body), body)
		n, err := a.ParseWebhook(ctx, good)
		if long := len(body) > wire.MaxNotice; (err != nil) != long {
			t.Errorf("signed, of %d bytes: %v", len(body), err)
		}
		for _, s := range []string{n.EventID, n.Type, n.Reference, n.Refs.Session, n.Refs.Charge, n.Refs.Operation} {
			if len(s) > wire.MaxName {
				t.Error("a notice with a text that is too long")
			}
		}
		if again, _ := a.ParseWebhook(ctx, good); again != n {
			t.Errorf("%+v, then %+v", n, again)
		}
	})
}
