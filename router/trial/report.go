package trial

import (
	"fmt"
	"strings"
)

// Difference is canary less control with its interval, which holds at all times together with the other one.
type Difference struct {
	Estimate float64 `json:"estimate"`
	Low      float64 `json:"low"`
	High     float64 `json:"high"`
}

// ArmReport is what happened in an arm.
type ArmReport struct {
	Payments int     `json:"payments"`
	Approved int     `json:"approved"`
	Approval float64 `json:"approval"` // as a fraction
	Value    float64 `json:"value"`    // per payment, in minor units
}

// Report is the state of a trial.
type Report struct {
	Control ArmReport `json:"control"`
	Canary  ArmReport `json:"canary"`
	// Approval and Value are the differences, canary less control. Both are nil until each arm has its minimum of payments.
	Approval *Difference `json:"approval"`
	Value    *Difference `json:"value"`
	// Confidence is that of both intervals together, at all times.
	Confidence float64  `json:"confidence"`
	Decision   Decision `json:"decision"`
	// Sentence says the decision and its reason, as it was when it was made.
	Sentence string `json:"sentence"`
}

// Report says how the trial stands.
func (t *Trial) Report() Report {
	r := Report{
		Control: t.arms[Control].report(), Canary: t.arms[Canary].report(),
		Confidence: 1 - t.settings.Alpha, Decision: t.decided,
	}
	if t.ready() {
		approval, value := t.approval(), t.value()
		r.Approval, r.Value = &approval, &value
	}
	r.Sentence = t.sentence(&r)
	return r
}

func (s *sums) report() ArmReport {
	return ArmReport{Payments: int(s.n), Approved: int(s.approved), Approval: s.approval().mean, Value: s.mean}
}

func (t *Trial) sentence(r *Report) string {
	switch {
	case t.decided == Worse:
		return "Stop: the canary is worse in " + t.reason + "."
	case t.decided == Better:
		return "The canary is better in " + t.reason + "."
	case r.Approval == nil:
		return fmt.Sprintf("Go on: nothing is said before each arm has %d payments; control has %d and the canary %d.",
			t.settings.Minimum, r.Control.Payments, r.Canary.Payments)
	}
	return "Go on: no difference can be told yet in " + approvalText(*r.Approval) + " or in " + valueText(*r.Value) + "."
}

func approvalText(d Difference) string {
	return fmt.Sprintf("approval (%+.2f points, between %+.2f and %+.2f)", 100*d.Estimate, 100*d.Low, 100*d.High)
}

func valueText(d Difference) string {
	return fmt.Sprintf("value per payment (%+.1f minor units, between %+.1f and %+.1f)", d.Estimate, d.Low, d.High)
}

// String is the report in lines that an operator can read.
func (r Report) String() string {
	var b strings.Builder
	for _, arm := range []struct {
		name string
		ArmReport
	}{{"control", r.Control}, {"canary", r.Canary}} {
		fmt.Fprintf(&b, "%s: %d payments, %.2f %% approved, %.1f minor units each\n", arm.name, arm.Payments, 100*arm.Approval, arm.Value)
	}
	if r.Approval != nil {
		fmt.Fprintf(&b, "difference in %s\n", approvalText(*r.Approval))
		fmt.Fprintf(&b, "difference in %s\n", valueText(*r.Value))
		fmt.Fprintf(&b, "both intervals hold together, at all times, with %.4g %%\n", 100*r.Confidence)
	}
	b.WriteString(r.Sentence + "\n")
	return b.String()
}
