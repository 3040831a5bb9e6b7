package cache

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

// A peer that accepts connections and never answers must not keep anybody waiting for long, nor a subscription.
func TestABlackHole(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { _, _ = io.Copy(io.Discard, conn) })
		}
	})
	c := openWithin(t, l.Addr().String(), 0)
	h := listen(c)
	started := time.Now()
	for range 1000 {
		c.Put(t.Context(), "p", "tok_1", nil)
		if _, ok := c.Get(t.Context(), "p", "tok_1"); ok {
			t.Fatal("found")
		}
	}
	if took := time.Since(started); took > 10*time.Second { // one time-out now and then, where each read would take 0.1 s
		t.Errorf("1000 reads took %v", took)
	}
	c.Drop(t.Context(), "p", "tok_1")
	h.until(t, change{})
	_ = c.Close()
	_ = l.Close()
	wg.Wait()
}

func TestADeadAddress(t *testing.T) {
	t.Parallel()
	c := open(t, deadAddress(t))
	h := listen(c)
	for range 1000 {
		c.Put(t.Context(), "p", "tok_1", nil)
		if _, ok := c.Get(t.Context(), "p", "tok_1"); ok {
			t.Fatal("found")
		}
		c.Drop(t.Context(), "p", "tok_1")
	}
	h.until(t, change{})
}

func deadAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// A Drop that did not reach Redis is made up for, and until then nobody here reads the old rows.
func TestAMissedDropIsMadeUpFor(t *testing.T) {
	t.Parallel()
	for name, outage := range map[string]func(t *testing.T, m *miniredis.Miniredis) (end func()){
		"refuses": func(_ *testing.T, m *miniredis.Miniredis) func() {
			m.SetError("LOADING")
			return func() { m.SetError("") }
		},
		"away": func(t *testing.T, m *miniredis.Miniredis) func() {
			m.Close()
			return func() {
				if err := m.Restart(); err != nil { // with what it held
					t.Error(err)
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := miniredis.RunT(t)
			here, there := open(t, m.Addr()), open(t, m.Addr())
			h := listen(there)
			h.until(t, change{})
			p := projectOf(t)
			here.Put(t.Context(), p, "tok_1", rowsOf(t, "tok_1", "old"))
			end := outage(t, m)
			here.Drop(t.Context(), p, "tok_1")
			end()
			if rows, ok := here.Get(t.Context(), p, "tok_1"); ok {
				t.Errorf("read %v, which should have been dropped", rows)
			}
			for text := ""; text != tombstone; text, _ = m.Get(key(p, "tok_1")) {
				h.anything(t) // of the Drop, or else of a new subscription after it
			}
			if rows, ok := there.Get(t.Context(), p, "tok_1"); ok {
				t.Errorf("%v is still there", rows)
			}
		})
	}
}

func TestRowsOfAnOwedTokenAreNotUsed(t *testing.T) {
	t.Parallel()
	m := miniredis.RunT(t)
	c := open(t, m.Addr())
	p := projectOf(t)
	c.Put(t.Context(), p, "tok_1", rowsOf(t, "tok_1", "old"))
	owed := c.owed.add(change{p, "tok_1"}, time.Now())
	c.owed.add(change{p, "tok_2"}, time.Now())
	if rows, ok := c.Get(t.Context(), p, "tok_1"); ok {
		t.Errorf("got %v", rows)
	}
	if c.Put(t.Context(), p, "tok_2", rowsOf(t, "tok_2", "old")); m.Exists(key(p, "tok_2")) {
		t.Error("rows were put that a Drop still has to remove")
	}
	c.owed.settle(owed)
	if _, ok := c.Get(t.Context(), p, "tok_1"); !ok {
		t.Error("not used after the debt was paid")
	}
}

func TestDebts(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	expiry := now.Add(defaultTTL)
	var d debts
	one := change{"p", "tok_1"}
	early := d.add(one, expiry)
	late := d.add(one, expiry)
	if d.settle(early); !d.has(one, now) {
		t.Error("an earlier Drop has settled a later one")
	}
	if !d.collect() || d.collect() {
		t.Error("not collected by exactly one")
	}
	if d.settle(late); d.has(one, now) || len(d.some()) != 0 || d.collecting {
		t.Error("something is owed after it was settled")
	}
	for i := range maxOwed + 1 {
		d.add(change{"p", fmt.Sprint(i)}, expiry)
	}
	if len(d.owed) > maxOwed || !d.has(change{"p", "any"}, now) || d.has(change{"p", "any"}, expiry) {
		t.Errorf("too many debts: %d are kept", len(d.owed))
	}
	if few := d.some(); len(few) != 1 {
		t.Errorf("%d", len(few))
	}
}

func TestDownSwitch(t *testing.T) {
	t.Parallel()
	var clock movable
	s := &downSwitch{now: clock.Now, pause: downPause}
	tried := func(want bool, answer error, when string) {
		t.Helper()
		ran := false
		err := s.try(func() error {
			ran = true
			if nested := s.try(func() error { return nil }); s.until.Load() != 0 && nested == nil {
				t.Errorf("%s: two at once", when)
			}
			return answer
		})
		if ran != want || ran && !errors.Is(err, answer) || !ran && !errors.Is(err, errDown) {
			t.Errorf("%s: ran %v, %v", when, ran, err)
		}
	}
	tried(true, nil, "at first")
	tried(true, redis.Nil, "an answer that there is nothing")
	tried(true, io.EOF, "a failure")
	tried(false, nil, "right after it")
	clock.forward(downPause - 1)
	tried(false, nil, "before the pause ends")
	clock.forward(1)
	tried(true, io.EOF, "after the pause")
	tried(false, nil, "after another failure")
	clock.forward(downPause)
	tried(true, nil, "after another pause")
	tried(true, nil, "alive")
}

type movable struct {
	mu     sync.Mutex
	passed time.Duration
}

func (m *movable) Now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC).Add(m.passed)
}

func (m *movable) forward(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.passed += d
}
