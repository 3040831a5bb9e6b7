package main

import (
	"math"
	"math/rand/v2"
)

// fixed is a static order of preference: the PSP with the best average on day one.
type fixed struct{ k int }

func newFixed(w *world) policy {
	best, at := -1.0, 0
	for k := range psps {
		average := 0.0
		for g, weight := range w.weight {
			average += weight * w.start[k][g]
		}
		if average > best {
			best, at = average, k
		}
	}
	return fixed{at}
}

func (f fixed) choose(int, *payment) int         { return f.k }
func (f fixed) learn(int, *payment, int, result) {}

// rulesAtStart are rules tuned once, on perfect knowledge of the start.
type rulesAtStart struct{ best [segments]int }

func newRules(w *world) policy {
	var r rulesAtStart
	for g := range segments {
		for k := range psps {
			if w.start[k][g] > w.start[r.best[g]][g] {
				r.best[g] = k
			}
		}
	}
	return r
}

func (r rulesAtStart) choose(_ int, p *payment) int   { return r.best[p.segment] }
func (rulesAtStart) learn(int, *payment, int, result) {}

type roundRobin struct{}

func (roundRobin) choose(n int, _ *payment) int     { return n % psps }
func (roundRobin) learn(int, *payment, int, result) {}

func success(r result) float64 {
	if r == approved {
		return 1
	}
	return 0
}

func dice(w *world, salt uint64) *rand.Rand {
	return rand.New(rand.NewPCG(w.seed, salt)) //nolint:gosec // a simulation: the same every time
}

// epsilonGreedy keeps a decayed mean per segment and PSP, and tries another at random.
type epsilonGreedy struct {
	epsilon, decay float64
	dice           *rand.Rand
	mean           [segments][psps]float64
	weight         [segments][psps]float64
}

func (e *epsilonGreedy) choose(_ int, p *payment) int {
	if e.dice.Float64() < e.epsilon {
		return e.dice.IntN(psps)
	}
	return highest(func(k int) float64 {
		if e.weight[p.segment][k] == 0 {
			return 1 + e.dice.Float64()
		}
		return e.mean[p.segment][k]
	})
}

func (e *epsilonGreedy) learn(_ int, p *payment, k int, r result) {
	w := &e.weight[p.segment][k]
	*w = *w*e.decay + 1
	e.mean[p.segment][k] += (success(r) - e.mean[p.segment][k]) / *w
}

func highest(score func(k int) float64) int {
	best, at := math.Inf(-1), 0
	for k := range psps {
		if s := score(k); s > best {
			best, at = s, k
		}
	}
	return at
}

// slidingUCB is SW-UCB (Garivier and Moulines 2011) per segment: means and counts over the last payments of the segment.
type slidingUCB struct {
	window int
	bonus  float64
	last   [segments][]seen
	sum    [segments][psps]float64
	count  [segments][psps]float64
}

type seen struct {
	k int
	y float64
}

func (s *slidingUCB) choose(_ int, p *payment) int {
	g := p.segment
	total := math.Log(float64(len(s.last[g])) + 2)
	return highest(func(k int) float64 {
		if s.count[g][k] == 0 {
			return 2
		}
		return s.sum[g][k]/s.count[g][k] + s.bonus*math.Sqrt(total/s.count[g][k])
	})
}

func (s *slidingUCB) learn(_ int, p *payment, k int, r result) {
	g, y := p.segment, success(r)
	s.last[g] = append(s.last[g], seen{k, y})
	s.sum[g][k], s.count[g][k] = s.sum[g][k]+y, s.count[g][k]+1
	if len(s.last[g]) > s.window {
		old := s.last[g][0]
		s.last[g] = s.last[g][1:]
		s.sum[g][old.k], s.count[g][old.k] = s.sum[g][old.k]-old.y, s.count[g][old.k]-1
	}
}

// discountedUCB is D-UCB (Garivier and Moulines 2011) per segment, discounted by the segment's payments.
type discountedUCB struct {
	discount, bonus float64
	sum, count      [segments][psps]float64
}

func (d *discountedUCB) choose(_ int, p *payment) int {
	g, total := p.segment, 0.0
	for k := range psps {
		total += d.count[g][k]
	}
	return highest(func(k int) float64 {
		if d.count[g][k] < 1e-9 {
			return 2
		}
		return d.sum[g][k]/d.count[g][k] + d.bonus*math.Sqrt(math.Log(total+2)/d.count[g][k])
	})
}

func (d *discountedUCB) learn(_ int, p *payment, k int, r result) {
	g := p.segment
	for j := range psps {
		d.sum[g][j] *= d.discount
		d.count[g][j] *= d.discount
	}
	d.sum[g][k] += success(r)
	d.count[g][k]++
}

// discountedThompson is Thompson sampling on Beta beliefs that are discounted by the segment's payments.
type discountedThompson struct {
	discount, prior float64
	dice            *rand.Rand
	good, bad       [segments][psps]float64
}

func (d *discountedThompson) choose(_ int, p *payment) int {
	g := p.segment
	return highest(func(k int) float64 {
		return beta(d.dice, d.prior+d.good[g][k], d.prior/5+d.bad[g][k])
	})
}

func (d *discountedThompson) learn(_ int, p *payment, k int, r result) {
	g := p.segment
	for j := range psps {
		d.good[g][j] *= d.discount
		d.bad[g][j] *= d.discount
	}
	d.good[g][k] += success(r)
	d.bad[g][k] += 1 - success(r)
}

func beta(r *rand.Rand, a, b float64) float64 {
	x, y := gamma(r, a), gamma(r, b)
	return x / (x + y)
}

// gamma draws from a gamma distribution (Marsaglia and Tsang 2000).
func gamma(r *rand.Rand, a float64) float64 {
	if a < 1 {
		return gamma(r, a+1) * math.Pow(r.Float64(), 1/a)
	}
	d := a - 1.0/3
	c := 1 / math.Sqrt(9*d)
	for {
		x := r.NormFloat64()
		v := 1 + c*x
		if v <= 0 {
			continue
		}
		v = v * v * v
		if u := 1 - r.Float64(); math.Log(u) < 0.5*x*x+d-d*v+d*math.Log(v) {
			return d * v
		}
	}
}
