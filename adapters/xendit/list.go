package xendit

import (
	"context"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"time"

	"switchyard/payments"
)

// listedPerPage is how many rows are asked for at once.
const listedPerPage = 50

// refundsCursor begins the cursors of the refunds, which are listed after the payments.
const refundsCursor = "refunds:"

// ListCharges lists the transactions that are payments, then the refunds: a refund among the transactions does not say what it is
// of. Both come newest first. A hold is no transaction before its capture.
func (a *adapter) ListCharges(ctx context.Context, q payments.ListQuery) (payments.ListedPage, error) {
	if after, ok := strings.CutPrefix(q.Cursor, refundsCursor); ok {
		return listed(ctx, a, refundsPath, url.Values{}, q.Since, after, refundsCursor)
	}
	page, err := listed(ctx, a, transactionsPath, url.Values{"types": {typePayment}}, q.Since, q.Cursor, "")
	if err == nil && page.Next == "" {
		page.Next = refundsCursor
	}
	return page, err
}

// listedRow is a transaction or a refund: they share the fields that count.
type listedRow struct {
	ID        string      `json:"id"`
	ProductID string      `json:"product_id"`         // of a transaction: the payment's id
	RequestID string      `json:"payment_request_id"` // of a refund
	PaymentID string      `json:"payment_id"`         // of a refund
	Type      string      `json:"type"`               // of a transaction
	Status    string      `json:"status"`
	Reference string      `json:"reference_id"`
	Currency  string      `json:"currency"`
	Amount    json.Number `json:"amount"`
	Created   time.Time   `json:"created"`
}

// listed reads a page. The list has ended when it says so, or when it comes newest first and has come to what is older than is
// asked for.
func listed(ctx context.Context, a *adapter, path string, query url.Values, since time.Time, after, prefix string) (payments.ListedPage, error) {
	query.Set("limit", strconv.Itoa(listedPerPage))
	if after != "" {
		query.Set("after_id", after)
	}
	var list struct {
		Data    *[]listedRow `json:"data"`
		HasMore *bool        `json:"has_more"`
	}
	answer, err := a.get(ctx, path, query, &list)
	switch {
	case err != nil:
		return payments.ListedPage{}, err
	case answer == nil, list.Data == nil, list.HasMore == nil:
		return payments.ListedPage{}, payments.Faultf(payments.Unknown, "xendit: the answer is no list")
	}
	rows := *list.Data
	var page payments.ListedPage
	for _, r := range rows {
		row, err := r.listed(path == refundsPath)
		if err != nil {
			return payments.ListedPage{}, err
		}
		if !row.CreatedAt.Before(since) && (path == refundsPath || r.Type == typePayment) {
			page.Rows = append(page.Rows, row)
		}
	}
	if !*list.HasMore {
		return page, nil
	}
	if len(rows) == 0 {
		return payments.ListedPage{}, payments.Faultf(payments.Unknown, "xendit: the list goes on, and this page is empty")
	}
	last := rows[len(rows)-1]
	if last.Created.Before(since) && !last.Created.After(rows[0].Created) {
		return page, nil
	}
	page.Next = prefix + last.ID
	return page, nil
}

// listed is the row in the words of every PSP. A status that is not known is one that has not ended: the payment is asked for by
// itself.
func (r listedRow) listed(refund bool) (payments.Listed, error) {
	amount, err := payments.ParseMajorNumber(r.Amount, payments.Currency(r.Currency))
	if err != nil || r.ID == "" || r.Created.IsZero() || !refund && r.ProductID == "" {
		return payments.Listed{}, payments.Faultf(payments.Unknown, "xendit: a row of the list has no id, amount or time")
	}
	row := payments.Listed{
		Kind: payments.ListedCharge, Reference: r.Reference, Refs: payments.ProviderRefs{Charge: r.ProductID}, Status: payments.ListedPending,
		Amount: amount, Captured: payments.NotTold, Refunded: payments.NotTold, CreatedAt: r.Created.UTC(),
	}
	statuses := map[string]payments.ListedStatus{
		transactionSuccess: payments.ListedCaptured, statusFailed: payments.ListedFailed, "REVERSED": payments.ListedVoided, "VOIDED": payments.ListedVoided,
	}
	if refund {
		row.Kind, row.Refs = payments.ListedRefund, payments.ProviderRefs{Session: r.RequestID, Charge: r.PaymentID, Operation: r.ID}
		statuses = map[string]payments.ListedStatus{
			statusSucceeded: payments.ListedRefunded, statusFailed: payments.ListedFailed, statusCancelled: payments.ListedFailed, statusCanceled: payments.ListedFailed,
		}
	}
	if status, known := statuses[r.Status]; known {
		row.Status = status
	}
	return row, nil
}
