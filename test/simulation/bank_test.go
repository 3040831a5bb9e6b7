package simulation

import (
	"time"

	"switchyard/payments"
)

// standing is where a charge stands at its PSP.
type standing string

const (
	created   standing = "created" // a session without a charge
	waiting   standing = "waits for its payer"
	pending   standing = "pending"
	approved  standing = "approved"
	declined  standing = "declined"
	cancelled standing = "cancelled"
)

// charge is a PSP's own book of one payment.
type charge struct {
	ref, label, session, id string
	standing                standing
	amount                  int64
	capture, verify, page   bool
	ends                    time.Duration // of its page, on the world's clock
	code                    payments.Code
	method, customer        string
	wantsMethod             bool
	totals                  payments.Totals
	history                 []totalsAt
	shownAt                 time.Duration
	stepped                 bool // the payer has taken the step; its result is to be brought
	given                   bool // the link to its page was given away
}

type totalsAt struct {
	at     time.Duration
	totals payments.Totals
}

// kept is the money that the PSP has of a payer and has not given back.
func (c *charge) kept() int64 {
	return c.totals.Authorized - c.totals.Voided - c.totals.Refunded
}

// step is a capture, void, refund or increment at a PSP.
type step struct {
	op       payments.Operation
	charge   *charge
	amount   int64
	standing standing
	shownAt  time.Duration
}

// bank is the truth of one PSP. It is read and written with the world's mu held.
type bank struct {
	w       *world
	id      string
	kind    *kind
	weather float64 // how often a call goes wrong
	liar    bool    // breaks its promises at times
	storm   bool

	charges  map[string]*charge // by our reference
	sessions map[string]*charge
	ids      map[string]*charge
	doubles  []*charge // charges beside the first of their reference
	steps    map[string]*step
	tombs    map[string]bool // references that were fenced before they came
	flying   map[string]int  // requests under way that may still act, by reference
	lies     map[string]bool // references about which a promise was broken
	unsure   map[string]bool // references that a request was made for without an answer
	refused  map[string]bool // references that were definitely refused, and that was heard
	methods  map[string]bool // saved methods
}

func newBank(w *world, k *kind, d dice) *bank {
	b := &bank{
		w: w, id: payments.PrefixGateway + k.name, kind: k, weather: pick(d, 0, 0.02, 0.06, 0.15, 0.3), liar: d.chance(0.12),
		charges: map[string]*charge{}, sessions: map[string]*charge{}, ids: map[string]*charge{}, steps: map[string]*step{},
		tombs: map[string]bool{}, flying: map[string]int{}, lies: map[string]bool{}, refused: map[string]bool{}, unsure: map[string]bool{}, methods: map[string]bool{},
	}
	return b
}

// all lists the charges of a reference; more than one is a double charge.
func (b *bank) all(ref string) []*charge {
	var list []*charge
	if c := b.charges[ref]; c != nil {
		list = append(list, c)
	}
	for _, c := range b.doubles {
		if c.ref == ref {
			list = append(list, c)
		}
	}
	return list
}

// may says whether a charge may still happen though it has not.
func (b *bank) may(ref string) bool {
	c := b.charges[ref]
	switch {
	case c == nil:
		return b.flying[ref] > 0 && !b.tombs[ref]
	case c.standing == created:
		return b.flying[ref] > 0 || c.page && c.given && b.w.now() < c.ends
	}
	return c.standing == waiting || c.standing == pending
}

func (b *bank) log(c *charge, format string, args ...any) {
	b.w.logLocked(c.label, b.kind.name+": "+format, args...)
}

// showsAt is when something that is done now shows.
func (b *bank) showsAt(label string, what string) time.Duration {
	if !b.kind.slow || b.w.calm() {
		return b.w.now()
	}
	return b.w.now() + newDice(b.w.seed, "shows", b.id, label, what).between(0, slowest)
}

// decide settles what becomes of a charge.
func (b *bank) decide(c *charge, steps bool) {
	d := newDice(b.w.seed, "issuer", b.id, c.label, string(c.standing))
	switch n := d.Float64(); {
	case steps && n < b.kind.steps:
		b.move(c, waiting)
	case steps && n < b.kind.steps+b.kind.pending:
		b.move(c, pending)
		time.AfterFunc(d.between(time.Second, 20*time.Minute), func() { b.resolve(c) })
	case d.chance(0.22):
		c.code = pick(d, payments.CardProcessingError, payments.CardDeclined, payments.CardDoNotHonor, payments.CardFailedCVC,
			payments.CardNoMoney, payments.CardLost, payments.CardNotSupported, payments.GatewayMaintenance)
		b.move(c, declined)
	default:
		b.take(c)
	}
}

// take charges the payer.
func (b *bank) take(c *charge) {
	if !c.verify {
		c.totals.Authorized = c.amount
		if c.capture {
			c.totals.Captured = c.amount
		}
	}
	if c.wantsMethod {
		c.method = "m-" + c.ref
		b.methods[c.method] = true
	}
	b.move(c, approved)
	b.changed(c)
}

// resolve ends a charge that the PSP was still working on.
func (b *bank) resolve(c *charge) {
	b.w.mu.Lock()
	defer b.w.mu.Unlock()
	if c.standing == pending {
		b.decide(c, false)
	}
}

func (b *bank) move(c *charge, to standing) {
	c.standing, c.shownAt = to, b.showsAt(c.label, string(to))
	b.log(c, "%s %d (captured %d) %s", to, c.amount, c.totals.Captured, c.code)
	b.notify(c, string(to))
}

// changed keeps what look-ups by totals showed before.
func (b *bank) changed(c *charge) {
	c.history = append(c.history, totalsAt{at: b.showsAt(c.label, "totals"), totals: c.totals})
}

func (c *charge) shown(now time.Duration) payments.Totals {
	var t payments.Totals
	for _, h := range c.history {
		if h.at <= now {
			t = h.totals
		}
	}
	return t
}

// outcome is what the PSP says of a charge.
func (b *bank) outcome(c *charge) payments.Outcome {
	o := payments.Outcome{Refs: payments.ProviderRefs{Session: c.session, Charge: c.id}}
	switch c.standing {
	case approved:
		o.Status, o.Refs.Method, o.Refs.Customer = payments.Approved, c.method, c.customer
	case declined:
		o.Status, o.Code = payments.Declined, c.code
	case cancelled:
		o.Status, o.Code = payments.Declined, payments.GatewayExpired
	case waiting:
		o.Status = payments.ActionRequired
		o.Action = &payments.CustomerAction{Type: "redirect", Value: actionLink + c.ref}
	case pending, created:
		o.Status = payments.Pending
	}
	return o
}

// actionLink begins the address of a payer's step. It must not lie in the store in the open.
const actionLink = "https://psp.example/step?csc=cs_secret_of_the_payer&payment="

// refusals is how often a PSP refuses what it could do.
var refusals = map[payments.Operation]float64{payments.OpCapture: 0.05, payments.OpRefund: 0.05, payments.OpIncrement: 0.05, payments.OpVoid: 0.25}

// amend carries out an operation on a charge. The outcome follows from the reference, so that a repeat has the same.
func (b *bank) amend(op payments.Operation, ref, chargeID string, amount int64) (payments.Outcome, error) {
	if old := b.steps[ref]; old != nil && b.kind.caps.Recovery[op].Resend {
		return b.stepOutcome(old, ref), nil
	} else if old != nil && old.standing == approved {
		b.log(old.charge, "%s with the reference of an earlier one", op)
	}
	c := b.ids[chargeID]
	if c == nil {
		return payments.Outcome{}, payments.Faultf(payments.Rejected, "no such charge")
	}
	s := &step{op: op, charge: c, amount: amount, standing: declined}
	b.steps[ref] = s
	d := newDice(b.w.seed, "step", b.id, b.w.labelLocked(ref), c.label, string(op))
	fits := b.fits(c, op, amount)
	s.shownAt = b.showsAt(c.label, b.w.labelLocked(ref))
	switch {
	case !fits || d.chance(refusals[op]) && !b.w.calm():
	case !b.kind.totals && op == payments.OpRefund && d.chance(0.1):
		s.standing = pending
		time.AfterFunc(d.between(time.Second, 10*time.Minute), func() { b.endStep(s) })
	default:
		b.apply(s)
	}
	b.log(c, "%s of %d %s", op, amount, s.standing)
	return b.stepOutcome(s, ref), nil
}

func (b *bank) fits(c *charge, op payments.Operation, amount int64) bool {
	t := c.totals
	reserved := int64(0)
	for _, s := range b.steps {
		if s.charge == c && s.standing == pending {
			reserved += s.amount
		}
	}
	switch op {
	case payments.OpCapture:
		return c.standing == approved && t.Captured+t.Voided+amount <= t.Authorized && (t.Captured == 0 || b.kind.caps.MultiCapture)
	case payments.OpVoid:
		return c.standing == approved && t.Captured == 0 && t.Voided == 0 && amount <= t.Authorized
	case payments.OpRefund:
		return t.Refunded+reserved+amount <= t.Captured
	case payments.OpIncrement:
		return c.standing == approved && t.Captured == 0 && t.Voided == 0
	}
	return false
}

// apply moves the money of a step.
func (b *bank) apply(s *step) {
	t := &s.charge.totals
	switch s.op {
	case payments.OpCapture:
		t.Captured += s.amount
	case payments.OpVoid:
		t.Voided += s.amount
	case payments.OpRefund:
		t.Refunded += s.amount
	case payments.OpIncrement:
		t.Authorized += s.amount
	}
	s.standing = approved
	b.changed(s.charge)
	b.notify(s.charge, string(s.op))
}

func (b *bank) endStep(s *step) {
	b.w.mu.Lock()
	defer b.w.mu.Unlock()
	s.standing = declined
	if t := s.charge.totals; t.Refunded+s.amount <= t.Captured && newDice(b.w.seed, "ends", s.charge.label).chance(0.8) {
		b.apply(s)
	}
	b.log(s.charge, "%s of %d ends %s", s.op, s.amount, s.standing)
}

func (b *bank) stepOutcome(s *step, ref string) payments.Outcome {
	o := payments.Outcome{Status: payments.Declined, Code: payments.PaymentDeclined, Refs: payments.ProviderRefs{Operation: "op-" + ref}}
	switch s.standing {
	case approved:
		o.Status, o.Code = payments.Approved, ""
	case pending:
		o.Status, o.Code = payments.Pending, ""
	case created, waiting, declined, cancelled:
	}
	return o
}
