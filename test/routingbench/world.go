package main

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
)

// The shape of every world.
const (
	psps     = 4
	schemes  = 3
	regions  = 4
	segments = schemes * regions

	fullLength   = 50_000
	burnIn       = 5_000
	shortLength  = 6_000
	usualLag     = 20
	lowLag       = 5
	background   = 0.005 // share of technical errors when all is well
	driftSD      = 0.10  // logit
	driftLength  = 10_000
	margin       = 0.15
	attemptCost  = 0.03
	timeoutKnown = 100
)

// payment is one payment of a world, with all that will happen to it at each PSP.
type payment struct {
	segment   int
	iin       int     // which of the segment's number ranges
	amount    float64 // major units
	p         [psps]float64
	technical [psps]float64 // share of failures that carry a technical class
	timeout   [psps]float64 // share of requests that time out
	luck      float64       // the same at all PSPs: approved where it is below p
	kind      float64       // decides between a technical failure and a decline
	lag       int           // payments until the outcome is known
}

// world is one seed of one scenario.
type world struct {
	scenario *scenario
	seed     uint64
	payments []payment
	start    [psps][segments]float64 // truth at the first payment
	weight   [segments]float64
	fixed    [psps]float64
	bps      [psps]float64
	hurt     []int  // the PSPs that are hurt, the main one first
	drifting [2]int // the two largest segments of the main hurt PSP
	counted  int    // payments before this one do not count
}

// scenario is what happens in a world.
type scenario struct {
	name     string
	length   int
	lag      float64
	still    bool // no background drift
	from, to int  // of the event; to is 0 when it lasts
	fails    bool // a PSP fails and comes back: leave and back are measured
	event    func(w *world, n int, p *payment)
}

func scenarios() []scenario {
	hit := func(n, from, to int, p *payment, success, technical float64, which int) {
		if n >= from && n < to {
			p.p[which], p.technical[which] = success, technical
		}
	}
	outage := func(w *world, n int, p *payment) { hit(n, 20_000, 24_000, p, 0.05, 0.85, w.hurt[0]) }
	return []scenario{
		{name: "stationary", still: true},
		{name: "outage", from: 20_000, to: 24_000, fails: true, event: outage},
		{name: "brownout", from: 20_000, to: 28_000, fails: true, event: func(w *world, n int, p *payment) {
			if k := w.hurt[0]; n >= 20_000 && n < 28_000 {
				p.p[k] = max(p.p[k]-0.25, 0.01)
				p.technical[k] = 0.35 * 0.25 / (1 - p.p[k]) // of the failures that the event brings
			}
		}},
		{name: "slow_degrade", event: func(w *world, n int, p *payment) {
			k := w.hurt[0]
			p.p[k] = max(p.p[k]-0.08*min(max(float64(n-10_000)/25_000, 0), 1), 0.01)
		}},
		{name: "segment_drift", event: func(w *world, n int, p *payment) {
			if k := w.hurt[0]; n >= 20_000 && (p.segment == w.drifting[0] || p.segment == w.drifting[1]) {
				p.p[k] = max(p.p[k]-0.15, 0.01)
			}
		}},
		{name: "delayed_outage", lag: 500, from: 20_000, to: 24_000, fails: true, event: outage},
		{name: "timeouts", from: 20_000, to: 28_000, fails: true, event: func(w *world, n int, p *payment) {
			if n >= 20_000 && n < 28_000 {
				p.timeout[w.hurt[0]] = 0.20
			}
		}},
		{name: "flapping", from: 20_000, to: 32_000, event: func(w *world, n int, p *payment) {
			if n >= 20_000 && n < 32_000 && (n-20_000)%2_000 < 600 {
				p.p[w.hurt[0]], p.technical[w.hurt[0]] = 0.05, 0.85
			}
		}},
		{name: "corr_outage", from: 20_000, to: 24_000, fails: true, event: func(w *world, n int, p *payment) {
			hit(n, 20_000, 24_000, p, 0.08, 0.85, w.hurt[0])
			hit(n, 20_000, 24_000, p, 0.08, 0.85, w.hurt[1])
		}},
		{name: "issuer_outage", from: 20_000, to: 24_000, event: func(w *world, n int, p *payment) {
			if n >= 20_000 && n < 24_000 && w.largest() == p.segment {
				for k := range p.p {
					p.p[k], p.technical[k] = 0.10, background
				}
			}
		}},
		{name: "cost_shock"},
		{name: "low_volume", length: shortLength, lag: lowLag},
	}
}

// costShock is when the hurt PSP's fee rises in cost_shock, and by how much.
const (
	costShockAt  = 20_000
	costShockBps = 150
)

func normals(r *rand.Rand, sd float64) float64 { return sd * r.NormFloat64() }

func logistic(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// newWorld draws a world of at most longest payments. The draws of all scenarios of a seed start alike.
func newWorld(s *scenario, seed uint64, longest int) *world {
	r := rand.New(rand.NewPCG(seed, 0x5EED)) //nolint:gosec // a simulation: the same every time
	w := &world{scenario: s, seed: seed, counted: burnIn}
	length := s.length
	if length == 0 {
		length = fullLength
	} else if length <= shortLength {
		w.counted = 0
	}
	length = min(length, longest)
	logits := w.drawEffects(r)
	w.findHurt()
	w.payments = make([]payment, length)
	var drift [psps]float64
	keep := math.Exp(-1.0 / driftLength)
	push := driftSD * math.Sqrt(1-keep*keep)
	var cumulated [segments]float64
	sum := 0.0
	for i, x := range w.weight {
		sum += x
		cumulated[i] = sum
	}
	for n := range w.payments {
		p := &w.payments[n]
		if !s.still {
			for k := range drift {
				drift[k] = keep*drift[k] + normals(r, push)
			}
		}
		w.drawPayment(r, n, p, &cumulated, &logits, &drift)
	}
	return w
}

func (w *world) drawEffects(r *rand.Rand) (logits [psps][segments]float64) {
	var scheme [schemes]float64
	var region [regions]float64
	for i := range scheme {
		scheme[i] = normals(r, 0.15)
	}
	for i := range region {
		region[i] = normals(r, 0.35)
	}
	base := math.Log(0.87 / 0.13)
	for k := range psps {
		own := normals(r, 0.15)
		var byScheme [schemes]float64
		var byRegion [regions]float64
		for i := range byScheme {
			byScheme[i] = normals(r, 0.12)
		}
		for i := range byRegion {
			byRegion[i] = normals(r, 0.25)
		}
		for g := range segments {
			s, a := g/regions, g%regions
			logits[k][g] = base + scheme[s] + region[a] + own + byScheme[s] + byRegion[a] + normals(r, 0.12)
			w.start[k][g] = (1 - background) * logistic(logits[k][g])
		}
		w.fixed[k] = 0.05 + 0.15*r.Float64()
		w.bps[k] = 60 + 120*r.Float64()
	}
	total := 0.0
	for rank, g := range r.Perm(segments) {
		w.weight[g] = 1 / float64(rank+1)
		total += w.weight[g]
	}
	for g := range w.weight {
		w.weight[g] /= total
	}
	return logits
}

// findHurt orders the PSPs by the traffic that somebody who knows the start would send there, and finds the two largest
// segments of the first.
func (w *world) findHurt() {
	var traffic [psps]float64
	var home [segments]int
	for g, weight := range w.weight {
		for k := range psps {
			if w.start[k][g] > w.start[home[g]][g] {
				home[g] = k
			}
		}
		traffic[home[g]] += weight
	}
	for k := range psps {
		w.hurt = append(w.hurt, k)
	}
	slices.SortStableFunc(w.hurt, func(a, b int) int { return cmp.Compare(traffic[b], traffic[a]) })
	w.drifting = [2]int{-1, -1}
	for g, k := range home {
		if k != w.hurt[0] {
			continue
		}
		switch first, second := w.drifting[0], w.drifting[1]; {
		case first < 0 || w.weight[g] > w.weight[first]:
			w.drifting = [2]int{g, first}
		case second < 0 || w.weight[g] > w.weight[second]:
			w.drifting[1] = g
		}
	}
}

func (w *world) largest() int {
	best := 0
	for g, x := range w.weight {
		if x > w.weight[best] {
			best = g
		}
	}
	return best
}

func (w *world) drawPayment(r *rand.Rand, n int, p *payment, cumulated *[segments]float64, logits *[psps][segments]float64, drift *[psps]float64) {
	u := r.Float64()
	for p.segment = 0; p.segment < segments-1 && u >= cumulated[p.segment]; p.segment++ {
	}
	p.iin = r.IntN(3)
	p.amount = min(40*math.Exp(normals(r, 0.9)), 2_000)
	p.luck, p.kind = r.Float64(), r.Float64()
	lag := w.scenario.lag
	if lag == 0 {
		lag = usualLag
	}
	p.lag = int(r.ExpFloat64() * lag)
	for k := range p.p {
		p.p[k] = (1 - background) * logistic(logits[k][p.segment]+drift[k])
		p.technical[k] = background / (1 - p.p[k])
	}
	if w.scenario.event != nil {
		w.scenario.event(w, n, p)
	}
}

// success is the true probability that the payment is approved at the PSP.
func (p *payment) success(k int) float64 { return p.p[k] * (1 - p.timeout[k]) }

// best is the PSP where success is most probable.
func (p *payment) best() int {
	best := 0
	for k := range psps {
		if p.success(k) > p.success(best) {
			best = k
		}
	}
	return best
}

// The results of a payment.
type result int

const (
	approved result = iota
	declined
	technical
	timedOut
)

// outcome is what happens when the payment goes to the PSP, and after how many payments it is known.
func (p *payment) outcome(k int) (result, int) {
	switch success := p.success(k); {
	case p.luck < success:
		return approved, p.lag
	case p.luck >= 1-p.timeout[k]:
		return timedOut, timeoutKnown
	case p.kind < p.technical[k]:
		return technical, p.lag
	}
	return declined, p.lag
}

// fee is what an approved payment costs at the PSP, in major units, without the cost of the attempt.
func (w *world) fee(n, k int) float64 {
	fixed, bps := w.fees(n, k)
	return fixed + bps/10_000*w.payments[n].amount
}

// fees are the parts of that fee: fixed, and in basis points of the amount.
func (w *world) fees(n, k int) (fixed, bps float64) {
	bps = w.bps[k]
	if w.scenario.name == "cost_shock" && n >= costShockAt && k == w.hurt[0] {
		bps += costShockBps
	}
	return w.fixed[k], bps
}

// value is what sending the payment to the PSP is worth on average, in major units.
func (w *world) value(n, k int) float64 {
	p := &w.payments[n]
	return p.success(k)*(margin*p.amount-w.fee(n, k)) - attemptCost
}
