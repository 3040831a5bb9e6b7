package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"modernc.org/sqlite"

	"switchyard/payments"
	"switchyard/store/storetest"
)

func forgetSealed(cardID string) payments.Change {
	return payments.Change{ForgetSealed: []payments.CardKey{{ProjectID: project, CardID: cardID}}}
}

// Callers that wait together share a commit, and one that is refused in it leaves the others alone.
func TestWaitingCallersShareACommit(t *testing.T) {
	t.Parallel()
	w := openIdle(t)
	var requests []*request
	for i, name := range names(40) {
		c := customer(name, 1)
		if i%4 == 0 {
			c.Transactions = []payments.Transaction{{ProjectID: project, ID: name, Version: 1, Capturing: 1}}
		}
		requests = append(requests, queued(t, w, c))
	}
	close(w.stop)
	w.loop()
	for i, r := range requests {
		err := <-r.reply
		if refused := errors.Is(err, payments.ErrMoneyGuard); refused != (i%4 == 0) || err != nil && !refused {
			t.Errorf("caller %d: %v", i, err)
		}
	}
	got := (&Store{writer: w}).Stats()
	if want := (Stats{Commits: 1, Changes: 30, Refused: 10, LargestBatch: 30}); got != want {
		t.Errorf("stats %+v, want %+v", got, want)
	}
	var stored int
	if err := w.conn.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM customers").Scan(&stored); err != nil || stored != 30 {
		t.Errorf("%d customers (%v), want 30", stored, err)
	}
}

func TestBatchesAreBounded(t *testing.T) {
	t.Parallel()
	w := openIdle(t)
	var requests []*request
	for _, name := range names(2*maxBatch + 1) {
		requests = append(requests, queued(t, w, customer(name, 1)))
	}
	close(w.stop) // what is queued is still committed
	w.loop()
	for i, r := range requests {
		if err := <-r.reply; err != nil {
			t.Errorf("caller %d: %v", i, err)
		}
	}
	if got, want := (&Store{writer: w}).Stats(), (Stats{Commits: 3, Changes: 2*maxBatch + 1, LargestBatch: maxBatch}); got != want {
		t.Errorf("stats %+v, want %+v", got, want)
	}
}

// A caller may leave while it waits, and its change is then not made.
func TestCallerLeavesWhileItWaits(t *testing.T) {
	t.Parallel()
	w := openIdle(t)
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error, 1)
	go func() {
		result <- w.submit(ctx, func(*writer) (bool, error) {
			t.Error("the change of a caller that left was made")
			return true, nil
		})
	}()
	r := <-w.queue // it waits now
	cancel()
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("submit: %v, want %v", err, context.Canceled)
	}
	w.queue <- r
	close(w.stop)
	w.loop()
}

// A caller whose change has been taken is told what became of it, however long ago its context ended.
func TestCallerStaysWhenItIsTaken(t *testing.T) {
	t.Parallel()
	w := openIdle(t)
	for _, want := range []error{nil, payments.ErrConflict} {
		ctx, cancel := context.WithCancel(t.Context())
		result := make(chan error, 1)
		go func() { result <- w.submit(ctx, func(*writer) (bool, error) { return true, nil }) }()
		batch := w.gather(nil, <-w.queue)
		cancel()
		batch[0].reply <- want
		if err := <-result; !errors.Is(err, want) {
			t.Errorf("submit: %v, want %v", err, want)
		}
	}
}

// Only what wrote something counts as a commit: a test that counts the commits of a payment rests on it, and a worker that
// asks for jobs in vain costs no fsync.
func TestStatsCountDurableCommits(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{Path: t.TempDir()})
	mustApply(t, s, customer("a", 1))
	mustApply(t, s, customer("a", 2))
	now := time.Now()
	job := payments.Job{ProjectID: project, Key: "a", RunAt: now}
	mustApply(t, s, payments.Change{Jobs: []payments.Job{job}})
	want := Stats{Commits: 3, Changes: 3, LargestBatch: 1}
	check := func(what string) {
		t.Helper()
		if got := s.Stats(); got != want {
			t.Errorf("after %s: stats %+v, want %+v", what, got, want)
		}
	}
	check("three changes")
	mustApply(t, s, payments.Change{})
	check("a change of nothing")
	if err := s.Apply(t.Context(), customer("a", 2)); !errors.Is(err, payments.ErrConflict) {
		t.Errorf("Apply: %v, want %v", err, payments.ErrConflict)
	}
	want.Refused++
	check("a refusal")
	if _, err := s.LeaseJobs(t.Context(), now.Add(-1), now.Add(time.Minute), 1); err != nil {
		t.Errorf("LeaseJobs: %v", err)
	}
	if _, err := s.Prune(t.Context(), now); err != nil {
		t.Errorf("Prune: %v", err)
	}
	check("nothing to lease or prune")
	if _, err := s.LeaseJobs(t.Context(), now, now.Add(time.Minute), 1); err != nil {
		t.Errorf("LeaseJobs: %v", err)
	}
	want.Commits, want.Changes = want.Commits+1, want.Changes+1
	check("a lease")
}

// wantHalted checks that a store acknowledges nothing more, and still reads.
func wantHalted(t *testing.T, s *Store, err error) {
	t.Helper()
	ctx := t.Context()
	_, leaseErr := s.LeaseJobs(ctx, time.Now(), time.Now().Add(time.Minute), 1)
	_, pruneErr := s.Prune(ctx, time.Now())
	for what, err := range map[string]error{
		"the failed Apply": err,
		"the next Apply":   s.Apply(ctx, customer("later", 1)),
		"LeaseJobs":        leaseErr,
		"Prune":            pruneErr,
		"Ping":             s.Ping(ctx),
	} {
		if !errors.Is(err, ErrHalted) {
			t.Errorf("%s: %v, want %v", what, err, ErrHalted)
		}
	}
	storetest.CheckSample(t, s, storetest.Sample(project, "before"))
	if hasCustomer(ctx, s, "later") {
		t.Error("something was written after the halt")
	}
}

// dueSample is a sample whose job can be leased.
func dueSample() payments.Change {
	c := storetest.Sample(project, "before")
	c.Jobs[0].LeaseUntil = time.Time{}
	return c
}

// When a commit fails, none of its callers is acknowledged and the store stops, until it is opened again.
func TestFailedCommitHaltsTheStore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openStore(t, Options{Path: dir})
	mustApply(t, s, dueSample())
	err := s.writer.conn.Raw(func(conn any) error {
		conn.(sqlite.HookRegisterer).RegisterCommitHook(func() int32 { return 1 }) // turns a COMMIT into an error
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	errs := make(chan error)
	for _, name := range names(16) {
		go func() { errs <- s.Apply(t.Context(), customer(name, 1)) }()
	}
	for range 16 {
		err = <-errs
		if !errors.Is(err, ErrHalted) {
			t.Errorf("Apply: %v, want %v", err, ErrHalted)
		}
	}
	wantHalted(t, s, err)
	for _, name := range names(16) {
		if hasCustomer(t.Context(), s, name) {
			t.Errorf("%s was written without being acknowledged", name)
		}
	}
	if got := s.Stats().Commits; got != 1 {
		t.Errorf("%d commits, want 1", got)
	}
	closeStore(t, s)
	s = openStore(t, Options{Path: dir})
	storetest.CheckSample(t, s, storetest.Sample(project, "before"))
	mustApply(t, s, customer("later", 1))
}

// A full database is found out by a statement, before the commit. It halts the store just the same.
func TestFullDatabaseHaltsTheStore(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{Path: t.TempDir()})
	mustApply(t, s, dueSample())
	var pages int
	if err := s.writer.conn.QueryRowContext(t.Context(), "PRAGMA page_count").Scan(&pages); err != nil {
		t.Fatal(err)
	}
	if _, err := s.writer.conn.ExecContext(t.Context(), fmt.Sprintf("PRAGMA max_page_count=%d", pages)); err != nil {
		t.Fatal(err)
	}
	large := customer("large", 1)
	large.Customers[0].Email = strings.Repeat("x", 1<<20)
	wantHalted(t, s, s.Apply(t.Context(), large))
}

// Another program that holds the lock for a moment, a backup for example, fails the callers of that moment and no others.
func TestForeignLockIsNoHalt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openStore(t, Options{Path: dir})
	if _, err := s.writer.conn.ExecContext(t.Context(), "PRAGMA busy_timeout=1"); err != nil {
		t.Fatal(err)
	}
	foreign, err := sql.Open("sqlite", filepath.Join(dir, DatabaseName))
	if err != nil {
		t.Fatal(err)
	}
	defer foreign.Close()
	foreign.SetMaxOpenConns(1)
	if _, err := foreign.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	if err := s.Apply(t.Context(), customer("a", 1)); err == nil || errors.Is(err, ErrHalted) {
		t.Errorf("Apply under a foreign lock: %v, want an error that is not %v", err, ErrHalted)
	}
	if _, err := foreign.ExecContext(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	mustApply(t, s, customer("a", 1))
}
