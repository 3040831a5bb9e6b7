package rules

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"

	"switchyard/payments"
)

// Op is what a node of a condition does.
type Op string

// The operations of conditions.
const (
	OpAll    Op = "all"    // every one of Kids holds
	OpAny    Op = "any"    // at least one of Kids holds
	OpNot    Op = "not"    // the one of Kids does not hold
	OpIn     Op = "in"     // the fact is one of Values
	OpPrefix Op = "prefix" // the fact begins with one of Values
	OpRange  Op = "range"  // the amount is within one of Ranges
)

// Condition is a tree over the facts of a payment. It holds or not, whatever is unknown: an unknown fact is in no list, so
// that "in" does not hold of it and "not in" does. Nil holds of every payment.
type Condition struct {
	Op     Op
	Fact   string       // as the file spells it
	Values []string     // sorted, each once
	Ranges []Range      // any of them
	Kids   []*Condition // in the order of the file

	dim     dimension
	written []string // Values as they stand in the file: regions by their names
	at      place
}

// Range is a range of amounts in one currency, both ends included, in minor units.
type Range struct {
	Currency payments.Currency
	Least    int64
	Most     int64
}

// The ends of a range that is open on one side.
const (
	noLeast = math.MinInt64
	noMost  = math.MaxInt64
)

func (r Range) has(m payments.Money) bool {
	return m.Currency == r.Currency && r.Least <= m.Minor && m.Minor <= r.Most
}

// leaf says that the node asks a fact itself.
func (c *Condition) leaf() bool { return c.Op == OpIn || c.Op == OpPrefix || c.Op == OpRange }

// Holds evaluates the condition as it is written. The index of a Policy does the same faster; tests hold them against each
// other.
func (c *Condition) Holds(f *Facts) bool {
	if c == nil {
		return true
	}
	switch c.Op {
	case OpAll:
		return !slices.ContainsFunc(c.Kids, func(kid *Condition) bool { return !kid.Holds(f) })
	case OpAny:
		return slices.ContainsFunc(c.Kids, func(kid *Condition) bool { return kid.Holds(f) })
	case OpNot:
		return !c.Kids[0].Holds(f)
	case OpIn:
		_, found := slices.BinarySearch(c.Values, f.value(c.dim))
		return found
	case OpPrefix:
		value := f.value(c.dim)
		return slices.ContainsFunc(c.Values, func(prefix string) bool { return strings.HasPrefix(value, prefix) })
	case OpRange:
		return slices.ContainsFunc(c.Ranges, func(r Range) bool { return r.has(f.Amount) })
	}
	return false
}

// MarshalJSON writes the canonical form as a text.
func (c *Condition) MarshalJSON() ([]byte, error) { return json.Marshal(c.canonical()) }

// canonical is a text that is the same for conditions that are written in another order.
func (c *Condition) canonical() string {
	if c == nil {
		return ""
	}
	var b strings.Builder
	b.WriteString(string(c.Op) + "(" + c.Fact)
	for _, v := range c.Values {
		b.WriteString(" " + strconv.Quote(v))
	}
	for _, r := range c.Ranges {
		b.WriteString(" " + string(r.Currency) + " " + strconv.FormatInt(r.Least, 10) + " " + strconv.FormatInt(r.Most, 10))
	}
	kids := make([]string, len(c.Kids))
	for i, kid := range c.Kids {
		kids[i] = kid.canonical()
	}
	slices.Sort(kids)
	return b.String() + strings.Join(kids, ",") + ")"
}

// words says what the condition asks for: "the scheme is visa or mastercard".
func (c *Condition) words() string {
	if c == nil {
		return "every payment"
	}
	switch c.Op {
	case OpAll, OpAny:
		join := " and "
		if c.Op == OpAny {
			join = " or "
		}
		parts := make([]string, len(c.Kids))
		for i, kid := range c.Kids {
			parts[i] = kid.words()
			if !kid.leaf() && kid.Op != OpNot && len(kid.Kids) > 1 {
				parts[i] = "(" + parts[i] + ")"
			}
		}
		return strings.Join(parts, join)
	case OpNot:
		if kid := c.Kids[0]; kid.leaf() {
			return kid.leafWords(true)
		}
		return "not (" + c.Kids[0].words() + ")"
	case OpIn, OpPrefix, OpRange:
	}
	return c.leafWords(false)
}

func (c *Condition) leafWords(negated bool) string {
	not := ""
	if negated {
		not = "not "
	}
	switch {
	case c.Op == OpPrefix:
		if negated {
			return c.dim.words() + " does not begin with " + listOf(c.written)
		}
		return c.dim.words() + " begins with " + listOf(c.written)
	case c.Op == OpRange:
		parts := make([]string, len(c.Ranges))
		for i, r := range c.Ranges {
			parts[i] = r.words()
		}
		return "the amount is " + not + listOf(parts)
	case c.dim.fact == factIncremental || c.dim.fact == factSaved:
		if (c.Values[0] == "true") == negated {
			return "it is not " + c.dim.words()
		}
		return "it is " + c.dim.words()
	}
	return c.dim.words() + " is " + not + listOf(c.written)
}

func (r Range) words() string {
	least, most := payments.Money{Minor: r.Least, Currency: r.Currency}.String(), payments.Money{Minor: r.Most, Currency: r.Currency}.String()
	switch {
	case r.Least == noLeast:
		return "at most " + most + " " + string(r.Currency)
	case r.Most == noMost:
		return "at least " + least + " " + string(r.Currency)
	case r.Least == r.Most:
		return least + " " + string(r.Currency)
	}
	return "from " + least + " to " + most + " " + string(r.Currency)
}

// listOf writes alternatives as people do: "PHP, IDR or USD". Of a long list it shows the beginning.
func listOf(items []string) string {
	const shown = 8
	shorter := items
	if len(items) > shown+1 {
		shorter = append(slices.Clone(items[:shown]), "others")
	}
	var b strings.Builder
	for i, item := range shorter {
		switch {
		case i > 0 && i == len(shorter)-1:
			b.WriteString(" or ")
		case i > 0:
			b.WriteString(", ")
		}
		if item == "" {
			item = "empty"
		}
		b.WriteString(item)
	}
	return b.String()
}

// why says what of the facts makes the condition hold, or keeps it from holding.
func (c *Condition) why(f *Facts) string {
	if c == nil {
		return "it takes every payment"
	}
	holds := c.Holds(f)
	switch c.Op {
	case OpAll, OpAny:
		var reasons []string
		for _, kid := range c.Kids {
			if kid.Holds(f) != holds {
				continue
			}
			reason := kid.why(f)
			if holds == (c.Op == OpAny) { // one is enough to decide
				return reason
			}
			if !slices.Contains(reasons, reason) {
				reasons = append(reasons, reason)
			}
		}
		return strings.Join(reasons, ", and ")
	case OpNot:
		if kid := c.Kids[0]; kid.leaf() {
			return kid.leafWhy(f, !holds)
		}
		return c.Kids[0].why(f)
	case OpIn, OpPrefix, OpRange:
	}
	return c.leafWhy(f, holds)
}

// leafWhy says what the fact is, beside what is asked for.
func (c *Condition) leafWhy(f *Facts, holds bool) string {
	has := f.value(c.dim)
	switch {
	case c.Op == OpRange:
		has = f.Amount.String() + " " + string(f.Amount.Currency)
		if holds {
			return "the amount is " + has
		}
		return "the amount is " + has + ", not " + strings.TrimPrefix(c.leafWords(false), "the amount is ")
	case c.dim.fact == factIncremental || c.dim.fact == factSaved:
		if has == "true" {
			return "it is " + c.dim.words()
		}
		return "it is not " + c.dim.words()
	case has == "":
		has = "not known"
	}
	verb := " is "
	if holds {
		return c.dim.words() + verb + has
	}
	if c.Op == OpPrefix {
		return c.dim.words() + verb + has + " and does not begin with " + listOf(c.written)
	}
	return c.dim.words() + verb + has + ", not " + listOf(c.written)
}
