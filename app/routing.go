package app

import (
	"log/slog"
	"time"

	"switchyard/config"
	"switchyard/flow"
	"switchyard/payments"
	"switchyard/router"
	"switchyard/router/rules"
)

// routingOf is the routing part of the configuration, as the router sees it.
func routingOf(c *config.Config, gateways []flow.Gateway) router.Config {
	routing := router.Config{Priority: c.Routing.Priority, MaxAttempts: c.Routing.MaxAttempts, Policy: c.Policy}
	if b := c.Routing.RetryBudget; b.Enabled {
		routing.Budget = router.Budget{PerDay: b.PerDay, Per30Days: b.Per30Days}
	}
	for _, g := range c.Gateways {
		routing.Gateways = append(routing.Gateways, router.Gateway{
			ID: g.ID, PSP: g.PSP, DisplayName: g.Provider.DisplayName, ProjectID: g.ProjectID, Name: g.Name, Enabled: g.Enabled,
			Incremental: g.Capabilities.Recovery[payments.OpIncrement] != (payments.Recovery{}), Page: hasPage(gateways, g.ID), MaxInFlight: g.MaxInFlight, Capabilities: g.Capabilities,
		})
	}
	return routing
}

// rulesGateways are the gateway configurations as rules see them.
func rulesGateways(routing *router.Config) []rules.Gateway {
	list := make([]rules.Gateway, 0, len(routing.Gateways))
	for i := range routing.Gateways {
		g := &routing.Gateways[i]
		list = append(list, rules.Gateway{
			ID: g.ID, Display: g.DisplayName, ProjectID: g.ProjectID, Enabled: g.Enabled, Incremental: g.Incremental, Page: g.Page, Capabilities: g.Capabilities,
		})
	}
	return list
}

// analyse looks for mistakes in a policy.
func analyse(policy *rules.Policy, routing *router.Config, now time.Time) []rules.Finding {
	world := rules.World{Gateways: rulesGateways(routing), MaxAttempts: routing.MaxAttempts, Now: now}
	seen := map[payments.Currency]bool{}
	for _, g := range world.Gateways {
		for _, currency := range g.Capabilities.Currencies {
			if !seen[currency] {
				seen[currency] = true
				world.Currencies = append(world.Currencies, currency)
			}
		}
	}
	return rules.Analyse(policy, world)
}

// NotInForce lists in sentences what a policy asks for and the program does not do, with or without a table of issuers.
func NotInForce(policy *rules.Policy, issuers bool) []string {
	var list []string
	doc := policy.Document()
	asked := map[string]bool{}
	for i := range doc.Rules {
		factsIn(doc.Rules[i].When, asked)
	}
	for i := range doc.Fees {
		for _, row := range doc.Fees[i].Rows {
			factsIn(row.When, asked)
		}
	}
	for _, fact := range issuerFacts {
		if asked[fact] && !issuers {
			list = append(list, fact+": nothing tells it of a card, so that it is unknown of every payment: give cards.iin_table in the configuration")
		}
	}
	return list
}

// issuerFacts are facts of a card that its number tells only with a table of issuers.
var issuerFacts = []string{"funding", "issuer_country"}

// factsIn notes the facts that a condition asks for.
func factsIn(c *rules.Condition, asked map[string]bool) {
	if c == nil {
		return
	}
	asked[c.Fact] = true
	for _, kid := range c.Kids {
		factsIn(kid, asked)
	}
}

// Routing is a policy with the gateway configurations that it is for: enough to look at it, without a store or a network.
type Routing struct {
	config   router.Config
	Policy   *rules.Policy
	Findings []rules.Finding // what is allowed and most likely a mistake
}

// ReadRouting reads a routing policy for the gateway configurations of c. The error is a *config.Faults when the policy has
// any.
func ReadRouting(c *config.Config, file string, text []byte) (*Routing, error) {
	gateways, err := openGateways(c, nil, slog.New(slog.DiscardHandler)) // only what they can do is asked
	if err != nil {
		return nil, err
	}
	r := &Routing{config: routingOf(c, gateways)}
	policy, faults := config.ReadPolicy(file, text, rulesGateways(&r.config))
	if faults != nil {
		return nil, faults
	}
	r.Policy, r.config.Policy = policy, policy
	r.Findings = analyse(policy, &r.config, time.Now())
	return r, nil
}

// Explain says where a payment would go now, with all gateway configurations in health: rule by rule, and candidate by
// candidate.
func (r *Routing) Explain(f payments.Facts) Explanation {
	facts := rules.FactsOf(&f)
	d := router.Decide(router.Compile(r.config), f, router.View{}, time.Now().UTC())
	e := explanationOf(&d)
	e.Trace = rules.Explain(r.Policy, &facts).String()
	return e
}
