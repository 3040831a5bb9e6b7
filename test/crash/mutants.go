package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// edit is one change to a source file. The old text must be there exactly once.
type edit struct{ file, old, new string }

// mutant is a bug that this program must find. It is planted with `go build -overlay`, which leaves the tree alone.
type mutant struct {
	name  string
	edits []edit
	finds []string // rules, of which at least one must be violated
}

// The bugs. Each breaks one sentence of the promise.
var mutants = []mutant{
	{
		name: "outcome-acknowledged-before-its-commit",
		edits: []edit{{
			"flow/draft.go",
			"	return e.ledger.Apply(ctx, d.change)\n",
			"	if d.answer != nil {\n		go func() { <-time.After(20 * time.Millisecond); _ = e.ledger.Apply(context.WithoutCancel(ctx), d.change) }()\n		return nil\n	}\n	return e.ledger.Apply(ctx, d.change)\n",
		}},
		finds: []string{lost},
	},
	{
		name: "intent-written-after-the-call",
		edits: []edit{
			{"flow/charge.go", "	final       payments.Snapshot // the answer\n}\n", "	final       payments.Snapshot // the answer\n	intended    *draft\n}\n"},
			{"flow/charge.go", "	if err := d.commit(ctx, e); err != nil {\n		if errors.Is(err, payments.ErrConflict) && first {\n", "	c.intended = d\n	if err := error(nil); err != nil {\n		if errors.Is(err, payments.ErrConflict) && first {\n"},
			{"flow/charge.go", "	r = e.guarded(ctx, a, e.gateways[a.GatewayConfigurationID].Timeout, call)\n	if !stateAfter(r).Open() {\n", "	r = e.guarded(ctx, a, e.gateways[a.GatewayConfigurationID].Timeout, call)\n	if err := c.intended.commit(ctx, e); err != nil {\n		return r, false, err\n	}\n	if !stateAfter(r).Open() {\n"},
			{"flow/send.go", "	merged := a.Refs.Merge(refs)\n	if merged == a.Refs {\n", "	merged := a.Refs.Merge(refs)\n	if a.Refs = merged; true {\n"},
		},
		finds: []string{noIntent},
	},
	{
		name: "intent-without-its-recovery-job",
		edits: []edit{{
			"flow/charge.go",
			"	d.change.Jobs = append(d.change.Jobs, askJob(&a, d.now.Add(e.gateways[a.GatewayConfigurationID].Timeout+leaseGrace), d.now))\n",
			"",
		}},
		finds: []string{openStill},
	},
	{
		name:  "unknown-treated-as-failed",
		edits: []edit{{"flow/effects.go", "			return payments.AttemptUnknown\n", "			return payments.AttemptFailed\n"}},
		finds: []string{failedCharge, tooEarly},
	},
	{
		name: "retried-elsewhere-after-unknown",
		edits: []edit{
			{"flow/charge.go", "	if !stateAfter(r).Open() {\n		return r, true, nil\n", "	if !stateAfter(r).Open() || r.Fault != nil {\n		return r, true, nil\n"},
			{"flow/charge.go", "payments.CanTryNext(r, cascades) && e.now()", "(payments.CanTryNext(r, cascades) || r.Fault != nil) && e.now()"},
		},
		finds: []string{doubleCharge, tooEarly},
	},
	{
		name: "key-claimed-after-the-call",
		edits: []edit{
			{"flow/draft.go", "		d.change.Claim = d.claim\n", "		claim := payments.Change{Claim: d.claim}\n		go func() { <-time.After(30 * time.Millisecond); _ = e.ledger.Apply(context.WithoutCancel(ctx), claim) }()\n"},
		},
		finds: []string{doneTwice, lost},
	},
	{
		name:  "hold-of-a-verification-without-its-release",
		edits: []edit{{"flow/settle.go", "		d.change.Jobs = append(d.change.Jobs, reverseJob(a, d.now))\n", ""}},
		finds: []string{unreleased},
	},
	{
		name: "absence-taken-for-proof",
		edits: []edit{
			{"flow/ask.go", "	if wait <= 0 || e.now().Sub(a.SentAt) <= wait {\n", "	if false {\n"},
			{"flow/ask.go", "	if a.Absences < confirmedAbsences {\n", "	if false {\n"},
		},
		finds: []string{failedCharge, doubleCharge, tooEarly, amounts},
	},
}

// Of a hunt: small runs, as many as it takes.
const (
	huntRounds = 60
	huntTries  = 3
)

// hunt plants each bug whose name holds a text, and checks that a run finds it.
func hunt(ctx context.Context, w io.Writer, o options, names string) error {
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	var missed []string
	for _, m := range mutants {
		if !strings.Contains(m.name, names) {
			continue
		}
		found, err := m.hunt(ctx, w, root, o)
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		if !found {
			missed = append(missed, m.name)
		}
	}
	if len(missed) > 0 {
		return fmt.Errorf("not found: %s", strings.Join(missed, ", "))
	}
	return nil
}

func (m mutant) hunt(ctx context.Context, w io.Writer, root string, o options) (bool, error) {
	planted, err := m.overlay(root, o.dir)
	if err != nil {
		return false, err
	}
	binary, err := build(ctx, o.dir, planted)
	if err != nil {
		return false, err
	}
	for try := range huntTries {
		own := options{rounds: huntRounds, seed: o.seed + uint64(try), settle: o.settle, binary: binary, dir: filepath.Join(o.dir, fmt.Sprintf("%s-%d", m.name, try)), quick: true}
		if err := os.Mkdir(own.dir, 0o700); err != nil {
			return false, err
		}
		r, err := run(ctx, own)
		if err != nil {
			return false, err
		}
		counts := map[string]int{}
		for _, v := range r.violations {
			counts[v.rule]++
		}
		hit := slices.ContainsFunc(m.finds, func(rule string) bool { return counts[rule] > 0 })
		_, _ = fmt.Fprintf(w, "%s: seed %d, %d rounds, %s: %v, found %t\n", m.name, own.seed, total(r.deaths), r.took.Round(100*1e6), counts, hit)
		if hit {
			return true, nil
		}
	}
	return false, nil
}

// overlay is a mutant as the go command takes it.
type overlay struct{ name, file string }

// overlay writes the changed files and the list of them. A text that is not in its file any more is an error: a bug that is not
// planted would be found by nobody.
func (m mutant) overlay(root, dir string) (*overlay, error) {
	replaced := map[string]string{}
	for _, e := range m.edits {
		path := filepath.Join(root, e.file)
		from, changed := replaced[path]
		if !changed {
			from = path
		}
		text, err := os.ReadFile(from)
		if err != nil {
			return nil, err
		}
		if n := strings.Count(string(text), e.old); n != 1 {
			return nil, fmt.Errorf("%s has %d times, and must have once:\n%s", e.file, n, e.old)
		}
		to := filepath.Join(dir, m.name+"-"+strings.ReplaceAll(e.file, "/", "-"))
		if err := os.WriteFile(to, []byte(strings.Replace(string(text), e.old, e.new, 1)), 0o600); err != nil {
			return nil, err
		}
		replaced[path] = to
	}
	list, err := json.Marshal(map[string]any{"Replace": replaced})
	if err != nil {
		return nil, err
	}
	o := &overlay{name: m.name, file: filepath.Join(dir, m.name+".json")}
	return o, os.WriteFile(o.file, list, 0o600)
}

// moduleRoot is the directory of go.mod, at or above the working directory.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	for err == nil {
		if _, missing := os.Stat(filepath.Join(dir, "go.mod")); missing == nil {
			return dir, nil
		}
		if filepath.Dir(dir) == dir {
			err = fmt.Errorf("no go.mod at or above the working directory")
		}
		dir = filepath.Dir(dir)
	}
	return "", err
}
