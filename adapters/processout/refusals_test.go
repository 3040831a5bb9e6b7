package processout

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"switchyard/payments"
)

// published is the vendor's list of decline codes: that of its documentation, and those that only its SDKs know. refused are
// the codes that its server gives for requests it does not take.
var (
	published = []string{
		"card.authorization-revoked", "card.blacklisted", "card.keep-card", "card.lost", "card.possible-fraud",
		"card.security-violation", "card.stolen", "gateway.blocked", "gateway.possible-fraud", "card.acquirer-failed",
		"card.acquirer-not-found", "card.already-blocked", "card.already-captured", "card.already-refused",
		"card.approve-after-identification", "card.bad-track-data", "card.canceled-by-client", "card.cannot-verify-pin",
		"card.contact-acquirer", "card.contact-bank", "card.couldnt-3ds", "card.currency-unsupported", "card.declined",
		"card.do-not-honor", "card.dont-retry", "card.duplicate", "card.eci-conflict", "card.exceeded-activity-limits",
		"card.exceeded-limits", "card.exceeded-maximum-amount", "card.exceeded-pin-attempts",
		"card.exceeded-withdrawal-limit", "card.exemption-declined", "card.expired", "card.expired-3ds", "card.failed-3ds",
		"card.failed-3ds-technical", "card.failed-avs", "card.failed-avs-address", "card.failed-avs-postal",
		"card.failed-cvc", "card.failed-cvc-and-avs", "card.formatting-error", "card.high-risk",
		"card.holder-not-authorized", "card.inactive", "card.invalid", "card.invalid-account", "card.invalid-address",
		"card.invalid-amount", "card.invalid-avs", "card.invalid-bank-country-code", "card.invalid-brand",
		"card.invalid-cvc", "card.invalid-eci", "card.invalid-expiry-date", "card.invalid-expiry-month",
		"card.invalid-expiry-year", "card.invalid-merchant", "card.invalid-name", "card.invalid-number",
		"card.invalid-pares", "card.invalid-pin", "card.invalid-scheme", "card.invalid-transaction", "card.invalid-ucaf",
		"card.invalid-vpas", "card.invalid-zip", "card.issuer-down", "card.issuer-failed", "card.issuer-maintenance",
		"card.issuer-malfunction", "card.issuer-not-found", "card.law-violation", "card.maximum-attempts",
		"card.missing-3ds", "card.missing-avs", "card.missing-cvc", "card.missing-expiry", "card.missing-name",
		"card.missing-number", "card.missing-pin", "card.needs-authentication", "card.network-failed",
		"card.no-action-taken", "card.no-cheque-account", "card.no-credit-account", "card.no-money",
		"card.no-savings-account", "card.not-activated", "card.not-authorized", "card.not-found", "card.not-registered",
		"card.not-supported", "card.pending", "card.physical-authentication-error", "card.pin-not-changed",
		"card.please-retry", "card.possible-counterfeit", "card.processing-error", "card.reauthorization-not-allowed",
		"card.region-not-authorized", "card.restricted", "card.revoked", "card.revoked-all", "card.surcharge-not-allowed",
		"card.surcharge-not-supported", "card.terminal-not-allowed", "card.terminal-not-found",
		"card.terminal-not-initialized", "card.test", "card.timeout", "card.transaction-not-processed",
		"card.type-not-supported", "card.unsupported-3ds", "card.unsupported-3ds2", "customer.cancelled",
		"customer.disputed", "customer.invalid-address", "customer.invalid-city", "customer.invalid-country-code",
		"customer.invalid-email", "customer.invalid-firstname", "customer.invalid-ip-address", "customer.invalid-lastname",
		"customer.invalid-legal-document", "customer.invalid-name", "customer.invalid-phone-number",
		"customer.invalid-state", "customer.invalid-zip", "customer.payment-method-revoked", "gateway.configuration-error",
		"gateway.declined", "gateway.duplicate", "gateway.expired", "gateway.forbidden", "gateway.internal-error",
		"gateway.invalid-billing-address", "gateway.invalid-credentials", "gateway.invalid-merchant",
		"gateway.invalid-repeat", "gateway.invalid-state", "gateway.limit-exceeded", "gateway.maintenance",
		"gateway.network-error", "gateway.not-allowed", "gateway.not-found", "gateway.rate-limit-exceeded",
		"gateway.retry", "gateway.timeout", "gateway.transaction-not-found", "gateway.transaction-pending",
		"gateway.unknown-error", "gateway.unsupported-country-code", "gateway.unsupported-currency",
		"gateway.validation-error", "payment.declined", "request.transaction-blocked", "card.failed-three-d-s",
		"card.invalid-date", "card.invalid-month", "card.invalid-year", "card.missing-cardholder-name", "card.pending-3ds",
		"customer.canceled", "gateway.invalid-customer-input", "gateway.missing-customer-input", "payment.pending",
		"routing-rules.transaction-blocked",
	}
	refused = []string{
		"request.authentication", "request.authentication.invalid", "request.authentication.invalid-project-id",
		"request.bad-format", "request.card.invalid", "request.configuration.missing-gateway-configuration",
		"request.expand.invalid", "request.filter.invalid", "request.gateway.not-available",
		"request.gateway.not-supported", "request.gateway.operation-not-supported", "request.idempotency-key.invalid",
		"request.pagination.invalid", "request.rate.exceeded", "request.route-not-found",
		"request.source.card-already-used", "request.source.invalid", "request.still-processing", "request.too-much",
		"request.validation", "request.validation.error", "request.validation.invalid-address",
		"request.validation.invalid-amount", "request.validation.invalid-challenge-indicator",
		"request.validation.invalid-country", "request.validation.invalid-currency", "request.validation.invalid-date",
		"request.validation.invalid-description", "request.validation.invalid-detail-category",
		"request.validation.invalid-detail-condition", "request.validation.invalid-device-channel",
		"request.validation.invalid-duration", "request.validation.invalid-email",
		"request.validation.invalid-exemption-reason", "request.validation.invalid-external-fraud-tools",
		"request.validation.invalid-gateway-data", "request.validation.invalid-id",
		"request.validation.invalid-ip-address", "request.validation.invalid-legal-document",
		"request.validation.invalid-metadata", "request.validation.invalid-name",
		"request.validation.invalid-payment-type", "request.validation.invalid-percent",
		"request.validation.invalid-phone-number", "request.validation.invalid-quantity",
		"request.validation.invalid-relationship", "request.validation.invalid-relay-store-name",
		"request.validation.invalid-role", "request.validation.invalid-settings", "request.validation.invalid-sex",
		"request.validation.invalid-shipping-delay", "request.validation.invalid-shipping-method",
		"request.validation.invalid-subaccount", "request.validation.invalid-tax-amount",
		"request.validation.invalid-tax-rate", "request.validation.invalid-type", "request.validation.invalid-url",
		"request.validation.invalid-user", "request.validation.missing-currency", "request.validation.missing-description",
		"request.validation.missing-email", "request.validation.missing-invoice", "request.validation.missing-name",
		"request.validation.missing-source", "request.validation.missing-type", "request.validation.no-method-selected",
		"request.validation.redirect-result-invalid", "resource.activity.not-found", "resource.addon.not-found",
		"resource.alert.not-found", "resource.api-key.not-found", "resource.api-request.not-found",
		"resource.api-version.not-found", "resource.board.not-found", "resource.card.not-found",
		"resource.chart.not-found", "resource.collaborator.not-found", "resource.country.not-found",
		"resource.coupon.not-found", "resource.currency.not-found", "resource.customer.not-found",
		"resource.discount.not-found", "resource.event.not-found", "resource.export.not-found",
		"resource.fraud-service-configuration.not-found", "resource.gateway-configuration.not-found",
		"resource.gateway.not-found", "resource.invalid-type", "resource.invoice.not-found", "resource.not-found",
		"resource.not-linked", "resource.payout.not-found", "resource.permission-group.not-found",
		"resource.plan.not-found", "resource.product.not-found", "resource.project.not-found", "resource.refund.not-found",
		"resource.subscription.not-found", "resource.token.not-found", "resource.tokenization-request.not-found",
		"resource.transaction.not-found", "resource.user.not-found", "resource.webhook-endpoint.not-found",
		"sandbox.not-supported", "service.not-supported",
	}
)

func TestVendorsCodesAreOurs(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, word := range published {
		if seen[word] {
			t.Errorf("%s is listed twice", word)
		}
		seen[word] = true
		if !payments.Code(word).Known() {
			t.Errorf("%s is not in the closed list", word)
		}
		if got := codeOf(word); string(got) != word {
			t.Errorf("%s becomes %s", word, got)
		}
		if faultKinds[word] != "" || goneCodes[word] {
			t.Errorf("%s is both a payment code and a fault", word)
		}
	}
	if got := codeOf("card.code-of-next-year"); got != payments.PaymentDeclined {
		t.Errorf("a new code becomes %s", got)
	}
}

func TestRefusedRequestsAreNoDeclines(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{"request.authentication.invalid-project-id": true}
	for _, word := range refused {
		seen[word] = true
		a := answering(t, http.StatusBadRequest, `{"success":false,"error_type":"`+word+`","message":"No."}`)
		_, err := a.do(t.Context(), call{method: http.MethodPost, path: "/invoices"})
		err = judge(err)
		if _, declined := errors.AsType[*decline](err); declined {
			t.Errorf("%s is taken for a decline", word)
		}
		if f, ok := errors.AsType[*payments.Fault](err); !ok || f.RawCode != word {
			t.Errorf("%s: %v", word, err)
		}
	}
	for word := range faultKinds {
		if !seen[word] {
			t.Errorf("%s is classified, but not in the vendor's list", word)
		}
	}
	for word := range goneCodes {
		if !seen[word] {
			t.Errorf("%s is taken for a missing method, but not in the vendor's list", word)
		}
	}
}

func TestSuspicionsAreNeverTriedAgain(t *testing.T) {
	t.Parallel()
	for _, word := range published {
		if strings.Contains(word, "fraud") || strings.Contains(word, "stolen") || strings.Contains(word, "lost") {
			if class := codeOf(word).Info().Class; class != payments.ClassNever {
				t.Errorf("%s has the class %s", word, class)
			}
		}
	}
}

func TestAmount(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]amount{`"29"`: "29", `"31.83"`: "31.83", `29`: "29", `0.5`: "0.5", `null`: "", `""`: ""} {
		var got amount
		if err := got.UnmarshalJSON([]byte(raw)); err != nil || got != want {
			t.Errorf("%s: got %q, %v", raw, got, err)
		}
	}
	for _, c := range []struct {
		text     amount
		currency payments.Currency
		want     int64 // -1: unreadable
	}{
		{"", "PHP", 0},
		{"0", "PHP", 0},
		{"29", "PHP", 2900},
		{"31.83", "PHP", 3183},
		{"1500", "JPY", 1500},
		{"1.234", "KWD", 1234},
		{"31.8321371", "PHP", -1},
		{"1.5", "JPY", -1},
		{"-1", "PHP", -1},
		{"1e3", "PHP", -1},
		{"{}", "PHP", -1},
		{"99999999999999999999", "PHP", -1},
	} {
		got, err := c.text.minor(c.currency)
		switch {
		case c.want < 0 && (err == nil || payments.AsFault(err).Kind != payments.Unknown):
			t.Errorf("%q %s: got %d, %v, want an unknown fault", c.text, c.currency, got, err)
		case c.want >= 0 && (err != nil || got != c.want):
			t.Errorf("%q %s: got %d, %v, want %d", c.text, c.currency, got, err, c.want)
		}
	}
}

func TestTextsTakeAnyShape(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		`{"reference":"abc"}`: "abc", `{"reference":5}`: "5", `{"reference":true}`: "true", `{"other":"abc"}`: "", `[]`: "", `"text"`: "", `null`: "",
	} {
		var got texts
		if err := got.UnmarshalJSON([]byte(raw)); err != nil || got["reference"] != want {
			t.Errorf("%s: got %q, %v, want %q", raw, got["reference"], err, want)
		}
	}
}

func TestDescriptor(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"SHOP TEST": "SHOP TEST", "Café №1 & Söhne": "Caf 1  Shne", "A very long name of a shop in town": "A very long name of a sho",
		"shop.test/a*b": "shop.test/a*b", "♥": "", "": "",
	} {
		if got := descriptor(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
