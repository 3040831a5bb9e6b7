package rules

import (
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"switchyard/payments"
)

// decoder reads a file strictly and goes on after a fault, so that all are found.
type decoder struct {
	file    string
	lines   []string
	faults  Faults
	regions map[string][]string
	broken  map[*node]bool // of which something has been said already
	rule    string         // the name of the rule that is read
}

// fault reports what is wrong at a place.
func (d *decoder) fault(at place, code Code, message string) {
	switch {
	case len(d.faults) > maxFaults:
		return
	case len(d.faults) == maxFaults:
		at, code, message = place{len(d.lines), 1}, CodeTooManyFaults, "and more: mend these first"
	}
	d.faults = append(d.faults, d.finding(at, SeverityError, code, d.rule, message))
}

func (d *decoder) faultf(at place, code Code, format string, args ...any) {
	d.fault(at, code, fmt.Sprintf(format, args...))
}

func (d *decoder) finding(at place, severity Severity, code Code, rule, message string) Finding {
	f := Finding{Severity: severity, Code: code, File: d.file, Line: at.line, Column: at.column, Rule: rule, Message: message}
	if 0 < at.line && at.line <= len(d.lines) {
		f.Source = strings.TrimRight(d.lines[at.line-1], "\r")
	}
	return f
}

// quoted shows a word of the file, cut if it is long.
func quoted(word string) string {
	const longest = 60
	if runes := []rune(word); len(runes) > longest {
		word = string(runes[:longest]) + "…"
	}
	return strconv.Quote(word)
}

// keys are the keys that a mapping may have, with what reads their values.
type keys map[string]func(*node)

// mapping reads a mapping with known keys. It returns false when n is none.
func (d *decoder) mapping(n *node, what string, known keys) bool {
	if n.kind != kindMapping {
		d.wants(n, what+" must be a mapping, with one \"key: value\" on each line")
		return false
	}
	for _, e := range n.entries {
		read, ok := known[e.key]
		if !ok {
			d.fault(e.at, CodeUnknownKey, quoted(e.key)+" is not a key of "+what+didYouMean(e.key, slices.Sorted(maps.Keys(known))))
			continue
		}
		read(e.value)
	}
	return true
}

// wants reports that another kind of value must stand there.
func (d *decoder) wants(n *node, message string) {
	if d.broken[n] {
		return
	}
	d.broken[n] = true
	if n.kind == kindNothing {
		d.fault(n.at, CodeMissing, "this key has no value: give one, or remove it")
		return
	}
	d.fault(n.at, CodeType, message)
}

// list reads a list of at least one item.
func (d *decoder) list(n *node, what string, read func(*node)) {
	switch {
	case n.kind != kindList:
		d.wants(n, what+" must be a list")
	case len(n.items) == 0:
		d.fault(n.at, CodeEmpty, what+" is an empty list: name something, or remove the key")
	default:
		for _, item := range n.items {
			read(item)
		}
	}
}

// oneOrMore reads a list, or a single value in its place.
func (d *decoder) oneOrMore(n *node, what string, read func(*node)) {
	switch n.kind {
	case kindList:
		d.list(n, what, read)
	case kindMapping, kindNothing:
		d.wants(n, what+" must be a value or a list of values")
	case kindText, kindNumber, kindBool:
		read(n)
	}
}

// text reads a text that is not empty.
func (d *decoder) text(n *node, what string) string {
	if n.kind != kindText {
		d.wants(n, what+" must be text; put it in quotes if it looks like something else")
		return ""
	}
	if strings.TrimSpace(n.text) == "" {
		d.fault(n.at, CodeEmpty, what+" is empty")
	}
	return n.text
}

// whole reads a whole number within bounds.
func (d *decoder) whole(n *node, what string, least, most int64) int64 {
	value, ok := new(big.Int).SetString(n.text, 10)
	switch {
	case n.kind != kindNumber || !ok:
		d.wants(n, what+" must be a whole number")
	case !value.IsInt64() || value.Int64() < least || value.Int64() > most:
		d.faultf(n.at, CodeValue, "%s must be from %d to %d", what, least, most)
	default:
		return value.Int64()
	}
	return 0
}

func (d *decoder) flag(n *node, what string) bool {
	if n.kind != kindBool {
		d.wants(n, what+" must be true or false")
		return false
	}
	return strings.EqualFold(n.text, "true")
}

// oneOf reads one of some words.
func (d *decoder) oneOf(n *node, what string, words []string) string {
	if n.kind != kindText {
		d.wants(n, what+" must be one of: "+strings.Join(words, ", "))
		return ""
	}
	if !slices.Contains(words, n.text) {
		d.fault(n.at, CodeValue, quoted(n.text)+" is not "+article(what)+didYouMean(n.text, words))
		return ""
	}
	return n.text
}

// article puts "a" or "an" before a word, unless it has "the" already.
func article(what string) string {
	switch {
	case strings.HasPrefix(what, "the "):
		return what
	case strings.ContainsRune("aeiou", rune(what[0])):
		return "an " + what
	}
	return "a " + what
}

// money reads a sum with its currency, such as "50 EUR".
func (d *decoder) money(n *node, what string) (payments.Money, bool) {
	const form = " must be a sum with its currency, such as \"50 EUR\""
	if n.kind == kindNumber {
		d.fault(n.at, CodeAmount, what+form+": this number has none")
		return payments.Money{}, false
	}
	if n.kind != kindText {
		d.wants(n, what+form)
		return payments.Money{}, false
	}
	number, code, both := strings.Cut(strings.TrimSpace(n.text), " ")
	if !both {
		d.fault(n.at, CodeAmount, what+form+"; "+quoted(n.text)+" is none")
		return payments.Money{}, false
	}
	currency, ok := d.currencyText(n.at, strings.TrimSpace(code))
	if !ok {
		return payments.Money{}, false
	}
	amount, err := payments.ParseAmount(number, currency)
	if err != nil {
		d.fault(n.at, CodeAmount, quoted(n.text)+" is not an amount: give digits with an optional decimal point, with no more decimals than "+code+" has")
		return payments.Money{}, false
	}
	return amount, true
}

func (d *decoder) currency(n *node) (payments.Currency, bool) {
	if n.kind != kindText {
		d.wants(n, "the currency must be the three letters of its ISO 4217 code")
		return "", false
	}
	return d.currencyText(n.at, n.text)
}

func (d *decoder) currencyText(at place, text string) (payments.Currency, bool) {
	c := payments.Currency(text)
	if !c.Valid() {
		hint := ""
		if upper := payments.Currency(strings.ToUpper(text)); upper.Valid() {
			hint = "; did you mean " + string(upper) + "?"
		}
		d.fault(at, CodeValue, quoted(text)+" is not a currency: give the three letters of its ISO 4217 code"+hint)
		return "", false
	}
	return c, true
}

// Dates outside of these years are typing errors.
const (
	firstYear = 2000
	lastYear  = 2199
)

// day reads a date; it begins at midnight in UTC.
func (d *decoder) day(n *node, what string) time.Time {
	at, err := time.Parse(time.DateOnly, n.text)
	if err != nil || at.Year() < firstYear || at.Year() > lastYear {
		d.wants(n, what+" must be a date, such as 2026-01-31")
		return time.Time{}
	}
	return at
}

// moment reads a time with its zone.
func (d *decoder) moment(n *node, what string) time.Time {
	at, err := time.Parse(time.RFC3339, n.text)
	if at = at.UTC(); err != nil || at.Year() < firstYear || at.Year() > lastYear {
		d.wants(n, what+" must be a time with its zone, such as 2026-01-31T18:00:00Z")
		return time.Time{}
	}
	return at
}
