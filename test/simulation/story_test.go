package simulation

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"switchyard/flow"
	"switchyard/payments"
	"switchyard/tokens"
	"switchyard/vault"
)

// pans are test numbers that pass the check digit; the American Express card has a security code of four digits.
var pans = []string{"4242424242424242", "5555555555554444", "4000056655665556", "378282246310005"}

const (
	amexCode = "7391"
	cardCode = "917"
)

// secrets are what must not lie in a store in the open. A security code is too short to be looked for without its quotes.
func secrets() []string { return append([]string{`"` + amexCode + `"`, `"` + cardCode + `"`}, pans...) }

// story is what one actor does: from one payment to a few.
func (w *world) story(i int) {
	c := w.client(fmt.Sprintf("p%d", i))
	time.Sleep(c.d.between(0, w.plan.spread))
	switch c.d.weigh(5, 4, 2, 3, 2, 1) {
	case 0:
		c.sale()
	case 1:
		c.hold(false)
	case 2:
		c.hold(true)
	case 3:
		c.token()
	case 4:
		c.onPage()
	case 5:
		c.keep()
	}
}

// invoice makes an invoice: a payment begins.
func (c *client) invoice(change func(*payments.Invoice)) string {
	c.calls++
	inv := payments.Invoice{ProjectID: project, Name: "Order", Amount: payments.Money{Minor: int64(100 + c.d.IntN(100_000)), Currency: currency}, Sandbox: true}
	if change != nil {
		change(&inv)
	}
	c.w.count("payments")
	part := c.fork("invoice")
	part.label = fmt.Sprintf("%s.%d", story(c.label), c.calls)
	s, err := part.ask("invoice", true, func(ctx context.Context, p *process, claim *payments.ClaimRequest) (payments.Snapshot, error) {
		return p.engine.CreateInvoice(ctx, inv, claim)
	})
	if err != nil {
		return ""
	}
	c.label = part.label
	return s.Invoice.ID
}

// card puts a card into the vault.
func (c *client) card() string {
	number, cvc := pick(c.d, pans...), cardCode
	if number == pans[3] {
		cvc = amexCode
	}
	data, err := payments.NewCardData(number, 12, 2039, cvc, "Ada Lovelace", time.Now())
	if err != nil {
		c.w.t.Error(err)
		return ""
	}
	s, err := c.ask("card", true, func(ctx context.Context, p *process, claim *payments.ClaimRequest) (payments.Snapshot, error) {
		return p.vault.Put(ctx, vault.CardInput{ProjectID: project, Data: data, Sandbox: true}, claim)
	})
	if err != nil {
		return ""
	}
	return s.Card.ID
}

// charge asks to pay an invoice.
func (c *client) charge(r flow.ChargeRequest) (payments.Snapshot, error) {
	r.ProjectID = project
	return c.ask("charge", c.d.chance(0.85), func(ctx context.Context, p *process, claim *payments.ClaimRequest) (payments.Snapshot, error) {
		r.Claim = claim
		if r.AuthorizeOnly {
			return p.engine.Authorize(ctx, r)
		}
		return p.engine.Capture(ctx, r)
	})
}

// pay charges an invoice with whatever the payer does for it, and with another card if that helps. It returns where the
// payment stands then.
func (c *client) pay(r flow.ChargeRequest) payments.Transaction {
	for range 3 {
		s, err := c.charge(r)
		if err != nil {
			break
		}
		c.payerSteps(&s, r)
		t := c.wait(r.InvoiceID)
		if t.Status != payments.StatusFailed || !strings.HasPrefix(r.Source, payments.PrefixCard) || c.d.chance(0.4) {
			return t
		}
		if c.d.chance(0.7) {
			r.Source = c.card()
		}
	}
	return c.wait(r.InvoiceID)
}

// payerSteps is what the payer does when a step is asked for: takes it and comes back, takes it and goes away, or gives up.
func (c *client) payerSteps(s *payments.Snapshot, r flow.ChargeRequest) {
	for range 2 {
		if s.Action == nil {
			return
		}
		ref := strings.TrimPrefix(s.Action.Value, actionLink)
		how := c.d.weigh(5, 2, 2, 2)
		wait := c.d.between(2*time.Second, 4*time.Minute)
		if c.d.chance(0.15) {
			wait = c.d.between(10*time.Minute, 20*time.Minute)
		}
		time.Sleep(wait)
		if how == 3 || !c.w.payerActs(ref) {
			c.w.log(c.label, "the payer does not take the step")
			return
		}
		switch how {
		case 0:
			r.Source = flow.PrefixContinuation + "eyJkb25lIjp0cnVlfQ"
			next, err := c.charge(r)
			if err != nil {
				return
			}
			s = &next
		case 1:
			if p := c.w.anyLive(c.d); p != nil {
				_, err := p.engine.Returned(context.Background(), project, payments.AttemptID(ref), "")
				c.w.log(c.label, "the payer is back: %v", err)
			}
			return
		default:
			return
		}
	}
}

// payerActs takes a step at whichever PSP asked for it.
func (w *world) payerActs(ref string) bool {
	for _, b := range w.banks {
		if b.payerActs(ref) {
			return true
		}
	}
	return false
}

// wait reads an invoice until its payment is no longer under way, at most for an hour.
func (c *client) wait(invoiceID string) payments.Transaction {
	for range 40 {
		pay, err := c.w.store.Payment(context.Background(), project, invoiceID)
		if err != nil {
			return payments.Transaction{}
		}
		t := pay.Transaction
		if t.InFlight == "" && t.Status != payments.StatusPending && t.Status != payments.StatusPendingCapture {
			return t
		}
		time.Sleep(c.d.between(5*time.Second, 3*time.Minute))
	}
	return payments.Transaction{}
}

// together runs several at the same moment.
func (c *client) together(all ...func(*client)) {
	var wg sync.WaitGroup
	for i, f := range all {
		part := c.fork(fmt.Sprint("part", i))
		part.calls = c.calls + 1000*(i+1) // keys of its own
		wg.Go(func() {
			time.Sleep(part.d.between(0, 200*time.Millisecond))
			f(part)
		})
	}
	wg.Wait()
	c.calls += 10
}

func (c *client) sale() {
	invoice := c.invoice(nil)
	source := c.card()
	if invoice == "" || source == "" {
		return
	}
	r := flow.ChargeRequest{InvoiceID: invoice, Source: source}
	if c.d.chance(0.08) { // a double click, with two keys
		c.together(func(c *client) { c.pay(r) }, func(c *client) { _, _ = c.charge(r) })
	} else {
		c.pay(r)
	}
	c.refunds(invoice)
}

// hold authorizes, and captures or releases later.
func (c *client) hold(incremental bool) {
	invoice := c.invoice(nil)
	r := flow.ChargeRequest{InvoiceID: invoice, Source: c.card(), AuthorizeOnly: true, Incremental: incremental}
	if invoice == "" || r.Source == "" {
		return
	}
	if c.d.chance(0.1) {
		r.AutoCaptureAt = time.Now().Add(c.d.between(time.Minute, 30*time.Minute))
	}
	t := c.pay(r)
	if t.Status != payments.StatusAuthorized {
		return
	}
	time.Sleep(c.d.between(time.Second, 3*time.Minute))
	if incremental {
		c.amend("increment", invoice, t.Amount/10+1)
		t = c.wait(invoice)
	}
	capture := func(c *client) { c.captureHold(invoice, t) }
	void := func(c *client) { c.amend("void", invoice, 0) }
	switch c.d.weigh(5, 2, 1, 1) {
	case 0:
		capture(c)
		if c.d.chance(0.4) {
			c.wait(invoice)
			capture(c) // the rest, where the PSP does that
		}
		c.refunds(invoice)
	case 1:
		void(c)
	case 2:
		c.together(capture, void)
		c.refunds(invoice)
	}
}

// captureHold takes a hold's money, or a part of it.
func (c *client) captureHold(invoice string, t payments.Transaction) {
	r := flow.ChargeRequest{InvoiceID: invoice}
	if c.d.chance(0.4) && t.Totals.Authorized > 10 {
		r.Amount = payments.Money{Minor: 1 + c.d.Int64N(t.Totals.Authorized-1), Currency: currency}.Decimal()
	}
	_, _ = c.charge(r)
}

// amend voids or raises a hold.
func (c *client) amend(what, invoice string, amount int64) {
	r := flow.AmendRequest{ProjectID: project, InvoiceID: invoice}
	_, _ = c.ask(what, c.d.chance(0.85), func(ctx context.Context, p *process, claim *payments.ClaimRequest) (payments.Snapshot, error) {
		r.Claim = claim
		if what == "void" {
			return p.engine.Void(ctx, r)
		}
		r.Amount = payments.Money{Minor: amount, Currency: currency}.Decimal()
		return p.engine.Increment(ctx, r)
	})
}

// refunds gives money back, in none to a few parts, some at the same moment.
func (c *client) refunds(invoice string) {
	t := c.wait(invoice)
	if t.Status != payments.StatusCompleted || c.d.chance(0.4) {
		return
	}
	time.Sleep(c.d.between(time.Second, 5*time.Minute))
	part := func(c *client) {
		amount := ""
		if t.Totals.Captured > 10 && c.d.chance(0.6) {
			amount = payments.Money{Minor: 1 + c.d.Int64N(t.Totals.Captured/2), Currency: currency}.Decimal()
		}
		_, _ = c.ask("refund", c.d.chance(0.85), func(ctx context.Context, p *process, claim *payments.ClaimRequest) (payments.Snapshot, error) {
			return p.engine.Refund(ctx, flow.RefundRequest{ProjectID: project, InvoiceID: invoice, Amount: amount, Reason: "customer_request", Claim: claim})
		})
	}
	if c.d.chance(0.3) {
		c.together(part, part)
	}
	for range c.d.IntN(3) {
		part(c)
	}
}

// onPage pays on a PSP's own page.
func (c *client) onPage() {
	customer := c.customer()
	invoice := c.invoice(func(inv *payments.Invoice) {
		inv.CustomerID = customer
		if c.d.chance(0.3) {
			inv.ExpiresAt = time.Now().Add(c.d.between(2*time.Minute, 40*time.Minute))
		}
	})
	if invoice == "" {
		return
	}
	c.pay(flow.ChargeRequest{InvoiceID: invoice, Source: tokens.AnyPage, SaveSource: customer != "" && c.d.chance(0.5)})
	c.refunds(invoice)
}
