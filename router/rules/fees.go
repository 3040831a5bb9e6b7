package rules

import (
	"math"
	"math/big"
	mathbits "math/bits"
	"slices"
	"time"

	"switchyard/payments"
)

// Fee is what a payment would cost at a gateway configuration: an estimate, in minor units of the payment's currency. Each
// part is rounded on its own, halves away from zero.
type Fee struct {
	Currency    payments.Currency
	Attempt     int64 // for every attempt, approved or not; the other parts are for approved ones only
	Blended     int64
	Interchange int64
	Scheme      int64
	Markup      int64
	FX          int64
	Row         string // the name of the row, or its number from 1
}

// Total is the fee of an approved payment.
func (f Fee) Total() int64 {
	return f.Attempt + f.Blended + f.Interchange + f.Scheme + f.Markup + f.FX
}

// The parts of a row that can be fixed.
const (
	partAttempt = iota
	partBlended
	partInterchange
	partScheme
	partMarkup
	partCount
)

// feeTable is a schedule made ready.
type feeTable struct {
	schedule *FeeSchedule
	index    *index
	rows     []feeRow
}

type feeRow struct {
	name  string
	bps   [partCount]int64
	fxBPS int64
	// fixed is what is fixed, in every currency that it is known in; anyCurrency: nothing is fixed.
	fixed       map[payments.Currency][partCount]int64
	anyCurrency bool
}

// Fees estimates what an approved payment would cost at a gateway configuration by the schedule of the day. It returns false
// when no schedule or row is for it, or when a fixed fee cannot be converted.
func (p *Policy) Fees(gatewayID string, f *Facts, at time.Time) (Fee, bool) {
	table := p.feeTable(gatewayID, at)
	if table == nil {
		return Fee{}, false
	}
	i := table.index.match(f)
	if i < 0 {
		return Fee{}, false
	}
	row, currency, amount := &table.rows[i], f.Amount.Currency, f.Amount.Minor
	fixed, known := row.fixed[currency]
	if !known && !row.anyCurrency {
		return Fee{}, false
	}
	var parts [partCount]int64
	for j, bps := range row.bps {
		parts[j] = fixed[j] + share(amount, bps)
	}
	fee := Fee{
		Currency: currency, Row: row.name, Attempt: parts[partAttempt], Blended: parts[partBlended],
		Interchange: parts[partInterchange], Scheme: parts[partScheme], Markup: parts[partMarkup],
	}
	if settlement := table.schedule.Settlement; settlement != "" && settlement != currency {
		fee.FX = share(amount, row.fxBPS)
	}
	return fee, amount < math.MaxInt64/partCount/2
}

func (p *Policy) feeTable(gatewayID string, at time.Time) *feeTable {
	tables := p.fees[gatewayID]
	for i := range tables {
		if !at.Before(tables[i].schedule.ValidFrom) {
			return &tables[i]
		}
	}
	return nil
}

// share is so many basis points of an amount, rounded to the minor unit, halves away from zero. bps is at most 10,000.
func share(amount, bps int64) int64 {
	magnitude := uint64(amount) //nolint:gosec // made positive below
	if amount < 0 {
		magnitude = -magnitude
	}
	high, low := mathbits.Mul64(magnitude, uint64(bps)) //nolint:gosec // 0 to 10,000
	low, carry := mathbits.Add64(low, fullBPS/2, 0)
	quotient, _ := mathbits.Div64(high+carry, low, fullBPS)
	if amount < 0 {
		return -int64(quotient) //nolint:gosec // no more than the amount
	}
	return int64(quotient) //nolint:gosec // no more than the amount
}

// addFees makes the tables, the latest first.
func (p *Policy) addFees(d *decoder) {
	for i := range slices.Backward(p.doc.Fees) {
		s := &p.doc.Fees[i]
		conditions := make([]*Condition, len(s.Rows))
		table := feeTable{schedule: s}
		for j := range s.Rows {
			conditions[j] = s.Rows[j].When
			table.rows = append(table.rows, p.doc.Rates.feeRow(s, j))
		}
		made, bad, ok := newIndex(conditions)
		if !ok {
			at := s.at
			if bad >= 0 {
				at = s.Rows[bad].at
			}
			d.fault(at, CodeTooLarge, "these conditions make too many cases: split them")
			continue
		}
		table.index = made
		p.fees[s.Gateway] = append(p.fees[s.Gateway], table)
	}
}

// feeRow makes a row ready: what is fixed, in every currency that there is a rate for.
func (r *Rates) feeRow(s *FeeSchedule, number int) feeRow {
	row := &s.Rows[number]
	made := feeRow{name: row.label(number), fxBPS: row.FXBPS, anyCurrency: true, fixed: map[payments.Currency][partCount]int64{}}
	fixed := row.fixedParts(s)
	made.bps = [partCount]int64{0, row.Blended.BPS, row.Interchange.BPS, row.Scheme.BPS, row.Markup.BPS}
	currencies := r.currencies()
	for _, m := range fixed {
		if m.Minor != 0 {
			made.anyCurrency = false
			currencies = append(currencies, m.Currency)
		}
	}
	for _, c := range currencies {
		if parts, ok := r.convertAll(fixed, c); ok {
			made.fixed[c] = parts
		}
	}
	return made
}

func (row *FeeRow) fixedParts(s *FeeSchedule) [partCount]payments.Money {
	return [partCount]payments.Money{s.Attempt, row.Blended.Fixed, row.Interchange.Fixed, row.Scheme.Fixed, row.Markup.Fixed}
}

func (row *FeeRow) label(number int) string {
	if row.Name != "" {
		return row.Name
	}
	return "row " + big.NewInt(int64(number)+1).String()
}

func (r *Rates) currencies() []payments.Currency {
	if r == nil {
		return nil
	}
	list := []payments.Currency{r.Base}
	for c := range r.PerBase {
		list = append(list, c)
	}
	return list
}

func (r *Rates) convertAll(fixed [partCount]payments.Money, to payments.Currency) (parts [partCount]int64, ok bool) {
	for i, m := range fixed {
		if m.Minor == 0 {
			continue
		}
		if parts[i], ok = r.convert(m, to); !ok {
			return parts, false
		}
	}
	return parts, true
}

// convert returns an amount in minor units of another currency, halves away from zero, if there is a rate.
func (r *Rates) convert(m payments.Money, to payments.Currency) (int64, bool) {
	if m.Currency == to {
		return m.Minor, true
	}
	from, ok := r.perBase(m.Currency)
	into, also := r.perBase(to)
	if !ok || !also {
		return 0, false
	}
	value := new(big.Rat).SetInt64(m.Minor)
	value.Mul(value, into)
	value.Quo(value, from)
	value.Mul(value, powerOfTen(to.Exponent()))
	value.Quo(value, powerOfTen(m.Currency.Exponent()))
	half := big.NewRat(1, 2)
	value.Add(value, half) // amounts of fees are not negative
	minor := new(big.Int).Quo(value.Num(), value.Denom())
	return minor.Int64(), minor.IsInt64() && minor.Int64() < math.MaxInt64/partCount/2
}

// Convert returns an amount in minor units of another currency, halves away from zero, if there is a rate.
func (r *Rates) Convert(m payments.Money, to payments.Currency) (int64, bool) {
	if m.Minor < 0 {
		minor, ok := r.convert(payments.Money{Minor: -m.Minor, Currency: m.Currency}, to)
		return -minor, ok
	}
	return r.convert(m, to)
}

func (r *Rates) perBase(c payments.Currency) (*big.Rat, bool) {
	if r == nil {
		return nil, false
	}
	if c == r.Base {
		return big.NewRat(1, 1), true
	}
	return new(big.Rat).SetString(r.PerBase[c])
}

func powerOfTen(exponent int) *big.Rat {
	return new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(exponent)), nil))
}

// moneyText writes an amount as the file does; nothing when there is none.
func moneyText(m payments.Money) string {
	if m.Currency == "" {
		return ""
	}
	return m.String() + " " + string(m.Currency)
}
