package api

import (
	"switchyard/payments"
)

func (s *server) listInvoices(c *call) (reply, error) {
	found, err := s.Reads.Invoices(c.ctx, c.project.ID, c.options.page)
	if err != nil {
		return reply{}, badCursor(err)
	}
	v := c.reading(payments.Snapshot{})
	return showing(v, func(w *writer) {
		page(w, "invoices", c.options, found, func(one *payments.Invoice) { v.invoice(w, one, v.expand) })
	}), nil
}

func (s *server) createInvoice(c *call) (reply, error) {
	invoice := payments.Invoice{ProjectID: c.project.ID, Sandbox: c.project.Sandbox}
	if err := readInvoice(c.fields, &invoice); err != nil {
		return reply{}, err
	}
	return s.once(c, mutation{
		do: func(claim *payments.ClaimRequest) (payments.Snapshot, error) {
			return s.Engine.CreateInvoice(c.ctx, invoice, claim)
		},
		show:   showInvoice,
		secret: true,
	})
}

// getInvoice is open to a payer's device that has the invoice's client secret.
func (s *server) getInvoice(c *call) (reply, error) {
	invoice, err := s.Reads.Invoice(c.ctx, c.project.ID, c.param("invoice"))
	if err := c.mayUseInvoice(&invoice, err); err != nil {
		return reply{}, err
	}
	v := c.reading(payments.Snapshot{Invoice: &invoice})
	answer := showing(v, func(w *writer) { showInvoice(w, v) })
	answer.secret = invoice.ClientSecret
	return answer, nil
}

func (s *server) updateInvoice(c *call) (reply, error) {
	return s.once(c, mutation{
		do: func(claim *payments.ClaimRequest) (payments.Snapshot, error) {
			return s.Engine.UpdateInvoice(c.ctx, c.project.ID, c.param("invoice"), func(invoice *payments.Invoice) error {
				return editInvoice(c.fields, invoice)
			}, claim)
		},
		show: showInvoice,
	})
}

func (s *server) deleteInvoice(c *call) (reply, error) {
	return s.once(c, mutation{do: func(claim *payments.ClaimRequest) (payments.Snapshot, error) {
		return s.Engine.DeleteInvoice(c.ctx, c.project.ID, c.param("invoice"), claim)
	}})
}

func (s *server) getInvoiceCustomer(c *call) (reply, error) {
	invoice, err := s.Reads.Invoice(c.ctx, c.project.ID, c.param("invoice"))
	if err != nil {
		return reply{}, missing(err, payments.CodeInvoiceNotFound)
	}
	if invoice.CustomerID == "" {
		return reply{}, payments.NewError(payments.CodeCustomerNotFound, "The invoice has no customer.")
	}
	customer, err := s.Tokens.Customer(c.ctx, c.project.ID, invoice.CustomerID)
	if err != nil {
		return reply{}, err
	}
	v := c.reading(payments.Snapshot{Customer: &customer})
	return showing(v, func(w *writer) { showCustomer(w, v) }), nil
}

func (s *server) assignInvoiceCustomer(c *call) (reply, error) {
	customer := c.fields.text("customer_id", textRule{code: payments.CodeInvalidID})
	if customer == "" {
		c.fields.fault(payments.CodeInvalidID, "customer_id", "Give the id of the customer.")
	}
	if err := c.fields.faults.err(); err != nil {
		return reply{}, err
	}
	return s.once(c, mutation{
		do: func(claim *payments.ClaimRequest) (payments.Snapshot, error) {
			return s.Engine.AssignCustomer(c.ctx, c.project.ID, c.param("invoice"), customer, claim)
		},
		show: showCustomer,
	})
}

// getInvoiceTransaction answers the one transaction, in spite of its path.
func (s *server) getInvoiceTransaction(c *call) (reply, error) {
	invoice, err := s.Reads.Invoice(c.ctx, c.project.ID, c.param("invoice"))
	if err != nil {
		return reply{}, missing(err, payments.CodeInvoiceNotFound)
	}
	transaction, err := s.Reads.Transaction(c.ctx, c.project.ID, invoice.TransactionID)
	if err != nil {
		return reply{}, missing(err, payments.CodeTransactionNotFound)
	}
	v := c.reading(payments.Snapshot{Invoice: &invoice, Transaction: &transaction})
	return showing(v, func(w *writer) { showTransaction(w, v) }), nil
}

// getDecision explains where the payment went, or would go.
func (s *server) getDecision(c *call) (reply, error) {
	decision, attempts, err := s.Engine.Explain(c.ctx, c.project.ID, c.param("invoice"))
	if err != nil {
		return reply{}, missing(err, payments.CodeInvoiceNotFound)
	}
	return reply{show: func(w *writer) error {
		w.name("decision")
		writeDecision(w, &decision, attempts)
		return nil
	}}, nil
}

func showInvoice(w *writer, v *view) {
	object(w, "invoice", v.snapshot.Invoice, v.invoice, v.expand)
}
