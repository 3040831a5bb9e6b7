package router

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"switchyard/payments"
)

func TestMisconfigured(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var changes []Change
		s := settings()
		s.OnChange = func(c Change) { changes = append(changes, c) }
		r := New(config(), s)
		pass(time.Nanosecond) // so that failures count as sustained
		unauthorized := payments.Faultf(payments.Misconfigured, "401")
		unauthorized.RawCode = "unauthorized"

		_, _ = try(r, payments.OpSale, approved, unauthorized)
		decision := r.Decide(cardSale())
		last := decision.Order()[2]
		want := "second in the priority list, but tried last; the PSP refused its credentials or settings (unauthorized) at 00:00:00 UTC; tried again at 00:00:08 UTC"
		if last.GatewayConfigurationID != xendit || last.Reason != want {
			t.Errorf("after one 401: %+v, want %s", last, want)
		}
		_, _ = try(r, payments.OpSale, approved, unauthorized)
		if got := candidate(t, r.Decide(cardSale()), xendit); got.Verdict != payments.Excluded || !strings.Contains(got.Reason, "refused its credentials") {
			t.Errorf("after two: %+v", got)
		}
		_, err := try(r, payments.OpSale, approved, nil)
		if fault := payments.AsFault(err); !refused(err) || fault.PublicCode() != payments.GatewayConfigurationError {
			t.Errorf("after two a charge is let through: %v", err)
		}
		if _, err := try(r, payments.OpRefund, approved, nil); err != nil {
			t.Errorf("a refund is refused: %v", err)
		}
		if s := status(t, r); s.State != Closed || !s.Suspended || s.LastResort || s.Counts.Failures != 0 {
			t.Errorf("%+v", s)
		}
		if len(changes) != 2 || !changes[0].Suspended || changes[1].Until.Sub(changes[1].At) != 8*time.Second {
			t.Errorf("%+v", changes)
		}

		pass(8 * time.Second)
		if got := r.Health(); got != nil {
			t.Errorf("after the rest: %+v", got)
		}
		_, _ = try(r, payments.OpSale, approved, unauthorized)
		if _, err := try(r, payments.OpSale, approved, nil); !refused(err) {
			t.Error("one more 401 right after the rest, and it is tried again at once")
		}
		r.Swap(config()) // the operator has put in a new key
		if _, err := try(r, payments.OpSale, approved, nil); err != nil {
			t.Errorf("with a new configuration: %v", err)
		}
		if got := r.Health(); got != nil {
			t.Errorf("after an answer: %+v", got)
		}
	})
}

func TestThrottled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := New(config(), settings())
		pass(time.Nanosecond) // so that failures count as sustained
		patience := func(d time.Duration) *payments.Fault {
			f := payments.Faultf(payments.Throttled, "429")
			f.RetryAfter = d
			return f
		}
		_, _ = try(r, payments.OpSale, approved, patience(time.Hour))
		if s := status(t, r); !s.LastResort || !s.SuspendedUntil.Equal(time.Now().Add(4*time.Second)) {
			t.Errorf("Retry-After is not capped: %+v", s)
		}
		_, _ = try(r, payments.OpSale, approved, patience(time.Second))
		_, err := try(r, payments.OpSale, approved, nil)
		if !refused(err) || payments.AsFault(err).PublicCode() != payments.GatewayRateLimitExceeded {
			t.Errorf("a second 429, and it is called on: %v", err)
		}
		// Another cause does not shorten the rest.
		_, _ = try(r, payments.OpLookup, approved, payments.Faultf(payments.Misconfigured, "401"))
		if got := r.Health()[xendit]; got.Available || !strings.HasPrefix(got.Reason, "the PSP asked for fewer calls at 00:00:00 UTC") {
			t.Errorf("%+v", got)
		}
		pass(4 * time.Second)
		if _, err := try(r, payments.OpSale, approved, nil); err != nil {
			t.Error(err)
		}
	})
}

// An answer to a call that began before the refusal does not end the rest; a later one does.
func TestRestEndsWithAnAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := New(config(), settings())
		pass(time.Nanosecond) // so that failures count as sustained
		hold, early := make(chan struct{}), sync.WaitGroup{}
		early.Go(func() {
			_, _ = Do(t.Context(), r, xendit, payments.OpSale, time.Minute, classify, func(context.Context) (payments.Outcome, error) {
				<-hold
				return approved, nil
			})
		})
		synctest.Wait()
		pass(time.Second)
		_, _ = try(r, payments.OpSale, approved, payments.Faultf(payments.Misconfigured, "401"))
		close(hold)
		early.Wait()
		if s := status(t, r); !s.Suspended {
			t.Error("an old answer ended the rest")
		}
		if _, err := try(r, payments.OpSale, declined, nil); err != nil {
			t.Error(err)
		}
		if s := status(t, r); s.Suspended {
			t.Errorf("a new answer did not end the rest: %+v", s)
		}
	})
}
