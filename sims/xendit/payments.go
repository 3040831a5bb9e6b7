package xendit

import (
	"encoding/json"
	"net/http"

	"switchyard/sims/ledger"
	"switchyard/sims/psp"
	"switchyard/sims/shown"
)

// payment is the money side of a request.
type payment struct {
	id, transaction, created string
	approval, networkID      string
	captures                 []capture
}

type capture struct {
	id, at string
	amount int64
}

func (s *Sim) recordOfPayment(id string) (*shown.Record[request], bool) {
	rec, known := s.requests[s.payments[id]]
	return rec, known
}

func (s *Sim) getPayment(_ *psp.Request, ids []string, _ psp.Orders) psp.Answer {
	rq, found := s.seen(s.payments[ids[0]])
	if !found || rq.payment.id != ids[0] {
		return notFound("Payment")
	}
	return psp.JSON(http.StatusOK, rq.paymentResource())
}

// capture takes a hold, once: what is left of it is released.
func (s *Sim) capture(r *psp.Request, ids []string, o psp.Orders) psp.Answer {
	rec, known := s.recordOfPayment(ids[0])
	if !known {
		return notFound("Payment")
	}
	var in struct {
		Amount json.RawMessage `json:"capture_amount"`
	}
	if bad, ok := decode(r.Body, &in); !ok {
		return bad
	}
	rq := &rec.Live
	amount := rq.amount
	if len(in.Amount) > 0 {
		var bad *psp.Answer
		if amount, bad = readAmount(in.Amount, rq.currency, "capture_amount"); bad != nil {
			return *bad
		}
	}
	switch {
	case rq.status != statusAuthorized:
		return ineligible(rq.status)
	case amount == 0:
		return wrongValue(codeValue, "capture_amount must be more than 0")
	case amount > rq.amount:
		return problem(http.StatusBadRequest, "CAPTURE_AMOUNT_EXCEEDED", "capture_amount is more than the authorized amount")
	case o.Decline != psp.NoDecline:
		return problem(http.StatusBadRequest, "TEMPORARILY_UNAVAILABLE", "The payment cannot be captured now")
	}
	rec.Freeze(rq.clone(), o.HideFor)
	s.settle(rq, amount, o.HideFor)
	return psp.JSON(http.StatusOK, rq.paymentResource())
}

// cancelPayment gives a hold back.
func (s *Sim) cancelPayment(_ *psp.Request, ids []string, o psp.Orders) psp.Answer {
	rec, known := s.recordOfPayment(ids[0])
	if !known {
		return notFound("Payment")
	}
	rq := &rec.Live
	switch {
	case rq.status != statusAuthorized:
		return ineligible(rq.status)
	case o.Decline != psp.NoDecline:
		return problem(http.StatusBadRequest, "TEMPORARILY_UNAVAILABLE", "The payment cannot be canceled now")
	}
	rec.Freeze(rq.clone(), o.HideFor)
	rq.set(statusCanceled)
	s.book(rq, ledger.Voided)
	return psp.JSON(http.StatusOK, rq.paymentResource())
}

func (rq *request) paymentResource() psp.Object {
	out := rq.shared()
	captures := []psp.Object{}
	for _, c := range rq.payment.captures {
		captures = append(captures, psp.Object{
			"capture_id": c.id, "capture_amount": number(c.amount, rq.currency), "capture_timestamp": c.at,
		})
	}
	out["payment_id"] = rq.payment.id
	out["status"] = rq.status
	out["captures"] = captures
	out["created"] = rq.payment.created
	out["payment_details"] = psp.Object{"authorization_data": rq.authorizationData()}
	return out
}

func (rq *request) authorizationData() psp.Object {
	code, text, approval := "00", "Approved", rq.payment.approval
	if rq.failure != "" {
		code, text, approval = networkCode(rq.failure), rq.failure, ""
	}
	out := psp.Object{
		"authorization_code": orNull(approval), "retrieval_reference_number": rq.payment.id[3:15],
		"network_response_code": code, "network_response_code_descriptor": text,
		"network_transaction_id": rq.payment.networkID, "acquirer_merchant_id": "sim-acquirer",
		"reconciliation_id": rq.payment.transaction,
	}
	if rq.card.hasCVN {
		out["cvn_verification_result"] = "M"
		if rq.failure == failCVV {
			out["cvn_verification_result"] = "N"
		}
	}
	return out
}

// networkCode is the network's response code of a failure.
func networkCode(failure string) string {
	switch failure {
	case failExpired:
		return "54"
	case failBalance:
		return "51"
	case failStolen:
		return "43"
	case failInactive:
		return "57"
	case failCVV:
		return "N7"
	case failFraud:
		return "59"
	case failProcessError:
		return "30"
	case failProcessor:
		return "64"
	case failInvalid:
		return "14"
	case failAuthentic:
		return "1A"
	case failLimits:
		return "61"
	}
	return "05"
}
