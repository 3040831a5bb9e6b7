package dojo

import (
	"testing"

	"switchyard/adapters"
	"switchyard/adapters/adaptertest"
)

func FuzzListResponse(f *testing.F) {
	const sample = `{"after":"pi_1","data":[{"id":"pi_1","status":"Captured","reference":"r","amount":{"value":100,"currencyCode":"GBP"},"refundedAmount":5,"captures":[{"id":"c","amount":50,"status":"Successful"}],"createdAt":"2026-04-01T09:00:00Z"}]}`
	adaptertest.FuzzListResponse(f, sample, func(t *testing.T, body string) adapters.ChargeLister {
		t.Helper()
		return answering(t, 200, body)
	}, "pi_1")
}
