package api

import (
	"context"

	"switchyard/flow"
	"switchyard/payments"
)

// engine is the part of *flow.Engine that the API calls. A refused payment is a snapshot with a code, not an error.
type engine interface {
	CreateInvoice(ctx context.Context, invoice payments.Invoice, claim *payments.ClaimRequest) (payments.Snapshot, error)
	UpdateInvoice(ctx context.Context, projectID, id string, edit func(*payments.Invoice) error, claim *payments.ClaimRequest) (payments.Snapshot, error)
	DeleteInvoice(ctx context.Context, projectID, id string, claim *payments.ClaimRequest) (payments.Snapshot, error)
	AssignCustomer(ctx context.Context, projectID, invoiceID, customerID string, claim *payments.ClaimRequest) (payments.Snapshot, error)

	Authorize(ctx context.Context, r flow.ChargeRequest) (payments.Snapshot, error)
	Capture(ctx context.Context, r flow.ChargeRequest) (payments.Snapshot, error)
	Void(ctx context.Context, r flow.AmendRequest) (payments.Snapshot, error)
	Increment(ctx context.Context, r flow.AmendRequest) (payments.Snapshot, error)
	Refund(ctx context.Context, r flow.RefundRequest) (payments.Snapshot, error)
	Verify(ctx context.Context, r flow.VerifyRequest) (payments.Snapshot, error)

	ContinueVerification(ctx context.Context, t payments.Token, source string) (s payments.Snapshot, ok bool, err error)
	Returned(ctx context.Context, projectID, attemptID, result string) (string, error)
	SavedMethods(ctx context.Context, projectID, customerID string) ([]flow.KeptMethods, error)
	// Present is the state behind an idempotency key whose answer is still open.
	Present(ctx context.Context, projectID, attemptID string) (payments.Snapshot, error)
	Explain(ctx context.Context, projectID, invoiceID string) (payments.Decision, []payments.Attempt, error)
}
