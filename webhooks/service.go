package webhooks

import (
	"cmp"
	"context"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"time"

	"switchyard/payments"
)

// Store is what webhooks need of the store.
type Store interface {
	Outbox
	Endpoints
	Apply(ctx context.Context, c payments.Change) error
	Event(ctx context.Context, projectID, id string) (payments.Event, error)
	EventsWithin(ctx context.Context, projectID, after, until string, limit int) ([]payments.Event, error)
	CountEventsWithin(ctx context.Context, projectID, after, until string, limit int) (int, error)
}

// Outbox hands out events, deliveries and replays.
type Outbox interface {
	Outbox(ctx context.Context, limit int) ([]payments.OutboxEntry, error)
	LeaseDeliveries(ctx context.Context, l payments.DeliveryLease) ([]payments.Delivery, error)
	OldestDelivery(ctx context.Context) (time.Time, bool, error)
	PruneDeliveries(ctx context.Context, before time.Time) (int, error)
	Replays(ctx context.Context, limit int) ([]payments.Replay, error)
}

// Endpoints reads where events are sent.
type Endpoints interface {
	WebhookEndpoint(ctx context.Context, projectID, id string) (payments.WebhookEndpoint, error)
	WebhookEndpoints(ctx context.Context, projectID string, page payments.Page) (payments.List[payments.WebhookEndpoint], error)
	EndpointHealth(ctx context.Context, projectID, id string) (payments.EndpointHealth, error)
}

// Sealer keeps signing secrets from lying in the store in the open.
type Sealer interface {
	SealText(ctx context.Context, projectID, recordID, text string) ([]byte, error)
	OpenText(ctx context.Context, projectID, recordID string, sealed []byte) (string, error)
}

// Options build a Service.
type Options struct {
	Store  Store
	Sealer Sealer
	// Secrets sign what goes to the URLs that invoices and tokens name, by project. A project without one sends unsigned.
	Secrets map[string]payments.Secret
	// AllowLoopback lets webhooks go to this machine, over plain http too; for sandboxes only.
	AllowLoopback bool
	Transport     http.RoundTripper // nil: one that connects to public addresses only
	Limits        Limits
	Logger        *slog.Logger     // nil: silent
	Now           func() time.Time // nil: time.Now
}

// Limits bound what is done at once and how long. A zero means the default.
type Limits struct {
	Workers      int           // deliveries on their way at once; 128
	PerTarget    int           // of these, to one endpoint, or to one host that events' own URLs name; 4
	KeepLog      time.Duration // how long deliveries are shown; 30 days
	DisableAfter time.Duration // an endpoint whose every try has failed for so long is disabled; 5 days
	MaxExhausted int           // so is one where so many deliveries in a row were given up; 100
	Poll         time.Duration // how soon at the latest what other instances have left is seen; 5 s
}

// Defaults of Limits.
const (
	defaultWorkers      = 128
	defaultPerTarget    = 4
	defaultKeepLog      = 30 * 24 * time.Hour
	defaultDisableAfter = 5 * 24 * time.Hour
	defaultMaxExhausted = 100
	defaultPoll         = 5 * time.Second
	// failingPerTarget is the share of an endpoint whose last try failed: enough to notice that it is back, too little to
	// take the workers that others need.
	failingPerTarget = 1
)

// Service manages endpoints and, between Start and Stop, delivers events.
type Service struct {
	Options
	log       *slog.Logger
	metrics   instruments
	random    func() float64 // from 0 to below 1
	transport *http.Transport
	run       runner
	after     payments.Target // whose turn was last; the loop's own
}

// New returns a service that does not deliver yet.
func New(o Options) *Service {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Limits.Workers = cmp.Or(o.Limits.Workers, defaultWorkers)
	o.Limits.PerTarget = cmp.Or(o.Limits.PerTarget, defaultPerTarget)
	o.Limits.KeepLog = cmp.Or(o.Limits.KeepLog, defaultKeepLog)
	o.Limits.DisableAfter = cmp.Or(o.Limits.DisableAfter, defaultDisableAfter)
	o.Limits.MaxExhausted = cmp.Or(o.Limits.MaxExhausted, defaultMaxExhausted)
	o.Limits.Poll = cmp.Or(o.Limits.Poll, defaultPoll)
	s := &Service{Options: o, log: o.Logger, random: rand.Float64}
	s.run.wake, s.run.freed = make(chan struct{}, 1), make(chan struct{}, 1)
	if s.Transport == nil {
		s.transport = newTransport(newGuard(o.AllowLoopback))
		s.Transport = s.transport
	}
	s.metrics = s.newInstruments()
	return s
}

func (s *Service) now() time.Time { return s.Now().UTC() }
