package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"

	"switchyard/payments"
)

// Limits of a request's body. The size comes from Options.MaxBody.
const (
	defaultMaxBody = 256 << 10
	maxOptionsBody = 64 << 10 // of a GET or DELETE, whose body can only hold options
	maxDepth       = 12       // objects and lists within one another
	maxValues      = 5000     // members and elements in all
)

var (
	errBodyTooLarge = payments.NewError(payments.CodeTooMuch, "The request's body is too large.")
	errBodyTooMany  = payments.NewError(payments.CodeTooMuch, "The request's body has too many fields or is nested too deeply.")
)

// readBody reads at most limit bytes. More is errBodyTooLarge.
func readBody(r *http.Request, limit int64) ([]byte, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return nil, payments.NewError(payments.CodeBadFormat, "Compressed bodies are not read here.") // as a form it would seem to be empty
	}
	var buf bytes.Buffer
	if r.ContentLength > 0 && r.ContentLength <= limit {
		buf.Grow(int(r.ContentLength) + bytes.MinRead) // so that it is read without growing
	}
	_, err := buf.ReadFrom(http.MaxBytesReader(nil, r.Body, limit))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return nil, errBodyTooLarge
	}
	if err != nil {
		return nil, &payments.Error{Code: payments.CodeBadFormat, Message: "The request's body could not be read to its end.", Cause: err}
	}
	return buf.Bytes(), nil
}

// decodeBody turns a body into a tree of values: map[string]any, []any, string, json.Number, bool and nil. The header says
// whether it is a form or JSON, but a body that starts like a JSON document is one whatever the header says: curl's -d and
// XMLHttpRequests without preflight send JSON under other names. An empty body is an empty object.
func decodeBody(contentType string, data []byte) (map[string]any, error) {
	data = bytes.TrimSpace(data)
	if len(data) == 0 {
		return map[string]any{}, nil
	}
	media, _, _ := strings.Cut(contentType, ";")
	media = strings.ToLower(strings.TrimSpace(media))
	switch {
	case data[0] == '{' || data[0] == '[', strings.HasSuffix(media, "json"):
		return decodeJSON(data)
	case media == "" || media == "application/x-www-form-urlencoded" || media == "text/plain":
		return decodeForm(string(data))
	}
	return nil, payments.NewError(payments.CodeBadFormat, "Bodies of this type are not read here: send JSON or an urlencoded form.")
}

// decodeJSON reads one JSON object. null and an empty list count as an empty one: PHP cannot tell an empty map from an empty list.
func decodeJSON(data []byte) (map[string]any, error) {
	if err := checkShape(data); err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber() // amounts must not go through a float
	var tree any
	if err := decoder.Decode(&tree); err != nil {
		return nil, badJSON(err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, payments.NewError(payments.CodeBadFormat, "There is something after the end of the JSON document.")
	}
	switch tree := tree.(type) {
	case map[string]any:
		return tree, nil
	case nil:
		return map[string]any{}, nil
	case []any:
		if len(tree) == 0 {
			return map[string]any{}, nil
		}
	}
	return nil, payments.NewError(payments.CodeBadFormat, "The body must be a JSON object.")
}

// badJSON says where a document is broken and never quotes it: there may be a card number in it.
func badJSON(err error) error {
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return payments.Errorf(payments.CodeBadFormat, "The body is not valid JSON (at byte %d).", syntax.Offset)
	}
	return payments.NewError(payments.CodeBadFormat, "The body is not valid JSON: it ends too early.")
}

// checkShape limits depth and number of values before anything is built from them.
func checkShape(data []byte) error {
	depth, values, quoted := 0, 1, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case quoted:
			if c == '\\' {
				i++
			} else if c == '"' {
				quoted = false
			}
		case c == '"':
			quoted = true
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		case c == ',':
			values++
		}
		if depth > maxDepth || values > maxValues {
			return errBodyTooMany
		}
	}
	return nil
}
