package xendit

import (
	"encoding/json"
	"net/http"
	"slices"

	"switchyard/sims/ledger"
	"switchyard/sims/psp"
)

// The statuses of a refund.
const refundSucceeded, refundFailed = "SUCCEEDED", "FAILED"

type refund struct {
	id, transaction, reference, reason, failure, created string
	amount                                               int64
	metadata                                             json.RawMessage
}

type refundInput struct {
	Request   string          `json:"payment_request_id"`
	Reference string          `json:"reference_id"`
	Currency  string          `json:"currency"`
	Amount    json.RawMessage `json:"amount"`
	Reason    string          `json:"reason"`
	Metadata  json.RawMessage `json:"metadata"`
}

func refundReasons() []string {
	return []string{"FRAUDULENT", "DUPLICATE", "REQUESTED_BY_CUSTOMER", "CANCELLATION", "OTHERS"}
}

// createRefund gives back all that is left, or a part. It is done at once.
func (s *Sim) createRefund(r *psp.Request, _ []string, o psp.Orders) psp.Answer {
	var in refundInput
	if bad, ok := decode(r.Body, &in); !ok {
		return bad
	}
	rec, known := s.requests[in.Request]
	switch {
	case in.Request == "":
		return invalid("payment_request_id is required")
	case !slices.Contains(refundReasons(), in.Reason):
		return invalid("reason must be FRAUDULENT, DUPLICATE, REQUESTED_BY_CUSTOMER, CANCELLATION or OTHERS")
	case !known:
		return notFound("Payment request")
	}
	rq := &rec.Live
	if in.Currency != "" && in.Currency != rq.currency {
		return wrongValue(codeValue, "currency is not that of the payment")
	}
	if rq.status != statusSucceeded {
		return ineligible(rq.status)
	}
	left := rq.captured() - rq.refunded()
	amount := left
	if len(in.Amount) > 0 && string(in.Amount) != "null" {
		var bad *psp.Answer
		if amount, bad = readAmount(in.Amount, rq.currency, "amount"); bad != nil {
			return *bad
		}
	}
	if amount > left || left == 0 {
		return problem(http.StatusBadRequest, "REFUND_AMOUNT_EXCEEDED", "The amount is more than what is left to refund")
	}
	if amount == 0 {
		return wrongValue(codeValue, "amount must be more than 0")
	}
	made := refund{
		id: s.newID("rfd-"), transaction: s.newID("txn_"), reference: in.Reference, reason: in.Reason,
		created: now(), amount: amount, metadata: in.Metadata,
	}
	event := eventRefunded
	if o.Decline != psp.NoDecline {
		made.failure, event = "REFUND_FAILED", eventRefundFailed
	}
	rec.Freeze(rq.clone(), o.HideFor)
	rq.refunds = append(slices.Clip(rq.refunds), made)
	s.refunds[made.id] = rq.id
	s.index(made.reference, rq.id)
	s.book(rq, ledger.Captured)
	s.tellRefund(rq, made, event, o.HideFor)
	return psp.JSON(http.StatusOK, made.resource(rq))
}

func (s *Sim) getRefund(_ *psp.Request, ids []string, _ psp.Orders) psp.Answer {
	rq, found := s.seen(s.refunds[ids[0]])
	at := slices.IndexFunc(rq.refunds, func(r refund) bool { return r.id == ids[0] })
	if !found || at < 0 {
		return notFound("Refund")
	}
	return psp.JSON(http.StatusOK, rq.refunds[at].resource(&rq))
}

// listRefunds lists all refunds, those of a request or those of a reference, newest first.
func (s *Sim) listRefunds(r *psp.Request, _ []string, _ psp.Orders) psp.Answer {
	requestID, reference := r.Query.Get("payment_request_id"), r.Query.Get("reference_id")
	among := s.order
	switch {
	case requestID != "":
		among = []string{requestID}
	case reference != "":
		among = s.byReference[reference]
	}
	rows := []psp.Object{}
	for _, id := range slices.Backward(among) {
		rq, found := s.seen(id)
		if !found {
			continue
		}
		for _, made := range slices.Backward(rq.refunds) {
			if reference == "" || made.reference == reference {
				rows = append(rows, made.resource(&rq))
			}
		}
	}
	newestFirst(rows)
	rows, more := cut(r, rows)
	return psp.JSON(http.StatusOK, psp.Object{"data": rows, "has_more": more})
}

func (r refund) resource(rq *request) psp.Object {
	status := refundSucceeded
	if r.failure != "" {
		status = refundFailed
	}
	return psp.Object{
		"id": r.id, "payment_request_id": rq.id, "payment_id": rq.payment.id, "invoice_id": nil,
		"payment_method_type": "CARD", "reference_id": orNull(r.reference), "channel_code": channelCards,
		"currency": rq.currency, "amount": number(r.amount, rq.currency), "status": status, "reason": r.reason,
		"failure_code": orNull(r.failure), "refund_fee_amount": nil, "created": r.created, "updated": r.created,
		"metadata": rawOrNull(r.metadata),
	}
}
