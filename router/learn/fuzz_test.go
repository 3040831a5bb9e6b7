package learn_test

import (
	"bytes"
	"math"
	"testing"
	"time"

	"switchyard/payments"
	"switchyard/router/learn"
)

// FuzzLoad feeds arbitrary bytes to the decoder of saved states: what is accepted must work.
func FuzzLoad(f *testing.F) {
	l, r := learn.New(learn.Settings{}), dice(1)
	teach(l, 0, 200, 2, func(n, k int, _ string) payments.Result {
		if k == 0 && n > 150 {
			return technical
		}
		return chance(r, 0.9)
	})
	var file bytes.Buffer
	if err := l.Save(&file, at(200)); err != nil {
		f.Fatal(err)
	}
	f.Add(file.Bytes())
	f.Add([]byte(`{"version":1}`))
	f.Add([]byte(`{"version":1,"outcomes":5,"gateways":[{"id":"a"}],"rows":[{"key":1,"level":5,"context":[0,1,0],"gateways":[[0,1,1]]}]}`))
	f.Fuzz(func(t *testing.T, state []byte) {
		l := learn.New(learn.Settings{Groups: 64})
		if err := l.Load(bytes.NewReader(state)); err != nil {
			return
		}
		play(t, l, card(1, "DE"))
	})
}

// FuzzChoose asks about odd payments.
func FuzzChoose(f *testing.F) {
	f.Add("pay_1", "card", "visa", "DE", "411111", "EUR", int64(100), 0.1, 0.2, 5.0, 1.0, int64(0), uint8(3))
	f.Add("", "", "", "", "", "", int64(math.MinInt64), math.NaN(), math.Inf(1), math.Inf(-1), math.NaN(), int64(math.MaxInt64), uint8(200))
	f.Add("p", "card", "visa", "DE", "411111", "EUR", int64(5), 1.0, 1.0, math.NaN(), 0.1, int64(1), uint8(5))
	f.Add("p", "card", "visa", "DE", "411111", "EUR", int64(5), math.Inf(1), 1.0, 1.0, 0.1, int64(1), uint8(5))
	f.Fuzz(func(
		t *testing.T, id, method, scheme, country, iin, currency string, minor int64, margin, loss, fee, bound float64, when int64, n uint8,
	) {
		list := candidates(int(n))
		for i := range list {
			list[i].Fee, list[i].Attempt, list[i].Shadow = fee, fee*float64(i), loss
		}
		l := learn.New(learn.Settings{})
		request := learn.Request{
			Payment: learn.Payment{
				ID: id, Method: method, Scheme: payments.Scheme(scheme), Country: country, IIN: iin,
				Amount: payments.Money{Minor: minor, Currency: payments.Currency(currency)},
			},
			Candidates: list, Value: learn.Value{Margin: margin, MaxAuthLoss: loss},
			Limits: learn.Limits{Cap: bound, Floor: bound}, Now: time.Unix(0, when),
		}
		for range 3 {
			c := l.Choose(&request)
			if len(c.Order) != len(list) {
				t.Fatalf("%d of %d candidates", len(c.Order), len(list))
			}
			if len(list) == 0 {
				return
			}
			sum := 0.0
			for _, o := range c.Order {
				sum += o.Propensity
			}
			if math.Abs(sum-1) > 1e-9 {
				t.Fatalf("propensities sum to %v", sum)
			}
			if !(c.Propensity > 0 && c.Propensity <= 1) {
				t.Fatalf("propensity %v", c.Propensity)
			}
			l.Observe(c.Ticket, learn.Outcome{Gateway: "gw_0", Result: declined, Took: time.Duration(when)}, time.Unix(0, when))
		}
		play(t, l, request.Payment)
	})
}

func play(t *testing.T, l *learn.Learner, p learn.Payment) {
	t.Helper()
	for i := range 20 {
		c := l.Choose(&learn.Request{Payment: p, Candidates: candidates(3), Now: at(i)})
		sum := 0.0
		for _, o := range c.Order {
			sum += o.Propensity
			if math.IsNaN(o.Value) || o.Approval < 0 || o.Approval > 1 || o.Availability < 0 || o.Availability > 1 {
				t.Fatalf("%+v", o)
			}
		}
		if math.Abs(sum-1) > 1e-9 {
			t.Fatalf("propensities sum to %v", sum)
		}
		result := []payments.Result{approved, declined, technical}[i%3]
		l.Observe(c.Ticket, learn.Outcome{Gateway: "gw_1", Result: result, Unknown: i%7 == 0, Resolves: i%5 == 0}, at(i))
	}
	l.Inspect(at(20))
	var out bytes.Buffer
	if err := l.Save(&out, at(20)); err != nil {
		t.Fatal(err)
	}
	if err := l.Merge(l.Export(), at(20)); err != nil {
		t.Fatal(err)
	}
}
