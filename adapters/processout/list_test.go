package processout

import (
	"testing"

	"switchyard/adapters"
	"switchyard/adapters/adaptertest"
)

func FuzzListResponse(f *testing.F) {
	const sample = `{"success":true,"has_more":true,"transactions":[{"id":"tr_1","invoice_id":"iv_1","status":"completed","currency":"PHP","authorized_amount":"100","captured_amount":"100","refunded_amount":"5","metadata":{"reference":"r"},"created_at":"2026-04-01T09:00:00.000Z"}]}`
	adaptertest.FuzzListResponse(f, sample, func(t *testing.T, body string) adapters.ChargeLister {
		t.Helper()
		return answering(t, 200, body)
	}, "tr_1")
}
