package payments

import (
	"fmt"
	"slices"
)

// TransactionStatus is where a transaction stands; the words are those of the merchant API.
type TransactionStatus string

// The transaction states. Pending is a charge in flight or of unknown outcome, PendingCapture a capture of a hold in
// flight or of unknown outcome. Review is reached only by an operator's rule after 72 hours without certainty.
const (
	StatusWaiting        TransactionStatus = "waiting"
	StatusPending        TransactionStatus = "pending"
	StatusAuthorized     TransactionStatus = "authorized"
	StatusPendingCapture TransactionStatus = "pending-capture"
	StatusCompleted      TransactionStatus = "completed"
	StatusFailed         TransactionStatus = "failed"
	StatusVoided         TransactionStatus = "voided"
	StatusRefunded       TransactionStatus = "refunded"
	StatusReview         TransactionStatus = "in-review"
)

// transactionMoves lists every legal transition. A declined transaction may be tried again (failed → pending); a capture
// that is proven not to have happened gives the hold back (pending-capture → authorized); several partial captures and
// refunds stay where they are, which is not a move.
var transactionMoves = map[TransactionStatus][]TransactionStatus{
	StatusWaiting:        {StatusPending},
	StatusPending:        {StatusAuthorized, StatusCompleted, StatusFailed, StatusReview},
	StatusFailed:         {StatusPending},
	StatusAuthorized:     {StatusPendingCapture, StatusVoided},
	StatusPendingCapture: {StatusCompleted, StatusAuthorized, StatusReview},
	StatusCompleted:      {StatusPendingCapture, StatusRefunded},
	StatusRefunded:       {},
	StatusVoided:         {},
	StatusReview:         {StatusAuthorized, StatusCompleted, StatusFailed},
}

// CanBecome says whether the transition is legal.
func (s TransactionStatus) CanBecome(next TransactionStatus) bool {
	return slices.Contains(transactionMoves[s], next)
}

// TransactionStatuses lists all transaction states.
func TransactionStatuses() []TransactionStatus {
	return []TransactionStatus{StatusWaiting, StatusPending, StatusAuthorized, StatusPendingCapture, StatusCompleted, StatusFailed, StatusVoided, StatusRefunded, StatusReview}
}

// AttemptState is where one try at one PSP stands.
type AttemptState string

// The attempt states. Sent, Unknown, Pending and Action are open: something about them is still to be learnt.
const (
	AttemptSent     AttemptState = "sent"     // the intent is durable; the call runs, or a crash cut it off
	AttemptUnknown  AttemptState = "unknown"  // the call ended without a usable answer: the PSP may have acted
	AttemptPending  AttemptState = "pending"  // the PSP said that it is still working
	AttemptAction   AttemptState = "action"   // the PSP waits for the payer
	AttemptApproved AttemptState = "approved" // done
	AttemptDeclined AttemptState = "declined" // refused, with a code
	AttemptFailed   AttemptState = "failed"   // certainly not done: never sent, refused as a request, fenced or proven absent
	AttemptLate     AttemptState = "late"     // the PSP charged all the same, after the attempt had ended as not done: the money goes back
	AttemptReversed AttemptState = "reversed" // late, and the money is back
)

var attemptMoves = map[AttemptState][]AttemptState{
	AttemptSent:     {AttemptUnknown, AttemptPending, AttemptAction, AttemptApproved, AttemptDeclined, AttemptFailed},
	AttemptUnknown:  {AttemptPending, AttemptAction, AttemptApproved, AttemptDeclined, AttemptFailed},
	AttemptPending:  {AttemptUnknown, AttemptAction, AttemptApproved, AttemptDeclined, AttemptFailed},
	AttemptAction:   {AttemptUnknown, AttemptPending, AttemptApproved, AttemptDeclined, AttemptFailed},
	AttemptApproved: {},
	AttemptDeclined: {AttemptLate},
	AttemptFailed:   {AttemptLate},
	AttemptLate:     {AttemptReversed},
	AttemptReversed: {},
}

// CanBecome says whether the transition is legal.
func (s AttemptState) CanBecome(next AttemptState) bool {
	return slices.Contains(attemptMoves[s], next)
}

// Open says that the outcome is still to be learnt.
func (s AttemptState) Open() bool {
	return s == AttemptSent || s == AttemptUnknown || s == AttemptPending || s == AttemptAction
}

// AttemptStates lists all attempt states.
func AttemptStates() []AttemptState {
	return []AttemptState{AttemptSent, AttemptUnknown, AttemptPending, AttemptAction, AttemptApproved, AttemptDeclined, AttemptFailed, AttemptLate, AttemptReversed}
}

// RefundStatus is where a refund stands.
type RefundStatus string

// The refund states.
const (
	RefundPending   RefundStatus = "pending"
	RefundSucceeded RefundStatus = "succeeded"
	RefundFailed    RefundStatus = "failed"
)

// TokenType says what a customer token stands for.
type TokenType string

// The token types. A pending token has no source yet.
const (
	TokenPending      TokenType = "pending"
	TokenCard         TokenType = "card"
	TokenGatewayToken TokenType = "gateway_token"
)

// VerificationStatus is where the verification of a token stands.
type VerificationStatus string

// The verification states.
const (
	VerificationNotRequested VerificationStatus = "not-requested"
	VerificationPending      VerificationStatus = "pending"
	VerificationSuccess      VerificationStatus = "success"
	VerificationFailed       VerificationStatus = "failed"
	VerificationUnknown      VerificationStatus = "unknown"
)

var verificationMoves = map[VerificationStatus][]VerificationStatus{
	VerificationNotRequested: {VerificationPending},
	VerificationPending:      {VerificationSuccess, VerificationFailed, VerificationUnknown},
	VerificationFailed:       {VerificationPending},
	VerificationUnknown:      {VerificationSuccess, VerificationFailed, VerificationPending},
	VerificationSuccess:      {},
}

// CanBecome says whether the transition is legal.
func (s VerificationStatus) CanBecome(next VerificationStatus) bool {
	return slices.Contains(verificationMoves[s], next)
}

// VerificationStatuses lists all verification states.
func VerificationStatuses() []VerificationStatus {
	return []VerificationStatus{VerificationNotRequested, VerificationPending, VerificationSuccess, VerificationFailed, VerificationUnknown}
}

// Chargeable says whether the token can pay: it has a source, and its verification succeeded or was never asked for.
func (t *Token) Chargeable() bool {
	return t.Type != TokenPending && t.DeletedAt.IsZero() &&
		(t.Verification == VerificationSuccess || t.Verification == VerificationNotRequested)
}

// TransitionError says that a state machine does not know the asked transition: a bug, or a race that the version check
// turned away.
type TransitionError struct {
	Subject  string // "transaction", "attempt" or "token"
	From, To string
}

func (e *TransitionError) Error() string {
	return fmt.Sprintf("payments: a %s cannot go from %s to %s", e.Subject, e.From, e.To)
}
