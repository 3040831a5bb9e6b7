package rules

import (
	"time"

	"switchyard/payments"
)

// Document is a file as it was read: checked by itself, but not yet against the gateway configurations that there are.
// Its JSON is its canonical form: positions, comments and the order of keys are not in it, defaults and regions are written
// out.
type Document struct {
	Gateways    []GatewaySettings `json:"gateways"` // in the order of their ids
	Rates       *Rates            `json:"rates,omitempty"`
	Fees        []FeeSchedule     `json:"fees"` // by gateway configuration, then by date
	Rules       []Rule            `json:"rules"`
	Default     Route             `json:"default"`
	Retry       Retry             `json:"retry"`
	Objective   Objective         `json:"objective"`
	Commitments []Commitment      `json:"commitments"`
	Exploration Exploration       `json:"exploration"`
	Smart       Smart             `json:"smart"`
	Shadow      *Candidate        `json:"shadow,omitempty"`
	Canary      *Candidate        `json:"canary,omitempty"`

	source *decoder // for the places of what is found later
}

// GatewaySettings narrow what one gateway configuration is used for. They can only take away.
type GatewaySettings struct {
	ID         string              `json:"id"`
	Labels     []string            `json:"labels,omitempty"`
	Methods    []string            `json:"methods,omitempty"`    // nil: all
	Schemes    []string            `json:"schemes,omitempty"`    // nil: all
	Countries  []string            `json:"countries,omitempty"`  // of the issuer; nil: all
	Currencies []payments.Currency `json:"currencies,omitempty"` // nil: all
	MinAmount  []payments.Money    `json:"min_amount,omitempty"`
	MaxAmount  []payments.Money    `json:"max_amount,omitempty"`
	// Kill switches: out of use until the time is reached.
	OffUntil   time.Time            `json:"off_until,omitzero"`
	OffBecause string               `json:"off_because,omitempty"`
	MethodsOff map[string]time.Time `json:"methods_off,omitempty"`

	at, offAt    place
	methodsOffAt map[string]place
}

// Rule sends the payments that it matches to a route.
type Rule struct {
	Name  string     `json:"name"`
	When  *Condition `json:"when,omitempty"` // nil: every payment
	Route Route      `json:"route"`
	// Fail: when none of the route can take the payment, it is refused; otherwise the next rule is asked.
	Fail bool `json:"fail,omitempty"`

	at, whenAt place
}

// RouteKind is how a route puts its gateway configurations in order.
type RouteKind string

// The kinds of routes.
const (
	RoutePriority RouteKind = "priority" // as listed
	RouteSplit    RouteKind = "split"    // by weight, the same payment always to the same place
	RouteCheapest RouteKind = "cheapest" // by the estimated fee
	RouteSmart    RouteKind = "smart"    // by expected value
	RouteBlock    RouteKind = "block"    // nowhere
)

// Route says where payments go.
type Route struct {
	Kind RouteKind `json:"kind"`
	// Gateways are the ids of gateway configurations: in order, or the ones among which the kind decides. Empty for a smart
	// route among all.
	Gateways []string `json:"gateways,omitempty"`
	Weights  []int    `json:"weights,omitempty"` // of a split, in percent, beside Gateways
	// SplitBy is what a split keeps together: "invoice", "customer" or "metadata.<key>".
	SplitBy  string   `json:"split_by,omitempty"`
	Salt     string   `json:"salt,omitempty"` // makes splits independent of each other
	Fallback []string `json:"fallback,omitempty"`
	Message  string   `json:"message,omitempty"` // of a block: for the merchant

	at         place
	gatewaysAt []place // beside Gateways
	fallbackAt []place // beside Fallback
	labels     []labelled
	salted     bool
}

// labelled is a label in a list of gateway configurations, for which they are put in later.
type labelled struct {
	label    string
	at       place
	fallback bool
	before   int // how many stand before it in the list
}

// Retry bounds how a payment moves on. It can only be stricter than what is safe.
type Retry struct {
	MaxAttempts int `json:"max_attempts,omitempty"` // 0: as the main configuration says
	// Classes is how often a payment may move on after a result of a class: 'A', 'B' or 'H'.
	Classes   map[string]int `json:"classes"`
	PerDay    int            `json:"per_day"`     // declined attempts with one card in 24 hours, at all gateway configurations
	Per30Days int            `json:"per_30_days"` // likewise in 30 days
	// ReattemptFee is what a scheme charges for each further try, in each currency that it is known in.
	ReattemptFee []payments.Money `json:"reattempt_fee,omitempty"`

	at place
}

// MayMoveOn says whether the file lets a payment go on to the next candidate after a result of a class, when it has moved on so
// many times after that class already. It is asked beside payments.CanTryNext, never in its stead.
func (r *Retry) MayMoveOn(class payments.Class, times int) bool {
	most, said := r.Classes[class.String()]
	return !said || times < most
}

// Reattempt is what a scheme charges for a further try of a payment in a currency, in minor units; 0 when nothing is said of it.
func (r *Retry) Reattempt(c payments.Currency) int64 {
	for _, m := range r.ReattemptFee {
		if m.Currency == c {
			return m.Minor
		}
	}
	return 0
}

// Objective says what a payment is worth.
type Objective struct {
	MarginBPS      int64 `json:"margin_bps"`        // of the amount of an approved payment
	MaxAuthLossBPS int64 `json:"max_auth_loss_bps"` // how much approval a lower cost may buy at most
}

// Worth is what an approved payment of an amount is worth before fees, in minor units.
func (o *Objective) Worth(minor int64) int64 { return share(minor, o.MarginBPS) }

// Commitment is a volume that was promised to a PSP.
type Commitment struct {
	Gateway      string         `json:"gateway"`
	Period       string         `json:"period"` // "month", "quarter" or "year"
	MinVolume    payments.Money `json:"min_volume"`
	ShortfallBPS int64          `json:"shortfall_bps"` // paid on what is missing

	at, gatewayAt place
}

// Exploration bounds how often a smart route tries something else than the best.
type Exploration struct {
	CapBPS    int64            `json:"cap_bps"`   // of the payments
	FloorBPS  int64            `json:"floor_bps"` // for every candidate
	MaxAmount []payments.Money `json:"max_amount,omitempty"`
	MIT       bool             `json:"mit"` // merchant-initiated payments too

	mitAt place
}

// Smart are the parameters of smart routes.
type Smart struct {
	// How long what is learnt of approvals lasts, in payments and in days: both pass at once.
	MemoryPayments int64 `json:"memory_payments"`
	MemoryDays     int64 `json:"memory_days"`
	Freeze         bool  `json:"freeze"` // decide, but learn nothing
}

// Candidate is a policy that is tried beside this one.
type Candidate struct {
	File    string `json:"file"`
	Percent int    `json:"percent,omitempty"` // of a canary
	By      string `json:"by,omitempty"`      // what a canary keeps together, as Route.SplitBy
}

// The defaults of what a file leaves out. The budgets are stricter than the schemes' own.
const (
	defaultPerDay         = 4
	defaultPer30Days      = 10
	defaultMarginBPS      = 10_000
	defaultMaxAuthLossBPS = 20
	defaultExploreCapBPS  = 500
	defaultExploreFloor   = 20
	defaultMemory         = 70_000
	defaultMemoryDays     = 30
)
