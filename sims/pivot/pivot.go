// Package pivot simulates Pivot: payment sessions by redirect and by API, cards encrypted under a session's key,
// stored cards with their customer, captures and refunds that settle a moment later, and callbacks with a static key,
// in the sandbox.
package pivot

import (
	"encoding/json"
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
	name = "pivot"
	// sessionLives is how long a session waits for its payer, unless it says otherwise.
	sessionLives = 15 * time.Minute
	// settlesAfterMS is how long a capture or a refund is pending.
	settlesAfterMS = 200
	maxSettleMS    = 3_600_000

	timeFormat   = "2006-01-02T15:04:05.000Z"
	expiryFormat = "2006-01-02T15:04:05Z"
	// The lengths of an idempotency key.
	minKey, maxKey = 16, 36
	detailsPath    = "detail"
)

// Sim is the simulator. It is safe for concurrent use.
type Sim struct {
	deps     psp.Deps
	cardKey  []byte
	tokenKey []byte
	keys     *keyring
	routes   psp.Router
	later    *later.Queue
	printer  *hosted.Printer

	mu sync.Mutex
	account
}

// account is everything that a reset forgets. Access tokens outlive it: a gateway fetches one for many calls.
type account struct {
	settings  settings
	customers map[string]*customer
	emails    map[string]string // to customers' ids
	sessions  map[string]*shown.Record[session]
	order     []string // of sessions, oldest first
	// references are the client's references that are taken, by sessions that exist or that will.
	references map[string]struct{}
	// byReference, pages, charges and refunds lead to the id of a session.
	byReference      map[string]string
	pages            map[string]string
	charges          map[string]string
	refunds          map[string]string
	refundOrder      []string
	refundReferences map[string]struct{}
	replays          *replay.Store
}

// settings are what can be adjusted.
type settings struct {
	// SettleMS is how long a capture or a refund is pending, in milliseconds.
	SettleMS int64 `json:"settle_ms"`
}

// New makes the simulator.
func New(d psp.Deps) *Sim {
	s := &Sim{deps: d, cardKey: d.Random.Bytes(16), tokenKey: d.Random.Bytes(32), keys: &keyring{}, later: later.New(), printer: hosted.New()}
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
		settings:         settings{SettleMS: settlesAfterMS},
		customers:        map[string]*customer{},
		emails:           map[string]string{},
		sessions:         map[string]*shown.Record[session]{},
		references:       map[string]struct{}{},
		byReference:      map[string]string{},
		pages:            map[string]string{},
		charges:          map[string]string{},
		refunds:          map[string]string{},
		refundReferences: map[string]struct{}{},
		replays:          replay.New(),
	}
}

// Adjust sets "settle_ms", how long captures and refunds are pending.
func (s *Sim) Adjust(in []byte) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	changed := s.settings
	if err := json.Unmarshal(in, &changed); err != nil {
		return nil, fmt.Errorf("settings of pivot are {settle_ms}: %w", err)
	}
	if changed.SettleMS < 0 || changed.SettleMS > maxSettleMS {
		return nil, fmt.Errorf("settle_ms %d is not between 0 and %d", changed.SettleMS, maxSettleMS)
	}
	s.settings = changed
	return changed, nil
}

// Sign makes the header of a callback: the account's static key.
func (s *Sim) Sign(secret string, _ []byte, _ time.Time) http.Header {
	return http.Header{"X-Api-Key": {secret}}
}

func (s *Sim) endpoints() psp.Router {
	return psp.Router{
		{Method: "POST", Pattern: "v1/access-token", Operation: psp.Prepare, Handle: s.issueToken},
		{Method: "POST", Pattern: "v2/payments", Classify: classifyCreate, Decode: s.readCreate, Handle: s.createSession},
		{Method: "GET", Pattern: "v2/payments", Operation: psp.Lookup, Handle: s.listSessions},
		{Method: "GET", Pattern: "v2/payments/*", Operation: psp.Lookup, Handle: s.getSession},
		{Method: "POST", Pattern: "v2/payments/*/confirm", Operation: psp.Authorize, Decode: s.readConfirm, Handle: s.confirm},
		{Method: "POST", Pattern: "v2/payments/*/capture", Operation: psp.Capture, Handle: s.capture},
		{Method: "POST", Pattern: "v2/payments/*/cancel", Operation: psp.Void, Handle: s.cancel},
		{Method: "GET", Pattern: "v2/charges", Operation: psp.Lookup, Handle: s.listCharges},
		{Method: "GET", Pattern: "v1/customers/*", Operation: psp.Tokenize, Handle: s.getCustomer},
		{Method: "POST", Pattern: "v1/refunds", Operation: psp.Refund, Handle: s.createRefund},
		{Method: "GET", Pattern: "v1/refunds", Operation: psp.Lookup, Handle: s.listRefunds},
		{Method: "GET", Pattern: "v1/refunds/*", Operation: psp.Lookup, Handle: s.getRefund},
		// The payer's browser.
		{Method: "GET", Pattern: detailsPath, Operation: psp.Prepare, Handle: s.showPage},
		{Method: "POST", Pattern: detailsPath, Operation: psp.Authorize, Decode: s.readForm, Handle: s.payOnPage},
	}
}

// classifyCreate tells a session that is charged at once from one that waits.
func classifyCreate(r *psp.Request, _ []string) psp.Operation {
	if in, ok := r.Decoded.(*createInput); ok && in.chargesAtOnce() {
		return psp.Authorize
	}
	return psp.Prepare
}

// Accept decodes a request.
func (s *Sim) Accept(r *psp.Request) psp.Call {
	route, ids, found := s.routes.Find(r)
	if !found {
		return fixed(psp.Unrouted(r), problem(http.StatusNotFound, codeNotFound, "The URL was not found"))
	}
	s.mu.Lock()
	replays := s.replays
	s.mu.Unlock()
	print := replays.Print(r)
	if route.Decode != nil {
		r.Decoded, r.Body = route.Decode(r.Body), nil
	}
	call := psp.Call{Operation: route.Kind(r, ids)}
	if isAPI(route) && !s.authentic(r) {
		return fixed(call.Operation, s.Complain(psp.Unauthorized401))
	}
	in, creates := r.Decoded.(*createInput)
	call.Run = func(o psp.Orders) psp.Answer {
		if creates {
			s.keys.give(in) // before the lock: making a key takes a while
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		return route.Handle(r, ids, o)
	}
	if !creates {
		return call
	}
	// Documented for this call only: no other is made repeatable by a key.
	key := r.Header.Get("X-Request-Id")
	if len(key) < minKey || len(key) > maxKey || !lettersAndDigits(key) {
		return fixed(call.Operation, invalid("X-REQUEST-ID", "must be 16 to 36 letters and digits"))
	}
	call.Reserve = func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.reserve(in)
	}
	return replays.Guard(&s.mu, key, print, refuseKey, call)
}

// isAPI says whether a route takes an access token: all but those that hand one out and those of the payer.
func isAPI(route psp.Route) bool {
	return route.Pattern != detailsPath && route.Pattern != "v1/access-token"
}

func fixed(o psp.Operation, a psp.Answer) psp.Call {
	return psp.Call{Operation: o, Run: func(psp.Orders) psp.Answer { return a }}
}

func refuseKey(v replay.Verdict) psp.Answer {
	text := "X-REQUEST-ID was used with another request"
	if v == replay.Running {
		text = "A request with this X-REQUEST-ID is being processed"
	}
	return problem(http.StatusConflict, codeIdempotency, text)
}

// soon does something once what is pending settles.
func (s *Sim) soon(do func()) {
	s.later.After(time.Duration(s.settings.SettleMS)*time.Millisecond, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		do()
	})
}

func (s *Sim) newID() string { return s.deps.Random.UUID() }

func now() string { return time.Now().UTC().Format(timeFormat) }

func lettersAndDigits(text string) bool {
	return strings.IndexFunc(text, func(c rune) bool {
		return (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z')
	}) < 0
}
