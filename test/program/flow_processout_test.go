package program

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// processoutOnly is a currency that no other simulated PSP takes by card.
const processoutOnly = "CHF"

// smartRouter drives ProcessOut. Its webhooks have the program read the event, which may come at any time.
type smartRouter struct{ *watch }

// TestFlowProcessOutSmartRouter: cards and customer tokens, holds, captures, voids and refunds, all in the vendor's own words.
func TestFlowProcessOutSmartRouter(t *testing.T) {
	t.Parallel()
	s := smartRouter{startDev(t, t.TempDir()).watch("processout")}
	s.holdAndVoid()
	s.chargeWithToken()
	s.verify()
	s.declines()
	s.steps()
	s.deviceSteps()
}

func (s smartRouter) holdAndVoid() {
	invoice := s.invoiceOf("", "12.34", processoutOnly, nil)
	s.call("POST", "/invoices/"+invoice+"/authorize", object{"source": s.card("4242424242424242")})
	s.becomes(invoice, "authorized")
	calls := s.calls("POST /cards", "POST /invoices", "POST /invoices/*/authorize")
	s.has(calls[0], map[string]string{"body.number": `"[masked]"`, "body.cvc2": `"[masked]"`, "headers.Disable-Logging": `"true"`})
	s.has(calls[1], map[string]string{"body.amount": `"12.34"`, "body.currency": `"CHF"`, "body.initiation_type": `"cit"`, "headers.Authorization": `"Basic base64(test-proj_…:key_…)"`})
	if source := calls[2].text("body", "source"); !strings.HasPrefix(source, "card_") {
		s.t.Errorf("authorized with %q", source)
	}
	for _, call := range calls {
		if call.text("headers", "Idempotency-Key") == "" {
			s.t.Errorf("%s has no idempotency key", call.shape())
		}
	}
	if a := s.call("POST", "/invoices/"+invoice+"/void", object{}); a.text1("transaction", "status") != "voided" {
		s.t.Errorf("void: %s", a.text)
	}
	s.calls("POST /invoices/*/void")
	s.charged("processout")
}

// chargeWithToken pays with a customer token that nobody verified. The first charge is of the card; then ProcessOut keeps it
// under a token of its own, which is charged from then on.
func (s smartRouter) chargeWithToken() {
	customer := s.customer(nil)
	a := s.call("POST", "/customers/"+customer+"/tokens", object{"source": s.card("4242424242424242")})
	token := a.text1("token", "id")
	if a.text1("token", "verification_status") != "not-requested" || a.get("token", "is_chargeable") != true {
		s.t.Errorf("token: %s", a.text)
	}
	invoice := s.invoiceOf(customer, "100.00", processoutOnly, nil)
	s.call("POST", "/invoices/"+invoice+"/authorize", object{"source": token})
	s.becomes(invoice, "authorized")
	calls := s.calls("POST /cards", "POST /invoices", "POST /invoices/*/authorize", "POST /customers", "POST /cards", "POST /customers/*/tokens")
	s.has(calls[0], map[string]string{"body.cvc2": `null`})
	s.has(calls[3], map[string]string{"body.first_name": `"Ada"`, "body.email": `"ada@example.com"`, "body.reference_id": `"` + customer + `"`})
	s.has(calls[5], map[string]string{"body.source": quotedText(s.answered(calls[4], "card_", calls[5].text("body", "source"))), "body.verify": `null`})

	s.capture(invoice, "completed", object{"capture_amount": "60.00"})
	calls = s.calls("POST /invoices/*/capture")
	s.has(calls[0], map[string]string{"body.capture_amount": `"60"`, "body.source": `null`})
	a = s.call("POST", "/transactions/"+s.transaction(invoice, "id")+"/refunds", object{"amount": "10.00"})
	if a.text1("refund", "status") != "succeeded" {
		s.t.Errorf("refund: %s", a.text)
	}
	calls = s.calls("POST /invoices/*/refunds")
	s.has(calls[0], map[string]string{"body.amount": `"10"`})
	s.becomes(invoice, "refunded")

	invoice = s.invoiceOf(customer, "20.00", processoutOnly, nil)
	s.capture(invoice, "completed", object{"source": token})
	calls = s.calls("POST /invoices", "POST /invoices/*/capture")
	if source := calls[1].text("body", "source"); !strings.HasPrefix(source, "tok_") || calls[0].text("body", "customer_id") == "" {
		s.t.Errorf("charged %q of customer %q", source, calls[0].text("body", "customer_id"))
	}
	s.charged("processout", 6000, 2000)
}

// answered checks that an id has the prefix; which one it is was only told in an answer.
func (s smartRouter) answered(by noted, prefix, id string) string {
	if !strings.HasPrefix(id, prefix) {
		s.t.Errorf("after %s comes %q", by.shape(), id)
	}
	return id
}

func quotedText(text string) string { quoted, _ := json.Marshal(text); return string(quoted) }

// verify has the payer's browser give a card to a token that is to be verified.
func (s smartRouter) verify() {
	for _, tc := range []struct {
		number, status string
		chargeable     bool
		answer         int
		calls          []string
	}{
		{"4242424242424242", "success", true, 200, []string{"POST /customers", "POST /customers/*/tokens", "POST /cards", "PUT /customers/*/tokens/*"}},
		{"4000000000002206", "failed", false, 410, []string{"POST /customers", "POST /customers/*/tokens", "POST /cards", "PUT /customers/*/tokens/* 410"}},
	} {
		customer := s.customer(object{"currency": processoutOnly})
		a := s.call("POST", "/customers/"+customer+"/tokens", object{"verify": true})
		token := a.text1("token", "id")
		if a.text1("token", "verification_status") != "pending" || a.get("token", "is_chargeable") != false {
			s.t.Errorf("before: %s", a.text)
		}
		path := "/customers/" + customer + "/tokens/" + token
		a = s.callAs(projectID, "", "PUT", path, object{"source": s.card(tc.number)})
		if a.status != tc.answer || tc.answer == 410 && a.text1("error_type") != "card.no-money" {
			s.t.Errorf("%s: %d %s", tc.number, a.status, a.text)
		}
		a = s.call("GET", path, nil)
		if a.text1("token", "verification_status") != tc.status || a.get("token", "is_chargeable") != tc.chargeable {
			s.t.Errorf("%s: %s", tc.number, a.text)
		}
		calls := s.calls(tc.calls...)
		s.has(calls[len(calls)-1], map[string]string{"body.verify": "true"})
		a = s.call("POST", "/invoices/"+s.invoiceOf(customer, "5.00", processoutOnly, nil)+"/capture", object{"source": token})
		if tc.chargeable {
			s.calls("POST /invoices", "POST /invoices/*/capture")
		}
		if (a.status == 200) != tc.chargeable {
			s.t.Errorf("a token whose verification is %s pays: %d %s", tc.status, a.status, a.text)
		}
	}
	s.charged("processout", 6000, 2000, 500)
}

func (s smartRouter) declines() {
	for number, code := range map[string]string{
		"4000000000002180": "card.do-not-honor", "4000000000002222": "card.stolen", "4000000000002230": "card.failed-cvc", "4000000000000002": "card.declined",
	} {
		invoice := s.invoiceOf("", "10.00", processoutOnly, nil)
		a := s.call("POST", "/invoices/"+invoice+"/capture", object{"source": s.card(number)})
		if a.status != 410 || a.text1("error_type") != code || s.transaction(invoice, "status") != "failed" {
			s.t.Errorf("%s: %d %s", number, a.status, a.text)
		}
		s.calls("POST /cards", "POST /invoices", "POST /invoices/*/capture 410")
	}
}

// steps are those that a page ends: the payer goes there and comes back. No webhook comes before, which would end the payment
// without the payer's help.
func (s smartRouter) steps() {
	s.sim("POST", "/_sim/faults", object{"psp": "processout", "operation": "webhook", "fault": "lost", "rate": 1})
	defer s.sim("DELETE", "/_sim/faults", nil)
	for _, tc := range []struct{ number, kind, outcome, status, shop, last string }{
		{"4000000000000101", "redirect", "authorize", "completed", shopDone, "POST /invoices/*/capture"},
		{"4000000000000101", "redirect", "fail", "failed", shopCancel, "POST /invoices/*/capture 410"},
		{"4000000000003246", "url", "authorize", "completed", shopDone, "POST /invoices/*/capture"},
	} {
		invoice := s.invoiceOf("", "10.00", processoutOnly, nil)
		a := s.capture(invoice, "pending", object{"source": s.card(tc.number)})
		if a.text1("customer_action", "type") != tc.kind {
			s.t.Errorf("a step of type %s: %s", tc.kind, a.text)
		}
		s.onPage(a, url.Values{"outcome": {tc.outcome}}, tc.shop)
		s.becomes(invoice, tc.status)
		calls := s.calls("POST /cards", "POST /invoices", "POST /invoices/*/capture", "POST /_3ds/*", tc.last)
		if source := calls[4].text("body", "source"); !strings.HasPrefix(source, "gway_req_") {
			s.t.Errorf("the step's result is brought as %q", source)
		}
	}
}

// fingerprint finds what a device page gives to the page around it.
var fingerprint = regexp.MustCompile(`gway_req_[A-Za-z0-9_\-]+`)

// deviceSteps are those whose result the payer's client brings as the next source: a fingerprint, and a challenge after it.
func (s smartRouter) deviceSteps() {
	for _, tc := range []struct {
		number    string
		challenge bool
	}{{"4000000000003063", false}, {"4000000000003253", true}} {
		invoice := s.invoiceOf("", "10.00", processoutOnly, nil)
		a := s.capture(invoice, "pending", object{"source": s.card(tc.number)})
		s.calls("POST /cards", "POST /invoices", "POST /invoices/*/capture")
		if a.text1("customer_action", "type") != "fingerprint" {
			s.t.Fatalf("%s: %s", tc.number, a.text)
		}
		page := s.browse(a.text1("customer_action", "value"), nil)
		result := fingerprint.FindString(page.page)
		if result == "" {
			s.t.Fatalf("the device page gives nothing: %d %s", page.status, page.page)
		}
		again := "pending"
		if !tc.challenge {
			again = "completed"
		}
		a = s.capture(invoice, again, object{"source": result})
		calls := s.calls("GET /checkout/*", "POST /invoices/*/capture")
		s.has(calls[1], map[string]string{"body.source": quotedText(result)})
		if tc.challenge {
			s.onPage(a, url.Values{"outcome": {"authorize"}}, shopDone)
			s.becomes(invoice, "completed")
			s.calls("POST /_3ds/*", "POST /invoices/*/capture")
		}
	}
}
