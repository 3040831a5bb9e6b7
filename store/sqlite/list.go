package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"

	"switchyard/payments"
)

// maxPage is the largest payments.Page.
const maxPage = 100

// Customers lists a project's customers. As in every list, deleted ones are left out, and a cursor that the project does
// not know is payments.ErrNotFound; a cursor that has been deleted since keeps its place.
func (s *Store) Customers(ctx context.Context, projectID string, page payments.Page) (payments.List[payments.Customer], error) {
	return list[payments.Customer](ctx, s.reader, listCustomers, page, projectID)
}

// Cards lists a project's cards.
func (s *Store) Cards(ctx context.Context, projectID string, page payments.Page) (payments.List[payments.Card], error) {
	return list[payments.Card](ctx, s.reader, listCards, page, projectID)
}

// Invoices lists a project's invoices.
func (s *Store) Invoices(ctx context.Context, projectID string, page payments.Page) (payments.List[payments.Invoice], error) {
	return list[payments.Invoice](ctx, s.reader, listInvoices, page, projectID)
}

// Transactions lists a project's transactions.
func (s *Store) Transactions(ctx context.Context, projectID string, page payments.Page) (payments.List[payments.Transaction], error) {
	return list[payments.Transaction](ctx, s.reader, listTransactions, page, projectID)
}

// Events lists a project's events.
func (s *Store) Events(ctx context.Context, projectID string, page payments.Page) (payments.List[payments.Event], error) {
	return list[payments.Event](ctx, s.reader, listEvents, page, projectID)
}

// TokensOf lists a customer's tokens.
func (s *Store) TokensOf(ctx context.Context, projectID, customerID string, page payments.Page) (payments.List[payments.Token], error) {
	return list[payments.Token](ctx, s.reader, listTokensOf, page, projectID, customerID)
}

// TransactionsOf lists a customer's transactions.
func (s *Store) TransactionsOf(ctx context.Context, projectID, customerID string, page payments.Page) (payments.List[payments.Transaction], error) {
	return list[payments.Transaction](ctx, s.reader, listTransactionsOf, page, projectID, customerID)
}

// InboundWebhooks lists what a gateway configuration's PSP has sent.
func (s *Store) InboundWebhooks(ctx context.Context, gatewayID string, page payments.Page) (payments.List[payments.InboundWebhook], error) {
	return list[payments.InboundWebhook](ctx, s.reader, listInbound, page, gatewayID)
}

// WebhookEndpoints lists a project's webhook endpoints.
func (s *Store) WebhookEndpoints(ctx context.Context, projectID string, page payments.Page) (payments.List[payments.WebhookEndpoint], error) {
	return list[payments.WebhookEndpoint](ctx, s.reader, listEndpoints, page, projectID)
}

// Deliveries lists the tries to deliver an event.
func (s *Store) Deliveries(ctx context.Context, projectID, eventID string, page payments.Page) (payments.List[payments.Delivery], error) {
	return list[payments.Delivery](ctx, s.reader, listDeliveries, page, projectID, eventID)
}

// list reads a page. Items after the cursor are found by walking on from it in the order asked for; items before it by
// walking the other way and turning the result round, so that the page is the one that directly precedes the cursor. One
// item more than asked for tells whether there are more that way.
func list[T any](ctx context.Context, r *reader, id listID, page payments.Page, owners ...any) (payments.List[T], error) {
	var none payments.List[T]
	if page.Limit < 1 || page.Limit > maxPage {
		return none, fmt.Errorf("sqlite: list: a page has 1 to %d items, not %d", maxPage, page.Limit)
	}
	if page.StartAfter != "" && page.EndBefore != "" {
		return none, errors.New("sqlite: list: a page has one cursor at most")
	}
	back := page.EndBefore != ""
	up := page.Ascending != back
	place, err := r.place(ctx, id, owners[0], page, up)
	if err != nil {
		return none, err
	}
	walk := r.lists[id].down
	if up {
		walk = r.lists[id].up
	}
	items, err := objects[T](ctx, r, walk, append(owners, place, page.Limit+1))
	if err != nil {
		return none, err
	}
	more := len(items) > page.Limit
	if more {
		items = items[:page.Limit]
	}
	if back {
		slices.Reverse(items)
	}
	return payments.List[T]{Items: items, HasMore: more}, nil
}

// place is where a walk starts: at the page's cursor, or before the first item.
func (r *reader) place(ctx context.Context, id listID, projectID any, page payments.Page, up bool) (int64, error) {
	cursor := page.StartAfter + page.EndBefore // one of them is empty
	switch {
	case cursor == "" && up:
		return 0, nil // the first seq is 1
	case cursor == "":
		return math.MaxInt64, nil
	}
	place, found := int64(0), false
	err := r.each(ctx, r.lists[id].place, []any{projectID, cursor}, func(rows *sql.Rows) error {
		found = true
		return rows.Scan(&place)
	})
	if err == nil && !found {
		err = payments.ErrNotFound
	}
	return place, err
}
