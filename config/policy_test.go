package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// loadWithPolicy reads the example with a routing policy beside it.
func loadWithPolicy(t *testing.T, setting, policy string, o Options) (*Config, error) {
	t.Helper()
	text := strings.Replace(Example(), "  # rules:\n", "  rules: "+setting+"\n", 1)
	o.Providers, o.Getenv = providers(), exampleEnvironment
	o.ReadFile = func(name string) ([]byte, error) {
		switch name {
		case filepath.Join("etc", "switchyard.yaml"):
			return []byte(text), nil
		case filepath.Join("etc", "routing.yaml"):
			return []byte(policy), nil
		}
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return Load(filepath.Join("etc", "switchyard.yaml"), o)
}

func TestPolicy(t *testing.T) {
	t.Parallel()
	const sound = "rules: [{name: pesos, when: {currency: PHP}, route: {priority: [gway_conf_acme_xendit]}}]\ndefault: {smart: all}\n"
	c, err := loadWithPolicy(t, "routing.yaml", sound, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if c.Policy == nil || c.Policy.Rule(0).Name != "pesos" {
		t.Errorf("the policy is %+v", c.Policy)
	}
	if c, err = loadWithPolicy(t, "routing.yaml", "nonsense", Options{WithoutRules: true}); err != nil || c.Policy != nil {
		t.Errorf("without rules: %v, %v", c, err)
	}
	if c, err = loadExample(Example()); err != nil || c.Policy != nil {
		t.Errorf("no rules are named: %v, %v", c.Policy, err)
	}
}

func TestPolicyFaults(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		setting, policy string
		want            []string
	}{
		"all at once, with a caret": {
			"routing.yaml", "rules:\n  - name: pesos\n    wen: {currency: PHP}\n    route: {priority: [gway_conf_acme_xendt]}\ndefault: {smart: all}\n",
			[]string{
				"etc/routing.yaml:3:5: error: \"wen\" is not a key of a rule; did you mean when? [unknown-key]\n  3 |     wen: {currency: PHP}\n    |     ^",
				"etc/routing.yaml:4:24: error: there is no gateway configuration \"gway_conf_acme_xendt\"; did you mean gway_conf_acme_xendit? [unknown-gateway]\n  4 | ",
			},
		},
		"no such file": {"gone.yaml", "", []string{"routing.rules: the routing policy cannot be read: file does not exist"}},
		"empty":        {`""`, "", []string{"routing.rules: must name a file"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := loadWithPolicy(t, test.setting, test.policy, Options{})
			faults, ok := errors.AsType[*Faults](err)
			if !ok || len(faults.List) != len(test.want) {
				t.Fatalf("%v", err)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%s\nis not in\n%s", want, err)
				}
			}
		})
	}
}

// TestPolicyFaultsComeWithOthers: a fault of the configuration does not hide those of the policy.
func TestPolicyFaultsComeWithOthers(t *testing.T) {
	t.Parallel()
	_, err := loadWithPolicy(t, "routing.yaml\n  max_attempts: 99", "default: {}\n", Options{})
	faults, ok := errors.AsType[*Faults](err)
	if !ok || len(faults.List) != 2 || faults.List[0].Path != "routing.max_attempts" || faults.List[1].File != "etc/routing.yaml" {
		t.Errorf("%v", err)
	}
}

func TestDevRoutes(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	file := filepath.Join(folder, "routes.yaml")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	o := DevOptions{DataDir: filepath.Join(folder, "data"), PSPs: map[string]string{"xendit": "http://127.0.0.1:1"}, Providers: providers(), Routes: file, Getenv: environment()}
	write("default: {priority: [gway_conf_dev_xendit]}\n")
	c, err := Dev(o)
	if err != nil || c.Policy == nil {
		t.Fatalf("%v, %v", c, err)
	}
	write("default: {priority: [gway_conf_dev_nobody]}\n")
	if _, err = Dev(o); err == nil || !strings.Contains(err.Error(), "gway_conf_dev_nobody") {
		t.Errorf("%v", err)
	}
}

func TestDevGateways(t *testing.T) {
	t.Parallel()
	c := DevGateways(providers())
	var ids []string
	for _, g := range c.Gateways {
		ids = append(ids, g.ID)
	}
	const want = "gway_conf_dev_processout gway_conf_dev_xendit gway_conf_dev_paymongo gway_conf_dev_dojo"
	if got := strings.Join(ids, " "); got != want || strings.Join(c.Routing.Priority, " ") != want || c.Gateways[1].Capabilities.Currencies == nil {
		t.Errorf("%s, %v", got, c.Routing.Priority)
	}
}
