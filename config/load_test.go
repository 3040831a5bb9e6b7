package config

import (
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"switchyard/adapters"
	"switchyard/payments"
)

// fakeConfig is a PSP's part of the file, with every kind of field that one may have.
type fakeConfig struct {
	SecretKey  payments.Secret `yaml:"secret_key"`
	PrivateKey payments.Secret `yaml:"private_key"`
	Webhook    payments.Secret `yaml:"webhook_secret"`
	Callback   payments.Secret `yaml:"callback_token"`
	Country    string          `yaml:"country"`
	GuestEmail string          `yaml:"guest_email"`
	APIKey     payments.Secret `yaml:"api_key"`
	ProjectID  string          `yaml:"project_id"`
	BaseURL    string          `yaml:"base_url"`
	Retries    int8            `yaml:"retries"`
	Ports      []uint16        `yaml:"ports"`
	Ratio      *float64        `yaml:"ratio"`
	Wait       time.Duration   `yaml:"wait"`
	Verbose    bool
	Labels     map[string]string `yaml:"labels,omitempty"`
	Limits     struct {
		Most payments.Currency `yaml:"most"`
	} `yaml:"limits"`
	fakeShared `yaml:",inline"`
	Hidden     chan int `yaml:"-"`
	hidden     string
	Odd        map[int]string `yaml:"odd"`
	Strange    chan int       `yaml:"strange"`
}

type fakeShared struct {
	Region string `yaml:"region"`
}

func (c *fakeConfig) Check(live bool) []adapters.FieldFault {
	var faults []adapters.FieldFault
	key := c.SecretKey.Reveal() + c.PrivateKey.Reveal() + c.APIKey.Reveal()
	switch {
	case key == "":
		faults = append(faults, adapters.FieldFault{Field: "secret_key", Message: "is missing"})
	case live == (strings.Contains(key, "test") || strings.Contains(key, "sandbox") || strings.Contains(key, "development")):
		faults = append(faults, adapters.FieldFault{Field: "secret_key", Message: "is a key for the other kind of project"})
	}
	if live && strings.HasPrefix(c.BaseURL, "http:") {
		faults = append(faults, adapters.FieldFault{Field: "base_url", Message: "must be an https URL in a live project"})
	}
	if c.Region == "nowhere" {
		faults = append(faults, adapters.FieldFault{Message: "this account is nowhere"})
	}
	return faults
}

func (c *fakeConfig) Open(adapters.Deps) (adapters.Adapter, error) { return nil, errors.New(c.hidden) }

func providers() []adapters.Provider {
	fake := func(name, display string, caps payments.Capabilities) adapters.Provider {
		return adapters.Provider{
			Name: name, DisplayName: display, Capabilities: caps,
			NewConfig: func() adapters.Config {
				return &fakeConfig{BaseURL: "https://api." + name + ".example", Retries: 3}
			},
		}
	}
	return []adapters.Provider{
		fake("xendit", "Xendit", payments.Capabilities{Currencies: []payments.Currency{"IDR", "PHP"}}),
		fake("paymongo", "PayMongo", payments.Capabilities{
			Currencies: []payments.Currency{"PHP"},
			MinAmount:  map[payments.Currency]int64{"PHP": 20_00}, MaxAmount: map[payments.Currency]int64{"PHP": 999_999_999},
		}),
		fake("processout", "ProcessOut", payments.Capabilities{}),
		fake("dojo", "Dojo", payments.Capabilities{}),
	}
}

// environment is a Getenv from a list of names and values.
func environment(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

// load reads a document that is not in a file.
func load(document string, pairs ...string) (*Config, error) {
	return Load("switchyard.yaml", Options{
		Providers: providers(),
		Getenv:    environment(pairs...),
		ReadFile: func(path string) ([]byte, error) {
			switch path {
			case "switchyard.yaml":
				return []byte(document), nil
			case "secret", filepath.Join("/run", "secret"):
				return []byte("from a file\r\n"), nil
			case "large":
				return make([]byte, maxReferencedBytes+1), nil
			case "closed":
				return nil, fs.ErrPermission
			case "broken":
				return nil, errors.New("input/output error")
			}
			return nil, fs.ErrNotExist
		},
	})
}

var update = flag.Bool("update", false, "write what the fixtures really give into them")

// Every fixture says in its first line what is to be reported of it, without the file name.
func TestFixtures(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("testdata", "*.yaml"))
	if err != nil || len(files) < 90 {
		t.Fatalf("%d fixtures, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(filepath.Clean(file))
			if err != nil {
				t.Fatal(err)
			}
			first, rest, _ := strings.Cut(string(text), "\n")
			_, err = Load(file, Options{Providers: providers(), Getenv: environment("ACME", "Acme")})
			got := "nothing"
			if err != nil {
				got = strings.ReplaceAll(strings.ReplaceAll(err.Error(), filepath.ToSlash(file)+":", ""), "\n", " | ")
			}
			if *update {
				if err := os.WriteFile(file, []byte("# want: "+got+"\n"+rest), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(strings.TrimPrefix(first, "# want: "), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// document is a live configuration that is in order.
const goodDocument = `listen: 0.0.0.0:80
ops_listen: "[::1]:81"
store: {path: "${env:DATA}/switchyard.db"}
redis: {address: "redis:6379", password: "${file:secret}"}
vault:
  current_key: k2
  keys:
    k1: FbtwDIsRqVINK1oGh8OqyUlGCujO1pJ9MHGV0ox3b2w=
    k2: 3gXdm0PDGx6rNqCL4TVW2BHcOyVWHi6Nszcx7ZVtoAU=
  fingerprint_key: 7H31yQYHWE6pFUu2xIGAVpYYpx0Wq2UhF0GAhzaX2kk=
projects:
  - {id: proj_acme, name: "Acme $${Ltd}", email: a@acme.example, default_currency: php, keys: ["${env:KEY}", key_live_9c2TqX5vBnM8zLkP4wRd]}
gateway_configurations:
  - id: gway_conf_a
    psp: paymongo
    project: proj_acme
    min_amount: {PHP: 50}
    max_amount: {php: "1234.50"}
    settings:
      secret_key: sk_live_1
      retries: 5
      ports: [80, 443]
      ratio: 0.25
      wait: 1m30s
      verbose: true
      labels: {a.b: c}
      limits: {most: PHP}
      region: ph
  - id: gway_conf_b
    psp: xendit
    name: Second
    enabled: false
    timeout: 3s
    currencies: [idr]
    settings: {secret_key: "${file:/run/secret}"}
routing:
  priority: [gway_conf_b, gway_conf_a]
  max_attempts: 2
  retry_budget: {per_day: 3}
  breaker: {failures: 7, sustained: 3s, failure_percent: 30, min_calls: 9, window: 30s, open_for: 5s, probes: 2}
  config_fault_pause: 2m
  throttle_pause: 5s
limits: {payer_budget: 9s, psp_timeout: 4s, request_body_kib: 64, in_flight: 100, in_flight_per_project: 50, in_flight_per_psp: 20, requests_per_second: 1.5, payer_per_second: 0}
log: {format: text, level: debug}
telemetry: {otlp_endpoint: "https://otel.example:4318", sample_ratio: 1}
`

func TestLoad(t *testing.T) {
	t.Parallel()
	c, err := load(goodDocument, "DATA", "/data", "KEY", "key_live_3qmZ8vTn2yRk5wLp7xCd", "SWITCHYARD_LOG_LEVEL", "warn")
	if err != nil {
		t.Fatal(err)
	}
	same := func(what string, got, want any) {
		t.Helper()
		if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b payments.Secret) bool { return a.Reveal() == b.Reveal() })); diff != "" {
			t.Errorf("%s:\n%s", what, diff)
		}
	}
	same("store", c.Store, Store{Driver: "sqlite", Path: "/data/switchyard.db", Durability: DurabilityFull})
	same("redis", c.Redis, Redis{Address: "redis:6379", Password: payments.NewSecret("from a file")})
	same("projects", c.Projects, []Project{{
		Project: payments.Project{ID: "proj_acme", Name: "Acme ${Ltd}", Email: "a@acme.example", DefaultCurrency: "PHP"},
		Keys:    []payments.Secret{payments.NewSecret("key_live_3qmZ8vTn2yRk5wLp7xCd"), payments.NewSecret("key_live_9c2TqX5vBnM8zLkP4wRd")},
	}})
	same("routing", c.Routing, Routing{
		Priority: []string{"gway_conf_b", "gway_conf_a"}, MaxAttempts: 2,
		RetryBudget:      RetryBudget{Enabled: true, PerDay: 3, Per30Days: 10},
		Breaker:          Breaker{Failures: 7, Sustained: 3 * time.Second, FailurePercent: 30, MinCalls: 9, Window: 30 * time.Second, OpenFor: 5 * time.Second, Probes: 2},
		ConfigFaultPause: 2 * time.Minute, ThrottlePause: 5 * time.Second,
	})
	same("limits", c.Limits, Limits{PayerBudget: 9 * time.Second, PSPTimeout: 4 * time.Second, RequestBodyKiB: 64, InFlight: 100, InFlightPerProject: 50, InFlightPerPSP: 20, RequestsPerSecond: 1.5})
	same("body", c.Limits.RequestBody(), int64(64<<10))
	same("log", c.Log, Log{Format: LogText, Level: 4}) // warn, from the environment
	same("telemetry", c.Telemetry, Telemetry{OTLPEndpoint: "https://otel.example:4318", SampleRatio: 1})
	same("listen", []string{c.Listen, c.OpsListen}, []string{"0.0.0.0:80", "[::1]:81"})
	same("vault", []string{c.Vault.CurrentKey, c.Vault.Keys["k1"].Reveal()}, []string{"k2", "FbtwDIsRqVINK1oGh8OqyUlGCujO1pJ9MHGV0ox3b2w="})
	if !c.Live() || len(c.Gateways) != 2 {
		t.Fatalf("live %t, %d gateways", c.Live(), len(c.Gateways))
	}

	a, b := c.Gateways[0], c.Gateways[1]
	same("gateway a", []any{a.ID, a.PSP, a.Name, a.ProjectID, a.Live, a.Enabled, a.Timeout}, []any{"gway_conf_a", "paymongo", "PayMongo", "proj_acme", true, true, 4 * time.Second})
	same("gateway b", []any{b.ID, b.PSP, b.Name, b.ProjectID, b.Live, b.Enabled, b.Timeout}, []any{"gway_conf_b", "xendit", "Second", "", true, false, 3 * time.Second})
	same("minimum", a.Capabilities.MinAmount, map[payments.Currency]int64{"PHP": 50_00})
	same("maximum", a.Capabilities.MaxAmount, map[payments.Currency]int64{"PHP": 1234_50})
	same("declared minimum", a.Provider.Capabilities.MinAmount, map[payments.Currency]int64{"PHP": 20_00})
	same("currencies", b.Capabilities.Currencies, []payments.Currency{"IDR"})

	settings, ok := a.Adapter.(*fakeConfig)
	if !ok {
		t.Fatalf("settings are a %T", a.Adapter)
	}
	got := []any{
		settings.SecretKey.Reveal(), settings.BaseURL, settings.Retries, settings.Ports, *settings.Ratio, settings.Wait,
		settings.Verbose, settings.Labels, settings.Limits.Most, settings.Region,
	}
	same("settings", got, []any{
		"sk_live_1", "https://api.paymongo.example", int8(5),
		[]uint16{80, 443},
		0.25, 90 * time.Second,
		true,
		map[string]string{"a.b": "c"},
		payments.Currency("PHP"), "ph",
	})
}

// Everything that is wrong is told at once, in the order of the file, with what comes from the environment first.
func TestLoadTellsAllFaults(t *testing.T) {
	t.Parallel()
	_, err := load(`listen: nowhere
liste: 1
store: {driver: sqlite3, path: [a], durability: normal}
vault: {keys: {key_live_secret: c2hvcnQ=, dev: c2hvcnQ=}, current_key: k1}
projects:
  - {id: proj_acme, name: Acme, keys: [key_sandbox_dev, "${env:UNSET}", "${file:closed}", "${file:broken}", "${file:large}"]}
gateway_configurations:
  - {id: gway_conf_a, psp: dojo, settings: {secret_key: test, base_url: "http://x", region: nowhere, retries: 300, ports: [-1, a], odd: {1: x}, strange: 1, limits: []}}
  - 5
routing: {priority: [gway_conf_b], priority: []}
`, "SWITCHYARD_LOG_LEVEL", "loud", "SWITCHYARD_OPS_LISTEN", "nowhere", "SWITCHYARD_REDIS_ADDRESS", "redis")
	want := `environment: SWITCHYARD_LOG_LEVEL: must be debug, info, warn or error
environment: SWITCHYARD_OPS_LISTEN: must be a host and a port, such as 127.0.0.1:8080
environment: SWITCHYARD_OPS_LISTEN: must be another address than listen: operators' pages do not belong on the merchants' port
environment: SWITCHYARD_REDIS_ADDRESS: must be a host and a port, such as 127.0.0.1:8080
switchyard.yaml:1:9: listen: must be a host and a port, such as 127.0.0.1:8080
switchyard.yaml:2:1: unknown key; did you mean listen?
switchyard.yaml:3:17: store.driver: must be sqlite
switchyard.yaml:3:26: store.path: must be a single value
switchyard.yaml:3:49: store.durability: must be full with a live project: what was acknowledged has to survive a loss of power
switchyard.yaml:4:1: vault.fingerprint_key: is missing: it must be 32 bytes in base64, such as openssl rand -base64 32 makes
switchyard.yaml:4:33: vault.keys: must be 32 bytes in base64, such as openssl rand -base64 32 makes
switchyard.yaml:4:48: vault.keys: must be 32 bytes in base64, such as openssl rand -base64 32 makes
switchyard.yaml:4:48: vault.keys: has the id of a development key: a live project needs a key of its own
switchyard.yaml:4:72: vault.current_key: is not one of vault.keys
switchyard.yaml:6:40: projects[0].keys[0]: is a known or a test key: a live project needs a key of its own, such as openssl rand -hex 24 makes
switchyard.yaml:6:57: projects[0].keys[1]: the environment variable UNSET is not set, or empty
switchyard.yaml:6:73: projects[0].keys[2]: the file that this refers to may not be read
switchyard.yaml:6:91: projects[0].keys[3]: the file that this refers to cannot be read
switchyard.yaml:6:109: projects[0].keys[4]: the file that this refers to is larger than 64 KiB
switchyard.yaml:8:34: gateway_configurations[0].settings: this account is nowhere
switchyard.yaml:8:57: gateway_configurations[0].settings.secret_key: is a key for the other kind of project
switchyard.yaml:8:73: gateway_configurations[0].settings.base_url: must be an https URL in a live project
switchyard.yaml:8:111: gateway_configurations[0].settings.retries: is out of range
switchyard.yaml:8:124: gateway_configurations[0].settings.ports[0]: is out of range
switchyard.yaml:8:128: gateway_configurations[0].settings.ports[1]: must be a number
switchyard.yaml:8:132: gateway_configurations[0].settings.odd: this setting cannot be made in a file
switchyard.yaml:8:154: gateway_configurations[0].settings.strange: this setting cannot be made in a file
switchyard.yaml:8:157: gateway_configurations[0].settings.limits: must be a mapping, with one "key: value" on each line
switchyard.yaml:9:5: gateway_configurations[1]: must be a mapping, with one "key: value" on each line
switchyard.yaml:10:22: routing.priority[0]: there is no such gateway configuration; did you mean gway_conf_a?
switchyard.yaml:10:36: routing: this key stands here twice`
	var faults *Faults
	if !errors.As(err, &faults) {
		t.Fatalf("%v", err)
	}
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Error(diff)
	}
	if f := faults.List[4]; f.Line != 1 || f.Column != 9 || f.Path != "listen" || f.File != "switchyard.yaml" {
		t.Errorf("%+v", f)
	}
}

func TestLoadBounds(t *testing.T) {
	t.Parallel()
	if _, err := Load("switchyard.yaml", Options{ReadFile: func(string) ([]byte, error) { return nil, fs.ErrNotExist }}); err == nil || !strings.Contains(err.Error(), "cannot be read: file does not exist") {
		t.Errorf("no file: %v", err)
	}
	if _, err := Load(filepath.Join(t.TempDir(), "none.yaml"), Options{}); err == nil || !strings.Contains(err.Error(), "cannot be read") {
		t.Errorf("no file on disk: %v", err)
	}
	if _, err := load(strings.Repeat("#", maxFileBytes+1)); err == nil || !strings.Contains(err.Error(), "larger than 1 MiB") {
		t.Errorf("a large file: %v", err)
	}
	_, err := load("projects: [" + strings.Repeat("{}, ", 200) + "]\n")
	if lines := strings.Split(err.Error(), "\n"); len(lines) != maxFaults+1 || !strings.HasSuffix(lines[maxFaults], "and more: mend these first") {
		t.Errorf("%d lines for a file that is wrong throughout", len(lines))
	}
}

// A value that the environment gives mends what the file has wrong.
func TestEnvironmentOverBrokenValue(t *testing.T) {
	t.Parallel()
	c, err := load("log: {level: debug}\n"+strings.Replace(goodDocument, "log: {format: text, level: debug}\n", "", 1),
		"DATA", "/data", "KEY", "key_live_3qmZ8vTn2yRk5wLp7xCd", "SWITCHYARD_STORE_PATH", "/other.db", "SWITCHYARD_LISTEN", ":9", "SWITCHYARD_LOG_FORMAT", "text")
	if err != nil || c.Store.Path != "/other.db" || c.Listen != ":9" || c.Log.Format != LogText {
		t.Errorf("%+v, %v", c, err)
	}
}

// canary stands for a secret. It must not come back in any message, wherever in the file it stands.
const canary = "c4nary-Wm9uZQ"

func FuzzLoad(f *testing.F) {
	f.Add([]byte(goodDocument))
	f.Add([]byte(strings.ReplaceAll(goodDocument, "sk_live_1", canary)))
	f.Add([]byte(Example()))
	for _, seed := range []string{
		"%s: 1", "a: %s", "listen: %s", "listen: [%s]", "store: {%s: 1}", "store: %s", "%s", "- %s", "a: \"%s", "a: '%s", "a: !%s b", "a: &%s b", "a: *%s",
		"vault: {keys: {%s: k1}}", "vault: {keys: {k1: %s}}", "projects: [{keys: [%s]}]", "projects: [{id: %s, default_currency: %s}]",
		"gateway_configurations: [{psp: %s, id: %s, project: %s, currencies: [%s], min_amount: {%s: %s}}]",
		"gateway_configurations: [{psp: dojo, settings: {secret_key: %s, %s: 1, retries: %s, labels: {%s: [%s]}}}]", "routing: {priority: [%s]}",
		"listen: ${env:%s}", "listen: ${file:%s}", "listen: ${%s}", "listen: ${%s", "a: |%s\n b", "%%YAML %s\n---\na: 1", "%%TAG %s %s\n---\na: 1", "? %s\n: b", "<<: *%s", "a: %s: b", "\t%s", "a:\n\t- %s",
		"telemetry: {otlp_endpoint: \"http://%s@\\0\", sample_ratio: %s}", "log: {level: %s, format: %s}", "limits: {payer_budget: %s}",
	} {
		f.Add([]byte(strings.ReplaceAll(strings.ReplaceAll(seed, "%s", canary), "%%", "%")))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 16<<10 {
			t.Skip("the parser is slow with deep nesting")
		}
		_, err := load(string(text), "SECRET", canary+"-env", "DATA", "/data", "KEY", "key_live_3qmZ8vTn2yRk5wLp7xCd", canary, canary)
		var faults *Faults
		if err == nil || errors.As(err, &faults) && len(faults.List) > 0 && !strings.Contains(err.Error(), canary) {
			return
		}
		t.Errorf("%v", err)
	})
}
