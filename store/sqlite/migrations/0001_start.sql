-- The first schema. What every table has in common:
--
-- * The project comes first in every key and index, so that the same tables shard by project. The exceptions are the two
--   queues that one worker reads for all projects: jobs by time, claims by age.
-- * seq is the order of insertion. It is what lists are paged by: a merchant may choose a customer's id, so ids say
--   nothing about age. Rows with a seq are never deleted (claims apart), so it only grows.
-- * doc is the whole object as JSON and what a read returns. The columns beside it are those that are searched, guarded
--   or compared; they are written from the same value in the same statement.
-- * Times are nanoseconds since 1970 in UTC. The zero time is the smallest integer, so that it sorts before all others.

CREATE TABLE customers (
    seq        INTEGER PRIMARY KEY,
    project_id TEXT    NOT NULL,
    id         TEXT    NOT NULL,
    version    INTEGER NOT NULL,
    deleted_at INTEGER, -- NULL while it lives; the row stays
    doc        TEXT    NOT NULL,
    UNIQUE (project_id, id)
) STRICT;
CREATE INDEX customers_listed ON customers (project_id, seq) WHERE deleted_at IS NULL;

CREATE TABLE tokens (
    seq                 INTEGER PRIMARY KEY,
    project_id          TEXT    NOT NULL,
    id                  TEXT    NOT NULL,
    version             INTEGER NOT NULL,
    customer_id         TEXT    NOT NULL,
    verification_status TEXT    NOT NULL,
    deleted_at          INTEGER,
    doc                 TEXT    NOT NULL,
    UNIQUE (project_id, id)
) STRICT;
CREATE INDEX tokens_of_customer ON tokens (project_id, customer_id, seq) WHERE deleted_at IS NULL;

CREATE TABLE cards (
    seq        INTEGER PRIMARY KEY,
    project_id TEXT    NOT NULL,
    id         TEXT    NOT NULL,
    version    INTEGER NOT NULL,
    used_by    TEXT    NOT NULL, -- the attempt or token that took this single-use card
    deleted_at INTEGER,
    doc        TEXT    NOT NULL,
    UNIQUE (project_id, id)
) STRICT;
CREATE INDEX cards_listed ON cards (project_id, seq) WHERE deleted_at IS NULL;

-- The vault's sealed numbers, apart from the cards that everybody reads. A deleted one is deleted (secure_delete
-- overwrites it), not marked.
CREATE TABLE sealed_cards (
    project_id TEXT NOT NULL,
    card_id    TEXT NOT NULL,
    key_id     TEXT NOT NULL,
    wrapped    BLOB NOT NULL,
    sealed     BLOB NOT NULL,
    PRIMARY KEY (project_id, card_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE mappings (
    project_id               TEXT NOT NULL,
    token_id                 TEXT NOT NULL,
    gateway_configuration_id TEXT NOT NULL,
    status                   TEXT NOT NULL,
    doc                      TEXT NOT NULL,
    PRIMARY KEY (project_id, token_id, gateway_configuration_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE invoices (
    seq            INTEGER PRIMARY KEY,
    project_id     TEXT    NOT NULL,
    id             TEXT    NOT NULL,
    version        INTEGER NOT NULL,
    transaction_id TEXT    NOT NULL,
    customer_id    TEXT    NOT NULL,
    amount         INTEGER NOT NULL,
    currency       TEXT    NOT NULL,
    deleted_at     INTEGER,
    doc            TEXT    NOT NULL,
    UNIQUE (project_id, id)
) STRICT;
CREATE INDEX invoices_listed ON invoices (project_id, seq) WHERE deleted_at IS NULL;

-- The only CHECK constraints in this schema are guards on money: the store reports any of them as payments.ErrMoneyGuard.
CREATE TABLE transactions (
    seq          INTEGER PRIMARY KEY,
    project_id   TEXT    NOT NULL,
    id           TEXT    NOT NULL,
    version      INTEGER NOT NULL,
    invoice_id   TEXT    NOT NULL,
    customer_id  TEXT    NOT NULL,
    status       TEXT    NOT NULL,
    currency     TEXT    NOT NULL,
    amount       INTEGER NOT NULL,
    authorized   INTEGER NOT NULL,
    captured     INTEGER NOT NULL,
    refunded     INTEGER NOT NULL,
    voided       INTEGER NOT NULL,
    capturing    INTEGER NOT NULL,
    refunding    INTEGER NOT NULL,
    incrementing INTEGER NOT NULL,
    doc          TEXT    NOT NULL,
    UNIQUE (project_id, id),
    CONSTRAINT amounts_are_not_negative CHECK (
        amount >= 0 AND authorized >= 0 AND captured >= 0 AND refunded >= 0 AND voided >= 0
        AND capturing >= 0 AND refunding >= 0 AND incrementing >= 0),
    -- Money that was given back to the payer's bank cannot be taken any more.
    CONSTRAINT captured_within_authorized CHECK (captured + capturing + voided <= authorized),
    CONSTRAINT refunded_within_captured CHECK (refunded + refunding <= captured)
) STRICT;
-- One invoice, one transaction.
CREATE UNIQUE INDEX transaction_of_invoice ON transactions (project_id, invoice_id) WHERE invoice_id <> '';
CREATE INDEX transactions_listed ON transactions (project_id, seq);
CREATE INDEX transactions_of_customer ON transactions (project_id, customer_id, seq) WHERE customer_id <> '';

CREATE TABLE attempts (
    seq                      INTEGER PRIMARY KEY,
    project_id               TEXT    NOT NULL,
    id                       TEXT    NOT NULL,
    version                  INTEGER NOT NULL,
    transaction_id           TEXT    NOT NULL, -- '' for the verification of a token
    token_id                 TEXT    NOT NULL,
    gateway_configuration_id TEXT    NOT NULL,
    operation                TEXT    NOT NULL,
    state                    TEXT    NOT NULL,
    reference                TEXT    NOT NULL, -- what the PSP was told
    session_ref              TEXT    NOT NULL, -- what the PSP calls the payment; '' while that is not known
    amount                   INTEGER NOT NULL,
    currency                 TEXT    NOT NULL,
    sent_at                  INTEGER NOT NULL,
    doc                      TEXT    NOT NULL,
    UNIQUE (project_id, id),
    CONSTRAINT amount_is_not_negative CHECK (amount >= 0)
) STRICT;
CREATE INDEX attempts_of_transaction ON attempts (project_id, transaction_id, seq) WHERE transaction_id <> '';
CREATE INDEX verifications_of_token ON attempts (project_id, token_id, seq) WHERE transaction_id = '';
-- A PSP's webhook names a payment, not a project.
CREATE INDEX attempts_by_reference ON attempts (gateway_configuration_id, reference);
CREATE INDEX attempts_by_session ON attempts (gateway_configuration_id, session_ref) WHERE session_ref <> '';

CREATE TABLE refunds (
    seq            INTEGER PRIMARY KEY,
    project_id     TEXT    NOT NULL,
    id             TEXT    NOT NULL,
    version        INTEGER NOT NULL,
    transaction_id TEXT    NOT NULL,
    attempt_id     TEXT    NOT NULL,
    status         TEXT    NOT NULL,
    amount         INTEGER NOT NULL,
    currency       TEXT    NOT NULL,
    doc            TEXT    NOT NULL,
    UNIQUE (project_id, id),
    CONSTRAINT amount_is_not_negative CHECK (amount >= 0)
) STRICT;
CREATE INDEX refunds_of_transaction ON refunds (project_id, transaction_id, seq);

-- Every step of every state machine, numbered within its subject, for ever.
CREATE TABLE transitions (
    project_id TEXT    NOT NULL,
    subject    TEXT    NOT NULL,
    subject_id TEXT    NOT NULL,
    step       INTEGER NOT NULL,
    from_state TEXT    NOT NULL,
    to_state   TEXT    NOT NULL,
    why        TEXT    NOT NULL,
    at         INTEGER NOT NULL,
    PRIMARY KEY (project_id, subject, subject_id, step)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER transitions_are_not_changed BEFORE UPDATE ON transitions
BEGIN SELECT RAISE(ABORT, 'transitions are append-only'); END;
CREATE TRIGGER transitions_are_not_deleted BEFORE DELETE ON transitions
BEGIN SELECT RAISE(ABORT, 'transitions are append-only'); END;

-- The ledger: every confirmed movement of money, numbered within its subject, for ever. The subject is the transaction,
-- or the attempt when that was the verification of a token.
CREATE TABLE entries (
    project_id               TEXT    NOT NULL,
    subject_id               TEXT    NOT NULL,
    number                   INTEGER NOT NULL,
    transaction_id           TEXT    NOT NULL,
    attempt_id               TEXT    NOT NULL,
    gateway_configuration_id TEXT    NOT NULL,
    kind                     TEXT    NOT NULL,
    amount                   INTEGER NOT NULL,
    currency                 TEXT    NOT NULL,
    at                       INTEGER NOT NULL,
    PRIMARY KEY (project_id, subject_id, number),
    CONSTRAINT amount_is_not_negative CHECK (amount >= 0)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER entries_are_not_changed BEFORE UPDATE ON entries
BEGIN SELECT RAISE(ABORT, 'entries are append-only'); END;
CREATE TRIGGER entries_are_not_deleted BEFORE DELETE ON entries
BEGIN SELECT RAISE(ABORT, 'entries are append-only'); END;

CREATE TABLE events (
    seq        INTEGER PRIMARY KEY,
    project_id TEXT    NOT NULL,
    id         TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    fired_at   INTEGER NOT NULL,
    doc        TEXT    NOT NULL,
    UNIQUE (project_id, id)
) STRICT;
CREATE INDEX events_listed ON events (project_id, seq);

-- Idempotency keys. A rowid table although it has a natural key: keys are random, snapshots are large, and appending them
-- dirties fewer pages than spreading them over the key's tree.
CREATE TABLE claims (
    seq         INTEGER PRIMARY KEY,
    project_id  TEXT    NOT NULL,
    scope       TEXT    NOT NULL,
    claim_key   TEXT    NOT NULL,
    fingerprint BLOB    NOT NULL,
    attempt_id  TEXT    NOT NULL,
    created_at  INTEGER NOT NULL,
    snapshot    TEXT, -- NULL until the answer is known
    UNIQUE (project_id, scope, claim_key)
) STRICT;
CREATE INDEX claims_by_age ON claims (created_at);

CREATE TABLE jobs (
    project_id  TEXT    NOT NULL,
    job_key     TEXT    NOT NULL,
    kind        TEXT    NOT NULL,
    subject_id  TEXT    NOT NULL,
    payload     TEXT    NOT NULL,
    run_at      INTEGER NOT NULL,
    lease_until INTEGER NOT NULL,
    fence       INTEGER NOT NULL,
    tries       INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    PRIMARY KEY (project_id, job_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX jobs_due ON jobs (run_at, lease_until);

-- Webhooks of PSPs, as they came in and were verified. They belong to a gateway configuration and not to a project, which is
-- known only once the payment is. An event that is delivered again has the same key.
CREATE TABLE inbound_webhooks (
    seq                      INTEGER PRIMARY KEY,
    gateway_configuration_id TEXT    NOT NULL,
    event_key                TEXT    NOT NULL,
    id                       TEXT    NOT NULL UNIQUE,
    version                  INTEGER NOT NULL,
    state                    TEXT    NOT NULL,
    received_at              INTEGER NOT NULL,
    doc                      TEXT    NOT NULL,
    UNIQUE (gateway_configuration_id, event_key)
) STRICT;
CREATE INDEX inbound_webhooks_listed ON inbound_webhooks (gateway_configuration_id, seq);
