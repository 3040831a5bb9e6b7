package app_test

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"switchyard/adapters/all"
	"switchyard/app"
	"switchyard/config"
)

// devWith is the configuration of dev with a routing policy; nothing answers at its simulators' addresses.
func devWith(t *testing.T, policy string) (c *config.Config, data string) {
	t.Helper()
	folder := t.TempDir()
	file, data := filepath.Join(folder, "routes.yaml"), filepath.Join(folder, "data")
	if err := os.WriteFile(file, []byte(policy), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "other.yaml"), []byte("default: {smart: all}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	psps := map[string]string{}
	for _, p := range all.Providers() {
		psps[p.Name] = "http://127.0.0.1:1"
	}
	c, err := config.Dev(config.DevOptions{Listen: "127.0.0.1:0", OpsListen: "127.0.0.1:0", DataDir: data, PSPs: psps, Providers: all.Providers(), Routes: file})
	if err != nil {
		t.Fatal(err)
	}
	return c, data
}

// TestPolicyThatMustNotGoLive: an error of the analysis refuses the start before anything is opened.
func TestPolicyThatMustNotGoLive(t *testing.T) {
	c, data := devWith(t, "rules: [{name: pesos, when: {currency: PHP}, route: {priority: [gway_conf_dev_pivot]}}]\ndefault: {smart: all}\n")
	_, err := app.New(t.Context(), c, app.Options{Logger: slog.New(slog.DiscardHandler)})
	faults, ok := errors.AsType[*config.Faults](err)
	if !ok || len(faults.List) != 1 || !strings.Contains(err.Error(), "[dead-path]\n  1 | ") {
		t.Fatalf("%v", err)
	}
	if _, err := os.Stat(filepath.Join(data, "switchyard.db")); err == nil {
		t.Error("the store was opened")
	}
}

// TestPolicyWarnings: what is most likely a mistake, or not in force, is logged, and the program starts.
func TestPolicyWarnings(t *testing.T) {
	c, _ := devWith(t, `
canary: {file: other.yaml, percent: 5}
rules:
  - {name: pesos, when: {currency: PHP}, route: {priority: [gway_conf_dev_paymongo, gway_conf_dev_pivot]}}
  - {name: sanctioned, when: {any: [{issuer_country: KP}, {currency: KPW}]}, route: {block: {message: no}}}
default: {smart: all}
`)
	c.IINs = nil
	var log bytes.Buffer
	a, err := app.New(t.Context(), c, app.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	for _, want := range []string{"code=dead-target rule=pesos", "issuer_country: nothing tells it of a card, so that it is unknown of every payment: give cards.iin_table", "kind=start by=switchyard"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("%s is not in the log:\n%s", want, log.String())
		}
	}
}

// TestNotInForce: with a table of issuers, their facts are in force.
func TestNotInForce(t *testing.T) {
	c, _ := devWith(t, "rules: [{name: home, when: {issuer_country: PH, not: {funding: prepaid}}, route: {priority: [gway_conf_dev_paymongo]}}]\ndefault: {smart: all}\n")
	if list := app.NotInForce(c.Policy, true); len(list) != 0 {
		t.Errorf("%q", list)
	}
	if list := app.NotInForce(c.Policy, false); len(list) != 2 {
		t.Errorf("%q", list)
	}
}
