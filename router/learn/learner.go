package learn

import (
	"cmp"
	"sync"
	"time"
)

// Settings are the knobs of a Learner. The zero value of a field has the default that stands beside it.
type Settings struct {
	// Memory is how long what is learnt lasts, in payments and in time; both pass at once.
	MemoryPayments float64       // default 70,000
	MemoryTime     time.Duration // default 30 days
	// Groups is how many groups of payments are told apart at most; default 8,192.
	Groups int
}

const (
	defaultMemoryPayments = 70_000
	defaultMemoryTime     = 30 * 24 * time.Hour
	defaultGroups         = 8_192
	leastGroups           = 16
	mostGateways          = 1_000

	recentPayments = 1_500
	recentTime     = 30 * time.Minute
)

func (s Settings) withDefaults() Settings {
	if !(s.MemoryPayments > 0) {
		s.MemoryPayments = defaultMemoryPayments
	}
	if s.MemoryTime <= 0 {
		s.MemoryTime = defaultMemoryTime
	}
	s.Groups = max(cmp.Or(max(s.Groups, 0), defaultGroups), leastGroups)
	return s
}

// Learner holds the beliefs. It is safe for many goroutines: choices read under a shared lock, outcomes are applied one at
// a time. It starts no goroutine, reads no clock and draws no random numbers.
type Learner struct {
	settings Settings

	mu       sync.RWMutex
	changes  uint64    // of what is known, by outcomes, news and orders
	outcomes uint64    // seen so far: the clock that counts payments
	epoch    time.Time // of the first outcome: where the clock that counts time begins
	table    table
	gateways []*gateway
	numbers  map[string]int
	pending  exchange
}

// New returns a Learner that knows nothing yet.
func New(s Settings) *Learner {
	s = s.withDefaults()
	l := &Learner{settings: s}
	l.clear()
	return l
}

func (l *Learner) clear() {
	l.outcomes, l.epoch = 0, time.Time{}
	l.table = newTable(l.settings.Groups)
	l.gateways, l.numbers = nil, map[string]int{}
	l.pending = exchange{}
}

// clock says how many memories have passed since the beginning.
func (l *Learner) clock(now time.Time) clock {
	n, passed := float64(l.outcomes), time.Duration(0)
	if !l.epoch.IsZero() && now.After(l.epoch) {
		passed = now.Sub(l.epoch)
	}
	return clock{
		beliefs: n/l.settings.MemoryPayments + float64(passed)/float64(l.settings.MemoryTime),
		minutes: n/recentPayments + float64(passed)/float64(recentTime),
		usual:   n / usualMemory,
		trips:   n / trippedMemory,
	}
}

// number returns the gateway's number, or -1 for one that has never been heard of.
func (l *Learner) number(id string) int {
	if n, ok := l.numbers[id]; ok {
		return n
	}
	return -1
}

// enter returns the gateway's number and gives it one if need be; -1 when there are too many.
func (l *Learner) enter(id string) int {
	if n, ok := l.numbers[id]; ok {
		return n
	}
	if len(l.gateways) >= mostGateways || id == "" {
		return -1
	}
	n := len(l.gateways)
	l.gateways = append(l.gateways, &gateway{id: id})
	l.numbers[id] = n
	return n
}
