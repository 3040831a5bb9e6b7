package storetest

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"switchyard/payments"
)

// jobs is what background work rests on.
func jobs(t *testing.T, open Open) {
	each(t, open, map[string]func(*testing.T, Store){
		"due jobs are leased, oldest first": dueJobsAreLeased,
		"a lease runs out":                  leaseRunsOut,
		"a lost lease finishes nothing":     lostLease,
		"the next job's time":               nextJobTime,
		"a put keeps the fence":             putKeepsFence,
		"a job is replaced under its fence": replacedUnderFence,
		"a schedule may lie far away":       farSchedule,
	})
}

func job(key string, runAt time.Time) payments.Job {
	return payments.Job{
		ProjectID: project, Key: key, Kind: payments.JobAsk, SubjectID: "tr_op_" + key, RunAt: runAt, CreatedAt: epoch,
		Payload: json.RawMessage(`{"why":"<unknown>"}`),
	}
}

// leased is the job after a lease.
func leased(j payments.Job, until time.Time) payments.Job {
	j.LeaseUntil, j.Fence, j.Tries = until, j.Fence+1, j.Tries+1
	return j
}

func wantLease(t *testing.T, s Store, now, until time.Time, limit int, want ...payments.Job) {
	t.Helper()
	got, err := s.LeaseJobs(t.Context(), now, until, limit)
	if err != nil {
		t.Fatalf("LeaseJobs: %v", err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("leased jobs (-want +got):\n%s", diff)
	}
}

func wantNext(t *testing.T, s Store, want time.Time) {
	t.Helper()
	got, some, err := s.NextJobAt(t.Context())
	if err != nil || some == want.IsZero() || !got.Equal(want) {
		t.Errorf("next job at %v, %v (%v), want %v", got, some, err, want)
	}
}

func dueJobsAreLeased(t *testing.T, s Store) {
	a, b, c := job("a", epoch.Add(-time.Second)), job("b", epoch.Add(-time.Minute)), job("c", epoch)
	c.ProjectID = other // one queue for all projects
	later := job("later", epoch.Add(1))
	mustApply(t, s, payments.Change{Jobs: []payments.Job{a, b, c, later}})
	until := epoch.Add(time.Minute)
	wantLease(t, s, epoch, until, 2, leased(b, until), leased(a, until))
	wantLease(t, s, epoch, until, 2, leased(c, until))
	wantLease(t, s, epoch, until, 2)
	wantLease(t, s, epoch.Add(1), until, 2, leased(later, until))
}

func leaseRunsOut(t *testing.T, s Store) {
	j := job("a", epoch)
	j.LeaseUntil = epoch.Add(time.Second) // a job may be born with a lease: the call that it watches over is running
	mustApply(t, s, payments.Change{Jobs: []payments.Job{j}})
	wantLease(t, s, epoch.Add(time.Second-1), epoch.Add(time.Hour), 1)
	for i := range 3 {
		now := j.LeaseUntil
		j = leased(j, now.Add(time.Second))
		wantLease(t, s, now, j.LeaseUntil, 1, j)
		wantLease(t, s, j.LeaseUntil.Add(-1), epoch.Add(time.Hour), 1)
		if j.Tries != i+1 {
			t.Errorf("tries %d, want %d", j.Tries, i+1)
		}
	}
}

func lostLease(t *testing.T, s Store) {
	j := job("a", epoch)
	mustApply(t, s, payments.Change{Jobs: []payments.Job{j}})
	first := leased(j, epoch.Add(time.Second))
	wantLease(t, s, epoch, first.LeaseUntil, 1, first)
	second := leased(first, epoch.Add(time.Minute))
	wantLease(t, s, first.LeaseUntil, second.LeaseUntil, 1, second)
	done := func(fence int64) error {
		return s.Apply(t.Context(), payments.Change{DoneJobs: []payments.JobDone{{ProjectID: project, Key: "a", Fence: fence}}})
	}
	wantError(t, "done by the first worker", done(first.Fence), payments.ErrFenced)
	wantError(t, "done by the second worker", done(second.Fence), nil)
	wantError(t, "done twice", done(second.Fence), payments.ErrFenced)
	wantError(t, "done by whom it may concern", done(0), nil)
	mustApply(t, s, payments.Change{Jobs: []payments.Job{second}})
	wantError(t, "done whoever holds it", done(0), nil)
	wantNext(t, s, time.Time{})
}

func nextJobTime(t *testing.T, s Store) {
	wantNext(t, s, time.Time{})
	soon, late := job("soon", epoch.Add(time.Minute)), job("late", epoch.Add(time.Hour))
	mustApply(t, s, payments.Change{Jobs: []payments.Job{late}})
	wantNext(t, s, late.RunAt)
	mustApply(t, s, payments.Change{Jobs: []payments.Job{soon}})
	wantNext(t, s, soon.RunAt)
	// A job that is held is next when its lease runs out, if nothing comes before.
	until := soon.RunAt.Add(time.Second)
	wantLease(t, s, soon.RunAt, until, 1, leased(soon, until))
	wantNext(t, s, until)
	held := job("held", epoch)
	held.LeaseUntil = epoch.Add(2 * time.Hour)
	mustApply(t, s, payments.Change{Jobs: []payments.Job{held}})
	wantNext(t, s, until)
	mustApply(t, s, payments.Change{DoneJobs: []payments.JobDone{{ProjectID: project, Key: "soon"}}})
	wantNext(t, s, late.RunAt)
	mustApply(t, s, payments.Change{DoneJobs: []payments.JobDone{{ProjectID: project, Key: "late"}}})
	wantNext(t, s, held.LeaseUntil)
}

func putKeepsFence(t *testing.T, s Store) {
	j := job("a", epoch)
	j.Fence = 7
	mustApply(t, s, payments.Change{Jobs: []payments.Job{j}})
	again := job("a", epoch.Add(time.Second))
	again.Kind, again.SubjectID, again.Payload, again.Tries = payments.JobEnrol, "tok_a", nil, 3
	mustApply(t, s, payments.Change{Jobs: []payments.Job{again}})
	again.Fence = 7 // an older fence must not become good again
	until := epoch.Add(time.Minute)
	wantLease(t, s, again.RunAt, until, 1, leased(again, until))
	again.Fence = 20
	mustApply(t, s, payments.Change{Jobs: []payments.Job{again}})
	wantLease(t, s, again.RunAt, until, 1, leased(again, until))
}

func replacedUnderFence(t *testing.T, s Store) {
	j := job("a", epoch)
	mustApply(t, s, payments.Change{Jobs: []payments.Job{j}})
	until := epoch.Add(time.Second)
	held := leased(j, until)
	wantLease(t, s, epoch, until, 1, held)
	next := held
	next.RunAt, next.LeaseUntil = epoch.Add(time.Minute), time.Time{}
	replace := payments.Change{
		DoneJobs: []payments.JobDone{{ProjectID: project, Key: "a", Fence: held.Fence}},
		Jobs:     []payments.Job{next},
	}
	mustApply(t, s, replace)
	wantNext(t, s, next.RunAt)
	wantLease(t, s, next.RunAt, epoch.Add(time.Hour), 1, leased(next, epoch.Add(time.Hour)))
	wantError(t, "replaced with a lost lease", s.Apply(t.Context(), replace), payments.ErrFenced)
}

func farSchedule(t *testing.T, s Store) {
	far, past := job("far", time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)), job("past", time.Date(1, 2, 3, 0, 0, 0, 0, time.UTC))
	mustApply(t, s, payments.Change{Jobs: []payments.Job{far, past}})
	got, err := s.LeaseJobs(t.Context(), epoch, epoch.Add(time.Minute), 10)
	if err != nil || len(got) != 1 || got[0].Key != past.Key {
		t.Errorf("leased %v (%v), want the job of the year 1 and not that of the year 9999", got, err)
	}
}
