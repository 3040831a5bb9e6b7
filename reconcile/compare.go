package reconcile

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"switchyard/payments"
)

// Compare compares the two sides of one gateway configuration.
func Compare(in Input) Comparison {
	c := &comparer{
		in: in, sides: make([]side, len(in.Charges)), totals: map[payments.Currency]*Totals{},
		out: Comparison{GatewayID: in.GatewayID, PSP: in.PSP, Source: in.Source, Differences: []Difference{}},
	}
	names := namesOf(in.Charges)
	var strangers []Row
	for _, row := range distinct(in.Rows) {
		at, refund, known := names.find(row)
		switch {
		case !known:
			strangers = append(strangers, row)
		case row.Kind == payments.ListedRefund:
			c.sides[at].refunds = append(c.sides[at].refunds, row)
			c.sides[at].found = append(c.sides[at].found, refund)
		default:
			c.sides[at].charges = append(c.sides[at].charges, row)
		}
	}
	for i := range in.Charges {
		c.judge(&in.Charges[i], &c.sides[i])
	}
	c.judgeStrangers(strangers)
	for _, currency := range slices.Sorted(maps.Keys(c.totals)) {
		c.out.Totals = append(c.out.Totals, *c.totals[currency])
	}
	c.out.Totals = append([]Totals{}, c.out.Totals...)
	slices.SortStableFunc(c.out.Differences, func(a, b Difference) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Class, b.Class)) })
	return c.out
}

// distinct leaves out rows that came twice: a list may move on while its pages are read. The rows of a file are all meant.
func distinct(rows []Row) []Row {
	type id struct {
		kind payments.ListedKind
		name string
	}
	seen := map[id]bool{}
	var list []Row
	for _, row := range rows {
		key := id{row.Kind, cmp.Or(row.Refs.Operation, row.Refs.Charge, row.Refs.Session)}
		if row.Kind == payments.ListedCharge {
			key.name = cmp.Or(row.Refs.Charge, row.Refs.Session)
		}
		if !row.Settled && key.name != "" && seen[key] {
			continue
		}
		seen[key] = true
		list = append(list, row)
	}
	return list
}

// comparer is a comparison under way.
type comparer struct {
	in     Input
	sides  []side
	totals map[payments.Currency]*Totals
	out    Comparison
}

// side is what the PSP shows of one charge.
type side struct {
	charges, refunds []Row
	found            []string // of the refunds: the ids of our attempts, "" where there is none
}

// judge compares one charge.
func (c *comparer) judge(charge *Charge, s *side) {
	if charge.Open || !charge.ChangedAt.Before(c.in.AsOf) {
		c.out.Pending++
		return
	}
	a := &charge.Attempt
	there, rest := s.figures(a.Refs.Charge, c.in.Source == FromSettlement)
	if a.State != payments.AttemptApproved {
		c.judgeEnded(charge, s, there)
		return
	}
	here := charge.figures(c.expectedRefunds(charge, s))
	switch {
	case c.in.Unanswered[a.ID]:
		c.out.Unchecked++
		return
	case there == nil && !c.expected(charge, here):
		return
	case there != nil && there.Status == string(payments.ListedPending):
		c.out.Pending++
		return
	}
	if c.earlier(charge, s) {
		there.Captured, there.Amount = here.Captured, here.Amount
	}
	c.out.Compared++
	c.add(a.Amount.Currency, &here, there)
	for _, row := range rest {
		c.duplicate(charge, here, row)
	}
	if there == nil {
		c.differ(MissingThere, charge, here, nil, fmt.Sprintf("%s does not show a charge that was approved.", a.PSP), adviceMissingThere)
		return
	}
	c.compareFigures(charge, here, *there, s)
}

// earlier says that a settlement file has refunds of a charge that was taken before the window, and so settled by an earlier file.
func (c *comparer) earlier(charge *Charge, s *side) bool {
	return c.in.Source == FromSettlement && len(s.refunds) > 0 && len(s.charges) == 0 && charge.CapturedAt.Before(c.in.Since)
}

// expected says whether the other side should show the charge at all, and counts it when it should not.
func (c *comparer) expected(charge *Charge, here Figures) bool {
	switch {
	case c.in.Source == FromSettlement && (here.Captured == 0 || charge.CapturedAt.Before(c.in.Since)):
		return false // a file has what was taken, and earlier files have what was taken earlier
	case c.in.Source == FromSettlement && charge.CapturedAt.After(c.in.LastSettled):
		c.out.Unsettled++
		return false
	case !here.kept() && here.Captured == 0:
		c.out.Compared++ // released, or nothing from the beginning: nothing to show
		return false
	}
	return true
}

// compareFigures compares a charge that both sides have.
func (c *comparer) compareFigures(charge *Charge, here, there Figures, s *side) {
	empty := func(f Figures) bool { return !f.kept() && f.Captured == 0 }
	psp := charge.Attempt.PSP
	if c.in.Source == FromSettlement {
		there.Status = statusOf(there)
	}
	switch {
	case s.repeated(here, there):
		c.differ(Duplicate, charge, here, &there, fmt.Sprintf("%s has settled this charge more than once.", psp), adviceDuplicate)
	case empty(here) && empty(there): // released here, ended without money there
	case here.Status != there.Status:
		c.differ(Status, charge, here, &there, fmt.Sprintf("It is %s here and %s at %s.", here.Status, there.Status, psp), adviceStatus)
	case here.Captured != there.Captured:
		c.differ(Amount, charge, here, &there, fmt.Sprintf("Other amounts were taken here and at %s.", psp), adviceAmount)
	case here.Refunded != there.Refunded:
		c.differ(Amount, charge, here, &there, fmt.Sprintf("Other amounts were given back here and at %s.", psp), adviceAmount)
	case here.Captured == 0 && here.Amount != there.Amount:
		c.differ(Amount, charge, here, &there, fmt.Sprintf("Other amounts are held here and at %s.", psp), adviceAmount)
	}
}

// judgeEnded compares a charge that ended here as not done, or that was late.
func (c *comparer) judgeEnded(charge *Charge, s *side, there *Figures) {
	a := &charge.Attempt
	if there == nil || !there.kept() {
		if a.State == payments.AttemptLate {
			c.out.Pending++ // its money is about to be written down as given back
		} else if len(s.charges) > 0 {
			c.out.Compared++
		}
		return
	}
	here := Figures{Status: string(a.State)}
	c.out.Compared++
	c.add(a.Amount.Currency, &here, there)
	switch a.State {
	case payments.AttemptReversed:
		c.differ(Status, charge, here, there, fmt.Sprintf("It was late and given back, and %s still has its money.", a.PSP), adviceStatus)
	case payments.AttemptLate:
		c.differ(Late, charge, here, there, fmt.Sprintf("%s charged after it had ended here as not done; its money is being given back.", a.PSP), adviceBeingReversed)
	default:
		detail := fmt.Sprintf("It ended here as %s, and %s has charged.", a.State, a.PSP)
		if charge.PaidOtherwise {
			detail += " The same invoice was paid by another try: the payer has paid twice."
		}
		c.differ(Late, charge, here, there, detail, adviceLate)
	}
}

// judgeStrangers looks at rows that no charge of the window explains.
func (c *comparer) judgeStrangers(rows []Row) {
	seen := map[string]bool{}
	for _, row := range rows {
		f := figuresOf(row, nil)
		if row.Kind == payments.ListedCharge && f.Captured == 0 && !f.kept() || row.Kind == payments.ListedRefund && row.Status != payments.ListedRefunded {
			continue // no money
		}
		if row.CreatedAt.Before(c.in.Since) || !row.CreatedAt.Before(c.in.Until) {
			c.out.Outside++
			continue
		}
		d := Difference{
			Class: MissingHere, GatewayID: c.in.GatewayID, PSP: c.in.PSP, Kind: row.Kind, Reference: row.Reference, Currency: row.Amount.Currency,
			SessionRef: row.Refs.Session, ChargeRef: row.Refs.Charge, RefundRef: row.Refs.Operation, There: &f, At: row.CreatedAt,
			Detail: fmt.Sprintf("%s has a charge that is not known here.", c.in.PSP), Advice: adviceMissingHere,
		}
		if row.Kind == payments.ListedRefund {
			d.Detail, d.Advice = fmt.Sprintf("%s has a refund that is not known here, of a charge that is not known either.", c.in.PSP), adviceMissingRefund
		} else if row.Reference != "" && f.kept() {
			if seen[row.Reference] {
				d.Class, d.Detail, d.Advice = Duplicate, fmt.Sprintf("%s has more than one charge of this reference, and none is known here.", c.in.PSP), adviceDuplicate
			}
			seen[row.Reference] = true
		}
		c.add(row.Amount.Currency, nil, &f)
		c.out.Differences = append(c.out.Differences, d)
	}
}

// duplicate is a further charge of the same reference, the money of which is kept.
func (c *comparer) duplicate(charge *Charge, here Figures, row Row) {
	f := figuresOf(row, nil)
	c.add(row.Amount.Currency, nil, &f)
	c.differ(Duplicate, charge, here, &f, fmt.Sprintf("%s keeps the money of more than one charge of this reference.", charge.Attempt.PSP), adviceDuplicate)
	d := &c.out.Differences[len(c.out.Differences)-1]
	d.ChargeRef, d.SessionRef = row.Refs.Charge, cmp.Or(row.Refs.Session, d.SessionRef)
}

func (c *comparer) differ(class Class, charge *Charge, here Figures, there *Figures, detail, advice string) {
	a := &charge.Attempt
	d := Difference{
		Class: class, GatewayID: c.in.GatewayID, PSP: c.in.PSP, Kind: payments.ListedCharge, ProjectID: a.ProjectID, InvoiceID: a.InvoiceID,
		TransactionID: a.TransactionID, AttemptID: a.ID, Reference: a.Reference, SessionRef: a.Refs.Session, ChargeRef: a.Refs.Charge,
		Currency: a.Amount.Currency, Here: &here, There: there, At: a.SentAt, Detail: detail, Advice: advice,
	}
	c.out.Differences = append(c.out.Differences, d)
}

// add adds to the sums of both sides.
func (c *comparer) add(currency payments.Currency, here, there *Figures) {
	t := c.totals[currency]
	if t == nil {
		t = &Totals{Currency: currency}
		c.totals[currency] = t
	}
	for _, part := range []struct {
		sums *Sums
		from *Figures
	}{{&t.Here, here}, {&t.There, there}} {
		if part.from == nil {
			continue
		}
		if part.from.Status == string(payments.ListedAuthorized) {
			part.sums.Held += part.from.Amount
		}
		part.sums.Captured += part.from.Captured
		part.sums.Refunded += part.from.Refunded
	}
}

// What to do about each difference.
const (
	adviceMissingHere   = "Find out who made it with this account's key. Give it back at the PSP if nobody should have."
	adviceMissingRefund = "Find out who made it, in the PSP's dashboard perhaps, and which payment it belongs to."
	adviceMissingThere  = "Ask the PSP by the reference. Do not deliver again, and do not charge again, before it has answered."
	adviceStatus        = "Compare the payment with the PSP's dashboard: somebody changed it there, or it lapsed."
	adviceAmount        = "Compare the payment with the PSP's dashboard: somebody captured or gave back a part of it there."
	adviceDuplicate     = "Give the further charge back at the PSP."
	adviceLate          = "Run again with --apply-late: the running program asks the PSP itself, and gives the money back."
	adviceBeingReversed = "Nothing, unless it stays so: see the alerts of the running program."
)
