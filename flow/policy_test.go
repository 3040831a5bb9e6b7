package flow_test

import (
	"strings"
	"testing"
	"time"

	"switchyard/flow"
	"switchyard/payments"
	"switchyard/router"
	"switchyard/router/rules"
	"switchyard/vault"
)

func policyOf(t *testing.T, text string) *rules.Policy {
	t.Helper()
	doc, _ := rules.Decode("routing.yaml", []byte(text))
	p, faults := rules.Compile(doc, []rules.Gateway{{ID: "gway_conf_first"}, {ID: "gway_conf_second"}, {ID: "gway_conf_third"}})
	if len(faults) > 0 {
		t.Fatal(faults.Error())
	}
	return p
}

// TestPolicyDecides: the rule's order is the one in which PSPs are called, and rules can ask for what is stored.
func TestPolicyDecides(t *testing.T) {
	w := newWorld(t, worldOptions{policy: `
rules:
  - name: Philippine subscriptions
    when: {currency: PHP, method: card, scheme: visa, operation: sale, payment_intent: recurring, customer_country: PH}
    route: {priority: [gway_conf_second]}
default: {block: {message: "another rule"}}
`})
	defer w.close()
	customer, err := w.tokens.CreateCustomer(t.Context(), payments.Customer{ProjectID: project, CountryCode: "PH", Sandbox: true}, nil)
	if err != nil {
		t.Fatal(err)
	}
	invoice := w.invoiceOf(customer.Customer.ID, func(i *payments.Invoice) { i.PaymentIntent = "recurring" })
	w.charge(invoice, w.card())
	p := w.expect(invoice, payments.StatusCompleted)
	if d := p.Attempts[0].Decision; len(p.Attempts) != 1 || p.Attempts[0].PSP != "second" || d == nil || d.Rule != "Philippine subscriptions" {
		t.Errorf("%+v", p.Attempts)
	}
}

// TestPolicyAsksForTheIssuer: of a card that was vaulted before its issuer was known, what its six digits tell decides, and the
// decision says so.
func TestPolicyAsksForTheIssuer(t *testing.T) {
	w := newWorld(t, worldOptions{
		policy: `
rules:
  - name: French debit
    when: {issuer_country: FR, funding: debit}
    route: {priority: [gway_conf_second]}
default: {block: {message: "another rule"}}
`,
		issuers: func(digits string) payments.IssuerFacts {
			if digits != "424242" { // as it is when it pays; eight digits are looked up when it is vaulted
				return payments.IssuerFacts{}
			}
			return payments.IssuerFacts{Country: "FR", Funding: "debit", Bank: "Banque"}
		},
	})
	defer w.close()
	invoice, card := w.invoice("100.00"), w.card()
	if kept, err := w.vault.Card(t.Context(), project, card); err != nil || kept.Facts.Country != "" {
		t.Fatalf("%+v, %v", kept, err)
	}
	w.charge(invoice, card)
	p := w.expect(invoice, payments.StatusCompleted)
	d := p.Attempts[0].Decision
	if p.Attempts[0].PSP != "second" || d == nil || d.Rule != "French debit" || d.Facts.CardCountry != "FR" || d.Facts.Funding != "debit" || d.Facts.IIN != "424242" {
		t.Errorf("%+v", d)
	}
}

// TestPolicyCountsMoves: a payment moves on as often as the policy says, and no more.
func TestPolicyCountsMoves(t *testing.T) {
	for retry, attempts := range map[string]int{"{max_attempts: 3, classes: {A: 1}}": 2, "{max_attempts: 3, classes: {A: 2}}": 3, "{max_attempts: 2}": 2} {
		t.Run(retry, func(t *testing.T) {
			w := newWorld(t, worldOptions{third: true, policy: "retry: " + retry + "\ndefault: {smart: all}\n"})
			defer w.close()
			for _, psp := range []*fakePSP{w.first, w.second, w.second} {
				psp.script(payments.OpAuthorize, script{err: payments.Faultf(payments.NeverSent, "refused")})
			}
			invoice := w.invoice("100.00")
			w.charge(invoice, w.card())
			if got := len(w.payment(invoice).Attempts); got != attempts {
				t.Errorf("%d attempts, want %d", got, attempts)
			}
		})
	}
}

// TestPolicyBlocks: nothing is sent, and the merchant is told what the rule says.
func TestPolicyBlocks(t *testing.T) {
	w := newWorld(t, worldOptions{policy: `{rules: [{name: no visa, when: {scheme: visa}, route: {block: {message: "We take no Visa."}}}], default: {smart: all}}`})
	defer w.close()
	invoice, card := w.invoice("100.00"), w.card()
	_, err := w.engine.Capture(t.Context(), flow.ChargeRequest{ProjectID: project, InvoiceID: invoice, Source: card})
	if payments.ErrorCode(err) != payments.CodeNoGateway || !strings.Contains(err.Error(), "We take no Visa.") {
		t.Errorf("the merchant is told %v", err)
	}
	why := func() payments.Decision {
		t.Helper()
		d, _, err := w.engine.Explain(t.Context(), project, invoice)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	if d := why(); d.Rule != "no visa" || d.Blocked != "We take no Visa." || d.Facts == nil || d.Facts.Scheme != payments.SchemeVisa {
		t.Errorf("the refusal is explained by %+v", d)
	}
	if p := w.payment(invoice); len(p.Attempts) != 0 || w.first.count(payments.OpAuthorize)+w.second.count(payments.OpAuthorize) != 0 {
		t.Errorf("something was sent: %+v", p.Attempts)
	}
	data, err := payments.NewCardData("5555555555554444", 12, 2049, "123", "Ada Lovelace", time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	other, err := w.vault.Put(t.Context(), vault.CardInput{ProjectID: project, Data: data, Sandbox: true}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if s := w.charge(invoice, other.Card.ID); s.Transaction.Status != payments.StatusCompleted || s.Transaction.Refused != nil || why().Rule != "default" {
		t.Errorf("with another card: %s, explained by %+v", s.Transaction.Status, why())
	}
}

// TestPolicyIsStricter: where a payment might move on, the policy may forbid it; never the reverse.
func TestPolicyIsStricter(t *testing.T) {
	refused := script{outcome: payments.Outcome{Status: payments.Declined, Code: payments.CardDoNotHonor}}
	neverSent := script{err: payments.Faultf(payments.NeverSent, "refused")}
	misconfigured := script{err: payments.Faultf(payments.Misconfigured, "401")}
	stolen := script{outcome: payments.Outcome{Status: payments.Declined, Code: payments.CardStolen}}
	for name, tc := range map[string]struct {
		retry string
		first script
		moves bool
	}{
		"as the program says":         {"{}", refused, true},
		"not after an issuer":         {"{classes: {B: 0}}", refused, false},
		"another class":               {"{classes: {A: 0, H: 0}}", refused, true},
		"not after nothing":           {"{classes: {A: 0}}", neverSent, false},
		"once after nothing":          {"{classes: {A: 1}}", neverSent, true},
		"not after wrong settings":    {"{classes: {H: 0}}", misconfigured, false},
		"settings are not nothing":    {"{classes: {A: 0}}", misconfigured, true},
		"one attempt":                 {"{max_attempts: 1}", neverSent, false},
		"no policy makes it possible": {"{max_attempts: 9, classes: {A: 9, B: 1, H: 9}}", stolen, false},
	} {
		t.Run(name, func(t *testing.T) {
			retry := "retry: " + tc.retry + "\n"
			if tc.retry == "{}" {
				retry = ""
			}
			w := newWorld(t, worldOptions{policy: retry + "exploration: {cap_bps: 0, floor_bps: 0}\ndefault: {smart: all}\n"})
			defer w.close()
			w.first.script(payments.OpAuthorize, tc.first)
			invoice, card := w.invoice("100.00"), w.card()
			w.charge(invoice, card)
			if moved := len(w.payment(invoice).Attempts) == 2; moved != tc.moves {
				t.Errorf("moved on is %v, want %v", moved, tc.moves)
			}
		})
	}
}

// TestExplainAsksTheRules: before any attempt, the decision shown is that of the rules, with the invoice's intent and its
// customer's country.
func TestExplainAsksTheRules(t *testing.T) {
	w := newWorld(t, worldOptions{policy: `{rules: [{name: subscriptions, when: {payment_intent: recurring}, route: {priority: [gway_conf_second]}}], default: {smart: all}}`})
	defer w.close()
	for intent, rule := range map[string]string{"": "default", "recurring": "subscriptions"} {
		invoice := w.invoice("100.00")
		if _, err := w.engine.UpdateInvoice(t.Context(), project, invoice, func(i *payments.Invoice) error { i.PaymentIntent = intent; return nil }, nil); err != nil {
			t.Fatal(err)
		}
		d, _, err := w.engine.Explain(t.Context(), project, invoice)
		if err != nil || d.Rule != rule {
			t.Errorf("intent %q: %q, %v", intent, d.Rule, err)
		}
	}
}

// TestExplainLeavesNoTrace: who asks where a payment would go is not counted as a payment by a shadow.
func TestExplainLeavesNoTrace(t *testing.T) {
	w := newWorld(t, worldOptions{policy: "default: {smart: all}"})
	defer w.close()
	beside := *w.options.Router.Config()
	live := beside
	live.Shadow = router.Compile(beside)
	w.options.Router.Swap(router.Compile(live))
	if _, _, err := w.engine.Explain(t.Context(), project, w.invoice("100.00")); err != nil {
		t.Fatal(err)
	}
	if shadow, ok := w.options.Router.Shadow(); !ok || shadow.Payments != 0 {
		t.Errorf("%v, %+v", ok, shadow)
	}
}
