package xendit

import (
	"testing"

	"switchyard/adapters"
	"switchyard/adapters/adaptertest"
)

func FuzzListResponse(f *testing.F) {
	const sample = `{"has_more":true,"data":[{"id":"txn_1","product_id":"py-1","payment_request_id":"pr-1","type":"PAYMENT","status":"SUCCESS","reference_id":"r","currency":"IDR","amount":25000,"created":"2026-04-01T09:00:00.000Z"}]}`
	adaptertest.FuzzListResponse(f, sample, func(t *testing.T, body string) adapters.ChargeLister {
		t.Helper()
		return answering(t, 200, body)
	}, "txn_1", "refunds:", "refunds:rfd-1")
}
