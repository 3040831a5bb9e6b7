package webhooks

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"switchyard/payments"
)

// The example of the specification's own libraries.
func TestOfficialVector(t *testing.T) {
	t.Parallel()
	for _, secret := range []string{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"} {
		h := http.Header{}
		body := []byte(`{"test": 2432232314}`)
		if err := SetHeaders(h, "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 999), body, payments.NewSecret(secret)); err != nil {
			t.Fatal(err)
		}
		if got := h.Get("webhook-signature"); got != "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" || h.Get("webhook-timestamp") != "1614265330" || h.Get("webhook-id") != "msg_p5jXN8AQM9LWM0D4loKWxJek" {
			t.Errorf("%v", h)
		}
	}
}

func TestUnusableSecret(t *testing.T) {
	t.Parallel()
	for _, secret := range []string{"", "whsec_", "whsec_not base64"} {
		h := http.Header{}
		if err := SetHeaders(h, "ev_1", time.Unix(0, 0), nil, payments.NewSecret(secret)); err == nil || len(h) != 0 {
			t.Errorf("%q signs: %v", secret, h)
		}
	}
}

func TestNewSecrets(t *testing.T) {
	t.Parallel()
	a, b := NewSecret(), NewSecret()
	if a.Reveal() == b.Reveal() || len(a.Reveal()) != len("whsec_")+44 {
		t.Error("secrets are not new, or not 32 bytes")
	}
	if string(Body("ev_1", "customer.created")) != `{"event_id":"ev_1","event_type":"customer.created"}` {
		t.Errorf("%s", Body("ev_1", "customer.created"))
	}
}

// verifies says whether the specification's own library accepts a webhook.
func verifies(t *testing.T, r received, secret payments.Secret) bool {
	t.Helper()
	wh, err := standardwebhooks.NewWebhook(secret.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	return wh.Verify(r.raw, r.header) == nil
}

// Both secrets sign while one replaces the other, each alone before and after.
func TestRotation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Limits{Poll: time.Hour})
		defer w.close()
		var box inbox
		w.network.serve("shop.example", box.ServeHTTP)
		e, first := w.endpoint("shop.example")
		last := func() received {
			t.Helper()
			w.fire()
			synctest.Wait()
			got := box.all()
			return got[len(got)-1]
		}
		if !verifies(t, last(), first) {
			t.Error("the first secret does not sign")
		}
		rotate := func(overlap time.Duration) payments.Secret {
			t.Helper()
			snapshot, err := w.service.RotateSecret(t.Context(), project, e.ID, overlap, nil)
			if err != nil {
				t.Fatal(err)
			}
			secret, err := w.service.NewestSecret(t.Context(), snapshot.Endpoint)
			if err != nil || len(snapshot.Endpoint.Secrets) != 1 {
				t.Fatalf("%d secrets are shown (%v)", len(snapshot.Endpoint.Secrets), err)
			}
			return secret
		}
		second := rotate(24 * time.Hour)
		w.lapse(24*time.Hour - time.Second)
		if got := last(); !verifies(t, got, first) || !verifies(t, got, second) || verifies(t, got, NewSecret()) {
			t.Error("while the secret is replaced, both and no others must verify")
		}
		w.lapse(time.Second)
		if got := last(); verifies(t, got, first) || !verifies(t, got, second) {
			t.Error("after the overlap, the old secret must not verify")
		}
		third := rotate(0)
		if got := last(); verifies(t, got, second) || !verifies(t, got, third) {
			t.Error("without an overlap, the old secret must end at once")
		}
	})
}
