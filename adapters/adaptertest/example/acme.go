// Package example is an adapter to learn from: it speaks to Acme Pay, a PSP that does not exist. docs/adding-a-psp.md walks
// through it, the conformance suite is run over it, and nothing that is released has it inside.
//
// A payment is a charge (Refs.Charge, ch_…), and making it charges: there is no step before. It is found by our reference, which
// is its idempotency key, too. A refund is Refs.Operation (re_…).
package example

import (
	"strings"
	"time"

	"switchyard/adapters"
	"switchyard/adapters/wire"
	"switchyard/payments"
)

const (
	defaultBaseURL = "https://api.acmepay.example"
	captureWindow  = 7 * 24 * time.Hour
	// longestProcessing is after how long Acme Pay gives up on a request.
	longestProcessing = 30 * time.Second
)

// The beginnings of keys.
const (
	testKey = "acme_test_"
	liveKey = "acme_live_"
)

// Provider declares Acme Pay.
func Provider() adapters.Provider {
	return adapters.Provider{
		Name:        "acme",
		DisplayName: "Acme Pay",
		URL:         "https://acmepay.example",
		NewConfig:   func() adapters.Config { return &Config{BaseURL: defaultBaseURL} },
		Capabilities: payments.Capabilities{
			Currencies:     []payments.Currency{"EUR", "GBP", "JPY"},
			Schemes:        []payments.Scheme{payments.SchemeVisa, payments.SchemeMastercard},
			ManualCapture:  true,
			PartialCapture: true,
			PartialRefund:  true,
			CaptureWindow:  captureWindow,
			Idempotency:    "header",
			Units:          "minor",
			Recovery: map[payments.Operation]payments.Recovery{
				payments.OpAuthorize: {Ask: payments.AskByReference, Resend: true, Fence: true, AbsenceAfter: longestProcessing},
				payments.OpSale:      {Ask: payments.AskByReference, Resend: true, Fence: true, AbsenceAfter: longestProcessing},
				payments.OpCapture:   {Ask: payments.AskByTotals, Resend: true, AbsenceAfter: longestProcessing},
				payments.OpVoid:      {Ask: payments.AskByTotals, Resend: true, AbsenceAfter: longestProcessing},
				payments.OpRefund:    {Ask: payments.AskByReference, Resend: true, AbsenceAfter: longestProcessing},
			},
		},
	}
}

// Config is Acme Pay's part of the configuration file.
type Config struct {
	APIKey        payments.Secret `yaml:"api_key"`        // acme_live_… or acme_test_…
	BaseURL       string          `yaml:"base_url"`       // default https://api.acmepay.example
	WebhookSecret payments.Secret `yaml:"webhook_secret"` // without it no webhook is believed
}

// Check returns every fault of the configuration.
func (c *Config) Check(live bool) []adapters.FieldFault {
	var faults []adapters.FieldFault
	add := func(field, message string) {
		faults = append(faults, adapters.FieldFault{Field: field, Message: message})
	}
	key := c.APIKey.Reveal()
	switch {
	case key == "":
		add("api_key", "The API key is missing: make one in the Acme Pay dashboard, under Keys.")
	case live && !strings.HasPrefix(key, liveKey):
		add("api_key", "A live project needs a live key: it starts with "+liveKey+".")
	case !live && !strings.HasPrefix(key, testKey):
		add("api_key", "A sandbox project needs a test key: it starts with "+testKey+".")
	}
	if message := wire.AddressFault(c.BaseURL, live, defaultBaseURL); message != "" {
		add("base_url", message)
	}
	return faults
}

// Open builds the adapter.
func (c *Config) Open(d adapters.Deps) (adapters.Adapter, error) {
	return &adapter{
		wire: wire.New(wire.Options{
			Transport: d.Transport, BaseURL: c.BaseURL, Secrets: []string{c.APIKey.Reveal(), c.WebhookSecret.Reveal()},
		}),
		key:           c.APIKey,
		webhookSecret: c.WebhookSecret,
	}, nil
}

// adapter speaks to Acme Pay. It keeps no state.
type adapter struct {
	wire          *wire.Client
	key           payments.Secret
	webhookSecret payments.Secret
}

// What the adapter can do.
var (
	_ adapters.Adapter       = (*adapter)(nil)
	_ adapters.Voider        = (*adapter)(nil)
	_ adapters.Abandoner     = (*adapter)(nil)
	_ adapters.WebhookParser = (*adapter)(nil)
)
