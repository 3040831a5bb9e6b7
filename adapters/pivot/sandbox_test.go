//go:build sandbox

package pivot_test

import (
	"testing"

	"switchyard/adapters/adaptertest"
	sandboxrun "switchyard/adapters/adaptertest/sandbox"
	"switchyard/adapters/pivot"
)

// TestSandbox charges the vendor's test cards. Without 3-D Secure, since its declining cards ask for that first.
func TestSandbox(t *testing.T) {
	sandboxrun.Run(t, sandboxrun.Suite{
		Provider: pivot.Provider(),
		Address:  "https://api-stg.pivot-payment.com",
		Credentials: map[string]string{
			"merchant_id":     "SWITCHYARD_SANDBOX_PIVOT_MERCHANT_ID",
			"merchant_secret": "SWITCHYARD_SANDBOX_PIVOT_MERCHANT_SECRET",
		},
		Settings: map[string]any{"base_url": "https://api-stg.pivot-payment.com", "three_ds": "NEVER"},
		Amount:   "150000",
		Currency: "IDR",
		Approved: &sandboxrun.Payment{Card: adaptertest.Card{Number: "4440000112200001"}},
		Declined: &sandboxrun.Payment{Card: adaptertest.Card{Number: "4440000334470010"}}, // insufficient funds
	})
}
