package webhooks

import (
	"math"
	"net/http"
	"strconv"
	"time"
)

// The schedule of tries: delays grow by e from five seconds to ten and a half hours, and the last of 15 tries comes 53 to 71
// hours after the first, whatever chance and the endpoint's own wishes do.
const (
	maxTries      = 15
	firstDelay    = 5 * time.Second
	maxDelay      = 10*time.Hour + 30*time.Minute
	jitter        = 0.1       // of a delay, at most, to either side
	maxRetryAfter = time.Hour // the longest wait that an endpoint may ask for
)

// delayAfter is the wait after the given failed try; 1 is the first. Random is from 0 to below 1.
func delayAfter(try int, random float64) time.Duration {
	delay := min(firstDelay.Seconds()*math.Exp(float64(try-1)), maxDelay.Seconds())
	delay *= 1 + jitter*(2*random-1)
	return time.Duration(delay * float64(time.Second))
}

// retryAfter is the wait that an answer asks for, bounded; zero when it asks for none.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := h.Get("Retry-After")
	if seconds, err := strconv.ParseInt(text, 10, 64); err == nil {
		return time.Duration(min(max(0, seconds), int64(maxRetryAfter/time.Second))) * time.Second
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	return min(max(0, at.Sub(now)), maxRetryAfter)
}
