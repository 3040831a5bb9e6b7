package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"switchyard/payments"
)

// webhooks are the operations of what tells merchants about events. What has ended comes before what is new, so that a
// delivery need not wait for one that this change ends.
func (e *encoder) webhooks(c payments.Change) {
	for i := range c.Endpoints {
		o := &c.Endpoints[i]
		enabled := 0
		if o.Live() {
			enabled = 1
		}
		e.put(insertEndpoint, updateEndpoint, o.Version, o.ProjectID, o.ID, o.Version, enabled, stamp(o.EnabledAt), deletion(o.DeletedAt), e.doc(o))
	}
	for i := range c.Ended {
		e.deliveryEnd(&c.Ended[i])
	}
	for i := range c.FannedOut {
		o := &c.FannedOut[i]
		e.add(deleteOutbox, payments.ErrFenced, o.Seq, o.ProjectID, o.EventID)
	}
	for i := range c.Deliveries {
		e.delivery(&c.Deliveries[i], false)
	}
	for i := range c.Replays {
		o := &c.Replays[i]
		if o.Done {
			e.add(deleteReplay, payments.ErrConflict, o.ProjectID, o.ID, o.Version)
			continue
		}
		e.put(insertReplay, updateReplay, o.Version, o.ProjectID, o.ID, o.Version, o.After, o.Until, o.EndpointID, stamp(o.CreatedAt))
	}
}

// delivery adds a try. One that keeps its turn does not wait for others of its subject.
func (e *encoder) delivery(o *payments.Delivery, keepsTurn bool) {
	keeps := 0
	if keepsTurn {
		keeps = 1
	}
	e.add(insertDelivery, payments.ErrDuplicate, o.ProjectID, o.ID, o.EventID, o.Target().Name, o.SubjectID, keeps,
		stamp(o.RunAt), stamp(o.CreatedAt), e.doc(o))
}

// deliveryEnd adds the end of a try, what it says of the endpoint's health, and the next try or the next event's turn.
func (e *encoder) deliveryEnd(end *payments.DeliveryEnd) {
	o := &end.Delivery
	e.add(endDelivery, payments.ErrFenced, o.ProjectID, o.ID, o.Fence, e.doc(o))
	switch {
	case o.EndpointID == "":
	case o.State == payments.DeliveryDelivered:
		e.add(endpointServed, nil, o.ProjectID, o.EndpointID)
	default:
		exhausted := 0
		if end.Next == nil {
			exhausted = 1
		}
		e.add(endpointFailed, nil, o.ProjectID, o.EndpointID, stamp(o.EndedAt), exhausted)
	}
	if end.Next != nil {
		e.delivery(end.Next, true)
	} else {
		e.add(nextDelivery, nil, o.ProjectID, o.Target().Name, o.SubjectID)
	}
}

// WebhookEndpoint reads an endpoint, or payments.ErrNotFound.
func (s *Store) WebhookEndpoint(ctx context.Context, projectID, id string) (payments.WebhookEndpoint, error) {
	return one[payments.WebhookEndpoint](ctx, s, selectEndpoint, projectID, id)
}

// EndpointHealth says how an endpoint takes its webhooks, or payments.ErrNotFound.
func (s *Store) EndpointHealth(ctx context.Context, projectID, id string) (payments.EndpointHealth, error) {
	state, err := s.endpointState(ctx, payments.Target{ProjectID: projectID, Name: id})
	return payments.EndpointHealth{FailingSince: state.failingSince, Exhausted: state.exhausted}, err
}

// endpointState is what decides whether deliveries to an endpoint may be made.
type endpointState struct {
	enabled, deleted bool
	failingSince     time.Time
	exhausted        int
}

func (s *Store) endpointState(ctx context.Context, t payments.Target) (state endpointState, err error) {
	var since sql.NullInt64
	err = s.reader.first(ctx, selectEndpointState, []any{t.ProjectID, t.Name}, func(rows *sql.Rows) error {
		return rows.Scan(&state.enabled, &state.deleted, &since, &state.exhausted)
	})
	if since.Valid {
		state.failingSince = moment(since.Int64)
	}
	return state, err
}

// Outbox reads the first events that nobody has been told of, in the order of their commits.
func (s *Store) Outbox(ctx context.Context, limit int) ([]payments.OutboxEntry, error) {
	var list []payments.OutboxEntry
	err := s.reader.each(ctx, s.reader.reads[selectOutbox], []any{limit}, func(rows *sql.Rows) error {
		var o payments.OutboxEntry
		if err := rows.Scan(&o.Seq, &o.ProjectID, &o.EventID, &o.Name, &o.SubjectID, &o.URL); err != nil {
			return err
		}
		list = append(list, o)
		return nil
	})
	return list, err
}

// EventsWithin reads the first events of a project whose ids are after one and before another, in the order of their ids.
func (s *Store) EventsWithin(ctx context.Context, projectID, after, until string, limit int) ([]payments.Event, error) {
	return all[payments.Event](ctx, s, selectEventsWithin, projectID, after, until, limit)
}

// CountEventsWithin counts them, limit at most.
func (s *Store) CountEventsWithin(ctx context.Context, projectID, after, until string, limit int) (int, error) {
	n := 0
	err := s.reader.first(ctx, countEventsWithin, []any{projectID, after, until, limit}, func(rows *sql.Rows) error { return rows.Scan(&n) })
	return n, err
}

// Replays reads the oldest replays that are not done.
func (s *Store) Replays(ctx context.Context, limit int) ([]payments.Replay, error) {
	var list []payments.Replay
	err := s.reader.each(ctx, s.reader.reads[selectReplays], []any{limit}, func(rows *sql.Rows) error {
		var o payments.Replay
		var created int64
		if err := rows.Scan(&o.ProjectID, &o.ID, &o.EndpointID, &o.Version, &o.After, &o.Until, &created); err != nil {
			return err
		}
		o.CreatedAt = moment(created)
		list = append(list, o)
		return nil
	})
	return list, err
}

// LeaseDeliveries takes deliveries that are due and that nobody holds, in one durable commit: nobody else gets them before
// l.Until. An endpoint that is disabled or deleted gets none, and no target more than its share. When nothing is due it
// commits nothing.
func (s *Store) LeaseDeliveries(ctx context.Context, l payments.DeliveryLease) ([]payments.Delivery, error) {
	shares, err := s.shares(ctx, l)
	if err != nil || len(shares) == 0 {
		return nil, err
	}
	var leased []payments.Delivery
	err = s.write(ctx, func(w *writer) (wrote bool, err error) {
		leased = leased[:0]
		for _, at := range shares {
			if leased, err = w.leaseDeliveries(leased, at, l); err != nil {
				return false, err
			}
		}
		return len(leased) > 0, nil
	})
	return leased, err
}

// share is how much of a lease a target may have.
type share struct {
	payments.Target
	most int
}

// shares lists the targets that have something due, in the order of their turns.
func (s *Store) shares(ctx context.Context, l payments.DeliveryLease) ([]share, error) {
	var list []share
	err := s.targets(ctx, l.After, func(t payments.Target) (bool, error) {
		most, err := s.shareOf(ctx, t, l)
		if err != nil || most == 0 {
			return true, err
		}
		due, err := s.isDue(ctx, t, l.Now)
		if due {
			list = append(list, share{t, most})
		}
		return len(list) < l.Limit, err
	})
	return list, err
}

// shareOf is the number of deliveries that may be held at once at a target.
func (s *Store) shareOf(ctx context.Context, t payments.Target, l payments.DeliveryLease) (int, error) {
	if !t.IsEndpoint() {
		return l.PerTarget, nil
	}
	switch state, err := s.endpointState(ctx, t); {
	case errors.Is(err, payments.ErrNotFound):
		return 0, nil
	case err != nil:
		return 0, err
	case !state.enabled || state.deleted:
		return 0, nil
	case !state.failingSince.IsZero():
		return l.Failing, nil
	}
	return l.PerTarget, nil
}

func (s *Store) isDue(ctx context.Context, t payments.Target, now time.Time) (due bool, err error) {
	err = s.reader.each(ctx, s.reader.reads[selectDue], []any{t.ProjectID, t.Name, stamp(now)}, func(*sql.Rows) error {
		due = true
		return nil
	})
	return due, err
}

// targets calls visit for every target that has deliveries, from the one after the given one round to it, until visit says
// stop. Each is found by a step through the index, so that a target with a million deliveries costs as much as one with one.
func (s *Store) targets(ctx context.Context, after payments.Target, visit func(payments.Target) (more bool, err error)) error {
	at, turned := after, after == payments.Target{}
	for {
		next, found := payments.Target{}, false
		err := s.reader.each(ctx, s.reader.reads[selectNextTarget], []any{at.ProjectID, at.Name}, func(rows *sql.Rows) error {
			found = true
			return rows.Scan(&next.ProjectID, &next.Name)
		})
		switch {
		case err != nil:
			return err
		case !found && turned:
			return nil
		case !found:
			at, turned = payments.Target{}, true
			continue
		case turned && after != payments.Target{} && compareTargets(next, after) > 0:
			return nil
		}
		if more, err := visit(next); err != nil || !more {
			return err
		}
		at = next
	}
}

func compareTargets(a, b payments.Target) int {
	return cmp.Or(cmp.Compare(a.ProjectID, b.ProjectID), cmp.Compare(a.Name, b.Name))
}

// leaseDeliveries adds a target's share to what is leased.
func (w *writer) leaseDeliveries(leased []payments.Delivery, at share, l payments.DeliveryLease) ([]payments.Delivery, error) {
	ctx, now, held := context.Background(), stamp(l.Now), 0
	if err := w.statements[countHeld].QueryRowContext(ctx, at.ProjectID, at.Name, now).Scan(&held); err != nil {
		return nil, classify(err)
	}
	most := min(at.most-held, l.Limit-len(leased))
	if most <= 0 {
		return leased, nil
	}
	rows, err := w.statements[leaseDeliveries].QueryContext(ctx, at.ProjectID, at.Name, now, stamp(l.Until), most)
	if err != nil {
		return nil, classify(err)
	}
	defer func() { _ = rows.Close() }() // rows.Err has the error that counts
	first := len(leased)
	for rows.Next() {
		d, err := scanDelivery(rows)
		if err != nil {
			return nil, err
		}
		leased = append(leased, d)
	}
	if err := rows.Err(); err != nil {
		return nil, classify(err)
	}
	slices.SortFunc(leased[first:], func(a, b payments.Delivery) int { return a.RunAt.Compare(b.RunAt) })
	return leased, nil
}

func scanDelivery(rows *sql.Rows) (d payments.Delivery, err error) {
	var doc sql.RawBytes
	var runAt, until, fence int64
	if err := rows.Scan(&doc, &runAt, &until, &fence); err != nil {
		return d, fmt.Errorf("sqlite: delivery: %w", err)
	}
	if err := json.Unmarshal(doc, &d); err != nil {
		return d, fmt.Errorf("sqlite: delivery: %w", err)
	}
	d.RunAt, d.LeaseUntil, d.Fence = moment(runAt), moment(until), fence
	return d, nil
}

// OldestDelivery says since when the most overdue delivery has been due, or when the next one will be; false when there is
// none. What rests because its endpoint is disabled does not count.
func (s *Store) OldestDelivery(ctx context.Context) (oldest time.Time, some bool, err error) {
	everything := payments.DeliveryLease{PerTarget: 1, Failing: 1}
	err = s.targets(ctx, payments.Target{}, func(t payments.Target) (bool, error) {
		share, err := s.shareOf(ctx, t, everything)
		if err != nil || share == 0 {
			return true, err
		}
		return true, s.reader.each(ctx, s.reader.reads[selectEarliest], []any{t.ProjectID, t.Name}, func(rows *sql.Rows) error {
			var at int64
			if err := rows.Scan(&at); err != nil {
				return err
			}
			if due := moment(at); !some || due.Before(oldest) {
				oldest, some = due, true
			}
			return nil
		})
	})
	return oldest, some, err
}

// PruneDeliveries deletes tries that were made before the given time, what has waited since before then for an endpoint that
// stayed disabled, and what waits for endpoints that are deleted. It returns how many, and commits in batches, so that
// payments go on in between.
func (s *Store) PruneDeliveries(ctx context.Context, before time.Time) (int, error) {
	total, err := s.inBatches(ctx, pruneEnded, stamp(before))
	if err != nil {
		return total, err
	}
	err = s.targets(ctx, payments.Target{}, func(t payments.Target) (bool, error) {
		n, err := s.pruneTarget(ctx, t, before)
		total += n
		return true, err
	})
	return total, err
}

func (s *Store) pruneTarget(ctx context.Context, t payments.Target, before time.Time) (int, error) {
	if t.IsEndpoint() {
		state, err := s.endpointState(ctx, t)
		if errors.Is(err, payments.ErrNotFound) || err == nil && state.deleted {
			return s.inBatches(ctx, dropDeliveries, t.ProjectID, t.Name)
		}
		if err != nil {
			return 0, err
		}
	}
	return s.batches(ctx, func(w *writer) (int, error) { return w.dropStale(t, before) })
}

// inBatches runs a statement, whose last parameter is a limit, until it finds less to do than that.
func (s *Store) inBatches(ctx context.Context, statement writeID, args ...any) (int, error) {
	return s.batches(ctx, func(w *writer) (int, error) {
		result, err := w.statements[statement].ExecContext(context.Background(), append(args, pruneBatch)...)
		if err != nil {
			return 0, classify(err)
		}
		deleted, err := result.RowsAffected()
		return int(deleted), wrap("sqlite: rows affected", err)
	})
}

func (s *Store) batches(ctx context.Context, run func(*writer) (int, error)) (int, error) {
	for total := 0; ; {
		n := 0
		err := s.write(ctx, func(w *writer) (wrote bool, err error) {
			n, err = run(w)
			return n > 0, err
		})
		if total += n; err != nil || n < pruneBatch {
			return total, err
		}
	}
}

// dropStale deletes deliveries of a target that were due before the given time, one subject's after the other's.
func (w *writer) dropStale(t payments.Target, before time.Time) (int, error) {
	for n := range pruneBatch {
		var subject string
		err := w.statements[dropStale].QueryRowContext(context.Background(), t.ProjectID, t.Name, stamp(before)).Scan(&subject)
		if errors.Is(err, sql.ErrNoRows) {
			return n, nil
		}
		if err != nil {
			return n, classify(err)
		}
		if _, err := w.statements[nextDelivery].ExecContext(context.Background(), t.ProjectID, t.Name, subject); err != nil {
			return n, classify(err)
		}
	}
	return pruneBatch, nil
}
