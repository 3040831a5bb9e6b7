package api

import "switchyard/payments"

func (s *server) listEvents(c *call) (reply, error) {
	found, err := s.Reads.Events(c.ctx, c.project.ID, c.options.page)
	if err != nil {
		return reply{}, badCursor(err)
	}
	v := c.reading(payments.Snapshot{})
	return showing(v, func(w *writer) {
		page(w, "events", c.options, found, func(one *payments.Event) { v.event(w, one, v.expand) })
	}), nil
}

func (s *server) getEvent(c *call) (reply, error) {
	event, err := s.Reads.Event(c.ctx, c.project.ID, c.param("event"))
	if err != nil {
		return reply{}, missing(err, payments.CodeEventNotFound)
	}
	v := c.reading(payments.Snapshot{})
	return showing(v, func(w *writer) {
		w.name("event")
		v.event(w, &event, v.expand)
	}), nil
}

// listWebhooks lists the tries to deliver an event. Those that are too old to be kept are not among them.
func (s *server) listWebhooks(c *call) (reply, error) {
	event, err := s.Reads.Event(c.ctx, c.project.ID, c.param("event"))
	if err != nil {
		return reply{}, missing(err, payments.CodeEventNotFound)
	}
	found, err := s.Reads.Deliveries(c.ctx, c.project.ID, event.ID, c.options.page)
	if err != nil {
		return reply{}, badCursor(err)
	}
	v := c.reading(payments.Snapshot{})
	return showing(v, func(w *writer) {
		page(w, "webhooks", c.options, found, func(one *payments.Delivery) { v.webhook(w, one, &event, v.expand) })
	}), nil
}

// replayEvent sends an event again, to one endpoint or to all that want it.
func (s *server) replayEvent(c *call) (reply, error) {
	endpoint := c.fields.text("webhook_endpoint_id", textRule{code: payments.CodeInvalidID})
	if err := c.fields.faults.err(); err != nil {
		return reply{}, err
	}
	return s.once(c, mutation{do: func(claim *payments.ClaimRequest) (payments.Snapshot, error) {
		return s.Webhooks.ReplayEvent(c.ctx, c.project.ID, c.param("event"), endpoint, claim)
	}})
}
