package pivot

import (
	"encoding/json"
	"net/http"
	"strings"

	"switchyard/adapters/wire"
	"switchyard/payments"
)

// failure is what the failureCode of a charge means, and what the issuer's code beside it tells more exactly.
type failure struct {
	code    payments.Code
	issuers map[string]payments.Code // by issuerAuthorizationCode
}

// The failure codes that the code refers to.
const (
	failedByFraud   = "SUSPECTED_FRAUD"
	failedUnknown   = ""
	reasonFailed    = "CHARGE_FAILED"
	reasonFraud     = "FRAUDULENT"
	reasonAbandoned = "VOID_SESSION"
)

// failures translates failed charges. One failure code stands for several refusals, which only the issuer's code tells apart:
// an expired card, a wrong CVC and a plain refusal are all DECLINED_BY_CHANNEL. A failure that is not in the table, and a new
// issuer's code, are declines that say nothing more.
var failures = map[string]failure{
	failedUnknown: {payments.CardDeclined, nil},
	"DECLINED_BY_CHANNEL": {payments.CardDeclined, map[string]payments.Code{
		"01":  payments.CardContactBank,
		"03":  payments.CardInvalidMerchant,
		"05":  payments.CardDoNotHonor,
		"06":  payments.CardDeclined, // "error", and nobody says whose
		"12":  payments.CardInvalidTransaction,
		"13":  payments.CardInvalidAmount,
		"22":  payments.CardIssuerMalfunction,
		"40":  payments.CardTypeNotSupported,
		"54":  payments.CardExpired,
		"57":  payments.CardNotAuthorized,
		"61":  payments.CardExceededWithdrawalLimit,
		"62":  payments.CardRestricted,
		"63":  payments.CardSecurityViolation,
		"64":  payments.CardDeclined, // two schemes mean two things
		"65":  payments.CardExceededActivityLimits,
		"6P":  payments.CardDeclined, // verification data, without saying which
		"70":  payments.CardContactBank,
		"82":  payments.CardFailedCVC, // listed as a general refusal too
		"92":  payments.CardNetworkFailed,
		"93":  payments.CardLawViolation,
		"100": payments.CardDoNotHonor,
		"101": payments.CardExpired,
		"109": payments.CardInvalidMerchant,
		"110": payments.CardInvalidAmount,
		"115": payments.CardTypeNotSupported,
		"N7":  payments.CardFailedCVC,
	}},
	// Not again with the same card, says Pivot, whatever the issuer's code means elsewhere.
	"INVALID_ACCOUNT": {payments.CardInvalidAccount, map[string]payments.Code{
		"14":  payments.CardInvalidNumber,
		"15":  payments.CardIssuerNotFound,
		"21":  payments.CardInvalidAccount,
		"46":  payments.CardInvalidAccount,
		"52":  payments.CardInvalidAccount,
		"53":  payments.CardInvalidAccount,
		"78":  payments.CardNotActivated,
		"79":  payments.CardDontRetry,
		"111": payments.CardInvalidAccount,
	}},
	failedByFraud: {payments.CardPossibleFraud, map[string]payments.Code{
		"04":  payments.CardKeepCard,
		"07":  payments.CardPossibleFraud,
		"34":  payments.CardPossibleFraud,
		"41":  payments.CardLost,
		"43":  payments.CardStolen,
		"59":  payments.CardPossibleFraud,
		"83":  payments.CardPossibleFraud,
		"200": payments.CardStolen,
	}},
	"INSUFFICIENT_FUND": {payments.CardNoMoney, map[string]payments.Code{
		"51":  payments.CardNoMoney,
		"116": payments.CardNoMoney,
		"121": payments.CardExceededLimits,
	}},
	"CHANNEL_UNAVAILABLE": {payments.CardNetworkFailed, map[string]payments.Code{
		"19":  payments.CardPleaseRetry,
		"80":  payments.CardNetworkFailed,
		"90":  payments.CardIssuerMaintenance,
		"91":  payments.CardIssuerDown,
		"96":  payments.CardIssuerMalfunction,
		"911": payments.CardIssuerDown,
	}},
	"AUTHENTICATION_FAILED": {payments.CardFailed3DS, nil},
	"BLOCKED_BY_FDS":        {payments.GatewayPossibleFraud, nil},
	"CANCELLED_BY_USER":     {payments.CustomerCanceled, nil},
	"CHARGE_EXPIRED":        {payments.CardExpired3DS, nil},
	"REQUIRE_REVIEW":        {payments.CardHighRisk, nil},
}

// cleanCode is a code as the tables have it.
func cleanCode(code string) string { return strings.ToUpper(strings.TrimSpace(code)) }

// issuerCode is an issuer's code as the tables have it: a leading zero may have got lost on the way through a number.
func issuerCode(code string) string {
	code = cleanCode(code)
	if len(code) == 1 {
		code = "0" + code
	}
	return code
}

// failureCode translates a failed charge. A suspicion stays one, whichever of the two codes speaks of it.
func failureCode(raw, issuer string) payments.Code {
	issuer = issuerCode(issuer)
	row, known := failures[cleanCode(raw)]
	if !known {
		row = failures[failedUnknown]
	}
	if finer, ok := row.issuers[issuer]; ok {
		return finer
	}
	if suspicion, ok := failures[failedByFraud].issuers[issuer]; ok && row.code.Info().Class != payments.ClassNever {
		return suspicion
	}
	return row.code
}

// refusal is what the code of an answer that is no success means.
type refusal struct {
	code payments.Code
	kind payments.FaultKind
}

// refusals translates such codes. One that is missing is judged by the HTTP status.
var refusals = map[string]refusal{
	"api_validation_error":  {payments.GatewayValidationError, payments.Rejected},
	"bad_gateway":           {payments.GatewayUnknownError, payments.Unknown},
	"credentials_invalid":   {payments.GatewayInvalidCredentials, payments.Misconfigured},
	"duplicate_error":       {payments.GatewayDuplicate, payments.Unknown}, // our reference is taken: perhaps by this payment
	"forbidden_access":      {payments.GatewayForbidden, payments.Misconfigured},
	"frequency_above_limit": {payments.GatewayRateLimitExceeded, payments.Throttled},
	"gateway_timeout":       {payments.GatewayTimeout, payments.Unknown},
	"idempotency_error":     {payments.GatewayInvalidRepeat, payments.Unknown}, // our key is taken, by other words of ours
	"internal_error":        {payments.GatewayInternalError, payments.Unknown},
	"not_found":             {payments.GatewayNotFound, payments.Rejected},
	resourceMissing:         {payments.GatewayNotFound, payments.Rejected},
	"resource_not_complete": {payments.GatewayConfigurationError, payments.Misconfigured},
	"service_unavailable":   {payments.GatewayMaintenance, payments.Unknown},
}

// resourceMissing says that something which the request names does not exist; "not_found" is about the URL.
const resourceMissing = "resource_missing"

// apiError is what an answer says that is no success. The documentation spells it in two ways, and nothing relies on its shape.
type apiError struct {
	code, message string
	kind          string   // API_ERROR, GATEWAY_ERROR or PARTNER_ERROR
	fields        []string // at fault
}

func errorOf(r *wire.Response) apiError {
	var e struct {
		Code    text            `json:"code"`
		Message text            `json:"message"`
		Error   json.RawMessage `json:"error"`
	}
	if json.Unmarshal(r.Body, &e) != nil {
		return apiError{}
	}
	var inner struct {
		Type    text `json:"type"`
		Details []struct {
			Field   text `json:"field"`
			Message text `json:"message"`
		} `json:"details"`
	}
	told := apiError{code: strings.TrimSpace(string(e.Code)), message: string(e.Message)}
	if json.Unmarshal(e.Error, &inner) != nil {
		return told
	}
	told.kind = cleanCode(string(inner.Type))
	for _, d := range inner.Details {
		told.fields = append(told.fields, string(d.Field))
		told.message = strings.TrimSpace(told.message + " " + string(d.Field) + " " + string(d.Message))
	}
	return told
}

// refused is the fault for an answer that is no success.
func refused(r *wire.Response) *payments.Fault {
	e := errorOf(r)
	fault := r.Fault(e.code, e.message)
	row, known := refusals[strings.ToLower(e.code)]
	switch {
	case fault.Kind == payments.Unknown, fault.Kind == payments.Throttled:
		if row.kind == fault.Kind {
			fault.Code = row.code
		}
	case r.Status == http.StatusConflict, r.Status == http.StatusUnprocessableEntity:
		// Taken already, or in another state than the request needs: by an earlier request of ours, perhaps.
		fault.Kind, fault.Code = payments.Unknown, payments.GatewayInvalidState
		if row.kind == payments.Unknown {
			fault.Code = row.code
		}
	case r.Status == http.StatusBadRequest && (e.kind == "GATEWAY_ERROR" || e.kind == "PARTNER_ERROR"):
		// Something behind Pivot failed, and may have acted.
		fault.Kind, fault.Code = payments.Unknown, payments.GatewayUnknownError
	case known:
		fault.Kind, fault.Code = row.kind, row.code
	}
	return fault
}

// methodGone marks the fault of a charge whose saved method Pivot does not have any more.
func methodGone(err error, r *wire.Response) error {
	f := payments.AsFault(err)
	if f == nil || f.Kind != payments.Rejected {
		return err
	}
	e := errorOf(r)
	f.MethodGone = strings.EqualFold(e.code, resourceMissing)
	for _, field := range e.fields {
		name := field[strings.LastIndexByte(field, '.')+1:]
		f.MethodGone = f.MethodGone || name == "token" || name == "customerId"
	}
	return f
}
