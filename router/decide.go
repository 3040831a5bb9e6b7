package router

import (
	"cmp"
	"time"

	"switchyard/payments"
)

// ruleDefaultPriority names the only rule there is.
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
	standing standing
	reason   string // of an excluded candidate
	sick     bool   // excluded by its health alone
	note     string // of any other: what its health adds
}

// usualCandidates is how many candidates are assessed without memory of the heap.
const usualCandidates = 16

// Decide says where a payment goes and why. It depends on nothing but its arguments. Every gateway configuration that the
// project may use is named once: the chosen one, the fallbacks in order, then those left out. Exactly one is chosen unless
// all are left out.
func Decide(c *Config, f payments.Facts, h Health, now time.Time) payments.Decision {
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
	}

	var scratch [usualCandidates]assessment
	assessed := scratch[:0]
	for i := range entries {
		assessed = append(assessed, p.assess(&entries[i], &f, h))
	}
	tried := 0
	for s := range excluded {
		for i := range assessed {
			if a := &assessed[i]; a.standing == s && tried < p.limit {
				decision.Candidates = append(decision.Candidates, a.take(&f, tried))
				tried++
			} else if a.standing == s {
				a.reason = p.overLimit
			}
		}
	}
	for i := range assessed {
		if a := &assessed[i]; a.reason != "" {
			left := a.candidate(payments.Excluded, a.reason)
			left.Unavailable = a.sick
			decision.Candidates = append(decision.Candidates, left)
		}
	}
	return decision
}

// assess says how fit a candidate is.
func (p *plan) assess(e *entry, f *payments.Facts, h Health) assessment {
	condition, known := h[e.ID]
	a := assessment{entry: e, reason: p.refuse(e, f), note: condition.Reason}
	if a.reason == "" && known && !condition.Available {
		a.reason, a.sick = cmp.Or(condition.Reason, e.display+" is not available"), true
	}
	switch {
	case a.reason != "":
		a.standing = excluded
	case condition.LastResort:
		a.standing = lastResort
	case f.Operation == payments.OpVerify && e.Capabilities.ZeroVerify:
		a.standing = preferred
	default:
		a.standing = regular
	}
	return a
}

// refuse returns why the candidate cannot take the payment, whatever its health, or "". The first reason found is enough:
// it is the one to deal with first.
func (p *plan) refuse(e *entry, f *payments.Facts) string {
	if !e.Enabled {
		return e.text.off
	}
	if reason := e.refuseSource(f, p); reason != "" {
		return reason
	}
	if reason := e.refuseAmount(f); reason != "" {
		return reason
	}
	return e.refuseKind(f)
}

// refuseKind returns why the candidate does not do this kind of payment, or "".
func (g *gateway) refuseKind(f *payments.Facts) string {
	caps := &g.Capabilities
	switch {
	case caps.HostedOnly && (f.Initiation != payments.MerchantInitiated || f.Mappings[g.ID].MethodRef == ""):
		return g.text.hostedOnly
	case f.Initiation == payments.MerchantInitiated && !caps.MerchantInitiated:
		return g.text.noMerchantInitiated
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
// method that the PSP has saved, or with the vaulted card.
func (g *gateway) refuseSource(f *payments.Facts, p *plan) string {
	if f.BoundTo != "" && f.BoundTo != g.ID {
		if text, ok := p.bound[f.BoundTo]; ok {
			return text
		}
		return "bound to another gateway configuration"
	}
	mapping, mapped := f.Mappings[g.ID]
	if mapped && mapping.Status == payments.MappingUnusable {
		return withDetail(g.text.unusable, mapping.Reason)
	}
	saved := mapped && mapping.Status == payments.MappingUsable && mapping.MethodRef != ""
	caps := &g.Capabilities
	withMethod := saved && (f.HasCVC || !caps.NeedsCVCSaved)
	withCard := f.HasCard && (f.HasCVC || !caps.NeedsCVC)
	switch {
	case withMethod || withCard:
		return ""
	case saved:
		return g.text.noCVCSaved
	case f.HasCard && f.Mappings != nil:
		return g.text.noCVCToken
	case f.HasCard:
		return g.text.noCVC
	case mapped && mapping.Status == payments.MappingFailed:
		return withDetail("mapping failed", mapping.Reason)
	case mapped && mapping.Status == payments.MappingPending:
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

// take makes a candidate of the assessment; before says how many are tried before it.
func (a *assessment) take(f *payments.Facts, before int) payments.Candidate {
	verdict, reason := payments.Chosen, a.entry.chosen
	if before > 0 {
		verdict, reason = payments.Fallback, a.entry.fallback
	}
	if a.standing == preferred {
		reason = "verifies a card without holding money; " + a.entry.position
	}
	if a.standing == lastResort {
		reason = a.entry.position + ", but tried last"
	}
	return a.candidate(verdict, reason+a.savedNote(f)+a.healthNote())
}

func (a *assessment) candidate(verdict payments.Verdict, reason string) payments.Candidate {
	return payments.Candidate{GatewayConfigurationID: a.entry.ID, PSP: a.entry.PSP, Verdict: verdict, Reason: reason}
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
