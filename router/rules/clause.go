package rules

import (
	"cmp"
	"slices"
)

// clause is a set of payments with one set of classes for each dimension that matters: a box in the space of all payments.
// A rule is one clause or the union of several.
type clause []constraint // by dimension, each once

// constraint takes some classes of one dimension: neither none nor all.
type constraint struct {
	dim int // index into the spaces
	set bits
}

// maxClauses bounds what one rule may become when its any, all and not are multiplied out.
const maxClauses = 128

// cutter turns conditions into clauses.
type cutter struct {
	spaces []*space
	byDim  map[dimension]int
	sets   map[*Condition]bits // of leaves
}

func newCutter(conditions []*Condition) *cutter {
	var leaves []*Condition
	var collect func(c *Condition)
	collect = func(c *Condition) {
		switch {
		case c == nil:
		case c.leaf():
			leaves = append(leaves, c)
		default:
			for _, kid := range c.Kids {
				collect(kid)
			}
		}
	}
	for _, c := range conditions {
		collect(c)
	}
	made := &cutter{byDim: map[dimension]int{}}
	made.spaces, made.sets = newSpaces(leaves)
	for i, s := range made.spaces {
		made.byDim[s.dim] = i
	}
	return made
}

// clauses returns the boxes of a condition, or of its opposite. No box means that nothing is in it. It returns false when
// there would be too many.
func (t *cutter) clauses(c *Condition, negated bool) ([]clause, bool) {
	switch {
	case c == nil && negated:
		return nil, true
	case c == nil:
		return []clause{{}}, true
	case c.leaf():
		return t.leafClauses(c, negated), true
	case c.Op == OpNot:
		return t.clauses(c.Kids[0], !negated)
	case (c.Op == OpAny) != negated:
		return t.union(c.Kids, negated)
	}
	product := []clause{{}}
	for _, kid := range c.Kids {
		factor, ok := t.clauses(kid, negated)
		if !ok || len(product)*len(factor) > maxClauses*maxClauses {
			return nil, false
		}
		var next []clause
		for _, a := range product {
			for _, b := range factor {
				if both, some := a.and(b); some {
					next = append(next, both)
				}
			}
		}
		if product = t.tidy(next); len(product) > maxClauses {
			return nil, false
		}
	}
	return product, true
}

func (t *cutter) union(kids []*Condition, negated bool) ([]clause, bool) {
	var all []clause
	for _, kid := range kids {
		part, ok := t.clauses(kid, negated)
		if !ok {
			return nil, false
		}
		all = append(all, part...)
	}
	all = t.tidy(all)
	return all, len(all) <= maxClauses
}

func (t *cutter) leafClauses(c *Condition, negated bool) []clause {
	dim := t.byDim[c.dim]
	set := t.sets[c]
	if negated {
		set = set.complement(t.spaces[dim].size)
	}
	if set.empty() {
		return nil
	}
	return []clause{{{dim: dim, set: set}}}
}

// tidy joins clauses that differ in nothing but one same dimension when they have no other, and drops those within another.
func (t *cutter) tidy(list []clause) []clause {
	var kept []clause
	alone := map[int]int{} // by dimension: which of kept is about it only
	for _, c := range list {
		if len(c) == 1 {
			if i, ok := alone[c[0].dim]; ok {
				joined := kept[i][0].set.or(c[0].set)
				if joined.complement(t.spaces[c[0].dim].size).empty() {
					return []clause{{}} // together they take everything
				}
				kept[i] = clause{{dim: c[0].dim, set: joined}}
				continue
			}
			alone[c[0].dim] = len(kept)
		}
		kept = append(kept, c)
	}
	var distinct []clause
	for i, c := range kept {
		inOther := func(j int) bool { return i != j && c.within(kept[j]) && (!kept[j].within(c) || j < i) }
		covered := false
		for j := range kept {
			covered = covered || inOther(j)
		}
		if !covered {
			distinct = append(distinct, c)
		}
	}
	return distinct
}

// find returns the classes that the clause takes of a dimension; nil: all.
func (c clause) find(dim int) bits {
	if i, ok := slices.BinarySearchFunc(c, dim, func(x constraint, d int) int { return cmp.Compare(x.dim, d) }); ok {
		return c[i].set
	}
	return nil
}

// with returns the clause with another set in a dimension.
func (c clause) with(dim int, set bits) clause {
	i, ok := slices.BinarySearchFunc(c, dim, func(x constraint, d int) int { return cmp.Compare(x.dim, d) })
	made := slices.Clone(c)
	if ok {
		made[i].set = set
		return made
	}
	return slices.Insert(made, i, constraint{dim, set})
}

// and returns what both clauses take. It returns false when that is nothing.
func (c clause) and(other clause) (clause, bool) {
	both := c
	for _, x := range other {
		set := x.set
		if own := c.find(x.dim); own != nil {
			set = own.and(set)
		}
		if set.empty() {
			return nil, false
		}
		both = both.with(x.dim, set)
	}
	return both, true
}

// meets says that some payment is in both clauses.
func (c clause) meets(other clause) bool {
	for _, x := range c {
		if set := other.find(x.dim); set != nil && !x.set.meets(set) {
			return false
		}
	}
	return true
}

// within says that every payment of the clause is in other.
func (c clause) within(other clause) bool {
	for _, x := range other {
		if own := c.find(x.dim); own == nil || !own.within(x.set) {
			return false
		}
	}
	return true
}
