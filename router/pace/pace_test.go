package pace_test

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"switchyard/payments"
	"switchyard/router/pace"
	"switchyard/router/rules"
)

var rates = &rules.Rates{Base: "EUR", PerBase: map[payments.Currency]string{"USD": "1.25", "JPY": "160"}}

func eur(minor int64) payments.Money { return payments.Money{Minor: minor, Currency: "EUR"} }

func at(year int, month time.Month, day, hour int) time.Time {
	return time.Date(year, month, day, hour, 0, 0, 0, time.UTC)
}

func taken(gateway string, day time.Time, minor int64, c payments.Currency) payments.Volume {
	return payments.Volume{GatewayConfigurationID: gateway, Day: day, Amount: payments.Money{Minor: minor, Currency: c}}
}

func TestBounds(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		period      string
		now         time.Time
		from, until time.Time
	}{
		{"month", at(2026, 11, 20, 12), at(2026, 11, 1, 0), at(2026, 12, 1, 0)},
		{"month", at(2026, 12, 31, 23), at(2026, 12, 1, 0), at(2027, 1, 1, 0)},
		{"month", time.Date(2026, 12, 1, 3, 0, 0, 0, time.FixedZone("Manila", 8*3600)), at(2026, 11, 1, 0), at(2026, 12, 1, 0)},
		{"quarter", at(2026, 1, 1, 0), at(2026, 1, 1, 0), at(2026, 4, 1, 0)},
		{"quarter", at(2026, 11, 20, 12), at(2026, 10, 1, 0), at(2027, 1, 1, 0)},
		{"year", at(2028, 2, 29, 12), at(2028, 1, 1, 0), at(2029, 1, 1, 0)},
	} {
		if from, until := pace.Bounds(tc.period, tc.now); !from.Equal(tc.from) || !until.Equal(tc.until) {
			t.Errorf("%s at %s: %s to %s", tc.period, tc.now, from, until)
		}
	}
	list := []rules.Commitment{{Period: "month"}, {Period: "quarter"}}
	if since := pace.Since(list, at(2026, 11, 20, 12)); !since.Equal(at(2026, 10, 1, 0)) {
		t.Errorf("since %s", since)
	}
}

func TestStand(t *testing.T) {
	t.Parallel()
	promised := rules.Commitment{Gateway: "alpha", Period: "month", MinVolume: eur(3_000_000_00), ShortfallBPS: 20}
	middle := at(2026, 11, 16, 0) // half of the month is over: the target is 1.5 million, the price is full at 75,000 behind
	for _, tc := range []struct {
		name     string
		volumes  []payments.Volume
		now      time.Time
		target   int64
		actual   int64
		behind   int64
		price    float64
		not      []payments.Money
		expected int64
		cost     int64
	}{
		{"at the beginning", nil, at(2026, 11, 1, 0), 0, 0, 0, 0, nil, 3_000_000_00, 0},
		{"nothing was taken", nil, middle, 1_500_000_00, 0, 1_500_000_00, 0.002, nil, 0, 6_000_00},
		{
			"on the pace",
			[]payments.Volume{taken("alpha", at(2026, 11, 1, 0), 1_500_000_00, "EUR")},
			middle, 1_500_000_00, 1_500_000_00, 0, 0, nil, 3_000_000_00, 0,
		},
		{
			"a little behind",
			[]payments.Volume{taken("alpha", at(2026, 11, 3, 0), 1_000_000_00, "EUR"), taken("alpha", at(2026, 11, 15, 0), 485_000_00, "EUR")},
			middle, 1_500_000_00, 1_485_000_00, 15_000_00, 0.0004, nil, 2_970_000_00, 60_00,
		},
		{
			"more than promised",
			[]payments.Volume{taken("alpha", at(2026, 11, 3, 0), 4_000_000_00, "EUR")},
			middle, 1_500_000_00, 4_000_000_00, 0, 0, nil, 8_000_000_00, 0,
		},
		{
			"other currencies",
			[]payments.Volume{
				taken("alpha", at(2026, 11, 3, 0), 625_000_00, "USD"), taken("alpha", at(2026, 11, 4, 0), 625_000_00, "USD"),
				taken("alpha", at(2026, 11, 3, 0), 16_000_000, "JPY"), taken("alpha", at(2026, 11, 3, 0), 7_00, "PHP"), taken("alpha", at(2026, 11, 4, 0), 1_00, "PHP"),
			},
			middle, 1_500_000_00, 1_100_000_00, 400_000_00, 0.002,
			[]payments.Money{{Minor: 8_00, Currency: "PHP"}},
			2_200_000_00, 1_600_00,
		},
		{
			"of others, and of other months",
			[]payments.Volume{
				taken("bravo", at(2026, 11, 3, 0), 4_000_000_00, "EUR"), taken("alpha", at(2026, 10, 31, 0), 4_000_000_00, "EUR"), taken("alpha", at(2026, 12, 1, 0), 4_000_000_00, "EUR"),
			},
			middle, 1_500_000_00, 0, 1_500_000_00, 0.002, nil, 0, 6_000_00,
		},
		{
			"near the end, a little counts more",
			[]payments.Volume{taken("alpha", at(2026, 11, 3, 0), 2_900_000_00, "EUR")},
			at(2026, 11, 30, 0), 2_900_000_00, 2_900_000_00, 0, 0, nil, 3_000_000_00, 0,
		},
		{
			"near the end, the price is full at a tenth of what it was",
			[]payments.Volume{taken("alpha", at(2026, 11, 3, 0), 2_892_500_00, "EUR")},
			at(2026, 11, 30, 0), 2_900_000_00, 2_892_500_00, 7_500_00, 0.001, nil, 2_992_241_38, 15_52,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := pace.Stand(&promised, rates, tc.volumes, tc.now)
			want := s // what is not looked at below
			want.Target, want.Actual, want.Shortfall, want.Expected, want.Cost = eur(tc.target), eur(tc.actual), eur(tc.behind), eur(tc.expected), eur(tc.cost)
			want.NotCounted = append([]payments.Money{}, tc.not...)
			want.Currencies = []payments.Currency{"EUR", "JPY", "USD"}
			if diff := cmp.Diff(want, s); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if math.Abs(s.Price-tc.price) > 1e-12 {
				t.Errorf("the price is %v, want %v", s.Price, tc.price)
			}
		})
	}
}

// TestPrice: whatever was promised, taken and when, the price is never negative and never above what is paid for a missing unit,
// nothing once the volume is reached, no less when more is missing, and full when 5 % of the volume is.
func TestPrice(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		amount := rapid.OneOf(rapid.Int64Range(0, 1_000_000_00), rapid.Int64Range(0, math.MaxInt64))
		promised := rules.Commitment{
			Gateway: "alpha", Period: rapid.SampledFrom([]string{"month", "quarter", "year"}).Draw(t, "period"),
			MinVolume: eur(amount.Draw(t, "promised")), ShortfallBPS: rapid.Int64Range(0, 10_000).Draw(t, "bps"),
		}
		now := at(2026, 1, 1, 0).Add(time.Duration(rapid.Int64Range(0, int64(3*366*24*time.Hour)).Draw(t, "now")))
		from, until := pace.Bounds(promised.Period, now)
		if now.Before(from) || !now.Before(until) {
			t.Fatalf("%s is not within %s and %s", now, from, until)
		}
		stand := func(minor int64) pace.Standing {
			return pace.Stand(&promised, rates, []payments.Volume{taken("alpha", from, minor, "EUR")}, now)
		}
		less, more := amount.Draw(t, "taken"), amount.Draw(t, "taken")
		less, more = min(less, more), max(less, more)
		behind, ahead := stand(less), stand(more)
		highest := float64(promised.ShortfallBPS) / 10_000
		for _, s := range []pace.Standing{behind, ahead} {
			if !(s.Price >= 0 && s.Price <= highest) {
				t.Fatalf("the price %v is not within 0 and %v: %+v", s.Price, highest, s)
			}
			if s.Actual.Minor >= promised.MinVolume.Minor && s.Price != 0 {
				t.Fatalf("reached, and the price is %v: %+v", s.Price, s)
			}
			if s.Target.Minor < 0 || s.Target.Minor > promised.MinVolume.Minor || s.Shortfall.Minor < 0 || s.Cost.Minor < 0 || s.Cost.Minor > promised.MinVolume.Minor {
				t.Fatalf("%+v", s)
			}
			if s.Shortfall.Minor > promised.MinVolume.Minor/20+1 && s.Price != highest {
				t.Fatalf("the price %v is not full: %+v", s.Price, s)
			}
		}
		if ahead.Price > behind.Price {
			t.Fatalf("%v is worth more than %v, although less is missing", ahead.Price, behind.Price)
		}
	})
}
