package reconcile

import (
	"context"
	"fmt"
	"time"

	"switchyard/adapters"
	"switchyard/payments"
)

// Bounds of a run.
const (
	walkPage = 500   // attempts read from the store at once
	maxPages = 5_000 // of a PSP's list; a narrower window is to be asked for beyond that
	tries    = 4     // of one question to a PSP: none of them changes anything
	// settlementLookback is how much older than the window the charges may be that a settlement file is about.
	settlementLookback = 45 * 24 * time.Hour

	shortestPause = 500 * time.Millisecond
	longestPause  = 30 * time.Second
)

// Store is what is read here. It may change meanwhile.
type Store interface {
	AttemptsSent(ctx context.Context, gatewayID string, since time.Time, after string, until time.Time, limit int) ([]payments.Attempt, error)
	AttemptsNamed(ctx context.Context, gatewayID, reference, session string) ([]payments.Attempt, error)
	Payment(ctx context.Context, projectID, invoiceID string) (*payments.Payment, error)
	Entries(ctx context.Context, projectID, subjectID string) ([]payments.Entry, error)
}

// Gateway is a gateway configuration whose PSP is asked.
type Gateway struct {
	ID, PSP string
	Adapter adapters.Adapter
	Timeout time.Duration // for one question
}

// Options say what to compare.
type Options struct {
	Store        Store
	Gateways     []Gateway
	Since, Until time.Time   // of the charges' making: Since is included, Until is not
	Settlement   *Settlement // compared with in place of the PSP itself; there is one gateway configuration then
	Now          func() time.Time
	Wait         func(ctx context.Context, d time.Duration) error // before a question is put again; nil waits
}

// Run compares every gateway configuration. An error is one of the store; what a PSP does not answer stands in the report.
func Run(ctx context.Context, o Options) (*Report, error) {
	if o.Wait == nil {
		o.Wait = wait
	}
	report := &Report{At: o.Now().UTC(), Since: o.Since.UTC(), Until: o.Until.UTC(), Gateways: []Comparison{}}
	for _, g := range o.Gateways {
		r := &reader{Options: o, gateway: g, invoices: map[string]*payments.Payment{}, known: map[string]bool{}}
		c, err := r.compare(ctx)
		if err != nil {
			return nil, fmt.Errorf("reconcile: %s: %w", g.ID, err)
		}
		report.Gateways = append(report.Gateways, c)
	}
	return report, nil
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// reader reads both sides of one gateway configuration.
type reader struct {
	Options
	gateway  Gateway
	invoices map[string]*payments.Payment
	known    map[string]bool // attempts that are among the charges
	charges  []Charge
}

// compare reads the other side first: what is there by then has its intent here.
func (r *reader) compare(ctx context.Context) (Comparison, error) {
	in := Input{
		GatewayID: r.gateway.ID, PSP: r.gateway.PSP, Source: FromLookups, Since: r.Since, Until: r.Until, AsOf: r.Now(), Unanswered: map[string]bool{},
	}
	since := r.Since
	lister, lists := r.gateway.Adapter.(adapters.ChargeLister)
	switch {
	case r.Settlement != nil:
		in.Source, in.Rows, in.LastSettled = FromSettlement, r.Settlement.Rows, r.Settlement.last()
		since = since.Add(-settlementLookback)
	case lists:
		in.Source = FromList
		var failure string
		if in.Rows, failure = r.list(ctx, lister); ctx.Err() != nil {
			return Comparison{}, ctx.Err()
		}
		if failure != "" {
			return Comparison{
				GatewayID: in.GatewayID, PSP: in.PSP, Source: in.Source, Failure: "the list of charges could not be read: " + failure,
				Totals: []Totals{}, Differences: []Difference{},
			}, nil
		}
	}
	if err := r.walk(ctx, since); err != nil {
		return Comparison{}, err
	}
	if err := r.older(ctx, in.Rows); err != nil {
		return Comparison{}, err
	}
	lookedUp := 0
	if in.Source != FromSettlement {
		var err error
		if lookedUp, err = r.lookUp(ctx, &in); err != nil {
			return Comparison{}, err
		}
	}
	in.Charges = r.charges
	c := Compare(in)
	c.LookedUp = lookedUp
	if r.Settlement != nil {
		c.Fees = r.Settlement.Fees
	}
	return c, nil
}

// list reads the PSP's list, or says why it cannot be read.
func (r *reader) list(ctx context.Context, lister adapters.ChargeLister) (_ []Row, failure string) {
	var rows []Row
	query := payments.ListQuery{Since: r.Since, Until: r.Until}
	for range maxPages {
		var page payments.ListedPage
		err := r.ask(ctx, func(ctx context.Context) (err error) {
			page, err = lister.ListCharges(ctx, query)
			return err
		})
		if err != nil {
			return nil, err.Error()
		}
		for _, row := range page.Rows {
			rows = append(rows, Row{Listed: row})
		}
		if page.Next == "" {
			return rows, ""
		}
		if page.Next == query.Cursor {
			return nil, "it does not go on"
		}
		query.Cursor = page.Next
	}
	return nil, fmt.Sprintf("it has more than %d pages; ask for a shorter time", maxPages)
}

// ask puts a question to the PSP, and puts it again when there was no answer.
func (r *reader) ask(ctx context.Context, question func(context.Context) error) error {
	pause := shortestPause
	for try := 1; ; try++ {
		bounded, cancel := context.WithTimeout(ctx, r.gateway.Timeout)
		err := question(bounded)
		cancel()
		fault := payments.AsFault(err)
		if fault == nil || try == tries || ctx.Err() != nil || fault.Kind == payments.Rejected || fault.Kind == payments.Misconfigured {
			return err
		}
		if err := r.Wait(ctx, min(max(pause, fault.RetryAfter), longestPause)); err != nil {
			return err
		}
		pause *= 2
	}
}

// walk reads the charges that were sent within the window.
func (r *reader) walk(ctx context.Context, since time.Time) error {
	after := ""
	for {
		page, err := r.Store.AttemptsSent(ctx, r.gateway.ID, since, after, r.Until, walkPage)
		if err != nil {
			return err
		}
		for i := range page {
			if err := r.take(ctx, page[i]); err != nil {
				return err
			}
		}
		if len(page) < walkPage {
			return nil
		}
		since, after = page[len(page)-1].SentAt, page[len(page)-1].ID
	}
}

// older reads the charges from before the window that rows are about.
func (r *reader) older(ctx context.Context, rows []Row) error {
	names := namesOf(r.charges)
	for _, row := range rows {
		session := row.Refs.Session
		if row.Settled {
			session = row.Refs.Charge
		}
		if row.Reference == "" && session == "" {
			continue
		}
		if _, _, known := names.find(row); known {
			continue
		}
		found, err := r.Store.AttemptsNamed(ctx, r.gateway.ID, row.Reference, session)
		if err != nil {
			return err
		}
		for _, a := range found {
			if err := r.take(ctx, a); err != nil {
				return err
			}
		}
	}
	return nil
}

// take adds the charge that an attempt is, or is a step of.
func (r *reader) take(ctx context.Context, a payments.Attempt) error {
	p, err := r.payment(ctx, a)
	if err != nil {
		return err
	}
	if !a.Operation.Charges() { // a step: its charge may have been sent before the window
		charge := p.Attempt(p.Transaction.ChargeAttemptID)
		if charge == nil || charge.GatewayConfigurationID != r.gateway.ID {
			return nil
		}
		a = *charge
	}
	if r.known[a.ID] || a.Amount.Minor == 0 {
		return nil
	}
	r.known[a.ID] = true
	c, err := r.charge(ctx, a, p)
	if err != nil {
		return err
	}
	r.charges = append(r.charges, c)
	return nil
}

// payment is the payment of an attempt, with the attempt alone for the verification of a token.
func (r *reader) payment(ctx context.Context, a payments.Attempt) (*payments.Payment, error) {
	if a.InvoiceID == "" {
		return &payments.Payment{Attempts: []payments.Attempt{a}}, nil
	}
	key := a.ProjectID + " " + a.InvoiceID
	if p := r.invoices[key]; p != nil {
		return p, nil
	}
	p, err := r.Store.Payment(ctx, a.ProjectID, a.InvoiceID)
	if err == nil {
		r.invoices[key] = p
	}
	return p, err
}

// charge is what the store knows of a charge.
func (r *reader) charge(ctx context.Context, a payments.Attempt, p *payments.Payment) (Charge, error) {
	if latest := p.Attempt(a.ID); latest != nil {
		a = *latest
	}
	c := Charge{Attempt: a, Open: a.State.Open(), ChangedAt: latest(a.SentAt, a.EndedAt)}
	t := &p.Transaction
	c.PaidOtherwise = t.ChargeAttemptID != "" && t.ChargeAttemptID != a.ID
	if a.State != payments.AttemptApproved {
		return c, nil
	}
	if a.TransactionID == "" {
		entries, err := r.Store.Entries(ctx, a.ProjectID, a.ID)
		if err != nil {
			return Charge{}, err
		}
		for _, e := range entries {
			c.Totals = added(c.Totals, e)
			c.ChangedAt = latest(c.ChangedAt, e.At)
		}
		c.Open = c.Totals.Authorized > c.Totals.Voided+c.Totals.Refunded // a verification takes nothing: what it held is being given back
		return c, nil
	}
	c.Totals, c.CapturedAt = t.Totals, t.CapturedAt
	c.Open = t.InFlight != "" || a.Operation == payments.OpVerify && t.Totals.Authorized > t.Totals.Voided+t.Totals.Refunded
	for _, step := range p.Attempts {
		if step.Operation.Charges() || step.GatewayConfigurationID != a.GatewayConfigurationID {
			continue
		}
		c.Steps = append(c.Steps, step)
		c.Open = c.Open || step.State.Open()
		c.ChangedAt = latest(c.ChangedAt, step.SentAt, step.EndedAt)
	}
	return c, nil
}

// added is what the totals are with an entry of the ledger.
func added(t payments.Totals, e payments.Entry) payments.Totals {
	switch e.Kind {
	case payments.EntryAuthorized:
		t.Authorized += e.Amount.Minor
	case payments.EntryCaptured:
		t.Captured += e.Amount.Minor
	case payments.EntryRefunded:
		t.Refunded += e.Amount.Minor
	case payments.EntryVoided:
		t.Voided += e.Amount.Minor
	}
	return t
}

func latest(times ...time.Time) time.Time {
	var last time.Time
	for _, t := range times {
		if t.After(last) {
			last = t
		}
	}
	return last
}
