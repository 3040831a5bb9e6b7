package rules

import (
	"slices"
	"strings"
)

// labelPrefix marks a label in a list of gateway configurations.
const labelPrefix = "label:"

// What a split can keep together.
const (
	byInvoice  = "invoice"
	byCustomer = "customer"
)

const percent = 100

// route reads where payments go: exactly one kind of route, and what belongs to it.
func (d *decoder) route(n *node, what string) Route {
	r := Route{at: n.at}
	kinds := 0
	is := func(k RouteKind, read func(*node)) func(*node) {
		return func(v *node) {
			kinds++
			r.Kind = k
			read(v)
		}
	}
	listed := func(v *node) { r.Gateways, r.gatewaysAt = d.gatewayList(v, string(r.Kind), false, &r) }
	var by, salt, fallback *node
	ok := d.mapping(n, what, keys{
		string(RoutePriority): is(RoutePriority, listed),
		string(RouteSplit):    is(RouteSplit, func(v *node) { d.split(v, &r) }),
		string(RouteCheapest): is(RouteCheapest, listed),
		string(RouteSmart): is(RouteSmart, func(v *node) {
			if v.kind != kindText || v.text != "all" {
				listed(v)
			}
		}),
		string(RouteBlock): is(RouteBlock, func(v *node) {
			d.mapping(v, "block", keys{"message": func(m *node) { r.Message = d.text(m, "the message") }})
			if r.Message == "" && v.kind == kindMapping && !hasKey(v, "message") {
				d.fault(v.at, CodeMissing, "block needs a message: the merchant is told it")
			}
		}),
		"by":       func(v *node) { by = v },
		"salt":     func(v *node) { salt = v },
		"fallback": func(v *node) { fallback = v },
	})
	if !ok {
		return r
	}
	if kinds != 1 {
		d.fault(n.at, CodeMissing, what+" must have exactly one of: priority, split, cheapest, smart, block")
	}
	d.routeExtras(&r, by, salt, fallback)
	return r
}

func hasKey(n *node, key string) bool {
	return slices.ContainsFunc(n.entries, func(e entry) bool { return e.key == key })
}

// routeExtras reads what belongs to some kinds of routes only.
func (d *decoder) routeExtras(r *Route, by, salt, fallback *node) {
	if r.Kind == RouteSplit {
		r.SplitBy = byInvoice
	}
	if by != nil {
		r.SplitBy = d.splitBy(by)
	}
	if salt != nil {
		r.Salt, r.salted = d.text(salt, "the salt"), true
	}
	if r.Kind != RouteSplit {
		for _, n := range []*node{by, salt} {
			if n != nil {
				d.fault(n.at, CodeUnknownKey, "this belongs to a split")
			}
		}
	}
	if fallback == nil {
		return
	}
	switch r.Kind {
	case RoutePriority:
		d.fault(fallback.at, CodeUnknownKey, "a priority list needs no fallback: put these at its end")
	case RouteBlock:
		d.fault(fallback.at, CodeUnknownKey, "a block has no fallback")
	case RouteSplit, RouteCheapest, RouteSmart:
	}
	if r.Kind == RouteSmart && len(r.Gateways) == 0 && len(r.labels) == 0 {
		d.fault(fallback.at, CodeUnknownKey, "smart: all needs no fallback: nothing is left out")
	}
	r.Fallback, r.fallbackAt = d.gatewayList(fallback, "fallback", true, r)
	for i, id := range r.Fallback {
		if slices.Contains(r.Gateways, id) {
			d.fault(r.fallbackAt[i], CodeDuplicate, quoted(id)+" is in the route already")
		}
	}
}

// gatewayList reads ids of gateway configurations and labels.
func (d *decoder) gatewayList(n *node, what string, fallback bool, r *Route) (ids []string, places []place) {
	d.list(n, what, func(item *node) {
		text := d.text(item, "a gateway configuration")
		if text == "" {
			return
		}
		if label, ok := strings.CutPrefix(text, labelPrefix); ok {
			r.labels = append(r.labels, labelled{label: label, at: item.at, fallback: fallback, before: len(ids)})
			return
		}
		if slices.Contains(ids, text) {
			d.fault(item.at, CodeDuplicate, quoted(text)+" stands here twice")
			return
		}
		ids, places = append(ids, text), append(places, item.at)
	})
	return ids, places
}

// split reads the parts of a split. They are kept in the order of the ids, which decides nothing.
func (d *decoder) split(n *node, r *Route) {
	if n.kind != kindMapping {
		d.wants(n, "split must be a mapping of gateway configurations to percents")
		return
	}
	if len(n.entries) == 0 {
		d.fault(n.at, CodeEmpty, "the split names no gateway configuration")
		return
	}
	entries := slices.SortedFunc(slices.Values(n.entries), func(a, b entry) int { return strings.Compare(a.key, b.key) })
	sum, sound := int64(0), true
	for _, e := range entries {
		before := len(d.faults)
		weight := d.whole(e.value, "a part of a split", 0, percent)
		sound = sound && len(d.faults) == before
		sum += weight
		r.Gateways = append(r.Gateways, e.key)
		r.gatewaysAt = append(r.gatewaysAt, e.at)
		r.Weights = append(r.Weights, int(weight))
	}
	if sound && sum != percent {
		d.faultf(n.at, CodeSplitSum, "the parts of the split are %d together, not 100", sum)
	}
}

// splitBy reads what a split or a canary keeps together.
func (d *decoder) splitBy(n *node) string {
	by := d.text(n, "by")
	if key, ok := strings.CutPrefix(by, factNames[factMetadata]); ok && key != "" || by == byInvoice || by == byCustomer || by == "" {
		return by
	}
	d.fault(n.at, CodeValue, quoted(by)+" cannot be kept together"+didYouMean(by, []string{byInvoice, byCustomer, "metadata.<key>"}))
	return byInvoice
}
