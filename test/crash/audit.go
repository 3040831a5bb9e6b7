package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"switchyard/config"
	"switchyard/payments"
	"switchyard/store/sqlite"
)

// stillTrue compares what the gateway says of an invoice with what merchants were told before.
func stillTrue(invoice string, before wish, now answer) []violation {
	var found []violation
	for _, x := range []struct {
		name string
		want int64
	}{{"authorized_amount", before.authorized}, {"captured_amount", before.captured}, {"refunded_amount", before.refunded}} {
		m, err := payments.ParseAmount(now.at("transaction", x.name), payments.Currency(before.story.currency))
		if now.status != http.StatusOK || err != nil || m.Minor < x.want {
			found = append(found, violation{lost, fmt.Sprintf("%s: %s of %d was acknowledged, and now it is %d %s", invoice, x.name, x.want, now.status, now.text)})
		}
	}
	if before.voided && now.at("transaction", "status") != "voided" {
		found = append(found, violation{lost, fmt.Sprintf("%s: a void was acknowledged, and now it is %d %s", invoice, now.status, now.text)})
	}
	return found
}

// auditor compares the simulators' ledger with the store, which nobody else has open.
type auditor struct {
	store  *sqlite.Store
	ledger map[string][]charge // by reference
	book   *book
	result *result
}

func (w *world) audit(ctx context.Context, store *sqlite.Store) error {
	ledger, err := w.ledger(ctx)
	if err != nil {
		return err
	}
	a := auditor{store: store, ledger: ledger, book: w.book, result: &w.result}
	invoices := map[string]bool{}
	for id := range w.book.invoices {
		invoices[id] = true
	}
	for reference, charges := range ledger {
		attempt, err := store.Attempt(ctx, config.DevProjectID, payments.AttemptID(reference))
		if err != nil && !errors.Is(err, payments.ErrNotFound) {
			return err
		}
		for _, c := range charges {
			switch {
			case err != nil:
				a.violated(noIntent, c.String())
			case attempt.Operation == payments.OpVerify && c.held() > 0 && !w.hasty && !(attempt.State.Open() && leftToOperators(&attempt)):
				a.violated(unreleased, fmt.Sprintf("%s; attempt %s of token %s is %s", c, attempt.ID, attempt.TokenID, attempt.State))
			case attempt.InvoiceID != "":
				invoices[attempt.InvoiceID] = true
			}
			if c.tookMoney() {
				w.result.charges++
			}
		}
	}
	w.result.invoices = len(invoices)
	for _, id := range slices.Sorted(maps.Keys(invoices)) {
		if err := a.invoice(ctx, id); err != nil {
			return err
		}
	}
	for _, id := range slices.Sorted(maps.Keys(w.book.tokens)) {
		attempts, err := store.AttemptsOfToken(ctx, config.DevProjectID, id)
		if err != nil {
			return err
		}
		a.opens(attempts, func() string { return fmt.Sprintf("token %s\n%s", id, a.attempts(attempts)) })
	}
	return nil
}

// opens finds the attempts whose outcome should be known by now.
func (a *auditor) opens(attempts []payments.Attempt, evidence func() string) {
	a.result.attempts += len(attempts)
	for i := range attempts {
		x := &attempts[i]
		if x.State == payments.AttemptLate || x.State == payments.AttemptReversed {
			a.violated(tooEarly, evidence())
		}
		switch {
		case !x.State.Open() && x.State != payments.AttemptLate:
		case leftToOperators(x):
			a.result.operators++
		case a.result.hasty:
			a.result.open++
		default:
			a.violated(openStill, evidence())
		}
	}
}

func (a *auditor) violated(rule, evidence string) {
	a.result.violations = append(a.result.violations, violation{rule, evidence})
}

// invoice compares one payment with what the PSPs did for it, and with what its merchant asked for and was told.
func (a *auditor) invoice(ctx context.Context, id string) error {
	pay, err := a.store.Payment(ctx, config.DevProjectID, id)
	if errors.Is(err, payments.ErrNotFound) {
		a.violated(lost, "invoice "+id)
		return nil
	}
	if err != nil {
		return err
	}
	a.opens(pay.Attempts, func() string { return a.story(pay) })
	var paid []charge
	for i := range pay.Attempts {
		x := &pay.Attempts[i]
		if !x.Operation.Charges() {
			continue
		}
		for _, c := range a.ledger[x.Reference] {
			if c.tookMoney() && x.ID == pay.Transaction.ChargeAttemptID {
				paid = append(paid, c)
			} else if c.held() > 0 || c.tookMoney() && x.State != payments.AttemptReversed {
				a.extra(pay, c)
			}
		}
	}
	t := &pay.Transaction
	switch {
	case len(paid) > 1:
		a.violated(doubleCharge, a.story(pay))
	case len(paid) == 0 && t.Totals.Authorized > 0:
		a.violated(amounts, "paid here, and not at the PSP: "+a.story(pay))
	case len(paid) == 1:
		a.sums(pay, paid[0])
	}
	if w := a.book.invoices[id]; w != nil {
		a.asked(pay, w, paid)
	}
	return nil
}

// extra is about a charge that is not the one that has paid the invoice, and that was not given back as a late one.
func (a *auditor) extra(pay *payments.Payment, c charge) {
	if pay.Transaction.ChargeAttemptID != "" {
		a.violated(doubleCharge, c.String()+" beside another; "+a.story(pay))
		return
	}
	if t := pay.Transaction.Status; t != payments.StatusPending && t != payments.StatusReview { // those are unresolved
		a.violated(failedCharge, c.String()+"; "+a.story(pay))
	}
}

// sums compares the amounts here and at the PSP.
func (a *auditor) sums(pay *payments.Payment, c charge) {
	t := &pay.Transaction
	n := t.Totals
	voided := c.State == "voided" && c.CapturedMinor == 0
	switch {
	case c.CapturedMinor > c.AmountMinor || c.RefundedMinor > c.CapturedMinor:
		a.violated(amounts, "at the PSP: "+a.story(pay))
	case n.Captured > n.Authorized || n.Refunded > n.Captured || n.Captured+n.Voided > n.Authorized:
		a.violated(amounts, "here: "+a.story(pay))
	case t.InFlight != "": // unresolved
	case n.Authorized != c.AmountMinor || n.Captured != c.CapturedMinor || n.Refunded != c.RefundedMinor || (n.Voided > 0) != voided:
		a.violated(amounts, "here and at the PSP differ: "+a.story(pay))
	}
}

// asked compares what was done with what the merchant asked for, at most, and was told, at least.
func (a *auditor) asked(pay *payments.Payment, w *wish, paid []charge) {
	n := pay.Transaction.Totals
	var done charge
	if len(paid) > 0 {
		done = paid[0]
	}
	if max(n.Authorized, done.AmountMinor) > w.authorize || max(n.Captured, done.CapturedMinor) > w.capture || max(n.Refunded, done.RefundedMinor) > w.refunds {
		a.violated(doneTwice, fmt.Sprintf("asked for %d, captures of %d and refunds of %d: %s", w.authorize, w.capture, w.refunds, a.story(pay)))
	}
	if n.Authorized < w.authorized || n.Captured < w.captured || n.Refunded < w.refunded || w.voided && n.Voided == 0 {
		a.violated(lost, fmt.Sprintf("told of %d, captures of %d, refunds of %d, voided %t: %s", w.authorized, w.captured, w.refunded, w.voided, a.story(pay)))
	}
}

// story is the evidence: an invoice, its attempts, and the PSPs' rows.
func (a *auditor) story(pay *payments.Payment) string {
	return fmt.Sprintf("invoice %s is %s, %+v\n%s", pay.Invoice.ID, pay.Transaction.Status, pay.Transaction.Totals, a.attempts(pay.Attempts))
}

func (a *auditor) attempts(attempts []payments.Attempt) string {
	var lines []string
	for i := range attempts {
		x := &attempts[i]
		lines = append(lines, fmt.Sprintf("  attempt %s: %s of %d at %s, sent %s, is %s %s %s, asked %d times",
			x.ID, x.Operation, x.Amount.Minor, x.PSP, x.SentAt.Format(time.TimeOnly), x.State, x.Fault, x.Code, x.Questions))
		for _, c := range a.ledger[x.Reference] {
			lines = append(lines, "    "+c.String())
		}
	}
	return strings.Join(lines, "\n")
}
