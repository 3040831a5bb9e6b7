package xendit

import (
	"encoding/json"
	"net/http"
	"strings"

	"switchyard/adapters/wire"
	"switchyard/payments"
)

// failures translates the failure_code of a payment, of a payment token and of a refund. A code that leaves open whether money
// moved is no decline but an unknown outcome.
var failures = map[string]payments.Code{
	"ACCOUNT_ACCESS_BLOCKED":        payments.GatewayBlocked,
	"ACCOUNT_ALREADY_LINKED":        payments.GatewayDuplicate,
	"ACCOUNT_NOT_ACTIVATED":         payments.CardNotActivated,
	"AUTHENTICATION_FAILED":         payments.CardFailed3DS,
	"CAPTURE_AMOUNT_EXCEEDED":       payments.CardInvalidAmount,
	"CARD_DECLINED":                 payments.CardDeclined,
	"CHANNEL_UNAVAILABLE":           payments.CardNetworkFailed,
	"DECLINED_BY_ISSUER":            payments.CardDoNotHonor,
	"DECLINED_BY_PROCESSOR":         payments.GatewayDeclined,
	"EXPIRED_CARD":                  payments.CardExpired,
	"EXPIRED_OTP":                   payments.CardExpired3DS,
	"FAILURE_DETAILS_UNAVAILABLE":   payments.GatewayDeclined,
	"INACTIVE_OR_UNAUTHORIZED_CARD": payments.CardNotAuthorized,
	"INSUFFICIENT_BALANCE":          payments.CardNoMoney,
	"INVALID_ACCOUNT_DETAILS":       payments.CardInvalid,
	"INVALID_CARD":                  payments.CardInvalid,
	"INVALID_CVV":                   payments.CardFailedCVC,
	"INVALID_MERCHANT_CREDENTIALS":  payments.GatewayInvalidCredentials,
	"INVALID_MERCHANT_SETTINGS":     payments.GatewayConfigurationError,
	"INVALID_OTP":                   payments.CardFailed3DS,
	// The token, not the card in it, cannot be used.
	"INVALID_TOKEN":                   payments.CardBadTrackData,
	"ISSUER_SUSPECT_FRAUD":            payments.CardPossibleFraud,
	"ISSUER_UNAVAILABLE":              payments.CardIssuerDown,
	"OTP_ATTEMPT_COUNTS_EXCEEDED":     payments.CardFailed3DS,
	"PARTIAL_APPROVAL":                payments.CardNoMoney, // the issuer had less than was asked for
	"PARTNER_TIMEOUT_ERROR":           payments.GatewayTimeout,
	"PAYMENT_AMOUNT_LIMITS_EXCEEDED":  payments.CardExceededLimits,
	"PAYMENT_ATTEMPT_COUNTS_EXCEEDED": payments.CardMaximumAttempts,
	"PAYMENT_REQUEST_EXPIRED":         payments.GatewayExpired,
	"PROCESSOR_ERROR":                 payments.CardProcessingError,
	"PROCESS_ERROR":                   payments.CardProcessingError,
	"SERVER_ERROR":                    payments.GatewayInternalError,
	"STOLEN_CARD":                     payments.CardStolen,
	"SUSPECTED_FRAUDULENT":            payments.CardPossibleFraud,
	"TIMEOUT_ERROR":                   payments.GatewayTimeout,
	"TRANSACTION_BLOCKED":             payments.RequestTransactionBlocked,
	"USER_DECLINED_PAYMENT":           payments.CustomerCanceled,
	"USER_DEVICE_UNREACHABLE":         payments.GatewayExpired,
	"USER_DID_NOT_AUTHORIZE":          payments.CustomerCanceled,
}

// refundFailures translates the failure_code of a refund: the balance is here the merchant's.
var refundFailures = map[string]payments.Code{
	"ACCOUNT_ACCESS_BLOCKED": payments.GatewayBlocked,
	"ACCOUNT_NOT_FOUND":      payments.CardInvalidAccount,
	"DUPLICATE_ERROR":        payments.GatewayDuplicate,
	"INSUFFICIENT_BALANCE":   payments.GatewayLimitExceeded,
	"REFUND_FAILED":          payments.GatewayDeclined,
}

// networkCodes refine a failure by what the card network answered. Rows of which the failure code says as much are left out.
var networkCodes = map[string]payments.Code{
	"04": payments.CardKeepCard,
	"05": payments.CardDoNotHonor,
	"07": payments.CardPossibleFraud,
	"12": payments.CardInvalidTransaction,
	"13": payments.CardInvalidAmount,
	"14": payments.CardInvalidNumber,
	"15": payments.CardIssuerNotFound,
	"19": payments.CardPleaseRetry,
	"1A": payments.CardNeedsAuthentication,
	"30": payments.CardFormattingError,
	"41": payments.CardLost,
	"43": payments.CardStolen,
	"46": payments.CardInvalidAccount,
	"51": payments.CardNoMoney,
	"52": payments.CardNoChequeAccount,
	"53": payments.CardNoSavingsAccount,
	"54": payments.CardExpired,
	"55": payments.CardInvalidPIN,
	"57": payments.CardNotAuthorized,
	"59": payments.CardPossibleFraud,
	"61": payments.CardExceededWithdrawalLimit,
	"65": payments.CardExceededActivityLimits,
	"78": payments.CardNotActivated,
	"82": payments.CardFailedCVC,
	"83": payments.CardPossibleFraud,
	"86": payments.CardCannotVerifyPIN,
	"91": payments.CardIssuerDown,
	"94": payments.CardInvalidTransaction, // the issuer takes it for a repetition: not at another PSP either
	"96": payments.CardIssuerMalfunction,
	"N4": payments.CardExceededLimits,
	"N7": payments.CardFailedCVC,
	"R1": payments.CardAuthorizationRevoked,
}

// refusal is what an error_code means.
type refusal struct {
	code payments.Code
	kind payments.FaultKind // "" for a decline
}

// requestErrors translates the error_code of a request that Xendit refused. A code that is missing here is read as a failure,
// and one that is missing there too is judged by the HTTP status.
var requestErrors = map[string]refusal{
	"ACCOUNT_ACCESS_BLOCKED": {payments.GatewayBlocked, payments.Misconfigured},
	"API_VALIDATION_ERROR":   {payments.GatewayValidationError, payments.Rejected},
	// These tell what was not done, so they are answers to the operation and no faults of the PSP.
	"CAPTURE_AMOUNT_EXCEEDED":        {payments.CardInvalidAmount, ""},
	"CARD_EXPIRED":                   {payments.CardExpired, ""},
	"INVALID_PAYMENT_DETAILS":        {payments.CardInvalid, ""},
	"INSUFFICIENT_BALANCE":           {payments.GatewayLimitExceeded, ""}, // the merchant's, for a refund
	"PARTIAL_REFUND_COUNTS_EXCEEDED": {payments.GatewayLimitExceeded, ""},
	"PARTIAL_REFUND_NOT_SUPPORTED":   {payments.GatewayNotAllowed, ""},
	"REFUND_AMOUNT_EXCEEDED":         {payments.GatewayLimitExceeded, ""},
	"REFUND_NOT_SUPPORTED":           {payments.GatewayNotAllowed, ""},
	// These may speak of an earlier request of ours that was processed.
	"DUPLICATE_ERROR":               {payments.GatewayDuplicate, payments.Unknown},
	"INACTIVE_PAYMENT_REQUEST":      {payments.GatewayInvalidState, payments.Unknown},
	"INELIGIBLE_TRANSACTION_STATUS": {payments.GatewayInvalidState, payments.Unknown},
	"REFUND_IN_PROGRESS":            {payments.GatewayTransactionPending, payments.Unknown},
	"SERVER_ERROR":                  {payments.GatewayInternalError, payments.Unknown},

	"DATA_NOT_FOUND":               {payments.GatewayNotFound, payments.Rejected},
	"INVALID_API_KEY":              {payments.GatewayInvalidCredentials, payments.Misconfigured},
	"INVALID_MERCHANT_SETTINGS":    {payments.GatewayConfigurationError, payments.Misconfigured},
	"INVALID_TOKEN":                {payments.CardBadTrackData, payments.Rejected},
	"INVALID_VALUE_ERROR":          {payments.GatewayValidationError, payments.Rejected},
	"PAYMENT_REQUEST_RATE_LIMITED": {payments.GatewayRateLimitExceeded, payments.Throttled},
	"RATE_LIMIT_EXCEEDED":          {payments.GatewayRateLimitExceeded, payments.Throttled},
	"SKIP_3DS_FORBIDDEN":           {payments.GatewayForbidden, payments.Misconfigured},
	"TEMPORARILY_UNAVAILABLE":      {payments.GatewayRetry, payments.Throttled},

	// Of sessions, which Xendit has in fewer countries and currencies, and not for every account: another PSP may take the payment.
	"DISALLOWED_CAPTURE_METHOD":       {payments.GatewayNotAllowed, payments.Misconfigured},
	"INVALID_AMOUNT":                  {payments.CardInvalidAmount, payments.Rejected},
	"INVALID_COUNTRY":                 {payments.GatewayUnsupportedCountryCode, payments.Misconfigured},
	"INVALID_CURRENCY":                {payments.GatewayUnsupportedCurrency, payments.Misconfigured},
	"INVALID_CUSTOMER_ID":             {payments.GatewayInvalidCustomerInput, payments.Rejected},
	"INVALID_EXPIRY_DATE":             {payments.GatewayValidationError, payments.Rejected},
	"INVALID_ITEM_METADATA":           {payments.GatewayValidationError, payments.Rejected},
	"INVALID_METADATA":                {payments.GatewayValidationError, payments.Rejected},
	"INVALID_PAYMENT_CHANNEL":         {payments.GatewayNotAllowed, payments.Misconfigured},
	"INVALID_PRIMARY_PAYMENT_CHANNEL": {payments.GatewayNotAllowed, payments.Misconfigured},
	"INVALID_URL":                     {payments.GatewayValidationError, payments.Rejected},
	"ITEMS_NOT_SUPPORTED":             {payments.GatewayValidationError, payments.Rejected},
	"MISSING_CUSTOMER":                {payments.GatewayMissingCustomerInput, payments.Rejected},
	"MODE_NOT_SUPPORTED":              {payments.GatewayNotAllowed, payments.Misconfigured},
	"SESSION_TYPE_NOT_SUPPORTED":      {payments.GatewayNotAllowed, payments.Misconfigured},
}

// cleanCode is a code without the blanks that Xendit's own list has behind one of them.
func cleanCode(code string) string { return strings.ToUpper(strings.TrimSpace(code)) }

// errorOf reads the code and the message of an error. An answer that is not Xendit's has neither.
func errorOf(r *wire.Response) (code, message string) {
	var e struct {
		Code    string `json:"error_code"`
		Message string `json:"message"`
	}
	if json.Unmarshal(r.Body, &e) != nil {
		return "", ""
	}
	return cleanCode(e.Code), e.Message
}

// refused says what an answer that is no success means for an operation: a decline, or a fault.
func refused(r *wire.Response) (payments.Outcome, error) {
	rawCode, rawMessage := errorOf(r)
	fault := r.Fault(rawCode, rawMessage)
	row, known := requestErrors[rawCode]
	if code, failure := failures[rawCode]; !known && failure {
		row, known = refusal{code: code}, true
		if code.MeansUnknown() {
			row.kind = payments.Unknown
		}
	}
	switch {
	case rawCode == "" && fault.Kind == payments.Rejected:
		// Not Xendit's own words: something on the way has answered, and the request may have gone through.
		fault.Kind = payments.Unknown
		return payments.Outcome{}, fault
	case r.Status == http.StatusConflict:
		// The vendor's list gives the code of something else here, so that the status decides: our reference is taken.
		fault.Kind, fault.Code = payments.Unknown, payments.GatewayDuplicate
		return payments.Outcome{}, fault
	case r.Status < 400 || r.Status >= 500 || fault.Kind == payments.Unknown || fault.Kind == payments.Throttled || !known:
		return payments.Outcome{}, fault
	case row.kind != "":
		fault.Kind, fault.Code = row.kind, row.code
		return payments.Outcome{}, fault
	}
	return payments.Outcome{
		Status: payments.Declined, Code: row.code, RawCode: fault.RawCode, RawMessage: fault.RawMessage,
	}, nil
}

// failureCode translates the failure of a payment or token. A failure without a reason, or with one that is new, is a decline
// that says nothing. What the card's scheme forbids is not decided here: the outcome carries the scheme's own codes.
func failureCode(raw string, d authorization) payments.Code {
	code, known := failures[cleanCode(raw)]
	if !known {
		code = payments.CardDeclined
	}
	if code.MeansUnknown() || code.Info().Class == payments.ClassNever {
		return code // the network's answer must not soften these
	}
	if finer, ok := networkCodes[d.networkCode()]; ok {
		return finer
	}
	return code
}
