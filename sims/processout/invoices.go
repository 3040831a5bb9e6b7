package processout

import (
	"errors"

	"switchyard/sims/currency"
	"switchyard/sims/psp"
	"switchyard/sims/shown"
)

const maxNameLength = 80

type invoice struct {
	id, name, orderID, reference, currency, customer string
	returnURL, cancelURL, descriptor, created        string
	amount                                           int64 // minor units by ISO 4217
	metadata                                         map[string]string
	// verification proves a card and takes nothing.
	verification      bool
	merchantInitiated bool
	deleted           bool // look-ups may still show it
	tx                transaction
}

// open says whether the invoice can still be paid.
func (iv *invoice) open() bool {
	return (iv.tx.status == txWaiting || iv.tx.status == txFailed) && iv.tx.pending == nil
}

// verifies says whether the invoice only proves a card: its hold is given back by itself.
func (iv *invoice) verifies() bool {
	return (iv.verification || iv.tx.provesToken) && !iv.tx.keepsHold
}

// charged says whether money is or was held or taken.
func (iv *invoice) charged() bool {
	return iv.tx.status != txWaiting && iv.tx.status != txFailed
}

// ledgerReference is the gateway's own reference.
func (iv *invoice) ledgerReference() string {
	for _, reference := range []string{iv.reference, iv.orderID, iv.metadata["reference"]} {
		if reference != "" {
			return reference
		}
	}
	return ""
}

// readAmount reads decimal text in major units of a currency. When it cannot, the answer says why.
func readAmount(text, code string) (int64, *psp.Answer) {
	exponent, known := currency.Exponent(code)
	if !known {
		bad := invalid("request.validation.invalid-currency", "The currency is unknown.")
		return 0, &bad
	}
	minor, err := currency.Parse(text, exponent)
	if err != nil {
		message := "The amount is invalid."
		if errors.Is(err, currency.ErrTooManyDecimals) {
			message = "The amount has more decimals than its currency."
		}
		bad := invalid(codeAmount, message)
		return 0, &bad
	}
	return minor, nil
}

func (s *Sim) createInvoice(r *psp.Request, _ []string, o psp.Orders) psp.Answer {
	in := input(r)
	iv := invoice{
		id: s.newID("iv_"), name: in.text("name"), orderID: in.text("order_id"), reference: in.text("reference_id"),
		currency: in.text("currency"), customer: in.text("customer_id"), returnURL: in.text("return_url"),
		cancelURL: in.text("cancel_url"), descriptor: in.text("statement_descriptor"), metadata: in.texts("metadata"),
		verification: in.flag("verification"), created: now(),
		merchantInitiated: in.text("initiation_type") == "mit" || in.text("merchant_initiator_type") != "",
	}
	switch {
	case iv.name == "" || len(iv.name) > maxNameLength:
		return invalid("request.validation.missing-name", "The name must have 1 to 80 characters.")
	case iv.currency == "":
		return invalid("request.validation.missing-currency", "The currency is missing.")
	case iv.customer != "" && s.customers[iv.customer] == nil:
		return notFound("customer")
	}
	amount := in.text("amount")
	if amount == "" && iv.verification {
		amount = "0"
	}
	var bad *psp.Answer
	if iv.amount, bad = readAmount(amount, iv.currency); bad != nil {
		return *bad
	}
	if iv.amount == 0 && !iv.verification {
		return invalid(codeAmount, "The amount must be more than 0.")
	}
	rec := s.store(iv, o)
	return success("invoice", s.invoiceResource(&rec.Live, nil))
}

// store keeps a new invoice with its transaction, which waits.
func (s *Sim) store(iv invoice, o psp.Orders) *shown.Record[invoice] {
	iv.tx = transaction{id: s.newID("tr_"), status: txWaiting, created: iv.created}
	rec := shown.New(iv, o.HideFor)
	s.invoices[iv.id] = rec
	s.transactions[iv.tx.id] = iv.id
	s.transactionOrder = append(s.transactionOrder, iv.tx.id)
	return rec
}

func (s *Sim) getInvoice(r *psp.Request, ids []string, _ psp.Orders) psp.Answer {
	wanted, bad := expand(r)
	if bad != nil {
		return *bad
	}
	iv, visible := s.seen(ids[0])
	if !visible {
		return notFound("invoice")
	}
	return success("invoice", s.invoiceResource(&iv, wanted))
}

// seen finds an invoice as look-ups show it.
func (s *Sim) seen(id string) (invoice, bool) {
	rec, known := s.invoices[id]
	if !known {
		return invoice{}, false
	}
	iv, visible := rec.View()
	return iv, visible && !iv.deleted
}

// live finds an invoice as it is.
func (s *Sim) live(id string) (*shown.Record[invoice], bool) {
	rec, known := s.invoices[id]
	if !known || rec.Live.deleted {
		return nil, false
	}
	return rec, true
}

// updateInvoice changes the amount of an invoice that waits.
func (s *Sim) updateInvoice(r *psp.Request, ids []string, _ psp.Orders) psp.Answer {
	rec, known := s.live(ids[0])
	if !known {
		return notFound("invoice")
	}
	text := input(r).text("amount")
	if text == "" {
		return success("invoice", s.invoiceResource(&rec.Live, nil))
	}
	if !rec.Live.open() {
		return invalid(codeValidation, "The invoice cannot change any more.")
	}
	amount, bad := readAmount(text, rec.Live.currency)
	if bad != nil {
		return *bad
	}
	if amount == 0 && !rec.Live.verification {
		return invalid(codeAmount, "The amount must be more than 0.")
	}
	rec.Live.amount = amount
	return success("invoice", s.invoiceResource(&rec.Live, nil))
}

// deleteInvoice is the fence: an invoice that is gone can never be charged. One that was charged stays.
func (s *Sim) deleteInvoice(_ *psp.Request, ids []string, o psp.Orders) psp.Answer {
	rec, known := s.live(ids[0])
	switch {
	case !known:
		return notFound("invoice")
	case rec.Live.charged():
		return invalid(codeValidation, "An invoice with a payment cannot be deleted.")
	case o.Decline != psp.NoDecline:
		return invalid(codeValidation, "The invoice cannot be deleted now.")
	}
	rec.Freeze(rec.Live, o.HideFor)
	rec.Live.deleted = true
	return success("", nil)
}

func (s *Sim) invoiceResource(iv *invoice, wanted expansions) psp.Object {
	out := psp.Object{
		"id": iv.id, "project_id": nil, "transaction": nil, "transaction_id": iv.tx.id, "customer": nil,
		"customer_id": orNull(iv.customer), "token_id": nil, "url": s.deps.BaseURL + "/checkout/" + iv.id, "name": iv.name,
		"order_id": orNull(iv.orderID), "reference_id": orNull(iv.reference), "amount": iv.text(iv.amount),
		"currency": iv.currency, "statement_descriptor": orNull(iv.descriptor), "metadata": orEmpty(iv.metadata),
		"return_url": orNull(iv.returnURL), "cancel_url": orNull(iv.cancelURL), "sandbox": true, "created_at": iv.created,
		"incremental": iv.tx.incremental, "verification": iv.verification,
	}
	if wanted.has("transaction") {
		out["transaction"] = s.transactionResource(iv, wanted.under("transaction"))
	}
	if c, known := s.customers[iv.customer]; known && wanted.has("customer") {
		out["customer"] = c.resource()
	}
	return out
}

// text is an amount on the wire: decimal text without trailing zeros.
func (iv *invoice) text(minor int64) string {
	exponent, _ := currency.Exponent(iv.currency) // checked when the invoice was made
	return currency.Format(minor, exponent)
}
