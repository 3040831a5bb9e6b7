package trial_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"switchyard/router/trial"
)

// A world says how payments turn out in the two arms.
type world struct {
	share    float64    // of payments that go to the canary
	approval [2]float64 // of control and canary
	spread   float64    // of the logarithm of the amounts, whose median is 4,000 minor units
	fee      [2]float64 // of an approved payment, as a fraction of the amount
}

const (
	margin  = 0.15
	attempt = 3
	lasts   = 20000 // payments
)

// trials is how many are played in a test.
func trials() int {
	if raceDetector || testing.Short() {
		return 60
	}
	return 400
}

// play hands payments to a trial until it stops or the payments end. It returns the decision, and how many payments had gone
// to the canary and to both.
func (w *world) play(t *testing.T, seed uint64, look func(*trial.Trial)) (decision trial.Decision, canary, all int) {
	t.Helper()
	dice := rand.New(rand.NewPCG(seed, 5))
	tr := start(t)
	for all < lasts {
		all++
		arm := trial.Control
		if dice.Float64() < w.share {
			arm = trial.Canary
			canary++
		}
		approved, value := dice.Float64() < w.approval[arm], -float64(attempt)
		amount := 4000 * math.Exp(w.spread*dice.NormFloat64())
		if approved {
			value += (margin - w.fee[arm]) * amount
		}
		decision = tr.Observe(arm, approved, int64(math.Round(value)))
		if look != nil {
			look(tr)
		}
		if look == nil && decision != trial.GoOn {
			break
		}
	}
	return decision, canary, all
}

func start(t *testing.T) *trial.Trial {
	t.Helper()
	tr, err := trial.New(trial.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// The worlds without a difference: amounts from tame to wild, arms alike and unlike in size.
var alike = map[string]world{
	"one amount, half":       {share: 0.5, approval: [2]float64{0.88, 0.88}},
	"high approval, a tenth": {share: 0.1, approval: [2]float64{0.98, 0.98}, spread: 0.9},
	"heavy tails, half":      {share: 0.5, approval: [2]float64{0.88, 0.88}, spread: 1.8},
	"heavy tails, a tenth":   {share: 0.1, approval: [2]float64{0.88, 0.88}, spread: 1.8},
}

// TestNoFalseStops: where nothing is different, a look after every payment stops at most 5 % of the trials.
func TestNoFalseStops(t *testing.T) {
	t.Parallel()
	for name, w := range alike {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runs, stops := trials(), map[trial.Decision]int{}
			for seed := range uint64(runs) {
				decision, _, _ := w.play(t, seed, nil)
				stops[decision]++
			}
			t.Logf("%v", stops)
			if wrong := runs - stops[trial.GoOn]; wrong > runs*5/100 {
				t.Errorf("%d of %d trials stopped: %v", wrong, runs, stops)
			}
		})
	}
}

// TestIntervalsHoldAtAllTimes: an interval that ever misses the true difference has failed; at most 5 % of the trials may.
func TestIntervalsHoldAtAllTimes(t *testing.T) {
	t.Parallel()
	w := world{share: 0.2, approval: [2]float64{0.88, 0.85}, spread: 0.9, fee: [2]float64{0.02, 0.01}}
	average := 4000 * math.Exp(w.spread*w.spread/2)
	worth := func(arm trial.Arm) float64 { return w.approval[arm]*(margin-w.fee[arm])*average - attempt }
	approval, value := w.approval[1]-w.approval[0], worth(trial.Canary)-worth(trial.Control)
	runs, missed := trials(), 0
	for seed := range uint64(runs) {
		held, looks := true, 0
		w.play(t, seed, func(tr *trial.Trial) {
			if looks++; looks%20 > 0 {
				return
			}
			if r := tr.Report(); r.Approval != nil {
				held = held && holds(*r.Approval, approval) && holds(*r.Value, value)
			}
		})
		if !held {
			missed++
		}
	}
	t.Logf("%d of %d trials missed at some time", missed, runs)
	if missed > runs*5/100 {
		t.Errorf("%d of %d trials had an interval that missed the truth", missed, runs)
	}
}

func holds(d trial.Difference, truth float64) bool { return d.Low <= truth && truth <= d.High }

// TestStops: a canary that is different is found out, in nearly all trials and within so many of its payments.
func TestStops(t *testing.T) {
	t.Parallel()
	runs := trials() / 2
	for _, tt := range []struct {
		name   string
		world  world
		want   trial.Decision
		median int // of the canary's payments, at most
	}{
		{"5 points of approval less, a tenth", world{share: 0.1, approval: [2]float64{0.88, 0.83}, spread: 0.9}, trial.Worse, 900},
		{"5 points of approval less, half", world{share: 0.5, approval: [2]float64{0.88, 0.83}, spread: 0.9}, trial.Worse, 1500},
		{"20 points of approval less, a tenth", world{share: 0.1, approval: [2]float64{0.88, 0.68}, spread: 0.9}, trial.Worse, 200},
		{"3 points of the amount dearer", world{share: 0.5, approval: [2]float64{0.88, 0.88}, spread: 0.5, fee: [2]float64{0.02, 0.05}}, trial.Worse, 500},
		{"4 points of approval more", world{share: 0.5, approval: [2]float64{0.86, 0.90}, spread: 0.9}, trial.Better, 2500},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			right, canary, all := 0, make([]int, 0, runs), make([]int, 0, runs)
			for seed := range uint64(runs) {
				decision, ofCanary, ofAll := tt.world.play(t, seed, nil)
				if decision == tt.want {
					right++
				}
				canary, all = append(canary, ofCanary), append(all, ofAll)
			}
			slices.Sort(canary)
			slices.Sort(all)
			t.Logf("%d of %d stopped; median %d payments of the canary (%d of both), 95 %% within %d (%d)",
				right, runs, canary[runs/2], all[runs/2], canary[runs*95/100], all[runs*95/100])
			if right < runs*95/100 {
				t.Errorf("%d of %d trials said %s", right, runs, tt.want)
			}
			if canary[runs/2] > tt.median {
				t.Errorf("median %d payments of the canary, want at most %d", canary[runs/2], tt.median)
			}
		})
	}
}
