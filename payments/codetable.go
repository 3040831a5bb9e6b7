package payments

// The Hard column of codeTable.
const (
	hard = true
	soft = false
)

// codeTable is the closed list, sorted by code.
//
// The classes follow a few rules, and where a code can be read in two ways the
// reading that cannot charge a payer twice is taken.
//
//   - A: the answer itself says that nothing was done, or that the network lost
//     it on the way to the issuer.
//   - B: the issuer refused without a reason that would hold at every acquirer.
//     That includes an issuer that is down: another acquirer may have another
//     path to it. A region is refused by acquirer, so it is here too.
//   - C: the payer has to be authenticated, or the proof of it was missing,
//     stale or broken. A payer who failed the authentication is D: asking again
//     without it would get round the check.
//   - D: data of the card, the address or the customer; a payer who gave up; and
//     refusals that neither another PSP nor waiting can cure but that do not
//     condemn the card (card.invalid-transaction, card.already-refused,
//     routing-rules.transaction-blocked).
//   - E: funds and limits.
//   - F: lost, stolen, suspected, forbidden by law, withdrawn by the cardholder,
//     or counted by a scheme among the codes that must not be tried again
//     (card.not-authorized is Visa's 57, card.issuer-not-found its 15). A
//     suspicion of fraud is never carried to another PSP.
//   - G: everything after which the money may have moved. A PSP that says
//     "duplicate", "wrong state", "already captured" or "not found" may be
//     speaking of our own earlier request, and one that says "internal error" or
//     "acquirer failed" had the request in hand.
//   - H: the PSP has refused for something in the merchant's account, its
//     settings or our request; another PSP may well accept.
//   - I: the stored credential, not the card, was unusable.
//
// The attribution psp is kept for results that should count against the PSP's
// health; a limit, a block or a duplicate is not one of them, and neither is a
// payment that is merely pending.
//
// The messages of lost, stolen and suspected cards do not say so: merchants show
// messages to the person who holds the card.
var codeTable = [...]CodeInfo{
	{CardAcquirerFailed, ClassUnknown, AttributedPSP, soft, "The acquirer failed while it worked on the payment; its outcome has to be looked up."},
	{CardAcquirerNotFound, ClassConfig, AttributedMerchant, soft, "The gateway has no acquirer for this card."},
	{CardAlreadyBlocked, ClassNever, AttributedIssuer, soft, "The card was refused and must not be tried again."},
	{CardAlreadyCaptured, ClassUnknown, AttributedMerchant, soft, "The payment seems to be captured already; its outcome has to be looked up."},
	{CardAlreadyRefused, ClassFixData, AttributedIssuer, soft, "The payment was refused before; use another card."},
	{CardApproveAfterIdentification, ClassStepUp, AttributedIssuer, soft, "The issuer wants the cardholder to be identified first."},
	{CardAuthorizationRevoked, ClassNever, AttributedPayer, hard, "The cardholder has withdrawn the permission to charge this card."},
	{CardBadTrackData, ClassChangeCredential, AttributedPSP, soft, "The card credential could not be read."},
	{CardBlacklisted, ClassNever, AttributedFraud, hard, "The card was refused and must not be tried again."},
	{CardCanceledByClient, ClassFixData, AttributedPayer, soft, "The payer cancelled the payment."},
	{CardCannotVerifyPIN, ClassFixData, AttributedIssuer, soft, "The PIN could not be verified; use another card."},
	{CardContactAcquirer, ClassConfig, AttributedMerchant, soft, "The acquirer asks the merchant to get in touch."},
	{CardContactBank, ClassCascadeOnce, AttributedIssuer, soft, "The issuer wants the cardholder to get in touch."},
	{CardCouldnt3DS, ClassConfig, AttributedMerchant, soft, "3-D Secure could not be done at this gateway."},
	{CardCurrencyUnsupported, ClassConfig, AttributedMerchant, soft, "The card cannot be charged in this currency at this gateway."},
	{CardDeclined, ClassCascadeOnce, AttributedIssuer, soft, "The card was declined."},
	{CardDoNotHonor, ClassCascadeOnce, AttributedIssuer, soft, "The issuer declined the payment and gave no reason."},
	{CardDontRetry, ClassNever, AttributedIssuer, soft, "The card was declined for good and must not be tried again."},
	{CardDuplicate, ClassUnknown, AttributedMerchant, soft, "The payment looks like one made before; its outcome has to be looked up."},
	{CardECIConflict, ClassStepUp, AttributedMerchant, soft, "The proof of authentication contradicts itself; authenticate again."},
	{CardExceededActivityLimits, ClassLater, AttributedPayer, soft, "The card has been used too often for now."},
	{CardExceededLimits, ClassLater, AttributedPayer, soft, "The payment exceeds a limit of the card."},
	{CardExceededMaximumAmount, ClassLater, AttributedPayer, soft, "The amount exceeds what the card may pay at once."},
	{CardExceededPINAttempts, ClassFixData, AttributedPayer, soft, "A wrong PIN was entered too often; use another card."},
	{CardExceededWithdrawalLimit, ClassLater, AttributedPayer, soft, "The payment exceeds the card's withdrawal limit."},
	{CardExemptionDeclined, ClassStepUp, AttributedIssuer, soft, "The issuer did not accept the exemption; authenticate the cardholder."},
	{CardExpired, ClassFixData, AttributedPayer, soft, "The card has expired."},
	{CardExpired3DS, ClassStepUp, AttributedPayer, soft, "The authentication took too long; authenticate again."},
	{CardFailed3DS, ClassFixData, AttributedPayer, soft, "The cardholder could not be authenticated."},
	{CardFailed3DSTechnical, ClassStepUp, AttributedPSP, soft, "The authentication failed for a technical reason; authenticate again."},
	{CardFailedAVS, ClassFixData, AttributedPayer, soft, "The billing address does not match the card."},
	{CardFailedAVSAddress, ClassFixData, AttributedPayer, soft, "The street of the billing address does not match the card."},
	{CardFailedAVSPostal, ClassFixData, AttributedPayer, soft, "The postal code of the billing address does not match the card."},
	{CardFailedCVC, ClassFixData, AttributedPayer, soft, "The card's security code is wrong."},
	{CardFailedCVCAndAVS, ClassFixData, AttributedPayer, soft, "The card's security code and the billing address are wrong."},
	{CardFailedThreeDS, ClassFixData, AttributedPayer, soft, "The cardholder could not be authenticated."},
	{CardFormattingError, ClassConfig, AttributedMerchant, soft, "The acquirer or issuer could not read the payment message."},
	{CardHighRisk, ClassNever, AttributedFraud, soft, "The payment was refused and must not be tried again with this card."},
	{CardHolderNotAuthorized, ClassNever, AttributedIssuer, soft, "The cardholder may not make this payment."},
	{CardInactive, ClassFixData, AttributedPayer, soft, "The card is not active."},
	{CardInvalid, ClassFixData, AttributedPayer, soft, "The card's data are wrong."},
	{CardInvalidAccount, ClassNever, AttributedIssuer, soft, "The card's account does not exist or is closed."},
	{CardInvalidAddress, ClassFixData, AttributedPayer, soft, "The billing address is not valid."},
	{CardInvalidAmount, ClassConfig, AttributedMerchant, soft, "The amount is not accepted for this card at this gateway."},
	{CardInvalidAVS, ClassFixData, AttributedPayer, soft, "The billing address could not be used for the address check."},
	{CardInvalidBankCountryCode, ClassFixData, AttributedPayer, soft, "The country of the card's bank is not valid."},
	{CardInvalidBrand, ClassFixData, AttributedPayer, soft, "The card's brand is not valid for its number."},
	{CardInvalidCVC, ClassFixData, AttributedPayer, soft, "The card's security code is not valid."},
	{CardInvalidDate, ClassFixData, AttributedPayer, soft, "The card's expiry date is not valid."},
	{CardInvalidECI, ClassStepUp, AttributedMerchant, soft, "The proof of authentication has a wrong indicator; authenticate again."},
	{CardInvalidExpiryDate, ClassFixData, AttributedPayer, soft, "The card's expiry date is not valid."},
	{CardInvalidExpiryMonth, ClassFixData, AttributedPayer, soft, "The card's expiry month is not valid."},
	{CardInvalidExpiryYear, ClassFixData, AttributedPayer, soft, "The card's expiry year is not valid."},
	{CardInvalidMerchant, ClassConfig, AttributedMerchant, soft, "The acquirer or issuer does not know the merchant account."},
	{CardInvalidMonth, ClassFixData, AttributedPayer, soft, "The card's expiry month is not valid."},
	{CardInvalidName, ClassFixData, AttributedPayer, soft, "The cardholder's name is not valid."},
	{CardInvalidNumber, ClassFixData, AttributedPayer, soft, "The card number is not valid."},
	{CardInvalidPARes, ClassStepUp, AttributedPSP, soft, "The answer of the authentication is not valid; authenticate again."},
	{CardInvalidPIN, ClassFixData, AttributedPayer, soft, "The PIN is wrong."},
	{CardInvalidScheme, ClassFixData, AttributedPayer, soft, "The card's scheme is not valid for its number."},
	{CardInvalidTransaction, ClassFixData, AttributedMerchant, soft, "The issuer does not accept this kind of payment."},
	{CardInvalidUCAF, ClassStepUp, AttributedPSP, soft, "The proof of authentication is not valid; authenticate again."},
	{CardInvalidVPAS, ClassStepUp, AttributedPSP, soft, "The proof of authentication is not valid; authenticate again."},
	{CardInvalidYear, ClassFixData, AttributedPayer, soft, "The card's expiry year is not valid."},
	{CardInvalidZip, ClassFixData, AttributedPayer, soft, "The postal code of the billing address is not valid."},
	{CardIssuerDown, ClassCascadeOnce, AttributedIssuer, soft, "The issuer cannot be reached."},
	{CardIssuerFailed, ClassCascadeOnce, AttributedIssuer, soft, "The issuer failed to answer properly."},
	{CardIssuerMaintenance, ClassCascadeOnce, AttributedIssuer, soft, "The issuer is closed for maintenance."},
	{CardIssuerMalfunction, ClassCascadeOnce, AttributedIssuer, soft, "The issuer has a malfunction."},
	{CardIssuerNotFound, ClassNever, AttributedIssuer, soft, "No issuer is known for this card number."},
	{CardKeepCard, ClassNever, AttributedFraud, hard, "The card was refused and must not be tried again."},
	{CardLawViolation, ClassNever, AttributedFraud, soft, "The payment was refused for legal reasons and must not be tried again."},
	{CardLost, ClassNever, AttributedFraud, hard, "The card was refused and must not be tried again."},
	{CardMaximumAttempts, ClassLater, AttributedPayer, soft, "The card has been tried too often for now."},
	{CardMissing3DS, ClassStepUp, AttributedMerchant, soft, "The gateway requires the cardholder to be authenticated."},
	{CardMissingAVS, ClassFixData, AttributedPayer, soft, "The billing address is missing."},
	{CardMissingCardholderName, ClassFixData, AttributedPayer, soft, "The cardholder's name is missing."},
	{CardMissingCVC, ClassFixData, AttributedPayer, soft, "The card's security code is missing."},
	{CardMissingExpiry, ClassFixData, AttributedPayer, soft, "The card's expiry date is missing."},
	{CardMissingName, ClassFixData, AttributedPayer, soft, "The cardholder's name is missing."},
	{CardMissingNumber, ClassFixData, AttributedPayer, soft, "The card number is missing."},
	{CardMissingPIN, ClassFixData, AttributedPayer, soft, "The PIN is missing."},
	{CardNeedsAuthentication, ClassStepUp, AttributedIssuer, soft, "The issuer requires the cardholder to be authenticated."},
	{CardNetworkFailed, ClassCascade, AttributedPSP, soft, "The card network failed to process the payment."},
	{CardNoActionTaken, ClassCascade, AttributedPSP, soft, "The payment was not processed."},
	{CardNoChequeAccount, ClassCascadeOnce, AttributedIssuer, soft, "The card has no cheque account to charge."},
	{CardNoCreditAccount, ClassCascadeOnce, AttributedIssuer, soft, "The card has no credit account to charge."},
	{CardNoMoney, ClassLater, AttributedPayer, soft, "The card's account has insufficient funds."},
	{CardNoSavingsAccount, ClassCascadeOnce, AttributedIssuer, soft, "The card has no savings account to charge."},
	{CardNotActivated, ClassFixData, AttributedPayer, soft, "The card is not activated yet."},
	{CardNotAuthorized, ClassNever, AttributedIssuer, soft, "The card may not be used for this payment."},
	{CardNotFound, ClassFixData, AttributedIssuer, soft, "The card is not known."},
	{CardNotRegistered, ClassFixData, AttributedPayer, soft, "The card is not registered for this kind of payment."},
	{CardNotSupported, ClassConfig, AttributedMerchant, soft, "The gateway does not accept this card."},
	{CardPending, ClassUnknown, AttributedIssuer, soft, "The outcome of the payment is not known yet."},
	{CardPending3DS, ClassUnknown, AttributedPayer, soft, "The authentication of the cardholder has not ended yet."},
	{CardPhysicalAuthenticationError, ClassFixData, AttributedPayer, soft, "The card could not be authenticated at the terminal."},
	{CardPINNotChanged, ClassFixData, AttributedPayer, soft, "The card's PIN has to be changed first."},
	{CardPleaseRetry, ClassCascade, AttributedIssuer, soft, "The payment was not made; it may be tried again."},
	{CardPossibleCounterfeit, ClassNever, AttributedFraud, soft, "The card was refused and must not be tried again."},
	{CardPossibleFraud, ClassNever, AttributedFraud, hard, "The payment was refused and must not be tried again with this card."},
	{CardProcessingError, ClassCascade, AttributedPSP, soft, "The payment could not be processed."},
	{CardReauthorizationNotAllowed, ClassFixData, AttributedIssuer, soft, "The payment cannot be authorized again."},
	{CardRegionNotAuthorized, ClassCascadeOnce, AttributedIssuer, soft, "The card may not be used in this region."},
	{CardRestricted, ClassNever, AttributedIssuer, soft, "The card is restricted and may not be used for this payment."},
	{CardRevoked, ClassNever, AttributedPayer, soft, "The cardholder has withdrawn the permission to charge this card."},
	{CardRevokedAll, ClassNever, AttributedPayer, soft, "The cardholder has withdrawn every permission to charge this card."},
	{CardSecurityViolation, ClassNever, AttributedFraud, hard, "The payment was refused and must not be tried again with this card."},
	{CardStolen, ClassNever, AttributedFraud, hard, "The card was refused and must not be tried again."},
	{CardSurchargeNotAllowed, ClassConfig, AttributedMerchant, soft, "A surcharge is not allowed on this card."},
	{CardSurchargeNotSupported, ClassConfig, AttributedMerchant, soft, "The gateway cannot process a surcharge."},
	{CardTerminalNotAllowed, ClassConfig, AttributedMerchant, soft, "The merchant's terminal may not make this payment."},
	{CardTerminalNotFound, ClassConfig, AttributedMerchant, soft, "The merchant's terminal is not known."},
	{CardTerminalNotInitialized, ClassConfig, AttributedMerchant, soft, "The merchant's terminal is not set up."},
	{CardTest, ClassFixData, AttributedPayer, soft, "A test card cannot be charged in production."},
	{CardTimeout, ClassUnknown, AttributedPSP, soft, "No answer came in time; the outcome of the payment has to be looked up."},
	{CardTransactionNotProcessed, ClassCascade, AttributedPSP, soft, "The payment was not processed."},
	{CardTypeNotSupported, ClassConfig, AttributedMerchant, soft, "The gateway does not accept this type of card."},
	{CardUnsupported3DS, ClassConfig, AttributedMerchant, soft, "3-D Secure was asked for, and the card or the gateway cannot do it."},
	{CardUnsupported3DS2, ClassConfig, AttributedMerchant, soft, "3-D Secure 2 was asked for, and the card or the gateway cannot do it."},
	{CustomerCanceled, ClassFixData, AttributedPayer, soft, "The payer cancelled the payment."},
	{CustomerCancelled, ClassFixData, AttributedPayer, soft, "The payer cancelled the payment."},
	{CustomerDisputed, ClassNever, AttributedPayer, soft, "The payer disputes the payment."},
	{CustomerInvalidAddress, ClassFixData, AttributedPayer, soft, "The customer's address is not valid."},
	{CustomerInvalidCity, ClassFixData, AttributedPayer, soft, "The customer's city is not valid."},
	{CustomerInvalidCountryCode, ClassFixData, AttributedPayer, soft, "The customer's country is not valid."},
	{CustomerInvalidEmail, ClassFixData, AttributedPayer, soft, "The customer's e-mail address is not valid."},
	{CustomerInvalidFirstname, ClassFixData, AttributedPayer, soft, "The customer's first name is not valid."},
	{CustomerInvalidIPAddress, ClassFixData, AttributedPayer, soft, "The customer's IP address is not valid."},
	{CustomerInvalidLastname, ClassFixData, AttributedPayer, soft, "The customer's last name is not valid."},
	{CustomerInvalidLegalDocument, ClassFixData, AttributedPayer, soft, "The customer's legal document is not valid."},
	{CustomerInvalidName, ClassFixData, AttributedPayer, soft, "The customer's name is not valid."},
	{CustomerInvalidPhoneNumber, ClassFixData, AttributedPayer, soft, "The customer's phone number is not valid."},
	{CustomerInvalidState, ClassFixData, AttributedPayer, soft, "The customer's state or province is not valid."},
	{CustomerInvalidZip, ClassFixData, AttributedPayer, soft, "The customer's postal code is not valid."},
	{CustomerPaymentMethodRevoked, ClassNever, AttributedPayer, soft, "The payer has withdrawn this payment method."},
	{GatewayBlocked, ClassConfig, AttributedMerchant, hard, "The merchant's account at the gateway is restricted."},
	{GatewayConfigurationError, ClassConfig, AttributedMerchant, soft, "The gateway is not configured correctly."},
	{GatewayDeclined, ClassCascadeOnce, AttributedIssuer, soft, "The gateway declined the payment."},
	{GatewayDuplicate, ClassUnknown, AttributedMerchant, soft, "The gateway has seen this payment before; its outcome has to be looked up."},
	{GatewayExpired, ClassFixData, AttributedPayer, soft, "The payment was not completed in time."},
	{GatewayForbidden, ClassConfig, AttributedMerchant, soft, "The gateway does not allow this request."},
	{GatewayInternalError, ClassUnknown, AttributedPSP, soft, "The gateway failed; the outcome of the payment has to be looked up."},
	{GatewayInvalidBillingAddress, ClassFixData, AttributedPayer, soft, "The billing address is not valid for the gateway."},
	{GatewayInvalidCredentials, ClassConfig, AttributedMerchant, soft, "The gateway does not accept the configured credentials."},
	{GatewayInvalidCustomerInput, ClassFixData, AttributedPayer, soft, "The payer's input is not valid."},
	{GatewayInvalidMerchant, ClassConfig, AttributedMerchant, soft, "The gateway does not know the merchant account."},
	{GatewayInvalidRepeat, ClassUnknown, AttributedMerchant, soft, "The gateway refused a repeated payment; the outcome of the first has to be looked up."},
	{GatewayInvalidState, ClassUnknown, AttributedMerchant, soft, "The payment is in another state at the gateway; its outcome has to be looked up."},
	{GatewayLimitExceeded, ClassConfig, AttributedMerchant, soft, "The payment exceeds a limit of the merchant's account at the gateway."},
	{GatewayMaintenance, ClassCascade, AttributedPSP, soft, "The gateway is closed for maintenance."},
	{GatewayMissingCustomerInput, ClassFixData, AttributedPayer, soft, "The payer's input is not complete."},
	{GatewayNetworkError, ClassCascade, AttributedPSP, soft, "The gateway cannot be reached."},
	{GatewayNotAllowed, ClassConfig, AttributedMerchant, soft, "The merchant's account at the gateway does not include this feature."},
	{GatewayNotFound, ClassConfig, AttributedMerchant, soft, "The gateway does not know something that the request names."},
	{GatewayPossibleFraud, ClassNever, AttributedFraud, hard, "The payment was refused and must not be tried again with this card."},
	{GatewayRateLimitExceeded, ClassCascade, AttributedPSP, soft, "The gateway receives too many requests."},
	{GatewayRetry, ClassCascade, AttributedPSP, soft, "The payment was not made; the gateway asks to try again."},
	{GatewayTimeout, ClassUnknown, AttributedPSP, soft, "The gateway did not answer in time; the outcome of the payment has to be looked up."},
	{GatewayTransactionNotFound, ClassUnknown, AttributedMerchant, soft, "The gateway does not show the payment; its outcome has to be looked up."},
	{GatewayTransactionPending, ClassUnknown, AttributedIssuer, soft, "The gateway is still working on the payment."},
	{GatewayUnknownError, ClassUnknown, AttributedPSP, soft, "The gateway answered with an unknown error; the outcome of the payment has to be looked up."},
	{GatewayUnsupportedCountryCode, ClassConfig, AttributedMerchant, soft, "The gateway does not support this country."},
	{GatewayUnsupportedCurrency, ClassConfig, AttributedMerchant, soft, "The gateway does not support this currency."},
	{GatewayValidationError, ClassConfig, AttributedMerchant, soft, "The gateway did not accept the request."},
	{PaymentDeclined, ClassCascadeOnce, AttributedIssuer, soft, "The payment was declined."},
	{PaymentPending, ClassUnknown, AttributedIssuer, soft, "The outcome of the payment is not known yet."},
	{RequestTransactionBlocked, ClassNever, AttributedFraud, soft, "The payment was blocked by a rule and must not be tried again with this card."},
	{RoutingRulesTransactionBlocked, ClassFixData, AttributedMerchant, soft, "The payment was blocked by a routing rule."},
}
