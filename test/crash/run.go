package main

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// Limits of a run.
const (
	maxStories    = 64 // at the same time
	customers     = 4  // with a saved token each
	looksPerRound = 3  // at invoices about which something was told in the round before
)

// result is what a run has come to.
type result struct {
	options
	deaths     map[string]int // by point, or how it was killed from outside
	early      int            // of them, before the gateway was ready
	requests   int
	repeats    int
	answers    int // that merchants rely on
	invoices   int
	charges    int // in the simulators' ledger, that took money
	attempts   int
	unresolved int // when the last life began
	operators  int // attempts that are open for good: see leftToOperators
	open       int // others, when there was no time to wait for them
	events     int // that merchants were told of
	heardAgain int // of them, more than once
	settled    time.Duration
	took       time.Duration
	violations []violation
}

// violation is something that must never be.
type violation struct{ rule, evidence string }

// The rules.
const (
	lost         = "acknowledged, then lost"
	noIntent     = "charge without intent"
	doubleCharge = "double charge"
	failedCharge = "failed, but charged"
	openStill    = "unresolved after the limit"
	amounts      = "amounts"
	doneTwice    = "more done than asked for"
	unreleased   = "verification not released"
	unheard      = "event never delivered"
	tooEarly     = "called failed too early" // and given back later: these PSPs keep within their longest time
)

func rulesInOrder() []string {
	return []string{lost, noIntent, doubleCharge, failedCharge, openStill, amounts, doneTwice, unreleased, unheard, tooEarly}
}

// kept outside of a plan's points.
const (
	killedOutside = "killed from outside"
	killedIdle    = "killed from outside, its point not passed"
)

// world is a run in progress.
type world struct {
	options
	sims    *simulators
	door    *door
	client  *client
	ears    *ears
	book    *book
	saved   []saved
	last    *gateway // the one that is not going to be killed
	stories sync.WaitGroup
	slots   chan struct{}
	result  result
}

// run carries out the plan, and audits.
func run(ctx context.Context, o options) (result, error) {
	began := time.Now()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	sims, err := startSimulators(o)
	if err != nil {
		return result{}, err
	}
	defer sims.kill()
	ears, err := listenForEvents()
	if err != nil {
		return result{}, err
	}
	defer func() { _ = ears.server.Close() }()
	d := newDoor()
	w := &world{
		options: o, sims: sims, door: d, client: newClient(d), ears: ears, book: newBook(), slots: make(chan struct{}, maxStories),
		result: result{options: o, deaths: map[string]int{}},
	}
	if err := w.prepare(ctx); err != nil {
		return result{}, err
	}
	for n := range o.rounds {
		if err := w.round(ctx, plan(o.seed, n)); err != nil {
			return result{}, fmt.Errorf("round %d: %w", n, err)
		}
		if o.quick && len(w.result.violations) > 0 {
			break
		}
	}
	w.result.requests, w.result.repeats = w.client.answered()
	if err := w.settleAndAudit(ctx); err != nil {
		return result{}, err
	}
	w.result.took = time.Since(began)
	return w.result, nil
}

// prepare has a first life of the gateway make the customers, with a saved card each.
func (w *world) prepare(ctx context.Context) error {
	g, p, err := startGateway(ctx, w.options, w.sims, "")
	if err != nil {
		return err
	}
	defer p.kill()
	w.door.open(g.url, false)
	defer w.door.shut()
	if err := w.subscribe(ctx); err != nil {
		return err
	}
	for i := range customers {
		m := merchant{client: w.client, book: w.book, story: story{number: -1 - i, card: goodCard}}
		a, ok := m.step(ctx, "customer", "/customers", object{"first_name": "Ada"}, always)
		card, cardOK := m.card(ctx)
		customer := a.at("customer", "id")
		b, tokenOK := m.step(ctx, "token", "/customers/"+customer+"/tokens", object{"source": card}, always)
		if !ok || !cardOK || !tokenOK {
			return fmt.Errorf("no customer with a saved card: %s %s", a.text, b.text)
		}
		w.saved = append(w.saved, saved{customer: customer, token: b.at("token", "id")})
	}
	return nil
}

// round is one life and its death.
func (w *world) round(ctx context.Context, r round) error {
	if r.faults != nil {
		if err := w.sims.misbehave(ctx, r.faults); err != nil {
			return err
		}
	}
	g, p, err := startGateway(ctx, w.options, w.sims, r.death)
	if err != nil {
		return err
	}
	if g == nil {
		w.result.early++
		w.result.deaths[p.killedAt()]++
		return nil
	}
	kill := time.NewTimer(r.killAt)
	defer kill.Stop()
	w.look(ctx, g.url)
	w.door.open(g.url, false)
	for _, s := range r.stories {
		w.begin(ctx, s)
	}
	select {
	case <-p.died:
	case <-kill.C:
	case <-ctx.Done():
	}
	p.kill()
	w.door.shut()
	w.client.http.CloseIdleConnections()
	w.result.deaths[deathOfLife(p, r)]++
	return ctx.Err()
}

func deathOfLife(p *process, r round) string {
	switch at := p.killedAt(); {
	case at != "":
		return at
	case r.death == "":
		return killedOutside
	}
	return killedIdle
}

// begin lets a merchant live a story, unless too many are at work.
func (w *world) begin(ctx context.Context, s story) {
	select {
	case w.slots <- struct{}{}:
	default:
		return
	}
	m := merchant{client: w.client, book: w.book, story: s, saved: w.saved[s.number%len(w.saved)]}
	w.stories.Go(func() {
		defer func() { <-w.slots }()
		m.live(ctx)
	})
}

// look asks about some of what was told in the life before. What cannot be asked, since the gateway dies, is left to the end.
func (w *world) look(ctx context.Context, url string) {
	w.book.mu.Lock()
	fresh := w.book.fresh[max(0, len(w.book.fresh)-looksPerRound):]
	w.book.fresh = nil
	w.book.mu.Unlock()
	for _, id := range fresh {
		w.book.mu.Lock()
		before := *w.book.invoices[id]
		w.book.mu.Unlock()
		a, err := w.client.once(ctx, url, request{method: http.MethodGet, path: transactionPath(id)})
		if err != nil {
			return
		}
		w.result.violations = append(w.result.violations, stillTrue(id, before, a)...)
	}
}

func transactionPath(invoice string) string { return "/invoices/" + invoice + "/transactions" }
