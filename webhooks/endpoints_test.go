package webhooks

import (
	"errors"
	"testing"
	"testing/synctest"

	"switchyard/payments"
)

func TestEndpointLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Limits{})
		defer w.close()
		for range MaxEndpoints {
			w.endpoint("shop.example")
		}
		_, err := w.service.CreateEndpoint(t.Context(), payments.WebhookEndpoint{ProjectID: project, URL: "https://shop.example/", Enabled: true}, nil)
		wantCode(t, "one too many", err, payments.CodeValidation)
	})
}

// A change that meets another one is made again on top of it.
func TestConcurrentChanges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Limits{})
		defer w.close()
		e, _ := w.endpoint("shop.example")
		other := e
		meddle := true
		snapshot, err := w.service.UpdateEndpoint(t.Context(), project, e.ID, func(e *payments.WebhookEndpoint) error {
			if meddle {
				meddle = false
				other.Version, other.Description = 2, "theirs"
				w.apply(payments.Change{Endpoints: []payments.WebhookEndpoint{other}})
			}
			e.URL = "https://new.example/"
			return nil
		}, nil)
		if err != nil || snapshot.Endpoint.Version != 3 || snapshot.Endpoint.Description != "theirs" || snapshot.Endpoint.URL != "https://new.example/" {
			t.Errorf("%+v (%v)", snapshot.Endpoint, err)
		}
		if len(snapshot.Endpoint.Secrets) != 0 || len(w.stored(e).Secrets) != 1 {
			t.Error("an update shows no secret and loses none")
		}
	})
}

func TestDeletedEndpoint(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Limits{})
		defer w.close()
		e, _ := w.endpoint("nowhere.example")
		fired := w.fire()
		synctest.Wait()
		if len(w.tries(fired.ID)) != 2 {
			t.Fatal("no retry is pending")
		}
		if _, err := w.service.DeleteEndpoint(t.Context(), project, e.ID, nil); err != nil {
			t.Fatal(err)
		}
		w.lapse(2 * pruneEvery)
		if n := len(w.tries(fired.ID)); n != 1 {
			t.Errorf("%d tries are kept, want the one that was made", n)
		}
		_, err := w.service.Endpoint(t.Context(), project, e.ID)
		wantCode(t, "the endpoint", err, payments.CodeWebhookEndpointNotFound)
		_, err = w.service.RotateSecret(t.Context(), project, e.ID, 0, nil)
		wantCode(t, "a new secret for it", err, payments.CodeWebhookEndpointNotFound)
	})
}

// A failure whose endpoint is changed at the same moment is written all the same.
func TestDisablingMeetsAChange(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Limits{})
		defer w.close()
		e, _ := w.endpoint("shop.example")
		stale, changed := w.stored(e), w.stored(e)
		changed.Version, changed.Description = 2, "new"
		w.apply(payments.Change{Endpoints: []payments.WebhookEndpoint{changed}})
		if err := w.service.conclude(t.Context(), payments.Delivery{}, answer{response: payments.DeliveryResponse{Status: 410}}, &stale, false); !errors.Is(err, payments.ErrConflict) {
			t.Fatalf("a stale endpoint is disabled: %v", err)
		}
		now, err := w.service.current(t.Context(), stale)
		if err != nil || now.Version != 2 {
			t.Errorf("%+v (%v)", now, err)
		}
		stale.ID = "whend_gone"
		if now, err := w.service.current(t.Context(), stale); err != nil || now.Live() {
			t.Errorf("a deleted endpoint is live: %v", err)
		}
	})
}
