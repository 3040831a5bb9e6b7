package router

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"

	"switchyard/payments"
)

// plan is a Config made ready for decisions: one list of entries per project, in the order of priority, with everything
// that can be worded or looked up beforehand.
type plan struct {
	shared    []entry            // for projects without gateway configurations of their own
	byProject map[string][]entry // for those that have some
	bound     map[string]string  // by gateway configuration id: why others cannot charge a method that is bound to it
	overLimit string
	limit     int
	budget    Budget
	guide     *guide // nil without a policy
}

// entry is a gateway configuration at its place in a project's list.
type entry struct {
	*gateway
	place place
}

// place is where a candidate stands in an order.
type place struct {
	position string // "second in the priority list"
	chosen   string // the reason when it is chosen
	fallback string // the reason when it is a fallback
}

func newPlace(n int, position string) place {
	p := place{position: position, chosen: position, fallback: position + "; tried if those before it certainly did not charge"}
	if n > 1 {
		p.chosen += ", and the first that can take this payment"
	}
	return p
}

// gateway is a gateway configuration with its sentences.
type gateway struct {
	Gateway
	display    string
	currencies map[payments.Currency]bool // nil: all
	schemes    map[payments.Scheme]bool   // nil: all
	text       sentences
}

// sentences are a gateway configuration's reasons that do not depend on the payment, or their beginnings.
type sentences struct {
	off, noCVC, noCVCToken, noCVCSaved, noMerchantInitiated, noMerchantHold, noHold, noVerify, hostedOnly, noIncrement string
	noPage, nobodyThere, noPageSave, forMerchant, forPayer                                                             string
	noCard, stillSaving, unusable                                                                                      string
	currencyIs, schemesAre                                                                                             string // beginnings
}

func newPlan(c *Config) *plan {
	p := &plan{byProject: map[string][]entry{}, bound: map[string]string{}, limit: max(c.MaxAttempts, 1), budget: budgetOf(c), guide: newGuide(c.Policy, len(c.Gateways))}
	if c.Policy != nil {
		p.limit = cmp.Or(c.Policy.Document().Retry.MaxAttempts, p.limit)
	}
	p.overLimit = "the payment may try at most " + strconv.Itoa(p.limit) + " candidates"
	if p.limit == 1 {
		p.overLimit = "the payment may try only one candidate"
	}

	rank := make(map[string]int, len(c.Priority))
	for _, id := range c.Priority {
		if _, named := rank[id]; !named {
			rank[id] = len(rank)
		}
	}
	var ordered []*gateway
	projects := map[string]bool{}
	for i := range c.Gateways {
		g := newGateway(&c.Gateways[i])
		if _, twice := p.bound[g.ID]; twice {
			continue
		}
		p.bound[g.ID] = "bound to another gateway configuration: the payment method exists only at " + g.display + " (" + g.ID + ")"
		ordered = append(ordered, g)
		projects[g.ProjectID] = true
	}
	slices.SortStableFunc(ordered, func(a, b *gateway) int { return rankOf(rank, a.ID) - rankOf(rank, b.ID) })

	p.shared = entriesFor(ordered, "", rank)
	for project := range projects {
		if project != "" {
			p.byProject[project] = entriesFor(ordered, project, rank)
		}
	}
	return p
}

// rankOf puts what the priority list does not name behind everything that it names.
func rankOf(rank map[string]int, id string) int {
	if r, named := rank[id]; named {
		return r
	}
	return math.MaxInt32
}

// entriesFor lists what the project may use. The positions are counted within that list: what belongs to other projects is
// never seen.
func entriesFor(ordered []*gateway, project string, rank map[string]int) []entry {
	entries := make([]entry, 0, len(ordered))
	for _, g := range ordered {
		if g.ProjectID != "" && g.ProjectID != project {
			continue
		}
		n := len(entries) + 1
		position := ordinal(n) + " in the priority list"
		if _, named := rank[g.ID]; !named {
			position = "not in the priority list, and so " + ordinal(n)
		}
		entries = append(entries, entry{gateway: g, place: newPlace(n, position)})
	}
	return entries
}

func (p *plan) entries(project string) []entry {
	if own, ok := p.byProject[project]; ok {
		return own
	}
	return p.shared
}

func newGateway(from *Gateway) *gateway {
	g := &gateway{Gateway: *from, display: from.DisplayName}
	if g.display == "" {
		g.display = from.PSP
	}
	caps := &g.Capabilities
	if caps.Currencies != nil {
		g.currencies = make(map[payments.Currency]bool, len(caps.Currencies))
		for _, c := range caps.Currencies {
			g.currencies[c] = true
		}
	}
	if caps.Schemes != nil {
		g.schemes = make(map[payments.Scheme]bool, len(caps.Schemes))
		for _, s := range caps.Schemes {
			g.schemes[s] = true
		}
	}
	g.text = sentences{
		off:                 g.display + " is switched off",
		noCVC:               g.display + " charges a card only with its CVC, and none is held",
		noCVCToken:          g.display + " charges a card only with its CVC, and none is held for this saved card",
		noCVCSaved:          g.display + " charges a saved card only with its CVC, and none is held",
		noMerchantInitiated: g.display + " does not take merchant-initiated payments",
		noMerchantHold:      g.display + " takes the money of a merchant-initiated payment at once, and cannot hold it",
		hostedOnly:          g.display + " takes payments on its own page only",
		noPage:              g.display + " has no page of its own",
		nobodyThere:         "a merchant-initiated payment has no payer who could act on the page of " + g.display,
		noPageSave:          g.display + " cannot save a method on its page without charging it",
		forMerchant:         "the payer agreed to merchant-initiated payments only at " + g.display,
		forPayer:            "the payer has to confirm each payment with this token at " + g.display,
		noVerify:            g.display + " cannot verify a card: it neither checks one without money nor releases a hold",
		noHold:              g.display + " cannot hold money for a later capture",
		noIncrement:         g.display + " cannot raise a hold later",
		noCard:              g.display + " has not saved this token, and its card is not in the vault",
		stillSaving:         g.display + " is still saving this token, and its card is not in the vault",
		unusable:            "this token cannot be used at " + g.display,
		currencyIs:          g.display + " takes " + listOf(caps.Currencies) + " only; this payment is in ",
		schemesAre:          g.display + " takes " + listOf(caps.Schemes) + " only; this card is ",
	}
	return g
}

// listOf writes a list as people do: "IDR, PHP and USD".
func listOf[T ~string](list []T) string {
	var b strings.Builder
	for i, item := range list {
		switch {
		case i > 0 && i == len(list)-1:
			b.WriteString(" and ")
		case i > 0:
			b.WriteString(", ")
		}
		b.WriteString(string(item))
	}
	if b.Len() == 0 {
		return "nothing"
	}
	return b.String()
}

var ordinals = [...]string{"first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"}

func ordinal(n int) string {
	if n <= len(ordinals) {
		return ordinals[n-1]
	}
	return "number " + strconv.Itoa(n)
}
