package currency_test

import (
	"errors"
	"testing"

	"switchyard/sims/currency"
)

func TestExponent(t *testing.T) {
	for code, want := range map[string]int{
		"USD": 2, "PHP": 2, "IDR": 2, "AED": 2, "ZWG": 2, "JPY": 0, "VND": 0, "ISK": 0, "XPF": 0, "BIF": 0, "KWD": 3, "TND": 3, "BHD": 3, "CLF": 4, "UYW": 4,
	} {
		if got, known := currency.Exponent(code); !known || got != want {
			t.Errorf("%s: %d %v, want %d", code, got, known, want)
		}
	}
	for _, code := range []string{"", "XXX", "usd", "US", "USDD", " US", "US ", "D A", "HRK"} {
		if _, known := currency.Exponent(code); known {
			t.Errorf("%q is known", code)
		}
	}
}

func TestParseAndFormat(t *testing.T) {
	for _, c := range []struct {
		text     string
		decimals int
		minor    int64
		shown    string
		err      error
	}{
		{"10.5", 2, 1050, "10.5", nil},
		{"29.00", 2, 2900, "29", nil},
		{"0.05", 2, 5, "0.05", nil},
		{"1500", 0, 1500, "1500", nil},
		{"1500.000", 0, 1500, "1500", nil},
		{"1.234", 3, 1234, "1.234", nil},
		{"007", 2, 700, "7", nil},
		{"0", 2, 0, "0", nil},
		{"92233720368547758.07", 2, 9223372036854775807, "92233720368547758.07", nil},
		{"92233720368547758.08", 2, 0, "", currency.ErrTooLarge},
		{"10.001", 2, 0, "", currency.ErrTooManyDecimals},
		{"1.5", 0, 0, "", currency.ErrTooManyDecimals},
		{"-1", 2, 0, "", currency.ErrNotDecimal},
		{"1e3", 2, 0, "", currency.ErrNotDecimal},
		{"", 2, 0, "", currency.ErrNotDecimal},
		{".5", 2, 0, "", currency.ErrNotDecimal},
		{"5.", 2, 0, "", currency.ErrNotDecimal},
		{"1,5", 2, 0, "", currency.ErrNotDecimal},
		{"1.2.3", 2, 0, "", currency.ErrNotDecimal},
		{"+1", 2, 0, "", currency.ErrNotDecimal},
		{`"5"`, 2, 0, "", currency.ErrNotDecimal},
	} {
		minor, err := currency.Parse(c.text, c.decimals)
		if !errors.Is(err, c.err) || minor != c.minor {
			t.Errorf("Parse(%q, %d) = %d, %v; want %d, %v", c.text, c.decimals, minor, err, c.minor, c.err)
		}
		if err == nil && currency.Format(minor, c.decimals) != c.shown {
			t.Errorf("Format(%d, %d) = %q, want %q", minor, c.decimals, currency.Format(minor, c.decimals), c.shown)
		}
	}
}
