// Package currency knows the currencies of ISO 4217 and turns decimal text into minor units and back, exactly.
package currency

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// The currencies in use, but for those whose exponent is not 2.
const twoDecimals = " AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD" +
	" CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD" +
	" HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU" +
	" MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK" +
	" SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XCD XCG" +
	" YER ZAR ZMW ZWG "

const (
	noDecimals    = " BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF "
	threeDecimals = " BHD IQD JOD KWD LYD OMR TND "
	fourDecimals  = " CLF UYW "
)

// The errors of Parse.
var (
	ErrNotDecimal      = errors.New("not a decimal number without sign and exponent")
	ErrTooManyDecimals = errors.New("more decimals than the currency has")
	ErrTooLarge        = errors.New("amount is too large")
)

// Exponent returns how many decimals a currency has by ISO 4217, and whether the code is one in use.
func Exponent(code string) (int, bool) {
	if len(code) != 3 {
		return 0, false
	}
	for exponent, list := range [...]string{0: noDecimals, 2: twoDecimals, 3: threeDecimals, 4: fourDecimals} {
		if strings.Contains(list, " "+code+" ") {
			return exponent, true
		}
	}
	return 0, false
}

// Parse reads decimal text in major units, such as "10.5", as an integer of 10^-decimals. Zeros beyond the decimals
// are accepted, anything else there is ErrTooManyDecimals: nothing is rounded.
func Parse(text string, decimals int) (int64, error) {
	whole, fraction, dotted := strings.Cut(text, ".")
	if whole == "" || dotted && fraction == "" || !digits(whole) || !digits(fraction) {
		return 0, ErrNotDecimal
	}
	if fraction = strings.TrimRight(fraction, "0"); len(fraction) > decimals {
		return 0, ErrTooManyDecimals
	}
	fraction += strings.Repeat("0", decimals-len(fraction))
	var out int64
	for _, c := range whole + fraction {
		digit := int64(c - '0')
		if out > (math.MaxInt64-digit)/10 {
			return 0, ErrTooLarge
		}
		out = out*10 + digit
	}
	return out, nil
}

// Format writes minor units as decimal text in major units, without trailing zeros: 2900 with exponent 2 is "29".
func Format(minor int64, exponent int) string {
	scale := int64(1)
	for range exponent {
		scale *= 10
	}
	whole, rest := minor/scale, minor%scale
	text := strconv.FormatInt(whole, 10)
	if rest == 0 {
		return text
	}
	fraction := strconv.FormatInt(rest, 10)
	fraction = strings.Repeat("0", exponent-len(fraction)) + fraction
	return text + "." + strings.TrimRight(fraction, "0")
}

func digits(text string) bool {
	return strings.IndexFunc(text, func(c rune) bool { return c < '0' || c > '9' }) < 0
}
