package flow

import (
	"context"
	"fmt"
	"slices"
	"time"

	"switchyard/adapters"
	"switchyard/payments"
	"switchyard/router"
)

// cardKey is what declined tries with the source are counted by: the card's fingerprint, of a saved card too, or a keyed hash of
// the method that only one PSP has. It is empty for a PSP's own page, where it is not known what will be charged, and when nothing
// is counted.
func (e *Engine) cardKey(c *course) string {
	switch s := &c.source; {
	case !e.router.Budget().Counts() || s.Page:
		return ""
	case s.Card.ID != "":
		return s.Card.Facts.Fingerprint
	case s.Token != nil && s.Token.GatewayConfigurationID != "":
		at := s.Token.GatewayConfigurationID
		if ref := s.Mappings[at].MethodRef; ref != "" {
			return e.vault.MethodKey(at, ref)
		}
	}
	return ""
}

// history is what became of earlier tries with a card; nil when there were none, or none are counted.
func (e *Engine) history(ctx context.Context, projectID, cardKey string) (*payments.History, error) {
	if cardKey == "" {
		return nil, nil
	}
	now := e.now()
	tries, err := e.ledger.CardTries(ctx, projectID, cardKey, now.Add(-payments.HistoryWindow))
	if err != nil {
		return nil, err
	}
	return payments.HistoryOf(tries, now), nil
}

// heldError is what a merchant is told when the card's history leaves nobody to try: the code of the decline that it follows
// from. Nothing is said of why a card was refused: merchants show this to the person who holds it.
func heldError(h *payments.Hold) error {
	code := h.Code.Info()
	text := code.Message + " Nothing was sent: after earlier refusals this card is not tried now; use another card."
	if !h.Until.IsZero() {
		text = code.Message + " Nothing was sent: after an earlier refusal this card is not tried before " + h.Until.UTC().Format(time.RFC3339) + "; use another card."
	}
	return &payments.Error{Code: string(code.Code), Message: text, Decline: true}
}

// mayStepUp says that the issuer wants the payer authenticated, and that the same PSP can be asked to do that: once, and only while
// the payer is there.
func (e *Engine) mayStepUp(c *course, gatewayID string, r payments.Result) bool {
	if r.Fault != nil || r.Outcome.Status != payments.Declined || r.Outcome.Class() != payments.ClassStepUp ||
		c.stepUp || c.initiation == payments.MerchantInitiated || c.operation == payments.OpVerify {
		return false
	}
	able, ok := e.gateways[gatewayID].Adapter.(adapters.StepUpper)
	return ok && able.StepsUp()
}

// onward is where a payment goes on after a result that allows it.
type onward struct {
	skip int    // how many of the next candidates are not worth a try
	none bool   // nothing more is tried
	why  string // then: in words
	free func() // gives the card back to other payments; called when the next intent is durable
}

// goesOn decides whether a payment really goes on at one of the next candidates. It waits for other payments with the same card that are
// about to go on, so that together they stay within the budget: each writes its decline before the next one counts.
func (e *Engine) goesOn(ctx context.Context, c *course, a *payments.Attempt, r payments.Result, next []payments.Candidate) (onward, error) {
	o := onward{free: func() {}}
	if next[0].GatewayConfigurationID != a.GatewayConfigurationID {
		after := router.Setback{Gateway: a.GatewayConfigurationID, Code: codeOf(r), Class: movesAfter(r)}
		for _, to := range next {
			pays, why := e.router.CascadePays(&c.decision, &c.facts, after, to.GatewayConfigurationID)
			if pays {
				break
			}
			o.skip, o.why = o.skip+1, why
		}
		if o.skip == len(next) {
			o.none = true
			return o, nil
		}
	}
	if counted := r.Fault == nil && a.CardKey != ""; !counted {
		return o, nil // no issuer has heard of a fault
	}
	free, err := e.locks.lock(ctx, "card\x00"+a.ProjectID+"\x00"+a.CardKey)
	if err != nil {
		return o, err
	}
	now := e.now()
	tries, err := e.ledger.CardTries(ctx, a.ProjectID, a.CardKey, now.Add(-payments.HistoryWindow))
	if err != nil {
		free()
		return o, err
	}
	ended := *a
	ended.State = payments.AttemptDeclined
	describe(&ended, r)
	if try, ok := payments.TryOf(&ended, now); ok {
		tries = append(tries, try)
	}
	if ok, because := e.router.MayTryAgain(&c.decision, payments.HistoryOf(tries, now)); !ok {
		free()
		o.none, o.why = true, because
		return o, nil
	}
	o.free = free
	return o, nil
}

// codeOf is the code of a result that did not charge, as merchants are told it.
func codeOf(r payments.Result) payments.Code {
	if r.Fault != nil {
		return r.Fault.PublicCode()
	}
	return r.Outcome.Code
}

// learnCascade keeps what an attempt teaches about going on from the gateway configuration before it to its own. A call that was not
// made because of ourselves teaches nothing.
func (e *Engine) learnCascade(pay *payments.Payment, id string, r payments.Result) {
	if r.Fault != nil && r.Fault.Local {
		return
	}
	i := slices.IndexFunc(pay.Attempts, func(a payments.Attempt) bool { return a.ID == id })
	if i < 1 || pay.Attempts[i].Decision != nil || pay.Attempts[i].State.Open() || !pay.Attempts[i].Operation.Charges() {
		return // the first of its decision, or not ended
	}
	a, before := &pay.Attempts[i], &pay.Attempts[i-1]
	if before.GatewayConfigurationID == a.GatewayConfigurationID || !before.Operation.Charges() {
		return // the same PSP, asked in another way
	}
	after := router.Setback{Gateway: before.GatewayConfigurationID, Code: before.Code, Class: before.Code.Info().Class}
	if before.Fault != "" {
		after.Class = movesAfter(payments.Result{Fault: &payments.Fault{Kind: before.Fault}})
	}
	e.router.ObserveCascade(after, a.GatewayConfigurationID, a.State == payments.AttemptApproved)
}

// notTriedElsewhere is the end of an attempt's reason when the class would have allowed another try.
func notTriedElsewhere(a *payments.Attempt, text string) string {
	if a.NotTried == "" {
		return text
	}
	return fmt.Sprintf("%s; %s", text, a.NotTried)
}
