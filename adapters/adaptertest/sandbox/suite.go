// Package sandbox asks the questions of the conformance suite at a PSP's real sandbox, as far as a live PSP allows: nothing can
// be broken there on purpose, but what the fixtures claim of the PSP can be compared with what it does.
//
// `go test -tags sandbox ./adapters/...` runs it for every adapter whose credentials are in the environment; without that tag
// nothing here is ever sent. A live key is refused before any call, and so is every call to another host than the vendor's.
//
// With SWITCHYARD_SANDBOX_RECORD=dir every exchange is written below dir, in the format of the suite's fixtures and scrubbed of
// secrets, card numbers, CVCs, e-mail addresses and tokens, so that an author can trim it into a fixture.
package sandbox

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"switchyard/adapters"
	"switchyard/adapters/adaptertest"
	"switchyard/adapters/wire"
	"switchyard/payments"
)

// RecordVariable names the environment variable with the directory, which must exist, that recordings are written below.
const RecordVariable = "SWITCHYARD_SANDBOX_RECORD"

const (
	callTimeout = 90 * time.Second // longer than any PSP takes
	// A PSP may take this long to show what it has done: questions times the pause between them.
	patience      = 20 // questions
	betweenLookup = 2 * time.Second
)

// Suite is one PSP's sandbox.
type Suite struct {
	Provider adapters.Provider
	// Address is the vendor's own address for test accounts, https. The configuration must have it as base_url, and no other
	// host is ever called.
	Address string
	// Credentials lead from fields of the configuration to the environment variables that they are taken from, named
	// SWITCHYARD_SANDBOX_<PSP>_<FIELD>. Without all of them the PSP is not asked.
	Credentials map[string]string
	Optional    map[string]string // ditto, taken when set
	Settings    map[string]any    // fields with the same value for everybody

	// Amount in major units and Currency are what is charged unless a Payment says otherwise.
	Amount   string
	Currency payments.Currency
	// The vendor's published test cards. A payment that is nil is not asked for.
	Approved *Payment
	Declined *Payment
	Action   *Payment // the payer has to do something before anything is charged

	// Transport takes the place of the network in tests of the run itself.
	Transport http.RoundTripper
}

// Payment is a published test card and, where the amount decides about the outcome, the amount.
type Payment struct {
	// Card needs its number only. The rest is that of the conformance suite's card, so that recordings fit there.
	Card   adaptertest.Card
	Amount string // major units
}

// Run asks every question that the adapter's abilities and the suite's cards allow.
func Run(t *testing.T, s Suite) {
	t.Helper()
	b, err := prepare(s, os.LookupEnv)
	var missing missingError
	switch {
	case errors.As(err, &missing):
		t.Skip(err)
	case err != nil:
		t.Fatal(err)
	}
	for _, j := range journeys() {
		t.Run(j.name, func(t *testing.T) { // one after another: sandboxes are slow and have tight limits
			if why := j.lacks(b); why != "" {
				t.Skip(why)
			}
			errs, notes := b.ask(t.Context(), j)
			for _, note := range notes {
				t.Log(note)
			}
			for _, err := range errs {
				t.Error(err)
			}
		})
	}
}

// missingError names the environment variables that are not set.
type missingError []string

func (e missingError) Error() string {
	return "the sandbox is not asked: set " + strings.Join(e, ", ") + " to the credentials of a test account"
}

// bench is a suite that is ready to be asked.
type bench struct {
	Suite
	config   adapters.Config
	base     *url.URL
	record   string // directory; empty: nothing is written
	scrubber *scrubber
	now      func() time.Time
	pause    func(context.Context) error // between two lookups
}

// prepare reads the environment and refuses whatever could reach real money.
func prepare(s Suite, env func(string) (string, bool)) (*bench, error) {
	b := &bench{Suite: s, now: time.Now, pause: pause}
	if b.Transport == nil {
		b.Transport = wire.NewTransport()
	}
	fields, err := s.fields(env)
	if err != nil {
		return nil, err
	}
	if b.config, err = s.decode(fields); err != nil {
		return nil, err
	}
	if err := b.refuseLive(); err != nil {
		return nil, err
	}
	if b.base, err = s.address(b.config); err != nil {
		return nil, err
	}
	if b.record, _ = env(RecordVariable); b.record != "" {
		if info, err := os.Stat(b.record); err != nil || !info.IsDir() {
			return nil, fmt.Errorf("%s=%s is not a directory that exists", RecordVariable, b.record)
		}
	}
	secrets := adaptertest.SecretsIn(b.config)
	for _, field := range slices.Sorted(maps.Keys(s.Credentials)) { // an account's name is nobody's business either
		if value, isText := fields[field].(string); isText {
			secrets = append(secrets, value)
		}
	}
	var cvcs []string
	for _, p := range []*Payment{s.Approved, s.Declined, s.Action} {
		if p != nil {
			cvcs = append(cvcs, p.card(b.now()).CVC)
		}
	}
	b.scrubber = newScrubber(secrets, cvcs)
	return b, nil
}

// fields gathers the configuration.
func (s *Suite) fields(env func(string) (string, bool)) (map[string]any, error) {
	fields := map[string]any{}
	var missing missingError
	for _, list := range []map[string]string{s.Credentials, s.Optional} {
		for field, variable := range list {
			if want := "SWITCHYARD_SANDBOX_" + strings.ToUpper(s.Provider.Name+"_"+field); variable != want {
				return nil, fmt.Errorf("the variable for %s is called %s, not %s", field, want, variable)
			}
			value, set := env(variable)
			if set && value != "" {
				fields[field] = value
			} else if _, needed := s.Credentials[field]; needed {
				missing = append(missing, variable)
			}
		}
	}
	maps.Copy(fields, s.Settings)
	if _, fromOutside := fields["base_url"].(string); fromOutside && s.Settings["base_url"] == nil {
		return nil, errors.New("base_url is no credential: it is written down in Settings")
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		return nil, missing
	}
	return fields, nil
}

// decode puts the fields over the provider's defaults, as the configuration file would be.
func (s *Suite) decode(fields map[string]any) (adapters.Config, error) {
	text, err := yaml.Marshal(fields)
	if err != nil {
		return nil, errors.New("the fields cannot be written as yaml") // without the cause: it may hold one of them
	}
	config := s.Provider.NewConfig()
	if yaml.UnmarshalWithOptions(text, config, yaml.Strict()) != nil {
		return nil, errors.New("a field is not one of the PSP's configuration, or its value is of another type")
	}
	return config, nil
}

// refuseLive refuses a configuration that is not certainly a test account's.
func (b *bench) refuseLive() error {
	for _, f := range b.config.Check(false) {
		return fmt.Errorf("%s: %s", f.Field, f.Message)
	}
	if len(b.config.Check(true)) == 0 {
		return errors.New("the configuration passes as a live one, too: nothing is sent with it")
	}
	return nil
}

// address is where the calls go: the vendor's own, as the configuration has it, too.
func (s *Suite) address(config adapters.Config) (*url.URL, error) {
	shown, err := yaml.Marshal(config) // secrets are masked in it
	if err != nil {
		return nil, fmt.Errorf("the configuration cannot be written: %w", err)
	}
	var fields struct {
		BaseURL string `yaml:"base_url"`
	}
	if err := yaml.Unmarshal(shown, &fields); err != nil {
		return nil, fmt.Errorf("the configuration cannot be read back: %w", err)
	}
	base, err := url.Parse(s.Address)
	switch {
	case err != nil, base.Scheme != "https", base.Host == "":
		return nil, errors.New("Address is not an https address")
	case fields.BaseURL != s.Address:
		return nil, fmt.Errorf("base_url is %s, and the vendor's address is %s", fields.BaseURL, s.Address)
	}
	return base, nil
}

// card fills in what a test card needs besides its number.
func (p *Payment) card(now time.Time) adaptertest.Card {
	c := p.Card
	if c.ExpMonth == 0 {
		c.ExpMonth, c.ExpYear = 12, max(2030, now.Year()+1)
	}
	if c.CVC == "" {
		c.CVC = "917"
	}
	if c.Name == "" {
		c.Name = "Maria Santos"
	}
	return c
}

// pause waits before the next question.
func pause(ctx context.Context) error {
	timer := time.NewTimer(betweenLookup)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
