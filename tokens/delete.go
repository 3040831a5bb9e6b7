package tokens

import (
	"context"
	"encoding/json"
	"fmt"

	"switchyard/payments"
)

// ForgetPayload is the payload of a payments.JobForget: the method that is to be deleted at a PSP, or, when none is named, the
// customer with all that is saved for it. The job's subject is the token, or our customer.
type ForgetPayload struct {
	GatewayConfigurationID string `json:"gateway_configuration_id"`
	CustomerRef            string `json:"customer_ref,omitempty"`
	MethodRef              string `json:"method_ref,omitempty"`
}

// deletion collects what goes away with one or more tokens.
type deletion struct {
	change payments.Change
	tokens []payments.Token
	cards  []payments.CardKey
}

// Delete deletes a token: its card number is gone for good, each PSP that saved it is asked to forget it by a job, and the
// customer's default is cleared if it was this token. The snapshot has the Token and the Customer. Code of its error:
// CodeTokenNotFound. payments.ErrClaimed is returned as it is.
func (s *Service) Delete(ctx context.Context, projectID, customerID, tokenID string, claim *payments.ClaimRequest) (payments.Snapshot, error) {
	return retried(func() (payments.Snapshot, error) {
		t, err := s.Token(ctx, projectID, customerID, tokenID)
		if err != nil {
			return payments.Snapshot{}, err
		}
		c, err := s.Customer(ctx, projectID, t.CustomerID)
		if err != nil {
			return payments.Snapshot{}, err
		}
		var d deletion
		if c.DefaultTokenID == t.ID {
			c.DefaultTokenID = ""
			c.Version++
			d.change.Customers = []payments.Customer{c}
		}
		if err := s.addDeletion(ctx, &d, c, t); err != nil {
			return payments.Snapshot{}, err
		}
		answer := payments.Snapshot{Customer: &c, Token: &d.tokens[0]}
		d.change.Claim = s.claim(projectID, claim, answer)
		if err := s.applyDeletion(ctx, d); err != nil {
			return payments.Snapshot{}, err
		}
		return answer, nil
	})
}

// addDeletion adds the end of one token to a deletion: the token, its card, the event and the jobs. c is the customer as it
// will be.
func (s *Service) addDeletion(ctx context.Context, d *deletion, c payments.Customer, t payments.Token) error {
	rows, err := s.store.Mappings(ctx, t.ProjectID, t.ID) // not from a cache: what is missed here stays at its PSP
	if err != nil {
		return fmt.Errorf("tokens: read mappings: %w", err)
	}
	now := s.now().UTC()
	t.Version++
	t.DeletedAt = now
	card, err := s.retireCard(ctx, &d.change, t)
	if err != nil {
		return err
	}
	if card != nil {
		d.cards = append(d.cards, payments.CardKey{ProjectID: card.ProjectID, CardID: card.ID})
	}
	for _, m := range rows {
		if m.MethodRef == "" {
			continue
		}
		job, err := ForgetJob(m)
		if err != nil {
			return err
		}
		job.RunAt, job.CreatedAt = now, now
		d.change.Jobs = append(d.change.Jobs, job)
	}
	d.change.Tokens = append(d.change.Tokens, t)
	d.change.Events = append(d.change.Events, s.event(payments.EventTokenDeleted, c, &t, card))
	d.tokens = append(d.tokens, t)
	return nil
}

// ForgetJob is the job that deletes a mapping's method at its PSP.
func ForgetJob(m payments.Mapping) (payments.Job, error) {
	payload, err := json.Marshal(ForgetPayload{
		GatewayConfigurationID: m.GatewayConfigurationID,
		CustomerRef:            m.CustomerRef,
		MethodRef:              m.MethodRef,
	})
	if err != nil {
		return payments.Job{}, fmt.Errorf("tokens: forget job: %w", err)
	}
	return payments.Job{
		ProjectID: m.ProjectID,
		Key:       "forget:" + m.TokenID + ":" + m.GatewayConfigurationID,
		Kind:      payments.JobForget,
		SubjectID: m.TokenID,
		Payload:   payload,
	}, nil
}

// forgetCustomer adds to a deletion that every PSP which knows the customer is asked to forget them.
func (s *Service) forgetCustomer(ctx context.Context, d *deletion, c payments.Customer) error {
	links, err := s.store.Links(ctx, c.ProjectID, c.ID)
	if err != nil {
		return fmt.Errorf("tokens: read what PSPs call a customer: %w", err)
	}
	now := s.now().UTC()
	for _, l := range links {
		payload, err := json.Marshal(ForgetPayload{GatewayConfigurationID: l.GatewayConfigurationID, CustomerRef: l.Ref})
		if err != nil {
			return fmt.Errorf("tokens: forget job: %w", err)
		}
		d.change.Jobs = append(d.change.Jobs, payments.Job{
			ProjectID: c.ProjectID, Key: "forget:" + c.ID + ":" + l.GatewayConfigurationID, Kind: payments.JobForget, SubjectID: c.ID,
			Payload: payload, RunAt: now, CreatedAt: now,
		})
	}
	d.change.Unlinks = append(d.change.Unlinks, links...)
	return nil
}

// retireCard adds to a change that the token's card is deleted with its number, and returns the card as it will be. It
// returns nil when the token has no card, or none that is still its own.
func (s *Service) retireCard(ctx context.Context, change *payments.Change, t payments.Token) (*payments.Card, error) {
	if t.CardID == "" {
		return nil, nil
	}
	card, err := s.vault.Card(ctx, t.ProjectID, t.CardID)
	if payments.ErrorCode(err) == payments.CodeCardNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if card.UsedBy != t.ID {
		return nil, nil
	}
	card, key := s.vault.Anonymize(card)
	change.Cards = append(change.Cards, card)
	change.ForgetSealed = append(change.ForgetSealed, key)
	return &card, nil
}

func (s *Service) applyDeletion(ctx context.Context, d deletion) error {
	if err := s.write(ctx, d.change, "delete tokens"); err != nil {
		return err
	}
	for _, key := range d.cards {
		s.vault.WipeCVC(ctx, key.ProjectID, key.CardID)
	}
	for _, t := range d.tokens {
		s.Changed(ctx, t.ProjectID, t.ID)
	}
	if len(d.change.Jobs) > 0 {
		s.wake()
	}
	return nil
}
