package storetest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"switchyard/payments"
)

// money drives a transaction through random operations with random amounts, right and wrong ones, and compares the store
// with a model after each: the guard lets pass what adds up and nothing else, whatever the caller believes.
func money(t *testing.T, open Open) {
	s := open(t)
	transactions := 0
	rapid.Check(t, func(r *rapid.T) {
		transactions++
		m := &moneyModel{store: s}
		m.stored = payments.Transaction{
			ProjectID: project, ID: fmt.Sprint("tr_", transactions), InvoiceID: fmt.Sprint("iv_", transactions), Version: 1,
			Status: payments.StatusWaiting, Currency: "PHP", Amount: 100,
		}
		mustApply(t, s, payments.Change{Transactions: []payments.Transaction{m.stored}})
		r.Repeat(rapid.StateMachineActions(m))
		m.checkLedger(r)
	})
}

// moneyModel knows what the store should have.
type moneyModel struct {
	store   Store
	stored  payments.Transaction
	entries []payments.Entry
}

// amount is a little more than fits, at times.
func amount(r *rapid.T) int64 { return rapid.Int64Range(-5, 120).Draw(r, "amount") }

func (m *moneyModel) Authorize(r *rapid.T) {
	n := amount(r)
	m.try(r, payments.EntryAuthorized, n, func(o *payments.Transaction) { o.Totals.Authorized += n })
}

func (m *moneyModel) StartCapture(r *rapid.T) {
	n := amount(r)
	m.try(r, "", n, func(o *payments.Transaction) { o.Capturing += n })
}

func (m *moneyModel) FinishCapture(r *rapid.T) {
	n := m.stored.Capturing
	m.try(r, payments.EntryCaptured, n, func(o *payments.Transaction) { o.Capturing, o.Totals.Captured = 0, o.Totals.Captured+n })
}

func (m *moneyModel) Void(r *rapid.T) {
	n := amount(r)
	m.try(r, payments.EntryVoided, n, func(o *payments.Transaction) { o.Totals.Voided += n })
}

func (m *moneyModel) StartRefund(r *rapid.T) {
	n := amount(r)
	m.try(r, "", n, func(o *payments.Transaction) { o.Refunding += n })
}

func (m *moneyModel) FinishRefund(r *rapid.T) {
	n := m.stored.Refunding
	m.try(r, payments.EntryRefunded, n, func(o *payments.Transaction) { o.Refunding, o.Totals.Refunded = 0, o.Totals.Refunded+n })
}

// Stale writes a version that is not the next one.
func (m *moneyModel) Stale(r *rapid.T) {
	o := m.stored
	o.Version += rapid.SampledFrom([]int64{0, 2, 3}).Draw(r, "step")
	if o.Version == 1 {
		return // the insertion of something that exists, which is another error
	}
	o.Totals = payments.Totals{Authorized: 1_000_000}
	if err := m.store.Apply(r.Context(), payments.Change{Transactions: []payments.Transaction{o}}); !errors.Is(err, payments.ErrConflict) {
		r.Fatalf("version %d over %d: error %v, want %v", o.Version, m.stored.Version, err, payments.ErrConflict)
	}
}

// try writes the changed transaction with its ledger entry and takes it into the model if that should work.
func (m *moneyModel) try(r *rapid.T, kind payments.EntryKind, n int64, change func(*payments.Transaction)) {
	o := m.stored
	change(&o)
	o.Version++
	c := payments.Change{Transactions: []payments.Transaction{o}}
	if kind != "" {
		c.Entries = []payments.Entry{{
			ProjectID: project, TransactionID: o.ID, Kind: kind, Amount: payments.Money{Minor: n, Currency: o.Currency}, At: epoch,
		}}
	}
	fits := addsUp(o) && (kind == "" || n >= 0)
	err := m.store.Apply(r.Context(), c)
	switch {
	case fits && err != nil:
		r.Fatalf("%+v after %+v: %v", o, m.stored, err)
	case !fits && !errors.Is(err, payments.ErrMoneyGuard):
		r.Fatalf("%+v after %+v: error %v, want %v", o, m.stored, err, payments.ErrMoneyGuard)
	case fits:
		m.stored, m.entries = o, append(m.entries, c.Entries...)
	}
}

func addsUp(o payments.Transaction) bool {
	t := o.Totals
	return min(t.Authorized, t.Captured, t.Refunded, t.Voided, o.Capturing, o.Refunding) >= 0 &&
		t.Captured+o.Capturing+t.Voided <= t.Authorized && t.Refunded+o.Refunding <= t.Captured
}

// Check runs after every operation: the store has what the model has.
func (m *moneyModel) Check(r *rapid.T) {
	got, err := m.store.Transaction(r.Context(), project, m.stored.ID)
	if err != nil {
		r.Fatalf("transaction: %v", err)
	}
	if diff := cmp.Diff(m.stored, got); diff != "" {
		r.Fatalf("transaction (-want +got):\n%s", diff)
	}
}

// checkLedger checks at the end that the ledger has what happened and nothing else, and adds up to the totals.
func (m *moneyModel) checkLedger(r *rapid.T) {
	entries, err := m.store.Entries(r.Context(), project, m.stored.ID)
	if err != nil {
		r.Fatalf("entries: %v", err)
	}
	if diff := cmp.Diff(m.entries, entries); diff != "" {
		r.Fatalf("entries (-want +got):\n%s", diff)
	}
	sums := map[payments.EntryKind]int64{}
	for _, e := range entries {
		sums[e.Kind] += e.Amount.Minor
	}
	totals := payments.Totals{
		Authorized: sums[payments.EntryAuthorized], Captured: sums[payments.EntryCaptured],
		Refunded: sums[payments.EntryRefunded], Voided: sums[payments.EntryVoided],
	}
	if totals != m.stored.Totals {
		r.Fatalf("the ledger says %+v, the transaction %+v", totals, m.stored.Totals)
	}
}
