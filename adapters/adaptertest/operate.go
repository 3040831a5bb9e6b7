package adaptertest

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"switchyard/adapters"
	"switchyard/payments"
)

// The suite's own payer and card. The card is one that no PSP's sheet knows; a fixture names another where it matters.
const (
	cardNumber = "4242424242424242"
	cardCVC    = "917"
	cardName   = "Maria Santos"
	returnURL  = "https://shop.test/return"
	cancelURL  = "https://shop.test/cancel"

	sessionLifetime = 20 * time.Minute
)

// now is the clock that adapters are given.
func now() time.Time { return time.Date(2026, time.April, 1, 10, 0, 0, 0, time.UTC) }

// opened is an adapter with the transport and the log that it was given.
type opened struct {
	adapters.Adapter
	transport http.RoundTripper
	log       *logBuffer
	secrets   []string // of its configuration
}

// logBuffer collects what an adapter logs.
type logBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buffer.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buffer.String()
}

// open builds a fresh adapter.
func (b *bench) open() (*opened, error) {
	config, err := b.newConfig()
	if err != nil {
		return nil, err
	}
	return b.openConfig(config)
}

// openConfig builds an adapter from a configuration.
func (b *bench) openConfig(config adapters.Config) (o *opened, err error) {
	o = &opened{transport: newTransport(), log: &logBuffer{}, secrets: secretsIn(config)}
	logger := slog.New(slog.NewJSONHandler(o.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	o.Adapter, err = config.Open(adapters.Deps{Transport: o.transport, Logger: logger, Now: now})
	if err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	return o, nil
}

// result is what an operation came to; which fields are set depends on the operation.
type result struct {
	outcome payments.Outcome
	finding payments.Finding
	fence   payments.Fence
	methods []payments.SavedMethod
	page    payments.ListedPage
	err     error
	noted   []payments.ProviderRefs // what Note was told
}

// note is the Note function of a run: it remembers, and fails when told to.
type note struct {
	script *script
	err    error
	refs   []payments.ProviderRefs
	after  []int // how many calls had been made by then
}

func (n *note) take(_ context.Context, refs payments.ProviderRefs) error {
	n.script.mu.Lock()
	defer n.script.mu.Unlock()
	n.refs = append(n.refs, refs)
	n.after = append(n.after, len(n.script.calls))
	return n.err
}

// perform runs the operation of a case.
func (o *opened) perform(ctx context.Context, c Case, p params, n *note) result {
	var r result
	switch c.Operation {
	case payments.OpAuthorize, payments.OpSale:
		r.outcome, r.err = o.Authorize(ctx, c.authorizeRequest(p, n))
	case payments.OpCapture:
		r.outcome, r.err = o.Capture(ctx, payments.CaptureRequest{
			Reference: p.reference, Refs: c.Request.Refs, Amount: p.amount, Before: c.Request.Before,
		})
	case payments.OpRefund:
		r.outcome, r.err = o.Refund(ctx, payments.RefundRequest{
			Reference: p.reference, Refs: c.Request.Refs, Amount: p.amount, Before: c.Request.Before, Reason: c.Request.Reason,
		})
	case payments.OpLookup:
		r.finding, r.err = o.Lookup(ctx, payments.LookupRequest{
			Operation: c.Request.Of, Reference: p.reference, Refs: c.Request.Refs, Amount: p.amount, Before: c.Request.Before,
			SentAt: p.now().Add(-time.Duration(c.Request.SentSecondsAgo) * time.Second),
		})
	default:
		r = o.performOptional(ctx, c, p, n)
	}
	if n != nil {
		r.noted = n.refs
	}
	return r
}

// performOptional runs an operation that not every adapter has.
func (o *opened) performOptional(ctx context.Context, c Case, p params, n *note) result {
	var r result
	lacking := func() result {
		return result{err: fmt.Errorf("the adapter cannot %s, and a fixture says that it can", c.Operation)}
	}
	switch c.Operation {
	case payments.OpVoid:
		a, ok := o.Adapter.(adapters.Voider)
		if !ok {
			return lacking()
		}
		r.outcome, r.err = a.Void(ctx, payments.VoidRequest{
			Reference: p.reference, Refs: c.Request.Refs, Amount: p.amount, Before: c.Request.Before,
		})
	case payments.OpIncrement:
		a, ok := o.Adapter.(adapters.Incrementer)
		if !ok {
			return lacking()
		}
		r.outcome, r.err = a.Increment(ctx, payments.IncrementRequest{
			Reference: p.reference, Refs: c.Request.Refs, Amount: p.amount, Before: c.Request.Before,
		})
	case payments.OpVerify:
		a, ok := o.Adapter.(adapters.Verifier)
		if !ok {
			return lacking()
		}
		r.outcome, r.err = a.Verify(ctx, c.verifyRequest(p, n))
	case payments.OpTokenize:
		a, ok := o.Adapter.(adapters.Tokenizer)
		if !ok {
			return lacking()
		}
		r.outcome, r.err = a.Tokenize(ctx, payments.TokenizeRequest{
			Reference: p.reference, Card: c.card(), Currency: p.amount.Currency, Payer: c.payer(),
		})
	case OpForget:
		a, ok := o.Adapter.(adapters.MethodDeleter)
		if !ok {
			return lacking()
		}
		r.err = a.DeleteMethod(ctx, payments.ForgetRequest{
			Reference: p.reference, CustomerRef: c.Request.Refs.Customer, MethodRef: c.Request.Refs.Method,
		})
	case OpSession:
		a, ok := o.Adapter.(adapters.SessionStarter)
		if !ok {
			return lacking()
		}
		r.outcome, r.err = a.StartSession(ctx, c.sessionRequest(p, n))
	case payments.OpAbandon:
		a, ok := o.Adapter.(adapters.Abandoner)
		if !ok {
			return lacking()
		}
		r.fence, r.err = a.Abandon(ctx, payments.AbandonRequest{
			Operation: c.Request.Of, Reference: p.reference, Refs: c.Request.Refs,
		})
	default:
		return o.performOnCustomer(ctx, c, p)
	}
	return r
}

// performOnCustomer runs an operation on what a PSP keeps of customers or lists of charges, or goes on after a payer's step.
func (o *opened) performOnCustomer(ctx context.Context, c Case, p params) result {
	var (
		r  result
		ok bool
	)
	switch c.Operation {
	case OpSync:
		var a adapters.CustomerSyncer
		if a, ok = o.Adapter.(adapters.CustomerSyncer); ok {
			r.outcome.Refs.Customer, r.err = a.SyncCustomer(ctx, c.payer())
		}
	case OpList:
		var a adapters.MethodLister
		if a, ok = o.Adapter.(adapters.MethodLister); ok {
			r.methods, r.err = a.ListMethods(ctx, c.Request.Refs.Customer)
		}
	case OpListCharges:
		var a adapters.ChargeLister
		if a, ok = o.Adapter.(adapters.ChargeLister); ok {
			r.page, r.err = a.ListCharges(ctx, payments.ListQuery{Since: c.Request.Since, Until: c.Request.Until, Cursor: c.Request.Cursor})
		}
	case OpForgetCustomer:
		var a adapters.CustomerDeleter
		if a, ok = o.Adapter.(adapters.CustomerDeleter); ok {
			r.err = a.DeleteCustomer(ctx, c.Request.Refs.Customer)
		}
	case OpContinue:
		var a adapters.Continuer
		if a, ok = o.Adapter.(adapters.Continuer); ok {
			r.outcome, r.err = a.Continue(ctx, payments.ContinueRequest{
				Operation: c.Request.Of, Reference: p.reference, Amount: p.amount, Capture: c.Request.Of == payments.OpSale,
				Incremental: c.Request.Incremental, Refs: c.Request.Refs, Payer: c.payer(), ReturnURL: returnURL, Result: c.Request.Result,
			})
		}
	default:
		return result{err: fmt.Errorf("the suite does not know the operation %q", c.Operation)}
	}
	if !ok {
		return result{err: fmt.Errorf("the adapter cannot %s, and a fixture says that it can", c.Operation)}
	}
	return r
}

// card is the card of a case.
func (c *Case) card() payments.CardData {
	card := Card{Number: cardNumber, ExpMonth: 12, ExpYear: 2030, CVC: cardCVC, Name: cardName}
	if c.Request.Card != nil {
		card = *c.Request.Card
	}
	if c.Request.NoCVC {
		card.CVC = ""
	}
	return payments.CardData{
		Number: payments.NewSecret(card.Number), ExpMonth: card.ExpMonth, ExpYear: card.ExpYear,
		CVC: payments.NewSecret(card.CVC), Name: card.Name,
	}
}

func (c *Case) source() payments.Source {
	if c.Request.Method != "" {
		return payments.Source{Method: c.Request.Method, CVC: payments.NewSecret(c.Request.CVC)}
	}
	card := c.card()
	return payments.Source{Card: &card}
}

func (c *Case) payer() payments.Payer {
	if c.Request.NoPayer {
		return payments.Payer{}
	}
	return payments.Payer{
		CustomerID: "cust_test", CustomerRef: c.Request.Refs.Customer, FirstName: "Maria", LastName: "Santos",
		Email: "maria@shop.test", Phone: "+639170000000", CountryCode: "PH", IPAddress: "203.0.113.7", UserAgent: "Browser/1.0",
	}
}

func (c *Case) authorizeRequest(p params, n *note) payments.AuthorizeRequest {
	initiation := c.Request.Initiation
	if initiation == "" {
		initiation = payments.CustomerInitiated
	}
	return payments.AuthorizeRequest{
		Reference: p.reference, Amount: p.amount, Capture: c.Operation == payments.OpSale,
		Incremental: c.Request.Incremental, Save: c.Request.Save, Source: c.source(), Payer: c.payer(),
		Description: "Order 1001", StatementDescriptor: "SHOP TEST", ReturnURL: returnURL, Initiation: initiation,
		PaymentIntent: c.Request.PaymentIntent, NetworkTransactionID: c.Request.NetworkTransactionID,
		Refs: c.Request.Refs, Note: n.take,
	}
}

func (c *Case) sessionRequest(p params, n *note) payments.SessionRequest {
	return payments.SessionRequest{
		Reference: p.reference, Amount: p.amount, Capture: !c.Request.Hold, Save: c.Request.Save, ShowSaved: c.Request.ShowSaved,
		PreferredMethod: c.Request.Method, Payer: c.payer(), Description: "Order 1001", StatementDescriptor: "SHOP TEST",
		ReturnURL: returnURL, CancelURL: cancelURL, ExpiresAt: p.now().Add(sessionLifetime), Refs: c.Request.Refs, Note: n.take,
	}
}

func (c *Case) verifyRequest(p params, n *note) payments.VerifyRequest {
	return payments.VerifyRequest{
		Reference: p.reference, Currency: p.amount.Currency, Source: c.source(), Payer: c.payer(),
		ReturnURL: returnURL, Refs: c.Request.Refs, Note: n.take,
	}
}
