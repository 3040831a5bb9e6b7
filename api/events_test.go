package api

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"switchyard/payments"
)

func TestEvents(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	customer := w.customer()
	token := w.token(customer, map[string]any{"source": w.card()}).ok(t).text("token", "id")
	invoice := w.invoice(map[string]any{"customer_id": customer}).text("invoice", "id")
	w.private("POST", "/invoices/"+invoice+"/capture", map[string]any{"source": token}).ok(t)
	g := w.private("GET", "/events?limit=100", nil).ok(t)
	var names []string
	for i := range g.at("events").([]any) {
		names = append(names, g.text("events", i, "name"))
	}
	want := []string{"transaction.captured", "customer.token.created", "customer.created"}
	if !slices.Equal(names, want) {
		t.Fatalf("%v", names)
	}
	captured := w.private("GET", "/events/"+g.text("events", 0, "id"), nil).ok(t)
	if !cmp.Equal(captured.at("event"), g.at("events", 0)) {
		t.Error("one event, two answers")
	}
	data := func(i int, path ...any) any { return g.at(append([]any{"events", i, "data"}, path...)...) }
	if data(0, "name") != "transaction.captured" || data(0, "sandbox") != true || data(0, "transaction", "invoice_id") != invoice || data(0, "transaction", "status") != "completed" ||
		data(0, "transaction", "invoice", "id") != invoice || data(0, "transaction", "gateway_configuration", "id") != gatewayID || len(data(0, "transaction", "operations").([]any)) != 5 ||
		data(0, "transaction", "invoice", "transaction") != nil || data(0, "transaction", "customer", "id") != customer || data(0, "transaction", "token", "id") != token || data(0, "transaction", "refunds") == nil {
		t.Errorf("%v", data(0))
	}
	if data(1, "token", "id") != token || data(1, "token", "customer", "id") != customer || data(1, "token", "card", "last_4_digits") != "4242" || data(1, "token", "is_default") != true {
		t.Errorf("%v", data(1))
	}
	if data(2, "customer", "id") != customer || data(2, "customer", "tokens") != nil || data(2, "customer", "project", "id") != projectID {
		t.Errorf("what was not kept with an event is null: %v", data(2))
	}
	webhooks := w.private("GET", "/events/"+g.text("events", 0, "id")+"/webhooks", nil).ok(t)
	if !cmp.Equal(webhooks.at("webhooks"), []any{}) || webhooks.at("has_more") != false {
		t.Error(webhooks.body)
	}
}

// TestEventsDoNotChange: an event tells what was, whatever has happened since.
func TestEventsDoNotChange(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	customer := w.customer()
	id := w.private("GET", "/events", nil).text("events", 0, "id")
	before := w.private("GET", "/events/"+id, nil).ok(t)
	w.private("PUT", "/customers/"+customer, map[string]any{"first_name": "Byron"}).ok(t)
	w.private("DELETE", "/customers/"+customer, nil).ok(t)
	if after := w.private("GET", "/events/"+id, nil).ok(t); after.body != before.body {
		t.Errorf("before:\n%s\nafter:\n%s", before.body, after.body)
	}
}

func TestConfiguration(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	g := w.private("GET", "/gateway-configurations?expand_merchant_accounts=true&expand=gateway", nil).ok(t)
	if g.at("count") != 2.0 || g.text("gateway_configurations", 0, "id") != "gway_conf_bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb" || g.text("gateway_configurations", 1, "gateway", "display_name") != "PayMongo" {
		t.Error(g.body)
	}
	number, _ := g.at("gateway_configurations", 1, "gateway_id").(float64)
	if number < 1 || number != float64(int32(number)) {
		t.Errorf("gateway_id must be a whole number that fits everywhere: %v", number)
	}
	one := w.private("GET", "/gateway-configurations/"+gatewayID, nil).ok(t)
	if one.at("gateway_configuration", "gateway") != nil || one.at("gateway_configuration", "enabled") != true || one.text("gateway_configuration", "default_currency") != "PHP" {
		t.Error(one.body)
	}
	if of := w.private("GET", "/gateways/xendit/gateway-configurations", nil).ok(t); of.at("count") != 1.0 || of.at("gateway_configurations", 0, "enabled_at") != nil {
		t.Error(of.body)
	}
	w.private("GET", "/gateways/dojo/gateway-configurations", nil).fails(t, 404, payments.CodeGatewayNotFound)
	project := w.private("GET", "/projects/"+projectID, nil).ok(t)
	if project.text("project", "name") != "One" || project.at("project", "private_key") != nil {
		t.Error(project.body)
	}
}

func TestMeta(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if g := w.do(ask{method: "GET", path: "/", anonymous: true}).ok(t); g.text("current_version") == "" || g.text("latest_version") == "" || len(g.at("versions").([]any)) == 0 {
		t.Error(g.body)
	}
	w.do(ask{method: "POST", path: "/telemetry", body: map[string]any{"events": []any{}}, anonymous: true}).ok(t)
	g := w.private("GET", "/error-codes", nil).ok(t)
	for _, category := range []string{"generic", "service", "gateway", "card", "check", "shipping", "customer", "payment", "refund", "wallet", "request"} {
		if _, ok := g.at("gateway", category).([]any); !ok {
			t.Errorf("no %s: %v", category, g.at("gateway", category))
		}
	}
	if codes := g.at("gateway", "card").([]any); !slices.Contains(codes, any("card.no-money")) {
		t.Errorf("%v", codes)
	}
}
