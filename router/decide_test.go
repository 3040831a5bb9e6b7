package router

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"switchyard/payments"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

const (
	processout = "gway_conf_processout"
	xendit     = "gway_conf_xendit"
	paymongo   = "gway_conf_paymongo"
)

// gateways are three PSPs that differ in everything that routing looks at.
func gateways() []Gateway {
	return []Gateway{
		{
			ID: processout, PSP: "processout", DisplayName: "ProcessOut", Enabled: true, Incremental: true,
			Capabilities: payments.Capabilities{MerchantInitiated: true, ManualCapture: true, ZeroVerify: true},
		},
		{
			ID: xendit, PSP: "xendit", DisplayName: "Xendit", Enabled: true,
			Capabilities: payments.Capabilities{
				Currencies: []payments.Currency{"IDR", "PHP", "USD"}, MerchantInitiated: true, ManualCapture: true,
				AmountStep: map[payments.Currency]int64{"IDR": 100, "USD": 5},
				MaxAmount:  map[payments.Currency]int64{"IDR": 200_000_000_00},
			},
		},
		{
			ID: paymongo, PSP: "paymongo", DisplayName: "PayMongo", Enabled: true,
			Capabilities: payments.Capabilities{
				Currencies: []payments.Currency{"PHP"}, NeedsCVC: true, NeedsCVCSaved: true,
				Schemes:   []payments.Scheme{payments.SchemeVisa, payments.SchemeMastercard},
				MinAmount: map[payments.Currency]int64{"PHP": 20_00},
			},
		},
	}
}

// releaseHolds makes every gateway one that can hold money for a moment and give it back.
func releaseHolds(c *Config) {
	for i := range c.Gateways {
		caps := &c.Gateways[i].Capabilities
		caps.ManualCapture, caps.Recovery = true, map[payments.Operation]payments.Recovery{payments.OpVoid: {Ask: payments.AskByTotals}}
	}
}

func config() *Config {
	return Compile(Config{Gateways: gateways(), Priority: []string{processout, xendit, paymongo}, MaxAttempts: 3})
}

// cardSale is a payment that all three can take.
func cardSale() payments.Facts {
	return payments.Facts{
		ProjectID: "test-proj_dev", InvoiceID: "iv_1", Operation: payments.OpSale,
		Amount: payments.Money{Minor: 100_00, Currency: "PHP"}, Scheme: payments.SchemeVisa, HasCard: true, HasCVC: true,
	}
}

func candidate(t *testing.T, d payments.Decision, id string) payments.Candidate {
	t.Helper()
	for _, c := range d.Candidates {
		if c.GatewayConfigurationID == id {
			return c
		}
	}
	t.Fatalf("%s is not in the decision %+v", id, d)
	return payments.Candidate{}
}

func TestDecideOrder(t *testing.T) {
	t.Parallel()
	got := Decide(config(), cardSale(), View{}, noon)
	want := payments.Decision{
		ConfigVersion: config().Version, Rule: "default priority", DecidedAt: noon,
		Candidates: []payments.Candidate{
			{GatewayConfigurationID: processout, PSP: "processout", Verdict: payments.Chosen, Reason: "first in the priority list"},
			{GatewayConfigurationID: xendit, PSP: "xendit", Verdict: payments.Fallback, Reason: "second in the priority list; tried if those before it certainly did not charge"},
			{GatewayConfigurationID: paymongo, PSP: "paymongo", Verdict: payments.Fallback, Reason: "third in the priority list; tried if those before it certainly did not charge"},
		},
	}
	facts := cardSale()
	want.Facts = &facts
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestDecideExclusions(t *testing.T) {
	t.Parallel()
	saved := func(status payments.MappingStatus, method, reason string) map[string]payments.Mapping {
		return map[string]payments.Mapping{paymongo: {Status: status, MethodRef: method, Reason: reason}, xendit: {Status: status, MethodRef: method, Reason: reason}}
	}
	for name, test := range map[string]struct {
		change func(*payments.Facts)
		config func(*Config)
		health Health
		id     string
		want   string
	}{
		"switched off": {
			config: func(c *Config) { c.Gateways[1].Enabled = false },
			id:     xendit, want: "Xendit is switched off",
		},
		"bound to another": {
			change: func(f *payments.Facts) { f.BoundTo = paymongo },
			id:     xendit, want: "bound to another gateway configuration: the payment method exists only at PayMongo (gway_conf_paymongo)",
		},
		"bound to one that is gone": {
			change: func(f *payments.Facts) { f.BoundTo = "gway_conf_gone" },
			id:     xendit, want: "bound to another gateway configuration",
		},
		"currency": {
			change: func(f *payments.Facts) { f.Amount.Currency = "USD" },
			id:     paymongo, want: "PayMongo takes PHP only; this payment is in USD",
		},
		"currency of several": {
			change: func(f *payments.Facts) { f.Amount.Currency = "JPY" },
			id:     xendit, want: "Xendit takes IDR, PHP and USD only; this payment is in JPY",
		},
		"no currency at all": {
			config: func(c *Config) { c.Gateways[1].Capabilities.Currencies = []payments.Currency{} },
			id:     xendit, want: "Xendit takes nothing only; this payment is in PHP",
		},
		"fraction": {
			change: func(f *payments.Facts) { f.Amount = payments.Money{Minor: 100_50, Currency: "IDR"} },
			id:     xendit, want: "Xendit takes whole IDR only; 100.50 IDR has a fraction",
		},
		"step": {
			change: func(f *payments.Facts) { f.Amount = payments.Money{Minor: 7, Currency: "USD"} },
			id:     xendit, want: "Xendit takes only multiples of 0.05 USD; this payment is 0.07 USD",
		},
		"too little": {
			change: func(f *payments.Facts) { f.Amount.Minor = 19_99 },
			id:     paymongo, want: "PayMongo takes at least 20.00 PHP; this payment is 19.99 PHP",
		},
		"too much": {
			change: func(f *payments.Facts) { f.Amount = payments.Money{Minor: 200_000_001_00, Currency: "IDR"} },
			id:     xendit, want: "Xendit takes at most 200000000.00 IDR; this payment is 200000001.00 IDR",
		},
		"scheme": {
			change: func(f *payments.Facts) { f.Scheme = payments.SchemeAmex },
			id:     paymongo, want: "PayMongo takes visa and mastercard only; this card is american express",
		},
		"card without CVC": {
			change: func(f *payments.Facts) { f.HasCVC = false },
			id:     paymongo, want: "PayMongo charges a card only with its CVC, and none is held",
		},
		"saved card without CVC": {
			change: func(f *payments.Facts) { f.HasCVC, f.Mappings = false, map[string]payments.Mapping{} },
			id:     paymongo, want: "PayMongo charges a card only with its CVC, and none is held for this saved card",
		},
		"method saved there without CVC": {
			change: func(f *payments.Facts) { f.HasCVC, f.Mappings = false, saved(payments.MappingUsable, "pm_1", "") },
			id:     paymongo, want: "PayMongo charges a saved card only with its CVC, and none is held",
		},
		"merchant-initiated": {
			change: func(f *payments.Facts) { f.Initiation = payments.MerchantInitiated },
			id:     paymongo, want: "PayMongo does not take merchant-initiated payments",
		},
		"verification by a hold that nobody can release": {
			change: func(f *payments.Facts) { f.Operation, f.Amount = payments.OpVerify, payments.Money{Currency: "PHP"} },
			id:     xendit, want: "Xendit cannot verify a card: it neither checks one without money nor releases a hold",
		},
		"hold": {
			change: func(f *payments.Facts) { f.Operation = payments.OpAuthorize },
			id:     paymongo, want: "PayMongo cannot hold money for a later capture",
		},
		"incremental": {
			change: func(f *payments.Facts) { f.Operation, f.Incremental = payments.OpAuthorize, true },
			id:     xendit, want: "Xendit cannot raise a hold later",
		},
		"neither card nor method": {
			change: func(f *payments.Facts) { f.HasCard, f.HasCVC = false, false },
			id:     xendit, want: "Xendit has not saved this token, and its card is not in the vault",
		},
		"mapping failed": {
			change: func(f *payments.Facts) {
				f.HasCard, f.Mappings = false, saved(payments.MappingFailed, "", "the card was refused")
			},
			id: xendit, want: "mapping failed: the card was refused",
		},
		"mapping pending": {
			change: func(f *payments.Facts) { f.HasCard, f.Mappings = false, saved(payments.MappingPending, "", "") },
			id:     xendit, want: "Xendit is still saving this token, and its card is not in the vault",
		},
		"mapping unusable": {
			change: func(f *payments.Facts) { f.Mappings = saved(payments.MappingUnusable, "pm_1", "closed by the payer") },
			id:     xendit, want: "this token cannot be used at Xendit: closed by the payer",
		},
		"health": {
			health: Health{xendit: {Reason: "its breaker is open since 10:01:22 UTC after 5 failures in a row; next probe at 10:01:52 UTC"}},
			id:     xendit, want: "its breaker is open since 10:01:22 UTC after 5 failures in a row; next probe at 10:01:52 UTC",
		},
		"health without a reason": {
			health: Health{xendit: {}},
			id:     xendit, want: "Xendit is not available",
		},
		"too many candidates": {
			config: func(c *Config) { c.MaxAttempts = 2 },
			id:     paymongo, want: "the payment may try at most 2 candidates",
		},
		"one candidate": {
			config: func(c *Config) { c.MaxAttempts = 0 },
			id:     paymongo, want: "the payment may try only one candidate",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			facts, c := cardSale(), Config{Gateways: gateways(), Priority: []string{processout, xendit, paymongo}, MaxAttempts: 3}
			if test.change != nil {
				test.change(&facts)
			}
			if test.config != nil {
				test.config(&c)
			}
			got := candidate(t, Decide(Compile(c), facts, View{Health: test.health}, noon), test.id)
			if got.Verdict != payments.Excluded || got.Reason != test.want {
				t.Errorf("%s: %s\nwant %s", got.Verdict, got.Reason, test.want)
			}
			if uncompiled := candidate(t, Decide(&c, facts, View{Health: test.health}, noon), test.id); uncompiled != got {
				t.Errorf("without Compile: %+v\nwith: %+v", uncompiled, got)
			}
		})
	}
}

func TestDecideTakes(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*payments.Facts)
		config func(*Config)
		health Health
		want   string // ids and reasons of those to be tried
	}{
		"the first cannot": {
			config: func(c *Config) { c.Gateways[0].Enabled = false },
			want: "xendit: second in the priority list, and the first that can take this payment\n" +
				"paymongo: third in the priority list; tried if those before it certainly did not charge",
		},
		"not in the priority list": {
			config: func(c *Config) { c.Priority = []string{paymongo} },
			want: "paymongo: first in the priority list\n" +
				"processout: not in the priority list, and so second; tried if those before it certainly did not charge\n" +
				"xendit: not in the priority list, and so third; tried if those before it certainly did not charge",
		},
		"a method saved there": {
			change: func(f *payments.Facts) {
				f.HasCard, f.HasCVC = false, false
				f.Mappings = map[string]payments.Mapping{xendit: {Status: payments.MappingUsable, MethodRef: "pt-1", FirstSuccessAt: noon}}
			},
			want: "xendit: second in the priority list, and the first that can take this payment; has this token saved since 2026-11-20",
		},
		"a card that has paid there, with a mapping that failed elsewhere": {
			change: func(f *payments.Facts) {
				f.HasCVC = false
				f.Mappings = map[string]payments.Mapping{
					processout: {Status: payments.MappingUsable, FirstSuccessAt: noon},
					xendit:     {Status: payments.MappingFailed, Reason: "no"},
				}
			},
			want: "processout: first in the priority list; has charged this token since 2026-11-20\n" +
				"xendit: second in the priority list; tried if those before it certainly did not charge",
		},
		"an unknown scheme is for the PSP to judge": {
			change: func(f *payments.Facts) { f.Scheme = payments.SchemeUnknown },
			config: func(c *Config) { c.Gateways = c.Gateways[2:] },
			want:   "paymongo: first in the priority list",
		},
		"verification: first those that hold no money": {
			change: func(f *payments.Facts) {
				f.Operation, f.Amount = payments.OpVerify, payments.Money{Currency: "PHP"}
			},
			config: func(c *Config) {
				c.Priority = []string{paymongo, xendit, processout}
				releaseHolds(c)
			},
			want: "processout: verifies a card without holding money; third in the priority list\n" +
				"paymongo: first in the priority list; tried if those before it certainly did not charge\n" +
				"xendit: second in the priority list; tried if those before it certainly did not charge",
		},
		"verification without a currency": {
			change: func(f *payments.Facts) { f.Operation, f.Amount = payments.OpVerify, payments.Money{} },
			config: func(c *Config) {
				c.Gateways = c.Gateways[2:]
				releaseHolds(c)
			},
			want: "paymongo: first in the priority list",
		},
		"last resort": {
			health: Health{
				processout: {Available: true, LastResort: true, Reason: "the PSP refused its credentials or settings at 11:59:59 UTC; tried again at 12:00:59 UTC"},
				xendit:     {Available: true, Reason: "its breaker is half-open since 11:59:58 UTC; a charge now is a probe"},
			},
			want: "xendit: second in the priority list, and the first that can take this payment; its breaker is half-open since 11:59:58 UTC; a charge now is a probe\n" +
				"paymongo: third in the priority list; tried if those before it certainly did not charge\n" +
				"processout: first in the priority list, but tried last; the PSP refused its credentials or settings at 11:59:59 UTC; tried again at 12:00:59 UTC",
		},
		"nobody": {
			change: func(f *payments.Facts) { f.HasCard = false },
			want:   "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			facts, c := cardSale(), Config{Gateways: gateways(), Priority: []string{processout, xendit, paymongo}, MaxAttempts: 3}
			if test.change != nil {
				test.change(&facts)
			}
			if test.config != nil {
				test.config(&c)
			}
			decision := Decide(Compile(c), facts, View{Health: test.health}, noon)
			var lines []string
			for i, tried := range decision.Order() {
				if (tried.Verdict == payments.Chosen) != (i == 0) {
					t.Errorf("candidate %d is %s", i, tried.Verdict)
				}
				lines = append(lines, tried.PSP+": "+tried.Reason)
			}
			if diff := cmp.Diff(test.want, strings.Join(lines, "\n")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What belongs to another project is never named, and does not count in the positions.
func TestDecideProjects(t *testing.T) {
	t.Parallel()
	list := gateways()
	list[0].ProjectID, list[1].ProjectID = "proj_other", "test-proj_dev"
	c := Compile(Config{Gateways: append(list, list[1]), Priority: []string{processout, xendit, paymongo}, MaxAttempts: 3})

	for project, want := range map[string]string{
		"test-proj_dev": "xendit, paymongo",
		"proj_other":    "processout, paymongo",
		"proj_third":    "paymongo",
	} {
		facts := cardSale()
		facts.ProjectID = project
		decision := Decide(c, facts, View{}, noon)
		var names []string
		for _, candidate := range decision.Candidates {
			names = append(names, candidate.PSP)
		}
		if got := strings.Join(names, ", "); got != want {
			t.Errorf("%s: %s, want %s", project, got, want)
		}
		if first := decision.Candidates[0]; first.Reason != "first in the priority list" {
			t.Errorf("%s: %s: %s", project, first.PSP, first.Reason)
		}
	}
}

func TestCompileVersion(t *testing.T) {
	t.Parallel()
	base := Config{Gateways: gateways(), Priority: []string{xendit}, MaxAttempts: 3}
	version := Compile(base).Version
	if len(version) != versionLength || version != Compile(base).Version {
		t.Errorf("version %q is not a stable hash", version)
	}
	other := base
	other.MaxAttempts = 2
	if Compile(other).Version == version {
		t.Error("another content has the same version")
	}
	base.Version = "v7"
	if got := Compile(base).Version; got != "v7" {
		t.Errorf("a given version became %q", got)
	}
}

func BenchmarkDecide(b *testing.B) {
	list := gateways()
	list = append(list, list[1], list[2])
	list[3].ID, list[4].ID = "gway_conf_pivot", "gway_conf_dojo"
	c := Compile(Config{Gateways: list, Priority: []string{processout, xendit, paymongo}, MaxAttempts: 3})
	facts := cardSale()
	facts.HasCVC = false
	facts.Mappings = map[string]payments.Mapping{xendit: {Status: payments.MappingUsable, MethodRef: "pt-1", FirstSuccessAt: noon}}
	b.ReportAllocs()
	for b.Loop() {
		Decide(c, facts, View{}, noon)
	}
}
