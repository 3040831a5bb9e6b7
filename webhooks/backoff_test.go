package webhooks

import (
	"net/http"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Whatever chance does, and whatever the endpoint asks for, there are at least 12 tries and the last comes 48 to 72 hours after
// the first, even when every try takes as long as it may.
func TestSchedule(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var since time.Duration
		for try := 1; try < maxTries; try++ {
			delay := delayAfter(try, rapid.Float64Range(0, 0.999999).Draw(t, "chance"))
			if delay <= 0 || delay > maxDelay*11/10 {
				t.Fatalf("try %d: delay %v", try, delay)
			}
			asked := time.Duration(rapid.Int64Range(0, int64(maxRetryAfter)).Draw(t, "asked"))
			since += max(delay, asked) + time.Duration(rapid.Int64Range(0, int64(sendTimeout)).Draw(t, "took"))
		}
		if maxTries < 12 || since < 48*time.Hour || since > 72*time.Hour {
			t.Fatalf("%d tries, the last after %v", maxTries, since)
		}
	})
}

func TestScheduleGrows(t *testing.T) {
	t.Parallel()
	for try := 1; try < maxTries; try++ {
		low, high := delayAfter(try, 0), delayAfter(try, 0.999999)
		if low >= high {
			t.Errorf("try %d has no jitter: %v to %v", try, low, high)
		}
		if next := delayAfter(try+1, 0); next <= high && next < maxDelay*8/10 {
			t.Errorf("try %d waits %v, the next one only %v", try, high, next)
		}
	}
	if first := delayAfter(1, 0.5); first != 5*time.Second {
		t.Errorf("the first delay is %v", first)
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"": 0, "0": 0, "-5": 0, "soon": 0, "120": 2 * time.Minute, "99999999999": time.Hour, "999999999999999999999999": 0,
		"Fri, 20 Nov 2026 12:10:00 GMT": 10 * time.Minute, "Fri, 20 Nov 2026 11:00:00 GMT": 0, "Sat, 21 Nov 2026 12:00:00 GMT": time.Hour,
	} {
		if got := retryAfter(http.Header{"Retry-After": {text}}, now); got != want {
			t.Errorf("Retry-After %q: %v, want %v", text, got, want)
		}
	}
}
