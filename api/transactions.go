package api

import (
	"switchyard/flow"
	"switchyard/payments"
)

// listTransactions serves GET and POST alike: the latter has its options in the body.
func (s *server) listTransactions(c *call) (reply, error) {
	found, err := s.Reads.Transactions(c.ctx, c.project.ID, c.options.page)
	if err != nil {
		return reply{}, badCursor(err)
	}
	v := c.reading(payments.Snapshot{})
	return showing(v, func(w *writer) {
		page(w, "transactions", c.options, found, func(one *payments.Transaction) { v.transaction(w, one, v.expand) })
	}), nil
}

func (s *server) getTransaction(c *call) (reply, error) {
	transaction, err := s.Reads.Transaction(c.ctx, c.project.ID, c.param("transaction"))
	if err != nil {
		return reply{}, missing(err, payments.CodeTransactionNotFound)
	}
	v := c.reading(payments.Snapshot{Transaction: &transaction})
	return showing(v, func(w *writer) { showTransaction(w, v) }), nil
}

// listRefunds lists the refunds of a transaction, which are few: they are read with the payment.
func (s *server) listRefunds(c *call) (reply, error) {
	transaction, err := s.Reads.Transaction(c.ctx, c.project.ID, c.param("transaction"))
	if err != nil {
		return reply{}, missing(err, payments.CodeTransactionNotFound)
	}
	payment, err := s.Reads.Payment(c.ctx, c.project.ID, transaction.InvoiceID)
	if err != nil {
		return reply{}, missing(err, payments.CodeTransactionNotFound)
	}
	found, err := cut(payment.Refunds, c.options.page, func(r *payments.Refund) string { return r.ID })
	if err != nil {
		return reply{}, err
	}
	v := c.reading(payments.Snapshot{Transaction: &payment.Transaction, Attempts: payment.Attempts, Refunds: payment.Refunds})
	return showing(v, func(w *writer) {
		page(w, "refunds", c.options, found, func(one *payments.Refund) { v.refund(w, one, v.expand) })
	}), nil
}

func (s *server) getRefund(c *call) (reply, error) {
	refund, err := s.Reads.Refund(c.ctx, c.project.ID, c.param("refund"))
	if err == nil && refund.TransactionID != c.param("transaction") {
		err = payments.ErrNotFound
	}
	if err != nil {
		return reply{}, missing(err, payments.CodeRefundNotFound)
	}
	v := c.reading(payments.Snapshot{Refund: &refund})
	return showing(v, func(w *writer) { showRefund(w, v) }), nil
}

func (s *server) refundInvoice(c *call) (reply, error) {
	return s.refund(c, func() (string, error) { return c.param("invoice"), nil })
}

// refundTransaction is the older way to say the same.
func (s *server) refundTransaction(c *call) (reply, error) {
	return s.refund(c, func() (string, error) {
		transaction, err := s.Reads.Transaction(c.ctx, c.project.ID, c.param("transaction"))
		return transaction.InvoiceID, missing(err, payments.CodeTransactionNotFound)
	})
}

func (s *server) refund(c *call, invoiceID func() (string, error)) (reply, error) {
	f := c.fields
	request := flow.RefundRequest{
		ProjectID: c.project.ID, Amount: f.amount("amount"),
		Reason:      f.enum("reason", payments.CodeValidation, "customer_request", "duplicate", "fraud", "other"),
		Information: f.text("information", textRule{}),
		DetailIDs:   f.texts("invoice_detail_ids"),
	}
	if request.Reason == "" {
		request.Reason = "other"
	}
	f.setMetadata(&request.Metadata, "metadata")
	if err := f.faults.err(); err != nil {
		return reply{}, err
	}
	return s.once(c, mutation{
		do: func(claim *payments.ClaimRequest) (payments.Snapshot, error) {
			id, err := invoiceID()
			if err != nil {
				return payments.Snapshot{}, err
			}
			request.InvoiceID, request.Claim = id, claim
			return s.Engine.Refund(c.ctx, request)
		},
		show: showRefund,
	})
}

func showRefund(w *writer, v *view) {
	object(w, "refund", v.snapshot.Refund, v.refund, v.expand)
}

// cut takes a page out of a list that is all there, oldest first.
func cut[T any](all []T, p payments.Page, idOf func(*T) string) (payments.List[T], error) {
	ordered := make([]T, len(all))
	for i := range all {
		if p.Ascending {
			ordered[i] = all[i]
		} else {
			ordered[i] = all[len(all)-1-i]
		}
	}
	cursor := -1
	if id := p.StartAfter + p.EndBefore; id != "" {
		for i := range ordered {
			if idOf(&ordered[i]) == id {
				cursor = i
			}
		}
		if cursor < 0 {
			return payments.List[T]{}, badCursor(payments.ErrNotFound)
		}
	}
	if p.EndBefore != "" {
		from := max(0, cursor-p.Limit)
		return payments.List[T]{Items: ordered[from:cursor], HasMore: from > 0}, nil
	}
	to := min(len(ordered), cursor+1+p.Limit)
	return payments.List[T]{Items: ordered[cursor+1 : to], HasMore: to < len(ordered)}, nil
}
