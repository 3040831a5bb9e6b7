// Package storetest is the definition of a store: what it must do for the rest of the program, as tests that run over
// every implementation. There are three tiers: what one caller sees (basics), what a change leaves behind when a part of
// it fails (atomicity), and what many callers do to one another (races).
//
// An implementation's own test is a few lines:
//
//	storetest.Run(t, func(t *testing.T) storetest.Store { ... })
package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"switchyard/payments"
)

// Store is all that the program's role interfaces ask of a store together.
type Store interface {
	Writer
	PaymentReader
	HolderReader
	ObjectReader
	Lister
	Queue
	History
	Inbox
	Walker
	CardHistory
	Endpoints
	Outbox
	Alarm
	Memory
	Routing
	Counter
}

// Writer makes changes durable.
type Writer interface {
	Apply(ctx context.Context, c payments.Change) error
	Prune(ctx context.Context, before time.Time) (int, error)
}

// PaymentReader reads what an operation on a payment needs.
type PaymentReader interface {
	Payment(ctx context.Context, projectID, invoiceID string) (*payments.Payment, error)
	PaymentOfTransaction(ctx context.Context, projectID, transactionID string) (*payments.Payment, error)
	Attempt(ctx context.Context, projectID, attemptID string) (payments.Attempt, error)
	AttemptsOfToken(ctx context.Context, projectID, tokenID string) ([]payments.Attempt, error)
	Claim(ctx context.Context, key payments.ClaimKey) (payments.Claim, error)
}

// HolderReader reads those who pay and what they pay with.
type HolderReader interface {
	Customer(ctx context.Context, projectID, id string) (payments.Customer, error)
	Token(ctx context.Context, projectID, id string) (payments.Token, error)
	Card(ctx context.Context, projectID, id string) (payments.Card, error)
	SealedCard(ctx context.Context, projectID, cardID string) (payments.SealedCard, error)
	Mappings(ctx context.Context, projectID, tokenID string) ([]payments.Mapping, error)
	MappingsOfMethod(ctx context.Context, projectID, gatewayID, methodRef string) ([]payments.Mapping, error)
	Links(ctx context.Context, projectID, customerID string) ([]payments.CustomerLink, error)
}

// ObjectReader reads the objects of a payment one by one.
type ObjectReader interface {
	Invoice(ctx context.Context, projectID, id string) (payments.Invoice, error)
	Transaction(ctx context.Context, projectID, id string) (payments.Transaction, error)
	Refund(ctx context.Context, projectID, id string) (payments.Refund, error)
	Event(ctx context.Context, projectID, id string) (payments.Event, error)
}

// Lister reads lists in pages.
type Lister interface {
	Customers(ctx context.Context, projectID string, page payments.Page) (payments.List[payments.Customer], error)
	Cards(ctx context.Context, projectID string, page payments.Page) (payments.List[payments.Card], error)
	Invoices(ctx context.Context, projectID string, page payments.Page) (payments.List[payments.Invoice], error)
	Transactions(ctx context.Context, projectID string, page payments.Page) (payments.List[payments.Transaction], error)
	Events(ctx context.Context, projectID string, page payments.Page) (payments.List[payments.Event], error)
	TokensOf(ctx context.Context, projectID, customerID string, page payments.Page) (payments.List[payments.Token], error)
	TransactionsOf(ctx context.Context, projectID, customerID string, page payments.Page) (payments.List[payments.Transaction], error)
}

// Queue hands out background work.
type Queue interface {
	LeaseJobs(ctx context.Context, now, until time.Time, limit int) ([]payments.Job, error)
	NextJobAt(ctx context.Context) (time.Time, bool, error)
}

// History reads what is only ever appended.
type History interface {
	Transitions(ctx context.Context, projectID, subject, subjectID string) ([]payments.Transition, error)
	Entries(ctx context.Context, projectID, subjectID string) ([]payments.Entry, error)
}

// Inbox keeps what PSPs send.
type Inbox interface {
	AttemptsNamed(ctx context.Context, gatewayID, reference, session string) ([]payments.Attempt, error)
	InboundWebhook(ctx context.Context, id string) (payments.InboundWebhook, error)
	InboundWebhooks(ctx context.Context, gatewayID string, page payments.Page) (payments.List[payments.InboundWebhook], error)
}

// Walker walks what was sent to a PSP.
type Walker interface {
	AttemptsSent(ctx context.Context, gatewayID string, since time.Time, after string, until time.Time, limit int) ([]payments.Attempt, error)
}

// CardHistory reads what became of earlier tries with a card.
type CardHistory interface {
	CardTries(ctx context.Context, projectID, cardKey string, after time.Time) ([]payments.CardTry, error)
	PruneCardTries(ctx context.Context, before time.Time) (int, error)
}

// Alarm keeps what operators have to know of.
type Alarm interface {
	Alert(ctx context.Context, id string) (payments.Alert, error)
	Alerts(ctx context.Context, open bool, limit int) ([]payments.Alert, error)
}

// Routing keeps what operators decide about routing.
type Routing interface {
	RoutingState(ctx context.Context) (payments.RoutingState, error)
	RoutingEvents(ctx context.Context, before int64, limit int) ([]payments.RoutingEvent, error)
	PolicyVersion(ctx context.Context, hash string) (payments.PolicyVersion, error)
	PolicyVersions(ctx context.Context, before string, limit int) ([]payments.PolicyVersion, error)
	PolicyHashes(ctx context.Context, name string, limit int) ([]string, error)
}

// Endpoints reads where events are sent, and what came of it.
type Endpoints interface {
	WebhookEndpoint(ctx context.Context, projectID, id string) (payments.WebhookEndpoint, error)
	WebhookEndpoints(ctx context.Context, projectID string, page payments.Page) (payments.List[payments.WebhookEndpoint], error)
	EndpointHealth(ctx context.Context, projectID, id string) (payments.EndpointHealth, error)
	Deliveries(ctx context.Context, projectID, eventID string, page payments.Page) (payments.List[payments.Delivery], error)
}

// Outbox hands out events, and deliveries of them.
type Outbox interface {
	Outbox(ctx context.Context, limit int) ([]payments.OutboxEntry, error)
	LeaseDeliveries(ctx context.Context, l payments.DeliveryLease) ([]payments.Delivery, error)
	OldestDelivery(ctx context.Context) (time.Time, bool, error)
	PruneDeliveries(ctx context.Context, before time.Time) (int, error)
	EventsWithin(ctx context.Context, projectID, after, until string, limit int) ([]payments.Event, error)
	CountEventsWithin(ctx context.Context, projectID, after, until string, limit int) (int, error)
	Replays(ctx context.Context, limit int) ([]payments.Replay, error)
}

// Open returns an empty store that is closed when the test ends.
type Open func(t *testing.T) Store

// Run runs the suite.
func Run(t *testing.T, open func(t *testing.T) Store) {
	t.Run("basics", func(t *testing.T) { t.Parallel(); basics(t, open) })
	t.Run("lists", func(t *testing.T) { t.Parallel(); lists(t, open) })
	t.Run("claims", func(t *testing.T) { t.Parallel(); claims(t, open) })
	t.Run("jobs", func(t *testing.T) { t.Parallel(); jobs(t, open) })
	t.Run("routing", func(t *testing.T) { t.Parallel(); routing(t, open) })
	t.Run("inbox", func(t *testing.T) { t.Parallel(); inbox(t, open) })
	t.Run("learned", func(t *testing.T) { t.Parallel(); learned(t, open) })
	t.Run("volumes", func(t *testing.T) { t.Parallel(); volumes(t, open) })
	t.Run("walk", func(t *testing.T) { t.Parallel(); walk(t, open) })
	t.Run("tries", func(t *testing.T) { t.Parallel(); tries(t, open) })
	t.Run("outbox", func(t *testing.T) { t.Parallel(); outbox(t, open) })
	t.Run("atomicity", func(t *testing.T) { t.Parallel(); atomicity(t, open) })
	t.Run("races", func(t *testing.T) { t.Parallel(); races(t, open) })
	t.Run("money", func(t *testing.T) { t.Parallel(); money(t, open) })
}

// Names that the tests share.
const (
	project = "test-proj_suite"
	other   = "test-proj_other" // another tenant, who must never see anything
)

// epoch is when the tests take place. Its nanoseconds show whether times keep their precision.
var epoch = time.Date(2026, 3, 4, 5, 6, 7, 89_012_345, time.UTC)

// each runs tests side by side, every one on a store of its own.
func each(t *testing.T, open Open, tests map[string]func(*testing.T, Store)) {
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

func mustApply(t testing.TB, s Writer, c payments.Change) {
	t.Helper()
	if err := s.Apply(t.Context(), c); err != nil {
		t.Fatalf("Apply: %v", err)
	}
}

func wantError(t testing.TB, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: error %v, want %v", what, got, want)
	}
}

// wantValue compares what a read returned.
func wantValue[T any](t testing.TB, what string, got T, err error, want T) {
	t.Helper()
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}
