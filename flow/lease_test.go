package flow_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"switchyard/flow"
	"switchyard/payments"
)

// slowLedger has workers wait when they read the attempt that their job is about.
type slowLedger struct {
	flow.Ledger
	mu     sync.Mutex
	leased map[string]time.Time // by the attempt that the job is about
	waits  []time.Duration      // of the next readers
	late   time.Duration        // the longest between a lease and the beginning of the work
}

func (l *slowLedger) LeaseJobs(ctx context.Context, now, until time.Time, limit int) ([]payments.Job, error) {
	jobs, err := l.Ledger.LeaseJobs(ctx, now, until, limit)
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, j := range jobs {
		l.leased[j.SubjectID] = now
	}
	return jobs, err
}

func (l *slowLedger) Attempt(ctx context.Context, projectID, id string) (payments.Attempt, error) {
	l.mu.Lock()
	if at, ok := l.leased[id]; ok {
		l.late = max(l.late, time.Since(at))
	}
	var wait time.Duration
	if len(l.waits) > 0 {
		wait, l.waits = l.waits[0], l.waits[1:]
	}
	l.mu.Unlock()
	a, err := l.Ledger.Attempt(ctx, projectID, id)
	time.Sleep(wait) // afterwards: the end of the lease would end the reading
	return a, err
}

func slowWorld(t *testing.T) (*world, *slowLedger) {
	l := &slowLedger{leased: map[string]time.Time{}}
	return newWorld(t, worldOptions{wrap: func(inner flow.Ledger) flow.Ledger { l.Ledger = inner; return l }}), l
}

// TestNoJobWaitsUnderALease: when every worker is busy, no job is leased that would wait, and be begun when the lease is over.
func TestNoJobWaitsUnderALease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, l := slowWorld(t)
		defer w.close()
		const many = 50 // more than there are workers
		var jobs []payments.Job
		for i := range many {
			id := fmt.Sprintf("tr_op_none%d", i)
			jobs = append(jobs, payments.Job{ProjectID: project, Key: "reverse:" + id, Kind: payments.JobReverse, SubjectID: id, RunAt: time.Now(), CreatedAt: time.Now()})
			l.waits = append(l.waits, 50*time.Second)
		}
		if err := w.store.Apply(t.Context(), payments.Change{Jobs: jobs}); err != nil {
			t.Fatal(err)
		}
		w.engine.Start()
		lapse(5 * time.Minute)
		l.mu.Lock()
		defer l.mu.Unlock()
		if len(l.waits) > 0 || len(l.leased) != many {
			t.Errorf("%d jobs were begun, want %d", len(l.leased), many)
		}
		if l.late > 0 {
			t.Errorf("a job was begun %s after it was leased", l.late)
		}
	})
}

// TestALostLeaseMovesNoMoney: a worker that comes to its senses after another has done its job does not do it again.
func TestALostLeaseMovesNoMoney(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, l := slowWorld(t)
		defer w.close()
		s, err := w.verifying()
		if err != nil {
			t.Fatal(err)
		}
		w.tokenIs(s.Token.ID, payments.VerificationSuccess)
		l.mu.Lock()
		l.waits = []time.Duration{3 * time.Minute} // the first worker alone
		l.mu.Unlock()
		w.engine.Start()
		lapse(2 * time.Minute)
		if n := w.first.count(payments.OpVoid); n != 1 {
			t.Fatalf("the hold was released %d times by the second worker", n)
		}
		lapse(10 * time.Minute)
		if n := w.first.count(payments.OpVoid); n != 1 {
			t.Errorf("the hold was released %d times", n)
		}
		if at, some, err := w.store.NextJobAt(t.Context()); err != nil || some {
			t.Errorf("a job is left, due at %v (%v)", at, err)
		}
	})
}
