package api

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"switchyard/flow"
	"switchyard/payments"
)

// fakeEngine pays invoices without PSPs: what comes of a charge is told to it beforehand. It writes what the real engine
// writes, in one commit.
type fakeEngine struct {
	store   *memory
	now     func() time.Time
	charges atomic.Int64 // calls that charged or amended

	mu       sync.Mutex
	outcome  string                   // "", "declined", "pending" or "action"
	enter    func()                   // called inside a charge
	last     any                      // the last request
	decision payments.Decision        // what Explain says
	fail     error                    // what the next call answers
	action   *payments.CustomerAction // for "action"
}

const gatewayID = "gway_conf_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

func (e *fakeEngine) set(outcome string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.outcome = outcome
}

func (e *fakeEngine) took(request any) (outcome string, err error) {
	e.mu.Lock()
	e.last = request
	outcome, err, enter := e.outcome, e.fail, e.enter
	e.mu.Unlock()
	if enter != nil {
		enter()
	}
	return outcome, err
}

func (e *fakeEngine) request() any {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.last
}

func finished(projectID string, r *payments.ClaimRequest, attempt string, s *payments.Snapshot, now time.Time) *payments.Claim {
	if r == nil {
		return nil
	}
	return &payments.Claim{ClaimKey: payments.ClaimKey{ProjectID: projectID, Scope: r.Scope, Key: r.Key}, Fingerprint: r.Fingerprint, AttemptID: attempt, Snapshot: s, CreatedAt: now}
}

func (e *fakeEngine) CreateInvoice(ctx context.Context, i payments.Invoice, claim *payments.ClaimRequest) (payments.Snapshot, error) {
	if _, err := e.took(i); err != nil {
		return payments.Snapshot{}, err
	}
	if i.CustomerID != "" {
		if _, err := e.store.Customer(ctx, i.ProjectID, i.CustomerID); err != nil {
			return payments.Snapshot{}, payments.NewError(payments.CodeCustomerNotFound, "There is no such customer.")
		}
	}
	i.ID, i.TransactionID, i.ClientSecret = payments.NewID(payments.PrefixInvoice), payments.NewID(payments.PrefixTransaction), payments.NewReference()
	i.Version, i.CreatedAt = 1, e.now()
	t := payments.Transaction{
		ProjectID: i.ProjectID, ID: i.TransactionID, InvoiceID: i.ID, CustomerID: i.CustomerID, Version: 1, Status: payments.StatusWaiting,
		Name: i.Name, Currency: i.Amount.Currency, Amount: i.Amount.Minor, Metadata: i.Metadata, Sandbox: i.Sandbox, CreatedAt: e.now(),
	}
	s := payments.Snapshot{Invoice: &i, Transaction: &t}
	return s, e.store.Apply(ctx, payments.Change{Claim: finished(i.ProjectID, claim, "", &s, e.now()), Invoices: []payments.Invoice{i}, Transactions: []payments.Transaction{t}})
}

func (e *fakeEngine) change(ctx context.Context, projectID, id string, claim *payments.ClaimRequest, edit func(*payments.Payment, *payments.Snapshot) error) (payments.Snapshot, error) {
	p, err := e.store.Payment(ctx, projectID, id)
	if err != nil {
		return payments.Snapshot{}, payments.NewError(payments.CodeInvoiceNotFound, "There is no such invoice.")
	}
	s := payments.Snapshot{Invoice: &p.Invoice, Transaction: &p.Transaction}
	if err := edit(p, &s); err != nil {
		return payments.Snapshot{}, err
	}
	p.Invoice.Version++
	s.Attempts, s.Refunds = p.Attempts, p.Refunds
	return s, e.store.Apply(ctx, payments.Change{Claim: finished(projectID, claim, "", &s, e.now()), Invoices: []payments.Invoice{p.Invoice}})
}

func (e *fakeEngine) UpdateInvoice(ctx context.Context, projectID, id string, edit func(*payments.Invoice) error, claim *payments.ClaimRequest) (payments.Snapshot, error) {
	return e.change(ctx, projectID, id, claim, func(p *payments.Payment, _ *payments.Snapshot) error { return edit(&p.Invoice) })
}

func (e *fakeEngine) DeleteInvoice(ctx context.Context, projectID, id string, claim *payments.ClaimRequest) (payments.Snapshot, error) {
	return e.change(ctx, projectID, id, claim, func(p *payments.Payment, _ *payments.Snapshot) error {
		p.Invoice.DeletedAt = e.now()
		return nil
	})
}

func (e *fakeEngine) AssignCustomer(ctx context.Context, projectID, id, customerID string, claim *payments.ClaimRequest) (payments.Snapshot, error) {
	return e.change(ctx, projectID, id, claim, func(p *payments.Payment, s *payments.Snapshot) error {
		customer, err := e.store.Customer(ctx, projectID, customerID)
		if err != nil {
			return payments.NewError(payments.CodeCustomerNotFound, "There is no such customer.")
		}
		p.Invoice.CustomerID, s.Customer = customerID, &customer
		return nil
	})
}

func (e *fakeEngine) Authorize(ctx context.Context, r flow.ChargeRequest) (payments.Snapshot, error) {
	r.AuthorizeOnly = true
	return e.Capture(ctx, r)
}

func (e *fakeEngine) Capture(ctx context.Context, r flow.ChargeRequest) (payments.Snapshot, error) {
	outcome, err := e.took(r)
	if err != nil {
		return payments.Snapshot{}, err
	}
	p, err := e.store.Payment(ctx, r.ProjectID, r.InvoiceID)
	if err != nil {
		return payments.Snapshot{}, payments.NewError(payments.CodeInvoiceNotFound, "There is no such invoice.")
	}
	e.charges.Add(1)
	t := &p.Transaction
	a := e.attempt(t, payments.OpSale)
	switch {
	case t.Status == payments.StatusAuthorized && !r.AuthorizeOnly:
		a.Operation = payments.OpCapture
		t.Status, t.Totals.Captured, t.CapturedAt = payments.StatusCompleted, t.Amount, e.now()
		return e.finish(ctx, p, a, r.Claim, payments.EventTransactionCaptured)
	case t.Status != payments.StatusWaiting && t.Status != payments.StatusFailed:
		return payments.Snapshot{}, payments.NewError(payments.CodeValidation, "This invoice has been paid already.")
	}
	t.GatewayConfigurationID, t.PSP, t.AttemptsCount = a.GatewayConfigurationID, a.PSP, t.AttemptsCount+1
	if strings.HasPrefix(r.Source, payments.PrefixToken) {
		t.TokenID = r.Source
	} else {
		t.CardID = r.Source
	}
	switch outcome {
	case "declined":
		a.State, a.Code, a.Message, a.RawCode, a.RawMessage = payments.AttemptDeclined, payments.CardDoNotHonor, "The issuer said no: "+a.PSP, "05", "do not honour"
		t.Status, t.ErrorCode, t.ErrorMessage = payments.StatusFailed, a.Code, a.Message
		return e.finish(ctx, p, a, r.Claim, payments.EventTransactionFailed)
	case "pending":
		a.State, a.EndedAt, t.Status, t.InFlight = payments.AttemptUnknown, time.Time{}, payments.StatusPending, a.ID
		return e.leaveOpen(ctx, p, a, r.Claim)
	case "action":
		a.State, a.EndedAt, t.Status, t.InFlight, a.Action = payments.AttemptAction, time.Time{}, payments.StatusPending, a.ID, e.action
		return e.leaveOpen(ctx, p, a, r.Claim)
	}
	t.Totals.Authorized, t.AuthorizedAt, t.ErrorCode, t.ErrorMessage = t.Amount, e.now(), "", ""
	if r.AuthorizeOnly {
		a.Operation, t.Status = payments.OpAuthorize, payments.StatusAuthorized
		return e.finish(ctx, p, a, r.Claim, payments.EventTransactionAuthorized)
	}
	t.Status, t.Totals.Captured, t.CapturedAt = payments.StatusCompleted, t.Amount, e.now()
	return e.finish(ctx, p, a, r.Claim, payments.EventTransactionCaptured)
}

func (e *fakeEngine) attempt(t *payments.Transaction, op payments.Operation) payments.Attempt {
	reference := payments.NewReference()
	return payments.Attempt{
		ProjectID: t.ProjectID, ID: payments.AttemptID(reference), Reference: reference, TransactionID: t.ID, InvoiceID: t.InvoiceID, CustomerID: t.CustomerID,
		Version: 1, Operation: op, State: payments.AttemptApproved, GatewayConfigurationID: gatewayID, PSP: "paymongo",
		Amount: payments.Money{Minor: t.Amount, Currency: t.Currency}, Refs: payments.ProviderRefs{Charge: "pay_123"}, SentAt: e.now(), EndedAt: e.now(),
	}
}

// leaveOpen writes an attempt whose outcome is not known: the claim stays without an answer.
func (e *fakeEngine) leaveOpen(ctx context.Context, p *payments.Payment, a payments.Attempt, claim *payments.ClaimRequest) (payments.Snapshot, error) {
	p.Transaction.Version++
	p.Attempts = append(p.Attempts, a)
	err := e.store.Apply(ctx, payments.Change{Claim: finished(a.ProjectID, claim, a.ID, nil, e.now()), Transactions: []payments.Transaction{p.Transaction}, Attempts: []payments.Attempt{a}})
	return payments.Snapshot{Invoice: &p.Invoice, Transaction: &p.Transaction, Attempts: p.Attempts, Action: a.Action}, err
}

func (e *fakeEngine) finish(ctx context.Context, p *payments.Payment, a payments.Attempt, claim *payments.ClaimRequest, event string) (payments.Snapshot, error) {
	p.Transaction.Version++
	p.Attempts = append(p.Attempts, a)
	s := payments.Snapshot{Invoice: &p.Invoice, Transaction: &p.Transaction, Attempts: p.Attempts, Refunds: p.Refunds}
	told := s
	if a.State == payments.AttemptDeclined {
		s.Code, s.Message = string(a.Code), a.Message
	}
	for i := range p.Refunds {
		if p.Refunds[i].AttemptID == a.ID {
			s.Refund = &p.Refunds[i]
		}
	}
	change := payments.Change{
		Claim: finished(a.ProjectID, claim, a.ID, &s, e.now()), Transactions: []payments.Transaction{p.Transaction}, Attempts: []payments.Attempt{a},
		Events: []payments.Event{{ProjectID: a.ProjectID, ID: payments.NewID(payments.PrefixEvent), Name: event, Snapshot: told, Sandbox: p.Invoice.Sandbox, FiredAt: e.now()}},
	}
	if s.Refund != nil {
		change.Refunds = []payments.Refund{*s.Refund}
	}
	return s, e.store.Apply(ctx, change)
}

func (e *fakeEngine) Void(ctx context.Context, r flow.AmendRequest) (payments.Snapshot, error) {
	return e.amend(ctx, r, r.ProjectID, r.InvoiceID, r.Claim, payments.OpVoid, payments.EventTransactionVoided, func(p *payments.Payment, _ payments.Attempt) {
		p.Transaction.Status, p.Transaction.Totals.Voided, p.Transaction.VoidedAt = payments.StatusVoided, p.Transaction.Amount, e.now()
	})
}

func (e *fakeEngine) Increment(ctx context.Context, r flow.AmendRequest) (payments.Snapshot, error) {
	return e.amend(ctx, r, r.ProjectID, r.InvoiceID, r.Claim, payments.OpIncrement, payments.EventTransactionIncremented, func(p *payments.Payment, _ payments.Attempt) {
		extra, _ := payments.ParseAmount(r.Amount, p.Transaction.Currency)
		p.Transaction.Amount += extra.Minor
		p.Transaction.Totals.Authorized += extra.Minor
	})
}

func (e *fakeEngine) Refund(ctx context.Context, r flow.RefundRequest) (payments.Snapshot, error) {
	return e.amend(ctx, r, r.ProjectID, r.InvoiceID, r.Claim, payments.OpRefund, payments.EventTransactionRefunded, func(p *payments.Payment, a payments.Attempt) {
		amount, _ := payments.ParseAmount(r.Amount, p.Transaction.Currency)
		p.Transaction.Status, p.Transaction.RefundedAt = payments.StatusRefunded, e.now()
		p.Transaction.Totals.Refunded += amount.Minor
		p.Refunds = append(p.Refunds, payments.Refund{
			ProjectID: r.ProjectID, ID: payments.NewID(payments.PrefixRefund), TransactionID: p.Transaction.ID, AttemptID: a.ID, Version: 1,
			Status: payments.RefundSucceeded, Amount: amount, Reason: r.Reason, Information: r.Information, Metadata: r.Metadata, DetailIDs: r.DetailIDs, Sandbox: true, CreatedAt: e.now(),
		})
	})
}

func (e *fakeEngine) amend(ctx context.Context, request any, projectID, id string, claim *payments.ClaimRequest, op payments.Operation, event string, do func(*payments.Payment, payments.Attempt)) (payments.Snapshot, error) {
	if _, err := e.took(request); err != nil {
		return payments.Snapshot{}, err
	}
	e.charges.Add(1)
	p, err := e.store.Payment(ctx, projectID, id)
	if err != nil {
		return payments.Snapshot{}, payments.NewError(payments.CodeInvoiceNotFound, "There is no such invoice.")
	}
	a := e.attempt(&p.Transaction, op)
	do(p, a)
	return e.finish(ctx, p, a, claim, event)
}

func (e *fakeEngine) Verify(ctx context.Context, r flow.VerifyRequest) (payments.Snapshot, error) {
	outcome, err := e.took(r)
	if err != nil {
		return payments.Snapshot{}, err
	}
	e.charges.Add(1)
	token, customer := r.Prepared.Token, r.Prepared.Customer
	s := payments.Snapshot{Token: &token, Customer: &customer, Card: r.Prepared.Card}
	change := r.Prepared.Change
	switch outcome {
	case "declined":
		token.Verification = payments.VerificationFailed
		s.Code, s.Message = string(payments.CardDoNotHonor), "The issuer said no: paymongo"
	case "action":
		s.Action = e.action
	default:
		token.Verification = payments.VerificationSuccess
	}
	change.Tokens = []payments.Token{token}
	change.Claim = finished(token.ProjectID, r.Claim, "", &s, e.now())
	return s, e.store.Apply(ctx, change)
}

func (e *fakeEngine) Present(ctx context.Context, projectID, attemptID string) (payments.Snapshot, error) {
	a, err := e.store.Attempt(ctx, projectID, attemptID)
	if err != nil {
		return payments.Snapshot{}, err
	}
	p, err := e.store.Payment(ctx, projectID, a.InvoiceID)
	if err != nil {
		return payments.Snapshot{}, err
	}
	return payments.Snapshot{Invoice: &p.Invoice, Transaction: &p.Transaction, Attempts: p.Attempts, Action: a.Action}, nil
}

func (e *fakeEngine) Explain(ctx context.Context, projectID, id string) (payments.Decision, []payments.Attempt, error) {
	p, err := e.store.Payment(ctx, projectID, id)
	if err != nil {
		return payments.Decision{}, nil, err
	}
	return e.decision, p.Attempts, nil
}

// ContinueVerification and Returned are the engine's own business; the real engine is tested behind them elsewhere.
func (e *fakeEngine) ContinueVerification(context.Context, payments.Token, string) (payments.Snapshot, bool, error) {
	return payments.Snapshot{}, false, nil
}

func (e *fakeEngine) SavedMethods(_ context.Context, _, customerID string) ([]flow.KeptMethods, error) {
	if customerID != "cust_known" {
		return nil, payments.NewError(payments.CodeCustomerNotFound, "There is no such customer.")
	}
	return []flow.KeptMethods{
		{GatewayConfigurationID: "gway_conf_1", PSP: "paymongo", Methods: []flow.KeptMethod{{TokenID: "tok_1", SavedMethod: payments.SavedMethod{
			MethodRef: "pm_1234567890abcd", Usable: true, Card: payments.CardFacts{Scheme: payments.SchemeVisa, Last4: "4242", ExpMonth: 12, ExpYear: 2031},
		}}}},
		{GatewayConfigurationID: "gway_conf_2", PSP: "dojo", Unanswered: "The PSP could not be asked."},
	}, nil
}

func (e *fakeEngine) Returned(_ context.Context, _, attemptID, _ string) (string, error) {
	if attemptID != "tr_op_known" {
		return "", payments.ErrNotFound
	}
	return "https://shop.example/done?order=1", nil
}
