package learn

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"time"
)

// Candidate is a gateway that can take the payment.
type Candidate struct {
	Gateway string
	// Fee is what the PSP takes of an approved payment, Attempt what it takes for every attempt, in minor units of the
	// payment's currency. They count in the expected value only.
	Fee, Attempt float64
	// Shadow is what sending the payment there is worth beside itself, in minor units: a volume commitment that has to be
	// reached (positive) or a limit that is near (negative).
	Shadow float64
}

// Value says what a payment is worth. The zero value means: only approval counts.
type Value struct {
	// Margin is the share of the amount that is earned when the payment is approved; 0 turns the expected value off.
	Margin float64
	// MaxAuthLoss is how much probability of approval may be given up for it: 0.002 is 0.2 points.
	MaxAuthLoss float64
}

// Limits bound exploration. The zero value of a field has the default that stands beside it; a negative one is 0.
type Limits struct {
	Cap   float64 // the largest share of payments like this one that may explore; default 0.15
	Floor float64 // the share that is spread over all candidates, so that the log can be used to judge other policies; default 0.01
}

const (
	defaultCap   = 0.15
	defaultFloor = 0.01
	mostExplored = 0.5
)

// Request asks for a choice.
type Request struct {
	Payment    Payment
	Candidates []Candidate // in the merchant's own order, which decides between equals
	Value      Value
	Limits     Limits
	// Policy is the version of what governs the choice: the same payment falls elsewhere under another policy.
	Policy string
	// NoExplore: the best candidate is taken for certain. For payments that nobody wants to try things with, and as the
	// switch that turns exploration off.
	NoExplore bool
	Now       time.Time
}

// Ranked is a candidate as it was judged.
type Ranked struct {
	Candidate    int     // its place in the request
	Approval     float64 // probability that the issuer approves, if the gateway answers
	SD           float64 // of what is believed of the gateway's effect, in probability
	Availability float64 // probability that the gateway answers
	Value        float64 // expected, in minor units; in pure approval mode the probability of success
	Propensity   float64 // probability that the payment went there first
	Impaired     bool    // something is wrong there, and it gets probes
}

// Choice is the answer: the candidates in the order to try them.
type Choice struct {
	Order []Ranked // first to last; empty when there were no candidates
	// Propensity of the first, and of the order as a whole: they are the same, since the rest follows by value.
	Propensity float64
	Explore    bool // the first is not the best by what is known and hoped
	Ticket     Ticket
}

// Choose ranks the candidates. It changes nothing, and gives the same answer to the same question until something is learnt.
func (l *Learner) Choose(r *Request) Choice {
	c := Choice{Ticket: TicketOf(&r.Payment, 0)}
	if len(r.Candidates) == 0 {
		return c
	}
	c.Order = make([]Ranked, len(r.Candidates))
	var scratch [usualCandidates]stand
	stands := scratch[:0]
	if len(r.Candidates) > usualCandidates {
		stands = make([]stand, 0, len(r.Candidates))
	}

	l.mu.RLock()
	c.Ticket.Seq = l.outcomes
	ages := l.clock(r.Now)
	rows := l.table.rowsOf(&c.Ticket.Keys)
	context := contextOf(&c.Ticket.Keys, &rows, ages.beliefs)
	for i := range r.Candidates {
		stands = append(stands, l.judgeCandidate(r, i, &c.Ticket.Keys, &rows, context, ages))
	}
	l.mu.RUnlock()

	best := bestOf(stands, r)
	share(stands, best, r)
	picked := pick(stands, best, draw(r.Policy, r.Payment.ID))
	c.Propensity, c.Explore = stands[picked].ranked.Propensity, picked != best
	rank(c.Order, stands, picked)
	return c
}

const usualCandidates = 16

// stand is a candidate while it is being judged.
type stand struct {
	ranked   Ranked
	sd       float64 // of Value
	total    float64 // probability of success
	loss     float64 // of success against as usual, if impaired
	probe    float64 // share of probes, if impaired
	eligible bool    // within the bound of the loss of approval
}

func (l *Learner) judgeCandidate(r *Request, i int, keys *Keys, rows *[levels]*row, context opinion, ages clock) stand {
	number := l.number(r.Candidates[i].Gateway)
	own := gatewayOf(keys, rows, number, ages.beliefs)
	available := 1.0
	s := stand{ranked: Ranked{Candidate: i}, eligible: true}
	if number >= 0 {
		g := l.gateways[number]
		available = g.available(ages)
		if g.sick != nil {
			usual := context.plus(own).approval()
			shift := g.shift()
			own = own.plus(opinion{shift.mean, shift.vari})
			s.loss = usual - available*context.plus(own).approval()
			s.probe = g.sick.probeShare(l.outcomes, s.loss)
			s.ranked.Impaired = true
		}
	}
	all := context.plus(own)
	root := math.Sqrt(1 + all.vari)
	z := all.mean / root
	s.ranked.Approval, s.ranked.Availability = normal(z), available
	s.ranked.SD = density(z) / root * math.Sqrt(own.vari)
	s.total = available * s.ranked.Approval
	s.ranked.Value, s.sd = s.total, available*s.ranked.SD
	if r.Value.Margin > 0 {
		candidate := &r.Candidates[i]
		gain := r.Value.Margin*float64(r.Payment.Amount.Minor) - candidate.Fee
		s.ranked.Value = s.total*gain - candidate.Attempt + candidate.Shadow
		s.sd *= math.Abs(gain)
		if v := s.ranked.Value; math.IsNaN(v) || math.IsInf(v, 0) || !(s.sd < math.MaxFloat64) {
			s.ranked.Value, s.sd = worthless, 0 // a fee that is no number
		}
	}
	return s
}

// worthless is the value of a candidate whose value is no number.
const worthless = -1e300

// bestOf finds the best by what is known, among those whose probability of success is near enough to the highest.
func bestOf(stands []stand, r *Request) int {
	hope := optimism
	if r.NoExplore {
		hope = 0
	}
	if r.Value.Margin > 0 {
		highest := 0.0
		for i := range stands {
			highest = max(highest, stands[i].total)
		}
		for i := range stands {
			stands[i].eligible = stands[i].total >= highest-max(r.Value.MaxAuthLoss, 0)
		}
	}
	best := -1
	for i := range stands {
		if s := &stands[i]; s.eligible && (best < 0 || s.promise(hope) > stands[best].promise(hope)) {
			best = i
		}
	}
	return max(best, 0)
}

// optimism is how many standard deviations of doubt are counted in a candidate's favour when the best is chosen, unless
// exploration is forbidden.
const optimism = 0.4

func (s *stand) promise(hope float64) float64 { return s.ranked.Value + hope*s.sd }

// share gives every candidate its probability of being tried first.
func share(stands []stand, best int, r *Request) {
	if r.NoExplore || len(stands) == 1 {
		stands[best].ranked.Propensity = 1
		return
	}
	bound, floor := limit(r.Limits.Cap, defaultCap), limit(r.Limits.Floor, defaultFloor)
	explored := beliefShares(stands, best)
	scale := 1.0
	if explored > bound {
		scale = bound / explored
	}
	floor /= float64(len(stands))
	rest := 0.0
	for i := range stands {
		s := &stands[i]
		switch {
		case i == best:
			continue
		case s.ranked.Impaired:
			s.ranked.Propensity = s.probe
		default:
			s.ranked.Propensity = scale*s.ranked.Propensity + floor
		}
		rest += s.ranked.Propensity
	}
	if rest > mostExplored {
		for i := range stands {
			stands[i].ranked.Propensity *= mostExplored / rest
		}
		rest = mostExplored
	}
	stands[best].ranked.Propensity = 1 - rest
}

func limit(v, standard float64) float64 {
	switch {
	case v < 0:
		return 0
	case v > 0:
		return min(v, mostExplored)
	}
	return standard
}

// draw is a number in [0, 1) that depends on the policy and the payment alone.
func draw(policy, payment string) float64 {
	var buffer [160]byte
	b := append(buffer[:0], policy...)
	b = append(b, 0)
	b = append(b, payment...)
	sum := sha256.Sum256(b)
	return float64(binary.BigEndian.Uint64(sum[:8])>>11) / (1 << 53)
}

// pick takes the candidate in whose share of [0, 1) the number falls.
func pick(stands []stand, best int, u float64) int {
	for i := range stands {
		if i == best {
			continue
		}
		if u < stands[i].ranked.Propensity {
			return i
		}
		u -= stands[i].ranked.Propensity
	}
	return best
}

// rank puts the picked first, then the others by value: those that are as usual before those that are impaired.
func rank(order []Ranked, stands []stand, picked int) {
	var scratch [4 * usualCandidates]int
	places := append(scratch[:0], picked)
	for i := range stands {
		if i == picked {
			continue
		}
		at := len(places)
		places = append(places, i)
		for at > 1 && before(&stands[i].ranked, &stands[places[at-1]].ranked) {
			places[at] = places[at-1]
			at--
		}
		places[at] = i
	}
	for at, i := range places {
		order[at] = stands[i].ranked
	}
}

func before(a, b *Ranked) bool {
	if a.Impaired != b.Impaired {
		return b.Impaired
	}
	return a.Value > b.Value
}
