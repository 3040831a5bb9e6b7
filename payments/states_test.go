package payments

import (
	"slices"
	"testing"
)

// TestTransactionMoves names every legal transition; whatever is not named must be refused.
func TestTransactionMoves(t *testing.T) {
	t.Parallel()
	legal := map[[2]TransactionStatus]bool{
		{StatusWaiting, StatusPending}:           true,
		{StatusPending, StatusAuthorized}:        true,
		{StatusPending, StatusCompleted}:         true,
		{StatusPending, StatusFailed}:            true,
		{StatusPending, StatusReview}:            true,
		{StatusFailed, StatusPending}:            true,
		{StatusAuthorized, StatusPendingCapture}: true,
		{StatusAuthorized, StatusVoided}:         true,
		{StatusPendingCapture, StatusCompleted}:  true,
		{StatusPendingCapture, StatusAuthorized}: true,
		{StatusPendingCapture, StatusReview}:     true,
		{StatusCompleted, StatusPendingCapture}:  true,
		{StatusCompleted, StatusRefunded}:        true,
		{StatusReview, StatusAuthorized}:         true,
		{StatusReview, StatusCompleted}:          true,
		{StatusReview, StatusFailed}:             true,
	}
	for _, from := range TransactionStatuses() {
		for _, to := range TransactionStatuses() {
			if got, want := from.CanBecome(to), legal[[2]TransactionStatus{from, to}]; got != want {
				t.Errorf("%s -> %s: legal is %v, want %v", from, to, got, want)
			}
		}
	}
}

func TestAttemptMoves(t *testing.T) {
	t.Parallel()
	open := []AttemptState{AttemptSent, AttemptUnknown, AttemptPending, AttemptAction}
	for _, from := range AttemptStates() {
		isOpen := slices.Contains(open, from)
		if from.Open() != isOpen {
			t.Errorf("%s: Open is %v, want %v", from, from.Open(), isOpen)
		}
		for _, to := range AttemptStates() {
			want := isOpen && to != from && to != AttemptSent && to != AttemptLate && to != AttemptReversed // nothing goes back to "sent"
			if to == AttemptLate {
				want = from == AttemptDeclined || from == AttemptFailed
			}
			if to == AttemptReversed {
				want = from == AttemptLate
			}
			if got := from.CanBecome(to); got != want {
				t.Errorf("%s -> %s: legal is %v, want %v", from, to, got, want)
			}
		}
	}
}

func TestVerificationMoves(t *testing.T) {
	t.Parallel()
	legal := map[[2]VerificationStatus]bool{
		{VerificationNotRequested, VerificationPending}: true,
		{VerificationPending, VerificationSuccess}:      true,
		{VerificationPending, VerificationFailed}:       true,
		{VerificationPending, VerificationUnknown}:      true,
		{VerificationFailed, VerificationPending}:       true,
		{VerificationUnknown, VerificationPending}:      true,
		{VerificationUnknown, VerificationSuccess}:      true,
		{VerificationUnknown, VerificationFailed}:       true,
	}
	for _, from := range VerificationStatuses() {
		for _, to := range VerificationStatuses() {
			if got, want := from.CanBecome(to), legal[[2]VerificationStatus{from, to}]; got != want {
				t.Errorf("%s -> %s: legal is %v, want %v", from, to, got, want)
			}
		}
	}
}

func TestTokenChargeable(t *testing.T) {
	t.Parallel()
	for _, status := range VerificationStatuses() {
		card := Token{Type: TokenCard, Verification: status}
		want := status == VerificationSuccess || status == VerificationNotRequested
		if got := card.Chargeable(); got != want {
			t.Errorf("a card token that is %s: chargeable is %v, want %v", status, got, want)
		}
		if empty := (&Token{Type: TokenPending, Verification: status}); empty.Chargeable() {
			t.Errorf("a token without a source that is %s can be charged", status)
		}
	}
}
