package sims

import (
	"cmp"
	"slices"
	"sync"

	"switchyard/sims/psp"
)

// counter counts the requests that arrived.
type counter struct {
	mu     sync.Mutex
	counts map[countKey]int
}

type countKey struct {
	psp       string
	operation psp.Operation
}

type countRow struct {
	PSP       string        `json:"psp"`
	Operation psp.Operation `json:"operation"`
	Count     int           `json:"count"`
}

func newCounter() *counter { return &counter{counts: map[countKey]int{}} }

func (c *counter) add(name string, o psp.Operation) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts[countKey{name, o}]++
}

func (c *counter) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.counts)
}

// rows returns the counts by PSP, then in the order of the operations.
func (c *counter) rows() []countRow {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([]countRow, 0, len(c.counts))
	for k, n := range c.counts {
		out = append(out, countRow{k.psp, k.operation, n})
	}
	slices.SortFunc(out, func(a, b countRow) int {
		order := psp.Operations()
		return cmp.Or(cmp.Compare(a.PSP, b.PSP),
			cmp.Compare(slices.Index(order, a.Operation), slices.Index(order, b.Operation)))
	})
	return out
}
