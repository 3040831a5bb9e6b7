package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"switchyard/payments"
)

// Limits of the writer.
const (
	maxQueued = 512 // callers; more wait in their own goroutine, or give up with their context
	maxBatch  = 128 // callers in one commit: bounds how long the first of them waits for the last
)

// The states of a request. Whoever moves it out of waiting owns its answer: the writer takes it, or the caller gives up.
const (
	waiting int32 = iota
	taken
	givenUp
)

// request is one caller's part of a commit.
type request struct {
	run   func(*writer) (wrote bool, err error) // the caller's SQL, in its savepoint
	state atomic.Int32
	reply chan error // holds one answer, so that the writer never waits for a caller
}

// refusal is an error that concerns one caller only: the others in its commit go on.
type refusal struct{ error }

func (r refusal) Unwrap() error { return r.error }

// writer owns the only connection that writes. Its methods run in its goroutine; queue, stop, done, halted and the
// counters are for all.
type writer struct {
	db         *sql.DB
	conn       *sql.Conn
	statements [writeCount]*sql.Stmt
	logger     *slog.Logger

	queue  chan *request
	stop   chan struct{} // closed when no more requests are to be taken
	done   chan struct{} // closed when the goroutine has ended
	halted atomic.Pointer[haltError]

	commits, changes, refused, largest atomic.Int64
}

// haltError is what every caller gets once a commit has failed.
type haltError struct{ cause error }

func (e *haltError) Error() string { return ErrHalted.Error() + ": " + e.cause.Error() }

// Unwrap lets callers find both ErrHalted and what happened.
func (e *haltError) Unwrap() []error { return []error{ErrHalted, e.cause} }

// submit hands a request to the writer and returns when its commit is durable, or has failed. A caller whose context ends
// is let go only while its request waits: once it is taken, nobody can say whether it will be committed, so the caller
// hears what became of it.
func (w *writer) submit(ctx context.Context, run func(*writer) (bool, error)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r := &request{run: run, reply: make(chan error, 1)}
	select {
	case w.queue <- r:
	case <-ctx.Done():
		return ctx.Err()
	case <-w.stop:
		return ErrClosed
	}
	select {
	case err := <-r.reply:
		return err
	case <-ctx.Done():
		if r.state.CompareAndSwap(waiting, givenUp) {
			return ctx.Err()
		}
		return <-r.reply
	case <-w.done: // the request came in after the writer's last look at the queue, or was answered on its way out
		if r.state.CompareAndSwap(waiting, givenUp) {
			return ErrClosed
		}
		return <-r.reply
	}
}

// loop commits until it is told to stop, and then what is still queued.
func (w *writer) loop() {
	defer close(w.done)
	batch := make([]*request, 0, maxBatch)
	results := make([]error, 0, maxBatch)
	for {
		select {
		case r := <-w.queue:
			batch = w.gather(batch[:0], r)
		case <-w.stop:
			if batch = w.gather(batch[:0], nil); len(batch) == 0 {
				return
			}
		}
		results = w.commit(batch, results[:0])
		for i, r := range batch {
			r.reply <- results[i]
		}
		clear(batch) // or their changes would stay in memory until the next ones come
	}
}

// gather takes the first request and all that wait behind it. It never waits for more: callers that come while a commit
// runs are the next batch, so that batches grow with the load by themselves.
func (w *writer) gather(batch []*request, first *request) []*request {
	for r := first; ; {
		if r != nil && r.state.CompareAndSwap(waiting, taken) {
			batch = append(batch, r)
		}
		if len(batch) == maxBatch {
			return batch
		}
		select {
		case r = <-w.queue:
		default:
			return batch
		}
	}
}

// commit writes a batch in one transaction and returns one result for each request.
func (w *writer) commit(batch []*request, results []error) []error {
	if len(batch) == 0 {
		return results
	}
	if err := w.ready(); err != nil {
		return same(results, len(batch), err)
	}
	if err := w.exec(beginCommit); err != nil {
		if isBusy(err) { // another program holds the lock: nothing has been written, and it will go away
			return same(results, len(batch), fmt.Errorf("sqlite: begin: %w", err))
		}
		return same(results, len(batch), w.halt(fmt.Errorf("sqlite: begin: %w", err)))
	}
	written, refused := 0, 0
	for _, r := range batch {
		wrote, err := w.runInSavepoint(r)
		switch {
		case err == nil && wrote:
			written++
		case err != nil && isRefusal(err):
			refused++
		case err != nil:
			return same(results[:0], len(batch), w.halt(err))
		}
		results = append(results, err)
	}
	if err := w.end(written); err != nil {
		return same(results[:0], len(batch), w.halt(err))
	}
	w.count(written, refused)
	return results
}

// end makes a transaction durable, or drops it when there is nothing in it.
func (w *writer) end(written int) error {
	if written == 0 {
		return wrap("sqlite: rollback", w.exec(abandonCommit))
	}
	return wrap("sqlite: commit", w.exec(endCommit))
}

// runInSavepoint runs one request so that its refusal leaves nothing behind. An error that is no refusal is the end of
// the batch.
func (w *writer) runInSavepoint(r *request) (wrote bool, err error) {
	if err := w.exec(openSavepoint); err != nil {
		return false, fmt.Errorf("sqlite: savepoint: %w", err)
	}
	wrote, err = r.run(w)
	if err != nil {
		if !isRefusal(err) {
			return false, err
		}
		if err := w.exec(undoSavepoint); err != nil {
			return false, fmt.Errorf("sqlite: rollback to savepoint: %w", err)
		}
	}
	if err := w.exec(closeSavepoint); err != nil {
		return false, fmt.Errorf("sqlite: release savepoint: %w", err)
	}
	return wrote, err
}

// apply runs the operations of a change.
func (w *writer) apply(operations []operation) error {
	for i := range operations {
		o := &operations[i]
		result, err := w.statements[o.statement].ExecContext(context.Background(), o.args...)
		if err != nil {
			return classify(err)
		}
		if o.miss == nil {
			continue
		}
		rows, err := result.RowsAffected()
		if err != nil {
			return fmt.Errorf("sqlite: rows affected: %w", err)
		}
		if rows == 0 {
			return refusal{o.miss}
		}
	}
	return nil
}

// halt ends the store's writing for good. What the disk has of the transaction, if anything, is found out by the next
// start.
func (w *writer) halt(cause error) error {
	_ = w.exec(abandonCommit) // fails when SQLite has rolled back by itself; nothing rests on it, we write no more
	halted := &haltError{cause}
	w.halted.Store(halted)
	w.logger.Error("store halted: a commit failed, nothing is acknowledged until a restart", "error", cause)
	return halted
}

// ready says whether the writer still writes.
func (w *writer) ready() error {
	if halted := w.halted.Load(); halted != nil {
		return halted
	}
	return nil
}

// exec runs a statement without parameters. The writer's statements have no deadline: a commit that is cut off would
// leave its callers without an answer.
func (w *writer) exec(statement writeID) error {
	_, err := w.statements[statement].ExecContext(context.Background())
	return err
}

func (w *writer) count(written, refused int) {
	w.refused.Add(int64(refused))
	if written == 0 {
		return
	}
	w.commits.Add(1)
	w.changes.Add(int64(written))
	if n := int64(written); n > w.largest.Load() { // only this goroutine stores it
		w.largest.Store(n)
	}
}

// classify tells what a failed statement means: a broken constraint is the caller's own doing and stays with it, anything
// else (a full disk, an I/O error) is the end of the batch.
func classify(err error) error {
	failure, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return fmt.Errorf("sqlite: write: %w", err)
	}
	switch code := failure.Code(); {
	case code == sqlite3.SQLITE_CONSTRAINT_CHECK:
		return refusal{payments.ErrMoneyGuard}
	case code&primaryCode == sqlite3.SQLITE_CONSTRAINT:
		return refusal{fmt.Errorf("sqlite: write: %w", err)}
	}
	return fmt.Errorf("sqlite: write: %w", err)
}

// primaryCode masks an extended result code down to its class.
const primaryCode = 0xff

func isRefusal(err error) bool {
	_, ok := errors.AsType[refusal](err)
	return ok
}

func isBusy(err error) bool {
	failure, ok := errors.AsType[*sqlite.Error](err)
	return ok && failure.Code()&primaryCode == sqlite3.SQLITE_BUSY
}

func same(results []error, n int, err error) []error {
	for range n {
		results = append(results, err)
	}
	return results
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}
