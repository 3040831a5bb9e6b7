package trial_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"switchyard/router/trial"
)

// feed hands in n payments of an arm, one in so many of them declined.
func feed(tr *trial.Trial, arm trial.Arm, n, declineEvery int) {
	for i := range n {
		approved, value := i%declineEvery > 0, int64(-3)
		if approved {
			value = 600
		}
		tr.Observe(arm, approved, value)
	}
}

func TestMinimum(t *testing.T) {
	t.Parallel()
	tr := start(t)
	feed(tr, trial.Control, 1000, 10)
	feed(tr, trial.Canary, 199, 2)
	r := tr.Report()
	if r.Decision != trial.GoOn || r.Approval != nil || r.Value != nil {
		t.Fatalf("%+v", r)
	}
	if want := "Go on: nothing is said before each arm has 200 payments; control has 1000 and the canary 199."; r.Sentence != want {
		t.Errorf("%q", r.Sentence)
	}
	if got := tr.Observe(trial.Canary, false, -3); got != trial.Worse {
		t.Errorf("with 200 payments: %s", got)
	}
}

// TestDecidedStays: what was said stays said, and what comes later is counted.
func TestDecidedStays(t *testing.T) {
	t.Parallel()
	tr := start(t)
	feed(tr, trial.Control, 1000, 10)
	feed(tr, trial.Canary, 300, 2)
	before := tr.Report()
	feed(tr, trial.Canary, 3000, 100000)
	after := tr.Report()
	if after.Decision != trial.Worse || after.Sentence != before.Sentence {
		t.Errorf("%q became %q", before.Sentence, after.Sentence)
	}
	if after.Canary.Payments != 3300 || after.Approval.Estimate < 0 {
		t.Errorf("%+v", after)
	}
}

// TestNothingDiffers: outcomes that are all the same leave no doubt and no difference.
func TestNothingDiffers(t *testing.T) {
	t.Parallel()
	tr := start(t)
	for i := range 1000 {
		tr.Observe(trial.Arm(i%2), true, 600)
	}
	r := tr.Report()
	if r.Decision != trial.GoOn || *r.Approval != (trial.Difference{}) || *r.Value != (trial.Difference{}) {
		t.Errorf("%+v", r)
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	tr := start(t)
	feed(tr, trial.Control, 1000, 10)
	feed(tr, trial.Canary, 250, 8)
	want := `control: 1000 payments, 90.00 % approved, 539.7 minor units each
canary: 250 payments, 87.20 % approved, 522.8 minor units each
difference in approval (-2.80 points, between -11.28 and +5.68)
difference in value per payment (-16.9 minor units, between -68.0 and +34.3)
both intervals hold together, at all times, with 95 %
Go on: no difference can be told yet in approval (-2.80 points, between -11.28 and +5.68) or in value per payment (-16.9 minor units, between -68.0 and +34.3).
`
	if diff := cmp.Diff(want, tr.Report().String()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	feed(tr, trial.Canary, 400, 2)
	if got := tr.Report().Sentence; !strings.HasPrefix(got, "Stop: the canary is worse in approval (-") {
		t.Errorf("%q", got)
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	_, err := trial.New(trial.Settings{Alpha: 0.7, Minimum: 5, Effect: -1})
	for _, want := range []string{"alpha is 0.7", "the minimum is 5 payments: give at least 20", "the effect is -1"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

func BenchmarkObserve(b *testing.B) {
	tr, err := trial.New(trial.Settings{})
	if err != nil {
		b.Fatal(err)
	}
	i := 0
	for b.Loop() {
		i++
		tr.Observe(trial.Arm(i%2), i%20 > 1, int64(i/2%100)) // both arms alike, so that it never stops
	}
}
