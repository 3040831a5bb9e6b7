package pivot

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strings"

	"switchyard/adapters/wire"
	"switchyard/payments"
)

// The statuses of sessions, of charges, and of captures and refunds.
const (
	statusNeedsMethod  = "REQUIRE_PAYMENT_METHOD"
	statusNeedsConfirm = "REQUIRE_CONFIRMATION"
	statusNeedsAction  = "REQUIRE_ACTION"
	statusProcessing   = "PROCESSING" // of charges too
	statusPaid         = "PAID"
	statusCancelled    = "CANCELLED" // of refunds too
	statusExpired      = "EXPIRED"   // of charges too
	statusInactive     = "INACTIVE"

	chargeWaitsForUser    = "WAITING_FOR_USER_ACTION"
	chargeWaitsForAuth    = "WAITING_FOR_AUTHENTICATION"
	chargeWaitsForCapture = "WAITING_FOR_CAPTURE"
	statusSuccess         = "SUCCESS"
	statusFailed          = "FAILED"
	statusPending         = "PENDING"
	statusWaitingBank     = "WAITING_BANK_TRANSFER"
)

// minSecret: what is shorter in an address keeps nobody out.
const minSecret = 8

// text takes whatever stands where a text should: of a number or a boolean its digits or letters, otherwise nothing. The
// documentation contradicts itself about many fields, and none of these is worth an unknown outcome.
type text string

// UnmarshalJSON never fails.
func (t *text) UnmarshalJSON(data []byte) error {
	*t = ""
	var s string
	if json.Unmarshal(data, &s) == nil {
		*t = text(s)
	} else if len(data) > 0 && !bytes.ContainsAny(data[:1], `{["n`) {
		*t = text(data)
	}
	return nil
}

// amount is {value, currency}, or a bare number; the value is a number or a text.
type amount struct {
	value    text
	currency text
}

// UnmarshalJSON never fails.
func (a *amount) UnmarshalJSON(data []byte) error {
	var full struct {
		Value    text `json:"value"`
		Currency text `json:"currency"`
	}
	*a = amount{}
	if json.Unmarshal(data, &full) == nil {
		a.value, a.currency = full.Value, full.Currency
		return nil
	}
	return a.value.UnmarshalJSON(data)
}

// money is the amount; the zero value stands for one that is not told or cannot be read. A bare number is rupiah.
func (a amount) money() payments.Money {
	currency := rupiah
	if a.currency != "" {
		currency = payments.Currency(a.currency)
	}
	m, err := payments.ParseMajorNumber(json.Number(a.value), currency)
	if err != nil || m.Minor == 0 {
		return payments.Money{}
	}
	return m
}

// session is a payment session. Its encryption key, and the encrypted card that some answers repeat, go nowhere else.
type session struct {
	ID            string   `json:"id"`
	Reference     text     `json:"clientReferenceId"`
	CustomerID    text     `json:"customerId"`
	Mode          text     `json:"mode"`
	Status        text     `json:"status"`
	Reason        text     `json:"cancellationReason"`
	Amount        amount   `json:"amount"`
	EncryptionKey text     `json:"encryptionKey"`
	PaymentURL    text     `json:"paymentUrl"`
	Saves         text     `json:"saveForFutureUse"`
	Charges       []charge `json:"chargeDetails"` // may be null
}

// charge is one try to take the session's money.
type charge struct {
	ID             text       `json:"id"`
	Status         text       `json:"status"`
	Authorized     amount     `json:"authorizedAmount"`
	Captured       amount     `json:"capturedAmount"`
	FailureCode    text       `json:"failureCode"`
	FailureMessage text       `json:"failureMessage"`
	CreatedAt      text       `json:"createdAt"`
	Card           chargeCard `json:"card"`
	Captures       []captured `json:"captureHistories"` // may be null
}

type chargeCard struct {
	cardFacts
	Authorization struct {
		IssuerCode text `json:"issuerAuthorizationCode"`
		CVCResult  text `json:"cvvResult"`
		AVSResult  text `json:"avsResult"`
	} `json:"authorizationResult"`
}

// cardFacts is what Pivot tells of a card.
type cardFacts struct {
	Fingerprint text `json:"fingerprint"`
	Network     text `json:"network"`
	First6      text `json:"first6"`
	Last4       text `json:"last4"`
	ExpMonth    text `json:"expMonth"`
	ExpYear     text `json:"expYear"`
	FirstName   text `json:"cardHolderFirstName"`
	LastName    text `json:"cardHolderLastName"`
}

// captured is a capture in a charge's history. The documentation has two names for its amount.
type captured struct {
	ID     text   `json:"captureId"`
	Amount amount `json:"capturedAmount"`
	Other  amount `json:"captureAmount"`
	Status text   `json:"status"`
}

func (c captured) money() payments.Money {
	if m := c.Amount.money(); m.Minor != 0 {
		return m
	}
	return c.Other.money()
}

// charge is the one that matters: the one that took or holds the money, else one that still may, else the latest.
func (s *session) charge() charge {
	rank := map[text]int{
		statusSuccess: 5, chargeWaitsForCapture: 4, statusProcessing: 3, chargeWaitsForAuth: 2, chargeWaitsForUser: 2,
	}
	var best charge
	for i, c := range s.Charges {
		ahead := rank[c.Status] - rank[best.Status]
		if i == 0 || ahead > 0 || ahead == 0 && c.CreatedAt >= best.CreatedAt {
			best = c
		}
	}
	return best
}

// hosted says that the payer chooses on Pivot's page.
func (s *session) hosted() bool { return s.Mode == modeRedirect }

// over says that the session takes no more charges.
func (s *session) over() bool {
	return s.Status == statusCancelled || s.Status == statusExpired || s.Status == statusInactive
}

// waits says that the session needs a confirmation or a method before anything happens.
func (s *session) waits() bool {
	return s.Status == statusNeedsConfirm || s.Status == statusNeedsMethod
}

// untouched says that nothing was charged, and that nobody but we can.
func (s *session) untouched() bool {
	return s.waits() && len(s.Charges) == 0 && !s.hosted() && s.PaymentURL == ""
}

// abandoned says that the session was cancelled by a fence before anything was charged.
func (s *session) abandoned() bool {
	return s.Status == statusCancelled && len(s.Charges) == 0 && s.Reason == reasonAbandoned
}

func (s *session) refs() payments.ProviderRefs {
	return payments.ProviderRefs{Session: s.ID, Charge: string(s.charge().ID), Customer: string(s.CustomerID)}
}

// outcome says what became of the payment. The error is an Unknown fault: the status is not known, or the session still waits
// for its confirmation.
func (s *session) outcome(sale bool, r *wire.Response) (payments.Outcome, error) {
	c := s.charge()
	o := payments.Outcome{
		Refs: s.refs(), CVCCheck: check(c.Card.Authorization.CVCResult), AVSCheck: check(c.Card.Authorization.AVSResult),
	}
	failed := c.Status == statusFailed || c.Status == statusExpired
	switch {
	case c.Status == statusSuccess, s.Status == statusPaid, c.Status == chargeWaitsForCapture && !sale:
		o.Status, o.Amount = payments.Approved, s.approved(c, sale)
	case c.Status == chargeWaitsForCapture, c.Status == statusProcessing:
		o.Status = payments.Pending
	case s.over(), failed && s.waits() && !s.hosted():
		s.decline(&o, c, r)
	case s.Status == statusNeedsAction, s.waits() && !s.untouched():
		o.Status = payments.Pending // an action that cannot be shown: perhaps it passes by itself
		if webAddress(string(s.PaymentURL)) {
			o.Status = payments.ActionRequired
			o.Action = &payments.CustomerAction{Type: "redirect", Value: string(s.PaymentURL)}
		}
	case s.Status == statusProcessing:
		o.Status = payments.Pending
	default:
		return payments.Outcome{}, unexpected(r, "session", text(s.withoutLink(s.Status)))
	}
	return o, nil
}

// approved is what was approved: of a sale what was taken, of a hold what was held.
func (s *session) approved(c charge, sale bool) payments.Money {
	amounts := []amount{c.Authorized, s.Amount}
	if sale {
		amounts = []amount{c.Captured, c.Authorized, s.Amount}
	}
	for _, a := range amounts {
		if m := a.money(); m.Minor != 0 {
			return m
		}
	}
	return payments.Money{}
}

// decline says why the session has ended without money.
func (s *session) decline(o *payments.Outcome, c charge, r *wire.Response) {
	o.Status = payments.Declined
	issuer := c.Card.Authorization.IssuerCode
	switch {
	case s.Status == statusExpired && s.hosted() && c.Status != statusFailed:
		o.Code, o.RawCode = payments.GatewayExpired, statusExpired // the time on the page is over, whatever its charge is called
	case c.FailureCode != "" || c.Status == statusFailed:
		o.Code, o.NetworkCode = failureCode(string(c.FailureCode), string(issuer)), payments.SchemeCode(string(issuer))
		o.RawCode = r.Redact(cleanCode(s.withoutLink(c.FailureCode)))
		o.RawMessage = r.Redact(strings.TrimSpace(issuerCode(s.withoutLink(issuer)) + " " + s.withoutLink(c.FailureMessage)))
	case s.Reason == reasonFraud:
		o.Code, o.RawCode = payments.GatewayPossibleFraud, reasonFraud
	case s.Reason == reasonFailed:
		o.Code, o.RawCode = payments.CardDeclined, reasonFailed
	case s.Status == statusCancelled:
		o.Code, o.RawCode, o.RawMessage = payments.CustomerCanceled, statusCancelled, r.Redact(s.withoutLink(s.Reason))
	default:
		o.Code, o.RawCode = payments.GatewayExpired, statusExpired
	}
	if s.Reason == reasonFraud && o.Code.Info().Class != payments.ClassNever {
		o.Code = payments.GatewayPossibleFraud
	}
}

// withoutLink masks what is secret in the page's address where a text of Pivot's repeats it.
func (s *session) withoutLink(t text) string {
	u, err := url.Parse(string(s.PaymentURL))
	if err != nil {
		return string(t)
	}
	masked := string(t)
	for _, values := range u.Query() {
		for _, secret := range values {
			if len(secret) >= minSecret {
				masked = strings.ReplaceAll(masked, secret, "***")
			}
		}
	}
	return masked
}

// check translates the result of a check of the card's data.
func check(result text) string {
	switch cleanCode(string(result)) {
	case "M", "Y":
		return "passed"
	case "N":
		return "failed"
	}
	return ""
}

// webAddress says whether a browser can be sent there.
func webAddress(address string) bool {
	u, err := url.Parse(address)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil
}

// unexpected is the fault for an answer that this adapter cannot read.
func unexpected(r *wire.Response, what string, status text) *payments.Fault {
	return payments.Faultf(payments.Unknown, "pivot: the %s has the status %q", what, r.Redact(string(status)))
}
