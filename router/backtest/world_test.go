package backtest_test

import (
	"math"
	"math/rand/v2"
	"strconv"

	"switchyard/payments"
	"switchyard/router/backtest"
)

// A world is payments of several segments with a known probability of approval at each gateway, and a policy that logged
// choices with a floor of exploration.
type world struct {
	weights []float64   // of the segments; together 1
	approve [][]float64 // by segment and gateway
	learns  bool        // the logging policy follows what it sees, instead of keeping to one favourite per segment
	drift   float64     // how much approval falls over the log at the logging policy's favourites
}

var gateways = []string{"alpha", "bravo", "charlie", "delta"}

// even is the same everywhere; mixed has segments in which other gateways are best.
var (
	even = world{weights: []float64{1}, approve: [][]float64{{0.90, 0.87, 0.84, 0.88}}}

	mixed = world{
		weights: []float64{0.35, 0.2, 0.15, 0.12, 0.1, 0.08},
		approve: [][]float64{
			{0.93, 0.90, 0.85, 0.91},
			{0.84, 0.89, 0.86, 0.80},
			{0.75, 0.70, 0.82, 0.78},
			{0.95, 0.96, 0.90, 0.93},
			{0.60, 0.72, 0.68, 0.66},
			{0.88, 0.80, 0.83, 0.91},
		},
	}

	learning = world{weights: mixed.weights, approve: mixed.approve, learns: true}
	drifting = world{weights: mixed.weights, approve: mixed.approve, drift: 0.15}
)

// payment is one line of a simulated log.
type payment struct {
	segment, picked int
	old             []float64
	approved        bool
	truth           []float64 // probability of approval at each gateway
}

// log simulates n payments of which a share of floor is spread over all gateways.
func (w *world) log(seed uint64, n int, floor float64) []payment {
	dice := rand.New(rand.NewPCG(seed, 77))
	wins := make([][4]float64, len(w.weights))
	tries := make([][4]float64, len(w.weights))
	made := make([]payment, n)
	for i := range made {
		p := &made[i]
		p.segment = draw(dice, w.weights)
		p.truth = w.approve[p.segment]
		favourite := p.segment % 2
		if w.drift > 0 {
			p.truth = append([]float64(nil), p.truth...)
			p.truth[favourite] -= w.drift * float64(i) / float64(n)
		}
		if w.learns {
			favourite = follow(&wins[p.segment], &tries[p.segment])
		}
		p.old = explored(favourite, floor)
		p.picked = draw(dice, p.old)
		p.approved = dice.Float64() < p.truth[p.picked]
		tries[p.segment][p.picked]++
		if p.approved {
			wins[p.segment][p.picked]++
		}
	}
	return made
}

// follow picks what has done best so far.
func follow(wins, tries *[4]float64) int {
	best, highest := 0, -1.0
	for g := range wins {
		if rate := (wins[g] + 2) / (tries[g] + 2.2); rate > highest {
			best, highest = g, rate
		}
	}
	return best
}

func draw(dice *rand.Rand, weights []float64) int {
	u := dice.Float64()
	for i, w := range weights {
		if u < w {
			return i
		}
		u -= w
	}
	return len(weights) - 1
}

// A target is a candidate policy: probabilities by segment, given the logged ones.
type target func(p *payment) []float64

func always(g int) target {
	choice := make([]float64, len(gateways))
	choice[g] = 1
	return func(*payment) []float64 { return choice }
}

// swap exchanges two gateways in one segment and leaves the rest as it was.
func swap(segment, a, b int) target {
	return func(p *payment) []float64 {
		if p.segment != segment {
			return p.old
		}
		changed := append([]float64(nil), p.old...)
		changed[a], changed[b] = changed[b], changed[a]
		return changed
	}
}

// smart prefers what is truly better, without leaving the others.
func smart(w *world) target {
	shares := make([][]float64, len(w.approve))
	for s, rates := range w.approve {
		shares[s] = make([]float64, len(rates))
		total := 0.0
		for g, rate := range rates {
			shares[s][g] = math.Exp(rate / 0.02)
			total += shares[s][g]
		}
		for g := range rates {
			shares[s][g] /= total
		}
	}
	return func(p *payment) []float64 { return shares[p.segment] }
}

var segmentNames = func() (names [16]string) {
	for i := range names {
		names[i] = "segment " + strconv.Itoa(i)
	}
	return names
}()

// record writes a payment and a candidate's choice as the replay takes them.
func (p *payment) record(to target, into *backtest.Record) {
	old, now := into.Old[:0], into.New[:0]
	for g, chance := range p.old {
		old = append(old, backtest.Chance{Gateway: gateways[g], Propensity: chance})
	}
	for g, chance := range to(p) {
		if chance > 0 {
			now = append(now, backtest.Choice{Gateway: gateways[g], Propensity: chance})
		}
	}
	*into = backtest.Record{
		Payment: "pay", Segment: segmentNames[p.segment], Amount: payments.Money{Minor: 1000, Currency: "EUR"},
		Gateway: gateways[p.picked], Propensity: p.old[p.picked], Old: old, Approved: p.approved, Known: true, New: now,
	}
}

// truth is the candidate's approval of these very payments.
func truth(log []payment, to target) float64 {
	sum := 0.0
	for i := range log {
		for g, chance := range to(&log[i]) {
			sum += chance * log[i].truth[g]
		}
	}
	return sum / float64(len(log))
}

// expected is the candidate's approval of payments of this world, which need not be these.
func (w *world) expected(floor float64, to target) float64 {
	sum := 0.0
	for s, weight := range w.weights {
		favourite := s % 2
		old := explored(favourite, floor)
		for g, chance := range to(&payment{segment: s, old: old}) {
			rate := w.approve[s][g]
			if g == favourite {
				rate -= w.drift / 2
			}
			sum += weight * chance * rate
		}
	}
	return sum
}

// explored is the logging policy's distribution.
func explored(favourite int, floor float64) []float64 {
	old := make([]float64, len(gateways))
	for g := range old {
		old[g] = floor / float64(len(gateways))
	}
	old[favourite] += 1 - floor
	return old
}

// asLogged changes nothing.
func asLogged(p *payment) []float64 { return p.old }
