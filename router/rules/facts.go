package rules

import (
	"strconv"

	"switchyard/payments"
)

// Method is how a payment is paid.
type Method string

// The methods.
const (
	MethodCard  Method = "card"  // a card that was entered with us
	MethodPage  Method = "page"  // the payer chooses or enters the method on a PSP's own page
	MethodToken Method = "token" // a saved method
)

// Facts are what rules can ask of a payment. What is not known is empty.
type Facts struct {
	ProjectID       string
	InvoiceID       string
	CustomerID      string
	Operation       payments.Operation // authorize, sale or verify
	Method          Method
	Scheme          payments.Scheme
	Funding         string // "credit", "debit" or "prepaid"
	IssuerCountry   string // ISO 3166-1 alpha-2
	CustomerCountry string // ISO 3166-1 alpha-2
	IIN             string // the first digits of the card's number
	Amount          payments.Money
	Initiation      payments.Initiation // empty: by the customer
	Intent          string              // why the payment is made; empty for a one-off payment
	Incremental     bool                // the hold has to be one that can be raised
	Saved           bool                // at least one gateway configuration has the method saved and usable
	Metadata        map[string]string
}

// MethodOf is how a payment is paid.
func MethodOf(f *payments.Facts) Method {
	switch {
	case f.Page:
		return MethodPage
	case f.Mappings != nil:
		return MethodToken
	}
	return MethodCard
}

// FactsOf is the view of rules on the facts of routing.
func FactsOf(f *payments.Facts) Facts {
	view := Facts{
		ProjectID: f.ProjectID, InvoiceID: f.InvoiceID, CustomerID: f.CustomerID, Operation: f.Operation, Method: MethodOf(f),
		Scheme: f.Scheme, Funding: f.Funding, IssuerCountry: f.CardCountry, CustomerCountry: f.CustomerCountry, IIN: f.IIN,
		Amount: f.Amount, Initiation: f.Initiation, Intent: f.Intent, Incremental: f.Incremental, Metadata: f.Metadata,
	}
	for _, m := range f.Mappings {
		view.Saved = view.Saved || m.Status == payments.MappingUsable && m.MethodRef != ""
	}
	return view
}

// fact is something that a rule can ask of a payment.
type fact uint8

const (
	factProject fact = iota
	factOperation
	factMethod
	factScheme
	factFunding
	factIssuerCountry
	factCustomerCountry
	factIIN
	factMoney // the currency, and the amount within it
	factInitiation
	factIntent
	factIncremental
	factSaved
	factMetadata // with a key
	factKinds    // how many there are
)

// factNames are the facts as the file spells them. The money has two: currency and amount.
var factNames = [factKinds]string{
	"project", "operation", "method", "scheme", "funding", "issuer_country", "customer_country", "iin", "currency",
	"initiation", "payment_intent", "incremental", "saved", "metadata.",
}

// factWords are the facts in sentences.
var factWords = [factKinds]string{
	"the project", "the operation", "the method", "the scheme", "the card's funding", "the issuer's country", "the customer's country",
	"the IIN", "the currency", "the initiation", "the payment intent", "incremental", "saved", "metadata.",
}

// dimension is one fact, or one key of the metadata. Dimensions are independent: any value of one may meet any of another.
type dimension struct {
	fact fact
	key  string // of the metadata
}

func (d dimension) name() string { return factNames[d.fact] + d.key }

func (d dimension) words() string { return factWords[d.fact] + d.key }

// intentOneOff is the intent of a payment that names none.
const intentOneOff = "one-off"

// intents are the merchant API's words for why a payment is made.
var intents = []string{
	intentOneOff, "recurring", "recurring-standing-order", "recurring-subscription", "installment", "unscheduled",
	"unscheduled-delayed-charge", "unscheduled-resubmission", "unscheduled-no-show", "unscheduled-reauthorization",
}

// value returns a fact as text. The money is its currency.
func (f *Facts) value(d dimension) string {
	switch d.fact {
	case factProject:
		return f.ProjectID
	case factOperation:
		return string(f.Operation)
	case factMethod:
		return string(f.Method)
	case factScheme:
		return string(f.Scheme)
	case factFunding:
		return f.Funding
	case factIssuerCountry:
		return f.IssuerCountry
	case factCustomerCountry:
		return f.CustomerCountry
	case factIIN:
		return f.IIN
	case factMoney:
		return string(f.Amount.Currency)
	case factInitiation:
		if f.Initiation == "" {
			return string(payments.CustomerInitiated)
		}
		return string(f.Initiation)
	case factIntent:
		if f.Intent == "" {
			return intentOneOff
		}
		return f.Intent
	case factIncremental:
		return strconv.FormatBool(f.Incremental)
	case factSaved:
		return strconv.FormatBool(f.Saved)
	case factMetadata:
		return f.Metadata[d.key]
	case factKinds:
	}
	return ""
}
