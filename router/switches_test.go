package router

import (
	"strings"
	"testing"
	"time"

	"switchyard/payments"
	"switchyard/router/rules"
)

func TestSwitches(t *testing.T) {
	off := Switch{Until: noon.Add(time.Hour), Because: "settlement is late"}
	over := Switch{Until: noon}
	card, token := cardSale(), cardSale()
	token.Mappings = map[string]payments.Mapping{}
	for _, test := range []struct {
		name     string
		switches Switches
		facts    payments.Facts
		excluded map[string]string // the beginning of the reason, by gateway configuration
		first    string
	}{
		{"none", Switches{}, card, map[string]string{}, processout},
		{
			"a gateway configuration",
			Switches{Gateways: map[string]Switch{processout: off}},
			card,
			map[string]string{processout: "ProcessOut is switched off until 2026-11-20T13:00:00Z: settlement is late"},
			xendit,
		},
		{"one whose time is over", Switches{Gateways: map[string]Switch{processout: over}}, card, map[string]string{}, processout},
		{
			"a method",
			Switches{Methods: map[string]map[rules.Method]Switch{processout: {rules.MethodToken: off}}},
			token,
			map[string]string{processout: "ProcessOut is, for payments by token, switched off until"},
			xendit,
		},
		{"another method", Switches{Methods: map[string]map[rules.Method]Switch{processout: {rules.MethodToken: off}}}, card, map[string]string{}, processout},
		{
			"cascades",
			Switches{Cascades: off},
			card,
			map[string]string{xendit: "cascades are switched off until", paymongo: "cascades are switched off until"},
			processout,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := Decide(config(), test.facts, View{Switches: &test.switches}, noon)
			if first := d.Candidates[0]; first.GatewayConfigurationID != test.first || first.Verdict != payments.Chosen {
				t.Errorf("chosen: %+v", first)
			}
			for _, c := range d.Candidates {
				want, out := test.excluded[c.GatewayConfigurationID]
				if (c.Verdict == payments.Excluded) != out || !strings.HasPrefix(c.Reason, want) {
					t.Errorf("%s: %s, %q; want excluded %v, %q", c.GatewayConfigurationID, c.Verdict, c.Reason, out, want)
				}
			}
		})
	}
}
