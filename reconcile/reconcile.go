// Package reconcile compares the charges that the store knows with those that a PSP has: with its list of charges, with its
// answers about each one where it has no list, or with its settlement file. It changes nothing, here or there.
//
// Compare is the comparison, and pure. Run reads both sides for it.
package reconcile

import (
	"time"

	"switchyard/payments"
)

// Class says how the two sides differ.
type Class string

// The classes of difference.
const (
	MissingHere  Class = "missing-here"  // the PSP has a charge or a refund that the store does not know
	MissingThere Class = "missing-there" // the store says approved, and the PSP shows nothing
	Amount       Class = "amount"        // both have it, with other amounts
	Status       Class = "status"        // both have it, and one of them calls it held, taken, released or given back
	Duplicate    Class = "duplicate"     // the PSP keeps the money of more than one charge for one reference
	Late         Class = "late"          // it ended here as not done, and the PSP has it
)

// Classes lists the classes.
func Classes() []Class { return []Class{MissingHere, MissingThere, Amount, Status, Duplicate, Late} }

// Source is what the store was compared with.
type Source string

// The sources.
const (
	FromList       Source = "list"       // the PSP's list of charges
	FromLookups    Source = "lookups"    // a question about each charge: this PSP has no list, so that what only it has does not show
	FromSettlement Source = "settlement" // a settlement file
)

// Charge is one charge as the store knows it.
type Charge struct {
	Attempt       payments.Attempt   // the try that charges
	Totals        payments.Totals    // what is confirmed of it; all zero unless it was approved
	Steps         []payments.Attempt // its captures, voids, increments and refunds, oldest first, whatever became of them
	Open          bool               // something about it is still to be learnt or to be given back
	ChangedAt     time.Time          // when the store last learnt something of it
	CapturedAt    time.Time          // when its money was taken; zero when it was not
	PaidOtherwise bool               // another try has paid the same invoice
}

// Row is a row of the other side.
type Row struct {
	payments.Listed
	Settled bool // of a settlement file: the reference may be the charge's or the refund's, and the one id stands for any of the PSP's
}

// Input is what Compare compares.
type Input struct {
	GatewayID, PSP string
	Source         Source
	Since, Until   time.Time // the window: what nobody here knows counts only when the PSP made it within
	AsOf           time.Time // when the reading of the other side began: what changed here since proves nothing
	Charges        []Charge  // those sent within the window, and older ones that rows are about
	Rows           []Row
	Unanswered     map[string]bool // ids of attempts about which the PSP was asked and gave no answer
	LastSettled    time.Time       // of a settlement file: what was taken later is not expected in it
}

// Comparison is what came of comparing one gateway configuration.
type Comparison struct {
	GatewayID   string       `json:"gateway_configuration_id"`
	PSP         string       `json:"psp"`
	Source      Source       `json:"source"`
	Compared    int          `json:"compared"`          // charges of which both sides could be told
	Pending     int          `json:"pending"`           // still open here or there, or changed while this ran
	LookedUp    int          `json:"looked_up"`         // of those compared: asked for one by one, because the list does not show them
	Unchecked   int          `json:"unchecked"`         // asked for one by one, without an answer
	Outside     int          `json:"outside"`           // rows of the other side from outside the window that no charge of it explains
	Unsettled   int          `json:"unsettled"`         // taken after the last row of the settlement file
	Failure     string       `json:"failure,omitempty"` // why nothing could be compared
	Fees        []Fee        `json:"fees,omitempty"`    // of the settlement file, by currency
	Totals      []Totals     `json:"totals"`            // by currency, of what was compared and of what only the PSP has
	Differences []Difference `json:"differences"`
}

// Totals are sums of money on both sides, in minor units of the currency.
type Totals struct {
	Currency payments.Currency `json:"currency"`
	Here     Sums              `json:"here"`
	There    Sums              `json:"there"`
}

// Fee is what the PSP has kept, in minor units of the currency.
type Fee struct {
	Currency payments.Currency `json:"currency"`
	Minor    int64             `json:"minor"`
}

// Sums are what is held, what was taken and what was given back.
type Sums struct {
	Held     int64 `json:"held"`
	Captured int64 `json:"captured"`
	Refunded int64 `json:"refunded"`
}

// Difference is one charge or refund that the two sides do not agree about.
type Difference struct {
	Class         Class               `json:"class"`
	GatewayID     string              `json:"gateway_configuration_id"`
	PSP           string              `json:"psp"`
	Kind          payments.ListedKind `json:"kind"`
	ProjectID     string              `json:"project_id,omitempty"`
	InvoiceID     string              `json:"invoice_id,omitempty"`
	TransactionID string              `json:"transaction_id,omitempty"`
	AttemptID     string              `json:"attempt_id,omitempty"`
	Reference     string              `json:"reference,omitempty"` // what the PSP was told
	SessionRef    string              `json:"session_ref,omitempty"`
	ChargeRef     string              `json:"charge_ref,omitempty"`
	RefundRef     string              `json:"refund_ref,omitempty"`
	Currency      payments.Currency   `json:"currency"`
	Here          *Figures            `json:"here,omitempty"`
	There         *Figures            `json:"there,omitempty"`
	At            time.Time           `json:"at"`     // of the charge here, else there
	Detail        string              `json:"detail"` // what differs, in a sentence
	Advice        string              `json:"advice"` // what to do about it
}

// Figures are one side of a difference, in minor units.
type Figures struct {
	Status   string `json:"status"` // authorized, captured, refunded, voided; here also an attempt's state; there also failed
	Amount   int64  `json:"amount"` // held, or taken at once
	Captured int64  `json:"captured"`
	Refunded int64  `json:"refunded"`
}

// kept says that money is held or was taken and not given back.
func (f Figures) kept() bool {
	return f.Status == string(payments.ListedAuthorized) && f.Amount > 0 || f.Captured > f.Refunded
}

// Report is the result of a run.
type Report struct {
	At       time.Time    `json:"at"`
	Since    time.Time    `json:"since"`
	Until    time.Time    `json:"until"`
	Gateways []Comparison `json:"gateways"`
}

// Differences lists what differs at all gateway configurations.
func (r *Report) Differences() []Difference {
	list := []Difference{}
	for _, c := range r.Gateways {
		list = append(list, c.Differences...)
	}
	return list
}

// Whole says that everything could be compared: no list failed, and every question had an answer.
func (r *Report) Whole() bool {
	for _, c := range r.Gateways {
		if c.Failure != "" || c.Unchecked > 0 {
			return false
		}
	}
	return true
}
