package main

import (
	"math"
	"math/rand/v2"
)

// successRate is the success-rate routing of Juspay's decision-engine as its behaviour is publicly described, written here
// from that description: per segment and PSP the mean of the last outcomes, begun with ones; the highest wins; a share of
// payments is hedged uniformly over the others; and a score of health per PSP that eliminates it while it is low.
type successRate struct {
	size      int
	hedging   float64
	auto      bool
	priced    *world // nil: the success rate alone decides
	dice      *rand.Rand
	windows   [segments][psps]window
	sizes     [segments]int
	hedges    [segments]float64
	health    [psps]float64
	history   [autoLookBack]int // segments of the last payments
	seen      int
	inHistory [segments]int
}

// What the description gives as defaults.
const (
	srSize         = 125
	srHedging      = 0.05
	srPenalty      = 0.95
	srReward       = 1.0526
	srEliminate    = 0.05
	srEliminatedBy = 5

	// The autopilot looks back an hour, four times an hour; the benchmark's traffic is taken as 4,000 payments an hour.
	autoLookBack = 4_000
	autoEvery    = 1_000
	autoLeast    = 100 // payments of a segment
)

type window struct {
	outcomes []bool
	next     int
	good     int
}

func (w *window) mean() float64 { return float64(w.good) / float64(len(w.outcomes)) }

func (w *window) add(y bool) {
	if w.outcomes[w.next] {
		w.good--
	}
	if y {
		w.good++
	}
	w.outcomes[w.next] = y
	w.next = (w.next + 1) % len(w.outcomes)
}

// resize keeps the latest outcomes and fills up with ones.
func (w *window) resize(size int) {
	old := *w
	*w = fullWindow(size)
	n := len(old.outcomes)
	for i := max(0, n-size); i < n; i++ {
		w.add(old.outcomes[(old.next+i)%n])
	}
}

func fullWindow(size int) window {
	w := window{outcomes: make([]bool, size), good: size}
	for i := range w.outcomes {
		w.outcomes[i] = true
	}
	return w
}

func newSuccessRate(w *world, size int, hedging float64, auto bool) *successRate {
	s := &successRate{size: size, hedging: hedging, auto: auto, dice: dice(w, 3)}
	for g := range segments {
		s.sizes[g], s.hedges[g] = size, hedging
		for k := range psps {
			s.windows[g][k] = fullWindow(size)
		}
	}
	for k := range s.health {
		s.health[k] = 1
	}
	return s
}

func (s *successRate) choose(n int, p *payment) int {
	g := p.segment
	if s.auto {
		s.count(g)
	}
	top := highest(func(k int) float64 {
		score := s.windows[g][k].mean()
		if s.health[k] < srEliminate {
			score /= srEliminatedBy
		}
		if s.priced != nil {
			score *= margin*p.amount - s.priced.fee(n, k)
		}
		return score
	})
	if s.dice.Float64() < s.hedges[g] {
		other := s.dice.IntN(psps - 1)
		if other >= top {
			other++
		}
		return other
	}
	return top
}

func (s *successRate) learn(_ int, p *payment, k int, r result) {
	s.windows[p.segment][k].add(r == approved)
	if r == approved {
		s.health[k] = min(1, s.health[k]*srReward)
	} else {
		s.health[k] *= srPenalty
	}
}

// count keeps the traffic of the last hour and lets the autopilot set window and hedging.
func (s *successRate) count(g int) {
	at := s.seen % autoLookBack
	if s.seen >= autoLookBack {
		s.inHistory[s.history[at]]--
	}
	s.history[at] = g
	s.inHistory[g]++
	s.seen++
	if s.seen%autoEvery != 0 {
		return
	}
	for g, volume := range s.inHistory {
		if volume < autoLeast {
			continue
		}
		size := 25 * int(math.Round(5*math.Sqrt(float64(volume)/(psps-1))/25))
		size = min(max(size, 100), 2_000)
		hedge := max(0.01, min(float64(size)/float64(volume), 0.30/(psps-1))) * (psps - 1)
		if size != s.sizes[g] {
			s.sizes[g] = size
			for k := range psps {
				s.windows[g][k].resize(size)
			}
		}
		if math.Abs(hedge-s.hedges[g]) >= 0.01 {
			s.hedges[g] = hedge
		}
	}
}
