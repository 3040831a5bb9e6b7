package sqlite

import (
	"context"
	"database/sql"
	"time"

	"switchyard/payments"
)

// maxTriesRead bounds how many tries with one card are read: more than any budget allows.
const maxTriesRead = 100

// CardTries reads the declined tries with a card that were made after a time, newest first and at most 100.
func (s *Store) CardTries(ctx context.Context, projectID, cardKey string, after time.Time) ([]payments.CardTry, error) {
	var list []payments.CardTry
	args := []any{projectID, cardKey, stamp(after), maxTriesRead}
	err := s.reader.each(ctx, s.reader.reads[selectTries], args, func(rows *sql.Rows) error {
		t := payments.CardTry{ProjectID: projectID, CardKey: cardKey}
		var at, never, later int64
		if err := rows.Scan(&t.AttemptID, &t.GatewayConfigurationID, &t.Code, &at, &never, &later, &t.Words); err != nil {
			return err
		}
		t.At, t.NeverUntil, t.LaterUntil = moment(at), moment(never), moment(later)
		list = append(list, t)
		return nil
	})
	return list, err
}

// PruneCardTries deletes tries that were made before the given time, and returns how many. It commits in batches, so that
// payments go on in between.
func (s *Store) PruneCardTries(ctx context.Context, before time.Time) (int, error) {
	return s.inBatches(ctx, pruneTries, stamp(before))
}
