package program

import (
	"strings"
	"testing"
)

// TestFlowPayMongoCardVaulting: a customer's card is vaulted with the first payment, listed, charged again with a renewed CVC,
// and deleted at PayMongo together with its owner.
func TestFlowPayMongoCardVaulting(t *testing.T) {
	t.Parallel()
	p := startDev(t, t.TempDir())
	p.only("paymongo")
	w := p.watch("paymongo")
	customer := p.customer(object{"phone_number": "+639171234567"})
	card := p.card("4343434343434345")
	token := p.call("POST", "/customers/"+customer+"/tokens", object{"source": card}).text1("token", "id")

	// The first payment: the token is a card, with a CVC that the payer gives again.
	p.call("PUT", "/cards/"+card, object{"cvc2": "123"})
	invoice := p.invoiceOf(customer, "123.45", "PHP", nil)
	p.capture(invoice, "completed", object{"source": token})
	calls := w.calls("POST /customers", "POST /payment_methods", "POST /payment_intents", "POST /payment_intents/*/attach", "GET /customers/*/payment_methods")
	w.has(calls[0], map[string]string{
		"headers.Authorization": `"Basic base64(sk_…:)"`, "body.data.attributes.first_name": `"Ada"`, "body.data.attributes.last_name": `"Lovelace"`,
		"body.data.attributes.email": `"ada@example.com"`, "body.data.attributes.default_device": `"email"`, "body.data.attributes.phone": `"+639171234567"`,
	})
	w.has(calls[1], map[string]string{
		"body.data.attributes.type": `"card"`, "body.data.attributes.details.card_number": `"[masked]"`, "body.data.attributes.details.cvc": `"[masked]"`,
		"body.data.attributes.details.exp_month": `12`, "body.data.attributes.details.exp_year": `2031`,
	})
	w.has(calls[2], map[string]string{
		"body.data.attributes.amount": `12345`, "body.data.attributes.currency": `"PHP"`, "body.data.attributes.capture_type": `"automatic"`,
		"body.data.attributes.payment_method_allowed": `["card"]`, "body.data.attributes.setup_future_usage.session_type": `"on_session"`,
	})
	owner := calls[2].text("body", "data", "attributes", "setup_future_usage", "customer_id")
	if !strings.HasPrefix(owner, "cus_") {
		t.Errorf("the card is kept for %q", owner)
	}
	method := calls[3].text("body", "data", "attributes", "payment_method")
	if !strings.HasPrefix(method, "pm_") || !strings.HasPrefix(calls[3].text("body", "data", "attributes", "return_url"), p.api+"/returns/") {
		t.Errorf("attach: %v", calls[3])
	}
	for _, call := range calls[:4] {
		if call.text("headers", "Idempotency-Key") == "" {
			t.Errorf("%s has no idempotency key", call.shape())
		}
	}

	p.vaultedAtPayMongo(customer, token)
	w.calls("GET /customers/*/payment_methods")

	// The second payment: the CVC is renewed on the very method that is vaulted, and nothing is saved again.
	p.call("PUT", "/cards/"+card, object{"cvc2": "321"})
	invoice = p.invoiceOf(customer, "100.00", "PHP", nil)
	p.capture(invoice, "completed", object{"source": token})
	calls = w.calls("PUT /payment_methods/*", "POST /payment_intents", "POST /payment_intents/*/attach")
	w.has(calls[0], map[string]string{"path": `"/payment_methods/` + method + `"`, "body.data.attributes.type": `"card"`, "body.data.attributes.cvc": `"[masked]"`})
	w.has(calls[1], map[string]string{"body.data.attributes.amount": `10000`, "body.data.attributes.setup_future_usage": `null`})
	w.has(calls[2], map[string]string{"body.data.attributes.payment_method": `"` + method + `"`})

	// Without a CVC PayMongo cannot be used, and says so.
	a := p.call("GET", "/customers/"+customer+"/tokens/"+token+"/gateways", nil)
	if !strings.Contains(a.text, "PayMongo") || !strings.Contains(a.text, "CVC") {
		t.Errorf("the token's gateways do not say what PayMongo needs: %s", a.text)
	}
	p.charged("paymongo", 12345, 10000)

	if a := p.call("DELETE", "/customers/"+customer+"/tokens/"+token, nil); a.status != 200 {
		t.Fatal(a.text)
	}
	calls = w.calls("DELETE /customers/*/payment_methods/*")
	w.has(calls[0], map[string]string{"path": `"/customers/` + owner + `/payment_methods/` + method + `"`})
	if a := p.call("DELETE", "/customers/"+customer, nil); a.status != 200 {
		t.Fatal(a.text)
	}
	calls = w.calls("DELETE /customers/*")
	w.has(calls[0], map[string]string{"path": `"/customers/` + owner + `"`})
}

// vaultedAtPayMongo insists that PayMongo lists one card of the customer, which is the token.
func (p *process) vaultedAtPayMongo(customer, token string) {
	p.t.Helper()
	a := p.call("GET", "/customers/"+customer+"/payment-methods", nil)
	var kept []any
	gateways, _ := a.get("gateways").([]any)
	for _, row := range gateways {
		if g := row.(object); g["psp"] == "paymongo" {
			kept, _ = g["payment_methods"].([]any)
		}
	}
	if len(kept) != 1 || kept[0].(object)["token_id"] != token || kept[0].(object)["usable"] != true {
		p.t.Errorf("what PayMongo keeps: %s", a.text)
	}
}

// TestFlowPayMongoWithoutVaulting: an account that may not vault takes the payment all the same, once, and is not asked to vault
// again.
func TestFlowPayMongoWithoutVaulting(t *testing.T) {
	t.Parallel()
	p := startDev(t, t.TempDir())
	p.sim("POST", "/_sim/settings", object{"psp": "paymongo", "vaulting": false})
	p.only("paymongo")
	w := p.watch("paymongo")
	customer := p.customer(nil)
	pay := func(amount string) (string, answer) {
		invoice := p.invoiceOf(customer, amount, "PHP", nil)
		return invoice, p.capture(invoice, "completed", object{"source": p.card("4343434343434345"), "save_source": true})
	}
	invoice, told := pay("100.00")
	calls := w.calls("POST /customers", "POST /payment_methods", "POST /payment_intents 400", "POST /payment_methods", "POST /payment_intents", "POST /payment_intents/*/attach")
	if calls[2].at("body", "data", "attributes", "setup_future_usage") == nil {
		t.Error("the first try does not ask to save")
	}
	w.has(calls[4], map[string]string{"body.data.attributes.setup_future_usage": `null`, "body.data.attributes.amount": `10000`})
	attempts := p.attempts(invoice)
	if n := len(attempts); n < 2 || attempts[n-2] != "paymongo failed gateway.not-allowed" || attempts[n-1] != "paymongo approved" {
		t.Errorf("attempts: %q", attempts)
	}
	if !strings.Contains(told.text, "session payments are not yet supported") {
		t.Errorf("the operations do not say what PayMongo said: %s", told.text)
	}
	p.charged("paymongo", 10000)

	invoice, told = pay("200.00")
	calls = w.calls("POST /payment_methods", "POST /payment_intents", "POST /payment_intents/*/attach")
	w.has(calls[1], map[string]string{"body.data.attributes.setup_future_usage": `null`})
	if attempts := p.attempts(invoice); attempts[len(attempts)-1] != "paymongo approved" || strings.Contains(told.text, "not-allowed") {
		t.Errorf("attempts: %q", attempts)
	}
	p.charged("paymongo", 10000, 20000)
}
