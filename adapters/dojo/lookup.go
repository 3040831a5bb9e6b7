package dojo

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"switchyard/payments"
)

// Lookup asks what became of an operation: by the intent and its amounts.
func (a *adapter) Lookup(ctx context.Context, r payments.LookupRequest) (payments.Finding, error) {
	if r.Refs.Session == "" {
		// The id is durable before the payer gets the link and before the charging call: neither has happened.
		return payments.Finding{Kind: payments.NotFound}, nil
	}
	if r.Operation.Charges() {
		return a.findCharge(ctx, r)
	}
	i, err := a.getIntent(ctx, r.Refs.Session)
	if err != nil {
		return payments.Finding{}, err
	}
	refs := i.refs(r.Refs)
	if r.Operation == payments.OpCapture && i.capturing() {
		return payments.Finding{Kind: payments.Processing, Refs: refs}, nil
	}
	totals, err := i.totals(r.Amount.Currency)
	if err != nil {
		return payments.Finding{}, err
	}
	return payments.Finding{Kind: payments.FoundTotals, Totals: totals, Refs: refs}, nil
}

// findCharge asks what became of a session or of a charge.
func (a *adapter) findCharge(ctx context.Context, r payments.LookupRequest) (payments.Finding, error) {
	if strings.HasPrefix(r.Refs.Session, setupPrefix) {
		return a.findSetup(ctx, r)
	}
	i, err := a.getIntent(ctx, r.Refs.Session)
	if err != nil {
		return payments.Finding{}, err
	}
	o, err := i.charged(r)
	switch {
	case err != nil:
		return payments.Finding{}, err
	case i.Status == intentCreated && i.SetupIntentID != "":
		// The charge was declined or has not arrived: Dojo shows no difference.
		return payments.Finding{Kind: payments.NotFound, Refs: o.Refs}, nil
	case i.Status == intentCreated:
		return waiting(o.Refs, a.pageAt(i.PaymentLink, i.ID)), nil
	case o.Status == payments.Pending:
		return payments.Finding{Kind: payments.Processing, Refs: o.Refs}, nil
	case o.Status == payments.Approved:
		a.addMethod(ctx, &o, i)
	}
	return payments.Finding{Kind: payments.FoundOutcome, Outcome: o, Refs: o.Refs}, nil
}

// waiting is the finding about a page that waits for its payer. It has the page for whoever has lost the answer that had it.
func waiting(refs payments.ProviderRefs, page string) payments.Finding {
	return payments.Finding{Kind: payments.Processing, Outcome: onPage(refs, page), Refs: refs}
}

// addMethod tells the card that was paid with, if Dojo keeps it for the customer. An intent names a card that is not kept, too,
// so that the customer's cards are asked for. The payment is approved whatever comes of that; ListMethods shows the card later.
func (a *adapter) addMethod(ctx context.Context, o *payments.Outcome, i *intent) {
	card := i.card()
	if card == "" || o.Refs.Customer == "" {
		return
	}
	kept, err := a.ListMethods(ctx, o.Refs.Customer)
	if err != nil || !slices.ContainsFunc(kept, func(m payments.SavedMethod) bool { return m.MethodRef == card }) {
		return
	}
	o.Refs.Method, o.MethodOnly = card, payments.CustomerInitiated
}

// charged is the outcome of an intent's charge. A sale of which the money is only held has not ended.
func (i *intent) charged(r payments.LookupRequest) (payments.Outcome, error) {
	o, err := outcome(intentOutcomes, i.Status)
	if err != nil {
		return payments.Outcome{}, err
	}
	if i.Status == intentAuthorized && r.Operation == payments.OpSale {
		o.Status = payments.Pending
	}
	o.Refs = i.refs(r.Refs)
	if i.SetupIntentID == "" {
		o.Refs.Method = "" // until it is known to be kept
	}
	if o.Status == payments.Approved {
		totals, err := i.totals(r.Amount.Currency)
		if err != nil {
			return payments.Outcome{}, err
		}
		o.AVSCheck = i.Details.avsCheck()
		o.Amount = payments.Money{Minor: totals.Authorized, Currency: r.Amount.Currency}
		if r.Operation == payments.OpSale {
			o.Amount.Minor = totals.Captured
		}
	}
	return o, nil
}

// findSetup asks whether the payer has agreed to later charges. The setup intent is then the saved method, and nobody but the
// merchant charges it.
func (a *adapter) findSetup(ctx context.Context, r payments.LookupRequest) (payments.Finding, error) {
	s, err := a.getSetup(ctx, r.Refs.Session)
	if err != nil {
		return payments.Finding{}, err
	}
	o, err := outcome(setupOutcomes, s.Status)
	if err != nil {
		return payments.Finding{}, err
	}
	o.Refs = r.Refs
	switch o.Status {
	case payments.Pending:
		return waiting(o.Refs, a.pageAt("", s.ID)), nil
	case payments.Approved:
		o.Refs.Method, o.MethodOnly = s.ID, payments.MerchantInitiated
	case payments.Declined, payments.ActionRequired: // there is no method
	}
	return payments.Finding{Kind: payments.FoundOutcome, Outcome: o, Refs: o.Refs}, nil
}

// getIntent reads a payment intent, a canceled one, too.
func (a *adapter) getIntent(ctx context.Context, id string) (*intent, error) {
	var i intent
	err := a.ask(ctx, call{method: http.MethodGet, path: below(intentsPath, id), query: url.Values{"returnCanceled": {"true"}}}, &i)
	switch {
	case err != nil:
		return nil, err
	case i.ID != id:
		return nil, unexpected("the intent that was asked for")
	}
	return &i, nil
}

// Abandon deletes an intent that has not been paid, so that it never will be. Dojo refuses to delete one that was paid.
func (a *adapter) Abandon(ctx context.Context, r payments.AbandonRequest) (payments.Fence, error) {
	if r.Refs.Session == "" {
		// The id is durable before the payer gets the link and before the charging call: an intent without one, if there is
		// any, is one that nobody can pay.
		return payments.Fenced, nil
	}
	answer, err := a.do(ctx, call{method: http.MethodDelete, path: pathOf(r.Refs.Session)})
	if err != nil {
		return "", err
	}
	if !ok(answer) {
		fault := refused(answer)
		if fault.Kind != payments.Rejected && fault.Code != payments.GatewayInvalidState {
			return "", fault
		}
		return a.fenceOf(ctx, r.Refs.Session)
	}
	var deleted setup // of which an intent has what matters here
	if err := answer.JSON(&deleted); err != nil {
		return "", err
	}
	if deleted.ID != r.Refs.Session || deleted.Status != intentCanceled {
		return "", unexpected("the intent that was to be deleted")
	}
	return payments.Fenced, nil
}

// fenceOf reads what Dojo has refused to delete: an earlier fence has deleted it, it has ended by itself, or it was paid.
func (a *adapter) fenceOf(ctx context.Context, session string) (payments.Fence, error) {
	if strings.HasPrefix(session, setupPrefix) {
		s, err := a.getSetup(ctx, session)
		switch {
		case err != nil:
			return "", err
		case s.Status == setupCanceled, s.Status == setupExpired:
			return payments.Fenced, nil
		}
		return payments.FenceBroken, nil
	}
	i, err := a.getIntent(ctx, session)
	switch {
	case err != nil:
		return "", err
	case i.Status == intentCanceled:
		return payments.Fenced, nil
	}
	return payments.FenceBroken, nil
}
