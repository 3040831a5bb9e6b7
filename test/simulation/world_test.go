package simulation

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"switchyard/flow"
	"switchyard/payments"
	"switchyard/router"
	"switchyard/store/sqlite"
	"switchyard/tokens"
	"switchyard/vault"
)

const (
	project  = "test-proj_simulation"
	currency = payments.Currency("PHP")
)

// plan is what the seed says of a whole batch.
type plan struct {
	stories int           // actors, each with one or more payments
	spread  time.Duration // within which they begin
	calm    time.Duration // after which nothing goes wrong any more
	crashes int
	slots   int  // instances over the one store
	stalls  bool // background writes may take longer than a lease
	disk    bool // the disk is busy or full at times
	storm   bool // one PSP is unreachable for days
}

func planOf(d dice, stories int) plan {
	p := plan{stories: stories, spread: 12 * time.Minute, calm: 25 * time.Minute, crashes: d.weigh(2, 2, 2, 1, 1, 1), slots: 1 + d.weigh(2, 1)}
	p.stalls = p.slots == 2 && d.chance(0.5)
	p.disk = d.chance(0.3)
	if p.storm = d.chance(0.02); p.storm {
		p.stories = min(stories, 4) // it takes days, in which PSPs are asked and asked
	}
	return p
}

// world is one batch: a store, PSPs, instances of the program, and what everybody was told. mu guards all that is not the
// business of one goroutine; a commit and its check are one step under it.
type world struct {
	t      *testing.T
	seed   uint64
	plan   plan
	store  *sqlite.Store
	file   string
	keys   vault.Keys
	cvcs   *vault.MemoryCVCs // shared by instances; nil: each has its own
	config *router.Config
	infos  []tokens.GatewayInfo
	banks  []*bank
	began  time.Time

	mu      sync.Mutex
	over    bool
	slots   []*process
	all     []*process
	draws   map[string]int
	labels  map[string]string // of references, invoices, tokens and sessions, free of random ids
	version int               // of the store
	next    jobTime
	counts  map[string]int
	trace   []line
	audit   *audit
	faults  []violation
}

// jobTime is the store's answer to when the next job is due, at a version of the store.
type jobTime struct {
	version int
	at      time.Time
	some    bool
}

// line is one thing that happened.
type line struct {
	at    time.Duration
	label string
	text  string
}

// violation is a broken invariant.
type violation struct {
	invariant, label, text string
	at                     time.Duration
}

func newWorld(t *testing.T, seed uint64, stories int, dir string) *world {
	t.Helper()
	d := newDice(seed, "plan")
	w := &world{
		t: t, seed: seed, plan: planOf(d, stories), file: filepath.Join(dir, "switchyard.db"), began: time.Now(),
		draws: map[string]int{}, labels: map[string]string{}, counts: map[string]int{},
	}
	w.audit = newAudit(w)
	var err error
	if w.store, err = sqlite.Open(t.Context(), sqlite.Options{Path: w.file, Relaxed: true}); err != nil {
		t.Fatal(err)
	}
	if w.keys, err = vault.LocalKeys("k1", map[string]payments.Secret{"k1": payments.NewSecret("MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")}); err != nil {
		t.Fatal(err)
	}
	if w.plan.slots > 1 {
		w.cvcs = vault.NewMemoryCVCs(1000, nil)
	}
	w.openBanks(d)
	w.slots = make([]*process, w.plan.slots)
	for slot := range w.slots {
		w.start(slot)
	}
	return w
}

// openBanks chooses the PSPs of the batch, and in which order they are preferred.
func (w *world) openBanks(d dice) {
	chosen := kinds()
	d.Shuffle(len(chosen), func(i, j int) { chosen[i], chosen[j] = chosen[j], chosen[i] })
	chosen = chosen[:3+d.IntN(len(chosen)-2)]
	config := router.Config{MaxAttempts: 3}
	for i, k := range chosen {
		b := newBank(w, k, d)
		b.storm = w.plan.storm && i == 0
		w.banks = append(w.banks, b)
		config.Priority = append(config.Priority, b.id)
		config.Gateways = append(config.Gateways, router.Gateway{ID: b.id, PSP: k.name, Enabled: true, Incremental: k.increments, Page: k.page, Capabilities: k.caps})
		w.infos = append(w.infos, tokens.GatewayInfo{ID: b.id, PSP: k.name, Name: k.name, Page: k.page, Capabilities: k.caps})
	}
	w.config = router.Compile(config)
}

func (w *world) gateways(p *process) []flow.Gateway {
	list := make([]flow.Gateway, len(w.banks))
	for i, b := range w.banks {
		list[i] = flow.Gateway{ID: b.id, PSP: b.kind.name, Capabilities: b.kind.caps, Timeout: callTimeout, Adapter: b.kind.adapter(&station{p: p, b: b})}
	}
	return list
}

func (w *world) bank(id string) *bank {
	i := slices.IndexFunc(w.banks, func(b *bank) bool { return b.id == id })
	if i < 0 {
		return nil
	}
	return w.banks[i]
}

func (w *world) now() time.Duration { return time.Since(w.began) }

// calm says that nothing goes wrong any more.
func (w *world) calm() bool { return w.now() > w.plan.calm }

// dice are new ones every time that they are asked for about the same.
func (w *world) dice(about ...string) dice {
	key := strings.Join(about, "\x00")
	w.mu.Lock()
	n := w.draws[key]
	w.draws[key]++
	w.mu.Unlock()
	return newDice(w.seed, append(about, fmt.Sprint(n))...)
}

func (w *world) count(what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.counts[what]++
}

func (w *world) log(label, format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.logLocked(label, format, args...)
}

func (w *world) logLocked(label, format string, args ...any) {
	w.trace = append(w.trace, line{at: w.now(), label: label, text: fmt.Sprintf(format, args...)})
}

// violate takes note of a broken invariant. It is called with mu held.
func (w *world) violate(invariant, label, format string, args ...any) {
	v := violation{invariant: invariant, label: label, text: fmt.Sprintf(format, args...), at: w.now()}
	w.faults = append(w.faults, v)
	w.logLocked(label, "VIOLATION %s: %s", invariant, v.text)
}

// name gives an object with a random id its label. It is called with mu held.
func (w *world) name(id, label string) {
	if _, known := w.labels[id]; !known {
		w.labels[id] = label
	}
}

// uniquePart is where what makes a reference unique begins at the latest.
const uniquePart = 3

func (w *world) label(id string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.labelLocked(id)
}

func (w *world) labelLocked(id string) string {
	if label, ok := w.labels[id]; ok {
		return label
	}
	if len(id) > uniquePart { // of the operation that gives an attempt's money back, or saves its card
		if label, ok := w.labels[id[uniquePart:]]; ok {
			return label + id[:uniquePart]
		}
	}
	return "other"
}

// story is the payment that a label belongs to: "p12" of "p12.1#2".
func story(label string) string {
	end := strings.IndexAny(label, ".#!")
	if end < 0 {
		return label
	}
	return label[:end]
}

// told returns the trace of a story, or of all when it is empty, in the order of time. What happened at the same moment is in
// the order of its text: goroutines that run at the same moment are free in theirs.
func (w *world) told(about string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	lines := slices.Clone(w.trace)
	slices.SortStableFunc(lines, func(a, b line) int {
		if a.at != b.at {
			return int(min(1, max(-1, a.at-b.at)))
		}
		return strings.Compare(a.label+a.text, b.label+b.text)
	})
	var texts []string
	for _, l := range lines {
		if about == "" || story(l.label) == about || l.label == "" {
			texts = append(texts, fmt.Sprintf("%16s  %-10s %s", l.at, l.label, l.text))
		}
	}
	return texts
}
