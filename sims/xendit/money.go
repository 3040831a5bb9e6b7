package xendit

import (
	"encoding/json"
	"errors"
	"slices"

	"switchyard/sims/currency"
	"switchyard/sims/psp"
)

func countries() []string { return []string{"ID", "PH", "VN", "TH", "SG", "MY", "HK", "MX"} }

func currencies() []string {
	return []string{"IDR", "PHP", "VND", "THB", "SGD", "MYR", "USD", "HKD", "AUD", "GBP", "EUR", "JPY", "MXN"}
}

// decimalsOf is how many decimals Xendit takes, which for rupiah is fewer than ISO 4217 has.
func decimalsOf(code string) int {
	switch code {
	case "IDR", "VND", "JPY":
		return 0
	}
	return 2
}

// exponentOf is the currency's exponent by ISO 4217, in which the ledger counts.
func exponentOf(code string) int {
	exponent, _ := currency.Exponent(code) // every currency of Xendit is in the list
	return exponent
}

// readAmount reads a JSON number in major units as minor units. When it cannot, the answer says why.
func readAmount(raw json.RawMessage, code, field string) (int64, *psp.Answer) {
	fail := func(a psp.Answer) (int64, *psp.Answer) { return 0, &a }
	if len(raw) == 0 || string(raw) == "null" {
		return fail(invalid(field + " is required"))
	}
	if !slices.Contains(currencies(), code) {
		return fail(wrongValue(codeValue, "currency "+code+" is not supported"))
	}
	_, err := currency.Parse(string(raw), decimalsOf(code)) // a JSON text in quotes is no decimal either
	if errors.Is(err, currency.ErrTooManyDecimals) {
		return fail(wrongValue(codeAmount, field+" has more decimals than "+code+" allows"))
	}
	var minor int64
	if err == nil {
		minor, err = currency.Parse(string(raw), exponentOf(code))
	}
	if err != nil {
		return fail(invalid(field + " must be a positive number"))
	}
	return minor, nil
}

// number is an amount as it goes out: a JSON number in major units.
func number(minor int64, code string) json.Number {
	return json.Number(currency.Format(minor, exponentOf(code)))
}
