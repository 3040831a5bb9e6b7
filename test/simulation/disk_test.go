package simulation

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	"switchyard/payments"
	"switchyard/store/sqlite"
)

// disk is the store as one process sees it. Writes take a while, in which other things happen; a dead process reads and writes
// nothing; what was committed may not be heard of.
type disk struct {
	*sqlite.Store
	p *process
}

// Apply writes a change, if process and disk live that long.
func (s *disk) Apply(ctx context.Context, c payments.Change) error {
	p, w := s.p, s.p.w
	label := w.subjectOf(&c)
	d := w.dice("apply", p.name, label)
	time.Sleep(d.between(50*time.Microsecond, 900*time.Microsecond))
	if w.plan.stalls && !w.calm() && background(&c) && d.chance(0.02) {
		w.count("fault: a write takes longer than a lease")
		time.Sleep(d.between(65*time.Second, 150*time.Second))
	}
	if p.dead.Load() || p.springs("before commit", &c) {
		return errDead
	}
	commits, err := s.diskFault(d)
	if !commits {
		return err
	}
	if applied := w.commit(ctx, p, c, label); applied != nil {
		return applied
	}
	if p.springs("after commit", &c) {
		return errDead
	}
	time.Sleep(d.between(50*time.Microsecond, 900*time.Microsecond))
	if p.dead.Load() {
		return errDead
	}
	return err
}

// background says that a change is a worker's, under a lease.
func background(c *payments.Change) bool {
	for _, j := range c.DoneJobs {
		if j.Fence > 0 {
			return true
		}
	}
	return false
}

// diskFault says whether a commit reaches the disk, and what is heard of it.
func (s *disk) diskFault(d dice) (commits bool, err error) {
	p, w := s.p, s.p.w
	if p.halted.Load() {
		return false, errHalted
	}
	if !w.plan.disk || w.calm() {
		return true, nil
	}
	now := w.now()
	if now < time.Duration(p.busy.Load()) {
		w.count("fault: the store is busy")
		return false, errBusy
	}
	switch {
	case d.chance(0.004):
		p.busy.Store(int64(now + d.between(10*time.Millisecond, 4*time.Second)))
		w.count("fault: the store is busy")
		return false, errBusy
	case d.chance(0.0005): // whether the commit is on disk is known only after the next start
		p.halted.Store(true)
		w.count("fault: a commit fails")
		time.AfterFunc(d.between(100*time.Millisecond, 10*time.Second), func() { p.kill("halted store") })
		return d.chance(0.5), errHalted
	}
	return true, nil
}

// commit writes a change and checks it, in one step.
func (w *world) commit(ctx context.Context, p *process, c payments.Change, label string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over {
		return errDead
	}
	err := w.store.Apply(ctx, c)
	if err != nil {
		w.counts["refused write"]++
		if !errors.Is(err, payments.ErrConflict) && !errors.Is(err, payments.ErrClaimed) && !errors.Is(err, payments.ErrFenced) {
			w.logLocked(label, "%s: not written: %v", p.name, err)
		}
		return err
	}
	w.version++
	w.audit.committed(p, &c)
	return nil
}

// subjectOf is the label of what a change is about.
func (w *world) subjectOf(c *payments.Change) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	id := ""
	switch {
	case len(c.Attempts) > 0:
		a := &c.Attempts[0]
		id = cmp.Or(w.labels[a.Reference], w.labels[a.InvoiceID], w.labels[a.TokenID])
	case len(c.DoneJobs) > 0:
		kind, _, _ := strings.Cut(c.DoneJobs[0].Key, ":")
		return kind + " " + w.labelOfJob(c.DoneJobs[0].Key)
	case len(c.Tokens) > 0:
		id = w.labels[c.Tokens[0].ID]
	case len(c.Inbound) > 0:
		return c.Inbound[0].EventKey
	}
	if id == "" && c.Claim != nil {
		return c.Claim.Key
	}
	return cmp.Or(id, "other")
}

// dead ends what a dead process would read.
func read[T any](s *disk, f func() (T, error)) (T, error) {
	if s.p.dead.Load() {
		var none T
		return none, errDead
	}
	return f()
}

// Payment reads a payment.
func (s *disk) Payment(ctx context.Context, projectID, id string) (*payments.Payment, error) {
	return read(s, func() (*payments.Payment, error) { return s.Store.Payment(ctx, projectID, id) })
}

// Attempt reads an attempt.
func (s *disk) Attempt(ctx context.Context, projectID, id string) (payments.Attempt, error) {
	return read(s, func() (payments.Attempt, error) { return s.Store.Attempt(ctx, projectID, id) })
}

// Token reads a token.
func (s *disk) Token(ctx context.Context, projectID, id string) (payments.Token, error) {
	return read(s, func() (payments.Token, error) { return s.Store.Token(ctx, projectID, id) })
}

// Card reads a card.
func (s *disk) Card(ctx context.Context, projectID, id string) (payments.Card, error) {
	return read(s, func() (payments.Card, error) { return s.Store.Card(ctx, projectID, id) })
}

// LeaseJobs leases jobs to the process.
func (s *disk) LeaseJobs(ctx context.Context, now, until time.Time, limit int) ([]payments.Job, error) {
	p, w := s.p, s.p.w
	d := w.dice("lease", p.name)
	time.Sleep(d.between(50*time.Microsecond, 900*time.Microsecond))
	if p.dead.Load() || p.halted.Load() {
		return nil, errDead
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over {
		return nil, errDead
	}
	jobs, err := w.store.LeaseJobs(ctx, now, until, limit)
	if len(jobs) > 0 {
		w.version++
	}
	w.audit.leased(jobs)
	return jobs, err
}

// NextJobAt asks the store again only when something was written since: workers ask every few seconds, for days.
func (s *disk) NextJobAt(ctx context.Context) (time.Time, bool, error) {
	w := s.p.w
	w.mu.Lock()
	defer w.mu.Unlock()
	if s.p.dead.Load() || w.over {
		return time.Time{}, false, errDead
	}
	if w.next.version != w.version || w.version == 0 {
		at, some, err := w.store.NextJobAt(ctx)
		if err != nil {
			return time.Time{}, false, err
		}
		w.next = jobTime{version: w.version, at: at, some: some}
	}
	return w.next.at, w.next.some, nil
}

// Prune is left to the store's own tests.
func (s *disk) Prune(context.Context, time.Time) (int, error) { return 0, nil }

// PruneCardTries likewise.
func (s *disk) PruneCardTries(context.Context, time.Time) (int, error) { return 0, nil }
