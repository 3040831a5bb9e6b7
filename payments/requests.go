package payments

import (
	"context"
	"time"
)

// Source is what is charged: exactly one of an opened card and a method saved at the PSP.
type Source struct {
	Card   *CardData
	Method string // the PSP's reference of the saved method
	CVC    Secret // a fresh CVC for a saved method, when the payer gave one
}

// Payer is what a PSP may be told of the payer. Everything may be empty.
type Payer struct {
	CustomerID  string // ours
	CustomerRef string // the PSP's own, when mapped
	FirstName   string
	LastName    string
	Email       string
	Phone       string // international form, "+" and digits
	CountryCode string // ISO 3166-1 alpha-2
	IPAddress   string
	UserAgent   string
}

// AuthorizeRequest asks a PSP to hold (Capture false) or take (Capture true) money.
type AuthorizeRequest struct {
	Reference            string // 32 letters and digits, unique for ever
	Amount               Money
	Capture              bool
	Incremental          bool // the hold may be raised later
	Save                 bool // save the method at the PSP, where the charging call can do that
	StepUp               bool // the issuer wants the payer authenticated: ask for 3-D Secure (an adapters.StepUpper)
	Source               Source
	Payer                Payer
	Description          string
	StatementDescriptor  string
	ReturnURL            string // where the PSP sends the payer back to after an action
	Initiation           Initiation
	PaymentIntent        string       // "recurring", "unscheduled", …: the merchant API's words; empty for one-off
	NetworkTransactionID string       // of the first payment, for merchant-initiated ones
	Refs                 ProviderRefs // known from an earlier try of this same attempt
	// Note makes references durable before the charging call is sent. An adapter whose PSP needs a step before that call
	// must call it in between and must not charge when it fails.
	Note func(ctx context.Context, refs ProviderRefs) error
}

// VerifyRequest asks a PSP to check a card without taking money, and to save it where it can.
type VerifyRequest struct {
	Reference string
	Currency  Currency
	Source    Source
	Payer     Payer
	ReturnURL string
	Refs      ProviderRefs
	Note      func(ctx context.Context, refs ProviderRefs) error
}

// ContinueRequest brings the result of a payer's step to the PSP that asked for it. It is the same attempt: the reference and
// what was noted of it are those of the call that was answered with the action.
type ContinueRequest struct {
	Operation   Operation // authorize, sale or verify
	Reference   string
	Amount      Money
	Capture     bool
	Incremental bool
	Refs        ProviderRefs
	Payer       Payer
	ReturnURL   string
	Result      string // what the payer's device came back with: outside text, "gway_req_…"
}

// CaptureRequest asks for a hold's money, or a part of it.
type CaptureRequest struct {
	Reference string
	Refs      ProviderRefs // of the approved charge
	Amount    Money
	Before    Totals
}

// VoidRequest asks to release what is left of a hold.
type VoidRequest struct {
	Reference string
	Refs      ProviderRefs // of the approved charge
	Amount    Money        // what is left
	Before    Totals
}

// RefundRequest asks to give captured money back, or a part of it.
type RefundRequest struct {
	Reference string
	Refs      ProviderRefs // of the approved charge
	Amount    Money
	Before    Totals
	Reason    string // customer_request, duplicate, fraud, other
}

// IncrementRequest asks to raise a hold by Amount.
type IncrementRequest struct {
	Reference string
	Refs      ProviderRefs // of the approved charge
	Amount    Money        // the extra amount
	Before    Totals
}

// LookupRequest asks what became of an operation.
type LookupRequest struct {
	Operation Operation
	Reference string       // of the attempt that is asked about
	Refs      ProviderRefs // all that is known so far
	Amount    Money
	Before    Totals
	SentAt    time.Time
}

// AbandonRequest asks a PSP to make sure that a charge which has not happened never will.
type AbandonRequest struct {
	Operation Operation
	Reference string
	Refs      ProviderRefs
}

// Fence is a PSP's answer to an AbandonRequest.
type Fence string

// The answers to an AbandonRequest.
const (
	Fenced      Fence = "fenced"      // the PSP can no longer charge
	FenceBroken Fence = "too-late"    // the PSP refused: it has charged, or may have; ask again
	FenceAbsent Fence = "unavailable" // there is nothing yet that could be fenced (no id known): absence proves nothing
)

// TokenizeRequest asks a PSP to save a card for later without charging it.
type TokenizeRequest struct {
	Reference string
	Card      CardData
	Currency  Currency
	Payer     Payer
}

// ForgetRequest asks a PSP to delete a saved method.
type ForgetRequest struct {
	Reference   string
	CustomerRef string
	MethodRef   string
}

// SessionRequest asks a PSP to open a checkout on its own page. Over the amount zero nothing is charged: the payer saves a
// method for later.
type SessionRequest struct {
	Reference           string
	Amount              Money
	Capture             bool
	Save                bool // the payer may save the method
	ShowSaved           bool // offer the methods that the customer has saved at the PSP
	PreferredMethod     string
	Payer               Payer
	Description         string
	StatementDescriptor string
	ReturnURL           string // after success
	CancelURL           string // after failure, or when the payer gives up; empty means ReturnURL
	ExpiresAt           time.Time
	Refs                ProviderRefs
	Note                func(ctx context.Context, refs ProviderRefs) error
}

// SavedMethod is a payment method that a PSP keeps for a customer.
type SavedMethod struct {
	MethodRef string
	Card      CardFacts // as far as the PSP tells
	Usable    bool
	CreatedAt time.Time
}

// WebhookDelivery is what came in at a webhook address, as it came.
type WebhookDelivery struct {
	Header     map[string][]string // canonical names, as net/http has them
	Body       []byte
	ReceivedAt time.Time
}

// Notice is what a verified webhook is about. Whatever it claims, the PSP is asked before anything moves.
type Notice struct {
	EventID   string       `json:"event_id,omitempty"`  // the PSP's own; empty when it has none, and the content tells repeats apart
	Type      string       `json:"type"`                // the PSP's own name of the event
	Reference string       `json:"reference,omitempty"` // ours, when the event carries it
	Refs      ProviderRefs `json:"refs,omitzero"`
}
