package simulation

import (
	"strings"

	"switchyard/payments"
)

// audit watches every commit, at its moment: what the store says must be true of the PSPs then.
type audit struct {
	w            *world
	attempts     map[string]payments.Attempt     // by id, as committed
	transactions map[string]payments.Transaction // by id
	ordinals     map[string]int                  // attempts of a subject
	fences       map[string]int64                // of the newest lease, by job
	resolved     map[string]bool                 // attempts that an operator has ended
	keys         map[string]bool                 // idempotency keys that have begun something
	events       map[string]map[string]int       // by transaction and name
	answers      []answer
	invoices     []string // ids
	tokens       []string
}

func newAudit(w *world) *audit {
	return &audit{
		w: w, attempts: map[string]payments.Attempt{}, transactions: map[string]payments.Transaction{},
		ordinals: map[string]int{}, fences: map[string]int64{}, events: map[string]map[string]int{}, keys: map[string]bool{}, resolved: map[string]bool{},
	}
}

// committed is called with the world's mu held, right after a commit.
func (u *audit) committed(p *process, c *payments.Change) {
	for i := range c.Invoices {
		if c.Invoices[i].Version == 1 {
			u.invoices = append(u.invoices, c.Invoices[i].ID)
			label := "p?"
			if c.Claim != nil {
				label = strings.TrimSuffix(c.Claim.Key, "!invoice")
			}
			u.w.name(c.Invoices[i].ID, label)
		}
	}
	for i := range c.Tokens {
		if c.Tokens[i].Version == 1 {
			u.tokens = append(u.tokens, c.Tokens[i].ID)
			u.w.name(c.Tokens[i].ID, u.tokenLabel(c))
		}
	}
	for i := range c.Inbound {
		u.w.name(c.Inbound[i].ID, c.Inbound[i].EventKey)
	}
	for i := range c.Attempts {
		u.attempt(p, c, &c.Attempts[i])
	}
	for i := range c.Attempts {
		u.oneAtATime(&c.Attempts[i])
	}
	for i := range c.Transactions {
		u.transaction(&c.Transactions[i])
	}
	for i := range c.Mappings {
		u.mapping(c, &c.Mappings[i])
	}
	for i := range c.Events {
		if t := c.Events[i].Snapshot.Transaction; t != nil {
			if u.events[t.ID] == nil {
				u.events[t.ID] = map[string]int{}
			}
			u.events[t.ID][c.Events[i].Name]++
		}
	}
	u.jobs(p, c)
}

// tokenLabel names a token after the story or the payment that it comes from.
func (u *audit) tokenLabel(c *payments.Change) string {
	label := "token"
	switch {
	case c.Claim != nil:
		label = c.Claim.Key
	case len(c.Attempts) > 0:
		label = u.w.labels[c.Attempts[0].InvoiceID]
	}
	return story(label) + ".token"
}

// attempt checks one step of an attempt against the truth.
func (u *audit) attempt(p *process, c *payments.Change, a *payments.Attempt) {
	w := u.w
	old, known := u.attempts[a.ID]
	if !known {
		u.begun(c, a)
	}
	u.attempts[a.ID] = *a
	label := w.labels[a.Reference]
	if known && old.State == a.State {
		return
	}
	w.logLocked(label, "%s: %s of %d at %s: %s %s %s", p.name, a.Operation, a.Amount.Minor, a.PSP, a.State, a.Code, a.Fault)
	b := w.bank(a.GatewayConfigurationID)
	lied := b.lies[a.Reference]
	if known && !old.State.CanBecome(a.State) {
		w.violate("legal history", label, "the attempt went from %s to %s", old.State, a.State)
	}
	switch a.State {
	case payments.AttemptApproved:
		if !b.did(a) {
			w.violate("approved means done", label, "the attempt is approved, and %s has not done it", a.PSP)
		}
	case payments.AttemptDeclined, payments.AttemptFailed:
		switch {
		case lied:
		case b.did(a):
			w.violate("failed means not charged", label, "the attempt is %s, and %s has done it", a.State, a.PSP)
		case b.mayYet(a):
			w.violate("failed means never charged", label, "the attempt is %s, and %s may still do it", a.State, a.PSP)
		case known && old.State != payments.AttemptSent && !u.proven(b, a):
			w.violate("nothing is called failed by the clock", label, "it was %s and is %s, and %s has said nothing that proves it", old.State, a.State, a.PSP)
		}
	case payments.AttemptLate:
		w.counts["late charge found"]++
		if !lied {
			w.violate("failed means never charged", label, "%s did it after the attempt had ended, without having broken a promise", a.PSP)
		}
	case payments.AttemptReversed:
		for _, charge := range b.all(a.Reference) {
			if charge.kept() != 0 {
				w.violate("reversed means given back", label, "%s keeps %d of it", a.PSP, charge.kept())
			}
		}
	case payments.AttemptSent, payments.AttemptUnknown, payments.AttemptPending, payments.AttemptAction:
	}
}

// proven says that there is a reason to call an attempt not done: the PSP's refusal or fence, its absence for longer than the
// PSP works on anything, a step that was never begun, or an operator's word.
func (u *audit) proven(b *bank, a *payments.Attempt) bool {
	absence := b.kind.caps.Recovery[a.Operation].AbsenceAfter
	if absence > 0 && a.EndedAt.Sub(a.SentAt) > absence || u.resolved[a.ID] {
		return true
	}
	if s := b.steps[a.Reference]; s != nil && s.standing == declined {
		return true
	}
	c := b.charges[a.Reference]
	return b.tombs[a.Reference] || b.refused[a.Reference] || b.kind.session && a.Refs.Session == "" ||
		c != nil && (c.standing == declined || c.standing == cancelled)
}

// begun names a new attempt and checks its intent.
func (u *audit) begun(c *payments.Change, a *payments.Attempt) {
	w := u.w
	subject := w.labels[a.InvoiceID]
	if a.InvoiceID == "" {
		subject = w.labels[a.TokenID]
	}
	if subject == "" {
		subject = "p?"
	}
	u.ordinals[subject]++
	label := subject + "#" + string(rune('0'+u.ordinals[subject]%10)) // ten attempts and more are told apart by their operation
	if n := u.ordinals[subject]; n > 9 {
		label = subject + "#" + string(rune('a'+(n-10)%26))
	}
	w.name(a.Reference, label)
	w.name(a.Reference[uniquePart:], label)
	w.name(a.ID, label)
	u.keys[a.ClaimKey] = true
	if a.ClaimKey != "" && (c.Claim == nil || c.Claim.Key != a.ClaimKey) && !u.claimed(a) {
		w.violate("a key is claimed with its intent", label, "the intent of key %s was written without it", a.ClaimKey)
	}
}

// claimed says that an earlier attempt of the same call has brought the key.
func (u *audit) claimed(a *payments.Attempt) bool {
	for _, other := range u.attempts {
		if other.ClaimKey == a.ClaimKey && other.ID != a.ID && other.InvoiceID == a.InvoiceID && other.TokenID == a.TokenID {
			return true
		}
	}
	return false
}

// oneAtATime checks that nothing else of the payment is open beside an open attempt.
func (u *audit) oneAtATime(a *payments.Attempt) {
	if !a.State.Open() || a.InvoiceID == "" || a.Version != 1 {
		return
	}
	for _, other := range u.attempts {
		if other.InvoiceID == a.InvoiceID && other.ID != a.ID && other.State.Open() {
			u.w.violate("one operation at a time", u.w.labels[a.Reference], "it began while %s was %s", u.w.labels[other.Reference], other.State)
		}
	}
}

// transaction checks the money and that what is in flight is reserved.
func (u *audit) transaction(t *payments.Transaction) {
	w, label := u.w, u.w.labels[t.InvoiceID]
	old, known := u.transactions[t.ID]
	u.transactions[t.ID] = *t
	if known && old.Status != t.Status {
		w.logLocked(label, "the payment is %s (authorized %d, captured %d, refunded %d, voided %d)", t.Status, t.Totals.Authorized, t.Totals.Captured, t.Totals.Refunded, t.Totals.Voided)
		if !old.Status.CanBecome(t.Status) {
			w.violate("legal history", label, "the payment went from %s to %s", old.Status, t.Status)
		}
	}
	if t.Totals.Captured+t.Capturing+t.Totals.Voided > t.Totals.Authorized || t.Totals.Refunded+t.Refunding > t.Totals.Captured {
		w.violate("amounts add up", label, "%+v, capturing %d, refunding %d", t.Totals, t.Capturing, t.Refunding)
	}
	if t.Totals.Captured < old.Totals.Captured || t.Totals.Refunded < old.Totals.Refunded || t.Totals.Authorized < old.Totals.Authorized && t.ChargeAttemptID == old.ChargeAttemptID {
		w.violate("amounts add up", label, "%+v became %+v", old.Totals, t.Totals)
	}
	a := u.attempts[t.InFlight]
	if !a.State.Open() {
		return
	}
	reserved := map[payments.Operation]int64{payments.OpCapture: t.Capturing, payments.OpRefund: t.Refunding, payments.OpIncrement: t.Incrementing}
	if amount, ok := reserved[a.Operation]; ok && amount != a.Amount.Minor {
		w.violate("what is in flight is reserved", label, "a %s of %d is in flight, and %d is reserved", a.Operation, a.Amount.Minor, amount)
	}
}

// mapping checks that what is kept of a token was learnt from an approval.
func (u *audit) mapping(c *payments.Change, m *payments.Mapping) {
	for i := range c.Attempts {
		a := &c.Attempts[i]
		if a.TokenID != m.TokenID || a.GatewayConfigurationID != m.GatewayConfigurationID {
			continue
		}
		learnt := a.State == payments.AttemptApproved || m.MethodRef == ""
		if !learnt || a.State != payments.AttemptApproved && m.LastSuccessAt.Equal(a.EndedAt) {
			u.w.violate("mappings are learnt from approvals", u.w.labels[a.Reference], "a mapping was written with an attempt that is %s", a.State)
		}
	}
}

// jobs checks that only who holds the newest lease of a job moves or ends it.
func (u *audit) jobs(p *process, c *payments.Change) {
	for _, done := range c.DoneJobs {
		if newest := u.fences[done.Key]; done.Fence > 0 && done.Fence != newest {
			u.w.violate("only who holds the lease moves a job", u.w.labelOfJob(done.Key), "%s ended it under lease %d; the newest is %d", p.name, done.Fence, newest)
		}
	}
}

// leased takes note of leases.
func (u *audit) leased(jobs []payments.Job) {
	for _, j := range jobs {
		u.fences[j.Key] = j.Fence
	}
}

// labelOfJob is the label of a job's subject. It is called with mu held.
func (w *world) labelOfJob(key string) string {
	_, subject, _ := strings.Cut(key, ":")
	subject, _, _ = strings.Cut(subject, ":")
	return w.labels[subject]
}

// did says whether the PSP has done what an attempt asked for.
func (b *bank) did(a *payments.Attempt) bool {
	if a.Operation.Charges() {
		c := b.charges[a.Reference]
		return c != nil && c.standing == approved
	}
	s := b.steps[a.Reference]
	return s != nil && s.standing == approved
}

// mayYet says whether the PSP may still do it.
func (b *bank) mayYet(a *payments.Attempt) bool {
	if a.Operation.Charges() {
		return b.may(a.Reference)
	}
	s := b.steps[a.Reference]
	if s != nil && b.kind.caps.Recovery[a.Operation].Resend {
		return s.standing == pending // what still comes gets the same answer
	}
	return b.flying[a.Reference] > 0 || s != nil && s.standing == pending
}
