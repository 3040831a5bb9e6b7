package app

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// observe makes the state of store and breakers visible as metrics, read only when somebody asks for them.
func (a *App) observe() error {
	meter := a.telemetry.meters.Meter("switchyard/app")
	commits, err := meter.Int64ObservableCounter("switchyard.store.commits", metric.WithDescription("Durable commits, each with one fsync"))
	if err != nil {
		return fmt.Errorf("app: metrics: %w", err)
	}
	changes, err := meter.Int64ObservableCounter("switchyard.store.changes", metric.WithDescription("Changes of callers in these commits"))
	if err != nil {
		return fmt.Errorf("app: metrics: %w", err)
	}
	available, err := meter.Int64ObservableGauge("switchyard.gateway.available", metric.WithDescription("1 while new charges may go to the gateway configuration"))
	if err != nil {
		return fmt.Errorf("app: metrics: %w", err)
	}
	_, err = meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		stats := a.store.Stats()
		o.ObserveInt64(commits, stats.Commits)
		o.ObserveInt64(changes, stats.Changes)
		health := a.router.Health()
		for _, g := range a.router.Config().Gateways {
			value := int64(1)
			if c, noted := health[g.ID]; noted && !c.Available {
				value = 0
			}
			o.ObserveInt64(available, value, metric.WithAttributes(attribute.String("gateway_configuration", g.ID), attribute.String("psp", g.PSP)))
		}
		return nil
	}, commits, changes, available)
	if err != nil {
		return fmt.Errorf("app: metrics: %w", err)
	}
	return nil
}
