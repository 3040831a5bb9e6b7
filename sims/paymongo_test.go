package sims_test

import (
	"maps"
	"strings"
	"testing"

	"switchyard/sims/ledger"
)

// paymongo drives the PayMongo simulator.
type paymongo struct{ *bench }

func (p paymongo) call(method, path string, attributes any) reply {
	p.t.Helper()
	return p.keyed(method, path, attributes, "")
}

func (p paymongo) keyed(method, path string, attributes any, key string) reply {
	p.t.Helper()
	in := request{method: method, url: p.base("paymongo") + "/v1" + path, user: "sk_test_any", header: map[string]string{}}
	if attributes != nil {
		in.body = obj{"data": obj{"attributes": attributes}}
	}
	if key != "" {
		in.header["Idempotency-Key"] = key
	}
	return p.send(p.t.Context(), in)
}

func (p paymongo) method(number string) string {
	p.t.Helper()
	r := p.call("POST", "/payment_methods", obj{"type": "card", "details": obj{
		"card_number": number, "exp_month": 12, "exp_year": 2040, "cvc": "123",
	}})
	if r.status != 200 {
		p.t.Fatalf("payment method %s: %d %s", number, r.status, r.body)
	}
	return r.text("data", "id")
}

func (p paymongo) intent(reference string, amount int64, capture string, more obj) string {
	p.t.Helper()
	attributes := obj{
		"amount": amount, "currency": "PHP", "payment_method_allowed": []string{"card"}, "capture_type": capture,
		"metadata": obj{"reference": reference},
	}
	maps.Copy(attributes, more)
	r := p.call("POST", "/payment_intents", attributes)
	if r.status != 200 || r.text("data", "attributes", "status") != "awaiting_payment_method" {
		p.t.Fatalf("intent: %d %s", r.status, r.body)
	}
	return r.text("data", "id")
}

func (p paymongo) attach(intent, method string) reply {
	p.t.Helper()
	return p.call("POST", "/payment_intents/"+intent+"/attach", obj{
		"payment_method": method, "return_url": "https://shop.example/back?a=1",
	})
}

func (p paymongo) status(intent string) string {
	p.t.Helper()
	return p.call("GET", "/payment_intents/"+intent, nil).text("data", "attributes", "status")
}

func errorCode(r reply) string { return r.text("errors", 0, "code") }

func TestPayMongoOutcomes(t *testing.T) {
	p := paymongo{start(t)}
	for _, c := range []struct{ number, subCode string }{
		{"4242424242424242", ""},
		{"4343434343434345", ""},
		{"5555444444444457", ""},
		{"4012888888881881", ""},
		{"4000000000000002", "generic_decline"},
		{"4200000000000018", "card_expired"},
		{"4300000000000017", "cvc_invalid"},
		{"4230000000000004", "generic_decline"},
		{"4500000000000015", "fraudulent"},
		{"5100000000000198", "insufficient_funds"},
		{"5300000000000196", "lost_card"},
		{"5500000000000194", "processor_unavailable"},
		{"4600000000000014", "blocked"},
	} {
		t.Run(c.number, func(t *testing.T) {
			reference := "ref" + c.number
			intent := p.intent(reference, 12345, "automatic", nil)
			r := p.attach(intent, p.method(c.number))
			if c.subCode == "" {
				if r.status != 200 || r.text("data", "attributes", "status") != "succeeded" ||
					r.text("data", "attributes", "payments", 0, "attributes", "status") != "paid" {
					t.Fatalf("attach: %d %s", r.status, r.body)
				}
				p.wantRow(reference, ledger.Charge{PSP: "paymongo", AmountMinor: 12345, Currency: "PHP", State: ledger.Captured, CapturedMinor: 12345})
				return
			}
			if r.status != 400 || errorCode(r) != "resource_failed_state" || r.text("errors", 0, "sub_code") != c.subCode {
				t.Fatalf("attach: %d %s", r.status, r.body)
			}
			r = p.call("GET", "/payment_intents/"+intent, nil)
			if r.text("data", "attributes", "status") != "awaiting_payment_method" ||
				r.text("data", "attributes", "last_payment_error", "failed_code") != c.subCode ||
				r.text("data", "attributes", "payments", 0, "attributes", "status") != "failed" {
				t.Errorf("declined intent: %s", r.body)
			}
			p.wantRow(reference, ledger.Charge{PSP: "paymongo", AmountMinor: 12345, Currency: "PHP", State: ledger.Declined})
		})
	}
}

func TestPayMongoRefusesBadRequests(t *testing.T) {
	p := paymongo{start(t)}
	card := obj{"card_number": "4242424242424242", "exp_month": 12, "exp_year": 2040, "cvc": "123"}
	with := func(field string, value any) obj {
		out := obj{}
		maps.Copy(out, card)
		out[field] = value
		return obj{"type": "card", "details": out}
	}
	intent := func(field string, value any) obj {
		out := obj{"amount": 2000, "currency": "PHP", "payment_method_allowed": []string{"card"}}
		out[field] = value
		return out
	}
	for _, c := range []struct {
		name, path string
		attributes obj
		code       string
	}{
		{"Luhn", "/payment_methods", with("card_number", "4242424242424241"), "parameter_format_invalid"},
		{"expired", "/payment_methods", with("exp_year", 2020), "parameter_invalid"},
		{"no CVC", "/payment_methods", with("cvc", nil), "parameter_required"},
		{"CVC is a number", "/payment_methods", with("cvc", 123), "parameter_data_type_invalid"},
		{"too little", "/payment_intents", intent("amount", 1999), "parameter_below_minimum"},
		{"too much", "/payment_intents", intent("amount", 1000000000), "parameter_above_maximum"},
		{"a fraction", "/payment_intents", intent("amount", 2000.5), "parameter_data_type_invalid"},
		{"text", "/payment_intents", intent("amount", "2000"), "parameter_data_type_invalid"},
		{"dollars", "/payment_intents", intent("currency", "USD"), "parameter_invalid"},
		{"off session", "/payment_intents", intent("setup_future_usage", obj{"session_type": "off_session"}), "parameter_invalid"},
	} {
		if r := p.call("POST", c.path, c.attributes); r.status != 400 || errorCode(r) != c.code {
			t.Errorf("%s: %d %s, want 400 %s", c.name, r.status, r.body, c.code)
		}
	}
	live := request{method: "GET", url: p.base("paymongo") + "/v1/payment_intents/pi_x", user: "sk_live_any"}
	if r := p.send(t.Context(), live); r.status != 401 || errorCode(r) != "api_key_invalid" {
		t.Errorf("live key: %d %s", r.status, r.body)
	}
	if r := p.call("GET", "/payment_intents/pi_x", nil); r.status != 404 || errorCode(r) != "resource_not_found" {
		t.Errorf("unknown intent: %d %s", r.status, r.body)
	}
	if r := p.call("GET", "/nothing", nil); r.status != 404 || r.body != "" {
		t.Errorf("unknown route: %d %q", r.status, r.body)
	}
	if r := p.call("POST", "/customers", obj{"email": "a@example.com"}); r.status != 422 || errorCode(r) != "invalid_request_body" {
		t.Errorf("customer without names: %d %s", r.status, r.body)
	}
	if r := p.call("POST", "/payment_methods", obj{"type": strings.Repeat("x", 1<<20)}); r.status != 413 {
		t.Errorf("a huge body: %d", r.status)
	}
}

func TestPayMongoHoldCaptureVoid(t *testing.T) {
	p := paymongo{start(t)}
	captured := p.intent("hold-1", 50000, "manual", nil)
	if r := p.attach(captured, p.method("4242424242424242")); r.text("data", "attributes", "status") != "awaiting_capture" {
		t.Fatalf("hold: %d %s", r.status, r.body)
	}
	p.wantRow("hold-1", ledger.Charge{PSP: "paymongo", AmountMinor: 50000, Currency: "PHP", State: ledger.Authorized})
	if r := p.call("POST", "/payment_intents/"+captured+"/capture", obj{"amount": 50001}); errorCode(r) != "allowed_amount_exceeded" {
		t.Errorf("over-capture: %d %s", r.status, r.body)
	}
	r := p.call("POST", "/payment_intents/"+captured+"/capture", obj{"amount": 30000})
	if r.text("data", "attributes", "status") != "succeeded" || r.number("data", "attributes", "payments", 0, "attributes", "amount") != "30000" {
		t.Errorf("partial capture: %d %s", r.status, r.body)
	}
	p.wantRow("hold-1", ledger.Charge{PSP: "paymongo", AmountMinor: 50000, Currency: "PHP", State: ledger.Captured, CapturedMinor: 30000})
	if r := p.call("POST", "/payment_intents/"+captured+"/capture", nil); errorCode(r) != "resource_succeeded_state" {
		t.Errorf("second capture: %d %s", r.status, r.body)
	}
	if r := p.call("POST", "/payment_intents/"+captured+"/cancel", nil); r.status != 400 || errorCode(r) != "resource_succeeded_state" {
		t.Errorf("cancel of what is taken: %d %s", r.status, r.body)
	}

	voided := p.intent("hold-2", 50000, "manual", nil)
	p.attach(voided, p.method("4242424242424242"))
	if r := p.call("POST", "/payment_intents/"+voided+"/cancel", nil); r.text("data", "attributes", "status") != "cancelled" {
		t.Errorf("void: %d %s", r.status, r.body)
	}
	p.wantRow("hold-2", ledger.Charge{PSP: "paymongo", AmountMinor: 50000, Currency: "PHP", State: ledger.Voided})

	stuck := p.intent("hold-3", 50000, "manual", nil)
	p.attach(stuck, p.method("5417881844647288"))
	if r := p.call("POST", "/payment_intents/"+stuck+"/cancel", nil); errorCode(r) != "resource_failed_state" {
		t.Errorf("the card whose hold cannot be cancelled: %d %s", r.status, r.body)
	}

	fenced := p.intent("hold-4", 50000, "automatic", nil)
	p.call("POST", "/payment_intents/"+fenced+"/cancel", nil)
	if r := p.attach(fenced, p.method("4242424242424242")); r.status != 400 || errorCode(r) != "resource_cancelled_state" {
		t.Errorf("attach after the fence: %d %s", r.status, r.body)
	}
}

func TestPayMongoRefunds(t *testing.T) {
	p := paymongo{start(t)}
	intent := p.intent("refund-1", 10000, "automatic", nil)
	payment := p.attach(intent, p.method("4242424242424242")).text("data", "attributes", "payments", 0, "id")
	back := func(amount int64, reference string) reply {
		return p.call("POST", "/refunds", obj{
			"amount": amount, "payment_id": payment, "reason": "requested_by_customer", "metadata": obj{"reference": reference},
		})
	}
	if r := back(4000, "b1"); r.status != 200 || r.text("data", "attributes", "status") != "succeeded" {
		t.Fatalf("partial refund: %d %s", r.status, r.body)
	}
	p.wantRow("refund-1", ledger.Charge{PSP: "paymongo", AmountMinor: 10000, Currency: "PHP", State: ledger.Captured, CapturedMinor: 10000, RefundedMinor: 4000})
	if r := back(6001, "b2"); r.status != 400 || errorCode(r) != "parameter_above_maximum" {
		t.Errorf("over-refund: %d %s", r.status, r.body)
	}
	if r := back(6000, "b3"); r.status != 200 {
		t.Errorf("the rest: %d %s", r.status, r.body)
	}
	p.wantRow("refund-1", ledger.Charge{PSP: "paymongo", AmountMinor: 10000, Currency: "PHP", State: ledger.Refunded, CapturedMinor: 10000, RefundedMinor: 10000})
	r := p.call("GET", "/payments/"+payment, nil)
	if r.text("data", "attributes", "refunds", 0, "attributes", "metadata", "reference") != "b1" || r.text("data", "attributes", "status") != "paid" {
		t.Errorf("payment: %s", r.body)
	}
	r = p.call("GET", "/refunds?payment_id="+payment, nil)
	if r.text("data", 0, "attributes", "metadata", "reference") != "b3" || r.text("data", 1, "attributes", "metadata", "reference") != "b1" {
		t.Errorf("refunds: %s", r.body)
	}
	if one := p.call("GET", "/refunds/"+r.text("data", 0, "id"), nil); one.number("data", "attributes", "amount") != "6000" {
		t.Errorf("refund: %s", one.body)
	}
	if r := p.call("GET", "/payments?payment_intent_id="+intent, nil); r.text("data", 0, "id") != payment || r.at("data", 1) != nil {
		t.Errorf("payments: %s", r.body)
	}
}

func TestPayMongoChallenge(t *testing.T) {
	for _, c := range []struct{ number, outcome, capture, status string }{
		{"4000000000000101", "authorize", "automatic", "succeeded"},
		{"4000000000000101", "fail", "automatic", "awaiting_payment_method"},
		{"4120000000000007", "authorize", "manual", "awaiting_capture"},
		{"5234000000000106", "authorize", "automatic", "awaiting_payment_method"},
	} {
		t.Run(c.number+" "+c.outcome, func(t *testing.T) {
			p := paymongo{start(t)}
			intent := p.intent("three-d", 10000, c.capture, nil)
			r := p.attach(intent, p.method(c.number))
			page := r.text("data", "attributes", "next_action", "redirect", "url")
			if r.text("data", "attributes", "status") != "awaiting_next_action" || page == "" {
				t.Fatalf("attach: %d %s", r.status, r.body)
			}
			if rows := p.rows("three-d"); rows != nil {
				t.Errorf("ledger before the challenge: %+v", rows)
			}
			if to := p.decide(page, c.outcome); to != "https://shop.example/back?a=1&payment_intent_id="+intent {
				t.Errorf("the payer goes to %s", to)
			}
			if got := p.status(intent); got != c.status {
				t.Errorf("status %s, want %s", got, c.status)
			}
			if len(p.rows("three-d")) != 1 {
				t.Errorf("ledger: %+v", p.rows("three-d"))
			}
		})
	}
	p := paymongo{start(t)}
	intent := p.intent("fenced", 10000, "automatic", nil)
	page := p.attach(intent, p.method("4000000000000101")).text("data", "attributes", "next_action", "redirect", "url")
	if r := p.call("POST", "/payment_intents/"+intent+"/cancel", nil); r.text("data", "attributes", "status") != "cancelled" {
		t.Fatalf("fence of an open challenge: %d %s", r.status, r.body)
	}
	p.decide(page, "authorize")
	if got := p.status(intent); got != "cancelled" || p.rows("fenced") != nil {
		t.Errorf("passed after the fence: %s %+v", got, p.rows("fenced"))
	}
}

func TestPayMongoSavedCards(t *testing.T) {
	p := paymongo{start(t)}
	customer := p.call("POST", "/customers", obj{
		"first_name": "Ada", "last_name": "Lovelace", "email": "ada@example.com", "default_device": "email",
	}).text("data", "id")
	if r := p.call("POST", "/customers", obj{
		"first_name": "Ada", "last_name": "Byron", "email": "ada@example.com", "default_device": "email",
	}); r.status != 422 {
		t.Errorf("a second customer with the e-mail: %d %s", r.status, r.body)
	}
	if r := p.call("GET", "/customers?email=ada@example.com", nil); r.text("data", 0, "id") != customer {
		t.Errorf("customer by e-mail: %s", r.body)
	}
	save := obj{"setup_future_usage": obj{"session_type": "on_session", "customer_id": customer}}
	card := p.method("4242424242424242")
	p.attach(p.intent("save-1", 2000, "automatic", save), card)
	list := p.call("GET", "/customers/"+customer+"/payment_methods", nil)
	if list.text("data", 0, "attributes", "payment_method_id") != card || !strings.HasPrefix(list.text("data", 0, "id"), "cus_pm_") {
		t.Fatalf("saved cards: %s", list.body)
	}
	if r := p.attach(p.intent("save-2", 2000, "automatic", nil), card); r.status != 400 || errorCode(r) != "parameter_required" {
		t.Errorf("a saved card without its CVC: %d %s", r.status, r.body)
	}
	if r := p.call("PUT", "/payment_methods/"+card, obj{"type": "card", "cvc": "321"}); r.status != 200 {
		t.Fatalf("CVC: %d %s", r.status, r.body)
	}
	if r := p.attach(p.intent("save-3", 2000, "automatic", nil), card); r.text("data", "attributes", "status") != "succeeded" {
		t.Errorf("the saved card: %d %s", r.status, r.body)
	}
	if r := p.call("DELETE", "/customers/"+customer+"/payment_methods/"+card, nil); r.status != 200 {
		t.Errorf("delete: %d %s", r.status, r.body)
	}
	if r := p.call("GET", "/payment_methods/"+card, nil); r.status != 404 {
		t.Errorf("a deleted card: %d", r.status)
	}
	once := p.method("4242424242424242")
	p.attach(p.intent("once-1", 2000, "automatic", nil), once)
	if r := p.attach(p.intent("once-2", 2000, "automatic", nil), once); r.status != 400 {
		t.Errorf("an unsaved card paid twice: %d %s", r.status, r.body)
	}

	if r := p.control("POST", "/_sim/settings", obj{"psp": "paymongo", "vaulting": false, "hold": false}); r.status != 200 {
		t.Fatalf("settings: %d %s", r.status, r.body)
	}
	base := obj{"amount": 2000, "currency": "PHP", "payment_method_allowed": []string{"card"}}
	if r := p.call("POST", "/payment_intents", merge(base, save)); !strings.Contains(r.body, "On session payments are not yet supported.") {
		t.Errorf("vaulting off: %d %s", r.status, r.body)
	}
	if r := p.call("POST", "/payment_intents", merge(base, obj{"capture_type": "manual"})); errorCode(r) != "organization_not_allowed" {
		t.Errorf("hold off: %d %s", r.status, r.body)
	}
}

func merge(a, b obj) obj {
	out := obj{}
	maps.Copy(out, a)
	maps.Copy(out, b)
	return out
}

func TestPayMongoIdempotency(t *testing.T) {
	p := paymongo{start(t)}
	payment := p.attach(p.intent("idem", 10000, "automatic", nil), p.method("4242424242424242")).text("data", "attributes", "payments", 0, "id")
	body := obj{"amount": 4000, "payment_id": payment, "reason": "others"}
	first := p.keyed("POST", "/refunds", body, "key-1")
	again := p.keyed("POST", "/refunds", body, "key-1")
	if first.status != 200 || first.body != again.body || len(p.rows("idem")) != 1 || p.rows("idem")[0].RefundedMinor != 4000 {
		t.Errorf("replay: %s and %s", first.body, again.body)
	}
	if r := p.keyed("POST", "/refunds", merge(body, obj{"amount": 100}), "key-1"); r.status != 400 {
		t.Errorf("same key, other body: %d %s", r.status, r.body)
	}
	p.keyed("POST", "/refunds", merge(body, obj{"reason": "no"}), "key-2")
	if r := p.keyed("POST", "/refunds", body, "key-2"); r.status != 200 {
		t.Errorf("a key is not spent by a request that was wrong: %d %s", r.status, r.body)
	}
}
