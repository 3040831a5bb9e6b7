package learn_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"sync"
	"testing"
	"time"

	"switchyard/payments"
	"switchyard/router/learn"
)

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func at(n int) time.Time { return start.Add(time.Duration(n) * time.Second) }

var (
	approved   = payments.Result{Outcome: payments.Outcome{Status: payments.Approved}}
	declined   = payments.Result{Outcome: payments.Outcome{Status: payments.Declined, Code: payments.CardDoNotHonor}}
	noMoney    = payments.Result{Outcome: payments.Outcome{Status: payments.Declined, Code: payments.CardNoMoney}}
	badCVC     = payments.Result{Outcome: payments.Outcome{Status: payments.Declined, Code: payments.CardFailedCVC}}
	technical  = payments.Result{Fault: &payments.Fault{Kind: payments.NeverSent}}
	misconfig  = payments.Result{Fault: &payments.Fault{Kind: payments.Misconfigured}}
	unresolved = payments.Result{Fault: &payments.Fault{Kind: payments.Unknown}}
)

func card(n int, country string) learn.Payment {
	return learn.Payment{
		ID: fmt.Sprintf("pay_%d", n), Method: "card", Scheme: payments.SchemeVisa, Country: country, IIN: "411111",
		Amount: payments.Money{Minor: 4000, Currency: "EUR"},
	}
}

func candidates(n int) []learn.Candidate {
	list := make([]learn.Candidate, n)
	for i := range list {
		list[i].Gateway = fmt.Sprintf("gw_%d", i)
	}
	return list
}

func ask(l *learn.Learner, p learn.Payment, list []learn.Candidate, now time.Time) learn.Choice {
	return l.Choose(&learn.Request{Payment: p, Candidates: list, Policy: "v1", Now: now})
}

// teach plays n payments to the learner; the truth says how likely success is.
func teach(l *learn.Learner, from, n, gateways int, truth func(n, gateway int, country string) payments.Result) {
	list := candidates(gateways)
	for i := from; i < from+n; i++ {
		country := [...]string{"DE", "US", "GB"}[i%3]
		c := ask(l, card(i, country), list, at(i))
		k := c.Order[0].Candidate
		l.Observe(c.Ticket, learn.Outcome{Gateway: list[k].Gateway, Result: truth(i, k, country)}, at(i))
	}
}

func chance(r *rand.Rand, p float64) payments.Result {
	if r.Float64() < p {
		return approved
	}
	return declined
}

func dice(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

func TestLearnsTheBetterGatewayBySegment(t *testing.T) {
	t.Parallel()
	l, r := learn.New(learn.Settings{}), dice(1)
	teach(l, 0, 6000, 2, func(_, k int, country string) payments.Result {
		good := 0
		if country == "US" {
			good = 1
		}
		if k == good {
			return chance(r, 0.92)
		}
		return chance(r, 0.80)
	})
	for country, want := range map[string]int{"DE": 0, "GB": 0, "US": 1} {
		c := l.Choose(&learn.Request{Payment: card(1, country), Candidates: candidates(2), NoExplore: true, Now: at(6000)})
		if got := c.Order[0].Candidate; got != want {
			t.Errorf("%s: gateway %d is chosen, not %d: %+v", country, got, want, c.Order)
		}
		if c.Propensity != 1 || c.Explore {
			t.Errorf("%s: exploration was forbidden: %+v", country, c)
		}
	}
	// A scheme that was never seen starts from what is known of its country.
	p := card(1, "US")
	p.Scheme, p.IIN = payments.SchemeMastercard, "555555"
	if c := l.Choose(&learn.Request{Payment: p, Candidates: candidates(2), NoExplore: true, Now: at(6000)}); c.Order[0].Candidate != 1 {
		t.Errorf("a new segment does not start from its parents: %+v", c.Order)
	}
}

func TestPropensitiesAreExact(t *testing.T) {
	t.Parallel()
	l, r := learn.New(learn.Settings{}), dice(2)
	teach(l, 0, 300, 4, func(_, k int, _ string) payments.Result { return chance(r, 0.85+0.01*float64(k)) })
	list := candidates(4)
	const ids = 100_000
	var picked [4]int
	var want [4]float64
	for i := range ids {
		c := ask(l, card(i, "DE"), list, at(300))
		sum := 0.0
		for _, o := range c.Order {
			sum += o.Propensity
			want[o.Candidate] = o.Propensity
		}
		if math.Abs(sum-1) > 1e-12 {
			t.Fatalf("propensities sum to %v", sum)
		}
		if c.Propensity != c.Order[0].Propensity {
			t.Fatalf("propensity %v of the choice is not that of its first candidate %v", c.Propensity, c.Order[0].Propensity)
		}
		picked[c.Order[0].Candidate]++
	}
	for k, n := range picked {
		off := math.Abs(float64(n) - ids*want[k])
		if bound := 4.5 * math.Sqrt(ids*want[k]*(1-want[k])); off > bound {
			t.Errorf("gateway %d: picked %d times at propensity %v", k, n, want[k])
		}
		if want[k] <= 0 {
			t.Errorf("gateway %d is below the floor: %v", k, want[k])
		}
	}
}

func TestSameInputsSameChoice(t *testing.T) {
	t.Parallel()
	play := func() (*learn.Learner, []learn.Choice) {
		l, r := learn.New(learn.Settings{}), dice(3)
		var choices []learn.Choice
		list := candidates(3)
		for i := range 2000 {
			c := ask(l, card(i, "DE"), list, at(i))
			choices = append(choices, c)
			l.Observe(c.Ticket, learn.Outcome{Gateway: list[c.Order[0].Candidate].Gateway, Result: chance(r, 0.85)}, at(i))
		}
		return l, choices
	}
	a, first := play()
	_, second := play()
	if !reflect.DeepEqual(first, second) {
		t.Fatal("the same history led to other choices")
	}
	before := ask(a, card(1, "DE"), candidates(3), at(2000))
	for i := range 100 {
		ask(a, card(i, "US"), candidates(3), at(2000))
	}
	if after := ask(a, card(1, "DE"), candidates(3), at(2000)); !reflect.DeepEqual(before, after) {
		t.Error("asking changed the answer")
	}
}

func TestOutageIsLeftAndLeftBehind(t *testing.T) {
	t.Parallel()
	l, r := learn.New(learn.Settings{}), dice(4)
	well := func(_, k int, _ string) payments.Result { return chance(r, []float64{0.92, 0.86, 0.85}[k]) }
	teach(l, 0, 4000, 3, well)
	down := func(n, k int, c string) payments.Result {
		if k == 0 {
			return technical
		}
		return well(n, k, c)
	}
	teach(l, 4000, 10, 3, down)
	report := l.Inspect(at(4010)).Gateways[0]
	if report.Gateway != "gw_0" || report.Impairment == nil {
		t.Fatalf("not impaired after ten payments: %+v", report)
	}
	teach(l, 4010, 1500, 3, down)
	if report := l.Inspect(at(5510)).Gateways[0]; report.Impairment == nil || !report.Impairment.Open || report.Impairment.NextProbe <= 1 {
		t.Errorf("not open during the outage: %+v", report.Impairment)
	}
	if c := l.Choose(&learn.Request{Payment: card(0, "DE"), Candidates: candidates(3), NoExplore: true, Now: at(5510)}); c.Order[0].Candidate == 0 || c.Order[2].Candidate != 0 {
		t.Errorf("a gateway that is down is not last: %+v", c.Order)
	}
	if c := l.Choose(&learn.Request{Payment: card(0, "DE"), Candidates: candidates(1), Now: at(5510)}); len(c.Order) != 1 || c.Propensity != 1 {
		t.Errorf("the last gateway is not tried: %+v", c)
	}
	teach(l, 5510, 600, 3, well)
	if report := l.Inspect(at(6110)).Gateways[0]; report.Impairment != nil {
		t.Fatalf("not back: %+v", report.Impairment)
	}
	if c := l.Choose(&learn.Request{Payment: card(0, "DE"), Candidates: candidates(3), NoExplore: true, Now: at(6110)}); c.Order[0].Candidate != 0 {
		t.Errorf("what was known before the outage is not in force: %+v", c.Order)
	}
}

func TestIssuerOutageMovesNobody(t *testing.T) {
	t.Parallel()
	l, r := learn.New(learn.Settings{}), dice(5)
	truth := func(n, k int, country string) payments.Result {
		if country == "US" && n >= 6000 {
			return chance(r, 0.05)
		}
		return chance(r, []float64{0.92, 0.84}[k])
	}
	teach(l, 0, 8000, 2, truth)
	for _, g := range l.Inspect(at(8000)).Gateways {
		if g.Impairment != nil {
			t.Errorf("the bad day of issuers was taken for %s's: %+v", g.Gateway, g.Impairment)
		}
	}
	if c := l.Choose(&learn.Request{Payment: card(0, "DE"), Candidates: candidates(2), NoExplore: true, Now: at(8000)}); c.Order[0].Candidate != 0 {
		t.Errorf("another segment was moved: %+v", c.Order)
	}
}

func TestBlame(t *testing.T) {
	t.Parallel()
	list := candidates(1)
	judge := func(o learn.Outcome) (approval, availability float64) {
		l := learn.New(learn.Settings{})
		for i := range 3 {
			c := ask(l, card(i, "DE"), list, at(i))
			l.Observe(c.Ticket, o, at(i))
		}
		first := ask(l, card(9, "DE"), list, at(9)).Order[0]
		return first.Approval, first.Availability
	}
	start := ask(learn.New(learn.Settings{}), card(9, "DE"), list, at(9)).Order[0]
	for name, c := range map[string]struct {
		result         payments.Result
		unknown        bool
		moves, reaches int
	}{
		"approved":      {result: approved, moves: 1},
		"refused":       {result: declined, moves: -1},
		"no money":      {result: noMoney, moves: -1},
		"wrong CVC":     {result: badCVC},
		"misconfigured": {result: misconfig},
		"technical":     {result: technical, reaches: -1},
		"not known":     {result: unresolved, reaches: -1},
		"overdue":       {unknown: true, reaches: -1},
	} {
		approval, availability := judge(learn.Outcome{Gateway: "gw_0", Result: c.result, Unknown: c.unknown})
		if got := sign(approval - start.Approval); got != c.moves {
			t.Errorf("%s: approval went from %v to %v", name, start.Approval, approval)
		}
		if got := sign(availability - start.Availability); got != c.reaches {
			t.Errorf("%s: availability went from %v to %v", name, start.Availability, availability)
		}
	}
	strong, _ := judge(learn.Outcome{Gateway: "gw_0", Result: declined})
	weak, _ := judge(learn.Outcome{Gateway: "gw_0", Result: noMoney})
	if weak <= strong {
		t.Errorf("funds weigh as much as refusals: %v, %v", weak, strong)
	}
}

func sign(x float64) int {
	switch {
	case x > 1e-9:
		return 1
	case x < -1e-9:
		return -1
	}
	return 0
}

func TestUnknownIsTakenBack(t *testing.T) {
	t.Parallel()
	list := candidates(2)
	play := func(unknown bool) learn.Report {
		l := learn.New(learn.Settings{})
		var open []learn.Ticket
		for i := range 40 {
			c := ask(l, card(i, "DE"), list, at(i))
			if unknown && i >= 37 {
				l.Observe(c.Ticket, learn.Outcome{Gateway: "gw_0", Unknown: true}, at(i))
				open = append(open, c.Ticket)
				continue
			}
			l.Observe(c.Ticket, learn.Outcome{Gateway: "gw_0", Result: approved}, at(i))
		}
		if a := l.Inspect(at(40)).Gateways[0].Availability; unknown && a == 1 {
			t.Errorf("unknown outcomes do not count: %v", a)
		}
		for _, ticket := range open {
			l.Observe(ticket, learn.Outcome{Gateway: "gw_0", Result: approved, Resolves: true}, at(40))
		}
		return l.Inspect(at(40))
	}
	with, without := play(true).Gateways[0], play(false).Gateways[0]
	if with.Availability != without.Availability || math.Abs(with.Technical-without.Technical) > 1e-6 {
		t.Errorf("a resolved outcome leaves a mark: %+v, without it %+v", with, without)
	}
	if math.Abs(with.Segments[0].Approval-without.Segments[0].Approval) > 1e-6 {
		t.Errorf("approval %v after the resolution, %v without", with.Segments[0].Approval, without.Segments[0].Approval)
	}
}

func TestExpectedValue(t *testing.T) {
	t.Parallel()
	l, r := learn.New(learn.Settings{}), dice(6)
	teach(l, 0, 4000, 2, func(_, k int, _ string) payments.Result { return chance(r, []float64{0.91, 0.88}[k]) })
	list := candidates(2)
	list[0].Fee, list[1].Fee = 300, 20
	request := learn.Request{Payment: card(1, "DE"), Candidates: list, NoExplore: true, Now: at(4000)}
	for _, c := range []struct {
		name   string
		value  learn.Value
		shadow float64
		want   int
	}{
		{"approval alone", learn.Value{}, 0, 0},
		{"cheaper within the bound", learn.Value{Margin: 0.15, MaxAuthLoss: 0.2}, 0, 1},
		{"cheaper beyond the bound", learn.Value{Margin: 0.15, MaxAuthLoss: 0.0001}, 0, 0},
		{"a commitment is worth more", learn.Value{Margin: 0.15, MaxAuthLoss: 0.2}, 500, 0},
	} {
		request.Value, list[0].Shadow = c.value, c.shadow
		if got := l.Choose(&request).Order[0].Candidate; got != c.want {
			t.Errorf("%s: gateway %d", c.name, got)
		}
	}
}

// TestManyGoroutines is for the race detector.
func TestManyGoroutines(t *testing.T) {
	t.Parallel()
	l, outcomes := learn.New(learn.Settings{}), make(chan learn.Ticket, 64)
	var asking sync.WaitGroup
	for worker := range 4 {
		asking.Go(func() {
			for i := range 300 {
				outcomes <- ask(l, card(worker*1000+i, "DE"), candidates(3), at(i)).Ticket
				l.Inspect(at(i))
			}
		})
	}
	go func() { asking.Wait(); close(outcomes) }()
	n := 0
	for ticket := range outcomes {
		n++
		l.Observe(ticket, learn.Outcome{Gateway: "gw_1", Result: approved}, at(n))
	}
	if got := l.Inspect(at(n)).Outcomes; got != 1200 {
		t.Errorf("%d outcomes", got)
	}
}
