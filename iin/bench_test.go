package iin_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"switchyard/iin"
)

// manyRows is a table of a million rows: ranges of 40 numbers side by side, of 20,000 banks.
func manyRows() string {
	var b strings.Builder
	b.WriteString("first,last,scheme,country,funding,issuer,product\n")
	for i := range 1_000_000 {
		first := 40_000_000 + 40*i
		fmt.Fprintf(&b, "%08d,%08d,visa,%s,%s,Bank number %d,classic\n", first, first+29, [...]string{"US", "GB", "PH"}[i%3], [...]string{"credit", "debit"}[i%2], i/50)
	}
	return b.String()
}

func BenchmarkReadMillion(b *testing.B) {
	text := manyRows()
	b.SetBytes(int64(len(text)))
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var table *iin.Table
	for b.Loop() {
		table, _ = iin.Read(strings.NewReader(text))
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/(1<<20), "MiB-kept")
	runtime.KeepAlive(text)
	if table.Rows() != 1_000_000 {
		b.Fatal("the table was not read")
	}
}

func BenchmarkLookup(b *testing.B) {
	table, _ := iin.Read(strings.NewReader(manyRows()))
	for name, length := range map[string]int{"eight digits": 8, "six digits": 6} {
		b.Run(name, func(b *testing.B) {
			asked := make([]string, 1<<16)
			for i := range asked {
				asked[i] = fmt.Sprintf("%08d", 40_000_000+(i*7_368_787)%40_000_000)[:length]
			}
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				table.Lookup(asked[i%len(asked)])
				i++
			}
		})
	}
}
