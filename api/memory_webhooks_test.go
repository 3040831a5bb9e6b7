package api

import (
	"context"
	"time"

	"switchyard/payments"
)

// The part of memory that webhooks are made of. Nothing is delivered in the tests of this package: deliveries are written as
// they come.

func (m *memory) applyWebhooks(c payments.Change) {
	for _, d := range c.Deliveries {
		m.deliveries = append(m.deliveries, copied(d))
	}
	m.replays = append(m.replays, c.Replays...)
}

func (m *memory) WebhookEndpoint(_ context.Context, projectID, id string) (payments.WebhookEndpoint, error) {
	return find(m, &m.endpoints, projectID, id, func(o payments.WebhookEndpoint) bool { return !o.DeletedAt.IsZero() })
}

func (m *memory) WebhookEndpoints(_ context.Context, projectID string, p payments.Page) (payments.List[payments.WebhookEndpoint], error) {
	return pageOf(m, &m.endpoints, projectID, p, func(o *payments.WebhookEndpoint) string { return o.ID },
		func(o payments.WebhookEndpoint) bool { return o.DeletedAt.IsZero() })
}

func (m *memory) Deliveries(_ context.Context, projectID, eventID string, p payments.Page) (payments.List[payments.Delivery], error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []payments.Delivery
	for _, d := range m.deliveries {
		if d.ProjectID == projectID && d.EventID == eventID {
			all = append(all, d)
		}
	}
	found, err := cut(all, p, func(d *payments.Delivery) string { return d.ID })
	if err != nil {
		return found, payments.ErrNotFound
	}
	return found, nil
}

func (m *memory) EventsWithin(context.Context, string, string, string, int) ([]payments.Event, error) {
	return nil, nil
}

func (m *memory) CountEventsWithin(_ context.Context, projectID, after, until string, limit int) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := 0
	for _, e := range m.events.rows {
		if e.ProjectID == projectID && e.ID > after && e.ID < until && n < limit {
			n++
		}
	}
	return n, nil
}

func (*memory) EndpointHealth(context.Context, string, string) (payments.EndpointHealth, error) {
	return payments.EndpointHealth{}, nil
}

func (*memory) Outbox(context.Context, int) ([]payments.OutboxEntry, error) { return nil, nil }

func (*memory) LeaseDeliveries(context.Context, payments.DeliveryLease) ([]payments.Delivery, error) {
	return nil, nil
}

func (*memory) OldestDelivery(context.Context) (time.Time, bool, error) {
	return time.Time{}, false, nil
}
func (*memory) PruneDeliveries(context.Context, time.Time) (int, error) { return 0, nil }
func (*memory) Replays(context.Context, int) ([]payments.Replay, error) { return nil, nil }
