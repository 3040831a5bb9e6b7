package rules

import (
	"cmp"
	"math/big"
	"slices"
	"strings"
	"time"

	"switchyard/payments"
)

// Rates convert fees that are fixed in another currency than the payment's.
type Rates struct {
	AsOf time.Time         `json:"as_of"`
	Base payments.Currency `json:"base"`
	// PerBase is how much of each currency one unit of Base is worth, as a decimal number in major units.
	PerBase map[payments.Currency]string `json:"per_base"`

	at place
}

// FeeSchedule is what one gateway configuration charges from a day on.
type FeeSchedule struct {
	Gateway   string    `json:"gateway"`
	ValidFrom time.Time `json:"valid_from,omitzero"` // the beginning of the day, in UTC; zero: always
	// Settlement is the currency in which the PSP pays out; payments in another one are converted. Empty: always the same.
	Settlement payments.Currency `json:"settlement,omitempty"`
	Attempt    payments.Money    `json:"attempt,omitzero"` // charged for every attempt, approved or not
	Rows       []FeeRow          `json:"rows"`             // the first that matches

	at, gatewayAt place
}

// FeeRow are the fees of the payments that it matches. A part that is zero is not charged.
type FeeRow struct {
	Name        string     `json:"name,omitempty"`
	When        *Condition `json:"when,omitempty"` // nil: every payment
	Blended     FeePart    `json:"blended,omitzero"`
	Interchange FeePart    `json:"interchange,omitzero"`
	Scheme      FeePart    `json:"scheme,omitzero"`
	Markup      FeePart    `json:"markup,omitzero"`
	FXBPS       int64      `json:"fx_bps,omitempty"` // of the amount, when it is converted for settlement

	at place
}

// FeePart is a part of the amount and something fixed.
type FeePart struct {
	BPS   int64          `json:"bps,omitempty"` // hundredths of a percent of the amount
	Fixed payments.Money `json:"fixed,omitzero"`
}

func (d *decoder) rates(n *node) *Rates {
	r := &Rates{PerBase: map[payments.Currency]string{}, at: n.at}
	ok := d.mapping(n, "rates", keys{
		"as_of": func(v *node) { r.AsOf = d.day(v, "as_of") },
		"base":  func(v *node) { r.Base, _ = d.currency(v) },
		"per_base": func(v *node) {
			if v.kind != kindMapping {
				d.wants(v, "per_base must be a mapping of currencies to rates")
				return
			}
			for _, e := range v.entries {
				if c, ok := d.currencyText(e.at, e.key); ok {
					r.PerBase[c] = d.rate(e.value)
				}
			}
		},
	})
	if ok && (!hasKey(n, "as_of") || !hasKey(n, "base") || !hasKey(n, "per_base")) {
		d.fault(n.at, CodeMissing, "rates need as_of (their day), base (a currency) and per_base (what one unit of it is worth)")
	}
	return r
}

// maxRateLength bounds the digits of a rate.
const maxRateLength = 24

// rate reads a positive decimal number, written as text so that no digit is lost.
func (d *decoder) rate(n *node) string {
	text := strings.TrimSpace(n.text)
	digits := strings.Replace(text, ".", "", 1)
	value, ok := new(big.Rat).SetString(text)
	if n.kind != kindText || len(text) > maxRateLength || strings.Trim(digits, "0123456789") != "" || !ok || value.Sign() <= 0 {
		d.wants(n, "a rate must be a decimal number above 0 in quotes, such as \"62.5\"")
		return "1"
	}
	return text
}

// fees reads a list of schedules for each gateway configuration.
func (d *decoder) fees(n *node) []FeeSchedule {
	if n.kind != kindMapping {
		d.wants(n, "fees must be a mapping of gateway configurations to lists of schedules")
		return nil
	}
	var all []FeeSchedule
	for _, e := range n.entries {
		from := len(all)
		d.list(e.value, "the fees of "+quoted(e.key), func(item *node) {
			s := d.schedule(item, e)
			for _, other := range all[from:] {
				if other.ValidFrom.Equal(s.ValidFrom) {
					d.fault(s.at, CodeDuplicate, "another schedule of this gateway configuration is valid from the same day")
				}
			}
			all = append(all, s)
		})
	}
	slices.SortStableFunc(all, func(a, b FeeSchedule) int {
		return cmp.Or(strings.Compare(a.Gateway, b.Gateway), a.ValidFrom.Compare(b.ValidFrom))
	})
	return all
}

func (d *decoder) schedule(n *node, gateway entry) FeeSchedule {
	s := FeeSchedule{Gateway: gateway.key, at: n.at, gatewayAt: gateway.at}
	ok := d.mapping(n, "a schedule", keys{
		"valid_from": func(v *node) { s.ValidFrom = d.day(v, "valid_from") },
		"settlement": func(v *node) { s.Settlement, _ = d.currency(v) },
		"attempt":    func(v *node) { s.Attempt, _ = d.money(v, "attempt") },
		"rows":       func(v *node) { d.list(v, "rows", func(item *node) { s.Rows = append(s.Rows, d.feeRow(item)) }) },
	})
	if ok && !hasKey(n, "rows") {
		d.fault(n.at, CodeMissing, "a schedule needs rows")
	}
	for i := range s.Rows {
		if s.Rows[i].FXBPS > 0 && s.Settlement == "" {
			d.fault(s.Rows[i].at, CodeSettlement, "fx_bps needs the schedule's settlement: the currency in which the PSP pays out")
		}
	}
	return s
}

func (d *decoder) feeRow(n *node) FeeRow {
	r := FeeRow{at: n.at}
	part := func(into *FeePart, what string) func(*node) {
		return func(v *node) {
			d.mapping(v, what, keys{
				"bps":   func(v *node) { into.BPS = d.whole(v, "bps", 0, fullBPS) },
				"fixed": func(v *node) { into.Fixed, _ = d.money(v, "fixed") },
			})
		}
	}
	ok := d.mapping(n, "a row of fees", keys{
		"name":        func(v *node) { r.Name = d.text(v, "the name") },
		"when":        func(v *node) { r.When = d.condition(v, 0) },
		"blended":     part(&r.Blended, "blended"),
		"interchange": part(&r.Interchange, "interchange"),
		"scheme":      part(&r.Scheme, "scheme"),
		"markup":      part(&r.Markup, "markup"),
		"fx_bps":      func(v *node) { r.FXBPS = d.whole(v, "fx_bps", 0, fullBPS) },
	})
	plusPlus := hasKey(n, "interchange") || hasKey(n, "scheme") || hasKey(n, "markup")
	switch {
	case !ok:
	case hasKey(n, "blended") && plusPlus:
		d.fault(n.at, CodeValue, "a row is either blended, or made of interchange, scheme and markup")
	case !hasKey(n, "blended") && !plusPlus:
		d.fault(n.at, CodeMissing, "the row charges nothing: give blended, or interchange, scheme and markup")
	}
	return r
}
