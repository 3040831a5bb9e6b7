package sqlite

import (
	"bytes"
	"context"
	"database/sql"

	"switchyard/payments"
)

// Learned reads what smart routing had learnt when it was last written down, or payments.ErrNotFound.
func (s *Store) Learned(ctx context.Context) (payments.Learned, error) {
	var l payments.Learned
	err := s.reader.first(ctx, selectLearned, nil, func(rows *sql.Rows) error {
		var at int64
		var state sql.RawBytes
		if err := rows.Scan(&l.Instance, &at, &state); err != nil {
			return err
		}
		l.At, l.State = moment(at), bytes.Clone(state)
		return nil
	})
	return l, err
}

// NewsOfLearning reads what instances have seen, in the order of the commits, behind a place in it.
func (s *Store) NewsOfLearning(ctx context.Context, after int64, limit int) ([]payments.LearnedNews, error) {
	var list []payments.LearnedNews
	err := s.reader.each(ctx, s.reader.reads[selectNews], []any{after, limit}, func(rows *sql.Rows) error {
		var n payments.LearnedNews
		var at int64
		var counts sql.RawBytes
		if err := rows.Scan(&n.Seq, &n.Instance, &at, &counts); err != nil {
			return err
		}
		n.At, n.Counts = moment(at), bytes.Clone(counts)
		list = append(list, n)
		return nil
	})
	return list, err
}

// NewestNews is the place of what was told last; 0 when nothing was.
func (s *Store) NewestNews(ctx context.Context) (seq int64, err error) {
	err = s.reader.first(ctx, selectNewestNews, nil, func(rows *sql.Rows) error { return rows.Scan(&seq) })
	return seq, err
}
