package learn

import (
	"math"
	"time"
)

// gateway is what is believed of one gateway as a whole.
type gateway struct {
	id     string
	recent tally // calls of late: good are answers, bad are technical failures; forgets within minutes
	usual  tally // likewise over the long run: what is normal for this gateway
	tests  [illnesses]excursion
	sick   *impairment // nil: as usual

	since   uint64 // outcomes of payments decided before this one teach nothing: they are of another time
	trips   tally  // good counts the trips of late
	latency pace
}

// Availability: the decayed share of calls that do not fail technically.
const (
	recentWeight = 10
	deadBand     = 0.02 // less than this is not told from chance
)

// technicalUsual is the share of technical failures that is normal here. A gateway that has had fewer than most is not held
// to that: two in a row are still chance.
func (g *gateway) technicalUsual() float64 {
	return min(max(g.usual.badShare(usualTechnical, usualWeight), usualTechnical), worstUsual)
}

// available is the probability that a call gets an answer at all. One failure is forgiven: a gateway that gets few payments
// would otherwise wait long for the answers that outweigh it.
func (g *gateway) available(ages clock) float64 {
	if g.sick != nil {
		return 1 - g.sick.technical()
	}
	recent := g.recent.at(ages.minutes)
	recent.bad = max(0, recent.bad-1)
	bad := recent.badShare(usualTechnical, recentWeight)
	if bad <= deadBand {
		return 1
	}
	return 1 - bad
}

// shift is what the gateway's illness does to approval.
func (g *gateway) shift() weight {
	if g.sick == nil {
		return weight{}
	}
	return g.sick.shift
}

// clock is the time that has passed, in units of each memory.
type clock struct {
	beliefs, minutes, usual, trips float64
}

// pace is how long a gateway usually takes: decayed moments of the logarithm of the seconds.
type pace struct{ n, mean, vari float64 }

const (
	paceMemory = 500
	paceLeast  = 50  // answers before it is judged at all
	paceSigmas = 3.1 // one answer in a thousand takes longer, if the logarithm is normal
	paceSlack  = 0.5
)

func (p *pace) add(took time.Duration) {
	if took <= 0 {
		return
	}
	x := math.Log(took.Seconds())
	p.n = min(p.n+1, paceMemory)
	d := x - p.mean
	p.mean += d / p.n
	p.vari += (d*(x-p.mean) - p.vari) / p.n
}

func (p *pace) overdue(waited time.Duration) bool {
	return waited > 0 && p.n >= paceLeast && math.Log(waited.Seconds()) > p.mean+paceSigmas*math.Sqrt(p.vari)+paceSlack
}
