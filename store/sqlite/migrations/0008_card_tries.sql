-- Declined tries with a card, by a keyed hash of its number, as they count against the budget of retries and hold a card back.
CREATE TABLE card_tries (
    project_id               TEXT    NOT NULL,
    card_key                 TEXT    NOT NULL,
    at                       INTEGER NOT NULL,
    attempt_id               TEXT    NOT NULL,
    gateway_configuration_id TEXT    NOT NULL,
    code                     TEXT    NOT NULL,
    never_until              INTEGER NOT NULL,
    later_until              INTEGER NOT NULL,
    words                    TEXT    NOT NULL,
    PRIMARY KEY (project_id, card_key, at, attempt_id)
) STRICT, WITHOUT ROWID;

-- Old ones are removed for all projects at once.
CREATE INDEX card_tries_by_age ON card_tries (at);
