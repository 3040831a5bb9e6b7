package router

import (
	"time"

	"switchyard/payments"
	"switchyard/router/learn"
	"switchyard/router/rules"
)

// View is what a decision depends on beside configuration and facts: how things stand at the moment.
type View struct {
	Health   Health
	Beliefs  *learn.Learner // what smart routes choose by; nil: they keep the order of their list
	Switches *Switches      // nil: none is thrown
	Prices   Prices         // nil: no promised volume is behind
}

// Prices say what it is worth to send a payment where a promised volume is behind, beside the payment's own value: for each unit of
// its amount, so that 0.0015 is 15 basis points. What is missing has none.
type Prices map[Priced]float64

// Priced are the payments in one currency at one gateway configuration.
type Priced struct {
	Gateway  string
	Currency payments.Currency
}

// Switches are the kill switches that operators have thrown. Each ends by itself at its time.
type Switches struct {
	Gateways    map[string]Switch                  // by gateway configuration id: nothing is charged there
	Methods     map[string]map[rules.Method]Switch // likewise, for payments by a method
	Learning    Switch                             // smart routes decide by what is known, and nothing is added to it
	Exploration Switch                             // smart routes take the best for certain
	Cost        Switch                             // smart routes look at approval alone
	Cascades    Switch                             // a payment tries one candidate only
}

// Switch is one kill switch. The zero value is not thrown.
type Switch struct {
	Until   time.Time
	Because string // a few words of the operator's
}

// Thrown says that the switch takes effect at a time.
func (s Switch) Thrown(now time.Time) bool { return now.Before(s.Until) }

func (s Switch) words() string {
	text := "switched off until " + s.Until.UTC().Format(time.RFC3339)
	if s.Because != "" {
		text += ": " + s.Because
	}
	return text
}

// refuse returns why a kill switch keeps a payment from a gateway configuration, or "".
func (s *Switches) refuse(e *entry, f *payments.Facts, now time.Time) string {
	if s == nil {
		return ""
	}
	if off := s.Gateways[e.ID]; off.Thrown(now) {
		return e.display + " is " + off.words()
	}
	methods := s.Methods[e.ID]
	if len(methods) == 0 {
		return ""
	}
	method := rules.MethodOf(f)
	if off := methods[method]; off.Thrown(now) {
		return e.display + " is, for payments by " + string(method) + ", " + off.words()
	}
	return ""
}

// limit is how many candidates a payment may try, and why it is no more.
func (s *Switches) limit(p *plan, now time.Time) (int, string) {
	if s != nil && s.Cascades.Thrown(now) {
		return 1, "cascades are " + s.Cascades.words()
	}
	return p.limit, p.overLimit
}
