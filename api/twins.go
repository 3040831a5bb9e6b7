package api

import (
	"context"
	"sync"
	"time"

	"switchyard/payments"
)

// maxTwins bounds the keys that are being worked on at one moment. A request beyond it is told to come back.
const maxTwins = 100_000

// twins lets requests with the same idempotency key pass one at a time, so that a twin that comes while the first is at work
// waits for it and then finds its answer. It holds only the keys of requests that are in the house. Between instances the
// claim in the store does the same, without the waiting.
type twins struct {
	mu   sync.Mutex
	keys map[payments.ClaimKey]*twin
}

type twin struct {
	turn  chan struct{} // holds one value while nobody is at work
	count int           // requests at work or waiting
}

// enter waits for the key's turn, at most for the limit, and returns the function that passes it on.
func (t *twins) enter(ctx context.Context, key payments.ClaimKey, limit time.Duration) (leave func(), err error) {
	k, ok := t.join(key)
	if !ok {
		return nil, errStillProcessing
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-k.turn:
		return func() { k.turn <- struct{}{}; t.part(key, k) }, nil
	case <-timer.C:
	case <-ctx.Done():
	}
	t.part(key, k)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return nil, errStillProcessing
}

func (t *twins) join(key payments.ClaimKey) (*twin, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	k := t.keys[key]
	if k == nil {
		if len(t.keys) >= maxTwins {
			return nil, false
		}
		if t.keys == nil {
			t.keys = make(map[payments.ClaimKey]*twin)
		}
		k = &twin{turn: make(chan struct{}, 1)}
		k.turn <- struct{}{}
		t.keys[key] = k
	}
	k.count++
	return k, true
}

func (t *twins) part(key payments.ClaimKey, k *twin) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if k.count--; k.count == 0 {
		delete(t.keys, key)
	}
}
