package flow

import (
	"context"
	"sync"
)

// keyedLocks serialises operations on one payment or token within the process, so that callers at the same moment queue
// instead of colliding on versions. Correctness does not rest on it: the store's conditional writes are the truth between
// processes.
type keyedLocks struct {
	mu   sync.Mutex
	held map[string]*keyedLock
}

type keyedLock struct {
	free    chan struct{} // holds one value while nobody has the lock
	waiters int
}

// lock waits for the key and returns the function that gives it back, or ctx's error.
func (l *keyedLocks) lock(ctx context.Context, key string) (func(), error) {
	l.mu.Lock()
	if l.held == nil {
		l.held = make(map[string]*keyedLock)
	}
	k := l.held[key]
	if k == nil {
		k = &keyedLock{free: make(chan struct{}, 1)}
		k.free <- struct{}{}
		l.held[key] = k
	}
	k.waiters++
	l.mu.Unlock()
	select {
	case <-k.free:
		return func() { k.free <- struct{}{}; l.leave(key, k) }, nil
	case <-ctx.Done():
		l.leave(key, k)
		return nil, ctx.Err()
	}
}

func (l *keyedLocks) leave(key string, k *keyedLock) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if k.waiters--; k.waiters == 0 {
		delete(l.held, key)
	}
}
