package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"modernc.org/sqlite"

	"switchyard/payments"
)

// View reads a database that another process may have open, or nobody. It takes no lock and can write nothing: in WAL mode
// readers and the one writer do not keep each other waiting, and every read sees a moment between two commits. It must run on
// the machine of the writer.
type View struct{ store Store }

// OpenView opens a database for reading alone. The file must be there, and have the schema that this program has: one of
// another version is refused. The context bounds the opening only.
func OpenView(ctx context.Context, path string) (*View, error) {
	file, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("sqlite: path: %w", err)
	}
	if filepath.Ext(file) != ".db" {
		file = filepath.Join(file, DatabaseName)
	}
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("sqlite: there is no database at %s", file)
	} else if err != nil {
		return nil, fmt.Errorf("sqlite: database file: %w", err)
	}
	base, err := sqlite.NewConnector(strings.Replace(dataSource(file), "mode=rw", "mode=ro", 1))
	if err != nil {
		return nil, fmt.Errorf("sqlite: connector: %w", err)
	}
	connector := &connector{Connector: base, settings: readerSettings(defaultReaderCacheKiB)}
	if err := sameSchema(ctx, connector); err != nil {
		return nil, err
	}
	r, err := newReader(ctx, connector, 1)
	if err != nil {
		return nil, err
	}
	return &View{store: Store{reader: r}}, nil
}

// sameSchema refuses a database whose schema is not this program's: what it holds could be misread.
func sameSchema(ctx context.Context, c *connector) (err error) {
	steps, err := readMigrations(migrationFiles)
	if err != nil {
		return err
	}
	db := sql.OpenDB(c)
	defer func() { err = errors.Join(err, db.Close()) }()
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	applied, err := appliedMigrations(ctx, conn)
	if err != nil {
		return err
	}
	if len(applied) != len(steps) {
		return fmt.Errorf("sqlite: the database has schema %d and this program reads schema %d: use the program that has written it", len(applied), len(steps))
	}
	for i, step := range steps {
		if applied[i] != step.checksumOfText {
			return fmt.Errorf("sqlite: migration %s is not the one that this database was made with", step.name)
		}
	}
	return nil
}

// Close ends the reading.
func (v *View) Close() error { return v.store.reader.closeConnections() }

// AttemptsSent is Store.AttemptsSent.
func (v *View) AttemptsSent(ctx context.Context, gatewayID string, since time.Time, after string, until time.Time, limit int) ([]payments.Attempt, error) {
	return v.store.AttemptsSent(ctx, gatewayID, since, after, until, limit)
}

// AttemptsNamed is Store.AttemptsNamed.
func (v *View) AttemptsNamed(ctx context.Context, gatewayID, reference, session string) ([]payments.Attempt, error) {
	return v.store.AttemptsNamed(ctx, gatewayID, reference, session)
}

// Payment is Store.Payment.
func (v *View) Payment(ctx context.Context, projectID, invoiceID string) (*payments.Payment, error) {
	return v.store.Payment(ctx, projectID, invoiceID)
}

// Entries is Store.Entries.
func (v *View) Entries(ctx context.Context, projectID, subjectID string) ([]payments.Entry, error) {
	return v.store.Entries(ctx, projectID, subjectID)
}
