package flow_test

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"switchyard/flow"
	"switchyard/payments"
)

func TestSaleTakesTwoCommitsAndOneCall(t *testing.T) {
	w := newWorld(t, worldOptions{})
	defer w.close()
	invoice, card := w.invoice("100.00"), w.card()
	before := w.store.Stats().Commits
	s := w.charge(invoice, card)
	// The fake PSP has a preparing step, whose id is one more commit.
	if got := w.store.Stats().Commits - before; got != 3 {
		t.Errorf("a sale took %d durable commits, want intent, note and outcome", got)
	}
	if w.first.count(payments.OpAuthorize) != 1 || w.second.count(payments.OpAuthorize) != 0 {
		t.Error("a sale that is approved at once is one call at one PSP")
	}
	if s.Code != "" || s.Transaction.Status != payments.StatusCompleted || s.Transaction.Totals.Captured != 10000 {
		t.Errorf("answer: %+v", s.Transaction)
	}
	p := w.expect(invoice, payments.StatusCompleted)
	if p.Attempts[0].State != payments.AttemptApproved || p.Attempts[0].Decision == nil || p.Attempts[0].Refs.Session == "" {
		t.Errorf("attempt: %+v", p.Attempts[0])
	}
}

// TestMovesOnOnlyWhenNothingWasCharged goes over every fault kind and a decline of each class.
func TestMovesOnOnlyWhenNothingWasCharged(t *testing.T) {
	for _, tc := range []struct {
		name  string
		first script
		moves bool
		ends  payments.TransactionStatus
	}{
		{"never sent", script{err: payments.Faultf(payments.NeverSent, "refused")}, true, payments.StatusCompleted},
		{"throttled", script{err: payments.Faultf(payments.Throttled, "429")}, true, payments.StatusCompleted},
		{"misconfigured", script{err: payments.Faultf(payments.Misconfigured, "401")}, true, payments.StatusCompleted},
		{"rejected", script{err: payments.Faultf(payments.Rejected, "400")}, false, payments.StatusFailed},
		{"issuer decline", script{outcome: payments.Outcome{Status: payments.Declined, Code: payments.CardDoNotHonor}}, true, payments.StatusCompleted},
		{"stolen", script{outcome: payments.Outcome{Status: payments.Declined, Code: payments.CardStolen}}, false, payments.StatusFailed},
		{"no money", script{outcome: payments.Outcome{Status: payments.Declined, Code: payments.CardNoMoney}}, false, payments.StatusFailed},
		{"action", script{outcome: payments.Outcome{Status: payments.ActionRequired, Action: &payments.CustomerAction{Type: "url", Value: "https://example.com"}}}, false, payments.StatusPending},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t, worldOptions{})
			defer w.close()
			w.first.script(payments.OpAuthorize, tc.first)
			invoice, card := w.invoice("100.00"), w.card()
			s := w.charge(invoice, card)
			p := w.expect(invoice, tc.ends)
			if moved := len(p.Attempts) == 2; moved != tc.moves {
				t.Errorf("moved on is %v, want %v", moved, tc.moves)
			}
			if tc.ends == payments.StatusFailed && s.Code == "" {
				t.Error("a failed payment's answer has no code")
			}
			c, err := w.vault.Card(t.Context(), project, card)
			if err != nil {
				t.Fatal(err)
			}
			if used := c.UsedBy != ""; used == (tc.ends == payments.StatusFailed) {
				t.Errorf("the card is used: %v; it is released on a definite refusal only", used)
			}
		})
	}
}

func TestIssuerDeclineMovesOnOnce(t *testing.T) {
	w := newWorld(t, worldOptions{})
	defer w.close()
	decline := script{outcome: payments.Outcome{Status: payments.Declined, Code: payments.CardDoNotHonor}}
	w.first.script(payments.OpAuthorize, decline)
	w.second.script(payments.OpAuthorize, decline)
	invoice := w.invoice("100.00")
	if s := w.charge(invoice, w.card()); s.Code != string(payments.CardDoNotHonor) {
		t.Errorf("code %q", s.Code)
	}
	if p := w.expect(invoice, payments.StatusFailed); len(p.Attempts) != 2 {
		t.Errorf("%d attempts", len(p.Attempts))
	}
	// A failed invoice may be tried again with another source.
	if s := w.charge(invoice, w.card()); s.Transaction.Status != payments.StatusCompleted {
		t.Errorf("second try: %s", s.Transaction.Status)
	}
}

func TestUnknownIsResolvedWhileThePayerWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		defer w.close()
		w.first.script(payments.OpAuthorize, script{act: true, err: unknown()})
		invoice := w.invoice("100.00")
		began := time.Now()
		if s := w.charge(invoice, w.card()); s.Transaction.Status != payments.StatusCompleted {
			t.Errorf("status %s", s.Transaction.Status)
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("the first question came after %s", took)
		}
		if w.second.count(payments.OpAuthorize) != 0 {
			t.Error("an unknown outcome was tried elsewhere")
		}
	})
}

func TestUnknownIsFencedBeforeMovingOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		defer w.close()
		w.first.script(payments.OpAuthorize, script{err: unknown()})
		invoice := w.invoice("100.00")
		s := w.charge(invoice, w.card())
		p := w.expect(invoice, payments.StatusCompleted)
		if s.Transaction.PSP != "second" || len(p.Attempts) != 2 || p.Attempts[0].State != payments.AttemptFailed {
			t.Errorf("attempts: %+v", p.Attempts)
		}
		if !w.first.charges[p.Attempts[0].Reference].fenced {
			t.Error("the payment moved on although the first PSP could still charge")
		}
	})
}

// TestLateChargeIsNotMissed: the PSP shows nothing at first and refuses the fence, because it has charged.
func TestLateChargeIsNotMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		defer w.close()
		w.first.script(payments.OpAuthorize, script{act: true, err: unknown()})
		questions := 0
		w.first.lookups = func() (payments.Finding, error) {
			if questions++; questions < 3 {
				return payments.Finding{Kind: payments.NotFound}, nil
			}
			return payments.Finding{Kind: payments.FoundOutcome, Outcome: payments.Outcome{Status: payments.Approved}}, nil
		}
		invoice := w.invoice("100.00")
		w.charge(invoice, w.card())
		p := w.expect(invoice, payments.StatusCompleted)
		if len(p.Attempts) != 1 || w.second.count(payments.OpAuthorize) != 0 {
			t.Error("a charge that showed late was made again elsewhere")
		}
	})
}

func TestUnknownStaysPendingAndIsNeverTriedElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		defer w.close()
		w.engine.Start()
		w.first.script(payments.OpAuthorize, script{act: true, err: unknown()})
		w.first.lookups = func() (payments.Finding, error) { return payments.Finding{}, unknown() }
		invoice := w.invoice("100.00")
		began := time.Now()
		if s := w.charge(invoice, w.card()); s.Transaction.Status != payments.StatusPending || s.Code != "" {
			t.Errorf("answer: %s %s", s.Transaction.Status, s.Code)
		}
		if took := time.Since(began); took > 14*time.Second {
			t.Errorf("the payer waited %s", took)
		}
		lapse(24 * time.Hour)
		w.expect(invoice, payments.StatusPending)
		for _, call := range []func() error{
			func() error {
				_, err := w.engine.Capture(t.Context(), flow.ChargeRequest{ProjectID: project, InvoiceID: invoice, Source: w.card()})
				return err
			},
			func() error {
				_, err := w.engine.Refund(t.Context(), flow.RefundRequest{ProjectID: project, InvoiceID: invoice})
				return err
			},
		} {
			if err := call(); payments.ErrorCode(err) != payments.CodeStillProcessing {
				t.Errorf("an operation on a pending payment: %v", err)
			}
		}
		w.first.mu.Lock()
		w.first.lookups = nil
		w.first.mu.Unlock()
		lapse(2 * time.Hour)
		w.expect(invoice, payments.StatusCompleted)
		if w.second.count(payments.OpAuthorize) != 0 {
			t.Error("an unknown outcome was tried elsewhere")
		}
	})
}

func TestUnknownForThreeDaysNeedsAnOperator(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		defer w.close()
		w.engine.Start()
		w.first.script(payments.OpAuthorize, script{err: unknown()})
		w.first.lookups = func() (payments.Finding, error) { return payments.Finding{}, unknown() }
		invoice := w.invoice("100.00")
		w.charge(invoice, w.card())
		lapse(71 * time.Hour)
		w.expect(invoice, payments.StatusPending)
		lapse(4 * time.Hour)
		w.expect(invoice, payments.StatusReview)
		w.first.mu.Lock()
		w.first.lookups = nil // and it is still asked about
		w.first.mu.Unlock()
		lapse(4 * time.Hour)
		w.expect(invoice, payments.StatusFailed)
	})
}

// TestAbsenceWithoutFence: where nothing can be fenced, two answers after the PSP's longest processing time prove absence,
// and nothing earlier does.
func TestAbsenceWithoutFence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, worldOptions{noFence: true})
		defer w.close()
		w.engine.Start()
		w.first.script(payments.OpAuthorize, script{err: unknown()})
		invoice := w.invoice("100.00")
		w.charge(invoice, w.card())
		lapse(40 * time.Second)
		w.expect(invoice, payments.StatusPending)
		lapse(5 * time.Minute)
		w.expect(invoice, payments.StatusFailed)
		if w.second.count(payments.OpAuthorize) != 0 {
			t.Error("moved on without a waiting payer")
		}
	})
}

// TestAbsenceNeverUnlocksAManualCapture: the PSP does not show holds by reference, so that absence proves nothing.
func TestAbsenceNeverUnlocksAManualCapture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, worldOptions{noFence: true})
		defer w.close()
		w.engine.Start()
		w.first.script(payments.OpAuthorize, script{err: unknown()})
		invoice := w.invoice("100.00")
		if _, err := w.engine.Authorize(t.Context(), flow.ChargeRequest{ProjectID: project, InvoiceID: invoice, Source: w.card()}); err != nil {
			t.Fatal(err)
		}
		lapse(48 * time.Hour)
		w.expect(invoice, payments.StatusPending)
	})
}

func TestResendIsTheSameAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, worldOptions{noFence: true, resend: true})
		defer w.close()
		w.first.script(payments.OpAuthorize, script{err: unknown()})
		invoice := w.invoice("100.00")
		w.charge(invoice, w.card())
		p := w.expect(invoice, payments.StatusCompleted)
		if len(p.Attempts) != 1 || w.first.count(payments.OpAuthorize) != 2 {
			t.Errorf("%d attempts, %d calls", len(p.Attempts), w.first.count(payments.OpAuthorize))
		}
		if n, _, captured, _ := w.first.held(); n != 1 || captured != 10000 {
			t.Errorf("the PSP holds %d charges, %d", n, captured)
		}
	})
}

// TestCrashIsRecovered: a process dies inside the call, before and after the PSP acted; the next one finds out.
func TestCrashIsRecovered(t *testing.T) {
	for _, acted := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			first, second, dir := newFakePSP(), newFakePSP(), t.TempDir()
			w := newWorld(t, worldOptions{first: first, second: second, dir: dir})
			first.gate = make(chan struct{})
			first.script(payments.OpAuthorize, script{act: acted, err: unknown()})
			invoice, card := w.invoice("100.00"), w.card()
			claim := &payments.ClaimRequest{Scope: "s", Key: "k", Fingerprint: []byte("f")}
			dead := make(chan struct{})
			go func() {
				defer close(dead)
				_, _ = w.engine.Capture(t.Context(), flow.ChargeRequest{ProjectID: project, InvoiceID: invoice, Source: card, Claim: claim})
			}()
			synctest.Wait() // the call is at the PSP
			if err := w.store.Close(); err != nil {
				t.Fatal(err)
			}
			close(first.gate)
			<-dead // whatever it learnt, it could not write it
			w.tokens.Close()

			first.mu.Lock()
			first.gate = nil
			first.mu.Unlock()
			w = newWorld(t, worldOptions{first: first, second: second, dir: dir})
			defer w.close()
			w.expect(invoice, payments.StatusPending)
			w.engine.Start()
			lapse(time.Minute)
			want := payments.StatusFailed
			if acted {
				want = payments.StatusCompleted
			}
			w.expect(invoice, want)
			c, err := w.store.Claim(t.Context(), payments.ClaimKey{ProjectID: project, Scope: "s", Key: "k"})
			if acted && (err != nil || c.Snapshot == nil || c.Snapshot.Transaction.Status != payments.StatusCompleted) {
				t.Errorf("the key's answer after recovery: %+v, %v", c.Snapshot, err)
			}
			if !acted && !errors.Is(err, payments.ErrNotFound) {
				t.Errorf("a key whose attempt never charged is not released: %v", err)
			}
			if second.count(payments.OpAuthorize) != 0 {
				t.Error("a crashed attempt was tried elsewhere")
			}
		})
	}
}

func TestOneChargeForManyCallers(t *testing.T) {
	w := newWorld(t, worldOptions{})
	defer w.close()
	invoice, token := w.invoice("100.00"), w.token()
	var wg sync.WaitGroup
	var mu sync.Mutex
	paid := 0
	for range 16 {
		wg.Go(func() {
			s, err := w.engine.Capture(t.Context(), flow.ChargeRequest{ProjectID: project, InvoiceID: invoice, Source: token})
			mu.Lock()
			defer mu.Unlock()
			if err == nil && s.Transaction.Status == payments.StatusCompleted {
				paid++
			} else if payments.ErrorCode(err) != payments.CodeValidation && payments.ErrorCode(err) != payments.CodeStillProcessing {
				t.Errorf("unexpected: %v", err)
			}
		})
	}
	wg.Wait()
	if n, _, _, _ := w.first.held(); n != 1 || paid != 1 {
		t.Errorf("%d charges at the PSP, %d callers were told that they paid", n, paid)
	}
}

func TestForgottenMethodIsReplacedByTheCard(t *testing.T) {
	w := newWorld(t, worldOptions{})
	defer w.close()
	token := w.token()
	if err := w.store.Apply(t.Context(), payments.Change{Mappings: []payments.Mapping{{ProjectID: project, TokenID: token, GatewayConfigurationID: "gway_conf_first", PSP: "first", MethodRef: "m-old", Status: payments.MappingUsable}}}); err != nil {
		t.Fatal(err)
	}
	w.tokens.Changed(t.Context(), project, token)
	w.first.script(payments.OpAuthorize, script{err: &payments.Fault{Kind: payments.Rejected, MethodGone: true}})
	invoice := w.invoice("100.00")
	if s := w.charge(invoice, token); s.Transaction.PSP != "first" || s.Transaction.Status != payments.StatusCompleted {
		t.Errorf("answer: %+v", s.Transaction)
	}
	if got := w.first.sources; len(got) != 2 || got[0].Method != "m-old" || got[1].Card == nil {
		t.Errorf("charged with %d sources", len(got))
	}
	m, err := w.tokens.Mappings(t.Context(), project, token)
	if err != nil || m["gway_conf_first"].MethodRef != "" || m["gway_conf_first"].LastSuccessAt.IsZero() {
		t.Errorf("mapping: %+v, %v", m, err)
	}
}

func TestExplainNamesEveryCandidate(t *testing.T) {
	w := newWorld(t, worldOptions{})
	defer w.close()
	invoice := w.invoice("100.00")
	for range 2 { // before any attempt, and after it
		d, _, err := w.engine.Explain(t.Context(), project, invoice)
		if err != nil || len(d.Candidates) != 2 || d.Candidates[0].Verdict != payments.Chosen || d.Candidates[0].Reason == "" {
			t.Errorf("decision: %+v, %v", d, err)
		}
		if w.payment(invoice).Transaction.Status == payments.StatusWaiting {
			w.charge(invoice, w.card())
		}
	}
}

func TestSaveSourceKeepsTheCard(t *testing.T) {
	w := newWorld(t, worldOptions{})
	defer w.close()
	k, err := w.tokens.CreateCustomer(t.Context(), payments.Customer{ProjectID: project, Sandbox: true}, nil)
	if err != nil {
		t.Fatal(err)
	}
	invoice := w.invoice("100.00")
	r := flow.ChargeRequest{ProjectID: project, InvoiceID: invoice, Source: w.card(), SaveSource: true}
	if _, err := w.engine.Capture(t.Context(), r); payments.ErrorCode(err) != payments.CodeValidation {
		t.Errorf("save_source without a customer: %v", err)
	}
	if _, err := w.engine.AssignCustomer(t.Context(), project, invoice, k.Customer.ID, nil); err != nil {
		t.Fatal(err)
	}
	s, err := w.engine.Capture(t.Context(), r)
	if err != nil || s.Transaction.TokenID == "" {
		t.Fatalf("%+v, %v", s.Transaction, err)
	}
	token := w.tokenIsChargeable(s.Transaction.TokenID)
	if token.CustomerID != k.Customer.ID || token.CardID != r.Source {
		t.Errorf("token: %+v", token)
	}
	if m, err := w.tokens.Mappings(t.Context(), project, token.ID); err != nil || m["gway_conf_first"].Status != payments.MappingUsable {
		t.Errorf("mapping: %+v, %v", m, err)
	}
	w.charge(w.invoice("1.00"), token.ID)
}

func (w *world) tokenIsChargeable(id string) payments.Token {
	w.t.Helper()
	token, err := w.store.Token(w.t.Context(), project, id)
	if err != nil || !token.Chargeable() {
		w.t.Fatalf("%+v, %v", token, err)
	}
	return token
}

// TestOneCardForTwoInvoices: two invoices at the same moment with the same single-use card; one pays, the other is told.
func TestOneCardForTwoInvoices(t *testing.T) {
	w := newWorld(t, worldOptions{})
	defer w.close()
	card := w.card()
	var wg sync.WaitGroup
	codes := make([]string, 8)
	for i := range codes {
		invoice := w.invoice("100.00")
		wg.Go(func() {
			s, err := w.engine.Capture(t.Context(), flow.ChargeRequest{ProjectID: project, InvoiceID: invoice, Source: card})
			codes[i] = payments.ErrorCode(err)
			if err == nil && s.Transaction.Status != payments.StatusCompleted {
				t.Errorf("status %s", s.Transaction.Status)
			}
		})
	}
	wg.Wait()
	paid := 0
	for _, code := range codes {
		if code == "" {
			paid++
		} else if code != payments.CodeSourceCardAlreadyUsed {
			t.Errorf("a second use of the card: %q", code)
		}
	}
	if n, _, _, _ := w.first.held(); paid != 1 || n != 1 {
		t.Errorf("%d paid, %d charges at the PSP", paid, n)
	}
}

// TestLostActionIsFound: the answer that asked for the payer was lost; the look-up tells of the step, and when nobody takes
// it the PSP is fenced.
func TestLostActionIsFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		defer w.close()
		w.engine.Start()
		w.first.script(payments.OpAuthorize, script{err: unknown()})
		action := payments.Outcome{Status: payments.ActionRequired, Action: &payments.CustomerAction{Type: "url", Value: "https://example.com/3ds"}}
		w.first.lookups = func() (payments.Finding, error) {
			return payments.Finding{Kind: payments.Processing, Outcome: action}, nil
		}
		invoice := w.invoice("100.00")
		if s := w.charge(invoice, w.card()); s.Action == nil || s.Transaction.Status != payments.StatusPending {
			t.Fatalf("%+v", s)
		}
		lapse(10 * time.Minute)
		w.expect(invoice, payments.StatusPending)
		lapse(10 * time.Minute)
		w.expect(invoice, payments.StatusFailed)
		if w.first.count(payments.OpAbandon) == 0 {
			t.Error("failed without a fence")
		}
	})
}
