// Package backtests asks what another routing policy would have done with the payments whose decisions are stored, and what is
// known of how that would have ended. It changes nothing.
package backtests

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"switchyard/payments"
	"switchyard/router"
	"switchyard/router/backtest"
	"switchyard/router/learn"
	"switchyard/router/rules"
)

// Store is where the decisions are.
type Store interface {
	AttemptsSent(ctx context.Context, gatewayID string, since time.Time, after string, until time.Time, limit int) ([]payments.Attempt, error)
	Payment(ctx context.Context, projectID, invoiceID string) (*payments.Payment, error)
}

// Request says what is asked.
type Request struct {
	Candidate *router.Config // compiled; its gateway configurations are those in force
	// Beliefs are what the candidate's smart routes choose by: those of now, since those of then are not kept.
	Beliefs      *learn.Learner
	Since, Until time.Time
	Most         int // payments that are looked at; what is beyond is left out
}

// Result is what the candidate would have done.
type Result struct {
	Since time.Time `json:"since"`
	Until time.Time `json:"until"`
	// Cut says that there were more payments than may be looked at: those at later gateway configurations are missing.
	Cut bool `json:"cut,omitempty"`
	// Skipped are payments that say nothing, by the reason.
	Skipped map[string]int  `json:"skipped,omitempty"`
	Report  backtest.Report `json:"report"`
}

// Reasons why a stored payment says nothing.
const (
	skippedOld      = "decided before decisions kept their facts"
	skippedOdd      = "what is stored contradicts itself"
	skippedVerified = "a verification, which is no payment"
)

const page = 500

// Run looks at every payment that was sent in a span of time. Payments that went nowhere left no attempt, and are not among them.
func Run(ctx context.Context, s Store, r Request) (Result, error) {
	result := Result{Since: r.Since, Until: r.Until, Skipped: map[string]int{}}
	replay := backtest.New(backtest.Settings{})
	seen := 0
	for i := range r.Candidate.Gateways {
		since, after := r.Since, ""
		for !result.Cut {
			attempts, err := s.AttemptsSent(ctx, r.Candidate.Gateways[i].ID, since, after, r.Until, page)
			if err != nil {
				return Result{}, err
			}
			for j := range attempts {
				a := &attempts[j]
				since, after = a.SentAt, a.ID
				if a.Decision == nil || !a.Operation.Charges() {
					continue
				}
				if seen++; seen > r.Most {
					result.Cut = true
					break
				}
				if err := r.add(ctx, s, a, replay, result.Skipped); err != nil {
					return Result{}, err
				}
			}
			if len(attempts) < page {
				break
			}
		}
	}
	result.Report = replay.Report()
	return result, nil
}

// add replays one payment. What cannot be is counted by its reason; an error is the store's.
func (r *Request) add(ctx context.Context, s Store, a *payments.Attempt, replay *backtest.Replay, skipped map[string]int) error {
	switch {
	case a.Operation == payments.OpVerify:
		skipped[skippedVerified]++
		return nil
	case a.Decision.Facts == nil:
		skipped[skippedOld]++
		return nil
	}
	p, err := s.Payment(ctx, a.ProjectID, a.InvoiceID)
	if err != nil {
		return fmt.Errorf("backtests: %s: %w", a.InvoiceID, err)
	}
	record := r.record(a, p)
	if replay.Add(&record) != nil {
		skipped[skippedOdd]++
	}
	return nil
}

func (r *Request) record(a *payments.Attempt, p *payments.Payment) backtest.Record {
	d := a.Decision
	facts := rules.FactsOf(d.Facts)
	record := backtest.Record{
		Payment: a.InvoiceID, Segment: segmentOf(&facts), Amount: d.Facts.Amount, Gateway: a.GatewayConfigurationID,
		Propensity: 1, Explored: d.Explored, Cost: r.cost(a.GatewayConfigurationID, &facts, d.DecidedAt),
	}
	record.Approved, record.Known = outcomeOf(p, a.ID)
	for _, c := range d.Candidates {
		if c.Estimate == nil || c.Estimate.Propensity == 0 {
			continue
		}
		record.Old = append(record.Old, backtest.Chance{Gateway: c.GatewayConfigurationID, Propensity: c.Estimate.Propensity})
		if c.GatewayConfigurationID == record.Gateway {
			record.Propensity = c.Estimate.Propensity
		}
	}
	would := router.Decide(r.Candidate, *d.Facts, router.View{Health: healthOf(d), Beliefs: r.Beliefs}, d.DecidedAt)
	record.NewBlocked = would.Blocked != ""
	for _, c := range would.Candidates {
		propensity := 0.0
		switch {
		case c.Estimate != nil:
			propensity = c.Estimate.Propensity
		case c.Verdict == payments.Chosen:
			propensity = 1
		}
		if propensity > 0 {
			record.New = append(record.New, backtest.Choice{
				Gateway: c.GatewayConfigurationID, Propensity: propensity, Cost: r.cost(c.GatewayConfigurationID, &facts, d.DecidedAt),
			})
		}
	}
	return record
}

// cost is the fee by the candidate's table: old and new choice are compared by the same prices.
func (r *Request) cost(gateway string, facts *rules.Facts, at time.Time) backtest.Cost {
	if r.Candidate.Policy == nil {
		return backtest.Cost{}
	}
	fee, known := r.Candidate.Policy.Fees(gateway, facts, at)
	return backtest.Cost{Minor: fee.Total(), Known: known}
}

// healthOf leaves those out who could not be reached then: no policy could have sent a payment there.
func healthOf(d *payments.Decision) router.Health {
	var health router.Health
	for _, c := range d.Candidates {
		if !c.Unavailable {
			continue
		}
		if health == nil {
			health = router.Health{}
		}
		health[c.GatewayConfigurationID] = router.Condition{Reason: c.Reason}
	}
	return health
}

// outcomeOf says whether the run that began with an attempt ended approved, and whether that is final.
func outcomeOf(p *payments.Payment, attemptID string) (approved, known bool) {
	begun := false
	for i := range p.Attempts {
		a := &p.Attempts[i]
		switch {
		case a.ID == attemptID:
			begun = true
		case !begun:
			continue
		case a.Decision != nil: // the next run
			return approved, true
		}
		if !a.Operation.Charges() {
			continue
		}
		if a.State.Open() {
			return approved, false
		}
		approved = approved || a.State == payments.AttemptApproved
	}
	return approved, begun
}

// segmentOf is the kind of payment in which support is judged.
func segmentOf(f *rules.Facts) string {
	parts := []string{string(f.Method), string(f.Scheme), f.IssuerCountry, string(f.Amount.Currency)}
	for i := range parts {
		parts[i] = cmp.Or(parts[i], "-")
	}
	return strings.Join(parts, "/")
}

// String is the result in lines that an operator can read.
func (r Result) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Payments sent from %s until %s.\n", r.Since.UTC().Format(time.RFC3339), r.Until.UTC().Format(time.RFC3339))
	b.WriteString(r.Report.String())
	for _, reason := range slices.Sorted(maps.Keys(r.Skipped)) {
		fmt.Fprintf(&b, "Left out: %d (%s).\n", r.Skipped[reason], reason)
	}
	if r.Cut {
		b.WriteString("There are more payments than are looked at once: choose a shorter time.\n")
	}
	return b.String()
}
