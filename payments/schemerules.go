package payments

import (
	"strconv"
	"strings"
	"time"
)

// SchemeAction is what a card scheme asks after a decline.
type SchemeAction string

// The actions.
const (
	SchemeNever   SchemeAction = "never"   // the same card must not be tried again, at any PSP
	SchemeLater   SchemeAction = "later"   // the merchant may try again after a while
	SchemeFix     SchemeAction = "fix"     // something has to be put right first
	SchemeLimited SchemeAction = "limited" // it may be tried again so many times
)

// SchemeRule is what a card scheme says of one decline.
type SchemeRule struct {
	Scheme   Scheme // whose rule it is
	Response string // the scheme's response code, where there is one
	Advice   string // the advice code, when the rule is about that
	Category int    // Visa's category of the response code, 1 to 4; 0: the scheme has none
	Action   SchemeAction
	After    time.Duration // of SchemeLater: how long after the decline
	Most     int           // of SchemeLimited and SchemeFix: how often the card may be tried again …
	Within   time.Duration // … in how long; 0: no limit is told
	Code     Code          // what the response code means at this scheme, where others mean something else by it; empty: no more than the PSP says
	Meaning  string        // in a few words
	Source   string        // where the rule was read

	with string // the response code that an advice code must come with; empty: any
}

// NeverFor is how long a card is left alone after a rule that forbids another try: for so long Mastercard charges for one at
// once, and Visa counts it. Visa's own rule has no end.
const NeverFor = 30 * 24 * time.Hour

// Visa's bounds of what it allows.
const (
	visaReattempts = 15
	visaWithin     = 30 * 24 * time.Hour
)

// schemeTable is a scheme's list of codes as it held from a day on.
type schemeTable struct {
	scheme    Scheme
	validFrom time.Time // the zero time: from the beginning
	source    string
	rules     map[string]SchemeRule // by code
	others    *SchemeRule           // of a code that is not in the list; nil: nothing is said of it
}

// Where the tables were read.
const (
	sourceVisaFirst = "Visa's excessive reattempts rules as Forte published them before April 2022"
	sourceVisa      = "Visa's response code categories as Checkout.com and PayPal list them since 2022; in force with the fees of April 2022"
	sourceAdvice    = "Mastercard's merchant advice codes and Transaction Processing Excellence programme as Braintree and retries.com list them"
	sourceSoft      = "Thredd's list of soft declines"
)

// responseTables are the lists of response codes, for each scheme the latest first. A PSP that told Visa's category itself
// would come before them; none of ours does.
var responseTables = []schemeTable{
	visaTable(time.Date(2022, time.April, 1, 0, 0, 0, 0, time.UTC), sourceVisa, [3]string{
		"04 07 12 14 15 41 43 46 57 R0 R1 R3",
		"03 19 51 59 61 62 65 75 78 86 91 93 96 N3 N4",
		"1A 54 55 6P 70 74 82 N7",
	}),
	visaTable(time.Time{}, sourceVisaFirst, [3]string{
		"03 04 07 12 15 41 43 46 57 62 78 93 R0 R1 R3",
		"19 51 59 61 65 75 86 91 96 N3 N4",
		"14 1A 54 55 6P 70 74 82 N7",
	}),
	{scheme: SchemeMastercard, source: sourceSoft, rules: map[string]SchemeRule{
		"65": {Action: SchemeFix, Code: CardNeedsAuthentication, Meaning: "the payer has to be authenticated"},
	}},
}

// adviceTables are the lists of advice codes, for each scheme the latest first.
var adviceTables = []schemeTable{{scheme: SchemeMastercard, source: sourceAdvice, rules: map[string]SchemeRule{
	"01": {Action: SchemeFix, Meaning: "there are newer data of the account"},
	"02": {Action: SchemeLater, After: 72 * time.Hour, Meaning: "try again later"},
	"03": {Action: SchemeNever, Meaning: "do not try again"},
	"04": {Action: SchemeFix, Meaning: "the token does not meet the requirements"},
	"21": {Action: SchemeNever, Meaning: "the cardholder has cancelled the payments"},
	"22": {Action: SchemeFix, Meaning: "the merchant does not qualify for the product code"},
	"24": {Action: SchemeLater, After: time.Hour, Meaning: "try again after 1 hour"},
	"25": {Action: SchemeLater, After: 24 * time.Hour, Meaning: "try again after 24 hours"},
	"26": {Action: SchemeLater, After: 2 * 24 * time.Hour, Meaning: "try again after 2 days"},
	"27": {Action: SchemeLater, After: 4 * 24 * time.Hour, Meaning: "try again after 4 days"},
	"28": {Action: SchemeLater, After: 6 * 24 * time.Hour, Meaning: "try again after 6 days"},
	"29": {Action: SchemeLater, After: 8 * 24 * time.Hour, Meaning: "try again after 8 days"},
	"30": {Action: SchemeLater, After: 10 * 24 * time.Hour, Meaning: "try again after 10 days"},
	// Of a card that lacks the money, and never gets more.
	"40": {Action: SchemeNever, with: "51", Meaning: "a prepaid card that cannot be loaded again"},
	"41": {Action: SchemeNever, with: "51", Meaning: "a card number for one payment"},
}}}

func visaTable(from time.Time, source string, categories [3]string) schemeTable {
	t := schemeTable{scheme: SchemeVisa, validFrom: from, source: source, rules: map[string]SchemeRule{}}
	for i, rule := range [...]SchemeRule{
		{Action: SchemeNever, Meaning: "the issuer will never approve"},
		{Action: SchemeLimited, Most: visaReattempts, Within: visaWithin, Meaning: "the issuer cannot approve now"},
		{Action: SchemeFix, Most: visaReattempts, Within: visaWithin, Meaning: "the data are wrong, or the payer has to be authenticated"},
	} {
		rule.Category = i + 1
		for code := range strings.FieldsSeq(categories[i]) {
			t.rules[code] = rule
		}
	}
	pin := t.rules["70"]
	pin.Code = CardMissingPIN // at others: the cardholder is to call the issuer
	t.rules["70"] = pin
	soft := t.rules["1A"]
	soft.Code = CardNeedsAuthentication
	t.rules["1A"] = soft
	t.others = &SchemeRule{Category: 4, Action: SchemeLimited, Most: visaReattempts, Within: visaWithin, Meaning: "any other reason"}
	return t
}

// SchemeRuleAt returns what a card scheme says on a day of a decline with its response code and its advice code, either of
// which may be empty. ok is false when it says nothing. A rule that forbids another try comes before all others, then the
// advice, then the response code.
//
// The same code means different things at different schemes. Only advice that forbids another try is obeyed whatever the
// scheme: PSPs give it in Mastercard's codes for other cards, too, and do not always tell the scheme.
func SchemeRuleAt(scheme Scheme, response, advice string, day time.Time) (rule SchemeRule, ok bool) {
	response, advice = SchemeCode(response), SchemeCode(advice)
	if scheme == SchemeMaestro {
		scheme = SchemeMastercard // Maestro is a brand of its
	}
	rule, ok = ruleIn(responseTables, scheme, response, day)
	advised, isAdvised := ruleIn(adviceTables, SchemeMastercard, advice, day)
	switch {
	case rule.Action == SchemeNever, !isAdvised,
		scheme != SchemeMastercard && advised.Action != SchemeNever,
		advised.with != "" && response != "" && advised.with != response:
	default:
		advised.Advice, advised.Code = advice, rule.Code // advice does not change what the response code means
		rule, ok = advised, true
	}
	if ok {
		rule.Response = response
	}
	return rule, ok
}

// ruleIn returns the rule of a code by the scheme's list that holds on a day.
func ruleIn(tables []schemeTable, scheme Scheme, code string, day time.Time) (SchemeRule, bool) {
	if code == "" {
		return SchemeRule{}, false
	}
	for i := range tables {
		t := &tables[i]
		if t.scheme != scheme || day.Before(t.validFrom) {
			continue
		}
		rule, ok := t.rules[code]
		if !ok && t.others != nil {
			rule, ok = *t.others, true
		}
		if !ok {
			return SchemeRule{}, false
		}
		rule.Scheme, rule.Source = t.scheme, t.source
		return rule, true
	}
	return SchemeRule{}, false
}

// SchemeCode is a scheme's code as the tables have it: a leading zero may have got lost on the way through a number. It is empty
// for a text that cannot be such a code, which is letters and digits, four at most.
func SchemeCode(text string) string {
	code := strings.ToUpper(strings.TrimSpace(text))
	if len(code) > maxSchemeCode || strings.ContainsFunc(code, func(r rune) bool { return (r < '0' || r > '9') && (r < 'A' || r > 'Z') }) {
		return ""
	}
	if len(code) == 1 && code[0] <= '9' {
		code = "0" + code
	}
	return code
}

const maxSchemeCode = 4

// String says the rule in words: "visa, response code 14, category 1: the issuer will never approve".
func (r SchemeRule) String() string {
	text := string(r.Scheme)
	switch {
	case r.Advice != "":
		text += ", advice code " + r.Advice
	case r.Response != "":
		text += ", response code " + r.Response
	}
	if r.Category > 0 {
		text += ", category " + strconv.Itoa(r.Category)
	}
	return text + ": " + r.Meaning
}

// UnderSchemeRules returns what a result comes to under the rules of the card's scheme on a day. A rule that forbids another try
// comes before whatever the PSP has made of the decline, and one that means something else than the PSP says is believed. What
// leaves open whether money moved stays so, and what forbids another try is not softened.
func UnderSchemeRules(r Result, scheme Scheme, day time.Time) Result {
	o := &r.Outcome
	if r.Fault != nil || o.Status != Declined {
		return r
	}
	rule, ok := SchemeRuleAt(scheme, o.NetworkCode, o.AdviceCode, day)
	switch class := o.Class(); {
	case !ok || class == ClassUnknown || class == ClassNever:
	case rule.Action == SchemeNever && class != ClassFixData: // that code says what to correct, and no PSP is tried after it
		o.Code = CardDontRetry
	case rule.Action != SchemeNever && rule.Code != "":
		o.Code = rule.Code
	}
	return r
}
