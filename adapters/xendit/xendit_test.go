package xendit_test

import (
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"switchyard/adapters/adaptertest"
	"switchyard/adapters/xendit"
	"switchyard/payments"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	adaptertest.Run(t, adaptertest.Suite{Provider: xendit.Provider(), Fixtures: os.DirFS("testdata")})
}

func TestConfigCheck(t *testing.T) {
	t.Parallel()
	const test, live = "xnd_development_P4qS9kd0o8", "xnd_production_P4qS9kd0o8"
	for name, tt := range map[string]struct {
		key  string
		edit func(*xendit.Config)
		live bool
		want []string // fields at fault
	}{
		"sandbox":                 {key: test},
		"live":                    {key: live, live: true},
		"Philippines":             {key: test, edit: func(c *xendit.Config) { c.Country = "PH" }},
		"plain http in a sandbox": {key: test, edit: func(c *xendit.Config) { c.BaseURL = "http://127.0.0.1:8090" }},
		"no key":                  {want: []string{"api_key"}},
		"public key":              {key: "xnd_public_development_x", want: []string{"api_key"}},
		"some key":                {key: "sk_test_x", want: []string{"api_key"}},
		"test key in live":        {key: test, live: true, want: []string{"api_key"}},
		"live key in a sandbox":   {key: live, want: []string{"api_key"}},
		"plain http in live":      {key: live, live: true, edit: func(c *xendit.Config) { c.BaseURL = "http://api.xendit.co" }, want: []string{"base_url"}},
		"no URL":                  {key: test, edit: func(c *xendit.Config) { c.BaseURL = "" }, want: []string{"base_url"}},
		"URL with a key":          {key: test, edit: func(c *xendit.Config) { c.BaseURL = "https://a:b@api.xendit.co" }, want: []string{"base_url"}},
		"URL with a query":        {key: test, edit: func(c *xendit.Config) { c.BaseURL = "https://api.xendit.co?a=b" }, want: []string{"base_url"}},
		"other scheme":            {key: test, edit: func(c *xendit.Config) { c.BaseURL = "ftp://api.xendit.co" }, want: []string{"base_url"}},
		"broken URL":              {key: test, edit: func(c *xendit.Config) { c.BaseURL = "http://[::1" }, want: []string{"base_url"}},
		"no country":              {key: test, edit: func(c *xendit.Config) { c.Country = "" }, want: []string{"country"}},
		"other country":           {key: test, edit: func(c *xendit.Config) { c.Country = "DE" }, want: []string{"country"}},
		"callback token":          {key: test, edit: func(c *xendit.Config) { c.CallbackToken = payments.NewSecret("P4qS9kd0o8") }},
		"API key as the token":    {key: test, edit: func(c *xendit.Config) { c.CallbackToken = payments.NewSecret(test) }, want: []string{"callback_token"}},
		"all at once":             {edit: func(c *xendit.Config) { *c = xendit.Config{} }, want: []string{"api_key", "base_url", "country"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := xendit.Provider().NewConfig().(*xendit.Config)
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
