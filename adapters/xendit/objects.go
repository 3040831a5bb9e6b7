package xendit

import (
	"encoding/json"
	"net/url"
	"strings"

	"switchyard/adapters/wire"
	"switchyard/payments"
)

// The statuses of payment requests, payments and payment tokens.
const (
	statusAccepting      = "ACCEPTING_PAYMENTS"
	statusRequiresAction = "REQUIRES_ACTION"
	statusPending        = "PENDING"
	statusAuthorized     = "AUTHORIZED"
	statusSucceeded      = "SUCCEEDED"
	statusFailed         = "FAILED"
	statusCanceled       = "CANCELED"
	statusCancelled      = "CANCELLED" // refunds are spelt with two
	statusExpired        = "EXPIRED"
	statusActive         = "ACTIVE" // of a token
)

// charge is a payment request or a payment: they share nearly all fields.
type charge struct {
	RequestID       string      `json:"payment_request_id"`
	PaymentID       string      `json:"payment_id"`        // of a payment
	LatestPaymentID string      `json:"latest_payment_id"` // of a request
	TokenID         string      `json:"payment_token_id"`
	CustomerID      string      `json:"customer_id"`
	Reference       string      `json:"reference_id"`
	Status          string      `json:"status"`
	FailureCode     string      `json:"failure_code"`
	Currency        string      `json:"currency"`
	Amount          json.Number `json:"request_amount"`
	Actions         []action    `json:"actions"`
	Captures        []capture   `json:"captures"`
	Details         details     `json:"payment_details"`
}

type action struct {
	Type       string `json:"type"`
	Descriptor string `json:"descriptor"`
	Value      string `json:"value"`
}

type capture struct {
	Amount json.Number `json:"capture_amount"`
}

type details struct {
	Authorization authorization `json:"authorization_data"`
}

// authorization is what the card network said. A newer page of the documentation has other names for two of the fields.
type authorization struct {
	NetworkTransactionID string `json:"network_transaction_id"`
	NetworkCode          string `json:"network_response_code"`
	NewNetworkCode       string `json:"card_network_response_code"`
	NetworkText          string `json:"network_response_code_descriptor"`
	NewNetworkText       string `json:"card_network_descriptor"`
	AdviceCode           string `json:"merchant_advice_code"`
	CVNResult            string `json:"cvn_verification_result"`
	AddressResult        string `json:"address_verification_result"`
}

func (d authorization) networkCode() string {
	code := strings.ToUpper(strings.TrimSpace(d.NetworkCode + d.NewNetworkCode))
	if d.NetworkCode != "" {
		code = strings.ToUpper(strings.TrimSpace(d.NetworkCode))
	}
	if len(code) == 1 {
		code = "0" + code
	}
	return code
}

func (d authorization) text() string {
	text := d.NetworkText
	if text == "" {
		text = d.NewNetworkText
	}
	return strings.TrimSpace(d.networkCode() + " " + text)
}

// check translates the result of a check of the card's data.
func check(result string) string {
	switch strings.ToUpper(strings.TrimSpace(result)) {
	case "M":
		return "passed"
	case "N":
		return "failed"
	}
	return ""
}

func (c *charge) refs() payments.ProviderRefs {
	refs := payments.ProviderRefs{
		Session: c.RequestID, Charge: c.PaymentID, Customer: c.CustomerID, Method: c.TokenID,
	}
	if refs.Charge == "" {
		refs.Charge = c.LatestPaymentID
	}
	return refs
}

// money reads an amount of the charge; the zero value stands for one that cannot be read.
func (c *charge) money(n json.Number) payments.Money {
	m, err := payments.ParseMajorNumber(n, payments.Currency(c.Currency))
	if err != nil {
		return payments.Money{}
	}
	return m
}

// captured is the sum of the captures.
func (c *charge) captured() int64 {
	var sum int64
	for _, one := range c.Captures {
		sum += c.money(one.Amount).Minor
	}
	return sum
}

// outcome says what became of the charge. The error is an Unknown fault: the status is not known, or the failure leaves open
// whether the money moved.
func (c *charge) outcome(sale bool, r *wire.Response) (payments.Outcome, error) {
	data := c.Details.Authorization
	o := payments.Outcome{
		Refs:                 c.refs(),
		NetworkTransactionID: data.NetworkTransactionID,
		CVCCheck:             check(data.CVNResult),
		AVSCheck:             check(data.AddressResult),
	}
	switch {
	case c.Status == statusSucceeded, c.Status == statusAuthorized && !sale:
		o.Status, o.Amount = payments.Approved, c.money(c.Amount)
	case c.Status == statusAuthorized, c.Status == statusAccepting, c.Status == statusPending:
		o.Status = payments.Pending
	case c.Status == statusRequiresAction:
		o.Status = payments.Pending // an action that cannot be shown: perhaps it passes by itself
		if address := c.redirect(); address != "" {
			o.Status = payments.ActionRequired
			o.Action = &payments.CustomerAction{Type: "redirect", Value: address}
		}
	case c.Status == statusFailed:
		o.Status, o.Code = payments.Declined, failureCode(c.FailureCode, data)
		o.RawCode, o.RawMessage = r.Redact(cleanCode(c.FailureCode)), r.Redact(data.text())
		o.NetworkCode, o.AdviceCode = payments.SchemeCode(data.networkCode()), payments.SchemeCode(data.AdviceCode)
		if o.Code.MeansUnknown() {
			return payments.Outcome{}, &payments.Fault{
				Kind: payments.Unknown, Code: o.Code, RawCode: o.RawCode, RawMessage: o.RawMessage,
			}
		}
	case c.Status == statusExpired:
		o.Status, o.Code, o.RawCode = payments.Declined, payments.GatewayExpired, statusExpired
	case c.Status == statusCanceled:
		o.Status, o.Code, o.RawCode = payments.Declined, payments.CustomerCanceled, statusCanceled
	default:
		return payments.Outcome{}, unexpected(r, "charge", c.Status)
	}
	return o, nil
}

// redirect is where the payer has to go; "" when there is no such step, or its address is not one.
func (c *charge) redirect() string {
	for _, a := range c.Actions {
		if a.Type == "REDIRECT_CUSTOMER" && webAddress(a.Value) {
			return a.Value
		}
	}
	return ""
}

// webAddress says whether a browser can be sent there. Xendit's own samples have a value without a scheme.
func webAddress(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil
}

// unexpected is the fault for an answer that this adapter cannot read.
func unexpected(r *wire.Response, what, status string) *payments.Fault {
	return payments.Faultf(payments.Unknown, "xendit: the %s has the status %q", what, r.Redact(status))
}
