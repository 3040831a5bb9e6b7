package dojo

import (
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"switchyard/sims/psp"
)

// The currencies that are taken. Both have two decimals, and amounts count in the smaller unit.
func currencies() []string { return []string{"GBP", "EUR"} }

// The ways to pay.
const methodCard, methodWallet, methodSaved = "Card", "Wallet", "SavedCard"

const maxReference, maxDescription, maxTitle = 60, 4096, 100

// tooLong says that a text has more characters than it may.
func tooLong(text string, most int) bool { return utf8.RuneCountInString(text) > most }

type money struct {
	Value    int64  `json:"value"`
	Currency string `json:"currencyCode"`
}

// check checks an amount that may be left out.
func (m *money) check(field string, least int64) *psp.Answer {
	switch {
	case m == nil:
		return nil
	case m.Value < least:
		return refused(field+".Value", "The value must be at least "+strconv.FormatInt(least, 10)+".")
	case !slices.Contains(currencies(), m.Currency):
		return refused(field+".CurrencyCode", "The currency must be GBP or EUR.")
	}
	return nil
}

// value is the amount, 0 if it is left out.
func (m *money) value() int64 {
	if m == nil {
		return 0
	}
	return m.Value
}

type address struct {
	Address1 string `json:"address1,omitempty"`
	Address2 string `json:"address2,omitempty"`
	Address3 string `json:"address3,omitempty"`
	Address4 string `json:"address4,omitempty"`
	City     string `json:"city,omitempty"`
	State    string `json:"state,omitempty"`
	Postcode string `json:"postcode,omitempty"`
	Country  string `json:"countryCode"`
	Locality string `json:"locality,omitempty"`
	County   string `json:"county,omitempty"`
}

func (a *address) check(field string) *psp.Answer {
	switch {
	case a == nil:
		return nil
	case len(a.Country) != 2:
		return refused(field+".CountryCode", "The country must be two letters.")
	}
	for _, line := range []string{a.Address1, a.Address2, a.Address3, a.Address4, a.City, a.State, a.Locality, a.County} {
		if tooLong(line, 100) {
			return refused(field, "A line may have up to 100 characters.")
		}
	}
	return nil
}

type shipping struct {
	Name    string   `json:"name,omitempty"`
	Notes   string   `json:"deliveryNotes,omitempty"`
	Address *address `json:"address,omitempty"`
}

func (s *shipping) check() *psp.Answer {
	if s == nil {
		return nil
	}
	return s.Address.check("ShippingDetails.Address")
}

// pageConfig says how the hosted page looks and where it leads.
type pageConfig struct {
	Title       string          `json:"title,omitempty"`
	RedirectURL string          `json:"redirectUrl,omitempty"`
	CancelURL   string          `json:"cancelUrl,omitempty"`
	Email       json.RawMessage `json:"customerEmail,omitempty"`
	Details     json.RawMessage `json:"details,omitempty"`
	Billing     json.RawMessage `json:"billingAddress,omitempty"`
	Shipping    json.RawMessage `json:"shippingDetails,omitempty"`
	Payment     json.RawMessage `json:"payment,omitempty"`
}

func (c pageConfig) check() *psp.Answer {
	if tooLong(c.Title, maxTitle) {
		return refused("Config.Title", "The title may have up to 100 characters.")
	}
	for field, text := range map[string]string{"Config.RedirectUrl": c.RedirectURL, "Config.CancelUrl": c.CancelURL} {
		if u, err := url.Parse(text); text != "" && (err != nil || u.Host == "") {
			return refused(field, "The value must be an absolute address.")
		}
	}
	return nil
}

// shared is what requests for payment intents and for setup intents have alike.
type shared struct {
	Reference   string            `json:"reference"`
	Description string            `json:"description"`
	CaptureMode string            `json:"captureMode"`
	Methods     []string          `json:"paymentMethods"`
	Billing     *address          `json:"billingAddress"`
	Shipping    *shipping         `json:"shippingDetails"`
	Config      pageConfig        `json:"config"`
	Metadata    map[string]string `json:"metadata"`
	Order       json.RawMessage   `json:"orderDetails"`
	ExpireAt    *time.Time        `json:"expireAt"`
}

func (in *shared) check() *psp.Answer {
	switch {
	case in.Reference == "" || tooLong(in.Reference, maxReference):
		return refused("Reference", "The reference must have 1 to 60 characters.")
	case tooLong(in.Description, maxDescription):
		return refused("Description", "The description may have up to 4096 characters.")
	case in.CaptureMode != captureAuto && in.CaptureMode != captureManual:
		return refused("CaptureMode", "The capture mode must be Auto or Manual.")
	case in.ExpireAt != nil && !in.ExpireAt.After(time.Now()):
		return refused("ExpireAt", "The time must be to come.")
	}
	for _, method := range in.Methods {
		if !slices.Contains([]string{methodCard, methodWallet, methodSaved}, method) {
			return refused("PaymentMethods", "A payment method must be Card, Wallet or SavedCard.")
		}
	}
	for _, bad := range []*psp.Answer{in.Config.check(), in.Billing.check("BillingAddress"), in.Shipping.check()} {
		if bad != nil {
			return bad
		}
	}
	return nil
}

// expiry is when what nobody has paid is over.
func (in *shared) expiry() time.Time {
	if in.ExpireAt != nil {
		return *in.ExpireAt
	}
	return time.Now().Add(intentLives)
}

// timespan reads "dd.hh:MM:ss", the days of which may be left out.
func timespan(text string) (time.Duration, bool) {
	days, clock, dotted := strings.Cut(text, ".")
	if !dotted {
		days, clock = "0", text
	}
	parts := append([]string{days}, strings.Split(clock, ":")...)
	if len(parts) != 4 {
		return 0, false
	}
	var span time.Duration
	for i, unit := range []time.Duration{24 * time.Hour, time.Hour, time.Minute, time.Second} {
		n, err := strconv.ParseUint(parts[i], 10, 8)
		if err != nil {
			return 0, false
		}
		span += time.Duration(n) * unit
	}
	return span, true
}
