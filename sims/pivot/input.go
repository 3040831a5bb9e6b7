package pivot

import (
	"encoding/json"
	"net/mail"
	"net/url"
	"slices"
	"strings"
	"time"

	"switchyard/sims/psp"
)

const (
	modeRedirect, modeAPI              = "REDIRECT", "API"
	typeSingle, typeCard               = "SINGLE", "CARD"
	captureAutomatic, captureManual    = "automatic", "manual"
	threeDSAuto, threeDSNever          = "AUTOMATIC", "NEVER"
	threeDSChallenge                   = "CHALLENGE"
	maxReference, maxURL, maxStatement = 100, 255, 20
)

// createInput is a request for a session after its card number has become facts.
type createInput struct {
	Reference   string          `json:"clientReferenceId"`
	Amount      *money          `json:"amount"`
	CustomerID  string          `json:"customerId"`
	Customer    *customerFields `json:"customer"`
	Order       json.RawMessage `json:"orderInformation"`
	Redirect    *redirects      `json:"redirectUrl"`
	Mode        string          `json:"mode"`
	AutoConfirm *bool           `json:"autoConfirm"`
	PaymentType string          `json:"paymentType"`
	Method      *methodInput    `json:"paymentMethod"`
	Options     *options        `json:"paymentMethodOptions"`
	Save        bool            `json:"saveForFutureUse"`
	ShowSaved   bool            `json:"showSavedPayment"`
	Bypass      bool            `json:"bypassStatusPage"`
	Descriptor  string          `json:"statementDescriptor"`
	Expiration  string          `json:"expirationMode"`
	ExpiryAt    string          `json:"expiryAt"`
	Metadata    json.RawMessage `json:"metadata"`

	minor    int64
	expires  time.Time
	billed   bool // to an address
	source   source
	key      *pair
	problem  *psp.Answer
	reserved bool
}

type redirects struct {
	Success    string `json:"successReturnUrl"`
	Failure    string `json:"failureReturnUrl"`
	Expiration string `json:"expirationReturnUrl"`
}

type methodInput struct {
	Type string     `json:"type"`
	Card *cardInput `json:"card"`
}

type options struct {
	Card cardOptions `json:"card"`
}

type cardOptions struct {
	Capture     string          `json:"captureMethod"`
	ThreeDS     string          `json:"threeDsMethod"`
	Processing  json.RawMessage `json:"processingConfig,omitempty"`
	Installment json.RawMessage `json:"installment,omitempty"`
	OnFile      json.RawMessage `json:"cardOnFile,omitempty"`
}

// confirmInput is a request to confirm a session after its card number has become facts.
type confirmInput struct {
	Method  *methodInput `json:"paymentMethod"`
	Options *options     `json:"paymentMethodOptions"`
	Save    *bool        `json:"saveForFutureUse"`

	source  source
	problem *psp.Answer
}

// autoConfirm is true unless the request says otherwise.
func (in *createInput) autoConfirm() bool { return in.AutoConfirm == nil || *in.AutoConfirm }

// chargesAtOnce says whether the creation itself is the charging call.
func (in *createInput) chargesAtOnce() bool {
	return in.Mode == modeAPI && in.autoConfirm() && in.source.given()
}

// wantsKey says whether the card is to be encrypted for a later confirmation.
func (in *createInput) wantsKey() bool {
	return in.Mode == modeAPI && !in.autoConfirm() && in.Method != nil
}

// readCreate checks a request for a session and drops the card's number and CVC.
func (s *Sim) readCreate(body []byte) any {
	in := &createInput{Mode: modeRedirect, PaymentType: typeSingle, Expiration: "LOOSE"}
	if in.problem = decode(body, in); in.problem != nil {
		return in
	}
	if in.Method != nil {
		in.source, in.problem = s.readSource(in.Method.Card, "paymentMethod.card")
		in.Method.Card = nil
		if in.problem != nil {
			return in
		}
	}
	for _, check := range []func() *psp.Answer{in.check, in.checkMethod, in.checkPayer, in.checkOrder, in.checkExpiry} {
		if in.problem = check(); in.problem != nil {
			return in
		}
	}
	in.minor, in.problem = in.Amount.number("amount")
	return in
}

func (in *createInput) check() *psp.Answer {
	switch {
	case in.Reference == "" || len(in.Reference) > maxReference || !lettersAndDigits(in.Reference):
		return refused("clientReferenceId", "must be 1 to 100 letters and digits")
	case in.Redirect == nil:
		return refused("redirectUrl", "is required")
	case in.Mode != modeRedirect && in.Mode != modeAPI:
		return refused("mode", "must be REDIRECT or API")
	case in.PaymentType != typeSingle:
		return refused("paymentType", "must be SINGLE: MULTIPLE is for virtual accounts and QR")
	case in.ShowSaved && in.Mode != modeRedirect:
		return refused("showSavedPayment", "is for mode REDIRECT")
	case len(in.Descriptor) > maxStatement:
		return refused("statementDescriptor", "may have up to 20 characters")
	case in.Expiration != "LOOSE" && in.Expiration != "STRICT":
		return refused("expirationMode", "must be LOOSE or STRICT")
	case len(in.Metadata) > 0 && in.Metadata[0] != '{' && string(in.Metadata) != "null":
		return refused("metadata", "must be an object")
	}
	for field, address := range map[string]string{
		"successReturnUrl": in.Redirect.Success, "failureReturnUrl": in.Redirect.Failure, "expirationReturnUrl": in.Redirect.Expiration,
	} {
		if u, err := url.Parse(address); err != nil || u.Host == "" || len(address) > maxURL {
			return refused("redirectUrl."+field, "must be an address of up to 255 characters")
		}
	}
	return nil
}

// checkMethod checks which payment method comes, and when.
func (in *createInput) checkMethod() *psp.Answer {
	bad := in.Options.check()
	switch {
	case in.Method != nil && in.Method.Type != typeCard:
		return refused("paymentMethod.type", "must be CARD, the one method of the simulated account")
	case bad != nil:
		return bad
	case in.Mode == modeRedirect && in.source.given():
		return refused("paymentMethod.card", "the payer gives the card in mode REDIRECT")
	case in.Mode == modeRedirect:
		return nil
	case in.autoConfirm() && !in.source.given():
		return refused("paymentMethod.card", "is required when autoConfirm is true in mode API")
	case in.autoConfirm() && in.source.encrypted != "":
		return refused("paymentMethod.card.encryptedCard", "needs the encryptionKey of a session with autoConfirm false")
	case !in.autoConfirm() && in.source.given():
		return refused("paymentMethod.card", "is given in the confirmation when autoConfirm is false")
	}
	return nil
}

func (o *options) check() *psp.Answer {
	switch {
	case o == nil:
		return nil
	case o.Card.Capture != "" && o.Card.Capture != captureAutomatic && o.Card.Capture != captureManual:
		return refused("paymentMethodOptions.card.captureMethod", "must be automatic or manual")
	case o.Card.ThreeDS != "" && !slices.Contains([]string{threeDSAuto, threeDSNever, threeDSChallenge}, o.Card.ThreeDS):
		return refused("paymentMethodOptions.card.threeDsMethod", "must be AUTOMATIC, NEVER or CHALLENGE")
	}
	return nil
}

func (in *createInput) checkPayer() *psp.Answer {
	c := in.Customer
	switch {
	case (in.CustomerID == "") == (c == nil):
		return refused("customer", "one of customer and customerId is required")
	case c == nil:
		return nil
	case !goodEmail(c.Email):
		return refused("customer.email", "must be an e-mail address")
	case c.Phone != nil && (c.Phone.Country != "+62" || !strings.HasPrefix(c.Phone.Number, "8")):
		return refused("customer.phoneNumber", "must be an Indonesian number: +62 and one that starts with 8")
	}
	return nil
}

// checkOrder checks what is bought. Its prices are not added up: the amount is what is charged.
func (in *createInput) checkOrder() *psp.Answer {
	var order struct {
		Products []struct {
			Type     string          `json:"type"`
			Quantity json.RawMessage `json:"quantity"`
			Price    *money          `json:"price"`
		} `json:"productDetails"`
		Billing *struct {
			GivenName string `json:"givenName"`
			Email     string `json:"email"`
			Address   string `json:"addressLine1"`
			Country   string `json:"country"`
		} `json:"billingInfo"`
	}
	if len(in.Order) == 0 || string(in.Order) == "null" {
		return refused("orderInformation", "is required")
	}
	if bad := decode(in.Order, &order); bad != nil {
		return bad
	}
	if len(order.Products) == 0 {
		return refused("orderInformation.productDetails", "is required")
	}
	for _, product := range order.Products {
		if !slices.Contains([]string{"PHYSICAL", "DIGITAL", "SERVICE"}, product.Type) {
			return refused("orderInformation.productDetails.type", "must be PHYSICAL, DIGITAL or SERVICE")
		}
		if positive(string(product.Quantity), 0) == 0 {
			return refused("orderInformation.productDetails.quantity", "must be a number over 0")
		}
		if _, bad := product.Price.number("orderInformation.productDetails.price"); bad != nil {
			return bad
		}
	}
	if b := order.Billing; b != nil {
		if b.GivenName == "" || !goodEmail(b.Email) {
			return refused("orderInformation.billingInfo", "needs givenName and email")
		}
		in.billed = b.Address != "" && b.Country != ""
	}
	return nil
}

func (in *createInput) checkExpiry() *psp.Answer {
	in.expires = time.Now().Add(sessionLives)
	if in.ExpiryAt == "" {
		return nil
	}
	at, err := time.Parse(expiryFormat, in.ExpiryAt)
	if err != nil || !at.After(time.Now()) {
		return refused("expiryAt", "must be a time to come, as 2006-01-02T15:04:05Z")
	}
	in.expires = at
	return nil
}

// readConfirm checks a confirmation and drops the card's number and CVC. The options stand at the top level.
func (s *Sim) readConfirm(body []byte) any {
	in := &confirmInput{}
	if in.problem = decode(body, in); in.problem != nil {
		return in
	}
	if in.Method == nil || in.Method.Type != typeCard {
		in.problem = refused("paymentMethod.type", "must be CARD, the one method of the simulated account")
		return in
	}
	in.source, in.problem = s.readSource(in.Method.Card, "paymentMethod.card")
	in.Method.Card = nil
	switch {
	case in.problem != nil:
	case !in.source.given():
		in.problem = refused("paymentMethod.card", "is required")
	case in.Options == nil:
		in.problem = refused("paymentMethodOptions", "is required")
	default:
		in.problem = in.Options.check()
	}
	return in
}

func goodEmail(text string) bool {
	address, err := mail.ParseAddress(text)
	return err == nil && address.Address == text
}
