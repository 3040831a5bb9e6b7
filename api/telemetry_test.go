package api

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"switchyard/payments"
)

func TestRequestIDs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for sent, taken := range map[string]bool{"": false, "abc-123_X.y:z": true, strings.Repeat("a", 128): true, strings.Repeat("a", 129): false, "with space": false, "line\nbreak": false, "é": false, goodCard: false} {
		r := httptest.NewRequest(http.MethodGet, "/healthz", nil)
		if sent != "" {
			r.Header["X-Request-Id"] = []string{sent}
		}
		got := w.send(r).header.Get("X-Request-Id")
		if (got == sent) != taken || got == "" {
			t.Errorf("sent %q, got %q", sent, got)
		}
	}
	if a, b := w.private("GET", "/", nil), w.private("GET", "/", nil); a.header.Get("X-Request-Id") == b.header.Get("X-Request-Id") {
		t.Error("two requests with one id")
	}
}

// TestOneEvent: one line per request, with everything that helps and nothing that must not be there.
func TestOneEvent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := "/invoices/" + w.invoice().text("invoice", "id") + "/capture?legacyrequest=secret-in-query"
	body := map[string]any{"source": w.card(), "metadata": map[string]any{"note": "secret-in-body"}}
	w.engine.set("declined")
	before := len(w.log.lines(t))
	first := w.private("POST", path, body, "Idempotency-Key", "secret-key", "X-Request-Id", "req-1")
	w.private("POST", path, body, "Idempotency-Key", "secret-key", "X-Request-Id", "req-2")
	lines := w.log.lines(t)[before:]
	if len(lines) != 2 {
		t.Fatalf("%d lines", len(lines))
	}
	for name, want := range map[string]any{
		"msg": "request", "level": "INFO", "method": "POST", "route": "/invoices/:invoice/capture", "status": 410.0, "code": "card.do-not-honor",
		"project": projectID, "credential": "private", "bytes": float64(len(first.body)), "request_id": "req-1", "replayed": nil, "error": nil,
	} {
		if lines[0][name] != want {
			t.Errorf("%s: want %v, got %v", name, want, lines[0][name])
		}
	}
	if lines[1]["replayed"] != true || lines[1]["request_id"] != "req-2" {
		t.Errorf("%v", lines[1])
	}
	for _, secret := range []string{"secret-in-query", "secret-in-body", "secret-key", projectKey, "42424242"} {
		if strings.Contains(w.log.String(), secret) {
			t.Errorf("the log has %s", secret)
		}
	}
	w.do(ask{method: "GET", path: "/healthz", anonymous: true})
	lines = w.log.lines(t)
	if lines[len(lines)-1]["level"] != "DEBUG" {
		t.Error("health checks fill the log")
	}
}

// TestRequestIDInEveryLine: whoever logs with the request's context has its id in the line.
func TestRequestIDInEveryLine(t *testing.T) {
	t.Parallel()
	var text logBuffer
	log := slog.New(WithRequestID(WithRequestID(slog.NewJSONHandler(&text, nil)))).With("component", "flow").WithGroup("g")
	ctx := context.WithValue(t.Context(), eventKey{}, &requestEvent{id: "req-1"})
	log.InfoContext(ctx, "hello", "x", 1)
	log.Info("outside")
	lines := text.lines(t)
	if group, _ := lines[0]["g"].(map[string]any); group["request_id"] != "req-1" || strings.Count(text.String(), "req-1") != 1 || lines[0]["component"] != "flow" {
		t.Error(text.String())
	}
	if RequestID(t.Context()) != "" {
		t.Error("an id out of nowhere")
	}
}

func TestPanics(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.engine.enter = func() { panic("secret inside") }
	g := w.private("POST", "/invoices", map[string]any{"name": "x", "amount": "1", "currency": "PHP"}).fails(t, 500, payments.CodeInternal)
	if strings.Contains(g.body, "secret") {
		t.Errorf("the caller learns: %s", g.body)
	}
	if text := w.log.String(); !strings.Contains(text, "goroutine") || !strings.Contains(text, `"status":500`) {
		t.Errorf("the log says: %s", text)
	}
	w.engine.enter = nil
	w.invoice() // and goes on
	w.engine.enter = func() { panic(http.ErrAbortHandler) }
	defer func() {
		if cause, ok := recover().(error); !ok || !errors.Is(cause, http.ErrAbortHandler) {
			t.Error("the server asked to drop the connection, and it was kept")
		}
	}()
	w.private("POST", "/invoices", map[string]any{"name": "x", "amount": "1", "currency": "PHP"})
}

// TestCallerGone: who goes away is no failure of ours.
func TestCallerGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	w.engine.enter = cancel
	w.engine.fail = context.Canceled
	r := httptest.NewRequestWithContext(ctx, "POST", "/invoices", strings.NewReader(`{"name":"x","amount":"1","currency":"PHP"}`))
	r.SetBasicAuth(projectID, projectKey)
	out := httptest.NewRecorder()
	w.api.ServeHTTP(out, r)
	lines := w.log.lines(t)
	if last := lines[len(lines)-1]; out.Code != statusClientGone || last["level"] != "INFO" {
		t.Errorf("%d %v", out.Code, last)
	}
}

// TestSpansAndDurations runs the telemetry with providers of its own, so that no test sees another's.
func TestSpansAndDurations(t *testing.T) {
	t.Parallel()
	spans := tracetest.NewInMemoryExporter()
	reader := sdkmetric.NewManualReader()
	w := newWorld(t)
	api, _ := w.api.(*server)
	var err error
	api.telemetry.tracer = sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans)).Tracer("test")
	if api.telemetry.duration, err = sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)).Meter("test").Float64Histogram("http.server.request.duration"); err != nil {
		t.Fatal(err)
	}
	w.private("GET", "/customers/"+w.customer(), nil).ok(t)
	w.private("GET", "/customers/cust_other", nil)
	w.private("BREW", "/nowhere/"+goodCard, nil)
	names := map[string]bool{}
	for _, span := range spans.GetSpans() {
		names[span.Name] = true
		if span.SpanKind != trace.SpanKindServer {
			t.Error(span.SpanKind)
		}
		if data, err := json.Marshal(span.Attributes); err != nil || strings.Contains(string(data), "42424242") {
			t.Errorf("%s %v", data, err)
		}
	}
	if !names["GET /customers/:customer"] || !names["POST /customers"] || !names["other "] {
		t.Errorf("%v", names)
	}
	var metrics metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &metrics); err != nil {
		t.Fatal(err)
	}
	histogram, _ := metrics.ScopeMetrics[0].Metrics[0].Data.(metricdata.Histogram[float64])
	routes := map[string]int{}
	for _, point := range histogram.DataPoints {
		route, _ := point.Attributes.Value(attribute.Key("http.route"))
		routes[route.AsString()]++
	}
	if routes["/customers/:customer"] != 2 || routes[""] != 1 {
		t.Errorf("%v", routes)
	}
}
