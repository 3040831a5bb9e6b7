package tokens_test

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"switchyard/payments"
	"switchyard/tokens"
	"switchyard/vault"
)

const (
	project = "test-proj_one"
	pan     = "4242424242424242"
	cvc     = "737"
)

var noon = time.Date(2026, time.November, 20, 12, 0, 0, 0, time.UTC)

type id struct{ project, id string }

// memory is a store with the semantics of payments.Change for what tokens and the vault write.
type memory struct {
	mu          sync.Mutex
	customers   map[id]payments.Customer
	tokens      map[id]payments.Token
	cards       map[id]payments.Card
	sealed      map[id]payments.SealedCard
	mappings    map[id][]payments.Mapping
	claims      map[payments.ClaimKey]payments.Claim
	jobs        map[id]payments.Job
	links       map[id][]payments.CustomerLink
	events      []payments.Event
	transitions []payments.Transition
	mappingGets int

	before func() // runs ahead of the next Apply, as another request would
	read   func() // runs when mappings have been read and are not returned yet
	broken error  // what reads of mappings answer
}

func newMemory() *memory {
	return &memory{
		customers: make(map[id]payments.Customer),
		tokens:    make(map[id]payments.Token),
		cards:     make(map[id]payments.Card),
		sealed:    make(map[id]payments.SealedCard),
		mappings:  make(map[id][]payments.Mapping),
		claims:    make(map[payments.ClaimKey]payments.Claim),
		jobs:      make(map[id]payments.Job),
		links:     make(map[id][]payments.CustomerLink),
	}
}

// next says whether a version may be written over what is there.
func next(stored, written int64) error {
	switch {
	case written == 1 && stored > 0:
		return payments.ErrDuplicate
	case written != stored+1:
		return payments.ErrConflict
	}
	return nil
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
	var errs []error
	for _, v := range c.Customers {
		errs = append(errs, next(m.customers[id{v.ProjectID, v.ID}].Version, v.Version))
	}
	for _, v := range c.Tokens {
		errs = append(errs, next(m.tokens[id{v.ProjectID, v.ID}].Version, v.Version))
	}
	for _, v := range c.Cards {
		errs = append(errs, next(m.cards[id{v.ProjectID, v.ID}].Version, v.Version))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	m.put(c)
	return nil
}

func (m *memory) put(c payments.Change) {
	for _, v := range c.Customers {
		m.customers[id{v.ProjectID, v.ID}] = v
	}
	for _, v := range c.Tokens {
		m.tokens[id{v.ProjectID, v.ID}] = v
	}
	for _, v := range c.Cards {
		m.cards[id{v.ProjectID, v.ID}] = v
	}
	for _, v := range c.ForgetSealed {
		delete(m.sealed, id{v.ProjectID, v.CardID})
	}
	for _, v := range c.SealedCards {
		m.sealed[id{v.ProjectID, v.CardID}] = v
	}
	for _, v := range c.Mappings {
		key := id{v.ProjectID, v.TokenID}
		m.mappings[key] = slices.DeleteFunc(slices.Clone(m.mappings[key]), func(old payments.Mapping) bool {
			return old.GatewayConfigurationID == v.GatewayConfigurationID
		})
		m.mappings[key] = append(m.mappings[key], v)
	}
	for _, v := range c.Unlinks {
		key := id{v.ProjectID, v.CustomerID}
		m.links[key] = slices.DeleteFunc(slices.Clone(m.links[key]), func(old payments.CustomerLink) bool {
			return old.GatewayConfigurationID == v.GatewayConfigurationID
		})
	}
	for _, v := range c.Links {
		key := id{v.ProjectID, v.CustomerID}
		m.links[key] = append(m.links[key], v)
	}
	for _, v := range c.Jobs {
		m.jobs[id{v.ProjectID, v.Key}] = v
	}
	if c.Claim != nil {
		m.claims[c.Claim.ClaimKey] = *c.Claim
	}
	m.events = append(m.events, c.Events...)
	m.transitions = append(m.transitions, c.Transitions...)
}

func get[T any](m *memory, from map[id]T, projectID, key string, deleted func(T) bool) (T, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok := from[id{projectID, key}]
	if !ok || deleted(v) {
		var none T
		return none, payments.ErrNotFound
	}
	return v, nil
}

func (m *memory) Customer(_ context.Context, projectID, key string) (payments.Customer, error) {
	return get(m, m.customers, projectID, key, func(v payments.Customer) bool { return !v.DeletedAt.IsZero() })
}

func (m *memory) Token(_ context.Context, projectID, key string) (payments.Token, error) {
	return get(m, m.tokens, projectID, key, func(v payments.Token) bool { return !v.DeletedAt.IsZero() })
}

func (m *memory) Card(_ context.Context, projectID, key string) (payments.Card, error) {
	return get(m, m.cards, projectID, key, func(v payments.Card) bool { return !v.DeletedAt.IsZero() })
}

func (m *memory) SealedCard(_ context.Context, projectID, key string) (payments.SealedCard, error) {
	return get(m, m.sealed, projectID, key, func(payments.SealedCard) bool { return false })
}

func (m *memory) Mappings(ctx context.Context, projectID, tokenID string) ([]payments.Mapping, error) {
	m.mu.Lock()
	m.mappingGets++
	rows, read, err := slices.Clone(m.mappings[id{projectID, tokenID}]), m.read, m.broken
	m.mu.Unlock()
	if read != nil {
		read()
	}
	return rows, cmp.Or(err, ctx.Err())
}

func (m *memory) MappingsOfMethod(_ context.Context, projectID, gatewayID, methodRef string) ([]payments.Mapping, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var found []payments.Mapping
	for key, rows := range m.mappings {
		for _, row := range rows {
			if key.project == projectID && row.GatewayConfigurationID == gatewayID && row.MethodRef == methodRef {
				found = append(found, row)
			}
		}
	}
	return found, nil
}

func (m *memory) Links(_ context.Context, projectID, customerID string) ([]payments.CustomerLink, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.links[id{projectID, customerID}]), nil
}

func (m *memory) onRead(read func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.read = read
}

func (m *memory) TokensOf(_ context.Context, projectID, customerID string, page payments.Page) (payments.List[payments.Token], error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list payments.List[payments.Token]
	for key, t := range m.tokens {
		if key.project == projectID && t.CustomerID == customerID && t.DeletedAt.IsZero() {
			list.Items = append(list.Items, t)
		}
	}
	slices.SortFunc(list.Items, func(a, b payments.Token) int { return -cmp.Compare(a.ID, b.ID) })
	if list.HasMore = len(list.Items) > page.Limit; list.HasMore {
		list.Items = list.Items[:page.Limit]
	}
	return list, nil
}

func (m *memory) names() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var names []string
	for _, e := range m.events {
		names = append(names, e.Name)
	}
	return names
}

type bundle struct {
	*tokens.Service
	store *memory
	vault *vault.Vault
}

func gateways() []tokens.GatewayInfo {
	return []tokens.GatewayInfo{
		{ID: "gway_conf_po", PSP: "processout", Name: "ProcessOut"},
		{ID: "gway_conf_pm", PSP: "paymongo", Name: "PayMongo", Capabilities: payments.Capabilities{NeedsCVC: true, NeedsCVCSaved: true, Currencies: []payments.Currency{"PHP"}}},
		{ID: "gway_conf_xe", PSP: "xendit", Name: "Xendit", Capabilities: payments.Capabilities{
			Currencies: []payments.Currency{"IDR", "PHP"}, Schemes: []payments.Scheme{payments.SchemeVisa, payments.SchemeMastercard},
		}},
		{ID: "gway_conf_other", PSP: "dojo", ProjectID: "proj_other"},
	}
}

func setup(t testing.TB) bundle { return setupWith(t, nil) }

func setupWith(t testing.TB, cache tokens.Cache) bundle {
	t.Helper()
	b := bundle{store: newMemory()}
	b.vault, b.Service = serviceOn(t, b.store, cache)
	return b
}

// serviceOn is one instance of the program on a store.
func serviceOn(t testing.TB, store *memory, cache tokens.Cache) (*vault.Vault, *tokens.Service) {
	t.Helper()
	keys, err := vault.LocalKeys("k", map[string]payments.Secret{"k": payments.NewSecret(base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", 32))))})
	if err != nil {
		t.Fatal(err)
	}
	now := func() time.Time { return noon }
	v, err := vault.New(vault.Options{Store: store, Keys: keys, FingerprintKey: payments.NewSecret("a fingerprint key for tests"), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	s := tokens.New(tokens.Options{Store: store, Vault: v, Cache: cache, Gateways: gateways(), Now: now})
	t.Cleanup(v.Close)
	t.Cleanup(s.Close)
	return v, s
}

// customer makes a customer.
func (b bundle) customer(t testing.TB) payments.Customer {
	t.Helper()
	answer, err := b.CreateCustomer(t.Context(), payments.Customer{ProjectID: project, FirstName: "Ada", Sandbox: true}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return *answer.Customer
}

// card puts a card with its CVC into the vault.
func (b bundle) card(t testing.TB) payments.Card {
	t.Helper()
	data, err := payments.NewCardData(pan, 12, 2031, cvc, "Ada Lovelace", noon)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := b.vault.Put(t.Context(), vault.CardInput{ProjectID: project, Data: data, Sandbox: true}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return *answer.Card
}

func (b bundle) request(c payments.Customer, source string, verify bool) tokens.Request {
	return tokens.Request{Token: payments.Token{ProjectID: project, CustomerID: c.ID}, Source: source, Verify: verify}
}

// token makes a token and, when its card is to be verified, writes it as the flow of a payment would.
func (b bundle) token(t testing.TB, c payments.Customer, source string, verify bool) payments.Token {
	t.Helper()
	p, err := b.Create(t.Context(), b.request(c, source, verify))
	if err != nil {
		t.Fatal(err)
	}
	return b.written(t, p)
}

func (b bundle) written(t testing.TB, p tokens.Prepared) payments.Token {
	t.Helper()
	if p.Verify {
		if err := b.store.Apply(t.Context(), p.Change); err != nil {
			t.Fatal(err)
		}
		return p.Token
	}
	answer, err := b.Commit(t.Context(), p, nil)
	if err != nil {
		t.Fatal(err)
	}
	return *answer.Token
}

// verified writes what came of a verification.
func (b bundle) verified(t testing.TB, token payments.Token, status payments.VerificationStatus) payments.Token {
	t.Helper()
	token.Version++
	token.Verification = status
	if err := b.store.Apply(t.Context(), payments.Change{Tokens: []payments.Token{token}}); err != nil {
		t.Fatal(err)
	}
	return token
}

func (b bundle) mapped(t testing.TB, token payments.Token, gateway, method string) {
	t.Helper()
	err := b.store.Apply(t.Context(), payments.Change{Mappings: []payments.Mapping{{
		ProjectID: token.ProjectID, TokenID: token.ID, GatewayConfigurationID: gateway, CustomerRef: "cus_" + gateway, MethodRef: method,
		Status: payments.MappingUsable, FirstSuccessAt: noon, LastSuccessAt: noon,
	}}})
	if err != nil {
		t.Fatal(err)
	}
	b.Changed(t.Context(), token.ProjectID, token.ID)
}

func wantCode(t testing.TB, err error, code string) {
	t.Helper()
	if payments.ErrorCode(err) != code || (err == nil) != (code == "") {
		t.Fatalf("error %v, want code %q", err, code)
	}
}
