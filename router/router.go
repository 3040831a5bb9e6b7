package router

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"switchyard/payments"
	"switchyard/router/learn"
)

// Settings say when a gateway configuration is left alone. The zero value of every field has a default.
type Settings struct {
	// A breaker opens after so many Failures in a row, once nothing has succeeded for the time Sustained: many calls at once
	// can fail in a row by chance. It also opens when FailurePercent of the calls within Window failed, if there were
	// MinCalls at least.
	Failures       int           // default 5
	Sustained      time.Duration // default 1 s
	FailurePercent int           // default 50
	MinCalls       int           // default 20
	Window         time.Duration // default 60 s
	OpenFor        time.Duration // until the first probe; default 30 s
	Probes         int           // calls at once in the half-open state, all of which must succeed; default 1
	// ConfigFaultPause is how long a gateway configuration rests after the PSP refused its credentials or settings;
	// default 60 s.
	ConfigFaultPause time.Duration
	// ThrottlePause is the longest rest that a PSP may ask for with Retry-After; default 30 s.
	ThrottlePause time.Duration

	// Beliefs is what smart routes choose by; default: a learner that knows nothing yet.
	Beliefs  *learn.Learner
	Cascades *learn.Cascades // what is believed of second tries; default: beliefs without evidence

	Logger *slog.Logger // default: nothing is logged
	// OnChange is told of every change after it has happened, one at a time and in order, on the goroutine of a call: it
	// must not block.
	OnChange func(Change)
	// OnTrial is told when the trial of a canary has stopped it, on the goroutine that told of a payment: it must not block.
	OnTrial func(TrialReport)
	Now     func() time.Time // default time.Now

	Tracer trace.Tracer // default: of OpenTelemetry's global provider
	Meter  metric.Meter // likewise
}

// Defaults of Settings.
const (
	defaultFailures         = 5
	defaultSustained        = time.Second
	defaultFailurePercent   = 50
	defaultMinCalls         = 20
	defaultWindow           = 60 * time.Second
	defaultOpenFor          = 30 * time.Second
	defaultProbes           = 1
	defaultConfigFaultPause = 60 * time.Second
	defaultThrottlePause    = 30 * time.Second
)

const instrumentation = "switchyard/router"

func (s Settings) withDefaults() Settings {
	setDefault(&s.Failures, defaultFailures)
	setDefault(&s.Sustained, defaultSustained)
	setDefault(&s.FailurePercent, defaultFailurePercent)
	setDefault(&s.MinCalls, defaultMinCalls)
	setDefault(&s.Window, defaultWindow)
	setDefault(&s.OpenFor, defaultOpenFor)
	setDefault(&s.Probes, defaultProbes)
	setDefault(&s.ConfigFaultPause, defaultConfigFaultPause)
	setDefault(&s.ThrottlePause, defaultThrottlePause)
	if s.Beliefs == nil {
		s.Beliefs = learn.New(learn.Settings{})
	}
	if s.Cascades == nil {
		s.Cascades = learn.NewCascades()
	}
	if s.Logger == nil {
		s.Logger = slog.New(slog.DiscardHandler)
	}
	if s.OnChange == nil {
		s.OnChange = func(Change) {}
	}
	if s.OnTrial == nil {
		s.OnTrial = func(TrialReport) {}
	}
	if s.Now == nil {
		s.Now = time.Now
	}
	if s.Tracer == nil {
		s.Tracer = otel.Tracer(instrumentation)
	}
	if s.Meter == nil {
		s.Meter = otel.Meter(instrumentation)
	}
	return s
}

func setDefault[T int | time.Duration](value *T, to T) {
	if *value <= 0 {
		*value = to
	}
}

// Router holds the configuration in force and a breaker per gateway configuration. It is safe for many goroutines.
type Router struct {
	settings  Settings
	durations metric.Float64Histogram
	changes   *changeQueue

	swapping sync.Mutex // one Swap at a time
	current  atomic.Pointer[inForce]
	switches atomic.Pointer[Switches]
	prices   atomic.Pointer[Prices]
}

// inForce is a configuration with the breakers of its gateways.
type inForce struct {
	config   *Config
	breakers map[string]*breaker
	list     []*breaker // in the order of the configuration
	canary   *canary    // nil: no policy is on trial
	shadow   *shadow    // nil: no policy is compared
}

// New returns a router for c, which it compiles if that has not been done.
func New(c *Config, s Settings) *Router {
	s = s.withDefaults()
	durations, err := s.Meter.Float64Histogram("switchyard.psp.call.duration",
		metric.WithUnit("s"), metric.WithDescription("How long calls at PSPs take."))
	if err != nil { // the instrument works or does nothing; either way there is one
		s.Logger.Error("metric cannot be made", "metric", "switchyard.psp.call.duration", "error", err)
	}
	r := &Router{settings: s, durations: durations, changes: &changeQueue{deliver: s.OnChange, logger: s.Logger}}
	r.Swap(c)
	return r
}

// Swap replaces the configuration at once and as a whole. A gateway configuration that stays keeps its breaker; a rest that
// it took because of its configuration ends, since that may be what has been put right. Calls in progress are not touched.
func (r *Router) Swap(c *Config) {
	if c.plan == nil {
		c = Compile(*c)
	}
	r.swapping.Lock()
	defer r.swapping.Unlock()

	before := r.current.Load()
	next := &inForce{config: c, breakers: make(map[string]*breaker, len(c.Gateways))}
	for i := range c.Gateways {
		g := &c.Gateways[i]
		if _, twice := next.breakers[g.ID]; twice {
			continue
		}
		var b *breaker
		if before != nil {
			b = before.breakers[g.ID]
		}
		if b == nil || b.psp != g.PSP {
			b = newBreaker(g, &r.settings, r.changes)
		} else {
			b.rest.reconfigured()
			b.room.Store(int64(g.MaxInFlight))
		}
		next.breakers[g.ID] = b
		next.list = append(next.list, b)
	}
	if before == nil {
		next.canary, next.shadow = newCanary(c, nil), newShadow(c, nil, false, r.settings.Now())
	} else {
		next.canary, next.shadow = newCanary(c, before.canary), newShadow(c, before.shadow, before.config.Version == c.Version, r.settings.Now())
	}
	r.current.Store(next)
}

// Throw puts kill switches in force, in place of those before; nil withdraws all.
func (r *Router) Throw(s *Switches) { r.switches.Store(s) }

// SetPrices puts the prices of promised volumes in force, in place of those before; nil withdraws all. They must not be changed
// afterwards.
func (r *Router) SetPrices(p Prices) { r.prices.Store(&p) }

// Config returns the configuration in force.
func (r *Router) Config() *Config { return r.current.Load().config }

// Decide is the function Decide with the configuration in force, or with that of a canary for the payments that are its own, as
// things stand now. A shadow is compared.
func (r *Router) Decide(f payments.Facts) payments.Decision {
	current, now := r.current.Load(), r.settings.Now()
	view := r.view(current, now)
	config, arm := current.canary.arm(current.config, &f)
	decision := Decide(config, f, view, now)
	decision.Arm = arm
	if current.shadow != nil {
		current.shadow.compare(&decision, &f, view, now)
	}
	r.changes.drain()
	return decision
}

// view is how things stand.
func (r *Router) view(current *inForce, now time.Time) View {
	view := View{Health: current.health(now), Beliefs: r.settings.Beliefs, Switches: r.switches.Load()}
	if prices := r.prices.Load(); prices != nil {
		view.Prices = *prices
	}
	return view
}

// Simulate is Decide without a trace: nothing is compared or counted. c is the configuration to decide by; nil: the one in force.
func (r *Router) Simulate(c *Config, f payments.Facts) payments.Decision {
	current, now := r.current.Load(), r.settings.Now()
	arm := payments.Arm("")
	if c == nil {
		c, arm = current.canary.arm(current.config, &f)
	}
	decision := Decide(c, f, r.view(current, now), now)
	decision.Arm = arm
	r.changes.drain()
	return decision
}

// Health returns the conditions of the gateway configurations that are not simply available; nil when all are.
func (r *Router) Health() Health {
	health := r.current.Load().health(r.settings.Now())
	r.changes.drain()
	return health
}

func (f *inForce) health(now time.Time) Health {
	var health Health
	for _, b := range f.list {
		condition, notable := b.condition(now)
		if !notable {
			continue
		}
		if health == nil {
			health = make(Health)
		}
		health[b.gatewayID] = condition
	}
	return health
}

// Breakers returns the state of every breaker, in the order of the configuration.
func (r *Router) Breakers() []BreakerStatus {
	current, now := r.current.Load(), r.settings.Now()
	statuses := make([]BreakerStatus, 0, len(current.list))
	for _, b := range current.list {
		statuses = append(statuses, b.status(now))
	}
	r.changes.drain()
	return statuses
}
