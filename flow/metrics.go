package flow

import (
	"context"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"switchyard/payments"
)

// instruments count what the engine does. Without a configured meter provider they do nothing.
type instruments struct {
	attempts  metric.Int64Counter
	questions metric.Int64Counter
	late      metric.Int64Counter
}

func newInstruments() instruments {
	meter := otel.Meter("switchyard/flow")
	attempts, err := meter.Int64Counter("switchyard.attempts", metric.WithDescription("Attempts at PSPs that ended or became open, by state"))
	if err != nil {
		otel.Handle(err)
	}
	questions, err := meter.Int64Counter("switchyard.questions", metric.WithDescription("Questions to PSPs about unknown outcomes, by answer"))
	if err != nil {
		otel.Handle(err)
	}
	late, err := meter.Int64Counter("switchyard.late", metric.WithDescription("What PSPs did after the attempt had ended as not done; each is an alert"))
	if err != nil {
		otel.Handle(err)
	}
	return instruments{attempts: attempts, questions: questions, late: late}
}

func attributes(a *payments.Attempt) metric.MeasurementOption {
	return metric.WithAttributes(attribute.String("psp", a.PSP), attribute.String("operation", string(a.Operation)))
}

// logAttempt writes the one wide event of an attempt and counts it.
func (e *Engine) logAttempt(ctx context.Context, a *payments.Attempt, began time.Time) {
	e.metrics.attempts.Add(ctx, 1, metric.WithAttributes(
		attribute.String("psp", a.PSP), attribute.String("operation", string(a.Operation)), attribute.String("state", string(a.State))))
	e.log.InfoContext(ctx, "attempt",
		"project", a.ProjectID, "invoice", a.InvoiceID, "transaction", a.TransactionID, "token", a.TokenID, "attempt", a.ID,
		"gateway_configuration", a.GatewayConfigurationID, "psp", a.PSP, "operation", a.Operation, "state", a.State,
		"code", a.Code, "fault", a.Fault, "raw_code", a.RawCode, "amount_minor", a.Amount.Minor, "currency", a.Amount.Currency,
		"duration_ms", e.now().Sub(began).Milliseconds())
}

func (e *Engine) countQuestion(ctx context.Context, a *payments.Attempt, answer string) {
	e.metrics.questions.Add(ctx, 1, metric.WithAttributes(attribute.String("psp", a.PSP), attribute.String("operation", string(a.Operation)), attribute.String("answer", answer)))
	e.log.InfoContext(ctx, "question", "project", a.ProjectID, "invoice", a.InvoiceID, "transaction", a.TransactionID, "token", a.TokenID, "attempt", a.ID,
		"gateway_configuration", a.GatewayConfigurationID, "psp", a.PSP, "operation", a.Operation, "answer", answer, "questions", a.Questions, "absences", a.Absences)
}
