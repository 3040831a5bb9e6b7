//go:build unix

package sqlite

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	sqlite3 "modernc.org/sqlite/lib"

	"switchyard/store/storetest"
)

const logName = DatabaseName + "-wal"

// injury is an error of the disk.
type injury struct {
	position int  // in its log
	lasting  bool // the same for all that is done later
	full     bool // no space is left; otherwise the medium is bad
}

func (i injury) code(position int, e event) int32 {
	if position < i.position || position > i.position && !i.lasting {
		return sqlite3.SQLITE_OK
	}
	switch {
	case e.kind == wrote && i.full:
		return sqlite3.SQLITE_FULL
	case e.kind == wrote:
		return sqlite3.SQLITE_IOERR_WRITE
	case e.kind == truncated:
		return sqlite3.SQLITE_IOERR_TRUNCATE
	case e.kind == removed:
		return sqlite3.SQLITE_IOERR_DELETE
	default:
		return sqlite3.SQLITE_IOERR_FSYNC
	}
}

// Whatever fails while callers wait for their commit, none of them is acknowledged, and nobody after them.
func TestFailedDiskHaltsTheStore(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		kind kind
		code int32
	}{
		"sync":      {synced, sqlite3.SQLITE_IOERR_FSYNC},
		"write":     {wrote, sqlite3.SQLITE_IOERR_WRITE},
		"full disk": {wrote, sqlite3.SQLITE_FULL},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDisk(t, image{})
			s := openStore(t, Options{Path: d.dir()})
			mustApply(t, s, dueSample())
			d.breaks(func(_ int, e event) int32 {
				if e.name == logName && e.kind == test.kind {
					return test.code
				}
				return sqlite3.SQLITE_OK
			})
			err := applyAtOnce(t, s, names(16))
			d.breaks(nil) // there is room again, and still nothing is acknowledged
			wantHalted(t, s, err)
			closeStore(t, s)
			s = openStore(t, Options{Path: d.dir()})
			storetest.CheckSample(t, s, storetest.Sample(project, "before"))
			for _, name := range names(16) {
				if hasCustomer(t.Context(), s, name) {
					t.Errorf("%s is there, nobody was told so", name)
				}
			}
			mustApply(t, s, customer("later", 1))
		})
	}
}

// A database that is made on a failing disk is made as it must be, or refused: each sync fails once.
func TestDatabaseIsMadeWholeOrNot(t *testing.T) {
	t.Parallel()
	settings := writerSettings(defaultWriterCacheKiB)
	sound := begin(t, newDisk(t, image{}), settings)
	for n, e := range sound.disk.log[:sound.ended[0]] {
		if e.kind != synced {
			continue
		}
		h := &history{settings: settings, disk: newDisk(t, image{})}
		h.disk.breaks(injury{position: n}.code)
		if err := h.open(t); err != nil {
			continue
		}
		before := h.disk.position()
		mustApply(t, h.store, customer("a", 1))
		for _, e := range h.disk.log[before:] {
			if e.name != logName && e.name != DatabaseName {
				t.Errorf("sync %d failed: commits go to %s", n, e.name)
				break
			}
		}
	}
}

// applyAtOnce has all customers written by callers of their own, who must all be refused, and returns the last refusal.
func applyAtOnce(t *testing.T, s *Store, customers []string) (last error) {
	t.Helper()
	errs := make(chan error)
	for _, name := range customers {
		go func() { errs <- s.Apply(t.Context(), customer(name, 1)) }()
	}
	for range customers {
		if last = <-errs; !errors.Is(last, ErrHalted) {
			t.Errorf("Apply: %v, want %v", last, ErrHalted)
		}
	}
	return last
}

// When the log cannot be copied into the database, it keeps all that is in it. SQLite does not tell, the store goes on,
// and nothing is lost by it, also when the copying works again later.
func TestFailedCheckpointLosesNothing(t *testing.T) {
	t.Parallel()
	seed, _ := seeded(t, 1)
	for n, broken := range []kind{synced, wrote} {
		r := chance(seed, uint64(n))
		h := begin(t, newDisk(t, image{}), diskSettings(r, false))
		failures := 0
		h.disk.breaks(func(position int, e event) int32 {
			if e.name == DatabaseName && e.kind == broken {
				failures++
				return injury{position: position}.code(position, e)
			}
			return sqlite3.SQLITE_OK
		})
		var f figures
		for part := range 2 {
			if err := h.run(t, workload(r, fmt.Sprint(part), 12)); err != nil {
				t.Fatal(err)
			}
			if err := h.store.Ping(t.Context()); err != nil {
				t.Errorf("Ping: %v", err)
			}
			for range 5 {
				position, l := h.cutPoint(r)
				f.cut(t, h, position, h.disk.after(position, l), false)
			}
			h.disk.breaks(nil)
		}
		if failures == 0 {
			t.Error("nothing failed: this test proves nothing")
		}
		t.Logf("%d failures, %+v", failures, f)
	}
}

// tally counts how the faults ended.
type tally struct{ faults, halted, unnoticed, atRestart, acknowledged int }

// TestDiskFaultsLoseNothing repeats a workload with one error of the disk in it, or with a disk that is bad from there on,
// at random places of an opened database: in commits, in copying the log into the database, in closing and opening. What
// was acknowledged is there after a power cut, after a clean stop and after a kill, and so is what is acknowledged then.
// STORE_TEST_DISK_SEED repeats a run; STORE_TEST_DISK_ROUNDS=20, say, does twenty times as much.
func TestDiskFaultsLoseNothing(t *testing.T) {
	t.Parallel()
	const faults = 10 // in each round
	seed, rounds := seeded(t, 5)
	var sum tally
	for round := range rounds {
		r := chance(seed, uint64(round))
		settings, steps := diskSettings(r, false), workload(r, "w", 12)
		whole := begin(t, newDisk(t, image{}), settings)
		if err := whole.run(t, steps); err != nil {
			t.Fatal(err)
		}
		for range faults {
			i := injury{position: whole.disk.weakSpot(r, whole.ended[0]), lasting: r.IntN(2) == 0, full: r.IntN(2) == 0}
			sum.injure(t, r, whole, steps, i)
			if t.Failed() {
				e := whole.disk.log[i.position]
				t.Errorf("round %d, %+v: kind %d, %s", round, i, e.kind, e.name)
				return
			}
		}
	}
	t.Logf("%+v", sum)
}

// injure repeats a history with a fault in it.
func (s *tally) injure(t *testing.T, r *rand.Rand, whole *history, steps []step, i injury) {
	t.Helper()
	h := &history{settings: whole.settings, disk: newDisk(t, image{})}
	defer h.disk.discard(t)
	h.disk.breaks(i.code)
	err := h.start(t)
	if err == nil {
		err = h.run(t, steps)
	}
	s.faults++
	switch { // by how the fault was noticed
	case errors.Is(err, ErrHalted):
		s.halted++
		wantNoMore(t, h)
	case err != nil:
		s.atRestart++
	default:
		s.unnoticed++
	}
	if !errors.Is(err, ErrHalted) && whole.inCommit(i.position) {
		t.Errorf("a fault in a commit: %v, want %v", err, ErrHalted)
	}
	end := h.disk.position()
	count, want := h.acknowledgedAt(end)
	s.acknowledged += count
	for _, l := range lucks(r) {
		found, err := whole.find(t, h.disk.after(end, l))
		if err != nil || found.last < want || found.first >= len(h.begun) {
			t.Errorf("after a power cut: states %+v (%v), %d was acknowledged", found, err, want)
		}
	}
	h.disk.breaks(nil)
	if r.IntN(2) == 0 || h.disk.hasFailedSync() {
		_ = h.store.Close() // tells of the fault at most; what counts is what is found
	} else {
		h.disk.mount(t, h.disk.after(end, everything()))
	}
	h.goOn(t, r, whole, want)
}

// hasFailedSync reports whether frames of the log can be read that will never be written. The process that reads them
// first must be the one that knows: it folds the log up to its last good commit into the database when it is closed.
func (d *disk) hasFailedSync() bool {
	return slices.ContainsFunc(d.log, func(e event) bool { return e.failed && e.kind == synced && e.name == logName })
}

// goOn checks that a new process finds what was acknowledged, and that what it acknowledges itself is not lost either.
func (h *history) goOn(t *testing.T, r *rand.Rand, whole *history, want int) {
	t.Helper()
	if err := h.open(t); err != nil {
		t.Errorf("open again: %v", err)
		return
	}
	there, err := h.check(t.Context())
	if found := whole.stretchOf(there); err != nil || found.last < want || found.first >= len(h.begun) {
		t.Errorf("after a restart: states %+v (%v), %d was acknowledged", found, err, want)
		return
	}
	mustApply(t, h.store, storetest.Sample(project, "later"))
	after := &history{settings: h.settings, store: h.store}
	if err := after.keep(t.Context()); err != nil {
		t.Fatal(err)
	}
	end := h.disk.position()
	for _, l := range lucks(r) {
		found, err := after.find(t, h.disk.after(end, l))
		if err != nil || found.first != 0 {
			t.Errorf("a power cut after the restart: %+v (%v), an acknowledged change is lost", found, err)
		}
	}
	closeStore(t, h.store)
}

func lucks(r *rand.Rand) []luck {
	return []luck{{}, {random: rand.New(rand.NewPCG(r.Uint64(), 0)), kept: r.Float64(), garbled: r.Float64()}}
}

// inCommit reports whether an event is part of making a commit durable: all up to the log's sync after its last frame.
func (h *history) inCommit(position int) bool {
	for n, begun := range h.begun[1:] {
		end := h.ended[n+1]
		if position < begun || position >= end {
			continue
		}
		lastFrame, durable := -1, -1
		for i, e := range h.disk.log[begun:end] {
			switch {
			case e.name == logName && e.kind == wrote:
				lastFrame, durable = begun+i, -1
			case e.name == logName && e.kind == synced && durable < 0:
				durable = begun + i
			}
		}
		return lastFrame >= 0 && position <= durable
	}
	return false
}

// wantNoMore checks that a halted store acknowledges nothing, and still reads what it has acknowledged.
func wantNoMore(t *testing.T, h *history) {
	t.Helper()
	ctx := t.Context()
	_, pruneErr := h.store.Prune(ctx, time.Now())
	for what, err := range map[string]error{
		"Apply": h.store.Apply(ctx, customer("more", 1)), "Prune": pruneErr, "Ping": h.store.Ping(ctx),
	} {
		if !errors.Is(err, ErrHalted) {
			t.Errorf("%s: %v, want %v", what, err, ErrHalted)
		}
	}
	if now, err := h.fingerprint(ctx); err != nil || now != h.states[len(h.states)-1] {
		t.Errorf("what is read has changed (%v)", err)
	}
}

// weakSpot chooses an event from a position on, half the time one of the few that are no writes.
func (d *disk) weakSpot(r *rand.Rand, from int) int {
	var all, others []int
	for i, e := range d.log[from:] {
		if e.kind == created { // the default VFS does it while it opens
			continue
		}
		all = append(all, from+i)
		if e.kind != wrote {
			others = append(others, from+i)
		}
	}
	if r.IntN(2) == 0 {
		return others[r.IntN(len(others))]
	}
	return all[r.IntN(len(all))]
}
