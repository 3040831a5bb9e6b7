package flow_test

import (
	"testing"
	"testing/synctest"
	"time"

	"switchyard/flow"
	"switchyard/payments"
)

const smartForCertain = "exploration: {cap_bps: 0, floor_bps: 0}\ndefault: {smart: all}\n"

// heard is how many outcomes smart routing has heard of, and the availability that it believes in by gateway configuration.
func (w *world) heard() (outcomes uint64, available map[string]float64) {
	report := w.options.Router.Beliefs().Inspect(time.Now())
	available = map[string]float64{}
	for _, g := range report.Gateways {
		available[g.Gateway] = g.Availability
	}
	return report.Outcomes, available
}

// TestOutcomesTeach: each charge teaches once, when it is durable; operations that follow teach nothing.
func TestOutcomesTeach(t *testing.T) {
	w := newWorld(t, worldOptions{policy: smartForCertain})
	defer w.close()
	invoice := w.invoice("100.00")
	w.charge(invoice, w.card())
	if n, _ := w.heard(); n != 1 {
		t.Errorf("after an approval %d outcomes were heard of, want 1", n)
	}
	if d := w.payment(invoice).Attempts[0].Decision; d == nil || d.Facts == nil || d.Facts.Scheme != payments.SchemeVisa || d.Candidates[0].Estimate == nil {
		t.Fatalf("the decision keeps no record: %+v", d)
	}
	if _, err := w.engine.Refund(t.Context(), flow.RefundRequest{ProjectID: project, InvoiceID: invoice}); err != nil {
		t.Fatal(err)
	}
	if n, _ := w.heard(); n != 1 {
		t.Errorf("a refund is not an outcome of routing: %d", n)
	}
	w.first.script(payments.OpAuthorize, script{outcome: payments.Outcome{Status: payments.Declined, Code: payments.CardDoNotHonor}})
	invoice = w.invoice("100.00")
	w.charge(invoice, w.card())
	w.expect(invoice, payments.StatusCompleted)
	if n, _ := w.heard(); n != 3 {
		t.Errorf("a cascade teaches of both candidates: %d outcomes, want 3", n)
	}
	for _, psp := range []*fakePSP{w.first, w.second} {
		psp.script(payments.OpAuthorize, script{err: payments.Faultf(payments.Rejected, "422")})
	}
	w.charge(w.invoice("100.00"), w.card())
	if n, _ := w.heard(); n != 3 {
		t.Errorf("a request that the PSP refuses as such says nothing: %d outcomes", n)
	}
}

// TestWhatIsNotKnownTeachesTwice: first that the PSP did not answer, and then the truth in its place, whoever finds it.
func TestWhatIsNotKnownTeachesTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, worldOptions{policy: smartForCertain})
		defer w.close()
		w.engine.Start()
		for range 5 {
			w.charge(w.invoice("100.00"), w.card())
		}
		_, before := w.heard()
		w.first.lookups = func() (payments.Finding, error) { return payments.Finding{}, unknown() }
		invoices := []string{w.invoice("100.00"), w.invoice("100.00")} // one failure is forgiven
		for _, invoice := range invoices {
			w.first.script(payments.OpAuthorize, script{act: true, err: unknown()})
			w.charge(invoice, w.card())
		}
		n, during := w.heard()
		if n != 7 || during["gway_conf_first"] >= before["gway_conf_first"] {
			t.Errorf("%d outcomes; availability %v before, %v while nothing is known", n, before, during)
		}
		w.first.mu.Lock()
		w.first.lookups = nil
		w.first.mu.Unlock()
		lapse(time.Hour)
		for _, invoice := range invoices {
			w.expect(invoice, payments.StatusCompleted)
		}
		if n, after := w.heard(); n != 7 || after["gway_conf_first"] < before["gway_conf_first"] {
			t.Errorf("%d outcomes; availability %v before, %v afterwards", n, before, after)
		}
	})
}

// TestACrashTeaches: the outcome of a call that a crash cut off is learnt by the process that finds it out, by the stored decision.
func TestACrashTeaches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, worldOptions{policy: smartForCertain})
		defer w.close()
		w.first.script(payments.OpAuthorize, script{act: true, err: unknown()})
		w.first.lookups = func() (payments.Finding, error) { return payments.Finding{}, unknown() }
		invoice := w.invoice("100.00")
		w.charge(invoice, w.card())
		w.first.mu.Lock()
		w.first.lookups = nil
		w.first.mu.Unlock()
		w.options.Router.Beliefs().Reset() // the process that knew is gone
		w.engine = flow.New(w.options)
		w.engine.Start()
		lapse(time.Hour)
		w.expect(invoice, payments.StatusCompleted)
		report := w.options.Router.Beliefs().Inspect(time.Now())
		segments := map[string]bool{}
		for _, g := range report.Gateways {
			for _, s := range g.Segments {
				segments[s.Segment] = true
			}
		}
		if len(report.Gateways) != 1 || !segments["card/visa/-"] {
			t.Errorf("learnt %+v", report)
		}
	})
}
