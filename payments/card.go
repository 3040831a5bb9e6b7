package payments

import (
	"cmp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Scheme is a card scheme, spelt as in our API: lower case. "" is a scheme that
// we do not know.
type Scheme string

// The schemes that we can name.
const (
	SchemeUnknown       Scheme = ""
	SchemeVisa          Scheme = "visa"
	SchemeMastercard    Scheme = "mastercard"
	SchemeAmex          Scheme = "american express"
	SchemeDiners        Scheme = "diners club"
	SchemeJCB           Scheme = "jcb"
	SchemeDiscover      Scheme = "discover"
	SchemeUnionPay      Scheme = "unionpay"
	SchemeMaestro       Scheme = "maestro"
	SchemeCarteBancaire Scheme = "carte bancaire" // only as a co-scheme: it has no number ranges of its own
)

// schemeRanges maps ranges of leading digits to schemes. Ranges do not overlap;
// from and to have the same length.
var schemeRanges = [...]struct {
	from, to string
	scheme   Scheme
}{
	{"4", "4", SchemeVisa},
	{"51", "55", SchemeMastercard},
	{"2221", "2720", SchemeMastercard},
	{"34", "34", SchemeAmex},
	{"37", "37", SchemeAmex},
	{"300", "305", SchemeDiners},
	{"3095", "3095", SchemeDiners},
	{"36", "36", SchemeDiners},
	{"38", "39", SchemeDiners},
	{"3528", "3589", SchemeJCB},
	{"6011", "6011", SchemeDiscover},
	{"644", "649", SchemeDiscover},
	{"65", "65", SchemeDiscover},
	// 622126 to 622925 are carried by Discover in places, but the card is a
	// UnionPay card.
	{"62", "62", SchemeUnionPay},
	{"8100", "8171", SchemeUnionPay},
	// Not all of 50: Elo, RuPay and Verve have parts of it.
	{"5018", "5018", SchemeMaestro},
	{"5020", "5020", SchemeMaestro},
	{"5038", "5038", SchemeMaestro},
	{"56", "58", SchemeMaestro},
	{"6304", "6304", SchemeMaestro},
	{"6390", "6390", SchemeMaestro},
	{"67", "67", SchemeMaestro},
}

// SchemeOf tells the scheme of a card number (or of its first digits, six at
// least) by its range.
func SchemeOf(number string) Scheme {
	for _, r := range schemeRanges {
		if len(number) < len(r.from) {
			continue
		}
		if head := number[:len(r.from)]; r.from <= head && head <= r.to {
			return r.scheme
		}
	}
	return SchemeUnknown
}

// Luhn reports whether digits are digits only and their last one is the right
// check digit.
func Luhn(digits string) bool {
	if !allDigits(digits) {
		return false
	}
	sum := 0
	for i := range len(digits) {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 1 {
			d *= 2
			if d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}

// CardFacts is what may be known and kept of a card without its number.
type CardFacts struct {
	Scheme      Scheme `json:"scheme,omitempty"`
	CoScheme    Scheme `json:"co_scheme,omitempty"`
	Type        string `json:"type,omitempty"`      // "credit", "debit", "prepaid", ...
	IIN         string `json:"iin,omitempty"`       // the first six digits
	Last4       string `json:"last4,omitempty"`     // the last four digits
	ExpMonth    int    `json:"exp_month,omitempty"` // 1 to 12
	ExpYear     int    `json:"exp_year,omitempty"`  // four digits
	Name        string `json:"name,omitempty"`
	Country     string `json:"country,omitempty"`     // of the issuer, ISO 3166 alpha-2
	Bank        string `json:"bank,omitempty"`        // the issuer
	Product     string `json:"product,omitempty"`     // the issuer's: "classic", "platinum", ...
	Fingerprint string `json:"fingerprint,omitempty"` // keyed hash of the number, made by the vault
}

// IssuerFacts is what the first digits of a card number tell of the card, to who
// has a table of them. What is empty is not known.
type IssuerFacts struct {
	Scheme  Scheme
	Country string // ISO 3166 alpha-2
	Funding string // "credit", "debit" or "prepaid"
	Bank    string
	Product string
}

// Fill puts in what the issuer's facts tell where nothing is known yet.
func (f *CardFacts) Fill(i IssuerFacts) {
	f.Scheme = cmp.Or(f.Scheme, i.Scheme)
	f.Country = cmp.Or(f.Country, i.Country)
	f.Type = cmp.Or(f.Type, i.Funding)
	f.Bank = cmp.Or(f.Bank, i.Bank)
	f.Product = cmp.Or(f.Product, i.Product)
}

// CardData is an opened card. It lives in memory for one call and is never
// stored or logged; make it with NewCardData.
type CardData struct {
	Number   Secret
	ExpMonth int // 1 to 12
	ExpYear  int // four digits
	CVC      Secret
	Name     string
}

// Limits of card data.
const (
	minCardNumber    = 12   // digits
	maxCardNumber    = 19   // digits
	iinLength        = 6    // digits
	last4Length      = 4    // digits
	cvcLength        = 3    // digits
	cvcLengthAmex    = 4    // digits
	maxCardName      = 255  // characters
	firstCardYear    = 2000 // also what a year of two digits is added to
	maxCardLifeYears = 50   // far beyond any card: it only catches typing errors
)

// NewCardData checks what a payer typed and returns the card. Spaces and dashes
// in the number are dropped, a year of two digits is in this century, and a card
// is good through the last day of its month (in UTC).
//
// The error is an *Error that lists every field at fault and has the code of
// the first one: card.missing-number, card.invalid-number, card.missing-expiry,
// card.invalid-expiry-month, card.invalid-expiry-year, card.expired,
// card.invalid-cvc or card.invalid-name. It never repeats a value.
func NewCardData(number string, expMonth, expYear int, cvc, name string, now time.Time) (CardData, error) {
	number = strings.NewReplacer(" ", "", "-", "").Replace(number)
	name = strings.TrimSpace(name)
	if 0 < expYear && expYear < 100 {
		expYear += firstCardYear
	}

	var faults cardFaults
	faults.checkNumber(number)
	faults.checkExpiry(expMonth, expYear, now.UTC())
	faults.checkCVC(cvc, SchemeOf(number))
	faults.checkName(name)
	if faults.first != nil {
		return CardData{}, faults.first
	}
	return CardData{
		Number:   NewSecret(number),
		ExpMonth: expMonth,
		ExpYear:  expYear,
		CVC:      NewSecret(cvc),
		Name:     name,
	}, nil
}

// cardFaults collects what is wrong with a card in one error.
type cardFaults struct{ first *Error }

func (f *cardFaults) add(code Code, field, message string) {
	if f.first == nil {
		f.first = NewError(string(code), message)
	}
	f.first.Fields = append(f.first.Fields, FieldFault{Name: field, Message: message})
}

func (f *cardFaults) checkNumber(number string) {
	switch {
	case number == "":
		f.add(CardMissingNumber, "number", "The card number is missing.")
	case !allDigits(number):
		f.add(CardInvalidNumber, "number", "The card number must consist of digits.")
	case len(number) < minCardNumber || len(number) > maxCardNumber:
		f.add(CardInvalidNumber, "number", "The card number must have 12 to 19 digits.")
	case !Luhn(number):
		f.add(CardInvalidNumber, "number", "The card number is not valid: check it for typing errors.")
	}
}

func (f *cardFaults) checkExpiry(month, year int, now time.Time) {
	switch {
	case year == 0:
		f.add(CardMissingExpiry, "exp_year", "The card's expiry date is missing: give its month and year.")
	case month < 1 || month > 12:
		f.add(CardInvalidExpiryMonth, "exp_month", "The expiry month must be a number from 1 to 12.")
	case year < firstCardYear || year > now.Year()+maxCardLifeYears:
		f.add(CardInvalidExpiryYear, "exp_year", "The expiry year is not valid: give it with two or four digits.")
	case year < now.Year() || year == now.Year() && month < int(now.Month()):
		f.add(CardExpired, "exp_year", "The card has expired.")
	}
}

func (f *cardFaults) checkCVC(cvc string, scheme Scheme) {
	switch {
	case cvc == "":
	case allDigits(cvc) && len(cvc) == cvcLength:
	case allDigits(cvc) && len(cvc) == cvcLengthAmex && scheme == SchemeAmex:
	default:
		f.add(CardInvalidCVC, "cvc2", "The card's security code must have 3 digits, or 4 on an American Express card.")
	}
}

// checkName also refuses a name with as many digits as a card number: names are
// kept and shown in clear, and payers do type the number into the wrong field.
func (f *cardFaults) checkName(name string) {
	digits, control := 0, false
	for _, r := range name {
		if unicode.IsDigit(r) {
			digits++
		}
		control = control || unicode.IsControl(r)
	}
	switch {
	case utf8.RuneCountInString(name) > maxCardName:
		f.add(CardInvalidName, "name", "The cardholder's name must have 255 characters at most.")
	case control || digits >= minCardNumber || !utf8.ValidString(name):
		f.add(CardInvalidName, "name", "The cardholder's name has characters that do not belong in a name.")
	}
}

// Facts returns what may be kept of the card. Type, Country, CoScheme and
// Fingerprint are not known from the card alone.
func (d CardData) Facts() CardFacts {
	number := d.Number.Reveal()
	facts := CardFacts{
		Scheme:   SchemeOf(number),
		ExpMonth: d.ExpMonth,
		ExpYear:  d.ExpYear,
		Name:     d.Name,
	}
	if len(number) >= minCardNumber { // of a shorter one, ten digits would be nearly all
		facts.IIN = number[:iinLength]
		facts.Last4 = number[len(number)-last4Length:]
	}
	return facts
}

// HasCVC reports whether the card came with its security code.
func (d CardData) HasCVC() bool { return !d.CVC.IsZero() }

// WithoutCVC returns the card without its security code, as it may be sealed
// for later.
func (d CardData) WithoutCVC() CardData {
	d.CVC = Secret{}
	return d
}
