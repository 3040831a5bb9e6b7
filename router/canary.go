package router

import (
	"math"
	"sync"

	"switchyard/payments"
	"switchyard/router/rules"
	"switchyard/router/trial"
)

// canary is a policy on trial: it decides for some payments, and what they come to is compared with the others.
type canary struct {
	control, config *Config

	mu      sync.Mutex
	trial   *trial.Trial
	stopped bool
	// currency is the one that values are counted in: of the first payment, unless the policy has rates.
	currency payments.Currency
}

// TrialReport is how a canary stands.
type TrialReport struct {
	Control string       `json:"control"` // config_version of the policy in force
	Canary  string       `json:"canary"`  // config_version of the policy on trial
	Percent int          `json:"percent"` // of the payments that go by the canary, unless it was stopped
	Stopped bool         `json:"stopped"` // by the trial: the canary decides for nobody any more
	Report  trial.Report `json:"report"`
}

// newCanary begins the trial of c's canary, or goes on with the one before, when it is the same. Nil: there is none.
func newCanary(c *Config, before *canary) *canary {
	switch {
	case c.Canary == nil || c.Policy == nil:
		return nil
	case before != nil && before.control.Version == c.Version && before.config.Version == c.Canary.Version:
		return before
	}
	t, err := trial.New(trial.Settings{})
	if err != nil { // the defaults are sound
		return nil
	}
	return &canary{control: c, config: c.Canary, trial: t}
}

// arm says which configuration decides for a payment, and on which side of the trial that is.
func (k *canary) arm(live *Config, f *payments.Facts) (*Config, payments.Arm) {
	if k == nil || k.isStopped() {
		return live, ""
	}
	facts := rules.FactsOf(f)
	if live.Policy.InCanary(&facts) {
		return k.config, payments.ArmCanary
	}
	return live, payments.ArmControl
}

// governing is the configuration that the rest of a payment goes by: that of the canary for the payments that it has decided, while it
// is on trial, and otherwise the one in force.
func (r *Router) governing(d *payments.Decision) *Config {
	current := r.current.Load()
	if k := current.canary; k != nil && d.Arm == payments.ArmCanary && d.ConfigVersion == k.config.Version {
		return k.config
	}
	return current.config
}

func (k *canary) isStopped() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.stopped
}

// Conclusion is what became of a payment as a whole, with all its candidates.
type Conclusion struct {
	Decision *payments.Decision
	Tried    []string // gateway configurations, first to last
	Approved bool     // by the last of them
}

// Conclude tells a running trial what became of a payment. The trial stops a canary that does worse by itself, and tells
// Settings.OnTrial of it, once.
func (r *Router) Conclude(c Conclusion) {
	k := r.current.Load().canary
	if k == nil || c.Decision == nil || c.Decision.Facts == nil || len(c.Tried) == 0 {
		return
	}
	arm, config := trial.Control, k.control
	switch {
	case c.Decision.Arm == payments.ArmCanary && c.Decision.ConfigVersion == k.config.Version:
		arm, config = trial.Canary, k.config
	case c.Decision.Arm != payments.ArmControl || c.Decision.ConfigVersion != k.control.Version:
		return // decided before this trial, or outside of it
	}
	if k.observe(arm, &c, k.value(&c, config)) {
		r.settings.OnTrial(k.report())
	}
}

// observe counts a payment, and says whether that has stopped the canary.
func (k *canary) observe(arm trial.Arm, c *Conclusion, value int64) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.trial.Observe(arm, c.Approved, value) != trial.Worse || k.stopped {
		return false
	}
	k.stopped = true
	return true
}

// value is what a payment was worth by the policy that decided: the margin of what was approved, less all fees that are known,
// in minor units of the trial's currency. What cannot be converted counts as nothing, on both sides.
func (k *canary) value(c *Conclusion, config *Config) int64 {
	facts, amount := rules.FactsOf(c.Decision.Facts), c.Decision.Facts.Amount
	worth := 0.0
	for i, id := range c.Tried {
		fee, known := config.Policy.Fees(id, &facts, c.Decision.DecidedAt)
		if c.Approved && i == len(c.Tried)-1 {
			worth += share(config.Policy.Document().Objective.MarginBPS) * float64(amount.Minor)
			if known {
				worth -= float64(fee.Total())
			}
		} else if known {
			worth -= float64(fee.Attempt)
		}
	}
	value := payments.Money{Minor: int64(math.Round(worth)), Currency: amount.Currency}
	if rates := k.control.Policy.Document().Rates; rates != nil {
		converted, ok := rates.Convert(value, rates.Base)
		if !ok {
			return 0
		}
		return converted
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.currency == "" {
		k.currency = value.Currency
	}
	if k.currency != value.Currency {
		return 0
	}
	return value.Minor
}

func (k *canary) report() TrialReport {
	k.mu.Lock()
	defer k.mu.Unlock()
	return TrialReport{
		Control: k.control.Version, Canary: k.config.Version, Percent: k.control.Policy.Document().Canary.Percent, Stopped: k.stopped,
		Report: k.trial.Report(),
	}
}

// Trial says how the canary stands; false when there is none.
func (r *Router) Trial() (TrialReport, bool) {
	k := r.current.Load().canary
	if k == nil {
		return TrialReport{}, false
	}
	return k.report(), true
}
