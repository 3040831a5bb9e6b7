package xendit

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"

	"switchyard/payments"
)

const (
	customersPath = "/customers"
	// customersVersion is sent with every call about customers.
	customersVersion = "2020-10-31"

	individual = "INDIVIDUAL"
	minEmail   = 4 // characters
	maxEmail   = 50

	referenceSum = 16 // bytes of the hash in a customer's reference
)

// customerBody is a new customer.
type customerBody struct {
	Type      string `json:"type"`
	Reference string `json:"reference_id"`
	Email     string `json:"email,omitempty"`
	Phone     string `json:"mobile_number,omitempty"`
	Person    person `json:"individual_detail"`
}

type person struct {
	GivenNames string `json:"given_names"`
	Surname    string `json:"surname,omitempty"`
}

// customer is a customer as Xendit shows it.
type customer struct {
	ID        string `json:"id"`
	Reference string `json:"reference_id"`
}

// newCustomer writes what is known of a payer, as far as Xendit takes it, under a reference of letters and digits. A name is
// required: without one the reference stands for it.
func newCustomer(p payments.Payer, reference string) *customerBody {
	c := &customerBody{Type: individual, Reference: reference}
	if len(p.Email) >= minEmail && len(p.Email) <= maxEmail {
		c.Email = p.Email
	}
	if strings.HasPrefix(p.Phone, "+") {
		c.Phone = p.Phone
	}
	c.Person.GivenNames = cmp.Or(p.FirstName, p.LastName, c.Reference)
	if p.FirstName != "" {
		c.Person.Surname = p.LastName
	}
	return c
}

// customerReference stands for our id of a customer. Xendit takes letters and digits only, so it is a hash: leaving out the other
// characters would make one customer of the ids shop-12 and shop1-2, who would then share their saved cards.
func customerReference(id string) string {
	sum := sha256.Sum256([]byte(id))
	return "c" + hex.EncodeToString(sum[:referenceSum])
}

// SyncCustomer returns Xendit's id of a customer: the known one if it still exists, else that of the customer who was made for
// this id before, else a new one. The reference is unique at Xendit, so that no second one is made for an id.
func (a *adapter) SyncCustomer(ctx context.Context, p payments.Payer) (string, error) {
	if p.CustomerID == "" {
		return "", payments.Faultf(payments.Rejected, "xendit: a customer needs an id of ours")
	}
	if p.CustomerRef != "" {
		var known customer
		answer, err := a.get(ctx, below(customersPath, p.CustomerRef), nil, &known)
		switch {
		case err != nil:
			return "", err
		case answer != nil && known.ID != p.CustomerRef:
			return "", payments.Faultf(payments.Unknown, "xendit: the answer is not about the customer that was asked for")
		case answer != nil:
			return known.ID, nil
		}
	}
	body := newCustomer(p, customerReference(p.CustomerID))
	if known, err := a.findCustomer(ctx, body.Reference); known != "" || err != nil {
		return known, err
	}
	answer, err := a.do(ctx, call{method: http.MethodPost, path: customersPath, body: body})
	switch {
	case err != nil:
		return "", err
	case answer.Status == http.StatusConflict: // made meanwhile
		if known, err := a.findCustomer(ctx, body.Reference); known != "" || err != nil {
			return known, err
		}
		fallthrough
	case !ok(answer):
		return "", answer.Fault(errorOf(answer))
	}
	var made customer
	if err := answer.JSON(&made); err != nil {
		return "", err
	}
	if made.ID == "" || made.Reference != "" && made.Reference != body.Reference {
		return "", payments.Faultf(payments.Unknown, "xendit: the answer is not about the customer that was to be made")
	}
	return made.ID, nil
}

// findCustomer finds a customer by its reference. It returns "" if there is none.
func (a *adapter) findCustomer(ctx context.Context, reference string) (string, error) {
	var list struct {
		Data *[]customer `json:"data"`
	}
	answer, err := a.get(ctx, customersPath, url.Values{"reference_id": {reference}}, &list)
	switch {
	case err != nil:
		return "", err
	case answer == nil:
		return "", nil
	case list.Data == nil:
		return "", payments.Faultf(payments.Unknown, "xendit: the answer is no list of customers")
	}
	for _, c := range *list.Data {
		if c.Reference == reference && c.ID != "" {
			return c.ID, nil
		}
	}
	return "", nil
}
