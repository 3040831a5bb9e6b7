package webhooks

import (
	"context"
	"errors"
	"time"

	"switchyard/payments"
)

const (
	// MaxReplay is the largest number of events that one range may have.
	MaxReplay = 10_000
	// replayBatch is the number of events of a range that are handled in one commit.
	replayBatch = 100
	// replaysAtOnce is the number of ranges that are worked on in turn.
	replaysAtOnce = 10
)

// ReplayEvent sends an event again: to one endpoint, whatever names it asked for, or to all that want it and to the event's
// own URL.
func (s *Service) ReplayEvent(ctx context.Context, projectID, eventID, endpointID string, claim *payments.ClaimRequest) (payments.Snapshot, error) {
	event, err := s.Store.Event(ctx, projectID, eventID)
	if errors.Is(err, payments.ErrNotFound) {
		return payments.Snapshot{}, payments.NewError(payments.CodeEventNotFound, "There is no such event in this project.")
	}
	if err != nil {
		return payments.Snapshot{}, err
	}
	entry := payments.OutboxEntryOf(&event)
	var deliveries []payments.Delivery
	if endpointID == "" {
		endpoints, err := s.liveEndpoints(ctx, projectID)
		if err != nil {
			return payments.Snapshot{}, err
		}
		deliveries = s.deliveriesOf(entry, endpoints)
	} else {
		e, err := s.liveEndpoint(ctx, projectID, endpointID)
		if err != nil {
			return payments.Snapshot{}, err
		}
		deliveries = []payments.Delivery{s.delivery(entry, e.ID, e.URL)}
	}
	if len(deliveries) == 0 {
		return payments.Snapshot{}, payments.NewError(payments.CodeValidation, "No enabled webhook endpoint wants this event, and it has no URL of its own.")
	}
	snapshot := payments.Snapshot{}
	err = s.Store.Apply(ctx, payments.Change{Claim: s.claim(projectID, claim, snapshot), Deliveries: deliveries})
	s.Wake()
	return snapshot, err
}

// ReplayRange sends the events of a span of time to an endpoint again, those that it wants, in the background.
func (s *Service) ReplayRange(ctx context.Context, projectID, endpointID string, since, until time.Time, claim *payments.ClaimRequest) (payments.Snapshot, error) {
	if !since.Before(until) {
		return payments.Snapshot{}, payments.NewError(payments.CodeInvalidDate, "since must be before until.")
	}
	e, err := s.liveEndpoint(ctx, projectID, endpointID)
	if err != nil {
		return payments.Snapshot{}, err
	}
	r := payments.Replay{
		ProjectID: projectID, ID: payments.NewID(payments.PrefixReplay), EndpointID: e.ID, Version: 1,
		After: payments.EventIDAt(since), Until: payments.EventIDAt(until), CreatedAt: s.now(),
	}
	n, err := s.Store.CountEventsWithin(ctx, projectID, r.After, r.Until, MaxReplay+1)
	if err != nil {
		return payments.Snapshot{}, err
	}
	if n > MaxReplay {
		return payments.Snapshot{}, payments.Errorf(payments.CodeValidation, "There are more than %d events between since and until. Ask for shorter spans, one after the other.", MaxReplay)
	}
	snapshot := payments.Snapshot{}
	err = s.Store.Apply(ctx, payments.Change{Claim: s.claim(projectID, claim, snapshot), Replays: []payments.Replay{r}})
	s.Wake()
	return snapshot, err
}

// liveEndpoint reads an endpoint that webhooks can be sent to.
func (s *Service) liveEndpoint(ctx context.Context, projectID, id string) (payments.WebhookEndpoint, error) {
	e, err := s.Endpoint(ctx, projectID, id)
	if err == nil && !e.Live() {
		err = payments.NewError(payments.CodeValidation, "This webhook endpoint is disabled. Enable it first.")
	}
	return e, err
}

// replaySteps takes every replay one step further, and says whether there is more to do.
func (s *Service) replaySteps(ctx context.Context) (more bool, err error) {
	replays, err := s.Store.Replays(ctx, replaysAtOnce)
	if err != nil {
		return false, err
	}
	for _, r := range replays {
		err := s.replayStep(ctx, r)
		if err != nil && !errors.Is(err, payments.ErrConflict) { // another instance has taken this step
			return true, err
		}
	}
	return len(replays) > 0, nil
}

// replayStep makes the deliveries of a replay's next events and notes how far it has come, in one commit.
func (s *Service) replayStep(ctx context.Context, r payments.Replay) error {
	r.Version++
	endpoint, err := s.Store.WebhookEndpoint(ctx, r.ProjectID, r.EndpointID)
	if errors.Is(err, payments.ErrNotFound) {
		r.Done = true
		return s.Store.Apply(ctx, payments.Change{Replays: []payments.Replay{r}})
	}
	if err != nil {
		return err
	}
	events, err := s.Store.EventsWithin(ctx, r.ProjectID, r.After, r.Until, replayBatch)
	if err != nil {
		return err
	}
	var deliveries []payments.Delivery
	for i := range events {
		r.After = events[i].ID
		if endpoint.Wants(events[i].Name) {
			deliveries = append(deliveries, s.delivery(payments.OutboxEntryOf(&events[i]), endpoint.ID, endpoint.URL))
		}
	}
	r.Done = len(events) < replayBatch
	return s.Store.Apply(ctx, payments.Change{Replays: []payments.Replay{r}, Deliveries: deliveries})
}
