package router

import (
	"errors"
	"sync"
	"time"

	"switchyard/payments"
)

// rest is the time for which a gateway configuration is left alone because the PSP refused its credentials or settings
// (misconfigured), or asked for patience (throttled). Both say that nothing was charged, and neither says that the PSP is
// ill. After the first such answer the gateway configuration is a last resort: one slip must not cost payments that could
// go nowhere else. An answer of the same kind while it rests, or right after, takes it out altogether.
type rest struct {
	mu    sync.Mutex
	until time.Time
	kind  payments.FaultKind // Misconfigured or Throttled
	again int                // answers of that kind in a row
	since time.Time          // of the latest
	words string             // the PSP's own code
}

// resting is a rest as it is seen at one moment; until is zero when there is none.
type resting struct {
	out    bool // not even a last resort
	until  time.Time
	reason string
}

var errResting = errors.New("router: the gateway configuration rests")

func (r *rest) at(now time.Time) resting {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !now.Before(r.until) {
		return resting{}
	}
	what := "the PSP asked for fewer calls"
	if r.kind == payments.Misconfigured {
		what = "the PSP refused its credentials or settings"
	}
	if r.words != "" {
		what += " (" + r.words + ")"
	}
	return resting{
		out:    r.again > 1,
		until:  r.until,
		reason: what + " at " + clock(r.since) + "; tried again at " + clock(r.until),
	}
}

// refusal is the fault of a charge that is not let through, or nil.
func (r *rest) refusal(now time.Time) *payments.Fault {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.again <= 1 || !now.Before(r.until) {
		return nil
	}
	fault := payments.NewFault(payments.NeverSent, errResting)
	fault.Code = payments.GatewayRateLimitExceeded
	if r.kind == payments.Misconfigured {
		fault.Code = payments.GatewayConfigurationError
	}
	return fault
}

// learn takes note of what a charge came to and says whether a rest began, grew or became stricter. Other operations say
// nothing here: a key that may not refund can still charge.
func (r *rest) learn(s *Settings, op payments.Operation, result payments.Result, started, now time.Time) bool {
	if !op.Charges() {
		return false
	}
	fault := result.Fault
	switch {
	case fault == nil || fault.Kind == payments.Rejected || fault.SaveRefused: // the account takes payments all the same
		r.answered(started)
	case fault.Kind == payments.Misconfigured:
		return r.begin(fault, s.ConfigFaultPause, now)
	case fault.Kind == payments.Throttled && fault.RetryAfter > 0:
		return r.begin(fault, min(fault.RetryAfter, s.ThrottlePause), now)
	}
	return false
}

func (r *rest) begin(fault *payments.Fault, pause time.Duration, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	until := now.Add(pause)
	if r.kind == fault.Kind {
		r.again++
	} else if until.After(r.until) {
		r.kind, r.again = fault.Kind, 1
	} else {
		return false // the rest that it takes already is for another cause, and longer
	}
	r.since, r.words = now, fault.RawCode
	if until.After(r.until) {
		r.until = until
	}
	return true
}

// answered ends the rest: a charge that began after its cause got an answer. One that began before proves nothing.
func (r *rest) answered(started time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !started.Before(r.since) {
		r.clear()
	}
}

// reconfigured ends a rest that new settings may have cured.
func (r *rest) reconfigured() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.kind == payments.Misconfigured {
		r.clear()
	}
}

// clear is called with mu held.
func (r *rest) clear() {
	r.until, r.kind, r.again, r.since, r.words = time.Time{}, "", 0, time.Time{}, ""
}
