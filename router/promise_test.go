package router

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"switchyard/payments"
	"switchyard/router/learn"
)

const promiseFees = `
exploration: {cap_bps: 0, floor_bps: 0}
fees:
  gway_conf_processout: [{rows: [{blended: {bps: 150}}]}]
  gway_conf_xendit: [{rows: [{blended: {bps: 100}}]}]
  gway_conf_paymongo: [{rows: [{blended: {bps: 200}}]}]
default: {smart: all}
`

// TestPromisedVolumes: the price of a volume that is behind counts where expected value counts, and decides nothing else.
func TestPromisedVolumes(t *testing.T) {
	t.Parallel()
	alike := learn.New(learn.Settings{})
	worse := knowing(map[string]int{processout: 195, xendit: 195, paymongo: 130}, 200)
	off := Switch{Until: noon.Add(time.Hour)}
	priced := Prices{{paymongo, "PHP"}: 0.012}
	for _, test := range []struct {
		name, policy string
		view         View
		order        string
		promised     int64
	}{
		{"nothing was promised", promiseFees, View{Beliefs: alike}, "xendit processout paymongo", 0},
		{"behind", promiseFees, View{Beliefs: alike, Prices: priced}, "paymongo xendit processout", 1_20},
		{"not worth the fee", promiseFees, View{Beliefs: alike, Prices: Prices{{paymongo, "PHP"}: 0.004}}, "xendit processout paymongo", 40},
		{"another currency does not count", promiseFees, View{Beliefs: alike, Prices: Prices{{paymongo, "USD"}: 0.012}}, "xendit processout paymongo", 0},
		{"approval is not sold", promiseFees, View{Beliefs: worse, Prices: Prices{{paymongo, "PHP"}: 1}}, "xendit", 100_00},
		{
			"the cost step is off", promiseFees,
			View{Beliefs: alike, Prices: priced, Switches: &Switches{Cost: off}},
			"processout xendit paymongo", 0,
		},
		{
			"a fee is missing", strings.Replace(promiseFees, "  gway_conf_processout", "#", 1),
			View{Beliefs: alike, Prices: priced},
			"processout xendit paymongo", 0,
		},
		{"other routes", "default: {priority: [gway_conf_xendit, gway_conf_paymongo]}", View{Beliefs: alike, Prices: priced}, "xendit paymongo", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := cardSale()
			f.Amount = payments.Money{Minor: 100_00, Currency: "PHP"}
			d := Decide(ruled(t, test.policy), f, test.view, noon)
			if got := orderOf(d); !strings.HasPrefix(got, test.order) {
				t.Errorf("order %q, want %q", got, test.order)
			}
			for i := range d.Candidates {
				c := &d.Candidates[i]
				promised := int64(0)
				if c.GatewayConfigurationID == paymongo {
					promised = test.promised
				}
				if c.Estimate != nil && c.Estimate.PromiseMinor != promised {
					t.Errorf("%s: worth %d, want %d", c.GatewayConfigurationID, c.Estimate.PromiseMinor, promised)
				}
				if says := strings.Contains(d.Sentence(c), "a promised volume is behind: worth "); says != (promised != 0) {
					t.Errorf("%s: %s", c.GatewayConfigurationID, d.Sentence(c))
				}
			}
		})
	}
}

func TestPromiseSentence(t *testing.T) {
	t.Parallel()
	f := cardSale()
	f.Amount = payments.Money{Minor: 100_00, Currency: "PHP"}
	r := New(ruled(t, promiseFees), Settings{Now: func() time.Time { return noon }})
	r.SetPrices(Prices{{paymongo, "PHP"}: 0.012})
	d := r.Decide(f)
	if got, want := d.Sentence(&d.Candidates[0]), ", fee 2.00 PHP, a promised volume is behind: worth 1.20 PHP here; tried first"; !strings.Contains(got, want) {
		t.Errorf("%s", got)
	}
	if simulated := r.Simulate(nil, f); orderOf(simulated) != orderOf(d) {
		t.Errorf("simulated: %s, decided: %s", orderOf(simulated), orderOf(d))
	}
	r.SetPrices(nil)
	if d := r.Decide(f); orderOf(d) != "xendit processout paymongo" {
		t.Errorf("the prices are still in force: %s", orderOf(d))
	}
}

// TestPromisesNeverSellApproval: whatever the prices, who is taken for certain is no further below the best than the policy allows.
func TestPromisesNeverSellApproval(t *testing.T) {
	t.Parallel()
	c := ruled(t, "objective: {max_auth_loss_bps: 50}\n"+promiseFees)
	rapid.Check(t, func(t *rapid.T) {
		approved := rapid.IntRange(150, 200)
		view := View{Prices: Prices{}, Beliefs: knowing(map[string]int{
			processout: approved.Draw(t, "processout"), xendit: approved.Draw(t, "xendit"), paymongo: approved.Draw(t, "paymongo"),
		}, 200)}
		for _, id := range []string{processout, xendit, paymongo} {
			view.Prices[Priced{id, "PHP"}] = rapid.Float64Range(0, 1).Draw(t, "price")
		}
		f := cardSale()
		f.Amount = payments.Money{Minor: rapid.Int64Range(1, 1_000_000_00).Draw(t, "amount"), Currency: "PHP"}
		d := Decide(c, f, view, noon)
		success := func(e *payments.Estimate) float64 { return e.Approval * e.Availability }
		order := d.Order()
		best := 0.0
		for i := range order {
			best = max(best, success(order[i].Estimate))
		}
		if len(order) > 0 && best-success(order[0].Estimate) > 0.005+1e-12 {
			t.Fatalf("%v of approval was sold: %+v", best-success(order[0].Estimate), order)
		}
	})
}

// TestPromiseAllocations: prices cost a decision no memory.
func TestPromiseAllocations(t *testing.T) {
	c, f := smartConfig(t, 10, 5), benchFacts()
	view := View{Beliefs: taught(c), Prices: Prices{{c.Gateways[0].ID, f.Amount.Currency}: 0.001}}
	if n := testing.AllocsPerRun(100, func() { Decide(c, f, view, noon) }); n > 5 {
		t.Errorf("%v allocations", n)
	}
}

// TestWhatDoesNotCount: a price is for payments in its currency, and for those that take money.
func TestWhatDoesNotCount(t *testing.T) {
	t.Parallel()
	view := View{Beliefs: learn.New(learn.Settings{}), Prices: Prices{{processout, "PHP"}: 0.012, {xendit, "PHP"}: 0.012}}
	for _, test := range []struct {
		name      string
		operation payments.Operation
		currency  payments.Currency
		promised  int64
	}{
		{"a sale", payments.OpSale, "PHP", 1_20},
		{"a hold", payments.OpAuthorize, "PHP", 1_20},
		{"another currency", payments.OpSale, "USD", 0},
		{"a verification", payments.OpVerify, "PHP", 0},
	} {
		f := cardSale()
		f.Operation, f.Amount = test.operation, payments.Money{Minor: 100_00, Currency: test.currency}
		d := Decide(ruled(t, promiseFees), f, view, noon)
		if e := candidate(t, d, processout).Estimate; e == nil || e.PromiseMinor != test.promised {
			t.Errorf("%s: %+v, want %d", test.name, e, test.promised)
		}
	}
}
