package xendit

import (
	"encoding/json"
	"net/http"

	"switchyard/sims/psp"
)

type customer struct {
	id, created, updated string
	fields               customerFields
}

type customerFields struct {
	Reference  string          `json:"reference_id"`
	Type       string          `json:"type"`
	Email      string          `json:"email,omitempty"`
	Mobile     string          `json:"mobile_number,omitempty"`
	Individual json.RawMessage `json:"individual_detail,omitempty"`
	Metadata   json.RawMessage `json:"metadata,omitempty"`
}

func (s *Sim) createCustomer(r *psp.Request, _ []string, _ psp.Orders) psp.Answer {
	c, bad := s.addCustomer(r.Body)
	if bad != nil {
		return *bad
	}
	return psp.JSON(http.StatusCreated, c.resource())
}

func (s *Sim) addCustomer(body []byte) (*customer, *psp.Answer) {
	fail := func(a psp.Answer) (*customer, *psp.Answer) { return nil, &a }
	var in customerFields
	if bad, ok := decode(body, &in); !ok {
		return fail(bad)
	}
	switch {
	case in.Reference == "":
		return fail(invalid("reference_id is required"))
	case in.Type != "" && in.Type != "INDIVIDUAL" && in.Type != "BUSINESS":
		return fail(invalid("type must be INDIVIDUAL or BUSINESS"))
	case s.customerBy(in.Reference) != nil:
		return fail(problem(http.StatusConflict, codeDuplicate, "A customer with this reference_id already exists"))
	}
	if in.Type == "" {
		in.Type = "INDIVIDUAL"
	}
	c := &customer{id: s.newID("cust-"), created: now(), updated: now(), fields: in}
	s.customers[c.id] = c
	return c, nil
}

// customerIn is the id of the customer that a payment or a session brings along, made if it is a new one; "" if it
// brings none.
func (s *Sim) customerIn(raw json.RawMessage) (string, *psp.Answer) {
	if len(raw) == 0 || string(raw) == "null" {
		return "", nil
	}
	var in customerFields
	if bad, ok := decode(raw, &in); !ok {
		return "", &bad
	}
	if known := s.customerBy(in.Reference); known != nil {
		return known.id, nil
	}
	c, bad := s.addCustomer(raw)
	if bad != nil {
		return "", bad
	}
	return c.id, nil
}

func (s *Sim) customerBy(reference string) *customer {
	for _, c := range s.customers {
		if c.fields.Reference == reference {
			return c
		}
	}
	return nil
}

func (s *Sim) findCustomers(r *psp.Request, _ []string, _ psp.Orders) psp.Answer {
	rows := []any{}
	if c := s.customerBy(r.Query.Get("reference_id")); c != nil {
		rows = append(rows, c.resource())
	}
	return psp.JSON(http.StatusOK, psp.Object{"data": rows, "has_more": false})
}

func (s *Sim) getCustomer(_ *psp.Request, ids []string, _ psp.Orders) psp.Answer {
	c, known := s.customers[ids[0]]
	if !known {
		return notFound("Customer")
	}
	return psp.JSON(http.StatusOK, c.resource())
}

func (s *Sim) updateCustomer(r *psp.Request, ids []string, _ psp.Orders) psp.Answer {
	c, known := s.customers[ids[0]]
	if !known {
		return notFound("Customer")
	}
	changed := c.fields
	if bad, ok := decode(r.Body, &changed); !ok {
		return bad
	}
	changed.Reference = c.fields.Reference // which is given once
	c.fields, c.updated = changed, now()
	return psp.JSON(http.StatusOK, c.resource())
}

func (c *customer) resource() any {
	return struct {
		ID string `json:"id"`
		customerFields
		Created string `json:"created"`
		Updated string `json:"updated"`
	}{c.id, c.fields, c.created, c.updated}
}
