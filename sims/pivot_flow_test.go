package sims_test

import (
	"context"
	"net/url"
	"strings"
	"testing"

	"switchyard/sims/ledger"
)

func TestPivotHoldAndCapture(t *testing.T) {
	p := startPivot(t)
	r := p.pay("hold", "50000", "4242424242424242", "AUTOMATIC", "manual")
	session := "/v2/payments/" + r.text("data", "id")
	if r.text("data", "status") != "PROCESSING" || r.text("data", "chargeDetails", 0, "status") != "WAITING_FOR_CAPTURE" || r.at("data", "chargeDetails", 0, "captureHistories") != nil {
		t.Fatalf("hold: %d %s", r.status, r.body)
	}
	p.wantRow("hold", ledger.Charge{PSP: "pivot", AmountMinor: 5000000, Currency: "IDR", State: ledger.Authorized})
	if r := p.call("POST", session+"/cancel", obj{"cancellationReason": "VOID_SESSION"}); r.status != 422 {
		t.Errorf("a hold is cancelled: %d %s", r.status, r.body)
	}
	capture := func(value string, release any) reply {
		return p.call("POST", session+"/capture", obj{"amount": obj{"value": rawNumber(value), "currency": "IDR"}, "releaseRemainingAmount": release})
	}
	if r := capture("50001", true); r.status != 400 {
		t.Errorf("over-capture: %d %s", r.status, r.body)
	}
	if r := capture("100", nil); r.status != 400 || r.text("error", "details", 0, "field") != "releaseRemainingAmount" {
		t.Errorf("without releaseRemainingAmount: %d %s", r.status, r.body)
	}
	captured := func(minor int64) func() bool {
		return func() bool { rows := p.rows("hold"); return rows[0].CapturedMinor == minor }
	}
	if r := capture("20000", false); r.status != 200 || r.text("data", "status") != "PENDING" || r.number("data", "amount", "value") != "20000" {
		t.Errorf("capture: %d %s", r.status, r.body)
	}
	eventually(t, "the first capture", captured(2000000))
	if r := p.call("GET", session, nil); r.text("data", "status") != "PROCESSING" || r.text("data", "chargeDetails", 0, "captureHistories", 0, "status") != "SUCCESS" {
		t.Errorf("partly captured: %s", r.body)
	}
	if r := capture("30001", false); r.status != 400 {
		t.Errorf("more than what is left: %d %s", r.status, r.body)
	}
	if r := capture("10000", true); r.text("data", "status") != "PENDING" {
		t.Errorf("last capture: %d %s", r.status, r.body)
	}
	if r := capture("10000", true); r.status != 422 {
		t.Errorf("after the release: %d %s", r.status, r.body)
	}
	eventually(t, "the last capture", captured(3000000))
	p.wantRow("hold", ledger.Charge{PSP: "pivot", AmountMinor: 5000000, Currency: "IDR", State: ledger.Captured, CapturedMinor: 3000000})
	r = p.call("GET", session, nil)
	if r.text("data", "status") != "PAID" || r.number("data", "chargeDetails", 0, "capturedAmount", "value") != "30000" || r.number("data", "chargeDetails", 0, "captureHistories", 1, "capturedAmount") != "10000" {
		t.Errorf("captured: %s", r.body)
	}
}

func TestPivotRefunds(t *testing.T) {
	p := startPivot(t)
	paid := p.pay("sale", "23456", "4242424242424242", "AUTOMATIC", "automatic")
	back := func(reference, value string, more obj) reply {
		return p.call("POST", "/v1/refunds", merge(obj{
			"clientReferenceId": reference, "paymentSessionId": paid.text("data", "id"), "reason": "REQUESTED_BY_CUSTOMER",
			"amount": obj{"value": value, "currency": "IDR"},
		}, more))
	}
	if r := back("x", "", obj{"amount": obj{"value": 10000, "currency": "IDR"}}); r.status != 400 || r.text("error", "details", 0, "field") != "amount.value" {
		t.Errorf("a number: %d %s", r.status, r.body)
	}
	first := back("back1", "10000.00", nil)
	if first.status != 200 || first.text("data", "status") != "PENDING" || first.text("data", "amount", "value") != "10000.00" || first.text("data", "capturedAmount", "value") != "23456.00" {
		t.Fatalf("refund: %d %s", first.status, first.body)
	}
	if r := back("back1", "100", nil); r.status != 409 || r.text("code") != "duplicate_error" {
		t.Errorf("the same reference: %d %s", r.status, r.body)
	}
	if r := back("back2", "13457", nil); r.status != 400 {
		t.Errorf("over-refund: %d %s", r.status, r.body)
	}
	eventually(t, "refunded", func() bool { return p.rows("sale")[0].RefundedMinor == 1000000 })
	p.wantRow("sale", ledger.Charge{PSP: "pivot", AmountMinor: 2345600, Currency: "IDR", State: ledger.Captured, CapturedMinor: 2345600, RefundedMinor: 1000000})
	failing := back("2001-x", "100", nil)
	eventually(t, "failed", func() bool {
		return p.call("GET", "/v1/refunds/"+failing.text("data", "id"), nil).text("data", "status") == "FAILED"
	})
	if r := back("back3", "", obj{"isFullAmount": true, "amount": nil, "paymentSessionId": nil, "chargeId": paid.text("data", "chargeDetails", 0, "id")}); r.text("data", "amount", "value") != "13456.00" {
		t.Errorf("the rest: %d %s", r.status, r.body)
	}
	eventually(t, "refunded", func() bool { return p.rows("sale")[0].State == ledger.Refunded })
	list := p.call("GET", "/v1/refunds?clientReferenceId=back1", nil)
	if list.text("data", 0, "id") != first.text("data", "id") || list.text("data", 0, "status") != "SUCCESS" || list.number("pagination", "totalItems") != "1" {
		t.Errorf("list: %s", list.body)
	}
	if r := p.call("GET", "/v1/refunds?perPage=2&page=2", nil); r.number("pagination", "totalPages") != "2" || r.text("data", 0, "clientReferenceId") != "back1" || r.at("data", 1) != nil {
		t.Errorf("second page: %s", r.body)
	}
}

func TestPivotLooksUpByReference(t *testing.T) {
	p := startPivot(t)
	if r := p.call("GET", "/v2/payments?clientReferenceId=none", nil); r.status != 200 || r.at("data") == nil || r.at("data", 0) != nil {
		t.Errorf("none: %d %s", r.status, r.body)
	}
	waiting := p.create("waiting", "10000", nil)
	p.pay("paid", "10000", "4242424242424242", "AUTOMATIC", "automatic")
	if r := p.call("GET", "/v2/payments?clientReferenceId=waiting", nil); r.text("data", 0, "id") != waiting.text("data", "id") || r.number("pagination", "perPage") != "20" {
		t.Errorf("payments: %s", r.body)
	}
	if r := p.call("GET", "/v2/charges?clientReferenceId=paid", nil); r.text("data", 0, "status") != "SUCCESS" || r.text("data", 0, "paymentSessionClientReferenceId") != "paid" {
		t.Errorf("charges: %s", r.body)
	}
	if r := p.call("GET", "/v2/payments", nil); r.text("data", 0, "clientReferenceId") != "paid" || r.text("data", 1, "clientReferenceId") != "waiting" {
		t.Errorf("all: %s", r.body)
	}
	cancel := "/v2/payments/" + waiting.text("data", "id") + "/cancel"
	if r := p.call("POST", cancel, obj{"cancellationReason": "BORED"}); r.status != 400 {
		t.Errorf("reason: %d %s", r.status, r.body)
	}
	if r := p.call("POST", cancel, obj{"cancellationReason": "DUPLICATED"}); r.text("data", "status") != "CANCELLED" || r.text("data", "cancellationReason") != "DUPLICATED" || r.at("data", "chargeDetails") != nil {
		t.Errorf("cancel: %d %s", r.status, r.body)
	}
	if r := p.call("POST", cancel, obj{"cancellationReason": "DUPLICATED"}); r.status != 422 {
		t.Errorf("again: %d %s", r.status, r.body)
	}
}

func TestPivotSavedCards(t *testing.T) {
	p := startPivot(t)
	saving := p.create("saving", "10000", obj{"saveForFutureUse": true})
	owner := saving.text("data", "customerId")
	cards := func() reply { return p.call("GET", "/v1/customers/"+owner, nil) }
	if r := cards(); r.status != 200 || r.text("data", "email") != "ada@shop.example" || r.at("data", "storedPaymentMethods", 0) != nil {
		t.Errorf("before: %d %s", r.status, r.body)
	}
	p.call("POST", "/v2/payments/"+saving.text("data", "id")+"/confirm", confirmation(rawCard("4242424242424242"), "AUTOMATIC", "automatic"))
	stored := cards()
	token := stored.text("data", "storedPaymentMethods", 0, "token")
	if token == "" || stored.text("data", "storedPaymentMethods", 0, "status") != "ACTIVE" || stored.text("data", "storedPaymentMethods", 0, "card", "expYear") != "40" {
		t.Fatalf("stored: %s", stored.body)
	}
	byToken := func(reference, customer, cvc string) reply {
		return p.create(reference, "10000", obj{
			"customer": nil, "customerId": customer, "autoConfirm": true,
			"paymentMethod": obj{"type": "CARD", "card": obj{"token": token, "cvc": cvc}},
		})
	}
	if r := byToken("nocvc", owner, ""); r.status != 400 {
		t.Errorf("without a CVC: %d %s", r.status, r.body)
	}
	if r := byToken("again", owner, "123"); r.text("data", "status") != "PAID" {
		t.Errorf("by token: %d %s", r.status, r.body)
	}
	p.wantRow("again", ledger.Charge{PSP: "pivot", AmountMinor: 1000000, Currency: "IDR", State: ledger.Captured, CapturedMinor: 1000000})
	// The same address in other letters is the same customer, and the same card is stored once.
	same := p.create("same", "10000", obj{"customer": obj{"givenName": "Ada", "email": "ADA@shop.example"}})
	p.call("POST", "/v2/payments/"+same.text("data", "id")+"/confirm", merge(confirmation(rawCard("4242424242424242"), "AUTOMATIC", "automatic"), obj{"saveForFutureUse": true}))
	if r := cards(); same.text("data", "customerId") != owner || r.at("data", "storedPaymentMethods", 1) != nil {
		t.Errorf("the same: %s %s", same.body, r.body)
	}
	other := p.create("other", "10000", obj{"customer": obj{"givenName": "Bob", "email": "bob@shop.example"}}).text("data", "customerId")
	if r := byToken("theft", other, "123"); r.status != 400 || r.text("error", "details", 0, "field") != "paymentMethod.card.token" {
		t.Errorf("another's card: %d %s", r.status, r.body)
	}
}

// form sends a hosted page's form and returns the answer.
func (b *bench) form(page string, fields map[string]string) reply {
	b.t.Helper()
	values := url.Values{}
	for field, value := range fields {
		values.Set(field, value)
	}
	return b.send(b.t.Context(), request{
		method: "POST", url: page, body: values.Encode(),
		header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"},
	})
}

func typed(number string) map[string]string {
	return map[string]string{"number": number, "expiry": "12/40", "cvc": "123", "name": "Ada"}
}

func TestPivotHostedPage(t *testing.T) {
	p := startPivot(t)
	hosted := func(reference string, more obj) reply {
		return p.create(reference, "10000", merge(obj{"mode": "REDIRECT", "autoConfirm": true, "saveForFutureUse": true}, more))
	}
	r := hosted("page", nil)
	page := r.text("data", "paymentUrl")
	if r.text("data", "status") != "REQUIRE_ACTION" || r.text("data", "chargeDetails", 0, "status") != "WAITING_FOR_USER_ACTION" || !strings.HasPrefix(page, p.base("pivot")+"/detail?token=") {
		t.Fatalf("session: %d %s", r.status, r.body)
	}
	if r := p.send(t.Context(), request{method: "GET", url: page}); r.status != 200 || !strings.Contains(r.body, `name="number"`) || !strings.Contains(r.body, `name="save"`) || strings.Contains(r.body, "radio") {
		t.Errorf("page: %d %s", r.status, r.body)
	}
	if r := p.form(page, typed("4242424242424241")); r.status != 400 || strings.Contains(r.body, "4242424242424241") {
		t.Errorf("a bad number: %d %s", r.status, r.body)
	}
	if r := p.form(page, map[string]string{"action": "cancel"}); r.header.Get("Location") != "https://shop.example/no" || p.rows("page") != nil {
		t.Errorf("cancelled: %d %+v", r.status, r.header)
	}
	ticked := typed("4242424242424242")
	ticked["save"] = "on"
	if r := p.form(page, ticked); r.status != 303 || r.header.Get("Location") != "https://shop.example/ok" {
		t.Errorf("paid: %d %+v %s", r.status, r.header, r.body)
	}
	p.wantRow("page", ledger.Charge{PSP: "pivot", AmountMinor: 1000000, Currency: "IDR", State: ledger.Captured, CapturedMinor: 1000000})
	if r := p.send(t.Context(), request{method: "GET", url: page}); strings.Contains(r.body, "<form") {
		t.Errorf("payable again: %s", r.body)
	}
	customer := r.text("data", "customerId")
	token := p.call("GET", "/v1/customers/"+customer, nil).text("data", "storedPaymentMethods", 0, "token")
	saved := hosted("saved", obj{"customer": nil, "customerId": customer, "showSavedPayment": true, "autoConfirm": false, "paymentMethod": nil})
	if saved.text("data", "status") != "REQUIRE_CONFIRMATION" || saved.at("data", "encryptionKey") != nil {
		t.Errorf("session without a method: %s", saved.body)
	}
	page = saved.text("data", "paymentUrl")
	if r := p.send(t.Context(), request{method: "GET", url: page}); !strings.Contains(r.body, `value="`+token+`" checked`) {
		t.Errorf("page with the saved card: %s", r.body)
	}
	if r := p.form(page, map[string]string{"pay_with": token}); r.status != 400 {
		t.Errorf("without a CVC: %d %s", r.status, r.body)
	}
	if r := p.form(page, map[string]string{"pay_with": token, "cvc": "123"}); r.header.Get("Location") != "https://shop.example/ok" {
		t.Errorf("with the saved card: %d %s", r.status, r.body)
	}
	// What the session asked for is one thing, what the payer wants is another.
	unticked := hosted("unticked", nil)
	p.form(unticked.text("data", "paymentUrl"), typed("5550000112230001"))
	if r := p.call("GET", "/v2/payments/"+unticked.text("data", "id"), nil); r.text("data", "status") != "PAID" || r.at("data", "saveForFutureUse") != true {
		t.Errorf("unticked: %s", r.body)
	}
	if r := p.call("GET", "/v1/customers/"+customer, nil); r.at("data", "storedPaymentMethods", 1) != nil {
		t.Errorf("stored without being ticked: %s", r.body)
	}
	ticked["number"] = "5550000112230001"
	plain := hosted("plain", obj{"saveForFutureUse": false})
	if r := p.form(plain.text("data", "paymentUrl"), ticked); r.status != 303 {
		t.Errorf("plain: %d %s", r.status, r.body)
	}
	if r := p.call("GET", "/v1/customers/"+customer, nil); r.at("data", "storedPaymentMethods", 1) != nil {
		t.Errorf("stored without being offered: %s", r.body)
	}
	if r := p.form(hosted("hidden", obj{"customer": nil, "customerId": customer}).text("data", "paymentUrl"), map[string]string{"pay_with": token, "cvc": "123"}); r.status != 400 || p.rows("hidden") != nil {
		t.Errorf("a saved card that is not shown: %d %s", r.status, r.body)
	}
	open := hosted("open", nil)
	if r := p.call("POST", "/v2/payments/"+open.text("data", "id")+"/cancel", obj{"cancellationReason": "VOID_SESSION"}); r.status != 422 || p.status(open.text("data", "id")) != "REQUIRE_ACTION" {
		t.Errorf("cancelled a page that waits for its payer: %d %s", r.status, r.body)
	}
	challenged := hosted("challenged", nil)
	r = p.form(challenged.text("data", "paymentUrl"), typed("4000000000000101"))
	if r.status != 303 || p.send(t.Context(), request{method: "GET", url: challenged.text("data", "paymentUrl")}).header.Get("Location") != r.header.Get("Location") {
		t.Errorf("challenge: %d %+v", r.status, r.header)
	}
	if to := p.decide(r.header.Get("Location"), "fail"); to != "https://shop.example/no" {
		t.Errorf("failed challenge: %s", to)
	}
	p.wantRow("challenged", ledger.Charge{PSP: "pivot", AmountMinor: 1000000, Currency: "IDR", State: ledger.Declined})
}

func TestPivotCallbacks(t *testing.T) {
	p := startPivot(t)
	hooks := p.receiver("pivot", 0)
	held := p.pay("hooks", "10000", "4242424242424242", "AUTOMATIC", "manual")
	h := await(t, hooks)
	if h.header.Get("X-Api-Key") != webhookSecret || h.text("event") != "PAYMENT.PROCESSING" || h.text("data", "clientReferenceId") != "hooks" {
		t.Errorf("processing: %v %s", h.header, h.body)
	}
	p.call("POST", "/v2/payments/"+held.text("data", "id")+"/capture", obj{"releaseRemainingAmount": true})
	if h := await(t, hooks); h.text("event") != "PAYMENT.PAID" || h.text("data", "chargeDetails", 0, "status") != "SUCCESS" {
		t.Errorf("paid: %s", h.body)
	}
	p.call("POST", "/v1/refunds", obj{"clientReferenceId": "back", "paymentSessionId": held.text("data", "id"), "reason": "OTHERS", "isFullAmount": true})
	for _, want := range []string{"REFUND.PENDING", "REFUND.SUCCESS"} {
		if h := await(t, hooks); h.text("event") != want || h.text("data", "clientReferenceId") != "back" {
			t.Errorf("%s: %s", want, h.body)
		}
	}
	p.fault(obj{"psp": "*", "operation": "webhook", "fault": "forged"})
	p.pay("forged", "10000", "4000000000000002", "AUTOMATIC", "automatic")
	h = await(t, hooks)
	if h.header.Get("X-Api-Key") == webhookSecret || h.text("event") != "PAYMENT.PAID" || h.text("data", "status") != "PAID" || h.text("data", "clientReferenceId") != "forged" {
		t.Errorf("forged: %v %s", h.header, h.body)
	}
}

func preparePivot(b *bench, reference string) payment {
	p := pivotOn(b)
	reference = strings.ReplaceAll(strings.ReplaceAll(reference, "_", ""), "-", "")
	return p.payment(reference, reference)
}

// payment is a session that can be charged.
func (p pivot) payment(reference, requestID string) payment {
	id := p.keyed(p.t.Context(), "POST", "/v2/payments", p.session(reference, "10000", nil), key(requestID)).text("data", "id")
	return payment{
		charge: func(ctx context.Context) reply {
			return p.keyed(ctx, "POST", "/v2/payments/"+id+"/confirm", confirmation(rawCard("4242424242424242"), "AUTOMATIC", "automatic"), "")
		},
		paid: func() bool { return p.status(id) == "PAID" },
		declined: func(r reply, hard bool) bool {
			code := map[bool]string{false: "DECLINED_BY_CHANNEL", true: "SUSPECTED_FRAUD"}[hard]
			return r.status == 200 && r.text("data", "status") == "CANCELLED" && r.text("data", "chargeDetails", 0, "failureCode") == code
		},
		fence: func() reply {
			return p.call("POST", "/v2/payments/"+id+"/cancel", obj{"cancellationReason": "VOID_SESSION"})
		},
		fenced: func(r reply) bool { return r.status == 200 && r.text("data", "status") == "CANCELLED" },
	}
}
