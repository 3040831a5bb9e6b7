package journal

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Masked stands where something secret was.
const Masked = "[masked]"

const (
	minPAN, maxPAN = 13, 19 // digits
	// maxBody bounds what is kept of a body, in bytes; longer ones are described.
	maxBody = 64 << 10
	// maxHeader bounds a header's value, in bytes.
	maxHeader = 256
)

var (
	// digits are runs that a card number may be in, grouped as on a card or not at all.
	digits = regexp.MustCompile(`[0-9](?:[ .\-]?[0-9]){12,}`)
	// secrets are what may stand in any text: keys, customers' secrets, signed tokens, and what opens a page in its address.
	secrets = regexp.MustCompile(`(?:(?:sk|pk|cs|whsk)_(?:sandbox|prod|test|live)_|xnd_(?:development|production|public)_|key_(?:sandbox|test|live)_|\beyJ)[A-Za-z0-9_.\-]{4,}`)
	opener  = regexp.MustCompile(`(?i)([?&;](?:csc|token|secret|client_key|client_secret|key)=)[^&;#\s"]+`)
)

// secretNames are names of fields whose value is nobody's business; secretParts make one of any name that they are in.
// They are compared without case and punctuation.
var (
	secretNames = []string{"number", "pan", "key", "cvc", "cvc2", "cvn", "cvv", "cvv2", "authorization", "signature"}
	secretParts = []string{"secret", "password", "encrypt", "cardnumber", "securitycode", "privatekey", "apikey", "clientkey", "accesskey", "jwt"}
)

// secretName says whether a field of this name is masked. The id of a token opens nothing; a token may.
func secretName(name string) bool {
	plain := strings.Map(func(c rune) rune {
		switch {
		case c >= 'A' && c <= 'Z':
			return c + 'a' - 'A'
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
			return c
		}
		return -1
	}, name)
	return slices.Contains(secretNames, plain) || strings.HasSuffix(plain, "token") ||
		slices.ContainsFunc(secretParts, func(part string) bool { return strings.Contains(plain, part) })
}

// maskText masks what is secret by its form.
func maskText(text string) string {
	text = secrets.ReplaceAllLiteralString(strings.ToValidUTF8(text, "\uFFFD"), Masked)
	text = opener.ReplaceAllString(text, "${1}"+Masked)
	return digits.ReplaceAllStringFunc(text, func(run string) string {
		if hasPAN(run) {
			return Masked
		}
		return run
	})
}

// hasPAN says whether 13 to 19 of the run's digits in a row are a card number.
func hasPAN(run string) bool {
	run = strings.NewReplacer(" ", "", ".", "", "-", "").Replace(run)
	for from := range run {
		for n := minPAN; n <= maxPAN && from+n <= len(run); n++ {
			if luhn(run[from : from+n]) {
				return true
			}
		}
	}
	return false
}

func luhn(number string) bool {
	sum := 0
	for i := range len(number) {
		d := int(number[len(number)-1-i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}

// maskBody is a body as it may be kept.
func maskBody(contentType string, body []byte) json.RawMessage {
	switch kind, _, _ := mime.ParseMediaType(contentType); {
	case len(bytes.TrimSpace(body)) == 0:
		return nil
	case len(body) > maxBody:
	case kind == "application/x-www-form-urlencoded":
		if values, err := url.ParseQuery(string(body)); err == nil {
			return encoded(maskQuery(values))
		}
	default:
		if value, ok := decoded(body); ok {
			return encoded(maskValue(value))
		}
	}
	return encoded(fmt.Sprintf("[%d bytes that cannot be shown]", len(body)))
}

// decoded reads one JSON value, its numbers as they were written.
func decoded(text []byte) (any, bool) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	if decoder.Decode(&value) != nil {
		return nil, false
	}
	_, err := decoder.Token()
	return value, err == io.EOF
}

func encoded(value any) json.RawMessage {
	text, err := json.Marshal(value)
	if err != nil { // not of what was decoded before
		return json.RawMessage(`"[a body that cannot be shown]"`)
	}
	return text
}

// maskValue masks a JSON value. Numbers stay numbers, so that units can be seen, unless they are card numbers.
func maskValue(value any) any {
	switch v := value.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, inner := range v {
			if secretName(name) {
				out[maskText(name)] = hidden(inner)
			} else {
				out[maskText(name)] = maskValue(inner)
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, inner := range v {
			out[i] = maskValue(inner)
		}
		return out
	case json.Number:
		if hasPAN(strings.Map(digitsOnly, v.String())) {
			return Masked
		}
		return v
	case string:
		return maskText(v)
	}
	return value
}

func digitsOnly(c rune) rune {
	if c < '0' || c > '9' {
		return -1
	}
	return c
}

// hidden is a secret's value. That it was left empty is no secret.
func hidden(value any) any {
	switch value {
	case nil, true, false, "":
		return value
	}
	return Masked
}

func maskQuery(values url.Values) Fields {
	out := make(Fields, len(values))
	for name, all := range values {
		hide, shown := secretName(fieldOf(name)), maskText(name)
		for _, value := range all {
			if hide && value != "" {
				value = Masked
			}
			out[shown] = append(out[shown], maskText(value))
		}
	}
	return out
}

// fieldOf is the innermost name of a form's field: card[number] is about a number.
func fieldOf(name string) string {
	if open := strings.LastIndexByte(name, '['); open >= 0 && strings.HasSuffix(name, "]") {
		return name[open+1 : len(name)-1]
	}
	return name
}

// shownHeaders are the headers whose values are kept, and hiddenHeaders those of which is kept that they were there.
var (
	shownHeaders  = []string{"Content-Type", "Version", "Api-Version", "X-Request-Id", "Idempotency-Key", "Idempotencykey", "X-Idempotency-Key", "X-Merchant-Id", "X-Submerchant-Id", "For-User-Id", "Disable-Logging"}
	hiddenHeaders = []string{"X-Merchant-Secret", "X-Api-Key"}
)

func maskHeaders(h http.Header) map[string]string {
	out := map[string]string{}
	for _, name := range shownHeaders {
		if value := h.Get(name); value != "" {
			out[name] = maskText(value[:min(len(value), maxHeader)])
		}
	}
	for _, name := range hiddenHeaders {
		if h.Get(name) != "" {
			out[name] = Masked
		}
	}
	if value := h.Get("Authorization"); value != "" {
		out["Authorization"] = maskAuthorization(value)
	}
	return out
}

// credentials says whether a call shows who makes it.
func credentials(h http.Header) bool {
	return h.Get("Authorization") != "" || h.Get("X-Merchant-Secret") != "" || h.Get("X-Api-Key") != ""
}

// maskAuthorization says how a call shows who makes it: the scheme, and for Basic whether the key stands there as it is or as
// base64 of a user name, with a password or without.
func maskAuthorization(value string) string {
	scheme, rest, _ := strings.Cut(value, " ")
	switch {
	case strings.EqualFold(scheme, "Bearer") && rest != "":
		return "Bearer"
	case !strings.EqualFold(scheme, "Basic") || rest == "":
		return Masked
	}
	raw, err := base64.StdEncoding.DecodeString(rest)
	if err != nil {
		return "Basic " + kindOf(rest)
	}
	user, password, colon := strings.Cut(string(raw), ":")
	switch {
	case !colon:
		return "Basic base64(" + kindOf(user) + ")"
	case password == "":
		return "Basic base64(" + kindOf(user) + ":)"
	}
	return "Basic base64(" + kindOf(user) + ":" + kindOf(password) + ")"
}

// kind is the beginning of a vendor's key, by which its kinds are told apart.
var kind = regexp.MustCompile(`^(?:sk|pk|cs|xnd|key|test-proj)_`)

func kindOf(key string) string { return kind.FindString(key) + "…" }
