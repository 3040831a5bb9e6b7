// Package iin reads a table of issuer identification numbers, the first digits of card numbers, and looks up what it tells of a
// card: its issuer's country, how it is funded, its bank. Merchants get such tables from their acquirers or buy them.
package iin

import (
	"sort"

	"switchyard/payments"
)

const (
	shortest = 6 // digits of a row, and of what is looked up
	longest  = 8 // digits that are looked at
	numbers  = 100_000_000
	heads    = 10_000 // beginnings of four digits
	perHead  = numbers / heads
)

// Table tells what is known of cards by their first digits. It is never changed, and safe for concurrent use.
type Table struct {
	// The numbers of eight digits fall into segments. Segment i begins at starts[i] and ends before starts[i+1], and records[of[i]]
	// is known of it. The first begins at 0.
	starts  []uint32
	of      []uint32
	heads   [heads]uint32 // the segment that each beginning of four digits begins in
	records []record      // the first is of what no row tells
	texts   []string      // countries, banks and products; the first is empty
	rows    int
}

// record is what a row tells.
type record struct {
	scheme, funding        uint8  // index of schemes and fundings
	country, bank, product uint32 // index of texts
}

// schemes and fundings are the words of a row. The first is what is not known.
var (
	schemes = [...]payments.Scheme{
		payments.SchemeUnknown, payments.SchemeVisa, payments.SchemeMastercard, payments.SchemeAmex, payments.SchemeDiners, payments.SchemeJCB,
		payments.SchemeDiscover, payments.SchemeUnionPay, payments.SchemeMaestro,
	}
	fundings = [...]string{"", "credit", "debit", "prepaid"}
)

// Rows is how many rows the table was read from.
func (t *Table) Rows() int { return t.rows }

// Lookup returns what is known of the cards whose numbers begin with digits, which may be more than eight: of those, eight are
// looked at. Of six or seven digits it is what all numbers of eight that begin with them have in common. Nothing is known of
// fewer, or of what is not digits.
func (t *Table) Lookup(digits string) payments.IssuerFacts {
	first, last, ok := span(digits)
	if !ok {
		return payments.IssuerFacts{}
	}
	i := t.segment(first)
	known := t.records[t.of[i]]
	for i++; i < len(t.starts) && t.starts[i] <= last; i++ {
		known = known.common(t.records[t.of[i]])
	}
	return payments.IssuerFacts{
		Scheme: schemes[known.scheme], Country: t.texts[known.country], Funding: fundings[known.funding], Bank: t.texts[known.bank], Product: t.texts[known.product],
	}
}

// segment returns the segment that a number of eight digits is in.
func (t *Table) segment(number uint32) int {
	head := number / perHead
	low, high := int(t.heads[head]), len(t.starts)
	if head+1 < heads {
		high = int(t.heads[head+1]) + 1
	}
	return low + sort.Search(high-low, func(i int) bool { return t.starts[low+i] > number }) - 1
}

// common is what two records agree on.
func (r record) common(s record) record {
	if r.scheme != s.scheme {
		r.scheme = 0
	}
	if r.funding != s.funding {
		r.funding = 0
	}
	if r.country != s.country {
		r.country = 0
	}
	if r.bank != s.bank {
		r.bank = 0
	}
	if r.product != s.product {
		r.product = 0
	}
	return r
}

// span returns the first and the last number of eight digits that begins with digits.
func span(digits string) (first, last uint32, ok bool) {
	if len(digits) < shortest {
		return 0, 0, false
	}
	digits = digits[:min(len(digits), longest)]
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return 0, 0, false
		}
		first = first*10 + uint32(digits[i]-'0')
	}
	last = first
	for range longest - len(digits) {
		first, last = first*10, last*10+9
	}
	return first, last, true
}
