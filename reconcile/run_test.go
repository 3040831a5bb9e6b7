package reconcile

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"switchyard/adapters"
	"switchyard/payments"
)

// memory is a store that holds what a test puts into it.
type memory struct {
	payments []*payments.Payment
	alone    []payments.Attempt // verifications of tokens
	entries  map[string][]payments.Entry
}

func (m *memory) all() []payments.Attempt {
	list := slices.Clone(m.alone)
	for _, p := range m.payments {
		list = append(list, p.Attempts...)
	}
	slices.SortFunc(list, func(a, b payments.Attempt) int {
		if c := a.SentAt.Compare(b.SentAt); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return list
}

func (m *memory) AttemptsSent(_ context.Context, gatewayID string, since time.Time, after string, until time.Time, limit int) ([]payments.Attempt, error) {
	var list []payments.Attempt
	for _, a := range m.all() {
		begun := a.SentAt.After(since) || a.SentAt.Equal(since) && a.ID > after
		if a.GatewayConfigurationID == gatewayID && begun && a.SentAt.Before(until) && len(list) < limit {
			list = append(list, a)
		}
	}
	return list, nil
}

func (m *memory) AttemptsNamed(_ context.Context, gatewayID, reference, session string) ([]payments.Attempt, error) {
	var list []payments.Attempt
	for _, a := range m.all() {
		if a.GatewayConfigurationID == gatewayID && (reference != "" && a.Reference == reference || session != "" && a.Refs.Session == session) {
			list = append(list, a)
		}
	}
	return list, nil
}

func (m *memory) Payment(_ context.Context, _, invoiceID string) (*payments.Payment, error) {
	for _, p := range m.payments {
		if p.Invoice.ID == invoiceID {
			return p, nil
		}
	}
	return nil, payments.ErrNotFound
}

func (m *memory) Entries(_ context.Context, _, subjectID string) ([]payments.Entry, error) {
	return m.entries[subjectID], nil
}

// put stores a charge with its steps as a payment.
func (m *memory) put(c Charge) {
	a := c.Attempt
	p := &payments.Payment{
		Invoice:     payments.Invoice{ID: a.InvoiceID},
		Transaction: payments.Transaction{ID: a.TransactionID, Totals: c.Totals, CapturedAt: c.CapturedAt},
		Attempts:    append([]payments.Attempt{a}, c.Steps...),
	}
	if a.State == payments.AttemptApproved {
		p.Transaction.ChargeAttemptID = a.ID
	}
	for i := range p.Attempts {
		s := &p.Attempts[i]
		s.GatewayConfigurationID, s.InvoiceID, s.ProjectID, s.TransactionID = a.GatewayConfigurationID, a.InvoiceID, a.ProjectID, a.TransactionID
		if s.SentAt.IsZero() {
			s.SentAt = s.EndedAt
		}
	}
	m.payments = append(m.payments, p)
}

// plain is an adapter that answers questions and has no list.
type plain struct {
	adapters.Adapter
	findings map[string]payments.Finding // by reference
	faults   map[string][]error          // given first
	asked    []string
}

func (p *plain) Lookup(_ context.Context, r payments.LookupRequest) (payments.Finding, error) {
	p.asked = append(p.asked, string(r.Operation)+" "+r.Reference)
	if list := p.faults[r.Reference]; len(list) > 0 {
		p.faults[r.Reference] = list[1:]
		return payments.Finding{}, list[0]
	}
	if f, ok := p.findings[r.Reference]; ok {
		return f, nil
	}
	return payments.Finding{Kind: payments.NotFound}, nil
}

// lister is one with a list, of a row for each page.
type lister struct {
	plain
	rows  []payments.Listed
	fault error
}

func (l *lister) ListCharges(_ context.Context, q payments.ListQuery) (payments.ListedPage, error) {
	if l.fault != nil {
		return payments.ListedPage{}, l.fault
	}
	at := 0
	if q.Cursor != "" {
		at, _ = strconv.Atoi(q.Cursor)
	}
	if at >= len(l.rows) {
		return payments.ListedPage{}, nil
	}
	page := payments.ListedPage{Rows: l.rows[at : at+1]}
	if at+1 < len(l.rows) {
		page.Next = strconv.Itoa(at + 1)
	}
	return page, nil
}

func run(t *testing.T, m *memory, a adapters.Adapter, change ...func(*Options)) *Report {
	t.Helper()
	o := Options{
		Store: m, Gateways: []Gateway{{ID: "gway_conf_1", PSP: "psp", Adapter: a, Timeout: time.Second}}, Since: since, Until: until,
		Now: func() time.Time { return asOf }, Wait: func(context.Context, time.Duration) error { return nil },
	}
	for _, f := range change {
		f(&o)
	}
	report, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func classes(r *Report) []Class {
	var list []Class
	for _, d := range r.Differences() {
		list = append(list, d.Class)
	}
	return list
}

var approved = payments.Finding{Kind: payments.FoundOutcome, Outcome: payments.Outcome{Status: payments.Approved}}

func held(c *Charge) { c.Attempt.Operation = payments.OpAuthorize }

func TestRunWithList(t *testing.T) {
	t.Parallel()
	m := &memory{}
	m.put(paid("1", 1000))
	m.put(made("2", payments.Totals{Authorized: 2000}, held)) // not in the list, which has no holds
	m.put(paid("3", 3000, func(c *Charge) {
		c.Attempt.SentAt, c.Attempt.EndedAt, c.ChangedAt = since.Add(-time.Hour), since.Add(-time.Hour), since.Add(-time.Hour)
	})) // older; taken within the window
	m.put(paid("4", 4000)) // gone
	m.put(paid("5", 5000, func(c *Charge) { c.Attempt.SentAt = until }))
	l := &lister{plain: plain{findings: map[string]payments.Finding{"ref2": approved}}, rows: []payments.Listed{
		shown("1", "captured", 1000).Listed, shown("x", "captured", 3000, byReference("ref3")).Listed, shown("9", "captured", 900).Listed,
	}}
	r := run(t, m, l)
	if diff := cmp.Diff([]Class{MissingHere, MissingThere}, classes(r)); diff != "" {
		t.Errorf("classes (-want +got):\n%s", diff)
	}
	c := r.Gateways[0]
	if c.Source != FromList || c.Compared != 4 || c.LookedUp != 2 || c.Pending != 0 || !r.Whole() {
		t.Errorf("%+v", c)
	}
	if diff := cmp.Diff([]string{"authorize ref2", "sale ref4"}, l.asked); diff != "" {
		t.Errorf("questions (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]Totals{{php, Sums{Held: 2000, Captured: 8000}, Sums{Held: 2000, Captured: 4900}}}, c.Totals); diff != "" {
		t.Errorf("totals (-want +got):\n%s", diff)
	}
}

func TestRunWithLookups(t *testing.T) {
	t.Parallel()
	totals := func(t payments.Totals) payments.Finding {
		return payments.Finding{Kind: payments.FoundTotals, Totals: t}
	}
	withSteps := func(steps ...payments.Attempt) func(*Charge) {
		return func(c *Charge) { c.Steps = steps }
	}
	step := func(o payments.Operation, minor int64) payments.Attempt {
		return payments.Attempt{
			ID: "tr_op_" + string(o), Operation: o, State: payments.AttemptApproved, Reference: string(o), Amount: payments.Money{Minor: minor, Currency: php}, EndedAt: noon,
		}
	}
	taken := withSteps(step("capture", 600), step("refund", 100))
	partly := payments.Totals{Authorized: 1000, Captured: 600, Refunded: 100, Voided: 400}
	for _, tt := range []struct {
		name      string
		charge    Charge
		findings  map[string]payments.Finding
		want      []Class
		compared  int
		pending   int
		unchecked int
	}{
		{"a sale", paid("1", 1000), map[string]payments.Finding{"ref1": approved}, nil, 1, 0, 0},
		{"a sale of another amount", paid("1", 1000), map[string]payments.Finding{"ref1": {Kind: payments.FoundOutcome, Outcome: payments.Outcome{Status: payments.Approved, Amount: payments.Money{Minor: 900, Currency: php}}}}, []Class{Amount}, 1, 0, 0},
		{"a sale that is gone", paid("1", 1000), nil, []Class{MissingThere}, 1, 0, 0},
		{"a sale that was cancelled", paid("1", 1000), map[string]payments.Finding{"ref1": {Kind: payments.FoundOutcome, Outcome: payments.Outcome{Status: payments.Declined}}}, []Class{Status}, 1, 0, 0},
		{"a sale that has not ended", paid("1", 1000), map[string]payments.Finding{"ref1": {Kind: payments.Processing}}, nil, 0, 1, 0},
		{"steps by their outcomes", made("1", partly, held, taken), map[string]payments.Finding{"ref1": approved, "capture": approved, "refund": approved}, nil, 1, 0, 0},
		{"steps by the totals", made("1", partly, held, taken), map[string]payments.Finding{"ref1": totals(partly), "capture": totals(partly), "refund": totals(partly)}, nil, 1, 0, 0},
		{"a capture that the PSP does not have", made("1", partly, held, taken), map[string]payments.Finding{"ref1": approved, "refund": approved}, []Class{Status}, 1, 0, 0},
		{"a refund that the PSP does not have", made("1", partly, held, taken), map[string]payments.Finding{"ref1": approved, "capture": approved}, []Class{Amount}, 1, 0, 0},
		{"a void", made("1", payments.Totals{Authorized: 1000, Voided: 1000}, held, withSteps(step("void", 1000))), map[string]payments.Finding{"ref1": approved, "void": approved}, nil, 1, 0, 0},
		{"a void that the PSP does not have", made("1", payments.Totals{Authorized: 1000, Voided: 1000}, held, withSteps(step("void", 1000))), map[string]payments.Finding{"ref1": approved}, []Class{Status}, 1, 0, 0},
		{"an increment", made("1", payments.Totals{Authorized: 1500}, held, func(c *Charge) { c.Attempt.Amount.Minor = 1000 }, withSteps(step("increment", 500))), map[string]payments.Finding{"ref1": approved, "increment": approved}, nil, 1, 0, 0},
		{"a decline is not asked about", paid("1", 1000, ended("declined")), map[string]payments.Finding{"ref1": approved}, nil, 0, 0, 0},
		{"a step that is open", made("1", partly, held, func(c *Charge) {
			s := step("capture", 1)
			s.State = payments.AttemptUnknown
			c.Steps = append(c.Steps, s)
		}), nil, nil, 0, 1, 0},
	} {
		m := &memory{}
		m.put(tt.charge)
		r := run(t, m, &plain{findings: tt.findings})
		c := r.Gateways[0]
		if diff := cmp.Diff(tt.want, classes(r)); diff != "" {
			t.Errorf("%s: classes (-want +got):\n%s", tt.name, diff)
		}
		if c.Source != FromLookups || c.Compared != tt.compared || c.Pending != tt.pending || c.Unchecked != tt.unchecked {
			t.Errorf("%s: %+v", tt.name, c)
		}
	}
}

// A question is put again when there was no answer, but not for ever, and not when the PSP has understood it.
func TestRunAsksAgain(t *testing.T) {
	t.Parallel()
	m := &memory{}
	for _, id := range []string{"1", "2", "3", "4"} {
		m.put(paid(id, 1000))
	}
	unknown, throttled := payments.Faultf(payments.Unknown, "cut"), &payments.Fault{Kind: payments.Throttled, RetryAfter: 7 * time.Second}
	p := &plain{
		findings: map[string]payments.Finding{"ref1": approved, "ref2": approved, "ref3": approved, "ref4": approved},
		faults: map[string][]error{
			"ref1": {unknown, throttled}, "ref2": {unknown, unknown, unknown, unknown}, "ref3": {payments.Faultf(payments.Misconfigured, "no")}, "ref4": {errors.New("what")},
		},
	}
	var waits []time.Duration
	r := run(t, m, p, func(o *Options) {
		o.Wait = func(_ context.Context, d time.Duration) error { waits = append(waits, d); return nil }
	})
	c := r.Gateways[0]
	if c.Compared != 2 || c.Unchecked != 2 || r.Whole() || len(c.Differences) != 0 {
		t.Errorf("%+v", c)
	}
	if !slices.Contains(waits, 7*time.Second) || len(waits) != 2+3+1 {
		t.Errorf("waited %v", waits)
	}
}

// What cannot be listed is not compared: that nothing is shown proves nothing then.
func TestRunWithoutItsList(t *testing.T) {
	t.Parallel()
	m := &memory{}
	m.put(paid("1", 1000))
	r := run(t, m, &lister{fault: payments.Faultf(payments.Misconfigured, "the key is refused")})
	c := r.Gateways[0]
	if c.Failure == "" || len(c.Differences) != 0 || c.Compared != 0 || r.Whole() {
		t.Errorf("%+v", c)
	}
}

func TestRunStops(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	m := &memory{}
	m.put(paid("1", 1000))
	for _, a := range []adapters.Adapter{&plain{faults: map[string][]error{"ref1": {ctx.Err()}}}, &lister{fault: ctx.Err()}} {
		o := Options{Store: m, Gateways: []Gateway{{ID: "gway_conf_1", PSP: "psp", Adapter: a, Timeout: time.Second}}, Since: since, Until: until, Now: func() time.Time { return asOf }}
		if r, err := Run(ctx, o); !errors.Is(err, context.Canceled) || r != nil {
			t.Errorf("%T: %v %v", a, r, err)
		}
	}
}

// A list that never moves on ends, and so does one without an end.
type stuck struct{ plain }

func (stuck) ListCharges(context.Context, payments.ListQuery) (payments.ListedPage, error) {
	return payments.ListedPage{Next: "again"}, nil
}

func TestRunWithAListThatStandsStill(t *testing.T) {
	t.Parallel()
	if c := run(t, &memory{}, &stuck{}).Gateways[0]; !strings.Contains(c.Failure, "does not go on") {
		t.Errorf("%+v", c)
	}
}

func TestRunWithVerifications(t *testing.T) {
	t.Parallel()
	verification := func(id string) payments.Attempt {
		c := made(id, payments.Totals{Authorized: 100})
		a := c.Attempt
		a.InvoiceID, a.TransactionID, a.TokenID, a.Operation = "", "", "tok_"+id, payments.OpVerify
		return a
	}
	entry := func(kind payments.EntryKind) payments.Entry {
		return payments.Entry{Kind: kind, Amount: payments.Money{Minor: 100, Currency: php}, At: noon}
	}
	m := &memory{
		alone: []payments.Attempt{verification("1"), verification("2"), verification("3")},
		entries: map[string][]payments.Entry{
			"tr_op_1": {entry(payments.EntryAuthorized), entry(payments.EntryVoided)},
			"tr_op_2": {entry(payments.EntryAuthorized), entry(payments.EntryVoided)},
			"tr_op_3": {entry(payments.EntryAuthorized)},
		},
	}
	r := run(t, m, &lister{rows: []payments.Listed{shown("1", "voided", 100).Listed, shown("2", "authorized", 100).Listed, shown("3", "authorized", 100).Listed}})
	if c := r.Gateways[0]; c.Compared != 2 || c.Pending != 1 || len(c.Differences) != 1 || c.Differences[0].Class != Status || c.Differences[0].AttemptID != "tr_op_2" {
		t.Errorf("%+v", c)
	}
}

func TestRunWithSettlement(t *testing.T) {
	t.Parallel()
	m := &memory{}
	m.put(paid("1", 1000))
	m.put(paid("2", 2000, func(c *Charge) { // from before the window, in this file
		c.Attempt.SentAt, c.Attempt.EndedAt, c.CapturedAt = since.Add(-72*time.Hour), since.Add(-72*time.Hour), since.Add(-72*time.Hour)
	}))
	m.put(paid("3", 3000))
	file := header + "ref1,,charge,10,PHP,0.50,2026-03-31T13:00:00Z\n,pay2,charge,20.00,PHP,,2026-03-31T13:00:00Z\nelse,,charge,9,PHP,,2026-03-31T13:00:00Z\n"
	s, err := ReadSettlement(strings.NewReader(file), nil)
	if err != nil {
		t.Fatal(err)
	}
	l := &lister{fault: errors.New("is not asked")}
	r := run(t, m, l, func(o *Options) { o.Settlement = s })
	c := r.Gateways[0]
	if diff := cmp.Diff([]Class{MissingThere, MissingHere}, classes(r)); diff != "" {
		t.Errorf("classes (-want +got):\n%s", diff)
	}
	if c.Source != FromSettlement || c.Compared != 3 || len(l.asked) != 0 || !r.Whole() || len(c.Fees) != 1 || c.Fees[0] != (Fee{php, 50}) {
		t.Errorf("%+v", c)
	}
}

func TestReports(t *testing.T) {
	t.Parallel()
	m := &memory{}
	m.put(paid("1", 1000))
	m.put(paid("2", 2000))
	evil := shown("9", "captured", 900, func(r *Row) { r.Reference = "=HYPERLINK(\x1b[2J)" })
	r := run(t, m, &lister{rows: []payments.Listed{shown("1", "captured", 700).Listed, evil.Listed}})
	var table, lines, text bytes.Buffer
	for _, err := range []error{WriteTable(&table, r), WriteCSV(&lines, r), WriteJSON(&text, r)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{
		"gway_conf_1 (psp)", "amount  charge tr_op_1", "captured, taken 10 PHP", "captured, taken 7 PHP", "missing-there  charge tr_op_2", "missing-here", "3 differences",
		"PHP  here   held 0  taken 30  given back 0", "PHP  there  held 0  taken 16  given back 0",
	} {
		if !strings.Contains(table.String(), want) {
			t.Errorf("the table does not say %q:\n%s", want, table.String())
		}
	}
	if strings.Contains(table.String(), "\x1b") {
		t.Error("the table passes on what drives a terminal")
	}
	records, err := csv.NewReader(&lines).ReadAll()
	if err != nil || len(records) != 4 || strings.HasPrefix(records[1][8]+records[2][8]+records[3][8], "=") {
		t.Errorf("%v %q", err, records)
	}
	for _, record := range records[1:] {
		if strings.HasPrefix(record[8], "=") {
			t.Error("the CSV passes on a formula")
		}
	}
	var again Report
	if err := json.Unmarshal(text.Bytes(), &again); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r, &again); diff != "" {
		t.Errorf("the JSON does not hold the report:\n%s", diff)
	}
	var none bytes.Buffer
	if err := WriteTable(&none, run(t, &memory{}, &lister{})); err != nil || !strings.Contains(none.String(), "No differences") {
		t.Errorf("%v\n%s", err, none.String())
	}
}
