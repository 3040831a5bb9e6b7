package flow

import (
	"cmp"
	"context"
	"errors"
	"time"

	"switchyard/adapters"
	"switchyard/crash"
	"switchyard/payments"
	"switchyard/tokens"
)

// settling says how a result is to be made durable.
type settling struct {
	last    bool      // nothing else will be tried: a refusal is final
	crashed bool      // the attempt was left behind by a crash, so nobody waits for its answer
	askAt   time.Time // when an attempt that stays open is asked about next
	why     string    // in place of the PSP's words, in the attempt's history
	final   *payments.Snapshot
}

// maxConflicts bounds how often a write is decided again because somebody else wrote meanwhile.
const maxConflicts = 8

// An outcome that the store would not take is written again a few times, the waits doubling.
const (
	storeRetry      = 50 * time.Millisecond
	maxStoreRetries = 5
)

// settle makes what came of an attempt durable: durable commit 2. When somebody else has settled the attempt meanwhile,
// that is the outcome and nothing is written.
func (e *Engine) settle(ctx context.Context, s *subject, id string, r payments.Result, o settling) error {
	for try := 0; ; try++ {
		a := s.pay.Attempt(id)
		if a == nil || !a.State.Open() {
			if a != nil && stateAfter(r) == payments.AttemptApproved && mayBeLate(a) {
				if err := e.late(ctx, s, id, r.Outcome.Refs); errors.Is(err, payments.ErrConflict) && try < maxConflicts {
					if err := e.reload(ctx, s, a); err != nil {
						return err
					}
					continue
				} else if err != nil {
					return err
				}
				a = s.pay.Attempt(id)
			}
			o.answer(s, a)
			return nil
		}
		d, was := e.draft(s), a.State
		err := e.compose(ctx, d, a, r, o)
		if _, illegal := errors.AsType[*payments.TransitionError](err); illegal {
			return err
		}
		if err == nil {
			crash.Point(crash.BeforeOutcome)
			err = d.commit(ctx, e)
			crash.Point(crash.AfterOutcome)
		}
		if errors.Is(err, payments.ErrConflict) && concluded(r) {
			return err // the attempt is another one by now: it has to be asked about again
		}
		if err != nil && !concluded(r) && !errors.Is(err, payments.ErrConflict) && !errors.Is(err, payments.ErrMoneyGuard) && try < maxStoreRetries {
			// What the PSP said may not be told again: a store that is busy gets another chance.
			e.log.WarnContext(ctx, "an outcome is not written yet", "attempt", id, "error", err)
			<-time.After(storeRetry << try)
			err = payments.ErrConflict
		}
		if errors.Is(err, payments.ErrConflict) && try < maxConflicts {
			refs, questions, absences := a.Refs, a.Questions, a.Absences
			if err := e.reload(ctx, s, a); err != nil {
				return err
			}
			if a = s.pay.Attempt(id); a != nil && a.State.Open() {
				a.Refs, a.Questions, a.Absences = a.Refs.Merge(refs), questions, absences
			}
			continue
		}
		if err != nil {
			return err
		}
		e.logAttempt(ctx, s.pay.Attempt(id), s.pay.Attempt(id).SentAt)
		e.observe(s, id, was, r, o.last)
		e.learnCascade(s.pay, id, r)
		e.learnCustomer(ctx, a)
		if a.TokenID != "" {
			e.tokens.Changed(ctx, a.ProjectID, a.TokenID)
		}
		e.wake()
		if o.final != nil {
			*o.final = d.final
		}
		return nil
	}
}

// compose fills the draft with everything that belongs to one outcome.
func (e *Engine) compose(ctx context.Context, d *draft, a *payments.Attempt, r payments.Result, o settling) error {
	d.why = o.why
	if err := d.record(a, r, o.last); err != nil {
		return err
	}
	if a.State.Open() {
		d.action = e.openAction(ctx, a)
		if !o.askAt.IsZero() {
			d.change.Jobs = append(d.change.Jobs, askJob(a, o.askAt, d.now))
		}
		return nil
	}
	e.forgetMethod(ctx, d, a, r)
	if mayTurnUp(a, r) {
		d.change.Jobs = append(d.change.Jobs, recheckJob(a, 0, d.now))
	}
	if a.ClaimKey != "" {
		key := payments.ClaimKey{ProjectID: a.ProjectID, Scope: a.ClaimScope, Key: a.ClaimKey}
		if o.crashed && a.State == payments.AttemptFailed {
			d.change.Release = &key // proven never to have charged, and nobody was told anything: the key is free again
		} else {
			d.answer = &key
		}
	}
	if a.State == payments.AttemptApproved {
		if err := e.keepSource(ctx, d, a); err != nil {
			return err
		}
		return e.learn(ctx, d, a, r.Outcome.MethodOnly)
	}
	return e.releaseCard(ctx, d, a)
}

// keepSource makes what has just paid a token of the customer, when the payment asked for it: the card, or the method that the
// payer has saved on the PSP's own page.
func (e *Engine) keepSource(ctx context.Context, d *draft, a *payments.Attempt) error {
	if !a.SaveSource || a.TokenID != "" || a.CardID == "" && a.Refs.Method == "" {
		return nil
	}
	var (
		p   tokens.Prepared
		err error
	)
	if a.CardID == "" {
		p, err = e.tokens.KeepMethod(ctx, a.ProjectID, a.CustomerID, a.GatewayConfigurationID, a.Refs.Method, a.InvoiceID)
	} else {
		p, err = e.tokens.Keep(ctx, a.ProjectID, a.CustomerID, a.CardID, a.InvoiceID)
	}
	switch payments.ErrorCode(err) {
	case payments.CodeCustomerNotFound, payments.CodeCardNotFound: // deleted meanwhile: the payment counts all the same
		if a.Refs.Method == "" {
			return nil
		}
		return d.forgets(a)
	}
	if err != nil {
		return err
	}
	c := &d.change
	c.Tokens, c.Customers, c.Cards = append(c.Tokens, p.Change.Tokens...), append(c.Customers, p.Change.Customers...), append(c.Cards, p.Change.Cards...)
	c.Transitions, c.Events = append(c.Transitions, p.Change.Transitions...), append(c.Events, p.Change.Events...)
	a.TokenID, d.pay.Transaction.TokenID = p.Token.ID, p.Token.ID
	return nil
}

// learn keeps what an approval teaches about the token, and writes the work that follows from it. only says who alone may
// start payments with the method that the PSP has saved.
func (e *Engine) learn(ctx context.Context, d *draft, a *payments.Attempt, only payments.Initiation) error {
	gateway := e.gateways[a.GatewayConfigurationID]
	if a.Operation == payments.OpVerify && a.Amount.Minor > 0 {
		d.change.Jobs = append(d.change.Jobs, reverseJob(a, d.now))
	}
	if a.TokenID == "" || !a.Operation.Charges() {
		return nil
	}
	if gone, err := e.tokenGone(ctx, d, a); err != nil || gone {
		return err
	}
	known, err := e.tokens.Mappings(ctx, a.ProjectID, a.TokenID)
	if err != nil {
		return err
	}
	m := known[a.GatewayConfigurationID]
	if a.OnPage() && m.MethodRef != "" && a.Refs.Method != m.MethodRef {
		return nil // the payer chose another method on the page: that says nothing of this token
	}
	if m.FirstSuccessAt.IsZero() {
		m.FirstSuccessAt = d.now
	}
	m.ProjectID, m.TokenID, m.GatewayConfigurationID, m.PSP = a.ProjectID, a.TokenID, a.GatewayConfigurationID, a.PSP
	m.Status, m.Reason, m.LastSuccessAt = payments.MappingUsable, "", d.now
	if a.Refs.Method != "" {
		m.MethodRef, m.Only = a.Refs.Method, only
	}
	if a.Refs.Customer != "" {
		m.CustomerRef = a.Refs.Customer
	}
	if m.Currency == "" {
		m.Currency = a.Amount.Currency
	}
	if m.NetworkTransactionID == "" {
		m.NetworkTransactionID = a.NetworkTransactionID
	}
	d.change.Mappings = append(d.change.Mappings, m)
	if _, ok := gateway.Adapter.(adapters.Tokenizer); ok && m.MethodRef == "" && a.CardID != "" {
		d.change.Jobs = append(d.change.Jobs, payments.Job{
			ProjectID: a.ProjectID, Key: "enrol:" + a.TokenID + ":" + gateway.ID,
			Kind: payments.JobEnrol, SubjectID: a.ID, RunAt: d.now, CreatedAt: d.now,
		})
	}
	return nil
}

// tokenGone says whether the token was deleted while its attempt ran; the PSP is then asked to forget what it has saved.
func (e *Engine) tokenGone(ctx context.Context, d *draft, a *payments.Attempt) (bool, error) {
	if !d.orphaned {
		if a.SaveSource {
			return false, nil // made in this same commit
		}
		if _, err := e.tokens.Token(ctx, a.ProjectID, "", a.TokenID); payments.ErrorCode(err) != payments.CodeTokenNotFound {
			return false, err
		}
	}
	if a.Refs.Method == "" {
		return true, nil
	}
	return true, d.forgets(a)
}

// forgets has the PSP asked to forget the method that it has saved for nobody.
func (d *draft) forgets(a *payments.Attempt) error {
	job, err := tokens.ForgetJob(payments.Mapping{
		ProjectID: a.ProjectID, TokenID: cmp.Or(a.TokenID, a.ID), GatewayConfigurationID: a.GatewayConfigurationID,
		CustomerRef: a.Refs.Customer, MethodRef: a.Refs.Method,
	})
	job.RunAt, job.CreatedAt = d.now, d.now
	d.change.Jobs = append(d.change.Jobs, job)
	return err
}

// forgetMethod drops a saved method that the PSP does not know any more.
func (e *Engine) forgetMethod(ctx context.Context, d *draft, a *payments.Attempt, r payments.Result) {
	if r.Fault == nil || !r.Fault.MethodGone || a.TokenID == "" {
		return
	}
	known, err := e.tokens.Mappings(ctx, a.ProjectID, a.TokenID)
	if err != nil {
		e.log.WarnContext(ctx, "a saved method is gone at its PSP, but its mapping cannot be read", "attempt", a.ID, "error", err)
		return
	}
	m, ok := known[a.GatewayConfigurationID]
	if !ok {
		return
	}
	m.MethodRef, m.CustomerRef, m.Only, m.Reason = "", "", "", "the PSP does not know the saved method any more; the card itself is charged"
	d.change.Mappings = append(d.change.Mappings, m)
}

// releaseCard gives a single-use card back after a definite refusal.
func (e *Engine) releaseCard(ctx context.Context, d *draft, a *payments.Attempt) error {
	if len(d.events) == 0 || a.CardID == "" || a.TokenID != "" || d.token != nil {
		return nil // not the payment's end, or not a single-use card
	}
	card, err := e.vault.Card(ctx, a.ProjectID, a.CardID)
	if payments.ErrorCode(err) == payments.CodeCardNotFound {
		return nil // deleted meanwhile
	}
	if err != nil {
		return err
	}
	if card.UsedBy == a.TransactionID {
		card.UsedBy = ""
		card.Version++
		d.change.Cards = append(d.change.Cards, card)
	}
	return nil
}

// answer renders the outcome that somebody else has written.
func (o settling) answer(s *subject, a *payments.Attempt) {
	if o.final == nil {
		return
	}
	*o.final = s.snapshot()
	if a == nil {
		return
	}
	if !a.State.Open() && a.State != payments.AttemptApproved {
		o.final.Code, o.final.Message = string(a.Code), a.Message
	}
	o.final.Refund = s.pay.Refund(a.RefundID)
}

// reload reads a subject again after a conflict.
func (e *Engine) reload(ctx context.Context, s *subject, a *payments.Attempt) error {
	fresh, err := e.subjectOf(ctx, a.ProjectID, a.ID)
	if err != nil {
		return err
	}
	*s = *fresh
	return nil
}

// subjectOf reads what an attempt is about.
func (e *Engine) subjectOf(ctx context.Context, projectID, attemptID string) (*subject, error) {
	a, err := e.ledger.Attempt(ctx, projectID, attemptID)
	if err != nil {
		return nil, err
	}
	if a.Operation != payments.OpVerify {
		pay, err := e.ledger.Payment(ctx, projectID, a.InvoiceID)
		return &subject{pay: pay}, err
	}
	s := &subject{pay: &payments.Payment{Attempts: []payments.Attempt{a}}}
	t, err := e.ledger.Token(ctx, projectID, a.TokenID)
	if errors.Is(err, payments.ErrNotFound) || err == nil && t.CardID != a.CardID { // deleted, or given another card since
		t, s.orphaned, err = payments.Token{ProjectID: projectID, ID: a.TokenID, CustomerID: a.CustomerID, Verification: payments.VerificationPending}, true, nil
	}
	if err != nil {
		return nil, err
	}
	s.token = &t
	if k, err := e.tokens.Customer(ctx, projectID, t.CustomerID); err == nil {
		s.customer = &k
	} else if payments.ErrorCode(err) != payments.CodeCustomerNotFound {
		return nil, err
	}
	if card, err := e.vault.Card(ctx, projectID, a.CardID); err == nil {
		s.card = &card
	} else if payments.ErrorCode(err) != payments.CodeCardNotFound {
		return nil, err
	}
	return s, nil
}
