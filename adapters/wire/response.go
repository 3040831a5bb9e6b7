package wire

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"switchyard/payments"
)

// maxRetryAfter bounds what a PSP may ask for: a longer wait is a mistake, and believing it would take the PSP out.
const maxRetryAfter = time.Hour

// Response is a complete HTTP answer.
type Response struct {
	Status int
	Header http.Header
	Body   []byte

	call    string // method and path, for errors
	secrets []string
}

// JSON decodes the body into v. The error is a *payments.Fault of kind Unknown: an answer that cannot be read leaves open
// what the PSP did.
func (r *Response) JSON(v any) error {
	if err := json.Unmarshal(r.Body, v); err != nil {
		err = fmt.Errorf("status %d: not the JSON that was expected: %w", r.Status, err)
		return payments.NewFault(payments.Unknown, redactError(context.Background(), r.call, err, r.secrets))
	}
	return nil
}

// Fault turns the answer into a fault by its status; adapters call it for every answer that is no outcome, with the PSP's
// own code and message, which may be empty. A 2xx or 3xx is here an answer that nobody expected.
func (r *Response) Fault(rawCode, rawMessage string) *payments.Fault {
	f := payments.NewFault(kindOf(r.Status), redactError(context.Background(), r.call, fmt.Errorf("status %d", r.Status), r.secrets))
	f.RawCode, f.RawMessage = r.Redact(rawCode), r.Redact(rawMessage)
	if f.Kind == payments.Throttled {
		f.RetryAfter = parseRetryAfter(r.Header.Get("Retry-After"), r.date())
	}
	return f
}

// Redact is the package's Redact with the secrets of this exchange. Text of the PSP goes through it on its way into an
// outcome.
func (r *Response) Redact(text string) string { return Redact(text, r.secrets...) }

// kindOf classifies a status that carries no outcome.
func kindOf(status int) payments.FaultKind {
	switch {
	case status == http.StatusTooManyRequests:
		return payments.Throttled
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return payments.Misconfigured
	case status == http.StatusRequestTimeout:
		return payments.Unknown
	case status >= 400 && status < 500:
		return payments.Rejected
	}
	return payments.Unknown
}

// date is when the PSP made the answer, by its own clock if it tells: a Retry-After date is by the same clock.
func (r *Response) date() time.Time {
	if at, err := http.ParseTime(r.Header.Get("Date")); err == nil {
		return at
	}
	return time.Now()
}

// parseRetryAfter reads seconds or an HTTP date; 0 means that nothing usable was told.
func parseRetryAfter(text string, now time.Time) time.Duration {
	text = strings.TrimSpace(text)
	if seconds, err := strconv.ParseUint(text, 10, 64); err == nil {
		return time.Duration(min(seconds, uint64(maxRetryAfter/time.Second))) * time.Second
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), maxRetryAfter)
}
