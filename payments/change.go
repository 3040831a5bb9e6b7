package payments

import (
	"encoding/json"
	"errors"
	"time"
)

// Errors of a store that callers act on.
var (
	// ErrNotFound: no such object in this project.
	ErrNotFound = errors.New("payments: not found")
	// ErrConflict: an object has another version than the one that was read. Read again and decide again.
	ErrConflict = errors.New("payments: changed meanwhile")
	// ErrClaimed: the idempotency key is taken already. Read the claim.
	ErrClaimed = errors.New("payments: idempotency key already claimed")
	// ErrMoneyGuard: the write would capture more than was authorized or refund more than was captured.
	ErrMoneyGuard = errors.New("payments: amounts would not add up")
	// ErrFenced: the lease on a job was lost to another worker.
	ErrFenced = errors.New("payments: lease lost")
	// ErrForged: a webhook whose signature or secret is not the PSP's.
	ErrForged = errors.New("payments: not signed by the PSP")
	// ErrDuplicate: an object with that id exists already.
	ErrDuplicate = errors.New("payments: already exists")
)

// Change is one durable commit: all of it is written, or nothing. A versioned object with Version 1 is inserted; with
// Version n it replaces version n-1, and ErrConflict is returned when the stored version is another. Everything else is
// appended, or put by its key.
type Change struct {
	Claim        *Claim  // insert; ErrClaimed when the key is taken
	Answer       *Answer // finish a claim
	Release      *ClaimKey
	Customers    []Customer
	Tokens       []Token
	Cards        []Card
	SealedCards  []SealedCard // insert
	ForgetSealed []CardKey    // delete a sealed number (card deleted)
	Invoices     []Invoice
	Transactions []Transaction
	Attempts     []Attempt
	Refunds      []Refund
	Transitions  []Transition      // append
	Entries      []Entry           // append
	Events       []Event           // append: the outbox
	CardTries    []CardTry         // append; one of each attempt, and a second changes nothing
	Inbound      []InboundWebhook  // versioned; ErrDuplicate when the gateway configuration has that event key
	Mappings     []Mapping         // put by project, token and gateway configuration
	Links        []CustomerLink    // put by project, customer and gateway configuration; ErrDuplicate when the PSP's customer is another's
	Unlinks      []CustomerLink    // delete by project, customer and gateway configuration
	Alerts       []Alert           // versioned; a first version that exists already changes nothing
	Jobs         []Job             // put by key
	DoneJobs     []JobDone         // delete
	Endpoints    []WebhookEndpoint // versioned
	Ended        []DeliveryEnd     // end a held try; ErrFenced when its lease was lost
	FannedOut    []OutboxEntry     // delete; ErrFenced when another instance has been faster
	Deliveries   []Delivery        // append; one waits while another of its subject is on its way to the same target
	Replays      []Replay          // versioned
	Learned      *Learned          // put: there is one
	LearnedNews  []LearnedNews     // append; those that are older than LearnedNewsKept are deleted with it
	// What operators decide about routing. ErrConflict also when a RoutingEvent has a number that is taken.
	PolicyVersions []PolicyVersion // insert; one that is there already changes nothing
	PolicyConfigs  []PolicyConfig  // likewise
	Routing        *RoutingState   // versioned
	RoutingEvents  []RoutingEvent  // append
}

// LearnedNewsKept is how long other instances have to read what one has seen.
const LearnedNewsKept = time.Hour

// CardKey names a card.
type CardKey struct{ ProjectID, CardID string }

// ClaimKey names an idempotency key. Scope is kind of credential, method and path.
type ClaimKey struct{ ProjectID, Scope, Key string }

// ClaimRequest is what a caller brings for an idempotent call; nil means that the call has no key.
type ClaimRequest struct {
	Scope, Key  string
	Fingerprint []byte // keyed HMAC over the request's canonical fields
}

// Claim is an idempotency key with, at the end, the answer it was given.
type Claim struct {
	ClaimKey
	Fingerprint []byte
	AttemptID   string    // the attempt that decides the answer; empty when the answer came at once
	Snapshot    *Snapshot // nil while the outcome is not known
	CreatedAt   time.Time
}

// Answer finishes a claim.
type Answer struct {
	ClaimKey
	Snapshot Snapshot
}

// Snapshot is what an answer is rendered from: the objects as they were when the answer was decided. Rendering is a pure
// function of the snapshot and the request, so that a replay has the same bytes.
type Snapshot struct {
	Customer    *Customer        `json:"customer,omitempty"`
	Token       *Token           `json:"token,omitempty"`
	Card        *Card            `json:"card,omitempty"`
	Invoice     *Invoice         `json:"invoice,omitempty"`
	Transaction *Transaction     `json:"transaction,omitempty"`
	Attempts    []Attempt        `json:"attempts,omitempty"`
	Refunds     []Refund         `json:"refunds,omitempty"`
	Refund      *Refund          `json:"refund,omitempty"`
	Action      *CustomerAction  `json:"action,omitempty"`
	Endpoint    *WebhookEndpoint `json:"endpoint,omitempty"`
	Code        string           `json:"code,omitempty"` // the error or decline code; empty for success
	Message     string           `json:"message,omitempty"`
}

// Transition is one step of a state machine, kept for ever.
type Transition struct {
	ProjectID string
	Subject   string // "transaction", "attempt", "token"
	SubjectID string
	From, To  string
	Why       string // a sentence for people
	At        time.Time
}

// EntryKind is what an entry of the money ledger says.
type EntryKind string

// The kinds of money movement.
const (
	EntryAuthorized EntryKind = "authorized"
	EntryCaptured   EntryKind = "captured"
	EntryRefunded   EntryKind = "refunded"
	EntryVoided     EntryKind = "voided"
)

// Entry is one confirmed movement of money at a PSP.
type Entry struct {
	ProjectID              string
	TransactionID          string // empty for a token verification
	AttemptID              string
	GatewayConfigurationID string
	Kind                   EntryKind
	Amount                 Money
	At                     time.Time
}

// Event is something a merchant is told. It is written with the change that it tells of.
type Event struct {
	ProjectID  string    `json:"project_id"`
	ID         string    `json:"id"`
	Name       string    `json:"name"`
	Snapshot   Snapshot  `json:"snapshot"`
	WebhookURL string    `json:"webhook_url,omitempty"` // of the invoice or token, beside the project's endpoints
	Sandbox    bool      `json:"sandbox"`
	FiredAt    time.Time `json:"fired_at"`
}

// Names of events.
const (
	EventCustomerCreated        = "customer.created"
	EventCustomerUpdated        = "customer.updated"
	EventCustomerDeleted        = "customer.deleted"
	EventTokenCreated           = "customer.token.created"
	EventTokenUpdated           = "customer.token.updated"
	EventTokenDeleted           = "customer.token.deleted"
	EventTransactionAuthorized  = "transaction.authorized"
	EventTransactionCaptured    = "transaction.captured"
	EventTransactionFailed      = "transaction.failed"
	EventTransactionVoided      = "transaction.voided"
	EventTransactionRefunded    = "transaction.refunded"
	EventTransactionInReview    = "transaction.in-review"
	EventTransactionIncremented = "transaction.authorization-incremented"
)

// JobKind is a kind of background work.
type JobKind string

// The kinds of background work.
const (
	JobAsk     JobKind = "ask"     // find out what became of an attempt
	JobReverse JobKind = "reverse" // give the money of a verification or of a late charge back
	JobEnrol   JobKind = "enrol"   // save a token's card at the PSP that approved it
	JobForget  JobKind = "forget"  // delete a saved method at a PSP
	JobCapture JobKind = "capture" // an auto_capture_at that has come
	JobNotice  JobKind = "notice"  // look at a PSP's webhook
	JobRecheck JobKind = "recheck" // ask once more about a charge that was concluded not to have happened
)

// Job is durable background work, due at RunAt. A worker holds it until LeaseUntil under a fence number that grows with
// every lease, so that a worker that lost its lease cannot finish it.
type Job struct {
	ProjectID  string
	Key        string // unique in the project: kind and subject
	Kind       JobKind
	SubjectID  string // attempt id, token id or invoice id
	Payload    json.RawMessage
	RunAt      time.Time
	LeaseUntil time.Time
	Fence      int64
	Tries      int
	CreatedAt  time.Time
}

// JobDone deletes a job. Fence 0 deletes it whoever holds it: the work has become pointless.
type JobDone struct {
	ProjectID, Key string
	Fence          int64
}

// Page asks for a part of a list. Newest first unless Ascending. StartAfter and EndBefore are ids, the cursor itself left
// out; at most one is set.
type Page struct {
	Limit      int // 1 to 100
	StartAfter string
	EndBefore  string
	Ascending  bool
}

// List is a part of a list. Items are in the order asked for.
type List[T any] struct {
	Items   []T
	HasMore bool
}

// InboundState is what came of a PSP's webhook.
type InboundState string

// The states of an inbound webhook.
const (
	InboundReceived InboundState = "received" // stored and acknowledged; not looked at yet
	InboundApplied  InboundState = "applied"  // the PSP was asked about the attempts that it names
	InboundIgnored  InboundState = "ignored"  // it names nothing that is open
)

// InboundWebhook is a PSP's webhook as it came in and was verified, with what came of it. EventKey is the PSP's own event id,
// or a hash of the body where it has none: a repeat has the same.
type InboundWebhook struct {
	ID                     string       `json:"id"`
	GatewayConfigurationID string       `json:"gateway_configuration_id"`
	PSP                    string       `json:"psp"`
	EventKey               string       `json:"event_key"`
	Version                int64        `json:"version"`
	State                  InboundState `json:"state"`
	Result                 string       `json:"result,omitempty"` // a sentence for operators
	Notice                 Notice       `json:"notice"`
	Body                   []byte       `json:"body"`
	ReceivedAt             time.Time    `json:"received_at"`
	AppliedAt              time.Time    `json:"applied_at,omitzero"`
}
