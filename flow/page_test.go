package flow_test

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"switchyard/flow"
	"switchyard/payments"
	"switchyard/tokens"
)

const pageLink = "https://psp.example/checkout?csc=cs_secret_of_the_payer"

// pagePSP also has a page of its own, on which the payer pays and saves, and knows customers.
type pagePSP struct {
	fencingPSP
	sessions []payments.SessionRequest
	payers   []payments.Payer
	syncs    func(payments.Payer) (string, error)
	dropped  []string
	results  []payments.ContinueRequest
	next     func(payments.ContinueRequest) (payments.Outcome, error)
}

func (p *pagePSP) StartSession(ctx context.Context, r payments.SessionRequest) (payments.Outcome, error) {
	if err := r.Note(ctx, payments.ProviderRefs{Session: "session-" + r.Reference}); err != nil {
		return payments.Outcome{}, payments.NewFault(payments.NeverSent, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	r.Note = nil
	p.sessions = append(p.sessions, r)
	return payments.Outcome{Status: payments.ActionRequired, Action: &payments.CustomerAction{Type: "redirect", Value: pageLink}}, nil
}

func (p *pagePSP) SyncCustomer(_ context.Context, payer payments.Payer) (string, error) {
	p.mu.Lock()
	p.payers = append(p.payers, payer)
	syncs := p.syncs
	p.mu.Unlock()
	if syncs != nil {
		return syncs(payer)
	}
	return "cus-" + payer.CustomerID, nil
}

func (p *pagePSP) ListMethods(_ context.Context, ref string) ([]payments.SavedMethod, error) {
	if ref == "cus-gone" {
		return nil, unknown()
	}
	return []payments.SavedMethod{{MethodRef: "pm-1", Usable: true}, {MethodRef: "pm-other", Usable: true}}, nil
}

func (p *pagePSP) DeleteCustomer(_ context.Context, ref string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dropped = append(p.dropped, ref)
	return nil
}

func (p *pagePSP) Continue(_ context.Context, r payments.ContinueRequest) (payments.Outcome, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.results = append(p.results, r)
	return p.next(r)
}

// pays is the payer on the page: the PSP's truth about every session from now on.
func (p *pagePSP) pays(o payments.Outcome) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lookups = func() (payments.Finding, error) {
		return payments.Finding{Kind: payments.FoundOutcome, Outcome: o}, nil
	}
}

func (p *pagePSP) idle() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lookups = func() (payments.Finding, error) { return payments.Finding{Kind: payments.Processing}, nil }
}

func newPageWorld(t *testing.T, able func(*payments.Capabilities)) (*world, *pagePSP) {
	t.Helper()
	first := newFakePSP()
	psp := &pagePSP{fencingPSP: fencingPSP{first}}
	psp.idle()
	return newWorld(t, worldOptions{first: first, second: newFakePSP(), adapter: psp, able: able}), psp
}

func hosted(c *payments.Capabilities) {
	c.HostedOnly, c.PageSaves, c.MerchantInitiatedSaleOnly = true, true, true
}

func (w *world) customer() string {
	w.t.Helper()
	s, err := w.tokens.CreateCustomer(w.t.Context(), payments.Customer{ProjectID: project, FirstName: "Ada", Sandbox: true}, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return s.Customer.ID
}

func (w *world) invoiceOf(customer string, change func(*payments.Invoice)) string {
	w.t.Helper()
	invoice := payments.Invoice{
		ProjectID: project, CustomerID: customer, Name: "Order", Amount: payments.Money{Minor: 100_00, Currency: "PHP"}, Sandbox: true,
		ReturnURL: "https://shop.example/done", CancelURL: "https://shop.example/cancelled",
	}
	if change != nil {
		change(&invoice)
	}
	s, err := w.engine.CreateInvoice(w.t.Context(), invoice, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return s.Invoice.ID
}

func (w *world) onPage(invoice string, change func(*flow.ChargeRequest)) payments.Snapshot {
	w.t.Helper()
	r := flow.ChargeRequest{ProjectID: project, InvoiceID: invoice, Source: "gway_conf_first", SaveSource: true}
	if change != nil {
		change(&r)
	}
	s, err := w.engine.Capture(w.t.Context(), r)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

func (w *world) back(invoice string) string {
	w.t.Helper()
	attempts := w.payment(invoice).Attempts
	address, err := w.engine.Returned(w.t.Context(), project, attempts[len(attempts)-1].ID, "")
	if err != nil {
		w.t.Fatal(err)
	}
	return address
}

// TestAPageIsPaidAndKept: what the payer saves on the PSP's page becomes a token bound to that PSP; the next payment with the
// token goes to the page again, which offers it first.
func TestAPageIsPaidAndKept(t *testing.T) {
	w, psp := newPageWorld(t, hosted)
	defer w.close()
	customer := w.customer()
	invoice := w.invoiceOf(customer, nil)
	s := w.onPage(invoice, nil)
	if s.Action == nil || s.Action.Value != pageLink || s.Transaction.Status != payments.StatusPending {
		t.Fatalf("%+v", s)
	}
	if again := w.onPage(invoice, nil); again.Action == nil || again.Action.Value != pageLink || len(psp.sessions) != 1 {
		t.Errorf("asked again: %+v after %d sessions", again.Action, len(psp.sessions))
	}
	stored, err := json.Marshal(w.payment(invoice).Attempts)
	if err != nil || strings.Contains(string(stored), "cs_secret") {
		t.Errorf("the link to the page lies in the store in the open: %v", err)
	}
	psp.pays(payments.Outcome{Status: payments.Approved, MethodOnly: payments.CustomerInitiated, Refs: payments.ProviderRefs{Method: "pm-1", Customer: "cus-" + customer}})
	if address := w.back(invoice); address != "https://shop.example/done" {
		t.Errorf("the payer goes on to %q", address)
	}
	paid := w.expect(invoice, payments.StatusCompleted)
	token, err := w.store.Token(t.Context(), project, paid.Transaction.TokenID)
	if err != nil || token.Type != payments.TokenGatewayToken || token.GatewayConfigurationID != "gway_conf_first" || !token.Chargeable() || token.CustomerID != customer {
		t.Fatalf("token %+v, %v", token, err)
	}

	psp.idle()
	next := w.invoiceOf(customer, nil)
	s = w.onPage(next, func(r *flow.ChargeRequest) { r.Source, r.SaveSource = token.ID, false })
	got := psp.sessions[len(psp.sessions)-1]
	if s.Action == nil || got.PreferredMethod != "pm-1" || !got.ShowSaved || got.Payer.CustomerRef != "cus-"+customer || got.Save {
		t.Errorf("a session for the saved one: %+v", got)
	}
	psp.pays(payments.Outcome{Status: payments.Approved, Refs: payments.ProviderRefs{Method: "pm-other"}}) // another card on the page
	w.back(next)
	w.expect(next, payments.StatusCompleted)
	rows, err := w.store.Mappings(t.Context(), project, token.ID)
	if err != nil || len(rows) != 1 || rows[0].MethodRef != "pm-1" || rows[0].Only != payments.CustomerInitiated {
		t.Errorf("mappings %+v, %v", rows, err)
	}
	kept, err := w.engine.SavedMethods(t.Context(), project, customer)
	want := []flow.KeptMethods{{GatewayConfigurationID: "gway_conf_first", PSP: "first", Methods: []flow.KeptMethod{
		{SavedMethod: payments.SavedMethod{MethodRef: "pm-1", Usable: true}, TokenID: token.ID},
		{SavedMethod: payments.SavedMethod{MethodRef: "pm-other", Usable: true}},
	}}}
	if diff := cmp.Diff(want, kept); diff != "" || err != nil {
		t.Errorf("saved methods (%v): %s", err, diff)
	}
}

// TestAMethodIsKeptOnce: saving the same method again does not make a second token.
func TestAMethodIsKeptOnce(t *testing.T) {
	w, psp := newPageWorld(t, hosted)
	defer w.close()
	customer := w.customer()
	var first string
	for range 2 {
		psp.idle()
		invoice := w.invoiceOf(customer, nil)
		w.onPage(invoice, nil)
		psp.pays(payments.Outcome{Status: payments.Approved, Refs: payments.ProviderRefs{Method: "pm-1"}})
		w.back(invoice)
		token := w.expect(invoice, payments.StatusCompleted).Transaction.TokenID
		if first == "" {
			first = token
		}
		if token == "" || token != first {
			t.Errorf("token %q, the first was %q", token, first)
		}
	}
}

// TestAPageCloses: a page that nobody uses is closed by the PSP or by us after its time, and not before; its payment fails
// only then, and the payer goes on to the merchant's cancel address.
func TestAPageCloses(t *testing.T) {
	for name, tc := range map[string]struct {
		expires time.Duration
		open    time.Duration // still open after that
		closed  time.Duration
	}{
		"by default":     {0, 15 * time.Minute, 18 * time.Minute},
		"by the invoice": {time.Hour, 59 * time.Minute, 64 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, psp := newPageWorld(t, hosted)
				defer w.close()
				w.engine.Start()
				invoice := w.invoiceOf(w.customer(), func(i *payments.Invoice) {
					if tc.expires > 0 {
						i.ExpiresAt = time.Now().Add(tc.expires)
					}
				})
				w.onPage(invoice, nil)
				if ends := time.Until(psp.sessions[0].ExpiresAt); ends > tc.open+2*time.Minute || ends < tc.open-time.Minute {
					t.Errorf("the PSP was told that the page closes in %v", ends)
				}
				lapse(tc.open)
				w.expect(invoice, payments.StatusPending)
				if n := psp.count(payments.OpAbandon); n != 0 {
					t.Errorf("the page was closed %d times before its time", n)
				}
				lapse(tc.closed - tc.open)
				p := w.expect(invoice, payments.StatusFailed)
				if a := p.Attempts[0]; a.Code != payments.GatewayExpired || w.back(invoice) != "https://shop.example/cancelled" {
					t.Errorf("attempt %+v", a)
				}
			})
		})
	}
}

// TestACustomerIsMadeOnce: however many payments begin at once, a PSP gets to know a customer once; and never as somebody else.
func TestACustomerIsMadeOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, psp := newPageWorld(t, hosted)
		defer w.close()
		psp.syncs = func(p payments.Payer) (string, error) {
			time.Sleep(time.Second) // all others arrive meanwhile
			return "cus-" + p.CustomerID, nil
		}
		customer := w.customer()
		var wg sync.WaitGroup
		for range 16 {
			invoice := w.invoiceOf(customer, nil)
			wg.Go(func() { w.onPage(invoice, nil) })
		}
		wg.Wait()
		if len(psp.payers) != 1 {
			t.Errorf("the customer was made known %d times", len(psp.payers))
		}
	})
}

// TestAPSPsCustomerIsOneOfOurs: nobody is offered the cards of another customer, and a customer who cannot be made known can
// pay all the same.
func TestAPSPsCustomerIsOneOfOurs(t *testing.T) {
	w, psp := newPageWorld(t, hosted)
	defer w.close()
	customer := w.customer()
	w.onPage(w.invoiceOf(customer, nil), nil)
	psp.syncs = func(payments.Payer) (string, error) { return "cus-" + customer, nil } // the PSP takes another for the same
	w.onPage(w.invoiceOf(w.customer(), nil), nil)
	if got := psp.sessions[len(psp.sessions)-1]; got.Payer.CustomerRef != "" || got.ShowSaved {
		t.Errorf("another customer was offered the first one's cards: %+v", got)
	}
	psp.syncs = func(payments.Payer) (string, error) { return "", unknown() }
	if s := w.onPage(w.invoiceOf(w.customer(), nil), nil); s.Action == nil {
		t.Error("a payment fails because its payer cannot be made known")
	}
}

// TestSavingRefusedCostsNothing: a PSP that does not save for this account gets the same payment without saving, once; the
// next payments do not ask.
func TestSavingRefusedCostsNothing(t *testing.T) {
	w, psp := newPageWorld(t, func(c *payments.Capabilities) { c.SavesInline = true })
	defer w.close()
	refused := payments.Faultf(payments.Misconfigured, "vaulting")
	refused.SaveRefused, refused.RawCode, refused.RawMessage = true, "parameter_invalid", "On session payments are not yet supported."
	psp.script(payments.OpAuthorize, script{err: refused})
	invoice, token := w.invoice("100.00"), w.token()
	if s := w.charge(invoice, token); s.Transaction.Status != payments.StatusCompleted || s.Transaction.PSP != "first" {
		t.Fatalf("%s at %s", s.Transaction.Status, s.Transaction.PSP)
	}
	attempts := w.payment(invoice).Attempts
	if len(attempts) != 2 || attempts[0].State != payments.AttemptFailed || attempts[0].RawMessage == "" || attempts[1].State != payments.AttemptApproved {
		t.Errorf("attempts %+v", attempts)
	}
	if n, _, captured, _ := psp.held(); n != 1 || captured != 100_00 {
		t.Errorf("the PSP has %d charges of %d", n, captured)
	}
	next := w.invoice("100.00")
	w.charge(next, w.token())
	if n := len(w.payment(next).Attempts); n != 1 {
		t.Errorf("the next payment took %d attempts", n)
	}
}

// TestResultsAreCarried: a PSP that has to be told the result of the payer's step is told it; what it answers is what counts,
// and an answer that is lost is asked after.
func TestResultsAreCarried(t *testing.T) {
	further := &payments.CustomerAction{Type: "redirect", Value: "https://psp.example/challenge"}
	for name, tc := range map[string]struct {
		outcome payments.Outcome
		err     error
		found   payments.Finding
		status  payments.TransactionStatus
		action  bool
	}{
		"approved":       {payments.Outcome{Status: payments.Approved}, nil, payments.Finding{}, payments.StatusCompleted, false},
		"declined":       {payments.Outcome{Status: payments.Declined, Code: payments.CardFailed3DS}, nil, payments.Finding{}, payments.StatusFailed, false},
		"another step":   {payments.Outcome{Status: payments.ActionRequired, Action: further}, nil, payments.Finding{}, payments.StatusPending, true},
		"refused":        {payments.Outcome{}, payments.Faultf(payments.Rejected, "no such step"), payments.Finding{Kind: payments.Processing}, payments.StatusPending, true},
		"throttled":      {payments.Outcome{}, payments.Faultf(payments.Throttled, "429"), payments.Finding{Kind: payments.FoundOutcome, Outcome: payments.Outcome{Status: payments.Approved}}, payments.StatusCompleted, false},
		"lost, but done": {payments.Outcome{}, payments.Faultf(payments.Unknown, "reset"), payments.Finding{Kind: payments.FoundOutcome, Outcome: payments.Outcome{Status: payments.Approved}}, payments.StatusCompleted, false},
		"lost":           {payments.Outcome{}, payments.Faultf(payments.Unknown, "reset"), payments.Finding{Kind: payments.Processing}, payments.StatusPending, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, psp := newPageWorld(t, nil)
				defer w.close()
				psp.script(payments.OpAuthorize, script{outcome: payments.Outcome{Status: payments.ActionRequired, Action: &payments.CustomerAction{Type: "fingerprint", Value: "https://psp.example/fingerprint"}}})
				invoice := w.invoice("100.00")
				w.charge(invoice, w.card())
				psp.next = func(payments.ContinueRequest) (payments.Outcome, error) { return tc.outcome, tc.err }
				psp.lookups = func() (payments.Finding, error) { return tc.found, nil }
				s := w.charge(invoice, "gway_req_eyJib2R5Ijoi4oCmIn0")
				if s.Transaction.Status != tc.status || (s.Action != nil) != tc.action {
					t.Errorf("%s, action %+v", s.Transaction.Status, s.Action)
				}
				a := w.expect(invoice, tc.status).Attempts[0]
				if len(psp.results) != 1 || psp.results[0].Reference != a.Reference || psp.results[0].Result != "gway_req_eyJib2R5Ijoi4oCmIn0" || psp.results[0].Refs.Session == "" {
					t.Errorf("carried %+v", psp.results)
				}
				if w.second.count(payments.OpAuthorize) != 0 || psp.count(payments.OpAuthorize) != 1 {
					t.Error("going on charged again")
				}
			})
		})
	}
}

// TestAResultIsCarriedThoughTheReturnIsUsed: a result that has not reached the PSP yet is carried by the next return, and a second
// step has a return of its own.
func TestAResultIsCarriedThoughTheReturnIsUsed(t *testing.T) {
	w, psp := newPageWorld(t, nil)
	defer w.close()
	first := payments.Outcome{Status: payments.ActionRequired, Action: &payments.CustomerAction{Type: "fingerprint", Value: "https://psp.example/fingerprint"}}
	second := payments.Outcome{Status: payments.ActionRequired, Action: &payments.CustomerAction{Type: "redirect", Value: "https://psp.example/challenge"}}
	psp.script(payments.OpAuthorize, script{outcome: first})
	psp.next = func(payments.ContinueRequest) (payments.Outcome, error) { return second, nil }
	psp.lookups = func() (payments.Finding, error) { return payments.Finding{Kind: payments.Processing}, nil }
	invoice := w.invoice("100.00")
	w.charge(invoice, w.card())
	attempt := w.payment(invoice).Attempts[0].ID
	for i, result := range []string{"", "gway_req_one", ""} {
		if _, err := w.engine.Returned(t.Context(), project, attempt, result); err != nil {
			t.Fatal(err)
		}
		a := w.payment(invoice).Attempts[0]
		if carried := min(i, 1); len(psp.results) != carried || a.Returned != (i != 1) || a.State != payments.AttemptAction {
			t.Errorf("return %d: %d results were carried, returned %v, %s", i, len(psp.results), a.Returned, a.State)
		}
	}
}

// overtaken is a ledger in which something else happens to an attempt just before its return is written, as long as that is set.
type overtaken struct {
	flow.Ledger

	by *func()
}

func (l overtaken) Apply(ctx context.Context, c payments.Change) error {
	if by := *l.by; by != nil && len(c.Attempts) == 1 && c.Attempts[0].Returned && c.Attempts[0].State == payments.AttemptAction {
		*l.by = nil
		by()
	}
	return l.Ledger.Apply(ctx, c)
}

// TestAReturnIsOvertaken: a payer who comes back while a webhook or another return brings the outcome goes where that leads.
func TestAReturnIsOvertaken(t *testing.T) {
	for status, want := range map[payments.OutcomeStatus]string{payments.Declined: "https://shop.example/cancelled", payments.Approved: "https://shop.example/done"} {
		var by func()
		first := newFakePSP()
		psp := &pagePSP{fencingPSP: fencingPSP{first}}
		w := newWorld(t, worldOptions{first: first, second: newFakePSP(), adapter: psp, able: hosted, wrap: func(l flow.Ledger) flow.Ledger { return overtaken{l, &by} }})
		invoice := w.invoiceOf(w.customer(), nil)
		psp.idle()
		w.onPage(invoice, nil)
		psp.pays(payments.Outcome{Status: status, Code: payments.CardFailed3DS})
		by = func() { w.back(invoice) }
		if got := w.back(invoice); got != want || by != nil {
			t.Errorf("%s: the payer comes back to %s, want %s", status, got, want)
		}
		w.close()
	}
}

// TestATokenSavedOnAPage: a method that the payer saves on a PSP's page is verified by that, is bound to the PSP, and is charged
// only by whom the payer agreed to.
func TestATokenSavedOnAPage(t *testing.T) {
	w, psp := newPageWorld(t, hosted)
	defer w.close()
	customer := w.customer()
	p, err := w.tokens.Create(t.Context(), tokens.Request{Token: payments.Token{ProjectID: project, CustomerID: customer}, Source: tokens.AnyPage})
	if err != nil || !p.Verify || p.Token.Chargeable() {
		t.Fatalf("%+v, %v", p.Token, err)
	}
	s, err := w.engine.Verify(t.Context(), flow.VerifyRequest{Prepared: p})
	if err != nil || s.Action == nil || s.Action.Value != pageLink {
		t.Fatalf("%+v, %v", s, err)
	}
	if got := psp.sessions[0]; got.Amount.Minor != 0 || !got.Save || got.ShowSaved {
		t.Errorf("session %+v", got)
	}
	psp.pays(payments.Outcome{Status: payments.Approved, MethodOnly: payments.MerchantInitiated, Refs: payments.ProviderRefs{Method: "si-1"}})
	token, err := w.store.Token(t.Context(), project, s.Token.ID)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok, err := w.engine.ContinueVerification(t.Context(), token, "gway_req_e30"); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if token, err = w.store.Token(t.Context(), project, s.Token.ID); err != nil || !token.Chargeable() || token.GatewayConfigurationID != "gway_conf_first" || token.Type != payments.TokenGatewayToken {
		t.Fatalf("%+v, %v", token, err)
	}
	_, err = w.engine.Capture(t.Context(), flow.ChargeRequest{ProjectID: project, InvoiceID: w.invoiceOf(customer, nil), Source: token.ID})
	if payments.ErrorCode(err) != payments.CodeNoGateway {
		t.Errorf("charged on the payer's initiative: %v", err)
	}
	mit := w.invoiceOf(customer, func(i *payments.Invoice) { i.Initiation = payments.MerchantInitiated })
	if s := w.charge(mit, token.ID); s.Transaction.Status != payments.StatusCompleted || s.Action != nil {
		t.Errorf("on the merchant's initiative: %s", s.Transaction.Status)
	}
	if got := psp.sources[len(psp.sources)-1]; got.Method != "si-1" || got.Card != nil {
		t.Errorf("charged %+v", got)
	}
}

// TestACustomersEndIsTold: PSPs that know a deleted customer are asked to forget them.
func TestACustomersEndIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, psp := newPageWorld(t, hosted)
		defer w.close()
		w.engine.Start()
		customer := w.customer()
		w.onPage(w.invoiceOf(customer, nil), nil)
		if _, err := w.tokens.DeleteCustomer(t.Context(), project, customer, nil); err != nil {
			t.Fatal(err)
		}
		lapse(10 * time.Second)
		if diff := cmp.Diff([]string{"cus-" + customer}, psp.dropped); diff != "" {
			t.Error(diff)
		}
		if links, err := w.store.Links(t.Context(), project, customer); err != nil || len(links) != 0 {
			t.Errorf("links %v, %v", links, err)
		}
	})
}
