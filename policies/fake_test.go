package policies_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"switchyard/payments"
	"switchyard/policies"
	"switchyard/router"
	"switchyard/router/rules"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeStore keeps what the life cycle writes, as store/storetest defines it.
type fakeStore struct {
	mu       sync.Mutex
	state    payments.RoutingState
	events   []payments.RoutingEvent // oldest first
	versions []payments.PolicyVersion
	configs  []payments.PolicyConfig

	before func(payments.Change) error // runs before a change, without the lock
	down   error                       // what reads fail with
}

func (f *fakeStore) Apply(_ context.Context, c payments.Change) error {
	if f.before != nil {
		if err := f.before(c); err != nil {
			return err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if c.Routing != nil && c.Routing.Version != f.state.Version+1 {
		return payments.ErrConflict
	}
	for _, v := range c.PolicyVersions {
		if !slices.ContainsFunc(f.versions, func(o payments.PolicyVersion) bool { return o.Hash == v.Hash }) {
			f.versions = append(f.versions, v)
		}
	}
	for _, p := range c.PolicyConfigs {
		if !slices.ContainsFunc(f.configs, func(o payments.PolicyConfig) bool { return o.ConfigVersion == p.ConfigVersion }) {
			f.configs = append(f.configs, p)
		}
	}
	if c.Routing != nil {
		f.state = *c.Routing
	}
	f.events = append(f.events, c.RoutingEvents...)
	return nil
}

func (f *fakeStore) RoutingState(context.Context) (payments.RoutingState, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.down != nil {
		return payments.RoutingState{}, f.down
	}
	if f.state.Version == 0 {
		return payments.RoutingState{}, payments.ErrNotFound
	}
	return f.state, nil
}

func (f *fakeStore) RoutingEvents(_ context.Context, before int64, limit int) ([]payments.RoutingEvent, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []payments.RoutingEvent
	for _, e := range slices.Backward(f.events) {
		if (before == 0 || e.Seq < before) && len(list) < limit {
			list = append(list, e)
		}
	}
	return list, nil
}

func (f *fakeStore) PolicyVersion(_ context.Context, hash string) (payments.PolicyVersion, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, v := range f.versions {
		if v.Hash == hash {
			for _, c := range f.configs {
				if c.Hash == hash {
					v.ConfigVersions = append(v.ConfigVersions, c.ConfigVersion)
				}
			}
			return v, nil
		}
	}
	return payments.PolicyVersion{}, payments.ErrNotFound
}

func (f *fakeStore) PolicyVersions(_ context.Context, before string, limit int) ([]payments.PolicyVersion, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []payments.PolicyVersion
	older := before == ""
	for _, v := range slices.Backward(f.versions) {
		if older && len(list) < limit {
			list = append(list, v)
		}
		older = older || v.Hash == before
	}
	return list, nil
}

func (f *fakeStore) PolicyHashes(_ context.Context, name string, limit int) ([]string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []string
	for _, v := range f.versions {
		if strings.HasPrefix(v.Hash, name) {
			list = append(list, v.Hash)
		}
	}
	for _, c := range f.configs {
		if c.ConfigVersion == name {
			list = append(list, c.Hash)
		}
	}
	return list[:min(len(list), limit)], nil
}

const (
	alpha = "gway_conf_alpha"
	bravo = "gway_conf_bravo"
)

// compiler compiles policies for some gateway configurations, without the analysis.
func compiler(ids ...string) func(policies.Bundle) (policies.Compiled, error) {
	base := router.Config{MaxAttempts: 2, Priority: ids}
	var known []rules.Gateway
	for _, id := range ids {
		base.Gateways = append(base.Gateways, router.Gateway{ID: id, PSP: strings.TrimPrefix(id, "gway_conf_"), Enabled: true})
		known = append(known, rules.Gateway{ID: id, Enabled: true})
	}
	return func(b policies.Bundle) (policies.Compiled, error) {
		if len(b) == 0 {
			return policies.Compiled{Hash: payments.NoPolicy, Config: router.Compile(base)}, nil
		}
		c, err := one(b[0], base, known)
		if err != nil {
			return policies.Compiled{}, err
		}
		if len(b) > 1 {
			if c.Canary, err = one(b[1], base, known); err != nil {
				return policies.Compiled{}, err
			}
		}
		return policies.Compiled{Hash: c.Policy.Hash, Config: c}, nil
	}
}

func one(f payments.PolicyFile, base router.Config, known []rules.Gateway) (*router.Config, error) {
	doc, _ := rules.Decode(f.Name, []byte(f.Text))
	policy, faults := rules.Compile(doc, known)
	if len(faults) > 0 {
		return nil, faults
	}
	base.Policy = policy
	return router.Compile(base), nil
}

// to is a policy that sends everything to gateway configurations.
func to(ids ...string) string { return "default: {priority: [" + strings.Join(ids, ", ") + "]}\n" }

func bundle(text string) policies.Bundle { return policies.Bundle{{Name: "routing.yaml", Text: text}} }

// hashOf is the hash of a policy's meaning.
func hashOf(t testing.TB, text string) string {
	t.Helper()
	if text == "" {
		return payments.NoPolicy
	}
	c, err := compiler(alpha, bravo)(bundle(text))
	if err != nil {
		t.Fatal(err)
	}
	return c.Hash
}

// instance is one program on a store.
type instance struct {
	*policies.Service
	t      testing.TB
	router *router.Router
	file   string
}

// newInstance makes a program whose policy file has a text; without one it has no file.
func newInstance(t testing.TB, s policies.Store, text string, change ...func(*policies.Options)) *instance {
	t.Helper()
	i := &instance{t: t}
	o := policies.Options{Store: s, Compile: compiler(alpha, bravo)}
	if text != "" {
		i.file = filepath.Join(t.TempDir(), "routing.yaml")
		i.write(text)
		o.File = i.file
	}
	for _, c := range change {
		c(&o)
	}
	i.router = router.New(&router.Config{}, router.Settings{OnTrial: func(r router.TrialReport) { i.TrialEnded(r) }})
	o.Router = i.router
	i.Service = policies.New(o)
	return i
}

// open starts the instance.
func open(t testing.TB, s policies.Store, text string, change ...func(*policies.Options)) *instance {
	t.Helper()
	i := newInstance(t, s, text, change...)
	if err := i.Open(t.Context()); err != nil {
		t.Fatalf("Open: %v", err)
	}
	return i
}

// again is another process of the same instance.
func (i *instance) again(s policies.Store, change ...func(*policies.Options)) *instance {
	i.t.Helper()
	next := open(i.t, s, "", append(change, func(o *policies.Options) { o.File = i.file })...)
	next.file = i.file
	return next
}

func (i *instance) write(text string) {
	i.t.Helper()
	if err := os.WriteFile(i.file, []byte(text), 0o600); err != nil {
		i.t.Fatal(err)
	}
}

// decided is where a payment would go, and the decision.
func (i *instance) decided() (string, payments.Decision) {
	d := i.router.Decide(payments.Facts{
		ProjectID: "proj", InvoiceID: "iv_1", Operation: payments.OpSale, Amount: payments.Money{Minor: 100_00, Currency: "PHP"}, HasCard: true, HasCVC: true,
	})
	if order := d.Order(); len(order) > 0 {
		return order[0].GatewayConfigurationID, d
	}
	return "", d
}

// wantInForce checks which policy is in force, that the router has it, and that a decision's config_version names it.
func (i *instance) wantInForce(text string) {
	i.t.Helper()
	status, want := i.Current(), hashOf(i.t, text)
	if status.Policy != want {
		i.t.Errorf("%s is in force (%s by %s, because %s), want %s", status.Policy, status.Kind, status.By, status.Because, want)
		return
	}
	_, d := i.decided()
	version, err := i.Version(i.t.Context(), d.ConfigVersion)
	if err != nil || version.Hash != want || status.ConfigVersion != d.ConfigVersion {
		i.t.Errorf("a decision says %s, the status %s, and that is version %s (%v), want %s", d.ConfigVersion, status.ConfigVersion, version.Hash, err, want)
	}
}

func by(who string) policies.Order { return policies.Order{By: who, Because: "a test of " + who} }

// must fails when something was not done.
func must(t testing.TB, r policies.Result, err error) policies.Result {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// kinds are the kinds of the history's events, oldest first.
func (f *fakeStore) kinds() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []string
	for _, e := range f.events {
		list = append(list, string(e.Kind))
	}
	return strings.Join(list, " ")
}
