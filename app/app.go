// Package app builds the program from its parts, starts it and stops it. It is the only place where parts that know nothing
// of each other meet, and the only one that knows the OpenTelemetry SDK.
package app

import (
	"cmp"
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"time"

	"switchyard/adapters/wire"
	"switchyard/api"
	"switchyard/cache"
	"switchyard/commitments"
	"switchyard/config"
	"switchyard/flow"
	"switchyard/learning"
	"switchyard/payments"
	"switchyard/policies"
	"switchyard/projects"
	"switchyard/router"
	"switchyard/router/learn"
	"switchyard/store/sqlite"
	"switchyard/tokens"
	"switchyard/vault"
	"switchyard/webhooks"
)

// App is the gateway: built by New, running between Start and Stop.
type App struct {
	log        *slog.Logger
	telemetry  *telemetry
	store      *sqlite.Store
	cache      *cache.Cache // nil without Redis
	vault      *vault.Vault
	tokens     *tokens.Service
	router     *router.Router
	learning   *learning.Keeper // keeps what the router learns
	policies   *policies.Service
	promised   *commitments.Watcher // prices promised volumes for the router
	engine     *flow.Engine
	webhooks   *webhooks.Service
	ledger     ledger // the store, where writing an event wakes webhooks
	transport  *http.Transport
	merchants  *server
	operators  *server
	projectIDs []string
	stopping   context.Context // ends when Stop begins: nobody waits for what only looks at things
	stop       context.CancelFunc
	returns    func(projectID, attemptID string) string // set once the listener is open
}

// Options are what the program hands in beside its configuration.
type Options struct {
	Logger *slog.Logger
	// Transport carries the calls to PSPs; nil makes one with the limits of adapters/wire.
	Transport http.RoundTripper
	// WatchRules looks at the routing policy's file again and again, and puts it in force when it has changed.
	WatchRules bool
}

// New builds everything and listens, but serves nothing yet. Whatever it has opened is closed again when it fails.
func New(ctx context.Context, c *config.Config, o Options) (_ *App, err error) {
	a := &App{log: slog.New(api.WithRequestID(o.Logger.Handler()))}
	a.stopping, a.stop = context.WithCancel(context.Background())
	defer func() {
		if err != nil {
			err = errors.Join(err, a.close(context.WithoutCancel(ctx)))
		}
	}()
	if a.telemetry, err = startTelemetry(ctx, c.Telemetry.OTLPEndpoint, c.Telemetry.SampleRatio); err != nil {
		return nil, err
	}
	gateways, err := a.openGateways(c, o.Transport)
	if err != nil {
		return nil, err
	}
	if err := checkPolicy(c, gateways); err != nil { // before anything is opened
		return nil, err
	}
	if a.store, err = sqlite.Open(ctx, sqlite.Options{Path: c.Store.Path, Relaxed: c.Store.Durability == config.DurabilityNormal, Logger: a.log}); err != nil {
		return nil, err
	}
	for _, p := range c.Projects {
		a.projectIDs = append(a.projectIDs, p.ID)
	}
	registry, err := registryOf(c)
	if err != nil {
		return nil, err
	}
	if err := a.buildVault(ctx, c); err != nil {
		return nil, err
	}
	a.buildWebhooks(c)
	if err := a.buildTokens(c, gateways); err != nil {
		return nil, err
	}
	a.router = newRouter(c, gateways, a.log, func(r router.TrialReport) { a.policies.TrialEnded(r) })
	if err := a.buildPolicies(ctx, c, gateways, o.WatchRules); err != nil {
		return nil, err
	}
	if err := errors.Join(a.observe(), a.loadBeliefs(ctx), a.watchCommitments(ctx)); err != nil {
		return nil, err
	}
	a.engine = flow.New(flow.Options{
		Ledger: a.ledger, Tokens: a.tokens, Vault: a.vault, Router: a.router, Gateways: gateways, Projects: registry.Project,
		Returns: a.returnAddress(c),
		Limits:  flow.Limits{PayerBudget: c.Limits.PayerBudget, AbsenceAfter: c.Limits.AbsenceAfter}, Logger: a.log,
	})
	return a, a.buildServers(c, registry)
}

func registryOf(c *config.Config) (*projects.Registry, error) {
	entries := make([]projects.Entry, 0, len(c.Projects))
	for _, p := range c.Projects {
		entries = append(entries, projects.Entry{Project: p.Project, Keys: p.Keys})
	}
	return projects.New(entries)
}

func (a *App) buildVault(ctx context.Context, c *config.Config) error {
	keys, err := vault.LocalKeys(c.Vault.CurrentKey, c.Vault.Keys)
	if err != nil {
		return err
	}
	o := vault.Options{Store: a.store, Keys: keys, FingerprintKey: c.Vault.FingerprintKey}
	if c.IINs != nil {
		o.Issuers = c.IINs.Lookup
		a.log.InfoContext(ctx, "table of issuers", "rows", c.IINs.Rows())
	}
	if a.vault, err = vault.New(o); err != nil {
		return err
	}
	return a.vault.Check(ctx, c.Vault.CurrentKey, slices.Sorted(maps.Keys(c.Vault.Keys)))
}

func (a *App) buildTokens(c *config.Config, gateways []flow.Gateway) error {
	o := tokens.Options{Store: a.ledger, Vault: a.vault, Logger: a.log, Wake: func() { a.engine.Wake() }}
	if c.Redis.Address != "" {
		cache.LogClient(a.log)
		shared, err := cache.New(cache.Options{Address: c.Redis.Address, Password: c.Redis.Password, Logger: a.log})
		if err != nil {
			return err
		}
		a.cache, o.Cache = shared, shared
	}
	for _, g := range c.Gateways {
		if g.Enabled {
			o.Gateways = append(o.Gateways, tokens.GatewayInfo{
				ID: g.ID, ProjectID: g.ProjectID, PSP: g.PSP, Name: g.Provider.DisplayName, Page: hasPage(gateways, g.ID), Capabilities: g.Capabilities,
			})
		}
	}
	a.tokens = tokens.New(o)
	if a.cache != nil {
		a.cache.Subscribe(a.tokens.Invalidate)
	}
	return nil
}

// newRouter hands the routing part of the configuration to the router.
func newRouter(c *config.Config, gateways []flow.Gateway, log *slog.Logger, onTrial func(router.TrialReport)) *router.Router {
	b, beliefs := c.Routing.Breaker, learn.New(learn.Settings{})
	if c.Policy != nil {
		beliefs = learn.New(router.Memory(c.Policy))
	}
	return router.New(router.Compile(routingOf(c, gateways)), router.Settings{
		Failures: b.Failures, Sustained: b.Sustained, MinCalls: b.MinCalls, FailurePercent: b.FailurePercent, Window: b.Window, OpenFor: b.OpenFor, Probes: b.Probes,
		ConfigFaultPause: c.Routing.ConfigFaultPause, ThrottlePause: c.Routing.ThrottlePause, Beliefs: beliefs, OnTrial: onTrial, Logger: log,
	})
}

// openGateways opens the adapters, over one transport.
func (a *App) openGateways(c *config.Config, transport http.RoundTripper) ([]flow.Gateway, error) {
	if transport == nil {
		a.transport = wire.NewTransport()
		transport = a.transport
	}
	return openGateways(c, transport, a.log)
}

func (a *App) buildServers(c *config.Config, registry *projects.Registry) error {
	requestKey, err := derivedKey(c.Vault.FingerprintKey, "switchyard: fingerprints of idempotent requests, and return tickets")
	if err != nil {
		return err
	}
	merchants := api.New(api.Options{
		Engine: a.engine, Tokens: a.tokens, Vault: a.vault, Projects: registry, Reads: a.store, Inbox: a.engine, Webhooks: a.webhooks, Gateways: gatewayInfos(c, time.Now().UTC()),
		IdempotencyKey: requestKey, Ready: a.Ready, Logger: a.log, MaxBody: c.Limits.RequestBody(),
		Admission: api.Admission{
			InFlight: c.Limits.InFlight, InFlightPerProject: c.Limits.InFlightPerProject, InFlightNotices: c.Limits.InFlight,
			PerKey: c.Limits.RequestsPerSecond, PerPayer: c.Limits.PayerPerSecond,
		},
	})
	if a.merchants, err = listen(c.Listen, merchants, a.log); err != nil {
		return err
	}
	a.returns = api.ReturnAddress(cmp.Or(c.PublicURL, a.merchants.url()), requestKey)
	a.operators, err = listen(c.OpsListen, a.operatorsHandler(), a.log)
	return err
}

// returnAddress makes the addresses that PSPs send payers back to, or is nil when nobody outside could reach one. The address
// of the listener is known only later, when the port was the system's choice.
func (a *App) returnAddress(c *config.Config) func(projectID, attemptID string) string {
	if c.PublicURL == "" && !config.IsLoopback(c.Listen) {
		return nil
	}
	return func(projectID, attemptID string) string { return a.returns(projectID, attemptID) }
}

// derivedKey makes a key for one purpose from a configured one, so that each secret serves one purpose only.
func derivedKey(from payments.Secret, purpose string) (payments.Secret, error) {
	key, err := hkdf.Key(sha256.New, []byte(from.Reveal()), nil, purpose, sha256.Size)
	if err != nil {
		return payments.Secret{}, fmt.Errorf("app: %w", err)
	}
	return payments.NewSecret(base64.StdEncoding.EncodeToString(key)), nil
}

// URL is where merchants reach the program.
func (a *App) URL() string { return a.merchants.url() }

// OperatorsURL is where operators reach the program.
func (a *App) OperatorsURL() string { return a.operators.url() }

// Ready says whether payments can be taken.
func (a *App) Ready(ctx context.Context) error { return a.store.Ping(ctx) }

// Commits counts the durable commits since New.
func (a *App) Commits() int64 { return a.store.Stats().Commits }

// Start serves, and takes up the work that an earlier process left behind.
func (a *App) Start() {
	a.engine.Start()
	a.learning.Start()
	a.promised.Start()
	a.webhooks.Start()
	a.policies.Start()
	a.merchants.serve()
	a.operators.serve()
}

// Failed gives the error of a listener that ended by itself.
func (a *App) Failed() <-chan error { return a.merchants.failed }

// Stop takes no new requests, lets those in hand end, and closes everything, at most until ctx ends. What is still open
// then is taken up by the next process.
func (a *App) Stop(ctx context.Context) error { return a.close(ctx) }

// close undoes New, in the opposite order, as far as it came.
func (a *App) close(ctx context.Context) error {
	var errs []error
	add := func(err error) { errs = append(errs, err) }
	a.stop()
	if a.engine != nil {
		a.engine.Quiet() // live calls stop waiting for unknown outcomes, so that their requests can end
	}
	if a.webhooks != nil {
		a.webhooks.Quiet()
	}
	if a.merchants != nil {
		add(a.merchants.stop(ctx))
	}
	if a.engine != nil {
		add(a.engine.Stop(ctx))
	}
	if a.webhooks != nil {
		add(a.webhooks.Stop(ctx))
	}
	if a.learning != nil {
		add(a.learning.Stop(ctx))
	}
	if a.promised != nil {
		add(a.promised.Stop(ctx))
	}
	if a.operators != nil {
		add(a.operators.stop(ctx))
	}
	if a.policies != nil {
		a.policies.Stop()
	}
	if a.transport != nil {
		a.transport.CloseIdleConnections()
	}
	if a.tokens != nil {
		a.tokens.Close()
	}
	if a.cache != nil {
		add(a.cache.Close())
	}
	if a.vault != nil {
		a.vault.Close()
	}
	if a.store != nil {
		add(a.store.Close())
	}
	if a.telemetry != nil {
		add(a.telemetry.stop(ctx))
	}
	return errors.Join(errs...)
}
