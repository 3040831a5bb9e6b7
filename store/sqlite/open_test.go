package sqlite

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"switchyard/store/storetest"
)

func TestReopen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := storetest.Sample(project, "first")
	s := openStore(t, Options{Path: dir})
	mustApply(t, s, first)
	closeStore(t, s)
	s = openStore(t, Options{Path: dir, MaxReaders: 1})
	storetest.CheckSample(t, s, first)
	second := storetest.Sample(project, "second")
	mustApply(t, s, second)
	closeStore(t, s)
	s = openStore(t, Options{Path: filepath.Join(dir, DatabaseName)})
	storetest.CheckSample(t, s, first)
	storetest.CheckSample(t, s, second)
}

// What a payment rests on is read back: a setting that did not take is an error, not a slower disaster.
func TestSettingsAreAsserted(t *testing.T) {
	t.Parallel()
	spoilt := map[string]string{
		"synchronous":  "NORMAL",
		"journal_mode": "DELETE",
		"cache_size":   "-1",
	}
	for name, value := range spoilt {
		settings := writerSettings(defaultWriterCacheKiB)
		for i := range settings {
			if settings[i].name == name {
				settings[i].value = value
			}
		}
		s, err := open(t.Context(), Options{Path: t.TempDir()}.withDefaults(), settings, migrationFiles)
		if err == nil {
			t.Errorf("%s=%s: opened", name, value)
			closeStore(t, s)
		} else if !strings.Contains(err.Error(), name) {
			t.Errorf("%s=%s: %v, want it named", name, value, err)
		}
	}
	s := openStore(t, Options{Path: t.TempDir()})
	if got, want := s.Durability(), "journal_mode=wal synchronous=full"; got != want {
		t.Errorf("Durability() = %q, want %q", got, want)
	}
}

// A sandbox may ask for less, and gets just that.
func TestRelaxedDurabilityIsSaid(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{Path: t.TempDir(), Relaxed: true})
	if got, want := s.Durability(), "journal_mode=wal synchronous=normal"; got != want {
		t.Errorf("Durability() = %q, want %q", got, want)
	}
}

// Readers cannot write, whatever is asked of them.
func TestReadersCannotWrite(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{Path: t.TempDir()})
	if _, err := s.reader.db.ExecContext(t.Context(), "DELETE FROM customers"); err == nil {
		t.Error("a reader deleted")
	}
}

func TestOneStoreForOneDatabase(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openStore(t, Options{Path: dir})
	for _, path := range []string{dir, filepath.Join(dir, DatabaseName)} {
		if _, err := Open(t.Context(), Options{Path: path}); !errors.Is(err, ErrInUse) {
			t.Errorf("second Open of %s: %v, want %v", path, err, ErrInUse)
		}
	}
	mustApply(t, s, customer("a", 1)) // the first is not disturbed
	closeStore(t, s)
	openStore(t, Options{Path: dir})
}

func TestPaths(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"new/data":            "new/data/" + DatabaseName,
		"payments.db":         "payments.db",
		"deep/er/payments.db": "deep/er/payments.db",
		"odd ?#%41&mode=ro'é": "odd ?#%41&mode=ro'é/" + DatabaseName,
		"directory.db":        "directory.db/" + DatabaseName,
	} {
		dir := t.TempDir()
		if err := os.Mkdir(filepath.Join(dir, "directory.db"), 0o700); err != nil {
			t.Fatal(err)
		}
		s := openStore(t, Options{Path: filepath.Join(dir, path)})
		mustApply(t, s, customer("a", 1))
		for _, suffix := range []string{"", "-wal", ".lock"} {
			info, err := os.Stat(filepath.Join(dir, want) + suffix)
			if err != nil {
				t.Errorf("%s: %v", path, err)
			} else if info.Mode().Perm() != 0o600 {
				t.Errorf("%s: %s has mode %v, want it private", path, info.Name(), info.Mode())
			}
		}
	}
	if _, err := Open(t.Context(), Options{}); err == nil {
		t.Error("opened without a path")
	}
	if _, err := Open(t.Context(), Options{Path: "open_test.go/below/a/file"}); err == nil {
		t.Error("opened below a file")
	}
}

func TestForeignFileIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "text.db")
	text := []byte(strings.Repeat("this is no database\n", 1000))
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), Options{Path: path}); err == nil {
		t.Error("opened a text")
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, text) {
		t.Errorf("the text has changed (%v)", err)
	}
}

func TestMigrations(t *testing.T) {
	t.Parallel()
	names, err := fs.Glob(migrationFiles, "migrations/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	// with returns the program's own migrations and more.
	with := func(more map[string]string) fstest.MapFS {
		files := fstest.MapFS{}
		for _, name := range names {
			text, err := fs.ReadFile(migrationFiles, name)
			if err != nil {
				t.Fatal(err)
			}
			files[name] = &fstest.MapFile{Data: text}
		}
		for name, text := range more {
			files["migrations/"+name] = &fstest.MapFile{Data: []byte(text)}
		}
		return files
	}
	next := fmt.Sprintf("%04d_more.sql", len(names)+1)
	ours := with(nil)
	newer := with(map[string]string{next: "CREATE TABLE more (id TEXT);"})
	broken := with(map[string]string{next: "CREATE TABLE half (id TEXT); CREATE TABLE half (id TEXT);"})
	edited := with(map[string]string{"0001_start.sql": string(ours["migrations/0001_start.sql"].Data) + "\n"})
	gap := with(map[string]string{fmt.Sprintf("%04d_more.sql", len(names)+2): ""})

	dir := t.TempDir()
	attempt := func(files fs.FS) error {
		o := Options{Path: dir}.withDefaults()
		s, err := open(t.Context(), o, writerSettings(o.WriterCacheKiB), files)
		if err != nil {
			return err
		}
		_, hasHalf := s.reader.db.ExecContext(t.Context(), "SELECT * FROM half")
		if hasHalf == nil {
			t.Error("a failed migration left a table")
		}
		return s.Close()
	}
	for _, step := range []struct {
		name  string
		files fs.FS
		want  string // "" is success
	}{
		{"first", ours, ""},
		{"again", ours, ""},
		{"a gap in the numbers", gap, fmt.Sprintf("should have number %d", len(names)+1)},
		{"a broken migration", broken, next},
		{"after the broken one", ours, ""},
		{"an edited migration", edited, "not the one that this database was made with"},
		{"a newer program", newer, ""},
		{"the older program again", ours, "written by a newer version"},
	} {
		err := attempt(step.files)
		if step.want == "" && err != nil || step.want != "" && (err == nil || !strings.Contains(err.Error(), step.want)) {
			t.Errorf("%s: %v, want %q", step.name, err, step.want)
		}
	}
}

func TestClose(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openStore(t, Options{Path: dir})
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("Ping: %v", err)
	}
	closeStore(t, s)
	closeStore(t, s)
	if _, err := os.Stat(filepath.Join(dir, DatabaseName+"-wal")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the log after Close: %v, want it folded into the database", err)
	}
	if err := s.Ping(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("Ping after Close: %v, want %v", err, ErrClosed)
	}
	for range 50 { // the queue has room, so that either way out of submit is taken at times
		if err := s.Apply(t.Context(), customer("a", 1)); !errors.Is(err, ErrClosed) {
			t.Fatalf("Apply after Close: %v, want %v", err, ErrClosed)
		}
	}
	if _, err := s.Customer(t.Context(), project, "a"); err == nil {
		t.Error("read after Close")
	}
}

// A forgotten card number is overwritten, not only unlinked: after Close no file has a byte of it.
func TestForgottenNumbersAreGone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openStore(t, Options{Path: dir})
	c := storetest.Sample(project, "a")
	secret := bytes.Repeat([]byte("sealed number "), 1000) // large enough for pages of its own
	c.SealedCards[0].Sealed, c.SealedCards[0].Wrapped = secret, secret
	mustApply(t, s, c)
	closeStore(t, s)
	if !found(t, dir, secret[:100]) {
		t.Fatal("the sealed card is in no file: this test proves nothing")
	}
	s = openStore(t, Options{Path: dir})
	forget := storetest.Sample(project, "a").Cards[0]
	mustApply(t, s, forgetSealed(forget.ID))
	closeStore(t, s)
	if found(t, dir, secret[:100]) {
		t.Error("the sealed card is still in a file")
	}
}

func found(t *testing.T, dir string, what []byte) bool {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		data, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(data, what) {
			return true
		}
	}
	return false
}
