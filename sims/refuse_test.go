package sims_test

import (
	"errors"
	"syscall"
	"testing"
	"time"
)

func TestRefuse(t *testing.T) {
	eachVendor(t, func(t *testing.T, b *bench, v vendor) {
		url := b.base(v.name) + "/anything"
		get := func() reply { return b.send(t.Context(), request{method: "GET", url: url}) }
		if r := get(); r.err != nil { // leaves an open connection behind
			t.Fatal(r.err)
		}
		for range 3 {
			b.fault(obj{"psp": v.name, "operation": "*", "fault": "refuse", "rate": 1.0})
			if r := get(); !errors.Is(r.err, syscall.ECONNREFUSED) {
				t.Fatalf("while refusing: %d %v", r.status, r.err)
			}
			for _, other := range b.server.PSPs() {
				if r := b.send(t.Context(), request{method: "GET", url: other.BaseURL}); other.Name != v.name && r.err != nil {
					t.Errorf("%s is down with %s: %v", other.Name, v.name, r.err)
				}
			}
			b.clearFaults()
			if r := get(); r.err != nil {
				t.Fatalf("after it: %v", r.err)
			}
		}
	})
	b := start(t)
	b.fault(obj{"psp": "*", "operation": "*", "fault": "refuse"})
	for _, p := range b.server.PSPs() {
		if r := b.send(t.Context(), request{method: "GET", url: p.BaseURL}); !errors.Is(r.err, syscall.ECONNREFUSED) {
			t.Errorf("%s: %v", p.Name, r.err)
		}
	}
	b.control("POST", "/_sim/reset", nil)
	for _, p := range b.server.PSPs() {
		if r := b.send(t.Context(), request{method: "GET", url: p.BaseURL}); r.err != nil {
			t.Errorf("%s after a reset: %v", p.Name, r.err)
		}
	}
}

func TestRefuseEndsWhatIsUnderWay(t *testing.T) {
	b := start(t)
	b.fault(obj{"psp": "xendit", "operation": "lookup", "fault": "timeout"})
	answers := make(chan reply, 1)
	go func() {
		answers <- b.send(t.Context(), request{method: "GET", url: b.base("xendit") + "/transactions"})
	}()
	eventually(t, "the request arrives", func() bool { return b.control("GET", "/_sim/requests", nil).at("requests", 0) != nil })
	b.fault(obj{"psp": "xendit", "operation": "*", "fault": "refuse"})
	select {
	case r := <-answers:
		if r.err == nil {
			t.Errorf("answered: %d", r.status)
		}
	case <-time.After(patience):
		t.Error("the connection stayed open")
	}
}
