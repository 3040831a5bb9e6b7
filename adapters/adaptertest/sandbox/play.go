package sandbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"switchyard/adapters"
	"switchyard/adapters/adaptertest"
	"switchyard/payments"
)

// play is one run of a journey.
type play struct {
	*bench
	ctx      context.Context
	steps    []step
	problems []error
	notes    []string
}

// ask runs a journey and returns what is wrong, and what is worth knowing.
func (b *bench) ask(ctx context.Context, j journey) (problems []error, notes []string) {
	p := &play{bench: b, ctx: ctx}
	j.play(p)
	if b.record != "" {
		if err := b.write(j.name, p.steps); err != nil {
			p.problems = append(p.problems, err)
		}
	}
	return p.problems, p.notes
}

func (p *play) problem(format string, args ...any) {
	p.problems = append(p.problems, errors.New(p.scrubber.text(fmt.Sprintf(format, args...))))
}

func (p *play) note(format string, args ...any) {
	p.notes = append(p.notes, p.scrubber.text(fmt.Sprintf(format, args...)))
}

// do runs one operation, on an adapter of its own: another process may ask what became of a charge, and its recording has every
// call that the operation needs.
func (p *play) do(c adaptertest.Case, at adaptertest.Attempt) adaptertest.Result {
	r := &recorder{next: p.Transport, base: p.base}
	a, err := p.open(r)
	if err != nil {
		return adaptertest.Result{Err: err}
	}
	ctx, cancel := context.WithTimeout(p.ctx, callTimeout)
	defer cancel()
	at.At = p.now()
	s := step{Case: c, attempt: at, result: adaptertest.Perform(ctx, a, c, at)}
	s.calls = r.taken()
	p.steps = append(p.steps, s)
	return s.result
}

func (b *bench) open(transport http.RoundTripper) (adapters.Adapter, error) {
	return b.config.Open(adapters.Deps{Transport: transport, Logger: slog.New(slog.DiscardHandler), Now: b.now})
}

// charge is a charge of a journey and what is known of it.
type charge struct {
	op      payments.Operation
	attempt adaptertest.Attempt
	refs    payments.ProviderRefs
	outcome payments.Outcome
	err     error
}

// amount of a payment.
func (p *play) amount(of *Payment) payments.Money {
	text := p.Amount
	if of != nil && of.Amount != "" {
		text = of.Amount
	}
	m, err := payments.ParseAmount(text, p.Currency)
	if err != nil {
		p.problem("the suite's amount %q is none in %s", text, p.Currency)
	}
	return m
}

// half of an amount, as the PSP takes it.
func (p *play) half(m payments.Money) payments.Money {
	m.Minor /= 2
	if s := p.Provider.Capabilities.AmountStep[m.Currency]; s > 1 {
		m.Minor -= m.Minor % s
	}
	return m
}

// charge makes a charge under a reference; an empty one is a new one.
func (p *play) charge(op payments.Operation, of *Payment, reference string) *charge {
	if reference == "" {
		reference = payments.NewReference()
	}
	card := of.card(p.now())
	c := &charge{op: op, attempt: adaptertest.Attempt{Reference: reference, Amount: p.amount(of)}}
	r := p.do(adaptertest.Case{Operation: op, Request: adaptertest.Request{Card: &card}}, c.attempt)
	c.learn(r)
	return c
}

// learn takes over what came of an operation.
func (c *charge) learn(r adaptertest.Result) {
	for _, refs := range r.Noted {
		c.refs = c.refs.Merge(refs)
	}
	c.refs = c.refs.Merge(r.Finding.Refs).Merge(r.Finding.Outcome.Refs).Merge(r.Outcome.Refs)
	c.outcome, c.err = r.Outcome, r.Err
}

// settled waits until a charge that is pending or not known is found out.
func (p *play) settled(c *charge) *charge {
	open := c.err == nil && c.outcome.Status == payments.Pending
	if f := payments.AsFault(c.err); f != nil {
		open = f.Kind == payments.Unknown
	}
	if !open {
		return c
	}
	p.note("%s is not known at once: %s", c.op, c.told())
	f, err := p.find(c.op, c.attempt, c.refs, payments.Totals{}, func(f payments.Finding) bool { return f.Kind == payments.FoundOutcome })
	c.outcome, c.err = f.Outcome, err
	c.refs = c.refs.Merge(f.Refs).Merge(f.Outcome.Refs)
	return c
}

// find looks an operation up until the finding is as wanted or patience ends, and returns the last finding. Of many questions the
// last is recorded.
func (p *play) find(
	op payments.Operation, at adaptertest.Attempt, refs payments.ProviderRefs, before payments.Totals, want func(payments.Finding) bool,
) (payments.Finding, error) {
	for asked := 1; ; asked++ {
		r := p.do(adaptertest.Case{
			Operation: payments.OpLookup, Request: adaptertest.Request{Of: op, Refs: refs, Before: before},
		}, at)
		if asked == patience || r.Err == nil && want(r.Finding) {
			return r.Finding, r.Err
		}
		if err := p.pause(p.ctx); err != nil {
			return r.Finding, err
		}
		p.steps = p.steps[:max(len(p.steps)-1, 0)]
	}
}

// told is a charge in words, without anything of the PSP's that is long.
func (c *charge) told() string {
	if c.err != nil {
		return c.err.Error()
	}
	return strings.TrimSpace(fmt.Sprintf("%s %s %s", c.outcome.Status, c.outcome.Code, c.outcome.RawCode))
}

// approved charges the approving card and says whether that went well.
func (p *play) approved(op payments.Operation) (*charge, bool) {
	c := p.settled(p.charge(op, p.Approved, ""))
	if c.err != nil || c.outcome.Status != payments.Approved {
		p.problem("the %s with the approving card: %s", op, c.told())
		return c, false
	}
	if m := c.outcome.Amount; m != (payments.Money{}) && m != c.attempt.Amount {
		p.problem("the %s of %s %s is approved as %s %s", op, c.attempt.Amount, c.attempt.Amount.Currency, m, m.Currency)
	}
	return c, true
}

// webAddress asks that an action can be shown to a payer.
func (p *play) webAddress(o payments.Outcome) {
	if o.Action == nil {
		p.problem("there is no action")
		return
	}
	link := o.Action.Type == "redirect" || o.Action.Type == "url"
	if u, err := url.Parse(o.Action.Value); link && (err != nil || u.Scheme != "https" || u.Host == "") {
		p.problem("the action is no https address")
	}
}
