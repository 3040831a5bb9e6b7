package dojo_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"switchyard/adapters/dojo"
	"switchyard/payments"
)

func TestConfigCheck(t *testing.T) {
	t.Parallel()
	const sandbox, live = "sk_sandbox_c8oLGaI5msx", "sk_prod_c8oLGaI5msx"
	for name, tt := range map[string]struct {
		key  string
		edit func(*dojo.Config)
		live bool
		want []string // fields at fault
	}{
		"sandbox":                 {key: sandbox},
		"live":                    {key: live, live: true},
		"plain http in a sandbox": {key: sandbox, edit: func(c *dojo.Config) { c.BaseURL, c.CheckoutURL = "http://127.0.0.1:1", "http://127.0.0.1:1" }},
		"another version":         {key: sandbox, edit: func(c *dojo.Config) { c.Version = "2026-02-27" }},
		"webhooks":                {key: sandbox, edit: func(c *dojo.Config) { c.WebhookSecret = payments.NewSecret("PDYkJQq6") }},
		"no key":                  {want: []string{"api_key"}},
		"some key":                {key: "sk_test_x", want: []string{"api_key"}},
		"key with the scheme":     {key: "Basic " + sandbox, want: []string{"api_key"}},
		"key with a line's end":   {key: sandbox + "\n", want: []string{"api_key"}},
		"sandbox key in live":     {key: sandbox, live: true, want: []string{"api_key"}},
		"live key in a sandbox":   {key: live, want: []string{"api_key"}},
		"plain http in live":      {key: live, live: true, edit: func(c *dojo.Config) { c.BaseURL = "http://api.dojo.tech" }, want: []string{"base_url"}},
		"plain page in live":      {key: live, live: true, edit: func(c *dojo.Config) { c.CheckoutURL = "http://pay.dojo.tech" }, want: []string{"checkout_url"}},
		"no URL":                  {key: sandbox, edit: func(c *dojo.Config) { c.BaseURL = "" }, want: []string{"base_url"}},
		"URL with a key":          {key: sandbox, edit: func(c *dojo.Config) { c.BaseURL = "https://a:b@api.dojo.tech" }, want: []string{"base_url"}},
		"URL with a query":        {key: sandbox, edit: func(c *dojo.Config) { c.CheckoutURL = "https://pay.dojo.tech?a=b" }, want: []string{"checkout_url"}},
		"broken URL":              {key: sandbox, edit: func(c *dojo.Config) { c.BaseURL = "http://[::1" }, want: []string{"base_url"}},
		"no version":              {key: sandbox, edit: func(c *dojo.Config) { c.Version = "" }, want: []string{"version"}},
		"version of another kind": {key: sandbox, edit: func(c *dojo.Config) { c.Version = "v3" }, want: []string{"version"}},
		"version too old":         {key: sandbox, edit: func(c *dojo.Config) { c.Version = "2022-04-07" }, want: []string{"version"}},
		"API key for webhooks":    {key: sandbox, edit: func(c *dojo.Config) { c.WebhookSecret = payments.NewSecret(sandbox) }, want: []string{"webhook_secret"}},
		"a previous secret only":  {key: sandbox, edit: func(c *dojo.Config) { c.WebhookSecretPrevious = payments.NewSecret("PDYkJQq6") }, want: []string{"webhook_secret"}},
		"too many terms":          {key: sandbox, edit: func(c *dojo.Config) { c.MandateTerms = strings.Repeat("é", 10241) }, want: []string{"mandate_terms"}},
		"no kind of mandate":      {key: sandbox, edit: func(c *dojo.Config) { c.MandateType = "" }, want: []string{"mandate_type"}},
		"all at once":             {edit: func(c *dojo.Config) { *c = dojo.Config{} }, want: []string{"api_key", "base_url", "checkout_url", "mandate_type", "version"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := dojo.Provider().NewConfig().(*dojo.Config)
			c.APIKey = payments.NewSecret(tt.key)
			if tt.edit != nil {
				tt.edit(c)
			}
			var got []string
			for _, f := range c.Check(tt.live) {
				got = append(got, f.Field)
			}
			slices.Sort(got)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("fields at fault (-want +got):\n%s", diff)
			}
		})
	}
}
