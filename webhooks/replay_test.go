package webhooks

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"switchyard/payments"
)

func contextWithTimeout(t *testing.T, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(t.Context(), d)
}

func TestReplayOfAnEvent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Limits{})
		defer w.close()
		var a, b inbox
		w.network.serve("a.example", a.ServeHTTP)
		w.network.serve("b.example", b.ServeHTTP)
		first, _ := w.endpoint("a.example")
		second, _ := w.endpoint("b.example", payments.EventCustomerCreated)
		fired := w.fire()
		synctest.Wait()
		again := func(endpointID string, wantA, wantB int) {
			t.Helper()
			if _, err := w.service.ReplayEvent(t.Context(), project, fired.ID, endpointID, nil); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if len(a.all()) != wantA || len(b.all()) != wantB {
				t.Errorf("a got %d and b %d, want %d and %d", len(a.all()), len(b.all()), wantA, wantB)
			}
		}
		again("", 2, 0)
		again(first.ID, 3, 0)
		again(second.ID, 3, 1) // asked for by name, whatever it wants otherwise
		if b.all()[0].header.Get("webhook-id") != fired.ID {
			t.Error("a replay has the event's id")
		}
		_, err := w.service.ReplayEvent(t.Context(), project, "ev_none", "", nil)
		wantCode(t, "no event", err, payments.CodeEventNotFound)
		_, err = w.service.ReplayEvent(t.Context(), project, fired.ID, "whend_none", nil)
		wantCode(t, "no endpoint", err, payments.CodeWebhookEndpointNotFound)
		for _, e := range []payments.WebhookEndpoint{first, second} {
			if _, err := w.service.UpdateEndpoint(t.Context(), project, e.ID, func(e *payments.WebhookEndpoint) error { e.Enabled = false; return nil }, nil); err != nil {
				t.Fatal(err)
			}
		}
		_, err = w.service.ReplayEvent(t.Context(), project, fired.ID, first.ID, nil)
		wantCode(t, "a disabled endpoint", err, payments.CodeValidation)
		_, err = w.service.ReplayEvent(t.Context(), project, fired.ID, "", nil)
		wantCode(t, "nobody wants it", err, payments.CodeValidation)
	})
}

func wantCode(t *testing.T, what string, err error, code string) {
	t.Helper()
	if payments.ErrorCode(err) != code {
		t.Errorf("%s: %v, want %s", what, err, code)
	}
}

// A range is sent in the background, in order, though the process dies in the middle of it.
func TestReplayOfARange(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const before, within = 50, 350
		w := newWorld(t, Limits{PerTarget: 32})
		defer w.close()
		add := func(n int, subject int) {
			for i := range n {
				w.apply(payments.Change{Events: []payments.Event{event(subject, i)}})
			}
			w.lapse(time.Minute)
		}
		add(before, 1)
		since := time.Now()
		add(within, 2)
		until := time.Now()
		add(before, 3)
		var box inbox
		w.network.serve("shop.example", box.ServeHTTP)
		e, _ := w.endpoint("shop.example") // after all that: nothing was sent
		claim := &payments.ClaimRequest{Scope: "s", Key: "k", Fingerprint: []byte{1}}
		if _, err := w.service.ReplayRange(t.Context(), project, e.ID, since, until, claim); err != nil {
			t.Fatal(err)
		}
		if _, err := w.service.ReplayRange(t.Context(), project, e.ID, since, until, claim); err == nil {
			t.Error("a key was taken twice")
		}
		w.crash()
		w.lapse(2 * deliveryLease)
		got := box.all()
		if len(got) < within {
			t.Fatalf("%d events were sent, want %d", len(got), within)
		}
		next := 0
		for _, one := range got {
			var subject, n int
			if _, err := fmt.Sscanf(one.id[len(payments.PrefixEvent)+32:], "_%d_%d", &subject, &n); err != nil || subject != 2 || n > next {
				t.Fatalf("event %s came when %d was next", one.id, next)
			}
			if n == next {
				next++
			}
		}
		if left, err := w.store.Replays(t.Context(), 10); err != nil || len(left) != 0 || next != within {
			t.Errorf("%d of %d sent, %d replays left (%v)", next, within, len(left), err)
		}
		_, err := w.service.ReplayRange(t.Context(), project, e.ID, until, since, nil)
		wantCode(t, "a span that ends before it begins", err, payments.CodeInvalidDate)
		_, err = w.service.ReplayRange(t.Context(), project, "whend_none", since, until, nil)
		wantCode(t, "no endpoint", err, payments.CodeWebhookEndpointNotFound)
	})
}

func TestReplayIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Limits{})
		defer w.close()
		since := time.Now()
		for n := 0; n < MaxReplay; n += 100 {
			var c payments.Change
			for i := range 100 {
				c.Events = append(c.Events, event(1, n+i))
			}
			w.apply(c)
		}
		e, _ := w.endpoint("shop.example")
		if _, err := w.service.ReplayRange(t.Context(), project, e.ID, since, since.Add(time.Hour), nil); err != nil {
			t.Errorf("10,000 events: %v", err)
		}
		w.apply(payments.Change{Events: []payments.Event{event(1, MaxReplay)}})
		_, err := w.service.ReplayRange(t.Context(), project, e.ID, since, since.Add(time.Hour), nil)
		wantCode(t, "10,001 events", err, payments.CodeValidation)
	})
}
