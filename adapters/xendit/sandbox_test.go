//go:build sandbox

package xendit_test

import (
	"testing"

	"switchyard/adapters/adaptertest"
	"switchyard/adapters/adaptertest/sandbox"
	"switchyard/adapters/xendit"
)

// TestSandbox charges the vendor's test cards in rupiah. Which sale is declined is decided by its amount.
func TestSandbox(t *testing.T) {
	sandbox.Run(t, sandbox.Suite{
		Provider:    xendit.Provider(),
		Address:     "https://api.xendit.co",
		Credentials: map[string]string{"api_key": "SWITCHYARD_SANDBOX_XENDIT_API_KEY"},
		Optional: map[string]string{
			"for_user_id": "SWITCHYARD_SANDBOX_XENDIT_FOR_USER_ID",
			"mid_label":   "SWITCHYARD_SANDBOX_XENDIT_MID_LABEL",
		},
		Amount:   "150000",
		Currency: "IDR",
		Approved: &sandbox.Payment{Card: adaptertest.Card{Number: "4000000000001000"}},
		Declined: &sandbox.Payment{Card: adaptertest.Card{Number: "4000000000001000"}, Amount: "10054"}, // insufficient funds
		Action:   &sandbox.Payment{Card: adaptertest.Card{Number: "4000000000002503"}},
	})
}
