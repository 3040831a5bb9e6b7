package api

import (
	"net/url"
	"testing"
	"time"

	"switchyard/flow"
	"switchyard/payments"
)

// TestTokenLifecycle: every line of the table in the documentation.
func TestTokenLifecycle(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	customer := w.customer()
	check := func(name string, g got, kind, status string, chargeable bool) {
		t.Helper()
		if g.text("token", "type") != kind || g.text("token", "verification_status") != status || g.at("token", "is_chargeable") != chargeable || g.text("token", "customer_id") != customer {
			t.Errorf("%s: %s", name, g.body)
		}
	}
	path := func(g got) string { return "/customers/" + customer + "/tokens/" + g.text("token", "id") }

	g := w.token(customer, map[string]any{"source": w.card()}).ok(t)
	check("a source, no verify", g, "card", "not-requested", true)
	if g.at("token", "is_default") != true || g.text("token", "card", "last_4_digits") != "4242" {
		t.Errorf("the first token is the default and has its card: %s", g.body)
	}
	g = w.token(customer, map[string]any{}).ok(t)
	check("nothing", g, "pending", "not-requested", false)
	check("then a source", w.private("PUT", path(g), map[string]any{"source": w.card()}).ok(t), "card", "not-requested", true)
	check("and read", w.private("GET", path(g), nil).ok(t), "card", "not-requested", true)

	g = w.private("POST", "/customers/"+customer+"/tokens", url.Values{"verify": {"true"}}).ok(t)
	check("verify, no source", g, "pending", "pending", false)
	check("then a client's source", w.public("PUT", path(g), map[string]any{"source": w.card(), "verify": false}).ok(t), "card", "success", true)

	g = w.token(customer, map[string]any{"verify": true, "source": w.card(), "device": map[string]any{"ip_address": "192.0.2.7", "user_agent": "Phone"}}).ok(t)
	check("verify and a source", g, "card", "success", true)
	if r := w.engine.request().(flow.VerifyRequest); r.ClientIP != "192.0.2.7" || r.UserAgent != "Phone" {
		t.Errorf("the engine was told of the payer's device: %+v", r)
	}
	w.engine.set("declined")
	g = w.token(customer, map[string]any{"verify": true}).ok(t)
	w.private("PUT", path(g), map[string]any{"source": w.card()}).fails(t, 410, string(payments.CardDoNotHonor))
	check("declined", w.private("GET", path(g), nil).ok(t), "card", "failed", false)
	w.engine.set("action")
	check("an action", w.private("PUT", path(g), map[string]any{"source": w.card()}).ok(t), "card", "pending", false)
}

func TestTokenFields(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	customer := w.customer()
	g := w.token(customer, map[string]any{
		"description": "Ada's", "return_url": "https://shop.example/r", "cancel_url": "https://shop.example/c", "invoice_return_url": "shop.app://processout/return",
		"webhook_url": "https://shop.example/h", "metadata": map[string]any{"a": "b"}, "manual_invoice_cancellation": true, "summary": "Visa", "set_default": true,
		"invoice_id": w.invoice().text("invoice", "id"), "gateway_configuration_id": nil, "settings": nil, "preferred_scheme": "visa", "provision_network_token": false,
	}).ok(t)
	for name, want := range map[string]any{"description": "Ada's", "return_url": "https://shop.example/r", "invoice_return_url": "shop.app://processout/return", "manual_invoice_cancellation": true, "is_default": true} {
		if g.at("token", name) != want {
			t.Errorf("%s: %v", name, g.at("token", name))
		}
	}
	for _, test := range []struct {
		fields map[string]any
		code   string
		status int
	}{
		{map[string]any{"source": "card_nobody"}, payments.CodeSourceInvalid, 400},
		{map[string]any{"source": true}, payments.CodeSourceInvalid, 400},
		{map[string]any{"return_url": "nowhere"}, payments.CodeInvalidURL, 400},
		{map[string]any{"webhook_url": "shop.app://x"}, payments.CodeInvalidURL, 400},
		{map[string]any{"description": string(make([]byte, 256))}, payments.CodeInvalidDescription, 400},
		{map[string]any{"metadata": "x"}, payments.CodeInvalidMetadata, 400},
		{map[string]any{"device": map[string]any{"ip_address": "x"}}, payments.CodeValidation, 400},
		{map[string]any{"invoice_id": "iv_nobody"}, payments.CodeInvoiceNotFound, 404},
	} {
		w.token(customer, test.fields).fails(t, test.status, test.code)
	}
	w.token("cust_nobody", map[string]any{}).fails(t, 404, payments.CodeCustomerNotFound)
	card := w.card()
	w.token(customer, map[string]any{"source": card}).ok(t)
	w.token(customer, map[string]any{"source": card}).fails(t, 400, payments.CodeSourceCardAlreadyUsed)
	w.private("PUT", "/customers/"+customer+"/tokens/"+g.text("token", "id"), map[string]any{}).fails(t, 400, payments.CodeMissingSource)
}

func TestTokenList(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	customer := w.customer()
	var made []string
	for range 3 {
		made = append(made, w.token(customer, map[string]any{"source": w.card()}).ok(t).text("token", "id"))
	}
	path := "/customers/" + customer + "/tokens"
	w.private("DELETE", path+"/"+made[1], nil).ok(t)
	w.private("GET", path+"/"+made[1], nil).fails(t, 404, payments.CodeTokenNotFound)
	w.private("GET", "/customers/"+w.customer()+"/tokens/"+made[0], nil).fails(t, 404, payments.CodeTokenNotFound)
	g := w.private("GET", path+"?expand=customer", nil).ok(t)
	if g.text("tokens", 0, "id") != made[2] || g.text("tokens", 1, "id") != made[0] || g.at("count") != 2.0 {
		t.Errorf("newest first, without what is deleted: %s", g.body)
	}
	if g.text("tokens", 1, "card", "last_4_digits") != "4242" || g.text("tokens", 1, "customer", "id") != customer || g.at("tokens", 1, "is_default") != true || g.at("tokens", 0, "is_default") != false {
		t.Errorf("%s", g.body)
	}
}

func TestTokenGateways(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	customer := w.customer()
	token := w.token(customer, map[string]any{"source": w.card()}).ok(t).text("token", "id")
	w.store.mappings["x"] = payments.Mapping{
		ProjectID: projectID, TokenID: token, GatewayConfigurationID: gatewayID, PSP: "paymongo", Status: payments.MappingUsable,
		MethodRef: "pm_1234567890abcd", LastSuccessAt: noon.Add(time.Minute),
	}
	g := w.private("GET", "/customers/"+customer+"/tokens/"+token+"/gateways", nil).ok(t)
	rows := map[string]map[string]any{}
	for _, row := range g.at("gateways").([]any) {
		row := row.(map[string]any)
		rows[row["psp"].(string)] = row
		if row["reason"] == "" || row["reason"] == nil {
			t.Errorf("no reason: %v", row)
		}
	}
	if row := rows["paymongo"]; len(rows) != 2 || row["status"] != "usable" || row["provider_reference_masked"] != "pm_1****abcd" || row["last_success_at"] != "2026-03-04T12:01:00.123Z" {
		t.Errorf("%s", g.body)
	}
	if _, has := rows["xendit"]["provider_reference_masked"]; has {
		t.Errorf("a reference that there is not: %s", g.body)
	}
}

func TestMasked(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"pm_1234567890abcd": "pm_1****abcd", "pm_123456789": "pm_1****6789", "short": "****", "12345678901": "****"} {
		if got := masked(in); got != want {
			t.Errorf("%s: %s", in, got)
		}
	}
}
