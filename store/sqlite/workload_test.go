//go:build unix

package sqlite

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"hash"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"switchyard/payments"
	"switchyard/store/storetest"
)

// Environment of the tests of disk faults.
const (
	diskSeed   = "STORE_TEST_DISK_SEED"   // repeats what a failed test has printed
	diskRounds = "STORE_TEST_DISK_ROUNDS" // multiplies how much is tried
)

// seeded returns the seed of a test, and how many rounds it is to do instead of those that it has in mind.
func seeded(t *testing.T, rounds int) (seed uint64, total int) {
	t.Helper()
	seed, total = rand.Uint64(), rounds
	if raceDetector || testing.Short() {
		total = (rounds + 2) / 3
	}
	var errs [2]error
	if text := os.Getenv(diskSeed); text != "" {
		seed, errs[0] = strconv.ParseUint(text, 10, 64)
	}
	if text := os.Getenv(diskRounds); text != "" {
		total, errs[1] = strconv.Atoi(text)
		total *= rounds
	}
	if err := errors.Join(errs[:]...); err != nil {
		t.Fatal(err)
	}
	t.Logf("%s=%d", diskSeed, seed)
	return seed, total
}

func chance(seed, round uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, round)) }

// step is what a workload does at once: changes that share a commit, or a restart.
type step struct {
	changes []payments.Change
	refused []bool // which of them the store must turn away
	reopen  bool
}

// workload makes up steps that write into all tables, overwrite, delete, need many pages at times, and restart.
func workload(r *rand.Rand, prefix string, length int) []step {
	versions := map[string]int64{}
	var steps []step
	var samples []string
	for n := range length {
		if r.IntN(12) == 0 {
			steps = append(steps, step{reopen: true})
			continue
		}
		var s step
		for i := range 1 + r.IntN(4) {
			var c payments.Change
			refused := false
			switch dice := r.IntN(10); {
			case dice < 4:
				name := fmt.Sprintf("%s-%d-%d", prefix, n, i)
				samples = append(samples, name)
				c = storetest.Sample(project, name)
			case dice < 5 && len(samples) > 0:
				c = forgetSealed("card_" + samples[r.IntN(len(samples))])
			case dice < 6 && len(versions) > 0:
				c, refused = customer(fmt.Sprint(prefix, "-big-0"), 1_000), true
			default:
				id := fmt.Sprint(prefix, "-big-", len(versions)%8)
				versions[id]++
				c = customer(id, versions[id])
				c.Customers[0].Email = strings.Repeat("x", r.IntN(20_000))
			}
			s.changes, s.refused = append(s.changes, c), append(s.refused, refused)
		}
		steps = append(steps, s)
	}
	return steps
}

// answer is what a caller was told, and when.
type answer struct {
	position int // of the disk's log: whatever happens there or later, it must be true
	state    int // the state that has it
}

// history is what a workload has done to a disk.
type history struct {
	settings []setting
	disk     *disk
	store    *Store
	states   []content // the whole content after each step; the first one is that before
	begun    []int     // where in the disk's log the commit that led to each state began
	ended    []int     // and where it ended
	acks     []answer

	pending []*request // those that wait for their answer, nil once it is there
	answers []error
}

// diskSettings are the store's own with a small log, so that it is often copied into the database and begun anew.
func diskSettings(r *rand.Rand, isRelaxed bool) []setting {
	settings := writerSettings(defaultWriterCacheKiB)
	small := map[string]string{
		"wal_autocheckpoint": strconv.Itoa(10 + r.IntN(100)),
		"journal_size_limit": strconv.Itoa(r.IntN(3) * 100_000),
	}
	for i := range settings {
		if value, ok := small[settings[i].name]; ok {
			settings[i].value, settings[i].want = value, value
		}
	}
	if isRelaxed {
		return relaxed(settings)
	}
	return settings
}

// begin opens a store on a disk.
func begin(t testing.TB, d *disk, settings []setting) *history {
	t.Helper()
	h := &history{settings: settings, disk: d}
	if err := h.start(t); err != nil {
		t.Fatalf("open: %v", err)
	}
	return h
}

func (h *history) start(t testing.TB) error {
	t.Helper()
	if err := h.open(t); err != nil {
		return err
	}
	h.begun, h.ended = []int{0}, []int{h.disk.position()}
	return h.keep(t.Context())
}

func (h *history) open(t testing.TB) error {
	s, err := open(t.Context(), Options{Path: h.disk.dir(), MaxReaders: 1}.withDefaults(), h.settings, migrationFiles)
	if err != nil {
		return err
	}
	h.store = s
	t.Cleanup(func() { _ = s.Close() }) // may be halted
	return nil
}

// run does a workload to its end or to the first error, and returns that.
func (h *history) run(t testing.TB, steps []step) error {
	t.Helper()
	for _, s := range steps {
		if s.reopen {
			if err := errors.Join(h.store.Close(), h.open(t)); err != nil {
				return err
			}
			continue
		}
		for i, err := range h.commit(t, s.changes) {
			if s.refused[i] && errors.Is(err, payments.ErrConflict) {
				continue
			}
			if err != nil {
				return err
			}
		}
		if err := h.keep(t.Context()); err != nil {
			return err
		}
	}
	return nil
}

// keep adds the present content to the states.
func (h *history) keep(ctx context.Context) error {
	now, err := h.fingerprint(ctx)
	h.states = append(h.states, now)
	return err
}

// commit hands changes to the writer so that they share a commit, whatever the scheduler does: it holds the writer until
// all of them wait. It writes down when each is answered, at the very latest before the next thing is done to the disk.
func (h *history) commit(t testing.TB, changes []payments.Change) []error {
	t.Helper()
	w := h.store.writer
	holds, release := make(chan struct{}), make(chan struct{})
	first := send(w, func(*writer) (bool, error) { close(holds); <-release; return false, nil })
	halted := error(nil)
	select {
	case <-holds:
	case halted = <-first.reply:
	}
	h.disk.mu.Lock()
	h.begun = append(h.begun, len(h.disk.log))
	h.pending, h.answers = nil, make([]error, len(changes))
	for _, c := range changes {
		h.pending = append(h.pending, queued(t, w, c))
	}
	last := send(w, func(*writer) (bool, error) { return false, nil })
	h.disk.watch = h.listen
	h.disk.mu.Unlock()
	close(release)
	if halted == nil {
		<-first.reply
	}
	<-last.reply
	h.disk.mu.Lock()
	defer h.disk.mu.Unlock()
	h.listen(len(h.disk.log))
	h.ended = append(h.ended, len(h.disk.log))
	h.disk.watch = nil
	return h.answers
}

func send(w *writer, run func(*writer) (bool, error)) *request {
	r := &request{run: run, reply: make(chan error, 1)}
	w.queue <- r
	return r
}

// listen takes the answers that are there. The disk calls it, and holds its lock.
func (h *history) listen(position int) {
	for i, r := range h.pending {
		if r == nil {
			continue
		}
		select {
		case h.answers[i] = <-r.reply:
			h.pending[i] = nil
			if h.answers[i] == nil {
				h.acks = append(h.acks, answer{position: position, state: len(h.states)})
			}
		default:
		}
	}
}

// content is a sum over all that a store has.
type content = [sha256.Size]byte

// fingerprint reads all that the store has, but for the times of its migrations.
func (h *history) fingerprint(ctx context.Context) (content, error) {
	const list = "SELECT group_concat(name, ' ') FROM (SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'schema_migrations' ORDER BY name)"
	db, sum := h.store.reader.db, sha256.New()
	var tables string
	if err := db.QueryRowContext(ctx, list).Scan(&tables); err != nil {
		return content{}, err
	}
	for table := range strings.FieldsSeq(tables) {
		rows, err := db.QueryContext(ctx, "SELECT * FROM "+table)
		if err != nil {
			return content{}, err
		}
		io.WriteString(sum, table)
		if err := addRows(sum, rows); err != nil {
			return content{}, err
		}
	}
	return content(sum.Sum(nil)), nil
}

func addRows(sum hash.Hash, rows *sql.Rows) error {
	columns, err := rows.Columns()
	if err != nil {
		return errors.Join(err, rows.Close())
	}
	values := make([]sql.RawBytes, len(columns))
	targets := make([]any, len(columns))
	for i := range values {
		targets[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(targets...); err != nil {
			return errors.Join(err, rows.Close())
		}
		for _, value := range values {
			sum.Write(fmt.Appendf(nil, "%d %t %s", len(value), value == nil, value))
		}
	}
	return errors.Join(rows.Err(), rows.Close())
}

// acknowledgedAt counts the acknowledged changes at a position, and returns the first state that has them all.
func (h *history) acknowledgedAt(position int) (count, state int) {
	for _, a := range h.acks {
		if a.position <= position {
			count, state = count+1, max(state, a.state)
		}
	}
	return count, state
}

// begunAt is the last state that can be there at a position.
func (h *history) begunAt(position int) int {
	last := 0
	for state, begun := range h.begun {
		if begun <= position {
			last = state
		}
	}
	return last
}

// stretch is the states that a content is that of: more than one when a step has changed nothing.
type stretch struct{ first, last int }

// find opens a store on what is left of a disk, has SQLite check it and returns which states it may be in.
func (h *history) find(t testing.TB, left image) (stretch, error) {
	t.Helper()
	again := &history{settings: h.settings, disk: newDisk(t, left)}
	defer again.disk.discard(t)
	if err := again.open(t); err != nil {
		return stretch{}, fmt.Errorf("open: %w", err)
	}
	found, err := again.check(t.Context())
	return h.stretchOf(found), errors.Join(err, again.store.Close())
}

// check has SQLite check the database, and returns the fingerprint.
func (h *history) check(ctx context.Context) (content, error) {
	var verdict string
	if err := h.store.reader.db.QueryRowContext(ctx, "PRAGMA integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
		return content{}, fmt.Errorf("integrity_check: %q, %w", verdict, err)
	}
	return h.fingerprint(ctx)
}

// stretchOf is -1 for a content that never was.
func (h *history) stretchOf(found content) stretch {
	s := stretch{first: slices.Index(h.states, found), last: -1}
	for i, state := range h.states {
		if state == found {
			s.last = i
		}
	}
	return s
}
