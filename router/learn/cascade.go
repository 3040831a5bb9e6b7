package learn

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"sync"

	"switchyard/payments"
)

// setback is a kind of result after which a payment may go on elsewhere.
type setback uint8

// The setbacks. What is believed of each before anything was seen is in priorChance.
const (
	nothingHappened   setback = iota // class A, and faults that certainly did not charge
	refused                          // class B
	issuerUnreachable                // class B, of an issuer that did not answer: another path to it may work
	settingsThere                    // class H: something of the account or the request at that PSP only
	setbacks
)

var (
	setbackNames = [setbacks]string{"nothing-happened", "refused", "issuer-unreachable", "settings"}
	priorChance  = [setbacks]float64{0.85, 0.15, 0.35, 0.85}
)

// How much is believed without evidence, and how long evidence counts, in observations.
const (
	priorOfAll      = 20   // of a setback, whatever the gateway configurations
	priorOfPair     = 10   // that two gateway configurations are like all others
	cascadeMemory   = 1000 // of a pair
	overallMemory   = 5000 // of a setback
	maxCascadePairs = 100_000
)

// unreachable are the codes of an issuer that did not answer.
var unreachable = []payments.Code{payments.CardIssuerDown, payments.CardIssuerFailed, payments.CardIssuerMaintenance, payments.CardIssuerMalfunction}

func setbackOf(code payments.Code, class payments.Class) setback {
	switch {
	case class == payments.ClassCascade:
		return nothingHappened
	case class == payments.ClassConfig:
		return settingsThere
	case slices.Contains(unreachable, code):
		return issuerUnreachable
	}
	return refused
}

// Cascades is what is believed of second tries: the chance that one gateway configuration approves what another has not. It is
// safe for many goroutines.
type Cascades struct {
	mu    sync.RWMutex
	all   [setbacks]seen
	pairs map[pair]seen
}

// pair is a move from one gateway configuration to another after a setback.
type pair struct {
	after    setback
	from, to string
}

// seen counts second tries; old ones fade.
type seen struct{ good, bad float64 }

func (s seen) with(approved bool, memory float64) seen {
	keep := 1 - 1/memory
	s.good, s.bad = s.good*keep, s.bad*keep
	if approved {
		s.good++
	} else {
		s.bad++
	}
	return s
}

// mean is that of the Beta distribution with so much prior belief in a chance.
func (s seen) mean(chance, prior float64) float64 {
	return (chance*prior + s.good) / (prior + s.good + s.bad)
}

// NewCascades returns beliefs without evidence.
func NewCascades() *Cascades { return &Cascades{pairs: map[pair]seen{}} }

// Chance is the probability that a gateway configuration approves a payment that another has just ended with a code of a class.
func (c *Cascades) Chance(code payments.Code, class payments.Class, from, to string) float64 {
	after := setbackOf(code, class)
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.pairs[pair{after, from, to}].mean(c.all[after].mean(priorChance[after], priorOfAll), priorOfPair)
}

// Observe learns what a second try came to.
func (c *Cascades) Observe(code payments.Code, class payments.Class, from, to string, approved bool) {
	after := setbackOf(code, class)
	key := pair{after, from, to}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all[after] = c.all[after].with(approved, overallMemory)
	if known, ok := c.pairs[key]; ok || len(c.pairs) < maxCascadePairs {
		c.pairs[key] = known.with(approved, cascadeMemory)
	}
}

// Reset forgets everything.
func (c *Cascades) Reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all, c.pairs = [setbacks]seen{}, map[pair]seen{}
}

// ResetGateway forgets second tries from and to a gateway configuration, and says whether there were any.
func (c *Cascades) ResetGateway(id string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := len(c.pairs)
	maps.DeleteFunc(c.pairs, func(p pair, _ seen) bool { return p.from == id || p.to == id })
	return len(c.pairs) < before
}

// SecondTries is what is believed of going on from one gateway configuration to another after a kind of result.
type SecondTries struct {
	After  string  `json:"after"`
	From   string  `json:"from"`
	To     string  `json:"to"`
	Seen   float64 `json:"seen"`   // about how many, decayed
	Chance float64 `json:"chance"` // that the other one approves
}

// Inspect lists what was seen, in order.
func (c *Cascades) Inspect() []SecondTries {
	c.mu.RLock()
	defer c.mu.RUnlock()
	list := make([]SecondTries, 0, len(c.pairs))
	for p, s := range c.pairs {
		list = append(list, SecondTries{
			After: setbackNames[p.after], From: p.from, To: p.to, Seen: s.good + s.bad, Chance: s.mean(c.all[p.after].mean(priorChance[p.after], priorOfAll), priorOfPair),
		})
	}
	slices.SortFunc(list, func(a, b SecondTries) int {
		return cmp.Or(cmp.Compare(a.After, b.After), cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	})
	return list
}

// cascadesVersion is the version of the saved form. Another one is refused.
const cascadesVersion = 1

type savedCascades struct {
	Version int                   `json:"version"`
	All     map[string][2]float64 `json:"all"` // good, bad
	Pairs   []savedPair           `json:"pairs"`
}

type savedPair struct {
	After string     `json:"after"`
	From  string     `json:"from"`
	To    string     `json:"to"`
	Seen  [2]float64 `json:"seen"` // good, bad
}

// Save writes what has been learnt as JSON.
func (c *Cascades) Save(w io.Writer) error {
	c.mu.RLock()
	s := savedCascades{Version: cascadesVersion, All: map[string][2]float64{}, Pairs: make([]savedPair, 0, len(c.pairs))}
	for after, all := range c.all {
		s.All[setbackNames[after]] = [2]float64{all.good, all.bad}
	}
	keys := slices.SortedFunc(maps.Keys(c.pairs), func(a, b pair) int {
		return cmp.Or(cmp.Compare(a.after, b.after), cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to))
	})
	for _, k := range keys {
		s.Pairs = append(s.Pairs, savedPair{After: setbackNames[k.after], From: k.from, To: k.to, Seen: [2]float64{c.pairs[k].good, c.pairs[k].bad}})
	}
	c.mu.RUnlock()
	return json.NewEncoder(w).Encode(s)
}

// Load takes up what Save wrote, in place of what is there. The error is ErrState when it is not usable; nothing is changed then.
func (c *Cascades) Load(r io.Reader) error {
	var s savedCascades
	decoder := json.NewDecoder(r)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&s); err != nil {
		return fmt.Errorf("%w: cascades: %w", ErrState, err)
	}
	if s.Version != cascadesVersion || len(s.Pairs) > maxCascadePairs {
		return fmt.Errorf("%w: cascades: version %d with %d pairs", ErrState, s.Version, len(s.Pairs))
	}
	fresh := NewCascades()
	for name, counts := range s.All {
		after, ok := setbackNamed(name)
		if !ok || !countable(counts, overallMemory) {
			return fmt.Errorf("%w: cascades: the counts after %q", ErrState, name)
		}
		fresh.all[after] = seen{counts[0], counts[1]}
	}
	for _, p := range s.Pairs {
		after, ok := setbackNamed(p.After)
		if !ok || !countable(p.Seen, cascadeMemory) {
			return fmt.Errorf("%w: cascades: the counts from %q to %q", ErrState, p.From, p.To)
		}
		fresh.pairs[pair{after, p.From, p.To}] = seen{p.Seen[0], p.Seen[1]}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all, c.pairs = fresh.all, fresh.pairs
	return nil
}

func setbackNamed(name string) (setback, bool) {
	i := slices.Index(setbackNames[:], name)
	return setback(max(i, 0)), i >= 0 //nolint:gosec // a place in a short list
}

// countable says that counts can have come from observations: what is kept of them adds up to the memory at most, but for what
// rounding has added on the way there.
func countable(counts [2]float64, memory float64) bool {
	sum := counts[0] + counts[1]
	return counts[0] >= 0 && counts[1] >= 0 && !math.IsNaN(sum) && sum < memory+1
}
