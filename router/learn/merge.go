package learn

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// Delta is what one instance has seen since its last Export, as counts. Counts of different instances may be added up.
type Delta struct {
	Counts []Count `json:"counts"`
}

// Count is how often payments of the same groups ended in which way at one gateway. Declines may be fractions: some count
// for less.
type Count struct {
	Gateway   string  `json:"gateway"`
	Segment   string  `json:"segment,omitempty"`
	Keys      Keys    `json:"keys"`
	Approved  float64 `json:"approved,omitempty"`
	Declined  float64 `json:"declined,omitempty"`
	Technical float64 `json:"technical,omitempty"`
	Alive     float64 `json:"alive,omitempty"`
}

// exchange gathers what is to be told to other instances.
type exchange struct {
	counts map[countKey]*Count
}

type countKey struct {
	gateway string
	keys    Keys
}

const (
	mostCounts   = 4_096 // kinds of payments in one Delta; what does not fit is not told
	mostRepeated = 256   // outcomes of one kind that are applied one by one
)

func (e *exchange) note(gateway string, t *Ticket, kind evidence, strength float64) {
	at := countKey{gateway, t.Keys}
	c := e.counts[at]
	if c == nil {
		if len(e.counts) >= mostCounts {
			return
		}
		if e.counts == nil {
			e.counts = map[countKey]*Count{}
		}
		c = &Count{Gateway: gateway, Segment: t.Segment, Keys: t.Keys}
		e.counts[at] = c
	}
	switch kind {
	case evidenceApproved:
		c.Approved += strength
	case evidenceDeclined:
		c.Declined += strength
	case evidenceTechnical:
		c.Technical += strength
	case evidenceAlive:
		c.Alive += strength
	case evidenceNone:
	}
}

// Export returns what was observed here since the last Export, sorted, and begins anew. What came by Merge is not in it.
func (l *Learner) Export() Delta {
	l.mu.Lock()
	gathered := l.pending.counts
	l.pending = exchange{}
	l.mu.Unlock()
	d := Delta{Counts: make([]Count, 0, len(gathered))}
	for _, c := range gathered {
		d.Counts = append(d.Counts, *c)
	}
	slices.SortFunc(d.Counts, func(a, b Count) int {
		if order := strings.Compare(a.Gateway, b.Gateway); order != 0 {
			return order
		}
		return slices.Compare(a.Keys[:], b.Keys[:])
	})
	return d
}

// Merge learns from what other instances have seen. It is an approximation: the order of the outcomes is lost (technical
// failures are applied first, so that a gateway that has failed elsewhere is left here too, and approvals and declines are
// mixed evenly), they count as decided now, and of one kind no more than a few hundred are applied, in proportion. A count
// that cannot be is refused before anything is learnt.
func (l *Learner) Merge(d Delta, now time.Time) error {
	for i := range d.Counts {
		c := &d.Counts[i]
		for _, x := range [...]float64{c.Approved, c.Declined, c.Technical, c.Alive} {
			if math.IsNaN(x) || x < 0 || x > 1e9 {
				return fmt.Errorf("learn: count %d of gateway %q cannot be", i, clipped(c.Gateway))
			}
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range d.Counts {
		l.mergeCount(&d.Counts[i], now)
	}
	return nil
}

func (l *Learner) mergeCount(c *Count, now time.Time) {
	number := l.enter(c.Gateway)
	total := c.Approved + c.Declined + c.Technical + c.Alive
	if number < 0 || total <= 0 {
		return
	}
	if l.epoch.IsZero() {
		l.epoch = now
	}
	scale := min(1, mostRepeated/total)
	ticket := Ticket{Seq: l.outcomes, Keys: c.Keys, Segment: c.Segment}
	give := func(kind evidence, strength float64) {
		l.changes++
		l.outcomes++
		ticket.Seq = l.outcomes
		l.apply(number, &ticket, kind, strength, now)
	}
	for range int(math.Round(c.Technical * scale)) {
		give(evidenceTechnical, 1)
	}
	for range int(math.Round(c.Alive * scale)) {
		give(evidenceAlive, 1)
	}
	approved, declined := math.Round(c.Approved*scale), c.Declined*scale
	steps := max(approved, math.Ceil(declined))
	for i := range int(steps) {
		if spread(approved, steps, i) >= 1 {
			give(evidenceApproved, 1)
		}
		if part := declined / steps; part > 0 {
			give(evidenceDeclined, part)
		}
	}
}

// spread says how many of count things fall on step i when they are laid evenly over the steps.
func spread(count, steps float64, i int) float64 {
	return math.Floor(count*float64(i+1)/steps+1e-9) - math.Floor(count*float64(i)/steps+1e-9)
}
