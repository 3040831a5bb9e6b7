package sims_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const webhookSecret = "whsk_of_the_test"

// hook is a webhook as it arrived.
type hook struct {
	reply
	at time.Time
}

// receiver listens for a PSP's webhooks. The first `refusals` are answered 500.
func (b *bench) receiver(name string, refusals int) <-chan hook {
	b.t.Helper()
	hooks := make(chan hook, 100)
	var tries atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if tries.Add(1) <= int64(refusals) {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		h := hook{reply: reply{header: r.Header, body: string(body)}, at: time.Now()}
		decoder := json.NewDecoder(strings.NewReader(h.body))
		decoder.UseNumber()
		_ = decoder.Decode(&h.json)
		select {
		case hooks <- h:
		default: // a test that does not look must not hold the sender up
		}
	}))
	b.t.Cleanup(server.Close)
	if r := b.control("POST", "/_sim/webhooks", obj{"psp": name, "url": server.URL + "/hook", "secret": webhookSecret}); r.status != 200 || strings.Contains(r.body, webhookSecret) {
		b.t.Fatalf("registering: %d %s", r.status, r.body)
	}
	return hooks
}

func await(t *testing.T, hooks <-chan hook) hook {
	t.Helper()
	select {
	case h := <-hooks:
		return h
	case <-time.After(patience):
		t.Fatal("no webhook")
		return hook{}
	}
}

// genuine says whether a PayMongo event is signed with the secret.
func genuine(h hook) bool {
	parts := map[string]string{}
	for part := range strings.SplitSeq(h.header.Get("Paymongo-Signature"), ",") {
		name, value, _ := strings.Cut(part, "=")
		parts[name] = value
	}
	mac := hmac.New(sha256.New, []byte(webhookSecret))
	mac.Write([]byte(parts["t"] + "." + h.body))
	li, both := parts["li"]
	return both && li == "" && parts["te"] == hex.EncodeToString(mac.Sum(nil))
}

func TestPayMongoWebhooks(t *testing.T) {
	p := paymongo{start(t)}
	hooks := p.receiver("paymongo", 0)
	intent := p.intent("hooks", 10000, "automatic", nil)
	p.attach(intent, p.method("4000000000000002"))
	failed := await(t, hooks)
	if !genuine(failed) || failed.text("data", "attributes", "type") != "payment.failed" ||
		failed.text("data", "attributes", "data", "attributes", "failed_code") != "generic_decline" {
		t.Errorf("failed: %v %s", failed.header, failed.body)
	}
	payment := p.attach(intent, p.method("4242424242424242")).text("data", "attributes", "payments", 1, "id")
	paid := await(t, hooks)
	if !genuine(paid) || paid.text("data", "type") != "event" || paid.text("data", "attributes", "type") != "payment.paid" ||
		paid.text("data", "attributes", "data", "id") != payment || paid.text("data", "attributes", "data", "attributes", "payment_intent_id") != intent {
		t.Errorf("paid: %v %s", paid.header, paid.body)
	}
	p.call("POST", "/refunds", obj{"amount": 10000, "payment_id": payment, "reason": "others"})
	kinds := map[string]bool{}
	for range 2 {
		kinds[await(t, hooks).text("data", "attributes", "type")] = true
	}
	if !kinds["payment.refunded"] || !kinds["payment.refund.updated"] {
		t.Errorf("refund: %v", kinds)
	}
}

func TestXenditWebhooks(t *testing.T) {
	x := xendit{start(t)}
	hooks := x.receiver("xendit", 1) // the first try is refused and made again
	held := x.pay("hooks", "100", "PHP", "4242424242424242", obj{"capture_method": "MANUAL"})
	h := await(t, hooks)
	if h.header.Get("X-Callback-Token") != webhookSecret || h.text("event") != "payment.authorization" || h.text("data", "reference_id") != "hooks" {
		t.Errorf("authorization: %v %s", h.header, h.body)
	}
	x.call("POST", "/v3/payments/"+held.text("latest_payment_id")+"/capture", obj{"capture_amount": 100})
	if h := await(t, hooks); h.text("event") != "payment.capture" || h.text("data", "payment_id") != held.text("latest_payment_id") || h.number("data", "captures", 0, "capture_amount") != "100" {
		t.Errorf("capture: %s", h.body)
	}
	x.call("POST", "/refunds", obj{"payment_request_id": held.text("payment_request_id"), "reason": "OTHERS", "reference_id": "back"})
	if h := await(t, hooks); h.text("event") != "refund.succeeded" || h.text("data", "reference_id") != "back" {
		t.Errorf("refund: %s", h.body)
	}
	x.pay("no", "100", "PHP", "4000000000000002", nil)
	if h := await(t, hooks); h.text("event") != "payment.failure" || h.text("data", "failure_code") != "CARD_DECLINED" {
		t.Errorf("failure: %s", h.body)
	}
}

func TestProcessOutWebhooks(t *testing.T) {
	p := processout{start(t)}
	hooks := p.receiver("processout", 0)
	invoice := p.invoice("hooks", "10", "USD", nil)
	p.pay(invoice, "authorize", obj{"source": p.card("4242424242424242")})
	h := await(t, hooks)
	if h.text("event_type") != "transaction.authorized" || len(h.json.(map[string]any)) != 2 || strings.Contains(h.body, webhookSecret) {
		t.Errorf("authorized: %v %s", h.header, h.body)
	}
	p.pay(invoice, "capture", nil)
	await(t, hooks)
	event := p.call("GET", "/events/"+h.text("event_id"), nil)
	if event.text("event", "name") != "transaction.authorized" || event.text("event", "data", "transaction", "status") != "authorized" ||
		event.text("event", "data", "transaction", "invoice", "reference_id") != "hooks" {
		t.Errorf("event: %s", event.body)
	}
	if r := p.call("GET", "/events/ev_unknown", nil); r.status != 404 || r.text("error_type") != "resource.event.not-found" {
		t.Errorf("unknown event: %d %s", r.status, r.body)
	}
}

func TestWebhookFaults(t *testing.T) {
	p := paymongo{start(t)}
	hooks := p.receiver("paymongo", 0)
	pay := func(reference string) {
		p.attach(p.intent(reference, 10000, "automatic", nil), p.method("4242424242424242"))
	}
	reference := func(h hook) string {
		return h.text("data", "attributes", "data", "attributes", "metadata", "reference")
	}
	fault := func(kind string, more obj) {
		p.fault(merge(obj{"psp": "*", "operation": "webhook", "fault": kind, "count": 1}, more))
	}
	fault("lost", nil)
	began := time.Now()
	pay("lost")
	pay("after-lost")
	arrived := map[string]time.Time{}
	for range 2 {
		h := await(t, hooks)
		arrived[reference(h)] = h.at
	}
	// No 2xx came back for the one that was lost, so the PSP tries again after half a second.
	if arrived["after-lost"].IsZero() || arrived["lost"].Sub(began) < 500*time.Millisecond {
		t.Errorf("lost at %v, arrived: %v", began, arrived)
	}
	fault("duplicate", nil)
	pay("twice")
	first, second := await(t, hooks), await(t, hooks)
	if first.body != second.body || reference(first) != "twice" {
		t.Errorf("duplicate: %s and %s", first.body, second.body)
	}
	fault("late", obj{"delay_ms": 200})
	began = time.Now()
	pay("late")
	if h := await(t, hooks); reference(h) != "late" || h.at.Sub(began) < 200*time.Millisecond {
		t.Errorf("late: %s after %v", reference(h), h.at.Sub(began))
	}
	var order []string
	for range 5 { // the network of a busy machine may put them into order again
		fault("out_of_order", nil)
		pay("older")
		pay("newer")
		if order = []string{reference(await(t, hooks)), reference(await(t, hooks))}; order[0] == "newer" {
			break
		}
	}
	if !slices.Equal(order, []string{"newer", "older"}) {
		t.Errorf("out of order: %v", order)
	}
	fault("out_of_order", nil)
	pay("alone")
	if got := reference(await(t, hooks)); got != "alone" {
		t.Errorf("one that nothing overtakes: %s", got)
	}
	p.fault(obj{"psp": "paymongo", "operation": "webhook", "fault": "webhook_forged", "rate": 1.0})
	unsigned := 0
	for range 10 {
		p.attach(p.intent("forged", 10000, "automatic", nil), p.method("4000000000000002"))
		h := await(t, hooks)
		if genuine(h) || h.text("data", "attributes", "type") != "payment.paid" || h.text("data", "attributes", "data", "attributes", "status") != "paid" || reference(h) != "forged" {
			t.Errorf("forged: %v %s", h.header, h.body)
		}
		if h.header.Get("Paymongo-Signature") == "" {
			unsigned++
		}
	}
	if unsigned == 0 || unsigned == 10 {
		t.Errorf("%d of 10 forgeries without a signature", unsigned)
	}
}

func TestForgeriesOfTheOthers(t *testing.T) {
	b := start(t)
	b.fault(obj{"psp": "*", "operation": "webhook", "fault": "forged"})
	x, p := xendit{b}, processout{b}
	hooks := b.receiver("xendit", 0)
	x.pay("forged", "100", "PHP", "4000000000000002", nil)
	h := await(t, hooks)
	if h.header.Get("X-Callback-Token") == webhookSecret || h.text("event") != "payment.capture" || h.text("data", "status") != "SUCCEEDED" || h.text("data", "reference_id") != "forged" {
		t.Errorf("xendit: %v %s", h.header, h.body)
	}
	hooks = b.receiver("processout", 0)
	p.pay(p.invoice("forged", "10", "USD", nil), "capture", obj{"source": p.card("4000000000000002")})
	h = await(t, hooks)
	if h.text("event_type") != "transaction.captured" || p.call("GET", "/events/"+h.text("event_id"), nil).status != 404 {
		t.Errorf("processout: %s", h.body)
	}
}

// What look-ups do not show yet is not announced either; nothing goes where nothing is registered.
func TestHiddenChargesAreAnnouncedLater(t *testing.T) {
	p := paymongo{start(t)}
	p.attach(p.intent("unheard", 10000, "automatic", nil), p.method("4242424242424242"))
	hooks := p.receiver("paymongo", 0)
	p.fault(obj{"psp": "paymongo", "operation": "authorize", "fault": "slow_visibility", "delay_ms": 300})
	intent := p.intent("hidden", 10000, "automatic", nil)
	began := time.Now()
	p.attach(intent, p.method("4242424242424242"))
	h := await(t, hooks)
	if h.at.Sub(began) < 300*time.Millisecond || h.text("data", "attributes", "data", "attributes", "payment_intent_id") != intent {
		t.Errorf("after %v: %s", h.at.Sub(began), h.body)
	}
	if got := p.control("GET", "/_sim/webhooks", nil); got.text("webhooks", 0, "psp") != "paymongo" {
		t.Errorf("registered: %s", got.body)
	}
	p.control("POST", "/_sim/reset", nil)
	if got := p.control("GET", "/_sim/webhooks", nil); got.text("webhooks", 0, "psp") != "paymongo" {
		t.Errorf("registered after a reset: %s", got.body)
	}
	p.control("POST", "/_sim/webhooks", obj{"psp": "paymongo", "url": ""})
	if got := p.control("GET", "/_sim/webhooks", nil); got.at("webhooks", 0) != nil {
		t.Errorf("registered after its end: %s", got.body)
	}
}
