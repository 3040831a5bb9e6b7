package api

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"switchyard/flow"
	"switchyard/payments"
)

// TestPace: a caller who comes too fast is told when to come back, and nothing of another's rate is taken; whoever waits as
// told gets in.
func TestPace(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *Options) { o.Admission = Admission{PerKey: 10, PerPayer: 1} })
	for i := range 20 { // what may come at once
		if a := w.private("GET", "/cards", nil); a.status != 200 {
			t.Fatalf("request %d: %d", i, a.status)
		}
	}
	refused := w.private("POST", "/customers", map[string]any{})
	if refused.status != http.StatusTooManyRequests || refused.json["error_type"] != payments.CodeRateExceeded {
		t.Fatalf("%d %s", refused.status, refused.body)
	}
	wait, err := strconv.Atoi(refused.header.Get("Retry-After"))
	if err != nil || wait != 1 {
		t.Errorf("Retry-After %q", refused.header.Get("Retry-After"))
	}
	if a := w.do(ask{method: "GET", path: "/cards", user: otherID, key: otherKey}); a.status != 200 {
		t.Errorf("another project: %d", a.status)
	}
	if a := w.public("GET", "/iins/424242", nil); a.status != 200 {
		t.Errorf("a payer of the project: %d", a.status)
	}
	if a := w.do(ask{method: "GET", path: "/healthz", anonymous: true}); a.status != 200 {
		t.Errorf("a health check: %d", a.status)
	}
	w.now.pass(time.Duration(wait) * time.Second)
	if a := w.private("POST", "/customers", map[string]any{}); a.status != 200 {
		t.Errorf("after the wait: %d", a.status)
	}
	for range minBurst + 1 {
		refused = w.public("GET", "/iins/424242", nil)
	}
	if refused.status != http.StatusTooManyRequests {
		t.Errorf("a payer who tries many cards: %d", refused.status)
	}
}

// slowEngine holds charges until it is let go.
type slowEngine struct {
	*fakeEngine
	began, release chan struct{}
}

func (e *slowEngine) hold() {
	e.began <- struct{}{}
	<-e.release
}

func (e *slowEngine) Capture(ctx context.Context, r flow.ChargeRequest) (payments.Snapshot, error) {
	e.hold()
	return e.fakeEngine.Capture(ctx, r)
}

// slowInbox does the same with webhooks.
type slowInbox struct{ *slowEngine }

func (i slowInbox) Receive(context.Context, string, payments.WebhookDelivery) error {
	i.hold()
	return nil
}

// TestRoom: calls beyond what may be under way are refused at once and do nothing; reads, PSPs' webhooks and other projects go
// on; room that is left is there again.
func TestRoom(t *testing.T) {
	t.Parallel()
	slow := &slowEngine{began: make(chan struct{}), release: make(chan struct{})}
	w := newWorld(t, func(o *Options) {
		slow.fakeEngine = o.Engine.(*fakeEngine)
		o.Engine, o.Inbox = slow, slowInbox{slow}
		o.Admission = Admission{InFlight: 3, InFlightPerProject: 2, InFlightNotices: 1}
	})
	invoice, card := w.invoice().json["invoice"].(map[string]any)["id"].(string), w.card()
	charge := func(user, key string) chan got {
		answer := make(chan got, 1)
		go func() {
			answer <- w.do(ask{method: "POST", path: "/invoices/" + invoice + "/capture", body: map[string]any{"source": card}, user: user, key: key})
		}()
		return answer
	}
	mine := []chan got{charge(projectID, projectKey), charge(projectID, projectKey)}
	<-slow.began
	<-slow.began
	if a := <-charge(projectID, projectKey); a.status != http.StatusTooManyRequests || a.header.Get("Retry-After") == "" {
		t.Errorf("beyond the project's room: %d %s", a.status, a.body)
	}
	if a := w.private("GET", "/invoices/"+invoice, nil); a.status != 200 {
		t.Errorf("a read: %d", a.status)
	}
	theirs := charge(otherID, otherKey)
	<-slow.began
	if a := <-charge(otherID, otherKey); a.status != http.StatusServiceUnavailable || a.json["error_type"] != payments.CodeOverloaded {
		t.Errorf("beyond the program's room: %d %s", a.status, a.body)
	}
	notice := func() chan int {
		status := make(chan int, 1)
		go func() {
			out := httptest.NewRecorder()
			w.api.ServeHTTP(out, httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/gateway-webhooks/"+gatewayID, strings.NewReader("{}")))
			status <- out.Code
		}()
		return status
	}
	first := notice() // although the program has no room for charges
	<-slow.began
	if status := <-notice(); status != http.StatusServiceUnavailable {
		t.Errorf("beyond the room for webhooks: %d", status)
	}
	close(slow.release)
	if status := <-first; status != 200 {
		t.Errorf("the webhook: %d", status)
	}
	for _, answer := range append(mine, theirs) {
		<-answer
	}
	go func() { <-slow.began }()
	if a := <-charge(projectID, projectKey); a.status == http.StatusTooManyRequests || a.status == http.StatusServiceUnavailable {
		t.Errorf("when there is room again: %d", a.status)
	}
}
