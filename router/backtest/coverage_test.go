package backtest_test

import (
	"fmt"
	"testing"

	"switchyard/router/backtest"
)

// TestIntervalsCover replays logs whose truth is known. The intervals of the candidate's approval and of the difference must
// hold the truth in at least 90 of 100 runs, whatever the world, the floor of exploration and the candidate: the truth of
// these very payments, and that of all payments such as these.
func TestIntervalsCover(t *testing.T) {
	t.Parallel()
	worlds := []struct {
		name string
		world
	}{{"even", even}, {"mixed", mixed}, {"learning", learning}, {"drifting", drifting}}
	floors := []float64{0.01, 0.02, 0.05}
	if raceDetector || testing.Short() {
		worlds, floors = worlds[1:3], floors[1:2]
	}
	for _, w := range worlds {
		for _, floor := range floors {
			t.Run(fmt.Sprintf("%s/%v", w.name, floor), func(t *testing.T) {
				t.Parallel()
				cover(t, &w.world, floor, 4000)
			})
		}
	}
}

// TestSupportedIntervalsCover is the same where the log is rich enough for a verdict.
func TestSupportedIntervalsCover(t *testing.T) {
	t.Parallel()
	if raceDetector || testing.Short() {
		t.Skip("left to the run without the race detector")
	}
	cover(t, &mixed, 0.5, 8000)
}

// held counts in how many runs an interval held the truth.
type held struct{ these, all, difference int }

func cover(t *testing.T, w *world, floor float64, n int) {
	t.Helper()
	targets := []struct {
		name string
		to   target
	}{{"always charlie", always(2)}, {"always alpha", always(0)}, {"swap in a segment", swap(0, 0, 1)}, {"smart", smart(w)}}
	const runs = 100
	counts := make([]held, len(targets))
	width := make([]float64, len(targets))
	sample := make([]float64, len(targets))
	for seed := range runs {
		log := w.log(uint64(seed), n, floor)
		before := truth(log, asLogged)
		for i, candidate := range targets {
			a := replay(t, log, candidate.to).Approval
			now := truth(log, candidate.to)
			all := now
			if !w.learns {
				all = w.expected(floor, candidate.to)
			}
			counts[i].these += hit(a.New, now)
			counts[i].all += hit(a.New, all)
			counts[i].difference += hit(a.Difference, now-before)
			width[i] += (a.New.High - a.New.Low) / runs
			sample[i] += a.EffectiveSample / runs
		}
	}
	for i, candidate := range targets {
		c := counts[i]
		t.Logf("%s: %+v of %d; width %.1f points, effective sample %.0f", candidate.name, c, runs, 100*width[i], sample[i])
		if min(c.these, c.all, c.difference) < runs*9/10 {
			t.Errorf("%s: the truth is in %+v intervals of %d, want %d", candidate.name, c, runs, runs*9/10)
		}
	}
}

func hit(e backtest.Estimate, truth float64) int {
	if e.Low <= truth && truth <= e.High {
		return 1
	}
	return 0
}

func replay(t *testing.T, log []payment, to target) backtest.Report {
	t.Helper()
	p := backtest.New(backtest.Settings{})
	var r backtest.Record
	for i := range log {
		log[i].record(to, &r)
		if err := p.Add(&r); err != nil {
			t.Fatal(err)
		}
	}
	return p.Report()
}
