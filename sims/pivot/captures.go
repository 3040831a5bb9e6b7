package pivot

import (
	"slices"
	"time"

	"switchyard/sims/ledger"
	"switchyard/sims/psp"
)

// capture takes a hold or a part of it. It is pending at first.
type capture struct {
	id, status, created, updated string
	amount                       int64
	// releases gives back what is left of the hold once this is captured.
	releases bool
}

// left is what can still be captured of a hold, what is pending counted as captured.
func (c *charge) left() int64 {
	rest := c.authorized
	for _, one := range c.captures {
		switch {
		case one.status == failed:
		case one.releases:
			return 0
		default:
			rest -= one.amount
		}
	}
	return rest
}

func (s *Sim) capture(r *psp.Request, ids []string, o psp.Orders) psp.Answer {
	var in struct {
		Release *bool  `json:"releaseRemainingAmount"`
		Amount  *money `json:"amount"`
	}
	if bad := decode(r.Body, &in); bad != nil {
		return *bad
	}
	rec, known := s.live(ids[0])
	if !known {
		return missing("payment session")
	}
	p := &rec.Live
	c := &p.charge
	left := c.left()
	take := left
	if in.Amount != nil {
		var bad *psp.Answer
		if take, bad = in.Amount.number("amount"); bad != nil {
			return *bad
		}
	}
	switch {
	case in.Release == nil:
		return invalid("releaseRemainingAmount", "is required")
	case c.status != waitsForCapture:
		return wrongState(p.status)
	case left == 0:
		return wrongState(processing)
	case take > left:
		return invalid("amount", "is more than what is left of the authorized amount")
	}
	rec.Freeze(p.clone(), o.HideFor)
	at := now()
	made := capture{id: s.newID(), status: pending, created: at, updated: at, amount: take, releases: *in.Release}
	if o.Decline != psp.NoDecline {
		made.status = failed
	}
	c.captures = append(slices.Clip(c.captures), made)
	p.touch()
	if made.status == pending {
		s.soon(func() {
			if s.sessions[p.id] == rec {
				s.finishCapture(p, made.id, o.HideFor)
			}
		})
	}
	return success(made.resource(p))
}

// finishCapture takes what a capture has asked for.
func (s *Sim) finishCapture(p *session, id string, hideFor time.Duration) {
	c := &p.charge
	at := slices.IndexFunc(c.captures, func(one capture) bool { return one.id == id })
	if at < 0 {
		return
	}
	done := &c.captures[at]
	done.status, done.updated = succeeded, now()
	c.captured += done.amount
	if done.releases || c.captured == c.authorized {
		s.settle(p, hideFor)
		return
	}
	p.touch()
	s.book(p, ledger.Captured)
}

func (c capture) resource(p *session) psp.Object {
	return psp.Object{
		"id": c.id, "paymentSessionId": p.id, "paymentSessionClientReferenceId": p.reference,
		"releaseRemainingAmount": c.releases, "amount": amount(c.amount), "status": c.status,
		"createdAt": c.created, "updatedAt": c.updated,
	}
}
