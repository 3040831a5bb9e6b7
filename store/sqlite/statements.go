package sqlite

// writeID names a prepared statement of the writer.
type writeID int

// The writer's statements. Those of a versioned object come in pairs with the same parameters: project, id, version, then
// the columns in the order of the table.
const (
	beginCommit writeID = iota
	endCommit
	abandonCommit
	openSavepoint
	closeSavepoint
	undoSavepoint
	insertClaim
	answerClaim
	releaseClaim
	pruneClaims
	insertCustomer
	updateCustomer
	insertToken
	updateToken
	insertCard
	updateCard
	insertSealedCard
	deleteSealedCard
	insertInvoice
	updateInvoice
	insertTransaction
	updateTransaction
	insertAttempt
	updateAttempt
	insertRefund
	updateRefund
	insertInbound
	updateInbound
	insertTransition
	insertEntry
	raiseVolume
	insertEvent
	insertTry
	pruneTries
	putMapping
	putLink
	deleteLink
	insertAlert
	updateAlert
	putJob
	finishJob
	dropJob
	leaseJobs
	insertEndpoint
	updateEndpoint
	endpointServed
	endpointFailed
	insertOutbox
	deleteOutbox
	insertDelivery
	endDelivery
	nextDelivery
	countHeld
	leaseDeliveries
	pruneEnded
	dropDeliveries
	dropStale
	insertReplay
	updateReplay
	deleteReplay
	putLearned
	insertNews
	dropNews
	insertPolicyVersion
	insertPolicyConfig
	insertRouting
	updateRouting
	insertRoutingEvent
	writeCount
)

// writeSQL is the text of the writer's statements. A statement that finds nothing to do changes no row; what that means
// is said where the statement is used.
var writeSQL = [writeCount]string{
	beginCommit:    `BEGIN IMMEDIATE`,
	endCommit:      `COMMIT`,
	abandonCommit:  `ROLLBACK`,
	openSavepoint:  `SAVEPOINT caller`,
	closeSavepoint: `RELEASE SAVEPOINT caller`,
	undoSavepoint:  `ROLLBACK TO SAVEPOINT caller`,

	insertClaim: `INSERT INTO claims (project_id, scope, claim_key, fingerprint, attempt_id, created_at, snapshot)
		VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`,
	answerClaim: `UPDATE claims SET snapshot = $4
		WHERE project_id = $1 AND scope = $2 AND claim_key = $3 AND snapshot IS NULL`,
	releaseClaim: `DELETE FROM claims
		WHERE project_id = $1 AND scope = $2 AND claim_key = $3 AND snapshot IS NULL`,
	pruneClaims: `DELETE FROM claims WHERE seq IN (
		SELECT seq FROM claims WHERE created_at < $1 AND snapshot IS NOT NULL ORDER BY created_at LIMIT $2)`,

	insertCustomer: `INSERT INTO customers (project_id, id, version, deleted_at, doc)
		VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
	updateCustomer: `UPDATE customers SET version = $3, deleted_at = $4, doc = $5
		WHERE project_id = $1 AND id = $2 AND version = $3 - 1`,
	insertToken: `INSERT INTO tokens (project_id, id, version, customer_id, verification_status, deleted_at, doc)
		VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`,
	updateToken: `UPDATE tokens SET version = $3, customer_id = $4, verification_status = $5, deleted_at = $6, doc = $7
		WHERE project_id = $1 AND id = $2 AND version = $3 - 1`,
	insertCard: `INSERT INTO cards (project_id, id, version, used_by, deleted_at, doc)
		VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`,
	updateCard: `UPDATE cards SET version = $3, used_by = $4, deleted_at = $5, doc = $6
		WHERE project_id = $1 AND id = $2 AND version = $3 - 1`,
	insertSealedCard: `INSERT INTO sealed_cards (project_id, card_id, key_id, wrapped, sealed)
		VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
	deleteSealedCard: `DELETE FROM sealed_cards WHERE project_id = $1 AND card_id = $2`,
	insertInvoice: `INSERT INTO invoices (project_id, id, version, transaction_id, customer_id, amount, currency, deleted_at, doc)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING`,
	updateInvoice: `UPDATE invoices SET version = $3, transaction_id = $4, customer_id = $5, amount = $6, currency = $7,
			deleted_at = $8, doc = $9
		WHERE project_id = $1 AND id = $2 AND version = $3 - 1`,
	insertTransaction: `INSERT INTO transactions (project_id, id, version, invoice_id, customer_id, status, currency, amount,
			authorized, captured, refunded, voided, capturing, refunding, incrementing, doc)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) ON CONFLICT DO NOTHING`,
	updateTransaction: `UPDATE transactions SET version = $3, invoice_id = $4, customer_id = $5, status = $6, currency = $7,
			amount = $8, authorized = $9, captured = $10, refunded = $11, voided = $12, capturing = $13, refunding = $14,
			incrementing = $15, doc = $16
		WHERE project_id = $1 AND id = $2 AND version = $3 - 1`,
	insertAttempt: `INSERT INTO attempts (project_id, id, version, transaction_id, token_id, gateway_configuration_id,
			operation, state, reference, session_ref, amount, currency, sent_at, doc)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) ON CONFLICT DO NOTHING`,
	updateAttempt: `UPDATE attempts SET version = $3, transaction_id = $4, token_id = $5, gateway_configuration_id = $6,
			operation = $7, state = $8, reference = $9, session_ref = $10, amount = $11, currency = $12, sent_at = $13,
			doc = $14
		WHERE project_id = $1 AND id = $2 AND version = $3 - 1`,
	insertRefund: `INSERT INTO refunds (project_id, id, version, transaction_id, attempt_id, status, amount, currency, doc)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING`,
	updateRefund: `UPDATE refunds SET version = $3, transaction_id = $4, attempt_id = $5, status = $6, amount = $7,
			currency = $8, doc = $9
		WHERE project_id = $1 AND id = $2 AND version = $3 - 1`,

	insertInbound: `INSERT INTO inbound_webhooks (gateway_configuration_id, id, version, event_key, state, received_at, doc)
		VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`,
	updateInbound: `UPDATE inbound_webhooks SET version = $3, event_key = $4, state = $5, received_at = $6, doc = $7
		WHERE gateway_configuration_id = $1 AND id = $2 AND version = $3 - 1`,

	insertTransition: `INSERT INTO transitions (project_id, subject, subject_id, step, from_state, to_state, why, at)
		VALUES ($1, $2, $3, (SELECT COALESCE(MAX(step), 0) + 1 FROM transitions
			WHERE project_id = $1 AND subject = $2 AND subject_id = $3), $4, $5, $6, $7)`,
	insertEntry: `INSERT INTO entries (project_id, subject_id, number, transaction_id, attempt_id, gateway_configuration_id,
			kind, amount, currency, at)
		VALUES ($1, $2, (SELECT COALESCE(MAX(number), 0) + 1 FROM entries
			WHERE project_id = $1 AND subject_id = $2), $3, $4, $5, $6, $7, $8, $9)`,
	// A count that is full stays so: the payment must not be refused over it.
	raiseVolume: `INSERT INTO volumes (day, gateway_configuration_id, currency, amount) VALUES ($1, $2, $3, $4)
		ON CONFLICT (day, gateway_configuration_id, currency) DO UPDATE SET amount =
			CASE WHEN amount > 9223372036854775807 - excluded.amount THEN 9223372036854775807 ELSE amount + excluded.amount END`,
	insertEvent: `INSERT INTO events (project_id, id, name, fired_at, doc)
		VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,

	insertTry: `INSERT INTO card_tries (project_id, card_key, at, attempt_id, gateway_configuration_id, code, never_until, later_until, words)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING`,
	pruneTries: `DELETE FROM card_tries WHERE (project_id, card_key, at, attempt_id) IN (
		SELECT project_id, card_key, at, attempt_id FROM card_tries WHERE at < $1 ORDER BY at LIMIT $2)`,

	putMapping: `INSERT INTO mappings (project_id, token_id, gateway_configuration_id, status, doc)
		VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (project_id, token_id, gateway_configuration_id) DO UPDATE SET status = excluded.status, doc = excluded.doc`,
	putLink: `INSERT INTO customer_links (project_id, customer_id, gateway_configuration_id, ref, doc)
		SELECT $1, $2, $3, $4, $5 WHERE NOT EXISTS (SELECT 1 FROM customer_links
			WHERE gateway_configuration_id = $3 AND ref = $4 AND NOT (project_id = $1 AND customer_id = $2))
		ON CONFLICT (project_id, customer_id, gateway_configuration_id) DO UPDATE SET ref = excluded.ref, doc = excluded.doc`,
	deleteLink:  `DELETE FROM customer_links WHERE project_id = $1 AND customer_id = $2 AND gateway_configuration_id = $3`,
	insertAlert: `INSERT INTO alerts (id, version, open, doc) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
	updateAlert: `UPDATE alerts SET version = $2, open = $3, doc = $4 WHERE id = $1 AND version = $2 - 1`,
	putJob: `INSERT INTO jobs (project_id, job_key, kind, subject_id, payload, run_at, lease_until, fence, tries, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
		ON CONFLICT (project_id, job_key) DO UPDATE SET kind = excluded.kind, subject_id = excluded.subject_id,
			payload = excluded.payload, run_at = excluded.run_at, lease_until = excluded.lease_until,
			fence = CASE WHEN excluded.fence > jobs.fence THEN excluded.fence ELSE jobs.fence END,
			tries = excluded.tries, created_at = excluded.created_at`,
	finishJob: `DELETE FROM jobs WHERE project_id = $1 AND job_key = $2 AND fence = $3`,
	dropJob:   `DELETE FROM jobs WHERE project_id = $1 AND job_key = $2`,
	leaseJobs: `UPDATE jobs SET lease_until = $2, fence = fence + 1, tries = tries + 1
		WHERE (project_id, job_key) IN (
			SELECT project_id, job_key FROM jobs WHERE run_at <= $1 AND lease_until <= $1 ORDER BY run_at LIMIT $3)
		RETURNING project_id, job_key, kind, subject_id, payload, run_at, lease_until, fence, tries, created_at`,

	insertEndpoint: `INSERT INTO webhook_endpoints (project_id, id, version, enabled, enabled_at, deleted_at, doc, exhausted)
		VALUES ($1, $2, $3, $4, $5, $6, $7, 0) ON CONFLICT DO NOTHING`,
	updateEndpoint: `UPDATE webhook_endpoints SET version = $3, enabled = $4, enabled_at = $5, deleted_at = $6, doc = $7,
			failing_since = CASE WHEN enabled_at = $5 THEN failing_since END,
			exhausted = CASE WHEN enabled_at = $5 THEN exhausted ELSE 0 END
		WHERE project_id = $1 AND id = $2 AND version = $3 - 1`,
	endpointServed: `UPDATE webhook_endpoints SET failing_since = NULL, exhausted = 0
		WHERE project_id = $1 AND id = $2 AND failing_since IS NOT NULL`,
	endpointFailed: `UPDATE webhook_endpoints SET failing_since = COALESCE(failing_since, $3), exhausted = exhausted + $4
		WHERE project_id = $1 AND id = $2`,
	insertOutbox: `INSERT INTO outbox (project_id, event_id, name, subject_id, url) SELECT $1, $2, $3, $4, $5
		WHERE $5 <> '' OR EXISTS (SELECT 1 FROM webhook_endpoints WHERE project_id = $1 AND enabled = 1)`,
	deleteOutbox: `DELETE FROM outbox WHERE seq = $1 AND project_id = $2 AND event_id = $3`,
	insertDelivery: `INSERT INTO deliveries (project_id, id, event_id, target, subject_id, turn, run_at, fence, created_at, doc)
		VALUES ($1, $2, $3, $4, $5, CASE WHEN $6 = 0 AND EXISTS (SELECT 1 FROM deliveries
				WHERE project_id = $1 AND target = $4 AND subject_id = $5 AND turn IS NOT NULL) THEN 0 ELSE 1 END,
			$7, 0, $8, $9) ON CONFLICT DO NOTHING`,
	endDelivery: `UPDATE deliveries SET turn = NULL, lease_until = NULL, doc = $4
		WHERE project_id = $1 AND id = $2 AND fence = $3 AND turn = 1`,
	nextDelivery: `UPDATE deliveries SET turn = 1, run_at = created_at WHERE seq = (SELECT seq FROM deliveries
		WHERE project_id = $1 AND target = $2 AND subject_id = $3 AND turn = 0 ORDER BY seq LIMIT 1)`,
	countHeld: `SELECT COUNT(*) FROM deliveries WHERE project_id = $1 AND target = $2 AND lease_until > $3`,
	leaseDeliveries: `UPDATE deliveries SET lease_until = $4, fence = fence + 1 WHERE seq IN (SELECT seq FROM deliveries
			WHERE project_id = $1 AND target = $2 AND turn = 1 AND run_at <= $3 AND (lease_until IS NULL OR lease_until <= $3)
			ORDER BY run_at LIMIT $5)
		RETURNING doc, run_at, lease_until, fence`,
	pruneEnded: `DELETE FROM deliveries WHERE seq IN (
		SELECT seq FROM deliveries WHERE turn IS NULL AND created_at < $1 ORDER BY created_at LIMIT $2)`,
	dropDeliveries: `DELETE FROM deliveries WHERE seq IN (
		SELECT seq FROM deliveries WHERE project_id = $1 AND target = $2 AND turn IS NOT NULL LIMIT $3)`,
	dropStale: `DELETE FROM deliveries WHERE seq = (SELECT seq FROM deliveries
			WHERE project_id = $1 AND target = $2 AND turn = 1 AND run_at < $3 ORDER BY run_at LIMIT 1)
		RETURNING subject_id`,
	insertReplay: `INSERT INTO replays (project_id, id, version, after_id, until_id, endpoint_id, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`,
	updateReplay: `UPDATE replays SET version = $3, after_id = $4, until_id = $5, endpoint_id = $6, created_at = $7
		WHERE project_id = $1 AND id = $2 AND version = $3 - 1`,
	deleteReplay: `DELETE FROM replays WHERE project_id = $1 AND id = $2 AND version = $3 - 1`,

	putLearned: `INSERT INTO learned (one, instance, at, state) VALUES (1, $1, $2, $3)
		ON CONFLICT (one) DO UPDATE SET instance = excluded.instance, at = excluded.at, state = excluded.state`,
	insertNews:          `INSERT INTO learned_news (instance, at, counts) VALUES ($1, $2, $3)`,
	dropNews:            `DELETE FROM learned_news WHERE at < $1`,
	insertPolicyVersion: `INSERT INTO policy_versions (hash, doc, files) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
	insertPolicyConfig:  `INSERT INTO policy_configs (config_version, hash, at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
	insertRouting:       `INSERT INTO routing_state (id, version, doc) VALUES (1, $1, $2) ON CONFLICT DO NOTHING`,
	updateRouting:       `UPDATE routing_state SET version = $1, doc = $2 WHERE id = 1 AND version = $1 - 1`,
	insertRoutingEvent:  `INSERT INTO routing_history (seq, doc) VALUES ($1, $2) ON CONFLICT DO NOTHING`,
}

// readID names a prepared statement of the readers.
type readID int

const (
	selectPayment readID = iota
	selectInvoiceOfTransaction
	selectAttempt
	selectVerifications
	selectNamed
	selectSent
	selectInbound
	selectClaim
	selectNextJob
	selectCustomer
	selectToken
	selectCard
	selectSealedCard
	selectMappings
	selectMappingsOfMethod
	selectLinks
	selectAlert
	selectOpenAlerts
	selectAlerts
	selectInvoice
	selectTransaction
	selectRefund
	selectEvent
	selectTransitions
	selectEntries
	selectTries
	selectVolumes
	selectEndpoint
	selectEndpointState
	selectOutbox
	selectEventsWithin
	countEventsWithin
	selectNextTarget
	selectDue
	selectEarliest
	selectReplays
	selectLearned
	selectNews
	selectNewestNews
	selectPolicyVersion
	selectPolicyVersions
	selectPolicyNames
	selectRouting
	selectRoutingEvents
	readCount
)

var readSQL = [readCount]string{
	// One statement, so that invoice, transaction, attempts and refunds are of one moment.
	selectPayment: `SELECT 1 AS part, seq, doc FROM invoices WHERE project_id = $1 AND id = $2
		UNION ALL SELECT 2, seq, doc FROM transactions
			WHERE project_id = $1 AND invoice_id = $2 AND invoice_id <> ''
		UNION ALL SELECT 3, seq, doc FROM attempts
			WHERE project_id = $1 AND transaction_id <> '' AND transaction_id = (
				SELECT id FROM transactions WHERE project_id = $1 AND invoice_id = $2 AND invoice_id <> '')
		UNION ALL SELECT 4, seq, doc FROM refunds
			WHERE project_id = $1 AND transaction_id = (
				SELECT id FROM transactions WHERE project_id = $1 AND invoice_id = $2 AND invoice_id <> '')
		ORDER BY part, seq`,
	selectInvoiceOfTransaction: `SELECT invoice_id FROM transactions WHERE project_id = $1 AND id = $2`,
	selectAttempt:              `SELECT doc FROM attempts WHERE project_id = $1 AND id = $2`,
	selectVerifications: `SELECT doc FROM attempts
		WHERE project_id = $1 AND token_id = $2 AND transaction_id = '' ORDER BY seq`,
	selectNamed: `SELECT doc FROM attempts WHERE gateway_configuration_id = $1 AND reference = $2 AND $2 <> ''
		UNION ALL SELECT doc FROM attempts
			WHERE gateway_configuration_id = $1 AND session_ref = $3 AND session_ref <> '' AND reference <> $2`,
	selectSent: `SELECT doc FROM attempts WHERE gateway_configuration_id = $1 AND (sent_at, id) > ($2, $3) AND sent_at < $4
		ORDER BY sent_at, id LIMIT $5`,
	selectInbound: `SELECT doc FROM inbound_webhooks WHERE id = $1`,
	selectClaim: `SELECT fingerprint, attempt_id, created_at, snapshot FROM claims
		WHERE project_id = $1 AND scope = $2 AND claim_key = $3`,
	// The first job that is not leased bounds the search: whatever is due later in the order of run_at cannot be earlier.
	selectNextJob: `SELECT MIN(CASE WHEN lease_until > run_at THEN lease_until ELSE run_at END) FROM jobs
		WHERE run_at <= COALESCE(
			(SELECT run_at FROM jobs WHERE lease_until <= run_at ORDER BY run_at LIMIT 1), 9223372036854775807)`,
	selectCustomer:   `SELECT doc FROM customers WHERE project_id = $1 AND id = $2 AND deleted_at IS NULL`,
	selectToken:      `SELECT doc FROM tokens WHERE project_id = $1 AND id = $2 AND deleted_at IS NULL`,
	selectCard:       `SELECT doc FROM cards WHERE project_id = $1 AND id = $2 AND deleted_at IS NULL`,
	selectSealedCard: `SELECT key_id, wrapped, sealed FROM sealed_cards WHERE project_id = $1 AND card_id = $2`,
	selectMappings:   `SELECT doc FROM mappings WHERE project_id = $1 AND token_id = $2 ORDER BY gateway_configuration_id`,
	selectMappingsOfMethod: `SELECT doc FROM mappings
		WHERE project_id = $1 AND gateway_configuration_id = $2 AND json_extract(doc, '$.method_ref') = $3 ORDER BY token_id`,
	selectAlert:       `SELECT doc FROM alerts WHERE id = $1`,
	selectOpenAlerts:  `SELECT doc FROM alerts WHERE open = 1 AND seq < 9223372036854775807 ORDER BY seq DESC LIMIT $1`,
	selectAlerts:      `SELECT doc FROM alerts WHERE seq < 9223372036854775807 ORDER BY seq DESC LIMIT $1`,
	selectLinks:       `SELECT doc FROM customer_links WHERE project_id = $1 AND customer_id = $2 ORDER BY gateway_configuration_id`,
	selectInvoice:     `SELECT doc FROM invoices WHERE project_id = $1 AND id = $2 AND deleted_at IS NULL`,
	selectTransaction: `SELECT doc FROM transactions WHERE project_id = $1 AND id = $2`,
	selectRefund:      `SELECT doc FROM refunds WHERE project_id = $1 AND id = $2`,
	selectEvent:       `SELECT doc FROM events WHERE project_id = $1 AND id = $2`,
	selectTransitions: `SELECT from_state, to_state, why, at FROM transitions
		WHERE project_id = $1 AND subject = $2 AND subject_id = $3 ORDER BY step`,
	selectEntries: `SELECT transaction_id, attempt_id, gateway_configuration_id, kind, amount, currency, at FROM entries
		WHERE project_id = $1 AND subject_id = $2 ORDER BY number`,
	selectTries: `SELECT attempt_id, gateway_configuration_id, code, at, never_until, later_until, words FROM card_tries
		WHERE project_id = $1 AND card_key = $2 AND at > $3 ORDER BY at DESC, attempt_id DESC LIMIT $4`,
	selectVolumes: `SELECT day, gateway_configuration_id, currency, amount FROM volumes WHERE day >= $1
		ORDER BY day, gateway_configuration_id, currency`,

	selectEndpoint:      `SELECT doc FROM webhook_endpoints WHERE project_id = $1 AND id = $2 AND deleted_at IS NULL`,
	selectEndpointState: `SELECT enabled, deleted_at IS NOT NULL, failing_since, exhausted FROM webhook_endpoints WHERE project_id = $1 AND id = $2`,
	selectOutbox:        `SELECT seq, project_id, event_id, name, subject_id, url FROM outbox WHERE seq > 0 ORDER BY seq LIMIT $1`,
	selectEventsWithin:  `SELECT doc FROM events WHERE project_id = $1 AND id > $2 AND id < $3 ORDER BY id LIMIT $4`,
	countEventsWithin: `SELECT COUNT(*) FROM (
		SELECT 1 FROM events WHERE project_id = $1 AND id > $2 AND id < $3 LIMIT $4)`,
	selectNextTarget: `SELECT project_id, target FROM deliveries
		WHERE turn = 1 AND (project_id, target) > ($1, $2) ORDER BY project_id, target LIMIT 1`,
	selectDue: `SELECT 1 FROM deliveries WHERE project_id = $1 AND target = $2 AND turn = 1 AND run_at <= $3
		AND (lease_until IS NULL OR lease_until <= $3) LIMIT 1`,
	selectEarliest: `SELECT run_at FROM deliveries WHERE project_id = $1 AND target = $2 AND turn = 1 ORDER BY run_at LIMIT 1`,
	selectReplays: `SELECT project_id, id, endpoint_id, version, after_id, until_id, created_at FROM replays
		WHERE seq > 0 ORDER BY seq LIMIT $1`,
	selectLearned:    `SELECT instance, at, state FROM learned WHERE one = 1`,
	selectNews:       `SELECT seq, instance, at, counts FROM learned_news WHERE seq > $1 ORDER BY seq LIMIT $2`,
	selectNewestNews: `SELECT coalesce(max(seq), 0) FROM learned_news`,

	selectPolicyVersion: `SELECT doc, files, (SELECT json_group_array(config_version) FROM (
			SELECT config_version FROM policy_configs WHERE hash = $1 ORDER BY at, config_version))
		FROM policy_versions WHERE hash = $1`,
	selectPolicyVersions: `SELECT doc, '[]', (SELECT json_group_array(config_version) FROM (
			SELECT config_version FROM policy_configs WHERE hash = v.hash ORDER BY at, config_version))
		FROM policy_versions AS v WHERE seq < COALESCE((SELECT seq FROM policy_versions WHERE hash = $1), 9223372036854775807)
		ORDER BY seq DESC LIMIT $2`,
	selectPolicyNames: `SELECT hash FROM policy_versions WHERE hash >= $1 AND hash < $1 || '~'
		UNION ALL SELECT hash FROM policy_configs WHERE config_version = $1 LIMIT $2`,
	selectRouting:       `SELECT doc FROM routing_state WHERE id = 1`,
	selectRoutingEvents: `SELECT doc FROM routing_history WHERE seq < $1 ORDER BY seq DESC LIMIT $2`,
}

// listID names a list.
type listID int

const (
	listCustomers listID = iota
	listCards
	listInvoices
	listTransactions
	listEvents
	listTokensOf
	listTransactionsOf
	listInbound
	listEndpoints
	listDeliveries
	listCount
)

// listSQL is the text of the two walks through a list from a place in it, and of the search for a cursor's place.
// The walks take project, owner (where the list has one), place and limit.
var listSQL = [listCount]struct{ down, up, place string }{
	listCustomers: {
		down:  `SELECT doc FROM customers WHERE project_id = $1 AND deleted_at IS NULL AND seq < $2 ORDER BY seq DESC LIMIT $3`,
		up:    `SELECT doc FROM customers WHERE project_id = $1 AND deleted_at IS NULL AND seq > $2 ORDER BY seq LIMIT $3`,
		place: `SELECT seq FROM customers WHERE project_id = $1 AND id = $2`,
	},
	listCards: {
		down:  `SELECT doc FROM cards WHERE project_id = $1 AND deleted_at IS NULL AND seq < $2 ORDER BY seq DESC LIMIT $3`,
		up:    `SELECT doc FROM cards WHERE project_id = $1 AND deleted_at IS NULL AND seq > $2 ORDER BY seq LIMIT $3`,
		place: `SELECT seq FROM cards WHERE project_id = $1 AND id = $2`,
	},
	listInvoices: {
		down:  `SELECT doc FROM invoices WHERE project_id = $1 AND deleted_at IS NULL AND seq < $2 ORDER BY seq DESC LIMIT $3`,
		up:    `SELECT doc FROM invoices WHERE project_id = $1 AND deleted_at IS NULL AND seq > $2 ORDER BY seq LIMIT $3`,
		place: `SELECT seq FROM invoices WHERE project_id = $1 AND id = $2`,
	},
	listTransactions: {
		down:  `SELECT doc FROM transactions WHERE project_id = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3`,
		up:    `SELECT doc FROM transactions WHERE project_id = $1 AND seq > $2 ORDER BY seq LIMIT $3`,
		place: `SELECT seq FROM transactions WHERE project_id = $1 AND id = $2`,
	},
	listEvents: {
		down:  `SELECT doc FROM events WHERE project_id = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3`,
		up:    `SELECT doc FROM events WHERE project_id = $1 AND seq > $2 ORDER BY seq LIMIT $3`,
		place: `SELECT seq FROM events WHERE project_id = $1 AND id = $2`,
	},
	listTokensOf: {
		down: `SELECT doc FROM tokens WHERE project_id = $1 AND customer_id = $2 AND deleted_at IS NULL AND seq < $3
			ORDER BY seq DESC LIMIT $4`,
		up: `SELECT doc FROM tokens WHERE project_id = $1 AND customer_id = $2 AND deleted_at IS NULL AND seq > $3
			ORDER BY seq LIMIT $4`,
		place: `SELECT seq FROM tokens WHERE project_id = $1 AND id = $2`,
	},
	listInbound: {
		down:  `SELECT doc FROM inbound_webhooks WHERE gateway_configuration_id = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3`,
		up:    `SELECT doc FROM inbound_webhooks WHERE gateway_configuration_id = $1 AND seq > $2 ORDER BY seq LIMIT $3`,
		place: `SELECT seq FROM inbound_webhooks WHERE gateway_configuration_id = $1 AND id = $2`,
	},
	listEndpoints: {
		down: `SELECT doc FROM webhook_endpoints WHERE project_id = $1 AND deleted_at IS NULL AND seq < $2
			ORDER BY seq DESC LIMIT $3`,
		up: `SELECT doc FROM webhook_endpoints WHERE project_id = $1 AND deleted_at IS NULL AND seq > $2
			ORDER BY seq LIMIT $3`,
		place: `SELECT seq FROM webhook_endpoints WHERE project_id = $1 AND id = $2`,
	},
	listDeliveries: {
		down:  `SELECT doc FROM deliveries WHERE project_id = $1 AND event_id = $2 AND seq < $3 ORDER BY seq DESC LIMIT $4`,
		up:    `SELECT doc FROM deliveries WHERE project_id = $1 AND event_id = $2 AND seq > $3 ORDER BY seq LIMIT $4`,
		place: `SELECT seq FROM deliveries WHERE project_id = $1 AND id = $2`,
	},
	listTransactionsOf: {
		down: `SELECT doc FROM transactions WHERE project_id = $1 AND customer_id = $2 AND customer_id <> '' AND seq < $3
			ORDER BY seq DESC LIMIT $4`,
		up: `SELECT doc FROM transactions WHERE project_id = $1 AND customer_id = $2 AND customer_id <> '' AND seq > $3
			ORDER BY seq LIMIT $4`,
		place: `SELECT seq FROM transactions WHERE project_id = $1 AND id = $2`,
	},
}

// The statements of the schema's own history, run once at start.
const (
	createMigrationTable = `CREATE TABLE IF NOT EXISTS schema_migrations (
		version INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, applied_at INTEGER NOT NULL)`
	selectMigrations = `SELECT version, checksum FROM schema_migrations ORDER BY version`
	insertMigration  = `INSERT INTO schema_migrations (version, name, checksum, applied_at) VALUES ($1, $2, $3, $4)`
)
