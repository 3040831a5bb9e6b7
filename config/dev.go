package config

import (
	"cmp"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"switchyard/adapters"
	"switchyard/payments"
)

// What `switchyard dev` prints for people to try.
const (
	DevProjectID = "test-proj_dev"
	DevAPIKey    = "key_sandbox_dev"
	// DevSigningSecret signs webhooks to the URLs that invoices and tokens name.
	DevSigningSecret = "whsec_c3dpdGNoeWFyZCBkZXYgd2ViaG9vayBzZWNyZXQgMDE="
)

// DevOptions are what the development configuration is made from.
type DevOptions struct {
	Listen    string            // default 127.0.0.1:8080; loopback only, like OpsListen
	OpsListen string            // default 127.0.0.1:8081
	DataDir   string            // made when it is missing; keeps the database and the vault's key between runs
	PSPs      map[string]string // base URLs of simulators by PSP
	Providers []adapters.Provider
	Routes    string // file of a routing policy; empty: the PSPs in their usual order, or
	Smart     bool   // smart routing, by a policy in DataDir that is made when it is missing and kept as it is otherwise
	// RetryBudget counts declined tries with a card, as serve does. Off, since test cards are declined all day long.
	RetryBudget bool
	Getenv      func(string) string // for the log settings only; default os.Getenv
}

// devName stands for the file name in faults: the document is written below, not found on disk.
const devName = "switchyard dev"

const (
	devVaultKeyFile = "dev-vault.key"
	devSmartFile    = "routing.yaml"
)

// makeMissing writes a file that is not there.
func makeMissing(path, text string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

// devMaxAttempts is how many PSPs one payment of dev may try.
const devMaxAttempts = 4

// devPriority comes first in the routing of dev; PSPs that are not named here follow by name.
var devPriority = []string{"processout", "xendit", "paymongo"}

// devSettings are the credentials that simulators accept, in the form of each vendor's test credentials.
var devSettings = map[string]map[string]string{
	"dojo":       {"api_key": "sk_sandbox_switchyard_dev", "webhook_secret": devWebhookSecrets["dojo"], "mandate_terms": "The shop may charge this card later for what you order there."},
	"paymongo":   {"secret_key": "sk_test_switchyard_dev", "webhook_secret": devWebhookSecrets["paymongo"]},
	"pivot":      {"merchant_id": "switchyard-dev", "merchant_secret": "switchyard-dev-secret", "callback_key": devWebhookSecrets["pivot"], "guest_email": "guest@example.com"},
	"processout": {"project_id": "test-proj_sim", "private_key": "key_sandbox_switchyard_dev"},
	"xendit":     {"api_key": "xnd_development_switchyard_dev", "callback_token": devWebhookSecrets["xendit"]},
}

// devPages are the settings that say where a PSP's own pages are. In dev the simulators serve them.
var devPages = map[string]string{"dojo": "checkout_url"}

// devWebhookSecrets are what the simulators sign their webhooks with, or show with them. ProcessOut signs nothing.
var devWebhookSecrets = map[string]string{
	"dojo":     "switchyard-dev-dojo-webhook-secret",
	"paymongo": "whsk_switchyard_dev_webhook_secret",
	"pivot":    "switchyard-dev-pivot-callback-key",
	"xendit":   "switchyard-dev-xendit-callback-token",
}

// DevWebhookSecret is what the simulator of a PSP is to be told for its webhooks to the gateway of dev.
func DevWebhookSecret(psp string) string { return devWebhookSecrets[psp] }

// Dev returns the configuration of `switchyard dev`: one sandbox project with a well-known key, and a gateway configuration
// for every simulator whose PSP has a provider. It is written as a document and read like any other, so that there is one
// way in.
func Dev(o DevOptions) (*Config, error) {
	o.Listen, o.OpsListen = cmp.Or(o.Listen, defaultListen), cmp.Or(o.OpsListen, defaultOpsListen)
	if o.Getenv == nil {
		o.Getenv = os.Getenv
	}
	for _, address := range []string{o.Listen, o.OpsListen} {
		if !IsLoopback(address) {
			return nil, &Faults{List: []Fault{{File: devName, Message: "listens on loopback addresses only, such as " + defaultListen}}}
		}
	}
	if err := os.MkdirAll(o.DataDir, 0o700); err != nil {
		return nil, fmt.Errorf("config: data directory: %w", err)
	}
	if o.Smart && o.Routes == "" {
		o.Routes = filepath.Join(o.DataDir, devSmartFile)
		if err := makeMissing(o.Routes, smart); err != nil {
			return nil, fmt.Errorf("config: routing policy: %w", err)
		}
	}
	keys, err := devVaultKeys(filepath.Join(o.DataDir, devVaultKeyFile))
	if err != nil {
		return nil, err
	}
	return Load(devName, Options{
		Providers: o.Providers,
		ReadFile: func(name string) ([]byte, error) {
			switch name {
			case devName:
				return []byte(devDocument(o)), nil
			case devIINName:
				return devIINs, nil
			}
			return os.ReadFile(filepath.Clean(name))
		},
		Getenv: func(name string) string {
			switch name {
			case "DEV_VAULT_KEY":
				return keys[0]
			case "DEV_FINGERPRINT_KEY":
				return keys[1]
			case "SWITCHYARD_LOG_FORMAT", "SWITCHYARD_LOG_LEVEL":
				return o.Getenv(name)
			}
			return "" // the command line says where dev listens and keeps its data
		},
	})
}

func devDocument(o DevOptions) string {
	names := devPSPs(o)
	var b strings.Builder
	fmt.Fprintf(&b, `listen: %s
ops_listen: %s
store:
  path: %s
vault:
  current_key: dev-1
  keys:
    dev-1: ${env:DEV_VAULT_KEY}
  fingerprint_key: ${env:DEV_FINGERPRINT_KEY}
cards:
  iin_table: %s
projects:
  - id: %s
    name: Development
    default_currency: PHP
    keys: [%s]
    webhook_secret: %s
webhooks:
  allow_loopback: true
routing:
  max_attempts: %d
  retry_budget:
    enabled: %t
  breaker:
    failures: 5
    sustained: 1s
    failure_percent: 80
    min_calls: 20
    window: 30s
    open_for: 1s
    probes: 1
  config_fault_pause: 8s
  throttle_pause: 1s
  priority:
`, quoted(o.Listen), quoted(o.OpsListen), quoted(filepath.Join(o.DataDir, "switchyard.db")), quoted(devIINName), DevProjectID, DevAPIKey, DevSigningSecret, devMaxAttempts, o.RetryBudget)
	for _, name := range names {
		fmt.Fprintf(&b, "    - %s\n", devGatewayID(name))
	}
	if o.Routes != "" {
		fmt.Fprintf(&b, "  rules: %s\n", quoted(o.Routes))
	}
	b.WriteString(`limits:
  payer_budget: 12s
  psp_timeout: 5s
  absence_after: 20s
  requests_per_second: 0
  payer_per_second: 0
log:
  format: text
telemetry:
  sample_ratio: 0
gateway_configurations:
`)
	for _, name := range names {
		fmt.Fprintf(&b, "  - id: %s\n    psp: %s\n    project: %s\n    settings:\n      base_url: %s\n",
			devGatewayID(name), quoted(name), DevProjectID, quoted(o.PSPs[name]))
		if page := devPages[name]; page != "" {
			fmt.Fprintf(&b, "      %s: %s\n", page, quoted(o.PSPs[name]))
		}
		for _, key := range slices.Sorted(maps.Keys(devSettings[name])) {
			fmt.Fprintf(&b, "      %s: %s\n", key, quoted(devSettings[name][key]))
		}
	}
	return b.String()
}

// devPSPs lists the PSPs that have both a simulator and a provider, in the order of routing.
func devPSPs(o DevOptions) []string {
	var names []string
	for _, p := range o.Providers {
		if _, simulated := o.PSPs[p.Name]; simulated {
			names = append(names, p.Name)
		}
	}
	rank := func(name string) int {
		if i := slices.Index(devPriority, name); i >= 0 {
			return i
		}
		return len(devPriority)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(rank(a)-rank(b), cmp.Compare(a, b)) })
	return names
}

func devGatewayID(psp string) string { return payments.PrefixGateway + "dev_" + psp }

// quoted writes a text for the document so that it is read back as it is.
func quoted(text string) string { return strconv.Quote(strings.ReplaceAll(text, opening, escaped)) }

// IsLoopback says that an address, a host and a port, can be reached from this machine only.
func IsLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// devVaultKeys returns the vault's key and the fingerprint key of a data directory: random ones, made once. Without them the
// cards in the directory's database cannot be opened.
func devVaultKeys(path string) ([2]string, error) {
	content, err := os.ReadFile(filepath.Clean(path))
	if errors.Is(err, fs.ErrNotExist) {
		return newDevVaultKeys(path)
	}
	if err != nil {
		return [2]string{}, fmt.Errorf("config: vault keys of dev: %w", err)
	}
	lines := strings.Fields(string(content))
	if len(lines) != 2 {
		return [2]string{}, fmt.Errorf("config: %s is damaged: it must hold two keys; delete the data directory to start anew", path)
	}
	return [2]string(lines), nil
}

// newDevVaultKeys writes the file beside its place and moves it there, so that a crash leaves all of it or nothing.
func newDevVaultKeys(path string) ([2]string, error) {
	var raw [2][vaultKeyBytes]byte
	var keys [2]string
	for i := range raw {
		_, _ = rand.Read(raw[i][:]) // never fails
		keys[i] = base64.StdEncoding.EncodeToString(raw[i][:])
	}
	file, err := os.CreateTemp(filepath.Dir(path), devVaultKeyFile+".*") // mode 0600
	if err != nil {
		return keys, fmt.Errorf("config: vault keys of dev: %w", err)
	}
	_, err = file.WriteString(keys[0] + "\n" + keys[1] + "\n")
	err = errors.Join(err, file.Sync(), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return keys, fmt.Errorf("config: vault keys of dev: %w", errors.Join(err, os.Remove(file.Name())))
	}
	return keys, nil
}
