package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// The measures of a plot, in pixels.
const (
	plotWidth, plotHeight = 760, 420
	plotLeft, plotRight   = 60, 150
	plotTop, plotBottom   = 40, 50
)

var plotColours = [...]string{
	"#888888", "#bbbbbb", "#c49c94", "#9467bd", "#ff7f0e", "#ffbb78", "#d62728", "#2ca02c", "#17becf", "#bcbd22", "#1f4fd8", "#000000",
}

type line struct {
	name   string
	colour string
	ys     []float64
	width  float64
}

// plot writes for every world the cumulated regret over the payments, and for the worlds where a PSP fails the share of
// traffic that it gets.
func (r *results) plot(dir string) error {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("plots: %w", err)
	}
	for i, s := range r.worlds {
		regret := r.lines(i, func(m *measured) []float64 { return m.curve })
		name := filepath.Join(dir, "regret-"+s.name+".svg")
		if err := write(name, drawing("Lost approvals against the oracle: "+s.name, "payments", curveStep, regret)); err != nil {
			return err
		}
		if !s.fails {
			continue
		}
		share := r.lines(i, func(m *measured) []float64 { return m.share })
		from, to := (s.from-2_000)/shareStep, (s.to+6_000)/shareStep
		for j := range share {
			share[j].ys = share[j].ys[min(from, len(share[j].ys)):min(to, len(share[j].ys))]
		}
		title := fmt.Sprintf("Share of the failing PSP: %s, from 2,000 payments before", s.name)
		if err := write(filepath.Join(dir, "share-"+s.name+".svg"), drawing(title, "payments", shareStep, share)); err != nil {
			return err
		}
	}
	return nil
}

func write(name, content string) error {
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		return fmt.Errorf("plots: %w", err)
	}
	return nil
}

// lines are the means over the seeds.
func (r *results) lines(world int, of func(*measured) []float64) []line {
	list := make([]line, 0, len(r.entrants))
	for j, e := range r.entrants {
		l := line{name: e.name, colour: plotColours[j%len(plotColours)], width: 1.3}
		if strings.HasPrefix(e.name, "switchyard") {
			l.width = 2.6
		}
		seeds := r.measured[world][j]
		for i := range seeds {
			for at, y := range of(&seeds[i]) {
				if at >= len(l.ys) {
					l.ys = append(l.ys, 0)
				}
				l.ys[at] += y / float64(len(seeds))
			}
		}
		list = append(list, l)
	}
	return list
}

// drawing is an SVG of the lines; step is how much one place on the x axis stands for.
func drawing(title, xName string, step int, lines []line) string {
	var b strings.Builder
	longest, highest := 1, 1e-9
	for _, l := range lines {
		longest = max(longest, len(l.ys)-1)
		for _, y := range l.ys {
			highest = max(highest, y)
		}
	}
	x := func(i int) float64 {
		return plotLeft + float64(i)/float64(longest)*(plotWidth-plotLeft-plotRight)
	}
	y := func(v float64) float64 { return plotHeight - plotBottom - v/highest*(plotHeight-plotTop-plotBottom) }
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n", plotWidth, plotHeight)
	fmt.Fprintf(&b, `<rect width="100%%" height="100%%" fill="white"/><text x="%d" y="22" font-size="15">%s</text>`+"\n", plotLeft, title)
	for i := range 6 {
		v, at := highest*float64(i)/5, longest*i/5
		fmt.Fprintf(&b, `<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" stroke="#eee"/><text x="%d" y="%.1f" text-anchor="end">%.3g</text>`+"\n",
			plotLeft, plotWidth-plotRight, y(v), y(v), plotLeft-6, y(v)+4, v)
		fmt.Fprintf(&b, `<text x="%.1f" y="%d" text-anchor="middle">%d</text>`+"\n", x(at), plotHeight-plotBottom+18, at*step)
	}
	fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="middle">%s</text>`+"\n", (plotLeft+plotWidth-plotRight)/2, plotHeight-12, xName)
	for j, l := range lines {
		var points strings.Builder
		for i, v := range l.ys {
			fmt.Fprintf(&points, "%.1f,%.1f ", x(i), y(v))
		}
		fmt.Fprintf(&b, `<polyline fill="none" stroke="%s" stroke-width="%.1f" points="%s"/>`+"\n", l.colour, l.width, strings.TrimSpace(points.String()))
		fmt.Fprintf(&b, `<text x="%d" y="%d" fill="%s">%s</text>`+"\n", plotWidth-plotRight+10, plotTop+18*j+10, l.colour, l.name)
	}
	b.WriteString("</svg>\n")
	return b.String()
}
