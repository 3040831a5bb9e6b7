package payments

import (
	"net/url"
	"slices"
	"strings"
	"time"
)

// Prefixes of the ids of what tells merchants about events.
const (
	PrefixWebhookEndpoint = "whend_"
	PrefixDelivery        = "whdl_"
	PrefixReplay          = "whrp_"
)

// eventNames are all events that merchants are told of.
var eventNames = [...]string{
	EventCustomerCreated, EventCustomerUpdated, EventCustomerDeleted,
	EventTokenCreated, EventTokenUpdated, EventTokenDeleted,
	EventTransactionAuthorized, EventTransactionCaptured, EventTransactionFailed, EventTransactionVoided, EventTransactionRefunded,
	EventTransactionInReview, EventTransactionIncremented,
	EventEndpointDisabled,
}

// EventNames lists the names of all events that merchants are told of.
func EventNames() []string { return slices.Clone(eventNames[:]) }

// EventEndpointDisabled tells that an endpoint gets no more webhooks until it is enabled again.
const EventEndpointDisabled = "webhook-endpoint.disabled"

// CodeWebhookEndpointNotFound says that there is no such endpoint in this project.
const CodeWebhookEndpointNotFound = "resource.webhook-endpoint.not-found"

// WebhookEndpoint is an address that a project's events are sent to.
type WebhookEndpoint struct {
	ProjectID      string          `json:"project_id"`
	ID             string          `json:"id"`
	Version        int64           `json:"version"`
	URL            string          `json:"url"`
	Description    string          `json:"description,omitempty"`
	Events         []string        `json:"events,omitempty"` // names; none: all
	Enabled        bool            `json:"enabled"`
	EnabledAt      time.Time       `json:"enabled_at"` // with another time its health starts anew
	DisabledReason string          `json:"disabled_reason,omitempty"`
	DisabledAt     time.Time       `json:"disabled_at,omitzero"`
	Secrets        []SigningSecret `json:"secrets,omitempty"` // newest first; sealed
	Sandbox        bool            `json:"sandbox"`
	CreatedAt      time.Time       `json:"created_at"`
	DeletedAt      time.Time       `json:"deleted_at,omitzero"`
}

// SigningSecret is a sealed secret that webhooks are signed with until it expires. The newest one never does.
type SigningSecret struct {
	Sealed    []byte    `json:"sealed"`
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`
}

// Live says that the endpoint is there and wants webhooks now.
func (e *WebhookEndpoint) Live() bool { return e.Enabled && e.DeletedAt.IsZero() }

// Wants says whether events of this name are for the endpoint.
func (e *WebhookEndpoint) Wants(event string) bool {
	return len(e.Events) == 0 || slices.Contains(e.Events, event)
}

// EndpointHealth is how an endpoint has taken its webhooks since it was enabled.
type EndpointHealth struct {
	FailingSince time.Time // of the first failed try since one that succeeded; zero: the last one succeeded
	Exhausted    int       // deliveries given up in a row
}

// OutboxEntry is an event that nobody has been told of yet. It is written in the event's own commit, unless there is nobody to
// tell: neither an enabled endpoint nor a URL of the event's own.
type OutboxEntry struct {
	Seq       int64 // order of the commits
	ProjectID string
	EventID   string
	Name      string
	SubjectID string
	URL       string // of the invoice or token; may be empty
}

// OutboxEntryOf is the entry of an event, without its place in the order.
func OutboxEntryOf(e *Event) OutboxEntry {
	return OutboxEntry{ProjectID: e.ProjectID, EventID: e.ID, Name: e.Name, SubjectID: e.SubjectID(), URL: e.WebhookURL}
}

// SubjectID names what an event is about: events of one subject are delivered in their order. An event about nothing known is
// its own subject.
func (e *Event) SubjectID() string {
	s := &e.Snapshot
	switch {
	case strings.HasPrefix(e.Name, "customer.token.") && s.Token != nil:
		return s.Token.ID
	case strings.HasPrefix(e.Name, "customer.") && s.Customer != nil:
		return s.Customer.ID
	case strings.HasPrefix(e.Name, "transaction.") && s.Transaction != nil:
		return s.Transaction.ID
	case strings.HasPrefix(e.Name, "invoice.") && s.Invoice != nil:
		return s.Invoice.ID
	case strings.HasPrefix(e.Name, "webhook-endpoint.") && s.Endpoint != nil:
		return s.Endpoint.ID
	}
	return e.ID
}

// DeliveryState is what came of one try to deliver an event.
type DeliveryState string

// The states of a try.
const (
	DeliveryPending   DeliveryState = "pending"
	DeliveryDelivered DeliveryState = "delivered"
	DeliveryFailed    DeliveryState = "failed"
)

// Delivery is one try to tell one address of one event.
type Delivery struct {
	ProjectID  string            `json:"project_id"`
	ID         string            `json:"id"`
	EventID    string            `json:"event_id"`
	EventName  string            `json:"event_name"`
	SubjectID  string            `json:"subject_id"`
	EndpointID string            `json:"endpoint_id,omitempty"` // empty: the event's own URL
	URL        string            `json:"url"`                   // where it goes; an endpoint's may change until it is tried
	Try        int               `json:"try"`                   // 1 is the first
	State      DeliveryState     `json:"state"`
	RunAt      time.Time         `json:"run_at"` // not before
	CreatedAt  time.Time         `json:"created_at"`
	EndedAt    time.Time         `json:"ended_at,omitzero"`
	Response   *DeliveryResponse `json:"response,omitempty"` // nil until it was tried
	LeaseUntil time.Time         `json:"-"`
	Fence      int64             `json:"-"`
}

// DeliveryResponse is what an address answered. Status 0 means that it did not; Body says why then.
type DeliveryResponse struct {
	Status   int           `json:"status,omitempty"`
	Header   string        `json:"header,omitempty"` // "Name: value" lines
	Body     string        `json:"body,omitempty"`
	Duration time.Duration `json:"duration"`
}

// Target is what shares one bound of concurrency and one turn: an endpoint, or a host that events' own URLs name.
type Target struct{ ProjectID, Name string }

// targetOfURLs begins the name of a target that is no endpoint.
const targetOfURLs = "url:"

// Target is where the delivery goes.
func (d *Delivery) Target() Target {
	if d.EndpointID != "" {
		return Target{d.ProjectID, d.EndpointID}
	}
	u, err := url.Parse(d.URL)
	if err != nil {
		return Target{d.ProjectID, targetOfURLs}
	}
	return Target{d.ProjectID, targetOfURLs + strings.ToLower(u.Host)}
}

// IsEndpoint says whether the target is an endpoint.
func (t Target) IsEndpoint() bool { return !strings.HasPrefix(t.Name, targetOfURLs) }

// DeliveryEnd is what came of a try that a worker holds: Delivery as it is to be kept, under the fence of its lease, and the
// next try, which keeps its turn before later events of the subject. Without a next one the subject's next event may go.
type DeliveryEnd struct {
	Delivery Delivery
	Next     *Delivery
}

// DeliveryLease asks for due deliveries. Targets take turns, the one after After first.
type DeliveryLease struct {
	Now, Until time.Time
	Limit      int // in all
	PerTarget  int // held at once at one target, by all instances together
	Failing    int // the same, while the last try there has failed
	After      Target
}

// Replay is background work: to send the events between two ids to an endpoint again. Version counts its steps and starts
// at 1; a replay that is done is deleted.
type Replay struct {
	ProjectID  string
	ID         string
	EndpointID string
	Version    int64
	After      string // id of the last event that was sent; the first one comes after it
	Until      string // events from this id on are not sent
	Done       bool
	CreatedAt  time.Time
}

// EventIDAt is a bound between event ids: those of events made before at are smaller, those made at or after it are not.
// Times before 1970 count as 1970.
func EventIDAt(at time.Time) string {
	const symbols, bits = 10, 5 // the first ten symbols are 50 bits, of which the upper 48 are milliseconds
	n := uint64(max(0, at.UnixMilli())) << 2
	text := make([]byte, symbols)
	for i := range text {
		text[i] = idAlphabet[n>>(bits*(symbols-1-i))&31]
	}
	return PrefixEvent + string(text)
}
