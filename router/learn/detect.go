package learn

import "math"

// What is watched for at a gateway: one-sided sequential tests (CUSUM of log likelihood ratios, Page 1954) of "as always"
// against one way of being ill each. A test sums, outcome by outcome, how much better the illness explains what is seen,
// never below zero, and speaks up at its limit. Technical failures and approvals are weighed in one sum.
type illness struct {
	name      string
	technical float64 // share of technical failures when ill
	shift     float64 // of approval, on the probit scale, when ill
	limit     float64
}

const (
	illDown = iota
	illBrownout
	illApproval
	illTechnical
	illnesses
)

// The illnesses. The limit is about the logarithm of how many payments go by between false alarms.
var illnessTable = [illnesses]illness{
	illDown:      {name: "down", technical: 0.80, shift: -0.75, limit: 18},
	illBrownout:  {name: "brownout", technical: 0.09, shift: -0.70, limit: 13},
	illApproval:  {name: "approvals fell", technical: 0, shift: -0.75, limit: 12},
	illTechnical: {name: "technical failures", technical: 0.15, shift: 0, limit: 13},
}

// The technical failures of a healthy gateway, as far as its own long record does not say otherwise.
const (
	usualTechnical  = 0.005
	usualWeight     = 200
	worstUsual      = 0.05
	usualMemory     = 20_000 // payments
	trippedMemory   = 5_000  // payments after which a trip is forgotten by two thirds
	strongestStep   = 6      // the most that one outcome counts in a test
	biggestSegments = 6
)

// excursion is what has been seen since a test was last at zero.
type excursion struct {
	sum       float64 // of the test
	technical float64
	answered  float64
	expected  float64 // approvals
	approved  float64
	segments  [biggestSegments]segmentShare // of the evidence, by segment
	outside   segmentShare                  // of the segments that found no place
}

type segmentShare struct {
	key      uint64
	evidence float64
	outcomes float64
}

// observation is an outcome as the tests see it.
type observation struct {
	kind     evidence
	mean     float64 // predicted approval, on the probit scale, uncertainty averaged over
	segment  uint64
	strength float64
}

// likelihood is the probability of the observation when technical failures have the given share and approval is shifted.
func (o observation) likelihood(technical, shift float64) float64 {
	const least = 1e-3
	switch o.kind {
	case evidenceTechnical:
		return max(technical, least)
	case evidenceApproved:
		return max((1-technical)*normal(o.mean+shift), least)
	case evidenceDeclined:
		return max((1-technical)*normal(-o.mean-shift), least)
	case evidenceAlive, evidenceNone:
	}
	return max(1-technical, least)
}

// step moves a test by one observation and says whether it speaks up.
func (e *excursion) step(ill *illness, o observation, usual float64) bool {
	ratio := ill.ratio(o, usual)
	if e.sum+ratio <= 0 {
		*e = excursion{}
		return false
	}
	e.sum += ratio
	e.note(o, ratio)
	return e.sum >= ill.limit && e.widespread()
}

// ratio is how much better the illness explains the observation than health, as the logarithm of the likelihoods.
func (ill *illness) ratio(o observation, usual float64) float64 {
	technical := usual
	if ill.technical > 0 {
		technical = max(ill.technical, 3*usual)
	}
	ratio := math.Log(o.likelihood(technical, ill.shift) / o.likelihood(usual, 0))
	return min(max(ratio, -strongestStep), strongestStep) * o.strength
}

// takeBack undoes the step of a technical failure that was none.
func (e *excursion) takeBack(ill *illness, usual float64) {
	if e.technical < 1 {
		return
	}
	e.technical--
	e.sum -= ill.ratio(observation{kind: evidenceTechnical, strength: 1}, usual)
	if e.sum <= 0 {
		*e = excursion{}
	}
}

func (e *excursion) note(o observation, ratio float64) {
	switch o.kind {
	case evidenceTechnical:
		e.technical++
	case evidenceApproved, evidenceDeclined:
		e.answered++
		e.expected += normal(o.mean)
		if o.kind == evidenceApproved {
			e.approved++
		}
	case evidenceAlive, evidenceNone:
	}
	share := &e.outside
	for i := range e.segments {
		if s := &e.segments[i]; s.key == o.segment || s.outcomes == 0 {
			s.key, share = o.segment, s
			break
		}
	}
	share.evidence += ratio
	share.outcomes++
}

// headStart makes the test that spoke up quick to speak again, for the case that the recovery was chance.
func (e *excursion) headStart(m *impairment) {
	e.sum = headStart * illnessTable[m.ill].limit
	if m.technical() > worstUsual {
		e.technical = technicalAlone - 1
	}
}

const (
	headStart      = 0.6
	technicalAlone = 3 // so many technical failures need no other evidence
)

// widespread says that the evidence is not one segment's alone: an issuer that has a bad day must not move a gateway that
// sees other issuers too. Technical failures are the gateway's own.
func (e *excursion) widespread() bool {
	if e.technical >= technicalAlone {
		return true
	}
	evidence, outcomes := e.outside.evidence, e.outside.outcomes
	var biggest segmentShare
	for _, s := range e.segments {
		evidence, outcomes = evidence+s.evidence, outcomes+s.outcomes
		if s.evidence > biggest.evidence {
			biggest = s
		}
	}
	if outcomes == 0 {
		return false
	}
	elsewhere := (outcomes - biggest.outcomes) / outcomes
	return evidence-biggest.evidence >= 0.25*evidence*min(1, 3*elsewhere)
}

// impairment is a gateway that is ill, and what is known of the illness. The beliefs from before stay as they are; beside
// them stand how many calls fail technically now and by how much approval has fallen. So coming back is forgetting the
// impairment, and costs nothing of what was learnt.
type impairment struct {
	ill       int     // in illnessTable
	seq       uint64  // when it began
	at        int64   // likewise, in nanoseconds since 1970
	calls     tally   // technical failures (bad) and answers (good) while ill
	shift     weight  // of approval
	recovery  float64 // log likelihood ratio of "as before" against "as ill", never below 0
	outcomes  float64
	restoreAt float64
	slowness  float64   // after how many payments technical failures become known
	waiting   []weighed // good news that is still too young to be told from silence
}

// weighed is a step of the recovery that has to wait.
type weighed struct {
	seq  uint64
	step float64
}

// newImpairment takes the excursion that led to the alarm as the first evidence of what the illness is like.
func newImpairment(ill int, e *excursion, seq uint64, at int64, trips float64) *impairment {
	m := &impairment{ill: ill, seq: seq, at: at}
	m.calls = tally{good: excursionTrust * e.answered, bad: excursionTrust * e.technical}
	missing := (e.expected - e.approved) / max(e.answered, 1)
	shift := illnessTable[ill].shift
	if e.answered > 0 {
		// How far the seen share is below the expected one; 4 is the slope of the probit around the usual 85 %.
		trust := e.answered / (e.answered + 30)
		shift = (1-trust)*shift - trust*min(max(4*missing, 0), 3)
	}
	m.shift = weight{mean: min(shift, 0), vari: 0.1}
	m.restoreAt = recoverAt + recoverPerTrip*min(trips, 4)
	return m
}

const (
	recoverAt      = 5 // about 150 to 1 for "as before"
	recoverPerTrip = 1.0
	excursionTrust = 0.5 // the outcomes that led to the alarm are worse than the illness is: that is why they led to it
	priorCalls     = 4   // how many calls the illness's typical share of technical failures is worth
)

func (m *impairment) technical() float64 {
	ill := illnessTable[m.ill]
	return m.calls.badShare(max(ill.technical, usualTechnical), priorCalls)
}

// learn weighs an outcome of a payment that was decided at seq, since the impairment began, and says whether the gateway is
// as before. Approvals are often known before timeouts of the same age: good news waits until bad news of its age would
// have come. Evidence for the recovery does not at the same time teach what the illness looks like.
func (m *impairment) learn(o observation, usual float64, seq, now uint64) (recovered bool) {
	m.outcomes += o.strength
	technical, shift := m.asIll()
	ratio := math.Log(o.likelihood(usual, 0) / o.likelihood(max(technical, 2*usual), shift))
	step := o.strength * min(max(ratio, -strongestStep), strongestGood)
	if o.kind == evidenceTechnical {
		m.slowness += (float64(now-min(seq, now)) - m.slowness) * slownessStep
	}
	if step > 0 && len(m.waiting) < mostWaiting {
		m.waiting = append(m.waiting, weighed{seq, step})
		step = 0
	}
	m.recovery = max(0, m.recovery+step)
	m.ripen(now)
	m.resemble(o)
	return m.recovery >= m.restoreAt
}

// resemble learns what the illness looks like. It learns from good outcomes too, or else it would look worse than it is,
// and chance would look like recovery.
func (m *impairment) resemble(o observation) {
	switch o.kind {
	case evidenceTechnical:
		m.calls.bad++
		return
	case evidenceApproved:
		m.shift = m.shift.learnt(opinion{o.mean + m.shift.mean, m.shift.vari}, 1, o.strength)
	case evidenceDeclined:
		m.shift = m.shift.learnt(opinion{o.mean + m.shift.mean, m.shift.vari}, -1, o.strength)
	case evidenceAlive, evidenceNone:
	}
	m.calls.good++
	m.shift.mean = min(m.shift.mean, 0)
}

// asIll is what recovery is tested against: the illness as it looks, or its mildest form that is worth telling from health.
func (m *impairment) asIll() (technical, shift float64) {
	ill := &illnessTable[m.ill]
	return max(m.technical(), ill.technical/2), min(m.shift.mean, ill.shift/2)
}

// ripen counts the good news that is old enough.
func (m *impairment) ripen(now uint64) {
	kept := m.waiting[:0]
	for _, w := range m.waiting {
		if float64(now-min(w.seq, now)) < m.slowness {
			kept = append(kept, w)
			continue
		}
		m.recovery += w.step
	}
	m.waiting = kept
}

const (
	strongestGood = 3
	slownessStep  = 0.25
	mostWaiting   = 128
)

// probeShare is the share of payments that an impaired gateway gets to show that it is well again. It falls with the
// square root of the time that the illness has lasted (the longer it has, the longer it will), is larger when a probe
// costs less, and grows with the evidence of recovery.
func (m *impairment) probeShare(seq uint64, loss float64) float64 {
	passed := float64(seq - min(seq, m.seq))
	share := max(probeScale/math.Sqrt((passed+probeDelay)*max(loss, 0.05)), probeLeast)
	young := 0.0 // of the good news that waits only the best counts: while bad news is on its way there is always some
	for _, w := range m.waiting {
		young = max(young, w.step)
	}
	return min(share*math.Exp(probeEager*(m.recovery+young)), probeMost)
}

const (
	probeScale = 0.18
	probeDelay = 50
	probeMost  = 0.20
	probeLeast = 0.005
	probeEager = 1.2
)
