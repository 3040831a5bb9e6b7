// Package paymongo simulates PayMongo: payment intents that are created, attached, captured and cancelled, saved
// cards, refunds and signed webhooks, in test mode.
package paymongo

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"switchyard/sims/psp"
	"switchyard/sims/replay"
	"switchyard/sims/shown"
)

const (
	name = "paymongo"
	// idLength is how many characters follow an id's prefix.
	idLength = 24
	// maxKeyLength bounds an idempotency key.
	maxKeyLength = 255
	organization = "org_simulated"
)

// Sim is the simulator. It is safe for concurrent use.
type Sim struct {
	deps    psp.Deps
	cardKey []byte
	routes  psp.Router

	mu sync.Mutex
	account
}

// account is everything that a reset forgets.
type account struct {
	settings  settings
	customers map[string]*customer
	methods   map[string]*method
	intents   map[string]*shown.Record[intent]
	// payments and refunds lead from an id to its intent's.
	payments     map[string]string
	refunds      map[string]string
	paymentOrder []string
	refundOrder  []string
	replays      *replay.Store
}

// settings are the abilities that PayMongo grants an account or does not.
type settings struct {
	Vaulting bool `json:"vaulting"`
	Hold     bool `json:"hold"`
}

// New makes the simulator of an account with every ability.
func New(d psp.Deps) *Sim {
	s := &Sim{deps: d, cardKey: d.Random.Bytes(16)}
	s.routes = s.endpoints()
	s.Reset()
	return s
}

// Reset forgets everything.
func (s *Sim) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.account = account{
		settings:  settings{Vaulting: true, Hold: true},
		customers: map[string]*customer{},
		methods:   map[string]*method{},
		intents:   map[string]*shown.Record[intent]{},
		payments:  map[string]string{},
		refunds:   map[string]string{},
		replays:   replay.New(),
	}
}

// Adjust switches "vaulting" (saving cards) and "hold" (manual capture).
func (s *Sim) Adjust(in []byte) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	changed := s.settings
	if err := json.Unmarshal(in, &changed); err != nil {
		return nil, fmt.Errorf("settings of paymongo are {vaulting, hold}: %w", err)
	}
	s.settings = changed
	return changed, nil
}

// Sign makes the Paymongo-Signature header of a test-mode event: `te` is filled and `li` is empty.
func (s *Sim) Sign(secret string, body []byte, at time.Time) http.Header {
	stamp := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(stamp + "."))
	mac.Write(body)
	return http.Header{"Paymongo-Signature": {"t=" + stamp + ",te=" + hex.EncodeToString(mac.Sum(nil)) + ",li="}}
}

func (s *Sim) endpoints() psp.Router {
	return psp.Router{
		{Method: "POST", Pattern: "customers", Operation: psp.Prepare, Handle: s.createCustomer},
		{Method: "GET", Pattern: "customers", Operation: psp.Lookup, Handle: s.findCustomers},
		{Method: "GET", Pattern: "customers/*", Operation: psp.Lookup, Handle: s.getCustomer},
		{Method: "PUT", Pattern: "customers/*", Operation: psp.Prepare, Handle: s.updateCustomer},
		{Method: "PATCH", Pattern: "customers/*", Operation: psp.Prepare, Handle: s.updateCustomer},
		{Method: "DELETE", Pattern: "customers/*", Operation: psp.Prepare, Handle: s.deleteCustomer},
		{Method: "GET", Pattern: "customers/*/payment_methods", Operation: psp.Tokenize, Handle: s.listSaved},
		{Method: "DELETE", Pattern: "customers/*/payment_methods/*", Operation: psp.Tokenize, Handle: s.deleteSaved},
		{Method: "POST", Pattern: "payment_methods", Operation: psp.Prepare, Decode: s.readMethod, Handle: s.createMethod},
		{Method: "GET", Pattern: "payment_methods/*", Operation: psp.Lookup, Handle: s.getMethod},
		{Method: "PUT", Pattern: "payment_methods/*", Operation: psp.Prepare, Handle: s.updateMethod},
		{Method: "POST", Pattern: "payment_intents", Operation: psp.Prepare, Handle: s.createIntent},
		{Method: "GET", Pattern: "payment_intents/*", Operation: psp.Lookup, Handle: s.getIntent},
		{Method: "POST", Pattern: "payment_intents/*/attach", Operation: psp.Authorize, Handle: s.attach},
		{Method: "POST", Pattern: "payment_intents/*/capture", Operation: psp.Capture, Handle: s.capture},
		{Method: "POST", Pattern: "payment_intents/*/cancel", Operation: psp.Void, Handle: s.cancel},
		{Method: "GET", Pattern: "payments", Operation: psp.Lookup, Handle: s.listPayments},
		{Method: "GET", Pattern: "payments/*", Operation: psp.Lookup, Handle: s.getPayment},
		{Method: "POST", Pattern: "refunds", Operation: psp.Refund, Handle: s.createRefund},
		{Method: "GET", Pattern: "refunds", Operation: psp.Lookup, Handle: s.listRefunds},
		{Method: "GET", Pattern: "refunds/*", Operation: psp.Lookup, Handle: s.getRefund},
	}
}

// Accept decodes a request. The path may leave "/v1" out, so that a base URL may be given with it or without.
func (s *Sim) Accept(r *psp.Request) psp.Call {
	if len(r.Path) > 0 && r.Path[0] == "v1" {
		r.Path = r.Path[1:]
	}
	route, ids, found := s.routes.Find(r)
	if !found {
		return psp.Call{Operation: psp.Unrouted(r), Run: func(psp.Orders) psp.Answer {
			return psp.Answer{Status: http.StatusNotFound, Unkept: true} // an unknown route has an empty body
		}}
	}
	fingerprint := s.replayStore().Print(r)
	if route.Decode != nil {
		r.Decoded, r.Body = route.Decode(r.Body), nil
	}
	call := psp.Call{Operation: route.Kind(r, ids), Run: func(o psp.Orders) psp.Answer {
		s.mu.Lock()
		defer s.mu.Unlock()
		if !s.authentic(r, route, ids) {
			return s.Complain(psp.Unauthorized401)
		}
		return route.Handle(r, ids, o)
	}}
	key := r.Header.Get("Idempotency-Key")
	if key == "" || r.Method == http.MethodGet || r.Method == http.MethodDelete {
		return call
	}
	if len(key) > maxKeyLength {
		call.Run = func(psp.Orders) psp.Answer {
			return badParameter(codeInvalid, "Idempotency-Key", "Idempotency-Key may have up to 255 characters.")
		}
		return call
	}
	return s.replayStore().Guard(&s.mu, key, fingerprint, refuseKey, call)
}

func (s *Sim) replayStore() *replay.Store {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.replays
}

// authentic says whether the request's key may do this. A public key may do what a browser does.
func (s *Sim) authentic(r *psp.Request, route psp.Route, ids []string) bool {
	key, _, _ := r.BasicUser()
	switch {
	case strings.HasPrefix(key, "sk_test_") && len(key) > len("sk_test_"):
		return true
	case !strings.HasPrefix(key, "pk_test_") || len(key) == len("pk_test_"):
		return false
	}
	switch route.Method + " " + route.Pattern {
	case "POST payment_methods":
		return true
	case "GET payment_intents/*":
		return s.knowsClientKey(ids[0], r.Query.Get("client_key"))
	case "POST payment_intents/*/attach":
		var in struct {
			ClientKey string `json:"client_key"`
		}
		_, ok := attributes(r, &in)
		return ok && s.knowsClientKey(ids[0], in.ClientKey)
	}
	return false
}

func (s *Sim) knowsClientKey(id, clientKey string) bool {
	rec, known := s.intents[id]
	return known && rec.Live.clientKey == clientKey
}

func (s *Sim) newID(prefix string) string { return prefix + s.deps.Random.Base58(idLength) }
