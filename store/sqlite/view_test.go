package sqlite

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"switchyard/payments"
	"switchyard/store/storetest"
)

// A view reads beside the writer that holds the lock, sees what is committed while it is open, and goes on without it.
func TestViewReadsBesideTheWriter(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := Open(t.Context(), Options{Path: dir})
	if err != nil {
		t.Fatal(err)
	}
	first := storetest.Sample(project, "a")
	mustApply(t, s, first)
	v, err := OpenView(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	second := storetest.Sample(project, "b")
	mustApply(t, s, second)
	for _, c := range []payments.Change{first, second} {
		want, err := s.Payment(t.Context(), project, c.Invoices[0].ID)
		if err != nil {
			t.Fatal(err)
		}
		got, err := v.Payment(t.Context(), project, c.Invoices[0].ID)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("the view reads something else (-store +view):\n%s", diff)
		}
	}
	if _, err := v.store.reader.db.ExecContext(t.Context(), "DELETE FROM attempts"); err == nil {
		t.Error("a view can write")
	}
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	alone, err := OpenView(t.Context(), filepath.Join(dir, DatabaseName))
	if err != nil {
		t.Fatalf("without a writer: %v", err)
	}
	if _, err := alone.Payment(t.Context(), project, first.Invoices[0].ID); err != nil {
		t.Error(err)
	}
	if err := alone.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := Open(t.Context(), Options{Path: dir})
	if err != nil {
		t.Fatalf("after a view: %v", err)
	}
	storetest.CheckSample(t, again, first)
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestViewRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := OpenView(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "no database") {
		t.Errorf("a missing file: %v", err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 0 {
		t.Errorf("a refused view has made %v", entries)
	}
	s := openStore(t, Options{Path: dir})
	if _, err := s.writer.conn.ExecContext(t.Context(), "DELETE FROM schema_migrations WHERE version = (SELECT MAX(version) FROM schema_migrations)"); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenView(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "schema") {
		t.Errorf("another schema: %v", err)
	}
}
