package config_test

import (
	"slices"
	"strings"
	"testing"

	"switchyard/adapters"
	"switchyard/adapters/all"
	"switchyard/config"
)

// The development configuration fits the settings of every PSP that there is.
func TestDevWithAllProviders(t *testing.T) {
	t.Parallel()
	psps := map[string]string{}
	for _, p := range all.Providers() {
		psps[p.Name] = "http://127.0.0.1:1"
	}
	c, err := config.Dev(config.DevOptions{DataDir: t.TempDir(), PSPs: psps, Providers: all.Providers()})
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Gateways) != len(psps) || len(c.Routing.Priority) != len(psps) {
		t.Errorf("%d gateway configurations, %d priorities for %d PSPs", len(c.Gateways), len(c.Routing.Priority), len(psps))
	}
	for _, g := range c.Gateways {
		if _, err := g.Adapter.Open(adapters.Deps{}); err != nil {
			t.Errorf("%s: %v", g.PSP, err)
		}
	}
}

// The example fits the settings of the PSPs that it names.
func TestExampleWithAllProviders(t *testing.T) {
	t.Parallel()
	environment := map[string]string{
		"SWITCHYARD_REDIS_PASSWORD":  "a password",
		"SWITCHYARD_VAULT_KEY_2026":  "FbtwDIsRqVINK1oGh8OqyUlGCujO1pJ9MHGV0ox3b2w=",
		"SWITCHYARD_FINGERPRINT_KEY": "3gXdm0PDGx6rNqCL4TVW2BHcOyVWHi6Nszcx7ZVtoAU=",
		"SWITCHYARD_ACME_KEY":        "key_live_3qmZ8vTn2yRk5wLp7xCd",
		"PROCESSOUT_PROJECT":         "proj_4xk2nV8sQm",
		"PROCESSOUT_KEY":             "key_live_7dKwPz",
		"XENDIT_API_KEY":             "xnd_production_7dKwPz",
		"PAYMONGO_SECRET_KEY":        "sk_live_7dKwPz",
	}
	c, err := config.Load("example.yaml", config.Options{Providers: all.Providers(), Getenv: func(name string) string { return environment[name] }})
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range c.Gateways {
		if !slices.Contains(c.Routing.Priority, g.ID) || !g.Live || !strings.HasSuffix(g.ID, g.PSP) {
			t.Errorf("%+v", g)
		}
	}
}
