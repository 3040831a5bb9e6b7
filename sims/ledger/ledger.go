// Package ledger is the simulated PSPs' book of charges: what really happened to money, whatever was answered.
// Tests audit a gateway against it.
package ledger

import (
	"sync"
	"time"
)

// State is where a charge stands.
type State string

// The states. Refunded means wholly; a partly refunded charge is Captured.
const (
	Authorized State = "authorized"
	Captured   State = "captured"
	Voided     State = "voided"
	Refunded   State = "refunded"
	Declined   State = "declined"
	Expired    State = "expired"
)

// Charge is one charge at one PSP. Amounts are minor units of the currency by ISO 4217.
type Charge struct {
	PSP string `json:"psp"`
	ID  string `json:"id"`
	// Reference is the gateway's own, as it sent it.
	Reference     string    `json:"reference"`
	AmountMinor   int64     `json:"amount_minor"`
	Currency      string    `json:"currency"`
	State         State     `json:"state"`
	CapturedMinor int64     `json:"captured_minor"`
	RefundedMinor int64     `json:"refunded_minor"`
	CreatedAt     time.Time `json:"created_at"`
	// Verification marks a charge that only proved a card.
	Verification bool `json:"verification,omitempty"`
}

type key struct{ psp, id string }

// Book holds the charges of every PSP. It is safe for concurrent use.
type Book struct {
	mu      sync.Mutex
	charges []Charge
	index   map[key]int
}

// New returns an empty book.
func New() *Book { return &Book{index: map[key]int{}} }

// Put writes a charge, in place of the one with the same PSP and id if there is one, whose time it keeps.
func (b *Book) Put(c Charge) {
	b.mu.Lock()
	defer b.mu.Unlock()
	k := key{c.PSP, c.ID}
	if i, known := b.index[k]; known {
		c.CreatedAt = b.charges[i].CreatedAt
		b.charges[i] = c
		return
	}
	if c.CreatedAt.IsZero() {
		c.CreatedAt = time.Now().UTC()
	}
	b.index[k] = len(b.charges)
	b.charges = append(b.charges, c)
}

// Charges returns a copy of every charge, oldest first.
func (b *Book) Charges() []Charge {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append(make([]Charge, 0, len(b.charges)), b.charges...)
}

// Reset forgets every charge.
func (b *Book) Reset() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.charges, b.index = nil, map[key]int{}
}
