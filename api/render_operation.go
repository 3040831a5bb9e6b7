package api

import (
	"crypto/sha256"
	"encoding/base32"
	"strings"
	"time"

	"switchyard/payments"
)

// operation is one row of a transaction's story as the vendor's API tells it: a request, then for every step a row for the
// attempt and a row for what came of it.
type operation struct {
	id          string
	kind        string
	transaction *payments.Transaction
	attempt     *payments.Attempt // nil for the request
	amount      payments.Money
	isAttempt   bool
	failed      bool
	at          time.Time
}

// operationsOf tells the story of a transaction's attempts, oldest first.
func operationsOf(t *payments.Transaction, p *payments.Payment) []operation {
	if p == nil || len(p.Attempts) == 0 {
		return nil
	}
	attempts := p.Attempts
	rows := make([]operation, 0, 1+2*len(attempts))
	rows = append(rows, operation{
		id: derivedID(t.ID, "request"), kind: "request", transaction: t,
		amount: payments.Money{Minor: t.Amount, Currency: t.Currency}, isAttempt: true, at: attempts[0].SentAt,
	})
	for i := range attempts {
		a := &attempts[i]
		rows = append(rows, stepsOf(t, a)...)
	}
	return rows
}

// stepsOf are the rows of one attempt. A sale is two steps in one call: what was not authorized was not captured either.
func stepsOf(t *payments.Transaction, a *payments.Attempt) []operation {
	first := operation{id: a.ID, kind: stepNames[a.Operation], transaction: t, attempt: a, amount: a.Amount, isAttempt: true, at: a.SentAt}
	if a.State.Open() {
		return []operation{first}
	}
	result := first
	result.id, result.isAttempt, result.at = derivedID(a.ID, "result"), false, a.EndedAt
	result.failed = a.State != payments.AttemptApproved
	if a.Operation != payments.OpSale || result.failed {
		return []operation{first, result}
	}
	capture, captured := first, result
	capture.kind, captured.kind = stepNames[payments.OpCapture], stepNames[payments.OpCapture]
	capture.id, captured.id = derivedID(a.ID, "capture"), derivedID(a.ID, "captured")
	capture.at = a.EndedAt
	return []operation{first, result, capture, captured}
}

var stepNames = map[payments.Operation]string{
	payments.OpAuthorize: "authorization",
	payments.OpSale:      "authorization",
	payments.OpCapture:   "capture",
	payments.OpVoid:      "void",
	payments.OpRefund:    "refund",
	payments.OpIncrement: "incremental_authorization",
	payments.OpVerify:    "authorization",
}

// idText is the alphabet of ids.
var idText = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// derivedID is the id of a row that is not stored: the same whenever the story is told.
func derivedID(of, row string) string {
	const idBytes = 20 // 32 characters
	sum := sha256.Sum256([]byte(of + "/" + row))
	return payments.PrefixAttempt + idText.EncodeToString(sum[:idBytes])
}

// operation writes one row.
func (v *view) operation(w *writer, o *operation, e expansion) {
	a := o.attempt
	if a == nil {
		a = &payments.Attempt{TokenID: o.transaction.TokenID, CardID: o.transaction.CardID}
	}
	result := !o.isAttempt
	w.open()
	w.full("id", o.id)
	sub(w, e, "transaction", func() *payments.Transaction { return o.transaction }, v.transaction)
	w.full("transaction_id", o.transaction.ID)
	sub(w, e, "token", func() *payments.Token { return v.findToken(a.TokenID) }, v.token)
	w.text("token_id", a.TokenID)
	sub(w, e, "card", func() *payments.Card { return v.findCard(a.CardID) }, v.card)
	w.text("card_id", a.CardID)
	sub(w, e, "gateway_configuration", func() *GatewayInfo { return v.findGateway(a.GatewayConfigurationID) }, v.gatewayConfiguration)
	w.text("gateway_configuration_id", a.GatewayConfigurationID)
	w.full("amount", o.amount.String())
	w.full("amount_local", o.amount.String())
	w.full("currency", string(o.amount.Currency))
	w.flag("is_attempt", o.isAttempt)
	w.flag("has_failed", o.failed)
	w.flag("is_accountable", result && !o.failed)
	w.full("type", o.kind)
	w.text("gateway_operation_id", gatewayReference(a, result))
	w.null("arn")
	code, message := "", ""
	if o.failed {
		code, message = string(a.Code), a.Message
	}
	w.text("error_code", code)
	w.text("error_message", message)
	w.texts("gateway_data", gatewayWords(a, result))
	w.null("payment_data_three_d_s_request", "payment_data_three_d_s_authentication", "payment_data_network_authentication", "authenticated_transaction_id", "authorization_code")
	w.text("initial_scheme_transaction_id", strings.TrimSpace(a.NetworkTransactionID))
	w.null("scheme_id")
	w.flag("processed_with_network_token", false)
	w.full("payment_type", paymentTypeCard)
	w.texts("metadata", a.Metadata)
	w.null("gateway_fee", "capture_type")
	w.at("created_at", o.at)
	w.close()
}

// gatewayReference is the PSP's own id for the operation, where it has told one.
func gatewayReference(a *payments.Attempt, result bool) string {
	switch {
	case !result:
		return ""
	case a.Refs.Operation != "":
		return a.Refs.Operation
	case a.Refs.Charge != "":
		return a.Refs.Charge
	}
	return a.Refs.Session
}

// gatewayWords are what the PSP itself said of a refusal.
func gatewayWords(a *payments.Attempt, result bool) map[string]string {
	if !result || a.RawCode == "" && a.RawMessage == "" {
		return nil
	}
	words := map[string]string{}
	if a.RawCode != "" {
		words["raw_code"] = a.RawCode
	}
	if a.RawMessage != "" {
		words["raw_message"] = a.RawMessage
	}
	return words
}
