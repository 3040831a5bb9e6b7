package simulation

import (
	"switchyard/payments"
)

// prepared makes the session of a charge; asked again for the same reference, it is the same session.
func (b *bank) prepared(c *charge) string {
	session := "se-" + c.ref
	if b.charges[c.ref] == nil {
		c.session, c.label, c.standing = session, b.w.labelLocked(c.ref), created
		b.charges[c.ref], b.sessions[session] = c, c
		b.log(c, "session made")
	}
	return session
}

// receive is a charging request that has arrived.
func (b *bank) receive(c *charge, source payments.Source) (payments.Outcome, error) {
	c.label = b.w.labelLocked(c.ref)
	switch old := b.charges[c.ref]; {
	case b.tombs[c.ref] || old != nil && old.standing == cancelled:
		b.w.logLocked(c.label, "%s: arrives after its fence", b.kind.name)
		return payments.Outcome{}, payments.Faultf(payments.Rejected, "fenced")
	case old != nil && old.standing == created:
		old.wantsMethod, old.customer = c.wantsMethod, c.customer
		c = old
	case old != nil && b.kind.session:
		return payments.Outcome{Status: payments.Declined, Code: payments.GatewayInvalidState}, nil
	case old != nil && b.kind.caps.Recovery[payments.OpAuthorize].Resend:
		return b.outcome(old), nil
	case old != nil: // this PSP takes it for another payment
		b.doubles = append(b.doubles, c)
	case b.kind.session:
		return payments.Outcome{}, payments.Faultf(payments.Rejected, "no such session")
	}
	if c.id == "" {
		c.id = "ch-" + c.ref
		if b.ids[c.id] == nil {
			b.charges[c.ref], b.ids[c.id] = c, c
		}
	}
	if refusal := b.refuses(c, source); refusal != nil {
		delete(b.charges, c.ref)
		delete(b.ids, c.id)
		b.tombs[c.ref] = true
		return payments.Outcome{}, refusal
	}
	b.decide(c, source.Method == "")
	return b.outcome(c), nil
}

// mayBeAsked checks that a charge is not asked for under a reference that was refused: to try again is another attempt.
func (b *bank) mayBeAsked(ref string) {
	b.w.mu.Lock()
	defer b.w.mu.Unlock()
	if b.refused[ref] {
		b.w.violate("a refused reference is not charged again", b.w.labelLocked(ref), "%s was asked to charge it once more", b.kind.name)
	}
}

// settled takes note of a definite refusal of a first request; what is sent again because the first was not answered is the
// same attempt whatever comes of it.
func (b *bank) settled(ref string, f *payments.Fault, o payments.Outcome) {
	b.w.mu.Lock()
	defer b.w.mu.Unlock()
	switch {
	case b.unsure[ref]:
	case f != nil && (f.Kind == payments.Rejected || f.SaveRefused), f == nil && o.Status == payments.Declined && !o.Code.MeansUnknown():
		b.refused[ref] = true
	case f != nil && f.Kind == payments.Unknown:
		b.unsure[ref] = true
	}
}

// payerActs takes a payer's step: on the PSP's page, or in its challenge. It says whether there was one to take.
func (b *bank) payerActs(ref string) bool {
	b.w.mu.Lock()
	defer b.w.mu.Unlock()
	c := b.charges[ref]
	switch {
	case c == nil:
		return false
	case c.standing == created && c.page && b.w.now() < c.ends:
		c.id = "ch-" + ref
		b.ids[c.id] = c
		b.decide(c, false)
	case c.standing == waiting && b.kind.continues:
		c.stepped = true
		b.log(c, "the payer has taken the step")
	case c.standing == waiting:
		b.decide(c, false)
	default:
		return false
	}
	return true
}

// refuses says why the PSP does not take a request at all, or nil.
func (b *bank) refuses(c *charge, source payments.Source) error {
	d := newDice(b.w.seed, "refuses", b.id, c.label)
	switch {
	case source.Method != "" && (!b.methods[source.Method] || d.chance(0.1)):
		delete(b.methods, source.Method)
		fault := payments.Faultf(payments.Rejected, "no such method")
		fault.MethodGone = true
		b.w.logLocked(c.label, "%s: the saved method is gone", b.kind.name)
		return fault
	case c.wantsMethod && !c.verify && d.chance(0.03):
		fault := payments.Faultf(payments.Misconfigured, "no saving")
		fault.SaveRefused = true
		return fault
	case source.Card != nil && b.kind.caps.NeedsCVC && !source.Card.HasCVC():
		return payments.Faultf(payments.Rejected, "no CVC")
	}
	return nil
}

// find is a look-up.
func (b *bank) find(r payments.LookupRequest) payments.Finding {
	now := b.w.now()
	if !r.Operation.Charges() {
		return b.findStep(r)
	}
	c := b.charges[r.Reference]
	if b.kind.session {
		c = b.sessions[r.Refs.Session]
	}
	switch {
	case c == nil, b.kind.hidden && !c.capture && r.Refs.Charge == "":
		return payments.Finding{Kind: payments.NotFound}
	case c.standing == created && c.page && now < c.ends:
		return payments.Finding{Kind: payments.Processing}
	case c.standing == created || c.shownAt > now:
		return payments.Finding{Kind: payments.NotFound}
	case c.standing == waiting || c.standing == pending:
		return payments.Finding{Kind: payments.Processing, Outcome: b.outcome(c)}
	case c.standing == approved && !c.verify && b.kind.totals && b.kind.session:
		return payments.Finding{Kind: payments.FoundTotals, Totals: c.totals, Refs: b.outcome(c).Refs}
	}
	return payments.Finding{Kind: payments.FoundOutcome, Outcome: b.outcome(c)}
}

func (b *bank) findStep(r payments.LookupRequest) payments.Finding {
	if b.kind.totals {
		c := b.ids[r.Refs.Charge]
		if c == nil {
			return payments.Finding{Kind: payments.NotFound}
		}
		return payments.Finding{Kind: payments.FoundTotals, Totals: c.shown(b.w.now())}
	}
	s := b.steps[r.Reference]
	switch {
	case s == nil || s.shownAt > b.w.now() || s.op != r.Operation:
		return payments.Finding{Kind: payments.NotFound}
	case s.standing == pending:
		return payments.Finding{Kind: payments.Processing}
	}
	return payments.Finding{Kind: payments.FoundOutcome, Outcome: b.stepOutcome(s, r.Reference)}
}

// recall is the PSP's own staff, who make sure on the telephone that a charge never happens.
func (b *bank) recall(ref string) {
	if c := b.charges[ref]; c != nil {
		b.move(c, cancelled)
	}
	b.tombs[ref] = true
}

// fence makes sure that a charge which has not happened never will.
func (b *bank) fence(r payments.AbandonRequest) payments.Fence {
	c := b.charges[r.Reference]
	label := b.w.labelLocked(r.Reference)
	if b.liar && !b.w.calm() && newDice(b.w.seed, "lies", b.id, label).chance(0.3) && b.may(r.Reference) {
		b.lies[r.Reference] = true
		b.w.counts["fault: a fence that does not hold"]++
		b.w.logLocked(label, "%s: lies that it is fenced", b.kind.name)
		return payments.Fenced
	}
	switch {
	case c == nil:
		b.tombs[r.Reference] = true
		b.w.logLocked(label, "%s: fenced before it came", b.kind.name)
		return payments.Fenced
	case c.standing == approved, c.standing == declined:
		return payments.FenceBroken
	case c.standing == pending && newDice(b.w.seed, "recalls", b.id, label).chance(0.5):
		return payments.FenceBroken
	}
	if c.standing != cancelled {
		b.move(c, cancelled)
	}
	return payments.Fenced
}
