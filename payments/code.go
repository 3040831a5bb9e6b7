package payments

import (
	"slices"
	"strings"
)

// Code says why a payment did not go through. The list is closed: every PSP's
// own words are translated into it, and what we do next depends on the Code's
// Class alone.
type Code string

// Class is the policy that hangs on a Code: what may be done after it.
type Class byte

// The policy classes.
const (
	ClassCascade          Class = 'A' // nothing happened: the next PSP may be tried with the same data
	ClassCascadeOnce      Class = 'B' // an issuer's refusal: one other PSP may be tried
	ClassStepUp           Class = 'C' // the same PSP may be tried with the payer authenticated
	ClassFixData          Class = 'D' // not again unless the payer or merchant changes something
	ClassLater            Class = 'E' // not now; a merchant-initiated payment may be tried on another day
	ClassNever            Class = 'F' // this credential must not be tried again, at any PSP
	ClassUnknown          Class = 'G' // money may have moved: find out before anything else
	ClassConfig           Class = 'H' // our settings at this PSP: the next PSP may be tried, and someone must be told
	ClassChangeCredential Class = 'I' // the same PSP may be tried with the card number in place of a network token
)

// String returns the letter of the class.
func (c Class) String() string { return string(rune(c)) }

// Attribution says whose doing a result is. Only AttributedPSP counts against a
// PSP's health.
type Attribution string

// The attributions.
const (
	AttributedPSP      Attribution = "psp"
	AttributedIssuer   Attribution = "issuer"   // or its scheme's answer in its stead
	AttributedPayer    Attribution = "payer"    // data, funds, consent
	AttributedMerchant Attribution = "merchant" // its configuration at the PSP, or our use of the PSP
	AttributedFraud    Attribution = "fraud"
)

// CodeInfo is what is known of a Code.
type CodeInfo struct {
	Code        Code
	Class       Class
	Attribution Attribution
	Hard        bool   // the merchant API's word for "do not retry"; it decides nothing here, Class does
	Message     string // a sentence that a merchant may be shown
}

// Info returns what is known of c. A code that is not in the list is taken for
// an issuer's refusal that says nothing: PSPs add codes at any time, and a new
// one is a decline. Where money may have moved, an adapter has to say so with a
// code of ClassUnknown.
func (c Code) Info() CodeInfo {
	if info, ok := findCode(c); ok {
		return info
	}
	return CodeInfo{
		Code:        c,
		Class:       ClassCascadeOnce,
		Attribution: AttributedIssuer,
		Message:     "The payment was declined.",
	}
}

// Known reports whether c is in the closed list.
func (c Code) Known() bool {
	_, ok := findCode(c)
	return ok
}

// findCode looks c up in codeTable, which is sorted.
func findCode(c Code) (CodeInfo, bool) {
	i, ok := slices.BinarySearchFunc(codeTable[:], c, func(row CodeInfo, c Code) int {
		return strings.Compare(string(row.Code), string(c))
	})
	if !ok {
		return CodeInfo{}, false
	}
	return codeTable[i], true
}

// Codes returns the closed list, sorted by code.
func Codes() []CodeInfo { return slices.Clone(codeTable[:]) }

// codeCategories are the keys of CodesByCategory, as the merchant API has them.
var codeCategories = [...]string{
	"generic", "service", "gateway", "card", "check", "shipping", "customer", "payment", "refund", "wallet", "request",
}

// CodesByCategory returns the declines and the codes of our own API by the
// first part of their name, each list sorted. A category without codes has an
// empty list, and a code whose first part is no category is under "generic".
func CodesByCategory() map[string][]string {
	categories := make(map[string][]string, len(codeCategories))
	for _, name := range codeCategories {
		categories[name] = []string{}
	}
	add := func(code string) {
		name, _, _ := strings.Cut(code, ".")
		if _, ok := categories[name]; !ok {
			name = "generic"
		}
		categories[name] = append(categories[name], code)
	}
	for _, row := range codeTable {
		add(string(row.Code))
	}
	for _, code := range apiCodes {
		add(code)
	}
	for _, list := range categories {
		slices.Sort(list)
	}
	return categories
}

// Codes about the card and what its issuer or scheme said.
const (
	CardAcquirerFailed              Code = "card.acquirer-failed"
	CardAcquirerNotFound            Code = "card.acquirer-not-found"
	CardAlreadyBlocked              Code = "card.already-blocked"
	CardAlreadyCaptured             Code = "card.already-captured"
	CardAlreadyRefused              Code = "card.already-refused"
	CardApproveAfterIdentification  Code = "card.approve-after-identification"
	CardAuthorizationRevoked        Code = "card.authorization-revoked"
	CardBadTrackData                Code = "card.bad-track-data"
	CardBlacklisted                 Code = "card.blacklisted"
	CardCanceledByClient            Code = "card.canceled-by-client"
	CardCannotVerifyPIN             Code = "card.cannot-verify-pin"
	CardContactAcquirer             Code = "card.contact-acquirer"
	CardContactBank                 Code = "card.contact-bank"
	CardCouldnt3DS                  Code = "card.couldnt-3ds"
	CardCurrencyUnsupported         Code = "card.currency-unsupported"
	CardDeclined                    Code = "card.declined"
	CardDoNotHonor                  Code = "card.do-not-honor"
	CardDontRetry                   Code = "card.dont-retry"
	CardDuplicate                   Code = "card.duplicate"
	CardECIConflict                 Code = "card.eci-conflict"
	CardExceededActivityLimits      Code = "card.exceeded-activity-limits"
	CardExceededLimits              Code = "card.exceeded-limits"
	CardExceededMaximumAmount       Code = "card.exceeded-maximum-amount"
	CardExceededPINAttempts         Code = "card.exceeded-pin-attempts"
	CardExceededWithdrawalLimit     Code = "card.exceeded-withdrawal-limit"
	CardExemptionDeclined           Code = "card.exemption-declined"
	CardExpired                     Code = "card.expired"
	CardExpired3DS                  Code = "card.expired-3ds"
	CardFailed3DS                   Code = "card.failed-3ds"
	CardFailed3DSTechnical          Code = "card.failed-3ds-technical"
	CardFailedAVS                   Code = "card.failed-avs"
	CardFailedAVSAddress            Code = "card.failed-avs-address"
	CardFailedAVSPostal             Code = "card.failed-avs-postal"
	CardFailedCVC                   Code = "card.failed-cvc"
	CardFailedCVCAndAVS             Code = "card.failed-cvc-and-avs"
	CardFailedThreeDS               Code = "card.failed-three-d-s"
	CardFormattingError             Code = "card.formatting-error"
	CardHighRisk                    Code = "card.high-risk"
	CardHolderNotAuthorized         Code = "card.holder-not-authorized"
	CardInactive                    Code = "card.inactive"
	CardInvalid                     Code = "card.invalid"
	CardInvalidAccount              Code = "card.invalid-account"
	CardInvalidAddress              Code = "card.invalid-address"
	CardInvalidAmount               Code = "card.invalid-amount"
	CardInvalidAVS                  Code = "card.invalid-avs"
	CardInvalidBankCountryCode      Code = "card.invalid-bank-country-code"
	CardInvalidBrand                Code = "card.invalid-brand"
	CardInvalidCVC                  Code = "card.invalid-cvc"
	CardInvalidDate                 Code = "card.invalid-date"
	CardInvalidECI                  Code = "card.invalid-eci"
	CardInvalidExpiryDate           Code = "card.invalid-expiry-date"
	CardInvalidExpiryMonth          Code = "card.invalid-expiry-month"
	CardInvalidExpiryYear           Code = "card.invalid-expiry-year"
	CardInvalidMerchant             Code = "card.invalid-merchant"
	CardInvalidMonth                Code = "card.invalid-month"
	CardInvalidName                 Code = "card.invalid-name"
	CardInvalidNumber               Code = "card.invalid-number"
	CardInvalidPARes                Code = "card.invalid-pares"
	CardInvalidPIN                  Code = "card.invalid-pin"
	CardInvalidScheme               Code = "card.invalid-scheme"
	CardInvalidTransaction          Code = "card.invalid-transaction"
	CardInvalidUCAF                 Code = "card.invalid-ucaf"
	CardInvalidVPAS                 Code = "card.invalid-vpas"
	CardInvalidYear                 Code = "card.invalid-year"
	CardInvalidZip                  Code = "card.invalid-zip"
	CardIssuerDown                  Code = "card.issuer-down"
	CardIssuerFailed                Code = "card.issuer-failed"
	CardIssuerMaintenance           Code = "card.issuer-maintenance"
	CardIssuerMalfunction           Code = "card.issuer-malfunction"
	CardIssuerNotFound              Code = "card.issuer-not-found"
	CardKeepCard                    Code = "card.keep-card"
	CardLawViolation                Code = "card.law-violation"
	CardLost                        Code = "card.lost"
	CardMaximumAttempts             Code = "card.maximum-attempts"
	CardMissing3DS                  Code = "card.missing-3ds"
	CardMissingAVS                  Code = "card.missing-avs"
	CardMissingCardholderName       Code = "card.missing-cardholder-name"
	CardMissingCVC                  Code = "card.missing-cvc"
	CardMissingExpiry               Code = "card.missing-expiry"
	CardMissingName                 Code = "card.missing-name"
	CardMissingNumber               Code = "card.missing-number"
	CardMissingPIN                  Code = "card.missing-pin"
	CardNeedsAuthentication         Code = "card.needs-authentication"
	CardNetworkFailed               Code = "card.network-failed"
	CardNoActionTaken               Code = "card.no-action-taken"
	CardNoChequeAccount             Code = "card.no-cheque-account"
	CardNoCreditAccount             Code = "card.no-credit-account"
	CardNoMoney                     Code = "card.no-money"
	CardNoSavingsAccount            Code = "card.no-savings-account"
	CardNotActivated                Code = "card.not-activated"
	CardNotAuthorized               Code = "card.not-authorized"
	CardNotFound                    Code = "card.not-found"
	CardNotRegistered               Code = "card.not-registered"
	CardNotSupported                Code = "card.not-supported"
	CardPending                     Code = "card.pending"
	CardPending3DS                  Code = "card.pending-3ds"
	CardPhysicalAuthenticationError Code = "card.physical-authentication-error"
	CardPINNotChanged               Code = "card.pin-not-changed"
	CardPleaseRetry                 Code = "card.please-retry"
	CardPossibleCounterfeit         Code = "card.possible-counterfeit"
	CardPossibleFraud               Code = "card.possible-fraud"
	CardProcessingError             Code = "card.processing-error"
	CardReauthorizationNotAllowed   Code = "card.reauthorization-not-allowed"
	CardRegionNotAuthorized         Code = "card.region-not-authorized"
	CardRestricted                  Code = "card.restricted"
	CardRevoked                     Code = "card.revoked"
	CardRevokedAll                  Code = "card.revoked-all"
	CardSecurityViolation           Code = "card.security-violation"
	CardStolen                      Code = "card.stolen"
	CardSurchargeNotAllowed         Code = "card.surcharge-not-allowed"
	CardSurchargeNotSupported       Code = "card.surcharge-not-supported"
	CardTerminalNotAllowed          Code = "card.terminal-not-allowed"
	CardTerminalNotFound            Code = "card.terminal-not-found"
	CardTerminalNotInitialized      Code = "card.terminal-not-initialized"
	CardTest                        Code = "card.test"
	CardTimeout                     Code = "card.timeout"
	CardTransactionNotProcessed     Code = "card.transaction-not-processed"
	CardTypeNotSupported            Code = "card.type-not-supported"
	CardUnsupported3DS              Code = "card.unsupported-3ds"
	CardUnsupported3DS2             Code = "card.unsupported-3ds2"
)

// Codes about the customer.
const (
	CustomerCanceled             Code = "customer.canceled"
	CustomerCancelled            Code = "customer.cancelled"
	CustomerDisputed             Code = "customer.disputed"
	CustomerInvalidAddress       Code = "customer.invalid-address"
	CustomerInvalidCity          Code = "customer.invalid-city"
	CustomerInvalidCountryCode   Code = "customer.invalid-country-code"
	CustomerInvalidEmail         Code = "customer.invalid-email"
	CustomerInvalidFirstname     Code = "customer.invalid-firstname"
	CustomerInvalidIPAddress     Code = "customer.invalid-ip-address"
	CustomerInvalidLastname      Code = "customer.invalid-lastname"
	CustomerInvalidLegalDocument Code = "customer.invalid-legal-document"
	CustomerInvalidName          Code = "customer.invalid-name"
	CustomerInvalidPhoneNumber   Code = "customer.invalid-phone-number"
	CustomerInvalidState         Code = "customer.invalid-state"
	CustomerInvalidZip           Code = "customer.invalid-zip"
	CustomerPaymentMethodRevoked Code = "customer.payment-method-revoked"
)

// Codes about the gateway (the PSP).
const (
	GatewayBlocked                Code = "gateway.blocked"
	GatewayConfigurationError     Code = "gateway.configuration-error"
	GatewayDeclined               Code = "gateway.declined"
	GatewayDuplicate              Code = "gateway.duplicate"
	GatewayExpired                Code = "gateway.expired"
	GatewayForbidden              Code = "gateway.forbidden"
	GatewayInternalError          Code = "gateway.internal-error"
	GatewayInvalidBillingAddress  Code = "gateway.invalid-billing-address"
	GatewayInvalidCredentials     Code = "gateway.invalid-credentials"
	GatewayInvalidCustomerInput   Code = "gateway.invalid-customer-input"
	GatewayInvalidMerchant        Code = "gateway.invalid-merchant"
	GatewayInvalidRepeat          Code = "gateway.invalid-repeat"
	GatewayInvalidState           Code = "gateway.invalid-state"
	GatewayLimitExceeded          Code = "gateway.limit-exceeded"
	GatewayMaintenance            Code = "gateway.maintenance"
	GatewayMissingCustomerInput   Code = "gateway.missing-customer-input"
	GatewayNetworkError           Code = "gateway.network-error"
	GatewayNotAllowed             Code = "gateway.not-allowed"
	GatewayNotFound               Code = "gateway.not-found"
	GatewayPossibleFraud          Code = "gateway.possible-fraud"
	GatewayRateLimitExceeded      Code = "gateway.rate-limit-exceeded"
	GatewayRetry                  Code = "gateway.retry"
	GatewayTimeout                Code = "gateway.timeout"
	GatewayTransactionNotFound    Code = "gateway.transaction-not-found"
	GatewayTransactionPending     Code = "gateway.transaction-pending"
	GatewayUnknownError           Code = "gateway.unknown-error"
	GatewayUnsupportedCountryCode Code = "gateway.unsupported-country-code"
	GatewayUnsupportedCurrency    Code = "gateway.unsupported-currency"
	GatewayValidationError        Code = "gateway.validation-error"
)

// Codes about the payment as a whole.
const (
	PaymentDeclined                Code = "payment.declined"
	PaymentPending                 Code = "payment.pending"
	RequestTransactionBlocked      Code = "request.transaction-blocked"
	RoutingRulesTransactionBlocked Code = "routing-rules.transaction-blocked"
)
