package backtest

import (
	"testing"

	"pgregory.net/rapid"
)

// TestSharesAreWhole: whatever the probabilities, their shares are one unit together, and a sum of them is whole again.
func TestSharesAreWhole(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		probabilities := rapid.SliceOfN(rapid.Float64Range(1e-9, 1), 1, 8).Draw(t, "probabilities")
		amount := rapid.Int64Range(0, 1<<62).Draw(t, "amount")
		var total sum
		for _, share := range shares(probabilities, nil) {
			if share < 0 {
				t.Fatalf("share %d", share)
			}
			total.add(amount, share)
		}
		if total != (sum{whole: amount}) {
			t.Fatalf("%d came to %+v", amount, total)
		}
	})
}
