package sims_test

import (
	"strings"
	"testing"

	"switchyard/sims/ledger"
)

// xendit drives the Xendit simulator.
type xendit struct{ *bench }

func (x xendit) call(method, path string, body any) reply {
	x.t.Helper()
	version := "2024-11-11"
	if strings.HasPrefix(path, "/customers") {
		version = "2020-10-31"
	}
	return x.send(x.t.Context(), request{
		method: method, url: x.base("xendit") + path, user: "xnd_development_any", body: body,
		header: map[string]string{"api-version": version},
	})
}

func (x xendit) payment(reference, amount, currency, number string, more obj) obj {
	return merge(obj{
		"reference_id": reference, "type": "PAY", "country": "ID", "currency": currency, "request_amount": rawNumber(amount),
		"channel_code": "CARDS", "channel_properties": obj{
			"card_details":       obj{"card_number": number, "cvn": "123", "expiry_month": "12", "expiry_year": "2040", "cardholder_first_name": "Ada"},
			"success_return_url": "https://shop.example/ok", "failure_return_url": "https://shop.example/no",
		},
	}, more)
}

// rawNumber is a JSON number as it stands.
type rawNumber string

func (n rawNumber) MarshalJSON() ([]byte, error) { return []byte(n), nil }

func (x xendit) pay(reference, amount, currency, number string, more obj) reply {
	x.t.Helper()
	return x.call("POST", "/v3/payment_requests", x.payment(reference, amount, currency, number, more))
}

func (x xendit) status(request string) string {
	return x.call("GET", "/v3/payment_requests/"+request, nil).text("status")
}

func TestXenditOutcomes(t *testing.T) {
	x := xendit{start(t)}
	for _, c := range []struct {
		number, amount, currency, failure string
		minor                             int64
	}{
		{"4242424242424242", "23456", "IDR", "", 2345600},
		{"4000000000001000", "10000", "IDR", "", 1000000},
		{"5200000000001005", "12.34", "USD", "", 1234},
		{"4012888888881881", "100.5", "PHP", "", 10050},
		{"378282246310005", "1500", "JPY", "", 1500},
		{"4242424242424242", "50000", "VND", "", 50000},
		{"4000000000000002", "23456", "IDR", "CARD_DECLINED", 2345600},
		{"4242424242424242", "10051", "IDR", "EXPIRED_CARD", 1005100},
		{"4242424242424242", "10054", "IDR", "INSUFFICIENT_BALANCE", 1005400},
		{"4242424242424242", "10055", "PHP", "STOLEN_CARD", 1005500},
		{"4242424242424242", "10.30", "USD", "PROCESSOR_ERROR", 1030},
		{"4242424242424242", "403900", "VND", "INVALID_CVV", 403900},
		{"4242424242424242", "10051", "VND", "", 10051},
		{"4242424242424242", "4999", "IDR", "PAYMENT_AMOUNT_LIMITS_EXCEEDED", 499900},
	} {
		reference := c.currency + c.amount + "-" + c.number[12:]
		r := x.pay(reference, c.amount, c.currency, c.number, nil)
		want := ledger.Charge{PSP: "xendit", AmountMinor: c.minor, Currency: c.currency, State: ledger.Captured, CapturedMinor: c.minor}
		status := "SUCCEEDED"
		if c.failure != "" {
			want.State, want.CapturedMinor, status = ledger.Declined, 0, "FAILED"
		}
		if r.status != 201 || r.text("status") != status || r.text("failure_code") != c.failure || strings.Contains(r.body, c.number) {
			t.Errorf("%s: %d %s", reference, r.status, r.body)
		}
		x.wantRow(reference, want)
		r = x.call("GET", "/v3/payments/"+r.text("latest_payment_id"), nil)
		if r.text("status") != status || r.text("payment_request_id") == "" {
			t.Errorf("%s: payment: %s", reference, r.body)
		}
	}
}

func TestXenditRefusesBadRequests(t *testing.T) {
	x := xendit{start(t)}
	for _, c := range []struct {
		name, amount, currency, number string
		more                           obj
		status                         int
		code                           string
	}{
		{"Luhn", "10000", "IDR", "4242424242424241", nil, 400, "INVALID_PAYMENT_DETAILS"},
		{"decimals", "10000.5", "IDR", "4242424242424242", nil, 400, "INVALID_AMOUNT"},
		{"decimals", "10.005", "USD", "4242424242424242", nil, 400, "INVALID_AMOUNT"},
		{"text", `"10000"`, "IDR", "4242424242424242", nil, 400, "API_VALIDATION_ERROR"},
		{"exponent", "1e4", "IDR", "4242424242424242", nil, 400, "API_VALIDATION_ERROR"},
		{"negative", "-5", "USD", "4242424242424242", nil, 400, "API_VALIDATION_ERROR"},
		{"nothing", "0", "USD", "4242424242424242", nil, 400, "INVALID_AMOUNT"},
		{"currency", "10", "KWD", "4242424242424242", nil, 400, "INVALID_VALUE_ERROR"},
		{"country", "10", "USD", "4242424242424242", obj{"country": "US"}, 400, "INVALID_VALUE_ERROR"},
		{"type", "10", "USD", "4242424242424242", obj{"type": "SALE"}, 400, "API_VALIDATION_ERROR"},
		{"no reference", "10", "USD", "4242424242424242", obj{"reference_id": ""}, 400, "API_VALIDATION_ERROR"},
		{"token", "10", "USD", "4242424242424242", obj{"payment_token_id": "pt-no"}, 400, "INVALID_TOKEN"},
		{"whole with zeros", "10000.00", "IDR", "4242424242424242", nil, 201, ""},
		{"the same again", "10000.00", "IDR", "4242424242424242", nil, 409, "DUPLICATE_ERROR"},
	} {
		if r := x.pay("one", c.amount, c.currency, c.number, c.more); r.status != c.status || r.text("error_code") != c.code {
			t.Errorf("%s: %d %s, want %d %s", c.name, r.status, r.body, c.status, c.code)
		}
	}
	for _, in := range []request{
		{user: "xnd_production_any"}, {user: "xnd_development_"}, {user: "xnd_development_a", password: "x"}, {},
	} {
		in.method, in.url = "GET", x.base("xendit")+"/v3/payment_requests/pr-x"
		if r := x.send(t.Context(), in); r.status != 401 || r.text("error_code") != "INVALID_API_KEY" {
			t.Errorf("key %q: %d %s", in.user, r.status, r.body)
		}
	}
	if r := x.send(t.Context(), request{method: "GET", url: x.base("xendit") + "/v3/payment_requests/pr-x", user: "xnd_development_a"}); r.status != 400 {
		t.Errorf("no api-version: %d %s", r.status, r.body)
	}
	if r := x.call("GET", "/v3/payment_requests/pr-x", nil); r.status != 404 || r.text("error_code") != "DATA_NOT_FOUND" {
		t.Errorf("unknown: %d %s", r.status, r.body)
	}
}

func TestXenditHoldCaptureVoid(t *testing.T) {
	x := xendit{start(t)}
	manual := obj{"capture_method": "MANUAL"}
	r := x.pay("hold-1", "50000", "IDR", "4242424242424242", manual)
	payment := "/v3/payments/" + r.text("latest_payment_id")
	if r.text("status") != "AUTHORIZED" {
		t.Fatalf("hold: %d %s", r.status, r.body)
	}
	if r := x.call("GET", "/transactions?reference_id=hold-1", nil); r.at("data", 0) != nil {
		t.Errorf("a hold shows as a transaction: %s", r.body)
	}
	if r := x.call("POST", "/v3/payment_requests/"+r.text("payment_request_id")+"/cancel", nil); r.status != 400 || r.text("error_code") != "INELIGIBLE_TRANSACTION_STATUS" {
		t.Errorf("fence of a hold: %d %s", r.status, r.body)
	}
	if r := x.call("POST", payment+"/capture", obj{"capture_amount": 50001}); r.text("error_code") != "CAPTURE_AMOUNT_EXCEEDED" {
		t.Errorf("over-capture: %d %s", r.status, r.body)
	}
	if r := x.call("POST", payment+"/capture", obj{"capture_amount": 30000}); r.status != 200 || r.number("captures", 0, "capture_amount") != "30000" {
		t.Errorf("capture: %d %s", r.status, r.body)
	}
	x.wantRow("hold-1", ledger.Charge{PSP: "xendit", AmountMinor: 5000000, Currency: "IDR", State: ledger.Captured, CapturedMinor: 3000000})
	if r := x.call("POST", payment+"/capture", obj{"capture_amount": 1000}); r.text("error_code") != "INELIGIBLE_TRANSACTION_STATUS" {
		t.Errorf("second capture: %d %s", r.status, r.body)
	}
	if r := x.call("POST", payment+"/cancel", nil); r.text("error_code") != "INELIGIBLE_TRANSACTION_STATUS" {
		t.Errorf("void of what is taken: %d %s", r.status, r.body)
	}
	r = x.pay("hold-2", "50000", "IDR", "4242424242424242", manual)
	if r := x.call("POST", "/v3/payments/"+r.text("latest_payment_id")+"/cancel", nil); r.text("status") != "CANCELED" {
		t.Errorf("void: %d %s", r.status, r.body)
	}
	x.wantRow("hold-2", ledger.Charge{PSP: "xendit", AmountMinor: 5000000, Currency: "IDR", State: ledger.Voided})
}

func TestXenditRefundsAndTransactions(t *testing.T) {
	x := xendit{start(t)}
	paid := x.pay("sale", "100.50", "PHP", "4242424242424242", nil)
	request := paid.text("payment_request_id")
	back := func(reference, amount string) reply {
		return x.call("POST", "/refunds", obj{
			"payment_request_id": request, "reference_id": reference, "reason": "REQUESTED_BY_CUSTOMER", "amount": rawNumber(amount),
		})
	}
	if r := back("back-1", "40.25"); r.status != 200 || r.text("status") != "SUCCEEDED" || r.number("amount") != "40.25" {
		t.Fatalf("refund: %d %s", r.status, r.body)
	}
	x.wantRow("sale", ledger.Charge{PSP: "xendit", AmountMinor: 10050, Currency: "PHP", State: ledger.Captured, CapturedMinor: 10050, RefundedMinor: 4025})
	if r := back("back-2", "60.26"); r.status != 400 || r.text("error_code") != "REFUND_AMOUNT_EXCEEDED" {
		t.Errorf("over-refund: %d %s", r.status, r.body)
	}
	if r := back("back-3", "null"); r.number("amount") != "60.25" {
		t.Errorf("the rest: %d %s", r.status, r.body)
	}
	x.wantRow("sale", ledger.Charge{PSP: "xendit", AmountMinor: 10050, Currency: "PHP", State: ledger.Refunded, CapturedMinor: 10050, RefundedMinor: 10050})
	for _, query := range []string{"payment_request_id=" + request, "reference_id=back-1"} {
		if r := x.call("GET", "/refunds?"+query, nil); !strings.Contains(r.body, "back-1") {
			t.Errorf("refunds by %s: %s", query, r.body)
		}
	}
	r := x.call("GET", "/transactions?reference_id=sale", nil)
	if r.text("data", 0, "type") != "PAYMENT" || r.text("data", 0, "status") != "SUCCESS" || r.number("data", 0, "amount") != "100.5" ||
		r.text("data", 0, "product_id") != paid.text("latest_payment_id") || r.number("data", 0, "fee", "xendit_fee") != "2.91" {
		t.Errorf("transaction: %s", r.body)
	}
	if r := x.call("GET", "/transactions?reference_id=back-1&types=REFUND", nil); r.number("data", 0, "amount") != "40.25" {
		t.Errorf("refund's transaction: %s", r.body)
	}
	if r := x.call("GET", "/transactions?reference_id=back-1&types=PAYMENT", nil); r.at("data", 0) != nil {
		t.Errorf("types: %s", r.body)
	}
	x.pay("no", "100", "PHP", "4000000000000002", nil)
	if r := x.call("GET", "/transactions?reference_id=no", nil); r.text("data", 0, "status") != "FAILED" {
		t.Errorf("failed transaction: %s", r.body)
	}
}

func TestXenditChallenge(t *testing.T) {
	x := xendit{start(t)}
	for _, c := range []struct{ number, outcome, status, back string }{
		{"4000000000000101", "authorize", "SUCCEEDED", "https://shop.example/ok"},
		{"4000000000002503", "fail", "FAILED", "https://shop.example/no"},
	} {
		r := x.pay(c.number, "50000", "IDR", c.number, nil)
		if r.status != 201 || r.text("status") != "REQUIRES_ACTION" || r.text("actions", 0, "type") != "REDIRECT_CUSTOMER" || r.text("actions", 0, "descriptor") != "WEB_URL" {
			t.Fatalf("challenge: %d %s", r.status, r.body)
		}
		if x.rows(c.number) != nil {
			t.Errorf("ledger before: %+v", x.rows(c.number))
		}
		if to := x.decide(r.text("actions", 0, "value"), c.outcome); to != c.back {
			t.Errorf("the payer goes to %s", to)
		}
		if got := x.status(r.text("payment_request_id")); got != c.status {
			t.Errorf("status %s, want %s", got, c.status)
		}
	}
	skip := x.payment("skip", "50000", "IDR", "4000000000002503", nil)
	skip["channel_properties"] = merge(skip["channel_properties"].(obj), obj{"skip_three_ds": true})
	if r := x.call("POST", "/v3/payment_requests", skip); r.text("status") != "SUCCEEDED" {
		t.Errorf("skipped: %s", r.body)
	}
	r := x.pay("fenced", "50000", "IDR", "4000000000000101", nil)
	if r := x.call("POST", "/v3/payment_requests/"+r.text("payment_request_id")+"/cancel", nil); r.text("status") != "CANCELED" {
		t.Errorf("fence: %d %s", r.status, r.body)
	}
	x.decide(r.text("actions", 0, "value"), "authorize")
	if x.rows("fenced") != nil || x.status(r.text("payment_request_id")) != "CANCELED" {
		t.Errorf("passed after the fence: %+v", x.rows("fenced"))
	}
}

func TestXenditTokens(t *testing.T) {
	x := xendit{start(t)}
	saved := x.pay("save", "50000", "IDR", "4242424242424242", obj{
		"type": "PAY_AND_SAVE", "customer": obj{"reference_id": "c1", "type": "INDIVIDUAL"},
	})
	token := saved.text("payment_token_id")
	if !strings.HasPrefix(token, "pt-") || !strings.HasPrefix(saved.text("customer_id"), "cust-") {
		t.Fatalf("saved: %s", saved.body)
	}
	if r := x.call("GET", "/customers?reference_id=c1", nil); r.text("data", 0, "id") != saved.text("customer_id") {
		t.Errorf("customer: %s", r.body)
	}
	charge := func(reference, token string) reply {
		return x.call("POST", "/v3/payment_requests", obj{
			"reference_id": reference, "type": "PAY", "country": "ID", "currency": "IDR", "request_amount": 60000, "payment_token_id": token,
			"channel_properties": obj{"card_on_file_type": "CUSTOMER_UNSCHEDULED"},
		})
	}
	if r := charge("with-token", token); r.text("status") != "SUCCEEDED" || r.text("customer_id") != saved.text("customer_id") {
		t.Errorf("pay with the token: %d %s", r.status, r.body)
	}
	if r := x.call("POST", "/v3/payment_tokens/"+token+"/cancel", nil); r.text("status") != "CANCELED" {
		t.Errorf("cancel: %d %s", r.status, r.body)
	}
	if r := charge("cancelled", token); r.status != 400 || r.text("error_code") != "INVALID_TOKEN" {
		t.Errorf("a cancelled token: %d %s", r.status, r.body)
	}
	if r := x.pay("cancelled", "50000", "IDR", "4242424242424242", nil); r.status != 201 {
		t.Errorf("a request that was refused takes no reference: %d %s", r.status, r.body)
	}
	for number, status := range map[string]string{"4242424242424242": "ACTIVE", "4000000000000002": "FAILED", "4000000000000101": "REQUIRES_ACTION"} {
		body := x.payment("tok"+number, "1", "IDR", number, nil)
		r := x.call("POST", "/v3/payment_tokens", body)
		if r.status != 201 || r.text("status") != status {
			t.Errorf("token of %s: %d %s", number, r.status, r.body)
		}
		if status == "REQUIRES_ACTION" {
			x.decide(r.text("actions", 0, "value"), "authorize")
			if r := x.call("GET", "/v3/payment_tokens/"+r.text("payment_token_id"), nil); r.text("status") != "ACTIVE" {
				t.Errorf("token after the challenge: %s", r.body)
			}
		}
	}
}

// session makes a session that pays, unless more says otherwise.
func (x xendit) session(reference string, more obj) reply {
	x.t.Helper()
	return x.call("POST", "/sessions", merge(obj{
		"reference_id": reference, "session_type": "PAY", "mode": "PAYMENT_LINK", "amount": 50000, "currency": "IDR", "country": "ID",
		"success_return_url": "https://shop.example/ok", "cancel_return_url": "https://shop.example/no",
	}, more))
}

func (x xendit) sessionStatus(made reply) string {
	return x.call("GET", "/sessions/"+made.text("payment_session_id"), nil).text("status")
}

func TestXenditSessionPage(t *testing.T) {
	x := xendit{start(t)}
	r := x.session("s-1", nil)
	id, page := r.text("payment_session_id"), r.text("payment_link_url")
	if r.status != 201 || r.text("status") != "ACTIVE" || !strings.HasPrefix(page, x.base("xendit")+"/checkout/") || strings.Contains(page, id) {
		t.Fatalf("session: %d %s", r.status, r.body)
	}
	if r := x.send(t.Context(), request{method: "GET", url: page}); r.status != 200 || !strings.Contains(r.body, "IDR 50000 for s-1") || strings.Contains(r.body, `name="save"`) {
		t.Errorf("page: %d %s", r.status, r.body)
	}
	if r := x.form(page, map[string]string{"action": "cancel"}); r.header.Get("Location") != "https://shop.example/no" || x.sessionStatus(reply{json: map[string]any{"payment_session_id": id}}) != "ACTIVE" {
		t.Errorf("the payer gives up: %d %s", r.status, r.body)
	}
	if r := x.form(page, typed("4242424242424241")); r.status != 400 || strings.Contains(r.body, "4242424242424241") {
		t.Errorf("a bad number: %d %s", r.status, r.body)
	}
	if r := x.form(page, typed("4242424242424242")); r.header.Get("Location") != "https://shop.example/ok" {
		t.Errorf("paid: %d %s", r.status, r.body)
	}
	x.form(page, typed("4242424242424242")) // a second click
	done := x.call("GET", "/sessions/"+id, nil)
	paid := x.call("GET", "/v3/payment_requests/"+done.text("payment_request_id"), nil)
	if done.text("status") != "COMPLETED" || paid.text("status") != "SUCCEEDED" || paid.text("latest_payment_id") != done.text("payment_id") || !strings.HasPrefix(paid.text("reference_id"), "s-1_") {
		t.Errorf("paid session: %s, %s", done.body, paid.body)
	}
	x.wantRow("s-1", ledger.Charge{PSP: "xendit", AmountMinor: 5000000, Currency: "IDR", State: ledger.Captured, CapturedMinor: 5000000})
	if r := x.call("POST", "/sessions/"+id+"/cancel", nil); r.status != 400 || r.text("error_code") != "INELIGIBLE_TRANSACTION_STATUS" {
		t.Errorf("fence of a paid session: %d %s", r.status, r.body)
	}
	x.call("POST", "/refunds", obj{"payment_request_id": done.text("payment_request_id"), "reason": "OTHERS", "amount": 20000})
	x.wantRow("s-1", ledger.Charge{PSP: "xendit", AmountMinor: 5000000, Currency: "IDR", State: ledger.Captured, CapturedMinor: 5000000, RefundedMinor: 2000000})
	fenced := x.session("s-2", obj{"capture_method": "MANUAL"})
	if r := x.call("POST", "/sessions/"+fenced.text("payment_session_id")+"/cancel", nil); r.text("status") != "CANCELED" {
		t.Errorf("fence: %d %s", r.status, r.body)
	}
	if r := x.form(fenced.text("payment_link_url"), typed("4242424242424242")); strings.Contains(r.body, "<form") || x.rows("s-2") != nil {
		t.Errorf("paid after the fence: %d %s %+v", r.status, r.body, x.rows("s-2"))
	}
	held := x.session("s-3", obj{"capture_method": "MANUAL"})
	x.form(held.text("payment_link_url"), typed("4242424242424242"))
	x.wantRow("s-3", ledger.Charge{PSP: "xendit", AmountMinor: 5000000, Currency: "IDR", State: ledger.Authorized})
	payment := x.call("GET", "/sessions/"+held.text("payment_session_id"), nil).text("payment_id")
	x.call("POST", "/v3/payments/"+payment+"/capture", obj{"capture_amount": 30000})
	x.wantRow("s-3", ledger.Charge{PSP: "xendit", AmountMinor: 5000000, Currency: "IDR", State: ledger.Captured, CapturedMinor: 3000000})
}

// What the payer does on the page meets the faults of the charging call; making and cancelling the session meet their own.
func TestXenditSessionFaults(t *testing.T) {
	x := xendit{start(t)}
	fault := func(operation, kind string) {
		x.fault(obj{"psp": "xendit", "operation": operation, "fault": kind, "count": 1, "delay_ms": moment})
	}
	open := func(reference string) (made reply, page string) {
		made = x.session(reference, nil)
		return made, made.text("payment_link_url")
	}
	fault("prepare", "error_500")
	if r := x.session("no", nil); r.status != 500 {
		t.Errorf("made all the same: %d %s", r.status, r.body)
	}
	made, page := open("down")
	fault("authorize", "error_503")
	if r := x.form(page, typed("4242424242424242")); r.status != 503 || x.sessionStatus(made) != "ACTIVE" || x.rows("down") != nil {
		t.Errorf("down: %d %s", r.status, r.body)
	}
	fault("lookup", "error_503")
	if r := x.call("GET", "/sessions/"+made.text("payment_session_id"), nil); r.status != 503 {
		t.Errorf("lookup: %d %s", r.status, r.body)
	}
	made, page = open("hidden")
	fault("authorize", "slow_visibility")
	if r := x.form(page, typed("4242424242424242")); r.status != 500 || x.sessionStatus(made) != "ACTIVE" || !x.took("hidden") {
		t.Errorf("hidden: %d %s", r.status, r.body)
	}
	if r := x.call("POST", "/sessions/"+made.text("payment_session_id")+"/cancel", nil); r.status != 400 {
		t.Errorf("fence of what is charged and hidden: %d %s", r.status, r.body)
	}
	eventually(t, "shown", func() bool { return x.sessionStatus(made) == "COMPLETED" })
	made, page = open("declined")
	fault("authorize", "decline_hard")
	if r := x.form(page, typed("4242424242424242")); r.status != 402 || !strings.Contains(r.body, "STOLEN_CARD") || x.sessionStatus(made) != "ACTIVE" || x.took("declined") {
		t.Errorf("declined: %d %s", r.status, r.body)
	}
	fault("void", "charge_then_500")
	if r := x.call("POST", "/sessions/"+made.text("payment_session_id")+"/cancel", nil); r.status != 500 || x.sessionStatus(made) != "CANCELED" {
		t.Errorf("cancelled, and badly answered: %d %s", r.status, r.body)
	}
}
