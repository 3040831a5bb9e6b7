package xendit

import (
	"strings"
	"testing"

	"switchyard/payments"
)

// The vendor's own lists, as they stand in its documentation, the trailing blank included.
const (
	listedFailures = `ACCOUNT_ACCESS_BLOCKED, INVALID_MERCHANT_SETTINGS, INVALID_ACCOUNT_DETAILS, PAYMENT_ATTEMPT_COUNTS_EXCEEDED,
		USER_DEVICE_UNREACHABLE, CHANNEL_UNAVAILABLE, INSUFFICIENT_BALANCE, ACCOUNT_NOT_ACTIVATED, INVALID_TOKEN, SERVER_ERROR,
		PARTNER_TIMEOUT_ERROR, TIMEOUT_ERROR, USER_DECLINED_PAYMENT, USER_DID_NOT_AUTHORIZE, PAYMENT_REQUEST_EXPIRED,
		FAILURE_DETAILS_UNAVAILABLE, EXPIRED_OTP, INVALID_OTP, PAYMENT_AMOUNT_LIMITS_EXCEEDED, OTP_ATTEMPT_COUNTS_EXCEEDED, CARD_DECLINED,
		DECLINED_BY_ISSUER, ISSUER_UNAVAILABLE, INVALID_CVV, DECLINED_BY_PROCESSOR, CAPTURE_AMOUNT_EXCEEDED , AUTHENTICATION_FAILED,
		PROCESSOR_ERROR, EXPIRED_CARD, STOLEN_CARD, INACTIVE_OR_UNAUTHORIZED_CARD, INVALID_MERCHANT_CREDENTIALS, SUSPECTED_FRAUDULENT,
		INVALID_CARD, ISSUER_SUSPECT_FRAUD, TRANSACTION_BLOCKED, PROCESS_ERROR, PARTIAL_APPROVAL`
	listedTokenFailures = `ACCOUNT_ALREADY_LINKED, INVALID_ACCOUNT_DETAILS, AUTHENTICATION_FAILED, CARD_DECLINED, CAPTURE_AMOUNT_EXCEEDED ,
		INSUFFICIENT_BALANCE, ISSUER_UNAVAILABLE, CHANNEL_UNAVAILABLE, INVALID_MERCHANT_SETTINGS`
	listedRefundFailures = `ACCOUNT_ACCESS_BLOCKED, ACCOUNT_NOT_FOUND, DUPLICATE_ERROR, INSUFFICIENT_BALANCE, REFUND_FAILED`
	// Of requests by card: those of one-time passwords belong to other channels.
	listedRequestErrors = `INVALID_VALUE_ERROR, API_VALIDATION_ERROR, CARD_EXPIRED, INVALID_PAYMENT_DETAILS, PAYMENT_REQUEST_RATE_LIMITED,
		INVALID_TOKEN, INACTIVE_PAYMENT_REQUEST, INELIGIBLE_TRANSACTION_STATUS, TEMPORARILY_UNAVAILABLE, SKIP_3DS_FORBIDDEN,
		INVALID_MERCHANT_SETTINGS, ACCOUNT_ACCESS_BLOCKED, DATA_NOT_FOUND, SERVER_ERROR, CAPTURE_AMOUNT_EXCEEDED, REFUND_AMOUNT_EXCEEDED,
		REFUND_IN_PROGRESS, INSUFFICIENT_BALANCE, PARTIAL_REFUND_COUNTS_EXCEEDED, REFUND_NOT_SUPPORTED, PARTIAL_REFUND_NOT_SUPPORTED,
		RATE_LIMIT_EXCEEDED, INVALID_API_KEY, DUPLICATE_ERROR`
	listedSessionErrors = `API_VALIDATION_ERROR, INVALID_AMOUNT, INVALID_PAYMENT_CHANNEL, INVALID_PRIMARY_PAYMENT_CHANNEL, INVALID_METADATA,
		INVALID_ITEM_METADATA, INVALID_COUNTRY, INVALID_CURRENCY, INVALID_CUSTOMER_ID, INVALID_URL, MISSING_CUSTOMER,
		DISALLOWED_CAPTURE_METHOD, INVALID_EXPIRY_DATE, ITEMS_NOT_SUPPORTED, SESSION_TYPE_NOT_SUPPORTED, MODE_NOT_SUPPORTED,
		INVALID_API_KEY, DATA_NOT_FOUND, DUPLICATE_ERROR, SERVER_ERROR`
	// The network's codes of the vendor's table, without those of which the failure code says as much.
	listedNetworkCodes = `05 04 07 41 43 14 15 51 61 N4 54 12 13 46 55 57 78 59 83 82 N7 91 96 19 30 52 53 1A R1 86 94 65`
)

func codesIn(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return strings.ContainsRune(", \n\t", r) })
}

// wantCodes asks that a table has exactly the listed codes.
func wantCodes[V any](t *testing.T, name string, table map[string]V, lists ...string) {
	t.Helper()
	listed := map[string]bool{}
	for _, list := range lists {
		seen := map[string]bool{}
		for _, code := range codesIn(list) {
			if seen[code] {
				t.Errorf("%s: %s is listed twice", name, code)
			}
			seen[code], listed[code] = true, true
			if _, ok := table[code]; !ok {
				t.Errorf("%s: %s is missing", name, code)
			}
		}
	}
	for code := range table {
		if !listed[code] {
			t.Errorf("%s: %s is not in the vendor's list", name, code)
		}
		if code != cleanCode(code) {
			t.Errorf("%s: %q can never be found", name, code)
		}
	}
}

func TestTablesAreComplete(t *testing.T) {
	t.Parallel()
	wantCodes(t, "failures", failures, listedFailures, listedTokenFailures)
	wantCodes(t, "refundFailures", refundFailures, listedRefundFailures)
	wantCodes(t, "requestErrors", requestErrors, listedRequestErrors, listedSessionErrors)
	wantCodes(t, "networkCodes", networkCodes, listedNetworkCodes)
}

func TestTablesSpeakOurLanguage(t *testing.T) {
	t.Parallel()
	for name, table := range map[string]map[string]payments.Code{
		"failures": failures, "refundFailures": refundFailures, "networkCodes": networkCodes,
	} {
		for raw, code := range table {
			if !code.Known() {
				t.Errorf("%s: %s is %s, which is not in the closed list", name, raw, code)
			}
			if name == "networkCodes" && code.MeansUnknown() {
				t.Errorf("%s: %s is %s: the network's code comes with a failure, which is certain", name, raw, code)
			}
		}
	}
	for raw, row := range requestErrors {
		switch {
		case !row.code.Known():
			t.Errorf("requestErrors: %s is %s, which is not in the closed list", raw, row.code)
		case row.code.MeansUnknown() != (row.kind == payments.Unknown):
			t.Errorf("requestErrors: %s is %s of kind %q", raw, row.code, row.kind)
		}
	}
}

// TestFraudIsNeverTriedAgain plays every code that speaks of theft or suspicion with every answer of the network.
func TestFraudIsNeverTriedAgain(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{
		"STOLEN_CARD", "SUSPECTED_FRAUDULENT", "ISSUER_SUSPECT_FRAUD", "INACTIVE_OR_UNAUTHORIZED_CARD", "TRANSACTION_BLOCKED",
	} {
		for network := range networkCodes {
			code := failureCode(raw, authorization{NetworkCode: network})
			r := payments.Result{Outcome: payments.Outcome{Status: payments.Declined, Code: code}}
			if payments.CanTryNext(r, 0) || code.Info().Class != payments.ClassNever {
				t.Errorf("%s with the network's %s is %s, which may be tried again", raw, network, code)
			}
		}
	}
}

// TestUnknownStaysUnknown plays every code that leaves the outcome open with every answer of the network.
func TestUnknownStaysUnknown(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{"TIMEOUT_ERROR", "PARTNER_TIMEOUT_ERROR", "SERVER_ERROR", " timeout_error "} {
		for network := range networkCodes {
			if code := failureCode(raw, authorization{NetworkCode: network, AdviceCode: "03"}); !code.MeansUnknown() {
				t.Errorf("%s with the network's %s is %s, which is certain", raw, network, code)
			}
		}
	}
}

func TestFailureCode(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		raw  string
		data authorization
		want payments.Code
	}{
		{"", authorization{}, payments.CardDeclined},
		{"BRAND_NEW", authorization{}, payments.CardDeclined},
		{"BRAND_NEW", authorization{NetworkCode: "51"}, payments.CardNoMoney},
		{"CAPTURE_AMOUNT_EXCEEDED ", authorization{}, payments.CardInvalidAmount},
		{"card_declined", authorization{}, payments.CardDeclined},
		{"CARD_DECLINED", authorization{NetworkCode: "5"}, payments.CardDoNotHonor}, // a leading zero that got lost
		{"CARD_DECLINED", authorization{NetworkCode: "ZZ"}, payments.CardDeclined},
		{"CARD_DECLINED", authorization{NewNetworkCode: "n7"}, payments.CardFailedCVC},
		{"CARD_DECLINED", authorization{NetworkCode: "54", NewNetworkCode: "51"}, payments.CardExpired},
		{"DECLINED_BY_ISSUER", authorization{NetworkCode: "43"}, payments.CardStolen},
		{"DECLINED_BY_ISSUER", authorization{AdviceCode: "03"}, payments.CardDoNotHonor}, // what the advice forbids, the scheme's rules say
		{"INVALID_CARD", authorization{NetworkCode: "15"}, payments.CardIssuerNotFound},
	} {
		if got := failureCode(tt.raw, tt.data); got != tt.want {
			t.Errorf("%q with %+v is %s, want %s", tt.raw, tt.data, got, tt.want)
		}
	}
}

func TestWebAddress(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"https://redirect.xendit.co/a?b=c": true, "http://127.0.0.1:8090/challenge/1": true,
		"": false, "xendit.co/example": false, "//xendit.co": false, "/relative": false, "javascript:alert(1)": false, "https:": false,
		"ftp://xendit.co": false, "https://user:password@xendit.co": false, "https://xen dit.co": false, "data:text/html,x": false,
	} {
		if got := webAddress(text); got != want {
			t.Errorf("%q: %t", text, got)
		}
	}
}
