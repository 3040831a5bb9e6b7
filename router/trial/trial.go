package trial

import (
	"errors"
	"fmt"
	"math"
)

// Arm is the policy that a payment was routed by.
type Arm int

// The arms.
const (
	Control Arm = iota // the policy in force
	Canary             // the policy on trial
	arms
)

// Decision is what to do with the canary.
type Decision string

// The decisions.
const (
	GoOn   Decision = "go_on"  // nothing can be told yet
	Worse  Decision = "worse"  // stop: the canary loses approval or value
	Better Decision = "better" // the canary wins approval or value, and is not known to lose the other
)

// Settings of a trial. The zero value of a field has the default.
type Settings struct {
	// Alpha is the probability with which one of the intervals may ever be wrong; default 0.05, which makes them 95 % ones.
	Alpha float64 `json:"alpha"`
	// Minimum is how many payments each arm must have before anything is said; default 200.
	Minimum int `json:"minimum"`
	// Effect is the difference that the trial is most eager to see, in standard deviations of the outcome; default 0.1, which
	// is some 3 points of approval.
	Effect float64 `json:"effect"`
}

const (
	defaultAlpha   = 0.05
	defaultMinimum = 200
	defaultEffect  = 0.1
	leastMinimum   = 20 // below, no formula of means is to be trusted
	metrics        = 2
)

// Trial compares two arms. It decides once: what it has said stays said, and later outcomes still count in the report. It is
// not safe for use by several goroutines at once.
type Trial struct {
	settings Settings
	arms     [arms]sums
	decided  Decision
	reason   string
}

// New begins a trial.
func New(s Settings) (*Trial, error) {
	if s.Alpha == 0 {
		s.Alpha = defaultAlpha
	}
	if s.Minimum == 0 {
		s.Minimum = defaultMinimum
	}
	if s.Effect == 0 {
		s.Effect = defaultEffect
	}
	if err := s.check(); err != nil {
		return nil, fmt.Errorf("trial: %w", err)
	}
	return &Trial{settings: s, decided: GoOn}, nil
}

func (s Settings) check() error {
	var faults []error
	if !(s.Alpha > 0 && s.Alpha <= 0.5) {
		faults = append(faults, fmt.Errorf("alpha is %v: give a probability above 0 and up to 0.5, such as 0.05", s.Alpha))
	}
	if s.Minimum < leastMinimum {
		faults = append(faults, fmt.Errorf("the minimum is %d payments: give at least %d", s.Minimum, leastMinimum))
	}
	if !(s.Effect > 0 && s.Effect <= 1) {
		faults = append(faults, fmt.Errorf("the effect is %v standard deviations: give a number above 0 and up to 1, such as 0.1", s.Effect))
	}
	return errors.Join(faults...)
}

// Observe counts the final outcome of a payment and says what to do. The value is what the payment was worth, in minor units
// of one currency for the whole trial: what is earned of it less its fees, negative if fees were all that came of it.
func (t *Trial) Observe(arm Arm, approved bool, value int64) Decision {
	if arm != Control {
		arm = Canary
	}
	t.arms[arm].add(approved, float64(value))
	if t.decided == GoOn && t.ready() {
		t.decide()
	}
	return t.decided
}

// ready says whether both arms have their minimum.
func (t *Trial) ready() bool {
	return min(t.arms[Control].n, t.arms[Canary].n) >= float64(t.settings.Minimum)
}

func (t *Trial) decide() {
	approval, value := t.approval(), t.value()
	switch {
	case approval.High < 0:
		t.decided, t.reason = Worse, approvalText(approval)
	case value.High < 0:
		t.decided, t.reason = Worse, valueText(value)
	case approval.Low > 0:
		t.decided, t.reason = Better, approvalText(approval)
	case value.Low > 0:
		t.decided, t.reason = Better, valueText(value)
	}
}

// approval is the difference of approval, canary less control.
func (t *Trial) approval() Difference {
	return t.difference(t.arms[Control].approval(), t.arms[Canary].approval())
}

// value is the difference of value per payment, canary less control.
func (t *Trial) value() Difference {
	return t.difference(t.arms[Control].value(), t.arms[Canary].value())
}

// difference of two means, with an interval that holds at all times together.
func (t *Trial) difference(control, canary moments) Difference {
	d := canary.mean - control.mean
	pooled := pool(control, canary)
	v := control.doubt(pooled) + canary.doubt(pooled)
	if !(v > 0) {
		return Difference{d, d, d} // every outcome was the same
	}
	mixture := t.settings.Effect * t.settings.Effect * pooled
	width := math.Sqrt(v * (v + mixture) / mixture * (math.Log1p(mixture/v) + 2*math.Log(metrics/t.settings.Alpha)))
	return Difference{d, d - width, d + width}
}
