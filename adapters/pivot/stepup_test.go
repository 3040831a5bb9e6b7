package pivot

import (
	"testing"
)

// TestStepUp: a charge that is to authenticate the payer asks for a challenge, whatever the account's own setting.
func TestStepUp(t *testing.T) {
	t.Parallel()
	for setting, able := range map[string]bool{threeDSAutomatic: true, threeDSNever: true, threeDSChallenge: false} {
		a := &adapter{threeDS: setting}
		if got := a.cardOptions(true, false).Card.ThreeDS; got != setting {
			t.Errorf("%s: an ordinary charge asks for %s", setting, got)
		}
		if got := a.cardOptions(true, true).Card.ThreeDS; got != threeDSChallenge {
			t.Errorf("%s: a step-up asks for %s", setting, got)
		}
		if a.StepsUp() != able {
			t.Errorf("%s: steps up is %v", setting, a.StepsUp())
		}
	}
}
