-- Routing policies, by the hash of their meaning. They are never changed.
CREATE TABLE policy_versions (
    seq   INTEGER PRIMARY KEY,
    hash  TEXT    NOT NULL UNIQUE,
    doc   TEXT    NOT NULL, -- without the files
    files TEXT    NOT NULL
) STRICT;
CREATE TRIGGER policy_versions_are_not_changed BEFORE UPDATE ON policy_versions
BEGIN SELECT RAISE(ABORT, 'policy versions are append-only'); END;
CREATE TRIGGER policy_versions_are_not_deleted BEFORE DELETE ON policy_versions
BEGIN SELECT RAISE(ABORT, 'policy versions are append-only'); END;

-- What decisions call a policy together with the gateway configurations that it was in force with.
CREATE TABLE policy_configs (
    config_version TEXT    NOT NULL PRIMARY KEY,
    hash           TEXT    NOT NULL,
    at             INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX policy_configs_of ON policy_configs (hash, at, config_version);

-- What operators have decided about routing: one row, whose id is 1.
CREATE TABLE routing_state (
    id      INTEGER PRIMARY KEY,
    version INTEGER NOT NULL,
    doc     TEXT    NOT NULL
) STRICT;

-- What has happened to routing: a row for each version of the state.
CREATE TABLE routing_history (
    seq INTEGER PRIMARY KEY,
    doc TEXT    NOT NULL
) STRICT;
CREATE TRIGGER routing_history_is_not_changed BEFORE UPDATE ON routing_history
BEGIN SELECT RAISE(ABORT, 'the history of routing is append-only'); END;
CREATE TRIGGER routing_history_is_not_deleted BEFORE DELETE ON routing_history
BEGIN SELECT RAISE(ABORT, 'the history of routing is append-only'); END;
