package backtest

import (
	"cmp"
	"slices"
)

// corner is a gateway in a segment.
type corner struct {
	gateway string
	tried   bool    // the log could have chosen it for a payment of the segment
	wanted  float64 // the candidate's probabilities
	untried float64 // of them, where the log could not have chosen it
}

// coverage adds up what the candidate would choose and the log could have chosen.
type coverage struct {
	segments map[string]*segment
	choices  int
}

// segment has its gateways in a list: they are few.
type segment struct{ corners []corner }

func (s *segment) at(gateway string) *corner {
	for i := range s.corners {
		if s.corners[i].gateway == gateway {
			return &s.corners[i]
		}
	}
	s.corners = append(s.corners, corner{gateway: gateway})
	return &s.corners[len(s.corners)-1]
}

func (c *coverage) add(r *Record) {
	s := c.segments[r.Segment]
	if s == nil {
		s = &segment{}
		c.segments[r.Segment] = s
	}
	if r.Gateway != "" {
		s.at(r.Gateway).tried = true
	}
	for i := range r.Old {
		if r.Old[i].Propensity > 0 {
			s.at(r.Old[i].Gateway).tried = true
		}
	}
	if len(r.New) == 0 {
		return
	}
	c.choices++
	for i := range r.New {
		choice := &r.New[i]
		if choice.Propensity <= noise {
			continue
		}
		at := s.at(choice.Gateway)
		at.wanted += choice.Propensity
		if r.oldChance(choice.Gateway) <= 0 {
			at.untried += choice.Propensity
		}
	}
}

func (c *coverage) report() Coverage {
	out := Coverage{Choices: float64(c.choices)}
	if c.choices == 0 {
		return out
	}
	tried := map[string]bool{}
	for name, s := range c.segments {
		for _, at := range s.corners {
			tried[at.gateway] = tried[at.gateway] || at.tried
			if at.untried > 0 {
				out.Gaps = append(out.Gaps, Gap{Segment: name, Gateway: at.gateway, Payments: at.untried})
			}
		}
	}
	slices.SortFunc(out.Gaps, func(a, b Gap) int {
		return cmp.Or(cmp.Compare(b.Payments, a.Payments), cmp.Compare(a.Segment, b.Segment), cmp.Compare(a.Gateway, b.Gateway))
	})
	for _, gap := range out.Gaps {
		out.Untried += gap.Payments
		if at := c.segments[gap.Segment].at(gap.Gateway); !at.tried {
			out.NeverInSegment += at.wanted
		}
		if !tried[gap.Gateway] {
			out.NeverAtAll += gap.Payments
		}
	}
	out.Untried /= out.Choices
	out.NeverInSegment /= out.Choices
	out.NeverAtAll /= out.Choices
	out.Gaps = out.Gaps[:min(len(out.Gaps), mostGaps)]
	return out
}
