package api

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"switchyard/payments"
)

// statusClientGone is what a request is logged with whose caller went away before the answer. Nobody receives it.
const statusClientGone = 499

// codeNotReady is the answer of /readyz while the program cannot take payments.
const codeNotReady = "service.not-ready"

// statuses is the one table from the codes of errors to HTTP statuses. Codes of declines are not in it: as the result of a
// payment they are statusDecline, as a fault of a request (a card number that fails its check) they are 400.
var statuses = map[string]int{
	payments.CodeAuthentication:        http.StatusUnauthorized,
	payments.CodeAuthenticationInvalid: http.StatusUnauthorized,
	payments.CodeRouteNotFound:         http.StatusNotFound,
	payments.CodeStillProcessing:       http.StatusConflict,
	payments.CodeTooMuch:               http.StatusRequestEntityTooLarge,
	payments.CodeIdempotencyKeyInvalid: http.StatusUnprocessableEntity,
	payments.CodeRateExceeded:          http.StatusTooManyRequests,

	payments.CodeBadFormat:             http.StatusBadRequest,
	payments.CodeSourceInvalid:         http.StatusBadRequest,
	payments.CodeSourceCardAlreadyUsed: http.StatusBadRequest,
	payments.CodeMissingSource:         http.StatusBadRequest,
	payments.CodeNoGateway:             http.StatusBadRequest,
	payments.CodeGatewayNotAvailable:   http.StatusBadRequest,
	payments.CodeOperationNotSupported: http.StatusBadRequest,
	payments.CodeValidation:            http.StatusBadRequest,
	payments.CodeInvalidAmount:         http.StatusBadRequest,
	payments.CodeInvalidCurrency:       http.StatusBadRequest,
	payments.CodeMissingCurrency:       http.StatusBadRequest,
	payments.CodeInvalidEmail:          http.StatusBadRequest,
	payments.CodeInvalidURL:            http.StatusBadRequest,
	payments.CodeInvalidID:             http.StatusBadRequest,
	payments.CodeInvalidName:           http.StatusBadRequest,
	payments.CodeMissingName:           http.StatusBadRequest,
	payments.CodeInvalidMetadata:       http.StatusBadRequest,
	payments.CodeInvalidDescription:    http.StatusBadRequest,
	payments.CodeInvalidCountry:        http.StatusBadRequest,
	payments.CodeInvalidDate:           http.StatusBadRequest,
	payments.CodeInvalidType:           http.StatusBadRequest,
	payments.CodeExpandInvalid:         http.StatusBadRequest,
	payments.CodeFilterInvalid:         http.StatusBadRequest,
	payments.CodePaginationInvalid:     http.StatusBadRequest,

	payments.CodeCustomerNotFound:             http.StatusNotFound,
	payments.CodeTokenNotFound:                http.StatusNotFound,
	payments.CodeCardNotFound:                 http.StatusNotFound,
	payments.CodeInvoiceNotFound:              http.StatusNotFound,
	payments.CodeTransactionNotFound:          http.StatusNotFound,
	payments.CodeRefundNotFound:               http.StatusNotFound,
	payments.CodeEventNotFound:                http.StatusNotFound,
	payments.CodeGatewayConfigurationNotFound: http.StatusNotFound,
	payments.CodeGatewayNotFound:              http.StatusNotFound,
	payments.CodeProjectNotFound:              http.StatusNotFound,
	payments.CodeWebhookEndpointNotFound:      http.StatusNotFound,

	payments.CodeInternal: http.StatusInternalServerError,
	codeNotReady:          http.StatusServiceUnavailable,

	payments.CodeOverloaded: http.StatusServiceUnavailable,
}

// statusDecline is the status of a payment or verification that was refused: the vendor's choice.
const statusDecline = http.StatusGone

// statusOfError is the status of an error.
func statusOfError(e *payments.Error) int {
	if e.Decline {
		return statusDecline
	}
	return statusOf(e.Code)
}

// statusOf is the status of an error with a public code.
func statusOf(code string) int {
	if status, ok := statuses[code]; ok {
		return status
	}
	if !payments.Code(code).Known() {
		return http.StatusInternalServerError
	}
	if strings.HasPrefix(code, "card.") || strings.HasPrefix(code, "customer.") {
		return http.StatusBadRequest // said of what was typed, before any payment was tried
	}
	return statusDecline
}

// publicError turns any error into one that may be shown. What has no public code is internal, and nothing of its text is kept.
func publicError(err error) *payments.Error {
	if e, ok := errors.AsType[*payments.Error](err); ok {
		return e
	}
	_, wrongState := errors.AsType[*payments.TransitionError](err)
	e := &payments.Error{Code: payments.CodeInternal, Message: "Something went wrong on our side. Please try again, with the same Idempotency-Key if you sent one."}
	switch {
	case errors.Is(err, payments.ErrConflict), errors.Is(err, payments.ErrClaimed):
		e.Code, e.Message = payments.CodeStillProcessing, "Another request is changing the same object. Please try again."
	case errors.Is(err, payments.ErrMoneyGuard):
		e.Code, e.Message = payments.CodeInvalidAmount, "The amount is more than what is left."
	case errors.Is(err, payments.ErrDuplicate):
		e.Code, e.Message = payments.CodeInvalidID, "There is already an object with this id."
	case wrongState:
		e.Code, e.Message = payments.CodeValidation, "This is not possible in the object's present state."
	}
	e.Cause = err
	return e
}

// missing turns the store's "not found" into the resource's.
func missing(err error, code string) error {
	if !errors.Is(err, payments.ErrNotFound) {
		return err
	}
	return payments.NewError(code, "There is no such object in this project.")
}

// badCursor turns the store's "not found" for a list's cursor into the list's.
func badCursor(err error) error {
	if !errors.Is(err, payments.ErrNotFound) {
		return err
	}
	return payments.NewError(payments.CodePaginationInvalid, "start_after or end_before names no object of this list.")
}

// clientGone reports whether the caller went away. An internal deadline is not the caller's doing.
func clientGone(ctx context.Context, err error) bool {
	return errors.Is(err, context.Canceled) && ctx.Err() != nil
}

// writeError writes the envelope of an error.
func writeError(w *writer, e *payments.Error) {
	w.open()
	w.flag("success", false)
	w.full("error_type", e.Code)
	w.full("message", e.Message)
	if len(e.Fields) > 0 {
		w.name("invalid_fields")
		w.openList()
		for _, fault := range e.Fields {
			w.open()
			w.full("name", fault.Name)
			w.full("message", fault.Message)
			w.close()
		}
		w.closeList()
	}
	w.close()
}
