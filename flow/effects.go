package flow

import (
	"cmp"
	"fmt"

	"switchyard/payments"
)

// record writes what came of an attempt into the draft: the attempt itself and its effect on the payment or the token.
// last says that no further candidate will be tried, so that a refusal is the payment's refusal.
func (d *draft) record(a *payments.Attempt, r payments.Result, last bool) error {
	if r = normalise(r); a.Operation.Charges() {
		r = payments.UnderSchemeRules(r, a.Scheme, d.now)
	}
	state := stateAfter(r)
	describe(a, r)
	if err := d.moveAttempt(a, state, cmp.Or(d.why, whyOf(a, r))); err != nil {
		return err
	}
	if state.Open() {
		return nil
	}
	d.change.DoneJobs = append(d.change.DoneJobs, payments.JobDone{ProjectID: a.ProjectID, Key: askKey(a.ID)})
	if state == payments.AttemptApproved {
		return d.approve(a, r.Outcome)
	}
	if try, ok := payments.TryOf(a, d.now); ok {
		d.change.CardTries = append(d.change.CardTries, try)
	}
	if !last {
		return nil
	}
	d.code, d.message = string(a.Code), a.Message
	return d.refuse(a)
}

// normalise turns a decline whose code leaves open whether money moved into the unknown outcome that it is.
func normalise(r payments.Result) payments.Result {
	if r.Fault == nil && r.Outcome.Status == payments.Declined && r.Outcome.Code.MeansUnknown() {
		return payments.Result{Outcome: payments.Outcome{Refs: r.Outcome.Refs}, Fault: &payments.Fault{
			Kind: payments.Unknown, Code: r.Outcome.Code, RawCode: r.Outcome.RawCode, RawMessage: r.Outcome.RawMessage,
		}}
	}
	return r
}

func stateAfter(r payments.Result) payments.AttemptState {
	if r.Fault != nil {
		if r.Fault.Kind == payments.Unknown {
			return payments.AttemptUnknown
		}
		return payments.AttemptFailed
	}
	switch r.Outcome.Status {
	case payments.Approved:
		return payments.AttemptApproved
	case payments.Declined:
		return payments.AttemptDeclined
	case payments.ActionRequired:
		return payments.AttemptAction
	case payments.Pending:
		return payments.AttemptPending
	}
	return payments.AttemptUnknown // an adapter that says nothing has told us nothing
}

// describe copies what the PSP said onto the attempt.
func describe(a *payments.Attempt, r payments.Result) {
	a.Refs = a.Refs.Merge(r.Outcome.Refs)
	if f := r.Fault; f != nil {
		a.Fault, a.Code, a.RawCode, a.RawMessage = f.Kind, f.PublicCode(), f.RawCode, f.RawMessage
		a.Message = a.Code.Info().Message
		return
	}
	o := r.Outcome
	a.Fault, a.Code, a.Message, a.RawCode, a.RawMessage = "", "", "", o.RawCode, o.RawMessage
	a.NetworkCode, a.AdviceCode = o.NetworkCode, o.AdviceCode
	if o.Action != nil {
		a.Returned = false // from the step before
	}
	a.Action = o.Action
	if o.NetworkTransactionID != "" {
		a.NetworkTransactionID = o.NetworkTransactionID
	}
	if o.Status == payments.Declined {
		a.Code = o.Code
		if a.Code == "" {
			a.Code = payments.PaymentDeclined
		}
		a.Message = a.Code.Info().Message
	}
}

func whyOf(a *payments.Attempt, r payments.Result) string {
	if r.Fault != nil {
		return notTriedElsewhere(a, fmt.Sprintf("%s: %s", a.PSP, r.Fault.Kind))
	}
	if a.Code != "" {
		return notTriedElsewhere(a, fmt.Sprintf("%s: %s (%s)", a.PSP, r.Outcome.Status, a.Code))
	}
	return fmt.Sprintf("%s: %s", a.PSP, r.Outcome.Status)
}

// approve writes the effect of an approved attempt.
func (d *draft) approve(a *payments.Attempt, o payments.Outcome) error {
	if a.Operation == payments.OpVerify {
		d.events = append(d.events, payments.EventTokenUpdated)
		if a.Amount.Minor > 0 {
			d.entry(a, payments.EntryAuthorized, a.Amount) // a small hold, which a job releases
		}
		if a.OnPage() {
			d.token.GatewayConfigurationID = a.GatewayConfigurationID // the method exists there only
		}
		return d.moveVerification(payments.VerificationSuccess, "verified at "+a.PSP)
	}
	amount := a.Amount
	if p := o.Amount; p.Minor > 0 && p.Minor < amount.Minor && p.Currency == amount.Currency && a.Operation.Charges() {
		amount = p // a PSP may approve less than was asked, and never more
	}
	t := &d.pay.Transaction
	t.InFlight, d.transaction = "", true
	switch a.Operation {
	case payments.OpAuthorize, payments.OpSale:
		return d.approveCharge(a, o, amount)
	case payments.OpCapture:
		t.Capturing, t.Totals.Captured, t.CapturedAt = 0, t.Totals.Captured+amount.Minor, d.now
		d.entry(a, payments.EntryCaptured, amount)
		d.events = append(d.events, payments.EventTransactionCaptured)
		return d.moveTransaction(payments.StatusCompleted, "captured at "+a.PSP)
	case payments.OpVoid:
		t.Totals.Voided, t.VoidedAt = t.Totals.Voided+amount.Minor, d.now
		d.entry(a, payments.EntryVoided, amount)
		d.events = append(d.events, payments.EventTransactionVoided)
		return d.moveTransaction(payments.StatusVoided, "voided at "+a.PSP)
	case payments.OpRefund:
		t.Refunding, t.Totals.Refunded, t.RefundedAt = 0, t.Totals.Refunded+amount.Minor, d.now
		d.entry(a, payments.EntryRefunded, amount)
		d.events = append(d.events, payments.EventTransactionRefunded)
		d.setRefund(a, payments.RefundSucceeded)
		return d.moveTransaction(payments.StatusRefunded, "refunded at "+a.PSP)
	case payments.OpIncrement:
		t.Incrementing, t.Totals.Authorized, t.Amount = 0, t.Totals.Authorized+amount.Minor, t.Amount+amount.Minor
		d.entry(a, payments.EntryAuthorized, amount)
		d.events = append(d.events, payments.EventTransactionIncremented)
		return nil
	case payments.OpVerify, payments.OpTokenize, payments.OpLookup, payments.OpAbandon:
	}
	return fmt.Errorf("flow: no effect is known for an approved %s", a.Operation)
}

func (d *draft) approveCharge(a *payments.Attempt, o payments.Outcome, amount payments.Money) error {
	t := &d.pay.Transaction
	t.ChargeAttemptID, t.GatewayConfigurationID, t.PSP = a.ID, a.GatewayConfigurationID, a.PSP
	t.NetworkTransactionID, t.CVCCheck, t.AVSCheck = a.NetworkTransactionID, o.CVCCheck, o.AVSCheck
	t.ErrorCode, t.ErrorMessage = "", ""
	t.Totals.Authorized, t.AuthorizedAt = amount.Minor, d.now
	d.entry(a, payments.EntryAuthorized, amount)
	if a.Operation == payments.OpAuthorize {
		d.events = append(d.events, payments.EventTransactionAuthorized)
		if at := d.pay.Invoice.AutoCaptureAt; !at.IsZero() {
			d.change.Jobs = append(d.change.Jobs, payments.Job{
				ProjectID: a.ProjectID, Key: "capture:" + a.InvoiceID,
				Kind: payments.JobCapture, SubjectID: a.InvoiceID, RunAt: at, CreatedAt: d.now,
			})
		}
		return d.moveTransaction(payments.StatusAuthorized, "authorized at "+a.PSP)
	}
	t.Totals.Captured, t.CapturedAt = amount.Minor, d.now
	d.entry(a, payments.EntryCaptured, amount)
	d.events = append(d.events, payments.EventTransactionCaptured)
	return d.moveTransaction(payments.StatusCompleted, "paid at "+a.PSP)
}

// refuse writes the effect of an attempt that certainly changed nothing, when nothing else will be tried.
func (d *draft) refuse(a *payments.Attempt) error {
	if a.Operation == payments.OpVerify {
		d.events = append(d.events, payments.EventTokenUpdated)
		return d.moveVerification(payments.VerificationFailed, "refused: "+string(a.Code))
	}
	t := &d.pay.Transaction
	t.InFlight, d.transaction = "", true
	switch a.Operation {
	case payments.OpAuthorize, payments.OpSale:
		t.ErrorCode, t.ErrorMessage = a.Code, a.Message
		d.events = append(d.events, payments.EventTransactionFailed)
		return d.moveTransaction(payments.StatusFailed, "refused: "+string(a.Code))
	case payments.OpCapture:
		t.Capturing = 0
		back := payments.StatusAuthorized
		if t.Totals.Captured > 0 {
			back = payments.StatusCompleted
		}
		return d.moveTransaction(back, "capture refused: "+string(a.Code))
	case payments.OpRefund:
		t.Refunding = 0
		d.setRefund(a, payments.RefundFailed)
	case payments.OpIncrement:
		t.Incrementing = 0
	case payments.OpVoid, payments.OpVerify, payments.OpTokenize, payments.OpLookup, payments.OpAbandon:
	}
	return nil
}

func (d *draft) setRefund(a *payments.Attempt, status payments.RefundStatus) {
	if r := d.pay.Refund(a.RefundID); r != nil {
		r.Status = status
		d.refunds[r.ID], d.refundID = true, r.ID
	}
}
