package router

import (
	"strings"
	"testing"
	"time"

	"switchyard/payments"
)

// TestCascadePays: a second try has to earn more, times its chance, than it costs.
func TestCascadePays(t *testing.T) {
	t.Parallel()
	// 100.00 PHP earn 10.00 before fees and 8.00 after them at Xendit; a refusal is turned at a chance of 15 %, which is worth 1.20.
	const policy = `
objective: {margin_bps: 1000}
fees:
  gway_conf_processout: [{rows: [{blended: {bps: 100}}]}]
  gway_conf_xendit: [{attempt: "%s PHP", rows: [{blended: {bps: 200}}]}]
retry: {reattempt_fee: ["%s PHP", "5 USD"]}
default: {smart: all}
`
	refused := Setback{Gateway: processout, Code: payments.CardDoNotHonor, Class: payments.ClassCascadeOnce}
	for name, test := range map[string]struct {
		attempt, again string
		after          Setback
		to             string
		want           bool
	}{
		"cheap":                        {"1.19", "0", refused, xendit, true},
		"too dear":                     {"1.20", "0", refused, xendit, false},
		"too dear with the scheme":     {"1.00", "0.20", refused, xendit, false},
		"an issuer that was not there": {"2.79", "0", Setback{processout, payments.CardIssuerDown, payments.ClassCascadeOnce}, xendit, true},
		"that is too dear":             {"2.80", "0", Setback{processout, payments.CardIssuerDown, payments.ClassCascadeOnce}, xendit, false},
		"nothing happened":             {"6.79", "0", Setback{processout, payments.GatewayNetworkError, payments.ClassCascade}, xendit, true},
		"that is too dear, too":        {"6.80", "0", Setback{processout, payments.GatewayNetworkError, payments.ClassCascade}, xendit, false},
		"no fees are known":            {"9.00", "0", refused, paymongo, true},
	} {
		text := strings.Replace(strings.Replace(policy, "%s", test.attempt, 1), "%s", test.again, 1)
		r, f := New(ruled(t, text), Settings{}), cardSale()
		pays, why := r.CascadePays(&payments.Decision{}, &f, test.after, test.to)
		if pays != test.want || (why == "") != pays {
			t.Errorf("%s: %v, %q", name, pays, why)
		}
		if !pays && !strings.HasPrefix(why, "another try would cost more than it is worth: at gway_conf_xendit a chance of ") {
			t.Errorf("%s: %s", name, why)
		}
		f.Operation = payments.OpVerify
		if pays, _ := r.CascadePays(&payments.Decision{}, &f, test.after, test.to); !pays {
			t.Errorf("%s: a verification earns nothing, and goes on", name)
		}
	}
	f := cardSale()
	if pays, _ := New(config(), Settings{}).CascadePays(&payments.Decision{}, &f, refused, xendit); !pays {
		t.Error("without a policy, a second try does not pay")
	}
}

// TestCascadesAreLearnt: what never works is given up, and what works is tried again.
func TestCascadesAreLearnt(t *testing.T) {
	t.Parallel()
	const policy = `
objective: {margin_bps: 1000}
fees: {gway_conf_xendit: [{attempt: "0.50 PHP", rows: [{blended: {bps: 200}}]}]}
default: {smart: all}
`
	refused := Setback{Gateway: processout, Code: payments.CardDoNotHonor, Class: payments.ClassCascadeOnce}
	r, f := New(ruled(t, policy), Settings{}), cardSale()
	for range 40 {
		r.ObserveCascade(refused, xendit, false)
	}
	if pays, _ := r.CascadePays(&payments.Decision{}, &f, refused, xendit); pays {
		t.Error("what has failed 40 times is tried again")
	}
	r.Throw(&Switches{Cost: Switch{Until: time.Now().Add(time.Hour)}, Learning: Switch{Until: time.Now().Add(time.Hour)}})
	if pays, _ := r.CascadePays(&payments.Decision{}, &f, refused, xendit); !pays {
		t.Error("costs are looked at while that is switched off")
	}
	before := r.Cascades().Chance(refused.Code, refused.Class, processout, xendit)
	if r.ObserveCascade(refused, xendit, true); r.Cascades().Chance(refused.Code, refused.Class, processout, xendit) != before {
		t.Error("something is learnt while that is switched off")
	}
	r.Throw(nil)
	for range 20 {
		r.ObserveCascade(refused, xendit, true)
	}
	if pays, why := r.CascadePays(&payments.Decision{}, &f, refused, xendit); !pays {
		t.Errorf("what works by now is not tried: %s", why)
	}
	if again := New(config(), Settings{Cascades: r.Cascades()}).Cascades(); again != r.Cascades() {
		t.Error("a router does not take up what another has learnt")
	}
}
