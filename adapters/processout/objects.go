package processout

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"switchyard/payments"
)

// reference is an object of which only the id matters.
type reference struct {
	ID string `json:"id"`
}

type invoice struct {
	ID          string       `json:"id"`
	Transaction *transaction `json:"transaction"` // null unless expanded
}

// The statuses of a transaction that are told apart.
const (
	statusWaiting        = "waiting"
	statusPending        = "pending"
	statusInReview       = "in-review"
	statusAuthorized     = "authorized"
	statusPendingCapture = "pending-capture"
	statusCompleted      = "completed"
	statusFailed         = "failed"
	statusBlocked        = "blocked"
	statusVoided         = "voided"
)

// afterCapture are the statuses of what was captured and then refunded or disputed.
var afterCapture = []string{
	"refunded", "chargeback-initiated", "retrieval-request", "fraud-notification", "solved", "reversed",
}

type transaction struct {
	ID               string            `json:"id"`
	Status           string            `json:"status"`
	Currency         payments.Currency `json:"currency"`
	AuthorizedAmount amount            `json:"authorized_amount"`
	CapturedAmount   amount            `json:"captured_amount"`
	RefundedAmount   amount            `json:"refunded_amount"`
	VoidedAmount     amount            `json:"voided_amount"`
	ErrorCode        string            `json:"error_code"`
	ErrorMessage     string            `json:"error_message"`
	AdviceCode       schemeCode        `json:"merchant_advice_code"`
	SchemeID         string            `json:"scheme_id"`
	InitialSchemeID  string            `json:"initial_scheme_transaction_id"`
	CVCCheck         string            `json:"cvc_check"`
	AVSCheck         string            `json:"avs_check"`
	Attempts         int               `json:"attempts_count"`
	Operations       []json.RawMessage `json:"operations"` // null unless expanded
	Refunds          []refund          `json:"refunds"`    // null unless expanded
}

type refund struct {
	ID       string `json:"id"`
	Failed   bool   `json:"has_failed"`
	Metadata texts  `json:"metadata"`
}

// The verification statuses of a token.
const (
	verificationSuccess      = "success"
	verificationPending      = "pending"
	verificationFailed       = "failed"
	verificationNotRequested = "not-requested"
	verificationUnknown      = "unknown"
)

// tokenEmpty is the type of a token without a source.
const tokenEmpty = "pending"

type token struct {
	ID           string `json:"id"`
	Type         string `json:"type"`
	Chargeable   bool   `json:"is_chargeable"`
	Verification string `json:"verification_status"`
}

type customerAction struct {
	Type     string `json:"type"`
	Value    string `json:"value"`
	Metadata texts  `json:"metadata"`
}

// outcome is what the payer is asked to do, nil if nothing; some answers have an empty action for none. The words are passed on
// as they are: the payer's device knows what to make of them. A step that nobody can take leaves open what becomes of the
// payment.
func (a *customerAction) outcome() (*payments.CustomerAction, error) {
	switch {
	case a.none():
		return nil, nil
	case a.Type == "":
		return nil, incomplete("type of the payer's step")
	case a.Value == "":
		return nil, incomplete("value of the payer's step")
	}
	return &payments.CustomerAction{Type: a.Type, Value: a.Value, Metadata: maps.Clone(map[string]string(a.Metadata))}, nil
}

// none says that nothing is asked of the payer.
func (a *customerAction) none() bool { return a == nil || a.Type == "" && a.Value == "" }

// texts is metadata. Values that are not text keep their JSON form; metadata of any other shape is none.
type texts map[string]string

// UnmarshalJSON takes whatever is there.
func (t *texts) UnmarshalJSON(raw []byte) error {
	var values map[string]json.RawMessage
	if err := json.Unmarshal(raw, &values); err != nil {
		values = nil // of another shape: there is nothing to show
	}
	if len(values) == 0 {
		return nil
	}
	*t = make(texts, len(values))
	for name, value := range values {
		var text string
		if json.Unmarshal(value, &text) != nil {
			text = string(value)
		}
		(*t)[name] = text
	}
	return nil
}

// schemeCode is a code of the card's scheme, as text or as a number; anything else is none.
type schemeCode string

// UnmarshalJSON takes whatever is there.
func (c *schemeCode) UnmarshalJSON(raw []byte) error {
	*c = schemeCode(payments.SchemeCode(strings.Trim(string(raw), `"`)))
	if string(raw) == "null" {
		*c = ""
	}
	return nil
}

// amount is decimal text in major units; null and "" are no amount.
type amount string

// UnmarshalJSON takes text and numbers.
func (a *amount) UnmarshalJSON(raw []byte) error {
	text := strings.Trim(string(raw), `"`)
	if text == "null" {
		text = ""
	}
	*a = amount(text)
	return nil
}

// minor reads the amount; none is 0.
func (a amount) minor(c payments.Currency) (int64, error) {
	if a == "" {
		return 0, nil
	}
	m, err := payments.ParseMajorNumber(json.Number(a), c)
	if err != nil {
		return 0, payments.NewFault(payments.Unknown, err)
	}
	return m.Minor, nil
}

// totals returns the transaction's amounts in minor units of c.
func (t *transaction) totals(c payments.Currency) (payments.Totals, error) {
	var totals payments.Totals
	if t.Currency != "" && t.Currency != c {
		return totals, payments.Faultf(payments.Unknown, "processout: the transaction is in another currency than the payment")
	}
	for _, part := range []struct {
		into *int64
		from amount
	}{
		{&totals.Authorized, t.AuthorizedAmount},
		{&totals.Captured, t.CapturedAmount},
		{&totals.Refunded, t.RefundedAmount},
		{&totals.Voided, t.VoidedAmount},
	} {
		minor, err := part.from.minor(c)
		if err != nil {
			return payments.Totals{}, err
		}
		*part.into = minor
	}
	if t.Status == statusVoided && totals.Voided == 0 { // older answers do not say how much
		totals.Voided = totals.Authorized - totals.Captured
	}
	return totals, nil
}

// begun says that a waiting transaction has been tried: the try goes on, or waits for the payer.
func (t *transaction) begun() bool { return t.Attempts > 0 || len(t.Operations) > 0 }

// captured says whether money was taken.
func (t *transaction) captured() bool {
	return t.Status == statusCompleted || slices.Contains(afterCapture, t.Status)
}

// networkID is the scheme's id to which later payments refer: of the first payment, which may be this one.
func (t *transaction) networkID() string {
	if t.InitialSchemeID != "" {
		return t.InitialSchemeID
	}
	return t.SchemeID
}
