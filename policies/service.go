package policies

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"switchyard/payments"
	"switchyard/router"
	"switchyard/router/rules"
)

// Store is what the life cycle needs of a store.
type Store interface {
	Apply(ctx context.Context, c payments.Change) error
	RoutingState(ctx context.Context) (payments.RoutingState, error)
	RoutingEvents(ctx context.Context, before int64, limit int) ([]payments.RoutingEvent, error)
	PolicyVersion(ctx context.Context, hash string) (payments.PolicyVersion, error)
	PolicyVersions(ctx context.Context, before string, limit int) ([]payments.PolicyVersion, error)
	PolicyHashes(ctx context.Context, name string, limit int) ([]string, error)
}

// Router is what decides.
type Router interface {
	Swap(c *router.Config)
	Throw(s *router.Switches)
	Config() *router.Config
	Trial() (router.TrialReport, bool)
	Shadow() (router.ShadowReport, bool)
}

// Options are what a Service works with.
type Options struct {
	Store  Store
	Router Router
	// Compile checks a policy against the gateway configurations that there are. The error is rules.Faults when it must not
	// go live.
	Compile func(Bundle) (Compiled, error)
	File    string // of the policy; empty: none
	// Watch looks at the file again and again, and puts it in force when it has changed.
	Watch  bool
	Every  time.Duration // between looks at the store, and at the file; default 2 s
	Logger *slog.Logger
}

const defaultEvery = 2 * time.Second

// Itself is who decides when no person does.
const Itself = "switchyard"

// Service is the life cycle of the routing policy on one instance. It is safe for many goroutines.
type Service struct {
	store   Store
	router  Router
	compile func(Bundle) (Compiled, error)
	file    string
	watch   bool
	every   time.Duration
	log     *slog.Logger

	failures atomic.Int64            // reloads that failed
	ended    chan router.TrialReport // canaries that were stopped and not recorded yet

	mu       sync.Mutex
	state    payments.RoutingState // as it was read or written last
	running  running
	reload   *Failure // of the last look at the file
	behind   *Failure // why what was decided is not in force here
	unread   string   // why the store could not be read, as it was logged
	handled  string   // the texts of the file that have been dealt with
	glimpsed string   // the texts of the file at the last look

	stop func()
	done chan struct{}
}

// running is the policy in force on this instance.
type running struct {
	Compiled
	choice payments.PolicyChoice
}

// Failure is something that did not work, and when.
type Failure struct {
	At     time.Time       `json:"at"`
	Reason string          `json:"reason"`
	Faults []rules.Finding `json:"faults,omitempty"` // of the policy
}

// New returns a service. Nothing is in force by it before Open.
func New(o Options) *Service {
	s := &Service{store: o.Store, router: o.Router, compile: o.Compile, file: o.File, watch: o.Watch, every: o.Every, log: o.Logger, ended: make(chan router.TrialReport, 1)}
	if s.every <= 0 {
		s.every = defaultEvery
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	return s
}

// Open puts in force what is to be in force after a start. Its error is rules.Faults when the file's policy must not go live.
func (s *Service) Open(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	bundle, err := ReadBundle(s.file)
	if err != nil {
		return err
	}
	compiled, err := s.compile(bundle)
	if err != nil {
		return err
	}
	s.handled = bundle.textHash()
	order := Order{By: Itself, Because: "the policy's file has changed since the last decision"}
	if s.file == "" {
		order.Because = "the configuration names no policy any more"
	}
	state, err := s.change(ctx, func(state *payments.RoutingState) (*step, error) {
		switch {
		case state.Version == 0:
			first := Order{By: Itself, Because: "the first start with this store"}
			return &step{kind: payments.RoutingStarted, order: first, policy: &compiled, bundle: bundle, mark: compiled.Hash}, nil
		case state.FileMark == compiled.Hash:
			return nil, nil
		case holds(state.Pin, time.Now()):
			s.handled = "" // it is looked at when the pin ends
			return nil, nil
		}
		return &step{kind: payments.RoutingFile, order: order, policy: &compiled, bundle: bundle, mark: compiled.Hash}, nil
	})
	if err != nil {
		return err
	}
	known := &compiled
	if state.Policy.Hash != compiled.Hash {
		// Should the one that was decided on be of no use here, the file's is what there is.
		s.running = running{compiled, payments.PolicyChoice{
			Hash: compiled.Hash, Kind: payments.RoutingFile, Since: time.Now().UTC(), By: Itself, Because: "policy " + Short(state.Policy.Hash) + " cannot be used here",
		}}
		known = nil
	}
	if err := s.adopt(ctx, state, known); err != nil || s.behind == nil {
		return err
	}
	return s.store.Apply(ctx, payments.Change{
		PolicyVersions: []payments.PolicyVersion{versionOf(&compiled, bundle, state.Policy.Hash, s.running.choice)},
		PolicyConfigs:  configsOf(&compiled, s.running.choice.Since),
	})
}

// Start follows what other instances decide, and the file if it is to be watched.
func (s *Service) Start() {
	ctx, stop := context.WithCancel(context.Background())
	s.stop, s.done = stop, make(chan struct{})
	go func() {
		defer close(s.done)
		ticker := time.NewTicker(s.every)
		defer ticker.Stop()
		var unrecorded *router.TrialReport
		for {
			select {
			case <-ctx.Done():
				return
			case r := <-s.ended:
				if unrecorded = nil; !s.stopCanary(ctx, r) {
					unrecorded = &r
				}
				continue
			case <-ticker.C:
			}
			if unrecorded != nil && s.stopCanary(ctx, *unrecorded) {
				unrecorded = nil
			}
			s.follow(ctx)
			if s.watch {
				s.look(ctx)
			}
		}
	}()
}

// Stop ends what Start began.
func (s *Service) Stop() {
	if s.stop != nil {
		s.stop()
		<-s.done
	}
}

// follow carries out what was decided since the last look at the store.
func (s *Service) follow(ctx context.Context) {
	state, err := s.store.RoutingState(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil && state.Version > s.state.Version {
		err = s.adopt(ctx, state, nil)
	}
	switch {
	case ctx.Err() != nil:
	case err == nil:
		s.unread = ""
	case s.unread != err.Error():
		s.unread = err.Error()
		s.log.WarnContext(ctx, "what was decided about routing cannot be read; what is in force stays, and it is tried again", "error", err)
	}
}

// adopt makes this instance do what was decided. known is the policy when it has been compiled already. A policy that cannot be
// used leaves the one before in force, and is said; the error is the store's.
func (s *Service) adopt(ctx context.Context, state payments.RoutingState, known *Compiled) error {
	if known == nil && state.Policy.Hash == s.running.Hash {
		known = &s.running.Compiled
	}
	if known == nil {
		version, err := s.store.PolicyVersion(ctx, state.Policy.Hash)
		if err != nil {
			return err
		}
		compiled, err := s.compile(version.Files)
		if err != nil {
			s.fallBehind(ctx, state, err)
			return nil
		}
		known = &compiled
	}
	if stopped := state.Stopped; stopped != nil && stopped.Policy == known.Hash && known.Config.Canary != nil {
		alone := *known
		alone.Config = withoutCanary(known.Config)
		known = &alone
	}
	if s.router.Config() != known.Config {
		if err := s.note(ctx, known); err != nil {
			return err
		}
		s.router.Swap(known.Config)
	}
	s.router.Throw(switchesOf(state.Switches))
	s.behind = nil
	s.state = state
	if s.running.choice != state.Policy {
		s.tell(ctx, state.Policy, known)
	}
	s.running = running{*known, state.Policy}
	return nil
}

// note makes sure that the policy of a decision can be found by its config_version, which depends on the gateway configurations
// as well.
func (s *Service) note(ctx context.Context, c *Compiled) error {
	for _, config := range configsOf(c, time.Now().UTC()) {
		hashes, err := s.store.PolicyHashes(ctx, config.ConfigVersion, 1)
		if err != nil {
			return err
		}
		if len(hashes) > 0 {
			continue
		}
		if err := s.store.Apply(ctx, payments.Change{PolicyConfigs: []payments.PolicyConfig{config}}); err != nil {
			return err
		}
	}
	return nil
}

// configsOf are what decisions by a policy say, and those by its canary.
func configsOf(c *Compiled, now time.Time) []payments.PolicyConfig {
	list := []payments.PolicyConfig{{ConfigVersion: c.Config.Version, Hash: c.Hash, At: now}}
	if canary := c.Config.Canary; canary != nil {
		list = append(list, payments.PolicyConfig{ConfigVersion: canary.Version, Hash: c.Hash, At: now})
	}
	return list
}

// fallBehind keeps what is in force here, since what was decided cannot be used with the gateway configurations of this instance.
// Kill switches are carried out all the same.
func (s *Service) fallBehind(ctx context.Context, state payments.RoutingState, err error) {
	if s.router.Config() != s.running.Config {
		s.router.Swap(s.running.Config)
	}
	s.router.Throw(switchesOf(state.Switches))
	s.state = state
	s.behind = failure("Policy "+Short(state.Policy.Hash)+" was decided on and cannot be used here; "+Short(s.running.Hash)+" stays in force. ", err)
	s.log.ErrorContext(ctx, "a policy was decided on that cannot be used here; the one before stays in force",
		"policy", Short(state.Policy.Hash), "in_force", Short(s.running.Hash), "by", state.Policy.By, "because", state.Policy.Because, "error", err)
}

// failure words an error, with the faults of a policy beside it.
func failure(before string, err error) *Failure {
	if faults, ok := errors.AsType[rules.Faults](err); ok {
		return &Failure{At: time.Now().UTC(), Reason: before + "The policy must not go live.", Faults: faults}
	}
	return &Failure{At: time.Now().UTC(), Reason: before + err.Error()}
}

// tell logs what is in force now, and what is most likely not meant in it.
func (s *Service) tell(ctx context.Context, choice payments.PolicyChoice, c *Compiled) {
	s.log.InfoContext(ctx, "routing policy in force", "policy", Short(c.Hash), "config_version", c.Config.Version, "kind", string(choice.Kind), "by", choice.By, "because", choice.Because)
	for _, f := range c.Findings {
		if f.Severity == rules.SeverityWarning {
			s.log.WarnContext(ctx, "the routing policy is most likely not what was meant", "file", f.File, "line", f.Line, "code", string(f.Code), "rule", f.Rule, "finding", f.Message)
		}
	}
	for _, what := range c.NotInForce {
		s.log.WarnContext(ctx, "the routing policy asks for what is not in force", "what", what)
	}
}

// holds says that a pin is in effect.
func holds(p *payments.PolicyPin, now time.Time) bool { return p != nil && now.Before(p.Until) }
