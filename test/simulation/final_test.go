package simulation

import (
	"bytes"
	"context"
	"os"
	"strings"

	"switchyard/payments"
)

// conclude checks the batch at its end, when nothing has gone wrong for long.
func (w *world) conclude(ctx context.Context) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, id := range w.audit.invoices {
		pay, err := w.store.Payment(ctx, project, id)
		if err != nil {
			w.violate("nothing is lost", w.labels[id], "the invoice cannot be read: %v", err)
			continue
		}
		w.finished(pay)
		w.keptOnce(pay)
		w.booked(ctx, pay)
		w.explained(pay)
		w.toldOf(ctx, pay)
	}
	w.verified(ctx)
	w.remembered(ctx)
	w.keysAnswered(ctx)
	w.noSecrets()
}

// finished checks that everything has come to an end.
func (w *world) finished(pay *payments.Payment) {
	label, t := w.labels[pay.Invoice.ID], &pay.Transaction
	if t.Status == payments.StatusPending || t.Status == payments.StatusPendingCapture || t.InFlight != "" && t.Status != payments.StatusReview {
		w.violate("everything ends", label, "the payment is %s, in flight %s", t.Status, w.labels[t.InFlight])
	}
	for i := range pay.Attempts {
		if a := &pay.Attempts[i]; a.State.Open() && t.Status != payments.StatusReview || a.State == payments.AttemptLate && a.Operation.Charges() {
			w.violate("everything ends", w.labels[a.Reference], "the attempt is %s", a.State)
		}
	}
	for i := range pay.Refunds {
		if pay.Refunds[i].Status == payments.RefundPending && t.Status != payments.StatusReview {
			w.violate("everything ends", label, "a refund of %s is pending", pay.Refunds[i].Amount)
		}
	}
}

// keptOnce checks that no more than one charge of an invoice is kept, and none of a payment that is called failed.
func (w *world) keptOnce(pay *payments.Payment) {
	label, t := w.labels[pay.Invoice.ID], &pay.Transaction
	kept := 0
	for i := range pay.Attempts {
		a := &pay.Attempts[i]
		if !a.Operation.Charges() {
			continue
		}
		for n, c := range w.bank(a.GatewayConfigurationID).all(a.Reference) {
			if c.kept() == 0 {
				continue
			}
			kept++
			switch {
			case n > 0:
				w.violate("charged once", label, "%s keeps %d for one reference twice", a.PSP, c.kept())
			case t.Status == payments.StatusReview:
			case a.ID != t.ChargeAttemptID:
				w.violate("charged once", label, "%s keeps %d of an attempt that is %s; the payment is %s", a.PSP, c.kept(), a.State, t.Status)
			case t.Status == payments.StatusFailed || t.Status == payments.StatusWaiting:
				w.violate("failed means not charged", label, "%s keeps %d of a payment that is %s", a.PSP, c.kept(), t.Status)
			}
		}
	}
	if kept > 1 {
		w.violate("charged once", label, "%d charges are kept", kept)
	}
}

// sums are the ledger's amounts by kind.
func sums(entries []payments.Entry) payments.Totals {
	var t payments.Totals
	for _, e := range entries {
		switch e.Kind {
		case payments.EntryAuthorized:
			t.Authorized += e.Amount.Minor
		case payments.EntryCaptured:
			t.Captured += e.Amount.Minor
		case payments.EntryRefunded:
			t.Refunded += e.Amount.Minor
		case payments.EntryVoided:
			t.Voided += e.Amount.Minor
		}
	}
	return t
}

// booked checks that ledger, payment and PSP have the same amounts.
func (w *world) booked(ctx context.Context, pay *payments.Payment) {
	label, t := w.labels[pay.Invoice.ID], &pay.Transaction
	entries, err := w.store.Entries(ctx, project, t.ID)
	if err != nil {
		w.violate("the ledger is true", label, "%v", err)
	}
	if got := sums(entries); got != t.Totals {
		w.violate("the ledger is true", label, "the ledger has %+v, the payment %+v", got, t.Totals)
	}
	var truth payments.Totals
	if a := pay.Attempt(t.ChargeAttemptID); a != nil {
		if c := w.bank(a.GatewayConfigurationID).charges[a.Reference]; c != nil {
			truth = c.totals
		}
	}
	if t.Status != payments.StatusReview && t.InFlight == "" && truth != t.Totals && !w.liedAbout(pay) {
		w.violate("the ledger is true", label, "the PSP has %+v, the payment %+v", truth, t.Totals)
	}
	for i := range pay.Attempts {
		a := &pay.Attempts[i]
		if a.State != payments.AttemptReversed {
			continue
		}
		late, err := w.store.Entries(ctx, project, a.ID)
		if got := sums(late); err != nil || got.Captured != got.Refunded || got.Authorized != got.Voided {
			w.violate("the ledger is true", w.labels[a.Reference], "a late charge is booked as %+v, %v", got, err)
		}
	}
}

// liedAbout says that the PSP has broken a promise about an operation on the payment: an operator has been told.
func (w *world) liedAbout(pay *payments.Payment) bool {
	for i := range pay.Attempts {
		if a := &pay.Attempts[i]; !a.Operation.Charges() && w.bank(a.GatewayConfigurationID).lies[a.Reference] {
			return true
		}
	}
	return false
}

// explained checks that every decision says why, of every candidate, and that the first one chosen was tried first.
func (w *world) explained(pay *payments.Payment) {
	for i := range pay.Attempts {
		a := &pay.Attempts[i]
		if a.Decision == nil {
			if i == 0 {
				w.violate("every decision is explained", w.labels[a.Reference], "the first attempt has none")
			}
			continue
		}
		order := a.Decision.Order()
		if len(order) == 0 || order[0].Verdict != payments.Chosen || order[0].GatewayConfigurationID != a.GatewayConfigurationID {
			w.violate("every decision is explained", w.labels[a.Reference], "%s was tried first; the decision was %+v", a.PSP, order)
		}
		if len(a.Decision.Candidates) != len(w.banks) {
			w.violate("every decision is explained", w.labels[a.Reference], "%d of %d candidates are named", len(a.Decision.Candidates), len(w.banks))
		}
		for _, c := range a.Decision.Candidates {
			if c.Reason == "" {
				w.violate("every decision is explained", w.labels[a.Reference], "%s was %s, and why is not said", c.PSP, c.Verdict)
			}
		}
	}
}

// toldOf checks the histories, and that merchants are told of every step that they have to know of.
func (w *world) toldOf(ctx context.Context, pay *payments.Payment) {
	label, t := w.labels[pay.Invoice.ID], &pay.Transaction
	want := map[string]int{}
	steps, err := w.store.Transitions(ctx, project, "transaction", t.ID)
	if err != nil || len(steps) == 0 || steps[len(steps)-1].To != string(t.Status) {
		w.violate("legal history", label, "the payment is %s; its history is %+v, %v", t.Status, steps, err)
	}
	for i, s := range steps {
		if i > 0 && (s.From != steps[i-1].To || !payments.TransactionStatus(s.From).CanBecome(payments.TransactionStatus(s.To))) {
			w.violate("legal history", label, "from %s to %s after %s", s.From, s.To, steps[i-1].To)
		}
		switch payments.TransactionStatus(s.To) {
		case payments.StatusFailed:
			want[payments.EventTransactionFailed]++
		case payments.StatusReview:
			want[payments.EventTransactionInReview]++
		}
	}
	for i := range pay.Attempts {
		a := &pay.Attempts[i]
		w.history(ctx, a)
		if a.State == payments.AttemptApproved {
			want[eventOf[a.Operation]]++
		}
	}
	got := w.audit.events[t.ID]
	for name := range want {
		if want[name] != got[name] {
			w.violate("merchants are told of every step", label, "%d events %s, want %d", got[name], name, want[name])
		}
	}
	for name := range got {
		if want[name] == 0 {
			w.violate("merchants are told of every step", label, "%d events %s, want none", got[name], name)
		}
	}
}

var eventOf = map[payments.Operation]string{
	payments.OpAuthorize: payments.EventTransactionAuthorized, payments.OpSale: payments.EventTransactionCaptured,
	payments.OpCapture: payments.EventTransactionCaptured, payments.OpVoid: payments.EventTransactionVoided,
	payments.OpRefund: payments.EventTransactionRefunded, payments.OpIncrement: payments.EventTransactionIncremented,
}

// history checks the steps of an attempt.
func (w *world) history(ctx context.Context, a *payments.Attempt) {
	steps, err := w.store.Transitions(ctx, project, "attempt", a.ID)
	last := ""
	for i, s := range steps {
		if s.From != last || i > 0 && !payments.AttemptState(s.From).CanBecome(payments.AttemptState(s.To)) || s.Why == "" {
			w.violate("legal history", w.labels[a.Reference], "from %s to %s after %s (%s)", s.From, s.To, last, s.Why)
		}
		last = s.To
	}
	if err != nil || last != string(a.State) {
		w.violate("legal history", w.labels[a.Reference], "the attempt is %s, its history ends with %s, %v", a.State, last, err)
	}
}

// verified checks the verifications of tokens: their holds are released, their tokens have an end.
func (w *world) verified(ctx context.Context) {
	for _, a := range w.audit.attempts {
		if a.Operation != payments.OpVerify {
			continue
		}
		label := w.labels[a.Reference]
		w.history(ctx, &a)
		for _, c := range w.bank(a.GatewayConfigurationID).all(a.Reference) {
			if c.kept() != 0 {
				w.violate("a verification keeps no money", label, "%s keeps %d; the attempt is %s", a.PSP, c.kept(), a.State)
			}
		}
		entries, err := w.store.Entries(ctx, project, a.ID)
		if _, err := w.store.Alert(ctx, payments.AlertID(payments.AlertStuck, a.ID)); err == nil {
			continue // a PSP refuses what it has done unheard, under the same reference: an operator has to look
		}
		if got := sums(entries); err != nil || got.Authorized != got.Voided || got.Captured != got.Refunded {
			w.violate("the ledger is true", label, "a verification is booked as %+v, %v", got, err)
		}
	}
	for _, id := range w.audit.tokens {
		token, err := w.store.Token(ctx, project, id)
		if err == nil && token.Type != payments.TokenPending && token.Verification == payments.VerificationPending {
			w.violate("everything ends", w.labels[id], "the token's verification is pending")
		}
	}
}

// noSecrets checks that the store's files have neither card numbers nor the secrets of payers' steps in the open.
func (w *world) noSecrets() {
	for _, name := range []string{w.file, w.file + "-wal"} {
		content, err := os.ReadFile(name)
		if err != nil {
			w.violate("no secrets in the store", "", "%v", err)
			continue
		}
		for _, secret := range append(secrets(), strings.TrimSuffix(actionLink, "&payment=")) {
			if bytes.Contains(content, []byte(secret)) {
				w.violate("no secrets in the store", "", "%s has a secret that ends with %s", name, secret[len(secret)-4:])
			}
		}
	}
}
