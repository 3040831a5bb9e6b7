package flow_test

import (
	"testing"
	"testing/synctest"
	"time"

	"switchyard/flow"
	"switchyard/payments"
	"switchyard/tokens"
)

// verifying makes a token that waits for its source and gives it one.
func (w *world) verifying() (payments.Snapshot, error) {
	w.t.Helper()
	k, err := w.tokens.CreateCustomer(w.t.Context(), payments.Customer{ProjectID: project, Sandbox: true}, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	p, err := w.tokens.Create(w.t.Context(), tokens.Request{Token: payments.Token{ProjectID: project, CustomerID: k.Customer.ID}, Verify: true})
	if err != nil {
		w.t.Fatal(err)
	}
	s, err := w.tokens.Commit(w.t.Context(), p, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.assign(s.Token)
}

func (w *world) assign(token *payments.Token) (payments.Snapshot, error) {
	w.t.Helper()
	p, err := w.tokens.Assign(w.t.Context(), project, token.CustomerID, token.ID, tokens.Request{Source: w.card(), Public: true})
	if err != nil {
		return payments.Snapshot{}, err
	}
	if !p.Verify {
		w.t.Fatal("a token that was created with verify:true is not verified")
	}
	return w.engine.Verify(w.t.Context(), flow.VerifyRequest{Prepared: p})
}

func (w *world) tokenIs(id string, want payments.VerificationStatus) payments.Token {
	w.t.Helper()
	token, err := w.store.Token(w.t.Context(), project, id)
	if err != nil {
		w.t.Fatal(err)
	}
	if token.Verification != want || token.Chargeable() != (want == payments.VerificationSuccess) {
		w.t.Fatalf("the token is %s, chargeable %v; want %s", token.Verification, token.Chargeable(), want)
	}
	return token
}

func TestVerificationWithoutMoney(t *testing.T) {
	w := newWorld(t, worldOptions{verifying: true})
	defer w.close()
	s, err := w.verifying()
	if err != nil || s.Code != "" {
		t.Fatalf("%+v, %v", s, err)
	}
	token := w.tokenIs(s.Token.ID, payments.VerificationSuccess)
	m, err := w.tokens.Mappings(t.Context(), project, token.ID)
	if err != nil || m["gway_conf_first"].MethodRef != "method-1" {
		t.Errorf("the PSP's own reference was not learnt: %+v, %v", m, err)
	}
	if w.vault.HasCVC(t.Context(), project, token.CardID) {
		t.Error("the CVC is still held after the verification")
	}
	if w.charge(w.invoice("100.00"), token.ID); len(w.first.sources) != 1 || w.first.sources[0].Method != "method-1" {
		t.Errorf("the saved method was not used: %+v", w.first.sources)
	}
}

// TestVerificationHoldIsReleased: a PSP without zero-amount verification holds the smallest amount, and a job written with
// the outcome gives it back.
func TestVerificationHoldIsReleased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		defer w.close()
		w.first.script(payments.OpVoid, script{err: unknown()}, script{err: payments.Faultf(payments.NeverSent, "refused")})
		s, err := w.verifying()
		if err != nil {
			t.Fatal(err)
		}
		w.tokenIs(s.Token.ID, payments.VerificationSuccess)
		if n, held, _, _ := w.first.held(); n != 1 || held != 100 {
			t.Errorf("the PSP holds %d in %d charges, want the smallest amount", held, n)
		}
		w.engine.Start() // as after a crash: the job is in the store
		lapse(time.Minute)
		if _, held, _, _ := w.first.held(); held != 0 {
			t.Errorf("the payer's %d is still held", held)
		}
	})
}

func TestVerificationDeclinedThenTriedAgain(t *testing.T) {
	w := newWorld(t, worldOptions{verifying: true})
	defer w.close()
	w.first.script(payments.OpVerify, script{outcome: payments.Outcome{Status: payments.Declined, Code: payments.CardStolen}})
	s, err := w.verifying()
	if err != nil || s.Code != string(payments.CardStolen) {
		t.Fatalf("%+v, %v", s, err)
	}
	token := w.tokenIs(s.Token.ID, payments.VerificationFailed)
	if s, err = w.assign(&token); err != nil || s.Code != "" {
		t.Fatalf("another source: %+v, %v", s, err)
	}
	w.tokenIs(token.ID, payments.VerificationSuccess)
}

func TestVerificationUnknownStaysPending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, worldOptions{verifying: true})
		defer w.close()
		w.engine.Start()
		w.first.script(payments.OpVerify, script{err: unknown()})
		w.first.lookups = func() (payments.Finding, error) { return payments.Finding{}, unknown() }
		s, err := w.verifying()
		if err != nil || s.Code != "" {
			t.Fatalf("%+v, %v", s, err)
		}
		token := w.tokenIs(s.Token.ID, payments.VerificationPending)
		if _, err := w.assign(&token); err == nil {
			t.Error("a second source was taken while the first is being verified")
		}
		w.first.mu.Lock()
		w.first.lookups = func() (payments.Finding, error) {
			return payments.Finding{Kind: payments.FoundOutcome, Outcome: payments.Outcome{Status: payments.Approved}}, nil
		}
		w.first.mu.Unlock()
		lapse(time.Minute)
		w.tokenIs(token.ID, payments.VerificationSuccess)
	})
}

func TestVerificationActionIsAnsweredAndAbandoned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, worldOptions{verifying: true})
		defer w.close()
		w.engine.Start()
		w.first.script(payments.OpVerify, script{outcome: payments.Outcome{Status: payments.ActionRequired, Action: &payments.CustomerAction{Type: "url", Value: "https://example.com/3ds"}}})
		w.first.lookups = func() (payments.Finding, error) { return payments.Finding{Kind: payments.Processing}, nil }
		s, err := w.verifying()
		if err != nil || s.Action == nil || s.Action.Type != "url" {
			t.Fatalf("%+v, %v", s, err)
		}
		lapse(10 * time.Minute)
		w.tokenIs(s.Token.ID, payments.VerificationPending)
		if _, err := w.tokens.Delete(t.Context(), project, s.Token.CustomerID, s.Token.ID, nil); err != nil {
			t.Fatal(err)
		}
		lapse(5 * time.Minute)
		if w.first.count(payments.OpAbandon) == 0 {
			t.Error("the verification of a deleted token was not fenced")
		}
		attempts, err := w.store.AttemptsOfToken(t.Context(), project, s.Token.ID)
		if err != nil || len(attempts) != 1 || attempts[0].State != payments.AttemptFailed {
			t.Errorf("attempts: %+v, %v", attempts, err)
		}
	})
}

func TestFirstApprovalEnrolsTheCard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, worldOptions{verifying: true})
		defer w.close()
		w.engine.Start()
		token := w.token()
		w.first.script(payments.OpTokenize, script{err: payments.Faultf(payments.NeverSent, "refused")})
		w.charge(w.invoice("100.00"), token)
		lapse(time.Minute)
		m, err := w.tokens.Mappings(t.Context(), project, token)
		if err != nil || m["gway_conf_first"].MethodRef != "method-1" || m["gway_conf_first"].CustomerRef != "customer-1" {
			t.Fatalf("mapping: %+v, %v", m, err)
		}
		w.charge(w.invoice("100.00"), token)
		if last := w.first.sources[len(w.first.sources)-1]; last.Method != "method-1" || last.Card != nil {
			t.Errorf("the saved method was not used: %+v", last)
		}
		t1, err := w.store.Token(t.Context(), project, token)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.tokens.Delete(t.Context(), project, t1.CustomerID, token, nil); err != nil {
			t.Fatal(err)
		}
		lapse(time.Minute)
		if w.first.count("delete") != 1 {
			t.Error("the saved method was not deleted at the PSP")
		}
	})
}
