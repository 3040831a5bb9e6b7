package router

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"switchyard/payments"
)

// Bounds of what is kept of a shadow.
const (
	maxSamples = 20
	maxMoves   = 500 // kinds of moves that are told apart
)

// shadow is a policy that decides nothing: what it would have done is compared with what was done.
type shadow struct {
	config *Config

	mu     sync.Mutex
	report ShadowReport
	moves  map[shadowMove]int
}

type shadowMove struct{ from, to string }

// ShadowReport is how a shadow's decisions differ from those that were made, since the policy in force has named it.
type ShadowReport struct {
	Shadow   string       `json:"shadow"`   // its config_version
	Since    time.Time    `json:"since"`    // when counting began
	Payments int          `json:"payments"` // decisions that were compared
	Moved    int          `json:"moved"`    // those that it would have sent elsewhere first, blocked ones included
	Reranked int          `json:"reranked"` // those with the same first candidate and others behind it
	Moves    []ShadowMove `json:"moves"`    // most frequent first
	Samples  []ShadowDiff `json:"samples"`  // the latest payments that it would have sent elsewhere
}

// ShadowMove counts payments that would have gone elsewhere. An empty name is nowhere.
type ShadowMove struct {
	From     string `json:"from"`
	To       string `json:"to"`
	Payments int    `json:"payments"`
}

// ShadowDiff is one payment that would have gone elsewhere.
type ShadowDiff struct {
	ProjectID  string    `json:"project_id"`
	InvoiceID  string    `json:"invoice_id"`
	At         time.Time `json:"at"`
	From       string    `json:"from"`
	Rule       string    `json:"rule"`
	To         string    `json:"to"`
	ShadowRule string    `json:"shadow_rule"`
}

// newShadow begins to compare with c's shadow, or goes on when it is the same. Nil: there is none.
func newShadow(c *Config, before *shadow, sameLive bool, now time.Time) *shadow {
	switch {
	case c.Shadow == nil:
		return nil
	case before != nil && sameLive && before.config.Version == c.Shadow.Version:
		return before
	}
	return &shadow{config: c.Shadow, report: ShadowReport{Shadow: c.Shadow.Version, Since: now}, moves: map[shadowMove]int{}}
}

// compare counts how the shadow's decision about a payment differs from the one that was made.
func (s *shadow) compare(made *payments.Decision, f *payments.Facts, v View, now time.Time) {
	would := Decide(s.config, *f, v, now)
	from, to := firstOf(made), firstOf(&would)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.report.Payments++
	if from == to {
		if !sameOrder(made, &would) {
			s.report.Reranked++
		}
		return
	}
	s.report.Moved++
	move := shadowMove{from, to}
	if _, known := s.moves[move]; known || len(s.moves) < maxMoves {
		s.moves[move]++
	}
	if len(s.report.Samples) == maxSamples {
		s.report.Samples = slices.Delete(s.report.Samples, 0, 1)
	}
	s.report.Samples = append(s.report.Samples, ShadowDiff{
		ProjectID: f.ProjectID, InvoiceID: f.InvoiceID, At: now, From: from, Rule: made.Rule, To: to, ShadowRule: would.Rule,
	})
}

// firstOf is where a decision sends the payment; empty for nowhere.
func firstOf(d *payments.Decision) string {
	if len(d.Candidates) == 0 || d.Candidates[0].Verdict == payments.Excluded {
		return ""
	}
	return d.Candidates[0].GatewayConfigurationID
}

// sameOrder says that two decisions try the same candidates in the same order.
func sameOrder(a, b *payments.Decision) bool {
	return slices.EqualFunc(a.Order(), b.Order(), func(x, y payments.Candidate) bool {
		return x.GatewayConfigurationID == y.GatewayConfigurationID
	})
}

// Shadow says how the shadow's decisions differ; false when there is none.
func (r *Router) Shadow() (ShadowReport, bool) {
	s := r.current.Load().shadow
	if s == nil {
		return ShadowReport{}, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	report := s.report
	report.Samples = slices.Clone(s.report.Samples)
	report.Moves = make([]ShadowMove, 0, len(s.moves))
	for move, n := range s.moves {
		report.Moves = append(report.Moves, ShadowMove{From: move.from, To: move.to, Payments: n})
	}
	slices.SortFunc(report.Moves, func(a, b ShadowMove) int {
		return cmp.Or(b.Payments-a.Payments, cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	})
	return report, true
}
