package sims_test

import (
	"context"
	"maps"
	"strings"
	"testing"

	"switchyard/sims/ledger"
)

// dojo drives the Dojo simulator.
type dojo struct{ *bench }

func dojoOn(b *bench) dojo {
	b.t.Helper()
	return dojo{b}
}

func (d dojo) with(ctx context.Context, method, path string, body any, header map[string]string) reply {
	d.t.Helper()
	all := map[string]string{"Authorization": "Basic sk_sandbox_any", "version": "2025-09-10"}
	maps.Copy(all, header)
	return d.send(ctx, request{method: method, url: d.base("dojo") + path, header: all, body: body})
}

func (d dojo) call(method, path string, body any) reply {
	d.t.Helper()
	return d.with(d.t.Context(), method, path, body, nil)
}

func (d dojo) create(reference string, more obj) reply {
	d.t.Helper()
	return d.call("POST", "/payment-intents", merge(obj{
		"amount": obj{"value": 1234, "currencyCode": "GBP"}, "reference": reference, "paymentMethods": []string{"Card"},
		"config": obj{"redirectUrl": "https://shop.example/ok", "cancelUrl": "https://shop.example/no"},
	}, more))
}

func (d dojo) intent(reference string, more obj) (id, link string) {
	d.t.Helper()
	r := d.create(reference, more)
	id, link = r.text("id"), r.text("paymentLink")
	if r.status != 200 || r.text("status") != "Created" || !strings.HasPrefix(id, "pi_sandbox_") || !strings.HasPrefix(link, d.base("dojo")+"/checkout/"+id) {
		d.t.Fatalf("%s: %d %s", reference, r.status, r.body)
	}
	return id, link
}

func (d dojo) status(id string) string {
	return d.call("GET", "/payment-intents/"+id+"?returnCanceled=true", nil).text("status")
}

// setup makes a setup intent that its payer has agreed to.
func (d dojo) setup(kind string) string {
	d.t.Helper()
	r := d.call("POST", "/setup-intents", obj{"reference": "card", "merchantInitiatedTransactionType": kind, "terms": "We may charge you."})
	if r.status != 200 || r.text("status") != "Created" {
		d.t.Fatalf("setup: %d %s", r.status, r.body)
	}
	if r := d.form(d.base("dojo")+"/checkout/"+r.text("id"), typed("4242424242424242")); r.status != 200 {
		d.t.Fatalf("agreeing: %d %s", r.status, r.body)
	}
	return r.text("id")
}

var manual = obj{"captureMode": "Manual", "autoExpireAction": "Release", "autoExpireIn": "6.00:00:00"}

func TestDojoOutcomes(t *testing.T) {
	d := dojoOn(start(t))
	for _, c := range []struct {
		number, cvc         string
		challenge, declined bool
	}{
		{"4242424242424242", "123", false, false},
		{"5200000000000056", "341", false, false},
		{"4456530000001013", "020", false, false},
		{"4456530000001013", "341", false, true},
		{"4000000000000002", "123", false, true},
		{"4000000000000101", "123", true, false},
		{"4456530000001096", "020", true, false},
	} {
		reference := c.number[8:] + c.cvc
		id, page := d.intent(reference, nil)
		form := typed(c.number)
		form["cvc"] = c.cvc
		r := d.form(page, form)
		if c.challenge {
			if r.status != 303 || d.status(id) != "Created" || d.rows(reference) != nil {
				t.Errorf("%s: %d %+v", reference, r.status, d.rows(reference))
			}
			if to := d.decide(r.header.Get("Location"), "authorize"); to != "https://shop.example/ok" {
				t.Errorf("%s: back to %s", reference, to)
			}
		}
		want := ledger.Charge{PSP: "dojo", AmountMinor: 1234, Currency: "GBP", State: ledger.Captured, CapturedMinor: 1234}
		status := "Captured"
		if c.declined {
			want.State, want.CapturedMinor, status = ledger.Declined, 0, "Created"
			if r.status != 402 || !strings.Contains(r.body, "<form") || strings.Contains(r.body, c.number) {
				t.Errorf("%s: %d %s", reference, r.status, r.body)
			}
		} else if !c.challenge && r.header.Get("Location") != "https://shop.example/ok" {
			t.Errorf("%s: %d %s", reference, r.status, r.body)
		}
		d.wantRow(reference, want)
		shown := d.call("GET", "/payment-intents/"+id, nil)
		if shown.text("status") != status || c.declined != (shown.text("paymentDetails", "message") != "DEPOSITED") || strings.Contains(shown.body, c.number) {
			t.Errorf("%s: %s", reference, shown.body)
		}
	}
}

func TestDojoRefusesBadRequests(t *testing.T) {
	d := dojoOn(start(t))
	for field, more := range map[string]obj{
		"Amount":                     {"amount": nil},
		"Amount.Value":               {"amount": obj{"value": 0, "currencyCode": "GBP"}},
		"Amount.CurrencyCode":        {"amount": obj{"value": 1, "currencyCode": "USD"}},
		"Reference":                  {"reference": strings.Repeat("x", 61)},
		"CaptureMode":                {"captureMode": "manual"},
		"AutoExpireAction":           {"captureMode": "Manual"},
		"AutoExpireIn":               merge(manual, obj{"autoExpireIn": "7.00:00:00"}),
		"PaymentMethods":             {"paymentMethods": []string{"Cash"}},
		"Customer":                   {"paymentMethods": []string{"SavedCard"}},
		"Customer.Id":                {"customer": obj{"id": "cust_no"}},
		"SetupIntentId":              {"setupIntentId": "si_no"},
		"RequestSecurity":            {"requestSecurity": obj{"userAgent": strings.Repeat("é", 301)}},
		"$   ":                       {"requestSecurity": obj{"agent": "x"}},
		"Config.RedirectUrl":         {"config": obj{"redirectUrl": "ok"}},
		"ExpireAt":                   {"expireAt": "2020-01-01T00:00:00Z"},
		"BillingAddress.CountryCode": {"billingAddress": obj{"city": "London"}},
		"$":                          {"currency": "GBP"},
		"$ ":                         {"amount": obj{"value": "1000", "currencyCode": "GBP"}},
		"$  ":                        {"amount": obj{"value": 10.5, "currencyCode": "GBP"}},
	} {
		r := d.create("bad", more)
		if r.status != 400 || r.at("errors", strings.TrimSpace(field)) == nil || r.text("title") == "" || r.text("traceId") == "" {
			t.Errorf("%s: %d %s", field, r.status, r.body)
		}
	}
	for header, status := range map[string]int{
		"Authorization: Bearer sk_sandbox_a": 401, "Authorization: Basic sk_prod_a": 401, "Authorization: Basic c2tfc2FuZGJveF9hOg==": 401,
		"Authorization: Basic sk_sandbox_": 401, "version: ": 400, "version: 2022-04-07": 400, "version: today": 400, "version: 2025-12-31": 404,
	} {
		name, value, _ := strings.Cut(header, ": ")
		if r := d.with(t.Context(), "GET", "/payment-intents/pi_no", nil, map[string]string{name: value}); r.status != status {
			t.Errorf("%s: %d %s", header, r.status, r.body)
		}
	}
}

func TestDojoFence(t *testing.T) {
	d := dojoOn(start(t))
	id, page := d.intent("fenced", nil)
	r := d.form(page, typed("4000000000000101")) // the payer is at its bank
	if r := d.call("DELETE", "/payment-intents/"+id, nil); r.status != 200 || r.text("status") != "Canceled" {
		t.Errorf("fence: %d %s", r.status, r.body)
	}
	d.decide(r.header.Get("Location"), "authorize")
	if r := d.form(page, typed("4242424242424242")); d.rows("fenced") != nil || strings.Contains(r.body, "<form") {
		t.Errorf("charged behind the fence: %+v", d.rows("fenced"))
	}
	if r := d.call("GET", "/payment-intents/"+id, nil); r.status != 404 {
		t.Errorf("canceled: %d %s", r.status, r.body)
	}
	if d.status(id) != "Canceled" {
		t.Errorf("canceled: %s", d.status(id))
	}
	id, page = d.intent("held", manual)
	d.form(page, typed("4242424242424242"))
	if r := d.call("DELETE", "/payment-intents/"+id, nil); r.status != 400 || d.status(id) != "Authorized" {
		t.Errorf("fence of a hold: %d %s", r.status, r.body)
	}
}

func TestDojoHoldCaptureReversal(t *testing.T) {
	d := dojoOn(start(t))
	id, page := d.intent("hold", manual)
	d.form(page, typed("4242424242424242"))
	hold := "/payment-intents/" + id
	d.wantRow("hold", ledger.Charge{PSP: "dojo", AmountMinor: 1234, Currency: "GBP", State: ledger.Authorized})
	if r := d.call("GET", hold, nil); r.text("status") != "Authorized" || r.at("paymentDetails") != nil {
		t.Errorf("hold: %s", r.body)
	}
	if r := d.call("POST", hold+"/captures", obj{"amount": 1235}); r.status != 400 {
		t.Errorf("over-capture: %d %s", r.status, r.body)
	}
	if r := d.call("POST", hold+"/captures", obj{"amount": 1000}); r.status != 200 || !strings.HasPrefix(r.text("captureId"), "cp_") {
		t.Errorf("capture: %d %s", r.status, r.body)
	}
	if r := d.call("POST", hold+"/reversal", nil); r.status != 409 {
		t.Errorf("reversal of what is taken: %d %s", r.status, r.body)
	}
	if r := d.call("POST", hold+"/captures", obj{"amount": 234}); r.status != 200 {
		t.Errorf("second capture: %d %s", r.status, r.body)
	}
	d.wantRow("hold", ledger.Charge{PSP: "dojo", AmountMinor: 1234, Currency: "GBP", State: ledger.Captured, CapturedMinor: 1234})
	if r := d.call("POST", hold+"/captures", obj{"amount": 1}); r.status != 409 {
		t.Errorf("third capture: %d %s", r.status, r.body)
	}
	if r := d.call("GET", hold, nil); r.number("captures", 0, "amount") != "1000" || r.text("captures", 1, "status") != "Successful" {
		t.Errorf("captures: %s", r.body)
	}
	id, page = d.intent("void", manual)
	d.form(page, typed("4242424242424242"))
	if r := d.call("POST", "/payment-intents/"+id+"/reversal", nil); r.status != 200 || d.status(id) != "Reversed" {
		t.Errorf("reversal: %d %s", r.status, r.body)
	}
	d.wantRow("void", ledger.Charge{PSP: "dojo", AmountMinor: 1234, Currency: "GBP", State: ledger.Voided})
}

func TestDojoRefunds(t *testing.T) {
	d := dojoOn(start(t))
	id, page := d.intent("sale", nil)
	d.form(page, typed("4242424242424242"))
	back := func(amount int, key string) reply {
		return d.with(t.Context(), "POST", "/payment-intents/"+id+"/refunds", obj{"amount": amount, "refundReason": "why"}, map[string]string{"idempotencyKey": key})
	}
	for _, key := range []string{"", strings.Repeat("x", 101)} {
		if r := back(1, key); r.status != 400 || r.at("errors", "idempotencyKey") == nil {
			t.Errorf("key of %d: %d %s", len(key), r.status, r.body)
		}
	}
	first, again := back(234, "one"), back(234, "one")
	if first.status != 200 || first.body != again.body || first.text("paymentIntentId") != id || first.at("amount") != nil {
		t.Errorf("refund: %d %s, then %d %s", first.status, first.body, again.status, again.body)
	}
	if r := back(235, "one"); r.status != 409 {
		t.Errorf("the same key: %d %s", r.status, r.body)
	}
	d.wantRow("sale", ledger.Charge{PSP: "dojo", AmountMinor: 1234, Currency: "GBP", State: ledger.Captured, CapturedMinor: 1234, RefundedMinor: 234})
	if r := d.call("GET", "/payment-intents/refunds/"+first.text("refundId"), nil); r.text("refundReason") != "why" {
		t.Errorf("get: %d %s", r.status, r.body)
	}
	if r := back(1001, "two"); r.status != 400 {
		t.Errorf("over-refund: %d %s", r.status, r.body)
	}
	if r := back(1000, "two"); r.status != 200 { // a refused request does not use its key up
		t.Errorf("the rest: %d %s", r.status, r.body)
	}
	if r := d.call("GET", "/payment-intents/"+id, nil); r.text("status") != "Refunded" || r.number("refundedAmount") != "1234" {
		t.Errorf("refunded: %s", r.body)
	}
	d.wantRow("sale", ledger.Charge{PSP: "dojo", AmountMinor: 1234, Currency: "GBP", State: ledger.Refunded, CapturedMinor: 1234, RefundedMinor: 1234})
}
