package rules

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"time"

	"switchyard/payments"
)

// Gateway is one gateway configuration as rules see it.
type Gateway struct {
	ID           string
	Display      string // the PSP's own spelling, for sentences; ID when empty
	ProjectID    string // empty: every project may use it
	Enabled      bool
	Incremental  bool // a hold can be raised later
	Page         bool // payers can pay on a page of the PSP's own
	Capabilities payments.Capabilities
}

func (g *Gateway) display() string {
	if g.Display == "" {
		return g.ID
	}
	return g.Display
}

// Policy is a compiled document. It is immutable and safe for many goroutines.
type Policy struct {
	// Hash is the SHA-256 of the canonical form: it does not depend on comments, on the order of keys, or on how a list is
	// written.
	Hash string

	doc      *Document
	index    *index
	settings map[string]*GatewaySettings
	fees     map[string][]feeTable // by gateway configuration, latest first
}

// versionLength is the number of hexadecimal digits that tell policies apart at a glance.
const versionLength = 12

// Version is the beginning of Hash.
func (p *Policy) Version() string { return p.Hash[:versionLength] }

// Document returns what the policy was made from. It must not be changed.
func (p *Policy) Document() *Document { return p.doc }

// Rule returns a rule by the index that Match returns. The default route is that of index -1 and has no rule.
func (p *Policy) Rule(i int) *Rule { return &p.doc.Rules[i] }

// Compile makes a policy of a document. The faults are those of Decode and all that the gateway configurations show; the
// policy is nil when there are any.
func Compile(doc *Document, gateways []Gateway) (*Policy, Faults) {
	d := *doc.source
	d.faults = slices.Clone(d.faults)
	d.checkGateways(doc, gateways)
	p := &Policy{doc: doc, settings: map[string]*GatewaySettings{}, fees: map[string][]feeTable{}}
	if len(d.faults) == 0 {
		p.index = d.indexRules(doc)
		p.addFees(&d)
	}
	if len(d.faults) > 0 {
		sortFindings(d.faults)
		return nil, d.faults
	}
	for i := range doc.Gateways {
		p.settings[doc.Gateways[i].ID] = &doc.Gateways[i]
	}
	p.Hash = contentHash(doc)
	return p, nil
}

func contentHash(doc *Document) string {
	canonical, err := json.Marshal(doc)
	if err != nil { // texts, numbers, times of four-digit years, and lists and maps of them can always be written
		return ""
	}
	sum := sha256.Sum256(canonical)
	return hex.EncodeToString(sum[:])
}

// checkGateways reports every gateway configuration that is named and does not exist.
func (d *decoder) checkGateways(doc *Document, gateways []Gateway) {
	known := make([]string, len(gateways))
	for i := range gateways {
		known[i] = gateways[i].ID
	}
	check := func(id string, at place) {
		if id != "" && !slices.Contains(known, id) {
			d.fault(at, CodeUnknownGateway, "there is no gateway configuration "+quoted(id)+didYouMean(id, known))
		}
	}
	for i := range doc.Gateways {
		check(doc.Gateways[i].ID, doc.Gateways[i].at)
	}
	var last place
	for _, s := range doc.Fees {
		if s.gatewayAt != last { // once for all schedules below it
			check(s.Gateway, s.gatewayAt)
		}
		last = s.gatewayAt
	}
	for i := range doc.Commitments {
		check(doc.Commitments[i].Gateway, doc.Commitments[i].gatewayAt)
	}
	for i := range doc.Rules {
		d.rule = doc.Rules[i].Name
		d.checkRoute(&doc.Rules[i].Route, check)
	}
	d.rule = ""
	d.checkRoute(&doc.Default, check)
}

func (d *decoder) checkRoute(r *Route, check func(string, place)) {
	for i, id := range r.Gateways {
		check(id, r.gatewaysAt[i])
	}
	for i, id := range r.Fallback {
		check(id, r.fallbackAt[i])
	}
}

// indexRules makes the index of the rules.
func (d *decoder) indexRules(doc *Document) *index {
	conditions := make([]*Condition, len(doc.Rules))
	for i := range doc.Rules {
		conditions[i] = doc.Rules[i].When
	}
	made, bad, ok := newIndex(conditions)
	switch {
	case ok:
		return made
	case bad >= 0:
		d.rule = doc.Rules[bad].Name
		d.faultf(doc.Rules[bad].whenAt, CodeTooLarge, "any, all and not make more than %d cases of this rule: split it", maxClauses)
		d.rule = ""
	default:
		d.fault(place{1, 1}, CodeTooLarge, "the rules name too many different values: split the file by project, or use fewer prefixes and bounds")
	}
	return nil
}

// Match returns the first rule for a payment and its route. The index is -1 when no rule matches; the route is then the
// default one.
func (p *Policy) Match(f *Facts) (int, *Route) {
	return p.route(p.index.match(f))
}

func (p *Policy) route(rule int) (int, *Route) {
	if rule < 0 {
		return -1, &p.doc.Default
	}
	return rule, &p.doc.Rules[rule].Route
}

// Walk goes through the rules that match one payment, first to last: where the payment goes on when one of them has left no
// candidate and says next.
type Walk struct {
	policy *Policy
	rows   selection
	from   int
}

// Start sets out at the first rule.
func (w *Walk) Start(p *Policy, f *Facts) {
	w.policy, w.from = p, 0
	p.index.selected(f, &w.rows)
}

// Next returns the next rule that matches, and its route; as Match when there is none.
func (w *Walk) Next() (int, *Route) {
	rule, route := w.policy.route(w.policy.index.next(&w.rows, w.from))
	w.from = rule + 1
	if rule < 0 {
		w.from = len(w.policy.doc.Rules)
	}
	return rule, route
}

// Order appends to ids where a route sends a payment, first to last. A smart route gives its list as it is written, for a
// score to put in order, and its fallback behind it; a smart route among all, and a block, give nothing. A cheapest route
// puts those without a known fee last.
func (p *Policy) Order(r *Route, f *Facts, at time.Time, ids []string) []string {
	from := len(ids)
	switch r.Kind {
	case RouteSplit:
		ids = r.splitOrder(f, ids)
	case RouteCheapest:
		ids = append(ids, r.Gateways...)
		slices.SortStableFunc(ids[from:], func(a, b string) int { return p.compareFees(a, b, f, at) })
	case RoutePriority, RouteSmart, RouteBlock:
		ids = append(ids, r.Gateways...)
	}
	return append(ids, r.Fallback...)
}

func (p *Policy) compareFees(a, b string, f *Facts, at time.Time) int {
	feeA, okA := p.Fees(a, f, at)
	feeB, okB := p.Fees(b, f, at)
	switch {
	case okA && okB:
		totalA, totalB := feeA.Total(), feeB.Total()
		if totalA != totalB {
			if totalA < totalB {
				return -1
			}
			return 1
		}
		return 0
	case okA:
		return -1
	case okB:
		return 1
	}
	return 0
}
