package router

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"switchyard/payments"
)

var (
	someCurrencies = []payments.Currency{"PHP", "IDR", "USD", "JPY", "KWD"}
	someProjects   = []string{"", "proj_a", "proj_b"}
	someIDs        = []string{"gway_conf_1", "gway_conf_2", "gway_conf_3", "gway_conf_4", "gway_conf_5", "gway_conf_6"}
	someStatuses   = []payments.MappingStatus{payments.MappingUsable, payments.MappingPending, payments.MappingFailed, payments.MappingUnusable}
)

func drawConfig(t *rapid.T) Config {
	c := Config{
		Priority:    rapid.SliceOf(rapid.SampledFrom(append([]string{"gway_conf_gone"}, someIDs...))).Draw(t, "priority"),
		MaxAttempts: rapid.IntRange(0, 7).Draw(t, "max attempts"),
	}
	for range rapid.IntRange(0, 8).Draw(t, "gateways") {
		limits := func(label string) map[payments.Currency]int64 {
			return rapid.MapOf(rapid.SampledFrom(someCurrencies), rapid.Int64Range(1, 1000)).Draw(t, label)
		}
		g := Gateway{
			ID: rapid.SampledFrom(someIDs).Draw(t, "id"), PSP: "psp", ProjectID: rapid.SampledFrom(someProjects).Draw(t, "owner"),
			Enabled: rapid.Bool().Draw(t, "enabled"), Incremental: rapid.Bool().Draw(t, "incremental"),
			Capabilities: payments.Capabilities{
				MinAmount: limits("min"), MaxAmount: limits("max"), AmountStep: limits("step"),
				NeedsCVC: rapid.Bool().Draw(t, "needs cvc"), NeedsCVCSaved: rapid.Bool().Draw(t, "needs cvc saved"),
				MerchantInitiated: rapid.Bool().Draw(t, "mit"), ManualCapture: rapid.Bool().Draw(t, "manual"), ZeroVerify: rapid.Bool().Draw(t, "zero"),
			},
		}
		if rapid.Bool().Draw(t, "some currencies only") {
			g.Capabilities.Currencies = rapid.SliceOf(rapid.SampledFrom(someCurrencies)).Draw(t, "currencies")
		}
		c.Gateways = append(c.Gateways, g)
	}
	return c
}

func drawFacts(t *rapid.T) payments.Facts {
	f := payments.Facts{
		ProjectID: rapid.SampledFrom(append([]string{"proj_c"}, someProjects...)).Draw(t, "project"),
		Operation: rapid.SampledFrom([]payments.Operation{payments.OpAuthorize, payments.OpSale, payments.OpVerify}).Draw(t, "operation"),
		Amount: payments.Money{
			Minor: rapid.Int64Range(0, 1000).Draw(t, "amount"), Currency: rapid.SampledFrom(append([]payments.Currency{""}, someCurrencies...)).Draw(t, "currency"),
		},
		HasCard: rapid.Bool().Draw(t, "card"), HasCVC: rapid.Bool().Draw(t, "cvc"), Incremental: rapid.Bool().Draw(t, "raise later"),
		Initiation: rapid.SampledFrom([]payments.Initiation{"", payments.CustomerInitiated, payments.MerchantInitiated}).Draw(t, "initiation"),
		BoundTo:    rapid.SampledFrom([]string{"", "", "", someIDs[0], "gway_conf_gone"}).Draw(t, "bound to"),
	}
	if rapid.Bool().Draw(t, "token") {
		f.Mappings = map[string]payments.Mapping{}
		for _, id := range rapid.SliceOf(rapid.SampledFrom(someIDs)).Draw(t, "mapped") {
			f.Mappings[id] = payments.Mapping{
				Status: rapid.SampledFrom(someStatuses).Draw(t, "status"), MethodRef: rapid.SampledFrom([]string{"", "pm_1"}).Draw(t, "method"),
			}
		}
	}
	return f
}

func drawHealth(t *rapid.T) Health {
	h := Health{}
	for _, id := range rapid.SliceOf(rapid.SampledFrom(someIDs)).Draw(t, "ill") {
		h[id] = Condition{Available: rapid.Bool().Draw(t, "available"), LastResort: rapid.Bool().Draw(t, "last resort"), Reason: rapid.SampledFrom([]string{"", "why"}).Draw(t, "reason")}
	}
	return h
}

// mayUse lists the gateway configurations of a project, each once, in the order of priority.
func mayUse(c *Config, project string) []Gateway {
	var list []Gateway
	seen := map[string]bool{}
	for _, g := range c.Gateways {
		if !seen[g.ID] && (g.ProjectID == "" || g.ProjectID == project) {
			list = append(list, g)
		}
		seen[g.ID] = true
	}
	rank := func(g Gateway) int {
		if i := slices.Index(c.Priority, g.ID); i >= 0 {
			return i
		}
		return len(c.Priority)
	}
	slices.SortStableFunc(list, func(a, b Gateway) int { return rank(a) - rank(b) })
	return list
}

func TestDecideProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c, facts, health := drawConfig(t), drawFacts(t), drawHealth(t)
		compiled, now := Compile(c), time.Unix(rapid.Int64Range(0, 1<<32).Draw(t, "now"), 0).UTC()
		decision := Decide(compiled, facts, View{Health: health}, now)
		c.Version = compiled.Version
		for _, again := range []payments.Decision{Decide(compiled, facts, View{Health: health}, now), Decide(&c, facts, View{Health: health}, now)} {
			if diff := cmp.Diff(decision, again); diff != "" {
				t.Fatalf("the same question has two answers:\n%s", diff)
			}
		}

		list := mayUse(&c, facts.ProjectID)
		if len(decision.Candidates) != len(list) {
			t.Fatalf("%d candidates of %d: %+v", len(decision.Candidates), len(list), decision)
		}
		checkVerdicts(t, decision, max(c.MaxAttempts, 1))
		checkOrder(t, decision, list, facts, health)
	})
}

// checkVerdicts: each candidate once, with a reason; the chosen one first, then fallbacks, then those left out.
func checkVerdicts(t *rapid.T, d payments.Decision, most int) {
	order, named := d.Order(), map[string]bool{}
	if len(order) > most {
		t.Fatalf("%d candidates may be tried, at most %d are allowed", len(order), most)
	}
	for i, candidate := range d.Candidates {
		want := payments.Excluded
		if i < len(order) {
			want = payments.Fallback
			if i == 0 {
				want = payments.Chosen
			}
		}
		if candidate.Verdict != want || candidate.Reason == "" || named[candidate.GatewayConfigurationID] {
			t.Fatalf("candidate %d of %d is %+v", i, len(order), candidate)
		}
		named[candidate.GatewayConfigurationID] = true
	}
}

// checkOrder: within each standing, the order is that of priority, and nobody who is unfit is tried.
func checkOrder(t *rapid.T, d payments.Decision, list []Gateway, f payments.Facts, h Health) {
	last := -1
	for _, tried := range d.Order() {
		i := slices.IndexFunc(list, func(g Gateway) bool { return g.ID == tried.GatewayConfigurationID })
		g, place := list[i], i
		condition, ill := h[g.ID]
		switch {
		case condition.LastResort:
			place += 2 * len(list)
		case f.Operation != payments.OpVerify || !g.Capabilities.ZeroVerify:
			place += len(list)
		}
		if place <= last {
			t.Fatalf("%s is out of order in %+v", g.ID, d)
		}
		last = place
		caps := g.Capabilities
		if !g.Enabled || ill && !condition.Available ||
			f.BoundTo != "" && f.BoundTo != g.ID ||
			f.Initiation == payments.MerchantInitiated && !caps.MerchantInitiated ||
			f.Operation == payments.OpAuthorize && !caps.ManualCapture ||
			f.Incremental && !g.Incremental ||
			caps.Currencies != nil && f.Amount.Currency != "" && !slices.Contains(caps.Currencies, f.Amount.Currency) ||
			!f.HasCard && f.Mappings[g.ID].MethodRef == "" {
			t.Fatalf("%s is tried and cannot: %+v", g.ID, d)
		}
	}
}
