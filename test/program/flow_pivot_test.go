package program

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

const (
	pivotPage     = "gway_conf_dev_pivot"
	pivotCustomer = "GET /v1/customers/*" // what it keeps for a customer
)

// pivotFlow drives Pivot's payment sessions for one customer.
type pivotFlow struct {
	*watch
	customer string
}

// TestFlowPivotPaymentSessions: both modes of the vendor's guide, each the first time with saving and again with what is saved.
func TestFlowPivotPaymentSessions(t *testing.T) {
	t.Parallel()
	p := startDev(t, t.TempDir())
	f := pivotFlow{p.watch("pivot"), p.customer(object{"phone_number": "+6281234567890"})}
	f.quiet = []string{pivotCustomer}
	token := f.redirectAndSave()
	f.redirectWithSaved(token)
	f.redirectDeclined()
	f.only("pivot")
	f.apiWithSaved(token)
	f.apiWithCard()
	f.apiWithChallenge()
	f.callbacks()
	// 25,000 rupiah each, in sen: two on the page, two by API, one after a challenge, one told by a callback.
	f.charged("pivot", 2500000, 2500000, 2500000, 2500000, 2500000, 2500000)
	fetched := 0
	for _, n := range p.watch("pivot").news() {
		if n.shape() == "POST /v1/access-token" {
			fetched++
			f.has(n, map[string]string{"headers.X-Merchant-Id": `"switchyard-dev"`, "headers.X-Merchant-Secret": `"[masked]"`, "body.grantType": `"client_credentials"`})
		}
	}
	if fetched != 1 {
		t.Errorf("%d access tokens were fetched, want one", fetched)
	}
}

// redirectAndSave is the first payment on the page, with the box ticked.
func (f pivotFlow) redirectAndSave() (token string) {
	before := time.Now()
	invoice := f.invoiceOf(f.customer, "25000", "IDR", nil)
	a := f.capture(invoice, "pending", object{"source": pivotPage, "save_source": true})
	after := time.Now()
	calls := f.calls("POST /v1/access-token", "POST /v2/payments")
	session := calls[1]
	f.has(session, map[string]string{
		"headers.Authorization": `"Bearer"`, "body.amount": `{"currency":"IDR","value":25000}`, "body.mode": `"REDIRECT"`, "body.autoConfirm": "true",
		"body.saveForFutureUse": "true", "body.paymentMethod.type": `"CARD"`, "body.paymentMethodOptions.card.captureMethod": `"automatic"`,
		"body.customer.email": `"ada@example.com"`, "body.customer.givenName": `"Ada"`,
	})
	if id := session.text("headers", "X-Request-Id"); len(id) < 16 || len(id) > 36 || strings.Trim(id, "0123456789abcdefghijklmnopqrstuvwxyz") != "" {
		f.t.Errorf("X-REQUEST-ID %q", id)
	}
	for _, name := range []string{"successReturnUrl", "failureReturnUrl", "expirationReturnUrl"} {
		if back := session.text("body", "redirectUrl", name); !strings.HasPrefix(back, f.api+"/returns/") {
			f.t.Errorf("%s is %q", name, back)
		}
	}
	expiry, err := time.Parse(time.RFC3339, session.text("body", "expiryAt"))
	const lasts, rounding = 15 * time.Minute, 10 * time.Second
	if err != nil || expiry.Before(before.Add(lasts-rounding)) || expiry.After(after.Add(lasts+rounding)) {
		f.t.Errorf("the page is open until %v, of a payment that was made from %v to %v: %v", expiry, before, after, err)
	}

	f.onPage(a, typed("4242424242424242", "123", "save", "on"), shopDone)
	f.becomes(invoice, "completed")
	f.asked("GET /v2/payments/*")
	f.asked(pivotCustomer)
	f.calls("POST /detail")
	token = f.transaction(invoice, "token_id")
	a = f.call("GET", "/customers/"+f.customer+"/tokens/"+token, nil)
	if a.text1("token", "type") != "gateway_token" || a.text1("token", "gateway_configuration_id") != pivotPage {
		f.t.Errorf("what was saved: %s", a.text)
	}
	f.keptOne(token)
	return token
}

func (f pivotFlow) keptOne(token string) {
	a := f.call("GET", "/customers/"+f.customer+"/payment-methods", nil)
	if strings.Count(a.text, `"token_id"`) != 1 || !strings.Contains(a.text, token) || !strings.Contains(a.text, `"last_4_digits":"4242"`) {
		f.t.Errorf("what Pivot keeps: %s", a.text)
	}
	f.asked(pivotCustomer)
}

// redirectWithSaved shows the saved card on the page: the token as the source, then the page as the source with a preference.
func (f pivotFlow) redirectWithSaved(token string) {
	invoice := f.invoiceOf(f.customer, "25000", "IDR", nil)
	a := f.capture(invoice, "pending", object{"source": token})
	calls := f.calls("POST /v2/payments")
	f.has(calls[0], map[string]string{"body.mode": `"REDIRECT"`, "body.showSavedPayment": "true", "body.customer": "null", "body.autoConfirm": "true"})
	if calls[0].text("body", "customerId") == "" {
		f.t.Error("no customerId")
	}
	f.onPage(a, f.choose(a, "4242"), shopDone)
	f.becomes(invoice, "completed")
	f.calls("GET /detail", "POST /detail")

	invoice = f.invoiceOf(f.customer, "25000", "IDR", nil)
	f.capture(invoice, "pending", object{"source": pivotPage, "preferred_source": token})
	calls = f.calls("POST /v2/payments")
	f.has(calls[0], map[string]string{"body.mode": `"REDIRECT"`, "body.showSavedPayment": "true"})
}

// choose is the page's form with a saved card, by its last digits.
func (p *process) choose(a answer, last4 string) url.Values {
	p.t.Helper()
	page := p.browse(a.text1("customer_action", "value"), nil).page
	for _, option := range savedOption.FindAllStringSubmatch(page, -1) {
		if strings.HasSuffix(option[3], last4) {
			return url.Values{"action": {"pay"}, "pay_with": {option[1]}, "cvc": {"123"}}
		}
	}
	p.t.Fatalf("no card ending in %s on the page: %s", last4, page)
	return nil
}

// redirectDeclined has the payer's card declined on the page: Pivot ends the session, and the payer comes to the cancel address.
func (f pivotFlow) redirectDeclined() {
	invoice := f.invoiceOf(f.customer, "25000", "IDR", nil)
	a := f.capture(invoice, "pending", object{"source": pivotPage})
	f.onPage(a, typed("4000000000000002", "123"), shopCancel)
	f.becomes(invoice, "failed")
	calls := f.calls("POST /v2/payments", "POST /detail")
	f.has(calls[0], map[string]string{"body.saveForFutureUse": "false"})
}

// apiWithSaved pays with the saved method and its CVC, without a page.
func (f pivotFlow) apiWithSaved(token string) {
	f.capture(f.invoiceOf(f.customer, "25000", "IDR", nil), "completed", object{"source": token, "cvc2": "123"})
	calls := f.calls("POST /v2/payments")
	f.has(calls[0], map[string]string{
		"body.mode": `"API"`, "body.autoConfirm": "true", "body.paymentMethod": `{"card":{"cvc":"[masked]","token":"[masked]"},"type":"CARD"}`,
		"body.customer": "null", "body.expiryAt": "null", "body.amount.value": "25000",
	})
}

// apiWithCard seals the card for the session, and saves it.
func (f pivotFlow) apiWithCard() {
	f.capture(f.invoiceOf(f.customer, "25000", "IDR", nil), "completed", object{"source": f.card("5105105105105100"), "save_source": true})
	calls := f.calls("POST /v2/payments", "POST /v2/payments/*/confirm")
	f.has(calls[0], map[string]string{"body.mode": `"API"`, "body.autoConfirm": "false", "body.paymentMethod": `{"type":"CARD"}`, "body.saveForFutureUse": "true"})
	f.has(calls[1], map[string]string{
		"body.paymentMethod": `{"card":{"encryptedCard":"[masked]"},"type":"CARD"}`, "body.paymentMethodOptions.card.captureMethod": `"automatic"`,
	})
}

// apiWithChallenge sends the payer to the 3-D Secure page.
func (f pivotFlow) apiWithChallenge() {
	for outcome, status := range map[string]string{"authorize": "completed", "fail": "failed"} {
		invoice := f.invoiceOf(f.customer, "25000", "IDR", nil)
		a := f.capture(invoice, "pending", object{"source": f.card("4000000000000101")})
		f.onPage(a, url.Values{"outcome": {outcome}}, map[string]string{"completed": shopDone, "failed": shopCancel}[status])
		f.becomes(invoice, status)
		f.calls("POST /v2/payments", "POST /v2/payments/*/confirm", "POST /_3ds/*")
	}
}

// callbacks: one with the static key is believed enough to ask Pivot; one without it is refused.
func (f pivotFlow) callbacks() {
	invoice := f.invoiceOf(f.customer, "25000", "IDR", nil)
	a := f.capture(invoice, "pending", object{"source": pivotPage})
	f.forged("pivot", "X-API-Key", `{"event":"PAYMENT.PAID","data":{"id":"9adf3e2e-a47c-449c-b457-3961aca086f4","status":"PAID"}}`)
	if v := f.browse(a.text1("customer_action", "value"), typed("4242424242424242", "123")); v.status != http.StatusSeeOther {
		f.t.Errorf("paid on the page: %d %s", v.status, v.page)
	}
	f.becomes(invoice, "completed") // the payer never comes back: the callback has told it
	f.calls("POST /v2/payments", "POST /detail")
}

// forged insists that a webhook with a wrong secret in its header, or without one, is refused and not stored.
func (p *process) forged(psp, header, body string) {
	p.t.Helper()
	for _, secret := range []string{"", "not-the-secret"} {
		a, err := ask(p.t.Context(), "", "", "POST", p.api+"/gateway-webhooks/gway_conf_dev_"+psp, body, header, secret)
		if err != nil || a.status != http.StatusUnauthorized {
			p.t.Errorf("a webhook with the secret %q: %d %s %v", secret, a.status, a.text, err)
		}
	}
}
