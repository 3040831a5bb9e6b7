package wire

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"switchyard/payments"
)

// newClient returns a client for a server, with a transport of its own.
func newClient(t *testing.T, base string) *Client {
	t.Helper()
	transport := NewTransport()
	t.Cleanup(transport.CloseIdleConnections)
	return New(Options{Transport: transport, BaseURL: base, UserAgent: "switchyard-test", MaxBody: 1 << 10, Secrets: []string{"sk_test_very_secret"}})
}

// serve starts a server.
func serve(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server
}

// wantFault asks for a fault of a kind and for nothing secret in it.
func wantFault(t *testing.T, err error, kind payments.FaultKind) *payments.Fault {
	t.Helper()
	fault, ok := errors.AsType[*payments.Fault](err)
	if !ok {
		t.Fatalf("error %v is no fault", err)
	}
	if fault.Kind != kind {
		t.Errorf("fault %v, want the kind %s", fault, kind)
	}
	for _, secret := range []string{"sk_test_very_secret", "4242424242424242", "token=abc"} {
		if text := fmt.Sprintf("%v %+v %#v", fault, fault, fault); strings.Contains(text, secret) {
			t.Errorf("the fault shows %q", secret)
		}
	}
	return fault
}

func TestDoSendsWhatItIsGiven(t *testing.T) {
	t.Parallel()
	type seen struct{ Method, Path, Query, Type, Agent, Mark, User, Password, Body string }
	var got seen
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		user, password, _ := r.BasicAuth()
		got = seen{
			r.Method, r.URL.Path, r.URL.RawQuery, r.Header.Get("Content-Type"), r.UserAgent(), r.Header.Get("X-Mark"), user, password, string(body),
		}
		w.WriteHeader(http.StatusTeapot)
		io.WriteString(w, `{"a":1}`)
	})
	c := newClient(t, server.URL+"/v1/")
	for _, tt := range []struct {
		name string
		in   Request
		want seen
	}{
		{
			"JSON",
			Request{Method: "POST", Path: "/pay", JSON: map[string]int{"n": 1}, Header: http.Header{"X-Mark": {"m"}}, BasicUser: "key"},
			seen{"POST", "/v1/pay", "", "application/json", "switchyard-test", "m", "key", "", `{"n":1}`},
		},
		{
			"form",
			Request{Method: "POST", Path: "/pay", Form: url.Values{"a b": {"c&d"}}, BasicUser: "u", BasicPassword: "p"},
			seen{"POST", "/v1/pay", "", "application/x-www-form-urlencoded", "switchyard-test", "", "u", "p", "a+b=c%26d"},
		},
		{
			"query",
			Request{Method: "GET", Path: "/find", Query: url.Values{"q": {"x y"}}},
			seen{"GET", "/v1/find", "q=x+y", "", "switchyard-test", "", "", "", ""},
		},
		{"no body", Request{Method: "POST", Path: "/cancel"}, seen{Method: "POST", Path: "/v1/cancel", Agent: "switchyard-test"}},
		{"DELETE", Request{Method: "DELETE", Path: "/a%2Fb"}, seen{Method: "DELETE", Path: "/v1/a/b", Agent: "switchyard-test"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := c.Do(t.Context(), tt.in)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
			if r.Status != http.StatusTeapot || string(r.Body) != `{"a":1}` {
				t.Errorf("answer %d %s", r.Status, r.Body)
			}
		})
	}
}

func TestDoNeverSent(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	count := func(http.ResponseWriter, *http.Request) { calls.Add(1) }
	plain := serve(t, count)
	closed := httptest.NewServer(http.HandlerFunc(count))
	closed.Close()
	untrusted := httptest.NewUnstartedServer(http.HandlerFunc(count))
	untrusted.Config.ErrorLog = log.New(io.Discard, "", 0)
	untrusted.StartTLS()
	t.Cleanup(untrusted.Close)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, tt := range map[string]struct {
		ctx  context.Context
		base string
		in   Request
	}{
		"refused":              {t.Context(), closed.URL, Request{Method: "POST", Path: "/pay?token=abc"}},
		"certificate":          {t.Context(), untrusted.URL, Request{Method: "POST", Path: "/pay"}},
		"no TLS":               {t.Context(), strings.Replace(plain.URL, "http:", "https:", 1), Request{Method: "POST", Path: "/pay"}},
		"context ended":        {ended, plain.URL, Request{Method: "POST", Path: "/pay"}},
		"not an address":       {t.Context(), "http://[::1", Request{Method: "POST", Path: "/pay"}},
		"not a method":         {t.Context(), plain.URL, Request{Method: "P ST", Path: "/pay"}},
		"cannot be marshalled": {t.Context(), plain.URL, Request{Method: "POST", Path: "/pay", JSON: map[string]any{"sk_test_very_secret": func() {}}}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := newClient(t, tt.base).Do(tt.ctx, tt.in)
			wantFault(t, err, payments.NeverSent)
		})
	}
	if calls.Load() != 0 {
		t.Errorf("%d calls arrived", calls.Load())
	}
}

func TestDoUnknown(t *testing.T) {
	t.Parallel()
	abort := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	for name, handler := range map[string]http.HandlerFunc{
		"hung up": abort,
		"reset": func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				panic(err)
			}
			conn.(*net.TCPConn).SetLinger(0)
			conn.Close()
		},
		"not HTTP": func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				panic(err)
			}
			io.WriteString(conn, "SSH-2.0-OpenSSH sk_test_very_secret\r\n")
			conn.Close()
		},
		"cut body": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			io.WriteString(w, `{"half":`)
		},
		"too long": func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, strings.Repeat(" ", 1<<10+1)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var calls atomic.Int64
			server := serve(t, func(w http.ResponseWriter, r *http.Request) {
				calls.Add(1)
				handler(w, r)
			})
			_, err := newClient(t, server.URL).Do(t.Context(), Request{Method: "POST", Path: "/pay", JSON: "x", BasicUser: "sk_test_very_secret"})
			wantFault(t, err, payments.Unknown)
			if calls.Load() != 1 {
				t.Errorf("%d calls arrived", calls.Load())
			}
		})
	}
}

func TestDoTakesTheLongestBody(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, strings.Repeat(" ", 1<<10)) })
	if _, err := newClient(t, server.URL).Do(t.Context(), Request{Method: "GET", Path: "/"}); err != nil {
		t.Error(err)
	}
}

func TestDoEndsWithItsContext(t *testing.T) {
	t.Parallel()
	for name, write := range map[string]bool{"before the answer": false, "within the answer": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			server := serve(t, func(w http.ResponseWriter, r *http.Request) {
				io.Copy(io.Discard, r.Body) // only then does the server notice that the client has gone
				if write {
					io.WriteString(w, `{"half":`)
					http.NewResponseController(w).Flush()
				}
				cancel()
				<-r.Context().Done()
			})
			_, err := newClient(t, server.URL).Do(ctx, Request{Method: "POST", Path: "/pay", JSON: 1})
			if fault := wantFault(t, err, payments.Unknown); !errors.Is(fault, context.Canceled) {
				t.Errorf("fault %v does not say that the context ended", fault)
			}
		})
	}
}

func TestDoDoesNotFollowRedirects(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	})
	r, err := newClient(t, server.URL).Do(t.Context(), Request{Method: "POST", Path: "/pay", JSON: 1})
	if err != nil || r.Status != http.StatusTemporaryRedirect {
		t.Fatalf("answer %v, error %v", r, err)
	}
	if r.Fault("", "").Kind != payments.Unknown || calls.Load() != 1 {
		t.Errorf("fault %v after %d calls", r.Fault("", ""), calls.Load())
	}
}

// TestDoNeverSendsTwice meets the one case in which net/http sends a request again by itself: a kept-alive connection that
// turns out to be dead, and a request that counts as replayable.
func TestDoNeverSendsTwice(t *testing.T) {
	t.Parallel()
	key := http.Header{"Idempotency-Key": {"k"}, "X-Idempotency-Key": {"k"}}
	for _, tt := range []struct {
		name     string
		in       Request
		arrivals int64
	}{
		// The contrast: net/http does send a GET again, so the server is one that would show it.
		{"GET", Request{Method: "GET", Path: "/second", Header: key}, 2},
		{"POST with a body", Request{Method: "POST", Path: "/second", JSON: 1, Header: key}, 1},
		{"POST without a body", Request{Method: "POST", Path: "/second", Header: key}, 1},
		{"POST of a form", Request{Method: "POST", Path: "/second", Form: url.Values{"a": {"b"}}, Header: key}, 1},
		{"DELETE", Request{Method: "DELETE", Path: "/second", Header: key}, 1},
		{"PUT", Request{Method: "PUT", Path: "/second", JSON: 1, Header: key}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := newFickleServer(t)
			c := newClient(t, "http://"+server.listener.Addr().String())
			if _, err := c.Do(t.Context(), Request{Method: "GET", Path: "/first"}); err != nil {
				t.Fatal(err)
			}
			_, err := c.Do(t.Context(), tt.in)
			if tt.arrivals == 1 {
				wantFault(t, err, payments.Unknown)
			}
			if got := server.arrivals.Load(); got != tt.arrivals {
				t.Errorf("the request arrived %d times, want %d", got, tt.arrivals)
			}
		})
	}
}

// fickleServer answers the first request of a connection and keeps the connection open; it reads the second one and hangs up.
// On a connection that begins with another request than the first it answers at once.
type fickleServer struct {
	listener net.Listener
	arrivals atomic.Int64 // of requests for /second
}

func newFickleServer(t *testing.T) *fickleServer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &fickleServer{listener: listener}
	var wg sync.WaitGroup
	t.Cleanup(func() {
		listener.Close()
		wg.Wait()
	})
	wg.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { s.serve(conn) })
		}
	})
	return s
}

func (s *fickleServer) serve(conn net.Conn) {
	defer conn.Close()
	reader := bufio.NewReader(conn)
	for n := 0; ; n++ {
		req, err := http.ReadRequest(reader)
		if err != nil {
			return
		}
		io.Copy(io.Discard, req.Body)
		if req.URL.Path == "/second" {
			s.arrivals.Add(1)
		}
		if n > 0 {
			return
		}
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
	}
}

func TestDoOverHTTP2(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		if r.URL.Path == "/fail" {
			panic(http.ErrAbortHandler)
		}
		io.WriteString(w, r.Proto)
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	transport := NewTransport()
	transport.TLSClientConfig = server.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	t.Cleanup(transport.CloseIdleConnections)
	c := New(Options{Transport: transport, BaseURL: server.URL})
	r, err := c.Do(t.Context(), Request{Method: "POST", Path: "/pay"})
	if err != nil || string(r.Body) != "HTTP/2.0" {
		t.Fatalf("answer %v, error %v", r, err)
	}
	for _, body := range []any{nil, 1} {
		before := calls.Load()
		_, err = c.Do(t.Context(), Request{Method: "POST", Path: "/fail", JSON: body, Header: http.Header{"Idempotency-Key": {"k"}}})
		wantFault(t, err, payments.Unknown)
		if got := calls.Load() - before; got != 1 {
			t.Errorf("the request arrived %d times", got)
		}
	}
}

func TestDoReusesConnections(t *testing.T) {
	t.Parallel()
	var connections atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "{}") }))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	c := newClient(t, server.URL)
	for range 10 {
		if _, err := c.Do(t.Context(), Request{Method: "POST", Path: "/", JSON: 1}); err != nil {
			t.Fatal(err)
		}
	}
	if connections.Load() != 1 {
		t.Errorf("%d connections for 10 calls one after another", connections.Load())
	}
}

func TestDoInParallel(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) })
	c := newClient(t, server.URL)
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			r, err := c.Do(t.Context(), Request{Method: "POST", Path: "/", JSON: i, Secrets: []string{fmt.Sprint("secret", i)}})
			if err != nil || string(r.Body) != fmt.Sprint(i) {
				t.Errorf("answer %v, error %v", r, err)
				return
			}
			if got := r.Redact(fmt.Sprint("secret", i)); got != mask {
				t.Errorf("redacted to %q", got)
			}
		})
	}
	wg.Wait()
}

// roundTripper is a transport that calls no hooks, as httpmock's.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestDoJudgesByTheErrorWithoutHooks(t *testing.T) {
	t.Parallel()
	dial := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	for name, tt := range map[string]struct {
		err  error
		want payments.FaultKind
	}{
		"refused":              {dial(os.NewSyscallError("connect", syscall.ECONNREFUSED)), payments.NeverSent},
		"refused, bare":        {fmt.Errorf("no way: %w", syscall.ECONNREFUSED), payments.NeverSent},
		"dial timeout":         {dial(os.ErrDeadlineExceeded), payments.NeverSent},
		"DNS":                  {&net.DNSError{Err: "no such host", Name: "psp.test"}, payments.NeverSent},
		"unknown authority":    {&url.Error{Op: "Post", URL: "https://psp.test/?token=abc", Err: x509.UnknownAuthorityError{}}, payments.NeverSent},
		"certificate":          {&tls.CertificateVerificationError{Err: x509.HostnameError{Host: "x", Certificate: &x509.Certificate{}}}, payments.NeverSent},
		"hostname":             {x509.HostnameError{Host: "x", Certificate: &x509.Certificate{}}, payments.NeverSent},
		"expired certificate":  {x509.CertificateInvalidError{Reason: x509.Expired}, payments.NeverSent},
		"not TLS":              {tls.RecordHeaderError{Msg: "x"}, payments.NeverSent},
		"TLS alert":            {&net.OpError{Op: "remote error", Err: tls.AlertError(40)}, payments.Unknown},
		"reset":                {&net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}, payments.Unknown},
		"broken pipe":          {&net.OpError{Op: "write", Net: "tcp", Err: syscall.EPIPE}, payments.Unknown},
		"deadline":             {context.DeadlineExceeded, payments.Unknown},
		"EOF":                  {io.ErrUnexpectedEOF, payments.Unknown},
		"something with a PAN": {errors.New("cannot send 4242424242424242 as sk_test_very_secret to /x?token=abc"), payments.Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			transport := roundTripper(func(*http.Request) (*http.Response, error) { return nil, tt.err })
			c := New(Options{Transport: transport, BaseURL: "https://psp.test", Secrets: []string{"sk_test_very_secret"}})
			_, err := c.Do(t.Context(), Request{Method: "POST", Path: "/pay"})
			wantFault(t, err, tt.want)
		})
	}
}

// watchedBody never ends by itself, or ends with an error.
type watchedBody struct {
	err          error
	read, closed int
}

func (b *watchedBody) Read(p []byte) (int, error) {
	b.read += len(p)
	return len(p), b.err
}

func (b *watchedBody) Close() error {
	b.closed++
	return nil
}

func TestDoLimitsAndClosesBodies(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]error{"endless": nil, "broken": io.ErrUnexpectedEOF, "ended": io.EOF} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := &watchedBody{err: err}
			transport := roundTripper(func(*http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: http.StatusOK, Body: body}, nil
			})
			_, got := New(Options{Transport: transport, BaseURL: "https://psp.test", MaxBody: 10_000}).Do(t.Context(), Request{Method: "POST", Path: "/pay"})
			if errors.Is(err, io.EOF) != (got == nil) {
				t.Errorf("error %v", got)
			}
			if body.read > 20_000 || body.closed != 1 {
				t.Errorf("%d bytes read, closed %d times", body.read, body.closed)
			}
		})
	}
}

func TestDoTrustsTheHooks(t *testing.T) {
	t.Parallel()
	transport := NewTransport()
	transport.DialContext = func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("an error of a kind that nobody knows")
	}
	_, err := New(Options{Transport: transport, BaseURL: "http://psp.test"}).Do(t.Context(), Request{Method: "POST", Path: "/pay"})
	wantFault(t, err, payments.NeverSent)
}

func TestNewTransport(t *testing.T) {
	t.Parallel()
	transport := NewTransport()
	if transport.ResponseHeaderTimeout != 0 || transport.MaxIdleConnsPerHost != 32 || transport.TLSHandshakeTimeout != 5*time.Second ||
		transport.MaxIdleConns < transport.MaxIdleConnsPerHost || transport.IdleConnTimeout == 0 {
		t.Errorf("limits: %+v", transport)
	}
}
