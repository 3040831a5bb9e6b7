package sandbox

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"switchyard/payments"
)

const (
	mask = "***"
	// anything stands in a recorded request for whatever the adapter sends there: the suite takes it for every value.
	anything = "*"

	minPAN        = 13 // digits
	maxPAN        = 19
	longestRun    = 64 // a longer run of digits is masked whatever it is
	longestInPath = 20
	deepest       = 200 // objects within objects; an answer that is deeper is dropped
)

var (
	digitRun = regexp.MustCompile(`[0-9](?:[ .\-]?[0-9]){12,}`)
	digits   = regexp.MustCompile(`[0-9]+`)
	email    = regexp.MustCompile(`[A-Za-z0-9._%+\-]+@[A-Za-z0-9\-]+(?:\.[A-Za-z0-9\-]+)+`)
	jwt      = regexp.MustCompile(`eyJ[A-Za-z0-9_\-]{8,}(?:\.[A-Za-z0-9_\-]*){1,4}`)
	pem      = regexp.MustCompile(`(?s)-----BEGIN .*`)
	anyURL   = regexp.MustCompile(`[A-Za-z][A-Za-z0-9+.\-]*://[^\s"'<>]+`)
	anyQuery = regexp.MustCompile(`\?[^\s"'<>]*=[^\s"'<>]*`)
	opaque   = regexp.MustCompile(`[A-Za-z0-9+/=_\-.:]{100,}`)
)

// hiddenNames are fields whose values are never kept, whatever they look like. Names are compared without case and punctuation.
var hiddenNames = []string{
	"accountnumber", "apikey", "authorization", "bearer", "cardcvc", "cardnumber", "cavv", "clientkey", "cookie", "cryptogram", "csc",
	"cvc", "cvc2", "cvn", "cvv", "cvv2", "md", "number", "otp", "pan", "pareq", "pares", "pin", "securitycode", "setcookie",
	"signature", "token", "verificationvalue",
}

// hiddenParts make a field hidden with all that is in it when its name has one of them.
var hiddenParts = []string{"secret", "password", "encrypted", "encryptionkey", "privatekey", "accesstoken", "refreshtoken", "sessiontoken", "email"}

// hiding says how much of a field is hidden.
type hiding int

const (
	nothingHidden hiding = iota
	textHidden           // the value itself, but not what is in an object of this name
	allHidden
)

func hidingOf(name string) hiding {
	plain := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return -1
	}, name)
	switch {
	case slices.ContainsFunc(hiddenParts, func(part string) bool { return strings.Contains(plain, part) }):
		return allHidden
	case slices.Contains(hiddenNames, plain):
		return textHidden
	}
	return nothingHidden
}

// scrubber takes out of a recording what must not be seen: the secrets of the configuration, card numbers, CVCs, e-mail
// addresses, tokens in links, and whatever stands in a field with a telling name.
type scrubber struct {
	secrets []string // in every form in which they may stand somewhere, longer ones first
	cvcs    []string
}

// newScrubber knows the secrets of a configuration and the CVCs of the cards that are sent.
func newScrubber(secrets, cvcs []string) *scrubber {
	s := &scrubber{}
	for _, secret := range secrets {
		if secret == "" {
			continue
		}
		for _, form := range []string{secret, secret + ":", ":" + secret} {
			raw := []byte(form)
			s.secrets = append(s.secrets, url.QueryEscape(form), base64.StdEncoding.EncodeToString(raw), base64.RawURLEncoding.EncodeToString(raw))
		}
		s.secrets = append(s.secrets, secret)
	}
	slices.SortFunc(s.secrets, func(a, b string) int { return len(b) - len(a) })
	for _, cvc := range cvcs {
		if cvc != "" {
			s.cvcs = append(s.cvcs, cvc)
		}
	}
	return s
}

// text scrubs a text of which nothing is known.
func (s *scrubber) text(text string) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	for _, secret := range s.secrets {
		text = strings.ReplaceAll(text, secret, mask)
	}
	text = pem.ReplaceAllLiteralString(text, mask)
	text = jwt.ReplaceAllLiteralString(text, mask)
	text = anyURL.ReplaceAllStringFunc(text, scrubURL)
	text = anyQuery.ReplaceAllLiteralString(text, "?"+mask)
	text = email.ReplaceAllLiteralString(text, mask)
	text = opaque.ReplaceAllLiteralString(text, mask)
	text = digitRun.ReplaceAllStringFunc(text, func(run string) string {
		if holdsPAN(run) {
			return mask
		}
		return run
	})
	// Only now: a CVC that is masked in the middle of a card number would leave its other digits.
	return digits.ReplaceAllStringFunc(text, func(run string) string {
		if slices.Contains(s.cvcs, run) {
			return mask
		}
		return run
	})
}

// named scrubs a text that stands in a field.
func (s *scrubber) named(name, text string) string {
	if hidingOf(name) != nothingHidden && text != "" {
		return mask
	}
	return s.text(text)
}

// scrubURL keeps scheme, host and path of a link, except for what looks like a token in the path.
func scrubURL(text string) string {
	scheme, rest, _ := strings.Cut(text, "://")
	end := strings.IndexAny(rest, "?#")
	tail := ""
	if end >= 0 {
		rest, tail = rest[:end], rest[end:end+1]+mask
	}
	parts := strings.Split(rest, "/")
	if at := strings.LastIndexByte(parts[0], '@'); at >= 0 {
		parts[0] = mask + parts[0][at:]
	}
	for i, part := range parts[1:] {
		if len(part) > longestInPath {
			parts[i+1] = mask
		}
	}
	return scheme + "://" + strings.Join(parts, "/") + tail
}

// holdsPAN says whether a card number may be in a run of digits. Neighbouring digits do not hide one.
func holdsPAN(run string) bool {
	plain := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, run)
	if len(plain) > longestRun {
		return true
	}
	for start := range plain {
		for length := minPAN; length <= maxPAN && start+length <= len(plain); length++ {
			if payments.Luhn(plain[start : start+length]) {
				return true
			}
		}
	}
	return false
}

// leak says what a text that was scrubbed still has in it; "" is nothing.
func (s *scrubber) leak(text string) string {
	for _, secret := range s.secrets {
		if strings.Contains(text, secret) {
			return "a secret of the configuration"
		}
	}
	if slices.ContainsFunc(digitRun.FindAllString(text, -1), holdsPAN) {
		return "what looks like a card number"
	}
	if slices.ContainsFunc(digits.FindAllString(text, -1), func(run string) bool { return slices.Contains(s.cvcs, run) }) {
		return "what looks like a CVC"
	}
	if email.MatchString(text) {
		return "an e-mail address"
	}
	return ""
}

// json scrubs a JSON document and keeps its order. What is hidden becomes the string instead; so does, in a request, a text that
// is hidden in part, or a time. Texts and numbers that are placeholders' values, as they are written, become those.
func (s *scrubber) json(body []byte, instead string, placeholders map[string]string) ([]byte, error) {
	w := &rewriter{scrubber: s, in: json.NewDecoder(bytes.NewReader(body)), instead: instead, placeholders: placeholders}
	w.in.UseNumber()
	if err := w.value("", nothingHidden, 0); err != nil {
		return nil, err
	}
	if _, err := w.in.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one JSON value")
	}
	return w.out.Bytes(), nil
}

// rewriter copies a JSON document, token by token.
type rewriter struct {
	*scrubber
	in      *json.Decoder
	out     bytes.Buffer
	instead string

	placeholders map[string]string
}

func (w *rewriter) value(name string, hidden hiding, depth int) error {
	token, err := w.in.Token()
	if err != nil {
		return err
	}
	switch token := token.(type) {
	case json.Delim:
		if depth > deepest {
			return fmt.Errorf("more than %d objects within objects", deepest)
		}
		if hidden == textHidden {
			hidden = nothingHidden
		}
		return w.inside(token, name, hidden, depth+1)
	case string:
		w.leaf(token, quote(token), hidden)
	case json.Number:
		w.leaf(token.String(), token.String(), hidden)
	default: // true, false or null: nothing can be in them
		text, err := json.Marshal(token)
		if err != nil {
			return err
		}
		w.out.Write(text)
	}
	return nil
}

// leaf writes a text or a number.
func (w *rewriter) leaf(text, written string, hidden hiding) {
	scrubbed := w.text(text)
	placeholder, known := w.placeholders[written]
	switch {
	case text == "":
	case known && hidden == nothingHidden:
		written = placeholder
	case hidden != nothingHidden, w.instead == anything && (scrubbed != text || isTime(text)):
		written = quote(w.instead)
	case scrubbed != text:
		written = quote(scrubbed)
	}
	w.out.WriteString(written)
}

// isTime says whether a text is a time, which in a request is another with every run.
func isTime(text string) bool {
	_, err := time.Parse(time.RFC3339, text)
	return err == nil
}

// inside copies an object or an array from behind its opening bracket.
func (w *rewriter) inside(open json.Delim, name string, hidden hiding, depth int) error {
	w.out.WriteString(open.String())
	for first := true; w.in.More(); first = false {
		if !first {
			w.out.WriteByte(',')
		}
		inner, within := name, hidden
		if open == '{' {
			key, err := w.in.Token()
			if err != nil {
				return err
			}
			inner, _ = key.(string)
			within = max(hidden, hidingOf(inner))
			w.out.WriteString(quote(w.text(inner)) + ":")
		} else if hidden == nothingHidden {
			within = hidingOf(name) // a list of e-mail addresses
		}
		if err := w.value(inner, within, depth); err != nil {
			return err
		}
	}
	end, err := w.in.Token()
	if err != nil {
		return err
	}
	if delim, ok := end.(json.Delim); ok {
		w.out.WriteString(delim.String())
	}
	return nil
}

// quote writes a text as JSON does, but leaves <, > and & as they are.
func quote(text string) string {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(text) // a string can always be written
	return strings.TrimSuffix(b.String(), "\n")
}
