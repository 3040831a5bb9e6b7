package sims_test

import (
	"testing"

	"switchyard/sims/ledger"
)

// What the payer does on the hosted page meets the faults of the charging call.
func TestFaultsOfHostedPages(t *testing.T) {
	b := start(t)
	d, p := dojoOn(b), pivotOn(b)
	pages := map[string]func(reference string) (page string, paid func() bool){
		"dojo": func(reference string) (string, func() bool) {
			id, page := d.intent(reference, nil)
			return page, func() bool { return d.status(id) == "Captured" }
		},
		"pivot": func(reference string) (string, func() bool) {
			r := p.create(reference, "10000", obj{"mode": "REDIRECT", "paymentMethod": nil})
			return r.text("data", "paymentUrl"), func() bool { return p.status(r.text("data", "id")) == "PAID" }
		},
	}
	for name, open := range pages {
		fault := func(kind string) {
			b.fault(obj{"psp": name, "operation": "authorize", "fault": kind, "count": 1, "delay_ms": moment})
		}
		page, paid := open(name + "down")
		fault("error_503")
		if r := b.form(page, typed("4242424242424242")); r.status != 503 || paid() || b.rows(name+"down") != nil {
			t.Errorf("%s: %d %s", name, r.status, r.body)
		}
		page, paid = open(name + "hidden")
		fault("slow_visibility")
		if r := b.form(page, typed("4242424242424242")); r.status != 500 || paid() || !b.took(name+"hidden") {
			t.Errorf("%s: %d %s", name, r.status, r.body)
		}
		eventually(t, "shown", paid)
		page, _ = open(name + "no")
		fault("decline_soft")
		b.form(page, typed("4242424242424242"))
		if rows := b.rows(name + "no"); len(rows) != 1 || rows[0].State != ledger.Declined {
			t.Errorf("%s: %+v", name, rows)
		}
	}
}

// The fence of a charge that comes late works, that of one which is only hidden is refused.
func TestFencesOfDojoAndPivot(t *testing.T) {
	for name, prepare := range map[string]func(*bench, string) payment{"dojo": prepareDojo, "pivot": preparePivot} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := start(t)
			fenced, left, hidden := prepare(b, "fenced"), prepare(b, "left"), prepare(b, "hidden")
			fault := func(kind string) {
				b.fault(obj{"psp": name, "operation": "authorize", "fault": kind, "delay_ms": moment, "count": 1})
			}
			fault("charge_late")
			b.abandon(fenced.charge)
			if r := fenced.fence(); !fenced.fenced(r) {
				t.Errorf("fence: %d %s", r.status, r.body)
			}
			fault("charge_late")
			b.abandon(left.charge)
			if left.paid() || b.took("left") {
				t.Error("charged at once")
			}
			fault("slow_visibility")
			if r := hidden.charge(t.Context()); r.status != 500 || hidden.paid() || !b.took("hidden") {
				t.Errorf("hidden: %d %s", r.status, r.body)
			}
			if r := hidden.fence(); hidden.fenced(r) {
				t.Errorf("fenced what is charged: %s", r.body)
			}
			eventually(t, "shown", hidden.paid)
			eventually(t, "charged late", left.paid)
			if b.took("fenced") {
				t.Error("charged behind the fence")
			}
			if r := left.fence(); left.fenced(r) {
				t.Errorf("fenced what is charged: %s", r.body)
			}
		})
	}
}

// Captures, voids and refunds meet faults too.
func TestLaterFaultsOfDojoAndPivot(t *testing.T) {
	t.Parallel()
	b := start(t)
	d, p := dojoOn(b), pivotOn(b)
	state := func(reference string, s ledger.State) bool {
		rows := b.rows(reference)
		return len(rows) == 1 && rows[0].State == s
	}
	fault := func(name, operation, kind string) {
		b.fault(obj{"psp": name, "operation": operation, "fault": kind, "delay_ms": moment, "count": 1})
	}
	id, page := d.intent("dojohold", manual)
	d.form(page, typed("4242424242424242"))
	fault("dojo", "capture", "slow_visibility")
	if r := d.call("POST", "/payment-intents/"+id+"/captures", obj{"amount": 1234}); r.status != 500 || d.status(id) != "Authorized" || !state("dojohold", ledger.Captured) {
		t.Errorf("dojo capture: %d %s", r.status, d.status(id))
	}
	eventually(t, "the capture shows", func() bool { return d.status(id) == "Captured" })
	refund := func() reply {
		return d.with(t.Context(), "POST", "/payment-intents/"+id+"/refunds", obj{"amount": 1234}, map[string]string{"idempotencyKey": "k"})
	}
	fault("dojo", "refund", "charge_then_500")
	if r := refund(); r.status != 500 || !state("dojohold", ledger.Refunded) {
		t.Errorf("dojo refund: %d %+v", r.status, b.rows("dojohold"))
	}
	if r := refund(); r.status != 200 || b.rows("dojohold")[0].RefundedMinor != 1234 {
		t.Errorf("dojo refund again: %d %s", r.status, r.body)
	}
	id, page = d.intent("dojovoid", manual)
	d.form(page, typed("4242424242424242"))
	fault("dojo", "void", "decline_hard")
	if r := d.call("POST", "/payment-intents/"+id+"/reversal", nil); r.status != 409 || !state("dojovoid", ledger.Authorized) {
		t.Errorf("dojo reversal: %d %s", r.status, r.body)
	}
	held := p.pay("pivothold", "10000", "4242424242424242", "AUTOMATIC", "manual").text("data", "id")
	capture := func() reply {
		return p.call("POST", "/v2/payments/"+held+"/capture", obj{"releaseRemainingAmount": true})
	}
	fault("pivot", "capture", "decline_soft")
	if r := capture(); r.text("data", "status") != "FAILED" || !state("pivothold", ledger.Authorized) {
		t.Errorf("pivot capture: %d %s", r.status, r.body)
	}
	fault("pivot", "capture", "slow_visibility")
	if r := capture(); r.status != 500 || p.status(held) != "PROCESSING" {
		t.Errorf("pivot capture: %d %s", r.status, p.status(held))
	}
	eventually(t, "pivot captured", func() bool { return state("pivothold", ledger.Captured) })
	eventually(t, "and shown", func() bool { return p.status(held) == "PAID" })
	fault("pivot", "refund", "decline_hard")
	back := p.call("POST", "/v1/refunds", obj{"clientReferenceId": "back", "paymentSessionId": held, "reason": "OTHERS", "isFullAmount": true})
	eventually(t, "the refund fails", func() bool {
		return p.call("GET", "/v1/refunds/"+back.text("data", "id"), nil).text("data", "status") == "FAILED"
	})
	if !state("pivothold", ledger.Captured) {
		t.Errorf("pivot refund: %+v", b.rows("pivothold"))
	}
}
