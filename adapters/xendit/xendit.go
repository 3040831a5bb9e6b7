// Package xendit is the adapter for Xendit, a PSP for cards in South-East Asia, Hong Kong and Mexico. It speaks version 3 of
// the payments API, in which the gateway sends the card itself.
//
// A payment is a payment request (Refs.Session, pr-…), and making it charges: there is no step before. What became of it is a
// payment (Refs.Charge, py-…); captures and voids go by that id, refunds (Refs.Operation, rfd-…) by the request's. A saved card
// is a payment token (Refs.Method, pt-…).
//
// A payer who pays on Xendit's own page has a session (Refs.Session, ps-…). Making it charges nothing; its payment, and the
// request behind that, are known once it is completed. The attempt goes on by the session's id.
//
// Version 3 has no idempotency key. The reference is unique per card payment, so that a repeated request is refused with 409
// when the first one exists, and is the payment when it does not. No call finds a request by its reference: the list of
// transactions does, but a hold need not be in it.
package xendit

import (
	"slices"
	"strings"
	"time"

	"switchyard/adapters"
	"switchyard/adapters/wire"
	"switchyard/payments"
)

const (
	defaultBaseURL = "https://api.xendit.co"
	defaultCountry = "ID"

	captureWindow = 7 * 24 * time.Hour
	// longestProcessing is far longer than Xendit takes for a call; the vendor names no limit.
	longestProcessing = 60 * time.Second

	minRupiah  = 5_000 * 100 // minor units by ISO 4217
	maxRupiah  = 200_000_000 * 100
	rupiahStep = 100 // sen exist on paper only: Xendit takes whole rupiah
)

// The beginnings of keys.
const (
	testKey   = "xnd_development_"
	liveKey   = "xnd_production_"
	publicKey = "xnd_public_"
)

// countryOf is the country of a payment in a currency that only one of Xendit's countries has. Payments in other currencies
// are made in the account's country.
var countryOf = map[payments.Currency]string{
	"IDR": "ID", "PHP": "PH", "VND": "VN", "THB": "TH", "SGD": "SG", "MYR": "MY", "HKD": "HK", "MXN": "MX",
}

// countries lists where Xendit works.
func countries() []string { return []string{"ID", "PH", "VN", "TH", "SG", "MY", "HK", "MX"} }

// Provider declares Xendit.
func Provider() adapters.Provider {
	return adapters.Provider{
		Name:        "xendit",
		DisplayName: "Xendit",
		URL:         "https://www.xendit.co",
		NewConfig: func() adapters.Config {
			return &Config{BaseURL: defaultBaseURL, Country: defaultCountry}
		},
		Capabilities: payments.Capabilities{
			Currencies: []payments.Currency{
				"IDR", "PHP", "VND", "THB", "SGD", "MYR", "HKD", "MXN", "USD", "AUD", "GBP", "EUR", "JPY",
			},
			Countries: countries(),
			Schemes: []payments.Scheme{
				payments.SchemeVisa, payments.SchemeMastercard, payments.SchemeJCB, payments.SchemeAmex,
			},
			MinAmount:         map[payments.Currency]int64{"IDR": minRupiah},
			MaxAmount:         map[payments.Currency]int64{"IDR": maxRupiah},
			AmountStep:        map[payments.Currency]int64{"IDR": rupiahStep},
			SavesInline:       true,
			MerchantInitiated: true,
			PageSaves:         true,
			ManualCapture:     true,
			PartialCapture:    true,
			PartialRefund:     true,
			CaptureWindow:     captureWindow,
			Idempotency:       "reference",
			Units:             "major",
			Recovery: map[payments.Operation]payments.Recovery{
				// A hold need not show anywhere, so that its absence never proves anything.
				payments.OpAuthorize: {Ask: payments.AskByReference, Resend: true, Fence: true},
				payments.OpSale:      {Ask: payments.AskByReference, Resend: true, Fence: true, AbsenceAfter: longestProcessing},
				payments.OpCapture:   {Ask: payments.AskByTotals, AbsenceAfter: longestProcessing},
				payments.OpVoid:      {Ask: payments.AskByTotals, AbsenceAfter: longestProcessing},
				payments.OpRefund:    {Ask: payments.AskByReference, AbsenceAfter: longestProcessing},
				payments.OpVerify:    {Ask: payments.AskBySession, Fence: true}, // a session on which a card is saved
			},
		},
	}
}

// Config is Xendit's part of the configuration file.
type Config struct {
	APIKey      payments.Secret `yaml:"api_key"`       // secret key: xnd_production_… or xnd_development_…
	BaseURL     string          `yaml:"base_url"`      // default https://api.xendit.co
	Country     string          `yaml:"country"`       // the account's country, default ID
	ForUserID   string          `yaml:"for_user_id"`   // act for this sub-account; default: the account itself
	MIDLabel    string          `yaml:"mid_label"`     // the acquirer's merchant id to use; default: Xendit's choice
	SkipThreeDS bool            `yaml:"skip_three_ds"` // ask for no authentication of the payer; Xendit has to allow it
	// CallbackToken is the verification token of the account's webhooks; without it no webhook is believed.
	CallbackToken payments.Secret `yaml:"callback_token"`
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
		add("api_key", "The secret key is missing: make one in the Xendit dashboard, under Settings, API keys.")
	case strings.HasPrefix(key, publicKey):
		add("api_key", "This is a public key: give the secret key, which starts with "+liveKey+" or "+testKey+".")
	case live && !strings.HasPrefix(key, liveKey):
		add("api_key", "A live project needs a live key: it starts with "+liveKey+".")
	case !live && !strings.HasPrefix(key, testKey):
		add("api_key", "A sandbox project needs a test key: it starts with "+testKey+".")
	}
	if message := wire.AddressFault(c.BaseURL, live, defaultBaseURL); message != "" {
		add("base_url", message)
	}
	if !slices.Contains(countries(), c.Country) {
		add("country", "Give the account's country: one of "+strings.Join(countries(), ", ")+".")
	}
	if strings.HasPrefix(c.CallbackToken.Reveal(), "xnd_") {
		add("callback_token", "This is an API key: give the webhook verification token, in the Xendit dashboard under Settings, Webhooks.")
	}
	return faults
}

// Open builds the adapter.
func (c *Config) Open(d adapters.Deps) (adapters.Adapter, error) {
	return &adapter{
		wire:        wire.New(wire.Options{Transport: d.Transport, BaseURL: c.BaseURL, Secrets: []string{c.APIKey.Reveal(), c.CallbackToken.Reveal()}}),
		key:         c.APIKey,
		country:     c.Country,
		forUser:     c.ForUserID,
		midLabel:    c.MIDLabel,
		skipThreeDS: c.SkipThreeDS,
		plain:       strings.HasPrefix(c.BaseURL, "http://"),
		now:         d.Now,

		callbackToken: c.CallbackToken,
	}, nil
}

// adapter speaks to Xendit. It keeps no state.
type adapter struct {
	wire        *wire.Client
	key         payments.Secret
	country     string
	forUser     string
	midLabel    string
	skipThreeDS bool
	plain       bool // the API is not reached by https: it is a simulator
	now         func() time.Time

	callbackToken payments.Secret
}

// What the adapter can do.
var (
	_ adapters.Adapter        = (*adapter)(nil)
	_ adapters.StepUpper      = (*adapter)(nil)
	_ adapters.Voider         = (*adapter)(nil)
	_ adapters.Abandoner      = (*adapter)(nil)
	_ adapters.Tokenizer      = (*adapter)(nil)
	_ adapters.MethodDeleter  = (*adapter)(nil)
	_ adapters.SessionStarter = (*adapter)(nil)
	_ adapters.CustomerSyncer = (*adapter)(nil)
	_ adapters.WebhookParser  = (*adapter)(nil)
	_ adapters.ChargeLister   = (*adapter)(nil)
)
