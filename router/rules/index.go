package rules

import mathbits "math/bits"

// maxDimensions is how many dimensions a policy can ask for at most.
const maxDimensions = int(factMetadata) + maxMetadataKeys

// maxIndexBytes bounds the memory of an index.
const maxIndexBytes = 64 << 20

// index finds the first of a list of conditions that holds. For each dimension, the payment's class selects a row: the set
// of clauses that take the class. What is in all rows is what holds; clauses are in the order of the conditions.
type index struct {
	spaces []*space
	rows   [][]bits // by dimension and class
	all    bits     // every clause
	owner  []int    // by clause: the condition that it is of
	first  []int    // by condition: its first clause
	boxes  []clause // by clause
	cut    *cutter  // for conditions of the same dimensions
}

// newIndex makes an index of conditions. bad names the first condition that is too complex, or is -1; ok is false if it is,
// or if the index would be too large.
func newIndex(conditions []*Condition) (made *index, bad int, ok bool) {
	x := &index{cut: newCutter(conditions)}
	x.spaces = x.cut.spaces
	for i, c := range conditions {
		boxes, few := x.cut.clauses(c, false)
		if !few {
			return nil, i, false
		}
		x.first = append(x.first, len(x.boxes))
		for _, box := range boxes {
			x.boxes = append(x.boxes, box)
			x.owner = append(x.owner, i)
		}
	}
	size := 0
	for _, s := range x.spaces {
		size += s.size * len(x.boxes) / 8
	}
	if size > maxIndexBytes || len(x.spaces) > maxDimensions {
		return nil, -1, false
	}
	x.all = fullBits(len(x.boxes))
	x.rows = make([][]bits, len(x.spaces))
	for dim, s := range x.spaces {
		x.rows[dim] = make([]bits, s.size)
		for class := range s.size {
			x.rows[dim][class] = newBits(len(x.boxes))
		}
		for i, box := range x.boxes {
			if set := box.find(dim); set != nil {
				for class := range set.each {
					x.rows[dim][class].add(i)
				}
				continue
			}
			for _, row := range x.rows[dim] {
				row.add(i)
			}
		}
	}
	return x, -1, true
}

// selection are the rows that one payment selects, one for each dimension.
type selection [maxDimensions]bits

// selected looks up the payment's rows.
func (x *index) selected(f *Facts, rows *selection) {
	for i, s := range x.spaces {
		rows[i] = x.rows[i][s.class(f)]
	}
}

// match returns the first condition that holds, or -1.
func (x *index) match(f *Facts) int {
	var rows selection
	x.selected(f, &rows)
	return x.next(&rows, 0)
}

// next returns the first condition at or after from that holds, or -1. Its work is bounded by the size of the index: it has
// no loop that facts could prolong.
func (x *index) next(selected *selection, from int) int {
	if from >= len(x.first) {
		return -1
	}
	rows := selected[:len(x.spaces)]
	start := x.first[from]
	mask := ^uint64(0) << (start % wordBits)
	for w := start / wordBits; w < len(x.all); w++ {
		found := x.all[w] & mask
		mask = ^uint64(0)
		for i := 0; i < len(rows) && found != 0; i++ {
			found &= rows[i][w]
		}
		if found != 0 {
			return x.owner[w*wordBits+mathbits.TrailingZeros64(found)]
		}
	}
	return -1
}

// meeting returns the clauses that have a payment in common with box.
func (x *index) meeting(box clause) bits {
	found := x.all
	for _, c := range box {
		some := newBits(len(x.boxes))
		for class := range c.set.each {
			for i, w := range x.rows[c.dim][class] {
				some[i] |= w
			}
		}
		found = found.and(some)
	}
	return found
}
