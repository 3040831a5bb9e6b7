package payments

import (
	"errors"
	"fmt"
)

// Error is a failure with a public code. Code and Message may be shown to a
// merchant, and so may Fields; Cause may not: it is for our own log.
//
// An error that has no *Error in its chain is internal, and nothing of its
// text leaves the process.
type Error struct {
	Code    string       // one of the codes below, or a Code of the closed list
	Message string       // a sentence that says what is wrong and what to do
	Fields  []FieldFault // the fields of the request that are at fault, if known
	Cause   error        // what went wrong inside; never shown
	// Decline says that a payment was refused, and nothing is wrong with the request.
	Decline bool
}

// FieldFault says what is wrong with one field of a request.
type FieldFault struct {
	Name    string `json:"name"`
	Message string `json:"message"`
}

// NewError returns an error with a public code and a message that a merchant
// may read.
func NewError(code, message string) *Error {
	return &Error{Code: code, Message: message}
}

// Errorf is NewError with a formatted message. It does not take %w: the text of
// a cause does not belong in a public message. Set Cause instead.
func Errorf(code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Error is the text for our log. It contains the cause, so it must not be sent
// to a client: send Code, Message and Fields.
func (e *Error) Error() string {
	text := e.Code + ": " + e.Message
	if e.Cause != nil {
		text += ": " + e.Cause.Error()
	}
	return text
}

// Unwrap returns the cause, nil if there is none.
func (e *Error) Unwrap() error { return e.Cause }

// ErrorCode returns the code of the first *Error in the chain of err, or "" if
// there is none (err is nil or internal).
func ErrorCode(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return ""
}

// Codes of failures that are not declines. A decline has a Code of the closed
// list (see Codes).
const (
	// The caller, its request as a whole, and its pace.
	CodeAuthentication        = "request.authentication"
	CodeAuthenticationInvalid = "request.authentication.invalid"
	CodeBadFormat             = "request.bad-format"
	CodeRouteNotFound         = "request.route-not-found"
	CodeIdempotencyKeyInvalid = "request.idempotency-key.invalid"
	CodeStillProcessing       = "request.still-processing"
	CodeTooMuch               = "request.too-much"
	CodeRateExceeded          = "request.rate.exceeded"
	CodeOverloaded            = "service.overloaded" // the program as a whole has its hands full

	// What is to be charged, and through which gateway.
	CodeSourceInvalid         = "request.source.invalid"
	CodeSourceCardAlreadyUsed = "request.source.card-already-used"
	CodeMissingSource         = "request.validation.missing-source"
	CodeNoGateway             = "request.configuration.missing-gateway-configuration"
	CodeGatewayNotAvailable   = "request.gateway.not-available"
	CodeOperationNotSupported = "request.gateway.operation-not-supported"

	// Fields of a request.
	CodeValidation         = "request.validation.error"
	CodeInvalidAmount      = "request.validation.invalid-amount"
	CodeInvalidCurrency    = "request.validation.invalid-currency"
	CodeMissingCurrency    = "request.validation.missing-currency"
	CodeInvalidEmail       = "request.validation.invalid-email"
	CodeInvalidURL         = "request.validation.invalid-url"
	CodeInvalidID          = "request.validation.invalid-id"
	CodeInvalidName        = "request.validation.invalid-name"
	CodeMissingName        = "request.validation.missing-name"
	CodeInvalidMetadata    = "request.validation.invalid-metadata"
	CodeInvalidDescription = "request.validation.invalid-description"
	CodeInvalidCountry     = "request.validation.invalid-country"
	CodeInvalidDate        = "request.validation.invalid-date"
	CodeInvalidType        = "request.validation.invalid-type"
	CodeExpandInvalid      = "request.expand.invalid"
	CodeFilterInvalid      = "request.filter.invalid"
	CodePaginationInvalid  = "request.pagination.invalid"

	// Things that are not there, or not in this project.
	CodeCustomerNotFound             = "resource.customer.not-found"
	CodeTokenNotFound                = "resource.token.not-found"
	CodeCardNotFound                 = "resource.card.not-found"
	CodeInvoiceNotFound              = "resource.invoice.not-found"
	CodeTransactionNotFound          = "resource.transaction.not-found"
	CodeRefundNotFound               = "resource.refund.not-found"
	CodeEventNotFound                = "resource.event.not-found"
	CodeGatewayConfigurationNotFound = "resource.gateway-configuration.not-found"
	CodeGatewayNotFound              = "resource.gateway.not-found"
	CodeProjectNotFound              = "resource.project.not-found"

	// Our own fault: the answer to every error that has no public code.
	CodeInternal = "service.internal-error"
)

// apiCodes lists the constants above that belong to a category of
// CodesByCategory; "resource" is none.
var apiCodes = [...]string{
	CodeAuthentication, CodeAuthenticationInvalid, CodeBadFormat, CodeRouteNotFound,
	CodeIdempotencyKeyInvalid, CodeStillProcessing, CodeTooMuch, CodeRateExceeded,
	CodeSourceInvalid, CodeSourceCardAlreadyUsed, CodeMissingSource, CodeNoGateway,
	CodeGatewayNotAvailable, CodeOperationNotSupported, CodeValidation, CodeInvalidAmount,
	CodeInvalidCurrency, CodeMissingCurrency, CodeInvalidEmail, CodeInvalidURL, CodeInvalidID,
	CodeInvalidName, CodeMissingName, CodeInvalidMetadata, CodeInvalidDescription,
	CodeInvalidCountry, CodeInvalidDate, CodeInvalidType, CodeExpandInvalid, CodeFilterInvalid,
	CodePaginationInvalid, CodeInternal, CodeOverloaded,
}
