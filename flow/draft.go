package flow

import (
	"context"
	"time"

	"switchyard/payments"
)

// subject is what an attempt is about: a payment, or the verification of a token. For a verification, pay holds nothing
// but the attempts.
type subject struct {
	pay      *payments.Payment
	token    *payments.Token
	customer *payments.Customer // of a verification, as its answer and events show it; nil when deleted
	card     *payments.Card     // likewise
	orphaned bool               // the token was deleted meanwhile: its verification still has to end well at the PSP
}

func (s *subject) snapshot() payments.Snapshot {
	if s.token != nil {
		token := *s.token
		return payments.Snapshot{Token: &token, Customer: s.customer, Card: s.card}
	}
	return snapshotOf(s.pay)
}

// draft is one durable commit in the making. It changes the subject in memory and remembers what it touched; commit
// raises the versions and writes. After a failed commit the subject in memory is stale and must be read again.
type draft struct {
	*subject
	now         time.Time
	change      payments.Change
	attempts    map[string]bool
	refunds     map[string]bool
	transaction bool
	invoice     bool
	tokenDirty  bool
	events      []string
	answer      *payments.ClaimKey
	claim       *payments.Claim
	why         string // of the attempt's next transition, when it is not the PSP's answer
	code        string // of the answer, when it is not a success
	message     string
	refundID    string // the refund that the answer and the event show
	action      *payments.CustomerAction
	final       payments.Snapshot // what commit wrote, as an answer is rendered from it
}

func (e *Engine) draft(s *subject) *draft {
	return &draft{subject: s, now: e.now(), attempts: map[string]bool{}, refunds: map[string]bool{}}
}

// addAttempt starts the story of an attempt: its intent.
func (d *draft) addAttempt(a payments.Attempt) {
	a.State, a.SentAt = payments.AttemptSent, d.now
	d.pay.Attempts = append(d.pay.Attempts, a)
	d.attempts[a.ID] = true
	d.transition("attempt", a.ProjectID, a.ID, "", string(a.State), "sent to "+a.PSP)
}

// moveAttempt changes an attempt's state.
func (d *draft) moveAttempt(a *payments.Attempt, to payments.AttemptState, why string) error {
	d.attempts[a.ID] = true
	if a.State == to {
		return nil
	}
	if !a.State.CanBecome(to) {
		return &payments.TransitionError{Subject: "attempt", From: string(a.State), To: string(to)}
	}
	d.transition("attempt", a.ProjectID, a.ID, string(a.State), string(to), why)
	a.State = to
	if !to.Open() {
		a.EndedAt = d.now
	}
	return nil
}

// moveTransaction changes the transaction's status.
func (d *draft) moveTransaction(to payments.TransactionStatus, why string) error {
	t := &d.pay.Transaction
	d.transaction = true
	if t.Status == to {
		return nil
	}
	if !t.Status.CanBecome(to) {
		return &payments.TransitionError{Subject: "transaction", From: string(t.Status), To: string(to)}
	}
	d.transition("transaction", t.ProjectID, t.ID, string(t.Status), string(to), why)
	t.Status = to
	return nil
}

// moveVerification changes the token's verification status.
func (d *draft) moveVerification(to payments.VerificationStatus, why string) error {
	d.tokenDirty = true
	if d.token.Verification == to {
		return nil
	}
	if !d.token.Verification.CanBecome(to) {
		return &payments.TransitionError{Subject: "token", From: string(d.token.Verification), To: string(to)}
	}
	d.transition("token", d.token.ProjectID, d.token.ID, string(d.token.Verification), string(to), why)
	d.token.Verification = to
	return nil
}

func (d *draft) transition(kind, projectID, id, from, to, why string) {
	d.change.Transitions = append(d.change.Transitions, payments.Transition{
		ProjectID: projectID, Subject: kind, SubjectID: id, From: from, To: to, Why: why, At: d.now,
	})
}

func (d *draft) entry(a *payments.Attempt, kind payments.EntryKind, amount payments.Money) {
	d.change.Entries = append(d.change.Entries, payments.Entry{
		ProjectID: a.ProjectID, TransactionID: a.TransactionID, AttemptID: a.ID,
		GatewayConfigurationID: a.GatewayConfigurationID, Kind: kind, Amount: amount, At: d.now,
	})
}

// commit raises the versions of all that was touched, renders events and answer from the result, and writes it all at once.
func (d *draft) commit(ctx context.Context, e *Engine) error {
	if err := d.collect(ctx, e); err != nil {
		return err
	}
	final := d.snapshot()
	final.Code, final.Message, final.Action = d.code, d.message, d.action
	if r := d.pay.Refund(d.refundID); r != nil {
		refund := *r
		final.Refund = &refund
	}
	d.final = final
	if d.claim != nil {
		d.change.Claim = d.claim
	}
	if d.answer != nil {
		d.change.Answer = &payments.Answer{ClaimKey: *d.answer, Snapshot: final}
	}
	if d.orphaned {
		d.events = nil
	}
	told := final
	told.Code, told.Message, told.Action = "", "", nil
	for _, name := range d.events {
		d.change.Events = append(d.change.Events, d.event(name, told))
	}
	return e.ledger.Apply(ctx, d.change)
}

func (d *draft) collect(ctx context.Context, e *Engine) error {
	for i := range d.pay.Attempts {
		a := &d.pay.Attempts[i]
		if !d.attempts[a.ID] {
			continue
		}
		a.Version++
		stored := *a
		var err error
		if stored.Action, err = e.sealAction(ctx, a); err != nil {
			return err
		}
		d.change.Attempts = append(d.change.Attempts, stored)
	}
	for i := range d.pay.Refunds {
		if r := &d.pay.Refunds[i]; d.refunds[r.ID] {
			r.Version++
			d.change.Refunds = append(d.change.Refunds, *r)
		}
	}
	if d.transaction {
		d.pay.Transaction.Version++
		d.change.Transactions = append(d.change.Transactions, d.pay.Transaction)
	}
	if d.invoice {
		d.pay.Invoice.Version++
		d.change.Invoices = append(d.change.Invoices, d.pay.Invoice)
	}
	if d.tokenDirty && !d.orphaned {
		d.token.Version++
		d.change.Tokens = append(d.change.Tokens, *d.token)
	}
	return nil
}

func (d *draft) event(name string, s payments.Snapshot) payments.Event {
	ev := payments.Event{ID: payments.NewID(payments.PrefixEvent), Name: name, Snapshot: s, FiredAt: d.now}
	if d.token != nil {
		ev.ProjectID, ev.WebhookURL = d.token.ProjectID, d.token.WebhookURL
		ev.Sandbox = d.customer != nil && d.customer.Sandbox
		return ev
	}
	ev.ProjectID, ev.WebhookURL, ev.Sandbox = d.pay.Invoice.ProjectID, d.pay.Invoice.WebhookURL, d.pay.Invoice.Sandbox
	return ev
}

// askJob keeps an open attempt from being forgotten: it is written with the intent and dropped with the outcome.
func askJob(a *payments.Attempt, runAt, now time.Time) payments.Job {
	return payments.Job{ProjectID: a.ProjectID, Key: askKey(a.ID), Kind: payments.JobAsk, SubjectID: a.ID, RunAt: runAt, CreatedAt: now}
}

func askKey(attemptID string) string { return "ask:" + attemptID }
