package dojo

import (
	"strconv"
	"strings"
	"time"

	"switchyard/sims/testcard"
)

// approvingCVV is the CVV with which the vendor's disputed test card is approved.
const approvingCVV = "020"

// behaviour is what a card does, chosen when its number arrives.
type behaviour struct {
	declines, challenge bool
}

// behaviourOf is what is published of the sandbox's cards. Every other number is approved without a challenge.
func behaviourOf(number, cvv string) behaviour {
	switch number {
	case testcard.Declined:
		return behaviour{declines: true}
	case testcard.Challenge, "4456530000001096", "4456530000000007", "4111111111111111":
		return behaviour{challenge: true}
	case "4456530000001013":
		// One of the vendor's SDKs has it declined with CVV 341, the other approved with 020.
		return behaviour{declines: cvv != approvingCVV}
	}
	return behaviour{}
}

// card is a card without its number and CVV.
type card struct {
	testcard.Card
	masked, holder string
	acts           behaviour
}

// describe turns a number into facts, if it is a good one.
func (s *Sim) describe(number, cvv, holder string, month, year int) (*card, bool) {
	if !testcard.Valid(number) || testcard.Expired(month, year, time.Now()) {
		return nil, false
	}
	c := &card{
		Card: testcard.Describe(number, s.cardKey), holder: holder, acts: behaviourOf(number, cvv),
		masked: number[:8] + "****" + number[len(number)-4:],
	}
	c.ExpMonth, c.ExpYear = month, year
	return c, true
}

func goodCVV(text string) bool {
	return (len(text) == 3 || len(text) == 4) && strings.Trim(text, "0123456789") == ""
}

// scheme is the card's scheme in Dojo's words.
func (c card) scheme() string {
	switch c.Brand {
	case testcard.Amex:
		return "AMEX"
	case testcard.Diners:
		return "DCI"
	default:
		return strings.ToUpper(string(c.Brand))
	}
}

// monthAndYear is the expiry as payments show it.
func (c card) monthAndYear() string {
	return strconv.Itoa(100 + c.ExpMonth)[1:] + "/" + strconv.Itoa(c.ExpYear)[2:]
}

// lastDay is the expiry as saved cards show it.
func (c card) lastDay() string {
	return time.Date(c.ExpYear, time.Month(c.ExpMonth)+1, 0, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
}

// same says whether two are one card, so that it is saved once.
func (c card) same(other card) bool {
	return c.Fingerprint == other.Fingerprint && c.ExpMonth == other.ExpMonth && c.ExpYear == other.ExpYear
}
