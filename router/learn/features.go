package learn

import (
	"math/bits"
	"strings"

	"switchyard/payments"
)

// Payment is what is known of a payment when its way is chosen. Fields that are not known stay empty; a payment of which
// nothing is known is still one of all payments.
type Payment struct {
	ID         string // decides, with the policy's version, where the dice fall
	Method     string // "card", "gcash"; empty counts as one method of its own
	Scheme     payments.Scheme
	Country    string // of the issuer, ISO 3166-1 alpha-2
	IIN        string // the first digits of the card number; eight are looked at, never more
	Amount     payments.Money
	Initiation payments.Initiation // empty counts as customer-initiated
	Saved      bool                // a saved method pays
	ThreeDS    bool                // the payer is, or will be, authenticated
	Page       bool                // the payer pays on the PSP's own page
}

// The levels at which payments are grouped, coarse to fine. What is learnt of a payment is learnt at every level at once;
// a group that has not been seen yet starts from the coarser ones.
const (
	levelAll     = iota
	levelMethod  // payment method
	levelScheme  // method and scheme
	levelRegion  // part of the world of the issuer
	levelCountry // country of the issuer
	levelSegment // method, scheme and country: where sudden changes are looked for
	levelIssuer  // the first six digits of the card number
	levelMoney   // currency
	levelAmount  // currency and order of magnitude of the amount
	levelManner  // who starts it, with what, authenticated or not, where
	levels
)

// Keys name the groups of one payment, one per level; 0 where a level does not apply.
type Keys [levels]uint64

// keysOf groups a payment. Names are hashed: two groups that fall together (once in billions) would share what is learnt.
func keysOf(p *Payment) Keys {
	var k Keys
	k[levelAll] = key(levelAll, "", "")
	k[levelMethod] = key(levelMethod, p.Method, "")
	country := upperPair(p.Country)
	if p.Scheme != "" {
		k[levelScheme] = key(levelScheme, p.Method, string(p.Scheme))
	}
	if country != "" {
		k[levelRegion] = key(levelRegion, regionOf(country), "")
		k[levelCountry] = key(levelCountry, country, "")
	}
	k[levelSegment] = mix(key(levelSegment, p.Method, string(p.Scheme)), country)
	if len(p.IIN) >= iinDigits {
		k[levelIssuer] = key(levelIssuer, p.IIN[:iinDigits], "")
	}
	if p.Amount.Currency != "" {
		k[levelMoney] = key(levelMoney, string(p.Amount.Currency), "")
		k[levelAmount] = key(levelAmount, string(p.Amount.Currency), amountName(p.Amount.Minor))
	}
	k[levelManner] = key(levelManner, p.manner(), "")
	return k
}

const iinDigits = 6

// amountSizes name the orders of magnitude: each is four times the one before.
const amountSizes = "0123456789abcdefghijklmnopqrstuvwxyz"

func amountName(minor int64) string {
	size := 0
	if minor > 0 {
		size = bits.Len64(uint64(minor)) / 2
	}
	return amountSizes[size : size+1]
}

// segmentName is the readable name of the payment's segment.
func (p *Payment) segmentName() string {
	return orAny(p.Method) + "/" + orAny(string(p.Scheme)) + "/" + orAny(upperPair(p.Country))
}

func orAny(s string) string {
	if s == "" {
		return "-"
	}
	return clipped(s)
}

// The longest names that are kept of what comes from outside.
const (
	longestPart = 32
	longestName = 3*longestPart + 2
)

func clipped(s string) string { return s[:min(len(s), longestPart)] }

func clippedName(s string) string { return s[:min(len(s), longestName)] }

func (p *Payment) manner() string {
	n := 0
	for i, on := range [...]bool{p.Initiation == payments.MerchantInitiated, p.Saved, p.ThreeDS, p.Page} {
		if on {
			n |= 1 << i
		}
	}
	return amountSizes[n : n+1]
}

// upperPair returns a country code in capitals without memory of the heap, or "" for what is no such code.
func upperPair(s string) string {
	if len(s) != 2 {
		return ""
	}
	if s[0] >= 'A' && s[0] <= 'Z' && s[1] >= 'A' && s[1] <= 'Z' {
		return s
	}
	return strings.ToUpper(s)
}

// key hashes the name of a group (FNV-1a, 64 bits, with a final mix); never 0.
func key(level int, a, b string) uint64 {
	const offset, prime = 14695981039346656037, 1099511628211
	h := uint64(offset)
	h = (h ^ uint64(level)) * prime //nolint:gosec // a small positive number
	for i := range len(a) {
		h = (h ^ uint64(a[i])) * prime
	}
	h = (h ^ 0xff) * prime
	return mix(h, b)
}

func mix(h uint64, s string) uint64 {
	const prime = 1099511628211
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * prime
	}
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 29
	return max(h, 1)
}

// The regions, as far as issuers in one tend to behave alike. A country that is not listed is of the region "other".
const (
	europe       = " AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK "
	britain      = " GB GG IM JE GI "
	northAmerica = " US CA PR "
	latinAmerica = " AR BO BR CL CO CR DO EC GT HN MX NI PA PE PY SV UY VE "
	southEast    = " BN ID KH LA MM MY PH SG TH TL VN "
	eastAsia     = " CN HK JP KR MO TW "
	southAsia    = " BD IN LK NP PK "
	oceania      = " AU NZ FJ PG "
	middleEast   = " AE BH IL JO KW LB OM QA SA TR "
	africa       = " BW CI CM DZ EG ET GH KE MA MU NG RW SN TN TZ UG ZA ZM "
)

func regionOf(country string) string {
	for _, r := range [...]struct{ name, members string }{
		{"europe", europe},
		{"britain", britain},
		{"north america", northAmerica},
		{"latin america", latinAmerica},
		{"south-east asia", southEast},
		{"east asia", eastAsia},
		{"south asia", southAsia},
		{"oceania", oceania},
		{"middle east", middleEast},
		{"africa", africa},
	} {
		if strings.Contains(r.members, country) {
			return r.name
		}
	}
	return "other"
}
