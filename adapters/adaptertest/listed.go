package adaptertest

import (
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
	return b.eachFault(c, func(_ fault, _ int, r result, _ *script) []error {
		if r.err != nil {
			found := noFault(r.err)
			if len(r.page.Rows) > 0 || strings.TrimSpace(r.page.Next) != "" {
				found = append(found, errors.New("an error, and a page beside it"))
			}
			return found
		}
		if len(r.page.Rows) != len(*c.Want.Listed) {
			return []error{fmt.Errorf("listed %d of %d rows", len(r.page.Rows), len(*c.Want.Listed))}
		}
		return nil
	})
}
