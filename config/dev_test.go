package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"switchyard/router/rules"
)

func devOptions(t *testing.T) DevOptions {
	t.Helper()
	return DevOptions{
		DataDir: filepath.Join(t.TempDir(), "new", "data ${here} \"quoted\""),
		PSPs: map[string]string{
			"paymongo": "http://127.0.0.1:1/paymongo", "xendit": "http://127.0.0.1:2", "processout": "http://127.0.0.1:3", "dojo": "http://127.0.0.1:4",
			"pivot": "http://127.0.0.1:5", // has no provider yet
		},
		Providers: providers(),
		Getenv:    environment("SWITCHYARD_LOG_LEVEL", "debug", "SWITCHYARD_LISTEN", "0.0.0.0:80"),
	}
}

func TestDev(t *testing.T) {
	t.Parallel()
	o := devOptions(t)
	// The fakes have their own names for settings.
	o.Providers = o.Providers[:3]
	c, err := Dev(o)
	if err != nil {
		t.Fatal(err)
	}
	if c.Live() || len(c.Projects) != 1 || c.Projects[0].ID != DevProjectID || !c.Projects[0].Keys[0].Equal(DevAPIKey) {
		t.Errorf("%+v", c.Projects)
	}
	if diff := cmp.Diff([]string{"gway_conf_dev_processout", "gway_conf_dev_xendit", "gway_conf_dev_paymongo"}, c.Routing.Priority); diff != "" {
		t.Error(diff)
	}
	if c.Store.Path != filepath.Join(o.DataDir, "switchyard.db") || c.Listen != defaultListen || c.Log.Format != LogText || c.Log.Level != -4 {
		t.Errorf("%+v %s %+v", c.Store, c.Listen, c.Log)
	}
	if r := c.Routing; r.MaxAttempts < 3 || r.Breaker.OpenFor >= 10*time.Second || r.ConfigFaultPause > 10*time.Second || c.Limits.PSPTimeout != 5*time.Second || c.Limits.AbsenceAfter != 20*time.Second {
		t.Errorf("%+v %+v", r, c.Limits)
	}
	if c.Routing.RetryBudget.Enabled {
		t.Error("dev counts declined tries with its test cards")
	}
	o.RetryBudget = true
	if counting, err := Dev(o); err != nil || counting.Routing.RetryBudget != (RetryBudget{Enabled: true, PerDay: defaultPerDay, Per30Days: defaultPer30Days}) {
		t.Errorf("%v, %+v", err, counting.Routing.RetryBudget)
	}
	if !c.Webhooks.AllowLoopback || !c.Projects[0].WebhookSecret.Equal(DevSigningSecret) {
		t.Error("webhooks of dev go to this machine, signed")
	}
	for _, g := range c.Gateways {
		settings, ok := g.Adapter.(*fakeConfig)
		if !ok || settings.BaseURL != o.PSPs[g.PSP] || settings.SecretKey.IsZero() && settings.PrivateKey.IsZero() && settings.APIKey.IsZero() || g.ProjectID != DevProjectID || !g.Enabled {
			t.Errorf("%+v", g)
		}
	}
}

// The keys are random, kept between runs, and nobody else's to read.
func TestDevKeepsItsVaultKey(t *testing.T) {
	t.Parallel()
	o := devOptions(t)
	o.Providers = o.Providers[:3]
	first, err := Dev(o)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Dev(o)
	if err != nil {
		t.Fatal(err)
	}
	other := o
	other.DataDir = t.TempDir()
	another, err := Dev(other)
	if err != nil {
		t.Fatal(err)
	}
	key := func(c *Config) string {
		return c.Vault.Keys[c.Vault.CurrentKey].Reveal() + " " + c.Vault.FingerprintKey.Reveal()
	}
	if key(first) != key(again) || key(first) == key(another) {
		t.Error("the keys are not kept, or not random")
	}
	path := filepath.Join(o.DataDir, devVaultKeyFile)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if err := os.WriteFile(path, []byte("half\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Dev(o); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("a damaged key file: %v", err)
	}
}

func TestDevRefuses(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"0.0.0.0:8080", ":8080", "8080", "192.168.1.7:8080"} {
		o := devOptions(t)
		o.OpsListen = address
		var faults *Faults
		if _, err := Dev(o); !errors.As(err, &faults) || !strings.Contains(err.Error(), "loopback") {
			t.Errorf("%s: %v", address, err)
		}
	}
	o := devOptions(t)
	if err := os.WriteFile(filepath.Join(filepath.Dir(filepath.Dir(o.DataDir)), "new"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Dev(o); err == nil || !strings.Contains(err.Error(), "data directory") {
		t.Errorf("a data directory that cannot be made: %v", err)
	}
}

// TestDevSmart: smart routing by a policy that is there to be changed, and is not written over.
func TestDevSmart(t *testing.T) {
	t.Parallel()
	o := devOptions(t)
	o.Smart, o.Providers = true, o.Providers[:3]
	c, err := Dev(o)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(o.DataDir, devSmartFile)
	if c.Policy == nil || c.PolicyFile != file || c.Policy.Document().Default.Kind != rules.RouteSmart {
		t.Fatalf("%q, %+v", c.PolicyFile, c.Policy)
	}
	own := strings.Replace(smart, "cap_bps: 500", "cap_bps: 300", 1)
	if err := os.WriteFile(file, []byte(own), 0o600); err != nil {
		t.Fatal(err)
	}
	if c, err = Dev(o); err != nil || c.Policy.Document().Exploration.CapBPS != 300 {
		t.Errorf("somebody's policy was written over: %v", err)
	}
}
