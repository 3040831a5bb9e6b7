package webhooks

import (
	"context"
	"errors"
	"sync"
	"time"

	"switchyard/payments"
)

// Times and limits of the dispatcher.
const (
	busyPoll       = time.Second      // at the latest, while requests are on their way
	deliveryLease  = 30 * time.Second // longer than a request and its two commits take
	pruneEvery     = time.Hour
	fanOutBatch    = 100 // events in one commit, and
	fanOutMost     = 200 // deliveries, or a few more: payments wait behind it
	maxFanOutRound = 10  // batches before deliveries have their turn
)

// runner is the life of the dispatcher. Start returns, Stop waits; both may be called twice.
type runner struct {
	mu      sync.Mutex
	wake    chan struct{} // there may be something new
	freed   chan struct{} // a worker is free again
	stop    chan struct{} // closed by Stop
	done    chan struct{} // closed when the loop has ended
	cut     context.CancelFunc
	running sync.WaitGroup
}

// Wake tells the dispatcher that there may be something to do.
func (s *Service) Wake() {
	select {
	case s.run.wake <- struct{}{}:
	default:
	}
}

// Start starts delivering.
func (s *Service) Start() {
	s.run.mu.Lock()
	defer s.run.mu.Unlock()
	if s.run.stop != nil {
		return
	}
	ctx, cut := context.WithCancel(context.Background())
	s.run.stop, s.run.done, s.run.cut = make(chan struct{}), make(chan struct{}), cut
	go s.loop(ctx, s.run.stop, s.run.done)
}

// Quiet takes nothing new.
func (s *Service) Quiet() {
	s.run.mu.Lock()
	defer s.run.mu.Unlock()
	if s.run.stop == nil {
		return
	}
	select {
	case <-s.run.stop:
	default:
		close(s.run.stop)
	}
}

// Stop is Quiet, and waits for the requests in hand, which it cuts off when ctx ends: they are made again by the next
// process. It closes idle connections.
func (s *Service) Stop(ctx context.Context) error {
	s.Quiet()
	s.run.mu.Lock()
	done, cut := s.run.done, s.run.cut
	s.run.mu.Unlock()
	var err error
	if done != nil {
		select {
		case <-done:
		case <-ctx.Done():
			err = ctx.Err()
			cut()
			<-done
		}
		cut()
	}
	if s.transport != nil {
		s.transport.CloseIdleConnections()
	}
	if s.metrics.observing != nil {
		err = errors.Join(err, s.metrics.observing.Unregister())
	}
	return err
}

func (s *Service) loop(ctx context.Context, stop <-chan struct{}, done chan<- struct{}) {
	defer close(done)
	defer s.run.running.Wait()
	slots := make(chan struct{}, s.Limits.Workers)
	timer := time.NewTimer(0)
	defer timer.Stop()
	var lastPrune time.Time // so that a program that is often restarted prunes too
	for {
		select {
		case <-stop:
			return
		case <-s.run.freed:
			s.takeUp(ctx, slots)
			continue
		case <-s.run.wake:
		case <-timer.C:
		}
		if now := s.now(); now.Sub(lastPrune) >= pruneEvery {
			lastPrune = now
			s.prune(ctx, now)
		}
		s.round(ctx, slots)
		timer.Reset(s.wait(ctx, slots))
	}
}

func (s *Service) prune(ctx context.Context, now time.Time) {
	n, err := s.Store.PruneDeliveries(ctx, now.Add(-s.Limits.KeepLog))
	if err != nil {
		s.log.WarnContext(ctx, "old webhooks were not removed", "error", err)
	} else if n > 0 {
		s.log.InfoContext(ctx, "old webhooks were removed", "count", n)
	}
}

// round turns events into deliveries and starts those that are due, as far as there are workers for them.
func (s *Service) round(ctx context.Context, slots chan struct{}) {
	more := false
	for range maxFanOutRound {
		var err error
		if more, err = s.fanOut(ctx); err != nil {
			s.log.ErrorContext(ctx, "events are not turned into webhooks", "error", err)
			more = false
		}
		if !more {
			break
		}
	}
	replaying, err := s.replaySteps(ctx)
	if err != nil {
		s.log.ErrorContext(ctx, "events are not replayed", "error", err)
		replaying = false
	}
	s.takeUp(ctx, slots)
	if more || replaying {
		s.Wake()
	}
}

// takeUp starts what is due, as far as there are workers.
func (s *Service) takeUp(ctx context.Context, slots chan struct{}) {
	for s.lease(ctx, slots) {
	}
}

// wait is the time until something is due, or may have been written by another instance.
func (s *Service) wait(ctx context.Context, slots chan struct{}) time.Duration {
	if len(slots) > 0 { // the end of what is on its way wakes the loop, and writes when it is tried again
		return min(busyPoll, s.Limits.Poll)
	}
	next, some, err := s.Store.OldestDelivery(ctx)
	if err != nil || !some {
		return s.Limits.Poll
	}
	wait := next.Sub(s.now())
	if wait <= 0 { // another instance holds it
		return s.Limits.Poll
	}
	return min(wait, s.Limits.Poll)
}

// fanOut makes the deliveries of the first events of the outbox, in one commit that takes these events out of it. It says
// whether there may be more.
func (s *Service) fanOut(ctx context.Context) (more bool, err error) {
	entries, err := s.Store.Outbox(ctx, fanOutBatch)
	if err != nil || len(entries) == 0 {
		return false, err
	}
	var c payments.Change
	endpoints := map[string][]payments.WebhookEndpoint{}
	for _, entry := range entries {
		if len(c.Deliveries) >= fanOutMost {
			break
		}
		if _, known := endpoints[entry.ProjectID]; !known {
			if endpoints[entry.ProjectID], err = s.liveEndpoints(ctx, entry.ProjectID); err != nil {
				return false, err
			}
		}
		c.FannedOut = append(c.FannedOut, entry)
		c.Deliveries = append(c.Deliveries, s.deliveriesOf(entry, endpoints[entry.ProjectID])...)
	}
	err = s.Store.Apply(ctx, c)
	if errors.Is(err, payments.ErrFenced) { // another instance has been faster: see what it has left
		return true, nil
	}
	return err == nil && (len(entries) == fanOutBatch || len(c.FannedOut) < len(entries)), err
}

// liveEndpoints reads the enabled endpoints of a project.
func (s *Service) liveEndpoints(ctx context.Context, projectID string) ([]payments.WebhookEndpoint, error) {
	const all = 100 // more than a project can have, twins that were made at the same moment included
	list, err := s.Store.WebhookEndpoints(ctx, projectID, payments.Page{Limit: all, Ascending: true})
	if err != nil {
		return nil, err
	}
	live := list.Items[:0]
	for _, e := range list.Items {
		if e.Live() {
			live = append(live, e)
		}
	}
	return live, nil
}

// deliveriesOf are the first tries for an event.
func (s *Service) deliveriesOf(entry payments.OutboxEntry, endpoints []payments.WebhookEndpoint) []payments.Delivery {
	var list []payments.Delivery
	for i := range endpoints {
		if endpoints[i].Wants(entry.Name) {
			list = append(list, s.delivery(entry, endpoints[i].ID, endpoints[i].URL))
		}
	}
	if entry.URL != "" {
		list = append(list, s.delivery(entry, "", entry.URL))
	}
	return list
}

func (s *Service) delivery(entry payments.OutboxEntry, endpointID, url string) payments.Delivery {
	now := s.now()
	return payments.Delivery{
		ProjectID: entry.ProjectID, ID: payments.NewID(payments.PrefixDelivery), EventID: entry.EventID, EventName: entry.Name, SubjectID: entry.SubjectID,
		EndpointID: endpointID, URL: url, Try: 1, State: payments.DeliveryPending, RunAt: now, CreatedAt: now,
	}
}

// lease takes deliveries for the workers that are free and starts them. It says whether there may be more to take.
func (s *Service) lease(ctx context.Context, slots chan struct{}) bool {
	free := cap(slots) - len(slots)
	if free == 0 {
		return false
	}
	now := s.now()
	taken, err := s.Store.LeaseDeliveries(ctx, payments.DeliveryLease{
		Now: now, Until: now.Add(deliveryLease), Limit: free, PerTarget: s.Limits.PerTarget, Failing: failingPerTarget, After: s.after,
	})
	if err != nil {
		s.log.ErrorContext(ctx, "webhooks are not taken up", "error", err)
		return false
	}
	for _, d := range taken {
		slots <- struct{}{} // there is room: nobody else fills it
		s.after = d.Target()
		s.run.running.Go(func() {
			defer func() {
				<-slots
				select {
				case s.run.freed <- struct{}{}:
				default:
				}
			}()
			s.deliver(ctx, d)
		})
	}
	return len(taken) > 0
}
