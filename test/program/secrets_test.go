package program

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The secrets of the run that is searched. The CVC has four digits so that it can be found.
const (
	amex       = "378282246310005"
	canaryCVC  = "7391"
	typedOdd   = "4111111111111129" // typed where it does not belong
	declinedAt = "4000000000000002"
	challenged = "4000000000000101"
	// misplaced is a card number in a name, which is the merchant's to store. It is in no log, and not in the journal.
	misplaced = "6011111111111117"
)

// secretRun is one program with everything that it is asked and answers.
type secretRun struct {
	*process
	scanner *scanner
	found   []string
	keys    int // of idempotency
}

// TestNothingSecretShows pays in every way that there is, and then searches everything that the program has written or answers
// anybody: the log, the files, the rows of the database, the merchant API, the operators' listener and the journal.
func TestNothingSecretShows(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	r := &secretRun{process: startDev(t, data), scanner: newScanner()}
	r.scanner.card(amex, typedOdd, declinedAt, challenged, "4242424242424242", "4343434343434345", "5105105105105100")
	r.scanner.cvc(canaryCVC)
	r.scanner.literal("a secret of dev's gateway configurations", "switchyard-dev-secret", "key_sandbox_switchyard_dev", "switchyard-dev-dojo-webhook-secret",
		"whsk_switchyard_dev_webhook_secret", "switchyard-dev-pivot-callback-key", "switchyard-dev-xendit-callback-token")
	r.heard = r.hear
	r.badInputs()
	r.pages()
	r.mandateAndSession()
	r.cards()
	r.operators()
	r.search(data)
	if code := r.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	r.note(r.scanner.files(t, data)...)
	found, values := r.scanner.rows(t, data) // nobody writes any more, so that a copy is whole
	r.note(found...)
	if values < 1000 {
		t.Errorf("only %d values are in the database", values)
	}
	log := strings.ReplaceAll(r.output.String(), "  "+projectID+":"+key, "")
	r.note(r.scanner.in("the log", log)...)
	if strings.Contains(log, misplaced) {
		t.Error("a card number in a customer's name is in the log")
	}
	if n := strings.Count(log, key); n > 2 {
		t.Errorf("the project's key is %d times in the output, beyond the start-up lines", n)
	}
	seen := map[string]bool{}
	for _, leak := range r.found {
		if !seen[leak] {
			t.Error(leak)
		}
		seen[leak] = true
	}
}

func (r *secretRun) note(found ...string) { r.found = append(r.found, found...) }

// hear searches an answer of the merchant API. The payer's next step may have the link, and nothing else; from then on the link's
// secret parts are looked for everywhere.
func (r *secretRun) hear(path string, a answer) {
	if link := a.text1("customer_action", "value"); link != "" {
		quoted, _ := json.Marshal(link)
		a.text = strings.Replace(a.text, string(quoted), `"the link"`, 1)
		for _, secret := range opens(link) {
			r.scanner.literal("what opens a payer's page", secret)
		}
	}
	r.note(r.scanner.in("the answer to "+path, a.text)...)
	for name, values := range a.header {
		r.note(r.scanner.in("the header "+name, strings.Join(values, " "))...)
	}
}

// opens are the parts of a link that open a page: what is secret in the query, or a last part that says nothing else.
func opens(link string) (out []string) {
	u, err := url.Parse(link)
	if err != nil {
		return nil
	}
	for _, name := range []string{"csc", "token"} {
		if value := u.Query().Get(name); value != "" {
			out = append(out, value)
		}
	}
	if _, last := filepath.Split(u.Path); u.RawQuery == "" && len(last) >= 20 && !strings.HasPrefix(last, "si_") && !strings.HasPrefix(last, "pi_") {
		out = append(out, last)
	}
	return out
}

// carded makes a card, with the CVC that can be found if its brand has four digits.
func (r *secretRun) carded(number string) string {
	code := "123"
	if number == amex {
		code = canaryCVC
	}
	return r.callAs(projectID, "", "POST", "/cards", object{"name": "Ada Lovelace", "number": number, "exp_month": "12", "exp_year": "2031", "cvc2": code}).text1("card", "id")
}

// pay captures with an idempotency key, twice, so that the stored answers are there to be searched.
func (r *secretRun) pay(invoice string, body object) answer {
	r.keys++
	path, name := "/invoices/"+invoice+"/capture", fmt.Sprint("canary-", r.keys)
	a := r.call("POST", path, body, "Idempotency-Key", name)
	r.call("POST", path, body, "Idempotency-Key", name)
	return a
}

// badInputs put card numbers and CVCs where they do not belong.
func (r *secretRun) badInputs() {
	for _, in := range []struct {
		method, path string
		body         any
	}{
		{"POST", "/invoices", object{"name": "x", "amount": typedOdd + ".125", "currency": "PHP"}},
		{"POST", "/invoices", object{"name": "x", "amount": "1.00", "currency": typedOdd}},
		{"POST", "/invoices", object{"name": "x", "amount": "1.00", "currency": "PHP", "return_url": typedOdd}},
		{"POST", "/invoices/" + r.invoice("1.00", "PHP") + "/capture", object{"source": typedOdd, "cvc2": "73910"}},
		{"POST", "/cards", object{"number": amex, "exp_month": "13", "exp_year": "2031", "cvc2": canaryCVC}},
		{"POST", "/cards", object{"number": typedOdd + "7", "exp_month": "12", "exp_year": "2031", "cvc2": canaryCVC}},
		{"POST", "/cards", `{"number":"` + amex + `","cvc2":"` + canaryCVC + `"`},
		{"POST", "/customers", object{"email": typedOdd}},
		{"POST", "/customers/" + r.customer(nil) + "/tokens", object{"source": typedOdd}},
		{"GET", "/invoices/" + typedOdd, nil},
		{"GET", "/nowhere/" + typedOdd, nil},
		{"GET", "/customers?filter=" + typedOdd, nil},
		{"GET", "/iins/" + typedOdd, nil},
	} {
		if a := r.call(in.method, in.path, in.body); a.status < 400 || a.status >= 500 {
			r.t.Errorf("%s %s: %d %s", in.method, strings.ReplaceAll(in.path, typedOdd, "…"), a.status, a.text)
		}
	}
}

// cards are charged at each PSP that takes them: approved, declined, with a challenge, with answers that are broken.
func (r *secretRun) cards() {
	customer := r.customer(object{"phone_number": "+639171234567", "last_name": "Lovelace " + misplaced})
	for _, tc := range []struct{ psp, amount, currency, number string }{
		{"processout", "100.00", "PHP", amex}, {"xendit", "25000", "IDR", amex}, {"pivot", "25000", "IDR", "5105105105105100"}, {"paymongo", "100.00", "PHP", "4343434343434345"},
	} {
		r.only(tc.psp)
		pay := func(source object) answer { return r.pay(r.invoiceOf(customer, tc.amount, tc.currency, nil), source) }
		a := pay(object{"source": r.carded(tc.number), "save_source": true})
		for end := time.Now().Add(time.Minute); a.text1("error_type") == "gateway.rate-limit-exceeded" && time.Now().Before(end); {
			<-time.After(100 * time.Millisecond) // the PSP rests since another's turn, in which it was throttled
			a = pay(object{"source": r.carded(tc.number), "save_source": true})
		}
		token := a.text1("transaction", "token_id")
		if a.text1("transaction", "status") != "completed" || token == "" {
			r.t.Errorf("%s: %d %s", tc.psp, a.status, a.text)
		}
		if a := pay(object{"source": token, "cvc2": canaryCVC}); a.text1("transaction", "status") != "completed" {
			r.t.Errorf("%s again: %d %s", tc.psp, a.status, a.text)
		}
		if a := pay(object{"source": r.carded(declinedAt)}); a.status != http.StatusGone {
			r.t.Errorf("%s declines: %d %s", tc.psp, a.status, a.text)
		}
		if link := pay(object{"source": r.carded(challenged)}).text1("customer_action", "value"); link != "" {
			r.browse(r.browse(link, url.Values{"outcome": {"authorize"}}).location, nil)
		} else {
			r.t.Errorf("%s: no challenge", tc.psp)
		}
		r.sim("DELETE", "/_sim/faults", nil)
		r.only(tc.psp)
		for _, fault := range []string{"html_200", "cut_body", "charge_then_500"} {
			r.sim("POST", "/_sim/faults", object{"psp": tc.psp, "operation": "authorize", "fault": fault, "count": 1})
			pay(object{"source": r.carded(tc.number), "save_source": true})
		}
		r.call("DELETE", "/customers/"+customer+"/tokens/"+token, nil)
		r.sim("DELETE", "/_sim/faults", nil)
	}
}

// pages are paid, declined, left by the payer and left open, with saved cards shown on them.
func (r *secretRun) pages() {
	for _, tc := range []struct{ gateway, amount, currency string }{{dojoPage, "10.00", "GBP"}, {pivotPage, "25000", "IDR"}, {xenditPage, "25000", "IDR"}} {
		customer := r.customer(object{"email": tc.currency + tc.gateway + "@example.com"})
		open := func(source object) (invoice, link string) {
			invoice = r.invoiceOf(customer, tc.amount, tc.currency, nil)
			a := r.pay(invoice, source)
			if link = a.text1("customer_action", "value"); link == "" {
				r.t.Fatalf("%s: %d %s", tc.gateway, a.status, a.text)
			}
			return invoice, link
		}
		invoice, link := open(object{"source": tc.gateway, "save_source": true})
		r.browse(link, nil)
		r.browse(link, typed(declinedAt, canaryCVC))
		if r.transaction(invoice, "status") == "pending" {
			if v := r.browse(link, typed(amex, canaryCVC, "save", "on")); v.status == http.StatusSeeOther && strings.HasPrefix(v.location, r.api) {
				r.browse(v.location, nil)
			}
		}
		invoice, link = open(object{"source": tc.gateway, "save_source": true})
		r.browse(r.browse(link, typed(amex, canaryCVC, "save", "on")).location, nil)
		r.becomes(invoice, "completed")
		token := r.transaction(invoice, "token_id")
		r.call("GET", "/customers/"+customer+"/payment-methods", nil)
		_, link = open(object{"source": tc.gateway, "preferred_source": token})
		r.browse(link, url.Values{"action": {"cancel"}})
		open(object{"source": tc.gateway}) // and is left open
	}
}

// mandateAndSession keep cards without a charge, and charge one of them without the payer.
func (r *secretRun) mandateAndSession() {
	for gateway, currency := range map[string]string{dojoPage: "GBP", xenditPage: "IDR"} {
		customer := r.customer(object{"currency": currency})
		path := "/customers/" + customer + "/tokens"
		a := r.call("POST", path, object{"source": gateway, "invoice_return_url": shopDone}, "Idempotency-Key", "keep-"+currency)
		token := a.text1("token", "id")
		r.browse(r.browse(a.text1("customer_action", "value"), typed(amex, canaryCVC)).location, nil)
		r.until("the card is kept", func() bool { return r.call("GET", path+"/"+token, nil).get("token", "is_chargeable") == true })
		r.pay(r.invoiceOf(customer, "25000", currency, object{"initiation_type": "mit"}), object{"source": token})
		r.call("DELETE", "/customers/"+customer, nil)
	}
}

// operators reads everything on the operators' listener, and has every stored webhook looked at again.
func (r *secretRun) operators() {
	get := func(method, path string) answer {
		a, err := ask(r.t.Context(), "", "", method, r.ops+path, nil)
		if err != nil || a.status >= 300 {
			r.t.Fatalf("%s %s: %d %v", method, path, a.status, err)
		}
		r.note(r.scanner.in("the operators' "+path[:min(len(path), 12)], a.text)...)
		return a
	}
	get("GET", "/metrics")
	gateways, _ := get("GET", "/gateways").get("gateways").([]any)
	stored := 0
	for _, psp := range []string{"dojo", "paymongo", "pivot", "processout", "xendit"} {
		list, _ := get("GET", "/gateways/gway_conf_dev_"+psp+"/webhooks").get("webhooks").([]any)
		for _, one := range list {
			id, _ := one.(object)["id"].(string)
			if id == "" {
				r.t.Fatalf("a webhook without an id: %v", one)
			}
			get("GET", "/webhooks/"+id)
			get("POST", "/webhooks/"+id+"/replay")
			stored++
		}
	}
	if stored < 5 || len(gateways) == 0 {
		r.t.Errorf("%d webhooks are stored, of %d gateways", stored, len(gateways))
	}
}

// search looks through what can be read of the running program.
func (r *secretRun) search(data string) {
	for _, path := range []string{"/_sim/journal", "/_sim/ledger", "/_sim/requests", "/_sim/faults", "/_sim/webhooks"} {
		text := r.sim("GET", path, nil).text
		if r.note(r.scanner.in(path, text)...); strings.Contains(text, misplaced) {
			r.t.Errorf("a card number in a customer's name is in %s", path)
		}
	}
	for _, path := range []string{"/events", "/customers", "/invoices", "/transactions"} {
		for after, more := "", true; more; {
			a := r.call("GET", path+"?limit=50&start_after="+after, nil)
			list, _ := a.get(strings.TrimPrefix(path, "/")).([]any)
			if more = a.get("has_more") == true && len(list) > 0; more {
				after, _ = list[len(list)-1].(object)["id"].(string)
			}
		}
	}
	r.note(r.scanner.files(r.t, data)...)
}
