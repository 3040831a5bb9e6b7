package router

import (
	"fmt"
	"strings"
	"testing"

	"switchyard/payments"
	"switchyard/router/learn"
)

// taught are beliefs about many gateway configurations, as after a day of payments.
func taught(c *Config) *learn.Learner {
	l := learn.New(learn.Settings{})
	f := benchFacts()
	for i := range 20_000 {
		f.CardCountry = []string{"DE", "FR", "US"}[i%3]
		p := paymentOf(&f)
		status := payments.Approved
		if i%9 == 0 {
			status = payments.Declined
		}
		l.Observe(learn.TicketOf(&p, uint64(i)), learn.Outcome{
			Gateway: c.Gateways[i%len(c.Gateways)].ID, Result: payments.Result{Outcome: payments.Outcome{Status: status, Code: payments.CardDoNotHonor}},
		}, noon)
	}
	return l
}

func manyGateways(n int) []Gateway {
	var list []Gateway
	for i := range n {
		list = append(list, Gateway{ID: fmt.Sprintf("gway_conf_%02d", i), PSP: "psp", Enabled: true, Capabilities: payments.Capabilities{MerchantInitiated: true, ManualCapture: true, ZeroVerify: true}})
	}
	return list
}

// smartRules are n rules and a smart route behind them, with fees for all. The first five have theirs already.
func smartRules(n int, list []Gateway) string {
	var fees strings.Builder
	for i, g := range list[len(fiveGateways()):] {
		fmt.Fprintf(&fees, "  %s: [{rows: [{blended: {bps: %d, fixed: \"0.10 EUR\"}}]}]\n", g.ID, 100+i)
	}
	return strings.Replace(manyRules(n, "{smart: all}"), "rules:\n", fees.String()+"rules:\n", 1)
}

func smartConfig(t testing.TB, rules, gateways int) *Config {
	list := fiveGateways()
	if gateways != len(list) {
		list = append(list, manyGateways(gateways-len(list))...)
	}
	c := Config{Gateways: list, MaxAttempts: 3}
	c.Policy = policyOf(t, smartRules(rules, list), list)
	return Compile(c)
}

// BenchmarkDecideSmart: rules, scores and fees.
func BenchmarkDecideSmart(b *testing.B) {
	for _, size := range []struct{ rules, gateways int }{{10, 5}, {1_000, 5}, {10, 50}} {
		c := smartConfig(b, size.rules, size.gateways)
		view := View{Beliefs: taught(c)}
		f := benchFacts()
		b.Run(fmt.Sprintf("%d rules, %d gateways", size.rules, size.gateways), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if d := Decide(c, f, view, noon); d.Candidates[0].Score == nil {
					b.Fatal(d)
				}
			}
		})
	}
}
