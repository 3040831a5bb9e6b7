package processout

import (
	"errors"
	"testing"
	"time"

	"switchyard/payments"
)

// FuzzListResponse: a page of charges is whole and sound, or a fault. Whatever comes in, there is nothing in between.
func FuzzListResponse(f *testing.F) {
	f.Add(`{"success":true,"has_more":true,"transactions":[{"id":"tr_1","invoice_id":"iv_1","status":"completed","currency":"PHP","authorized_amount":"100","captured_amount":"100","refunded_amount":"5","metadata":{"reference":"r"},"created_at":"2026-04-01T09:00:00.000Z"}]}`)
	f.Add(``)
	f.Add(`null`)
	f.Add(`{}`)
	f.Add(`{"data":[null],"has_more":false}`)
	f.Add(`{"data":null}`)
	f.Fuzz(func(t *testing.T, body string) {
		a := answering(t, 200, body)
		for _, cursor := range []string{"", "tr_1"} {
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
