package learn

import "math"

// temperature narrows the beliefs before they compete: below 1 there is less exploration than in proportion to the
// probability of being best (Thompson sampling has 1).
const temperature = 0.4

// contenders is how many candidates compete for exploration; the others have no chance worth mentioning.
const contenders = 8

// Nodes and weights of Gauss–Hermite quadrature for the standard normal distribution, 9 points.
var (
	hermiteNodes   = [...]float64{-4.512745863399783, -3.205429002856470, -2.076847978677830, -1.023255663789133, 0, 1.023255663789133, 2.076847978677830, 3.205429002856470, 4.512745863399783}
	hermiteWeights = [...]float64{2.234584400774658e-5, 2.789141321231769e-3, 4.991640676521788e-2, 2.440975028949394e-1, 4.063492063492064e-1, 2.440975028949394e-1, 4.991640676521788e-2, 2.789141321231769e-3, 2.234584400774658e-5}
)

// beliefShares writes into Propensity how probable it is that each candidate other than the best is the best in truth,
// under independent normal beliefs of the values, and returns their sum. The integral over a candidate's own value is
// done by quadrature, so that the shares are smooth in the beliefs and need no random numbers.
func beliefShares(stands []stand, best int) float64 {
	var chosen [contenders]int
	n := 1
	chosen[0] = best
	top := &stands[best]
	for i := range stands {
		s := &stands[i]
		if i == best || s.ranked.Impaired || !s.eligible {
			continue
		}
		spread := temperature * math.Hypot(s.sd, top.sd)
		if spread <= 0 || (top.ranked.Value-s.ranked.Value)/spread > 4 {
			continue
		}
		if n < contenders {
			chosen[n] = i
			n++
			continue
		}
		worst := 1
		for j := 2; j < n; j++ {
			if hope(&stands[chosen[j]]) < hope(&stands[chosen[worst]]) {
				worst = j
			}
		}
		if hope(s) > hope(&stands[chosen[worst]]) {
			chosen[worst] = i
		}
	}
	total, explored := 0.0, 0.0
	for _, i := range chosen[:n] {
		p := 0.0
		for node, x := range hermiteNodes {
			value := stands[i].ranked.Value + temperature*stands[i].sd*x
			above := hermiteWeights[node]
			for _, j := range chosen[:n] {
				if j != i {
					above *= normal((value - stands[j].ranked.Value) / (temperature*stands[j].sd + 1e-12))
				}
			}
			p += above
		}
		stands[i].ranked.Propensity = p
		total += p
	}
	for _, i := range chosen[1:n] {
		stands[i].ranked.Propensity /= max(total, 1e-12)
		explored += stands[i].ranked.Propensity
	}
	return explored
}

// hope is an upper bound of a candidate's value, to find the contenders.
func hope(s *stand) float64 { return s.ranked.Value + 2*s.sd }
