-- How much money was taken at each gateway configuration, by day and currency. It is raised with the ledger and follows from it;
-- what is given back later does not lower it: a PSP counts what it has processed. Days are counted from 1970, in UTC.
CREATE TABLE volumes (
    day                      INTEGER NOT NULL,
    gateway_configuration_id TEXT    NOT NULL,
    currency                 TEXT    NOT NULL,
    amount                   INTEGER NOT NULL,
    PRIMARY KEY (day, gateway_configuration_id, currency)
) STRICT, WITHOUT ROWID;
INSERT INTO volumes (day, gateway_configuration_id, currency, amount)
    SELECT at / 86400000000000, gateway_configuration_id, currency, SUM(amount) FROM entries
    WHERE kind = 'captured' GROUP BY 1, 2, 3;
