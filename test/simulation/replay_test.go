package simulation

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestReplaysAlike: the same seed has the same trace to the nanosecond. What happens at the very same moment is compared
// without its order: goroutines that run then are free in it.
func TestReplaysAlike(t *testing.T) {
	batches := []int{0, 1, 2, 3}
	if testing.Short() {
		batches = batches[:2]
	}
	for _, n := range batches {
		first, second := runBatch(t, *seedFlag, n), runBatch(t, *seedFlag, n)
		a, b := first.told(""), second.told("")
		if slices.Equal(a, b) {
			continue
		}
		at := 0
		for at < min(len(a), len(b)) && a[at] == b[at] {
			at++
		}
		t.Errorf("batch %d: %d lines and %d lines, which part at line %d (-first +second):\n%s", n, len(a), len(b), at,
			cmp.Diff(a[max(0, at-2):min(len(a), at+6)], b[max(0, at-2):min(len(b), at+6)]))
	}
}

// TestSeedsDiffer keeps the comparison of replays honest: other batches have other traces.
func TestSeedsDiffer(t *testing.T) {
	if slices.Equal(runBatch(t, 1, 0).told(""), runBatch(t, 2, 0).told("")) {
		t.Error("two seeds have the same trace")
	}
}
