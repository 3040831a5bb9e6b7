package api

import (
	"encoding/json"
	"net/mail"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"switchyard/payments"
)

// Limits of fields that need more than a length.
const (
	maxURL    = 2048 // bytes
	maxEmail  = 254
	maxAmount = 64
)

// setTime puts a time into dst if it was given; "" clears it.
func (f fields) setTime(dst *time.Time, name string) {
	if !f.has(name) {
		return
	}
	text := f.text(name, textRule{code: payments.CodeInvalidDate})
	at, ok := parseTime(text)
	if !ok {
		f.fault(payments.CodeInvalidDate, name, "This field must be a time: RFC 3339 (2026-01-02T03:04:05Z), RFC 1123, a date (2026-01-02) or a unix timestamp.")
		return
	}
	*dst = at
}

// timeForms are the ways in which the vendor's API takes times, beside unix timestamps.
var timeForms = [...]string{time.RFC3339Nano, time.RFC1123, time.RFC1123Z, time.DateOnly}

// maxUnixTime is the end of the year 9999, the last one that RFC 3339 can write.
const maxUnixTime = 253402300799

func parseTime(text string) (time.Time, bool) {
	if text == "" {
		return time.Time{}, true
	}
	if seconds, err := strconv.ParseInt(text, 10, 64); err == nil {
		return time.Unix(seconds, 0).UTC(), 0 <= seconds && seconds <= maxUnixTime
	}
	for _, form := range timeForms {
		if at, err := time.Parse(form, text); err == nil {
			return at.UTC().Truncate(time.Millisecond), at.Year() > 0 && at.Year() <= 9999
		}
	}
	return time.Time{}, false
}

// setURL puts a URL into dst if it was given. Deep links of apps are URLs too, so any scheme will do but those that run code.
func (f fields) setURL(dst *string, name string) {
	if !f.has(name) {
		return
	}
	text := f.text(name, textRule{max: maxURL, code: payments.CodeInvalidURL})
	if text != "" {
		u, err := url.Parse(text)
		if err != nil || u.Scheme == "" || u.Host == "" && u.Opaque == "" && u.Path == "" || slices.Contains(badSchemes[:], strings.ToLower(u.Scheme)) {
			f.fault(payments.CodeInvalidURL, name, "This field must be an absolute URL.")
			return
		}
	}
	*dst = text
}

var badSchemes = [...]string{"javascript", "data", "vbscript", "file", "blob"}

// setHook puts a URL that we are to call into dst if it was given.
func (f fields) setHook(dst *string, name string) {
	text := ""
	f.setURL(&text, name)
	if !f.has(name) {
		return
	}
	if text != "" {
		if u, err := url.Parse(text); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
			f.fault(payments.CodeInvalidURL, name, "This field must be an http or https URL.")
			return
		}
	}
	if text != "" && f.checkHook != nil {
		if err := f.checkHook(text); err != nil {
			e := publicError(err)
			f.fault(e.Code, name, e.Message)
			return
		}
	}
	*dst = text
}

// setEmail puts an e-mail address into dst if it was given.
func (f fields) setEmail(dst *string, name string) {
	if !f.has(name) {
		return
	}
	text := strings.TrimSpace(f.text(name, textRule{max: 254, code: payments.CodeInvalidEmail}))
	if text != "" {
		// ParseAddress also takes "Ada <ada@example.com>", which no PSP does.
		if at, err := mail.ParseAddress(text); err != nil || at.Address != text {
			f.fault(payments.CodeInvalidEmail, name, "This field must be an e-mail address.")
			return
		}
	}
	*dst = text
}

// setCountry puts a country into dst if it was given, in upper case.
func (f fields) setCountry(dst *string, name string) {
	if !f.has(name) {
		return
	}
	code := strings.ToUpper(f.text(name, textRule{max: 2, code: payments.CodeInvalidCountry}))
	if code != "" && !payments.IsCountry(code) {
		f.fault(payments.CodeInvalidCountry, name, "This field must be the two letters of a country's ISO 3166-1 code.")
		return
	}
	*dst = code
}

// setIP puts an IP address into dst if it was given.
func (f fields) setIP(dst *string, name string) {
	if !f.has(name) {
		return
	}
	text := f.text(name, textRule{})
	if _, err := netip.ParseAddr(text); text != "" && err != nil {
		f.fault(payments.CodeValidation, name, "This field must be an IP address.")
		return
	}
	*dst = text
}

// setName puts a person's name into dst if it was given, without emoji, currency signs and what cannot be printed.
func (f fields) setName(dst *string, name string) {
	if !f.has(name) {
		return
	}
	text := f.text(name, textRule{max: maxShort, code: payments.CodeInvalidName})
	*dst = strings.TrimSpace(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || unicode.In(r, unicode.So, unicode.Sc) {
			return -1
		}
		return r
	}, text))
}

// amount returns an amount as text, "" if it was not given. What it means is for payments.ParseAmount to say. JSON numbers
// keep the digits that were sent.
func (f fields) amount(name string) string {
	return strings.TrimSpace(f.text(name, textRule{max: 64, code: payments.CodeInvalidAmount}))
}

// keep copies what was given under the names into extra, to come back as it is.
func (f fields) keep(extra *payments.Extra, names ...string) {
	for _, name := range names {
		if f.has(name) {
			keepValue(extra, name, f.values[name])
		}
	}
}

// keepValue keeps a value that was checked.
func keepValue(extra *payments.Extra, name string, value any) {
	raw, err := json.Marshal(value)
	if err != nil {
		return // texts, booleans and what is made of them can always be written
	}
	if *extra == nil {
		*extra = payments.Extra{}
	}
	(*extra)[name] = raw
}

// keepText keeps a text that was checked. "" clears it.
func keepText(extra *payments.Extra, name, text string) {
	if text == "" {
		delete(*extra, name)
		return
	}
	keepValue(extra, name, text)
}

// keepTime keeps a time, in the form of all times. "" clears it.
func keepTime(f fields, extra *payments.Extra, name string) {
	if !f.has(name) {
		return
	}
	var at time.Time
	f.setTime(&at, name)
	text := ""
	if !at.IsZero() {
		text = at.UTC().Format(timeForm)
	}
	keepText(extra, name, text)
}
