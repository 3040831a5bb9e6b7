package psp

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	// MaxBodyBytes bounds a request body; no real request comes near it.
	MaxBodyBytes = 1 << 20
	bodyDeadline = 10 * time.Second
)

// ErrTooLarge is the error of ReadRequest for a body over MaxBodyBytes.
var ErrTooLarge = errors.New("request body is too large")

// Request is an HTTP request, read to its end.
type Request struct {
	Method string
	// Path is the path's segments, without empty ones.
	Path   []string
	Query  url.Values
	Header http.Header
	Body   []byte
	// Decoded is what the route's Decode made of the body, which is then dropped.
	Decoded any
}

// ReadRequest reads r to its end. The error is ErrTooLarge, or says that the client went away or was too slow.
func ReadRequest(w http.ResponseWriter, r *http.Request) (*Request, error) {
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(bodyDeadline)) // best effort: recorders in tests have none
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBodyBytes))
	if err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return nil, ErrTooLarge
		}
		return nil, fmt.Errorf("reading the request body: %w", err)
	}
	_ = control.SetReadDeadline(time.Time{})
	segments := strings.FieldsFunc(r.URL.Path, func(c rune) bool { return c == '/' })
	return &Request{Method: r.Method, Path: segments, Query: r.URL.Query(), Header: r.Header, Body: body}, nil
}

// BasicUser returns the user name and password of HTTP Basic authentication. Credentials without a colon are a
// user name: some PSPs' own clients send them so.
func (r *Request) BasicUser() (user, password string, ok bool) {
	scheme, text, found := strings.Cut(r.Header.Get("Authorization"), " ")
	if !found || !strings.EqualFold(scheme, "Basic") {
		return "", "", false
	}
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return "", "", false
	}
	user, password, _ = strings.Cut(string(raw), ":")
	return user, password, true
}

// Object is a JSON object on the wire.
type Object map[string]any

// Answer is a whole HTTP answer.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
	// Unkept marks an answer that no idempotency key may replay, because nothing was begun.
	Unkept bool
}

// JSON is an answer with v as its body.
func JSON(status int, v any) Answer {
	body, err := json.Marshal(v)
	if err != nil {
		return Text(http.StatusInternalServerError, "text/plain", "encoding the answer: "+err.Error())
	}
	return Answer{Status: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: body}
}

// Text is an answer with a body of the given content type.
func Text(status int, contentType, body string) Answer {
	return Answer{Status: status, Header: http.Header{"Content-Type": {contentType}}, Body: []byte(body)}
}

// Write sends the answer.
func (a Answer) Write(w http.ResponseWriter) {
	header := w.Header()
	maps.Copy(header, a.Header)
	header.Set("Content-Length", strconv.Itoa(len(a.Body)))
	w.WriteHeader(a.Status)
	_, _ = w.Write(a.Body) // the client is gone: nobody is left to tell
}
