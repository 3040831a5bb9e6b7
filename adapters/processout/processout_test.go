package processout_test

import (
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jarcoal/httpmock"

	"switchyard/adapters"
	"switchyard/adapters/adaptertest"
	"switchyard/adapters/processout"
	"switchyard/payments"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	adaptertest.Run(t, adaptertest.Suite{Provider: processout.Provider(), Fixtures: os.DirFS("testdata")})
}

func TestConfigCheck(t *testing.T) {
	t.Parallel()
	const (
		testProject, testKey = "test-proj_4mRw", "key_sandbox_4mRw"
		liveProject, liveKey = "proj_4mRw", "key_live_4mRw"
	)
	address := func(url string) func(*processout.Config) { return func(c *processout.Config) { c.BaseURL = url } }
	for name, c := range map[string]struct {
		project, key string
		edit         func(*processout.Config)
		live         bool
		want         []string // fields at fault
	}{
		"sandbox":                    {project: testProject, key: testKey},
		"sandbox with the other key": {project: testProject, key: "key_test_4mRw"},
		"live":                       {project: liveProject, key: liveKey, live: true},
		"plain http in a sandbox":    {project: testProject, key: testKey, edit: address("http://127.0.0.1:8090")},
		"nothing":                    {want: []string{"project_id", "private_key"}},
		"a key for a project":        {project: testKey, key: testKey, want: []string{"project_id"}},
		"sandbox project in live":    {project: testProject, key: liveKey, live: true, want: []string{"project_id"}},
		"live project in a sandbox":  {project: liveProject, key: testKey, want: []string{"project_id"}},
		"sandbox key in live":        {project: liveProject, key: testKey, live: true, want: []string{"private_key"}},
		"live key in a sandbox":      {project: testProject, key: liveKey, want: []string{"private_key"}},
		"a key of no kind":           {project: testProject, key: "4mRw", want: []string{"private_key"}},
		"no URL":                     {project: testProject, key: testKey, edit: address(""), want: []string{"base_url"}},
		"relative URL":               {project: testProject, key: testKey, edit: address("api.processout.com"), want: []string{"base_url"}},
		"URL with a password":        {project: testProject, key: testKey, edit: address("https://a:b@api.processout.com"), want: []string{"base_url"}},
		"URL with a fragment":        {project: testProject, key: testKey, edit: address("https://api.processout.com#x"), want: []string{"base_url"}},
		"plain http in live":         {project: liveProject, key: liveKey, live: true, edit: address("http://api.processout.com"), want: []string{"base_url"}},
		"everything wrong":           {edit: address("::"), want: []string{"project_id", "private_key", "base_url"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := processout.Provider().NewConfig().(*processout.Config)
			config.ProjectID, config.PrivateKey = c.project, payments.NewSecret(c.key)
			if c.edit != nil {
				c.edit(config)
			}
			var got []string
			for _, f := range config.Check(c.live) {
				got = append(got, f.Field)
				if f.Message == "" || c.key != "" && strings.Contains(f.Message, c.key) {
					t.Errorf("the message about %s is empty or shows the key", f.Field)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("fields at fault (-want +got):\n%s", diff)
			}
		})
	}
}

func TestIncompleteRequestsAreNotSent(t *testing.T) {
	t.Parallel()
	calls := 0
	a := open(t, counting(&calls))
	ctx, amount := t.Context(), payments.Money{Minor: 123400, Currency: "PHP"}
	for name, run := range map[string]func() error{
		"no source": func() error {
			_, err := a.Authorize(ctx, payments.AuthorizeRequest{Reference: "r", Amount: amount})
			return err
		},
		"no invoice to capture": func() error {
			_, err := a.Capture(ctx, payments.CaptureRequest{Reference: "r", Amount: amount})
			return err
		},
		"no invoice to void": func() error {
			_, err := a.(adapters.Voider).Void(ctx, payments.VoidRequest{Reference: "r", Amount: amount})
			return err
		},
		"no invoice to refund": func() error {
			_, err := a.Refund(ctx, payments.RefundRequest{Reference: "r", Amount: amount})
			return err
		},
		"no card to verify": func() error {
			_, err := a.(adapters.Verifier).Verify(ctx, payments.VerifyRequest{Reference: "r", Source: payments.Source{Method: "tok_1"}})
			return err
		},
		"no invoice to continue": func() error {
			r := steps(result)[0]
			r.Refs = payments.ProviderRefs{Charge: "tr_1"}
			_, err := a.(adapters.Continuer).Continue(ctx, r)
			return err
		},
	} {
		if f := payments.AsFault(run()); f == nil || f.Kind != payments.Rejected {
			t.Errorf("%s: %v, want a rejected request", name, f)
		}
	}
	if calls > 0 {
		t.Errorf("%d calls were made", calls)
	}
}

func TestNoChargeWithoutNote(t *testing.T) {
	t.Parallel()
	transport := httpmock.NewMockTransport()
	transport.RegisterResponder("POST", "https://api.processout.com/invoices",
		httpmock.NewStringResponder(200, `{"success":true,"invoice":{"id":"iv_1"}}`))
	_, err := open(t, transport).Authorize(t.Context(), payments.AuthorizeRequest{
		Reference: "r", Amount: payments.Money{Minor: 123400, Currency: "PHP"}, Source: payments.Source{Method: "tok_1"},
	})
	if f := payments.AsFault(err); f == nil || f.Kind != payments.NeverSent {
		t.Errorf("%v, want a call that was never sent", err)
	}
	if calls := transport.GetTotalCallCount(); calls != 1 {
		t.Errorf("%d calls were made, want that for the invoice only", calls)
	}
}

func open(t *testing.T, transport http.RoundTripper) adapters.Adapter {
	t.Helper()
	config := processout.Provider().NewConfig().(*processout.Config)
	config.ProjectID, config.PrivateKey = "test-proj_4mRw", payments.NewSecret("key_sandbox_4mRw")
	a, err := config.Open(adapters.Deps{Transport: transport, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return a
}
