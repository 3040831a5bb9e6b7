package processout

import (
	"slices"
	"strings"

	"switchyard/sims/psp"
)

// transaction is the one transaction of an invoice, whatever is tried on it.
type transaction struct {
	id, status, errorCode, advice, schemeID string
	source, card, token                     string
	created                                 string
	// Amounts in minor units.
	authorized, captured, refunded, voidedAmount, incremented int64
	authorizedAt, capturedAt, refundedAt, voidedAt            string
	incremental                                               bool
	// provesToken says that a token is verified by it, keepsHold that the merchant ends the hold itself.
	provesToken, keepsHold bool
	attempts               int
	dispute                string
	operations             []operation
	refunds                []refund
	// pending is the try that waits for the payer's step; resumable says that the step's page has ended the payment
	// and the payer's client has not come back since.
	pending   *try
	step      step
	resumable bool
}

type operation struct {
	id, kind, errorCode, created string
	amount                       int64
}

type refund struct {
	id, reason, information, created string
	amount                           int64
	metadata                         map[string]string
}

// begin notes what a try is made with.
func (tx *transaction) begin(t try) {
	tx.source, tx.card, tx.token = t.source, t.card, t.token
	tx.provesToken, tx.keepsHold = t.verifies != "", t.keepsHold
	tx.errorCode, tx.advice, tx.resumable, tx.step = "", "", false, step{}
	tx.attempts++
}

// record notes an operation, failed if it has a code, and returns its id.
func (s *Sim) record(iv *invoice, kind string, amount int64, code string) string {
	op := operation{id: s.newID("tr_op_"), kind: kind, errorCode: code, created: now(), amount: amount}
	iv.tx.operations = append(slices.Clip(iv.tx.operations), op)
	return op.id
}

func (s *Sim) getInvoiceTransaction(r *psp.Request, ids []string, _ psp.Orders) psp.Answer {
	return s.showTransaction(r, ids[0], "invoice")
}

func (s *Sim) getTransaction(r *psp.Request, ids []string, _ psp.Orders) psp.Answer {
	return s.showTransaction(r, s.transactions[ids[0]], "transaction")
}

// listTransactions lists every transaction, those that nobody has tried to pay included.
func (s *Sim) listTransactions(r *psp.Request, _ []string, _ psp.Orders) psp.Answer {
	wanted, bad := expand(r)
	if bad != nil {
		return *bad
	}
	rows := []psp.Object{}
	for _, id := range slices.Backward(s.transactionOrder) {
		if iv, visible := s.seen(s.transactions[id]); visible {
			rows = append(rows, s.transactionResource(&iv, wanted))
		}
	}
	return page(r, "transactions", rows)
}

func (s *Sim) showTransaction(r *psp.Request, invoiceID, what string) psp.Answer {
	wanted, bad := expand(r)
	if bad != nil {
		return *bad
	}
	iv, visible := s.seen(invoiceID)
	if !visible {
		return notFound(what)
	}
	return success("transaction", s.transactionResource(&iv, wanted))
}

func (s *Sim) listRefunds(r *psp.Request, ids []string, _ psp.Orders) psp.Answer {
	iv, visible := s.seen(s.transactions[ids[0]])
	if !visible {
		return notFound("transaction")
	}
	return page(r, "refunds", iv.refundRows())
}

func (s *Sim) getRefund(_ *psp.Request, ids []string, _ psp.Orders) psp.Answer {
	iv, visible := s.seen(s.transactions[ids[0]])
	at := slices.IndexFunc(iv.tx.refunds, func(r refund) bool { return r.id == ids[1] })
	if !visible || at < 0 {
		return notFound("refund")
	}
	return success("refund", iv.tx.refunds[at].resource(&iv))
}

func (iv *invoice) refundRows() []psp.Object {
	rows := []psp.Object{}
	for _, r := range slices.Backward(iv.tx.refunds) {
		rows = append(rows, r.resource(iv))
	}
	return rows
}

func (r refund) resource(iv *invoice) psp.Object {
	return psp.Object{
		"id": r.id, "transaction_id": iv.tx.id, "amount": iv.text(r.amount), "reason": r.reason,
		"information": orNull(r.information), "has_failed": false, "metadata": orEmpty(r.metadata), "sandbox": true,
		"created_at": r.created, "invoice_detail_ids": nil,
	}
}

// available is what could still be taken or given back.
func (iv *invoice) available() int64 {
	if iv.tx.captured > 0 {
		return iv.tx.captured - iv.tx.refunded
	}
	return iv.tx.authorized - iv.tx.voidedAmount
}

func (s *Sim) transactionResource(iv *invoice, wanted expansions) psp.Object {
	tx := &iv.tx
	out := psp.Object{
		"id": tx.id, "project_id": nil, "invoice": nil, "invoice_id": iv.id, "customer": nil, "customer_id": orNull(iv.customer),
		"token": nil, "token_id": orNull(tx.token), "card": nil, "card_id": orNull(tx.card),
		"gateway_configuration_id": gatewayConfiguration, "gateway_name": gatewayName, "operations": nil, "refunds": nil,
		"name": iv.name, "currency": iv.currency, "status": tx.status, "error_code": orNull(tx.errorCode), "error_message": nil,
		"authorized": tx.authorizedAt != "", "captured": tx.captured > 0, "voided": tx.status == txVoided,
		"refunded": tx.refunded > 0, "chargedback": strings.HasPrefix(tx.dispute, "transaction.chargeback."),
		"received_fraud_notification": tx.dispute == "transaction.fraud-notification",
		"received_retrieval_request":  tx.dispute == "transaction.retrieval-request",
		"three_d_s_status":            "unchecked", "processout_fee": "0", "estimated_fee": "0", "gateway_fee": "0",
		"metadata": orEmpty(iv.metadata), "sandbox": true, "created_at": tx.created, "attempts_count": tx.attempts,
		"recommendation_code": orNull(tx.advice), "payment_type": "card", "scheme_id": orNull(tx.schemeID),
		"initial_scheme_transaction_id": orNull(tx.schemeID), "authorized_at": orNull(tx.authorizedAt),
		"captured_at": orNull(tx.capturedAt), "refunded_at": orNull(tx.refundedAt), "voided_at": orNull(tx.voidedAt),
		"cvc_check": nil, "avs_check": nil,
	}
	for field, amount := range map[string]int64{
		"amount": iv.amount, "authorized_amount": tx.authorized, "captured_amount": tx.captured,
		"refunded_amount": tx.refunded, "available_amount": iv.available(), "voided_amount": tx.voidedAmount,
		"incremented_amount": tx.incremented,
	} {
		out[field], out[field+"_local"] = iv.text(amount), iv.text(amount)
	}
	s.spellOut(out, iv, wanted)
	return out
}

// spellOut adds the sub-resources of a transaction that are wanted.
func (s *Sim) spellOut(out psp.Object, iv *invoice, wanted expansions) {
	if c, known := s.cards[iv.tx.card]; known {
		out["cvc_check"], out["avs_check"] = c.checks()
		if wanted.has("card") {
			out["card"] = c.resource()
		}
	}
	if rec, known := s.tokens[iv.tx.token]; known && wanted.has("token") {
		out["token"] = s.tokenResource(&rec.Live)
	}
	if c, known := s.customers[iv.customer]; known && wanted.has("customer") {
		out["customer"] = c.resource()
	}
	if wanted.has("invoice") {
		out["invoice"] = s.invoiceResource(iv, nil)
	}
	if wanted.has("refunds") {
		out["refunds"] = iv.refundRows()
	}
	if wanted.has("operations") {
		rows := []psp.Object{}
		for _, op := range iv.tx.operations {
			rows = append(rows, op.resource(iv, true), op.resource(iv, false))
		}
		out["operations"] = rows
	}
}

// resource is one of the two rows of an operation: the attempt, then its result.
func (op operation) resource(iv *invoice, attempt bool) psp.Object {
	id := op.id
	if attempt {
		id += "a"
	}
	return psp.Object{
		"id": id, "transaction_id": iv.tx.id, "token_id": orNull(iv.tx.token), "card_id": orNull(iv.tx.card),
		"gateway_configuration_id": gatewayConfiguration, "amount": iv.text(op.amount), "currency": iv.currency,
		"is_attempt": attempt, "has_failed": op.errorCode != "", "is_accountable": !attempt, "type": op.kind,
		"error_code": orNull(op.errorCode), "error_message": nil, "metadata": psp.Object{}, "created_at": op.created,
	}
}
