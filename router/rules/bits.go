package rules

import (
	mathbits "math/bits"
	"slices"
)

// bits is a set of small numbers. Sets that meet have the same length.
type bits []uint64

const wordBits = 64

func newBits(size int) bits { return make(bits, (size+wordBits-1)/wordBits) }

func (b bits) add(i int) { b[i/wordBits] |= 1 << (i % wordBits) }

func (b bits) empty() bool { return !slices.ContainsFunc(b, func(w uint64) bool { return w != 0 }) }

// meets says that both sets have something in common.
func (b bits) meets(other bits) bool {
	for i, w := range b {
		if w&other[i] != 0 {
			return true
		}
	}
	return false
}

// within says that other has everything that b has.
func (b bits) within(other bits) bool {
	for i, w := range b {
		if w&^other[i] != 0 {
			return false
		}
	}
	return true
}

func (b bits) and(other bits) bits {
	made := slices.Clone(b)
	for i := range made {
		made[i] &= other[i]
	}
	return made
}

func (b bits) or(other bits) bits {
	made := slices.Clone(b)
	for i := range made {
		made[i] |= other[i]
	}
	return made
}

func (b bits) without(other bits) bits {
	made := slices.Clone(b)
	for i := range made {
		made[i] &^= other[i]
	}
	return made
}

// complement is what of 0 to size-1 is not in b.
func (b bits) complement(size int) bits { return fullBits(size).without(b) }

func fullBits(size int) bits {
	full := newBits(size)
	for i := range full {
		full[i] = ^uint64(0)
	}
	if tail := size % wordBits; tail != 0 {
		full[len(full)-1] = 1<<tail - 1
	}
	return full
}

// each calls yield with the numbers in b, in order, until it returns false.
func (b bits) each(yield func(int) bool) {
	for i, w := range b {
		for ; w != 0; w &= w - 1 {
			if !yield(i*wordBits + mathbits.TrailingZeros64(w)) {
				return
			}
		}
	}
}
