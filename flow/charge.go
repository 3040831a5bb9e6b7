package flow

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"switchyard/crash"
	"switchyard/payments"
	"switchyard/router"
	"switchyard/tokens"
)

// ChargeRequest asks to pay an invoice.
type ChargeRequest struct {
	ProjectID, InvoiceID string
	Source               string          // card_…, tok_…, cust_… or gway_conf_…; empty captures an earlier hold
	Preferred            string          // a customer token that a PSP's own page is to offer first
	CVC                  payments.Secret // a fresh one for a saved method, in memory for this operation only
	Amount               string          // decimal text in major units; empty means all of the invoice
	AuthorizeOnly        bool
	Incremental          bool // the hold may be raised later
	SaveSource           bool // keep the card as a token of the invoice's customer, once it is approved
	Public               bool // asked with the invoice's client secret, not with the project's key
	AutoCaptureAt        time.Time
	ClientIP, UserAgent  string
	Metadata             map[string]string
	Claim                *payments.ClaimRequest
}

// course is one run of a charging operation over its candidates.
type course struct {
	*subject
	operation   payments.Operation
	request     ChargeRequest
	amount      payments.Money // of a payment; a verification's depends on the candidate
	source      tokens.Resolved
	preferred   map[string]payments.Mapping // what the PSP's own page is to offer first, by gateway configuration
	noSaving    map[string]bool             // gateway configurations that have refused to save a method in this run
	card        *payments.CardData          // opened once, in memory for this run only
	payer       payments.Payer
	initiation  payments.Initiation
	intent      string
	incremental bool
	facts       payments.Facts // what the decision was made from
	decision    payments.Decision
	cardKey     string // what declined tries are counted by; empty: they are not
	stepUp      bool   // the issuer has asked for the payer's authentication, and so does the next attempt, which is the last
	claim       *payments.ClaimRequest
	change      payments.Change   // written with the first intent: what belongs to the token of a verification
	deadline    time.Time         // the payer's patience ends
	final       payments.Snapshot // the answer
}

// Authorize holds an invoice's money.
func (e *Engine) Authorize(ctx context.Context, r ChargeRequest) (payments.Snapshot, error) {
	r.AuthorizeOnly = true
	return e.pay(ctx, r)
}

// Capture takes an invoice's money: what an earlier authorize holds, or, with a source, in one step.
func (e *Engine) Capture(ctx context.Context, r ChargeRequest) (payments.Snapshot, error) {
	return e.pay(ctx, r)
}

func (e *Engine) pay(ctx context.Context, r ChargeRequest) (payments.Snapshot, error) {
	unlock, err := e.locks.lock(ctx, r.ProjectID+"/"+r.InvoiceID)
	if err != nil {
		return payments.Snapshot{}, err
	}
	defer unlock()
	for try := 0; ; try++ {
		s, err := e.payOnce(ctx, r)
		if errors.Is(err, errNothingSent) && try < maxConflicts {
			continue // somebody else changed the payment or the card
		}
		if errors.Is(err, payments.ErrConflict) {
			err = stillProcessing()
		}
		return s, err
	}
}

// errNothingSent is a conflict at the first intent: what was decided on has changed meanwhile, and no PSP was called.
var errNothingSent = fmt.Errorf("flow: nothing was sent: %w", payments.ErrConflict)

// payOnce decides from what is stored now.
func (e *Engine) payOnce(ctx context.Context, r ChargeRequest) (payments.Snapshot, error) {
	pay, err := e.read(ctx, r.ProjectID, r.InvoiceID)
	if err != nil {
		return payments.Snapshot{}, err
	}
	if !r.AuthorizeOnly && pay.Transaction.InFlight == "" &&
		(pay.Transaction.Status == payments.StatusAuthorized || r.Source == "" && pay.Transaction.Status == payments.StatusCompleted) {
		return e.captureHold(ctx, pay, r)
	}
	if last := lastCharge(pay.Attempts); continues(last, r.Source, e.now()) {
		s, err := e.goOn(ctx, &subject{pay: pay}, last.ID, r.Source)
		return s, e.claimStep(ctx, r, last.ID, s, err)
	}
	if err := e.mayCharge(pay, r); err != nil {
		return payments.Snapshot{}, err
	}
	c, err := e.chargeCourse(ctx, pay, r)
	if err != nil {
		if c != nil {
			e.keepRefusal(ctx, c)
		}
		return payments.Snapshot{}, err
	}
	ctx = context.WithoutCancel(ctx)
	s, err := e.run(ctx, c)
	if !errors.Is(err, errNothingSent) {
		e.vault.WipeCVC(ctx, r.ProjectID, c.source.Card.ID) // it has served this operation with all its candidates
	}
	return s, err
}

// mayCharge says why an invoice cannot be charged now.
func (e *Engine) mayCharge(pay *payments.Payment, r ChargeRequest) error {
	t := &pay.Transaction
	switch {
	case t.InFlight != "" || t.Status == payments.StatusPending || t.Status == payments.StatusPendingCapture:
		if open := pay.Attempt(t.InFlight); open != nil && open.State == payments.AttemptAction {
			return payments.NewError(payments.CodeStillProcessing, "The payer has not taken the step that the PSP waits for. Go on with its result as the source; a step that is not taken ends after 15 minutes.")
		}
		return stillProcessing()
	case t.Status == payments.StatusReview:
		return payments.NewError(payments.CodeStillProcessing, "This payment is under review: its outcome at the PSP is not known.")
	case t.Status == payments.StatusAuthorized:
		return payments.NewError(payments.CodeValidation, "This invoice is authorized already: capture it, or void it.")
	case t.Status == payments.StatusCompleted || t.Status == payments.StatusRefunded:
		return payments.NewError(payments.CodeValidation, "This invoice has been paid already.")
	case t.Status == payments.StatusVoided:
		return payments.NewError(payments.CodeValidation, "This invoice has been voided: create another one.")
	case !pay.Invoice.ExpiresAt.IsZero() && !e.now().Before(pay.Invoice.ExpiresAt):
		return payments.NewError(payments.CodeValidation, "This invoice has expired: create another one.")
	case pay.Invoice.Amount.Minor <= 0:
		return payments.NewError(payments.CodeInvalidAmount, "This invoice has nothing to pay.")
	case r.SaveSource && pay.Invoice.CustomerID == "":
		return payments.NewError(payments.CodeValidation, "save_source keeps the card for the invoice's customer: give the invoice a customer first.")
	case r.Source == "":
		return payments.NewError(payments.CodeMissingSource, "Give a source: a card, a customer token, or a customer with a default token.")
	}
	return nil
}

func stillProcessing() error {
	return payments.NewError(payments.CodeStillProcessing, "An operation on this payment is in flight and its outcome is not known yet. Read the invoice again later.")
}

// chargeCourse gathers everything a payment's run needs, without writing anything.
func (e *Engine) chargeCourse(ctx context.Context, pay *payments.Payment, r ChargeRequest) (*course, error) {
	source, err := e.tokens.Resolve(ctx, r.ProjectID, r.Source)
	if err != nil {
		return nil, err
	}
	if err := sourceFits(pay, source, r.Public); err != nil {
		return nil, err
	}
	amount := pay.Invoice.Amount
	if r.Amount != "" && !r.AuthorizeOnly {
		if amount, err = partOf(r.Amount, amount); err != nil {
			return nil, err
		}
	}
	c := &course{
		subject: &subject{pay: pay}, operation: payments.OpSale, noSaving: map[string]bool{}, request: r, amount: amount, source: source, claim: r.Claim,
		initiation: pay.Invoice.Initiation, intent: pay.Invoice.PaymentIntent, incremental: r.Incremental || pay.Invoice.Incremental,
		deadline: e.now().Add(e.limits.PayerBudget),
	}
	if r.AuthorizeOnly {
		c.operation = payments.OpAuthorize
	}
	c.source.Mappings = maps.Clone(source.Mappings) // the run may forget one
	if c.preferred, err = e.preferredOf(ctx, pay, r, c.source); err != nil {
		return nil, err
	}
	customerID := pay.Invoice.CustomerID
	if customerID == "" {
		customerID = source.CustomerID
	}
	if c.payer, err = e.payerOf(ctx, r.ProjectID, customerID); err != nil {
		return nil, err
	}
	c.payer.IPAddress, c.payer.UserAgent = r.ClientIP, r.UserAgent
	return c, e.decide(ctx, c, customerID, pay.Invoice.Metadata)
}

// preferredOf is what a PSP's own page is to offer first: the token that pays, or the one that the request names.
func (e *Engine) preferredOf(ctx context.Context, pay *payments.Payment, r ChargeRequest, source tokens.Resolved) (map[string]payments.Mapping, error) {
	switch {
	case r.Preferred == "":
		return source.Mappings, nil
	case !source.Page:
		return nil, payments.NewError(payments.CodeValidation, "preferred_source is for payments on a PSP's own page: give a gateway configuration as the source.")
	}
	wanted, err := e.tokens.Resolve(ctx, r.ProjectID, r.Preferred)
	if err != nil {
		return nil, err
	}
	if wanted.Token == nil || wanted.Token.CustomerID != pay.Invoice.CustomerID {
		return nil, payments.NewError(payments.CodeSourceInvalid, "preferred_source must be a token of the invoice's customer.")
	}
	return wanted.Mappings, nil
}

// sourceFits checks that the source may pay this invoice.
func sourceFits(pay *payments.Payment, source tokens.Resolved, public bool) error {
	owner := pay.Invoice.CustomerID
	if source.Token == nil {
		return nil
	}
	if (owner != "" || public) && source.Token.CustomerID != owner {
		return payments.NewError(payments.CodeSourceInvalid, "This token belongs to another customer than the invoice.")
	}
	return nil
}

// partOf reads an amount that must be a part of the whole.
func partOf(text string, whole payments.Money) (payments.Money, error) {
	part, err := payments.ParseAmount(text, whole.Currency)
	if err != nil {
		return payments.Money{}, err
	}
	if part.Minor <= 0 || part.Minor > whole.Minor {
		return payments.Money{}, payments.Errorf(payments.CodeInvalidAmount, "The amount must be more than 0 and at most %s %s.", whole, whole.Currency)
	}
	return part, nil
}

func (e *Engine) payerOf(ctx context.Context, projectID, customerID string) (payments.Payer, error) {
	if customerID == "" {
		return payments.Payer{}, nil
	}
	c, err := e.tokens.Customer(ctx, projectID, customerID)
	if payments.ErrorCode(err) == payments.CodeCustomerNotFound {
		return payments.Payer{}, nil // deleted since: the invoice can still be paid
	}
	if err != nil {
		return payments.Payer{}, err
	}
	return payments.Payer{CustomerID: c.ID, FirstName: c.FirstName, LastName: c.LastName, Email: c.Email, Phone: c.Phone, CountryCode: c.CountryCode}, nil
}

// decide asks the router and refuses when no candidate is left.
func (e *Engine) decide(ctx context.Context, c *course, customerID string, metadata map[string]string) error {
	card := c.source.Card
	card.Facts.Fill(e.vault.Issuer(card.Facts.IIN)) // it may have been vaulted before the table of issuers was there
	facts := payments.Facts{
		ProjectID: c.request.ProjectID, InvoiceID: c.request.InvoiceID, CustomerID: customerID, Operation: c.operation, Amount: c.amount,
		Scheme: card.Facts.Scheme, IIN: card.Facts.IIN, CardCountry: card.Facts.Country, HasCard: card.ID != "",
		Funding: fundingOf(card.Facts), CustomerCountry: strings.ToUpper(c.payer.CountryCode), Intent: c.intent,
		HasCVC:     !c.request.CVC.IsZero() || card.ID != "" && e.vault.HasCVC(ctx, c.request.ProjectID, card.ID),
		Initiation: c.initiation, Incremental: c.incremental, Metadata: metadata, Mappings: c.source.Mappings,
	}
	facts.Page, facts.BoundTo = c.source.Page, c.source.PageAt
	if t := c.source.Token; t != nil && !facts.Page {
		facts.BoundTo = t.GatewayConfigurationID
	}
	c.cardKey = e.cardKey(c)
	var failed error
	if facts.History, failed = e.history(ctx, facts.ProjectID, c.cardKey); failed != nil {
		return failed
	}
	c.facts, c.decision = facts, e.router.Decide(facts)
	c.decision.DecidedAt = e.now()
	if len(c.decision.Order()) > 0 {
		return nil
	}
	if c.decision.Held != nil {
		return heldError(c.decision.Held)
	}
	err := payments.NewError(payments.CodeNoGateway, "No gateway configuration can take this payment.")
	if c.decision.Blocked != "" {
		err = payments.NewError(payments.CodeNoGateway, c.decision.Blocked)
	}
	if slices.ContainsFunc(c.decision.Candidates, func(x payments.Candidate) bool { return x.Unavailable }) {
		err = payments.NewError(string(payments.GatewayNetworkError), "No gateway can be reached at the moment. Please try again soon.")
	}
	for _, x := range c.decision.Candidates {
		err.Fields = append(err.Fields, payments.FieldFault{Name: x.GatewayConfigurationID, Message: x.Reason})
	}
	return err
}

// keepRefusal keeps the decision that left nobody to try, so that it can be explained. The refusal holds without it.
func (e *Engine) keepRefusal(ctx context.Context, c *course) {
	d, decision := e.draft(c.subject), c.decision
	d.pay.Transaction.Refused, d.transaction = &decision, true
	if err := d.commit(context.WithoutCancel(ctx), e); err != nil && !errors.Is(err, payments.ErrConflict) {
		e.log.WarnContext(ctx, "why a payment was refused is not kept", "invoice", c.request.InvoiceID, "error", err)
	}
}

// run tries the candidates in order. It moves on only when it is certain that nothing was charged, and it makes the
// outcome of each candidate durable at the latest together with the next one's intent.
func (e *Engine) run(ctx context.Context, c *course) (payments.Snapshot, error) {
	queue := c.decision.Order()
	var last *closed
	cascades, made := 0, moves{}
	for i := 0; i < len(queue); i++ {
		id, err := e.begin(ctx, c, queue[i], last)
		if err != nil {
			return payments.Snapshot{}, err
		}
		r, known, err := e.try(ctx, c, id)
		if err != nil || !known {
			return c.final, err
		}
		a := c.pay.Attempt(id)
		r = payments.UnderSchemeRules(r, a.Scheme, e.now())
		again := e.now().Before(c.deadline) && e.worthAgain(ctx, c, queue[i].GatewayConfigurationID, r)
		if again {
			queue = slices.Insert(queue, i+1, queue[i])
		}
		elsewhere := !again && !c.stepUp && payments.CanTryNext(r, cascades) && e.now().Before(c.deadline) && e.mayMoveOn(c, r, made)
		if i+1 < len(queue) && (again || elsewhere) {
			to, err := e.goesOn(ctx, c, a, r, queue[i+1:])
			if err != nil {
				e.log.ErrorContext(ctx, "a payment does not go on, since the card's history cannot be read", "attempt", id, "error", err)
				to.none, to.why = true, "the card's history cannot be read"
			}
			if !to.none {
				if elsewhere && r.Fault == nil && r.Outcome.Class() == payments.ClassCascadeOnce {
					cascades++
				}
				if elsewhere {
					made[movesAfter(r)]++
				}
				last = &closed{attemptID: id, result: r, free: to.free}
				i += to.skip
				continue
			}
			a.NotTried = to.why
		} else if !again {
			a.NotTried = e.stays(c, r, cascades, made, len(queue)-i-1)
		}
		if err := e.settle(ctx, c.subject, id, r, settling{last: true, final: &c.final}); errors.Is(err, payments.ErrConflict) && concluded(r) {
			return c.final, nil // the worker goes on asking; "pending" has been made durable
		} else if err != nil {
			return payments.Snapshot{}, err
		}
		break
	}
	return c.final, nil
}

// worthAgain says that the same PSP may take the same payment in another way, in which it has not been asked: with the payer
// authenticated; or it has forgotten the saved method, and the card itself is there; or it saves no methods, and the payment does
// not need that.
func (e *Engine) worthAgain(ctx context.Context, c *course, gatewayID string, r payments.Result) bool {
	switch {
	case e.mayStepUp(c, gatewayID, r):
		c.stepUp = true
		return true
	case r.Fault == nil || r.Fault.Kind == payments.Unknown:
		return false
	case r.Fault.MethodGone && c.source.Mappings[gatewayID].MethodRef != "" && c.source.Card.ID != "":
		delete(c.source.Mappings, gatewayID)
		return true
	case r.Fault.SaveRefused && !c.noSaving[gatewayID]:
		c.noSaving[gatewayID] = true
		if r.Fault.Kind == payments.Misconfigured {
			e.savesNot.remember(gatewayID, e.now())
		} else {
			e.unlink(ctx, c, gatewayID) // the PSP does not have the customer any more
		}
		return true
	}
	return false
}

// closed is an attempt that certainly did not charge, whose end is not durable yet.
type closed struct {
	attemptID string
	result    payments.Result
	free      func() // gives the card back to other payments
}

// done is called when the end of the attempt is durable, or never will be.
func (c *closed) done() {
	if c != nil {
		c.free()
	}
}

// begin makes the intent durable: durable commit 1. The end of the candidate before is written with it.
func (e *Engine) begin(ctx context.Context, c *course, to payments.Candidate, before *closed) (string, error) {
	defer before.done() // whatever happens: others wait for the card without an end
	d := e.draft(c.subject)
	first := before == nil
	var was payments.AttemptState // of the candidate before
	if first {
		d.change = c.change
	} else {
		a := c.pay.Attempt(before.attemptID)
		was = a.State
		if err := d.record(a, before.result, false); err != nil {
			return "", err
		}
		e.forgetMethod(ctx, d, a, before.result)
		if mayTurnUp(a, before.result) {
			d.change.Jobs = append(d.change.Jobs, recheckJob(a, 0, d.now))
		}
		e.logAttempt(ctx, a, a.SentAt)
	}
	a := e.newAttempt(c, to)
	if first {
		decision := c.decision
		a.Decision = &decision
		d.claim = claimOf(c.request.ProjectID, c.claim, a.ID, d.now)
	}
	d.addAttempt(a)
	d.change.Jobs = append(d.change.Jobs, askJob(&a, d.now.Add(e.gateways[a.GatewayConfigurationID].Timeout+leaseGrace), d.now))
	if c.token == nil {
		if err := e.beginPayment(d, c, &a, first); err != nil {
			return "", err
		}
	}
	crash.Point(crash.BeforeIntent)
	if err := d.commit(ctx, e); err != nil {
		if errors.Is(err, payments.ErrConflict) && first {
			return "", errNothingSent
		}
		return "", err
	}
	crash.Point(crash.AfterIntent)
	if !first {
		e.observe(c.subject, before.attemptID, was, before.result, false)
		e.learnCascade(c.pay, before.attemptID, before.result)
	}
	if a.TokenID != "" && (!first || c.token != nil) {
		e.tokens.Changed(ctx, a.ProjectID, a.TokenID)
	}
	return a.ID, nil
}

func (e *Engine) newAttempt(c *course, to payments.Candidate) payments.Attempt {
	ref := payments.NewReference()
	a := payments.Attempt{
		ProjectID: c.request.ProjectID, ID: payments.AttemptID(ref), Reference: ref, CustomerID: c.payer.CustomerID, CardID: c.source.Card.ID,
		Operation: c.operation, GatewayConfigurationID: to.GatewayConfigurationID, PSP: to.PSP, Amount: c.amount, Metadata: c.request.Metadata,
	}
	a.StepUp = c.stepUp
	if to.Page {
		a.PageEndsAt = e.pageEnds(c) // the payer may enter another card there: it is not counted for the one that was offered
	} else {
		a.Scheme, a.CardKey = c.source.Card.Facts.Scheme, c.cardKey
	}
	if c.source.Token != nil {
		a.TokenID = c.source.Token.ID
	} else {
		a.SaveSource = c.request.SaveSource
	}
	if c.claim != nil {
		a.ClaimScope, a.ClaimKey = c.claim.Scope, c.claim.Key
	}
	if c.token == nil {
		a.InvoiceID, a.TransactionID, a.Before = c.pay.Invoice.ID, c.pay.Transaction.ID, c.pay.Transaction.Totals
	} else {
		a.Amount = e.verificationAmount(c, to)
	}
	return a
}

// beginPayment writes what an intent changes of the payment itself.
func (e *Engine) beginPayment(d *draft, c *course, a *payments.Attempt, first bool) error {
	t := &d.pay.Transaction
	if err := d.moveTransaction(payments.StatusPending, "sent to "+a.PSP); err != nil {
		return err
	}
	t.InFlight, t.GatewayConfigurationID, t.PSP = a.ID, a.GatewayConfigurationID, a.PSP
	t.AttemptsCount++
	if !first {
		return nil
	}
	t.CardID, t.TokenID, t.Incremental, t.Refused = a.CardID, a.TokenID, c.incremental, nil
	if t.CustomerID == "" {
		t.CustomerID = c.source.CustomerID
	}
	if card := c.source.Card; c.source.Token == nil && card.ID != "" { // a card pays once
		card.UsedBy = t.ID
		card.Version++
		d.change.Cards = append(d.change.Cards, card)
		c.source.Card = card
	}
	inv := &d.pay.Invoice
	if inv.CustomerID != t.CustomerID || inv.TokenID != t.TokenID || inv.Incremental != c.incremental || !c.request.AutoCaptureAt.IsZero() {
		inv.CustomerID, inv.TokenID, inv.Incremental = t.CustomerID, t.TokenID, c.incremental
		if !c.request.AutoCaptureAt.IsZero() {
			inv.AutoCaptureAt = c.request.AutoCaptureAt
		}
		d.invoice = true
	}
	return nil
}

func claimOf(projectID string, r *payments.ClaimRequest, attemptID string, now time.Time) *payments.Claim {
	if r == nil {
		return nil
	}
	return &payments.Claim{ClaimKey: payments.ClaimKey{ProjectID: projectID, Scope: r.Scope, Key: r.Key}, Fingerprint: r.Fingerprint, AttemptID: attemptID, CreatedAt: now}
}

// try makes the call and, when its outcome is not known, asks for it while the payer waits. known is false when the
// attempt stays open; that state is durable then and c.final is the answer.
func (e *Engine) try(ctx context.Context, c *course, id string) (r payments.Result, known bool, err error) {
	a := c.pay.Attempt(id)
	var source payments.Source
	if !a.OnPage() {
		source, err = e.sourceAt(ctx, c, e.gateways[a.GatewayConfigurationID])
	}
	if err != nil { // our own doing, and no PSP's: no breaker must hear of it
		e.log.ErrorContext(ctx, "what is to be charged cannot be opened; are the vault's keys those of this store?", "attempt", id, "error", err)
		return payments.Result{Fault: &payments.Fault{Kind: payments.NeverSent, Code: payments.GatewayConfigurationError, Local: true, Err: err}}, true, nil
	}
	call := func(ctx context.Context) (payments.Outcome, error) { return e.charge(ctx, c, id, source) }
	r = e.guarded(ctx, a, e.gateways[a.GatewayConfigurationID].Timeout, call)
	if !stateAfter(r).Open() {
		return r, true, nil
	}
	if err := e.settle(ctx, c.subject, id, r, settling{askAt: e.firstAsked(c.pay.Attempt(id), r, c.deadline), final: &c.final}); err != nil {
		return r, false, err
	}
	if r.Fault == nil {
		return r, false, nil // the payer must act, or the PSP will tell later
	}
	r, known = e.resolve(ctx, c.subject, id, c.deadline, call)
	if !known || !stateAfter(r).Open() {
		return r, known, nil
	}
	err = e.settle(ctx, c.subject, id, r, settling{askAt: e.firstAsked(c.pay.Attempt(id), r, c.deadline), final: &c.final})
	return r, false, err
}

// guarded makes one call that moves money, through the gateway's breaker and under its deadline.
func (e *Engine) guarded(ctx context.Context, a *payments.Attempt, timeout time.Duration, call func(context.Context) (payments.Outcome, error)) payments.Result {
	out, err := router.Do(crash.Calling(ctx), e.router, a.GatewayConfigurationID, a.Operation, timeout, resultOf, call)
	crash.Point(crash.AfterAnswer)
	return resultOf(out, err)
}

func resultOf(o payments.Outcome, err error) payments.Result {
	return normalise(payments.Result{Outcome: o, Fault: payments.AsFault(err)})
}
