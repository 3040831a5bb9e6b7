package simulation

import (
	"math/rand/v2"
	"time"
)

// dice are choices that follow from the seed and from what they are about. No generator is shared by goroutines: which of two
// asks first must not decide what either of them gets.
type dice struct{ *rand.Rand }

func newDice(seed uint64, about ...string) dice {
	const offset, prime = 14695981039346656037, 1099511628211 // FNV-1a
	h := seed ^ offset
	for _, part := range about {
		for i := range len(part) {
			h = (h ^ uint64(part[i])) * prime
		}
		h = (h ^ 0xff) * prime
	}
	return dice{rand.New(rand.NewPCG(h, seed))}
}

func (d dice) chance(p float64) bool { return d.Float64() < p }

// between returns a time to the nanosecond, so that hardly two things happen at the same moment.
func (d dice) between(from, to time.Duration) time.Duration {
	if to <= from {
		return from
	}
	return from + time.Duration(d.Int64N(int64(to-from)))
}

// weigh returns an index, each as likely as its weight.
func (d dice) weigh(weights ...float64) int {
	sum := 0.0
	for _, w := range weights {
		sum += w
	}
	at := d.Float64() * sum
	for i, w := range weights {
		if at -= w; at < 0 {
			return i
		}
	}
	return len(weights) - 1
}

func pick[T any](d dice, list ...T) T { return list[d.IntN(len(list))] }
