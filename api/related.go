package api

import (
	"context"
	"errors"
	"strings"
	"time"

	"switchyard/payments"
)

// view is what one answer may be rendered from. The answer to a change has the change's snapshot and nothing else, so that a
// replay has the same bytes; an event has its snapshot and the configuration; the answer to a read may read what it expands.
type view struct {
	ctx           context.Context
	s             *server
	project       payments.Project
	public        bool               // a payer's device reads it
	emptyAction   bool               // the caller needs a customer_action even if there is none
	expand        expansion          // of the root object
	snapshot      *payments.Snapshot // the objects at hand
	configuration bool               // may show the project and gateway configurations
	live          bool               // may read
	now           time.Time          // zero when the answer must not depend on it
	found         map[string]any     // what was read already, so that a list reads each object once
	err           error              // the first failed read
}

// viewOf is the view of a change.
func (c *call) viewOf(snapshot *payments.Snapshot) *view {
	v := &view{ctx: c.ctx, s: c.s, project: c.project, public: c.public(), emptyAction: c.wantsEmptyAction(), expand: c.options.expand, snapshot: snapshot}
	if v.public { // an invoice with its transaction: nothing else is a payer's business
		v.expand = v.expand.pick("transaction")
	}
	return v
}

// reading is the view of a read, with the objects that were read already.
func (c *call) reading(at payments.Snapshot) *view {
	v := c.viewOf(&at)
	v.configuration, v.live, v.now, v.found = true, true, c.s.Now(), map[string]any{}
	return v
}

// read returns an object by its id: the one at hand, or one that is read when the view may. Nil means that it cannot be
// shown: deleted, or not part of the snapshot.
func read[T any](v *view, of kind, id string, hand *T, idOf func(*T) string, from func() (T, error)) *T {
	if id == "" {
		return nil
	}
	if hand != nil && idOf(hand) == id {
		return hand
	}
	if !v.live || v.err != nil {
		return nil
	}
	key := string(of) + " " + id
	if known, ok := v.found[key]; ok {
		object, _ := known.(*T)
		return object
	}
	var object *T
	switch value, err := from(); {
	case err == nil:
		object = &value
	case !isMissing(err):
		v.err = err
	}
	v.found[key] = object
	return object
}

func isMissing(err error) bool {
	return errors.Is(err, payments.ErrNotFound) || strings.HasSuffix(payments.ErrorCode(err), ".not-found")
}

func (v *view) findCustomer(id string) *payments.Customer {
	return read(v, kindCustomer, id, v.snapshot.Customer, func(c *payments.Customer) string { return c.ID },
		func() (payments.Customer, error) { return v.s.Tokens.Customer(v.ctx, v.project.ID, id) })
}

func (v *view) findToken(id string) *payments.Token {
	return read(v, kindToken, id, v.snapshot.Token, func(t *payments.Token) string { return t.ID },
		func() (payments.Token, error) { return v.s.Tokens.Token(v.ctx, v.project.ID, "", id) })
}

func (v *view) findCard(id string) *payments.Card {
	return read(v, kindCard, id, v.snapshot.Card, func(c *payments.Card) string { return c.ID },
		func() (payments.Card, error) { return v.s.Vault.Card(v.ctx, v.project.ID, id) })
}

func (v *view) findInvoice(id string) *payments.Invoice {
	return read(v, kindInvoice, id, v.snapshot.Invoice, func(i *payments.Invoice) string { return i.ID },
		func() (payments.Invoice, error) { return v.s.Reads.Invoice(v.ctx, v.project.ID, id) })
}

func (v *view) findTransaction(id string) *payments.Transaction {
	return read(v, kindTransaction, id, v.snapshot.Transaction, func(t *payments.Transaction) string { return t.ID },
		func() (payments.Transaction, error) { return v.s.Reads.Transaction(v.ctx, v.project.ID, id) })
}

// findPayment returns a transaction's attempts and refunds with it. A snapshot that has the transaction has them too.
func (v *view) findPayment(t *payments.Transaction) *payments.Payment {
	if at := v.snapshot; at.Transaction != nil && at.Transaction.ID == t.ID && (at.Attempts != nil || !v.live) {
		return &payments.Payment{Transaction: *t, Attempts: at.Attempts, Refunds: at.Refunds}
	}
	return read(v, kindOperation, t.InvoiceID, nil, nil,
		func() (payments.Payment, error) {
			p, err := v.s.Reads.Payment(v.ctx, v.project.ID, t.InvoiceID)
			if err != nil {
				return payments.Payment{}, err
			}
			return *p, nil
		})
}

// findTokens returns the newest tokens of a customer.
func (v *view) findTokens(customerID string) ([]payments.Token, bool) {
	return readList(v, kindToken, customerID, func() (payments.List[payments.Token], error) {
		return v.s.Reads.TokensOf(v.ctx, v.project.ID, customerID, payments.Page{Limit: maxLimit})
	})
}

// findTransactions returns the newest transactions of a customer.
func (v *view) findTransactions(customerID string) ([]payments.Transaction, bool) {
	return readList(v, kindTransaction, customerID, func() (payments.List[payments.Transaction], error) {
		return v.s.Reads.TransactionsOf(v.ctx, v.project.ID, customerID, payments.Page{Limit: maxLimit})
	})
}

// readList returns the objects of an owner, false when the view may not read them.
func readList[T any](v *view, of kind, owner string, from func() (payments.List[T], error)) ([]T, bool) {
	found := read(v, of+" of", owner, nil, nil, from)
	if found == nil {
		return nil, false
	}
	return found.Items, true
}

// findGateway returns a gateway configuration of the project.
func (v *view) findGateway(id string) *GatewayInfo {
	if !v.configuration {
		return nil
	}
	return v.s.gateway(v.project.ID, id)
}

// object writes a member that is an object when it is there, and null when it is not.
func object[T any](w *writer, name string, of *T, write func(*writer, *T, expansion), e expansion) {
	if of == nil {
		w.null(name)
		return
	}
	w.name(name)
	write(w, of, e)
}

// sub writes a sub-object: null unless it is expanded.
func sub[T any](w *writer, e expansion, name string, find func() *T, write func(*writer, *T, expansion)) {
	var found *T
	if e.has(name) {
		found = find()
	}
	object(w, name, found, write, e[name])
}

// subs writes a list of sub-objects: null unless it is expanded and known.
func subs[T any](w *writer, e expansion, name string, find func() ([]T, bool), write func(*writer, *T, expansion)) {
	if !e.has(name) {
		w.null(name)
		return
	}
	items, known := find()
	if !known {
		w.null(name)
		return
	}
	list(w, name, items, func(of *T) { write(w, of, e[name]) })
}

// list writes a member that is a list, [] when it is empty.
func list[T any](w *writer, name string, items []T, write func(*T)) {
	w.name(name)
	w.openList()
	for i := range items {
		write(&items[i])
	}
	w.closeList()
}

// page writes a list's envelope.
func page[T any](w *writer, name string, o options, l payments.List[T], write func(*T)) {
	list(w, name, l.Items, write)
	w.flag("has_more", l.HasMore)
	w.number("count", len(l.Items))
	w.number("limit", o.page.Limit)
	w.full("order", o.order())
}
