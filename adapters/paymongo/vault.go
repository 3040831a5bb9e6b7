package paymongo

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"switchyard/payments"
)

const (
	// onSession is the only use of a saved card that is sold here: the payer is there and gives the CVC.
	onSession = "on_session"
	// maxPages bounds the calls for one customer's list. A page has ten cards unless PayMongo likes otherwise.
	maxPages = 10
	// vaultPatience is how long the answer to an approved charge waits for the news that its card was saved.
	vaultPatience = 5 * time.Second
	methodPrefix  = "pm_"
)

// futureUsage has an intent save the card that pays it.
type futureUsage struct {
	SessionType string `json:"session_type"`
	CustomerID  string `json:"customer_id"`
}

// intentLabels is an intent's metadata. What pays an intent is not shown before money is taken, so that a charge which is to save
// its card notes there which one that is.
type intentLabels struct {
	Reference string `json:"reference"`
	Method    string `json:"payment_method,omitempty"`
}

// saves says whether the charge is to save its card: it has one, and PayMongo knows whom it is saved for.
func saves(r payments.AuthorizeRequest) bool {
	return r.Save && r.Source.Card != nil && r.Payer.CustomerRef != ""
}

// vaultingOff is what PayMongo says to setup_future_usage when the account may not vault cards, in lower case: the documents give
// these sentences and no code of their own.
var vaultingOff = []string{"on session payments are not yet supported", "off session payments are not yet supported"}

// saveRefused marks the refusal of an intent whose only fault is that it is to save the card. Other errors pass.
func saveRefused(err error) error {
	r := asRefusal(err)
	if r == nil {
		return err
	}
	fault := r.answer.Fault(r.rawCode(), r.entry.Detail)
	switch {
	case missing(err), r.is("parameter_invalid") && r.field() == "customer_id":
		// The customer is the one object that is named: it was deleted at PayMongo.
		fault.SaveRefused = true
	case r.refusesVaulting():
		fault = asKind(fault, payments.Misconfigured)
		fault.Code, fault.SaveRefused = payments.GatewayNotAllowed, true
	default:
		return err
	}
	return fault
}

// refusesVaulting says that the account may not vault cards.
func (r *refusal) refusesVaulting() bool {
	if r.answer.Status != http.StatusBadRequest || !r.is("parameter_invalid") {
		return false
	}
	if strings.Contains(r.entry.Source.Pointer+" "+r.entry.Source.Attribute, "setup_future_usage") || r.field() == "session_type" {
		return true
	}
	detail := strings.ToLower(r.entry.Detail)
	return slices.ContainsFunc(vaultingOff, func(known string) bool { return strings.Contains(detail, known) })
}

// vaults says with which customer the intent is to leave which card; both are empty when it saves none.
func (i *intent) vaults() (customer, method string) {
	var setup futureUsage
	if json.Unmarshal(i.Setup, &setup) != nil || setup.CustomerID == "" {
		return "", ""
	}
	if p, ok := i.paid(); ok {
		var source struct {
			ID string `json:"id"`
		}
		if json.Unmarshal(p.Attributes.Source, &source) == nil && strings.HasPrefix(source.ID, methodPrefix) {
			return setup.CustomerID, source.ID
		}
	}
	var labels intentLabels
	if json.Unmarshal(i.Metadata, &labels) != nil {
		return "", ""
	}
	return setup.CustomerID, labels.Method
}

// addVaulted adds the card of an approved charge to its references, if it is on the customer's list. An approved charge stays one
// when the list cannot be had.
func (a *adapter) addVaulted(ctx context.Context, o *payments.Outcome, customer, method string) {
	if o.Status != payments.Approved || customer == "" || method == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, vaultPatience)
	defer cancel()
	if row, err := a.findVaulted(ctx, customer, method); err == nil && row != nil {
		o.Refs.Customer, o.Refs.Method = customer, method
	}
}

// vaulted is a row that ties a card to a customer. Its id is its own (cus_pm_…); some answers put its fields beside it.
type vaulted struct {
	ID string `json:"id"`
	vaultedFields
	Attributes vaultedFields `json:"attributes"`
}

type vaultedFields struct {
	PaymentMethodID   string `json:"payment_method_id"`
	PaymentMethodType string `json:"payment_method_type"`
	CreatedAt         int64  `json:"created_at"` // unix seconds
}

// method is the id of the card's payment method; empty when the row does not say.
func (v vaulted) method() string {
	id := cmp.Or(v.Attributes.PaymentMethodID, v.PaymentMethodID)
	if id == "" && strings.HasPrefix(v.ID, methodPrefix) {
		return v.ID
	}
	return id
}

func (v vaulted) isCard() bool {
	kind := cmp.Or(v.Attributes.PaymentMethodType, v.PaymentMethodType)
	return v.method() != "" && (kind == "" || kind == "card")
}

// eachVaulted shows the rows of a customer's list to see, which says whether it wants more.
func (a *adapter) eachVaulted(ctx context.Context, customer string, see func(vaulted) bool) error {
	var query url.Values
	for range maxPages {
		var page struct {
			Data    []vaulted `json:"data"`
			HasMore bool      `json:"has_more"`
		}
		if err := a.do(ctx, call{method: http.MethodGet, path: methodsPath(customer), query: query}, &page); err != nil {
			return err
		}
		if page.Data == nil {
			return payments.Faultf(payments.Unknown, "paymongo: the answer is not the list of the customer's cards")
		}
		for _, row := range page.Data {
			if !see(row) {
				return nil
			}
		}
		if !page.HasMore {
			return nil
		}
		if len(page.Data) == 0 || page.Data[len(page.Data)-1].ID == "" {
			break
		}
		query = url.Values{"after": {page.Data[len(page.Data)-1].ID}}
	}
	return payments.Faultf(payments.Unknown, "paymongo: the list of the customer's cards has no end")
}

// findVaulted returns the row for a saved card, nil when the customer does not have it.
func (a *adapter) findVaulted(ctx context.Context, customer, method string) (found *vaulted, err error) {
	err = a.eachVaulted(ctx, customer, func(row vaulted) bool {
		if row.method() == method {
			found = &row
		}
		return found == nil
	})
	if missing(err) { // the customer is gone
		return nil, nil
	}
	return found, err
}

// ListMethods lists the cards that are vaulted for a customer. A customer whom PayMongo does not have, has none.
func (a *adapter) ListMethods(ctx context.Context, customerRef string) ([]payments.SavedMethod, error) {
	if customerRef == "" {
		return nil, rejected("", "no customer is named")
	}
	var rows []vaulted
	err := a.eachVaulted(ctx, customerRef, func(row vaulted) bool {
		if row.isCard() {
			rows = append(rows, row)
		}
		return true
	})
	switch {
	case missing(err):
		return nil, nil
	case err != nil:
		return nil, asking(err)
	}
	methods := make([]payments.SavedMethod, 0, len(rows))
	for _, row := range rows {
		method, err := a.savedMethod(ctx, row)
		if err != nil {
			return nil, err
		}
		methods = append(methods, method)
	}
	return methods, nil
}

// cardMethod is a payment method that is a card.
type cardMethod struct {
	Details struct {
		Last4    string `json:"last4"`
		ExpMonth int    `json:"exp_month"`
		ExpYear  int    `json:"exp_year"` // some merchants save two digits
	} `json:"details"`
}

// savedMethod reads what a row tells nothing of: the card. One that is listed and cannot be read any more cannot be charged.
func (a *adapter) savedMethod(ctx context.Context, row vaulted) (payments.SavedMethod, error) {
	m := payments.SavedMethod{MethodRef: row.method()}
	if created := cmp.Or(row.Attributes.CreatedAt, row.CreatedAt); created > 0 {
		m.CreatedAt = time.Unix(created, 0).UTC()
	}
	found, err := fetch[cardMethod](ctx, a, call{
		method: http.MethodGet, path: "/payment_methods/" + url.PathEscape(m.MethodRef),
	}, m.MethodRef)
	switch {
	case missing(err):
		return m, nil
	case err != nil:
		return m, asking(err)
	}
	m.Card, m.Usable = found.Attributes.facts(), true
	if m.Card.ExpMonth != 0 { // a card is good until the end of its month, everywhere
		m.Usable = a.now().Before(time.Date(m.Card.ExpYear, time.Month(m.Card.ExpMonth+1), 2, 0, 0, 0, 0, time.UTC))
	}
	return m, nil
}

// facts are what PayMongo tells of a card. Its scheme is told with a payment only.
func (c cardMethod) facts() payments.CardFacts {
	var f payments.CardFacts
	d := c.Details
	if len(d.Last4) == 4 && strings.Trim(d.Last4, "0123456789") == "" {
		f.Last4 = d.Last4
	}
	if d.ExpYear > 0 && d.ExpYear < 100 {
		d.ExpYear += 2000
	}
	if d.ExpMonth >= 1 && d.ExpMonth <= 12 && d.ExpYear >= 2000 && d.ExpYear < 10_000 {
		f.ExpMonth, f.ExpYear = d.ExpMonth, d.ExpYear
	}
	return f
}

// DeleteMethod deletes a vaulted card. One that is gone already is deleted.
func (a *adapter) DeleteMethod(ctx context.Context, r payments.ForgetRequest) error {
	switch {
	case r.CustomerRef == "":
		return rejected("", "a card is deleted from its customer, and no customer is known")
	case r.MethodRef == "":
		return rejected("", "no saved card is named")
	}
	err := a.deleteMethod(ctx, r.CustomerRef, r.MethodRef)
	if !missing(err) {
		return asking(err)
	}
	// The vendor's texts disagree: it may be the id of the row that ties the card to the customer that is wanted.
	row, err := a.findVaulted(ctx, r.CustomerRef, r.MethodRef)
	if err != nil || row == nil || row.ID == "" {
		return asking(err)
	}
	if err = a.deleteMethod(ctx, r.CustomerRef, row.ID); missing(err) {
		return nil
	}
	return asking(err)
}

func (a *adapter) deleteMethod(ctx context.Context, customer, id string) error {
	return a.do(ctx, call{method: http.MethodDelete, path: methodsPath(customer) + "/" + url.PathEscape(id)}, nil)
}

func methodsPath(customer string) string { return customerPath(customer) + "/payment_methods" }
