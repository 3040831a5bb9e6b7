package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"switchyard/payments"
)

// Errors that are the store's own. Those that callers act on are in payments.
var (
	// ErrInUse: another process, or another Store in this one, has the database open. Two gateways on one database would
	// break the rule of one writer.
	ErrInUse = errors.New("sqlite: the database is in use")
	// ErrHalted: a commit failed, so that nothing more is acknowledged until the process starts again.
	ErrHalted = errors.New("sqlite: halted after a failed commit")
	// ErrClosed: Close has been called.
	ErrClosed = errors.New("sqlite: closed")
)

// Defaults of Options. With them the page caches hold 16 MiB at most.
const (
	defaultMaxReaders     = 4
	defaultWriterCacheKiB = 8 * 1024
	defaultReaderCacheKiB = 2 * 1024
)

// DatabaseName is the file in the data directory.
const DatabaseName = "switchyard.db"

// Options say where the database is and what it may use. Only Path is required.
type Options struct {
	Path           string       // a directory, made when it is missing, or a file that ends in ".db"
	Relaxed        bool         // a loss of power may take the last commits with it; for sandboxes only
	Logger         *slog.Logger // nil: silent
	MaxReaders     int          // connections for reading; 0: 4
	WriterCacheKiB int          // page cache of the writer; 0: 8 MiB
	ReaderCacheKiB int          // page cache of each reader; 0: 2 MiB
}

func (o Options) withDefaults() Options {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	o.MaxReaders = cmp.Or(o.MaxReaders, defaultMaxReaders)
	o.WriterCacheKiB = cmp.Or(o.WriterCacheKiB, defaultWriterCacheKiB)
	o.ReaderCacheKiB = cmp.Or(o.ReaderCacheKiB, defaultReaderCacheKiB)
	return o
}

// Store is an open database. It is safe for concurrent use.
type Store struct {
	durability string
	lock       *os.File
	writer     *writer
	reader     *reader
	shut       func() error // once
}

// Stats are what the writer has done since Open.
type Stats struct {
	Commits      int64 // durable commits, that is: fsyncs that callers waited for
	Changes      int64 // callers' changes in them
	Refused      int64 // changes that were turned away: a conflict, a taken key, a guard
	LargestBatch int64 // changes in the largest commit
}

// Open opens the database, and makes it when there is none. It takes the lock on it, checks that commits will be durable
// and brings the schema up to date. The context bounds the opening only.
func Open(ctx context.Context, o Options) (*Store, error) {
	o = o.withDefaults()
	settings := writerSettings(o.WriterCacheKiB)
	if o.Relaxed {
		settings = relaxed(settings)
	}
	return open(ctx, o, settings, migrationFiles)
}

func open(ctx context.Context, o Options, settings []setting, migrations fs.FS) (_ *Store, err error) {
	file, lock, err := prepareFile(o.Path)
	if err != nil {
		return nil, err
	}
	s := &Store{lock: lock, durability: durabilityFull}
	if o.Relaxed {
		s.durability = durabilityNormal
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.release())
		}
	}()
	if s.writer, err = openWriter(ctx, file, o.Logger, settings, migrations); err != nil {
		return nil, err
	}
	if s.reader, err = openReader(ctx, file, o.MaxReaders, o.ReaderCacheKiB); err != nil {
		return nil, err
	}
	go s.writer.loop()
	s.shut = sync.OnceValue(func() error {
		close(s.writer.stop)
		<-s.writer.done
		return s.release()
	})
	return s, nil
}

// prepareFile makes directory and file, readable for nobody else, and takes the lock.
func prepareFile(path string) (string, *os.File, error) {
	if path == "" {
		return "", nil, errors.New("sqlite: no path")
	}
	file, err := filepath.Abs(path)
	if err != nil {
		return "", nil, fmt.Errorf("sqlite: path: %w", err)
	}
	if info, err := os.Stat(file); filepath.Ext(file) != ".db" || err == nil && info.IsDir() {
		file = filepath.Join(file, DatabaseName)
	}
	if err := makeDir(filepath.Dir(file)); err != nil {
		return "", nil, fmt.Errorf("sqlite: data directory: %w", err)
	}
	lock, err := lockFile(file + ".lock")
	if err != nil {
		return "", nil, err
	}
	if err := createFile(file); err != nil {
		return "", nil, errors.Join(fmt.Errorf("sqlite: database file: %w", err), lock.Close())
	}
	return file, lock, nil
}

// makeDir makes a directory, and its name durable when it is new: an old one's parent may not be ours to open.
func makeDir(dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return syncDir(filepath.Dir(dir))
}

// createFile makes the database file and its name durable: a commit in a file whose name is lost is lost. SQLite gives
// the log beside it the same permissions.
func createFile(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(file.Close(), syncDir(filepath.Dir(path)))
}

func openWriter(ctx context.Context, file string, logger *slog.Logger, settings []setting, migrations fs.FS) (_ *writer, err error) {
	connector, err := newConnector(file, settings)
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(1)
	w := &writer{
		db: db, logger: logger,
		queue: make(chan *request, maxQueued), stop: make(chan struct{}), done: make(chan struct{}),
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.closeConnection())
		}
	}()
	if w.conn, err = db.Conn(ctx); err != nil {
		return nil, err
	}
	if err := migrate(ctx, w.conn, migrations, time.Now()); err != nil {
		return nil, err
	}
	if err := endOrphanedLeases(ctx, w.conn, time.Now()); err != nil {
		return nil, err
	}
	for id, text := range writeSQL {
		if w.statements[id], err = w.conn.PrepareContext(ctx, text); err != nil {
			return nil, fmt.Errorf("sqlite: prepare %q: %w", text, err)
		}
	}
	return w, nil
}

// closeConnection closes statements, connection and pool, whichever there are. A statement left open would keep SQLite's
// connection alive, and with it the log from being folded into the database.
func (w *writer) closeConnection() error {
	var errs []error
	for _, statement := range w.statements {
		if statement != nil {
			errs = append(errs, statement.Close())
		}
	}
	if w.conn != nil {
		errs = append(errs, w.conn.Close())
	}
	return errors.Join(append(errs, w.db.Close())...)
}

// Close commits what is queued and closes the database. Calls that come later fail with ErrClosed. It may be called again.
func (s *Store) Close() error { return s.shut() }

// release closes what is open. Readers go first, so that the writer is the last to close and can fold the log into the
// database.
func (s *Store) release() error {
	var errs []error
	if s.reader != nil {
		errs = append(errs, s.reader.closeConnections())
	}
	if s.writer != nil {
		errs = append(errs, s.writer.closeConnection())
	}
	return errors.Join(append(errs, s.lock.Close())...)
}

// Apply makes one change durable: all of it, or nothing. It returns when the commit is on disk, and fails with
// payments.ErrClaimed, ErrDuplicate, ErrConflict, ErrMoneyGuard or ErrFenced when the change is refused, with ErrHalted
// when the store has stopped writing, and with the context's error when that ended before the change was taken up. After
// any other error, ErrHalted included, whether the change is on disk is known only after the next Open.
func (s *Store) Apply(ctx context.Context, c payments.Change) error {
	operations, err := encode(c)
	if err != nil || len(operations) == 0 {
		return err
	}
	return s.write(ctx, func(w *writer) (bool, error) { return true, w.apply(operations) })
}

// write submits a request and hands a refusal back as the error that it is.
func (s *Store) write(ctx context.Context, run func(*writer) (wrote bool, err error)) error {
	err := s.writer.submit(ctx, run)
	if refused, ok := errors.AsType[refusal](err); ok {
		return refused.error
	}
	return err
}

// Ping reports whether the store reads and writes: nil, ErrHalted, ErrClosed, or why a read failed.
func (s *Store) Ping(ctx context.Context) error {
	select {
	case <-s.writer.stop:
		return ErrClosed
	default:
	}
	if err := s.writer.ready(); err != nil {
		return err
	}
	return wrap("sqlite: ping", s.reader.db.PingContext(ctx))
}

// Durability says how commits are made durable, as read back from the database when it was opened.
func (s *Store) Durability() string { return s.durability }

// Stats returns what the writer has done.
func (s *Store) Stats() Stats {
	w := s.writer
	return Stats{
		Commits: w.commits.Load(), Changes: w.changes.Load(), Refused: w.refused.Load(), LargestBatch: w.largest.Load(),
	}
}
