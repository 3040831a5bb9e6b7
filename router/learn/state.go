package learn

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"time"
)

// stateVersion is the version of the saved form. Another one is refused.
const stateVersion = 1

// ErrState is the error of a saved state that cannot be taken up; the Learner is as it was before.
var ErrState = errors.New("learn: the saved state is not usable")

// saved is what Save writes. Numbers of gateways are places in Gateways; the third number of a belief or a tally is how long
// before the saving it was last touched, in memories.
type saved struct {
	Version  int            `json:"version"`
	Outcomes uint64         `json:"outcomes"`
	Epoch    time.Time      `json:"epoch"`
	At       time.Time      `json:"at"` // when it was saved
	Gateways []savedGateway `json:"gateways"`
	Rows     []savedRow     `json:"rows"`
}

type savedGateway struct {
	ID      string                  `json:"id"`
	Recent  [3]float64              `json:"recent"` // good, bad, how long ago
	Usual   [3]float64              `json:"usual"`
	Trips   [3]float64              `json:"trips"`
	Latency [3]float64              `json:"latency"` // n, mean, variance
	Since   uint64                  `json:"since"`
	Sick    *savedImpairment        `json:"sick,omitempty"`
	Tests   [illnesses]savedTesting `json:"tests"`
}

// savedTesting is a test under way; where in the segments its evidence came from is gathered anew.
type savedTesting struct {
	Sum       float64 `json:"sum,omitempty"`
	Technical float64 `json:"technical,omitempty"`
}

type savedImpairment struct {
	Illness   string     `json:"illness"`
	Seq       uint64     `json:"seq"`
	At        int64      `json:"at"`
	Calls     [3]float64 `json:"calls"`
	Shift     [2]float64 `json:"shift"`
	Recovery  float64    `json:"recovery"`
	Outcomes  float64    `json:"outcomes"`
	RestoreAt float64    `json:"restore_at"`
	Slowness  float64    `json:"slowness"`
}

type savedRow struct {
	Key      uint64       `json:"key"`
	Level    int          `json:"level"`
	Name     string       `json:"name,omitempty"`
	Context  [3]float64   `json:"context"` // mean, variance, how long ago
	Gateways [][3]float64 `json:"gateways"`
	Until    uint64       `json:"until,omitempty"`
	Groups   *Keys        `json:"groups,omitempty"` // of a payment in the segment
}

func (w weight) saved(age float64) [3]float64 { return [3]float64{w.mean, w.vari, max(0, age-w.age)} }

func (t tally) saved(age float64) [3]float64 { return [3]float64{t.good, t.bad, max(0, age-t.age)} }

func weightOf(s [3]float64, age float64) weight { return weight{s[0], s[1], age - s[2]} }

func tallyOf(s [3]float64, age float64) tally { return tally{s[0], s[1], age - s[2]} }

// Save writes what has been learnt as JSON. Tests that are under way within segments begin anew after a Load: a change
// that is just being noticed is noticed a little later.
func (l *Learner) Save(w io.Writer, now time.Time) error {
	l.mu.RLock()
	ages := l.clock(now)
	s := saved{Version: stateVersion, Outcomes: l.outcomes, Epoch: l.epoch, At: now}
	for _, g := range l.gateways {
		s.Gateways = append(s.Gateways, g.saved(ages))
	}
	for _, r := range l.table.rows {
		out := savedRow{Key: r.key, Level: r.level, Context: r.context.saved(ages.beliefs / contextMemories), Gateways: make([][3]float64, 0, len(r.gateway))}
		for _, own := range r.gateway {
			out.Gateways = append(out.Gateways, own.saved(ages.beliefs))
		}
		if r.segment != nil {
			groups := r.segment.keys
			out.Name, out.Until, out.Groups = r.segment.name, r.segment.until, &groups
		}
		s.Rows = append(s.Rows, out)
	}
	l.mu.RUnlock()
	if err := json.NewEncoder(w).Encode(&s); err != nil {
		return fmt.Errorf("learn: saving: %w", err)
	}
	return nil
}

func (g *gateway) saved(ages clock) savedGateway {
	s := savedGateway{
		ID: g.id, Recent: g.recent.saved(ages.minutes), Usual: g.usual.saved(ages.usual), Trips: g.trips.saved(ages.trips),
		Latency: [3]float64{g.latency.n, g.latency.mean, g.latency.vari}, Since: g.since,
	}
	for i, e := range g.tests {
		s.Tests[i] = savedTesting{Sum: e.sum, Technical: e.technical}
	}
	if m := g.sick; m != nil {
		s.Sick = &savedImpairment{
			Illness: illnessTable[m.ill].name, Seq: m.seq, At: m.at, Calls: m.calls.saved(0),
			Shift: [2]float64{m.shift.mean, m.shift.vari}, Recovery: m.recovery, Outcomes: m.outcomes,
			RestoreAt: m.restoreAt, Slowness: m.slowness,
		}
	}
	return s
}

// mostState bounds what Load reads.
const mostState = 256 << 20

// Load takes up a saved state in place of what is known now. A state that is broken, of another version or not of this
// world (a variance that is not positive, a number that is none) is refused as a whole with ErrState.
func (l *Learner) Load(r io.Reader) error {
	var s saved
	decoder := json.NewDecoder(io.LimitReader(r, mostState))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&s); err != nil {
		return fmt.Errorf("%w: %w", ErrState, err)
	}
	if s.Version != stateVersion {
		return fmt.Errorf("%w: version %d, not %d", ErrState, s.Version, stateVersion)
	}
	fresh := &Learner{settings: l.settings}
	fresh.clear()
	fresh.outcomes, fresh.epoch = s.Outcomes, s.Epoch
	ages := fresh.clock(s.At)
	if err := fresh.takeGateways(s.Gateways, ages); err != nil {
		return err
	}
	if err := fresh.takeRows(s.Rows, ages); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.outcomes, l.epoch, l.table = fresh.outcomes, fresh.epoch, fresh.table
	l.gateways, l.numbers, l.pending = fresh.gateways, fresh.numbers, exchange{}
	return nil
}

func (l *Learner) takeGateways(list []savedGateway, ages clock) error {
	for i := range list {
		s := &list[i]
		if s.ID == "" || l.number(s.ID) >= 0 || len(l.gateways) >= mostGateways {
			return fmt.Errorf("%w: gateway %q", ErrState, clipped(s.ID))
		}
		g := l.gateways
		if !counts(s.Recent) || !counts(s.Usual) || !counts(s.Trips) || !counts(s.Latency, 1) || s.Since > l.outcomes {
			return fmt.Errorf("%w: counts of gateway %q", ErrState, clipped(s.ID))
		}
		taken := &gateway{
			id: s.ID, recent: tallyOf(s.Recent, ages.minutes), usual: tallyOf(s.Usual, ages.usual),
			trips: tallyOf(s.Trips, ages.trips), since: s.Since,
			latency: pace{s.Latency[0], s.Latency[1], s.Latency[2]},
		}
		for j, e := range s.Tests {
			if !counts([3]float64{e.Sum, e.Technical}) {
				return fmt.Errorf("%w: tests of gateway %q", ErrState, clipped(s.ID))
			}
			taken.tests[j] = excursion{sum: e.Sum, technical: e.Technical}
		}
		sick, err := s.Sick.impairment(l.outcomes)
		if err != nil {
			return fmt.Errorf("gateway %q: %w", clipped(s.ID), err)
		}
		taken.sick = sick
		l.numbers[s.ID] = len(g)
		l.gateways = append(g, taken)
	}
	return nil
}

func (s *savedImpairment) impairment(outcomes uint64) (*impairment, error) {
	if s == nil {
		return nil, nil //nolint:nilnil // a gateway that is well has none
	}
	ill := slices.IndexFunc(illnessTable[:], func(i illness) bool { return i.name == s.Illness })
	numbers := [3]float64{s.Recovery, s.Outcomes, s.Slowness}
	if ill < 0 || s.Seq > outcomes || !counts(s.Calls) || !counts(numbers) ||
		!belief([3]float64{s.Shift[0], s.Shift[1], 0}) || !(s.RestoreAt > 0 && s.RestoreAt < 1000) {
		return nil, fmt.Errorf("%w: impairment", ErrState)
	}
	return &impairment{
		ill: ill, seq: s.Seq, at: s.At, calls: tallyOf(s.Calls, 0), shift: weight{mean: s.Shift[0], vari: s.Shift[1]},
		recovery: s.Recovery, outcomes: s.Outcomes, restoreAt: s.RestoreAt, slowness: s.Slowness,
	}, nil
}

func (l *Learner) takeRows(list []savedRow, ages clock) error {
	if len(list) > l.settings.Groups {
		list = list[:l.settings.Groups] // the coarse groups were made first
	}
	for i := range list {
		s := &list[i]
		if s.Key == 0 || s.Level < 0 || s.Level >= levels || len(s.Gateways) > len(l.gateways) || l.table.find(s.Key) != nil {
			return fmt.Errorf("%w: row %d", ErrState, i)
		}
		if !belief(s.Context) {
			return fmt.Errorf("%w: row %d: context", ErrState, i)
		}
		r := l.table.ensure(s.Key, s.Level, ages.beliefs)
		r.context = weightOf(s.Context, ages.beliefs/contextMemories)
		for _, own := range s.Gateways {
			if !belief(own) {
				return fmt.Errorf("%w: row %d: gateway", ErrState, i)
			}
			r.gateway = append(r.gateway, weightOf(own, ages.beliefs))
		}
		if r.segment != nil {
			r.segment.name, r.segment.until = clippedName(s.Name), s.Until
			if s.Groups != nil {
				r.segment.keys = *s.Groups
			}
		}
	}
	return nil
}

// counts says that all are numbers that can have been counted. Those at the places in signed may be negative.
func counts(list [3]float64, signed ...int) bool {
	for i, x := range list {
		if math.IsNaN(x) || math.Abs(x) > 1e12 || x < 0 && !slices.Contains(signed, i) {
			return false
		}
	}
	return true
}

// belief says that mean, variance and age are those of a belief.
func belief(w [3]float64) bool {
	return math.Abs(w[0]) < 100 && w[1] > 0 && w[1] < 100 && w[2] >= 0 && w[2] < 1e12
}
