package tokens_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"switchyard/payments"
	"switchyard/tokens"
)

// shared is a tokens.Cache in memory, as Redis would be: a Drop keeps rows out that were read before it.
type shared struct {
	mu      sync.Mutex
	rows    map[id][]payments.Mapping
	dropped map[id]bool
	changed []func(projectID, tokenID string)
	onDrop  func() // runs before a Drop has any effect
}

func newShared() *shared {
	return &shared{rows: make(map[id][]payments.Mapping), dropped: make(map[id]bool)}
}

func (c *shared) Get(_ context.Context, projectID, tokenID string) ([]payments.Mapping, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	rows, ok := c.rows[id{projectID, tokenID}]
	return rows, ok
}

func (c *shared) Put(_ context.Context, projectID, tokenID string, rows []payments.Mapping) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.dropped[id{projectID, tokenID}] {
		c.rows[id{projectID, tokenID}] = rows
	}
}

func (c *shared) Drop(_ context.Context, projectID, tokenID string) {
	if c.onDrop != nil {
		c.onDrop()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dropped[id{projectID, tokenID}] = true
	delete(c.rows, id{projectID, tokenID})
	for _, changed := range c.changed {
		changed(projectID, tokenID)
	}
}

// thaw ends the time in which a Drop keeps rows out.
func (c *shared) thaw() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.dropped)
}

func method(t testing.TB, s *tokens.Service, token payments.Token) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	rows, err := s.Mappings(ctx, token.ProjectID, token.ID)
	if err != nil {
		t.Fatal(err)
	}
	return rows["gway_conf_po"].MethodRef
}

// wrote stores a mapping without telling anybody.
func (m *memory) wrote(t testing.TB, token payments.Token, method string) {
	t.Helper()
	err := m.Apply(t.Context(), payments.Change{Mappings: []payments.Mapping{{
		ProjectID: token.ProjectID, TokenID: token.ID, GatewayConfigurationID: "gway_conf_po", MethodRef: method, Status: payments.MappingUsable,
	}}})
	if err != nil {
		t.Fatal(err)
	}
}

var someToken = payments.Token{ProjectID: project, ID: "tok_1"}

func TestMappingsAreReadOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.store.wrote(t, someToken, "pm_1")
	for range 3 {
		if got := method(t, b.Service, someToken); got != "pm_1" {
			t.Fatalf("got %q", got)
		}
	}
	if b.store.mappingGets != 1 {
		t.Errorf("%d reads of the store", b.store.mappingGets)
	}
	b.store.wrote(t, someToken, "pm_2")
	b.Changed(t.Context(), project, someToken.ID)
	if got := method(t, b.Service, someToken); got != "pm_2" {
		t.Errorf("after a write: %q", got)
	}
}

func TestMappingsAreTheCallersOwn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.store.wrote(t, someToken, "pm_1")
	rows, err := b.Mappings(t.Context(), project, someToken.ID)
	if err != nil {
		t.Fatal(err)
	}
	rows["gway_conf_po"] = payments.Mapping{MethodRef: "forged"}
	if got := method(t, b.Service, someToken); got != "pm_1" {
		t.Errorf("got %q", got)
	}
}

func TestMappingsOfOneProjectOnly(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.store.wrote(t, someToken, "pm_1")
	method(t, b.Service, someToken)
	if got := method(t, b.Service, payments.Token{ProjectID: "proj_other", ID: someToken.ID}); got != "" {
		t.Errorf("another project's token has %q", got)
	}
}

func TestOneFlightPerKey(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.store.wrote(t, someToken, "pm_1")
	const readers = 16
	synctest.Test(t, func(t *testing.T) {
		_, s := serviceOn(t, b.store, nil)
		hold := make(chan struct{})
		b.store.onRead(func() { <-hold })
		var wg sync.WaitGroup
		for range readers {
			wg.Go(func() {
				if got := method(t, s, someToken); got != "pm_1" {
					t.Errorf("got %q", got)
				}
			})
		}
		synctest.Wait() // all are in the flight
		close(hold)
		wg.Wait()
		s.Close()
	})
	if b.store.mappingGets != 1 {
		t.Errorf("%d reads of the store for %d readers", b.store.mappingGets, readers)
	}
}

// A reader that goes away does not take the others with it.
func TestAReaderMayGoAway(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.store.wrote(t, someToken, "pm_1")
	synctest.Test(t, func(t *testing.T) {
		_, s := serviceOn(t, b.store, nil)
		hold := make(chan struct{})
		b.store.onRead(func() { <-hold })
		ctx, cancel := context.WithCancel(t.Context())
		gone := make(chan error, 1)
		go func() {
			_, err := s.Mappings(ctx, project, someToken.ID)
			gone <- err
		}()
		synctest.Wait()
		stays := make(chan string, 1)
		go func() { stays <- method(t, s, someToken) }()
		synctest.Wait()
		cancel()
		if err := <-gone; !errors.Is(err, context.Canceled) {
			t.Errorf("the one who left got %v", err)
		}
		close(hold)
		if got := <-stays; got != "pm_1" {
			t.Errorf("the one who stayed got %q", got)
		}
		s.Close()
	})
}

// Rows that were read before a write must not be kept after it, in no level.
func TestAStaleFillDoesNotOutliveAnInvalidation(t *testing.T) {
	t.Parallel()
	for _, forget := range []struct {
		name string
		do   func(s *tokens.Service)
	}{
		{"changed", func(s *tokens.Service) { s.Changed(context.Background(), project, someToken.ID) }},
		{"told by another instance", func(s *tokens.Service) { s.Invalidate(project, someToken.ID) }},
		{"everything", func(s *tokens.Service) { s.Invalidate("", "") }},
	} {
		for _, cached := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/shared %v", forget.name, cached), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					store, second := newMemory(), newShared()
					var cache tokens.Cache
					if cached {
						cache = second
					}
					_, s := serviceOn(t, store, cache)
					store.wrote(t, someToken, "old")
					hold := make(chan struct{})
					store.onRead(func() { <-hold })
					early := make(chan string, 1)
					go func() { early <- method(t, s, someToken) }()
					synctest.Wait() // it has read the old row

					store.onRead(nil)
					store.wrote(t, someToken, "new")
					forget.do(s)
					if got := method(t, s, someToken); got != "new" { // does not join the early flight
						t.Errorf("right after the write: %q", got)
					}
					close(hold)
					<-early
					synctest.Wait()
					second.thaw()
					if got := method(t, s, someToken); got != "new" {
						t.Errorf("the early fill was kept: %q", got)
					}
					s.Invalidate("", "")
					if got := method(t, s, someToken); got != "new" {
						t.Errorf("the early fill was shared: %q", got)
					}
					s.Close()
				})
			})
		}
	}
}

func TestAnswersExpire(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		method string
		lives  time.Duration
	}{
		{"no mapping", "", 5 * time.Second},
		{"a mapping", "pm_1", 10 * time.Minute},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store := newMemory()
				_, s := serviceOn(t, store, nil)
				if tc.method != "" {
					store.wrote(t, someToken, tc.method)
				}
				method(t, s, someToken)
				time.Sleep(tc.lives - time.Second)
				method(t, s, someToken)
				if store.mappingGets != 1 {
					t.Error("forgotten too early")
				}
				time.Sleep(2 * time.Second)
				method(t, s, someToken)
				if store.mappingGets != 2 {
					t.Error("kept for too long")
				}
				s.Close()
			})
		})
	}
}

func TestAFailedReadIsNotKept(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.store.wrote(t, someToken, "pm_1")
	b.store.broken = errors.New("disk")
	if _, err := b.Mappings(t.Context(), project, someToken.ID); err == nil || payments.ErrorCode(err) != "" {
		t.Errorf("got %v", err)
	}
	b.store.broken = nil
	if got := method(t, b.Service, someToken); got != "pm_1" {
		t.Errorf("got %q", got)
	}
}

func TestTheSecondLevel(t *testing.T) {
	t.Parallel()
	store, cache := newMemory(), newShared()
	_, here := serviceOn(t, store, cache)
	_, there := serviceOn(t, store, cache)
	cache.changed = append(cache.changed, here.Invalidate, there.Invalidate)
	store.wrote(t, someToken, "pm_1")
	method(t, here, someToken)
	if got := method(t, there, someToken); got != "pm_1" || store.mappingGets != 1 {
		t.Errorf("got %q with %d reads of the store", got, store.mappingGets)
	}
	store.wrote(t, someToken, "pm_2")
	here.Changed(t.Context(), project, someToken.ID)
	for name, s := range map[string]*tokens.Service{"here": here, "there": there} {
		if got := method(t, s, someToken); got != "pm_2" {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// A reader that finds the old rows in the shared cache just before they are dropped must not keep them.
func TestAReadJustBeforeTheDrop(t *testing.T) {
	t.Parallel()
	store, cache := newMemory(), newShared()
	_, s := serviceOn(t, store, cache)
	store.wrote(t, someToken, "old")
	method(t, s, someToken)
	store.wrote(t, someToken, "new")
	cache.onDrop = func() { method(t, s, someToken) }
	s.Changed(t.Context(), project, someToken.ID)
	if got := method(t, s, someToken); got != "new" {
		t.Errorf("got %q", got)
	}
}

// Readers and writers at random: who has been told of a write never sees an older row again.
func TestReadersNeverGoBack(t *testing.T) {
	t.Parallel()
	store, cache := newMemory(), newShared()
	_, here := serviceOn(t, store, cache)
	_, there := serviceOn(t, store, cache)
	cache.changed = append(cache.changed, here.Invalidate, there.Invalidate)
	var (
		told sync.Mutex
		last int
		wg   sync.WaitGroup
	)
	stop := make(chan struct{})
	for _, s := range []*tokens.Service{here, there, here, there} {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				told.Lock()
				atLeast := last
				told.Unlock()
				got := 0
				if m := method(t, s, someToken); m != "" {
					_, _ = fmt.Sscan(m, &got)
				}
				if got < atLeast {
					t.Errorf("read %d after the write of %d", got, atLeast)
					return
				}
			}
		})
	}
	for i := 1; i <= 400; i++ {
		store.wrote(t, someToken, fmt.Sprint(i))
		[]*tokens.Service{here, there}[rand.IntN(2)].Changed(t.Context(), project, someToken.ID)
		told.Lock()
		last = i
		told.Unlock()
		if i%10 == 0 {
			cache.thaw()
		}
	}
	close(stop)
	wg.Wait()
}

func BenchmarkMappings(b *testing.B) {
	s := setup(b)
	s.store.wrote(b, someToken, "pm_1")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Mappings(b.Context(), project, someToken.ID); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMappingsParallel(b *testing.B) {
	s := setup(b)
	s.store.wrote(b, someToken, "pm_1")
	ctx := b.Context()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			if _, err := s.Mappings(ctx, project, someToken.ID); err != nil {
				b.Error(err)
			}
		}
	})
}
