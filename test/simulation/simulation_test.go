// Package simulation runs the program's inside (flow, router, tokens, vault and the SQLite store) against PSPs, networks,
// merchants and payers that follow from one seed, on a clock that waits for nobody, and checks what must always hold.
package simulation

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"switchyard/flow"
	"switchyard/payments"
)

var (
	seedFlag     = flag.Uint64("seed", 1, "of all batches; 0 takes one from the clock")
	forFlag      = flag.Duration("for", share(), "how long new batches are begun, when no number of payments is given")
	paymentsFlag = flag.Int("payments", 0, "how many payments to simulate at least; 0: as many as fit into -for")
	batchFlag    = flag.Int("batch", -1, "the only batch to run, with its trace")
	storiesFlag  = flag.Int("stories", 60, "actors in one batch, each with one payment or a few")
	lanesFlag    = flag.Int("lanes", 2, "batches at the same time")
)

// share is how long the simulation runs when nothing else is said; CI gives it less than somebody who looks for bugs.
func share() time.Duration {
	if d, err := time.ParseDuration(os.Getenv("SIMULATION_FOR")); err == nil {
		return d
	}
	return time.Minute
}

// report adds up what batches have done.
type report struct {
	mu      sync.Mutex
	counts  map[string]int
	batches int
	failed  bool
}

// TestSimulation runs batches until enough has been simulated or something is wrong.
func TestSimulation(t *testing.T) {
	seed := *seedFlag
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	if *batchFlag >= 0 {
		w := runBatch(t, seed, *batchFlag)
		complain(t, w, seed, *batchFlag, true)
		return
	}
	t.Logf("seed %d", seed)
	limit := *forFlag
	if testing.Short() {
		limit = min(limit, 3*time.Second)
	}
	r := &report{counts: map[string]int{}}
	began := time.Now()
	t.Run("batches", func(t *testing.T) {
		for lane := range *lanesFlag {
			t.Run(fmt.Sprint("lane ", lane), func(t *testing.T) {
				t.Parallel()
				for n := lane; r.more(time.Since(began), limit); n += *lanesFlag {
					w := runBatch(t, seed, n)
					r.add(w)
					complain(t, w, seed, n, false)
				}
			})
		}
	})
	r.print(t, time.Since(began))
}

func (r *report) more(passed, limit time.Duration) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.failed:
		return false
	case *paymentsFlag > 0:
		return r.counts["payments"] < *paymentsFlag
	}
	return passed < limit
}

func (r *report) add(w *world) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.batches++
	r.failed = r.failed || len(w.faults) > 0
	for what, n := range w.counts {
		r.counts[what] += n
	}
}

func (r *report) print(t *testing.T, passed time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := r.counts["payments"]
	t.Logf("%d payments in %d batches, %.0f a second", n, r.batches, float64(n)/passed.Seconds())
	for _, what := range slices.Sorted(maps.Keys(r.counts)) {
		t.Logf("%8d %s", r.counts[what], what)
	}
}

// runBatch simulates one batch in a bubble of its own: its clock begins anew, and nothing of it stays but its report.
func runBatch(t *testing.T, seed uint64, n int) (w *world) {
	t.Helper()
	dir := scratch(t)
	defer func() { _ = os.RemoveAll(dir) }() // the next batch has its own
	synctest.Test(t, func(t *testing.T) {
		w = newWorld(t, newDice(seed, "batch", fmt.Sprint(n)).Uint64(), *storiesFlag, dir)
		w.run()
	})
	return w
}

// scratch is a directory in memory, where there is one: a batch lives for milliseconds.
func scratch(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "simulation") //nolint:usetesting // t.TempDir is on a disk, and kept until the whole test ends
	if err != nil {
		return t.TempDir()
	}
	return dir
}

// run lets everything happen, waits until it has come to its end, and checks it.
func (w *world) run() {
	ctx := context.Background()
	go w.crashes()
	var stories sync.WaitGroup
	for i := range w.plan.stories {
		stories.Go(func() { w.story(i) })
	}
	stories.Wait()
	time.Sleep(max(0, w.plan.calm-w.now()))
	time.Sleep(20 * time.Minute)
	w.skim(ctx)
	synctest.Wait() // what was due at this moment has ended
	w.conclude(ctx)

	w.mu.Lock()
	w.over = true
	w.mu.Unlock()
	for _, p := range w.all {
		p.stop()
		p.vault.Close()
	}
	if w.cvcs != nil {
		w.cvcs.Close()
	}
	if err := w.store.Close(); err != nil {
		w.t.Error(err)
	}
}

// skim passes over the days in which little happens: instances are stopped and started in good order just before work is due.
func (w *world) skim(ctx context.Context) {
	const longest = 110 * time.Hour
	for w.now() < longest {
		at, some, err := w.store.NextJobAt(ctx)
		if err != nil || !some {
			return
		}
		if wait := time.Until(at); wait > time.Minute {
			for _, p := range w.slots {
				p.stop()
			}
			time.Sleep(time.Until(at))
			for slot := range w.slots {
				w.start(slot)
			}
		}
		time.Sleep(7 * time.Second)
		w.operate(ctx)
	}
}

// operate is the operator, who asks the PSP about what is under review, and says what it said.
func (w *world) operate(ctx context.Context) {
	alerts, err := w.store.Alerts(ctx, true, 100)
	if err != nil {
		w.t.Error(err)
	}
	for _, alert := range alerts {
		if alert.Kind != payments.AlertReview {
			continue
		}
		p := w.live(0)
		for p == nil { // a trap that was set long ago has closed, and the next process is on its way
			time.Sleep(time.Second)
			p = w.live(0)
		}
		w.mu.Lock()
		a := w.audit.attempts[alert.AttemptID]
		verdict, ref := flow.VerdictNotDone, ""
		if b := w.bank(a.GatewayConfigurationID); b.did(&a) {
			verdict = flow.VerdictDone
			if c := b.charges[a.Reference]; c != nil {
				ref = c.id
			}
		}
		if verdict == flow.VerdictNotDone {
			w.bank(a.GatewayConfigurationID).recall(a.Reference)
		}
		w.audit.resolved[a.ID] = true
		w.counts["resolved by an operator"]++
		w.logLocked(w.labels[a.Reference], "the operator says %s", verdict)
		w.mu.Unlock()
		err := p.engine.Resolve(ctx, flow.Resolution{ProjectID: project, AttemptID: a.ID, Verdict: verdict, ChargeRef: ref, By: "ada", Because: "their dashboard"})
		if err != nil {
			w.log("", "the operator's word is not taken: %v", err)
		}
	}
}

// complain reports what was violated, with the command that repeats the batch, and what happened to the first payment.
func complain(t *testing.T, w *world, seed uint64, n int, everything bool) {
	t.Helper()
	if everything {
		for _, line := range w.told("") {
			fmt.Println(line)
		}
	}
	if len(w.faults) == 0 {
		return
	}
	first := w.faults[0]
	command := fmt.Sprintf("go test ./test/simulation -run 'TestSimulation$' -seed %d -batch %d", seed, n)
	if *storiesFlag != 60 {
		command += fmt.Sprint(" -stories ", *storiesFlag)
	}
	var violated []string
	for _, v := range w.faults {
		if !slices.Contains(violated, v.invariant) {
			violated = append(violated, v.invariant)
		}
	}
	t.Logf("violated: %s", strings.Join(violated, ", "))
	t.Errorf("%d violations; the first: %s: %s (%s)\nrepeat with: %s\nwhat happened to it:\n%s",
		len(w.faults), first.invariant, first.text, first.label, command, strings.Join(w.told(story(first.label)), "\n"))
	for _, v := range w.faults[:min(len(w.faults), 12)] {
		t.Logf("%s  %s: %s: %s", v.at, v.label, v.invariant, v.text)
	}
}
