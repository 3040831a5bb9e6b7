package pivot

import (
	"testing"

	"switchyard/adapters"
	"switchyard/adapters/adaptertest"
)

func FuzzListResponse(f *testing.F) {
	const sample = `{"code":"00","data":[{"id":"s1","clientReferenceId":"r","status":"PAID","amount":{"value":25000,"currency":"IDR"},"paymentSessionId":"s1","chargeDetails":[{"id":"c1","status":"SUCCESS","authorizedAmount":{"value":25000,"currency":"IDR"},"capturedAmount":{"value":"25000"}}],"createdAt":"2026-04-01T09:00:00Z"}],"pagination":{"totalItems":1}}`
	adaptertest.FuzzListResponse(f, sample, func(t *testing.T, body string) adapters.ChargeLister {
		t.Helper()
		return answering(t, 200, body)
	}, "sessions:2", "refunds:1")
}
