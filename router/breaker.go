package router

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sony/gobreaker/v2"

	"switchyard/payments"
)

// State is the state of a breaker.
type State string

// The states of a breaker. An open one refuses charges; a half-open one lets a few through to see how they fare.
const (
	Closed   State = "closed"
	HalfOpen State = "half-open"
	Open     State = "open"
)

// BreakerStatus is a breaker as an operator sees it.
type BreakerStatus struct {
	GatewayID string    `json:"gateway_configuration_id"`
	PSP       string    `json:"psp"`
	State     State     `json:"state"`
	Reason    string    `json:"reason,omitempty"` // why it is not simply available
	Since     time.Time `json:"since,omitzero"`   // of the state; zero: since the start
	NextProbe time.Time `json:"next_probe,omitzero"`
	Counts    Counts    `json:"counts"`
	// Refused counts the charges that were not let through since the start, Unguarded the other calls that were made
	// while the breaker was not closed.
	Refused   uint64 `json:"refused"`
	Unguarded uint64 `json:"unguarded"`
	// Suspended: it rests until SuspendedUntil because of its configuration or because the PSP asked for it. LastResort:
	// it rests, but is tried when nothing else is left.
	Suspended      bool      `json:"suspended"`
	SuspendedUntil time.Time `json:"suspended_until,omitzero"`
	LastResort     bool      `json:"last_resort"`
}

// Counts are the calls that count in the present state: within the window while closed, since the change otherwise.
type Counts struct {
	Calls               uint32 `json:"calls"`
	Successes           uint32 `json:"successes"`
	Failures            uint32 `json:"failures"`
	ConsecutiveFailures uint32 `json:"consecutive_failures"`
}

// What is reported to gobreaker. A decline is a success there: the PSP works.
var (
	errCounted    = errors.New("router: the PSP failed")
	errNotCounted = errors.New("router: says nothing of the PSP")
)

// windowBuckets is how many steps the window moves in.
const windowBuckets = 12

// breaker guards one gateway configuration. The mutex of gobreaker may be held when mu is taken, never the other way round.
type breaker struct {
	gatewayID, psp string
	settings       *Settings
	changes        *changeQueue
	circuit        *gobreaker.TwoStepCircuitBreaker[struct{}]
	rest           rest

	refused, unguarded atomic.Uint64
	charging           atomic.Int64     // charges under way
	room               atomic.Int64     // how many there may be; 0 is no limit
	worked             atomic.Int64     // when a call last succeeded, in nanoseconds since 1970; at first, when this was made
	tripped            gobreaker.Counts // under gobreaker's mutex

	mu     sync.Mutex
	since  time.Time
	reason string // why it opened
}

func newBreaker(g *Gateway, s *Settings, changes *changeQueue) *breaker {
	b := &breaker{gatewayID: g.ID, psp: g.PSP, settings: s, changes: changes}
	b.circuit = gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		Name:          g.ID,
		MaxRequests:   uint32(s.Probes), //nolint:gosec // a small positive number
		Interval:      s.Window,
		BucketPeriod:  max(s.Window/windowBuckets, time.Millisecond),
		Timeout:       s.OpenFor,
		ReadyToTrip:   b.readyToTrip,
		OnStateChange: b.changed,
		IsSuccessful:  func(err error) bool { return err == nil },
		IsExcluded:    func(err error) bool { return errors.Is(err, errNotCounted) },
	})
	b.worked.Store(s.Now().UnixNano())
	b.room.Store(int64(g.MaxInFlight))
	return b
}

// readyToTrip runs under gobreaker's mutex.
func (b *breaker) readyToTrip(c gobreaker.Counts) bool {
	b.tripped = c
	if b.failsInARow(c) && b.settings.Now().UnixNano()-b.worked.Load() >= int64(b.settings.Sustained) {
		return true
	}
	finished := int64(c.TotalSuccesses) + int64(c.TotalFailures)
	return finished >= int64(b.settings.MinCalls) && int64(c.TotalFailures)*100 >= int64(b.settings.FailurePercent)*finished
}

func (b *breaker) failsInARow(c gobreaker.Counts) bool {
	return int64(c.ConsecutiveFailures) >= int64(b.settings.Failures)
}

// changed runs under gobreaker's mutex: it must not ask the breaker anything, and callbacks have to wait until it returns.
func (b *breaker) changed(_ string, from, to gobreaker.State) {
	now := b.settings.Now()
	b.mu.Lock()
	b.since = now
	switch {
	case to != gobreaker.StateOpen:
	case from == gobreaker.StateHalfOpen:
		b.reason = "after a probe failed"
	case b.failsInARow(b.tripped):
		b.reason = fmt.Sprintf("after %d failures in a row", b.tripped.ConsecutiveFailures)
	default:
		b.reason = fmt.Sprintf("after %d of %d calls failed within %s",
			b.tripped.TotalFailures, b.tripped.TotalFailures+b.tripped.TotalSuccesses, plainDuration(b.settings.Window))
	}
	change := Change{GatewayID: b.gatewayID, PSP: b.psp, From: stateOf(from), To: stateOf(to), At: now}
	if to == gobreaker.StateOpen {
		change.Reason, change.Until = b.openReason(), now.Add(b.settings.OpenFor)
	}
	b.mu.Unlock()
	b.changes.add(change)
}

// openReason is called with mu held.
func (b *breaker) openReason() string {
	return "its breaker is open since " + clock(b.since) + " " + b.reason + "; next probe at " + clock(b.since.Add(b.settings.OpenFor))
}

// admit says whether a call may be made, and returns where to report it; nil when it is not to be counted. Calls that do
// not charge are never refused, as there is no other PSP to turn to; while the breaker is not closed they are not counted
// either, since a probe has to be a charge.
func (b *breaker) admit(op payments.Operation, now time.Time) (report func(error), refusal *payments.Fault) {
	if !op.Charges() {
		if b.circuit.State() == gobreaker.StateClosed {
			if done, err := b.circuit.Allow(); err == nil {
				return done, nil
			}
		}
		b.unguarded.Add(1)
		return nil, nil
	}
	if fault := b.rest.refusal(now); fault != nil {
		b.refused.Add(1)
		return nil, fault
	}
	if n, room := b.charging.Add(1), b.room.Load(); room > 0 && n > room {
		b.charging.Add(-1)
		b.refused.Add(1)
		return nil, payments.Faultf(payments.NeverSent, "router: %s: %d charges are under way already", b.gatewayID, room)
	}
	done, err := b.circuit.Allow()
	if err != nil {
		b.charging.Add(-1)
		b.refused.Add(1)
		return nil, payments.NewFault(payments.NeverSent, fmt.Errorf("router: %s: %w", b.gatewayID, err))
	}
	return done, nil
}

// learn draws the conclusions from a call's result.
func (b *breaker) learn(op payments.Operation, result payments.Result, started, now time.Time, report func(error)) {
	if b.rest.learn(b.settings, op, result, started, now) {
		resting, state := b.rest.at(now), stateOf(b.circuit.State())
		b.changes.add(Change{
			GatewayID: b.gatewayID, PSP: b.psp, From: state, To: state, Suspended: true,
			Reason: resting.reason, Until: resting.until, At: now,
		})
	}
	if report == nil {
		return
	}
	switch {
	case result.Fault != nil && result.Fault.Kind == payments.Misconfigured:
		report(errNotCounted)
	case payments.Attribute(result) == payments.AttributedPSP:
		report(errCounted)
	default:
		b.worked.Store(now.UnixNano())
		report(nil)
	}
}

// condition is how the gateway configuration is now; not notable when it is simply available.
func (b *breaker) condition(now time.Time) (c Condition, notable bool) {
	resting := b.rest.at(now)
	if resting.out {
		return Condition{Reason: resting.reason, Until: resting.until}, true
	}
	if room := b.room.Load(); room > 0 && b.charging.Load() >= room {
		return Condition{Reason: fmt.Sprintf("%d charges are under way there, and it has no room for more", room)}, true
	}
	switch b.circuit.State() {
	case gobreaker.StateOpen:
		b.mu.Lock()
		defer b.mu.Unlock()
		return Condition{Reason: b.openReason(), Until: b.since.Add(b.settings.OpenFor)}, true
	case gobreaker.StateHalfOpen:
		return b.halfOpen(), true
	case gobreaker.StateClosed:
	}
	if resting.until.IsZero() {
		return Condition{}, false
	}
	return Condition{Available: true, LastResort: true, Reason: resting.reason, Until: resting.until}, true
}

func (b *breaker) halfOpen() Condition {
	counts := b.circuit.Counts()
	b.mu.Lock()
	since := clock(b.since)
	b.mu.Unlock()
	if int(counts.Requests)-int(counts.TotalExclusions) >= b.settings.Probes {
		return Condition{Reason: "its breaker is half-open since " + since + "; the probes that decide are under way"}
	}
	return Condition{Available: true, Reason: "its breaker is half-open since " + since + "; a charge now is a probe"}
}

func (b *breaker) status(now time.Time) BreakerStatus {
	condition, _ := b.condition(now)
	resting, counts := b.rest.at(now), b.circuit.Counts()
	s := BreakerStatus{
		GatewayID: b.gatewayID, PSP: b.psp, State: stateOf(b.circuit.State()), Reason: condition.Reason,
		Counts: Counts{
			Calls: counts.Requests, Successes: counts.TotalSuccesses,
			Failures: counts.TotalFailures, ConsecutiveFailures: counts.ConsecutiveFailures,
		},
		Refused: b.refused.Load(), Unguarded: b.unguarded.Load(),
		Suspended: !resting.until.IsZero(), SuspendedUntil: resting.until,
		LastResort: condition.LastResort,
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	s.Since = b.since
	if s.State == Open {
		s.NextProbe = b.since.Add(b.settings.OpenFor)
	}
	return s
}

func stateOf(s gobreaker.State) State {
	switch s {
	case gobreaker.StateOpen:
		return Open
	case gobreaker.StateHalfOpen:
		return HalfOpen
	case gobreaker.StateClosed:
		return Closed
	}
	return Closed
}

// clock writes a time of day. A breaker's times are at most minutes away.
func clock(t time.Time) string { return t.UTC().Format(time.TimeOnly) + " UTC" }

// plainDuration writes a duration of whole seconds as people do: "60 s".
func plainDuration(d time.Duration) string {
	if d%time.Second == 0 {
		return fmt.Sprintf("%d s", d/time.Second)
	}
	return d.String()
}
