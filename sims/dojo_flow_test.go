package sims_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	"switchyard/sims/ledger"
)

func TestDojoSavedCards(t *testing.T) {
	d := dojoOn(start(t))
	owner := d.call("POST", "/customers", obj{"name": "Ada", "emailAddress": "ada@shop.example"}).text("id")
	if r := d.call("GET", "/customers/"+owner+",cust_no", nil); r.text(0, "name") != "Ada" || r.at(1) != nil {
		t.Errorf("customers: %s", r.body)
	}
	if r := d.call("GET", "/customers/cust_no", nil); r.status != 200 || r.at(0) != nil {
		t.Errorf("nobody: %d %s", r.status, r.body)
	}
	if r := d.call("PATCH", "/customers/"+owner, obj{"phoneNumber": "07000000"}); r.text("name") != "Ada" || r.number("documentVersion") != "1" {
		t.Errorf("changed: %d %s", r.status, r.body)
	}
	secret := d.call("POST", "/customers/"+owner+"/create-secret", nil).text("secret")
	methods := func(secret string) reply {
		return d.with(t.Context(), "GET", "/customers/public/"+owner+"/payment-methods", nil, map[string]string{"Authorization": "Basic " + secret})
	}
	if r := methods("sk_sandbox_any"); r.status != 401 {
		t.Errorf("with the server's key: %d %s", r.status, r.body)
	}
	visit := obj{"paymentMethods": []string{"SavedCard", "Card"}, "customer": obj{"id": owner, "secret": secret}}
	_, page := d.intent("first", visit)
	if r := d.send(t.Context(), request{method: "GET", url: page}); !strings.Contains(r.body, `name="save"`) || strings.Contains(r.body, "radio") {
		t.Errorf("first visit: %s", r.body)
	}
	ticked := typed("4242424242424242")
	ticked["save"] = "on"
	if r := d.form(page, ticked); r.status != 303 {
		t.Errorf("paid: %d %s", r.status, r.body)
	}
	if r := d.with(t.Context(), "GET", "/customers/"+owner, nil, map[string]string{"Authorization": "Basic " + secret}); r.status != 401 {
		t.Errorf("the secret as the server's key: %d %s", r.status, r.body)
	}
	list := methods(secret)
	saved := list.text("savedPaymentMethods", 0, "id")
	if !strings.HasPrefix(saved, "pm_") || list.text("savedPaymentMethods", 0, "cardDetails", "pan") != "42424242****4242" || list.text("savedPaymentMethods", 0, "cardDetails", "expiryDate") != "2040-12-31" {
		t.Errorf("saved: %s", list.body)
	}
	// The seed spells it with a capital.
	visit["customer"] = obj{"id": owner, "secret": secret, "SavedCardId": saved}
	id, page := d.intent("second", visit)
	if r := d.send(t.Context(), request{method: "GET", url: page}); !strings.Contains(r.body, `value="`+saved+`" checked`) {
		t.Errorf("second visit: %s", r.body)
	}
	bare, _, _ := strings.Cut(page, "?")
	if r := d.form(bare, map[string]string{"pay_with": saved}); r.status != 400 {
		t.Errorf("without the secret: %d %s", r.status, r.body)
	}
	if r := d.form(page, map[string]string{"pay_with": saved}); r.header.Get("Location") != "https://shop.example/ok" {
		t.Errorf("with the saved card: %d %s", r.status, r.body)
	}
	if r := d.call("GET", "/payment-intents/"+id, nil); r.text("paymentDetails", "paymentMethodId") != saved || r.text("customer", "id") != owner || r.at("customer", "secret") != nil {
		t.Errorf("second: %s", r.body)
	}
	d.wantRow("second", ledger.Charge{PSP: "dojo", AmountMinor: 1234, Currency: "GBP", State: ledger.Captured, CapturedMinor: 1234})
	// A card that is not ticked is not kept, though the payment names it.
	id, page = d.intent("unticked", visit)
	d.form(page, typed("5200000000000056"))
	named := d.call("GET", "/payment-intents/"+id, nil).text("paymentDetails", "paymentMethodId")
	if list := methods(secret); !strings.HasPrefix(named, "pm_") || list.at("savedPaymentMethods", 1) != nil {
		t.Errorf("not ticked: %q, %s", named, list.body)
	}
	for _, c := range []obj{{"savedCardId": named}, {"secret": secret + "x"}, {"secret": nil}, {"emailAddress": strings.Repeat("e", 255)}} {
		if r := d.create("bad", obj{"paymentMethods": []string{"SavedCard"}, "customer": merge(obj{"id": owner, "secret": secret}, c)}); r.status != 400 {
			t.Errorf("%v: %d %s", c, r.status, r.body)
		}
	}
	remove := func() reply {
		return d.with(t.Context(), "DELETE", "/customers/public/"+owner+"/payment-methods/"+saved, nil, map[string]string{"Authorization": "Basic " + secret})
	}
	if r, again := remove(), remove(); r.status != 204 || again.status != 404 || methods(secret).at("savedPaymentMethods", 0) != nil {
		t.Errorf("removed: %d, then %d", r.status, again.status)
	}
	if r := d.call("DELETE", "/customers/"+owner, nil); r.status != 204 || methods(secret).status != 401 {
		t.Errorf("deleted: %d", r.status)
	}
}

func TestDojoMerchantInitiated(t *testing.T) {
	d := dojoOn(start(t))
	plain, _ := d.intent("plain", nil)
	if r := d.call("POST", "/payment-intents/"+plain+"/charge", nil); r.status != 403 {
		t.Errorf("without a setup intent: %d %s", r.status, r.body)
	}
	once := d.setup("NoShow")
	if r := d.call("GET", "/setup-intents/"+once, nil); r.text("status") != "Authorized" || r.text("setupEvents", 0, "eventType") != "Authorized" || r.text("setupEvents", 0, "paymentMethodId") == "" {
		t.Errorf("setup: %s", r.body)
	}
	id, page := d.intent("mit", obj{"setupIntentId": once})
	if r := d.form(page, typed("4242424242424242")); d.rows("mit") != nil || strings.Contains(r.body, "<form") {
		t.Errorf("the payer pays what is the merchant's to charge: %d %s", r.status, r.body)
	}
	if r := d.call("POST", "/payment-intents/"+id+"/charge", nil); r.status != 200 || r.text("status") != "Successful" || r.text("message") != "DEPOSITED" {
		t.Errorf("charge: %d %s", r.status, r.body)
	}
	d.wantRow("mit", ledger.Charge{PSP: "dojo", AmountMinor: 1234, Currency: "GBP", State: ledger.Captured, CapturedMinor: 1234})
	if r := d.call("GET", "/setup-intents/"+once, nil); r.text("status") != "Completed" {
		t.Errorf("setup: %s", r.body)
	}
	if r := d.create("again", obj{"setupIntentId": once}); r.status != 400 {
		t.Errorf("a second no-show: %d %s", r.status, r.body)
	}
	raced := d.setup("Unscheduled")
	first, _ := d.intent("one", obj{"setupIntentId": raced})
	second, _ := d.intent("two", obj{"setupIntentId": raced}) // made before the first charge completes the setup intent
	if r := d.call("POST", "/payment-intents/"+first+"/charge", nil); r.text("status") != "Successful" {
		t.Errorf("one: %d %s", r.status, r.body)
	}
	if r := d.call("POST", "/payment-intents/"+second+"/charge", nil); r.status != 400 || d.rows("two") != nil || d.status(second) != "Created" {
		t.Errorf("two: %d %s", r.status, r.body)
	}
	if r := d.call("DELETE", "/setup-intents/"+raced+"?includeAuthorized=true", nil); r.status != 400 {
		t.Errorf("closing what is completed: %d %s", r.status, r.body)
	}
	closing := d.setup("Unscheduled")
	if r := d.call("DELETE", "/setup-intents/"+closing, nil); r.status != 400 {
		t.Errorf("cancel: %d %s", r.status, r.body)
	}
	if r := d.call("DELETE", "/setup-intents/"+closing+"?includeAuthorized=true", nil); r.text("status") != "Closed" {
		t.Errorf("close: %d %s", r.status, r.body)
	}
}

func TestDojoSearch(t *testing.T) {
	d := dojoOn(start(t))
	for _, reference := range []string{"a", "b", "c"} {
		d.intent(reference, nil)
	}
	page := d.call("POST", "/payment-intents/search", obj{"statuses": []string{"Created"}, "cursor": obj{"limit": 2}})
	if page.text("data", 0, "reference") != "c" || page.text("data", 1, "reference") != "b" || page.at("data", 2) != nil || page.at("before") != nil {
		t.Errorf("first page: %s", page.body)
	}
	next := d.call("POST", "/payment-intents/search", obj{"cursor": obj{"limit": 2, "after": page.text("after")}})
	if next.text("data", 0, "reference") != "a" || next.at("after") != nil {
		t.Errorf("second page: %s", next.body)
	}
	if r := d.call("POST", "/payment-intents/search", obj{"cursor": obj{"limit": 2, "before": next.text("before")}}); r.text("data", 0, "reference") != "c" || r.text("data", 1, "reference") != "b" {
		t.Errorf("back: %s", r.body)
	}
	if r := d.call("POST", "/payment-intents/search", obj{"endDate": "2020-01-01T00:00:00Z"}); r.at("data") == nil || r.at("data", 0) != nil {
		t.Errorf("of another time: %s", r.body)
	}
	if r := d.call("POST", "/payment-intents/search", obj{"cursor": obj{"limit": 101}}); r.status != 400 {
		t.Errorf("limit: %d %s", r.status, r.body)
	}
}

func TestDojoWebhooks(t *testing.T) {
	d := dojoOn(start(t))
	hooks := d.receiver("dojo", 0)
	signed := func(h hook) bool {
		mac := hmac.New(sha256.New, []byte(webhookSecret))
		mac.Write([]byte(h.body))
		digits := strings.ToUpper(hex.EncodeToString(mac.Sum(nil)))
		text, prefixed := strings.CutPrefix(h.header.Get("dojo-signature"), "sha256=")
		return prefixed && strings.ReplaceAll(text, "-", "") == digits && strings.Count(text, "-") == 31
	}
	id, page := d.intent("hooks", manual)
	d.form(page, typed("4000000000000002")) // a decline is no event
	d.form(page, typed("4242424242424242"))
	h := await(t, hooks)
	if !signed(h) || h.text("event") != "payment_intent.status_updated" || h.text("data", "paymentIntentId") != id || h.text("data", "paymentStatus") != "Authorized" || h.text("data", "captureMode") != "Manual" {
		t.Errorf("authorized: %v %s", h.header, h.body)
	}
	d.call("POST", "/payment-intents/"+id+"/captures", obj{"amount": 1234})
	if h := await(t, hooks); h.text("data", "paymentStatus") != "Captured" {
		t.Errorf("captured: %s", h.body)
	}
	d.fault(obj{"psp": "*", "operation": "webhook", "fault": "forged"})
	id, _ = d.intent("forged", nil)
	d.call("DELETE", "/payment-intents/"+id, nil)
	if h := await(t, hooks); signed(h) || h.text("data", "paymentIntentId") != id || h.text("data", "paymentStatus") != "Captured" {
		t.Errorf("forged: %v %s", h.header, h.body)
	}
}

func prepareDojo(b *bench, reference string) payment {
	d := dojoOn(b)
	id, _ := d.intent(reference, obj{"setupIntentId": d.setup("Unscheduled")})
	return payment{
		charge: func(ctx context.Context) reply {
			return d.with(ctx, "POST", "/payment-intents/"+id+"/charge", nil, nil)
		},
		paid: func() bool { return d.status(id) == "Captured" },
		declined: func(r reply, hard bool) bool {
			message := map[bool]string{false: "DECLINED", true: "DECLINED: CARD REPORTED STOLEN"}[hard]
			return r.status == 200 && r.text("status") == "Declined" && r.text("message") == message
		},
		fence:  func() reply { return d.call("DELETE", "/payment-intents/"+id, nil) },
		fenced: func(r reply) bool { return r.status == 200 && r.text("status") == "Canceled" },
	}
}
