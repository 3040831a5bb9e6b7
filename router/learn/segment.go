package learn

import "math"

// segment watches one segment for sudden changes: of one gateway's approvals in it, and of the issuers' on all gateways.
// A change makes the belief uncertain at that one place, so that it is learnt anew and quickly; nothing is moved by it.
type segment struct {
	name     string
	keys     Keys       // of the payment that was seen in it last
	gateways []twoSided // by the gateway's number
	issuers  twoSided
	blame    []float64 // evidence against the issuers, by gateway
	until    uint64    // the segment is in quarantine: its outcomes teach nothing about other segments
	ill      bool      // the issuers are in trouble: its outcomes teach nothing about gateways either
	before   beforehand
}

// beforehand is what was believed of the segment before the evidence against its issuers began to gather. It is taken up
// again when the issuers turn out to be the cause, and when they are well again.
type beforehand struct {
	context weight
	gateway []weight
}

// twoSided is a pair of sequential tests: approvals fell, approvals rose.
type twoSided struct{ down, up float64 }

const (
	segmentShift     = 0.5 // on the probit scale: 85 % to 70 % or to 94 %
	segmentLimit     = 7
	issuerShift      = 0.75
	issuerLimit      = 9
	issuerElsewhere  = 0.10 // of the evidence against issuers comes from other gateways than the biggest
	quarantine       = 3_000
	gatewayInflation = 6 // times the variance
	issuerSD         = 1.0
	restoredVariance = 0.05
)

func (t *twoSided) step(o observation, shift float64) (down float64) {
	same := o.likelihood(0, 0)
	down = o.strength * math.Log(o.likelihood(0, -shift)/same)
	t.down = max(0, t.down+down)
	t.up = max(0, t.up+o.strength*math.Log(o.likelihood(0, shift)/same))
	return down
}

// change is what a segment has noticed.
type change uint8

const (
	noChange       change = iota
	gatewayChanged        // one gateway's approvals
	issuersFell
	issuersRose
)

// watch takes note of an approval or decline in the segment whose row is r.
func (s *segment) watch(r *row, gateway int, o observation) change {
	for len(s.gateways) <= gateway {
		s.gateways = append(s.gateways, twoSided{})
		s.blame = append(s.blame, 0)
	}
	if s.issuers.down == 0 && !s.ill {
		s.before.context, s.before.gateway = r.context, append(s.before.gateway[:0], r.gateway...)
		clear(s.blame)
	}
	s.blame[gateway] += s.issuers.step(o, issuerShift)
	own := &s.gateways[gateway]
	own.step(o, segmentShift)
	switch {
	case s.issuers.up >= issuerLimit:
		s.forget()
		return issuersRose
	case s.issuers.down >= issuerLimit && s.several():
		s.forget()
		return issuersFell
	case own.down >= segmentLimit || own.up >= segmentLimit:
		*own = twoSided{}
		return gatewayChanged
	}
	return noChange
}

// forget puts all tests back to zero.
func (s *segment) forget() {
	s.issuers = twoSided{}
	clear(s.gateways)
	clear(s.blame)
}

// forgetGateway puts the tests of one gateway back to zero.
func (s *segment) forgetGateway(gateway int) {
	if gateway < len(s.gateways) {
		s.gateways[gateway], s.blame[gateway] = twoSided{}, 0
	}
	if gateway < len(s.before.gateway) {
		s.before.gateway[gateway] = gatewayPrior(levelSegment, 0)
	}
}

// several says that the evidence against the issuers was seen at more than one gateway: one gateway's own trouble in the
// segment must not be taken for theirs.
func (s *segment) several() bool {
	var all, most float64
	for _, b := range s.blame {
		b = max(b, 0)
		all += b
		most = max(most, b)
	}
	return all-most >= issuerElsewhere*all
}
