// Command routingbench measures how well a routing policy sends payments to the PSP that approves them, in worlds whose
// truth is known: twelve of them, each with a different kind of trouble. See docs/routing-benchmark.md.
//
//	go run ./test/routingbench                    all worlds and policies, 30 seeds
//	go run ./test/routingbench -worlds outage -policies DE,switchyard -seeds 5
//	go run ./test/routingbench -drive "switchyard routes drive --config FILE"
//	go run ./test/routingbench -tune              how the tuned policies got their parameters
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
)

// Seeds from firstSeed on are for the report; what was tuned was tuned on others.
const (
	firstSeed = 920_001
	tuneSeed  = 1_001
)

type options struct {
	seeds    int
	first    uint64
	worlds   string
	policies string
	out      string
	drive    string
	workers  int
	longest  int
	tune     bool
}

func main() {
	var o options
	flag.IntVar(&o.seeds, "seeds", 30, "how many seeds")
	flag.Uint64Var(&o.first, "first", firstSeed, "the first seed")
	flag.StringVar(&o.worlds, "worlds", "", "names of worlds, separated by commas; empty: all")
	flag.StringVar(&o.policies, "policies", "", "names of policies, separated by commas; empty: all")
	flag.StringVar(&o.out, "out", "", "directory for the plots")
	flag.StringVar(&o.drive, "drive", "", "a command that decides too, by JSON lines")
	flag.IntVar(&o.workers, "workers", runtime.NumCPU(), "seeds played at once")
	flag.IntVar(&o.longest, "longest", fullLength, "the most payments of a world")
	flag.BoolVar(&o.tune, "tune", false, "try the parameters of the tuned policies")
	flag.Parse()
	var report bytes.Buffer
	err := benchmark(&report, &o)
	if _, failed := report.WriteTo(os.Stdout); err == nil {
		err = failed
	}
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "routingbench:", err)
		os.Exit(1) //nolint:forbidigo // this is main
	}
}

func benchmark(w *bytes.Buffer, o *options) error {
	if o.seeds < 1 || o.workers < 1 {
		return errors.New("there must be a seed and a worker")
	}
	if o.tune {
		return tune(w, o)
	}
	var list []entrant
	for _, e := range entrants() {
		if wanted(o.policies, e.name) {
			list = append(list, e)
		}
	}
	if o.drive != "" {
		list = append(list, entrant{name: "driven", about: o.drive, make: func(*world) policy { return newDriven(o.drive) }})
	}
	var priced []entrant
	for _, e := range pricedEntrants() {
		if wanted(o.policies, e.name) {
			priced = append(priced, e)
		}
	}
	table := &results{entrants: list, seeds: o.seeds}
	money := &results{entrants: priced, seeds: o.seeds}
	for _, s := range scenarios() {
		if !wanted(o.worlds, s.name) {
			continue
		}
		byEntrant, err := play(&s, list, o)
		if err != nil {
			return err
		}
		table.add(s, byEntrant)
		if s.name == "stationary" || s.name == "outage" || s.name == "cost_shock" {
			if byEntrant, err = play(&s, priced, o); err != nil {
				return err
			}
			money.add(s, byEntrant)
		}
	}
	if len(table.worlds) == 0 {
		return errors.New("no such world")
	}
	table.report(w)
	money.reportMoney(w)
	if o.out != "" {
		return table.plot(o.out)
	}
	return nil
}

// play lets every entrant play all seeds of the scenario; the first index is the entrant.
func play(s *scenario, list []entrant, o *options) ([][]measured, error) {
	all := make([][]measured, len(list))
	for i := range all {
		all[i] = make([]measured, o.seeds)
	}
	errs := make([]error, o.seeds)
	seeds := make(chan int)
	var workers sync.WaitGroup
	for range min(o.workers, o.seeds) {
		workers.Go(func() {
			for seed := range seeds {
				w := newWorld(s, o.first+uint64(seed), o.longest) //nolint:gosec // a small positive number
				for i, e := range list {
					all[i][seed], errs[seed] = playOne(w, e)
					if errs[seed] != nil {
						break
					}
				}
			}
		})
	}
	for seed := range o.seeds {
		seeds <- seed
	}
	close(seeds)
	workers.Wait()
	return all, errors.Join(errs...)
}

// closer is a policy that can tell afterwards that it has failed. What it did is void then.
type closer interface{ close() error }

func playOne(w *world, e entrant) (measured, error) {
	pol := e.make(w)
	m := run(w, pol)
	if c, ok := pol.(closer); ok {
		return m, c.close()
	}
	return m, nil
}

// tune prints the mean regret of every point of every grid.
func tune(w *bytes.Buffer, o *options) error {
	at := *o
	at.first = tuneSeed
	for _, g := range grids() {
		var list []entrant
		for _, p := range g.points {
			list = append(list, entrant{make: func(w *world) policy { return g.make(w, p[0], p[1]) }})
		}
		sums := make([]float64, len(list))
		worlds := 0
		for _, s := range scenarios() {
			if !wanted(o.worlds, s.name) {
				continue
			}
			worlds++
			byEntrant, err := play(&s, list, &at)
			if err != nil {
				return err
			}
			for i, seeds := range byEntrant {
				sums[i] += meanOf(seeds, func(m *measured) float64 { return m.regret })
			}
		}
		best := 0
		for i := range sums {
			if sums[i] < sums[best] {
				best = i
			}
		}
		for i, p := range g.points {
			mark := ""
			if i == best {
				mark = "  <- best"
			}
			fmt.Fprintf(w, "%-28s %8g %8g  %.3f%s\n", g.name, p[0], p[1], sums[i]/float64(max(worlds, 1)), mark)
		}
	}
	return nil
}

func meanOf(seeds []measured, of func(*measured) float64) float64 {
	mean, _ := intervalOf(seeds, of)
	return mean
}

// intervalOf is the mean over the seeds in which the figure was measured (is not negative), and half its 95 % interval.
func intervalOf(seeds []measured, of func(*measured) float64) (mean, half float64) {
	var xs []float64
	for i := range seeds {
		if x := of(&seeds[i]); x >= 0 {
			xs = append(xs, x)
		}
	}
	return interval(xs)
}

// results are all measurements, by world and entrant.
type results struct {
	entrants []entrant
	seeds    int
	worlds   []scenario
	measured [][][]measured // world, entrant, seed
}

func (r *results) add(s scenario, byEntrant [][]measured) {
	r.worlds = append(r.worlds, s)
	r.measured = append(r.measured, byEntrant)
}

func (r *results) report(w *bytes.Buffer) {
	if len(r.entrants) == 0 {
		return
	}
	fmt.Fprintf(w, "Regret against the oracle, %% of its approvals; mean of %d seeds ± half the 95 %% interval.\n\n", r.seeds)
	r.header(w, "world")
	means := make([]float64, len(r.entrants))
	for i, s := range r.worlds {
		cells := []string{s.name}
		for j := range r.entrants {
			mean, half := intervalOf(r.measured[i][j], func(m *measured) float64 { return m.regret })
			means[j] += mean / float64(len(r.worlds))
			cells = append(cells, fmt.Sprintf("%.2f ±%.2f", mean, half))
		}
		row(w, cells)
	}
	cells := []string{"**mean**"}
	for _, m := range means {
		cells = append(cells, fmt.Sprintf("**%.2f**", m))
	}
	row(w, cells)

	fmt.Fprint(w, "\nPayments until traffic has left a failing PSP, and until it is back: mean (median).\n\n")
	r.header(w, "")
	for _, what := range []string{"leave", "back"} {
		for i, s := range r.worlds {
			if !s.fails {
				continue
			}
			cells := []string{what + ": " + s.name}
			for j := range r.entrants {
				cells = append(cells, meanAndMedian(r.measured[i][j], func(m *measured) float64 {
					if what == "leave" {
						return float64(m.leave)
					}
					return float64(m.back)
				}))
			}
			row(w, cells)
		}
	}
	r.reportAlarms(w)
}

// reportAlarms tells of the policies that take gateways for ill how often they did where nothing happens.
func (r *results) reportAlarms(w *bytes.Buffer) {
	for i, s := range r.worlds {
		if s.name != "stationary" {
			continue
		}
		for j, e := range r.entrants {
			count, longest, told := 0, 0, false
			for _, m := range r.measured[i][j] {
				count, longest = count+m.alarms, max(longest, m.longest)
				told = told || m.alarms > 0
			}
			if told || strings.HasPrefix(e.name, "switchyard") {
				fmt.Fprintf(w, "\nFalse alarms of %s in stationary: %d in %d seeds, the longest for %d payments.\n", e.name, count, r.seeds, longest)
			}
		}
	}
}

func (r *results) reportMoney(w *bytes.Buffer) {
	if len(r.worlds) == 0 || len(r.entrants) == 0 {
		return
	}
	fmt.Fprintf(w, "\nWith money: margin %.0f %%, fees as in the worlds.\n\n", 100*margin)
	r.header(w, "world, figure")
	for i, s := range r.worlds {
		for _, f := range []struct {
			name, format string
			of           func(*measured) float64
		}{
			{"net value regret %", "%.2f", func(m *measured) float64 { return m.netRegret }},
			{"approved %", "%.2f", func(m *measured) float64 { return m.auth }},
			{"cost per approved", "%.3f", func(m *measured) float64 { return m.cost }},
		} {
			cells := []string{s.name + ", " + f.name}
			for j := range r.entrants {
				cells = append(cells, fmt.Sprintf(f.format, meanOf(r.measured[i][j], f.of)))
			}
			row(w, cells)
		}
	}
}

func (r *results) header(w *bytes.Buffer, first string) {
	cells, line := []string{first}, []string{"---"}
	for _, e := range r.entrants {
		cells, line = append(cells, e.name), append(line, "---:")
	}
	row(w, cells)
	row(w, line)
}

func row(w *bytes.Buffer, cells []string) { fmt.Fprintln(w, "| "+strings.Join(cells, " | ")+" |") }

// meanAndMedian writes the mean over the seeds in which the figure was measured, and their median: a single seed can move
// the mean a lot.
func meanAndMedian(seeds []measured, of func(*measured) float64) string {
	var xs []float64
	for i := range seeds {
		if x := of(&seeds[i]); x >= 0 {
			xs = append(xs, x)
		}
	}
	if len(xs) == 0 {
		return "–"
	}
	slices.Sort(xs)
	mean, _ := interval(xs)
	return fmt.Sprintf("%.0f (%.0f)", mean, (xs[(len(xs)-1)/2]+xs[len(xs)/2])/2)
}
