package rules

import (
	"slices"
	"strings"

	"switchyard/payments"
)

// maxPieces bounds what is left of a method and currency while rules are taken off it.
const maxPieces = 500

// coverage reports methods and currencies that no route takes.
func (a *analyser) coverage() {
	for _, m := range a.world.Methods {
		var without []string
		for _, c := range a.world.Currencies {
			if a.usable(m, c, nil) && !a.routed(m, c) {
				without = append(without, string(c))
			}
		}
		if len(without) > 0 {
			a.report(a.policy.doc.Default.at, SeverityError, CodeNoRoute, "", "payments by "+string(m)+" in "+
				strings.Replace(listOf(without), " or ", " and ", 1)+" have no route, although a gateway configuration takes them")
		}
	}
}

// usable says that one of some gateway configurations, nil for all, takes a method in a currency.
func (a *analyser) usable(m Method, c payments.Currency, ids []string) bool {
	return slices.ContainsFunc(a.world.Gateways, func(g Gateway) bool {
		return (ids == nil || slices.Contains(ids, g.ID)) && a.takesPair(&g, m, c)
	})
}

func (a *analyser) takesPair(g *Gateway, m Method, c payments.Currency) bool {
	s := a.policy.settings[g.ID]
	if s == nil {
		s = &GatewaySettings{}
	}
	return len(a.boxes[g.ID]) > 0 && slices.Contains(g.methods(s, a.world), string(m)) && g.takesCurrency(s, c)
}

// routed says that some payment by a method in a currency finds a gateway configuration, or is blocked on purpose.
func (a *analyser) routed(m Method, c payments.Currency) bool {
	b := box{index: a.index}
	b.allow(factMethod, string(m))
	b.allowMoney(Range{Currency: c, Least: noLeast, Most: noMost})
	left := []clause{b.made}
	for i := range a.policy.doc.Rules {
		r := &a.policy.doc.Rules[i]
		boxes := a.index.boxesOf(i)
		common := meetAll(left, boxes)
		switch {
		case len(common) == 0:
			continue
		case r.Route.Kind == RouteBlock || a.routeTakes(&r.Route, m, c, common):
			return true
		case !r.Fail:
			continue
		}
		for _, box := range boxes {
			var rest []clause
			for _, piece := range left {
				if piece.meets(box) {
					rest = append(rest, a.prover.without(piece, box)...)
				} else {
					rest = append(rest, piece)
				}
			}
			if left = rest; len(left) > maxPieces {
				return true // not known: no alarm
			}
		}
	}
	return a.policy.doc.Default.Kind == RouteBlock || len(left) > 0 && a.routeTakes(&a.policy.doc.Default, m, c, left)
}

// routeTakes says that a gateway configuration of the route takes some of the payments.
func (a *analyser) routeTakes(r *Route, m Method, c payments.Currency, boxes []clause) bool {
	targets, _ := r.targets()
	if r.Kind == RouteSmart && len(r.Gateways) == 0 {
		targets = nil // all
		for i := range a.world.Gateways {
			targets = append(targets, a.world.Gateways[i].ID)
		}
	}
	return slices.ContainsFunc(targets, func(id string) bool {
		return a.usable(m, c, []string{id}) && a.incapable(id, boxes) == ""
	})
}

// fees checks the rows of every schedule.
func (a *analyser) fees() {
	for _, id := range sortedKeys(a.policy.fees) {
		for i := range a.policy.fees[id] {
			a.feeRows(id, &a.policy.fees[id][i])
		}
	}
}

func (a *analyser) feeRows(id string, t *feeTable) {
	p := newProver(t.index)
	for i := range t.rows {
		row := &t.schedule.Rows[i]
		var earlier []clause
		for _, j := range t.index.before(i) {
			earlier = append(earlier, t.index.boxesOf(j)...)
		}
		if p.covered(t.index.boxesOf(i), earlier) == yes {
			a.report(row.at, SeverityWarning, CodeFeeUnreachable, "", "no payment reaches "+row.label(i)+" of the fees of "+a.display(id)+": the rows before it take everything, or its condition contradicts itself")
			continue
		}
		var lacking []string
		for _, c := range a.world.Currencies {
			b := box{index: t.index}
			b.allowMoney(Range{Currency: c, Least: noLeast, Most: noMost})
			_, known := t.rows[i].fixed[c]
			if !known && !t.rows[i].anyCurrency && a.anyTakes(id, c) && len(meetAll(t.index.boxesOf(i), []clause{b.made})) > 0 {
				lacking = append(lacking, string(c))
			}
		}
		if len(lacking) > 0 {
			a.report(row.at, SeverityError, CodeFeeCurrency, "", "a fixed fee of "+row.label(i)+" is in another currency than payments in "+
				strings.Replace(listOf(lacking), " or ", " and ", 1)+" at "+a.display(id)+", and rates have none for it: add it to rates, or leave the currency out of its currencies under gateways")
		}
	}
}

func (a *analyser) anyTakes(id string, c payments.Currency) bool {
	return slices.ContainsFunc(a.world.Methods, func(m Method) bool { return a.usable(m, c, []string{id}) })
}
