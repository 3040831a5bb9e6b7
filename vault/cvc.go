package vault

import (
	"container/list"
	"context"
	"sync"
	"time"
)

// CVCHolder keeps CVCs for a few minutes and never on disk. It is safe for concurrent use.
type CVCHolder interface {
	// Hold keeps a copy of cvc until the given time, in place of the one held before.
	Hold(ctx context.Context, projectID, cardID string, cvc []byte, until time.Time) error
	// Peek returns a copy of the CVC, nil when none is held (any more). The caller clears it after use.
	Peek(ctx context.Context, projectID, cardID string) []byte
	// Wipe forgets the CVC.
	Wipe(ctx context.Context, projectID, cardID string)
}

// MemoryCVCs is a CVCHolder in the memory of this process. Bytes are overwritten as soon as they are no longer held, by a
// timer if nothing else comes by. When it is full the CVC that was held longest makes room: its payer is the one most
// likely to be gone.
type MemoryCVCs struct {
	limit int
	now   func() time.Time

	mu      sync.Mutex
	entries map[cvcKey]*list.Element
	order   *list.List // of *heldCVC, longest held first
	timer   *time.Timer
	closed  bool
}

type cvcKey struct{ projectID, cardID string }

type heldCVC struct {
	key   cvcKey
	cvc   []byte
	until time.Time
}

// NewMemoryCVCs returns an empty holder of at most limit CVCs. now may be nil for time.Now.
func NewMemoryCVCs(limit int, now func() time.Time) *MemoryCVCs {
	if now == nil {
		now = time.Now
	}
	return &MemoryCVCs{limit: limit, now: now, entries: make(map[cvcKey]*list.Element), order: list.New()}
}

// Hold implements CVCHolder. It never fails; after Close it holds nothing.
func (m *MemoryCVCs) Hold(_ context.Context, projectID, cardID string, cvc []byte, until time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := cvcKey{projectID, cardID}
	m.drop(m.entries[key])
	if m.closed || len(cvc) == 0 {
		return nil
	}
	if m.order.Len() >= m.limit {
		m.drop(m.order.Front())
	}
	held := &heldCVC{key: key, cvc: append(make([]byte, 0, len(cvc)), cvc...), until: until}
	m.entries[key] = m.order.PushBack(held)
	m.arm()
	return nil
}

// Peek implements CVCHolder.
func (m *MemoryCVCs) Peek(_ context.Context, projectID, cardID string) []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.entries[cvcKey{projectID, cardID}]
	if e == nil {
		return nil
	}
	held := e.Value.(*heldCVC)
	if !m.now().Before(held.until) {
		m.drop(e)
		return nil
	}
	return append([]byte(nil), held.cvc...)
}

// Wipe implements CVCHolder.
func (m *MemoryCVCs) Wipe(_ context.Context, projectID, cardID string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.drop(m.entries[cvcKey{projectID, cardID}])
}

// Close overwrites all CVCs and stops the timer.
func (m *MemoryCVCs) Close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	for e := m.order.Front(); e != nil; e = m.order.Front() {
		m.drop(e)
	}
	if m.timer != nil {
		m.timer.Stop()
		m.timer = nil
	}
}

// drop overwrites an entry and removes it; nil is no entry.
func (m *MemoryCVCs) drop(e *list.Element) {
	if e == nil {
		return
	}
	held := m.order.Remove(e).(*heldCVC)
	clear(held.cvc)
	delete(m.entries, held.key)
}

// arm starts the timer for the entry that is held longest, unless it runs already. A timer needs no goroutine to wait.
func (m *MemoryCVCs) arm() {
	if m.timer != nil || m.order.Len() == 0 {
		return
	}
	wait := m.order.Front().Value.(*heldCVC).until.Sub(m.now())
	m.timer = time.AfterFunc(max(wait, time.Second), m.sweep)
}

// sweep drops what is due. Entries are held for the same time each, so that the due ones are in front.
func (m *MemoryCVCs) sweep() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return
	}
	m.timer = nil
	now := m.now()
	for e := m.order.Front(); e != nil && !now.Before(e.Value.(*heldCVC).until); e = m.order.Front() {
		m.drop(e)
	}
	m.arm()
}
