package flow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"switchyard/adapters"
	"switchyard/crash"
	"switchyard/payments"
	"switchyard/router"
	"switchyard/tokens"
)

// Times and limits of background work.
const (
	jobLease     = time.Minute      // how long a worker may keep a job; longer than any one call
	jobPoll      = 5 * time.Second  // at the latest, in case another process wrote a job
	jobRetry     = 2 * time.Second  // after a failure, doubled with each try
	jobRetryMax  = 10 * time.Minute // between two tries
	pruneEvery   = time.Hour
	maxJobsTaken = 64 // in one lease
)

// worker runs durable background jobs. Start returns, Stop waits; both may be called twice.
type worker struct {
	mu      sync.Mutex
	wake    chan struct{}
	stop    chan struct{} // closed by Stop
	done    chan struct{} // closed when the loop has ended
	running sync.WaitGroup
}

// stopping is closed when the engine is asked to stop. Before Start it is nil, which blocks for ever.
func (w *worker) stopping() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.stop
}

// Wake tells the worker that somebody else has written a job that is due.
func (e *Engine) Wake() { e.wake() }

// wake tells the worker that a job may be due.
func (e *Engine) wake() {
	select {
	case e.worker.wake <- struct{}{}:
	default:
	}
}

// Start starts the background work: questions about open attempts, reversals, enrolments, deletions, timed captures.
func (e *Engine) Start() {
	e.worker.mu.Lock()
	defer e.worker.mu.Unlock()
	if e.worker.stop != nil {
		return
	}
	e.worker.stop, e.worker.done = make(chan struct{}), make(chan struct{})
	go e.loop(e.worker.stop, e.worker.done)
}

// Quiet ends what would keep a stopping program waiting: background work takes no new jobs, and live calls whose outcome is
// not known stop asking. The jobs written with them go on in the next process.
func (e *Engine) Quiet() {
	e.worker.mu.Lock()
	defer e.worker.mu.Unlock()
	if e.worker.stop == nil {
		return
	}
	select {
	case <-e.worker.stop:
	default:
		close(e.worker.stop)
	}
}

// Stop is Quiet, and waits for the jobs in hand, at most until ctx ends.
func (e *Engine) Stop(ctx context.Context) error {
	e.Quiet()
	e.worker.mu.Lock()
	done := e.worker.done
	e.worker.mu.Unlock()
	if done == nil {
		return nil
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (e *Engine) loop(stop <-chan struct{}, done chan<- struct{}) {
	defer close(done)
	defer e.worker.running.Wait()
	ctx := context.Background()
	slots := make(chan struct{}, e.limits.Workers)
	timer := time.NewTimer(0)
	defer timer.Stop()
	lastPrune := e.now()
	for {
		select {
		case <-stop:
			return
		case <-e.worker.wake:
		case <-timer.C:
		}
		if e.now().Sub(lastPrune) > pruneEvery {
			lastPrune = e.now()
			if _, err := e.ledger.Prune(ctx, lastPrune.Add(-e.limits.KeepClaims)); err != nil {
				e.log.WarnContext(ctx, "old idempotency keys were not removed", "error", err)
			}
			if _, err := e.ledger.PruneCardTries(ctx, lastPrune.Add(-payments.HistoryWindow)); err != nil {
				e.log.WarnContext(ctx, "old tries with cards were not removed", "error", err)
			}
		}
		timer.Reset(e.work(ctx, stop, slots))
	}
}

// work leases what is due and starts it; it returns when to look again.
func (e *Engine) work(ctx context.Context, stop <-chan struct{}, slots chan struct{}) time.Duration {
	for {
		select {
		case <-stop:
			return jobPoll
		default:
		}
		at, some, err := e.ledger.NextJobAt(ctx)
		if err != nil {
			e.log.ErrorContext(ctx, "background work cannot read its jobs", "error", err)
			return jobPoll
		}
		now := e.now()
		if !some {
			return jobPoll
		}
		if at.After(now) {
			return min(jobPoll, at.Sub(now))
		}
		free := cap(slots) - len(slots)
		if free == 0 {
			return jobPoll // a job that ends wakes the loop; a job that waited here would wait with its lease running out
		}
		jobs, err := e.ledger.LeaseJobs(ctx, now, now.Add(jobLease), min(maxJobsTaken, free))
		if err != nil {
			e.log.ErrorContext(ctx, "background work cannot lease jobs", "error", err)
			return jobPoll
		}
		if len(jobs) == 0 {
			return jobRetry
		}
		for _, j := range jobs {
			slots <- struct{}{} // never waits: nobody else takes slots
			e.worker.running.Go(func() {
				defer func() { <-slots; e.wake() }()
				e.runJob(ctx, j)
			})
		}
	}
}

func (e *Engine) runJob(ctx context.Context, j payments.Job) {
	ctx, cancel := context.WithTimeout(ctx, jobLease)
	defer cancel()
	crash.Point(crash.JobLeased)
	var err error
	switch j.Kind {
	case payments.JobAsk:
		err = e.askJob(ctx, j)
	case payments.JobReverse:
		err = e.reverse(ctx, j)
	case payments.JobEnrol:
		err = e.enrol(ctx, j)
	case payments.JobForget:
		err = e.forget(ctx, j)
	case payments.JobCapture:
		err = e.timedCapture(ctx, j)
	case payments.JobNotice:
		err = e.applyNotice(ctx, j)
	case payments.JobRecheck:
		err = e.recheck(ctx, j)
	default:
		err = errors.New("flow: a job of unknown kind " + string(j.Kind))
	}
	if err == nil {
		return
	}
	e.log.WarnContext(ctx, "background job will be tried again", "job", j.Key, "tries", j.Tries, "error", err)
	if err := e.postpone(ctx, j, backoff(j.Tries)); err != nil {
		e.log.WarnContext(ctx, "background job waits for its lease to end", "job", j.Key, "error", err)
	}
}

func backoff(tries int) time.Duration {
	wait := jobRetry
	for ; tries > 1 && wait < jobRetryMax; tries-- {
		wait *= 2
	}
	return min(wait, jobRetryMax)
}

func (e *Engine) postpone(ctx context.Context, j payments.Job, wait time.Duration) error {
	j.RunAt, j.LeaseUntil = e.now().Add(wait), time.Time{}
	return e.ledger.Apply(context.WithoutCancel(ctx), payments.Change{Jobs: []payments.Job{j}, DoneJobs: held(j)})
}

// held proves the worker's lease with a write: a job that another worker has taken or ended is neither moved nor put back.
func held(j payments.Job) []payments.JobDone {
	return []payments.JobDone{{ProjectID: j.ProjectID, Key: j.Key, Fence: j.Fence}}
}

// leaseHolds refuses to move money for a job that another worker may have taken: this one was too slow.
func (e *Engine) leaseHolds(j payments.Job) error {
	if e.now().Before(j.LeaseUntil) {
		return nil
	}
	return errors.New("flow: the lease of the job has run out")
}

func (e *Engine) drop(ctx context.Context, j payments.Job) error {
	return e.ledger.Apply(context.WithoutCancel(ctx), payments.Change{DoneJobs: held(j)})
}

// askJob asks once about an open attempt, and writes what was learnt or when to ask again.
func (e *Engine) askJob(ctx context.Context, j payments.Job) error {
	s, err := e.subjectOf(ctx, j.ProjectID, j.SubjectID)
	if errors.Is(err, payments.ErrNotFound) {
		return e.drop(ctx, j)
	}
	if err != nil {
		return err
	}
	a := s.pay.Attempt(j.SubjectID)
	if a == nil || !a.State.Open() {
		return e.drop(ctx, j)
	}
	crashed := a.State == payments.AttemptSent || a.CutOff
	asked := a.Questions
	r, news := e.ask(ctx, s, question{id: a.ID})
	crash.Point(crash.AfterQuestion)
	if news {
		return e.settle(context.WithoutCancel(ctx), s, a.ID, r, settling{last: true, crashed: crashed, askAt: e.now().Add(questionInterval)})
	}
	d := e.draft(s)
	a = s.pay.Attempt(j.SubjectID)
	if a.State == payments.AttemptSent {
		a.CutOff = true
		if err := d.record(a, payments.Result{Fault: payments.NewFault(payments.Unknown, errors.New("flow: cut off before its outcome was written"))}, false); err != nil {
			return err
		}
	}
	if e.now().Sub(a.SentAt) > giveUpAfter {
		if err := e.review(ctx, d, a); err != nil {
			return err
		}
	}
	d.attempts[a.ID] = true
	unanswered := j.Tries
	if a.Questions > asked {
		j.Tries, unanswered = 0, 0
	}
	j.RunAt, j.LeaseUntil = d.now.Add(nextQuestion(a, unanswered, d.now)), time.Time{}
	d.change.Jobs, d.change.DoneJobs = append(d.change.Jobs, j), append(d.change.DoneJobs, held(j)...)
	crash.Point(crash.BeforeFollowUp)
	err = d.commit(context.WithoutCancel(ctx), e)
	crash.Point(crash.AfterFollowUp)
	if errors.Is(err, payments.ErrConflict) || errors.Is(err, payments.ErrFenced) {
		return nil // somebody else has learnt something; the job is theirs, or its lease ends
	}
	return err
}

// review hands an attempt without certainty to an operator. It is asked about all the same: it never ends by the clock.
func (e *Engine) review(ctx context.Context, d *draft, a *payments.Attempt) error {
	d.change.Alerts = append(d.change.Alerts, payments.NewAlert(payments.AlertReview, a, fmt.Sprintf(
		"Whether %s did the %s of %s %s is not known after 72 hours. Ask the PSP by the reference %s, and resolve the attempt with what it says.",
		a.PSP, a.Operation, a.Amount, a.Amount.Currency, a.Reference), d.now))
	switch {
	case d.token == nil && d.pay.Transaction.Status.CanBecome(payments.StatusReview):
		e.log.ErrorContext(ctx, "a payment needs an operator: its outcome is not known after 72 hours", "attempt", a.ID, "invoice", a.InvoiceID)
		d.events = append(d.events, payments.EventTransactionInReview)
		return d.moveTransaction(payments.StatusReview, "no certainty after 72 hours: an operator has to look")
	case d.token != nil && !d.orphaned && d.token.Verification == payments.VerificationPending:
		d.events = append(d.events, payments.EventTokenUpdated)
		return d.moveVerification(payments.VerificationUnknown, "no certainty after 72 hours")
	}
	return nil
}

// reverse gives money back: the hold of a verification, or a late charge. The job itself is the durable intent; asking first
// keeps a repeat harmless.
func (e *Engine) reverse(ctx context.Context, j payments.Job) error {
	a, err := e.ledger.Attempt(ctx, j.ProjectID, j.SubjectID)
	if err != nil {
		return err
	}
	if a.State == payments.AttemptLate {
		return e.giveBack(ctx, j, a)
	}
	if a.State == payments.AttemptReversed {
		return e.drop(ctx, j)
	}
	gateway, ok := e.gateways[a.GatewayConfigurationID]
	voider, can := gateway.Adapter.(adapters.Voider)
	if !ok || !can {
		return errors.New("flow: the gateway configuration that verified cannot release the hold; put it back")
	}
	before := payments.Totals{Authorized: a.Amount.Minor}
	held := a
	held.Operation, held.Before, held.Reference = payments.OpVoid, before, backReference(&a, j)
	if e.wentBack(ctx, gateway, held, &a, j) {
		return e.reversed(ctx, j, a)
	}
	if err := e.leaseHolds(j); err != nil {
		return err
	}
	r := e.guarded(ctx, &held, gateway.Timeout, func(ctx context.Context) (payments.Outcome, error) {
		return voider.Void(ctx, payments.VoidRequest{Reference: held.Reference, Refs: a.Refs, Amount: a.Amount, Before: before})
	})
	if r.Fault != nil || r.Outcome.Status != payments.Approved {
		return e.notGivenBack(ctx, j, &a, r)
	}
	return e.reversed(ctx, j, a)
}

func (e *Engine) reversed(ctx context.Context, j payments.Job, a payments.Attempt) error {
	crash.Point(crash.BeforeFollowUp)
	return e.ledger.Apply(context.WithoutCancel(ctx), payments.Change{
		Entries:  []payments.Entry{{ProjectID: a.ProjectID, AttemptID: a.ID, GatewayConfigurationID: a.GatewayConfigurationID, Kind: payments.EntryVoided, Amount: a.Amount, At: e.now()}},
		DoneJobs: held(j),
	})
}

// maxEnrolments bounds the tries to save a card at a PSP: the card itself can always be charged.
const maxEnrolments = 5

// enrol saves a token's card at the PSP that has just approved it, so that later payments use the PSP's own reference.
func (e *Engine) enrol(ctx context.Context, j payments.Job) error {
	a, err := e.ledger.Attempt(ctx, j.ProjectID, j.SubjectID)
	if err != nil {
		return err
	}
	gateway := e.gateways[a.GatewayConfigurationID]
	tokenizer, ok := gateway.Adapter.(adapters.Tokenizer)
	known, err := e.tokens.Mappings(ctx, a.ProjectID, a.TokenID)
	if err != nil {
		return err
	}
	m, mapped := known[gateway.ID]
	if !ok || !mapped || m.MethodRef != "" || j.Tries > maxEnrolments {
		return e.drop(ctx, j)
	}
	if _, err := e.tokens.Token(ctx, a.ProjectID, "", a.TokenID); payments.ErrorCode(err) == payments.CodeTokenNotFound {
		return e.drop(ctx, j)
	} else if err != nil {
		return err
	}
	card, err := e.vault.Open(ctx, a.ProjectID, a.CardID)
	if payments.ErrorCode(err) == payments.CodeCardNotFound {
		return e.drop(ctx, j)
	}
	if err != nil {
		return err
	}
	payer, err := e.payerOf(ctx, a.ProjectID, a.CustomerID)
	if err != nil {
		return err
	}
	if payer.CustomerRef = m.CustomerRef; payer.CustomerRef == "" {
		link, _, err := e.tokens.Link(ctx, a.ProjectID, a.CustomerID, gateway.ID)
		if err != nil {
			return err
		}
		payer.CustomerRef = link.Ref
	}
	// A reference of its own, the same for every try: the charge's keys at the PSP must not be replayed to us.
	request := payments.TokenizeRequest{Reference: "e" + a.Reference[1:], Card: card.WithoutCVC(), Currency: a.Amount.Currency, Payer: payer}
	out, err := router.Do(ctx, e.router, gateway.ID, payments.OpTokenize, gateway.Timeout, resultOf, func(ctx context.Context) (payments.Outcome, error) {
		return tokenizer.Tokenize(ctx, request)
	})
	if f := payments.AsFault(err); f != nil && (f.Kind == payments.Rejected || f.Kind == payments.Misconfigured) {
		e.log.WarnContext(ctx, "a card is not saved at its PSP, which refuses it; the card itself stays chargeable", "token", a.TokenID, "gateway_configuration", gateway.ID, "error", err)
		return e.drop(ctx, j)
	}
	if err != nil {
		return err
	}
	if out.Status != payments.Approved || out.Refs.Method == "" {
		return e.drop(ctx, j) // the PSP does not want it; the card itself stays chargeable
	}
	m.MethodRef, m.CustomerRef = out.Refs.Method, out.Refs.Customer
	crash.Point(crash.BeforeFollowUp)
	err = e.ledger.Apply(context.WithoutCancel(ctx), payments.Change{Mappings: []payments.Mapping{m}, DoneJobs: held(j)})
	e.tokens.Changed(ctx, a.ProjectID, a.TokenID)
	a.Refs.Customer = m.CustomerRef
	e.learnCustomer(ctx, &a)
	return err
}

// forget deletes a saved method at its PSP, after its token was deleted here, or a whole customer.
func (e *Engine) forget(ctx context.Context, j payments.Job) error {
	var p tokens.ForgetPayload
	if err := json.Unmarshal(j.Payload, &p); err != nil {
		return err
	}
	gateway, ok := e.gateways[p.GatewayConfigurationID]
	if !ok {
		return errors.New("flow: the gateway configuration of a saved method that is to be deleted is gone; put it back")
	}
	var erase func(context.Context) error
	if p.MethodRef == "" {
		if deleter, ok := gateway.Adapter.(adapters.CustomerDeleter); ok {
			erase = func(ctx context.Context) error { return deleter.DeleteCustomer(ctx, p.CustomerRef) }
		}
	} else if deleter, ok := gateway.Adapter.(adapters.MethodDeleter); ok {
		erase = func(ctx context.Context) error {
			return deleter.DeleteMethod(ctx, payments.ForgetRequest{Reference: payments.NewReference(), CustomerRef: p.CustomerRef, MethodRef: p.MethodRef})
		}
	}
	if erase == nil {
		e.log.InfoContext(ctx, "a PSP keeps what it has saved, since it offers no deletion", "gateway_configuration", p.GatewayConfigurationID, "subject", j.SubjectID)
		return e.drop(ctx, j)
	}
	_, err := router.Do(ctx, e.router, gateway.ID, payments.OpTokenize, gateway.Timeout, answered[struct{}], func(ctx context.Context) (struct{}, error) {
		return struct{}{}, erase(ctx)
	})
	if err != nil {
		return err
	}
	return e.drop(ctx, j)
}

// maxTimedCaptures bounds the tries of a timed capture: with the backoff of jobs about a day.
const maxTimedCaptures = 150

// timedCapture captures a hold whose auto_capture_at has come.
func (e *Engine) timedCapture(ctx context.Context, j payments.Job) error {
	s, err := e.Capture(ctx, ChargeRequest{ProjectID: j.ProjectID, InvoiceID: j.SubjectID})
	switch payments.ErrorCode(err) {
	case payments.CodeStillProcessing:
		return err
	case payments.CodeValidation, payments.CodeInvoiceNotFound, payments.CodeMissingSource:
		return e.drop(ctx, j) // captured, voided or deleted meanwhile
	}
	if err != nil {
		return err
	}
	if s.Transaction.Status != payments.StatusCompleted && j.Tries < maxTimedCaptures {
		return errors.New("flow: not captured yet: " + s.Code) // refused or not known: the hold is still there
	}
	return e.drop(ctx, j)
}
