package program

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

const xenditPage = "gway_conf_dev_xendit"

// xenditFlow drives Xendit's sessions and payment requests for one customer.
type xenditFlow struct {
	*watch
	customer string
}

// TestFlowXenditSessions: sessions that pay and that save, and what is saved, charged by payment requests of version 3.
func TestFlowXenditSessions(t *testing.T) {
	t.Parallel()
	p := startDev(t, t.TempDir())
	f := xenditFlow{p.watch("xendit"), p.customer(object{"currency": "IDR"})}
	saved := f.payAndSave()
	f.declinedOnPage()
	f.challengeOnPage()
	f.merchantInitiated(saved)
	f.holdAndCapture(f.saveOnly())
	f.toldByWebhook()
	f.forget(saved)
	f.charged("xendit", 2500000, 2500000, 2500000, 2500000, 2500000)
}

// payAndSave pays on the page of a session, with a card that Xendit keeps.
func (f xenditFlow) payAndSave() (token string) {
	invoice := f.invoiceOf(f.customer, "25000", "IDR", nil)
	a := f.capture(invoice, "pending", object{"source": xenditPage, "save_source": true})
	calls := f.calls("POST /customers", "POST /sessions")
	f.has(calls[0], map[string]string{"headers.Api-Version": `"2020-10-31"`, "body.type": `"INDIVIDUAL"`, "body.individual_detail.given_names": `"Ada"`})
	f.has(calls[1], map[string]string{
		"headers.Authorization": `"Basic base64(xnd_…:)"`, "body.session_type": `"PAY"`, "body.mode": `"PAYMENT_LINK"`, "body.amount": "25000",
		"body.currency": `"IDR"`, "body.country": `"ID"`, "body.allow_save_payment_method": `"OPTIONAL"`, "body.capture_method": `"AUTOMATIC"`,
	})
	for _, name := range []string{"success_return_url", "cancel_return_url"} {
		if back := calls[1].text("body", name); !strings.HasPrefix(back, f.api+"/returns/") {
			f.t.Errorf("%s is %q", name, back)
		}
	}
	f.onPage(a, typed("4242424242424242", "123", "save", "on"), shopDone)
	f.becomes(invoice, "completed")
	f.asked("GET /sessions/*")
	f.asked("GET /v3/payments/*")
	f.calls("POST /checkout/*")
	token = f.transaction(invoice, "token_id")
	if a := f.call("GET", "/customers/"+f.customer+"/tokens/"+token, nil); a.text1("token", "gateway_configuration_id") != xenditPage || a.get("token", "is_chargeable") != true {
		f.t.Fatalf("what was saved: %s", a.text)
	}
	return token
}

// declinedOnPage: a decline is shown to the payer and leaves the session open, and so the payment.
func (f xenditFlow) declinedOnPage() {
	invoice := f.invoiceOf(f.customer, "10054", "IDR", nil)
	a := f.capture(invoice, "pending", object{"source": xenditPage})
	calls := f.calls("POST /sessions")
	f.has(calls[0], map[string]string{"body.amount": "10054", "body.allow_save_payment_method": `"DISABLED"`})
	for range 2 {
		v := f.browse(a.text1("customer_action", "value"), typed("4242424242424242", "123"))
		if v.status != http.StatusPaymentRequired || !strings.Contains(v.page, "INSUFFICIENT_BALANCE") || !strings.Contains(v.page, "<form") {
			f.t.Errorf("a declined card on the page: %d %s", v.status, v.page)
		}
	}
	f.calls("POST /checkout/* 402", "POST /checkout/* 402")
	if status := f.transaction(invoice, "status"); status != "pending" {
		f.t.Errorf("after declines on an open page the payment is %s", status)
	}
}

func (f xenditFlow) challengeOnPage() {
	invoice := f.invoiceOf(f.customer, "25000", "IDR", nil)
	a := f.capture(invoice, "pending", object{"source": xenditPage})
	v := f.browse(a.text1("customer_action", "value"), typed("4000000000000101", "123"))
	if !strings.Contains(v.location, "/_3ds/") {
		f.t.Fatalf("no challenge: %d %s", v.status, v.location)
	}
	f.returns(f.browse(v.location, url.Values{"outcome": {"authorize"}}), shopDone)
	f.becomes(invoice, "completed")
	f.calls("POST /sessions", "POST /checkout/*", "POST /_3ds/*")
}

// merchantInitiated sends the network's id of the payer's own payment on.
func (f xenditFlow) merchantInitiated(token string) {
	invoice := f.invoiceOf(f.customer, "25000", "IDR", object{"initiation_type": "mit"})
	f.capture(invoice, "completed", object{"source": token})
	calls := f.calls("POST /v3/payment_requests")
	f.has(calls[0], map[string]string{
		"headers.Api-Version": `"2024-11-11"`, "body.type": `"PAY"`, "body.request_amount": "25000", "body.capture_method": `"AUTOMATIC"`,
		"body.channel_properties.card_on_file_type": `"MERCHANT_UNSCHEDULED"`, "body.channel_properties.transaction_sequence": `"SUBSEQUENT"`,
		"body.channel_properties.card_details": "null",
	})
	if id := calls[0].text("body", "payment_token_id"); !strings.HasPrefix(id, "pt-") {
		f.t.Errorf("payment_token_id %q", id)
	}
	if calls[0].text("body", "channel_properties", "network_transaction_id") == "" {
		f.t.Error("no network transaction id is sent")
	}
}

// saveOnly keeps a card without a charge. It can be charged once the session is over, and not before.
func (f xenditFlow) saveOnly() (token string) {
	a := f.call("POST", "/customers/"+f.customer+"/tokens", object{"source": xenditPage, "invoice_return_url": shopDone})
	token = a.text1("token", "id")
	calls := f.calls("POST /sessions")
	f.has(calls[0], map[string]string{"body.session_type": `"SAVE"`, "body.amount": "0", "body.capture_method": "null"})
	if early := f.call("POST", "/invoices/"+f.invoiceOf(f.customer, "25000", "IDR", nil)+"/capture", object{"source": token}); early.status != http.StatusBadRequest {
		f.t.Errorf("a token that is not there yet pays: %d %s", early.status, early.text)
	}
	f.onPage(a, typed("5105105105105100", "123"), shopDone)
	f.calls("POST /checkout/*")
	path := "/customers/" + f.customer + "/tokens/" + token
	f.until("the card is kept", func() bool { return f.call("GET", path, nil).get("token", "is_chargeable") == true })
	return token
}

// holdAndCapture takes and voids holds by the payment's id, and refunds by the request's.
func (f xenditFlow) holdAndCapture(token string) {
	authorize := func() string {
		invoice := f.invoiceOf(f.customer, "25000", "IDR", nil)
		f.call("POST", "/invoices/"+invoice+"/authorize", object{"source": token})
		f.becomes(invoice, "authorized")
		f.has(f.calls("POST /v3/payment_requests")[0], map[string]string{
			"body.capture_method": `"MANUAL"`, "body.channel_properties.card_on_file_type": `"CUSTOMER_UNSCHEDULED"`,
		})
		return invoice
	}
	invoice := authorize()
	f.capture(invoice, "completed", object{})
	calls := f.calls("POST /v3/payments/*/capture")
	f.has(calls[0], map[string]string{"body": `{"capture_amount":25000}`})
	if !strings.HasPrefix(calls[0].text("path"), "/v3/payments/py-") {
		f.t.Errorf("captured: %s", calls[0].text("path"))
	}
	a := f.call("POST", "/transactions/"+f.transaction(invoice, "id")+"/refunds", object{"amount": "5000"})
	if a.text1("refund", "id") == "" {
		f.t.Errorf("refund: %s", a.text)
	}
	calls = f.calls("POST /refunds")
	f.has(calls[0], map[string]string{"body.amount": "5000", "body.currency": `"IDR"`})
	if !strings.HasPrefix(calls[0].text("body", "payment_request_id"), "pr-") || calls[0].text("headers", "Idempotency-Key") == "" {
		f.t.Errorf("refunded: %v", calls[0])
	}
	f.becomes(invoice, "refunded")

	invoice = authorize()
	if a := f.call("POST", "/invoices/"+invoice+"/void", object{}); a.text1("transaction", "status") != "voided" {
		f.t.Errorf("void: %s", a.text)
	}
	if path := f.calls("POST /v3/payments/*/cancel")[0].text("path"); !strings.HasPrefix(path, "/v3/payments/py-") {
		f.t.Errorf("voided: %s", path)
	}
}

// toldByWebhook: the payer never comes back, and Xendit's webhook, which brings its token, has the payment asked about.
func (f xenditFlow) toldByWebhook() {
	invoice := f.invoiceOf(f.customer, "25000", "IDR", nil)
	a := f.capture(invoice, "pending", object{"source": xenditPage})
	f.forged("xendit", "X-Callback-Token", `{"event":"payment.capture","data":{"payment_request_id":"pr-9adf3e2e-a47c-449c-b457-3961aca086f4","status":"SUCCEEDED"}}`)
	if v := f.browse(a.text1("customer_action", "value"), typed("4242424242424242", "123")); v.status != http.StatusSeeOther {
		f.t.Fatalf("paid on the page: %d %s", v.status, v.page)
	}
	f.becomes(invoice, "completed")
	f.calls("POST /sessions", "POST /checkout/*")
}

// forget deletes a token at Xendit.
func (f xenditFlow) forget(token string) {
	if a := f.call("DELETE", "/customers/"+f.customer+"/tokens/"+token, nil); a.status != http.StatusOK {
		f.t.Fatal(a.text)
	}
	if path := f.calls("POST /v3/payment_tokens/*/cancel")[0].text("path"); !strings.HasPrefix(path, "/v3/payment_tokens/pt-") {
		f.t.Errorf("forgotten: %s", path)
	}
}
