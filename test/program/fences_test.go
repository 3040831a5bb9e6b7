package program

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
)

// lateness is how long after its request a simulated PSP acts, in milliseconds: longer than it is waited for.
const lateness = 7000

// TestLateTruth: at each PSP a charge, a capture, a refund and a void are not answered, and happen only some seconds later, when
// all calls have ended and the first questions have found nothing. A fence that comes before prevents the charge; without one the
// program waits. Nothing is charged twice, and what the API says in the end is what the PSP has.
func TestLateTruth(t *testing.T) {
	for psp, tc := range map[string]struct {
		amount, currency, elsewhere string
		voids                       bool
	}{
		"processout": {"100.00", "PHP", "xendit", true},
		"xendit":     {"25000", "IDR", "pivot", true},
		"paymongo":   {"100.00", "PHP", "", true},
		"pivot":      {"25000", "IDR", "", false}, // it has no call to release a hold
	} {
		t.Run(psp, func(t *testing.T) {
			t.Parallel()
			p := startDev(t, t.TempDir())
			l := late{process: p, psp: psp, currency: tc.currency, amount: tc.amount, customer: p.customer(nil)}
			p.only(psp)
			hold, sale, release := l.pay("authorize"), l.pay("capture"), ""
			if tc.voids {
				release = l.pay("authorize")
			}
			p.sim("DELETE", "/_sim/faults", nil)
			for _, other := range []string{"dojo", "paymongo", "pivot", "processout", "xendit"} {
				if other != psp && other != tc.elsewhere {
					p.sim("POST", "/_sim/faults", object{"psp": other, "operation": "authorize", "fault": "throttle_429", "rate": 1})
				}
			}
			for _, operation := range []string{"authorize", "capture", "refund", "void"} {
				p.sim("POST", "/_sim/faults", object{"psp": psp, "operation": operation, "fault": "charge_late", "count": 1, "delay_ms": lateness})
			}
			l.amend(hold, sale, release)
		})
	}
}

// late drives one PSP that is late.
type late struct {
	*process
	psp, amount, currency, customer string
}

// pay makes a payment that is answered at once.
func (l late) pay(how string) string {
	l.t.Helper()
	invoice := l.invoiceOf(l.customer, l.amount, l.currency, nil)
	a := l.call("POST", "/invoices/"+invoice+"/"+how, object{"source": l.card("4242424242424242")})
	if status := a.text1("transaction", "status"); status != "authorized" && status != "completed" {
		l.t.Fatalf("%s: %d %s", how, a.status, a.text)
	}
	return invoice
}

// amend has all four operations happen late at the same time.
func (l late) amend(hold, sale, release string) {
	l.t.Helper()
	charged := l.invoiceOf(l.customer, l.amount, l.currency, nil)
	calls := map[string]object{
		"/invoices/" + charged + "/capture": {"source": l.card("4242424242424242")},
		"/invoices/" + hold + "/capture":    {},
		"/invoices/" + sale + "/refunds":    {"amount": l.amount, "reason": "customer_request"},
	}
	if release != "" {
		calls["/invoices/"+release+"/void"] = object{}
	}
	var wg sync.WaitGroup
	for path, body := range calls {
		wg.Go(func() {
			if a, err := ask(l.t.Context(), projectID, "key_sandbox_dev", http.MethodPost, l.api+path, body); err != nil || a.status != http.StatusOK && a.status != http.StatusGone {
				l.t.Errorf("%s: %d %s %v", path, a.status, a.text, err)
			}
		})
	}
	wg.Wait()
	status := ""
	l.until("the late charge is known", func() bool {
		status = l.transaction(charged, "status")
		return status == "completed" || status == "failed"
	})
	l.becomes(hold, "completed")
	l.becomes(sale, "refunded")
	if release != "" {
		l.becomes(release, "voided")
	}
	l.until("the late charge has had its time", l.quiet)
	if n := l.kept(charged); n > 1 || (n == 1) != (status == "completed") {
		l.t.Errorf("the payment is %s, and %d charges are kept: %v", status, n, l.ledger())
	}
	for invoice, want := range map[string]string{hold: "captured", sale: "refunded", release: "voided"} {
		if states := l.states(invoice); invoice != "" && !slices.Equal(states, []string{want}) {
			l.t.Errorf("the payment that is %s here is %v at the PSP", want, states)
		}
	}
}

// quiet says that no fault is left to happen, and so nothing that is late.
func (l late) quiet() bool {
	faults, _ := l.sim("GET", "/_sim/faults", nil).get("faults").([]any)
	return !slices.ContainsFunc(faults, func(f any) bool { kind, _ := f.(object)["fault"].(string); return kind == "charge_late" })
}

// states are the states of what an invoice's attempts to charge came to at the PSPs.
func (l late) states(invoice string) []string {
	var states []string
	attempts, _ := l.call("GET", "/invoices/"+invoice+"/decision", nil).get("decision", "attempts").([]any)
	for _, row := range l.ledger() {
		c := row.(object)
		reference, _ := c["reference"].(string)
		if slices.ContainsFunc(attempts, func(a any) bool { return strings.HasPrefix(reference, a.(object)["reference"].(string)) }) {
			states = append(states, c["state"].(string))
		}
	}
	return states
}

// kept counts the charges of an invoice that took money and kept it.
func (l late) kept(invoice string) int {
	n := 0
	for _, state := range l.states(invoice) {
		if state == "captured" || state == "authorized" {
			n++
		}
	}
	return n
}
