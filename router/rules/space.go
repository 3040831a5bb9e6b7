package rules

import (
	"cmp"
	"encoding/binary"
	"maps"
	"slices"

	"switchyard/payments"
)

// space is one dimension cut into classes: values that no condition tells apart are in one class. Conditions on the
// dimension are sets of classes, which makes them an algebra that is exact: values of class 0 are those that no condition
// names.
type space struct {
	dim     dimension
	size    int            // classes; class 0 is everything else
	byValue map[string]int // class of a value, or of a prefix
	lengths []int          // of prefixes, longest first
	money   map[payments.Currency]*moneyClasses
}

// moneyClasses are the classes of one currency: amounts between one break and the next.
type moneyClasses struct {
	first  int     // class of amounts below the first break
	breaks []int64 // where another class begins, in order
}

func (m *moneyClasses) classOf(minor int64) int {
	i, exact := slices.BinarySearch(m.breaks, minor)
	if exact {
		i++
	}
	return m.first + i
}

// class returns the class that a payment belongs to.
func (s *space) class(f *Facts) int {
	if s.dim.fact == factMoney {
		return s.moneyClass(f.Amount)
	}
	return s.classOf(f.value(s.dim))
}

func (s *space) moneyClass(m payments.Money) int {
	if in, ok := s.money[m.Currency]; ok {
		return in.classOf(m.Minor)
	}
	return 0
}

// classOf returns the class of a value of any dimension but the money.
func (s *space) classOf(value string) int {
	if s.dim.fact != factIIN {
		return s.byValue[value]
	}
	for _, length := range s.lengths {
		if length <= len(value) {
			if class, ok := s.byValue[value[:length]]; ok {
				return class
			}
		}
	}
	return 0
}

// spaces cuts the dimensions that conditions ask for, in the order of the dimensions, and says for every leaf which classes
// it takes.
func newSpaces(leaves []*Condition) (list []*space, sets map[*Condition]bits) {
	byDim := map[dimension][]*Condition{}
	for _, leaf := range leaves {
		byDim[leaf.dim] = append(byDim[leaf.dim], leaf)
	}
	sets = make(map[*Condition]bits, len(leaves))
	dims := slices.SortedFunc(maps.Keys(byDim), func(a, b dimension) int {
		return cmp.Or(cmp.Compare(a.fact, b.fact), cmp.Compare(a.key, b.key))
	})
	for _, dim := range dims {
		s := &space{dim: dim, size: 1}
		if dim.fact == factMoney {
			s.cutMoney(byDim[dim], sets)
		} else {
			s.cutValues(byDim[dim], sets)
		}
		list = append(list, s)
	}
	return list, sets
}

// cutValues puts the values that the same leaves take into one class.
func (s *space) cutValues(leaves []*Condition, sets map[*Condition]bits) {
	takers := map[string][]int{} // by value: the leaves that name it, in order
	for i, leaf := range leaves {
		for _, v := range leaf.Values {
			takers[v] = append(takers[v], i)
		}
	}
	values := slices.SortedFunc(maps.Keys(takers), func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) })
	s.byValue = make(map[string]int, len(values))
	if s.dim.fact == factIIN {
		for _, v := range values { // short ones first: what takes a prefix takes what begins with it
			takers[v] = mergeSorted(takers[v], takers[longestPrefix(v, takers)])
			if !slices.Contains(s.lengths, len(v)) {
				s.lengths = slices.Insert(s.lengths, 0, len(v))
			}
		}
	}
	bySignature := map[string]int{}
	var takenBy [][]int
	for _, v := range values {
		signature := signatureOf(takers[v])
		class, known := bySignature[signature]
		if !known {
			class = s.size
			s.size++
			bySignature[signature] = class
			takenBy = append(takenBy, takers[v])
		}
		s.byValue[v] = class
	}
	for _, leaf := range leaves {
		sets[leaf] = newBits(s.size)
	}
	for i, indexes := range takenBy {
		for _, leaf := range indexes {
			sets[leaves[leaf]].add(i + 1)
		}
	}
}

func longestPrefix(value string, known map[string][]int) string {
	for length := len(value) - 1; length > 0; length-- {
		if _, ok := known[value[:length]]; ok {
			return value[:length]
		}
	}
	return ""
}

func mergeSorted(a, b []int) []int {
	merged := slices.Concat(a, b)
	slices.Sort(merged)
	return slices.Compact(merged)
}

func signatureOf(indexes []int) string {
	b := make([]byte, 0, len(indexes)*2)
	for _, i := range indexes {
		b = binary.AppendUvarint(b, uint64(i)) //nolint:gosec // an index
	}
	return string(b)
}

// cutMoney cuts each currency that is named at the bounds of its ranges.
func (s *space) cutMoney(leaves []*Condition, sets map[*Condition]bits) {
	s.money = map[payments.Currency]*moneyClasses{}
	cut := func(c payments.Currency, at ...int64) {
		if s.money[c] == nil {
			s.money[c] = &moneyClasses{}
		}
		s.money[c].breaks = append(s.money[c].breaks, at...)
	}
	for _, leaf := range leaves {
		for _, c := range leaf.Values {
			cut(payments.Currency(c))
		}
		for _, r := range leaf.Ranges {
			cut(r.Currency)
			if r.Least != noLeast {
				cut(r.Currency, r.Least)
			}
			if r.Most != noMost {
				cut(r.Currency, r.Most+1)
			}
		}
	}
	for _, c := range slices.Sorted(maps.Keys(s.money)) {
		m := s.money[c]
		slices.Sort(m.breaks)
		m.breaks = slices.Compact(m.breaks)
		m.first = s.size
		s.size += len(m.breaks) + 1
	}
	for _, leaf := range leaves {
		set := newBits(s.size)
		for _, c := range leaf.Values {
			s.addRange(set, Range{Currency: payments.Currency(c), Least: noLeast, Most: noMost})
		}
		for _, r := range leaf.Ranges {
			s.addRange(set, r)
		}
		sets[leaf] = set
	}
}

// addRange adds the classes that have an amount of the range. Of a range that was not cut at, classes may reach beyond it.
func (s *space) addRange(set bits, r Range) {
	m, ok := s.money[r.Currency]
	if !ok {
		set.add(0)
		return
	}
	for class := m.classOf(r.Least); class <= m.classOf(r.Most); class++ {
		set.add(class)
	}
}
