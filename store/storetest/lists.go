package storetest

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"switchyard/payments"
)

// listed is a list under test: how an item gets into it, how one is deleted (nil: never), and how it is read.
type listed struct {
	put    func(id string, version int64, deleted bool) payments.Change
	remove bool
	read   func(ctx context.Context, s Store, projectID string, page payments.Page) ([]string, bool, error)
}

// lists checks every list against a model of one.
func lists(t *testing.T, open Open) {
	tests := map[string]func(*testing.T, Store){}
	for name, list := range listKinds() {
		tests[name] = func(t *testing.T, s Store) { checkList(t, s, list) }
	}
	each(t, open, tests)
}

// listNames are in the order of insertion: ids that a merchant chose say nothing about age.
var listNames = []string{"m", "c", "z", "a", "k", "y", "b"}

const deletedName = "k"

func checkList(t *testing.T, s Store, list listed) {
	oldestFirst := slices.Clone(listNames)
	for _, name := range listNames {
		mustApply(t, s, list.put(name, 1, false))
	}
	if list.remove {
		mustApply(t, s, list.put(deletedName, 2, true))
		oldestFirst = slices.DeleteFunc(oldestFirst, func(name string) bool { return name == deletedName })
	}
	for _, limit := range []int{1, 2, 3, 6, 7, 100} {
		for _, ascending := range []bool{false, true} {
			checkPage(t, s, list, oldestFirst, payments.Page{Limit: limit, Ascending: ascending})
			for _, cursor := range oldestFirst {
				checkPage(t, s, list, oldestFirst, payments.Page{Limit: limit, Ascending: ascending, StartAfter: cursor})
				checkPage(t, s, list, oldestFirst, payments.Page{Limit: limit, Ascending: ascending, EndBefore: cursor})
			}
		}
	}
	checkCursors(t, s, list, oldestFirst)
}

// checkPage compares a page with what the model says.
func checkPage(t *testing.T, s Store, list listed, oldestFirst []string, page payments.Page) {
	t.Helper()
	want, wantMore := modelPage(oldestFirst, page)
	got, more, err := list.read(t.Context(), s, project, page)
	if err != nil || !slices.Equal(got, want) || more != wantMore {
		t.Errorf("page %+v: %v, more %v (%v), want %v, more %v", page, got, more, err, want, wantMore)
	}
}

func modelPage(oldestFirst []string, page payments.Page) ([]string, bool) {
	items := slices.Clone(oldestFirst)
	if !page.Ascending {
		slices.Reverse(items)
	}
	if page.EndBefore != "" {
		items = items[:slices.Index(items, page.EndBefore)]
		first := max(0, len(items)-page.Limit)
		return items[first:], first > 0
	}
	if page.StartAfter != "" {
		items = items[slices.Index(items, page.StartAfter)+1:]
	}
	last := min(len(items), page.Limit)
	return items[:last], last < len(items)
}

func checkCursors(t *testing.T, s Store, list listed, oldestFirst []string) {
	ctx := t.Context()
	for _, unknown := range []payments.Page{{Limit: 1, StartAfter: "nobody"}, {Limit: 1, EndBefore: "nobody"}} {
		_, _, err := list.read(ctx, s, project, unknown)
		wantError(t, "unknown cursor", err, payments.ErrNotFound)
	}
	_, _, err := list.read(ctx, s, other, payments.Page{Limit: 1, StartAfter: oldestFirst[0]})
	wantError(t, "another project's cursor", err, payments.ErrNotFound)
	got, more, err := list.read(ctx, s, other, payments.Page{Limit: 1})
	if len(got) > 0 || more || err != nil {
		t.Errorf("another project's list: %v, more %v (%v), want nothing", got, more, err)
	}
	for _, wrong := range []payments.Page{{Limit: 0}, {Limit: 101}, {Limit: 1, StartAfter: "a", EndBefore: "c"}} {
		if _, _, err := list.read(ctx, s, project, wrong); err == nil {
			t.Errorf("page %+v was served", wrong)
		}
	}
	if !list.remove {
		return
	}
	// A client that pages while its cursor is deleted goes on where it was.
	got, _, err = list.read(ctx, s, project, payments.Page{Limit: 2, StartAfter: deletedName})
	if want := []string{"a", "z"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("page after a deleted cursor: %v (%v), want %v", got, err, want)
	}
}

// ids turns a list into what the model compares.
func ids[T any](list payments.List[T], err error, id func(T) string) ([]string, bool, error) {
	names := make([]string, 0, len(list.Items))
	for _, item := range list.Items {
		names = append(names, id(item))
	}
	return names, list.HasMore, err
}

func listKinds() map[string]listed {
	kinds := map[string]listed{
		"customers": {
			remove: true,
			put: func(id string, version int64, deleted bool) payments.Change {
				o := payments.Customer{ProjectID: project, ID: id, Version: version}
				if deleted {
					o.DeletedAt = epoch
				}
				return payments.Change{Customers: []payments.Customer{o}}
			},
			read: func(ctx context.Context, s Store, projectID string, page payments.Page) ([]string, bool, error) {
				list, err := s.Customers(ctx, projectID, page)
				return ids(list, err, func(o payments.Customer) string { return o.ID })
			},
		},
		"cards": {
			remove: true,
			put: func(id string, version int64, deleted bool) payments.Change {
				o := payments.Card{ProjectID: project, ID: id, Version: version}
				if deleted {
					o.DeletedAt = epoch
				}
				return payments.Change{Cards: []payments.Card{o}}
			},
			read: func(ctx context.Context, s Store, projectID string, page payments.Page) ([]string, bool, error) {
				list, err := s.Cards(ctx, projectID, page)
				return ids(list, err, func(o payments.Card) string { return o.ID })
			},
		},
		"invoices": {
			remove: true,
			put: func(id string, version int64, deleted bool) payments.Change {
				o := payments.Invoice{ProjectID: project, ID: id, Version: version}
				if deleted {
					o.DeletedAt = epoch
				}
				return payments.Change{Invoices: []payments.Invoice{o}}
			},
			read: func(ctx context.Context, s Store, projectID string, page payments.Page) ([]string, bool, error) {
				list, err := s.Invoices(ctx, projectID, page)
				return ids(list, err, func(o payments.Invoice) string { return o.ID })
			},
		},
		"events": {
			put: func(id string, _ int64, _ bool) payments.Change {
				return payments.Change{Events: []payments.Event{{ProjectID: project, ID: id}}}
			},
			read: func(ctx context.Context, s Store, projectID string, page payments.Page) ([]string, bool, error) {
				list, err := s.Events(ctx, projectID, page)
				return ids(list, err, func(o payments.Event) string { return o.ID })
			},
		},
	}
	addOwnedKinds(kinds)
	return kinds
}

// addOwnedKinds adds transactions and tokens, whose lists are those of a customer; another customer's are in the way.
func addOwnedKinds(kinds map[string]listed) {
	const customer = "cust_a"
	putTransaction := func(id string, version int64, _ bool) payments.Change {
		return payments.Change{Transactions: []payments.Transaction{
			{ProjectID: project, ID: id, InvoiceID: "iv_" + id, CustomerID: customer, Version: version},
		}}
	}
	kinds["transactions"] = listed{
		put: putTransaction,
		read: func(ctx context.Context, s Store, projectID string, page payments.Page) ([]string, bool, error) {
			list, err := s.Transactions(ctx, projectID, page)
			return ids(list, err, func(o payments.Transaction) string { return o.ID })
		},
	}
	kinds["transactions of a customer"] = listed{
		put: func(id string, version int64, deleted bool) payments.Change {
			c := putTransaction(id, version, deleted)
			foreign := payments.Transaction{ProjectID: project, ID: "not " + id, CustomerID: "cust_b", Version: version}
			nobodys := payments.Transaction{ProjectID: project, ID: "no " + id, Version: version}
			c.Transactions = append(c.Transactions, foreign, nobodys)
			return c
		},
		read: func(ctx context.Context, s Store, projectID string, page payments.Page) ([]string, bool, error) {
			list, err := s.TransactionsOf(ctx, projectID, customer, page)
			return ids(list, err, func(o payments.Transaction) string { return o.ID })
		},
	}
	kinds["tokens of a customer"] = listed{
		remove: true,
		put: func(id string, version int64, deleted bool) payments.Change {
			o := payments.Token{ProjectID: project, ID: id, CustomerID: customer, Version: version}
			if deleted {
				o.DeletedAt = epoch
			}
			foreign := payments.Token{ProjectID: project, ID: fmt.Sprint("not ", id), CustomerID: "cust_b", Version: version}
			return payments.Change{Tokens: []payments.Token{o, foreign}}
		},
		read: func(ctx context.Context, s Store, projectID string, page payments.Page) ([]string, bool, error) {
			list, err := s.TokensOf(ctx, projectID, customer, page)
			return ids(list, err, func(o payments.Token) string { return o.ID })
		},
	}
}
