package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"switchyard/adapters/all"
	"switchyard/app"
	"switchyard/config"
	"switchyard/sims"
)

// shop is a running gateway with simulated PSPs, and a merchant.
type shop struct {
	*app.App
	t *testing.T
}

// openShop starts a gateway by a routing policy and the files beside it.
func openShop(t *testing.T, files map[string]string) *shop {
	t.Helper()
	simulators, err := sims.Start(sims.Options{Listen: "127.0.0.1:0", Seed: 1, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = simulators.Stop(context.Background()) })
	psps := map[string]string{}
	for _, p := range simulators.PSPs() {
		psps[p.Name] = p.BaseURL
	}
	folder := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := config.Dev(config.DevOptions{
		Listen: "127.0.0.1:0", OpsListen: "127.0.0.1:0", DataDir: filepath.Join(folder, "data"), PSPs: psps, Providers: all.Providers(), Routes: filepath.Join(folder, "routing.yaml"),
	})
	if err != nil {
		t.Fatal(err)
	}
	a, err := app.New(t.Context(), c, app.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	a.Start()
	t.Cleanup(func() {
		if err := a.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return &shop{a, t}
}

// call is a request of the merchant's.
func (s *shop) call(method, path string, body any) map[string]any {
	s.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		s.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.URL()+path, bytes.NewReader(text))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.SetBasicAuth(config.DevProjectID, config.DevAPIKey)
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	var answer map[string]any
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		s.t.Fatal(err)
	}
	return answer
}

// pays makes a payment and returns its invoice.
func (s *shop) pays(amount string) string {
	s.t.Helper()
	invoice, _ := dig(s.call("POST", "/invoices", object{"name": "Order", "amount": amount, "currency": "PHP"}), "invoice", "id").(string)
	card, _ := dig(s.call("POST", "/cards", object{"number": "4242424242424242", "exp_month": 12, "exp_year": 2049, "cvc2": "123"}), "card", "id").(string)
	if answer := s.call("POST", "/invoices/"+invoice+"/capture", object{"source": card}); dig(answer, "success") != true {
		s.t.Fatalf("%v", answer)
	}
	return invoice
}

// TestJudging: a payment is explained, another is simulated by what is known now, a policy is put to the past; and what the policy
// names beside itself is compared and tried.
func TestJudging(t *testing.T) {
	t.Parallel()
	const canary = "default: {priority: [gway_conf_dev_xendit]}\n"
	s := openShop(t, map[string]string{
		"routing.yaml": `
exploration: {cap_bps: 0, floor_bps: 0}
fees:
  gway_conf_dev_processout: [{rows: [{blended: {bps: 300}}]}]
  gway_conf_dev_xendit: [{rows: [{blended: {bps: 250}}]}]
shadow: {file: canary.yaml}
default: {smart: [gway_conf_dev_processout, gway_conf_dev_xendit]}
`,
		"canary.yaml": canary,
	})
	var invoice string
	for range 5 {
		invoice = s.pays("300.00")
	}

	_, answer := order(t, s.App, "GET", "/routing/explain/"+invoice, nil)
	sentence, _ := dig(answer, "explanation", "sentences", 0, "sentence").(string)
	for _, want := range []string{"first by what is expected of it; approval ", "fee ", " PHP; tried first with probability 100.0 %"} {
		if !strings.Contains(sentence, want) {
			t.Errorf("%q is not in %q\n%v", want, sentence, answer)
		}
	}
	if dig(answer, "explanation", "project_id") != config.DevProjectID || dig(answer, "explanation", "attempts", 0, "sentence") != "approved" {
		t.Errorf("%v", answer)
	}
	first, _ := dig(answer, "explanation", "decision", "candidates", 0, "gateway_configuration_id").(string)
	merchants := s.call("GET", "/invoices/"+invoice+"/decision", nil)
	if dig(merchants, "decision", "candidates", 0, "reason") != sentence || dig(merchants, "decision", "candidates", 0, "estimate", "propensity") != 1.0 {
		t.Errorf("the merchant is shown %v", merchants)
	}
	for path, want := range map[string]int{"/routing/explain/iv_nobody": 404, "/routing/explain/" + invoice + "?project=other": 404, "/routing/explain/" + invoice + "?project=" + config.DevProjectID: 200} {
		if status, answer := order(t, s.App, "GET", path, nil); status != want {
			t.Errorf("%s: %d, want %d: %v", path, status, want, answer)
		}
	}

	facts := object{"project_id": config.DevProjectID, "operation": "sale", "amount": object{"minor": 30000, "currency": "PHP"}, "has_card": true, "has_cvc": true}
	_, answer = order(t, s.App, "POST", "/routing/simulate", object{"facts": facts})
	if trace, _ := dig(answer, "explanation", "trace").(string); !strings.Contains(trace, "default") || dig(answer, "explanation", "sentences", 0, "verdict") != "chosen" {
		t.Errorf("%v", answer)
	}
	_, answer = order(t, s.App, "POST", "/routing/simulate", object{"facts": facts, "text": canary})
	if dig(answer, "explanation", "decision", "candidates", 0, "gateway_configuration_id") != "gway_conf_dev_xendit" {
		t.Errorf("%v", answer)
	}
	for name, body := range map[string]any{
		"no facts": object{}, "no such fact": object{"facts": object{"amount_minor": 5}}, "a refund": object{"facts": object{"operation": "refund", "amount": object{"minor": 1, "currency": "PHP"}}},
		"a broken policy": object{"facts": facts, "text": "default: {smrt: all}"},
	} {
		if status, answer := order(t, s.App, "POST", "/routing/simulate", body); status != 400 && status != 422 {
			t.Errorf("%s: %d %v", name, status, answer)
		}
	}

	status, answer := order(t, s.App, "POST", "/routing/backtest", object{"text": canary})
	text, _ := dig(answer, "text").(string)
	moved, _ := dig(answer, "result", "report", "moved").(float64)
	want := 0.0
	if first == "gway_conf_dev_processout" {
		want = 5
	}
	if status != 200 || dig(answer, "result", "report", "payments") != 5.0 || !strings.Contains(text, "5 payments: ") {
		t.Errorf("%d %v", status, answer)
	}
	_, compared := order(t, s.App, "GET", "/routing", nil)
	shadowed, _ := dig(compared, "routing", "compared", "moved").(float64)
	if moved != shadowed || want == 5 && moved == 0 {
		t.Errorf("backtest moves %v payments, the shadow had moved %v", moved, shadowed)
	}
	for name, body := range map[string]any{
		"a time without end": object{"since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"}, "too many": object{"most": 1 << 30}, "misspelt": object{"sinc": "x"},
	} {
		if status, answer := order(t, s.App, "POST", "/routing/backtest", body); status != 400 {
			t.Errorf("%s: %d %v", name, status, answer)
		}
	}

	_, answer = order(t, s.App, "POST", "/routing/activate", object{
		"by": "ada", "because": "a try", "text": "canary: {file: c.yaml, percent: 50}\nrules: [{name: pesos, when: {currency: PHP, method: card}, route: {priority: [gway_conf_dev_processout]}}]\ndefault: {smart: all}\n", "files": []object{{"name": "c.yaml", "text": canary}},
	})
	if dig(answer, "changed") != true {
		t.Fatalf("%v", answer)
	}
	arms := map[any]int{}
	for i := range 30 {
		invoice := s.pays(fmt.Sprint(300+i) + ".00")
		_, answer := order(t, s.App, "GET", "/routing/explain/"+invoice, nil)
		arms[dig(answer, "explanation", "decision", "arm")]++
		version, _ := dig(answer, "explanation", "decision", "config_version").(string)
		if status, _ := order(t, s.App, "GET", "/routing/versions/"+version, nil); status != 200 {
			t.Errorf("the policy of a decision by %q is not found", version)
		}
	}
	if arms["canary"] == 0 || arms["control"] == 0 || len(arms) != 2 {
		t.Errorf("arms %v", arms)
	}
	_, answer = order(t, s.App, "GET", "/routing", nil)
	counted, _ := dig(answer, "routing", "trial", "report", "canary", "payments").(float64)
	if int(counted) != arms["canary"] {
		t.Errorf("the trial has counted %v payments of %v: %v", counted, arms, answer)
	}
}

// TestBeliefsByOperators: what smart routing believes can be looked at, forgotten and put right.
func TestBeliefsByOperators(t *testing.T) {
	t.Parallel()
	s := openShop(t, map[string]string{"routing.yaml": "exploration: {cap_bps: 0, floor_bps: 0}\ndefault: {smart: all}\n"})
	s.pays("300.00")
	outcomes := func() any {
		_, answer := order(t, s.App, "GET", "/routing/beliefs", nil)
		return dig(answer, "beliefs", "outcomes")
	}
	if outcomes() != 1.0 {
		t.Errorf("%v outcomes were heard of, want 1", outcomes())
	}
	who := object{"by": "ada", "because": "a test"}
	for _, test := range []struct {
		path   string
		body   any
		status int
	}{
		{"/routing/beliefs/reset", object{}, 400},
		{"/routing/beliefs/nobody/reset", who, 404},
		{"/routing/beliefs/gway_conf_dev_processout/recover", who, 404}, // nothing is wrong there
		{"/routing/beliefs/gway_conf_dev_processout/reset", who, 200},
		{"/routing/beliefs/reset", who, 200},
	} {
		if status, answer := order(t, s.App, "POST", test.path, test.body); status != test.status {
			t.Errorf("%s: %d, want %d: %v", test.path, status, test.status, answer)
		}
	}
	if outcomes() != 0.0 {
		t.Errorf("%v outcomes after the reset", outcomes())
	}
}
