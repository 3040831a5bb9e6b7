package program

import (
	"net/http"
	"strings"
	"testing"
)

const dojoPage = "gway_conf_dev_dojo"

// What reading a customer's cards takes: a secret of theirs, and the list, for which it is the key.
const (
	dojoSecret = "POST /customers/*/create-secret"
	dojoList   = "GET /customers/public/*/payment-methods"
)

// dojoFlow drives Dojo's saved cards for one customer.
type dojoFlow struct {
	*watch
	customer string
}

// TestFlowDojoSavedCards: one Dojo customer over many checkouts, each with a secret of its own; cards are saved and chosen on
// Dojo's page only, and a setup intent lets the merchant charge later without it.
func TestFlowDojoSavedCards(t *testing.T) {
	t.Parallel()
	p := startDev(t, t.TempDir())
	f := dojoFlow{p.watch("dojo"), p.customer(object{"currency": "GBP"})}
	f.quiet = []string{dojoSecret, dojoList}
	owner, first := f.saveFirst()
	second := f.saveSecond(owner)
	f.list(owner, first, second)
	f.chooseSaved(owner, first, second)
	f.delete(owner, second)
	f.mandate()
	f.charged("dojo", 1000, 2550, 1000, 700)
}

// checkout insists on the calls that open a page for a customer whom Dojo knows, a fresh secret among them, and returns the
// intent.
func (f dojoFlow) checkout(owner string, before ...string) noted {
	calls := f.calls(append(before, "POST /payment-intents")...)
	intent := calls[len(calls)-1]
	secret := f.before(dojoSecret, intent)
	for _, call := range append(calls, secret) {
		f.has(call, map[string]string{"headers.Authorization": `"Basic sk_…"`, "headers.Version": `"2025-09-10"`})
	}
	if owner == "" {
		owner = intent.text("body", "customer", "id")
	}
	f.has(secret, map[string]string{"path": quotedText("/customers/" + owner + "/create-secret")})
	f.has(intent, map[string]string{
		"body.paymentMethods": `["SavedCard","Card"]`, "body.captureMode": `"Auto"`, "body.customer.id": quotedText(owner), "body.customer.secret": `"[masked]"`,
	})
	return intent
}

// saveFirst is the first payment: the customer is made at Dojo, and the payer ticks the box.
func (f dojoFlow) saveFirst() (owner, token string) {
	invoice := f.invoiceOf(f.customer, "10.00", "GBP", nil)
	a := f.capture(invoice, "pending", object{"source": dojoPage, "save_source": true})
	intent := f.checkout("", "POST /customers")
	f.has(intent, map[string]string{"body.amount": `{"currencyCode":"GBP","value":1000}`})
	for _, name := range []string{"redirectUrl", "cancelUrl"} {
		if back := intent.text("body", "config", name); !strings.HasPrefix(back, f.api+"/returns/") {
			f.t.Errorf("%s is %q", name, back)
		}
	}
	f.onPage(a, typed("4242424242424242", "123", "save", "on"), shopDone)
	f.becomes(invoice, "completed")
	f.asked("GET /payment-intents/*")
	f.has(f.asked(dojoList), map[string]string{"headers.Authorization": `"Basic cs_…"`})
	f.calls("POST /checkout/*")
	return intent.text("body", "customer", "id"), f.transaction(invoice, "token_id")
}

// saveSecond is another card of the same customer. The payer never comes back to the shop: Dojo's webhook tells the end.
func (f dojoFlow) saveSecond(owner string) (token string) {
	invoice := f.invoiceOf(f.customer, "25.50", "GBP", nil)
	a := f.capture(invoice, "pending", object{"source": dojoPage, "save_source": true})
	f.has(f.checkout(owner), map[string]string{"body.amount.value": "2550"})
	if v := f.browse(a.text1("customer_action", "value"), typed("5105105105105100", "123", "save", "on")); v.status != http.StatusSeeOther {
		f.t.Fatalf("the page: %d %s", v.status, v.page)
	}
	f.becomes(invoice, "completed")
	f.calls("POST /checkout/*")
	return f.transaction(invoice, "token_id")
}

// list shows both cards, read with a secret of the customer and never with our key.
func (f dojoFlow) list(owner, first, second string) {
	if first == "" || second == "" || first == second {
		f.t.Fatalf("tokens %q and %q", first, second)
	}
	a := f.call("GET", "/customers/"+f.customer+"/payment-methods", nil)
	for _, want := range []string{first, second, `"last_4_digits":"4242"`, `"last_4_digits":"5100"`} {
		if !strings.Contains(a.text, want) {
			f.t.Errorf("the list has no %s: %s", want, a.text)
		}
	}
	f.asked(dojoSecret)
	f.has(f.asked(dojoList), map[string]string{"headers.Authorization": `"Basic cs_…"`, "path": quotedText("/customers/public/" + owner + "/payment-methods")})
}

// chooseSaved pays with saved cards, which the payer confirms on the page: by preference, and by the token itself.
func (f dojoFlow) chooseSaved(owner, first, second string) {
	invoice := f.invoiceOf(f.customer, "10.00", "GBP", nil)
	a := f.capture(invoice, "pending", object{"source": dojoPage, "preferred_source": second})
	preferred := f.checkout(owner).text("body", "customer", "savedCardId")
	page := f.browse(a.text1("customer_action", "value"), nil).page
	for _, option := range savedOption.FindAllStringSubmatch(page, -1) {
		if chosen := option[2] != ""; chosen != (option[1] == preferred) || chosen && !strings.HasSuffix(option[3], "5100") {
			f.t.Errorf("the page offers %q", option)
		}
	}
	f.onPage(a, f.choose(a, "5100"), shopDone)
	f.becomes(invoice, "completed")
	f.calls("GET /checkout/*", "GET /checkout/*", "POST /checkout/*")

	f.capture(f.invoiceOf(f.customer, "10.00", "GBP", nil), "pending", object{"source": first})
	if other := f.checkout(owner).text("body", "customer", "savedCardId"); other == "" || other == preferred {
		f.t.Errorf("the page is to offer %q first, and before that %q", other, preferred)
	}
}

func (f dojoFlow) delete(owner, token string) {
	if a := f.call("DELETE", "/customers/"+f.customer+"/tokens/"+token, nil); a.status != http.StatusOK {
		f.t.Fatal(a.text)
	}
	deleted := f.calls("DELETE /customers/public/*/payment-methods/*")[0]
	f.before(dojoSecret, deleted)
	f.has(deleted, map[string]string{"headers.Authorization": `"Basic cs_…"`})
	if !strings.HasPrefix(deleted.text("path"), "/customers/public/"+owner+"/payment-methods/pm_") {
		f.t.Errorf("deleted: %s", deleted.text("path"))
	}
}

// mandate: the payer agrees on the page of a setup intent, and the merchant charges later by itself, and only so.
func (f dojoFlow) mandate() {
	a := f.call("POST", "/customers/"+f.customer+"/tokens", object{"source": dojoPage, "invoice_return_url": shopDone})
	token := a.text1("token", "id")
	if a.text1("token", "verification_status") != "pending" || a.get("token", "is_chargeable") != false {
		f.t.Errorf("before the payer agrees: %s", a.text)
	}
	calls := f.calls("POST /setup-intents")
	f.has(calls[0], map[string]string{"body.merchantInitiatedTransactionType": `"Unscheduled"`, "headers.Authorization": `"Basic sk_…"`})
	if calls[0].text("body", "terms") == "" {
		f.t.Error("the payer is shown no terms")
	}
	f.onPage(a, typed("4242424242424242", "123"), shopDone)
	f.calls("POST /checkout/*")
	path := "/customers/" + f.customer + "/tokens/" + token
	f.until("the mandate is there", func() bool { return f.call("GET", path, nil).get("token", "is_chargeable") == true })

	invoice := f.invoiceOf(f.customer, "7.00", "GBP", object{"initiation_type": "mit"})
	if a := f.capture(invoice, "completed", object{"source": token}); a.get("customer_action") != nil {
		f.t.Errorf("the payer is sent to a page: %s", a.text)
	}
	calls = f.calls("POST /payment-intents", "POST /payment-intents/*/charge")
	f.has(calls[0], map[string]string{"body.amount.value": "700", "body.captureMode": `"Auto"`, "body.customer": "null"})
	if !strings.HasPrefix(calls[0].text("body", "setupIntentId"), "si_") {
		f.t.Errorf("charged: %v", calls[0])
	}

	a = f.call("POST", "/invoices/"+f.invoiceOf(f.customer, "7.00", "GBP", nil)+"/capture", object{"source": token})
	if a.status != http.StatusBadRequest || !strings.Contains(a.text, "the payer agreed to merchant-initiated payments only") {
		f.t.Errorf("the payer's own payment with a mandate: %d %s", a.status, a.text)
	}
	f.calls()
}
