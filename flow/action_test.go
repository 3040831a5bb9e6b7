package flow_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"switchyard/flow"
	"switchyard/payments"
)

var step = &payments.CustomerAction{Type: "url", Value: "https://psp.example/3ds"}

// TestAPayersStepGoesOn: after the step the same call with the step's result, or with the same card, gets the truth from the
// PSP: still waiting, paid, or refused.
func TestAPayersStepGoesOn(t *testing.T) {
	for name, tc := range map[string]struct {
		found  payments.Finding
		source string
		status payments.TransactionStatus
		code   payments.Code
		waits  bool
	}{
		"paid":               {payments.Finding{Kind: payments.FoundOutcome, Outcome: payments.Outcome{Status: payments.Approved}}, "gway_req_x", payments.StatusCompleted, "", false},
		"paid, by the card":  {payments.Finding{Kind: payments.FoundOutcome, Outcome: payments.Outcome{Status: payments.Approved}}, "", payments.StatusCompleted, "", false},
		"failed":             {payments.Finding{Kind: payments.FoundOutcome, Outcome: payments.Outcome{Status: payments.Declined, Code: payments.CardFailed3DS}}, "gway_req_x", payments.StatusFailed, payments.CardFailed3DS, false},
		"still waiting":      {payments.Finding{Kind: payments.Processing}, "gway_req_x", payments.StatusPending, "", true},
		"the PSP is silent":  {payments.Finding{}, "gway_req_x", payments.StatusPending, "", true},
		"another card is no": {payments.Finding{Kind: payments.Processing}, "other", "", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, worldOptions{})
				defer w.close()
				w.first.script(payments.OpAuthorize, script{outcome: payments.Outcome{Status: payments.ActionRequired, Action: step}})
				invoice, card := w.invoice("100.00"), w.card()
				if s := w.charge(invoice, card); s.Action == nil || s.Transaction.Status != payments.StatusPending {
					t.Fatalf("%+v", s)
				}
				w.first.lookups = func() (payments.Finding, error) {
					if tc.found.Kind == "" {
						return tc.found, unknown()
					}
					return tc.found, nil
				}
				switch tc.source {
				case "":
					tc.source = card
				case "other":
					_, err := w.engine.Capture(t.Context(), flow.ChargeRequest{ProjectID: project, InvoiceID: invoice, Source: w.card()})
					if payments.ErrorCode(err) != payments.CodeStillProcessing {
						t.Errorf("another card while the payer's step is open: %v", err)
					}
					return
				}
				s := w.charge(invoice, tc.source)
				if s.Transaction.Status != tc.status || s.Code != string(tc.code) || (s.Action != nil) != tc.waits {
					t.Errorf("%s %q, action %v", s.Transaction.Status, s.Code, s.Action)
				}
				w.expect(invoice, tc.status)
				if w.second.count(payments.OpAuthorize) != 0 || w.first.count(payments.OpAuthorize) != 1 {
					t.Error("going on charged again")
				}
			})
		})
	}
}

// TestAReturnIsUsedOnce: the payer's return asks the PSP once, however often its address is opened.
func TestAReturnIsUsedOnce(t *testing.T) {
	w := newWorld(t, worldOptions{})
	defer w.close()
	w.first.script(payments.OpAuthorize, script{outcome: payments.Outcome{Status: payments.ActionRequired, Action: step}})
	invoice := w.invoice("100.00")
	w.charge(invoice, w.card())
	attempt := w.payment(invoice).Attempts[0].ID
	w.first.lookups = func() (payments.Finding, error) { return payments.Finding{Kind: payments.Processing}, nil }
	for range 3 {
		if _, err := w.engine.Returned(t.Context(), project, attempt, ""); err != nil {
			t.Fatal(err)
		}
	}
	if n := w.first.count(payments.OpLookup); n != 1 {
		t.Errorf("a return was used %d times", n)
	}
	w.expect(invoice, payments.StatusPending)
	if _, err := w.engine.Returned(t.Context(), project, "tr_op_none", ""); err == nil {
		t.Error("an unknown attempt has a return")
	}
}

// TestAFailedStepCanBeTriedAgain: shortly after a step has failed its source is the browser SDK's question; later it pays.
func TestAFailedStepCanBeTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		defer w.close()
		w.first.script(payments.OpAuthorize, script{outcome: payments.Outcome{Status: payments.ActionRequired, Action: step}})
		invoice, token := w.invoice("100.00"), w.token()
		w.charge(invoice, token)
		w.first.lookups = func() (payments.Finding, error) {
			return payments.Finding{Kind: payments.FoundOutcome, Outcome: payments.Outcome{Status: payments.Declined, Code: payments.CardFailed3DS}}, nil
		}
		if _, err := w.engine.Returned(t.Context(), project, w.payment(invoice).Attempts[0].ID, ""); err != nil {
			t.Fatal(err)
		}
		if s := w.charge(invoice, token); s.Transaction.Status != payments.StatusFailed || w.first.count(payments.OpAuthorize) != 1 {
			t.Errorf("at once: %s, charged %d times", s.Transaction.Status, w.first.count(payments.OpAuthorize))
		}
		lapse(3 * time.Minute)
		if s := w.charge(invoice, token); s.Transaction.Status != payments.StatusCompleted || w.first.count(payments.OpAuthorize) != 2 {
			t.Errorf("later: %s, charged %d times", s.Transaction.Status, w.first.count(payments.OpAuthorize))
		}
	})
}

// TestAVerificationGoesOn does the same for the verification of a token.
func TestAVerificationGoesOn(t *testing.T) {
	w := newWorld(t, worldOptions{verifying: true})
	defer w.close()
	w.first.script(payments.OpVerify, script{outcome: payments.Outcome{Status: payments.ActionRequired, Action: step}})
	s, err := w.verifying()
	if err != nil || s.Action == nil {
		t.Fatalf("%+v, %v", s, err)
	}
	token := w.tokenIs(s.Token.ID, payments.VerificationPending)
	if _, ok, err := w.engine.ContinueVerification(t.Context(), token, "card_another"); ok || err != nil {
		t.Errorf("another card goes on with the step: %v", err)
	}
	w.first.lookups = func() (payments.Finding, error) {
		return payments.Finding{Kind: payments.FoundOutcome, Outcome: payments.Outcome{Status: payments.Approved, Refs: payments.ProviderRefs{Method: "m1"}}}, nil
	}
	s, ok, err := w.engine.ContinueVerification(t.Context(), token, "gway_req_x")
	if !ok || err != nil || s.Code != "" || s.Token.Verification != payments.VerificationSuccess {
		t.Errorf("%+v, %v, %v", s, ok, err)
	}
	w.tokenIs(token.ID, payments.VerificationSuccess)
}

// TestAStepsKeyHasOneAnswer: a call that goes on with a payer's step keeps its idempotency key like any other. Repeated after the
// step has failed, it gets what became of it, and charges nothing.
func TestAStepsKeyHasOneAnswer(t *testing.T) {
	for _, known := range []bool{true, false} { // when the call was answered first
		w := newWorld(t, worldOptions{})
		w.first.script(payments.OpAuthorize, script{outcome: payments.Outcome{Status: payments.ActionRequired, Action: step}})
		invoice, card := w.invoice("100.00"), w.card()
		w.charge(invoice, card)
		found := payments.Finding{Kind: payments.Processing}
		w.first.lookups = func() (payments.Finding, error) { return found, nil }
		failed := payments.Finding{Kind: payments.FoundOutcome, Outcome: payments.Outcome{Status: payments.Declined, Code: payments.CardFailed3DS}}
		if known {
			found = failed
		}
		claim := &payments.ClaimRequest{Scope: "s", Key: "step-1", Fingerprint: []byte("f")}
		request := flow.ChargeRequest{ProjectID: project, InvoiceID: invoice, Source: card, Claim: claim}
		first, err := w.engine.Capture(t.Context(), request)
		if err != nil || known != (first.Code != "") {
			t.Fatalf("%+v, %v", first.Code, err)
		}
		found = failed
		w.charge(invoice, "gway_req_e30")
		w.expect(invoice, payments.StatusFailed)
		kept, err := w.store.Claim(t.Context(), payments.ClaimKey{ProjectID: project, Scope: "s", Key: "step-1"})
		if err != nil || known != (kept.Snapshot != nil) {
			t.Fatalf("claim %+v, %v", kept, err)
		}
		if _, err := w.engine.Capture(t.Context(), request); known && !errors.Is(err, payments.ErrClaimed) {
			t.Errorf("repeated: %v", err)
		}
		s, err := w.engine.Present(t.Context(), project, kept.AttemptID)
		if err != nil || s.Code != string(payments.CardFailed3DS) || s.Transaction.Status != payments.StatusFailed {
			t.Errorf("what the key stands for: %q %s, %v", s.Code, s.Transaction.Status, err)
		}
		w.close()
	}
}
