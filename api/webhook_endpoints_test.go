package api

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"switchyard/payments"
)

func (w *world) webhookEndpoint(fields map[string]any, header ...string) got {
	w.t.Helper()
	body := map[string]any{"url": "https://shop.example/hook"}
	maps.Copy(body, fields)
	return w.private("POST", "/webhook-endpoints", body, header...)
}

func TestWebhookEndpoints(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	made := w.webhookEndpoint(map[string]any{"description": "Orders", "events_whitelist": []string{"transaction.captured", "transaction.captured", "customer.created"}}).ok(t)
	id, secret := made.text("webhook_endpoint", "id"), made.text("webhook_endpoint", "secret")
	want := map[string]any{
		"id": id, "project_id": projectID, "project": nil, "url": "https://shop.example/hook", "description": "Orders",
		"events_whitelist": []any{"transaction.captured", "customer.created"}, "enabled": true, "disabled_reason": nil, "disabled_at": nil,
		"sandbox": true, "created_at": "2026-03-04T12:00:00.123Z", "secret": secret,
	}
	if diff := cmp.Diff(any(want), made.at("webhook_endpoint")); diff != "" || !strings.HasPrefix(id, "whend_") || !strings.HasPrefix(secret, "whsec_") {
		t.Errorf("made (-want +got):\n%s", diff)
	}
	delete(want, "secret")
	path := "/webhook-endpoints/" + id
	if diff := cmp.Diff(any(want), w.private("GET", path, nil).ok(t).at("webhook_endpoint")); diff != "" {
		t.Errorf("read (-want +got):\n%s", diff)
	}
	w.webhookEndpoint(nil).ok(t)
	listed := w.private("GET", "/webhook-endpoints?order=asc&expand=project", nil).ok(t)
	if listed.at("count") != 2.0 || listed.text("webhook_endpoints", 0, "id") != id || listed.text("webhook_endpoints", 0, "project", "id") != projectID {
		t.Error(listed.body)
	}
	if strings.Contains(listed.body, "secret") || strings.Contains(w.log.String(), secret) {
		t.Error("a secret is shown once")
	}
	w.now.pass(time.Minute)
	off := w.private("PUT", path, map[string]any{"enabled": false, "url": "https://new.example/", "description": ""}).ok(t)
	want["url"], want["description"], want["enabled"] = "https://new.example/", nil, false
	want["disabled_at"], want["disabled_reason"] = "2026-03-04T12:01:00.123Z", "disabled by the merchant"
	if diff := cmp.Diff(any(want), off.at("webhook_endpoint")); diff != "" {
		t.Errorf("disabled (-want +got):\n%s", diff)
	}
	on := w.private("POST", path+"/enable", nil).ok(t)
	want["enabled"], want["disabled_at"], want["disabled_reason"] = true, nil, nil
	if diff := cmp.Diff(any(want), on.at("webhook_endpoint")); diff != "" {
		t.Errorf("enabled (-want +got):\n%s", diff)
	}
	if g := w.private("PUT", path, map[string]any{"events_whitelist": []string{}}).ok(t); !cmp.Equal(g.at("webhook_endpoint", "events_whitelist"), []any{}) {
		t.Error(g.body)
	}
	w.private("DELETE", path, nil).ok(t)
	for _, call := range []struct{ method, path string }{
		{"GET", path}, {"PUT", path}, {"DELETE", path}, {"POST", path + "/enable"}, {"POST", path + "/rotate-secret"}, {"GET", "/webhook-endpoints/whend_none"},
	} {
		w.private(call.method, call.path, map[string]any{}).fails(t, 404, payments.CodeWebhookEndpointNotFound)
	}
	if g := w.private("GET", "/webhook-endpoints", nil).ok(t); g.at("count") != 1.0 {
		t.Error(g.body)
	}
}

// Endpoints are a project's own, and its server's.
func TestWebhookEndpointsArePrivate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.webhookEndpoint(nil).ok(t).text("webhook_endpoint", "id")
	w.public("GET", "/webhook-endpoints", nil).fails(t, 401, payments.CodeAuthenticationInvalid)
	w.public("POST", "/webhook-endpoints", map[string]any{"url": "https://shop.example/"}).fails(t, 401, payments.CodeAuthenticationInvalid)
	theirs := func(method, path string, body any) got {
		return w.do(ask{method: method, path: path, body: body, user: otherID, key: otherKey})
	}
	theirs("GET", "/webhook-endpoints/"+id, nil).fails(t, 404, payments.CodeWebhookEndpointNotFound)
	theirs("PUT", "/webhook-endpoints/"+id, map[string]any{"url": "https://evil.example/"}).fails(t, 404, payments.CodeWebhookEndpointNotFound)
	theirs("POST", "/webhook-endpoints/"+id+"/rotate-secret", map[string]any{}).fails(t, 404, payments.CodeWebhookEndpointNotFound)
	if g := theirs("GET", "/webhook-endpoints", nil).ok(t); g.at("count") != 0.0 {
		t.Error(g.body)
	}
}

func TestWebhookEndpointFaults(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.webhookEndpoint(nil).ok(t).text("webhook_endpoint", "id")
	for name, tc := range map[string]struct {
		fields map[string]any
		code   string
	}{
		"no url":            {map[string]any{"url": nil}, payments.CodeInvalidURL},
		"plain http":        {map[string]any{"url": "http://shop.example/"}, payments.CodeInvalidURL},
		"an address":        {map[string]any{"url": "https://169.254.169.254/"}, payments.CodeInvalidURL},
		"this machine":      {map[string]any{"url": "https://localhost/"}, payments.CodeInvalidURL},
		"a password":        {map[string]any{"url": "https://a:b@shop.example/"}, payments.CodeInvalidURL},
		"another port":      {map[string]any{"url": "https://shop.example:6379/"}, payments.CodeInvalidURL},
		"no such event":     {map[string]any{"events_whitelist": []string{"transaction.capture"}}, payments.CodeValidation},
		"events, no list":   {map[string]any{"events_whitelist": "all"}, payments.CodeValidation},
		"a description":     {map[string]any{"description": strings.Repeat("a", 1000)}, payments.CodeInvalidDescription},
		"neither on or off": {map[string]any{"enabled": "perhaps"}, payments.CodeValidation},
	} {
		g := w.webhookEndpoint(tc.fields).fails(t, 400, tc.code)
		if len(g.at("invalid_fields").([]any)) != 1 {
			t.Errorf("%s: %s", name, g.body)
		}
		if name != "no url" {
			w.private("PUT", "/webhook-endpoints/"+id, tc.fields).fails(t, 400, tc.code)
		}
	}
	w.private("PUT", "/webhook-endpoints/"+id, map[string]any{"url": ""}).fails(t, 400, payments.CodeInvalidURL)
	w.private("POST", "/webhook-endpoints/"+id+"/rotate-secret", map[string]any{"old_secret_expires_in": 604801}).fails(t, 400, payments.CodeValidation)
	w.private("POST", "/webhook-endpoints/"+id+"/rotate-secret", map[string]any{"old_secret_expires_in": -1}).fails(t, 400, payments.CodeValidation)
	w.private("POST", "/webhook-endpoints/"+id+"/replay", map[string]any{"since": "2026-01-01"}).fails(t, 400, payments.CodeInvalidDate)
	w.private("POST", "/webhook-endpoints/"+id+"/replay", map[string]any{"since": "2026-01-02", "until": "2026-01-01"}).fails(t, 400, payments.CodeInvalidDate)
	w.private("POST", "/webhook-endpoints/"+id+"/replay", map[string]any{"since": "then", "until": "now"}).fails(t, 400, payments.CodeInvalidDate)
	// What an invoice or a token names is checked in the same way.
	w.private("POST", "/invoices", map[string]any{"name": "n", "amount": "1", "currency": "PHP", "webhook_url": "https://10.0.0.1/"}).fails(t, 400, payments.CodeInvalidURL)
	w.token(w.customer(), map[string]any{"webhook_url": "http://shop.example/"}).fails(t, 400, payments.CodeInvalidURL)
}

// A repeated request has the same answer, secrets included, and makes nothing anew.
func TestWebhookEndpointsOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.webhookEndpoint(nil, key("a")...).ok(t)
	w.now.pass(time.Minute)
	again := w.webhookEndpoint(nil, key("a")...).ok(t)
	if first.body != again.body || again.header.Get(headerReplayed) != "true" {
		t.Errorf("first\n%s\nagain\n%s", first.body, again.body)
	}
	w.webhookEndpoint(map[string]any{"description": "other"}, key("a")...).fails(t, 422, payments.CodeIdempotencyKeyInvalid)
	path := "/webhook-endpoints/" + first.text("webhook_endpoint", "id")
	rotated := w.private("POST", path+"/rotate-secret", map[string]any{"old_secret_expires_in": 60}, key("b")...).ok(t)
	if again := w.private("POST", path+"/rotate-secret", map[string]any{"old_secret_expires_in": 60}, key("b")...).ok(t); rotated.body != again.body {
		t.Errorf("first\n%s\nagain\n%s", rotated.body, again.body)
	}
	if rotated.text("webhook_endpoint", "secret") == first.text("webhook_endpoint", "secret") {
		t.Error("the secret is the old one")
	}
	e, err := w.store.WebhookEndpoint(t.Context(), projectID, first.text("webhook_endpoint", "id"))
	if err != nil || len(e.Secrets) != 2 || !e.Secrets[0].ExpiresAt.IsZero() || !e.Secrets[1].ExpiresAt.Equal(w.now.Now().Add(time.Minute)) {
		t.Errorf("%+v (%v)", e.Secrets, err)
	}
	stored, err := json.Marshal(w.store.claims[payments.ClaimKey{ProjectID: projectID, Scope: "private POST /webhook-endpoints", Key: "a"}])
	if err != nil || strings.Contains(string(stored), strings.TrimPrefix(first.text("webhook_endpoint", "secret"), "whsec_")) || !strings.Contains(string(stored), "sealed") {
		t.Errorf("the secret lies in the claim in the open: %s (%v)", stored, err)
	}
	for range 2 {
		w.private("POST", path+"/replay", map[string]any{"since": "2026-01-01", "until": "2026-02-01"}, key("c")...).ok(t)
	}
	if len(w.store.replays) != 1 {
		t.Errorf("%d replays", len(w.store.replays))
	}
}

func TestEventWebhooks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.customer()
	event := w.private("GET", "/events", nil).ok(t).text("events", 0, "id")
	all := w.webhookEndpoint(nil).ok(t).text("webhook_endpoint", "id")
	none := w.webhookEndpoint(map[string]any{"events_whitelist": []string{"transaction.voided"}}).ok(t).text("webhook_endpoint", "id")
	w.private("POST", "/events/"+event+"/replay", nil).ok(t)
	w.private("POST", "/events/"+event+"/replay", map[string]any{"webhook_endpoint_id": none}).ok(t)
	w.private("POST", "/events/"+event+"/replay", map[string]any{"webhook_endpoint_id": "whend_x"}).fails(t, 404, payments.CodeWebhookEndpointNotFound)
	w.private("POST", "/events/ev_x/replay", nil).fails(t, 404, payments.CodeEventNotFound)
	w.private("GET", "/events/ev_x/webhooks", nil).fails(t, 404, payments.CodeEventNotFound)
	d := &w.store.deliveries[0]
	d.State, d.Response = payments.DeliveryDelivered, &payments.DeliveryResponse{Status: 204, Header: "A: b\n", Body: "", Duration: 1500 * time.Microsecond}
	g := w.private("GET", "/events/"+event+"/webhooks?expand=event", nil).ok(t)
	if g.at("count") != 2.0 || g.text("webhooks", 0, "webhook_endpoint_id") != none || g.text("webhooks", 1, "webhook_endpoint_id") != all {
		t.Fatal(g.body)
	}
	pending := map[string]any{
		"id": g.text("webhooks", 0, "id"), "project": nil, "project_id": projectID, "event_id": event, "event": g.at("webhooks", 1, "event"), "webhook_endpoint_id": none, "attempt": 1.0,
		"request_url": "https://shop.example/hook", "request_method": "POST", "response_body": nil, "response_code": nil, "response_headers": nil, "response_time_ms": nil,
		"status": "pending", "created_at": "2026-03-04T12:00:00.123Z", "release_at": "2026-03-04T12:00:00.123Z",
	}
	if diff := cmp.Diff(any(pending), g.at("webhooks", 0)); diff != "" {
		t.Errorf("pending (-want +got):\n%s", diff)
	}
	if g.text("webhooks", 1, "status") != "delivered" || g.text("webhooks", 1, "response_code") != "204" || g.at("webhooks", 1, "response_time_ms") != 1.0 || g.at("webhooks", 1, "response_body") != nil || g.text("webhooks", 1, "event", "id") != event {
		t.Error(g.body)
	}
	next := w.private("GET", "/events/"+event+"/webhooks?limit=1&start_after="+g.text("webhooks", 0, "id"), nil).ok(t)
	if next.at("count") != 1.0 || next.text("webhooks", 0, "webhook_endpoint_id") != all || next.at("has_more") != false {
		t.Error(next.body)
	}
	w.private("GET", "/events/"+event+"/webhooks?start_after=whdl_x", nil).fails(t, 400, payments.CodePaginationInvalid)
}

// The event that tells of a disabled endpoint shows it, without its secrets.
func TestEndpointDisabledEvent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := payments.WebhookEndpoint{ProjectID: projectID, ID: "whend_1", URL: "https://shop.example/", DisabledReason: "it is gone", DisabledAt: noon, CreatedAt: noon, Sandbox: true}
	event := payments.Event{ProjectID: projectID, ID: "ev_1", Name: payments.EventEndpointDisabled, Snapshot: payments.Snapshot{Endpoint: &e}, Sandbox: true, FiredAt: noon}
	if err := w.store.Apply(t.Context(), payments.Change{Events: []payments.Event{event}}); err != nil {
		t.Fatal(err)
	}
	g := w.private("GET", "/events/ev_1", nil).ok(t)
	if g.text("event", "data", "webhook_endpoint", "id") != "whend_1" || g.text("event", "data", "webhook_endpoint", "disabled_reason") != "it is gone" || g.text("event", "data", "webhook_endpoint", "project", "id") != projectID {
		t.Error(g.body)
	}
	if !slices.Contains(payments.EventNames(), payments.EventEndpointDisabled) {
		t.Error("nobody can ask for it")
	}
}
