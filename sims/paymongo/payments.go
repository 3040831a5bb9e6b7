package paymongo

import (
	"slices"
	"strconv"
	"time"

	"switchyard/sims/ledger"
	"switchyard/sims/psp"
	"switchyard/sims/testcard"
)

// The statuses of a payment. A refund does not change it.
const (
	paymentPaid   = "paid"
	paymentFailed = "failed"
)

// The fee of a card payment: 3.5 % and 15 pesos.
const feePerMille, feeFixed = 35, 1500

const (
	// minRefund is in centavos.
	minRefund      = 100
	maxNotesLength = 255
	// The sizes of a page.
	defaultPage, maxPage = 10, 100
)

type payment struct {
	id, status, failedCode string
	amount                 int64
	card                   testcard.Card
	created, paidAt        int64
	refunds                []refund
}

type refund struct {
	id, reason, notes string
	amount            int64
	metadata          map[string]string
	created           int64
}

func (s *Sim) newPayment(pi *intent, id string, amount int64) payment {
	p := payment{id: id, amount: amount, created: time.Now().Unix()}
	if m := s.methods[pi.method]; m != nil {
		p.card = m.card
	}
	return p
}

func (p *payment) refunded() int64 {
	var sum int64
	for _, r := range p.refunds {
		sum += r.amount
	}
	return sum
}

func (p *payment) resource(pi *intent) psp.Object {
	refunds := make([]psp.Object, len(p.refunds))
	for i := range p.refunds {
		refunds[i] = p.refunds[i].resource(p.id)
	}
	var fee int64
	var paidAt, failedCode, failedMessage any
	if p.status == paymentPaid {
		fee, paidAt = p.amount*feePerMille/1000+feeFixed, p.paidAt
	} else {
		failedCode, failedMessage = p.failedCode, declineText(p.failedCode)
	}
	return resource(p.id, "payment", psp.Object{
		"access_url": nil, "amount": p.amount, "balance_transaction_id": "bal_txn_" + p.id[len("pay_"):], "billing": nil,
		"currency": "PHP", "description": orNull(pi.description), "disputed": false, "external_reference_number": nil,
		"fee": fee, "foreign_fee": 0, "instant_settlement": nil, "livemode": false, "net_amount": p.amount - fee,
		"origin": "api", "payment_intent_id": pi.id, "payout": nil,
		"source":               psp.Object{"id": pi.method, "type": "card", "brand": string(p.card.Brand), "country": "PH", "last4": p.card.Last4},
		"statement_descriptor": pi.descriptor, "status": p.status, "tax_amount": nil, "metadata": metadataOrNull(pi.metadata),
		"refunds": refunds, "taxes": []any{}, "failed_code": failedCode, "failed_message": failedMessage,
		"available_at": p.created, "created_at": p.created, "credited_at": p.created, "paid_at": paidAt, "updated_at": p.created,
	})
}

func (r *refund) resource(paymentID string) psp.Object {
	return resource(r.id, "refund", psp.Object{
		"amount": r.amount, "balance_transaction_id": nil, "currency": "PHP", "livemode": false,
		"metadata": metadataOrNull(r.metadata), "notes": orNull(r.notes), "payment_id": paymentID, "payout_id": nil,
		"reason": r.reason, "status": "succeeded", "available_at": r.created, "refunded_at": r.created,
		"created_at": r.created, "updated_at": r.created,
	})
}

// seenPayment finds a payment as look-ups show it.
func (s *Sim) seenPayment(id string) (*intent, *payment) {
	rec, known := s.intents[s.payments[id]]
	if !known {
		return nil, nil
	}
	pi, visible := rec.View()
	at := slices.IndexFunc(pi.payments, func(p payment) bool { return p.id == id })
	if !visible || at < 0 {
		return nil, nil
	}
	return &pi, &pi.payments[at]
}

func (s *Sim) getPayment(_ *psp.Request, ids []string, _ psp.Orders) psp.Answer {
	pi, p := s.seenPayment(ids[0])
	if p == nil {
		return notFound("payment", ids[0])
	}
	return answer(p.resource(pi))
}

func (s *Sim) listPayments(r *psp.Request, _ []string, _ psp.Orders) psp.Answer {
	only := r.Query.Get("payment_intent_id")
	rows := []psp.Object{}
	for _, id := range slices.Backward(s.paymentOrder) {
		if only != "" && s.payments[id] != only {
			continue
		}
		if pi, p := s.seenPayment(id); p != nil {
			rows = append(rows, p.resource(pi))
		}
	}
	return page(r, rows)
}

func (s *Sim) createRefund(r *psp.Request, _ []string, o psp.Orders) psp.Answer {
	var in struct {
		Amount   *int64            `json:"amount"`
		Payment  string            `json:"payment_id"`
		Reason   string            `json:"reason"`
		Notes    string            `json:"notes"`
		Metadata map[string]string `json:"metadata"`
	}
	if bad, ok := attributes(r, &in); !ok {
		return bad
	}
	rec, known := s.intents[s.payments[in.Payment]]
	switch {
	case in.Amount == nil:
		return required("amount")
	case in.Payment == "":
		return required("payment_id")
	case in.Reason == "":
		return required("reason")
	case !slices.Contains([]string{"duplicate", "fraudulent", "requested_by_customer", "others"}, in.Reason):
		return badParameter(codeInvalid, "reason", "reason can only be duplicate, fraudulent, requested_by_customer or others.")
	case len(in.Notes) > maxNotesLength:
		return badParameter(codeTooLarge, "notes", "notes may have up to 255 characters.")
	case !known:
		return notFound("payment", in.Payment)
	}
	pi := &rec.Live
	old := pi.clone()
	at := slices.IndexFunc(pi.payments, func(p payment) bool { return p.id == in.Payment })
	p := &pi.payments[at]
	switch {
	case p.status != paymentPaid:
		return problem(400, "refund_not_allowed", "Only a paid payment can be refunded.")
	case *in.Amount > p.amount-p.refunded():
		return badParameter(codeTooLarge, "amount", "The amount is greater than what is left to refund.")
	case *in.Amount < minRefund:
		return badParameter(codeTooSmall, "amount", "The minimum value for amount is 100.")
	case o.Decline != psp.NoDecline:
		return failedState("provider_processing_error", "The refund failed.")
	}
	rec.Freeze(old, o.HideFor)
	made := refund{id: s.newID("ref_"), reason: in.Reason, notes: in.Notes, amount: *in.Amount, metadata: in.Metadata, created: time.Now().Unix()}
	p.refunds = append(slices.Clip(p.refunds), made)
	pi.touch()
	s.refunds[made.id] = pi.id
	s.refundOrder = append(s.refundOrder, made.id)
	state := ledger.Captured
	if p.refunded() == p.amount {
		state = ledger.Refunded
	}
	s.book(pi, state, p.amount, p.refunded())
	s.tell(pi, *p, eventRefunded, o.HideFor)
	s.tellRefund(pi, *p, made, o.HideFor)
	return answer(made.resource(p.id))
}

// seenRefund finds a refund as look-ups show it.
func (s *Sim) seenRefund(id string) (*payment, *refund) {
	rec, known := s.intents[s.refunds[id]]
	if !known {
		return nil, nil
	}
	pi, visible := rec.View()
	if !visible {
		return nil, nil
	}
	for i := range pi.payments {
		p := &pi.payments[i]
		if at := slices.IndexFunc(p.refunds, func(r refund) bool { return r.id == id }); at >= 0 {
			return p, &p.refunds[at]
		}
	}
	return nil, nil
}

func (s *Sim) getRefund(_ *psp.Request, ids []string, _ psp.Orders) psp.Answer {
	p, made := s.seenRefund(ids[0])
	if made == nil {
		return notFound("refund", ids[0])
	}
	return answer(made.resource(p.id))
}

func (s *Sim) listRefunds(r *psp.Request, _ []string, _ psp.Orders) psp.Answer {
	only := r.Query.Get("payment_id")
	rows := []psp.Object{}
	for _, id := range slices.Backward(s.refundOrder) {
		if p, made := s.seenRefund(id); made != nil && (only == "" || p.id == only) {
			rows = append(rows, made.resource(p.id))
		}
	}
	return page(r, rows)
}

// page cuts rows, newest first, to what limit, after (older than) and before (newer than) ask for.
func page(r *psp.Request, rows []psp.Object) psp.Answer {
	limit, err := strconv.Atoi(r.Query.Get("limit"))
	if err != nil || limit < 1 || limit > maxPage {
		limit = defaultPage
	}
	at := func(id string) int {
		return slices.IndexFunc(rows, func(o psp.Object) bool { return o["id"] == id })
	}
	if i := at(r.Query.Get("after")); i >= 0 {
		rows = rows[i+1:]
	}
	if i := at(r.Query.Get("before")); i >= 0 {
		rows = rows[max(0, i-limit):i]
	}
	more := len(rows) > limit
	return list(rows[:min(limit, len(rows))], more)
}
