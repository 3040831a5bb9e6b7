package pivot

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"switchyard/sims/ledger"
	"switchyard/sims/psp"
)

// waitsForTransfer is a refund that the bank has not made yet.
const waitsForTransfer = "WAITING_BANK_TRANSFER"

const maxDescription = 50

type refundInput struct {
	Reference   string          `json:"clientReferenceId"`
	Session     string          `json:"paymentSessionId"`
	Charge      string          `json:"chargeId"`
	Full        bool            `json:"isFullAmount"`
	Amount      *money          `json:"amount"`
	Reason      string          `json:"reason"`
	Description string          `json:"description"`
	Method      string          `json:"method"`
	Metadata    json.RawMessage `json:"metadata"`
}

func (in *refundInput) check() *psp.Answer {
	switch {
	case in.Reference == "" || len(in.Reference) > maxReference:
		return refused("clientReferenceId", "must have 1 to 100 characters")
	case (in.Session == "") == (in.Charge == ""):
		return refused("paymentSessionId", "one of paymentSessionId and chargeId is required")
	case !in.Full && in.Amount == nil:
		return refused("amount", "is required unless isFullAmount is true")
	case !slices.Contains([]string{"SUSPECT_FRAUDULENT", "DUPLICATE", "REQUESTED_BY_CUSTOMER", "CANCELLATION", "OTHERS"}, in.Reason):
		return refused("reason", "must be SUSPECT_FRAUDULENT, DUPLICATE, REQUESTED_BY_CUSTOMER, CANCELLATION or OTHERS")
	case len(in.Description) > maxDescription:
		return refused("description", "may have up to 50 characters")
	case in.Method != "" && in.Method != "AUTO" && in.Method != "TRANSFER_ONLY":
		return refused("method", "must be AUTO or TRANSFER_ONLY")
	}
	if in.Method == "" {
		in.Method = "AUTO"
	}
	return nil
}

// outcomeOf is what becomes of a refund: a fault has ordered it, or the sandbox reads it in the reference's prefix.
func outcomeOf(reference string, ordered psp.Decline) string {
	switch {
	case ordered != psp.NoDecline, strings.HasPrefix(reference, "2001-"):
		return failed
	case strings.HasPrefix(reference, "2002-"):
		return waitsForTransfer
	}
	return succeeded
}

// refund is money that goes back. It is pending at first.
type refund struct {
	id, reference, reason, description, method, status, created, updated string
	amount                                                               int64
	full                                                                 bool
	metadata                                                             any
}

// refunded is what has gone back of a session, or is to: the sum of its refunds in any of these statuses.
func (p *session) refunded(statuses ...string) int64 {
	var sum int64
	for _, one := range p.refunds {
		if slices.Contains(statuses, one.status) {
			sum += one.amount
		}
	}
	return sum
}

// createRefund gives back all of what is left, or a part.
func (s *Sim) createRefund(r *psp.Request, _ []string, o psp.Orders) psp.Answer {
	var in refundInput
	if bad := decode(r.Body, &in); bad != nil {
		return *bad
	}
	if bad := in.check(); bad != nil {
		return *bad
	}
	id := in.Session
	if id == "" {
		id = s.charges[in.Charge]
	}
	rec, known := s.live(id)
	if !known {
		return missing("payment session")
	}
	p := &rec.Live
	left := p.charge.captured - p.refunded(pending, waitsForTransfer, succeeded)
	back := left
	if in.Amount != nil {
		var bad *psp.Answer
		if back, bad = in.Amount.text("amount"); bad != nil {
			return *bad
		}
	}
	_, taken := s.refundReferences[in.Reference]
	switch {
	case taken:
		return problem(http.StatusConflict, codeDuplicate, "The clientReferenceId was already used")
	case p.charge.status != succeeded:
		return wrongState(p.status)
	case back > left || left == 0 || in.Full && back != left:
		return invalid("amount", "is not within what is left to refund")
	}
	rec.Freeze(p.clone(), o.HideFor)
	at := now()
	made := refund{
		id: s.newID(), reference: in.Reference, reason: in.Reason, description: in.Description, method: in.Method,
		status: pending, created: at, updated: at, amount: back, full: in.Full, metadata: rawOrNull(in.Metadata),
	}
	p.refunds = append(slices.Clip(p.refunds), made)
	s.refunds[made.id] = p.id
	s.refundOrder = append(s.refundOrder, made.id)
	s.refundReferences[made.reference] = struct{}{}
	s.tellRefund(eventRefundPending, p, made, o.HideFor)
	outcome := outcomeOf(in.Reference, o.Decline)
	s.soon(func() {
		if s.sessions[p.id] == rec {
			s.finishRefund(p, made.id, outcome, o.HideFor)
		}
	})
	return success(made.resource(p))
}

// finishRefund ends what a refund was pending for.
func (s *Sim) finishRefund(p *session, id, outcome string, hideFor time.Duration) {
	at := slices.IndexFunc(p.refunds, func(one refund) bool { return one.id == id })
	if at < 0 {
		return
	}
	done := &p.refunds[at]
	done.status, done.updated = outcome, now()
	if outcome == succeeded {
		s.book(p, ledger.Captured)
	}
	s.tellRefund(refundEvent(outcome), p, *done, hideFor)
}

func (s *Sim) getRefund(_ *psp.Request, ids []string, _ psp.Orders) psp.Answer {
	if row := s.refundRow(ids[0]); row != nil {
		return success(row)
	}
	return missing("refund")
}

// listRefunds lists refunds, newest first: all, or those of a reference or of a session.
func (s *Sim) listRefunds(r *psp.Request, _ []string, _ psp.Orders) psp.Answer {
	rows := []psp.Object{}
	for _, id := range slices.Backward(s.refundOrder) {
		row := s.refundRow(id)
		if row == nil {
			continue
		}
		wanted := true
		for _, field := range []string{"clientReferenceId", "paymentSessionId", "chargeId"} {
			filter := r.Query.Get(field)
			wanted = wanted && (filter == "" || filter == row[field])
		}
		if wanted {
			rows = append(rows, row)
		}
	}
	return listed(r, rows)
}

// refundRow is a refund as look-ups show it, or nil.
func (s *Sim) refundRow(id string) psp.Object {
	p, found := s.seen(s.refunds[id])
	if !found {
		return nil
	}
	at := slices.IndexFunc(p.refunds, func(one refund) bool { return one.id == id })
	if at < 0 {
		return nil
	}
	return p.refunds[at].resource(p)
}

func (r refund) resource(p *session) psp.Object {
	return psp.Object{
		"id": r.id, "clientReferenceId": r.reference, "paymentSessionId": p.id, "chargeId": p.charge.id,
		"capturedAmount": amountText(p.charge.captured), "isFullAmount": r.full, "amount": amountText(r.amount),
		"status": r.status, "reason": r.reason, "description": orNull(r.description), "method": r.method,
		"destinationType": "CHANNEL", "metadata": r.metadata, "createdAt": r.created, "updatedAt": r.updated,
	}
}
