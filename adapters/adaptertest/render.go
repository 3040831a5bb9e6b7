package adaptertest

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"switchyard/payments"
)

// Defaults of a request.
const (
	defaultAmount    = "1234"
	defaultReference = "At4k2m9x7q1w8e5r3t6y0u2i4o6p8a0b"
	otherReference   = "Zz7h3g5f1d9s8a6q2w4e0r1t3y5u7i9c"
)

// params are what may differ between two runs of one case.
type params struct {
	reference string
	amount    payments.Money
	at        time.Time // the zero value is the suite's own clock
}

// now is when the run takes place.
func (p params) now() time.Time {
	if p.at.IsZero() {
		return now()
	}
	return p.at
}

// params returns those of a plain run.
func (b *bench) params(c Case) (params, error) {
	currency := c.Request.Currency
	if currency == "" {
		currency = b.someCurrency()
	}
	text := c.Request.Amount
	if text == "" {
		text = defaultAmount
	}
	amount, err := payments.ParseAmount(text, currency)
	if err != nil {
		return params{}, fmt.Errorf("amount of the fixture: %w", err)
	}
	return params{reference: defaultReference, amount: amount}, nil
}

// someCurrency is what a case without a currency is in.
func (b *bench) someCurrency() payments.Currency {
	if list := b.Provider.Capabilities.Currencies; len(list) > 0 {
		return list[0]
	}
	return "PHP"
}

// number is an amount as the PSP counts it.
func (b *bench) number(m payments.Money) string {
	if b.Provider.Capabilities.Units == "minor" {
		return strconv.FormatInt(m.Minor, 10)
	}
	return m.String()
}

// render puts the parameters into a fixture's exchanges.
func (b *bench) render(c Case, p params) []Exchange {
	number := b.number(p.amount)
	decimal := number
	if b.Provider.Capabilities.Units != "minor" {
		decimal = p.amount.Decimal()
	}
	values := strings.NewReplacer(
		`"{{amount}}"`, number,
		`{{amount}}`, number,
		`{{amount_text}}`, number,
		`{{amount_decimal}}`, decimal,
		`{{reference}}`, p.reference,
		`{{currency}}`, string(p.amount.Currency),
	)
	replaceAll := func(m map[string]string) map[string]string {
		out := make(map[string]string, len(m))
		for k, v := range m {
			out[k] = values.Replace(v)
		}
		return out
	}
	list := make([]Exchange, len(c.Exchanges))
	for i, e := range c.Exchanges {
		e.Path = values.Replace(e.Path)
		e.Query, e.Form, e.Headers = replaceAll(e.Query), replaceAll(e.Form), replaceAll(e.Headers)
		e.JSON = json.RawMessage(values.Replace(string(e.JSON)))
		e.Body = json.RawMessage(values.Replace(string(e.Body)))
		e.Text = values.Replace(e.Text)
		list[i] = e
	}
	return list
}
