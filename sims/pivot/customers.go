package pivot

import (
	"slices"
	"strings"

	"switchyard/sims/psp"
)

// customer is a payer. It is made with a session, and known again by its e-mail address.
type customer struct {
	id, created, updated string
	fields               customerFields
	cards                []storedCard
}

type customerFields struct {
	GivenName string `json:"givenName"`
	Surname   string `json:"surname"`
	Email     string `json:"email"`
	Phone     *phone `json:"phoneNumber"`
}

type phone struct {
	Country string `json:"countryCode"`
	Number  string `json:"number"`
}

type storedCard struct {
	token, created string
	card           card
}

// customerOf is the id of the customer that a session names or brings along, made if it is a new one.
func (s *Sim) customerOf(in *createInput) (string, *psp.Answer) {
	if in.Customer == nil {
		if s.customers[in.CustomerID] == nil {
			return "", refused("customerId", "is unknown")
		}
		return in.CustomerID, nil
	}
	email := strings.ToLower(in.Customer.Email)
	if id, known := s.emails[email]; known {
		c := s.customers[id]
		c.fields, c.updated = *in.Customer, now()
		return id, nil
	}
	at := now()
	c := &customer{id: s.newID(), created: at, updated: at, fields: *in.Customer}
	s.customers[c.id], s.emails[email] = c, c.id
	return c.id, nil
}

// store keeps a card with its customer, once.
func (s *Sim) store(owner string, paidBy card) {
	c := s.customers[owner]
	if c == nil || slices.ContainsFunc(c.cards, func(one storedCard) bool { return one.card.same(paidBy) }) {
		return
	}
	c.cards = append(c.cards, storedCard{token: s.newID(), created: now(), card: paidBy})
}

// stored finds a card by its token, or nil.
func (s *Sim) stored(owner, token string) *card {
	c := s.customers[owner]
	if c == nil {
		return nil
	}
	for i := range c.cards {
		if c.cards[i].token == token {
			return &c.cards[i].card
		}
	}
	return nil
}

func (s *Sim) getCustomer(_ *psp.Request, ids []string, _ psp.Orders) psp.Answer {
	c, known := s.customers[ids[0]]
	if !known {
		return missing("customer")
	}
	methods := make([]psp.Object, len(c.cards))
	for i, one := range c.cards {
		facts := one.card.facts()
		facts["network"] = one.card.network()
		facts["cardHolderFirstName"], facts["cardHolderLastName"] = orNull(one.card.firstName), orNull(one.card.lastName)
		methods[i] = psp.Object{
			"token": one.token, "paymentMethod": typeCard, "paymentChannel": one.card.network(), "status": "ACTIVE",
			"createdAt": one.created, "card": facts,
		}
	}
	out := c.resource()
	out["storedPaymentMethods"] = methods
	return success(out)
}

func (c *customer) resource() psp.Object {
	return psp.Object{
		"id": c.id, "givenName": orNull(c.fields.GivenName), "surname": orNull(c.fields.Surname), "email": c.fields.Email,
		"phoneNumber": c.fields.Phone, "createdAt": c.created, "updatedAt": c.updated,
	}
}
