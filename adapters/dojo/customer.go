package dojo

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"switchyard/payments"
)

const (
	maxName  = 100 // characters
	maxEmail = 254
	minPhone = 5
	maxPhone = 50
	// A customer whose creation was not answered is among the newest, which are listed first. Older ones are known by their
	// ids; to look through all of them would take a call for every hundred.
	pageSize    = 100
	searchPages = 2
)

// customer is a customer as Dojo shows it. There is no field for an id of ours: it stands behind the name.
type customer struct {
	ID    string `json:"id,omitempty"`
	Name  string `json:"name,omitempty"`
	Email string `json:"emailAddress,omitempty"`
	Phone string `json:"phoneNumber,omitempty"`
}

// SyncCustomer returns Dojo's id of a customer: the known one if it still exists, otherwise that of the customer who was made for
// this id before, otherwise a new one. An e-mail address alone does not make two customers one: whoever gives another's address
// would be offered that person's cards.
func (a *adapter) SyncCustomer(ctx context.Context, p payments.Payer) (string, error) {
	if p.CustomerID == "" {
		return "", rejected("", "a customer needs an id of ours")
	}
	if p.CustomerRef != "" {
		var list []customer // one that is deleted or unknown is not in it
		if err := a.ask(ctx, call{method: http.MethodGet, path: below(customersPath, p.CustomerRef)}, &list); err != nil {
			return "", err
		}
		if len(list) > 0 && list[0].ID == p.CustomerRef {
			return p.CustomerRef, nil
		}
	}
	wanted := newCustomer(p)
	if wanted.Email != "" || wanted.Phone != "" { // two projects may share an account, and have customers of the same id
		id, err := a.findCustomer(ctx, wanted, p.CustomerID)
		if id != "" || err != nil {
			return id, err
		}
	}
	var made customer
	if err := a.ask(ctx, call{method: http.MethodPost, path: customersPath, body: wanted}, &made); err != nil {
		return "", err
	}
	if made.ID == "" {
		return "", unexpected("the customer that was to be made")
	}
	return made.ID, nil
}

// newCustomer is the customer to be made for a payer.
func newCustomer(p payments.Payer) customer {
	mark := marked(p.CustomerID)
	name := strings.Join(strings.Fields(p.FirstName+" "+p.LastName), " ")
	name = cut(name, max(0, maxName-1-len(mark)))
	c := customer{Name: strings.TrimSpace(name + " " + mark)}
	c.Email, c.Phone = contact(p)
	return c
}

// marked is our id as it stands behind a name.
func marked(id string) string { return "(" + id + ")" }

// contact is how the payer can be reached, as far as Dojo takes it.
func contact(p payments.Payer) (email, phone string) {
	if len(p.Email) <= maxEmail {
		email = p.Email
	}
	if len(p.Phone) >= minPhone && len(p.Phone) <= maxPhone {
		phone = p.Phone
	}
	return email, phone
}

// DeleteCustomer deletes a customer with all cards. Who is gone already is deleted.
func (a *adapter) DeleteCustomer(ctx context.Context, customerRef string) error {
	if customerRef == "" {
		return rejected("", "no customer is named")
	}
	return a.erase(ctx, call{method: http.MethodDelete, path: below(customersPath, customerRef)}, "the customer who was to be deleted")
}

// erase makes a call that deletes something. What is gone already is deleted; an answer that says neither is unexpected about what.
func (a *adapter) erase(ctx context.Context, c call, what string) error {
	answer, err := a.do(ctx, c)
	switch {
	case err != nil:
		return err
	case answer.Status == http.StatusNoContent, missing(answer):
		return nil
	case ok(answer):
		return unexpected(what)
	}
	return refused(answer)
}

// findCustomer looks among the newest customers for the one that was made for our id. It returns "" if there is none.
func (a *adapter) findCustomer(ctx context.Context, wanted customer, id string) (string, error) {
	after := ""
	for range searchPages {
		var page struct {
			Data  []customer `json:"data"`
			After string     `json:"after"`
		}
		err := a.ask(ctx, call{method: http.MethodPost, path: customersPath + "/search", body: struct {
			Limit int    `json:"limit"`
			After string `json:"after,omitempty"`
		}{pageSize, after}}, &page)
		if err != nil {
			return "", err
		}
		if page.Data == nil {
			return "", unexpected("customers")
		}
		for _, c := range page.Data {
			if c.ID != "" && strings.HasSuffix(c.Name, marked(id)) && strings.EqualFold(c.Email, wanted.Email) && c.Phone == wanted.Phone {
				return c.ID, nil
			}
		}
		if after = page.After; after == "" || len(page.Data) < pageSize {
			break
		}
	}
	return "", nil
}

// customerSecret makes a secret that opens a customer's cards for some minutes. found is false when Dojo does not have the
// customer.
func (a *adapter) customerSecret(ctx context.Context, ref string) (secret payments.Secret, found bool, err error) {
	answer, err := a.do(ctx, call{method: http.MethodPost, path: below(customersPath, ref, "create-secret")})
	switch {
	case err != nil:
		return payments.Secret{}, false, err
	case missing(answer):
		return payments.Secret{}, false, nil
	case !ok(answer):
		return payments.Secret{}, false, refused(answer)
	}
	var made struct {
		Secret payments.Secret `json:"secret"`
	}
	if err := answer.JSON(&made); err != nil {
		return payments.Secret{}, false, err
	}
	if made.Secret.IsZero() {
		return payments.Secret{}, false, unexpected("the customer's secret")
	}
	return made.Secret, true, nil
}

// savedMethod is a saved card as Dojo shows it.
type savedMethod struct {
	ID   string `json:"id"`
	Card struct {
		PAN    string `json:"pan"` // masked
		Expiry string `json:"expiryDate"`
		Scheme string `json:"scheme"`
	} `json:"cardDetails"`
}

// schemes translates the card schemes.
var schemes = map[string]payments.Scheme{
	"VISA":       payments.SchemeVisa,
	"MASTERCARD": payments.SchemeMastercard,
	"MAESTRO":    payments.SchemeMaestro,
	"AMEX":       payments.SchemeAmex,
	"DISCOVER":   payments.SchemeDiscover,
	"DCI":        payments.SchemeDiners,
}

// ListMethods lists the cards that a customer has saved. A customer whom Dojo does not have, has none.
func (a *adapter) ListMethods(ctx context.Context, customerRef string) ([]payments.SavedMethod, error) {
	secret, found, err := a.customerSecret(ctx, customerRef)
	if err != nil || !found {
		return nil, err
	}
	var list struct {
		CustomerID string        `json:"customerId"`
		Saved      []savedMethod `json:"savedPaymentMethods"`
	}
	err = a.ask(ctx, call{
		method: http.MethodGet, path: below(publicPath, customerRef, "payment-methods"), customer: secret, asCustomer: true,
	}, &list)
	switch {
	case err != nil:
		return nil, err
	case list.CustomerID != customerRef:
		return nil, unexpected("the customer whose cards were asked for")
	}
	var methods []payments.SavedMethod
	for _, m := range list.Saved {
		if m.ID != "" {
			methods = append(methods, payments.SavedMethod{MethodRef: m.ID, Card: m.facts(), Usable: m.usable(a.now())})
		}
	}
	return methods, nil
}

// facts are what Dojo tells of a card.
func (m *savedMethod) facts() payments.CardFacts {
	f := payments.CardFacts{Scheme: schemes[strings.ToUpper(m.Card.Scheme)]}
	f.ExpYear, f.ExpMonth = m.expiry()
	if len(m.Card.PAN) >= 12 && strings.Contains(m.Card.PAN, "*") {
		f.IIN, f.Last4 = digits(m.Card.PAN[:6]), digits(m.Card.PAN[len(m.Card.PAN)-4:])
	}
	return f
}

// digits returns text that is nothing but digits, and "" for any other.
func digits(text string) string {
	if _, err := strconv.ParseUint(text, 10, 64); err != nil {
		return ""
	}
	return text
}

// expiry reads the last day of a card, "2030-12-31", or the month, "12/30"; zeros are for anything else.
func (m *savedMethod) expiry() (year, month int) {
	for _, layout := range []string{time.DateOnly, "01/06", time.RFC3339} {
		if t, err := time.Parse(layout, m.Card.Expiry); err == nil {
			return t.Year(), int(t.Month())
		}
	}
	return 0, 0
}

// usable says that the card has not expired, as far as can be told. A card is good until the end of its month, everywhere.
func (m *savedMethod) usable(now time.Time) bool {
	year, month := m.expiry()
	return month == 0 || now.Before(time.Date(year, time.Month(month+1), 2, 0, 0, 0, 0, time.UTC))
}

// DeleteMethod deletes a saved card, or closes a setup intent. What is gone already is deleted.
func (a *adapter) DeleteMethod(ctx context.Context, r payments.ForgetRequest) error {
	if strings.HasPrefix(r.MethodRef, setupPrefix) {
		return a.closeSetup(ctx, r.MethodRef)
	}
	if r.CustomerRef == "" {
		return rejected("", "a saved card is deleted from its customer, and no customer is known")
	}
	secret, found, err := a.customerSecret(ctx, r.CustomerRef)
	if err != nil || !found {
		return err
	}
	return a.erase(ctx, call{
		method: http.MethodDelete, path: below(publicPath, r.CustomerRef, "payment-methods", url.PathEscape(r.MethodRef)),
		customer: secret, asCustomer: true,
	}, "the card that was to be deleted")
}

// closeSetup ends a setup intent, so that it will not be charged any more.
func (a *adapter) closeSetup(ctx context.Context, id string) error {
	answer, err := a.do(ctx, call{
		method: http.MethodDelete, path: below(setupsPath, id), query: url.Values{"includeAuthorized": {"true"}},
	})
	var s setup
	switch {
	case err != nil:
		return err
	case missing(answer):
		return nil
	case ok(answer):
		if err := answer.JSON(&s); err != nil {
			return err
		}
	default:
		fault := refused(answer)
		if fault.Kind != payments.Rejected && fault.Code != payments.GatewayInvalidState {
			return fault
		}
		shown, err := a.getSetup(ctx, id)
		if err != nil {
			return err
		}
		s = *shown
	}
	if o, err := outcome(setupOutcomes, s.Status); s.ID != id || err != nil || o.Status != payments.Declined && s.Status != setupCompleted {
		return unexpected("a setup intent that is over")
	}
	return nil
}

// getSetup reads a setup intent.
func (a *adapter) getSetup(ctx context.Context, id string) (*setup, error) {
	var s setup
	if err := a.ask(ctx, call{method: http.MethodGet, path: below(setupsPath, id)}, &s); err != nil {
		return nil, err
	}
	if s.ID != id {
		return nil, unexpected("the setup intent that was asked for")
	}
	return &s, nil
}
