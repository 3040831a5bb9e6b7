package rules

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"switchyard/payments"
)

// maxConditionDepth bounds any, all and not within each other.
const maxConditionDepth = 8

// unknownWord asks for a fact that is not known.
const unknownWord = "unknown"

// maxIINDigits is the length of the longest IIN.
const maxIINDigits = 8

// condition reads "when": a mapping whose keys must all hold. It returns nil when it asks for nothing.
func (d *decoder) condition(n *node, depth int) *Condition {
	if depth > maxConditionDepth {
		d.faultf(n.at, CodeTooLarge, "any, all and not are nested more than %d deep", maxConditionDepth)
		return nil
	}
	all := &Condition{Op: OpAll, at: n.at}
	known := keys{}
	add := func(name string, read func(*node) *Condition) {
		known[name] = func(v *node) {
			if c := read(v); c != nil {
				all.Kids = append(all.Kids, c)
			}
		}
	}
	for f := range factKinds {
		if f != factMetadata {
			add(factNames[f], func(v *node) *Condition { return d.factCondition(v, dimension{fact: f}) })
		}
	}
	add("amount", d.amount)
	add(string(OpAny), func(v *node) *Condition { return d.several(v, OpAny, depth) })
	add(string(OpAll), func(v *node) *Condition { return d.several(v, OpAll, depth) })
	add(string(OpNot), func(v *node) *Condition {
		if v.kind == kindMapping && len(v.entries) == 0 {
			d.fault(v.at, CodeEmpty, "not asks for nothing: it would hold of no payment")
		}
		return negate(d.condition(v, depth+1), v.at)
	})
	d.addMetadata(n, add)
	if !d.mapping(n, "a condition", known) {
		return nil
	}
	switch len(all.Kids) {
	case 0:
		return nil
	case 1:
		return all.Kids[0]
	}
	return all
}

// addMetadata makes the keys "metadata.<key>" that stand in the mapping known.
func (d *decoder) addMetadata(n *node, add func(string, func(*node) *Condition)) {
	add(factNames[factMetadata]+"<key>", func(v *node) *Condition {
		d.fault(v.at, CodeUnknownKey, "put the name of a key in the place of <key>, as in metadata.tier")
		return nil
	})
	for _, e := range n.entries {
		key, ok := strings.CutPrefix(e.key, factNames[factMetadata])
		if !ok || key == "" || key == "<key>" {
			continue
		}
		add(e.key, func(v *node) *Condition { return d.factCondition(v, dimension{factMetadata, key}) })
	}
}

func negate(c *Condition, at place) *Condition {
	if c == nil { // a fault was reported
		return nil
	}
	return &Condition{Op: OpNot, Kids: []*Condition{c}, at: at}
}

// several reads the list of conditions of any or all.
func (d *decoder) several(n *node, op Op, depth int) *Condition {
	c := &Condition{Op: op, at: n.at}
	d.list(n, string(op), func(item *node) {
		kid := d.condition(item, depth+1)
		if kid == nil {
			if item.kind == kindMapping && len(item.entries) == 0 {
				d.fault(item.at, CodeEmpty, "this asks for nothing: it holds of every payment")
			}
			return
		}
		c.Kids = append(c.Kids, kid)
	})
	switch len(c.Kids) {
	case 0:
		return nil
	case 1:
		return c.Kids[0]
	}
	return c
}

// factCondition reads what is asked of one fact: a value, a list of values, or {not: …} around them.
func (d *decoder) factCondition(n *node, dim dimension) *Condition {
	if n.kind == kindMapping {
		var inner *Condition
		d.mapping(n, dim.name(), keys{"not": func(v *node) {
			if v.kind == kindMapping {
				d.wants(v, "not must have a value or a list of values")
				return
			}
			inner = d.factCondition(v, dim)
		}})
		if inner == nil {
			if len(n.entries) == 0 {
				d.fault(n.at, CodeEmpty, dim.name()+" asks for nothing: give values, or {not: values}")
			}
			return nil
		}
		return negate(inner, n.at)
	}
	c := &Condition{Op: OpIn, Fact: dim.name(), dim: dim, at: n.at}
	if dim.fact == factIIN {
		c.Op = OpPrefix
	}
	d.oneOrMore(n, dim.name(), func(item *node) {
		values, ok := d.factValue(item, dim)
		if !ok {
			return
		}
		c.Values = append(c.Values, values...)
		c.written = append(c.written, writtenAs(item.text, dim))
	})
	if len(c.Values) == 0 {
		return nil
	}
	slices.Sort(c.Values)
	c.Values = slices.Compact(c.Values)
	return c
}

// writtenAs spells a value in sentences.
func writtenAs(text string, dim dimension) string {
	if dim.fact == factMetadata {
		return strconv.Quote(text)
	}
	return text
}

// factValue reads one value of a fact. A region stands for several.
func (d *decoder) factValue(n *node, dim dimension) ([]string, bool) {
	name := dim.name()
	one := func(text string) ([]string, bool) { return []string{text}, text != "" }
	switch dim.fact {
	case factProject:
		return one(d.text(n, name))
	case factOperation:
		return one(d.oneOf(n, name, operations()))
	case factMethod:
		return one(d.oneOf(n, name, methods()))
	case factScheme:
		return d.maybeUnknown(n, name, schemes())
	case factFunding:
		return d.maybeUnknown(n, name, []string{"credit", "debit", "prepaid"})
	case factIssuerCountry, factCustomerCountry:
		if n.kind == kindText && n.text == unknownWord {
			return []string{""}, true
		}
		list := d.country(n)
		return list, len(list) > 0
	case factIIN:
		if !iinPrefix(n.text) {
			d.faultf(n.at, CodeValue, "%s is not the beginning of a card's number: give 1 to %d digits", quoted(n.text), maxIINDigits)
			return nil, false
		}
		return one(n.text)
	case factMoney:
		c, _ := d.currency(n)
		return one(string(c))
	case factInitiation:
		return one(d.oneOf(n, name, initiations()))
	case factIntent:
		return one(d.oneOf(n, name, intents))
	case factIncremental, factSaved:
		if n.kind != kindBool {
			d.wants(n, name+" must be true or false")
			return nil, false
		}
		return one(strings.ToLower(n.text))
	case factMetadata:
		if n.kind == kindText || n.kind == kindNumber {
			return []string{n.text}, true
		}
		d.wants(n, name+" must be text; put it in quotes")
	case factKinds:
	}
	return nil, false
}

// maybeUnknown reads one of some words, or unknown.
func (d *decoder) maybeUnknown(n *node, name string, words []string) ([]string, bool) {
	word := d.oneOf(n, name, append(words, unknownWord))
	if word == unknownWord {
		return []string{""}, true
	}
	return []string{word}, word != ""
}

func iinPrefix(text string) bool {
	return 0 < len(text) && len(text) <= maxIINDigits && strings.Trim(text, "0123456789") == ""
}

func operations() []string {
	return []string{string(payments.OpAuthorize), string(payments.OpSale), string(payments.OpVerify)}
}

func initiations() []string {
	return []string{string(payments.CustomerInitiated), string(payments.MerchantInitiated)}
}

func methods() []string { return []string{string(MethodCard), string(MethodPage), string(MethodToken)} }

func schemes() []string {
	return []string{
		string(payments.SchemeVisa), string(payments.SchemeMastercard), string(payments.SchemeAmex), string(payments.SchemeDiners),
		string(payments.SchemeJCB), string(payments.SchemeDiscover), string(payments.SchemeUnionPay), string(payments.SchemeMaestro),
		string(payments.SchemeCarteBancaire),
	}
}

// amount reads a range, or a list of ranges in several currencies.
func (d *decoder) amount(n *node) *Condition {
	c := &Condition{Op: OpRange, Fact: "amount", dim: dimension{fact: factMoney}, at: n.at}
	read := func(item *node) {
		if r, ok := d.amountRange(item); ok {
			c.Ranges = append(c.Ranges, r)
		}
	}
	if n.kind == kindList {
		d.list(n, "amount", read)
	} else {
		read(n)
	}
	if len(c.Ranges) == 0 {
		return nil
	}
	slices.SortFunc(c.Ranges, func(a, b Range) int {
		if a.Currency != b.Currency {
			return strings.Compare(string(a.Currency), string(b.Currency))
		}
		return cmp.Or(cmp.Compare(a.Least, b.Least), cmp.Compare(a.Most, b.Most))
	})
	return c
}

// amountRange reads {gte: "50 EUR", lt: "100 EUR"}. All its sums must be in one currency.
func (d *decoder) amountRange(n *node) (Range, bool) {
	r, bounds, ok := Range{Least: noLeast, Most: noMost}, 0, true
	bound := func(set func(minor int64)) func(*node) {
		return func(v *node) {
			m, read := d.money(v, "the bound")
			switch {
			case !read:
				ok = false
				return
			case r.Currency != "" && r.Currency != m.Currency:
				d.faultf(v.at, CodeRange, "this bound is in %s and the other one in %s: a range has one currency", m.Currency, r.Currency)
				ok = false
				return
			}
			r.Currency = m.Currency
			bounds++
			set(m.Minor)
		}
	}
	isRange := d.mapping(n, "amount", keys{
		"gte": bound(func(m int64) { r.Least = max(r.Least, m) }),
		"gt":  bound(func(m int64) { r.Least = max(r.Least, min(m, noMost-1)+1) }),
		"lte": bound(func(m int64) { r.Most = min(r.Most, m) }),
		"lt":  bound(func(m int64) { r.Most = min(r.Most, m-1) }),
		"eq":  bound(func(m int64) { r.Least, r.Most = max(r.Least, m), min(r.Most, m) }),
	})
	switch {
	case !isRange || !ok:
		return r, false
	case bounds == 0:
		d.fault(n.at, CodeEmpty, "the amount has no bound: give gte, gt, lte, lt or eq")
		return r, false
	case r.Least > r.Most || r.Most < 0:
		d.fault(n.at, CodeRange, "no amount is within this range")
		return r, false
	}
	return r, true
}
