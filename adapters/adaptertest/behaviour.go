package adaptertest

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"switchyard/adapters"
	"switchyard/payments"
)

// play runs a case once on an adapter.
func (b *bench) play(ctx context.Context, o *opened, c Case, p params, injected map[int]answer) (result, *script) {
	s := &script{exchanges: b.render(c, p), injected: injected}
	return o.perform(s.with(ctx), c, p, &note{script: s}), s
}

// playFresh runs a case once on an adapter of its own.
func (b *bench) playFresh(ctx context.Context, c Case, p params, injected map[int]answer) (result, *script, *opened, error) {
	o, err := b.open()
	if err != nil {
		return result{}, nil, nil, err
	}
	r, s := b.play(ctx, o, c, p, injected)
	return r, s, o, nil
}

// checkCase plays a fixture and compares requests and result.
func (b *bench) checkCase(c Case) []error {
	p, err := b.params(c)
	if err != nil {
		return []error{err}
	}
	r, s, o, err := b.playFresh(context.Background(), c, p, nil)
	if err != nil {
		return []error{err}
	}
	errs := append(s.unfinished(true), s.missing()...)
	errs = append(errs, c.Want.compareResult(r, p)...)
	return append(errs, o.leaks(c, r)...)
}

// checkCoverage asks for the fixtures that the adapter's abilities call for.
func (b *bench) checkCoverage() []error {
	o, err := b.open()
	if err != nil {
		return []error{err}
	}
	var errs []error
	for _, n := range b.needs(o.Adapter) {
		if !b.has(n.is) {
			errs = append(errs, fmt.Errorf("a fixture is missing: %s", n.what))
		}
	}
	classes := map[payments.Class]bool{}
	for _, c := range b.cases {
		if c.Want.Status == payments.Declined && c.Want.Code != "" {
			classes[c.Want.Code.Info().Class] = true
		}
	}
	if len(classes) < leastDeclineClasses {
		errs = append(errs, fmt.Errorf("declines of %d policy classes, at least %d are wanted", len(classes), leastDeclineClasses))
	}
	return errs
}

// leastDeclineClasses is of how many policy classes there must be a decline: an issuer's refusal, funds and fraud, say.
const leastDeclineClasses = 3

// need is a fixture that must exist.
type need struct {
	what string
	is   func(Case) bool
}

func (b *bench) has(is func(Case) bool) bool { return slices.ContainsFunc(b.cases, is) }

// needs lists the fixtures that must exist for an adapter.
func (b *bench) needs(a adapters.Adapter) []need {
	caps := b.Provider.Capabilities
	list := []need{
		approves("a sale", payments.OpSale, nil),
		{"a charge that asks for an action", func(c Case) bool { return c.Want.Status == payments.ActionRequired }},
		approves("a full refund", payments.OpRefund, b.whole),
	}
	when := func(declared bool, n ...need) {
		if declared {
			list = append(list, n...)
		}
	}
	when(caps.ManualCapture, either("an authorization, or a session that holds (request.hold)",
		approves("", payments.OpAuthorize, nil), starts("", func(c Case) bool { return c.Request.Hold })),
		approves("a full capture", payments.OpCapture, b.whole))
	when(caps.PartialCapture, approves("a partial capture", payments.OpCapture, b.part))
	when(caps.PartialRefund, approves("a partial refund", payments.OpRefund, b.part))
	when(caps.SavesInline, approves("a charge that saves the method (want.refs.method)", "",
		func(c Case) bool { return c.Request.Save && c.Want.Refs.Method != "" }))
	when(caps.MerchantInitiated, approves("a merchant-initiated charge", "",
		func(c Case) bool { return c.Request.Initiation == payments.MerchantInitiated }))

	_, voids := a.(adapters.Voider)
	_, increments := a.(adapters.Incrementer)
	_, verifies := a.(adapters.Verifier)
	_, tokenizes := a.(adapters.Tokenizer)
	_, forgets := a.(adapters.MethodDeleter)
	_, abandons := a.(adapters.Abandoner)
	_, hosts := a.(adapters.SessionStarter)
	when(hosts, starts("a session that notes its id (want.noted.session)", func(c Case) bool {
		return c.Want.Noted != nil && c.Want.Noted.Session != ""
	}))
	when(voids, approves("a void", payments.OpVoid, nil))
	when(increments, approves("an increment", payments.OpIncrement, nil))
	when(verifies, approves("a verification", payments.OpVerify, nil),
		need{"a declined verification", func(c Case) bool {
			return c.Operation == payments.OpVerify && c.Want.Status == payments.Declined
		}})
	when(tokenizes, approves("a tokenization (want.refs.method)", payments.OpTokenize,
		func(c Case) bool { return c.Want.Refs.Method != "" }))
	when(tokenizes || caps.SavesInline, approves("a charge of a saved method", "",
		func(c Case) bool { return c.Request.Method != "" && c.Operation.Charges() }))
	when(forgets, need{"a deleted method", func(c Case) bool { return c.Operation == OpForget }})
	_, syncs := a.(adapters.CustomerSyncer)
	_, lists := a.(adapters.MethodLister)
	_, dismisses := a.(adapters.CustomerDeleter)
	_, continues := a.(adapters.Continuer)
	when(syncs, need{"a customer that is made or found (want.refs.customer)", func(c Case) bool { return c.Operation == OpSync && c.Want.Refs.Customer != "" }})
	when(lists, need{"a list of saved methods (want.methods)", func(c Case) bool { return c.Operation == OpList && len(c.Want.Methods) > 0 }})
	when(dismisses, need{"a deleted customer", func(c Case) bool { return c.Operation == OpForgetCustomer }})
	_, listsCharges := a.(adapters.ChargeLister)
	when(listsCharges,
		listedPage("a page of charges of which money was taken (want.listed)", func(c Case) bool { return c.shows(payments.ListedCaptured) }),
		listedPage("a page of charges that goes on (want.next)", func(c Case) bool { return c.Want.Next != "" }),
		listedPage("a page of charges that begins at a cursor", func(c Case) bool { return c.Request.Cursor != "" }),
		listedPage("a page of charges without any", func(c Case) bool { return len(*c.Want.Listed) == 0 }),
		need{"an answer that is no list of charges, or half of one (want.fault)", func(c Case) bool { return c.Operation == OpListCharges && c.Want.Fault == payments.Unknown }})
	when(continues, approves("a charge after a payer's step", OpContinue, nil))
	when(caps.PageSaves, starts("a session that saves without charging (request.amount 0)", func(c Case) bool { return strings.Trim(c.Request.Amount, "0.") == "" && c.Request.Amount != "" }))
	when(abandons, abandoned(payments.Fenced), abandoned(payments.FenceBroken))
	for op, r := range caps.Recovery {
		list = append(list, lookupNeeds(op, r)...)
	}
	return list
}

// lookupNeeds lists the lookups of one operation that must exist.
func lookupNeeds(op payments.Operation, r payments.Recovery) []need {
	looks := func(kinds ...payments.FindingKind) func(Case) bool {
		return func(c Case) bool {
			return c.Operation == payments.OpLookup && c.Request.Of == op && slices.Contains(kinds, c.Want.Finding)
		}
	}
	list := []need{{fmt.Sprintf("a lookup that finds the %s", op), looks(payments.FoundOutcome, payments.FoundTotals)}}
	switch r.Ask {
	case payments.AskByReference:
		list = append(list, need{fmt.Sprintf("a lookup that does not find the %s", op), looks(payments.NotFound)})
	case payments.AskBySession:
		what := fmt.Sprintf("a lookup that finds nothing of the %s or finds it not ended", op)
		list = append(list, need{what, looks(payments.NotFound, payments.Processing)})
	case payments.AskByTotals: // the totals always say something
	}
	return list
}

func approves(what string, op payments.Operation, and func(Case) bool) need {
	return need{what, func(c Case) bool {
		return c.Want.Status == payments.Approved && c.Operation != payments.OpLookup &&
			(op == "" || c.Operation == op) && (and == nil || and(c))
	}}
}

// starts is a session that sends the payer to the PSP's page.
func starts(what string, and func(Case) bool) need {
	return need{what, func(c Case) bool {
		return c.Operation == OpSession && c.Want.Status == payments.ActionRequired && and(c)
	}}
}

// either is a fixture of one kind or of the other.
func either(what string, one, other need) need {
	return need{what, func(c Case) bool { return one.is(c) || other.is(c) }}
}

func abandoned(answer payments.Fence) need {
	return need{fmt.Sprintf("an abandon that is answered with %q", answer), func(c Case) bool {
		return c.Operation == payments.OpAbandon && c.Want.Fence == answer
	}}
}

// of is the amount of what a capture or refund is about.
func of(c Case) int64 {
	if c.Operation == payments.OpRefund {
		return c.Request.Before.Captured
	}
	return c.Request.Before.Authorized
}

func (b *bench) whole(c Case) bool {
	p, err := b.params(c)
	return err == nil && p.amount.Minor == of(c)
}

func (b *bench) part(c Case) bool {
	p, err := b.params(c)
	return err == nil && p.amount.Minor < of(c)
}

// longDigits are digits that a card number could be among.
var longDigits = regexp.MustCompile(`[0-9]{13,}`)

// checkFixtures keeps recordings free of card numbers: an answer never has one, whatever the request had.
func (b *bench) checkFixtures() []error {
	var errs []error
	for _, c := range b.cases {
		for i, e := range c.Exchanges {
			if hasCardNumber([]byte(string(e.Body) + " " + e.Text)) {
				errs = append(errs, fmt.Errorf("%s: the answer of exchange %d has what looks like a card number", c.Name, i))
			}
		}
	}
	return append(errs, b.checkWebhookFixtures()...)
}

func hasCardNumber(text []byte) bool {
	return slices.ContainsFunc(longDigits.FindAllString(string(text), -1), func(run string) bool {
		return len(run) <= 19 && payments.Luhn(run) && payments.SchemeOf(run) != ""
	})
}

// errNoCharge is for a fixture whose charging call cannot be told.
var errNoCharge = errors.New(`the fixture has several calls that are no GET: mark the one that moves the money with "charge": true`)
