package sims_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"switchyard/sims/ledger"
)

// moment is a delay, in milliseconds, in which a test makes a few calls, on a busy machine too.
const moment = 1500

// vendor is what the fault tests need of a PSP.
type vendor struct {
	name string
	// prepare makes all that comes before the charging call, for one charge under a reference.
	prepare func(b *bench, reference string) payment
}

// payment is one charge that can be made.
type payment struct {
	charge func(ctx context.Context) reply
	// paid asks the PSP, declined says whether an answer is its decline of the code.
	paid     func() bool
	declined func(r reply, hard bool) bool
	// fence is nil where the PSP has none before its charge is known; fenced says that it worked.
	fence  func() reply
	fenced func(reply) bool
}

func vendors() []vendor {
	return []vendor{{"paymongo", preparePayMongo}, {"processout", prepareProcessOut}, {"xendit", prepareXendit}, {"pivot", preparePivot}, {"dojo", prepareDojo}}
}

func preparePayMongo(b *bench, reference string) payment {
	p := paymongo{b}
	intent, method := p.intent(reference, 10000, "automatic", nil), p.method("4242424242424242")
	return payment{
		charge: func(ctx context.Context) reply {
			return b.send(ctx, request{
				method: "POST", url: b.base("paymongo") + "/v1/payment_intents/" + intent + "/attach", user: "sk_test_any",
				body: obj{"data": obj{"attributes": obj{"payment_method": method}}},
			})
		},
		paid: func() bool { return p.status(intent) == "succeeded" },
		declined: func(r reply, hard bool) bool {
			code := map[bool]string{false: "generic_decline", true: "stolen_card"}[hard]
			return r.status == 400 && errorCode(r) == "resource_failed_state" && r.text("errors", 0, "sub_code") == code
		},
		fence:  func() reply { return p.call("POST", "/payment_intents/"+intent+"/cancel", nil) },
		fenced: func(r reply) bool { return r.status == 200 && r.text("data", "attributes", "status") == "cancelled" },
	}
}

func prepareProcessOut(b *bench, reference string) payment {
	p := processout{b}
	invoice, card := p.invoice(reference, "100", "PHP", nil), p.card("4242424242424242")
	return payment{
		charge: func(ctx context.Context) reply {
			return b.send(ctx, request{
				method: "POST", url: b.base("processout") + "/invoices/" + invoice + "/capture",
				user: "test-proj_any", password: "key_test_any", body: obj{"source": card},
			})
		},
		paid: func() bool { return p.status(invoice) == "completed" },
		declined: func(r reply, hard bool) bool {
			return r.status == 410 && r.text("error_type") == map[bool]string{false: "card.declined", true: "card.stolen"}[hard]
		},
		fence:  func() reply { return p.call("DELETE", "/invoices/"+invoice, nil) },
		fenced: func(r reply) bool { return r.status == 200 && r.at("success") == true },
	}
}

func prepareXendit(b *bench, reference string) payment {
	x := xendit{b}
	return payment{
		charge: func(ctx context.Context) reply {
			return b.send(ctx, request{
				method: "POST", url: b.base("xendit") + "/v3/payment_requests", user: "xnd_development_any",
				header: map[string]string{"api-version": "2024-11-11"}, body: x.payment(reference, "100", "PHP", "4242424242424242", nil),
			})
		},
		paid: func() bool {
			return x.call("GET", "/transactions?reference_id="+reference, nil).text("data", 0, "status") == "SUCCESS"
		},
		declined: func(r reply, hard bool) bool {
			code := map[bool]string{false: "CARD_DECLINED", true: "STOLEN_CARD"}[hard]
			return r.status == 201 && r.text("status") == "FAILED" && r.text("failure_code") == code
		},
	}
}

// eachVendor runs a test against each PSP, with a bench of its own.
func eachVendor(t *testing.T, test func(t *testing.T, b *bench, v vendor)) {
	for _, v := range vendors() {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			test(t, start(t), v)
		})
	}
}

// took says whether money was taken or held under a reference.
func (b *bench) took(reference string) bool {
	for _, c := range b.rows(reference) {
		if c.State == ledger.Captured || c.State == ledger.Authorized {
			return true
		}
	}
	return false
}

func TestFaultsThatProcessNothing(t *testing.T) {
	eachVendor(t, func(t *testing.T, b *bench, v vendor) {
		for fault, want := range map[string]func(payment, reply) bool{
			"reset":            func(_ payment, r reply) bool { return errors.Is(r.err, syscall.ECONNRESET) },
			"error_500":        func(_ payment, r reply) bool { return r.status == 500 },
			"error_503":        func(_ payment, r reply) bool { return r.status == 503 },
			"throttle_429":     func(_ payment, r reply) bool { return r.status == 429 },
			"unauthorized_401": func(_ payment, r reply) bool { return r.status == 401 },
			"decline_soft":     func(p payment, r reply) bool { return p.declined(r, false) },
			"decline_hard":     func(p payment, r reply) bool { return p.declined(r, true) },
		} {
			name, fault := fault, strings.ReplaceAll(fault, "_", "")
			p := v.prepare(b, fault)
			b.fault(obj{"psp": v.name, "operation": "authorize", "fault": name, "count": 1})
			if r := p.charge(t.Context()); !want(p, r) {
				t.Errorf("%s: %d %s %v", fault, r.status, r.body, r.err)
			}
			if b.took(fault) || p.paid() {
				t.Errorf("%s took money: %+v", fault, b.rows(fault))
			}
			if again := v.prepare(b, fault+"-again").charge(t.Context()); again.status >= 300 {
				t.Errorf("after %s: %d %s", fault, again.status, again.body)
			}
		}
		p := v.prepare(b, "timeout")
		b.fault(obj{"psp": v.name, "operation": "authorize", "fault": "timeout", "count": 1})
		b.abandon(p.charge)
		if b.rows("timeout") != nil || p.paid() {
			t.Errorf("timeout took money: %+v", b.rows("timeout"))
		}
		if r := p.charge(t.Context()); r.status >= 300 {
			t.Errorf("after timeout: %d %s", r.status, r.body)
		}
	})
}

func TestFaultsThatAnswerBadly(t *testing.T) {
	eachVendor(t, func(t *testing.T, b *bench, v vendor) {
		for fault, want := range map[string]func(reply) bool{
			"charge_then_500":   func(r reply) bool { return r.status == 500 },
			"charge_then_reset": func(r reply) bool { return errors.Is(r.err, syscall.ECONNRESET) },
			"cut_body":          func(r reply) bool { return r.err != nil && r.body != "" && r.json == nil },
			"html_200": func(r reply) bool {
				return r.status == 200 && r.json == nil && r.header.Get("Content-Type") == "text/html; charset=utf-8"
			},
		} {
			name, fault := fault, strings.ReplaceAll(fault, "_", "")
			p := v.prepare(b, fault)
			b.fault(obj{"psp": "*", "operation": "*", "fault": name, "count": 1})
			if r := p.charge(t.Context()); !want(r) {
				t.Errorf("%s: %d %s %v", fault, r.status, r.body, r.err)
			}
			if rows := b.rows(fault); len(rows) != 1 || rows[0].State != ledger.Captured || !p.paid() {
				t.Errorf("%s: %+v", fault, rows)
			}
			if r := p.charge(t.Context()); r.status < 400 {
				t.Errorf("charged again after %s: %d %s", fault, r.status, r.body)
			}
		}
		p := v.prepare(b, "timeout")
		b.fault(obj{"psp": "*", "operation": "*", "fault": "charge_then_timeout", "count": 1})
		b.abandon(p.charge)
		eventually(t, "charged", func() bool { return b.took("timeout") && p.paid() })
	})
}

func TestFaultsWhereNoMoneyMoves(t *testing.T) {
	eachVendor(t, func(t *testing.T, b *bench, v vendor) {
		get := func(ctx context.Context) reply { // a GET is a look-up, whatever it finds
			return b.send(ctx, request{method: "GET", url: b.base(v.name) + "/anything"})
		}
		for fault, want := range map[string]func(reply) bool{
			"charge_then_500":   func(r reply) bool { return r.status == 500 },
			"slow_visibility":   func(r reply) bool { return r.status == 500 },
			"charge_then_reset": func(r reply) bool { return errors.Is(r.err, syscall.ECONNRESET) },
			"html_200":          func(r reply) bool { return r.status == 200 && r.json == nil },
			"cut_body":          func(r reply) bool { return r.err != nil },
		} {
			// Without a count: a client may repeat a GET by itself when its connection breaks.
			b.fault(obj{"psp": v.name, "operation": "lookup", "fault": fault, "delay_ms": 1})
			if r := get(t.Context()); !want(r) {
				t.Errorf("%s: %d %s %v", fault, r.status, r.body, r.err)
			}
			b.clearFaults()
		}
		for _, fault := range []string{"charge_then_timeout", "charge_late"} {
			b.fault(obj{"psp": v.name, "operation": "lookup", "fault": fault, "count": 1})
			b.abandon(get)
		}
	})
}

func TestSlowChargesAtOnce(t *testing.T) {
	eachVendor(t, func(t *testing.T, b *bench, v vendor) {
		p := v.prepare(b, "slow")
		b.fault(obj{"psp": v.name, "operation": "authorize", "fault": "slow", "delay_ms": moment})
		answers := make(chan reply, 1)
		go func() { answers <- p.charge(t.Context()) }()
		eventually(t, "charged", func() bool { return b.took("slow") })
		select {
		case r := <-answers:
			t.Errorf("answered at once: %d", r.status)
		default:
		}
		if r := <-answers; r.status >= 300 || r.err != nil {
			t.Errorf("answer: %d %s %v", r.status, r.body, r.err)
		}
	})
}

func TestChargeLate(t *testing.T) {
	eachVendor(t, func(t *testing.T, b *bench, v vendor) {
		late := obj{"psp": v.name, "operation": "authorize", "fault": "charge_late", "delay_ms": moment, "count": 1}
		fenced, left := v.prepare(b, "fenced"), v.prepare(b, "left")
		if fenced.fence != nil {
			b.fault(late)
			b.abandon(fenced.charge)
			if r := fenced.fence(); !fenced.fenced(r) {
				t.Errorf("fence: %d %s", r.status, r.body)
			}
		}
		b.fault(late)
		b.abandon(left.charge)
		if left.paid() || b.rows("left") != nil {
			t.Errorf("charged at once: %+v", b.rows("left"))
		}
		if v.name == "xendit" {
			if r := left.charge(t.Context()); r.status != http.StatusConflict {
				t.Errorf("a repeat: %d %s", r.status, r.body)
			}
		}
		eventually(t, "charged late", func() bool { return b.took("left") })
		// The fenced one was to come first.
		if b.rows("fenced") != nil {
			t.Errorf("charged behind the fence: %+v", b.rows("fenced"))
		}
		if !left.paid() {
			t.Error("charged and not shown")
		}
	})
}

func TestSlowVisibility(t *testing.T) {
	eachVendor(t, func(t *testing.T, b *bench, v vendor) {
		p := v.prepare(b, "hidden")
		b.fault(obj{"psp": v.name, "operation": "authorize", "fault": "slow_visibility", "delay_ms": moment, "count": 1})
		if r := p.charge(t.Context()); r.status != 500 {
			t.Errorf("answer: %d %s", r.status, r.body)
		}
		if !b.took("hidden") {
			t.Errorf("not charged: %+v", b.rows("hidden"))
		}
		if p.paid() {
			t.Error("shown at once")
		}
		if p.fence != nil {
			if r := p.fence(); p.fenced(r) {
				t.Errorf("fenced what is charged: %s", r.body)
			}
		}
		eventually(t, "shown", p.paid)
		if rows := b.rows("hidden"); len(rows) != 1 || rows[0].State != ledger.Captured {
			t.Errorf("ledger: %+v", rows)
		}
	})
}

// After the charge the same holds for captures, voids and refunds.
func TestFaultsOfLaterOperations(t *testing.T) {
	t.Parallel()
	p := paymongo{start(t)}
	hold := func(reference string) string {
		intent := p.intent(reference, 10000, "manual", nil)
		p.attach(intent, p.method("4242424242424242"))
		return intent
	}
	state := func(reference string, s ledger.State) func() bool {
		return func() bool { rows := p.rows(reference); return len(rows) == 1 && rows[0].State == s }
	}
	fault := func(operation, kind string, delay int) {
		p.fault(obj{"psp": "paymongo", "operation": operation, "fault": kind, "delay_ms": delay, "count": 1})
	}
	hidden := hold("hidden")
	fault("capture", "slow_visibility", moment)
	if r := p.call("POST", "/payment_intents/"+hidden+"/capture", nil); r.status != 500 || p.status(hidden) != "awaiting_capture" || !state("hidden", ledger.Captured)() {
		t.Errorf("hidden capture: %d %s %+v", r.status, p.status(hidden), p.rows("hidden"))
	}
	eventually(t, "the capture shows", func() bool { return p.status(hidden) == "succeeded" })

	payment := p.call("GET", "/payment_intents/"+hidden, nil).text("data", "attributes", "payments", 0, "id")
	fault("refund", "charge_late", moment)
	p.abandon(func(ctx context.Context) reply {
		return p.send(ctx, request{
			method: "POST", url: p.base("paymongo") + "/v1/refunds", user: "sk_test_any", header: map[string]string{"Idempotency-Key": "late"},
			body: obj{"data": obj{"attributes": obj{"amount": 10000, "payment_id": payment, "reason": "others"}}},
		})
	})
	if !state("hidden", ledger.Captured)() {
		t.Errorf("late refund: %+v", p.rows("hidden"))
	}
	body := obj{"amount": 10000, "payment_id": payment, "reason": "others"}
	if r := p.keyed("POST", "/refunds", body, "late"); r.status != 409 {
		t.Errorf("a repeat meets the one under way: %d %s", r.status, r.body)
	}
	eventually(t, "refunded late", state("hidden", ledger.Refunded))
	if r := p.keyed("POST", "/refunds", body, "late"); r.status != 200 {
		t.Errorf("a repeat gets its answer: %d %s", r.status, r.body)
	}

	voided := hold("voided")
	fault("void", "charge_then_500", 0)
	if r := p.call("POST", "/payment_intents/"+voided+"/cancel", nil); r.status != 500 || !state("voided", ledger.Voided)() {
		t.Errorf("void: %d %+v", r.status, p.rows("voided"))
	}
	refused := hold("refused")
	fault("capture", "decline_soft", 0)
	if r := p.call("POST", "/payment_intents/"+refused+"/capture", nil); errorCode(r) != "resource_failed_state" || !state("refused", ledger.Authorized)() {
		t.Errorf("refused capture: %d %s", r.status, r.body)
	}
}

// A hold that look-ups do not show yet is charged: its fence is refused, where its void would give it back.
func TestHiddenHoldIsNotFenced(t *testing.T) {
	t.Parallel()
	p := paymongo{start(t)}
	intent, method := p.intent("hold", 10000, "manual", nil), p.method("4242424242424242")
	p.fault(obj{"psp": "paymongo", "operation": "authorize", "fault": "slow_visibility", "delay_ms": moment})
	p.attach(intent, method)
	if r := p.call("POST", "/payment_intents/"+intent+"/cancel", nil); r.status != 400 {
		t.Errorf("fence: %d %s", r.status, r.body)
	}
	eventually(t, "shown", func() bool { return p.status(intent) == "awaiting_capture" })
	if r := p.call("POST", "/payment_intents/"+intent+"/cancel", nil); r.status != 200 {
		t.Errorf("void: %d %s", r.status, r.body)
	}
}
