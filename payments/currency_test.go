package payments_test

import (
	"testing"

	"switchyard/payments"
)

func TestParseCurrency(t *testing.T) {
	t.Parallel()
	tests := []struct {
		in   string
		want payments.Currency
		code string
	}{
		{in: "PHP", want: "PHP"},
		{in: "php", want: "PHP"},
		{in: "Eur", want: "EUR"},
		{in: "", code: payments.CodeMissingCurrency},
		{in: "PH", code: payments.CodeInvalidCurrency},
		{in: "PHPP", code: payments.CodeInvalidCurrency},
		{in: " PHP", code: payments.CodeInvalidCurrency},
		{in: "P P", code: payments.CodeInvalidCurrency},
		{in: "840", code: payments.CodeInvalidCurrency},
		{in: "ZZZ", code: payments.CodeInvalidCurrency},
		{in: "HRK", code: payments.CodeInvalidCurrency}, // withdrawn
		{in: "XAU", code: payments.CodeInvalidCurrency}, // gold has no minor unit
		{in: "XXX", code: payments.CodeInvalidCurrency},
		{in: "ſek", code: payments.CodeInvalidCurrency}, // the long s is an S to strings.ToUpper
	}
	for _, tt := range tests {
		got, err := payments.ParseCurrency(tt.in)
		if got != tt.want || payments.ErrorCode(err) != tt.code {
			t.Errorf("ParseCurrency(%q) = %q, %v; want %q, code %q", tt.in, got, err, tt.want, tt.code)
		}
	}
}

func TestCurrencyExponent(t *testing.T) {
	t.Parallel()
	want := map[payments.Currency]int{
		"PHP": 2, "IDR": 2, "EUR": 2, "USD": 2, "MGA": 2, "MRU": 2, "HUF": 2, "TWD": 2, "XCG": 2, "ZWG": 2,
		"JPY": 0, "KRW": 0, "VND": 0, "CLP": 0, "ISK": 0, "UGX": 0, "UYI": 0, "XAF": 0, "XOF": 0, "XPF": 0,
		"BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3,
		"CLF": 4, "UYW": 4,
		"BGN": 2, "": 2, // not in the table
	}
	for c, exponent := range want {
		if got := c.Exponent(); got != exponent {
			t.Errorf("%q.Exponent() = %d, want %d", c, got, exponent)
		}
	}
	for _, c := range []payments.Currency{"", "php", "BGN", "XTS", "ABC"} {
		if c.Valid() {
			t.Errorf("%q is valid", c)
		}
	}
}
