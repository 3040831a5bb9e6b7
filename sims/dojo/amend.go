package dojo

import (
	"net/http"
	"slices"
	"time"

	"switchyard/sims/ledger"
	"switchyard/sims/psp"
)

type capture struct {
	id     string
	amount int64
	at     time.Time
}

type refund struct {
	id, reason, notes string
	amount            int64
}

// capture takes all of a hold or a part; more parts may follow until all is taken.
func (s *Sim) capture(r *psp.Request, ids []string, o psp.Orders) psp.Answer {
	var in struct {
		Amount *int64 `json:"amount"`
		Tips   int64  `json:"tipsAmount"`
	}
	if bad := decode(r.Body, &in); bad != nil {
		return *bad
	}
	rec, known := s.live(ids[0])
	if !known {
		return notFound("The payment intent was not found.")
	}
	pi := &rec.Live
	switch {
	case in.Amount == nil || *in.Amount < 1:
		return invalid("Amount", "The amount is required and must be at least 1.")
	case in.Tips != 0:
		return invalid("TipsAmount", "Tips are not captured by the simulated account.")
	case !pi.manual() || pi.status != statusAuthorized && pi.status != statusCaptured || pi.captured == pi.total:
		return conflict("The payment intent is " + pi.status + " and cannot be captured.")
	case *in.Amount > pi.total-pi.captured:
		return invalid("Amount", "The amount is more than what is left of the authorized amount.")
	case o.Decline != psp.NoDecline:
		return conflict("The capture was declined.")
	}
	rec.Freeze(pi.clone(), o.HideFor)
	id := s.take(pi, *in.Amount, o.HideFor)
	return psp.JSON(http.StatusOK, psp.Object{"message": "Capture created", "captureId": id})
}

// take captures a part of a hold and returns the capture's id.
func (s *Sim) take(pi *intent, amount int64, hideFor time.Duration) string {
	made := capture{id: s.newID("cp_"), amount: amount, at: now()}
	pi.captures = append(slices.Clip(pi.captures), made)
	pi.captured += amount
	pi.message = messageDeposited
	s.end(pi, statusCaptured, ledger.Captured, hideFor)
	return made.id
}

// reverse gives a hold back.
func (s *Sim) reverse(_ *psp.Request, ids []string, o psp.Orders) psp.Answer {
	rec, known := s.live(ids[0])
	if !known {
		return notFound("The payment intent was not found.")
	}
	pi := &rec.Live
	switch {
	case pi.status != statusAuthorized:
		return conflict("The payment intent is " + pi.status + " and cannot be reversed.")
	case o.Decline != psp.NoDecline:
		return conflict("The reversal was declined.")
	}
	rec.Freeze(pi.clone(), o.HideFor)
	s.end(pi, statusReversed, ledger.Voided, o.HideFor)
	return psp.JSON(http.StatusOK, psp.Object{"message": "Reversal created", "reversalId": s.newID("rvs_")})
}

// createRefund gives back all of what is left, or a part. It is accepted at once and cannot be withdrawn.
func (s *Sim) createRefund(r *psp.Request, ids []string, o psp.Orders) psp.Answer {
	var in struct {
		Amount   *int64 `json:"amount"`
		Previous string `json:"previousTransactionId"`
		Reason   string `json:"refundReason"`
		Notes    string `json:"notes"`
	}
	if bad := decode(r.Body, &in); bad != nil {
		return *bad
	}
	rec, known := s.live(ids[0])
	if !known {
		return notFound("The payment intent was not found.")
	}
	pi := &rec.Live
	switch {
	case in.Amount == nil || *in.Amount < 1:
		return invalid("Amount", "The amount is required and must be at least 1.")
	case tooLong(in.Previous, 100) || tooLong(in.Reason, 1024) || tooLong(in.Notes, maxDescription):
		return invalid("RefundReason", "A text is too long.")
	case pi.captured == 0:
		return badRequest("The payment intent is " + pi.status + " and cannot be refunded.")
	case *in.Amount > pi.captured-pi.refunded():
		return invalid("Amount", "The amount is more than what is left to refund.")
	case o.Decline != psp.NoDecline:
		return badRequest("The refund was declined.")
	}
	rec.Freeze(pi.clone(), o.HideFor)
	made := refund{id: s.newID("rfnd_"), reason: in.Reason, notes: in.Notes, amount: *in.Amount}
	pi.refunds = append(slices.Clip(pi.refunds), made)
	s.refunds[made.id] = pi.id
	if pi.refunded() == pi.captured {
		s.end(pi, statusRefunded, ledger.Refunded, o.HideFor)
	} else { // whether a partial refund changes the status is not published: here it does not
		s.end(pi, pi.status, ledger.Captured, o.HideFor)
	}
	return psp.JSON(http.StatusOK, made.resource(pi))
}

func (s *Sim) getRefund(_ *psp.Request, ids []string, _ psp.Orders) psp.Answer {
	pi, found := s.seen(s.refunds[ids[0]])
	if found {
		for _, one := range pi.refunds {
			if one.id == ids[0] {
				return psp.JSON(http.StatusOK, one.resource(pi))
			}
		}
	}
	return notFound("The refund was not found.")
}

func (pi *intent) refunded() int64 {
	var sum int64
	for _, one := range pi.refunds {
		sum += one.amount
	}
	return sum
}

// resource has neither an amount nor a status.
func (r refund) resource(pi *intent) psp.Object {
	return psp.Object{"paymentIntentId": pi.id, "refundId": r.id, "refundReason": orNull(r.reason), "notes": orNull(r.notes)}
}
