package policies

import (
	"context"
	"errors"
	"strings"
	"time"

	"switchyard/payments"
	"switchyard/router/rules"
)

// Reload reads the policy's file again, and puts it in force when it means something else than at the last decision. Whatever is
// wrong leaves what is in force in force, and is returned, logged and shown by Current until a reload succeeds.
func (s *Service) Reload(ctx context.Context, o Order) (Result, error) {
	result, err := s.readAgain(ctx, o)
	if refused, ok := errors.AsType[*Error](err); ok && refused.Kind == Invalid { // the order is wrong, and not the file
		s.log.WarnContext(ctx, "the routing policy is not read again", "by", o.By, "error", err)
		return result, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		s.reload = nil
		result.Status = s.status()
		return result, nil
	}
	s.failures.Add(1)
	s.reload = failure("", err)
	for _, f := range s.reload.Faults {
		s.log.ErrorContext(ctx, "the routing policy must not go live", "file", f.File, "line", f.Line, "column", f.Column, "code", string(f.Code), "finding", f.Message)
	}
	s.log.ErrorContext(ctx, "the reload failed; the policy in force stays", "in_force", Short(s.running.Hash), "file", s.file, "by", o.By, "reason", s.reload.Reason)
	return Result{}, err
}

func (s *Service) readAgain(ctx context.Context, o Order) (Result, error) {
	if err := o.check(); err != nil {
		return Result{}, err
	}
	if s.file == "" {
		return Result{}, invalid("The configuration names no policy that could be read again. Name one in routing.rules (serve) or --routes (dev) and start again, or activate one.")
	}
	bundle, err := ReadBundle(s.file)
	if err != nil {
		return Result{}, err
	}
	compiled, err := s.compile(bundle)
	if err != nil {
		return Result{}, err
	}
	return s.decide(ctx, &compiled, func(state *payments.RoutingState) (*step, error) {
		switch {
		case state.FileMark == compiled.Hash:
			return nil, nil
		case holds(state.Pin, time.Now()):
			return nil, pinned(state.Policy.Hash, state.Pin)
		case !strings.HasPrefix(state.Policy.Hash, o.IfCurrent):
			return nil, overtaken(state.Policy)
		}
		return &step{kind: payments.RoutingFile, order: o, policy: &compiled, bundle: bundle, mark: compiled.Hash}, nil
	})
}

// look reads the file again when it has changed and stands still: what is being written is not a policy yet. Under a pin it
// waits for the pin's end.
func (s *Service) look(ctx context.Context) {
	bundle, err := ReadBundle(s.file)
	texts := bundle.textHash()
	if err != nil {
		texts = err.Error()
	}
	s.mu.Lock()
	settled := texts == s.glimpsed
	s.glimpsed = texts
	due := settled && texts != s.handled && !holds(s.state.Pin, time.Now())
	if due {
		s.handled = texts
	}
	s.mu.Unlock()
	if due {
		if _, err := s.Reload(ctx, Order{By: Itself, Because: "the policy's file has changed"}); storeFailed(err) {
			s.mu.Lock()
			s.handled = "" // at the next look again; what is wrong has been logged
			s.mu.Unlock()
		}
	}
}

// storeFailed says that an error is neither the file's nor anybody's decision.
func storeFailed(err error) bool {
	_, faults := errors.AsType[rules.Faults](err)
	_, refused := errors.AsType[*Error](err)
	return err != nil && !faults && !refused
}

// Check says what would be found of a policy, and changes nothing. The error is rules.Faults when it must not go live.
func (s *Service) Check(b Bundle) (Compiled, error) { return s.compile(b) }

// Differences says in sentences what would change from the policy in force, or from a stored version, to another policy.
func (s *Service) Differences(ctx context.Context, from string, b Bundle) (before string, changes []string, err error) {
	after, err := s.compile(b)
	if err != nil {
		return "", nil, err
	}
	s.mu.Lock()
	old := s.running.Compiled
	s.mu.Unlock()
	if from != "" {
		version, err := s.Version(ctx, from)
		if err != nil {
			return "", nil, err
		}
		if old, err = s.compile(version.Files); err != nil {
			return "", nil, err
		}
	}
	switch was, is := old.Config.Policy, after.Config.Policy; {
	case was == nil && is == nil:
	case was == nil:
		changes = []string{"There is no policy before: the configuration's priority alone decides."}
	case is == nil:
		changes = []string{"There is no policy after: the configuration's priority alone decides."}
	default:
		changes = rules.Diff(was, is)
	}
	return old.Hash, changes, nil
}
