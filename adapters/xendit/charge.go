package xendit

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"switchyard/adapters/wire"
	"switchyard/payments"
)

// The words of a payment request.
const (
	typePay        = "PAY"
	typePayAndSave = "PAY_AND_SAVE"
	captureAuto    = "AUTOMATIC"
	captureManual  = "MANUAL"
	channelCards   = "CARDS"
)

// requestBody is a new payment request, or with fewer fields a new payment token.
type requestBody struct {
	Reference     string      `json:"reference_id"`
	Type          string      `json:"type,omitempty"`
	Country       string      `json:"country"`
	Currency      string      `json:"currency"`
	Amount        json.Number `json:"request_amount,omitempty"`
	CaptureMethod string      `json:"capture_method,omitempty"`
	Channel       string      `json:"channel_code"`
	Token         string      `json:"payment_token_id,omitempty"`
	Customer      string      `json:"customer_id,omitempty"`
	Description   string      `json:"description,omitempty"`
	Properties    properties  `json:"channel_properties"`
}

type properties struct {
	MIDLabel             string       `json:"mid_label,omitempty"`
	Card                 *cardDetails `json:"card_details,omitempty"`
	SkipThreeDS          bool         `json:"skip_three_ds,omitempty"`
	OnFile               string       `json:"card_on_file_type,omitempty"`
	Sequence             string       `json:"transaction_sequence,omitempty"`
	NetworkTransactionID string       `json:"network_transaction_id,omitempty"`
	Descriptor           string       `json:"statement_descriptor,omitempty"`
	SuccessURL           string       `json:"success_return_url,omitempty"`
	FailureURL           string       `json:"failure_return_url,omitempty"`
}

type cardDetails struct {
	Number    string `json:"card_number,omitempty"`
	CVN       string `json:"cvn,omitempty"`
	Month     string `json:"expiry_month,omitempty"`
	Year      string `json:"expiry_year,omitempty"`
	FirstName string `json:"cardholder_first_name,omitempty"`
	LastName  string `json:"cardholder_last_name,omitempty"`
	Email     string `json:"cardholder_email,omitempty"`
	Phone     string `json:"cardholder_phone_number,omitempty"`
}

// Authorize makes a payment request. There is no step before it, and a resend is the same request again: its reference makes it
// the same payment.
func (a *adapter) Authorize(ctx context.Context, r payments.AuthorizeRequest) (payments.Outcome, error) {
	if err := wholeAmount(r.Amount); err != nil {
		return payments.Outcome{}, err
	}
	body, secrets := a.requestBody(r)
	answer, err := a.do(ctx, call{method: http.MethodPost, path: requestsPath, body: body, secrets: secrets})
	switch {
	case err != nil:
		return payments.Outcome{}, err
	case !ok(answer):
		return refusedCharge(answer, r.Source.Method != "")
	}
	var c charge
	if err := answer.JSON(&c); err != nil {
		return payments.Outcome{}, err
	}
	if c.RequestID == "" || c.Reference != "" && c.Reference != r.Reference {
		return payments.Outcome{}, payments.Faultf(payments.Unknown, "xendit: the answer is not about this payment")
	}
	o, err := c.outcome(r.Capture, answer)
	if err != nil {
		return payments.Outcome{}, a.remember(ctx, r, c.refs(), err)
	}
	if o.Status == payments.Declined && cleanCode(c.FailureCode) == "INVALID_TOKEN" && r.Source.Method != "" {
		return payments.Outcome{}, &payments.Fault{
			Kind: payments.Rejected, Code: o.Code, RawCode: o.RawCode, RawMessage: o.RawMessage, MethodGone: true,
		}
	}
	if (r.Save || r.Source.Method != "" && r.NetworkTransactionID == "") && o.Status == payments.Approved && o.NetworkTransactionID == "" {
		a.addDetails(ctx, &o, o.Refs.Charge)
	}
	return o, nil
}

// wholeAmount refuses what Xendit would refuse: a fraction of a rupiah.
func wholeAmount(m payments.Money) error {
	if m.Currency == "IDR" && m.Minor%rupiahStep != 0 {
		return &payments.Fault{
			Kind: payments.Rejected, Code: payments.CardInvalidAmount, Err: fmt.Errorf("xendit: amounts in IDR are whole rupiah"),
		}
	}
	return nil
}

// remember makes the ids of a payment durable whose outcome is not known: with them it can be asked about and fenced, and a
// fault cannot carry them. When that fails, the reference is still left to ask by.
func (a *adapter) remember(ctx context.Context, r payments.AuthorizeRequest, refs payments.ProviderRefs, fault error) error {
	if r.Note == nil {
		return fault
	}
	if err := r.Note(ctx, refs); err != nil {
		f := *payments.AsFault(fault)
		f.Err = fmt.Errorf("xendit: payment request %s is not noted: %w", refs.Session, err)
		return &f
	}
	return fault
}

// addDetails asks the payment for what the answer to the request lacks, of which the network transaction id is needed wherever
// the saved card is charged later. The payment is approved in any case.
func (a *adapter) addDetails(ctx context.Context, o *payments.Outcome, paymentID string) {
	if paymentID == "" {
		return
	}
	p, _, err := a.getCharge(ctx, paymentsPath, paymentID)
	if err != nil {
		return
	}
	data := p.Details.Authorization
	o.NetworkTransactionID, o.CVCCheck, o.AVSCheck = data.NetworkTransactionID, check(data.CVNResult), check(data.AddressResult)
}

// refusedCharge is refused for a charging call. With a saved method it tells when that does not exist any more.
func refusedCharge(r *wire.Response, saved bool) (payments.Outcome, error) {
	o, err := refused(r)
	if f := payments.AsFault(err); f != nil && saved && f.Kind == payments.Rejected {
		f.MethodGone = f.RawCode == "INVALID_TOKEN" || r.Status == http.StatusNotFound && f.RawCode == "DATA_NOT_FOUND"
	}
	return o, err
}

// requestBody builds a payment request and lists the secrets in it.
func (a *adapter) requestBody(r payments.AuthorizeRequest) (body requestBody, secrets []string) {
	body = requestBody{
		Reference: r.Reference, Type: typePay, Country: a.countryFor(r.Amount.Currency), Currency: string(r.Amount.Currency),
		Amount: r.Amount.Major(), CaptureMethod: captureManual, Channel: channelCards,
		Token: r.Source.Method, Customer: r.Payer.CustomerRef, Description: r.Description,
		Properties: a.properties(r),
	}
	if r.Capture {
		body.CaptureMethod = captureAuto
	}
	switch card := r.Source.Card; {
	case card != nil:
		if r.Save {
			body.Type = typePayAndSave
		}
		body.Properties.Card = newCard(*card, r.Payer)
		return body, []string{card.Number.Reveal(), card.CVC.Reveal()}
	case !r.Source.CVC.IsZero():
		body.Properties.Card = &cardDetails{CVN: r.Source.CVC.Reveal()}
		return body, []string{r.Source.CVC.Reveal()}
	}
	return body, nil
}

// properties are those that do not depend on the card. What kind of card on file it is decides whether Xendit may ask for the
// payer.
func (a *adapter) properties(r payments.AuthorizeRequest) properties {
	p := properties{
		MIDLabel: a.midLabel, SkipThreeDS: a.skipThreeDS && !r.StepUp, Descriptor: r.StatementDescriptor,
		SuccessURL: r.ReturnURL, FailureURL: r.ReturnURL,
	}
	merchant := r.Initiation == payments.MerchantInitiated
	saved := r.Source.Method != ""
	if !merchant && !saved && !r.Save {
		return p
	}
	p.OnFile, p.Sequence = "CUSTOMER_UNSCHEDULED", "INITIAL"
	if saved || merchant {
		p.Sequence = "SUBSEQUENT"
	}
	if merchant {
		p.OnFile, p.NetworkTransactionID = "MERCHANT_UNSCHEDULED", r.NetworkTransactionID
		if r.PaymentIntent == "recurring" {
			p.OnFile = "RECURRING"
		}
	}
	return p
}

// StepsUp says whether a charge can ask for more than every charge does: Xendit authenticates payers unless it is told not to.
func (a *adapter) StepsUp() bool { return a.skipThreeDS }

// countryFor is the country that a payment is made in.
func (a *adapter) countryFor(c payments.Currency) string {
	if country, ok := countryOf[c]; ok {
		return country
	}
	return a.country
}

// newCard writes a card. Its holder's name is the one on the card, else the payer's.
func newCard(card payments.CardData, payer payments.Payer) *cardDetails {
	first, last := payer.FirstName, payer.LastName
	if name := strings.TrimSpace(card.Name); name != "" {
		first, last = name, ""
		if space := strings.LastIndexByte(name, ' '); space > 0 {
			first, last = strings.TrimSpace(name[:space]), name[space+1:]
		}
	}
	return &cardDetails{
		Number: card.Number.Reveal(), CVN: card.CVC.Reveal(),
		Month: fmt.Sprintf("%02d", card.ExpMonth), Year: fmt.Sprintf("%04d", card.ExpYear),
		FirstName: first, LastName: last, Email: payer.Email, Phone: payer.Phone,
	}
}
