package api

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"switchyard/payments"
)

// memory is a store in memory for tests: one lock, versions checked, and everything copied through JSON as a real store would.
type memory struct {
	mu           sync.Mutex
	customers    table[payments.Customer]
	tokens       table[payments.Token]
	cards        table[payments.Card]
	invoices     table[payments.Invoice]
	transactions table[payments.Transaction]
	attempts     table[payments.Attempt]
	refunds      table[payments.Refund]
	events       table[payments.Event]
	endpoints    table[payments.WebhookEndpoint]
	deliveries   []payments.Delivery
	replays      []payments.Replay
	sealed       map[payments.CardKey]payments.SealedCard
	mappings     map[string]payments.Mapping
	claims       map[payments.ClaimKey]payments.Claim
	jobs         map[string]payments.Job
	fail         error // what every read and write answers, when set
}

// table holds the objects of one kind in their order of creation.
type table[T any] struct {
	rows  map[string]T
	order []string
}

func rowKey(projectID, id string) string { return projectID + "/" + id }

// check says whether a version may be written; write writes it.
func (t *table[T]) check(key string, version int64, stored func(T) int64) error {
	old, ok := t.rows[key]
	switch {
	case version == 1 && ok:
		return payments.ErrDuplicate
	case version > 1 && (!ok || stored(old) != version-1):
		return payments.ErrConflict
	}
	return nil
}

func (t *table[T]) write(key string, row T) {
	if t.rows == nil {
		t.rows = map[string]T{}
	}
	if _, ok := t.rows[key]; !ok {
		t.order = append(t.order, key)
	}
	t.rows[key] = copied(row)
}

// copied takes a value through JSON. Types that are not for JSON stay as they are.
func copied[T any](v T) T {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	var out T
	if err := json.Unmarshal(data, &out); err != nil {
		panic(err)
	}
	return out
}

func find[T any](m *memory, t *table[T], projectID, id string, gone func(T) bool) (T, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	row, ok := t.rows[rowKey(projectID, id)]
	if m.fail != nil || !ok || gone(row) {
		var none T
		if m.fail != nil {
			return none, m.fail
		}
		return none, payments.ErrNotFound
	}
	return copied(row), nil
}

func never[T any](T) bool { return false }

func pageOf[T any](m *memory, t *table[T], projectID string, p payments.Page, idOf func(*T) string, wanted func(T) bool) (payments.List[T], error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return payments.List[T]{}, m.fail
	}
	var all []T
	for _, key := range t.order {
		if row := t.rows[key]; key == rowKey(projectID, idOf(&row)) && wanted(row) {
			all = append(all, copied(row))
		}
	}
	found, err := cut(all, p, idOf)
	if err != nil {
		return found, payments.ErrNotFound
	}
	return found, nil
}

// Apply writes all of a change or nothing.
func (m *memory) Apply(ctx context.Context, c payments.Change) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return m.fail
	}
	if c.Claim != nil {
		if _, taken := m.claims[c.Claim.ClaimKey]; taken {
			return payments.ErrClaimed
		}
	}
	var writes []func()
	err := firstError(
		plan(&writes, &m.customers, c.Customers, func(o payments.Customer) (string, int64) { return rowKey(o.ProjectID, o.ID), o.Version }),
		plan(&writes, &m.tokens, c.Tokens, func(o payments.Token) (string, int64) { return rowKey(o.ProjectID, o.ID), o.Version }),
		plan(&writes, &m.cards, c.Cards, func(o payments.Card) (string, int64) { return rowKey(o.ProjectID, o.ID), o.Version }),
		plan(&writes, &m.invoices, c.Invoices, func(o payments.Invoice) (string, int64) { return rowKey(o.ProjectID, o.ID), o.Version }),
		plan(&writes, &m.transactions, c.Transactions, func(o payments.Transaction) (string, int64) { return rowKey(o.ProjectID, o.ID), o.Version }),
		plan(&writes, &m.attempts, c.Attempts, func(o payments.Attempt) (string, int64) { return rowKey(o.ProjectID, o.ID), o.Version }),
		plan(&writes, &m.refunds, c.Refunds, func(o payments.Refund) (string, int64) { return rowKey(o.ProjectID, o.ID), o.Version }),
		plan(&writes, &m.endpoints, c.Endpoints, func(o payments.WebhookEndpoint) (string, int64) { return rowKey(o.ProjectID, o.ID), o.Version }),
	)
	if err != nil {
		return err
	}
	for _, write := range writes {
		write()
	}
	m.applyRest(c)
	m.applyWebhooks(c)
	return nil
}

func (m *memory) applyRest(c payments.Change) {
	if c.Claim != nil {
		m.claims[c.Claim.ClaimKey] = copied(*c.Claim)
	}
	if c.Answer != nil {
		claim := m.claims[c.Answer.ClaimKey]
		snapshot := copied(c.Answer.Snapshot)
		claim.Snapshot = &snapshot
		m.claims[c.Answer.ClaimKey] = claim
	}
	if c.Release != nil {
		delete(m.claims, *c.Release)
	}
	for _, e := range c.Events {
		m.events.write(rowKey(e.ProjectID, e.ID), e)
	}
	for _, s := range c.SealedCards {
		m.sealed[payments.CardKey{ProjectID: s.ProjectID, CardID: s.CardID}] = s
	}
	for _, key := range c.ForgetSealed {
		delete(m.sealed, key)
	}
	for _, row := range c.Mappings {
		m.mappings[row.ProjectID+"/"+row.TokenID+"/"+row.GatewayConfigurationID] = row
	}
	for _, j := range c.Jobs {
		m.jobs[rowKey(j.ProjectID, j.Key)] = j
	}
	for _, j := range c.DoneJobs {
		delete(m.jobs, rowKey(j.ProjectID, j.Key))
	}
}

func plan[T any](writes *[]func(), t *table[T], rows []T, of func(T) (string, int64)) error {
	for _, row := range rows {
		key, version := of(row)
		if err := t.check(key, version, func(old T) int64 { _, v := of(old); return v }); err != nil {
			return err
		}
		*writes = append(*writes, func() { t.write(key, row) })
	}
	return nil
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func newMemory() *memory {
	return &memory{
		sealed: map[payments.CardKey]payments.SealedCard{}, mappings: map[string]payments.Mapping{},
		claims: map[payments.ClaimKey]payments.Claim{}, jobs: map[string]payments.Job{},
	}
}

func (m *memory) Customer(_ context.Context, projectID, id string) (payments.Customer, error) {
	return find(m, &m.customers, projectID, id, func(o payments.Customer) bool { return !o.DeletedAt.IsZero() })
}

func (m *memory) Token(_ context.Context, projectID, id string) (payments.Token, error) {
	return find(m, &m.tokens, projectID, id, func(o payments.Token) bool { return !o.DeletedAt.IsZero() })
}

func (m *memory) Card(_ context.Context, projectID, id string) (payments.Card, error) {
	return find(m, &m.cards, projectID, id, func(o payments.Card) bool { return !o.DeletedAt.IsZero() })
}

func (m *memory) Invoice(_ context.Context, projectID, id string) (payments.Invoice, error) {
	return find(m, &m.invoices, projectID, id, func(o payments.Invoice) bool { return !o.DeletedAt.IsZero() })
}

func (m *memory) Transaction(_ context.Context, projectID, id string) (payments.Transaction, error) {
	return find(m, &m.transactions, projectID, id, never)
}

func (m *memory) Attempt(_ context.Context, projectID, id string) (payments.Attempt, error) {
	return find(m, &m.attempts, projectID, id, never)
}

func (m *memory) Refund(_ context.Context, projectID, id string) (payments.Refund, error) {
	return find(m, &m.refunds, projectID, id, never)
}

func (m *memory) Event(_ context.Context, projectID, id string) (payments.Event, error) {
	return find(m, &m.events, projectID, id, never)
}

func (m *memory) SealedCard(_ context.Context, projectID, cardID string) (payments.SealedCard, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	sealed, ok := m.sealed[payments.CardKey{ProjectID: projectID, CardID: cardID}]
	if !ok {
		return sealed, payments.ErrNotFound
	}
	return sealed, nil
}

func (m *memory) Claim(_ context.Context, key payments.ClaimKey) (payments.Claim, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return payments.Claim{}, m.fail
	}
	claim, ok := m.claims[key]
	if !ok {
		return claim, payments.ErrNotFound
	}
	return copied(claim), nil
}

func (m *memory) Payment(ctx context.Context, projectID, invoiceID string) (*payments.Payment, error) {
	invoice, err := m.Invoice(ctx, projectID, invoiceID)
	if err != nil {
		return nil, err
	}
	transaction, err := m.Transaction(ctx, projectID, invoice.TransactionID)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	payment := &payments.Payment{Invoice: invoice, Transaction: transaction}
	for _, key := range m.attempts.order {
		if a := m.attempts.rows[key]; a.InvoiceID == invoiceID && a.ProjectID == projectID {
			payment.Attempts = append(payment.Attempts, copied(a))
		}
	}
	for _, key := range m.refunds.order {
		if r := m.refunds.rows[key]; r.TransactionID == transaction.ID && r.ProjectID == projectID {
			payment.Refunds = append(payment.Refunds, copied(r))
		}
	}
	return payment, nil
}

func (m *memory) Customers(_ context.Context, projectID string, p payments.Page) (payments.List[payments.Customer], error) {
	return pageOf(m, &m.customers, projectID, p, func(o *payments.Customer) string { return o.ID }, func(o payments.Customer) bool { return o.DeletedAt.IsZero() })
}

func (m *memory) TokensOf(_ context.Context, projectID, customerID string, p payments.Page) (payments.List[payments.Token], error) {
	return pageOf(m, &m.tokens, projectID, p, func(o *payments.Token) string { return o.ID },
		func(o payments.Token) bool { return o.DeletedAt.IsZero() && o.CustomerID == customerID })
}

func (m *memory) Cards(_ context.Context, projectID string, p payments.Page) (payments.List[payments.Card], error) {
	return pageOf(m, &m.cards, projectID, p, func(o *payments.Card) string { return o.ID }, func(o payments.Card) bool { return o.DeletedAt.IsZero() })
}

func (m *memory) Invoices(_ context.Context, projectID string, p payments.Page) (payments.List[payments.Invoice], error) {
	return pageOf(m, &m.invoices, projectID, p, func(o *payments.Invoice) string { return o.ID }, func(o payments.Invoice) bool { return o.DeletedAt.IsZero() })
}

func (m *memory) Transactions(_ context.Context, projectID string, p payments.Page) (payments.List[payments.Transaction], error) {
	return pageOf(m, &m.transactions, projectID, p, func(o *payments.Transaction) string { return o.ID }, always[payments.Transaction])
}

func (m *memory) TransactionsOf(_ context.Context, projectID, customerID string, p payments.Page) (payments.List[payments.Transaction], error) {
	return pageOf(m, &m.transactions, projectID, p, func(o *payments.Transaction) string { return o.ID },
		func(o payments.Transaction) bool { return o.CustomerID == customerID })
}

func (m *memory) Events(_ context.Context, projectID string, p payments.Page) (payments.List[payments.Event], error) {
	return pageOf(m, &m.events, projectID, p, func(o *payments.Event) string { return o.ID }, always[payments.Event])
}

func (m *memory) Mappings(_ context.Context, projectID, tokenID string) ([]payments.Mapping, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var rows []payments.Mapping
	for _, row := range m.mappings {
		if row.ProjectID == projectID && row.TokenID == tokenID {
			rows = append(rows, row)
		}
	}
	slices.SortFunc(rows, func(a, b payments.Mapping) int {
		if a.GatewayConfigurationID < b.GatewayConfigurationID {
			return -1
		}
		return 1
	})
	return rows, nil
}

// The background work of the engine is not tested here.
func (m *memory) LeaseJobs(context.Context, time.Time, time.Time, int) ([]payments.Job, error) {
	return nil, nil
}

func (m *memory) NextJobAt(context.Context) (time.Time, bool, error) { return time.Time{}, false, nil }
func (m *memory) Prune(context.Context, time.Time) (int, error)      { return 0, nil }

func (m *memory) PruneCardTries(context.Context, time.Time) (int, error) { return 0, nil }

func (m *memory) CardTries(context.Context, string, string, time.Time) ([]payments.CardTry, error) {
	return nil, nil
}
func always[T any](T) bool { return true }

// AttemptsNamed and InboundWebhook serve the engine's background work, which these tests do not start.
func (*memory) AttemptsNamed(context.Context, string, string, string) ([]payments.Attempt, error) {
	return nil, nil
}

func (*memory) InboundWebhook(context.Context, string) (payments.InboundWebhook, error) {
	return payments.InboundWebhook{}, payments.ErrNotFound
}

func (*memory) AttemptsOfToken(context.Context, string, string) ([]payments.Attempt, error) {
	return nil, nil
}

// No test of this package keeps methods on pages or knows customers at PSPs: those are the engine's, and are tested with it.
func (m *memory) MappingsOfMethod(context.Context, string, string, string) ([]payments.Mapping, error) {
	return nil, nil
}

func (m *memory) Links(context.Context, string, string) ([]payments.CustomerLink, error) {
	return nil, nil
}

func (m *memory) Alert(context.Context, string) (payments.Alert, error) {
	return payments.Alert{}, payments.ErrNotFound
}
