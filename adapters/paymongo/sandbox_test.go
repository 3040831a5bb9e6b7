//go:build sandbox

package paymongo_test

import (
	"testing"

	"switchyard/adapters/adaptertest"
	"switchyard/adapters/adaptertest/sandbox"
	"switchyard/adapters/paymongo"
)

// TestSandbox charges the vendor's test cards with the test key of an account that may hold payments.
func TestSandbox(t *testing.T) {
	sandbox.Run(t, sandbox.Suite{
		Provider:    paymongo.Provider(),
		Address:     "https://api.paymongo.com/v1",
		Credentials: map[string]string{"secret_key": "SWITCHYARD_SANDBOX_PAYMONGO_SECRET_KEY"},
		Amount:      "150.50",
		Currency:    "PHP",
		Approved:    &sandbox.Payment{Card: adaptertest.Card{Number: "4343434343434345"}},
		Declined:    &sandbox.Payment{Card: adaptertest.Card{Number: "5100000000000198"}}, // insufficient funds
		Action:      &sandbox.Payment{Card: adaptertest.Card{Number: "4120000000000007"}},
	})
}
