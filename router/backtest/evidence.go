package backtest

import "math"

// The parts of the payments; what each is stands in the package comment.
const (
	kept = iota
	leaning
	moved
	stopped
	opened
	parts
)

var partNames = [parts]string{"kept", "leaning", "moved", "stopped", "opened"}

// leanest is up to which expected square of the weight a payment is leaning and not moved.
const leanest = 2

// evidence is what the weighted outcomes of a part add up to.
type evidence struct {
	n           float64
	approved    float64
	w, w2, w4   float64
	wr, w2r     float64 // of approved ones
	lost        float64 // sum of the candidate's probabilities that no weight stands for
	cut         int     // weights above the bound
	withOutcome int
}

// partOf says which part a payment belongs to, and which share of the candidate's choice the log can say nothing of because
// of the bound or because it was never possible.
func partOf(r *Record, bound float64) (part int, lost float64) {
	switch {
	case len(r.New) == 0 && r.Gateway == "":
		return kept, 0
	case len(r.New) == 0:
		return stopped, 0
	case r.Gateway == "":
		return opened, 1
	}
	squares, differs := 0.0, false
	for i := range r.New {
		now := r.New[i].Propensity
		old := r.oldChance(r.New[i].Gateway)
		if math.Abs(now-old) > noise {
			differs = true
		}
		switch {
		case now <= noise:
		case old <= 0:
			lost += now
			squares = math.Inf(1)
		default:
			squares += now * now / old
			lost += max(0, now-bound*old)
		}
	}
	switch {
	case !differs:
		return kept, 0
	case squares <= leanest:
		return leaning, min(lost, 1)
	}
	return moved, min(lost, 1)
}

// add counts a payment whose outcome is known.
func (e *evidence) add(r *Record, part int, lost, bound float64) {
	outcome := 0.0
	if r.Approved {
		outcome = 1
	}
	weight := 1.0
	switch part {
	case opened, stopped:
		weight = 0
	case leaning, moved:
		weight = r.newChance(r.Gateway) / r.oldChance(r.Gateway)
		if weight > bound {
			weight = bound
			e.cut++
		}
	}
	e.withOutcome++
	e.n++
	e.approved += outcome
	e.lost += lost
	w2 := weight * weight
	e.w += weight
	e.w2 += w2
	e.w4 += w2 * w2
	e.wr += weight * outcome
	e.w2r += w2 * outcome
}

// effective is how many payments the weighted evidence is worth.
func (e *evidence) effective() float64 {
	if e.w2 == 0 {
		return 0
	}
	return e.w * e.w / e.w2
}

// old is the rate of the policy of the day, with its interval.
func (e *evidence) old() Estimate {
	if e.n == 0 {
		return Estimate{0, 0, 1}
	}
	rate := e.approved / e.n
	low, high := wilson(rate, e.n, z)
	return Estimate{rate, low, high}
}

// now is the rate of the candidate among what the weights stand for, with its interval.
func (e *evidence) now(part int) Estimate {
	switch {
	case part == kept:
		return e.old()
	case part == stopped:
		return Estimate{}
	case e.w == 0:
		return Estimate{e.old().Rate, 0, 1}
	}
	rate := min(e.wr/e.w, 1)
	n := e.effective()
	if v := e.variance(rate); v > 0 && rate > 0 && rate < 1 {
		n = min(n, rate*(1-rate)/v)
	}
	low, high := wilson(rate, n, student(e.w2*e.w2/e.w4-1))
	return Estimate{rate, low, high}
}

// variance of the self-normalised rate, linearised.
func (e *evidence) variance(rate float64) float64 {
	return max(0, e.w2r*(1-2*rate)+rate*rate*e.w2) / (e.w * e.w)
}

// together is the correlation of the two rates, which come from the same payments.
func (e *evidence) together() float64 {
	if e.w == 0 || e.n == 0 {
		return 0
	}
	before, after := e.approved/e.n, e.wr/e.w
	shared := (e.wr*(1-before-after) + before*after*e.w) / (e.w * e.n)
	spread := math.Sqrt(e.variance(after) * before * (1 - before) / e.n)
	if !(spread > 0) {
		return 0
	}
	return max(-1, min(1, shared/spread))
}
