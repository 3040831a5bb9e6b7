package adaptertest

import (
	"errors"
	"testing"
	"time"

	"switchyard/adapters"
	"switchyard/payments"
)

// FuzzListResponse is a fuzz target: a page of charges is whole and sound, or a fault. Whatever comes in, there is nothing in
// between. The sample is a page as the PSP sends it, answering opens an adapter that is answered with the body, and the page is
// asked for from the start and from every cursor.
func FuzzListResponse(f *testing.F, sample string, answering func(t *testing.T, body string) adapters.ChargeLister, cursors ...string) {
	f.Helper()
	f.Add(sample)
	f.Add(``)
	f.Add(`null`)
	f.Add(`{}`)
	f.Add(`{"data":[null],"has_more":false}`)
	f.Add(`{"data":null}`)
	f.Fuzz(func(t *testing.T, body string) {
		a := answering(t, body)
		for _, cursor := range append([]string{""}, cursors...) {
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
