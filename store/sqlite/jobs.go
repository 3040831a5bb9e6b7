package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"switchyard/payments"
)

// pruneBatch is the number of rows deleted in one commit: payments that wait behind it wait milliseconds.
const pruneBatch = 500

// orphanedLease is how long after the database was opened the leases of the process before are kept: the calls that it has made
// have ended by then.
const orphanedLease = 10 * time.Second

// endOrphanedLeases shortens the leases that an earlier process has left behind. It is dead, or the lock on the database would
// not be ours. A clock that was set back since ends no lease late either.
func endOrphanedLeases(ctx context.Context, conn *sql.Conn, opened time.Time) error {
	_, err := conn.ExecContext(ctx, `UPDATE jobs SET lease_until = $1 WHERE lease_until > $1`, stamp(opened.Add(orphanedLease)))
	return wrap("sqlite: leases left behind", err)
}

// LeaseJobs takes up to limit jobs that are due and that nobody holds, oldest first, in one durable commit: nobody else
// gets them before until, and their fences and tries are one higher. When nothing is due it commits nothing.
func (s *Store) LeaseJobs(ctx context.Context, now, until time.Time, limit int) ([]payments.Job, error) {
	// Workers ask often and mostly in vain, so the writer is not disturbed unless there is something to lease.
	next, exists, err := s.NextJobAt(ctx)
	if err != nil || !exists || next.After(now) {
		return nil, err
	}
	var leased []payments.Job
	err = s.write(ctx, func(w *writer) (wrote bool, err error) {
		leased, err = w.leaseJobs(now, until, limit)
		return len(leased) > 0, err
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(leased, func(a, b payments.Job) int { return a.RunAt.Compare(b.RunAt) })
	return leased, nil
}

func (w *writer) leaseJobs(now, until time.Time, limit int) ([]payments.Job, error) {
	rows, err := w.statements[leaseJobs].QueryContext(context.Background(), stamp(now), stamp(until), limit)
	if err != nil {
		return nil, classify(err)
	}
	defer func() { _ = rows.Close() }() // rows.Err has the error that counts
	var jobs []payments.Job
	for rows.Next() {
		job, err := scanJob(rows)
		if err != nil {
			return nil, err
		}
		jobs = append(jobs, job)
	}
	if err := rows.Err(); err != nil {
		return nil, classify(err)
	}
	return jobs, nil
}

func scanJob(rows *sql.Rows) (payments.Job, error) {
	var job payments.Job
	var payload string
	var runAt, leaseUntil, createdAt int64
	if err := rows.Scan(&job.ProjectID, &job.Key, &job.Kind, &job.SubjectID, &payload, &runAt, &leaseUntil, &job.Fence,
		&job.Tries, &createdAt); err != nil {
		return payments.Job{}, fmt.Errorf("sqlite: job: %w", err)
	}
	if payload != "" {
		job.Payload = json.RawMessage(payload)
	}
	job.RunAt, job.LeaseUntil, job.CreatedAt = moment(runAt), moment(leaseUntil), moment(createdAt)
	return job, nil
}

// NextJobAt says when the next job is due and not held, in the past or the future; false when there is no job at all.
func (s *Store) NextJobAt(ctx context.Context) (time.Time, bool, error) {
	var next sql.NullInt64
	err := s.reader.first(ctx, selectNextJob, nil, func(rows *sql.Rows) error { return rows.Scan(&next) })
	if err != nil || !next.Valid {
		return time.Time{}, false, err
	}
	return moment(next.Int64), true, nil
}

// Prune deletes answered idempotency claims that were made before the given time, and returns how many. Claims whose
// answer is not known yet are kept, however old. It commits in batches, so that payments go on in between.
func (s *Store) Prune(ctx context.Context, before time.Time) (int, error) {
	total := 0
	for {
		deleted := 0
		err := s.write(ctx, func(w *writer) (wrote bool, err error) {
			deleted, err = w.pruneClaims(before)
			return deleted > 0, err
		})
		if err != nil {
			return total, err
		}
		total += deleted
		if deleted < pruneBatch {
			return total, nil
		}
	}
}

func (w *writer) pruneClaims(before time.Time) (int, error) {
	result, err := w.statements[pruneClaims].ExecContext(context.Background(), stamp(before), pruneBatch)
	if err != nil {
		return 0, classify(err)
	}
	deleted, err := result.RowsAffected()
	return int(deleted), wrap("sqlite: rows affected", err)
}
