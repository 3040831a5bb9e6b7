package dojo

import (
	"encoding/json"
	"net/url"
	"slices"
	"time"

	"switchyard/sims/psp"
)

// resource is an intent as it goes out.
func (s *Sim) resource(pi *intent) psp.Object {
	in := &pi.in
	captures := make([]psp.Object, len(pi.captures))
	for i, one := range pi.captures {
		captures[i] = psp.Object{
			"id": one.id, "amount": one.amount, "tipsAmount": nil, "status": outcomeSuccessful, "createdAt": stamp(one.at),
		}
	}
	events := make([]psp.Object, len(pi.events))
	for i, e := range pi.events {
		events[i] = e.resource()
	}
	var owner, secret any
	if c := in.Customer; c != nil { // its secret is not shown again
		owner = psp.Object{"id": orNull(c.ID), "emailAddress": orNull(c.Email), "phoneNumber": orNull(c.Phone)}
	}
	secretExpires := time.Time{}
	if pi.status == statusCreated {
		secret, secretExpires = pi.sessionSecret, pi.sessionExpires
	}
	out := psp.Object{
		"id": pi.id, "captureMode": in.CaptureMode, "cardHolderNotPresent": in.NotPresent, "clientSessionSecret": secret,
		"clientSessionSecretExpirationDate": secretExpires.Format(time.RFC3339), "status": pi.status,
		"paymentMethods": in.Methods, "amount": in.Amount, "tipsAmount": in.Tips, "requestedAmount": in.Amount,
		"totalAmount":    money{pi.total, in.Amount.Currency},
		"refundedAmount": pi.refunded(), "customer": owner, "billingAddress": in.Billing, "shippingDetails": in.Shipping,
		"createdAt": stamp(pi.created), "updatedAt": stamp(pi.updated), "reference": in.Reference,
		"description": orNull(in.Description), "itemLines": orEmpty(in.Items), "taxLines": orEmpty(in.Taxes),
		"merchantConfig": psp.Object{"supportedPaymentMethods": supported()}, "config": in.Config,
		"autoExpireAction": orNull(in.AutoExpireAction), "autoExpireIn": orNull(in.AutoExpireIn),
		"expireAt": stamp(pi.expires), "metadata": in.Metadata, "orderDetails": rawOrNull(in.Order),
		"setupIntentId": orNull(in.Setup), "paymentLink": s.link(pi), "paymentSource": "api", "paymentEvents": events,
		"terminalSessionHistory": []any{}, "captures": captures,
	}
	if details := pi.details(); details != nil {
		out["paymentDetails"] = details
	}
	return out
}

// link is where the payer pays. It carries the customer's secret.
func (s *Sim) link(pi *intent) string {
	link := s.deps.BaseURL + "/" + checkoutPath + "/" + pi.id
	c := pi.in.Customer
	if c == nil || c.Secret == "" || !slices.Contains(pi.in.Methods, methodSaved) {
		return link
	}
	query := url.Values{"cid": {c.ID}, "csc": {c.Secret}}
	if c.SavedID != "" {
		query.Set("cpm", c.SavedID)
	}
	return link + "?" + query.Encode()
}

// details are shown once the outcome is final: not for a hold.
func (pi *intent) details() psp.Object {
	if pi.status != statusCaptured && pi.status != statusReversed && pi.status != statusRefunded {
		return nil
	}
	return psp.Object{
		"transactionId": pi.charge, "transactionDateTime": stamp(pi.chargedAt), "message": pi.message,
		"paymentMethodId": orNull(pi.method), "authCode": pi.authCode, "avsResult": nil,
		"card": psp.Object{
			"cardNumber": pi.card.masked, "cardName": orNull(pi.card.holder), "expiryDate": pi.card.monthAndYear(),
			"cardType": pi.card.scheme(), "cardFundingType": "Unknown", "last4PAN": pi.card.Last4,
			"entryMode": "ManualEntry", "verificationMethod": "None",
		},
	}
}

func orEmpty[T any](rows []T) []T {
	if rows == nil {
		return []T{}
	}
	return rows
}

func rawOrNull(raw json.RawMessage) any {
	if len(raw) == 0 {
		return nil
	}
	return raw
}
