package rules_test

import (
	"math/big"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"switchyard/payments"
	"switchyard/router/rules"
)

const feePolicy = `
rates: {as_of: 2026-11-01, base: EUR, per_base: {USD: "1.08", PHP: "62.5", JPY: "163.45"}}
fees:
  gway_conf_alpha:
    - valid_from: 2026-01-01
      settlement: EUR
      attempt: "0.11 EUR"
      rows:
        - name: European debit
          when: {funding: debit, issuer_country: EEA}
          interchange: {bps: 20}
          scheme: {bps: 6, fixed: "0.02 EUR"}
          markup: {bps: 25}
        - when: {issuer_country: EEA}
          blended: {bps: 150, fixed: "0.25 EUR"}
          fx_bps: 100
    - valid_from: 2026-12-01
      rows: [{blended: {bps: 10}}]
  gway_conf_bravo: [{rows: [{blended: {bps: 140}}]}]
  gway_conf_dojo: [{rows: [{blended: {bps: 100, fixed: "100 JPY"}}]}]
default: {cheapest: [gway_conf_manila, gway_conf_alpha, gway_conf_bravo], fallback: [gway_conf_dojo]}
`

func TestFees(t *testing.T) {
	t.Parallel()
	p := mustCompile(t, feePolicy)
	usd := payments.Money{Minor: 60_00, Currency: "USD"}
	for _, tc := range []struct {
		name, gateway string
		change        func(f *rules.Facts)
		at            time.Time
		want          rules.Fee
		known         bool
	}{
		{
			"the first row that matches", "gway_conf_alpha", func(f *rules.Facts) { f.Funding = "debit" }, noon,
			rules.Fee{Currency: "EUR", Attempt: 11, Interchange: 12, Scheme: 4 + 2, Markup: 15, Row: "European debit"},
			true,
		},
		{"the next row", "gway_conf_alpha", func(*rules.Facts) {}, noon, rules.Fee{Currency: "EUR", Attempt: 11, Blended: 115, Row: "row 2"}, true},
		{"in dollars", "gway_conf_alpha", func(f *rules.Facts) { f.Amount = usd }, noon, // 0.11 and 0.25 euros are 0.1188 and 0.27 dollars
			rules.Fee{Currency: "USD", Attempt: 12, Blended: 90 + 27, FX: 60, Row: "row 2"}, true},
		{
			"in yen, which have no cents", "gway_conf_alpha", func(f *rules.Facts) { f.Amount = payments.Money{Minor: 1000, Currency: "JPY"} }, noon,
			rules.Fee{Currency: "JPY", Attempt: 18, Blended: 15 + 41, FX: 10, Row: "row 2"},
			true,
		},
		{"without a rate", "gway_conf_alpha", func(f *rules.Facts) { f.Amount.Currency = "GBP" }, noon, rules.Fee{}, false},
		{"without a row", "gway_conf_alpha", func(f *rules.Facts) { f.IssuerCountry = "US" }, noon, rules.Fee{}, false},
		{"before the first schedule", "gway_conf_alpha", func(*rules.Facts) {}, time.Date(2025, 12, 31, 23, 59, 59, 0, time.UTC), rules.Fee{}, false},
		{
			"from the first moment of a schedule", "gway_conf_alpha", func(*rules.Facts) {}, time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC),
			rules.Fee{Currency: "EUR", Blended: 6, Row: "row 1"},
			true,
		},
		{
			"nothing fixed, in any currency", "gway_conf_bravo", func(f *rules.Facts) { f.Amount.Currency = "GBP" }, noon,
			rules.Fee{Currency: "GBP", Blended: 84, Row: "row 1"},
			true,
		},
		{
			"fixed in yen", "gway_conf_dojo", func(*rules.Facts) {}, noon, // 100 yen are 0.6118 euros
			rules.Fee{Currency: "EUR", Blended: 60 + 61, Row: "row 1"}, true,
		},
		{"no schedule", "gway_conf_manila", func(*rules.Facts) {}, noon, rules.Fee{}, false},
	} {
		f := visa()
		tc.change(&f)
		got, known := p.Fees(tc.gateway, &f, tc.at)
		if diff := cmp.Diff(tc.want, got); known != tc.known || diff != "" {
			t.Errorf("%s: known %v\n%s", tc.name, known, diff)
		}
	}
	f := visa()
	fee, _ := p.Fees("gway_conf_alpha", &f, noon)
	if fee.Total() != 126 {
		t.Errorf("the total is %d", fee.Total())
	}
}

// TestFeesRound: a part is its share of the amount, halves away from zero, for any amount that there is.
func TestFeesRound(t *testing.T) {
	t.Parallel()
	p := mustCompile(t, feePolicy)
	rapid.Check(t, func(rt *rapid.T) {
		f := visa()
		f.Amount.Minor = rapid.OneOf(rapid.Int64(), rapid.Custom(func(t *rapid.T) int64 { // 1.4 % of 250 is 3.5
			return 250 * rapid.Int64Range(-9, 9).Draw(t, "halves")
		})).Draw(rt, "amount")
		got, known := p.Fees("gway_conf_bravo", &f, noon)
		exact := big.NewRat(f.Amount.Minor, 1)
		exact.Mul(exact, big.NewRat(140, 10_000))
		off := new(big.Rat).Sub(new(big.Rat).SetInt64(got.Blended), exact)
		half := big.NewRat(1, 2)
		if off.Abs(off).Cmp(half) > 0 || off.Cmp(half) == 0 && new(big.Rat).SetInt64(got.Blended).Cmp(exact)*exact.Sign() < 0 {
			rt.Fatalf("1.4 %% of %d is %d", f.Amount.Minor, got.Blended)
		}
		if small := f.Amount.Minor < 1<<50; small && !known {
			rt.Fatalf("the fee of %d is not known", f.Amount.Minor)
		}
	})
}

func TestCheapest(t *testing.T) {
	t.Parallel()
	p := mustCompile(t, feePolicy)
	for _, tc := range []struct {
		name string
		f    func(f *rules.Facts)
		want []string
	}{
		{"those without fees last", func(*rules.Facts) {}, []string{"gway_conf_bravo", "gway_conf_alpha", "gway_conf_manila", "gway_conf_dojo"}},
		{"by the payment's own fee", func(f *rules.Facts) { f.Funding = "debit" }, []string{"gway_conf_alpha", "gway_conf_bravo", "gway_conf_manila", "gway_conf_dojo"}},
	} {
		f := visa()
		tc.f(&f)
		_, r := p.Match(&f)
		if diff := cmp.Diff(tc.want, p.Order(r, &f, noon, nil)); diff != "" {
			t.Errorf("%s:\n%s", tc.name, diff)
		}
	}
}
