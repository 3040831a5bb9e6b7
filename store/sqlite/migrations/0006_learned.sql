-- What smart routing has learnt: the whole, as it was last written down, and what each instance has seen since.
CREATE TABLE learned (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    instance TEXT    NOT NULL,
    at       INTEGER NOT NULL,
    state    BLOB    NOT NULL
) STRICT;
CREATE TABLE learned_news (
    seq      INTEGER PRIMARY KEY AUTOINCREMENT, -- never given twice: others remember how far they have read
    instance TEXT    NOT NULL,
    at       INTEGER NOT NULL,
    counts   BLOB    NOT NULL
) STRICT;
CREATE INDEX learned_news_by_time ON learned_news (at);
