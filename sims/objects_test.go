package sims_test

import "testing"

// The objects around a payment: made, read, changed and deleted.

func TestPayMongoObjects(t *testing.T) {
	p := paymongo{start(t)}
	customer := "/customers/" + p.call("POST", "/customers", obj{
		"first_name": "Ada", "last_name": "Lovelace", "email": "ada@example.com", "phone": "+639170000000", "default_device": "phone",
	}).text("data", "id")
	if r := p.call("PATCH", customer, obj{"last_name": "Byron"}); r.text("data", "attributes", "last_name") != "Byron" || r.text("data", "attributes", "first_name") != "Ada" {
		t.Errorf("update: %d %s", r.status, r.body)
	}
	if r := p.call("GET", customer, nil); r.text("data", "attributes", "phone") != "+639170000000" {
		t.Errorf("read: %d %s", r.status, r.body)
	}
	if r := p.call("DELETE", customer, nil); r.at("data", "attributes", "deleted") != true {
		t.Errorf("delete: %d %s", r.status, r.body)
	}
	if r := p.call("GET", customer+"/payment_methods", nil); r.status != 404 {
		t.Errorf("deleted: %d", r.status)
	}

	intent := p.call("POST", "/payment_intents", obj{"amount": 2000, "currency": "PHP", "payment_method_allowed": []string{"card"}})
	public := func(method, path, key string, body any) reply {
		return p.send(t.Context(), request{method: method, url: p.base("paymongo") + path, user: key, body: body})
	}
	id, secret := intent.text("data", "id"), intent.text("data", "attributes", "client_key")
	if r := public("GET", "/payment_intents/"+id+"?client_key="+secret, "pk_test_a", nil); r.status != 200 {
		t.Errorf("public read: %d %s", r.status, r.body)
	}
	attach := obj{"data": obj{"attributes": obj{"payment_method": p.method("4242424242424242"), "client_key": secret}}}
	if r := public("POST", "/v1//payment_intents/"+id+"/attach", "pk_test_a", attach); r.status != 200 {
		t.Errorf("public attach: %d %s", r.status, r.body)
	}
	for _, path := range []string{"/payment_intents/" + id, "/payment_intents/" + id + "?client_key=no", "/payments"} {
		if r := public("GET", path, "pk_test_a", nil); r.status != 401 {
			t.Errorf("public %s: %d", path, r.status)
		}
	}
}

func TestProcessOutObjects(t *testing.T) {
	p := processout{start(t)}
	card := p.card("4242424242424242")
	if r := p.call("PUT", "/cards/"+card, obj{"cvc2": "999"}); r.text("card", "last_4_digits") != "4242" {
		t.Errorf("card update: %d %s", r.status, r.body)
	}
	if r := p.call("GET", "/cards/"+card, nil); r.text("card", "scheme") != "visa" {
		t.Errorf("card: %d %s", r.status, r.body)
	}
	p.call("DELETE", "/cards/"+card, nil)
	if r := p.call("GET", "/cards/"+card, nil); r.status != 404 || r.text("error_type") != "resource.card.not-found" {
		t.Errorf("deleted card: %d %s", r.status, r.body)
	}

	customer := p.call("POST", "/customers", obj{"email": "ada@example.com", "id": "cust_mine", "last_name": nil})
	if r := p.call("PUT", "/customers/cust_mine", obj{"last_name": "Byron", "email": nil}); r.text("customer", "last_name") != "Byron" || r.text("customer", "email") != "ada@example.com" {
		t.Errorf("customer: %s then %d %s", customer.body, r.status, r.body)
	}
	if r := p.call("GET", "/customers?limit=5", nil); r.text("customers", 0, "id") != "cust_mine" || r.at("has_more") != false {
		t.Errorf("customers: %s", r.body)
	}
	token := p.call("POST", "/customers/cust_mine/tokens", obj{"source": p.card("4242424242424242")}).text("token", "id")
	p.call("DELETE", "/customers/cust_mine", nil)
	for _, path := range []string{"/customers/cust_mine", "/customers/cust_mine/tokens/" + token} {
		if r := p.call("GET", path, nil); r.status != 404 || r.text("error_type") != "resource.customer.not-found" {
			t.Errorf("after the customer: %s: %d %s", path, r.status, r.body)
		}
	}

	invoice := p.invoice("objects", "10", "USD", nil)
	if r := p.call("PUT", "/invoices/"+invoice, obj{"amount": "12.5"}); r.text("invoice", "amount") != "12.5" {
		t.Errorf("invoice update: %d %s", r.status, r.body)
	}
	keyed := func(source string) reply {
		return p.send(t.Context(), request{
			method: "POST", url: p.base("processout") + "/invoices/" + invoice + "/capture", user: "test-proj_a", password: "key_test_a",
			header: map[string]string{"Idempotency-Key": "once"}, body: obj{"source": source},
		})
	}
	source := p.card("4242424242424242")
	first, again := keyed(source), keyed(source)
	if first.status != 200 || first.body != again.body {
		t.Errorf("replay: %d %s, %d %s", first.status, first.body, again.status, again.body)
	}
	if r := keyed("other"); r.status != 400 || r.text("error_type") != "request.idempotency-key.invalid" {
		t.Errorf("same key, other body: %d %s", r.status, r.body)
	}
	transaction := "/transactions/" + first.text("transaction", "id")
	refund := p.call("POST", transaction+"/refunds", obj{"amount": "2.5"}).text("refund", "id")
	for _, path := range []string{transaction + "?expand=operations,refunds", "/invoices/" + invoice + "/transactions?expand[0]=refunds"} {
		if r := p.call("GET", path, nil); r.text("transaction", "captured_amount") != "12.5" || r.text("transaction", "refunds", 0, "id") != refund {
			t.Errorf("%s: %d %s", path, r.status, r.body)
		}
	}
	if r := p.call("GET", transaction+"/refunds", nil); r.text("refunds", 0, "id") != refund {
		t.Errorf("refunds: %s", r.body)
	}
	if r := p.call("GET", transaction+"/refunds/"+refund, nil); r.text("refund", "amount") != "2.5" {
		t.Errorf("refund: %s", r.body)
	}
}

func TestProcessOutTokenComesBackFromChallenge(t *testing.T) {
	p := processout{start(t)}
	tokens := "/customers/" + p.call("POST", "/customers", nil).text("customer", "id") + "/tokens/"
	for outcome, status := range map[string]int{"authorize": 200, "fail": 410} {
		token := tokens + p.call("POST", tokens, obj{"verify": true}).text("token", "id")
		card := p.card("4000000000003246")
		r := p.call("PUT", token, obj{"source": card})
		if r.text("customer_action", "type") != "url" {
			t.Fatalf("challenge: %d %s", r.status, r.body)
		}
		if r := p.call("PUT", token, obj{"source": "gway_req_e30"}); r.text("customer_action", "value") == "" {
			t.Errorf("back too early: %d %s", r.status, r.body)
		}
		p.decide(r.text("customer_action", "value"), outcome)
		// With this kind of action a client repeats the card itself.
		if r := p.call("PUT", token, obj{"source": card}); r.status != status {
			t.Errorf("back after %s: %d %s", outcome, r.status, r.body)
		}
	}
}

func TestXenditObjects(t *testing.T) {
	x := xendit{start(t)}
	made := x.call("POST", "/customers", obj{"reference_id": "c1", "type": "INDIVIDUAL", "email": "ada@example.com"})
	if made.status != 201 {
		t.Fatalf("customer: %d %s", made.status, made.body)
	}
	if r := x.call("POST", "/customers", obj{"reference_id": "c1", "type": "INDIVIDUAL"}); r.status != 409 || r.text("error_code") != "DUPLICATE_ERROR" {
		t.Errorf("again: %d %s", r.status, r.body)
	}
	customer := "/customers/" + made.text("id")
	if r := x.call("PATCH", customer, obj{"email": "byron@example.com"}); r.text("email") != "byron@example.com" {
		t.Errorf("update: %d %s", r.status, r.body)
	}
	if r := x.call("GET", customer, nil); r.text("reference_id") != "c1" || r.text("email") != "byron@example.com" {
		t.Errorf("read: %d %s", r.status, r.body)
	}
	paid := x.pay("objects", "100", "PHP", "4242424242424242", nil)
	refund := func(reason string) reply {
		return x.send(t.Context(), request{
			method: "POST", url: x.base("xendit") + "/refunds", user: "xnd_development_a", header: map[string]string{"idempotency-key": "once"},
			body: obj{"payment_request_id": paid.text("payment_request_id"), "reason": reason, "amount": 10},
		})
	}
	first, again := refund("OTHERS"), refund("OTHERS")
	if first.status != 200 || first.body != again.body || x.rows("objects")[0].RefundedMinor != 1000 {
		t.Errorf("replay: %s, %s", first.body, again.body)
	}
	if r := refund("DUPLICATE"); r.status != 409 || r.text("error_code") != "IDEMPOTENCY_ERROR" {
		t.Errorf("same key, other body: %d %s", r.status, r.body)
	}
	if r := x.call("GET", "/refunds/"+first.text("id"), nil); r.number("amount") != "10" {
		t.Errorf("refund: %d %s", r.status, r.body)
	}
	list := x.call("GET", "/transactions?limit=1", nil)
	if list.text("data", 0, "type") != "REFUND" || list.at("has_more") != true {
		t.Errorf("first page: %s", list.body)
	}
	if r := x.call("GET", "/transactions?after_id="+list.text("data", 0, "id"), nil); r.text("data", 0, "type") != "PAYMENT" || r.at("data", 1) != nil {
		t.Errorf("next page: %s", r.body)
	}
	if r := x.call("GET", "/transactions/"+list.text("data", 0, "id"), nil); r.text("product_id") != first.text("id") {
		t.Errorf("transaction: %d %s", r.status, r.body)
	}
}
