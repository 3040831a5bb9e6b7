package policies

import (
	"context"
	"time"

	"switchyard/payments"
	"switchyard/router"
)

// TrialEnded takes note that a router has stopped a canary: it is recorded, and all instances stop it. It does not block.
func (s *Service) TrialEnded(r router.TrialReport) {
	select {
	case s.ended <- r:
	default: // one is being recorded already; there is one canary
	}
}

// stopCanary records the end of a canary, unless another instance has been faster or the policy that named it is gone. It returns false
// when that has to be tried again.
func (s *Service) stopCanary(ctx context.Context, r router.TrialReport) bool {
	s.log.WarnContext(ctx, "a canary did worse and was stopped", "control", r.Control, "canary", r.Canary, "finding", r.Report.Sentence)
	s.mu.Lock()
	hash, running := s.running.Hash, s.running.Config.Version
	s.mu.Unlock()
	if running != r.Control {
		return true
	}
	_, err := s.decide(ctx, nil, func(state *payments.RoutingState) (*step, error) {
		if state.Policy.Hash != hash || state.Stopped != nil && state.Stopped.Policy == hash {
			return nil, nil
		}
		stopped := payments.StoppedCanary{Policy: hash, Because: r.Report.Sentence, At: time.Now().UTC()}
		return &step{
			kind: payments.RoutingStopped, order: Order{By: Itself, Because: r.Report.Sentence},
			edit: func(state *payments.RoutingState) { state.Stopped = &stopped },
		}, nil
	})
	if err != nil {
		s.log.ErrorContext(ctx, "the end of a canary is not recorded yet; this instance has stopped it all the same", "error", err)
	}
	return err == nil
}

// withoutCanary is a configuration whose own policy decides for all payments.
func withoutCanary(c *router.Config) *router.Config {
	alone := *c
	alone.Canary = nil
	return &alone
}
