package main

import (
	"strconv"
	"time"

	"switchyard/payments"
	"switchyard/router/learn"
)

// learner drives the package router/learn as the router does.
type learner struct {
	w       *world
	learner *learn.Learner
	request learn.Request
	tickets []learn.Ticket
	ev      bool
	illFrom [psps]int // since when the gateway is taken for ill; 0: it is not
	count   int
	longest int
}

var gatewayNames = [psps]string{"alpha", "bravo", "charlie", "delta"}

var schemeNames = [schemes]payments.Scheme{payments.SchemeVisa, payments.SchemeMastercard, payments.SchemeAmex}

var regionNames = [regions]string{"DE", "GB", "US", "BR"}

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// every is the time between two payments.
const every = 900 * time.Millisecond // 4,000 an hour

func at(n int) time.Time { return epoch.Add(time.Duration(n) * every) }

func newLearner(w *world, ev bool) *learner {
	l := &learner{w: w, learner: learn.New(learn.Settings{}), tickets: make([]learn.Ticket, len(w.payments)), ev: ev}
	l.request.Candidates = make([]learn.Candidate, psps)
	for k := range l.request.Candidates {
		l.request.Candidates[k].Gateway = gatewayNames[k]
	}
	l.request.Policy = "benchmark-" + strconv.FormatUint(w.seed, 10)
	if ev {
		l.request.Value = learn.Value{Margin: margin, MaxAuthLoss: 1}
	}
	return l
}

func (l *learner) choose(n int, p *payment) int {
	l.request.Now = at(n)
	l.request.Payment = describe(n, p)
	if l.ev {
		for k := range l.request.Candidates {
			l.request.Candidates[k].Fee, l.request.Candidates[k].Attempt = 100*l.w.fee(n, k), 100*attemptCost
		}
	}
	c := l.learner.Choose(&l.request)
	l.tickets[n] = c.Ticket
	for _, o := range c.Order {
		switch k := o.Candidate; {
		case o.Impaired && l.illFrom[k] == 0:
			l.illFrom[k] = n
			l.count++
		case !o.Impaired:
			l.illFrom[k] = 0
		}
		if from := l.illFrom[o.Candidate]; from > 0 {
			l.longest = max(l.longest, n-from)
		}
	}
	return c.Order[0].Candidate
}

func (l *learner) alarms() (count, longest int) { return l.count, l.longest }

// describe says of the payment what a router knows.
func describe(n int, p *payment) learn.Payment {
	s, a := p.segment/regions, p.segment%regions
	return learn.Payment{
		ID: "pay_" + strconv.Itoa(n), Method: "card", Scheme: schemeNames[s], Country: regionNames[a],
		IIN:    strconv.Itoa(400_000 + 10*p.segment + p.iin),
		Amount: payments.Money{Minor: int64(100 * p.amount), Currency: "EUR"},
	}
}

func (l *learner) learn(n int, _ *payment, k int, r result) {
	l.learner.Observe(l.tickets[n], learn.Outcome{Gateway: gatewayNames[k], Result: outcomeOf(r), Unknown: r == timedOut}, l.request.Now)
}

func outcomeOf(r result) payments.Result {
	switch r {
	case approved:
		return payments.Result{Outcome: payments.Outcome{Status: payments.Approved}}
	case declined:
		return payments.Result{Outcome: payments.Outcome{Status: payments.Declined, Code: payments.CardDoNotHonor}}
	case technical:
		return payments.Result{Outcome: payments.Outcome{Status: payments.Declined, Code: payments.GatewayMaintenance}}
	case timedOut:
	}
	return payments.Result{}
}
