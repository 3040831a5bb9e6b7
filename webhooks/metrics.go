package webhooks

import (
	"context"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// instruments count what is delivered. Without a configured meter provider they do nothing.
type instruments struct {
	deliveries metric.Int64Counter
	observing  metric.Registration
}

// Results of a try, as they are counted.
const (
	resultDelivered = "delivered"
	resultRetried   = "retried"
	resultGivenUp   = "given-up"
)

func (s *Service) newInstruments() instruments {
	meter := otel.Meter("switchyard/webhooks")
	deliveries, err := meter.Int64Counter("switchyard.webhooks.deliveries", metric.WithDescription("Tries to deliver events to merchants, by result"))
	if err != nil {
		otel.Handle(err)
	}
	oldest, err := meter.Float64ObservableGauge("switchyard.webhooks.oldest_pending_age", metric.WithUnit("s"),
		metric.WithDescription("How long the most overdue delivery has been due"))
	if err != nil {
		otel.Handle(err)
	}
	observing, err := meter.RegisterCallback(func(ctx context.Context, o metric.Observer) error {
		age, err := s.oldestAge(ctx)
		if err == nil {
			o.ObserveFloat64(oldest, age.Seconds())
		}
		return err
	}, oldest)
	if err != nil {
		otel.Handle(err)
	}
	return instruments{deliveries: deliveries, observing: observing}
}

func (s *Service) oldestAge(ctx context.Context) (time.Duration, error) {
	at, some, err := s.Store.OldestDelivery(ctx)
	if err != nil || !some {
		return 0, err
	}
	return max(0, s.now().Sub(at)), nil
}

func (s *Service) count(ctx context.Context, result string) {
	s.metrics.deliveries.Add(ctx, 1, metric.WithAttributes(attribute.String("result", result)))
}
