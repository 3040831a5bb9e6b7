package payments

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Money is an exact amount: Minor counts minor units of Currency (centavos for
// PHP, yen for JPY). There are no floats anywhere.
type Money struct {
	Minor    int64    `json:"minor"`
	Currency Currency `json:"currency"`
}

// ParseAmount reads a decimal string in major units ("10", "10.00", "0.5") as
// an amount in c. It takes digits and one point between digits: no sign, no
// exponent, no spaces, no separators. An amount that c cannot represent is
// refused, never rounded. The error has the code CodeInvalidAmount, or
// CodeInvalidCurrency if c is not Valid.
func ParseAmount(text string, c Currency) (Money, error) {
	if !c.Valid() {
		return Money{}, NewError(CodeInvalidCurrency, unknownCurrency)
	}
	minor, fault := parseMinor(text, c.Exponent())
	if fault != "" {
		return Money{}, NewError(CodeInvalidAmount, amountAdvice(fault, c))
	}
	return Money{Minor: minor, Currency: c}, nil
}

// ParseMajorNumber reads an amount in major units out of a provider's JSON,
// where it may stand as a number or as a string. It takes what ParseAmount
// takes. Its error carries no public code: a provider's number that cannot be
// read is not the fault of the merchant's request.
func ParseMajorNumber(n json.Number, c Currency) (Money, error) {
	if !c.Valid() {
		return Money{}, fmt.Errorf("amount in an unknown currency %.8q", string(c))
	}
	minor, fault := parseMinor(n.String(), c.Exponent())
	if fault != "" {
		return Money{}, fmt.Errorf("amount %.40q in %s: %s", n.String(), c, fault)
	}
	return Money{Minor: minor, Currency: c}, nil
}

// amountFault says why a text is not an amount; "" means that it is one.
type amountFault string

const (
	amountMissing   amountFault = "missing"
	amountMalformed amountFault = "not a plain decimal number"
	amountTooFine   amountFault = "more decimals than the currency has"
	amountTooLarge  amountFault = "too large"
)

// amountAdvice words a fault for the merchant.
func amountAdvice(fault amountFault, c Currency) string {
	const form = `Give it in major units as digits with an optional decimal point, for example "10" or "10.50", without sign, exponent, spaces or separators.`
	switch fault {
	case amountMissing:
		return "An amount is required. " + form
	case amountTooFine:
		if c.Exponent() == 0 {
			return fmt.Sprintf("The amount has decimals and %s has none. Give a whole number.", c)
		}
		return fmt.Sprintf("The amount has more decimals than %s has (%d). Round it before sending.", c, c.Exponent())
	case amountTooLarge:
		return fmt.Sprintf("The amount is too large. The largest is %s %s.", MinorText(math.MaxInt64, c), c)
	case amountMalformed:
	}
	return "The amount is not a decimal number. " + form
}

// parseMinor reads text as a decimal number and returns it times ten to the
// power of exponent.
func parseMinor(text string, exponent int) (int64, amountFault) {
	if text == "" {
		return 0, amountMissing
	}
	whole, fraction, pointed := strings.Cut(text, ".")
	if !allDigits(whole) || pointed && !allDigits(fraction) {
		return 0, amountMalformed
	}
	fraction = strings.TrimRight(fraction, "0")
	if len(fraction) > exponent {
		return 0, amountTooFine
	}
	digits := whole + fraction + strings.Repeat("0", exponent-len(fraction))
	minor, err := strconv.ParseInt(digits, 10, 64)
	if err != nil { // digits only, so it can only be out of range
		return 0, amountTooLarge
	}
	return minor, ""
}

// allDigits reports whether s is one or more ASCII digits.
func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// String returns the amount in major units without trailing zeros: "29",
// "31.83", "0". This is how amounts stand in our API.
func (m Money) String() string {
	text := m.Decimal()
	if strings.Contains(text, ".") {
		text = strings.TrimRight(text, "0")
		text = strings.TrimSuffix(text, ".")
	}
	return text
}

// Decimal returns the amount in major units with every digit of the currency:
// "29.00" for PHP, "1500" for JPY.
func (m Money) Decimal() string {
	sign, magnitude := "", uint64(m.Minor) //nolint:gosec // two's complement; the next line makes it exact
	if m.Minor < 0 {
		sign, magnitude = "-", -magnitude // exact for the smallest int64 too
	}
	digits := strconv.FormatUint(magnitude, 10)
	exponent := m.Currency.Exponent()
	if exponent == 0 {
		return sign + digits
	}
	if missing := exponent + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	point := len(digits) - exponent
	return sign + digits[:point] + "." + digits[point:]
}

// Major returns the text of String as a JSON number, for providers that count
// in major units.
func (m Money) Major() json.Number { return json.Number(m.String()) }

// MinorText is the String of an amount of minor units of c.
func MinorText(minor int64, c Currency) string {
	return Money{Minor: minor, Currency: c}.String()
}
