package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"switchyard/crash"
)

// The size of a round.
const (
	storiesPerRound = 8
	faultsLast      = 4 // rounds, before others are set
	earliestKill    = 10 * time.Millisecond
	latestKill      = 160 * time.Millisecond
	pointPatience   = 250 * time.Millisecond // more, for a life that is to end at a point
)

// kind is what a merchant does in a story.
type kind string

// The kinds of stories. Each step is a request with an idempotency key of its own.
const (
	sale        kind = "sale"
	saleRefunds kind = "sale, two refunds"
	hold        kind = "hold"
	holdCapture kind = "hold, capture, refund"
	holdPart    kind = "hold, partial capture"
	holdVoid    kind = "hold, void"
	verify      kind = "verify"
	saveCard    kind = "sale that saves the card"
)

// weighted lists the kinds as often as they are to come.
var weighted = []kind{sale, sale, saleRefunds, saleRefunds, saleRefunds, hold, holdCapture, holdCapture, holdPart, holdVoid, verify, verify, saveCard}

// Cards that every simulator knows.
const (
	goodCard     = "4242424242424242"
	declinedCard = "4000000000000002"
)

// story is one merchant's doing, planned.
type story struct {
	number   int
	kind     kind
	currency string
	major    int64 // the amount, in whole units of the currency
	saved    bool  // pays with a saved token, else with a new card
	card     string
}

// fault is what the simulators are told to do wrong.
type fault struct {
	PSP       string  `json:"psp"`
	Operation string  `json:"operation"`
	Fault     string  `json:"fault"`
	Rate      float64 `json:"rate"`
	DelayMS   int     `json:"delay_ms"`
}

// round is one life of the gateway, planned.
type round struct {
	number  int
	death   string        // for crash.Variable; empty: killed from outside alone
	killAt  time.Duration // after it was ready, when it still lives
	stories []story
	faults  []fault // of this round and those after it; nil: as before
}

// plan makes round n of a seed, without the rounds before it.
func plan(seed uint64, n int) round {
	random := rand.New(rand.NewPCG(seed, uint64(n)))
	r := round{number: n, death: deathOf(random), killAt: earliestKill + time.Duration(random.Int64N(int64(latestKill-earliestKill)))}
	if r.death != "" {
		r.killAt += pointPatience
	}
	for i := range storiesPerRound {
		s := story{number: n*storiesPerRound + i, kind: weighted[random.IntN(len(weighted))], major: 20 + random.Int64N(400), saved: random.IntN(3) == 0, card: goodCard}
		s.currency = []string{"PHP", "PHP", "PHP", "IDR", "USD"}[random.IntN(5)]
		if s.currency == "IDR" {
			s.major *= 1000
		}
		if random.IntN(12) == 0 && !s.saved {
			s.card = declinedCard
		}
		r.stories = append(r.stories, s)
	}
	if n%faultsLast == 0 {
		r.faults = faultsOf(random)
	}
	return r
}

// deathOf chooses where the gateway dies: mostly at a point, sometimes at any point, sometimes from outside.
func deathOf(random *rand.Rand) string {
	points := crash.Points()
	if random.IntN(4) > 0 { // merchants' events are delivered seldom: most points are of payments
		points = slices.DeleteFunc(points, func(p string) bool { return strings.HasPrefix(p, "delivery-") })
	}
	switch n := random.IntN(20); {
	case n < 15:
		return fmt.Sprintf("%s:%d", points[random.IntN(len(points))], 1+min(random.IntN(4), random.IntN(4)))
	case n < 18:
		return fmt.Sprintf("random:%d:%.3f", random.Uint32(), 0.01+0.1*random.Float64())
	}
	return ""
}

// choice is a fault with the operations that it may befall.
type choice struct {
	fault      string
	operations []string
	maxDelay   int // ms
}

// Webhooks are not lost for good: of a hold at a PSP that shows none, nobody could ever know then.
var (
	moving  = []string{"authorize", "authorize", "capture", "void", "refund", "*"}
	any1    = []string{"*", "prepare", "authorize", "lookup", "tokenize", "verify", "refund", "capture"}
	choices = []choice{
		{"timeout", moving, 0},
		{"reset", any1, 0},
		{"error_500", any1, 0},
		{"charge_then_500", moving, 0},
		{"charge_then_500", moving, 0},
		{"charge_then_reset", moving, 0},
		{"charge_then_timeout", moving, 0},
		{"cut_body", moving, 0},
		{"charge_late", []string{"authorize", "capture", "refund"}, 2000},
		{"slow_visibility", []string{"authorize", "capture", "refund"}, 2000},
		{"slow", any1, 80},
		{"slow", []string{"*"}, 80},
		{"slow", []string{"*"}, 80},
		{"decline_soft", []string{"authorize"}, 0},
		{"throttle_429", any1, 0},
		{"unauthorized_401", []string{"*"}, 0},
		{"duplicate", []string{"webhook"}, 0},
		{"out_of_order", []string{"webhook"}, 0},
	}
)

// faultsOf chooses up to four faults. An empty list is a choice too: nothing goes wrong then but the gateway itself.
func faultsOf(random *rand.Rand) []fault {
	list := []fault{}
	for range random.IntN(4) {
		c := choices[random.IntN(len(choices))]
		f := fault{PSP: "*", Operation: c.operations[random.IntN(len(c.operations))], Fault: c.fault, Rate: 0.1 + 0.4*random.Float64()}
		if random.IntN(2) == 0 {
			f.PSP = []string{"processout", "xendit", "paymongo", "pivot"}[random.IntN(4)]
		}
		if c.maxDelay > 0 {
			f.DelayMS = 1 + random.IntN(c.maxDelay)
		}
		list = append(list, f)
	}
	if random.IntN(6) == 0 {
		list = append(list, fault{PSP: "processout", Operation: "*", Fault: "refuse", Rate: 1}) // what comes first is not there
	}
	return list
}
