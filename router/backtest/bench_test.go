package backtest_test

import (
	"testing"

	"switchyard/router/backtest"
)

func BenchmarkAdd(b *testing.B) {
	log := mixed.log(1, 1, 0.02)
	var r backtest.Record
	log[0].record(smart(&mixed), &r)
	p := backtest.New(backtest.Settings{})
	for b.Loop() {
		if err := p.Add(&r); err != nil {
			b.Fatal(err)
		}
	}
}
