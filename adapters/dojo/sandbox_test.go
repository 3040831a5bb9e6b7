//go:build sandbox

package dojo_test

import (
	"testing"

	"switchyard/adapters/adaptertest/sandbox"
	"switchyard/adapters/dojo"
)

// TestSandbox opens a page and fences it: payers enter their cards at Dojo, so that nothing can be charged from here.
func TestSandbox(t *testing.T) {
	sandbox.Run(t, sandbox.Suite{
		Provider:    dojo.Provider(),
		Address:     "https://api.dojo.tech",
		Credentials: map[string]string{"api_key": "SWITCHYARD_SANDBOX_DOJO_API_KEY"},
		Amount:      "10.50",
		Currency:    "GBP",
	})
}
