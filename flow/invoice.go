package flow

import (
	"context"
	"errors"

	"switchyard/payments"
)

// CreateInvoice stores a new invoice with its transaction. The caller has checked the merchant's fields; the engine sets
// ids, versions and times.
func (e *Engine) CreateInvoice(ctx context.Context, inv payments.Invoice, claim *payments.ClaimRequest) (payments.Snapshot, error) {
	now := e.now()
	inv.ID, inv.TransactionID, inv.ClientSecret = payments.NewID(payments.PrefixInvoice), payments.NewID(payments.PrefixTransaction), payments.NewReference()
	inv.Version, inv.CreatedAt = 1, now
	if inv.CustomerID != "" {
		if _, err := e.tokens.Customer(ctx, inv.ProjectID, inv.CustomerID); err != nil {
			return payments.Snapshot{}, err
		}
	}
	t := payments.Transaction{
		ProjectID: inv.ProjectID, ID: inv.TransactionID, InvoiceID: inv.ID, CustomerID: inv.CustomerID, Version: 1, Status: payments.StatusWaiting,
		Name: inv.Name, Currency: inv.Amount.Currency, Amount: inv.Amount.Minor, Metadata: inv.Metadata, Sandbox: inv.Sandbox, CreatedAt: now,
	}
	s := payments.Snapshot{Invoice: &inv, Transaction: &t}
	err := e.ledger.Apply(ctx, payments.Change{
		Claim: finishedClaim(inv.ProjectID, claim, s, e), Invoices: []payments.Invoice{inv}, Transactions: []payments.Transaction{t},
		Transitions: []payments.Transition{{ProjectID: inv.ProjectID, Subject: "transaction", SubjectID: t.ID, To: string(t.Status), Why: "invoice created", At: now}},
	})
	return s, err
}

// UpdateInvoice changes an invoice that nobody has tried to pay yet, or whose payment failed.
func (e *Engine) UpdateInvoice(ctx context.Context, projectID, invoiceID string, edit func(*payments.Invoice) error, claim *payments.ClaimRequest) (payments.Snapshot, error) {
	return e.changeInvoice(ctx, projectID, invoiceID, claim, nil, func(pay *payments.Payment) error {
		if err := edit(&pay.Invoice); err != nil {
			return err
		}
		t := &pay.Transaction
		t.Amount, t.Currency, t.CustomerID = pay.Invoice.Amount.Minor, pay.Invoice.Amount.Currency, pay.Invoice.CustomerID
		return nil
	})
}

// DeleteInvoice deletes an invoice that holds no money.
func (e *Engine) DeleteInvoice(ctx context.Context, projectID, invoiceID string, claim *payments.ClaimRequest) (payments.Snapshot, error) {
	return e.changeInvoice(ctx, projectID, invoiceID, claim, nil, func(pay *payments.Payment) error {
		pay.Invoice.DeletedAt = e.now()
		return nil
	})
}

// AssignCustomer links an invoice to a customer.
func (e *Engine) AssignCustomer(ctx context.Context, projectID, invoiceID, customerID string, claim *payments.ClaimRequest) (payments.Snapshot, error) {
	customer, err := e.tokens.Customer(ctx, projectID, customerID)
	if err != nil {
		return payments.Snapshot{}, err
	}
	return e.changeInvoice(ctx, projectID, invoiceID, claim, &customer, func(pay *payments.Payment) error {
		pay.Invoice.CustomerID, pay.Transaction.CustomerID = customerID, customerID
		return nil
	})
}

func (e *Engine) changeInvoice(ctx context.Context, projectID, invoiceID string, claim *payments.ClaimRequest, shown *payments.Customer, change func(*payments.Payment) error) (payments.Snapshot, error) {
	unlock, err := e.locks.lock(ctx, projectID+"/"+invoiceID)
	if err != nil {
		return payments.Snapshot{}, err
	}
	defer unlock()
	for try := 0; ; try++ {
		pay, err := e.read(ctx, projectID, invoiceID)
		if err != nil {
			return payments.Snapshot{}, err
		}
		if t := pay.Transaction; t.Status != payments.StatusWaiting && t.Status != payments.StatusFailed {
			return payments.Snapshot{}, payments.Errorf(payments.CodeValidation, "An invoice whose transaction is %s cannot be changed or deleted.", t.Status)
		}
		if err := change(pay); err != nil {
			return payments.Snapshot{}, err
		}
		pay.Invoice.Version++
		pay.Transaction.Version++
		s := snapshotOf(pay)
		s.Customer = shown
		err = e.ledger.Apply(ctx, payments.Change{Claim: finishedClaim(projectID, claim, s, e), Invoices: []payments.Invoice{pay.Invoice}, Transactions: []payments.Transaction{pay.Transaction}})
		if errors.Is(err, payments.ErrConflict) && try < maxConflicts {
			continue
		}
		return s, err
	}
}

// finishedClaim is a claim whose answer is known with the write itself.
func finishedClaim(projectID string, r *payments.ClaimRequest, s payments.Snapshot, e *Engine) *payments.Claim {
	c := claimOf(projectID, r, "", e.now())
	if c != nil {
		c.Snapshot = &s
	}
	return c
}
