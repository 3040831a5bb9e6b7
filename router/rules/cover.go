package rules

import (
	"slices"
	"strings"

	"switchyard/payments"
)

// verdict is the answer of a search with a bound.
type verdict uint8

const (
	no verdict = iota
	yes
	undecided
)

// prover compares sets of payments. It is sound: what it calls covered is. It is exact where facts are independent of each
// other, which is what boxes assume: it does not know that an IIN belongs to one scheme. Its work is bounded.
type prover struct {
	index *index
	left  int      // comparisons, of everything that is asked
	void  []clause // what no payment can be: other values than all that a fact can have
}

func newProver(x *index) *prover {
	p := &prover{index: x, left: maxComparisons}
	for dim, s := range x.spaces {
		if s.exhausted() {
			other := newBits(s.size)
			other.add(0)
			p.void = append(p.void, clause{{dim: dim, set: other}})
		}
	}
	return p
}

// exhausted says that conditions name every value that the fact can have.
func (s *space) exhausted() bool {
	var domain []string
	switch s.dim.fact {
	case factOperation:
		domain = operations()
	case factMethod:
		domain = methods()
	case factInitiation:
		domain = initiations()
	case factIntent:
		domain = intents
	case factIncremental, factSaved:
		domain = []string{"true", "false"}
	case factProject, factScheme, factFunding, factIssuerCountry, factCustomerCountry, factIIN, factMoney, factMetadata, factKinds:
		return false
	}
	return !slices.ContainsFunc(domain, func(v string) bool { return s.byValue[v] == 0 })
}

// Bounds of the work, in comparisons of two boxes.
const (
	maxComparisons     = 20_000_000
	maxComparisonsRule = 200_000
)

// covered says whether every payment of the boxes is in one of list. With an empty list it says that there is none.
func (p *prover) covered(boxes, list []clause) verdict {
	list = slices.Concat(p.void, list)
	budget := min(p.left, maxComparisonsRule)
	p.left -= budget
	defer func() { p.left += max(budget, 0) }()
	for _, box := range boxes {
		if v := p.boxCovered(box, list, &budget); v != yes {
			return v
		}
	}
	return yes
}

// boxCovered cuts off what the first of list has in common with box, and asks whether the rest is in the others.
func (p *prover) boxCovered(box clause, list []clause, budget *int) verdict {
	for i, other := range list {
		if *budget--; *budget < 0 {
			return undecided
		}
		if !box.meets(other) {
			continue
		}
		for _, x := range other {
			own := p.setOf(box, x.dim)
			if outside := own.without(x.set); !outside.empty() {
				if v := p.boxCovered(box.with(x.dim, outside), list[i+1:], budget); v != yes {
					return v
				}
			}
			box = box.with(x.dim, own.and(x.set))
		}
		return yes
	}
	return no
}

// without returns what of box is not in other, in boxes that do not meet.
func (p *prover) without(box, other clause) []clause {
	var pieces []clause
	for _, x := range other {
		own := p.setOf(box, x.dim)
		if outside := own.without(x.set); !outside.empty() {
			pieces = append(pieces, box.with(x.dim, outside))
		}
		box = box.with(x.dim, own.and(x.set))
	}
	return pieces
}

// setOf returns the classes that a box takes of a dimension, all of them if it does not care.
func (p *prover) setOf(box clause, dim int) bits {
	if set := box.find(dim); set != nil {
		return set
	}
	return fullBits(p.index.spaces[dim].size)
}

// boxesOf are the boxes of one condition.
func (x *index) boxesOf(condition int) []clause {
	end := len(x.boxes)
	if condition+1 < len(x.first) {
		end = x.first[condition+1]
	}
	return x.boxes[x.first[condition]:end]
}

// before returns the conditions before one that have payments in common with it, in order.
func (x *index) before(condition int) []int {
	var list []int
	for _, box := range x.boxesOf(condition) {
		for i := range x.meeting(box).each {
			if owner := x.owner[i]; owner < condition {
				list = append(list, owner)
			}
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// example describes a payment of a box.
func (x *index) example(box clause) string {
	var parts []string
	for _, c := range box {
		for class := range c.set.each {
			if text := x.spaces[c.dim].example(class); text != "" {
				parts = append(parts, text)
				break
			}
		}
	}
	if len(parts) == 0 {
		return "any payment"
	}
	return strings.Join(parts, ", ")
}

// example describes a value of a class; class 0 has none that is named anywhere.
func (s *space) example(class int) string {
	for _, currency := range sortedKeys(s.money) {
		m := s.money[currency]
		switch {
		case class == m.first:
			return s.dim.words() + " " + string(currency)
		case class > m.first && class <= m.first+len(m.breaks):
			return payments.MinorText(m.breaks[class-m.first-1], currency) + " " + string(currency)
		}
	}
	for _, value := range sortedKeys(s.byValue) {
		switch {
		case s.byValue[value] != class:
		case value == "":
			return s.dim.words() + " not known"
		case s.dim.fact == factIncremental || s.dim.fact == factSaved:
			return s.dim.words() + " " + value
		default:
			return s.dim.words() + " " + value
		}
	}
	return ""
}
