package learn_test

import (
	"bytes"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"switchyard/payments"
	"switchyard/router/learn"
)

func TestSaveAndLoad(t *testing.T) {
	t.Parallel()
	l, r := learn.New(learn.Settings{}), dice(7)
	teach(l, 0, 3000, 3, func(n, k int, _ string) payments.Result {
		if k == 0 && n > 2900 {
			return technical
		}
		return chance(r, 0.85+0.02*float64(2-k))
	})
	var file bytes.Buffer
	if err := l.Save(&file, at(3000)); err != nil {
		t.Fatal(err)
	}
	again := learn.New(learn.Settings{})
	if err := again.Load(bytes.NewReader(file.Bytes())); err != nil {
		t.Fatal(err)
	}
	a, b := l.Inspect(at(3000)), again.Inspect(at(3000))
	if got, want := fmt.Sprintf("%.6v", b.Gateways[0].Impairment), fmt.Sprintf("%.6v", a.Gateways[0].Impairment); got != want || b.Gateways[0].Impairment == nil {
		t.Errorf("impairment %s, not %s", got, want)
	}
	for i := range 200 {
		one, two := ask(l, card(i, "US"), candidates(3), at(3000)), ask(again, card(i, "US"), candidates(3), at(3000))
		if one.Order[0].Candidate != two.Order[0].Candidate || math.Abs(one.Propensity-two.Propensity) > 1e-9 {
			t.Fatalf("payment %d: %+v, after loading %+v", i, one.Order, two.Order)
		}
	}
	text := file.String()
	for name, broken := range map[string]string{
		"nothing":           "",
		"cut off":           text[:len(text)/2],
		"another version":   strings.Replace(text, `"version":1`, `"version":2`, 1),
		"an unknown field":  strings.Replace(text, `"version":1`, `"version":1,"x":1`, 1),
		"a gateway twice":   strings.Replace(text, `"gw_1"`, `"gw_0"`, 1),
		"no such variance":  strings.Replace(text, `"context":[`, `"context":[1000,`, 1),
		"no such level":     strings.Replace(text, `"level":0`, `"level":77`, 1),
		"no such illness":   strings.Replace(text, `"illness":"`, `"illness":"un`, 1),
		"negative counting": strings.Replace(text, `"recent":[`, `"recent":[-1,`, 1),
	} {
		if err := again.Load(strings.NewReader(broken)); err == nil {
			t.Errorf("%s: loaded", name)
		}
	}
	if got := again.Inspect(at(3000)); got.Outcomes != a.Outcomes {
		t.Error("a refused state has left a mark")
	}
}

func TestReset(t *testing.T) {
	t.Parallel()
	l := learn.New(learn.Settings{})
	teach(l, 0, 500, 2, func(_, _ int, _ string) payments.Result { return approved })
	for range 10 {
		l.Observe(ask(l, card(1, "DE"), candidates(1), at(500)).Ticket, learn.Outcome{Gateway: "gw_0", Result: technical}, at(500))
	}
	if l.Inspect(at(500)).Gateways[0].Impairment == nil {
		t.Fatal("nothing to reset")
	}
	if !l.Recover("gw_0") || l.Recover("gw_0") || l.Inspect(at(500)).Gateways[0].Impairment != nil {
		t.Error("an operator's word does not end an impairment")
	}
	if !l.ResetGateway("gw_1") || l.ResetGateway("gw_9") {
		t.Error("resetting a gateway")
	}
	for _, g := range l.Inspect(at(500)).Gateways {
		if g.Availability != 1 {
			t.Errorf("%s: %v", g.Gateway, g.Availability)
		}
	}
	l.Reset()
	if got := l.Inspect(at(500)); got.Outcomes != 0 || len(got.Gateways) != 0 || got.Groups != 0 {
		t.Errorf("left after a reset: %+v", got)
	}
}

func TestMerge(t *testing.T) {
	t.Parallel()
	here, there, r := learn.New(learn.Settings{}), learn.New(learn.Settings{}), dice(8)
	teach(there, 0, 4000, 2, func(_, k int, _ string) payments.Result { return chance(r, []float64{0.80, 0.92}[k]) })
	if err := here.Merge(there.Export(), at(4000)); err != nil {
		t.Fatal(err)
	}
	if got := here.Export(); len(got.Counts) != 0 {
		t.Errorf("what was merged is told on: %+v", got)
	}
	if got := there.Export(); len(got.Counts) != 0 {
		t.Errorf("told twice: %+v", got)
	}
	request := learn.Request{Payment: card(1, "DE"), Candidates: candidates(2), NoExplore: true, Now: at(4000)}
	if c := here.Choose(&request); c.Order[0].Candidate != 1 {
		t.Errorf("nothing was learnt of the other instance: %+v", c.Order)
	}
	teach(there, 4000, 60, 2, func(_, k int, _ string) payments.Result {
		if k == 1 {
			return technical
		}
		return approved
	})
	if err := here.Merge(there.Export(), at(4060)); err != nil {
		t.Fatal(err)
	}
	if c := here.Choose(&request); c.Order[0].Candidate != 0 {
		t.Errorf("an outage that the other instance saw is not left: %+v", c.Order)
	}
	if err := here.Merge(learn.Delta{Counts: []learn.Count{{Gateway: "gw_0", Approved: math.NaN()}}}, at(1)); err == nil {
		t.Error("a count that is no number was merged")
	}
}

func TestOverdue(t *testing.T) {
	t.Parallel()
	l, r := learn.New(learn.Settings{}), dice(9)
	if l.Overdue("gw_0", time.Hour) {
		t.Error("overdue at a gateway that was never seen")
	}
	for i := range 300 {
		c := ask(l, card(i, "DE"), candidates(1), at(i))
		took := time.Duration((0.8 + 0.4*r.Float64()) * float64(time.Second))
		l.Observe(c.Ticket, learn.Outcome{Gateway: "gw_0", Result: approved, Took: took}, at(i))
	}
	if l.Overdue("gw_0", time.Second) || !l.Overdue("gw_0", 10*time.Second) {
		t.Error("a second is usual there, and ten are not")
	}
}

func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	l, r := learn.New(learn.Settings{Groups: 100}), dice(10)
	for i := range 5000 {
		p := card(i, string([]byte{byte('A' + r.IntN(26)), byte('A' + r.IntN(26))}))
		p.IIN = fmt.Sprintf("%06d", r.IntN(1_000_000))
		c := ask(l, p, candidates(3), at(i))
		l.Observe(c.Ticket, learn.Outcome{Gateway: fmt.Sprintf("gw_%d", c.Order[0].Candidate), Result: approved}, at(i))
	}
	if got := l.Inspect(at(5000)).Groups; got > 100 {
		t.Errorf("%d groups", got)
	}
	for i := range 3000 {
		l.Observe(learn.Ticket{}, learn.Outcome{Gateway: fmt.Sprintf("x_%d", i), Result: approved}, at(5000))
	}
	if got := len(l.Inspect(at(5000)).Gateways); got > 1000 {
		t.Errorf("%d gateways", got)
	}
}

func TestFrozenLearnsNothing(t *testing.T) {
	t.Parallel()
	l := learn.New(learn.Settings{})
	teach(l, 0, 50, 2, func(_, _ int, _ string) payments.Result { return approved })
	before := l.Inspect(at(50))
	c := ask(l, card(1, "DE"), candidates(2), at(50))
	l.Observe(c.Ticket, learn.Outcome{Gateway: "gw_0", Result: technical, Frozen: true}, at(50))
	if after := l.Inspect(at(50)); !reflect.DeepEqual(before, after) {
		t.Errorf("learnt while frozen: %+v", after)
	}
}
