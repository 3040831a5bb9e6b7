package storetest

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
	"time"

	"switchyard/payments"
)

// Sample is a change that has one of everything, with every field of every object set, also those that are added to
// payments in the future. Ids end in the given name, which must be unique in the project.
func Sample(projectID, name string) payments.Change {
	f := &filler{}
	c := payments.Change{
		Claim:       &payments.Claim{},
		Customers:   make([]payments.Customer, 1),
		Tokens:      make([]payments.Token, 1),
		Cards:       make([]payments.Card, 1),
		SealedCards: make([]payments.SealedCard, 1),
		Invoices:    make([]payments.Invoice, 1), Transactions: make([]payments.Transaction, 1),
		Attempts: make([]payments.Attempt, 2), Refunds: make([]payments.Refund, 1),
		Transitions: make([]payments.Transition, 1), Entries: make([]payments.Entry, 1),
		Events: make([]payments.Event, 1), Mappings: make([]payments.Mapping, 1),
		Links: make([]payments.CustomerLink, 1), CardTries: make([]payments.CardTry, 1), Jobs: make([]payments.Job, 1),
	}
	for _, object := range []any{
		c.Claim, &c.Customers[0], &c.Tokens[0], &c.Cards[0], &c.SealedCards[0], &c.Invoices[0], &c.Transactions[0],
		&c.Attempts[0], &c.Attempts[1], &c.Refunds[0], &c.Transitions[0], &c.Entries[0], &c.Events[0], &c.Mappings[0], &c.Links[0], &c.CardTries[0], &c.Jobs[0],
	} {
		f.fill(reflect.ValueOf(object).Elem())
		identify(reflect.ValueOf(object).Elem(), projectID)
	}
	relate(&c, name)
	return c
}

// identify puts an object into the project, in its first version and alive.
func identify(object reflect.Value, projectID string) {
	object.FieldByName("ProjectID").SetString(projectID)
	if version := object.FieldByName("Version"); version.IsValid() {
		version.SetInt(1)
	}
	if deleted := object.FieldByName("DeletedAt"); deleted.IsValid() {
		deleted.SetZero()
	}
}

// relate gives the objects of a sample their ids and amounts that add up.
func relate(c *payments.Change, name string) {
	customer, token, card, invoice := "cust_"+name, "tok_"+name, "card_"+name, "iv_"+name
	transaction, attempt, verification, refund := "tr_"+name, "tr_op_"+name, "tr_op_v"+name, "refd_"+name
	c.Claim.Scope, c.Claim.Key, c.Claim.AttemptID = "private POST /invoices", "key-"+name, attempt
	c.Customers[0].ID = customer
	c.Tokens[0].ID, c.Tokens[0].CustomerID = token, customer
	c.Cards[0].ID = card
	c.SealedCards[0].CardID = card
	c.Invoices[0].ID, c.Invoices[0].TransactionID, c.Invoices[0].CustomerID = invoice, transaction, customer
	t := &c.Transactions[0]
	t.ID, t.InvoiceID, t.CustomerID = transaction, invoice, customer
	t.Totals = payments.Totals{Authorized: 1000, Captured: 500, Refunded: 200, Voided: 100}
	t.Capturing, t.Refunding = 400, 300
	c.Attempts[0].ID, c.Attempts[0].TransactionID, c.Attempts[0].InvoiceID = attempt, transaction, invoice
	c.Attempts[1].ID, c.Attempts[1].TransactionID, c.Attempts[1].TokenID = verification, "", token
	c.Refunds[0].ID, c.Refunds[0].TransactionID = refund, transaction
	c.Transitions[0].Subject, c.Transitions[0].SubjectID = "transaction", transaction
	c.Entries[0].TransactionID, c.Entries[0].AttemptID = transaction, attempt
	c.Events[0].ID = "ev_" + name
	c.Mappings[0].TokenID = token
	c.Links[0].CustomerID, c.Links[0].Ref = customer, "cus_"+c.Links[0].ProjectID+name
	c.CardTries[0].CardKey, c.CardTries[0].AttemptID = "card key "+name, attempt
	c.Jobs[0].Key = "ask/" + name
}

// CheckSample checks that a store has a sample, as it was given to Apply, all but its job: that may have been leased.
func CheckSample(t *testing.T, s Store, c payments.Change) {
	t.Helper()
	ctx, id := t.Context(), c.Customers[0].ProjectID
	claim, err := s.Claim(ctx, c.Claim.ClaimKey)
	wantValue(t, "claim", claim, err, *c.Claim)
	customer, err := s.Customer(ctx, id, c.Customers[0].ID)
	wantValue(t, "customer", customer, err, c.Customers[0])
	token, err := s.Token(ctx, id, c.Tokens[0].ID)
	wantValue(t, "token", token, err, c.Tokens[0])
	card, err := s.Card(ctx, id, c.Cards[0].ID)
	wantValue(t, "card", card, err, c.Cards[0])
	sealed, err := s.SealedCard(ctx, id, c.Cards[0].ID)
	wantValue(t, "sealed card", sealed, err, c.SealedCards[0])
	mappings, err := s.Mappings(ctx, id, c.Tokens[0].ID)
	wantValue(t, "mappings", mappings, err, c.Mappings)
	links, err := s.Links(ctx, id, c.Customers[0].ID)
	wantValue(t, "links", links, err, c.Links)
	tries, err := s.CardTries(ctx, id, c.CardTries[0].CardKey, time.Time{})
	wantValue(t, "tries with the card", tries, err, c.CardTries)
	event, err := s.Event(ctx, id, c.Events[0].ID)
	wantValue(t, "event", event, err, c.Events[0])
	checkPayment(t, s, c)
}

// checkPayment is the part of CheckSample that is about the payment.
func checkPayment(t *testing.T, s Store, c payments.Change) {
	t.Helper()
	ctx, id := t.Context(), c.Customers[0].ProjectID
	invoice, err := s.Invoice(ctx, id, c.Invoices[0].ID)
	wantValue(t, "invoice", invoice, err, c.Invoices[0])
	transaction, err := s.Transaction(ctx, id, c.Transactions[0].ID)
	wantValue(t, "transaction", transaction, err, c.Transactions[0])
	attempt, err := s.Attempt(ctx, id, c.Attempts[0].ID)
	wantValue(t, "attempt", attempt, err, c.Attempts[0])
	verifications, err := s.AttemptsOfToken(ctx, id, c.Tokens[0].ID)
	wantValue(t, "attempts of the token", verifications, err, c.Attempts[1:])
	refund, err := s.Refund(ctx, id, c.Refunds[0].ID)
	wantValue(t, "refund", refund, err, c.Refunds[0])
	whole := &payments.Payment{
		Invoice: c.Invoices[0], Transaction: c.Transactions[0], Attempts: c.Attempts[:1], Refunds: c.Refunds,
	}
	payment, err := s.Payment(ctx, id, c.Invoices[0].ID)
	wantValue(t, "payment", payment, err, whole)
	payment, err = s.PaymentOfTransaction(ctx, id, c.Transactions[0].ID)
	wantValue(t, "payment of the transaction", payment, err, whole)
	transitions, err := s.Transitions(ctx, id, c.Transitions[0].Subject, c.Transitions[0].SubjectID)
	wantValue(t, "transitions", transitions, err, c.Transitions)
	entries, err := s.Entries(ctx, id, c.Entries[0].TransactionID)
	wantValue(t, "entries", entries, err, c.Entries)
}

// filler sets every field to a value that no other field has.
type filler struct{ n int }

// oddText is what a store must not change: quotes, signs that some encoders escape, and letters of four bytes.
const oddText = ` "it's" <&> \ 50% $1 ? é 𝄞`

func (f *filler) fill(v reflect.Value) {
	f.n++
	switch value := v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(epoch.Add(time.Duration(f.n) * time.Nanosecond)))
		return
	case json.RawMessage:
		raw := fmt.Sprintf(`{"n":%d.50,"text":"<&> it's","null":null,"big":12345678901234567890}`, f.n)
		v.SetBytes([]byte(raw))
		return
	case []byte:
		v.SetBytes([]byte{0, 1, 0xff, byte(len(value)), byte(f.n)})
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for _, field := range v.Fields() {
			f.fill(field)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		f.fill(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		f.fill(v.Index(0))
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		key, element := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		f.fill(key)
		f.fill(element)
		v.SetMapIndex(key, element)
	default:
		f.fillPlain(v)
	}
}

func (f *filler) fillPlain(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprint(f.n, oddText))
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(f.n))
	case reflect.Uint64:
		v.SetUint(uint64(f.n))
	case reflect.Float64:
		v.SetFloat(float64(f.n) + 0.1)
	case reflect.Bool:
		v.SetBool(true)
	default:
		panic("storetest: the sample has no value for a " + v.Type().String()) // a new kind of field: teach it above
	}
}
