// Package processout simulates ProcessOut as a payment service provider: cards, customers and their tokens, zero-amount
// verifications, invoices with one transaction each, and thin unsigned webhooks, in a sandbox project.
package processout

import (
	"html/template"
	"net/http"
	"strings"
	"sync"
	"time"

	"switchyard/sims/psp"
	"switchyard/sims/replay"
	"switchyard/sims/shown"
)

const (
	name = "processout"
	// idLength is how many characters follow an id's prefix.
	idLength             = 32
	gatewayConfiguration = "gway_conf_simulated"
	gatewayName          = "sandbox"
	timeFormat           = "2006-01-02T15:04:05.000Z"
)

// Sim is the simulator. It is safe for concurrent use.
type Sim struct {
	deps    psp.Deps
	cardKey []byte
	routes  psp.Router
	device  *template.Template

	mu sync.Mutex
	project
}

// project is everything that a reset forgets.
type project struct {
	cards     map[string]*card
	customers map[string]*customer
	tokens    map[string]*shown.Record[token]
	invoices  map[string]*shown.Record[invoice]
	// transactions lead from an id to its invoice's.
	transactions     map[string]string
	transactionOrder []string // oldest first
	events           map[string]*event
	eventOrder       []string
	replays          *replay.Store
}

// New makes the simulator.
func New(d psp.Deps) *Sim {
	s := &Sim{deps: d, cardKey: d.Random.Bytes(16), device: newDevicePage()}
	s.routes = s.endpoints()
	s.Reset()
	return s
}

// Reset forgets everything.
func (s *Sim) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.project = project{
		cards:        map[string]*card{},
		customers:    map[string]*customer{},
		tokens:       map[string]*shown.Record[token]{},
		invoices:     map[string]*shown.Record[invoice]{},
		transactions: map[string]string{},
		events:       map[string]*event{},
		replays:      replay.New(),
	}
}

// Sign proves nothing: ProcessOut's webhooks are unsigned, and their receiver asks for the event.
func (s *Sim) Sign(string, []byte, time.Time) http.Header { return http.Header{} }

func (s *Sim) endpoints() psp.Router {
	routes := psp.Router{
		{Method: "POST", Pattern: "cards", Operation: psp.Prepare, Decode: s.readCard, Handle: s.createCard},
		{Method: "GET", Pattern: "cards/*", Operation: psp.Lookup, Handle: s.getCard},
		{Method: "PUT", Pattern: "cards/*", Operation: psp.Prepare, Handle: s.updateCard},
		{Method: "DELETE", Pattern: "cards/*", Operation: psp.Prepare, Handle: s.deleteCard},
		{Method: "POST", Pattern: "customers", Operation: psp.Prepare, Handle: s.createCustomer},
		{Method: "GET", Pattern: "customers", Operation: psp.Lookup, Handle: s.listCustomers},
		{Method: "GET", Pattern: "customers/*", Operation: psp.Lookup, Handle: s.getCustomer},
		{Method: "PUT", Pattern: "customers/*", Operation: psp.Prepare, Handle: s.updateCustomer},
		{Method: "DELETE", Pattern: "customers/*", Operation: psp.Prepare, Handle: s.deleteCustomer},
		{Method: "GET", Pattern: "customers/*/tokens", Operation: psp.Lookup, Handle: s.listTokens},
		{Method: "POST", Pattern: "customers/*/tokens", Classify: s.classifyToken, Handle: s.createToken},
		{Method: "GET", Pattern: "customers/*/tokens/*", Operation: psp.Lookup, Handle: s.getToken},
		{Method: "PUT", Pattern: "customers/*/tokens/*", Classify: s.classifyToken, Handle: s.updateToken},
		{Method: "DELETE", Pattern: "customers/*/tokens/*", Operation: psp.Tokenize, Handle: s.deleteToken},
		{Method: "POST", Pattern: "invoices", Operation: psp.Prepare, Handle: s.createInvoice},
		{Method: "GET", Pattern: "invoices/*", Operation: psp.Lookup, Handle: s.getInvoice},
		{Method: "PUT", Pattern: "invoices/*", Operation: psp.Prepare, Handle: s.updateInvoice},
		{Method: "DELETE", Pattern: "invoices/*", Operation: psp.Void, Handle: s.deleteInvoice},
		{Method: "POST", Pattern: "invoices/*/authorize", Operation: psp.Authorize, Handle: s.authorize},
		{Method: "POST", Pattern: "invoices/*/capture", Classify: classifyCapture, Handle: s.capture},
		{Method: "POST", Pattern: "invoices/*/void", Operation: psp.Void, Handle: s.void},
		{Method: "POST", Pattern: "invoices/*/increment_authorization", Operation: psp.Authorize, Handle: s.increment},
		{Method: "POST", Pattern: "invoices/*/refunds", Operation: psp.Refund, Handle: s.refundInvoice},
		{Method: "GET", Pattern: "invoices/*/transactions", Operation: psp.Lookup, Handle: s.getInvoiceTransaction},
		{Method: "GET", Pattern: "transactions", Operation: psp.Lookup, Handle: s.listTransactions},
		{Method: "GET", Pattern: "transactions/*", Operation: psp.Lookup, Handle: s.getTransaction},
		{Method: "POST", Pattern: "transactions/*/refunds", Operation: psp.Refund, Handle: s.refundTransaction},
		{Method: "GET", Pattern: "transactions/*/refunds", Operation: psp.Lookup, Handle: s.listRefunds},
		{Method: "GET", Pattern: "transactions/*/refunds/*", Operation: psp.Lookup, Handle: s.getRefund},
		{Method: "GET", Pattern: "events/*", Operation: psp.Lookup, Handle: s.getEvent},

		// The payer's browser.
		{Method: "GET", Pattern: fingerprintPage, Operation: psp.Prepare, Handle: s.showFingerprint},
	}
	for i := range routes {
		if routes[i].Decode == nil {
			routes[i].Decode = readFields
		}
	}
	return routes
}

// classifyCapture tells a sale, which has a source, from the capture of a hold.
func classifyCapture(r *psp.Request, _ []string) psp.Operation {
	if input(r).text("source") != "" {
		return psp.Authorize
	}
	return psp.Capture
}

// Accept decodes a request.
func (s *Sim) Accept(r *psp.Request) psp.Call {
	route, ids, found := s.routes.Find(r)
	if !found {
		return fixed(psp.Unrouted(r), problem(http.StatusNotFound, "request.route-not-found", "The route was not found."))
	}
	s.mu.Lock()
	replays := s.replays
	s.mu.Unlock()
	fingerprint := replays.Print(r)
	r.Decoded, r.Body = route.Decode(r.Body), nil
	kind := route.Kind(r, ids)
	if !authentic(r, route) {
		return fixed(kind, s.Complain(psp.Unauthorized401))
	}
	if in, plain := r.Decoded.(decoded); plain && in.problem != nil && r.Method != http.MethodGet {
		return fixed(kind, *in.problem)
	}
	call := psp.Call{Operation: kind, Run: func(o psp.Orders) psp.Answer {
		s.mu.Lock()
		defer s.mu.Unlock()
		return route.Handle(r, ids, o)
	}}
	key := r.Header.Get("Idempotency-Key")
	if key == "" || r.Method != http.MethodPost && r.Method != http.MethodPut {
		return call
	}
	return replays.Guard(&s.mu, key, fingerprint, refuseKey, call)
}

// authentic says whether the request is from a sandbox project's server, or from a browser and to an endpoint that
// a browser may use.
func authentic(r *psp.Request, route psp.Route) bool {
	if route.Pattern == fingerprintPage {
		return true
	}
	user, key, _ := r.BasicUser()
	if !strings.HasPrefix(user, "test-proj_") || len(user) == len("test-proj_") {
		return false
	}
	if key == "" {
		switch route.Method + " " + route.Pattern {
		case "POST cards", "PUT cards/*", "PUT customers/*/tokens/*":
			return true
		}
		return false
	}
	for _, prefix := range []string{"key_sandbox_", "key_test_"} {
		if strings.HasPrefix(key, prefix) && len(key) > len(prefix) {
			return true
		}
	}
	return false
}

func fixed(o psp.Operation, a psp.Answer) psp.Call {
	return psp.Call{Operation: o, Run: func(psp.Orders) psp.Answer { return a }}
}

func refuseKey(v replay.Verdict) psp.Answer {
	if v == replay.Running {
		return problem(http.StatusConflict, "request.still-processing", "A request with this idempotency key is being processed.")
	}
	return problem(http.StatusBadRequest, "request.idempotency-key.invalid", "The idempotency key was used with another request.")
}

func (s *Sim) newID(prefix string) string { return prefix + s.deps.Random.Alphanumeric(idLength) }

func now() string { return time.Now().UTC().Format(timeFormat) }
