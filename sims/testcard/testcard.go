// Package testcard says what may be known of a card number once a simulated PSP has taken it.
package testcard

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"
)

// The numbers that mean the same at every simulator, beside each PSP's own.
const (
	Approved  = "4242424242424242"
	Declined  = "4000000000000002"
	Challenge = "4000000000000101"
)

// The lengths of card numbers in use.
const minDigits, maxDigits = 12, 19

// Card is a card without its number.
type Card struct {
	Brand    Brand
	First6   string
	Last4    string
	ExpMonth int
	ExpYear  int
	// Fingerprint is the same for the same number at the same simulator, and gives nothing away.
	Fingerprint string
}

// Brand is a card's scheme.
type Brand string

// The brands.
const (
	Visa       Brand = "visa"
	Mastercard Brand = "mastercard"
	Amex       Brand = "american-express"
	JCB        Brand = "jcb"
	Diners     Brand = "diners"
	Discover   Brand = "discover"
	UnionPay   Brand = "china-union-pay"
	Unknown    Brand = "unknown"
)

// Describe returns what may be kept of a number that Valid has found good. key makes the fingerprint.
func Describe(number string, key []byte) Card {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(number))
	return Card{
		Brand:       brandOf(number),
		First6:      number[:6],
		Last4:       number[len(number)-4:],
		Fingerprint: hex.EncodeToString(mac.Sum(nil)[:12]),
	}
}

// Valid says whether a number is digits of a length in use with a good check digit.
func Valid(number string) bool {
	if len(number) < minDigits || len(number) > maxDigits {
		return false
	}
	sum := 0
	for i := range len(number) {
		digit := int(number[len(number)-1-i]) - '0'
		if digit < 0 || digit > 9 {
			return false
		}
		if i%2 == 1 {
			if digit *= 2; digit > 9 {
				digit -= 9
			}
		}
		sum += digit
	}
	return sum%10 == 0
}

// Expired says whether a card that is good to the end of the month is over at a time.
func Expired(month, year int, at time.Time) bool {
	return !at.Before(time.Date(year, time.Month(month)+1, 1, 0, 0, 0, 0, time.UTC))
}

func brandOf(number string) Brand {
	switch two := number[:2]; {
	case number[0] == '4':
		return Visa
	case two >= "51" && two <= "55", number[:4] >= "2221" && number[:4] <= "2720":
		return Mastercard
	case two == "34", two == "37":
		return Amex
	case two == "35":
		return JCB
	case two == "36", two == "38", strings.HasPrefix(number, "30"):
		return Diners
	case two == "62":
		return UnionPay
	case two == "65", two == "64", strings.HasPrefix(number, "6011"):
		return Discover
	}
	return Unknown
}
