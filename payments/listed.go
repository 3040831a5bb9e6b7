package payments

import "time"

// NotTold stands for an amount that a list does not show.
const NotTold int64 = -1

// ListQuery asks for a page of what a PSP lists. Cursor is the Next of the page before, empty for the first.
type ListQuery struct {
	Since, Until time.Time // of the charges' creation: Since is included, Until is not
	Cursor       string
}

// ListedPage is one page of what a PSP lists. Next is where the list goes on, empty when it does not.
type ListedPage struct {
	Rows []Listed
	Next string
}

// ListedKind says what a row of a list is about.
type ListedKind string

// The kinds of row.
const (
	ListedCharge ListedKind = "charge"
	ListedRefund ListedKind = "refund" // at PSPs that list refunds apart from the charges
)

// ListedStatus is what a PSP's list says became of a charge or a refund.
type ListedStatus string

// The statuses of listed charges and refunds. A charge that was given back is captured, and Refunded says how much of it.
const (
	ListedPending    ListedStatus = "pending"    // it has not ended: the payer or the PSP is still to act
	ListedAuthorized ListedStatus = "authorized" // money is held
	ListedCaptured   ListedStatus = "captured"   // money was taken
	ListedVoided     ListedStatus = "voided"     // the hold was released or has lapsed
	ListedRefunded   ListedStatus = "refunded"   // of a refund: it was made
	ListedFailed     ListedStatus = "failed"     // no money was held, taken or given back
)

// Listed is one charge or refund as a PSP's own list, or its settlement file, shows it. Amounts are minor units of
// Amount.Currency.
type Listed struct {
	Kind      ListedKind
	Reference string       // ours, as the PSP was told; empty when the list does not show it
	Refs      ProviderRefs // Charge or Session of the charge, whichever the list shows; of a refund Operation, too
	Status    ListedStatus
	Amount    Money // of a charge: what was held, or taken at once; of a refund: what was given back
	Captured  int64 // of a charge; NotTold: as Status and Amount say
	Refunded  int64 // of a charge; NotTold: rows of the same list tell
	CreatedAt time.Time
}
