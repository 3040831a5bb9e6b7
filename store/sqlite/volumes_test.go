package sqlite

import (
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"switchyard/payments"
)

// TestVolumesOfOldEntries: the migration counts the entries that there are as Apply counts new ones.
func TestVolumesOfOldEntries(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{Path: t.TempDir()})
	noon := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	var c payments.Change
	for i, kind := range []payments.EntryKind{payments.EntryAuthorized, payments.EntryCaptured, payments.EntryRefunded, payments.EntryCaptured, payments.EntryCaptured} {
		for _, gateway := range []string{"alpha", "bravo"} {
			c.Entries = append(c.Entries, payments.Entry{
				ProjectID: project, TransactionID: "tr_a", GatewayConfigurationID: gateway, Kind: kind,
				Amount: payments.Money{Minor: int64(10 + i), Currency: "EUR"}, At: noon.Add(time.Duration(i) * 4 * time.Hour),
			})
		}
	}
	mustApply(t, s, c)
	counted, err := s.Volumes(t.Context(), time.Unix(0, 0))
	if err != nil || len(counted) != 4 { // two days at each
		t.Fatalf("%+v, %v", counted, err)
	}
	names, err := fs.Glob(migrationFiles, "migrations/*_volumes.sql")
	if err != nil || len(names) != 1 {
		t.Fatal(names, err)
	}
	text, err := fs.ReadFile(migrationFiles, names[0])
	if err != nil {
		t.Fatal(err)
	}
	_, fill, _ := strings.Cut(string(text), "STRICT, WITHOUT ROWID;")
	for _, statement := range []string{"DELETE FROM volumes", fill} {
		if _, err := s.writer.conn.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	filled, err := s.Volumes(t.Context(), time.Unix(0, 0))
	if diff := cmp.Diff(counted, filled); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}
