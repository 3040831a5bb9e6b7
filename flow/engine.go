package flow

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"time"

	"switchyard/adapters"
	"switchyard/payments"
	"switchyard/router"
	"switchyard/tokens"
	"switchyard/vault"
)

// Ledger is what the engine needs of the store. Apply is the one durable write.
type Ledger interface {
	Apply(ctx context.Context, c payments.Change) error
	Payment(ctx context.Context, projectID, invoiceID string) (*payments.Payment, error)
	Invoice(ctx context.Context, projectID, invoiceID string) (payments.Invoice, error)
	Attempt(ctx context.Context, projectID, attemptID string) (payments.Attempt, error)
	AttemptsOfToken(ctx context.Context, projectID, tokenID string) ([]payments.Attempt, error)
	Token(ctx context.Context, projectID, tokenID string) (payments.Token, error)
	AttemptsNamed(ctx context.Context, gatewayID, reference, session string) ([]payments.Attempt, error)
	InboundWebhook(ctx context.Context, id string) (payments.InboundWebhook, error)
	Alert(ctx context.Context, id string) (payments.Alert, error)
	LeaseJobs(ctx context.Context, now, until time.Time, limit int) ([]payments.Job, error)
	NextJobAt(ctx context.Context) (time.Time, bool, error)
	Prune(ctx context.Context, before time.Time) (int, error)
	CardTries(ctx context.Context, projectID, cardKey string, after time.Time) ([]payments.CardTry, error)
	PruneCardTries(ctx context.Context, before time.Time) (int, error)
}

// Gateway is one gateway configuration with the adapter that speaks to its PSP.
type Gateway struct {
	ID           string
	PSP          string
	Currency     payments.Currency // for verifications, when neither customer nor project has one; may be empty
	Adapter      adapters.Adapter
	Capabilities payments.Capabilities
	Timeout      time.Duration // for one operation at the PSP, all its calls together
}

// Limits are the engine's times. Zero values take the defaults.
type Limits struct {
	PayerBudget  time.Duration // how long a payer is kept waiting, all candidates and questions together
	AbsenceAfter time.Duration // overrides the PSPs' declared maximum processing times; for simulators only
	KeepClaims   time.Duration // how long idempotency keys are kept after they were answered
	Workers      int           // background jobs at the same time
}

// Defaults of Limits.
const (
	defaultPayerBudget = 12 * time.Second
	defaultKeepClaims  = 96 * time.Hour
	defaultWorkers     = 16
)

// Options build an Engine. All but Limits and Logger are needed.
type Options struct {
	Ledger   Ledger
	Tokens   *tokens.Service
	Vault    *vault.Vault
	Router   *router.Router
	Gateways []Gateway
	Projects func(projectID string) (payments.Project, bool)
	// Returns makes the address of ours to which a PSP sends the payer back after a step; nil: the merchant's own is used.
	Returns func(projectID, attemptID string) string
	Limits  Limits
	Logger  *slog.Logger
	Now     func() time.Time
}

// Engine runs operations. It is safe for concurrent use.
type Engine struct {
	ledger   Ledger
	tokens   *tokens.Service
	vault    *vault.Vault
	router   *router.Router
	gateways map[string]Gateway
	projects func(projectID string) (payments.Project, bool)
	returns  func(projectID, attemptID string) string
	limits   Limits
	log      *slog.Logger
	now      func() time.Time
	locks    keyedLocks
	savesNot savesNot
	worker   worker
	metrics  instruments
}

// New returns an engine. Start starts its background work.
func New(o Options) *Engine {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Limits.PayerBudget <= 0 {
		o.Limits.PayerBudget = defaultPayerBudget
	}
	if o.Limits.KeepClaims <= 0 {
		o.Limits.KeepClaims = defaultKeepClaims
	}
	if o.Limits.Workers <= 0 {
		o.Limits.Workers = defaultWorkers
	}
	e := &Engine{
		ledger: o.Ledger, tokens: o.Tokens, vault: o.Vault, router: o.Router, projects: o.Projects,
		gateways: make(map[string]Gateway, len(o.Gateways)),
		returns:  o.Returns,
		limits:   o.Limits, log: o.Logger, now: func() time.Time { return o.Now().UTC() },
		metrics: newInstruments(),
	}
	for _, g := range o.Gateways {
		e.gateways[g.ID] = g
	}
	e.worker.wake = make(chan struct{}, 1)
	return e
}

// read returns a payment, or the domain error that says which object is missing.
func (e *Engine) read(ctx context.Context, projectID, invoiceID string) (*payments.Payment, error) {
	pay, err := e.ledger.Payment(ctx, projectID, invoiceID)
	if errors.Is(err, payments.ErrNotFound) || err == nil && !pay.Invoice.DeletedAt.IsZero() {
		return nil, payments.NewError(payments.CodeInvoiceNotFound, "There is no such invoice.")
	}
	return pay, err
}

// Present is the state that is behind an idempotency key whose answer is still open.
func (e *Engine) Present(ctx context.Context, projectID, attemptID string) (payments.Snapshot, error) {
	a, err := e.ledger.Attempt(ctx, projectID, attemptID)
	if err != nil {
		return payments.Snapshot{}, err
	}
	if a.Operation == payments.OpVerify {
		s, err := e.subjectOf(ctx, projectID, attemptID)
		if err != nil {
			return payments.Snapshot{}, err
		}
		shown := s.snapshot()
		shown.Action = e.openAction(ctx, &a)
		return shown, nil
	}
	pay, err := e.read(ctx, projectID, a.InvoiceID)
	if err != nil {
		return payments.Snapshot{}, err
	}
	s := snapshotOf(pay)
	if !a.State.Open() {
		settling{final: &s}.answer(&subject{pay: pay}, &a)
		return s, nil
	}
	s.Refund = pay.Refund(a.RefundID)
	if open := pay.Attempt(pay.Transaction.InFlight); open != nil {
		s.Action = e.openAction(ctx, open)
	}
	return s, nil
}

// Explain returns why an invoice's payment went where it went, or nowhere, with all its attempts, oldest first. Before anything was
// tried it is the decision that would be taken for a fresh card with its CVC.
func (e *Engine) Explain(ctx context.Context, projectID, invoiceID string) (payments.Decision, []payments.Attempt, error) {
	pay, err := e.read(ctx, projectID, invoiceID)
	if err != nil {
		return payments.Decision{}, nil, err
	}
	if refused := pay.Transaction.Refused; refused != nil {
		return *refused, pay.Attempts, nil
	}
	for _, a := range slices.Backward(pay.Attempts) {
		if a.Decision != nil {
			return *a.Decision, pay.Attempts, nil
		}
	}
	payer, err := e.payerOf(ctx, projectID, pay.Invoice.CustomerID)
	if err != nil {
		return payments.Decision{}, nil, err
	}
	return e.router.Simulate(nil, payments.Facts{
		ProjectID: projectID, InvoiceID: invoiceID, CustomerID: pay.Invoice.CustomerID, CustomerCountry: strings.ToUpper(payer.CountryCode), Operation: payments.OpSale,
		Amount: pay.Invoice.Amount, HasCard: true, HasCVC: true, Initiation: pay.Invoice.Initiation, Intent: pay.Invoice.PaymentIntent, Metadata: pay.Invoice.Metadata,
	}), pay.Attempts, nil
}

// snapshotOf is what an answer about a payment is rendered from. Decisions are left out: they have a read of their own; and so
// are the payer's steps, of which only an open one is anybody's business.
func snapshotOf(pay *payments.Payment) payments.Snapshot {
	invoice, transaction := pay.Invoice, pay.Transaction
	transaction.Refused = nil
	s := payments.Snapshot{Invoice: &invoice, Transaction: &transaction, Refunds: append([]payments.Refund(nil), pay.Refunds...)}
	s.Attempts = make([]payments.Attempt, len(pay.Attempts))
	for i, a := range pay.Attempts {
		a.Decision, a.Action = nil, nil
		s.Attempts[i] = a
	}
	return s
}
