package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"switchyard/adapters/all"
	"switchyard/app"
	"switchyard/config"
	"switchyard/sims"
)

// BenchmarkAuthorize is one authorize through the API, over HTTP on loopback, against a simulated PSP over HTTP on
// loopback, with a durable store: the road of one payment, without and with company.
func BenchmarkAuthorize(b *testing.B) {
	for _, callers := range []int{1, 16} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) { benchmarkAuthorize(b, callers) })
	}
}

func benchmarkAuthorize(b *testing.B, callers int) {
	simulators, err := sims.Start(sims.Options{Listen: "127.0.0.1:0", Seed: 1, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = simulators.Stop(context.Background()) }()
	psps := map[string]string{}
	for _, p := range simulators.PSPs() {
		if p.Name == "xendit" { // one step, so that what is measured is ours
			psps[p.Name] = p.BaseURL
		}
	}
	c, err := config.Dev(config.DevOptions{Listen: "127.0.0.1:0", OpsListen: "127.0.0.1:0", DataDir: b.TempDir(), PSPs: psps, Providers: all.Providers()})
	if err != nil {
		b.Fatal(err)
	}
	a, err := app.New(b.Context(), c, app.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	a.Start()
	defer func() { _ = a.Stop(context.Background()) }()

	post := func(path, body string) map[string]map[string]any {
		r, err := http.NewRequestWithContext(b.Context(), http.MethodPost, a.URL()+path, strings.NewReader(body))
		if err != nil {
			b.Fatal(err)
		}
		r.SetBasicAuth(config.DevProjectID, config.DevAPIKey)
		response, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			b.Fatal(err)
		}
		defer func() { _ = response.Body.Close() }()
		text, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode != http.StatusOK {
			b.Fatalf("%s: %d %s %v", path, response.StatusCode, text, err)
		}
		raw := map[string]json.RawMessage{}
		if err := json.Unmarshal(text, &raw); err != nil {
			b.Fatal(err)
		}
		objects := map[string]map[string]any{}
		for name, value := range raw {
			var o map[string]any
			if json.Unmarshal(value, &o) == nil {
				objects[name] = o
			}
		}
		return objects
	}
	customer := post("/customers", `{}`)["customer"]["id"].(string)
	card := post("/cards", `{"number":"4242424242424242","exp_month":"12","exp_year":"2031"}`)["card"]["id"].(string)
	token := post("/customers/"+customer+"/tokens", `{"source":"`+card+`"}`)["token"]["id"].(string)
	invoices := make([]string, b.N)
	for i := range invoices {
		invoices[i] = post("/invoices", `{"name":"Order","amount":"25000","currency":"IDR","customer_id":"`+customer+`"}`)["invoice"]["id"].(string)
	}
	var next atomic.Int64
	b.SetParallelism(callers)
	b.ReportAllocs()
	b.ResetTimer()
	before := a.Commits()
	work := func() {
		invoice := invoices[next.Add(1)-1]
		if status := post("/invoices/"+invoice+"/authorize", `{"source":"`+token+`"}`)["transaction"]["status"]; status != "authorized" {
			b.Errorf("status %v", status)
		}
	}
	if callers == 1 {
		for range b.N {
			work()
		}
	} else {
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				work()
			}
		})
	}
	b.ReportMetric(float64(a.Commits()-before)/float64(b.N), "commits/op")
}
