// Package dojo simulates Dojo: payment intents that a payer pays on a hosted page, customers with saved cards and
// short-lived secrets, setup intents for charges that the merchant initiates, captures, reversals, refunds and signed
// webhooks, with a sandbox key.
package dojo

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"net/http"
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
	name = "dojo"
	// keyPrefix begins the Authorization header of every call by a server: the key stands there as it is.
	keyPrefix    = "Basic sk_sandbox_"
	secretPrefix = "Basic "
	// versionFrom and versionUntil are the dates that name the version that is simulated.
	versionFrom, versionUntil = "2025-09-10", "2026-02-27"

	merchantID = "771402011592305"
	accountID  = "acc_simulated"

	idLength     = 22
	secretLength = 96
	maxKey       = 100
	timeFormat   = "2006-01-02T15:04:05.0000000Z"
	checkoutPath = "checkout"
	refundsOf    = "payment-intents/*/refunds"
)

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
	customers     map[string]*customer
	customerOrder []string
	secrets       map[string]customerSecret
	intents       map[string]*shown.Record[intent]
	order         []string // of intents, oldest first
	setups        map[string]*shown.Record[setup]
	refunds       map[string]string // to intents' ids
	replays       *replay.Store
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
		customers: map[string]*customer{},
		secrets:   map[string]customerSecret{},
		intents:   map[string]*shown.Record[intent]{},
		setups:    map[string]*shown.Record[setup]{},
		refunds:   map[string]string{},
		replays:   replay.New(),
	}
}

// Sign makes the dojo-signature header: the HMAC of the body in upper-case hex, a dash between the bytes.
func (s *Sim) Sign(secret string, body []byte, _ time.Time) http.Header {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	pairs := strings.Fields(fmt.Sprintf("% X", mac.Sum(nil)))
	return http.Header{"Dojo-Signature": {"sha256=" + strings.Join(pairs, "-")}}
}

func (s *Sim) endpoints() psp.Router {
	return psp.Router{
		{Method: "POST", Pattern: "customers", Operation: psp.Prepare, Handle: s.createCustomer},
		{Method: "POST", Pattern: "customers/search", Operation: psp.Lookup, Handle: s.searchCustomers},
		{Method: "GET", Pattern: "customers/*", Operation: psp.Lookup, Handle: s.getCustomers},
		{Method: "PATCH", Pattern: "customers/*", Operation: psp.Prepare, Handle: s.updateCustomer},
		{Method: "DELETE", Pattern: "customers/*", Operation: psp.Prepare, Handle: s.deleteCustomer},
		{Method: "POST", Pattern: "customers/*/create-secret", Operation: psp.Prepare, Handle: s.createSecret},
		{Method: "GET", Pattern: "customers/public/*/payment-methods", Operation: psp.Tokenize, Handle: s.listSaved},
		{Method: "DELETE", Pattern: "customers/public/*/payment-methods/*", Operation: psp.Tokenize, Handle: s.deleteSaved},

		{Method: "POST", Pattern: "payment-intents", Operation: psp.Prepare, Handle: s.createIntent},
		{Method: "POST", Pattern: "payment-intents/search", Operation: psp.Lookup, Handle: s.searchIntents},
		{Method: "GET", Pattern: "payment-intents/*", Operation: psp.Lookup, Handle: s.getIntent},
		{Method: "GET", Pattern: "payment-intents/refunds/*", Operation: psp.Lookup, Handle: s.getRefund},
		{Method: "DELETE", Pattern: "payment-intents/*", Operation: psp.Void, Handle: s.deleteIntent},
		{Method: "POST", Pattern: "payment-intents/*/charge", Operation: psp.Authorize, Handle: s.charge},
		{Method: "POST", Pattern: "payment-intents/*/captures", Operation: psp.Capture, Handle: s.capture},
		{Method: "POST", Pattern: "payment-intents/*/reversal", Operation: psp.Void, Handle: s.reverse},
		{Method: "POST", Pattern: refundsOf, Operation: psp.Refund, Handle: s.createRefund},
		{Method: "POST", Pattern: "payment-intents/*/refresh-client-session-secret", Operation: psp.Prepare, Handle: s.refreshIntent},

		{Method: "POST", Pattern: "setup-intents", Operation: psp.Prepare, Handle: s.createSetup},
		{Method: "GET", Pattern: "setup-intents/*", Operation: psp.Lookup, Handle: s.getSetup},
		{Method: "DELETE", Pattern: "setup-intents/*", Operation: psp.Void, Handle: s.deleteSetup},

		// The payer's browser.
		{Method: "GET", Pattern: checkoutPath + "/*", Operation: psp.Prepare, Handle: s.showPage},
		{Method: "POST", Pattern: checkoutPath + "/*", Classify: classifyCheckout, Decode: s.readForm, Handle: s.payOnPage},
	}
}

// classifyCheckout tells a card that pays from one that is only to be charged later.
func classifyCheckout(_ *psp.Request, ids []string) psp.Operation {
	if strings.HasPrefix(ids[0], setupPrefix) {
		return psp.Verify
	}
	return psp.Authorize
}

// Accept decodes a request.
func (s *Sim) Accept(r *psp.Request) psp.Call {
	route, ids, found := s.routes.Find(r)
	if !found {
		return fixed(psp.Unrouted(r), notFound("The resource was not found."))
	}
	s.mu.Lock()
	replays := s.replays
	s.mu.Unlock()
	print := replays.Print(r)
	if route.Decode != nil {
		r.Decoded, r.Body = route.Decode(r.Body), nil
	}
	call := psp.Call{Operation: route.Kind(r, ids), Run: func(o psp.Orders) psp.Answer {
		s.mu.Lock()
		defer s.mu.Unlock()
		if bad := s.admit(r, route, ids); bad != nil {
			return *bad
		}
		return route.Handle(r, ids, o)
	}}
	// Documented for refunds only: nothing else is made repeatable by a key.
	if route.Pattern != refundsOf {
		return call
	}
	key := r.Header.Get("idempotencyKey")
	if key == "" || len(key) > maxKey {
		return fixed(call.Operation, invalid("idempotencyKey", "The idempotencyKey header is required and may have up to 100 characters."))
	}
	return replays.Guard(&s.mu, key, print, refuseKey, call)
}

// admit checks the key and the version of a request. The payer's browser has neither.
func (s *Sim) admit(r *psp.Request, route psp.Route, ids []string) *psp.Answer {
	refuse := func(a psp.Answer) *psp.Answer { return &a }
	authorization := r.Header.Get("Authorization")
	switch {
	case strings.HasPrefix(route.Pattern, checkoutPath):
		return nil
	case strings.HasPrefix(route.Pattern, "customers/public/"):
		secret, basic := strings.CutPrefix(authorization, secretPrefix)
		if !basic || !s.opens(secret, ids[0]) {
			return refuse(s.Complain(psp.Unauthorized401))
		}
	case !strings.HasPrefix(authorization, keyPrefix) || len(authorization) == len(keyPrefix):
		return refuse(s.Complain(psp.Unauthorized401))
	}
	version := r.Header.Get("version")
	if _, err := time.Parse(time.DateOnly, version); err != nil {
		return refuse(invalid("version", "The version header is required, as yyyy-mm-dd."))
	}
	if version < versionFrom || version >= versionUntil {
		return refuse(invalid("version", "The version simulated is "+versionFrom+"."))
	}
	return nil
}

func fixed(o psp.Operation, a psp.Answer) psp.Call {
	return psp.Call{Operation: o, Run: func(psp.Orders) psp.Answer { return a }}
}

func refuseKey(v replay.Verdict) psp.Answer {
	if v == replay.Running {
		return conflict("A request with this idempotencyKey is being processed.")
	}
	return conflict("The idempotencyKey was used with another request.")
}

func (s *Sim) newID(prefix string) string { return prefix + s.deps.Random.Alphanumeric(idLength) }

func now() time.Time { return time.Now().UTC() }

// stamp is a time as it goes out.
func stamp(at time.Time) string { return at.UTC().Format(timeFormat) }
