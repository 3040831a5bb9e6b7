package router

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"switchyard/payments"
)

type contextKey struct{}

// The payer's disconnect does not cancel the call, the deadline does, and values pass through.
func TestDoContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := New(config(), settings())
		ctx, cancel := context.WithCancel(context.WithValue(t.Context(), contextKey{}, "request id"))
		cancel()
		started := time.Now()
		_, err := Do(ctx, r, xendit, payments.OpSale, 5*time.Second, classify, func(ctx context.Context) (payments.Outcome, error) {
			if ctx.Err() != nil {
				t.Error("the call is cancelled with its caller")
			}
			if ctx.Value(contextKey{}) != "request id" {
				t.Error("the caller's values are lost")
			}
			<-ctx.Done()
			return payments.Outcome{}, payments.NewFault(payments.Unknown, context.Cause(ctx))
		})
		if !errors.Is(err, errDeadline) || time.Since(started) != 5*time.Second {
			t.Errorf("%v after %s", err, time.Since(started))
		}
	})
}

func TestDoWithoutTimeout(t *testing.T) {
	t.Parallel()
	_, err := Do(t.Context(), New(config(), settings()), xendit, payments.OpLookup, 0, classify, func(ctx context.Context) (payments.Outcome, error) {
		if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) > defaultTimeout {
			t.Errorf("deadline %s, %t", deadline, ok)
		}
		return approved, nil
	})
	if err != nil {
		t.Error(err)
	}
}

// A panic is a fault of unknown outcome. Its stack is logged, its value is not: it may hold a card number.
func TestDoPanic(t *testing.T) {
	t.Parallel()
	var lines strings.Builder
	s := settings()
	s.Logger = slog.New(slog.NewTextHandler(&lines, nil))
	r := New(config(), s)
	for range 3 {
		_, err := Do(t.Context(), r, xendit, payments.OpSale, time.Second, classify, func(context.Context) (payments.Outcome, error) {
			panic("card 4242424242424242")
		})
		if fault := payments.AsFault(err); fault.Kind != payments.Unknown || !errors.Is(err, errPanic) || strings.Contains(err.Error(), "4242") {
			t.Fatalf("%v", err)
		}
	}
	if got := lines.String(); strings.Contains(got, "4242") || !strings.Contains(got, "panic=string") || !strings.Contains(got, "do_test.go") {
		t.Error(got)
	}
	if s := status(t, r); s.State != Open {
		t.Errorf("panics do not count: %+v", s)
	}
	lines.Reset()
	_, err := Do(t.Context(), r, xendit, payments.OpLookup, time.Second, func(o payments.Outcome, _ error) payments.Result {
		return payments.Result{Outcome: payments.Outcome{Amount: payments.Money{Minor: 1 / o.Amount.Minor}}}
	}, func(context.Context) (payments.Outcome, error) { return approved, nil })
	if payments.AsFault(err).Kind != payments.Unknown || !strings.Contains(lines.String(), "divide by zero") {
		t.Errorf("a panic in classify: %v\n%s", err, lines.String())
	}
}

// recorder is a tracer that keeps what the router says of its spans.
type recorder struct {
	noop.Tracer
	mu    sync.Mutex
	spans []*recordedSpan
}

type recordedSpan struct {
	noop.Span
	name       string
	attributes map[attribute.Key]string
	status     codes.Code
	ended      bool
}

func (r *recorder) Start(ctx context.Context, name string, _ ...trace.SpanStartOption) (context.Context, trace.Span) {
	r.mu.Lock()
	defer r.mu.Unlock()
	span := &recordedSpan{name: name, attributes: map[attribute.Key]string{}}
	r.spans = append(r.spans, span)
	return trace.ContextWithSpan(ctx, span), span
}

func (s *recordedSpan) SetAttributes(list ...attribute.KeyValue) {
	for _, a := range list {
		s.attributes[a.Key] = a.Value.String()
	}
}
func (s *recordedSpan) SetStatus(c codes.Code, _ string) { s.status = c }
func (s *recordedSpan) End(...trace.SpanEndOption)       { s.ended = true }

func TestDoSpan(t *testing.T) {
	t.Parallel()
	tracer := &recorder{}
	s := settings()
	s.Tracer = tracer
	r := New(config(), s)
	_, _ = Do(t.Context(), r, xendit, payments.OpSale, time.Second, classify, func(ctx context.Context) (payments.Outcome, error) {
		if trace.SpanFromContext(ctx) != trace.Span(tracer.spans[0]) {
			t.Error("the call is not inside its span")
		}
		return declined, nil
	})
	_, _ = try(r, payments.OpRefund, approved, outage)
	_, _ = Do(t.Context(), r, "gway_conf_gone", payments.OpSale, time.Second, classify, func(context.Context) (payments.Outcome, error) { return approved, nil })
	for i, want := range []struct {
		name, psp, result string
		status            codes.Code
	}{
		{"psp sale", "xendit", "declined", codes.Unset},
		{"psp refund", "xendit", "unknown", codes.Error},
		{"psp sale", "", "never-sent", codes.Error},
	} {
		got := tracer.spans[i]
		if got.name != want.name || got.attributes["switchyard.psp"] != want.psp || got.attributes["switchyard.result"] != want.result ||
			got.status != want.status || !got.ended || got.attributes["switchyard.gateway_configuration.id"] == "" {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
	if got := resultKind(payments.Result{}); got != "answered" {
		t.Error(got)
	}
}

// recordingMeter keeps what is measured.
type recordingMeter struct {
	metricnoop.Meter
	histogram recordingHistogram
}

type recordingHistogram struct {
	metricnoop.Float64Histogram
	mu     sync.Mutex
	points []string
}

func (m *recordingMeter) Float64Histogram(name string, options ...metric.Float64HistogramOption) (metric.Float64Histogram, error) {
	unit := metric.NewFloat64HistogramConfig(options...).Unit()
	if name != "switchyard.psp.call.duration" || unit != "s" {
		return &m.histogram, fmt.Errorf("an instrument %s in %s", name, unit)
	}
	return &m.histogram, nil
}

func (m *recordingHistogram) Record(_ context.Context, seconds float64, options ...metric.RecordOption) {
	m.mu.Lock()
	defer m.mu.Unlock()
	attributes := metric.NewRecordConfig(options).Attributes()
	m.points = append(m.points, fmt.Sprintf("%g %s", seconds, attributes.Encoded(attribute.DefaultEncoder())))
}

func TestDoMeasures(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		meter := &recordingMeter{}
		s := settings()
		s.Meter = meter
		r := New(config(), s)
		_, _ = Do(t.Context(), r, xendit, payments.OpSale, time.Minute, classify, func(context.Context) (payments.Outcome, error) {
			pass(2500 * time.Millisecond)
			return payments.Outcome{}, outage
		})
		want := "2.5 gateway_configuration_id=gway_conf_xendit,operation=sale,psp=xendit,result=unknown"
		if got := meter.histogram.points; len(got) != 1 || got[0] != want {
			t.Errorf("%q, want %s", got, want)
		}
	})
}
