// Package config reads the configuration: one strict YAML file and a few environment variables.
//
// Every fault of a file is reported at once, each with its line and column, and none repeats a value that stands in the
// file: any of them may be a secret in the wrong place. Defaults are set before the file is decoded over them. What a PSP
// needs is declared by its own package and handed in as an adapters.Provider.
package config

import (
	"log/slog"
	"time"

	"switchyard/adapters"
	"switchyard/iin"
	"switchyard/payments"
	"switchyard/router/rules"
)

// Config is a checked configuration.
type Config struct {
	Listen    string // address of the merchant API
	OpsListen string // address of the operators' listener
	PublicURL string // where payers and PSPs reach the merchant API from outside; may be empty
	Store     Store
	Redis     Redis
	Vault     Vault
	Cards     Cards
	IINs      *iin.Table // what cards.iin_table says; nil without one
	Projects  []Project
	Gateways  []GatewayConfiguration
	Routing   Routing
	Policy    *rules.Policy // what routing.rules says; nil without one
	// PolicyFile is where Policy was read; empty without one.
	PolicyFile string
	Webhooks   Webhooks
	Limits     Limits
	Log        Log
	Telemetry  Telemetry
}

// Live says that at least one project takes real money.
func (c *Config) Live() bool {
	for _, p := range c.Projects {
		if !p.Sandbox {
			return true
		}
	}
	return false
}

// Store is where everything is kept.
type Store struct {
	Driver     string     `yaml:"driver"` // "sqlite"
	Path       string     `yaml:"path"`   // of the database file
	Durability Durability `yaml:"durability"`
}

// Durability is what is known to be on disk when a write is acknowledged.
type Durability string

// The durabilities. With DurabilityNormal a loss of power may take the last writes with it, which no live project can bear.
const (
	DurabilityFull   Durability = "full"
	DurabilityNormal Durability = "normal"
)

// Redis is the cache that instances share. There is none when Address is empty.
type Redis struct {
	Address  string          `yaml:"address"`
	Password payments.Secret `yaml:"password"`
}

// Vault holds the keys that card numbers are sealed with: 32 bytes each, in base64.
type Vault struct {
	CurrentKey     string                     `yaml:"current_key"` // id of the key for new cards
	Keys           map[string]payments.Secret `yaml:"keys"`        // by id; old ones stay to open old cards
	FingerprintKey payments.Secret            `yaml:"fingerprint_key"`
}

// Cards say what is known of cards beside what payers enter.
type Cards struct {
	IINTable string `yaml:"iin_table"` // the file of issuers by the first digits of card numbers; empty: only the scheme is known
}

// Project is a tenant with its API keys.
type Project struct {
	payments.Project
	Keys          []payments.Secret
	WebhookSecret payments.Secret // signs webhooks to the URLs that invoices and tokens name; may be missing
}

// Webhooks say where events may be sent.
type Webhooks struct {
	AllowLoopback bool `yaml:"allow_loopback"` // to this machine, over plain http too; for sandboxes only
}

// GatewayConfiguration is one account at one PSP.
type GatewayConfiguration struct {
	ID           string
	PSP          string
	Name         string // the operator's own
	ProjectID    string // empty: every project may use it
	Live         bool   // it serves a live project
	Enabled      bool
	Timeout      time.Duration // for one operation at the PSP
	MaxInFlight  int           // charges at once
	Adapter      adapters.Config
	Provider     adapters.Provider
	Capabilities payments.Capabilities // the provider's, narrowed by the file
}

// Routing says where payments go.
type Routing struct {
	Priority         []string      `yaml:"priority"` // gateway configuration ids, first to last
	MaxAttempts      int           `yaml:"max_attempts"`
	Rules            string        `yaml:"rules"` // the file of the routing policy; empty: Priority alone decides
	RetryBudget      RetryBudget   `yaml:"retry_budget"`
	Breaker          Breaker       `yaml:"breaker"`
	ConfigFaultPause time.Duration `yaml:"config_fault_pause"` // rest of a gateway configuration whose credentials were refused
	ThrottlePause    time.Duration `yaml:"throttle_pause"`     // the longest rest that a PSP may ask for
}

// RetryBudget bounds the declined tries with one card, at all gateway configurations together. A routing policy's own numbers take
// the place of these; Enabled holds for both.
type RetryBudget struct {
	Enabled   bool `yaml:"enabled"`
	PerDay    int  `yaml:"per_day"` // in 24 hours
	Per30Days int  `yaml:"per_30_days"`
}

// Breaker says when a gateway configuration is given up for a while.
type Breaker struct {
	Failures       int           `yaml:"failures"`        // in a row, …
	Sustained      time.Duration `yaml:"sustained"`       // … with no success for so long; or
	FailurePercent int           `yaml:"failure_percent"` // of the calls within the window, …
	MinCalls       int           `yaml:"min_calls"`       // … if there are so many
	Window         time.Duration `yaml:"window"`
	OpenFor        time.Duration `yaml:"open_for"` // until the first probe
	Probes         int           `yaml:"probes"`   // charges let through then, all of which must succeed
}

// Limits are bounds in time and size.
type Limits struct {
	PayerBudget    time.Duration `yaml:"payer_budget"` // how long a payer is kept waiting for an outcome
	PSPTimeout     time.Duration `yaml:"psp_timeout"`  // for one operation at a PSP, unless its gateway configuration says otherwise
	RequestBodyKiB int           `yaml:"request_body_kib"`

	InFlight           int           `yaml:"in_flight"`             // calls that change something, at once, of all projects
	InFlightPerProject int           `yaml:"in_flight_per_project"` // likewise, of one project
	InFlightPerPSP     int           `yaml:"in_flight_per_psp"`     // charges at once at one gateway configuration, unless it says otherwise
	RequestsPerSecond  float64       `yaml:"requests_per_second"`   // of one project's key; 0 is no limit
	PayerPerSecond     float64       `yaml:"payer_per_second"`      // requests of one payer's address, against card testing; 0 is no limit
	AbsenceAfter       time.Duration `yaml:"absence_after"`         // overrides what the PSPs declare; for sandboxes only; zero: as declared
}

// RequestBody is the largest request body in bytes.
func (l Limits) RequestBody() int64 { return int64(l.RequestBodyKiB) << 10 }

// Log says how lines are written.
type Log struct {
	Format LogFormat  `yaml:"format"`
	Level  slog.Level `yaml:"level"`
}

// LogFormat is how a line looks.
type LogFormat string

// The formats of lines.
const (
	LogJSON LogFormat = "json"
	LogText LogFormat = "text"
)

// Telemetry says where traces and metrics go. Nothing is sent when OTLPEndpoint is empty.
type Telemetry struct {
	OTLPEndpoint string  `yaml:"otlp_endpoint"` // an http or https URL
	SampleRatio  float64 `yaml:"sample_ratio"`  // of traces, 0 to 1
}

// Defaults of the file.
const (
	defaultListen           = "127.0.0.1:8080"
	defaultOpsListen        = "127.0.0.1:8081"
	defaultMaxAttempts      = 3
	defaultPerDay           = 4
	defaultPer30Days        = 10
	defaultFailures         = 5
	defaultSustained        = time.Second
	defaultFailurePercent   = 50
	defaultMinCalls         = 20
	defaultWindow           = 60 * time.Second
	defaultOpenFor          = 30 * time.Second
	defaultProbes           = 1
	defaultConfigFaultPause = 60 * time.Second
	defaultThrottlePause    = 30 * time.Second
	defaultPayerBudget      = 12 * time.Second
	defaultPSPTimeout       = 10 * time.Second
	defaultRequestBodyKiB   = 256
	defaultInFlight         = 512
	defaultPerProject       = 256
	defaultPerPSP           = 128
	defaultPerSecond        = 200
	defaultPayerPerSecond   = 5
	defaultSampleRatio      = 0.01
)

// document is the file as it is written.
type document struct {
	Listen    string           `yaml:"listen"`
	OpsListen string           `yaml:"ops_listen"`
	PublicURL string           `yaml:"public_url"`
	Store     Store            `yaml:"store"`
	Redis     Redis            `yaml:"redis"`
	Vault     Vault            `yaml:"vault"`
	Cards     Cards            `yaml:"cards"`
	Projects  []projectSection `yaml:"projects"`
	Gateways  []gatewaySection `yaml:"gateway_configurations"`
	Routing   Routing          `yaml:"routing"`
	Webhooks  Webhooks         `yaml:"webhooks"`
	Limits    Limits           `yaml:"limits"`
	Log       Log              `yaml:"log"`
	Telemetry Telemetry        `yaml:"telemetry"`
}

type projectSection struct {
	ID              string            `yaml:"id"`
	Name            string            `yaml:"name"`
	Email           string            `yaml:"email"`
	DefaultCurrency string            `yaml:"default_currency"`
	Sandbox         *bool             `yaml:"sandbox"` // nil: as the id says
	Keys            []payments.Secret `yaml:"keys"`
	WebhookSecret   payments.Secret   `yaml:"webhook_secret"`
}

type gatewaySection struct {
	ID         string                   `yaml:"id"`
	PSP        string                   `yaml:"psp"`
	Name       string                   `yaml:"name"`
	Project    string                   `yaml:"project"`
	Enabled    *bool                    `yaml:"enabled"`       // nil: true
	Timeout    time.Duration            `yaml:"timeout"`       // zero: limits.psp_timeout
	InFlight   int                      `yaml:"max_in_flight"` // zero: limits.in_flight_per_psp
	Settings   section                  `yaml:"settings"`
	Currencies []string                 `yaml:"currencies"`
	MinAmount  map[string]decimalNumber `yaml:"min_amount"`
	MaxAmount  map[string]decimalNumber `yaml:"max_amount"`
}

func defaults() document {
	return document{
		Listen:    defaultListen,
		OpsListen: defaultOpsListen,
		Store:     Store{Driver: driverSQLite, Durability: DurabilityFull},
		Routing: Routing{
			MaxAttempts: defaultMaxAttempts,
			RetryBudget: RetryBudget{Enabled: true, PerDay: defaultPerDay, Per30Days: defaultPer30Days},
			Breaker: Breaker{
				Failures: defaultFailures, Sustained: defaultSustained,
				FailurePercent: defaultFailurePercent, MinCalls: defaultMinCalls,
				Window: defaultWindow, OpenFor: defaultOpenFor, Probes: defaultProbes,
			},
			ConfigFaultPause: defaultConfigFaultPause,
			ThrottlePause:    defaultThrottlePause,
		},
		Limits: Limits{
			PayerBudget: defaultPayerBudget, PSPTimeout: defaultPSPTimeout, RequestBodyKiB: defaultRequestBodyKiB,
			InFlight: defaultInFlight, InFlightPerProject: defaultPerProject, InFlightPerPSP: defaultPerPSP,
			RequestsPerSecond: defaultPerSecond, PayerPerSecond: defaultPayerPerSecond,
		},
		Log:       Log{Format: LogJSON, Level: slog.LevelInfo},
		Telemetry: Telemetry{SampleRatio: defaultSampleRatio},
	}
}
