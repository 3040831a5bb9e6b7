package router

import (
	"testing"
	"time"
)

// TestThrow: a router obeys the kill switches that it was given last.
func TestThrow(t *testing.T) {
	t.Parallel()
	r := New(config(), Settings{Now: func() time.Time { return noon }})
	first := func() string { return r.Decide(cardSale()).Candidates[0].GatewayConfigurationID }
	off := &Switches{Gateways: map[string]Switch{processout: {Until: noon.Add(time.Hour)}}}
	for _, step := range []struct {
		switches *Switches
		want     string
	}{{nil, processout}, {off, xendit}, {nil, processout}} {
		r.Throw(step.switches)
		if got := first(); got != step.want {
			t.Errorf("%+v: %s, want %s", step.switches, got, step.want)
		}
	}
}
