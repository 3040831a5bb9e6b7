package router

import (
	"strconv"
	"time"

	"switchyard/payments"
)

// Budget bounds the declined tries with one card, at all gateway configurations together. The zero value counts nothing, and
// obeys no hold on a card either.
type Budget struct {
	PerDay    int // in 24 hours
	Per30Days int
}

// Counts says that declined tries are counted.
func (b Budget) Counts() bool { return b.PerDay > 0 || b.Per30Days > 0 }

// budgetOf is the budget in force: the configuration's switches it on, and a policy's numbers take the place of its numbers.
func budgetOf(c *Config) Budget {
	b := c.Budget
	if c.Policy == nil || !b.Counts() {
		return b
	}
	retry := &c.Policy.Document().Retry
	return Budget{PerDay: retry.PerDay, Per30Days: retry.Per30Days}
}

// Budget returns the bounds of declined tries in force.
func (r *Router) Budget() Budget { return budgetOf(r.Config()) }

// left is how many tries the budget leaves after a history, at least 0, and the words for the tighter bound.
func (b Budget) left(h *payments.History) (left int, because string) {
	day, month := max(b.PerDay-h.Day, 0), max(b.Per30Days-h.Month, 0)
	if day <= month {
		return day, triedWords(h.Day, b.PerDay, "24 hours")
	}
	return month, triedWords(h.Month, b.Per30Days, "30 days")
}

func triedWords(tried, most int, window string) string {
	text := "the card has been declined " + strconv.Itoa(tried) + " times in " + window
	if tried == 1 {
		text = "the card has been declined once in " + window
	}
	if tried >= most {
		return text + ", and the limit is " + strconv.Itoa(most)
	}
	return text + ", and the limit of " + strconv.Itoa(most) + " leaves no more tries"
}

// cut is how many of the candidates a payment may try with the card that it has, and why it is no more. held is set when it is none.
func (b Budget) cut(f *payments.Facts, now time.Time, limit int, because string) (int, string, *payments.Hold) {
	h := f.History
	if h == nil || !b.Counts() {
		return limit, because, nil
	}
	switch {
	case h.Never != nil && now.Before(h.Never.Until):
		return 0, h.Never.Words + ": not before " + timeWords(h.Never.Until), h.Never
	case f.Initiation == payments.MerchantInitiated && h.Later != nil && now.Before(h.Later.Until):
		return 0, h.Later.Words + ": not before " + timeWords(h.Later.Until), h.Later
	}
	left, words := b.left(h)
	if left >= limit {
		return limit, because, nil
	}
	if left > 0 {
		return left, words, nil
	}
	return 0, words, &payments.Hold{Code: payments.CardMaximumAttempts, Words: words}
}

func timeWords(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// hold marks a decision whose candidates the card's history has taken away, and nothing else.
func hold(d *payments.Decision, held *payments.Hold, because string) {
	if held == nil {
		return
	}
	for i := range d.Candidates {
		if d.Candidates[i].Reason == because {
			d.Held = held
			return
		}
	}
}

// MayTryAgain says whether the payment of a decision, which has just been declined, may go on with its card: the card's history,
// that decline included, leaves a try.
func (r *Router) MayTryAgain(d *payments.Decision, h *payments.History) (ok bool, because string) {
	b := budgetOf(r.governing(d))
	if h == nil || !b.Counts() {
		return true, ""
	}
	if h.Never != nil {
		return false, h.Never.Words
	}
	left, words := b.left(h)
	return left > 0, words
}
