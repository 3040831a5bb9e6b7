package learn

import (
	"time"

	"switchyard/payments"
)

// Ticket ties an outcome to the decision that it came from, however late it comes. It is plain data and may be stored
// with the payment.
type Ticket struct {
	Seq     uint64 `json:"seq"`               // how many outcomes had been seen at the decision
	Keys    Keys   `json:"keys"`              // the payment's groups
	Segment string `json:"segment,omitempty"` // their readable name
}

// TicketOf is the ticket of a payment that was decided when so many outcomes had been seen.
func TicketOf(p *Payment, seq uint64) Ticket {
	return Ticket{Seq: seq, Keys: keysOf(p), Segment: p.segmentName()}
}

// Outcome is what a call at a gateway came to.
type Outcome struct {
	Gateway string
	Result  payments.Result
	// Unknown: the outcome is not known, and the PSP's usual time has passed or the call was cut off. It counts as a technical
	// failure until it is resolved.
	Unknown bool
	// Resolves: an earlier outcome of the same call was observed as unknown. That one is taken back first.
	Resolves bool
	Took     time.Duration // until the answer; 0 when it is not known
	// Frozen: learning is switched off, and the outcome leaves no mark.
	Frozen bool
}

// Observe learns from an outcome. Outcomes are applied in the order of the calls; a call that was never sent because a
// breaker refused it is no outcome.
func (l *Learner) Observe(t Ticket, o Outcome, now time.Time) {
	if o.Frozen {
		return
	}
	kind, strength := judge(o.Result)
	if o.Unknown {
		kind, strength = evidenceTechnical, 1
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	number := l.enter(o.Gateway)
	if number < 0 {
		return
	}
	if l.epoch.IsZero() {
		l.epoch = now
	}
	l.changes++
	g := l.gateways[number]
	if o.Resolves {
		l.takeBack(g, &t, now)
	} else if kind != evidenceNone {
		l.outcomes++
	}
	if !o.Unknown {
		g.latency.add(o.Took)
	}
	if kind == evidenceNone {
		return
	}
	l.pending.note(o.Gateway, &t, kind, strength)
	l.apply(number, &t, kind, strength, now)
}

// takeBack undoes the technical failure that an unknown outcome was counted as, as far as it can be: the counts exactly,
// the tests by the step that such a failure makes.
func (l *Learner) takeBack(g *gateway, t *Ticket, now time.Time) {
	if t.Seq < g.since { // it was not counted, or what it counted for is forgotten
		return
	}
	ages := l.clock(now)
	g.recent.add(0, -1, ages.minutes)
	g.usual.add(0, -1, ages.usual)
	usual := g.technicalUsual()
	for i := range g.tests {
		g.tests[i].takeBack(&illnessTable[i], usual)
	}
	if g.sick != nil {
		g.sick.calls.bad = max(0, g.sick.calls.bad-1)
	}
}

// apply moves the beliefs by one piece of evidence.
func (l *Learner) apply(number int, t *Ticket, kind evidence, strength float64, now time.Time) {
	g, ages := l.gateways[number], l.clock(now)
	if t.Seq < g.since { // decided before the gateway fell ill or came back: of another time
		return
	}
	if kind == evidenceTechnical {
		g.recent.add(0, 1, ages.minutes)
	} else {
		g.recent.add(1, 0, ages.minutes)
	}
	var rows [levels]*row
	for level, key := range t.Keys {
		if key != 0 {
			rows[level] = l.table.ensure(key, level, ages.beliefs)
		}
	}
	context := contextOf(&t.Keys, &rows, ages.beliefs)
	all := context.plus(gatewayOf(&t.Keys, &rows, number, ages.beliefs))
	o := observation{kind: kind, mean: probitOf(all), segment: t.Keys[levelSegment], strength: strength}
	usual := g.technicalUsual()

	if g.sick != nil {
		l.convalesce(g, number, o, usual, t, &rows, ages)
		return
	}
	if kind == evidenceTechnical {
		g.usual.add(0, 1, ages.usual)
	} else {
		g.usual.add(1, 0, ages.usual)
	}
	answered := kind == evidenceApproved || kind == evidenceDeclined
	narrow := false
	if answered {
		narrow = l.watchSegment(number, o, &rows, t, ages)
	}
	if !narrow && l.examine(g, o, usual, ages, now) {
		return
	}
	if answered {
		l.teach(number, kind, strength, &rows, &t.Keys, narrow, ages)
	}
}

// examine runs the gateway's tests. An alarm makes it impaired.
func (l *Learner) examine(g *gateway, o observation, usual float64, ages clock, now time.Time) bool {
	for i := range g.tests {
		if !g.tests[i].step(&illnessTable[i], o, usual) {
			continue
		}
		trips := g.trips.at(ages.trips)
		g.sick = newImpairment(i, &g.tests[i], l.outcomes, now.UnixNano(), trips.good)
		trips.add(1, 0, ages.trips)
		g.trips = trips
		g.since = l.outcomes
		g.tests = [illnesses]excursion{}
		return true
	}
	return false
}

// When an illness has lasted this long, it is the new state of things: what is known of it becomes belief.
const (
	acceptOutcomes = 250
	acceptPayments = 15_000
	acceptLeast    = 40
)

// convalesce learns from an outcome of an impaired gateway.
func (l *Learner) convalesce(
	g *gateway, number int, o observation, usual float64, t *Ticket, rows *[levels]*row, ages clock,
) {
	m := g.sick
	if m.learn(o, usual, t.Seq, l.outcomes) {
		g.sick, g.since = nil, l.outcomes
		g.recent = tally{age: ages.minutes}
		g.tests[m.ill].headStart(m)
		return
	}
	lasted := l.outcomes - m.seq
	settled := m.outcomes >= acceptOutcomes || lasted >= acceptPayments && m.outcomes >= acceptLeast
	if !settled || m.technical() > 3*usual+0.05 {
		return
	}
	g.sick, g.since = nil, l.outcomes
	for level, r := range rows {
		if r == nil {
			continue
		}
		w := r.slot(number, ages.beliefs)
		*w = r.at(number, ages.beliefs)
		prior := gatewaySD[level] * gatewaySD[level]
		w.vari = max(w.vari, prior)
		if level == levelAll {
			w.mean += m.shift.mean
			w.vari += m.shift.vari
		}
	}
}

// watchSegment looks for a change within the payment's segment and says whether the segment is in quarantine.
func (l *Learner) watchSegment(number int, o observation, rows *[levels]*row, t *Ticket, ages clock) (narrow bool) {
	r := rows[levelSegment]
	if r == nil || r.segment == nil {
		return false
	}
	if r.segment.name == "" {
		r.segment.name = clippedName(t.Segment)
	}
	s := r.segment
	s.keys = t.Keys
	seen := s.watch(r, number, o)
	switch seen {
	case noChange:
	case gatewayChanged:
		if s.ill {
			break
		}
		w := r.slot(number, ages.beliefs)
		*w = r.at(number, ages.beliefs)
		prior := gatewaySD[levelSegment] * gatewaySD[levelSegment]
		w.vari = min(max(gatewayInflation*w.vari, 4*prior), 16*prior)
	case issuersFell:
		if !s.ill {
			r.gateway = append(r.gateway[:0], s.before.gateway...)
		}
		s.ill = true
		r.context = r.contextAt(ages.beliefs)
		r.context.vari = max(r.context.vari, issuerSD*issuerSD)
	case issuersRose:
		if s.ill {
			r.context = s.before.context
		}
		s.ill = false
		r.context = r.contextAt(ages.beliefs)
		r.context.vari = max(r.context.vari, restoredVariance)
	}
	if seen != noChange {
		s.until = l.outcomes + quarantine
	}
	if l.outcomes >= s.until {
		s.ill = false
		return false
	}
	return true
}

// teach moves the weights. In quarantine only those of the segment move.
func (l *Learner) teach(
	number int, kind evidence, strength float64, rows *[levels]*row, keys *Keys, narrow bool, ages clock,
) {
	all := contextOf(keys, rows, ages.beliefs).plus(gatewayOf(keys, rows, number, ages.beliefs))
	y := 1.0
	if kind == evidenceDeclined {
		y = -1
	}
	for level, r := range rows {
		if r == nil || narrow && level != levelSegment {
			continue
		}
		r.context = r.contextAt(ages.beliefs).learnt(all, y, strength)
		if narrow && r.segment.ill {
			continue
		}
		w := r.slot(number, ages.beliefs)
		*w = r.at(number, ages.beliefs).learnt(all, y, strength)
	}
}
