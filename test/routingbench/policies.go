package main

import (
	"math"
	"strings"
)

// entrant is a policy that can be measured.
type entrant struct {
	name  string
	about string
	make  func(w *world) policy
	free  bool // its parameters were tuned on the tuning seeds
}

// What the tuning on the seeds from tuneSeed on chose; -tune shows the grid.
const (
	tunedEpsilon, tunedEpsilonDecay   = 0.02, 0.99
	tunedSize, tunedHedging           = 200, 0.02
	tunedWindow, tunedWindowBonus     = 2_000, 0.2
	tunedDiscount, tunedDiscountBonus = 0.999, 0.1
	tunedThompson, tunedThompsonPrior = 0.999, 20.0
)

func entrants() []entrant {
	return []entrant{
		{name: "static", about: "the PSP with the best true average of day one", make: newFixed},
		{name: "rules@t0", about: "the truly best PSP of day one, per segment", make: newRules},
		{name: "round-robin", about: "one after the other", make: func(*world) policy { return roundRobin{} }},
		{name: "eps-greedy*", about: "decayed means per segment, uniform exploration", free: true, make: func(w *world) policy {
			return &epsilonGreedy{epsilon: tunedEpsilon, decay: tunedEpsilonDecay, dice: dice(w, 1)}
		}},
		{name: "DE", about: "decision-engine's success-rate routing, defaults", make: func(w *world) policy {
			return newSuccessRate(w, srSize, srHedging, false)
		}},
		{name: "DE-auto", about: "the same with its autopilot", make: func(w *world) policy {
			return newSuccessRate(w, srSize, srHedging, true)
		}},
		{name: "DE*", about: "the same, tuned", free: true, make: func(w *world) policy {
			return newSuccessRate(w, tunedSize, tunedHedging, false)
		}},
		{name: "SW-UCB*", about: "sliding-window UCB per segment", free: true, make: func(*world) policy {
			return &slidingUCB{window: tunedWindow, bonus: tunedWindowBonus}
		}},
		{name: "D-UCB*", about: "discounted UCB per segment", free: true, make: func(*world) policy {
			return &discountedUCB{discount: tunedDiscount, bonus: tunedDiscountBonus}
		}},
		{name: "dTS*", about: "discounted Thompson sampling per segment", free: true, make: func(w *world) policy {
			return &discountedThompson{discount: tunedThompson, prior: tunedThompsonPrior, dice: dice(w, 2)}
		}},
		{name: "switchyard", about: "the router as it ships, with worlds.yaml", make: func(w *world) policy { return newEngine(w, false) }},
	}
}

// pricedEntrants are the policies of the table in which money counts.
func pricedEntrants() []entrant {
	var list []entrant
	for _, e := range entrants() {
		switch e.name {
		case "static", "DE", "SW-UCB*", "switchyard":
			list = append(list, e)
		}
	}
	return append(list,
		entrant{name: "DE+EV", about: "decision-engine with its cost step", make: func(w *world) policy {
			s := newSuccessRate(w, srSize, srHedging, false)
			s.priced = w
			return s
		}},
		entrant{name: "switchyard+EV", about: "the same with fees and margin", make: func(w *world) policy { return newEngine(w, true) }})
}

// grid is one family of policies with the parameters to try.
type grid struct {
	name   string
	points [][2]float64
	make   func(w *world, x, y float64) policy
}

func cross(xs, ys []float64) (points [][2]float64) {
	for _, x := range xs {
		for _, y := range ys {
			points = append(points, [2]float64{x, y})
		}
	}
	return points
}

func grids() []grid {
	return []grid{
		{
			"eps-greedy*: epsilon, decay", cross([]float64{0.02, 0.05, 0.1}, []float64{0.99, 0.995, 0.998}),
			func(w *world, x, y float64) policy { return &epsilonGreedy{epsilon: x, decay: y, dice: dice(w, 1)} },
		},
		{
			"DE*: window, hedging", cross([]float64{100, 200, 400, 800}, []float64{0.02, 0.05, 0.1}),
			func(w *world, x, y float64) policy { return newSuccessRate(w, int(x), y, false) },
		},
		{
			"SW-UCB*: window, bonus", cross([]float64{500, 1000, 2000, 4000}, []float64{0.05, 0.1, 0.2, 0.4}),
			func(_ *world, x, y float64) policy { return &slidingUCB{window: int(x), bonus: y} },
		},
		{
			"D-UCB*: discount, bonus", cross([]float64{0.995, 0.998, 0.999, 0.9995}, []float64{0.05, 0.1, 0.2, 0.4}),
			func(_ *world, x, y float64) policy { return &discountedUCB{discount: x, bonus: y} },
		},
		{
			"dTS*: discount, prior", cross([]float64{0.995, 0.998, 0.999, 0.9995}, []float64{1, 5, 20}),
			func(w *world, x, y float64) policy {
				return &discountedThompson{discount: x, prior: y, dice: dice(w, 2)}
			},
		},
	}
}

// mean and the half width of its 95 % interval.
func interval(xs []float64) (mean, half float64) {
	n := float64(len(xs))
	if n == 0 {
		return math.NaN(), 0
	}
	for _, x := range xs {
		mean += x / n
	}
	if n < 2 {
		return mean, 0
	}
	square := 0.0
	for _, x := range xs {
		square += (x - mean) * (x - mean)
	}
	return mean, student(int(n)-1) * math.Sqrt(square/(n-1)/n)
}

// student is the 97.5 % quantile of Student's t, close enough for a table.
func student(freedom int) float64 {
	f := float64(freedom)
	return 1.96 + 2.37/f + 2.82/(f*f) + 2.5/(f*f*f)
}

func wanted(list, name string) bool {
	if list == "" {
		return true
	}
	for part := range strings.SplitSeq(list, ",") {
		if strings.TrimSpace(part) == name {
			return true
		}
	}
	return false
}
