package storetest

import (
	"context"
	"math"
	"testing"
	"time"

	"switchyard/payments"
)

// Counter counts the money that is taken.
type Counter interface {
	Volumes(ctx context.Context, since time.Time) ([]payments.Volume, error)
}

func volumes(t *testing.T, open Open) {
	each(t, open, map[string]func(*testing.T, Store){
		"what is taken is counted":     volumesCountCaptures,
		"nothing is counted twice":     volumesCountOnce,
		"a full count refuses nothing": volumesAreBounded,
	})
}

// today is the day of epoch.
var today = time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC)

func taken(kind payments.EntryKind, gateway string, at time.Time, minor int64, c payments.Currency) payments.Entry {
	return payments.Entry{
		ProjectID: project, TransactionID: "tr_a", GatewayConfigurationID: gateway, Kind: kind, At: at,
		Amount: payments.Money{Minor: minor, Currency: c},
	}
}

func volume(gateway string, day time.Time, minor int64, c payments.Currency) payments.Volume {
	return payments.Volume{GatewayConfigurationID: gateway, Day: day, Amount: payments.Money{Minor: minor, Currency: c}}
}

// volumesCountCaptures: by gateway configuration, day in UTC and currency, over all projects. A refund takes nothing away.
func volumesCountCaptures(t *testing.T, s Store) {
	evening := today.Add(-time.Nanosecond)
	manila := time.FixedZone("Manila", 8*3600)
	foreign := taken(payments.EntryCaptured, "alpha", epoch, 1, "EUR")
	foreign.ProjectID = other
	for _, entries := range [][]payments.Entry{
		{taken(payments.EntryAuthorized, "alpha", epoch, 1_000, "EUR"), taken(payments.EntryCaptured, "alpha", epoch, 100, "EUR")},
		{taken(payments.EntryCaptured, "alpha", today.In(manila), 20, "EUR"), foreign, taken(payments.EntryCaptured, "alpha", epoch, 5_000, "JPY")},
		{taken(payments.EntryCaptured, "alpha", evening, 3, "EUR"), taken(payments.EntryCaptured, "bravo", epoch, 4, "EUR")},
		{taken(payments.EntryRefunded, "alpha", epoch, 50, "EUR"), taken(payments.EntryVoided, "alpha", epoch, 900, "EUR")},
	} {
		mustApply(t, s, payments.Change{Entries: entries})
	}
	yesterday := today.AddDate(0, 0, -1)
	want := []payments.Volume{
		volume("alpha", yesterday, 3, "EUR"),
		volume("alpha", today, 121, "EUR"), volume("alpha", today, 5_000, "JPY"), volume("bravo", today, 4, "EUR"),
	}
	got, err := s.Volumes(t.Context(), yesterday)
	wantValue(t, "since yesterday", got, err, want)
	got, err = s.Volumes(t.Context(), today)
	wantValue(t, "since today", got, err, want[1:])
	got, err = s.Volumes(t.Context(), today.AddDate(0, 0, 1))
	wantValue(t, "since tomorrow", got, err, nil)
}

// volumesCountOnce: a change that is refused counts nothing, and neither does one that comes again.
func volumesCountOnce(t *testing.T, s Store) {
	o := payments.Transaction{ProjectID: project, ID: "tr_a", InvoiceID: "iv_a", Version: 1, Amount: 100, Currency: "EUR", Totals: payments.Totals{Authorized: 100}}
	mustApply(t, s, payments.Change{Transactions: []payments.Transaction{o}})
	capture := func(version, minor int64) error {
		next := o
		next.Version, next.Totals.Captured = version, minor
		return s.Apply(t.Context(), payments.Change{
			Transactions: []payments.Transaction{next}, Entries: []payments.Entry{taken(payments.EntryCaptured, "alpha", epoch, minor, "EUR")},
		})
	}
	wantError(t, "more than was authorized", capture(2, 101), payments.ErrMoneyGuard)
	wantError(t, "a version that is not the next", capture(3, 100), payments.ErrConflict)
	if err := capture(2, 100); err != nil {
		t.Fatal(err)
	}
	wantError(t, "the same again", capture(2, 100), payments.ErrConflict)
	late := payments.Change{
		Entries:  []payments.Entry{taken(payments.EntryCaptured, "alpha", epoch, 7, "EUR")},
		DoneJobs: []payments.JobDone{{ProjectID: project, Key: "gone", Fence: 1}}, // refused after the ledger has been written
	}
	wantError(t, "a lost lease", s.Apply(t.Context(), late), payments.ErrFenced)
	got, err := s.Volumes(t.Context(), today)
	wantValue(t, "volumes", got, err, []payments.Volume{volume("alpha", today, 100, "EUR")})
}

func volumesAreBounded(t *testing.T, s Store) {
	for range 2 {
		mustApply(t, s, payments.Change{Entries: []payments.Entry{taken(payments.EntryCaptured, "alpha", epoch, math.MaxInt64-1, "EUR")}})
	}
	got, err := s.Volumes(t.Context(), today)
	wantValue(t, "volumes", got, err, []payments.Volume{volume("alpha", today, math.MaxInt64, "EUR")})
}
