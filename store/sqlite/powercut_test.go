//go:build unix

package sqlite

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// figures are what a test of power cuts has done.
type figures struct{ rounds, events, cuts, acknowledged, lost int }

// TestPowerCutLosesNothing runs workloads with restarts and cuts the power hundreds of times, at moments of the work, of
// recovery and of closing. Each time the database is whole, its content is that of one moment, and every change that was
// acknowledged is there. STORE_TEST_DISK_SEED repeats a run; STORE_TEST_DISK_ROUNDS=20, say, does twenty times as much.
func TestPowerCutLosesNothing(t *testing.T) {
	t.Parallel()
	seed, rounds := seeded(t, 5)
	var f figures
	for round := range rounds {
		f.round(t, seed, uint64(round), false)
	}
	t.Logf("%+v", f)
	if f.lost > 0 {
		t.Errorf("%d acknowledged changes were lost", f.lost)
	}
}

// TestPowerCutLosesRelaxedCommits shows that the test above can fail: without a sync for each commit the same cuts lose
// changes that were acknowledged. What is found is still whole, and of one moment.
func TestPowerCutLosesRelaxedCommits(t *testing.T) {
	t.Parallel()
	seed, rounds := seeded(t, 2)
	var f figures
	for round := range rounds {
		f.round(t, seed, uint64(round), true)
	}
	t.Logf("%+v", f)
	if f.lost == 0 {
		t.Error("nothing was lost: this test proves nothing")
	}
}

// round runs a workload, cuts the power at random moments of it, and goes on from one of the things that are then found.
func (f *figures) round(t *testing.T, seed, round uint64, isRelaxed bool) {
	t.Helper()
	const generations, cuts = 2, 30
	r := chance(seed, round)
	left := image{}
	settings := diskSettings(r, isRelaxed)
	f.rounds++
	for generation := range generations {
		h := begin(t, newDisk(t, left), settings)
		if err := h.run(t, workload(r, fmt.Sprintf("%d-%d", round, generation), 25)); err != nil {
			t.Fatalf("workload: %v", err)
		}
		if r.IntN(2) == 0 {
			closeStore(t, h.store)
		}
		f.events += h.disk.position()
		for range cuts {
			position, l := h.cutPoint(r)
			left = h.disk.after(position, l)
			if r.IntN(2) == 0 { // the index of the log is made anew, whatever is found there
				left[DatabaseName+"-shm"] = noise(r, 32_768)
			}
			f.cut(t, h, position, left, isRelaxed)
			if t.Failed() {
				t.Fatalf("round %d, generation %d, power cut before event %d of %d", round, generation, position, h.disk.position())
			}
		}
	}
}

// cut checks what is found after a power cut.
func (f *figures) cut(t *testing.T, h *history, position int, left image, isRelaxed bool) {
	t.Helper()
	count, want := h.acknowledgedAt(position)
	f.cuts++
	f.acknowledged += count
	found, err := h.find(t, left)
	if err != nil {
		t.Error(err)
		return
	}
	if found.first < 0 || found.first > h.begunAt(position) {
		t.Errorf("the content is that of state %d, only %d was begun", found.first, h.begunAt(position))
	}
	if found.last >= want {
		return
	}
	for _, a := range h.acks {
		if a.position <= position && a.state > found.last {
			f.lost++
		}
	}
	if !isRelaxed {
		t.Errorf("state %d is there, %d was acknowledged", found.last, want)
	}
}

// cutPoint chooses a moment, half the time one at which something has just been acknowledged, and the luck of what was
// not durable then.
func (h *history) cutPoint(r *rand.Rand) (int, luck) {
	position := r.IntN(h.disk.position() + 1)
	if r.IntN(2) == 0 {
		position = min(h.acks[r.IntN(len(h.acks))].position+r.IntN(3), h.disk.position())
	}
	switch r.IntN(4) {
	case 0:
		return position, luck{}
	case 1:
		return position, luck{random: rand.New(rand.NewPCG(r.Uint64(), 0)), kept: r.Float64()}
	default:
		return position, luck{random: rand.New(rand.NewPCG(r.Uint64(), 0)), kept: r.Float64(), garbled: r.Float64()}
	}
}
