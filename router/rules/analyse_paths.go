package rules

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"switchyard/payments"
)

// box collects constraints of the dimensions that the rules ask for; others are of no matter.
type box struct {
	index *index
	made  clause
	none  bool // nothing is left
}

// allow takes the classes of some values of a fact. A class may have values beside these: the box can be larger than what is
// meant, never smaller.
func (b *box) allow(f fact, values ...string) {
	dim, asked := b.index.cut.byDim[dimension{fact: f}]
	if !asked {
		return
	}
	set := newBits(b.index.spaces[dim].size)
	for _, v := range values {
		set.add(b.index.spaces[dim].classOf(v))
	}
	b.take(dim, set)
}

// allowMoney takes the classes of amounts.
func (b *box) allowMoney(ranges ...Range) {
	dim, asked := b.index.cut.byDim[dimension{fact: factMoney}]
	if !asked {
		return
	}
	set := newBits(b.index.spaces[dim].size)
	for _, r := range ranges {
		b.index.spaces[dim].addRange(set, r)
	}
	b.take(dim, set)
}

func (b *box) take(dim int, set bits) {
	made, some := b.made.and(clause{{dim: dim, set: set}})
	b.made, b.none = made, b.none || !some || set.empty()
}

// makeBoxes says what payments there can be, and what each gateway configuration can take.
func (a *analyser) makeBoxes() {
	a.silent, a.boxes, a.dead = map[int]bool{}, map[string][]clause{}, map[string]string{}
	for i := range a.world.Gateways {
		g := &a.world.Gateways[i]
		a.boxes[g.ID] = a.gatewayBoxes(g)
	}
	a.possible = a.possibleBoxes()
}

// possibleBoxes are the payments that there can be: by method, since a payment on a PSP's page shows nothing of a card and
// has a payer before it, and only a token can be saved anywhere.
func (a *analyser) possibleBoxes() []clause {
	var list []clause
	for _, m := range a.world.Methods {
		b := box{index: a.index}
		b.allow(factMethod, string(m))
		if len(a.world.Currencies) > 0 {
			b.allowMoney(wholeRanges(a.world.Currencies)...)
		}
		switch m {
		case MethodPage:
			b.allow(factScheme, "")
			b.allow(factFunding, "")
			b.allow(factIssuerCountry, "")
			b.allow(factIIN, "")
			b.allow(factInitiation, string(payments.CustomerInitiated))
			b.allow(factSaved, "false")
		case MethodCard:
			b.allow(factSaved, "false")
			b.allowSchemes(a.schemesTaken())
		case MethodToken:
			b.allowSchemes(a.schemesTaken())
		}
		if !b.none {
			list = append(list, b.made)
		}
	}
	return list
}

// schemesTaken are the schemes that at least one gateway configuration takes; nil: all.
func (a *analyser) schemesTaken() []payments.Scheme {
	list := []payments.Scheme{}
	for i := range a.world.Gateways {
		g := &a.world.Gateways[i]
		if g.Capabilities.Schemes == nil {
			return nil
		}
		list = append(list, g.Capabilities.Schemes...)
	}
	return list
}

// allowSchemes takes some schemes, nil for all, and cards whose scheme is not known.
func (b *box) allowSchemes(list []payments.Scheme) {
	if list == nil {
		return
	}
	values := []string{""}
	for _, s := range list {
		values = append(values, string(s))
	}
	b.allow(factScheme, values...)
}

func wholeRanges(currencies []payments.Currency) []Range {
	list := make([]Range, len(currencies))
	for i, c := range currencies {
		list[i] = Range{Currency: c, Least: noLeast, Most: noMost}
	}
	return list
}

// gatewayBoxes are the payments that a gateway configuration can take, as far as it declares and the file lets it: payments
// within its limits, and verifications for nothing.
func (a *analyser) gatewayBoxes(g *Gateway) []clause {
	s := a.policy.settings[g.ID]
	if s == nil {
		s = &GatewaySettings{}
	}
	switch {
	case !g.Enabled:
		a.dead[g.ID] = "it is switched off"
		return nil
	case a.world.Now.Before(s.OffUntil):
		a.dead[g.ID] = "it is switched off by this file"
		return nil
	}
	charge, verify := box{index: a.index}, box{index: a.index}
	for _, b := range []*box{&charge, &verify} {
		b.allow(factMethod, g.methods(s, a.world)...)
		b.allowSchemes(g.Capabilities.Schemes)
		if s.Schemes != nil {
			b.allow(factScheme, append([]string{""}, s.Schemes...)...)
		}
		if s.Countries != nil {
			b.allow(factIssuerCountry, append([]string{""}, s.Countries...)...)
		}
		if g.ProjectID != "" {
			b.allow(factProject, g.ProjectID)
		}
		if !g.Capabilities.MerchantInitiated {
			b.allow(factInitiation, string(payments.CustomerInitiated))
		}
		if !g.Incremental {
			b.allow(factIncremental, "false")
		}
	}
	if !g.Capabilities.ManualCapture {
		charge.allow(factOperation, string(payments.OpSale), string(payments.OpVerify))
	}
	verify.allow(factOperation, string(payments.OpVerify))
	amounts, nothing := g.ranges(s, a.knownCurrencies())
	charge.allowMoney(amounts...)
	verify.allowMoney(nothing...)
	var list []clause
	for _, b := range []*box{&charge, &verify} {
		if !b.none {
			list = append(list, b.made)
		}
	}
	return list
}

// methods lists how a gateway configuration can be paid by.
func (g *Gateway) methods(s *GatewaySettings, w *World) []string {
	var list []string
	for _, m := range w.Methods {
		can := m == MethodToken || m == MethodPage && g.Page || m == MethodCard && !g.Capabilities.HostedOnly
		if can && takes(s.Methods, string(m)) && !w.Now.Before(s.MethodsOff[string(m)]) {
			list = append(list, string(m))
		}
	}
	return list
}

// knownCurrencies are those of the world, or all that the rules name.
func (a *analyser) knownCurrencies() []payments.Currency {
	if len(a.world.Currencies) > 0 {
		return a.world.Currencies
	}
	if dim, asked := a.index.cut.byDim[dimension{fact: factMoney}]; asked {
		return append(sortedKeys(a.index.spaces[dim].money), "")
	}
	return []payments.Currency{""}
}

// ranges returns the amounts that a gateway configuration takes, and, in each currency, nothing.
func (g *Gateway) ranges(s *GatewaySettings, currencies []payments.Currency) (amounts, nothing []Range) {
	for _, c := range currencies {
		if !g.takesCurrency(s, c) {
			continue
		}
		r := Range{Currency: c, Least: noLeast, Most: noMost}
		if least, ok := g.Capabilities.MinAmount[c]; ok {
			r.Least = least
		}
		if most, ok := g.Capabilities.MaxAmount[c]; ok {
			r.Most = most
		}
		if least, ok := sumIn(s.MinAmount, c); ok {
			r.Least = max(r.Least, least.Minor)
		}
		if most, ok := sumIn(s.MaxAmount, c); ok {
			r.Most = min(r.Most, most.Minor)
		}
		if r.Least <= r.Most {
			amounts = append(amounts, r)
		}
		nothing = append(nothing, Range{Currency: c})
	}
	return amounts, nothing
}

func (g *Gateway) takesCurrency(s *GatewaySettings, c payments.Currency) bool {
	declared := g.Capabilities.Currencies
	return (declared == nil || c == "" || slices.Contains(declared, c)) && (c == "" || takes(s.Currencies, c))
}

// route checks the gateway configurations of a route for the payments that come to it.
func (a *analyser) route(r *Route, rule string, boxes []clause) {
	targets, places := r.targets()
	alive := 0
	for i, id := range targets {
		why := a.incapable(id, boxes)
		if why == "" {
			alive++
			continue
		}
		a.report(places[i], SeverityWarning, CodeDeadTarget, rule, a.display(id)+" can take none of these payments: "+why)
	}
	what := "the default route"
	if rule != "" {
		what = "the rule"
	}
	if len(targets) > 0 && alive == 0 {
		a.report(r.at, SeverityError, CodeDeadPath, rule, "no gateway configuration of "+what+" can take any of its payments")
	}
	if most := cmp.Or(a.policy.doc.Retry.MaxAttempts, a.world.MaxAttempts); most > 0 && len(targets) > most {
		a.report(r.at, SeverityNote, CodeCascadeLong, rule, what+" names "+strconv.Itoa(len(targets))+" gateway configurations and a payment may try "+
			strconv.Itoa(most)+": the others are used only when some of the first cannot take it")
	}
	for i, weight := range r.Weights {
		if weight == 0 {
			a.report(r.gatewaysAt[i], SeverityNote, CodeSplitZero, rule, a.display(r.Gateways[i])+" gets nothing of this split")
		}
	}
	if r.Kind == RouteCheapest {
		for i, id := range r.Gateways {
			if a.policy.feeTable(id, a.world.Now) == nil {
				a.report(r.gatewaysAt[i], SeverityError, CodeFeesMissing, rule, a.display(id)+" is compared by its fees here, and has none: it will always be last")
			}
		}
	}
}

// targets are the gateway configurations that a route can send to, with their places.
func (r *Route) targets() ([]string, []place) {
	return slices.Concat(r.Gateways, r.Fallback), slices.Concat(r.gatewaysAt, r.fallbackAt)
}

func (a *analyser) display(id string) string {
	for i := range a.world.Gateways {
		if a.world.Gateways[i].ID == id {
			return a.world.Gateways[i].display()
		}
	}
	return id
}

// incapable says why a gateway configuration takes none of the payments of some boxes; "" if it takes any.
func (a *analyser) incapable(id string, boxes []clause) string {
	if why, dead := a.dead[id]; dead {
		return why
	}
	own := a.boxes[id]
	if len(meetAll(boxes, own)) > 0 {
		return ""
	}
	var reasons []string
	for _, box := range boxes {
		for _, mine := range own {
			for _, x := range box {
				if set := mine.find(x.dim); set != nil && !set.meets(x.set) {
					if reason := incapacity[a.index.spaces[x.dim].dim.fact]; !slices.Contains(reasons, reason) {
						reasons = append(reasons, reason)
					}
				}
			}
		}
	}
	if len(reasons) == 0 {
		return "it takes nothing at all"
	}
	return strings.Join(reasons, ", and ")
}

// incapacity words why a gateway configuration cannot take payments, by the fact that keeps them apart.
var incapacity = map[fact]string{
	factProject:       "it belongs to another project",
	factOperation:     "it does not do the operation",
	factMethod:        "it is not paid in this way",
	factScheme:        "it does not take the scheme",
	factIssuerCountry: "it is not used for the issuer's country",
	factMoney:         "it does not take the currency and amount",
	factInitiation:    "it does not take merchant-initiated payments",
	factIncremental:   "it cannot raise a hold",
}

// impossibility says which fact of a rule no payment has.
func (a *analyser) impossibility(i int) string {
	var parts []string
	for _, box := range a.index.boxesOf(i) {
		for _, x := range box {
			met := false
			for _, p := range a.possible {
				set := p.find(x.dim)
				met = met || set == nil || set.meets(x.set)
			}
			if part := disuse[a.index.spaces[x.dim].dim.fact]; part != "" && !met && !slices.Contains(parts, part) {
				parts = append(parts, part)
			}
		}
	}
	if len(parts) == 0 {
		return "a payment on a PSP's page shows nothing of a card and has a payer before it, and only a token is saved"
	}
	return strings.Join(parts, ", and ")
}

// disuse words what no payment has because nothing takes it.
var disuse = map[fact]string{
	factScheme: "no gateway configuration takes the scheme",
	factMethod: "the method is not in use",
	factMoney:  "the currency is not in use",
}
