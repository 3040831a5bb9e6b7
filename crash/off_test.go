//go:build !crash

package crash

import "testing"

// TestReleasedPointsDoNothing: whatever the environment says, a program without the tag lives on, and a point costs nothing.
func TestReleasedPointsDoNothing(t *testing.T) {
	t.Setenv(Variable, "random:1:1")
	ctx := t.Context()
	if n := testing.AllocsPerRun(100, func() {
		for _, name := range Points() {
			Point(name)
		}
		if Calling(ctx) != ctx {
			t.Error("the context is another one")
		}
	}); n > 1 { // the list itself
		t.Errorf("points take %v allocations", n)
	}
}
