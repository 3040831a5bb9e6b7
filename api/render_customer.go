package api

import (
	"switchyard/flow"
	"switchyard/payments"
)

// customer writes a customer.
func (v *view) customer(w *writer, c *payments.Customer, e expansion) {
	w.open()
	w.full("id", c.ID)
	v.ofProject(w, e)
	sub(w, e, "default_token", func() *payments.Token { return v.findToken(c.DefaultTokenID) }, v.token)
	w.text("default_token_id", c.DefaultTokenID)
	subs(w, e, "tokens", func() ([]payments.Token, bool) { return v.findTokens(c.ID) }, v.token)
	w.null("subscriptions")
	subs(w, e, "transactions", func() ([]payments.Transaction, bool) { return v.findTransactions(c.ID) }, v.transaction)
	w.full("balance", "0")
	w.text("currency", string(c.Currency))
	w.text("email", c.Email)
	w.text("first_name", c.FirstName)
	w.text("last_name", c.LastName)
	w.extra(c.Extra, "company_name", "address1", "address2", "city", "state", "zip")
	w.text("country_code", c.CountryCode)
	w.extra(c.Extra, "ip_address", "phone", "phone_number", "legal_document", "sex", "is_business", "date_of_birth")
	w.texts("metadata", c.Metadata)
	w.flag("sandbox", c.Sandbox)
	w.text("reference_id", c.ReferenceID)
	w.at("created_at", c.CreatedAt)
	registered := c.RegisteredAt
	if registered.IsZero() {
		registered = c.CreatedAt
	}
	w.at("registered_at", registered)
	w.close()
}

// token writes a customer token.
func (v *view) token(w *writer, t *payments.Token, e expansion) {
	customer := v.findCustomer(t.CustomerID)
	w.open()
	w.full("id", t.ID)
	sub(w, e, "customer", func() *payments.Customer { return customer }, v.customer)
	w.full("customer_id", t.CustomerID)
	sub(w, e, "gateway_configuration", func() *GatewayInfo { return v.findGateway(t.GatewayConfigurationID) }, v.gatewayConfiguration)
	w.text("gateway_configuration_id", t.GatewayConfigurationID)
	w.null("gateway_configuration_sub_account")
	sub(w, e, "card", func() *payments.Card { return v.findCard(t.CardID) }, v.card)
	w.text("card_id", t.CardID)
	w.full("type", string(t.Type))
	w.texts("metadata", t.Metadata)
	w.flag("is_subscription_only", false)
	w.flag("is_default", customer != nil && customer.DefaultTokenID == t.ID)
	w.text("return_url", t.ReturnURL)
	w.text("cancel_url", t.CancelURL)
	w.text("invoice_return_url", t.InvoiceReturnURL)
	w.text("webhook_url", t.WebhookURL)
	w.text("summary", t.Summary)
	w.flag("is_chargeable", t.Chargeable())
	w.at("created_at", t.CreatedAt)
	w.text("description", t.Description)
	sub(w, e, "invoice", func() *payments.Invoice { return v.findInvoice(t.InvoiceID) }, v.invoice)
	w.text("invoice_id", t.InvoiceID)
	w.flag("manual_invoice_cancellation", t.ManualInvoiceCancellation)
	w.full("verification_status", string(t.Verification))
	w.flag("can_get_balance", false)
	w.null("network_token", "provision_network_token")
	w.close()
}

// ownToken writes a token that an answer is about. Like the vendor's it has its card with it.
func (v *view) ownToken(w *writer, t *payments.Token) {
	v.token(w, t, v.expand.with("card"))
}

// tokenGateway writes how a token stands at one gateway configuration.
func tokenGateway(w *writer, m *payments.Mapping) {
	w.open()
	w.full("gateway_configuration_id", m.GatewayConfigurationID)
	w.full("psp", m.PSP)
	w.full("status", string(m.Status))
	w.full("reason", m.Reason)
	if m.MethodRef != "" {
		w.full("provider_reference_masked", masked(m.MethodRef))
	}
	if !m.LastSuccessAt.IsZero() {
		w.at("last_success_at", m.LastSuccessAt)
	}
	w.close()
}

// keptMethods writes what one PSP keeps for a customer.
func keptMethods(w *writer, k *flow.KeptMethods) {
	w.open()
	w.full("gateway_configuration_id", k.GatewayConfigurationID)
	w.full("psp", k.PSP)
	if k.Unanswered != "" {
		w.full("unanswered", k.Unanswered)
	}
	list(w, "payment_methods", k.Methods, func(m *flow.KeptMethod) {
		w.open()
		w.text("token_id", m.TokenID)
		w.full("provider_reference_masked", masked(m.MethodRef))
		w.text("scheme", string(m.Card.Scheme))
		w.text("last_4_digits", m.Card.Last4)
		w.number("exp_month", m.Card.ExpMonth)
		w.number("exp_year", m.Card.ExpYear)
		w.flag("usable", m.Usable)
		w.close()
	})
	w.close()
}

// masked shows the first and the last four characters of a reference that is long enough to hide something between them.
func masked(reference string) string {
	const shown, hidden = 4, "****"
	if len(reference) < 3*shown {
		return hidden
	}
	return reference[:shown] + hidden + reference[len(reference)-shown:]
}
