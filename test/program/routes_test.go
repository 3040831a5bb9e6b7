package program

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRoutes runs `dev` with a routing policy: it decides where a payment goes, blocks another, and a broken one refuses the
// start.
func TestRoutes(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	file := filepath.Join(folder, "routes.yaml")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(`rules:
  - {name: no large ones, when: {amount: {gte: "5000 PHP"}}, route: {block: {message: "Too much for a start."}}}
  - {name: British debit, when: {issuer_country: GB, funding: debit}, route: {priority: [gway_conf_dev_processout]}}
  - {name: American credit below 50, when: {issuer_country: US, funding: credit, amount: {lt: "50 PHP"}}, route: {priority: [gway_conf_dev_xendit]}}
  - {name: pesos, when: {currency: PHP, scheme: visa}, route: {priority: [gway_conf_dev_paymongo]}}
default: {smart: all}
`)
	p := startDev(t, filepath.Join(folder, "data"), "--routes", file)
	invoice := p.invoice("100.00", "PHP")
	if a := p.call("POST", "/invoices/"+invoice+"/capture", object{"source": p.card("4242424242424242")}); a.text1("transaction", "status") != "completed" {
		t.Errorf("%+v", a)
	}
	decision, _ := p.call("GET", "/invoices/"+invoice+"/decision", nil).get("decision").(object)
	first, _ := decision["candidates"].([]any)[0].(object)
	if decision["rule"] != "pesos" || first["gateway_configuration_id"] != "gway_conf_dev_paymongo" || first["verdict"] != "chosen" {
		t.Errorf("%+v", decision)
	}
	for _, test := range []struct{ amount, card, rule string }{
		{"100.00", "4000008260000000", "British debit"}, // eight of its digits tell more than six
		{"20.00", "4242424242424242", "American credit below 50"},
		{"20.00", "4000000000000002", "American credit below 50"},
		{"20.00", "4343434343434345", "pesos"},
	} {
		invoice := p.invoice(test.amount, "PHP")
		p.call("POST", "/invoices/"+invoice+"/capture", object{"source": p.card(test.card)})
		d, _ := p.call("GET", "/invoices/"+invoice+"/decision", nil).get("decision").(object)
		if d["rule"] != test.rule {
			t.Errorf("%s: %+v", test.card, d)
		}
	}
	blocked := p.call("POST", "/invoices/"+p.invoice("6000.00", "PHP")+"/capture", object{"source": p.card("4242424242424242")})
	if blocked.status != 400 || blocked.text1("message") != "Too much for a start." || blocked.text1("error_type") != "request.configuration.missing-gateway-configuration" {
		t.Errorf("%+v", blocked)
	}

	write("default: {priority: [gway_conf_dev_nobody]}\n")
	q := launch(t, "dev", "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0", "--sims-listen", "127.0.0.1:0", "--data", filepath.Join(folder, "other"), "--routes", file)
	if code := q.exitCode(); code != 2 || !strings.Contains(q.output.String(), "routes.yaml:1:22: error: there is no gateway configuration") {
		t.Errorf("exit code %d\n%s", code, q.output)
	}
}
