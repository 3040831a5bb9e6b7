//go:build sandbox

package example_test

import (
	"testing"

	"switchyard/adapters/adaptertest"
	"switchyard/adapters/adaptertest/example"
	"switchyard/adapters/adaptertest/sandbox"
)

// TestSandbox charges the vendor's test cards.
func TestSandbox(t *testing.T) {
	sandbox.Run(t, sandbox.Suite{
		Provider:    example.Provider(),
		Address:     "https://api.acmepay.example",
		Credentials: map[string]string{"api_key": "SWITCHYARD_SANDBOX_ACME_API_KEY"},
		Amount:      "25.50",
		Currency:    "EUR",
		Approved:    &sandbox.Payment{Card: adaptertest.Card{Number: "4242424242424242"}},
		Declined:    &sandbox.Payment{Card: adaptertest.Card{Number: "4000000000000002"}},
		Action:      &sandbox.Payment{Card: adaptertest.Card{Number: "4000000000000101"}},
	})
}
