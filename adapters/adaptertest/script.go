package adaptertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/jarcoal/httpmock"
)

// script plays the PSP for one operation. The transport finds it through the request's context, so that many operations can
// share one adapter, and so that an adapter which drops its caller's context is noticed.
type script struct {
	exchanges []Exchange
	injected  map[int]answer // in place of the recorded answer, by index of the exchange

	mu       sync.Mutex
	next     int
	calls    []call
	problems []error
	bodies   []*watchedBody
}

// answer makes the PSP's reaction to a request.
type answer func(*http.Request) (*http.Response, error)

// call is a request as it arrived.
type call struct {
	exchange int // index of the exchange that it was, -1 if unexpected
	method   string
	url      string
	header   http.Header
	body     string
}

type scriptKey struct{}

// with returns a context that leads to the script.
func (s *script) with(ctx context.Context) context.Context {
	return context.WithValue(ctx, scriptKey{}, s)
}

// newTransport returns the transport that plays whatever script a request carries.
func newTransport() *httpmock.MockTransport {
	mock := httpmock.NewMockTransport()
	mock.RegisterNoResponder(func(req *http.Request) (*http.Response, error) {
		s, ok := req.Context().Value(scriptKey{}).(*script)
		if !ok {
			return nil, errors.New("adaptertest: the call does not carry the context of its caller")
		}
		return s.respond(req)
	})
	return mock
}

// respond notes the request and answers it.
func (s *script) respond(req *http.Request) (*http.Response, error) {
	body, err := readRequest(req)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	index := s.match(req)
	s.calls = append(s.calls, call{
		exchange: index, method: req.Method, url: req.URL.String(), header: req.Header.Clone(), body: body,
	})
	if index < 0 {
		err := fmt.Errorf("call %d, %s %s, is not in the fixture", len(s.calls), req.Method, req.URL)
		s.problems = append(s.problems, err)
		return nil, err
	}
	s.next = index + 1
	e := s.exchanges[index]
	s.problems = append(s.problems, prefix(e.Method+" "+e.Path, e.compareRequest(req.Header, body))...)
	if inject := s.injected[index]; inject != nil {
		req.Body = io.NopCloser(strings.NewReader(body))
		return s.watch(inject(req))
	}
	return s.watch(e.answer(), nil)
}

// match finds the exchange that the request is: the next one, or one behind optional ones that are left out.
func (s *script) match(req *http.Request) int {
	for i := s.next; i < len(s.exchanges); i++ {
		if s.exchanges[i].matches(req) {
			return i
		}
		if !s.exchanges[i].Optional {
			break
		}
	}
	return -1
}

func (e *Exchange) matches(req *http.Request) bool {
	want := e.Path
	if !strings.Contains(want, "://") {
		want = BaseURL + want
	}
	query := req.URL.Query()
	address := *req.URL
	address.RawQuery = ""
	if req.Method != e.Method || address.String() != want || len(query) != len(e.Query) {
		return false
	}
	for name, value := range e.Query {
		if query.Get(name) != value {
			return false
		}
	}
	return true
}

// answer is the recorded one.
func (e *Exchange) answer() *http.Response {
	header := make(http.Header)
	body := e.Text
	if body == "" {
		body = string(e.Body)
		header.Set("Content-Type", "application/json")
	}
	for name, value := range e.AnswerHeaders {
		header.Set(name, value)
	}
	return newResponse(e.Status, header, strings.NewReader(body))
}

func newResponse(status int, header http.Header, body io.Reader) *http.Response {
	return &http.Response{
		StatusCode: status, Status: fmt.Sprintf("%d %s", status, http.StatusText(status)),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: io.NopCloser(body), ContentLength: -1,
	}
}

// unfinished lists what was wrong with the requests and the answers that were not closed or, where that is asked, not read to
// their end.
func (s *script) unfinished(drained bool) []error {
	s.mu.Lock()
	defer s.mu.Unlock()
	errs := slices.Clone(s.problems)
	for i, b := range s.bodies {
		if !b.isClosed() {
			errs = append(errs, fmt.Errorf("the body of answer %d was not closed", i+1))
		} else if drained && !b.isDrained() {
			errs = append(errs, fmt.Errorf("the body of answer %d was not read to its end", i+1))
		}
	}
	return errs
}

// missing lists the exchanges that should have been had.
func (s *script) missing() []error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, e := range s.exchanges[min(s.next, len(s.exchanges)):] {
		if !e.Optional {
			errs = append(errs, fmt.Errorf("the call %s %s was not made", e.Method, e.Path))
		}
	}
	return errs
}

// made returns the calls so far.
func (s *script) made() []call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// reached says whether the exchange with this index was had.
func (s *script) reached(index int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.calls {
		if c.exchange == index {
			return true
		}
	}
	return false
}

// watch puts an eye on the body of an answer.
func (s *script) watch(r *http.Response, err error) (*http.Response, error) {
	if err != nil {
		return nil, err
	}
	b := &watchedBody{reader: r.Body}
	s.bodies = append(s.bodies, b)
	r.Body = b
	return r, nil
}

// watchedBody knows whether it was read to its end, or to an error, and closed.
type watchedBody struct {
	reader io.Reader

	mu              sync.Mutex
	drained, closed bool
}

func (b *watchedBody) Read(p []byte) (int, error) {
	n, err := b.reader.Read(p)
	if err != nil {
		b.mu.Lock()
		b.drained = true
		b.mu.Unlock()
	}
	return n, err
}

func (b *watchedBody) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	return nil
}

func (b *watchedBody) isClosed() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.closed
}

func (b *watchedBody) isDrained() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.drained
}

// readRequest reads the body of a request as a server would.
func readRequest(req *http.Request) (string, error) {
	if req.Body == nil {
		return "", nil
	}
	var buffer bytes.Buffer
	_, err := buffer.ReadFrom(req.Body)
	return buffer.String(), errors.Join(err, req.Body.Close())
}
