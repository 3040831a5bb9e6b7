package pivot

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"switchyard/payments"
)

// listedPerPage is how many objects are asked for at once.
const listedPerPage = 50

// The beginnings of cursors, before the number of the page: sessions are listed first, then refunds, which no session shows.
const (
	sessionsCursor = "sessions:"
	refundsCursor  = "refunds:"
)

// ListCharges lists payment sessions, then refunds. The documentation has no filter by time and does not say how lists are
// sorted: those that come newest first are read as far as they are asked for, others to their end.
func (a *adapter) ListCharges(ctx context.Context, q payments.ListQuery) (payments.ListedPage, error) {
	if number, ok := strings.CutPrefix(q.Cursor, refundsCursor); ok {
		page, err := listed(ctx, a, refundsPath, number, q.Since, (*listedRefund).listed)
		if err != nil {
			return payments.ListedPage{}, err
		}
		return page.from(refundsCursor, ""), nil
	}
	page, err := listed(ctx, a, sessionsPath, strings.TrimPrefix(q.Cursor, sessionsCursor), q.Since, (*listedSession).listed)
	if err != nil {
		return payments.ListedPage{}, err
	}
	return page.from(sessionsCursor, refundsCursor+"1"), nil
}

// listedPage is a page of one of the lists. Next is the number of the next page, 0 when there is none.
type listedPage struct {
	rows []payments.Listed
	next int
}

// from is the page with the cursor of what follows it: the list's own next page, else what comes after the list.
func (p listedPage) from(prefix, after string) payments.ListedPage {
	page := payments.ListedPage{Rows: p.rows, Next: after}
	if p.next > 0 {
		page.Next = prefix + strconv.Itoa(p.next)
	}
	return page
}

// listed reads a page of a list.
func listed[T any](ctx context.Context, a *adapter, path, number string, since time.Time, read func(*T) (payments.Listed, error)) (listedPage, error) {
	at := 1
	if number != "" {
		var err error
		if at, err = strconv.Atoi(number); err != nil || at < 1 {
			return listedPage{}, payments.Faultf(payments.Rejected, "pivot: the cursor is none of this adapter's")
		}
	}
	answer, err := a.do(ctx, call{
		method: http.MethodGet, path: path, query: url.Values{"page": {strconv.Itoa(at)}, "perPage": {strconv.Itoa(listedPerPage)}},
	})
	if err != nil {
		return listedPage{}, err
	}
	e, err := open(answer)
	if err != nil {
		return listedPage{}, err
	}
	objects, _, err := list[T](answer)
	total, unread := strconv.Atoi(string(e.Pagination.TotalItems))
	if err != nil || unread != nil || objects == nil {
		return listedPage{}, payments.Faultf(payments.Unknown, "pivot: the answer is no list with its length")
	}
	var page listedPage
	var first, last time.Time
	for i := range objects {
		row, err := read(&objects[i])
		if err != nil {
			return listedPage{}, err
		}
		if last = row.CreatedAt; i == 0 {
			first = last
		}
		if !last.Before(since) {
			page.rows = append(page.rows, row)
		}
	}
	older := len(objects) > 0 && last.Before(since) && !last.After(first)
	if at*listedPerPage < total && !older {
		if len(objects) < listedPerPage {
			return listedPage{}, payments.Faultf(payments.Unknown, "pivot: the list goes on, and this page is not full")
		}
		page.next = at + 1
	}
	return page, nil
}

// listedSession is a session as the list shows it.
type listedSession struct {
	session
	CreatedAt text `json:"createdAt"`
}

func (s *listedSession) listed() (payments.Listed, error) {
	at, err := time.Parse(time.RFC3339, string(s.CreatedAt))
	c := s.charge()
	row := payments.Listed{
		Kind: payments.ListedCharge, Reference: string(s.Reference), Refs: payments.ProviderRefs{Session: s.ID, Charge: string(c.ID)},
		Status: payments.ListedPending, Amount: s.approved(c, false), Refunded: payments.NotTold, CreatedAt: at.UTC(),
	}
	if err != nil || s.ID == "" || row.Amount.Minor == 0 {
		return payments.Listed{}, payments.Faultf(payments.Unknown, "pivot: a session of the list has no id, amount or time")
	}
	row.Captured = c.Captured.money().Minor
	var settled int64
	for _, h := range c.Captures {
		if h.Status == statusSuccess {
			settled += h.money().Minor
		}
	}
	row.Captured = max(row.Captured, settled)
	held := c.Authorized.money().Minor > 0
	switch {
	case c.Status == statusSuccess, s.Status == statusPaid, row.Captured > 0:
		row.Status = payments.ListedCaptured
		if row.Captured == 0 {
			row.Captured = payments.NotTold
		}
	case c.Status == chargeWaitsForCapture:
		row.Status = payments.ListedAuthorized
	case c.Status == statusExpired && held:
		row.Status = payments.ListedVoided // the hold has lapsed
	case s.over(), c.Status == statusFailed:
		row.Status = payments.ListedFailed
	}
	return row, nil
}

// listedRefund is a refund as the list shows it.
type listedRefund struct {
	refund
	CreatedAt text `json:"createdAt"`
}

func (r *listedRefund) listed() (payments.Listed, error) {
	at, err := time.Parse(time.RFC3339, string(r.CreatedAt))
	row := payments.Listed{
		Kind: payments.ListedRefund, Reference: string(r.Reference), Status: payments.ListedPending, Amount: r.Amount.money(),
		Refs:     payments.ProviderRefs{Session: string(r.SessionID), Charge: string(r.ChargeID), Operation: string(r.ID)},
		Captured: payments.NotTold, Refunded: payments.NotTold, CreatedAt: at.UTC(),
	}
	if err != nil || r.ID == "" || row.Amount.Minor == 0 {
		return payments.Listed{}, payments.Faultf(payments.Unknown, "pivot: a refund of the list has no id, amount or time")
	}
	switch r.Status {
	case statusSuccess:
		row.Status = payments.ListedRefunded
	case statusFailed, statusCancelled:
		row.Status = payments.ListedFailed
	}
	return row, nil
}
