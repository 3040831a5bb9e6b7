package learn

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// Report is what a Learner believes, for people.
type Report struct {
	Outcomes uint64          `json:"outcomes"` // seen so far
	Groups   int             `json:"groups"`   // groups of payments that are told apart
	Gateways []GatewayReport `json:"gateways"` // in the order in which they were first heard of
}

// GatewayReport is what is believed of one gateway.
type GatewayReport struct {
	Gateway      string          `json:"gateway"`
	Availability float64         `json:"availability"`
	Technical    float64         `json:"usual_technical_failures"` // share, over the long run
	Impairment   *ImpairReport   `json:"impairment,omitempty"`     // nil: as usual
	Alarms       []AlarmReport   `json:"alarms,omitempty"`         // tests that are on their way
	RecentTrips  float64         `json:"recent_trips"`             // decayed
	Segments     []SegmentReport `json:"segments"`
}

// ImpairReport is an impairment: the gateway gets probes, and no more than its present state deserves.
type ImpairReport struct {
	Illness    string    `json:"illness"`
	Open       bool      `json:"open"` // most calls fail: as good as closed. Otherwise it is merely suspect
	Since      time.Time `json:"since"`
	Payments   uint64    `json:"payments"`            // outcomes at all gateways since then
	Technical  float64   `json:"technical_failures"`  // share of calls, now
	Shift      float64   `json:"approval_shift"`      // on the probit scale
	Recovery   float64   `json:"recovery"`            // evidence of recovery, and
	RestoreAt  float64   `json:"restore_at"`          // how much is needed
	ProbeShare float64   `json:"probe_share"`         // of payments, now
	NextProbe  float64   `json:"next_probe_payments"` // payments until the next probe, on average
}

// AlarmReport is a test that has gathered evidence and has not spoken up.
type AlarmReport struct {
	Illness string  `json:"illness"`
	Sum     float64 `json:"sum"`
	Limit   float64 `json:"limit"`
}

// SegmentReport is what is believed of a gateway's approvals in one segment: method/scheme/country. Levels that are finer
// or cut across (issuer, currency, amount, manner) are at their average.
type SegmentReport struct {
	Segment    string  `json:"segment"`
	Approval   float64 `json:"approval"`
	SD         float64 `json:"sd"`
	Weight     float64 `json:"weight"` // about how many payments the gateway's own part rests on
	Quarantine bool    `json:"quarantine,omitempty"`
}

// Changes rises with every change of what is known: who has saved it at the same number has nothing to save.
func (l *Learner) Changes() uint64 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.changes
}

// Outcomes is how many outcomes have been seen.
func (l *Learner) Outcomes() uint64 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.outcomes
}

// Inspect reports what is believed now.
func (l *Learner) Inspect(now time.Time) Report {
	l.mu.RLock()
	defer l.mu.RUnlock()
	ages := l.clock(now)
	report := Report{Outcomes: l.outcomes, Groups: len(l.table.rows)}
	for number, g := range l.gateways {
		r := GatewayReport{
			Gateway: g.id, Availability: g.available(ages), Technical: g.technicalUsual(),
			RecentTrips: g.trips.at(ages.trips).good, Impairment: g.impairReport(l.outcomes),
		}
		for i, e := range g.tests {
			if ill := illnessTable[i]; e.sum > ill.limit/2 {
				r.Alarms = append(r.Alarms, AlarmReport{Illness: ill.name, Sum: e.sum, Limit: ill.limit})
			}
		}
		r.Segments = l.segmentReports(number, ages)
		report.Gateways = append(report.Gateways, r)
	}
	return report
}

func (g *gateway) impairReport(outcomes uint64) *ImpairReport {
	m := g.sick
	if m == nil {
		return nil
	}
	left := (1 - m.technical()) * normal(baseline+m.shift.mean)
	share := m.probeShare(outcomes, normal(baseline)-left)
	return &ImpairReport{
		Illness: illnessTable[m.ill].name, Open: left < 0.5, Since: time.Unix(0, m.at).UTC(),
		Payments: outcomes - min(m.seq, outcomes), Technical: m.technical(), Shift: m.shift.mean,
		Recovery: m.recovery, RestoreAt: m.restoreAt, ProbeShare: share, NextProbe: 1 / share,
	}
}

// segmentReports lists the segments that the gateway has been seen in, by name. The groups above a segment are those that
// its payments were seen with last.
func (l *Learner) segmentReports(number int, ages clock) []SegmentReport {
	var list []SegmentReport
	for _, r := range l.table.rows {
		s := r.segment
		if s == nil || number >= len(r.gateway) {
			continue
		}
		var keys Keys
		copy(keys[:], s.keys[:levelSegment+1])
		rows := l.table.rowsOf(&keys)
		own := gatewayOf(&keys, &rows, number, ages.beliefs)
		if g := l.gateways[number]; g.sick != nil {
			shift := g.shift()
			own = own.plus(opinion{shift.mean, shift.vari})
		}
		all := contextOf(&keys, &rows, ages.beliefs).plus(own)
		z := probitOf(all)
		list = append(list, SegmentReport{
			Segment: s.name, Approval: normal(z), SD: density(z) * math.Sqrt(own.vari/(1+all.vari)),
			Weight: weightOfEvidence(r, number, ages.beliefs), Quarantine: l.outcomes < s.until,
		})
	}
	slices.SortFunc(list, func(a, b SegmentReport) int { return cmp.Compare(a.Segment, b.Segment) })
	return list
}

// weightOfEvidence turns how much narrower than the prior the segment's own effect is into payments: near the usual approval
// one payment brings about 0.4 of precision on the probit scale.
func weightOfEvidence(r *row, number int, age float64) float64 {
	const perPayment = 0.4 * correlation
	w, prior := r.at(number, age), gatewaySD[levelSegment]*gatewaySD[levelSegment]
	return max(0, (1/w.vari-1/prior)/perPayment)
}

// Reset forgets everything.
func (l *Learner) Reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.changes++
	l.clear()
}

// ResetGateway forgets what is known of one gateway, and says whether it was known at all.
func (l *Learner) ResetGateway(id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	number, known := l.numbers[id]
	if !known {
		return false
	}
	l.changes++
	l.gateways[number] = &gateway{id: id, since: l.outcomes}
	for _, r := range l.table.rows {
		if number < len(r.gateway) {
			prior := gatewaySD[r.level] * gatewaySD[r.level]
			r.gateway[number] = weight{vari: prior}
		}
		if r.segment != nil {
			r.segment.forgetGateway(number)
		}
	}
	return true
}

// Recover ends a gateway's impairment by hand, for an operator who knows that it is well again; what was known of it before
// is in force at once. It says whether there was an impairment.
func (l *Learner) Recover(id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	number, known := l.numbers[id]
	if !known || l.gateways[number].sick == nil {
		return false
	}
	l.changes++
	g := l.gateways[number]
	g.sick, g.since, g.recent = nil, l.outcomes, tally{}
	return true
}

// Overdue says that a gateway that has not answered for so long has taken longer than it does once in a thousand times: its
// outcome may be observed as unknown. Until enough answers with their time have been observed nothing is overdue.
func (l *Learner) Overdue(id string, waited time.Duration) bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	number, known := l.numbers[id]
	return known && l.gateways[number].latency.overdue(waited)
}
