package backtest

import "math/bits"

// unit is one payment as a share; shares are whole numbers, so that sums are exact in any order.
const (
	unitBits = 60
	unit     = int64(1) << unitBits
)

// sum adds up shares of amounts without rounding.
type sum struct {
	whole int64
	part  int64 // in units, less than one whole
}

// add counts a share of an amount that is not negative. The caller has made sure that the whole fits.
func (s *sum) add(amount, share int64) {
	high, low := bits.Mul64(uint64(amount), uint64(share)) //nolint:gosec // neither is negative
	s.whole += int64(high<<(64-unitBits) | low>>unitBits)  //nolint:gosec // no more than the amount
	s.part += int64(low & (uint64(unit) - 1))
	s.whole += s.part >> unitBits
	s.part &= unit - 1
}

// number is the sum as a number; exact as long as it is whole and below 2⁵³.
func (s *sum) number() float64 { return float64(s.whole) + float64(s.part)/float64(unit) }

// rounded is the sum to the nearest whole, halves up.
func (s *sum) rounded() int64 {
	if s.part >= unit/2 {
		return s.whole + 1
	}
	return s.whole
}

// shares turns probabilities into shares of one unit in place of them; what rounding leaves goes to the largest.
func shares(probabilities []float64, into []int64) []int64 {
	into = into[:0]
	total, largest, rest := 0.0, 0, unit
	for i, p := range probabilities {
		total += p
		if p > probabilities[largest] {
			largest = i
		}
	}
	for _, p := range probabilities {
		share := int64(p / total * float64(unit))
		into = append(into, share)
		rest -= share
	}
	into[largest] += rest
	return into
}
