package backtest_test

import (
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"switchyard/payments"
	"switchyard/router/backtest"
)

var currencies = []payments.Currency{"EUR", "JPY", "KWD"}

// drawRecord makes a payment. Probabilities are multiples of 1/64, so that the naive sums below are exact too; certain makes
// the candidate leave nothing to chance.
func drawRecord(t *rapid.T, certain bool) backtest.Record {
	r := backtest.Record{
		Payment: "pay", Segment: rapid.SampledFrom(segmentNames[:3]).Draw(t, "segment"),
		Amount:   payments.Money{Minor: rapid.Int64Range(0, 1<<40).Draw(t, "amount"), Currency: rapid.SampledFrom(currencies).Draw(t, "currency")},
		Explored: rapid.Bool().Draw(t, "explored"),
	}
	switch rapid.IntRange(0, 5).Draw(t, "old") {
	case 0:
		r.Blocked = rapid.Bool().Draw(t, "blocked")
	case 1:
		r.Gateway, r.Propensity = rapid.SampledFrom(gateways).Draw(t, "gateway"), 1
	default:
		var possible []int
		for g, p := range drawShares(t, "old shares") {
			r.Old = append(r.Old, backtest.Chance{Gateway: gateways[g], Propensity: p})
			if p > 0 {
				possible = append(possible, g)
			}
		}
		picked := rapid.SampledFrom(possible).Draw(t, "picked")
		r.Gateway, r.Propensity = gateways[picked], r.Old[picked].Propensity
	}
	if r.Gateway != "" {
		r.Cost = drawCost(t)
		r.Known = rapid.Bool().Draw(t, "known")
		r.Approved = r.Known && rapid.Bool().Draw(t, "approved")
	}
	switch {
	case rapid.IntRange(0, 5).Draw(t, "new") == 0:
		r.NewBlocked = rapid.Bool().Draw(t, "new blocked")
	case certain:
		r.New = []backtest.Choice{{Gateway: rapid.SampledFrom(gateways).Draw(t, "to"), Propensity: 1, Cost: drawCost(t)}}
	default:
		for g, p := range drawShares(t, "new shares") {
			r.New = append(r.New, backtest.Choice{Gateway: gateways[g], Propensity: p, Cost: drawCost(t)})
		}
	}
	return r
}

func drawCost(t *rapid.T) backtest.Cost {
	return backtest.Cost{Minor: rapid.Int64Range(0, 1<<30).Draw(t, "cost"), Known: rapid.IntRange(0, 9).Draw(t, "fee") > 0}
}

// drawShares cuts 64 into a part for each gateway.
func drawShares(t *rapid.T, label string) []float64 {
	shares, rest := make([]float64, len(gateways)), 64
	for g := range shares {
		part := rest
		if g < len(shares)-1 {
			part = rapid.IntRange(0, rest).Draw(t, label)
		}
		shares[g] = float64(part) / 64
		rest -= part
	}
	return shares
}

type flow struct {
	from, to string
	currency payments.Currency
}

// naive computes the same tables with fractions, straight from the definition.
type naive struct {
	payments, amounts map[flow]*big.Rat
	costs             map[payments.Currency]*[2]big.Rat
	compared          map[payments.Currency]int
	withoutFee        int
}

func (n *naive) add(r *backtest.Record) {
	from := spot(r.Gateway, r.Blocked)
	ends := map[string]*big.Rat{}
	if len(r.New) == 0 {
		ends[spot("", r.NewBlocked)] = big.NewRat(1, 1)
	} else {
		ends = arrivals(r)
	}
	feesKnown, both := r.Cost.Known, new(big.Rat)
	for to, share := range ends {
		if share.Sign() == 0 {
			continue
		}
		put(n.payments, flow{from, to, r.Amount.Currency}, share)
		put(n.amounts, flow{from, to, r.Amount.Currency}, new(big.Rat).Mul(share, new(big.Rat).SetInt64(r.Amount.Minor)))
		for _, c := range r.New {
			if c.Gateway == to {
				feesKnown = feesKnown && c.Cost.Known
				both.Add(both, new(big.Rat).Mul(share, new(big.Rat).SetInt64(c.Cost.Minor)))
			}
		}
	}
	if r.Gateway == "" || len(r.New) == 0 {
		return
	}
	if !feesKnown {
		n.withoutFee++
		return
	}
	if n.costs[r.Amount.Currency] == nil {
		n.costs[r.Amount.Currency] = &[2]big.Rat{}
	}
	sums := n.costs[r.Amount.Currency]
	sums[0].Add(&sums[0], new(big.Rat).SetInt64(r.Cost.Minor))
	sums[1].Add(&sums[1], both)
	n.compared[r.Amount.Currency]++
}

// arrivals is where a payment ends: it stays with the share of the new probability in the old one, and otherwise goes to the
// gateways that gain, in proportion.
func arrivals(r *backtest.Record) map[string]*big.Rat {
	old, now := map[string]*big.Rat{}, map[string]*big.Rat{}
	for _, g := range gateways {
		old[g], now[g] = new(big.Rat), new(big.Rat)
	}
	for _, c := range r.Old {
		old[c.Gateway].SetFloat64(c.Propensity)
	}
	if len(r.Old) == 0 && r.Gateway != "" {
		old[r.Gateway].SetInt64(1)
	}
	for _, c := range r.New {
		now[c.Gateway].SetFloat64(c.Propensity)
	}
	ends, gains := map[string]*big.Rat{}, new(big.Rat)
	for _, g := range gateways {
		if gain := new(big.Rat).Sub(now[g], old[g]); gain.Sign() > 0 {
			gains.Add(gains, gain)
		}
	}
	stay := new(big.Rat)
	if r.Gateway != "" {
		stay.Quo(now[r.Gateway], old[r.Gateway])
		if stay.Cmp(big.NewRat(1, 1)) > 0 {
			stay.SetInt64(1)
		}
	}
	leave := new(big.Rat).Sub(big.NewRat(1, 1), stay)
	for _, g := range gateways {
		ends[g] = new(big.Rat)
		if gain := new(big.Rat).Sub(now[g], old[g]); gain.Sign() > 0 && leave.Sign() > 0 {
			ends[g].Mul(leave, gain.Quo(gain, gains))
		}
		if g == r.Gateway {
			ends[g].Add(ends[g], stay)
		}
	}
	return ends
}

func spot(gateway string, blocked bool) string {
	switch {
	case gateway != "":
		return gateway
	case blocked:
		return backtest.ToBlocked
	}
	return backtest.ToNowhere
}

func put(m map[flow]*big.Rat, key flow, v *big.Rat) {
	if m[key] == nil {
		m[key] = new(big.Rat)
	}
	m[key].Add(m[key], v)
}

// near compares with what the fractions say: exactly when they are whole, and to a billionth or the next minor unit otherwise.
func near(t *rapid.T, what string, got float64, want *big.Rat, slack float64) {
	exact, _ := want.Float64()
	if want.IsInt() {
		slack = 0
	}
	if math.Abs(got-exact) > slack {
		t.Fatalf("%s: %v, want %v", what, got, exact)
	}
}

// TestTablesAreExact compares moves and costs with fractions, for candidates with and without chance.
func TestTablesAreExact(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		certain := rapid.Bool().Draw(t, "certain")
		want := naive{
			payments: map[flow]*big.Rat{}, amounts: map[flow]*big.Rat{},
			costs: map[payments.Currency]*[2]big.Rat{}, compared: map[payments.Currency]int{},
		}
		p := backtest.New(backtest.Settings{})
		n := rapid.IntRange(0, 30).Draw(t, "payments")
		for range n {
			r := drawRecord(t, certain)
			want.add(&r)
			if err := p.Add(&r); err != nil {
				t.Fatal(err)
			}
		}
		compare(t, p.Report(), &want, n, certain)
	})
}

func compare(t *rapid.T, got backtest.Report, want *naive, n int, certain bool) {
	stays, total := new(big.Rat), 0.0
	for key, share := range want.payments {
		if key.from == key.to {
			stays.Add(stays, share)
			delete(want.payments, key)
		}
	}
	near(t, "kept", got.Kept, stays, 1e-9)
	for _, m := range got.Moves {
		key := flow{m.From, m.To, m.Amount.Currency}
		if want.payments[key] == nil {
			t.Fatalf("%+v: nothing moves there", m)
		}
		if certain && m.Payments != math.Trunc(m.Payments) {
			t.Fatalf("%+v: a candidate without chance moves whole payments", m)
		}
		near(t, "payments", m.Payments, want.payments[key], 1e-9)
		near(t, "amount", float64(m.Amount.Minor), want.amounts[key], 0.5001)
		delete(want.payments, key)
		total += m.Payments
	}
	if len(want.payments) > 0 {
		t.Fatalf("moves are missing: %v", want.payments)
	}
	if math.Abs(total+got.Kept-float64(n)) > 1e-9 || math.Abs(got.Moved-total) > 1e-9 {
		t.Fatalf("%v kept and %v moved (%v in the table) of %d", got.Kept, got.Moved, total, n)
	}
	if got.WithoutFee != want.withoutFee || len(got.Costs) != len(want.costs) {
		t.Fatalf("costs %+v, without a fee %d; want %d currencies, %d", got.Costs, got.WithoutFee, len(want.costs), want.withoutFee)
	}
	for _, c := range got.Costs {
		near(t, "old cost", float64(c.Old), &want.costs[c.Currency][0], 0)
		near(t, "new cost", float64(c.New), &want.costs[c.Currency][1], 0.5001)
		if c.Payments != want.compared[c.Currency] {
			t.Fatalf("%d payments with costs in %s, want %d", c.Payments, c.Currency, want.compared[c.Currency])
		}
	}
}

// TestSameTwice: a candidate that chooses as the log did moves nothing, costs the same and changes no approval.
func TestSameTwice(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := backtest.New(backtest.Settings{})
		n := rapid.IntRange(1, 20).Draw(t, "payments")
		for range n {
			r := drawRecord(t, false)
			r.New, r.NewBlocked = nil, r.Blocked
			for _, c := range r.Old {
				r.New = append(r.New, backtest.Choice{Gateway: c.Gateway, Propensity: c.Propensity, Cost: r.Cost})
			}
			if len(r.Old) == 0 && r.Gateway != "" {
				r.New = []backtest.Choice{{Gateway: r.Gateway, Propensity: 1, Cost: r.Cost}}
			}
			if err := p.Add(&r); err != nil {
				t.Fatal(err)
			}
		}
		r := p.Report()
		if len(r.Moves) > 0 || r.Kept != float64(n) || r.Approval.Difference.Low != 0 && r.Approval.Payments > 0 {
			t.Fatalf("%+v", r)
		}
		for _, c := range r.Costs {
			if c.Old != c.New {
				t.Fatalf("%+v", c)
			}
		}
	})
}

// TestEstimatesAreSound: whatever the log, rates and their limits are in order and in bounds, and the report can be written.
func TestEstimatesAreSound(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := backtest.New(backtest.Settings{Bound: rapid.Float64Range(1, 50).Draw(t, "bound")})
		for range rapid.IntRange(0, 40).Draw(t, "payments") {
			r := drawRecord(t, false)
			if err := p.Add(&r); err != nil {
				t.Fatal(err)
			}
		}
		r := p.Report()
		ordered := func(e backtest.Estimate, least float64) {
			if !(least <= e.Low && e.Low <= e.Rate && e.Rate <= e.High && e.High <= 1) {
				t.Fatalf("%+v in %+v", e, r.Approval)
			}
		}
		ordered(r.Approval.Old, 0)
		ordered(r.Approval.New, 0)
		ordered(r.Approval.Difference, -1)
		c := r.Coverage
		if !(0 <= c.NeverAtAll && c.NeverAtAll <= c.NeverInSegment && c.NeverInSegment <= c.Untried && c.Untried <= 1+1e-9) {
			t.Fatalf("%+v", c)
		}
		if r.String() == "" || r.Supported != (len(r.Warnings) == 0) {
			t.Fatalf("%+v", r)
		}
	})
}
