package pivot

import "switchyard/sims/psp"

// resource is a session as it goes out.
func (s *Sim) resource(p *session) psp.Object {
	var method, charges, owner, encryptionKey any
	if p.hasMethod {
		method = psp.Object{"type": typeCard}
	}
	if p.charge.id != "" {
		charges = []psp.Object{p.chargeResource()}
	}
	if c := s.customers[p.customer]; c != nil {
		shown := c.resource()
		shown["storePaymentMethods"] = nil // spelt so here, and never filled
		owner = shown
	}
	if p.key != nil {
		encryptionKey = p.key.public
	}
	return psp.Object{
		"id": p.id, "clientReferenceId": p.reference, "amount": amount(p.amount), "mode": p.mode,
		"autoConfirm": p.autoConfirm, "paymentType": typeSingle, "status": p.status, "paymentUrl": orNull(p.url()),
		"encryptionKey": encryptionKey, "paymentMethod": method, "paymentMethodOptions": p.options,
		"customerId": p.customer, "customer": owner, "orderInformation": p.order,
		"redirectUrl": p.redirect, "saveForFutureUse": p.save, "showSavedPayment": p.showSaved, "bypassStatusPage": p.bypass,
		"statementDescriptor": orNull(p.descriptor), "expirationMode": p.expiration,
		"expiryAt": p.expires.UTC().Format(expiryFormat), "cancellationReason": orNull(p.reason),
		"cancelledAt": orNull(p.cancelledAt), "chargeDetails": charges, "metadata": rawOrNull(p.metadata),
		"createdAt": p.created, "updatedAt": p.updated,
	}
}

// url is where the payer has to go, if anywhere.
func (p *session) url() string {
	if p.mode == modeAPI {
		return p.challenge
	}
	switch p.status {
	case needsMethod, needsConfirm, needsAction:
		return p.page
	}
	return ""
}

func (p *session) chargeResource() psp.Object {
	c := &p.charge
	var authorized, histories any
	if c.authorized > 0 {
		authorized = amount(c.authorized)
	}
	if len(c.captures) > 0 {
		rows := make([]psp.Object, len(c.captures))
		for i, one := range c.captures {
			rows[i] = psp.Object{
				"captureId": one.id, "currency": rupiah, "capturedAmount": value(one.amount), "status": one.status, "createdAt": one.created,
			}
		}
		histories = rows
	}
	out := psp.Object{
		"id": c.id, "paymentSessionId": p.id, "paymentSessionClientReferenceId": p.reference, "amount": amount(p.amount),
		"statementDescriptor": orNull(p.descriptor), "status": c.status, "authorizedAmount": authorized,
		"capturedAmount": amount(c.captured), "isCaptured": c.captured > 0, "createdAt": c.created, "updatedAt": c.updated,
		"paidAt": orNull(c.paidAt), "fdsRiskAssessment": c.risk(), "card": nil, "captureHistories": histories,
		"failureCode": orNull(c.failure.code), "failureMessage": orNull(c.failure.message), "recommendation": c.failure.advice(),
	}
	if c.card != nil {
		out["card"] = c.cardResource()
	}
	return out
}

func (c *charge) risk() any {
	switch {
	case c.card == nil || c.status == waitsForPayer:
		return nil
	case c.failure.risk:
		return psp.Object{"score": "95", "level": "HIGH", "recommendation": "Reject", "status": "REJECTED", "evaluatedAt": c.updated}
	}
	return psp.Object{"score": "5", "level": "LOW", "recommendation": "Approve", "status": "PASSED", "evaluatedAt": c.updated}
}

func (c *charge) cardResource() psp.Object {
	country := "ID"
	if c.card.acts.foreign {
		country = "US"
	}
	out := c.card.facts()
	out["binInformations"] = psp.Object{"type": "CREDIT", "issuingBank": "BANK SIMULASI", "brand": c.card.network(), "country": country}
	out["authenticationResult"], out["authorizationResult"] = nil, nil
	if c.status == waitsForPayer || c.status == expired {
		return out
	}
	out["authenticationResult"] = c.authentication()
	if c.failure.risk || c.failure.code != "" && c.failure.issuer == "" {
		return out // the issuer was never asked
	}
	issuer, cvv := "00", "M"
	var authorized any
	if c.failure.code != "" {
		issuer = c.failure.issuer
		if c.failure == wrongCVV() {
			cvv = "N"
		}
	} else {
		authorized = amount(c.authorized)
	}
	out["authorizationResult"] = psp.Object{
		"acquirerReferenceNumber": c.acquirerID, "retrievalReferenceNumber": c.retrieval, "stan": c.stan, "avsResult": nil,
		"cvvResult": cvv, "authorizedAmount": authorized, "issuerAuthorizationCode": issuer,
	}
	return out
}

// authentication is the outcome of 3-D Secure, worded as the vendor's samples are, not as its table is.
func (c *charge) authentication() psp.Object {
	result, eci := "AUTHENTICATION_SUCCESSFUL", "05"
	switch {
	case c.failure == notAuthenticated():
		result, eci = "AUTHENTICATION_FAILED", "07"
	case c.method == bypassed:
		result, eci = "AUTHENTICATION_NOT_AVAILABLE", "07"
	}
	return psp.Object{"threeDsVersion": "2.2.0", "threeDsResult": result, "threeDsMethod": c.method, "eciCode": eci}
}
