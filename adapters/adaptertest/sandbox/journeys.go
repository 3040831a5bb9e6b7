package sandbox

import (
	"switchyard/adapters"
	"switchyard/adapters/adaptertest"
	"switchyard/payments"
)

// journey is a question that takes several operations.
type journey struct {
	name string
	// lacks says what the PSP or the suite lacks for it; empty is nothing.
	lacks func(*bench) string
	play  func(*play)
}

// journeys lists every question.
func journeys() []journey {
	return []journey{
		{"sale-approved", needs(approving), saleApproved},
		{"sale-declined", needs(func(b *bench) string {
			return when(b.Declined == nil || b.Provider.Capabilities.HostedOnly, "no declining test card is published")
		}), saleDeclined},
		{"authorize-capture", needs(approving, holding), authorizeCapture},
		{"authorize-void", needs(approving, holding, able[adapters.Voider]("void")), authorizeVoid},
		{"sale-refund", needs(approving), saleRefund},
		{"sale-resent", needs(approving, func(b *bench) string {
			return when(!b.Provider.Capabilities.Recovery[payments.OpSale].Resend, "a resend is not declared to be the same charge")
		}), saleResent},
		{"fence-first", needs(approving, able[adapters.Abandoner]("fence a charge"), func(b *bench) string {
			asked := b.Provider.Capabilities.Recovery[payments.OpSale].Ask
			return when(asked != payments.AskByReference, "charges are fenced by an id that is made with them")
		}), fenceFirst},
		{"action-abandoned", needs(able[adapters.Abandoner]("fence a charge"), func(b *bench) string {
			return when(b.Action == nil || b.Provider.Capabilities.HostedOnly, "no test card that asks for an action is published")
		}), actionAbandoned},
		{"session-abandoned", needs(able[adapters.SessionStarter]("open a page")), sessionAbandoned},
	}
}

func needs(list ...func(*bench) string) func(*bench) string {
	return func(b *bench) string {
		for _, lacks := range list {
			if why := lacks(b); why != "" {
				return why
			}
		}
		return ""
	}
}

func when(lacking bool, why string) string {
	if lacking {
		return why
	}
	return ""
}

func approving(b *bench) string {
	return when(b.Approved == nil || b.Provider.Capabilities.HostedOnly, "no card of ours can be charged: none is published, or payers enter theirs at the PSP")
}

func holding(b *bench) string {
	return when(!b.Provider.Capabilities.ManualCapture, "the PSP cannot hold money")
}

// able asks that the adapter has an ability.
func able[A any](what string) func(*bench) string {
	return func(b *bench) string {
		opened, err := b.open(b.Transport)
		if err != nil {
			return "" // the journey will say so
		}
		_, can := opened.(A)
		return when(!can, "the adapter cannot "+what)
	}
}

// saleApproved charges and finds the charge again.
func saleApproved(p *play) {
	c, good := p.approved(payments.OpSale)
	if !good {
		return
	}
	isFound := func(f payments.Finding) bool { return f.Kind == payments.FoundOutcome }
	f, err := p.find(payments.OpSale, c.attempt, c.refs, payments.Totals{}, isFound)
	switch {
	case err != nil:
		p.problem("looking the sale up: %v", err)
	case f.Kind != payments.FoundOutcome || f.Outcome.Status != payments.Approved:
		p.problem("the approved sale is found as %q %q", f.Kind, f.Outcome.Status)
	default:
		p.same("the sale that was found", c.refs, f.Refs.Merge(f.Outcome.Refs))
	}
	if p.Provider.Capabilities.Recovery[payments.OpSale].Ask != payments.AskByReference {
		return
	}
	// The reference alone is all that is known after an answer was lost.
	f, err = p.find(payments.OpSale, c.attempt, payments.ProviderRefs{}, payments.Totals{}, isFound)
	if err != nil || f.Kind != payments.FoundOutcome || f.Outcome.Status != payments.Approved {
		p.problem("by its reference alone the approved sale is found as %q %q (%v)", f.Kind, f.Outcome.Status, err)
	}
}

// same asks that two sets of references are of one payment.
func (p *play) same(what string, a, b payments.ProviderRefs) {
	if a.Charge != "" && b.Charge != "" && a.Charge != b.Charge || a.Session != "" && b.Session != "" && a.Session != b.Session {
		p.problem("%s is another payment", what)
	}
}

// saleDeclined asks that a published decline is one of ours.
func saleDeclined(p *play) {
	c := p.settled(p.charge(payments.OpSale, p.Declined, ""))
	switch {
	case c.err != nil || c.outcome.Status != payments.Declined:
		p.problem("the sale with the declining card: %s", c.told())
	case !c.outcome.Code.Known(), c.outcome.Code.MeansUnknown():
		p.problem("the code %s is no decline of the closed list", c.outcome.Code)
	}
}

// authorizeCapture holds money and takes a part of it, or all where a part cannot be taken.
func authorizeCapture(p *play) {
	c, good := p.approved(payments.OpAuthorize)
	if !good {
		return
	}
	taken := c.attempt.Amount
	if p.Provider.Capabilities.PartialCapture {
		taken = p.half(taken)
	}
	p.amend(payments.OpCapture, c, taken, payments.Totals{Authorized: c.attempt.Amount.Minor},
		func(t payments.Totals) bool { return t.Captured == taken.Minor })
}

// authorizeVoid holds money and lets it go.
func authorizeVoid(p *play) {
	c, good := p.approved(payments.OpAuthorize)
	if !good {
		return
	}
	whole := c.attempt.Amount
	p.amend(payments.OpVoid, c, whole, payments.Totals{Authorized: whole.Minor},
		func(t payments.Totals) bool { return t.Voided == whole.Minor && t.Captured == 0 })
}

// saleRefund takes money and gives a part of it back, or all where a part cannot be given.
func saleRefund(p *play) {
	c, good := p.approved(payments.OpSale)
	if !good {
		return
	}
	given := c.attempt.Amount
	if p.Provider.Capabilities.PartialRefund {
		given = p.half(given)
	}
	before := payments.Totals{Authorized: c.attempt.Amount.Minor, Captured: c.attempt.Amount.Minor}
	p.amend(payments.OpRefund, c, given, before, func(t payments.Totals) bool { return t.Refunded == given.Minor })
}

// amend does something with an approved charge and finds that it is done.
func (p *play) amend(op payments.Operation, c *charge, amount payments.Money, before payments.Totals, isDone func(payments.Totals) bool) {
	at := adaptertest.Attempt{Reference: payments.NewReference(), Amount: amount}
	r := p.do(adaptertest.Case{
		Operation: op, Request: adaptertest.Request{Refs: c.refs, Before: before, Reason: "customer_request"},
	}, at)
	refs := c.refs.Merge(r.Outcome.Refs)
	switch {
	case r.Err != nil:
		p.problem("the %s: %v", op, r.Err)
		return
	case r.Outcome.Status != payments.Approved && r.Outcome.Status != payments.Pending:
		p.problem("the %s: %s %s", op, r.Outcome.Status, r.Outcome.Code)
		return
	case r.Outcome.Status == payments.Approved && r.Outcome.Amount != (payments.Money{}) && r.Outcome.Amount != amount:
		p.problem("the %s of %s is approved as %s", op, amount, r.Outcome.Amount)
	}
	f, err := p.find(op, at, refs, before, func(f payments.Finding) bool {
		return f.Kind == payments.FoundOutcome || f.Kind == payments.FoundTotals && isDone(f.Totals)
	})
	switch {
	case err != nil:
		p.problem("looking the %s up: %v", op, err)
	case f.Kind == payments.Processing && r.Outcome.Status == payments.Pending:
		p.note("the %s is still being processed; whether it succeeds is not seen here", op)
	case f.Kind == payments.FoundOutcome && f.Outcome.Status != payments.Approved,
		f.Kind == payments.FoundTotals && !isDone(f.Totals),
		f.Kind != payments.FoundOutcome && f.Kind != payments.FoundTotals:
		p.problem("the %s of %s is found as %q %q, totals %+v", op, amount, f.Kind, f.Outcome.Status, f.Totals)
	}
}

// saleResent sends one sale twice: the second is the first, or is refused because of it.
func saleResent(p *play) {
	first, good := p.approved(payments.OpSale)
	if !good {
		return
	}
	again := p.charge(payments.OpSale, p.Approved, first.attempt.Reference)
	if f := payments.AsFault(again.err); f != nil && f.Kind == payments.Unknown {
		p.note("the second is refused: %v", f)
		again = p.settled(again)
	}
	if again.err != nil || again.outcome.Status != payments.Approved {
		p.problem("the same sale, sent again: %s", again.told())
		return
	}
	p.same("the same sale, sent again,", first.refs, again.refs)
}

// fenceFirst fences a reference of which the PSP has heard nothing. Where it claims to have fenced it, a sale under it must not
// be approved; a PSP that can fence only what it knows says so.
func fenceFirst(p *play) {
	at := adaptertest.Attempt{Reference: payments.NewReference(), Amount: p.amount(p.Approved)}
	if fence, ok := p.abandon(at, payments.ProviderRefs{}); !ok || fence != payments.Fenced {
		if ok && fence != payments.FenceAbsent {
			p.problem("the fence before anything was charged is %q", fence)
		}
		return
	}
	c := p.charge(payments.OpSale, p.Approved, at.Reference)
	if c.err == nil && c.outcome.Status != payments.Declined {
		p.problem("the sale of a fenced reference: %s", c.told())
	}
	p.notCharged(c)
}

// abandon fences a charge.
func (p *play) abandon(at adaptertest.Attempt, refs payments.ProviderRefs) (payments.Fence, bool) {
	r := p.do(adaptertest.Case{
		Operation: payments.OpAbandon, Request: adaptertest.Request{Of: payments.OpSale, Refs: refs},
	}, at)
	if r.Err != nil {
		p.problem("the fence: %v", r.Err)
	}
	return r.Fence, r.Err == nil
}

// actionAbandoned leaves a payer's step undone and fences the charge.
func actionAbandoned(p *play) {
	c := p.charge(payments.OpSale, p.Action, "")
	if c.err != nil || c.outcome.Status != payments.ActionRequired {
		p.problem("the sale with the card that asks for an action: %s", c.told())
		return
	}
	p.webAddress(c.outcome)
	if fence := p.leave(c); fence != "" && fence != payments.Fenced {
		p.problem("the charge that waits for its payer is fenced with %q", fence)
	}
}

// sessionAbandoned opens the PSP's page, which nobody visits, and fences it.
func sessionAbandoned(p *play) {
	c := &charge{op: payments.OpSale, attempt: adaptertest.Attempt{Reference: payments.NewReference(), Amount: p.amount(nil)}}
	c.learn(p.do(adaptertest.Case{Operation: adaptertest.OpSession}, c.attempt))
	if c.err != nil || c.outcome.Status != payments.ActionRequired {
		p.problem("the session: %s", c.told())
		return
	}
	if c.refs.Session == "" {
		p.problem("the session has no id")
	}
	p.webAddress(c.outcome)
	f, err := p.find(c.op, c.attempt, c.refs, payments.Totals{}, func(f payments.Finding) bool { return f.Kind == payments.Processing })
	if err != nil || f.Kind != payments.Processing {
		p.problem("a page that nobody has visited is found as %q %q (%v)", f.Kind, f.Outcome.Status, err)
	}
	if able[adapters.Abandoner]("fence")(p.bench) != "" {
		return
	}
	switch fence := p.leave(c); {
	case fence == "" || fence == payments.Fenced:
	case p.Provider.Capabilities.HostedOnly:
		p.problem("the page that nobody has visited is fenced with %q", fence)
	default: // some PSPs leave their page to expire
		p.note("the page that nobody has visited is fenced with %q", fence)
	}
}

// leave fences a charge that waits for its payer and finds that nothing was charged. It returns the fence; empty is a problem
// that is told already.
func (p *play) leave(c *charge) payments.Fence {
	fence, ok := p.abandon(c.attempt, c.refs)
	if !ok {
		return ""
	}
	p.notCharged(c)
	return fence
}

// notCharged looks a fenced charge up once.
func (p *play) notCharged(c *charge) {
	f, err := p.find(c.op, c.attempt, c.refs, payments.Totals{}, func(payments.Finding) bool { return true })
	if err != nil || f.Outcome.Status == payments.Approved {
		p.problem("the fenced charge is found as %q %q (%v)", f.Kind, f.Outcome.Status, err)
	}
}
