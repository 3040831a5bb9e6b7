package xendit

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"switchyard/sims/psp"
)

// The codes of errors that more than one endpoint gives.
const (
	codeValidation = "API_VALIDATION_ERROR"
	codeValue      = "INVALID_VALUE_ERROR"
	codeAmount     = "INVALID_AMOUNT"
	codeNotFound   = "DATA_NOT_FOUND"
	codeInactive   = "INACTIVE_PAYMENT_REQUEST"
	codeIneligible = "INELIGIBLE_TRANSACTION_STATUS"
	codeDuplicate  = "DUPLICATE_ERROR"
)

// Complain is Xendit's answer when it does nothing.
func (s *Sim) Complain(c psp.Complaint) psp.Answer {
	var a psp.Answer
	switch c {
	case psp.Unauthorized401:
		a = problem(http.StatusUnauthorized, "INVALID_API_KEY", "API key is not authorized for this API service")
	case psp.Throttled429:
		a = problem(http.StatusTooManyRequests, "RATE_LIMIT_EXCEEDED", "The rate limit was exceeded, try again later")
		a.Header.Set("Rate-Limit-Limit", "60")
		a.Header.Set("Rate-Limit-Remaining", "0")
		a.Header.Set("Rate-Limit-Reset", "30")
	case psp.Unavailable503:
		a = problem(http.StatusServiceUnavailable, "CHANNEL_UNAVAILABLE", "The payment channel is currently unavailable")
	default:
		a = problem(http.StatusInternalServerError, "SERVER_ERROR", "An unexpected error occurred")
	}
	a.Unkept = true
	return a
}

func problem(status int, code, message string) psp.Answer {
	return psp.JSON(status, psp.Object{"error_code": code, "message": message})
}

// invalid is the answer to a request that is wrong in itself.
func invalid(message string) psp.Answer {
	a := psp.JSON(http.StatusBadRequest, psp.Object{
		"error_code": codeValidation, "message": message, "errors": []string{message},
	})
	a.Unkept = true
	return a
}

func wrongValue(code, message string) psp.Answer {
	a := problem(http.StatusBadRequest, code, message)
	a.Unkept = true
	return a
}

func notFound(what string) psp.Answer {
	a := problem(http.StatusNotFound, codeNotFound, what+" not found")
	a.Unkept = true
	return a
}

func ineligible(status string) psp.Answer {
	return problem(http.StatusBadRequest, codeIneligible, "The status "+status+" does not allow this")
}

// decode reads a JSON body. When it cannot, the answer says why.
func decode(body []byte, into any) (psp.Answer, bool) {
	if len(body) == 0 {
		return psp.Answer{}, true
	}
	if err := json.Unmarshal(body, into); err != nil {
		return invalid("The request body is not valid: " + err.Error()), false
	}
	return psp.Answer{}, true
}

// decodeKnown reads a JSON body that may have no other fields than those of into.
func decodeKnown(body []byte, into any) (psp.Answer, bool) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(into)
	if err == nil {
		if _, more := decoder.Token(); !errors.Is(more, io.EOF) {
			return invalid("The request body is not valid: it is more than one JSON value"), false
		}
		return psp.Answer{}, true
	}
	return invalid("The request body is not valid: " + err.Error()), false
}

// orNull is null for an empty text.
func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

func rawOrNull(raw json.RawMessage) any {
	if len(raw) == 0 {
		return nil
	}
	return raw
}
