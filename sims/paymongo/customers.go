package paymongo

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"switchyard/sims/psp"
)

type customer struct {
	id, firstName, lastName, email, phone, device, defaultMethod string
	metadata                                                     map[string]string
	created, updated                                             int64
	saved                                                        []savedMethod
}

// savedMethod is a payment method that a paid intent has left with its customer.
type savedMethod struct {
	id, method string
	created    int64
}

type customerInput struct {
	FirstName     *string           `json:"first_name"`
	LastName      *string           `json:"last_name"`
	Email         *string           `json:"email"`
	Phone         *string           `json:"phone"`
	Device        *string           `json:"default_device"`
	DefaultMethod *string           `json:"default_payment_method_id"`
	Metadata      map[string]string `json:"metadata"`
}

func (in customerInput) apply(c *customer) {
	set := func(to *string, from *string) {
		if from != nil {
			*to = *from
		}
	}
	set(&c.firstName, in.FirstName)
	set(&c.lastName, in.LastName)
	set(&c.email, in.Email)
	set(&c.phone, in.Phone)
	set(&c.device, in.Device)
	set(&c.defaultMethod, in.DefaultMethod)
	if in.Metadata != nil {
		c.metadata = in.Metadata
	}
	c.updated = time.Now().Unix()
}

func (s *Sim) createCustomer(r *psp.Request, _ []string, _ psp.Orders) psp.Answer {
	var in customerInput
	if bad, ok := attributes(r, &in); !ok {
		return bad
	}
	c := customer{created: time.Now().Unix()}
	in.apply(&c)
	if bad, ok := s.checkCustomer(c); !ok {
		return bad
	}
	c.id = s.newID("cus_")
	s.customers[c.id] = &c
	return answer(c.resource())
}

// checkCustomer is the newer validator of PayMongo: other status, other code, absolute pointers.
func (s *Sim) checkCustomer(c customer) (psp.Answer, bool) {
	var faults []psp.Object
	for _, field := range []struct{ name, value string }{
		{"first_name", c.firstName}, {"last_name", c.lastName}, {"email", c.email}, {"default_device", c.device},
	} {
		if field.value == "" {
			faults = append(faults, invalidBody(field.name, field.name+" is required."))
		}
	}
	if c.device != "" && c.device != "phone" && c.device != "email" {
		faults = append(faults, invalidBody("default_device", "default_device must be phone or email."))
	}
	if c.email != "" && !strings.Contains(c.email, "@") {
		faults = append(faults, invalidBody("email", "email must be an email."))
	}
	if c.phone != "" && (c.phone[0] != '+' || strings.Trim(c.phone[1:], "0123456789") != "") {
		faults = append(faults, invalidBody("phone", "phone must be + and digits."))
	}
	for _, other := range s.customers {
		if other.id != c.id && other.email == c.email && c.email != "" {
			faults = append(faults, invalidBody("email", "email is already taken."))
		}
		if other.id != c.id && other.phone == c.phone && c.phone != "" {
			faults = append(faults, invalidBody("phone", "phone is already taken."))
		}
	}
	isDefault := func(m savedMethod) bool { return m.method == c.defaultMethod }
	switch {
	case faults == nil && c.defaultMethod != "" && !slices.ContainsFunc(c.saved, isDefault):
		return notFound("payment_method", c.defaultMethod), false
	case faults == nil:
		return psp.Answer{}, true
	}
	a := psp.JSON(http.StatusUnprocessableEntity, psp.Object{"errors": faults})
	a.Unkept = true
	return a, false
}

func invalidBody(attribute, detail string) psp.Object {
	return psp.Object{
		"code": "invalid_request_body", "detail": detail,
		"source": psp.Object{"pointer": "data.attributes." + attribute, "attribute": attribute},
	}
}

func (s *Sim) getCustomer(_ *psp.Request, ids []string, _ psp.Orders) psp.Answer {
	c, known := s.customers[ids[0]]
	if !known {
		return notFound("customer", ids[0])
	}
	return answer(c.resource())
}

// findCustomers lists, newest first, those of an e-mail or a phone if one is given.
func (s *Sim) findCustomers(r *psp.Request, _ []string, _ psp.Orders) psp.Answer {
	email, phone := r.Query.Get("email"), r.Query.Get("phone")
	found := slices.SortedFunc(maps.Values(s.customers), func(a, b *customer) int {
		return strings.Compare(b.id, a.id)
	})
	slices.SortStableFunc(found, func(a, b *customer) int { return int(b.created - a.created) })
	rows := []psp.Object{}
	for _, c := range found {
		if (email == "" || c.email == email) && (phone == "" || c.phone == phone) {
			rows = append(rows, c.resource())
		}
	}
	return page(r, rows)
}

func (s *Sim) updateCustomer(r *psp.Request, ids []string, _ psp.Orders) psp.Answer {
	c, known := s.customers[ids[0]]
	if !known {
		return notFound("customer", ids[0])
	}
	var in customerInput
	if bad, ok := attributes(r, &in); !ok {
		return bad
	}
	changed := *c
	in.apply(&changed)
	if bad, ok := s.checkCustomer(changed); !ok {
		return bad
	}
	*c = changed
	return answer(c.resource())
}

func (s *Sim) deleteCustomer(_ *psp.Request, ids []string, _ psp.Orders) psp.Answer {
	c, known := s.customers[ids[0]]
	if !known {
		return notFound("customer", ids[0])
	}
	for _, saved := range c.saved {
		delete(s.methods, saved.method) // it can never be charged again
	}
	delete(s.customers, c.id) // its e-mail address and phone number are free again (inferred)
	gone := c.resource()
	if attributes, ok := gone["attributes"].(psp.Object); ok {
		attributes["deleted"] = true
	}
	return answer(gone)
}

// listSaved lists the rows that tie cards to a customer, newest first. They have no card data.
func (s *Sim) listSaved(r *psp.Request, ids []string, _ psp.Orders) psp.Answer {
	c, known := s.customers[ids[0]]
	if !known {
		return notFound("customer", ids[0])
	}
	rows := []psp.Object{}
	for _, saved := range slices.Backward(c.saved) {
		rows = append(rows, c.savedResource(saved))
	}
	return page(r, rows)
}

// deleteSaved takes the id of the payment method, or of the row that saves it: the documents and the merchants
// disagree.
func (s *Sim) deleteSaved(_ *psp.Request, ids []string, _ psp.Orders) psp.Answer {
	c, known := s.customers[ids[0]]
	if !known {
		return notFound("customer", ids[0])
	}
	at := slices.IndexFunc(c.saved, func(m savedMethod) bool { return m.method == ids[1] || m.id == ids[1] })
	if at < 0 {
		return notFound("payment_method", ids[1])
	}
	gone := c.saved[at]
	c.saved = slices.Delete(c.saved, at, at+1)
	delete(s.methods, gone.method)
	if c.defaultMethod == gone.method {
		c.defaultMethod = ""
	}
	return answer(c.savedResource(gone))
}

func (c *customer) resource() psp.Object {
	return resource(c.id, "customer", psp.Object{
		"default_device": c.device, "default_payment_method_id": orNull(c.defaultMethod), "email": c.email,
		"first_name": c.firstName, "last_name": c.lastName, "livemode": false, "organization_id": organization,
		"phone": orNull(c.phone), "metadata": metadataOrNull(c.metadata), "created_at": c.created, "updated_at": c.updated,
	})
}

func (c *customer) savedResource(m savedMethod) psp.Object {
	return resource(m.id, "customer_payment_method", psp.Object{
		"customer_id": c.id, "organization_id": organization, "payment_method_id": m.method,
		"payment_method_type": "card", "session_type": "on_session", "livemode": false,
		"created_at": m.created, "updated_at": m.created,
	})
}
