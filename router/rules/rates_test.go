package rules_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"switchyard/payments"
	"switchyard/router/rules"
)

func TestConvert(t *testing.T) {
	t.Parallel()
	rates := mustCompile(t, feePolicy).Document().Rates
	money := func(minor int64, c payments.Currency) payments.Money {
		return payments.Money{Minor: minor, Currency: c}
	}
	for _, tc := range []struct {
		rates *rules.Rates
		from  payments.Money
		to    payments.Currency
		want  int64
		known bool
	}{
		{rates, money(100_00, "EUR"), "USD", 108_00, true},
		{rates, money(108_00, "USD"), "EUR", 100_00, true},
		{rates, money(1, "JPY"), "EUR", 1, true}, // 0.61 cents
		{rates, money(1_000, "EUR"), "JPY", 1_635, true},
		{rates, money(100_00, "GBP"), "EUR", 0, false},
		{rates, money(100_00, "GBP"), "GBP", 100_00, true},
		{nil, money(100_00, "GBP"), "GBP", 100_00, true},
		{nil, money(100_00, "GBP"), "EUR", 0, false},
	} {
		if got, known := tc.rates.Convert(tc.from, tc.to); known != tc.known || known && got != tc.want {
			t.Errorf("%v %s in %s: %d, %v; want %d, %v", tc.from, tc.from.Currency, tc.to, got, known, tc.want, tc.known)
		}
	}
}

// TestInto: what is listed is what is converted.
func TestInto(t *testing.T) {
	t.Parallel()
	known := mustCompile(t, feePolicy).Document().Rates
	rapid.Check(t, func(t *rapid.T) {
		rates := rapid.SampledFrom([]*rules.Rates{known, nil}).Draw(t, "rates")
		currency := rapid.SampledFrom([]payments.Currency{"EUR", "USD", "PHP", "JPY", "GBP", "KWD"})
		from, to := currency.Draw(t, "from"), currency.Draw(t, "to")
		_, converted := rates.Convert(payments.Money{Minor: 1_000, Currency: from}, to)
		if listed := slices.Contains(rates.Into(to), from); listed != converted {
			t.Fatalf("%s into %s: listed %v, converted %v", from, to, listed, converted)
		}
	})
}
