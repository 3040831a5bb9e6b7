// Package pace says how promised volumes stand, and what it is worth to send payments to whom a volume is missing. It is pure: the
// same commitment, volumes, rates and time give the same answer on every instance and after every restart.
//
// The pace is even: by the middle of the period, half of the volume should have been taken. What is behind has a price for each
// unit of amount, which rises in proportion to the shortfall up to what the PSP charges for a missing unit. At the beginning of the
// period that is reached at 5 % of the promised volume, and sooner as less time is left to make up for it.
package pace

import (
	"cmp"
	"maps"
	"math"
	"math/bits"
	"slices"
	"time"

	"switchyard/payments"
	"switchyard/router/rules"
)

// Standing is how one commitment stands. All amounts but NotCounted are in the currency of the promised volume.
type Standing struct {
	Gateway      string         `json:"gateway_configuration_id"`
	Period       string         `json:"period"`
	From         time.Time      `json:"from"`
	Until        time.Time      `json:"until"` // the beginning of the next period
	MinVolume    payments.Money `json:"min_volume"`
	ShortfallBPS int64          `json:"shortfall_bps"`
	Target       payments.Money `json:"target"` // what should have been taken by now
	Actual       payments.Money `json:"actual"`
	Shortfall    payments.Money `json:"shortfall"` // of the actual against the target
	// Price is what a unit of a payment's amount is worth there beside itself: 0.0015 is 15 basis points.
	Price      float64             `json:"price"`
	Currencies []payments.Currency `json:"currencies"`  // payments in these count
	NotCounted []payments.Money    `json:"not_counted"` // taken in other currencies
	// Expected is what will have been taken at the end of the period at the present pace, and Cost what will then have to be
	// paid for what is missing.
	Expected payments.Money `json:"expected"`
	Cost     payments.Money `json:"cost"`
}

// Stand says how a commitment stands. Volumes of other gateway configurations and other days are passed over; rates may be nil.
func Stand(c *rules.Commitment, rates *rules.Rates, volumes []payments.Volume, now time.Time) Standing {
	currency := c.MinVolume.Currency
	from, until := Bounds(c.Period, now)
	s := Standing{
		Gateway: c.Gateway, Period: c.Period, From: from, Until: until, MinVolume: c.MinVolume, ShortfallBPS: c.ShortfallBPS,
		Currencies: rates.Into(currency), NotCounted: []payments.Money{},
	}
	s.Actual.Currency = currency
	for _, taken := range sums(c.Gateway, volumes, from, until) {
		if converted, ok := rates.Convert(taken, currency); ok {
			s.Actual.Minor = add(s.Actual.Minor, converted)
		} else {
			s.NotCounted = append(s.NotCounted, taken)
		}
	}
	whole, gone := until.Sub(from), now.Sub(from)
	money := func(minor int64) payments.Money { return payments.Money{Minor: minor, Currency: currency} }
	s.Target = money(scale(c.MinVolume.Minor, int64(gone), int64(whole)))
	s.Shortfall = money(max(s.Target.Minor-s.Actual.Minor, 0))
	s.Expected = money(c.MinVolume.Minor) // of a period that has just begun, nothing else can be said
	if gone > 0 {
		s.Expected.Minor = scale(s.Actual.Minor, int64(whole), int64(gone))
	}
	s.Cost = money(scale(max(c.MinVolume.Minor-s.Expected.Minor, 0), c.ShortfallBPS, fullBPS))
	s.Price = price(&s, float64(until.Sub(now))/float64(whole))
	return s
}

const fullBPS = 10_000

// The shortfall at which the price is full is this part of the promised volume, times the part of the period that is left, of which
// no less than leastLeft counts.
const (
	band      = 0.05
	leastLeft = 0.1
)

// price is zero on the pace and before it, and when the volume is reached, since the target is never above that.
func price(s *Standing, left float64) float64 {
	if s.Shortfall.Minor <= 0 {
		return 0
	}
	full := band * max(left, leastLeft) * float64(s.MinVolume.Minor)
	return float64(s.ShortfallBPS) / fullBPS * min(1, float64(s.Shortfall.Minor)/full)
}

// sums adds up what was taken at a gateway configuration within a period, by currency in the order of their codes.
func sums(gateway string, volumes []payments.Volume, from, until time.Time) []payments.Money {
	byCurrency := map[payments.Currency]int64{}
	for i := range volumes {
		if v := &volumes[i]; v.GatewayConfigurationID == gateway && !v.Day.Before(from) && v.Day.Before(until) {
			byCurrency[v.Amount.Currency] = add(byCurrency[v.Amount.Currency], v.Amount.Minor)
		}
	}
	list := make([]payments.Money, 0, len(byCurrency))
	for _, c := range slices.SortedFunc(maps.Keys(byCurrency), cmp.Compare) {
		list = append(list, payments.Money{Minor: byCurrency[c], Currency: c})
	}
	return list
}

// Bounds are the beginning of the period that a time is in, and of the next one, in UTC.
func Bounds(period string, now time.Time) (from, until time.Time) {
	year, month, _ := now.UTC().Date()
	months := 1
	switch period {
	case "quarter":
		months, month = 3, (month-1)/3*3+1
	case "year":
		months, month = 12, time.January
	}
	from = time.Date(year, month, 1, 0, 0, 0, 0, time.UTC)
	return from, from.AddDate(0, months, 0)
}

// Since is the earliest beginning of a period that any of the commitments is in.
func Since(commitments []rules.Commitment, now time.Time) time.Time {
	since := now
	for i := range commitments {
		if from, _ := Bounds(commitments[i].Period, now); from.Before(since) {
			since = from
		}
	}
	return since
}

// scale is an amount times part over whole, rounded to the minor unit, halves up; as much as there can be when that is more. None is
// negative, and whole is not zero.
func scale(amount, part, whole int64) int64 {
	high, low := bits.Mul64(uint64(amount), uint64(part)) //nolint:gosec // not negative
	low, carry := bits.Add64(low, uint64(whole)/2, 0)     //nolint:gosec // not negative
	high += carry
	if high >= uint64(whole) { //nolint:gosec // not negative
		return math.MaxInt64
	}
	quotient, _ := bits.Div64(high, low, uint64(whole)) //nolint:gosec // not negative
	return int64(min(quotient, math.MaxInt64))
}

// add is a sum, or as much as there can be.
func add(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}
