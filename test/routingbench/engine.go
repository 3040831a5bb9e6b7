package main

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"time"

	"switchyard/payments"
	"switchyard/router"
	"switchyard/router/drive"
	"switchyard/router/learn"
	"switchyard/router/rules"
)

// worldsPolicy is the routing policy of the benchmark, the same that `switchyard routes drive` is given.
//
//go:embed worlds.yaml
var worldsPolicy string

// engine is the router as it is in production: its decisions, and its learning from outcomes.
type engine struct {
	w         *world
	router    *router.Router
	decisions []payments.Decision
	ev        bool
	now       time.Time
	illFrom   [psps]int // since when the gateway is taken for ill; 0: it is not
	count     int
	longest   int
	err       error
}

var gatewayNames = [psps]string{"alpha", "bravo", "charlie", "delta"}

var schemeNames = [schemes]payments.Scheme{payments.SchemeVisa, payments.SchemeMastercard, payments.SchemeAmex}

var regionNames = [regions]string{"DE", "GB", "US", "BR"}

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// every is the time between two payments.
const every = 900 * time.Millisecond // 4,000 an hour

func at(n int) time.Time { return epoch.Add(time.Duration(n) * every) }

// newEngine makes a router for one world. With ev it knows fees and margin, too.
func newEngine(w *world, ev bool) *engine {
	e := &engine{w: w, decisions: make([]payments.Decision, len(w.payments)), ev: ev}
	e.router = router.New(e.config(0), router.Settings{Now: func() time.Time { return e.now }})
	return e
}

// config is the configuration from payment n on. Its policy is not used when there was a fault, which close tells.
func (e *engine) config(n int) *router.Config {
	var text strings.Builder
	text.WriteString(worldsPolicy)
	if e.ev {
		fmt.Fprintf(&text, "objective: {margin_bps: %.0f, max_auth_loss_bps: 1000}\nfees:\n", fullBPS*margin)
		for k, name := range gatewayNames {
			fixed, bps := e.w.fees(n, k)
			fmt.Fprintf(&text, "  %s: [{attempt: \"%.2f EUR\", rows: [{blended: {bps: %.0f, fixed: \"%.2f EUR\"}}]}]\n", name, attemptCost, bps, fixed)
		}
	}
	doc, _ := rules.Decode("worlds.yaml", []byte(text.String()))                                 // Compile reports these faults again
	c := router.Config{Version: "worlds.yaml", Gateways: drive.Gateways(doc), MaxAttempts: psps} // a name of its own: dice that no change of the program turns
	known := make([]rules.Gateway, len(c.Gateways))
	for i := range c.Gateways {
		known[i].ID = c.Gateways[i].ID
	}
	policy, faults := rules.Compile(doc, known)
	if len(faults) > 0 {
		e.err = faults
	}
	c.Policy = policy
	return router.Compile(c)
}

func (e *engine) close() error { return e.err }

const fullBPS = 10_000

func (e *engine) choose(n int, p *payment) int {
	e.now = at(n)
	if e.ev && n == costShockAt {
		e.router.Swap(e.config(n))
	}
	facts := describe(n, p)
	facts.InvoiceID += "_" + strconv.FormatUint(e.w.seed, 10) // dice of its own in each world
	d := e.router.Decide(facts)
	e.decisions[n] = d
	for _, c := range d.Candidates {
		k := gatewayNumber(c.GatewayConfigurationID)
		switch {
		case c.Estimate != nil && c.Estimate.Impaired && e.illFrom[k] == 0:
			e.illFrom[k] = n
			e.count++
		case c.Estimate != nil && !c.Estimate.Impaired:
			e.illFrom[k] = 0
		}
		if from := e.illFrom[k]; from > 0 {
			e.longest = max(e.longest, n-from)
		}
	}
	return gatewayNumber(d.Candidates[0].GatewayConfigurationID)
}

func gatewayNumber(name string) int {
	for k := range gatewayNames {
		if gatewayNames[k] == name {
			return k
		}
	}
	return 0
}

func (e *engine) alarms() (count, longest int) { return e.count, e.longest }

// describe says of the payment what a router knows.
func describe(n int, p *payment) payments.Facts {
	s, a := p.segment/regions, p.segment%regions
	return payments.Facts{
		InvoiceID: paymentName(n), Operation: payments.OpSale, HasCard: true, HasCVC: true,
		Scheme: schemeNames[s], Funding: "credit", CardCountry: regionNames[a], IIN: strconv.Itoa(400_000 + 10*p.segment + p.iin),
		Amount: payments.Money{Minor: int64(100 * p.amount), Currency: "EUR"},
	}
}

func paymentName(n int) string { return "pay_" + strconv.Itoa(n) }

func (e *engine) learn(n int, _ *payment, k int, r result) {
	e.router.Observe(&e.decisions[n], learn.Outcome{Gateway: gatewayNames[k], Result: outcomeOf(r), Unknown: r == timedOut})
	e.decisions[n] = payments.Decision{}
}

func outcomeOf(r result) payments.Result {
	switch r {
	case approved:
		return payments.Result{Outcome: payments.Outcome{Status: payments.Approved}}
	case declined:
		return payments.Result{Outcome: payments.Outcome{Status: payments.Declined, Code: payments.CardDoNotHonor}}
	case technical:
		return payments.Result{Outcome: payments.Outcome{Status: payments.Declined, Code: payments.GatewayMaintenance}}
	case timedOut:
	}
	return payments.Result{}
}
