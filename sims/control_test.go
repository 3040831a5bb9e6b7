package sims_test

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"switchyard/sims"
)

func TestControl(t *testing.T) {
	b := start(t)
	list := b.control("GET", "/_sim/psps", nil)
	for i, name := range []string{"dojo", "paymongo", "pivot", "processout", "xendit"} {
		if list.text("psps", i, "psp") != name || !strings.HasPrefix(list.text("psps", i, "base_url"), "http://127.0.0.1:") {
			t.Errorf("PSPs: %s", list.body)
		}
	}
	if r := b.control("GET", "/_sim/ledger", nil); strings.TrimSpace(r.body) != `{"charges":[]}` {
		t.Errorf("empty ledger: %s", r.body)
	}
	if r := b.control("GET", "/_sim/faults", nil); strings.TrimSpace(r.body) != `{"faults":[]}` {
		t.Errorf("no faults: %s", r.body)
	}
	if r := b.control("GET", "/_sim/nothing", nil); r.status != 404 || r.text("error") == "" {
		t.Errorf("unknown endpoint: %d %s", r.status, r.body)
	}
	preparePayMongo(b, "one").charge(t.Context())
	prepareProcessOut(b, "two").charge(t.Context())
	prepareXendit(b, "three").charge(t.Context())
	rows := b.control("GET", "/_sim/ledger", nil)
	for i, want := range []string{"one", "two", "three"} {
		if rows.text("charges", i, "reference") != want || rows.text("charges", i, "state") != "captured" || rows.number("charges", i, "amount_minor") != "10000" {
			t.Errorf("ledger: %s", rows.body)
		}
	}
	b.fault(obj{"psp": "paymongo", "operation": "lookup", "fault": "error_500"})
	if r := b.control("POST", "/_sim/reset", nil); r.status != 200 {
		t.Errorf("reset: %d %s", r.status, r.body)
	}
	for path, want := range map[string]string{"/_sim/ledger": `{"charges":[]}`, "/_sim/faults": `{"faults":[]}`, "/_sim/requests": `{"requests":[]}`} {
		if r := b.control("GET", path, nil); strings.TrimSpace(r.body) != want {
			t.Errorf("%s after a reset: %s", path, r.body)
		}
	}
	if r := prepareXendit(b, "three").charge(t.Context()); r.status != 201 {
		t.Errorf("a reference is free again: %d %s", r.status, r.body)
	}
}

func TestFaultsAreChecked(t *testing.T) {
	b := start(t)
	good := obj{"psp": "xendit", "operation": "authorize", "fault": "slow", "rate": 0.5, "delay_ms": 10}
	for _, c := range []struct {
		change obj
		says   string
	}{
		{obj{"psp": "stripe"}, "stripe"},
		{obj{"psp": ""}, "psp"},
		{obj{"operation": "pay"}, "pay"},
		{obj{"operation": ""}, "operation"},
		{obj{"fault": "explode"}, "explode"},
		{obj{"rate": 1.5}, "rate"},
		{obj{"rate": -1}, "rate"},
		{obj{"count": 0}, "count"},
		{obj{"delay_ms": -1}, "delay_ms"},
		{obj{"operation": "webhook"}, "webhooks"},
		{obj{"fault": "lost"}, "webhook"},
		{obj{"fault": "refuse"}, "refuse"},
		{obj{"fault": "refuse", "operation": "*"}, "refuse"},
		{obj{"fault": "refuse", "operation": "*", "rate": 1, "count": 1}, "refuse"},
		{obj{"fault": "decline_soft", "operation": "lookup"}, "decline"},
		{obj{"rate": "often"}, "rate"},
	} {
		if r := b.control("POST", "/_sim/faults", merge(good, c.change)); r.status != 400 || !strings.Contains(r.text("error"), c.says) {
			t.Errorf("%v: %d %s", c.change, r.status, r.body)
		}
	}
	if r := b.control("POST", "/_sim/faults", "{"); r.status != 400 {
		t.Errorf("broken JSON: %d %s", r.status, r.body)
	}
	for _, webhook := range []string{"lost", "webhook_lost", "webhook_duplicate", "webhook_late", "webhook_out_of_order", "webhook_forged"} {
		b.fault(obj{"psp": "*", "operation": "webhook", "fault": webhook, "rate": 1.0})
	}
	b.fault(merge(good, nil))
	r := b.control("GET", "/_sim/faults", nil)
	if r.text("faults", 1, "fault") != "lost" || r.text("faults", 6, "fault") != "slow" || r.number("faults", 6, "rate") != "0.5" || r.at("faults", 7) != nil {
		t.Errorf("faults: %s", r.body)
	}
	for _, c := range []struct {
		path string
		body obj
	}{
		{"/_sim/webhooks", obj{"psp": "stripe", "url": "http://127.0.0.1/"}},
		{"/_sim/webhooks", obj{"psp": "xendit", "url": "ftp://x"}},
		{"/_sim/settings", obj{"psp": "xendit"}},
		{"/_sim/settings", obj{"psp": "paymongo", "hold": "yes"}},
	} {
		if r := b.control("POST", c.path, c.body); r.status != 400 || r.text("error") == "" {
			t.Errorf("%s %v: %d %s", c.path, c.body, r.status, r.body)
		}
	}
}

func TestCountIsOverAllPSPs(t *testing.T) {
	b := start(t)
	b.fault(obj{"psp": "*", "operation": "lookup", "fault": "error_503", "count": 2})
	var statuses []int
	for range 2 {
		for _, p := range b.server.PSPs() {
			statuses = append(statuses, b.send(t.Context(), request{method: "GET", url: p.BaseURL + "/x"}).status)
		}
	}
	if got := fmt.Sprint(statuses); got != "[503 503"+strings.Repeat(" 404", 8)+"]" {
		t.Errorf("statuses: %v", got)
	}
}

func TestFirstFaultThatAppliesWins(t *testing.T) {
	b := start(t)
	b.fault(obj{"psp": "xendit", "operation": "capture", "fault": "error_500"})
	b.fault(obj{"psp": "*", "operation": "lookup", "fault": "throttle_429", "rate": 0})
	b.fault(obj{"psp": "*", "operation": "*", "fault": "error_503"})
	b.fault(obj{"psp": "xendit", "operation": "lookup", "fault": "error_500"})
	if r := b.send(t.Context(), request{method: "GET", url: b.base("xendit") + "/x"}); r.status != 503 {
		t.Errorf("status %d, want 503", r.status)
	}
}

// Under a seed the same calls meet the same faults and make the same ids.
func TestSeedIsReproducible(t *testing.T) {
	run := func() string {
		b := start(t)
		b.fault(obj{"psp": "*", "operation": "lookup", "fault": "error_503", "rate": 0.3})
		b.fault(obj{"psp": "*", "operation": "lookup", "fault": "throttle_429", "rate": 0.3})
		var out strings.Builder
		for range 60 {
			fmt.Fprint(&out, b.send(t.Context(), request{method: "GET", url: b.base("xendit") + "/x"}).status, " ")
		}
		out.WriteString(paymongo{b}.method("4242424242424242"))
		return out.String()
	}
	first, second := run(), run()
	if first != second {
		t.Errorf("two runs differ:\n%s\n%s", first, second)
	}
	for _, status := range []string{"503", "429", "404"} {
		if n := strings.Count(first, status); n < 5 || n > 50 {
			t.Errorf("%s came %d times of 60", status, n)
		}
	}
}

func TestStopEndsEverything(t *testing.T) {
	before := runtime.NumGoroutine()
	server, err := sims.Start(sims.Options{Listen: "127.0.0.1:0", Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Timeout: 2 * patience, Transport: &http.Transport{}}
	b := &bench{t: t, server: server, client: client}
	p := preparePayMongo(b, "stop")
	b.fault(obj{"psp": "paymongo", "operation": "authorize", "fault": "charge_late", "delay_ms": 60000})
	b.fault(obj{"psp": "*", "operation": "lookup", "fault": "timeout"})
	b.fault(obj{"psp": "*", "operation": "prepare", "fault": "slow", "delay_ms": 60000})
	var held sync.WaitGroup
	held.Go(func() { p.charge(t.Context()) })
	held.Go(func() { b.send(t.Context(), request{method: "GET", url: b.base("xendit") + "/x"}) })
	held.Go(func() { b.send(t.Context(), request{method: "POST", url: b.base("processout") + "/customers"}) })
	eventually(t, "three calls are held", func() bool {
		r := b.control("GET", "/_sim/requests", nil)
		return strings.Contains(r.body, `"authorize"`) && strings.Contains(r.body, "xendit") && strings.Contains(r.body, "processout")
	})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	began := time.Now()
	if err := server.Stop(ctx); err != nil {
		t.Errorf("stop: %v", err)
	}
	if took := time.Since(began); took > patience/2 {
		t.Errorf("stop took %v", took)
	}
	if err := server.Stop(ctx); err != nil {
		t.Errorf("a second stop: %v", err)
	}
	held.Wait()
	client.CloseIdleConnections()
	if rows := b.rows("stop"); rows != nil {
		t.Errorf("charged after the stop: %+v", rows)
	}
	eventually(t, "every goroutine is gone", func() bool { return runtime.NumGoroutine() <= before })
}

func TestStartFails(t *testing.T) {
	b := start(t)
	if _, err := sims.Start(sims.Options{Listen: strings.TrimPrefix(b.server.URL(), "http://")}); err == nil {
		t.Error("the control address is taken twice")
	}
	if _, err := sims.Start(sims.Options{Listen: "nowhere"}); err == nil {
		t.Error("an address without a port is taken")
	}
}

// Many clients at once: the race detector watches.
func TestConcurrency(t *testing.T) {
	b := start(t)
	b.fault(obj{"psp": "*", "operation": "authorize", "fault": "charge_then_500", "rate": 0.1})
	b.fault(obj{"psp": "*", "operation": "authorize", "fault": "charge_late", "rate": 0.1, "delay_ms": 5})
	b.fault(obj{"psp": "*", "operation": "authorize", "fault": "slow_visibility", "rate": 0.1, "delay_ms": 5})
	var clients sync.WaitGroup
	for i := range 8 {
		clients.Go(func() {
			for n := range 10 {
				reference := fmt.Sprintf("r%dx%d", i, n)
				x := xendit{b}
				ctx, giveUp := context.WithTimeout(t.Context(), 50*time.Millisecond)
				b.send(ctx, request{
					method: "POST", url: b.base("xendit") + "/v3/payment_requests", user: "xnd_development_a",
					header: map[string]string{"api-version": "2024-11-11"}, body: x.payment(reference, "100", "PHP", "4242424242424242", nil),
				})
				giveUp()
				x.call("GET", "/transactions?reference_id="+reference, nil)
				b.control("GET", "/_sim/ledger", nil)
			}
		})
	}
	clients.Wait()
	// A request of an impatient client may not have arrived, and is not counted then.
	eventually(t, "every request that arrived has its charge", func() bool {
		r := b.control("GET", "/_sim/requests", nil)
		return r.text("requests", 0, "operation") == "authorize" && r.number("requests", 0, "count") == fmt.Sprint(len(b.server.Charges()))
	})
}

// The journal has every call in order with what matters of it, and nothing secret.
func TestJournal(t *testing.T) {
	b := start(t)
	prepareXendit(b, "noted").charge(t.Context())
	b.fault(obj{"psp": "xendit", "operation": "void", "fault": "reset", "count": 1})
	b.send(t.Context(), request{method: "POST", url: b.base("xendit") + "/v3/payments/py-1/cancel", user: "xnd_development_a", header: map[string]string{"api-version": "2024-11-11"}})
	b.fault(obj{"psp": "xendit", "operation": "*", "fault": "throttle_429", "count": 1})
	b.send(t.Context(), request{method: "GET", url: b.base("xendit") + "/refunds?reference_id=r1&limit=2", user: "xnd_development_a"})
	b.send(t.Context(), request{method: "POST", url: b.base("xendit") + "/checkout/opens-the-page", body: "number=4242424242424242&cvc=123"})
	b.send(t.Context(), request{method: "GET", url: b.base("paymongo") + "/_3ds/opens-the-page"})
	r := b.control("GET", "/_sim/journal", nil)
	for i, want := range []string{
		"1 xendit POST /v3/payment_requests authorize 201", "2 xendit POST /v3/payments/py-1/cancel void 0", "3 xendit GET /refunds lookup 429",
		"4 xendit POST /checkout/* authorize 404", "5 paymongo GET /_3ds/*  404",
	} {
		row := func(name string) string { return r.text("calls", i, name) }
		got := strings.Join([]string{r.number("calls", i, "n"), row("psp"), row("method"), row("path"), row("operation"), r.number("calls", i, "status")}, " ")
		if got != want {
			t.Errorf("row %d: %q, want %q", i, got, want)
		}
	}
	first := func(path ...any) any { return r.at(append([]any{"calls", 0}, path...)...) }
	if first("headers", "Authorization") != "Basic base64(xnd_…:)" || first("headers", "Api-Version") != "2024-11-11" || fmt.Sprint(first("body", "request_amount")) != "100" {
		t.Errorf("the payment: %v", first())
	}
	if card := first("body", "channel_properties", "card_details", "card_number"); card != "[masked]" {
		t.Errorf("card number: %v", card)
	}
	if got := r.text("calls", 2, "query", "reference_id", 0); got != "r1" {
		t.Errorf("query: %q", got)
	}
	if strings.Contains(r.body, "4242424242424242") || strings.Contains(r.body, "opens-the-page") {
		t.Errorf("a secret: %s", r.body)
	}
	if one := b.control("GET", "/_sim/journal?psp=paymongo", nil); one.number("calls", 0, "n") != "5" || one.at("calls", 1) != nil {
		t.Errorf("of one PSP: %s", one.body)
	}
	if bad := b.control("GET", "/_sim/journal?psp=stripe", nil); bad.status != 400 {
		t.Errorf("of no PSP: %d", bad.status)
	}
	b.control("POST", "/_sim/reset", nil)
	if empty := b.control("GET", "/_sim/journal", nil); strings.TrimSpace(empty.body) != `{"calls":[]}` {
		t.Errorf("after a reset: %s", empty.body)
	}
}
