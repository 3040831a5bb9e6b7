package paymongo

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"switchyard/payments"
)

const (
	customersPath = "/customers"
	// makings bounds how often a customer is made anew because the answer was a repeated one, about a deleted customer: one who is
	// deleted that often in a day is no customer.
	makings = 5
)

func customerPath(id string) string { return customersPath + "/" + url.PathEscape(id) }

// newCustomer is what a customer is made of. PayMongo wants all but the phone number, and no two customers of an account with the
// same e-mail address or phone number.
type newCustomer struct {
	FirstName string         `json:"first_name"`
	LastName  string         `json:"last_name"`
	Email     string         `json:"email"`
	Phone     string         `json:"phone,omitempty"`
	Device    string         `json:"default_device"`
	Metadata  customerLabels `json:"metadata"`
}

// customerLabels is a customer's metadata: our id of the customer.
type customerLabels struct {
	CustomerID string `json:"customer_id"`
}

// customer is a customer as PayMongo shows it.
type customer struct {
	Email    string          `json:"email"`
	Phone    string          `json:"phone"`
	Deleted  *bool           `json:"deleted"`
	Metadata json.RawMessage `json:"metadata"` // of any shape: others make customers too
}

// deleted says that the customer is one no more.
func (c customer) deleted() bool { return c.Deleted != nil && *c.Deleted }

// owner is our id in the customer's metadata, or "".
func (c customer) owner() string {
	var labels map[string]any
	if json.Unmarshal(c.Metadata, &labels) != nil {
		return ""
	}
	id, _ := labels["customer_id"].(string)
	return id
}

// SyncCustomer returns PayMongo's id of a customer: the known one if it still exists, otherwise a new one, otherwise that of the
// customer for whom the e-mail address or phone number is taken, if our id is in its metadata. The e-mail address of any other
// customer is rejected. A name and an e-mail address are needed.
func (a *adapter) SyncCustomer(ctx context.Context, p payments.Payer) (string, error) {
	if p.CustomerID == "" {
		return "", rejected("", "a customer needs an id of ours")
	}
	if p.CustomerRef != "" {
		known, err := a.hasCustomer(ctx, p.CustomerRef)
		switch {
		case err != nil:
			return "", err
		case known:
			return p.CustomerRef, nil
		}
	}
	wanted, err := customerOf(p)
	if err != nil {
		return "", err
	}
	id, err := a.makeCustomer(ctx, wanted, p.CustomerRef)
	refused := asRefusal(err)
	if refused == nil || !refused.mayBeTaken() {
		return id, refusedCustomer(err)
	}
	phoneAlone := refused.names("phone") && !refused.names("email")
	found, asked := a.findCustomer(ctx, wanted, phoneAlone)
	switch {
	case asked != nil:
		return "", asking(asked)
	case found.id != "":
		return found.id, nil
	case found.emailTaken:
		return "", emailTaken(refused)
	case phoneAlone && wanted.Phone != "": // families share one; it is not worth the customer
		wanted.Phone = ""
		id, err = a.makeCustomer(ctx, wanted, p.CustomerRef)
	}
	return id, refusedCustomer(err)
}

// customerOf is the customer to be made for a payer.
func customerOf(p payments.Payer) (newCustomer, error) {
	names := strings.Fields(p.FirstName + " " + p.LastName)
	c := newCustomer{
		FirstName: strings.Join(strings.Fields(p.FirstName), " "), LastName: strings.Join(strings.Fields(p.LastName), " "),
		Email: strings.TrimSpace(p.Email), Device: "email", Metadata: customerLabels{p.CustomerID},
	}
	var lacking []string
	if len(names) == 0 {
		lacking = append(lacking, "a name")
	}
	if c.Email == "" {
		lacking = append(lacking, "an e-mail address")
	}
	if lacking != nil {
		return newCustomer{}, rejected(payments.GatewayMissingCustomerInput,
			"a customer at PayMongo needs a name and an e-mail address; this one lacks "+strings.Join(lacking, " and "))
	}
	if c.FirstName == "" || c.LastName == "" { // both are wanted; who has one name has it in both places
		last := len(names) - 1
		c.FirstName, c.LastName = strings.Join(names[:max(1, last)], " "), names[last]
	}
	if digits, ok := strings.CutPrefix(p.Phone, "+"); ok && digits != "" && strings.Trim(digits, "0123456789") == "" {
		c.Phone = p.Phone
	}
	return c, nil
}

// hasCustomer says whether PayMongo has a customer, and has not deleted it.
func (a *adapter) hasCustomer(ctx context.Context, id string) (bool, error) {
	found, err := fetch[customer](ctx, a, call{method: http.MethodGet, path: customerPath(id)}, id)
	if missing(err) {
		return false, nil
	}
	return err == nil && !found.Attributes.deleted(), asking(err)
}

// makeCustomer makes a customer and returns its id. former is the id that it replaces, if there was one. For a day PayMongo repeats
// its answer to the same request, and what it repeats may be the id of a customer who was deleted since: that one is replaced.
func (a *adapter) makeCustomer(ctx context.Context, wanted newCustomer, former string) (string, error) {
	for range makings {
		made, err := fetch[customer](ctx, a, call{
			method: http.MethodPost, path: customersPath, key: wanted.key(former), attributes: wanted,
		}, "")
		if err != nil {
			return "", err
		}
		known, err := a.hasCustomer(ctx, made.ID)
		switch {
		case err != nil:
			return "", err
		case known:
			return made.ID, nil
		}
		former = made.ID
	}
	return "", payments.Faultf(payments.Unknown, "paymongo: the customer that was made is not there")
}

// key is the idempotency key for making the customer: the same for the same request, so that two at once make one, and another
// once there is a former customer to replace.
func (c newCustomer) key(former string) string {
	text, _ := json.Marshal([]any{c, former}) // texts: cannot fail
	sum := sha256.Sum256(text)
	return "customer-" + hex.EncodeToString(sum[:16])
}

// mayBeTaken says that a customer may have been refused because there is one with the e-mail address or phone number. There is no
// code for that alone.
func (r *refusal) mayBeTaken() bool {
	return r.is("invalid_request_body") || r.names("email") || r.names("phone") || r.aboutRepeat()
}

// finding is what was found of a customer.
type finding struct {
	id         string // of the one that is wanted, or ""
	emailTaken bool   // by somebody else; only without an id
}

// findCustomer looks for the customer with our id in its metadata among those with the e-mail address, and with byPhone also among
// those with the phone number.
func (a *adapter) findCustomer(ctx context.Context, wanted newCustomer, byPhone bool) (finding, error) {
	sameEmail := func(c customer) bool { return strings.EqualFold(strings.TrimSpace(c.Email), wanted.Email) }
	id, others, err := a.searchCustomer(ctx, url.Values{"email": {wanted.Email}}, wanted.Metadata.CustomerID, sameEmail)
	if id == "" && err == nil && byPhone && wanted.Phone != "" {
		samePhone := func(c customer) bool { return c.Phone == wanted.Phone }
		id, _, err = a.searchCustomer(ctx, url.Values{"phone": {wanted.Phone}}, wanted.Metadata.CustomerID, samePhone)
	}
	return finding{id, others && id == ""}, err
}

// searchCustomer looks for a customer that is the same by its data and by our id in its metadata. others says that without such a
// one there are customers who are the same by their data alone: whose cards they hold is not known, so that none of them will do.
func (a *adapter) searchCustomer(
	ctx context.Context, query url.Values, owner string, same func(customer) bool,
) (id string, others bool, err error) {
	var list struct {
		Data []resource[customer] `json:"data"`
	}
	if err := a.do(ctx, call{method: http.MethodGet, path: customersPath, query: query}, &list); err != nil {
		return "", false, err
	}
	if list.Data == nil {
		return "", false, payments.Faultf(payments.Unknown, "paymongo: the answer is not a list of customers")
	}
	for _, c := range list.Data {
		switch {
		case c.ID == "" || c.Attributes.deleted() || !same(c.Attributes):
		case c.Attributes.owner() == owner:
			return c.ID, false, nil
		default:
			others = true
		}
	}
	return "", others, nil
}

// emailTaken is the fault when making a customer was refused and somebody else has the e-mail address.
func emailTaken(r *refusal) error {
	f := payments.Faultf(payments.Rejected, "paymongo: another customer of this account has the same e-mail address")
	f.Code, f.RawCode = payments.GatewayInvalidCustomerInput, r.answer.Redact(r.rawCode())
	return f
}

// refusedCustomer judges the error of making a customer.
func refusedCustomer(err error) error {
	r := asRefusal(err)
	if r == nil {
		return err
	}
	err = asking(err)
	if f := payments.AsFault(err); f.Kind == payments.Rejected && f.Code == "" {
		f.Code = payments.GatewayInvalidCustomerInput
	}
	return err
}

// DeleteCustomer deletes a customer with all vaulted cards. Who is gone already is deleted.
func (a *adapter) DeleteCustomer(ctx context.Context, customerRef string) error {
	if customerRef == "" {
		return rejected("", "no customer is named")
	}
	gone, err := fetch[customer](ctx, a, call{method: http.MethodDelete, path: customerPath(customerRef)}, customerRef)
	switch {
	case missing(err):
		return nil
	case err != nil:
		return asking(err)
	case gone.Attributes.Deleted != nil && !gone.Attributes.deleted():
		return payments.Faultf(payments.Unknown, "paymongo: the customer that was to be deleted is still there")
	}
	return nil
}
