package xendit

import (
	"errors"
	"testing"
	"time"

	"switchyard/payments"
)

// FuzzListResponse: a page of charges is whole and sound, or a fault. Whatever comes in, there is nothing in between.
func FuzzListResponse(f *testing.F) {
	f.Add(`{"has_more":true,"data":[{"id":"txn_1","product_id":"py-1","payment_request_id":"pr-1","type":"PAYMENT","status":"SUCCESS","reference_id":"r","currency":"IDR","amount":25000,"created":"2026-04-01T09:00:00.000Z"}]}`)
	f.Add(``)
	f.Add(`null`)
	f.Add(`{}`)
	f.Add(`{"data":[null],"has_more":false}`)
	f.Add(`{"data":null}`)
	f.Fuzz(func(t *testing.T, body string) {
		a := answering(t, 200, body)
		for _, cursor := range []string{"", "txn_1", "refunds:", "refunds:rfd-1"} {
			page, err := a.ListCharges(t.Context(), payments.ListQuery{Since: time.Unix(0, 0), Until: time.Now(), Cursor: cursor})
			if err != nil {
				if _, ok := errors.AsType[*payments.Fault](err); !ok || len(page.Rows) > 0 || page.Next != "" {
					t.Fatalf("%v beside %+v", err, page)
				}
				continue
			}
			for _, row := range page.Rows {
				named := row.Refs.Charge != "" || row.Refs.Session != "" || row.Refs.Operation != ""
				if !row.Amount.Currency.Valid() || row.Amount.Minor < 0 || row.Captured < payments.NotTold || row.Refunded < payments.NotTold || row.Status == "" || !named {
					t.Fatalf("listed %+v", row)
				}
			}
		}
	})
}
