package processout

import (
	"slices"

	"switchyard/sims/ledger"
	"switchyard/sims/psp"
	"switchyard/sims/shown"
)

// The statuses of a transaction. Refunded is that of any refund, also of a part.
const (
	txWaiting    = "waiting"
	txAuthorized = "authorized"
	txCompleted  = "completed"
	txFailed     = "failed"
	txVoided     = "voided"
	txRefunded   = "refunded"
)

// settle takes money from a hold; what is left of it is released.
func (s *Sim) settle(iv *invoice, amount int64, o psp.Orders) {
	tx := &iv.tx
	tx.status, tx.captured, tx.capturedAt = txCompleted, amount, now()
	s.record(iv, "capture", amount, "")
	s.book(iv, ledger.Captured)
	s.tellTransaction("transaction.captured", iv, o)
	if c, known := s.cards[tx.card]; known && c.acts.dispute != "" {
		tx.dispute = c.acts.dispute
		s.tellTransaction(c.acts.dispute, iv, o)
	}
}

// release gives a hold back, or a part of it.
func (s *Sim) release(iv *invoice, amount int64, o psp.Orders) {
	tx := &iv.tx
	tx.voidedAmount += amount
	s.record(iv, "void", amount, "")
	if tx.voidedAmount < tx.authorized {
		s.book(iv, ledger.Authorized)
		return
	}
	tx.status, tx.voidedAt = txVoided, now()
	s.book(iv, ledger.Voided)
	s.tellTransaction("transaction.voided", iv, o)
}

// hold finds an invoice whose money is held.
func (s *Sim) hold(id string) (*shown.Record[invoice], *psp.Answer) {
	rec, known := s.live(id)
	if !known {
		bad := notFound("invoice")
		return nil, &bad
	}
	if rec.Live.tx.status != txAuthorized {
		bad := invalid(codeValidation, "The invoice is "+rec.Live.tx.status+".")
		return nil, &bad
	}
	return rec, nil
}

// held is what is left of the hold.
func (iv *invoice) held() int64 { return iv.tx.authorized - iv.tx.voidedAmount }

// part reads the amount of an operation on at most `most`; left out it is all of that.
func (iv *invoice) part(text string, most int64) (int64, *psp.Answer) {
	if text == "" {
		return most, nil
	}
	amount, bad := readAmount(text, iv.currency)
	if bad != nil {
		return 0, bad
	}
	if amount > most || amount == 0 && most > 0 {
		exceeded := invalid(codeAmount, "The amount is not within what is available.")
		return 0, &exceeded
	}
	return amount, nil
}

func (s *Sim) captureHold(r *psp.Request, id string, o psp.Orders) psp.Answer {
	rec, bad := s.hold(id)
	if bad != nil {
		if rec, known := s.live(id); known && rec.Live.open() {
			return invalid(codeMissingSource, "The source is missing.")
		}
		return *bad
	}
	iv := &rec.Live
	amount, bad := iv.part(input(r).text("capture_amount"), iv.held())
	if bad != nil {
		return *bad
	}
	if code := s.refusal(iv, o, func(b behaviour) bool { return b.failsCaptures }); code != "" {
		s.record(iv, "capture", amount, code)
		return declined(code)
	}
	rec.Freeze(*iv, o.HideFor)
	s.settle(iv, amount, o)
	return s.paid(rec, nil)
}

// refusal is the code with which the card or a fault refuses an operation after the payment, or "".
func (s *Sim) refusal(iv *invoice, o psp.Orders, refuses func(behaviour) bool) string {
	if o.Decline != psp.NoDecline {
		return "gateway.declined"
	}
	if c, known := s.cards[iv.tx.card]; known && refuses(c.acts) {
		return "gateway.declined"
	}
	return ""
}

func (s *Sim) void(r *psp.Request, ids []string, o psp.Orders) psp.Answer {
	rec, bad := s.hold(ids[0])
	if bad != nil {
		return *bad
	}
	iv := &rec.Live
	amount, bad := iv.part(input(r).text("amount"), iv.held())
	if bad != nil {
		return *bad
	}
	if code := s.refusal(iv, o, func(behaviour) bool { return false }); code != "" {
		return declined(code)
	}
	rec.Freeze(*iv, o.HideFor)
	s.release(iv, amount, o)
	return s.paid(rec, nil)
}

// increment adds to a hold that was made to grow.
func (s *Sim) increment(r *psp.Request, ids []string, o psp.Orders) psp.Answer {
	rec, bad := s.hold(ids[0])
	if bad != nil {
		return *bad
	}
	iv := &rec.Live
	if !iv.tx.incremental {
		return invalid(codeValidation, "The authorization is not incremental.")
	}
	extra, bad := readAmount(input(r).text("amount"), iv.currency)
	if bad != nil {
		return *bad
	}
	if extra == 0 {
		return invalid(codeAmount, "The amount must be more than 0.")
	}
	code := ""
	if c, known := s.cards[iv.tx.card]; known {
		code = c.acts.incrementFails
	}
	if o.Decline != psp.NoDecline {
		code = orderedDecline(o.Decline)
	}
	if code != "" {
		s.record(iv, "authorization", extra, code)
		return declined(code)
	}
	rec.Freeze(*iv, o.HideFor)
	iv.amount += extra
	iv.tx.authorized += extra
	iv.tx.incremented += extra
	s.record(iv, "authorization", extra, "")
	s.book(iv, ledger.Authorized)
	s.tellTransaction("transaction.authorized", iv, o)
	return s.paid(rec, nil)
}

func (s *Sim) refundInvoice(r *psp.Request, ids []string, o psp.Orders) psp.Answer {
	rec, known := s.live(ids[0])
	if !known {
		return notFound("invoice")
	}
	return s.refund(r, rec, o)
}

func (s *Sim) refundTransaction(r *psp.Request, ids []string, o psp.Orders) psp.Answer {
	rec, known := s.live(s.transactions[ids[0]])
	if !known {
		return notFound("transaction")
	}
	return s.refund(r, rec, o)
}

// refund gives back all that is left, or a part.
func (s *Sim) refund(r *psp.Request, rec *shown.Record[invoice], o psp.Orders) psp.Answer {
	in := input(r)
	iv := &rec.Live
	tx := &iv.tx
	if tx.status != txCompleted && tx.status != txRefunded {
		return invalid(codeValidation, "The transaction is "+tx.status+".")
	}
	left := tx.captured - tx.refunded
	if left == 0 {
		return invalid(codeAmount, "Nothing is left to refund.")
	}
	amount, bad := iv.part(in.text("amount"), left)
	if bad != nil {
		return *bad
	}
	reason := in.text("reason")
	if reason == "" {
		reason = "other"
	}
	if !slices.Contains([]string{"customer_request", "duplicate", "fraud", "other"}, reason) {
		return invalid(codeValidation, "The reason is unknown.")
	}
	if code := s.refusal(iv, o, func(b behaviour) bool { return b.failsRefunds }); code != "" {
		return declined(code)
	}
	rec.Freeze(*iv, o.HideFor)
	made := refund{
		id: s.newID("refd_"), amount: amount, reason: reason, information: in.text("information"),
		metadata: in.texts("metadata"), created: now(),
	}
	tx.refunds = append(slices.Clip(tx.refunds), made)
	tx.refunded += amount
	tx.status, tx.refundedAt = txRefunded, made.created
	s.record(iv, "refund", amount, "")
	state := ledger.Captured
	if tx.refunded == tx.captured {
		state = ledger.Refunded
	}
	s.book(iv, state)
	s.tellTransaction("transaction.refunded", iv, o)
	return success("refund", made.resource(iv))
}

// book writes the invoice's charge into the ledger.
func (s *Sim) book(iv *invoice, state ledger.State) {
	s.deps.Ledger.Put(ledger.Charge{
		PSP: name, ID: iv.tx.id, Reference: iv.ledgerReference(), AmountMinor: iv.amount, Currency: iv.currency,
		State: state, CapturedMinor: iv.tx.captured, RefundedMinor: iv.tx.refunded,
		Verification: iv.verifies(),
	})
}
