package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
	"time"

	"switchyard/crash"
)

// maxEvidence bounds how many violations are told in full.
const maxEvidence = 20

// print tells what a run has come to.
func (r *result) print(out io.Writer) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	line := func(format string, args ...any) { _, _ = fmt.Fprintf(w, format+"\n", args...) }
	line("where the gateway died\ttimes")
	for _, point := range append(crash.Points(), killedOutside, killedIdle) {
		line("  %s\t%d", point, r.deaths[point])
	}
	line("\t")
	line("rounds\t%d (%d deaths before it was ready)", total(r.deaths), r.early)
	line("requests answered\t%d", r.requests)
	line("requests repeated\t%d", r.repeats)
	line("answers relied on\t%d, each asked for again at the end", r.answers)
	line("invoices\t%d", r.invoices)
	line("attempts\t%d", r.attempts)
	line("charges at the PSPs\t%d", r.charges)
	line("events delivered\t%d, %d of them more than once", r.events-r.count(unheard), r.heardAgain)
	line("open when all was repaired\t%d, and %d after %s", r.unresolved, r.open+r.count(openStill), r.settled.Round(time.Millisecond))
	line("left to an operator\t%d holds at a PSP that does not show holds", r.operators)
	line("took\t%s", r.took.Round(time.Second/10))
	line("\t")
	line("what must never be\ttimes")
	for _, rule := range rulesInOrder() {
		line("  %s\t%d", rule, r.count(rule))
	}
	line("\t")
	line("again with\tgo run ./test/crash -rounds %d -seed %d", r.rounds, r.seed)
	_ = w.Flush()
	for i, v := range r.violations {
		if i == maxEvidence {
			_, _ = fmt.Fprintf(out, "and %d more\n", len(r.violations)-i)
			break
		}
		_, _ = fmt.Fprintf(out, "%s: %s\n", v.rule, v.evidence)
	}
}

func (r *result) count(rule string) int {
	n := 0
	for _, v := range r.violations {
		if v.rule == rule {
			n++
		}
	}
	return n
}

func total(counts map[string]int) int {
	n := 0
	for _, of := range slices.Collect(maps.Values(counts)) {
		n += of
	}
	return n
}
