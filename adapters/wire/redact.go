package wire

import (
	"context"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"switchyard/payments"
)

// What redaction looks for and leaves behind.
const (
	maxTextLength = 200 // characters

	minPAN = 13 // digits
	maxPAN = 19
	// A longer run of digits is masked whatever it is.
	longestCheckedRun = 64

	mask          = "***"
	minLongSecret = 8 // bytes; shorter ones are CVCs and the like
)

var (
	// digitRun is digits that may be grouped by single spaces, dashes or dots.
	digitRun = regexp.MustCompile(`[0-9](?:[ .\-]?[0-9]){12,}`)
	// anyURL is an absolute URL.
	anyURL = regexp.MustCompile(`[A-Za-z][A-Za-z0-9+.\-]*://[^\s"'<>]+`)
	// anyQuery is a query string wherever it stands.
	anyQuery = regexp.MustCompile(`\?[^\s"'<>]*=[^\s"'<>]*`)
)

// Redact makes text fit for logs and merchants: card numbers (13 to 19 digits with a right check digit, grouped or not), the
// given secrets, query strings and passwords in URLs are masked, control characters become spaces, and what is left is
// cut at 200 characters.
func Redact(text string, secrets ...string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
	long, short := secretForms(secrets)
	text = maskAll(text, long)
	text = anyURL.ReplaceAllStringFunc(text, maskURL)
	text = anyQuery.ReplaceAllLiteralString(text, "?"+mask)
	text = digitRun.ReplaceAllStringFunc(text, maskPAN)
	// Only now: a CVC masked in the middle of a card number would leave its other digits.
	text = maskAll(text, short)
	return cut(strings.TrimSpace(text))
}

// secretForms returns the texts to mask, longer ones first because one may be a part of another. A long secret is looked for
// as it looks in a query string, too.
func secretForms(secrets []string) (long, short []string) {
	for _, s := range secrets {
		s = strings.ToValidUTF8(s, "\uFFFD") // as in the text
		switch {
		case len(s) >= minLongSecret:
			long = append(long, s, url.QueryEscape(s))
		case s != "":
			short = append(short, s)
		}
	}
	longerFirst := func(a, b string) int { return len(b) - len(a) }
	slices.SortFunc(long, longerFirst)
	slices.SortFunc(short, longerFirst)
	return long, short
}

func maskAll(text string, secrets []string) string {
	for _, s := range secrets {
		text = strings.ReplaceAll(text, s, mask)
	}
	return text
}

// maskURL drops user information, query and fragment.
func maskURL(text string) string {
	scheme, rest, _ := strings.Cut(text, "://")
	path := strings.IndexAny(rest, "/?#")
	if path < 0 {
		path = len(rest)
	}
	host := rest[:path]
	if at := strings.LastIndexByte(host, '@'); at >= 0 {
		host = mask + host[at:]
	}
	rest = rest[path:]
	if end := strings.IndexAny(rest, "?#"); end >= 0 {
		rest = rest[:end+1] + mask
	}
	return scheme + "://" + host + rest
}

// maskPAN masks the run when a card number may be in it. Neighbouring digits, an expiry date or a CVC, do not hide a number:
// every part of the run is tried.
func maskPAN(run string) string {
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, run)
	if len(digits) > longestCheckedRun {
		return mask
	}
	for start := range digits {
		for length := minPAN; length <= maxPAN && start+length <= len(digits); length++ {
			if payments.Luhn(digits[start : start+length]) {
				return mask
			}
		}
	}
	return run
}

// cut shortens text to maxTextLength characters.
func cut(text string) string {
	count := 0
	for i := range text {
		if count == maxTextLength {
			return text[:i]
		}
		count++
	}
	return text
}

// exchangeError is the cause in a fault. It has the redacted text of the real error and gives away nothing else of it, save
// whether the context ended: the text of the real error may hold what must not be seen.
type exchangeError struct {
	text string
	end  error // the context's error, if it has ended
}

func (e *exchangeError) Error() string { return e.text }

// Unwrap returns the context's error, if it has ended.
func (e *exchangeError) Unwrap() error { return e.end }

// redactError makes the cause of a fault from what went wrong in a call.
func redactError(ctx context.Context, call string, err error, secrets []string) error {
	return &exchangeError{text: Redact(call, secrets...) + ": " + Redact(err.Error(), secrets...), end: ctx.Err()}
}
