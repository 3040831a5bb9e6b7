package later_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"switchyard/sims/later"
)

func TestQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := later.New()
		var done atomic.Int32
		q.After(time.Minute, func() { done.Add(1) })
		q.After(time.Hour, func() { done.Add(1) })
		<-time.After(30 * time.Minute) // by the bubble's clock
		if done.Load() != 1 {
			t.Errorf("%d done after half an hour, want 1", done.Load())
		}
		q.Cancel()
		<-time.After(time.Hour)
		if done.Load() != 1 {
			t.Error("done though cancelled")
		}

		busy := make(chan struct{})
		q.After(0, func() { <-busy; done.Add(1) })
		synctest.Wait()
		time.AfterFunc(time.Minute, func() { close(busy) })
		q.Stop()
		if done.Load() != 2 {
			t.Error("Stop does not wait for what has begun")
		}
		q.After(0, func() { done.Add(1) })
		synctest.Wait()
		if done.Load() != 2 {
			t.Error("done though stopped")
		}
	})
}
