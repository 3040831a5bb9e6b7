package main

// policy is who decides. It is asked for each payment in order, and told each outcome when it becomes known.
type policy interface {
	choose(n int, p *payment) int
	learn(n int, p *payment, k int, r result)
}

// alarmed is a policy that can tell how often it took a gateway for ill, and for how many payments at most.
type alarmed interface{ alarms() (count, longest int) }

// measured is what one policy did in one world.
type measured struct {
	regret    float64 // % of the oracle's approvals
	auth      float64 // % of approvals, in truth
	netRegret float64 // % of the value that the best by value would have made
	cost      float64 // per approved payment
	leave     int     // payments until traffic had left the failing PSP; -1 when it is not measured
	back      int
	curve     []float64 // cumulated regret in payments, at every step of curveStep
	share     []float64 // of the hurt PSP, in steps of shareStep
	alarms    int       // how often a gateway was taken for ill, and for how many payments at most
	longest   int
}

const (
	curveStep = 500
	shareStep = 100
)

type news struct {
	n int
	k int8
	r result
}

// run plays the world to the policy.
func run(w *world, pol policy) measured {
	m := measured{leave: -1, back: -1}
	due := make([][]news, len(w.payments)+1)
	picks := make([]int8, len(w.payments))
	var best, got, regret, value, bestValue, cost float64
	counted := 0
	for n := range w.payments {
		for _, x := range due[n] {
			pol.learn(x.n, &w.payments[x.n], int(x.k), x.r)
		}
		due[n] = nil
		p := &w.payments[n]
		k := pol.choose(n, p)
		picks[n] = int8(k) //nolint:gosec // one of four
		r, lag := p.outcome(k)
		if at := n + 1 + lag; at < len(due) {
			due[at] = append(due[at], news{n, picks[n], r})
		}
		if n >= w.counted {
			counted++
			top := p.success(p.best())
			best, got, regret = best+top, got+p.success(k), regret+top-p.success(k)
			value, bestValue = value+w.value(n, k), bestValue+w.bestValue(n)
			cost += p.success(k)*w.fee(n, k) + attemptCost
		}
		if n%curveStep == 0 {
			m.curve = append(m.curve, regret)
		}
	}
	m.curve = append(m.curve, regret)
	m.regret, m.auth = 100*regret/best, 100*got/float64(counted)
	m.netRegret, m.cost = 100*(bestValue-value)/bestValue, cost/got
	m.share = shares(picks, w.hurt[0])
	if a, ok := pol.(alarmed); ok {
		m.alarms, m.longest = a.alarms()
	}
	if w.scenario.fails {
		m.leave, m.back = w.leaveAndBack(picks)
	}
	return m
}

func (w *world) bestValue(n int) float64 {
	best := w.value(n, 0)
	for k := 1; k < psps; k++ {
		best = max(best, w.value(n, k))
	}
	return best
}

func shares(picks []int8, k int) []float64 {
	var out []float64
	for from := 0; from+shareStep <= len(picks); from += shareStep {
		count := 0
		for _, x := range picks[from : from+shareStep] {
			if int(x) == k {
				count++
			}
		}
		out = append(out, float64(count)/shareStep)
	}
	return out
}

// How leaving and coming back are told: traffic has left from the first payment after which at most a tenth of the next
// hundred go to the failing PSP. It is back from the first payment after the end from which on, within two hundred, the PSP
// gets at least half of what the oracle sends there, or half of the share that the policy gave it before the trouble, whichever is
// less: nobody can come back to where he has not been. A policy that sent less than a tenth of the last thousand payments there
// before the trouble cannot be said to leave.
const (
	leaveWindow = 100
	leaveMost   = 10
	backWindow  = 200
	usedWindow  = 1_000
)

func (w *world) leaveAndBack(picks []int8) (leave, back int) {
	s, k := w.scenario, int8(w.hurt[0]) //nolint:gosec // one of four
	if len(picks) < s.to+backWindow {
		return -1, -1
	}
	used := 0
	for _, x := range picks[s.from-usedWindow : s.from] {
		if x == k {
			used++
		}
	}
	if used < usedWindow/10 {
		return -1, -1
	}
	leave, back = s.to-s.from, len(picks)-s.to
	usual := used * backWindow / usedWindow
	there := func(from, window int) (sent, ideal int) {
		for n := from; n < from+window; n++ {
			if picks[n] == k {
				sent++
			}
			if w.payments[n].best() == int(k) {
				ideal++
			}
		}
		return sent, ideal
	}
	for n := s.from; n+leaveWindow <= s.to; n++ {
		if sent, _ := there(n, leaveWindow); sent <= leaveMost {
			leave = n - s.from
			break
		}
	}
	for n := s.to; n+backWindow <= len(picks); n++ {
		if sent, ideal := there(n, backWindow); 2*sent >= min(ideal, usual) {
			back = n - s.to
			break
		}
	}
	return leave, back
}
