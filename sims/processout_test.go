package sims_test

import (
	"strings"
	"testing"

	"switchyard/sims/ledger"
)

// processout drives the ProcessOut simulator.
type processout struct{ *bench }

func (p processout) call(method, path string, body any) reply {
	p.t.Helper()
	return p.send(p.t.Context(), request{
		method: method, url: p.base("processout") + path, user: "test-proj_any", password: "key_sandbox_any", body: body,
	})
}

func (p processout) card(number string) string {
	p.t.Helper()
	r := p.call("POST", "/cards", obj{"number": number, "exp_month": "12", "exp_year": "2040", "cvc2": "123", "metadata": nil})
	if r.status != 200 || r.at("success") != true || strings.Contains(r.body, number) {
		p.t.Fatalf("card %s: %d %s", number, r.status, r.body)
	}
	return r.text("card", "id")
}

func (p processout) invoice(reference, amount, currency string, more obj) string {
	p.t.Helper()
	r := p.call("POST", "/invoices", merge(obj{
		"name": "Order", "amount": amount, "currency": currency, "reference_id": reference,
		"return_url": "https://shop.example/back", "device": nil,
	}, more))
	if r.status != 200 || r.text("invoice", "transaction_id") == "" {
		p.t.Fatalf("invoice: %d %s", r.status, r.body)
	}
	return r.text("invoice", "id")
}

func (p processout) pay(invoice, how string, body obj) reply {
	p.t.Helper()
	return p.call("POST", "/invoices/"+invoice+"/"+how, body)
}

func (p processout) transaction(invoice string) reply {
	p.t.Helper()
	return p.call("GET", "/invoices/"+invoice+"?expand[]=transaction&expand[]=transaction.refunds", nil)
}

func (p processout) status(invoice string) string {
	return p.transaction(invoice).text("invoice", "transaction", "status")
}

func TestProcessOutOutcomes(t *testing.T) {
	p := processout{start(t)}
	for _, c := range []struct{ number, code string }{
		{"4242424242424242", ""},
		{"5555555555554444", ""},
		{"378282246310005", ""},
		{"4012888888881881", ""},
		{"4000000000000028", ""},
		{"4000000000000002", "card.declined"},
		{"4000000000002206", "card.no-money"},
		{"4000000000002222", "card.stolen"},
		{"4127969420587632", "card.blacklisted"},
		{"4000000000001216", "card.declined"},
		{"5337480000007168", "card.declined"},
	} {
		reference := "ref" + c.number
		invoice := p.invoice(reference, "123.45", "USD", nil)
		r := p.pay(invoice, "capture", obj{"source": p.card(c.number)})
		if c.code == "" {
			if r.status != 200 || r.text("transaction", "status") != "completed" || r.text("transaction", "captured_amount") != "123.45" {
				t.Errorf("%s: %d %s", c.number, r.status, r.body)
			}
			p.wantRow(reference, ledger.Charge{PSP: "processout", AmountMinor: 12345, Currency: "USD", State: ledger.Captured, CapturedMinor: 12345})
			continue
		}
		if r.status != 410 || r.at("success") != false || r.text("error_type") != c.code {
			t.Errorf("%s: %d %s", c.number, r.status, r.body)
		}
		if r := p.transaction(invoice); r.text("invoice", "transaction", "status") != "failed" || r.text("invoice", "transaction", "error_code") != c.code {
			t.Errorf("%s: failed transaction: %s", c.number, r.body)
		}
		p.wantRow(reference, ledger.Charge{PSP: "processout", AmountMinor: 12345, Currency: "USD", State: ledger.Declined})
	}
	again := p.invoice("again", "10", "USD", nil)
	p.pay(again, "authorize", obj{"source": p.card("4000000000000002")})
	if r := p.pay(again, "authorize", obj{"source": p.card("4242424242424242")}); r.text("transaction", "status") != "authorized" {
		t.Errorf("another source after a decline: %d %s", r.status, r.body)
	}
}

func TestProcessOutCurrencies(t *testing.T) {
	p := processout{start(t)}
	for _, c := range []struct {
		currency, amount, shown string
		minor                   int64
	}{
		{"JPY", "1500", "1500", 1500},
		{"KWD", "1.234", "1.234", 1234},
		{"IDR", "150000", "150000", 15000000},
		{"CLF", "1.0005", "1.0005", 10005},
		{"EUR", "29.00", "29", 2900},
		{"BHD", "0.100", "0.1", 100},
		{"PHP", "10.50", "10.5", 1050},
	} {
		r := p.pay(p.invoice("cur"+c.currency, c.amount, c.currency, nil), "capture", obj{"source": p.card("4242424242424242")})
		if r.text("transaction", "amount") != c.shown || r.text("transaction", "currency") != c.currency {
			t.Errorf("%s %s: %d %s", c.amount, c.currency, r.status, r.body)
		}
		p.wantRow("cur"+c.currency, ledger.Charge{PSP: "processout", AmountMinor: c.minor, Currency: c.currency, State: ledger.Captured, CapturedMinor: c.minor})
	}
	for _, c := range []struct{ amount, currency, code string }{
		{"10.001", "USD", "request.validation.invalid-amount"},
		{"1.5", "JPY", "request.validation.invalid-amount"},
		{"-1", "USD", "request.validation.invalid-amount"},
		{"1e3", "USD", "request.validation.invalid-amount"},
		{"0", "USD", "request.validation.invalid-amount"},
		{"99999999999999999999", "USD", "request.validation.invalid-amount"},
		{"10", "XXX", "request.validation.invalid-currency"},
		{"10", "", "request.validation.missing-currency"},
	} {
		r := p.call("POST", "/invoices", obj{"name": "x", "amount": c.amount, "currency": c.currency})
		if r.status != 400 || r.text("error_type") != c.code {
			t.Errorf("%s %s: %d %s", c.amount, c.currency, r.status, r.body)
		}
	}
}

func TestProcessOutRefusesBadRequests(t *testing.T) {
	p := processout{start(t)}
	if r := p.call("POST", "/cards", obj{"number": "4242424242424241", "exp_month": 12, "exp_year": 2040}); r.status != 400 || r.text("error_type") != "card.invalid-number" {
		t.Errorf("Luhn: %d %s", r.status, r.body)
	}
	if r := p.call("POST", "/cards", "number=4242424242424242&exp_month=12&exp_year=40&contact[zip]=1"); r.number("card", "exp_year") != "2040" {
		t.Errorf("form: %d %s", r.status, r.body)
	}
	if r := p.call("POST", "/invoices", "{not json"); r.status != 400 || r.at("success") != false {
		t.Errorf("broken JSON: %d %s", r.status, r.body)
	}
	for _, c := range [][2]string{{"proj_live", "key_sandbox_any"}, {"test-proj_any", "key_live_any"}, {"test-proj_any", ""}, {"", ""}} {
		r := p.send(t.Context(), request{method: "GET", url: p.base("processout") + "/invoices/iv_x", user: c[0], password: c[1]})
		if r.status != 401 || r.text("error_type") != "request.authentication.invalid" {
			t.Errorf("credentials %v: %d %s", c, r.status, r.body)
		}
	}
	if r := p.call("GET", "/nothing", nil); r.status != 404 || r.text("error_type") != "request.route-not-found" {
		t.Errorf("route: %d %s", r.status, r.body)
	}
	invoice := p.invoice("bad", "10", "USD", nil)
	for _, c := range []struct{ source, code string }{
		{"card_unknown", "request.source.invalid"}, {"tok_unknown", "request.source.invalid"}, {"", "request.validation.missing-source"},
	} {
		if r := p.pay(invoice, "authorize", obj{"source": c.source}); r.status != 400 || r.text("error_type") != c.code {
			t.Errorf("source %q: %d %s", c.source, r.status, r.body)
		}
	}
	card := p.card("4242424242424242")
	p.pay(invoice, "capture", obj{"source": card})
	if r := p.pay(invoice, "capture", obj{"source": p.card("4242424242424242")}); r.status != 400 {
		t.Errorf("a paid invoice: %d %s", r.status, r.body)
	}
	if r := p.pay(p.invoice("bad2", "10", "USD", nil), "capture", obj{"source": card}); r.text("error_type") != "request.source.card-already-used" {
		t.Errorf("a used card: %d %s", r.status, r.body)
	}
	if r := p.call("GET", "/invoices/"+invoice+"?expand=everything", nil); r.text("error_type") != "request.expand.invalid" {
		t.Errorf("expand: %d %s", r.status, r.body)
	}
}

func TestProcessOutHoldCaptureVoidRefund(t *testing.T) {
	p := processout{start(t)}
	held := p.invoice("hold-1", "100", "USD", nil)
	r := p.pay(held, "authorize", obj{"source": p.card("4242424242424242"), "incremental": true})
	if r.text("transaction", "status") != "authorized" || r.text("transaction", "authorized_amount") != "100" {
		t.Fatalf("authorize: %d %s", r.status, r.body)
	}
	if r := p.pay(held, "increment_authorization", obj{"amount": "20"}); r.text("transaction", "authorized_amount") != "120" {
		t.Errorf("increment: %d %s", r.status, r.body)
	}
	p.wantRow("hold-1", ledger.Charge{PSP: "processout", AmountMinor: 12000, Currency: "USD", State: ledger.Authorized})
	if r := p.call("DELETE", "/invoices/"+held, nil); r.status != 400 {
		t.Errorf("deleting what is held: %d %s", r.status, r.body)
	}
	if r := p.pay(held, "capture", obj{"capture_amount": "120.01"}); r.text("error_type") != "request.validation.invalid-amount" {
		t.Errorf("over-capture: %d %s", r.status, r.body)
	}
	if r := p.pay(held, "capture", obj{"source": nil, "capture_amount": "80"}); r.text("transaction", "captured_amount") != "80" {
		t.Errorf("partial capture: %d %s", r.status, r.body)
	}
	if r := p.pay(held, "refunds", obj{"amount": "80.01"}); r.status != 400 || r.text("error_type") != "request.validation.invalid-amount" {
		t.Errorf("over-refund: %d %s", r.status, r.body)
	}
	if r := p.pay(held, "refunds", obj{"amount": "30", "metadata": obj{"reference": "back-1"}}); r.text("refund", "amount") != "30" {
		t.Errorf("refund: %d %s", r.status, r.body)
	}
	p.wantRow("hold-1", ledger.Charge{PSP: "processout", AmountMinor: 12000, Currency: "USD", State: ledger.Captured, CapturedMinor: 8000, RefundedMinor: 3000})
	p.pay(held, "refunds", nil)
	p.wantRow("hold-1", ledger.Charge{PSP: "processout", AmountMinor: 12000, Currency: "USD", State: ledger.Refunded, CapturedMinor: 8000, RefundedMinor: 8000})
	r = p.transaction(held)
	if r.text("invoice", "transaction", "refunds", 1, "metadata", "reference") != "back-1" || r.text("invoice", "transaction", "refunded_amount") != "80" {
		t.Errorf("transaction: %s", r.body)
	}

	voided := p.invoice("hold-2", "100", "USD", nil)
	p.pay(voided, "authorize", obj{"source": p.card("4242424242424242")})
	if r := p.pay(voided, "void", obj{"amount": "40"}); r.text("transaction", "status") != "authorized" || r.text("transaction", "available_amount") != "60" {
		t.Errorf("partial void: %d %s", r.status, r.body)
	}
	if r := p.pay(voided, "void", nil); r.text("transaction", "status") != "voided" {
		t.Errorf("void: %d %s", r.status, r.body)
	}
	p.wantRow("hold-2", ledger.Charge{PSP: "processout", AmountMinor: 10000, Currency: "USD", State: ledger.Voided})
	if r := p.pay(voided, "capture", nil); r.status != 400 {
		t.Errorf("capture of what is voided: %d %s", r.status, r.body)
	}

	for number, how := range map[string]string{"4000000000000010": "capture", "4000000000000531": "increment_authorization"} {
		invoice := p.invoice("special"+number, "100", "USD", nil)
		p.pay(invoice, "authorize", obj{"source": p.card(number), "incremental": true})
		if r := p.pay(invoice, how, obj{"amount": "10"}); r.status != 410 {
			t.Errorf("%s of %s: %d %s", how, number, r.status, r.body)
		}
	}
	noRefund := p.invoice("special-refund", "100", "USD", nil)
	p.pay(noRefund, "capture", obj{"source": p.card("4000000000000077")})
	if r := p.pay(noRefund, "refunds", nil); r.status != 410 {
		t.Errorf("the card that is not refunded: %d %s", r.status, r.body)
	}

	fenced := p.invoice("fenced", "100", "USD", nil)
	if r := p.call("DELETE", "/invoices/"+fenced, nil); r.at("success") != true {
		t.Errorf("fence: %d %s", r.status, r.body)
	}
	if r := p.pay(fenced, "authorize", obj{"source": p.card("4242424242424242")}); r.status != 404 || r.text("error_type") != "resource.invoice.not-found" {
		t.Errorf("authorize after the fence: %d %s", r.status, r.body)
	}
}

func TestProcessOutChallenge(t *testing.T) {
	p := processout{start(t)}
	for outcome, status := range map[string]string{"authorize": "completed", "fail": "failed"} {
		invoice := p.invoice("three-d-"+outcome, "10", "USD", nil)
		r := p.pay(invoice, "capture", obj{"source": p.card("4000000000000101"), "enable_three_d_s_2": true})
		if r.status != 200 || r.at("success") != true || r.text("customer_action", "type") != "redirect" {
			t.Fatalf("challenge: %d %s", r.status, r.body)
		}
		if p.status(invoice) != "waiting" || p.rows("three-d-"+outcome) != nil {
			t.Errorf("before: %s %+v", p.status(invoice), p.rows("three-d-"+outcome))
		}
		to := p.decide(r.text("customer_action", "value"), outcome)
		source, ok := strings.CutPrefix(to, "https://shop.example/back?token=")
		if !ok || !strings.HasPrefix(source, "gway_req_") || p.status(invoice) != status {
			t.Errorf("after %s: %s, to %s", outcome, p.status(invoice), to)
		}
		want := map[string]int{"authorize": 200, "fail": 410}[outcome]
		if r := p.pay(invoice, "capture", obj{"source": source}); r.status != want {
			t.Errorf("the client comes back: %d %s", r.status, r.body)
		}
	}
	mit := p.invoice("mit", "10", "USD", obj{"merchant_initiator_type": "recurring"})
	if r := p.pay(mit, "capture", obj{"source": p.card("4000000000000101")}); r.status != 410 || r.text("error_type") != "card.needs-authentication" {
		t.Errorf("no payer to ask: %d %s", r.status, r.body)
	}
	fenced := p.invoice("fenced", "10", "USD", nil)
	page := p.pay(fenced, "capture", obj{"source": p.card("4000000000000101")}).text("customer_action", "value")
	if r := p.call("DELETE", "/invoices/"+fenced, nil); r.status != 200 {
		t.Fatalf("fence: %d %s", r.status, r.body)
	}
	p.decide(page, "authorize")
	if rows := p.rows("fenced"); rows != nil {
		t.Errorf("passed after the fence: %+v", rows)
	}
}

// TestProcessOutSteps brings the result of a step over the wire; a fault hits the repeated call.
func TestProcessOutSteps(t *testing.T) {
	p := processout{start(t)}
	invoice := p.invoice("steps", "10", "USD", nil)
	pay := func(source string) reply {
		return p.pay(invoice, "capture", obj{"source": source, "enable_three_d_s_2": true})
	}
	page := pay(p.card("4000000000003253")).text("customer_action", "value")
	device := p.send(t.Context(), request{method: "GET", url: page})
	_, result, _ := strings.Cut(device.body, `data: "`)
	result, _, found := strings.Cut(result, `"`)
	if device.status != 200 || !found || !strings.HasPrefix(device.header.Get("Content-Type"), "text/html") {
		t.Fatalf("the fingerprint page: %d %s", device.status, device.body)
	}
	back := p.decide(pay(result).text("customer_action", "value"), "authorize")
	token := strings.TrimPrefix(back, "https://shop.example/back?token=")
	p.fault(obj{"psp": "processout", "operation": "authorize", "fault": "charge_then_500", "count": 1})
	if r := pay(token); r.status != 500 || p.status(invoice) != "completed" {
		t.Errorf("charged and answered badly: %d %s, then %s", r.status, r.body, p.status(invoice))
	}
	if r := pay(token); r.status != 400 || r.text("error_type") != "request.validation.redirect-result-invalid" {
		t.Errorf("the token again: %d %s", r.status, r.body)
	}
	p.wantRow("steps", ledger.Charge{PSP: "processout", AmountMinor: 1000, Currency: "USD", State: ledger.Captured, CapturedMinor: 1000})
}

func TestProcessOutTokens(t *testing.T) {
	p := processout{start(t)}
	customer := p.call("POST", "/customers", obj{"email": "ada@example.com", "currency": "EUR"}).text("customer", "id")
	tokens := "/customers/" + customer + "/tokens"
	r := p.call("POST", tokens, obj{"source": p.card("4242424242424242")})
	token := r.text("token", "id")
	if r.at("token", "is_chargeable") != true || r.text("token", "verification_status") != "not-requested" || r.at("token", "is_default") != true {
		t.Fatalf("token: %d %s", r.status, r.body)
	}
	for _, source := range []string{token, token, customer} {
		invoice := p.invoice("with-"+source, "10", "USD", obj{"customer_id": customer})
		if r := p.pay(invoice, "capture", obj{"source": source}); r.text("transaction", "status") != "completed" {
			t.Errorf("pay with %s: %d %s", source, r.status, r.body)
		}
	}
	empty := p.call("POST", tokens, nil).text("token", "id")
	if r := p.pay(p.invoice("x", "10", "USD", nil), "capture", obj{"source": empty}); r.text("error_type") != "request.source.invalid" {
		t.Errorf("an empty token: %d %s", r.status, r.body)
	}
	if r := p.call("PUT", tokens+"/"+empty, obj{"source": p.card("4242424242424242")}); r.at("token", "is_chargeable") != true {
		t.Errorf("a source later: %d %s", r.status, r.body)
	}
	if r := p.call("GET", tokens, nil); r.text("tokens", 0, "id") != empty || r.text("tokens", 1, "id") != token {
		t.Errorf("list: %s", r.body)
	}
	if r := p.call("DELETE", tokens+"/"+token, nil); r.at("success") != true {
		t.Errorf("delete: %d %s", r.status, r.body)
	}
	if r := p.call("GET", tokens+"/"+token, nil); r.status != 404 || r.text("error_type") != "resource.token.not-found" {
		t.Errorf("deleted: %d %s", r.status, r.body)
	}
}

func TestProcessOutVerification(t *testing.T) {
	p := processout{start(t)}
	customer := p.call("POST", "/customers", obj{"currency": "EUR"}).text("customer", "id")
	tokens := "/customers/" + customer + "/tokens"
	verify := func(number, reference string, more obj) reply {
		return p.call("POST", tokens, merge(obj{
			"source": p.card(number), "verify": true, "verify_metadata": obj{"reference": reference}, "return_url": "https://shop.example/saved",
		}, more))
	}
	if r := verify("4000000000001216", "v-ok", nil); r.text("token", "verification_status") != "success" || r.at("token", "is_chargeable") != true {
		t.Errorf("verified: %d %s", r.status, r.body)
	}
	p.wantRow("v-ok", ledger.Charge{PSP: "processout", Currency: "EUR", State: ledger.Voided, Verification: true})
	if r := verify("4000000000000002", "v-no", nil); r.status != 410 || r.text("error_type") != "card.declined" {
		t.Errorf("declined: %d %s", r.status, r.body)
	}
	p.wantRow("v-no", ledger.Charge{PSP: "processout", Currency: "EUR", State: ledger.Declined, Verification: true})
	verify("4242424242424242", "v-kept", obj{"manual_invoice_cancellation": true})
	if rows := p.rows("v-kept"); len(rows) != 1 || rows[0].State != ledger.Authorized {
		t.Errorf("the hold that the merchant ends: %+v", rows)
	}

	later := p.call("POST", tokens, obj{"verify": true}).text("token", "id")
	if r := p.call("PUT", tokens+"/"+later, obj{"source": p.card("4000000000000002")}); r.status != 410 {
		t.Errorf("declined later: %d %s", r.status, r.body)
	}
	if r := p.call("GET", tokens+"/"+later, nil); r.text("token", "verification_status") != "failed" || r.at("token", "is_chargeable") != false {
		t.Errorf("failed: %s", r.body)
	}
	r := p.call("PUT", tokens+"/"+later, obj{"source": p.card("4000000000000101"), "verify": false})
	if r.text("customer_action", "value") == "" || r.text("token", "verification_status") != "pending" {
		t.Fatalf("challenge: %d %s", r.status, r.body)
	}
	p.decide(r.text("customer_action", "value"), "authorize")
	if r := p.call("GET", tokens+"/"+later, nil); r.text("token", "verification_status") != "success" {
		t.Errorf("verified later: %s", r.body)
	}

	invoice := p.invoice("v-invoice", "0", "USD", obj{"verification": true})
	if r := p.pay(invoice, "authorize", obj{"source": p.card("4242424242424242")}); r.text("transaction", "status") != "authorized" {
		t.Errorf("verification invoice: %d %s", r.status, r.body)
	}
	if got := p.status(invoice); got != "voided" {
		t.Errorf("then %s, want voided", got)
	}
	p.wantRow("v-invoice", ledger.Charge{PSP: "processout", Currency: "USD", State: ledger.Voided, Verification: true})

	counts := map[string]string{}
	list := p.control("GET", "/_sim/requests", nil)
	for i := 0; list.at("requests", i) != nil; i++ {
		counts[list.text("requests", i, "operation")] = list.number("requests", i, "count")
	}
	if counts["verify"] != "6" || counts["tokenize"] != "" || counts["authorize"] != "1" {
		t.Errorf("operations: %v", counts)
	}
}
