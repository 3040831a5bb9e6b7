package flow

import (
	"context"
	"errors"
	"slices"

	"switchyard/adapters"
	"switchyard/crash"
	"switchyard/payments"
)

// AmendRequest asks to void or to raise a hold.
type AmendRequest struct {
	ProjectID, InvoiceID string
	Amount               string // decimal text in major units; for a void, empty means all that is left
	Metadata             map[string]string
	Claim                *payments.ClaimRequest
}

// RefundRequest asks to give captured money back.
type RefundRequest struct {
	ProjectID, InvoiceID string
	Amount               string // decimal text in major units; empty means all that is left
	Reason               string // customer_request, duplicate, fraud or other
	Information          string
	DetailIDs            []string
	Metadata             map[string]string
	Claim                *payments.ClaimRequest
}

// amendment is one operation on an approved charge.
type amendment struct {
	operation payments.Operation
	amount    payments.Money
	refund    *payments.Refund
	metadata  map[string]string
	claim     *payments.ClaimRequest
}

// Void releases what is left of a hold.
func (e *Engine) Void(ctx context.Context, r AmendRequest) (payments.Snapshot, error) {
	return e.locked(ctx, r.ProjectID, r.InvoiceID, func(pay *payments.Payment) (amendment, error) {
		t := &pay.Transaction
		if err := mustBe(t, "void", payments.StatusAuthorized); err != nil {
			return amendment{}, err
		}
		left := payments.Money{Minor: t.Totals.Authorized - t.Totals.Captured - t.Totals.Voided, Currency: t.Currency}
		if r.Amount != "" {
			part, err := partOf(r.Amount, left)
			if err != nil {
				return amendment{}, err
			}
			if part != left {
				return amendment{}, payments.Errorf(payments.CodeOperationNotSupported, "A hold can only be voided whole: leave the amount out, or give %s.", left)
			}
		}
		return amendment{operation: payments.OpVoid, amount: left, metadata: r.Metadata, claim: r.Claim}, nil
	})
}

// Increment raises a hold that was placed with incremental:true.
func (e *Engine) Increment(ctx context.Context, r AmendRequest) (payments.Snapshot, error) {
	return e.locked(ctx, r.ProjectID, r.InvoiceID, func(pay *payments.Payment) (amendment, error) {
		t := &pay.Transaction
		if err := mustBe(t, "increment", payments.StatusAuthorized); err != nil {
			return amendment{}, err
		}
		if !t.Incremental {
			return amendment{}, payments.NewError(payments.CodeOperationNotSupported, "This hold cannot be raised: authorize with incremental:true.")
		}
		extra, err := payments.ParseAmount(r.Amount, t.Currency)
		if err != nil {
			return amendment{}, err
		}
		if extra.Minor <= 0 {
			return amendment{}, payments.NewError(payments.CodeInvalidAmount, "The extra amount must be more than 0.")
		}
		return amendment{operation: payments.OpIncrement, amount: extra, metadata: r.Metadata, claim: r.Claim}, nil
	})
}

// Refund gives captured money back, whole or in part, as often as something is left.
func (e *Engine) Refund(ctx context.Context, r RefundRequest) (payments.Snapshot, error) {
	return e.locked(ctx, r.ProjectID, r.InvoiceID, func(pay *payments.Payment) (amendment, error) {
		t := &pay.Transaction
		if err := mustBe(t, "refund", payments.StatusCompleted, payments.StatusRefunded); err != nil {
			return amendment{}, err
		}
		left := payments.Money{Minor: t.Totals.Captured - t.Totals.Refunded, Currency: t.Currency}
		if left.Minor <= 0 {
			return amendment{}, payments.NewError(payments.CodeInvalidAmount, "Everything that was captured has been refunded already.")
		}
		amount := left
		if r.Amount != "" {
			part, err := partOf(r.Amount, left)
			if err != nil {
				return amendment{}, err
			}
			amount = part
		}
		refund := &payments.Refund{
			ProjectID: r.ProjectID, ID: payments.NewID(payments.PrefixRefund), TransactionID: t.ID, Status: payments.RefundPending,
			Amount: amount, Reason: r.Reason, Information: r.Information, Metadata: r.Metadata, DetailIDs: r.DetailIDs, Sandbox: t.Sandbox, CreatedAt: e.now(),
		}
		return amendment{operation: payments.OpRefund, amount: amount, refund: refund, metadata: r.Metadata, claim: r.Claim}, nil
	})
}

// captureHold takes the money of a hold, or a part of it.
func (e *Engine) captureHold(ctx context.Context, pay *payments.Payment, r ChargeRequest) (payments.Snapshot, error) {
	return e.amend(ctx, pay, func(pay *payments.Payment) (amendment, error) {
		t := &pay.Transaction
		if err := mustBe(t, "capture", payments.StatusAuthorized, payments.StatusCompleted); err != nil {
			return amendment{}, err
		}
		capabilities := e.gateways[t.GatewayConfigurationID].Capabilities
		left := payments.Money{Minor: t.Totals.Authorized - t.Totals.Captured - t.Totals.Voided, Currency: t.Currency}
		if left.Minor <= 0 || t.Status == payments.StatusCompleted && !capabilities.MultiCapture {
			return amendment{}, payments.NewError(payments.CodeValidation, "This invoice has been paid already.")
		}
		amount := left
		if r.Amount != "" {
			part, err := partOf(r.Amount, left)
			if err != nil {
				return amendment{}, err
			}
			amount = part
		}
		if amount != left && !capabilities.PartialCapture {
			return amendment{}, payments.Errorf(payments.CodeOperationNotSupported, "%s captures a hold only whole: leave capture_amount out, or give %s.", t.PSP, left)
		}
		return amendment{operation: payments.OpCapture, amount: amount, metadata: r.Metadata, claim: r.Claim}, nil
	})
}

// mustBe checks the state machine before anything is written.
func mustBe(t *payments.Transaction, verb string, legal ...payments.TransactionStatus) error {
	if t.InFlight != "" || t.Status == payments.StatusPending || t.Status == payments.StatusPendingCapture {
		return stillProcessing()
	}
	if slices.Contains(legal, t.Status) {
		return nil
	}
	return payments.Errorf(payments.CodeValidation, "An invoice whose transaction is %s has nothing to %s.", t.Status, verb)
}

func (e *Engine) locked(ctx context.Context, projectID, invoiceID string, plan func(*payments.Payment) (amendment, error)) (payments.Snapshot, error) {
	unlock, err := e.locks.lock(ctx, projectID+"/"+invoiceID)
	if err != nil {
		return payments.Snapshot{}, err
	}
	defer unlock()
	pay, err := e.read(ctx, projectID, invoiceID)
	if err != nil {
		return payments.Snapshot{}, err
	}
	return e.amend(ctx, pay, plan)
}

// amend runs one operation on the approved charge: intent, call, outcome. There is no other candidate: the money is where
// it is.
func (e *Engine) amend(ctx context.Context, pay *payments.Payment, plan func(*payments.Payment) (amendment, error)) (payments.Snapshot, error) {
	s := &subject{pay: pay}
	var id string
	for try := 0; ; try++ {
		m, err := plan(s.pay)
		if err != nil {
			return payments.Snapshot{}, err
		}
		id, err = e.beginAmendment(ctx, s, m)
		if errors.Is(err, payments.ErrConflict) && try < maxConflicts {
			if s.pay, err = e.read(ctx, pay.Invoice.ProjectID, pay.Invoice.ID); err != nil {
				return payments.Snapshot{}, err
			}
			continue
		}
		if err != nil {
			return payments.Snapshot{}, err
		}
		break
	}
	ctx = context.WithoutCancel(ctx)
	deadline := e.now().Add(e.limits.PayerBudget)
	call := e.amendmentCall(s, id)
	var final payments.Snapshot
	a := s.pay.Attempt(id)
	r := e.guarded(ctx, a, e.gateways[a.GatewayConfigurationID].Timeout, call)
	if stateAfter(r) == payments.AttemptUnknown {
		if err := e.settle(ctx, s, id, r, settling{askAt: e.firstAsked(s.pay.Attempt(id), r, deadline), final: &final}); err != nil {
			return payments.Snapshot{}, err
		}
		news, known := e.resolve(ctx, s, id, deadline, call)
		if !known {
			return final, nil
		}
		r = news
	}
	err := e.settle(ctx, s, id, r, settling{last: true, askAt: e.now().Add(questionInterval), final: &final})
	if errors.Is(err, payments.ErrConflict) && concluded(r) {
		return final, nil // the worker goes on asking
	}
	if errors.Is(err, payments.ErrConflict) {
		err = stillProcessing()
	}
	return final, err
}

// beginAmendment makes the intent durable and reserves its money.
func (e *Engine) beginAmendment(ctx context.Context, s *subject, m amendment) (string, error) {
	t := &s.pay.Transaction
	charge := s.pay.Attempt(t.ChargeAttemptID)
	if charge == nil {
		return "", payments.NewError(payments.CodeValidation, "This invoice has no approved charge.")
	}
	gateway, ok := e.gateways[charge.GatewayConfigurationID]
	if !ok {
		return "", payments.NewError(payments.CodeGatewayNotAvailable, "The gateway configuration that charged this invoice is not configured any more.")
	}
	if err := supports(gateway, m.operation); err != nil {
		return "", err
	}
	d := e.draft(s)
	ref := payments.NewReference()
	a := payments.Attempt{
		ProjectID: t.ProjectID, ID: payments.AttemptID(ref), Reference: ref, TransactionID: t.ID, InvoiceID: t.InvoiceID, CustomerID: t.CustomerID,
		Operation: m.operation, GatewayConfigurationID: gateway.ID, PSP: gateway.PSP, Amount: m.amount, Before: t.Totals, Metadata: m.metadata,
		Refs: payments.ProviderRefs{Session: charge.Refs.Session, Charge: charge.Refs.Charge, Customer: charge.Refs.Customer, Method: charge.Refs.Method},
	}
	if m.claim != nil {
		a.ClaimScope, a.ClaimKey = m.claim.Scope, m.claim.Key
		d.claim = claimOf(t.ProjectID, m.claim, a.ID, d.now)
	}
	if m.refund != nil {
		a.RefundID, m.refund.AttemptID = m.refund.ID, a.ID
		s.pay.Refunds = append(s.pay.Refunds, *m.refund)
		d.refunds[m.refund.ID] = true
		d.refundID = m.refund.ID
	}
	if err := d.reserve(m); err != nil {
		return "", err
	}
	t.InFlight, d.transaction = a.ID, true
	d.addAttempt(a)
	d.change.Jobs = append(d.change.Jobs, askJob(&a, d.now.Add(gateway.Timeout+leaseGrace), d.now))
	crash.Point(crash.BeforeIntent)
	if err := d.commit(ctx, e); err != nil {
		return "", err
	}
	crash.Point(crash.AfterIntent)
	return a.ID, nil
}

// reserve books the amount as in flight; the store's money guards refuse what does not add up.
func (d *draft) reserve(m amendment) error {
	t := &d.pay.Transaction
	switch m.operation {
	case payments.OpCapture:
		t.Capturing = m.amount.Minor
		return d.moveTransaction(payments.StatusPendingCapture, "capture sent to "+t.PSP)
	case payments.OpRefund:
		t.Refunding = m.amount.Minor
	case payments.OpIncrement:
		t.Incrementing = m.amount.Minor
	case payments.OpVoid, payments.OpAuthorize, payments.OpSale, payments.OpVerify, payments.OpTokenize, payments.OpLookup, payments.OpAbandon:
	}
	return nil
}

func supports(g Gateway, op payments.Operation) error {
	ok := true
	switch op {
	case payments.OpVoid:
		_, ok = g.Adapter.(adapters.Voider)
	case payments.OpIncrement:
		_, ok = g.Adapter.(adapters.Incrementer)
	case payments.OpAuthorize, payments.OpSale, payments.OpCapture, payments.OpRefund, payments.OpVerify, payments.OpTokenize, payments.OpLookup, payments.OpAbandon:
	}
	if !ok {
		return payments.Errorf(payments.CodeOperationNotSupported, "%s cannot %s a charge.", g.PSP, op)
	}
	return nil
}

// amendmentCall speaks to the PSP that holds the money. The same reference makes a resend the same operation, where the
// PSP honours it.
func (e *Engine) amendmentCall(s *subject, id string) func(context.Context) (payments.Outcome, error) {
	return func(ctx context.Context) (payments.Outcome, error) {
		a := s.pay.Attempt(id)
		adapter := e.gateways[a.GatewayConfigurationID].Adapter
		switch a.Operation {
		case payments.OpCapture:
			return adapter.Capture(ctx, payments.CaptureRequest{Reference: a.Reference, Refs: a.Refs, Amount: a.Amount, Before: a.Before})
		case payments.OpRefund:
			reason := ""
			if r := s.pay.Refund(a.RefundID); r != nil {
				reason = r.Reason
			}
			return adapter.Refund(ctx, payments.RefundRequest{Reference: a.Reference, Refs: a.Refs, Amount: a.Amount, Before: a.Before, Reason: reason})
		case payments.OpVoid:
			if v, ok := adapter.(adapters.Voider); ok {
				return v.Void(ctx, payments.VoidRequest{Reference: a.Reference, Refs: a.Refs, Amount: a.Amount, Before: a.Before})
			}
		case payments.OpIncrement:
			if i, ok := adapter.(adapters.Incrementer); ok {
				return i.Increment(ctx, payments.IncrementRequest{Reference: a.Reference, Refs: a.Refs, Amount: a.Amount, Before: a.Before})
			}
		case payments.OpAuthorize, payments.OpSale, payments.OpVerify, payments.OpTokenize, payments.OpLookup, payments.OpAbandon:
		}
		return payments.Outcome{}, payments.Faultf(payments.NeverSent, "flow: %s is not an amendment that this PSP can make", a.Operation)
	}
}
