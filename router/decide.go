package router

import (
	"cmp"
	"time"

	"switchyard/payments"
	"switchyard/router/rules"
)

// ruleDefaultPriority names the only rule that there is without a policy.
const ruleDefaultPriority = "default priority"

// standing is where a candidate stands among the others, best first.
type standing uint8

const (
	preferred  standing = iota // for a verification: it needs to hold no money
	regular                    // in the order of priority
	lastResort                 // tried only after all others
	excluded
)

// assessment is what is thought of one candidate before they are put in order.
type assessment struct {
	entry    *entry
	place    *place // where it stands in the order of the decision
	standing standing
	scored   bool      // a smart route compares it with others
	belief   *believed // what it believed then; nil until it has
	page     bool      // the payer pays on the PSP's own page
	last     bool      // its health makes it the last resort
	refusal  string    // why it cannot take the payment
	unused   string    // why the policy does not use it for the payment, whatever the rule
	illness  string    // why its health keeps it out
	note     string    // what its health adds otherwise
	reason   string    // of an excluded candidate: the first of these, or that the rule leaves it out
}

// fit says that the candidate can take the payment now.
func (a *assessment) fit() bool { return a.refusal == "" && a.unused == "" && a.illness == "" }

// rank says where a candidate stands that is not left out. verifiers are those that check a card without holding money; they come
// first unless a route says otherwise.
func (a *assessment) rank(f *payments.Facts, verifiers bool) {
	a.reason = cmp.Or(a.refusal, a.unused, a.illness)
	switch {
	case a.reason != "":
		a.standing = excluded
	case a.last:
		a.standing = lastResort
	case verifiers && f.Operation == payments.OpVerify && a.entry.Capabilities.ZeroVerify:
		a.standing = preferred
	default:
		a.standing = regular
	}
}

// usualCandidates is how many candidates are assessed without memory of the heap.
const usualCandidates = 16

// Decide says where a payment goes and why. It depends on nothing but its arguments. Every gateway configuration that the
// project may use is named once: the chosen one, the fallbacks in order, then those left out. Exactly one is chosen unless
// all are left out.
func Decide(c *Config, f payments.Facts, v View, now time.Time) payments.Decision {
	p := c.plan
	if p == nil {
		p = newPlan(c)
	}
	entries := p.entries(f.ProjectID)
	decision := payments.Decision{
		ConfigVersion: c.Version,
		Rule:          ruleDefaultPriority,
		Candidates:    make([]payments.Candidate, 0, len(entries)),
		DecidedAt:     now,
		Facts:         f.Recorded(),
	}
	if v.Beliefs != nil { // what becomes of the payment is learnt, whatever the route
		decision.Learned = v.Beliefs.Outcomes()
	}
	limit, overLimit := v.Switches.limit(p, now)
	limit, overLimit, held := p.budget.cut(&f, now, limit, overLimit)

	var scratch [usualCandidates]assessment
	assessed := scratch[:0]
	for i := range entries {
		assessed = append(assessed, p.assess(&entries[i], &f, &v, now))
	}
	var reordered [usualCandidates]assessment
	var order [usualCandidates]string
	note := ""
	if p.guide == nil {
		for i := range assessed {
			assessed[i].rank(&f, true)
		}
	} else {
		course := p.guide.follow(assessed, &f, now, order[:0])
		assessed = course.arrange(assessed, reordered[:0], &f)
		decision.Rule, decision.Blocked, note = course.texts().name, course.route.Message, course.note()
		if course.route.Kind == rules.RouteSmart && v.Beliefs != nil {
			smart := smartness{guide: p.guide, view: &v, facts: &f, now: now, limit: limit}
			smart.score(assessed, &decision)
		}
	}
	verdicts(&decision, assessed, &f, note, limit, overLimit)
	hold(&decision, held, overLimit)
	return decision
}

// verdicts writes the candidates down: those to try, best first and no more than limit, then those left out. note belongs to the first.
func verdicts(decision *payments.Decision, assessed []assessment, f *payments.Facts, note string, limit int, overLimit string) {
	tried := 0
	for s := range excluded {
		for i := range assessed {
			if a := &assessed[i]; a.standing == s && tried < limit {
				decision.Candidates = append(decision.Candidates, a.take(f, tried, note))
				tried++
			} else if a.standing == s {
				a.reason = overLimit
			}
		}
	}
	for i := range assessed {
		if a := &assessed[i]; a.reason != "" {
			left := a.candidate(payments.Excluded, a.reason)
			left.Unavailable = a.reason == a.illness
			decision.Candidates = append(decision.Candidates, left)
		}
	}
}

// assess says how fit a candidate is.
func (p *plan) assess(e *entry, f *payments.Facts, v *View, now time.Time) assessment {
	condition, known := v.Health[e.ID]
	a := assessment{entry: e, place: &e.place, last: condition.LastResort, note: condition.Reason}
	if a.page, a.refusal = p.refuse(e, f); a.refusal == "" {
		a.refusal = v.Switches.refuse(e, f, now)
	}
	if a.refusal == "" && known && !condition.Available {
		a.illness = cmp.Or(condition.Reason, e.display+" is not available")
	}
	return a
}

// refuse returns why the candidate cannot take the payment, whatever its health, or "". The first reason found is enough:
// it is the one to deal with first. page says that the payer would pay on the PSP's own page.
func (p *plan) refuse(e *entry, f *payments.Facts) (page bool, reason string) {
	if !e.Enabled {
		return false, e.text.off
	}
	if page, reason = e.refuseSource(f, p); reason != "" {
		return page, reason
	}
	if reason = e.refuseAmount(f); reason != "" {
		return page, reason
	}
	return page, e.refuseKind(f, page)
}

// refuseKind returns why the candidate does not do this kind of payment, or "".
func (g *gateway) refuseKind(f *payments.Facts, page bool) string {
	caps := &g.Capabilities
	merchant := f.Initiation == payments.MerchantInitiated
	switch {
	case merchant && !caps.MerchantInitiated:
		return g.text.noMerchantInitiated
	case caps.HostedOnly && !page && (!merchant || f.Mappings[g.ID].MethodRef == ""):
		return g.text.hostedOnly
	case merchant && f.Operation == payments.OpAuthorize && caps.MerchantInitiatedSaleOnly:
		return g.text.noMerchantHold
	case page && f.Operation == payments.OpVerify && !caps.PageSaves:
		return g.text.noPageSave
	case page && f.Operation == payments.OpVerify:
		return ""
	case f.Operation == payments.OpAuthorize && !caps.ManualCapture:
		return g.text.noHold
	case f.Operation == payments.OpVerify && !caps.ZeroVerify && !g.holdsForNothing():
		return g.text.noVerify
	case f.Incremental && !g.Incremental:
		return g.text.noIncrement
	case g.schemes != nil && f.Scheme != payments.SchemeUnknown && !g.schemes[f.Scheme]:
		return g.text.schemesAre + string(f.Scheme)
	}
	return ""
}

// holdsForNothing says that a small hold can serve as a verification, because it can be released again.
func (g *gateway) holdsForNothing() bool {
	_, voids := g.Capabilities.Recovery[payments.OpVoid]
	return g.Capabilities.ManualCapture && voids
}

// refuseAmount returns why the candidate does not take this amount, or "". A verification without an amount is for nothing,
// or for as little as the candidate takes.
func (g *gateway) refuseAmount(f *payments.Facts) string {
	currency := f.Amount.Currency
	if g.currencies != nil && currency != "" && !g.currencies[currency] {
		return g.text.currencyIs + string(currency)
	}
	if f.Operation == payments.OpVerify && (f.Amount.Minor == 0 || g.Capabilities.ZeroVerify) {
		return ""
	}
	if least, ok := g.Capabilities.MinAmount[currency]; ok && f.Amount.Minor < least {
		return g.amountReason(" takes at least ", least, f.Amount)
	}
	if most, ok := g.Capabilities.MaxAmount[currency]; ok && f.Amount.Minor > most {
		return g.amountReason(" takes at most ", most, f.Amount)
	}
	if step := g.Capabilities.AmountStep[currency]; step > 1 && f.Amount.Minor%step != 0 {
		if step == majorUnit(currency) {
			return g.display + " takes whole " + string(currency) + " only; " + f.Amount.Decimal() + " " + string(currency) + " has a fraction"
		}
		return g.amountReason(" takes only multiples of ", step, f.Amount)
	}
	return ""
}

func (g *gateway) amountReason(rule string, minor int64, asked payments.Money) string {
	limit := payments.Money{Minor: minor, Currency: asked.Currency}
	return g.display + rule + limit.Decimal() + " " + string(asked.Currency) + "; this payment is " + asked.Decimal() + " " + string(asked.Currency)
}

// majorUnit is one unit of the currency in minor units: 100 for PHP, 1 for JPY.
func majorUnit(c payments.Currency) int64 {
	unit := int64(1)
	for range c.Exponent() {
		unit *= 10
	}
	return unit
}

// refuseSource returns why the candidate cannot charge the payer's card or token, or "". A token is charged with the
// method that the PSP has saved, or with the vaulted card. page says that the payer has to act on the PSP's own page: to choose
// a method there, or to confirm a saved one that exists nowhere else.
func (g *gateway) refuseSource(f *payments.Facts, p *plan) (page bool, reason string) {
	if f.BoundTo != "" && f.BoundTo != g.ID {
		if text, ok := p.bound[f.BoundTo]; ok {
			return false, text
		}
		return false, "bound to another gateway configuration"
	}
	merchant := f.Initiation == payments.MerchantInitiated
	if f.Page {
		switch {
		case !g.Page:
			return true, g.text.noPage
		case merchant: // nobody is there to act
			return true, g.text.nobodyThere
		}
		return true, ""
	}
	mapping, mapped := f.Mappings[g.ID]
	if mapped && mapping.Status == payments.MappingUnusable {
		return false, withDetail(g.text.unusable, mapping.Reason)
	}
	saved := mapped && mapping.Status == payments.MappingUsable && mapping.MethodRef != ""
	caps := &g.Capabilities
	withMethod := saved && (f.HasCVC || !caps.NeedsCVCSaved) && !caps.HostedOnly
	withCard := f.HasCard && (f.HasCVC || !caps.NeedsCVC) && !caps.HostedOnly
	switch {
	case saved && mapping.Only == payments.MerchantInitiated && !merchant && !withCard:
		return false, g.text.forMerchant
	case saved && mapping.Only == payments.CustomerInitiated && merchant && !withCard:
		return false, g.text.forPayer
	case withMethod || withCard || saved && merchant && caps.HostedOnly:
		return false, ""
	case saved && g.Page && !merchant && !f.HasCard:
		return true, ""
	}
	return false, g.lacks(f, saved, mapping)
}

// lacks says what a candidate would need to charge a card or a token.
func (g *gateway) lacks(f *payments.Facts, saved bool, mapping payments.Mapping) string {
	switch {
	case g.Capabilities.HostedOnly && f.HasCard:
		return g.text.hostedOnly
	case saved:
		return g.text.noCVCSaved
	case f.HasCard && f.Mappings != nil:
		return g.text.noCVCToken
	case f.HasCard:
		return g.text.noCVC
	case mapping.Status == payments.MappingFailed:
		return withDetail("mapping failed", mapping.Reason)
	case mapping.Status == payments.MappingPending:
		return g.text.stillSaving
	}
	return g.text.noCard
}

func withDetail(text, detail string) string {
	if detail == "" {
		return text
	}
	return text + ": " + detail
}

// take makes a candidate of the assessment; before says how many are tried before it. note belongs to the first of them.
func (a *assessment) take(f *payments.Facts, before int, note string) payments.Candidate {
	verdict, reason := payments.Chosen, a.place.chosen
	if before > 0 {
		verdict, reason, note = payments.Fallback, a.place.fallback, ""
	}
	if a.standing == preferred {
		reason = "verifies a card without holding money; " + a.place.position
	}
	if a.standing == lastResort {
		reason = a.place.position + ", but tried last"
	}
	if a.page {
		reason += "; the payer pays on its page"
	}
	c := a.candidate(verdict, reason+note+a.savedNote(f)+a.healthNote())
	c.Page = a.page
	return c
}

func (a *assessment) candidate(verdict payments.Verdict, reason string) payments.Candidate {
	c := payments.Candidate{GatewayConfigurationID: a.entry.ID, PSP: a.entry.PSP, Verdict: verdict, Reason: reason}
	if a.belief != nil {
		c.Score, c.Estimate = &a.belief.score, &a.belief.estimate
	}
	return c
}

// savedNote says what the token has done there before.
func (a *assessment) savedNote(f *payments.Facts) string {
	m, mapped := f.Mappings[a.entry.ID]
	if !mapped || m.Status != payments.MappingUsable {
		return ""
	}
	note, since := "; has charged this token", m.FirstSuccessAt
	if m.MethodRef != "" {
		note = "; has this token saved"
	}
	if since.IsZero() {
		return note
	}
	return note + " since " + since.UTC().Format(time.DateOnly)
}

func (a *assessment) healthNote() string {
	if a.note == "" {
		return ""
	}
	return "; " + a.note
}
