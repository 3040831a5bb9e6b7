// Package processout is the adapter for ProcessOut, which routes card payments to many acquirers itself. To us it is one PSP
// more.
//
// A payment is an invoice (Refs.Session, iv_…) with one transaction (Refs.Charge, tr_…). The card becomes a ProcessOut card,
// the invoice is made, and only authorizing or capturing the invoice with that source charges; so the invoice's id is made
// durable before. A refund is Refs.Operation (refd_…), a saved card Refs.Method (tok_…) of Refs.Customer (cust_…). A
// verification's token is made without a source first, and its id is durable as Refs.Session before the source is put on it.
//
// When the payer has to authenticate, a step (fingerprint, redirect, …) comes in place of the transaction or the token, and its
// result goes back as the source of the same call; that may ask for another step.
//
// Whether a call succeeded stands in the body ("success": true), not in the HTTP status; a decline is HTTP 410. The vendor's
// decline codes are our public codes. Whatever fails before the charging call certainly did not charge and is reported as never
// sent.
package processout

import (
	"strings"
	"time"

	"switchyard/adapters"
	"switchyard/adapters/wire"
	"switchyard/payments"
)

const (
	defaultBaseURL = "https://api.processout.com"
	apiVersion     = "1.4.0.0"
	captureWindow  = 7 * 24 * time.Hour
	// absenceAfter is far longer than ProcessOut takes for a call (its own SDKs wait 65 s at most); the vendor names no limit.
	absenceAfter = 90 * time.Second
)

// Provider declares ProcessOut.
func Provider() adapters.Provider {
	return adapters.Provider{
		Name:        "processout",
		DisplayName: "ProcessOut",
		URL:         "https://www.processout.com",
		NewConfig:   func() adapters.Config { return &Config{BaseURL: defaultBaseURL} },
		Capabilities: payments.Capabilities{
			MerchantInitiated: true,
			ManualCapture:     true,
			PartialCapture:    true,
			PartialRefund:     true,
			ZeroVerify:        true,
			CaptureWindow:     captureWindow,
			Idempotency:       "header",
			Units:             "major",
			Recovery: map[payments.Operation]payments.Recovery{
				payments.OpAuthorize: {Ask: payments.AskBySession, Fence: true, AbsenceAfter: absenceAfter},
				payments.OpSale:      {Ask: payments.AskBySession, Fence: true, AbsenceAfter: absenceAfter},
				payments.OpVerify:    {Ask: payments.AskBySession, Fence: true, AbsenceAfter: absenceAfter},
				payments.OpCapture:   {Ask: payments.AskByTotals, AbsenceAfter: absenceAfter},
				payments.OpVoid:      {Ask: payments.AskByTotals, AbsenceAfter: absenceAfter},
				payments.OpIncrement: {Ask: payments.AskByTotals, AbsenceAfter: absenceAfter},
				payments.OpRefund:    {Ask: payments.AskByReference, AbsenceAfter: absenceAfter},
			},
		},
	}
}

// Config is ProcessOut's part of the configuration file.
type Config struct {
	ProjectID  string          `yaml:"project_id"`  // proj_… or test-proj_…
	PrivateKey payments.Secret `yaml:"private_key"` // key_live_…, key_sandbox_… or key_test_…
	BaseURL    string          `yaml:"base_url"`    // default https://api.processout.com
}

// Check returns every fault of the configuration.
func (c *Config) Check(live bool) []adapters.FieldFault {
	var faults []adapters.FieldFault
	add := func(field, message string) {
		faults = append(faults, adapters.FieldFault{Field: field, Message: message})
	}
	sandboxProject := strings.HasPrefix(c.ProjectID, "test-proj_")
	switch {
	case c.ProjectID == "":
		add("project_id", "The project id is missing: take it from the ProcessOut dashboard, under Developers.")
	case !sandboxProject && !strings.HasPrefix(c.ProjectID, "proj_"):
		add("project_id", "A project id starts with proj_, or with test-proj_ in the sandbox.")
	case live && sandboxProject:
		add("project_id", "A live project needs a live project at ProcessOut: its id starts with proj_.")
	case !live && !sandboxProject:
		add("project_id", "A sandbox project needs a sandbox project at ProcessOut: its id starts with test-proj_.")
	}
	key := c.PrivateKey.Reveal()
	liveKey := strings.HasPrefix(key, "key_live_")
	testKey := strings.HasPrefix(key, "key_sandbox_") || strings.HasPrefix(key, "key_test_")
	switch {
	case key == "":
		add("private_key", "The private key is missing: take it from the ProcessOut dashboard, under Developers.")
	case live && !liveKey:
		add("private_key", "A live project needs a live key: it starts with key_live_.")
	case !live && !testKey:
		add("private_key", "A sandbox project needs a sandbox key: it starts with key_sandbox_ or key_test_.")
	}
	if message := wire.AddressFault(c.BaseURL, live, defaultBaseURL); message != "" {
		add("base_url", message)
	}
	return faults
}

// Open builds the adapter.
func (c *Config) Open(d adapters.Deps) (adapters.Adapter, error) {
	return &adapter{
		wire:    wire.New(wire.Options{Transport: d.Transport, BaseURL: c.BaseURL, Secrets: []string{c.PrivateKey.Reveal()}}),
		project: c.ProjectID,
		key:     c.PrivateKey,
		now:     d.Now,
	}, nil
}

// adapter speaks to ProcessOut. It keeps no state.
type adapter struct {
	wire    *wire.Client
	project string
	key     payments.Secret
	now     func() time.Time
}

// What the adapter can do.
var (
	_ adapters.Adapter       = (*adapter)(nil)
	_ adapters.Voider        = (*adapter)(nil)
	_ adapters.Abandoner     = (*adapter)(nil)
	_ adapters.Incrementer   = (*adapter)(nil)
	_ adapters.Verifier      = (*adapter)(nil)
	_ adapters.Tokenizer     = (*adapter)(nil)
	_ adapters.Continuer     = (*adapter)(nil)
	_ adapters.MethodDeleter = (*adapter)(nil)
	_ adapters.WebhookParser = (*adapter)(nil)
	_ adapters.ChargeLister  = (*adapter)(nil)
)
