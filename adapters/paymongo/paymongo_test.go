package paymongo_test

import (
	"context"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jarcoal/httpmock"

	"switchyard/adapters"
	"switchyard/adapters/adaptertest"
	"switchyard/adapters/paymongo"
	"switchyard/payments"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	adaptertest.Run(t, adaptertest.Suite{Provider: paymongo.Provider(), Fixtures: os.DirFS("testdata")})
}

func TestConfigCheck(t *testing.T) {
	t.Parallel()
	const test, live = "sk_test_4mRw", "sk_live_4mRw"
	for name, c := range map[string]struct {
		key  string
		edit func(*paymongo.Config)
		live bool
		want []string // fields at fault
	}{
		"sandbox":                 {key: test},
		"live":                    {key: live, live: true},
		"any 3-D Secure":          {key: test, edit: func(c *paymongo.Config) { c.RequestThreeDSecure = "any" }},
		"plain http in a sandbox": {key: test, edit: func(c *paymongo.Config) { c.BaseURL = "http://127.0.0.1:8090/v1" }},
		"no key":                  {want: []string{"secret_key"}},
		"public key":              {key: "pk_test_4mRw", want: []string{"secret_key"}},
		"test key in live":        {key: test, live: true, want: []string{"secret_key"}},
		"live key in a sandbox":   {key: live, want: []string{"secret_key"}},
		"no URL":                  {key: test, edit: func(c *paymongo.Config) { c.BaseURL = "" }, want: []string{"base_url"}},
		"relative URL":            {key: test, edit: func(c *paymongo.Config) { c.BaseURL = "api.paymongo.com/v1" }, want: []string{"base_url"}},
		"other scheme":            {key: test, edit: func(c *paymongo.Config) { c.BaseURL = "ftp://api.paymongo.com" }, want: []string{"base_url"}},
		"URL with a query":        {key: test, edit: func(c *paymongo.Config) { c.BaseURL += "?v=1" }, want: []string{"base_url"}},
		"URL with a password":     {key: test, edit: func(c *paymongo.Config) { c.BaseURL = "https://a:b@api.paymongo.com" }, want: []string{"base_url"}},
		"plain http in live":      {key: live, live: true, edit: func(c *paymongo.Config) { c.BaseURL = "http://api.paymongo.com/v1" }, want: []string{"base_url"}},
		"other 3-D Secure":        {key: test, edit: func(c *paymongo.Config) { c.RequestThreeDSecure = "never" }, want: []string{"request_three_d_secure"}},
		"webhook secret":          {key: test, edit: func(c *paymongo.Config) { c.WebhookSecret = payments.NewSecret("whsk_4mRw") }},
		"other webhook secret": {
			key: test, edit: func(c *paymongo.Config) { c.WebhookSecret = payments.NewSecret(test) }, want: []string{"webhook_secret"},
		},
		"everything wrong": {
			edit: func(c *paymongo.Config) {
				c.BaseURL, c.RequestThreeDSecure, c.WebhookSecret = "", "", payments.NewSecret("4mRw")
			},
			want: []string{"secret_key", "base_url", "request_three_d_secure", "webhook_secret"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := paymongo.Provider().NewConfig().(*paymongo.Config)
			config.SecretKey = payments.NewSecret(c.key)
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

func TestAbilities(t *testing.T) {
	t.Parallel()
	config := paymongo.Provider().NewConfig()
	a, err := config.Open(adapters.Deps{})
	if err != nil {
		t.Fatal(err)
	}
	// PayMongo saves a card only as a side effect of a payment, so there is nothing that these could do.
	if _, ok := a.(adapters.Tokenizer); ok {
		t.Error("PayMongo cannot save a card without charging it")
	}
	if _, ok := a.(adapters.Verifier); ok {
		t.Error("PayMongo cannot verify a card without money")
	}
	if _, ok := a.(adapters.Incrementer); ok {
		t.Error("PayMongo cannot raise a hold")
	}
}

func TestIncompleteRequestsAreNotSent(t *testing.T) {
	t.Parallel()
	transport := httpmock.NewMockTransport() // without responders: every call fails as one that may have arrived
	config := paymongo.Provider().NewConfig().(*paymongo.Config)
	config.SecretKey = payments.NewSecret("sk_test_4mRw")
	a, err := config.Open(adapters.Deps{Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	ctx, amount := t.Context(), payments.Money{Minor: 123400, Currency: "PHP"}
	note := func(context.Context, payments.ProviderRefs) error { return nil }
	for name, run := range map[string]func() error{
		"no source": func() error {
			_, err := a.Authorize(ctx, payments.AuthorizeRequest{Reference: "r", Amount: amount})
			return err
		},
		"no intent to capture": func() error {
			_, err := a.Capture(ctx, payments.CaptureRequest{Reference: "r", Amount: amount})
			return err
		},
		"no intent to void": func() error {
			_, err := a.(adapters.Voider).Void(ctx, payments.VoidRequest{Reference: "r", Amount: amount})
			return err
		},
		"no CVC for a saved card": func() error {
			_, err := a.Authorize(ctx, payments.AuthorizeRequest{
				Reference: "r", Amount: amount, Source: payments.Source{Method: "pm_1"}, Note: note,
			})
			return err
		},
		"nobody to list the cards of": func() error {
			_, err := a.(adapters.MethodLister).ListMethods(ctx, "")
			return err
		},
		"nobody to delete": func() error { return a.(adapters.CustomerDeleter).DeleteCustomer(ctx, "") },
		"no card to delete": func() error {
			return a.(adapters.MethodDeleter).DeleteMethod(ctx, payments.ForgetRequest{CustomerRef: "cus_1"})
		},
		"no payment to refund": func() error {
			_, err := a.Refund(ctx, payments.RefundRequest{Reference: "r", Amount: amount})
			return err
		},
	} {
		if f := payments.AsFault(run()); f == nil || f.Kind != payments.Rejected {
			t.Errorf("%s: %v, want a rejected request", name, f)
		}
	}
	if calls := transport.GetTotalCallCount(); calls > 0 {
		t.Errorf("%d calls were made", calls)
	}
}

func TestNoChargeWithoutNote(t *testing.T) {
	t.Parallel()
	transport := httpmock.NewMockTransport()
	transport.RegisterResponder("POST", "https://api.paymongo.com/v1/payment_intents",
		httpmock.NewStringResponder(200, `{"data":{"id":"pi_1","attributes":{"status":"awaiting_payment_method"}}}`))
	transport.RegisterResponder("PUT", "https://api.paymongo.com/v1/payment_methods/pm_1",
		httpmock.NewStringResponder(200, `{"data":{"id":"pm_1","attributes":{}}}`))
	config := paymongo.Provider().NewConfig().(*paymongo.Config)
	config.SecretKey = payments.NewSecret("sk_test_4mRw")
	a, err := config.Open(adapters.Deps{Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	_, err = a.Authorize(t.Context(), payments.AuthorizeRequest{
		Reference: "r", Amount: payments.Money{Minor: 123400, Currency: "PHP"},
		Source: payments.Source{Method: "pm_1", CVC: payments.NewSecret("917")},
	})
	if f := payments.AsFault(err); f == nil || f.Kind != payments.NeverSent {
		t.Errorf("%v, want a call that was never sent", err)
	}
	if calls := transport.GetTotalCallCount(); calls != 2 {
		t.Errorf("%d calls were made, want those for the CVC and the intent only", calls)
	}
}

// TestStepUp: a charge that is to authenticate the payer asks for 3-D Secure whenever the card can do it.
func TestStepUp(t *testing.T) {
	t.Parallel()
	for setting, able := range map[string]bool{"automatic": true, "any": false} {
		config := paymongo.Provider().NewConfig().(*paymongo.Config)
		config.SecretKey, config.RequestThreeDSecure = payments.NewSecret("sk_test_4mRw"), setting
		for stepUp, want := range map[bool]string{false: setting, true: "any"} {
			var asked string
			transport := httpmock.NewMockTransport()
			transport.RegisterResponder("PUT", "https://api.paymongo.com/v1/payment_methods/pm_1", httpmock.NewStringResponder(200, `{"data":{"id":"pm_1","attributes":{}}}`))
			transport.RegisterResponder("POST", "https://api.paymongo.com/v1/payment_intents", func(r *http.Request) (*http.Response, error) {
				body, err := io.ReadAll(r.Body)
				asked = string(body)
				return httpmock.NewStringResponse(500, ""), err
			})
			a, err := config.Open(adapters.Deps{Transport: transport})
			if err != nil {
				t.Fatal(err)
			}
			if got := a.(adapters.StepUpper).StepsUp(); got != able {
				t.Errorf("%s: steps up is %v", setting, got)
			}
			if _, err := a.Authorize(t.Context(), payments.AuthorizeRequest{
				Reference: "r", Amount: payments.Money{Minor: 123400, Currency: "PHP"}, StepUp: stepUp,
				Source: payments.Source{Method: "pm_1", CVC: payments.NewSecret("917")},
			}); err == nil {
				t.Error("a broken answer is no error")
			}
			if !strings.Contains(asked, `"request_three_d_secure":"`+want+`"`) {
				t.Errorf("%s, step-up %v: asked %s", setting, stepUp, asked)
			}
		}
	}
}
