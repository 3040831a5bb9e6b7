package paymongo

import (
	"errors"
	"net/http"
	"strings"

	"switchyard/payments"
)

// declineCodes translates the sub_code of a declined attach, which is also the failed_code of the payment and of the intent's
// last_payment_error. Codes of class G leave open whether money moved.
var declineCodes = map[string]payments.Code{
	"acquirer_declined":                     payments.GatewayDeclined,
	"amount_allowed_exceeded":               payments.CardExceededMaximumAmount,
	"authentication_error":                  payments.CardFailed3DS,
	"avs_failed":                            payments.CardFailedAVS,
	"blocked":                               payments.RequestTransactionBlocked, // PayMongo's own risk engine
	"call_card_issuer":                      payments.CardContactBank,
	"card_expired":                          payments.CardExpired,
	"card_not_accepted":                     payments.CardNotSupported,
	"card_not_supported":                    payments.CardNotSupported,
	"card_number_invalid":                   payments.CardInvalidNumber,
	"card_type_mismatch":                    payments.CardInvalidBrand,
	"card_unauthorized":                     payments.CardNotAuthorized,
	"config_invalid_or_missing":             payments.GatewayConfigurationError,
	"credit_limit_exceeded":                 payments.CardExceededLimits,
	"currency_not_supported_by_card_issuer": payments.CardCurrencyUnsupported,
	"customer_blacklisted":                  payments.CardBlacklisted,
	"cvc_incorrect":                         payments.CardFailedCVC,
	"cvc_invalid":                           payments.CardInvalidCVC,
	"debit_card_usage_limit_exceeded":       payments.CardExceededActivityLimits,
	"do_not_honor":                          payments.CardDoNotHonor,
	"fraudulent":                            payments.CardPossibleFraud,
	"generic_decline":                       payments.CardDeclined,
	"highest_risk_level":                    payments.CardHighRisk,
	"insufficient_funds":                    payments.CardNoMoney,
	"issuer_declined":                       payments.CardDeclined,
	"issuer_not_available":                  payments.CardIssuerDown,
	"lost_card":                             payments.CardLost,
	"merchant_configuration_invalid":        payments.GatewayConfigurationError,
	"payment_refused":                       payments.PaymentDeclined,
	"pickup_card":                           payments.CardKeepCard,
	"processing_error":                      payments.CardProcessingError,
	"processor_blocked":                     payments.GatewayPossibleFraud,
	"processor_declined":                    payments.GatewayDeclined,
	"processor_timeout":                     payments.GatewayTimeout,
	"processor_unavailable":                 payments.CardNetworkFailed,
	"restricted_card":                       payments.CardRestricted,
	"server_timeout":                        payments.GatewayTimeout,
	"service_timeout":                       payments.GatewayTimeout,
	"stolen_card":                           payments.CardStolen,
	"system_error":                          payments.CardProcessingError,
	"unknown_error":                         payments.GatewayUnknownError,
}

// refusalCodes translates error codes that are a refusal of what was asked, with nothing done.
var refusalCodes = map[string]payments.Code{
	"allowed_amount_exceeded":        payments.CardInvalidAmount,
	"allowed_date_exceeded":          payments.GatewayExpired,
	"available_balance_insufficient": payments.GatewayLimitExceeded,
	"payment_method_not_allowed":     payments.GatewayNotAllowed,
	"refund_not_allowed":             payments.GatewayNotAllowed,
	"resource_disputed_state":        payments.CustomerDisputed,
}

// faultKinds classifies error codes whose HTTP status says too little.
var faultKinds = map[string]payments.FaultKind{
	"livemode_mismatched":           payments.Misconfigured,
	"organization_not_allowed":      payments.Misconfigured,
	"payment_method_not_configured": payments.Misconfigured,
	// The money may be on its way already.
	"provider_processing_error": payments.Unknown,
	"resource_processing_error": payments.Unknown,
}

// parameterCodes translates the attribute that a parameter_* error names. Attributes that are not here are our mistake.
var parameterCodes = map[string]payments.Code{
	"amount":      payments.CardInvalidAmount,
	"card_number": payments.CardInvalidNumber,
	"country":     payments.CustomerInvalidCountryCode,
	"currency":    payments.GatewayUnsupportedCurrency,
	"cvc":         payments.CardInvalidCVC,
	"email":       payments.CustomerInvalidEmail,
	"exp_month":   payments.CardInvalidExpiryMonth,
	"exp_year":    payments.CardInvalidExpiryYear,
	"name":        payments.CustomerInvalidName,
	"return_url":  payments.GatewayValidationError, // wanted for 3-D Secure; other PSPs may do without
}

// codeOf translates a reason for a failed payment. PayMongo adds codes at any time: a new one is a decline.
func codeOf(reason string) payments.Code {
	if code, ok := declineCodes[reason]; ok {
		return code
	}
	return payments.PaymentDeclined
}

// judge decides what a refusal is: a *decline, or a *payments.Fault. Other errors pass.
func judge(err error) error {
	r := asRefusal(err)
	if r == nil {
		return err
	}
	fault := r.answer.Fault(r.rawCode(), r.entry.Detail)
	if fault.Kind != payments.Rejected { // the status says it all: 401, 403, 408, 429, 3xx, 5xx
		return fault
	}
	switch {
	case r.entry.Code == "", r.aboutRepeat():
		// A 4xx that PayMongo did not write, or one about an earlier request of ours.
		return asKind(fault, payments.Unknown)
	case r.is("resource_failed_state"):
		if r.entry.SubCode == "" { // says that something failed, not what: asking for the intent tells
			return asKind(fault, payments.Unknown)
		}
		return declineOr(fault, codeOf(r.entry.SubCode))
	case refusalCodes[r.entry.Code] != "":
		return declineOr(fault, refusalCodes[r.entry.Code])
	case faultKinds[r.entry.Code] != "":
		return asKind(fault, faultKinds[r.entry.Code])
	case strings.HasPrefix(r.entry.Code, "resource_") && strings.HasSuffix(r.entry.Code, "_state"):
		// The object is in another state than we believe: what was asked may have happened already.
		fault.Code = payments.GatewayInvalidState
		return asKind(fault, payments.Unknown)
	case strings.HasPrefix(r.entry.Code, "parameter_"):
		return judgeParameter(r, fault)
	}
	return fault
}

// aboutRepeat says that PayMongo refused an Idempotency-Key, because of what was sent under it before. The code for that is not
// documented; the text has to name the header.
func (r *refusal) aboutRepeat() bool {
	return r.answer.Status == http.StatusConflict || strings.Contains(strings.ToLower(r.entry.Code+" "+r.entry.Detail), "idempoten")
}

// judgeParameter decides what a parameter_* error is.
func judgeParameter(r *refusal, fault *payments.Fault) error {
	if r.refusesVaulting() {
		return asKind(fault, payments.Misconfigured)
	}
	code := parameterCodes[r.field()]
	switch code {
	case "":
		return fault
	case payments.CardInvalidExpiryMonth, payments.CardInvalidExpiryYear:
		if strings.Contains(strings.ToLower(r.entry.Detail), "expired") {
			code = payments.CardExpired
		}
	case payments.CardInvalidCVC:
		if r.is("parameter_required") {
			code = payments.CardMissingCVC
		}
	}
	return declineOr(fault, code)
}

// declineOr is a decline with the code, or the fault made Unknown when the code leaves open whether money moved.
func declineOr(fault *payments.Fault, code payments.Code) error {
	if code.MeansUnknown() {
		fault.Code = code
		return asKind(fault, payments.Unknown)
	}
	return &decline{payments.Outcome{Status: payments.Declined, Code: code, RawCode: fault.RawCode, RawMessage: fault.RawMessage}}
}

func asKind(fault *payments.Fault, kind payments.FaultKind) *payments.Fault {
	fault.Kind = kind
	return fault
}

// repeated judges the error of a charging call that was sent before without an answer: a request that is refused now may be
// one that was accepted then. Only a declined try stands, since an intent that was charged refuses the attach with its state.
func repeated(err error) error {
	judged := judge(err)
	r := asRefusal(err)
	if r == nil || r.is("resource_failed_state") {
		return judged
	}
	if f, ok := errors.AsType[*payments.Fault](judged); ok && f.Kind != payments.Rejected {
		return f
	}
	return asKind(r.answer.Fault(r.rawCode(), r.entry.Detail), payments.Unknown)
}
