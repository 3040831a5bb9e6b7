package learn_test

import (
	"fmt"
	"testing"

	"switchyard/payments"
	"switchyard/router/learn"
)

func BenchmarkChoose(b *testing.B) {
	for _, gateways := range []int{5, 50} {
		b.Run(fmt.Sprintf("gateways=%d", gateways), func(b *testing.B) {
			l, r := learn.New(learn.Settings{}), dice(1)
			teach(l, 0, 5000, gateways, func(_, _ int, _ string) payments.Result { return chance(r, 0.87) })
			request := learn.Request{Payment: card(1, "DE"), Candidates: candidates(gateways), Policy: "v1", Now: at(5000)}
			b.ReportAllocs()
			for b.Loop() {
				l.Choose(&request)
			}
		})
	}
}

func BenchmarkObserve(b *testing.B) {
	l, r := learn.New(learn.Settings{}), dice(1)
	teach(l, 0, 5000, 5, func(_, _ int, _ string) payments.Result { return chance(r, 0.87) })
	c := ask(l, card(1, "DE"), candidates(5), at(5000))
	outcomes := []learn.Outcome{{Gateway: "gw_0", Result: approved}, {Gateway: "gw_0", Result: declined}}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		n++
		l.Observe(c.Ticket, outcomes[min(n%8, 1)^1], at(5000))
	}
}
