package policies

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"switchyard/payments"
	"switchyard/router/rules"
)

// Order says who decides, and why.
type Order struct {
	By      string `json:"by"`
	Because string `json:"because"`
	// IfCurrent, when it is set, is the beginning of the hash of the policy that has to be in force: another one is somebody
	// else's change, and stays.
	IfCurrent string `json:"if_current"`
}

// Bounds of what operators write, in characters.
const (
	maxBy      = 100
	maxBecause = 300
)

func (o *Order) check() error {
	switch {
	case strings.TrimSpace(o.By) == "" || strings.TrimSpace(o.Because) == "":
		return invalid("Say who decides and why, in by and because.")
	case utf8.RuneCountInString(o.By) > maxBy:
		return invalid("The name in by is longer than %d characters.", maxBy)
	case utf8.RuneCountInString(o.Because) > maxBecause:
		return invalid("The reason in because is longer than %d characters; decisions repeat it.", maxBecause)
	}
	return nil
}

// Result is what a change has come to.
type Result struct {
	Changed    bool            `json:"changed"` // false: it was so already
	From       string          `json:"from"`    // the policy that was in force before
	Findings   []rules.Finding `json:"findings"`
	NotInForce []string        `json:"not_in_force"`
	Status     Status          `json:"routing"`
}

// step is one change of what is decided.
type step struct {
	kind   payments.RoutingEventKind
	order  Order
	policy *Compiled // to put in force; nil: what is in force stays
	bundle Bundle    // of a policy that is not stored yet
	mark   string    // of the file; empty: as before
	edit   func(*payments.RoutingState)
	about  string    // a kill switch, by its id
	until  time.Time // of a pin or a kill switch
}

// maxTries bounds how often a change is made anew because another was faster.
const maxTries = 20

// change makes the next version of what is decided, in the order that the store gives. decide is asked again whenever somebody
// has been faster; it returns nil when nothing is to be changed.
func (s *Service) change(ctx context.Context, decide func(*payments.RoutingState) (*step, error)) (payments.RoutingState, error) {
	for range maxTries {
		state, err := s.store.RoutingState(ctx)
		if err != nil && !errors.Is(err, payments.ErrNotFound) {
			return state, err
		}
		taken, err := decide(&state)
		if err != nil || taken == nil {
			return state, err
		}
		next, c := taken.carryOut(state, time.Now().UTC())
		err = s.store.Apply(ctx, c)
		if errors.Is(err, payments.ErrConflict) {
			continue
		}
		return next, err
	}
	return payments.RoutingState{}, &Error{Kind: Conflict, Text: "Others decide about routing at this moment; try again."}
}

// carryOut returns the state after a step, and the change that makes it durable.
func (t *step) carryOut(state payments.RoutingState, now time.Time) (payments.RoutingState, payments.Change) {
	next, from := state, state.Policy.Hash
	next.Version++
	next.Switches = slices.DeleteFunc(slices.Clone(state.Switches), func(k payments.KillSwitch) bool { return !now.Before(k.Until) })
	var c payments.Change
	if t.mark != "" {
		next.FileMark = t.mark
	}
	if t.policy != nil && t.policy.Hash != from {
		next.Policy = payments.PolicyChoice{Hash: t.policy.Hash, Kind: t.kind, Since: now, By: t.order.By, Because: t.order.Because}
		c.PolicyConfigs = configsOf(t.policy, now)
		if t.bundle != nil || t.policy.Hash == payments.NoPolicy {
			c.PolicyVersions = []payments.PolicyVersion{versionOf(t.policy, t.bundle, from, next.Policy)}
		}
	}
	if t.edit != nil {
		t.edit(&next)
	}
	c.Routing = &next
	c.RoutingEvents = []payments.RoutingEvent{{
		Seq: next.Version, Kind: t.kind, Hash: next.Policy.Hash, From: from, Switch: t.about, Until: t.until, By: t.order.By, Because: t.order.Because, At: now,
	}}
	return next, c
}

func versionOf(c *Compiled, bundle Bundle, parent string, choice payments.PolicyChoice) payments.PolicyVersion {
	return payments.PolicyVersion{Hash: c.Hash, Parent: parent, Files: bundle, By: choice.By, Because: choice.Because, CreatedAt: choice.Since}
}

// decide changes what is decided and carries it out here.
func (s *Service) decide(ctx context.Context, known *Compiled, decide func(*payments.RoutingState) (*step, error)) (Result, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var result Result
	state, err := s.change(ctx, func(state *payments.RoutingState) (*step, error) {
		taken, err := decide(state)
		result.From, result.Changed = state.Policy.Hash, taken != nil
		return taken, err
	})
	if err != nil {
		return Result{}, err
	}
	if known != nil {
		result.Findings, result.NotInForce = known.Findings, known.NotInForce
		if known.Hash != state.Policy.Hash {
			known = nil
		} else if s.running.Hash == known.Hash {
			known = &s.running.Compiled // nothing to swap
		}
	}
	if err := s.adopt(ctx, state, known); err != nil {
		return Result{}, err
	}
	result.Status = s.status()
	return result, nil
}

// Activate puts a policy in force. Its error is rules.Faults when the policy must not go live.
func (s *Service) Activate(ctx context.Context, b Bundle, o Order) (Result, error) {
	if err := o.check(); err != nil {
		return Result{}, err
	}
	compiled, err := s.compile(b)
	if err != nil {
		return Result{}, err
	}
	return s.putInForce(ctx, payments.RoutingActivated, compiled, b, o)
}

// ActivateVersion puts a stored version in force.
func (s *Service) ActivateVersion(ctx context.Context, name string, o Order) (Result, error) {
	return s.putVersionInForce(ctx, payments.RoutingActivated, name, o)
}

// Rollback puts a version in force that was so before: the one that is named, or without a name the one from which the present
// one has come. A rollback after a rollback goes further back.
func (s *Service) Rollback(ctx context.Context, name string, o Order) (Result, error) {
	if err := o.check(); err != nil {
		return Result{}, err
	}
	if name == "" {
		before, err := s.before(ctx)
		if err != nil {
			return Result{}, err
		}
		name = before
	}
	return s.putVersionInForce(ctx, payments.RoutingRolledBack, name, o)
}

func (s *Service) putVersionInForce(ctx context.Context, kind payments.RoutingEventKind, name string, o Order) (Result, error) {
	if err := o.check(); err != nil {
		return Result{}, err
	}
	version, err := s.Version(ctx, name)
	if err != nil {
		return Result{}, err
	}
	compiled, err := s.compile(version.Files)
	if err != nil {
		return Result{}, err
	}
	return s.putInForce(ctx, kind, compiled, nil, o)
}

// putInForce puts a policy in force by an operator's order.
func (s *Service) putInForce(ctx context.Context, kind payments.RoutingEventKind, c Compiled, b Bundle, o Order) (Result, error) {
	mark := s.fileMark()
	var seen *payments.PolicyChoice
	return s.decide(ctx, &c, func(state *payments.RoutingState) (*step, error) {
		first := seen == nil
		if first {
			seen = &state.Policy
		}
		switch {
		case state.Policy.Hash == c.Hash:
			return nil, nil
		case holds(state.Pin, time.Now()):
			return nil, pinned(state.Policy.Hash, state.Pin)
		case !first && *seen != state.Policy, !strings.HasPrefix(state.Policy.Hash, o.IfCurrent):
			return nil, overtaken(state.Policy)
		}
		return &step{kind: kind, order: o, policy: &c, bundle: b, mark: mark}, nil
	})
}

// before is the policy from which the present one has come.
func (s *Service) before(ctx context.Context) (string, error) {
	state, err := s.store.RoutingState(ctx)
	if err != nil {
		return "", err
	}
	for seq := int64(0); ; {
		events, err := s.store.RoutingEvents(ctx, seq, maxListed)
		if err != nil {
			return "", err
		}
		for i := range events {
			e := &events[i]
			if e.Hash == state.Policy.Hash && e.From != e.Hash && e.Kind != payments.RoutingRolledBack && e.From != "" {
				return e.From, nil
			}
			seq = e.Seq
		}
		if len(events) < maxListed {
			return "", missing("No policy was in force before this one. Activate another.")
		}
	}
}

// fileMark says what the policy's file is now: its meaning, so that another comment is no change, or its text when it has none.
func (s *Service) fileMark() string {
	b, err := ReadBundle(s.file)
	if err != nil {
		return "unreadable"
	}
	c, err := s.compile(b)
	if err != nil {
		return b.textHash()
	}
	return c.Hash
}

// MaxPin is how long a pin may hold.
const MaxPin = 90 * 24 * time.Hour

// Pin keeps the policy in force until a time: no file, activation or rollback changes it before.
func (s *Service) Pin(ctx context.Context, until time.Time, o Order) (Result, error) {
	if err := o.check(); err != nil {
		return Result{}, err
	}
	if err := checkEnd(until, MaxPin); err != nil {
		return Result{}, err
	}
	return s.decide(ctx, nil, func(state *payments.RoutingState) (*step, error) {
		if !strings.HasPrefix(state.Policy.Hash, o.IfCurrent) {
			return nil, overtaken(state.Policy)
		}
		if p := state.Pin; p != nil && p.Until.Equal(until) && p.By == o.By && p.Because == o.Because {
			return nil, nil
		}
		pin := payments.PolicyPin{Until: until.UTC(), By: o.By, Because: o.Because, At: time.Now().UTC()}
		return &step{kind: payments.RoutingPinned, order: o, until: pin.Until, edit: func(state *payments.RoutingState) { state.Pin = &pin }}, nil
	})
}

// Unpin ends a pin before its time.
func (s *Service) Unpin(ctx context.Context, o Order) (Result, error) {
	if err := o.check(); err != nil {
		return Result{}, err
	}
	return s.decide(ctx, nil, func(state *payments.RoutingState) (*step, error) {
		if !holds(state.Pin, time.Now()) {
			return nil, nil
		}
		return &step{kind: payments.RoutingUnpinned, order: o, edit: func(state *payments.RoutingState) { state.Pin = nil }}, nil
	})
}

// checkEnd refuses an end that is over or too far away.
func checkEnd(until time.Time, longest time.Duration) error {
	switch left := time.Until(until); {
	case until.IsZero():
		return invalid("Say until when: for as a duration such as 2h, or until as a time such as 2026-01-31T18:00:00Z.")
	case left <= 0:
		return invalid("The end, %s, is over.", moment(until))
	case left > longest:
		return invalid("The end, %s, is more than %d days away, which is the most; it can be set again before.", moment(until), int(longest.Hours()/24))
	}
	return nil
}
