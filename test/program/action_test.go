package program

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// TestThreeDSecure sends the payer through the PSP's own page and back, for a payment and for a verification, at each PSP
// that takes cards.
func TestThreeDSecure(t *testing.T) {
	for _, only := range []string{"processout", "xendit", "paymongo"} {
		t.Run(only, func(t *testing.T) {
			p := startDev(t, t.TempDir())
			for _, other := range []string{"paymongo", "pivot", "processout", "xendit"} {
				if other != only {
					p.sim("POST", "/_sim/faults", object{"psp": other, "operation": "authorize", "fault": "throttle_429", "rate": 1})
				}
			}
			var came url.Values
			shop := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { came = r.URL.Query() }))
			defer shop.Close()
			for outcome, status := range map[string]string{"authorize": "completed", "fail": "failed"} {
				a := p.call("POST", "/invoices", object{"name": "Order", "amount": "100.00", "currency": "PHP", "return_url": shop.URL + "/done?order=7"})
				invoice, card := a.text1("invoice", "id"), p.card("4000000000000101")
				path := "/invoices/" + invoice + "/capture"
				a = p.call("POST", path, object{"source": card})
				page := a.text1("customer_action", "value")
				if a.status != 200 || page == "" {
					t.Fatalf("no step for the payer: %d %s", a.status, a.text)
				}
				if again := p.call("POST", path, object{"source": card}); again.text1("customer_action", "value") != page {
					t.Errorf("going on before the step is taken: %s", again.text)
				}
				came = nil
				takeStep(t, page, outcome)
				if came.Get("order") != "7" || !strings.HasPrefix(came.Get("token"), "gway_req_") {
					t.Fatalf("the payer did not come back to the shop: %v", came)
				}
				a = p.call("POST", path, object{"source": came.Get("token")})
				if outcome == "authorize" && a.text1("transaction", "status") != status {
					t.Errorf("after the step: %d %s", a.status, a.text)
				}
				a = p.call("GET", "/invoices/"+invoice+"?expand=transaction", nil)
				if got := a.text1("invoice", "transaction", "status"); got != status {
					t.Errorf("after the payer chose %q the transaction is %s, want %s", outcome, got, status)
				}
			}
		})
	}
}

// takeStep is the payer at the PSP's page: the form is posted, and redirects are followed to the shop.
func takeStep(t *testing.T, page, outcome string) {
	t.Helper()
	client := &http.Client{}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, page, strings.NewReader(url.Values{"outcome": {outcome}}.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Fatalf("the payer ended at %s with %d", response.Request.URL, response.StatusCode)
	}
}
