-- Where the projects' events are sent. enabled is 1 only while the endpoint is not deleted either. failing_since and exhausted
-- are written by what comes of deliveries, and start anew with another enabled_at.
CREATE TABLE webhook_endpoints (
    seq           INTEGER PRIMARY KEY,
    project_id    TEXT    NOT NULL,
    id            TEXT    NOT NULL,
    version       INTEGER NOT NULL,
    enabled       INTEGER NOT NULL,
    enabled_at    INTEGER NOT NULL,
    failing_since INTEGER,           -- NULL while the last try succeeded
    exhausted     INTEGER NOT NULL,
    deleted_at    INTEGER,
    doc           TEXT    NOT NULL,
    UNIQUE (project_id, id)
) STRICT;
CREATE INDEX webhook_endpoints_listed ON webhook_endpoints (project_id, seq) WHERE deleted_at IS NULL;
CREATE INDEX webhook_endpoints_enabled ON webhook_endpoints (project_id) WHERE enabled = 1;

-- Events that nobody has been told of yet, in the order of their commits. A row is written with its event and deleted by the
-- commit that makes the event's deliveries.
CREATE TABLE outbox (
    seq        INTEGER PRIMARY KEY,
    project_id TEXT    NOT NULL,
    event_id   TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    subject_id TEXT    NOT NULL,
    url        TEXT    NOT NULL
) STRICT;

-- Tries to deliver: the queue, and the log once they have ended. turn is 1 for a try that may be made, 0 for one that waits
-- for another of the same subject at the same target, and NULL for one that has ended. There is at most one turn 1 for each
-- subject and target, and it is older than those that wait.
CREATE TABLE deliveries (
    seq         INTEGER PRIMARY KEY,
    project_id  TEXT    NOT NULL,
    id          TEXT    NOT NULL,
    event_id    TEXT    NOT NULL,
    target      TEXT    NOT NULL, -- an endpoint, or the host of an event's own URL
    subject_id  TEXT    NOT NULL,
    turn        INTEGER,
    run_at      INTEGER NOT NULL,
    lease_until INTEGER,          -- NULL while nobody has it
    fence       INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    doc         TEXT    NOT NULL,
    UNIQUE (project_id, id)
) STRICT;
CREATE INDEX deliveries_of_event ON deliveries (project_id, event_id, seq);
CREATE INDEX deliveries_due ON deliveries (project_id, target, run_at) WHERE turn = 1;
CREATE INDEX deliveries_held ON deliveries (project_id, target, lease_until) WHERE lease_until IS NOT NULL;
CREATE INDEX deliveries_in_line ON deliveries (project_id, target, subject_id, seq) WHERE turn IS NOT NULL;
CREATE INDEX deliveries_ended ON deliveries (created_at) WHERE turn IS NULL;

-- Ranges of events that are to be sent to an endpoint again.
CREATE TABLE replays (
    seq         INTEGER PRIMARY KEY,
    project_id  TEXT    NOT NULL,
    id          TEXT    NOT NULL,
    endpoint_id TEXT    NOT NULL,
    version     INTEGER NOT NULL,
    after_id    TEXT    NOT NULL,
    until_id    TEXT    NOT NULL,
    created_at  INTEGER NOT NULL,
    UNIQUE (project_id, id)
) STRICT;
