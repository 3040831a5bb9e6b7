package flow

import (
	"slices"
	"time"

	"switchyard/payments"
	"switchyard/router"
	"switchyard/router/learn"
)

// observe tells smart routing what became of a charge, once that is durable. was is the attempt's state before: the first
// word on a call may be that nothing is known, and the truth takes that back. last says that no further candidate is tried, so
// that the payment has ended with this one.
func (e *Engine) observe(s *subject, attemptID string, was payments.AttemptState, r payments.Result, last bool) {
	i := slices.IndexFunc(s.pay.Attempts, func(a payments.Attempt) bool { return a.ID == attemptID })
	if i < 0 || !s.pay.Attempts[i].Operation.Charges() {
		return
	}
	a, r := &s.pay.Attempts[i], normalise(r)
	o := learn.Outcome{Gateway: a.GatewayConfigurationID, Result: r, Resolves: was == payments.AttemptUnknown}
	switch {
	case a.State == payments.AttemptUnknown:
		if was == payments.AttemptUnknown {
			return
		}
		o.Unknown = true
	case a.State.Open():
		return // the end is still to come
	case was == payments.AttemptSent:
		o.Took = max(a.EndedAt.Sub(a.SentAt), time.Nanosecond)
	}
	run := runOf(s.pay.Attempts[:i+1])
	e.router.Observe(run[0].Decision, o)
	approved := a.State == payments.AttemptApproved
	if a.State.Open() || !approved && !last {
		return
	}
	c := router.Conclusion{Decision: run[0].Decision, Approved: approved}
	for i := range run {
		if run[i].Operation.Charges() {
			c.Tried = append(c.Tried, run[i].GatewayConfigurationID)
		}
	}
	e.router.Conclude(c)
}

// runOf are the attempts from the one that the last of them was decided with: it holds the decision of the run.
func runOf(attempts []payments.Attempt) []payments.Attempt {
	for i := range slices.Backward(attempts) {
		if attempts[i].Decision != nil {
			return attempts[i:]
		}
	}
	return attempts[len(attempts)-1:]
}
