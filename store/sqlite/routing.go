package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"math"

	"switchyard/payments"
)

// routing are the operations of what operators decide about routing.
func (e *encoder) routing(c payments.Change) {
	for _, o := range c.PolicyVersions {
		files := e.doc(append([]payments.PolicyFile{}, o.Files...))
		o.Files, o.ConfigVersions = nil, nil
		e.add(insertPolicyVersion, nil, o.Hash, e.doc(o), files)
	}
	for i := range c.PolicyConfigs {
		o := &c.PolicyConfigs[i]
		e.add(insertPolicyConfig, nil, o.ConfigVersion, o.Hash, stamp(o.At))
	}
	if o := c.Routing; o != nil {
		statement := updateRouting
		if o.Version == 1 {
			statement = insertRouting
		}
		e.add(statement, payments.ErrConflict, o.Version, e.doc(o))
	}
	for i := range c.RoutingEvents {
		o := &c.RoutingEvents[i]
		e.add(insertRoutingEvent, payments.ErrConflict, o.Seq, e.doc(o))
	}
}

// RoutingState reads what operators have decided about routing, or payments.ErrNotFound when nobody has yet.
func (s *Store) RoutingState(ctx context.Context) (payments.RoutingState, error) {
	return one[payments.RoutingState](ctx, s, selectRouting)
}

// RoutingEvents reads the history of routing, newest first: what came before an event, or with 0 all.
func (s *Store) RoutingEvents(ctx context.Context, before int64, limit int) ([]payments.RoutingEvent, error) {
	if before == 0 {
		before = math.MaxInt64
	}
	return all[payments.RoutingEvent](ctx, s, selectRoutingEvents, before, limit)
}

// PolicyVersion reads a version of the routing policy with its files, or payments.ErrNotFound.
func (s *Store) PolicyVersion(ctx context.Context, hash string) (version payments.PolicyVersion, err error) {
	err = s.reader.first(ctx, selectPolicyVersion, []any{hash}, func(rows *sql.Rows) error { return scanVersion(rows, &version) })
	return version, err
}

// PolicyVersions reads the versions that were brought before another, newest first and without their files; all when before
// names none.
func (s *Store) PolicyVersions(ctx context.Context, before string, limit int) ([]payments.PolicyVersion, error) {
	var list []payments.PolicyVersion
	err := s.reader.each(ctx, s.reader.reads[selectPolicyVersions], []any{before, limit}, func(rows *sql.Rows) error {
		var version payments.PolicyVersion
		if err := scanVersion(rows, &version); err != nil {
			return err
		}
		list = append(list, version)
		return nil
	})
	return list, err
}

func scanVersion(rows *sql.Rows, version *payments.PolicyVersion) error {
	var doc, files, configs sql.RawBytes
	if err := rows.Scan(&doc, &files, &configs); err != nil {
		return err
	}
	for _, part := range []struct {
		text []byte
		into any
	}{{doc, version}, {files, &version.Files}, {configs, &version.ConfigVersions}} {
		if err := json.Unmarshal(part.text, part.into); err != nil {
			return err
		}
	}
	if len(version.Files) == 0 {
		version.Files = nil
	}
	return nil
}

// PolicyHashes finds versions by the beginning of their hash, or by the config_version of a decision. The same may come twice.
func (s *Store) PolicyHashes(ctx context.Context, name string, limit int) ([]string, error) {
	var list []string
	err := s.reader.each(ctx, s.reader.reads[selectPolicyNames], []any{name, limit}, func(rows *sql.Rows) error {
		var hash string
		if err := rows.Scan(&hash); err != nil {
			return err
		}
		list = append(list, hash)
		return nil
	})
	return list, err
}
