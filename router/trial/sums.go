package trial

import "math"

// sums is what is kept of an arm.
type sums struct {
	n        float64
	approved float64
	mean     float64 // of the values
	squares  float64 // of the values' distances to their mean (Welford 1962)
}

func (s *sums) add(approved bool, value float64) {
	s.n++
	if approved {
		s.approved++
	}
	d := value - s.mean
	s.mean += d / s.n
	s.squares += d * (value - s.mean)
}

// moments of one outcome in one arm.
type moments struct{ n, mean, squares float64 }

func (s *sums) approval() moments {
	if s.n == 0 {
		return moments{}
	}
	rate := s.approved / s.n
	return moments{s.n, rate, s.approved * (1 - rate)}
}

func (s *sums) value() moments { return moments{s.n, s.mean, s.squares} }

// pool is the variance of the outcomes of both arms together.
func pool(a, b moments) float64 {
	n := a.n + b.n
	if n == 0 {
		return 0
	}
	d := a.mean - b.mean
	return (a.squares + b.squares + d*d*a.n*b.n/n) / n
}

// doubt is the variance of the mean. It is never less than the pooled variance would make it, and has one more outcome as
// far out as the pooled ones.
func (m moments) doubt(pooled float64) float64 {
	if m.n < 2 {
		return math.Inf(1)
	}
	own := m.squares / (m.n - 1)
	return (max(own, pooled) + pooled/m.n) / m.n
}
