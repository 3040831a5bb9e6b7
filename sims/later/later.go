// Package later does things after a while, unless all that waits is cancelled first.
package later

import (
	"sync"
	"time"
)

// Queue holds what is to be done later. It is safe for concurrent use.
type Queue struct {
	mu      sync.Mutex
	timers  map[*task]struct{}
	stopped bool
	running int
	idle    *sync.Cond
}

type task struct{ timer *time.Timer }

// New returns an empty queue.
func New() *Queue {
	q := &Queue{timers: map[*task]struct{}{}}
	q.idle = sync.NewCond(&q.mu)
	return q
}

// After calls do, on a goroutine of its own, once delay is over.
func (q *Queue) After(delay time.Duration, do func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.stopped {
		return
	}
	t := &task{}
	t.timer = time.AfterFunc(delay, func() {
		if q.begin(t) {
			defer q.end()
			do()
		}
	})
	q.timers[t] = struct{}{}
}

// begin says whether t is still wanted: a cancelled timer may have fired just before.
func (q *Queue) begin(t *task) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if _, wanted := q.timers[t]; !wanted {
		return false
	}
	delete(q.timers, t)
	q.running++
	return true
}

func (q *Queue) end() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.running--; q.running == 0 {
		q.idle.Broadcast()
	}
}

// Cancel drops everything that has not begun and returns when what has begun is done. It must not be called from
// something that the queue runs.
func (q *Queue) Cancel() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for t := range q.timers {
		t.timer.Stop()
	}
	clear(q.timers)
	for q.running > 0 {
		q.idle.Wait()
	}
}

// Stop is Cancel for good: nothing can be added any more.
func (q *Queue) Stop() {
	q.mu.Lock()
	q.stopped = true
	q.mu.Unlock()
	q.Cancel()
}
