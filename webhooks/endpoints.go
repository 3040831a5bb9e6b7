package webhooks

import (
	"context"
	"errors"
	"time"

	"switchyard/payments"
)

const (
	// MaxEndpoints is how many endpoints a project may have.
	MaxEndpoints = 20
	// maxConflicts bounds how often a change is made again because something else has changed the endpoint meanwhile.
	maxConflicts = 5
	// keptSecrets is how many secrets sign at once: the newest, and the one before it while it is being replaced.
	keptSecrets = 2

	disabledByMerchant = "disabled by the merchant"
)

// Endpoint reads an endpoint of a project.
func (s *Service) Endpoint(ctx context.Context, projectID, id string) (payments.WebhookEndpoint, error) {
	e, err := s.Store.WebhookEndpoint(ctx, projectID, id)
	if errors.Is(err, payments.ErrNotFound) {
		return e, errNoEndpoint
	}
	return e, err
}

var errNoEndpoint = payments.NewError(payments.CodeWebhookEndpointNotFound, "There is no such webhook endpoint in this project.")

// CreateEndpoint makes an endpoint with a new secret. Its URL must have passed CheckURL. The snapshot holds the secret, sealed.
func (s *Service) CreateEndpoint(ctx context.Context, e payments.WebhookEndpoint, claim *payments.ClaimRequest) (payments.Snapshot, error) {
	there, err := s.Store.WebhookEndpoints(ctx, e.ProjectID, payments.Page{Limit: MaxEndpoints})
	if err != nil {
		return payments.Snapshot{}, err
	}
	if len(there.Items) >= MaxEndpoints {
		return payments.Snapshot{}, payments.Errorf(payments.CodeValidation, "A project can have %d webhook endpoints at most.", MaxEndpoints)
	}
	now := s.now()
	e.ID, e.Version, e.CreatedAt = payments.NewID(payments.PrefixWebhookEndpoint), 1, now
	s.setEnabled(&e, e.Enabled, disabledByMerchant)
	secret, err := s.newSecret(ctx, &e)
	if err != nil {
		return payments.Snapshot{}, err
	}
	e.Secrets = []payments.SigningSecret{secret}
	snapshot := payments.Snapshot{Endpoint: &e}
	return snapshot, s.Store.Apply(ctx, payments.Change{Claim: s.claim(e.ProjectID, claim, snapshot), Endpoints: []payments.WebhookEndpoint{e}})
}

func (s *Service) newSecret(ctx context.Context, e *payments.WebhookEndpoint) (payments.SigningSecret, error) {
	sealed, err := s.Sealer.SealText(ctx, e.ProjectID, e.ID, NewSecret().Reveal())
	return payments.SigningSecret{Sealed: sealed, CreatedAt: s.now()}, err
}

// setEnabled switches an endpoint on or off. On, its health starts anew.
func (s *Service) setEnabled(e *payments.WebhookEndpoint, on bool, reason string) {
	e.Enabled = on
	if on {
		e.EnabledAt, e.DisabledAt, e.DisabledReason = s.now(), time.Time{}, ""
	} else {
		e.DisabledAt, e.DisabledReason = s.now(), reason
	}
}

// UpdateEndpoint changes an endpoint. Edit may be called again.
func (s *Service) UpdateEndpoint(ctx context.Context, projectID, id string, edit func(*payments.WebhookEndpoint) error, claim *payments.ClaimRequest) (payments.Snapshot, error) {
	return s.change(ctx, projectID, id, claim, func(e *payments.WebhookEndpoint) (payments.WebhookEndpoint, error) {
		was := e.Enabled
		if err := edit(e); err != nil {
			return *e, err
		}
		if e.Enabled != was {
			s.setEnabled(e, e.Enabled, disabledByMerchant)
		}
		return withoutSecrets(*e), nil
	})
}

// EnableEndpoint enables an endpoint. What was pending when it was disabled goes on.
func (s *Service) EnableEndpoint(ctx context.Context, projectID, id string, claim *payments.ClaimRequest) (payments.Snapshot, error) {
	return s.UpdateEndpoint(ctx, projectID, id, func(e *payments.WebhookEndpoint) error {
		e.Enabled = true
		return nil
	}, claim)
}

// DeleteEndpoint deletes an endpoint with all that is pending for it.
func (s *Service) DeleteEndpoint(ctx context.Context, projectID, id string, claim *payments.ClaimRequest) (payments.Snapshot, error) {
	return s.change(ctx, projectID, id, claim, func(e *payments.WebhookEndpoint) (payments.WebhookEndpoint, error) {
		e.DeletedAt, e.Secrets = s.now(), nil
		return *e, nil
	})
}

// RotateSecret gives an endpoint a new secret. The one before signs too for as long as overlap says, so that the receiver has
// time to change. The snapshot holds the new secret, sealed.
func (s *Service) RotateSecret(ctx context.Context, projectID, id string, overlap time.Duration, claim *payments.ClaimRequest) (payments.Snapshot, error) {
	return s.change(ctx, projectID, id, claim, func(e *payments.WebhookEndpoint) (payments.WebhookEndpoint, error) {
		secret, err := s.newSecret(ctx, e)
		if err != nil {
			return *e, err
		}
		secrets := []payments.SigningSecret{secret}
		if len(e.Secrets) > 0 && overlap > 0 {
			before := e.Secrets[0]
			before.ExpiresAt = s.now().Add(overlap)
			secrets = append(secrets, before)
		}
		e.Secrets = secrets
		shown := *e
		shown.Secrets = secrets[:1]
		return shown, nil
	})
}

// change makes the next version of an endpoint. Edit returns what is to be shown of it.
func (s *Service) change(ctx context.Context, projectID, id string, claim *payments.ClaimRequest, edit func(*payments.WebhookEndpoint) (payments.WebhookEndpoint, error)) (payments.Snapshot, error) {
	for conflicts := 0; ; conflicts++ {
		e, err := s.Endpoint(ctx, projectID, id)
		if err != nil {
			return payments.Snapshot{}, err
		}
		shown, err := edit(&e)
		if err != nil {
			return payments.Snapshot{}, err
		}
		e.Version++
		shown.Version = e.Version
		snapshot := payments.Snapshot{Endpoint: &shown}
		err = s.Store.Apply(ctx, payments.Change{Claim: s.claim(projectID, claim, snapshot), Endpoints: []payments.WebhookEndpoint{e}})
		if !errors.Is(err, payments.ErrConflict) || conflicts == maxConflicts {
			s.Wake() // an endpoint that was enabled may have something due
			return snapshot, err
		}
	}
}

// withoutSecrets is an endpoint as events and answers may show it.
func withoutSecrets(e payments.WebhookEndpoint) payments.WebhookEndpoint {
	e.Secrets = nil
	return e
}

// claim is the answered claim on an idempotency key, nil when there is none.
func (s *Service) claim(projectID string, r *payments.ClaimRequest, snapshot payments.Snapshot) *payments.Claim {
	if r == nil {
		return nil
	}
	return &payments.Claim{
		ClaimKey:    payments.ClaimKey{ProjectID: projectID, Scope: r.Scope, Key: r.Key},
		Fingerprint: r.Fingerprint, Snapshot: &snapshot, CreatedAt: s.now(),
	}
}

// NewestSecret opens the secret of an endpoint that was just made or given a new one.
func (s *Service) NewestSecret(ctx context.Context, e *payments.WebhookEndpoint) (payments.Secret, error) {
	if len(e.Secrets) == 0 {
		return payments.Secret{}, errors.New("webhooks: this endpoint's secret is not shown")
	}
	return s.open(ctx, e, e.Secrets[0])
}

func (s *Service) open(ctx context.Context, e *payments.WebhookEndpoint, secret payments.SigningSecret) (payments.Secret, error) {
	text, err := s.Sealer.OpenText(ctx, e.ProjectID, e.ID, secret.Sealed)
	return payments.NewSecret(text), err
}

// signingSecrets opens the secrets that an endpoint's webhooks are signed with now, newest first.
func (s *Service) signingSecrets(ctx context.Context, e *payments.WebhookEndpoint) ([]payments.Secret, error) {
	secrets := make([]payments.Secret, 0, keptSecrets)
	for _, sealed := range e.Secrets {
		if !sealed.ExpiresAt.IsZero() && !s.now().Before(sealed.ExpiresAt) {
			continue
		}
		secret, err := s.open(ctx, e, sealed)
		if err != nil {
			return nil, err
		}
		secrets = append(secrets, secret)
	}
	return secrets, nil
}
