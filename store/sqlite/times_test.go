package sqlite

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestStampKeepsTimes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		at := time.Unix(0, rapid.Int64Range(earliestStamp, latestStamp).Draw(r, "ns"))
		at = at.In(time.FixedZone("", rapid.IntRange(-12, 14).Draw(r, "hours")*3600))
		if got := moment(stamp(at)); !got.Equal(at) || got.Location() != time.UTC {
			r.Fatalf("%v came back as %v", at, got)
		}
	})
	if got := moment(stamp(time.Time{})); !got.IsZero() {
		t.Errorf("the zero time came back as %v", got)
	}
}

// Order is what jobs are leased by, so it holds for times that a column cannot say too.
func TestStampKeepsOrder(t *testing.T) {
	t.Parallel()
	year := func(y int) int64 { return stamp(time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC)) }
	stamps := []int64{stamp(time.Time{}), year(2), year(1600), year(1900), year(1970), year(2026), year(2262), year(2263), year(9999)}
	if !slices.IsSorted(stamps) || stamps[0] == stamps[1] || stamps[5] == stamps[6] {
		t.Errorf("stamps are not in order: %v", stamps)
	}
}
