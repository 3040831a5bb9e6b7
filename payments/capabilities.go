package payments

import "time"

// Capabilities are what a PSP declares that code cannot show. The router filters on them and the table in the
// documentation is made from them.
type Capabilities struct {
	// HostedOnly: the payer enters or confirms the method on the PSP's own page. No card of ours is ever sent there; the only
	// charges without a page are merchant-initiated ones of a method that the PSP has saved for that.
	HostedOnly        bool
	Currencies        []Currency         // nil means every ISO 4217 currency
	Countries         []string           // ISO 3166-1 alpha-2 countries of merchants; nil means everywhere; for the documentation
	Schemes           []Scheme           // nil means every scheme
	MinAmount         map[Currency]int64 // minor units
	MaxAmount         map[Currency]int64 // minor units
	AmountStep        map[Currency]int64 // amounts must be a multiple of it: 100 for a PSP that takes whole rupiah only
	NeedsCVC          bool               // a card is charged only with its CVC
	NeedsCVCSaved     bool               // a saved method is charged only with a fresh CVC
	SavesInline       bool               // the charging call can save the method
	MerchantInitiated bool               // takes merchant-initiated payments
	// MerchantInitiatedSaleOnly: a merchant-initiated payment takes the money at once; it cannot hold it.
	MerchantInitiatedSaleOnly bool
	PageSaves                 bool // the PSP's page can save a method without charging it
	ManualCapture             bool
	PartialCapture            bool
	MultiCapture              bool // several captures of one hold
	PartialRefund             bool
	ZeroVerify                bool          // verifies a card without holding money
	CaptureWindow             time.Duration // how long a hold can be captured
	Idempotency               string        // "header", "reference" or "none"
	Units                     string        // "minor" or "major", for the documentation
	Recovery                  map[Operation]Recovery
}

// AskBy names how the outcome of an operation is found out at a PSP.
type AskBy string

// The ways to ask.
const (
	AskByReference AskBy = "reference" // by our own reference
	AskBySession   AskBy = "session"   // by an id that was durable before the call
	AskByTotals    AskBy = "totals"    // by comparing the payment's totals with those before
)

// Recovery declares what helps after an unknown outcome of one operation.
type Recovery struct {
	Ask AskBy
	// Resend: the same call with the same reference is the same operation at the PSP, whether or not the first arrived.
	Resend bool
	// Fence: the PSP can confirm that the charge will never happen (the adapter is an Abandoner).
	Fence bool
	// AbsenceAfter is the PSP's longest processing time: two "not found" answers later than this after sending prove that
	// the operation did not and will not happen. Zero: absence never proves anything.
	AbsenceAfter time.Duration
}
