package program

import (
	"net/http"
	"strconv"
	"sync"
	"testing"
)

// TestOneKeyOneCharge: 64 callers at the same moment with one idempotency key make one call at a PSP and get one answer; callers
// with keys of their own and the same card and invoice make one charge, too.
func TestOneKeyOneCharge(t *testing.T) {
	p := startDev(t, t.TempDir())
	const callers = 64
	for name, key := range map[string]func(i int) string{
		"one key":         func(int) string { return "same" },
		"a key for each":  func(i int) string { return "key-" + strconv.Itoa(i) },
		"no key whatever": func(int) string { return "" },
	} {
		t.Run(name, func(t *testing.T) {
			invoice, card := p.invoice("25000", "IDR"), p.card("4242424242424242")
			answers := make([]answer, callers)
			var wg sync.WaitGroup
			for i := range callers {
				wg.Go(func() {
					a, err := ask(t.Context(), projectID, "key_sandbox_dev", http.MethodPost, p.api+"/invoices/"+invoice+"/capture",
						object{"source": card}, "Idempotency-Key", key(i))
					if err != nil {
						t.Error(err)
					}
					answers[i] = a
				})
			}
			wg.Wait()
			done := 0
			for _, a := range answers {
				if name == "one key" && (a.status != 200 || a.text != answers[0].text) {
					t.Errorf("another answer: %d %s", a.status, a.text)
				}
				if a.status == 200 {
					done++
				}
			}
			if name != "one key" && done != 1 {
				t.Errorf("%d of %d callers were told that they paid, want 1", done, callers)
			}
			charges := 0
			attempts, _ := p.call("GET", "/invoices/"+invoice+"/decision", nil).get("decision", "attempts").([]any)
			rows, _ := p.sim("GET", "/_sim/ledger", nil).get("charges").([]any)
			for _, row := range rows {
				if r := row.(object); len(attempts) == 1 && r["reference"] == attempts[0].(object)["reference"] {
					charges++
				}
			}
			if len(attempts) != 1 || charges != 1 {
				t.Errorf("%d attempts, %d charges", len(attempts), charges)
			}
		})
	}
}
