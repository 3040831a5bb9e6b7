package wire

import (
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"switchyard/payments"
)

func TestResponseFault(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]payments.FaultKind{
		200: payments.Unknown, 201: payments.Unknown, 204: payments.Unknown, 301: payments.Unknown, 302: payments.Unknown,
		400: payments.Rejected, 401: payments.Misconfigured, 402: payments.Rejected, 403: payments.Misconfigured, 404: payments.Rejected,
		405: payments.Rejected, 408: payments.Unknown, 409: payments.Rejected, 422: payments.Rejected, 425: payments.Rejected,
		429: payments.Throttled, 500: payments.Unknown, 501: payments.Unknown, 502: payments.Unknown, 503: payments.Unknown,
		504: payments.Unknown, 520: payments.Unknown, 599: payments.Unknown, 999: payments.Unknown, 0: payments.Unknown,
	} {
		r := &Response{Status: status, Header: http.Header{"Retry-After": {"9"}}, call: "POST /pay", secrets: []string{"my-secret-key"}}
		f := r.Fault("CODE my-secret-key", "card 4242 4242 4242 4242")
		if f.Kind != want {
			t.Errorf("status %d: %s, want %s", status, f.Kind, want)
		}
		if f.RawCode != "CODE ***" || f.RawMessage != "card ***" {
			t.Errorf("status %d: raw %q %q", status, f.RawCode, f.RawMessage)
		}
		if wait := f.RetryAfter; (wait == 9*time.Second) != (want == payments.Throttled) {
			t.Errorf("status %d: retry after %s", status, wait)
		}
	}
}

func TestResponseJSON(t *testing.T) {
	t.Parallel()
	for body, good := range map[string]bool{
		`{"a":"b"}`: true, ` {"a":"b"} `: true, `null`: true, ``: false, `{"a":"b"`: false, `<html>`: false, `{"a":"b"}x`: false, `{"a":1}`: false, `[]`: false,
	} {
		var v struct{ A string }
		err := (&Response{Status: 200, Body: []byte(body)}).JSON(&v)
		if (err == nil) != good {
			t.Errorf("%q: %v", body, err)
		}
		if err != nil {
			wantFault(t, err, payments.Unknown)
		}
	}
}

func TestParseRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 4, 1, 10, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"": 0, "0": 0, "1": time.Second, " 30 ": 30 * time.Second, "3600": time.Hour, "999999": time.Hour, "4294967295": time.Hour,
		"18446744073709551615": time.Hour, "18446744073709551616": 0, "-1": 0, "+1": 0, "1.5": 0, "soon": 0, "1e3": 0,
		"Wed, 01 Apr 2026 10:00:20 GMT":     20 * time.Second,
		"Wed, 01 Apr 2026 09:59:00 GMT":     0,
		"Thu, 01 Apr 2027 10:00:00 GMT":     time.Hour,
		"Wednesday, 01-Apr-26 10:00:05 GMT": 5 * time.Second,
	} {
		if got := parseRetryAfter(text, now); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
	// A date is by the PSP's own clock.
	r := &Response{Status: 429, Header: http.Header{"Date": {"Wed, 01 Apr 2026 10:00:00 GMT"}, "Retry-After": {"Wed, 01 Apr 2026 10:01:00 GMT"}}}
	if got := r.Fault("", "").RetryAfter; got != time.Minute {
		t.Errorf("retry after %s, want 1m", got)
	}
}

func FuzzParseRetryAfter(f *testing.F) {
	for _, seed := range []string{"", "1", "99999999999", "-5", "Wed, 01 Apr 2026 10:00:20 GMT", "Wed, 01 Apr 9999 10:00:20 GMT"} {
		f.Add(seed)
	}
	now := time.Date(2026, 4, 1, 10, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text string) {
		if got := parseRetryAfter(text, now); got < 0 || got > maxRetryAfter {
			t.Errorf("%q: %s", text, got)
		}
	})
}

func TestRedact(t *testing.T) {
	t.Parallel()
	secrets := []string{"", "917", "sk_live_4242424242424242x", "p@ss word/1"}
	for in, want := range map[string]string{
		"":                                     "",
		"nothing to hide":                      "nothing to hide",
		"card 4242424242424242 declined":       "card *** declined",
		"card 4242 4242 4242 4242.":            "card ***.",
		"4242-4242-4242-4242":                  "***",
		"amex 378282246310005":                 "amex ***",
		"4242424242424242917":                  "***",
		"4242424242424242 12/30":               "***/30",
		"424242424242":                         "424242424242",
		"1111111111111":                        "1111111111111",
		"cvc 917 wrong":                        "cvc *** wrong",
		"key sk_live_4242424242424242x":        "key ***",
		"as p%40ss+word%2F1 and p@ss word/1":   "as *** and ***",
		"Post https://u:p@psp.test/a/b?c=d: x": "Post https://***@psp.test/a/b?*** x",
		"get /pay?token=abc failed":            "get /pay?*** failed",
		"why? because":                         "why? because",
		"two\r\nlines\x00":                     "two  lines",
		"bad \xff utf-8":                       "bad \uFFFD utf-8",
		"att_00000000000000000000":             "att_***",
		strings.Repeat("ä", 300):               strings.Repeat("ä", 200),
	} {
		if got := Redact(in, secrets...); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	if got := Redact("abcdefghijkl abcde", "abcdefgh", "abcdefghijkl", "ab", "abcde"); got != "*** ***" {
		t.Errorf("secrets within secrets: %q", got)
	}
}

func FuzzRedact(f *testing.F) {
	for _, seed := range []string{"4242424242424242", "x 4242 4242-4242 4242 y", "https://a:b@c/d?e=f", "sk_test_secret_key", "\xff\x00", strings.Repeat("1", 100)} {
		f.Add(seed, "sk_test_secret_key")
	}
	f.Add("a 917 b", "917")
	f.Fuzz(func(t *testing.T, text, secret string) {
		got := Redact(text, secret)
		if !utf8.ValidString(got) || utf8.RuneCountInString(got) > maxTextLength || strings.IndexFunc(got, unicode.IsControl) >= 0 {
			t.Errorf("%q: %q", text, got)
		}
		plain := secret != "" && strings.IndexFunc(secret, unicode.IsControl) < 0 && utf8.ValidString(secret)
		if plain && !strings.ContainsAny(secret, "*?/:# ") && strings.Contains(got, secret) {
			t.Errorf("%q shows the secret %q", got, secret)
		}
		for _, run := range digitRun.FindAllString(got, -1) {
			if maskPAN(run) == mask {
				t.Errorf("%q has a card number", got)
			}
		}
	})
}
