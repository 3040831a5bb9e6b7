package flow

import (
	"context"
	"errors"
	"time"

	"switchyard/adapters"
	"switchyard/payments"
	"switchyard/router"
)

// Times of the questions about an open attempt.
const (
	leaseGrace        = 2 * time.Second        // beyond a call's deadline, before anybody else may ask
	firstQuestion     = 250 * time.Millisecond // after an unknown outcome; a PSP needs a moment to show what it did
	questionInterval  = 2 * time.Second        // while the payer waits, and until a "not found" is confirmed
	maxIntervalEarly  = 30 * time.Second       // within the first ten minutes
	early             = 10 * time.Minute
	maxInterval       = time.Hour
	maxSilence        = 5 * time.Minute  // after a question that got no answer, later than that
	giveUpAfter       = 72 * time.Hour   // then an operator has to look; it never becomes "failed" by itself
	payerPatience     = 15 * time.Minute // an action that was not taken by then is abandoned
	confirmedAbsences = 2                // "not found" answers that confirm each other
)

// Why an attempt certainly did not happen, concluded from what was known of it when it was read.
var (
	errFenced   = errors.New("flow: the PSP confirmed that it can no longer charge")
	errAbsent   = errors.New("flow: absent after the PSP's longest processing time")
	errOperator = errors.New("flow: not done, says an operator")
	errNoPage   = errors.New("flow: the page was never given to anybody")
)

// concluded says that a result is no answer of the PSP to the operation, but follows from what was known of the attempt. It
// does not hold for an attempt that somebody has changed since.
func concluded(r payments.Result) bool {
	return r.Fault != nil && (errors.Is(r.Fault, errFenced) || errors.Is(r.Fault, errAbsent) || errors.Is(r.Fault, errNoPage))
}

// firstAsked is when the worker may ask first: soon for a step of the payer or the PSP; for an unknown outcome, which the
// live call asks about itself, only when that call's last question must have ended.
func (e *Engine) firstAsked(a *payments.Attempt, r payments.Result, deadline time.Time) time.Time {
	soon := e.now().Add(questionInterval)
	if r.Fault != nil && deadline.After(soon) {
		return deadline.Add(e.gateways[a.GatewayConfigurationID].Timeout + leaseGrace)
	}
	return soon
}

// resolve asks about an attempt of unknown outcome while the payer waits. It returns what became certain, or an open
// state that is new; known is false when nothing is known at the end.
func (e *Engine) resolve(ctx context.Context, s *subject, id string, deadline time.Time, resend func(context.Context) (payments.Outcome, error)) (payments.Result, bool) {
	timer := time.NewTimer(firstQuestion)
	defer timer.Stop()
	for {
		if !e.now().Before(deadline) {
			e.askSoon(ctx, s, id)
			return payments.Result{}, false
		}
		select {
		case <-timer.C:
		case <-e.worker.stopping():
			return payments.Result{}, false // the next process goes on asking
		}
		if r, news := e.ask(ctx, s, question{id: id, until: deadline, resend: resend}); news {
			return r, true
		}
		timer.Reset(min(questionInterval, max(deadline.Sub(e.now()), time.Millisecond)))
	}
}

// askSoon hands an attempt over to the worker when the payer's patience has ended.
func (e *Engine) askSoon(ctx context.Context, s *subject, id string) {
	d := e.draft(s)
	a := s.pay.Attempt(id)
	d.attempts[id] = true // keeps the counters
	d.change.Jobs = append(d.change.Jobs, askJob(a, d.now.Add(questionInterval), d.now))
	if err := d.commit(ctx, e); err != nil {
		e.log.WarnContext(ctx, "an open attempt waits for its lease to end", "attempt", id, "error", err)
		return
	}
	e.wake()
}

// question is one round of asking about an open attempt.
type question struct {
	id     string
	until  time.Time // while a payer waits: no call goes on much longer than that; zero otherwise
	resend func(context.Context) (payments.Outcome, error)
}

// minPatience is what a call is given even at the end of a payer's patience.
const minPatience = time.Second

// timeout is how long one call of the question may take.
func (q question) timeout(g Gateway, now time.Time) time.Duration {
	if q.until.IsZero() {
		return g.Timeout
	}
	return min(g.Timeout, max(minPatience, q.until.Sub(now)))
}

// ask puts one question about an open attempt, and fences it or proves it absent where that is possible. news says that
// the result is to be settled: it is certain, or an open state that was not known before. The attempt's counters and
// references are updated in memory.
func (e *Engine) ask(ctx context.Context, s *subject, q question) (r payments.Result, news bool) {
	a := s.pay.Attempt(q.id)
	gateway, ok := e.gateways[a.GatewayConfigurationID]
	if !ok {
		e.log.ErrorContext(ctx, "an open attempt's gateway configuration is gone; put it back to learn the outcome", "attempt", a.ID, "gateway_configuration", a.GatewayConfigurationID)
		return payments.Result{}, false
	}
	if a.OnPage() && a.Refs.Session == "" {
		return certainlyNot(errNoPage), true // its id is made durable before its link is given away
	}
	gateway.Timeout = q.timeout(gateway, e.now())
	f, err := e.lookup(ctx, gateway, a)
	if err != nil {
		e.countQuestion(ctx, a, "no answer")
		e.log.WarnContext(ctx, "a question got no answer", "attempt", a.ID, "psp", a.PSP, "error", err)
		return payments.Result{}, false
	}
	a.Questions++
	a.Refs = a.Refs.Merge(f.Refs).Merge(f.Outcome.Refs)
	e.countQuestion(ctx, a, string(f.Kind))
	switch f.Kind {
	case payments.FoundOutcome:
		a.Absences = 0
		r := normalise(payments.Result{Outcome: f.Outcome})
		return r, stateAfter(r) != a.State && stateAfter(r) != payments.AttemptUnknown
	case payments.FoundTotals:
		if r, certain := effectOf(a, f); certain {
			return r, true
		}
		if !unchanged(a, f.Totals) {
			return payments.Result{}, false // something else moved this payment: an operator's or the PSP's doing
		}
	case payments.Processing:
		a.Absences = 0
		if e.abandoned(s, a) && a.Operation.Charges() {
			r := certainlyNot(errFenced)
			r.Fault.Code = payments.GatewayExpired // nobody took the step in time
			return r, e.fence(ctx, gateway, a) == payments.Fenced
		}
		// The PSP may tell what it waits for, when the answer that said so was lost.
		r := payments.Result{Outcome: f.Outcome}
		return r, f.Outcome.Status == payments.ActionRequired && a.State != payments.AttemptAction
	case payments.NotFound:
	}
	a.Absences++
	return e.absent(ctx, gateway, a, q)
}

func (e *Engine) lookup(ctx context.Context, g Gateway, a *payments.Attempt) (payments.Finding, error) {
	request := payments.LookupRequest{Operation: askedAs(g, a), Reference: a.Reference, Refs: a.Refs, Amount: a.Amount, Before: a.Before, SentAt: a.SentAt}
	return router.Do(ctx, e.router, g.ID, payments.OpLookup, g.Timeout, answered[payments.Finding], func(ctx context.Context) (payments.Finding, error) {
		return g.Adapter.Lookup(ctx, request)
	})
}

// answered tells the router what a call that moves no money came to: the PSP answered, or it did not.
func answered[T any](_ T, err error) payments.Result {
	return payments.Result{Outcome: payments.Outcome{Status: payments.Approved}, Fault: payments.AsFault(err)}
}

// askedAs is the operation that the PSP saw: a verification without an ability of its own is a small hold.
func askedAs(g Gateway, a *payments.Attempt) payments.Operation {
	if _, ok := g.Adapter.(adapters.Verifier); a.Operation == payments.OpVerify && !ok && !a.OnPage() {
		return payments.OpAuthorize
	}
	return a.Operation
}

// abandoned says that nobody will take the step that the PSP waits for any more.
func (e *Engine) abandoned(s *subject, a *payments.Attempt) bool {
	return s.orphaned || e.now().Sub(a.SentAt) > patience(a)
}

// patience is how long after its sending an attempt waits for its payer.
func patience(a *payments.Attempt) time.Duration {
	if a.OnPage() {
		return a.PageEndsAt.Sub(a.SentAt) + pageGrace
	}
	return payerPatience
}

// absent decides what a "not found" is worth. By itself it proves nothing: the PSP may still be working on the request.
func (e *Engine) absent(ctx context.Context, g Gateway, a *payments.Attempt, q question) (payments.Result, bool) {
	operation := askedAs(g, a)
	recovery := g.Capabilities.Recovery[operation]
	if recovery.Fence && operation.Charges() {
		g.Timeout = q.timeout(g, e.now())
		if e.fence(ctx, g, a) == payments.Fenced {
			return certainlyNot(errFenced), true
		}
	}
	if q.resend != nil && recovery.Resend {
		if r := e.guarded(ctx, a, q.timeout(g, e.now()), q.resend); r.Fault == nil {
			return r, true // the PSP takes it for the same operation, so this is its outcome
		}
	}
	wait := recovery.AbsenceAfter
	if wait > 0 && e.limits.AbsenceAfter > 0 {
		wait = e.limits.AbsenceAfter
	}
	if wait > 0 && recovery.Resend {
		wait += e.limits.PayerBudget + e.gateways[g.ID].Timeout // the call may have been sent again that late
	}
	if a.State == payments.AttemptPending || a.State == payments.AttemptAction || a.Action != nil {
		wait = 0 // the PSP has said that it has the operation: that it does not show proves nothing
	}
	if wait <= 0 || e.now().Sub(a.SentAt) <= wait {
		a.Absences = 0 // only answers later than that confirm each other
		return payments.Result{}, false
	}
	if a.Absences < confirmedAbsences {
		return payments.Result{}, false
	}
	return certainlyNot(errAbsent), true
}

// fence asks the PSP to make sure that it can no longer charge. A PSP that has no such thing, or does not answer, is
// FenceAbsent.
func (e *Engine) fence(ctx context.Context, g Gateway, a *payments.Attempt) payments.Fence {
	abandoner, ok := g.Adapter.(adapters.Abandoner)
	if !ok {
		return payments.FenceAbsent
	}
	request := payments.AbandonRequest{Operation: askedAs(g, a), Reference: a.Reference, Refs: a.Refs}
	answer, err := router.Do(ctx, e.router, g.ID, payments.OpAbandon, g.Timeout, answered[payments.Fence], func(ctx context.Context) (payments.Fence, error) {
		return abandoner.Abandon(ctx, request)
	})
	if err != nil {
		return payments.FenceAbsent
	}
	e.countQuestion(ctx, a, "fence "+string(answer))
	if answer == payments.FenceBroken {
		a.Absences = 0 // it has charged after all, or is about to
	}
	return answer
}

// certainlyNot is the result of an attempt that is proven not to have happened.
func certainlyNot(why error) payments.Result {
	return payments.Result{Fault: &payments.Fault{Kind: payments.NeverSent, Code: payments.GatewayNetworkError, Err: why}}
}

// effectOf derives an operation's outcome from the payment's totals before and now.
func effectOf(a *payments.Attempt, f payments.Finding) (payments.Result, bool) {
	b, n, want := a.Before, f.Totals, a.Amount.Minor
	done := false
	switch a.Operation {
	case payments.OpAuthorize, payments.OpVerify:
		done = n.Authorized == want
	case payments.OpSale, payments.OpCapture:
		done = n.Captured == b.Captured+want
	case payments.OpRefund:
		done = n.Refunded == b.Refunded+want
	case payments.OpIncrement:
		done = n.Authorized == b.Authorized+want
	case payments.OpVoid:
		done = n.Voided > b.Voided
	case payments.OpTokenize, payments.OpLookup, payments.OpAbandon:
	}
	return payments.Result{Outcome: payments.Outcome{Status: payments.Approved, Refs: f.Refs}}, done
}

// unchanged says that the totals show nothing of the operation.
func unchanged(a *payments.Attempt, now payments.Totals) bool {
	b := a.Before
	switch a.Operation {
	case payments.OpAuthorize, payments.OpVerify, payments.OpSale:
		return now.Authorized == 0 && now.Captured == 0
	case payments.OpCapture:
		return now.Captured == b.Captured
	case payments.OpRefund:
		return now.Refunded == b.Refunded
	case payments.OpIncrement:
		return now.Authorized == b.Authorized
	case payments.OpVoid:
		return now.Voided == b.Voided
	case payments.OpTokenize, payments.OpLookup, payments.OpAbandon:
	}
	return false
}

// nextQuestion is how long to wait after a question. A question without an answer does not use up a step of the schedule,
// but many in a row slow down too.
func nextQuestion(a *payments.Attempt, unanswered int, now time.Time) time.Duration {
	wait := questionInterval
	if steps := a.Questions - confirmedAbsences; steps > 0 {
		wait = grow(wait, steps)
	}
	limit, silence := maxIntervalEarly, maxIntervalEarly
	waiting := early
	if a.State == payments.AttemptAction {
		waiting = patience(a) + maxIntervalEarly // the payer may come back at any moment until then
	}
	if now.Sub(a.SentAt) > waiting {
		limit, silence = maxInterval, maxSilence
	}
	return min(limit, max(wait, min(silence, grow(questionInterval, unanswered/2))))
}

// grow lengthens a wait by half, steps times, up to the longest interval.
func grow(wait time.Duration, steps int) time.Duration {
	for ; steps > 0 && wait < maxInterval; steps-- {
		wait += wait / 2
	}
	return wait
}
