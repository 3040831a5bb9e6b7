package rules

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	mathbits "math/bits"
	"slices"
	"strings"
)

// A split is weighted rendezvous hashing. Each gateway configuration draws a number from the payment's key, and the least
// -log2(draw)/weight takes the payment: each gets its share, and a change of one weight moves only payments from or to that
// one. The arithmetic is of integers, so that all machines agree on the last bit.

// splitOrder appends the gateway configurations of a split in the order for this payment. Without a fallback of its own,
// the others of the split stand by in the order in which they would have been picked.
func (r *Route) splitOrder(f *Facts, ids []string) []string {
	key := splitKey(r.SplitBy, r.Salt, f)
	var scratch [usualParts]part
	parts := scratch[:0]
	for i, id := range r.Gateways {
		if r.Weights[i] > 0 {
			parts = append(parts, part{id: id, drawn: draw(key, id), weight: uint64(r.Weights[i])})
		}
	}
	slices.SortStableFunc(parts, func(a, b part) int {
		switch {
		case a.closer(b):
			return -1
		case b.closer(a):
			return 1
		}
		return 0
	})
	if len(r.Fallback) > 0 {
		parts = parts[:1]
	}
	for _, p := range parts {
		ids = append(ids, p.id)
	}
	return ids
}

// usualParts is how many parts of a split are put in order without memory of the heap.
const usualParts = 8

// part is one part of a split, with what it has drawn.
type part struct {
	id            string
	drawn, weight uint64
}

// closer says that a takes the payment rather than b: drawn/weight is less, compared without dividing.
func (a part) closer(b part) bool {
	highA, lowA := mathbits.Mul64(a.drawn, b.weight)
	highB, lowB := mathbits.Mul64(b.drawn, a.weight)
	return highA < highB || highA == highB && lowA < lowB
}

// draw is -log2 of a number between 0 and 1 that depends on the key and the id alone, with logFraction binary digits.
func draw(key uint64, id string) uint64 {
	const fnvOffset, fnvPrime = 14695981039346656037, 1099511628211
	h := uint64(fnvOffset)
	for i := range len(id) {
		h = (h ^ uint64(id[i])) * fnvPrime
	}
	return wordBits<<logFraction - log2(mix(key^mix(h))|1)
}

// mix spreads every bit over all others (the finalizer of SplitMix64).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// logFraction is how many binary digits behind the point a logarithm has.
const logFraction = 40

// log2 is the binary logarithm of x > 0, rounded down to logFraction binary digits: squaring the mantissa gives one digit
// after the other.
func log2(x uint64) uint64 {
	whole := mathbits.Len64(x) - 1
	mantissa := x << (wordBits - 1 - whole) // between 1 and 2, as a fraction of 2^63
	log := uint64(whole)                    //nolint:gosec // 0 to 63
	for range logFraction {
		high, low := mathbits.Mul64(mantissa, mantissa)
		log <<= 1
		if high >= 1<<(wordBits-1) { // the square is 2 or more
			log |= 1
			mantissa = high
		} else {
			mantissa = high<<1 | low>>(wordBits-1)
		}
	}
	return log
}

// splitKey hashes what a split keeps together. Where that is not known, it is the invoice, and of a verification, which has none,
// the customer.
func splitKey(by, salt string, f *Facts) uint64 {
	value := ""
	if key, ok := strings.CutPrefix(by, factNames[factMetadata]); ok {
		value = f.Metadata[key]
	} else if by == byCustomer {
		value = f.CustomerID
	}
	value = cmp.Or(value, f.InvoiceID, f.CustomerID)
	var scratch [256]byte
	text := append(scratch[:0], salt...)
	text = append(text, 0)
	text = append(text, f.ProjectID...)
	text = append(text, 0)
	text = append(text, value...)
	sum := sha256.Sum256(text)
	return binary.BigEndian.Uint64(sum[:])
}

// canarySalt keeps canaries independent of splits.
const canarySalt = "\x00canary"

// InCanary says that a payment is one of those for which the canary's policy decides. The same payment always is or is not,
// and a larger percent only adds payments.
func (p *Policy) InCanary(f *Facts) bool {
	c := p.doc.Canary
	return c != nil && splitKey(c.By, canarySalt, f)%percent < uint64(c.Percent) //nolint:gosec // 1 to 99
}
