package rules

import (
	"path"
	"slices"
	"strconv"
	"strings"
)

// Bounds of settings.
const (
	maxPerDay     = 10 // Mastercard counts more declines in 24 hours as excessive
	maxPer30Days  = 15 // Visa's limit of reattempts in 30 days
	maxMemory     = 10_000_000
	maxMemoryDays = 3_650
	maxAuthLoss   = 1_000 // bps
	maxExploreBPS = 2_000
)

func (d *decoder) retry(n *node, r *Retry) {
	r.at = n.at
	before := len(d.faults)
	d.mapping(n, "retry", keys{
		"max_attempts":  func(v *node) { r.MaxAttempts = int(d.whole(v, "max_attempts", 1, maxAttempts)) },
		"classes":       func(v *node) { d.retryClasses(v, r) },
		"reattempt_fee": func(v *node) { r.ReattemptFee = d.sums(v, "reattempt_fee") },
		"budget": func(v *node) {
			d.mapping(v, "budget", keys{
				"per_day": func(v *node) {
					r.PerDay = d.budget(v, "per_day", maxPerDay, "more in 24 hours is what Mastercard calls excessive")
				},
				"per_30_days": func(v *node) {
					r.Per30Days = d.budget(v, "per_30_days", maxPer30Days, "Visa allows no more reattempts in 30 days")
				},
			})
		},
	})
	if r.PerDay > r.Per30Days && len(d.faults) == before {
		d.fault(n.at, CodeRange, "the budget of a day is larger than that of 30 days")
	}
}

func (d *decoder) budget(n *node, what string, most int64, because string) int {
	value := d.whole(n, what, 1, 1_000)
	if value > most {
		d.faultf(n.at, CodeUnsafeRetry, "%s must not be above %d: %s", what, most, because)
	}
	return int(value)
}

// unsafeClasses are the results after which a payment does not move on, whatever a file says, and why.
var unsafeClasses = map[string]string{
	"C": "the payer has to be authenticated at the same PSP first",
	"D": "the payer or the merchant has to change something first",
	"E": "it is for another day",
	"F": "this card must not be tried again anywhere",
	"G": "the money may have moved",
	"I": "the same PSP has to be tried with another credential",
}

// retryClasses reads how often a payment may move on after a result of a class. A class can only be made stricter.
func (d *decoder) retryClasses(n *node, r *Retry) {
	r.Classes = map[string]int{}
	known := keys{}
	for class, most := range map[string]int64{"A": maxAttempts - 1, "B": 1, "H": maxAttempts - 1} {
		known[class] = func(v *node) {
			value := d.whole(v, "class "+class, 0, maxAttempts)
			if value > most {
				d.fault(v.at, CodeUnsafeRetry, "after class "+class+" a payment may move on "+times(most)+" at most")
			}
			r.Classes[class] = int(value)
		}
	}
	for class, because := range unsafeClasses {
		known[class] = func(v *node) {
			if value := d.whole(v, "class "+class, 0, maxAttempts); value > 0 {
				d.fault(v.at, CodeUnsafeRetry, "after class "+class+" a payment never moves on: "+because)
			}
		}
	}
	d.mapping(n, "classes", known)
}

func times(n int64) string {
	if n == 1 {
		return "once"
	}
	return strconv.FormatInt(n, 10) + " times"
}

func (d *decoder) objective(n *node, o *Objective) {
	d.mapping(n, "objective", keys{
		"margin_bps":        func(v *node) { o.MarginBPS = d.whole(v, "margin_bps", 1, fullBPS) },
		"max_auth_loss_bps": func(v *node) { o.MaxAuthLossBPS = d.whole(v, "max_auth_loss_bps", 0, maxAuthLoss) },
	})
}

func (d *decoder) commitments(n *node) []Commitment {
	var list []Commitment
	d.list(n, "commitments", func(item *node) {
		c := Commitment{Period: "month", at: item.at, gatewayAt: item.at}
		var has bool
		ok := d.mapping(item, "a commitment", keys{
			"gateway":       func(v *node) { c.Gateway, c.gatewayAt = d.text(v, "the gateway"), v.at },
			"period":        func(v *node) { c.Period = d.oneOf(v, "period", []string{"month", "quarter", "year"}) },
			"min_volume":    func(v *node) { c.MinVolume, _ = d.money(v, "min_volume"); has = true },
			"shortfall_bps": func(v *node) { c.ShortfallBPS = d.whole(v, "shortfall_bps", 0, fullBPS) },
		})
		if ok && (c.Gateway == "" || !has) {
			d.fault(item.at, CodeMissing, "a commitment needs a gateway and a min_volume")
		}
		list = append(list, c)
	})
	return list
}

func (d *decoder) exploration(n *node, e *Exploration) {
	before := len(d.faults)
	d.mapping(n, "exploration", keys{
		"cap_bps":    func(v *node) { e.CapBPS = d.whole(v, "cap_bps", 0, maxExploreBPS) },
		"floor_bps":  func(v *node) { e.FloorBPS = d.whole(v, "floor_bps", 0, maxExploreBPS) },
		"max_amount": func(v *node) { e.MaxAmount = d.sums(v, "max_amount") },
		"mit":        func(v *node) { e.mitAt, e.MIT = v.at, d.flag(v, "mit") },
	})
	if e.FloorBPS > e.CapBPS && len(d.faults) == before {
		d.fault(n.at, CodeRange, "floor_bps is above cap_bps")
	}
}

func (d *decoder) smart(n *node, s *Smart) {
	d.mapping(n, "smart", keys{
		"memory_payments": func(v *node) { s.MemoryPayments = d.whole(v, "memory_payments", 100, maxMemory) },
		"memory_days":     func(v *node) { s.MemoryDays = d.whole(v, "memory_days", 1, maxMemoryDays) },
		"freeze":          func(v *node) { s.Freeze = d.flag(v, "freeze") },
	})
}

// candidate reads a policy that is tried beside this one. A canary has a percent, a shadow has none: it decides nothing.
func (d *decoder) candidate(n *node, what string) *Candidate {
	c := &Candidate{}
	isCanary := what == "canary"
	known := keys{"file": func(v *node) { c.File = d.relativeFile(v) }}
	if isCanary {
		c.By = byInvoice
		known["percent"] = func(v *node) { c.Percent = int(d.whole(v, "percent", 1, percent-1)) }
		known["by"] = func(v *node) { c.By = d.splitBy(v) }
	}
	if d.mapping(n, what, known) && (!hasKey(n, "file") || isCanary && !hasKey(n, "percent")) {
		d.fault(n.at, CodeMissing, map[bool]string{true: "a canary needs a file and a percent", false: "a shadow needs a file"}[isCanary])
	}
	return c
}

// relativeFile reads the name of a file beside this one.
func (d *decoder) relativeFile(n *node) string {
	name := d.text(n, "the file")
	if name != "" && (path.IsAbs(name) || strings.ContainsAny(name, "\\\x00") || slices.Contains(strings.Split(name, "/"), "..")) {
		d.fault(n.at, CodeValue, "the file must be beside this one: give its name")
	}
	return name
}
