package api

import (
	"switchyard/payments"
)

// paymentTypeCard is the payment type of every transaction that was tried: there are only cards here.
const paymentTypeCard = "card"

// transaction writes a transaction.
func (v *view) transaction(w *writer, t *payments.Transaction, e expansion) {
	w.open()
	w.full("id", t.ID)
	v.ofProject(w, e)
	v.transactionParties(w, t, e)
	w.full("name", t.Name)
	transactionAmounts(w, t)
	w.full("currency", string(t.Currency))
	v.transactionState(w, t)
	transactionFees(w)
	w.texts("metadata", t.Metadata)
	w.flag("sandbox", t.Sandbox)
	w.at("created_at", t.CreatedAt)
	w.at("authorized_at", t.AuthorizedAt)
	w.at("captured_at", t.CapturedAt)
	w.at("voided_at", t.VoidedAt)
	w.at("refunded_at", t.RefundedAt)
	w.null("chargedback_at")
	transactionChecks(w, t)
	w.null("native_apm", "external_details", "fraud_service_results", "details", "sca", "mcc", "merchant_account_id", "origin", "buyer",
		"is_on_us", "duplicate_distance_seconds", "subscription_cycle")
	w.emptyList("routing_tags")
	w.emptyList("error_recommendations")
	w.close()
}

// transactionParties writes who and what the transaction is about.
func (v *view) transactionParties(w *writer, t *payments.Transaction, e expansion) {
	sub(w, e, "invoice", func() *payments.Invoice { return v.findInvoice(t.InvoiceID) }, v.invoice)
	w.full("invoice_id", t.InvoiceID)
	sub(w, e, "customer", func() *payments.Customer { return v.findCustomer(t.CustomerID) }, v.customer)
	w.text("customer_id", t.CustomerID)
	w.null("subscription", "subscription_id")
	sub(w, e, "token", func() *payments.Token { return v.findToken(t.TokenID) }, v.token)
	w.text("token_id", t.TokenID)
	sub(w, e, "card", func() *payments.Card { return v.findCard(t.CardID) }, v.card)
	w.text("card_id", t.CardID)
	sub(w, e, "gateway_configuration", func() *GatewayInfo { return v.findGateway(t.GatewayConfigurationID) }, v.gatewayConfiguration)
	w.text("gateway_configuration_id", t.GatewayConfigurationID)
	w.null("external_three_d_s_gateway_configuration")
	var payment *payments.Payment
	if e.has("operations") || e.has("refunds") {
		payment = v.findPayment(t)
	}
	subs(w, e, "operations", func() ([]operation, bool) { return operationsOf(t, payment), payment != nil }, v.operation)
	subs(w, e, "refunds", func() ([]payments.Refund, bool) { return refundsOf(payment), payment != nil }, v.refund)
}

// transactionAmounts writes the confirmed amounts. We settle nothing, so that the local amounts are the amounts.
func transactionAmounts(w *writer, t *payments.Transaction) {
	for _, a := range [...]struct {
		name, local string
		minor       int64
	}{
		{"amount", "amount_local", t.Amount},
		{"authorized_amount", "authorized_amount_local", t.Totals.Authorized},
		{"captured_amount", "captured_amount_local", t.Totals.Captured},
		{"refunded_amount", "refunded_amount_local", t.Totals.Refunded},
		{"available_amount", "available_amount_local", t.Totals.Captured - t.Totals.Refunded},
		{"voided_amount", "voided_amount_local", t.Totals.Voided},
	} {
		text := payments.MinorText(a.minor, t.Currency)
		w.full(a.name, text)
		w.full(a.local, text)
	}
	w.null("incremented_amount", "incremented_amount_local")
}

// transactionState writes how far the transaction has come. A payer's device is told what the code means and no more.
func (v *view) transactionState(w *writer, t *payments.Transaction) {
	w.full("status", string(t.Status))
	w.flag("authorized", t.Totals.Authorized > 0)
	w.flag("captured", t.Totals.Captured > 0)
	w.flag("voided", t.Totals.Voided > 0)
	w.flag("refunded", t.Totals.Refunded > 0)
	w.flag("chargedback", false)
	w.flag("received_fraud_notification", false)
	w.flag("received_retrieval_request", false)
	message := t.ErrorMessage
	if t.ErrorCode != "" && (v.public || message == "") {
		message = t.ErrorCode.Info().Message
	}
	w.text("error_code", string(t.ErrorCode))
	w.text("error_message", message)
	w.null("merchant_advice_code", "merchant_advice_reason", "recommendation_code", "recommendation_reason")
	w.null("acquirer_name")
	w.text("gateway_name", t.PSP)
	w.number("attempts_count", t.AttemptsCount)
	w.null("three_d_s_status", "three_d_s_version", "three_d_s")
}

// transactionFees writes what we do not learn from the PSPs.
func transactionFees(w *writer) {
	w.null("processout_fee", "estimated_fee", "gateway_fee", "gateway_fee_local", "gateway_fee_details", "currency_fee")
}

// transactionChecks writes what issuer and scheme said of the card.
func transactionChecks(w *writer, t *payments.Transaction) {
	w.text("cvc_check", t.CVCCheck)
	w.text("avs_check", t.AVSCheck)
	checks(w, "card_checks", t.CVCCheck, t.AVSCheck)
	w.text("initial_scheme_transaction_id", t.NetworkTransactionID)
	w.null("scheme_id")
	kind := ""
	if t.CardID != "" || t.TokenID != "" {
		kind = paymentTypeCard
	}
	w.text("payment_type", kind)
	w.null("eci")
}

func refundsOf(p *payments.Payment) []payments.Refund {
	if p == nil {
		return nil
	}
	return p.Refunds
}

// refund writes a refund. Its status is an addition of ours: the vendor's refunds only know has_failed.
func (v *view) refund(w *writer, r *payments.Refund, e expansion) {
	w.open()
	w.full("id", r.ID)
	sub(w, e, "transaction", func() *payments.Transaction { return v.findTransaction(r.TransactionID) }, v.transaction)
	w.full("transaction_id", r.TransactionID)
	w.full("amount", r.Amount.String())
	w.text("reason", r.Reason)
	w.text("information", r.Information)
	w.flag("has_failed", r.Status == payments.RefundFailed)
	w.full("status", string(r.Status))
	w.texts("metadata", r.Metadata)
	w.name("invoice_detail_ids")
	w.openList()
	for _, id := range r.DetailIDs {
		w.value(id)
	}
	w.closeList()
	w.flag("sandbox", r.Sandbox)
	w.at("created_at", r.CreatedAt)
	w.close()
}
