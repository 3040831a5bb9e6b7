package dojo

import (
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"switchyard/sims/psp"
)

const (
	customerPrefix = "cust_sandbox_"
	secretLives    = 15 * time.Minute
	maxEmail       = 254
	// The lengths of a phone number.
	minPhone, maxPhone = 5, 50
	// The sizes of a page.
	defaultPage, maxPage = 50, 100
)

// customer is a payer with the cards that it has saved.
type customer struct {
	id               string
	created, updated time.Time
	version          int
	fields           customerFields
	cards            []savedCard
}

type customerFields struct {
	Name     string   `json:"name"`
	Email    string   `json:"emailAddress"`
	Phone    string   `json:"phoneNumber"`
	VAT      string   `json:"vatNumber"`
	Shipping *address `json:"shippingAddress"`
	Billing  *address `json:"billingAddress"`
}

func (in customerFields) check() *psp.Answer {
	switch {
	case tooLong(in.Name, 100):
		return refused("Name", "The name may have up to 100 characters.")
	case tooLong(in.Email, maxEmail):
		return refused("EmailAddress", "The address may have up to 254 characters.")
	case in.Phone != "" && (utf8.RuneCountInString(in.Phone) < minPhone || tooLong(in.Phone, maxPhone)):
		return refused("PhoneNumber", "The number must have 5 to 50 characters.")
	case tooLong(in.VAT, 50):
		return refused("VatNumber", "The number may have up to 50 characters.")
	}
	if bad := in.Shipping.check("ShippingAddress"); bad != nil {
		return bad
	}
	return in.Billing.check("BillingAddress")
}

type savedCard struct {
	id   string
	card card
}

// customerSecret is what lets a payer's browser see its own cards for a while.
type customerSecret struct {
	customer string
	expires  time.Time
}

func (s *Sim) createCustomer(r *psp.Request, _ []string, _ psp.Orders) psp.Answer {
	var in customerFields
	if bad := decode(r.Body, &in); bad != nil {
		return *bad
	}
	if bad := in.check(); bad != nil {
		return *bad
	}
	at := now()
	c := &customer{id: s.newID(customerPrefix), created: at, updated: at, fields: in}
	s.customers[c.id] = c
	s.customerOrder = append(s.customerOrder, c.id)
	return psp.JSON(http.StatusOK, c.resource())
}

// getCustomers answers a list, in which unknown and deleted customers are left out.
func (s *Sim) getCustomers(_ *psp.Request, ids []string, _ psp.Orders) psp.Answer {
	rows := []psp.Object{}
	for id := range strings.SplitSeq(ids[0], ",") {
		if c, known := s.customers[id]; known {
			rows = append(rows, c.resource())
		}
	}
	return psp.JSON(http.StatusOK, rows)
}

func (s *Sim) updateCustomer(r *psp.Request, ids []string, _ psp.Orders) psp.Answer {
	c, known := s.customers[ids[0]]
	if !known {
		return notFound("The customer was not found.")
	}
	changed := c.fields
	if bad := decode(r.Body, &changed); bad != nil {
		return *bad
	}
	if bad := changed.check(); bad != nil {
		return *bad
	}
	c.fields, c.updated = changed, now()
	c.version++
	return psp.JSON(http.StatusOK, c.resource())
}

func (s *Sim) deleteCustomer(_ *psp.Request, ids []string, _ psp.Orders) psp.Answer {
	if _, known := s.customers[ids[0]]; !known {
		return notFound("The customer was not found.")
	}
	delete(s.customers, ids[0])
	return psp.Answer{Status: http.StatusNoContent}
}

// searchCustomers lists all customers, newest first.
func (s *Sim) searchCustomers(r *psp.Request, _ []string, _ psp.Orders) psp.Answer {
	var in cursor
	if bad := decode(r.Body, &in); bad != nil {
		return *bad
	}
	var ids []string
	for _, id := range slices.Backward(s.customerOrder) {
		if s.customers[id] != nil {
			ids = append(ids, id)
		}
	}
	return in.answer(ids, func(id string) psp.Object { return s.customers[id].resource() })
}

// cursor asks for a page of a list.
type cursor struct {
	Limit  *int   `json:"limit"`
	Before string `json:"before"`
	After  string `json:"after"`
}

// answer is a page of the rows that the ids name. A cursor is the id at a page's edge.
func (c cursor) answer(ids []string, row func(id string) psp.Object) psp.Answer {
	limit := defaultPage
	if c.Limit != nil {
		limit = *c.Limit
	}
	switch {
	case limit < 1 || limit > maxPage:
		return invalid("Cursor.Limit", "The limit must be 1 to 100.")
	case c.Before != "" && c.After != "":
		return invalid("Cursor", "Only one of before and after may be used.")
	}
	from := 0
	if c.After != "" {
		from = slices.Index(ids, c.After) + 1
	}
	if at := slices.Index(ids, c.Before); at >= 0 {
		from = max(0, at-limit)
		limit = at - from
	}
	page := ids[from:min(from+limit, len(ids))]
	rows := make([]psp.Object, len(page))
	for i, id := range page {
		rows[i] = row(id)
	}
	var before, after any
	if len(page) > 0 && from > 0 {
		before = page[0]
	}
	if len(page) > 0 && from+len(page) < len(ids) {
		after = page[len(page)-1]
	}
	return psp.JSON(http.StatusOK, psp.Object{"data": rows, "before": before, "after": after})
}

func (s *Sim) createSecret(_ *psp.Request, ids []string, _ psp.Orders) psp.Answer {
	if s.customers[ids[0]] == nil {
		return notFound("The customer was not found.")
	}
	at := now()
	text := "cs_sandbox_" + s.deps.Random.Alphanumeric(secretLength)
	s.secrets[text] = customerSecret{ids[0], at.Add(secretLives)}
	return psp.JSON(http.StatusOK, psp.Object{
		"secret": text, "createdAt": stamp(at), "expireAt": stamp(at.Add(secretLives)),
	})
}

// opens says whether a secret is good for a customer's cards now.
func (s *Sim) opens(secret, owner string) bool {
	known, found := s.secrets[secret]
	if found && !time.Now().Before(known.expires) {
		delete(s.secrets, secret)
		return false
	}
	return found && known.customer == owner && s.customers[owner] != nil
}

func (s *Sim) listSaved(_ *psp.Request, ids []string, _ psp.Orders) psp.Answer {
	c := s.customers[ids[0]] // there, as its secret is good
	rows := make([]psp.Object, len(c.cards))
	for i, one := range c.cards {
		rows[i] = psp.Object{"id": one.id, "cardDetails": psp.Object{
			"pan": one.card.masked, "expiryDate": one.card.lastDay(), "scheme": one.card.scheme(),
		}}
	}
	return psp.JSON(http.StatusOK, psp.Object{
		"customerId": c.id, "merchantId": merchantID, "savedPaymentMethods": rows, "supportedPaymentMethods": supported(),
	})
}

func (s *Sim) deleteSaved(_ *psp.Request, ids []string, _ psp.Orders) psp.Answer {
	c := s.customers[ids[0]]
	at := c.at(ids[1])
	if at < 0 {
		return notFound("The payment method was not found.")
	}
	c.cards = slices.Delete(c.cards, at, at+1)
	return psp.Answer{Status: http.StatusNoContent}
}

// at is the place of a saved card, or -1.
func (c *customer) at(id string) int {
	return slices.IndexFunc(c.cards, func(one savedCard) bool { return one.id == id })
}

// save keeps a card with its customer, once, and returns its id.
func (s *Sim) save(owner string, paidBy card) string {
	c := s.customers[owner]
	if c == nil {
		return ""
	}
	for _, one := range c.cards {
		if one.card.same(paidBy) {
			return one.id
		}
	}
	id := s.newID(methodPrefix)
	c.cards = append(c.cards, savedCard{id, paidBy})
	return id
}

func (c *customer) resource() psp.Object {
	return psp.Object{
		"id": c.id, "name": orNull(c.fields.Name), "emailAddress": orNull(c.fields.Email), "phoneNumber": orNull(c.fields.Phone),
		"vatNumber": orNull(c.fields.VAT), "shippingAddress": c.fields.Shipping, "billingAddress": c.fields.Billing,
		"createdAt": stamp(c.created), "updatedAt": stamp(c.updated), "documentVersion": c.version,
	}
}

func supported() psp.Object {
	return psp.Object{
		"cardSchemes": []string{"VISA", "MASTERCARD", "MAESTRO", "DISCOVER", "DCI", "AMEX"},
		"wallets":     []string{"APPLE_PAY", "GOOGLE_PAY"},
	}
}
