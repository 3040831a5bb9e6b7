package rules

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"switchyard/payments"
)

// World is what a policy is held against.
type World struct {
	Gateways   []Gateway
	Methods    []Method            // that merchants can use; empty: all
	Currencies []payments.Currency // in which they are paid; empty: not checked
	// MaxAttempts is how many gateway configurations one payment may try when the file does not say; 0: not checked.
	MaxAttempts int
	Now         time.Time
}

// oldRates is how long rates of currencies are good enough for estimates.
const oldRates = 90 * 24 * time.Hour

// Bounds of what is reported.
const (
	maxOverlaps     = 100
	maxOverlapsRule = 3
)

// Analyse looks for what is allowed in a policy and yet, most likely, a mistake. The findings are in the order of the file.
func Analyse(p *Policy, w World) []Finding {
	if len(w.Methods) == 0 {
		w.Methods = []Method{MethodCard, MethodPage, MethodToken}
	}
	a := &analyser{policy: p, world: &w, index: p.index, prover: newProver(p.index)}
	a.makeBoxes()
	for i := range p.doc.Rules {
		a.rule(i)
	}
	a.overlaps()
	a.route(&p.doc.Default, "", a.possible)
	a.coverage()
	a.defaultUnused()
	a.switches()
	a.fees()
	a.settings()
	a.commitments()
	if a.undecided > 0 {
		a.report(place{1, 1}, SeverityNote, CodeUndecided, "", "the rules are too complex to compare all of them: "+
			strconv.Itoa(a.undecided)+" comparisons were left out")
	}
	sortFindings(a.findings)
	return a.findings
}

type analyser struct {
	policy    *Policy
	world     *World
	index     *index
	prover    *prover
	findings  []Finding
	undecided int

	possible []clause            // the payments that there can be
	boxes    map[string][]clause // by gateway configuration: the payments that it can take
	dead     map[string]string   // by gateway configuration: why it takes none at all
	silent   map[int]bool        // rules that decide nothing, of which more is not said
}

func (a *analyser) report(at place, severity Severity, code Code, rule, message string) {
	a.findings = append(a.findings, a.policy.doc.source.finding(at, severity, code, rule, message))
}

func (a *analyser) covered(boxes, list []clause) bool {
	v := a.prover.covered(boxes, list)
	if v == undecided {
		a.undecided++
	}
	return v == yes
}

// rule checks one rule against itself, what there can be, the rules before it, and its gateway configurations.
func (a *analyser) rule(i int) {
	r, boxes := &a.policy.doc.Rules[i], a.index.boxesOf(i)
	if len(boxes) == 0 || a.covered(boxes, nil) {
		a.silent[i] = true
		why := "it leaves out every value that a fact can have"
		if len(boxes) == 0 {
			why = a.contradiction(r.When)
		}
		a.report(r.whenAt, SeverityError, CodeNeverMatches, r.Name, "no payment can match this rule: "+why)
		return
	}
	boxes = meetAll(boxes, a.possible)
	if len(boxes) == 0 {
		a.silent[i] = true
		a.report(r.whenAt, SeverityWarning, CodeImpossible, r.Name, "no payment has these facts: "+a.impossibility(i))
		return
	}
	if !a.reached(i) {
		return
	}
	a.route(&r.Route, r.Name, boxes)
}

// reached reports a rule that is never the first to match.
func (a *analyser) reached(i int) bool {
	r, boxes := &a.policy.doc.Rules[i], a.index.boxesOf(i)
	var final, all []clause
	var finalNames, names []string
	for _, j := range a.index.before(i) {
		earlier, single := &a.policy.doc.Rules[j], a.index.boxesOf(j)
		if a.covered(boxes, single) { // one alone is the clearest answer
			names, all = []string{earlier.Name}, single
			finalNames, final = nil, nil
			if earlier.final() {
				finalNames, final = names, single
			}
			break
		}
		names, all = append(names, earlier.Name), append(all, single...)
		if earlier.final() {
			finalNames, final = append(finalNames, earlier.Name), append(final, single...)
		}
	}
	switch {
	case a.covered(boxes, final):
		a.silent[i] = true
		a.report(r.at, SeverityWarning, CodeUnreachable, r.Name, "the rule is never reached: "+ruleNames(finalNames))
		return false
	case a.covered(boxes, all):
		a.silent[i] = true
		a.report(r.at, SeverityWarning, CodeShadowed, r.Name, "the rule is reached only by payments that find no candidate before: "+ruleNames(names))
	}
	return true
}

// final says that a payment which matches never goes on to the next rule.
func (r *Rule) final() bool { return r.Fail || r.Route.Kind == RouteBlock }

// ruleNames says which rules take what another one would.
func ruleNames(names []string) string {
	verb := " before it takes all of its payments"
	if len(names) > 1 {
		verb = " before it take all of its payments together"
	}
	quotedNames := make([]string, len(names))
	for i, name := range names {
		quotedNames[i] = quoted(name)
	}
	return strings.Replace(listOf(quotedNames), " or ", " and ", 1) + verb
}

// overlaps notes pairs of rules of which each takes payments that the other does not, and which send them to other places.
// A special rule before a general one is no such pair.
func (a *analyser) overlaps() {
	total := 0
	for i := range a.policy.doc.Rules {
		ofRule := 0
		if a.silent[i] {
			continue
		}
		for _, j := range a.index.before(i) {
			later, earlier := &a.policy.doc.Rules[i], &a.policy.doc.Rules[j]
			mine, theirs := a.index.boxesOf(i), a.index.boxesOf(j)
			if ofRule == maxOverlapsRule || total == maxOverlaps {
				break
			}
			if a.silent[j] || later.Route.same(&earlier.Route) || a.covered(mine, theirs) || a.covered(theirs, mine) {
				continue
			}
			common := meetAll(meetAll(mine, theirs), a.possible)
			if len(common) == 0 || a.covered(common, nil) {
				continue
			}
			ofRule++
			total++
			a.report(later.at, SeverityNote, CodeOverlap, later.Name, "some payments match this rule and "+quoted(earlier.Name)+", which comes first and decides: "+a.index.example(common[0]))
		}
	}
}

// same says that two routes send every payment to the same place.
func (r *Route) same(other *Route) bool {
	return r.Kind == other.Kind && slices.Equal(r.Gateways, other.Gateways) && slices.Equal(r.Weights, other.Weights) &&
		r.SplitBy == other.SplitBy && r.Salt == other.Salt && slices.Equal(r.Fallback, other.Fallback) && r.Message == other.Message
}

// meetAll returns what two unions of boxes have in common.
func meetAll(list, others []clause) []clause {
	var common []clause
	for _, box := range list {
		for _, other := range others {
			if both, some := box.and(other); some {
				common = append(common, both)
			}
		}
	}
	return common
}

// contradiction says which fact a condition asks two things of.
func (a *analyser) contradiction(c *Condition) string {
	if c != nil && c.Op == OpAll {
		for i, one := range c.Kids {
			for _, other := range c.Kids[:i] {
				mine, _ := a.index.cut.clauses(one, false)
				theirs, _ := a.index.cut.clauses(other, false)
				if len(meetAll(mine, theirs)) == 0 {
					return "it asks that " + other.words() + " and that " + one.words()
				}
			}
		}
	}
	return "its parts contradict each other"
}

// defaultUnused notes a default route that nothing reaches.
func (a *analyser) defaultUnused() {
	var all []clause
	for i := range a.policy.doc.Rules {
		if a.policy.doc.Rules[i].final() {
			all = append(all, a.index.boxesOf(i)...)
		}
	}
	slices.SortStableFunc(all, func(x, y clause) int { return cmp.Compare(len(x), len(y)) }) // large boxes first
	if a.covered([]clause{{}}, all) {
		a.report(a.policy.doc.Default.at, SeverityNote, CodeDefaultUnused, "", "the default route is never reached: the rules take every payment")
	}
}

// switches reports kill switches whose time is over.
func (a *analyser) switches() {
	for i := range a.policy.doc.Gateways {
		g := &a.policy.doc.Gateways[i]
		expired := func(at place, until time.Time, of string) {
			if !until.IsZero() && !until.After(a.world.Now) {
				a.report(at, SeverityWarning, CodeSwitchExpired, "", g.ID+" is in use again"+of+" since "+until.Format(time.RFC3339)+": remove the switch")
			}
		}
		expired(g.offAt, g.OffUntil, "")
		for _, method := range sortedKeys(g.MethodsOff) {
			expired(g.methodsOffAt[method], g.MethodsOff[method], " for payments by "+method)
		}
	}
}

// settings checks what stands beside the rules.
func (a *analyser) settings() {
	doc := a.policy.doc
	if doc.Rates != nil && a.world.Now.Sub(doc.Rates.AsOf) > oldRates {
		a.report(doc.Rates.at, SeverityWarning, CodeRatesOld, "", "the rates are of "+doc.Rates.AsOf.Format(time.DateOnly)+": fees in other currencies are no longer right")
	}
	if doc.Exploration.MIT {
		a.report(doc.Exploration.mitAt, SeverityWarning, CodeExploresMIT, "",
			"exploration takes merchant-initiated payments, too: nobody is there to pay again when a try fails")
	}
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
