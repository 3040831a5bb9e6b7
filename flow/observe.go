package flow

import (
	"slices"
	"time"

	"switchyard/payments"
	"switchyard/router/learn"
)

// observe tells smart routing what became of a charge, once that is durable. was is the attempt's state before: the first
// word on a call may be that nothing is known, and the truth takes that back.
func (e *Engine) observe(s *subject, attemptID string, was payments.AttemptState, r payments.Result) {
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
	e.router.Observe(decisionOf(s.pay.Attempts[:i+1]), o)
}

// decisionOf is the decision that the last of some attempts follows: it stands with the first attempt of a run.
func decisionOf(attempts []payments.Attempt) *payments.Decision {
	for i := range slices.Backward(attempts) {
		if d := attempts[i].Decision; d != nil {
			return d
		}
	}
	return nil
}
