package sqlite

import (
	"context"
	"fmt"
	"log/slog"
	"testing"

	"go.uber.org/goleak"

	"switchyard/payments"
	"switchyard/store/storetest"
)

const project = "test-proj_sqlite"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestSuite(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) storetest.Store { return openStore(t, Options{Path: t.TempDir()}) })
}

// openStore opens a store that is closed when the test ends, if it has not been before.
func openStore(t testing.TB, o Options) *Store {
	t.Helper()
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() { closeStore(t, s) })
	return s
}

func closeStore(t testing.TB, s *Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}

// openIdle opens a store whose writer does not run yet, so that a test can play the writer, or fill its queue.
func openIdle(t testing.TB) *writer {
	t.Helper()
	file, lock, err := prepareFile(t.TempDir())
	if err != nil {
		t.Fatalf("prepareFile: %v", err)
	}
	w, err := openWriter(t.Context(), file, slog.New(slog.DiscardHandler), writerSettings(defaultWriterCacheKiB), migrationFiles)
	if err != nil {
		t.Fatalf("openWriter: %v", err)
	}
	t.Cleanup(func() {
		if err := (&Store{lock: lock, writer: w}).release(); err != nil {
			t.Errorf("release: %v", err)
		}
	})
	return w
}

func customer(id string, version int64) payments.Change {
	return payments.Change{Customers: []payments.Customer{{ProjectID: project, ID: id, Version: version}}}
}

// queued puts a change into the queue as Apply does.
func queued(t testing.TB, w *writer, c payments.Change) *request {
	t.Helper()
	operations, err := encode(c)
	if err != nil {
		t.Fatalf("encode: %v", err)
	}
	r := &request{
		run:   func(w *writer) (bool, error) { return true, w.apply(operations) },
		reply: make(chan error, 1),
	}
	w.queue <- r
	return r
}

func mustApply(t testing.TB, s *Store, c payments.Change) {
	t.Helper()
	if err := s.Apply(t.Context(), c); err != nil {
		t.Fatalf("Apply: %v", err)
	}
}

func hasCustomer(ctx context.Context, s *Store, id string) bool {
	_, err := s.Customer(ctx, project, id)
	return err == nil
}

func names(n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprint("cust_", i)
	}
	return list
}
