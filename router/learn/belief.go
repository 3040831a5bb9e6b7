package learn

import "math"

// weight is what is believed of the effect that one group has on approval: a normal distribution on the probit scale.
type weight struct {
	mean, vari float64
	age        float64 // when it was last touched, in memories (see relaxed)
}

// The prior standard deviations of the effects, by level, on the probit scale, where 0.1 is about two points of approval
// at 87 %. Context effects are shared by all gateways; gateway effects are what the choice is about.
var (
	contextSD = [levels]float64{0.30, 0.15, 0.10, 0.12, 0.15, 0.10, 0.06, 0.05, 0.03, 0.08}
	gatewaySD = [levels]float64{0.09, 0.04, 0.06, 0.09, 0.10, 0.06, 0.02, 0.02, 0.01, 0.02}
)

// relaxed lets time pass over a weight. It is an Ornstein–Uhlenbeck process: left alone, the mean goes back to 0 and the
// variance to the prior's, at the rate of one e-fold per memory. So a gateway that has not been used for long is uncertain
// again and worth a try because it may have changed, and not because a coin says so.
func (w weight) relaxed(age, prior float64) weight {
	passed := age - w.age
	if passed <= 0 {
		return w
	}
	keep := decay(passed)
	w.mean *= keep
	w.vari = keep*keep*w.vari + (1-keep*keep)*prior
	w.age = age
	return w
}

// decay is e^-x for x ≥ 0; most steps are small, and the series is good to 1e-8 there.
func decay(x float64) float64 {
	if x < 0.05 {
		return 1 - x*(1-x/2*(1-x/3*(1-x/4)))
	}
	return math.Exp(-x)
}

// normal is the standard normal distribution function Φ.
func normal(x float64) float64 { return 0.5 * math.Erfc(-x/math.Sqrt2) }

func density(x float64) float64 { return math.Exp(-x*x/2) / math.Sqrt(2*math.Pi) }

// moments returns the two correction factors of a normal distribution that is cut off at -t: v is how far the mean moves
// and w how much of the variance goes, in units of the standard deviation.
func moments(t float64) (v, w float64) {
	below := normal(t)
	if below < 1e-9 { // the limit of φ/Φ far out on the left
		v = -t
	} else {
		v = density(t) / below
	}
	w = v * (v + t)
	return v, min(max(w, 0), 1)
}

// opinion is a sum of independent weights.
type opinion struct{ mean, vari float64 }

func (o opinion) plus(p opinion) opinion { return opinion{o.mean + p.mean, o.vari + p.vari} }

// approval is the probability that the belief gives to approval: the uncertainty is averaged over.
func (o opinion) approval() float64 { return normal(o.mean / math.Sqrt(1+o.vari)) }

// learnt is one step of assumed-density filtering: the outcome y (+1 or -1) under the prediction of belief "all" moves a
// weight w by its share of the whole variance. Strength below 1 lets an outcome count for less.
func (w weight) learnt(all opinion, y, strength float64) weight {
	total := 1 + all.vari
	root := math.Sqrt(total)
	v, shrink := moments(y * all.mean / root)
	w.mean += strength * y * w.vari / root * v
	w.vari *= max(1-strength*correlation*w.vari/total*shrink, 0.1)
	return w
}

// correlation is how much faster than independent effects the doubt of effects shrinks that are learnt together.
const correlation = 2

// tally is a decayed count of good and bad events with a prior: a Beta distribution that forgets.
type tally struct {
	good, bad float64
	age       float64
}

func (t *tally) add(good, bad, age float64) {
	*t = t.at(age)
	t.good, t.bad = max(0, t.good+good), max(0, t.bad+bad)
}

func (t tally) at(age float64) tally {
	if passed := age - t.age; passed > 0 {
		keep := decay(passed)
		t.good, t.bad, t.age = t.good*keep, t.bad*keep, age
	}
	return t
}

// badShare is the mean of the Beta distribution whose prior is worth weight events with the share prior of bad ones.
func (t tally) badShare(prior, weight float64) float64 {
	return (t.bad + prior*weight) / (t.good + t.bad + weight)
}

// probitOf is the prediction on the probit scale, uncertainty averaged over.
func probitOf(o opinion) float64 { return o.mean / math.Sqrt(1+o.vari) }
