// Package wire does one HTTP exchange with a PSP and has the manners that every adapter needs: bodies are limited and
// read to their end, redirects are not followed, nothing is ever sent twice, text in errors is redacted, and a failure
// is classified where it is seen: either the request certainly never left, or the PSP may have acted on it.
package wire

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"switchyard/payments"
)

// Limits of an exchange.
const (
	defaultMaxBody   = 1 << 20 // bytes
	defaultUserAgent = "switchyard"

	dialTimeout         = 3 * time.Second
	keepAliveInterval   = 15 * time.Second
	tlsHandshakeTimeout = 5 * time.Second
	// Shorter than the idle limit of the usual servers and load balancers, so that a connection which the PSP is about
	// to close is seldom used: a request that meets the closing cannot be told from one that was processed.
	idleConnTimeout        = 30 * time.Second
	maxIdleConnsPerHost    = 32
	maxIdleConns           = 512
	maxResponseHeaderBytes = 64 << 10
)

// Options are the fixed parts of every exchange with one PSP.
type Options struct {
	Transport http.RoundTripper
	BaseURL   string // scheme and host, and a path prefix if there is one
	UserAgent string
	MaxBody   int64    // longest answer in bytes; 0 means 1 MiB
	Secrets   []string // texts that must never show in an error
}

// Client does exchanges with one PSP. It keeps no state and is safe for concurrent use.
type Client struct {
	transport http.RoundTripper
	base      string
	userAgent string
	maxBody   int64
	secrets   []string
}

// New returns a client.
func New(o Options) *Client {
	c := &Client{
		transport: o.Transport,
		base:      strings.TrimRight(o.BaseURL, "/"),
		userAgent: o.UserAgent,
		maxBody:   o.MaxBody,
		secrets:   o.Secrets,
	}
	if c.userAgent == "" {
		c.userAgent = defaultUserAgent
	}
	if c.maxBody <= 0 {
		c.maxBody = defaultMaxBody
	}
	return c
}

// NewTransport returns the transport for PSP calls. It sets no limit on the wait for an answer: the caller's context
// governs that.
func NewTransport() *http.Transport {
	dialer := &net.Dialer{Timeout: dialTimeout, KeepAlive: keepAliveInterval}
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dialer.DialContext,
		ForceAttemptHTTP2:      true,
		TLSHandshakeTimeout:    tlsHandshakeTimeout,
		MaxIdleConns:           maxIdleConns,
		MaxIdleConnsPerHost:    maxIdleConnsPerHost,
		IdleConnTimeout:        idleConnTimeout,
		MaxResponseHeaderBytes: maxResponseHeaderBytes,
	}
}

// Request is one call. At most one of JSON and Form is set.
type Request struct {
	Method        string
	Path          string // starts with "/"; parts that come from outside are already escaped
	Query         url.Values
	Header        http.Header
	JSON          any // nil: no body
	Form          url.Values
	BasicUser     string
	BasicPassword string
	Secrets       []string // texts of this call alone that must never show in an error: a card number, a CVC
}

// Do sends the request once and reads the answer to its end. Every complete HTTP answer is a Response, whatever its
// status. The error is always a *payments.Fault: NeverSent when the request certainly did not leave, otherwise Unknown.
func (c *Client) Do(ctx context.Context, r Request) (*Response, error) {
	secrets := c.secretsOf(r)
	fail := func(kind payments.FaultKind, err error) error {
		return payments.NewFault(kind, redactError(ctx, r.Method+" "+r.Path, err, secrets))
	}
	if err := ctx.Err(); err != nil {
		return nil, fail(payments.NeverSent, err)
	}
	var progress progress
	req, err := c.request(httptrace.WithClientTrace(ctx, progress.trace()), r)
	if err != nil {
		return nil, fail(payments.NeverSent, err)
	}
	answer, err := c.transport.RoundTrip(req)
	if err != nil {
		kind := payments.Unknown
		if progress.neverSent(err) {
			kind = payments.NeverSent
		}
		return nil, fail(kind, err)
	}
	body, err := readAll(answer.Body, c.maxBody)
	if err != nil {
		return nil, fail(payments.Unknown, fmt.Errorf("answer with status %d: %w", answer.StatusCode, err))
	}
	return &Response{
		Status: answer.StatusCode, Header: answer.Header, Body: body,
		call: r.Method + " " + r.Path, secrets: secrets,
	}, nil
}

// secretsOf lists what must not show in errors of one call.
func (c *Client) secretsOf(r Request) []string {
	secrets := slices.Concat(c.secrets, r.Secrets, []string{r.BasicPassword})
	if r.BasicUser != "" || r.BasicPassword != "" {
		secrets = append(secrets, base64.StdEncoding.EncodeToString([]byte(r.BasicUser+":"+r.BasicPassword)))
	}
	if r.BasicPassword == "" { // the user name is the key, then
		secrets = append(secrets, r.BasicUser)
	}
	return secrets
}

// request builds the HTTP request.
func (c *Client) request(ctx context.Context, r Request) (*http.Request, error) {
	address := c.base + r.Path
	if len(r.Query) > 0 {
		address += "?" + r.Query.Encode()
	}
	body, contentType, err := encodeBody(r)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, address, nil)
	if err != nil {
		return nil, err
	}
	maps.Copy(req.Header, r.Header)
	req.Header.Set("User-Agent", c.userAgent)
	if req.Header.Get("Accept") == "" {
		req.Header.Set("Accept", "application/json")
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if r.BasicUser != "" || r.BasicPassword != "" {
		req.SetBasicAuth(r.BasicUser, r.BasicPassword)
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		req.Body, req.ContentLength = onceBody{bytes.NewReader(body)}, int64(len(body))
	}
	return req, nil
}

// encodeBody returns the body and its content type.
func encodeBody(r Request) (body []byte, contentType string, err error) {
	switch {
	case r.JSON != nil:
		body, err = json.Marshal(r.JSON)
		return body, "application/json", err
	case r.Form != nil:
		return []byte(r.Form.Encode()), "application/x-www-form-urlencoded", nil
	}
	return nil, "", nil
}

// onceBody is a request body that cannot be sent again. net/http resends a request by itself when a kept-alive connection
// turns out to be dead and the request counts as replayable: it has no body or a GetBody function, and its method is safe or
// it carries an Idempotency-Key. A request with this body, even an empty one, is never replayable.
type onceBody struct{ reader *bytes.Reader }

func (b onceBody) Read(p []byte) (int, error) { return b.reader.Read(p) }

func (onceBody) Close() error { return nil }

// errTooLong is the cause when an answer exceeds the limit.
var errTooLong = errors.New("the answer is longer than the limit")

// readAll reads at most limit bytes and closes the body. A body that was read to its end leaves the connection usable; a
// longer one costs the connection.
func readAll(body io.ReadCloser, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(body, limit+1))
	closeErr := body.Close()
	switch {
	case err != nil:
		return nil, err
	case int64(len(data)) > limit:
		return nil, errTooLong
	case closeErr != nil:
		return nil, closeErr
	}
	return data, nil
}

// progress watches how far a request came. The hooks run on goroutines of the transport.
type progress struct {
	asked atomic.Bool // a connection was asked for: the transport calls the hooks
	got   atomic.Bool // the request was given a connection: bytes may have gone out
}

func (p *progress) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GetConn:      func(string) { p.asked.Store(true) },
		GotConn:      func(httptrace.GotConnInfo) { p.got.Store(true) },
		WroteHeaders: func() { p.got.Store(true) },
		WroteRequest: func(httptrace.WroteRequestInfo) { p.got.Store(true) },
	}
}

// neverSent says whether no byte of the request can have left. A transport without hooks is judged by its error.
func (p *progress) neverSent(err error) bool {
	switch {
	case p.got.Load():
		return false
	case p.asked.Load():
		return true
	}
	return failedToConnect(err)
}
