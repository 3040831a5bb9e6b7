package api

import (
	"maps"
	"strings"

	"switchyard/flow"
	"switchyard/payments"
)

// Longest texts of a customer's fields, in characters.
const (
	maxShort         = 80 // names, addresses, reference ids
	maxZip           = 16
	maxLegalDocument = 255
	maxPhone         = 14
)

// listPaymentMethods shows what PSPs keep for a customer, as they tell it now.
func (s *server) listPaymentMethods(c *call) (reply, error) {
	rows, err := s.Engine.SavedMethods(c.ctx, c.project.ID, c.param("customer"))
	if err != nil {
		return reply{}, err
	}
	return reply{show: func(w *writer) error {
		list(w, "gateways", rows, func(k *flow.KeptMethods) { keptMethods(w, k) })
		return nil
	}}, nil
}

func (s *server) listCustomers(c *call) (reply, error) {
	found, err := s.Reads.Customers(c.ctx, c.project.ID, c.options.page)
	if err != nil {
		return reply{}, badCursor(err)
	}
	v := c.reading(payments.Snapshot{})
	return showing(v, func(w *writer) {
		page(w, "customers", c.options, found, func(one *payments.Customer) { v.customer(w, one, v.expand) })
	}), nil
}

func (s *server) createCustomer(c *call) (reply, error) {
	customer := payments.Customer{ProjectID: c.project.ID, Sandbox: c.project.Sandbox}
	customer.ID = c.fields.text("id", textRule{code: payments.CodeInvalidID})
	if err := editCustomer(c.fields, &customer); err != nil {
		return reply{}, err
	}
	return s.once(c, mutation{
		do: func(claim *payments.ClaimRequest) (payments.Snapshot, error) {
			return s.Tokens.CreateCustomer(c.ctx, customer, claim)
		},
		show: showCustomer,
	})
}

func (s *server) getCustomer(c *call) (reply, error) {
	customer, err := s.Tokens.Customer(c.ctx, c.project.ID, c.param("customer"))
	if err != nil {
		return reply{}, err
	}
	v := c.reading(payments.Snapshot{Customer: &customer})
	return showing(v, func(w *writer) { showCustomer(w, v) }), nil
}

// updateCustomer changes what was given and leaves the rest: SDKs send every field they do not set as null.
func (s *server) updateCustomer(c *call) (reply, error) {
	if err := editCustomer(c.fields, &payments.Customer{}); err != nil { // on the request's account, not the customer's
		return reply{}, err
	}
	return s.once(c, mutation{
		do: func(claim *payments.ClaimRequest) (payments.Snapshot, error) {
			return s.Tokens.UpdateCustomer(c.ctx, c.project.ID, c.param("customer"), func(customer *payments.Customer) error {
				c.fields.setText(&customer.DefaultTokenID, "default_token_id", textRule{code: payments.CodeInvalidID})
				return editCustomer(c.fields, customer)
			}, claim)
		},
		show: showCustomer,
	})
}

func (s *server) deleteCustomer(c *call) (reply, error) {
	return s.once(c, mutation{do: func(claim *payments.ClaimRequest) (payments.Snapshot, error) {
		return s.Tokens.DeleteCustomer(c.ctx, c.project.ID, c.param("customer"), claim)
	}})
}

func (s *server) listCustomerTransactions(c *call) (reply, error) {
	customer, err := s.Tokens.Customer(c.ctx, c.project.ID, c.param("customer"))
	if err != nil {
		return reply{}, err
	}
	found, err := s.Reads.TransactionsOf(c.ctx, c.project.ID, customer.ID, c.options.page)
	if err != nil {
		return reply{}, badCursor(err)
	}
	v := c.reading(payments.Snapshot{Customer: &customer})
	return showing(v, func(w *writer) {
		page(w, "transactions", c.options, found, func(one *payments.Transaction) { v.transaction(w, one, v.expand) })
	}), nil
}

func showCustomer(w *writer, v *view) {
	object(w, "customer", v.snapshot.Customer, v.customer, v.expand)
}

// editCustomer puts the given fields over a customer's. The balance is not a field of ours: it is always 0.
func editCustomer(f fields, c *payments.Customer) error {
	c.Extra = maps.Clone(c.Extra) // it may be shared with whoever read it
	f.setEmail(&c.Email, "email")
	f.setName(&c.FirstName, "first_name")
	f.setName(&c.LastName, "last_name")
	f.setCountry(&c.CountryCode, "country_code")
	f.setMetadata(&c.Metadata, "metadata")
	f.setTime(&c.RegisteredAt, "registered_at")
	if text := f.text("currency", textRule{code: payments.CodeInvalidCurrency}); text != "" {
		currency, err := payments.ParseCurrency(text)
		if err != nil {
			f.fault(payments.CodeInvalidCurrency, "currency", "This field must be the three letters of a currency's ISO 4217 code.")
		}
		c.Currency = currency
	}
	if f.has("reference_id") {
		reference := f.text("reference_id", textRule{max: maxShort})
		if !printable(reference) || strings.Contains(reference, " ") {
			f.fault(payments.CodeValidation, "reference_id", "This field must have printable ASCII characters without spaces.")
		}
		c.ReferenceID = reference
	}
	editCustomerExtra(f, &c.Extra)
	editPhone(f, c)
	return f.faults.err()
}

// editCustomerExtra checks and keeps the fields that only come back.
func editCustomerExtra(f fields, extra *payments.Extra) {
	for _, t := range []struct {
		name string
		max  int
	}{
		{"company_name", maxShort},
		{"address1", maxShort},
		{"address2", maxShort},
		{"city", maxShort},
		{"state", maxShort},
		{"zip", maxZip},
		{"legal_document", maxLegalDocument},
	} {
		if f.has(t.name) {
			keepText(extra, t.name, f.text(t.name, textRule{max: t.max}))
		}
	}
	if f.has("sex") {
		keepText(extra, "sex", f.enum("sex", payments.CodeValidation, "male", "female"))
	}
	if f.has("ip_address") {
		ip := ""
		f.setIP(&ip, "ip_address")
		keepText(extra, "ip_address", ip)
	}
	if f.has("is_business") {
		keepValue(extra, "is_business", f.flag("is_business"))
	}
	keepTime(f, extra, "date_of_birth")
}

// editPhone reads both ways of giving a phone number. What PSPs are told is the international form, if there is one.
func editPhone(f fields, c *payments.Customer) {
	if f.has("phone_number") {
		number := f.text("phone_number", textRule{max: 2 * maxPhone})
		keepText(&c.Extra, "phone_number", number)
		c.Phone = internationalPhone(number)
	}
	if !f.has("phone") {
		return
	}
	phone := f.object("phone")
	number := phone.text("number", textRule{max: maxPhone})
	dialing := phone.text("dialing_code", textRule{max: maxPhone})
	if rest, ok := strings.CutPrefix(dialing, "+"); ok {
		dialing = "00" + rest // as the vendor writes it
	}
	if number == "" {
		delete(c.Extra, "phone")
		return
	}
	keepValue(&c.Extra, "phone", map[string]string{"number": number, "dialing_code": dialing})
	c.Phone = internationalPhone(dialing + strings.TrimPrefix(number, "0"))
}

// internationalPhone returns "+" and digits, "" when the number does not say its country.
func internationalPhone(number string) string {
	digits := strings.Map(func(r rune) rune {
		if r == '+' || '0' <= r && r <= '9' {
			return r
		}
		return -1
	}, number)
	digits, plus := strings.CutPrefix(digits, "+")
	if !plus {
		digits, plus = strings.CutPrefix(digits, "00")
	}
	if !plus || digits == "" || strings.Contains(digits, "+") {
		return ""
	}
	return "+" + digits
}
