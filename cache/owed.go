package cache

import (
	"sync"
	"time"
)

const (
	maxOwed    = 10_000 // Drops that are remembered while Redis is away
	owedPerTry = 100    // Drops tried before the next look at whether to stop
)

// change names a token whose rows were written.
type change struct{ projectID, tokenID string }

// debt is one Drop of a token.
type debt struct {
	change
	number uint64
}

// debts are the Drops that Redis has not been told of. Rows of such tokens in Redis are old.
type debts struct {
	mu         sync.Mutex
	owed       map[change]uint64 // which Drop of the token it is: an earlier one must not settle a later one
	last       uint64
	collecting bool      // payDebts runs
	allUntil   time.Time // too many were owed: any row may be old until then, when all have expired
}

// has says whether what Redis has of the token may be old.
func (d *debts) has(ch change, now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, owed := d.owed[ch]
	return owed || now.Before(d.allUntil)
}

// add notes a Drop before it is tried. expiry is when all rows that Redis has now will be gone.
func (d *debts) add(ch change, expiry time.Time) debt {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.owed == nil {
		d.owed = make(map[change]uint64)
	}
	if len(d.owed) >= maxOwed {
		clear(d.owed)
		d.allUntil = expiry
	}
	d.last++
	d.owed[ch] = d.last
	return debt{ch, d.last}
}

// settle forgets a debt that was paid.
func (d *debts) settle(paid debt) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.owed[paid.change] == paid.number {
		delete(d.owed, paid.change)
	}
}

// collect says whether the caller is to start payDebts.
func (d *debts) collect() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.collecting || len(d.owed) == 0 {
		return false
	}
	d.collecting = true
	return true
}

// some returns a few debts. None are left and nobody collects any more when it returns none.
func (d *debts) some() []debt {
	d.mu.Lock()
	defer d.mu.Unlock()
	few := make([]debt, 0, min(len(d.owed), owedPerTry))
	for ch, number := range d.owed {
		if len(few) == owedPerTry {
			break
		}
		few = append(few, debt{ch, number})
	}
	d.collecting = len(few) > 0
	return few
}

// payDebts tells Redis of the Drops that it has missed, until there are none.
func (c *Cache) payDebts() {
	for few := c.owed.some(); len(few) > 0; few = c.owed.some() {
		for _, owed := range few {
			if c.drop(c.ctx, owed.change) == nil {
				c.owed.settle(owed)
				continue
			}
			if !c.wait(c.pause) {
				return
			}
			break
		}
	}
}
