package sqlite

import (
	"bytes"
	"encoding/json"
	"fmt"

	"switchyard/payments"
)

// operation is one statement of a change, ready to run. miss is the error for a statement that changed no row; nil means
// that this is as good as having changed one.
type operation struct {
	statement writeID
	args      []any
	miss      error
}

// encoder turns a change into operations. It keeps the first error, so that the code reads like the list it makes.
type encoder struct {
	operations []operation
	err        error
}

// encode turns a change into operations in the order in which they run. It is done by the caller, so that the writer has
// nothing to do but run SQL. The claim comes first: a taken key is what a caller must hear of before anything else.
// A sealed card is forgotten before one is put, and a job is done before one is put, so that a change may replace either.
func encode(c payments.Change) ([]operation, error) {
	e := &encoder{operations: make([]operation, 0, operationsOf(c))}
	e.claims(c)
	e.holders(c)
	e.payments(c)
	e.records(c)
	e.learned(c)
	e.jobs(c)
	e.webhooks(c)
	e.routing(c)
	return e.operations, e.err
}

// operationsOf counts the operations of a change.
func operationsOf(c payments.Change) int {
	const claims = 3
	return claims + len(c.Customers) + len(c.Tokens) + len(c.Cards) + len(c.SealedCards) + len(c.ForgetSealed) +
		len(c.Invoices) + len(c.Transactions) + len(c.Attempts) + len(c.Refunds) + len(c.Transitions) + 2*len(c.Entries) +
		2*len(c.Events) + len(c.CardTries) + len(c.Inbound) + len(c.Mappings) + len(c.Links) + len(c.Unlinks) + len(c.Alerts) + len(c.Jobs) + len(c.DoneJobs) + len(c.PolicyVersions) + len(c.PolicyConfigs) + len(c.RoutingEvents)
}

func (e *encoder) claims(c payments.Change) {
	if claim := c.Claim; claim != nil {
		var snapshot any
		if claim.Snapshot != nil {
			snapshot = e.doc(claim.Snapshot)
		}
		e.add(insertClaim, payments.ErrClaimed, claim.ProjectID, claim.Scope, claim.Key, blob(claim.Fingerprint),
			claim.AttemptID, stamp(claim.CreatedAt), snapshot)
	}
	// An answer to a claim that is gone, or that has been answered, changes nothing: the first answer stays, and the
	// outcome that comes with this one must not be lost over it. For the same reason an answered claim is not released.
	if a := c.Answer; a != nil {
		e.add(answerClaim, nil, a.ProjectID, a.Scope, a.Key, e.doc(a.Snapshot))
	}
	if k := c.Release; k != nil {
		e.add(releaseClaim, nil, k.ProjectID, k.Scope, k.Key)
	}
}

// holders are those who pay and what they pay with.
func (e *encoder) holders(c payments.Change) {
	for i := range c.Customers {
		o := &c.Customers[i]
		e.put(insertCustomer, updateCustomer, o.Version, o.ProjectID, o.ID, o.Version, deletion(o.DeletedAt), e.doc(o))
	}
	for i := range c.Tokens {
		o := &c.Tokens[i]
		e.put(insertToken, updateToken, o.Version, o.ProjectID, o.ID, o.Version, o.CustomerID, string(o.Verification),
			deletion(o.DeletedAt), e.doc(o))
	}
	for i := range c.Cards {
		o := &c.Cards[i]
		e.put(insertCard, updateCard, o.Version, o.ProjectID, o.ID, o.Version, o.UsedBy, deletion(o.DeletedAt), e.doc(o))
	}
	for _, k := range c.ForgetSealed {
		e.add(deleteSealedCard, nil, k.ProjectID, k.CardID)
	}
	for i := range c.SealedCards {
		o := &c.SealedCards[i]
		e.add(insertSealedCard, payments.ErrDuplicate, o.ProjectID, o.CardID, o.KeyID, blob(o.Wrapped), blob(o.Sealed))
	}
}

func (e *encoder) payments(c payments.Change) {
	for i := range c.Invoices {
		o := &c.Invoices[i]
		e.put(insertInvoice, updateInvoice, o.Version, o.ProjectID, o.ID, o.Version, o.TransactionID, o.CustomerID,
			o.Amount.Minor, string(o.Amount.Currency), deletion(o.DeletedAt), e.doc(o))
	}
	for i := range c.Transactions {
		o := &c.Transactions[i]
		e.put(insertTransaction, updateTransaction, o.Version, o.ProjectID, o.ID, o.Version, o.InvoiceID, o.CustomerID,
			string(o.Status), string(o.Currency), o.Amount, o.Totals.Authorized, o.Totals.Captured, o.Totals.Refunded,
			o.Totals.Voided, o.Capturing, o.Refunding, o.Incrementing, e.doc(o))
	}
	for i := range c.Attempts {
		o := &c.Attempts[i]
		e.put(insertAttempt, updateAttempt, o.Version, o.ProjectID, o.ID, o.Version, o.TransactionID, o.TokenID,
			o.GatewayConfigurationID, string(o.Operation), string(o.State), o.Reference, o.Refs.Session, o.Amount.Minor, string(o.Amount.Currency),
			stamp(o.SentAt), e.doc(o))
	}
	for i := range c.Refunds {
		o := &c.Refunds[i]
		e.put(insertRefund, updateRefund, o.Version, o.ProjectID, o.ID, o.Version, o.TransactionID, o.AttemptID,
			string(o.Status), o.Amount.Minor, string(o.Amount.Currency), e.doc(o))
	}
}

// records are what is appended, and what tokens and customers are called at PSPs.
func (e *encoder) records(c payments.Change) {
	for i := range c.Transitions {
		o := &c.Transitions[i]
		e.add(insertTransition, nil, o.ProjectID, o.Subject, o.SubjectID, o.From, o.To, o.Why, stamp(o.At))
	}
	for i := range c.Entries {
		e.entry(&c.Entries[i])
	}
	for i := range c.Events {
		o := &c.Events[i]
		e.add(insertEvent, payments.ErrDuplicate, o.ProjectID, o.ID, o.Name, stamp(o.FiredAt), e.doc(o))
		e.add(insertOutbox, nil, o.ProjectID, o.ID, o.Name, o.SubjectID(), o.WebhookURL)
	}
	for i := range c.CardTries {
		o := &c.CardTries[i]
		e.add(insertTry, nil, o.ProjectID, o.CardKey, stamp(o.At), o.AttemptID, o.GatewayConfigurationID, string(o.Code),
			stamp(o.NeverUntil), stamp(o.LaterUntil), o.Words)
	}
	for i := range c.Inbound {
		o := &c.Inbound[i]
		e.put(insertInbound, updateInbound, o.Version, o.GatewayConfigurationID, o.ID, o.Version, o.EventKey, string(o.State),
			stamp(o.ReceivedAt), e.doc(o))
	}
	for i := range c.Mappings {
		o := &c.Mappings[i]
		e.add(putMapping, nil, o.ProjectID, o.TokenID, o.GatewayConfigurationID, string(o.Status), e.doc(o))
	}
	for i := range c.Alerts {
		o := &c.Alerts[i]
		if o.Version == 1 {
			e.add(insertAlert, nil, o.ID, o.Version, o.ClosedAt.IsZero(), e.doc(o))
		} else {
			e.add(updateAlert, payments.ErrConflict, o.ID, o.Version, o.ClosedAt.IsZero(), e.doc(o))
		}
	}
	for i := range c.Unlinks {
		o := &c.Unlinks[i]
		e.add(deleteLink, nil, o.ProjectID, o.CustomerID, o.GatewayConfigurationID)
	}
	for i := range c.Links {
		o := &c.Links[i]
		e.add(putLink, payments.ErrDuplicate, o.ProjectID, o.CustomerID, o.GatewayConfigurationID, o.Ref, e.doc(o))
	}
}

func (e *encoder) learned(c payments.Change) {
	if o := c.Learned; o != nil {
		e.add(putLearned, nil, o.Instance, stamp(o.At), blob(o.State))
	}
	for i := range c.LearnedNews {
		o := &c.LearnedNews[i]
		e.add(insertNews, nil, o.Instance, stamp(o.At), blob(o.Counts))
		e.add(dropNews, nil, stamp(o.At.Add(-payments.LearnedNewsKept)))
	}
}

func (e *encoder) jobs(c payments.Change) {
	for _, done := range c.DoneJobs {
		if done.Fence > 0 {
			e.add(finishJob, payments.ErrFenced, done.ProjectID, done.Key, done.Fence)
		} else {
			e.add(dropJob, nil, done.ProjectID, done.Key)
		}
	}
	for i := range c.Jobs {
		o := &c.Jobs[i]
		e.add(putJob, nil, o.ProjectID, o.Key, string(o.Kind), o.SubjectID, string(o.Payload), stamp(o.RunAt),
			stamp(o.LeaseUntil), o.Fence, o.Tries, stamp(o.CreatedAt))
	}
}

func (e *encoder) add(statement writeID, miss error, args ...any) {
	e.operations = append(e.operations, operation{statement, args, miss})
}

// put adds the insertion of a first version, or the update of the version before.
func (e *encoder) put(insert, update writeID, version int64, args ...any) {
	switch {
	case version == 1:
		e.add(insert, payments.ErrDuplicate, args...)
	case version > 1:
		e.add(update, payments.ErrConflict, args...)
	default:
		e.fail(fmt.Errorf("sqlite: %s has version %d, the first is 1", args[1], version))
	}
}

// doc is the JSON of an object. Raw JSON in it keeps its characters: a merchant's own fields come back as they were sent.
func (e *encoder) doc(object any) string {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(object); err != nil {
		e.fail(fmt.Errorf("sqlite: encode: %w", err))
		return ""
	}
	return string(bytes.TrimSuffix(text.Bytes(), []byte("\n")))
}

func (e *encoder) fail(err error) {
	if e.err == nil {
		e.err = err
	}
}

// blob is a column value that is never NULL.
func blob(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
