package dojo

import (
	"encoding/json"
	"strings"

	"switchyard/payments"
)

// money is an amount in minor units.
type money struct {
	Value    int64             `json:"value"`
	Currency payments.Currency `json:"currencyCode"`
}

func moneyOf(m payments.Money) money { return money{m.Minor, m.Currency} }

// intent is a payment intent as Dojo shows it. Its client session secret is not read.
type intent struct {
	ID             string          `json:"id"`
	Status         string          `json:"status"`
	Reference      string          `json:"reference"`
	Amount         *money          `json:"amount"`
	TotalAmount    *money          `json:"totalAmount"`
	RefundedAmount int64           `json:"refundedAmount"`
	SetupIntentID  string          `json:"setupIntentId"`
	PaymentLink    string          `json:"paymentLink"` // may hold a customer secret
	Customer       *reference      `json:"customer"`
	Captures       []capture       `json:"captures"`
	Details        *paymentDetails `json:"paymentDetails"` // once there is an outcome
	Events         json.RawMessage `json:"paymentEvents"`  // not in the published form: read on its own, if it can be
}

type reference struct {
	ID string `json:"id"`
}

// capture is one capture of a hold.
type capture struct {
	ID     string `json:"id"`
	Amount int64  `json:"amount"`
	Status string `json:"status"`
}

type paymentDetails struct {
	TransactionID string `json:"transactionId"`
	MethodID      string `json:"paymentMethodId"`
	AVSResult     string `json:"avsResult"`
}

// setup is a setup intent as Dojo shows it.
type setup struct {
	ID        string     `json:"id"`
	Status    string     `json:"status"`
	Reference string     `json:"reference"`
	Customer  *reference `json:"customer"`
}

// made says whether the intent is the one that was asked for.
func (i *intent) made(ref string, amount payments.Money) bool {
	return i.ID != "" && i.Status == intentCreated && (i.Reference == "" || i.Reference == ref) &&
		(i.Amount == nil || *i.Amount == moneyOf(amount))
}

// refs are the references of a payment, added to those known.
func (i *intent) refs(known payments.ProviderRefs) payments.ProviderRefs {
	refs := payments.ProviderRefs{Session: i.ID}
	if i.Customer != nil {
		refs.Customer = i.Customer.ID
	}
	if i.Details != nil {
		refs.Charge = i.Details.TransactionID
	}
	return known.Merge(refs)
}

// card is what Dojo calls the card that was paid with, kept or not; "" when it does not tell. A hold has no details yet, and
// perhaps an event. The card behind a setup intent is charged by that and not by itself.
func (i *intent) card() string {
	if i.SetupIntentID != "" {
		return ""
	}
	if i.Details != nil && i.Details.MethodID != "" {
		return i.Details.MethodID
	}
	var events []struct {
		MethodID string `json:"paymentMethodId"`
	}
	if json.Unmarshal(i.Events, &events) != nil || len(events) == 0 {
		return ""
	}
	return events[len(events)-1].MethodID
}

// totals are the payment's amounts in minor units of c.
func (i *intent) totals(c payments.Currency) (payments.Totals, error) {
	total := i.TotalAmount
	if total == nil {
		total = i.Amount
	}
	if total == nil || total.Currency != c || total.Value < 0 || i.RefundedAmount < 0 {
		return payments.Totals{}, unexpected("amounts in the currency of the payment")
	}
	captured, err := i.captured()
	if err != nil {
		return payments.Totals{}, err
	}
	t := payments.Totals{Authorized: total.Value, Captured: captured, Refunded: i.RefundedAmount}
	switch i.Status {
	case intentCreated, intentCanceled:
		t = payments.Totals{}
	case intentCaptured, intentRefunded:
		if captured == 0 { // captured as a whole, without a capture of its own
			t.Captured = total.Value
		}
	case intentReversed:
		t.Voided = total.Value - captured
	}
	if t.Captured > t.Authorized || t.Refunded > t.Captured {
		return payments.Totals{}, unexpected("amounts that fit together")
	}
	return t, nil
}

// captured is the sum of the captures that succeeded.
func (i *intent) captured() (int64, error) {
	var sum int64
	for _, c := range i.Captures {
		if captureOutcomes[c.Status].status != payments.Approved {
			continue
		}
		if c.Amount < 0 || sum+c.Amount < sum {
			return 0, unexpected("amounts of captures")
		}
		sum += c.Amount
	}
	return sum, nil
}

// capturing says whether a capture is under way.
func (i *intent) capturing() bool {
	for _, c := range i.Captures {
		if captureOutcomes[c.Status].status == payments.Pending {
			return true
		}
	}
	return false
}

// avsCheck translates the result of the address check. The vendor has published one word only; others say nothing.
func (d *paymentDetails) avsCheck() string {
	if d != nil && strings.EqualFold(d.AVSResult, "ADDRESS_MATCH_POSTCODE_MATCH") {
		return "passed"
	}
	return ""
}

// cut shortens text to a number of characters.
func cut(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most])
	}
	return text
}
