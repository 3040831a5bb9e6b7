package iin

import (
	"cmp"
	"slices"
)

// maxDepth is how many ranges may lie over one number: banks carve a product's range out of their own, and not much more.
const maxDepth = 32

// row is a range of numbers of eight digits and what is known of them.
type row struct {
	first, last uint32
	record      uint32
	line        uint32
}

// builder lays rows over each other: the narrowest range around a number tells of it.
type builder struct {
	*Table

	open []row  // the ranges around at, in the order of their first numbers
	at   uint32 // everything before it has its segment
}

// build makes the table's segments of its rows. It reports rows that contradict each other.
func (t *Table) build(rows []row, fault func(line int, message string, other int)) {
	slices.SortFunc(rows, func(a, b row) int {
		return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(b.last, a.last), cmp.Compare(a.line, b.line)) // the wider first
	})
	b := builder{Table: t}
	for _, r := range rows {
		b.advance(r.first)
		if message, other := b.contradiction(r); message != "" {
			fault(int(max(r.line, other)), message, int(min(r.line, other)))
			continue
		}
		b.open = append(b.open, r)
	}
	b.advance(numbers)
	t.starts, t.of = slices.Clip(t.starts), slices.Clip(t.of)
	segment := 0
	for head := range t.heads {
		for segment+1 < len(t.starts) && t.starts[segment+1] <= uint32(head)*perHead {
			segment++
		}
		t.heads[head] = uint32(segment)
	}
}

// contradiction says why it is not clear what holds where r and an open range overlap, and the line of the other one.
func (b *builder) contradiction(r row) (message string, other uint32) {
	for _, o := range b.open {
		switch {
		case o.record == r.record:
		case o.first == r.first && o.last == r.last:
			return "tells something else of the same numbers than line %d: remove one of them", o.line
		case o.last < r.last:
			return "overlaps the range of line %d in part and tells something else, so that it is not clear which holds: let one lie within the other, or apart", o.line
		}
	}
	if len(b.open) == maxDepth {
		return "is one of more than 32 ranges over the same numbers, line %d among them: remove those that the narrower ones make needless", b.open[0].line
	}
	return "", 0
}

// advance makes the segments up to a number.
func (b *builder) advance(to uint32) {
	for b.at < to {
		if len(b.open) == 0 {
			b.segmentFrom(b.at, 0)
			b.at = to
			return
		}
		narrowest := slices.MinFunc(b.open, func(x, y row) int { return cmp.Compare(x.last-x.first, y.last-y.first) })
		b.segmentFrom(b.at, narrowest.record)
		b.at = min(narrowest.last+1, to)
		b.open = slices.DeleteFunc(b.open, func(r row) bool { return r.last < b.at })
	}
}

// segmentFrom begins a segment, unless the one before tells the same.
func (b *builder) segmentFrom(start, record uint32) {
	if n := len(b.of); n > 0 && b.of[n-1] == record {
		return
	}
	b.starts, b.of = append(b.starts, start), append(b.of, record)
}
