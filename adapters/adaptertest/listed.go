package adaptertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"switchyard/payments"
)

// listings returns the pages of charges with rows, one for each sequence of calls.
func (b *bench) listings() []Case {
	var list []Case
	seen := map[string]bool{}
	for _, c := range b.cases {
		if c.Operation != OpListCharges || c.Want.Listed == nil || len(*c.Want.Listed) == 0 || seen[c.sequence()] {
			continue
		}
		seen[c.sequence()] = true
		list = append(list, c)
	}
	return list
}

// listedPage is a need of a page of charges.
func listedPage(what string, is func(Case) bool) need {
	return need{what, func(c Case) bool { return c.Operation == OpListCharges && c.Want.Listed != nil && is(c) }}
}

// shows says that a page has a charge of the status.
func (c *Case) shows(status payments.ListedStatus) bool {
	return c.Want.Listed != nil && slices.ContainsFunc(*c.Want.Listed, func(row WantListed) bool {
		return row.Kind == payments.ListedCharge && row.Status == status
	})
}

// listedRows are the rows of a page in the words of a fixture.
func listedRows(page payments.ListedPage) []WantListed {
	rows := make([]WantListed, 0, len(page.Rows))
	told := func(minor int64) *int64 {
		if minor == payments.NotTold {
			return nil
		}
		return &minor
	}
	for _, row := range page.Rows {
		rows = append(rows, WantListed{
			Kind: row.Kind, Reference: row.Reference, Refs: row.Refs, Status: row.Status, Amount: row.Amount.Minor,
			Currency: row.Amount.Currency, Captured: told(row.Captured), Refunded: told(row.Refunded), CreatedAt: row.CreatedAt.UTC(),
		})
	}
	return rows
}

// checkListFaults plays a page of charges with every fault: a page that did not come whole is an error, and never a shorter one.
func (b *bench) checkListFaults(c Case) []error {
	p, err := b.params(c)
	if err != nil {
		return []error{err}
	}
	var errs []error
	for i, e := range b.render(c, p) {
		for _, f := range faults() {
			r, s, o, err := b.playFresh(context.Background(), c, p, map[int]answer{i: f.make(e)})
			if err != nil {
				return []error{err}
			}
			if !s.reached(i) {
				continue
			}
			found := append(s.unfinished(false), o.leaks(c, r)...)
			var fault *payments.Fault
			switch {
			case r.err == nil && len(r.page.Rows) != len(*c.Want.Listed):
				found = append(found, fmt.Errorf("listed %d of %d rows", len(r.page.Rows), len(*c.Want.Listed)))
			case r.err != nil && !errors.As(r.err, &fault):
				found = append(found, fmt.Errorf("the error holds no fault: %w", r.err))
			case r.err != nil && (len(r.page.Rows) > 0 || strings.TrimSpace(r.page.Next) != ""):
				found = append(found, errors.New("an error, and a page beside it"))
			}
			errs = append(errs, prefix(fmt.Sprintf("%s at call %d (%s %s)", f.name, i+1, e.Method, e.Path), found)...)
		}
	}
	return errs
}
