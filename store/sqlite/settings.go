package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"

	"modernc.org/sqlite"
)

// Settings of the database that are not options: nobody should have to choose them.
const (
	busyTimeoutMillis = 5_000      // another program, a backup for example, may hold the lock for a moment
	checkpointPages   = 1_000      // 4 MB of log before it is copied into the database
	keepLogBytes      = 16_777_216 // a log that grew beyond this is cut after its checkpoint
	synchronousNormal = "1"
	synchronousFull   = "2"
	tempStoreMemory   = "2"
	journalModeWAL    = "wal"
	durabilityFull    = "journal_mode=wal synchronous=full" // what the settings below make true
	durabilityNormal  = "journal_mode=wal synchronous=normal"
)

// setting is one pragma: what it is set to, and what it must read back as. An SQLite build may ignore a pragma without a
// word, so what a payment rests on is not believed but asked.
type setting struct{ name, value, want string }

// writerSettings are the pragmas of the writing connection.
func writerSettings(cacheKiB int) []setting {
	return append(sharedSettings(cacheKiB), []setting{
		{"journal_mode", "WAL", journalModeWAL},
		{"synchronous", "FULL", synchronousFull},
		{"fullfsync", "ON", "1"}, // macOS: fsync alone leaves the data in the drive's cache
		{"checkpoint_fullfsync", "ON", "1"},
		{"secure_delete", "ON", "1"}, // deleted card data is overwritten, not only unlinked
		{"wal_autocheckpoint", strconv.Itoa(checkpointPages), strconv.Itoa(checkpointPages)},
		{"journal_size_limit", strconv.Itoa(keepLogBytes), strconv.Itoa(keepLogBytes)},
	}...)
}

// relaxed are the writer's settings without a sync for every commit.
func relaxed(settings []setting) []setting {
	for i := range settings {
		if settings[i].name == "synchronous" {
			settings[i].value, settings[i].want = "NORMAL", synchronousNormal
		}
	}
	return settings
}

// readerSettings are the pragmas of a reading connection.
func readerSettings(cacheKiB int) []setting {
	return append(sharedSettings(cacheKiB), setting{"query_only", "ON", "1"})
}

// sharedSettings bound the memory of a connection: pages are cached by us and not mapped, so that the process stays small
// however large the database grows.
func sharedSettings(cacheKiB int) []setting {
	cache := strconv.Itoa(-cacheKiB) // negative: KiB, not pages
	wait := strconv.Itoa(busyTimeoutMillis)
	return []setting{
		{"busy_timeout", wait, wait}, // first: the others may have to wait
		{"cache_size", cache, cache},
		{"mmap_size", "0", "0"},
		{"temp_store", "MEMORY", tempStoreMemory},
	}
}

// dataSource names the file to the driver. Paths may hold whatever a file system takes, so the name is a URI with escapes.
// The file must exist; a double-quoted word is an identifier and never text; SQL cannot damage the file by itself.
func dataSource(file string) string {
	path := filepath.ToSlash(file)
	if !strings.HasPrefix(path, "/") { // a drive letter
		path = "/" + path
	}
	name := url.URL{Scheme: "file", Path: path, RawQuery: "mode=rw&_dqs=0&_defensive=1&_error_rc=1"}
	return name.String()
}

// connector opens connections with checked settings.
type connector struct {
	driver.Connector
	settings []setting
}

func newConnector(file string, settings []setting) (*connector, error) {
	base, err := sqlite.NewConnector(dataSource(file))
	if err != nil {
		return nil, fmt.Errorf("sqlite: connector: %w", err)
	}
	return &connector{Connector: base, settings: settings}, nil
}

// Connect opens a connection, applies its settings and reads each one back.
func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, fmt.Errorf("sqlite: open: %w", err)
	}
	for _, s := range c.settings {
		if err := s.apply(ctx, conn); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
	}
	return conn, nil
}

func (s setting) apply(ctx context.Context, conn driver.Conn) error {
	if _, err := pragma(ctx, conn, s.name+"="+s.value); err != nil {
		return fmt.Errorf("sqlite: set %s to %s: %w", s.name, s.value, err)
	}
	got, err := pragma(ctx, conn, s.name)
	if err != nil {
		return fmt.Errorf("sqlite: read %s back: %w", s.name, err)
	}
	if got != s.want {
		return fmt.Errorf("sqlite: %s is %q after it was set to %s, it must be %q", s.name, got, s.value, s.want)
	}
	return nil
}

// pragma runs one pragma and returns its first value, "" if it has none.
func pragma(ctx context.Context, conn driver.Conn, text string) (string, error) {
	queryer, ok := conn.(driver.QueryerContext)
	if !ok {
		return "", errors.New("the driver's connection takes no queries")
	}
	rows, err := queryer.QueryContext(ctx, "PRAGMA "+text, nil)
	if err != nil {
		return "", err
	}
	defer func() { _ = rows.Close() }() // everything it had to say has been read
	if len(rows.Columns()) == 0 {
		return "", nil
	}
	value := make([]driver.Value, len(rows.Columns()))
	if err := rows.Next(value); errors.Is(err, io.EOF) {
		return "", nil
	} else if err != nil {
		return "", err
	}
	first := fmt.Sprint(value[0])
	for err == nil { // a pragma that writes commits after its last row, and that may fail
		err = rows.Next(value)
	}
	if !errors.Is(err, io.EOF) {
		return "", err
	}
	return first, nil
}
