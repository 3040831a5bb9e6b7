package flow

import (
	"strings"

	"switchyard/payments"
)

// moves counts how often a payment has moved on to another candidate, by the class of the result before.
type moves map[payments.Class]int

// movesAfter is the class of a result after which a payment moves on. A fault that certainly did not charge is "nothing
// happened", but for one of our settings.
func movesAfter(r payments.Result) payments.Class {
	switch {
	case r.Fault == nil:
		return r.Outcome.Class()
	case r.Fault.Kind == payments.Misconfigured:
		return payments.ClassConfig
	}
	return payments.ClassCascade
}

// mayMoveOn says whether the operators' policy, too, lets the payment go on to the next candidate after a result.
func (e *Engine) mayMoveOn(c *course, r payments.Result, made moves) bool {
	class := movesAfter(r)
	return e.router.MayMoveOn(&c.decision, class, made[class])
}

// stays is why a payment ends with a result that by itself lets it go on to another candidate; left is how many there are.
func (e *Engine) stays(c *course, r payments.Result, cascades int, made moves, left int) string {
	switch {
	case c.stepUp || !payments.CanTryNext(r, 0):
		return "" // the result says it
	case !payments.CanTryNext(r, cascades):
		return "this was the other one"
	case left == 0:
		return "no candidate is left"
	case !e.mayMoveOn(c, r, made):
		return "the policy lets it move on no further"
	}
	return "the payer's time is over"
}

// fundingOf is how a card is funded, in the words of routing; empty when it is not known.
func fundingOf(card payments.CardFacts) string {
	switch funding := strings.ToLower(card.Type); funding {
	case "credit", "debit", "prepaid":
		return funding
	}
	return ""
}
