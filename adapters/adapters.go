// Package adapters is the contract that every PSP implements. The required part is small; each further ability is an
// interface of its own, and an adapter has it or has not. An adapter translates: it keeps no state, decides nothing, never
// retries a call that moves money, and never starts a second charge.
//
// Every method returns either an outcome or an error that holds a *payments.Fault. A decline is an outcome. When in doubt
// whether the PSP acted, the fault is Unknown.
package adapters

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"switchyard/payments"
)

// Adapter is what every PSP must do. Authorize holds the money, or takes it when the request says Capture.
type Adapter interface {
	Authorize(ctx context.Context, r payments.AuthorizeRequest) (payments.Outcome, error)
	Capture(ctx context.Context, r payments.CaptureRequest) (payments.Outcome, error)
	Refund(ctx context.Context, r payments.RefundRequest) (payments.Outcome, error)
	Lookup(ctx context.Context, r payments.LookupRequest) (payments.Finding, error)
}

// Voider releases a hold.
type Voider interface {
	Void(ctx context.Context, r payments.VoidRequest) (payments.Outcome, error)
}

// Abandoner makes sure that a charge which has not happened never will. It must never undo a charge that has happened:
// the PSP refuses then, and the answer is payments.FenceBroken.
type Abandoner interface {
	Abandon(ctx context.Context, r payments.AbandonRequest) (payments.Fence, error)
}

// Incrementer raises a hold.
type Incrementer interface {
	Increment(ctx context.Context, r payments.IncrementRequest) (payments.Outcome, error)
}

// StepUpper asks the payer to authenticate when a charge says so (payments.AuthorizeRequest.StepUp). StepsUp is false where that
// would change nothing, since each charge asks for it anyway.
type StepUpper interface {
	StepsUp() bool
}

// Verifier checks a card without holding money and saves it: an approved outcome carries Refs.Method where the PSP vaults.
// The outcome of a verification is found out by Lookup with payments.OpVerify.
type Verifier interface {
	Verify(ctx context.Context, r payments.VerifyRequest) (payments.Outcome, error)
}

// Tokenizer saves a card at the PSP without charging it: an approved outcome carries Refs.Method and, where there is one,
// Refs.Customer.
type Tokenizer interface {
	Tokenize(ctx context.Context, r payments.TokenizeRequest) (payments.Outcome, error)
}

// MethodDeleter deletes a saved method at the PSP. Deleting what is gone already is approved.
type MethodDeleter interface {
	DeleteMethod(ctx context.Context, r payments.ForgetRequest) error
}

// SessionStarter opens a checkout on the PSP's own page: the payer chooses or enters the method there. The outcome is
// payments.ActionRequired with the page's URL and Refs.Session; what the payer did is found out by Lookup.
type SessionStarter interface {
	StartSession(ctx context.Context, r payments.SessionRequest) (payments.Outcome, error)
}

// CustomerSyncer makes sure that the PSP knows the customer, and returns the PSP's reference: never a second one for the
// same person.
type CustomerSyncer interface {
	SyncCustomer(ctx context.Context, p payments.Payer) (string, error)
}

// CustomerDeleter deletes the PSP's customer with all that is saved for it. Deleting who is gone already is no error.
type CustomerDeleter interface {
	DeleteCustomer(ctx context.Context, customerRef string) error
}

// Continuer goes on with a charge or a verification after a step of the payer, at a PSP that has to be told the step's
// result. It may charge: an unknown outcome is found out and fenced like that of the call before it. Whoever has no result
// just looks up.
type Continuer interface {
	Continue(ctx context.Context, r payments.ContinueRequest) (payments.Outcome, error)
}

// MethodLister lists the methods that the PSP has saved for a customer.
type MethodLister interface {
	ListMethods(ctx context.Context, customerRef string) ([]payments.SavedMethod, error)
}

// ChargeLister lists the charges that a PSP has, to be compared with the store: one call at the PSP for each page. The list has
// every charge created from the query's Since until its Until, with what has become of it by now, refunds included; a PSP that
// lists captures or refunds apart from their charges lists those that came later, too. More may be listed. What never shows in
// the PSP's list, such as a hold at some, is asked for by Lookup. A list that is not whole is a fault and no page.
type ChargeLister interface {
	ListCharges(ctx context.Context, q payments.ListQuery) (payments.ListedPage, error)
}

// WebhookParser verifies a PSP's webhook, in constant time, and reads what it is about. A delivery that is not the PSP's is
// payments.ErrForged; a *payments.Fault says that a PSP which signs nothing could not be asked whether it is. What a webhook
// says never moves money by itself: the PSP is asked.
type WebhookParser interface {
	ParseWebhook(ctx context.Context, d payments.WebhookDelivery) (payments.Notice, error)
}

// Provider declares one PSP: its name, its configuration and what it can do that code cannot show.
type Provider struct {
	Name         string // lower case, as in configuration files: "paymongo"
	DisplayName  string // "PayMongo"
	URL          string // the vendor's own site
	NewConfig    func() Config
	Capabilities payments.Capabilities
}

// Config is a PSP's part of the configuration file. NewConfig returns it with its defaults set; the file is decoded over
// it. It has yaml tags, and payments.Secret for every key.
type Config interface {
	// Check returns every fault of the configuration, with the field's yaml name. Live says that the gateway
	// configuration belongs to a live project: test keys and plain-http URLs are faults there, and live keys in a sandbox.
	Check(live bool) []FieldFault
	// Open builds the adapter.
	Open(d Deps) (Adapter, error)
}

// FieldFault is one fault in a PSP's configuration.
type FieldFault struct {
	Field   string // yaml name
	Message string // what is wrong and what to do
}

// Deps is what an adapter is given by the program.
type Deps struct {
	Transport http.RoundTripper // never nil; adapters make no client of their own
	Logger    *slog.Logger
	Now       func() time.Time
}
