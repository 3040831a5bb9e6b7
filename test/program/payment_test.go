package program

import (
	"bufio"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// commits reads the counter of durable commits from the operators' listener.
func (p *process) commits() float64 {
	p.t.Helper()
	a, err := ask(p.t.Context(), "", "", "GET", p.ops+"/metrics", nil)
	if err != nil {
		p.t.Fatal(err)
	}
	for line := range strings.Lines(a.text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), " "); ok && strings.HasPrefix(name, "switchyard_store_commits_total") {
			n, err := strconv.ParseFloat(value, 64)
			if err != nil {
				p.t.Fatal(err)
			}
			return n
		}
	}
	p.t.Fatalf("no counter of commits among the metrics:\n%s", a.text)
	return 0
}

// exchanges counts the charging calls at the simulators.
func (p *process) exchanges(operation string) int {
	p.t.Helper()
	n := 0
	rows, _ := p.sim("GET", "/_sim/requests", nil).get("requests").([]any)
	for _, row := range rows {
		if r, ok := row.(map[string]any); ok && r["operation"] == operation {
			n += int(r["count"].(float64))
		}
	}
	return n
}

// TestTwoCommitsAndOneExchange: on the path of an authorize that succeeds first time there are two durable commits and one
// charging exchange; a PSP that needs a step before the charge pays for a third commit.
func TestTwoCommitsAndOneExchange(t *testing.T) {
	for _, tc := range []struct {
		currency, amount, only string
		commits                float64
	}{
		{"IDR", "25000", "xendit", 2},
		{"PHP", "100.00", "processout", 3},
		{"PHP", "100.00", "paymongo", 3},
	} {
		p := startDev(t, t.TempDir())
		p.sim("POST", "/_sim/webhooks", object{"psp": tc.only, "url": ""}) // what comes in later has commits of its own
		for _, other := range []string{"paymongo", "pivot", "processout", "xendit"} {
			if other != tc.only {
				p.sim("POST", "/_sim/faults", object{"psp": other, "operation": "*", "fault": "refuse", "rate": 1})
			}
		}
		p.measureAuthorize(tc.only, tc.amount, tc.currency, tc.commits)
	}
}

// measureAuthorize counts commits and charging exchanges of an authorize that succeeds first time at the PSP. The first
// payments find out that the other PSPs are gone, until their breakers leave them out.
func (p *process) measureAuthorize(psp, amount, currency string, want float64) {
	p.t.Helper()
	for range 60 {
		invoice, card := p.invoice(amount, currency), p.card("4242424242424242")
		commits, calls := p.commits(), p.exchanges("authorize")
		a := p.call("POST", "/invoices/"+invoice+"/authorize", object{"source": card})
		commits, calls = p.commits()-commits, p.exchanges("authorize")-calls
		attempts, _ := p.call("GET", "/invoices/"+invoice+"/decision", nil).get("decision", "attempts").([]any)
		if len(attempts) != 1 || attempts[0].(object)["psp"] != psp {
			continue
		}
		if a.text1("transaction", "status") != "authorized" {
			p.t.Errorf("%s: %s", psp, a.text)
		}
		if commits != want {
			p.t.Errorf("%s: an authorize took %v durable commits, want %v", psp, commits, want)
		}
		if calls != 1 {
			p.t.Errorf("%s: an authorize took %d charging exchanges, want 1", psp, calls)
		}
		return
	}
	p.t.Errorf("%s: no authorize went there first", psp)
}

// TestRestartKeepsEverything: what was acknowledged is there after a stop and after kill -9.
func TestRestartKeepsEverything(t *testing.T) {
	data := t.TempDir()
	p := startDev(t, data)
	card := p.card("4242424242424242")
	invoice := p.invoice("100.00", "PHP")
	first := p.call("POST", "/invoices/"+invoice+"/capture", object{"source": card}, "Idempotency-Key", "restart-1")
	if first.text1("transaction", "status") != "completed" {
		t.Fatal(first.text)
	}
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-p.ended
	p = startDev(t, data)
	again := p.call("POST", "/invoices/"+invoice+"/capture", object{"source": card}, "Idempotency-Key", "restart-1")
	if again.text != first.text || again.header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("the key's answer changed over kill -9:\n%s\n%s", first.text, again.text)
	}
	second := launch(t, "dev", "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0", "--sims-listen", "127.0.0.1:0", "--data", data)
	if code := second.exitCode(); code != 1 || !strings.Contains(second.output.String(), "in use") {
		t.Errorf("a second program on the same data ended with %d:\n%s", code, second.output)
	}
}

func TestConcurrentPaymentsShareCommits(t *testing.T) {
	p := startDev(t, t.TempDir())
	const callers, each = 16, 4
	type job struct{ invoice, card string }
	jobs := make(chan job, callers*each)
	for range callers * each {
		jobs <- job{p.invoice("25000", "IDR"), p.card("4242424242424242")}
	}
	close(jobs)
	before := p.commits()
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for j := range jobs {
				a, err := ask(t.Context(), projectID, key, "POST", p.api+"/invoices/"+j.invoice+"/authorize", object{"source": j.card})
				if err != nil || a.text1("transaction", "status") != "authorized" {
					t.Errorf("authorize: %v %s", err, a.text)
				}
			}
		})
	}
	wg.Wait()
	t.Logf("%.2f durable commits per authorize with %d callers", (p.commits()-before)/(callers*each), callers)
}

// TestRefusalsLeaveNothingBehind: bad input gets a clear error in the envelope, with the right status, and nothing is done.
func TestRefusalsLeaveNothingBehind(t *testing.T) {
	p := startDev(t, t.TempDir())
	card := p.card("4242424242424242")
	invoice := p.invoice("100.00", "PHP")
	for _, tc := range []struct {
		name, method, path string
		body               any
		status             int
		code               string
	}{
		{"broken JSON", "POST", "/invoices", `{"name":`, 400, ""},
		{"a wrong type", "POST", "/invoices", `{"name":{},"amount":"1.00","currency":"PHP"}`, 400, ""},
		{"a huge body", "POST", "/customers", object{"first_name": strings.Repeat("x", 2<<20)}, 413, ""},
		{"an unknown currency", "POST", "/invoices", object{"name": "x", "amount": "1.00", "currency": "XQX"}, 400, "request.validation.invalid-currency"},
		{"an amount that the currency cannot hold", "POST", "/invoices", object{"name": "x", "amount": "1.5", "currency": "JPY"}, 400, "request.validation.invalid-amount"},
		{"a negative amount", "POST", "/invoices", object{"name": "x", "amount": "-1", "currency": "PHP"}, 400, "request.validation.invalid-amount"},
		{"an expired card", "POST", "/cards", object{"number": "4242424242424242", "exp_month": "1", "exp_year": "2020"}, 400, "card.expired"},
		{"a foreign invoice", "POST", "/invoices/iv_00000000000000000000000000000000/capture", object{"source": card}, 404, "resource.invoice.not-found"},
		{"a foreign token", "POST", "/invoices/" + invoice + "/capture", object{"source": "tok_00000000000000000000000000000000"}, 0, ""},
		{"no source", "POST", "/invoices/" + invoice + "/authorize", object{}, 400, "request.validation.missing-source"},
		{"an unknown method", "PATCH", "/invoices/" + invoice, object{}, 404, "request.route-not-found"},
	} {
		a := p.call(tc.method, tc.path, tc.body)
		if a.get("success") != false || a.text1("error_type") == "" || a.text1("message") == "" || a.status < 400 || a.status >= 500 {
			t.Errorf("%s: %d %s", tc.name, a.status, a.text)
		}
		if tc.status != 0 && a.status != tc.status || tc.code != "" && a.text1("error_type") != tc.code {
			t.Errorf("%s: %d %s, want %d %s", tc.name, a.status, a.text, tc.status, tc.code)
		}
	}
	if n := len(p.ledger()); n != 0 {
		t.Errorf("refused requests left %d charges at the PSPs", n)
	}
	if a := p.call("GET", "/invoices/"+invoice+"?expand=transaction", nil); a.text1("invoice", "transaction", "status") != "waiting" {
		t.Errorf("refused requests changed the invoice: %s", a.text)
	}
	if a := p.call("POST", "/invoices/"+invoice+"/capture", object{"source": card}); a.text1("transaction", "status") != "completed" {
		t.Errorf("and then the same invoice and card: %s", a.text)
	}
	if a := p.call("POST", "/invoices/"+p.invoice("1.00", "PHP")+"/capture", object{"source": card}); a.status != http.StatusBadRequest || a.text1("error_type") != "request.source.card-already-used" {
		t.Errorf("a second use of a card: %d %s", a.status, a.text)
	}
}

func TestCommandLine(t *testing.T) {
	dir := t.TempDir()
	broken := filepath.Join(dir, "broken.yaml")
	if err := os.WriteFile(broken, []byte("listen: 127.0.0.1:0\nnonsense: true\nrouting:\n  max_attempts: many\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		args []string
		code int
		says []string
	}{
		{[]string{"--help"}, 0, []string{"dev", "serve", "sims"}},
		{[]string{"version"}, 0, []string{"switchyard"}},
		{[]string{"nonsense"}, 2, nil},
		{[]string{"dev", "--listen", "0.0.0.0:8080"}, 2, []string{"loopback"}},
		{[]string{"serve"}, 2, []string{"--config"}},
		{[]string{"serve", "--config", broken}, 2, []string{"broken.yaml:2:", "broken.yaml:4:"}},
		{[]string{"dev", "--sims-url", "http://127.0.0.1:1", "--data", dir}, 1, []string{"simulators"}},
	} {
		p := launch(t, tc.args...)
		if code := p.exitCode(); code != tc.code {
			t.Errorf("%v: exit code %d, want %d\n%s", tc.args, code, tc.code, p.output)
		}
		for _, text := range tc.says {
			if !strings.Contains(p.output.String(), text) {
				t.Errorf("%v does not say %q:\n%s", tc.args, text, p.output)
			}
		}
	}
}

// TestWideEvents: each request writes one line with its id, status and route.
func TestWideEvents(t *testing.T) {
	p := startDev(t, t.TempDir(), "--log-format", "json")
	id := p.call("GET", "/customers", nil, "X-Request-Id", "req-from-a-merchant-1").header.Get("X-Request-Id")
	if id != "req-from-a-merchant-1" {
		t.Errorf("the request's own id came back as %q", id)
	}
	p.stop()
	lines := 0
	scanner := bufio.NewScanner(strings.NewReader(p.output.String()))
	for scanner.Scan() {
		if strings.Contains(scanner.Text(), id) {
			lines++
		}
	}
	if lines != 1 {
		t.Errorf("%d lines carry the request's id, want one", lines)
	}
}
