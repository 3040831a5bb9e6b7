// Package journal remembers which calls the simulated PSPs got: enough to check their order, their headers and their units,
// and nothing that opens an account, a page or a card.
package journal

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"time"
)

// limit is how many calls are kept; the oldest go first.
const limit = 5000

// Call is one call that a PSP got. What is secret in it is masked.
type Call struct {
	N      int    `json:"n"` // counts from 1 since the last reset
	PSP    string `json:"psp"`
	Method string `json:"method"`
	// Path is the whole path of a call to the API. Of a payer's page only the first part is told: the rest may open the page.
	Path  string `json:"path"`
	Query Fields `json:"query"`
	// Operation is the word for the call in which faults are set.
	Operation string            `json:"operation"`
	Headers   map[string]string `json:"headers"`
	// Body is the JSON, or a form's fields; null when there was none, and for a payer's page.
	Body json.RawMessage `json:"body"`
	// Status is 0 while there is no answer, and for good when the connection was dropped.
	Status int       `json:"status"`
	At     time.Time `json:"at"`
}

// Fields are the values of a query by name.
type Fields map[string][]string

// Book is a journal. It is safe for concurrent use.
type Book struct {
	mu    sync.Mutex
	last  int
	calls []*Call // a ring once it is full: the call n is at (n-1) % limit
}

// New makes an empty journal.
func New() *Book { return &Book{} }

// Note writes a call down and returns what to call with its answer's status. A payer's browser is whoever brings no
// credentials: nothing of its calls is kept but the method and where they went.
func (b *Book) Note(psp string, r *http.Request, body []byte, operation string) (answered func(status int)) {
	c := &Call{PSP: psp, Method: r.Method, Operation: operation, At: time.Now().UTC(), Query: Fields{}, Headers: map[string]string{}}
	if credentials(r.Header) {
		c.Path, c.Query, c.Headers, c.Body = maskText(r.URL.Path), maskQuery(r.URL.Query()), maskHeaders(r.Header), maskBody(r.Header.Get("Content-Type"), body)
	} else {
		c.Path = pagePath(r.URL.Path)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last++
	c.N = b.last
	if len(b.calls) < limit {
		b.calls = append(b.calls, c)
	} else {
		b.calls[(c.N-1)%limit] = c
	}
	return func(status int) {
		b.mu.Lock()
		defer b.mu.Unlock()
		c.Status = status
	}
}

// Calls returns the calls that a PSP got, oldest first; "" is all of them.
func (b *Book) Calls(psp string) []Call {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := []Call{}
	for i := range b.calls {
		if c := b.calls[(b.last+i)%len(b.calls)]; psp == "" || c.PSP == psp {
			out = append(out, *c)
		}
	}
	return out
}

// Reset forgets every call.
func (b *Book) Reset() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls, b.last = nil, 0
}

// pagePath is the path of a payer's page without what may open it.
func pagePath(path string) string {
	first, rest, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if rest == "" {
		return "/" + maskText(first)
	}
	return "/" + maskText(first) + "/*"
}
