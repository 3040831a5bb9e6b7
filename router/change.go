package router

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Change is a change of what may be charged at a gateway configuration: of its breaker's state, or, with Suspended, the
// beginning of a rest.
type Change struct {
	GatewayID string
	PSP       string
	From, To  State // equal when Suspended
	Suspended bool
	Reason    string    // a sentence; empty when all is well again
	Until     time.Time // of the next probe, or of the end of the rest; zero when there is none
	At        time.Time
}

// changeQueue keeps changes that happened under a breaker's mutex until they can be told outside it.
type changeQueue struct {
	deliver func(Change)
	logger  *slog.Logger

	mu      sync.Mutex
	waiting []Change
	telling bool
}

func (q *changeQueue) add(c Change) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, c)
}

// drain tells all waiting changes. Only one goroutine tells at a time, so that they are heard in order; another that comes
// meanwhile leaves its changes to the first.
func (q *changeQueue) drain() {
	for c, more := q.next(false); more; c, more = q.next(true) {
		q.tell(c)
	}
}

// next takes a change to tell. Mine says that the caller is the one who tells; the first call of another finds that out.
func (q *changeQueue) next(mine bool) (c Change, more bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.telling && !mine {
		return Change{}, false
	}
	q.telling = len(q.waiting) > 0
	if !q.telling {
		q.waiting = nil
		return Change{}, false
	}
	c, q.waiting = q.waiting[0], q.waiting[1:]
	return c, true
}

func (q *changeQueue) tell(c Change) {
	level := slog.LevelInfo
	if c.Suspended || c.To == Open {
		level = slog.LevelWarn
	}
	q.logger.LogAttrs(context.Background(), level, "gateway configuration changed",
		slog.String("gateway_configuration_id", c.GatewayID), slog.String("psp", c.PSP),
		slog.String("breaker_from", string(c.From)), slog.String("breaker_to", string(c.To)),
		slog.Bool("suspended", c.Suspended), slog.String("reason", c.Reason), slog.Time("until", c.Until))
	q.deliver(c)
}
