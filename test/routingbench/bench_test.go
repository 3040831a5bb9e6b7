package main

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The claims are tested on few seeds and shorter worlds; the report is made with thirty.
const (
	testSeeds  = 6
	testLength = 32_000
)

func named(t *testing.T, name string) *scenario {
	t.Helper()
	for _, s := range scenarios() {
		if s.name == name {
			return &s
		}
	}
	t.Fatalf("no world %q", name)
	return nil
}

// oracle knows the truth of every moment.
type oracle struct{}

func (oracle) choose(_ int, p *payment) int     { return p.best() }
func (oracle) learn(int, *payment, int, result) {}

func TestOracleHasNoRegret(t *testing.T) {
	t.Parallel()
	for _, s := range scenarios() {
		m := run(newWorld(&s, 1, 8_000), oracle{})
		if m.regret != 0 || m.auth < 70 || m.auth > 97 {
			t.Errorf("%s: %+v", s.name, m.regret)
		}
	}
}

func TestWorldsAreTheSameEveryTime(t *testing.T) {
	t.Parallel()
	for _, s := range scenarios() {
		a, b, c := newWorld(&s, 7, 2_000), newWorld(&s, 7, 2_000), newWorld(&s, 8, 2_000)
		for n := range a.payments {
			if a.payments[n] != b.payments[n] {
				t.Fatalf("%s: payment %d differs", s.name, n)
			}
		}
		if a.payments[5] == c.payments[5] {
			t.Errorf("%s: another seed is the same world", s.name)
		}
	}
}

// TestStaticMatchesClosedForm compares what was played with what the weights say in a world where nothing moves.
func TestStaticMatchesClosedForm(t *testing.T) {
	t.Parallel()
	w := newWorld(named(t, "stationary"), 3, fullLength)
	f, ok := newFixed(w).(fixed)
	if !ok {
		t.Fatal("no fixed policy")
	}
	best, got := 0.0, 0.0
	for g, weight := range w.weight {
		top := 0.0
		for k := range psps {
			top = max(top, w.start[k][g])
		}
		best, got = best+weight*top, got+weight*w.start[f.k][g]
	}
	if want, m := 100*(best-got)/best, run(w, f); math.Abs(m.regret-want) > 0.1 {
		t.Errorf("regret %.3f, by the weights %.3f", m.regret, want)
	}
	if m := run(w, newRules(w)); m.regret != 0 {
		t.Errorf("rules that know a world that does not move: regret %v", m.regret)
	}
}

// TestWorldsDoWhatTheySay looks at the truth before, during and after the trouble.
func TestWorldsDoWhatTheySay(t *testing.T) {
	t.Parallel()
	success := func(name string, n int) float64 {
		w := newWorld(named(t, name), 2, fullLength)
		sum := 0.0
		for i := n; i < n+500; i++ {
			sum += w.payments[i].success(w.hurt[0]) / 500
		}
		return sum
	}
	for _, c := range []struct {
		world      string
		during     int
		least, top float64
	}{
		{"outage", 20_500, 0.05, 0.05},
		{"outage", 24_100, 0.7, 1},
		{"delayed_outage", 20_500, 0.05, 0.05},
		{"corr_outage", 20_500, 0.08, 0.08},
		{"flapping", 22_050, 0.05, 0.05},
		{"flapping", 22_700, 0.7, 1},
		{"timeouts", 20_500, 0.6, 0.8},
		{"brownout", 20_500, 0.4, 0.72},
	} {
		if got := success(c.world, c.during); got < c.least-1e-9 || got > c.top+1e-9 {
			t.Errorf("%s at %d: success %.3f", c.world, c.during, got)
		}
	}
	w := newWorld(named(t, "issuer_outage"), 2, fullLength)
	for n := 20_000; n < 24_000; n++ {
		if p := &w.payments[n]; p.segment == w.largest() && (p.success(0) != 0.1 || p.success(3) != 0.1) {
			t.Fatalf("payment %d of the largest segment: %v", n, p.p)
		}
	}
	w = newWorld(named(t, "cost_shock"), 2, fullLength)
	before, after := w.fee(costShockAt-1, w.hurt[0]), w.fee(costShockAt, w.hurt[0])
	if rise := after - w.fixed[w.hurt[0]] - (before-w.fixed[w.hurt[0]])*w.payments[costShockAt].amount/w.payments[costShockAt-1].amount; math.Abs(rise-w.payments[costShockAt].amount*costShockBps/10_000) > 1e-9 {
		t.Errorf("the fee rises by %v", rise)
	}
}

// TestFixedAnchorsReproduceThePublishedTable compares the worlds, which follow a published description, with its figures for
// policies that do not learn. Over many seeds these follow from the weights alone.
func TestFixedAnchorsReproduceThePublishedTable(t *testing.T) {
	t.Parallel()
	const seeds = 400
	static, round := 0.0, 0.0
	for seed := range uint64(seeds) {
		w := newWorld(named(t, "stationary"), tuneSeed+seed, 1)
		f, ok := newFixed(w).(fixed)
		if !ok {
			t.Fatal("no fixed policy")
		}
		best, first, all := 0.0, 0.0, 0.0
		for g, weight := range w.weight {
			top := 0.0
			for k := range psps {
				top = max(top, w.start[k][g])
				all += weight * w.start[k][g] / psps
			}
			best, first = best+weight*top, first+weight*w.start[f.k][g]
		}
		static, round = static+100*(best-first)/best/seeds, round+100*(best-all)/best/seeds
	}
	if math.Abs(static-1.33) > 0.25 || math.Abs(round-4.38) > 0.5 {
		t.Errorf("static %.2f, published 1.33; round robin %.2f, published 4.38", static, round)
	}
	t.Logf("static %.2f, round robin %.2f", static, round)
}

// TestLearningAnchorsReproduceThePublishedTable does so for decision-engine's success-rate routing.
func TestLearningAnchorsReproduceThePublishedTable(t *testing.T) {
	t.Parallel()
	const seeds = 5
	for world, want := range map[string]float64{"stationary": 1.10, "outage": 1.92} {
		sum := 0.0
		for seed := range uint64(seeds) {
			w := newWorld(named(t, world), tuneSeed+seed, fullLength)
			sum += run(w, newSuccessRate(w, srSize, srHedging, false)).regret / seeds
		}
		if math.Abs(sum-want) > 0.3*want {
			t.Errorf("%s: %.2f, published %.2f", world, sum, want)
		}
	}
}

// TestTheLearnerBeatsTheAnchors asserts what holds whatever the seeds: less regret than decision-engine's defaults and than
// every tuned bandit, quickly away from a failing PSP and soon back, and no long false alarm.
func TestTheLearnerBeatsTheAnchors(t *testing.T) {
	t.Parallel()
	o := &options{seeds: testSeeds, first: tuneSeed, workers: 2, longest: testLength}
	var list []entrant
	for _, e := range entrants() {
		if e.free || e.name == "DE" || e.name == "switchyard" {
			list = append(list, e)
		}
	}
	for _, name := range []string{"stationary", "outage", "brownout", "corr_outage"} {
		s := named(t, name)
		byEntrant, err := play(s, list, o)
		if err != nil {
			t.Fatal(err)
		}
		regret := func(m *measured) float64 { return m.regret }
		ours := meanOf(byEntrant[len(list)-1], regret)
		for i, e := range list[:len(list)-1] {
			if theirs := meanOf(byEntrant[i], regret); ours >= theirs {
				t.Errorf("%s: regret %.2f, that of %s %.2f", name, ours, e.name, theirs)
			}
		}
		for _, m := range byEntrant[len(list)-1] {
			if name == "stationary" && m.longest > 500 {
				t.Errorf("a false alarm of %d payments", m.longest)
			}
			if name == "outage" && (m.leave > 60 || m.back > 1_500) {
				t.Errorf("outage: left after %d payments, back after %d", m.leave, m.back)
			}
			if name == "brownout" && m.leave > 400 {
				t.Errorf("brownout: left after %d payments", m.leave)
			}
		}
	}
}

func TestReport(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	o := &options{seeds: 2, first: 1, workers: 2, longest: 25_000, worlds: "outage", policies: "static,DE,SW-UCB*", out: dir}
	var one, two bytes.Buffer
	if err := benchmark(&one, o); err != nil {
		t.Fatal(err)
	}
	o.workers = 1
	if err := benchmark(&two, o); err != nil {
		t.Fatal(err)
	}
	if one.String() != two.String() {
		t.Error("the number of workers changes the figures")
	}
	for _, want := range []string{"| outage |", "leave: outage", "net value regret", "SW-UCB*"} {
		if !strings.Contains(one.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, one.String())
		}
	}
	for _, name := range []string{"regret-outage.svg", "share-outage.svg"} {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || !bytes.HasPrefix(content, []byte("<svg")) || bytes.Contains(content, []byte("NaN")) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := benchmark(&one, &options{seeds: 1, workers: 1, worlds: "nowhere"}); err == nil {
		t.Error("a world that is not there")
	}
}

// TestDrivenProgram plays against this test binary, which answers as TestMain below says.
func TestDrivenProgram(t *testing.T) {
	t.Setenv("ROUTINGBENCH_ANSWER", "bravo")
	o := &options{seeds: 1, first: 1, workers: 1, longest: 3_000, worlds: "low_volume", policies: "none", drive: os.Args[0]}
	var report bytes.Buffer
	if err := benchmark(&report, o); err != nil {
		t.Fatal(err)
	}
	w := newWorld(named(t, "low_volume"), 1, 3_000)
	d := newDriven(os.Args[0])
	want, got := run(w, fixed{1}), run(w, d)
	if err := d.close(); err != nil || got.regret != want.regret {
		t.Errorf("regret %v by the program, %v by its rule: %v", got.regret, want.regret, err)
	}
	t.Setenv("ROUTINGBENCH_ANSWER", "nobody")
	if err := benchmark(&report, o); err == nil {
		t.Error("an answer that names no gateway passes")
	}
	o.drive = filepath.Join(t.TempDir(), "missing")
	if err := benchmark(&report, o); err == nil {
		t.Error("a program that is not there passes")
	}
}

func TestMain(m *testing.M) {
	if answer := os.Getenv("ROUTINGBENCH_ANSWER"); answer != "" {
		answerAll(answer)
		return
	}
	m.Run()
}

// answerAll speaks the protocol and always names one gateway.
func answerAll(gateway string) {
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var l driveLine
		if in.Decode(&l) != nil {
			return
		}
		if l.Decide == nil {
			continue
		}
		if out.Encode(driveAnswer{Payment: l.Decide.Payment, Gateway: gateway, Order: []string{gateway}, Propensity: 1}) != nil {
			return
		}
	}
}
