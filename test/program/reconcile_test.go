package program

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"switchyard/payments"
	"switchyard/store/sqlite"
)

// reconciled is what a run of reconcile came to.
type reconciled struct {
	code           int
	stdout, stderr string
	report         struct {
		Gateways []struct {
			PSP         string `json:"psp"`
			Source      string `json:"source"`
			Failure     string `json:"failure"`
			Compared    int    `json:"compared"`
			Pending     int    `json:"pending"`
			LookedUp    int    `json:"looked_up"`
			Unchecked   int    `json:"unchecked"`
			Outside     int    `json:"outside"`
			Unsettled   int    `json:"unsettled"`
			Differences []difference
		} `json:"gateways"`
	}
}

type difference struct {
	Class     string `json:"class"`
	PSP       string `json:"psp"`
	AttemptID string `json:"attempt_id"`
	Reference string `json:"reference"`
}

// reconcile compares the store of a running dev, from a process of its own.
func (p *process) reconcile(args ...string) (r reconciled) {
	p.t.Helper()
	command := exec.CommandContext(p.t.Context(), binary, append([]string{"reconcile", "--data", p.data, "--sims-url", p.sims}, args...)...)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	err := command.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		r.code = exit.ExitCode()
	} else if err != nil {
		p.t.Fatal(err)
	}
	r.stdout, r.stderr = stdout.String(), stderr.String()
	if slices.Contains(args, "json") && stdout.Len() > 0 {
		if err := json.Unmarshal(stdout.Bytes(), &r.report); err != nil {
			p.t.Fatalf("no report: %v\n%s%s", err, r.stdout, r.stderr)
		}
	}
	return r
}

// found lists the differences: class, PSP and the reference that the PSP was told.
func (r *reconciled) found() []string {
	list := []string{}
	for _, g := range r.report.Gateways {
		for _, d := range g.Differences {
			list = append(list, d.Class+" "+d.PSP+" "+d.Reference)
		}
	}
	slices.Sort(list)
	return list
}

// settledDown compares until nothing is open any more.
func (p *process) settledDown() (r reconciled) {
	p.t.Helper()
	p.until("nothing is open", func() bool {
		r = p.reconcile("--format", "json")
		open := 0
		for _, g := range r.report.Gateways {
			open += g.Pending
		}
		return open == 0
	})
	return r
}

// paidAt pays until it succeeds at the PSP: one that was turned away is given a rest of a second.
func (p *process) paidAt(psp, how, amount, currency string) (invoice string) {
	p.t.Helper()
	p.only(psp)
	p.until("paid at "+psp, func() bool {
		invoice = p.invoice(amount, currency)
		a := p.call("POST", "/invoices/"+invoice+"/"+how, object{"source": p.card("4242424242424242")})
		status := a.text1("transaction", "status")
		return status == "authorized" || status == "completed"
	})
	p.sim("DELETE", "/_sim/faults", nil)
	return invoice
}

func (p *process) does(path string, body object) {
	p.t.Helper()
	if a := p.call("POST", path, body); a.status != 200 {
		p.t.Fatalf("%s: %d %s", path, a.status, a.text)
	}
}

// attempt is the charging attempt of an invoice at a PSP, as the store has it.
func (p *process) attempt(invoice, psp string) payments.Attempt {
	p.t.Helper()
	view, err := sqlite.OpenView(p.t.Context(), p.data)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = view.Close() }()
	payment, err := view.Payment(p.t.Context(), projectID, invoice)
	if err != nil {
		p.t.Fatal(err)
	}
	for _, a := range payment.Attempts {
		if a.PSP == psp && a.Operation.Charges() {
			return a
		}
	}
	p.t.Fatalf("invoice %s was not tried at %s", invoice, psp)
	return payments.Attempt{}
}

// atPSP calls a simulated PSP behind the program's back.
func (p *process) atPSP(psp, path string, body object, user, password string, header ...string) answer {
	p.t.Helper()
	base := ""
	list, _ := p.sim("GET", "/_sim/psps", nil).get("psps").([]any)
	for _, one := range list {
		if one.(object)["psp"] == psp {
			base, _ = one.(object)["base_url"].(string)
		}
	}
	a, err := ask(p.t.Context(), user, password, "POST", base+path, body, header...)
	if err != nil || a.status >= 300 {
		p.t.Fatalf("%s %s: %v %d %s", psp, path, err, a.status, a.text)
	}
	return a
}

// chargeAtXendit charges a card at Xendit with the program's key.
func (p *process) chargeAtXendit(reference string, amount int) {
	p.t.Helper()
	p.atPSP("xendit", "/v3/payment_requests", object{
		"reference_id": reference, "type": "PAY", "country": "PH", "currency": "PHP", "request_amount": amount, "capture_method": "AUTOMATIC", "channel_code": "CARDS",
		"channel_properties": object{
			"card_details": object{
				"card_number": "4242424242424242", "cvn": "123", "expiry_month": "12", "expiry_year": "2031",
				"cardholder_first_name": "Eve", "cardholder_last_name": "Adams", "cardholder_email": "eve@example.com",
			},
			"success_return_url": shopDone, "failure_return_url": shopDone,
		},
	}, "xnd_development_switchyard_dev", "", "Api-Version", "2024-11-11")
}

func (p *process) atProcessOut(path string, body object) answer {
	p.t.Helper()
	return p.atPSP("processout", path, body, "test-proj_sim", "key_sandbox_switchyard_dev")
}

// business is one of everything at every PSP, some of it with answers that were lost. It returns invoices by what was done.
func (p *process) business() map[string]string {
	p.t.Helper()
	done := map[string]string{}
	for psp, money := range map[string][2]string{"processout": {"100.00", "PHP"}, "xendit": {"25000", "IDR"}, "paymongo": {"150.00", "PHP"}, "pivot": {"50000", "IDR"}} {
		part := map[string]string{"PHP": "60.00", "IDR": "12000"}[money[1]]
		pay := func(how string) string { return p.paidAt(psp, how, money[0], money[1]) }
		done[psp+" sale"], done[psp+" hold"] = pay("capture"), pay("authorize")
		returned, captured := pay("capture"), pay("authorize")
		done[psp+" captured"] = captured
		p.does("/invoices/"+returned+"/refunds", object{"amount": part, "reason": "customer_request"})
		p.does("/invoices/"+captured+"/capture", object{"capture_amount": part})
		if psp != "pivot" { // it has no call to release a hold
			p.does("/invoices/"+pay("authorize")+"/void", object{})
		}
		p.only(psp)
		p.sim("POST", "/_sim/faults", object{"psp": psp, "operation": "authorize", "fault": "charge_then_reset", "count": 1})
		lost := p.invoice(money[0], money[1])
		p.call("POST", "/invoices/"+lost+"/capture", object{"source": p.card("4242424242424242")})
		p.becomes(lost, "completed")
		declined := p.invoice(money[0], money[1])
		p.sim("POST", "/_sim/faults", object{"psp": psp, "operation": "authorize", "fault": "decline_hard", "count": 1})
		p.call("POST", "/invoices/"+declined+"/capture", object{"source": p.card("4242424242424242")})
		p.becomes(declined, "failed")
		p.sim("DELETE", "/_sim/faults", nil)
	}
	page := p.invoiceOf(p.customer(object{"currency": "GBP"}), "10.00", "GBP", nil)
	p.onPage(p.capture(page, "pending", object{"source": dojoPage}), typed("4242424242424242", "123"), shopDone)
	p.becomes(page, "completed")
	p.does("/invoices/"+page+"/refunds", object{"amount": "4.00", "reason": "customer_request"})
	return done
}

// TestReconcile: what the program did itself, over lost answers too, agrees with every PSP. What was done at the PSPs behind its
// back is found, each in its class, and nothing else. A late charge is given back when that is asked for.
func TestReconcile(t *testing.T) {
	t.Parallel()
	p := startDev(t, t.TempDir())
	done := p.business()
	clean := p.settledDown()
	if clean.code != 0 || len(clean.found()) != 0 {
		t.Fatalf("a clean run ended with %d: %v\n%s", clean.code, clean.found(), clean.stdout+clean.stderr)
	}
	for _, g := range clean.report.Gateways {
		least := 5
		if g.PSP == "dojo" {
			least = 1
		}
		if g.Source != "list" || g.Failure != "" || g.Unchecked != 0 || g.Outside != 0 || g.Compared < least {
			t.Errorf("%+v", g)
		}
	}
	if r := p.reconcile(); r.code != 0 || !strings.Contains(r.stdout, "No differences.") {
		t.Errorf("for people: %d\n%s", r.code, r.stdout+r.stderr)
	}

	want, late := p.plant(done)
	dirty := p.settledDown()
	if dirty.code != 3 || !slices.Equal(dirty.found(), want) {
		t.Errorf("exit code %d, differences:\n%s\nwant:\n%s", dirty.code, strings.Join(dirty.found(), "\n"), strings.Join(want, "\n"))
	}
	if lines, err := csv.NewReader(strings.NewReader(p.reconcile("--format", "csv").stdout)).ReadAll(); err != nil || len(lines) != 1+len(want) {
		t.Errorf("%d lines of CSV, %v", len(lines), err)
	}
	if r := p.reconcile("--gateway", "gway_conf_dev_pivot"); r.code != 0 {
		t.Errorf("Pivot alone: %d\n%s", r.code, r.stdout)
	}
	p.applyLate(want, late)

	kept := p.keptAt("paymongo")
	p.sim("POST", "/_sim/reset", nil)
	if r := p.reconcile("--format", "json", "--gateway", "gway_conf_dev_paymongo"); r.code != 3 || len(r.found()) != kept || slices.ContainsFunc(r.found(), func(d string) bool { return !strings.HasPrefix(d, "missing-there paymongo") }) {
		t.Errorf("at a PSP that has forgotten everything: %d %v", r.code, r.found())
	}
}

// keptAt counts the charges that a PSP did, and did not release.
func (p *process) keptAt(psp string) (n int) {
	for _, row := range p.ledger() {
		c := row.(object)
		if state := c["state"]; c["psp"] == psp && (state == "authorized" || state == "captured" || state == "refunded") {
			n++
		}
	}
	return n
}

// plant changes things at the PSPs. It returns the differences that there are then, and the invoice whose attempt is late.
func (p *process) plant(done map[string]string) (want []string, late string) {
	p.t.Helper()
	for _, psp := range []string{"paymongo", "processout", "xendit"} {
		p.sim("POST", "/_sim/webhooks", object{"psp": psp, "url": ""}) // which would tell of it
	}
	p.chargeAtXendit("somebody-else-1", 770)
	want = append(want, "missing-here xendit somebody-else-1")

	sale := p.attempt(done["processout sale"], "processout")
	p.atProcessOut("/invoices/"+sale.Refs.Session+"/refunds", object{"amount": "10.00", "reason": "customer_request"})
	want = append(want, "amount processout "+sale.Reference)

	hold := p.attempt(done["processout hold"], "processout")
	p.atProcessOut("/invoices/"+hold.Refs.Session+"/void", object{})
	want = append(want, "status processout "+hold.Reference)

	again := p.attempt(done["processout captured"], "processout").Reference
	card := p.atProcessOut("/cards", object{"number": "4242424242424242", "exp_month": "12", "exp_year": "2031", "cvc2": "123", "name": "Eve Adams"}).text1("card", "id")
	twice := p.atProcessOut("/invoices", object{"name": "Again", "amount": "100.00", "currency": "PHP", "metadata": object{"reference": again}}).text1("invoice", "id")
	p.atProcessOut("/invoices/"+twice+"/capture", object{"source": card})
	want = append(want, "duplicate processout "+again)

	returned := p.attempt(done["paymongo sale"], "paymongo")
	p.atPSP("paymongo", "/refunds", object{"data": object{"attributes": object{"amount": 15000, "payment_id": returned.Refs.Charge, "reason": "others"}}}, "sk_test_switchyard_dev", "")
	want = append(want, "status paymongo "+returned.Reference)

	p.sim("POST", "/_sim/faults", object{"psp": "processout", "operation": "*", "fault": "throttle_429", "rate": 1})
	p.sim("POST", "/_sim/faults", object{"psp": "xendit", "operation": "*", "fault": "refuse", "rate": 1})
	p.until("paid at PayMongo after Xendit has failed", func() bool {
		late = p.invoice("33.00", "PHP")
		p.call("POST", "/invoices/"+late+"/capture", object{"source": p.card("4242424242424242")})
		tried := p.attempts(late)
		return slices.Contains(tried, "xendit failed gateway.network-error") && slices.Contains(tried, "paymongo approved")
	})
	p.sim("DELETE", "/_sim/faults", nil)
	failed := p.attempt(late, "xendit")
	p.chargeAtXendit(failed.Reference, 33)
	want = append(want, "late xendit "+failed.Reference)
	slices.Sort(want)
	return want, late
}

// applyLate has the running program give the late charge back, after which all differences but that one are still there.
func (p *process) applyLate(want []string, late string) {
	p.t.Helper()
	failed := p.attempt(late, "xendit")
	r := p.reconcile("--apply-late", "--operators", p.ops)
	if r.code != 3 || !strings.Contains(r.stderr, failed.ID+" is late") || !strings.Contains(r.stdout, "paid twice") {
		p.t.Errorf("--apply-late: %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	p.until("the late charge is given back", func() bool { return p.attempt(late, "xendit").State == payments.AttemptReversed })
	rest := slices.DeleteFunc(slices.Clone(want), func(d string) bool { return d == "late xendit "+failed.Reference })
	if again := p.settledDown(); again.code != 3 || !slices.Equal(again.found(), rest) {
		p.t.Errorf("after --apply-late: %d %v", again.code, again.found())
	}
	if r := p.reconcile("--apply-late", "--operators", p.ops); r.code != 3 || r.stderr != "" {
		p.t.Errorf("a second --apply-late: %d\n%s", r.code, r.stderr)
	}
}

// TestReconcileWithSettlement plants a difference of each class in a settlement file.
func TestReconcileWithSettlement(t *testing.T) {
	t.Parallel()
	p := startDev(t, t.TempDir())
	var sales []payments.Attempt
	for range 6 {
		sales = append(sales, p.attempt(p.paidAt("xendit", "capture", "25000", "IDR"), "xendit"))
	}
	p.does("/invoices/"+sales[5].InvoiceID+"/refunds", object{"amount": "10000", "reason": "customer_request"})
	p.sim("POST", "/_sim/faults", object{"psp": "*", "operation": "authorize", "fault": "throttle_429", "rate": 1})
	late := p.invoice("25000", "IDR")
	p.call("POST", "/invoices/"+late+"/capture", object{"source": p.card("4242424242424242")})
	p.sim("DELETE", "/_sim/faults", nil)
	failed := p.attempt(late, "xendit")

	now := time.Now().UTC()
	settled := now.Add(time.Hour).Format(time.RFC3339)
	row := func(reference, id, kind, amount string) string {
		return strings.Join([]string{reference, id, kind, amount, "IDR", "500", settled}, ",")
	}
	refunded := []string{row(sales[5].Reference, "", "charge", "25000"), row(sales[5].Reference, "", "refund", "10000.00")}
	file := func(rows ...string) string {
		path := filepath.Join(t.TempDir(), "settlement.csv")
		if err := os.WriteFile(path, []byte("Order,provider_id,type,Gross,currency,fee,settled_at\n"+strings.Join(rows, "\n")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	compare := func(path string) reconciled {
		return p.reconcile("--format", "json", "--gateway", "gway_conf_dev_xendit", "--until", now.Add(2*time.Hour).Format(time.RFC3339), "--settlement", path, "--columns", "reference=Order,amount=Gross")
	}
	var all []string
	for _, s := range sales[:5] {
		all = append(all, row(s.Reference, s.Refs.Charge, "charge", "25000"))
	}
	if r := compare(file(append(all, refunded...)...)); r.code != 0 || r.report.Gateways[0].Compared != 6 || r.report.Gateways[0].Source != "settlement" {
		t.Errorf("a file that agrees: %d %v\n%s", r.code, r.found(), r.stdout+r.stderr)
	}
	want := []string{
		"amount xendit " + sales[1].Reference, "duplicate xendit " + sales[3].Reference, "late xendit " + failed.Reference, "missing-here xendit stranger",
		"missing-there xendit " + sales[2].Reference, "status xendit " + sales[4].Reference,
	}
	slices.Sort(want)
	r := compare(file(append(refunded,
		row("", sales[0].Refs.Charge, "charge", "25000.00"),
		row(sales[1].Reference, "", "charge", "24999"),
		row(sales[3].Reference, "", "charge", "25000"), row(sales[3].Reference, "", "charge", "25000"),
		row(sales[4].Reference, "", "charge", "25000"), row(sales[4].Reference, "", "refund", "-25000"),
		row("stranger", "", "charge", "1"), row(failed.Reference, "", "charge", "25000"))...))
	if r.code != 3 || !slices.Equal(r.found(), want) {
		t.Errorf("exit code %d, differences:\n%s\nwant:\n%s", r.code, strings.Join(r.found(), "\n"), strings.Join(want, "\n"))
	}
	if r := compare(file(row("a", "", "charge", "1"), row("b", "", "charge", "one"))); r.code != 2 || !strings.Contains(r.stderr, "settlement.csv:3: amount") {
		t.Errorf("a broken file: %d %s", r.code, r.stderr)
	}
}

func TestReconcileRefuses(t *testing.T) {
	t.Parallel()
	p := startDev(t, t.TempDir())
	for _, tc := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"--gateway", "gway_conf_none"}, 2, "gway_conf_dev_xendit"},
		{[]string{"--since", "yesterday"}, 2, "--since"},
		{[]string{"--since", "1h", "--until", "2h"}, 2, "before"},
		{[]string{"--format", "xml"}, 2, "--format"},
		{[]string{"--settlement", "/does/not/exist.csv"}, 2, "exist.csv"},
		{[]string{"--settlement", filepath.Join(p.data, "dev-vault.key")}, 2, "--gateway"},
		{[]string{"--columns", "fee=Cost"}, 2, "--settlement"},
		{[]string{"--config", "x.yaml"}, 2, "--config"},
	} {
		if r := p.reconcile(tc.args...); r.code != tc.code || !strings.Contains(r.stderr, tc.says) || r.stdout != "" {
			t.Errorf("%v: %d\n%s%s", tc.args, r.code, r.stdout, r.stderr)
		}
	}
	elsewhere := &process{t: t, data: t.TempDir(), sims: p.sims}
	if r := elsewhere.reconcile(); r.code != 2 || !strings.Contains(r.stderr, "no store") {
		t.Errorf("an empty directory: %d %s", r.code, r.stderr)
	}
	p.sim("POST", "/_sim/faults", object{"psp": "xendit", "operation": "*", "fault": "unauthorized_401", "rate": 1})
	if r := p.reconcile(); r.code != 1 || !strings.Contains(r.stdout, "NOT COMPARED") {
		t.Errorf("a PSP that refuses the key: %d\n%s%s", r.code, r.stdout, fmt.Sprint(r.stderr))
	}
}
