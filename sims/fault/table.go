package fault

import (
	"slices"
	"sync"

	"switchyard/sims/psp"
)

// Table is the faults that are set, in the order in which they were. It is safe for concurrent use.
type Table struct {
	random *psp.Random

	mu     sync.Mutex
	faults []*Fault
}

// NewTable returns a table without faults. random draws the rates.
func NewTable(random *psp.Random) *Table { return &Table{random: random} }

// Add sets a fault beside those set already.
func (t *Table) Add(f Fault) {
	t.mu.Lock()
	defer t.mu.Unlock()
	copied := f.copy()
	t.faults = append(t.faults, &copied)
}

// List returns the faults that are set, with the counts that are left.
func (t *Table) List() []Fault {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make([]Fault, len(t.faults))
	for i, f := range t.faults {
		out[i] = f.copy()
	}
	return out
}

// Clear takes every fault off.
func (t *Table) Clear() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.faults = nil
}

// Pick returns the fault that hits this call or webhook, if one does: the first that is about it, whose rate is
// drawn (once each) and whose count is not used up.
func (t *Table) Pick(name string, o psp.Operation) (Fault, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, f := range t.faults {
		if !f.hits(name, o) || !t.random.Chance(f.Rate) {
			continue
		}
		picked := f.copy()
		if f.Count != nil {
			if *f.Count--; *f.Count == 0 {
				t.faults = slices.Delete(t.faults, i, i+1)
			}
		}
		return picked, true
	}
	return Fault{}, false
}

// Refuses says whether a PSP is to refuse connections.
func (t *Table) Refuses(name string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.ContainsFunc(t.faults, func(f *Fault) bool {
		return f.Kind == Refuse && (f.PSP == Any || f.PSP == name)
	})
}

// copy shares no count with f, which goes on counting.
func (f *Fault) copy() Fault {
	out := *f
	if f.Count != nil {
		left := *f.Count
		out.Count = &left
	}
	return out
}
