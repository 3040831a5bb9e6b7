package payments_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"switchyard/payments"
)

const visaTest = "4242424242424242"

// cardNow is the time at which the cards of these tests are typed in.
var cardNow = time.Date(2026, time.February, 28, 23, 59, 59, 0, time.UTC)

func TestSchemeOf(t *testing.T) {
	t.Parallel()
	tests := []struct {
		number string
		want   payments.Scheme
	}{
		{visaTest, payments.SchemeVisa},
		{"4000000000000002", payments.SchemeVisa},
		{"5555555555554444", payments.SchemeMastercard},
		{"5130290000000009", payments.SchemeMastercard},
		{"2221000000000009", payments.SchemeMastercard},
		{"2720990000000007", payments.SchemeMastercard},
		{"2220990000000000", payments.SchemeUnknown},
		{"2721000000000000", payments.SchemeUnknown},
		{"378282246310005", payments.SchemeAmex},
		{"341111111111111", payments.SchemeAmex},
		{"30123456789019", payments.SchemeDiners},
		{"36227206271667", payments.SchemeDiners},
		{"3095000000000000", payments.SchemeDiners},
		{"3530111333300000", payments.SchemeJCB},
		{"3527000000000000", payments.SchemeUnknown},
		{"6011111111111117", payments.SchemeDiscover},
		{"6440000000000000", payments.SchemeDiscover},
		{"6500000000000002", payments.SchemeDiscover},
		{"6200000000000005", payments.SchemeUnionPay},
		{"6221260000000000", payments.SchemeUnionPay},
		{"8171999900000000", payments.SchemeUnionPay},
		{"8172000000000000", payments.SchemeUnknown},
		{"6759649826438453", payments.SchemeMaestro},
		{"6304000000000000", payments.SchemeMaestro},
		{"5018000000000009", payments.SchemeMaestro},
		{"5060990000000000", payments.SchemeUnknown},
		{"424242", payments.SchemeVisa},
		{"62", payments.SchemeUnionPay},
		{"6", payments.SchemeUnknown},
		{"", payments.SchemeUnknown},
		{"card", payments.SchemeUnknown},
		{"5x", payments.SchemeUnknown},
	}
	for _, tt := range tests {
		if got := payments.SchemeOf(tt.number); got != tt.want {
			t.Errorf("SchemeOf(%q) = %q, want %q", tt.number, got, tt.want)
		}
	}
}

func TestLuhn(t *testing.T) {
	t.Parallel()
	for _, good := range []string{visaTest, "378282246310005", "30123456789019", "4000000000002180", "4127969420587632", "0", "18"} {
		if !payments.Luhn(good) {
			t.Errorf("Luhn(%q) is false", good)
		}
	}
	for _, bad := range []string{"", "4242424242424241", "4242424242424224", "4242 4242 4242 4242", "424242424242424a", "-18", "１８"} {
		if payments.Luhn(bad) {
			t.Errorf("Luhn(%q) is true", bad)
		}
	}
}

func TestNewCardData(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name        string
		number      string
		month, year int
		cvc, holder string
		want        payments.CardFacts
	}{
		{
			"plain", visaTest, 12, 2030, "123", "Ana Cruz",
			payments.CardFacts{Scheme: "visa", IIN: "424242", Last4: "4242", ExpMonth: 12, ExpYear: 2030, Name: "Ana Cruz"},
		},
		{
			"spaces, dashes, two-digit year", "4242-4242 4242-4242", 1, 27, "", " Ana ",
			payments.CardFacts{Scheme: "visa", IIN: "424242", Last4: "4242", ExpMonth: 1, ExpYear: 2027, Name: "Ana"},
		},
		{
			"last day of its month", visaTest, 2, 2026, "000", "",
			payments.CardFacts{Scheme: "visa", IIN: "424242", Last4: "4242", ExpMonth: 2, ExpYear: 2026},
		},
		{
			"four-digit code of Amex", "378282246310005", 3, 2026, "1234", "",
			payments.CardFacts{Scheme: "american express", IIN: "378282", Last4: "0005", ExpMonth: 3, ExpYear: 2026},
		},
		{
			"three-digit code of Amex", "378282246310005", 3, 2026, "123", "",
			payments.CardFacts{Scheme: "american express", IIN: "378282", Last4: "0005", ExpMonth: 3, ExpYear: 2026},
		},
		{
			"19 digits", "6205500000000000004", 3, 2076, "", "",
			payments.CardFacts{Scheme: "unionpay", IIN: "620550", Last4: "0004", ExpMonth: 3, ExpYear: 2076},
		},
		{
			"longest name", visaTest, 3, 2026, "", strings.Repeat("é", 255),
			payments.CardFacts{Scheme: "visa", IIN: "424242", Last4: "4242", ExpMonth: 3, ExpYear: 2026, Name: strings.Repeat("é", 255)},
		},
	}
	for _, tt := range tests {
		card, err := payments.NewCardData(tt.number, tt.month, tt.year, tt.cvc, tt.holder, cardNow)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if got := card.Facts(); got != tt.want {
			t.Errorf("%s: facts are %+v, want %+v", tt.name, got, tt.want)
		}
		if card.HasCVC() != (tt.cvc != "") || card.CVC.Reveal() != tt.cvc {
			t.Errorf("%s: CVC is %q, want %q", tt.name, card.CVC.Reveal(), tt.cvc)
		}
		bare := card.WithoutCVC()
		if bare.HasCVC() || bare.Number.Reveal() != card.Number.Reveal() || card.HasCVC() != (tt.cvc != "") {
			t.Errorf("%s: WithoutCVC did more or less than drop the CVC of the copy", tt.name)
		}
	}
}

// badCards has an input for every message that NewCardData can give.
var badCards = []struct {
	name        string
	number      string
	month, year int
	cvc, holder string
	codes       []payments.Code // of the faults, in order
}{
	{"no number", " - ", 12, 2030, "", "", []payments.Code{payments.CardMissingNumber}},
	{"letters", "4242x42424242424", 12, 2030, "", "", []payments.Code{payments.CardInvalidNumber}},
	{"dots", "4242.4242.4242.4242", 12, 2030, "", "", []payments.Code{payments.CardInvalidNumber}},
	{"11 digits", "42424242424", 12, 2030, "", "", []payments.Code{payments.CardInvalidNumber}},
	{"20 digits", "42424242424242424242", 12, 2030, "", "", []payments.Code{payments.CardInvalidNumber}},
	{"wrong check digit", "4242424242424241", 12, 2030, "", "", []payments.Code{payments.CardInvalidNumber}},
	{"no expiry", visaTest, 0, 0, "", "", []payments.Code{payments.CardMissingExpiry}},
	{"no year", visaTest, 12, 0, "", "", []payments.Code{payments.CardMissingExpiry}},
	{"month 0", visaTest, 0, 2030, "", "", []payments.Code{payments.CardInvalidExpiryMonth}},
	{"month 13", visaTest, 13, 2030, "", "", []payments.Code{payments.CardInvalidExpiryMonth}},
	{"year of three digits", visaTest, 12, 203, "", "", []payments.Code{payments.CardInvalidExpiryYear}},
	{"year of the last century", visaTest, 12, 1999, "", "", []payments.Code{payments.CardInvalidExpiryYear}},
	{"year too far", visaTest, 12, 2077, "", "", []payments.Code{payments.CardInvalidExpiryYear}},
	{"negative year", visaTest, 12, -1, "", "", []payments.Code{payments.CardInvalidExpiryYear}},
	{"last month", visaTest, 1, 2026, "", "", []payments.Code{payments.CardExpired}},
	{"last year", visaTest, 12, 25, "", "", []payments.Code{payments.CardExpired}},
	{"code of two digits", visaTest, 12, 2030, "12", "", []payments.Code{payments.CardInvalidCVC}},
	{"code of four digits on Visa", visaTest, 12, 2030, "1234", "", []payments.Code{payments.CardInvalidCVC}},
	{"code of letters", visaTest, 12, 2030, "12a", "", []payments.Code{payments.CardInvalidCVC}},
	{"code with a space", visaTest, 12, 2030, "123 ", "", []payments.Code{payments.CardInvalidCVC}},
	{"long name", visaTest, 12, 2030, "", strings.Repeat("é", 256), []payments.Code{payments.CardInvalidName}},
	{"control character", visaTest, 12, 2030, "", "Ana\nCruz", []payments.Code{payments.CardInvalidName}},
	{"not UTF-8", visaTest, 12, 2030, "", "Ana\xff", []payments.Code{payments.CardInvalidName}},
	{"number in the name", visaTest, 12, 2030, "", "Ana 4242 4242 4242", []payments.Code{payments.CardInvalidName}},
	{
		"all wrong", "1", 13, 1, "1", "\x00",
		[]payments.Code{payments.CardInvalidNumber, payments.CardInvalidExpiryMonth, payments.CardInvalidCVC, payments.CardInvalidName},
	},
}

func TestNewCardDataRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range badCards {
		card, err := payments.NewCardData(tt.number, tt.month, tt.year, tt.cvc, tt.holder, cardNow)
		e, ok := errors.AsType[*payments.Error](err)
		if !ok || e.Code != string(tt.codes[0]) {
			t.Errorf("%s: error %v, want %s", tt.name, err, tt.codes[0])
			continue
		}
		if len(e.Fields) != len(tt.codes) || e.Fields[0].Message != e.Message {
			t.Errorf("%s: fields %+v, want one for each of %v, the first as the message", tt.name, e.Fields, tt.codes)
		}
		if !card.Number.IsZero() || card.HasCVC() {
			t.Errorf("%s: a card and an error", tt.name)
		}
	}
}

func TestCardExpiresInUTC(t *testing.T) {
	t.Parallel()
	end := time.Date(2026, time.March, 1, 0, 0, 0, 0, time.UTC)
	for _, zone := range []*time.Location{time.UTC, time.FixedZone("ahead", 8*3600), time.FixedZone("behind", -8*3600)} {
		if _, err := payments.NewCardData(visaTest, 2, 2026, "", "", end.Add(-time.Nanosecond).In(zone)); err != nil {
			t.Errorf("%s: before the end of its month: %v", zone, err)
		}
		_, err := payments.NewCardData(visaTest, 2, 2026, "", "", end.In(zone))
		if payments.ErrorCode(err) != string(payments.CardExpired) {
			t.Errorf("%s: after the end of its month: %v", zone, err)
		}
	}
}

func TestCardFactsJSON(t *testing.T) {
	t.Parallel()
	full := payments.CardFacts{
		Scheme: payments.SchemeVisa, CoScheme: payments.SchemeCarteBancaire, Type: "debit", IIN: "436000",
		Last4: "0005", ExpMonth: 1, ExpYear: 2030, Name: "Ana", Country: "FR", Bank: "Banque", Product: "classic", Fingerprint: "fp",
	}
	doc, err := json.Marshal(full)
	if want := `{"scheme":"visa","co_scheme":"carte bancaire","type":"debit","iin":"436000","last4":"0005",` +
		`"exp_month":1,"exp_year":2030,"name":"Ana","country":"FR","bank":"Banque","product":"classic","fingerprint":"fp"}`; err != nil || string(doc) != want {
		t.Errorf("JSON = %s, %v; want %s", doc, err, want)
	}
	if doc, err = json.Marshal(payments.CardFacts{}); err != nil || string(doc) != `{}` {
		t.Errorf("JSON of no facts = %s, %v", doc, err)
	}
}

// Facts of a card that NewCardData did not make must not show it whole.
func TestFactsOfShortNumber(t *testing.T) {
	t.Parallel()
	for _, number := range []string{"", "4", "42424242", "42424242424"} {
		facts := payments.CardData{Number: payments.NewSecret(number)}.Facts()
		if facts.IIN != "" || facts.Last4 != "" {
			t.Errorf("facts of %q are %+v", number, facts)
		}
	}
}

// FuzzNewCardData checks that an error consists of known sentences only, so that
// nothing of the input can be in it, and that a card does not print its number.
func FuzzNewCardData(f *testing.F) {
	var sentences []string
	for _, bad := range badCards {
		f.Add(bad.number, bad.month, bad.year, bad.cvc, bad.holder)
		_, err := payments.NewCardData(bad.number, bad.month, bad.year, bad.cvc, bad.holder, cardNow)
		if e, ok := errors.AsType[*payments.Error](err); ok {
			sentences = append(sentences, e.Message)
			for _, field := range e.Fields {
				sentences = append(sentences, field.Message)
			}
		}
	}
	f.Add(visaTest, 12, 2030, "123", "Ana Cruz")

	f.Fuzz(func(t *testing.T, number string, month, year int, cvc, holder string) {
		card, err := payments.NewCardData(number, month, year, cvc, holder, cardNow)
		if err != nil {
			e, ok := errors.AsType[*payments.Error](err)
			if !ok || e.Cause != nil || !payments.Code(e.Code).Known() || !slices.Contains(sentences, e.Message) {
				t.Fatalf("unexpected error %v", err)
			}
			for _, field := range e.Fields {
				if !slices.Contains(sentences, field.Message) {
					t.Fatalf("unexpected sentence %q", field.Message)
				}
			}
			return
		}
		digits := card.Number.Reveal()
		if !payments.Luhn(digits) || len(digits) < 12 || len(digits) > 19 {
			t.Fatalf("a card with the number %q", digits)
		}
		for _, text := range []string{fmt.Sprintf("%+v", card), fmt.Sprintf("%#v", &card), fmt.Sprintf("%+v", card.Facts())} {
			if strings.Contains(text, digits) {
				t.Fatalf("the number is in %s", text)
			}
		}
	})
}
