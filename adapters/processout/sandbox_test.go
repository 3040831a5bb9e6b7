//go:build sandbox

package processout_test

import (
	"testing"

	"switchyard/adapters/adaptertest"
	"switchyard/adapters/adaptertest/sandbox"
	"switchyard/adapters/processout"
)

// TestSandbox charges the vendor's test cards in a sandbox project, which has an acquirer of its own.
func TestSandbox(t *testing.T) {
	sandbox.Run(t, sandbox.Suite{
		Provider: processout.Provider(),
		Address:  "https://api.processout.com",
		Credentials: map[string]string{
			"project_id":  "SWITCHYARD_SANDBOX_PROCESSOUT_PROJECT_ID",
			"private_key": "SWITCHYARD_SANDBOX_PROCESSOUT_PRIVATE_KEY",
		},
		Amount:   "25.50",
		Currency: "USD",
		Approved: &sandbox.Payment{Card: adaptertest.Card{Number: "4242424242424242"}},
		Declined: &sandbox.Payment{Card: adaptertest.Card{Number: "4000000000002206"}}, // insufficient funds
		Action:   &sandbox.Payment{Card: adaptertest.Card{Number: "4000000000000101"}},
	})
}
