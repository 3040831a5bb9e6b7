package payments

import (
	"encoding/json"
	"time"
)

// Extra holds fields that a merchant sent and that only have to come back unchanged, by their wire name.
type Extra map[string]json.RawMessage

// Project is a tenant. Sandbox projects and live projects never see each other.
type Project struct {
	ID              string    `json:"id"`
	Name            string    `json:"name"`
	Email           string    `json:"email,omitempty"`
	DefaultCurrency Currency  `json:"default_currency,omitempty"`
	Sandbox         bool      `json:"sandbox"`
	CreatedAt       time.Time `json:"created_at"`
}

// Customer is a merchant's customer. Version counts its writes and starts at 1.
type Customer struct {
	ProjectID      string            `json:"project_id"`
	ID             string            `json:"id"`
	Version        int64             `json:"version"`
	Email          string            `json:"email,omitempty"`
	FirstName      string            `json:"first_name,omitempty"`
	LastName       string            `json:"last_name,omitempty"`
	Phone          string            `json:"phone,omitempty"`
	CountryCode    string            `json:"country_code,omitempty"`
	Currency       Currency          `json:"currency,omitempty"` // set once: at creation or by the first payment
	ReferenceID    string            `json:"reference_id,omitempty"`
	DefaultTokenID string            `json:"default_token_id,omitempty"`
	Metadata       map[string]string `json:"metadata,omitempty"`
	Extra          Extra             `json:"extra,omitempty"`
	Sandbox        bool              `json:"sandbox"`
	CreatedAt      time.Time         `json:"created_at"`
	RegisteredAt   time.Time         `json:"registered_at,omitzero"`
	DeletedAt      time.Time         `json:"deleted_at,omitzero"`
}

// Card is a card in the vault, as everybody but the vault may see it. A card pays once or is put on one customer token;
// UsedBy names the attempt or the token that took it.
type Card struct {
	ProjectID       string            `json:"project_id"`
	ID              string            `json:"id"`
	Version         int64             `json:"version"`
	Facts           CardFacts         `json:"facts"`
	PreferredScheme string            `json:"preferred_scheme,omitempty"`
	UsedBy          string            `json:"used_by,omitempty"`
	Metadata        map[string]string `json:"metadata,omitempty"`
	Extra           Extra             `json:"extra,omitempty"`
	Sandbox         bool              `json:"sandbox"`
	CreatedAt       time.Time         `json:"created_at"`
	DeletedAt       time.Time         `json:"deleted_at,omitzero"`
}

// SealedCard is the vault's encrypted record of a card number. Only the vault can open it.
type SealedCard struct {
	ProjectID string
	CardID    string
	KeyID     string // the key-encryption key that wrapped the data key
	Wrapped   []byte // the record's own data key, wrapped
	Sealed    []byte // the card, sealed with the data key; the record's identity is the associated data
}

// Token is a customer token: a reusable payment method of one customer.
type Token struct {
	ProjectID                 string             `json:"project_id"`
	ID                        string             `json:"id"`
	CustomerID                string             `json:"customer_id"`
	Version                   int64              `json:"version"`
	CardID                    string             `json:"card_id,omitempty"`
	Type                      TokenType          `json:"type"`
	Verify                    bool               `json:"verify"` // asked for at creation or by a later PUT; never switched off
	Verification              VerificationStatus `json:"verification_status"`
	GatewayConfigurationID    string             `json:"gateway_configuration_id,omitempty"` // set when the token is bound to one PSP
	InvoiceID                 string             `json:"invoice_id,omitempty"`
	Summary                   string             `json:"summary,omitempty"`
	Description               string             `json:"description,omitempty"`
	ReturnURL                 string             `json:"return_url,omitempty"`
	CancelURL                 string             `json:"cancel_url,omitempty"`
	InvoiceReturnURL          string             `json:"invoice_return_url,omitempty"`
	WebhookURL                string             `json:"webhook_url,omitempty"`
	VerifyStatementDescriptor string             `json:"verify_statement_descriptor,omitempty"`
	VerifyMetadata            map[string]string  `json:"verify_metadata,omitempty"`
	ManualInvoiceCancellation bool               `json:"manual_invoice_cancellation,omitempty"`
	Metadata                  map[string]string  `json:"metadata,omitempty"`
	Extra                     Extra              `json:"extra,omitempty"`
	CreatedAt                 time.Time          `json:"created_at"`
	DeletedAt                 time.Time          `json:"deleted_at,omitzero"`
}

// Initiation says who starts a payment.
type Initiation string

// The initiations. An empty one is read as customer-initiated.
const (
	CustomerInitiated Initiation = "cit"
	MerchantInitiated Initiation = "mit"
)

// Invoice is a request for payment. It has exactly one transaction from its creation.
type Invoice struct {
	ProjectID           string            `json:"project_id"`
	ID                  string            `json:"id"`
	Version             int64             `json:"version"`
	TransactionID       string            `json:"transaction_id"`
	CustomerID          string            `json:"customer_id,omitempty"`
	TokenID             string            `json:"token_id,omitempty"`
	Name                string            `json:"name"`
	Amount              Money             `json:"amount"`
	OrderID             string            `json:"order_id,omitempty"`
	ReferenceID         string            `json:"reference_id,omitempty"`
	StatementDescriptor string            `json:"statement_descriptor,omitempty"`
	ReturnURL           string            `json:"return_url,omitempty"`
	CancelURL           string            `json:"cancel_url,omitempty"`
	WebhookURL          string            `json:"webhook_url,omitempty"`
	Initiation          Initiation        `json:"initiation_type,omitempty"`
	PaymentIntent       string            `json:"payment_intent,omitempty"`
	Verification        bool              `json:"verification,omitempty"`
	Incremental         bool              `json:"incremental,omitempty"` // set by an authorize with incremental:true
	ClientSecret        string            `json:"client_secret"`         // random text; lets a browser read and pay this invoice only
	Metadata            map[string]string `json:"metadata,omitempty"`
	Extra               Extra             `json:"extra,omitempty"`
	Sandbox             bool              `json:"sandbox"`
	AutoCaptureAt       time.Time         `json:"auto_capture_at,omitzero"`
	ExpiresAt           time.Time         `json:"expires_at,omitzero"`
	CreatedAt           time.Time         `json:"created_at"`
	DeletedAt           time.Time         `json:"deleted_at,omitzero"`
}

// Totals are a transaction's confirmed amounts in minor units.
type Totals struct {
	Authorized int64 `json:"authorized"`
	Captured   int64 `json:"captured"`
	Refunded   int64 `json:"refunded"`
	Voided     int64 `json:"voided"`
}

// Transaction is the one payment of an invoice. Its confirmed amounts are in Totals; Capturing, Refunding and Incrementing
// are what the operation in flight (InFlight, an attempt id) has reserved. The store refuses any write after which
// Captured + Capturing > Authorized or Refunded + Refunding > Captured. All amounts are minor units of Currency.
type Transaction struct {
	ProjectID              string            `json:"project_id"`
	ID                     string            `json:"id"`
	InvoiceID              string            `json:"invoice_id"`
	CustomerID             string            `json:"customer_id,omitempty"`
	TokenID                string            `json:"token_id,omitempty"`
	CardID                 string            `json:"card_id,omitempty"`
	Version                int64             `json:"version"`
	Status                 TransactionStatus `json:"status"`
	Name                   string            `json:"name"`
	Currency               Currency          `json:"currency"`
	Amount                 int64             `json:"amount"`
	Totals                 Totals            `json:"totals"`
	Capturing              int64             `json:"capturing,omitempty"`
	Refunding              int64             `json:"refunding,omitempty"`
	Incrementing           int64             `json:"incrementing,omitempty"`
	InFlight               string            `json:"in_flight,omitempty"`
	ChargeAttemptID        string            `json:"charge_attempt_id,omitempty"` // the attempt that was approved
	GatewayConfigurationID string            `json:"gateway_configuration_id,omitempty"`
	PSP                    string            `json:"psp,omitempty"`
	AttemptsCount          int               `json:"attempts_count,omitempty"`
	ErrorCode              Code              `json:"error_code,omitempty"`
	ErrorMessage           string            `json:"error_message,omitempty"`
	NetworkTransactionID   string            `json:"network_transaction_id,omitempty"`
	CVCCheck               string            `json:"cvc_check,omitempty"`
	AVSCheck               string            `json:"avs_check,omitempty"`
	Incremental            bool              `json:"incremental,omitempty"`
	Metadata               map[string]string `json:"metadata,omitempty"`
	Sandbox                bool              `json:"sandbox"`
	CreatedAt              time.Time         `json:"created_at"`
	AuthorizedAt           time.Time         `json:"authorized_at,omitzero"`
	CapturedAt             time.Time         `json:"captured_at,omitzero"`
	VoidedAt               time.Time         `json:"voided_at,omitzero"`
	RefundedAt             time.Time         `json:"refunded_at,omitzero"`
	// Refused is the decision that left nobody to try, when that was the last thing that happened: such a payment has no attempt
	// that would hold it.
	Refused *Decision `json:"refused,omitempty"`
}

// Refund is one refund of a transaction. Pending means that its outcome is not known yet.
type Refund struct {
	ProjectID     string            `json:"project_id"`
	ID            string            `json:"id"`
	TransactionID string            `json:"transaction_id"`
	AttemptID     string            `json:"attempt_id"`
	Version       int64             `json:"version"`
	Status        RefundStatus      `json:"status"`
	Amount        Money             `json:"amount"`
	Reason        string            `json:"reason,omitempty"`
	Information   string            `json:"information,omitempty"`
	Metadata      map[string]string `json:"metadata,omitempty"`
	DetailIDs     []string          `json:"invoice_detail_ids,omitempty"`
	Sandbox       bool              `json:"sandbox"`
	CreatedAt     time.Time         `json:"created_at"`
}

// Attempt is one try of one operation at one PSP. Reference is what the PSP was told; ID is its public form.
// It is written as "sent" before the call (the intent) and again with what came of it.
type Attempt struct {
	ProjectID              string            `json:"project_id"`
	ID                     string            `json:"id"`
	Reference              string            `json:"reference"`
	TransactionID          string            `json:"transaction_id,omitempty"` // empty for a token verification
	InvoiceID              string            `json:"invoice_id,omitempty"`
	TokenID                string            `json:"token_id,omitempty"`
	CustomerID             string            `json:"customer_id,omitempty"`
	CardID                 string            `json:"card_id,omitempty"`
	Scheme                 Scheme            `json:"scheme,omitempty"`   // of the card, where it is known
	CardKey                string            `json:"card_key,omitempty"` // by which declined tries are counted: a keyed hash; empty: they are not
	RefundID               string            `json:"refund_id,omitempty"`
	Version                int64             `json:"version"`
	Operation              Operation         `json:"operation"`
	State                  AttemptState      `json:"state"`
	GatewayConfigurationID string            `json:"gateway_configuration_id"`
	PSP                    string            `json:"psp"`
	Amount                 Money             `json:"amount"`
	Before                 Totals            `json:"before"` // the transaction's totals before the operation
	Refs                   ProviderRefs      `json:"refs,omitzero"`
	Code                   Code              `json:"code,omitempty"`
	Message                string            `json:"message,omitempty"`
	RawCode                string            `json:"raw_code,omitempty"`
	RawMessage             string            `json:"raw_message,omitempty"`
	NetworkCode            string            `json:"network_code,omitempty"` // the card scheme's response code, where the PSP tells it
	AdviceCode             string            `json:"advice_code,omitempty"`  // the card scheme's advice, likewise
	Fault                  FaultKind         `json:"fault,omitempty"`
	NetworkTransactionID   string            `json:"network_transaction_id,omitempty"`
	Action                 *CustomerAction   `json:"action,omitempty"`
	Questions              int               `json:"questions,omitempty"` // answered questions since the outcome became unknown
	Absences               int               `json:"absences,omitempty"`  // of those, how many said "not found", in a row
	ClaimScope             string            `json:"claim_scope,omitempty"`
	ClaimKey               string            `json:"claim_key,omitempty"`   // the idempotency key whose answer this attempt decides
	CutOff                 bool              `json:"cut_off,omitempty"`     // a crash left it behind: nobody has been told of its outcome
	Returned               bool              `json:"returned,omitempty"`    // the PSP has sent the payer back to us
	SaveSource             bool              `json:"save_source,omitempty"` // keep the card as a token of the customer, once approved
	PageEndsAt             time.Time         `json:"page_ends_at,omitzero"` // the payer acts on the PSP's own page, which closes then
	NotTried               string            `json:"not_tried,omitempty"`   // why no other PSP was tried, where the class would have allowed it
	StepUp                 bool              `json:"step_up,omitempty"`     // the PSP was asked to authenticate the payer
	Decision               *Decision         `json:"decision,omitempty"`    // on the first attempt of a charge: why it went here
	Metadata               map[string]string `json:"metadata,omitempty"`
	SentAt                 time.Time         `json:"sent_at"`
	EndedAt                time.Time         `json:"ended_at,omitzero"`
}

// OnPage says that the payer acts on the PSP's own page.
func (a *Attempt) OnPage() bool { return !a.PageEndsAt.IsZero() }

// Payment is an invoice with all that happened to it, read together.
type Payment struct {
	Invoice     Invoice
	Transaction Transaction
	Attempts    []Attempt // oldest first
	Refunds     []Refund  // oldest first
}

// Attempt returns the attempt with the given id, or nil.
func (p *Payment) Attempt(id string) *Attempt {
	for i := range p.Attempts {
		if p.Attempts[i].ID == id {
			return &p.Attempts[i]
		}
	}
	return nil
}

// Refund returns the refund with the given id, or nil.
func (p *Payment) Refund(id string) *Refund {
	for i := range p.Refunds {
		if p.Refunds[i].ID == id {
			return &p.Refunds[i]
		}
	}
	return nil
}

// CustomerAction is a step that only the payer can take.
type CustomerAction struct {
	Type     string            `json:"type"` // "url", "redirect", "fingerprint"
	Value    string            `json:"value"`
	Sealed   []byte            `json:"sealed,omitempty"` // the value as the store has it: a link may open a payer's saved cards
	Metadata map[string]string `json:"metadata,omitempty"`
}

// Mapping says how one token is known at one gateway configuration.
type Mapping struct {
	ProjectID              string        `json:"project_id"`
	TokenID                string        `json:"token_id"`
	GatewayConfigurationID string        `json:"gateway_configuration_id"`
	PSP                    string        `json:"psp"`
	CustomerRef            string        `json:"customer_ref,omitempty"`
	MethodRef              string        `json:"method_ref,omitempty"` // empty: charged with the vaulted card itself
	Status                 MappingStatus `json:"status"`
	Reason                 string        `json:"reason,omitempty"`
	Only                   Initiation    `json:"only,omitempty"` // who alone may start payments with MethodRef; empty: as the PSP's capabilities say
	Currency               Currency      `json:"currency,omitempty"`
	NetworkTransactionID   string        `json:"network_transaction_id,omitempty"`
	FirstSuccessAt         time.Time     `json:"first_success_at,omitzero"`
	LastSuccessAt          time.Time     `json:"last_success_at,omitzero"`
}

// CustomerLink says what a PSP calls one of our customers. A PSP's customer belongs to one customer of ours only, so that
// nobody is offered another's cards.
type CustomerLink struct {
	ProjectID              string    `json:"project_id"`
	CustomerID             string    `json:"customer_id"`
	GatewayConfigurationID string    `json:"gateway_configuration_id"`
	PSP                    string    `json:"psp"`
	Ref                    string    `json:"ref"`
	CreatedAt              time.Time `json:"created_at"`
}

// MappingStatus is the state of a token at one gateway configuration.
type MappingStatus string

// The mapping states.
const (
	MappingUsable   MappingStatus = "usable"
	MappingPending  MappingStatus = "pending"
	MappingFailed   MappingStatus = "failed"
	MappingUnusable MappingStatus = "unusable"
)
