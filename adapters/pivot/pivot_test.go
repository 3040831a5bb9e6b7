package pivot_test

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jarcoal/httpmock"

	"switchyard/adapters"
	"switchyard/adapters/adaptertest"
	"switchyard/adapters/pivot"
	"switchyard/payments"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	adaptertest.Run(t, adaptertest.Suite{Provider: pivot.Provider(), Fixtures: os.DirFS("testdata")})
}

const (
	sandbox = "https://api-stg.pivot-payment.com"
	secret  = "ms_Yd4Vb8NcRk2LmX9t"
)

func TestConfigCheck(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		edit func(*pivot.Config)
		live bool
		want []string // fields at fault
	}{
		"sandbox":                 {edit: func(c *pivot.Config) { c.BaseURL = sandbox }},
		"live":                    {live: true},
		"plain http in a sandbox": {edit: func(c *pivot.Config) { c.BaseURL = "http://127.0.0.1:8090" }},
		"guests":                  {live: true, edit: func(c *pivot.Config) { c.GuestEmail, c.ReturnURL = "guest@shop.test", "https://shop.test" }},
		"live address, sandbox":   {want: []string{"base_url"}},
		"sandbox address, live":   {live: true, edit: func(c *pivot.Config) { c.BaseURL = sandbox }, want: []string{"base_url"}},
		"plain http, live":        {live: true, edit: func(c *pivot.Config) { c.BaseURL = "http://api.pivot-payment.com" }, want: []string{"base_url"}},
		"no URL":                  {edit: func(c *pivot.Config) { c.BaseURL = "" }, want: []string{"base_url"}},
		"URL with a password":     {edit: func(c *pivot.Config) { c.BaseURL = "https://a:b@psp.test" }, want: []string{"base_url"}},
		"URL with a query":        {edit: func(c *pivot.Config) { c.BaseURL = sandbox + "?a=b" }, want: []string{"base_url"}},
		"other scheme":            {edit: func(c *pivot.Config) { c.BaseURL = "ftp://psp.test" }, want: []string{"base_url"}},
		"no id":                   {live: true, edit: func(c *pivot.Config) { c.MerchantID = "" }, want: []string{"merchant_id"}},
		"no secret":               {live: true, edit: func(c *pivot.Config) { c.MerchantSecret = payments.Secret{} }, want: []string{"merchant_secret"}},
		"other 3-D Secure":        {live: true, edit: func(c *pivot.Config) { c.ThreeDS = "automatic" }, want: []string{"three_ds"}},
		"other goods":             {live: true, edit: func(c *pivot.Config) { c.ProductType = "" }, want: []string{"product_type"}},
		"no address":              {live: true, edit: func(c *pivot.Config) { c.GuestEmail = "guest" }, want: []string{"guest_email"}},
		"no page":                 {live: true, edit: func(c *pivot.Config) { c.ReturnURL = "shop.test" }, want: []string{"return_url"}},
		"long page": {
			live: true, edit: func(c *pivot.Config) { c.ReturnURL = "https://shop.test/" + strings.Repeat("a", 255) }, want: []string{"return_url"},
		},
		"all at once": {
			edit: func(c *pivot.Config) { *c = pivot.Config{} },
			want: []string{"base_url", "merchant_id", "merchant_secret", "product_type", "three_ds"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newConfig(pivot.Provider().NewConfig().(*pivot.Config).BaseURL)
			if tt.edit != nil {
				tt.edit(c)
			}
			var got []string
			for _, f := range c.Check(tt.live) {
				got = append(got, f.Field)
				if f.Message == "" || strings.Contains(f.Message, secret) {
					t.Errorf("the message about %s is empty or shows the secret", f.Field)
				}
			}
			slices.Sort(got)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("fields at fault (-want +got):\n%s", diff)
			}
		})
	}
}

func newConfig(baseURL string) *pivot.Config {
	c := pivot.Provider().NewConfig().(*pivot.Config)
	c.BaseURL, c.MerchantID, c.MerchantSecret = baseURL, "MCH-1", payments.NewSecret(secret)
	return c
}

// TestAbilities holds what Pivot has no call for.
func TestAbilities(t *testing.T) {
	t.Parallel()
	a, err := newConfig(sandbox).Open(adapters.Deps{})
	if err != nil {
		t.Fatal(err)
	}
	_, voids := a.(adapters.Voider)
	_, increments := a.(adapters.Incrementer)
	_, verifies := a.(adapters.Verifier)
	_, tokenizes := a.(adapters.Tokenizer)
	_, forgets := a.(adapters.MethodDeleter)
	_, syncs := a.(adapters.CustomerSyncer)
	if voids || increments || verifies || tokenizes || forgets || syncs {
		t.Error("an ability that Pivot has no call for")
	}
}

func TestIncompleteRequestsAreNotSent(t *testing.T) {
	t.Parallel()
	transport := httpmock.NewMockTransport() // without responders: every call fails as one that may have arrived
	config := newConfig(sandbox)
	config.ReturnURL = ""
	a, err := config.Open(adapters.Deps{Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	ctx, amount := t.Context(), payments.Money{Minor: 123400, Currency: "IDR"}
	card := payments.Source{Card: &payments.CardData{Number: payments.NewSecret("4242424242424242")}}
	payer := payments.Payer{Email: "maria@shop.test"}
	unfit := errors.New("declined before it was sent")
	authorize := func(r payments.AuthorizeRequest) error {
		r.Reference = "r"
		if r.Amount.Minor == 0 {
			r.Amount = amount
		}
		o, err := a.Authorize(ctx, r)
		if err == nil && o.Status == payments.Declined && payments.CanTryNext(payments.Result{Outcome: o}, 9) {
			return unfit
		}
		return err
	}
	for name, run := range map[string]struct {
		do   func() error
		want payments.FaultKind // "": declined, and the next PSP may be tried
	}{
		"no source": {func() error { return authorize(payments.AuthorizeRequest{Payer: payer}) }, payments.Rejected},
		"other currency": {func() error {
			return authorize(payments.AuthorizeRequest{Source: card, Amount: payments.Money{Minor: 100, Currency: "PHP"}})
		}, payments.Rejected},
		"no address": {func() error {
			return authorize(payments.AuthorizeRequest{Source: card, ReturnURL: "https://shop.test"})
		}, ""},
		"no page": {func() error { return authorize(payments.AuthorizeRequest{Source: card, Payer: payer}) }, ""},
		"long page": {func() error {
			return authorize(payments.AuthorizeRequest{Source: card, Payer: payer, ReturnURL: "https://shop.test/" + strings.Repeat("a", 255)})
		}, ""},
		"no session to capture": {func() error {
			_, err := a.Capture(ctx, payments.CaptureRequest{Reference: "r", Amount: amount})
			return err
		}, payments.Rejected},
		"no session to refund": {func() error {
			_, err := a.Refund(ctx, payments.RefundRequest{Reference: "r", Amount: amount})
			return err
		}, payments.Rejected},
		"no customer": {func() error {
			_, err := a.(adapters.MethodLister).ListMethods(ctx, "")
			return err
		}, payments.Rejected},
	} {
		err := run.do()
		if f := payments.AsFault(err); run.want == "" && !errors.Is(err, unfit) || run.want != "" && (f == nil || f.Kind != run.want) {
			t.Errorf("%s: %v, want %q", name, err, run.want)
		}
	}
	if calls := transport.GetTotalCallCount(); calls > 0 {
		t.Errorf("%d calls were made", calls)
	}
}
