package webhooks

import (
	"context"
	"errors"
	"fmt"
	"time"

	"switchyard/crash"
	"switchyard/payments"
)

// deliver makes one try that this worker holds, and writes what came of it. When that cannot be written the lease runs out and
// the try is made again: at least once.
func (s *Service) deliver(ctx context.Context, d payments.Delivery) {
	crash.Point(crash.DeliveryLeased)
	endpoint, secrets, err := s.recipient(ctx, &d)
	if err != nil {
		s.log.WarnContext(ctx, "a webhook waits for its lease to end", "project", d.ProjectID, "event", d.EventID, "endpoint", d.EndpointID, "error", err)
		return
	}
	a := answer{}
	fault := s.CheckURL(d.URL) // again: an invoice's or a token's URL was checked by others, or under other settings
	if fault == nil {
		a = s.send(ctx, &d, secrets)
		crash.Point(crash.DeliverySent)
	} else if e, ok := errors.AsType[*payments.Error](fault); ok {
		a = failedAnswer(e.Message)
	}
	if ctx.Err() != nil && a.response.Status == 0 {
		return // cut off by the program's end: that is not the endpoint's failure
	}
	ctx = context.WithoutCancel(ctx)
	for range maxConflicts {
		err = s.conclude(ctx, d, a, endpoint, fault != nil)
		if !errors.Is(err, payments.ErrConflict) {
			break
		}
		if endpoint, err = s.current(ctx, *endpoint); err != nil {
			break
		}
	}
	crash.Point(crash.DeliveryWritten)
	if err != nil {
		s.log.WarnContext(ctx, "what came of a webhook was not written; it is sent again", "project", d.ProjectID, "event", d.EventID, "endpoint", d.EndpointID, "error", err)
	}
}

var errResting = errors.New("webhooks: the endpoint was disabled or deleted meanwhile")

// recipient finds out where a delivery goes and what signs it. The endpoint is nil for an event's own URL.
func (s *Service) recipient(ctx context.Context, d *payments.Delivery) (*payments.WebhookEndpoint, []payments.Secret, error) {
	if d.EndpointID == "" {
		if secret, ok := s.Secrets[d.ProjectID]; ok && !secret.IsZero() {
			return nil, []payments.Secret{secret}, nil
		}
		return nil, nil, nil
	}
	e, err := s.Store.WebhookEndpoint(ctx, d.ProjectID, d.EndpointID)
	switch {
	case errors.Is(err, payments.ErrNotFound) || err == nil && !e.Live():
		return nil, nil, errResting
	case err != nil:
		return nil, nil, err
	}
	d.URL = e.URL
	secrets, err := s.signingSecrets(ctx, &e)
	return &e, secrets, err
}

// current is an endpoint that somebody has changed meanwhile. One that is deleted is not live.
func (s *Service) current(ctx context.Context, e payments.WebhookEndpoint) (*payments.WebhookEndpoint, error) {
	now, err := s.Store.WebhookEndpoint(ctx, e.ProjectID, e.ID)
	if errors.Is(err, payments.ErrNotFound) {
		e.Enabled = false
		return &e, nil
	}
	return &now, err
}

// conclude writes the end of a try: the next one, if it failed and there may be one, and the end of an endpoint that fails for
// too long.
func (s *Service) conclude(ctx context.Context, d payments.Delivery, a answer, endpoint *payments.WebhookEndpoint, hopeless bool) error {
	now := s.now()
	d.State, d.EndedAt, d.Response = payments.DeliveryFailed, now, &a.response
	end := payments.DeliveryEnd{Delivery: d}
	result, change := resultGivenUp, payments.Change{}
	gone := a.response.Status == responseGone
	switch {
	case a.ok():
		end.Delivery.State, result = payments.DeliveryDelivered, resultDelivered
	case hopeless, gone && endpoint == nil, d.Try >= maxTries:
	default:
		end.Next, result = s.retry(d, a, now), resultRetried
	}
	if !a.ok() && endpoint != nil && endpoint.Live() {
		reason, err := s.reasonToDisable(ctx, endpoint, gone, end.Next == nil, now)
		if err != nil {
			return err
		}
		if reason != "" {
			s.disable(&change, *endpoint, reason)
		}
	}
	change.Ended = []payments.DeliveryEnd{end}
	if err := s.Store.Apply(ctx, change); err != nil {
		return err
	}
	s.count(ctx, result)
	s.log.InfoContext(ctx, "webhook", "project", d.ProjectID, "event", d.EventID, "type", d.EventName, "endpoint", d.EndpointID, "delivery", d.ID,
		"try", d.Try, "result", result, "status", a.response.Status, "duration_ms", a.response.Duration.Milliseconds())
	if len(change.Endpoints) > 0 {
		s.Wake() // others are told
		s.log.WarnContext(ctx, "a webhook endpoint was disabled", "project", d.ProjectID, "endpoint", d.EndpointID, "reason", change.Endpoints[0].DisabledReason)
	}
	return nil
}

// retry is the try after a failed one.
func (s *Service) retry(d payments.Delivery, a answer, now time.Time) *payments.Delivery {
	wait := max(delayAfter(d.Try, s.random()), a.retryAfter)
	return &payments.Delivery{
		ProjectID: d.ProjectID, ID: payments.NewID(payments.PrefixDelivery), EventID: d.EventID, EventName: d.EventName, SubjectID: d.SubjectID,
		EndpointID: d.EndpointID, URL: d.URL, Try: d.Try + 1, State: payments.DeliveryPending, RunAt: now.Add(wait), CreatedAt: now,
	}
}

// reasonToDisable says why an endpoint whose try has just failed gets no more of them; empty: it does.
func (s *Service) reasonToDisable(ctx context.Context, e *payments.WebhookEndpoint, gone, exhausted bool, now time.Time) (string, error) {
	if gone {
		return "the endpoint answered 410 Gone", nil
	}
	health, err := s.Store.EndpointHealth(ctx, e.ProjectID, e.ID)
	if err != nil {
		return "", err
	}
	if exhausted {
		health.Exhausted++
	}
	switch {
	case !health.FailingSince.IsZero() && now.Sub(health.FailingSince) >= s.Limits.DisableAfter:
		return fmt.Sprintf("every try has failed since %s", health.FailingSince.Format(time.RFC3339)), nil
	case health.Exhausted >= s.Limits.MaxExhausted:
		return fmt.Sprintf("%d deliveries in a row were given up", health.Exhausted), nil
	}
	return "", nil
}

// disable adds the end of an endpoint to a change, and the event that tells of it.
func (s *Service) disable(c *payments.Change, e payments.WebhookEndpoint, reason string) {
	s.setEnabled(&e, false, reason)
	e.Version++
	c.Endpoints = append(c.Endpoints, e)
	shown := withoutSecrets(e)
	c.Events = append(c.Events, payments.Event{
		ProjectID: e.ProjectID, ID: payments.NewID(payments.PrefixEvent), Name: payments.EventEndpointDisabled,
		Snapshot: payments.Snapshot{Endpoint: &shown}, Sandbox: e.Sandbox, FiredAt: e.DisabledAt,
	})
}
