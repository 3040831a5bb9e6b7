package dojo

import "switchyard/payments"

// The statuses of a payment intent.
const (
	intentCreated    = "Created"
	intentAuthorized = "Authorized"
	intentCaptured   = "Captured"
	intentReversed   = "Reversed"
	intentRefunded   = "Refunded"
	intentCanceled   = "Canceled"
)

// meaning is what a status says of an operation. Dojo has no codes for declines, only these words; a card's reason is shown to
// the payer on the page and to nobody else.
type meaning struct {
	status payments.OutcomeStatus
	code   payments.Code // of a decline; with no status: why the outcome is not known
}

// intentOutcomes says what the status of an intent means for its charge.
var intentOutcomes = map[string]meaning{
	intentCreated:    {status: payments.Pending},
	intentAuthorized: {status: payments.Approved}, // of a sale: not yet
	intentCaptured:   {status: payments.Approved},
	intentRefunded:   {status: payments.Approved},
	intentReversed:   {status: payments.Declined, code: payments.GatewayExpired},
	intentCanceled:   {status: payments.Declined, code: payments.GatewayExpired},
}

// chargeOutcomes says what the answer to a charge of a setup intent means.
var chargeOutcomes = map[string]meaning{
	"Created":    {status: payments.Pending},
	"Successful": {status: payments.Approved},
	"Declined":   {status: payments.Declined, code: payments.PaymentDeclined},
	// The acquirer failed with the payment in hand. Dojo is asked, and the intent deleted, before anything else is tried.
	"Failed": {code: payments.CardAcquirerFailed},
}

// captureOutcomes says what the status of a capture means.
var captureOutcomes = map[string]meaning{
	"Created":    {status: payments.Pending},
	"Successful": {status: payments.Approved},
	"Declined":   {status: payments.Declined, code: payments.PaymentDeclined},
	"Failed":     {status: payments.Declined, code: payments.GatewayDeclined},
}

// The statuses of a setup intent that are told apart by name.
const (
	setupCreated   = "Created"
	setupCanceled  = "Canceled"
	setupCompleted = "Completed"
	setupExpired   = "Expired"
)

// setupOutcomes says what the status of a setup intent means for the payer's agreement.
var setupOutcomes = map[string]meaning{
	setupCreated:   {status: payments.Pending},
	"Authorized":   {status: payments.Approved},
	setupCompleted: {status: payments.Approved}, // and charged
	setupCanceled:  {status: payments.Declined, code: payments.GatewayExpired},
	setupExpired:   {status: payments.Declined, code: payments.GatewayExpired},
	"CardExpired":  {status: payments.Declined, code: payments.CardExpired},
	// The agreement was withdrawn. To charge the payer elsewhere would get round that.
	"Closed": {status: payments.Declined, code: payments.CustomerPaymentMethodRevoked},
}

// outcome is the outcome that a status stands for. An unknown status, and one that leaves the outcome open, is a fault.
func outcome(table map[string]meaning, word string) (payments.Outcome, error) {
	m, known := table[word]
	switch {
	case !known:
		return payments.Outcome{}, unexpected("anything with a status that is known")
	case m.status == "":
		return payments.Outcome{}, &payments.Fault{Kind: payments.Unknown, Code: m.code, RawCode: word}
	case m.status == payments.Declined:
		return payments.Outcome{Status: m.status, Code: m.code, RawCode: word}, nil
	}
	return payments.Outcome{Status: m.status}, nil
}
