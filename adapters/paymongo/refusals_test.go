package paymongo

import (
	"testing"

	"switchyard/payments"
)

// published is the vendor's list of reasons for a failed card payment, and two of an older list that test cards still give.
// masked are those that a buyer must never be shown: suspicions and blocks.
var (
	published = []string{
		"generic_decline", "do_not_honor", "payment_refused", "insufficient_funds", "debit_card_usage_limit_exceeded",
		"issuer_declined", "issuer_not_available", "amount_allowed_exceeded", "call_card_issuer", "card_not_supported",
		"card_type_mismatch", "card_unauthorized", "credit_limit_exceeded", "currency_not_supported_by_card_issuer",
		"fraudulent", "highest_risk_level", "lost_card", "pickup_card", "processor_blocked", "restricted_card", "stolen_card",
		"blocked", "avs_failed", "card_not_accepted", "config_invalid_or_missing", "customer_blacklisted",
		"merchant_configuration_invalid", "processing_error", "processor_declined", "processor_timeout", "system_error",
		"acquirer_declined", "authentication_error", "server_timeout", "service_timeout", "unknown_error",
		"card_number_invalid", "cvc_invalid", "cvc_incorrect", "card_expired", "processor_unavailable",
	}
	masked = []string{
		"fraudulent", "highest_risk_level", "lost_card", "pickup_card", "processor_blocked", "restricted_card", "stolen_card",
		"blocked", "customer_blacklisted",
	}
	openOutcomes = []string{"processor_timeout", "server_timeout", "service_timeout", "unknown_error"}
)

func TestDeclineCodesAreComplete(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, reason := range published {
		if known[reason] {
			t.Errorf("%s is listed twice", reason)
		}
		known[reason] = true
		if _, ok := declineCodes[reason]; !ok {
			t.Errorf("%s is not translated", reason)
		}
	}
	for reason, code := range declineCodes {
		if !known[reason] {
			t.Errorf("%s is translated, but not in the vendor's list", reason)
		}
		if !code.Known() {
			t.Errorf("%s becomes %s, which is not in the closed list", reason, code)
		}
	}
}

func TestDeclineCodesPolicy(t *testing.T) {
	t.Parallel()
	for _, reason := range masked {
		if class := declineCodes[reason].Info().Class; class != payments.ClassNever {
			t.Errorf("%s has the class %s: it must never be tried again", reason, class)
		}
	}
	open := map[string]bool{}
	for _, reason := range openOutcomes {
		open[reason] = true
	}
	for _, reason := range published {
		if got := declineCodes[reason].MeansUnknown(); got != open[reason] {
			t.Errorf("%s leaves the outcome open: %t, want %t", reason, got, open[reason])
		}
	}
}

func TestRefusalTables(t *testing.T) {
	t.Parallel()
	for name, table := range map[string]map[string]payments.Code{"refusalCodes": refusalCodes, "parameterCodes": parameterCodes} {
		for word, code := range table {
			if !code.Known() || code.MeansUnknown() {
				t.Errorf("%s: %s becomes %s, which is no code for a refusal", name, word, code)
			}
		}
	}
	for word := range faultKinds {
		if refusalCodes[word] != "" {
			t.Errorf("%s is both a refusal and a fault", word)
		}
	}
}

func TestLabelTakesAnyShape(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]label{
		`{"reference":"abc"}`: "abc", `{"other":"abc"}`: "", `{"reference":5}`: "", `[]`: "", `"text"`: "", `null`: "", `{}`: "",
	} {
		var got label
		if err := got.UnmarshalJSON([]byte(raw)); err != nil || got != want {
			t.Errorf("%s: got %q, %v, want %q", raw, got, err, want)
		}
	}
}
