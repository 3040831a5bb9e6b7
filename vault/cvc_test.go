package vault

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// bytesOf returns the very bytes that are held.
func bytesOf(m *MemoryCVCs, cardID string) []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e := m.entries[cvcKey{"p", cardID}]; e != nil {
		return e.Value.(*heldCVC).cvc
	}
	return nil
}

func blank(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

func TestBytesAreOverwritten(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*MemoryCVCs){
		"wiped":    func(m *MemoryCVCs) { m.Wipe(t.Context(), "p", "one") },
		"replaced": func(m *MemoryCVCs) { _ = m.Hold(t.Context(), "p", "one", []byte("999"), time.Now().Add(time.Hour)) },
		"crowded out": func(m *MemoryCVCs) {
			for i := range 2 {
				_ = m.Hold(t.Context(), "p", fmt.Sprint(i), []byte("999"), time.Now().Add(time.Hour))
			}
		},
		"closed": (*MemoryCVCs).Close,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := NewMemoryCVCs(2, nil)
			defer m.Close()
			given := []byte("737")
			_ = m.Hold(t.Context(), "p", "one", given, time.Now().Add(time.Hour))
			held := bytesOf(m, "one")
			if clear(given); string(held) != "737" {
				t.Fatal("not a copy of its own")
			}
			if copied := m.Peek(t.Context(), "p", "one"); string(copied) != "737" || &copied[0] == &held[0] {
				t.Fatal("Peek does not return a copy")
			}
			end(m)
			if !blank(held) {
				t.Errorf("the bytes are still %q", held)
			}
		})
	}
}

// Nobody has to come by for a CVC to go.
func TestTheTimerSweeps(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := NewMemoryCVCs(10, nil)
		_ = m.Hold(t.Context(), "p", "one", []byte("111"), time.Now().Add(15*time.Minute))
		time.Sleep(5 * time.Minute)
		_ = m.Hold(t.Context(), "p", "two", []byte("222"), time.Now().Add(15*time.Minute))
		one, two := bytesOf(m, "one"), bytesOf(m, "two")
		time.Sleep(10*time.Minute + time.Second)
		synctest.Wait()
		if !blank(one) || blank(two) {
			t.Errorf("after 15 minutes: %q and %q", one, two)
		}
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if !blank(two) || m.timer != nil || m.order.Len() != 0 || len(m.entries) != 0 {
			t.Errorf("after 20 minutes: %q, timer %v", two, m.timer)
		}
	})
}

func TestNothingIsHeldAfterClose(t *testing.T) {
	t.Parallel()
	m := NewMemoryCVCs(2, nil)
	m.Close()
	_ = m.Hold(t.Context(), "p", "one", []byte("111"), time.Now().Add(time.Hour))
	if m.Peek(t.Context(), "p", "one") != nil || m.timer != nil {
		t.Error("held")
	}
	m.Close()
}

func TestHolderIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	m := NewMemoryCVCs(8, nil)
	defer m.Close()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 200 {
				id := fmt.Sprint(j % 16)
				switch (i + j) % 3 {
				case 0:
					_ = m.Hold(t.Context(), "p", id, []byte("111"), time.Now().Add(time.Minute))
				case 1:
					if got := m.Peek(t.Context(), "p", id); got != nil && string(got) != "111" {
						t.Errorf("a torn CVC %q", got)
					}
				case 2:
					m.Wipe(t.Context(), "p", id)
				}
			}
		})
	}
	wg.Wait()
	if m.order.Len() != len(m.entries) || m.order.Len() > 8 {
		t.Errorf("%d in order, %d entries", m.order.Len(), len(m.entries))
	}
}
