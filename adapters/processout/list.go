package processout

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"switchyard/payments"
)

// listedPerPage is how many transactions are asked for at once.
const listedPerPage = 50

// listedTransaction is a transaction as the list shows it.
type listedTransaction struct {
	transaction
	InvoiceID string    `json:"invoice_id"`
	Metadata  texts     `json:"metadata"` // of the invoice
	CreatedAt time.Time `json:"created_at"`
}

// ListCharges lists transactions, the newest first; the documentation has no filter by time. Every invoice has one from its
// beginning: one that nobody has tried to pay has not ended.
func (a *adapter) ListCharges(ctx context.Context, q payments.ListQuery) (payments.ListedPage, error) {
	query := url.Values{"limit": {strconv.Itoa(listedPerPage)}, "order": {"desc"}}
	if q.Cursor != "" {
		query.Set("start_after", q.Cursor)
	}
	e, err := a.do(ctx, call{method: http.MethodGet, path: "/transactions", query: query})
	switch {
	case err != nil:
		return payments.ListedPage{}, asking(err)
	case e.Transactions == nil, e.HasMore == nil:
		return payments.ListedPage{}, incomplete("list of transactions")
	}
	var page payments.ListedPage
	for i := range *e.Transactions {
		t := &(*e.Transactions)[i]
		row, err := t.listed()
		if err != nil {
			return payments.ListedPage{}, err
		}
		if row.CreatedAt.Before(q.Since) {
			return page, nil // those that follow are older still
		}
		page.Rows = append(page.Rows, row)
	}
	if *e.HasMore {
		if len(*e.Transactions) == 0 {
			return payments.ListedPage{}, incomplete("transactions on a page of a list that goes on")
		}
		page.Next = (*e.Transactions)[len(*e.Transactions)-1].ID
	}
	return page, nil
}

// listed is the transaction as a row.
func (t *listedTransaction) listed() (payments.Listed, error) {
	if t.ID == "" || !t.Currency.Valid() || t.CreatedAt.IsZero() {
		return payments.Listed{}, incomplete("id, currency or time of a transaction of the list")
	}
	totals, err := t.totals(t.Currency)
	if err != nil {
		return payments.Listed{}, err
	}
	row := payments.Listed{
		Kind: payments.ListedCharge, Reference: t.Metadata["reference"], Refs: payments.ProviderRefs{Session: t.InvoiceID, Charge: t.ID},
		Status: payments.ListedPending, Amount: payments.Money{Minor: max(totals.Authorized, totals.Captured), Currency: t.Currency},
		Captured: totals.Captured, Refunded: totals.Refunded, CreatedAt: t.CreatedAt.UTC(),
	}
	switch {
	case t.Status == statusAuthorized:
		row.Status = payments.ListedAuthorized
	case t.captured() || slices.Contains([]string{statusVoided, statusFailed, statusBlocked}, t.Status) && totals.Captured > 0:
		row.Status = payments.ListedCaptured
	case t.Status == statusVoided:
		row.Status = payments.ListedVoided
	case t.Status == statusFailed, t.Status == statusBlocked:
		row.Status = payments.ListedFailed
	}
	return row, nil
}
