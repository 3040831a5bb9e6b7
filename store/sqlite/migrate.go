package sqlite

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// migration is one step of the schema, from a file named like 0001_start.sql.
type migration struct {
	version        int
	name, text     string
	checksumOfText string
}

func readMigrations(files fs.FS) ([]migration, error) {
	names, err := fs.Glob(files, "migrations/*.sql")
	if err != nil {
		return nil, fmt.Errorf("sqlite: migrations: %w", err)
	}
	slices.Sort(names)
	steps := make([]migration, 0, len(names))
	for i, path := range names {
		text, err := fs.ReadFile(files, path)
		if err != nil {
			return nil, fmt.Errorf("sqlite: migrations: %w", err)
		}
		name := strings.TrimPrefix(path, "migrations/")
		number, _, _ := strings.Cut(name, "_")
		version, err := strconv.Atoi(number)
		if err != nil || version != i+1 {
			return nil, fmt.Errorf("sqlite: migration %s should have number %d", name, i+1)
		}
		sum := sha256.Sum256(text)
		steps = append(steps, migration{version, name, string(text), hex.EncodeToString(sum[:])})
	}
	return steps, nil
}

// migrate brings the schema up to date, each step in a transaction of its own. It refuses a database that a newer program
// has written, and one whose past steps are not those of this program.
func migrate(ctx context.Context, conn *sql.Conn, files fs.FS, now time.Time) error {
	steps, err := readMigrations(files)
	if err != nil {
		return err
	}
	if _, err := conn.ExecContext(ctx, createMigrationTable); err != nil {
		return fmt.Errorf("sqlite: schema_migrations: %w", err)
	}
	applied, err := appliedMigrations(ctx, conn)
	if err != nil {
		return err
	}
	if len(applied) > len(steps) {
		return fmt.Errorf("sqlite: the database has schema %d and this program knows only %d: it was written by a newer version, run that one",
			len(applied), len(steps))
	}
	for i, step := range steps {
		if i < len(applied) {
			if applied[i] != step.checksumOfText {
				return fmt.Errorf("sqlite: migration %s is not the one that this database was made with", step.name)
			}
			continue
		}
		if err := step.apply(ctx, conn, now); err != nil {
			return fmt.Errorf("sqlite: migration %s: %w", step.name, err)
		}
	}
	return nil
}

// appliedMigrations returns the checksums of the steps that the database has seen, first to last.
func appliedMigrations(ctx context.Context, conn *sql.Conn) ([]string, error) {
	rows, err := conn.QueryContext(ctx, selectMigrations)
	if err != nil {
		return nil, fmt.Errorf("sqlite: schema_migrations: %w", err)
	}
	defer func() { _ = rows.Close() }() // rows.Err has the error that counts
	var sums []string
	for rows.Next() {
		var version int
		var sum string
		if err := rows.Scan(&version, &sum); err != nil {
			return nil, fmt.Errorf("sqlite: schema_migrations: %w", err)
		}
		sums = append(sums, sum)
		if version != len(sums) {
			return nil, fmt.Errorf("sqlite: schema_migrations has %d where %d should be", version, len(sums))
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("sqlite: schema_migrations: %w", err)
	}
	return sums, nil
}

func (m migration) apply(ctx context.Context, conn *sql.Conn, now time.Time) (err error) {
	if _, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_, rollback := conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
			err = errors.Join(err, rollback)
		}
	}()
	if _, err := conn.ExecContext(ctx, m.text); err != nil {
		return err
	}
	if _, err := conn.ExecContext(ctx, insertMigration, m.version, m.name, m.checksumOfText, stamp(now)); err != nil {
		return err
	}
	_, err = conn.ExecContext(ctx, "COMMIT")
	return err
}
