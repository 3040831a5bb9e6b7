package program

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// patience is how long a test waits for what must happen in the end. It is far longer than anything takes on a busy machine: only a
// test that fails waits for so long.
const patience = time.Minute

// noted is a call to a simulated PSP, as the journal has it. Its numbers are as they stood on the wire.
type noted map[string]any

// at follows a path of names and indexes into the call.
func (n noted) at(path ...any) any {
	var v any = map[string]any(n)
	for _, step := range path {
		switch step := step.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[step]
		case int:
			list, _ := v.([]any)
			if step >= len(list) {
				return nil
			}
			v = list[step]
		}
	}
	return v
}

func (n noted) text(path ...any) string {
	s, _ := n.at(path...).(string)
	return s
}

// idPart is a part of a path that is an id: long, with digits or capital letters.
var idPart = regexp.MustCompile(`[0-9A-Z]`)

// shape is the call without its ids: "POST /payment_intents/*/attach", and the status when it is no success.
func (n noted) shape() string {
	parts := strings.Split(n.text("path"), "/")
	for i, part := range parts {
		if len(part) >= 20 && idPart.MatchString(part) {
			parts[i] = "*"
		}
	}
	line := n.text("method") + " " + strings.Join(parts, "/")
	if status := fmt.Sprint(n["status"]); status[0] != '2' && status[0] != '3' {
		line += " " + status
	}
	return line
}

// watch reads the journal of one PSP, each call once.
type watch struct {
	*process
	psp  string
	seen int
	// quiet are shapes that do not count where they are not wanted by name: questions that a webhook and a payer's return may
	// both have the program ask. last is everything that came before the calls that were taken last, and they themselves.
	quiet []string
	last  []noted
}

func (p *process) watch(psp string) *watch { return &watch{process: p, psp: psp} }

// news are the calls since the last time that something was taken.
func (w *watch) news() []noted {
	w.t.Helper()
	decoder := json.NewDecoder(strings.NewReader(w.sim("GET", "/_sim/journal?psp="+w.psp, nil).text))
	decoder.UseNumber()
	var all struct{ Calls []noted }
	if err := decoder.Decode(&all); err != nil {
		w.t.Fatal(err)
	}
	return all.Calls[w.seen:]
}

// calls insists that exactly these calls came since the last time, in this order, and returns them. Questions do not count:
// a webhook, a payer's return and a worker may each ask.
func (w *watch) calls(want ...string) []noted {
	w.t.Helper()
	var came []noted
	var shapes []string
	all := 0
	w.until(fmt.Sprintf("%s gets %q", w.psp, want), func() bool {
		came, shapes = nil, nil
		news := w.news()
		all = len(news)
		w.last = news
		for _, n := range news {
			if shape := n.shape(); !slices.Contains(want, shape) && (n["operation"] == "lookup" || slices.Contains(w.quiet, shape)) {
				continue
			}
			came, shapes = append(came, n), append(shapes, n.shape())
		}
		return len(came) >= len(want)
	})
	w.seen += all
	if !slices.Equal(shapes, want) {
		w.t.Fatalf("calls to %s:\n got %q\nwant %q", w.psp, shapes, want)
	}
	return came
}

// asked insists that such a call came at least once since the last time, and returns the newest.
func (w *watch) asked(shape string) (newest noted) {
	w.t.Helper()
	w.until(w.psp+" is asked: "+shape, func() bool {
		for _, n := range w.news() {
			if n.shape() == shape {
				newest = n
			}
		}
		return newest != nil
	})
	return newest
}

// before insists that such a call came before another of those that were taken last, and returns the newest of them.
func (w *watch) before(shape string, call noted) (newest noted) {
	w.t.Helper()
	for _, n := range w.last {
		if n["n"] == call["n"] {
			break
		}
		if n.shape() == shape {
			newest = n
		}
	}
	if newest == nil {
		w.t.Fatalf("no %s before %s", shape, call.shape())
	}
	return newest
}

// has insists on values in a call. A number is what stands on the wire; in quotes it is a text.
func (w *watch) has(n noted, want map[string]string) {
	w.t.Helper()
	for name, value := range want {
		var path []any
		for part := range strings.SplitSeq(name, ".") {
			path = append(path, part)
		}
		got, _ := json.Marshal(n.at(path...))
		if string(got) != value {
			w.t.Errorf("%s: %s is %s, want %s", n.shape(), name, got, value)
		}
	}
}

// until waits for something with the tests' patience.
func (p *process) until(what string, is func() bool) {
	p.t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-deadline.C:
			p.t.Errorf("never: %s", what)
			return
		}
	}
}

// only leaves one PSP that answers; the others turn every call away.
func (p *process) only(psp string) {
	p.t.Helper()
	for _, other := range []string{"dojo", "paymongo", "pivot", "processout", "xendit"} {
		if other != psp {
			p.sim("POST", "/_sim/faults", object{"psp": other, "operation": "*", "fault": "throttle_429", "rate": 1})
		}
	}
}

// customer makes a customer of the merchant's.
func (p *process) customer(more object) string {
	p.t.Helper()
	fields := object{"first_name": "Ada", "last_name": "Lovelace", "email": "ada@example.com"}
	maps.Copy(fields, more)
	a := p.call("POST", "/customers", fields)
	if a.status != http.StatusOK {
		p.t.Fatal(a.text)
	}
	return a.text1("customer", "id")
}

// invoiceOf makes an invoice of a customer. The payer comes back to the shop.
func (p *process) invoiceOf(customer, amount, currency string, more object) string {
	p.t.Helper()
	fields := object{"name": "Order", "amount": amount, "currency": currency, "return_url": shopDone, "cancel_url": shopCancel}
	if customer != "" {
		fields["customer_id"] = customer
	}
	maps.Copy(fields, more)
	a := p.call("POST", "/invoices", fields)
	if a.status != http.StatusOK {
		p.t.Fatal(a.text)
	}
	return a.text1("invoice", "id")
}

const (
	shopDone   = "https://shop.example/done"
	shopCancel = "https://shop.example/cancel"
)

// capture pays an invoice in one step and insists on what the transaction is then.
func (p *process) capture(invoice, status string, body object) answer {
	p.t.Helper()
	a := p.call("POST", "/invoices/"+invoice+"/capture", body)
	if a.text1("transaction", "status") != status {
		p.t.Fatalf("captured with %v: %d %s", body, a.status, a.text)
	}
	return a
}

// transaction reads a field of an invoice's transaction.
func (p *process) transaction(invoice, field string) string {
	p.t.Helper()
	return p.call("GET", "/invoices/"+invoice+"?expand=transaction", nil).text1("invoice", "transaction", field)
}

// becomes waits until an invoice's transaction has a status.
func (p *process) becomes(invoice, status string) {
	p.t.Helper()
	got := ""
	p.until("the payment becomes "+status, func() bool { got = p.transaction(invoice, "status"); return got == status })
	if got != status {
		p.t.Fatalf("the payment is %s, want %s", got, status)
	}
}

// charged insists on the ledger's rows of a PSP that took money, by what was taken.
func (p *process) charged(psp string, minor ...int) {
	p.t.Helper()
	var got []int
	for _, row := range p.ledger() {
		c := row.(object)
		if c["psp"] == psp && c["captured_minor"].(float64) > 0 {
			got = append(got, int(c["captured_minor"].(float64)))
		}
	}
	if !slices.Equal(got, minor) {
		p.t.Errorf("%s took %v, want %v", psp, got, minor)
	}
}

// visit is what a payer's browser got.
type visit struct {
	status         int
	location, page string
}

// browse opens a page, or sends its form, and follows no redirect.
func (p *process) browse(address string, form url.Values) visit {
	p.t.Helper()
	method, body := "GET", any(nil)
	if form != nil {
		method, body = "POST", form
	}
	a, err := ask(p.t.Context(), "", "", method, address, body)
	if err != nil {
		p.t.Fatal(err)
	}
	return visit{a.status, a.header.Get("Location"), a.text}
}

// typed is the form of a PSP's page with a card typed in; more are pairs of names and values.
func typed(number, cvc string, more ...string) url.Values {
	form := url.Values{"action": {"pay"}, "pay_with": {"new"}, "number": {number}, "expiry": {"12/40"}, "cvc": {cvc}, "name": {"Ada Lovelace"}}
	for i := 0; i+1 < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	return form
}

// onPage is the payer on the PSP's page to which a call has sent them: the form is taken, and the payer comes back through
// the program to the shop's address.
func (p *process) onPage(a answer, form url.Values, shop string) {
	p.t.Helper()
	page := a.text1("customer_action", "value")
	if page == "" {
		p.t.Fatalf("no page for the payer: %d %s", a.status, a.text)
	}
	p.returns(p.browse(page, form), shop)
}

// savedOption finds the saved cards that a page offers: id, whether it is chosen at first, label.
var savedOption = regexp.MustCompile(`name="pay_with" value="([^"]+)"( checked)?> ([^<]+)<`)

// returns follows the payer from the PSP back to the shop.
func (p *process) returns(v visit, shop string) {
	p.t.Helper()
	if v.status != http.StatusSeeOther || !strings.HasPrefix(v.location, p.api+"/returns/") {
		p.t.Fatalf("the payer did not leave the page for the program: %d %s %s", v.status, v.location, v.page)
	}
	back := p.browse(v.location, nil)
	if back.status != http.StatusSeeOther || !strings.HasPrefix(back.location, shop+"?token=gway_req_") {
		p.t.Errorf("the payer did not come back to %s: %d %s %s", shop, back.status, back.location, back.page)
	}
}

// attempts are the attempts of an invoice's decision: PSP, state and code of each.
func (p *process) attempts(invoice string) []string {
	p.t.Helper()
	var out []string
	list, _ := p.call("GET", "/invoices/"+invoice+"/decision", nil).get("decision", "attempts").([]any)
	for _, one := range list {
		a := one.(object)
		code, _ := a["code"].(string)
		out = append(out, strings.TrimSpace(fmt.Sprint(a["psp"], " ", a["state"], " ", code)))
	}
	return out
}

// TestJournalWatch: the watch finds what is missing, too much, or in another order, by its shapes.
func TestJournalWatch(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ method, path, status, want string }{
		{"POST", "/v1/payment_intents/pi_3f8Kq1ZzYxWvUtSrQpOnMlKj/attach", "200", "POST /v1/payment_intents/*/attach"},
		{"GET", "/v2/payments/9adf3e2e-a47c-449c-b457-3961aca086f4", "404", "GET /v2/payments/* 404"},
		{"POST", "/invoices/iv_1/increment_authorization", "0", "POST /invoices/iv_1/increment_authorization 0"},
		{"POST", "/checkout/*", "303", "POST /checkout/*"},
	} {
		n := noted{"method": tc.method, "path": tc.path, "status": json.Number(tc.status)}
		if got := n.shape(); got != tc.want {
			t.Errorf("%q, want %q", got, tc.want)
		}
	}
}
