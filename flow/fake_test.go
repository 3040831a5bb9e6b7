package flow_test

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"switchyard/adapters"
	"switchyard/flow"
	"switchyard/payments"
	"switchyard/router"
	"switchyard/store/sqlite"
	"switchyard/tokens"
	"switchyard/vault"
)

const project = "test-proj_flow"

// fakePSP is a PSP with a truth of its own: what it holds is in charges, whatever it answers. Each call takes the next
// script entry of its operation; without one it does what it should.
type fakePSP struct {
	mu          sync.Mutex
	charges     map[string]*fakeCharge // by reference
	scripts     map[payments.Operation][]script
	calls       map[payments.Operation]int
	lookups     func() (payments.Finding, error) // overrides Lookup while set
	fences      func(c *fakeCharge) (payments.Fence, error)
	gate        chan struct{} // when set, a charge waits for it
	sources     []payments.Source
	stepUps     []bool        // of each charge: the payer was to be authenticated
	slow        time.Duration // how long a charge takes
	byReference map[string]payments.Finding
}

type fakeCharge struct {
	totals payments.Totals
	fenced bool
}

// script is one call's behaviour: whether the PSP acts, and what it answers.
type script struct {
	act     bool
	outcome payments.Outcome
	err     error
}

func newFakePSP() *fakePSP {
	return &fakePSP{charges: map[string]*fakeCharge{}, scripts: map[payments.Operation][]script{}, calls: map[payments.Operation]int{}}
}

func (p *fakePSP) script(op payments.Operation, s ...script) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.scripts[op] = append(p.scripts[op], s...)
}

func (p *fakePSP) next(op payments.Operation) (script, bool) {
	p.calls[op]++
	if len(p.scripts[op]) == 0 {
		return script{act: true, outcome: payments.Outcome{Status: payments.Approved}}, false
	}
	s := p.scripts[op][0]
	p.scripts[op] = p.scripts[op][1:]
	return s, true
}

func (p *fakePSP) count(op payments.Operation) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calls[op]
}

func (p *fakePSP) Authorize(ctx context.Context, r payments.AuthorizeRequest) (payments.Outcome, error) {
	if r.Note != nil {
		if err := r.Note(ctx, payments.ProviderRefs{Session: "session-" + r.Reference}); err != nil {
			return payments.Outcome{}, payments.NewFault(payments.NeverSent, err)
		}
	}
	p.mu.Lock()
	gate, slow := p.gate, p.slow
	p.mu.Unlock()
	time.Sleep(slow) // in a bubble: no time passes outside
	if gate != nil {
		<-gate
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sources, p.stepUps = append(p.sources, r.Source), append(p.stepUps, r.StepUp)
	s, _ := p.next(payments.OpAuthorize)
	if s.act {
		c := p.charges[r.Reference]
		if c == nil {
			c = &fakeCharge{}
			p.charges[r.Reference] = c
		}
		if c.fenced {
			return payments.Outcome{}, payments.NewFault(payments.Rejected, errors.New("fenced"))
		}
		c.totals.Authorized = r.Amount.Minor
		if r.Capture {
			c.totals.Captured = r.Amount.Minor
		}
	}
	s.outcome.Refs = s.outcome.Refs.Merge(payments.ProviderRefs{Charge: r.Reference})
	return s.outcome, s.err
}

func (p *fakePSP) amend(op payments.Operation, charge string, effect func(*payments.Totals)) (payments.Outcome, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s, _ := p.next(op)
	if s.act {
		effect(&p.charges[charge].totals)
	}
	return s.outcome, s.err
}

func (p *fakePSP) Capture(_ context.Context, r payments.CaptureRequest) (payments.Outcome, error) {
	return p.amend(payments.OpCapture, r.Refs.Charge, func(t *payments.Totals) { t.Captured += r.Amount.Minor })
}

func (p *fakePSP) Refund(_ context.Context, r payments.RefundRequest) (payments.Outcome, error) {
	return p.amend(payments.OpRefund, r.Refs.Charge, func(t *payments.Totals) { t.Refunded += r.Amount.Minor })
}

func (p *fakePSP) Void(_ context.Context, r payments.VoidRequest) (payments.Outcome, error) {
	return p.amend(payments.OpVoid, r.Refs.Charge, func(t *payments.Totals) { t.Voided = t.Authorized - t.Captured })
}

func (p *fakePSP) Lookup(_ context.Context, r payments.LookupRequest) (payments.Finding, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls[payments.OpLookup]++
	if f, ok := p.byReference[r.Reference]; ok {
		return f, nil
	}
	if p.lookups != nil {
		return p.lookups()
	}
	reference := r.Reference
	if !r.Operation.Charges() {
		reference = r.Refs.Charge
	}
	c := p.charges[reference]
	if c == nil || c.totals.Authorized == 0 {
		return payments.Finding{Kind: payments.NotFound}, nil
	}
	return payments.Finding{Kind: payments.FoundTotals, Totals: c.totals, Refs: payments.ProviderRefs{Charge: reference}}, nil
}

// steppingPSP can also ask for the payer's authentication.
type steppingPSP struct {
	fencingPSP
	useless bool // it asks each time anyway
}

func (p steppingPSP) StepsUp() bool { return !p.useless }

// fencingPSP can also make sure that a charge never happens.
type fencingPSP struct{ *fakePSP }

func (p fencingPSP) Abandon(_ context.Context, r payments.AbandonRequest) (payments.Fence, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls[payments.OpAbandon]++
	c := p.charges[r.Reference]
	if c == nil {
		c = &fakeCharge{}
		p.charges[r.Reference] = c
	}
	if p.fences != nil {
		return p.fences(c)
	}
	if c.totals.Authorized > 0 {
		return payments.FenceBroken, nil
	}
	c.fenced = true
	return payments.Fenced, nil
}

// verifyingPSP also verifies without money and saves cards.
type verifyingPSP struct{ fencingPSP }

func (p verifyingPSP) Verify(_ context.Context, _ payments.VerifyRequest) (payments.Outcome, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s, scripted := p.next(payments.OpVerify)
	if !scripted {
		s.outcome.Refs.Method = "method-1"
	}
	return s.outcome, s.err
}

func (p verifyingPSP) Tokenize(_ context.Context, r payments.TokenizeRequest) (payments.Outcome, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s, scripted := p.next(payments.OpTokenize)
	if r.Card.HasCVC() {
		return payments.Outcome{}, errors.New("a CVC was sent to be kept")
	}
	if !scripted {
		s.outcome.Refs = payments.ProviderRefs{Method: "method-1", Customer: "customer-1"}
	}
	return s.outcome, s.err
}

func (p verifyingPSP) DeleteMethod(context.Context, payments.ForgetRequest) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls["delete"]++
	return nil
}

// held sums what the PSP really took and did not give back.
func (p *fakePSP) held() (charges int, authorized, captured, refunded int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.charges {
		if c.totals.Authorized > 0 {
			charges++
			authorized += c.totals.Authorized - c.totals.Voided
			captured += c.totals.Captured
			refunded += c.totals.Refunded
		}
	}
	return charges, authorized, captured, refunded
}

var capabilities = payments.Capabilities{
	ManualCapture: true, PartialCapture: true, PartialRefund: true, MerchantInitiated: true,
	Recovery: map[payments.Operation]payments.Recovery{
		payments.OpAuthorize: {Ask: payments.AskByReference, Fence: true},
		payments.OpSale:      {Ask: payments.AskByReference, Fence: true},
		payments.OpVerify:    {Ask: payments.AskByReference, Fence: true},
		payments.OpCapture:   {Ask: payments.AskByTotals, AbsenceAfter: time.Minute},
		payments.OpRefund:    {Ask: payments.AskByTotals, AbsenceAfter: time.Minute},
		payments.OpVoid:      {Ask: payments.AskByTotals, AbsenceAfter: time.Minute},
	},
}

// world is an engine over a real store with two PSPs.
type world struct {
	t       *testing.T
	store   *sqlite.Store
	engine  *flow.Engine
	options flow.Options
	tokens  *tokens.Service
	vault   *vault.Vault
	first   *fakePSP
	second  *fakePSP
}

type worldOptions struct {
	verifying bool // the first PSP verifies without money and saves cards
	noFence   bool // the first PSP cannot fence
	resend    bool // and honours a resend with the same reference
	dir       string
	first     *fakePSP
	second    *fakePSP
	adapter   adapters.Adapter
	able      func(*payments.Capabilities) // what else the first PSP declares
	wrap      func(flow.Ledger) flow.Ledger
	policy    string // of routing
	third     bool   // the second PSP has another gateway configuration
	budget    router.Budget
	limits    flow.Limits
	issuers   func(digits string) payments.IssuerFacts
}

func newWorld(t *testing.T, o worldOptions) *world {
	t.Helper()
	if o.dir == "" {
		o.dir = t.TempDir()
	}
	store, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(o.dir, "switchyard.db")})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, store: store, first: o.first, second: o.second}
	if w.first == nil {
		w.first, w.second = newFakePSP(), newFakePSP()
	}
	keys, err := vault.LocalKeys("k1", map[string]payments.Secret{"k1": payments.NewSecret("MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")})
	if err != nil {
		t.Fatal(err)
	}
	if w.vault, err = vault.New(vault.Options{Store: store, Keys: keys, FingerprintKey: payments.NewSecret("a fingerprint key of some length"), Issuers: o.issuers}); err != nil {
		t.Fatal(err)
	}
	firstCaps, gateways := capabilities, []flow.Gateway{}
	if o.noFence {
		firstCaps.Recovery = map[payments.Operation]payments.Recovery{
			payments.OpSale:      {Ask: payments.AskByReference, Resend: o.resend, AbsenceAfter: time.Minute},
			payments.OpAuthorize: {Ask: payments.AskByReference, Resend: o.resend},
			payments.OpVoid:      {Ask: payments.AskByTotals, AbsenceAfter: time.Minute},
		}
	}
	firstCaps.ZeroVerify = o.verifying
	if o.able != nil {
		o.able(&firstCaps)
	}
	g := flow.Gateway{ID: "gway_conf_first", PSP: "first", Capabilities: firstCaps, Timeout: 5 * time.Second}
	switch {
	case o.adapter != nil:
		g.Adapter = o.adapter
	case o.verifying:
		g.Adapter = verifyingPSP{fencingPSP{w.first}}
	case o.noFence:
		g.Adapter = w.first
	default:
		g.Adapter = fencingPSP{w.first}
	}
	gateways = append(gateways, g, flow.Gateway{ID: "gway_conf_second", PSP: "second", Capabilities: capabilities, Timeout: 5 * time.Second, Adapter: fencingPSP{w.second}})
	if o.third {
		gateways = append(gateways, flow.Gateway{ID: "gway_conf_third", PSP: "third", Capabilities: capabilities, Timeout: 5 * time.Second, Adapter: fencingPSP{w.second}})
	}
	config := router.Config{MaxAttempts: 3, Budget: o.budget, Priority: []string{"gway_conf_first", "gway_conf_second"}}
	var infos []tokens.GatewayInfo
	for _, g := range gateways {
		_, page := g.Adapter.(adapters.SessionStarter)
		config.Gateways = append(config.Gateways, router.Gateway{ID: g.ID, PSP: g.PSP, Enabled: true, Incremental: true, Page: page, Capabilities: g.Capabilities})
		infos = append(infos, tokens.GatewayInfo{ID: g.ID, PSP: g.PSP, Name: g.PSP, Page: page, Capabilities: g.Capabilities})
	}
	if o.policy != "" {
		config.Policy = policyOf(t, o.policy)
	}
	w.tokens = tokens.New(tokens.Options{Store: store, Vault: w.vault, Gateways: infos})
	var ledger flow.Ledger = store
	if o.wrap != nil {
		ledger = o.wrap(store)
	}
	w.options = flow.Options{
		Ledger: ledger, Tokens: w.tokens, Vault: w.vault, Gateways: gateways,
		Router: router.New(router.Compile(config), router.Settings{Failures: 1000}),
		Limits: o.limits,
		Projects: func(id string) (payments.Project, bool) {
			return payments.Project{ID: id, DefaultCurrency: "PHP", Sandbox: true}, true
		},
	}
	w.engine = flow.New(w.options)
	return w
}

func (w *world) close() {
	w.t.Helper()
	if err := w.engine.Stop(w.t.Context()); err != nil && !errors.Is(err, context.Canceled) {
		w.t.Error(err)
	}
	w.tokens.Close()
	if err := w.store.Close(); err != nil {
		w.t.Error(err)
	}
}

func (w *world) invoice(amount string) string {
	w.t.Helper()
	m, err := payments.ParseAmount(amount, "PHP")
	if err != nil {
		w.t.Fatal(err)
	}
	s, err := w.engine.CreateInvoice(w.t.Context(), payments.Invoice{ProjectID: project, Name: "Order", Amount: m, Sandbox: true}, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return s.Invoice.ID
}

func (w *world) card() string {
	w.t.Helper()
	return w.cardOf("4242424242424242")
}

func (w *world) cardOf(number string) string {
	w.t.Helper()
	data, err := payments.NewCardData(number, 12, 2049, "123", "Ada Lovelace", time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	if err != nil {
		w.t.Fatal(err)
	}
	s, err := w.vault.Put(w.t.Context(), vault.CardInput{ProjectID: project, Data: data, Sandbox: true}, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return s.Card.ID
}

// token makes a customer token without verification.
func (w *world) token() string {
	w.t.Helper()
	k, err := w.tokens.CreateCustomer(w.t.Context(), payments.Customer{ProjectID: project, FirstName: "Ada", Sandbox: true}, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	p, err := w.tokens.Create(w.t.Context(), tokens.Request{Token: payments.Token{ProjectID: project, CustomerID: k.Customer.ID}, Source: w.card()})
	if err != nil {
		w.t.Fatal(err)
	}
	s, err := w.tokens.Commit(w.t.Context(), p, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return s.Token.ID
}

func (w *world) charge(invoice, source string) payments.Snapshot {
	w.t.Helper()
	s, err := w.engine.Capture(w.t.Context(), flow.ChargeRequest{ProjectID: project, InvoiceID: invoice, Source: source})
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

func (w *world) payment(invoice string) *payments.Payment {
	w.t.Helper()
	p, err := w.store.Payment(context.Background(), project, invoice)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

func (w *world) expect(invoice string, status payments.TransactionStatus) *payments.Payment {
	w.t.Helper()
	p := w.payment(invoice)
	if p.Transaction.Status != status {
		w.t.Fatalf("the transaction is %s, want %s; attempts: %+v", p.Transaction.Status, status, p.Attempts)
	}
	return p
}

func unknown() error { return payments.Faultf(payments.Unknown, "reset after the write") }

// lapse lets time pass in a test's bubble, and what happens in it end: whatever the engine did until then can be looked at.
func lapse(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}
