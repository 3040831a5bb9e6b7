package xendit

import (
	"testing"

	"switchyard/payments"
)

// TestStepUp: a charge that is to authenticate the payer does not skip that, also where the account usually does.
func TestStepUp(t *testing.T) {
	t.Parallel()
	for _, skips := range []bool{false, true} {
		a := &adapter{skipThreeDS: skips}
		if got := a.properties(payments.AuthorizeRequest{}).SkipThreeDS; got != skips {
			t.Errorf("an ordinary charge skips 3-D Secure: %v, want %v", got, skips)
		}
		if a.properties(payments.AuthorizeRequest{StepUp: true}).SkipThreeDS {
			t.Error("a step-up skips 3-D Secure")
		}
		if a.StepsUp() != skips {
			t.Errorf("steps up is %v where 3-D Secure is skipped: %v", a.StepsUp(), skips)
		}
	}
}
