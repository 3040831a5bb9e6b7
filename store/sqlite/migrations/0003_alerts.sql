-- What operators have to know of.
CREATE TABLE alerts (
    seq       INTEGER PRIMARY KEY,
    id        TEXT    NOT NULL UNIQUE,
    version   INTEGER NOT NULL,
    open      INTEGER NOT NULL,
    doc       TEXT    NOT NULL
) STRICT;
CREATE INDEX alerts_open ON alerts (seq) WHERE open = 1;
