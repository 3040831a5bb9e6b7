package cache

import (
	"context"
	"sync"
	"testing"

	"switchyard/payments"
	"switchyard/tokens"
)

// rowStore is the part of a store that mappings are read from.
type rowStore struct {
	tokens.Store
	mu    sync.Mutex
	rows  []payments.Mapping
	reads int
}

func (s *rowStore) Mappings(context.Context, string, string) ([]payments.Mapping, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	return s.rows, nil
}

func (s *rowStore) write(rows []payments.Mapping) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rows = rows
}

// Two instances on one Redis: what one has written the other reads, also when it had read before.
func TestTwoInstances(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, s server) {
		store, project := &rowStore{}, projectOf(t)
		service := func() (*tokens.Service, heard) {
			c := open(t, s.address)
			service := tokens.New(tokens.Options{Store: store, Cache: c})
			t.Cleanup(service.Close)
			h := heard{told: make(chan change, 1000)}
			c.Subscribe(func(projectID, tokenID string) {
				service.Invalidate(projectID, tokenID)
				h.told <- change{projectID, tokenID}
			})
			h.until(t, change{})
			return service, h
		}
		here, _ := service()
		there, told := service()
		method := func(s *tokens.Service) string {
			rows, err := s.Mappings(t.Context(), project, "tok_1")
			if err != nil {
				t.Fatal(err)
			}
			return rows["gway_conf_1"].MethodRef
		}
		store.write(rowsOf(t, "tok_1", "old"))
		if here, there := method(here), method(there); here != "old" || there != "old" || store.reads != 1 {
			t.Errorf("%q here, %q there, %d reads of the store", here, there, store.reads)
		}
		for _, m := range []string{"new", "newer"} {
			store.write(rowsOf(t, "tok_1", m))
			here.Changed(t.Context(), project, "tok_1")
			told.until(t, change{project, "tok_1"})
			if here, there := method(here), method(there); here != m || there != m {
				t.Errorf("%q here and %q there, want %q", here, there, m)
			}
		}
	})
}
