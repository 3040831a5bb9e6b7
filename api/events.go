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

// listWebhooks lists the deliveries of an event. None is kept, so that the list is empty.
func (s *server) listWebhooks(c *call) (reply, error) {
	if _, err := s.Reads.Event(c.ctx, c.project.ID, c.param("event")); err != nil {
		return reply{}, missing(err, payments.CodeEventNotFound)
	}
	return reply{show: func(w *writer) error {
		page(w, "webhooks", c.options, payments.List[struct{}]{}, nil)
		return nil
	}}, nil
}
