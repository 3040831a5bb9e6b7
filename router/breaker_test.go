package router

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"switchyard/payments"
)

var (
	approved = payments.Outcome{Status: payments.Approved}
	declined = payments.Outcome{Status: payments.Declined, Code: payments.CardDeclined}
	outage   = payments.Faultf(payments.Unknown, "500")
)

func classify(o payments.Outcome, err error) payments.Result {
	return payments.Result{Outcome: o, Fault: payments.AsFault(err)}
}

// try makes one call through the router that ends as given.
func try(r *Router, op payments.Operation, o payments.Outcome, fault *payments.Fault) (payments.Outcome, error) {
	return Do(context.Background(), r, xendit, op, time.Second, classify, func(context.Context) (payments.Outcome, error) {
		if fault != nil {
			return payments.Outcome{}, fault
		}
		return o, nil
	})
}

// pass lets time go by in a synctest bubble.
func pass(d time.Duration) { <-time.After(d) }

// refused says that the call was not let through.
func refused(err error) bool {
	fault := payments.AsFault(err)
	return fault != nil && fault.Kind == payments.NeverSent
}

func status(t *testing.T, r *Router) BreakerStatus {
	t.Helper()
	for _, s := range r.Breakers() {
		if s.GatewayID == xendit {
			return s
		}
	}
	t.Fatal("there is no breaker for xendit")
	return BreakerStatus{}
}

func settings() Settings {
	return Settings{
		Failures: 3, Sustained: time.Nanosecond, MinCalls: 6, Window: 60 * time.Second, OpenFor: 10 * time.Second, Probes: 2,
		ConfigFaultPause: 8 * time.Second, ThrottlePause: 4 * time.Second,
	}
}

func TestBreakerOpensAndCloses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var changes []string
		s := settings()
		s.OnChange = func(c Change) { changes = append(changes, fmt.Sprintf("%s->%s %s", c.From, c.To, c.Reason)) }
		r := New(config(), s)
		pass(time.Nanosecond) // so that failures count as sustained
		for range 3 {
			_, _ = try(r, payments.OpSale, approved, outage)
		}
		for _, op := range []payments.Operation{payments.OpAuthorize, payments.OpSale, payments.OpVerify} {
			if _, err := try(r, op, approved, nil); !refused(err) {
				t.Errorf("%s goes through an open breaker: %v", op, err)
			}
		}
		for _, op := range []payments.Operation{payments.OpLookup, payments.OpVoid, payments.OpRefund, payments.OpCapture, payments.OpIncrement, payments.OpAbandon, payments.OpTokenize} {
			if _, err := try(r, op, approved, nil); err != nil {
				t.Errorf("%s is refused: %v", op, err)
			}
		}
		want := "its breaker is open since 00:00:00 UTC after 3 failures in a row; next probe at 00:00:10 UTC"
		got := candidate(t, r.Decide(cardSale()), xendit)
		if got.Verdict != payments.Excluded || got.Reason != want {
			t.Errorf("%+v, want %s", got, want)
		}
		if s := status(t, r); s.State != Open || s.Refused != 3 || s.Unguarded != 7 || !s.NextProbe.Equal(time.Now().Add(10*time.Second)) || s.Reason != want {
			t.Errorf("%+v", s)
		}

		pass(10*time.Second + time.Millisecond)
		got = candidate(t, r.Decide(cardSale()), xendit)
		if got.Verdict != payments.Fallback || !strings.HasSuffix(got.Reason, "its breaker is half-open since 00:00:10 UTC; a charge now is a probe") {
			t.Errorf("%+v", got)
		}
		probe(t, r)
		if s := status(t, r); s.State != Closed || s.Reason != "" {
			t.Errorf("after two good probes: %+v", s)
		}
		if !slices.Equal(changes, []string{"closed->open " + want, "open->half-open ", "half-open->closed "}) {
			t.Errorf("%q", changes)
		}
	})
}

// probe takes a half-open breaker that wants two probes through both, and checks that a third call is turned away meanwhile.
func probe(t *testing.T, r *Router) {
	t.Helper()
	hold, running := make(chan struct{}), sync.WaitGroup{}
	for range 2 {
		running.Go(func() {
			_, err := Do(t.Context(), r, xendit, payments.OpSale, time.Minute, classify, func(context.Context) (payments.Outcome, error) {
				<-hold
				return declined, nil // a decline is as good a probe as any
			})
			if err != nil {
				t.Errorf("a probe is refused: %v", err)
			}
		})
	}
	synctest.Wait()
	if _, err := try(r, payments.OpSale, approved, nil); !refused(err) {
		t.Errorf("a third probe: %v", err)
	}
	if got := candidate(t, r.Decide(cardSale()), xendit); got.Verdict != payments.Excluded || !strings.Contains(got.Reason, "the probes that decide are under way") {
		t.Errorf("%+v", got)
	}
	if _, err := try(r, payments.OpLookup, approved, outage); refused(err) { // counts neither for nor against
		t.Errorf("a look-up is refused: %v", err)
	}
	close(hold)
	running.Wait()
}

func TestBreakerProbeFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := New(config(), settings())
		pass(time.Nanosecond) // so that failures count as sustained
		for range 3 {
			_, _ = try(r, payments.OpSale, approved, outage)
		}
		pass(11 * time.Second)
		_, _ = try(r, payments.OpSale, approved, outage)
		if s := status(t, r); s.State != Open || s.Reason != "its breaker is open since 00:00:11 UTC after a probe failed; next probe at 00:00:21 UTC" {
			t.Errorf("%+v", s)
		}
	})
}

// A PSP that fails every second call is opened though it never fails three times in a row; one that fails every tenth is not.
func TestBreakerRatio(t *testing.T) {
	t.Parallel()
	for every, want := range map[int]State{2: Open, 10: Closed} {
		synctest.Test(t, func(t *testing.T) {
			r := New(config(), settings())
			pass(time.Nanosecond) // so that failures count as sustained
			for i := range 40 {
				var fault *payments.Fault
				if i%every == every-1 {
					fault = outage
				}
				_, _ = try(r, payments.OpSale, approved, fault)
			}
			if s := status(t, r); s.State != want {
				t.Errorf("every %d: %+v", every, s)
			} else if want == Open && !strings.Contains(s.Reason, "after 3 of 6 calls failed within 60 s") {
				t.Error(s.Reason)
			}
		})
	}
}

// A burst of failures does not open a breaker that has just worked; failures that go on do.
func TestBreakerSustained(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := settings()
		s.Sustained, s.MinCalls = 2*time.Second, 100
		r := New(config(), s)
		pass(time.Minute)
		_, _ = try(r, payments.OpSale, declined, nil)
		for range 50 {
			_, _ = try(r, payments.OpSale, approved, outage)
		}
		if s := status(t, r); s.State != Closed {
			t.Errorf("after a burst: %+v", s)
		}
		pass(2 * time.Second)
		_, _ = try(r, payments.OpLookup, approved, outage)
		if s := status(t, r); s.State != Open || !strings.Contains(s.Reason, "after 51 failures in a row") {
			t.Errorf("after two seconds: %+v", s)
		}
	})
}

// Failures that are further apart than the window are not counted together with those before.
func TestBreakerWindow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := New(config(), settings())
		pass(time.Nanosecond) // so that failures count as sustained
		for range 10 {
			_, _ = try(r, payments.OpSale, approved, outage)
			_, _ = try(r, payments.OpSale, approved, outage)
			pass(2 * time.Minute)
		}
		if s := status(t, r); s.State != Closed {
			t.Errorf("%+v", s)
		}
	})
}

func TestWhatCounts(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		op      payments.Operation
		outcome payments.Outcome
		fault   *payments.Fault
		want    State
	}{
		"decline":                {payments.OpSale, declined, nil, Closed},
		"decline by the PSP":     {payments.OpSale, payments.Outcome{Status: payments.Declined, Code: payments.GatewayMaintenance}, nil, Open},
		"pending":                {payments.OpSale, payments.Outcome{Status: payments.Pending}, nil, Closed},
		"action":                 {payments.OpSale, payments.Outcome{Status: payments.ActionRequired}, nil, Closed},
		"rejected":               {payments.OpSale, approved, payments.Faultf(payments.Rejected, "400"), Closed},
		"misconfigured":          {payments.OpRefund, approved, payments.Faultf(payments.Misconfigured, "403"), Closed},
		"never sent":             {payments.OpSale, approved, payments.Faultf(payments.NeverSent, "connection refused"), Open},
		"throttled":              {payments.OpSale, approved, payments.Faultf(payments.Throttled, "429"), Open},
		"failed look-ups":        {payments.OpLookup, approved, outage, Open},
		"throttled refunds":      {payments.OpRefund, approved, payments.Faultf(payments.Throttled, "429"), Open},
		"a look-up that is fine": {payments.OpLookup, payments.Outcome{}, nil, Closed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := New(config(), settings())
			for range 10 {
				_, _ = try(r, test.op, test.outcome, test.fault)
			}
			if s := status(t, r); s.State != test.want || s.Suspended {
				t.Errorf("%+v, want %s", s, test.want)
			}
		})
	}
}

func TestSwap(t *testing.T) {
	t.Parallel()
	r := New(config(), settings())
	for range 3 {
		_, _ = try(r, payments.OpSale, approved, outage)
	}
	changed := gateways()
	changed[2].PSP = "another"
	r.Swap(&Config{Gateways: append(changed, changed[0]), MaxAttempts: 1})
	if s := status(t, r); s.State != Open {
		t.Errorf("a breaker forgot its state: %+v", s)
	}
	if list := r.Breakers(); len(list) != 3 || list[2].PSP != "another" || r.Config().MaxAttempts != 1 || r.Config().Version == "" {
		t.Errorf("%+v", list)
	}
	r.Swap(&Config{Gateways: gateways()[:1], MaxAttempts: 1})
	if _, err := try(r, payments.OpSale, approved, nil); !refused(err) {
		t.Errorf("a charge at a gateway configuration that is gone: %v", err)
	}
	if _, err := try(r, payments.OpLookup, approved, nil); err != nil {
		t.Errorf("a look-up there: %v", err)
	}
}

// Changes are told outside of the breaker: a listener may ask the router.
func TestOnChangeMayAsk(t *testing.T) {
	t.Parallel()
	var r *Router
	var lines strings.Builder
	var seen []State
	s := settings()
	s.Logger = slog.New(slog.NewTextHandler(&lines, nil))
	s.OnChange = func(Change) {
		for _, b := range r.Breakers() {
			seen = append(seen, b.State)
		}
	}
	r = New(config(), s)
	for range 3 {
		_, _ = try(r, payments.OpSale, approved, outage)
	}
	if !slices.Equal(seen, []State{Closed, Open, Closed}) {
		t.Error(seen)
	}
	if !strings.Contains(lines.String(), `level=WARN msg="gateway configuration changed" gateway_configuration_id=gway_conf_xendit psp=xendit breaker_from=closed breaker_to=open`) {
		t.Error(lines.String())
	}
}

// Many goroutines call, decide, look and swap at once; run it with -race.
func TestRace(t *testing.T) {
	t.Parallel()
	const goroutines, rounds = 32, 200
	var told sync.Map
	s := settings()
	s.OpenFor, s.ConfigFaultPause = time.Millisecond, time.Millisecond
	s.OnChange = func(c Change) { told.Store(c.GatewayID, c) }
	r := New(config(), s)
	results := []*payments.Fault{nil, outage, payments.Faultf(payments.Misconfigured, "401"), payments.Faultf(payments.Throttled, "429")}
	operations := []payments.Operation{payments.OpSale, payments.OpLookup, payments.OpAuthorize, payments.OpRefund}
	var running sync.WaitGroup
	for g := range goroutines {
		running.Go(func() {
			for i := range rounds {
				fault := results[(g+i)%len(results)]
				_, err := try(r, operations[(g*i)%len(operations)], approved, fault)
				if err != nil && fault == nil && !refused(err) {
					t.Errorf("a good call failed: %v", err)
				}
				if d := r.Decide(cardSale()); len(d.Candidates) != 3 {
					t.Errorf("%+v", d)
				}
				if i%50 == g%50 {
					r.Swap(config())
				}
				_, _, _ = r.Breakers(), r.Health(), r.Config()
			}
		})
	}
	running.Wait()
	if _, ok := told.Load(xendit); !ok {
		t.Error("no change was told")
	}
}

func BenchmarkDo(b *testing.B) {
	r := New(config(), Settings{})
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		_, err := Do(ctx, r, xendit, payments.OpSale, time.Second, classify, func(context.Context) (payments.Outcome, error) { return approved, nil })
		if err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRouterDecide(b *testing.B) {
	r, facts := New(config(), Settings{}), cardSale()
	b.ReportAllocs()
	for b.Loop() {
		r.Decide(facts)
	}
}
