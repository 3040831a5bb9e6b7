package router

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"switchyard/payments"
)

// defaultTimeout holds for a call whose caller named no limit: a call without one could hold a payment for ever.
const defaultTimeout = 30 * time.Second

var (
	errDeadline     = errors.New("router: the PSP's time limit has passed")
	errPanic        = errors.New("router: the call ended in a panic")
	errNoSuchTarget = errors.New("router: no such gateway configuration is in force")
)

// Do runs one call at a PSP under the gateway configuration's breaker, a deadline and a span. The end of ctx does not end
// the call: what has been started at a PSP is seen through until timeout.
//
// Classify says what the call came to; the breaker counts by it. When the call may not be made, the error is a
// *payments.Fault of kind NeverSent, and call is not run: this happens to operations that charge, and to no others. A panic
// in call or classify becomes a fault of kind Unknown.
func Do[T any](
	ctx context.Context, r *Router, gatewayID string, op payments.Operation, timeout time.Duration,
	classify func(T, error) payments.Result, call func(context.Context) (T, error),
) (T, error) {
	exchange, fault := r.begin(ctx, gatewayID, op)
	if fault != nil {
		var none T
		return none, fault
	}
	if timeout <= 0 {
		timeout = defaultTimeout
	}
	limited, cancel := context.WithTimeoutCause(context.WithoutCancel(exchange.ctx), timeout, errDeadline)
	defer cancel()

	value, result, err := guarded(limited, exchange, classify, call)
	exchange.end(result)
	return value, err
}

// guarded makes the call and keeps a panic in it from ending the process. The stack is logged without the panic's value,
// which may hold anything, a card number too.
func guarded[T any](
	ctx context.Context, x *exchange, classify func(T, error) payments.Result, call func(context.Context) (T, error),
) (value T, result payments.Result, err error) {
	defer func() {
		cause := recover()
		if cause == nil {
			return
		}
		what := fmt.Sprintf("%T", cause)
		if e, ok := cause.(runtime.Error); ok {
			what = e.Error()
		}
		x.router.settings.Logger.LogAttrs(ctx, slog.LevelError, "panic in a call at a PSP",
			slog.String("gateway_configuration_id", x.gatewayID), slog.String("psp", x.psp),
			slog.String("operation", string(x.op)), slog.String("panic", what), slog.String("stack", string(debug.Stack())))
		fault := payments.NewFault(payments.Unknown, errPanic)
		var none T
		value, result, err = none, payments.Result{Fault: fault}, fault
	}()
	value, err = call(ctx)
	return value, classify(value, err), err
}

// exchange is one call in progress.
type exchange struct {
	router    *Router
	ctx       context.Context // with the span
	span      trace.Span
	gatewayID string
	psp       string
	op        payments.Operation
	started   time.Time
	breaker   *breaker // nil: the gateway configuration is no longer in force
	report    func(error)
}

// begin asks the breaker and opens the span. A gateway configuration that is no longer in force takes no new charges, but
// what was begun there can still be asked after, captured and given back.
func (r *Router) begin(ctx context.Context, gatewayID string, op payments.Operation) (*exchange, *payments.Fault) {
	ctx, span := r.settings.Tracer.Start(ctx, "psp "+string(op), trace.WithSpanKind(trace.SpanKindInternal))
	x := &exchange{
		router: r, ctx: ctx, span: span, gatewayID: gatewayID, op: op,
		started: r.settings.Now(), breaker: r.current.Load().breakers[gatewayID],
	}
	var fault *payments.Fault
	switch {
	case x.breaker != nil:
		x.psp = x.breaker.psp
		x.report, fault = x.breaker.admit(op, x.started)
	case op.Charges():
		fault = payments.NewFault(payments.NeverSent, errNoSuchTarget)
	}
	r.changes.drain()
	x.span.SetAttributes(
		attribute.String("switchyard.gateway_configuration.id", gatewayID),
		attribute.String("switchyard.psp", x.psp),
		attribute.String("switchyard.operation", string(op)))
	if fault != nil {
		fault.Local = true
		x.span.SetAttributes(attribute.Bool("switchyard.refused", true))
		x.close(payments.Result{Fault: fault})
		return nil, fault
	}
	return x, nil
}

// end tells the breaker what the call came to, then the metrics and the trace.
func (x *exchange) end(result payments.Result) {
	if x.breaker != nil {
		if x.op.Charges() {
			x.breaker.charging.Add(-1)
		}
		x.breaker.learn(x.op, result, x.started, x.router.settings.Now(), x.report)
		x.router.changes.drain()
	}
	x.router.durations.Record(x.ctx, x.router.settings.Now().Sub(x.started).Seconds(), metric.WithAttributes(
		attribute.String("gateway_configuration_id", x.gatewayID),
		attribute.String("psp", x.psp),
		attribute.String("operation", string(x.op)),
		attribute.String("result", resultKind(result))))
	x.close(result)
}

func (x *exchange) close(result payments.Result) {
	x.span.SetAttributes(attribute.String("switchyard.result", resultKind(result)))
	if result.Fault != nil {
		x.span.SetStatus(codes.Error, string(result.Fault.Kind))
	}
	x.span.End()
}

// resultKind is the fault's kind or the outcome's status; "answered" where neither says more, as for most look-ups.
func resultKind(r payments.Result) string {
	switch {
	case r.Fault != nil:
		return string(r.Fault.Kind)
	case r.Outcome.Status != "":
		return string(r.Outcome.Status)
	}
	return "answered"
}
