package rules

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"switchyard/payments"
)

// Bounds of a policy.
const (
	maxRules        = 10_000
	maxMetadataKeys = 32
	maxAttempts     = 10
	fullBPS         = 10_000 // all of an amount
)

// Decode reads a policy. file names it in faults. The faults are all that can be found without knowing which gateway
// configurations there are; the Document is never nil, so that Compile can look for more.
func Decode(file string, text []byte) (*Document, Faults) {
	d := &decoder{file: file, regions: defaultRegions(), broken: map[*node]bool{}}
	doc := &Document{
		Retry:       Retry{PerDay: defaultPerDay, Per30Days: defaultPer30Days, Classes: map[string]int{}},
		Objective:   Objective{MarginBPS: defaultMarginBPS, MaxAuthLossBPS: defaultMaxAuthLossBPS},
		Exploration: Exploration{CapBPS: defaultExploreCapBPS, FloorBPS: defaultExploreFloor},
		Smart:       Smart{MemoryPayments: defaultMemory, MemoryDays: defaultMemoryDays},
		source:      d,
	}
	if root := d.parse(text); root != nil {
		d.document(root, doc)
	}
	sortFindings(d.faults)
	return doc, slices.Clone(d.faults)
}

func (d *decoder) document(root *node, doc *Document) {
	if root.kind == kindMapping { // regions first: conditions may stand before them
		for _, e := range root.entries {
			if e.key == "regions" {
				d.readRegions(e.value)
			}
		}
	}
	var defaulted bool
	ok := d.mapping(root, "the file", keys{
		"regions":  func(*node) {},
		"gateways": func(n *node) { doc.Gateways = d.gateways(n) },
		"rates":    func(n *node) { doc.Rates = d.rates(n) },
		"fees":     func(n *node) { doc.Fees = d.fees(n) },
		"rules":    func(n *node) { doc.Rules = d.rules(n) },
		"default": func(n *node) {
			defaulted = true
			doc.Default = d.route(n, "the default route")
		},
		"retry":       func(n *node) { d.retry(n, &doc.Retry) },
		"objective":   func(n *node) { d.objective(n, &doc.Objective) },
		"commitments": func(n *node) { doc.Commitments = d.commitments(n) },
		"exploration": func(n *node) { d.exploration(n, &doc.Exploration) },
		"smart":       func(n *node) { d.smart(n, &doc.Smart) },
		"shadow":      func(n *node) { doc.Shadow = d.candidate(n, "shadow") },
		"canary":      func(n *node) { doc.Canary = d.candidate(n, "canary") },
	})
	if !ok {
		return
	}
	if !defaulted {
		d.fault(root.at, CodeMissing, "there is no default route: say where a payment goes that no rule matches")
	}
	saltRoute(&doc.Default, "default")
	doc.expandLabels()
	doc.checkMetadataKeys()
}

func (d *decoder) readRegions(n *node) {
	if n.kind != kindMapping {
		d.wants(n, "regions must be a mapping of names to lists of countries")
		return
	}
	builtin := defaultRegions()
	for _, e := range n.entries {
		switch {
		case payments.IsCountry(e.key) || e.key == unknownWord:
			d.fault(e.at, CodeValue, "a region cannot be called "+quoted(e.key)+", which means something else")
			continue
		case builtin[e.key] != nil:
			d.fault(e.at, CodeDuplicate, quoted(e.key)+" is a region already; give yours another name")
			continue
		}
		var list []string
		d.list(e.value, "the region "+quoted(e.key), func(item *node) { list = append(list, d.country(item)...) })
		d.regions[e.key] = list
	}
}

// country reads the code of a country or the name of a region.
func (d *decoder) country(n *node) []string {
	if n.kind != kindText {
		d.wants(n, "a country must be its two letters of ISO 3166, or the name of a region; put NO in quotes")
		return nil
	}
	if payments.IsCountry(n.text) {
		return []string{n.text}
	}
	if list, ok := d.regions[n.text]; ok {
		return list
	}
	known := slices.Sorted(maps.Keys(d.regions))
	if upper := strings.ToUpper(n.text); payments.IsCountry(upper) {
		known = []string{upper}
	}
	d.fault(n.at, CodeValue, quoted(n.text)+" is neither a country of ISO 3166 nor a region"+didYouMean(n.text, known))
	return nil
}

func (d *decoder) rules(n *node) []Rule {
	var list []Rule
	named := map[string]int{}
	d.list(n, "rules", func(item *node) {
		if len(list) == maxRules {
			d.faultf(item.at, CodeTooLarge, "there are more than %d rules", maxRules)
		}
		if len(list) >= maxRules {
			return
		}
		r := d.oneRule(item)
		if line, twice := named[r.Name]; twice && r.Name != "" {
			d.faultf(r.at, CodeDuplicate, "the rule of line %d is called %s, too", line, quoted(r.Name))
		}
		named[r.Name] = r.at.line
		list = append(list, r)
	})
	return list
}

func (d *decoder) oneRule(n *node) Rule {
	r := Rule{at: n.at}
	defer func() { d.rule = "" }()
	if n.kind == kindMapping {
		for _, e := range n.entries { // the name first: faults carry it
			if e.key == "name" && e.value.kind == kindText {
				d.rule, r.at = e.value.text, e.value.at
			}
		}
	}
	var routed bool
	ok := d.mapping(n, "a rule", keys{
		"name": func(v *node) { r.Name = d.text(v, "the name") },
		"when": func(v *node) {
			r.whenAt = v.at
			r.When = d.condition(v, 0)
		},
		"route": func(v *node) {
			routed = true
			r.Route = d.route(v, "the route")
		},
		"on_ineligible": func(v *node) { r.Fail = d.oneOf(v, "choice of next and fail", []string{"next", "fail"}) == "fail" },
	})
	if !ok {
		return r
	}
	if !hasKey(n, "name") {
		d.fault(n.at, CodeMissing, "the rule has no name: decisions and reports speak of rules by name")
	}
	if !routed {
		d.fault(n.at, CodeMissing, "the rule has no route")
	}
	saltRoute(&r.Route, r.Name)
	return r
}

// saltRoute makes a split independent of those of other rules.
func saltRoute(r *Route, name string) {
	if r.Kind == RouteSplit && !r.salted {
		r.Salt = name
	}
}

// expandLabels puts gateway configurations for labels, in the order of the file.
func (doc *Document) expandLabels() {
	byLabel := map[string][]string{}
	ordered := slices.SortedStableFunc(slices.Values(doc.Gateways), func(a, b GatewaySettings) int {
		return cmp.Or(cmp.Compare(a.at.line, b.at.line), cmp.Compare(a.at.column, b.at.column))
	})
	for _, g := range ordered {
		for _, label := range g.Labels {
			byLabel[label] = append(byLabel[label], g.ID)
		}
	}
	known := slices.Sorted(maps.Keys(byLabel))
	for r := range doc.routes() {
		for _, l := range slices.Backward(r.labels) { // from behind, so that places before it stay
			ids := byLabel[l.label]
			if ids == nil {
				doc.source.fault(l.at, CodeUnknownLabel, "no gateway configuration has the label "+quoted(l.label)+didYouMean(l.label, known))
			}
			list, places := &r.Gateways, &r.gatewaysAt
			if l.fallback {
				list, places = &r.Fallback, &r.fallbackAt
			}
			*list = slices.Insert(*list, l.before, ids...)
			*places = slices.Insert(*places, l.before, slices.Repeat([]place{l.at}, len(ids))...)
		}
		if len(r.labels) > 0 { // what is doubled without labels has been reported
			r.Gateways, r.gatewaysAt = distinct(r.Gateways, r.gatewaysAt, nil)
			r.Fallback, r.fallbackAt = distinct(r.Fallback, r.fallbackAt, r.Gateways)
		}
	}
}

// distinct drops ids that stand before already, in the list or in another one.
func distinct(ids []string, places []place, other []string) ([]string, []place) {
	var kept []string
	var at []place
	for i, id := range ids {
		if !slices.Contains(kept, id) && !slices.Contains(other, id) {
			kept, at = append(kept, id), append(at, places[i])
		}
	}
	return kept, at
}

// routes ranges over the routes of the rules and the default one.
func (doc *Document) routes() func(func(*Route) bool) {
	return func(yield func(*Route) bool) {
		for i := range doc.Rules {
			if !yield(&doc.Rules[i].Route) {
				return
			}
		}
		yield(&doc.Default)
	}
}

// checkMetadataKeys bounds how many keys the rules ask for, and with it the time of a decision.
func (doc *Document) checkMetadataKeys() {
	seen := map[string]bool{}
	var visit func(c *Condition)
	visit = func(c *Condition) {
		if c == nil {
			return
		}
		if c.dim.fact == factMetadata && c.leaf() && !seen[c.dim.key] {
			if seen[c.dim.key] = true; len(seen) == maxMetadataKeys+1 {
				doc.source.faultf(c.at, CodeTooLarge, "the file asks for more than %d keys of the metadata", maxMetadataKeys)
			}
		}
		for _, kid := range c.Kids {
			visit(kid)
		}
	}
	for i := range doc.Rules {
		visit(doc.Rules[i].When)
	}
	for _, s := range doc.Fees {
		for i := range s.Rows {
			visit(s.Rows[i].When)
		}
	}
}
