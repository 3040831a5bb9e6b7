package backtest

import (
	"fmt"
	"math"
)

// Settings bound the estimate. The zero value has the defaults.
type Settings struct {
	// Bound is where weights are cut; default 1000. What is cut off makes the interval wider.
	Bound float64
	// Sample is the effective sample size below which there is no verdict; default 500.
	Sample float64
	// Untried is the share of choices that were never possible above which there is no verdict; default 0.01.
	Untried float64
	// Unknown is the share of outcomes that are not final above which there is no verdict; default 0.02.
	Unknown float64
}

func (s Settings) withDefaults() Settings {
	set := func(field *float64, value float64) {
		if !(*field > 0) {
			*field = value
		}
	}
	set(&s.Bound, 1000)
	set(&s.Sample, 500)
	set(&s.Untried, 0.01)
	set(&s.Unknown, 0.02)
	return s
}

// Replay takes payments one by one. It keeps sums only, whose size depends on the numbers of gateways, segments and
// currencies.
type Replay struct {
	settings Settings
	payments int
	explored int
	unknown  int
	ledger   ledger
	coverage coverage
	evidence [parts]evidence
}

// New begins a replay.
func New(s Settings) *Replay {
	return &Replay{settings: s.withDefaults(), ledger: newLedger(), coverage: coverage{segments: map[string]*segment{}}}
}

// Add counts a payment. A record that contradicts itself is refused with an error that names the payment, and counts
// nowhere. The record is not kept.
func (p *Replay) Add(r *Record) error {
	if err := r.check(); err != nil {
		return err
	}
	if !p.ledger.reserve(r) {
		return fmt.Errorf("backtest: payment %.40q: the amounts in %s add up to more than can be counted: replay a shorter time", r.Payment, r.Amount.Currency)
	}
	p.payments++
	if r.Explored {
		p.explored++
	}
	p.ledger.add(r)
	p.coverage.add(r)
	if r.Gateway != "" && !r.Known {
		p.unknown++
		return nil
	}
	part, lost := partOf(r, p.settings.Bound)
	p.evidence[part].add(r, part, lost, p.settings.Bound)
	return nil
}

// Report says what has come out so far.
func (p *Replay) Report() Report {
	r := Report{
		Payments: p.payments, Explored: p.explored, Unknown: p.unknown,
		Kept: p.ledger.placed.number(), Blocked: p.ledger.stopped, Unblocked: p.ledger.opened,
		Moves: p.ledger.table(), Costs: p.ledger.costTable(), WithoutFee: p.ledger.noFee, FeeGaps: p.ledger.gapTable(),
		Approval: p.approval(), Coverage: p.coverage.report(), Warnings: []string{},
	}
	r.Moved = float64(r.Payments) - r.Kept
	r.judge(p.settings)
	return r
}

// approval puts the parts together.
func (p *Replay) approval() Approval {
	out := Approval{Bound: p.settings.Bound, Parts: []Part{}}
	all := evidence{}
	for i := range p.evidence {
		e := &p.evidence[i]
		all.n += e.n
		all.approved += e.approved
		out.Payments += e.withOutcome
		out.Cut += float64(e.cut)
	}
	out.Old = all.old()
	if all.n == 0 {
		out.New, out.Difference = out.Old, Estimate{0, -1, 1}
		return out
	}
	out.Cut /= all.n
	c := combination{}
	for i := range p.evidence {
		e := &p.evidence[i]
		if e.n == 0 {
			continue
		}
		part := Part{Name: partNames[i], Payments: e.withOutcome, EffectiveSample: e.effective(), Old: e.old(), New: e.now(i)}
		if i == opened {
			part.New.Rate = out.Old.Rate // nothing is known
		}
		c.add(part, i, e, e.n/all.n)
		if i == moved || i == leaning && p.evidence[moved].n == 0 {
			out.Changed, out.EffectiveSample = e.withOutcome, part.EffectiveSample
		}
		out.Parts = append(out.Parts, part)
	}
	out.New, out.Difference = c.estimate(all.n), c.difference(all.n)
	return out
}

// combination adds the parts up by their shares of the payments.
type combination struct {
	shares, rates, changes   [parts]float64
	count                    int
	rate, change             float64 // estimates
	coveredRate, coveredMove float64 // of what the weights stand for
	lost                     float64
	below, above             float64 // squares of the distances to the limits
	belowMove, aboveMove     float64
}

func (c *combination) add(p Part, part int, e *evidence, share float64) {
	lost := e.lost / e.n
	if e.w == 0 && part != stopped {
		lost = 1 // chance has left nothing to go by
	}
	known := share * (1 - lost)
	c.shares[c.count], c.rates[c.count], c.changes[c.count] = share, p.New.Rate, p.New.Rate-p.Old.Rate
	c.count++
	c.rate += share * p.New.Rate
	c.coveredRate += known * p.New.Rate
	c.lost += share * lost
	low, high := known*(p.New.Rate-p.New.Low), known*(p.New.High-p.New.Rate)
	c.below += low * low
	c.above += high * high
	if part == kept {
		return // the same outcomes: no difference, and no doubt about it
	}
	c.change += share * (p.New.Rate - p.Old.Rate)
	c.coveredMove += known*p.New.Rate - share*p.Old.Rate
	oldLow, oldHigh := share*(p.Old.Rate-p.Old.Low), share*(p.Old.High-p.Old.Rate)
	both := 2 * e.together()
	c.belowMove += max(0, low*low+oldHigh*oldHigh-both*low*oldHigh)
	c.aboveMove += max(0, high*high+oldLow*oldLow-both*high*oldLow)
}

// estimate is the candidate's approval of payments such as these n.
func (c *combination) estimate(n float64) Estimate {
	mix := c.mix(&c.rates, c.rate, n)
	low := c.coveredRate - math.Sqrt(c.below+mix)
	high := c.coveredRate + c.lost + math.Sqrt(c.above+mix)
	return Estimate{c.rate, max(0, min(low, c.rate)), min(1, max(high, c.rate))}
}

func (c *combination) difference(n float64) Estimate {
	mix := c.mix(&c.changes, c.change, n)
	low := c.coveredMove - math.Sqrt(c.belowMove+mix)
	high := c.coveredMove + c.lost + math.Sqrt(c.aboveMove+mix)
	return Estimate{c.change, max(-1, min(low, c.change)), min(1, max(high, c.change))}
}

// mix is the square of the doubt that comes from how payments happened to fall into the parts.
func (c *combination) mix(values *[parts]float64, middle, n float64) float64 {
	spread := 0.0
	for i := range c.count {
		d := values[i] - middle
		spread += c.shares[i] * d * d
	}
	return spread * z * z / n
}
