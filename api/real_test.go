package api

import (
	"context"
	"testing"
	"time"

	"switchyard/adapters"
	"switchyard/flow"
	"switchyard/payments"
	"switchyard/router"
)

// psp is an adapter that does what the card number says.
type psp struct{}

func (psp) charge(s payments.Source) (payments.Outcome, error) {
	refs := payments.ProviderRefs{Charge: "pay_1"}
	switch {
	case s.Card != nil && s.Card.Number.Equal("4000000000000002"):
		return payments.Outcome{Status: payments.Declined, Code: payments.CardNoMoney, RawCode: "51", RawMessage: "no money", Refs: refs}, nil
	case s.Card != nil && s.Card.Number.Equal("4000000000000101"):
		return payments.Outcome{Status: payments.ActionRequired, Refs: refs, Action: &payments.CustomerAction{Type: "redirect", Value: "https://psp.example/3ds"}}, nil
	}
	return payments.Outcome{Status: payments.Approved, Refs: refs, NetworkTransactionID: "nti-1", CVCCheck: "passed"}, nil
}

func (p psp) Authorize(_ context.Context, r payments.AuthorizeRequest) (payments.Outcome, error) {
	return p.charge(r.Source)
}

func (p psp) Verify(_ context.Context, r payments.VerifyRequest) (payments.Outcome, error) {
	return p.charge(r.Source)
}

func (psp) Capture(context.Context, payments.CaptureRequest) (payments.Outcome, error) {
	return payments.Outcome{Status: payments.Approved}, nil
}

func (psp) Refund(context.Context, payments.RefundRequest) (payments.Outcome, error) {
	return payments.Outcome{Status: payments.Approved, Refs: payments.ProviderRefs{Operation: "ref_1"}}, nil
}

func (psp) Void(context.Context, payments.VoidRequest) (payments.Outcome, error) {
	return payments.Outcome{Status: payments.Approved}, nil
}

func (psp) Lookup(context.Context, payments.LookupRequest) (payments.Finding, error) {
	return payments.Finding{Kind: payments.Processing}, nil
}

// TestRealEngine runs the API over the engine that merchants get: what it stores for a key renders to the bytes of the first
// answer.
func TestRealEngine(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *Options) {
		store, _ := o.Reads.(*memory)
		able := payments.Capabilities{ManualCapture: true, PartialCapture: true, PartialRefund: true, MerchantInitiated: true, ZeroVerify: true}
		r := router.New(router.Compile(router.Config{
			Version: "v1", Priority: []string{gatewayID}, MaxAttempts: 3,
			Gateways: []router.Gateway{{ID: gatewayID, PSP: "paymongo", Name: "Main", Enabled: true, Capabilities: able}},
		}), router.Settings{Now: o.Now})
		o.Engine = flow.New(flow.Options{
			Ledger: store, Tokens: o.Tokens, Vault: o.Vault, Router: r, Projects: o.Projects.Project, Now: o.Now,
			Gateways: []flow.Gateway{{ID: gatewayID, PSP: "paymongo", Currency: "PHP", Adapter: adapters.Adapter(psp{}), Capabilities: able, Timeout: time.Second}},
		})
	})
	twice := func(path string, body map[string]any) got {
		t.Helper()
		name := payments.NewReference()
		first := w.private("POST", path, body, key(name)...)
		w.now.pass(time.Minute)
		again := w.private("POST", path, body, key(name)...)
		if first.body != again.body || again.header.Get(headerReplayed) != "true" {
			t.Errorf("%s: first\n%s\nagain\n%s", path, first.body, again.body)
		}
		return first
	}
	card := func(number string) string {
		return w.public("POST", "/cards", cardBody(number)).ok(t).text("card", "id")
	}
	customer := w.customer()
	token := w.token(customer, map[string]any{"source": card(goodCard)}).ok(t).text("token", "id")
	invoice := func() string {
		return "/invoices/" + w.invoice(map[string]any{"customer_id": customer}).text("invoice", "id")
	}

	path := invoice()
	if g := twice(path+"/authorize", map[string]any{"source": token}).ok(t); g.text("transaction", "status") != "authorized" || len(g.at("transaction", "operations").([]any)) != 3 {
		t.Error(g.body)
	}
	if g := twice(path+"/capture", map[string]any{"source": ""}).ok(t); g.text("transaction", "status") != "completed" || g.text("transaction", "cvc_check") != "passed" {
		t.Error(g.body)
	}
	if g := twice(path+"/refunds", map[string]any{"amount": "10.00"}).ok(t); g.text("refund", "amount") != "10" || g.text("refund", "status") != "succeeded" {
		t.Error(g.body)
	}
	w.private("POST", path+"/refunds", map[string]any{"amount": "90.01"}).fails(t, 400, payments.CodeInvalidAmount)
	path = invoice()
	w.private("POST", path+"/authorize", map[string]any{"source": token}).ok(t)
	if g := twice(path+"/void", map[string]any{}).ok(t); g.text("transaction", "status") != "voided" {
		t.Error(g.body)
	}
	path = invoice()
	twice(path+"/capture", map[string]any{"source": card("4000000000000002")}).fails(t, 410, string(payments.CardNoMoney))
	if g := w.private("GET", path+"?expand=transaction.operations", nil).ok(t); g.text("invoice", "transaction", "status") != "failed" || g.text("invoice", "transaction", "operations", 2, "gateway_data", "raw_code") != "51" {
		t.Error(g.body)
	}
	if g := w.private("GET", path+"/decision", nil).ok(t); g.text("decision", "candidates", 0, "verdict") != "chosen" || g.text("decision", "attempts", 0, "state") != "declined" {
		t.Error(g.body)
	}
	if g := w.private("POST", path+"/capture", map[string]any{"source": card("4000000000000101")}, key("another")...).ok(t); g.text("customer_action", "type") != "redirect" || g.text("transaction", "status") != "pending" {
		t.Error(g.body)
	}
	if g := twice("/customers/"+customer+"/tokens", map[string]any{"source": card(goodCard), "verify": true}).ok(t); g.text("token", "verification_status") != "success" {
		t.Error(g.body)
	}
	twice("/customers/"+customer+"/tokens", map[string]any{"source": card("4000000000000002"), "verify": true}).fails(t, 410, string(payments.CardNoMoney))
}
