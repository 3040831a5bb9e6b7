package sqlite

import (
	"regexp"
	"strings"
	"testing"

	"switchyard/payments"
	"switchyard/store/storetest"
)

// History cannot be rewritten, not even by a statement that this program does not have.
func TestHistoryIsAppendOnly(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{Path: t.TempDir()})
	c := storetest.Sample(project, "a")
	c.PolicyVersions, c.RoutingEvents = []payments.PolicyVersion{{Hash: "ab12"}}, []payments.RoutingEvent{{Seq: 1}}
	mustApply(t, s, c)
	for _, statement := range []string{
		"UPDATE transitions SET to_state = 'paid'",
		"DELETE FROM transitions",
		"UPDATE entries SET amount = amount + 1",
		"DELETE FROM entries",
		"UPDATE policy_versions SET doc = '{}'",
		"DELETE FROM policy_versions",
		"UPDATE routing_history SET doc = '{}'",
		"DELETE FROM routing_history",
	} {
		if _, err := s.writer.conn.ExecContext(t.Context(), statement); err == nil || !strings.Contains(err.Error(), "append-only") {
			t.Errorf("%s: %v, want it refused", statement, err)
		}
	}
	storetest.CheckSample(t, s, c)
}

// What a plan must not have: a scan of a whole table, or a sort of what an index has in order.
var (
	scan = regexp.MustCompile(`^SCAN \w+($| USING INDEX)`)
	sort = regexp.MustCompile(`USE TEMP B-TREE`)
)

// No statement of a request reads more rows than it returns or changes.
func TestStatementsUseIndexes(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{Path: t.TempDir()})
	texts := append([]string{}, readSQL[:]...)
	for _, list := range listSQL {
		texts = append(texts, list.down, list.up, list.place)
	}
	for id, text := range writeSQL {
		if id > int(undoSavepoint) {
			texts = append(texts, text)
		}
	}
	parameter := regexp.MustCompile(`\$\d+`)
	for _, text := range texts {
		rows, err := s.writer.conn.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+parameter.ReplaceAllString(text, "1"))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		for rows.Next() {
			var id, parent, unused int
			var detail string
			if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
				t.Fatal(err)
			}
			sorts := sort.MatchString(detail) && text != readSQL[selectPayment] // which sorts only what it returns
			if scan.MatchString(detail) || sorts {
				t.Errorf("%s\n\thas the plan: %s", text, detail)
			}
		}
		if err := rows.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
