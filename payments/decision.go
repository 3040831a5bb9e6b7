package payments

import (
	"strconv"
	"time"
)

// Verdict is what a decision says of one candidate.
type Verdict string

// The verdicts.
const (
	Chosen   Verdict = "chosen"   // tried first
	Fallback Verdict = "fallback" // tried if those before it certainly did not charge
	Excluded Verdict = "excluded"
)

// Candidate is one gateway configuration in a decision, with the reason in a sentence that an operator can read.
type Candidate struct {
	GatewayConfigurationID string  `json:"gateway_configuration_id"`
	PSP                    string  `json:"psp"`
	Verdict                Verdict `json:"verdict"`
	Reason                 string  `json:"reason"`
	// Score is what a smart route put the candidates in order by: the expected value in minor units, or where no value is
	// known the probability of success. Nil on other routes.
	Score *float64 `json:"score,omitempty"`
	// Estimate is what was believed of the candidate. Nil on other routes.
	Estimate *Estimate `json:"estimate,omitempty"`
	// Unavailable: excluded only for the moment, by its health; it could take the payment otherwise.
	Unavailable bool `json:"unavailable,omitempty"`
	// Page: the payer pays on the PSP's own page.
	Page bool `json:"page,omitempty"`
}

// Sentence is a candidate's reason with what was believed of it, in words.
func (d *Decision) Sentence(c *Candidate) string {
	e := c.Estimate
	if e == nil {
		return c.Reason
	}
	text := c.Reason + "; approval " + percent(e.Approval) + " ± " + percent(e.SD)
	if e.Availability < nearlyAlways {
		text += ", answers " + percent(e.Availability) + " of calls"
	}
	if d.Facts != nil {
		text += e.moneySentence(d.Facts.Amount.Currency)
	}
	if e.Impaired {
		text += ", something is wrong there and it gets probes"
	}
	return text + "; tried first with probability " + percent(e.Propensity)
}

// moneySentence says what the candidate costs and what else the payment is worth there.
func (e *Estimate) moneySentence(c Currency) string {
	text := ""
	if e.FeeMinor != nil {
		text = ", fee " + Money{Minor: *e.FeeMinor, Currency: c}.Decimal() + " " + string(c)
	}
	if e.PromiseMinor != 0 {
		text += ", a promised volume is behind: worth " + Money{Minor: e.PromiseMinor, Currency: c}.Decimal() + " " + string(c) + " here"
	}
	return text
}

// nearlyAlways is an availability that is not worth a word.
const nearlyAlways = 0.9995

func percent(part float64) string { return strconv.FormatFloat(100*part, 'f', 1, 64) + " %" }

// Estimate is what was believed of one candidate at a decision.
type Estimate struct {
	Approval     float64 `json:"approval"`     // probability that the issuer approves, if the PSP answers
	SD           float64 `json:"sd"`           // the doubt about that, as a standard deviation
	Availability float64 `json:"availability"` // probability that the PSP answers
	// Propensity is the exact probability with which the payment went to the candidate first: what off-policy evaluation of
	// the log needs.
	Propensity float64 `json:"propensity"`
	FeeMinor   *int64  `json:"fee_minor,omitempty"` // of an approved payment; nil: no fee is known
	// PromiseMinor is what the payment is worth there beside itself, because a volume that was promised to the PSP is behind: in
	// minor units of the payment's currency.
	PromiseMinor int64 `json:"promise_minor,omitempty"`
	Impaired     bool  `json:"impaired,omitempty"` // something is wrong there, and it gets probes
}

// Decision says where a payment goes and why: chosen first, then the fallbacks in order, then those left out.
type Decision struct {
	ConfigVersion string      `json:"config_version"`
	Rule          string      `json:"rule"`
	Candidates    []Candidate `json:"candidates"`
	DecidedAt     time.Time   `json:"decided_at,omitzero"`
	// Blocked is what the merchant is told when a rule blocks the payment; every candidate is excluded then.
	Blocked string `json:"blocked,omitempty"`
	// Held is why the card must not be tried: because of what became of earlier tries, no candidate is left.
	Held *Hold `json:"held,omitempty"`
	// Explored: chance chose the first candidate, and not what was best by what was known and hoped.
	Explored bool `json:"explored,omitempty"`
	// Learned is how many outcomes smart routing had seen: with the facts, what ties an outcome to the belief that it was
	// decided by.
	Learned uint64 `json:"learned,omitempty"`
	// Arm is the side of a running canary that the payment is on; empty without one.
	Arm Arm `json:"arm,omitempty"`
	// Facts are what the decision was made from; nil in a decision that was stored before facts were.
	Facts *Facts `json:"facts,omitempty"`
}

// Arm is a side of the comparison of two policies.
type Arm string

// The sides.
const (
	ArmControl Arm = "control" // the policy in force
	ArmCanary  Arm = "canary"  // the policy on trial
)

// Order lists the gateway configurations to try, first to last.
func (d *Decision) Order() []Candidate {
	order := make([]Candidate, 0, len(d.Candidates))
	for _, c := range d.Candidates {
		if c.Verdict != Excluded {
			order = append(order, c)
		}
	}
	return order
}

// Facts are what is known of a payment when it is routed. Routing is a pure function of facts, configuration and how things
// stand.
type Facts struct {
	ProjectID   string    `json:"project_id"`
	InvoiceID   string    `json:"invoice_id,omitempty"`
	CustomerID  string    `json:"customer_id,omitempty"`
	Operation   Operation `json:"operation"` // authorize, sale or verify
	Amount      Money     `json:"amount"`
	Scheme      Scheme    `json:"scheme,omitempty"`
	IIN         string    `json:"iin,omitempty"`
	CardCountry string    `json:"card_country,omitempty"`
	Funding     string    `json:"funding,omitempty"` // of the card: "credit", "debit" or "prepaid"; empty when it is not known
	// CustomerCountry is where the customer lives, ISO 3166-1 alpha-2; empty when it is not known.
	CustomerCountry string            `json:"customer_country,omitempty"`
	Intent          string            `json:"payment_intent,omitempty"` // why the payment is made, in the merchant API's words; empty for a one-off payment
	HasCard         bool              `json:"has_card,omitempty"`       // the card itself is in the vault, so that any PSP that takes cards can charge it
	HasCVC          bool              `json:"has_cvc,omitempty"`
	Initiation      Initiation        `json:"initiation,omitempty"`
	Incremental     bool              `json:"incremental,omitempty"`
	Metadata        map[string]string `json:"metadata,omitempty"`
	// Mappings of the token that pays, by gateway configuration. Nil when a card pays.
	Mappings map[string]Mapping `json:"mappings,omitempty"`
	// Page: the payer chooses or enters the method on a PSP's own page.
	Page bool `json:"page,omitempty"`
	// BoundTo is the one gateway configuration that can charge the source; empty when the source is portable.
	BoundTo string `json:"bound_to,omitempty"`
	// History is what became of earlier tries with the card; nil when there were none, or none are counted.
	History *History `json:"history,omitempty"`
}

// Recorded returns the facts as they are kept with a decision: of a saved method, that there is one, and not what the PSP calls
// it.
func (f *Facts) Recorded() *Facts {
	kept := *f
	if f.Mappings == nil {
		return &kept
	}
	kept.Mappings = make(map[string]Mapping, len(f.Mappings))
	for id, m := range f.Mappings {
		mapping := Mapping{Status: m.Status, Only: m.Only, Currency: m.Currency}
		if m.MethodRef != "" {
			mapping.MethodRef = recordedMethod
		}
		kept.Mappings[id] = mapping
	}
	return &kept
}

// recordedMethod stands for a PSP's name of a saved method in recorded facts.
const recordedMethod = "saved"
