-- What was sent to a gateway configuration in a span of time, to be compared with what its PSP has.
CREATE INDEX attempts_by_time ON attempts (gateway_configuration_id, sent_at, id);
