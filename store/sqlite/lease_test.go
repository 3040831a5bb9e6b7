package sqlite

import (
	"testing"
	"time"

	"switchyard/payments"
)

// TestLeasesEndWithTheirProcess: work that a process has left behind is taken up soon after the next one has opened the database,
// however long the lease was; the clock may have been set back since. The fence is kept, so that nothing old becomes good again.
func TestLeasesEndWithTheirProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openStore(t, Options{Path: dir})
	now := time.Now().UTC()
	due := payments.Job{ProjectID: project, Key: "due", Kind: payments.JobAsk, SubjectID: "a", RunAt: now.Add(-time.Second), CreatedAt: now}
	later := payments.Job{ProjectID: project, Key: "later", Kind: payments.JobCapture, SubjectID: "b", RunAt: now.Add(time.Hour), CreatedAt: now}
	if err := s.Apply(t.Context(), payments.Change{Jobs: []payments.Job{due, later}}); err != nil {
		t.Fatal(err)
	}
	if jobs, err := s.LeaseJobs(t.Context(), now, now.Add(24*time.Hour), 2); err != nil || len(jobs) != 1 {
		t.Fatalf("leased %v, %v", jobs, err)
	}
	closeStore(t, s)
	s = openStore(t, Options{Path: dir})
	defer closeStore(t, s)
	if jobs, err := s.LeaseJobs(t.Context(), now, now.Add(time.Minute), 2); err != nil || len(jobs) != 0 {
		t.Errorf("the lease ended with the process, before a call of it must have: %v, %v", jobs, err)
	}
	soon := time.Now().Add(orphanedLease)
	jobs, err := s.LeaseJobs(t.Context(), soon, soon.Add(time.Minute), 2)
	if err != nil || len(jobs) != 1 || jobs[0].Key != "due" || jobs[0].Fence != 2 || jobs[0].Tries != 2 {
		t.Errorf("leased %+v, %v, want the job that was due, under the next fence", jobs, err)
	}
	err = s.Apply(t.Context(), payments.Change{DoneJobs: []payments.JobDone{{ProjectID: project, Key: "due", Fence: 1}}})
	if err == nil {
		t.Error("the dead process's fence is good again")
	}
}
