package router

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"switchyard/payments"
)

func budgeted(b Budget) *Config {
	return Compile(Config{Gateways: gateways(), Priority: []string{processout, xendit, paymongo}, MaxAttempts: 3, Budget: b})
}

func TestBudget(t *testing.T) {
	t.Parallel()
	usual := Budget{PerDay: 4, Per30Days: 10}
	never := &payments.Hold{Until: noon.Add(time.Hour), Code: payments.CardLost, Words: "a decline with card.lost forbids another try"}
	later := &payments.Hold{Until: noon.Add(time.Hour), Code: payments.CardNoMoney, Words: "the scheme asks to wait"}
	over := &payments.Hold{Until: noon, Code: payments.CardLost, Words: "over"}
	for name, test := range map[string]struct {
		budget     Budget
		history    *payments.History
		initiation payments.Initiation
		tried      int
		reason     string        // of the first that is left out
		held       payments.Code // empty: the decision is not held
	}{
		"no history":             {usual, nil, "", 3, "", ""},
		"room enough":            {usual, &payments.History{Day: 1, Month: 1}, "", 3, "", ""},
		"room for two":           {usual, &payments.History{Day: 2, Month: 2}, "", 2, "the card has been declined 2 times in 24 hours, and the limit of 4 leaves no more tries", ""},
		"none for today":         {usual, &payments.History{Day: 4, Month: 4}, "", 0, "the card has been declined 4 times in 24 hours, and the limit is 4", payments.CardMaximumAttempts},
		"more than ever allowed": {usual, &payments.History{Day: 40, Month: 99}, "", 0, "the card has been declined 40 times in 24 hours, and the limit is 4", payments.CardMaximumAttempts},
		"one for the month":      {usual, &payments.History{Month: 9}, "", 1, "the card has been declined 9 times in 30 days, and the limit of 10 leaves no more tries", ""},
		"none for the month":     {usual, &payments.History{Month: 10}, "", 0, "the card has been declined 10 times in 30 days, and the limit is 10", payments.CardMaximumAttempts},
		"nothing is counted":     {Budget{}, &payments.History{Day: 9, Month: 99, Never: never}, "", 3, "", ""},
		"a card that is held":    {usual, &payments.History{Day: 1, Month: 1, Never: never}, "", 0, "a decline with card.lost forbids another try: not before 2026-11-20T13:00:00Z", payments.CardLost},
		"a hold that is over":    {usual, &payments.History{Day: 1, Month: 1, Never: over, Later: over}, payments.MerchantInitiated, 2, "", ""},
		"to wait, the merchant":  {usual, &payments.History{Day: 1, Month: 1, Later: later}, payments.MerchantInitiated, 0, "the scheme asks to wait: not before 2026-11-20T13:00:00Z", payments.CardNoMoney},
		"to wait, the payer":     {usual, &payments.History{Day: 1, Month: 1, Later: later}, payments.CustomerInitiated, 3, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := cardSale()
			f.History, f.Initiation = test.history, test.initiation
			d := Decide(budgeted(test.budget), f, View{}, noon)
			if got := len(d.Order()); got != test.tried {
				t.Errorf("%d candidates are tried, want %d: %+v", got, test.tried, d)
			}
			if left := d.Candidates[test.tried:]; test.reason != "" && left[0].Reason != test.reason {
				t.Errorf("left out because %q", left[0].Reason)
			}
			if held := d.Held != nil; held != (test.held != "") || held && d.Held.Code != test.held {
				t.Errorf("held: %+v", d.Held)
			}
		})
	}
}

// TestBudgetOfNobody: a payment that nobody can take is not told that its card has been tried too often.
func TestBudgetOfNobody(t *testing.T) {
	t.Parallel()
	f := cardSale()
	f.HasCard, f.History = false, &payments.History{Day: 9, Month: 9}
	if d := Decide(budgeted(Budget{PerDay: 4, Per30Days: 10}), f, View{}, noon); d.Held != nil || len(d.Order()) > 0 {
		t.Errorf("%+v", d)
	}
}

// TestPolicyBudget: the policy's numbers hold once the configuration counts at all.
func TestPolicyBudget(t *testing.T) {
	t.Parallel()
	policy := "retry: {budget: {per_day: 2, per_30_days: 3}}\ndefault: {smart: all}\n"
	for _, test := range []struct{ configured, want Budget }{
		{Budget{}, Budget{}},
		{Budget{PerDay: 4, Per30Days: 10}, Budget{PerDay: 2, Per30Days: 3}},
	} {
		c := Compile(Config{Gateways: gateways(), Budget: test.configured, Policy: policyOf(t, policy, gateways())})
		if got := New(c, Settings{}).Budget(); got != test.want || c.plan.budget != got {
			t.Errorf("%+v, want %+v", got, test.want)
		}
	}
	if a, b := budgeted(Budget{}), budgeted(Budget{PerDay: 4, Per30Days: 10}); a.Version == b.Version {
		t.Error("the version does not tell budgets apart")
	}
}

// TestBudgetProperties: no decision tries more candidates than the budget leaves, and what it leaves is never cut further.
func TestBudgetProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := Budget{PerDay: rapid.IntRange(1, 10).Draw(t, "day"), Per30Days: rapid.IntRange(1, 15).Draw(t, "month")}
		h := payments.History{Day: rapid.IntRange(0, 12).Draw(t, "declined today")}
		h.Month = h.Day + rapid.IntRange(0, 12).Draw(t, "declined before")
		c, f, health := drawConfig(t), drawFacts(t), drawHealth(t)
		free := Decide(Compile(c), f, View{Health: health}, noon)
		c.Budget, f.History = b, &h
		d := Decide(Compile(c), f, View{Health: health}, noon)
		want := min(len(free.Order()), max(0, b.PerDay-h.Day), max(0, b.Per30Days-h.Month))
		if got := len(d.Order()); got != want || len(d.Candidates) != len(free.Candidates) {
			t.Fatalf("%d of %d are tried, want %d of %d", got, len(d.Candidates), want, len(free.Candidates))
		}
		for i, to := range d.Order() {
			if to.GatewayConfigurationID != free.Order()[i].GatewayConfigurationID {
				t.Fatal("the budget has changed the order")
			}
		}
		if held := want == 0 && len(free.Order()) > 0; held != (d.Held != nil) {
			t.Fatalf("held: %+v, want %v", d.Held, held)
		}
	})
}

func TestMayTryAgain(t *testing.T) {
	t.Parallel()
	r := New(budgeted(Budget{PerDay: 4, Per30Days: 10}), Settings{})
	for _, test := range []struct {
		history *payments.History
		want    bool
	}{
		{nil, true},
		{&payments.History{Day: 3, Month: 9}, true},
		{&payments.History{Day: 4, Month: 9}, false},
		{&payments.History{Day: 3, Month: 10}, false},
		{&payments.History{Day: 1, Month: 1, Never: &payments.Hold{Words: "why"}}, false},
	} {
		if ok, because := r.MayTryAgain(&payments.Decision{}, test.history); ok != test.want || !ok && because == "" {
			t.Errorf("%+v: %v, %q", test.history, ok, because)
		}
	}
	if ok, _ := New(budgeted(Budget{}), Settings{}).MayTryAgain(&payments.Decision{}, &payments.History{Day: 99, Month: 99}); !ok {
		t.Error("what is not counted is bounded")
	}
}
