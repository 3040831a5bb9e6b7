package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"switchyard/adapters/adaptertest"
	"switchyard/adapters/adaptertest/example"
	"switchyard/payments"
)

// acmeSuite is the sandbox of Acme Pay.
func acmeSuite(transport http.RoundTripper) Suite {
	card := func(number string) *Payment {
		return &Payment{Card: adaptertest.Card{Number: number, ExpMonth: 12, ExpYear: 2030, CVC: acmeCVC}}
	}
	return Suite{
		Provider:    example.Provider(),
		Address:     "https://api.acmepay.example",
		Credentials: map[string]string{"api_key": "SWITCHYARD_SANDBOX_ACME_API_KEY"},
		Optional:    map[string]string{"webhook_secret": "SWITCHYARD_SANDBOX_ACME_WEBHOOK_SECRET"},
		Amount:      "25.50",
		Currency:    "EUR",
		Approved:    card(acmeApproves),
		Declined:    card(acmeDeclines),
		Action:      card(acmeAsks),
		Transport:   transport,
	}
}

// environment is the one in which the run is started.
func environment(values map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		value, set := values[name]
		return value, set
	}
}

func credentials() map[string]string {
	return map[string]string{"SWITCHYARD_SANDBOX_ACME_API_KEY": acmeKey, "SWITCHYARD_SANDBOX_ACME_WEBHOOK_SECRET": acmeHook}
}

// prepared is a bench that does not wait.
func prepared(t *testing.T, d defect, record string) *bench {
	t.Helper()
	env := credentials()
	env[RecordVariable] = record
	b, err := prepare(acmeSuite(startAcme(t, d)), environment(env))
	if err != nil {
		t.Fatal(err)
	}
	b.pause = context.Context.Err
	return b
}

// TestRun is the run as the tagged tests start it, over Acme Pay's sandbox.
func TestRun(t *testing.T) {
	for name, value := range credentials() {
		t.Setenv(name, value)
	}
	t.Setenv(RecordVariable, "")
	Run(t, acmeSuite(startAcme(t, flawless)))
}

func TestJourneysPass(t *testing.T) {
	t.Parallel()
	for _, d := range []defect{flawless, tellsEverything} {
		b := prepared(t, d, "")
		for _, j := range journeys() {
			if why := j.lacks(b); why != "" {
				if j.name != "session-abandoned" {
					t.Errorf("%s is not asked: %s", j.name, why)
				}
				continue
			}
			if errs, _ := b.ask(t.Context(), j); len(errs) > 0 {
				t.Errorf("%s (%s): %v", j.name, d, errs)
			}
		}
	}
}

func TestJourneysFindDefects(t *testing.T) {
	t.Parallel()
	for d, want := range map[defect][]string{
		chargesTwice:     {"sale-resent"},
		forgets:          {"sale-approved"},
		approvesAll:      {"sale-declined"},
		capturesAll:      {"authorize-capture"},
		voidsNothing:     {"authorize-void"},
		refundsAll:       {"sale-refund"},
		fenceLeaks:       {"fence-first"},
		fenceLies:        {"action-abandoned"},
		actionIsNoLink:   {"action-abandoned"},
		chargesLess:      {"sale-approved", "authorize-capture"},
		neverEnds:        {"sale-approved"},
		declinesApproved: {"sale-approved", "authorize-capture", "sale-refund"},
		unauthorized:     {"sale-approved", "sale-declined", "fence-first", "action-abandoned"},
	} {
		t.Run(strings.ReplaceAll(string(d), " ", "-"), func(t *testing.T) {
			t.Parallel()
			b := prepared(t, d, "")
			for _, j := range journeys() {
				if j.lacks(b) != "" {
					continue
				}
				if errs, _ := b.ask(t.Context(), j); len(errs) == 0 && slices.Contains(want, j.name) {
					t.Errorf("%s passes, though %s", j.name, d)
				}
			}
		})
	}
}

// TestJourneysWait asks that a PSP which takes its time is waited for, and for which journeys.
func TestJourneysWait(t *testing.T) {
	t.Parallel()
	b := prepared(t, slow, "")
	for _, j := range journeys() {
		if j.name != "sale-approved" && j.name != "sale-refund" {
			continue
		}
		errs, notes := b.ask(t.Context(), j)
		if len(errs) > 0 || len(notes) == 0 {
			t.Errorf("%s: problems %v, notes %v", j.name, errs, notes)
		}
	}
}

// TestRecordings asks that what is written can be played again as fixtures, and has nothing in it that must not be seen.
func TestRecordings(t *testing.T) {
	t.Parallel()
	for _, d := range []defect{flawless, tellsEverything} {
		dir := t.TempDir()
		b := prepared(t, d, dir)
		for _, j := range journeys() {
			if j.lacks(b) == "" {
				if errs, _ := b.ask(t.Context(), j); len(errs) > 0 {
					t.Fatal(j.name, errs)
				}
			}
		}
		tree := fixturesOf(t, os.DirFS("../example/testdata"))
		count := len(tree)
		for name, file := range fixturesOf(t, os.DirFS(filepath.Join(dir, "acme"))) {
			if !strings.HasPrefix(name, "sandbox-") {
				t.Errorf("%s is written", name)
			}
			unspoilt(t, name, file.Data)
			tree[name] = file
		}
		if len(tree) < count+len(journeys()) {
			t.Errorf("only %d files are written", len(tree)-count)
		}
		if d == flawless {
			adaptertest.Run(t, adaptertest.Suite{Provider: example.Provider(), Fixtures: tree})
		}
	}
}

func fixturesOf(t *testing.T, dir fs.FS) fstest.MapFS {
	t.Helper()
	tree := fstest.MapFS{}
	names, err := fs.Glob(dir, "*.*")
	if err != nil || len(names) == 0 {
		t.Fatal("no fixtures", err)
	}
	for _, name := range names {
		data, err := fs.ReadFile(dir, name)
		if err != nil {
			t.Fatal(err)
		}
		tree[name] = &fstest.MapFile{Data: data}
	}
	return tree
}

// unspoilt looks for canaries in a recording.
func unspoilt(t *testing.T, name string, data []byte) {
	t.Helper()
	for _, canary := range []string{acmeKey, acmeHook, "c4NaRy", acmeApproves, acmeDeclines, acmeAsks, "maria@", `"` + acmeCVC + `"`, ":" + acmeCVC} {
		if bytes.Contains(data, []byte(canary)) {
			t.Errorf("%s shows %s", name, canary)
		}
	}
}

// TestNothingIsWrittenUnasked asks that without the variable the run leaves no file behind.
func TestNothingIsWrittenUnasked(t *testing.T) {
	t.Chdir(t.TempDir())
	b := prepared(t, flawless, "")
	for _, j := range journeys() {
		if j.lacks(b) == "" {
			b.ask(t.Context(), j)
		}
	}
	if entries, err := os.ReadDir("."); err != nil || len(entries) > 0 {
		t.Errorf("there are files: %v %v", entries, err)
	}
}

// TestLeaksAreNotWritten plants a secret that the scrubber cannot know to be one, once its leak check does.
func TestLeaksAreNotWritten(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := prepared(t, flawless, dir)
	s := step{Case: adaptertest.Case{Operation: "sale"}}
	s.Request.Reason = "key " + acmeKey // not an exchange: it is not scrubbed
	if err := b.write("leaky", []step{s}); err == nil || strings.Contains(err.Error(), acmeKey) {
		t.Errorf("error %v", err)
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "*", "*")); len(files) > 0 {
		t.Errorf("written: %v", files)
	}
}

// TestPrepareRefuses asks that nothing is sent with what could be a live account's.
func TestPrepareRefuses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		env  map[string]string
		edit func(*Suite)
		want string // in the error
	}{
		"a live key": {
			env: map[string]string{"SWITCHYARD_SANDBOX_ACME_API_KEY": "acme_live_c4NaRy9zKq7Lw2Xv"}, want: "needs a test key",
		},
		"another key": {env: map[string]string{"SWITCHYARD_SANDBOX_ACME_API_KEY": "c4NaRy9zKq7Lw2Xv"}, want: "needs a test key"},
		"live and sandbox at once": {
			edit: func(s *Suite) { s.Provider.NewConfig = newCareless }, want: "passes as a live one",
		},
		"plain http": {edit: func(s *Suite) { s.Address = "http://api.acmepay.example" }, want: "not an https address"},
		"another address": {
			edit: func(s *Suite) { s.Settings = map[string]any{"base_url": "https://elsewhere.example"} }, want: "the vendor's address is",
		},
		"an address from outside": {
			edit: func(s *Suite) { s.Optional = map[string]string{"base_url": "SWITCHYARD_SANDBOX_ACME_BASE_URL"} }, want: "base_url is no credential",
		},
		"a variable of another PSP": {
			edit: func(s *Suite) { s.Credentials["api_key"] = "SWITCHYARD_SANDBOX_XENDIT_API_KEY" }, want: "is called SWITCHYARD_SANDBOX_ACME_API_KEY",
		},
		"a field that is none":     {edit: func(s *Suite) { s.Settings = map[string]any{"colour": "blue"} }, want: "not one of the PSP's"},
		"a directory that is none": {env: map[string]string{RecordVariable: "/nowhere/at/all"}, want: "is not a directory"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := acmeSuite(nobody{t})
			env := credentials()
			env["SWITCHYARD_SANDBOX_ACME_BASE_URL"] = "https://elsewhere.example"
			maps.Copy(env, tt.env)
			if tt.edit != nil {
				tt.edit(&s)
			}
			_, err := prepare(s, environment(env))
			var missing missingError
			if err == nil || errors.As(err, &missing) || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("error %v, want %q", err, tt.want)
			}
			if strings.Contains(err.Error(), "c4NaRy") {
				t.Errorf("the error shows a secret: %v", err)
			}
		})
	}
}

// TestPrepareNamesWhatIsMissing is why the run is skipped.
func TestPrepareNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	_, err := prepare(acmeSuite(nobody{t}), environment(nil))
	var missing missingError
	if !errors.As(err, &missing) || !strings.Contains(err.Error(), "SWITCHYARD_SANDBOX_ACME_API_KEY") {
		t.Errorf("error %v", err)
	}
}

// TestOtherHostsAreNotCalled asks that the transport lets nothing go elsewhere.
func TestOtherHostsAreNotCalled(t *testing.T) {
	t.Parallel()
	b := prepared(t, flawless, "")
	r := &recorder{next: nobody{t}, base: b.base}
	for _, address := range []string{"https://elsewhere.example/v1", "http://api.acmepay.example/v1", "https://api.acmepay.example.evil.example/"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		if answer, err := r.RoundTrip(req); err == nil {
			answer.Body.Close()
			t.Errorf("%s was called", address)
		}
	}
}

// nobody is a transport that must not be used.
type nobody struct{ t *testing.T }

func (n nobody) RoundTrip(req *http.Request) (*http.Response, error) {
	n.t.Errorf("%s %s was sent", req.Method, req.URL)
	return nil, errors.New("nobody is there")
}

// TestFixturesAreLean asks that a recording has no fields that say nothing.
func TestFixturesAreLean(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := prepared(t, flawless, dir)
	if errs, _ := b.ask(t.Context(), journeys()[0]); len(errs) > 0 {
		t.Fatal(errs)
	}
	data, err := os.ReadFile(filepath.Join(dir, "acme", "sandbox-sale-approved-1-sale.json"))
	if err != nil {
		t.Fatal(err)
	}
	var c adaptertest.Case
	if err := json.Unmarshal(data, &c); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(data, []byte(`null`)) || bytes.Contains(data, []byte(`: ""`)) || len(c.Exchanges) != 1 || c.Exchanges[0].Headers["Idempotency-Key"] != "{{reference}}" {
		t.Errorf("recording:\n%s", data)
	}
}

// TestExchange asks that a recorded call has placeholders for what is another with every attempt, and nothing that is secret.
func TestExchange(t *testing.T) {
	t.Parallel()
	b := prepared(t, flawless, "")
	at := adaptertest.Attempt{Reference: "At4k2m9x7q1w8e5r3t6y0u2i4o6p8a0b", Amount: payments.Money{Minor: 2550, Currency: "EUR"}}
	form := "amount=2550&currency=EUR&card%5Bnumber%5D=" + acmeApproves + "&reference=" + at.Reference
	address := "https://api.acmepay.example/v1/references/" + at.Reference + "?reference=" + at.Reference + "&email=maria%40shop.test"
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"Content-Type": "application/x-www-form-urlencoded", "Authorization": "Bearer x", "X-Request-Id": at.Reference, "Version": "2", "X-Api-Key": "x",
	} {
		req.Header.Set(name, value)
	}
	got := b.exchange(call{request: req, sent: []byte(form), status: 502, header: http.Header{"Content-Type": {"text/html"}}, answered: []byte("<p>" + acmeKey)}, at)
	want := adaptertest.Exchange{
		Method: http.MethodPost, Path: "/v1/references/{{reference}}", Query: map[string]string{"reference": "{{reference}}", "email": "***"},
		Headers: map[string]string{"Authorization": "*", "X-Request-Id": "{{reference}}", "Version": "2", "X-Api-Key": "*"},
		Form:    map[string]string{"amount": "{{amount_text}}", "currency": "{{currency}}", "card[number]": "*", "reference": "{{reference}}"},
		Status:  502, AnswerHeaders: map[string]string{"Content-Type": "text/html"}, Text: "<p>***",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("exchange (-want +got):\n%s", diff)
	}
}
