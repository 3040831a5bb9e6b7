package reconcile

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"switchyard/payments"
)

var (
	since = time.Date(2026, 3, 31, 10, 0, 0, 0, time.UTC)
	until = since.Add(24 * time.Hour)
	noon  = since.Add(2 * time.Hour)
	asOf  = until.Add(time.Hour)
)

const php = payments.Currency("PHP")

// made is an approved charge of the store with these totals.
func made(id string, t payments.Totals, change ...func(*Charge)) Charge {
	c := Charge{
		Attempt: payments.Attempt{
			ProjectID: "proj_1", ID: "tr_op_" + id, Reference: "ref" + id, TransactionID: "tr_" + id, InvoiceID: "iv_" + id, Operation: payments.OpSale,
			State: payments.AttemptApproved, GatewayConfigurationID: "gway_conf_1", PSP: "psp", Amount: payments.Money{Minor: t.Authorized, Currency: php},
			Refs: payments.ProviderRefs{Session: "ses" + id, Charge: "pay" + id}, SentAt: noon, EndedAt: noon.Add(time.Second),
		},
		Totals: t, ChangedAt: noon.Add(time.Second),
	}
	if t.Captured > 0 {
		c.CapturedAt = noon.Add(time.Second)
	}
	for _, f := range change {
		f(&c)
	}
	return c
}

func paid(id string, minor int64, change ...func(*Charge)) Charge {
	return made(id, payments.Totals{Authorized: minor, Captured: minor}, change...)
}

func ended(state payments.AttemptState) func(*Charge) {
	return func(c *Charge) {
		c.Attempt.State, c.Attempt.Amount.Minor, c.Totals, c.CapturedAt = state, c.Totals.Authorized, payments.Totals{}, time.Time{}
	}
}

func open(c *Charge) { c.Open = true }

// refunded is a charge with a refund of its own attempt, of which the totals know.
func refunded(minor int64, at time.Time) func(*Charge) {
	return func(c *Charge) {
		c.Totals.Refunded += minor
		id := c.Attempt.ID + "r"
		c.Steps = append(c.Steps, payments.Attempt{
			ID: id, Operation: payments.OpRefund, State: payments.AttemptApproved, Reference: "r" + c.Attempt.Reference, EndedAt: at,
			Refs: payments.ProviderRefs{Charge: c.Attempt.Refs.Charge, Operation: "rf" + c.Attempt.Reference}, Amount: payments.Money{Minor: minor, Currency: php},
		})
	}
}

// shown is a row of a list that names the charge with the id.
func shown(id string, status payments.ListedStatus, minor int64, change ...func(*Row)) Row {
	r := Row{Listed: payments.Listed{
		Kind: payments.ListedCharge, Refs: payments.ProviderRefs{Charge: "pay" + id}, Status: status, Amount: payments.Money{Minor: minor, Currency: php},
		CreatedAt: noon,
	}}
	if status == payments.ListedCaptured {
		r.Captured = minor
	}
	for _, f := range change {
		f(&r)
	}
	return r
}

func gaveBack(id, operation string, minor int64, change ...func(*Row)) Row {
	r := Row{Listed: payments.Listed{
		Kind: payments.ListedRefund, Refs: payments.ProviderRefs{Charge: "pay" + id, Operation: operation}, Status: payments.ListedRefunded,
		Amount: payments.Money{Minor: minor, Currency: php}, Captured: payments.NotTold, Refunded: payments.NotTold, CreatedAt: noon,
	}}
	for _, f := range change {
		f(&r)
	}
	return r
}

func untold(r *Row) { r.Captured, r.Refunded = payments.NotTold, payments.NotTold }

func withRefund(minor int64) func(*Row) { return func(r *Row) { r.Refunded = minor } }

func at(t time.Time) func(*Row) { return func(r *Row) { r.CreatedAt = t } }

func byReference(reference string) func(*Row) {
	return func(r *Row) { r.Reference, r.Refs.Session = reference, "" }
}

func TestCompare(t *testing.T) {
	t.Parallel()
	type counts struct{ compared, pending, unchecked, outside int }
	both := func(s Sums) []Totals { return []Totals{{php, s, s}} }
	for _, tt := range []struct {
		name    string
		charges []Charge
		rows    []Row
		change  func(*Input)
		want    []Class
		counts  counts
		totals  []Totals
	}{
		{"nothing", nil, nil, nil, nil, counts{}, []Totals{}},
		{"the same", []Charge{paid("1", 1000)}, []Row{shown("1", "captured", 1000)}, nil, nil, counts{compared: 1}, both(Sums{Captured: 1000})},
		{"the same by our reference", []Charge{paid("1", 1000)}, []Row{shown("x", "captured", 1000, byReference("ref1"))}, nil, nil, counts{compared: 1}, nil},
		{"the same hold", []Charge{made("1", payments.Totals{Authorized: 1000})}, []Row{shown("1", "authorized", 1000)}, nil, nil, counts{compared: 1}, both(Sums{Held: 1000})},
		{"the same void", []Charge{made("1", payments.Totals{Authorized: 1000, Voided: 1000})}, []Row{shown("1", "voided", 1000)}, nil, nil, counts{compared: 1}, nil},
		{"a void of which the PSP shows an end without money", []Charge{made("1", payments.Totals{Authorized: 1000, Voided: 1000})}, []Row{shown("1", "failed", 0)}, nil, nil, counts{compared: 1}, nil},
		{"a void that the PSP does not show", []Charge{made("1", payments.Totals{Authorized: 1000, Voided: 1000})}, nil, nil, nil, counts{compared: 1}, []Totals{}},
		{"a part captured, the rest released", []Charge{made("1", payments.Totals{Authorized: 1000, Captured: 600, Voided: 400})}, []Row{shown("1", "captured", 600)}, nil, nil, counts{compared: 1}, nil},
		{"a refund told by the charge", []Charge{paid("1", 1000, refunded(400, noon))}, []Row{shown("1", "captured", 1000, withRefund(400))}, nil, nil, counts{compared: 1}, both(Sums{Captured: 1000, Refunded: 400})},
		{"a refund that is a row of its own", []Charge{paid("1", 1000, refunded(400, noon))}, []Row{shown("1", "captured", 1000, untold), gaveBack("1", "rfref1", 400)}, nil, nil, counts{compared: 1}, both(Sums{Captured: 1000, Refunded: 400})},
		{"a refund named by our reference", []Charge{paid("1", 1000, refunded(400, noon))}, []Row{shown("1", "captured", 1000, untold), gaveBack("x", "other", 400, byReference("rref1"))}, nil, nil, counts{compared: 1}, nil},
		{"a refund that has not been made yet", []Charge{paid("1", 1000)}, []Row{shown("1", "captured", 1000, untold), gaveBack("1", "rf", 400, func(r *Row) { r.Status = "pending" })}, nil, nil, counts{compared: 1}, nil},
		{"declined tries beside the paid one", []Charge{paid("1", 1000)}, []Row{shown("1", "failed", 1000), shown("1b", "captured", 1000, byReference("ref1")), shown("1c", "failed", 1000, byReference("ref1"))}, nil, nil, counts{compared: 1}, nil},
		{"a row that came twice", []Charge{paid("1", 1000)}, []Row{shown("1", "captured", 1000), shown("1", "captured", 1000)}, nil, nil, counts{compared: 1}, nil},
		{"a decline on both sides", []Charge{paid("1", 1000, ended("declined"))}, []Row{shown("1", "failed", 1000)}, nil, nil, counts{compared: 1}, nil},
		{"a decline that the PSP does not list", []Charge{paid("1", 1000, ended("declined"))}, nil, nil, nil, counts{}, nil},
		{"late, and given back on both sides", []Charge{paid("1", 1000, ended("reversed"))}, []Row{shown("1", "captured", 1000, withRefund(1000))}, nil, nil, counts{compared: 1}, nil},

		{"unknown here", nil, []Row{shown("1", "captured", 1000)}, nil, []Class{MissingHere}, counts{}, []Totals{{php, Sums{}, Sums{Captured: 1000}}}},
		{"a hold unknown here", nil, []Row{shown("1", "authorized", 1000)}, nil, []Class{MissingHere}, counts{}, nil},
		{"unknown here and given back", nil, []Row{shown("1", "captured", 1000, withRefund(1000))}, nil, []Class{MissingHere}, counts{}, nil},
		{"a refund of nothing that is known", nil, []Row{gaveBack("1", "rf", 1000)}, nil, []Class{MissingHere}, counts{}, []Totals{{php, Sums{}, Sums{Refunded: 1000}}}},
		{"unknown here, and no money", nil, []Row{shown("1", "failed", 1000), shown("2", "voided", 1000), shown("3", "pending", 1000)}, nil, nil, counts{}, nil},
		{"unknown here, and from before the window", nil, []Row{shown("1", "captured", 1000, at(since.Add(-1)))}, nil, nil, counts{outside: 1}, nil},
		{"unknown here, and from after the window", nil, []Row{shown("1", "captured", 1000, at(until))}, nil, nil, counts{outside: 1}, nil},

		{"unknown there", []Charge{paid("1", 1000)}, nil, nil, []Class{MissingThere}, counts{compared: 1}, []Totals{{php, Sums{Captured: 1000}, Sums{}}}},
		{"unknown there, for want of an answer", []Charge{paid("1", 1000)}, nil, func(in *Input) { in.Unanswered = map[string]bool{"tr_op_1": true} }, nil, counts{unchecked: 1}, nil},
		{"only another charge there", []Charge{paid("1", 1000)}, []Row{shown("2", "captured", 1000)}, nil, []Class{MissingHere, MissingThere}, counts{compared: 1}, nil},

		{"another amount taken", []Charge{paid("1", 1000)}, []Row{shown("1", "captured", 900)}, nil, []Class{Amount}, counts{compared: 1}, []Totals{{php, Sums{Captured: 1000}, Sums{Captured: 900}}}},
		{"another amount held", []Charge{made("1", payments.Totals{Authorized: 1000})}, []Row{shown("1", "authorized", 1100)}, nil, []Class{Amount}, counts{compared: 1}, nil},
		{"a part given back there", []Charge{paid("1", 1000)}, []Row{shown("1", "captured", 1000, withRefund(300))}, nil, []Class{Amount}, counts{compared: 1}, nil},
		{"a part given back there by a row of its own", []Charge{paid("1", 1000, refunded(400, noon))}, []Row{shown("1", "captured", 1000, untold), gaveBack("1", "rfref1", 400), gaveBack("1", "other", 100)}, nil, []Class{Amount}, counts{compared: 1}, nil},
		{"asked for one by one, with a refund that is not known here", []Charge{paid("1", 1000, refunded(400, noon))}, []Row{shown("1", "captured", 1000, withRefund(400)), gaveBack("1", "rfref1", 400), gaveBack("1", "other", 100)}, nil, []Class{Amount}, counts{compared: 1}, nil},
		{"a refund that the PSP does not have", []Charge{paid("1", 1000, refunded(400, noon))}, []Row{shown("1", "captured", 1000)}, nil, []Class{Amount}, counts{compared: 1}, nil},

		{"given back there", []Charge{paid("1", 1000)}, []Row{shown("1", "captured", 1000, withRefund(1000))}, nil, []Class{Status}, counts{compared: 1}, nil},
		{"captured there", []Charge{made("1", payments.Totals{Authorized: 1000})}, []Row{shown("1", "captured", 1000)}, nil, []Class{Status}, counts{compared: 1}, nil},
		{"lapsed there", []Charge{made("1", payments.Totals{Authorized: 1000})}, []Row{shown("1", "voided", 1000)}, nil, []Class{Status}, counts{compared: 1}, nil},
		{"still held there", []Charge{made("1", payments.Totals{Authorized: 1000, Voided: 1000})}, []Row{shown("1", "authorized", 1000)}, nil, []Class{Status}, counts{compared: 1}, nil},
		{"failed there", []Charge{paid("1", 1000)}, []Row{shown("1", "failed", 1000)}, nil, []Class{Status}, counts{compared: 1}, nil},
		{"given back here, kept there", []Charge{paid("1", 1000, ended("reversed"))}, []Row{shown("1", "captured", 1000)}, nil, []Class{Status}, counts{compared: 1}, nil},

		{"charged twice for one reference", []Charge{paid("1", 1000)}, []Row{shown("1", "captured", 1000), shown("2", "captured", 1000, byReference("ref1"))}, nil, []Class{Duplicate}, counts{compared: 1}, []Totals{{php, Sums{Captured: 1000}, Sums{Captured: 2000}}}},
		{"charged twice, and given back once", []Charge{paid("1", 1000)}, []Row{shown("1", "captured", 1000), shown("2", "captured", 1000, byReference("ref1"), withRefund(1000))}, nil, nil, counts{compared: 1}, nil},
		{"charged twice for one reference that is unknown", nil, []Row{shown("1", "captured", 1000, byReference("ours")), shown("2", "captured", 1000, byReference("ours"))}, nil, []Class{Duplicate, MissingHere}, counts{}, nil},

		{"declined here, charged there", []Charge{paid("1", 1000, ended("declined"))}, []Row{shown("1", "captured", 1000)}, nil, []Class{Late}, counts{compared: 1}, []Totals{{php, Sums{}, Sums{Captured: 1000}}}},
		{"failed here, held there", []Charge{paid("1", 1000, ended("failed"))}, []Row{shown("1", "authorized", 1000)}, nil, []Class{Late}, counts{compared: 1}, nil},
		{"late, and being given back", []Charge{paid("1", 1000, ended("late"))}, []Row{shown("1", "captured", 1000)}, nil, []Class{Late}, counts{compared: 1}, nil},
		{"failed here, charged and given back there", []Charge{paid("1", 1000, ended("failed"))}, []Row{shown("1", "captured", 1000, withRefund(1000))}, nil, nil, counts{compared: 1}, nil},

		{"open here", []Charge{paid("1", 1000, open)}, []Row{shown("1", "captured", 1000)}, nil, nil, counts{pending: 1}, nil},
		{"open here, and nothing there", []Charge{paid("1", 1000, open)}, nil, nil, nil, counts{pending: 1}, nil},
		{"changed here since the other side was read", []Charge{paid("1", 1000, func(c *Charge) { c.ChangedAt = asOf })}, nil, nil, nil, counts{pending: 1}, nil},
		{"not ended there", []Charge{paid("1", 1000)}, []Row{shown("1", "pending", 1000)}, nil, nil, counts{pending: 1}, nil},
		{"late, and given back there a moment ago", []Charge{paid("1", 1000, ended("late"))}, []Row{shown("1", "captured", 1000, withRefund(1000))}, nil, nil, counts{pending: 1}, nil},
	} {
		in := Input{GatewayID: "gway_conf_1", PSP: "psp", Source: FromList, Since: since, Until: until, AsOf: asOf, Charges: tt.charges, Rows: tt.rows}
		if tt.change != nil {
			tt.change(&in)
		}
		got := Compare(in)
		var classes []Class
		for _, d := range got.Differences {
			classes = append(classes, d.Class)
			if d.Detail == "" || d.Advice == "" || d.Currency != php || d.At.IsZero() || d.GatewayID != "gway_conf_1" || d.Here == nil && d.There == nil {
				t.Errorf("%s: a difference that says too little: %+v", tt.name, d)
			}
			if d.Class == Late && d.AttemptID == "" {
				t.Errorf("%s: a late charge without its attempt", tt.name)
			}
		}
		if diff := cmp.Diff(tt.want, classes); diff != "" {
			t.Errorf("%s: classes (-want +got):\n%s%+v", tt.name, diff, got.Differences)
		}
		if n := (counts{got.Compared, got.Pending, got.Unchecked, got.Outside}); n != tt.counts {
			t.Errorf("%s: counts %+v, want %+v", tt.name, n, tt.counts)
		}
		if tt.totals != nil {
			if diff := cmp.Diff(tt.totals, got.Totals); diff != "" {
				t.Errorf("%s: totals (-want +got):\n%s", tt.name, diff)
			}
		}
	}
}

func TestLateSaysThatThePayerPaidTwice(t *testing.T) {
	t.Parallel()
	failed := paid("1", 1000, ended("failed"), func(c *Charge) { c.PaidOtherwise = true })
	got := Compare(Input{Source: FromList, Since: since, Until: until, AsOf: asOf, Charges: []Charge{failed}, Rows: []Row{shown("1", "captured", 1000)}})
	if len(got.Differences) != 1 || !strings.Contains(got.Differences[0].Detail, "paid twice") {
		t.Errorf("%+v", got.Differences)
	}
}

// settled is a row of a file.
func settled(kind payments.ListedKind, reference, provider string, minor int64, when time.Time) Row {
	r := Row{Settled: true, Listed: payments.Listed{
		Kind: kind, Reference: reference, Refs: payments.ProviderRefs{Charge: provider}, Status: payments.ListedCaptured,
		Amount: payments.Money{Minor: minor, Currency: php}, Captured: payments.NotTold, Refunded: payments.NotTold, CreatedAt: when,
	}}
	if kind == payments.ListedRefund {
		r.Status = payments.ListedRefunded
	}
	return r
}

func TestCompareWithSettlement(t *testing.T) {
	t.Parallel()
	later := noon.Add(6 * time.Hour)
	charge := func(reference string, minor int64) Row { return settled("charge", reference, "", minor, later) }
	refund := func(reference, provider string, minor int64) Row {
		return settled("refund", reference, provider, minor, later)
	}
	old := func(c *Charge) { c.Attempt.SentAt, c.CapturedAt = since.Add(-time.Hour), since.Add(-time.Hour) }
	for _, tt := range []struct {
		name      string
		charges   []Charge
		rows      []Row
		want      []Class
		unsettled int
		outside   int
	}{
		{"the same by reference", []Charge{paid("1", 1000)}, []Row{charge("ref1", 1000)}, nil, 0, 0},
		{"the same by the PSP's charge", []Charge{paid("1", 1000)}, []Row{settled("charge", "", "pay1", 1000, later)}, nil, 0, 0},
		{"the same by the PSP's session", []Charge{paid("1", 1000)}, []Row{settled("charge", "", "ses1", 1000, later)}, nil, 0, 0},
		{"captured in two parts", []Charge{paid("1", 1000)}, []Row{charge("ref1", 600), charge("ref1", 400)}, nil, 0, 0},
		{"a refund by its own reference", []Charge{paid("1", 1000, refunded(400, noon))}, []Row{charge("ref1", 1000), refund("rref1", "", 400)}, nil, 0, 0},
		{"a refund by the PSP's id", []Charge{paid("1", 1000, refunded(400, noon))}, []Row{charge("ref1", 1000), refund("", "rfref1", 400)}, nil, 0, 0},
		{"a refund by the charge's reference", []Charge{paid("1", 1000, refunded(400, noon))}, []Row{charge("ref1", 1000), refund("ref1", "", 400)}, nil, 0, 0},
		{"a hold is in no file", []Charge{made("1", payments.Totals{Authorized: 1000}), paid("2", 1)}, []Row{charge("ref2", 1)}, nil, 0, 0},
		{"a decline is in no file", []Charge{paid("1", 1000, ended("declined"))}, nil, nil, 0, 0},
		{"taken after the last row", []Charge{paid("1", 1000, func(c *Charge) { c.CapturedAt = later.Add(1) }), paid("2", 1)}, []Row{charge("ref2", 1)}, nil, 1, 0},
		{"given back after the last row", []Charge{paid("1", 1000, refunded(400, later.Add(1)))}, []Row{charge("ref1", 1000)}, nil, 0, 0},
		{"settled by an earlier file", []Charge{paid("1", 1000, old), paid("2", 1)}, []Row{charge("ref2", 1)}, nil, 0, 0},
		{"given back now, settled by an earlier file", []Charge{paid("1", 1000, old, refunded(400, noon))}, []Row{refund("rref1", "", 400)}, nil, 0, 0},
		{"unknown here, from outside the window", nil, []Row{settled("charge", "x", "", 1000, until)}, nil, 0, 1},

		{"unknown here", nil, []Row{charge("x", 1000)}, []Class{MissingHere}, 0, 0},
		{"a refund unknown here", nil, []Row{refund("x", "", 1000)}, []Class{MissingHere}, 0, 0},
		{"not in the file", []Charge{paid("1", 1000), paid("2", 1)}, []Row{charge("ref2", 1)}, []Class{MissingThere}, 0, 0},
		{"another amount", []Charge{paid("1", 1000)}, []Row{charge("ref1", 999)}, []Class{Amount}, 0, 0},
		{"a refund not in the file", []Charge{paid("1", 1000, refunded(400, noon))}, []Row{charge("ref1", 1000)}, []Class{Amount}, 0, 0},
		{"a refund unknown here, of a known charge", []Charge{paid("1", 1000)}, []Row{charge("ref1", 1000), refund("ref1", "", 400)}, []Class{Amount}, 0, 0},
		{"given back wholly there", []Charge{paid("1", 1000)}, []Row{charge("ref1", 1000), refund("ref1", "", 1000)}, []Class{Status}, 0, 0},
		{"a hold that was settled", []Charge{made("1", payments.Totals{Authorized: 1000})}, []Row{charge("ref1", 1000)}, []Class{Status}, 0, 0},
		{"settled twice", []Charge{paid("1", 1000)}, []Row{charge("ref1", 1000), charge("ref1", 1000)}, []Class{Duplicate}, 0, 0},
		{"declined here, settled there", []Charge{paid("1", 1000, ended("failed"))}, []Row{charge("ref1", 1000)}, []Class{Late}, 0, 0},
	} {
		s := Settlement{Rows: tt.rows}
		got := Compare(Input{
			GatewayID: "gway_conf_1", PSP: "psp", Source: FromSettlement, Since: since, Until: until, AsOf: asOf, Charges: tt.charges, Rows: tt.rows, LastSettled: s.last(),
		})
		var classes []Class
		for _, d := range got.Differences {
			classes = append(classes, d.Class)
		}
		if diff := cmp.Diff(tt.want, classes); diff != "" {
			t.Errorf("%s: classes (-want +got):\n%s%+v", tt.name, diff, got.Differences)
		}
		if got.Unsettled != tt.unsettled || got.Outside != tt.outside {
			t.Errorf("%s: %d unsettled, %d outside, want %d and %d", tt.name, got.Unsettled, got.Outside, tt.unsettled, tt.outside)
		}
	}
}
