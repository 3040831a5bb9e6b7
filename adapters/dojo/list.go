package dojo

import (
	"context"
	"net/http"
	"time"

	"switchyard/payments"
)

// listedPerPage is how many intents are asked for at once.
const listedPerPage = 50

// listedIntent is an intent as the search shows it.
type listedIntent struct {
	intent
	CreatedAt time.Time `json:"createdAt"`
}

// search asks for the intents that were made within a time.
type search struct {
	From   time.Time    `json:"startDate"`
	Until  time.Time    `json:"endDate"`
	Cursor searchCursor `json:"cursor"`
}

type searchCursor struct {
	Limit int    `json:"limit"`
	After string `json:"after,omitempty"`
}

// ListCharges lists the payment intents of a time. A setup intent charges nothing and is not among them.
func (a *adapter) ListCharges(ctx context.Context, q payments.ListQuery) (payments.ListedPage, error) {
	var list struct {
		Data  *[]listedIntent `json:"data"`
		After string          `json:"after"`
	}
	err := a.ask(ctx, call{
		method: http.MethodPost, path: intentsPath + "/search",
		body: search{From: q.Since.UTC(), Until: q.Until.UTC(), Cursor: searchCursor{Limit: listedPerPage, After: q.Cursor}},
	}, &list)
	switch {
	case err != nil:
		return payments.ListedPage{}, err
	case list.Data == nil:
		return payments.ListedPage{}, unexpected("a list of payment intents")
	case list.After != "" && len(*list.Data) == 0:
		return payments.ListedPage{}, unexpected("the intents of a list that goes on")
	}
	page := payments.ListedPage{Next: list.After}
	for i := range *list.Data {
		row, err := (*list.Data)[i].listed()
		if err != nil {
			return payments.ListedPage{}, err
		}
		page.Rows = append(page.Rows, row)
	}
	return page, nil
}

// listed is the intent as a row. Dojo has no status for a declined one: it waits on.
func (i *listedIntent) listed() (payments.Listed, error) {
	if i.ID == "" || i.Amount == nil || !i.Amount.Currency.Valid() || i.CreatedAt.IsZero() {
		return payments.Listed{}, unexpected("intents with their ids, amounts and times")
	}
	totals, err := i.totals(i.Amount.Currency)
	if err != nil {
		return payments.Listed{}, err
	}
	row := payments.Listed{
		Kind: payments.ListedCharge, Reference: i.Reference, Refs: payments.ProviderRefs{Session: i.ID}, Status: payments.ListedPending,
		Amount:   payments.Money{Minor: totals.Authorized, Currency: i.Amount.Currency},
		Captured: totals.Captured, Refunded: totals.Refunded, CreatedAt: i.CreatedAt.UTC(),
	}
	if i.Details != nil {
		row.Refs.Charge = i.Details.TransactionID
	}
	switch {
	case totals.Captured > 0:
		row.Status = payments.ListedCaptured
	case i.Status == intentAuthorized:
		row.Status = payments.ListedAuthorized
	case i.Status == intentReversed:
		row.Status = payments.ListedVoided
	case i.Status == intentCanceled:
		row.Status = payments.ListedFailed
	}
	return row, nil
}
