package api

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"switchyard/payments"
)

// eventKey is the key of the request's event in its context.
type eventKey struct{}

// requestEvent becomes the one wide log event of a request. It holds no bodies, no credentials and no path or query: there
// may be a card number in any of them.
type requestEvent struct {
	id         string
	method     string
	route      string     // the template; empty when no route fits
	params     gin.Params // of the route
	project    string
	credential string
	code       string // of the error or decline
	err        error  // internal
	replayed   bool
	status     int
	bytes      int
	began      time.Time
}

// RequestID returns the id of the request that ctx belongs to, "" if it belongs to none.
func RequestID(ctx context.Context) string {
	if event, ok := ctx.Value(eventKey{}).(*requestEvent); ok {
		return event.id
	}
	return ""
}

// requestID takes over a caller's id if it is fit for logs and cannot be a card number, and makes one if not.
func requestID(r *http.Request) string {
	const longest = 128
	id := r.Header.Get("X-Request-Id")
	if id == "" || len(id) > longest || !fitForLogs(id) {
		return payments.NewID("req_")
	}
	return id
}

// fitForLogs says that a caller's text has nothing but the characters of ids, and cannot be a card number.
func fitForLogs(id string) bool {
	for i := range len(id) {
		c := id[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.' || c == ':') {
			return false
		}
	}
	return !payments.Luhn(id)
}

// write logs the event. Questions about health come too often to be worth a line.
func (e *requestEvent) write(ctx context.Context, log *slog.Logger, now time.Time) {
	level := slog.LevelInfo
	switch {
	case e.status >= http.StatusInternalServerError:
		level = slog.LevelError
	case e.route == routeHealth || e.route == routeReady:
		level = slog.LevelDebug
	}
	if !log.Enabled(ctx, level) {
		return
	}
	attrs := make([]slog.Attr, 0, 10)
	attrs = append(attrs, slog.String("method", e.method), slog.String("route", e.route), slog.Int("status", e.status),
		slog.Float64("duration_ms", float64(now.Sub(e.began).Microseconds())/1000), slog.Int("bytes", e.bytes))
	for _, p := range e.params { // which invoice, customer, token: so that one payment can be followed
		if fitForLogs(p.Value) {
			attrs = append(attrs, slog.String(p.Key, p.Value))
		}
	}
	if e.project != "" {
		attrs = append(attrs, slog.String("project", e.project), slog.String("credential", e.credential))
	}
	if e.code != "" {
		attrs = append(attrs, slog.String("code", e.code))
	}
	if e.replayed {
		attrs = append(attrs, slog.Bool("replayed", true))
	}
	if e.err != nil {
		attrs = append(attrs, slog.String("error", e.err.Error()))
	}
	log.LogAttrs(ctx, level, "request", attrs...)
}

// logHandler adds the request id to every record that is logged with a request's context.
type logHandler struct{ slog.Handler }

// WithRequestID returns a handler that adds the id of the request to every record whose context belongs to one. A handler
// that does so already is returned as it is.
func WithRequestID(inner slog.Handler) slog.Handler {
	if h, ok := inner.(logHandler); ok {
		return h
	}
	return logHandler{inner}
}

func (h logHandler) Handle(ctx context.Context, record slog.Record) error {
	if id := RequestID(ctx); id != "" {
		record.AddAttrs(slog.String("request_id", id))
	}
	return h.Handler.Handle(ctx, record)
}

func (h logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return logHandler{h.Handler.WithAttrs(attrs)}
}

func (h logHandler) WithGroup(name string) slog.Handler { return logHandler{h.Handler.WithGroup(name)} }

// telemetry is a span and a duration per request. Without a configured provider both cost next to nothing.
type telemetry struct {
	tracer   trace.Tracer
	duration metric.Float64Histogram
	series   *sync.Map // series → metric.MeasurementOption, so that a request builds none
}

// series names one line of the histogram. There are as many as routes times statuses.
type series struct {
	method, route string
	status        int
}

func newTelemetry() telemetry {
	const scope = "switchyard/api"
	duration, err := otel.Meter(scope).Float64Histogram("http.server.request.duration",
		metric.WithUnit("s"), metric.WithDescription("Duration of requests to the merchant API"),
		metric.WithExplicitBucketBoundaries(.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 20))
	if err != nil {
		otel.Handle(err)
	}
	return telemetry{tracer: otel.Tracer(scope), duration: duration, series: &sync.Map{}}
}

func (t telemetry) begin(ctx context.Context, r *http.Request) (context.Context, trace.Span) {
	ctx = otel.GetTextMapPropagator().Extract(ctx, propagation.HeaderCarrier(r.Header))
	return t.tracer.Start(ctx, "request", trace.WithSpanKind(trace.SpanKindServer))
}

func (t telemetry) end(ctx context.Context, span trace.Span, e *requestEvent, now time.Time) {
	of := series{method: e.method, route: e.route, status: e.status}
	set, ok := t.series.Load(of)
	if !ok {
		set, _ = t.series.LoadOrStore(of, metric.WithAttributeSet(attribute.NewSet(
			attribute.String("http.request.method", e.method), attribute.String("http.route", e.route),
			attribute.Int("http.response.status_code", e.status))))
	}
	if option, ok := set.(metric.MeasurementOption); ok {
		t.duration.Record(ctx, now.Sub(e.began).Seconds(), option)
	}
	if span.IsRecording() {
		span.SetName(e.method + " " + e.route)
		span.SetAttributes(attribute.String("http.request.method", e.method), attribute.String("http.route", e.route),
			attribute.Int("http.response.status_code", e.status), attribute.String("switchyard.request_id", e.id),
			attribute.String("switchyard.project", e.project), attribute.String("switchyard.code", e.code))
		if e.status >= http.StatusInternalServerError {
			span.SetStatus(codes.Error, e.code)
		}
	}
	span.End()
}

// knownMethod keeps invented methods out of logs and metrics.
func knownMethod(method string) string {
	if slices.Contains([]string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions, http.MethodPatch}, method) {
		return method
	}
	return "other"
}
