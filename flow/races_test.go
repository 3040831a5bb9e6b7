package flow_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"switchyard/flow"
	"switchyard/payments"
	"switchyard/tokens"
)

type racing struct {
	*fakePSP
	asked, noted, settled chan struct{}
}

func (p racing) Authorize(ctx context.Context, r payments.AuthorizeRequest) (payments.Outcome, error) {
	<-p.asked // a slow preparing step; the worker asks meanwhile
	if err := r.Note(ctx, payments.ProviderRefs{Session: "pi_1"}); err != nil {
		return payments.Outcome{}, payments.NewFault(payments.NeverSent, err)
	}
	close(p.noted)
	<-p.settled
	return p.fakePSP.Authorize(ctx, payments.AuthorizeRequest{Reference: r.Reference, Amount: r.Amount, Capture: r.Capture})
}

func (p racing) Lookup(ctx context.Context, r payments.LookupRequest) (payments.Finding, error) {
	return payments.Finding{Kind: payments.NotFound}, nil
}

func (p racing) Abandon(_ context.Context, r payments.AbandonRequest) (payments.Fence, error) {
	if r.Refs.Session == "" { // as paymongo and processout do
		select {
		case <-p.noted:
		default:
			close(p.asked)
			<-p.noted
		}
		return payments.Fenced, nil
	}
	return payments.FenceBroken, nil
}

// TestAFenceIsNotReappliedToAnAttemptThatHasMovedOn: A fence that was concluded while the PSP's id was not known must not close an attempt that has got its id meanwhile.
func TestAFenceIsNotReappliedToAnAttemptThatHasMovedOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, s2 := newFakePSP(), newFakePSP()
		p := racing{f, make(chan struct{}), make(chan struct{}), make(chan struct{})}
		w := newWorld(t, worldOptions{adapter: p, first: f, second: s2})
		defer w.close()
		o := w.options
		o.Now = func() time.Time { return time.Now().Add(30 * time.Second) } // the wall clock of another instance / after an NTP step
		other := flow.New(o)
		invoice, card := w.invoice("100.00"), w.card()
		claim := &payments.ClaimRequest{Scope: "s", Key: "k", Fingerprint: []byte{1}}
		done := make(chan payments.Snapshot)
		go func() {
			s, err := w.engine.Capture(t.Context(), flow.ChargeRequest{ProjectID: project, InvoiceID: invoice, Source: card, Claim: claim})
			if err != nil {
				t.Error(err)
			}
			done <- s
		}()
		synctest.Wait()
		other.Start()
		lapse(time.Second)
		close(p.settled)
		<-done
		_ = other.Stop(t.Context())
		charges, _, _, _ := f.held()
		pay := w.payment(invoice)
		if charges == 1 && pay.Transaction.Status == payments.StatusFailed {
			t.Error("the PSP has charged and the payment is failed, its key free: a retry charges twice")
		}
	})
}

// TestAPendingCaptureNeverFailsByTheClock: The PSP has said that it has the capture: that its totals do not show it yet proves nothing.
func TestAPendingCaptureNeverFailsByTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		defer w.close()
		w.engine.Start()
		invoice := w.authorized("100.00")
		w.first.script(payments.OpCapture, script{outcome: payments.Outcome{Status: payments.Pending}})
		if _, err := w.engine.Capture(t.Context(), flow.ChargeRequest{ProjectID: project, InvoiceID: invoice}); err != nil {
			t.Fatal(err)
		}
		lapse(5 * time.Minute)
		if p := w.payment(invoice); p.Transaction.Status != payments.StatusPendingCapture {
			t.Errorf("PSP said it has taken the capture; now %s, %s", p.Transaction.Status, p.Attempts[1].State)
		}
	})
}

// TestAbsenceTakesTwoLateAnswers: Answers before the PSP's longest processing time do not count.
func TestAbsenceTakesTwoLateAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		defer w.close()
		w.engine.Start()
		invoice := w.invoice("100.00")
		w.charge(invoice, w.card())
		w.first.script(payments.OpRefund, script{err: unknown()})
		began := time.Now()
		late := 0
		w.first.lookups = func() (payments.Finding, error) {
			if time.Since(began) > time.Minute {
				late++
			}
			return payments.Finding{Kind: payments.NotFound}, nil
		}
		if _, err := w.refund(invoice, ""); err != nil {
			t.Fatal(err)
		}
		for w.payment(invoice).Transaction.InFlight != "" {
			lapse(time.Second)
		}
		if late < 2 {
			t.Errorf("declared absent %s after sending with %d answers after the longest processing time, want 2", time.Since(began), late)
		}
	})
}

// TestATimedCaptureSurvivesAHiccup: A refused connection at the moment of an auto_capture_at must not cost the merchant the hold.
func TestATimedCaptureSurvivesAHiccup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		defer w.close()
		w.engine.Start()
		invoice := w.invoice("100.00")
		if _, err := w.engine.Authorize(t.Context(), flow.ChargeRequest{ProjectID: project, InvoiceID: invoice, Source: w.card(), AutoCaptureAt: time.Now().Add(time.Hour)}); err != nil {
			t.Fatal(err)
		}
		w.first.script(payments.OpCapture, script{err: payments.Faultf(payments.NeverSent, "connection refused")})
		lapse(6 * time.Hour)
		w.expect(invoice, payments.StatusCompleted)
	})
}

// TestAFinishedJobIsNotPutBack: A worker that has lost its lease moves nothing.
func TestAFinishedJobIsNotPutBack(t *testing.T) {
	w := newWorld(t, worldOptions{})
	defer w.close()
	now := time.Now()
	j := payments.Job{ProjectID: project, Key: "reverse:x", Kind: payments.JobReverse, SubjectID: "x", RunAt: now, CreatedAt: now}
	if err := w.store.Apply(t.Context(), payments.Change{Jobs: []payments.Job{j}}); err != nil {
		t.Fatal(err)
	}
	a, err := w.store.LeaseJobs(t.Context(), now.Add(time.Second), now.Add(time.Minute), 1)
	if err != nil || len(a) != 1 {
		t.Fatal(a, err)
	}
	b, err := w.store.LeaseJobs(t.Context(), now.Add(2*time.Minute), now.Add(3*time.Minute), 1)
	if err != nil || len(b) != 1 {
		t.Fatal(b, err)
	}
	if err := w.store.Apply(t.Context(), payments.Change{DoneJobs: []payments.JobDone{{ProjectID: project, Key: j.Key, Fence: b[0].Fence}}}); err != nil {
		t.Fatal(err)
	}
	stale := a[0] // what Engine.postpone writes
	stale.RunAt, stale.LeaseUntil = now, time.Time{}
	err = w.store.Apply(t.Context(), payments.Change{Jobs: []payments.Job{stale}, DoneJobs: []payments.JobDone{{ProjectID: project, Key: j.Key, Fence: stale.Fence}}})
	if _, some, _ := w.store.NextJobAt(t.Context()); some {
		t.Errorf("a finished job is back: %v", err)
	}
}

type flaky struct {
	flow.Ledger
	fail *int
}

func (f flaky) Apply(ctx context.Context, c payments.Change) error {
	for _, a := range c.Attempts {
		if a.State == payments.AttemptApproved && *f.fail > 0 {
			*f.fail--
			return errors.New("sqlite: begin: database is locked (5) (SQLITE_BUSY)")
		}
	}
	return f.Ledger.Apply(ctx, c)
}

// TestABusyStoreDoesNotLoseAnApproval: What the PSP said may not be told again.
func TestABusyStoreDoesNotLoseAnApproval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fail := 1
		w := newWorld(t, worldOptions{noFence: true, wrap: func(l flow.Ledger) flow.Ledger { return flaky{l, &fail} }})
		defer w.close()
		w.engine.Start()
		w.first.lookups = func() (payments.Finding, error) { return payments.Finding{Kind: payments.NotFound}, nil } // a hold does not show (Xendit)
		invoice := w.invoice("100.00")
		_, err := w.engine.Authorize(t.Context(), flow.ChargeRequest{ProjectID: project, InvoiceID: invoice, Source: w.card()})
		if err != nil {
			t.Error(err)
		}
		lapse(80 * time.Hour)
		p := w.payment(invoice)
		if p.Transaction.Status != payments.StatusAuthorized {
			t.Errorf("PSP approved, told us, and we have %s with refs %+v", p.Transaction.Status, p.Attempts[0].Refs)
		}
	})
}

type crashing struct {
	flow.Ledger
	on *bool
}

func (f crashing) Apply(ctx context.Context, c payments.Change) error {
	for _, a := range c.Attempts {
		if *f.on && a.Operation == payments.OpRefund && a.State != payments.AttemptSent {
			return errors.New("crashed")
		}
	}
	return f.Ledger.Apply(ctx, c)
}

// TestACrashReleasesTheKeyHoweverLongItTakesToKnow: The crash is remembered until the outcome is known.
func TestACrashReleasesTheKeyHoweverLongItTakesToKnow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		on := true
		w := newWorld(t, worldOptions{wrap: func(l flow.Ledger) flow.Ledger { return crashing{l, &on} }})
		defer w.close()
		invoice := w.invoice("100.00")
		w.charge(invoice, w.card())
		w.first.script(payments.OpRefund, script{err: unknown()})
		_, err := w.engine.Refund(t.Context(), flow.RefundRequest{ProjectID: project, InvoiceID: invoice, Claim: &payments.ClaimRequest{Scope: "s", Key: "k", Fingerprint: []byte{1}}})
		if err == nil {
			t.Error("the crash was not simulated")
		}
		on = false
		w.engine.Start()
		lapse(10 * time.Minute)
		c, err := w.store.Claim(t.Context(), payments.ClaimKey{ProjectID: project, Scope: "s", Key: "k"})
		if err == nil {
			t.Errorf("the key of a crashed refund that never happened holds: %+v", c.Snapshot.Code)
		}
	})
}

// TestAVerificationBecomesUnknown: After three days the token may get another card, and the old card's outcome no longer counts for it.
func TestAVerificationBecomesUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, worldOptions{noFence: true})
		defer w.close()
		w.engine.Start()
		w.first.script(payments.OpAuthorize, script{err: unknown()})
		w.first.lookups = func() (payments.Finding, error) { return payments.Finding{Kind: payments.NotFound}, nil }
		k, _ := w.tokens.CreateCustomer(t.Context(), payments.Customer{ProjectID: project, FirstName: "Ada", Sandbox: true}, nil)
		p, err := w.tokens.Create(t.Context(), tokens.Request{Token: payments.Token{ProjectID: project, CustomerID: k.Customer.ID}, Source: w.card(), Verify: true})
		if err != nil {
			t.Fatal(err)
		}
		s, err := w.engine.Verify(t.Context(), flow.VerifyRequest{Prepared: p})
		if err != nil {
			t.Fatal(err)
		}
		lapse(100 * time.Hour)
		tok, _ := w.store.Token(t.Context(), project, s.Token.ID)
		if tok.Verification != payments.VerificationUnknown {
			t.Errorf("after 100 h: %s", tok.Verification)
		}
		// Another card is put on it; then the first verification turns out to have been approved.
		again, err := w.tokens.Assign(t.Context(), project, k.Customer.ID, s.Token.ID, tokens.Request{Source: w.card()})
		if err != nil {
			t.Fatal(err)
		}
		w.first.script(payments.OpAuthorize, script{err: unknown()})
		if _, err := w.engine.Verify(t.Context(), flow.VerifyRequest{Prepared: again}); err != nil {
			t.Fatal(err)
		}
		old, _ := w.store.AttemptsOfToken(t.Context(), project, s.Token.ID)
		w.first.mu.Lock()
		w.first.byReference = map[string]payments.Finding{old[0].Reference: {Kind: payments.FoundOutcome, Outcome: payments.Outcome{Status: payments.Approved, Refs: payments.ProviderRefs{Charge: "x", Method: "old-method"}}}}
		w.first.mu.Unlock()
		lapse(3 * time.Hour)
		tok, _ = w.store.Token(t.Context(), project, s.Token.ID)
		rows, _ := w.store.Mappings(t.Context(), project, s.Token.ID)
		if tok.Verification != payments.VerificationPending || len(rows) > 0 {
			t.Errorf("the old card's verification counts for the new one: %s %+v", tok.Verification, rows)
		}
	})
}

// TestAMethodSavedForADeletedTokenIsForgotten: The token was deleted while its verification ran.
func TestAMethodSavedForADeletedTokenIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, worldOptions{verifying: true})
		defer w.close()
		w.engine.Start()
		w.first.script(payments.OpVerify, script{outcome: payments.Outcome{Status: payments.Pending}})
		w.first.lookups = func() (payments.Finding, error) { return payments.Finding{Kind: payments.Processing}, nil }
		k, _ := w.tokens.CreateCustomer(t.Context(), payments.Customer{ProjectID: project, FirstName: "Ada", Sandbox: true}, nil)
		p, err := w.tokens.Create(t.Context(), tokens.Request{Token: payments.Token{ProjectID: project, CustomerID: k.Customer.ID}, Source: w.card(), Verify: true})
		if err != nil {
			t.Fatal(err)
		}
		s, err := w.engine.Verify(t.Context(), flow.VerifyRequest{Prepared: p})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.tokens.Delete(t.Context(), project, k.Customer.ID, s.Token.ID, nil); err != nil {
			t.Fatal(err)
		}
		w.first.mu.Lock()
		w.first.lookups = func() (payments.Finding, error) {
			return payments.Finding{Kind: payments.FoundOutcome, Outcome: payments.Outcome{Status: payments.Approved, Refs: payments.ProviderRefs{Method: "tok_1", Customer: "cust_1"}}}, nil
		}
		w.first.mu.Unlock()
		lapse(3 * time.Hour)
		if w.first.count("delete") == 0 {
			t.Error("the PSP keeps the card of a deleted token")
		}
	})
}
