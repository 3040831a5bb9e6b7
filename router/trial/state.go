package trial

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
)

// stateVersion is the version of the saved form. Another one is refused.
const stateVersion = 1

// ErrState is the error of a saved trial that cannot be taken up; the Trial is as it was before.
var ErrState = errors.New("trial: the saved state is not usable")

type saved struct {
	Version  int              `json:"version"`
	Settings Settings         `json:"settings"`
	Arms     [arms][4]float64 `json:"arms"` // control and canary: payments, approved, mean value, squares
	Decision Decision         `json:"decision"`
	Reason   string           `json:"reason,omitempty"`
}

// MarshalJSON writes the whole state.
func (t *Trial) MarshalJSON() ([]byte, error) {
	s := saved{Version: stateVersion, Settings: t.settings, Decision: t.decided, Reason: t.reason}
	for i, a := range t.arms {
		s.Arms[i] = [4]float64{a.n, a.approved, a.mean, a.squares}
	}
	return json.Marshal(s)
}

// UnmarshalJSON takes up a saved state in place of what was counted. One that no trial can have come to is refused.
func (t *Trial) UnmarshalJSON(text []byte) error {
	var s saved
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&s); err != nil {
		return fmt.Errorf("%w: %w", ErrState, err)
	}
	if s.Version != stateVersion {
		return fmt.Errorf("%w: version %d, not %d", ErrState, s.Version, stateVersion)
	}
	if err := s.Settings.check(); err != nil {
		return fmt.Errorf("%w: %w", ErrState, err)
	}
	switch s.Decision {
	case GoOn, Worse, Better:
	default:
		return fmt.Errorf("%w: decision %.20q", ErrState, string(s.Decision))
	}
	fresh := Trial{settings: s.Settings, decided: s.Decision, reason: s.Reason}
	for i, a := range s.Arms {
		n, approved, mean, squares := a[0], a[1], a[2], a[3]
		if !count(n) || !count(approved) || approved > n || math.Abs(mean) > mostValue || !(squares >= 0 && squares <= mostValue*mostValue*n) {
			return fmt.Errorf("%w: the numbers of arm %d", ErrState, i)
		}
		fresh.arms[i] = sums{n, approved, mean, squares}
	}
	*t = fresh
	return nil
}

// mostValue is how far from zero a value can be.
const mostValue = 1 << 63

// count says that x is a whole number that can have been counted.
func count(x float64) bool { return x >= 0 && x <= 1<<53 && x == math.Trunc(x) }
