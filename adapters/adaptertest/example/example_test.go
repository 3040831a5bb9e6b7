package example_test

import (
	"os"
	"slices"
	"testing"

	"switchyard/adapters/adaptertest"
	"switchyard/adapters/adaptertest/example"
	"switchyard/payments"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	adaptertest.Run(t, adaptertest.Suite{Provider: example.Provider(), Fixtures: os.DirFS("testdata")})
}

func TestConfigCheck(t *testing.T) {
	t.Parallel()
	const test, live = "acme_test_4fGh81kLmQ", "acme_live_4fGh81kLmQ"
	for name, tt := range map[string]struct {
		key, address string
		live         bool
		want         []string // fields at fault
	}{
		"sandbox":                 {key: test, address: "https://api.acmepay.example"},
		"live":                    {key: live, address: "https://api.acmepay.example", live: true},
		"plain http in a sandbox": {key: test, address: "http://127.0.0.1:8090"},
		"plain http in live":      {key: live, address: "http://api.acmepay.example", live: true, want: []string{"base_url"}},
		"test key in live":        {key: test, address: "https://api.acmepay.example", live: true, want: []string{"api_key"}},
		"live key in a sandbox":   {key: live, address: "https://api.acmepay.example", want: []string{"api_key"}},
		"all at once":             {want: []string{"api_key", "base_url"}},
	} {
		c := &example.Config{APIKey: payments.NewSecret(tt.key), BaseURL: tt.address}
		var got []string
		for _, f := range c.Check(tt.live) {
			got = append(got, f.Field)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: the fields at fault are %v, want %v", name, got, tt.want)
		}
	}
}
