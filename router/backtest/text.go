package backtest

import (
	"fmt"
	"strconv"
	"strings"

	"switchyard/payments"
)

// judge fills in whether the log can carry a judgement, and if not, why.
func (r *Report) judge(s Settings) {
	warn := func(format string, args ...any) { r.Warnings = append(r.Warnings, fmt.Sprintf(format, args...)) }
	a := &r.Approval
	if a.Payments == 0 {
		warn("No payment has a final outcome: nothing can be said of approval.")
	}
	if a.Changed > 0 && a.EffectiveSample < s.Sample {
		warn("Too little evidence: for the %s payments whose choice changes the log is worth %s; a verdict needs %s.",
			count(float64(a.Changed)), count(a.EffectiveSample), count(s.Sample))
	}
	if c := &r.Coverage; c.Untried > s.Untried {
		warn("%s of the new policy's choices were never tried for such payments (%s never in their segment, %s never at all): approval there is unknown.",
			percent(c.Untried), percent(c.NeverInSegment), percent(c.NeverAtAll))
	}
	if share := float64(r.Unknown) / float64(max(r.Payments, 1)); share > s.Unknown {
		warn("%s of the outcomes are not final: replay a time whose outcomes are known.", percent(share))
	}
	r.Supported = len(r.Warnings) == 0
}

// Verdict is the report in one sentence.
func (r *Report) Verdict() string {
	if !r.Supported {
		return "No verdict on approval. " + strings.Join(r.Warnings, " ")
	}
	d := r.Approval.Difference
	switch {
	case d.Low == 0 && d.High == 0:
		return "Supported: approval stays as it is."
	case d.Low > 0:
		return "Supported: approval would rise, by " + between(d) + "."
	case d.High < 0:
		return "Supported: approval would fall, by " + between(Estimate{-d.Rate, -d.High, -d.Low}) + "."
	}
	return "Supported: no difference in approval can be told; it would change by " + between(d) + "."
}

func between(d Estimate) string {
	return fmt.Sprintf("%.2f points (95 %%: %.2f to %.2f)", 100*d.Rate, 100*d.Low, 100*d.High)
}

// String is the report in lines that an operator can read.
func (r *Report) String() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("%s payments: %s stay where they were, %s move.", count(float64(r.Payments)), count(r.Kept), count(r.Moved))
	for _, m := range r.Moves {
		line("  %s -> %s: %s payments, %s", m.From, m.To, count(m.Payments), money(m.Amount))
	}
	line("Blocked that were not: %d. No longer blocked: %d.", r.Blocked, r.Unblocked)
	for _, c := range r.Costs {
		at := func(minor int64) string { return money(payments.Money{Minor: minor, Currency: c.Currency}) }
		line("Fees of %d payments over %s: %s now, %s with the new policy (%s).",
			c.Payments, at(c.Amount), at(c.Old), at(c.New), signed(payments.Money{Minor: c.New - c.Old, Currency: c.Currency}))
	}
	if r.WithoutFee > 0 {
		gaps := make([]string, 0, len(r.FeeGaps))
		for _, g := range r.FeeGaps {
			gaps = append(gaps, fmt.Sprintf("%s %d", g.Gateway, g.Payments))
		}
		line("Payments without a known fee, left out: %d (%s).", r.WithoutFee, strings.Join(gaps, ", "))
	}
	a := &r.Approval
	line("Approval of %d payments: %s now, %s with the new policy.", a.Payments, a.Old.text(), a.New.text())
	line("  difference: %s", between(a.Difference))
	for _, p := range a.Parts {
		line("  %s: %d payments worth %s: %s now, %s with the new policy", p.Name, p.Payments, count(p.EffectiveSample), p.Old.text(), p.New.text())
	}
	if a.Cut > 0 {
		line("  weights cut at %s: %s of the payments", count(a.Bound), percent(a.Cut))
	}
	for _, g := range r.Coverage.Gaps {
		line("Never tried: %s for %s payments of %s.", g.Gateway, count(g.Payments), g.Segment)
	}
	line("%s", r.Verdict())
	return b.String()
}

func (e Estimate) text() string {
	return fmt.Sprintf("%.2f %% (%.2f to %.2f)", 100*e.Rate, 100*e.Low, 100*e.High)
}

func percent(share float64) string {
	return strconv.FormatFloat(100*share, 'f', 1, 64) + " %"
}

// count writes whole numbers without a fraction and expected ones with one digit.
func count(n float64) string {
	if n == float64(int64(n)) {
		return strconv.FormatInt(int64(n), 10)
	}
	return strconv.FormatFloat(n, 'f', 1, 64)
}

func money(m payments.Money) string { return m.Decimal() + " " + string(m.Currency) }

func signed(m payments.Money) string {
	if m.Minor > 0 {
		return "+" + money(m)
	}
	return money(m)
}
