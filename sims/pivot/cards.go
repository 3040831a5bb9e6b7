package pivot

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"switchyard/sims/psp"
	"switchyard/sims/testcard"
)

// century is what the two digits of a year are in.
const century = 2000

// card is a card without its number and CVC.
type card struct {
	testcard.Card
	first8              string
	acts                behaviour
	firstName, lastName string
}

// cardInput is a card as a request brings it: encrypted, by token, or raw.
type cardInput struct {
	Encrypted string `json:"encryptedCard"`
	Token     string `json:"token"`
	Number    string `json:"number"`
	ExpMonth  *int   `json:"expMonth"`
	ExpYear   *int   `json:"expYear"`
	CVC       string `json:"cvc"`
	FirstName string `json:"cardHolderFirstName"`
	LastName  string `json:"cardHolderLastName"`
}

// source is what is charged. One of its fields is set, or none.
type source struct {
	encrypted, token string
	card             *card
}

func (in source) given() bool { return in.encrypted != "" || in.token != "" || in.card != nil }

// readSource checks a card as a request brings it and drops its number and CVC.
func (s *Sim) readSource(in *cardInput, field string) (source, *psp.Answer) {
	if in == nil {
		return source{}, nil
	}
	ways := 0
	for _, way := range []string{in.Encrypted, in.Token, in.Number} {
		if way != "" {
			ways++
		}
	}
	switch {
	case ways == 0:
		return source{}, nil
	case ways > 1:
		return source{}, refused(field, "takes one of encryptedCard, token and number")
	case in.Encrypted != "":
		return source{encrypted: in.Encrypted}, nil
	case !goodCVC(in.CVC):
		return source{}, refused(field+".cvc", "must be 3 or 4 digits")
	case in.Token != "":
		return source{token: in.Token}, nil
	case in.ExpMonth == nil || in.ExpYear == nil:
		return source{}, refused(field, "needs expMonth and expYear")
	case *in.ExpYear < 0 || *in.ExpYear > 99:
		return source{}, refused(field+".expYear", "must be two digits")
	}
	c, bad := s.describe(in.Number, *in.ExpMonth, century+*in.ExpYear, field)
	if bad != nil {
		return source{}, bad
	}
	c.firstName, c.lastName = in.FirstName, in.LastName
	return source{card: c}, nil
}

// describe turns a number into facts, if it is a good one.
func (s *Sim) describe(number string, month, year int, field string) (*card, *psp.Answer) {
	switch {
	case !testcard.Valid(number):
		return nil, refused(field+".number", "is not a card number")
	case month < 1 || month > 12:
		return nil, refused(field, "the month of expiry must be 1 to 12")
	case testcard.Expired(month, year, time.Now()):
		return nil, refused(field, "the card has expired")
	}
	c := &card{Card: testcard.Describe(number, s.cardKey), first8: number[:8], acts: behaviourOf(number)}
	c.ExpMonth, c.ExpYear = month, year
	return c, nil
}

// open reads what an encrypted card says.
func (s *Sim) open(p *session, encrypted, field string) (*card, *psp.Answer) {
	if p.key == nil {
		return nil, refused(field, "this session has no encryptionKey")
	}
	plain, err := decrypt(p.key.key, encrypted)
	if err != nil {
		return nil, refused(field, err.Error())
	}
	var in struct {
		Card struct {
			Number string `json:"number"`
			Month  string `json:"expiryMonth"`
			Year   string `json:"expiryYear"`
			CVC    string `json:"cvc"`
			Name   string `json:"nameOnCard"`
		} `json:"card"`
	}
	if json.Unmarshal(plain, &in) != nil { // its error might quote the card
		return nil, refused(field, "does not hold {card{number, expiryMonth, expiryYear, cvc, nameOnCard}} as texts")
	}
	month, monthOK := twoDigits(in.Card.Month)
	year, yearOK := twoDigits(in.Card.Year)
	switch {
	case !monthOK || !yearOK:
		return nil, refused(field, "expiryMonth and expiryYear must be texts of two digits")
	case !goodCVC(in.Card.CVC):
		return nil, refused(field, "cvc must be 3 or 4 digits")
	}
	c, bad := s.describe(in.Card.Number, month, century+year, field)
	if bad != nil {
		return nil, bad
	}
	c.firstName, c.lastName, _ = strings.Cut(in.Card.Name, " ")
	return c, nil
}

func twoDigits(text string) (int, bool) {
	n, err := strconv.Atoi(text)
	return n, err == nil && len(text) == 2 && n >= 0
}

func goodCVC(text string) bool {
	return (len(text) == 3 || len(text) == 4) && strings.Trim(text, "0123456789") == ""
}

// network is the card's scheme in Pivot's words.
func (c card) network() string {
	if c.Brand == testcard.Amex {
		return "AMEX"
	}
	return strings.ToUpper(string(c.Brand))
}

// same says whether two are one card, so that it is stored once.
func (c card) same(other card) bool {
	return c.Fingerprint == other.Fingerprint && c.ExpMonth == other.ExpMonth && c.ExpYear == other.ExpYear
}

// facts are what a charge and a stored card show alike.
func (c card) facts() psp.Object {
	return psp.Object{
		"fingerprint": c.Fingerprint, "first6": c.First6, "first8": c.first8, "last4": c.Last4,
		"expMonth": strconv.Itoa(100 + c.ExpMonth)[1:], "expYear": strconv.Itoa(c.ExpYear)[2:],
	}
}
