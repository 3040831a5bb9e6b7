package backtest

// Report is what the candidate policy would have done.
type Report struct {
	Payments int `json:"payments"` // looked at
	Explored int `json:"explored"` // of them, tried elsewhere than at the best by what was known
	Unknown  int `json:"unknown"`  // without a final outcome: counted in moves and costs, and not in approval

	Kept      float64 `json:"kept"` // stay where they were; expected when the candidate splits by chance
	Moved     float64 `json:"moved"`
	Blocked   int     `json:"blocked"`   // by the candidate and not before
	Unblocked int     `json:"unblocked"` // the other way round
	Moves     []Move  `json:"moves"`

	Costs      []CostChange `json:"costs"`
	WithoutFee int          `json:"without_fee"` // payments left out of the costs
	FeeGaps    []FeeGap     `json:"fee_gaps"`    // where they have no fee

	Approval Approval `json:"approval"`
	Coverage Coverage `json:"coverage"`

	Supported bool     `json:"supported"` // the log can carry a judgement on approval
	Warnings  []string `json:"warnings"`  // why it is not supported
}

// Estimate is a rate or a difference of rates with its 95 % interval, as fractions.
type Estimate struct {
	Rate float64 `json:"rate"`
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// Approval is what is estimated of the approval of all payments with a final outcome.
type Approval struct {
	Payments   int      `json:"payments"`
	Old        Estimate `json:"old"` // counted, with Wilson's interval
	New        Estimate `json:"new"`
	Difference Estimate `json:"difference"`
	// Changed counts the payments on which the verdict rests: those that move, or those that lean when none moves.
	// EffectiveSample is how many payments their evidence is worth.
	Changed         int     `json:"changed"`
	EffectiveSample float64 `json:"effective_sample"`
	// Bound is where weights were cut, Cut the share of payments whose weight was.
	Bound float64 `json:"bound"`
	Cut   float64 `json:"cut"`
	Parts []Part  `json:"parts"` // those that are not empty
}

// Part is a group of payments by how far the policies agree on them.
type Part struct {
	Name            string   `json:"name"`
	Payments        int      `json:"payments"`
	EffectiveSample float64  `json:"effective_sample"`
	Old             Estimate `json:"old"`
	New             Estimate `json:"new"`
}

// Coverage is how much of what the candidate would choose the log has tried, as shares of the payments that it sends
// somewhere.
type Coverage struct {
	Choices        float64 `json:"choices"`          // payments that it sends somewhere
	Untried        float64 `json:"untried"`          // the log could not have chosen this for this payment
	NeverInSegment float64 `json:"never_in_segment"` // nor for any payment of the segment
	NeverAtAll     float64 `json:"never_at_all"`     // nor for any payment
	Gaps           []Gap   `json:"gaps"`             // the largest, at most 20
}

// Gap is a gateway that the candidate would choose in a segment for so many payments, and that the log could not have chosen
// for them.
type Gap struct {
	Segment  string  `json:"segment"`
	Gateway  string  `json:"gateway"`
	Payments float64 `json:"payments"`
}

// mostGaps is how many gaps a report names.
const mostGaps = 20
