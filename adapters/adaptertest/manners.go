package adaptertest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"switchyard/payments"
)

// parallel is how many operations one adapter runs at once.
const parallel = 32

// checkContext plays the case with a context that has ended before, and with one that ends during each call.
func (b *bench) checkContext(c Case) []error {
	p, err := b.params(c)
	if err != nil {
		return []error{err}
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	late, cancel := context.WithDeadline(context.Background(), now()) // long past
	defer cancel()
	var errs []error
	for name, ctx := range map[string]context.Context{"cancelled before": ended, "too late before": late} {
		r, s, _, err := b.playFresh(ctx, c, p, nil)
		if err != nil {
			return []error{err}
		}
		found := faultAt(fault{kind: payments.NeverSent}, false, r)
		if made := len(s.made()); made > 0 {
			found = append(found, fmt.Errorf("%d calls were made", made))
		}
		errs = append(errs, prefix(name, found)...)
	}
	charging := c.charging()
	for i := range c.Exchanges {
		ctx, cancel := context.WithCancel(context.Background())
		var deaf atomic.Bool
		r, s, _, err := b.playFresh(ctx, c, p, map[int]answer{i: func(req *http.Request) (*http.Response, error) {
			cancel()
			deaf.Store(req.Context().Err() == nil)
			return nil, context.Canceled
		}})
		cancel()
		if err != nil {
			return []error{err}
		}
		if !s.reached(i) {
			continue
		}
		var found []error
		if deaf.Load() {
			found = append(found, errors.New("the call goes on after its caller has given up"))
		}
		if i > charging {
			found = append(found, afterCharge(c, r)...)
		} else {
			found = append(found, faultAt(fault{kind: payments.Unknown}, i < charging, r)...)
		}
		errs = append(errs, prefix(fmt.Sprintf("cancelled during call %d", i+1), found)...)
	}
	return errs
}

// checkSecrets plays the case with answers that echo the whole request, and looks for secrets in whatever comes out.
func (b *bench) checkSecrets(c Case) []error {
	p, err := b.params(c)
	if err != nil {
		return []error{err}
	}
	var errs []error
	for i := range c.Exchanges {
		o, err := b.open()
		if err != nil {
			return []error{err}
		}
		for name, echo := range o.echoes(c) {
			r, _ := b.play(context.Background(), o, c, p, map[int]answer{i: echo})
			errs = append(errs, prefix(fmt.Sprintf("%s at call %d", name, i+1), o.leaks(c, r))...)
		}
	}
	return errs
}

// checkReference plays the case twice with one reference and once with another: a resend is the same request, and another
// attempt is another.
func (b *bench) checkReference(c Case) []error {
	p, err := b.params(c)
	if err != nil {
		return []error{err}
	}
	o, err := b.open()
	if err != nil {
		return []error{err}
	}
	ctx := context.Background()
	_, first := b.play(ctx, o, c, p, nil)
	_, resent := b.play(ctx, o, c, p, nil)
	other := p
	other.reference = otherReference
	_, second := b.play(ctx, o, c, other, nil)

	var errs []error
	if !slices.EqualFunc(first.required(), resent.required(), call.equal) {
		errs = append(errs, errors.New("the same request was sent differently the second time"))
	}
	recovery := b.Provider.Capabilities.Recovery[c.Operation]
	if c.Operation.Charges() || recovery.Ask == payments.AskByReference || recovery.Resend {
		if !anyHas(first.made(), p.reference) || !anyHas(second.made(), other.reference) {
			errs = append(errs, errors.New("the reference is not sent"))
		}
		if anyHas(second.made(), p.reference) {
			errs = append(errs, errors.New("the reference of an earlier operation is sent"))
		}
	}
	return errs
}

// required returns the calls that are not optional: those depend on what the adapter has kept.
func (s *script) required() []call {
	return slices.DeleteFunc(s.made(), func(c call) bool { return c.exchange >= 0 && s.exchanges[c.exchange].Optional })
}

func (c call) equal(d call) bool { return reflect.DeepEqual(c, d) }

// anyHas says whether a text is anywhere in the calls.
func anyHas(calls []call, text string) bool {
	return slices.ContainsFunc(calls, func(c call) bool {
		return strings.Contains(c.url, text) || strings.Contains(c.body, text) || strings.Contains(fmt.Sprint(c.header), text)
	})
}

// checkParallel runs the case many times at once on one adapter, each with its own reference. Every call up to the charging one
// is answered only when all operations have made it, so that whatever an adapter keeps between calls is overwritten.
func (b *bench) checkParallel(c Case) []error {
	p, err := b.params(c)
	if err != nil {
		return []error{err}
	}
	o, err := b.open()
	if err != nil {
		return []error{err}
	}
	meetings := map[int]*meeting{}
	for i := range c.charging() + 1 {
		if !c.Exchanges[i].Optional {
			meetings[i] = &meeting{all: make(chan struct{})}
		}
	}
	var (
		wg   sync.WaitGroup
		mu   sync.Mutex
		errs []error
	)
	for i := range parallel {
		wg.Go(func() {
			mine := p
			mine.reference = fmt.Sprintf("%s%04d", p.reference[:len(p.reference)-4], i)
			gathered := map[int]answer{}
			for call, m := range meetings {
				recorded := b.render(c, mine)[call]
				gathered[call] = func(*http.Request) (*http.Response, error) { return recorded.answer(), m.wait() }
			}
			r, s := b.play(context.Background(), o, c, mine, gathered)
			found := append(s.unfinished(true), s.missing()...)
			found = append(found, c.Want.compareResult(r, mine)...)
			mu.Lock()
			defer mu.Unlock()
			errs = append(errs, prefix(fmt.Sprintf("operation %d of %d", i+1, parallel), found)...)
		})
	}
	wg.Wait()
	return append(errs, o.leaks(c, result{})...)
}

// meeting is over when all parallel operations have come.
type meeting struct {
	come atomic.Int64
	all  chan struct{}
}

// patience is how long operations wait for one that never comes. It passes only in adapters that are at fault.
const patience = 30 * time.Second

func (m *meeting) wait() error {
	if m.come.Add(1) == parallel {
		close(m.all)
	}
	select {
	case <-m.all:
		return nil
	case <-time.After(patience):
		return errors.New("adaptertest: the operations do not run at once")
	}
}

// checkNote asks of an adapter whose charge is found out by a session that the session's id is made durable between the calls
// that prepare and the one that charges, and that nothing is charged when that fails.
func (b *bench) checkNote(c Case) []error {
	asked := b.Provider.Capabilities.Recovery[c.Operation].Ask
	if asked != payments.AskBySession || !c.Operation.Charges() || c.Request.Refs.Session != "" {
		return nil // a session that the request knows is durable already
	}
	p, err := b.params(c)
	if err != nil {
		return []error{err}
	}
	charging := c.charging()
	o, err := b.open()
	if err != nil {
		return []error{err}
	}
	s := &script{exchanges: b.render(c, p)}
	n := &note{script: s}
	o.perform(s.with(context.Background()), c, p, n)
	var errs []error
	before := slices.IndexFunc(s.made(), func(made call) bool { return made.exchange == charging })
	if !slices.ContainsFunc(n.after, func(calls int) bool { return calls <= before }) {
		errs = append(errs, errors.New("Note was not called before the charging call"))
	}
	if slices.ContainsFunc(n.refs, func(refs payments.ProviderRefs) bool { return refs.Session == "" }) {
		errs = append(errs, errors.New("Note was called without Refs.Session"))
	}

	s = &script{exchanges: b.render(c, p)}
	n = &note{script: s, err: errors.New("the disk is full")}
	r := o.perform(s.with(context.Background()), c, p, n)
	if s.reached(charging) {
		errs = append(errs, errors.New("the charging call was sent although Note had failed"))
	}
	return append(errs, prefix("after a failed Note", faultAt(fault{kind: payments.NeverSent}, false, r))...)
}

// checkCurrencies plays the approving cases of an operation in every declared currency, and looks whether the exact amount is
// sent wherever the recorded request has it.
func (b *bench) checkCurrencies(op payments.Operation) []error {
	var errs []error
	shown := false
	for _, c := range b.cases {
		if c.Operation != op || c.Want.Status != payments.Approved {
			continue
		}
		amounts, found := b.checkAmounts(c)
		shown = shown || amounts
		errs = append(errs, prefix(c.Name, found)...)
	}
	switch op {
	case payments.OpAuthorize, payments.OpSale, payments.OpCapture, payments.OpRefund, payments.OpIncrement:
		if !shown {
			errs = append(errs, errors.New("no request has the amount"))
		}
	default: // the amount need not be sent
	}
	return errs
}

// checkAmounts does so for one case and says whether the amount is in its requests at all.
func (b *bench) checkAmounts(c Case) (shown bool, errs []error) {
	p, err := b.params(c)
	if err != nil {
		return false, []error{err}
	}
	_, plain, _, err := b.playFresh(context.Background(), c, p, nil)
	if err != nil {
		return false, []error{err}
	}
	places := placesOf(plain.made(), b.number(p.amount))
	if len(places) == 0 {
		return false, nil
	}
	for _, amount := range b.amounts() {
		q := params{reference: p.reference, amount: amount}
		r, s, _, err := b.playFresh(context.Background(), c.scaled(p, q), q, nil)
		name := fmt.Sprintf("%s %s", amount.Decimal(), amount.Currency)
		switch {
		case err != nil:
			return true, []error{err}
		case r.err != nil:
			errs = append(errs, fmt.Errorf("%s: %w", name, r.err))
		case r.outcome.Amount != (payments.Money{}) && r.outcome.Amount != amount:
			errs = append(errs, fmt.Errorf("%s: approved as %s %s", name, r.outcome.Amount, r.outcome.Amount.Currency))
		case !maps.EqualFunc(placesOf(s.made(), b.number(amount)), places, func(_, _ string) bool { return true }):
			errs = append(errs, fmt.Errorf("%s: the exact amount is not where it should be in the request", name))
		case !anyHas(s.made(), string(amount.Currency)) && anyHas(plain.made(), string(p.amount.Currency)):
			errs = append(errs, fmt.Errorf("%s: the currency is not in the request", name))
		}
	}
	return true, errs
}

// scaled is the case with totals that stand to the new amount as they stood to the old one: wholly captured stays wholly.
func (c Case) scaled(from, to params) Case {
	scale := func(total int64) int64 {
		switch total {
		case 0:
			return 0
		case from.amount.Minor:
			return to.amount.Minor
		}
		return 2 * to.amount.Minor
	}
	before := c.Request.Before
	c.Request.Before = payments.Totals{
		Authorized: scale(before.Authorized), Captured: scale(before.Captured),
		Refunded: scale(before.Refunded), Voided: scale(before.Voided),
	}
	return c
}

// placesOf lists where an amount stands in the bodies of calls: "call 1 amount.value" → the text.
func placesOf(calls []call, number string) map[string]string {
	places := map[string]string{}
	for i, c := range calls {
		fields, err := leaves(c.body)
		if err != nil {
			continue
		}
		for path, text := range fields {
			if plain := plainNumber(strings.Trim(text, `"`)); plain != "" && plain == plainNumber(number) {
				places[fmt.Sprintf("call %d %s", i+1, path)] = text
			}
		}
	}
	return places
}

// someCurrencies stand for all: two decimals, none, three, and two that people do not use.
var someCurrencies = []payments.Currency{"PHP", "JPY", "KWD", "IDR", "USD"}

// amounts returns one amount for each declared currency, with as many digits behind the point as the PSP takes.
func (b *bench) amounts() []payments.Money {
	caps := b.Provider.Capabilities
	currencies := caps.Currencies
	if currencies == nil {
		currencies = someCurrencies
	}
	const odd = 7654321 // minor units
	list := make([]payments.Money, 0, len(currencies))
	for _, currency := range currencies {
		minor := int64(odd)
		if most, ok := caps.MaxAmount[currency]; ok {
			minor = min(minor, most)
		}
		if step := caps.AmountStep[currency]; step > 1 {
			minor -= minor % step
		}
		list = append(list, payments.Money{Minor: max(minor, caps.MinAmount[currency]), Currency: currency})
	}
	return list
}
