package paymongo

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"switchyard/payments"
)

// listedPerPage is how many payments are asked for at once.
const listedPerPage = 50

// listedPayment is a payment as the list shows it.
type listedPayment struct {
	paymentAttributes
	Currency  payments.Currency `json:"currency"`
	Intent    string            `json:"payment_intent_id"`
	Metadata  label             `json:"metadata"`
	CreatedAt int64             `json:"created_at"` // Unix seconds
}

// ListCharges lists payments, the newest first; PayMongo cannot be asked for a time. A hold is no payment before its capture.
func (a *adapter) ListCharges(ctx context.Context, q payments.ListQuery) (payments.ListedPage, error) {
	query := url.Values{"limit": {strconv.Itoa(listedPerPage)}}
	if q.Cursor != "" {
		query.Set("after", q.Cursor)
	}
	var list struct {
		Data    *[]resource[listedPayment] `json:"data"`
		HasMore *bool                      `json:"has_more"`
	}
	if err := a.do(ctx, call{method: http.MethodGet, path: "/payments", query: query}, &list); err != nil {
		return payments.ListedPage{}, asking(err)
	}
	if list.Data == nil || list.HasMore == nil {
		return payments.ListedPage{}, payments.Faultf(payments.Unknown, "paymongo: the answer is no list of payments")
	}
	var page payments.ListedPage
	for _, p := range *list.Data {
		row, err := p.Attributes.listed(p.ID)
		if err != nil {
			return payments.ListedPage{}, err
		}
		if row.CreatedAt.Before(q.Since) {
			return page, nil // those that follow are older still
		}
		if err := a.addRefunds(ctx, &row, p.Attributes.Refunds); err != nil {
			return payments.ListedPage{}, err
		}
		page.Rows = append(page.Rows, row)
	}
	if *list.HasMore {
		if len(*list.Data) == 0 {
			return payments.ListedPage{}, payments.Faultf(payments.Unknown, "paymongo: the list of payments goes on, and this page is empty")
		}
		page.Next = (*list.Data)[len(*list.Data)-1].ID
	}
	return page, nil
}

// listed is the payment as a row, without its refunds.
func (p *listedPayment) listed(id string) (payments.Listed, error) {
	row := payments.Listed{
		Kind: payments.ListedCharge, Reference: string(p.Metadata), Refs: payments.ProviderRefs{Session: p.Intent, Charge: id},
		Amount:    payments.Money{Minor: p.Amount, Currency: p.Currency},
		CreatedAt: time.Unix(p.CreatedAt, 0).UTC(),
	}
	if id == "" || p.Amount <= 0 || !p.Currency.Valid() || p.CreatedAt <= 0 {
		return payments.Listed{}, payments.Faultf(payments.Unknown, "paymongo: a payment of the list has no id, amount or time")
	}
	switch p.Status {
	case paymentPaid:
		row.Status, row.Captured = payments.ListedCaptured, p.Amount
	case paymentFailed:
		row.Status = payments.ListedFailed
	default: // pending, or a word that is not known: it is asked for by itself
		row.Status = payments.ListedPending
	}
	return row, nil
}

// addRefunds adds to a row what was given back. A refund of which the payment tells nothing but the id is asked for.
func (a *adapter) addRefunds(ctx context.Context, row *payments.Listed, refunds []json.RawMessage) error {
	for _, raw := range refunds {
		refund, ok := readRefund(raw)
		if !ok {
			id := refundID(raw)
			if id == "" {
				return payments.Faultf(payments.Unknown, "paymongo: a refund in the list of payments cannot be read")
			}
			var err error
			if refund, err = a.getRefund(ctx, id); err != nil {
				return asking(err)
			}
		}
		if refund.Attributes.Amount < 0 {
			return payments.Faultf(payments.Unknown, "paymongo: a refund in the list of payments is negative")
		}
		if refund.Attributes.Status == refundSucceeded {
			row.Refunded += refund.Attributes.Amount
		}
	}
	return nil
}
