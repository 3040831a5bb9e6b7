package pivot

import (
	"encoding/json"
	"errors"

	"switchyard/sims/currency"
	"switchyard/sims/psp"
)

const (
	// rupiah is the one currency that Pivot takes. ISO 4217 gives it two decimals, in which the ledger counts.
	rupiah, exponent = "IDR", 2
	maxDigits        = 18
)

type money struct {
	Value    json.RawMessage `json:"value"`
	Currency string          `json:"currency"`
}

// number reads an amount whose value is a JSON number, as payments have it.
func (m *money) number(field string) (int64, *psp.Answer) {
	if m == nil {
		return 0, refused(field, "is required")
	}
	return m.read(string(m.Value), field)
}

// text reads an amount whose value is a JSON text, as refunds have it.
func (m *money) text(field string) (int64, *psp.Answer) {
	if m == nil {
		return 0, refused(field, "is required")
	}
	var value string
	if json.Unmarshal(m.Value, &value) != nil {
		return 0, refused(field+".value", "must be a string")
	}
	return m.read(value, field)
}

// read turns decimal text in rupiah into minor units. Nothing is rounded: a fraction of a rupiah is refused.
func (m *money) read(value, field string) (int64, *psp.Answer) {
	if m.Currency != rupiah {
		return 0, refused(field+".currency", "must be IDR")
	}
	_, err := currency.Parse(value, 0)
	if errors.Is(err, currency.ErrTooManyDecimals) {
		return 0, refused(field+".value", "must be whole rupiah")
	}
	var minor int64
	if err == nil {
		minor, err = currency.Parse(value, exponent)
	}
	if err != nil || minor == 0 || len(value) > maxDigits {
		return 0, refused(field+".value", "must be a decimal number over 0 of up to 18 digits")
	}
	return minor, nil
}

// amount is an amount as payments show it.
func amount(minor int64) psp.Object {
	return psp.Object{"value": value(minor), "currency": rupiah}
}

// value is a JSON number of rupiah.
func value(minor int64) json.Number { return json.Number(currency.Format(minor, exponent)) }

// amountText is an amount as refunds show it: a text with two decimals, though rupiah here are whole.
func amountText(minor int64) psp.Object {
	return psp.Object{"value": currency.Format(minor, exponent) + ".00", "currency": rupiah}
}
