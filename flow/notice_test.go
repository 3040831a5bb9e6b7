package flow_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"switchyard/payments"
)

// noticingPSP sends webhooks; each says what its body is mapped to.
type noticingPSP struct {
	fencingPSP
	notices map[string]payments.Notice
}

func (p noticingPSP) ParseWebhook(_ context.Context, d payments.WebhookDelivery) (payments.Notice, error) {
	n, ok := p.notices[string(d.Body)]
	if !ok {
		return payments.Notice{}, payments.ErrForged
	}
	return n, nil
}

// TestAWebhookMakesUsAsk: a hold that cannot be found by reference is settled once a webhook names it, by asking; forged and
// repeated deliveries, and those that name nothing open, change nothing.
func TestAWebhookMakesUsAsk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := newFakePSP()
		psp := noticingPSP{fencingPSP{first}, map[string]payments.Notice{}}
		w := newWorld(t, worldOptions{adapter: psp, first: first, second: newFakePSP()})
		defer w.close()
		w.engine.Start()
		first.fences = func(*fakeCharge) (payments.Fence, error) { return payments.FenceAbsent, nil }
		first.lookups = func() (payments.Finding, error) { return payments.Finding{Kind: payments.NotFound}, nil }
		first.script(payments.OpAuthorize, script{act: true, err: unknown()})
		invoice := w.invoice("100.00")
		w.charge(invoice, w.card())
		p := w.expect(invoice, payments.StatusPending)

		psp.notices["paid"] = payments.Notice{EventID: "evt_1", Type: "paid", Reference: p.Attempts[0].Reference, Refs: payments.ProviderRefs{Session: p.Attempts[0].Refs.Session, Charge: "py-1"}}
		psp.notices["other"] = payments.Notice{EventID: "evt_2", Type: "paid", Reference: "another"}
		receive := func(body string) error {
			return w.engine.Receive(t.Context(), "gway_conf_first", payments.WebhookDelivery{Body: []byte(body), ReceivedAt: time.Now()})
		}
		if err := receive("forged"); !errors.Is(err, payments.ErrForged) {
			t.Errorf("a forged delivery: %v", err)
		}
		if err := w.engine.Receive(t.Context(), "gway_conf_second", payments.WebhookDelivery{Body: []byte("paid")}); payments.ErrorCode(err) != payments.CodeGatewayConfigurationNotFound {
			t.Errorf("a PSP that sends none: %v", err)
		}
		if err := receive("other"); err != nil {
			t.Error(err)
		}
		lapse(10 * time.Second)
		w.expect(invoice, payments.StatusPending) // what a webhook claims is not enough

		first.mu.Lock()
		first.lookups = func() (payments.Finding, error) {
			return payments.Finding{Kind: payments.FoundOutcome, Outcome: payments.Outcome{Status: payments.Approved}}, nil
		}
		first.mu.Unlock()
		for range 3 { // and it comes again
			if err := receive("paid"); err != nil {
				t.Error(err)
			}
		}
		lapse(time.Second)
		p = w.expect(invoice, payments.StatusCompleted)
		if p.Attempts[0].Refs.Charge != "py-1" {
			t.Errorf("the attempt did not learn the PSP's name for it: %+v", p.Attempts[0].Refs)
		}
		list, err := w.store.InboundWebhooks(t.Context(), "gway_conf_first", payments.Page{Limit: 10})
		if err != nil || len(list.Items) != 2 || list.Items[0].State != payments.InboundApplied || list.Items[1].State != payments.InboundIgnored {
			t.Errorf("webhooks: %+v, %v", list.Items, err)
		}
		if err := w.engine.Replay(t.Context(), list.Items[0].ID); err != nil {
			t.Error(err)
		}
		lapse(time.Second)
		w.expect(invoice, payments.StatusCompleted)
		if n, _, captured, _ := first.held(); n != 1 || captured != 10000 {
			t.Errorf("%d charges, %d captured", n, captured)
		}
	})
}
