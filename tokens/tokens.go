// Package tokens owns customers, customer tokens and their lifecycle, and the mapping from a token to what each PSP knows
// it by.
//
// A token write comes in two halves. Create and Assign read, check and build a Prepared; they write nothing. Commit writes
// it, unless the token's card has to be verified first: then the flow of a payment writes it, in one commit with its
// attempt at a PSP, and this package never has to know PSPs.
package tokens

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"switchyard/payments"
	"switchyard/vault"
)

// maxTries bounds how often a write is decided again because an object was changed meanwhile.
const maxTries = 8

// Store is what tokens needs of the system of record.
type Store interface {
	Apply(ctx context.Context, c payments.Change) error
	Customer(ctx context.Context, projectID, id string) (payments.Customer, error)
	Token(ctx context.Context, projectID, id string) (payments.Token, error)
	TokensOf(ctx context.Context, projectID, customerID string, page payments.Page) (payments.List[payments.Token], error)
	Mappings(ctx context.Context, projectID, tokenID string) ([]payments.Mapping, error)
	MappingsOfMethod(ctx context.Context, projectID, gatewayID, methodRef string) ([]payments.Mapping, error)
	Links(ctx context.Context, projectID, customerID string) ([]payments.CustomerLink, error)
}

// GatewayInfo is what tokens knows of a gateway configuration.
type GatewayInfo struct {
	ID           string
	ProjectID    string // empty: of all projects
	PSP          string
	Name         string // for people; empty: the PSP's name
	Page         bool   // payers can pay on a page of the PSP's own
	Capabilities payments.Capabilities
}

// label is the gateway configuration's name in a sentence.
func (g GatewayInfo) label() string {
	if g.Name != "" {
		return g.Name
	}
	return g.PSP
}

// Options are what a Service is made of.
type Options struct {
	Store    Store
	Vault    *vault.Vault
	Cache    Cache // nil: in process only
	Gateways []GatewayInfo
	Now      func() time.Time // nil: time.Now
	Logger   *slog.Logger     // nil: silent
	Wake     func()           // told when background work was written; nil: it is found by itself a little later
}

// Service is customers, tokens and mappings. It is safe for concurrent use.
type Service struct {
	store    Store
	vault    *vault.Vault
	gateways []GatewayInfo
	mappings *mappings
	now      func() time.Time
	logger   *slog.Logger
	wake     func()
}

// New returns a Service. Close it when it is no longer needed.
func New(o Options) *Service {
	s := &Service{store: o.Store, vault: o.Vault, gateways: o.Gateways, now: o.Now, logger: o.Logger, wake: o.Wake}
	if s.wake == nil {
		s.wake = func() {}
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.logger == nil {
		s.logger = slog.New(slog.DiscardHandler)
	}
	s.mappings = newMappings(o.Store, o.Cache)
	return s
}

// Close ends the clean-up of the mapping cache.
func (s *Service) Close() { s.mappings.close() }

// Customer returns a customer. The error has the code CodeCustomerNotFound when there is none, or none any more.
func (s *Service) Customer(ctx context.Context, projectID, id string) (payments.Customer, error) {
	c, err := s.store.Customer(ctx, projectID, id)
	switch {
	case errors.Is(err, payments.ErrNotFound):
		return payments.Customer{}, payments.NewError(payments.CodeCustomerNotFound, "There is no such customer.")
	case err != nil:
		return payments.Customer{}, fmt.Errorf("tokens: read customer: %w", err)
	}
	return c, nil
}

// Token returns a token of a customer, or of any customer when customerID is empty. The error has the code
// CodeTokenNotFound when there is none, or none any more.
func (s *Service) Token(ctx context.Context, projectID, customerID, tokenID string) (payments.Token, error) {
	t, err := s.store.Token(ctx, projectID, tokenID)
	switch {
	case errors.Is(err, payments.ErrNotFound), err == nil && customerID != "" && t.CustomerID != customerID:
		return payments.Token{}, payments.NewError(payments.CodeTokenNotFound, "There is no such customer token.")
	case err != nil:
		return payments.Token{}, fmt.Errorf("tokens: read token: %w", err)
	}
	return t, nil
}

// write applies a change with its claim. payments.ErrClaimed and ErrConflict can be told from other errors.
func (s *Service) write(ctx context.Context, c payments.Change, what string) error {
	err := s.store.Apply(ctx, c)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, payments.ErrClaimed):
		return payments.ErrClaimed // callers replay on it
	}
	return fmt.Errorf("tokens: %s: %w", what, err)
}

// retried calls write until it does not find an object changed meanwhile, at most maxTries times.
func retried(write func() (payments.Snapshot, error)) (payments.Snapshot, error) {
	for try := 1; ; try++ {
		answer, err := write()
		if !errors.Is(err, payments.ErrConflict) {
			return answer, err
		}
		if try == maxTries {
			return payments.Snapshot{}, changedMeanwhile(err)
		}
	}
}

func changedMeanwhile(cause error) error {
	err := payments.NewError(payments.CodeStillProcessing, "Another request is changing the same object. Try again.")
	err.Cause = cause
	return err
}

// claim is the idempotency claim to be written with an answer, nil when the caller has no key.
func (s *Service) claim(projectID string, r *payments.ClaimRequest, answer payments.Snapshot) *payments.Claim {
	if r == nil {
		return nil
	}
	return &payments.Claim{
		ClaimKey:    payments.ClaimKey{ProjectID: projectID, Scope: r.Scope, Key: r.Key},
		Fingerprint: r.Fingerprint,
		Snapshot:    &answer,
		CreatedAt:   s.now().UTC(),
	}
}

// event tells the merchant of a customer, and of a token with its card when they are given.
func (s *Service) event(name string, c payments.Customer, t *payments.Token, card *payments.Card) payments.Event {
	e := payments.Event{
		ProjectID: c.ProjectID,
		ID:        payments.NewID(payments.PrefixEvent),
		Name:      name,
		Snapshot:  payments.Snapshot{Customer: &c, Token: t, Card: card},
		Sandbox:   c.Sandbox,
		FiredAt:   s.now().UTC(),
	}
	if t != nil {
		e.WebhookURL = t.WebhookURL
	}
	return e
}
