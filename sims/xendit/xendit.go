// Package xendit simulates Xendit: payment requests of version 3 by card and by payment token, sessions with their hosted
// page, captures, voids, refunds, the list of transactions and webhooks with a static token, in test mode.
package xendit

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"switchyard/sims/hosted"
	"switchyard/sims/later"
	"switchyard/sims/psp"
	"switchyard/sims/replay"
	"switchyard/sims/shown"
)

const (
	name = "xendit"
	// keyPrefix begins every secret key of test mode.
	keyPrefix = "xnd_development_"
	// apiVersion is the header that every call of version 3 must bring.
	apiVersion = "2024-11-11"
	businessID = "5f27a14a9bf05c73dd040bc8"
	timeFormat = "2006-01-02T15:04:05.000Z"
	// pagePath is where the payer's pages are.
	pagePath = "checkout"
)

// customerVersions are the header's values of which calls about customers must bring one.
func customerVersions() []string { return []string{"2020-10-31", "2020-05-19"} }

// Sim is the simulator. It is safe for concurrent use.
type Sim struct {
	deps    psp.Deps
	cardKey []byte
	routes  psp.Router
	later   *later.Queue
	printer *hosted.Printer

	mu sync.Mutex
	account
}

// account is everything that a reset forgets.
type account struct {
	customers map[string]*customer
	sessions  map[string]*shown.Record[session]
	pages     map[string]string // from the secret part of a link to its session's id
	tokens    map[string]*token
	requests  map[string]*shown.Record[request]
	order     []string // of requests, oldest first
	// references are the reference ids that are taken, by requests that exist or that will.
	references map[string]struct{}
	// payments and refunds lead from an id to its request's.
	payments map[string]string
	refunds  map[string]string
	// byReference leads from a reference id, of a payment or a refund, to the requests that it is found in.
	byReference map[string][]string
	replays     *replay.Store
}

// New makes the simulator.
func New(d psp.Deps) *Sim {
	s := &Sim{deps: d, cardKey: d.Random.Bytes(16), later: later.New(), printer: hosted.New()}
	s.routes = s.endpoints()
	s.Reset()
	return s
}

// Reset forgets everything.
func (s *Sim) Reset() {
	s.later.Cancel() // before the lock, which what it runs takes
	s.mu.Lock()
	defer s.mu.Unlock()
	s.account = account{
		customers:   map[string]*customer{},
		sessions:    map[string]*shown.Record[session]{},
		pages:       map[string]string{},
		tokens:      map[string]*token{},
		requests:    map[string]*shown.Record[request]{},
		references:  map[string]struct{}{},
		payments:    map[string]string{},
		refunds:     map[string]string{},
		byReference: map[string][]string{},
		replays:     replay.New(),
	}
}

// Sign makes the header of a webhook: the account's static token.
func (s *Sim) Sign(secret string, _ []byte, _ time.Time) http.Header {
	return http.Header{"X-Callback-Token": {secret}}
}

func (s *Sim) endpoints() psp.Router {
	return psp.Router{
		{Method: "POST", Pattern: "customers", Operation: psp.Prepare, Handle: s.createCustomer},
		{Method: "GET", Pattern: "customers", Operation: psp.Lookup, Handle: s.findCustomers},
		{Method: "GET", Pattern: "customers/*", Operation: psp.Lookup, Handle: s.getCustomer},
		{Method: "PATCH", Pattern: "customers/*", Operation: psp.Prepare, Handle: s.updateCustomer},
		{Method: "POST", Pattern: "sessions", Operation: psp.Prepare, Handle: s.createSession},
		{Method: "GET", Pattern: "sessions/*", Operation: psp.Lookup, Handle: s.getSession},
		{Method: "POST", Pattern: "sessions/*/cancel", Operation: psp.Void, Handle: s.cancelSession},
		{Method: "POST", Pattern: "v3/payment_requests", Operation: psp.Authorize, Decode: s.readPayment, Handle: s.pay},
		{Method: "GET", Pattern: "v3/payment_requests/*", Operation: psp.Lookup, Handle: s.getRequest},
		{Method: "POST", Pattern: "v3/payment_requests/*/cancel", Operation: psp.Void, Handle: s.cancelRequest},
		{Method: "GET", Pattern: "v3/payments/*", Operation: psp.Lookup, Handle: s.getPayment},
		{Method: "POST", Pattern: "v3/payments/*/capture", Operation: psp.Capture, Handle: s.capture},
		{Method: "POST", Pattern: "v3/payments/*/cancel", Operation: psp.Void, Handle: s.cancelPayment},
		{Method: "POST", Pattern: "v3/payment_tokens", Operation: psp.Tokenize, Decode: s.readToken, Handle: s.createToken},
		{Method: "GET", Pattern: "v3/payment_tokens/*", Operation: psp.Lookup, Handle: s.getToken},
		{Method: "POST", Pattern: "v3/payment_tokens/*/cancel", Operation: psp.Tokenize, Handle: s.cancelToken},
		{Method: "POST", Pattern: "refunds", Operation: psp.Refund, Handle: s.createRefund},
		{Method: "GET", Pattern: "refunds", Operation: psp.Lookup, Handle: s.listRefunds},
		{Method: "GET", Pattern: "refunds/*", Operation: psp.Lookup, Handle: s.getRefund},
		{Method: "GET", Pattern: "transactions", Operation: psp.Lookup, Handle: s.listTransactions},
		{Method: "GET", Pattern: "transactions/*", Operation: psp.Lookup, Handle: s.getTransaction},
		// The payer's browser.
		{Method: "GET", Pattern: pagePath + "/*", Operation: psp.Prepare, Handle: s.showPage},
		{Method: "POST", Pattern: pagePath + "/*", Operation: psp.Authorize, Decode: s.readForm, Handle: s.payOnPage},
	}
}

// Accept decodes a request.
func (s *Sim) Accept(r *psp.Request) psp.Call {
	route, ids, found := s.routes.Find(r)
	if !found {
		return fixed(psp.Unrouted(r), problem(http.StatusNotFound, "NOT_FOUND", "The requested resource was not found"))
	}
	kind := route.Kind(r, ids)
	if bad := s.turnAway(r); bad != nil {
		return fixed(kind, *bad)
	}
	s.mu.Lock()
	replays := s.replays
	s.mu.Unlock()
	fingerprint := replays.Print(r)
	if route.Decode != nil {
		r.Decoded, r.Body = route.Decode(r.Body), nil
	}
	call := psp.Call{Operation: kind, Run: func(o psp.Orders) psp.Answer {
		s.mu.Lock()
		defer s.mu.Unlock()
		return route.Handle(r, ids, o)
	}}
	if in, ok := r.Decoded.(*payInput); ok {
		call.Reserve = func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.reserve(in)
		}
	}
	// Documented for customers and refunds only: nothing makes a version 3 call repeatable but its reference.
	idempotency := r.Header.Get("Idempotency-Key")
	if idempotency == "" || r.Method != http.MethodPost || route.Pattern != "customers" && route.Pattern != "refunds" {
		return call
	}
	return replays.Guard(&s.mu, idempotency, fingerprint, refuseKey, call)
}

// turnAway is the answer to a call that proves no key or speaks another version, nil for one that is good. The payer's
// browser has neither.
func (s *Sim) turnAway(r *psp.Request) *psp.Answer {
	fail := func(a psp.Answer) *psp.Answer { return &a }
	key, password, _ := r.BasicUser()
	version := r.Header.Get("Api-Version")
	switch {
	case r.Path[0] == pagePath:
		return nil
	case !strings.HasPrefix(key, keyPrefix) || len(key) == len(keyPrefix) || password != "":
		return fail(s.Complain(psp.Unauthorized401))
	case r.Path[0] == "v3" && version != apiVersion:
		return fail(invalid("api-version header must be " + apiVersion))
	case r.Path[0] == "customers" && !slices.Contains(customerVersions(), version):
		return fail(invalid("api-version header must be one of " + strings.Join(customerVersions(), ", ")))
	}
	return nil
}

func fixed(o psp.Operation, a psp.Answer) psp.Call {
	return psp.Call{Operation: o, Run: func(psp.Orders) psp.Answer { return a }}
}

func refuseKey(v replay.Verdict) psp.Answer {
	text := "The idempotency key was used with another request"
	if v == replay.Running {
		text = "A request with this idempotency key is being processed"
	}
	return problem(http.StatusConflict, "IDEMPOTENCY_ERROR", text)
}

func (s *Sim) newID(prefix string) string { return prefix + s.deps.Random.UUID() }

func now() string { return time.Now().UTC().Format(timeFormat) }
