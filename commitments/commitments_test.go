package commitments_test

import (
	"context"
	"errors"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"switchyard/commitments"
	"switchyard/payments"
	"switchyard/router"
)

// worth is what a payment of 1,000 in a currency is worth at alpha beside itself, in minor units.
func worth(r *router.Router, c payments.Currency) int64 {
	d := r.Decide(payments.Facts{InvoiceID: "iv_1", Operation: payments.OpSale, HasCard: true, Amount: payments.Money{Minor: 1_000_00, Currency: c}})
	for i := range d.Candidates {
		if d.Candidates[i].GatewayConfigurationID == "alpha" {
			return d.Candidates[i].Estimate.PromiseMinor
		}
	}
	return math.MinInt64
}

// TestWatcher: the prices are made at the start, every minute, and when another policy is in force.
func TestWatcher(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // begins at midnight of the first of January 2000
		time.Sleep(15 * 24 * time.Hour)
		store := counts{}
		r := router.New(compile(t, certain+promised+dear), router.Settings{})
		w := commitments.New(commitments.Options{Store: store, Router: r})
		want := func(when string, eur, usd, php int64) {
			t.Helper()
			for c, want := range map[payments.Currency]int64{"EUR": eur, "USD": usd, "PHP": php} {
				if got := worth(r, c); got != want {
					t.Errorf("%s, a payment in %s is worth %d, want %d", when, c, got, want)
				}
			}
		}
		want("before the start", 0, 0, 0)
		if err := w.Update(t.Context()); err != nil {
			t.Fatal(err)
		}
		want("at the start", 1_50, 1_50, 0)
		store.add("alpha", time.Now(), payments.Money{Minor: 200_000_00, Currency: "EUR"})
		w.Start()
		time.Sleep(30 * time.Second)
		want("within the minute", 1_50, 1_50, 0)
		time.Sleep(31 * time.Second)
		want("a minute later", 0, 0, 0)

		r.Swap(compile(t, certain+"commitments: [{gateway: alpha, min_volume: \"100000000 PHP\", shortfall_bps: 20}]\n"+dear))
		time.Sleep(2 * time.Second)
		want("by another policy", 0, 0, 2_00)
		r.Swap(compile(t, certain+dear))
		time.Sleep(2 * time.Second)
		want("without promises", 0, 0, 0)
		if err := w.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestTwoPromises: a payment that counts towards two volumes is worth both.
func TestTwoPromises(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(15 * 24 * time.Hour)
		r := router.New(compile(t, certain+`
commitments:
  - {gateway: alpha, min_volume: "250000 EUR", shortfall_bps: 15}
  - {gateway: alpha, min_volume: "3000000 USD", shortfall_bps: 7, period: year}
  - {gateway: bravo, min_volume: "1000000 EUR", shortfall_bps: 0}
`+dear), router.Settings{})
		w := commitments.New(commitments.Options{Store: counts{}, Router: r})
		if err := w.Update(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := worth(r, "EUR"); got <= 1_50 || got > 2_20 {
			t.Errorf("worth %d", got)
		}
		list, err := w.Standings(t.Context())
		if err != nil || len(list) != 3 || list[1].Period != "year" || list[2].Price != 0 {
			t.Errorf("%+v, %v", list, err)
		}
	})
}

type broken struct{}

func (broken) Volumes(context.Context, time.Time) ([]payments.Volume, error) {
	return nil, errors.New("the disk is full")
}

// TestStoreFails: the prices of another policy do not stay.
func TestStoreFails(t *testing.T) {
	t.Parallel()
	r := router.New(compile(t, certain+promised+dear), router.Settings{})
	r.SetPrices(router.Prices{{Gateway: "alpha", Currency: "EUR"}: 0.001})
	w := commitments.New(commitments.Options{Store: broken{}, Router: r})
	if err := w.Update(t.Context()); err == nil {
		t.Error("no error")
	}
	if got := worth(r, "EUR"); got != 0 {
		t.Errorf("worth %d", got)
	}
	r.SetPrices(router.Prices{{Gateway: "alpha", Currency: "EUR"}: 0.001})
	if err := w.Update(t.Context()); err == nil || worth(r, "EUR") != 1_00 {
		t.Errorf("%v, worth %d: the last prices of the same policy stay", err, worth(r, "EUR"))
	}
}
