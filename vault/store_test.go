package vault_test

import (
	"context"
	"encoding/base64"
	"maps"
	"sync"
	"testing"
	"time"

	"switchyard/payments"
	"switchyard/vault"
)

const (
	project        = "proj_one"
	pan            = "4242424242424242"
	otherPAN       = "5555555555554444"
	cvc            = "737"
	fingerprintKey = "a fingerprint key for tests"
)

var noon = time.Date(2026, time.November, 20, 12, 0, 0, 0, time.UTC)

// memory is a store with the semantics of payments.Change for what the vault writes.
type memory struct {
	mu     sync.Mutex
	cards  map[payments.CardKey]payments.Card
	sealed map[payments.CardKey]payments.SealedCard
	claims map[payments.ClaimKey]payments.Claim
	// before runs ahead of the next Apply, as another request would.
	before func()
}

func newMemory() *memory {
	return &memory{
		cards:  make(map[payments.CardKey]payments.Card),
		sealed: make(map[payments.CardKey]payments.SealedCard),
		claims: make(map[payments.ClaimKey]payments.Claim),
	}
}

func (m *memory) Apply(_ context.Context, c payments.Change) error {
	m.mu.Lock()
	before := m.before
	m.before = nil
	m.mu.Unlock()
	if before != nil {
		before()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if c.Claim != nil {
		if _, taken := m.claims[c.Claim.ClaimKey]; taken {
			return payments.ErrClaimed
		}
	}
	for _, card := range c.Cards {
		if m.cards[payments.CardKey{ProjectID: card.ProjectID, CardID: card.ID}].Version != card.Version-1 {
			return payments.ErrConflict
		}
	}
	sealed := maps.Clone(m.sealed)
	for _, key := range c.ForgetSealed {
		delete(sealed, key)
	}
	for _, s := range c.SealedCards {
		key := payments.CardKey{ProjectID: s.ProjectID, CardID: s.CardID}
		if _, taken := sealed[key]; taken {
			return payments.ErrDuplicate
		}
		sealed[key] = s
	}
	m.sealed = sealed
	for _, card := range c.Cards {
		m.cards[payments.CardKey{ProjectID: card.ProjectID, CardID: card.ID}] = card
	}
	if c.Claim != nil {
		m.claims[c.Claim.ClaimKey] = *c.Claim
	}
	return nil
}

func (m *memory) Card(_ context.Context, projectID, cardID string) (payments.Card, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	card, ok := m.cards[payments.CardKey{ProjectID: projectID, CardID: cardID}]
	if !ok || !card.DeletedAt.IsZero() {
		return payments.Card{}, payments.ErrNotFound
	}
	return card, nil
}

func (m *memory) SealedCard(_ context.Context, projectID, cardID string) (payments.SealedCard, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, ok := m.sealed[payments.CardKey{ProjectID: projectID, CardID: cardID}]
	if !ok {
		return payments.SealedCard{}, payments.ErrNotFound
	}
	return s, nil
}

func kek(b byte) payments.Secret {
	raw := make([]byte, 32)
	for i := range raw {
		raw[i] = b
	}
	return payments.NewSecret(base64.StdEncoding.EncodeToString(raw))
}

func localKeys(t testing.TB, current string, ids ...string) vault.Keys {
	t.Helper()
	keys := make(map[string]payments.Secret)
	for _, id := range ids {
		keys[id] = kek(id[0])
	}
	k, err := vault.LocalKeys(current, keys)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

type bundle struct {
	*vault.Vault
	store *memory
	clock *clock
}

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func setup(t testing.TB) bundle {
	t.Helper()
	b := bundle{store: newMemory(), clock: &clock{now: noon}}
	b.Vault = open(t, b, localKeys(t, "a", "a"))
	return b
}

func open(t testing.TB, b bundle, keys vault.Keys) *vault.Vault {
	t.Helper()
	v, err := vault.New(vault.Options{Store: b.store, Keys: keys, FingerprintKey: payments.NewSecret(fingerprintKey), Now: b.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	return v
}

func data(t testing.TB, number, cvc string) payments.CardData {
	t.Helper()
	d, err := payments.NewCardData(number, 12, 2031, cvc, "Ada Lovelace", noon)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func put(t testing.TB, b bundle, projectID, number string) payments.Card {
	t.Helper()
	answer, err := b.Put(t.Context(), vault.CardInput{ProjectID: projectID, Data: data(t, number, cvc)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return *answer.Card
}
