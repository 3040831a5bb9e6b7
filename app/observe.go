package app

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"switchyard/policies"
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
	policy, err := meter.Int64ObservableGauge("switchyard.routing.policy", metric.WithDescription("1 for the routing policy in force, by policy and config_version"))
	if err != nil {
		return fmt.Errorf("app: metrics: %w", err)
	}
	thrown, err := meter.Int64ObservableGauge("switchyard.routing.switches", metric.WithDescription("Kill switches that are thrown"))
	if err != nil {
		return fmt.Errorf("app: metrics: %w", err)
	}
	reloads, err := meter.Int64ObservableCounter("switchyard.routing.reload.failures", metric.WithDescription("Looks at the routing policy's file that failed, so that the policy in force stayed"))
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
		status := a.policies.Current()
		o.ObserveInt64(policy, 1, metric.WithAttributes(attribute.String("policy", policies.Short(status.Policy)), attribute.String("config_version", status.ConfigVersion)))
		o.ObserveInt64(thrown, int64(len(status.Switches)))
		o.ObserveInt64(reloads, a.policies.ReloadFailures())
		return nil
	}, commits, changes, available, policy, thrown, reloads)
	if err != nil {
		return fmt.Errorf("app: metrics: %w", err)
	}
	return nil
}
