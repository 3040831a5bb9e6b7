package paymongo

import (
	"testing"

	"switchyard/adapters"
	"switchyard/adapters/adaptertest"
)

func FuzzListResponse(f *testing.F) {
	const sample = `{"has_more":true,"data":[{"id":"pay_1","attributes":{"amount":10000,"currency":"PHP","status":"paid","payment_intent_id":"pi_1","metadata":{"reference":"r"},"refunds":[{"id":"ref_1","amount":5,"status":"succeeded"}],"created_at":1775037300}}]}`
	adaptertest.FuzzListResponse(f, sample, func(t *testing.T, body string) adapters.ChargeLister {
		t.Helper()
		return answering(t, 200, body)
	}, "pay_1")
}
