package webhooks

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"switchyard/payments"
)

// An event goes to the endpoints that want it and to its own URL, thin and signed.
func TestDelivery(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Limits{})
		defer w.close()
		var all, some, others, own inbox
		w.network.serve("all.example", all.ServeHTTP)
		w.network.serve("some.example", some.ServeHTTP)
		w.network.serve("others.example", others.ServeHTTP)
		w.network.serve("own.example", own.ServeHTTP)
		own.answer = func(_ int, w http.ResponseWriter) {
			w.Header().Set("X-Said", "thanks")
			w.WriteHeader(http.StatusAccepted)
			_, _ = w.Write([]byte(strings.Repeat("a", 3*keepBody)))
		}
		_, secret := w.endpoint("all.example")
		w.endpoint("some.example", payments.EventTokenUpdated, payments.EventCustomerCreated)
		w.endpoint("others.example", payments.EventCustomerCreated)
		e := event(1, 1)
		e.WebhookURL = "https://own.example/h?id=5"
		w.apply(payments.Change{Events: []payments.Event{e}})
		synctest.Wait()
		if len(all.all()) != 1 || len(some.all()) != 1 || len(others.all()) != 0 || len(own.all()) != 1 {
			t.Fatalf("delivered to all %d, some %d, others %d, own %d", len(all.all()), len(some.all()), len(others.all()), len(own.all()))
		}
		got := all.all()[0]
		if string(got.raw) != `{"event_id":"`+e.ID+`","event_type":"customer.token.updated"}` || got.header.Get("webhook-id") != e.ID || got.header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %v", got.raw, got.header)
		}
		if !verifies(t, got, secret) || verifies(t, some.all()[0], secret) || !verifies(t, own.all()[0], projectSecret) {
			t.Error("each address has its own secret")
		}
		tries := w.tries(e.ID)
		if len(tries) != 3 {
			t.Fatalf("%d tries are kept", len(tries))
		}
		last := tries[2] // the event's own URL comes last
		if last.State != payments.DeliveryDelivered || last.URL != e.WebhookURL || last.Response.Status != 202 || len(last.Response.Body) != keepBody || !strings.Contains(last.Response.Header, "X-Said: thanks\n") {
			t.Errorf("%+v", last)
		}
	})
}

// Without a project's secret, what goes to an event's own URL is not signed.
func TestUnsigned(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Limits{})
		defer w.close()
		var own inbox
		w.network.serve("own.example", own.ServeHTTP)
		e := event(1, 1)
		e.ProjectID, e.WebhookURL = "test-proj_other", "https://own.example/"
		w.apply(payments.Change{Events: []payments.Event{e}})
		synctest.Wait()
		if got := own.all(); len(got) != 1 || got[0].header.Get("webhook-signature") != "" || got[0].header.Get("webhook-id") != e.ID {
			t.Errorf("%v", got)
		}
	})
}

// What counts as a failure is tried again, each try with the same id and a signature of its own time; what never works is given
// up after the whole schedule.
func TestRetries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Limits{Poll: time.Hour})
		defer w.close()
		var box inbox
		box.answer = status(http.StatusInternalServerError)
		w.network.serve("shop.example", box.ServeHTTP)
		e, secret := w.endpoint("shop.example")
		fired := w.fire()
		w.lapse(80 * time.Hour)
		got := box.all()
		if len(got) != maxTries {
			t.Fatalf("%d tries", len(got))
		}
		if span := got[maxTries-1].at.Sub(got[0].at); span < 48*time.Hour || span > 72*time.Hour {
			t.Errorf("the last try came after %v", span)
		}
		for i, one := range got {
			if one.header.Get("webhook-id") != fired.ID || one.header.Get("webhook-timestamp") == got[(i+1)%maxTries].header.Get("webhook-timestamp") {
				t.Errorf("try %d: %v", i+1, one.header)
			}
		}
		tries := w.tries(fired.ID)
		if len(tries) != maxTries || tries[maxTries-1].State != payments.DeliveryFailed || tries[maxTries-1].Try != maxTries || tries[0].Response.Status != 500 {
			t.Errorf("%d tries are kept, the last %+v", len(tries), tries[len(tries)-1])
		}
		if !w.stored(e).Enabled {
			t.Error("one event is not a reason to disable")
		}
		box.mu.Lock()
		box.answer = nil
		box.mu.Unlock()
		w.fire()
		synctest.Wait()
		if got := box.all(); len(got) != maxTries+1 || !verifies(t, got[maxTries], secret) {
			t.Errorf("%d requests after the next event", len(got))
		}
	})
}

func TestRetryAfterIsHonoured(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Limits{})
		defer w.close()
		var box inbox
		box.answer = func(n int, w http.ResponseWriter) {
			if n == 1 {
				w.Header().Set("Retry-After", "600")
				w.WriteHeader(http.StatusTooManyRequests)
			}
		}
		w.network.serve("shop.example", box.ServeHTTP)
		w.endpoint("shop.example")
		w.fire()
		w.lapse(time.Hour)
		if got := box.all(); len(got) != 2 || got[1].at.Sub(got[0].at) < 10*time.Minute || got[1].at.Sub(got[0].at) > 10*time.Minute+2*defaultPoll {
			t.Errorf("%d requests", len(got))
		}
	})
}

// A redirect is a failure, and nobody goes where it points.
func TestRedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Limits{})
		defer w.close()
		var box, elsewhere inbox
		box.answer = func(_ int, w http.ResponseWriter) {
			w.Header().Set("Location", "https://elsewhere.example/")
			w.WriteHeader(http.StatusTemporaryRedirect)
		}
		w.network.serve("shop.example", box.ServeHTTP)
		w.network.serve("elsewhere.example", elsewhere.ServeHTTP)
		w.endpoint("shop.example")
		fired := w.fire()
		synctest.Wait()
		if len(elsewhere.all()) != 0 || len(box.all()) != 1 {
			t.Error("the redirect was followed")
		}
		if tries := w.tries(fired.ID); tries[0].State != payments.DeliveryFailed || len(tries) != 2 {
			t.Errorf("%+v", tries)
		}
	})
}

// A request that takes too long, and a host that is not there, are failures with a reason and without the network's own words.
func TestReasons(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Limits{})
		defer w.close()
		w.network.serve("slow.example", func(_ http.ResponseWriter, r *http.Request) {
			read(r)
			<-r.Context().Done()
		})
		for i, tc := range []struct{ url, reason string }{
			{"https://slow.example/", "There was no complete answer within 10s."},
			{"https://nowhere.example/", "The host's name was not found."},
			{"https://127.0.0.1/", "The URL of a webhook must name a host, not an address."},
			{"http://shop.example/", "The URL of a webhook must be an https URL."},
		} {
			e := event(1000+i, 1)
			e.WebhookURL = tc.url
			w.apply(payments.Change{Events: []payments.Event{e}})
			w.lapse(sendTimeout + time.Second)
			tries := w.tries(e.ID)
			if tries[0].State != payments.DeliveryFailed || tries[0].Response.Status != 0 || tries[0].Response.Body != tc.reason {
				t.Errorf("%s: %+v", tc.url, tries[0].Response)
			}
			if again := len(tries) > 1; again != (i < 2) { // what is not allowed will not be allowed later
				t.Errorf("%s: tried again %v", tc.url, again)
			}
		}
	})
}

// 410 disables an endpoint at once, and tells of it. What was pending goes on once it is enabled again.
func TestGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Limits{Poll: time.Hour})
		defer w.close()
		var box, other inbox
		box.answer = status(http.StatusGone)
		w.network.serve("shop.example", box.ServeHTTP)
		w.network.serve("other.example", other.ServeHTTP)
		e, _ := w.endpoint("shop.example")
		w.endpoint("other.example", payments.EventEndpointDisabled)
		fired := w.fire()
		synctest.Wait()
		now := w.stored(e)
		if now.Enabled || now.DisabledReason != "the endpoint answered 410 Gone" || now.DisabledAt.IsZero() {
			t.Fatalf("%+v", now)
		}
		told := other.all()
		if len(told) != 1 || told[0].event != payments.EventEndpointDisabled {
			t.Fatalf("told %v", told)
		}
		about, err := w.store.Event(t.Context(), project, told[0].id)
		if err != nil || about.Snapshot.Endpoint.ID != e.ID || about.Snapshot.Endpoint.DisabledReason == "" || len(about.Snapshot.Endpoint.Secrets) != 0 || !about.Sandbox {
			t.Errorf("%+v (%v)", about.Snapshot.Endpoint, err)
		}
		missed := w.fire()
		w.lapse(5 * 24 * time.Hour)
		if n := len(box.all()); n != 1 {
			t.Errorf("%d requests to a disabled endpoint", n)
		}
		box.mu.Lock()
		box.answer = nil
		box.mu.Unlock()
		if _, err := w.service.EnableEndpoint(t.Context(), project, e.ID, nil); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got := box.all(); len(got) != 2 || got[1].id != fired.ID {
			t.Errorf("%d requests after it was enabled; the pending one must go on, and only that", len(got))
		}
		if len(w.tries(missed.ID)) != 0 {
			t.Error("what happens while an endpoint is disabled is for a replay to send")
		}
	})
}

// An event's own URL that is gone is given up.
func TestOwnURLGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Limits{Poll: time.Hour})
		defer w.close()
		var own inbox
		own.answer = status(http.StatusGone)
		w.network.serve("own.example", own.ServeHTTP)
		e := event(1, 1)
		e.WebhookURL = "https://own.example/"
		w.apply(payments.Change{Events: []payments.Event{e}})
		w.lapse(80 * time.Hour)
		if n := len(own.all()); n != 1 {
			t.Errorf("%d requests", n)
		}
	})
}

// An endpoint whose every try fails is disabled after five days; one success in between starts the days anew.
func TestFailingEndpointIsDisabled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Limits{Poll: time.Hour})
		defer w.close()
		var box inbox
		box.answer = func(n int, w http.ResponseWriter) {
			if n != 30 {
				w.WriteHeader(http.StatusBadGateway)
			}
		}
		w.network.serve("shop.example", box.ServeHTTP)
		e, _ := w.endpoint("shop.example")
		for len(box.all()) < 30 {
			w.fire()
			w.lapse(6 * time.Hour)
		}
		var succeeded time.Time
		for _, r := range box.all()[29:] {
			succeeded = r.at
			break
		}
		for w.stored(e).Enabled {
			if time.Since(succeeded) > 6*24*time.Hour {
				t.Fatal("still enabled after six days of failures")
			}
			w.fire()
			w.lapse(6 * time.Hour)
		}
		now := w.stored(e)
		if days := now.DisabledAt.Sub(succeeded); days < 5*24*time.Hour || !strings.HasPrefix(now.DisabledReason, "every try has failed since ") {
			t.Errorf("disabled %v after the last success: %s", days, now.DisabledReason)
		}
	})
}

// So is one where too many deliveries in a row were given up.
func TestExhaustedEndpointIsDisabled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Limits{Poll: time.Hour, MaxExhausted: 3})
		defer w.close()
		var box inbox
		box.answer = status(http.StatusNotFound)
		w.network.serve("shop.example", box.ServeHTTP)
		e, _ := w.endpoint("shop.example")
		for range 3 {
			w.fire()
		}
		w.lapse(48 * time.Hour)
		if !w.stored(e).Enabled {
			t.Error("disabled before anything was given up")
		}
		w.lapse(30 * time.Hour)
		if now := w.stored(e); now.Enabled || now.DisabledReason != "3 deliveries in a row were given up" {
			t.Errorf("%+v", now)
		}
	})
}

// What is older than the log is kept is removed.
func TestRetention(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Limits{Poll: time.Hour})
		defer w.close()
		var box inbox
		w.network.serve("shop.example", box.ServeHTTP)
		w.endpoint("shop.example")
		old := w.fire()
		w.lapse(29 * 24 * time.Hour)
		young := w.fire()
		w.lapse(24*time.Hour + 3*pruneEvery)
		if len(w.tries(old.ID)) != 0 || len(w.tries(young.ID)) != 1 {
			t.Errorf("%d old and %d young tries are kept", len(w.tries(old.ID)), len(w.tries(young.ID)))
		}
	})
}
