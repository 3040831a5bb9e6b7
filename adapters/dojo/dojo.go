// Package dojo is the adapter for Dojo, whose payers pay on its own page: the gateway never sees their cards, and no call of the
// API takes a card number.
//
// A payment is a payment intent (Refs.Session, pi_…) that the payer completes at its payment link; the intent's id is made durable
// before the link is given away. A customer (Refs.Customer, cust_…) keeps saved cards (Refs.Method, pm_…), which the page offers
// when the intent carries a customer secret; a secret is made for each checkout and lives for minutes. The page's link holds it, so
// that it is in the action's value and nowhere else. A saved card is charged by nobody but its payer.
//
// For merchant-initiated payments the payer agrees to terms on the page of a setup intent (si_…), which is a session over the
// amount zero. An agreed setup intent (Refs.Method, too) is what Authorize charges, at once and without a hold: it makes a payment
// intent for it, has that id made durable, and sends the charge. The vendor's documents have the setup intent completed then:
// whether it can be charged again is Dojo's to say.
//
// There is no failed state: after a decline an intent is Created as before, so that only deleting it proves that it will not be
// paid. Dojo refuses to delete what has been paid.
package dojo

import (
	"strings"
	"time"
	"unicode/utf8"

	"switchyard/adapters"
	"switchyard/adapters/wire"
	"switchyard/payments"
)

const (
	defaultBaseURL     = "https://api.dojo.tech"
	defaultCheckoutURL = "https://pay.dojo.tech"
	// defaultVersion is the newest version of the API that has a published description.
	defaultVersion = "2025-09-10"
	// oldestVersion is the first that has payment links, captures and saved cards.
	oldestVersion      = "2024-02-05"
	defaultMandateType = "Unscheduled"
	maxTerms           = 10240 // characters

	// captureWindow is told to Dojo with every hold; it takes less than seven days.
	captureWindow = 6 * 24 * time.Hour
	// absenceAfter is far longer than Dojo takes for a call; the vendor names no limit.
	absenceAfter = 90 * time.Second
)

// The beginnings of keys.
const (
	sandboxKey = "sk_sandbox_"
	liveKey    = "sk_prod_"
)

// Provider declares Dojo.
func Provider() adapters.Provider {
	return adapters.Provider{
		Name:        "dojo",
		DisplayName: "Dojo",
		URL:         "https://dojo.tech",
		NewConfig: func() adapters.Config {
			return &Config{
				BaseURL: defaultBaseURL, CheckoutURL: defaultCheckoutURL, Version: defaultVersion, MandateType: defaultMandateType,
			}
		},
		Capabilities: payments.Capabilities{
			HostedOnly: true,
			Currencies: []payments.Currency{"GBP", "EUR"},
			Countries:  []string{"GB", "IE"},
			Schemes: []payments.Scheme{
				payments.SchemeVisa, payments.SchemeMastercard, payments.SchemeMaestro, payments.SchemeAmex,
				payments.SchemeDiscover, payments.SchemeDiners,
			},
			MerchantInitiated:         true,
			MerchantInitiatedSaleOnly: true,
			PageSaves:                 true,
			ManualCapture:             true,
			PartialCapture:            true,
			MultiCapture:              true,
			PartialRefund:             true,
			CaptureWindow:             captureWindow,
			Idempotency:               "none", // refunds alone have a header for it
			Units:                     "minor",
			Recovery: map[payments.Operation]payments.Recovery{
				payments.OpAuthorize: {Ask: payments.AskBySession, Fence: true},
				payments.OpSale:      {Ask: payments.AskBySession, Fence: true},
				payments.OpVerify:    {Ask: payments.AskBySession, Fence: true}, // a session over the amount zero
				payments.OpCapture:   {Ask: payments.AskByTotals, AbsenceAfter: absenceAfter},
				payments.OpVoid:      {Ask: payments.AskByTotals, AbsenceAfter: absenceAfter},
				payments.OpRefund:    {Ask: payments.AskByTotals, Resend: true, AbsenceAfter: absenceAfter},
			},
		},
	}
}

// Config is Dojo's part of the configuration file.
type Config struct {
	APIKey      payments.Secret `yaml:"api_key"`      // sk_prod_… or sk_sandbox_…
	BaseURL     string          `yaml:"base_url"`     // default https://api.dojo.tech
	CheckoutURL string          `yaml:"checkout_url"` // where payers pay when an answer has no link; default https://pay.dojo.tech
	Version     string          `yaml:"version"`      // of the API, yyyy-mm-dd; default 2025-09-10
	// WebhookSecret is the active secret of the webhook subscription. Without one every delivery is taken for forged.
	WebhookSecret payments.Secret `yaml:"webhook_secret"`
	// WebhookSecretPrevious is accepted, too, while the secret is exchanged for another.
	WebhookSecretPrevious payments.Secret `yaml:"webhook_secret_previous"`
	// MandateTerms is the text that payers agree to before they can be charged on the merchant's initiative. Without it no
	// setup intent can be made.
	MandateTerms string `yaml:"mandate_terms"`
	MandateType  string `yaml:"mandate_type"` // Unscheduled, the default, or NoShow
}

// Check returns every fault of the configuration.
func (c *Config) Check(live bool) []adapters.FieldFault {
	var faults []adapters.FieldFault
	add := func(field, message string) {
		if message != "" {
			faults = append(faults, adapters.FieldFault{Field: field, Message: message})
		}
	}
	add("api_key", keyFault(c.APIKey.Reveal(), live))
	add("base_url", wire.AddressFault(c.BaseURL, live, defaultBaseURL))
	add("checkout_url", wire.AddressFault(c.CheckoutURL, live, defaultCheckoutURL))
	switch _, err := time.Parse(time.DateOnly, c.Version); {
	case err != nil:
		add("version", "Give a version of the API as a date, for example "+defaultVersion+".")
	case c.Version < oldestVersion:
		add("version", "Versions before "+oldestVersion+" have no saved cards and no payment links.")
	}
	if strings.HasPrefix(c.WebhookSecret.Reveal(), "sk_") {
		add("webhook_secret", "This is an API key: give the secret of the webhook subscription.")
	}
	if c.WebhookSecret.IsZero() && !c.WebhookSecretPrevious.IsZero() {
		add("webhook_secret", "The webhook secret is missing, and a previous one is given.")
	}
	if utf8.RuneCountInString(c.MandateTerms) > maxTerms {
		add("mandate_terms", "Dojo takes at most 10240 characters.")
	}
	if c.MandateType == "" {
		add("mandate_type", "Give the kind of merchant-initiated payments: Unscheduled or NoShow.")
	}
	return faults
}

// keyFault says what is wrong with the API key; "" is nothing.
func keyFault(key string, live bool) string {
	switch {
	case key == "":
		return "The secret key is missing: make one in the Dojo developer portal, under API keys."
	case live && !strings.HasPrefix(key, liveKey):
		return "A live project needs a live key: it starts with " + liveKey + "."
	case !live && !strings.HasPrefix(key, sandboxKey):
		return "A sandbox project needs a sandbox key: it starts with " + sandboxKey + "."
	case strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }):
		return "The key has a blank or a character in it that no key has."
	}
	return ""
}

// Open builds the adapter.
func (c *Config) Open(d adapters.Deps) (adapters.Adapter, error) {
	return &adapter{
		wire: wire.New(wire.Options{Transport: d.Transport, BaseURL: c.BaseURL, Secrets: []string{
			c.APIKey.Reveal(), c.WebhookSecret.Reveal(), c.WebhookSecretPrevious.Reveal(),
		}}),
		key:            c.APIKey,
		version:        c.Version,
		checkout:       strings.TrimRight(c.CheckoutURL, "/"),
		webhookSecrets: []payments.Secret{c.WebhookSecret, c.WebhookSecretPrevious},
		terms:          c.MandateTerms,
		mandate:        c.MandateType,
		now:            d.Now,
	}, nil
}

// adapter speaks to Dojo. It keeps no state.
type adapter struct {
	wire           *wire.Client
	key            payments.Secret
	version        string
	checkout       string
	webhookSecrets []payments.Secret
	terms, mandate string
	now            func() time.Time
}

// What the adapter can do.
var (
	_ adapters.Adapter         = (*adapter)(nil)
	_ adapters.Voider          = (*adapter)(nil)
	_ adapters.Abandoner       = (*adapter)(nil)
	_ adapters.SessionStarter  = (*adapter)(nil)
	_ adapters.CustomerSyncer  = (*adapter)(nil)
	_ adapters.CustomerDeleter = (*adapter)(nil)
	_ adapters.MethodLister    = (*adapter)(nil)
	_ adapters.MethodDeleter   = (*adapter)(nil)
	_ adapters.WebhookParser   = (*adapter)(nil)
	_ adapters.ChargeLister    = (*adapter)(nil)
)
