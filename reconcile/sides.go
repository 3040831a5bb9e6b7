package reconcile

import (
	"slices"

	"switchyard/payments"
)

// names leads from every name of a charge, ours and the PSP's, to its place, and from those of a refund to the refund as well.
type names struct {
	charges map[string]int
	refunds map[string]refundAt
}

type refundAt struct {
	charge  int
	attempt string
}

func namesOf(charges []Charge) names {
	n := names{charges: map[string]int{}, refunds: map[string]refundAt{}}
	for i := range charges {
		c := &charges[i]
		for _, name := range []string{c.Attempt.Reference, c.Attempt.Refs.Charge, c.Attempt.Refs.Session} {
			if name != "" {
				n.charges[name] = i
			}
		}
		for _, step := range c.Steps {
			if step.Operation != payments.OpRefund {
				if step.Refs.Charge != "" { // some PSPs name the charge only with its capture
					n.charges[step.Refs.Charge] = i
				}
				continue
			}
			for _, name := range []string{step.Reference, step.Refs.Operation} {
				if name != "" {
					n.refunds[name] = refundAt{i, step.ID}
				}
			}
		}
	}
	return n
}

// find returns the place of the charge that a row is about, and for a refund that is known the id of its attempt.
func (n names) find(row Row) (at int, refund string, known bool) {
	if row.Kind == payments.ListedRefund {
		for _, name := range []string{row.Refs.Operation, row.Reference, row.Refs.Charge} {
			if r, ok := n.refunds[name]; ok && name != "" && (name != row.Refs.Charge || row.Settled) {
				return r.charge, r.attempt, true
			}
		}
	}
	for _, name := range []string{row.Refs.Charge, row.Refs.Session, row.Reference} {
		if i, ok := n.charges[name]; ok && name != "" {
			return i, "", true
		}
	}
	return 0, "", false
}

// figures are the store's side of an approved charge, of which refunded was given back.
func (c *Charge) figures(refunded int64) Figures {
	t := c.Totals
	f := Figures{Amount: t.Authorized, Captured: t.Captured, Refunded: refunded}
	f.Status = statusOf(f)
	if t.Captured == 0 {
		f.Status, f.Amount = string(payments.ListedAuthorized), t.Authorized
		if t.Voided > 0 && t.Voided >= t.Authorized {
			f.Status = string(payments.ListedVoided)
		}
	}
	return f
}

// statusOf is the status of a charge of which something was taken.
func statusOf(f Figures) string {
	if f.Captured > 0 && f.Refunded >= f.Captured {
		return string(payments.ListedRefunded)
	}
	return string(payments.ListedCaptured)
}

// figuresOf is a row's side, with the refunds that are rows of their own.
func figuresOf(row Row, refunds []Row) Figures {
	if row.Kind == payments.ListedRefund {
		return Figures{Status: string(row.Status), Amount: row.Amount.Minor, Refunded: row.Amount.Minor}
	}
	f := Figures{Status: string(row.Status), Amount: row.Amount.Minor, Captured: row.Captured, Refunded: row.Refunded}
	if f.Captured == payments.NotTold {
		f.Captured = 0
		if row.Status == payments.ListedCaptured {
			f.Captured = row.Amount.Minor
		}
	}
	if f.Refunded == payments.NotTold {
		f.Refunded = 0
		for _, r := range refunds {
			if r.Status == payments.ListedRefunded {
				f.Refunded += r.Amount.Minor
			}
		}
	}
	if f.Captured > 0 {
		f.Status = statusOf(f)
	}
	return f
}

// figures are what the PSP shows of the charge, nil when that is nothing, and the further charges of which it keeps the money.
// chargeRef is the one that the store knows.
func (s *side) figures(chargeRef string, settled bool) (there *Figures, rest []Row) {
	if settled {
		return s.settled(), nil
	}
	rank := map[payments.ListedStatus]int{
		payments.ListedCaptured: 5, payments.ListedAuthorized: 4, payments.ListedVoided: 3, payments.ListedPending: 2, payments.ListedFailed: 1,
	}
	best := -1
	for i, row := range s.charges {
		if best < 0 || rank[row.Status] > rank[s.charges[best].Status] ||
			rank[row.Status] == rank[s.charges[best].Status] && chargeRef != "" && row.Refs.Charge == chargeRef {
			best = i
		}
	}
	if best < 0 {
		return nil, nil
	}
	f := figuresOf(s.charges[best], s.refunds)
	if s.charges[best].Refunded != payments.NotTold {
		for i, row := range s.refunds { // the charge was asked for by itself, which shows the refunds that are known here
			if s.found[i] == "" && row.Status == payments.ListedRefunded {
				f.Refunded += row.Amount.Minor
			}
		}
		if f.Captured > 0 {
			f.Status = statusOf(f)
		}
	}
	for i, row := range s.charges {
		if i != best && figuresOf(row, nil).kept() {
			rest = append(rest, row)
		}
	}
	return &f, rest
}

// settled adds the rows of a file: a charge that was captured in parts has several.
func (s *side) settled() *Figures {
	if len(s.charges) == 0 && len(s.refunds) == 0 {
		return nil
	}
	var f Figures
	for _, row := range s.charges {
		f.Captured += row.Amount.Minor
	}
	for _, row := range s.refunds {
		f.Refunded += row.Amount.Minor
	}
	f.Amount, f.Status = f.Captured, statusOf(f)
	return &f
}

// repeated says that a file has the whole of a charge in more than one row.
func (s *side) repeated(here, there Figures) bool {
	return there.Captured > here.Captured && len(s.charges) > 1 &&
		slices.ContainsFunc(s.charges, func(r Row) bool { return r.Settled && r.Amount.Minor == here.Captured })
}

// expectedRefunds is how much the other side should show as given back: for a file, not what was given back after its last row,
// or before the window.
func (c *comparer) expectedRefunds(charge *Charge, s *side) int64 {
	refunded := charge.Totals.Refunded
	if c.in.Source != FromSettlement {
		return refunded
	}
	for _, step := range charge.Steps {
		elsewhere := step.EndedAt.After(c.in.LastSettled) || step.EndedAt.Before(c.in.Since)
		refunds := step.Operation == payments.OpRefund && step.State == payments.AttemptApproved
		if refunds && elsewhere && !slices.Contains(s.found, step.ID) {
			refunded -= step.Amount.Minor
		}
	}
	return refunded
}
