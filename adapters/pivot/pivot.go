// Package pivot is the adapter for Pivot (formerly Harsya), a PSP for cards in Indonesia.
//
// A payment is a payment session (Refs.Session) with a charge in it (Refs.Charge); captures and refunds (Refs.Operation) have
// ids of their own. A customer (Refs.Customer) comes into being with the first payment for its e-mail address: no call makes
// one, so there is nothing to synchronise. A saved card is a token (Refs.Method) that Pivot keeps under the customer once a
// charge that asked for it has succeeded. No call deletes a token, verifies a card, or saves one without charging it.
//
// A card is charged in two steps: a session is made, which hands out a key and charges nothing, and is confirmed with the card
// encrypted under that key, which charges. A saved card is charged by making the session: the documentation shows no other
// way. That call honours its idempotency key for a day, and so is the one that can be sent again.
//
// A hold cannot be released: Pivot has no such call. It ends by a capture, which releases what it does not take, or lapses.
//
// The only state is the access token, which lasts for 15 minutes. A request that is refused because the token has expired is
// sent once more with a new one: it was refused before anything else was looked at.
package pivot

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"switchyard/adapters"
	"switchyard/adapters/wire"
	"switchyard/payments"
)

const (
	defaultBaseURL = "https://api.pivot-payment.com"
	sandboxBaseURL = "https://api-stg.pivot-payment.com"
	liveHost       = "api.pivot-payment.com"

	// longestProcessing: Pivot gives up on a request after 60 s. As much again is for a request that was late on its way, and
	// for the lists to show what was done.
	longestProcessing = 2 * time.Minute
	// captureWindow is what the schemes allow at the least; Pivot names no limit.
	captureWindow = 7 * 24 * time.Hour

	rupiah     = payments.Currency("IDR")
	rupiahStep = 100 // sen exist on paper only: Pivot takes whole rupiah
)

// The kinds of 3-D Secure.
const (
	threeDSAutomatic = "AUTOMATIC"
	threeDSNever     = "NEVER"
	threeDSChallenge = "CHALLENGE"
)

// The kinds of goods.
const (
	productPhysical = "PHYSICAL"
	productDigital  = "DIGITAL"
	productService  = "SERVICE"
)

// Provider declares Pivot.
func Provider() adapters.Provider {
	return adapters.Provider{
		Name:        "pivot",
		DisplayName: "Pivot",
		URL:         "https://www.pivot-payment.com",
		NewConfig: func() adapters.Config {
			return &Config{BaseURL: defaultBaseURL, ThreeDS: threeDSAutomatic, ProductType: productService}
		},
		Capabilities: payments.Capabilities{
			Currencies:     []payments.Currency{rupiah},
			Countries:      []string{"ID"},
			Schemes:        []payments.Scheme{payments.SchemeVisa, payments.SchemeMastercard, payments.SchemeJCB},
			AmountStep:     map[payments.Currency]int64{rupiah: rupiahStep},
			NeedsCVC:       true,
			NeedsCVCSaved:  true,
			SavesInline:    true,
			ManualCapture:  true,
			PartialCapture: true,
			PartialRefund:  true,
			CaptureWindow:  captureWindow,
			Idempotency:    "header",
			Units:          "major",
			Recovery: map[payments.Operation]payments.Recovery{
				payments.OpAuthorize: {Ask: payments.AskByReference, Resend: true, Fence: true, AbsenceAfter: longestProcessing},
				payments.OpSale:      {Ask: payments.AskByReference, Resend: true, Fence: true, AbsenceAfter: longestProcessing},
				payments.OpCapture:   {Ask: payments.AskByTotals, AbsenceAfter: longestProcessing},
				payments.OpRefund:    {Ask: payments.AskByReference, AbsenceAfter: longestProcessing},
			},
		},
	}
}

// Config is Pivot's part of the configuration file.
type Config struct {
	MerchantID     string          `yaml:"merchant_id"`
	MerchantSecret payments.Secret `yaml:"merchant_secret"`
	CallbackKey    payments.Secret `yaml:"callback_key"`   // the Callback API Key; without it no callback is believed
	BaseURL        string          `yaml:"base_url"`       // default https://api.pivot-payment.com
	SubMerchantID  string          `yaml:"submerchant_id"` // act for this sub-merchant; default: the merchant itself
	ThreeDS        string          `yaml:"three_ds"`       // AUTOMATIC (default), NEVER or CHALLENGE
	ProductType    string          `yaml:"product_type"`   // what is sold: SERVICE (default), DIGITAL or PHYSICAL
	// Pivot makes no session without an e-mail address and a page to return to. These stand in where a payment has none; under
	// the address, nothing is saved. Without them, such a payment is refused before it is sent, and goes to another PSP.
	GuestEmail string `yaml:"guest_email"`
	ReturnURL  string `yaml:"return_url"`
}

// Check returns every fault of the configuration. Pivot's keys do not tell whether they are live, but its addresses do.
func (c *Config) Check(live bool) []adapters.FieldFault {
	var faults []adapters.FieldFault
	add := func(field, message string) {
		faults = append(faults, adapters.FieldFault{Field: field, Message: message})
	}
	if c.MerchantID == "" {
		add("merchant_id", "The merchant id is missing: see the Pivot dashboard, under Developers, API keys.")
	}
	if c.MerchantSecret.IsZero() {
		add("merchant_secret", "The merchant secret is missing: see the Pivot dashboard, under Developers, API keys.")
	}
	if message := addressFault(c.BaseURL, live); message != "" {
		add("base_url", message)
	}
	if kinds := []string{threeDSAutomatic, threeDSNever, threeDSChallenge}; !slices.Contains(kinds, c.ThreeDS) {
		add("three_ds", "Give one of "+strings.Join(kinds, ", ")+".")
	}
	if kinds := []string{productService, productDigital, productPhysical}; !slices.Contains(kinds, c.ProductType) {
		add("product_type", "Give one of "+strings.Join(kinds, ", ")+".")
	}
	if c.GuestEmail != "" && !strings.Contains(c.GuestEmail, "@") {
		add("guest_email", "Give an e-mail address, or leave it out.")
	}
	if c.ReturnURL != "" && !fitsReturn(c.ReturnURL) {
		add("return_url", "Give an absolute URL of at most 255 characters, or leave it out.")
	}
	return faults
}

// addressFault says what is wrong with the address of the API; "" is nothing.
func addressFault(address string, live bool) string {
	if fault := wire.AddressFault(address, live, sandboxBaseURL); fault != "" {
		return fault
	}
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return "Give an absolute URL, for example " + sandboxBaseURL + "."
	case live && u.Host != liveHost:
		return "A live project needs " + defaultBaseURL + "."
	case !live && u.Host == liveHost:
		return "This is the address of live payments: a sandbox project needs " + sandboxBaseURL + "."
	}
	return ""
}

// Open builds the adapter.
func (c *Config) Open(d adapters.Deps) (adapters.Adapter, error) {
	a := &adapter{
		wire: wire.New(wire.Options{
			Transport: d.Transport, BaseURL: c.BaseURL, Secrets: []string{c.MerchantSecret.Reveal(), c.CallbackKey.Reveal()},
		}),
		merchant:    c.MerchantID,
		secret:      c.MerchantSecret,
		callbackKey: c.CallbackKey,
		subMerchant: c.SubMerchantID,
		threeDS:     c.ThreeDS,
		productType: c.ProductType,
		guestEmail:  c.GuestEmail,
		returnURL:   c.ReturnURL,
	}
	now := d.Now
	if now == nil {
		now = time.Now
	}
	a.tokens = &tokenCache{now: now, fetch: func(ctx context.Context) (accessToken, error) { return a.fetchToken(ctx, now()) }}
	return a, nil
}

// adapter speaks to Pivot. Apart from the access token it keeps no state.
type adapter struct {
	wire        *wire.Client
	tokens      *tokenCache
	merchant    string
	secret      payments.Secret
	callbackKey payments.Secret
	subMerchant string
	threeDS     string
	productType string
	guestEmail  string
	returnURL   string
}

// What the adapter can do.
var (
	_ adapters.Adapter        = (*adapter)(nil)
	_ adapters.StepUpper      = (*adapter)(nil)
	_ adapters.Abandoner      = (*adapter)(nil)
	_ adapters.SessionStarter = (*adapter)(nil)
	_ adapters.MethodLister   = (*adapter)(nil)
	_ adapters.WebhookParser  = (*adapter)(nil)
	_ adapters.ChargeLister   = (*adapter)(nil)
)
