package config

import (
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"switchyard/adapters"
	"switchyard/spelling"
)

// checker turns a decoded document into a Config and reports what is wrong on the way.
type checker struct {
	*ledger
	decoder   *decoder
	doc       *document
	providers []adapters.Provider
	live      bool // at least one project takes real money
	unruled   bool // the routing policy is not read
}

const driverSQLite = "sqlite"

// Bounds of settings.
const (
	maxAttemptsLimit = 10
	maxBreakerCount  = 1000

	maxRetriesPerDay    = 10 // Mastercard counts more declines in 24 hours as excessive
	maxRetriesPer30Days = 15 // Visa's limit of reattempts in 30 days
	maxPause            = time.Hour
	maxOperationTime    = 2 * time.Minute
	maxRequestBodyKiB   = 10 << 10
	maxInFlight         = 100_000
	maxPerSecond        = 1_000_000
)

func (c *checker) check() *Config {
	config := &Config{
		Listen: c.doc.Listen, OpsListen: c.doc.OpsListen, PublicURL: c.doc.PublicURL, Store: c.doc.Store, Redis: c.doc.Redis, Vault: c.doc.Vault, Cards: c.doc.Cards,
		Routing: c.doc.Routing, Webhooks: c.doc.Webhooks, Limits: c.doc.Limits, Log: c.doc.Log, Telemetry: c.doc.Telemetry,
	}
	config.Projects = c.projects()
	c.live = config.Live()
	config.Gateways = c.gateways(config.Projects)
	if !c.unruled {
		config.PolicyFile, config.Policy = c.policy()
	}
	config.IINs = c.iins()
	c.addresses()
	c.store()
	c.vault()
	c.routing()
	c.limits()
	if c.live && c.doc.Webhooks.AllowLoopback {
		c.add("webhooks.allow_loopback", "is for sandboxes only: with a live project, merchants must not reach this machine; remove it")
	}
	c.oneOf("log.format", string(c.doc.Log.Format), string(LogJSON), string(LogText))
	c.telemetry()
	return config
}

func (c *checker) addresses() {
	c.address("listen", c.doc.Listen)
	c.address("ops_listen", c.doc.OpsListen)
	// Port 0 is a free one of the system's choice, and another each time.
	if c.doc.Listen == c.doc.OpsListen && !strings.HasSuffix(c.doc.Listen, ":0") {
		c.add("ops_listen", "must be another address than listen: operators' pages do not belong on the merchants' port")
	}
	if c.doc.PublicURL != "" {
		u, err := url.Parse(c.doc.PublicURL)
		if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Scheme != "https" && (u.Scheme != "http" || c.live) {
			c.add("public_url", "must be an https URL, such as https://pay.example.com; plain http is for sandboxes only")
		}
	}
	if c.doc.Redis.Address != "" {
		c.address("redis.address", c.doc.Redis.Address)
	} else if !c.doc.Redis.Password.IsZero() {
		c.add("redis.address", "is missing; it is a host and a port, such as 127.0.0.1:6379")
	}
}

// address checks a host and port; the host may be missing, which means every one.
func (c *checker) address(path, text string) {
	_, port, err := net.SplitHostPort(text)
	if number, notNumber := strconv.Atoi(port); err != nil || notNumber != nil || number < 0 || number > 65535 {
		c.add(path, "must be a host and a port, such as 127.0.0.1:8080")
	}
}

func (c *checker) store() {
	c.oneOf("store.driver", c.doc.Store.Driver, driverSQLite)
	if c.doc.Store.Path == "" {
		c.add("store.path", "is missing: name the file for the database")
	}
	c.oneOf("store.durability", string(c.doc.Store.Durability), string(DurabilityFull), string(DurabilityNormal))
	if c.live && c.doc.Store.Durability == DurabilityNormal {
		c.add("store.durability", "must be full with a live project: what was acknowledged has to survive a loss of power")
	}
}

func (c *checker) routing() {
	known := make([]string, 0, len(c.doc.Gateways))
	for _, g := range c.doc.Gateways {
		known = append(known, g.ID)
	}
	for i, id := range c.doc.Routing.Priority {
		path := "routing.priority[" + strconv.Itoa(i) + "]"
		switch {
		case slices.Index(c.doc.Routing.Priority, id) != i:
			c.add(path, "stands here twice")
		case !slices.Contains(known, id):
			c.add(path, "there is no such gateway configuration"+didYouMean(id, known))
		}
	}
	r := c.doc.Routing
	between(c, "routing.max_attempts", r.MaxAttempts, 1, maxAttemptsLimit)
	between(c, "routing.retry_budget.per_day", r.RetryBudget.PerDay, 1, maxRetriesPerDay)
	between(c, "routing.retry_budget.per_30_days", r.RetryBudget.Per30Days, 1, maxRetriesPer30Days)
	if r.RetryBudget.PerDay > r.RetryBudget.Per30Days {
		c.add("routing.retry_budget", "per_day must not be above per_30_days")
	}
	between(c, "routing.breaker.failures", r.Breaker.Failures, 1, maxBreakerCount)
	between(c, "routing.breaker.sustained", r.Breaker.Sustained, time.Millisecond, maxPause)
	between(c, "routing.breaker.min_calls", r.Breaker.MinCalls, 1, maxBreakerCount)
	between(c, "routing.breaker.failure_percent", r.Breaker.FailurePercent, 1, 100)
	between(c, "routing.breaker.window", r.Breaker.Window, time.Second, maxPause)
	between(c, "routing.breaker.open_for", r.Breaker.OpenFor, time.Second, maxPause)
	between(c, "routing.breaker.probes", r.Breaker.Probes, 1, maxBreakerCount)
	between(c, "routing.config_fault_pause", r.ConfigFaultPause, time.Second, maxPause)
	between(c, "routing.throttle_pause", r.ThrottlePause, time.Second, maxPause)
}

func (c *checker) limits() {
	l := c.doc.Limits
	between(c, "limits.payer_budget", l.PayerBudget, time.Second, maxOperationTime)
	between(c, "limits.psp_timeout", l.PSPTimeout, time.Second, maxOperationTime)
	between(c, "limits.request_body_kib", l.RequestBodyKiB, 1, maxRequestBodyKiB)
	between(c, "limits.in_flight", l.InFlight, 1, maxInFlight)
	between(c, "limits.in_flight_per_project", l.InFlightPerProject, 1, maxInFlight)
	between(c, "limits.in_flight_per_psp", l.InFlightPerPSP, 1, maxInFlight)
	between(c, "limits.requests_per_second", l.RequestsPerSecond, 0, maxPerSecond)
	between(c, "limits.payer_per_second", l.PayerPerSecond, 0, maxPerSecond)
	if l.AbsenceAfter == 0 {
		return
	}
	if c.live {
		c.add("limits.absence_after", "is for sandboxes only: with real money, what the PSPs declare holds; remove it")
		return
	}
	between(c, "limits.absence_after", l.AbsenceAfter, time.Second, maxPause)
}

func (c *checker) telemetry() {
	t := c.doc.Telemetry
	if t.OTLPEndpoint != "" {
		u, err := url.Parse(t.OTLPEndpoint)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
			c.add("telemetry.otlp_endpoint", "must be an http or https URL without a password, such as http://127.0.0.1:4318")
		}
	}
	if !(t.SampleRatio >= 0 && t.SampleRatio <= 1) { // so that NaN is refused too
		c.add("telemetry.sample_ratio", "must be from 0 (no traces) to 1 (all)")
	}
}

func (c *checker) oneOf(path, value string, allowed ...string) {
	if !slices.Contains(allowed, value) {
		c.add(path, "must be "+strings.Join(allowed, " or "))
	}
}

func didYouMean(value string, known []string) string {
	if near := spelling.Nearest(value, known); near != "" {
		return "; did you mean " + near + "?"
	}
	return ""
}

func between[T int | float64 | time.Duration](c *checker, path string, value, least, most T) {
	if !(value >= least && value <= most) { // so that NaN is refused, too
		c.add(path, "must be from "+show(least)+" to "+show(most))
	}
}

func show[T int | float64 | time.Duration](value T) string {
	if d, ok := any(value).(time.Duration); ok {
		return d.String()
	}
	return strconv.Itoa(int(value))
}
