package xendit

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"switchyard/sims/psp"
	"switchyard/sims/testcard"
)

// The failure codes that cards and amounts choose.
const (
	failDeclined     = "CARD_DECLINED"
	failIssuer       = "DECLINED_BY_ISSUER"
	failProcessor    = "DECLINED_BY_PROCESSOR"
	failProcessError = "PROCESSOR_ERROR"
	failBalance      = "INSUFFICIENT_BALANCE"
	failExpired      = "EXPIRED_CARD"
	failFraud        = "SUSPECTED_FRAUDULENT"
	failStolen       = "STOLEN_CARD"
	failInactive     = "INACTIVE_OR_UNAUTHORIZED_CARD"
	failCVV          = "INVALID_CVV"
	failInvalid      = "INVALID_CARD"
	failAuthentic    = "AUTHENTICATION_FAILED"
	failLimits       = "PAYMENT_AMOUNT_LIMITS_EXCEEDED"
)

// The limits of a card payment in Indonesia, in minor units of the rupiah.
const minRupiah, maxRupiah = 5_000_00, 200_000_000_00

// freeBaht is the amount, in satang, under which the two Thai test cards ask for no challenge.
const freeBaht = 20_00

// behaviour is what a card does, chosen when its number arrives.
type behaviour struct {
	failure string
	// challenge has the payer authenticate unless the request skips that; always, whatever the request says.
	challenge, always bool
	// thai cards are let through for small amounts of baht.
	thai bool
}

// behaviourOf is the vendor's published list of test cards. Every other number is approved without a challenge.
func behaviourOf(number string) behaviour {
	switch number {
	case testcard.Declined:
		return behaviour{failure: failDeclined}
	case testcard.Challenge:
		return behaviour{challenge: true, always: true}
	case "4000000000002503", "5200000000002151", "4440000009900010", "5123450000000008",
		"3337000000000008", "340000000002534", "4000000000001091":
		return behaviour{challenge: true}
	case "4200350000000801", "5413530000000501":
		return behaviour{challenge: true, thai: true}
	}
	return behaviour{}
}

// failureByAmount is the vendor's way to choose a failure: the amount in major units.
func failureByAmount(amount, currency string) string {
	if currency == "VND" {
		switch amount {
		case "405400":
			return failExpired
		case "405900":
			return failFraud
		case "405100":
			return failBalance
		case "400700":
			return failStolen
		case "405500":
			return failInactive
		case "402500":
			return failProcessError
		case "403900":
			return failCVV
		case "400300":
			return failIssuer
		}
		return ""
	}
	switch amount {
	case "10051":
		return failExpired
	case "10052":
		return failFraud
	case "10053":
		return failProcessor
	case "10054", "10.51":
		return failBalance
	case "10055":
		return failStolen
	case "10056":
		return failInactive
	case "10057", "10.3":
		return failProcessError
	case "10058":
		return failCVV
	case "10059", "10.05", "10.65":
		return failIssuer
	case "10.14":
		return failInvalid
	}
	return ""
}

// card is a card without its number and CVN.
type card struct {
	testcard.Card
	masked string
	acts   behaviour
	hasCVN bool
	holder holder
}

type holder struct {
	FirstName string `json:"cardholder_first_name,omitempty"`
	LastName  string `json:"cardholder_last_name,omitempty"`
	Email     string `json:"cardholder_email,omitempty"`
	Phone     string `json:"cardholder_phone_number,omitempty"`
}

// readCard checks card_details and drops the number and the CVN. When it cannot, the answer says why.
func (s *Sim) readCard(raw json.RawMessage) (*card, *psp.Answer) {
	var in struct {
		Number string `json:"card_number"`
		CVN    string `json:"cvn"`
		Month  string `json:"expiry_month"`
		Year   string `json:"expiry_year"`
		holder
	}
	fail := func(a psp.Answer) (*card, *psp.Answer) { return nil, &a }
	if bad, ok := decode(raw, &in); !ok {
		return fail(bad)
	}
	month, monthErr := strconv.Atoi(in.Month)
	year, yearErr := strconv.Atoi(in.Year)
	switch {
	case in.Number == "":
		return fail(invalid("channel_properties.card_details.card_number is required"))
	case !testcard.Valid(in.Number):
		return fail(wrongValue("INVALID_PAYMENT_DETAILS", "The card number is invalid"))
	case len(in.Month) != 2 || monthErr != nil || month < 1 || month > 12:
		return fail(invalid("channel_properties.card_details.expiry_month must be two digits"))
	case len(in.Year) != 4 || yearErr != nil:
		return fail(invalid("channel_properties.card_details.expiry_year must be four digits"))
	case in.CVN != "" && !goodCVN(in.CVN):
		return fail(invalid("channel_properties.card_details.cvn must be three or four digits"))
	case testcard.Expired(month, year, time.Now()):
		return fail(wrongValue("CARD_EXPIRED", "The card has expired"))
	}
	c := s.describe(in.Number, month, year)
	c.hasCVN, c.holder = in.CVN != "", in.holder
	return c, nil
}

// describe is what is kept of a card with a good number.
func (s *Sim) describe(number string, month, year int) *card {
	facts := testcard.Describe(number, s.cardKey)
	facts.ExpMonth, facts.ExpYear = month, year
	return &card{
		Card: facts, acts: behaviourOf(number), masked: number[:4] + strings.Repeat("X", len(number)-8) + facts.Last4,
	}
}

func goodCVN(text string) bool {
	return len(text) >= 3 && len(text) <= 4 && strings.Trim(text, "0123456789") == ""
}

// details is the card as Xendit shows it.
func (c card) details() psp.Object {
	out := psp.Object{
		"masked_card_number": c.masked, "fingerprint": c.Fingerprint, "type": "CREDIT",
		"network": c.network(), "country": "ID", "issuer": "PT BANK SIMULASI",
		"expiry_month": strconv.Itoa(100 + c.ExpMonth)[1:], "expiry_year": strconv.Itoa(c.ExpYear),
	}
	for field, value := range map[string]string{
		"cardholder_first_name": c.holder.FirstName, "cardholder_last_name": c.holder.LastName,
		"cardholder_email": c.holder.Email, "cardholder_phone_number": c.holder.Phone,
	} {
		if value != "" {
			out[field] = value
		}
	}
	return out
}

// network is the card's scheme in Xendit's words.
func (c card) network() string {
	if c.Brand == testcard.Amex {
		return "AMEX"
	}
	return strings.ToUpper(string(c.Brand))
}
