package payments

import "time"

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
	GatewayConfigurationID string   `json:"gateway_configuration_id"`
	PSP                    string   `json:"psp"`
	Verdict                Verdict  `json:"verdict"`
	Reason                 string   `json:"reason"`
	Score                  *float64 `json:"score,omitempty"`
	// Unavailable: excluded only for the moment, by its health; it could take the payment otherwise.
	Unavailable bool `json:"unavailable,omitempty"`
	// Page: the payer pays on the PSP's own page.
	Page bool `json:"page,omitempty"`
}

// Decision says where a payment goes and why: chosen first, then the fallbacks in order, then those left out.
type Decision struct {
	ConfigVersion string      `json:"config_version"`
	Rule          string      `json:"rule"`
	Candidates    []Candidate `json:"candidates"`
	DecidedAt     time.Time   `json:"decided_at,omitzero"`
	// Blocked is what the merchant is told when a rule blocks the payment; every candidate is excluded then.
	Blocked string `json:"blocked,omitempty"`
}

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

// Facts are what is known of a payment when it is routed. Routing is a pure function of facts, configuration and health.
type Facts struct {
	ProjectID   string
	InvoiceID   string
	CustomerID  string
	Operation   Operation // authorize, sale or verify
	Amount      Money
	Scheme      Scheme
	IIN         string
	CardCountry string
	Funding     string // of the card: "credit", "debit" or "prepaid"; empty when it is not known
	// CustomerCountry is where the customer lives, ISO 3166-1 alpha-2; empty when it is not known.
	CustomerCountry string
	Intent          string // why the payment is made, in the merchant API's words; empty for a one-off payment
	HasCard         bool   // the card itself is in the vault, so that any PSP that takes cards can charge it
	HasCVC          bool
	Initiation      Initiation
	Incremental     bool
	Metadata        map[string]string
	// Mappings of the token that pays, by gateway configuration. Nil when a card pays.
	Mappings map[string]Mapping
	// Page: the payer chooses or enters the method on a PSP's own page.
	Page bool
	// BoundTo is the one gateway configuration that can charge the source; empty when the source is portable.
	BoundTo string
}
