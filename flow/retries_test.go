package flow_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"switchyard/flow"
	"switchyard/payments"
	"switchyard/router"
)

const (
	visaCard       = "4242424242424242"
	mastercardCard = "5555555555554444"
)

var usualBudget = router.Budget{PerDay: 4, Per30Days: 10}

func refusedWith(code payments.Code) script {
	return script{outcome: payments.Outcome{Status: payments.Declined, Code: code}}
}

// try charges a card, which may be refused before anything is sent.
func (w *world) try(source string, change func(*payments.Invoice)) (payments.Snapshot, error) {
	w.t.Helper()
	return w.engine.Capture(w.t.Context(), flow.ChargeRequest{ProjectID: project, InvoiceID: w.invoiceOf("", change), Source: source})
}

// calls counts the charges that PSPs were asked for.
func (w *world) calls() int {
	return w.first.count(payments.OpAuthorize) + w.second.count(payments.OpAuthorize)
}

func (w *world) tries(number string) []payments.CardTry {
	w.t.Helper()
	data, err := payments.NewCardData(number, 12, 2049, "", "", time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	if err != nil {
		w.t.Fatal(err)
	}
	list, err := w.store.CardTries(context.Background(), project, w.vault.Fingerprint(data), time.Time{})
	if err != nil {
		w.t.Fatal(err)
	}
	return list
}

// TestBudgetOverPayments: a card is declined four times a day and no more, at whichever PSPs, as a fresh card or a saved one; then it
// is another day's.
func TestBudgetOverPayments(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, worldOptions{budget: usualBudget})
		defer w.close()
		token := w.token()
		decline := refusedWith(payments.CardDoNotHonor)
		w.first.script(payments.OpAuthorize, decline, decline, decline, decline, decline)
		w.second.script(payments.OpAuthorize, decline, decline, decline, decline, decline)
		for _, source := range []string{w.card(), token} { // two tries each
			if s, err := w.try(source, nil); err != nil || s.Code != string(payments.CardDoNotHonor) {
				t.Fatalf("%v, %+v", err, s)
			}
		}
		if w.calls() != 4 || len(w.tries(visaCard)) != 4 {
			t.Fatalf("%d calls, %d counted", w.calls(), len(w.tries(visaCard)))
		}
		for _, source := range []string{w.card(), token} {
			_, err := w.try(source, nil)
			if payments.ErrorCode(err) != string(payments.CardMaximumAttempts) || !strings.Contains(err.Error(), "another card") {
				t.Errorf("the merchant is told %v", err)
			}
		}
		if w.calls() != 4 {
			t.Errorf("%d calls", w.calls())
		}
		if s, err := w.try(w.cardOf(mastercardCard), nil); err != nil || s.Code != string(payments.CardDoNotHonor) {
			t.Errorf("another card: %v, %+v", err, s)
		}
		time.Sleep(24 * time.Hour)
		if s, err := w.try(token, nil); err != nil || s.Code != string(payments.CardDoNotHonor) || w.calls() != 8 {
			t.Errorf("the next day: %v, %+v, %d calls", err, s, w.calls())
		}
	})
}

// TestBudgetCutsACascade: with one try left, the decision says so and nobody else is tried.
func TestBudgetCutsACascade(t *testing.T) {
	w := newWorld(t, worldOptions{budget: router.Budget{PerDay: 3, Per30Days: 10}})
	defer w.close()
	decline := refusedWith(payments.CardDoNotHonor)
	w.first.script(payments.OpAuthorize, decline, decline)
	w.second.script(payments.OpAuthorize, decline)
	if _, err := w.try(w.card(), nil); err != nil {
		t.Fatal(err)
	}
	s, err := w.try(w.card(), nil)
	if err != nil || s.Code != string(payments.CardDoNotHonor) || w.calls() != 3 {
		t.Fatalf("%v, %+v, %d calls", err, s, w.calls())
	}
	p := w.payment(s.Invoice.ID)
	d := p.Attempts[0].Decision
	if len(p.Attempts) != 1 || d.Candidates[1].Verdict != payments.Excluded || d.Facts != nil && d.Facts.History.Day != 2 ||
		d.Candidates[1].Reason != "the card has been declined 2 times in 24 hours, and the limit of 3 leaves no more tries" {
		t.Errorf("%+v", d)
	}
}

// TestOnlyDeclinesAreCounted: approvals, and what no issuer has heard of, use nothing up; and nothing is written when nothing is
// counted.
func TestOnlyDeclinesAreCounted(t *testing.T) {
	for name, budget := range map[string]router.Budget{"counted": {PerDay: 1, Per30Days: 1}, "not counted": {}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, worldOptions{budget: budget})
			defer w.close()
			for range 3 {
				w.first.script(payments.OpAuthorize, script{err: payments.Faultf(payments.NeverSent, "refused")})
				if s, err := w.try(w.card(), nil); err != nil || s.Transaction.Status != payments.StatusCompleted {
					t.Fatalf("%v, %+v", err, s)
				}
			}
			if got := w.tries(visaCard); len(got) != 0 {
				t.Errorf("%+v were counted", got)
			}
			if budget.Counts() {
				return
			}
			for range 3 {
				w.first.script(payments.OpAuthorize, refusedWith(payments.CardStolen))
				if s, err := w.try(w.card(), nil); err != nil || s.Code != string(payments.CardStolen) {
					t.Fatalf("%v, %+v", err, s)
				}
			}
			if got := w.tries(visaCard); len(got) != 0 {
				t.Errorf("%+v were counted", got)
			}
		})
	}
}

// TestNeverAgain: what a scheme forbids ends the payment, whatever the PSP makes of it, and holds the card back for 30 days.
func TestNeverAgain(t *testing.T) {
	for name, tc := range map[string]struct {
		number, network, advice string
		code, told              payments.Code // of the PSP, and for the merchant
	}{
		"Visa's category":                  {visaCard, "04", "", payments.CardDoNotHonor, payments.CardDontRetry},
		"Mastercard's advice":              {mastercardCard, "05", "03", payments.CardPleaseRetry, payments.CardDontRetry},
		"a code that says what to correct": {visaCard, "12", "", payments.CardInvalidTransaction, payments.CardInvalidTransaction},
		"a class F of the PSP":             {visaCard, "", "", payments.CardStolen, payments.CardStolen},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, worldOptions{budget: usualBudget})
				defer w.close()
				w.first.script(payments.OpAuthorize, script{outcome: payments.Outcome{Status: payments.Declined, Code: tc.code, NetworkCode: tc.network, AdviceCode: tc.advice}})
				s, err := w.try(w.cardOf(tc.number), nil)
				if err != nil || s.Code != string(tc.told) || w.calls() != 1 {
					t.Fatalf("%v, %+v, %d calls", err, s, w.calls())
				}
				a := w.payment(s.Invoice.ID).Attempts[0]
				if a.NetworkCode != tc.network || a.AdviceCode != tc.advice || a.Code != tc.told {
					t.Errorf("%+v", a)
				}
				_, err = w.try(w.cardOf(tc.number), nil)
				if payments.ErrorCode(err) != string(tc.told) || w.calls() != 1 {
					t.Errorf("another payment: %v, %d calls", err, w.calls())
				}
				if err != nil && (strings.Contains(err.Error(), "stolen.") || strings.Contains(err.Error(), "visa")) {
					t.Errorf("the payer is told: %v", err)
				}
				if tc.told != payments.CardStolen {
					return
				}
				time.Sleep(payments.NeverFor)
				if s, err := w.try(w.cardOf(tc.number), nil); err != nil || s.Transaction.Status != payments.StatusCompleted {
					t.Errorf("after 30 days: %v, %+v", err, s)
				}
			})
		})
	}
}

// TestNeverAgainWithoutCounting: what a scheme forbids ends the payment also where no card is counted; and a decline that is found out
// later is under the same rules.
func TestNeverAgainWithoutCounting(t *testing.T) {
	forbidden := payments.Outcome{Status: payments.Declined, Code: payments.CardPleaseRetry, NetworkCode: "05", AdviceCode: "03"}
	t.Run("at once", func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		defer w.close()
		w.first.script(payments.OpAuthorize, script{outcome: forbidden})
		if s, err := w.try(w.card(), nil); err != nil || s.Code != string(payments.CardDontRetry) || w.calls() != 1 {
			t.Errorf("%v, %s, %d calls", err, s.Code, w.calls())
		}
	})
	t.Run("found out later", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, worldOptions{budget: usualBudget})
			defer w.close()
			w.engine.Start()
			w.first.script(payments.OpAuthorize, script{err: unknown()})
			w.first.lookups = func() (payments.Finding, error) { return payments.Finding{}, unknown() }
			invoice := w.invoice("100.00")
			w.charge(invoice, w.card())
			w.first.mu.Lock()
			w.first.lookups = func() (payments.Finding, error) {
				return payments.Finding{Kind: payments.FoundOutcome, Outcome: forbidden}, nil
			}
			w.first.mu.Unlock()
			lapse(time.Hour)
			p := w.expect(invoice, payments.StatusFailed)
			if tries := w.tries(visaCard); p.Attempts[0].Code != payments.CardDontRetry || len(tries) != 1 || tries[0].NeverUntil.IsZero() {
				t.Errorf("%+v, %+v", p.Attempts[0], tries)
			}
		})
	})
}

// TestNotBefore: when a scheme names a time, the merchant alone has to wait for it, and a payer has not.
func TestNotBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, worldOptions{budget: usualBudget})
		defer w.close()
		byMerchant := func(i *payments.Invoice) { i.Initiation = payments.MerchantInitiated }
		w.first.script(payments.OpAuthorize, script{outcome: payments.Outcome{Status: payments.Declined, Code: payments.CardNoMoney, NetworkCode: "51", AdviceCode: "24"}})
		if _, err := w.try(w.cardOf(mastercardCard), byMerchant); err != nil {
			t.Fatal(err)
		}
		_, err := w.try(w.cardOf(mastercardCard), byMerchant)
		if payments.ErrorCode(err) != string(payments.CardNoMoney) || !strings.Contains(err.Error(), time.Now().UTC().Add(time.Hour).Format(time.RFC3339)) || w.calls() != 1 {
			t.Errorf("%v, %d calls", err, w.calls())
		}
		if s, err := w.try(w.cardOf(mastercardCard), nil); err != nil || s.Transaction.Status != payments.StatusCompleted {
			t.Errorf("the payer: %v, %+v", err, s)
		}
		time.Sleep(time.Hour)
		if s, err := w.try(w.cardOf(mastercardCard), byMerchant); err != nil || s.Transaction.Status != payments.StatusCompleted {
			t.Errorf("an hour later: %v, %+v", err, s)
		}
	})
}

// TestMethodOfOnePSPIsCounted: a token that exists only at a PSP is counted by that PSP's method, and not under its name.
func TestMethodOfOnePSPIsCounted(t *testing.T) {
	w := newWorld(t, worldOptions{budget: router.Budget{PerDay: 1, Per30Days: 1}})
	defer w.close()
	token := w.token()
	bound, err := w.tokens.Token(t.Context(), project, "", token)
	if err != nil {
		t.Fatal(err)
	}
	bound.CardID, bound.GatewayConfigurationID, bound.Version = "", "gway_conf_first", bound.Version+1
	mapping := payments.Mapping{ProjectID: project, TokenID: token, GatewayConfigurationID: "gway_conf_first", PSP: "first", MethodRef: "m-1", Status: payments.MappingUsable}
	if err := w.store.Apply(t.Context(), payments.Change{Tokens: []payments.Token{bound}, Mappings: []payments.Mapping{mapping}}); err != nil {
		t.Fatal(err)
	}
	w.tokens.Changed(t.Context(), project, token)
	w.first.script(payments.OpAuthorize, refusedWith(payments.CardDoNotHonor))
	if s, err := w.try(token, nil); err != nil || s.Code != string(payments.CardDoNotHonor) {
		t.Fatalf("%v, %+v", err, s)
	}
	if _, err := w.try(token, nil); payments.ErrorCode(err) != string(payments.CardMaximumAttempts) {
		t.Errorf("%v", err)
	}
	key := w.vault.MethodKey("gway_conf_first", "m-1")
	if list, err := w.store.CardTries(t.Context(), project, key, time.Time{}); err != nil || len(list) != 1 || strings.Contains(key, "m-1") || key == w.vault.MethodKey("gway_conf_second", "m-1") {
		t.Errorf("%v, %+v by %s", err, list, key)
	}
}

// applied keeps what is written.
type applied struct {
	flow.Ledger
	mu      sync.Mutex
	changes []payments.Change
}

func (l *applied) Apply(ctx context.Context, c payments.Change) error {
	l.mu.Lock()
	l.changes = append(l.changes, c)
	l.mu.Unlock()
	return l.Ledger.Apply(ctx, c)
}

// TestTriesAreInTheOutcomesCommit: whenever a decline becomes durable, so does its try, in the same commit, and none by itself; no
// commit is more than without counting.
func TestTriesAreInTheOutcomesCommit(t *testing.T) {
	counted, commits := triesAndCommits(t, usualBudget)
	none, without := triesAndCommits(t, router.Budget{})
	if counted != 3 || none != 0 || commits != without {
		t.Errorf("%d tries in %d commits; %d in %d without counting", counted, commits, none, without)
	}
}

// triesAndCommits makes two payments with one card, three tries of which are declined.
func triesAndCommits(t *testing.T, budget router.Budget) (counted, commits int) {
	t.Helper()
	var log *applied
	w := newWorld(t, worldOptions{budget: budget, wrap: func(l flow.Ledger) flow.Ledger { log = &applied{Ledger: l}; return log }})
	defer w.close()
	decline := refusedWith(payments.CardDoNotHonor)
	w.first.script(payments.OpAuthorize, decline, decline)
	w.second.script(payments.OpAuthorize, decline)
	for range 2 {
		if _, err := w.try(w.card(), nil); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range log.changes {
		var want, got []string
		for _, a := range c.Attempts {
			if a.State == payments.AttemptDeclined && budget.Counts() {
				want = append(want, a.ID)
			}
		}
		for _, try := range c.CardTries {
			got = append(got, try.AttemptID)
		}
		if !slices.Equal(got, want) {
			t.Errorf("the outcomes of %v come with the tries of %v", want, got)
		}
		counted += len(got)
	}
	return counted, len(log.changes)
}

// TestBudgetAtOnce: payments that run at the same moment have all read an empty history, and each has its first try; what goes on
// elsewhere is counted one by one. So at most as many tries as payments, and one less than the budget, are declined.
func TestBudgetAtOnce(t *testing.T) {
	const at, budget = 16, 4
	w := newWorld(t, worldOptions{budget: router.Budget{PerDay: budget, Per30Days: 10}})
	defer w.close()
	cards, invoices := make([]string, at), make([]string, at)
	for i := range at {
		cards[i], invoices[i] = w.card(), w.invoice("100.00")
		w.first.script(payments.OpAuthorize, refusedWith(payments.CardDoNotHonor))
		w.second.script(payments.OpAuthorize, refusedWith(payments.CardDoNotHonor))
	}
	w.first.gate = make(chan struct{})
	var group sync.WaitGroup
	for i := range at {
		group.Go(func() {
			s, err := w.engine.Capture(t.Context(), flow.ChargeRequest{ProjectID: project, InvoiceID: invoices[i], Source: cards[i]})
			if err != nil || s.Code != string(payments.CardDoNotHonor) {
				t.Errorf("%v, %s", err, s.Code)
			}
		})
	}
	for range at {
		w.first.gate <- struct{}{} // all have been routed by now, or will be held at the gate
	}
	close(w.first.gate)
	group.Wait()
	if got := w.calls(); got < at || got > at+budget-1 || len(w.tries(visaCard)) != got {
		t.Errorf("%d tries, %d counted; at most %d are allowed", got, len(w.tries(visaCard)), at+budget-1)
	}
	if _, err := w.try(w.card(), nil); payments.ErrorCode(err) != string(payments.CardMaximumAttempts) {
		t.Errorf("the next payment: %v", err)
	}
}

// TestBudgetOverAnySequence: whatever PSPs answer and however much time passes, no window has more declines than the budget, and
// after what forbids another try there is none for 30 days.
func TestBudgetOverAnySequence(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		budget := router.Budget{PerDay: rapid.IntRange(1, 5).Draw(rt, "per day"), Per30Days: rapid.IntRange(5, 8).Draw(rt, "per 30 days")}
		codes := rapid.SampledFrom([]payments.Code{
			payments.CardDoNotHonor, payments.CardDoNotHonor, payments.CardPleaseRetry, payments.CardIssuerDown, payments.CardNoMoney, payments.CardNeedsAuthentication,
			payments.GatewayConfigurationError, payments.CardLost,
		})
		var answers [3][]payments.Code
		waits := rapid.SliceOfN(rapid.Int64Range(0, int64(20*time.Hour)), 1, 15).Draw(rt, "waits")
		for i := range answers {
			answers[i] = rapid.SliceOfN(codes, len(waits), len(waits)).Draw(rt, "answers")
		}
		wrong := ""
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, worldOptions{budget: budget, third: true, adapter: steppingPSP{fencingPSP: fencingPSP{newFakePSP()}}})
			defer w.close()
			first := w.options.Gateways[0].Adapter.(steppingPSP).fakePSP
			var never time.Time
			var declines []time.Time
			for i, wait := range waits {
				time.Sleep(time.Duration(wait))
				first.scripts[payments.OpAuthorize] = []script{refusedWith(answers[0][i]), refusedWith(answers[2][i])}
				w.second.scripts[payments.OpAuthorize] = []script{refusedWith(answers[1][i]), refusedWith(answers[2][i])}
				s, err := w.try(w.card(), nil)
				if err != nil {
					continue
				}
				for _, a := range w.payment(s.Invoice.ID).Attempts {
					if a.SentAt.Before(never) {
						wrong = fmt.Sprintf("tried on %s, and not before %s", a.SentAt, never)
					}
					if _, counted := payments.TryOf(&a, a.EndedAt); counted {
						declines = append(declines, a.EndedAt)
					}
					if a.Code == payments.CardLost {
						never = a.EndedAt.Add(payments.NeverFor)
					}
				}
			}
			for i := range declines {
				for window, most := range map[time.Duration]int{24 * time.Hour: budget.PerDay, payments.HistoryWindow: budget.Per30Days} {
					n := 0
					for _, at := range declines[:i+1] {
						if declines[i].Sub(at) < window {
							n++
						}
					}
					if n > most {
						wrong = fmt.Sprintf("%d declines in %s, and %d are allowed", n, window, most)
					}
				}
			}
		})
		if wrong != "" {
			rt.Fatal(wrong)
		}
	})
}

// TestStepUp: when the issuer wants the payer authenticated, the same PSP is asked once more, by an attempt of its own, and nobody else.
func TestStepUp(t *testing.T) {
	needs := refusedWith(payments.CardNeedsAuthentication)
	for name, tc := range map[string]struct {
		able, useless bool
		scripts       []script
		merchant      bool
		attempts      int
		status        payments.TransactionStatus
		code          payments.Code
	}{
		"it helps":                {able: true, scripts: []script{needs}, attempts: 2, status: payments.StatusCompleted},
		"it leads to a step":      {able: true, scripts: []script{needs, {outcome: payments.Outcome{Status: payments.ActionRequired, Action: &payments.CustomerAction{Type: "url", Value: "https://acs.example"}}}}, attempts: 2, status: payments.StatusPending},
		"it is refused again":     {able: true, scripts: []script{needs, needs, needs}, attempts: 2, status: payments.StatusFailed, code: payments.CardNeedsAuthentication},
		"it is refused by B":      {able: true, scripts: []script{needs, refusedWith(payments.CardDoNotHonor)}, attempts: 2, status: payments.StatusFailed, code: payments.CardDoNotHonor},
		"it is never sent":        {able: true, scripts: []script{needs, {err: payments.Faultf(payments.NeverSent, "refused")}}, attempts: 2, status: payments.StatusFailed, code: payments.GatewayNetworkError},
		"nobody is there":         {able: true, merchant: true, scripts: []script{needs}, attempts: 1, status: payments.StatusFailed, code: payments.CardNeedsAuthentication},
		"the PSP cannot":          {scripts: []script{needs}, attempts: 1, status: payments.StatusFailed, code: payments.CardNeedsAuthentication},
		"it would change nothing": {able: true, useless: true, scripts: []script{needs}, attempts: 1, status: payments.StatusFailed, code: payments.CardNeedsAuthentication},
		"a failed challenge":      {able: true, scripts: []script{refusedWith(payments.CardFailed3DS)}, attempts: 1, status: payments.StatusFailed, code: payments.CardFailed3DS},
	} {
		t.Run(name, func(t *testing.T) {
			psp := newFakePSP()
			o := worldOptions{first: psp, second: newFakePSP()}
			if tc.able {
				o.adapter = steppingPSP{fencingPSP{psp}, tc.useless}
			}
			w := newWorld(t, o)
			defer w.close()
			psp.script(payments.OpAuthorize, tc.scripts...)
			s, err := w.try(w.card(), func(i *payments.Invoice) {
				if tc.merchant {
					i.Initiation = payments.MerchantInitiated
				}
			})
			if err != nil || s.Code != string(tc.code) {
				t.Fatalf("%v, %q", err, s.Code)
			}
			p := w.expect(s.Invoice.ID, tc.status)
			if len(p.Attempts) != tc.attempts || w.second.count(payments.OpAuthorize) != 0 {
				t.Fatalf("%d attempts, %d of them elsewhere", len(p.Attempts), w.second.count(payments.OpAuthorize))
			}
			for i, a := range p.Attempts {
				if a.StepUp != (i == 1) || psp.stepUps[i] != (i == 1) || i == 1 && (a.Reference == p.Attempts[0].Reference || p.Attempts[0].State != payments.AttemptDeclined) {
					t.Errorf("attempt %d: %+v, asked %v", i, a, psp.stepUps)
				}
			}
			if n, _, captured, _ := psp.held(); tc.status == payments.StatusCompleted && (n != 1 || captured != 100_00) {
				t.Errorf("%d charges of %d", n, captured)
			}
		})
	}
}

// TestCascadeThatDoesNotPay: nobody is asked when the try costs more than it is worth, and the attempt says so.
func TestCascadeThatDoesNotPay(t *testing.T) {
	const policy = `
objective: {margin_bps: 100}
fees:
  gway_conf_second: [{attempt: "5 PHP", rows: [{blended: {bps: 50}}]}]
default: {priority: [gway_conf_first, gway_conf_second, gway_conf_third]}
`
	w := newWorld(t, worldOptions{policy: policy})
	defer w.close()
	w.first.script(payments.OpAuthorize, refusedWith(payments.CardDoNotHonor))
	s, err := w.try(w.card(), nil)
	if err != nil || s.Code != string(payments.CardDoNotHonor) || w.second.count(payments.OpAuthorize) != 0 {
		t.Fatalf("%v, %q, %d calls elsewhere", err, s.Code, w.second.count(payments.OpAuthorize))
	}
	a := w.payment(s.Invoice.ID).Attempts[0]
	const why = "another try would cost more than it is worth: at gway_conf_second a chance of 15 % to earn 0.50 PHP, for 5.00 PHP"
	if a.NotTried != why || !strings.HasSuffix(a.Reason(), why) {
		t.Errorf("%q, %q", a.NotTried, a.Reason())
	}
	steps, err := w.store.Transitions(t.Context(), project, "attempt", a.ID)
	if err != nil || !strings.Contains(steps[len(steps)-1].Why, why) {
		t.Errorf("%v, %+v", err, steps)
	}

	third := newWorld(t, worldOptions{policy: policy, third: true})
	defer third.close()
	third.first.script(payments.OpAuthorize, refusedWith(payments.CardDoNotHonor))
	if s, err = third.try(third.card(), nil); err != nil {
		t.Fatal(err)
	}
	p := third.expect(s.Invoice.ID, payments.StatusCompleted)
	if len(p.Attempts) != 2 || p.Attempts[1].GatewayConfigurationID != "gway_conf_third" {
		t.Errorf("%+v", p.Attempts)
	}
}

// TestCascadesAreLearnt: what going on came to is learnt, of approvals and refusals, and of nothing else.
func TestCascadesAreLearnt(t *testing.T) {
	w := newWorld(t, worldOptions{})
	defer w.close()
	chance := func() float64 {
		return w.options.Router.Cascades().Chance(payments.CardDoNotHonor, payments.ClassCascadeOnce, "gway_conf_first", "gway_conf_second")
	}
	before := chance()
	w.first.script(payments.OpAuthorize, refusedWith(payments.CardDoNotHonor))
	w.charge(w.invoice("100.00"), w.card())
	good := chance()
	w.first.script(payments.OpAuthorize, refusedWith(payments.CardDoNotHonor))
	w.second.script(payments.OpAuthorize, refusedWith(payments.CardDoNotHonor))
	w.charge(w.invoice("100.00"), w.card())
	bad := chance()
	w.charge(w.invoice("100.00"), w.card()) // first time right
	w.first.script(payments.OpAuthorize, refusedWith(payments.CardDoNotHonor))
	w.second.script(payments.OpAuthorize, script{err: &payments.Fault{Kind: payments.NeverSent, Local: true}}) // our breaker has opened meanwhile
	w.charge(w.invoice("100.00"), w.card())
	if !(before < good && bad < good && bad == chance()) {
		t.Errorf("%v, %v after an approval, %v after a refusal, %v in the end", before, good, bad, chance())
	}
}

// TestPatienceEndsACascade: a payer who has waited too long is told of the refusal, and nobody else is tried; nor is the payer asked to
// authenticate.
func TestPatienceEndsACascade(t *testing.T) {
	for name, code := range map[string]payments.Code{"a cascade": payments.CardDoNotHonor, "a step-up": payments.CardNeedsAuthentication} {
		for took, attempts := range map[time.Duration]int{time.Second: 2, 3 * time.Second: 1} {
			t.Run(name+" after "+took.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					psp := newFakePSP()
					psp.slow = took
					w := newWorld(t, worldOptions{first: psp, second: newFakePSP(), adapter: steppingPSP{fencingPSP: fencingPSP{psp}}, limits: flow.Limits{PayerBudget: 2 * time.Second}})
					defer w.close()
					psp.script(payments.OpAuthorize, refusedWith(code))
					invoice := w.invoice("100.00")
					w.charge(invoice, w.card())
					if got := len(w.payment(invoice).Attempts); got != attempts {
						t.Errorf("%d attempts, want %d", got, attempts)
					}
				})
			})
		}
	}
}

// panicking is a ledger that panics when a candidate's decline is written with the next one's intent, as long as it is armed.
type panicking struct {
	flow.Ledger

	armed *atomic.Bool
}

func (l panicking) Apply(ctx context.Context, c payments.Change) error {
	if len(c.CardTries) > 0 && l.armed.Load() {
		panic("the next intent is not written")
	}
	return l.Ledger.Apply(ctx, c)
}

// TestPanicGivesTheCardBack: a panic on the way to the next candidate does not keep other payments from going on with the card.
func TestPanicGivesTheCardBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var armed atomic.Bool
		w := newWorld(t, worldOptions{budget: usualBudget, wrap: func(l flow.Ledger) flow.Ledger { return panicking{l, &armed} }})
		defer w.close()
		w.first.script(payments.OpAuthorize, refusedWith(payments.CardDoNotHonor), refusedWith(payments.CardDoNotHonor))
		armed.Store(true)
		func() {
			defer func() {
				if recover() == nil {
					t.Error("nothing has panicked")
				}
			}()
			_, _ = w.try(w.card(), nil)
		}()
		armed.Store(false)
		if s, err := w.try(w.card(), nil); err != nil || s.Transaction.Status != payments.StatusCompleted {
			t.Errorf("%v, %+v", err, s)
		}
	})
}

// TestAnotherCardOnThePage: a saved method that the payer confirms on the PSP's page is not blamed for what is declined there: it may
// have been another card.
func TestAnotherCardOnThePage(t *testing.T) {
	first := newFakePSP()
	psp := &pagePSP{fencingPSP: fencingPSP{first}}
	w := newWorld(t, worldOptions{first: first, second: newFakePSP(), adapter: psp, able: hosted, budget: usualBudget})
	defer w.close()
	customer := w.customer()
	invoice := w.invoiceOf(customer, nil)
	psp.idle()
	w.onPage(invoice, nil)
	psp.pays(payments.Outcome{Status: payments.Approved, MethodOnly: payments.CustomerInitiated, Refs: payments.ProviderRefs{Method: "pm-1"}})
	w.back(invoice)
	token := w.expect(invoice, payments.StatusCompleted).Transaction.TokenID

	psp.idle()
	next := w.invoiceOf(customer, nil)
	w.onPage(next, func(r *flow.ChargeRequest) { r.Source, r.SaveSource = token, false })
	psp.pays(payments.Outcome{Status: payments.Declined, Code: payments.CardStolen})
	w.back(next)
	if got := w.payment(next).Attempts[0]; got.State != payments.AttemptDeclined || got.CardKey != "" {
		t.Errorf("%s, counted by %q", got.State, got.CardKey)
	}
	psp.idle()
	if s, err := w.try(token, func(i *payments.Invoice) { i.CustomerID = customer }); err != nil || s.Action == nil {
		t.Errorf("the saved method is held back: %v, %+v", err, s)
	}
}

// TestWhyNobodyElseIsTried: where a result lets a payment go on and it does not, the attempt says why.
func TestWhyNobodyElseIsTried(t *testing.T) {
	for name, tc := range map[string]struct {
		policy string
		want   []string
	}{
		"the other one":    {"default: {smart: all}", []string{"", "this was the other one"}},
		"nobody is left":   {"default: {priority: [gway_conf_first]}", []string{"no candidate is left"}},
		"the policy's end": {"retry: {classes: {B: 0}}\ndefault: {smart: all}", []string{"the policy lets it move on no further"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, worldOptions{policy: tc.policy})
			defer w.close()
			for _, psp := range []*fakePSP{w.first, w.second} {
				psp.script(payments.OpAuthorize, refusedWith(payments.CardDoNotHonor))
			}
			s, err := w.try(w.card(), nil)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, a := range w.payment(s.Invoice.ID).Attempts {
				got = append(got, a.NotTried)
			}
			if !slices.Equal(got, tc.want) {
				t.Errorf("%q, want %q", got, tc.want)
			}
		})
	}
}
