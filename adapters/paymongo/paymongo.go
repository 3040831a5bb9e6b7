// Package paymongo is the adapter for PayMongo, a PSP for cards in the Philippines.
//
// A payment is a payment intent (Refs.Session, pi_…). The card becomes a payment method, the intent is made, and only
// attaching the one to the other charges; so the intent's id is made durable before the attach call. An approved charge is a
// payment (Refs.Charge, pay_…) inside the intent; with manual capture there may be none before the capture. A refund is
// Refs.Operation (ref_…), a vaulted card Refs.Method (pm_…) of Refs.Customer (cus_…).
//
// A card is vaulted by the payment itself: the intent names the customer (setup_future_usage), and once the payment is approved
// the card is on the customer's list. It can be charged in the payer's presence only, each time with its CVC.
//
// Whatever fails before the attach call certainly did not charge and is reported as never sent. A declined attach is HTTP 400,
// after which the intent waits for another payment method; it never has a status "failed".
package paymongo

import (
	"strings"
	"time"

	"switchyard/adapters"
	"switchyard/adapters/wire"
	"switchyard/payments"
)

const (
	defaultBaseURL = "https://api.paymongo.com/v1"
	minAmount      = 2_000       // centavos: 20 pesos
	maxAmount      = 999_999_999 // centavos
	captureWindow  = 7 * 24 * time.Hour
	// absenceAfter is far longer than PayMongo takes for a call; the vendor names no limit.
	absenceAfter = 60 * time.Second
)

// liveKey begins the secret keys of live accounts.
const liveKey = "sk_live_"

// The values of request_three_d_secure.
const (
	threeDSAutomatic = "automatic" // when PayMongo's risk engine wants it
	threeDSAny       = "any"       // whenever the card can do it
)

// Provider declares PayMongo.
func Provider() adapters.Provider {
	return adapters.Provider{
		Name:        "paymongo",
		DisplayName: "PayMongo",
		URL:         "https://www.paymongo.com",
		NewConfig: func() adapters.Config {
			return &Config{BaseURL: defaultBaseURL, RequestThreeDSecure: threeDSAutomatic}
		},
		Capabilities: payments.Capabilities{
			Currencies:     []payments.Currency{"PHP"},
			Countries:      []string{"PH"},
			Schemes:        []payments.Scheme{payments.SchemeVisa, payments.SchemeMastercard},
			MinAmount:      map[payments.Currency]int64{"PHP": minAmount},
			MaxAmount:      map[payments.Currency]int64{"PHP": maxAmount},
			NeedsCVC:       true,
			NeedsCVCSaved:  true,
			SavesInline:    true,
			ManualCapture:  true,
			PartialCapture: true,
			PartialRefund:  true,
			CaptureWindow:  captureWindow,
			Idempotency:    "header",
			Units:          "minor",
			Recovery: map[payments.Operation]payments.Recovery{
				payments.OpAuthorize: {Ask: payments.AskBySession, Fence: true},
				payments.OpSale:      {Ask: payments.AskBySession, Fence: true},
				payments.OpCapture:   {Ask: payments.AskByTotals, AbsenceAfter: absenceAfter},
				payments.OpVoid:      {Ask: payments.AskBySession, AbsenceAfter: absenceAfter},
				payments.OpRefund:    {Ask: payments.AskByReference, AbsenceAfter: absenceAfter},
			},
		},
	}
}

// Config is PayMongo's part of the configuration file.
type Config struct {
	SecretKey           payments.Secret `yaml:"secret_key"`             // sk_live_… or sk_test_…
	BaseURL             string          `yaml:"base_url"`               // default https://api.paymongo.com/v1
	StatementDescriptor string          `yaml:"statement_descriptor"`   // for payments without one of their own; default: the business name at PayMongo
	RequestThreeDSecure string          `yaml:"request_three_d_secure"` // automatic (default) or any
	WebhookSecret       payments.Secret `yaml:"webhook_secret"`         // whsk_…, of the webhook; without it no webhook is believed
}

// Check returns every fault of the configuration.
func (c *Config) Check(live bool) []adapters.FieldFault {
	var faults []adapters.FieldFault
	add := func(field, message string) {
		faults = append(faults, adapters.FieldFault{Field: field, Message: message})
	}
	key := c.SecretKey.Reveal()
	switch {
	case key == "":
		add("secret_key", "The secret key is missing: take it from the PayMongo dashboard, under Developers.")
	case strings.HasPrefix(key, "pk_"):
		add("secret_key", "This is a public key: the secret key starts with sk_live_ or sk_test_.")
	case live && !strings.HasPrefix(key, liveKey):
		add("secret_key", "A live project needs a live key: it starts with sk_live_.")
	case !live && !strings.HasPrefix(key, "sk_test_"):
		add("secret_key", "A sandbox project needs a test key: it starts with sk_test_.")
	}
	if message := wire.AddressFault(c.BaseURL, live, defaultBaseURL); message != "" {
		add("base_url", message)
	}
	if c.RequestThreeDSecure != threeDSAutomatic && c.RequestThreeDSecure != threeDSAny {
		add("request_three_d_secure", "Give automatic or any.")
	}
	if !c.WebhookSecret.IsZero() && !strings.HasPrefix(c.WebhookSecret.Reveal(), "whsk_") {
		add("webhook_secret", "Give the secret key of the webhook at PayMongo, not one of the account: it starts with whsk_.")
	}
	return faults
}

// Open builds the adapter.
func (c *Config) Open(d adapters.Deps) (adapters.Adapter, error) {
	return &adapter{
		wire:       wire.New(wire.Options{Transport: d.Transport, BaseURL: c.BaseURL, Secrets: []string{c.SecretKey.Reveal(), c.WebhookSecret.Reveal()}}),
		key:        c.SecretKey,
		descriptor: c.StatementDescriptor,
		threeDS:    c.RequestThreeDSecure,
		now:        d.Now,

		live:          strings.HasPrefix(c.SecretKey.Reveal(), liveKey),
		webhookSecret: c.WebhookSecret,
	}, nil
}

// adapter speaks to PayMongo. It keeps no state.
type adapter struct {
	wire       *wire.Client
	key        payments.Secret
	descriptor string
	threeDS    string
	now        func() time.Time

	live          bool // which of the two signatures of a webhook counts
	webhookSecret payments.Secret
}

// What the adapter can do.
var (
	_ adapters.Adapter         = (*adapter)(nil)
	_ adapters.StepUpper       = (*adapter)(nil)
	_ adapters.Voider          = (*adapter)(nil)
	_ adapters.Abandoner       = (*adapter)(nil)
	_ adapters.CustomerSyncer  = (*adapter)(nil)
	_ adapters.CustomerDeleter = (*adapter)(nil)
	_ adapters.MethodLister    = (*adapter)(nil)
	_ adapters.MethodDeleter   = (*adapter)(nil)
	_ adapters.WebhookParser   = (*adapter)(nil)
	_ adapters.ChargeLister    = (*adapter)(nil)
)
