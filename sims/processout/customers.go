package processout

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"switchyard/sims/currency"
	"switchyard/sims/psp"
)

// The sizes of a page.
const defaultPage, maxPage = 10, 100

type customer struct {
	id, firstName, lastName, email, currency, reference, country string
	defaultToken                                                 string
	metadata                                                     map[string]string
	created                                                      string
	tokens                                                       []string // oldest first
}

func (c *customer) apply(in fields) {
	in.set(&c.firstName, "first_name")
	in.set(&c.lastName, "last_name")
	in.set(&c.email, "email")
	in.set(&c.country, "country_code")
	if metadata := in.texts("metadata"); metadata != nil {
		c.metadata = metadata
	}
}

func (s *Sim) createCustomer(r *psp.Request, _ []string, _ psp.Orders) psp.Answer {
	in := input(r)
	c := &customer{id: in.text("id"), currency: in.text("currency"), reference: in.text("reference_id"), created: now()}
	c.apply(in)
	if _, known := currency.Exponent(c.currency); c.currency != "" && !known {
		return invalid("request.validation.invalid-currency", "The currency is unknown.")
	}
	if s.customers[c.id] != nil {
		return invalid("request.validation.invalid-id", "The id is taken.")
	}
	if c.id == "" {
		c.id = s.newID("cust_")
	}
	s.customers[c.id] = c
	s.tell("customer.created", "customer", c.resource(), 0)
	return success("customer", c.resource())
}

func (s *Sim) getCustomer(_ *psp.Request, ids []string, _ psp.Orders) psp.Answer {
	c, known := s.customers[ids[0]]
	if !known {
		return notFound("customer")
	}
	return success("customer", c.resource())
}

func (s *Sim) listCustomers(r *psp.Request, _ []string, _ psp.Orders) psp.Answer {
	all := slices.SortedFunc(maps.Values(s.customers), func(a, b *customer) int {
		return strings.Compare(b.created+b.id, a.created+a.id)
	})
	rows := make([]psp.Object, len(all))
	for i, c := range all {
		rows[i] = c.resource()
	}
	return page(r, "customers", rows)
}

func (s *Sim) updateCustomer(r *psp.Request, ids []string, _ psp.Orders) psp.Answer {
	c, known := s.customers[ids[0]]
	if !known {
		return notFound("customer")
	}
	in := input(r)
	if id := in.text("default_token_id"); id != "" {
		if !slices.Contains(c.tokens, id) {
			return notFound("token")
		}
		c.defaultToken = id
	}
	c.apply(in)
	s.tell("customer.updated", "customer", c.resource(), 0)
	return success("customer", c.resource())
}

func (s *Sim) deleteCustomer(_ *psp.Request, ids []string, _ psp.Orders) psp.Answer {
	c, known := s.customers[ids[0]]
	if !known {
		return notFound("customer")
	}
	for _, id := range c.tokens {
		delete(s.tokens, id)
	}
	delete(s.customers, c.id)
	s.tell("customer.deleted", "customer", c.resource(), 0)
	return success("", nil)
}

func (c *customer) resource() psp.Object {
	return psp.Object{
		"id": c.id, "project_id": nil, "default_token": nil, "default_token_id": orNull(c.defaultToken), "tokens": nil,
		"transactions": nil, "balance": "0", "currency": orNull(c.currency), "email": orNull(c.email),
		"first_name": orNull(c.firstName), "last_name": orNull(c.lastName), "country_code": orNull(c.country),
		"metadata": orEmpty(c.metadata), "sandbox": true, "created_at": c.created, "registered_at": nil,
		"reference_id": orNull(c.reference),
	}
}

// page is a list, newest first unless order says asc, cut to what limit, start_after and end_before ask for.
func page(r *psp.Request, key string, rows []psp.Object) psp.Answer {
	limit, err := strconv.Atoi(r.Query.Get("limit"))
	if err != nil || limit < 1 {
		limit = defaultPage
	}
	limit = min(limit, maxPage)
	total := len(rows)
	order := "desc"
	if r.Query.Get("order") == "asc" {
		order = "asc"
		rows = slices.Clone(rows)
		slices.Reverse(rows)
	}
	at := func(id string) int { return slices.IndexFunc(rows, func(o psp.Object) bool { return o["id"] == id }) }
	if i := at(r.Query.Get("start_after")); i >= 0 {
		rows = rows[i+1:]
	} else if i := at(r.Query.Get("end_before")); i >= 0 {
		rows = rows[max(0, i-limit):i]
	}
	more := len(rows) > limit
	rows = rows[:min(limit, len(rows))]
	return psp.JSON(http.StatusOK, psp.Object{
		"success": true, key: rows, "has_more": more, "count": len(rows), "limit": limit, "order": order, "total_count": total,
	})
}
