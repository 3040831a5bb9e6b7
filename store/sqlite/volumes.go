package sqlite

import (
	"context"
	"database/sql"
	"time"

	"switchyard/payments"
)

const day = 24 * time.Hour

// dayOf is the column value of a time's day, in UTC.
func dayOf(t time.Time) int64 { return stamp(t) / int64(day) }

// entry appends to the ledger. Money that was taken is counted in the same commit, so that the count follows the ledger and
// nobody has to remember it.
func (e *encoder) entry(o *payments.Entry) {
	subject := o.TransactionID
	if subject == "" {
		subject = o.AttemptID
	}
	e.add(insertEntry, nil, o.ProjectID, subject, o.TransactionID, o.AttemptID, o.GatewayConfigurationID,
		string(o.Kind), o.Amount.Minor, string(o.Amount.Currency), stamp(o.At))
	if o.Kind == payments.EntryCaptured {
		e.add(raiseVolume, nil, dayOf(o.At), o.GatewayConfigurationID, string(o.Amount.Currency), o.Amount.Minor)
	}
}

// Volumes reads how much money was taken at each gateway configuration since a day, its midnight in UTC: by day, gateway
// configuration and currency.
func (s *Store) Volumes(ctx context.Context, since time.Time) ([]payments.Volume, error) {
	var list []payments.Volume
	err := s.reader.each(ctx, s.reader.reads[selectVolumes], []any{dayOf(since)}, func(rows *sql.Rows) error {
		var v payments.Volume
		var number int64
		if err := rows.Scan(&number, &v.GatewayConfigurationID, &v.Amount.Currency, &v.Amount.Minor); err != nil {
			return err
		}
		v.Day = moment(number * int64(day))
		list = append(list, v)
		return nil
	})
	return list, err
}
