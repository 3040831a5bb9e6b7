package flow

import (
	"testing"

	"switchyard/payments"
)

// TestLearnedFromANotice: when a crash has cut off a call before its first step was written, the PSP's webhook names the step; and
// the customer too, without whom the step of a verification cannot be asked about.
func TestLearnedFromANotice(t *testing.T) {
	t.Parallel()
	named := payments.ProviderRefs{Session: "tok_1", Charge: "py_1", Customer: "cust_1", Method: "tok_1"}
	for name, tc := range map[string]struct {
		attempt payments.Attempt
		want    payments.ProviderRefs
	}{
		"a charge":                      {payments.Attempt{Operation: payments.OpSale}, payments.ProviderRefs{Session: "tok_1", Charge: "py_1"}},
		"a verification":                {payments.Attempt{Operation: payments.OpVerify}, payments.ProviderRefs{Session: "tok_1", Charge: "py_1", Customer: "cust_1"}},
		"a verification of another":     {payments.Attempt{Operation: payments.OpVerify, Refs: payments.ProviderRefs{Session: "tok_2"}}, payments.ProviderRefs{Session: "tok_2"}},
		"a verification that knows its": {payments.Attempt{Operation: payments.OpVerify, Refs: payments.ProviderRefs{Customer: "cust_2"}}, payments.ProviderRefs{Session: "tok_1", Charge: "py_1", Customer: "cust_2"}},
		"a refund":                      {payments.Attempt{Operation: payments.OpRefund}, payments.ProviderRefs{}},
	} {
		if got := learned(&tc.attempt, payments.Notice{Refs: named}); got != tc.want {
			t.Errorf("%s: %+v, want %+v", name, got, tc.want)
		}
	}
}
