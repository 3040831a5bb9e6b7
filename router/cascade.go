package router

import (
	"strconv"

	"switchyard/payments"
	"switchyard/router/learn"
	"switchyard/router/rules"
)

// Setback is a result after which a payment may go on elsewhere.
type Setback struct {
	Gateway string // the gateway configuration
	Code    payments.Code
	Class   payments.Class // A for a fault that certainly did not charge
}

// CascadePays says whether it is worth for the payment of a decision to go on at another gateway configuration, by the policy's fees: the chance of an approval
// times what it brings has to be more than what the try costs. Without a policy, without fees for that gateway configuration, and
// while the cost step is switched off, it is. why says so in words when it is not.
func (r *Router) CascadePays(d *payments.Decision, f *payments.Facts, after Setback, to string) (pays bool, why string) {
	policy, now := r.governing(d).Policy, r.settings.Now()
	if thrown := r.switches.Load(); policy == nil || f.Operation == payments.OpVerify || thrown != nil && thrown.Cost.Thrown(now) {
		return true, ""
	}
	facts := rules.FactsOf(f)
	fee, known := policy.Fees(to, &facts, now)
	if !known {
		return true, ""
	}
	doc := policy.Document()
	attempt := fee.Attempt + doc.Retry.Reattempt(f.Amount.Currency)
	brings := doc.Objective.Worth(f.Amount.Minor) - (fee.Total() - fee.Attempt)
	chance := r.settings.Cascades.Chance(after.Code, after.Class, after.Gateway, to)
	if chance*float64(brings) > float64(attempt) {
		return true, ""
	}
	words := func(minor int64) string {
		return payments.Money{Minor: minor, Currency: f.Amount.Currency}.Decimal() + " " + string(f.Amount.Currency)
	}
	return false, "another try would cost more than it is worth: at " + to + " a chance of " +
		strconv.FormatFloat(100*chance, 'f', 0, 64) + " % to earn " + words(brings) + ", for " + words(attempt)
}

// ObserveCascade learns what going on at another gateway configuration came to, unless learning is frozen.
func (r *Router) ObserveCascade(after Setback, to string, approved bool) {
	if r.frozen(r.settings.Now()) {
		return
	}
	r.settings.Cascades.Observe(after.Code, after.Class, after.Gateway, to, approved)
}

// Cascades is what has been learnt of second tries, to be saved and loaded.
func (r *Router) Cascades() *learn.Cascades { return r.settings.Cascades }
