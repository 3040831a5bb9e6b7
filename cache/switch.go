package cache

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// downPause is how long Redis is left alone after a failure. Then one command tries it again, and the others go on without
// until its result is there.
const downPause = time.Second

var errDown = errors.New("cache: redis is down")

// downSwitch makes a dead Redis cost an atomic read in place of a time-out. It stands before the client and is not its
// redis.Limiter: the client asks that one again for the handshake of a new connection, which would refuse the very command
// that tries whether Redis is back.
type downSwitch struct {
	now   func() time.Time
	pause time.Duration
	until atomic.Int64 // nanoseconds since 1970; 0: Redis answers
}

// try runs a command, or returns errDown.
func (s *downSwitch) try(command func() error) error {
	if until := s.until.Load(); until != 0 {
		now := s.now()
		if now.UnixNano() < until || !s.until.CompareAndSwap(until, now.Add(s.pause).UnixNano()) {
			return errDown
		}
	}
	err := command()
	if err == nil || errors.Is(err, redis.Nil) { // no such key is an answer
		s.until.Store(0)
	} else {
		s.until.Store(s.now().Add(s.pause).UnixNano())
	}
	return err
}
