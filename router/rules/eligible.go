package rules

import (
	"slices"
	"time"

	"switchyard/payments"
)

// Refuse returns why the file keeps a payment from a gateway configuration at a time, in a sentence, or "". What is not known
// of a payment is no reason.
func (p *Policy) Refuse(gatewayID string, f *Facts, now time.Time) string {
	g := p.settings[gatewayID]
	if g == nil {
		return ""
	}
	if now.Before(g.OffUntil) {
		return "switched off until " + g.OffUntil.Format(time.RFC3339) + because(g.OffBecause)
	}
	if until := g.MethodsOff[string(f.Method)]; now.Before(until) {
		return "switched off for payments by " + string(f.Method) + " until " + until.Format(time.RFC3339) + because(g.OffBecause)
	}
	scheme, currency := string(f.Scheme), f.Amount.Currency
	switch {
	case !takes(g.Methods, string(f.Method)):
		return "not used for payments by " + string(f.Method)
	case scheme != "" && !takes(g.Schemes, scheme):
		return "not used for " + scheme
	case f.IssuerCountry != "" && !takes(g.Countries, f.IssuerCountry):
		return "not used for cards issued in " + f.IssuerCountry
	case currency != "" && !takes(g.Currencies, currency):
		return "not used for " + string(currency)
	case f.Operation == payments.OpVerify && f.Amount.Minor == 0:
		return ""
	}
	if least, ok := sumIn(g.MinAmount, currency); ok && f.Amount.Minor < least.Minor {
		return "not used below " + least.Decimal() + " " + string(currency)
	}
	if most, ok := sumIn(g.MaxAmount, currency); ok && f.Amount.Minor > most.Minor {
		return "not used above " + most.Decimal() + " " + string(currency)
	}
	return ""
}

func because(text string) string {
	if text == "" {
		return ""
	}
	return ": " + text
}

// takes says whether a sorted list, nil for all, has the value.
func takes[T ~string](list []T, value T) bool {
	if list == nil {
		return true
	}
	_, found := slices.BinarySearch(list, value)
	return found
}

func sumIn(list []payments.Money, c payments.Currency) (payments.Money, bool) {
	for _, m := range list {
		if m.Currency == c {
			return m, true
		}
	}
	return payments.Money{}, false
}
