package main

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"switchyard/crash"
)

// The short run: what every change has to pass. The long one is the command of this package.
const (
	shortRounds = 60
	shortSeed   = 1
	shortSettle = 5 * time.Second
	huntSwitch  = "SWITCHYARD_TEST_MUTANTS" // set: the planted bugs are hunted too, for minutes
)

// TestKilledGatewayKeepsItsPromise kills the gateway again and again, and finds nothing lost, doubled or forgotten.
func TestKilledGatewayKeepsItsPromise(t *testing.T) {
	if testing.Short() {
		t.Skip("kills the program for a while")
	}
	o := options{rounds: shortRounds, seed: shortSeed, settle: shortSettle, hasty: true, dir: t.TempDir()}
	var out bytes.Buffer
	err := check(t.Context(), &out, o)
	t.Log(out.String())
	if err != nil {
		t.Fatal(err)
	}
}

// TestPlantedBugsAreFound keeps the harness honest.
func TestPlantedBugsAreFound(t *testing.T) {
	if os.Getenv(huntSwitch) == "" {
		t.Skip("takes minutes; set " + huntSwitch)
	}
	var out bytes.Buffer
	err := hunt(t.Context(), &out, options{seed: shortSeed, settle: defaultSettle, dir: t.TempDir()}, "-")
	t.Log(out.String())
	if err != nil {
		t.Error(err)
	}
}

// TestPlantedBugsFit: every planted bug still finds its place in the sources, whether it is hunted now or not.
func TestPlantedBugsFit(t *testing.T) {
	t.Parallel()
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, m := range mutants {
		planted, err := m.overlay(root, dir)
		if err != nil {
			t.Errorf("%s: %v", m.name, err)
			continue
		}
		if list, err := os.ReadFile(planted.file); err != nil || strings.Count(string(list), dir) != len(files(m)) {
			t.Errorf("%s: the overlay is %s, %v", m.name, list, err)
		}
	}
	stale := mutant{name: "stale", edits: []edit{{"go.mod", "no such text", ""}}}
	if _, err := stale.overlay(root, dir); err == nil {
		t.Error("a text that is not there was replaced")
	}
	if _, err := os.Stat(filepath.Join(dir, "stale.json")); err == nil {
		t.Error("an overlay was written for it")
	}
}

func files(m mutant) []string {
	var names []string
	for _, e := range m.edits {
		names = append(names, e.file)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// TestPlan: the same seed is the same plan, another seed another; and every point, kind of story and fault comes up.
func TestPlan(t *testing.T) {
	t.Parallel()
	const rounds = 1000
	seen := map[string]bool{}
	different := 0
	for n := range rounds {
		r := plan(1, n)
		if !reflect.DeepEqual(r, plan(1, n)) {
			t.Fatalf("round %d is another one when planned again", n)
		}
		if !reflect.DeepEqual(r, plan(2, n)) {
			different++
		}
		point, _, _ := strings.Cut(r.death, ":")
		seen[point] = true
		for _, s := range r.stories {
			seen[string(s.kind)], seen[s.currency], seen[s.card] = true, true, true
		}
		for _, f := range r.faults {
			seen[f.Fault] = true
		}
		if r.killAt < earliestKill || r.killAt >= latestKill+pointPatience {
			t.Errorf("round %d is killed after %s", n, r.killAt)
		}
	}
	if different < rounds {
		t.Errorf("%d rounds of two seeds are the same", rounds-different)
	}
	want := append(crash.Points(), "", "random", declinedCard, "PHP", "IDR", "USD", "refuse")
	for _, k := range weighted {
		want = append(want, string(k))
	}
	for _, c := range choices {
		want = append(want, c.fault)
	}
	for _, w := range want {
		if !seen[w] {
			t.Errorf("%q is in no plan", w)
		}
	}
}
