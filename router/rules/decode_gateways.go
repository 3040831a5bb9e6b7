package rules

import (
	"slices"
	"strings"
	"time"

	"switchyard/payments"
)

// gateways reads what each gateway configuration is used for.
func (d *decoder) gateways(n *node) []GatewaySettings {
	if n.kind != kindMapping {
		d.wants(n, "gateways must be a mapping with the ids of gateway configurations")
		return nil
	}
	list := make([]GatewaySettings, 0, len(n.entries))
	for _, e := range n.entries {
		list = append(list, d.gateway(e))
	}
	slices.SortFunc(list, func(a, b GatewaySettings) int { return strings.Compare(a.ID, b.ID) })
	return list
}

func (d *decoder) gateway(e entry) GatewaySettings {
	g := GatewaySettings{ID: e.key, at: e.at}
	d.mapping(e.value, "the gateway configuration", keys{
		"labels": func(v *node) {
			g.Labels = d.words(v, "labels", func(item *node) []string { return []string{d.text(item, "a label")} })
		},
		"methods": func(v *node) {
			g.Methods = d.words(v, "methods", func(item *node) []string { return []string{d.oneOf(item, "method", methods())} })
		},
		"schemes": func(v *node) {
			g.Schemes = d.words(v, "schemes", func(item *node) []string { return []string{d.oneOf(item, "scheme", schemes())} })
		},
		"countries":   func(v *node) { g.Countries = d.words(v, "countries", d.country) },
		"currencies":  func(v *node) { g.Currencies = d.currencies(v) },
		"min_amount":  func(v *node) { g.MinAmount = d.sums(v, "min_amount") },
		"max_amount":  func(v *node) { g.MaxAmount = d.sums(v, "max_amount") },
		"off_until":   func(v *node) { g.offAt, g.OffUntil = v.at, d.moment(v, "off_until") },
		"off_because": func(v *node) { g.OffBecause = d.text(v, "off_because") },
		"methods_off": func(v *node) { d.methodsOff(v, &g) },
	})
	for _, least := range g.MinAmount {
		for _, most := range g.MaxAmount {
			if least.Currency == most.Currency && least.Minor > most.Minor {
				d.fault(e.at, CodeRange, "the smallest amount in "+string(least.Currency)+" is above the largest: none is left")
			}
		}
	}
	return g
}

// words reads a list as a set: sorted, each once.
func (d *decoder) words(n *node, what string, read func(*node) []string) []string {
	list := []string{}
	d.oneOrMore(n, what, func(item *node) { list = append(list, read(item)...) })
	slices.Sort(list)
	return slices.Compact(list)
}

func (d *decoder) currencies(n *node) []payments.Currency {
	list := []payments.Currency{}
	d.oneOrMore(n, "currencies", func(item *node) {
		if c, ok := d.currency(item); ok {
			list = append(list, c)
		}
	})
	slices.Sort(list)
	return slices.Compact(list)
}

// sums reads amounts, one for each currency.
func (d *decoder) sums(n *node, what string) []payments.Money {
	var list []payments.Money
	d.oneOrMore(n, what, func(item *node) {
		m, ok := d.money(item, what)
		if !ok {
			return
		}
		if slices.ContainsFunc(list, func(other payments.Money) bool { return other.Currency == m.Currency }) {
			d.fault(item.at, CodeDuplicate, what+" has an amount in "+string(m.Currency)+" already")
			return
		}
		list = append(list, m)
	})
	slices.SortFunc(list, func(a, b payments.Money) int { return strings.Compare(string(a.Currency), string(b.Currency)) })
	return list
}

func (d *decoder) methodsOff(n *node, g *GatewaySettings) {
	g.MethodsOff, g.methodsOffAt = map[string]time.Time{}, map[string]place{}
	each := keys{}
	for _, m := range methods() {
		each[m] = func(v *node) { g.MethodsOff[m], g.methodsOffAt[m] = d.moment(v, "the end"), v.at }
	}
	d.mapping(n, "methods_off", each)
}
