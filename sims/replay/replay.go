// Package replay keeps the first answer to each idempotency key, as the PSPs that honour one do.
package replay

import (
	"hash/maphash"
	"sync"

	"switchyard/sims/psp"
)

// maxKeys bounds what is kept; the oldest key goes first. The PSPs keep keys for 24 hours.
const maxKeys = 1 << 14

// Verdict is what a key is worth.
type Verdict int

// The verdicts: never seen, answered before, seen with another request, and seen with one that still runs.
const (
	Fresh Verdict = iota
	Replayed
	Mismatched
	Running
)

type entry struct {
	fingerprint uint64
	done        bool
	answer      psp.Answer
}

// Store keeps answers by key. Its owner guards it.
type Store struct {
	seed    maphash.Seed
	entries map[string]*entry
	order   []string
}

// New returns an empty store.
func New() *Store { return &Store{seed: maphash.MakeSeed(), entries: map[string]*entry{}} }

// Print is a fingerprint of what a request asks for. The body itself is not kept: it may hold a card number.
func (s *Store) Print(r *psp.Request) uint64 {
	var h maphash.Hash
	h.SetSeed(s.seed)
	_, _ = h.WriteString(r.Method) // a maphash never fails
	for _, part := range r.Path {
		_, _ = h.WriteString("/" + part)
	}
	_, _ = h.Write(r.Body)
	return h.Sum64()
}

// Guard gives a call the PSP's idempotency. run works under mu, which also guards the store; refuse is the PSP's
// answer to a Mismatched or Running key.
func (s *Store) Guard(mu sync.Locker, key string, fingerprint uint64, refuse func(Verdict) psp.Answer, call psp.Call) psp.Call {
	var verdict Verdict
	var first psp.Answer
	claimed := false
	claim := func() {
		if !claimed {
			claimed = true
			verdict, first = s.claim(key, fingerprint)
		}
	}
	run, reserve := call.Run, call.Reserve
	call.Reserve = func() {
		mu.Lock()
		claim()
		mu.Unlock()
		if reserve != nil {
			reserve()
		}
	}
	call.Run = func(o psp.Orders) psp.Answer {
		mu.Lock()
		claim()
		mu.Unlock()
		switch verdict {
		case Replayed:
			return first
		case Mismatched, Running:
			return refuse(verdict)
		case Fresh:
		}
		answer := run(o)
		mu.Lock()
		defer mu.Unlock()
		s.finish(key, answer)
		return answer
	}
	return call
}

func (s *Store) claim(key string, fingerprint uint64) (Verdict, psp.Answer) {
	known, ok := s.entries[key]
	switch {
	case !ok:
		s.entries[key] = &entry{fingerprint: fingerprint}
		s.order = append(s.order, key)
		s.evict()
		return Fresh, psp.Answer{}
	case known.fingerprint != fingerprint:
		return Mismatched, psp.Answer{}
	case !known.done:
		return Running, psp.Answer{}
	}
	return Replayed, known.answer
}

func (s *Store) finish(key string, answer psp.Answer) {
	e, ok := s.entries[key]
	if !ok {
		return
	}
	if answer.Unkept {
		delete(s.entries, key) // its place in order goes when it comes up
		return
	}
	e.done, e.answer = true, answer
}

func (s *Store) evict() {
	for len(s.order) > maxKeys {
		delete(s.entries, s.order[0])
		s.order = s.order[1:]
	}
}
