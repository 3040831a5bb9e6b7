package rules

import (
	"strconv"
	"strings"
)

// Step is what came of one rule for a payment.
type Step struct {
	Rule    string `json:"rule"`
	Line    int    `json:"line"`
	Matched bool   `json:"matched"`
	Why     string `json:"why"` // which fact decided, in words
}

// Trace is the way of a payment through the rules, to the one that decides.
type Trace struct {
	Steps []Step `json:"steps"`
	// Rule is the name of the rule that decides; empty when it is the default route.
	Rule  string `json:"rule,omitempty"`
	Route string `json:"route"` // in words
}

// Explain evaluates the rules one by one, as they are written, and says of each why it matched or did not. It does not look
// at gateway configurations: a rule whose candidates are all left out passes the payment on, which the decision shows.
func Explain(p *Policy, f *Facts) Trace {
	var t Trace
	for i := range p.doc.Rules {
		r := &p.doc.Rules[i]
		matched := r.When.Holds(f)
		t.Steps = append(t.Steps, Step{Rule: r.Name, Line: r.at.line, Matched: matched, Why: r.When.why(f)})
		if matched {
			t.Rule, t.Route = r.Name, r.Route.words()
			return t
		}
	}
	t.Route = p.doc.Default.words()
	return t
}

// String is the trace in sentences, one for each line.
func (t Trace) String() string {
	var b strings.Builder
	for _, s := range t.Steps {
		verb := " does not match: "
		if s.Matched {
			verb = " matches: "
		}
		b.WriteString("line " + strconv.Itoa(s.Line) + ": rule " + quoted(s.Rule) + verb + s.Why + ".\n")
	}
	if t.Rule == "" {
		b.WriteString("No rule matches: the default route decides.\n")
	}
	b.WriteString("Route: " + strings.TrimSuffix(t.Route, ".") + ".\n")
	return b.String()
}

// words says where a route sends payments.
func (r *Route) words() string {
	text := ""
	switch r.Kind {
	case RoutePriority:
		text = strings.Join(r.Gateways, ", then ")
	case RouteSplit:
		parts := make([]string, len(r.Gateways))
		for i, id := range r.Gateways {
			parts[i] = strconv.Itoa(r.Weights[i]) + " % to " + id
		}
		text = "split by " + r.SplitBy + ": " + strings.Join(parts, ", ")
	case RouteCheapest:
		text = "the cheapest of " + strings.Join(r.Gateways, ", ")
	case RouteSmart:
		text = "the best of all"
		if len(r.Gateways) > 0 {
			text = "the best of " + strings.Join(r.Gateways, ", ")
		}
	case RouteBlock:
		return "blocked: " + r.Message
	}
	if len(r.Fallback) > 0 {
		text += ", then " + strings.Join(r.Fallback, ", then ")
	}
	return text
}
