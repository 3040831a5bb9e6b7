package router

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"switchyard/payments"
	"switchyard/router/rules"
)

// ruleDefaultRoute is the rule of a decision that the policy's default route has taken.
const ruleDefaultRoute = "default"

// byFallback is the place of what stands in a route's fallback, beside the kinds of routes.
const byFallback rules.RouteKind = "fallback"

// guide is a policy with everything that can be worded beforehand.
type guide struct {
	policy *rules.Policy
	texts  []ruleTexts // by rule; the default route's come first
	places map[rules.RouteKind][]place
}

// ruleTexts are a rule's sentences.
type ruleTexts struct {
	name      string
	unnamed   string // why a gateway configuration is left out that the route does not name
	elsewhere string // likewise, that the split has not picked
	blocked   string
	passed    string // that the rule has left no candidate
}

func newGuide(policy *rules.Policy, gateways int) *guide {
	if policy == nil {
		return nil
	}
	doc := policy.Document()
	g := &guide{policy: policy, texts: make([]ruleTexts, 0, len(doc.Rules)+1), places: map[rules.RouteKind][]place{}}
	g.texts = append(g.texts, newRuleTexts(ruleDefaultRoute, "the default route", &doc.Default))
	for i := range doc.Rules {
		r := &doc.Rules[i]
		g.texts = append(g.texts, newRuleTexts(r.Name, "rule "+strconv.Quote(r.Name), &r.Route))
	}
	for kind, where := range map[rules.RouteKind]string{
		rules.RoutePriority: " in the route", rules.RouteSplit: " by the split", rules.RouteCheapest: " by estimated fee",
		rules.RouteSmart: " in the route", byFallback: " in the route, as its fallback", byScore: " by what is expected of it",
	} {
		for n := range gateways {
			g.places[kind] = append(g.places[kind], newPlace(n+1, ordinal(n+1)+where))
		}
	}
	return g
}

func newRuleTexts(name, words string, r *rules.Route) ruleTexts {
	return ruleTexts{
		name: name, unnamed: words + " does not name it", elsewhere: words + " splits payments, and sends this one elsewhere",
		blocked: words + " blocks this payment: " + r.Message, passed: words + " left no candidate",
	}
}

// course is where the policy sends one payment.
type course struct {
	guide  *guide
	rule   int // -1: the default route
	route  *rules.Route
	ids    []string // first to last
	first  int      // of the rules before it that left no candidate
	passed int      // how many of them
}

// follow asks the rules, first to last. A rule without a candidate that can take the payment now passes it on, unless it says
// fail. The order is appended to ids.
func (g *guide) follow(assessed []assessment, f *payments.Facts, now time.Time, ids []string) course {
	facts := rules.FactsOf(f)
	for i := range assessed {
		a := &assessed[i]
		if a.refusal != "" {
			continue
		}
		if why := g.policy.Refuse(a.entry.ID, &facts, now); why != "" {
			a.unused = a.entry.display + " is " + why
		}
	}
	c := course{guide: g}
	var walk rules.Walk
	walk.Start(g.policy, &facts)
	for {
		c.rule, c.route = walk.Next()
		c.ids = g.policy.Order(c.route, &facts, now, ids)
		if c.rule < 0 || c.route.Kind == rules.RouteBlock || g.policy.Rule(c.rule).Fail || c.taken(assessed) {
			return c
		}
		if c.passed == 0 {
			c.first = c.rule
		}
		c.passed++
	}
}

// taken says that one of the route's candidates can take the payment now.
func (c *course) taken(assessed []assessment) bool {
	for i := range assessed {
		if a := &assessed[i]; a.fit() && (c.all() || slices.Contains(c.ids, a.entry.ID)) {
			return true
		}
	}
	return false
}

// all says that the route leaves nobody out: the order is that of the priority list.
func (c *course) all() bool { return c.route.Kind == rules.RouteSmart && len(c.route.Gateways) == 0 }

func (c *course) texts() *ruleTexts { return &c.guide.texts[c.rule+1] }

// note says which rules were passed over, or is empty.
func (c *course) note() string {
	if c.passed == 0 {
		return ""
	}
	text := "; " + c.guide.texts[c.first+1].passed
	if c.passed > 1 {
		text += ", nor did " + strconv.Itoa(c.passed-1) + " more"
	}
	return text
}

// arrange appends the candidates to ordered: those that the route names in its order, then those that it leaves out.
func (c *course) arrange(assessed, ordered []assessment, f *payments.Facts) []assessment {
	if c.all() {
		for i := range assessed {
			assessed[i].rank(f, true)
			assessed[i].scored = true
		}
		return assessed
	}
	fallbacks := len(c.ids) - len(c.route.Fallback)
	for n, id := range c.ids {
		i := slices.IndexFunc(assessed, func(a assessment) bool { return a.entry.ID == id })
		if i < 0 || assessed[i].place == nil { // another project's, or placed before
			continue
		}
		kind := c.route.Kind
		if n >= fallbacks {
			kind = byFallback
		}
		ordered = append(ordered, assessed[i])
		assessed[i].place = nil
		a := &ordered[len(ordered)-1]
		a.place, a.scored = &c.guide.places[kind][len(ordered)-1], kind == rules.RouteSmart
		a.rank(f, false)
	}
	for i := range assessed {
		if a := assessed[i]; a.place != nil {
			a.reason, a.standing = cmp.Or(a.refusal, c.leaves(a.entry.ID)), excluded
			if c.route.Kind == rules.RouteBlock {
				a.reason = c.texts().blocked
			}
			ordered = append(ordered, a)
		}
	}
	return ordered
}

// leaves says why the route does not send the payment to a gateway configuration.
func (c *course) leaves(id string) string {
	if c.route.Kind == rules.RouteSplit && slices.Contains(c.route.Gateways, id) {
		return c.texts().elsewhere
	}
	return c.texts().unnamed
}

// MayMoveOn says whether the policy in force lets the payment of a decision go on to the next candidate after a result of a class,
// when it has moved on so many times after that class already. It can only be stricter than payments.CanTryNext, and is asked beside it.
func (r *Router) MayMoveOn(d *payments.Decision, class payments.Class, times int) bool {
	policy := r.governing(d).Policy
	return policy == nil || policy.Document().Retry.MayMoveOn(class, times)
}
