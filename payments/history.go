package payments

import (
	"slices"
	"time"
)

// CardTry is a try with a card that was declined, as it is counted: over all gateway configurations of a project, since it is the
// issuer and the scheme who count. It is written in the commit of the outcome.
type CardTry struct {
	ProjectID              string
	CardKey                string // a keyed hash of the card's number, or of the method that only a PSP has
	AttemptID              string
	GatewayConfigurationID string
	Code                   Code
	At                     time.Time
	NeverUntil             time.Time // the card must not be tried before; zero: it may
	LaterUntil             time.Time // likewise, by the merchant alone
	Words                  string    // why, for operators
}

// The windows in which declined tries are counted. What is older than HistoryWindow is of no use any more.
const (
	DayWindow     = 24 * time.Hour
	HistoryWindow = 30 * 24 * time.Hour
)

// unasked are declines of which the issuer has heard nothing: the payer gave up, or the PSP did not pass the payment on. So are
// all of ClassConfig.
var unasked = []Code{
	CardCanceledByClient, CustomerCanceled, CustomerCancelled, GatewayExpired, GatewayMaintenance, GatewayNetworkError,
	GatewayRateLimitExceeded, GatewayRetry, RoutingRulesTransactionBlocked,
}

// TryOf is what is counted of an attempt that has ended. ok is false when nothing is: it was not declined, the issuer has not heard
// of it, or there is no card to count it by. An approval is not counted: the schemes bound how often a refused card is tried
// again.
func TryOf(a *Attempt, at time.Time) (try CardTry, ok bool) {
	class := a.Code.Info().Class
	if a.State != AttemptDeclined || !a.Operation.Charges() || a.CardKey == "" || class == ClassConfig || slices.Contains(unasked, a.Code) {
		return CardTry{}, false
	}
	try = CardTry{ProjectID: a.ProjectID, CardKey: a.CardKey, AttemptID: a.ID, GatewayConfigurationID: a.GatewayConfigurationID, Code: a.Code, At: at}
	rule, ruled := SchemeRuleAt(a.Scheme, a.NetworkCode, a.AdviceCode, at)
	switch {
	case ruled && rule.Action == SchemeNever:
		try.NeverUntil, try.Words = at.Add(NeverFor), "the scheme forbids another try ("+rule.String()+")"
	case class == ClassNever:
		try.NeverUntil, try.Words = at.Add(NeverFor), "a decline with "+string(a.Code)+" forbids another try"
	case ruled && rule.Action == SchemeLater:
		try.LaterUntil, try.Words = at.Add(rule.After), "the scheme asks to wait ("+rule.String()+")"
	}
	return try, true
}

// History is what became of earlier tries with the card that pays, at all gateway configurations.
type History struct {
	Day   int   `json:"day,omitempty"`   // declined tries in the last 24 hours
	Month int   `json:"month,omitempty"` // in the last 30 days
	Last  Code  `json:"last,omitempty"`  // of the newest
	Never *Hold `json:"never,omitempty"` // the card must not be tried
	Later *Hold `json:"later,omitempty"` // it must not be tried by the merchant alone
}

// Hold is a time before which a card is left alone.
type Hold struct {
	Until time.Time `json:"until"`
	Code  Code      `json:"code"`  // of the decline that it follows from
	Words string    `json:"words"` // why, for operators
}

// HistoryOf sums up the tries with one card as of a moment; nil when there were none. They may be in any order.
func HistoryOf(tries []CardTry, now time.Time) *History {
	var h History
	var newest time.Time
	for i := range tries {
		t := &tries[i]
		age := now.Sub(t.At)
		if age < HistoryWindow {
			h.Month++
		}
		if age < DayWindow {
			h.Day++
		}
		if h.Last == "" || t.At.After(newest) {
			newest, h.Last = t.At, t.Code
		}
		h.Never = laterHold(h.Never, t, t.NeverUntil, now)
		h.Later = laterHold(h.Later, t, t.LaterUntil, now)
	}
	if h.Month == 0 && h.Never == nil && h.Later == nil {
		return nil
	}
	return &h
}

// laterHold is the one of two holds that ends later, if it has not ended.
func laterHold(have *Hold, t *CardTry, until, now time.Time) *Hold {
	if !now.Before(until) || have != nil && !have.Until.Before(until) {
		return have
	}
	return &Hold{Until: until, Code: t.Code, Words: t.Words}
}
