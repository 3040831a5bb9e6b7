package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"

	"switchyard/payments"
)

// reader is the pool of connections that read.
type reader struct {
	db    *sql.DB
	reads [readCount]*sql.Stmt
	lists [listCount]struct{ down, up, place *sql.Stmt }
}

func openReader(ctx context.Context, file string, connections, cacheKiB int) (*reader, error) {
	connector, err := newConnector(file, readerSettings(cacheKiB))
	if err != nil {
		return nil, err
	}
	return newReader(ctx, connector, connections)
}

// newReader prepares the reading statements on a pool.
func newReader(ctx context.Context, connector driver.Connector, connections int) (_ *reader, err error) {
	r := &reader{db: sql.OpenDB(connector)}
	r.db.SetMaxOpenConns(connections)
	r.db.SetMaxIdleConns(connections)
	defer func() {
		if err != nil {
			err = errors.Join(err, r.closeConnections())
		}
	}()
	prepare := func(text string) *sql.Stmt {
		if err != nil {
			return nil
		}
		var statement *sql.Stmt
		if statement, err = r.db.PrepareContext(ctx, text); err != nil {
			err = fmt.Errorf("sqlite: prepare %q: %w", text, err)
		}
		return statement
	}
	for id, text := range readSQL {
		r.reads[id] = prepare(text)
	}
	for id, walk := range listSQL {
		list := &r.lists[id]
		list.down, list.up, list.place = prepare(walk.down), prepare(walk.up), prepare(walk.place)
	}
	return r, err
}

func (r *reader) closeConnections() error { return r.db.Close() }

// one reads one object, or payments.ErrNotFound.
func one[T any](ctx context.Context, s *Store, id readID, args ...any) (object T, err error) {
	var doc sql.RawBytes
	err = s.reader.first(ctx, id, args, func(rows *sql.Rows) error {
		if err := rows.Scan(&doc); err != nil {
			return err
		}
		return json.Unmarshal(doc, &object)
	})
	return object, err
}

// first reads the first row of a statement, or payments.ErrNotFound.
func (r *reader) first(ctx context.Context, id readID, args []any, scan func(*sql.Rows) error) error {
	found := false
	err := r.each(ctx, r.reads[id], args, func(rows *sql.Rows) error {
		found = true
		return scan(rows)
	})
	if err == nil && !found {
		return payments.ErrNotFound
	}
	return err
}

// all reads the objects of a statement, in its order.
func all[T any](ctx context.Context, s *Store, id readID, args ...any) ([]T, error) {
	return objects[T](ctx, s.reader, s.reader.reads[id], args)
}

func objects[T any](ctx context.Context, r *reader, statement *sql.Stmt, args []any) ([]T, error) {
	var list []T
	var doc sql.RawBytes
	err := r.each(ctx, statement, args, func(rows *sql.Rows) error {
		if err := rows.Scan(&doc); err != nil {
			return err
		}
		var object T
		if err := json.Unmarshal(doc, &object); err != nil {
			return err
		}
		list = append(list, object)
		return nil
	})
	return list, err
}

// each runs a statement and calls scan for every row.
func (r *reader) each(ctx context.Context, statement *sql.Stmt, args []any, scan func(*sql.Rows) error) error {
	rows, err := statement.QueryContext(ctx, args...)
	if err != nil {
		return fmt.Errorf("sqlite: read: %w", err)
	}
	defer func() { _ = rows.Close() }() // rows.Err has the error that counts
	for rows.Next() {
		if err := scan(rows); err != nil {
			return fmt.Errorf("sqlite: read: %w", err)
		}
	}
	return wrap("sqlite: read", rows.Err())
}
