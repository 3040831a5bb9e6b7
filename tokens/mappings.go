package tokens

import (
	"context"
	"fmt"
	"hash/maphash"
	"strconv"
	"sync"
	"time"

	"github.com/maypok86/otter/v2"
	"golang.org/x/sync/singleflight"

	"switchyard/payments"
)

const (
	maxCachedTokens = 50_000           // about 40 MB when each is mapped at two PSPs
	mappingTTL      = 10 * time.Minute // only memory: every write invalidates
	noMappingTTL    = 5 * time.Second  // the first payment of a token writes its first mapping soon
	readTimeout     = 5 * time.Second  // of one flight, which no caller's context ends
	stripes         = 256
)

// Cache is a second level of the mapping cache, which instances share. It never fails: what it does not have is a miss.
// A Put that was under way while a Drop came must be lost: the reader of its rows may have read them before the write that
// the Drop tells of. Readers take 5 seconds at most between reading and Put.
type Cache interface {
	Get(ctx context.Context, projectID, tokenID string) (rows []payments.Mapping, ok bool)
	Put(ctx context.Context, projectID, tokenID string, rows []payments.Mapping)
	// Drop forgets the rows, here and in the process of every other instance.
	Drop(ctx context.Context, projectID, tokenID string)
}

// mappings reads the mappings of tokens through three levels: this process, the Cache, the store.
//
// A fill may not outlive an invalidation: it notes the generation of its key before it reads, and is kept only if no
// invalidation has moved that on. Readers that come after an invalidation start a flight of their own.
type mappings struct {
	store  Store
	cache  Cache // nil: none
	local  *otter.Cache[mappingKey, []payments.Mapping]
	flight singleflight.Group
	seed   maphash.Seed
	stripe [stripes]stripe
}

type mappingKey struct{ projectID, tokenID string }

// stripe is the generation of all keys that hash to it. Its lock makes "compare and keep" one step against "move on and
// forget".
type stripe struct {
	sync.Mutex
	generation uint64
}

func newMappings(store Store, cache Cache) *mappings {
	return &mappings{
		store: store,
		cache: cache,
		seed:  maphash.MakeSeed(),
		local: otter.Must(&otter.Options[mappingKey, []payments.Mapping]{
			MaximumSize: maxCachedTokens,
			ExpiryCalculator: otter.ExpiryWritingFunc(func(e otter.Entry[mappingKey, []payments.Mapping]) time.Duration {
				if len(e.Value) == 0 {
					return noMappingTTL
				}
				return mappingTTL
			}),
		}),
	}
}

func (m *mappings) close() { m.local.StopAllGoroutines() }

func (m *mappings) stripeOf(key mappingKey) *stripe {
	return &m.stripe[maphash.Comparable(m.seed, key)%stripes]
}

// get returns a token's rows. They are shared: do not change them.
func (m *mappings) get(ctx context.Context, key mappingKey) ([]payments.Mapping, error) {
	if rows, ok := m.local.GetIfPresent(key); ok {
		return rows, nil
	}
	stripe := m.stripeOf(key)
	stripe.Lock()
	generation := stripe.generation
	stripe.Unlock()

	name := key.projectID + "\x00" + key.tokenID + "\x00" + strconv.FormatUint(generation, 16)
	done := m.flight.DoChan(name, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readTimeout)
		defer cancel()
		return m.fill(ctx, key, stripe, generation)
	})
	select {
	case r := <-done:
		if r.Err != nil {
			return nil, fmt.Errorf("tokens: read mappings: %w", r.Err)
		}
		return r.Val.([]payments.Mapping), nil
	case <-ctx.Done():
		return nil, fmt.Errorf("tokens: read mappings: %w", ctx.Err())
	}
}

// fill reads the levels below and keeps what they say, unless it was invalidated meanwhile.
func (m *mappings) fill(ctx context.Context, key mappingKey, stripe *stripe, generation uint64) ([]payments.Mapping, error) {
	var (
		rows   []payments.Mapping
		shared bool
	)
	if m.cache != nil {
		rows, shared = m.cache.Get(ctx, key.projectID, key.tokenID)
	}
	if !shared {
		var err error
		if rows, err = m.store.Mappings(ctx, key.projectID, key.tokenID); err != nil {
			return nil, err
		}
	}
	stripe.Lock()
	fresh := stripe.generation == generation
	if fresh {
		m.local.Set(key, rows)
	}
	stripe.Unlock()
	if fresh && !shared && m.cache != nil && ctx.Err() == nil {
		m.cache.Put(ctx, key.projectID, key.tokenID, rows)
	}
	return rows, nil
}

// forget drops one key from this process, or everything when the key is zero.
func (m *mappings) forget(key mappingKey) {
	if key == (mappingKey{}) {
		for i := range m.stripe {
			m.stripe[i].Lock()
			m.stripe[i].generation++
			m.stripe[i].Unlock()
		}
		m.local.InvalidateAll()
		return
	}
	stripe := m.stripeOf(key)
	stripe.Lock()
	stripe.generation++
	m.local.Invalidate(key)
	stripe.Unlock()
}

// Mappings returns how a token is known at each gateway configuration, by the configuration's id. The map is the caller's
// own.
func (s *Service) Mappings(ctx context.Context, projectID, tokenID string) (map[string]payments.Mapping, error) {
	rows, err := s.mappings.get(ctx, mappingKey{projectID, tokenID})
	if err != nil {
		return nil, err
	}
	byGateway := make(map[string]payments.Mapping, len(rows))
	for _, row := range rows {
		byGateway[row.GatewayConfigurationID] = row
	}
	return byGateway, nil
}

// Changed says that a token's mappings were written: all instances forget what they have of them. Call it after the commit.
func (s *Service) Changed(ctx context.Context, projectID, tokenID string) {
	key := mappingKey{projectID, tokenID}
	s.mappings.forget(key)
	if s.mappings.cache == nil {
		return
	}
	s.mappings.cache.Drop(ctx, projectID, tokenID)
	s.mappings.forget(key) // what was read out of the cache before the Drop
}

// Invalidate forgets a token's mappings in this process only, or all mappings when both ids are empty: other instances say
// so through the cache.
func (s *Service) Invalidate(projectID, tokenID string) {
	s.mappings.forget(mappingKey{projectID, tokenID})
}
