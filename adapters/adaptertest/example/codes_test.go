package example

import (
	"slices"
	"strings"
	"testing"

	"switchyard/payments"
)

// published is the vendor's own list of decline codes, copied from its documentation, not from the table.
const published = `authentication_failed card_expired card_lost card_stolen cvc_wrong insufficient_funds issuer_refused
	issuer_unreachable limit_exceeded suspected_fraud`

// fraudulent are those that speak of fraud. No other PSP may be tried after one.
var fraudulent = []string{"card_lost", "card_stolen", "suspected_fraud"}

func TestDeclinesAreComplete(t *testing.T) {
	t.Parallel()
	list := strings.Fields(published)
	for _, raw := range list {
		code, known := declines[raw]
		switch {
		case !known:
			t.Errorf("%s is missing", raw)
		case !code.Known() || code.MeansUnknown():
			t.Errorf("%s is translated into %s, which is no decline of the closed list", raw, code)
		}
		goesOn := payments.CanTryNext(payments.Result{Outcome: payments.Outcome{Status: payments.Declined, Code: code}}, 0)
		if goesOn && slices.Contains(fraudulent, raw) {
			t.Errorf("%s may be tried at another PSP", raw)
		}
	}
	if len(declines) != len(list) {
		t.Errorf("the table has %d codes, the vendor's list %d", len(declines), len(list))
	}
	for raw := range refusals {
		if _, both := declines[raw]; both {
			t.Errorf("%s is both a decline and an error", raw)
		}
	}
}
