package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"switchyard/payments"
)

// The parts of selectPayment, in the order of its rows.
const (
	partInvoice = iota + 1
	partTransaction
	partAttempt
	partRefund
)

// Payment reads an invoice with its transaction, attempts and refunds as they were at one moment, or
// payments.ErrNotFound.
func (s *Store) Payment(ctx context.Context, projectID, invoiceID string) (*payments.Payment, error) {
	var p payments.Payment
	var found [partRefund + 1]bool
	var part int
	var seq int64
	var doc sql.RawBytes
	err := s.reader.each(ctx, s.reader.reads[selectPayment], []any{projectID, invoiceID}, func(rows *sql.Rows) error {
		if err := rows.Scan(&part, &seq, &doc); err != nil {
			return err
		}
		found[part] = true
		switch part {
		case partInvoice:
			return json.Unmarshal(doc, &p.Invoice)
		case partTransaction:
			return json.Unmarshal(doc, &p.Transaction)
		case partAttempt:
			return appendDoc(&p.Attempts, doc)
		default:
			return appendDoc(&p.Refunds, doc)
		}
	})
	switch {
	case err != nil:
		return nil, err
	case !found[partInvoice]:
		return nil, payments.ErrNotFound
	case !found[partTransaction]:
		return nil, fmt.Errorf("sqlite: the transaction of invoice %s: %w", invoiceID, payments.ErrNotFound)
	}
	return &p, nil
}

// PaymentOfTransaction is Payment by the id of the transaction.
func (s *Store) PaymentOfTransaction(ctx context.Context, projectID, transactionID string) (*payments.Payment, error) {
	var invoiceID string
	err := s.reader.first(ctx, selectInvoiceOfTransaction, []any{projectID, transactionID}, func(rows *sql.Rows) error {
		return rows.Scan(&invoiceID)
	})
	if err != nil {
		return nil, err
	}
	return s.Payment(ctx, projectID, invoiceID)
}

// Attempt reads an attempt, or payments.ErrNotFound.
func (s *Store) Attempt(ctx context.Context, projectID, attemptID string) (payments.Attempt, error) {
	return one[payments.Attempt](ctx, s, selectAttempt, projectID, attemptID)
}

// AttemptsOfToken reads the attempts at verifying a token, oldest first.
func (s *Store) AttemptsOfToken(ctx context.Context, projectID, tokenID string) ([]payments.Attempt, error) {
	return all[payments.Attempt](ctx, s, selectVerifications, projectID, tokenID)
}

// AttemptsNamed reads the attempts at a gateway configuration that a PSP's webhook may be about: the one with our reference,
// and those of the PSP's own session. Empty names match nothing.
func (s *Store) AttemptsNamed(ctx context.Context, gatewayID, reference, session string) ([]payments.Attempt, error) {
	return all[payments.Attempt](ctx, s, selectNamed, gatewayID, reference, session)
}

// InboundWebhook reads a PSP's webhook, or payments.ErrNotFound.
func (s *Store) InboundWebhook(ctx context.Context, id string) (payments.InboundWebhook, error) {
	return one[payments.InboundWebhook](ctx, s, selectInbound, id)
}

// Claim reads an idempotency key, or payments.ErrNotFound.
func (s *Store) Claim(ctx context.Context, key payments.ClaimKey) (payments.Claim, error) {
	claim := payments.Claim{ClaimKey: key}
	args := []any{key.ProjectID, key.Scope, key.Key}
	err := s.reader.first(ctx, selectClaim, args, func(rows *sql.Rows) error {
		var createdAt int64
		var snapshot sql.RawBytes
		if err := rows.Scan(&claim.Fingerprint, &claim.AttemptID, &createdAt, &snapshot); err != nil {
			return err
		}
		claim.CreatedAt = moment(createdAt)
		if snapshot == nil {
			return nil
		}
		claim.Snapshot = &payments.Snapshot{}
		return json.Unmarshal(snapshot, claim.Snapshot)
	})
	if err != nil {
		return payments.Claim{}, err
	}
	return claim, nil
}

// Customer reads a customer; one that is deleted is payments.ErrNotFound.
func (s *Store) Customer(ctx context.Context, projectID, id string) (payments.Customer, error) {
	return one[payments.Customer](ctx, s, selectCustomer, projectID, id)
}

// Token reads a customer token; one that is deleted is payments.ErrNotFound.
func (s *Store) Token(ctx context.Context, projectID, id string) (payments.Token, error) {
	return one[payments.Token](ctx, s, selectToken, projectID, id)
}

// Card reads a card; one that is deleted is payments.ErrNotFound.
func (s *Store) Card(ctx context.Context, projectID, id string) (payments.Card, error) {
	return one[payments.Card](ctx, s, selectCard, projectID, id)
}

// SealedCard reads the sealed number of a card, or payments.ErrNotFound.
func (s *Store) SealedCard(ctx context.Context, projectID, cardID string) (payments.SealedCard, error) {
	card := payments.SealedCard{ProjectID: projectID, CardID: cardID}
	err := s.reader.first(ctx, selectSealedCard, []any{projectID, cardID}, func(rows *sql.Rows) error {
		return rows.Scan(&card.KeyID, &card.Wrapped, &card.Sealed)
	})
	if err != nil {
		return payments.SealedCard{}, err
	}
	return card, nil
}

// Mappings reads what is known of a token at each gateway configuration, in the order of their ids.
func (s *Store) Mappings(ctx context.Context, projectID, tokenID string) ([]payments.Mapping, error) {
	return all[payments.Mapping](ctx, s, selectMappings, projectID, tokenID)
}

// MappingsOfMethod reads the mappings that know a PSP's saved method, in the order of their tokens.
func (s *Store) MappingsOfMethod(ctx context.Context, projectID, gatewayID, methodRef string) ([]payments.Mapping, error) {
	return all[payments.Mapping](ctx, s, selectMappingsOfMethod, projectID, gatewayID, methodRef)
}

// Links reads what PSPs call a customer, in the order of their gateway configurations.
func (s *Store) Links(ctx context.Context, projectID, customerID string) ([]payments.CustomerLink, error) {
	return all[payments.CustomerLink](ctx, s, selectLinks, projectID, customerID)
}

// Alert reads an alert, or payments.ErrNotFound.
func (s *Store) Alert(ctx context.Context, id string) (payments.Alert, error) {
	return one[payments.Alert](ctx, s, selectAlert, id)
}

// Alerts reads the newest alerts first: those that are open, or all.
func (s *Store) Alerts(ctx context.Context, open bool, limit int) ([]payments.Alert, error) {
	if open {
		return all[payments.Alert](ctx, s, selectOpenAlerts, limit)
	}
	return all[payments.Alert](ctx, s, selectAlerts, limit)
}

// Invoice reads an invoice; one that is deleted is payments.ErrNotFound.
func (s *Store) Invoice(ctx context.Context, projectID, id string) (payments.Invoice, error) {
	return one[payments.Invoice](ctx, s, selectInvoice, projectID, id)
}

// Transaction reads a transaction, or payments.ErrNotFound.
func (s *Store) Transaction(ctx context.Context, projectID, id string) (payments.Transaction, error) {
	return one[payments.Transaction](ctx, s, selectTransaction, projectID, id)
}

// Refund reads a refund, or payments.ErrNotFound.
func (s *Store) Refund(ctx context.Context, projectID, id string) (payments.Refund, error) {
	return one[payments.Refund](ctx, s, selectRefund, projectID, id)
}

// Event reads an event, or payments.ErrNotFound.
func (s *Store) Event(ctx context.Context, projectID, id string) (payments.Event, error) {
	return one[payments.Event](ctx, s, selectEvent, projectID, id)
}

// Transitions reads every step that a subject ("transaction", "attempt" or "token") has taken, first to last.
func (s *Store) Transitions(ctx context.Context, projectID, subject, subjectID string) ([]payments.Transition, error) {
	var list []payments.Transition
	args := []any{projectID, subject, subjectID}
	err := s.reader.each(ctx, s.reader.reads[selectTransitions], args, func(rows *sql.Rows) error {
		t := payments.Transition{ProjectID: projectID, Subject: subject, SubjectID: subjectID}
		var at int64
		if err := rows.Scan(&t.From, &t.To, &t.Why, &at); err != nil {
			return err
		}
		t.At = moment(at)
		list = append(list, t)
		return nil
	})
	return list, err
}

// Entries reads the ledger of a transaction, or of a verification by the id of its attempt, first to last.
func (s *Store) Entries(ctx context.Context, projectID, subjectID string) ([]payments.Entry, error) {
	var list []payments.Entry
	err := s.reader.each(ctx, s.reader.reads[selectEntries], []any{projectID, subjectID}, func(rows *sql.Rows) error {
		e := payments.Entry{ProjectID: projectID}
		var at int64
		if err := rows.Scan(&e.TransactionID, &e.AttemptID, &e.GatewayConfigurationID, &e.Kind, &e.Amount.Minor,
			&e.Amount.Currency, &at); err != nil {
			return err
		}
		e.At = moment(at)
		list = append(list, e)
		return nil
	})
	return list, err
}

func appendDoc[T any](list *[]T, doc []byte) error {
	var object T
	if err := json.Unmarshal(doc, &object); err != nil {
		return err
	}
	*list = append(*list, object)
	return nil
}
