package payments_test

import (
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"switchyard/payments"
)

func TestParseAmount(t *testing.T) {
	t.Parallel()
	tests := []struct {
		in       string
		currency payments.Currency
		minor    int64
		text     string // as String has it
		decimal  string // as Decimal has it
	}{
		{"10", "PHP", 1000, "10", "10.00"},
		{"10.00", "PHP", 1000, "10", "10.00"},
		{"10.000", "PHP", 1000, "10", "10.00"},
		{"29.00", "EUR", 2900, "29", "29.00"},
		{"31.83", "EUR", 3183, "31.83", "31.83"},
		{"31.80", "EUR", 3180, "31.8", "31.80"},
		{"0.5", "PHP", 50, "0.5", "0.50"},
		{"0.05", "PHP", 5, "0.05", "0.05"},
		{"0", "PHP", 0, "0", "0.00"},
		{"0.00", "JPY", 0, "0", "0"},
		{"007", "PHP", 700, "7", "7.00"},
		{"100", "JPY", 100, "100", "100"},
		{"1500.00", "JPY", 1500, "1500", "1500"},
		{"10000", "IDR", 1000000, "10000", "10000.00"},
		{"1.5", "KWD", 1500, "1.5", "1.500"},
		{"1.2345", "CLF", 12345, "1.2345", "1.2345"},
		{"92233720368547758.07", "PHP", math.MaxInt64, "92233720368547758.07", "92233720368547758.07"},
		{"9223372036854775807", "JPY", math.MaxInt64, "9223372036854775807", "9223372036854775807"},
	}
	for _, tt := range tests {
		got, err := payments.ParseAmount(tt.in, tt.currency)
		if want := (payments.Money{Minor: tt.minor, Currency: tt.currency}); err != nil || got != want {
			t.Errorf("ParseAmount(%q, %s) = %+v, %v; want %d", tt.in, tt.currency, got, err, tt.minor)
			continue
		}
		if got.String() != tt.text || got.Decimal() != tt.decimal || string(got.Major()) != tt.text {
			t.Errorf("%s %s is written %q, %q and %q; want %q and %q",
				tt.in, tt.currency, got.String(), got.Decimal(), got.Major(), tt.text, tt.decimal)
		}
		if text := payments.MinorText(tt.minor, tt.currency); text != tt.text {
			t.Errorf("MinorText(%d, %s) = %q, want %q", tt.minor, tt.currency, text, tt.text)
		}
		if n, err := payments.ParseMajorNumber(json.Number(tt.in), tt.currency); err != nil || n != got {
			t.Errorf("ParseMajorNumber(%q, %s) = %v, %v; want %v", tt.in, tt.currency, n, err, got)
		}
	}
}

func TestParseAmountRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		in       string
		currency payments.Currency
		code     string
		says     string // a part of the message
	}{
		{"", "PHP", payments.CodeInvalidAmount, "required"},
		{"10.001", "PHP", payments.CodeInvalidAmount, "more decimals than PHP has (2)"},
		{"1500.5", "JPY", payments.CodeInvalidAmount, "whole number"},
		{"1.23456", "CLF", payments.CodeInvalidAmount, "more decimals"},
		{"92233720368547758.08", "PHP", payments.CodeInvalidAmount, "largest is 92233720368547758.07 PHP"},
		{"9223372036854775808", "JPY", payments.CodeInvalidAmount, "too large"},
		{strings.Repeat("9", 400), "JPY", payments.CodeInvalidAmount, "too large"},
		{"-1", "PHP", payments.CodeInvalidAmount, "sign"},
		{"+1", "PHP", payments.CodeInvalidAmount, "sign"},
		{"1e4", "PHP", payments.CodeInvalidAmount, "exponent"},
		{"1E4", "PHP", payments.CodeInvalidAmount, "exponent"},
		{" 1", "PHP", payments.CodeInvalidAmount, "spaces"},
		{"1 ", "PHP", payments.CodeInvalidAmount, "spaces"},
		{"1\n", "PHP", payments.CodeInvalidAmount, "spaces"},
		{"1,000", "PHP", payments.CodeInvalidAmount, "separators"},
		{"1_000", "PHP", payments.CodeInvalidAmount, "separators"},
		{"1,5", "EUR", payments.CodeInvalidAmount, "decimal"},
		{".5", "PHP", payments.CodeInvalidAmount, "decimal"},
		{"5.", "PHP", payments.CodeInvalidAmount, "decimal"},
		{".", "PHP", payments.CodeInvalidAmount, "decimal"},
		{"1.2.3", "PHP", payments.CodeInvalidAmount, "decimal"},
		{"0x10", "PHP", payments.CodeInvalidAmount, "decimal"},
		{"NaN", "PHP", payments.CodeInvalidAmount, "decimal"},
		{"Inf", "PHP", payments.CodeInvalidAmount, "decimal"},
		{"１０", "PHP", payments.CodeInvalidAmount, "decimal"}, // full-width digits
		{"10", "", payments.CodeInvalidCurrency, "currency"},
		{"10", "php", payments.CodeInvalidCurrency, "currency"},
		{"10", "ZZZ", payments.CodeInvalidCurrency, "currency"},
	}
	for _, tt := range tests {
		got, err := payments.ParseAmount(tt.in, tt.currency)
		e, ok := errors.AsType[*payments.Error](err)
		if !ok || e.Code != tt.code || got != (payments.Money{}) {
			t.Errorf("ParseAmount(%.40q, %s) = %+v, %v; want code %s", tt.in, tt.currency, got, err, tt.code)
			continue
		}
		if !strings.Contains(e.Message, tt.says) {
			t.Errorf("ParseAmount(%.40q, %s) says %q, want %q in it", tt.in, tt.currency, e.Message, tt.says)
		}

		// The same text from a provider is refused too, but is not the merchant's fault.
		got, err = payments.ParseMajorNumber(json.Number(tt.in), tt.currency)
		if err == nil || payments.ErrorCode(err) != "" || got != (payments.Money{}) {
			t.Errorf("ParseMajorNumber(%.40q, %s) = %+v, %v; want an error without a public code", tt.in, tt.currency, got, err)
		}
		if err != nil && len(err.Error()) > 200 {
			t.Errorf("ParseMajorNumber of a long number has an error of %d bytes", len(err.Error()))
		}
	}
}

// A provider may send the same amount as a number or as a string.
func TestParseMajorNumberFromJSON(t *testing.T) {
	t.Parallel()
	for _, doc := range []string{`{"amount":10000}`, `{"amount":10000.00}`, `{"amount":"10000"}`, `{"amount":"10000.00"}`} {
		var body struct {
			Amount json.Number `json:"amount"`
		}
		if err := json.Unmarshal([]byte(doc), &body); err != nil {
			t.Fatalf("%s: %v", doc, err)
		}
		got, err := payments.ParseMajorNumber(body.Amount, "IDR")
		if want := (payments.Money{Minor: 1_000_000, Currency: "IDR"}); err != nil || got != want {
			t.Errorf("%s: got %+v, %v; want %+v", doc, got, err, want)
		}
	}
}

func TestMoneyNegativeAndUnknownCurrency(t *testing.T) {
	t.Parallel()
	tests := []struct {
		m             payments.Money
		text, decimal string
	}{
		{payments.Money{}, "0", "0.00"},
		{payments.Money{Minor: -1, Currency: "PHP"}, "-0.01", "-0.01"},
		{payments.Money{Minor: -2900, Currency: "EUR"}, "-29", "-29.00"},
		{payments.Money{Minor: -5, Currency: "JPY"}, "-5", "-5"},
		{payments.Money{Minor: math.MinInt64, Currency: "JPY"}, "-9223372036854775808", "-9223372036854775808"},
		{payments.Money{Minor: math.MinInt64, Currency: "PHP"}, "-92233720368547758.08", "-92233720368547758.08"},
		{payments.Money{Minor: 1050, Currency: "BGN"}, "10.5", "10.50"},
	}
	for _, tt := range tests {
		if tt.m.String() != tt.text || tt.m.Decimal() != tt.decimal {
			t.Errorf("%d %s is written %q and %q, want %q and %q",
				tt.m.Minor, tt.m.Currency, tt.m.String(), tt.m.Decimal(), tt.text, tt.decimal)
		}
	}
}

// Every way of writing an amount is a JSON number and reads back as the amount.
func TestMoneyRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := payments.Money{
			Minor:    rapid.Int64Min(0).Draw(t, "minor"),
			Currency: rapid.SampledFrom([]payments.Currency{"JPY", "PHP", "KWD", "CLF"}).Draw(t, "currency"),
		}
		zeros := strings.Repeat("0", rapid.IntRange(0, 30).Draw(t, "zeros"))
		padded := m.Decimal()
		if m.Currency.Exponent() == 0 {
			padded += ".0"
		}
		for _, text := range []string{m.String(), m.Decimal(), zeros + m.String(), padded + zeros} {
			if got, err := payments.ParseAmount(text, m.Currency); err != nil || got != m {
				t.Fatalf("%q reads as %+v, %v; want %+v", text, got, err, m)
			}
		}
		if !json.Valid([]byte(m.Major())) {
			t.Fatalf("%q is not a JSON number", m.Major())
		}
	})
}

func FuzzParseAmount(f *testing.F) {
	for _, text := range []string{"", "0", "10", "10.00", "0.5", "10.001", "1e4", "-1", "1,000", "92233720368547758.08", "00.10", "5."} {
		for _, c := range []string{"PHP", "JPY", "KWD", "CLF", "ZZZ"} {
			f.Add(text, c)
		}
	}
	f.Fuzz(func(t *testing.T, text, currency string) {
		c := payments.Currency(currency)
		m, err := payments.ParseAmount(text, c)
		if err != nil {
			if code := payments.ErrorCode(err); code != payments.CodeInvalidAmount && code != payments.CodeInvalidCurrency {
				t.Fatalf("%q %q: code %q", text, currency, code)
			}
			if m != (payments.Money{}) {
				t.Fatalf("%q %q: an amount and an error", text, currency)
			}
			return
		}

		// Never rounded: what was read is exactly what was written.
		written, ok := new(big.Rat).SetString(text)
		if !ok {
			t.Fatalf("%q was read as %+v and is not a number", text, m)
		}
		scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(c.Exponent())), nil)
		if read := new(big.Rat).SetFrac(big.NewInt(m.Minor), scale); read.Cmp(written) != 0 {
			t.Fatalf("%q %s was read as %s", text, c, m)
		}
		for _, again := range []string{m.String(), m.Decimal()} {
			if got, err := payments.ParseAmount(again, c); err != nil || got != m {
				t.Fatalf("%q %s is written %q, which reads as %+v, %v", text, c, again, got, err)
			}
		}
	})
}
